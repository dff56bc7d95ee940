"""The index over all policies' passages, in Chroma, embedded in the index folder. (On a server: ``qa.nearest``.)

It serves questions about all policies: which ones are worth comparing. Everything else is read from the library, from
which this is derived and can be made again at any time.

Chroma writes in place and does not survive being killed at the wrong moment, a full disk, or a second writer. So a
collection is never changed once it is in use: a change is made on a copy, which takes the old one's place in one step
when it is complete. Whatever interrupts the writer, readers keep a whole index, and none reads a half-written one.
"""

from __future__ import annotations

import contextlib
import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol, Self

import numpy as np

from qa.chroma import Collection, Folders, Row, rows_of, write_durably
from qa.domain import IndexedPolicy, PassageHit, Policy, PolicyCard, Vectors
from qa.errors import IndexDamaged, IndexLocked, IndexProblem, IndexUnwritable
from qa.library import Library, Manifest
from qa.settings import Settings

__all__ = [
    "ChromaIndex",
    "CompletedIndex",
    "MemoryIndex",
    "PassageHit",
    "PassageIndex",
    "PassageSearch",
    "PolicyLibrary",
    "open_index",
    "synchronise",
]

_log = logging.getLogger(__name__)

_BATCH: Final = 1_000
_RETRY_S: Final = 30.0
"""An index that could not be searched is left alone for so long."""


class PolicyLibrary(Protocol):
    """The policies of an index: ``qa.library.Library`` in a folder, ``qa.served.ServedLibrary`` on a server.

    Thread-safe. Every method may raise an IndexProblem.
    """

    @property
    def manifest(self) -> Manifest:
        """How the vectors were made, as it is now."""
        ...

    def require(self, manifest: Manifest) -> None:
        """Raises IndexForeign where vectors made by ``manifest`` are not comparable with the library's."""
        ...

    def generation(self) -> int:
        """A number that grows with every change, as it is now."""
        ...

    def cards(self) -> tuple[PolicyCard, ...]:
        """All policies without their texts, by domain, then date."""
        ...

    def hashes(self) -> dict[str, str]:
        """The content hash of every policy, by id."""
        ...

    def generations(self) -> dict[str, int]:
        """The generation that wrote each policy, by id."""
        ...

    def read(self, policy_id: str) -> IndexedPolicy:
        """One policy with its passages and vectors; raises KeyError where there is none."""
        ...

    def policy(self, policy_id: str) -> Policy:
        """One policy without its passages and vectors; raises KeyError where there is none."""
        ...

    def put(self, indexed: IndexedPolicy) -> None:
        """Adds a policy or replaces the one with its id, all or nothing; it lasts when this returns."""
        ...

    def remove(self, policy_id: str) -> bool:
        """Removes a policy; False where there was none."""
        ...

    def close(self) -> None:
        """Releases files and connections, and lets the next writer in."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None: ...


class PassageSearch(Protocol):
    """Finds the passages nearest to a vector among all policies. Thread-safe."""

    def generation(self) -> int:
        """The library's generation that this was last brought up to; 0 where there is nothing usable."""
        ...

    def policy_ids(self) -> set[str]:
        """The policies that have passages here."""
        ...

    def search(self, vector: Vectors, k: int) -> list[PassageHit]:
        """The ``k`` passages nearest to ``vector``, shape (dimension,), best first; fewer where there are fewer.

        Raises:
            IndexDamaged: the index cannot be searched.
            IndexUnreachable: it is on a server that does not answer.
        """
        ...

    def close(self) -> None:
        """Releases the index; what was not committed is forgotten."""
        ...


class PassageIndex(PassageSearch, Protocol):
    """One that can be written.

    What is put or removed is found by this object's next search, and by others once ``commit`` returns.
    """

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


def synchronise(library: PolicyLibrary, index: PassageIndex) -> int:
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


def open_index(folder: Path, library: Library) -> PassageSearch:
    """What to search: the index, and from the library whatever the index lacks.

    It lacks something after an ingest was interrupted or while one is running, and when its files were damaged or lost.
    It is brought up to the library first, if it can be written and nobody is writing.

    Raises:
        IndexProblem: the library cannot be read.
    """
    index = ChromaIndex.open(folder, library.manifest)
    index.policy_ids()  # some damage shows only when Chroma opens its files
    if index.generation() != library.generation():
        try:
            with Library.open_for_writing(folder, library.manifest) as writer:
                synchronise(writer, index)
        except (IndexLocked, IndexUnwritable) as exc:
            if index.generation():
                _log.info("The search index lags behind the library: %s", exc)
            else:
                _log.warning("Passages are searched in memory: %s", exc)
        except BaseException:
            index.close()
            raise
    return CompletedIndex(library, index)


class CompletedIndex:
    """An index, completed from the library: what the index lacks is held in memory and scored exactly.

    So a search is about all policies as they are now, and about nothing else, whatever state the index is in. As long
    as the index agrees with the library, nothing is held.

    Args:
        library: the truth.
        index: derived from it; closed with this.
        clock: seconds that only go forward.
    """

    def __init__(self, library: Library, index: PassageSearch, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._library = library
        self._index = index
        self._clock = clock
        self._lock = threading.Lock()
        self._held = MemoryIndex()
        self._held_as_of: dict[str, int] = {}
        self._shared: frozenset[str] = frozenset()
        self._state: tuple[int, int] | None = None
        self._away_until: float | None = None

    def generation(self) -> int:
        """See ``PassageSearch``: always the library's."""
        return self._library.generation()

    def policy_ids(self) -> set[str]:
        """See ``PassageSearch``: always the library's."""
        return set(self._library.generations())

    def search(self, vector: Vectors, k: int) -> list[PassageHit]:
        """See ``PassageSearch``."""
        with self._lock:
            while True:
                since = self._index_generation()
                self._complete(since)
                found = self._held.search(vector, k)
                if not self._shared:
                    return found
                try:
                    found += [hit for hit in self._index.search(vector, k) if hit.policy_id in self._shared]
                except IndexProblem as exc:
                    self._leave_alone(exc)
                    continue
                # A collection that vanished, or was replaced, in between gives nothing, or another state.
                if self._index_generation() == since:
                    return sorted(found, key=lambda hit: -hit.score)[: max(k, 0)]

    def close(self) -> None:
        """See ``PassageSearch``."""
        with self._lock:
            self._index.close()
            self._held.clear()
            self._held_as_of.clear()
            self._state = None

    def _index_generation(self) -> int:
        """The index's generation; 0 while it is away."""
        if self._away_until is not None and self._clock() < self._away_until:
            return 0
        try:
            generation = self._index.generation()
        except IndexProblem as exc:
            self._leave_alone(exc)
            return 0
        if self._away_until is not None:
            self._away_until = None
            _log.info("The search index can be searched again.")
        return generation

    def _leave_alone(self, exc: IndexProblem) -> None:
        if self._away_until is None:
            _log.warning("Passages are searched in memory: %s", exc)
        self._away_until = self._clock() + _RETRY_S

    def _complete(self, since: int) -> None:
        """Holds what an index of that generation lacks, and nothing else."""
        target = self._library.generation()
        if self._state == (since, target):
            return
        wanted = self._library.generations()
        # A library younger than the index was restored from a copy: generations tell nothing then.
        present: set[str] = set()
        if 0 < since <= target:
            try:
                present = self._index.policy_ids()
            except IndexProblem as exc:
                self._leave_alone(exc)
                since = 0
        shared = {policy_id for policy_id in present & wanted.keys() if wanted[policy_id] <= since}
        for policy_id in [each for each in self._held_as_of if each not in wanted or each in shared]:
            self._held.remove(policy_id)
            del self._held_as_of[policy_id]
        for policy_id in sorted(wanted.keys() - shared):
            if self._held_as_of.get(policy_id) != wanted[policy_id]:
                with contextlib.suppress(KeyError):  # removed meanwhile: the next search sees another generation
                    self._held.put(self._library.read(policy_id))
                    self._held_as_of[policy_id] = wanted[policy_id]
        self._shared = frozenset(shared)
        self._state = (since, target)


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
    """Which collection is in use, and what it holds.

    Attributes:
        folder: its name (embedded, each is a folder within ``<index>/chroma``).
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
    """The passages in Chroma. Nothing is imported or opened before it is searched or written."""

    def __init__(self, place: Folders, manifest: Manifest) -> None:
        """For ``open``."""
        self._place = place
        self._manifest = manifest
        self._lock = threading.RLock()
        self._seen: tuple[int, int] | None = None
        self._state: _State | None = None
        self._serving: Collection | None = None
        self._build: _Build | None = None

    @classmethod
    def open(cls, folder: Path, manifest: Manifest) -> ChromaIndex:
        """Opens the index of an index folder; one that is damaged, or from another manifest, counts as empty.

        Args:
            folder: the index folder.
            manifest: how the library's vectors are made.
        """
        return cls(Folders(folder), manifest)

    @classmethod
    def of(cls, settings: Settings, manifest: Manifest) -> ChromaIndex:
        """Opens the index of the folder that the settings name."""
        return cls.open(settings.index, manifest)

    def generation(self) -> int:
        """See ``PassageSearch``."""
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
            self._build = _Build.begin(self._place)

    def commit(self, generation: int) -> None:
        """See ``PassageIndex``."""
        with self._lock, self._changing() as build:
            state = build.finish(self._manifest, generation)
            self._build = None
            write_durably(self._place.state, json.dumps(asdict(state)))
            self._refresh()
            self._place.drop_others(state.folder)

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
                    # Another process may have put a new collection in the place of this one since it was looked up.
                    self._stop_serving()
                    self._seen = None
                    if last:
                        raise IndexDamaged(
                            f"The search index {self._place} cannot be searched ({exc}): run `fineprint doctor`."
                        ) from exc
        raise AssertionError("unreachable")

    def vectors(self) -> Iterator[tuple[str, int, Vectors]]:
        """Every passage in use, by policy and number, with its vector; for who examines the index."""
        with self._lock:
            collection = self._collection()
        for page in collection.rows() if collection else ():
            for row in page:
                yield str(row.metadata["policy_id"]), int(row.metadata["n"]), row.vector

    def close(self) -> None:
        """See ``PassageIndex``."""
        with self._lock:
            self._discard()
            self._stop_serving()
            self._seen = self._state = None

    def _refresh(self) -> None:
        """Notices that the collection in use has been replaced, by this process or another."""
        path = self._place.state
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
            _log.info("The search index %s was made differently and is made anew.", self._place)
            state = None
        if state and self._place.sums(state.folder) != state.sha256:
            _log.warning("The search index %s is damaged and is made anew.", self._place)
            state = None
        self._state = state

    def _collection(self) -> Collection | None:
        """What is in use, opened; None where there is nothing usable."""
        self._refresh()
        if self._state and not self._serving:
            try:
                serving = self._place.open(self._state.folder)
                if serving.count() == self._state.passages:
                    self._serving = serving
                    return serving
                serving.close()
                reason = "passages are missing"
            except Exception as exc:  # whatever Chroma makes of damaged files
                reason = str(exc)
            _log.warning("The search index %s is damaged (%s) and is made anew.", self._place, reason)
            self._state = None
        return self._serving

    @contextlib.contextmanager
    def _changing(self) -> Iterator[_Build]:
        """The copy that changes are made on; thrown away where one fails."""
        with self._writing():
            if self._build is None:
                collection = self._collection()
                if collection and self._state:
                    self._build = _Build.begin(self._place, self._state.folder, collection.policy_ids())
                else:
                    self._build = _Build.begin(self._place)
            yield self._build

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """Chroma's and the file system's errors as ours."""
        try:
            yield
        except IndexProblem:
            self._discard()
            raise
        except Exception as exc:
            self._discard()
            raise IndexUnwritable(
                f"The search index {self._place} cannot be written ({exc}): check permissions and the space left."
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


@dataclass(slots=True)
class _Build:
    """A collection in the making."""

    place: Folders
    name: str
    collection: Collection
    policy_ids: set[str]
    _rows: list[Row] = field(default_factory=list)

    @classmethod
    def begin(cls, place: Folders, copied: str | None = None, policy_ids: set[str] | None = None) -> _Build:
        """An empty one, or a copy of the one in use and of the policies in it."""
        name, collection = place.create() if copied is None else place.copy(copied)
        return cls(place, name, collection, set(policy_ids or ()))

    def put(self, indexed: IndexedPolicy) -> None:
        self.remove(indexed.policy.id)
        self.policy_ids.add(indexed.policy.id)
        self._rows += rows_of(indexed)
        if len(self._rows) >= _BATCH:
            self.flush()

    def remove(self, policy_id: str) -> None:
        if policy_id in self.policy_ids:
            self.flush()
            self.collection.remove(policy_id)
            self.policy_ids.discard(policy_id)

    def flush(self) -> None:
        self.collection.add(self._rows)
        self._rows.clear()

    def finish(self, manifest: Manifest, generation: int) -> _State:
        """Closes the collection and sees to it that it lasts."""
        self.flush()
        passages = self.collection.count()
        if passages:
            self.collection.search(np.full(manifest.dimension, manifest.dimension**-0.5, dtype=np.float32), 1)
        self.collection.close()
        return _State(self.name, manifest, generation, passages, self.place.seal(self.name))

    def discard(self) -> None:
        with contextlib.suppress(Exception):
            self.collection.close()
        self.place.drop(self.name)
