"""Finding a policy, and what all views share, in a real browser."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import random
import re
import socket
import string
import threading
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, Route, expect

from qa.domain import PolicyCard
from qa.settings import Settings
from tests.conftest import SAMPLES
from tests.e2e.serving import ANSWERED_MS, DESKTOP, PHONE, ask, visiting
from tests.ui.fakes import PreparedAnswers
from ui.app import create_app
from ui.words import WORDS

pytestmark = pytest.mark.browser

PERRICONE = "perriconemd.com@2011-03-06"
Opener = Callable[..., Page]


@pytest.fixture
def opened(browser: Browser, address: str) -> Iterator[Opener]:
    """Opens the page in a browser of its own, or one as good as new."""
    with contextlib.ExitStack() as visits:

        def open_page(query: str = "", **context: Any) -> Page:
            page = visits.enter_context(visiting(browser, address, **context))
            page.goto(address + query)
            expect(page.locator('#fp-views [role="tab"]').first).to_be_visible()
            page.wait_for_function("document.querySelector('#fp-language')?.dataset.ready !== undefined")
            page.wait_for_function("document.querySelector('.fp-pick[data-ready]') !== null")
            return page

        yield open_page


def options(page: Page) -> list[str]:
    return page.locator("#fp-picker-list [role=option]").all_inner_texts()


def chosen(page: Page) -> str:
    return page.locator("#fp-picker-value textarea").input_value()


def view(page: Page) -> str | None:
    return page.locator('#fp-views [role="tab"][aria-selected="true"]').get_attribute("data-tab-id")


# --- the picker ------------------------------------------------------------------------------------------------------


def test_a_policy_is_found_and_chosen_with_the_keyboard_alone(opened: Opener) -> None:
    page = opened()
    expect(page.locator("#fp-question textarea")).to_be_focused()  # from the start
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("p")
    field = page.locator("#fp-picker-input")
    expect(field).to_be_focused()
    page.keyboard.type("peopl")
    expect(page.locator("#fp-picker .fp-pick-said")).to_have_text("Found: 1")
    first = page.locator("#fp-picker-list [role=option]").first
    expect(first).to_contain_text("freepeople.com")
    expect(first).to_contain_text("5 December 2006")
    expect(first).to_contain_text("2 versions")
    assert field.get_attribute("aria-activedescendant") == first.get_attribute("id")
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    assert chosen(page) == "freepeople.com@2003-02-01"
    expect(field).to_have_value("Free People · 1 February 2003")
    expect(field).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#fp-picker-list [role=option]").first).to_have_text("Let the question say")
    page.keyboard.press("Escape")
    assert chosen(page) == "freepeople.com@2003-02-01"
    page.locator("#fp-picker .fp-pick-clear").press("Enter")
    assert chosen(page) == ""
    ask(page, "do they sell my email?")
    expect(page.locator(".fp-answer .fp-verdict")).to_have_text("Which company?")


def test_the_question_never_takes_the_focus_from_a_reader_who_was_faster(opened: Opener) -> None:
    page = opened("?view=about")
    theme = page.locator("#fp-theme")
    theme.press("Shift")
    page.locator("#fp-view-ask-button").evaluate("(button) => button.click()")
    expect(page.locator("#fp-question textarea")).to_be_visible()
    page.wait_for_timeout(300)
    expect(theme).to_be_focused()


def test_what_an_older_keystroke_finds_never_replaces_what_a_newer_one_shows(opened: Opener) -> None:
    page = opened()
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route(lambda url: url.endswith("q=m"), hold)
    field = page.locator("#fp-picker-input")
    field.click()
    with page.expect_request(lambda request: request.url.endswith("q=m")):
        page.keyboard.type("m")
    field.fill("perri")
    expect(page.locator("#fp-picker-list [role=option]")).to_have_count(1)
    for route in held:
        route.fulfill(json={"sites": [], "total": 0, "limit": 20, "offset": 0})
    page.wait_for_timeout(200)
    assert held
    assert "Perricone MD" in options(page)[0]


def test_what_is_not_here_is_said_and_what_was_typed_is_never_run(opened: Opener) -> None:
    page = opened()
    field = page.locator("#fp-picker-input")
    field.click()
    field.fill('<img src=x onerror="window.pwned=1">')
    expect(page.locator("#fp-picker .fp-pick-note")).to_contain_text("Nothing here is called that")
    page.keyboard.press("Enter")
    assert chosen(page) == ""
    assert page.evaluate("window.pwned") is None
    page.route("**/api/v1/sites?*", lambda route: route.abort())
    field.fill("free")
    expect(page.locator("#fp-picker .fp-pick-note")).to_contain_text("Try again")


# --- the address -----------------------------------------------------------------------------------------------------


def test_a_link_restores_policy_and_question_and_asks_once(opened: Opener) -> None:
    page = opened(f"?{urlencode({'policy': PERRICONE, 'q': 'does it share my data'})}")
    expect(page.locator(".fp-answer[data-key]")).to_have_count(1, timeout=ANSWERED_MS)
    expect(page.locator("#fp-picker-input")).to_have_value("Perricone MD · 6 March 2011")
    expect(page.locator("#fp-conversation .user").last).to_contain_text("does it share my data")
    ask(page, "do they sell it?")
    expect(page.locator(".fp-answer[data-key]")).to_have_count(2)
    expect(page).to_have_url(re.compile(f"{re.escape(f'?policy={PERRICONE}')}$"))


def test_back_and_forward_restore_view_policy_and_answer_and_no_question_is_in_the_address(opened: Opener) -> None:
    page = opened()
    start = page.url
    ask(page, "does Perricone MD share my data?")
    ask(page, "does Free People sell my email address?")
    assert page.url == start
    expect(page.locator("#fp-proof .fp-card").first).to_contain_text("Free People")
    page.locator("#fp-picker-input").click()
    page.locator("#fp-picker-input").fill("mall")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{start}?policy=malleries.com@2012-10-04")
    page.locator("#fp-view-about-button").click()
    expect(page).to_have_url(f"{start}?view=about")
    page.go_back()
    expect(page.locator("#fp-view-ask")).to_be_visible()
    assert view(page) == "ask"
    assert chosen(page) == "malleries.com@2012-10-04"
    page.go_back()
    expect(page.locator("#fp-picker-input")).to_have_value("")
    page.go_back()
    expect(page.locator("#fp-proof .fp-card").first).to_contain_text("Perricone MD")
    page.go_forward()
    expect(page.locator("#fp-proof .fp-card").first).to_contain_text("Free People")


def test_a_copied_link_leads_to_the_same_answer(opened: Opener, address: str) -> None:
    page = opened(anew=True, permissions=["clipboard-read", "clipboard-write"])
    ask(page, "does Perricone MD share my data?")
    page.locator(".fp-answer .fp-link").click()
    expect(page.locator("#fp-said")).to_contain_text("Copied")
    link = page.evaluate("navigator.clipboard.readText()")
    assert link.startswith(f"{address}/?policy={PERRICONE}&q=does")
    verdict = page.locator(".fp-answer .fp-verdict").inner_text()
    page.goto(link)
    expect(page.locator(".fp-answer .fp-verdict")).to_have_text(verdict, timeout=ANSWERED_MS)


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"policy": "nobody.example", "q": "do they share it?"}, "not here: nobody.example"),
        ({"policy": "<img src=x onerror=window.pwned=1>", "q": "<script>window.pwned=1</script>"}, "not here: <img"),
        ({"policy": "own:somebody-elses", "q": "do they share it?"}, "not here: own:"),
        ({"q": "x" * 5_000}, "too long"),
        ({"policy": "y" * 4_000}, "not here"),
    ],
    ids=["unknown", "script", "own", "long", "huge"],
)
def test_a_link_that_cannot_be_followed_is_said_calmly_and_asks_nothing(
    opened: Opener, parameters: dict[str, str], told: str
) -> None:
    page = opened(f"?{urlencode(parameters)}")
    expect(page.locator("#fp-said")).to_contain_text(told)
    page.wait_for_timeout(300)
    assert page.locator(".fp-answer").count() == 0
    assert page.evaluate("window.pwned") is None
    assert page.locator("#fp-said img, #fp-said script").count() == 0


# --- language, light and dark, shortcuts, phone ----------------------------------------------------------------------


def test_the_page_speaks_the_browsers_language_and_remembers_another(opened: Opener) -> None:
    page = opened(locale="de-AT")
    expect(page.locator("#fp-view-compare-button")).to_have_text("Vergleichen")
    expect(page.locator("html")).to_have_attribute("lang", "de")
    # Gradio changes words in place where an answer is at work.
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<i id=step data-t=chat.finding>Finding</i>')")
    expect(page.locator("#step")).to_have_text(WORDS["chat.finding"]["de"])
    page.evaluate("step.setAttribute('data-t', 'chat.writing'); step.firstChild.data = 'Writing and checking'")
    expect(page.locator("#step")).to_have_text(WORDS["chat.writing"]["de"])
    expect(page.locator("#fp-question .submit-button")).to_have_text("Fragen")
    ask(page, "does Perricone MD share my data?")
    expect(page.locator(".fp-answer .fp-about")).to_contain_text("6. März 2011")
    page.locator("#fp-language").select_option("fr")
    expect(page.locator("#fp-view-compare-button")).to_have_text("Comparer")
    expect(page.locator("#fp-question .submit-button")).to_have_text("Demander")
    expect(page.locator(".fp-answer .fp-about")).to_contain_text("6 mars 2011")
    page.reload()
    expect(page.locator("#fp-view-compare-button")).to_have_text("Comparer")
    page.goto(f"{page.url}?lang=es")
    expect(page.locator("#fp-view-compare-button")).to_have_text("Comparar")
    expect(page.locator("html")).to_have_attribute("lang", "es")


def test_dark_is_chosen_remembered_and_there_before_anything_is_painted(opened: Opener) -> None:
    page = opened(anew=True, color_scheme="light")
    page.locator("#fp-theme").select_option("dark")
    expect(page.locator("body")).to_have_class("dark")
    ground = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(ground) == "rgb(23, 21, 19)"
    page.add_init_script(
        "document.addEventListener('readystatechange', () => { if (document.readyState === 'interactive') "
        f"window.firstGround = {ground}; }})"
    )
    page.reload()
    expect(page.locator("#fp-theme")).to_have_value("dark")
    assert page.evaluate("window.firstGround") == "rgb(23, 21, 19)"
    assert page.evaluate("document.body.classList.contains('dark')")
    page.locator("#fp-theme").select_option("system")
    expect(page.locator("body")).not_to_have_class("dark")
    page.emulate_media(color_scheme="dark")
    expect(page.locator("body")).to_have_class("dark")


def test_parameters_of_gradio_mean_nothing_here(opened: Opener, address: str) -> None:
    page = opened("?view=settings&__theme=dark&deep_link=x", color_scheme="light")
    assert page.url == f"{address}/?deep_link=x"
    assert view(page) == "ask"
    expect(page.locator("body")).not_to_have_class("dark")


def test_shortcuts_act_except_while_somebody_types_and_can_be_turned_off(opened: Opener) -> None:
    page = opened()
    question = page.locator("#fp-question textarea")
    question.fill("")
    question.press_sequentially("why 4 / p?")
    assert view(page) == "ask"
    expect(question).to_have_value("why 4 / p?")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("4")
    expect(page.locator("#fp-view-about-button")).to_be_focused()
    page.keyboard.press("/")
    expect(question).to_be_focused()
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(dialog).to_be_visible()
    page.locator("#fp-keys-on").uncheck()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("4")
    assert view(page) == "ask"
    page.keyboard.press("Control+k")
    expect(question).to_be_focused()


@pytest.mark.parametrize("locale", ["fr-FR", "es-ES"])
def test_on_a_phone_every_view_is_in_reach_and_nothing_is_cut_off(opened: Opener, locale: str) -> None:
    page = opened(viewport=PHONE, locale=locale, has_touch=True)
    for name in ("compare", "lookback", "about", "ask"):
        page.locator(f"#fp-view-{name}-button").tap()
        expect(page.locator(f"#fp-view-{name}")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    page.locator("#fp-picker-input").tap()
    page.locator("#fp-picker-list [role=option]").nth(1).tap()
    assert chosen(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


# --- ten thousand policies -------------------------------------------------------------------------------------------

KEYSTROKES = """async (words) => {
  const field = document.querySelector('#fp-picker-input');
  const list = document.querySelector('#fp-picker-list');
  field.focus();
  field.click();
  await new Promise((resolve) => setTimeout(resolve, 300));
  const took = [];
  for (const word of words)
    for (let length = 1; length <= word.length; length += 1) {
      const began = performance.now();
      const shown = new Promise((resolve) => {
        const watching = new MutationObserver(() => { watching.disconnect(); resolve(); });
        watching.observe(list, { childList: true });
      });
      field.value = word.slice(0, length);
      field.dispatchEvent(new Event('input', { bubbles: true }));
      await shown;
      took.push(performance.now() - began);
    }
  return took;
}"""


class Thousands(PreparedAnswers):
    """The samples' service with ten thousand policies to find."""

    listed: tuple[PolicyCard, ...] = ()

    def cards(self, query: str = "", limit: int | None = None) -> tuple[PolicyCard, ...]:
        return self.listed


@pytest.fixture(scope="module")
def crowded() -> Iterator[str]:
    chance = random.Random(5)
    names = [
        "blueberry",
        *("".join(chance.choices(string.ascii_lowercase, k=chance.randint(5, 16))) for _ in range(9_999)),
    ]
    answers = Thousands.from_samples(SAMPLES)
    day = dt.date(2015, 5, 5)
    answers.listed = tuple(PolicyCard(f"{n}.com@{day}", f"{n}.com", day, n.title(), (n,)) for n in names)
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(create_app(answers, Settings()), log_config=None, log_level="error", access_log=False)
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=10)


def test_with_ten_thousand_policies_a_keystroke_shows_its_results_at_once(browser: Browser, crowded: str) -> None:
    page = browser.new_page(viewport=DESKTOP)
    page.goto(crowded)
    page.wait_for_function("document.querySelector('.fp-pick[data-ready]') !== null")
    page.wait_for_timeout(500)
    # The machine may be busy with another worker's tests: the quietest of some rounds says what the page takes.
    rounds = []
    for words in (
        ["blueb", "ca", "me"],
        ["do", "ni", "su"],
        ["fa", "lo", "ti"],
        ["ga", "po", "ve"],
        ["hi", "ru", "ze"],
        ["je", "ko", "wa"],
        ["bi", "qu", "xo"],
        ["yu", "ed", "in"],
        ["or", "us", "ab"],
        ["el", "im", "op"],
    ):
        rounds.append(sorted(page.evaluate(KEYSTROKES, words)))
        if rounds[-1][len(rounds[-1]) // 2] < 50:
            break
        page.wait_for_timeout(1_500)
    page.close()
    assert min(took[len(took) // 2] for took in rounds) < 50, rounds


def test_many_policies_can_be_browsed_and_those_chosen_last_are_offered_first(browser: Browser, crowded: str) -> None:
    page = browser.new_page(viewport=DESKTOP, locale="en-US", reduced_motion="reduce")
    page.goto(crowded)
    page.wait_for_function("document.querySelector('.fp-pick[data-ready]') !== null")
    page.locator("#fp-picker-input").click()
    page.get_by_role("option", name="By first letter").click()
    page.get_by_role("option", name=re.compile(r"^B \d+$")).click()
    expect(page.locator("#fp-picker .fp-pick-said")).to_have_text(re.compile(r"^Found: \d+$"))
    page.get_by_role("option", name="Show more").click()
    expect(page.locator("#fp-picker-list .fp-pick-choose")).to_have_count(40)
    page.locator("#fp-picker-input").fill("blueberry")
    page.keyboard.press("Enter")  # before the list is there, as people do who know what they want
    expect(page.locator("#fp-picker-input")).to_have_value("Blueberry · 5 May 2015")
    assert json.loads(page.evaluate("localStorage.getItem('fineprint.recent')")) == ["blueberry.com@2015-05-05"]
    page.reload()
    page.wait_for_function("document.querySelector('.fp-pick[data-ready]') !== null")
    page.locator("#fp-picker .fp-pick-clear").click()
    page.locator("#fp-picker-input").click()
    recent = page.get_by_role("group", name="Recent")
    expect(recent.get_by_role("option").first).to_contain_text("Blueberry")
    recent.get_by_role("option", name="Clear recent").click()
    expect(recent).to_have_count(0)
    assert page.evaluate("localStorage.getItem('fineprint.recent')") is None
    page.close()
