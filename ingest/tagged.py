"""What a PDF says of its own structure: which of its letters are cells of a table, and which a heading.

Browsers and word processors write it, for those who have pages read to them. It is the only thing that tells the cells
of a table without rules from columns of text. Each stretch of letters has a number on its page; the structure names it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

__all__ = ["Cell", "Mark", "Tags", "tags_of"]

Mark = tuple[int, int]
"""A page, counted from 1, and the number of a stretch of letters on it."""

_MOST_PARTS: Final = 300_000
_HEADING: Final = re.compile(r"H([1-6])")


@dataclass(frozen=True, slots=True)
class Cell:
    """Where in which table something stands, counted from 0."""

    table: int
    row: int
    column: int


@dataclass(frozen=True, slots=True)
class Tags:
    """What is known of stretches of letters: the cell they are in, the level of the heading they are."""

    cells: Mapping[Mark, Cell] = field(default_factory=dict)
    levels: Mapping[Mark, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Part:
    """An element of the structure: what it is, the stretches right in it, and the elements in it."""

    kind: str
    marks: list[Mark] = field(default_factory=list)
    parts: list[_Part] = field(default_factory=list)


def tags_of(document: Any) -> Tags:
    """What a document of pdfplumber says; nothing where it says nothing, or nothing that makes sense."""
    from pdfminer.psexceptions import PSException

    try:
        root = _structure(document)
    except (PSException, AttributeError, KeyError, TypeError, ValueError):
        return Tags()  # it is a help only, and made by programs whose users never see it
    cells: dict[Mark, Cell] = {}
    levels: dict[Mark, int] = {}
    tables = 0
    waiting = [(root, 0)]
    while waiting:
        part, level = waiting.pop()
        if heading := _HEADING.fullmatch(part.kind):
            level = int(heading.group(1))
        elif part.kind == "Table":
            for mark, row, column in _cells(part):
                cells[mark] = Cell(tables, row, column)  # what is in a table within a table is that one's
            tables += 1
        if level:
            levels.update(dict.fromkeys(part.marks, level))
        waiting.extend((each, level) for each in reversed(part.parts))
    return Tags(cells, levels)


def _structure(document: Any) -> _Part:
    """The tree of the structure, bounded. (pdfplumber has one, but it loses the page of what a page's end parts.)"""
    from pdfminer.pdftypes import PDFObjRef, resolve1

    root = _Part("")
    tree = resolve1(document.doc.catalog.get("StructTreeRoot"))
    if not isinstance(tree, dict):
        return root
    roles = resolve1(tree.get("RoleMap")) or {}
    pages = {page.page_obj.pageid: page.page_number for page in document.pages}
    seen: set[int] = set()
    waiting: list[tuple[_Part, Any, int | None]] = [(root, tree.get("K"), None)]
    for _ in range(_MOST_PARTS):
        if not waiting:
            break
        parent, found, page = waiting.pop()
        if isinstance(found, PDFObjRef):
            if found.objid in seen:
                continue
            seen.add(found.objid)
        element = resolve1(found)
        if isinstance(element, list):
            waiting.extend((parent, each, page) for each in reversed(element))
        elif isinstance(element, int) and page:
            parent.marks.append((page, element))
        elif isinstance(element, dict):
            at = element.get("Pg")
            page = pages.get(at.objid, page) if isinstance(at, PDFObjRef) else page
            if "MCID" in element and page and "Stm" not in element:
                parent.marks.append((page, resolve1(element["MCID"])))
            elif "S" in element:
                kind = resolve1(element["S"]).name
                kind = getattr(resolve1(roles.get(kind)), "name", kind)
                parent.parts.append(_Part(str(kind)))
                waiting.append((parent.parts[-1], element.get("K"), page))
    return root


def _cells(table: _Part) -> Iterator[tuple[Mark, int, int]]:
    """The stretches in the cells of a table, each with the numbers of its row and column."""
    rows = (row for each in table.parts for row in ([each] if each.kind == "TR" else each.parts) if row.kind == "TR")
    for number, row in enumerate(rows):
        for column, cell in enumerate(each for each in row.parts if each.kind in {"TD", "TH"}):
            waiting = [cell]
            while waiting:
                part = waiting.pop()
                yield from ((mark, number, column) for mark in part.marks)
                waiting.extend(part.parts)
