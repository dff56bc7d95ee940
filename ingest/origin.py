"""What is read: bytes with a name, or the reason why there are none.

Another kind of document enters here as a suffix in ``SUFFIXES`` with its reader in ``parsing``; what holds many has a
table of its own in ``archives``.
"""

from __future__ import annotations

import datetime as dt
import os
import stat
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import BinaryIO, Final

from ingest.screening import Reason
from qa.errors import PolicyRefused

__all__ = [
    "MOST_BYTES", "SUFFIXES", "Found", "Passed", "Source", "Unread", "opened", "shown", "too_large", "unreadable",
]  # fmt: skip

SUFFIXES: Final = (".md", ".markdown", ".txt", ".html", ".htm", ".xhtml", ".pdf", ".docx")
"""File formats that can be read; ``parsing`` has a reader for each."""

MOST_BYTES: Final = 32 * 1024 * 1024
"""A bound on memory; what counts as too long a policy is a setting."""


@dataclass(frozen=True, slots=True)
class Source:
    """Bytes, where they came from, and the suffix that says how to read them.

    Attributes:
        record: what stands beside the text, by field name of ``parsing.Hints``; the name then says nothing.
        committed_on: the day of the version in its repository, for a text that does not say its own.
    """

    name: str
    data: bytes = field(repr=False)
    suffix: str = ".md"
    record: Mapping[str, str] | None = None
    committed_on: dt.date | None = None


@dataclass(frozen=True, slots=True)
class Unread:
    """A file that could not be read, and why."""

    name: str
    refusal: PolicyRefused


@dataclass(frozen=True, slots=True)
class Passed:
    """A file of another format, passed over."""

    name: str


Found = Source | Unread | Passed
"""What looking into folders and bundles brings up."""


def shown(name: str | PurePath) -> str:
    """A file's name as it may be printed: control, bidirectional and undecodable characters escaped."""
    return "".join(
        char if unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"} else _escaped(char)
        for char in str(name)
    )


def _escaped(char: str) -> str:
    return char.encode("unicode_escape", "surrogatepass").decode("ascii")


def too_large(size: int) -> PolicyRefused:
    """The refusal of a document with more bytes than are read."""
    return PolicyRefused(Reason.TOO_LARGE, f"It has {size:,} bytes; at most {MOST_BYTES:,} are read.")


def opened(path: Path) -> BinaryIO:
    """An ordinary file, open for reading; the caller closes it.

    Raises:
        PolicyRefused: it cannot be opened, or is no ordinary file.
    """
    try:
        # Opening a pipe would wait for a writer for ever.
        file = os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb")
    except OSError as exc:
        raise unreadable(exc) from None
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise PolicyRefused(Reason.UNREADABLE, "It is not an ordinary file.")
    return file


def unreadable(error: OSError) -> PolicyRefused:
    """The refusal of what the system does not let us read."""
    return PolicyRefused(Reason.UNREADABLE, f"It cannot be read: {error.strerror or type(error).__name__}.")
