"""What fineprint is, and what it is not."""

from __future__ import annotations

from typing import Final

from ui.render import escape
from ui.worded import provider_of
from ui.words import said

__all__ = ["FIGURES", "about_html"]

FIGURES: Final = (("about.right", 0.626), ("about.proof", 0.753), ("about.silent", 0.919))
"""Out of fold, over 1,800 questions about 100 policies; docs/models.md says how they were measured."""

_SECTIONS: Final = (
    ("about.what", ("about.what_text",), ()),
    ("about.is_not", (), ("about.not_advice", "about.not_deeds", "about.not_now", "about.not_other")),
)
_STORED: Final = ("about.stored_address", "about.stored_own", "about.stored_browser")


def about_html(model: str = "") -> str:
    """The page's "about", as safe HTML.

    Args:
        model: the chat model that words answers, as ``Settings.llm`` names it, if there is one. Readers are told who
            runs it, and what is sent there.
    """
    name = provider_of(model)
    sections = "".join(_section(title, paragraphs, items) for title, paragraphs, items in _SECTIONS)
    worded = f"<p>{said('about.model', name=name)}</p>" if model else ""
    told = f"{said('about.how_text')} {said('about.no_model')}" if not model else said("about.how_text")
    how = f"<h2>{said('about.how')}</h2><p>{told}</p>{worded}<p>{said('about.checked')}</p>"
    figures = "".join(f"<li><b>{escape(f'{100 * share:.0f} %')}</b>{said(key)}</li>" for key, share in FIGURES)
    often = (
        f'<h2>{said("about.often")}</h2><p>{said("about.often_text")}</p><ul class="fp-figures">{figures}</ul>'
        f"<p>{said('about.often_advice')}</p>"
    )
    kept = (said("about.stored_unkept"), said("about.stored_model", name=name)) if model else ()
    stored = "".join(
        f"<li>{each}</li>" for each in (*(kept or (said("about.stored_questions"),)), *(said(key) for key in _STORED))
    )
    forget = f'<p><button type="button" id="fp-forget">{said("about.forget")}</button></p>'
    return (
        f'<div class="fp-about-text">{sections}{how}{often}<h2>{said("about.stored")}</h2><ul>{stored}</ul>{forget}'
        f"{_section('about.licence', ('about.licence_text',), ())}</div>"
    )


def _section(title: str, paragraphs: tuple[str, ...], items: tuple[str, ...]) -> str:
    text = "".join(f"<p>{said(key)}</p>" for key in paragraphs)
    listed = "".join(f"<li>{said(key)}</li>" for key in items)
    return f"<h2>{said(title)}</h2>{text}" + (f"<ul>{listed}</ul>" if listed else "")
