"""What can be saved of a library's file, however it was damaged: every policy whose text is proven whole by its hash.

The file is read as SQLite reads it, as far as that goes, from the first row on and from the last one back. What is then
missing is looked for in the pages themselves, in the form that https://www.sqlite.org/fileformat2.html describes: a
row stands in a leaf page, and what is too long for it in a chain of others, so that rows survive the loss of what is
above them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from qa.domain import Policy
from qa.library import FILE, policy_of

__all__ = ["Remains", "remains_of"]

_COLUMNS: Final = 10
"""Of a row of ``policies``: id, domain, archived_on, content_hash, generation, characters, passages, facts, text,
sentence_vectors."""
_ASKED: Final = "rowid, id, domain, archived_on, content_hash, generation, facts, text"
_PAGE: Final = 4096
"""Bytes a page, whatever a damaged head says: what SQLite makes, and nothing here changes."""
_LEAF: Final = 0x0D
_MOST: Final = 256 * 1024 * 1024
"""Bytes of a row; a length above it is no length."""


@dataclass(frozen=True, slots=True)
class _Cell:
    """Where a row begins: in the page of that number, from 1, if pages have ``size`` bytes."""

    size: int
    number: int
    start: int


@dataclass(frozen=True, slots=True)
class Remains:
    """What is left of the policies of a library.

    Attributes:
        file: the library.
        whole: where each policy is, by id: at a row, or at a cell of a page where SQLite cannot reach it.
        lost: ids of policies that were there, and of which no whole text is left.
    """

    file: Path
    whole: dict[str, int | _Cell]
    lost: tuple[str, ...]

    def policies(self) -> Iterator[Policy]:
        """The policies that are whole, by id, read one at a time."""
        with closing(_Rows(self.file)) as rows, closing(_Pages(self.file)) as pages:
            for _, where in sorted(self.whole.items()):
                found = pages.at(where) if isinstance(where, _Cell) else rows.at(where)
                policy = found and found.policy()
                if policy:
                    yield policy


def remains_of(folder: Path) -> Remains:
    """Looks through the library of an index folder, whatever state it is in; one that is not there has no policies."""
    file = folder / FILE
    whole: dict[str, tuple[int, int | _Cell]] = {}
    named: set[str] = set()
    with closing(_Rows(file)) as rows:
        for where, found in rows:
            named.add(found.id)
            if found.policy():
                whole[found.id] = (found.generation, where)
        named |= rows.names()
        unreached = rows.stopped or not named <= whole.keys()
    if unreached:
        reached = set(whole)
        with closing(_Pages(file)) as pages:
            for place, found in pages:
                named.add(found.id)
                known = whole.get(found.id)
                if found.id not in reached and (known is None or known[0] < found.generation) and found.policy():
                    whole[found.id] = (found.generation, place)
    return Remains(file, {each: where for each, (_, where) in whole.items()}, tuple(sorted(named - whole.keys())))


@dataclass(frozen=True, slots=True)
class _Found:
    """A row of ``policies`` that may be damaged."""

    id: str
    domain: str
    archived_on: str
    content_hash: str
    generation: int
    facts: str
    text: bytes

    def policy(self) -> Policy | None:
        """The policy, if its hash proves it whole."""
        try:
            policy = policy_of(self.domain, self.archived_on, self.facts, self.text, self.content_hash)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return None
        return policy if policy.id == self.id else None


class _Rows:
    """The rows as SQLite finds them, ascending until it stops, then descending until it stops."""

    def __init__(self, file: Path) -> None:
        self.stopped = False
        self._connection: sqlite3.Connection | None = None
        if not file.exists():
            return
        with suppress(sqlite3.Error):
            # A writer's connection: it also reads what an interrupted writer left in the WAL.
            self._connection = sqlite3.connect(f"file:{quote(str(file.absolute()))}?mode=rw", uri=True, timeout=30)
            self._connection.text_factory = lambda raw: raw.decode("utf-8", "replace")

    def __iter__(self) -> Iterator[tuple[int, _Found]]:
        first, last = 0, 1 << 62
        for condition, order in (("rowid > ?", ""), ("rowid < ?", " DESC")):
            try:
                rows = self._execute(
                    f"SELECT {_ASKED} FROM policies WHERE {condition} ORDER BY rowid{order}", last if order else first
                )
                for row in rows:
                    if order and row[0] <= first:
                        return
                    first = first if order else row[0]
                    found = _found(row[1:])
                    if found:
                        yield row[0], found
            except sqlite3.Error:
                self.stopped = True
            else:
                return

    def at(self, rowid: int) -> _Found | None:
        """The row of that number."""
        try:
            row = self._execute(f"SELECT {_ASKED} FROM policies WHERE rowid = ?", rowid).fetchone()
        except sqlite3.Error:
            return None
        return _found(row[1:]) if row else None

    def names(self) -> set[str]:
        """The ids that other tables and the index over the ids know of, too."""
        found: set[str] = set()
        for statement in (
            "SELECT id FROM policies ORDER BY id",
            "SELECT DISTINCT policy_id FROM passages",
            "SELECT policy_id FROM seals",
        ):
            with suppress(sqlite3.Error):
                for (name,) in self._execute(statement):
                    if isinstance(name, str) and _is_id(name):
                        found.add(name)
        return found

    def close(self) -> None:
        if self._connection:
            self._connection.close()

    def _execute(self, statement: str, *values: int) -> sqlite3.Cursor:
        if self._connection is None:
            raise sqlite3.OperationalError("the file cannot be opened")
        return self._connection.execute(statement, values)


class _Pages:
    """The rows that stand in the file's pages, whether SQLite can still find them or not."""

    def __init__(self, file: Path) -> None:
        self._file = file.open("rb") if file.exists() else None
        self._size = file.stat().st_size if self._file else 0
        self._page, self._count = _PAGE, -(-self._size // _PAGE)

    def __iter__(self) -> Iterator[tuple[_Cell, _Found]]:
        said = int.from_bytes(self._read(16, 2), "big")
        for size in dict.fromkeys((_PAGE, said if said in {512 << n for n in range(7)} else _PAGE)):
            self._measure(size)
            free = self._freed()
            for number in range(1, self._count + 1):
                for start in () if number in free else self._cells(number):
                    found = self._row(number, start)
                    if found:
                        yield _Cell(size, number, start), found

    def at(self, cell: _Cell) -> _Found | None:
        """The row in a cell."""
        self._measure(cell.size)
        return self._row(cell.number, cell.start)

    def close(self) -> None:
        if self._file:
            self._file.close()

    def _measure(self, size: int) -> None:
        """Takes the file for one with pages of so many bytes."""
        self._page, self._count = size, -(-self._size // size)

    def _read(self, offset: int, length: int) -> bytes:
        if self._file is None:
            return b""
        self._file.seek(offset)
        return self._file.read(length)

    def _of(self, number: int) -> bytes:
        return self._read((number - 1) * self._page, self._page)

    def _freed(self) -> set[int]:
        """Pages in no use, which hold what was removed; none where the file's head is damaged."""
        head = self._read(0, 36)
        freed: set[int] = set()
        trunk = int.from_bytes(head[32:36], "big") if head.startswith(b"SQLite format 3\0") else 0
        while 0 < trunk <= self._count and trunk not in freed:
            freed.add(trunk)
            page = self._of(trunk)
            leaves = min(int.from_bytes(page[4:8], "big"), self._page // 4 - 2)
            freed.update(int.from_bytes(page[8 + 4 * n : 12 + 4 * n], "big") for n in range(leaves))
            trunk = int.from_bytes(page[:4], "big")
        return freed

    def _cells(self, number: int) -> list[int]:
        """Where the cells of a leaf of a table begin in their page; none of another page."""
        page, head = self._of(number), 100 if number == 1 else 0
        if len(page) < self._page or page[head] != _LEAF:
            return []
        count = int.from_bytes(page[head + 3 : head + 5], "big")
        pointers = page[head + 8 : head + 8 + 2 * count]
        found = [int.from_bytes(pointers[n : n + 2], "big") for n in range(0, len(pointers), 2)]
        return [start for start in found if head + 8 <= start < self._page - 4]

    def _row(self, number: int, start: int) -> _Found | None:
        """The row in a cell; None where it is another table's, or no row."""
        page = self._of(number)
        length, at = _varint(page, start)
        _, at = _varint(page, at)
        if not 0 < length <= _MOST:
            return None
        payload = self._payload(page, at, length)
        values = _record(payload) if payload else None
        if values is None or len(values) != _COLUMNS:
            return None
        name, domain, archived_on, content_hash, generation, _, _, facts, text, _ = values
        return _found((name, domain, archived_on, content_hash, generation, facts, text))

    def _payload(self, page: bytes, at: int, length: int) -> bytes | None:
        """A row's bytes, gathered from its leaf and the chain of pages that it runs over into."""
        usable = self._page
        most, least = usable - 35, (usable - 12) * 32 // 255 - 23
        if length <= most:
            return page[at : at + length]
        local = least + (length - least) % (usable - 4)
        local = local if local <= most else least
        parts, missing = [page[at : at + local]], length - local
        following = int.from_bytes(page[at + local : at + local + 4], "big")
        while missing > 0:
            if not 0 < following <= self._count:
                return None
            page = self._of(following)
            parts.append(page[4 : 4 + min(missing, usable - 4)])
            missing -= usable - 4  # so that it ends, also where the chain runs in a circle
            following = int.from_bytes(page[:4], "big")
        return b"".join(parts)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """SQLite's number of one to nine bytes at a place, and where it ends; 0 where the data ends first."""
    value = 0
    for n in range(9):
        if at + n >= len(data):
            return 0, at + n
        byte = data[at + n]
        if n == 8:
            return value << 8 | byte, at + 9
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + n + 1
    raise AssertionError("unreachable")


def _record(payload: bytes) -> list[Any] | None:
    """The values of a record; None where it is none."""
    end, at = _varint(payload, 0)
    if not at < end <= len(payload):
        return None
    kinds: list[int] = []
    while at < end and len(kinds) <= _COLUMNS:
        kind, at = _varint(payload, at)
        kinds.append(kind)
    values: list[Any] = []
    at = end
    for kind in kinds:
        size = (kind - 12) // 2 if kind >= 12 else {5: 6, 6: 8, 7: 8}.get(kind, kind if kind < 5 else 0)
        raw = payload[at : at + size]
        if len(raw) < size:
            return None
        at += size
        if kind >= 12:
            values.append(raw.decode("utf-8", "replace") if kind % 2 else raw)
        else:
            values.append({0: None, 8: 0, 9: 1}.get(kind, int.from_bytes(raw, "big", signed=True)))
    return values


def _found(values: tuple[Any, ...]) -> _Found | None:
    """A row, if its columns are of the kinds that those of ``policies`` have."""
    name, domain, archived_on, content_hash, generation, facts, text = values
    strings = (name, domain, archived_on, content_hash, facts)
    if not (all(isinstance(each, str) for each in strings) and isinstance(generation, int) and isinstance(text, bytes)):
        # An id of a row whose other columns are not what they were still names what is lost.
        return _Found(name, "", "", "", 0, "", b"") if isinstance(name, str) and _is_id(name) else None
    return _Found(name, domain, archived_on, content_hash, generation, facts, text) if _is_id(name) else None


def _is_id(text: str) -> bool:
    """Whether a text has the form of a policy's id, ``<domain>@<date>``."""
    domain, at, day = text.rpartition("@")
    return bool(domain and at and len(day) == 10 and text.isprintable())
