"""The page's HTML document on its way to the browser.

Gradio puts what it is given for the page's head in only when its own script has run. What must come before the first
paint (light or dark, the language) is put into the document itself, which is also compressed: it carries the page's
styles, scripts and words.
"""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Document", "first_head"]

_CORE: Final = Path(__file__).parent / "static" / "core.js"
_END_OF_HEAD: Final = b"</head>"
# The colours that Gradio's document has for a system in the dark, for a reader who chose dark or light.
_GROUND: Final = (
    "html:not(.fp-dark) body{background:var(--bg)!important;color:var(--col)!important}"
    "html.fp-dark body{background:var(--bg-dark)!important;color:var(--col-dark)!important}"
)


def first_head() -> bytes:
    """What is put at the end of the document's head."""
    script = _CORE.read_text(encoding="utf-8")
    return f'<style>{_GROUND}</style><script id="fp-core">{script}</script>'.encode()


class Document:
    """Completes and compresses the page's document; everything else passes untouched."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._head = first_head()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http" or scope["path"] not in ("", "/") or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        start: Message = {}
        body = bytearray()

        async def collect(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            elif message["type"] == "http.response.body":
                body.extend(message.get("body", b""))
                if not message.get("more_body", False):
                    await self._finish(scope, start, bytes(body), send)
            else:
                await send(message)

        # The address speaks to the page's script; what Gradio would read out of it (pages, saved states) is not in use.
        await self._app({**scope, "query_string": b""}, receive, collect)

    async def _finish(self, scope: Scope, start: Message, body: bytes, send: Send) -> None:
        headers = MutableHeaders(scope=start)
        if headers.get("content-type", "").startswith("text/html"):
            body = body.replace(_END_OF_HEAD, self._head + _END_OF_HEAD, 1)
            if "gzip" in Headers(scope=scope).get("accept-encoding", "") and "content-encoding" not in headers:
                body = gzip.compress(body, compresslevel=5)
                headers["Content-Encoding"] = "gzip"
            headers.add_vary_header("Accept-Encoding")
            headers["Content-Length"] = str(len(body))
        await send(start)
        await send({"type": "http.response.body", "body": body})
