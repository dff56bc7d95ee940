"""A PDF → the text that its readers read, as Markdown.

A PDF puts letters at places; pdfplumber says which and where, and which lines are ruled. Here letters become lines in
reading order, column by column, and ruled cells become tables; ``ingest.pages`` makes paragraphs of them. A PDF can be
made to need any time and memory, so those of others are read in a process that can be ended (``ingest.apart``).
"""

from __future__ import annotations

import io
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice, pairwise
from statistics import median
from typing import Any, Final

from ingest.pages import Line, Lines, Page, Row, Table, folded, heads_and_feet, paged_text
from ingest.screening import Reason
from ingest.tagged import Mark, Tags, tags_of
from ingest.webpage import literal
from qa.errors import PolicyRefused

__all__ = ["SUFFIXES", "is_pdf", "pdf_text"]

SUFFIXES: Final = (".pdf",)

MOST_PAGES: Final = 300
"""Policies have some ten; a book is none."""

MOST_LETTERS: Final = 1_000_000
"""A page in small print has some five thousand."""

_MOST_DRAWN: Final = 8 * 1024 * 1024
"""Of what draws a page, unpacked; a full one has some hundred thousand bytes."""

_MOST_EDGES: Final = 2_000
_MOST_HEADINGS: Final = 2_000
_MOST_COLUMNS: Final = 3
_SMALLEST: Final = 2.0
"""What is smaller, in points, is not meant to be read."""

_FEWEST_LETTERS: Final = 20
"""What has fewer is a page without text."""

_LIGATURES: Final = {ord(char): unicodedata.normalize("NFKC", char) for char in "ﬀﬁﬂﬃﬄﬅﬆ"}
_ODD: Final = {
    **_LIGATURES,
    **dict.fromkeys((0x09, 0xA0, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000), " "),
    0x2010: "-",
    0x2011: "-",
}  # fmt: skip
_UNKNOWN: Final = "\ufffd"
"""Stands for a letter of which its font does not say which it is."""

_SOFT_HYPHEN: Final = "\xad"
_NOT_SHOWN: Final = frozenset({"Cc", "Cf", "Cs", "Cn"})

_BULLETS: Final = frozenset("•▪◦●○■□‣⁃➢➤✓✔❖◆◇►▶∙")
_DASHES: Final = frozenset("-–—*·»")
"""These are bullets where a gap follows; so is the letter o, which some programs use for a ring."""

_LEADERS: Final = re.compile(r"\s*(?:\.\s?){5,}\s*")
"""Dots that lead to a page's number in a table of contents."""

_BOLD: Final = re.compile(r"bold|black|heavy|demi", re.IGNORECASE)
_FILE_TITLE: Final = re.compile(
    r"\.(?:docx?|pdf|rtf|odt|html?|txt|indd|qxd|pages|pptx?|xlsx?)$|^microsoft|untitled|^slide|[_\\]", re.IGNORECASE
)


def is_pdf(data: bytes) -> bool:
    """Whether bytes are meant to be a PDF; some programs put a few of their own before it."""
    return b"%PDF-" in data[:1_024]


def pdf_text(data: bytes) -> tuple[str, tuple[str, ...]]:
    """The text of a PDF, and what a reader of it should be warned about.

    Raises:
        PolicyRefused: it cannot be opened, is damaged or too large, or has pictures of text only.
    """
    try:
        from pdfminer.pdfdocument import PDFEncryptionError
        from pdfplumber.pdf import PDF
        from pdfplumber.utils.exceptions import PdfminerException
    except ImportError:
        message = "Reading PDF needs a package: pip install 'fineprint[pdf]'."
        raise PolicyRefused(Reason.UNSUPPORTED_FORMAT, message) from None
    if not is_pdf(data):
        raise PolicyRefused(Reason.UNREADABLE, "It is not a PDF, whatever its name says.")
    try:
        # Its close() would lay out every page that was not needed.
        return _read(PDF(io.BytesIO(data)))
    except PolicyRefused:
        raise
    except (MemoryError, RecursionError):
        raise
    except Exception as exc:  # a damaged file may break the parser anywhere
        cause = exc.args[0] if isinstance(exc, PdfminerException) and exc.args else exc
        if isinstance(cause, (MemoryError, RecursionError)):
            raise cause from None
        if isinstance(cause, PDFEncryptionError):
            message = "It is protected by a password: save it without one."
            raise PolicyRefused(Reason.ENCRYPTED, message) from None
        message = "The PDF is damaged: open it, and print or save it as PDF anew."
        raise PolicyRefused(Reason.UNREADABLE, message) from None


def _read(document: Any) -> tuple[str, tuple[str, ...]]:
    count = _page_count(document)
    if count == 0:
        raise PolicyRefused(Reason.EMPTY, "The PDF has no pages.")
    tags = tags_of(document)
    sheets: list[_Sheet] = []
    pictures: list[int] = []
    for number, page in enumerate(document.pages, start=1):
        sheet = _sheet(page, number, tags)
        sheets.append(sheet)
        if len(sheet.glyphs) < _FEWEST_LETTERS and page.images:
            pictures.append(number)
        page.close()
        if sum(len(each.glyphs) for each in sheets) > MOST_LETTERS:
            raise PolicyRefused(Reason.TOO_LARGE, f"It has more than {MOST_LETTERS:,} letters: no policy has so many.")
    letters = sum(len(sheet.glyphs) for sheet in sheets)
    unknown = sum(glyph.text == _UNKNOWN for sheet in sheets for glyph in sheet.glyphs)
    lost = sum(sheet.lost for sheet in sheets)
    if pictures and letters < _FEWEST_LETTERS * count:
        message = "Its pages are pictures, as a scanner makes them: let a program for OCR add their text first."
        raise PolicyRefused(Reason.SCANNED, message)
    if lost > _FEWEST_LETTERS and letters < _FEWEST_LETTERS:
        raise PolicyRefused(
            Reason.UNREADABLE, "Its letters stand sideways or beyond its pages: turn the pages and save it anew."
        )
    if unknown > 0.05 * letters:
        message = "Its fonts do not say which letters they show: save the page as text, or use a program for OCR."
        raise PolicyRefused(Reason.NOT_TEXT, message)
    text = paged_text(list(_pages(sheets, tags)), outline=_outline(document))
    return _titled(text, document), tuple(_warnings(pictures, letters, unknown, lost))


def _warnings(pictures: Sequence[int], letters: int, unknown: int, lost: int) -> Iterator[str]:
    if pictures:
        which = ", ".join(map(str, pictures[:10])) + (" …" if len(pictures) > 10 else "")
        yield f"Some pages are pictures, whose text is missing here: {which}."
    if unknown:
        yield f"{unknown} of its letters could not be read."
    if lost > max(_FEWEST_LETTERS, letters / 50):
        yield f"{lost} of its letters stand sideways or beyond the edges of its pages, and were left out."


def _page_count(document: Any) -> int:
    """How many pages there are; counted, because what a file says of itself may be wrong."""
    from pdfminer.pdfpage import PDFPage

    count = sum(1 for _ in islice(PDFPage.create_pages(document.doc), MOST_PAGES + 1))
    if count > MOST_PAGES:
        message = f"It has more than {MOST_PAGES} pages: give the pages with the policy only."
        raise PolicyRefused(Reason.TOO_LARGE, message)
    return count


def _outline(document: Any) -> dict[str, int]:
    """The level of the headings that the document's own table of contents names."""
    from pdfminer.psexceptions import PSException

    levels: dict[str, int] = {}
    try:
        for level, title, *_ in islice(document.doc.get_outlines(), _MOST_HEADINGS):
            levels.setdefault(folded(_mended(str(title))), level)
    except (PSException, RecursionError, TypeError, ValueError, KeyError, AttributeError):
        pass  # there is none, or what is left of it is damaged
    levels.pop("", None)
    return levels


def _titled(text: str, document: Any) -> str:
    """The document's title leads where it has one of its own that nothing at the beginning of the text says."""
    title = document.metadata.get("Title")
    if not text or not isinstance(title, str):
        return text
    title = " ".join(_mended(title).split())
    words = folded(title).split()
    if not 2 <= len(words) <= 20 or len(title) > 150 or _FILE_TITLE.search(title):
        return text
    begins = folded(text[:1_000]).split()
    return text if set(words) <= set(begins) else f"# {literal(title)}\n\n{text}"


# --- letters ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Glyph:
    """A letter, or several that one sign shows."""

    text: str
    left: float
    right: float
    top: float
    bottom: float
    base: float
    size: float
    bold: bool
    spaced: bool
    """Whether a space stands before it."""

    mark: Mark | None
    """The page, and the number there of the stretch that it belongs to."""


def _glyphs(page: Any, number: int) -> tuple[list[_Glyph], int]:
    """The letters that stand upright on a page, in the order in which they were written, and how many do not."""
    out: list[_Glyph] = []
    seen: set[tuple[str, int, int, int]] = set()
    spaced = False
    lost = 0
    before = 0.0
    mark: Mark | None = None
    left, top, right, bottom = page.bbox
    for char in page.chars:
        base = float(page.bbox[3]) - float(char["matrix"][5])
        # Behind a stretch within a stretch, pdfplumber forgets the outer one.
        if char["mcid"] is not None:
            mark = (number, char["mcid"])
        elif char["tag"] == "Artifact" or abs(base - before) > 2 * abs(float(char["size"])):
            mark = None
        before = base
        text = _mended(char["text"])
        size = abs(float(char["size"]))
        on_page = left <= (char["x0"] + char["x1"]) / 2 <= right and top <= (char["top"] + char["bottom"]) / 2 <= bottom
        if size < _SMALLEST:
            continue
        if not text.strip():
            spaced = spaced or bool(text)
            continue
        if not on_page or not char["upright"] or char["matrix"][0] < 0:
            lost += 1
            continue
        # Bold is often made by writing twice, a hair's breadth apart.
        grain = round(size)
        across, down = round(char["x0"] / (0.1 * grain)), round(char["top"] / (0.1 * grain))
        if any((text, grain, across + dx, down + dy) in seen for dx in (-1, 0, 1) for dy in (-1, 0, 1)):
            continue
        seen.add((text, grain, across, down))
        out.append(
            _Glyph(
                text.strip(),
                float(char["x0"]),
                float(char["x1"]),
                float(char["top"]),
                float(char["bottom"]),
                base,
                size,
                bool(_BOLD.search(str(char["fontname"]))),
                spaced,
                mark,
            )
        )
        spaced = False
    return out, lost


def _mended(text: str) -> str:
    """Letters as they are typed: ligatures parted, odd spaces plain, what cannot be shown gone."""
    if text.startswith("(cid:"):
        return _UNKNOWN
    text = unicodedata.normalize("NFC", text.translate(_ODD))
    kept = (char for char in text if char == _SOFT_HYPHEN or unicodedata.category(char) not in _NOT_SHOWN)
    return "".join(kept)


# --- lines ------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Piece:
    """Letters of one line without a wide gap; or a table, which has no letters."""

    glyphs: list[_Glyph] = field(default_factory=list)
    table: Table | None = None
    box: tuple[float, float] = (0.0, 0.0)

    @property
    def left(self) -> float:
        return self.glyphs[0].left if self.glyphs else self.box[0]

    @property
    def right(self) -> float:
        return max(glyph.right for glyph in self.glyphs[-3:]) if self.glyphs else self.box[1]


_Row = list[_Piece]


@dataclass(slots=True)
class _Sheet:
    """A page before it is read.

    Attributes:
        glyphs: its letters; those of tables are taken out when they are found.
        tables: each with where it begins and how wide it is.
        height: in points.
        dots: small drawn ones, which may be bullets: where they begin and end, and the height of their middle.
        lost: how many letters stand sideways or beyond its edges.
    """

    glyphs: list[_Glyph]
    tables: list[tuple[float, tuple[float, float], Table]]
    height: float
    dots: tuple[tuple[float, float, float], ...]
    lost: int


def _sheet(page: Any, number: int, tags: Tags) -> _Sheet:
    from pdfminer.pdftypes import PDFStream, resolve1

    streams = (resolve1(each) for each in page.page_obj.contents)
    drawn = sum(len(stream.get_data()) for stream in streams if isinstance(stream, PDFStream))
    if drawn > _MOST_DRAWN:
        message = f"What draws page {number} unpacks to {drawn:,} bytes: no page of a policy has so much."
        raise PolicyRefused(Reason.TOO_LARGE, message)
    glyphs, lost = _glyphs(page, number)
    sheet = _Sheet(glyphs, [], float(page.height), tuple(_dots(page)), lost)
    if not any(glyph.mark in tags.cells for glyph in glyphs):
        _take_ruled_tables(page, sheet)
    return sheet


def _pages(sheets: Sequence[_Sheet], tags: Tags) -> Iterator[Page]:
    """What stands on each page, in reading order, without heads and feet."""
    _take_tagged_tables(sheets, tags)
    all_rows = [_all_rows(sheet) for sheet in sheets]
    looks = [
        [Row(base / sheet.height, *_look(row)) for base, row in rows]
        for sheet, rows in zip(sheets, all_rows, strict=True)
    ]
    gutters = Counter(
        gutter for rows in all_rows if (gutter := _gutter([row for _, row in rows], known=None)) is not None
    )
    known = gutters.most_common(1)[0][0] if gutters else None
    for sheet, page_rows, dropped in zip(sheets, all_rows, heads_and_feet(looks), strict=True):
        rows = [row for n, (_, row) in enumerate(page_rows) if n not in dropped]
        parts = (
            piece.table or _line(piece, column, sheet.dots, tags) for piece, column in _in_columns(rows, known, depth=0)
        )
        yield Page(tuple(part for part in parts if isinstance(part, Table) or part.text))


def _all_rows(sheet: _Sheet) -> list[tuple[float, _Row]]:
    """What stands on a page from above, each row with the height it stands on."""
    rows = [(base, _pieces(row)) for base, row in _rows(sheet.glyphs)]
    rows.extend((top, [_Piece(table=table, box=box)]) for top, box, table in sheet.tables)
    return sorted(rows, key=lambda each: each[0])


def _look(row: _Row) -> tuple[str, float]:
    """The text of a row, and its size."""
    glyphs = [glyph for piece in row for glyph in piece.glyphs]
    return _spelled(glyphs), max((glyph.size for glyph in glyphs), default=0.0)


def _rows(glyphs: Sequence[_Glyph]) -> Iterator[tuple[float, list[_Glyph]]]:
    """Letters that stand on one height, from above; what is raised or lowered a little belongs to them."""
    row: list[_Glyph] = []
    base = size = 0.0
    for glyph in sorted(glyphs, key=lambda each: (each.base, each.left)):
        if row and glyph.base - base > 0.45 * max(size, min(glyph.size, 2 * size)):
            yield base, row
            row = []
        if not row or glyph.size > 1.1 * size:
            base, size = glyph.base, glyph.size
        row.append(glyph)
    if row:
        yield base, row


def _pieces(row: Iterable[_Glyph]) -> _Row:
    """The letters of a row from the left, cut at gaps as wide as those between columns."""
    pieces: _Row = []
    for glyph in sorted(row, key=lambda each: each.left):
        last = pieces[-1] if pieces else None
        if last and glyph.left - last.right <= 0.7 * min(glyph.size, last.glyphs[-1].size):
            last.glyphs.append(glyph)
        else:
            pieces.append(_Piece([glyph]))
    return pieces


def _in_columns(
    rows: Sequence[_Row], known: float | None = None, *, depth: int
) -> Iterator[tuple[_Piece, tuple[float, float]]]:
    """Whole lines with the column they stand in, in reading order: what spans columns ends those above it.

    Args:
        rows: from above.
        known: where the columns of most pages part.
        depth: how many columns these rows are inside of.
    """
    if not rows:
        return
    column = _edges(rows)
    gutter = _gutter(rows, known) if depth < _MOST_COLUMNS else None
    beside: list[_Row] = []
    for row in rows:
        if gutter is not None and not any(piece.left < gutter < piece.right for piece in row):
            beside.append(row)
            continue
        yield from _side_by_side(beside, gutter, depth)
        beside = []
        yield from ((piece, column) for piece in _merged(row))
    yield from _side_by_side(beside, gutter, depth)


def _side_by_side(
    rows: Sequence[_Row], gutter: float | None, depth: int
) -> Iterator[tuple[_Piece, tuple[float, float]]]:
    if gutter is not None:
        for right in (False, True):
            sides = (_side(row, gutter, right=right) for row in rows)
            yield from _in_columns([side for side in sides if side], depth=depth + 1)


def _side(row: _Row, gutter: float, *, right: bool) -> _Row:
    return [piece for piece in row if (piece.left >= gutter if right else piece.right <= gutter)]


def _edges(rows: Sequence[_Row]) -> tuple[float, float]:
    return min(row[0].left for row in rows), max(row[-1].right for row in rows)


def _merged(row: _Row) -> _Row:
    if any(piece.table for piece in row):
        return row
    return [_Piece([glyph for piece in row for glyph in piece.glyphs])]


def _gutter(rows: Sequence[_Row], known: float | None) -> float | None:
    """Where two columns of running text part, if there are any; the cells of a table without rules are none.

    Args:
        rows: from above.
        known: where those of most pages part; the same place then needs less evidence.
    """
    gaps = [(a.right, b.left) for row in rows for a, b in pairwise(row)]
    through = Counter(x for left, right in gaps for x in range(math.ceil(left), math.floor(right) + 1))
    if not through:
        return None
    most = max(through.values())
    widest = [x for x, count in through.items() if count >= 0.95 * most]
    gutter = float(median(widest))
    crossed = sum(any(piece.left < gutter < piece.right for piece in row) for row in rows)
    again = known is not None and abs(gutter - known) < 8
    if most < (2 if again else max(5, 0.4 * crossed)):
        return None
    left, right = _edges(rows)
    for is_right, width in ((False, gutter - left), (True, right - gutter)):
        sides = [side for side in (_side(row, gutter, right=is_right) for row in rows) if side]
        widths = [side[-1].right - side[0].left for side in sides]
        letters = [sum(len(piece.glyphs) for piece in side) for side in sides]
        if not again and (median(widths) < 0.55 * width or median(letters) < 15):
            return None
    return gutter


def _line(piece: _Piece, column: tuple[float, float], dots: Sequence[tuple[float, float, float]], tags: Tags) -> Line:
    """A line of text, its bullet apart."""
    glyphs = piece.glyphs
    bullet: float | None = None
    if (after := _bullet_end(glyphs)) is not None:
        bullet, glyphs = glyphs[0].left, glyphs[after:]
    sizes = Counter(glyph.size for glyph in glyphs)
    size = sizes.most_common(1)[0][0]
    levels = {tags.levels.get(glyph.mark, 0) if glyph.mark else 0 for glyph in glyphs}
    base = next(glyph.base for glyph in glyphs if glyph.size == size)
    if bullet is None:
        top, bottom = min(glyph.top for glyph in glyphs), max(glyph.bottom for glyph in glyphs)
        near = (x for x, x1, y in dots if top <= y <= bottom and 0 < glyphs[0].left - x1 < 2.5 * size)
        bullet = next(near, None)
    return Line(
        text=_spelled(glyphs),
        left=glyphs[0].left,
        right=max(glyph.right for glyph in glyphs),
        base=base,
        size=size,
        bold=all(glyph.bold for glyph in glyphs),
        column=column,
        bullet=bullet,
        level=levels.pop() if len(levels) == 1 else 0,
    )


def _bullet_end(glyphs: Sequence[_Glyph]) -> int | None:
    """How many letters the bullet at the beginning of a line takes; None where there is no bullet, or nothing else."""
    if len(glyphs) < 2:
        return None
    first, second = glyphs[0], glyphs[1]
    gap = second.left - first.right
    if first.text in _BULLETS or unicodedata.category(first.text[0]) == "Co":
        return 1
    dash = first.text in _DASHES and (second.spaced or gap > 0.3 * first.size)
    return 1 if dash or (first.text == "o" and gap > first.size) else None


def _spelled(glyphs: Sequence[_Glyph]) -> str:
    """Letters as words; where no spaces were written, gaps tell."""
    gaps = [b.left - a.right for a, b in pairwise(glyphs)]
    # Headings are often set with a gap between any two letters.
    inside = [gap for gap, (a, b) in zip(gaps, pairwise(glyphs), strict=True) if a.text.isalpha() and b.text.isalpha()]
    usual = max(0.0, median(inside)) if len(inside) > 3 and not any(glyph.spaced for glyph in glyphs[1:]) else 0.0
    text = ""
    for n, glyph in enumerate(glyphs):
        wide = n > 0 and gaps[n - 1] > 0.17 * glyph.size + 1.3 * usual
        spaced = n > 0 and glyph.spaced and gaps[n - 1] > -0.5 * glyph.size
        shown = "" if unicodedata.category(glyph.text[0]) == "Co" else glyph.text
        text += (" " if wide or spaced else "") + shown
    text = _LEADERS.sub(" … ", " ".join(text.split()))
    ends_parted = text.endswith(_SOFT_HYPHEN)
    return text.replace(_SOFT_HYPHEN, "") + ("-" if ends_parted else "")


def _dots(page: Any) -> list[tuple[float, float, float]]:
    """Small dots and squares, which may be bullets: where they begin and end, and the height of their middle."""
    return [
        (float(shape["x0"]), float(shape["x1"]), (float(shape["top"]) + float(shape["bottom"])) / 2)
        for shape in (*page.curves, *page.rects)
        if 1.5 <= shape["width"] <= 9 and abs(shape["width"] - shape["height"]) < 1
    ]


# --- tables -----------------------------------------------------------------------------------------------------------


def _take_tagged_tables(sheets: Sequence[_Sheet], tags: Tags) -> None:
    """Takes the tables that the document names out of its pages, and puts each where it begins."""
    found: dict[int, dict[tuple[int, int], dict[int, list[_Glyph]]]] = {}
    for number, sheet in enumerate(sheets):
        for glyph in sheet.glyphs:
            if glyph.mark and (cell := tags.cells.get(glyph.mark)):
                cells = found.setdefault(cell.table, {})
                cells.setdefault((cell.row, cell.column), {}).setdefault(number, []).append(glyph)
    for cells in found.values():
        columns = max(column for _, column in cells) + 1
        rows = [
            [
                _cell(line for glyphs in cells.get((row, column), {}).values() for line in _as_written(glyphs))
                for column in range(columns)
            ]
            for row in sorted({row for row, _ in cells})
        ]
        kept = [n for n in range(columns) if any(row[n] for row in rows)]
        if not _is_data(rows, kept):
            continue
        top_row = min(row for row, _ in cells)
        first = min(number for (row, _), cell in cells.items() if row == top_row for number in cell)
        begin = [glyph for (row, _), cell in cells.items() if row == top_row for glyph in cell.get(first, ())]
        box = min(glyph.left for glyph in begin), max(glyph.right for glyph in begin)
        table = Table(tuple(tuple(row[n] for n in kept) for row in rows))
        sheets[first].tables.append((min(glyph.top for glyph in begin), box, table))
        taken = {id(glyph) for cell in cells.values() for glyphs in cell.values() for glyph in glyphs}
        for sheet in sheets:
            sheet.glyphs = [glyph for glyph in sheet.glyphs if id(glyph) not in taken]


def _as_written(glyphs: Iterable[_Glyph]) -> Iterator[list[_Glyph]]:
    """Letters as lines in the order in which they were written: a cell may go on at the top of the next column."""
    line: list[_Glyph] = []
    for glyph in glyphs:
        if line and abs(glyph.base - line[-1].base) > 0.6 * max(glyph.size, line[-1].size):
            yield line
            line = []
        line.append(glyph)
    if line:
        yield line


def _take_ruled_tables(page: Any, sheet: _Sheet) -> None:
    """Takes the tables with ruled cells out of a page."""
    if not 4 <= len(page.edges) <= _MOST_EDGES:
        return
    for found in page.find_tables(_open_ends(page)):
        left, top, right, _ = found.bbox
        inside = [glyph for glyph in sheet.glyphs if _is_in(glyph, found.bbox)]
        cells = [[_cell(_within(inside, box)) if box else () for box in row.cells] for row in found.rows]
        cells = [row for row in cells if any(row)]
        kept = [n for n in range(len(cells[0]) if cells else 0) if any(row[n] for row in cells)]
        if not _is_data(cells, kept):
            continue
        starts = sorted({round(cell[0]) for cell in found.cells})
        rows = tuple(tuple(row[n] for n in kept) for row in cells)
        sheet.tables.append((float(top), (float(left), float(right)), Table(rows, tuple(starts))))
        taken = {id(glyph) for glyph in inside}
        sheet.glyphs = [glyph for glyph in sheet.glyphs if id(glyph) not in taken]


def _open_ends(page: Any) -> dict[str, Any]:
    """How tables are looked for: where a row is parted by the page's end, nothing is ruled below its cells."""
    upright = [edge for edge in page.edges if edge["orientation"] == "v"]
    if not upright:
        return {}
    return {"explicit_horizontal_lines": [min(e["top"] for e in upright), max(e["bottom"] for e in upright)]}


def _is_data(cells: Sequence[Sequence[Lines]], kept: Sequence[int]) -> bool:
    """Whether ruled cells hold data; a frame around text has one, and some pages are laid out by tables."""
    full = sum(sum(bool(cell) for cell in row) >= 2 for row in cells)
    words = sum(len(line.split()) for row in cells for cell in row for line in cell)
    return len(kept) >= 2 and len(cells) >= 2 and full >= len(cells) / 4 and words <= 200 * len(cells)


def _is_in(glyph: _Glyph, box: tuple[float, float, float, float]) -> bool:
    across, down = (glyph.left + glyph.right) / 2, (glyph.top + glyph.bottom) / 2
    return box[0] <= across < box[2] and box[1] <= down < box[3]


def _within(glyphs: Iterable[_Glyph], box: tuple[float, float, float, float]) -> Iterator[list[_Glyph]]:
    """The letters in a box, as lines."""
    for _, row in _rows([glyph for glyph in glyphs if _is_in(glyph, box)]):
        yield sorted(row, key=lambda each: each.left)


def _cell(lines: Iterable[Sequence[_Glyph]]) -> Lines:
    """The lines of a cell, its items set off as those of web pages are."""
    out: list[str] = []
    for glyphs in lines:
        after = _bullet_end(glyphs)
        out.append(("• " if out and after else "") + _spelled(glyphs[after or 0 :]))
    return tuple(out)
