"""The Look back view in a real browser, over the real service and a site with three versions."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.conftest import SAMPLES
from tests.e2e.serving import ANSWERED_MS, PHONE, Service, serving

pytestmark = pytest.mark.browser

SHOWN_MS = 20_000

OPENING = (
    "# Privacy Policy\n\nThis privacy policy explains how Acme Gardens collects, uses and protects personal "
    "information of the people who visit this website.\n\n## Information we collect\n\n"
    "We collect your name and e-mail address when you register or order. "
    "We use cookies to remember what is in your basket.\n\n"
)
CLOSING = "\n\n## Contact\n\nYou can write to our privacy office about your personal information at any time.\n"
VERSIONS = {
    "2008-02-01": "## Sharing\n\nWe may sell your personal information to other companies. Please order by fax.",
    "2012-06-15": "## Sharing\n\nWe do not sell your personal information to other companies. Please order by fax.",
    "2019-09-30": (
        "## Sharing\n\nWe do not sell your personal information to any other companies. Children under 13 may not "
        "register on this website."
    ),
}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The running service with three versions of one site and a sample."""
    texts = tmp_path_factory.mktemp("texts")
    for date, middle in VERSIONS.items():
        (texts / f"acmegardens.example__{date}.md").write_text(OPENING + middle + CLOSING, encoding="utf-8")
    shutil.copy(next(SAMPLES.glob("malleries*.md")), texts)
    with serving(tmp_path_factory.mktemp("index"), [texts]) as service:
        yield service


def state(page: Page) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def changes(page: Page) -> list[str]:
    return [text.split()[-1] for text in page.locator("#fp-lb-body .fp-lb-kind").all_inner_texts()]


def test_choosing_a_site_shows_what_changed_and_the_address_says_it(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_role("tab", name="Look back").click()
    page.locator(".fp-lb-offer", has_text="3 versions").click()
    expect(page.locator("#fp-lb-body .fp-lb-change")).to_have_count(3, timeout=SHOWN_MS)
    assert sorted(changes(page)) == ["Added", "Removed", "Reworded"]
    reworded = page.locator(".fp-lb-change.fp-lb-reworded")
    expect(reworded.locator("del")).to_contain_text("may")
    expect(reworded.locator("ins").first).to_contain_text("do not")
    assert state(page) == {
        "view": "lookback", "site": "acmegardens.example", "from": "2008-02-01", "to": "2019-09-30",
    }  # fmt: skip
    left, right = reworded.locator(".fp-lb-then").bounding_box(), reworded.locator(".fp-lb-now").bounding_box()
    assert left is not None
    assert right is not None
    assert left["x"] + left["width"] <= right["x"]


def test_a_link_restores_versions_and_topic(page: Page, address: str) -> None:
    page.goto(f"{address}/?view=lookback&site=acmegardens.example&from=2008-02-01&to=2012-06-15&about=selling")
    expect(page.locator("#fp-lb-body .fp-lb-change")).to_have_count(1, timeout=SHOWN_MS)
    expect(page.locator("#fp-lb-topic")).to_have_value("selling")
    expect(page.locator('.fp-lb-chip[data-topic="selling"]')).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#fp-lb-to-2012-06-15")).to_be_checked()
    assert state(page)["about"] == "selling"


def test_a_link_to_a_site_that_is_not_there_says_so_and_offers_others(page: Page, address: str) -> None:
    page.goto(f"{address}/?view=lookback&site=nowhere.example")
    expect(page.locator(".fp-lb-problem")).to_contain_text("nowhere.example", timeout=SHOWN_MS)
    page.locator(".fp-lb-offer").click()
    expect(page.locator("#fp-lb-body .fp-lb-change")).to_have_count(3, timeout=SHOWN_MS)


def test_versions_and_topics_are_chosen_from_the_keyboard(page: Page, address: str) -> None:
    page.goto(f"{address}/?view=lookback&site=acmegardens.example")
    expect(page.locator("#fp-lb-body .fp-lb-change")).to_have_count(3, timeout=SHOWN_MS)
    page.locator("#fp-lb-to-2019-09-30").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#fp-lb-body .fp-lb-change")).to_have_count(1)
    expect(page.locator("#fp-lb-to-2012-06-15")).to_be_focused()
    assert state(page)["to"] == "2012-06-15"
    page.locator("#fp-lb-topic").focus()
    page.keyboard.type("children")
    page.keyboard.press("Enter")
    expect(page.locator(".fp-lb-same")).to_contain_text("That is not a no.")
    expect(page.locator("#fp-lb-said")).to_have_text("0 unchanged")


def test_on_a_phone_before_stands_above_after_and_nothing_is_cut_off(page: Page, address: str) -> None:
    page.set_viewport_size(PHONE)
    page.goto(f"{address}/?view=lookback&site=acmegardens.example")
    expect(page.locator("#fp-lb-body .fp-lb-change")).to_have_count(3, timeout=SHOWN_MS)
    reworded = page.locator(".fp-lb-change.fp-lb-reworded")
    then, now = reworded.locator(".fp-lb-then").bounding_box(), reworded.locator(".fp-lb-now").bounding_box()
    assert then is not None
    assert now is not None
    assert then["y"] + then["height"] <= now["y"]
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_a_question_about_changes_is_answered_in_the_chat_with_both_versions(page: Page, address: str) -> None:
    page.goto(address)
    page.locator("#fp-question textarea").fill("did acmegardens.example change its policy on selling?")
    page.locator("#fp-question textarea").press("Enter")
    answer = page.locator(".fp-answer:has(.fp-ref)").last
    expect(answer.locator(".fp-verdict")).to_have_text("Yes", timeout=ANSWERED_MS)
    expect(answer).to_contain_text("1 February 2008")
    data = json.loads(answer.locator("template.fp-data").evaluate("(each) => each.content.textContent"))
    assert {citation["archived_on"] for citation in data["citations"]} == {"2008-02-01", "2019-09-30"}
    answer.locator(".fp-ref").nth(1).click()
    expect(page.locator("#fp-proof")).to_contain_text("2019")
    answer.locator("a.fp-lb-open").click()
    expect(page.locator("#fp-lb-body .fp-lb-change")).to_have_count(3, timeout=SHOWN_MS)
    assert state(page)["from"] == "2008-02-01"
    page.get_by_role("tab", name="Ask").click()
    expect(answer).to_be_visible()
