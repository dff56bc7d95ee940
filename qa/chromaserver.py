"""A Chroma server: how it is reached, and how one writer at a time is kept. Imports chromadb, as ``qa.chroma`` does.

What this relies on was tried with Chroma 1.5.9: of a hundred attempts to make a collection one succeeds, and a
collection's metadata is replaced in one step, so that a reader sees it before or after and never between.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from qa.errors import IndexLocked, IndexUnreachable, IndexUnwritable
from qa.settings import Settings

__all__ = ["ChromaServer", "CollectionGone", "Connection", "WriterLock"]

_log = logging.getLogger(__name__)

_CONNECT_S: Final = 2.0
_WRITING: Final = 12
"""Writing may take so many times as long as reading."""
_BEAT_S: Final = 3.0
"""How often a writer shows that it lives."""
_LEASE_S: Final = 15.0
"""A writer that did not show it for so long is dead."""
_LOOK_S: Final = 0.25

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ChromaServer:
    """Where a Chroma server is, and which index on it is meant.

    Attributes:
        url: ``http(s)://host:port``.
        index: what the names of the index's collections begin with; several indexes may share a server.
        token: what a proxy in front of it wants to be shown; Chroma's own server asks for nothing.
        patience_s: the longest wait for something to read; writing may take twelve times as long.
    """

    url: str
    index: str = "fineprint"
    token: str | None = field(default=None, repr=False)
    patience_s: float = 10.0

    @classmethod
    def of(cls, settings: Settings) -> ChromaServer | None:
        """The server that the settings name; None where the index is in a folder."""
        if settings.chroma_url is None:
            return None
        token = settings.chroma_token.get_secret_value() if settings.chroma_token else None
        return cls(settings.chroma_url, settings.chroma_index, token)

    def __str__(self) -> str:
        return f"the index {self.index} on the Chroma server {self.url}"


class CollectionGone(Exception):
    """There is no collection of that name; another index may have taken the place of the one that it belonged to."""


class Connection:
    """The collections of one index on a server, by their whole names; thread-safe.

    It connects when it is first used, and again by itself after the server was away. Every method may raise
    IndexUnreachable, and what writes also IndexUnwritable.
    """

    def __init__(self, server: ChromaServer) -> None:
        self.server = server
        self._lock = threading.Lock()
        self._clients: dict[bool, Any] = {}
        self._known: dict[tuple[str, bool], Any] = {}

    def on(self, name: str, do: Callable[[Any], T], *, writing: bool = False) -> T:
        """Does something with a collection, which may be done twice where the first time is lost on the way.

        Raises:
            CollectionGone: there is no such collection.
        """
        import httpx
        from chromadb.errors import NotFoundError

        with self._reached(writing=writing):
            for last in (False, True):
                try:
                    return do(self._collection(name, writing=writing))
                except NotFoundError as exc:  # also where it was made anew since it was looked up
                    known = self._known.pop((name, writing), None)
                    if last or known is None:
                        raise CollectionGone(name) from exc
                except (httpx.TimeoutException, httpx.ConnectError):
                    raise
                except httpx.TransportError:  # a connection kept from before the server was started again
                    if last:
                        raise
        raise AssertionError("unreachable")

    def look_up(self, name: str) -> Any | None:
        """A collection as it is now, with its metadata; None where there is none."""
        from chromadb.errors import NotFoundError

        with self._reached():
            try:
                return self._retried(lambda: self._client().get_collection(name, embedding_function=None))
            except NotFoundError:
                return None

    def create(self, name: str, *, metadata: dict[str, Any] | None = None, hnsw: dict[str, Any] | None = None) -> bool:
        """Makes a collection; False where there is one of that name."""
        from chromadb.errors import ChromaError

        configuration = {"hnsw": hnsw} if hnsw else None
        with self._reached(writing=True):
            try:
                self._client(writing=True).create_collection(
                    name, embedding_function=None, metadata=metadata, configuration=configuration
                )
            except ChromaError:
                if self.look_up(name) is None:
                    raise
                return False
        return True

    def drop(self, name: str) -> None:
        """Removes a collection, if there is one."""
        from chromadb.errors import NotFoundError

        with self._reached(writing=True), contextlib.suppress(NotFoundError):
            self._client(writing=True).delete_collection(name)

    def names(self) -> list[str]:
        """The names of all collections on the server, of whatever index."""
        with self._reached():
            return [str(each.name) for each in self._retried(lambda: self._client().list_collections())]

    @contextlib.contextmanager
    def changing(self) -> Iterator[None]:
        """Around what changes a collection that ``look_up`` gave."""
        with self._reached(writing=True):
            yield

    def close(self) -> None:
        """Closes the connections; it may be used again."""
        with self._lock:
            clients, self._clients = list(self._clients.values()), {}
            self._known.clear()
        for client in clients:
            for part in (client, client._admin_client):  # Chroma's client leaves its connections open
                part._server._session.close()
            client.close()

    def _collection(self, name: str, *, writing: bool) -> Any:
        known = self._known.get((name, writing))
        if known is None:
            known = self._client(writing=writing).get_collection(name, embedding_function=None)
            self._known[name, writing] = known
        return known

    def _client(self, *, writing: bool = False) -> Any:
        with self._lock:
            if writing not in self._clients:
                self._clients[writing] = self._connected(_WRITING if writing else 1)
            return self._clients[writing]

    def _connected(self, patience: int) -> Any:
        import chromadb
        import httpx
        from chromadb.config import Settings as ChromaSettings

        url = httpx.URL(self.server.url)
        secure = url.scheme == "https"
        timeout = httpx.Timeout(patience * self.server.patience_s, connect=_CONNECT_S)
        headers = {"Authorization": f"Bearer {self.server.token}"} if self.server.token else {}
        # Chroma's client has no time limit, and speaks to the server before one can be set.
        beat = httpx.get(url.join("/api/v2/heartbeat"), headers=headers, timeout=timeout, verify=secure)
        beat.raise_for_status()
        client = chromadb.HttpClient(
            host=url.host,
            port=url.port or (443 if secure else 80),
            ssl=secure,
            headers=headers,
            # Without _env_file, Chroma would read settings from a file .env in the working folder.
            settings=ChromaSettings(_env_file=None, anonymized_telemetry=False),
        )
        client._server._session.timeout = timeout
        return client

    @staticmethod
    def _retried(do: Callable[[], T]) -> T:
        import httpx

        try:
            return do()
        except (httpx.TimeoutException, httpx.ConnectError):
            raise
        except httpx.TransportError:
            return do()

    @contextlib.contextmanager
    def _reached(self, *, writing: bool = False) -> Iterator[None]:
        """What goes wrong on the way to the server, or in it, as ours."""
        import httpx
        from chromadb.errors import ChromaError

        try:
            yield
        except (httpx.HTTPError, ValueError) as exc:  # Chroma's client says with a ValueError that nobody answered
            raise self._unreachable(_cause(exc)) from exc
        except ChromaError as exc:
            if writing:
                raise IndexUnwritable(
                    f"The Chroma server {self.server.url} refuses to write ({type(exc).__name__}): look at what it says"
                    " itself, and at the space left there."
                ) from exc
            raise self._unreachable(type(exc).__name__) from exc
        except Exception as exc:
            if type(exc) is Exception:  # Chroma's client, of an answer that is not in its server's form
                raise self._unreachable("what answers is no Chroma server, or one that is not well") from exc
            raise

    def _unreachable(self, cause: str) -> IndexUnreachable:
        return IndexUnreachable(
            f"The Chroma server {self.server.url} cannot be used ({cause}): start it, or mend FINEPRINT_CHROMA_URL."
        )


def _cause(exc: Exception) -> str:
    """The kind of a failure alone: what a stranger's server says is not repeated."""
    import httpx

    if isinstance(exc, httpx.HTTPStatusError):
        return f"HTTP {exc.response.status_code}"
    if isinstance(exc, httpx.TimeoutException):
        return "it takes too long"
    return "nobody answers" if isinstance(exc, httpx.TransportError) else "what answers is no Chroma server"


class WriterLock:
    """Keeps other writers from an index on a server, from any machine: a collection whose name there is only once.

    A writer that was killed leaves it behind. So the holder counts on in its metadata, and who finds it there waits:
    where it counts, it lives, and the other one gives up; where it has stopped for ``_LEASE_S``, the lock is taken
    over. No clocks are compared. A holder that was only held up finds out by ``check``, before anything that it writes
    can be seen.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        pause: Callable[[float], object] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connection = connection
        self._name = f"{connection.server.index}-writer"
        self._pause = pause
        self._clock = clock
        self._token = secrets.token_hex(8)
        self._beats = 0
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def name(self) -> str:
        """The collection's."""
        return self._name

    def acquire(self) -> None:
        """Becomes the writer.

        Raises:
            IndexLocked: another process is.
        """
        seen: tuple[object, ...] | None = None
        until = 0.0
        while not self._connection.create(self._name, metadata=self._metadata()):
            held = self._connection.look_up(self._name)
            if held is None:
                continue
            now = (held.id, (held.metadata or {}).get("beats"))
            if seen is not None and now != seen:
                raise self._taken(held.metadata)
            if seen is None:
                seen, until = now, self._clock() + _LEASE_S
                _log.info("Another process writes to %s, or was killed: looking which.", self._connection.server)
            elif self._clock() >= until:
                self._put_aside(held)
                seen = None
            self._pause(_LOOK_S)

    def keep(self) -> None:
        """Shows from now on that this writer lives, until ``release``."""
        self._thread = threading.Thread(target=self._keep, name="fineprint writer", daemon=True)
        self._thread.start()

    def beat(self) -> None:
        """Shows once that this writer lives."""
        held = self._mine()
        if held is not None:
            self._beats += 1
            with self._connection.changing():
                held.modify(metadata=self._metadata())

    def check(self) -> None:
        """Sees to it that this is still the writer.

        Raises:
            IndexLocked: it was held up for so long that another one took over.
        """
        if self._mine() is None:
            raise IndexLocked(
                f"Another process took over writing to {self._connection.server}, as this one was held up: what it"
                " stored before is kept; try again when the other has ended."
            )

    def release(self) -> None:
        """Lets the next writer in."""
        self._ended.set()
        if self._thread:
            self._thread.join()
        with contextlib.suppress(IndexUnreachable, IndexUnwritable):
            held = self._mine()
            if held is not None:
                self._put_aside(held)

    def _keep(self) -> None:
        while not self._ended.wait(_BEAT_S):
            with contextlib.suppress(IndexUnreachable, IndexUnwritable):
                self.beat()

    def _mine(self) -> Any | None:
        held = self._connection.look_up(self._name)
        return held if held is not None and (held.metadata or {}).get("token") == self._token else None

    def _put_aside(self, held: Any) -> None:
        """Removes this lock and no other that may have its name by now: renaming goes by its number."""
        from chromadb.errors import NotFoundError

        aside = f"{self._name}-{secrets.token_hex(4)}"
        with self._connection.changing(), contextlib.suppress(NotFoundError):
            held.modify(name=aside)
        self._connection.drop(aside)

    def _metadata(self) -> dict[str, Any]:
        holder = f"process {os.getpid()} on {socket.gethostname()}"
        return {"token": self._token, "holder": holder, "beats": self._beats}

    def _taken(self, metadata: dict[str, Any] | None) -> IndexLocked:
        holder = str((metadata or {}).get("holder", ""))[:100]
        who = holder if holder.isprintable() and holder else "another process"
        text = str(self._connection.server)
        return IndexLocked(f"{text[0].upper()}{text[1:]} is being written by {who}: try again when it has ended.")
