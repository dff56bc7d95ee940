"""What stands between the network and the application (plain ASGI).

In this order: is it meant for this host, from whom does it come (``ui.access``), is that one asking too often
(``ui.limiting``), is the body small, whole, JSON and not nested without end. Then the application answers, within a
time limit, and every response gets the headers that belong to it.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from qa.settings import Settings
from ui.access import Door, Refused, for_other_origins, for_programs
from ui.draining import Drain
from ui.limiting import RateLimits, costs
from ui.problems import problem

__all__ = ["API_BODY_BYTES", "PAGE_BODY_BYTES", "Guard"]

API_BODY_BYTES: Final = 256 * 1024
PAGE_BODY_BYTES: Final = 4 * 1024 * 1024
"""The chat page sends its whole conversation with every question, and so do programs that speak OpenAI's form."""

DEEPEST: Final = 64
"""Levels of arrays and objects in a body. Nothing that is sent in earnest has a quarter of them."""

# All that the chat page needs of Gradio. Everything else under /gradio_api (uploads, files, the proxy, calls by name)
# is closed: readers' own policies come in a body of their own (ui.own), and programs have /api/v1.
_GRADIO: Final = "/gradio_api/"
_GRADIO_OPEN: Final = ("run/predict", "queue/", "heartbeat/", "startup-events", "info", "cancel", "reset", "app_id")

# Gradio takes what these say for the page's own address, whoever sends them; a cache would give that page to others.
_CLAIMED: Final = (b"x-forwarded-host", b"x-gradio-server")

_NOTHING: Final = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
# Gradio's page compiles its templates in the browser, hence 'unsafe-eval'; no source but this server is allowed.
_CHAT: Final = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'self'; "
    "form-action 'self'; frame-src 'none'; frame-ancestors 'none'"
)
_WITH_ADDRESS: Final = ("", "/", "/config")
"""What has the address in it by which the service was asked: none of it is for anybody else."""
_DRAWING: Final = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
_HEADERS: Final[Mapping[str, str]] = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

_METHODS: Final = "GET, HEAD, POST, DELETE, OPTIONS"
_MAY_SEND: Final = (
    "accept", "authorization", "content-type", "if-none-match", "last-event-id", "mcp-protocol-version",
    "mcp-session-id", "x-api-key", "x-request-id",
)  # fmt: skip
_LIBRARIES_SEND: Final = re.compile(r"x-stainless-[a-z-]{1,40}|mcp-[a-z-]{1,40}|openai-[a-z-]{1,40}")
_EXPOSED: Final = "ETag, Mcp-Session-Id, RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate, X-Request-Id"

_BRACKETS: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?+|([\[{])|([\]}])', re.DOTALL)


class Guard:
    """Lets in what may come in, and puts the security headers on everything that goes out.

    Args:
        app: what answers.
        settings: who may come in, how often, and how long an answer may take.
        drain: told of everything that runs.
        loopback_only: see ``ui.access.Door``.
    """

    def __init__(self, app: ASGIApp, *, settings: Settings, drain: Drain, loopback_only: bool = False) -> None:
        self._app = app
        self._door = Door(settings, loopback_only=loopback_only)
        self._limits = RateLimits(settings)
        self._drain = drain
        self._timeout_s = settings.timeout_s
        self._public_host = (settings.public_url or "").partition("://")[2].encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] == "websocket":  # nothing here speaks it
            await send({"type": "websocket.close", "code": 1008})
        elif scope["type"] != "http":
            await self._app(scope, receive, send)
        else:
            await self._answer(scope, receive, _Reply(scope, send))

    async def _answer(self, scope: Scope, receive: Receive, reply: _Reply) -> None:
        deadline = asyncio.get_running_loop().time() + self._timeout_s
        try:
            if await self._let_in(scope, reply):
                return
            body = await _body(scope, receive, deadline)
        except Refused as exc:
            scope["state"]["refused"] = exc.code
            response = problem(exc.status, exc.code, str(exc))
            response.headers.update(exc.headers)
            await reply.instead(response)
            return
        except ClientDisconnect:
            return
        with self._counted(scope) as ended:
            await self._within(deadline, scope, _Received(receive, body, ended), reply)

    async def _let_in(self, scope: Scope, reply: _Reply) -> bool:
        """Whether everything has been said already.

        Raises:
            Refused: it is not let in.
        """
        path: str = scope["path"]
        scope.setdefault("state", {})
        known = (b"x-forwarded-host", self._public_host)
        scope["headers"] = [each for each in scope["headers"] if each[0] not in _CLAIMED or each == known]
        self._door.require_host(scope)
        origin = reply.origin = self._door.origin(scope)
        headers = Headers(scope=scope)
        if origin and scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            await reply.instead(_preflight(headers.get("access-control-request-headers", "")))
            return True
        caller = scope["state"]["caller"] = self._door.caller(scope, origin)
        if path.startswith(_GRADIO) and not path.removeprefix(_GRADIO).startswith(_GRADIO_OPEN):
            raise Refused(HTTPStatus.NOT_FOUND, "not_found", "There is nothing at this address.")
        costly = costs(scope["method"], path)
        if self._drain.begun and (costly or path == "/readyz"):
            detail = "The service is stopping. Try again in a few seconds."
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, "draining", detail, {"Connection": "close"})
        if costly and (allowance := await self._limits.take(caller)):
            reply.headers.update(allowance.headers)
            if not allowance.allowed:
                detail = f"Too many requests. Try again in {allowance.wait_s} seconds."
                raise Refused(HTTPStatus.TOO_MANY_REQUESTS, "too_many_requests", detail)
        return False

    @contextlib.contextmanager
    def _counted(self, scope: Scope) -> Iterator[asyncio.Event | None]:
        """Around an answer, so that the way out waits for it, or ends it where it would stay as long as its client."""
        path, method = scope["path"], scope["method"]
        if method == "GET" and path.startswith(("/gradio_api/heartbeat/", "/mcp")):
            ended = asyncio.Event()
            with self._drain.waits(ended.set):
                yield ended
        elif costs(method, path) or path.startswith("/gradio_api/queue/data"):
            with self._drain.work():
                yield None
        else:
            yield None

    async def _within(self, deadline: float, scope: Scope, receive: _Received, reply: _Reply) -> None:
        """The application's answer, or why there is none in time."""

        async def expire() -> None:
            await asyncio.sleep(deadline - asyncio.get_running_loop().time())
            if not reply.started:
                receive.gone = True  # whoever works for this request stops, as if its client had left
                scope["state"]["refused"] = "timed_out"
                detail = f"There was no answer within {self._timeout_s:g} seconds. Try again later, or ask for less."
                await reply.instead(problem(HTTPStatus.SERVICE_UNAVAILABLE, "timed_out", detail))

        watch = asyncio.create_task(expire())
        try:
            await self._app(scope, receive, reply.send)
        except ClientDisconnect:
            if not receive.gone:
                raise
        except Exception:
            # Said here already, so that it has these headers, too. The exception goes on to the server's log.
            detail = "Something went wrong inside the service. The operator's log has the details."
            if not reply.started:
                await reply.instead(problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error", detail))
            raise
        finally:
            watch.cancel()
        if receive.ended and receive.ended.is_set():
            await reply.end()


class _Received:
    """What the application receives: the body at once, then that the client has gone, when it has."""

    def __init__(self, receive: Receive, body: bytes | None, ended: asyncio.Event | None) -> None:
        self._receive = receive
        self._body = body
        self.ended = ended
        self.gone = False

    async def __call__(self) -> Message:
        if self.gone or (self.ended and self.ended.is_set()):
            return {"type": "http.disconnect"}
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        if self.ended is None:
            return await self._receive()
        received = asyncio.ensure_future(self._receive())
        ended = asyncio.ensure_future(self.ended.wait())
        try:
            await asyncio.wait((received, ended), return_when=asyncio.FIRST_COMPLETED)
            return received.result() if received.done() else {"type": "http.disconnect"}
        finally:
            received.cancel()
            ended.cancel()


class _Reply:
    """What goes out, with its headers; at most one answer, whoever gives it."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope = scope
        self._send = send
        self._taken = False
        self._ended = False
        self.origin: str | None = None
        self.headers: dict[str, str] = {}
        self.started = False

    async def send(self, message: Message) -> None:
        """What the application sends; nothing once another answer was given."""
        if self._taken:
            return
        if message["type"] == "http.response.start":
            # Who may read this is the door's to say; Gradio would let in anybody, with credentials.
            kept = [each for each in message.get("headers", ()) if not each[0].lower().startswith(b"access-control-")]
            message = {**message, "headers": kept}
        await self._pass(message)

    async def instead(self, response: Response) -> None:
        """An answer in the application's place."""
        self._taken = True
        await response(self._scope, _received_nothing, self._pass)

    async def end(self) -> None:
        """Ends an answer that was cut short."""
        if self.started and not self._ended:
            await self._pass({"type": "http.response.body", "body": b"", "more_body": False})

    async def _pass(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            self._complete(MutableHeaders(scope=message))
        elif message["type"] == "http.response.body":
            self._ended = not message.get("more_body", False)
        await self._send(message)

    def _complete(self, headers: MutableHeaders) -> None:
        path: str = self._scope["path"]
        if for_other_origins(path):
            headers.add_vary_header("Origin")
        if self.origin:
            headers["Access-Control-Allow-Origin"] = self.origin
            headers["Access-Control-Expose-Headers"] = _EXPOSED
        for name, value in self.headers.items():
            headers[name] = value
        for name, value in _HEADERS.items():
            headers[name] = value
        policy = headers.setdefault("Content-Security-Policy", _policy(path, headers.get("content-type", "")))
        if "frame-ancestors 'none'" in policy:
            headers["X-Frame-Options"] = "DENY"
        headers.setdefault(
            "Cross-Origin-Resource-Policy", "cross-origin" if path.startswith("/widget/") else "same-origin"
        )
        if for_programs(path):
            headers.setdefault("Cache-Control", "no-store")
        elif path in _WITH_ADDRESS:
            headers.setdefault("Cache-Control", "private, no-cache")


def _policy(path: str, content_type: str) -> str:
    """What a page may do where its route does not say: nothing, but for Gradio's page and for a drawing's styles."""
    if path in ("", "/"):
        return _CHAT
    return _DRAWING if content_type.startswith("image/svg+xml") else _NOTHING


def _preflight(wanted: str) -> Response:
    """The answer to a browser that asks what an allowed origin's page may send."""
    names = {name.strip().lower() for name in wanted[:2_000].split(",")}
    more = sorted(name for name in names if _LIBRARIES_SEND.fullmatch(name))
    headers = {
        "Access-Control-Allow-Methods": _METHODS,
        "Access-Control-Allow-Headers": ", ".join([*_MAY_SEND, *more]),
        "Access-Control-Max-Age": "600",
    }
    return Response(status_code=HTTPStatus.NO_CONTENT, headers=headers)


async def _received_nothing() -> Message:
    return {"type": "http.disconnect"}


# --- bodies -----------------------------------------------------------------------------------------------------------


async def _body(scope: Scope, receive: Receive, deadline: float) -> bytes | None:
    """The whole body, checked; None where there is none.

    Raises:
        Refused: it is too large, too slow, or no JSON that can be read.
        ClientDisconnect: the client went before it had sent everything.
    """
    headers = Headers(scope=scope)
    declared = headers.get("content-length", "0")
    if not ("transfer-encoding" in headers or declared != "0"):
        return None
    path: str = scope["path"]
    limit = API_BODY_BYTES if for_programs(path) and not path.startswith("/v1/") else PAGE_BODY_BYTES
    if not declared.isdigit() or len(declared) > 12 or int(declared) > limit:
        raise _too_large(limit)
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        detail = "Send the body as JSON, with Content-Type: application/json."
        raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail)
    body = bytearray()
    try:
        async with asyncio.timeout_at(deadline):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientDisconnect
                body += message.get("body", b"")
                if len(body) > limit:
                    raise _too_large(limit)
                if not message.get("more_body", False):
                    break
    except TimeoutError:
        detail = "The body came too slowly. Send it at once."
        raise Refused(HTTPStatus.REQUEST_TIMEOUT, "too_slow", detail, {"Connection": "close"}) from None
    _require_readable(bytes(body))
    return bytes(body)


def _require_readable(body: bytes) -> None:
    """Refuses what would be an accident for whoever parses it: other encodings, and arrays in arrays without end."""
    try:
        body.decode()
    except UnicodeDecodeError:
        raise Refused(HTTPStatus.BAD_REQUEST, "invalid_json", "The body is not in UTF-8.") from None
    if body.count(b"[") + body.count(b"{") <= DEEPEST:
        return
    depth = 0
    for token in _BRACKETS.finditer(body):
        depth += (token[1] is not None) - (token[2] is not None)
        if depth > DEEPEST:
            detail = f"The body is nested too deeply: at most {DEEPEST} levels are read."
            raise Refused(HTTPStatus.BAD_REQUEST, "invalid_json", detail)


def _too_large(limit: int) -> Refused:
    detail = f"The body is too large: at most {limit // 1024} KB are read."
    return Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", detail)
