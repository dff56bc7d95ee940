"""The layout of a policy: which of its lines are headings, paragraphs, list items or table cells (pure functions).

Archived pages arrive as Markdown of every quality: hard-wrapped or one paragraph a line, headings marked with ``#``,
underlined, bold, in capitals, numbered or not marked at all, lists with any bullet, tables with HTML inside. What is
decided here decides which sentences exist, so every rule is about what a reader of the page would see.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from qa.text import Span, trimmed, visible

__all__ = ["Block", "Kind", "is_capitalised", "scan"]


class Kind(StrEnum):
    """What a block is."""

    HEADING = "heading"
    TEXT = "text"
    ITEM = "item"
    CELL = "cell"


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of text that is read as one.

    Attributes:
        start, end: its words, without bullets, heading marks and white space at the ends.
        level: of a heading: 1–6 as marked, 7 where it is bold, in capitals or numbered, 8 where only its form tells.
        depth: of an item: the column of its bullet.
        lead: of a table's row or cell: what names its columns or its row.
    """

    kind: Kind
    start: int
    end: int
    level: int = 0
    depth: int = 0
    lead: Span | None = None

    @property
    def span(self) -> Span:
        """The block's own span."""
        return Span(self.start, self.end)


@dataclass(frozen=True, slots=True)
class _Line:
    """A line: ``[start, end)`` without its newline, ``words`` as a reader sees them, whether it ends in a break."""

    start: int
    end: int
    words: str
    raw: str
    broken: bool


@dataclass(frozen=True, slots=True)
class _Run:
    """Lines with nothing between them that are neither headings, nor bullets but for the first, nor rows.

    Attributes:
        end: the line behind the last.
        widest: characters of its longest line.
        wrapped: whether its lines may have been broken at a width.
        lists: whether a colon above makes this line and the following ones a list without bullets.
    """

    end: int
    widest: int
    wrapped: bool
    lists: bool


_ATX = re.compile(r"\s{0,3}(#{1,6})\s*(?=\S)")
_UNDERLINE = re.compile(r"\s{0,3}(=+|-{2,})\s*$")
_TABLE_RULE = re.compile(r"\s*\|?\s*:?-{3,}:?\s*(\|\s*:?-{3,}:?\s*)*\|?\s*$")
_BULLET = re.compile(
    r"[\s>]*(?:(?:[*+•·▪◦●○■□‣⁃➢✓✔➤»o–—-]|\\[-*+])(?:\s+)|[•▪◦●‣➢➤]|\\-(?=\S)"
    r"|\(?(?:\d{1,2}|[a-z]|[ivx]{2,4})\\?[.)]\)?\s+)(?=\S)"
)
_NUMBERED = re.compile(
    r"(?:section|article|part)?\s*(?:\d{1,2}(?:\.\d{1,2}){0,3}|[ivxlIVXL]{1,5}|[A-Za-z])\s*[\\.):–-]{1,2}\s*\S", re.I
)
_BLOCK_TAG = re.compile(r"</?(?:br|p|li|ul|ol|div|td|tr|th|table|tbody|h[1-6]|hr|dl|dt|dd)\b[^<>\n]{0,200}>", re.I)
_INLINE_BULLET = re.compile(r"(?<=\s)[•▪◦●‣➢➤](?=\s)")
_PIPE = re.compile(r"(?<!\\)\|")
_TERMINAL = re.compile(r"[.!?…][\"'”’)\]]*$")
_ENDS_WITHIN = re.compile(r"[a-z)][.!?]\s+[A-Z]")
# A line that ends in one of these goes on in the next.
_LEANING = re.compile(
    r"(?:,|\b(?:a|an|and|any|are|as|at|be|by|for|from|has|have|if|in|into|is|may|not|of|on|or|our|such|that|the|their"
    r"|these|this|those|to|we|when|which|will|with|you|your))$",
    re.I,
)
_SMALL_WORDS = frozenset(
    re.findall(
        r"\w+",
        "a an and are as at by do does for from how if in into is it its of on or our than that the their this to us "
        "use used via vs we what when which who why with you your",
    )
)
_WORDLIKE = re.compile(r"[^\W\d_]|\d(?:[ ().-]{0,3}\d){6}")  # a letter, or a telephone number
_WIDTH = 50  # narrower lines are not taken for hard-wrapped
_WIDEST = 180  # nor wider ones
_HEADING_CHARS = 200  # what is marked as a heading and longer is a paragraph
_TITLE_CHARS = 110
_ROW_CHARS = 400
_TABLE_ROWS = 200
_TITLE_WORDS = 14


def scan(text: str) -> list[Block]:
    """The blocks of a text, in order, without overlap; lines without a letter or telephone number belong to none."""
    lines = list(_lines(text))
    runs = _runs(lines)
    blocks: list[Block] = []
    at = 0
    while at < len(lines):
        at = _next(text, lines, runs, at, blocks)
    return _with_titles(text, _with_bare_lists(text, blocks))


def _lines(text: str) -> Iterator[_Line]:
    start = 0
    for raw in text.split("\n"):
        end = start + len(raw)
        yield _Line(start, end, visible(raw), raw, raw.endswith(("  ", "\\")))
        start = end + 1


def _next(text: str, lines: list[_Line], runs: list[_Run], at: int, blocks: list[Block]) -> int:
    """Reads the block(s) that begin at line ``at`` and returns the line behind them."""
    line = lines[at]
    if not _has_letters(line.words):
        return at + 1
    if atx := _ATX.match(line.raw):
        span = _trim_hashes(text, Span(line.start + atx.end(), line.end))
        if len(words := visible(span.of(text))) > _HEADING_CHARS:
            blocks.append(Block(Kind.TEXT, span.start, span.end))
        elif _has_letters(words):
            blocks.append(Block(Kind.HEADING, span.start, span.end, level=len(atx.group(1))))
        return at + 1
    if at + 1 < len(lines) and (rule := _UNDERLINE.match(lines[at + 1].raw)) and _may_be_underlined(line):
        level = 1 if rule.group(1)[0] == "=" else 2
        span = trimmed(text, Span(line.start, line.end))
        blocks.append(Block(Kind.HEADING, span.start, span.end, level=level))
        return at + 2
    if "|" in line.raw and _is_row(lines, at):
        blocks.extend(_row(text, lines, at))
        return at + 1
    bullet = _BULLET.match(line.raw)
    last = _last_line(lines, runs[at], at)
    start = line.start + (bullet.end() if bullet else 0)
    kind = Kind.ITEM if bullet else Kind.TEXT
    depth = _column(line.raw, bullet) if bullet else 0
    _append_pieces(text, Span(start, lines[last].end), kind, depth, blocks)
    return last + 1


def _runs(lines: list[_Line]) -> list[_Run]:
    """The run that each line belongs to."""
    out: list[_Run] = []
    start = 0
    for end in range(1, len(lines) + 1):
        if end < len(lines) and _continues(lines, end):
            continue
        lengths = [len(line.raw.rstrip()) for line in lines[start:end]]
        widest = max(lengths)
        wrapped = len(lengths) > 1 and _WIDTH <= widest <= _WIDEST
        even = wrapped and min(lengths[:-1]) >= 0.6 * widest
        leads = False
        for line in lines[start:end]:
            out.append(_Run(end, widest, wrapped, lists=leads and not even))
            leads = line.words.endswith(":") or (leads and not _TERMINAL.search(line.words))
        start = end
    return out


def _last_line(lines: list[_Line], run: _Run, at: int) -> int:
    """The last line of the paragraph or item that begins at line ``at``."""
    if run.lists:
        return at
    last = at
    while last + 1 < run.end and _joins(lines[last], lines[last + 1], run):
        last += 1
    return last


def _continues(lines: list[_Line], at: int) -> bool:
    """Whether line ``at`` could be a further line of a paragraph at all."""
    line = lines[at]
    if not _has_letters(line.words) and not re.search(r"\d", line.words):
        return False
    if _ATX.match(line.raw) or _BULLET.match(line.raw):
        return False
    if "|" in line.raw and _is_row(lines, at):
        return False
    return not (at + 1 < len(lines) and _UNDERLINE.match(lines[at + 1].raw) and _may_be_underlined(line))


def _joins(line: _Line, following: _Line, run: _Run) -> bool:
    """Whether a sentence may run on from one line into the next."""
    if not line.words or not following.words:
        return False
    if _TERMINAL.search(line.words) or line.words.endswith((":", ";")):
        return False  # a boundary either way
    if (line.words.endswith(",") and not run.wrapped) or following.raw.lstrip().startswith("["):
        return False  # a list without bullets, or of links
    if following.words[0].islower() or _LEANING.search(line.words):
        return True
    if line.broken or not run.wrapped:
        return False
    if _is_title(line.words) and is_capitalised(line.words):
        return False
    first = following.words.split(maxsplit=1)[0]
    return len(line.raw.rstrip()) + 1 + len(first) > run.widest * 0.85


def _append_pieces(text: str, span: Span, kind: Kind, depth: int, blocks: list[Block]) -> None:
    """Cuts a paragraph at HTML block tags and inline bullets."""
    left = span.start
    piece_kind, piece_depth = kind, depth
    cuts = sorted(
        [(m.start(), m.end(), False) for m in _BLOCK_TAG.finditer(text, span.start, span.end)]
        + [(m.start(), m.end(), True) for m in _INLINE_BULLET.finditer(text, span.start, span.end)]
    )
    for start, end, bullet in [*cuts, (span.end, span.end, False)]:
        if start > left:
            piece = trimmed(text, Span(left, start))
            if _has_letters(visible(piece.of(text))) or re.search(r"\d", piece.of(text)):
                blocks.append(_paragraph(text, piece, piece_kind, piece_depth))
        left = end
        if bullet:
            piece_kind, piece_depth = Kind.ITEM, depth + 1


def _paragraph(text: str, span: Span, kind: Kind, depth: int) -> Block:
    """A paragraph or item; a paragraph that is visibly a heading becomes one."""
    words = visible(span.of(text))
    one_line = kind is Kind.TEXT and "\n" not in span.of(text)
    in_capitals = words.isupper() and bool(re.search(r"[A-Z]{4}", words))
    if one_line and _is_title(words) and (in_capitals or _is_all_bold(text, span)):
        return Block(Kind.HEADING, span.start, span.end, level=7)
    return Block(kind, span.start, span.end, depth=depth)


def _is_all_bold(text: str, span: Span) -> bool:
    """Whether everything in the span stands in bold."""
    start, end = span.start, span.end
    before, after = text[max(0, start - 3) : start], text[end : end + 4]
    inner = text[start:end]
    if "**" not in inner and "__" not in inner:
        closed = "**" in after or "__" in after or re.match(r"\s*\n(?:\*\*|__)", text[end : end + 8])
        return ("**" in before or "__" in before) and bool(closed)
    return False


def _with_titles(text: str, blocks: list[Block]) -> list[Block]:
    """Turns short title-like paragraphs and numbered items that lead other text into headings."""
    out = list(blocks)
    for i, block in enumerate(out):
        following = out[i + 1] if i + 1 < len(out) else None
        if following is None or block.kind not in (Kind.TEXT, Kind.ITEM):
            continue
        raw = block.span.of(text)
        words = visible(raw)
        if not _is_title(words) or "](" in raw:
            continue
        follows = visible(following.span.of(text))
        leads = (following.kind is Kind.TEXT and len(follows) > max(60, len(words))) or (
            following.kind is Kind.ITEM and block.kind is Kind.TEXT and not words.endswith(":")
        )
        if not leads:
            continue
        if block.kind is Kind.ITEM:
            line_start = text.rfind("\n", 0, block.start) + 1
            marked = text[line_start : block.end]
            if _NUMBERED.match(marked.strip()) and block.depth == 0 and is_capitalised(words):
                out[i] = replace(block, kind=Kind.HEADING, level=7)
        elif is_capitalised(words) or words.endswith("?") or _is_short(words):
            out[i] = replace(block, kind=Kind.HEADING, level=8)
    return out


def _with_bare_lists(text: str, blocks: list[Block]) -> list[Block]:
    """Turns the short lines right below a line that ends with a colon into items."""
    out = list(blocks)
    inside = False
    for i, block in enumerate(blocks[1:], start=1):
        before = out[i - 1]
        if block.kind is not Kind.TEXT or text[before.end : block.start].count("\n") != 1:
            inside = False
            continue
        words = visible(block.span.of(text))
        led = before.kind is Kind.TEXT and visible(before.span.of(text)).endswith(":")
        follows = visible(blocks[i + 1].span.of(text)) if i + 1 < len(blocks) else ""
        titles = is_capitalised(words) and len(follows) > max(60, 2 * len(words))
        inside = (led or inside) and len(words) <= 200 and not _TERMINAL.search(words) and not titles
        if inside:
            out[i] = replace(block, kind=Kind.ITEM)
    return out


def _is_title(words: str) -> bool:
    """Whether a line has the form of a heading: short, no sentence's end, begins like a title."""
    if not words or len(words) > _TITLE_CHARS or len(words.split()) > _TITLE_WORDS:
        return False
    if not (words[0].isupper() or words[0].isdigit() or words[0] in "\"'“‘(") or re.search(r"\d{4}", words):
        return False  # four digits: a date, an address, a telephone number
    if re.search(r"[;,]$", words) or re.search(r"[.!…][\"'”’)\]]*$", words):
        return bool(re.fullmatch(r"[^.!]{3,60}\.", words)) and is_capitalised(words)
    if re.search(r"\d", words.lstrip("0123456789.) ")) and "," in words:
        return False  # an address
    return "@" not in words and "://" not in words


def _is_short(words: str) -> bool:
    return len(words.split()) <= 8 and not words.endswith(":")


def is_capitalised(words: str) -> bool:
    """Whether all words but the small ones begin with a capital."""
    counted = [word for word in re.findall(r"[^\W\d_][\w'’-]*", words) if word.lower() not in _SMALL_WORDS]
    return bool(counted) and sum(word[0].isupper() for word in counted) >= 0.75 * len(counted)


def _may_be_underlined(line: _Line) -> bool:
    return not _BULLET.match(line.raw) and "|" not in line.raw and len(line.words) <= _HEADING_CHARS and not line.broken


def _is_row(lines: list[_Line], at: int) -> bool:
    """Whether a line with a pipe is a row of a table."""
    raw = lines[at].raw.strip()
    if raw.startswith("|") or raw.endswith("|") or re.search(r"\s\|\s", raw):
        return True
    return any(0 <= i < len(lines) and _TABLE_RULE.match(lines[i].raw) for i in (at - 1, at + 1))


def _row(text: str, lines: list[_Line], at: int) -> list[Block]:
    """A table's row as one block if its cells are short, led in by the head of the table; else one block a cell."""
    line = lines[at]
    cells: list[Block] = []
    left = line.start
    for edge in [*(m.start() for m in _PIPE.finditer(text, line.start, line.end)), line.end]:
        bullet = _BULLET.match(text[left:edge])
        _append_pieces(text, Span(left + (bullet.end() if bullet else 0), edge), Kind.CELL, 0, cells)
        left = edge + 1
    if len(cells) < 2:
        return cells
    start, end = cells[0].start, cells[-1].end
    whole = end - start <= _ROW_CHARS and not _BLOCK_TAG.search(line.raw)
    if whole and not any(_ENDS_WITHIN.search(cell.span.of(text)) for cell in cells):
        return [Block(Kind.CELL, start, end, lead=_table_head(text, lines, at))]
    label = cells[0].span if cells[0].end - cells[0].start <= _ROW_CHARS // 4 else None
    return [cells[0], *(replace(cell, lead=label) for cell in cells[1:])]


def _table_head(text: str, lines: list[_Line], at: int) -> Span | None:
    """The head of the table that line ``at`` belongs to: the line above its rule, or a first row all in bold."""
    top = at
    while top > max(0, at - _TABLE_ROWS) and "|" in lines[top - 1].raw and not _TABLE_RULE.match(lines[top - 1].raw):
        top -= 1
    if top > 1 and _TABLE_RULE.match(lines[top - 1].raw):
        top -= 2
    elif top == at or not all(_is_bold(cell) for cell in lines[top].raw.strip().strip("|").split("|")):
        return None
    head = trimmed(text, Span(lines[top].start, lines[top].end))
    return head if "|" in head.of(text) and len(head.of(text)) <= _ROW_CHARS else None


def _is_bold(cell: str) -> bool:
    return len(cell.strip()) > 4 and cell.strip().startswith("**") and cell.strip().endswith("**")


def _column(raw: str, bullet: re.Match[str]) -> int:
    """The column of a bullet."""
    marked = raw[: bullet.end()].expandtabs(4)
    return len(marked) - len(marked.lstrip())


def _trim_hashes(text: str, span: Span) -> Span:
    end = span.end
    while end > span.start and (text[end - 1] == "#" or text[end - 1].isspace()):
        end -= 1
    return trimmed(text, Span(span.start, end))


def _has_letters(words: str) -> bool:
    return bool(_WORDLIKE.search(words))
