"""Untrusted text as safe HTML or terminal text (pure functions).

Policies, questions and answers are other people's words. Whatever becomes HTML here passes through ``escape``; the
only tags in the output are written in this file. Policy Markdown keeps every character: syntax such as ``**`` or a
link's target is wrapped in hidden spans, so that the text of a highlight is the quote, character for character.
"""

from __future__ import annotations

import html
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from qa.domain import Status, Verdict
from qa.text import Span

__all__ = [
    "Highlight",
    "Region",
    "answer_text",
    "date_in_words",
    "escape",
    "reference",
    "region_around",
    "render_policy",
    "verdict_in_words",
    "visible",
]

# Gradio runs values of gr.HTML through a template engine: these characters must not reach it as such.
_TEMPLATE = str.maketrans({"$": "&#36;", "{": "&#123;", "}": "&#125;", "`": "&#96;"})
# Everything that a terminal or a browser may act on instead of showing: C0, DEL, C1 and direction overrides.
_UNSHOWN = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_MARKER = re.compile(r"\[(\d{1,3})\]")

_HEADING = re.compile(r"\s{0,3}(#{1,6})\s+")
_BULLET = re.compile(r"\s*[*+\-•·]\s+")
_RULE = re.compile(r"[\s|:*_=\-]*[-=|*_]{2,}[\s|:*_=\-]*$")
_QUOTED = re.compile(r"\s{0,3}>\s?")
_LINK = re.compile(r"(!?\[)([^\[\]\n]{0,500})(\]\([^()\n]{0,2000}\))")
_STRONG = re.compile(r"(\*\*|__)(?=\S)([^\n]{1,500}?)(?<=\S)\1")
_EMPHASIS = re.compile(r"(?<![\w*_])([*_])(?=[^\s*_])([^\n*_]{1,500}?)(?<=[^\s*_])\1(?![\w*_])")
_ESCAPED = re.compile(r"\\(?=[\\`*_{}\[\]()#+\-.!|<>~])")

_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip

_VERDICTS: Final[Mapping[Verdict, str]] = {
    Verdict.YES: "Yes",
    Verdict.NO: "No",
    Verdict.CONDITIONAL: "It depends",
}
_STATUSES: Final[Mapping[Status, str]] = {
    Status.ANSWERED: "Answer",
    Status.NOT_STATED: "Not stated",
    Status.UNKNOWN_COMPANY: "Unknown company",
    Status.NEEDS_COMPANY: "Which company?",
    Status.OUT_OF_SCOPE: "Not a privacy question",
}


def visible(text: str) -> str:
    """The text with what cannot be shown (control characters, direction overrides, lone surrogates) as U+FFFD."""
    return _UNSHOWN.sub("\ufffd", text)


def escape(text: str) -> str:
    """The text as HTML that shows it and nothing else, in element content and in quoted attributes."""
    return html.escape(visible(text), quote=True).translate(_TEMPLATE)


def date_in_words(iso: str) -> str:
    """``2011-03-06`` as ``6 March 2011``."""
    year, month, day = iso.split("-")
    return f"{int(day)} {_MONTHS[int(month) - 1]} {year}"


def verdict_in_words(status: Status, verdict: Verdict | None) -> str:
    """The verdict in words; for an open question or another status, that."""
    return _VERDICTS[verdict] if verdict else _STATUSES[status]


def answer_text(text: str, cited: Collection[int], key: str) -> str:
    """An answer's text as paragraphs; each ``[n]`` of a citation becomes a link to ``#{key}-{n}``.

    Args:
        text: plain text; blank lines part paragraphs.
        cited: the numbers that have a citation; any other marker stays plain text.
        key: prefix of the ids of the proof panel's highlights.
    """
    paragraphs = []
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        parts: list[str] = []
        at = 0
        for match in _MARKER.finditer(paragraph):
            n = int(match[1])
            if n in cited:
                before = paragraph[at : match.start()]
                # A number stays on the line of its claim.
                kept = before.endswith(" ")
                parts += [escape(before[:-1]) + "&nbsp;" if kept else escape(before), reference(n, key)]
                at = match.end()
        parts.append(escape(paragraph[at:]))
        paragraphs.append("<p>" + "".join(parts).strip().replace("\n", "<br>") + "</p>")
    return "".join(paragraphs)


def reference(n: int, key: str) -> str:
    """A citation marker that leads to its proof."""
    target = escape(f"{key}-{n}")
    return f'<a class="fp-ref" href="#{target}" data-proof="{target}" aria-label="Show proof {n}">{n}</a>'


@dataclass(frozen=True, slots=True)
class Highlight:
    """Citation ``n`` at ``[start, end)`` of a policy's text."""

    n: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Region:
    """A stretch of a policy to show, and whether its section goes on before and after."""

    start: int
    end: int
    more_before: bool = False
    more_after: bool = False


def region_around(at: Span, pieces: Sequence[Span], *, length: int = 1_400, longest: int = 6_000) -> Region:
    """The surroundings to show around ``at``: whole pieces of one section where they fit.

    Args:
        at: what must be visible.
        pieces: the passages of its section, in order.
        length: pieces beside those that hold ``at`` are added up to this many characters.
        longest: a region is cut to about this many characters around ``at``.
    """
    first, last = at.start, at.end
    inside = [i for i, piece in enumerate(pieces) if piece.start < at.end and at.start < piece.end]
    before, after = (inside[0], inside[-1]) if inside else (0, -1)
    if inside:
        first, last = min(at.start, pieces[before].start), max(at.end, pieces[after].end)
        while after + 1 < len(pieces) and pieces[after + 1].end - first <= length:
            after += 1
            last = pieces[after].end
        while before > 0 and last - pieces[before - 1].start <= length:
            before -= 1
            first = pieces[before].start
    half = max(0, longest - (at.end - at.start)) // 2
    cut_first, cut_last = max(first, at.start - half), min(last, at.end + half)
    return Region(
        cut_first,
        cut_last,
        more_before=cut_first > first or before > 0,
        more_after=cut_last < last or -1 < after < len(pieces) - 1,
    )


def render_policy(text: str, region: Region, highlights: Iterable[Highlight], key: str) -> str:
    """Policy Markdown as readable HTML with highlights.

    Without its tags, the output is ``text[region.start:region.end]`` (as ``visible`` shows it): nothing is dropped.
    All ``<mark>`` elements of one citation joined are its quote. The first one has the id ``{key}-{n}``.
    """
    marks = [h for h in highlights if h.start < region.end and region.start < h.end]
    seen: set[int] = set()
    out: list[str] = []
    for block in _blocks(text, region.start, region.end):
        kind = f"fp-{block.kind}" + (f" fp-level-{block.level}" if block.level else "")
        out.append(f'<div class="{kind}">{_inline(text, block, marks, key, seen)}</div>')
    return "".join(out)


@dataclass(frozen=True, slots=True)
class _Block:
    """Lines that are shown as one block; the blocks of a region partition it."""

    kind: str
    start: int
    end: int
    hidden: tuple[Span, ...] = ()
    level: int = 0


def _blocks(text: str, start: int, end: int) -> Iterator[_Block]:
    """Cuts a region into blocks at line ends; plain lines that follow each other are one paragraph."""
    at, paragraph = start, None
    while at < end:
        newline = text.find("\n", at, end)
        stop = end if newline < 0 else newline + 1
        block = _line(text, at, stop)
        if block.kind == "p":
            # Two blanks at a line's end are Markdown's way to say that the break is meant.
            meant = paragraph is not None and text[paragraph.start : paragraph.end].endswith(("  \n", "  \r\n"))
            if paragraph and not meant:
                paragraph = _Block("p", paragraph.start, stop)
            else:
                if paragraph:
                    yield paragraph
                paragraph = block
        else:
            if paragraph:
                yield paragraph
            paragraph = None
            yield block
        at = stop
    if paragraph:
        yield paragraph


def _line(text: str, start: int, stop: int) -> _Block:
    line = text[start:stop]
    if not line.strip():
        return _Block("blank", start, stop)
    if _RULE.match(line):
        return _Block("rule", start, stop, (Span(start, stop),))
    if match := _HEADING.match(line):
        return _Block("heading", start, stop, (Span(start, start + match.end()),), level=len(match[1]))
    if match := _BULLET.match(line):
        return _Block("item", start, stop, (Span(start, start + match.end()),))
    if match := _QUOTED.match(line):
        return _Block("p", start, stop, (Span(start, start + match.end()),))
    return _Block("p", start, stop)


def _syntax(text: str, start: int, end: int) -> list[Span]:
    """Spans of Markdown syntax that a reader need not see: emphasis marks, link targets, escapes."""
    spans: list[Span] = []
    for match in _LINK.finditer(text, start, end):
        spans += [Span(*match.span(1)), Span(*match.span(3))]
    for pattern in (_STRONG, _EMPHASIS):
        for match in pattern.finditer(text, start, end):
            width = len(match[1])
            spans += [Span(match.start(), match.start() + width), Span(match.end() - width, match.end())]
    spans += [Span(*match.span()) for match in _ESCAPED.finditer(text, start, end)]
    return spans


def _inline(text: str, block: _Block, marks: Sequence[Highlight], key: str, seen: set[int]) -> str:
    hidden: list[Span] = [*block.hidden, *_syntax(text, block.start, block.end)]
    inside = [m for m in marks if m.start < block.end and block.start < m.end]
    cuts = {block.start, block.end}
    for edge in (*hidden, *(Span(m.start, m.end) for m in inside)):
        cuts |= {min(max(edge.start, block.start), block.end), min(max(edge.end, block.start), block.end)}
    edges = sorted(cuts)
    out: list[str] = []
    for start, end in pairwise(edges):
        piece = escape(text[start:end])
        if any(h.start <= start and end <= h.end for h in hidden):
            piece = f'<span class="fp-syntax" hidden>{piece}</span>'
        numbers = sorted(m.n for m in inside if m.start <= start and end <= m.end)
        if numbers:
            piece = _mark(piece, numbers, key, seen)
        out.append(piece)
    return "".join(out)


def _mark(piece: str, numbers: Sequence[int], key: str, seen: set[int]) -> str:
    """One highlighted piece; a citation's first piece carries its id and number, further ids go to empty anchors."""
    new = [n for n in numbers if n not in seen]
    seen.update(new)
    anchors = "".join(f'<a class="fp-anchor" id="{escape(key)}-{n}"></a>' for n in new[1:])
    attributes = f' data-cites="{" ".join(str(n) for n in numbers)}"'
    if new:
        attributes += f' id="{escape(key)}-{new[0]}" data-label="{" ".join(str(n) for n in new)}" tabindex="-1"'
    return f"{anchors}<mark{attributes}>{piece}</mark>"
