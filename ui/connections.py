"""Connections that do not wait for ever, and a server that lets running questions end before it does.

uvicorn has no time limit for a request's headers, nor for a client that does not read its answer: a few thousand such
clients, which cost them nothing, would keep everybody else out.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any, Final

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from qa.settings import Settings
from ui.draining import Drain

__all__ = ["DrainingServer", "PatientProtocol", "most_connections", "server_for"]

HEADERS_S: Final = 10.0
"""From the first byte of a request, or the beginning of its connection, to the end of its headers."""

UNREAD_S: Final = 30.0
"""A client has to read something of what waits for it, at least every so many seconds."""

HEADER_BYTES: Final = 64 * 1024
KEPT_ALIVE_S: Final = 75
"""For a connection without a request: longer than proxies keep theirs, so that they never use one that just closed."""

CLOSING_S: Final = 3.0
"""What is left of the time to stop when questions are no longer waited for."""


# Anybody can send what is no HTTP, and as often: a line for each would let them fill the log.
_quiet: Final = logging.getLogger("uvicorn.error.requests")
_quiet.setLevel(logging.ERROR)


def most_connections() -> int:
    """So many connections that files can still be opened beside them."""
    try:
        import resource
    except ImportError:  # not on Windows
        return 500
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 1_000 if soft == resource.RLIM_INFINITY else max(20, min(1_000, soft // 2))


class PatientProtocol(HttpToolsProtocol):
    """uvicorn's protocol, with the time limits that it lacks, and refusing at once what would be one too many."""

    headers_s = HEADERS_S
    unread_s = UNREAD_S

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.logger = _quiet
        self._late: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None
        self._in_head = False
        self._in_trailers = False  # or between two chunks of a body
        self._head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client has connected."""
        if self.limit_concurrency is not None and len(self.connections) >= self.limit_concurrency:
            transport.write(_said(b"503 Service Unavailable", b"Too many connections.", b"retry-after: 5\r\n"))
            transport.set_protocol(asyncio.Protocol())
            transport.close()
            return
        super().connection_made(transport)
        self._expect_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended."""
        self._headers_came()
        self._stop_unread()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes have come."""
        if self._late is None and (self.cycle is None or self.cycle.response_complete):
            self._expect_headers()
        # Also those of a request behind one that is being answered, and what follows a body in chunks.
        counted = self._in_head or self._in_trailers
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._late is not None or (counted and (self._in_head or self._in_trailers)):
            self._head_bytes += len(data)
            if self._head_bytes > HEADER_BYTES:
                self._refuse(b"431 Request Header Fields Too Large", b"The headers are too large.")

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._in_head, self._in_trailers = True, False
        self._head_bytes = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header is whole; what follows a body is none, or a client could change headers that were looked at."""
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """A request's headers are whole."""
        self._in_head = False
        self._headers_came()
        super().on_headers_complete()

    def on_chunk_header(self) -> None:
        """A part of a body is announced; the last one is empty, and trailers follow it."""
        self._in_trailers = True
        self._head_bytes = 0

    def on_body(self, body: bytes) -> None:
        """A part of a body has come."""
        self._in_trailers = False
        super().on_body(body)

    def on_message_complete(self) -> None:
        """A request is whole."""
        self._in_trailers = False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """An answer has been handed over; the client may not have read it yet."""
        super().on_response_complete()
        self._watch_unread()

    def pause_writing(self) -> None:
        """More waits for the client than is kept for one."""
        super().pause_writing()
        self._watch_unread()

    def resume_writing(self) -> None:
        """The client reads."""
        super().resume_writing()
        self._stop_unread()
        self._watch_unread()

    def _unsupported_upgrade_warning(self) -> None:
        """Says nothing: anybody could fill the log with it."""

    def send_400_response(self, msg: str) -> None:
        """What came is no HTTP."""
        self._headers_came()
        self.transport.write(_said(b"400 Bad Request", msg.encode("ascii")))
        self.transport.close()

    def _expect_headers(self) -> None:
        self._head_bytes = 0
        self._late = self.loop.call_later(
            self.headers_s, self._refuse, b"408 Request Timeout", b"The request came too slowly."
        )

    def _headers_came(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _refuse(self, status: bytes, detail: bytes) -> None:
        self._headers_came()
        if self.cycle is not None and self.cycle.response_started and not self.cycle.response_complete:
            self.transport.abort()  # nothing can be said in the middle of an answer
        elif not self.transport.is_closing():
            if self._head_bytes:  # a client that has said nothing at all is told nothing
                self.transport.write(_said(status, detail))
            self.transport.close()
            self._watch_unread()

    def _watch_unread(self) -> None:
        if self._unread is None and self.transport.get_write_buffer_size():
            self._unread = self.loop.call_later(self.unread_s, self._give_up)

    def _stop_unread(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _give_up(self) -> None:
        self._unread = None
        if self.transport.get_write_buffer_size():
            self.transport.abort()


def _said(status: bytes, detail: bytes, more: bytes = b"") -> bytes:
    """A whole response, for when there is no request that an application could answer."""
    body = b'{"type":"about:blank","title":"%b","status":%b,"detail":"%b"}' % (status[4:], status[:3], detail)
    head = b"HTTP/1.1 %b\r\ncontent-type: application/problem+json\r\ncontent-length: %d\r\nconnection: close\r\n"
    return head % (status, len(body)) + more + b"\r\n" + body


class DrainingServer(uvicorn.Server):
    """Lets what runs end before it stops listening: until then it answers, and says that it is about to stop.

    Args:
        config: uvicorn's.
        drain: knows what runs.
        drain_s: after so many seconds nothing is waited for any more.
    """

    def __init__(self, config: uvicorn.Config, drain: Drain, drain_s: float) -> None:
        super().__init__(config)
        self._drain = drain
        self._drain_s = drain_s
        self._ends = 0.0

    async def on_tick(self, counter: int) -> bool:
        """Whether to stop now; asked ten times a second."""
        if not await super().on_tick(counter):
            return False
        if not self._drain.begun:
            self._drain.begin()
            self._ends = time.monotonic() + self._drain_s - CLOSING_S
        return self._drain.running == 0 or time.monotonic() >= self._ends or self.force_exit


def server_for(app: ASGIApp, drain: Drain, settings: Settings) -> DrainingServer:
    """The server as it is run: behind the proxies that are trusted, and without uvicorn's log of requests.

    That would hold addresses and queries; ours does not (``ui.logs``).
    """
    config = uvicorn.Config(
        app,
        http=PatientProtocol,
        ws="none",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        forwarded_allow_ips=list(settings.trusted_proxies),
        limit_concurrency=most_connections(),
        timeout_keep_alive=KEPT_ALIVE_S,
        timeout_graceful_shutdown=2,
    )
    return DrainingServer(config, drain, settings.drain_s)
