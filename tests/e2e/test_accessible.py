"""axe-core over every view and what opens in it, on a desk and on a phone: nothing serious, nothing critical."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.e2e.serving import ANSWERED_MS, DESKTOP, PHONE, ask, visiting

pytestmark = pytest.mark.browser

# Where Gradio's own markup offends and nothing of ours can mend it: rule and a part of the element's selector.
KNOWN: tuple[tuple[str, str], ...] = ()
LOOKS: dict[str, dict[str, Any]] = {
    "light desk": {"viewport": DESKTOP, "color_scheme": "light"},
    "dark phone": {"viewport": PHONE, "color_scheme": "dark"},
}


def asking(page: Page, address: str) -> Iterator[str]:
    page.goto(address)
    expect(page.locator(".fp-begin button").first).to_be_visible()
    yield "the start"
    page.locator("#fp-keys").click()
    expect(page.locator("#fp-keys-dialog")).to_be_visible()
    yield "the shortcuts"
    page.keyboard.press("Escape")
    page.locator(".fp-own-add > summary").click()
    expect(page.locator(".fp-own textarea")).to_be_visible()
    page.locator("#fp-picker-input").fill("perri")
    expect(page.locator("#fp-picker-list [role=option]")).to_have_count(1)
    yield "a policy being looked for, and the form for one of the reader's own"
    page.locator("#fp-picker-list [role=option]").click()
    rows = page.locator("#fp-glance .fp-label-row")
    expect(rows.first).to_be_visible(timeout=ANSWERED_MS)
    rows.first.locator("> summary").click()
    yield "a label"
    ask(page, "does it share my data?")
    expect(page.locator(".fp-next button").first).to_be_visible(timeout=ANSWERED_MS)
    page.locator(".fp-answer .fp-fb-down").click()
    expect(page.locator('.fp-answer .fp-fb input[name="consent"]')).to_be_visible()
    page.locator(".fp-answer .fp-ref").first.click()
    expect(page.locator("#fp-proof .fp-whole mark.fp-current").first).to_be_visible()
    yield "an answer, what is thought of it, and its proof"
    page.locator("#fp-picker .fp-pick-clear").click()
    ask(page, "which of these sites use cookies?")
    yield "an answer about several policies"


def comparing(page: Page, address: str) -> Iterator[str]:
    page.goto(f"{address}/?view=compare&question=do+you+use+cookies&scope=perriconemd.com&scope=freepeople.com")
    cells = page.locator("#fp-cmp .fp-cmp-open")
    expect(cells).to_have_count(2, timeout=ANSWERED_MS)
    cells.first.click()
    expect(page.locator("#fp-cmp .fp-cmp-proof").first).to_be_visible()
    yield "a question"
    page.goto(f"{address}/?view=compare&scope=perriconemd.com&scope=freepeople.com")
    expect(page.locator("#fp-cmp .fp-cmp-open").nth(3)).to_be_visible(timeout=ANSWERED_MS)
    expect(page.locator('#fp-cmp td[data-kind="waiting"]')).to_have_count(0, timeout=ANSWERED_MS)
    yield "the whole label"


def looking_back(page: Page, address: str) -> Iterator[str]:
    page.goto(f"{address}/?view=lookback")
    expect(page.locator(".fp-lb-offer").first).to_be_visible()
    yield "the start"
    page.locator(".fp-lb-offer").first.click()
    expect(page.locator("#fp-lb-body .fp-lb-kind")).to_have_count(2, timeout=ANSWERED_MS)
    yield "what changed"


def reading_about(page: Page, address: str) -> Iterator[str]:
    page.goto(f"{address}/?view=about")
    expect(page.get_by_text("It is not legal advice.")).to_be_visible()
    yield "the text"


def findings(page: Page) -> list[tuple[str, str, str]]:
    """What axe calls serious or critical: the rule, where, and the element."""
    violations = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [
        (rule["id"], str(node["target"]), node["html"][:200])
        for rule in violations
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
        if not any(rule["id"] == known and part in str(node["target"]) for known, part in KNOWN)
    ]


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("steps", [asking, comparing, looking_back, reading_about])
def test_nothing_serious_is_in_the_way(
    browser: Browser, address: str, steps: Callable[[Page, str], Iterator[str]], look: str
) -> None:
    found = {}
    with visiting(browser, address, **LOOKS[look]) as page:
        for state in steps(page, address):
            found[state] = findings(page)
            assert page.evaluate("document.documentElement.scrollWidth") <= LOOKS[look]["viewport"]["width"], state
    assert not any(found.values()), found
