"""Choosing a policy among thousands: a combobox of our own, because Gradio's holds every choice in the page.

The page's script (static/picker.js) fills it from ``GET /api/v1/sites`` as somebody types, and keeps what was chosen in
a hidden text box, which Gradio knows about.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, Literal

from qa.domain import PolicyCard
from qa.finding import Finder
from ui.live import Answers
from ui.render import escape
from ui.words import said, said_as

if TYPE_CHECKING:
    import gradio as gr

__all__ = ["MOST_CHOSEN", "Finders", "build_picker", "chosen_ids", "picker_html"]

MOST_CHOSEN: Final = 20
"""Policies that a picker of several takes at most."""

_LONGEST_ID: Final = 300


class Finders:
    """A ``Finder`` over what is indexed now, prepared once for each state of the index. Thread-safe."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._known: tuple[tuple[PolicyCard, ...], Finder] | None = None

    def current(self) -> Finder:
        """The finder. Raises an IndexProblem where nothing can be read."""
        cards = self._answers.cards()
        known = self._known
        if known is not None and known[0] is cards:  # an unchanged index gives the very same cards
            return known[1]
        finder = Finder(cards)
        finder.prepare()
        self._known = (cards, finder)
        return finder


def build_picker(
    elem_id: str,
    *,
    multiple: bool = False,
    only: Literal["versions"] | None = None,
    label: str = "picker.policy",
    empty: str = "picker.any",
    hint: str | None = None,
    remember: bool = True,
) -> gr.Textbox:
    """A picker in the Blocks that are being built.

    Args:
        elem_id: the picker's id in the page; its hidden text box has ``{elem_id}-value``.
        multiple: several may be chosen; the value then has one id a line.
        only: "versions" offers only sites with several versions, each as a whole.
        label: key in ``ui.words`` of what is chosen here.
        empty: key in ``ui.words`` of what choosing nothing means.
        hint: key of what an empty field says, where it is not that.
        remember: whether what is chosen is offered first the next time, in this browser only.

    Returns:
        The hidden text box: its value is the id of the chosen policy, or "", and ``.change`` tells of it. A value that
        a callback gives it is shown in the picker.
    """
    import gradio as gr

    gr.HTML(
        picker_html(elem_id, multiple=multiple, only=only, label=label, empty=empty, hint=hint, remember=remember),
        elem_id=elem_id,
        elem_classes="fp-pick-host",
    )
    value = gr.Textbox(
        "", elem_id=f"{elem_id}-value", visible="hidden", show_label=False, container=False, interactive=True,
        max_length=_LONGEST_ID * (MOST_CHOSEN if multiple else 1), max_lines=MOST_CHOSEN,
    )  # fmt: skip
    value.change(
        None, inputs=value, js=f"(value) => window.fineprint?.pickers?.show({json.dumps(elem_id)}, value)",
        queue=False, api_visibility="private",
    )  # fmt: skip
    return value


def chosen_ids(value: str | None) -> tuple[str, ...]:
    """The ids in the value of a picker of several, each once, at most as many as it takes."""
    lines = (line.strip() for line in (value or "").splitlines())
    return tuple(dict.fromkeys(line for line in lines if line))[:MOST_CHOSEN]


def picker_html(
    elem_id: str, *, multiple: bool, only: str | None, label: str, empty: str, hint: str | None, remember: bool
) -> str:
    """The combobox as safe HTML; closed, with nothing chosen."""
    name = escape(elem_id)
    data = f'data-picker="{name}" data-empty="{escape(empty)}" data-most="{MOST_CHOSEN if multiple else 1}"'
    data += f' data-only="{only}"' if only else ""
    data += " data-remember" if remember else ""
    return (
        f'<div class="fp-pick" {data}>'
        f'<label class="fp-pick-label" for="{name}-input">{said(label)}</label>'
        '<div class="fp-pick-box"><ul class="fp-pick-chosen" hidden></ul>'
        f'<input id="{name}-input" class="fp-pick-input" type="text" role="combobox" aria-autocomplete="list" '
        f'aria-expanded="false" aria-controls="{name}-list" autocomplete="off" autocapitalize="none" '
        'autocorrect="off" spellcheck="false" maxlength="200" '
        f"{said_as('placeholder', hint or empty)}>"
        f'<button type="button" class="fp-pick-clear" hidden {said_as("aria-label", "picker.clear")}>×</button>'
        '<span class="fp-pick-arrow" aria-hidden="true"></span></div>'
        f'<div class="fp-pick-popup" hidden><p class="fp-pick-note" hidden></p>'
        f'<div id="{name}-list" class="fp-pick-list" role="listbox" {said_as("aria-label", "picker.list")}></div></div>'
        '<p class="fp-sr fp-pick-said" role="status"></p></div>'
    )
