from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from qa.domain import Answer, Question, Status, as_json
from qa.errors import FineprintError, UsageError
from tests.ui.fakes import PreparedAnswers
from ui.batch import Outcome, answer_cases, read_lines, write_outcomes


def test_every_case_gets_a_line_with_its_id_and_a_failing_one_an_error(answers: PreparedAnswers) -> None:
    lines = [
        b'{"id": "a", "question": "does Perricone MD share my data?"}',
        b"not json",
        b'{"id": 7, "question": ""}',
        b'["a list"]',
        b'{"id": "b", "question": "x", "scope": "nobody.example"}',
        b'\xff{"id": "c"}',
        b'{"id": "d", "question": "what is the weather?"}',
    ]
    outcomes = [json.loads(outcome.line()) for outcome in answer_cases(lines, answers.ask)]
    assert [outcome["id"] for outcome in outcomes] == ["a", None, 7, None, "b", None, "d"]
    assert ["error" in outcome for outcome in outcomes] == [False, True, True, True, True, True, False]
    assert outcomes[0]["status"] == "answered"
    assert outcomes[1]["error"] == "Case 2 is not valid JSON in UTF-8."


def test_an_answer_is_the_same_as_everywhere_but_for_its_id(answers: PreparedAnswers) -> None:
    question = "does Perricone MD share my data?"
    (outcome,) = answer_cases([json.dumps({"id": "x", "question": question}).encode()], answers.ask)
    assert json.loads(outcome.line()) == as_json(answers.ask(Question(question))) | {"id": "x"}


def test_a_bug_in_one_answer_does_not_stop_the_others() -> None:
    def ask(question: Question) -> Answer:
        if question.text == "bad":
            raise ZeroDivisionError
        return Answer(question.text, Status.OUT_OF_SCOPE, "No.")

    outcomes = list(answer_cases([b'{"id": 1, "question": "bad"}', b'{"id": 2, "question": "good"}'], ask))
    assert outcomes[0] == Outcome(1, error="The answer failed: ZeroDivisionError.")
    assert outcomes[1].answer is not None


def test_blank_lines_and_a_byte_order_mark_are_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "cases.jsonl"
    file.write_bytes(b'\xef\xbb\xbf{"a": 1}\r\n\n  \n{"b": 2}')
    assert [json.loads(line) for line in read_lines(file)] == [{"a": 1}, {"b": 2}]


def test_cases_that_are_not_there_are_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read_lines(tmp_path / "nothing.jsonl")


def test_the_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "answers.jsonl"

    def broken() -> Iterator[Outcome]:
        yield Outcome("a", error="x")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_outcomes(file, broken())
    assert list(tmp_path.iterdir()) == []
    write_outcomes(file, [Outcome("a", error="ein Fehler · ü"), Outcome("b", error="half \ud800")])
    lines = file.read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["error"] for line in lines] == ["ein Fehler · ü", "half \ud800"]
    assert list(tmp_path.iterdir()) == [file]


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(FineprintError, match="cannot be written"):
        write_outcomes(tmp_path / "no" / "answers.jsonl", [])
