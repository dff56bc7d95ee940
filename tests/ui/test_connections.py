"""Clients that keep a server waiting, against a real one on loopback."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from ui.connections import HEADER_BYTES, DrainingServer, PatientProtocol, most_connections
from ui.draining import Drain

LARGE = b"x" * 16_000_000


class Hasty(PatientProtocol):
    headers_s = 0.3
    unread_s = 1.0


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body", False):
        pass
    body = LARGE if scope["path"] == "/large" else b"hello"
    if scope["path"] == "/headers":
        body = b" ".join(name for name, _ in scope["headers"])
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    for start in range(0, len(body), 100_000):
        await send({"type": "http.response.body", "body": body[start : start + 100_000], "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


@contextmanager
def listening(**config: Any) -> Iterator[tuple[int, DrainingServer, Drain]]:
    drain = Drain()
    given: dict[str, Any] = {
        "http": Hasty,
        "ws": "none",
        "lifespan": "off",
        "log_config": None,
        "timeout_keep_alive": 1,
    }
    server = DrainingServer(uvicorn.Config(app, **{**given, **config}), drain, 10)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])), daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.005)
        try:
            yield listener.getsockname()[1], server, drain
        finally:
            server.should_exit = True
            thread.join(10)
            assert not thread.is_alive()


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[int, DrainingServer]]:
    with listening() as (port, server, _):
        yield port, server


@pytest.fixture
def port(served: tuple[int, DrainingServer]) -> int:
    return served[0]


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.005)


def connected(port: int) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port))
    client.settimeout(30)
    return client


def told(client: socket.socket) -> bytes:
    """All that comes until the server ends the connection."""
    got = b""
    try:
        while data := client.recv(1 << 20):
            got += data
    except ConnectionResetError:
        pass
    return got


def answered(port: int) -> bool:
    with connected(port) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        return told(client).endswith(b"hello")


def test_headers_that_never_end_are_not_waited_for(port: int) -> None:
    with connected(port) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
        started = time.monotonic()
        try:
            while time.monotonic() - started < 4:
                client.sendall(b"X-More: y\r\n")  # a byte now and then does not help
                time.sleep(0.05)
        except OSError:
            pass
        assert time.monotonic() - started < 2
    assert answered(port)


@pytest.mark.parametrize("first", [b"", b"\r\n", b"G", b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HT"])
def test_a_connection_without_a_whole_request_is_ended(port: int, first: bytes) -> None:
    with connected(port) as client:
        client.sendall(first)
        started = time.monotonic()
        got = told(client)
        assert time.monotonic() - started < 2
        assert b" 408 " in got or not got or b"hello" in got


def test_many_that_say_nothing_keep_nobody_out(port: int) -> None:
    silent = [connected(port) for _ in range(100)]
    started = time.monotonic()
    assert answered(port)
    assert time.monotonic() - started < 1
    for client in silent:
        client.close()


def test_headers_without_end_are_not_kept_in_memory(port: int) -> None:
    with connected(port) as client:
        sent = 0
        try:
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
            while sent < 100 * HEADER_BYTES:
                client.sendall(b"X-More: " + b"y" * 4_000 + b"\r\n")
                sent += 4_000
        except OSError:
            pass
        assert sent < 80 * HEADER_BYTES  # what fits into the buffers of two sockets, and some


@pytest.mark.parametrize(
    "first",
    [
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX-More: ",
        b"GET /large HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\n",
    ],
    ids=["behind a body", "one behind a body", "behind a request"],
)
def test_nor_are_those_behind_a_body_or_another_request(port: int, first: bytes) -> None:
    with connected(port) as client:
        sent = 0
        try:
            client.sendall(first)
            while sent < 100 * HEADER_BYTES:
                client.sendall(b"y" * 4_000 if first.endswith(b" ") else b"X-More: " + b"y" * 4_000 + b"\r\n")
                sent += 4_000
        except OSError:
            pass
        assert sent < 80 * HEADER_BYTES


def test_what_follows_a_body_is_no_header_of_the_request(port: int) -> None:
    with connected(port) as client:
        client.sendall(
            b"POST /headers HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"2\r\n{}\r\n0\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n"
        )
        assert told(client).endswith(b"host connection transfer-encoding")


def test_a_reader_that_stops_is_cut_off_and_a_slow_one_is_not(served: tuple[int, DrainingServer]) -> None:
    port, server = served
    with connected(port) as stopped, connected(port) as slow:
        for client in (stopped, slow):
            client.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        got = 0
        while data := slow.recv(1 << 20):
            got += len(data)
            time.sleep(0.03)
        assert got > len(LARGE)
        until(lambda: not server.server_state.connections)
        assert len(told(stopped)) < len(LARGE)


def test_a_connection_too_many_is_refused_at_once_and_the_others_go_on() -> None:
    with listening(limit_concurrency=3, http=PatientProtocol) as (port, server, _):
        open_ones = [connected(port) for _ in range(3)]
        until(lambda: len(server.server_state.connections) == 3)
        with connected(port) as one_more:
            got = told(one_more)
        assert got.startswith(b"HTTP/1.1 503")
        assert b"retry-after" in got
        for client in open_ones:
            client.close()
        until(lambda: not server.server_state.connections)
        assert answered(port)
    assert 20 <= most_connections() <= 1_000


def test_what_is_no_http_is_answered_and_not_logged(port: int, caplog: pytest.LogCaptureFixture) -> None:
    for sent in (
        b"\x16\x03\x01\x02\x00\x01",
        b"HELLO\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
    ):
        with connected(port) as client:
            client.sendall(sent)
            client.shutdown(socket.SHUT_WR)
            assert client.recv(4_096).startswith((b"HTTP/1.1 400", b"HTTP/1.1 200"))
    assert caplog.records == []


def test_a_server_that_is_told_to_stop_answers_until_what_runs_has_ended() -> None:
    with listening() as (port, server, drain), drain.work():
        server.should_exit = True
        while not drain.begun:
            time.sleep(0.01)
        time.sleep(0.3)
        assert answered(port)
    with pytest.raises(ConnectionRefusedError):
        connected(port)


def test_ends_that_are_told_of_once_it_has_begun_come_at_once() -> None:
    drain = Drain()
    ended: list[str] = []
    with drain.waits(lambda: ended.append("one")):
        drain.begin()
        drain.begin()
        with drain.waits(lambda: ended.append("two")):
            pass
    assert ended == ["one", "two"]
