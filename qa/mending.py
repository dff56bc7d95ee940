"""Mends and compacts an index without losing anything: whatever is derived from the library is made again from it."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from qa.errors import UsageError
from qa.examining import left_over
from qa.libraries import index_of
from qa.library import FORM, Library
from qa.settings import Settings
from qa.store import ChromaIndex, PassageIndex, synchronise

__all__ = ["Compacted", "Mended", "compact", "mend", "size_of"]


@dataclass(frozen=True, slots=True)
class Mended:
    """What was done to an index.

    Attributes:
        brought_forward: the library had an earlier form.
        written: policies written into the search index.
        removed: names of left-over files and folders that are gone now.
    """

    brought_forward: bool
    written: int
    removed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Compacted:
    """The size of an index in bytes, before and after."""

    before: int
    after: int


def mend(settings: Settings, *, anew: bool = False) -> Mended:
    """Brings the library to the present form and the search index up to it, and removes what is left over.

    Args:
        settings: which index.
        anew: make the whole search index anew, whatever state it seems to be in.

    Raises:
        UsageError: the index is on a Chroma server.
        IndexProblem: the library cannot be read or written, or somebody is writing.
    """
    _require_folder(settings)
    with Library.open(settings.index) as library:
        manifest, form = library.manifest, library.form()
    with (
        Library.open_for_writing(settings.index, manifest) as library,
        contextlib.closing(ChromaIndex.of(settings, manifest)) as index,
    ):
        removed = _removed(left_over(settings.index))
        written = _made_anew(library, index) if anew else synchronise(library, index)
    return Mended(form < FORM, written, removed)


def compact(settings: Settings, on_progress: Callable[[int, int, str], None] = lambda *_: None) -> Compacted:
    """Gives back the space of what was removed, replaced or left over; questions are answered meanwhile.

    Args:
        settings: which index.
        on_progress: told how many policies are written to the search index, of how many, and the last one's id.

    Raises:
        IndexProblem: as ``mend``.
    """
    _require_folder(settings)
    before = size_of(settings.index)
    with Library.open(settings.index) as library:
        manifest = library.manifest
    with (
        Library.open_for_writing(settings.index, manifest) as library,
        contextlib.closing(ChromaIndex.of(settings, manifest)) as index,
    ):
        _removed(left_over(settings.index))
        library.compact()
        _made_anew(library, index, on_progress)
    return Compacted(before, size_of(settings.index))


def _require_folder(settings: Settings) -> None:
    if settings.chroma_url is not None:
        raise UsageError(
            f"The index {index_of(settings)} is mended whenever it is written: run `fineprint rebuild` to make it anew."
        )


def _made_anew(
    library: Library, index: PassageIndex, on_progress: Callable[[int, int, str], None] = lambda *_: None
) -> int:
    """Makes the search index from the library, without a look at the one in use; returns the number of policies."""
    index.clear()
    ids = sorted(library.hashes())
    for done, policy_id in enumerate(ids, start=1):
        index.put(library.read(policy_id))
        on_progress(done, len(ids), policy_id)
    index.commit(library.generation())
    return len(ids)


def size_of(folder: Path) -> int:
    """Bytes in the files of a folder and the folders within it."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def _removed(paths: list[Path]) -> tuple[str, ...]:
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return tuple(path.name for path in paths if not path.exists())
