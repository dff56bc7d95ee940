"""A library made anew that takes an index folder's place in one step: for another model, after damage, for a restore.

The new one is made in a folder of its own within the index folder. It then goes into the old file as one transaction of
SQLite's, so that readers see the old policies until that moment and the new ones after it, and whatever interrupts it
leaves the old ones. A file that SQLite cannot write any more is replaced instead; nobody can be reading it.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from qa.domain import Policy
from qa.errors import IndexDamaged, IndexForeign, IndexMissing, IndexUnwritable
from qa.library import FILE, Library, Manifest, generation_of
from qa.salvaging import remains_of

__all__ = ["DAMAGED", "WORK", "Stored", "copied", "renewed", "stored_policies", "take_place", "workspace"]

WORK: Final = "renew-"
"""What the folders begin with in which a library is made."""
DAMAGED: Final = "damaged-"
"""What the folders begin with in which damaged files are kept."""
_PAGES: Final = 1_000
_BESIDE: Final = ("-wal", "-shm")


@dataclass(frozen=True, slots=True)
class Stored:
    """The policies of a library, without what is derived from their texts.

    Attributes:
        count: how many.
        policies: reads them one at a time, by id.
        lost: ids of those whose text cannot be saved.
        damaged: whether the file is.
    """

    count: int
    policies: Callable[[], Iterator[Policy]]
    lost: tuple[str, ...] = ()
    damaged: bool = False


def stored_policies(folder: Path) -> Stored:
    """The policies whose texts a folder's library holds, with whatever can be saved where the file is damaged.

    Raises:
        IndexMissing: there is no library.
        IndexForeign: the file is something else's, or was made by a newer version.
        IndexDamaged: nothing can be saved.
    """
    try:
        with Library.open(folder) as library:
            ids = [] if library.flaws() else sorted(library.hashes())
            for policy_id in ids:
                library.policy(policy_id)
        if ids:
            return Stored(len(ids), lambda: _whole(folder, ids))
    except IndexDamaged:
        pass
    except IndexForeign as exc:
        # A file without SQLite's mark may be ours with its head damaged; another program's, or a newer form, is not.
        if not isinstance(exc.__cause__, sqlite3.Error):
            raise
        if not remains_of(folder).whole:
            raise
    remains = remains_of(folder)
    if not remains.whole:
        if not remains.lost:
            raise IndexMissing(f"There is no policy in {folder}: run `fineprint ingest`.")
        raise IndexDamaged(
            f"Of the {len(remains.lost)} policies in {folder} none can be saved: run `fineprint restore` with a backup,"
            " or delete the folder and ingest them again."
        )
    return Stored(len(remains.whole), remains.policies, remains.lost, damaged=True)


def _whole(folder: Path, ids: list[str]) -> Iterator[Policy]:
    with Library.open(folder) as library:
        for policy_id in ids:
            yield library.policy(policy_id)


@contextlib.contextmanager
def renewed(folder: Path, manifest: Manifest, *, keep: bool = False) -> Iterator[Library]:
    """A new library, which takes the place of the folder's when the block ends well; the caller holds its lock.

    Args:
        folder: the index folder.
        manifest: how the vectors to come are made.
        keep: keep a copy of the old file, which is damaged.

    Raises:
        IndexUnwritable: no permission, or no space left; the old one stays.
    """
    with workspace(folder) as work:
        with Library.open_for_writing(work, manifest, after=generation_of(folder)) as library:
            yield library
        take_place(work, folder, keep=keep)


@contextlib.contextmanager
def workspace(folder: Path) -> Iterator[Path]:
    """A folder within the index folder that is gone when the block ends, or that doctor finds where it was killed."""
    try:
        work = Path(tempfile.mkdtemp(prefix=WORK, dir=folder))
    except OSError as exc:
        raise IndexUnwritable(f"The index folder {folder} cannot be written: {exc.strerror}.") from exc
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def take_place(
    work: Path, folder: Path, *, keep: bool = False, alive: Callable[[int, int], None] | None = None
) -> None:
    """Puts a closed library in the place of a folder's; the caller holds the folder's lock.

    Args:
        work: the folder of the new one.
        folder: the index folder, with or without a library.
        keep: keep a copy of the old file, which is damaged.
        alive: told how many pages are copied, of how many.

    Raises:
        IndexUnwritable: no permission, or no space left; the old one stays.
    """
    new, old = work / FILE, folder / FILE
    try:
        if keep and old.exists():
            _kept(folder)
        if not (old.exists() and old.stat().st_size and copied(new, old, alive)):
            _sync(new)
            if old.exists() and not keep:
                _kept(folder)
            for beside in _BESIDE:  # of the old file; they would be read as if they were the new one's
                old.with_name(FILE + beside).unlink(missing_ok=True)
            new.replace(old)
            _sync(folder)
    except (OSError, sqlite3.Error) as exc:
        said = exc.strerror if isinstance(exc, OSError) else exc
        raise IndexUnwritable(
            f"The index in {folder} cannot be written ({said}): check its permissions and the space left. It is as it"
            " was."
        ) from exc


def copied(new: Path, old: Path, alive: Callable[[int, int], None] | None = None) -> bool:
    """Whether the new file's pages could be written into the old file, which others may be reading, in one transaction.

    Raises:
        sqlite3.Error: not now: the disk is full, or the file cannot be written or is busy.
    """

    def told(_: int, remaining: int, total: int) -> None:
        if alive:
            alive(total - remaining, total)

    with (
        contextlib.closing(sqlite3.connect(new, isolation_level=None)) as source,
        contextlib.closing(sqlite3.connect(old, isolation_level=None, timeout=30)) as target,
    ):
        try:
            target.execute("PRAGMA synchronous = FULL")
            source.backup(target, pages=_PAGES, progress=told, sleep=0.05)
            target.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.DatabaseError as exc:
            hopeless = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_READONLY)
            if getattr(exc, "sqlite_errorcode", 0) & 0xFF in hopeless and os.access(old, os.W_OK):
                return False
            raise
        return bool(target.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok")


def _kept(folder: Path) -> None:
    """Copies the library's files to where they are out of the way."""
    now = dt.datetime.now(tz=dt.UTC)
    aside = Path(tempfile.mkdtemp(prefix=f"{DAMAGED}{now:%Y%m%dT%H%M%S}-", dir=folder))
    for name in (FILE, FILE + "-wal"):
        if (folder / name).exists():
            shutil.copyfile(folder / name, aside / name)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
