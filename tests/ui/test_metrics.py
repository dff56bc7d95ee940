from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import anyio
import pytest
from fastapi import FastAPI
from prometheus_client import generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse
from starlette.testclient import TestClient

from qa.domain import Answer, Question, Timings, Verdict
from qa.errors import IndexMissing
from qa.settings import Settings
from tests.conftest import SAMPLES
from tests.ui.fakes import PreparedAnswers, WordedAnswers
from ui.access import ANYBODY, answers_for
from ui.app import create_app
from ui.live import Warmth
from ui.metrics import PATH, Metrics, WatchedAnswers, add_metrics
from ui.turnstile import Busy, Turnstile
from ui.watching import Served

ASK = "/api/v1/ask"
PERRICONE = "does Perricone MD share my data?"
Figures = dict[tuple[str, frozenset[tuple[str, str]]], float]


def figures(text: str) -> Figures:
    """Every sample of a scrape, by name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in parse(text)
        for sample in family.samples
    }


def figure(found: Figures, name: str, **labels: str) -> float:
    return found.get((f"fineprint_{name}", frozenset(labels.items())), 0.0)


def grown(client: TestClient, call: Callable[[], object], name: str, **labels: str) -> float:
    """By how much a figure grows with a call."""
    before = figure(figures(client.get(PATH).text), name, **labels)
    call()
    return figure(figures(client.get(PATH).text), name, **labels) - before


# --- the whole application --------------------------------------------------------------------------------------------


def test_a_request_is_counted_under_the_template_of_its_route(client: TestClient) -> None:
    route = "/api/v1/policies/{policy_id}"

    def ask_for(name: str) -> None:
        client.get(f"/api/v1/policies/{name}")

    labels = {"route": route, "method": "GET"}
    assert grown(client, lambda: ask_for("perriconemd.com"), "requests_total", **labels, status="200") == 1
    assert grown(client, lambda: ask_for("nobody.example"), "requests_total", **labels, status="404") == 1
    assert grown(client, lambda: ask_for("nobody.example"), "request_seconds_count", route=route) == 1


def test_an_answer_is_counted_by_status_and_verdict(client: TestClient) -> None:
    labels = {"status": "answered", "verdict": "conditional"}
    assert grown(client, lambda: client.post(ASK, json={"question": PERRICONE}), "answers_total", **labels) == 1
    silent = {"question": "how long do they keep it?", "scope": "freepeople.com"}
    labels = {"status": "not_stated", "verdict": ""}
    assert grown(client, lambda: client.post(ASK, json=silent), "answers_total", **labels) == 1


def test_the_page_is_counted_as_programs_are(client: TestClient) -> None:
    config = client.get("/config").json()
    names = {each["id"]: each["props"].get("elem_id") for each in config["components"]}
    asking = next(d for d in config["dependencies"] if "fp-asked" in [names[n] for n in d["inputs"]])

    def ask() -> None:
        call = {"data": [[], "", PERRICONE], "fn_index": asking["id"], "session_hash": "counted"}
        client.post("/gradio_api/queue/join", json=call)
        assert "fp-answer" in client.get("/gradio_api/queue/data?session_hash=counted").text

    assert grown(client, ask, "answers_total", status="answered", verdict="conditional") == 1


def test_a_question_without_an_answer_is_counted_by_why(client: TestClient) -> None:
    empty = {"question": " "}
    assert grown(client, lambda: client.post(ASK, json=empty), "answers_failed_total", code="invalid_question") == 1
    other = {"question": PERRICONE, "scope": "nobody.example"}
    assert grown(client, lambda: client.post(ASK, json=other), "answers_failed_total", code="unknown_scope") == 1


def test_a_bug_is_counted_and_shows_in_the_requests(client: TestClient, answers: PreparedAnswers) -> None:
    answers.problem = RuntimeError("a bug")
    labels = {"route": ASK, "method": "POST", "status": "500"}
    assert grown(client, lambda: client.post(ASK, json={"question": PERRICONE}), "requests_total", **labels) == 1


def test_every_policy_of_a_comparison_is_counted(client: TestClient) -> None:
    asked = {"question": "do you sell it?", "scope": ["freepeople.com", "perriconemd.com", "exofficio.com"]}

    def compare() -> None:
        assert client.get("/api/v1/compare", params=asked).status_code == 200

    assert grown(client, compare, "compared_total", status="answered", verdict="no") == 1
    assert grown(client, compare, "compared_total", status="not_stated", verdict="") == 1


def test_the_index_is_looked_at_when_it_is_scraped(client: TestClient, answers: PreparedAnswers) -> None:
    assert figure(figures(client.get(PATH).text), "policies") == 4
    assert figure(figures(client.get(PATH).text), "index_generation") == answers.generation
    answers.problem = IndexMissing("Run `fineprint ingest`.")
    response = client.get(PATH)
    assert response.status_code == 200
    assert "fineprint_policies" not in response.text


def test_no_series_is_added_by_whatever_strangers_send(client: TestClient) -> None:
    def strange(n: int) -> None:
        client.get(f"/private{n}/x")
        client.get(f"/api/v1/policies/private{n}.example")
        client.get(f"/api/v1/policies?q=private{n}&private{n}=1")
        client.get(f"/gradio_api/private{n}")
        client.get(f"/assets/private{n}.js")
        client.get(f"/private{n}", headers={"Host": f"private{n}.example", "Origin": f"https://private{n}.example"})
        client.request(f"PRIVATE{n}", ASK)
        client.request(f"PRIVATE{n}", "/")
        client.post(ASK, json={"question": f"does private{n} share it?", "scope": f"private{n}"})
        client.get("/healthz", headers={"Authorization": f"Bearer private{n}", "X-Request-Id": f"private{n}"})

    strange(0)
    client.get(PATH)
    before = figures(client.get(PATH).text)
    for n in range(1, 6):
        strange(n)
    after = client.get(PATH).text
    assert figures(after).keys() == before.keys()
    assert "private" not in after


def test_it_speaks_openmetrics_where_that_is_asked_for(client: TestClient) -> None:
    response = client.get(PATH, headers={"Accept": "application/openmetrics-text; version=1.0.0, */*;q=0.1"})
    assert response.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert {"fineprint_requests", "fineprint_queue_turned_away"} <= {
        family.name for family in parse_openmetrics(response.text)
    }


@pytest.mark.parametrize(
    "accept", ["", "*/*", "text/plain; version=\u00e4.x", "application/openmetrics; version=9" * 99]
)
def test_it_speaks_prometheus_form_to_everybody_else(client: TestClient, accept: str) -> None:
    response = client.get(PATH, headers={"Accept": accept.encode()})
    assert response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert figure(figures(response.text), "ready") in (0, 1)


def test_it_can_be_switched_off(answers: PreparedAnswers) -> None:
    with TestClient(create_app(answers, Settings(metrics="off"))) as client:
        assert client.get(PATH).status_code == 404
        assert client.post(ASK, json={"question": PERRICONE}).status_code == 200


# --- its parts --------------------------------------------------------------------------------------------------------


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


def scrape(metrics: Metrics, answers: PreparedAnswers, turnstile: Turnstile) -> Figures:
    app = FastAPI()
    add_metrics(app, metrics, answers, Warmth(answers), turnstile)
    return figures(TestClient(app).get(PATH).text)


def test_two_applications_in_a_process_do_not_add_up(answers: PreparedAnswers) -> None:
    first, second = Metrics(), Metrics()
    WatchedAnswers(answers, first).ask(Question(PERRICONE))
    labels = {"status": "answered", "verdict": "conditional"}
    assert figure(scrape(first, answers, Turnstile(1, 1)), "answers_total", **labels) == 1
    assert figure(scrape(second, answers, Turnstile(1, 1)), "answers_total", **labels) == 0


def test_a_service_limited_to_some_sites_is_counted_with_the_whole(answers: PreparedAnswers, metrics: Metrics) -> None:
    watched = WatchedAnswers(answers, metrics).limited(["perriconemd.com", "freepeople.com"])
    watched.ask(Question(PERRICONE))
    (*_, answer) = watched.stream(Question(PERRICONE))
    assert getattr(answer, "verdict", None) is Verdict.CONDITIONAL
    labels = {"status": "answered", "verdict": "conditional"}
    assert figure(scrape(metrics, answers, Turnstile(1, 1)), "answers_total", **labels) == 2
    assert figure(scrape(metrics, answers, Turnstile(1, 1)), "stage_seconds_count", stage="reading") == 2


def test_who_may_ask_everything_asks_the_watched_service(answers: PreparedAnswers, metrics: Metrics) -> None:
    watched = WatchedAnswers(answers, metrics)
    assert answers_for(watched, ANYBODY) is watched


@pytest.mark.parametrize(
    ("failed", "outcome"), [(None, "worded"), ("slow", "slow"), ("unproven", "unproven"), ("my secret", "other")]
)
def test_what_a_chat_model_did_is_counted_by_reasons_that_are_known(failed: str | None, outcome: str) -> None:
    metrics, answers = Metrics(chat_model=True), WordedAnswers.from_samples(SAMPLES)
    (*_, answer) = WatchedAnswers(answers, metrics).stream(Question(PERRICONE))
    assert isinstance(answer, Answer)
    assert answer.generation
    metrics = Metrics(chat_model=True)
    metrics.answered(replace(answer, generation=replace(answer.generation, failed=failed)))
    found = scrape(metrics, answers, Turnstile(1, 1))
    assert figure(found, "model_answers_total", outcome=outcome) == 1
    assert figure(found, "model_calls_total") == 1
    assert figure(found, "model_tokens_total", direction="input") == 900
    assert [figure(found, "model_claims_total", fate=fate) for fate in ("shown", "repaired", "dropped")] == [2, 1, 1]
    assert figure(found, "model_first_claim_seconds_sum") == 1.25
    assert "secret" not in str(found)


def test_an_answer_given_again_is_an_answer_but_no_work_is_counted_for_it() -> None:
    metrics, answers = Metrics(chat_model=True), WordedAnswers.from_samples(SAMPLES)
    (*_, answer) = answers.stream(Question(PERRICONE))
    assert isinstance(answer, Answer)
    metrics.answered(replace(answer, timings_ms=Timings(total=0.1, recalled=0.1)))
    found = scrape(metrics, answers, Turnstile(1, 1))
    verdict = answer.verdict.value if answer.verdict else ""
    assert figure(found, "answers_total", status=answer.status.value, verdict=verdict) == 1
    assert figure(found, "answers_recalled_total") == 1
    assert figure(found, "answer_seconds_count") == 0
    assert figure(found, "model_calls_total") == 0


def test_without_a_chat_model_nothing_is_told_of_one(answers: PreparedAnswers, metrics: Metrics) -> None:
    WatchedAnswers(answers, metrics).ask(Question(PERRICONE))
    assert not [name for name, _ in scrape(metrics, answers, Turnstile(1, 1)) if "model" in name]


def test_a_label_is_timed(answers: PreparedAnswers, metrics: Metrics) -> None:
    WatchedAnswers(answers, metrics).label("perriconemd.com")
    assert figure(scrape(metrics, answers, Turnstile(1, 1)), "label_seconds_count") == 1


def test_a_question_refused_at_once_is_refused_at_once_and_counted(answers: PreparedAnswers, metrics: Metrics) -> None:
    answers.problem = IndexMissing("Run `fineprint ingest`.")
    with pytest.raises(IndexMissing):
        WatchedAnswers(answers, metrics).ask(Question(PERRICONE))
    answers.problem = None
    assert figure(scrape(metrics, answers, Turnstile(1, 1)), "answers_failed_total", code="index_missing") == 1


def test_refusals_of_the_door_and_responses_that_broke_off_are_counted(
    answers: PreparedAnswers, metrics: Metrics
) -> None:
    for refused, whole in (("rate_limited", True), ("origin_not_allowed", True), (None, False)):
        metrics.began()
        metrics.ended(Served("", "POST", ASK, 429, refused, ANYBODY, 0.1, 10, whole))
    found = scrape(metrics, answers, Turnstile(1, 1))
    assert figure(found, "refused_total", reason="rate_limited") == 1
    assert figure(found, "refused_total", reason="origin_not_allowed") == 1
    assert figure(found, "responses_broken_total") == 1
    assert figure(found, "requests_open") == 0


def test_the_queue_is_seen_while_it_is_full(answers: PreparedAnswers, metrics: Metrics) -> None:
    go = threading.Event()
    seen: list[Figures] = []

    async def crowd() -> None:
        turnstile = Turnstile(1, 1)
        turnstile.waited = metrics.waited  # the application is made before the first call; here, when it is scraped
        async with anyio.create_task_group() as group:
            group.start_soon(turnstile, lambda: go.wait(10))
            group.start_soon(turnstile, lambda: None)
            while turnstile.running < 1 or turnstile.waiting < 1:
                await anyio.sleep(0.005)
            with pytest.raises(Busy):
                await turnstile(lambda: None)
            seen.append(await anyio.to_thread.run_sync(scrape, metrics, answers, turnstile))
            go.set()
        seen.append(figures(generate_latest(metrics.registry).decode()))

    anyio.run(crowd)
    assert figure(seen[1], "queue_seconds_count") == 2
    assert figure(seen[1], "queue_seconds_sum") > 0.001  # the second waited for the first
    names = ("queue_running", "queue_waiting", "queue_turned_away_total")
    assert [figure(seen[0], name) for name in names] == [1, 1, 1]
