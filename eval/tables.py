"""Cases in a table, as spreadsheets write it and people write in it.

Rows are told by the number that a spreadsheet shows. What is written is never taken for a formula.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from eval.records import Read, Record, Value
from qa.text import printable

__all__ = ["Csv"]

LISTS: Final = frozenset({"history", "evidence", "also_ok", "near_miss"})
"""Keys of which a cell of a table holds several, each in a line of its own."""

_STATUSES: Final = "expect_status"
_ENTRIES: Final = "expect_entries"
_COLUMNS: Final = ("id", "policy", "question", "verdict", "evidence", "also_ok", "status")
"""What a new table is headed with; further keys become further columns."""

_SEPARATORS: Final = ",;\t"
# What a spreadsheet takes for the beginning of a formula (OWASP: CSV injection); an apostrophe makes it a text.
_FORMULA: Final = re.compile(r"'*[=+\-@\t]")


@dataclass(frozen=True, slots=True)
class Csv:
    """A table with a heading row, as spreadsheets write it; several sentences of a cell are lines of that cell."""

    name: str = "CSV"

    def read(self, text: str) -> Read:
        """The records of a text, each told by the row that a spreadsheet shows it in."""
        table = _Table.of(text)
        records: list[Record] = []
        mistakes = list(table.mistakes)
        for row in table.rows:
            if not any(cell.strip() for cell in row.cells):
                continue
            if any(cell.strip() for cell in row.cells[len(table.keys) :]):
                mistakes.append(
                    f"{row.place}: has more cells than the heading row; a text with a separator or a line break in it"
                    " must stand in quotation marks"
                )
                continue
            values: dict[str, Value] = {}
            for key, cell in zip(table.keys, row.cells, strict=False):
                try:
                    value = _of_cell(key, cell)
                except ValueError as exc:
                    mistakes.append(f"{row.place}: column {key}: {exc}")
                    continue
                if key and value not in (None, []):
                    values.setdefault(key, value)
            records.append(Record(row.place, row.first, row.end, values, column=True))
        return Read(tuple(records), tuple(mistakes))

    def added(self, text: str, values: Mapping[str, Value]) -> str:
        """The text with one more row; a key that has no column yet gets one."""
        if not text.strip():
            text = _csv_row(_COLUMNS, ",")
        text = _with_columns(text, values)
        table = _Table.of(text)
        ended = text if text.endswith("\n") else text + "\r\n"
        return ended + _csv_row([_as_cell(values.get(key)) for key in table.keys], table.separator)

    def replaced(self, text: str, record: Record, values: Mapping[str, Value] | None) -> str:
        """The text with another row, or without it."""
        new = ""
        if values:
            # A heading row does not get longer by a column, so the record's lines stay where they were.
            text = _with_columns(text, values)
            table = _Table.of(text)
            new = _csv_row([_as_cell(values.get(key)) for key in table.keys], table.separator)
        lines = _csv_lines(text)
        return "".join([*lines[: record.first], new, *lines[record.end :]])


@dataclass(frozen=True, slots=True)
class _Row:
    place: str
    first: int
    end: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Table:
    """A table as it stands in a text.

    Attributes:
        keys: of the columns; empty for a column without a heading.
        heading: the lines [first, end) of the heading row.
    """

    separator: str
    keys: tuple[str, ...]
    heading: tuple[int, int]
    rows: tuple[_Row, ...]
    mistakes: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> _Table:
        lines = _csv_lines(text)
        start = 0
        told = re.fullmatch(r"sep=(.)\s*", lines[0], re.IGNORECASE) if lines else None
        if told:  # Excel's own way to say it
            start = 1
        head = lines[start] if len(lines) > start else ""
        separator = told.group(1) if told else max(_SEPARATORS, key=head.count)
        reader = csv.reader(lines[start:], delimiter=separator, strict=True)
        rows: list[_Row] = []
        mistakes: list[str] = []
        n, first = start, start
        while True:
            n += 1
            try:
                cells = next(reader)
            except StopIteration:
                break
            except csv.Error as exc:
                mistakes.append(f"row {n} (line {first + 1}): not CSV: {exc}; what follows was not read")
                break
            end = start + reader.line_num
            place = f"row {n}" if n == first + 1 else f"row {n} (line {first + 1})"
            rows.append(_Row(place, first, end, tuple(cells)))
            first = end
        if not rows:
            return cls(separator, (), (start, start), (), tuple(mistakes))
        head_row, *rest = rows
        keys = tuple(re.sub(r"[\s-]+", "_", cell.strip().lower()) for cell in head_row.cells)
        doubled = sorted({key for key in keys if key and keys.count(key) > 1})
        mistakes[:0] = [f"{head_row.place}: two columns are headed {printable(key, 40)}" for key in doubled]
        for row in rest:
            for key, cell in zip(keys, row.cells, strict=False):
                if not key and cell.strip():
                    mistakes.append(f"{row.place}: the column of {printable(cell, 30)!r} has no heading")
        return cls(separator, keys, (head_row.first, head_row.end), tuple(rest), tuple(mistakes))


def _csv_lines(text: str) -> list[str]:
    return list(io.StringIO(text, newline=""))


def _csv_row(cells: Sequence[str], separator: str) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=separator, lineterminator="\r\n").writerow(cells)
    return out.getvalue()


def _with_columns(text: str, values: Mapping[str, Value]) -> str:
    """The text with a heading for each key; rows may be shorter than the heading row."""
    table = _Table.of(text)
    missing = [key for key in values if key not in table.keys]
    if not missing:
        return text
    lines = _csv_lines(text)
    first, end = table.heading
    return "".join([*lines[:first], _csv_row([*table.keys, *missing], table.separator), *lines[end:]])


def _of_cell(key: str, cell: str) -> Value:
    """What a cell says.

    Raises:
        ValueError: it is to be JSON and is not.
    """
    if key == _ENTRIES and cell.strip():
        try:
            return json.loads(cell)
        except (ValueError, RecursionError):
            raise ValueError("write these as JSON, or the cases in a YAML file") from None
    if key in LISTS:
        return [_unescaped(line) for line in cell.splitlines() if line.strip()]
    if key == _STATUSES:
        return re.findall(r"[^\s,;]+", cell)
    return _unescaped(cell) or None


def _unescaped(text: str) -> str:
    text = text.strip()
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


def _as_cell(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list) and any(isinstance(each, Mapping) for each in value):
        return json.dumps(value, ensure_ascii=False)
    texts = value if isinstance(value, list) else [value]
    return "\n".join(f"'{text}" if _FORMULA.match(text) else text for text in (" ".join(str(t).split()) for t in texts))
