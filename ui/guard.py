"""What stands between the network and the application: body limits, closed doors, security headers (plain ASGI)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fastapi import HTTPException
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui.api import problem

__all__ = ["Guard"]

API_BODY_BYTES: Final = 256 * 1024
PAGE_BODY_BYTES: Final = 4 * 1024 * 1024
"""The chat page sends its whole conversation with every question."""

# All that the chat page needs of Gradio. Everything else under /gradio_api (uploads, files, the proxy, calls by name)
# is closed: readers' own policies come in a body of their own (ui.own), and programs have /api/v1.
_GRADIO: Final = "/gradio_api/"
_GRADIO_OPEN: Final = ("run/predict", "queue/", "heartbeat/", "startup-events", "info", "cancel", "reset", "app_id")

HEADERS: Final[Mapping[str, str]] = {
    # Gradio's page compiles its templates in the browser, hence 'unsafe-eval'; no source but this server is allowed.
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'self'; "
        "form-action 'self'; frame-src 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Guard:
    """Refuses what is too large or closed, and adds the security headers to every response."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        path: str = scope["path"]
        limit = API_BODY_BYTES if path.startswith("/api") else PAGE_BODY_BYTES
        if path.startswith(_GRADIO) and not path.removeprefix(_GRADIO).startswith(_GRADIO_OPEN):
            response = problem(404, "not_found", "There is nothing at this address.")
            await response(scope, receive, send_with_headers)
        elif _declared(scope) > limit:
            response = problem(413, "too_large", _too_large(limit))
            await response(scope, receive, send_with_headers)
        else:
            await self._app(scope, _limited(receive, limit), send_with_headers)


def _declared(scope: Scope) -> int:
    length = Headers(scope=scope).get("content-length", "0")
    return int(length) if length.isdigit() else 0


def _limited(receive: Receive, limit: int) -> Receive:
    """Counts what really arrives: a chunked body declares no length."""
    got = 0

    async def counting() -> Message:
        nonlocal got
        message = await receive()
        got += len(message.get("body", b""))
        if got > limit:
            raise HTTPException(413, _too_large(limit))
        return message

    return counting


def _too_large(limit: int) -> str:
    return f"The body is too large: at most {limit // 1024} KB are read."
