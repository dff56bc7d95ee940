"""The index over all policies' passages, in embedded Chroma. The only importer of chromadb.

It serves questions about all policies: which ones are worth comparing. Everything else is read from the library, from
which this is derived and can be made again at any time.

Chroma writes in place and does not survive being killed at the wrong moment, a full disk, or a second writer. So its
folder is never changed once it is in use: a change is made on a copy, which takes the old one's place in one step when
it is complete. Whatever interrupts the writer, readers keep a whole index, and no reader opens half-written files.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from qa.domain import IndexedPolicy, Vectors
from qa.errors import IndexDamaged, IndexLocked, IndexProblem, IndexUnwritable
from qa.library import Library, Manifest

__all__ = ["ChromaIndex", "MemoryIndex", "PassageHit", "PassageIndex", "open_index", "synchronise"]

_log = logging.getLogger(__name__)

_COLLECTION = "passages"
_DATABASE = "chroma.sqlite3"
_BATCH = 1_000  # Chroma takes 5,461 at most
_SEARCHED = 400  # neighbours that HNSW looks at; the most it can return
# Up to here every vector is compared: a passage unlike 1,200 others that are alike was unreachable in 3 of 15 graphs.
_EXACT = 10_000


@dataclass(frozen=True, slots=True)
class PassageHit:
    """A passage near to a question; ``score`` is the cosine, in [-1, 1]."""

    policy_id: str
    n: int
    score: float


class PassageIndex(Protocol):
    """Finds the passages nearest to a vector among all policies. Thread-safe.

    What is put or removed is found by this object's next search, and by others once ``commit`` returns.
    """

    def generation(self) -> int:
        """The library's generation that this was last brought up to; 0 where there is nothing usable."""
        ...

    def policy_ids(self) -> set[str]:
        """The policies that have passages here."""
        ...

    def put(self, indexed: IndexedPolicy) -> None:
        """Adds a policy's passages, or replaces them.

        Raises:
            IndexUnwritable: no permission, or no space left; what was committed stays.
        """
        ...

    def remove(self, policy_id: str) -> None:
        """Removes a policy's passages, if there are any; raises as ``put`` does."""
        ...

    def clear(self) -> None:
        """Removes everything."""
        ...

    def commit(self, generation: int) -> None:
        """Makes the changes lasting and visible to others, as of a generation of the library; raises as ``put``."""
        ...

    def search(self, vector: Vectors, k: int) -> list[PassageHit]:
        """The ``k`` passages nearest to ``vector``, shape (dimension,), best first; fewer where there are fewer.

        Raises:
            IndexDamaged: the index cannot be searched.
        """
        ...

    def close(self) -> None:
        """Releases the index; what was not committed is forgotten."""
        ...


def synchronise(library: Library, index: PassageIndex) -> int:
    """Brings the index up to the library; returns the number of policies written.

    Writes only what differs, or everything anew where most differs.

    Raises:
        IndexProblem: the library cannot be read or the index cannot be written.
    """
    target = library.generation()
    since = index.generation()
    if since == target:
        return 0
    wanted = library.generations()
    # A library younger than the index was restored from a copy: generations tell nothing then.
    present = index.policy_ids() if 0 < since < target else set()
    changed = sorted(policy_id for policy_id, written in wanted.items() if written > since or policy_id not in present)
    gone = sorted(present - wanted.keys())
    if not present or 2 * (len(changed) + len(gone)) > len(wanted):
        index.clear()
        changed, gone = sorted(wanted), []
    for policy_id in gone:
        index.remove(policy_id)
    for policy_id in changed:
        try:
            indexed = library.read(policy_id)
        except KeyError:  # removed by another process meanwhile: its generation is above the target
            continue
        index.put(indexed)
    index.commit(target)
    return len(changed)


def open_index(folder: Path, library: Library) -> PassageIndex:
    """The index to search, brought up to the library first where it lags and nobody is writing.

    It lags when an ingest was interrupted, and is empty when its files were damaged or lost. Where it cannot be written
    anew it is held in memory; while another process is writing, it serves what it has.

    Raises:
        IndexProblem: the library cannot be read.
    """
    index = ChromaIndex.open(folder, library.manifest)
    index.policy_ids()  # some damage shows only when Chroma opens its files
    if index.generation() == library.generation():
        return index
    try:
        with Library.open_for_writing(folder, library.manifest) as writer:
            synchronise(writer, index)
    except (IndexLocked, IndexUnwritable) as exc:
        if index.generation() == 0:
            _log.warning("Passages are searched in memory: %s", exc)
            index.close()
            held = MemoryIndex()
            synchronise(library, held)
            return held
        _log.info("The search index lags behind the library: %s", exc)
    except BaseException:
        index.close()
        raise
    return index


class MemoryIndex:
    """Every vector in memory, scored exactly; for tests, and where Chroma's folder cannot be written."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._generation = 0
        self._policies: dict[str, Vectors] = {}
        self._stacked: tuple[list[tuple[str, int]], Vectors] | None = None

    def generation(self) -> int:
        """See ``PassageIndex``."""
        return self._generation

    def policy_ids(self) -> set[str]:
        """See ``PassageIndex``."""
        with self._lock:
            return set(self._policies)

    def put(self, indexed: IndexedPolicy) -> None:
        """See ``PassageIndex``."""
        with self._lock:
            self._policies[indexed.policy.id] = indexed.passage_vectors
            self._stacked = None

    def remove(self, policy_id: str) -> None:
        """See ``PassageIndex``."""
        with self._lock:
            self._policies.pop(policy_id, None)
            self._stacked = None

    def clear(self) -> None:
        """See ``PassageIndex``."""
        with self._lock:
            self._policies.clear()
            self._stacked = None

    def commit(self, generation: int) -> None:
        """See ``PassageIndex``."""
        self._generation = generation

    def search(self, vector: Vectors, k: int) -> list[PassageHit]:
        """See ``PassageIndex``."""
        with self._lock:
            if not self._policies or k <= 0:
                return []
            if self._stacked is None:
                keys = [(policy_id, n) for policy_id, rows in self._policies.items() for n in range(len(rows))]
                self._stacked = keys, np.concatenate(list(self._policies.values()))
            keys, matrix = self._stacked
        scores = matrix @ vector
        best = np.argsort(-scores, kind="stable")[:k]
        return [PassageHit(policy_id, n, float(scores[row])) for row in best for policy_id, n in [keys[row]]]

    def close(self) -> None:
        """See ``PassageIndex``."""


@dataclass(frozen=True, slots=True)
class _State:
    """Which Chroma folder is in use, and what it holds.

    Attributes:
        folder: its name within ``<index>/chroma``.
        generation: of the library, that it was brought up to.
        passages: how many it holds.
        sha256: of its vector files by path; Chroma ends the process when it meets a damaged one.
    """

    folder: str
    manifest: Manifest
    generation: int
    passages: int
    sha256: dict[str, str]

    @classmethod
    def read(cls, path: Path) -> _State | None:
        """The state recorded in a file; None where there is none or it is not ours."""
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            return cls(**{**values, "manifest": Manifest(**values["manifest"])})
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError) as exc:
            _log.warning("%s cannot be read, so that the search index is made anew: %s", path, exc)
            return None


class ChromaIndex:
    """Embedded Chroma in ``<index>/chroma``. Nothing is imported or opened before it is searched or written."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        """For ``open``."""
        self._root = folder / "chroma"
        self._manifest = manifest
        self._lock = threading.RLock()
        self._seen: tuple[int, int] | None = None
        self._state: _State | None = None
        self._serving: _Collection | None = None
        self._build: _Build | None = None

    @classmethod
    def open(cls, folder: Path, manifest: Manifest) -> ChromaIndex:
        """Opens the index of an index folder; one that is damaged, or from another manifest, counts as empty."""
        return cls(folder, manifest)

    def generation(self) -> int:
        """See ``PassageIndex``."""
        with self._lock:
            self._refresh()
            return self._state.generation if self._state else 0

    def policy_ids(self) -> set[str]:
        """See ``PassageIndex``."""
        with self._lock:
            if self._build:
                return set(self._build.policy_ids)
            collection = self._collection()
            return collection.policy_ids() if collection else set()

    def put(self, indexed: IndexedPolicy) -> None:
        """See ``PassageIndex``."""
        with self._lock, self._changing() as build:
            build.put(indexed)

    def remove(self, policy_id: str) -> None:
        """See ``PassageIndex``."""
        with self._lock, self._changing() as build:
            build.remove(policy_id)

    def clear(self) -> None:
        """See ``PassageIndex``."""
        with self._lock, self._writing():
            self._discard()
            self._build = _Build.empty(self._root)

    def commit(self, generation: int) -> None:
        """See ``PassageIndex``."""
        with self._lock, self._changing() as build:
            state = build.finish(self._manifest, generation)
            self._build = None
            _write_durably(self._root / "current.json", json.dumps(asdict(state)))
            self._refresh()
            for other in self._root.iterdir():
                if other.is_dir() and other.name != state.folder:
                    shutil.rmtree(other, ignore_errors=True)

    def search(self, vector: Vectors, k: int) -> list[PassageHit]:
        """See ``PassageIndex``."""
        if k <= 0:
            return []
        with self._lock:
            if self._build:
                with self._writing():
                    self._build.flush()
                    return self._build.collection.search(vector, k)
            for last in (False, True):
                collection = self._collection()
                try:
                    return collection.search(vector, k) if collection else []
                except Exception as exc:
                    # Another process may have put a new folder in the place of this one since it was looked up.
                    self._stop_serving()
                    self._seen = None
                    if last:
                        raise IndexDamaged(
                            f"The search index in {self._root} cannot be searched ({exc}): run `fineprint doctor`."
                        ) from exc
        raise AssertionError("unreachable")

    def close(self) -> None:
        """See ``PassageIndex``."""
        with self._lock:
            self._discard()
            self._stop_serving()
            self._seen = self._state = None

    def _refresh(self) -> None:
        """Notices that the folder in use has been replaced, by this process or another."""
        path = self._root / "current.json"
        try:
            status = path.stat()
        except OSError:
            self._stop_serving()
            self._seen = self._state = None
            return
        seen = (status.st_ino, status.st_mtime_ns)
        if seen == self._seen:
            return
        self._stop_serving()
        self._seen = seen
        state = _State.read(path)
        if state and state.manifest != self._manifest:
            _log.info("The search index in %s was made differently and is made anew.", self._root)
            state = None
        if state and _vector_files(self._root / state.folder) != state.sha256:
            _log.warning("The search index in %s is damaged and is made anew.", self._root)
            state = None
        self._state = state

    def _collection(self) -> _Collection | None:
        """What is in use, opened; None where there is nothing usable."""
        self._refresh()
        if self._state and not self._serving:
            try:
                serving = _Collection(self._root / self._state.folder)
                if serving.count() == self._state.passages:
                    self._serving = serving
                    return serving
                serving.close()
                reason = "passages are missing"
            except Exception as exc:  # whatever Chroma makes of damaged files
                reason = str(exc)
            _log.warning("The search index in %s is damaged (%s) and is made anew.", self._root, reason)
            self._state = None
        return self._serving

    @contextlib.contextmanager
    def _changing(self) -> Iterator[_Build]:
        """The copy that changes are made on; thrown away where one fails."""
        with self._writing():
            if self._build is None:
                collection = self._collection()
                if collection and self._state:
                    ids = collection.policy_ids()
                    self._build = _Build.copy_of(self._root, self._state.folder, ids)
                else:
                    self._build = _Build.empty(self._root)
            yield self._build

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """Chroma's and the file system's errors as ours."""
        try:
            yield
        except IndexProblem:
            raise
        except Exception as exc:
            self._discard()
            raise IndexUnwritable(
                f"The search index in {self._root} cannot be written ({exc}): check permissions and the space left."
            ) from exc
        except BaseException:
            self._discard()
            raise

    def _discard(self) -> None:
        if self._build:
            self._build.discard()
            self._build = None

    def _stop_serving(self) -> None:
        if self._serving:
            self._serving.close()
            self._serving = None


class _Collection:
    """One Chroma folder, opened."""

    def __init__(self, folder: Path, *, create: bool = False) -> None:
        import chromadb
        from chromadb.config import Settings as ChromaSettings

        # Without _env_file, Chroma would read settings from a file .env in the working folder.
        settings = ChromaSettings(_env_file=None, anonymized_telemetry=False)
        self._client: Any = chromadb.PersistentClient(path=str(folder), settings=settings)
        try:
            if create:
                self.passages: Any = self._client.create_collection(
                    _COLLECTION,
                    embedding_function=None,
                    configuration={"hnsw": {"space": "cosine", "ef_search": _SEARCHED}},
                )
            else:
                self.passages = self._client.get_collection(_COLLECTION, embedding_function=None)
        except BaseException:
            self._client.close()
            raise

    def count(self) -> int:
        return int(self.passages.count())

    def policy_ids(self) -> set[str]:
        # Every policy has a first passage.
        first = self.passages.get(where={"n": 0}, include=["metadatas"])
        return {str(metadata["policy_id"]) for metadata in first["metadatas"]}

    def search(self, vector: Vectors, k: int) -> list[PassageHit]:
        if 0 < self.count() <= _EXACT:
            held = self.passages.get(include=["metadatas", "embeddings"])
            scores = np.asarray(held["embeddings"], dtype=np.float32) @ np.asarray(vector, dtype=np.float32)
            best = np.argsort(-scores, kind="stable")[: min(k, _SEARCHED)]
            of = [held["metadatas"][i] for i in best]
            return [
                PassageHit(str(m["policy_id"]), int(m["n"]), float(scores[i])) for m, i in zip(of, best, strict=True)
            ]
        found = self.passages.query(
            query_embeddings=np.asarray(vector, dtype=np.float32)[None, :],
            n_results=min(k, _SEARCHED),
            include=["metadatas", "distances"],
        )
        return [
            PassageHit(str(metadata["policy_id"]), int(metadata["n"]), 1.0 - float(distance))
            for metadata, distance in zip(found["metadatas"][0], found["distances"][0], strict=True)
        ]

    def close(self) -> None:
        self._client.close()


@dataclass(slots=True)
class _Build:
    """A Chroma folder in the making."""

    folder: Path
    collection: _Collection
    policy_ids: set[str]
    _ids: list[str] = field(default_factory=list)
    _vectors: list[Vectors] = field(default_factory=list)
    _documents: list[str] = field(default_factory=list)
    _metadatas: list[dict[str, str | int]] = field(default_factory=list)

    @classmethod
    def empty(cls, root: Path) -> _Build:
        folder = _new_folder(root)
        try:
            return cls(folder, _Collection(folder, create=True), set())
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    @classmethod
    def copy_of(cls, root: Path, source: str, policy_ids: set[str]) -> _Build:
        folder = _new_folder(root)
        try:
            shutil.copytree(root / source, folder, ignore=shutil.ignore_patterns(_DATABASE + "*"), dirs_exist_ok=True)
            # SQLite's own copy is right even while a reader has the file open.
            with (
                contextlib.closing(sqlite3.connect(root / source / _DATABASE)) as old,
                contextlib.closing(sqlite3.connect(folder / _DATABASE)) as new,
            ):
                old.backup(new)
            return cls(folder, _Collection(folder), policy_ids)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def put(self, indexed: IndexedPolicy) -> None:
        policy = indexed.policy
        self.remove(policy.id)
        self.policy_ids.add(policy.id)
        for passage, vector in zip(indexed.passages, indexed.passage_vectors, strict=True):
            self._ids.append(f"{policy.id}#{passage.n}")
            self._vectors.append(vector)
            self._documents.append(_storable(policy.text[passage.start : passage.end]))
            self._metadatas.append(
                {
                    "policy_id": policy.id,
                    "n": passage.n,
                    "domain": policy.domain,
                    "company": _storable(policy.company),
                    "archived_on": policy.archived_on.isoformat(),
                    "section": _storable(" › ".join(passage.section)),
                    "start": passage.start,
                    "end": passage.end,
                }
            )
        if len(self._ids) >= _BATCH:
            self.flush()

    def remove(self, policy_id: str) -> None:
        if policy_id in self.policy_ids:
            self.flush()
            self.collection.passages.delete(where={"policy_id": policy_id})
            self.policy_ids.discard(policy_id)

    def flush(self) -> None:
        for start in range(0, len(self._ids), _BATCH):
            rows = slice(start, start + _BATCH)
            self.collection.passages.upsert(
                ids=self._ids[rows],
                embeddings=np.stack(self._vectors[rows]),
                documents=self._documents[rows],
                metadatas=self._metadatas[rows],
            )
        for column in (self._ids, self._vectors, self._documents, self._metadatas):
            column.clear()

    def finish(self, manifest: Manifest, generation: int) -> _State:
        """Closes the folder and sees to it that it is on the disk."""
        self.flush()
        passages = self.collection.count()
        if passages:
            self.collection.search(np.full(manifest.dimension, manifest.dimension**-0.5, dtype=np.float32), 1)
        self.collection.close()
        for file in self.folder.rglob("*"):
            if file.is_file():
                _sync(file)
        return _State(self.folder.name, manifest, generation, passages, _vector_files(self.folder))

    def discard(self) -> None:
        with contextlib.suppress(Exception):
            self.collection.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def _new_folder(root: Path) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix="v", dir=root))


def _vector_files(folder: Path) -> dict[str, str]:
    """The SHA-256 of every vector file that Chroma will read, by relative path.

    Where the pickle beside them is missing, Chroma has not written them yet (it holds the first thousand vectors in its
    database) and makes them anew at every opening.
    """
    found = {}
    for pickle in sorted(folder.glob("*/index_metadata.pickle")):
        for file in sorted(pickle.parent.iterdir()):
            with file.open("rb") as content:
                found[str(file.relative_to(folder))] = hashlib.file_digest(content, "sha256").hexdigest()
    return found


def _write_durably(path: Path, text: str) -> None:
    """Replaces a file in one step that survives a power cut."""
    temporary = path.with_name(path.name + ".new")
    temporary.write_text(text, encoding="utf-8")
    _sync(temporary)
    temporary.replace(path)
    _sync(path.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _storable(text: str) -> str:
    """The text as Chroma takes it, without lone surrogates."""
    return text.encode("utf-8", "replace").decode("utf-8")
