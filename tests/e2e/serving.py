"""The real service for browser tests, and a browser that sees everything it asks for."""

from __future__ import annotations

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

from playwright.sync_api import Browser, Dialog, Page, ViewportSize, expect

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


@contextmanager
def visiting(browser: Browser, address: str, *, also: Collection[str] = (), **context: Any) -> Iterator[Page]:
    """A blank page of a browser of its own; fails if another host was asked for anything, or a script failed.

    Args:
        browser: where it is opened.
        address: of the service.
        also: addresses of other hosts that must be asked, too.
        context: how the browser looks.
    """
    made = browser.new_context(**{"viewport": DESKTOP, "reduced_motion": "reduce", "locale": "en-US", **context})
    made.set_default_timeout(ANSWERED_MS)
    requested: list[str] = []
    failures: list[str] = []
    dialogs: list[str] = []

    def dismissed(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    made.on("request", lambda request: requested.append(request.url))
    made.on("weberror", lambda failed: failures.append(str(failed.error)))
    made.on("dialog", dismissed)
    try:
        yield made.new_page()
    finally:
        made.close()
    hosts = {urlsplit(url).netloc for url in requested if urlsplit(url).scheme not in ("data", "blob")}
    assert hosts == {urlsplit(each).netloc for each in (address, *also)}
    assert failures == []
    assert dialogs == []


def ask(page: Page, question: str) -> None:
    """Asks and waits for the answer, or for why there is none."""
    answers = page.locator(".fp-answer")
    before = answers.count()
    page.locator("#fp-question textarea").fill(question)
    page.locator("#fp-question textarea").press("Enter")
    expect(answers).to_have_count(before + 1, timeout=ANSWERED_MS)
