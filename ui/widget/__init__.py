"""The widget for other people's pages: one script, its types, a page for an iframe, and a demo site.

The script (``v1.js``) is served with its English words and its look (``v1.css``) behind it, without comments and spare
spaces, so that one request brings everything; another language is a second one. It runs under a strict
Content-Security-Policy of the page, with Trusted Types.
"""

from __future__ import annotations

import functools
import gzip
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Annotated, Final, Literal

from fastapi import FastAPI, Query, Request, Response
from fastapi.responses import RedirectResponse
from starlette.exceptions import HTTPException

import ui
from qa.labelling import SURE, SURELY_SILENT
from qa.settings import Settings
from ui.access import frame_ancestors
from ui.render import SURE_FROM, visible
from ui.widget.words import widget_words
from ui.words import LANGUAGES

__all__ = ["DEMO_FILES", "KINDS", "SCRIPT", "STRICT", "Served", "add_widget", "embed_page", "widget_script"]

HERE: Final = Path(__file__).parent
DEMO_FILES: Final = {path.name: path for path in sorted((HERE / "demo").iterdir())}
STRICT: Final = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; require-trusted-types-for 'script'; "
    "base-uri 'none'; form-action 'none'"
)
"""What the widget needs of a page's policy, and nothing else."""

SCRIPT: Final = "/widget/v1.js"
KINDS: Final = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".ts": "text/plain"}
_AN_HOUR: Final = {
    "Cache-Control": "public, max-age=3600, stale-while-revalidate=86400",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
# Of the two sources: what stays as it is (strings), what goes (comments), and what needs no space around it.
_SCRIPT: Final = re.compile(
    r"""("(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`)|/\*.*?\*/|\s*([{}()\[\],;:?=<>&|+*!-])\s*|(\s)\s*""", re.DOTALL
)
_STYLE: Final = re.compile(r"""("[^"\n]*")|/\*.*?\*/|\s*([{};,])\s*|(?<=:)\s+|(\s)\s*""", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Served:
    """A file as it is sent: plain, packed, and its name for caches."""

    body: bytes
    media_type: str
    packed: bytes
    etag: str

    @classmethod
    def of(cls, text: str, media_type: str) -> Served:
        """A text as a file."""
        body = text.encode()
        return cls(body, media_type, gzip.compress(body, 9, mtime=0), f'"{hashlib.sha256(body).hexdigest()[:32]}"')

    def response(self, request: Request) -> Response:
        """What a request gets: nothing where it has this very file."""
        headers = {**_AN_HOUR, "ETag": self.etag, "Vary": "Accept-Encoding"}
        if self.etag in re.findall(r'"[^"]*"', request.headers.get("if-none-match", "")):
            return Response(status_code=304, headers=headers)
        if not re.search(r"\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))", request.headers.get("accept-encoding", "")):
            return Response(self.body, media_type=self.media_type, headers=headers)
        return Response(self.packed, media_type=self.media_type, headers={**headers, "Content-Encoding": "gzip"})


@functools.cache
def widget_script() -> Served:
    """``/widget/v1.js``: the script with everything that it needs."""
    given = {
        "version": ui.version(),
        "sure": SURE_FROM,
        "fairly": {"answered": SURE, "not_stated": SURELY_SILENT},
        "languages": LANGUAGES,
        "words": widget_words()["en"],
        "style": _packed(_STYLE, "v1.css"),
    }
    script = _packed(_SCRIPT, "v1.js")
    return Served.of(f"{script}({json.dumps(given, ensure_ascii=False)});\n", "text/javascript")


def embed_page(options: Mapping[str, str]) -> str:
    """The page for an iframe: the same script, which fills it.

    Args:
        options: what the script's ``data-`` attributes say.
    """
    given = "".join(f' data-{name}="{escape(visible(value))}"' for name, value in options.items() if value)
    language = options.get("lang", "")
    return (
        f'<!doctype html>\n<html lang="{language if language in LANGUAGES else LANGUAGES[0]}">\n'
        '<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">\n'
        '<meta name="robots" content="noindex">\n'
        f"<title>{escape(visible(options.get('title') or 'fineprint'))}</title>\n"
        f'<script async src="{SCRIPT}" data-form="page"{given}></script>\n'
        "<noscript>This conversation needs JavaScript.</noscript>\n</html>\n"
    )


def add_widget(app: FastAPI, settings: Settings) -> None:
    """Adds the widget's files, its page for an iframe and the demo site to an application."""

    @app.get(SCRIPT, include_in_schema=False)
    def script(request: Request) -> Response:
        return widget_script().response(request)

    @app.get("/widget/v1/{language}.json", include_in_schema=False)
    def words(request: Request, language: Literal["de", "fr", "es"]) -> Response:
        return _words(language).response(request)

    @app.get("/widget/v1.d.ts", include_in_schema=False)
    def types(request: Request) -> Response:
        return _file(HERE / "v1.d.ts").response(request)

    @app.get("/embed", include_in_schema=False)
    def embed(
        *,
        scope: Annotated[str, Query(max_length=300)] = "",
        title: Annotated[str, Query(max_length=200)] = "",
        accent: Annotated[str, Query(max_length=100)] = "",
        lang: Annotated[str, Query(max_length=20)] = "",
        theme: Annotated[str, Query(max_length=10)] = "",
        greeting: Annotated[str, Query(max_length=1_000)] = "",
    ) -> Response:
        options = {"scope": scope, "title": title, "accent": accent, "lang": lang, "theme": theme, "greeting": greeting}
        return Response(
            embed_page(options),
            media_type="text/html",
            headers={
                "Content-Security-Policy": f"{STRICT}; frame-ancestors {frame_ancestors(settings, scope)}",
                "Cache-Control": "no-cache",
            },
        )

    @app.get("/widget/demo", include_in_schema=False)
    def demo_folder() -> Response:
        return RedirectResponse("/widget/demo/", status_code=308)

    @app.get("/widget/demo/{name:path}", include_in_schema=False)
    def demo(request: Request, name: str) -> Response:
        path = DEMO_FILES.get(name or "index.html")
        if path is None:
            raise HTTPException(404, "There is no such page. The demo begins at /widget/demo/.")
        response = _file(path).response(request)
        response.headers["Content-Security-Policy"] = f"{STRICT}; style-src 'self'; frame-ancestors 'none'"
        return response


@functools.cache
def _words(language: str) -> Served:
    return Served.of(json.dumps(widget_words()[language], ensure_ascii=False), "application/json")


@functools.cache
def _file(path: Path) -> Served:
    return Served.of(path.read_text(encoding="utf-8"), KINDS[path.suffix])


def _packed(spaces: re.Pattern[str], name: str) -> str:
    """One of the two sources without what only its readers need."""
    source = (HERE / name).read_text(encoding="utf-8")
    return spaces.sub(lambda found: next(filter(None, found.groups()), ""), source).strip()
