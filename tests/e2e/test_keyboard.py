"""Everything that the page is for, with the keyboard alone: reached with Tab, and seen to be reached."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e.serving import ANSWERED_MS, visiting
from tests.ingest.making import POLICY

pytestmark = pytest.mark.browser

MOST_STEPS = 40
# Where the focus is drawn: round the element itself, or round the box that it fills.
SEEN = """element => {
  for (let each = element, up = 0; each && up < 4; each = each.parentElement, up += 1) {
    const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(each);
    if ((outlineStyle !== "none" && parseFloat(outlineWidth) > 0) || boxShadow !== "none") return true;
  }
  return false;
}"""


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """The page, in which the pointer does nothing."""
    with visiting(browser, address) as page:
        page.goto(address)
        page.evaluate(
            "for (const name of ['pointerdown', 'mousedown', 'touchstart']) addEventListener(name, "
            "(event) => { if (event.isTrusted) throw new Error(`${name} in a test without a pointer`); }, true);"
        )
        expect(page.locator("#fp-question textarea")).to_be_focused()
        expect(page.locator(".fp-own[data-ready]")).to_be_attached()
        yield page


def reach(page: Page, goal: Locator, key: str = "Tab") -> None:
    """Goes on with Tab, or back with Shift+Tab, until the focus is there, and seen to be there."""
    for _ in range(MOST_STEPS):
        page.keyboard.press(key)
        if goal.evaluate("element => element === document.activeElement"):
            break
    expect(goal).to_be_focused(timeout=1_000)
    expect(goal).to_be_in_viewport()
    assert goal.evaluate(SEEN), "where the focus is cannot be seen"


def answered(page: Page, count: int) -> Locator:
    answers = page.locator(".fp-answer[data-key]")
    expect(answers).to_have_count(count, timeout=ANSWERED_MS)
    return answers.last


def test_asking_reading_the_proof_coming_back_following_up_and_taking_it_along(page: Page) -> None:
    page.keyboard.type("does Perricone MD share my data?")
    page.keyboard.press("Enter")
    first = answered(page, 1).locator(".fp-ref").first
    reach(page, first, "Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#fp-proof .fp-whole mark.fp-current").first).to_be_focused()
    expect(page.locator("#fp-proof .fp-whole mark.fp-current").first).to_be_in_viewport()
    reach(page, page.get_by_role("button", name="Next cited passage"), "Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#fp-proof .fp-where")).to_have_text("Cited passage 2 (2/2)")
    page.keyboard.press("Escape")
    expect(first).to_be_focused()

    offered = page.locator(".fp-answer .fp-next button").first
    expect(offered).to_be_visible(timeout=ANSWERED_MS)
    reach(page, offered)
    page.keyboard.press("Enter")
    expect(answered(page, 2).locator(".fp-about")).to_contain_text("Perricone MD")
    page.keyboard.press("Control+k")
    page.keyboard.type("do they rent it?")
    page.keyboard.press("Enter")
    expect(answered(page, 3).locator(".fp-about")).to_contain_text("Perricone MD")

    reach(page, page.locator(".fp-export summary"), "Shift+Tab")
    page.keyboard.press("Enter")
    reach(page, page.locator('.fp-export [data-form="json"]'))
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    assert len(json.loads(Path(download.value.path()).read_text(encoding="utf-8"))["turns"]) == 3


def test_a_label_is_opened_and_asked_from(page: Page) -> None:
    reach(page, page.locator("#fp-picker-input"), "Shift+Tab")
    page.keyboard.type("mall")
    page.keyboard.press("Enter")
    rows = page.locator("#fp-glance .fp-label-row")
    expect(rows.first).to_be_visible(timeout=ANSWERED_MS)
    reach(page, rows.nth(1).locator("> summary"))
    page.keyboard.press("Enter")
    expect(rows.nth(1).locator(".fp-label-more")).to_be_visible()
    reach(page, rows.nth(1).locator("[data-ask]"))
    page.keyboard.press("Enter")
    expect(answered(page, 1).locator(".fp-about")).to_contain_text("Malleries")


def test_four_samples_are_compared(page: Page) -> None:
    reach(page, page.get_by_role("tab", name="Ask"), "Shift+Tab")
    page.keyboard.press("2")
    expect(page.get_by_role("tab", name="Compare")).to_be_focused()
    reach(page, page.locator("#fp-cmp-picker-input"))
    page.keyboard.type("mall")
    expect(page.locator("#fp-cmp-picker-list [role=option]").first).to_contain_text("Malleries")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    reach(page, page.locator("#fp-cmp .fp-cmp-all"))
    page.keyboard.press("Enter")
    expect(page.locator("#fp-cmp-picker .fp-pick-chip")).to_have_count(4)
    reach(page, page.locator("#fp-cmp-question"))
    page.keyboard.type("do you sell my personal information?")
    page.keyboard.press("Enter")
    cells = page.locator("#fp-cmp .fp-cmp-open")
    expect(cells).to_have_count(4, timeout=ANSWERED_MS)
    expect(page.locator("#fp-cmp .fp-cmp-stop")).to_be_hidden()
    reach(page, cells.nth(2))
    page.keyboard.press("Enter")
    proof = page.locator(f"#{cells.nth(2).get_attribute('aria-controls')}")
    expect(proof).to_be_visible()
    page.keyboard.press("Escape")
    expect(proof).to_be_hidden()
    expect(cells.nth(2)).to_be_focused()


def test_what_changed_is_looked_back_at(page: Page) -> None:
    reach(page, page.get_by_role("tab", name="Ask"), "Shift+Tab")
    page.keyboard.press("3")
    expect(page.get_by_role("tab", name="Look back")).to_be_focused()
    reach(page, page.locator(".fp-lb-offer").first)
    page.keyboard.press("Enter")
    expect(page.locator("#fp-lb-body .fp-lb-change")).to_have_count(2, timeout=ANSWERED_MS)
    reach(page, page.locator("#fp-lb-topic"))
    page.keyboard.type("selling")
    page.keyboard.press("Enter")
    expect(page.locator("#fp-lb-body .fp-lb-change")).to_have_count(1)
    expect(page.locator("#fp-lb-body .fp-lb-change ins").first).to_contain_text("not")


def test_a_pasted_policy_is_asked_and_forgotten(page: Page) -> None:
    reach(page, page.locator(".fp-own-add > summary"), "Shift+Tab")
    page.keyboard.press("Enter")
    reach(page, page.locator(".fp-own textarea"))
    page.keyboard.insert_text(POLICY.replace("Acme Tools", "Zephyr Kites"))
    reach(page, page.locator(".fp-own-use"))
    page.keyboard.press("Enter")
    expect(page.locator("#fp-question textarea")).to_be_focused(timeout=ANSWERED_MS)
    page.keyboard.type("do they sell my data?")
    page.keyboard.press("Enter")
    expect(answered(page, 1).locator(".fp-about")).to_contain_text("Zephyr Kites")
    reach(page, page.locator(".fp-own-forget"), "Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".fp-own-line")).to_have_count(0)
