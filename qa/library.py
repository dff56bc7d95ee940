"""The truth: every policy's text, passages and vectors in one SQLite file, one transaction a policy.

Readers never wait for the writer (WAL) and see another process's writes at their next call. There is one writer at a
time, held by a lock that the operating system releases when the process ends, however it ends.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import hashlib
import json
import os
import secrets
import sqlite3
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Final, Self
from urllib.parse import quote

import numpy as np

from qa.domain import IndexedPolicy, Passage, Policy, PolicyCard, Sentence, Span, Vectors
from qa.errors import IndexDamaged, IndexForeign, IndexLocked, IndexMissing, IndexProblem, IndexUnwritable

__all__ = [
    "FILE", "FORM", "LOCK", "Library", "Manifest", "check_vectors", "flat", "generation_of", "locked", "policy_of",
    "require_plain", "sentence_of", "unit_rows",
]  # fmt: skip

FILE: Final = "library.sqlite3"
LOCK: Final = "writer.lock"
FORM: Final = 2
"""Version of the tables below; 1 had no seals."""
_APPLICATION_ID = 0x46505231  # "FPR1"; tells our file from any other SQLite file
_CACHED_POLICIES = 64  # half a megabyte each
_LOCK_WAIT_S = 30.0

_SEALS = """CREATE TABLE seals (
        policy_id TEXT PRIMARY KEY REFERENCES policies (id) ON DELETE CASCADE,
        seal BLOB NOT NULL
    ) WITHOUT ROWID"""
"""What was written of a policy, as a hash: SQLite itself does not notice a byte that changes within a number."""

_SCHEMA = (
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID",
    # generation: the library's, when the row was written. facts: JSON. text: UTF-8, a blob because pages hold NUL and
    # lone surrogates. sentence_vectors: float16, one row a sentence.
    """CREATE TABLE policies (
        id TEXT PRIMARY KEY,
        domain TEXT NOT NULL,
        archived_on TEXT NOT NULL,
        content_hash TEXT NOT NULL,
        generation INTEGER NOT NULL,
        characters INTEGER NOT NULL,
        passages INTEGER NOT NULL,
        facts TEXT NOT NULL,
        text BLOB NOT NULL,
        sentence_vectors BLOB NOT NULL
    )""",
    # section: JSON, headings. sentences: JSON, [start, end] or [start, end, lead-in's start, its end]. vector: float32.
    """CREATE TABLE passages (
        policy_id TEXT NOT NULL REFERENCES policies (id) ON DELETE CASCADE,
        n INTEGER NOT NULL,
        start INTEGER NOT NULL,
        "end" INTEGER NOT NULL,
        section TEXT NOT NULL,
        sentences TEXT NOT NULL,
        vector BLOB NOT NULL,
        PRIMARY KEY (policy_id, n)
    ) WITHOUT ROWID""",
    _SEALS,
)

_PASSAGE_DTYPE = np.dtype("<f4")
_SENTENCE_DTYPE = np.dtype("<f2")
"""Half the file; a dot product of two such vectors is off by 0.0001 at most, which never changed a first sentence."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """How the vectors of an index were made; vectors made differently are not comparable.

    Attributes:
        encoder, fingerprint: name of the model, and what changes whenever its vectors do.
        dimension: length of a vector.
        chunker: version of the rules that cut policies into passages.
        distance: what Chroma compares by.
    """

    encoder: str
    fingerprint: str
    dimension: int
    chunker: str
    distance: str = "cosine"


class Library:
    """The policies of an index folder; thread-safe.

    Every method may raise IndexMissing, IndexDamaged or IndexForeign when the file has gone, is unreadable, or is not
    ours; writing also IndexUnwritable.
    """

    def __init__(self, folder: Path, pool: _Readers | None, writer: _Writer | None) -> None:
        """For ``open`` and ``open_for_writing``."""
        self._folder = folder
        self._pool = pool
        self._writer = writer
        self._cache_lock = threading.Lock()
        self._cards: tuple[int, tuple[PolicyCard, ...]] | None = None
        self._policies: OrderedDict[str, tuple[int, IndexedPolicy]] = OrderedDict()

    @classmethod
    def open(cls, folder: Path) -> Library:
        """Opens the library for reading; the folder may be read-only.

        Raises:
            IndexMissing: nothing has been ingested into the folder.
            IndexForeign: the file is not ours, or was made by a newer version.
            IndexDamaged: the file cannot be read.
        """
        library = cls(folder, _Readers(folder), None)
        library.generation()
        return library

    @classmethod
    def open_for_writing(cls, folder: Path, manifest: Manifest, *, after: int = 0) -> Library:
        """Opens the library for writing and reading, and makes it where there is none.

        One of an earlier form is brought to the present one first, in one transaction.

        Args:
            folder: the index folder.
            manifest: how the vectors to come are made.
            after: a generation that a library made now begins above.

        Raises:
            IndexLocked: another process is writing.
            IndexUnwritable: no permission, or no space left.
            IndexForeign: the file is not ours or newer, or its vectors were made differently.
            IndexDamaged: the file cannot be read.
        """
        writer = _Writer(folder, manifest, after)
        library = cls(folder, None, writer)
        try:
            library.require(manifest)
        except BaseException:
            writer.close()
            raise
        return library

    @property
    def manifest(self) -> Manifest:
        """How the vectors were made, fresh from the file."""
        with self._connection() as connection:
            return _manifest(connection)

    def require(self, manifest: Manifest) -> None:
        """Checks that vectors made by ``manifest`` are comparable with the library's.

        Raises:
            IndexForeign: they are not.
        """
        found, wanted = asdict(self.manifest), asdict(manifest)
        differing = [f"{name} {found[name]}, now {wanted[name]}" for name in found if found[name] != wanted[name]]
        if differing:
            raise IndexForeign(
                f"The index in {self._folder} was made differently ({'; '.join(differing)}): run `fineprint rebuild`."
            )

    def generation(self) -> int:
        """A number that grows with every change, fresh from the file.

        It starts at the time of creation and a random part, so that a library made anew repeats no earlier one's
        number, also where the clock was set back.
        """
        with self._connection() as connection:
            return int(_meta(connection, "generation"))

    def cards(self) -> tuple[PolicyCard, ...]:
        """All policies without their texts, by domain, then date."""
        with self._connection() as connection:
            generation = int(_meta(connection, "generation"))
            with self._cache_lock:
                if self._cards and self._cards[0] == generation:
                    return self._cards[1]
            # A policy written since the line above is on these cards already: they are read again at the next call.
            rows = connection.execute(
                "SELECT id, domain, archived_on, characters, passages, facts FROM policies ORDER BY domain, archived_on"
            ).fetchall()
            cards = tuple(_card(row) for row in rows)
        with self._cache_lock:
            self._cards = (generation, cards)
        return cards

    def hashes(self) -> dict[str, str]:
        """The content hash of every policy, by id."""
        with self._connection() as connection:
            return dict(connection.execute("SELECT id, content_hash FROM policies").fetchall())

    def generations(self) -> dict[str, int]:
        """The generation that wrote each policy, by id."""
        with self._connection() as connection:
            return dict(connection.execute("SELECT id, generation FROM policies").fetchall())

    def policy(self, policy_id: str) -> Policy:
        """One policy without its passages and vectors, which may be damaged or missing.

        Raises:
            KeyError: there is no such policy.
        """
        with self._connection() as connection:
            row = connection.execute(
                "SELECT domain, archived_on, facts, text, content_hash FROM policies WHERE id = ?",
                (_bindable(policy_id),),
            ).fetchone()
        if row is None:
            raise KeyError(policy_id)
        try:
            return policy_of(*row)
        except (ValueError, TypeError, KeyError) as exc:
            raise _damaged(self._folder, f"the text of {policy_id} does not match its hash") from exc

    def sealed(self, policy_id: str) -> bool:
        """Whether a policy, its passages and its vectors are what was written, bit by bit.

        True also where nothing tells, which is so of a file of form 1.
        """
        with self._connection() as connection:
            connection.execute("BEGIN")  # one state of the file, whatever a writer does meanwhile
            try:
                if int(connection.execute("PRAGMA user_version").fetchone()[0]) < FORM:
                    return True
                row = connection.execute("SELECT seal FROM seals WHERE policy_id = ?", (policy_id,)).fetchone()
                return row is not None and row[0] == _stored_seal(connection, policy_id)
            finally:
                connection.execute("COMMIT")

    def form(self) -> int:
        """The version of the file's tables; at most ``FORM``."""
        with self._connection() as connection:
            return int(connection.execute("PRAGMA user_version").fetchone()[0])

    def flaws(self, alive: Callable[[], None] = lambda: None) -> list[str]:
        """What SQLite finds wrong with the file as such, a line each, ten at most: pages, indexes, orphaned rows.

        Args:
            alive: called again and again meanwhile.
        """

        def beat() -> int:
            alive()
            return 0

        with self._connection() as connection:
            connection.set_progress_handler(beat, 1_000_000)
            try:
                found = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(10)")]
                orphans: dict[str, int] = {}
                for table, *_ in connection.execute("PRAGMA foreign_key_check"):
                    orphans[table] = orphans.get(table, 0) + 1
            except sqlite3.DatabaseError as exc:
                if _code(exc) not in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_IOERR):
                    raise
                return [str(exc)]
            finally:
                connection.set_progress_handler(None, 0)
        flaws = [] if found == ["ok"] else found
        return flaws + [f"{count} rows of {table} belong to no policy" for table, count in orphans.items()]

    def read(self, policy_id: str) -> IndexedPolicy:
        """One policy with its passages and vectors.

        Raises:
            KeyError: there is no such policy.
        """
        with self._connection() as connection:
            row = connection.execute("SELECT generation FROM policies WHERE id = ?", (_bindable(policy_id),)).fetchone()
            if row is None:
                raise KeyError(policy_id)
            with self._cache_lock:
                cached = self._policies.get(policy_id)
                if cached and cached[0] == row[0]:
                    self._policies.move_to_end(policy_id)
                    return cached[1]
            # One statement sees one state of the file, where two might see a policy replaced in between. What is large
            # comes with the first passage alone: with each of a thousand passages it would be gigabytes.
            rows = connection.execute(
                "SELECT p.generation, p.domain, p.archived_on, p.content_hash, p.facts,"
                " CASE WHEN s.n > f.n THEN NULL ELSE p.text END,"
                " CASE WHEN s.n > f.n THEN NULL ELSE p.sentence_vectors END,"
                ' s.n, s.start, s."end", s.section, s.sentences, s.vector'
                " FROM policies p LEFT JOIN (SELECT min(n) AS n FROM passages WHERE policy_id = ?1) f"
                " LEFT JOIN passages s ON s.policy_id = p.id WHERE p.id = ?1 ORDER BY s.n",
                (policy_id,),
            ).fetchall()
            dimension = _manifest(connection).dimension
        if not rows:
            raise KeyError(policy_id)
        try:
            indexed = _indexed(rows, dimension)
        except (ValueError, TypeError, KeyError) as exc:
            raise _damaged(self._folder, f"{policy_id} does not match its hash or its form") from exc
        with self._cache_lock:
            self._policies[policy_id] = (rows[0][0], indexed)
            self._policies.move_to_end(policy_id)
            while len(self._policies) > _CACHED_POLICIES:
                self._policies.popitem(last=False)
        return indexed

    def put(self, indexed: IndexedPolicy) -> None:
        """Adds a policy or replaces the one with its id, all or nothing.

        Raises:
            IndexUnwritable: no permission, or no space left; the earlier state stays.
            ValueError: there is no passage, a vector is missing, or its length is not 1.
        """
        policy = indexed.policy
        if not indexed.passages:
            raise ValueError(f"{policy.id} has no passage")
        dimension = self.manifest.dimension
        check_vectors(indexed.passage_vectors, len(indexed.passages), dimension)
        check_vectors(indexed.sentence_vectors, len(indexed.sentences()), dimension)
        facts = {
            "company": policy.company,
            "aliases": policy.aliases,
            "url": policy.url,
            "provenance": dict(policy.provenance),
            "warnings": policy.warnings,
        }
        passage_vectors = np.ascontiguousarray(indexed.passage_vectors, dtype=_PASSAGE_DTYPE)
        passages = [
            (
                policy.id,
                passage.n,
                passage.start,
                passage.end,
                json.dumps(passage.section),
                json.dumps([flat(sentence) for sentence in passage.sentences]),
                passage_vectors[row].tobytes(),
            )
            for row, passage in enumerate(indexed.passages)
        ]
        text = policy.text.encode("utf-8", "surrogatepass")
        sealed = (
            policy.id,
            policy.domain,
            policy.archived_on.isoformat(),
            policy.content_hash,
            len(policy.text),
            len(passages),
            json.dumps(facts),
            indexed.sentence_vectors.astype(_SENTENCE_DTYPE).tobytes(),
        )
        with self._writing() as connection:
            generation = _next_generation(connection)
            connection.execute("DELETE FROM policies WHERE id = ?", (policy.id,))
            connection.execute(
                "INSERT INTO policies VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (*sealed[:4], generation, *sealed[4:7], text, sealed[7]),
            )
            connection.executemany("INSERT INTO passages VALUES (?, ?, ?, ?, ?, ?, ?)", passages)
            connection.execute("INSERT INTO seals VALUES (?, ?)", (policy.id, _seal(sealed, passages)))

    def remove(self, policy_id: str) -> bool:
        """Removes a policy; False where there was none.

        Raises:
            IndexUnwritable: no permission, or no space left.
        """
        with self._writing() as connection:
            removed = connection.execute("DELETE FROM policies WHERE id = ?", (_bindable(policy_id),)).rowcount > 0
            if removed:
                _next_generation(connection)
        return removed

    def renumber(self, after: int) -> None:
        """Gives everything a new generation, above that one and above its own, so that nobody takes it for known."""
        with self._writing() as connection:
            generation = max(_first_generation(), after + 1, int(_meta(connection, "generation")) + 1)
            connection.execute("UPDATE meta SET value = ? WHERE key = 'generation'", (generation,))
            connection.execute("UPDATE policies SET generation = ?", (generation,))

    def compact(self) -> None:
        """Gives back the space of what was removed or replaced; readers go on meanwhile.

        Raises:
            IndexUnwritable: no permission, or no space left: it takes twice the file's size for a while.
        """
        writer = self._require_writer()
        with writer.lock, _translated(self._folder, writing=True):
            writer.connection.execute("VACUUM")
            writer.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Closes the file and lets the next writer in."""
        if self._pool:
            self._pool.close()
        if self._writer:
            self._writer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """A connection to read from; the writer reads what it has written."""
        if self._writer:
            with self._writer.lock, _translated(self._folder, writing=False):
                yield self._writer.connection
        elif self._pool:
            with _translated(self._folder, writing=False), self._pool.borrow() as connection:
                yield connection

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction that is kept only if the block ends well."""
        writer = self._require_writer()
        with writer.lock, _translated(self._folder, writing=True), writer.transaction() as connection:
            yield connection

    def _require_writer(self) -> _Writer:
        if self._writer is None:
            raise TypeError("this library was opened for reading")
        return self._writer


class _Readers:
    """Connections that read, one for each thread that reads at the same time, kept for the next."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / FILE
        self._lock = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._identity: tuple[int, int] | None = None
        self._closed = False

    @contextmanager
    def borrow(self) -> Iterator[sqlite3.Connection]:
        connection, identity = self._take()
        try:
            yield connection
        finally:
            with self._lock:
                keep = not self._closed and identity == self._identity
                if keep:
                    self._idle.append(connection)
            if not keep:
                connection.close()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _take(self) -> tuple[sqlite3.Connection, tuple[int, int]]:
        # A folder deleted and filled anew has another file: connections to the old one would never see it.
        try:
            status = self._file.stat()
        except (FileNotFoundError, NotADirectoryError):
            raise _missing(self._folder) from None
        except OSError as exc:
            raise IndexProblem(f"The index in {self._folder} cannot be read: {exc.strerror}.") from exc
        identity = (status.st_dev, status.st_ino)
        stale: list[sqlite3.Connection] = []
        with self._lock:
            if identity != self._identity:
                stale, self._idle, self._identity = self._idle, [], identity
            connection = self._idle.pop() if self._idle else None
        for old in stale:
            old.close()
        return connection or self._open(), identity

    def _open(self) -> sqlite3.Connection:
        """A connection that cannot write; in a folder that cannot be written, without WAL's shared memory."""
        try:
            return self._opened("mode=ro")
        except sqlite3.OperationalError as exc:
            wal = self._file.with_name(FILE + "-wal")
            if _code(exc) not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY) or os.access(self._folder, os.W_OK):
                raise
            if wal.exists() and wal.stat().st_size:
                raise IndexUnwritable(
                    f"The last writer to the index in {self._folder} was interrupted, and the folder is read-only: "
                    "make it writable once and run `fineprint doctor`."
                ) from exc
            # Nobody can write here, so that the file does not change under us.
            return self._opened("mode=ro&immutable=1")

    def _opened(self, how: str) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"file:{quote(str(self._file.absolute()))}?{how}",
            uri=True,
            timeout=_LOCK_WAIT_S,
            isolation_level=None,
            check_same_thread=False,  # one thread at a time has it
        )
        try:
            _require_ours(connection, self._folder)
        except BaseException:
            connection.close()
            raise
        return connection


class _Writer:
    """The one connection that writes, and the lock that makes it the only one."""

    def __init__(self, folder: Path, manifest: Manifest, after: int) -> None:
        self.lock = threading.RLock()
        self._lock_file = _lock(folder)
        try:
            with _translated(folder, writing=True):
                self.connection = self._open(folder, manifest, after)
        except BaseException:
            self._lock_file.close()
            raise

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        with _transaction(self.connection):
            yield self.connection

    def close(self) -> None:
        with self.lock:
            with suppress(sqlite3.Error):  # a reader may be in the way
                # With nothing left in the WAL, the index can be read from a folder that is then made read-only.
                self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self.connection.close()
            self._lock_file.close()

    def _open(self, folder: Path, manifest: Manifest, after: int) -> sqlite3.Connection:
        connection = sqlite3.connect(folder / FILE, timeout=_LOCK_WAIT_S, isolation_level=None, check_same_thread=False)
        try:
            if _application_id(connection) == 0 and _is_empty(connection):
                _create(connection, manifest, after)
            _require_ours(connection, folder)
            # Every put survives a power cut. With NORMAL the last ones might not, and what Chroma has of them would
            # pass for what the library writes next under the same generation.
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            # What was removed is gone from the file, too, and cannot be among what is saved of a damaged one.
            connection.execute("PRAGMA secure_delete = ON").fetchone()
            _bring_forward(connection)
        except BaseException:
            connection.close()
            raise
        return connection


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite may have rolled back by itself, e.g. on a full disk
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
        raise


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keeps writers out of an index folder, which is made where there is none.

    Raises:
        IndexLocked: another process is writing.
        IndexUnwritable: the folder cannot be written.
    """
    with closing(_lock(folder)):
        yield


def _lock(folder: Path) -> Any:
    """The open lock file, locked; closing it, or the end of the process, unlocks it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return _locked_file(folder)
    except OSError as exc:
        raise IndexUnwritable(f"The index folder {folder} cannot be written: {exc.strerror}.") from exc


def _locked_file(folder: Path) -> Any:
    file = (folder / LOCK).open("a+", encoding="ascii")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        holder = file.read(20).strip()
        file.close()
        who = f"process {holder}" if holder.isdecimal() else "another process"
        raise IndexLocked(f"The index in {folder} is being written by {who}: try again when it has ended.") from None
    except BaseException:
        file.close()
        raise
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file


def _create(connection: sqlite3.Connection, manifest: Manifest, after: int) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    with _transaction(connection):
        for statement in _SCHEMA:
            connection.execute(statement)
        connection.execute(
            "INSERT INTO meta VALUES ('manifest', ?), ('generation', ?)",
            (json.dumps(asdict(manifest)), max(_first_generation(), after + 1)),
        )
        connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {FORM}")


def _first_generation() -> int:
    """Milliseconds and eleven random bits: 52 bits, which a float holds exactly, too."""
    return (time.time_ns() // 1_000_000 << 11) | secrets.randbits(11)


def _bring_forward(connection: sqlite3.Connection) -> None:
    """Gives a file of form 1 what it lacks: every policy's seal. Readers of either form go on meanwhile."""
    if int(connection.execute("PRAGMA user_version").fetchone()[0]) >= FORM:
        return
    with _transaction(connection):
        connection.execute(_SEALS)
        for (policy_id,) in connection.execute("SELECT id FROM policies").fetchall():
            connection.execute("INSERT INTO seals VALUES (?, ?)", (policy_id, _stored_seal(connection, policy_id)))
        connection.execute(f"PRAGMA user_version = {FORM}")


def _stored_seal(connection: sqlite3.Connection, policy_id: str) -> bytes:
    """The seal of what the file holds of a policy."""
    policy = connection.execute(
        "SELECT id, domain, archived_on, content_hash, characters, passages, facts, sentence_vectors FROM policies"
        " WHERE id = ?",
        (policy_id,),
    ).fetchone()
    passages = connection.execute("SELECT * FROM passages WHERE policy_id = ? ORDER BY n", (policy_id,))
    return _seal(policy or (), passages)


def _seal(policy: Iterable[Any], passages: Iterable[Sequence[Any]]) -> bytes:
    """A hash over a policy's row, without its text, which has one of its own, and over its passages' rows."""
    digest = hashlib.blake2b(digest_size=16)
    for value in (*policy, *(value for row in passages for value in row)):
        data = value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.digest()


def require_plain(file: Path) -> None:
    """Checks that a database from elsewhere has a library's tables and nothing else, no trigger above all.

    Raises:
        ValueError: it has not.
    """
    with closing(sqlite3.connect(f"file:{quote(str(file.absolute()))}?mode=ro&immutable=1", uri=True)) as connection:
        connection.execute("PRAGMA trusted_schema = OFF")
        try:
            version = int(connection.execute("PRAGMA user_version").fetchone()[0])
            found = {row[0] for row in connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")}
        except sqlite3.Error as exc:
            raise ValueError(str(exc)) from exc
    if version <= FORM and found != {statement for statement in _SCHEMA if version > 1 or statement is not _SEALS}:
        raise ValueError("its tables are not those of a library")


def generation_of(folder: Path) -> int:
    """The generation of a folder's library; 0 where that cannot be read."""
    try:
        with Library.open(folder) as library:
            return library.generation()
    except IndexProblem:
        return 0


def _require_ours(connection: sqlite3.Connection, folder: Path) -> None:
    found = _application_id(connection)
    if found == 0 and _is_empty(connection):  # its making was interrupted
        raise _missing(folder)
    if found != _APPLICATION_ID:
        raise IndexForeign(f"{folder / FILE} was not made by fineprint: choose another index folder.")
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > FORM:
        raise IndexForeign(
            f"The index in {folder} was made by a newer fineprint (form {version}, known are forms up to "
            f"{FORM}): upgrade fineprint, or choose another index folder."
        )


def _application_id(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA application_id").fetchone()[0])


def _is_empty(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is None


def _meta(connection: sqlite3.Connection, key: str) -> Any:
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    if row is None:
        raise sqlite3.DatabaseError(f"no such key: {key}")
    return row[0]


def _manifest(connection: sqlite3.Connection) -> Manifest:
    return Manifest(**json.loads(_meta(connection, "manifest")))


def _next_generation(connection: sqlite3.Connection) -> int:
    connection.execute("UPDATE meta SET value = value + 1 WHERE key = 'generation'")
    return int(_meta(connection, "generation"))


@contextmanager
def _translated(folder: Path, *, writing: bool) -> Iterator[None]:
    """SQLite's errors as ours."""
    try:
        yield
    except sqlite3.Error as exc:
        code = _code(exc)
        if code == sqlite3.SQLITE_NOTADB:
            raise IndexForeign(
                f"{folder / FILE} is not a fineprint library: choose another index folder. If it was one, run"
                " `fineprint rebuild`, which saves what can be saved."
            ) from exc
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise IndexLocked(f"The index in {folder} is busy: try again.") from exc
        unwritable = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM)
        if code in unwritable or (writing and code == sqlite3.SQLITE_IOERR):
            verb = "written" if writing else "read"
            raise IndexUnwritable(
                f"The index in {folder} cannot be {verb} ({exc}): check its permissions and the space left."
            ) from exc
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_IOERR) or "no such" in str(exc):
            raise _damaged(folder, str(exc)) from exc
        raise


def _code(exc: sqlite3.Error) -> int:
    """SQLite's primary result code; 0 for errors of the Python module itself."""
    return int(getattr(exc, "sqlite_errorcode", 0)) & 0xFF


def _missing(folder: Path) -> IndexMissing:
    return IndexMissing(f"There is no index in {folder}: run `fineprint ingest` first.")


def _damaged(folder: Path, what: str) -> IndexDamaged:
    return IndexDamaged(
        f"The index in {folder} is damaged ({what}): run `fineprint rebuild`, which saves what can be saved, or"
        " `fineprint restore` a backup."
    )


def _bindable(policy_id: str) -> str:
    """The id as SQLite takes it; no policy has an id that this changes."""
    return policy_id.encode("utf-8", "replace").decode("utf-8")


def check_vectors(vectors: Vectors, rows: int, dimension: int) -> None:
    """ValueError where vectors have another shape, or a length that is not 1."""
    if vectors.shape != (rows, dimension):
        raise ValueError(f"vectors of shape {vectors.shape} where {(rows, dimension)} was due")
    if not np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-3):
        raise ValueError("a vector's length is not 1")


def flat(sentence: Sentence) -> list[int]:
    """A sentence as numbers: [start, end], or [start, end, lead-in's start, its end]."""
    lead = sentence.lead_in
    return [sentence.start, sentence.end, *((lead.start, lead.end) if lead else ())]


def sentence_of(start: int, end: int, lead_start: int | None = None, lead_end: int | None = None) -> Sentence:
    """What ``flat`` made numbers of."""
    lead = None if lead_start is None or lead_end is None else Span(lead_start, lead_end)
    return Sentence(start, end, lead)


def _card(row: Any) -> PolicyCard:
    policy_id, domain, archived_on, characters, passages, facts = row
    known = json.loads(facts)
    return PolicyCard(
        id=policy_id,
        domain=domain,
        archived_on=dt.date.fromisoformat(archived_on),
        company=known["company"],
        aliases=tuple(known["aliases"]),
        url=known["url"],
        characters=characters,
        passages=passages,
        warnings=tuple(known["warnings"]),
    )


def policy_of(domain: str, archived_on: str, facts: str, text: bytes, content_hash: str) -> Policy:
    """A policy from its stored columns; ValueError, TypeError or KeyError where they are not what was stored."""
    known = json.loads(facts)
    policy = Policy(
        domain=domain,
        archived_on=dt.date.fromisoformat(archived_on),
        company=known["company"],
        text=text.decode("utf-8", "surrogatepass"),
        aliases=tuple(known["aliases"]),
        url=known["url"],
        provenance=MappingProxyType(known["provenance"]),
        warnings=tuple(known["warnings"]),
    )
    if policy.content_hash != content_hash:
        raise ValueError("the content hash differs")
    return policy


def _indexed(rows: list[Any], dimension: int) -> IndexedPolicy:
    """One policy from the join of its row with its passages' rows; ValueError where they do not fit together."""
    _, domain, archived_on, content_hash, facts, text, sentence_vectors = rows[0][:7]
    policy = policy_of(domain, archived_on, facts, text, content_hash)
    found = [row[7:] for row in rows if row[7] is not None]
    passages = tuple(
        Passage(n, start, end, tuple(json.loads(section)), tuple(sentence_of(*item) for item in json.loads(sentences)))
        for n, start, end, section, sentences, _ in found
    )
    count = sum(len(passage.sentences) for passage in passages)
    return IndexedPolicy(
        policy=policy,
        passages=passages,
        passage_vectors=unit_rows(b"".join(row[5] for row in found), _PASSAGE_DTYPE, len(passages), dimension),
        sentence_vectors=unit_rows(sentence_vectors, _SENTENCE_DTYPE, count, dimension),
    )


def unit_rows(blob: bytes, dtype: np.dtype[Any], rows: int, dimension: int) -> Vectors:
    """Stored numbers as read-only float32 rows, again of length 1 after rounding."""
    matrix = np.frombuffer(blob, dtype=dtype).reshape(rows, dimension).astype(np.float32)
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    if not (np.isfinite(lengths) & (lengths > 0)).all():
        raise ValueError("a vector has no direction")
    matrix /= lengths
    matrix.setflags(write=False)
    return matrix
