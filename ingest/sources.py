"""Where policies come from: files and folders, found, bounded and read one by one.

Another kind of source (such as PDF) enters here as a suffix in ``SUFFIXES`` with its reader in ``parsing``.
"""

from __future__ import annotations

import os
import re
import stat
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ingest.screening import Reason
from qa.errors import PolicyRefused, UsageError

__all__ = ["SUFFIXES", "Source", "Sources", "Unread", "find_sources", "shown"]

SUFFIXES = (".md", ".markdown", ".txt", ".html", ".htm", ".xhtml")
"""File formats that can be read; ``parsing`` has a reader for each."""

_MAX_BYTES = 32 * 1024 * 1024  # a bound on memory; what counts as too long a policy is a setting
_URL = re.compile(r"[a-z][a-z0-9+.-]*:/", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Source:
    """Bytes, where they came from, and the suffix that says how to read them."""

    name: str
    data: bytes = field(repr=False)
    suffix: str = ".md"


@dataclass(frozen=True, slots=True)
class Unread:
    """A file that could not be read, and why."""

    name: str
    refusal: PolicyRefused


@dataclass(frozen=True, slots=True)
class Sources:
    """Files to be read, in order; iterating reads them one at a time.

    Attributes:
        skipped: how many files in folders have another format.
    """

    files: tuple[Path | Unread, ...]
    skipped: int = 0

    def __len__(self) -> int:
        return len(self.files)

    def __iter__(self) -> Iterator[Source | Unread]:
        for file in self.files:
            yield file if isinstance(file, Unread) else _read(file)


def find_sources(paths: Sequence[Path]) -> Sources:
    """Finds the files to ingest: those named, and those of a readable format in folders, at any depth, sorted.

    Hidden files and folders are passed over, links to folders are not followed, and a file is taken once.

    Raises:
        UsageError: a path does not exist or is a web address, or there is nothing to read at all.
    """
    found: list[Path | Unread] = []
    skipped = 0
    for path in paths:
        if _URL.match(str(path)):
            raise UsageError(f"Web addresses cannot be read yet: save {shown(path)} as {_formats()} and name the file.")
        if not os.path.lexists(path):
            raise UsageError(f"There is no file or folder {shown(path)}.")
        if path.is_dir():
            inside, passed = _walk(path)
            found.extend(inside)
            skipped += passed
        elif path.suffix.lower() not in SUFFIXES:
            message = f"{path.suffix or 'A file without suffix'} cannot be read; give {_formats()}."
            found.append(Unread(shown(path), PolicyRefused(Reason.UNSUPPORTED_FORMAT, message)))
        else:
            found.append(path)
    files = _once(found)
    if not files:
        where = ", ".join(shown(path) for path in paths) or "no path"
        raise UsageError(f"There is nothing to ingest in {where}: no file ends in {_formats()}.")
    return Sources(files, skipped)


def shown(name: str | Path) -> str:
    """A file's name as it may be printed: control, bidirectional and undecodable characters escaped."""
    return "".join(
        char if unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"} else _escaped(char)
        for char in str(name)
    )


def _escaped(char: str) -> str:
    return char.encode("unicode_escape", "surrogatepass").decode("ascii")


def _formats() -> str:
    return f"{', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}"


def _walk(folder: Path) -> tuple[list[Path | Unread], int]:
    """The readable files below a folder, sorted, and how many others there are."""
    found: list[Path | Unread] = []
    skipped = 0

    def refuse(error: OSError) -> None:
        found.append(_unreadable(Path(os.fsdecode(error.filename or folder)), error))

    for parent, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(parent, name)
            if name.startswith("."):
                continue
            if path.suffix.lower() in SUFFIXES and (path.is_file() or path.is_symlink()):
                found.append(path)
            else:
                skipped += 1
    return found, skipped


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
        # Opening a pipe would wait for a writer for ever.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                return Unread(shown(path), PolicyRefused(Reason.UNREADABLE, "It is not an ordinary file."))
            if status.st_size > _MAX_BYTES:
                message = f"It has {status.st_size:,} bytes; at most {_MAX_BYTES:,} are read."
                return Unread(shown(path), PolicyRefused(Reason.TOO_LARGE, message))
            return Source(shown(path), file.read(_MAX_BYTES), path.suffix.lower())
    except OSError as exc:
        return _unreadable(path, exc)


def _unreadable(path: Path, error: OSError) -> Unread:
    reason = error.strerror or type(error).__name__
    return Unread(shown(path), PolicyRefused(Reason.UNREADABLE, f"It cannot be read: {reason}."))
