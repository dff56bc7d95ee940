"""The page: its views, and what they share (head, theme, style)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from qa.settings import Settings
from ui.about import about_html
from ui.chat import build_ask
from ui.comparison import build_comparison
from ui.live import Answers
from ui.lookback import build_lookback
from ui.render import escape
from ui.words import WORDS, label, said, said_as

if TYPE_CHECKING:
    import gradio as gr

__all__ = ["build_page", "header_html", "keep_no_values", "page_head", "page_theme"]

_STATIC: Final = Path(__file__).parent / "static"
_STYLES: Final = (
    "chat.css",
    "page.css",
    "proof.css",
    "picker.css",
    "label.css",
    "own.css",
    "feedback.css",
    "compare.css",
    "lookback.css",
)
_SCRIPTS: Final = (
    "chat.js",
    "proof.js",
    "picker.js",
    "label.js",
    "own.js",
    "feedback.js",
    "compare.js",
    "lookback.js",
    "page.js",
)


def build_page(answers: Answers, settings: Settings) -> gr.Blocks:
    """The page with all its views, ready to be mounted; ``page_head`` and ``page_theme`` go to the mount."""
    import gradio as gr

    with gr.Blocks(title="fineprint", analytics_enabled=False, fill_width=True) as page:
        gr.HTML(header_html(), elem_id="fp-header")
        with gr.Tabs(elem_id="fp-views", selected="ask"):
            with gr.Tab(label("shell.ask"), id="ask", elem_id="fp-view-ask"):
                build_ask(page, answers, settings)
            with gr.Tab(label("shell.compare"), id="compare", elem_id="fp-view-compare"):
                build_comparison(page, answers, settings)
            with gr.Tab(label("shell.lookback"), id="lookback", elem_id="fp-view-lookback"):
                build_lookback(page, answers, settings)
            with gr.Tab(label("shell.about"), id="about", elem_id="fp-view-about"):
                gr.HTML(about_html(settings.llm or ""))
    # Without api_open=False, what stands in the queue could be called past it, and past the guard's count of questions.
    page.queue(default_concurrency_limit=4, max_size=64, api_open=False)
    return page


class _Sessions(OrderedDict[str, Any]):
    """Gradio's sessions, made to keep nothing of what is asked and answered in them."""

    def __setitem__(self, session: str, state: Any) -> None:
        state._update_value_in_config = lambda *_: None
        super().__setitem__(session, state)


def keep_no_values(page: gr.Blocks) -> None:
    """Keeps Gradio from keeping conversations: of a page that is mounted, no session holds any component's values.

    By itself it holds the last value of every component for ten thousand sessions, for links to a page's state, which
    are closed here (``ui.guard``).
    """
    page.state_holder.session_data = _Sessions()


def page_head() -> str:
    """What goes into the page's head: its style and script, inline, so that nothing is fetched.

    The style does not go through Gradio's ``css``, which rewrites selectors.
    """
    style, script = (
        "\n".join((_STATIC / name).read_text(encoding="utf-8") for name in names) for names in (_STYLES, _SCRIPTS)
    )
    return f'<meta name="color-scheme" content="light dark"><style>{style}</style><script>{script}</script>'


def page_theme() -> gr.themes.Base:
    """Gradio's base theme with the page's fonts (all on the reader's machine) and its one accent colour."""
    import gradio as gr

    font, mono = gr.themes.Font("system-ui"), gr.themes.Font("ui-monospace")
    theme = gr.themes.Base(
        primary_hue=gr.themes.colors.teal,
        neutral_hue=gr.themes.colors.stone,
        radius_size=gr.themes.sizes.radius_md,
        font=[font, gr.themes.Font("sans-serif")],
        font_mono=[mono, gr.themes.Font("monospace")],
    )
    theme.set(
        body_background_fill="#faf8f4",
        body_background_fill_dark="#171513",
        block_background_fill="transparent",
        block_border_width="0px",
        block_shadow="none",
        button_primary_background_fill="#0f6b5f",
        button_primary_background_fill_hover="#0b574d",
        button_primary_text_color="#ffffff",
        button_primary_background_fill_dark="#2f9c8c",
        button_primary_background_fill_hover_dark="#48b3a3",
        button_primary_text_color_dark="#0c1413",
    )
    return theme


_NAMES: Final = {"en": "English", "de": "Deutsch", "fr": "Français", "es": "Español"}
_KEYS: Final = (
    (("/",), "page.key_question"),
    (("Ctrl", "K"), "page.key_question_anywhere"),
    (("p",), "page.key_picker"),
    (("1", "2", "3", "4"), "page.key_views"),
    (("?",), "page.key_list"),
    (("Esc",), "page.key_close"),
)


def header_html() -> str:
    """The page's head: what this is, language, light or dark, and the list of shortcuts."""
    languages = "".join(f'<option value="{code}" lang="{code}">{name}</option>' for code, name in _NAMES.items())
    themes = "".join(
        f'<option value="{name}" data-t="page.theme_{name}">{escape(WORDS[f"page.theme_{name}"]["en"])}</option>'
        for name in ("system", "light", "dark")
    )
    return (
        f'<a class="fp-skip" href="#fp-views">{said("page.skip")}</a>'
        f'<header class="fp-head"><div class="fp-brand"><h1>fineprint</h1><p>{said("page.tagline")}</p></div>'
        f'<div class="fp-controls"><select id="fp-language" {_named("page.language")}>{languages}</select>'
        f'<select id="fp-theme" {_named("page.theme")}>{themes}</select>'
        f'<button type="button" id="fp-keys" aria-haspopup="dialog" {_named("page.keys")}>?</button></div></header>'
        f'{_keys_dialog()}<p id="fp-said" role="status"></p>'
    )


def _keys_dialog() -> str:
    rows = "".join(f"<dt>{_keys(keys)}</dt><dd>{said(key)}</dd>" for keys, key in _KEYS)
    return (
        '<dialog id="fp-keys-dialog" class="fp-dialog" aria-labelledby="fp-keys-title">'
        f'<h2 id="fp-keys-title">{said("page.keys")}</h2><dl>{rows}</dl>'
        f'<label><input type="checkbox" id="fp-keys-on" checked> {said("page.keys_on")}</label>'
        f'<p class="fp-soft">{said("page.keys_note")}</p>'
        f'<button type="button" id="fp-keys-close">{said("page.close")}</button></dialog>'
    )


def _keys(keys: Sequence[str]) -> str:
    between = " + " if keys[0] == "Ctrl" else " "
    return between.join(f"<kbd>{escape(key)}</kbd>" for key in keys)


def _named(key: str) -> str:
    return f"{said_as('aria-label', key)} {said_as('title', key)}"
