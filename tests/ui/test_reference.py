from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as how
from starlette.testclient import TestClient

from qa.domain import Question, as_json
from qa.settings import Settings
from tests.ui.examples import FILE
from tests.ui.fakes import PreparedAnswers
from tests.ui.test_streaming import read
from ui import schemas
from ui.api import add_api
from ui.draining import Drain
from ui.feedback import Feedback, add_feedback
from ui.guard import Guard
from ui.live import Warmth
from ui.requests import HeadRequests, RequestIds
from ui.schemas import EVENT_DOCUMENTS
from ui.turnstile import Turnstile


@pytest.fixture
def schema(client: TestClient) -> dict[str, Any]:
    described = client.get("/openapi.json").json()
    assert isinstance(described, dict)
    return described


def operations(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            if path.startswith("/api/"):
                yield f"{method.upper()} {path}", operation


def document_of(schema: dict[str, Any], content: dict[str, Any]) -> Any:
    return getattr(schemas, content["schema"]["$ref"].rpartition("/")[2])


def test_every_operation_is_described_with_an_example_of_what_it_gives(schema: dict[str, Any]) -> None:
    tags = {tag["name"] for tag in schema["tags"] if tag["description"]}
    assert len(tags) == len(schema["tags"])
    for name, operation in operations(schema):
        assert operation["summary"], name
        assert operation["description"], name
        assert set(operation["tags"]) <= tags, name
        assert operation["operationId"].isalpha(), name
        for content in operation.get("requestBody", {"content": {}})["content"].values():
            assert content["examples"], name
        done = next(operation["responses"][status] for status in ("200", "201") if status in operation["responses"])
        assert any("examples" in content for content in done["content"].values()), name
        for parameter in operation.get("parameters", ()):
            described = parameter.get("description") or parameter["schema"].get("minimum") is not None
            assert described, (name, parameter["name"])
        for status in ("401", "403", "429", "500"):
            assert operation["responses"][status]["content"]["application/problem+json"]["examples"], (name, status)


def test_every_example_has_the_form_that_the_schema_says(schema: dict[str, Any]) -> None:
    checked = 0
    for _, operation in operations(schema):
        for status, response in operation["responses"].items():
            for media_type, content in response.get("content", {}).items():
                for example in content.get("examples", {}).values():
                    if media_type in ("application/json", "application/problem+json") and status != "201":
                        document_of(schema, content).model_validate_json(json.dumps(example["value"]))
                    elif media_type == "text/event-stream":
                        for event, data in read(example["value"]):
                            EVENT_DOCUMENTS[event].model_validate_json(json.dumps(data))
                    checked += 1
    assert checked > 100


def test_every_citation_in_an_example_is_verbatim(answers: PreparedAnswers) -> None:
    """Of the examples from the samples; the policy's text is in one of them."""
    examples = json.loads(FILE.read_text(encoding="utf-8"))
    policy = examples["GET /api/v1/policies/{policy_id}"]["responses"]["200"]["application/json"]["example"]["value"]
    found = 0
    for quote, start, end, whose in _citations(examples):
        if whose == policy["id"]:
            assert policy["text"][start:end] == quote
            found += 1
    assert found > 10


def _citations(value: Any) -> Iterator[tuple[str, int, int, str]]:
    if isinstance(value, dict):
        if {"quote", "start", "end", "policy_id"} <= value.keys():
            yield value["quote"], value["start"], value["end"], value["policy_id"]
        for item in value.values():
            yield from _citations(item)
    elif isinstance(value, list):
        for item in value:
            yield from _citations(item)


def test_streams_are_described_event_by_event(schema: dict[str, Any], answers: PreparedAnswers) -> None:
    stream = schema["paths"]["/api/v1/ask/stream"]["post"]["responses"]["200"]["content"]["text/event-stream"]
    names = [item["properties"]["event"]["const"] for item in stream["itemSchema"]["oneOf"]]
    assert names == ["stage", "citation", "token", "answer", "error"]
    for item in stream["itemSchema"]["oneOf"]:
        form = item["properties"]["data"]["contentSchema"]["$ref"].rpartition("/")[2]
        assert form in schema["components"]["schemas"]
    data = as_json(answers.ask(Question("does Perricone MD share my data?")))
    assert EVENT_DOCUMENTS["answer"].model_validate(data).model_dump(mode="json") == data


def test_a_key_may_be_sent_in_two_ways_and_need_not_be(schema: dict[str, Any]) -> None:
    assert schema["openapi"].startswith("3.1")
    assert schema["security"] == [{}, {"bearer": []}, {"key": []}]
    assert set(schema["components"]["securitySchemes"]) == {"bearer", "key"}


def test_no_reference_in_the_schema_leads_nowhere(schema: dict[str, Any]) -> None:
    for reference in re.findall(r'"\$ref": "#/components/schemas/(\w+)"', json.dumps(schema)):
        assert reference in schema["components"]["schemas"]


def test_the_page_is_made_of_files_of_this_server_alone(client: TestClient) -> None:
    page = client.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    policy = page.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "http" not in policy
    named = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert not [each for each in named if "//" in each]
    assert "<script>" not in page.text
    assert " style=" not in page.text
    for name in named:
        if name.startswith("docs/"):
            file = client.get(f"/{name}")
            assert file.status_code == 200
            assert file.headers["content-type"].partition(";")[0] in ("text/css", "text/javascript")
            assert file.headers["x-content-type-options"] == "nosniff"
    assert "validatorUrl: null" in client.get("/docs/docs.js").text  # else a validator elsewhere would be asked


@pytest.mark.parametrize("name", ["..%2fapp.py", "%2e%2e/app.py", "docs.html", "redoc.standalone.js", "a/b"])
def test_no_other_file_is_served_beside_the_page(client: TestClient, name: str) -> None:
    response = client.get(f"/docs/{name}")
    assert response.status_code == 404
    assert response.json()["code"] == "not_found"


def test_what_is_indexed_does_not_reach_the_description(client: TestClient, answers: PreparedAnswers) -> None:
    """So that nothing in a policy or a company's name can run in the page; answers are shown there as text."""
    assert not [word for word in ("<script", "javascript:", "onerror=") if word in client.get("/openapi.json").text]


def test_generated_requests_find_no_crash_and_no_break_of_the_schema(answers: PreparedAnswers, tmp_path: Path) -> None:
    import schemathesis

    open_to_all = Settings(index=tmp_path, rate_limit="off")
    app = FastAPI()
    app.add_middleware(HeadRequests)
    app.add_middleware(Guard, settings=open_to_all, drain=Drain(), loopback_only=False)
    app.add_middleware(RequestIds)
    add_feedback(app, Feedback(tmp_path / "feedback.sqlite3"))
    add_api(app, answers, Warmth(answers), Turnstile(4, 64))
    described = schemathesis.openapi.from_asgi("/openapi.json", app)
    checks = schemathesis.checks
    # What is well-formed may still be no question in English, no date, or two policies of one site.
    by_design = [checks.CHECKS.get_by_names(["positive_data_acceptance"])[0]]
    seen: set[str] = set()
    for result in described.get_all_operations():
        operation = result.ok()
        if not operation.path.startswith("/api/"):
            continue  # whether it is ready is no matter of the request
        seen.add(operation.path)

        @how(
            max_examples=5, derandomize=True, database=None, deadline=None, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(case=operation.as_strategy())
        def probe(case: Any) -> None:
            case.call_and_validate(excluded_checks=by_design)

        probe()
    assert {"/api/v1/ask", "/api/v1/ask/stream", "/api/v1/feedback", "/api/v1/compare"} <= seen
