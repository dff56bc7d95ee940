"""A policy of the reader's own, and thumbs, in a real browser over the real service."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Request, expect

from tests.e2e.serving import ANSWERED_MS, Service, ask, visiting
from tests.ingest.making import POLICY

pytestmark = pytest.mark.browser

TEXT = POLICY.replace("Acme Tools", "Zephyr Kites")


@dataclass
class Visit:
    """A page with everything that it asked for."""

    page: Page
    requests: list[Request] = field(default_factory=list)

    def bodies(self, path: str) -> list[dict[str, object]]:
        return [json.loads(each.post_data or "{}") for each in self.requests if urlsplit(each.url).path == path]


@pytest.fixture
def visit(browser: Browser, service: Service) -> Iterator[Visit]:
    """The chat page; fails if another host was asked for anything, a script failed, or a token stood in an address."""
    with visiting(browser, service.address, locale="en-GB") as page:
        visit = Visit(page)
        page.context.on("request", lambda request: visit.requests.append(request))  # noqa: PLW0108 - a builtin cannot listen
        page.goto(service.address)
        expect(page.locator(".fp-own[data-ready]")).to_be_attached()
        yield visit
        addresses = [each.url for each in visit.requests] + [page.url]
    assert [url for url in addresses if "own:" in url or "own%3A" in url] == []


def bring(page: Page, text: str) -> None:
    page.locator(".fp-own-add > summary").click()
    page.locator(".fp-own textarea").fill(text)
    page.locator(".fp-own-use").click()
    expect(page.locator(".fp-own-line.fp-own-asked")).to_be_visible(timeout=ANSWERED_MS)


def kept(service: Service) -> set[tuple[str | None, ...]]:
    """What the service has kept of what readers thought."""
    file = service.index / "feedback.sqlite3"
    if not file.exists():
        return set()
    with closing(sqlite3.connect(file)) as connection:
        return set(connection.execute("SELECT rating, question, comment FROM feedback"))


def test_a_pasted_policy_is_asked_proven_and_forgotten(visit: Visit) -> None:
    page = visit.page
    bring(page, TEXT)
    expect(page.locator(".fp-own-line")).to_contain_text("Your policy: Zephyr Kites")
    expect(page.locator(".fp-own-line")).to_contain_text("only in this session")
    expect(page.locator("#fp-question textarea")).to_be_focused()
    expect(page.locator("#fp-glance .fp-label")).to_contain_text("Zephyr Kites", timeout=ANSWERED_MS)
    ask(page, "do they sell my data?")
    answer = page.locator(".fp-answer").last
    expect(answer.locator(".fp-verdict")).to_have_text("No")
    answer.locator(".fp-ref").first.click()
    whole = page.locator("#fp-proof .fp-whole")
    expect(whole).to_contain_text("fill your cart again")
    marked = "".join(page.locator('#fp-proof mark[data-cites~="1"]').all_text_contents())
    assert "sell your personal information to anybody" in marked
    ask(page, "and rent it?")
    expect(page.locator(".fp-answer").last).to_contain_text("Zephyr Kites")
    ask(page, "does Perricone MD share my data?")
    expect(page.locator(".fp-answer").last).to_contain_text("6 March 2011")

    page.locator(".fp-own-forget").click()
    expect(page.locator(".fp-own-told")).to_have_text("Zephyr Kites is forgotten: nothing of it is kept.")
    expect(page.locator(".fp-own-line")).to_have_count(0)
    expect(page.locator("#fp-picker .fp-pick-input")).to_have_value("")
    (forgotten,) = visit.bodies("/own/forget")
    status = page.evaluate(
        "body => fetch('own/view', {method: 'POST', headers: {'Content-Type': 'application/json'}, body})"
        ".then(response => response.status)",
        json.dumps(forgotten),
    )
    assert status == 404


def test_a_reload_keeps_it_and_another_tab_has_nothing_of_it(visit: Visit, service: Service) -> None:
    bring(visit.page, TEXT)
    visit.page.reload()
    expect(visit.page.locator(".fp-own-line")).to_contain_text("Zephyr Kites", timeout=ANSWERED_MS)
    other = visit.page.context.new_page()
    other.goto(service.address)
    expect(other.locator(".fp-own[data-ready]")).to_be_attached()
    expect(other.locator(".fp-own-line")).to_have_count(0)
    other.close()


def test_a_file_is_taken_and_what_cannot_be_read_is_said_before_or_after_sending(visit: Visit) -> None:
    page = visit.page
    page.locator(".fp-own-add > summary").click()
    chooser, problem = page.locator('.fp-own input[type="file"]'), page.locator(".fp-own-problem")

    def choose(name: str, data: bytes) -> None:
        chooser.set_input_files({"name": name, "mimeType": "text/plain", "buffer": data})

    choose("policy.txt", b"x" * 2_100_000)
    expect(problem).to_contain_text("2,051 KB; at most 1,954 KB")
    page.locator(".fp-own-use").click()
    expect(problem).to_contain_text("Paste a text")
    assert visit.bodies("/own/add") == []
    choose("policy.pdf", b"%PDF-1.7")
    expect(problem).to_contain_text("The PDF is damaged")
    page.locator(".fp-own textarea").fill("https://example.com/privacy")
    page.locator(".fp-own-use").click()
    expect(problem).to_contain_text("only an address")
    page.locator(".fp-own textarea").fill("We share data.")
    page.locator(".fp-own-use").click()
    expect(problem).to_contain_text("too short")
    page.locator('.fp-own input[name="company"]').fill("Kites & <b>Sons</b>")
    page.locator('.fp-own input[name="date"]').fill("2012-03-04")
    choose("policy.md", TEXT.encode("utf-16"))
    expect(page.locator(".fp-own-line")).to_contain_text("Kites & Sons · 4 March 2012", timeout=ANSWERED_MS)


def test_a_hostile_policy_runs_nothing_and_loads_nothing(visit: Visit) -> None:
    page = visit.page
    hostile = (
        TEXT + '\n\n<script>window.pwned=1</script> We use cookies <img src="https://evil.example/x" '
        'onerror="window.pwned=2"> ![c](https://evil.example/y.png) [our cookies](javascript:window.pwned=3) '
        "${window.pwned=4} {{window.pwned=5}} to track your personal data.\n"
    )
    bring(page, hostile)
    ask(page, "do they use cookies to track my data?")
    page.locator(".fp-answer .fp-ref").first.click()
    expect(page.locator("#fp-proof .fp-whole")).to_contain_text("window.pwned=1")
    assert page.evaluate("window.pwned") is None
    assert page.locator("#fp-proof img, .fp-answer img, #fp-proof script, a[href^='javascript']").count() == 0


def test_a_thumb_sends_no_text_unless_the_box_is_ticked(visit: Visit, service: Service) -> None:
    page, before = visit.page, kept(service)
    question = "does Perricone MD share my data?"
    ask(page, question)
    part = page.locator(".fp-answer .fp-fb").last
    part.locator(".fp-fb-down").click()
    expect(part.locator(".fp-fb-said")).to_contain_text("Nothing that you typed")
    expect(part.locator(".fp-fb-down")).to_have_attribute("aria-pressed", "true")
    expect(part.locator('input[name="consent"]')).not_to_be_checked()
    (first,) = visit.bodies("/api/v1/feedback")
    assert question not in json.dumps(first)
    part.locator('input[name="wrong"]').first.check()
    part.locator('input[name="consent"]').check()
    part.locator('textarea[name="comment"]').fill("It is about something else.")
    part.locator('button[type="submit"]').click()
    expect(part.locator(".fp-fb-said")).to_contain_text("Your question and your comment are kept")
    _, second = visit.bodies("/api/v1/feedback")
    assert (second["question"], second["reason"]) == (question, "wrong_quote")
    assert kept(service) - before == {("down", question, "It is about something else.")}
