from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import pytest
from httpx import Response
from starlette.requests import Request
from starlette.testclient import TestClient

from tests.ui.fakes import PreparedAnswers
from ui.access import Caller
from ui.freshness import Freshness, Unchanged

POLICY = "/api/v1/policies/freepeople.com"
COMPARED = {"question": "do you sell it?", "scope": ["freepeople.com", "malleries.com"]}
KEPT = [
    ("/api/v1/policies", {"q": "free"}),
    (POLICY, {}),
    (f"{POLICY}/label", {}),
    (f"{POLICY}/label", {"format": "svg"}),
    (f"{POLICY}/context", {"start": 10, "end": 20}),
    ("/api/v1/sites", {"q": "free"}),
    ("/api/v1/catalogue", {}),
    ("/api/v1/compare", COMPARED),
]


def again(client: TestClient, first: Response, path: str, params: Any) -> Response:
    return client.get(path, params=params, headers={"if-none-match": first.headers["etag"]})


@pytest.mark.parametrize(("path", "params"), KEPT)
def test_what_is_still_the_same_is_not_sent_again(client: TestClient, path: str, params: Any) -> None:
    first = client.get(path, params=params)
    assert first.status_code == 200
    second = again(client, first, path, params)
    assert (second.status_code, second.content) == (304, b"")
    for response in (first, second):
        assert response.headers["etag"] == first.headers["etag"]
        assert response.headers["cache-control"] == "private, no-cache"
        vary = {name.strip() for name in response.headers["vary"].split(",")}
        assert {"Origin", "Authorization", "X-API-Key"} <= vary
        assert ("Accept" in vary) == ("label" in path or "compare" in path)


def test_what_is_still_the_same_is_not_computed_again(client: TestClient, answers: PreparedAnswers) -> None:
    first = client.get("/api/v1/compare", params=COMPARED)
    assert len(answers.asked) == 1
    assert again(client, first, "/api/v1/compare", COMPARED).status_code == 304
    assert len(answers.asked) == 1


def test_a_new_state_of_the_index_is_sent_again(client: TestClient, answers: PreparedAnswers) -> None:
    first = client.get(POLICY)
    source = answers.policy("freepeople.com")
    newer = replace(source, policy=replace(source.policy, archived_on=source.policy.archived_on.replace(year=2010)))
    answers.policies[newer.policy.id] = newer
    try:
        second = again(client, first, POLICY, {})
        assert (second.status_code, second.json()["archived_on"]) == (200, "2010-12-05")
    finally:
        del answers.policies[newer.policy.id]


@pytest.mark.parametrize("shown", ["*", '"x"', "x", "", 'W/"', '"' * 5_000, ","])
def test_another_tag_gets_the_whole(client: TestClient, shown: str) -> None:
    assert client.get(POLICY, headers={"if-none-match": shown}).status_code == 200


def test_one_of_several_tags_is_enough(client: TestClient) -> None:
    tag = client.get(POLICY).headers["etag"].removeprefix("W/")
    assert client.get(POLICY, headers={"if-none-match": f'"other", {tag}'}).status_code == 304


def test_forms_and_questions_have_tags_of_their_own(client: TestClient) -> None:
    tags = [client.get(path, params=params).headers["etag"] for path, params in KEPT]
    drawn = client.get(f"{POLICY}/label", headers={"accept": "image/svg+xml"}).headers["etag"]
    assert len({*tags, drawn}) == len(tags) + 1


def test_what_one_caller_may_see_is_not_taken_for_what_another_may(answers: PreparedAnswers) -> None:
    def tag(freshness: Freshness, domains: frozenset[str] | None) -> str:
        scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"q=x", "headers": []}
        return freshness.headers(Request({**scope, "state": {"caller": Caller(domains=domains)}}))["ETag"]

    freshness = Freshness(answers)
    callers = (None, frozenset(), frozenset({"a.example"}), frozenset({"a.example", "b.example"}))
    assert len({tag(freshness, domains) for domains in callers}) == len(callers)
    assert tag(freshness, None) == tag(freshness, None)
    assert tag(freshness, None) != tag(Freshness(answers), None)  # keyed: nobody finds a question by trying


def test_a_tag_is_no_plain_hash_of_the_question(answers: PreparedAnswers) -> None:
    query = b"question=do+you+sell+it%3F"
    http = Request({"type": "http", "method": "GET", "path": "/", "query_string": query, "headers": []})
    freshness = Freshness(answers)
    tag = freshness.headers(http)["ETag"]
    assert hashlib.blake2b(query, digest_size=16).hexdigest() not in tag
    shown = Request({**http.scope, "headers": [(b"if-none-match", tag.encode())]})
    with pytest.raises(Unchanged):
        freshness.headers(shown)


@pytest.mark.parametrize(
    ("method", "path", "how"),
    [
        ("POST", "/api/v1/ask", {"json": {"question": "does Perricone MD share my data?"}}),
        ("POST", "/api/v1/ask/stream", {"json": {"question": "does Perricone MD share my data?"}}),
        ("POST", "/api/v1/suggestions", {"json": {"scope": "freepeople.com"}}),
        ("GET", "/api/v1/compare", {"params": COMPARED, "headers": {"accept": "text/event-stream"}}),
        ("GET", "/api/v1/policies/nowhere.example", {}),
        ("GET", "/readyz", {}),
    ],
)
def test_other_responses_are_not_to_be_kept(client: TestClient, method: str, path: str, how: Any) -> None:
    headers = client.request(method, path, **how).headers
    assert headers["cache-control"] == "no-store"
    assert "etag" not in headers
