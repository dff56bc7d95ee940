"""What fineprint is, and what it is not."""

from __future__ import annotations

from typing import Final

from ui.render import escape
from ui.words import said

__all__ = ["FIGURES", "about_html"]

FIGURES: Final = (("about.right", 0.626), ("about.proof", 0.753), ("about.silent", 0.919))
"""Out of fold, over 1,800 questions about 100 policies; docs/models.md says how they were measured."""

_SECTIONS: Final = (
    ("about.what", ("about.what_text",), ()),
    ("about.is_not", (), ("about.not_advice", "about.not_deeds", "about.not_now", "about.not_other")),
    ("about.how", ("about.how_text", "about.checked"), ()),
)
_STORED: Final = ("about.stored_questions", "about.stored_address", "about.stored_own", "about.stored_browser")


def about_html() -> str:
    """The page's "about", as safe HTML."""
    sections = "".join(_section(title, paragraphs, items) for title, paragraphs, items in _SECTIONS)
    figures = "".join(f"<li><b>{escape(f'{100 * share:.0f} %')}</b>{said(key)}</li>" for key, share in FIGURES)
    often = (
        f'<h2>{said("about.often")}</h2><p>{said("about.often_text")}</p><ul class="fp-figures">{figures}</ul>'
        f"<p>{said('about.often_advice')}</p>"
    )
    forget = f'<p><button type="button" id="fp-forget">{said("about.forget")}</button></p>'
    return (
        f'<div class="fp-about-text">{sections}{often}{_section("about.stored", (), _STORED)}{forget}'
        f"{_section('about.licence', ('about.licence_text',), ())}</div>"
    )


def _section(title: str, paragraphs: tuple[str, ...], items: tuple[str, ...]) -> str:
    text = "".join(f"<p>{said(key)}</p>" for key in paragraphs)
    listed = "".join(f"<li>{said(key)}</li>" for key in items)
    return f"<h2>{said(title)}</h2>{text}" + (f"<ul>{listed}</ul>" if listed else "")
