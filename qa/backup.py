"""A backup of an index in one file, made while others read and write it, and its restoring, all or nothing.

The file is a ZIP archive of uncompressed members: ``backup.json``, which says what the others are and their SHA-256,
``library.sqlite3`` with texts, passages and vectors, and what else cannot be made again. The search index is left out:
it is made from the library. Nothing is compressed, so that what a file unpacks to is never more than the file.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import os
import shutil
import sqlite3
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Annotated, Final, Literal
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from qa.errors import FineprintError, IndexDamaged, IndexMissing, IndexProblem
from qa.examining import Part, examined
from qa.libraries import index_of, open_library, open_served
from qa.library import FILE, Library, generation_of, locked, require_plain
from qa.renewing import copied, take_place, workspace
from qa.settings import Settings
from qa.store import ChromaIndex, synchronise

__all__ = ["BackedUp", "BackupRefused", "Restored", "back_up", "restore"]

_HEAD: Final = "backup.json"
_FORMAT: Final = 1
_HEAD_BYTES: Final = 64 * 1024
_CHUNK: Final = 1 << 20
_PAGES: Final = 1_000

Show = Callable[[int, int, str], None]
"""Told how much is done, of how much, and at what."""


class BackupRefused(FineprintError):
    """A backup cannot be written there, or a file is no backup that can be restored; nothing was changed."""

    code = "backup_refused"


@dataclass(frozen=True, slots=True)
class BackedUp:
    """A backup that was written; ``size`` in bytes."""

    file: str
    policies: int
    size: int


@dataclass(frozen=True, slots=True)
class Restored:
    """An index that was restored.

    Attributes:
        policies: how many it holds.
        made_at: when the backup was made, in ISO 8601.
        problem: why the search index could not be made yet; answers do without it.
    """

    policies: int
    made_at: str
    problem: str | None = None


class _Member(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    size: Annotated[int, Field(ge=0)]
    sha256: Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]


class _Head(BaseModel):
    """What ``backup.json`` says."""

    model_config = ConfigDict(extra="forbid", strict=True)

    format: Literal[1]
    made_at: Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")]
    policies: Annotated[int, Field(ge=0)]
    members: dict[str, _Member]


# --- writing ----------------------------------------------------------------------------------------------------------


def back_up(
    settings: Settings,
    file: Path,
    beside: Mapping[str, Path],
    *,
    force: bool = False,
    on_progress: Show = lambda *_: None,
) -> BackedUp:
    """Writes a backup of an index, as it is at one moment, while others may read and write it.

    From a Chroma server it is read policy by policy: each is whole, and what is written meanwhile may be in it or not.

    Args:
        settings: which index.
        file: where the backup goes.
        beside: other files that cannot be made again, by the name they get; those that do not exist are left out.
        force: replace a file that is there.
        on_progress: told how many bytes are copied.

    Raises:
        BackupRefused: the file is there already, or cannot be written.
        IndexProblem: the index cannot be read, or is damaged.
    """
    if file.is_dir():
        raise BackupRefused(f"{file} is a folder: name a file, e.g. {file / 'fineprint.backup'}.")
    if file.exists() and not force:
        raise BackupRefused(f"{file} is there already: name another file, or replace it with --force.")
    open_library(settings).close()
    try:
        with tempfile.TemporaryDirectory(prefix=f".{file.name}.", dir=file.parent) as work:
            return _written(settings, file, Path(work), beside, on_progress)
    except OSError as exc:
        raise BackupRefused(
            f"The backup {file} cannot be written ({exc.strerror}): it takes twice the size of {FILE} for a while. Name"
            " a file elsewhere, or free some space."
        ) from exc
    except sqlite3.Error as exc:
        raise BackupRefused(
            f"The backup {file} cannot be written ({exc}): free some space, or name a file elsewhere."
        ) from exc


def _written(settings: Settings, file: Path, work: Path, beside: Mapping[str, Path], on_progress: Show) -> BackedUp:
    if settings.chroma_url is None:
        _snapshot(settings.index / FILE, work / FILE, on_progress)
    else:
        _gather(settings, work, on_progress)
    policies = _require_whole(work, settings)
    names = [FILE]
    for name, path in beside.items():
        if path.is_file():
            if path.suffix == ".sqlite3":
                _snapshot(path, work / name, on_progress)
            else:
                shutil.copyfile(path, work / name)
            names.append(name)
    members = {name: _Member(size=(work / name).stat().st_size, sha256=_sum(work / name)) for name in names}
    now = dt.datetime.now(tz=dt.UTC)
    head = _Head(format=_FORMAT, made_at=f"{now:%Y-%m-%dT%H:%M:%SZ}", policies=policies, members=members)
    total, done = sum(member.size for member in members.values()), 0
    made = work / "made"
    with open(made, "wb", opener=_private) as output:
        with zipfile.ZipFile(output, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr(_HEAD, head.model_dump_json(indent=1))
            for name in names:
                with (work / name).open("rb") as source, archive.open(name, "w", force_zip64=True) as target:
                    for chunk in _chunks(source):
                        target.write(chunk)
                        done += len(chunk)
                        on_progress(done, total, "writing")
        output.flush()
        os.fsync(output.fileno())
    made.replace(file)
    return BackedUp(str(file), policies, file.stat().st_size)


def _snapshot(source: Path, target: Path, on_progress: Show) -> None:
    """Copies a database as it is now; writers go on, and what they write meanwhile is not in it."""
    with (
        contextlib.closing(sqlite3.connect(f"file:{quote(str(source.absolute()))}?mode=ro", uri=True)) as old,
        contextlib.closing(sqlite3.connect(target)) as new,
    ):
        old.isolation_level = None
        old.execute("PRAGMA busy_timeout = 30000")
        old.execute("BEGIN")
        old.execute("SELECT count(*) FROM sqlite_master").fetchone()  # from here on, it sees this moment
        old.backup(
            new, pages=_PAGES, progress=lambda _, left, total: on_progress(total - left, total, "copying"), sleep=0.01
        )
        new.execute("PRAGMA journal_mode = DELETE")  # one file


def _gather(settings: Settings, work: Path, on_progress: Show) -> None:
    """Reads an index on a server into a library of its own."""
    with open_library(settings) as served, Library.open_for_writing(work, served.manifest) as library:
        cards = served.cards()
        for done, card in enumerate(cards, start=1):
            with contextlib.suppress(KeyError):  # removed meanwhile
                library.put(served.read(card.id))
            on_progress(done, len(cards), "copying")
    with contextlib.closing(sqlite3.connect(work / FILE)) as copy:
        copy.execute("PRAGMA journal_mode = DELETE")


def _require_whole(work: Path, settings: Settings) -> int:
    """Checks the copy, since a backup of damage is none; returns how many policies it has."""
    try:
        with Library.open(work) as library:
            flaws = library.flaws()
            ids = sorted(library.hashes())
            wrong = [] if flaws else [each for each in ids if library.policy(each) and not library.sealed(each)]
    except IndexDamaged as exc:
        raise _unfit(settings) from exc
    if flaws or wrong:
        raise _unfit(settings)
    return len(ids)


def _unfit(settings: Settings) -> IndexDamaged:
    return IndexDamaged(
        f"The index {index_of(settings)} is damaged, so that no backup was made: `fineprint doctor` says what it is,"
        " and `fineprint rebuild` saves what can be saved."
    )


# --- restoring --------------------------------------------------------------------------------------------------------


def restore(
    file: Path,
    settings: Settings,
    beside: Mapping[str, Path],
    *,
    force: bool = False,
    on_progress: Show = lambda *_: None,
    examine: Callable[..., Iterator[Part]] = examined,
) -> Restored:
    """Puts an index in place from a backup. Readers see the old policies until it is done, and then the new ones.

    Args:
        file: the backup; nothing in it is trusted before it was checked.
        settings: into which index folder, and with which Chroma server.
        beside: where the other files go, by their names; others than these are left out.
        force: replace an index that is there.
        on_progress: told how far it has come.
        examine: looks at what was unpacked; ``examined`` but in tests.

    Raises:
        BackupRefused: there is an index already, or the file is no whole backup; nothing was changed.
        IndexProblem: the folder is being written, or cannot be; nothing was changed.
    """
    with _opened(file) as archive, contextlib.ExitStack() as stack:
        head = _head(archive, file)
        if not force and _is_there(settings):
            raise BackupRefused(
                f"There is an index {index_of(settings)} already: restore into another folder with --index, or replace"
                " it with --force."
            )
        served = settings.chroma_url is not None
        if served:
            work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fineprint-restore-")))
        else:
            stack.enter_context(locked(settings.index))
            work = stack.enter_context(workspace(settings.index))
        _require_space(work, sum(member.size for member in head.members.values()))
        _unpack(archive, head, work, file, on_progress)
        _require_sound(work, file, on_progress, examine)
        if served:
            _put_on_server(work, settings, on_progress)
        else:
            _put_in_folder(work, settings.index, on_progress)
        for name, target in beside.items():
            if name in head.members:
                _put_beside(work / name, target)
        problem = None if served else _search_problem(settings)
    return Restored(head.policies, head.made_at, problem)


def _is_there(settings: Settings) -> bool:
    """Whether there is something to lose: policies, or a file that may hold some."""
    if settings.chroma_url is None:
        file = settings.index / FILE
        return file.exists() and file.stat().st_size > 0
    try:
        with open_library(settings) as library:
            return bool(library.hashes())
    except IndexMissing:
        return False


def _put_in_folder(work: Path, folder: Path, on_progress: Show) -> None:
    with Library.open(work) as library:
        manifest = library.manifest
    with Library.open_for_writing(work, manifest) as library:  # brings an earlier form forward
        library.renumber(generation_of(folder))
    take_place(work, folder, alive=lambda done, total: on_progress(done, total, "putting in place"))


def _put_on_server(work: Path, settings: Settings, on_progress: Show) -> None:
    with Library.open(work) as library, open_served(settings, library.manifest, rebuild=True) as served:
        ids = sorted(library.hashes())
        for done, policy_id in enumerate(ids, start=1):
            served.put(library.read(policy_id))
            on_progress(done, len(ids), "putting in place")
        served.commit()


def _search_problem(settings: Settings) -> str | None:
    """Makes the search index of a folder; returns why that was not possible, if it was not."""
    try:
        with (
            Library.open(settings.index) as library,
            contextlib.closing(ChromaIndex.of(settings, library.manifest)) as index,
        ):
            synchronise(library, index)
    except IndexProblem as exc:
        return str(exc)
    return None


@contextlib.contextmanager
def _opened(file: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(file) as archive:
            yield archive
    except FileNotFoundError:
        raise BackupRefused(f"There is no file {file}.") from None
    except OSError as exc:
        if exc.filename not in {None, str(file)}:
            raise
        raise BackupRefused(f"{file} cannot be read: {exc.strerror}.") from exc
    except (zipfile.BadZipFile, NotImplementedError) as exc:
        raise _no_backup(file, str(exc)) from exc


def _no_backup(file: Path, why: str) -> BackupRefused:
    return BackupRefused(f"{file} is no backup that can be restored ({why}): nothing was changed. Name another file.")


def _head(archive: zipfile.ZipFile, file: Path) -> _Head:
    """What the backup says that it is, if the archive is that and nothing else."""
    infos = archive.infolist()
    names = [info.filename for info in infos]
    if _HEAD not in names or len(set(names)) != len(names):
        raise _no_backup(file, "`fineprint backup` did not make it")
    for info in infos:
        if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1 or info.file_size != info.compress_size:
            raise _no_backup(file, "`fineprint backup` did not make it")
    if archive.getinfo(_HEAD).file_size > _HEAD_BYTES:
        raise _no_backup(file, "its list of contents is too long")
    raw = archive.read(_HEAD)
    try:
        head = _Head.model_validate_json(raw)
    except ValidationError as exc:
        if any(error["loc"] == ("format",) and isinstance(error["input"], int) for error in exc.errors()):
            raise _no_backup(file, "another version of fineprint made it: use that one, or a newer one") from exc
        raise _no_backup(file, "its list of contents is damaged") from exc
    if set(names) != {_HEAD, *head.members} or FILE not in head.members:
        raise _no_backup(file, "it holds something else than its list of contents says")
    if any(archive.getinfo(name).file_size != member.size for name, member in head.members.items()):
        raise _no_backup(file, "it is damaged")
    return head


def _unpack(archive: zipfile.ZipFile, head: _Head, work: Path, file: Path, on_progress: Show) -> None:
    total, done = sum(member.size for member in head.members.values()), 0
    for name, member in head.members.items():
        if Path(name).name != name or name.startswith("."):
            raise _no_backup(file, "it holds something else than its list of contents says")
        digest = hashlib.sha256()
        with archive.open(name) as source, (work / name).open("wb") as target:
            for chunk in _chunks(source):
                digest.update(chunk)
                target.write(chunk)
                done += len(chunk)
                on_progress(done, total, "unpacking")
        if digest.hexdigest() != member.sha256:
            raise _no_backup(file, f"{name} in it is damaged")


def _require_sound(work: Path, file: Path, on_progress: Show, examine: Callable[..., Iterator[Part]]) -> None:
    """Checks what was unpacked as ``doctor`` does, in a process of its own."""
    try:
        require_plain(work / FILE)
    except ValueError as exc:
        raise _no_backup(file, str(exc)) from exc
    looked = examine(
        Settings.model_validate({"index": work, "cache": work}),
        ("library", "policies"),
        on_progress=lambda _, done, total: on_progress(done, total, "checking"),
    )
    for part in looked:
        for finding in part.findings:
            if not finding.harmless:
                raise _no_backup(file, finding.problem.replace(str(work), "it").rstrip("."))
    # As the library is written: its readers do not wait for a writer.
    with contextlib.closing(sqlite3.connect(work / FILE)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")


def _require_space(folder: Path, size: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < 2 * size:
        raise BackupRefused(
            f"Restoring takes {2 * size / 1e6:,.0f} MB for a while, and {folder} has {free / 1e6:,.0f} MB left: nothing"
            " was changed. Free some space."
        )


def _put_beside(source: Path, target: Path) -> None:
    """Puts another file in place, in one step, also where a running service has it open."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.suffix == ".sqlite3" and target.exists() and copied(source, target):
        return
    made = target.with_name(f".{target.name}.new")
    shutil.copyfile(source, made)
    made.chmod(0o600)
    made.replace(target)


def _chunks(source: IO[bytes]) -> Iterator[bytes]:
    while chunk := source.read(_CHUNK):
        yield chunk


def _sum(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
