"""The web chat in a real browser, over the real service and the bundled samples."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parent.parent.parent
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
# What keeps Chromium itself from talking to anybody.
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
PERRICONE = "does Perricone MD share my data?"
DESKTOP = {"width": 1280, "height": 820}
PHONE = {"width": 390, "height": 844}
ANSWERED_MS = 60_000


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The running service with the samples."""
    index = tmp_path_factory.mktemp("index")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FINEPRINT_")}
    command = [sys.executable, "-m", "ui"]
    subprocess.run(
        [*command, "ingest", "--index", str(index)], cwd=ROOT, env=environment, check=True, capture_output=True
    )
    service = subprocess.Popen(
        [*command, "serve", "--port", "0", "--index", str(index)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert service.stdout is not None
    try:
        yield service.stdout.readline().split()[3]
    finally:
        service.terminate()
        service.communicate(timeout=30)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """The chat page; fails if anything but the service was asked for anything, or a script failed."""
    context = browser.new_context(viewport=DESKTOP, reduced_motion="reduce")
    page = context.new_page()
    requested: list[str] = []
    failures: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.goto(address)
    expect(page.locator("#fp-question textarea")).to_be_visible()
    yield page
    context.close()
    hosts = {urlsplit(url).netloc for url in requested if urlsplit(url).scheme not in ("data", "blob")}
    assert hosts == {urlsplit(address).netloc}
    assert failures == []


def ask(page: Page, question: str) -> None:
    """Asks and waits for the answer."""
    answers = page.locator(".fp-answer")
    before = answers.count()
    page.locator("#fp-question textarea").fill(question)
    page.locator("#fp-question textarea").press("Enter")
    expect(answers).to_have_count(before + 1, timeout=ANSWERED_MS)


def quotes(address: str, question: str, history: tuple[str, ...] = ()) -> list[str]:
    """The quotes that the API cites."""
    body = json.dumps({"question": question, "history": history}).encode()
    request = urllib.request.Request(f"{address}/api/v1/ask", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as response:
        return [citation["quote"] for citation in json.load(response)["citations"]]


def highlighted(page: Page, n: int) -> str:
    """The words of the proof panel that are marked for citation n."""
    return "".join(page.locator(f'#fp-proof mark[data-cites~="{n}"]').all_text_contents())


def test_the_first_citation_leads_to_its_highlighted_proof(page: Page, address: str) -> None:
    ask(page, PERRICONE)
    answer = page.locator(".fp-answer").last
    expect(answer.locator(".fp-verdict")).to_have_text("It depends")
    answer.locator(".fp-ref").first.click()
    mark = page.locator("#fp-proof mark.fp-current").first
    expect(mark).to_be_in_viewport()
    expect(mark).to_be_focused()
    assert highlighted(page, 1) == quotes(address, PERRICONE)[0]
    card = page.locator("#fp-proof .fp-card", has=page.locator("mark.fp-current"))
    expect(card).to_contain_text("Perricone MD as of 6 March 2011")
    link = card.locator("a.fp-source")
    assert (link.get_attribute("href") or "").startswith("https://web.archive.org/web/20110306")
    assert link.get_attribute("rel") == "noopener noreferrer"


def test_a_follow_up_remembers_the_company_and_an_older_answer_its_proof(page: Page, address: str) -> None:
    first, second = "does free people sell my email address?", "do they rent it?"
    ask(page, first)
    ask(page, second)
    answers = page.locator(".fp-answer")
    expect(answers.last).to_contain_text("Free People")
    answers.last.locator(".fp-ref").first.click()
    assert highlighted(page, 1) == quotes(address, second, (first,))[0]
    ask(page, PERRICONE)
    assert highlighted(page, 1) == quotes(address, PERRICONE)[0]
    answers.first.locator(".fp-ref").first.click()
    expect(page.locator("#fp-proof mark.fp-current").first).to_be_in_viewport()
    assert highlighted(page, 1) == quotes(address, first)[0]


def test_citations_work_from_the_keyboard(page: Page) -> None:
    ask(page, PERRICONE)
    page.locator(".fp-ref").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#fp-proof mark.fp-current").first).to_be_focused()


def test_an_unknown_company_is_said_and_a_choice_asks_again(page: Page) -> None:
    ask(page, "does Amazon share my data?")
    expect(page.locator(".fp-answer").last.locator(".fp-verdict")).to_have_text("Unknown company")
    page.locator("#fp-conversation .option", has_text="Free People").click()
    expect(page.locator(".fp-answer")).to_have_count(2, timeout=ANSWERED_MS)
    expect(page.locator("#fp-conversation .user").last).to_contain_text("does Free People share my data?")
    expect(page.locator("#fp-proof .fp-card").first).to_contain_text("Free People as of 5 December 2006")


def test_a_chosen_policy_is_what_a_question_is_about(page: Page) -> None:
    page.locator("#fp-picker input").click()
    page.get_by_role("option", name="Malleries").click()
    ask(page, "do they sell my information?")
    expect(page.locator("#fp-proof .fp-card").first).to_contain_text("Malleries as of 4 October 2012")


def test_a_question_about_all_is_answered_policy_by_policy(page: Page) -> None:
    ask(page, "which of these sites sell my email?")
    rows = page.locator(".fp-answer .fp-compare tbody tr")
    expect(rows).to_have_count(4)
    for row in rows.all():
        expect(row.locator(".fp-verdict")).not_to_be_empty()


def test_a_new_conversation_forgets_the_old_one(page: Page) -> None:
    ask(page, PERRICONE)
    page.locator("#fp-new").click()
    expect(page.locator(".fp-answer")).to_have_count(0)
    expect(page.locator("#fp-proof")).to_contain_text("The proof appears here.")
    ask(page, "do they rent it?")
    expect(page.locator(".fp-answer .fp-verdict")).to_have_text("Which company?")


def test_an_example_asks_itself(page: Page) -> None:
    page.locator("#fp-conversation .example").first.click()
    expect(page.locator(".fp-answer")).to_have_count(1, timeout=ANSWERED_MS)


def test_what_is_typed_is_shown_and_never_run(page: Page) -> None:
    hostile = 'do you share <img src="https://evil.example/x.png" onerror="window.pwned=1"> ${window.pwned=2} {{x}}'
    ask(page, hostile)
    expect(page.locator("#fp-conversation .user").last).to_contain_text(hostile)
    assert page.evaluate("window.pwned") is None
    assert page.locator("#fp-conversation img").count() == 0


def test_on_a_phone_the_proof_is_under_the_chat_and_nothing_is_cut_off(page: Page) -> None:
    page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    ask(page, PERRICONE)
    chat, proof = page.locator("#fp-chat").bounding_box(), page.locator("#fp-proof").bounding_box()
    assert chat is not None
    assert proof is not None
    assert proof["y"] >= chat["y"] + chat["height"]
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    page.locator(".fp-ref").first.click()
    expect(page.locator("#fp-proof mark.fp-current").first).to_be_in_viewport()
    page.locator("#fp-proof .fp-back").first.click()
    expect(page.locator(".fp-answer .fp-verdict")).to_be_in_viewport()
