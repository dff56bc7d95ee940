"""Comparing policies in a real browser, over the real service and the bundled samples."""

from __future__ import annotations

import csv
import io
import json
import re
import urllib.request
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.serving import ANSWERED_MS, PHONE

pytestmark = pytest.mark.browser

SELL = "do you sell my personal information?"
SITES = ["exofficio.com", "freepeople.com", "malleries.com", "perriconemd.com"]


def compared(page: Page, address: str, question: str | None, scopes: list[str]) -> None:
    """Opens the address of a comparison and waits for its last cell."""
    asked = {"view": "compare", "scope": scopes} | ({} if question is None else {"question": question})
    page.goto(f"{address}/?{urlencode(asked, doseq=True)}")
    finished(page)


def finished(page: Page) -> None:
    expect(page.locator("#fp-cmp .fp-cmp-open").first).to_be_visible(timeout=ANSWERED_MS)
    expect(page.locator('#fp-cmp td[data-kind="waiting"]')).to_have_count(0, timeout=ANSWERED_MS)
    expect(page.locator("#fp-cmp .fp-cmp-stop")).to_be_hidden(timeout=ANSWERED_MS)


def rows(page: Page) -> Locator:
    return page.locator("#fp-cmp tbody tr:visible")


def companies(page: Page) -> list[str]:
    return [row.get_attribute("data-policy") or "" for row in rows(page).all()]


def cell(page: Page, domain: str) -> Locator:
    return page.locator(f'#fp-cmp tr[data-policy^="{domain}@"] td[data-kind]')


def said(address: str, question: str) -> dict[str, dict[str, object]]:
    """What the API says of each of the samples."""
    query = urlencode({"question": question, "scope": SITES}, doseq=True)
    with urllib.request.urlopen(f"{address}/api/v1/compare?{query}", timeout=60) as response:
        return {entry["domain"]: entry for entry in json.load(response)["entries"]}


def test_with_the_keyboard_only_four_samples_are_chosen_asked_sorted_and_proven(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_role("tab", name="Compare").focus()
    page.keyboard.press("Enter")
    find = page.locator("#fp-cmp-picker-input")
    expect(page.locator("#fp-cmp-picker .fp-pick[data-ready]")).to_be_visible(timeout=30_000)
    for typed, company in (("perri", "Perricone MD"), ("free", "Free People")):
        find.focus()
        page.keyboard.type(typed)
        expect(page.locator("#fp-cmp-picker-list [role=option]").first).to_contain_text(company)
        page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    page.locator("#fp-cmp .fp-cmp-all").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#fp-cmp-picker .fp-pick-chip")).to_have_count(4)
    page.locator("#fp-cmp-question").focus()
    page.keyboard.type(SELL)
    page.keyboard.press("Enter")
    finished(page)
    expect(page.locator('#fp-cmp [role="status"]')).to_contain_text("4 of 4")

    assert parse_qs(urlsplit(page.url).query, keep_blank_values=True)["question"] == [""]  # what is typed stays here
    page.reload()
    finished(page)
    expect(page.locator("#fp-cmp-question")).to_have_value(SELL)

    expected = said(address, SELL)
    for domain, entry in expected.items():
        assert cell(page, domain).get_attribute("data-kind") == (entry["verdict"] or entry["status"])
    by_company = page.locator('#fp-cmp [data-sort="company"]')
    by_company.focus()
    page.keyboard.press("Enter")
    expect(by_company.locator("xpath=..")).to_have_attribute("aria-sort", "ascending")
    assert companies(page)[0].startswith("exofficio.com")
    page.keyboard.press("Enter")
    expect(by_company.locator("xpath=..")).to_have_attribute("aria-sort", "descending")
    assert companies(page)[0].startswith("perriconemd.com")

    opens = cell(page, "freepeople.com").locator(".fp-cmp-open")
    opens.focus()
    page.keyboard.press("Enter")
    expect(opens).to_have_attribute("aria-expanded", "true")
    proof = page.locator(f"#{opens.get_attribute('aria-controls')}")
    quotes = [citation["quote"] for citation in expected["freepeople.com"]["citations"]]  # type: ignore[attr-defined]
    assert proof.locator("blockquote").all_text_contents() == quotes
    page.keyboard.press("Tab")
    expect(proof.locator("a").first).to_be_focused()
    assert (proof.locator("a").first.get_attribute("href") or "").startswith("https://web.archive.org/web/20061205")
    page.keyboard.press("Escape")
    expect(proof).to_be_hidden()
    expect(opens).to_be_focused()


def test_an_address_restores_a_comparison_and_its_answers_open_in_ask(page: Page, address: str) -> None:
    compared(page, address, SELL, SITES)
    asked = parse_qs(urlsplit(page.url).query)
    assert asked["view"] == ["compare"]
    assert asked["question"] == [SELL]
    assert [scope.split("@")[0] for scope in asked["scope"]] == SITES
    page.locator("#fp-cmp-question").fill("do you use cookies?")
    page.locator("#fp-cmp-question").press("Enter")
    expect(page.locator("#fp-cmp th[data-column]")).to_contain_text("do you use cookies?")
    finished(page)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy link").click()
    expect(page.locator("#fp-cmp-note")).to_contain_text("Copied.")
    copied = parse_qs(urlsplit(page.evaluate("navigator.clipboard.readText()")).query)
    assert copied == asked | {"question": ["do you use cookies?"]}
    assert "cookies" not in page.url

    compared(page, address, SELL, SITES)
    cell(page, "malleries.com").hover()
    proof = cell(page, "malleries.com").locator(".fp-cmp-proof")
    expect(proof).to_be_visible()
    link = proof.locator('a[href^="?view=ask"]').get_attribute("href") or ""
    assert parse_qs(link.removeprefix("?")) == {"view": ["ask"], "policy": ["malleries.com@2012-10-04"], "q": [SELL]}
    page.mouse.move(5, 5)
    expect(proof).to_be_hidden()


def test_only_what_differs_is_shown_and_downloads_hold_what_is_shown(page: Page, address: str) -> None:
    compared(page, address, SELL, SITES)
    kinds = [one.get_attribute("data-kind") for one in page.locator("#fp-cmp td[data-kind]").all()]
    common = max(set(kinds), key=kinds.count)
    assert kinds.count(common) > len(kinds) / 2, "the samples no longer have a most common answer"
    page.get_by_label("Only what differs").check()
    expect(rows(page)).to_have_count(len(kinds) - kinds.count(common))
    expect(page.locator("#fp-cmp-how")).to_contain_text(f"Hidden: {kinds.count(common)}.")

    with page.expect_download() as download:
        page.get_by_role("button", name="Download CSV").click()
    data = Path(download.value.path()).read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    records = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    assert [record["policy"] for record in records] == companies(page)
    expected = said(address, SELL)
    for record in records:
        assert record["quotes"].splitlines() == [
            citation["quote"]
            for citation in expected[record["domain"]]["citations"]  # type: ignore[attr-defined]
        ]
    page.get_by_label("Only what differs").uncheck()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download Markdown").click()
    text = Path(download.value.path()).read_text(encoding="utf-8")
    assert re.findall(r"^\| ([^|]+) \(", text, re.M) == ["ExOfficio", "Free People", "Malleries", "Perricone MD"]


def test_the_whole_label_is_a_matrix_on_a_desk_and_cards_on_a_phone(page: Page, address: str) -> None:
    compared(page, address, None, SITES)
    heads = page.locator("#fp-cmp th[data-column]")
    count = heads.count()
    assert count >= 10
    expect(page.locator("#fp-cmp td[data-kind]")).to_have_count(4 * count)
    page.get_by_label("Only what differs").check()
    alike = 0
    for column in [head.get_attribute("data-column") for head in heads.all()]:
        cells = page.locator(f'#fp-cmp td[data-column="{column}"]')
        agree = len({one.get_attribute("data-kind") for one in cells.all()}) == 1
        alike += agree
        expect(page.locator(f'#fp-cmp th[data-column="{column}"]')).to_be_visible(visible=not agree)
    if alike:
        expect(page.locator("#fp-cmp-how")).to_contain_text(f"Hidden: {alike}.")

    page.set_viewport_size(PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    opens = page.locator("#fp-cmp .fp-cmp-open:visible").first
    opens.click()
    proof = page.locator(f"#{opens.get_attribute('aria-controls')}")
    expect(proof).to_be_visible()
    box, button = proof.bounding_box(), opens.bounding_box()
    assert box is not None
    assert button is not None
    assert box["y"] >= button["y"] + button["height"] - 8  # in the card, not over it
    assert box["x"] + box["width"] <= PHONE["width"]


def test_what_is_missing_is_said_and_a_pasted_list_is_chosen(page: Page, address: str) -> None:
    page.goto(f"{address}/?view=compare")
    go = page.locator("#fp-cmp .fp-cmp-go")
    note = page.locator("#fp-cmp-note")
    go.click()
    expect(note).to_have_text("Choose at least two policies.")
    paste = """(names) => {
      const data = new DataTransfer();
      data.setData("text", names);
      document.querySelector("#fp-cmp-picker-input").dispatchEvent(
        new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
    }"""
    page.evaluate(paste, "freepeople.com, nowhere.example;\nmalleries.com freepeople.com")
    expect(page.locator("#fp-cmp-picker .fp-pick-chip")).to_have_count(2)
    expect(note).to_contain_text("nowhere.example")
    go.click()
    expect(note).to_have_text("Type a question.")
    page.locator("#fp-cmp-question").fill("what is the weather in Paris?")
    go.click()
    expect(note).to_contain_text("not a question about privacy")
    expect(go).to_be_enabled()
    expect(page.locator("#fp-cmp .fp-cmp-result")).to_be_hidden()


def test_hostile_questions_are_shown_and_never_run(page: Page, address: str) -> None:
    hostile = 'do you share <img src="https://evil.example/x.png" onerror="window.pwned=1"> ${window.pwned=2} {{x}}?'
    compared(page, address, hostile, SITES[:2])
    expect(page.locator("#fp-cmp th[data-column]")).to_contain_text(hostile)
    assert page.evaluate("window.pwned") is None
    assert page.locator("#fp-cmp img").count() == 0
