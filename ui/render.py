"""Untrusted text as safe HTML or terminal text (pure functions).

Policies, questions and answers are other people's words. Whatever becomes HTML here passes through ``escape``; the
only tags in the output are written in this file. Policy Markdown keeps every character: syntax such as ``**`` or a
link's target is wrapped in hidden spans, so that the text of a highlight is the quote, character for character. What is
a heading, an item or a row is decided by the same reading of the layout (``ingest.blocks``) that made the sentences.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import groupby, pairwise
from typing import Final

from ingest.blocks import Kind, scan
from qa.domain import Status, Verdict
from qa.labelling import SURE, SURELY_SILENT
from qa.text import MARKER, Span
from qa.text import visible as words_of

__all__ = [
    "SURE_FROM",
    "Certainty",
    "Heading",
    "Highlight",
    "Region",
    "answer_text",
    "certainty",
    "certainty_in_words",
    "date_in_words",
    "day",
    "escape",
    "reference",
    "region_around",
    "render_policy",
    "render_whole",
    "verdict_in_words",
    "visible",
    "web_address",
]

# Gradio runs values of gr.HTML through a template engine: these characters must not reach it as such.
_TEMPLATE = str.maketrans({"$": "&#36;", "{": "&#123;", "}": "&#125;", "`": "&#96;"})
# Everything that a terminal or a browser may act on instead of showing: C0, DEL, C1 and direction overrides.
_UNSHOWN = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_ENDING = re.compile(r"[.,;:!?]")

_RULE = re.compile(r"[\s|:*_=#>+\-]*$")
_TABLE_RULE = re.compile(r"[^\n]*\n\s*\|?\s*:?-{3,}[\s|:-]*(?:\n|$)")
_PIPE = re.compile(r"(?<!\\)\|")
_MARKS = re.compile(r"[#>|*_\\]+")
_HASHES = re.compile(r"\s#+\s*$")
# What Markdown and the HTML in it say to a browser and not to a reader. Policies bring both in every quality, so a
# mark that is never closed is taken for a mark all the same.
_BRACKET = re.compile(
    r"(?<!\\)(?:(?P<opening>!?\[)"
    r"|\](?P<target>\((?:<[^<>\n]{0,2000}>|[^()\s]{0,2000}(?:\([^()\s]{0,200}\)[^()\s]{0,2000}){0,3})"
    r"(?:\s{1,9}\"[^\"\n]{0,500}\")?\s{0,9}\))?)"
)
_STRONG = re.compile(r"(?<![\\*])\*{2,3}(?!\*)")
_UNDERLINED = re.compile(r"(?<![\w\\_])(__)(?=[^\s_])[^\n]{1,500}?(?<=[^\s_\\])(__)(?![\w_])")
_EMPHASIS = re.compile(
    r"(?<![\w*\\])\*(?=[^\s*])([^\n*]{1,500}?)(?<=[^\s*\\])\*(?![\w*])|(?<![\w_\\])_(?!_)([^\n_]{1,500}?)(?<!\\)_(?![\w_])"
)
_ESCAPED = re.compile(r"\\(?=[\\`*_{}\[\]()#+\-.!|<>~])")
_TAG = re.compile(
    r"</?(?:a|abbr|article|aside|b|blockquote|body|br|button|center|cite|code|dd|del|details|div|dl|dt|em|figure|font"
    r"|footer|form|h[1-6]|head|header|hr|html|i|iframe|img|input|ins|label|li|link|main|meta|nav|ol|p|path|picture|pre"
    r"|script|section|small|source|span|strike|strong|style|sub|summary|sup|svg|table|tbody|td|tfoot|th|thead|tr|tt|u"
    r"|ul|video)(?:\s[^<>\n]{0,500})?/?>|<!--[^\n]{0,2000}?-->",
    re.IGNORECASE,
)
_AMPERSAND = re.compile(r"(?<=&)amp;")

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


def web_address(url: str | None) -> str:
    """An address that may become a link: of the web (http, https) only, whatever a stored policy says; else nothing."""
    return url if url and url.lower().startswith(("https://", "http://")) else ""


def date_in_words(iso: str) -> str:
    """``2011-03-06`` as ``6 March 2011``."""
    year, month, day = iso.split("-")
    return f"{int(day)} {_MONTHS[int(month) - 1]} {year}"


def day(iso: str) -> str:
    """A date as HTML; the page's script says it in the reader's language."""
    return f'<time datetime="{iso}" data-t-date>{date_in_words(iso)}</time>'


def verdict_in_words(status: Status, verdict: Verdict | None) -> str:
    """The verdict in words; for an open question or another status, that."""
    return _VERDICTS[verdict] if verdict else _STATUSES[status]


class Certainty(StrEnum):
    """How far an answer can be relied on."""

    SURE = "sure"
    FAIRLY = "fairly"
    UNSURE = "unsure"


# Confidence is calibrated (docs/models.md, Calibration): of answers that state 0.92 on average 0.91 are right, of the
# next groups 0.77 (stating 0.77), 0.58 (0.60), 0.47 (0.40) and 0.27 (0.21). So from 0.85 nine in ten are right, from
# 0.5 two in three; below it more are wrong than right, and nobody should be told to rely on them. Calling a policy
# silent that is not is the worse mistake: there a label, too, wants 0.6 (``qa.labelling``).
SURE_FROM: Final = 0.85
"""From this confidence on an answer is called sure."""
_FAIRLY: Final[Mapping[Status, float]] = {Status.ANSWERED: SURE, Status.NOT_STATED: SURELY_SILENT}
_CERTAINTIES: Final[Mapping[Certainty, str]] = {
    Certainty.SURE: "sure",
    Certainty.FAIRLY: "fairly sure",
    Certainty.UNSURE: "not sure: read the passages",
}


def certainty(status: Status, confidence: float) -> Certainty | None:
    """How sure an answer is; None where no policy was read, for there it would say nothing."""
    if status not in _FAIRLY:
        return None
    if confidence >= SURE_FROM:
        return Certainty.SURE
    return Certainty.FAIRLY if confidence >= _FAIRLY[status] else Certainty.UNSURE


def certainty_in_words(kind: Certainty) -> str:
    """A certainty in words."""
    return _CERTAINTIES[kind]


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
        for match in MARKER.finditer(paragraph):
            n = int(match[1])
            if n in cited:
                before = paragraph[at : match.start()]
                # A number stays on the line of its claim, and what ends the claim with it.
                kept = before.endswith(" ")
                ending = _ENDING.match(paragraph, match.end())
                at = ending.end() if ending else match.end()
                number = reference(n, key) + escape(paragraph[match.end() : at])
                parts.append(escape(before[:-1]) + "&nbsp;" if kept else escape(before))
                parts.append(f'<span class="fp-kept">{number}</span>')
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
    """Policy Markdown as readable HTML with highlights: headings, lists and tables as such.

    Without its tags, the output is ``text[region.start:region.end]`` (as ``visible`` shows it): nothing is dropped.
    All ``<mark>`` elements of one citation joined are its quote. The first one has the id ``{key}-{n}``.
    """
    blocks = [block.moved(region.start) for block in _layout(text[region.start : region.end])]
    return _written(text, blocks, [h for h in highlights if h.start < region.end and region.start < h.end], key)


def _written(text: str, blocks: Iterable[_Block], marks: Sequence[Highlight], key: str) -> str:
    writer = _Writer(text, marks, key)
    for kind, group in groupby(blocks, key=lambda block: block.kind):
        if kind == "row":
            writer.table(list(group))
        elif kind == "item":
            writer.items(list(group))
        else:
            for block in group:
                writer.block(block)
    return "".join(writer.out)


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of a policy; ``level`` is 1 for the outermost, at most 4."""

    level: int
    words: str
    start: int


def render_whole(text: str, highlights: Sequence[Highlight], key: str) -> tuple[str, tuple[Heading, ...]]:
    """A whole policy as ``render_policy`` writes it, and its headings in order.

    The heading at an offset has the id ``{key}-at-{offset}``.
    """
    blocks = _layout(text)
    headings = tuple(
        Heading(block.level, words_of(text[block.body.start : block.body.end]), block.start)
        for block in blocks
        if block.kind == "heading"
    )
    return _written(text, blocks, highlights, key), headings


@dataclass(frozen=True, slots=True)
class _Block:
    """Text that is shown as one block, ``body`` without its marks; the blocks of a text partition it."""

    kind: str
    start: int
    end: int
    body: Span
    level: int = 0
    column: int = 0

    def moved(self, by: int) -> _Block:
        body = Span(self.body.start + by, self.body.end + by)
        return replace(self, start=self.start + by, end=self.end + by, body=body)


def _layout(text: str) -> tuple[_Block, ...]:
    """The blocks of a text."""
    units = _units(text)
    if not units:
        return (_Block("p", 0, len(text), Span(0, len(text))),) if text else ()
    cuts = [_cut(text, before, after) for before, after in pairwise(units)]
    first = text.rfind("\n", 0, units[0].body.start) + 1
    starts = [first, *(after for _, after in cuts)]
    ends = [*(before for before, _ in cuts), len(text)]
    blocks: list[_Block] = []
    at = 0
    for unit, start, end in zip(units, starts, ends, strict=True):
        blocks += _rest(text, at, start)
        blocks.append(replace(unit, start=start, end=end))
        at = end
    return tuple(blocks)


def _units(text: str) -> list[_Block]:
    """What is read as one, without the marks around it; of a table, its rows."""
    units: list[_Block] = []
    above: list[int] = []  # the levels of the headings that the text stands under
    for block in scan(text):
        if units and block.start < units[-1].body.end:
            continue  # a further cell of the row
        if block.kind is Kind.CELL:
            line = Span(text.rfind("\n", 0, block.start) + 1, _line_end(text, block.start))
            start = max(line.start, units[-1].body.end if units else 0)
            units.append(_Block("row", 0, 0, Span(start, max(line.end, block.end))))
        elif block.kind is Kind.HEADING:
            while above and above[-1] >= block.level:
                above.pop()
            above.append(block.level)
            units.append(_Block("heading", 0, 0, block.span, level=min(len(above), 4)))
        else:
            kind = "item" if block.kind is Kind.ITEM else "p"
            units.append(_Block(kind, 0, 0, block.span, column=block.depth))
    return units


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _cut(text: str, before: _Block, after: _Block) -> tuple[int, int]:
    """Where one block ends and the next begins; between them may be lines that belong to neither."""
    low, high = before.body.end, after.body.start
    newline = text.find("\n", low, high)
    if newline < 0:
        closing = re.compile(r"[*_`)\].,;:!?]*").match(text, low, high)
        at = closing.end() if closing else low
        return at, at
    last = text.rfind("\n", low, high) + 1
    if _says(text[newline + 1 : last]):
        return newline + 1, last
    return last, last


def _says(stretch: str) -> bool:
    return any(char.isalnum() for char in _TAG.sub("", stretch))


def _rest(text: str, start: int, end: int) -> Iterator[_Block]:
    """Lines between blocks, such as a date or a bare number."""
    at = start
    while at < end:
        stop = min(_line_end(text, at) + 1, end)
        yield _Block("p", at, stop, Span(at, stop))
        at = stop


class _Writer:
    """Writes blocks of one text as HTML; every character of theirs once, in order."""

    def __init__(self, text: str, marks: Sequence[Highlight], key: str) -> None:
        self.out: list[str] = []
        self._text = text
        self._marks = marks
        self._key = key
        self._seen: set[int] = set()

    def block(self, block: _Block) -> None:
        """A heading or a paragraph."""
        if block.kind != "heading":
            self._paragraph(block)
            return
        words = self._inline(block.start, block.end, self._around(block))
        tag, at = f"h{block.level + 2}", f"{escape(self._key)}-at-{block.start}"
        self.out.append(f'<{tag} class="fp-heading" id="{at}" tabindex="-1">{words}</{tag}>')

    def _paragraph(self, block: _Block) -> None:
        words = self._inline(block.start, block.end, self._around(block))
        says = _says(self._text[block.start : block.end])
        self.out.append(f'<p class="fp-p">{words}</p>' if says else f'<div class="fp-blank">{words}</div>')

    def items(self, items: Sequence[_Block]) -> None:
        """A list; items further to the right than the one above are its own list."""
        columns: list[int] = []
        for item in items:
            while len(columns) > 1 and item.column < columns[-1]:
                self.out.append("</li></ul>")
                columns.pop()
            if columns and item.column <= columns[-1]:
                self.out.append("</li>")
            else:
                self.out.append('<ul class="fp-list">')
                columns.append(item.column)
            prefix = self._text[item.start : item.body.start].strip()
            kind = "fp-item fp-numbered" if _shown_bullet(prefix) else "fp-item"
            self.out.append(f'<li class="{kind}">{self._inline(item.start, item.end, self._around(item))}')
        self.out.append("</li></ul>" * len(columns))

    def table(self, rows: Sequence[_Block]) -> None:
        """A table; rows of one cell, which pages are laid out with, are paragraphs."""
        cells = [self._cells(row) for row in rows]
        if all(sum(_says(self._text[cell.start : cell.end]) for cell in row) < 2 for row in cells):
            for row in rows:
                self._paragraph(row)
            return
        self.out.append('<div class="fp-table" tabindex="0"><table><tbody>')
        for row, spans in zip(rows, cells, strict=True):
            named = _TABLE_RULE.match(self._text[row.start : row.end])
            opening, closing = ('<th scope="col">', "</th>") if named else ("<td>", "</td>")
            hidden = self._around(row)
            inner = (f"{opening}{self._inline(cell.start, cell.end, hidden)}{closing}" for cell in spans)
            self.out.append(f"<tr>{''.join(inner)}</tr>")
        self.out.append("</tbody></table></div>")

    def _cells(self, row: _Block) -> list[Span]:
        """The cells of a row with the pipes before them; a pipe at either end of the line bounds no cell of its own."""
        line_end = _line_end(self._text, row.body.start)
        line_end = min(line_end, row.end)
        edges = [m.start() for m in _PIPE.finditer(self._text, row.start, line_end)]
        edges = [e for e in edges if self._text[row.start : e].strip() and self._text[e + 1 : line_end].strip()]
        return [Span(start, end) for start, end in pairwise([row.start, *edges, row.end])]

    def _around(self, block: _Block) -> list[Span]:
        """The marks before and behind the words of a block."""
        text, hidden = self._text, []
        prefix = text[block.start : block.body.start]
        if prefix.strip() and not _shown_bullet(prefix.strip()):
            hidden.append(Span(block.start, block.body.start))
        else:
            hidden += [Span(block.start + m.start(), block.start + m.end()) for m in _MARKS.finditer(prefix)]
        if block.kind == "row":
            hidden += [Span(*m.span()) for m in _PIPE.finditer(text, block.start, block.end)]
        at = block.body.end
        while at < block.end:
            stop = min(_line_end(text, at) + 1, block.end)
            line = text[at:stop]
            if line.strip() and _RULE.match(line):
                hidden.append(Span(at, stop))
            at = stop
        return hidden

    def _inline(self, start: int, end: int, around: Sequence[Span]) -> str:
        text = self._text
        inside = [m for m in self._marks if m.start < end and start < m.end]
        strong, slanted, syntax = _syntax(text, start, end)
        # At each edge, how many spans of a kind begin there, less how many end: one pass, however many there are.
        steps: dict[int, Counter[str | int]] = {start: Counter(), end: Counter()}
        dressed: list[tuple[str | int, Span]] = [("hidden", span) for span in (*around, *syntax)]
        dressed += [("b", span) for span in strong] + [("i", span) for span in slanted]
        dressed += [(mark.n, Span(mark.start, mark.end)) for mark in inside]
        for what, span in dressed:
            left, right = min(max(span.start, start), end), min(max(span.end, start), end)
            steps.setdefault(left, Counter())[what] += 1
            steps.setdefault(right, Counter())[what] -= 1
        numbers = sorted({mark.n for mark in inside})
        depth: Counter[str | int] = Counter()
        out: list[str] = []
        for left, right in pairwise(sorted(steps)):
            depth.update(steps[left])
            piece = escape(text[left:right])
            if depth["hidden"]:
                piece = f'<span class="fp-syntax" hidden>{piece}</span>'
            else:
                for tag in ("b", "i"):
                    piece = f"<{tag}>{piece}</{tag}>" if depth[tag] else piece
            cited = [n for n in numbers if depth[n]]
            out.append(_mark(piece, cited, self._key, self._seen) if cited else piece)
        return "".join(out)


def _shown_bullet(prefix: str) -> bool:
    """Whether what stands before a block is to be read, as the number of an item is."""
    return _says(prefix) and prefix != "o"


def _syntax(text: str, start: int, end: int) -> tuple[list[Span], list[Span], list[Span]]:
    """What is bold, what is slanted, and what a reader need not see: their marks, link targets, tags, escapes."""
    marks = _link_marks(text, start, end)
    bounds = [Span(*match.span()) for match in _STRONG.finditer(text, start, end)]
    strong = [Span(one.end, two.start) for one, two in zip(bounds[::2], bounds[1::2], strict=False)]
    for match in _UNDERLINED.finditer(text, start, end):
        marks += [Span(*match.span(1)), Span(*match.span(2))]
        strong.append(Span(match.end(1), match.start(2)))
    slanted = []
    for match in _EMPHASIS.finditer(text, start, end):
        slanted.append(Span(match.start() + 1, match.end() - 1))
        marks += [Span(match.start(), match.start() + 1), Span(match.end() - 1, match.end())]
    for pattern in (_ESCAPED, _TAG, _AMPERSAND):
        marks += [Span(*match.span()) for match in pattern.finditer(text, start, end)]
    return strong, slanted, [*bounds, *marks]


def _link_marks(text: str, start: int, end: int) -> list[Span]:
    """The brackets and targets of links and images, which may stand within each other."""
    marks: list[Span] = []
    opened: list[Span] = []
    for match in _BRACKET.finditer(text, start, end):
        span = Span(*match.span())
        if match["opening"]:
            opened.append(span)
            continue
        opening = opened.pop() if opened else None
        if match["target"]:
            marks += [opening, span] if opening else [span]
    return marks


def _mark(piece: str, numbers: Sequence[int], key: str, seen: set[int]) -> str:
    """One highlighted piece; a citation's first piece carries its id and number, further ids go to empty anchors."""
    new = [n for n in numbers if n not in seen]
    seen.update(new)
    anchors = "".join(f'<a class="fp-anchor" id="{escape(key)}-{n}"></a>' for n in new[1:])
    attributes = f' data-cites="{" ".join(str(n) for n in numbers)}"'
    if new:
        attributes += f' id="{escape(key)}-{new[0]}" data-label="{" ".join(str(n) for n in new)}" tabindex="-1"'
    return f"{anchors}<mark{attributes}>{piece}</mark>"
