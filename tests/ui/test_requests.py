from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from tests.ui.fakes import PreparedAnswers
from ui.requests import HEADER

ASK = "/api/v1/ask"
PERRICONE = "does Perricone MD share my data?"


def test_every_response_has_an_id_of_its_own(client: TestClient, answers: PreparedAnswers) -> None:
    paths = ["/healthz", "/api/v1/policies", "/api/v1/nothing", "/docs", "/", "/api/v1/policies/nowhere.example"]
    ids = {client.get(path).headers[HEADER] for path in paths}
    assert len(ids) == len(paths)


def test_a_bug_has_one_too_and_its_problem_tells_it(client: TestClient, answers: PreparedAnswers) -> None:
    answers.problem = RuntimeError("a secret")
    response = client.post(ASK, json={"question": PERRICONE})
    assert response.status_code == 500
    assert response.json()["request_id"]
    assert response.headers[HEADER] == response.json()["request_id"]


@pytest.mark.parametrize("name", ["a", "trace-7f3.2_B", "x" * 64])
def test_a_plain_id_of_the_caller_is_kept(client: TestClient, name: str) -> None:
    response = client.get("/api/v1/policies/nowhere.example", headers={HEADER: name})
    assert response.headers[HEADER] == name
    assert response.json()["request_id"] == name


@pytest.mark.parametrize("name", ["", " ", "x" * 65, "a b", "a\tb", "<script>", "a;b", "-a", "a\x00b", "ü", 'a"b'])
def test_any_other_id_is_replaced(client: TestClient, name: str) -> None:
    response = client.get("/healthz", headers={HEADER: name.encode()})
    assert response.headers[HEADER] not in ("", name)
    assert response.headers[HEADER].isalnum()


@pytest.mark.parametrize("path", ["/healthz", "/api/v1/policies", "/openapi.json", "/docs", "/api/v1/nothing"])
def test_head_is_get_without_a_body(client: TestClient, path: str) -> None:
    got, headed = client.get(path), client.head(path)
    assert headed.content == b""
    assert headed.status_code == got.status_code
    for name in ("content-type", "content-security-policy", "etag", "cache-control"):
        assert headed.headers.get(name) == got.headers.get(name)


@pytest.mark.parametrize(
    ("path", "allow"),
    [
        (ASK, "OPTIONS, POST"),
        ("/api/v1/policies", "GET, HEAD, OPTIONS"),
        ("/api/v1/policies/x/label", "GET, HEAD, OPTIONS"),
        ("/docs", "GET, HEAD, OPTIONS"),
    ],
)
def test_options_says_what_is_allowed(client: TestClient, path: str, allow: str) -> None:
    response = client.options(path)
    assert (response.status_code, response.headers["allow"], response.content) == (204, allow, b"")
