from __future__ import annotations

import datetime as dt
import json
import os
import sqlite3
import stat
import threading
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from pydantic import ValidationError
from starlette.testclient import TestClient

from eval.cases import InvalidCases, check_proofs, read_cases
from qa.settings import Settings
from tests.conftest import SAMPLES
from tests.ui.fakes import SHARED, PreparedAnswers, cite
from ui.cli import run
from ui.feedback import (
    MOST_A_MINUTE,
    Feedback,
    FeedbackNotKept,
    FeedbackRequest,
    TooMuchFeedback,
    add_feedback,
    export_cases,
    feedback_file,
    feedback_html,
)

QUESTION = "does Perricone MD share my data?"
PERRICONE = "perriconemd.com@2011-03-06"
SECRETS = (QUESTION, "do they sell it?", "It is about something else.")


@pytest.fixture
def feedback(tmp_path: Path) -> Feedback:
    return Feedback(tmp_path / "feedback.sqlite3", made_by=lambda: "1.0 abc", today=lambda: dt.date(2026, 11, 21))


@pytest.fixture
def client(feedback: Feedback) -> TestClient:
    app = FastAPI()
    add_feedback(app, feedback)
    return TestClient(app)


@pytest.fixture
def place(answers: PreparedAnswers) -> dict[str, Any]:
    """Where the prepared answer's first quote stands."""
    citation = cite(answers.policy(PERRICONE), SHARED)
    return {"policy_id": PERRICONE, "start": citation.start, "end": citation.end}


def judged(**fields: Any) -> FeedbackRequest:
    known: dict[str, Any] = {"rating": "down", "policy_id": PERRICONE, "status": "answered", "verdict": "conditional"}
    return FeedbackRequest.model_validate(known | {"engine": "extractive"} | fields)


def consented(**fields: Any) -> FeedbackRequest:
    return judged(consent=True, question=QUESTION, history=["do they sell it?"], comment=SECRETS[2], **fields)


def test_without_consent_there_is_no_text_of_the_reader_in_the_file(
    feedback: Feedback, place: dict[str, Any], tmp_path: Path
) -> None:
    feedback.add(judged(reason="wrong_quote", citations=[place | {"wrong": True}]))
    (row,) = feedback.rows()
    assert {name: row[name] for name in ("day", "rating", "reason", "policy_id", "status", "verdict", "made_by")} == {
        "day": "2026-11-21", "rating": "down", "reason": "wrong_quote", "policy_id": PERRICONE, "status": "answered",
        "verdict": "conditional", "made_by": "1.0 abc",
    }  # fmt: skip
    assert json.loads(row["citations"]) == [[PERRICONE, place["start"], place["end"], True]]
    assert (row["consent"], row["question"], row["history"], row["comment"]) == (0, None, None, None)


@pytest.mark.parametrize("text", [{"question": QUESTION}, {"history": ["x"]}, {"comment": "x"}])
def test_a_text_is_not_even_taken_without_consent(text: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="only with consent"):
        judged(**text)


def test_with_consent_question_history_and_comment_are_kept(feedback: Feedback) -> None:
    feedback.add(consented())
    (row,) = feedback.rows()
    assert (row["question"], json.loads(row["history"]), row["comment"]) == (QUESTION, ["do they sell it?"], SECRETS[2])


def test_a_later_judgement_takes_the_place_of_the_earlier_one(feedback: Feedback) -> None:
    first = feedback.add(consented())
    second = feedback.add(judged(rating="up", replaces=first))
    (row,) = feedback.rows()
    assert (row["id"], row["rating"], row["question"]) == (second, "up", None)


def test_what_is_taken_back_is_not_left_in_the_file(feedback: Feedback, tmp_path: Path) -> None:
    first = feedback.add(consented())
    assert b"something else" in (tmp_path / "feedback.sqlite3").read_bytes()
    feedback.add(judged(rating="up", replaces=first))
    assert b"something else" not in (tmp_path / "feedback.sqlite3").read_bytes()
    feedback.add(consented())
    assert feedback.clear() == 2
    assert b"something else" not in (tmp_path / "feedback.sqlite3").read_bytes()
    assert feedback.rows() == []


@pytest.mark.skipif(os.name == "nt", reason="has other permissions")
def test_nobody_else_on_the_machine_reads_the_file(feedback: Feedback, tmp_path: Path) -> None:
    feedback.add(consented())
    assert stat.S_IMODE((tmp_path / "feedback.sqlite3").stat().st_mode) == 0o600


def test_which_policy_of_the_reader_s_own_it_was_is_not_kept(feedback: Feedback) -> None:
    own = "own-1a2b3c4d@2026-11-21"
    feedback.add(judged(policy_id=own, citations=[{"policy_id": own, "start": 1, "end": 9}]))
    (row,) = feedback.rows()
    assert (row["policy_id"], row["citations"]) == ("own", "[]")


def test_a_full_file_takes_no_more_and_forgets_nothing(tmp_path: Path) -> None:
    small = Feedback(tmp_path / "f.sqlite3", most_rows=2)
    first = small.add(judged())
    small.add(judged())
    with pytest.raises(FeedbackNotKept, match="operator"):
        small.add(judged())
    assert len(small.rows()) == 2
    small.add(judged(replaces=first))
    assert len(small.rows()) == 2


def test_a_file_is_bounded_in_bytes_too(tmp_path: Path) -> None:
    small = Feedback(tmp_path / "f.sqlite3", most_bytes=40_000)
    large = judged(consent=True, question="x" * 2_000, comment="y" * 1_000)

    def fill() -> None:
        for _ in range(60):
            small.add(large)

    with pytest.raises(FeedbackNotKept, match="operator"):
        fill()
    assert (tmp_path / "f.sqlite3").stat().st_size < 60_000


def test_more_than_people_give_is_refused_for_a_while(tmp_path: Path) -> None:
    now = [0.0]
    busy = Feedback(tmp_path / "f.sqlite3", clock=lambda: now[0])
    for _ in range(MOST_A_MINUTE):
        busy.add(judged())
    with pytest.raises(TooMuchFeedback):
        busy.add(judged())
    now[0] = 61
    assert busy.add(judged())


def test_where_it_cannot_be_written_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FeedbackNotKept, match="cannot be kept"):
        Feedback(tmp_path / "file" / "feedback.sqlite3").add(judged())
    (tmp_path / "broken.sqlite3").write_text("this is no database, " * 100)
    with pytest.raises(FeedbackNotKept, match="cannot be kept"):
        Feedback(tmp_path / "broken.sqlite3").add(judged())


def test_it_can_be_turned_off_or_kept_elsewhere(tmp_path: Path) -> None:
    here = Settings(index=tmp_path, cache=tmp_path)
    assert feedback_file(here) == tmp_path / "feedback.sqlite3"
    assert feedback_file(here.model_copy(update={"feedback_file": tmp_path / "x"})) == tmp_path / "x"
    off = here.model_copy(update={"feedback": "off"})
    assert feedback_file(off) is None
    assert feedback_html(off) == ""
    with pytest.raises(FeedbackNotKept, match="turned it off"):
        Feedback(feedback_file(off)).add(judged())


def test_many_readers_at_once_are_all_heard(feedback: Feedback) -> None:
    threads = [threading.Thread(target=feedback.add, args=(judged(),)) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(feedback.rows()) == 12


def test_an_unticked_box_stands_before_what_is_kept() -> None:
    html = feedback_html(Settings())
    assert "checked" not in html
    assert "in plain text" in html
    assert "earlier ones of this conversation" in html


# --- over HTTP --------------------------------------------------------------------------------------------------------


def test_the_api_keeps_a_judgement_and_gives_its_id(client: TestClient, feedback: Feedback) -> None:
    response = client.post("/api/v1/feedback", json={"rating": "up"})
    assert response.status_code == 201
    assert [row["id"] for row in feedback.rows()] == [response.json()["id"]]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"rating": "maybe"},
        {"rating": "up", "question": QUESTION},
        {"rating": "up", "reasn": "missed"},
        {"rating": "up", "consent": True, "comment": "x" * 1_001},
        {"rating": "up", "consent": True, "question": "x" * 2_001},
        {"rating": "up", "citations": [{"policy_id": "acme.com@2011-01-01", "start": 0, "end": 1}] * 61},
        {"rating": "up", "policy_id": "my name is Ann"},
        {"rating": "up", "engine": "<script>"},
    ],
)
def test_what_cannot_be_meant_is_refused(client: TestClient, feedback: Feedback, body: dict[str, Any]) -> None:
    assert client.post("/api/v1/feedback", json=body).status_code == 422
    assert feedback.rows() == []


def test_a_place_that_is_full_or_flooded_is_a_problem_document(tmp_path: Path) -> None:
    app = FastAPI()
    add_feedback(app, Feedback(tmp_path / "f.sqlite3", most_rows=0))
    full = TestClient(app).post("/api/v1/feedback", json={"rating": "up"})
    assert (full.status_code, full.json()["code"]) == (503, "feedback_not_kept")
    flooded = FastAPI()
    add_feedback(flooded, Feedback(tmp_path / "g.sqlite3"))
    client = TestClient(flooded)
    statuses = [client.post("/api/v1/feedback", json={"rating": "up"}) for _ in range(MOST_A_MINUTE + 1)]
    assert (statuses[-1].status_code, statuses[-1].json()["code"]) == (429, "too_much_feedback")
    assert statuses[-1].headers["retry-after"] == "60"


def test_the_schema_has_it(running: TestClient) -> None:
    assert "/api/v1/feedback" in running.get("/openapi.json").json()["paths"]


# --- as cases ---------------------------------------------------------------------------------------------------------


def test_judged_answers_become_draft_cases_that_eval_can_read(
    feedback: Feedback, answers: PreparedAnswers, place: dict[str, Any], tmp_path: Path
) -> None:
    feedback.add(consented(rating="up", citations=[place]))
    feedback.add(judged())
    feedback.add(consented(status="unknown_company", verdict=None, policy_id=None))
    feedback.add(consented(status="not_stated", verdict=None))
    feedback.add(consented(policy_id="gone.com@2011-01-01"))
    feedback.add(consented(policy_id="own-1a2b3c4d@2026-11-21"))
    export = export_cases(feedback.rows(), answers.policy)
    assert (len(export.lines), export.without_consent, export.unusable) == (3, 1, 2)
    first = json.loads(export.lines[0])
    assert first["status"] == "draft"
    assert (first["policy"], first["verdict"], first["kind"]) == (
        "perriconemd.com__2011-03-06",
        "conditional",
        "yes_no",
    )
    assert first["evidence"][0].startswith(SHARED)

    file = tmp_path / "cases.jsonl"
    file.write_text("\n".join(export.lines))
    with pytest.raises(InvalidCases, match="drafts"):
        read_cases(file)
    confirmed = [{name: value for name, value in json.loads(line).items() if name != "status"} for line in export.lines]
    file.write_text("\n".join(map(json.dumps, confirmed)))
    cases = read_cases(file)
    assert [case.question for case in cases] == [QUESTION] * 3
    check_proofs(cases, {"perriconemd.com__2011-03-06": answers.policy(PERRICONE).policy.text})


def test_a_wrong_quote_is_a_near_miss_and_no_evidence(
    feedback: Feedback, answers: PreparedAnswers, place: dict[str, Any]
) -> None:
    feedback.add(consented(reason="wrong_quote", citations=[place | {"wrong": True}]))
    (line,) = export_cases(feedback.rows(), answers.policy).lines
    case = json.loads(line)
    assert case["near_miss"][0].startswith(SHARED)
    assert (case["verdict"], case.get("evidence")) == ("not_stated", None)
    assert case["answer"] == f"Judged wrong (wrong_quote). {SECRETS[2]}"


def test_the_command_line_exports_and_clears(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    index = tmp_path / "index"
    assert run(["ingest", "--index", str(index), str(SAMPLES / "perriconemd.com__2011-03-06.md")]) == 0
    Feedback(index / "feedback.sqlite3").add(consented(status="not_stated", verdict=None))
    out = tmp_path / "cases.jsonl"
    assert run(["feedback", "export", "--index", str(index), "--out", str(out)]) == 0
    assert json.loads(out.read_text())["question"] == QUESTION
    assert run(["feedback", "clear", "--index", str(index)]) == 0
    assert "Deleted 1 judgements." in capsys.readouterr().err
    with sqlite3.connect(index / "feedback.sqlite3") as connection:
        assert connection.execute("SELECT count(*) FROM feedback").fetchone() == (0,)
    connection.close()
