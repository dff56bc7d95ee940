from __future__ import annotations

import dataclasses

import pytest

from eval.cases import InvalidCases
from eval.running import Row, State, run_eval
from qa.domain import Answer, Question
from tests.eval.making import COOKIES, PARAMETERS, SELL, STEM, TEXT, TEXTS, answer, case, ideal, proof

CASES = [case("a", "no", SELL), case("b", "yes", COOKIES, style="typo"), case("c", "not_stated")]


def perfect(question: Question) -> Answer:
    return ideal(next(case for case in CASES if case.id == question.id))


def test_every_case_is_asked_in_order_and_scored() -> None:
    asked: list[Question] = []

    def ask(question: Question) -> Answer:
        asked.append(question)
        return perfect(question)

    run = run_eval(CASES, TEXTS, ask, PARAMETERS)
    assert [question.id for question in asked] == ["a", "b", "c"]
    assert {question.scope for question in asked} == {STEM}
    assert run.summary.right == ("a", "b", "c")
    assert run.summary.figures.right_and_proven == 1.0
    assert run.parameters is PARAMETERS


def test_an_exception_is_an_error_row_that_counts_as_wrong_and_the_rest_go_on() -> None:
    def ask(question: Question) -> Answer:
        if question.id == "b":
            raise RuntimeError("broken pipe")
        return perfect(question)

    run = run_eval(CASES, TEXTS, ask, PARAMETERS)
    assert [row.state for row in run.rows] == [State.SCORED, State.ERROR, State.SCORED]
    assert run.rows[1].note == "RuntimeError: broken pipe"
    assert run.rows[1].answer is None
    assert run.summary.errors == run.summary.wrong == ("b",)
    assert run.summary.figures.right_and_proven == 2 / 3
    assert run.summary.figures.missing == 1


def test_a_case_whose_policy_is_not_there_is_not_asked_and_counts_in_no_figure() -> None:
    gone = dataclasses.replace(case("z", "not_stated"), proof=proof("not_stated", policy="gone.example__2000-01-01"))
    run = run_eval([CASES[0], case("y", "no", SELL), gone], TEXTS, lambda _: answer("no", SELL), PARAMETERS)
    assert run.summary.unscored == ("z",)
    assert run.summary.figures.n == 2
    assert run.summary.figures.right_and_proven == 1.0
    assert run.rows[-1].marks is None
    assert "gone.example__2000-01-01" in run.rows[-1].note


def test_a_run_in_which_nothing_can_be_scored_is_refused() -> None:
    with pytest.raises(InvalidCases, match="No case can be scored"):
        run_eval(CASES, {}, perfect, PARAMETERS)


def test_nothing_is_asked_when_evidence_is_not_verbatim() -> None:
    def never(question: Question) -> Answer:
        raise AssertionError(question)

    with pytest.raises(InvalidCases, match="not verbatim"):
        run_eval([case("a", "no", "Not there.")], {STEM: TEXT}, never, PARAMETERS)


def test_progress_is_told_row_by_row() -> None:
    seen: list[Row] = []
    run = run_eval(CASES, TEXTS, perfect, PARAMETERS, on_progress=seen.append)
    assert tuple(seen) == run.rows


def test_groups_are_by_what_is_right_and_by_style() -> None:
    run = run_eval(CASES, TEXTS, lambda _: answer("yes", COOKIES), PARAMETERS)
    by_verdict = {group.name: group.right for group in run.summary.by_verdict}
    assert by_verdict == {"no": 0.0, "yes": 1.0, "not_stated": 0.0}
    assert {group.name: group.figures.n for group in run.summary.by_style} == {"natural": 2, "typo": 1}


def test_times_are_of_the_call_in_milliseconds() -> None:
    run = run_eval(CASES, TEXTS, perfect, PARAMETERS)
    assert all(0 < row.elapsed_ms < 10_000 for row in run.rows)
    assert run.summary.p50_ms is not None
    assert run.summary.p95_ms is not None
    assert run.summary.p50_ms <= run.summary.p95_ms
