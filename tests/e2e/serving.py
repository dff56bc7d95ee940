"""The real service for browser tests, and a browser that sees everything it asks for."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Dialog, Page, Request, ViewportSize, WebError, expect

from ingest.pipeline import ingest_paths
from qa.settings import Settings, default_cache
from tests.conftest import SAMPLES

ROOT: Final = Path(__file__).parent.parent.parent
CHROMIUM: Final = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
# What keeps Chromium itself from talking to anybody.
QUIET: Final = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
DESKTOP: Final[ViewportSize] = {"width": 1280, "height": 800}
PHONE: Final[ViewportSize] = {"width": 390, "height": 844}
ANSWERED_MS: Final = 60_000
SEEN_MS: Final = 30_000
"""What needs no answer is there at once, but the machine may be busy with other tests."""
expect.set_options(timeout=SEEN_MS)

# What the older version of a sample says instead.
OLDER: Final = {
    "Free People will not rent or sell your e-mail address for any reason.": (
        "Free People may rent or sell your e-mail address to other companies."
    ),
    " FreePeople.com is intended for users who are 13 years of age and older.": "",
}


def older_sample(folder: Path) -> Path:
    """Writes an older version of one of the samples, which says other things, into a folder."""
    text = (SAMPLES / "freepeople.com__2006-12-05.md").read_text(encoding="utf-8").split("\n", 1)[1].strip()
    for now, then in OLDER.items():
        assert now in text
        text = text.replace(now, then)
    older = folder / "freepeople.com__2003-02-01.md"
    older.write_text(text, encoding="utf-8")
    return older


@dataclass(frozen=True)
class Service:
    """A running service: where it listens, and its index."""

    address: str
    index: Path


@contextmanager
def serving(index: Path, paths: Sequence[Path] = (), environment: Mapping[str, str] | None = None) -> Iterator[Service]:
    """Ingests files into an index folder, if any, and serves it."""
    if paths:
        assert ingest_paths(paths, Settings(index=index, cache=default_cache())).added
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("FINEPRINT_")},
        **(environment or {}),
    }
    command = [sys.executable, "-m", "ui", "serve", "--port", "0", "--index", str(index)]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield Service(process.stdout.readline().split()[3], index)
    finally:
        process.terminate()
        try:
            process.communicate(timeout=60)
        finally:
            process.kill()


_vacant: dict[tuple[str, str], Page] = {}
"""Pages that were visited and left, by the address of their service and how their browser looks."""


@contextmanager
def visiting(
    browser: Browser, address: str, *, also: Collection[str] = (), anew: bool = False, **context: Any
) -> Iterator[Page]:
    """An empty page that remembers nothing; fails if another host was asked for anything, or a script failed.

    It may have been visited before: making a new one, and compiling the scripts anew, is half the work of a short test.

    Args:
        browser: where it is opened.
        address: of the service.
        also: addresses of other hosts that must be asked, too.
        anew: whether it is a page that nobody visited before or will after: for what cannot be taken back, such as
            scripts that run in whatever is opened, permissions, and other hosts.
        context: how the browser looks.
    """
    look = {"viewport": DESKTOP, "reduced_motion": "reduce", "locale": "en-US", **context}
    place = address, json.dumps(look, sort_keys=True)
    page = None if anew else _vacant.pop(place, None)
    if page is None or page.context.browser is not browser:
        page = browser.new_context(**look).new_page()
        page.context.set_default_timeout(ANSWERED_MS)
    made = page.context
    requested: list[str] = []
    failures: list[str] = []
    dialogs: list[str] = []

    def dismissed(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    def asked(request: Request) -> None:
        requested.append(request.url)

    def failed(error: WebError) -> None:
        failures.append(str(error.error))

    made.on("request", asked)
    made.on("weberror", failed)
    made.on("dialog", dismissed)
    left = False
    try:
        yield page
        if not anew:
            made.remove_listener("request", asked)
            made.remove_listener("weberror", failed)
            made.remove_listener("dialog", dismissed)
            _leave(page, address, look)
            left = True
    finally:
        if not left:
            made.close()
    hosts = {urlsplit(url).netloc for url in requested if urlsplit(url).scheme not in ("data", "blob")}
    assert hosts == {urlsplit(each).netloc for each in (address, *also)}
    assert failures == []
    assert dialogs == []
    if left:
        _vacant[place] = page


def _leave(page: Page, address: str, look: Mapping[str, Any]) -> None:
    """Makes a page as good as new, but for what it has compiled."""
    context = page.context
    for other in context.pages:
        if other is not page:
            other.close()
    page.unroute_all()
    page.goto(f"{address}/healthz")  # of the same origin, so that its process stays, and without a script
    page.evaluate("localStorage.clear(); sessionStorage.clear()")
    context.clear_cookies()
    context.clear_permissions()
    page.set_viewport_size(look["viewport"])
    page.emulate_media(
        color_scheme=look.get("color_scheme", "light"), reduced_motion=look["reduced_motion"], media="null"
    )
    page.mouse.move(0, 0)


def ask(page: Page, question: str) -> None:
    """Asks and waits for the answer, or for why there is none."""
    answers = page.locator(".fp-answer")
    before = answers.count()
    page.locator("#fp-question textarea").fill(question)
    page.locator("#fp-question textarea").press("Enter")
    expect(answers).to_have_count(before + 1, timeout=ANSWERED_MS)
