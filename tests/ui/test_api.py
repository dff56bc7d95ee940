from __future__ import annotations

import datetime as dt
import json
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi import FastAPI
from httpx import Response
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from qa.domain import Question, as_json
from qa.errors import IndexDamaged, IndexForeign, IndexMissing, IndexUnreachable
from qa.settings import Settings
from tests.ui.fakes import PreparedAnswers
from tests.ui.test_streaming import read
from ui.access import Caller
from ui.api import add_api
from ui.guard import API_BODY_BYTES
from ui.live import Warmth
from ui.turnstile import Turnstile

ASK = "/api/v1/ask"
PERRICONE = "does Perricone MD share my data?"


def problem_of(response: Response, status: int) -> dict[str, Any]:
    """The problem document of a failed request, checked for its form."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    document = response.json()
    assert document["status"] == status
    assert {"type", "title", "detail", "code"} <= set(document)
    assert "Traceback" not in response.text
    assert isinstance(document, dict)
    return document


def test_asking_gives_the_answer_that_the_service_gives(client: TestClient, answers: PreparedAnswers) -> None:
    response = client.post(ASK, json={"question": PERRICONE})
    assert response.status_code == 200
    assert response.json() == as_json(answers.ask(Question(PERRICONE)))


def test_scope_date_and_history_reach_the_service(client: TestClient, answers: PreparedAnswers) -> None:
    sent = {"question": "do they rent it?", "scope": "freepeople.com", "as_of": "2008", "history": ["one?", "two?"]}
    assert client.post(ASK, json=sent).status_code == 200
    asked = answers.asked[-1]
    assert asked.scope == "freepeople.com"
    assert asked.history == ("one?", "two?")
    assert str(asked.as_of) == "2008-12-31"


@pytest.mark.parametrize(
    "question",
    ["", "   ", "x" * 100_000, "does it\x00 share?", "a\x1b[31mb"],
    ids=["empty", "blank", "long", "nul", "esc"],
)
def test_a_question_that_is_none_is_a_problem(client: TestClient, question: str) -> None:
    assert problem_of(client.post(ASK, json={"question": question}), 422)["code"] == "invalid_question"


def test_other_scripts_pass_through(client: TestClient) -> None:
    response = client.post(ASK, json={"question": "Verkauft ihr meine Daten? 你们出售我的数据吗？"})
    assert response.status_code == 200
    assert response.json()["question"].endswith("？")


@pytest.mark.parametrize("body", [rb'{"question": "does it \ud800 share?"}', rb'{"question": "x", "scope": "\udfff"}'])
def test_half_a_character_is_a_problem_and_not_a_crash(client: TestClient, body: bytes) -> None:
    problem_of(client.post(ASK, content=body, headers={"content-type": "application/json"}), 422)


@pytest.mark.parametrize("scope", ["nosuch.example", "../../etc/passwd", "x" * 5_000])
def test_an_unknown_scope_is_not_found(client: TestClient, scope: str) -> None:
    document = problem_of(client.post(ASK, json={"question": PERRICONE, "scope": scope}), 404)
    assert document["code"] == "unknown_scope"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"question": 7},
        {"question": None},
        {"question": "x", "history": "y"},
        {"question": "x", "history": ["y"] * 101},
        {"question": "x", "scopes": "y"},
        [],
        "text",
    ],
)
def test_a_body_of_another_form_is_a_problem_that_names_the_fault(client: TestClient, body: Any) -> None:
    document = problem_of(client.post(ASK, json=body), 422)
    assert document["errors"]
    assert document["errors"][0]["where"].startswith("body")


@pytest.mark.parametrize("as_of", ["yesterday", "2008-13", "2008-02-30", "0000"])
def test_a_date_that_is_none_is_a_problem(client: TestClient, as_of: str) -> None:
    assert "YYYY" in problem_of(client.post(ASK, json={"question": PERRICONE, "as_of": as_of}), 422)["detail"]


@pytest.mark.parametrize("body", [b"{", b"", b"\xff\xfe", b'{"question": "\xe9"}', b"[" * 100_000, b"nul"])
def test_a_body_that_is_not_json_is_a_problem(client: TestClient, body: bytes) -> None:
    response = client.post(ASK, content=body, headers={"content-type": "application/json"})
    problem_of(response, response.status_code)
    assert response.status_code in (400, 422)


@pytest.mark.parametrize(
    "body",
    [
        b'{"question": "does it share my data?", "question": "x", "scope": NaN}',
        b'{"question": NaN}',
        b'{"question": Infinity, "as_of": -Infinity}',
        b'{"question": 1e999}',
        b'{"question": ' + b"9" * 5_000 + b"}",
        b'{"question": ' + b'{"a":' * 900 + b"1" + b"}" * 901,
        b'{"\\ud800": 1, "question": "x"}',
        b'{"question": "x", "' + b"scope" * 20_000 + b'": 1}',
        b'{"question": "x", "<img src=x onerror=alert(1)>\\u202e\\u0000": 1}',
        b'["question"]',
        b'"question"',
        b"null",
        b'{"question": {"question": "x"}}',
        b'{"question": "x", "history": "y"}',
        b'{"question": "x", "history": [["y"]]}',
        b'{"question": "x", "history": [' + b'"y",' * 500 + b'"y"]}',
        b'{"question": "x", "scope": ["freepeople.com"]}',
    ],
)
@pytest.mark.parametrize("path", [ASK, "/api/v1/ask/stream", "/api/v1/suggestions"])
def test_hostile_json_is_a_problem_of_a_few_lines(client: TestClient, path: str, body: bytes) -> None:
    response = client.post(path, content=body, headers={"content-type": "application/json"})
    assert response.status_code in (400, 422)
    detail = problem_of(response, response.status_code)["detail"]
    assert detail.isprintable()
    assert len(response.content) < 5_000


def test_of_a_doubled_field_the_last_one_counts(client: TestClient, answers: PreparedAnswers) -> None:
    body = b'{"question": "does it share?", "question": "does Perricone MD share my data?"}'
    assert client.post(ASK, content=body, headers={"content-type": "application/json"}).status_code == 200
    assert answers.asked[-1].text == PERRICONE


def test_a_fault_report_does_not_repeat_the_question(client: TestClient) -> None:
    response = client.post(ASK, json={"question": ["my secret question"], "extra": "another secret"})
    assert "secret" not in response.text


def test_a_body_too_large_is_refused_by_its_length(client: TestClient, answers: PreparedAnswers) -> None:
    assert problem_of(client.post(ASK, content=b" " * (API_BODY_BYTES + 1)), 413)["code"] == "too_large"
    assert not answers.asked


def test_a_body_too_large_is_refused_without_a_length_too(client: TestClient, answers: PreparedAnswers) -> None:
    chunks = (b" " * 65_536 for _ in range(5))  # 5 x 64 KB is more than 256 KB
    response = client.post(ASK, content=chunks, headers={"content-type": "application/json"})
    problem_of(response, 413)
    assert not answers.asked


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/v1", "/api/v2/ask", "/api/v1/nothing", "/api/v1/ask/more"])
def test_an_unknown_path_under_the_api_is_a_problem(client: TestClient, path: str) -> None:
    problem_of(client.get(path), 404)
    problem_of(client.post(path, json={}), 404)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", ASK, "POST"),
        ("DELETE", "/api/v1/policies", "GET"),
        ("PUT", "/api/v1/policies/x", "GET"),
        ("POST", "/healthz", "GET"),
        ("POST", "/readyz", "GET"),
        ("PUT", "/openapi.json", "GET"),
    ],
)
def test_the_wrong_method_is_a_problem_that_names_the_right_one(
    client: TestClient, method: str, path: str, allowed: str
) -> None:
    response = client.request(method, path)
    assert allowed in problem_of(response, 405)["detail"]
    assert allowed in response.headers["allow"]


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (IndexMissing("There is no index in /srv/secret."), "fineprint ingest"),
        (IndexForeign("/srv/secret was made by another."), "fineprint rebuild"),
        (IndexDamaged("/srv/secret/library.sqlite3 is damaged."), "fineprint doctor"),
        (IndexUnreachable("http://secret:8000 does not answer."), "Try again"),
    ],
)
@pytest.mark.parametrize("path", ["/api/v1/policies", "/api/v1/policies/x", "/readyz", ASK])
def test_an_index_that_cannot_serve_is_a_problem_that_says_what_to_do(
    client: TestClient, answers: PreparedAnswers, error: Exception, advice: str, path: str
) -> None:
    answers.problem = error
    response = client.post(path, json={"question": PERRICONE}) if path == ASK else client.get(path)
    assert advice in problem_of(response, 503)["detail"]
    assert response.headers["retry-after"]
    assert "secret" not in response.text


def test_it_answers_as_soon_as_the_index_is_there(client: TestClient, answers: PreparedAnswers) -> None:
    answers.problem = IndexMissing("Run `fineprint ingest`.")
    problem_of(client.post(ASK, json={"question": PERRICONE}), 503)
    answers.problem = None
    assert client.post(ASK, json={"question": PERRICONE}).status_code == 200


def test_a_bug_is_a_problem_without_details(client: TestClient, answers: PreparedAnswers) -> None:
    answers.problem = RuntimeError("the secret path")
    response = client.post(ASK, json={"question": PERRICONE})
    assert problem_of(response, 500)["code"] == "internal_error"
    assert "secret" not in response.text


def test_policies_are_listed_page_by_page(client: TestClient) -> None:
    everything = client.get("/api/v1/policies").json()
    ids = [policy["id"] for policy in everything["policies"]]
    assert everything["total"] == 4
    assert ids == sorted(ids)
    page = client.get("/api/v1/policies", params={"limit": 2, "offset": 1}).json()
    assert [policy["id"] for policy in page["policies"]] == ids[1:3]
    assert page["total"] == 4


def test_policies_are_found_by_name(client: TestClient) -> None:
    found = client.get("/api/v1/policies", params={"q": "perricone"}).json()
    assert [policy["id"] for policy in found["policies"]] == ["perriconemd.com@2011-03-06"]
    assert client.get("/api/v1/policies", params={"q": "nobody"}).json()["policies"] == []


@pytest.mark.parametrize("params", [{"limit": 0}, {"limit": 5_000}, {"offset": -1}, {"limit": "x"}, {"q": "x" * 300}])
def test_a_page_that_cannot_be_is_a_problem(client: TestClient, params: dict[str, Any]) -> None:
    problem_of(client.get("/api/v1/policies", params=params), 422)


@pytest.mark.parametrize("name", ["perriconemd.com", "perriconemd.com@2011-03-06", "perriconemd.com__2011-03-06"])
def test_a_policy_is_given_with_its_text_and_passages(client: TestClient, name: str) -> None:
    policy = client.get(f"/api/v1/policies/{name}").json()
    assert policy["id"] == "perriconemd.com@2011-03-06"
    first = policy["passages"][1]
    assert policy["text"][first["start"] : first["end"]].lstrip("# ").startswith(first["section"][-1])


@pytest.mark.parametrize(
    "name",
    ["nobody.example", "..", "..%2f..%2fetc%2fpasswd", "%2e%2e", "a%00b", "%ff", "x" * 3_000, "perriconemd.com/.."],
)
def test_a_policy_that_is_not_there_is_a_problem(client: TestClient, name: str) -> None:
    response = client.get(f"/api/v1/policies/{name}")
    assert response.status_code in (200, 404)  # "x/.." may be made into the list by the client
    assert "root:" not in response.text
    if response.status_code == 404:
        problem_of(response, 404)
    else:
        assert response.json()["policies"]


def test_health_and_readiness(client: TestClient) -> None:
    assert client.get("/healthz").json()["status"] == "ok"
    deadline = time.monotonic() + 30
    while (ready := client.get("/readyz")).status_code != 200 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert ready.json() == {"status": "ready", "policies": 4}


def test_the_schema_describes_answers_and_problems(client: TestClient) -> None:
    schema = client.get("/openapi.json").json()
    found = {"/api/v1/policies", "/api/v1/policies/{policy_id}", "/api/v1/sites", "/api/v1/catalogue"}
    assert {ASK, *found, "/healthz", "/readyz"} <= set(schema["paths"])
    ask = schema["paths"][ASK]["post"]["responses"]
    assert ask["200"]["content"]["application/json"]["schema"]["$ref"].endswith("/AnswerDocument")
    assert "application/problem+json" in ask["503"]["content"]
    assert {"ProblemDocument", "AnswerDocument", "CitationDocument"} <= set(schema["components"]["schemas"])


def test_questions_are_not_logged(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        client.post(ASK, json={"question": "does Perricone MD share my zebra data?"})
        client.post(ASK, json={"question": "zebra " * 1_000})
    ours = [record for record in caplog.records if not record.name.startswith(("httpx", "asyncio"))]
    assert not any("zebra" in record.getMessage() for record in ours)


def test_so_many_questions_run_at_once_and_no_more_than_fit_wait(client: TestClient, answers: PreparedAnswers) -> None:
    answers.pause = threading.Event()
    most = Settings().concurrency + Settings().queue
    with ThreadPoolExecutor(most + 1) as pool:
        sent = [pool.submit(client.post, ASK, json={"question": PERRICONE}) for _ in range(most + 1)]
        # One is turned away at once, while all others wait for the pause to end.
        deadline = time.monotonic() + 50
        while not (early := [future for future in sent if future.done()]) and time.monotonic() < deadline:
            time.sleep(0.01)
        answers.pause.set()
        codes = sorted(future.result().status_code for future in sent)
    assert [future.result().status_code for future in early] == [503]
    assert codes == [200] * most + [503]
    assert json.loads(early[0].result().text)["code"] == "busy"


COMPARE = "/api/v1/compare"
SCOPES = ["freepeople.com", "perriconemd.com@2011-03-06", "malleries.com"]


def test_a_comparison_has_an_entry_a_scope_in_their_order(client: TestClient, answers: PreparedAnswers) -> None:
    response = client.get(COMPARE, params={"question": "do you sell it?", "scope": SCOPES})
    assert response.status_code == 200
    said = response.json()
    assert said == {
        "question": "do you sell it?",
        "entries": [as_json(entry) for entry in answers.compare(Question("do you sell it?"), SCOPES)],
        "failed": [],
    }
    assert [entry["verdict"] for entry in said["entries"]] == ["no", "conditional", None]
    assert said["entries"][2]["status"] == "not_stated"


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
def test_a_comparison_of_an_earlier_day_is_of_that_day(
    client: TestClient, answers: PreparedAnswers, accept: str
) -> None:
    asked = {"question": "do you sell it?", "scope": SCOPES}
    assert client.get(COMPARE, params=asked | {"as_of": "2008"}, headers={"accept": accept}).status_code == 200
    assert answers.asked[-1].as_of == dt.date(2008, 12, 31)
    refused = client.get(COMPARE, params=asked | {"as_of": "9999-99-99"}, headers={"accept": accept})
    assert (refused.status_code, refused.json()["code"]) == (422, "usage")


def test_a_policy_that_fails_in_a_comparison_is_told_apart_from_silence(
    client: TestClient, answers: PreparedAnswers
) -> None:
    answers.broken.add("perriconemd.com@2011-03-06")
    said = client.get(COMPARE, params={"question": "do you sell it?", "scope": SCOPES}).json()
    assert [entry["domain"] for entry in said["entries"]] == ["freepeople.com", "malleries.com"]
    assert [(one["policy_id"], one["problem"]) for one in said["failed"]] == [
        ("perriconemd.com@2011-03-06", "It cannot be read: rebuild.")
    ]


def test_a_comparison_streams_each_entry_as_an_event(client: TestClient, answers: PreparedAnswers) -> None:
    answers.broken.add("perriconemd.com@2011-03-06")
    response = client.get(
        COMPARE, params={"question": "do you sell it?", "scope": SCOPES}, headers={"accept": "text/event-stream"}
    )
    assert response.headers["content-type"].startswith("text/event-stream")
    events = read(response.text)
    assert [name for name, _ in events] == ["entry", "failed", "entry", "done"]
    assert events[0][1]["citations"][0]["quote"].startswith("Free People will not rent")
    assert events[-1][1] == {"policies": 3}


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
@pytest.mark.parametrize(
    ("params", "status", "code"),
    [
        ({"scope": SCOPES}, 422, "invalid_request"),
        ({"question": "x?"}, 422, "invalid_request"),
        ({"question": "", "scope": SCOPES}, 422, "invalid_question"),
        ({"question": "x?", "scope": SCOPES[:1]}, 422, "usage"),
        ({"question": "x?", "scope": ["nowhere.example", *SCOPES]}, 404, "unknown_scope"),
    ],
)
def test_a_comparison_that_cannot_be_meant_is_a_problem(
    client: TestClient, params: dict[str, Any], status: int, code: str, accept: str
) -> None:
    response = client.get(COMPARE, params=params, headers={"accept": accept})
    assert problem_of(response, status)["code"] == code


SUGGESTIONS = "/api/v1/suggestions"


def test_what_could_be_asked_next_is_answered_by_the_policy_and_was_not_asked(
    client: TestClient, answers: PreparedAnswers
) -> None:
    source = answers.policy("perriconemd.com")
    begun = client.post(SUGGESTIONS, json={"scope": "perriconemd.com"}).json()
    assert begun["policy_id"] == source.policy.id
    assert 1 < len(begun["questions"]) <= 3
    assert all(client.post(ASK, json={"question": each}).json()["citations"] for each in begun["questions"])
    asked = {"scope": "perriconemd.com", "asked": ["does it sell my data?", "do they share it?"]}
    later = client.post(SUGGESTIONS, json=asked).json()["questions"]
    assert not {"sell", "share"} & set(" ".join(later).casefold().split())


def test_what_is_cited_already_is_not_suggested_again(client: TestClient, answers: PreparedAnswers) -> None:
    label = answers.label("perriconemd.com")
    cited = [[citation.start, citation.end] for row in label.rows for citation in row.citations]
    assert client.post(SUGGESTIONS, json={"scope": label.policy_id, "citations": cited}).json()["questions"] == []


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        ({}, 422, "invalid_request"),
        ({"scope": "nowhere.example"}, 404, "unknown_scope"),
        ({"scope": "perriconemd.com", "citations": [[1]]}, 422, "invalid_request"),
        ({"scope": "perriconemd.com", "citations": [[True, False]]}, 422, "invalid_request"),
        ({"scope": "perriconemd.com", "citations": [[-1, 10**12]]}, 422, "invalid_request"),
        ({"scope": "perriconemd.com", "citations": [[1, 2]] * 201}, 422, "invalid_request"),
        ({"scope": "perriconemd.com", "asked": ["?"] * 101}, 422, "invalid_request"),
    ],
)
def test_suggestions_that_cannot_be_made_are_a_problem(
    client: TestClient, sent: dict[str, Any], status: int, code: str
) -> None:
    assert problem_of(client.post(SUGGESTIONS, json=sent), status)["code"] == code


@pytest.fixture
def limited(answers: PreparedAnswers) -> TestClient:
    """A caller that was given one site."""
    app = FastAPI()
    add_api(app, answers, Warmth(answers), Turnstile(2, 2))
    caller = Caller(domains=frozenset({"freepeople.com"}))

    async def door(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "state": {"caller": caller}}, receive, send)

    return TestClient(door)


@pytest.mark.parametrize("other", ["perriconemd.com", "nowhere.example"])
def test_what_a_caller_was_not_given_is_forbidden_whether_or_not_it_is_indexed(limited: TestClient, other: str) -> None:
    named = f"/api/v1/policies/{other}"
    asked = {"question": PERRICONE, "scope": other}
    responses = [
        limited.post(ASK, json=asked),
        limited.post("/api/v1/ask/stream", json=asked),
        limited.post(SUGGESTIONS, json={"scope": other}),
        limited.get(named),
        limited.get(f"{named}/label"),
        limited.get(f"{named}/changes"),
        limited.get(f"{named}/context", params={"start": 1, "end": 2}),
        *(
            limited.get(
                COMPARE,
                params={"question": "do you sell it?", "scope": ["freepeople.com", other]},
                headers={"accept": accept},
            )
            for accept in ("application/json", "text/event-stream")
        ),
    ]
    told = {(problem_of(each, 403)["code"], each.json()["detail"]) for each in responses}
    assert told == {("scope_forbidden", "From here, only these may be asked about: freepeople.com.")}


def test_to_a_caller_with_one_site_nothing_else_is_indexed(limited: TestClient) -> None:
    assert limited.get("/api/v1/policies").json()["total"] == 1
    assert limited.get("/api/v1/catalogue").json()["sites"] == 1
    assert [site["domain"] for site in limited.get("/api/v1/sites").json()["sites"]] == ["freepeople.com"]
    assert limited.get("/api/v1/sites", params={"scope": "perriconemd.com"}).json()["sites"] == []
    assert limited.get("/api/v1/policies/freepeople.com/label").status_code == 200
