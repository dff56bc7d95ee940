from __future__ import annotations

import dataclasses
import threading

import pytest

from eval.cases import InvalidCases
from eval.running import Latency, Parameters, Price, Row, Run, State, Usage, run_eval, summarise
from qa.domain import Answer, Generation, Question
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


# --- several at a time ------------------------------------------------------------------------------------------------

SEVERAL = dataclasses.replace(PARAMETERS, jobs=3)


def timeless(run: Run) -> tuple[object, ...]:
    """What of a run does not depend on the clock."""
    rows = [dataclasses.replace(row, elapsed_ms=0) for row in run.rows]
    return (*rows, dataclasses.replace(run.summary, p50_ms=None, p95_ms=None, latency_ms=None))


def test_several_at_a_time_come_to_the_same_in_the_same_order() -> None:
    seen: list[str] = []
    together = run_eval(CASES, TEXTS, perfect, SEVERAL, on_progress=lambda row: seen.append(row.case.id))
    assert timeless(together) == timeless(run_eval(CASES, TEXTS, perfect, PARAMETERS))
    assert sorted(seen) == ["a", "b", "c"]


def test_several_are_asked_at_the_same_time() -> None:
    all_there = threading.Barrier(3)

    def ask(question: Question) -> Answer:
        all_there.wait(timeout=120)  # passes only if all three wait here
        return perfect(question)

    assert run_eval(CASES, TEXTS, ask, SEVERAL).summary.right == ("a", "b", "c")


def test_a_case_that_came_late_stands_where_it_belongs() -> None:
    others = threading.Semaphore(0)

    def ask(question: Question) -> Answer:
        if question.id == "a":
            assert others.acquire(timeout=120)
            assert others.acquire(timeout=120)
        answer = perfect(question)
        others.release()
        return answer

    assert [row.case.id for row in run_eval(CASES, TEXTS, ask, SEVERAL).rows] == ["a", "b", "c"]


@pytest.mark.parametrize("parameters", [PARAMETERS, SEVERAL])
def test_a_row_that_cannot_be_kept_ends_the_run_before_the_other_cases_are_asked(parameters: Parameters) -> None:
    many = [case(f"c{n}", "no", SELL) for n in range(50)]
    asked: list[str | None] = []
    go_on = threading.Event()

    def ask(question: Question) -> Answer:
        asked.append(question.id)
        if question.id not in {"c0", "c1", "c2"}:
            assert go_on.wait(timeout=120)
        return answer("no", SELL)

    def full(_: Row) -> None:
        go_on.set()
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        run_eval(many, TEXTS, ask, parameters, on_progress=full)
    assert len(asked) < 50


# --- going on ---------------------------------------------------------------------------------------------------------


def test_what_was_answered_before_is_scored_again_and_not_asked() -> None:
    asked: list[str | None] = []
    seen: list[str] = []

    def ask(question: Question) -> Answer:
        asked.append(question.id)
        return perfect(question)

    whole = run_eval(CASES, TEXTS, perfect, PARAMETERS)
    forged = dataclasses.replace(whole.rows[1], marks=None, case=dataclasses.replace(CASES[1], question="another"))
    kept = {"b": forged, "nobody": whole.rows[0]}
    run = run_eval(CASES, TEXTS, ask, PARAMETERS, kept=kept, on_progress=lambda row: seen.append(row.case.id))
    assert asked == seen == ["a", "c"]
    assert timeless(run) == timeless(whole)
    assert run.rows[1].elapsed_ms == whole.rows[1].elapsed_ms


def test_a_run_of_which_everything_is_there_asks_nothing() -> None:
    whole = run_eval(CASES, TEXTS, perfect, PARAMETERS)
    again = run_eval(CASES, TEXTS, lambda _: 1 / 0, PARAMETERS, kept={row.case.id: row for row in whole.rows})
    assert again == whole


# --- the summary ------------------------------------------------------------------------------------------------------


def test_groups_are_by_policy_too_and_every_share_of_right_cases_has_an_interval() -> None:
    run = run_eval(CASES, TEXTS, lambda _: answer("yes", COOKIES), PARAMETERS)
    (group,) = run.summary.by_policy
    assert (group.name, group.right, group.figures) == (STEM, 1 / 3, run.summary.figures)
    assert group.interval == run.summary.intervals["right"]
    assert run.summary.resampled == "cases"


def test_confidences_are_judged_by_the_digits_that_are_told_and_only_where_there_is_an_answer() -> None:
    given = {
        "a": dataclasses.replace(answer("no", SELL), confidence=0.899999),
        "b": dataclasses.replace(answer("no", SELL), confidence=0.2),
    }
    summary = run_eval(CASES, TEXTS, lambda question: given[question.id or ""], PARAMETERS).summary
    assert summary.calibration is not None
    assert summary.risk_coverage is not None
    assert summary.calibration.n == 2  # c failed
    assert [(each.confidence, each.accuracy) for each in summary.calibration.bins] == [(0.2, 0.0), (0.9, 1.0)]
    assert summary.risk_coverage.area == (0 + 1 / 2) / 2


@pytest.mark.parametrize(("said", "judged"), [(float("nan"), 0.0), (7.0, 1.0), (-1.0, 0.0)])
def test_what_is_no_confidence_is_judged_as_none(said: float, judged: float) -> None:
    given = dataclasses.replace(answer("no", SELL), confidence=said)
    summary = run_eval(CASES, TEXTS, lambda _: given, PARAMETERS).summary
    assert summary.calibration is not None
    assert [each.confidence for each in summary.calibration.bins] == [judged]


def test_latency_is_told_by_percentiles() -> None:
    rows = run_eval(CASES, TEXTS, perfect, PARAMETERS).rows
    timed = [dataclasses.replace(row, elapsed_ms=ms) for row, ms in zip(rows, (30.0, 10.0, 20.0), strict=True)]
    assert summarise(timed).latency_ms == Latency(3, 20.0, 20.0, 30.0, 30.0, 30.0, 30.0)


def test_what_a_chat_model_was_asked_is_summed_up_and_costs_what_its_tokens_do() -> None:
    worded = Generation("openai:a", input_tokens=1_000, output_tokens=50, calls=2)
    ask = lambda _: dataclasses.replace(answer("no", SELL), generation=worded)  # noqa: E731
    assert run_eval(CASES, TEXTS, ask, PARAMETERS).summary.usage == Usage(6, 3_000, 150, None)
    priced = dataclasses.replace(PARAMETERS, price=Price(2.0, 10.0))
    assert run_eval(CASES, TEXTS, ask, priced).summary.usage == Usage(6, 3_000, 150, (6_000 + 1_500) / 1_000_000)
    assert run_eval(CASES, TEXTS, perfect, priced).summary.usage is None
