"""Sixty hostile texts as policies, names, questions and addresses: shown or refused, never run, nothing loaded.

That no other host is asked, no script fails and no dialog opens is seen by the ``page`` fixture.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.serving import ANSWERED_MS, Service, ask, serving
from tests.hostile import HOSTILE
from tests.ingest.making import POLICY

pytestmark = pytest.mark.browser

GROUPS = [HOSTILE[n : n + 10] for n in range(0, len(HOSTILE), 10)]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Six policies with ten hostile texts each: in the title, headings, sentences, items, tables and links."""
    texts = tmp_path_factory.mktemp("texts")
    for n, group in enumerate(GROUPS):
        front = f"---\ncompany: {group[1].replace(chr(0), '')}\n---\n"
        sections = [
            f"## {text}\n\nWe share your personal information with {text} and other companies. We do not:\n\n"
            f"  * sell your e-mail address to {text};\n\n| What | Who |\n| --- | --- |\n| cookies | {text} |\n\n"
            f"[Our partners]({text}) use cookies too.\n"
            for text in (each.replace("\x00", "") for each in group)  # a file with NUL in it is refused as no text
        ]
        parts = [f"{front}# {group[0]} Privacy Policy\n\n{POLICY.split(chr(10), 2)[2]}", *sections]
        (texts / f"hostile{n}.example__20{n + 10}-01-01.md").write_text("\n\n".join(parts), encoding="utf-8")
    # A second version of one of them, so that there is something to look back at.
    first = (texts / "hostile0.example__2010-01-01.md").read_text(encoding="utf-8")
    (texts / "hostile0.example__2019-01-01.md").write_text(
        first.replace("We share your personal information", "We sell your personal information"), encoding="utf-8"
    )
    with serving(tmp_path_factory.mktemp("index"), [texts]) as running:
        yield running


def unharmed(page: Page) -> None:
    assert page.evaluate("window.pwned") is None
    assert page.evaluate("parent.pwned") is None
    made = "#fp-views :is(script, iframe, object, embed, base, meta, link, img[src^=http], video, audio, form[action])"
    assert page.locator(made).count() == 0
    assert page.locator('a[href^="javascript" i], a[href^="data" i], a[href^="vbscript" i]').count() == 0
    assert page.evaluate(
        "[...document.querySelectorAll('#fp-views *')].every(e => ![...e.attributes].some(a => /^on/i.test(a.name)))"
    )


@pytest.mark.parametrize("n", range(len(GROUPS)))
def test_a_hostile_policy_is_read_and_nothing_of_it_runs(page: Page, address: str, n: int) -> None:
    page.goto(f"{address}/?policy=hostile{n}.example")
    expect(page.locator("#fp-glance [data-topic], #fp-glance li").first).to_be_visible(timeout=ANSWERED_MS)
    ask(page, "do you share my personal information with other companies?")
    page.locator(".fp-answer .fp-ref").first.click()
    expect(page.locator("#fp-proof .fp-whole mark.fp-current").first).to_be_visible()
    unharmed(page)


def test_hostile_policies_are_compared_and_looked_back_at(page: Page, address: str) -> None:
    scopes = [f"hostile{n}.example" for n in range(len(GROUPS))]
    page.goto(f"{address}/?" + urlencode({"view": "compare", "question": "do you use cookies?", "scope": scopes}, True))
    expect(page.locator("#fp-cmp .fp-cmp-open")).to_have_count(len(GROUPS), timeout=ANSWERED_MS)
    unharmed(page)
    page.goto(f"{address}/?view=lookback&site=hostile0.example")
    expect(page.locator("#fp-lb-body .fp-lb-kind").first).to_be_visible(timeout=ANSWERED_MS)
    unharmed(page)


def test_hostile_questions_are_shown_as_they_were_typed(page: Page, address: str) -> None:
    page.goto(f"{address}/?policy=hostile1.example")
    expect(page.locator("#fp-question textarea")).to_be_visible()
    for group in GROUPS:
        typed = [text for text in group if text.isprintable()]
        ask(page, "do you share " + " or ".join(typed))
        for text in typed:
            expect(page.locator("#fp-conversation .user").last).to_contain_text(text)
    unharmed(page)


def test_hostile_file_names_of_a_readers_own_policy_are_only_names(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.locator(".fp-own[data-ready]")).to_be_attached()
    for text in ("".join(group[:4]) for group in GROUPS[::2]):
        page.locator(".fp-own-add:not([open]) > summary").click()
        file = {"name": f"{text}.txt", "mimeType": "text/plain", "buffer": POLICY.replace("Acme Tools", text).encode()}
        page.locator('.fp-own input[type="file"]').set_input_files(file)
        expect(page.locator(".fp-own-line.fp-own-asked")).to_be_visible(timeout=ANSWERED_MS)
        unharmed(page)
        page.locator(".fp-own-asked .fp-own-forget").click()
        expect(page.locator(".fp-own-line")).to_have_count(0)


def test_hostile_addresses_do_nothing(page: Page, address: str) -> None:
    for group in GROUPS:
        text = " ".join(group)
        page.goto(f"{address}/?{urlencode(dict.fromkeys(('view', 'lang', 'policy', 'q'), text))}")
        expect(page.locator("#fp-said")).to_contain_text("not here")
        unharmed(page)
        page.goto(f"{address}/?view=lookback&{urlencode(dict.fromkeys(('site', 'from', 'to', 'about'), text))}")
        expect(page.locator(".fp-lb-problem")).to_be_visible()
        unharmed(page)
        page.goto(f"{address}/?view=compare&{urlencode(dict.fromkeys(('scope', 'question'), text))}")
        expect(page.locator("#fp-cmp-note")).not_to_be_empty()
        unharmed(page)


def test_hostile_questions_and_scopes_get_plain_json_from_the_api(address: str) -> None:
    for text in HOSTILE:
        body = json.dumps({"question": f"do you share my data {text}", "scope": "hostile0.example"}).encode()
        request = urllib.request.Request(f"{address}/api/v1/ask", body, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                kind, status = response.headers["Content-Type"], response.status
        except urllib.error.HTTPError as error:
            kind, status = error.headers["Content-Type"], error.code
        assert status in (200, 422)
        assert kind in ("application/json", "application/problem+json")
