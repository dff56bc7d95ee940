"""A web of a few pages on this machine, for the tests of what reads pages."""

from __future__ import annotations

import contextlib
import http.server
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from ingest.fetching import Fetched, Limits, Network, fetch
from tests.ingest.making import POLICY

PAGE = f"<!doctype html><title>Privacy</title><p>{POLICY}".encode()
_NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Trusts nobody; to load whom everybody trusts takes a tenth of a second, for every page."""

Answering = Callable[[http.server.BaseHTTPRequestHandler], None]


def page(body: bytes = PAGE, media_type: str = "text/html; charset=utf-8", status: int = 200, **more: str) -> Answering:
    def answer(request: http.server.BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        if media_type:
            request.send_header("Content-Type", media_type)
        for name, value in more.items():
            request.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in more:
            request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    return answer


def to(location: str, status: int = 302) -> Answering:
    return page(b"", status=status, Location=location)


def stateful(body: bytes, etag: str, media_type: str = "text/html") -> Answering:
    """A page that is not sent again to whoever knows this state of it."""

    def answer(request: http.server.BaseHTTPRequestHandler) -> None:
        known = request.headers.get("If-None-Match") == etag
        (page(b"", "", status=304) if known else page(body, media_type, ETag=etag))(request)

    return answer


@dataclass
class Web:
    """A little web on this machine: what each ``host/path`` answers, and what was asked for."""

    port: int = 0
    pages: dict[str, Answering] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    resolutions: list[str] = field(default_factory=list)

    def resolve(self, host: str, port: int) -> Sequence[tuple[str, int]]:
        self.resolutions.append(f"{host}:{port}")
        return [("127.0.0.1", self.port)]

    @property
    def network(self) -> Network:
        return Network(self.resolve, lambda address: address == "127.0.0.1", _NOBODY)

    def fetch(self, url: str = "http://kites.example/privacy", **limits: float) -> Fetched:
        return fetch(url, limits=Limits(**limits), network=self.network)  # type: ignore[arg-type]

    @property
    def read(self) -> list[str]:
        """What was asked for besides robots.txt."""
        return [each for each in self.asked if not each.endswith("/robots.txt")]


@contextmanager
def serving(tls: ssl.SSLContext | None = None) -> Iterator[Web]:
    web = Web()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            key = f"{self.headers['Host']}{self.path}"
            web.asked.append(key)
            web.headers.append(dict(self.headers.items()))
            with contextlib.suppress(ConnectionError, ssl.SSLError):  # the other side has had enough
                web.pages.get(key, page(b"", status=404))(self)

        def log_message(self, *_: object) -> None:
            pass

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, *_: object) -> None:
            pass

    server = Server(("127.0.0.1", 0), Handler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    web.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield web
    finally:
        server.shutdown()
        server.server_close()
