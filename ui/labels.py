"""A policy at a glance: its label as safe HTML, as a self-contained SVG, and as text.

The scheme is neutral: the sign says yes, no, in some cases or silent, and the accent colour says only that the policy
speaks. Whether "yes" is good depends on the question and on who reads, so nothing is green or red. A row that is not
sure enough to be said in a word is "unclear" and leads to the passages.
"""

from __future__ import annotations

import json
import logging
import re
import textwrap
import unicodedata
from collections.abc import Iterator
from enum import StrEnum
from typing import Final, Literal

from qa.domain import Citation, Label, LabelRow, Status, Verdict, as_json
from qa.errors import FineprintError
from qa.text import printable, without_markup
from ui.live import Answers
from ui.panels import source_link
from ui.render import Region, date_in_words, day, escape, render_policy, visible, web_address
from ui.words import WORDS, said, said_as

__all__ = [
    "Kind",
    "Theme",
    "glance_steps",
    "kind_of",
    "label_html",
    "label_lines",
    "label_svg",
]

logger = logging.getLogger(__name__)

Theme = Literal["auto", "light", "dark"]
_UNFILED: Final = re.compile(r"[^a-zA-Z0-9.-]+")


class Kind(StrEnum):
    """What a row says in a word."""

    YES = "yes"
    NO = "no"
    CONDITIONAL = "conditional"
    STATED = "stated"
    SILENT = "not_stated"
    UNCLEAR = "unclear"


def kind_of(row: LabelRow) -> Kind:
    """The word for a row: what is not sure is unclear, and silence is never a no."""
    if not row.sure:
        return Kind.UNCLEAR
    if row.status is not Status.ANSWERED:
        return Kind.SILENT
    return {Verdict.YES: Kind.YES, Verdict.NO: Kind.NO, Verdict.CONDITIONAL: Kind.CONDITIONAL, None: Kind.STATED}[
        row.verdict
    ]


def _shown(row: LabelRow) -> Citation | None:
    """The one quote of a row."""
    return next(iter(row.citations or row.related), None)


# --- HTML -------------------------------------------------------------------------------------------------------------


def _reading_html() -> str:
    """What is shown while a label is made."""
    return f'<p class="fp-label-wait" role="status">{said("label.reading")}</p>'


def _failed_html() -> str:
    """What is shown where no label can be made."""
    return f'<p class="fp-label-wait" role="status">{said("label.failed")}</p>'


def glance_steps(answers: Answers, scope: str) -> Iterator[str]:
    """What the page shows from the moment that a policy is chosen until its label is there; "" where none is chosen."""
    if not scope:
        yield ""
        return
    yield _reading_html()
    try:
        shown = label_html(answers.label(scope))
    except FineprintError as exc:
        logger.debug("no label: %s", exc)
        shown = _failed_html()
    except Exception:  # a bug: whoever chose is told so calmly, whoever runs it finds the traceback
        logger.exception("making a label failed")
        shown = _failed_html()
    yield shown


def label_html(label: Label) -> str:
    """The label for the page: a list of rows, each of which opens to its quote; the whole can be folded."""
    iso = label.archived_on.isoformat()
    rows = "".join(_row_html(row) for row in label.rows)
    return (
        f'<details class="fp-label" open data-policy="{escape(label.policy_id)}" data-file="{_file_stem(label)}">'
        f"<summary>"
        f'<h2 class="fp-label-title">{said("label.title")}</h2> '
        f'<span class="fp-label-who"><bdi>{escape(label.company)}</bdi>, '
        f"{said('proof.as_of')} {day(iso)}</span></summary>"
        f'<div class="fp-label-body" lang="en"><ul class="fp-label-rows">{rows}</ul>'
        f'<p class="fp-label-note">{said("label.note")}</p>'
        f'<div class="fp-label-tools">{source_link(label.url)}'
        f'<span class="fp-label-save" role="group" {said_as("aria-label", "label.save")}>'
        f'<span aria-hidden="true">{said("label.save")}</span>{_save("svg")}{_save("png")}{_save("json")}</span></div>'
        f'<p class="fp-sr" role="status"></p></div>'
        f'<template data-form="json">{escape(json.dumps(as_json(label), indent=2))}</template>'
        f'<template data-form="svg">{escape(label_svg(label))}</template></details>'
    )


def _row_html(row: LabelRow) -> str:
    kind = kind_of(row)
    title = said(f"label.{row.topic}")
    return (
        f'<li><details class="fp-label-row"><summary><span class="fp-label-topic">{title}</span>'
        f'<span class="fp-verdict fp-is-{kind.value.replace("_", "-")}">{said(f"label.is_{kind.value}")}</span>'
        f"</summary>"
        f'<div class="fp-label-more">{_more(row, kind)}'
        f'<p class="fp-label-ask"><button type="button" data-ask="{escape(row.question)}">'
        f'{said("label.ask")}<span class="fp-sr">: {escape(row.question)}</span></button></p></div></details></li>'
    )


def _more(row: LabelRow, kind: Kind) -> str:
    citation = _shown(row)
    lead = {Kind.SILENT: "label.silent", Kind.UNCLEAR: "label.unsure"}.get(kind)
    words = f'<p class="fp-label-lead">{said(lead)}</p>' if lead else ""
    if citation is None or kind is Kind.SILENT:
        return words
    quote = render_policy(citation.quote, Region(0, len(citation.quote)), (), f"fp-glance-{row.topic}")
    told = citation.section and without_markup(citation.section) not in without_markup(citation.quote)
    section = f"<cite>{escape(citation.section)}</cite>" if told else ""
    return f'{words}<blockquote class="fp-text">{quote}</blockquote>{section}'


def _file_stem(label: Label) -> str:
    """What a saved label is called: as policies' files are, or by the company where the policy is of no website."""
    whose = _UNFILED.sub("_", _website(label) or label.company).strip("._-")[:80] or "policy"
    return f"{whose}__{label.archived_on.isoformat()}-label"


def _website(label: Label) -> str:
    """The policy's website; a reader's own policy has none, and its domain no dot."""
    return label.domain if "." in label.domain else ""


def _save(form: str) -> str:
    return f'<button type="button" data-save="{form}">{form.upper()}</button>'


# --- text -------------------------------------------------------------------------------------------------------------


def label_lines(label: Label, width: int) -> Iterator[str]:
    """The label as lines for a terminal: each topic with its word, and the quote under it."""
    yield f"{visible(label.company)}, policy as of {date_in_words(label.archived_on.isoformat())}"
    yield ""
    column = max(len(row.title) for row in label.rows)
    for row in label.rows:
        yield f"{row.title:<{column}}  {_word(kind_of(row))}"
        if quote := _bare(row):
            yield from textwrap.wrap(f'"{quote}"', width, initial_indent="    ", subsequent_indent="    ")
    yield ""
    yield from textwrap.wrap(_NOTE, width)
    if label.url:
        yield visible(label.url)


def _word(kind: Kind) -> str:
    return WORDS[f"label.is_{kind.value}"]["en"]


def _bare(row: LabelRow) -> str:
    """The quote of a row in plain words, one line."""
    citation = _shown(row)
    if citation is None or kind_of(row) is Kind.SILENT:
        return ""
    return printable(without_markup(citation.quote))


_NOTE: Final = WORDS["label.note"]["en"]


# --- SVG --------------------------------------------------------------------------------------------------------------

_WIDE: Final = 720
_EDGE: Final = 36
_FONT: Final = "system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
_SERIF: Final = "'Iowan Old Style', 'Palatino Linotype', Palatino, Georgia, serif"
_LIGHT: Final = "--ink:#24211d;--soft:#6a645c;--line:#e3ded5;--paper:#fffdf9;--accent:#0f6b5f"
_DARK: Final = "--ink:#ece7de;--soft:#a49c90;--line:#37332d;--paper:#201d1a;--accent:#5cc2b2"
_STYLE: Final = (
    ".bg{fill:var(--paper);stroke:var(--line)}.rule{stroke:var(--line)}"
    f"text{{font-family:{_FONT};fill:var(--ink)}}.soft{{fill:var(--soft)}}.said{{fill:var(--accent)}}"
    f".serif{{font-family:{_SERIF}}}.mark{{stroke:currentColor;stroke-width:2;fill:none}}.full{{fill:currentColor}}"
    ".on{color:var(--accent)}.off{color:var(--soft)}"
)
_NAME_CHARS: Final = 40
_NAME_LINES: Final = 2
_QUOTE_CHARS: Final = 96
_QUOTE_LINES: Final = 2


def label_svg(label: Label, theme: Theme = "auto") -> str:
    """The label as an SVG file that needs nothing else: no script, no font file, no link is followed.

    Args:
        label: what to draw.
        theme: "auto" follows whoever shows the file.
    """
    drawing = _Drawing()
    name = _wrapped(label.company, _NAME_CHARS, _NAME_LINES)
    when = date_in_words(label.archived_on.isoformat())
    drawing.text(_EDGE, 22, "A privacy policy at a glance", size=13, kind="soft")
    for line in name:
        drawing.text(_EDGE, 34, line, size=27, kind="serif", weight=600)
    where = f"{_fit(_website(label), 60)}, policy" if _website(label) else "Policy"
    drawing.text(_EDGE, 26, f"{where} as of {when}", size=14, kind="soft")
    drawing.skip(16)
    for row in label.rows:
        drawing.row(row)
    drawing.rule()
    drawing.text(_EDGE, 24, _NOTE, size=12, kind="soft")
    source = _fit(web_address(label.url), 84)
    if source:
        drawing.text(_EDGE, 18, source, size=12, kind="soft")
    drawing.text(_EDGE, 18, "Made with fineprint", size=12, kind="soft")
    title = escape(_fit(f"{label.company}: privacy policy as of {when}, at a glance", 200))
    rows = "; ".join(f"{row.title}: {_word(kind_of(row))}" for row in label.rows)
    return drawing.finished(title, escape(rows), theme)


class _Drawing:
    """Elements from top to bottom."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._y = 26

    def skip(self, by: int) -> None:
        self._y += by

    def rule(self) -> None:
        self._parts.append(f'<path class="rule" d="M{_EDGE} {self._y}H{_WIDE - _EDGE}"/>')

    def text(self, x: int, down: int, words: str, *, size: int, kind: str, weight: int = 400) -> None:
        """A line of text, ``down`` below what is above it."""
        self._y += down
        self._put(x, words, size=size, kind=kind, weight=weight)

    def _put(self, x: int, words: str, *, size: int, kind: str, weight: int = 400, anchor: str = "start") -> None:
        self._parts.append(
            f'<text class="{kind}" x="{x}" y="{self._y}" font-size="{size}" font-weight="{weight}" '
            f'text-anchor="{anchor}">{_xml(words)}</text>'
        )

    def row(self, row: LabelRow) -> None:
        """A topic, its sign and word, and the quote."""
        kind = kind_of(row)
        speaks = kind not in (Kind.SILENT, Kind.UNCLEAR)
        self.rule()
        self._y += 26
        self._parts.append(
            f'<g class="{"on" if speaks else "off"}" transform="translate({_EDGE + 7} {self._y - 5})">'
            f"{_SIGNS[kind]}</g>"
        )
        self._put(_EDGE + 26, row.title, size=16, kind="title", weight=600)
        self._put(_WIDE - _EDGE, _word(kind), size=16, kind="said" if speaks else "soft", weight=600, anchor="end")
        quote = _bare(row)
        for n, line in enumerate(_wrapped(f"“{quote}”", _QUOTE_CHARS, _QUOTE_LINES) if quote else ()):
            self.text(_EDGE + 26, 21 if n == 0 else 17, line, size=13, kind="serif soft")
        self._y += 13

    def finished(self, title: str, description: str, theme: Theme) -> str:
        high = self._y + 26
        colours = {
            "auto": f"svg{{{_LIGHT}}}@media (prefers-color-scheme:dark){{svg{{{_DARK}}}}}",
            "light": f"svg{{{_LIGHT}}}",
            "dark": f"svg{{{_DARK}}}",
        }[theme]
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDE}" height="{high}" viewBox="0 0 {_WIDE} {high}" '
            f'role="img" aria-labelledby="t d"><title id="t">{title}</title><desc id="d">{description}</desc>'
            f"<style>{colours}{_STYLE}</style>"
            f'<rect class="bg" x=".5" y=".5" width="{_WIDE - 1}" height="{high - 1}" rx="14"/>'
            f"{''.join(self._parts)}</svg>\n"
        )


_SIGNS: Final = {
    Kind.YES: '<circle class="mark full" r="6"/>',
    Kind.STATED: '<circle class="mark full" r="6"/>',
    Kind.NO: '<circle class="mark" r="6"/>',
    Kind.CONDITIONAL: '<circle class="mark" r="6"/><path class="full" d="M0-6A6 6 0 0 0 0 6Z"/>',
    Kind.SILENT: '<path class="mark" d="M-6 0H6"/>',
    Kind.UNCLEAR: '<path class="mark" stroke-dasharray="2 3" d="M-6 0A6 6 0 1 1 6 0A6 6 0 1 1-6 0Z"/>',
}


def _xml(words: str) -> str:
    return escape(words).translate(_NOT_XML)


_NOT_XML: Final = dict.fromkeys((0xFFFE, 0xFFFF), "\ufffd")


def _fit(words: str, most: int) -> str:
    return printable(words, most)


def _wrapped(words: str, wide: int, most: int) -> list[str]:
    """Lines of about ``wide`` narrow characters, wide ones counted double; what does not fit ends in "…"."""
    lines = [""]
    for word in printable(words).split(" "):
        for piece in _pieces(word, wide):
            joined = f"{lines[-1]} {piece}".strip()
            if _width(joined) <= wide:
                lines[-1] = joined
            else:
                lines.append(piece)
    if len(lines) > most:
        last = lines[most - 1]
        while _width(last) > wide - 1:
            last = last.rpartition(" ")[0] or last[:-1]
        lines = [*lines[: most - 1], last.rstrip(" ,;:.-") + "…"]
    return lines


def _pieces(word: str, wide: int) -> Iterator[str]:
    """A word, cut where it is longer than a line."""
    piece = ""
    for char in word:
        if _width(piece + char) > wide:
            yield piece
            piece = ""
        piece += char
    yield piece


def _width(words: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" or char in "MW@" else 1 for char in words)
