"""A policy brought by its address, in a real browser over the real service; the web it opens is this machine."""

from __future__ import annotations

import http.server
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.serving import ANSWERED_MS, ROOT, Service, ask, visiting
from tests.ingest.making import POLICY

pytestmark = pytest.mark.browser

PAGE = (
    "<!doctype html><title>Privacy | Zephyr Kites</title><nav><a href=/>Kites</a></nav><script>window.pwned=1</script>"
    + "".join(f"<p>{each}</p>" for each in POLICY.replace("Acme Tools", "Zephyr Kites").split("\n\n"))
).encode()

# The service as `fineprint serve` makes it, but for where names lead to.
SERVE = """
import functools, sys
import ui.addresses as addresses
from ingest.fetching import Limits, Network, fetch
from qa.settings import load_settings
from ui.app import serve
network = Network(lambda host, port: [("127.0.0.1", int(sys.argv[2]))], lambda address: True)
opens = functools.partial(fetch, network=network)
addresses.add_addresses = functools.partial(addresses.add_addresses, opens=opens)
settings = load_settings({"index": sys.argv[1], "fetch": "on"})
serve(settings, host="127.0.0.1", port=0, announce=lambda at: print(at, flush=True))
"""


@dataclass
class Site:
    """One site of the little web; ``/slow`` answers when it is let go."""

    port: int = 0
    let_go: threading.Event = field(default_factory=threading.Event)
    answered: threading.Event = field(default_factory=threading.Event)


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    site = Site()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/slow":
                site.let_go.wait(60)
            found = self.path in {"/privacy", "/slow"}
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            if found:
                self.wfile.write(PAGE)
            if self.path == "/slow":
                site.answered.set()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield site
    site.let_go.set()
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def address(samples: Service, site: Site) -> Iterator[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FINEPRINT_")}
    command = [sys.executable, "-c", SERVE, str(samples.index), str(site.port)]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.communicate(timeout=60)


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    with visiting(browser, address, locale="en-GB") as page:
        page.goto(address)
        expect(page.locator(".fp-own[data-ready]")).to_be_attached()
        page.locator(".fp-own-add > summary").click()
        yield page


def test_an_address_is_opened_asked_proven_and_linked_to(page: Page) -> None:
    page.locator('.fp-own input[name="url"]').fill("http://www.zephyrkites.example/privacy")
    page.locator('.fp-own input[name="url"]').press("Enter")
    line = page.locator(".fp-own-line")
    expect(line).to_contain_text("Zephyr Kites · zephyrkites.example", timeout=ANSWERED_MS)
    expect(line).to_contain_text("only in this session")
    ask(page, "do they sell my data?")
    page.locator(".fp-answer").last.locator(".fp-ref").first.click()
    proof = page.locator("#fp-proof")
    expect(proof).to_contain_text("sell your personal information to anybody")
    links = proof.locator("a[href^='http://www.zephyrkites.example/privacy']")
    expect(links.first).to_be_attached()
    assert page.evaluate("window.pwned") is None


def test_a_pasted_address_is_opened_and_what_goes_wrong_is_said(page: Page) -> None:
    problem = page.locator(".fp-own-problem")
    page.locator(".fp-own textarea").fill(" http://zephyrkites.example/missing ")
    page.locator(".fp-own-use").click()
    expect(problem).to_contain_text("no page at this address (404)", timeout=ANSWERED_MS)
    page.locator(".fp-own textarea").fill("")
    page.locator('.fp-own input[name="url"]').fill("http://127.0.0.1/admin")
    page.locator(".fp-own-use").click()
    expect(problem).to_contain_text("by its name")


def test_opening_shows_that_it_goes_on_and_can_be_cancelled(page: Page, site: Site) -> None:
    page.locator(".fp-own textarea").fill(POLICY)
    page.locator(".fp-own-use").click()
    expect(page.locator(".fp-own-line")).to_contain_text("Acme Tools", timeout=ANSWERED_MS)  # the tab has a session
    page.locator(".fp-own-add > summary").click()
    page.locator('.fp-own input[name="url"]').fill("http://zephyrkites.example/slow")
    page.locator('.fp-own input[name="url"]').press("Enter")
    told, cancel = page.locator(".fp-own-told"), page.locator(".fp-own-cancel")
    expect(told).to_contain_text("Opening the page")
    cancel.click()
    expect(told).to_have_text("Cancelled: nothing was kept.")
    expect(cancel).to_be_hidden()
    expect(page.locator('.fp-own input[name="url"]')).to_be_focused()
    site.let_go.set()
    assert site.answered.wait(30)
    page.wait_for_timeout(3_000)  # more than reading it would take
    page.reload()
    expect(page.locator(".fp-own-line")).to_contain_text("Acme Tools", timeout=ANSWERED_MS)
    expect(page.locator(".fp-own-line")).to_have_count(1)
