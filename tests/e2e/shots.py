"""Pictures of the page: ``python -m tests.e2e.shots FOLDER`` takes each scene on a desk and a phone, light and dark.

In docs/images, chat.png is proof.png, chat-phone.png answer-phone.png and dark.png proof-dark.png; label.png,
compare.png, lookback.png, widget.png and widget-phone.png are called as here.
"""

from __future__ import annotations

import io
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

from tests.conftest import SAMPLES
from tests.e2e.serving import ANSWERED_MS, CHROMIUM, DESKTOP, PHONE, QUIET, ask, older_sample, serving, visiting
from tests.ingest.making import POLICY

COLOURS: Final = 128
LOOKS: Final[dict[str, dict[str, Any]]] = {
    "": {"viewport": DESKTOP, "color_scheme": "light"},
    "-dark": {"viewport": DESKTOP, "color_scheme": "dark"},
    "-phone": {"viewport": PHONE, "color_scheme": "light"},
    "-phone-dark": {"viewport": PHONE, "color_scheme": "dark"},
}


def answer(page: Page, address: str) -> None:
    page.goto(address)
    ask(page, "does Free People sell my email address?")
    expect(page.locator(".fp-answer .fp-next button").first).to_be_visible(timeout=ANSWERED_MS)


def proof(page: Page, address: str) -> None:
    answer(page, address)
    page.locator(".fp-answer .fp-ref").first.click()
    expect(page.locator("#fp-proof .fp-whole mark.fp-current").first).to_be_in_viewport()


def label(page: Page, address: str) -> None:
    page.goto(f"{address}/?policy=freepeople.com")
    rows = page.locator("#fp-glance .fp-label-row")
    expect(rows.first).to_be_visible(timeout=ANSWERED_MS)
    rows.first.locator("> summary").click()


def compare(page: Page, address: str) -> None:
    sites = ("exofficio.com", "freepeople.com", "malleries.com", "perriconemd.com")
    scopes = "&".join(f"scope={site}" for site in sites)
    page.goto(f"{address}/?view=compare&question=do+you+use+cookies&{scopes}")
    cells = page.locator("#fp-cmp .fp-cmp-open")
    expect(cells).to_have_count(len(sites), timeout=ANSWERED_MS)
    expect(page.locator("#fp-cmp .fp-cmp-stop")).to_be_hidden()
    cells.nth(1).click()
    page.locator("#fp-cmp .fp-cmp-result").evaluate("element => element.scrollIntoView()")


def lookback(page: Page, address: str) -> None:
    page.goto(f"{address}/?view=lookback&site=freepeople.com")
    expect(page.locator("#fp-lb-body .fp-lb-change").first).to_be_visible(timeout=ANSWERED_MS)


def own(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.locator(".fp-own[data-ready]")).to_be_attached()
    page.locator(".fp-own-add > summary").click()
    page.locator(".fp-own textarea").fill(POLICY)
    page.locator(".fp-own-use").click()
    expect(page.locator(".fp-own-line.fp-own-asked")).to_be_visible(timeout=ANSWERED_MS)
    ask(page, "do they sell my data?")


def widget(page: Page, address: str) -> None:
    page.goto(f"{address}/widget/demo/privacy.html")
    page.get_by_role("button", name="Do you sell my email address?").click()
    reply = page.locator("fineprint-widget .reply")
    expect(reply.locator(".next .chip").first).to_be_visible(timeout=ANSWERED_MS)
    reply.locator(".row").first.click()
    expect(reply.locator("mark").first).to_be_in_viewport()


SCENES: Final[tuple[Callable[[Page, str], None], ...]] = (answer, proof, label, compare, lookback, own, widget)


def small(png: bytes) -> Image.Image:
    """A picture in few colours, which is enough for a page of text."""
    return Image.open(io.BytesIO(png)).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)


def main(folder: Path) -> None:
    """Takes every scene in every look; the page must do here what it does for its readers, or this fails."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as made, sync_playwright() as playwright:
        index, older = Path(made) / "index", older_sample(Path(made))
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        with serving(index, [SAMPLES, older]) as service:
            for scene in SCENES:
                for look, context in LOOKS.items():
                    with visiting(browser, service.address, **context) as page:
                        scene(page, service.address)
                        page.wait_for_timeout(500)
                        small(page.screenshot()).save(folder / f"{scene.__name__}{look}.png", optimize=True)
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
