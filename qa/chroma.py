"""Collections of passages in Chroma, in folders of the index. Imports chromadb, as ``qa.chromaserver`` alone does.

A collection is never changed once it is in use: a change is made on a copy, which takes the old one's place when it is
complete (``qa.store``). So what a reader once took out of a collection stays true as long as the collection is in use.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from qa.domain import IndexedPolicy, PassageHit, Vectors

__all__ = ["EXACT", "SEARCHED", "Collection", "Folders", "Row", "rows_of", "write_durably"]

_COLLECTION: Final = "passages"
_DATABASE: Final = "chroma.sqlite3"
_CONFIGURATION: Final = {"hnsw": {"space": "cosine", "ef_search": 400}}
SEARCHED: Final = 400
"""Neighbours that HNSW looks at; the most it can return."""
EXACT: Final = 10_000
"""Up to here every vector is compared: a passage unlike 1,200 others was unreachable in 3 of 15 graphs."""
_PAGE: Final = 1_000
"""Passages at a time; Chroma takes 5,461 at most."""


class Collection:
    """One collection, opened."""

    def __init__(self, client: Any, passages: Any) -> None:
        """For ``Folders``; ``client`` is closed with it."""
        self._client = client
        self._passages = passages
        self._size: int | None = None
        self._held: tuple[list[tuple[str, int]], Vectors] | None = None

    def count(self) -> int:
        """How many passages it has."""
        if self._size is None:
            self._size = int(self._passages.count())
        return self._size

    def policy_ids(self) -> set[str]:
        """The policies that have passages in it."""
        first = self._passages.get(where={"n": 0}, include=["metadatas"])  # every policy has a first passage
        return {str(metadata["policy_id"]) for metadata in first["metadatas"]}

    def search(self, vector: Vectors, k: int) -> list[PassageHit]:
        """The passages nearest to a vector, best first."""
        if 0 < self.count() <= EXACT:
            keys, matrix = self._in_memory()
            scores = matrix @ np.asarray(vector, dtype=np.float32)
            best = np.argsort(-scores, kind="stable")[: min(k, SEARCHED)]
            return [PassageHit(policy_id, n, float(scores[row])) for row in best for policy_id, n in [keys[row]]]
        found = self._passages.query(
            query_embeddings=np.asarray(vector, dtype=np.float32)[None, :],
            n_results=min(k, SEARCHED),
            include=["metadatas", "distances"],
        )
        return [
            PassageHit(str(metadata["policy_id"]), int(metadata["n"]), 1.0 - float(distance))
            for metadata, distance in zip(found["metadatas"][0], found["distances"][0], strict=True)
        ]

    def add(self, rows: Sequence[Row]) -> None:
        """Adds passages."""
        self._size = self._held = None
        for start in range(0, len(rows), _PAGE):
            page = rows[start : start + _PAGE]
            self._passages.upsert(
                ids=[row.id for row in page],
                embeddings=np.stack([row.vector for row in page]),
                documents=[row.document for row in page],
                metadatas=[row.metadata for row in page],
            )

    def remove(self, policy_id: str) -> None:
        """Removes a policy's passages."""
        self._size = self._held = None
        self._passages.delete(where={"policy_id": policy_id})

    def rows(self) -> Iterator[list[Row]]:
        """All passages, some at a time."""
        for start in range(0, self.count(), _PAGE):
            page = self._passages.get(limit=_PAGE, offset=start, include=["metadatas", "embeddings", "documents"])
            columns = (page["ids"], page["embeddings"], page["documents"], page["metadatas"])
            yield [Row(*row) for row in zip(*columns, strict=True)]

    def close(self) -> None:
        """Releases its files."""
        self._client.close()

    def _in_memory(self) -> tuple[list[tuple[str, int]], Vectors]:
        if self._held is None:
            rows = [row for page in self.rows() for row in page]
            keys = [(str(row.metadata["policy_id"]), int(row.metadata["n"])) for row in rows]
            self._held = keys, np.stack([row.vector for row in rows]).astype(np.float32, copy=False)
        return self._held


@dataclass(frozen=True, slots=True)
class Row:
    """A passage as Chroma stores it."""

    id: str
    vector: Vectors
    document: str
    metadata: dict[str, str | int]


def rows_of(indexed: IndexedPolicy) -> list[Row]:
    """A policy's passages as Chroma stores them."""
    policy = indexed.policy
    return [
        Row(
            f"{policy.id}#{passage.n}",
            vector,
            _storable(policy.text[passage.start : passage.end]),
            {
                "policy_id": policy.id,
                "n": passage.n,
                "domain": policy.domain,
                "company": _storable(policy.company),
                "archived_on": policy.archived_on.isoformat(),
                "section": _storable(" › ".join(passage.section)),
                "start": passage.start,
                "end": passage.end,
            },
        )
        for passage, vector in zip(indexed.passages, indexed.passage_vectors, strict=True)
    ]


class Folders:
    """The collections of an index, each a folder in ``<index>/chroma``.

    Each has a name; one of them is in use, the others are in the making or left over.

    Attributes:
        root: the folder that they are in.
        state: the file that says which one is in use.
    """

    def __init__(self, folder: Path) -> None:
        self.root = folder / "chroma"
        self.state = self.root / "current.json"

    def open(self, name: str) -> Collection:
        """Opens a collection for reading; raises whatever Chroma makes of a damaged one."""
        return self._opened(name, lambda client: client.get_collection(_COLLECTION, embedding_function=None))

    def create(self) -> tuple[str, Collection]:
        """An empty collection to write."""
        name = self._new()
        with self._dropping(name):
            return name, self._opened(name, lambda client: _create(client, _COLLECTION))

    def copy(self, name: str) -> tuple[str, Collection]:
        """A copy of a collection to write."""
        made = self._new()
        with self._dropping(made):
            old, new = self.root / name, self.root / made
            shutil.copytree(old, new, ignore=shutil.ignore_patterns(_DATABASE + "*"), dirs_exist_ok=True)
            # SQLite's own copy is right even while a reader has the file open.
            with (
                contextlib.closing(sqlite3.connect(old / _DATABASE)) as source,
                contextlib.closing(sqlite3.connect(new / _DATABASE)) as target,
            ):
                source.backup(target)
            return made, self.open(made)

    def seal(self, name: str) -> dict[str, str]:
        """Makes a closed collection lasting; returns what ``sums`` will say as long as it is whole."""
        for file in (self.root / name).rglob("*"):
            if file.is_file():
                _sync(file)
        return self.sums(name)

    def sums(self, name: str) -> dict[str, str]:
        """The SHA-256 of every vector file that Chroma will read, by relative path: a damaged one ends the process.

        Where the pickle beside them is missing, Chroma has not written them yet (it holds the first thousand vectors in
        its database) and makes them anew at every opening.
        """
        found = {}
        for pickle in sorted((self.root / name).glob("*/index_metadata.pickle")):
            for file in sorted(pickle.parent.iterdir()):
                with file.open("rb") as content:
                    found[str(file.relative_to(self.root / name))] = hashlib.file_digest(content, "sha256").hexdigest()
        return found

    def drop(self, name: str) -> None:
        """Removes a collection, as far as that is possible."""
        shutil.rmtree(self.root / name, ignore_errors=True)

    def drop_others(self, name: str) -> None:
        """Removes all collections of this index but one, as far as that is possible."""
        for other in self.root.iterdir():
            if other.is_dir() and other.name != name:
                shutil.rmtree(other, ignore_errors=True)

    def __str__(self) -> str:
        return f"in {self.root}"

    def _new(self) -> str:
        self.root.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix="v", dir=self.root)).name

    def _opened(self, name: str, find: Callable[[Any], Any]) -> Collection:
        import chromadb

        client = chromadb.PersistentClient(path=str(self.root / name), settings=_settings())
        with _closing_on_failure(client):
            return Collection(client, find(client))

    @contextlib.contextmanager
    def _dropping(self, name: str) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self.drop(name)
            raise


def _create(client: Any, name: str) -> Any:
    return client.create_collection(name, embedding_function=None, configuration=_CONFIGURATION)


def _settings() -> Any:
    from chromadb.config import Settings as ChromaSettings

    # Without _env_file, Chroma would read settings from a file .env in the working folder.
    return ChromaSettings(_env_file=None, anonymized_telemetry=False)


@contextlib.contextmanager
def _closing_on_failure(client: Any) -> Iterator[None]:
    try:
        yield
    except BaseException:
        client.close()
        raise


def write_durably(path: Path, text: str) -> None:
    """Replaces a file in one step that survives a power cut."""
    temporary = path.with_name(path.name + ".new")
    temporary.write_text(text, encoding="utf-8")
    _sync(temporary)
    temporary.replace(path)
    _sync(path.parent)


def _sync(path: Path) -> None:
    """Sees to it that a file, or a folder's list of files, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _storable(text: str) -> str:
    """The text as Chroma takes it, without lone surrogates."""
    return text.encode("utf-8", "replace").decode("utf-8")
