"""The web chat in a real browser, over the real service and the bundled samples."""

from __future__ import annotations

import json
import re
import socket
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, Route, expect

from qa.settings import Settings
from tests.conftest import SAMPLES
from tests.e2e.serving import ANSWERED_MS, PHONE, ask, visiting
from tests.ui.fakes import PreparedAnswers
from ui.app import create_app

pytestmark = pytest.mark.browser

PERRICONE = "does Perricone MD share my data?"


@pytest.fixture
def slow() -> Iterator[tuple[str, PreparedAnswers]]:
    """The page over prepared answers that wait until they are told to go on."""
    answers = PreparedAnswers.from_samples(SAMPLES)
    answers.pause = threading.Event()
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        server = uvicorn.Server(uvicorn.Config(create_app(answers, Settings()), log_config=None, log_level="critical"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", answers
        answers.pause.set()
        server.should_exit = server.force_exit = True
        thread.join(30)


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """The chat page; fails if anything but the service was asked for anything, or a script failed."""
    with visiting(browser, address) as page:
        page.goto(address)
        expect(page.locator("#fp-question textarea")).to_be_visible()
        yield page


def quotes(address: str, question: str, history: tuple[str, ...] = ()) -> list[str]:
    """The quotes that the API cites."""
    body = json.dumps({"question": question, "history": history}).encode()
    request = urllib.request.Request(f"{address}/api/v1/ask", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as response:
        return [citation["quote"] for citation in json.load(response)["citations"]]


def policy_text(address: str, scope: str) -> str:
    """The text that the API has of a policy."""
    with urllib.request.urlopen(f"{address}/api/v1/policies/{scope}", timeout=60) as response:
        return str(json.load(response)["text"]).strip()


def highlighted(page: Page, n: int) -> str:
    """The words of the proof panel that are marked for citation n."""
    return "".join(page.locator(f'#fp-proof mark[data-cites~="{n}"]').all_text_contents())


def test_a_citation_leads_to_the_exact_quote_in_the_whole_policy(page: Page, address: str) -> None:
    ask(page, PERRICONE)
    answer = page.locator(".fp-answer").last
    expect(answer.locator(".fp-verdict")).to_have_text(re.compile("it depends", re.IGNORECASE))
    expect(answer.locator(".fp-about")).to_have_text("Perricone MD, policy as of 6 March 2011")
    answer.locator(".fp-ref").first.click()
    whole = page.locator("#fp-proof .fp-whole")
    mark = whole.locator("mark.fp-current").first
    expect(mark).to_be_in_viewport()
    expect(mark).to_be_focused()
    assert highlighted(page, 1) == quotes(address, PERRICONE)[0]
    expect(whole.locator(".fp-bar")).to_contain_text("Perricone MD as of 6 March 2011")
    expect(whole.locator(".fp-where")).to_have_text("Cited passage 1 (1/2)")
    text = whole.locator(".fp-text")
    assert (text.text_content() or "").strip() == policy_text(address, "perriconemd.com")
    assert "**" not in text.inner_text()
    link = whole.locator("a.fp-source")
    assert (link.get_attribute("href") or "").startswith("https://web.archive.org/web/20110306")
    assert link.get_attribute("rel") == "noopener noreferrer"


def test_the_whole_policy_is_got_about_in_with_the_keyboard_and_escape_leads_back(page: Page, address: str) -> None:
    ask(page, PERRICONE)
    page.locator(".fp-ref").first.focus()
    page.keyboard.press("Enter")
    whole = page.locator("#fp-proof .fp-whole")
    expect(whole.locator("mark.fp-current").first).to_be_focused()
    whole.get_by_role("button", name="Next cited passage").press("Enter")
    expect(whole.locator("mark.fp-current").first).to_be_in_viewport()
    current = "".join(whole.locator("mark.fp-current").all_text_contents())
    assert current == highlighted(page, 2) == quotes(address, PERRICONE)[1]
    whole.locator(".fp-outline summary").press("Enter")
    expect(whole.locator(".fp-outline a[aria-current]")).to_have_count(1)
    whole.get_by_role("link", name="Children Under 13").press("Enter")
    heading = whole.get_by_role("heading", name="Children Under 13")
    expect(heading).to_be_focused()
    expect(heading).to_be_in_viewport()
    page.keyboard.press("Escape")
    expect(page.locator(".fp-answer .fp-ref").first).to_be_focused()


def test_a_quote_is_copied_with_its_source_and_an_answer_with_its_citations(page: Page, address: str) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    ask(page, PERRICONE)
    page.locator(".fp-copy").click()
    expect(page.locator("#fp-copied")).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert all(f"“{quote}”" in copied for quote in quotes(address, PERRICONE))
    assert "as of 6 March 2011" in copied
    page.locator(".fp-ref").first.click()
    page.locator("#fp-proof .fp-quote").click()
    expect(page.locator("#fp-proof .fp-quote .fp-done")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith(
        f"“{quotes(address, PERRICONE)[0]}”\nPerricone MD (perriconemd.com), privacy policy, “How We Use"
    )
    assert "as of 6 March 2011.\nhttps://web.archive.org/" in copied


def test_what_is_offered_next_is_answered_from_the_same_policy(page: Page) -> None:
    ask(page, "does Free People sell my email address?")
    offered = page.locator(".fp-answer .fp-next button")
    expect(offered.first).to_be_visible(timeout=ANSWERED_MS)
    question = offered.first.inner_text()
    offered.first.click()
    expect(page.locator(".fp-answer")).to_have_count(2, timeout=ANSWERED_MS)
    expect(page.locator("#fp-conversation .user").last).to_have_text(question)
    answer = page.locator(".fp-answer").last
    expect(answer.locator(".fp-about")).to_contain_text("Free People")
    expect(answer.locator(".fp-ref").first).to_be_visible()


def test_a_question_can_be_edited_and_an_answer_be_asked_for_again(page: Page) -> None:
    ask(page, "does Free People sell my email & <b>address</b>?")
    ask(page, "do they rent it?")
    page.get_by_role("button", name="Edit").first.click()
    box = page.locator("#fp-conversation .edit-textarea")
    expect(box).to_have_value("does Free People sell my email & <b>address</b>?")
    box.fill(PERRICONE)
    page.get_by_role("button", name="Submit").first.click()
    expect(page.locator(".fp-answer")).to_have_count(1, timeout=ANSWERED_MS)
    expect(page.locator(".fp-answer .fp-about")).to_contain_text("Perricone MD")
    key = page.locator(".fp-answer").get_attribute("data-key")
    page.get_by_role("button", name="Retry").click()
    expect(page.locator(f'.fp-answer:not([data-key="{key}"])')).to_have_count(1, timeout=ANSWERED_MS)
    expect(page.locator("#fp-conversation .user")).to_have_text(PERRICONE)


def test_a_conversation_is_taken_along_as_markdown_json_and_a_page(page: Page, address: str) -> None:
    expect(page.locator(".fp-export")).to_be_hidden()
    ask(page, PERRICONE)
    ask(page, "wie lange behalten sie meine Daten?")
    quote = quotes(address, PERRICONE)[0]
    files = {}
    for name in ("Markdown", "JSON"):
        page.locator(".fp-export summary").click()
        with page.expect_download() as download:
            page.get_by_role("button", name=name, exact=True).click()
        files[name] = Path(download.value.path()).read_text(encoding="utf-8")
        assert download.value.suggested_filename.startswith("fineprint.")
    assert quote in files["Markdown"].replace("\\", "")
    turns = json.loads(files["JSON"])["turns"]
    assert turns[0]["answer"]["citations"][0]["quote"] == quote
    assert turns[1] == {
        "question": "wie lange behalten sie meine Daten?",
        "answer": None,
        "problem": "Please ask in English: the policies are in English, and only English questions are understood.",
    }
    page.locator(".fp-export summary").click()
    with page.context.expect_page() as opened:
        page.get_by_role("button", name="Page to print").click()
    expect(opened.value.locator("blockquote").first).to_have_text(quote)


def test_while_it_works_the_stages_show_and_it_can_be_stopped(
    browser: Browser, slow: tuple[str, PreparedAnswers]
) -> None:
    address, answers = slow
    with visiting(browser, address, anew=True) as page:
        page.goto(address)
        page.locator("#fp-question textarea").fill(PERRICONE)
        page.locator("#fp-question textarea").press("Enter")
        expect(page.locator(".fp-stages .fp-now")).to_have_text("Finding the policy")
        expect(page.locator("#fp-question textarea")).to_have_value("")
        page.get_by_role("button", name="Stop").click()
        expect(page.locator(".fp-working")).to_have_count(0)
        expect(page.locator(".fp-problem")).to_have_text("Stopped before there was an answer.")
        assert answers.pause is not None
        answers.pause.set()
        ask(page, PERRICONE)
        expect(page.locator(".fp-answer").last.locator(".fp-verdict")).to_have_text("It depends")
        expect(page.locator(".fp-answer")).to_have_count(2)


def test_who_is_not_let_in_just_now_reads_when_to_ask_again_and_keeps_the_question(page: Page, address: str) -> None:
    join = "**/gradio_api/queue/join*"
    page.goto(address)
    box = page.locator("#fp-question textarea")
    for status, after, words in (
        (429, "44", "Too many questions at once. Ask again in 44 seconds."),
        (503, "600", "There is no answer just now. Ask again in 10 minutes."),
    ):
        page.route(join, fulfilled(status, after))
        box.fill(PERRICONE)
        box.press("Enter")
        expect(page.get_by_role("alert")).to_have_text(words)
        expect(box).to_have_value(PERRICONE)
        expect(page.locator("#fp-question").get_by_role("button", name="Ask", exact=True)).to_be_visible()
        expect(page.get_by_text("Error", exact=True)).to_have_count(0)
        page.unroute(join)
    box.press("Enter")
    expect(page.locator(".fp-answer .fp-verdict")).to_be_visible(timeout=ANSWERED_MS)
    expect(page.locator("#fp-refused")).to_have_count(0)

    page.route(join, fulfilled(429, "44"))
    page.goto(f"{address}/?view=compare&scope=perriconemd.com&scope=freepeople.com")
    expect(page.locator(".fp-cmp-note")).to_have_text("Too many questions at once. Ask again in 44 seconds.")
    expect(page.get_by_role("button", name="Compare", exact=True)).to_be_enabled()


def fulfilled(status: int, after: str) -> Callable[[Route], None]:
    """Answers as the door does where it lets nobody in."""
    return lambda route: route.fulfill(status=status, headers={"Retry-After": after}, json={"detail": "Not now."})


def test_a_follow_up_remembers_the_company_and_an_older_answer_its_proof(page: Page, address: str) -> None:
    first, second = "does free people sell my email address?", "do they rent it?"
    ask(page, first)
    ask(page, second)
    answers = page.locator(".fp-answer")
    expect(answers.last).to_contain_text("Free People")
    answers.last.locator(".fp-ref").first.click()
    assert highlighted(page, 1) == quotes(address, second, (first,))[0]
    proof = page.locator("#fp-proof")
    ask(page, PERRICONE)
    expect(proof).to_contain_text("Perricone MD")
    assert highlighted(page, 1) == quotes(address, PERRICONE)[0]
    answers.first.locator(".fp-ref").first.click()
    expect(proof).to_contain_text("Free People")
    expect(page.locator("#fp-proof mark.fp-current").first).to_be_in_viewport()
    assert highlighted(page, 1) == quotes(address, first)[0]


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
    expect(page.locator("#fp-question textarea")).to_have_attribute("placeholder", re.compile("follow-up"))
    page.locator("#fp-new").click()
    expect(page.locator(".fp-answer")).to_have_count(0)
    expect(page.locator("#fp-proof")).to_contain_text("The proof appears here.")
    expect(page.locator("#fp-question textarea")).to_have_attribute("placeholder", re.compile("e.g. do they"))
    ask(page, "do they rent it?")
    expect(page.locator(".fp-answer .fp-verdict")).to_have_text("Which company?")


def test_an_example_asks_itself(page: Page) -> None:
    page.locator(".fp-begin button").first.click()
    expect(page.locator(".fp-answer")).to_have_count(1, timeout=ANSWERED_MS)


def test_what_is_typed_is_shown_and_never_run(page: Page) -> None:
    hostile = 'do you share <img src="https://evil.example/x.png" onerror="window.pwned=1"> ${window.pwned=2} {{x}}'
    ask(page, hostile)
    expect(page.locator("#fp-conversation .user").last).to_contain_text(hostile)
    assert page.evaluate("window.pwned") is None
    assert page.locator("#fp-conversation img").count() == 0


def test_on_a_phone_the_proof_is_under_the_chat_and_nothing_is_cut_off(page: Page) -> None:
    page.set_viewport_size(PHONE)
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
