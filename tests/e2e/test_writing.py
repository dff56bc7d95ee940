"""A chat model that writes slowly: what is proven is there at once, and the rest grows below it."""

from __future__ import annotations

import json
import re
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests import chatting
from tests.e2e.serving import ANSWERED_MS, PHONE, Service, serving, visiting

pytestmark = pytest.mark.browser

QUESTION: Final = "does Perricone MD share my data?"
INVENTED: Final = "Perricone MD gives everything to the Moon."


class Slow:
    """What a model says: what the first two sentences do, told of the company, and something invented.

    Attributes:
        second, end: until they are set, it waits before its second true claim, and before its end.
    """

    def __init__(self) -> None:
        self.second, self.end = threading.Event(), threading.Event()

    def __call__(self, request: chatting.Request) -> chatting.Reply:
        claims: list[dict[str, object]] = [
            {
                "text": re.sub(r"\b[Oo]ur\b", "its", re.sub(r"\b[Ww]e\b", "it", given["text"])),
                "proof": [{"sentence": given["n"], "quote": given["text"]}],
            }
            for given in json.loads(request.user)["sentences"][:2]
        ]
        claims.insert(1, {"text": INVENTED, "proof": [{"sentence": 1, "quote": "everything"}]})
        first, second, third = (json.dumps(claim) for claim in claims)
        beginning = f'{{"verdict": "conditional", "claims": [{first}, {second}, '
        return chatting.Reply([*chatting.in_pieces(beginning), self.second, f"{third}]", self.end, "}"])


@pytest.fixture(scope="module")
def slow() -> Slow:
    return Slow()


@pytest.fixture(scope="module")
def model(slow: Slow) -> Iterator[chatting.Served]:
    with chatting.serving(slow) as model:
        yield model


@pytest.fixture(scope="module")
def service(sampled: Path, tmp_path_factory: pytest.TempPathFactory, model: chatting.Served) -> Iterator[Service]:
    index = shutil.copytree(sampled, tmp_path_factory.mktemp("writing") / "index")
    patience = {"FINEPRINT_LLM_TIMEOUT_S": "100", "FINEPRINT_TIMEOUT_S": "120"}  # it waits for the browser
    asked_anew = {"FINEPRINT_ANSWERS_KEPT": "0"}  # every test asks the same
    environment = {"FINEPRINT_LLM": "openai:tiny", "FINEPRINT_LLM_URL": model.openai_url, **patience, **asked_anew}
    with serving(index, environment=environment) as service:
        yield service


def begin(page: Page, address: str) -> None:
    """Asks, and waits for the first sentence."""
    page.goto(address)
    page.locator("#fp-question textarea").fill(QUESTION)
    page.locator("#fp-question textarea").press("Enter")
    expect(page.locator(".fp-partial .fp-ref").first).to_be_visible(timeout=ANSWERED_MS)


def faults(page: Page) -> list[str]:
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [
        f"{each['id']}: {each['nodes'][0]['target']}" for each in found if each["impact"] in ("serious", "critical")
    ]


def test_a_proven_sentence_is_read_and_its_proof_opened_while_the_rest_is_written(
    page: Page, address: str, model: chatting.Served, slow: Slow
) -> None:
    begin(page, address)
    assert model.open == 1  # the model is still at it
    lead = page.locator(".fp-answer .fp-lead")
    place, early = lead.bounding_box(), page.locator(".fp-answer .fp-words").inner_text()
    page.locator(".fp-partial .fp-ref").first.click()
    current = page.locator("#fp-proof mark.fp-current").first
    expect(current).to_contain_text("We will only share your personal information")
    assert page.locator(".fp-stages .fp-now").inner_text() == "Writing and checking"
    assert faults(page) == []

    slow.second.set()
    second = page.locator(".fp-partial .fp-ref").nth(1)
    expect(second).to_be_visible(timeout=ANSWERED_MS)
    second.click()
    expect(current).to_contain_text("aggregate web site usage information")

    slow.end.set()
    whole = page.locator(".fp-answer:not(.fp-partial)")
    expect(whole).to_be_visible(timeout=ANSWERED_MS)
    assert page.locator(".fp-answer .fp-words").inner_text().startswith(early)
    after = lead.bounding_box()
    assert place
    assert after
    assert abs(after["y"] - place["y"]) < 2  # nothing has jumped
    expect(current).to_be_visible()  # nor has the proof that was being read
    expect(page.locator(".fp-worded")).to_contain_text("Worded by openai:tiny")
    assert INVENTED not in page.content()
    expect(page.locator(".fp-answer .fp-next button").first).to_be_visible(timeout=ANSWERED_MS)
    assert len(model.requests) == 1  # questions that are only offered are shown to no model

    shown = json.loads(whole.locator("template.fp-data").evaluate("each => each.content.textContent"))
    told = httpx.post(f"{address}/api/v1/ask", json={"question": QUESTION}, timeout=60).json()
    assert (shown["text"], shown["citations"]) == (told["text"], told["citations"])
    assert shown["engine"] == "openai:tiny"
    assert shown["generation"]["dropped"] == 1


def test_stopping_keeps_what_is_proven_and_ends_the_call_of_the_model(
    browser: Browser, address: str, model: chatting.Served, slow: Slow
) -> None:
    slow.second.clear()
    with visiting(browser, address, viewport=PHONE, color_scheme="dark") as page:
        begin(page, address)
        before = model.hung_up
        said = page.locator(".fp-partial .fp-words").inner_text()
        page.locator("#fp-question .stop-button").click()
        expect(page.locator(".fp-answer:not(.fp-partial) .fp-problem")).to_contain_text("Stopped before")
        assert page.locator(".fp-answer .fp-words").inner_text() == said
        page.locator(".fp-answer .fp-ref").first.click()
        expect(page.locator("#fp-proof mark.fp-current").first).to_be_visible()
        assert faults(page) == []
        assert model.quiet(within_s=2.0)
        assert model.hung_up == before + 1
