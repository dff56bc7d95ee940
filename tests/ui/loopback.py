"""Servers on this machine's own address: the application as it is run, and one that sends what it is told to."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import uvicorn
from starlette.types import ASGIApp


@contextlib.contextmanager
def listening(app: ASGIApp) -> Iterator[str]:
    """Serves an application, and gives its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        # As the service's own: what follows the headers would wait 40 ms for them to be acknowledged.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        config = uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        deadline = time.monotonic() + 20
        while not server.started and time.monotonic() < deadline:
            time.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(timeout=20)


HANGING = None
"""Instead of a further piece: say nothing until the client hangs up."""


def reply(
    body: bytes, status: str = "200 OK", media_type: str = "application/json", length: int | None = None, **headers: str
) -> bytes:
    """A response as bytes; one that promises more than it has (``length``) breaks off."""
    named = {"Content-Type": media_type, "Content-Length": str(len(body) if length is None else length), **headers}
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in named.items())
    return f"HTTP/1.1 {status}\r\n{lines}Connection: close\r\n\r\n".encode() + body


@dataclass
class Scripted:
    """A server that answers each connection with the next of some prepared pieces, whatever is asked.

    Attributes:
        asked: the requests, as they came.
        hung_up: set when a client ends a connection that was ``HANGING``.
    """

    address: str
    asked: list[bytes] = field(default_factory=list)
    hung_up: threading.Event = field(default_factory=threading.Event)


@contextlib.contextmanager
def scripted(*replies: Sequence[bytes | None]) -> Iterator[Scripted]:
    """Serves so many connections and no more."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(20)
        server = Scripted(f"http://127.0.0.1:{listener.getsockname()[1]}")

        def serve() -> None:
            for pieces in replies:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.settimeout(20)
                    server.asked.append(_request(connection))
                    for piece in pieces:
                        if piece is not HANGING:
                            connection.sendall(piece)
                        elif connection.recv(1) == b"":
                            server.hung_up.set()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            listener.close()
            thread.join(timeout=20)


def _request(connection: socket.socket) -> bytes:
    got = b""
    while b"\r\n\r\n" not in got and (data := connection.recv(65_536)):
        got += data
    head, _, body = got.partition(b"\r\n\r\n")
    lengths = [line.partition(b":")[2] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")]
    while lengths and len(body) < int(lengths[0]) and (more := connection.recv(65_536)):
        got, body = got + more, body + more
    return got
