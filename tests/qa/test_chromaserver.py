"""The lock of an index on a server, against a server that is a dictionary; the real one is in test_served."""

from __future__ import annotations

import itertools
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from chromadb.errors import NotFoundError

from qa.chromaserver import ChromaServer, Connection, WriterLock
from qa.errors import IndexLocked, IndexUnreachable

SERVER = ChromaServer("http://chroma:8000", index="site")


class Held:
    """A collection as somebody looked it up."""

    def __init__(self, rooms: Rooms, number: int, metadata: dict[str, Any]) -> None:
        self.id = number
        self.metadata = metadata
        self._rooms = rooms

    def modify(self, *, name: str | None = None, metadata: dict[str, Any] | None = None) -> None:
        for old, (number, known) in list(self._rooms.there.items()):
            if number == self.id:
                del self._rooms.there[old]
                self._rooms.there[name or old] = (number, metadata or known)
                return
        raise NotFoundError("it is not there")


class Rooms(Connection):
    """The collections of a server, with what is known of each; shared by all who are connected."""

    def __init__(self) -> None:
        super().__init__(SERVER)
        self.there: dict[str, tuple[int, dict[str, Any]]] = {}
        self._numbers = itertools.count()

    def look_up(self, name: str) -> Held | None:
        found = self.there.get(name)
        return Held(self, *found) if found else None

    def create(self, name: str, *, metadata: dict[str, Any] | None = None, hnsw: dict[str, Any] | None = None) -> bool:
        if name in self.there:
            return False
        self.there[name] = (next(self._numbers), metadata or {})
        return True

    def drop(self, name: str) -> None:
        self.there.pop(name, None)

    @contextmanager
    def changing(self) -> Iterator[None]:
        yield


class Waiting:
    """Time that passes only while somebody waits, and what happens meanwhile."""

    def __init__(self, meanwhile: Callable[[], None] = lambda: None) -> None:
        self.now = 0.0
        self._meanwhile = meanwhile

    def pause(self, seconds: float) -> None:
        self.now += seconds
        self._meanwhile()

    def clock(self) -> float:
        return self.now


def lock(rooms: Rooms, meanwhile: Callable[[], None] = lambda: None) -> WriterLock:
    waiting = Waiting(meanwhile)
    return WriterLock(rooms, pause=waiting.pause, clock=waiting.clock)


def test_a_lock_is_free_again_when_it_is_released() -> None:
    rooms = Rooms()
    for _ in range(2):
        held = lock(rooms)
        held.acquire()
        held.check()
        held.release()
        assert rooms.there == {}


def test_a_second_writer_gives_up_as_soon_as_the_first_one_shows_that_it_lives() -> None:
    rooms = Rooms()
    first = lock(rooms)
    first.acquire()
    with pytest.raises(IndexLocked, match=r"^The index site on .* is being written by process \d+ on .*: try again"):
        lock(rooms, first.beat).acquire()
    first.check()


def test_a_second_writer_goes_on_when_the_first_one_ends_meanwhile() -> None:
    rooms = Rooms()
    first = lock(rooms)
    first.acquire()
    second = lock(rooms, first.release)
    second.acquire()
    second.check()


def test_the_lock_of_a_writer_that_was_killed_is_taken_over_after_a_while() -> None:
    rooms = Rooms()
    killed = lock(rooms)
    killed.acquire()
    waiting = Waiting()
    second = WriterLock(rooms, pause=waiting.pause, clock=waiting.clock)
    second.acquire()
    assert 15 <= waiting.now <= 16
    second.check()
    with pytest.raises(IndexLocked, match="took over"):
        killed.check()
    killed.beat()
    killed.release()
    second.check()
    assert list(rooms.there) == ["site-writer"]


def test_of_two_who_take_a_lock_over_one_gets_it() -> None:
    rooms = Rooms()
    lock(rooms).acquire()
    faster = lock(rooms)
    taken = False

    def overtake() -> None:
        nonlocal taken
        if waiting.now >= 15 and not taken:
            taken = True
            faster.acquire()
        elif taken:
            faster.beat()

    waiting = Waiting(overtake)
    with pytest.raises(IndexLocked):
        WriterLock(rooms, pause=waiting.pause, clock=waiting.clock).acquire()
    faster.check()


def test_a_holder_with_a_hostile_name_is_not_repeated() -> None:
    rooms = Rooms()
    rooms.create("site-writer", metadata={"holder": "\x1b[31mred", "beats": 0})

    def beat() -> None:
        found = rooms.look_up("site-writer")
        assert found
        found.modify(metadata={**found.metadata, "beats": found.metadata["beats"] + 1})

    with pytest.raises(IndexLocked, match="written by another process: try again"):
        lock(rooms, beat).acquire()


# --- what is no server ------------------------------------------------------------------------------------------------


def test_nobody_who_answers_is_said_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(IndexUnreachable, match=r"\(nobody answers\): start it, or mend FINEPRINT_CHROMA_URL"):
        Connection(ChromaServer(f"http://127.0.0.1:{port}")).look_up("fineprint")


def test_a_server_that_never_answers_is_not_waited_for_long() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        server = ChromaServer(f"http://127.0.0.1:{silent.getsockname()[1]}", patience_s=0.05)
        with pytest.raises(IndexUnreachable, match="takes too long"):
            Connection(server).look_up("fineprint")


def test_what_is_no_chroma_server_is_said_to_be_none_and_the_token_is_shown_to_it_alone() -> None:
    shown: list[str | None] = []

    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            shown.append(self.headers["authorization"])
            self.send_error(404, "<script>not chroma</script>")

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Other) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        server = ChromaServer(f"http://127.0.0.1:{other.server_port}", token="a secret")
        with pytest.raises(IndexUnreachable, match="HTTP 404") as failure:
            Connection(server).look_up("fineprint")
        other.shutdown()
    assert set(shown) == {"Bearer a secret"}
    assert "secret" not in f"{failure.value} {server} {server!r}"
    assert "script" not in str(failure.value)
