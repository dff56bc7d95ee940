from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from ingest.fetching import Fetched
from ingest.screening import Reason
from ingest.web import source_of_page
from qa.errors import PolicyRefused
from qa.settings import Settings
from tests.ingest.making import POLICY
from tests.ui.fakes import PreparedAnswers
from ui.addresses import AT_ONCE, PER_SERVICE, PER_TAB, Pace, add_addresses
from ui.api import Warmth, add_api
from ui.app import create_app
from ui.own import OwnPolicies, own_html
from ui.turnstile import Busy, Turnstile

URL = "https://www.zephyrkites.example/legal/privacy"
PARAGRAPHS = "".join(f"<p>{each}</p>" for each in POLICY.replace("Acme Tools", "Zephyr Kites").split("\n\n"))
PAGE = f"<!doctype html><title>Privacy</title><nav>Menu</nav>{PARAGRAPHS}".encode()
TODAY = dt.date(2024, 5, 31)


def fetched(url: str = URL, body: bytes = PAGE, media_type: str = "text/html", charset: str | None = None) -> Fetched:
    return Fetched(url, media_type, charset, body, TODAY)


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def serve(answers: PreparedAnswers, settings: Settings) -> Callable[..., tuple[TestClient, OwnPolicies]]:
    def made(opens: Callable[[str], Fetched], **changed: Any) -> tuple[TestClient, OwnPolicies]:
        app = FastAPI()
        chosen = settings.model_copy(update={"fetch": "on", **changed})
        own = OwnPolicies(answers, chosen)
        add_api(app, answers, Warmth(answers), Turnstile(4, 64))
        add_addresses(app, own, chosen, opens=opens)
        return TestClient(app, raise_server_exceptions=False), own

    return made


Serve = Callable[..., tuple[TestClient, OwnPolicies]]


# --- what is opened ---------------------------------------------------------------------------------------------------


def test_an_address_becomes_a_policy_of_that_tab_named_by_its_site_and_dated_today(serve: Serve) -> None:
    asked: list[str] = []
    client, own = serve(lambda url: asked.append(url) or fetched())  # type: ignore[func-returns-value]
    response = client.post("/own/fetch", json={"url": "zephyrkites.example/privacy"})
    assert (response.status_code, response.headers["cache-control"]) == (200, "no-store")
    card = response.json()["card"]
    assert asked == ["zephyrkites.example/privacy"]
    assert (card["company"], card["site"], card["archived_on"]) == ("Zephyr Kites", "zephyrkites.example", "2024-05-31")
    policy = own.find(card["id"]).policy
    assert policy.url == URL
    assert "Menu" not in policy.text
    assert [each["id"] for each in own.resume(response.json()["session"])] == [card["id"]]


def test_what_the_reader_says_of_it_wins(serve: Serve) -> None:
    client, _ = serve(lambda _: fetched())
    body = {"url": URL, "company": "Kites Ltd", "date": "2011-03-06"}
    card = client.post("/own/fetch", json=body).json()["card"]
    assert (card["company"], card["archived_on"]) == ("Kites Ltd", "2011-03-06")


def test_why_a_page_is_not_opened_is_told_in_one_line(serve: Serve) -> None:
    def opens(_: str) -> Fetched:
        raise PolicyRefused(Reason.UNREADABLE, "The site cannot be reached. Open it, copy its text and paste it.")

    client, _ = serve(opens)
    response = client.post("/own/fetch", json={"url": URL})
    assert response.status_code == 422
    assert response.json()["detail"] == "The site cannot be reached. Open it, copy its text and paste it."


def test_a_page_that_is_no_policy_is_refused_like_any_text(serve: Serve) -> None:
    client, _ = serve(lambda _: fetched(body=b"<!doctype html><p>Hello"))
    assert "too short" in client.post("/own/fetch", json={"url": URL}).json()["detail"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"url": ""},
        {"url": "x" * 2_001},
        {"url": URL, "more": 1},
        {"url": URL, "date": "3000-01-01"},
        {"url": ["a"]},
    ],
)
def test_a_body_that_makes_no_sense_opens_nothing(serve: Serve, body: dict[str, object]) -> None:
    asked: list[str] = []
    client, _ = serve(lambda url: asked.append(url) or fetched())  # type: ignore[func-returns-value]
    assert client.post("/own/fetch", json=body).status_code == 422
    assert asked == []


@pytest.mark.parametrize("changed", [{"fetch": "off"}, {"own_policies_mb": 0}])
def test_nothing_is_opened_where_the_operator_has_not_wanted_it(serve: Serve, changed: dict[str, object]) -> None:
    asked: list[str] = []
    client, _ = serve(lambda url: asked.append(url) or fetched(), **changed)  # type: ignore[func-returns-value]
    response = client.post("/own/fetch", json={"url": URL})
    assert response.status_code >= 400
    assert "opens no web addresses" in response.json()["detail"]
    assert asked == []


def test_it_is_off_unless_somebody_switches_it_on(answers: PreparedAnswers, settings: Settings) -> None:
    assert settings.fetch == "off"
    assert "fp-own-url" not in own_html(settings)
    assert 'name="url"' in own_html(settings.model_copy(update={"fetch": "on"}))
    response = TestClient(create_app(answers, settings)).post("/own/fetch", json={"url": "http://127.0.0.1/"})
    assert "opens no web addresses" in response.json()["detail"]


def test_the_service_itself_opens_no_address_of_its_own_machine(answers: PreparedAnswers, settings: Settings) -> None:
    client = TestClient(create_app(answers, settings.model_copy(update={"fetch": "on"})))
    response = client.post("/own/fetch", json={"url": "http://127.0.0.1/"})
    assert response.status_code == 422
    assert "by its name" in response.json()["detail"]


def test_no_address_is_logged(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    client, _ = serve(lambda _: fetched())
    with caplog.at_level("INFO"):
        client.post("/own/fetch", json={"url": URL})
    assert "zephyr" not in caplog.text.lower()


# --- whose it is, and of when -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "site", "day"),
    [
        (URL, "zephyrkites.example", TODAY),
        ("https://web.archive.org/web/20110306120000/http://www.kites.example/p", "kites.example", dt.date(2011, 3, 6)),
        ("https://web.archive.org/web/20110306id_/https://kites.example/", "kites.example", dt.date(2011, 3, 6)),
        ("https://web.archive.org/web/20119906120000/http://kites.example/", "web.archive.org", TODAY),
        ("https://web.archive.org/privacy", "web.archive.org", TODAY),
        ("https://evil.example/web.archive.org/web/20110306/http://kites.example/", "evil.example", TODAY),
    ],
)
def test_a_page_is_its_site_s_and_a_snapshot_the_archived_site_s(url: str, site: str, day: dt.date) -> None:
    source, hints = source_of_page(fetched(url))
    assert (hints.domain, hints.archived_on, hints.url) == (site, day, url.replace("id_/", "/"))
    assert source.suffix == ".html"


def test_a_page_is_decoded_by_what_its_server_says() -> None:
    source, _ = source_of_page(fetched(body="кафе".encode("koi8-r"), media_type="text/plain", charset="koi8-r"))
    assert (source.data.decode(), source.suffix) == ("кафе", ".txt")


# --- how often --------------------------------------------------------------------------------------------------------


def test_a_tab_may_open_a_few_pages_a_minute_and_the_next_minute_more() -> None:
    clock = Clock()
    pace = Pace(clock=clock)
    for _ in range(PER_TAB):
        pace.take("one")
    with pytest.raises(Busy, match="Wait a minute, or paste"):
        pace.take("one")
    pace.take("two")
    clock.now += 60
    pace.take("one")


def test_everybody_together_may_open_a_number_of_pages_a_minute() -> None:
    pace = Pace(clock=Clock())
    for n in range(PER_SERVICE):
        pace.take(str(n))
    with pytest.raises(Busy):
        pace.take("another")


def test_a_tab_that_makes_up_sessions_counts_as_one(serve: Serve) -> None:
    client, _ = serve(lambda _: fetched(body=b"<!doctype html>"))
    seen = [
        client.post("/own/fetch", json={"url": URL, "session": f"made-up-{n}"}).status_code for n in range(PER_TAB + 1)
    ]
    assert seen == [422] * PER_TAB + [503]


def test_only_a_few_pages_are_opened_at_the_same_time(serve: Serve) -> None:
    let_go, waiting = threading.Event(), threading.Semaphore(0)

    def opens(_: str) -> Fetched:
        waiting.release()
        let_go.wait(10)
        return fetched(body=b"<!doctype html>")

    client, _ = serve(opens)
    with client:
        threads = [
            threading.Thread(target=client.post, args=("/own/fetch",), kwargs={"json": {"url": URL}})
            for _ in range(AT_ONCE)
        ]
        for thread in threads:
            thread.start()
        for _ in threads:
            assert waiting.acquire(timeout=10)
        refused = client.post("/own/fetch", json={"url": URL})
        let_go.set()
        for thread in threads:
            thread.join()
    assert (refused.status_code, refused.json()["detail"][:13]) == (503, "Several pages")
