"""Lines as they stand on printed pages → the text that they make, as the Markdown that ``ingest.blocks`` understands.

Paper knows no paragraphs, only lines at places. Where a line ends before its right margin although the next word would
have fitted, its writer ended it; a wider gap, another size, a bullet or an indent begins something new; what stands at
the top or foot of page after page belongs to the pages and not to the text.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Final

from ingest.webpage import literal, row_text, unmarked_start

if TYPE_CHECKING:
    from spellchecker import SpellChecker

__all__ = ["Line", "Lines", "Page", "Row", "Table", "folded", "heads_and_feet", "joined", "paged_text"]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of one column, in points from the page's upper left corner.

    Attributes:
        text: as it is read, without the bullet before it.
        left, right: where it begins and ends.
        base: what its letters stand on.
        size: of most of its letters.
        bold: whether all of it is.
        column: where its column begins and ends.
        bullet: where the bullet before it stands, if there is one.
        level: that of the heading which the document says it is, else 0.
    """

    text: str
    left: float
    right: float
    base: float
    size: float
    bold: bool
    column: tuple[float, float]
    bullet: float | None = None
    level: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """What stands on one height of a page: its height as a share of the page's, from above, its text and size."""

    height: float
    text: str
    size: float


Lines = tuple[str, ...]
"""The lines of a cell."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table; ``edges`` are where its columns begin, if it may go on at the top of the next page."""

    rows: tuple[tuple[Lines, ...], ...]
    edges: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """What stands on a page, in reading order, without its head and foot."""

    parts: tuple[Line | Table, ...]


@dataclass(slots=True)
class _Block:
    """A paragraph, heading or item: lines, and after which of them its writer broke it."""

    lines: list[Line]
    broken: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Measures:
    """What is usual in a document: the size of its running text, how far its lines are apart by size, its words."""

    body: float
    pitch: Mapping[float, float]
    words: frozenset[str]


_MARGIN: Final = 0.12
"""The share of a page's height, above and below, in which heads and feet are looked for."""

_PAGE_NUMBER: Final = re.compile(
    r"[\W_]*(?:page\s*)?(?:\d{1,3}|[ivxl]{1,6})(?:\s*(?:of|/|\|)\s*\d{1,3})?[\W_]*", re.IGNORECASE
)
_PRINTED: Final = re.compile(
    r"(?:^|^\d{1,3} of \d{1,3} )\d{1,2}[/.]\d{1,2}[/.]\d{2,4}, \d{1,2}:\d{2}\b|^(?:https?|file)://\S+\s+\d{1,3}/\d{1,3}$"
)
"""What browsers print above and below a page: the hour, its address with the number of the page."""

_ENDED: Final = re.compile(r"[.!?…:;][\"'”’)\]]*$")
_NUMBERED: Final = re.compile(r"(?:\(?\d{1,2}[.)]|\d{1,2}(?:\.\d{1,2}){1,3}\.?|\(?[a-zA-Z][.)]|\(?[ivx]{2,5}[.)])\s+\S")
_SPLIT: Final = re.compile(r"([^\W\d_]+)-$")
_WORD: Final = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_HEADING_CHARS: Final = 200
_HEADING_WORDS: Final = 25
_LARGER: Final = 1.12


def paged_text(pages: Sequence[Page], *, outline: Mapping[str, int] | None = None) -> str:
    """The text of pages; "" where they have none.

    Args:
        pages: what stands on each.
        outline: the level of each heading that the document's own table of contents names, by ``folded`` text.
    """
    lines = [part for page in pages for part in page.parts if isinstance(part, Line)]
    tables = [part for page in pages for part in page.parts if isinstance(part, Table)]
    if not lines and not tables:
        return ""
    usual = _measured(lines, tables)
    blocks = list(_blocks(pages, usual))
    writer = _Writer(usual, _levels(blocks, usual), outline or {})
    for block in blocks:
        writer.add(block)
    return writer.text()


def folded(text: str) -> str:
    """A heading as it is looked up in an outline."""
    return " ".join(re.findall(r"\w+", text.lower()))


def joined(lines: Iterable[str], words: frozenset[str] = frozenset()) -> str:
    """Lines as one, with words that were parted at a line's end whole again.

    Args:
        lines: of one paragraph.
        words: those of the whole document, in lower case; they tell "third-party" from "infor-mation".
    """
    out = ""
    for line in lines:
        if not out:
            out = line
        elif (parted := _SPLIT.search(out)) and (rest := re.match(r"[^\W\d_]+", line)) and line[0].islower():
            out = (out if _keeps_hyphen(parted.group(1).lower(), rest.group().lower(), words) else out[:-1]) + line
        else:
            out = out + ("" if re.search(r"\w[-/]$", out) and line[:1].isalnum() else " ") + line
    return out


def _keeps_hyphen(left: str, right: str, words: frozenset[str]) -> bool:
    if f"{left}-{right}" in words:
        return True
    if left + right in words or _is_english(left + right):
        return False
    return _is_english(left) and _is_english(right)


def _is_english(word: str) -> bool:
    return word in _dictionary()


@cache
def _dictionary() -> SpellChecker:
    from spellchecker import SpellChecker

    return SpellChecker(distance=1)


# --- what belongs to the pages ----------------------------------------------------------------------------------------


def heads_and_feet(pages: Sequence[Sequence[Row]]) -> list[set[int]]:
    """Which rows of each page belong to it and not to the text: what its top or foot repeats, and its number."""
    at: dict[tuple[bool, float, str], list[int]] = defaultdict(list)
    for n, rows in enumerate(pages):
        for key in {_place(row) for row in rows} - {None}:
            at[key].append(n)  # type: ignore[index]
    fewest = max(2, 0.4 * len(pages))
    out: list[set[int]] = []
    for n, rows in enumerate(pages):
        drop = set()
        for number, row in enumerate(rows):
            key = _place(row)
            if key is None:
                continue
            outermost = number in {0, len(rows) - 1}  # a head may name the chapter, and change with it
            repeated = len(at[key]) >= (2 if outermost else fewest)
            others = (other.text for other in rows if other is not row)
            is_title = key[0] and n == at[key][0] and _says_more(row.text, others)
            numbered = (len(pages) > 1 and _PAGE_NUMBER.fullmatch(row.text)) or _PRINTED.search(row.text)
            if numbered or (repeated and not is_title):
                drop.add(number)
        out.append(drop)
    return out


def _place(row: Row) -> tuple[bool, float, str] | None:
    """How a row near the edge of a page is recognised on others: whether above, its size, its words without numbers."""
    if not row.text or _MARGIN <= row.height < 1 - _MARGIN:
        return None
    return row.height < _MARGIN, _rounded(row.size), re.sub(r"\d+", "0", " ".join(row.text.lower().split()))


def _says_more(text: str, others: Iterable[str]) -> bool:
    """Whether a running head says on its first page what nothing else there does; it then serves as its title."""
    words = set(_WORD.findall(text.lower()))
    return (
        bool(words)
        and not re.search(r"\d", text)
        and not words <= {word for other in others for word in _WORD.findall(other.lower())}
    )


# --- what is usual ----------------------------------------------------------------------------------------------------


def _measured(lines: Sequence[Line], tables: Sequence[Table]) -> _Measures:
    sizes: Counter[float] = Counter()
    for line in lines:
        sizes[_rounded(line.size)] += len(line.text)
    deltas: dict[float, Counter[float]] = defaultdict(Counter)
    for above, below in pairwise(lines):
        if above.column == below.column and _rounded(above.size) == _rounded(below.size):
            delta = _rounded(below.base - above.base)
            if 0.8 <= delta / below.size <= 2.2:
                deltas[_rounded(below.size)][delta] += 1
    pitch = {}
    for size, counts in deltas.items():
        enough = max(1, 0.1 * counts.total())
        usual = [delta for delta, count in counts.items() if count >= enough]
        pitch[size] = min(usual or counts)
    texts = chain(
        (line.text for line in lines), (text for table in tables for row in table.rows for cell in row for text in cell)
    )
    words: set[str] = set()
    parted = False
    for text in texts:
        found = _WORD.findall(_SPLIT.sub("", text).lower())
        words.update(found[1:] if parted else found)
        parted = bool(_SPLIT.search(text))
    return _Measures(sizes.most_common(1)[0][0] if sizes else 10.0, pitch, frozenset(words))


def _rounded(value: float) -> float:
    return round(2 * value) / 2


def _levels(blocks: Iterable[_Block | Table], usual: _Measures) -> dict[float, int]:
    """The level of headings by their size, the largest first."""
    sizes = {
        _rounded(block.lines[0].size)
        for block in blocks
        if isinstance(block, _Block) and block.lines[0].size >= _LARGER * usual.body and _could_be_heading(block)
    }
    levels: dict[float, int] = {}
    level = 0
    before = 0.0
    for size in sorted(sizes, reverse=True):
        if not before or size < 0.96 * before:
            level = min(6, level + 1)
            before = size
        levels[size] = level
    return levels


def _could_be_heading(block: _Block) -> bool:
    text = " ".join(line.text for line in block.lines)
    return (
        len(text) <= _HEADING_CHARS
        and len(text.split()) <= _HEADING_WORDS
        and bool(re.search(r"[^\W\d_]{2}", text))
        and block.lines[0].bullet is None
    )


# --- where something new begins ---------------------------------------------------------------------------------------


def _blocks(pages: Sequence[Page], usual: _Measures) -> Iterator[_Block | Table]:
    """Paragraphs, headings, items and tables; those that a page's end parted are whole."""
    margins = _margins(pages)
    block: _Block | None = None
    table: Table | None = None
    for page in pages:
        for n, part in enumerate(page.parts):
            if isinstance(part, Table):
                if block:
                    yield block
                    block = None
                if table and n == 0 and _is_alike(table, part):
                    table = _continued(table, part)
                    continue
                if table:
                    yield table
                table = part
                continue
            if table:
                yield table
                table = None
            link = _link(block, part, margins, usual) if block else "new"
            if block is None or link == "new":
                if block:
                    yield block
                block = _Block([part])
            else:
                if link == "break":
                    block.broken.add(len(block.lines) - 1)
                block.lines.append(part)
    if block:
        yield block
    if table:
        yield table


def _is_alike(table: Table, part: Table) -> bool:
    alike = len(table.rows[0]) == len(part.rows[0]) and 0 < len(table.edges) == len(part.edges)
    return alike and all(abs(a - b) <= 2 for a, b in zip(table.edges, part.edges, strict=True))


def _continued(table: Table, part: Table) -> Table:
    """A table that goes on at the top of the next page, where its head may stand again, or a row be parted."""
    rows = part.rows[1:] if part.rows[0] == table.rows[0] else part.rows
    if rows and (not rows[0][0] or rows[0][0][0][:1].islower()):
        whole = tuple(above + below for above, below in zip(table.rows[-1], rows[0], strict=True))
        return Table((*table.rows[:-1], whole, *rows[1:]), table.edges)
    return Table(table.rows + rows, table.edges)


def _margins(pages: Sequence[Page]) -> dict[tuple[int, int], float]:
    """How far the lines of each column reach at most, over all pages: the last page may have only short ones."""
    margins: dict[tuple[int, int], float] = {}
    for page in pages:
        for part in page.parts:
            if isinstance(part, Line):
                key = _column(part)
                margins[key] = max(margins.get(key, 0), part.right)
    return margins


def _column(line: Line) -> tuple[int, int]:
    return round(line.column[0] / 20), round((line.column[1] - line.column[0]) / 100)


def _link(block: _Block, line: Line, margins: Mapping[tuple[int, int], float], usual: _Measures) -> str:
    """What lies between a block and the line below it: "same" paragraph, a "break" within it, or something "new"."""
    last = block.lines[-1]
    if line.bullet is not None or line.level != last.level or not 0.92 <= line.size / last.size <= 1.08:
        return "new"
    ended = bool(_ENDED.search(last.text))
    first = line.text.split(maxsplit=1)[0] if line.text else ""
    needed = (line.right - line.left) * len(first) / max(1, len(line.text)) + 0.2 * line.size
    margin = margins[_column(last)]
    reaches = last.right > last.column[0] + 0.6 * (margin - last.column[0])
    goes_on = line.text[:1].islower() and not ended and (reaches or bool(_SPLIT.search(last.text)))
    full = goes_on or last.right + needed > margin - 0.5 * line.size
    large = line.level > 0 or line.size >= _LARGER * usual.body
    apart = line.base - last.base
    if apart <= 0 or line.column != last.column:  # the next column or page
        if ended or large or last.bold != line.bold or _NUMBERED.match(line.text):
            return "new"
        return "same" if line.text[:1].islower() or full else "new"
    if apart > 1.22 * usual.pitch.get(_rounded(line.size), 1.4 * line.size) + 0.5:
        return "new"
    if large:
        return "same"
    if last.bold != line.bold:
        return "same" if full and not ended else "new"
    if _NUMBERED.match(line.text) and (ended or not full or block.lines[0].left >= line.left):
        return "new"
    if len(block.lines) == 1 and block.lines[0].bullet is None and not _NUMBERED.match(last.text):
        indented = line.left > last.left + 0.8 * line.size  # the line above is not the beginning of a paragraph
    else:
        indented = line.left > last.left + 0.8 * line.size and (block.lines[0].bullet is None or len(block.lines) > 1)
    if indented and (ended or not full):
        return "new"
    bullet = block.lines[0].bullet
    if bullet is not None:
        outdented = line.left < block.lines[0].left - 0.8 * line.size
        if line.left < bullet - 0.8 * line.size or (outdented and (ended or not full)):
            return "new"
    if full:
        return "same"
    return "new" if ended else "break"


# --- how it is written ------------------------------------------------------------------------------------------------


class _Writer:
    """Collects the lines of the text."""

    def __init__(self, usual: _Measures, levels: Mapping[float, int], outline: Mapping[str, int]) -> None:
        self._usual = usual
        self._levels = levels
        self._outline = outline
        self._lines: list[str] = []
        self._bullets: list[float] = []

    def text(self) -> str:
        """Everything that was added."""
        text = re.sub(r"\n{3,}", "\n\n", "\n".join(self._lines)).strip()
        return text + "\n" if text else ""

    def add(self, block: _Block | Table) -> None:
        """Writes a block."""
        if isinstance(block, Table):
            self._end_list()
            self._lines.extend(self._rows(block))
            self._lines.append("")
        elif block.lines[0].bullet is not None:
            self._item(block, block.lines[0].bullet)
        else:
            self._paragraph(block)

    def _item(self, block: _Block, bullet: float) -> None:
        if not self._bullets:
            self._lines.append("")
        tolerance = 0.5 * block.lines[0].size
        while self._bullets and self._bullets[-1] > bullet + tolerance:
            self._bullets.pop()
        if not self._bullets or self._bullets[-1] < bullet - tolerance:
            self._bullets.append(bullet)
        self._lines.append("  " * (len(self._bullets) - 1) + "- " + "  \n".join(self._pieces(block)))

    def _paragraph(self, block: _Block) -> None:
        self._end_list()
        pieces = self._pieces(block)
        whole = " ".join(pieces)
        level = self._level(block)
        if level:
            self._lines.extend(("", f"{'#' * level} {whole}", ""))
        elif all(line.bold for line in block.lines) and _could_be_heading(block):
            self._lines.extend(("", f"**{whole}**", ""))
        else:
            self._lines.extend(("  \n".join(unmarked_start(piece) for piece in pieces), ""))

    def _level(self, block: _Block) -> int:
        """The level of a heading; 0 for what is none."""
        if not _could_be_heading(block):
            return 0
        if block.lines[0].level:
            return block.lines[0].level
        if block.lines[0].size >= _LARGER * self._usual.body:
            return self._levels.get(_rounded(block.lines[0].size), 0)
        named = self._outline.get(folded(" ".join(line.text for line in block.lines)))
        return min(6, max(self._levels.values(), default=0) + named) if named else 0

    def _end_list(self) -> None:
        if self._bullets:
            self._bullets = []
            self._lines.append("")

    def _pieces(self, block: _Block) -> list[str]:
        """The block's text, cut where its writer broke it."""
        pieces: list[list[str]] = [[]]
        for n, line in enumerate(block.lines):
            pieces[-1].append(line.text)
            if n in block.broken:
                pieces.append([])
        return [literal(joined(piece, self._usual.words)) for piece in pieces if piece]

    def _rows(self, table: Table) -> Iterator[str]:
        yield ""
        for n, row in enumerate(table.rows):
            yield row_text([literal(joined(cell, self._usual.words)) for cell in row])
            if n == 0:
                yield "|" + " --- |" * len(row)
