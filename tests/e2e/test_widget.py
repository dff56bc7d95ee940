"""The widget on a support site of another origin, under the strictest policy that a site may have."""

from __future__ import annotations

import html
import json
import re
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, Route, expect

from tests.e2e.serving import ANSWERED_MS, DESKTOP, PHONE, Service, serving, visiting
from tests.hostile import HOST, HOSTILE
from ui.widget import DEMO_FILES, KINDS, SCRIPT
from ui.widget.__main__ import strict_policy
from ui.widget.words import widget_words

pytestmark = pytest.mark.browser

SCOPE = "perriconemd.com"
QUESTION = "do you sell my personal information?"
WORDS = widget_words()["en"]
# What a page sees: its own storage, cookies, and every violation of its Content-Security-Policy.
WATCHING = """
window.violations = [];
window.told = [];
document.addEventListener("securitypolicyviolation", (event) =>
  violations.push([event.violatedDirective, event.blockedURI]));
for (const name of ["ready", "open", "close", "ask", "answer", "error"])
  document.addEventListener("fineprint:" + name, ({ detail }) => told.push([name, detail]));
"""
# Rules that a careless page has, or a hostile one.
CARELESS = """
* { font-size: 40px !important; color: red !important; letter-spacing: 9px !important; }
div, section, button, textarea, main, fineprint-widget { display: none !important; visibility: hidden !important; }
:root, body { --paper: red; --ink: red; transform: translateX(40px); filter: blur(1px); opacity: .2; }
p { transform: rotate(10deg) !important; all: unset !important; }
"""
MADE = {
    "article", "b", "blockquote", "button", "details", "div", "form", "h2", "h3", "header", "li", "mark", "ol", "p",
    "path", "section", "span", "summary", "svg", "textarea",
}  # fmt: skip


class Site(ThreadingHTTPServer):
    """The demo's support site on an origin of its own, with the widget as ``put`` says."""

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Pages)
        self.address = f"http://127.0.0.1:{self.server_port}"
        self.widget = ""
        self.policy = ""

    def put(self, service: Service, more: str = "", policy: str = "", **attributes: str) -> str:
        """Has every page include the widget with these attributes; the address of the first page."""
        given = "".join(f' data-{name}="{html.escape(value)}"' for name, value in attributes.items())
        self.widget = f'<script async src="{service.address}{SCRIPT}"{given}></script>{more}'
        self.policy = strict_policy(service.address) + policy
        return f"{self.address}/"


class Pages(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        path = DEMO_FILES[self.path.removeprefix("/") or "index.html"]
        text = re.sub("<script async [^>]*></script>", lambda _: self.server.widget, path.read_text(encoding="utf-8"))
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", f"{KINDS[path.suffix]}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", self.server.policy)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """No access log."""


Sites = tuple[Service, Site, Site]


@contextmanager
def site() -> Iterator[Site]:
    with Site() as made:
        thread = threading.Thread(target=made.serve_forever)
        thread.start()
        try:
            yield made
        finally:
            made.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def sites(samples: Service) -> Iterator[Sites]:
    """The service, a site that may ask about one policy, and one that may not ask."""
    with (
        site() as shop,
        site() as stranger,
        serving(samples.index, environment={"FINEPRINT_ALLOWED_ORIGINS": f"{shop.address}={SCOPE}"}) as service,
    ):
        yield service, shop, stranger


@contextmanager
def on_site(browser: Browser, service: Service, site: Site, **context: Any) -> Iterator[Page]:
    """A page that watches, on a site; fails if anything was stored, a policy violated, or a third host asked."""
    with visiting(browser, service.address, also=(site.address,), anew=True, **context) as page:
        page.add_init_script(WATCHING)
        yield page
        assert page.evaluate("violations") == []
        assert page.evaluate("[document.cookie, localStorage.length, sessionStorage.length]") == ["", 0, 0]
        assert page.context.cookies() == []


def answer_of(service: Service, question: str) -> dict[str, Any]:
    body = json.dumps({"question": question, "scope": SCOPE}).encode()
    request = urllib.request.Request(
        f"{service.address}/api/v1/ask", body, {"Content-Type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(request) as response:
        found: dict[str, Any] = json.load(response)
        return found


def launcher(page: Page) -> Locator:
    return page.locator("fineprint-widget .launcher")


def panel(page: Page) -> Locator:
    return page.get_by_role("dialog", name=WORDS["title"])


def ask(page: Page, question: str) -> Locator:
    """Asks from the keyboard and waits for the answer, or for why there is none."""
    replies = page.locator("fineprint-widget .reply")
    before = replies.count()
    page.locator("fineprint-widget textarea").fill(question)
    page.keyboard.press("Enter")
    expect(replies).to_have_count(before + 1)
    reply = replies.nth(before)
    expect(reply.locator(".stage")).to_have_count(0, timeout=ANSWERED_MS)
    return reply


def fulfilled(**response: Any) -> Callable[[Route], None]:
    """Answers a request instead of the service."""
    return lambda route: route.fulfill(**response)


def violations(page: Page) -> list[tuple[str, str]]:
    """All that axe finds, whatever its impact."""
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [(rule["id"], node["html"][:200]) for rule in found for node in rule["nodes"]]


def test_a_support_page_gets_an_answer_with_its_proof(browser: Browser, sites: Sites) -> None:
    service, shop, _ = sites
    with on_site(browser, service, shop, viewport=DESKTOP) as page:
        page.goto(shop.put(service, scope=SCOPE))
        page.get_by_role("link", name="Privacy", exact=True).focus()
        expect(launcher(page)).to_have_attribute("aria-expanded", "false")
        assert page.evaluate("document.activeElement.textContent") == "Privacy"  # nobody is pulled away
        launcher(page).focus()
        page.keyboard.press("Enter")
        dialog = panel(page)
        field = dialog.locator("textarea")
        expect(field).to_be_focused()
        expect(dialog.locator(".about")).to_have_text("Perricone MD, policy as of 6 March 2011")
        expect(dialog.locator(".hello .chip").first).to_be_visible(timeout=ANSWERED_MS)
        assert violations(page) == []

        reply = ask(page, QUESTION)
        told = answer_of(service, QUESTION)
        words = reply.locator(".words").inner_text()
        assert re.sub(r"[^\w]", "", words) in re.sub(r"[^\w]", "", told["text"])
        expect(reply.locator(".verdict")).to_have_text(re.compile(r"^(Perhaps )?(yes|no|it depends)$", re.IGNORECASE))
        expect(reply.locator(".source")).to_contain_text("6 March 2011")
        expect(reply.locator(".row")).to_have_count(len(told["citations"]))
        for at, citation in enumerate(told["citations"]):
            reference = reply.get_by_role("button", name=f"Show proof {citation['n']}")
            reference.focus()
            page.keyboard.press("Enter")
            expect(reference).to_have_attribute("aria-expanded", "true")
            body = reply.locator(".body").nth(at)
            assert body.locator("mark").inner_text() == citation["quote"]
            expect(body.locator("blockquote")).not_to_have_text(citation["quote"])  # and what stands around it
            link = body.locator("a")
            assert link.get_attribute("href") == citation["url"]
            assert link.get_attribute("rel") == "noopener noreferrer"
        expect(reply.locator(".next .chip").first).to_be_visible(timeout=ANSWERED_MS)
        assert violations(page) == []

        reply.locator(".next .chip").first.click()
        expect(dialog.locator(".reply")).to_have_count(2)
        expect(dialog.locator(".reply .verdict")).to_have_count(2, timeout=ANSWERED_MS)
        expect(dialog.locator('[role="status"]')).not_to_contain_text("[1]")
        happened = page.evaluate("told")
        assert [name for name, _ in happened] == ["ready", "open", "ask", "answer", "ask", "answer"]
        assert happened[3][1] == {
            "status": told["status"], "verdict": told["verdict"], "citations": len(told["citations"]),
            "policies": told["policies"],
        }  # fmt: skip
        assert QUESTION not in json.dumps(happened)

        field.focus()
        page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()
        expect(launcher(page)).to_be_focused()
        page.evaluate("Fineprint.open()")
        expect(dialog.locator(".reply")).to_have_count(2)
        dialog.get_by_role("button", name="New conversation").click()
        expect(dialog.locator(".reply")).to_have_count(0)


def test_on_a_phone_it_fills_the_screen_and_keeps_the_focus(browser: Browser, sites: Sites) -> None:
    service, shop, _ = sites
    with on_site(browser, service, shop, viewport=PHONE, color_scheme="dark") as page:
        page.goto(shop.put(service, scope=SCOPE, accent="#ffee33", open="", lang="en"))
        expect(launcher(page)).to_be_visible()  # and not open: it would cover the page
        launcher(page).click()
        dialog = panel(page)
        expect(dialog).to_have_attribute("aria-modal", "true")
        assert dialog.bounding_box() == {"x": 0, "y": 0, **PHONE}
        reply = ask(page, "how long do you keep my data?")
        expect(reply.locator(".verdict")).to_contain_text(re.compile("not stated", re.IGNORECASE))
        expect(reply.locator(".reference")).to_have_count(0)  # silence is proven by nothing
        reply.locator(".row").first.click()
        expect(reply.locator("mark").first).to_be_visible()
        expect(reply.locator(".next .chip").first).to_be_visible(timeout=ANSWERED_MS)
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        inside = "document.activeElement.localName === 'fineprint-widget'"
        for key in ("Tab", "Shift+Tab"):
            for _ in range(dialog.locator("button, a, textarea, summary").count() + 2):
                page.keyboard.press(key)
                assert page.evaluate(inside)
        page.keyboard.press("Escape")
        expect(launcher(page)).to_be_focused()
        expect(launcher(page)).to_have_css("background-color", "rgb(255, 238, 51)")
        expect(launcher(page)).to_have_css("color", "rgb(12, 20, 19)")


def test_what_goes_wrong_is_one_line_and_can_be_tried_again(browser: Browser, sites: Sites) -> None:
    service, shop, _ = sites
    stream = f"{service.address}/api/v1/ask/stream"
    with on_site(browser, service, shop) as page:
        page.goto(shop.put(service, scope=SCOPE))
        launcher(page).click()
        page.route(stream, lambda _: None)  # the answer is long in coming
        page.locator("fineprint-widget textarea").fill(QUESTION)
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Stop").click()
        expect(page.locator("fineprint-widget .problem")).to_have_text(WORDS["stopped"])
        expect(page.get_by_role("button", name="Ask", exact=True)).to_be_visible()

        origin = {"Access-Control-Allow-Origin": shop.address, "Access-Control-Expose-Headers": "Retry-After"}
        for status, headers, code, words in (
            (429, {"Retry-After": "7"}, "rate_limited", WORDS["too_many"].format(when="in 7 seconds")),
            (503, {"Retry-After": "600"}, "busy", WORDS["busy"].format(when="in 10 minutes")),
            (500, {}, "internal_error", WORDS["broken"]),
            (422, {}, "invalid_question", "The question is <b>too</b> long."),
        ):
            document = json.dumps({"status": status, "code": code, "detail": "The question is <b>too</b> long."})
            refusal = {
                "status": status, "headers": {**origin, **headers}, "content_type": "application/problem+json",
                "body": document,
            }  # fmt: skip
            page.unroute(stream)
            page.route(stream, fulfilled(**refusal))
            reply = ask(page, QUESTION)
            expect(reply.locator(".problem")).to_have_text(words)
            assert page.evaluate("told.at(-1)") == ["error", {"status": status, "code": code}]
        page.unroute(stream)
        event = 'event: stage\ndata: {"name": "routing", "policies": [], "sentences": 0}\n\n'
        page.route(stream, fulfilled(headers=origin, content_type="text/event-stream", body=event))
        expect(ask(page, QUESTION).locator(".problem")).to_have_text(WORDS["broken"])  # an answer that breaks off
        page.unroute(stream)
        page.context.set_offline(True)
        reply = ask(page, QUESTION)
        expect(reply.locator(".problem")).to_have_text(WORDS["unreachable"])
        page.context.set_offline(False)
        reply.get_by_role("button", name=WORDS["retry"]).click()
        expect(page.locator("fineprint-widget .verdict")).to_be_visible(timeout=ANSWERED_MS)
        expect(page.locator('fineprint-widget [role="status"]')).to_contain_text("Perricone MD")


def test_a_site_gets_what_it_was_given_and_nothing_else(browser: Browser, sites: Sites) -> None:
    service, shop, stranger = sites
    with on_site(browser, service, stranger) as page:
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.goto(stranger.put(service, scope=SCOPE))
        launcher(page).click()
        reply = ask(page, QUESTION)
        expect(reply).to_have_text(WORDS["forbidden"])
        expect(page.locator("fineprint-widget .about")).to_be_empty()
        assert any(f"{stranger.address} may not ask" in line and "FINEPRINT_ALLOWED_ORIGINS" in line for line in said)
        framed = f'<iframe src="{service.address}/embed?scope={SCOPE}"></iframe>'
        page.goto(stranger.put(service, framed, f"; frame-src {service.address}"))
        expect(page.frame_locator("iframe").locator("fineprint-widget")).to_have_count(0)
    with on_site(browser, service, shop) as page:
        page.goto(shop.put(service, scope="freepeople.com"))
        launcher(page).click()
        expect(ask(page, QUESTION)).to_have_text(WORDS["forbidden_scope"])
        expect(page.locator("fineprint-widget .about")).to_be_empty()
        assert page.evaluate("told.at(-1)") == ["error", {"status": 403, "code": "scope_forbidden"}]
        page.goto(shop.put(service, framed, f"; frame-src {service.address}", scope=SCOPE))
        frame = page.frame_locator("iframe")
        expect(frame.locator(".about")).to_contain_text("Perricone MD")
        expect(frame.locator(".launcher")).to_be_hidden()
        frame.locator("textarea").fill(QUESTION)
        frame.locator("textarea").press("Enter")
        expect(frame.locator(".verdict")).to_be_visible(timeout=ANSWERED_MS)


def test_a_company_chosen_from_the_keyboard_is_asked_about_and_the_focus_stays_inside(
    browser: Browser, sites: Sites
) -> None:
    service, shop, _ = sites
    with on_site(browser, service, shop) as page:
        page.goto(shop.put(service))
        launcher(page).click()
        said = page.locator('fineprint-widget [role="status"]')
        reply = ask(page, "does Amazon sell my personal information?")
        expect(reply.locator(".verdict")).to_have_text(WORDS["is_unknown_company"])
        reply.get_by_role("button", name="Perricone MD").focus()
        page.keyboard.press("Enter")
        replies = page.locator("fineprint-widget .reply")
        expect(replies.nth(1).locator(".row").first).to_be_visible(timeout=ANSWERED_MS)
        expect(page.locator("fineprint-widget .asked").nth(1)).to_have_text("Perricone MD")
        expect(replies.nth(1).locator(".warning")).to_contain_text("no policy of Amazon")
        expect(said).to_contain_text("no policy of Amazon")  # whoever hears it must not miss whose policy it is
        expect(said).not_to_contain_text("No. No.")
        expect(ask(page, "and do you rent it?").locator(".source")).to_contain_text("Perricone MD")

        chip = replies.nth(2).locator(".next .chip").first
        chip.focus()  # is gone when it has been pressed, and the focus with it
        page.keyboard.press("Enter")
        expect(replies).to_have_count(4)
        assert page.evaluate("document.activeElement.localName") == "fineprint-widget"
        page.keyboard.press("Escape")
        expect(launcher(page)).to_be_focused()


def test_careless_styles_and_hostile_texts_change_nothing(browser: Browser, sites: Sites) -> None:
    service, shop, _ = sites
    bad = "\n".join(HOSTILE)
    source = {"n": 1, "policy_id": "x@2011-03-06", "company": bad, "domain": "x", "archived_on": bad, "section": bad,
              "quote": bad, "start": 0, "end": 9, "url": "javascript:window.pwned=1"}  # fmt: skip
    part = {
        "status": "answered",
        "verdict": "yes",
        "text": f"{bad} [1]. {bad}",
        "citations": [source],
        "confidence": 0.9,
    }
    answer = {**part, "question": bad, "related": [], "parts": [{**part, "question": bad}], "entries": [],
              "policies": [bad, bad], "warnings": [bad], "choices": [{"label": bad, "scope": bad}]}  # fmt: skip
    events = [("citation", source), ("token", {"text": part["text"]}), ("answer", answer)]
    stream = "".join(f"event: {name}\ndata: {json.dumps(data)}\n\n" for name, data in events)
    with on_site(browser, service, shop) as page:
        twice = f'<script async src="{service.address}{SCRIPT}" data-scope="freepeople.com"></script>'
        page.goto(shop.put(service, twice, title=bad, greeting=bad, accent=bad, lang=bad, theme=bad, position=bad))
        expect(launcher(page)).to_be_visible()
        page.evaluate(
            "css => { const s = new CSSStyleSheet(); s.replaceSync(css); document.adoptedStyleSheets = [s]; }",
            CARELESS,
        )
        expect(page.locator("fineprint-widget")).to_have_count(1)
        expect(launcher(page)).to_be_visible()
        launcher(page).click()
        dialog = page.get_by_role("dialog")
        expect(dialog.locator(".hello p").first).to_have_css("font-size", "16px")
        expect(dialog.locator(".hello p").first).not_to_have_css("color", "rgb(255, 0, 0)")
        box = dialog.bounding_box()
        assert box is not None
        assert DESKTOP["width"] - 40 < box["x"] + box["width"] < DESKTOP["width"]
        origin = {"Access-Control-Allow-Origin": shop.address}
        given = fulfilled(headers=origin, content_type="text/event-stream", body=stream)
        page.route(f"{service.address}/api/v1/ask/stream", given)
        reply = ask(page, bad[:2_000])
        reply.locator(".reference").first.click()
        expect(reply.locator("mark")).to_be_visible()
        expect(reply.locator("a")).to_have_count(0)
        assert page.evaluate("window.pwned") is None
        inside = page.locator("fineprint-widget").evaluate(
            "widget => [...widget.shadowRoot.querySelectorAll('*')].map((each) => each.localName)"
        )
        assert set(inside) <= MADE
        assert HOST in reply.inner_text()


def test_it_speaks_the_page_s_language_and_remembers_only_where_it_is_asked_to(browser: Browser, sites: Sites) -> None:
    service, shop, _ = sites
    german = widget_words()["de"]
    with visiting(browser, service.address, also=(shop.address,), anew=True) as page:
        page.add_init_script(WATCHING)
        page.goto(shop.put(service, scope=SCOPE, lang="de", remember="tab", position="bottom-left", open=""))
        dialog = page.get_by_role("dialog", name=german["title"])
        expect(dialog.locator(".about")).to_have_text("Perricone MD, Stand 6. März 2011")
        assert page.evaluate("document.activeElement.localName") == "body"  # open, but not in the way
        box = dialog.bounding_box()
        assert box is not None
        assert box["x"] < 40
        ask(page, QUESTION)
        verdict = dialog.locator(".verdict").inner_text()
        assert verdict in german.values()
        page.reload()
        expect(dialog.locator(".verdict")).to_have_text(verdict)
        expect(dialog.locator(".asked")).to_have_text(QUESTION)
        assert page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]") == [0, 1, ""]
        dialog.get_by_role("button", name=german["new"]).click()
        page.reload()
        expect(dialog.locator(".hello")).to_be_visible()
        expect(dialog.locator(".asked")).to_have_count(0)
        assert page.evaluate("violations") == []
