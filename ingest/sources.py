"""Where policies come from: files, folders, archives, files of lines, git histories; found, bounded, read one by one.

What is read, and by its suffix how, is in ``origin``; what holds many policies in one file is in ``archives``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from ingest.archives import Bundle, kind_of
from ingest.history import History, is_bare, repository_of
from ingest.origin import (
    MOST_BYTES,
    SUFFIXES,
    Found,
    Passed,
    Source,
    Unread,
    opened,
    shown,
    too_large,
    unreadable,
)
from ingest.screening import Reason
from qa.errors import PolicyRefused, UsageError

__all__ = ["SUFFIXES", "Source", "Sources", "Unread", "find_sources", "holds_many", "shown"]

_URL = re.compile(r"[a-z][a-z0-9+.-]*:/", re.IGNORECASE)
_PATIENCE: Final = 100
"""How many things in a bundle may be bad, and more than the good ones, before the rest of it is left alone."""

_FEW: Final = 5
"""How many bad things are told one by one where there is no good one."""


class _Many(Protocol):
    """What holds many policies; iterating reads them one at a time."""

    @property
    def name(self) -> str: ...

    def total(self) -> int | None: ...

    def __iter__(self) -> Iterator[Found]: ...


@dataclass(slots=True)
class Sources:
    """What is to be read, in order; iterating reads it one policy at a time.

    Attributes:
        found: files, what holds many of them, and what cannot be read.
        passed: how many files in folders have another format.
        skipped: how many have another format, those in archives and repositories counted as far as they were read.
    """

    found: tuple[Path | Unread | _Many, ...]
    passed: int = 0
    skipped: int = 0

    def __post_init__(self) -> None:
        self.skipped = self.passed

    def total(self) -> int | None:
        """How many policies there are, or of a repository are at most; None where that shows only as they are read."""
        sizes = [1 if isinstance(each, Path | Unread) else each.total() for each in self.found]
        known = [size for size in sizes if size is not None]
        return sum(known) if len(known) == len(sizes) else None

    def __iter__(self) -> Iterator[Source | Unread]:
        self.skipped = self.passed
        for each in self.found:
            if isinstance(each, Unread):
                yield each
            elif isinstance(each, Path):
                yield _read(each)
            else:
                for one in _patiently(each):
                    if isinstance(one, Passed):
                        self.skipped += 1
                    else:
                        yield one


def find_sources(paths: Sequence[Path], *, history: bool = False) -> Sources:
    """Finds what to ingest: the files named, and those of a readable format in folders, at any depth, sorted.

    Hidden files and folders are passed over, links to folders are not followed, and a file is taken once.

    Args:
        paths: files, folders, archives, files of lines.
        history: read git repositories, or parts of them, and of every file all its versions.

    Raises:
        UsageError: a path does not exist or is a web address, is in no repository where one is needed, or there is
            nothing to read at all.
    """
    for path in paths:
        if _URL.match(str(path)):
            raise UsageError(f"{shown(path)} cannot be opened: of addresses only those that begin with https:// can.")
        if not os.path.lexists(path):
            raise UsageError(f"There is no file or folder {shown(path)}.")
    if history:
        return Sources(tuple(_history(path) for path in dict.fromkeys(paths)))
    found: list[Path | Unread] = []
    passed = 0
    for path in paths:
        if path.is_dir():
            inside, others = _walk(path)
            if not inside and is_bare(path):
                message = "It is a git repository without working files: add --history to read what it keeps."
                inside = [Unread(shown(path), PolicyRefused(Reason.UNSUPPORTED_FORMAT, message))]
            found.extend(inside)
            passed += others
        elif _is_wanted(path):
            found.append(path)
        else:
            message = f"{path.suffix or 'A file without suffix'} cannot be read; give {_accepted()}."
            found.append(Unread(shown(path), PolicyRefused(Reason.UNSUPPORTED_FORMAT, message)))
    once = _once(found)
    if not once:
        where = ", ".join(shown(path) for path in paths) or "no path"
        raise UsageError(f"There is nothing to ingest in {where}: no file ends in {_accepted()}.")
    return Sources(tuple(_bundled(each) for each in once), passed)


def holds_many(path: Path) -> bool:
    """Whether a path stands for any number of policies, and not for one."""
    return path.is_dir() or kind_of(path.name) is not None


def _is_wanted(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES or kind_of(path.name) is not None


def _accepted() -> str:
    return f"{', '.join(SUFFIXES)}, an archive (.zip, .tar, .tar.gz, …) or JSON Lines (.jsonl)"


def _history(path: Path) -> History:
    where = repository_of(path)
    if where is None:
        raise UsageError(f"{shown(path)} is in no git repository, so it has no history: leave out --history.")
    return History(path, *where)


def _bundled(file: Path | Unread) -> Path | Unread | Bundle:
    kind = None if isinstance(file, Unread) else kind_of(file.name)
    return file if kind is None or isinstance(file, Unread) else Bundle(file, kind)


def _patiently(bundle: _Many) -> Iterator[Found]:
    """What is in a bundle, as long as it is worth reading on; that nothing is in it is said, too."""
    good = bad = 0
    first: list[Unread] = []
    for one in bundle:
        if isinstance(one, Unread):
            bad += 1
            if not good:
                first.append(one)
                if bad > _PATIENCE:
                    break
                continue
        elif isinstance(one, Source):
            good += 1
            yield from first
            first = []
        yield one
        if bad > _PATIENCE and bad > good:
            message = f"Of the first {good + bad:,} things in it {bad:,} cannot be read; the rest of it is left alone."
            yield Unread(bundle.name, PolicyRefused(Reason.UNREADABLE, message))
            return
    if len(first) > _FEW:
        yield Unread(bundle.name, _hopeless(first))
    else:
        yield from first
    if not good and not bad:
        yield Unread(bundle.name, PolicyRefused(Reason.EMPTY, "There is nothing in it that can be read."))


def _hopeless(bad: Sequence[Unread]) -> PolicyRefused:
    first = bad[0]
    said = f"None of the {len(bad)} things in it can be read."
    if len(bad) > _PATIENCE:
        said = f"The first {len(bad)} things in it cannot be read, so the rest is left alone."
    return PolicyRefused(first.refusal.reason, f"{said} {first.name}: {first.refusal}")


def _walk(folder: Path) -> tuple[list[Path | Unread], int]:
    """The readable files below a folder, sorted, and how many others there are."""
    found: list[Path | Unread] = []
    others = 0

    def refuse(error: OSError) -> None:
        found.append(Unread(shown(os.fsdecode(error.filename or folder)), unreadable(error)))

    for parent, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(parent, name)
            if name.startswith("."):
                continue
            if _is_wanted(path) and (path.is_file() or path.is_symlink()):
                found.append(path)
            else:
                others += 1
    return found, others


def _once(found: Sequence[Path | Unread]) -> tuple[Path | Unread, ...]:
    seen: set[str] = set()
    out: list[Path | Unread] = []
    for file in found:
        key = file.name if isinstance(file, Unread) else os.path.realpath(file)
        if key not in seen:
            seen.add(key)
            out.append(file)
    return tuple(out)


def _read(path: Path) -> Source | Unread:
    try:
        with opened(path) as file:
            size = os.fstat(file.fileno()).st_size
            if size > MOST_BYTES:
                return Unread(shown(path), too_large(size))
            return Source(shown(path), file.read(MOST_BYTES), path.suffix.lower())
    except PolicyRefused as refusal:
        return Unread(shown(path), refusal)
    except OSError as exc:
        return Unread(shown(path), unreadable(exc))
