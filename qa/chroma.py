"""Collections of passages in Chroma, in folders of the index or on a Chroma server. The only importer of chromadb.

A collection is never changed once it is in use: a change is made on a copy, which takes the old one's place when it is
complete (``qa.store``). So what a reader once took out of a collection stays true as long as the collection is in use.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np

from qa.domain import IndexedPolicy, PassageHit, Vectors
from qa.errors import IndexUnreachable
from qa.settings import Settings

__all__ = ["ChromaServer", "Collection", "Folders", "OnServer", "Place", "Row", "rows_of", "write_durably"]

_COLLECTION: Final = "passages"
_DATABASE: Final = "chroma.sqlite3"
_CONFIGURATION: Final = {"hnsw": {"space": "cosine", "ef_search": 400}}
_SEARCHED: Final = 400
"""Neighbours that HNSW looks at; the most it can return."""
_EXACT: Final = 10_000
"""Up to here every vector is compared: a passage unlike 1,200 others was unreachable in 3 of 15 graphs."""
_PAGE: Final = 1_000
"""Passages at a time; Chroma takes 5,461 at most."""
_CONNECT_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class ChromaServer:
    """Where a Chroma server is.

    Attributes:
        url: ``http(s)://host:port``.
        token: what a proxy in front of it wants to be shown; Chroma's own server asks for nothing.
        patience_s: the longest wait for something to read; writing may take twelve times as long.
    """

    url: str
    token: str | None = field(default=None, repr=False)
    patience_s: float = 10.0

    @classmethod
    def of(cls, settings: Settings) -> ChromaServer | None:
        """The server that the settings name; None where Chroma is embedded."""
        if settings.chroma_url is None:
            return None
        return cls(settings.chroma_url, settings.chroma_token.get_secret_value() if settings.chroma_token else None)


class Place(Protocol):
    """Where collections are kept. Each has a name; one of them is in use, the others are in the making or left over."""

    @property
    def root(self) -> Path:
        """The folder of what is remembered about them."""
        ...

    @property
    def state(self) -> Path:
        """The file that says which one is in use."""
        ...

    @property
    def elsewhere(self) -> bool:
        """Whether they may vanish without anything here changing."""
        ...

    def open(self, name: str) -> Collection:
        """Opens a collection for reading; raises IndexUnreachable, or whatever Chroma makes of a damaged one."""
        ...

    def create(self) -> tuple[str, Collection]:
        """An empty collection to write."""
        ...

    def copy(self, name: str) -> tuple[str, Collection]:
        """A copy of a collection to write."""
        ...

    def seal(self, name: str) -> dict[str, str]:
        """Makes a closed collection lasting; returns what ``sums`` will say as long as it is whole."""
        ...

    def sums(self, name: str) -> dict[str, str]:
        """What tells a whole collection from a damaged one, before Chroma meets it."""
        ...

    def drop(self, name: str) -> None:
        """Removes a collection, as far as that is possible."""
        ...

    def drop_others(self, name: str) -> None:
        """Removes all collections of this index but one, as far as that is possible."""
        ...

    def close(self) -> None:
        """Releases connections; it may be used again."""
        ...

    def __str__(self) -> str:
        """As in "the search index in …"."""
        ...


class Collection:
    """One collection, opened."""

    def __init__(
        self,
        client: Any,
        passages: Any,
        reached: Callable[[], AbstractContextManager[None]] = contextlib.nullcontext,
    ) -> None:
        """For ``Place``; ``client`` is closed with it, ``reached`` is around whatever asks Chroma."""
        self._client = client
        self._passages = passages
        self._reached = reached
        self._size: int | None = None
        self._held: tuple[list[tuple[str, int]], Vectors] | None = None

    def count(self) -> int:
        """How many passages it has."""
        if self._size is None:
            with self._reached():
                self._size = int(self._passages.count())
        return self._size

    def policy_ids(self) -> set[str]:
        """The policies that have passages in it."""
        with self._reached():
            first = self._passages.get(where={"n": 0}, include=["metadatas"])  # every policy has a first passage
        return {str(metadata["policy_id"]) for metadata in first["metadatas"]}

    def search(self, vector: Vectors, k: int) -> list[PassageHit]:
        """The passages nearest to a vector, best first."""
        if 0 < self.count() <= _EXACT:
            keys, matrix = self._in_memory()
            scores = matrix @ np.asarray(vector, dtype=np.float32)
            best = np.argsort(-scores, kind="stable")[: min(k, _SEARCHED)]
            return [PassageHit(policy_id, n, float(scores[row])) for row in best for policy_id, n in [keys[row]]]
        with self._reached():
            found = self._passages.query(
                query_embeddings=np.asarray(vector, dtype=np.float32)[None, :],
                n_results=min(k, _SEARCHED),
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
            with self._reached():
                self._passages.upsert(
                    ids=[row.id for row in page],
                    embeddings=np.stack([row.vector for row in page]),
                    documents=[row.document for row in page],
                    metadatas=[row.metadata for row in page],
                )

    def remove(self, policy_id: str) -> None:
        """Removes a policy's passages."""
        self._size = self._held = None
        with self._reached():
            self._passages.delete(where={"policy_id": policy_id})

    def rows(self) -> Iterator[list[Row]]:
        """All passages, some at a time."""
        for start in range(0, self.count(), _PAGE):
            with self._reached():
                page = self._passages.get(limit=_PAGE, offset=start, include=["metadatas", "embeddings", "documents"])
            columns = (page["ids"], page["embeddings"], page["documents"], page["metadatas"])
            yield [Row(*row) for row in zip(*columns, strict=True)]

    def close(self) -> None:
        """Releases its files."""
        if self._client:
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
    """Embedded Chroma: every collection is a folder in ``<index>/chroma``."""

    elsewhere = False

    def __init__(self, folder: Path) -> None:
        self.root = folder / "chroma"
        self.state = self.root / "current.json"

    def open(self, name: str) -> Collection:
        """See ``Place``."""
        return self._opened(name, lambda client: client.get_collection(_COLLECTION, embedding_function=None))

    def create(self) -> tuple[str, Collection]:
        """See ``Place``."""
        name = self._new()
        with self._dropping(name):
            return name, self._opened(name, lambda client: _create(client, _COLLECTION))

    def copy(self, name: str) -> tuple[str, Collection]:
        """See ``Place``."""
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
        """See ``Place``."""
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
        """See ``Place``."""
        shutil.rmtree(self.root / name, ignore_errors=True)

    def drop_others(self, name: str) -> None:
        """See ``Place``."""
        for other in self.root.iterdir():
            if other.is_dir() and other.name != name:
                shutil.rmtree(other, ignore_errors=True)

    def close(self) -> None:
        """See ``Place``: every collection closes its own files."""

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


class OnServer:
    """A Chroma server, which several indexes may share: the names of an index's collections begin with its own number.

    Which collection is in use is remembered beside the library, in ``<index>/chroma/server.json``, so that a reader
    never mistakes one that is being written, or another index's, for its own.
    """

    elsewhere = True

    def __init__(self, folder: Path, server: ChromaServer) -> None:
        self.root = folder / "chroma"
        self.state = self.root / "server.json"
        self._server = server
        self._clients: dict[int, Any] = {}

    def open(self, name: str) -> Collection:
        """See ``Place``."""
        client = self._client()
        with self._reached():
            return Collection(None, client.get_collection(name, embedding_function=None), self._reached)

    def create(self) -> tuple[str, Collection]:
        """See ``Place``."""
        name = self._prefix() + secrets.token_hex(4)
        client = self._client(patience=12)
        with self._reached():
            return name, Collection(None, _create(client, name), self._reached)

    def copy(self, name: str) -> tuple[str, Collection]:
        """See ``Place``."""
        made, new = self.create()
        try:
            with contextlib.closing(self.open(name)) as old:
                for page in old.rows():
                    new.add(page)
        except BaseException:
            new.close()
            self.drop(made)
            raise
        return made, new

    def seal(self, name: str) -> dict[str, str]:
        """See ``Place``."""
        return self.sums(name)

    def sums(self, name: str) -> dict[str, str]:
        """Nothing: the server looks after its files."""
        del name
        return {}

    def drop(self, name: str) -> None:
        """See ``Place``."""
        with contextlib.suppress(Exception):
            self._client().delete_collection(name)

    def drop_others(self, name: str) -> None:
        """See ``Place``."""
        prefix = self._prefix()
        with contextlib.suppress(Exception):
            client = self._client()
            for other in client.list_collections():
                if other.name.startswith(prefix) and other.name != name:
                    client.delete_collection(other.name)

    def close(self) -> None:
        """See ``Place``."""
        while self._clients:
            _, client = self._clients.popitem()
            for part in (client, client._admin_client):  # Chroma's client leaves its connections open
                part._server._session.close()
            client.close()

    def __str__(self) -> str:
        return f"on the Chroma server {self._server.url}"

    def _prefix(self) -> str:
        path = self.root / "server.id"
        if not path.exists():
            self.root.mkdir(parents=True, exist_ok=True)
            write_durably(path, secrets.token_hex(8))
        return f"fineprint-{path.read_text(encoding='ascii').strip()}-"

    def _client(self, patience: int = 1) -> Any:
        """A client that waits so many times as long as the server is given to answer; kept until ``close``."""
        if patience not in self._clients:
            self._clients[patience] = self._connected(patience)
        return self._clients[patience]

    def _connected(self, patience: int) -> Any:
        import chromadb
        import httpx

        url = httpx.URL(self._server.url)
        secure = url.scheme == "https"
        timeout = httpx.Timeout(patience * self._server.patience_s, connect=_CONNECT_S)
        headers = {"Authorization": f"Bearer {self._server.token}"} if self._server.token else {}
        with self._reached():
            # Chroma's client has no time limit, and speaks to the server before one can be set.
            beat = httpx.get(url.join("/api/v2/heartbeat"), headers=headers, timeout=timeout, verify=secure)
            beat.raise_for_status()
            client = chromadb.HttpClient(
                host=url.host,
                port=url.port or (443 if secure else 80),
                ssl=secure,
                headers=headers,
                settings=_settings(),
            )
        client._server._session.timeout = timeout
        return client

    @contextlib.contextmanager
    def _reached(self) -> Iterator[None]:
        """What goes wrong on the way to the server, as ours; what the server itself answers passes."""
        import httpx

        try:
            yield
        except (httpx.HTTPError, ValueError) as exc:  # Chroma's client says with a ValueError that nobody answered
            status = exc.response.status_code if isinstance(exc, httpx.HTTPStatusError) else None
            raise IndexUnreachable(
                f"The Chroma server {self._server.url} cannot be used ({f'HTTP {status}' if status else _cause(exc)}):"
                " start it, or mend FINEPRINT_CHROMA_URL. No policy is lost: `fineprint ingest` then brings it up to"
                " date."
            ) from exc


def _create(client: Any, name: str) -> Any:
    return client.create_collection(name, embedding_function=None, configuration=_CONFIGURATION)


def _settings() -> Any:
    from chromadb.config import Settings as ChromaSettings

    # Without _env_file, Chroma would read settings from a file .env in the working folder.
    return ChromaSettings(_env_file=None, anonymized_telemetry=False)


def _cause(exc: Exception) -> str:
    """The kind of a failure alone: what a stranger's server says is not repeated."""
    import httpx

    if isinstance(exc, httpx.TimeoutException):
        return "it takes too long"
    return "nobody answers" if isinstance(exc, httpx.TransportError) else "what answers is no Chroma server"


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
