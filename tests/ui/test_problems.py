from __future__ import annotations

import json

import pytest

from qa.errors import (
    FineprintError,
    IndexDamaged,
    IndexForeign,
    IndexLocked,
    IndexMissing,
    IndexProblem,
    IndexUnreachable,
    IndexUnwritable,
    InvalidQuestion,
    InvalidSettings,
    ModelUnusable,
    NotEnglish,
    PolicyRefused,
    UnknownScope,
    UsageError,
)
from ui.access import ScopeForbidden
from ui.problems import CLIENT_GONE, NotReady, document_of, problem, problem_of, status_of, told
from ui.requests import request_id
from ui.schemas import FaultDocument, ProblemDocument
from ui.turnstile import Busy, ClientGone

SECRET = "/home/operator/index at http://chroma:8000"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ScopeForbidden("x"), 403),
        (UnknownScope("x"), 404),
        (UsageError("x"), 422),
        (InvalidQuestion("x"), 422),
        (NotEnglish("x"), 422),
        (InvalidSettings("x"), 422),
        (PolicyRefused("reason", "x"), 422),
        (IndexMissing("x"), 503),
        (IndexLocked("x"), 503),
        (ModelUnusable("x"), 503),
        (Busy("x"), 503),
        (NotReady("x"), 503),
        (ClientGone("x"), CLIENT_GONE),
        (FineprintError("x"), 500),
    ],
)
def test_every_failure_has_the_status_that_fits(error: FineprintError, status: int) -> None:
    assert status_of(error) == status
    assert problem_of(error)["status"] == status


@pytest.mark.parametrize(
    "kind",
    [
        IndexProblem, IndexMissing, IndexForeign, IndexDamaged, IndexLocked, IndexUnwritable, IndexUnreachable,
        ModelUnusable, RuntimeError, OSError,
    ],
)  # fmt: skip
def test_callers_learn_nothing_of_the_machine(kind: type[Exception]) -> None:
    document = problem_of(kind(SECRET))
    assert not {"/home", "http:", "chroma", "operator/"} & set(json.dumps(document).split())
    assert SECRET not in json.dumps(document)
    assert len(told(kind(SECRET))) > 30


def test_a_problem_is_what_the_schema_says_with_the_id_of_its_request() -> None:
    token = request_id.set("abc")
    try:
        document = document_of(422, "usage", "No.", [FaultDocument(where="body", what="wrong")])
    finally:
        request_id.reset(token)
    assert ProblemDocument.model_validate(document).request_id == "abc"
    assert document["errors"] == [{"where": "body", "what": "wrong"}]
    assert {"request_id", "errors"}.isdisjoint(document_of(404, "not_found", "Nothing."))


@pytest.mark.parametrize(("status", "after"), [(404, None), (503, "5")])
def test_a_problem_is_not_kept_and_says_when_to_try_again(status: int, after: str | None) -> None:
    response = problem(status, "x", "X.")
    assert response.headers["cache-control"] == "no-store"
    assert response.headers.get("retry-after") == after
    assert response.media_type == "application/problem+json"
