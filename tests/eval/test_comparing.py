from __future__ import annotations

import dataclasses
from collections.abc import Collection
from pathlib import Path

import pytest

from eval.comparing import TOLERANCE, Baseline, InvalidBaseline, cases_broke, compare, read_baseline
from eval.intervals import paired_test_of_right, units_of
from eval.reporting import save
from eval.running import Run, run_eval
from qa.domain import Answer, Question
from tests.eval.making import COOKIES, LAW, OTHER_ID, PARAMETERS, SELL, TEXTS, answer, case, ideal

CASES = [case("a", "no", SELL), case("b", "yes", COOKIES), case("c", "stated", LAW, kind="open")]
MANY = [case(f"case{n}", "no", SELL) for n in range(50)]
CHAT_MODEL = dataclasses.replace(PARAMETERS, engine="ollama:llama3.2")


def run_with(**given: Answer | None) -> Run:
    """A run with ideal answers but for those given; None raises."""

    def ask(question: Question) -> Answer:
        assert question.id is not None
        found = given.get(question.id, ideal(next(each for each in CASES if each.id == question.id)))
        if found is None:
            raise RuntimeError("no answer")
        return found

    return run_eval(CASES, TEXTS, ask, PARAMETERS)


def summary_of(run: Run, folder: Path) -> Baseline:
    """A summary by itself, as eval/baselines has it."""
    return dataclasses.replace(saved(run, folder), marks={})


def saved(run: Run, folder: Path) -> Baseline:
    save(run, folder)
    return read_baseline(folder)


def run_without(wrong: Collection[int], *, chat_model: bool = False) -> Run:
    """A run of fifty equal cases, those of these numbers wrong."""

    def ask(question: Question) -> Answer:
        return answer("yes" if int((question.id or "")[4:]) in wrong else "no", SELL)

    return run_eval(MANY, TEXTS, ask, CHAT_MODEL if chat_model else PARAMETERS)


def falls(now: Run, baseline: Baseline) -> set[str]:
    return {fall.figure for fall in compare(now, baseline).falls}


def test_a_tie_is_no_fall(tmp_path: Path) -> None:
    baseline = saved(run_with(), tmp_path)
    comparison = compare(run_with(), baseline)
    assert (comparison.falls, comparison.fixed, comparison.broken) == ((), (), ())
    assert {test.p_value for test in comparison.tests} == {1.0}
    assert comparison.tests[0].figure == "right"


# --- against a summary by itself --------------------------------------------------------------------------------------


def test_a_case_that_broke_makes_figures_fall_and_is_named(tmp_path: Path) -> None:
    comparison = compare(run_with(b=answer("no", COOKIES)), summary_of(run_with(), tmp_path))
    found = {fall.figure: (fall.was, fall.now) for fall in comparison.falls}
    assert found["right"] == found["right_and_proven"] == (1.0, 2 / 3)
    assert found["verdict_accuracy"] == (1.0, 1 / 2)
    assert "hit_at_1" not in found
    assert (comparison.broken, comparison.fixed) == (("b",), ())
    assert [test.figure for test in comparison.tests] == ["right"]


def test_a_case_that_was_mended_is_named_and_nothing_falls(tmp_path: Path) -> None:
    comparison = compare(run_with(), summary_of(run_with(b=answer("no", COOKIES)), tmp_path))
    assert comparison.falls == ()
    assert comparison.fixed == ("b",)


def test_a_fall_within_the_tolerance_passes_and_beyond_it_does_not(tmp_path: Path) -> None:
    baseline = summary_of(run_with(), tmp_path)
    now = run_with()
    for fallen, passes in ((0.996, True), (0.994, False)):
        figures = dataclasses.replace(now.summary.figures, hit_at_1=fallen)
        run = dataclasses.replace(now, summary=dataclasses.replace(now.summary, figures=figures))
        assert (compare(run, baseline).falls == ()) is passes


@pytest.mark.parametrize(
    ("given", "figure"),
    [
        (answer("no", SELL, "Invented words."), "invalid_quotes"),
        (answer("no", SELL, policy_id=OTHER_ID), "wrong_policy"),
        (None, "missing"),
    ],
)
def test_counts_of_harm_may_not_rise_by_one(tmp_path: Path, given: Answer | None, figure: str) -> None:
    baseline = saved(run_with(), tmp_path)
    assert figure in {fall.figure for fall in compare(run_with(a=given), baseline, tolerance=1.0).falls}


def test_a_rate_of_harm_falls_by_rising(tmp_path: Path) -> None:
    astray = run_with(a=answer("no", SELL, policy_id=OTHER_ID))
    assert "wrong_company_rate" in falls(astray, summary_of(run_with(), tmp_path))
    assert "wrong_company_rate" not in falls(run_with(), summary_of(astray, tmp_path))


def test_a_figure_that_cannot_be_computed_any_more_has_fallen(tmp_path: Path) -> None:
    baseline = saved(run_with(), tmp_path)
    now = run_with()
    figures = dataclasses.replace(now.summary.figures, hit_at_1=None)
    run = dataclasses.replace(now, summary=dataclasses.replace(now.summary, figures=figures))
    (fall,) = compare(run, baseline).falls
    assert (fall.figure, fall.was, fall.now) == ("hit_at_1", 1.0, None)


def test_more_unscored_cases_are_a_fall(tmp_path: Path) -> None:
    baseline = saved(run_with(), tmp_path)
    now = run_with()
    summary = dataclasses.replace(now.summary, right=("a", "b"), unscored=("c",))
    comparison = compare(dataclasses.replace(now, summary=summary), baseline)
    assert [fall.figure for fall in comparison.falls] == ["unscored"]
    assert comparison.broken == ("c",)


# --- against rows -----------------------------------------------------------------------------------------------------


def test_a_case_that_broke_is_a_fall_however_few_they_are(tmp_path: Path) -> None:
    baseline = saved(run_without({7}), tmp_path)
    comparison = compare(run_without({7, 8}), baseline)
    # One of fifty may be chance in which cases were written; that the engine lost it is not.
    assert [(fall.figure, fall.was, fall.now) for fall in comparison.falls] == [("right", 0.98, 0.96)]
    assert comparison.broken == ("case8",)
    assert comparison.tests[0].p_value == 1.0


def test_as_many_fixed_as_broken_is_no_fall(tmp_path: Path) -> None:
    comparison = compare(run_without({8}), saved(run_without({7}), tmp_path))
    assert (comparison.falls, comparison.broken, comparison.fixed) == ((), ("case8",), ("case7",))


@pytest.mark.parametrize(
    ("broken", "fixed", "told"),
    [
        (9, 8, False),  # traded, one lost on balance
        (23, 20, False),
        (19, 10, False),
        (20, 10, True),  # ten lost: one in two hundred
        (6, 0, True),  # within it, but none was fixed: more than chance
        (5, 0, False),
    ],
)
def test_of_very_many_cases_a_few_may_break_but_not_more_than_chance_explains(
    broken: int, fixed: int, told: bool
) -> None:
    before = [True] * (1_000 + broken) + [False] * (1_000 - broken)
    after = [True] * 1_000 + [False] * broken + [True] * fixed + [False] * (1_000 - broken - fixed)
    test = paired_test_of_right(before, after, units_of([None] * 2_000))
    assert test is not None
    assert cases_broke(test, TOLERANCE, answers_alike=True) is told


def test_what_a_chat_model_loses_must_be_more_than_chance(tmp_path: Path) -> None:
    before = saved(run_without({7}, chat_model=True), tmp_path)
    assert falls(run_without({8, 9}, chat_model=True), before) == set()
    assert "right" in falls(run_without(set(range(7, 15)), chat_model=True), before)


def test_a_share_that_fell_by_chance_alone_is_shown_and_no_fall(tmp_path: Path) -> None:
    less_proof = dataclasses.replace(ideal(CASES[0]), citations=answer("no", SELL, COOKIES).citations)
    comparison = compare(run_with(a=less_proof), saved(run_with(), tmp_path))
    assert comparison.falls == ()
    precision = next(test for test in comparison.tests if test.figure == "citation_precision")
    assert (precision.was, precision.now) == (1.0, 3 / 4)
    assert [fall.figure for fall in compare(run_with(a=less_proof), summary_of(run_with(), tmp_path)).falls] == [
        "citation_precision", "char_precision",
    ]  # fmt: skip


def test_a_share_that_fell_by_more_than_chance_is_a_fall_though_all_cases_are_right(tmp_path: Path) -> None:
    before = saved(run_without(()), tmp_path)
    now = run_eval(MANY, TEXTS, lambda _: answer("no", SELL, COOKIES), PARAMETERS)
    assert now.summary.right == before.right
    assert {"citation_precision", "char_precision"} <= falls(now, before)


def test_rows_that_are_not_of_the_summary_are_left_aside(tmp_path: Path) -> None:
    save(run_with(), tmp_path / "one")
    save(run_with(a=None), tmp_path / "other")
    assert set(read_baseline(tmp_path / "one").marks) == {"a", "b", "c"}
    (tmp_path / "one" / "rows.jsonl").write_bytes((tmp_path / "other" / "rows.jsonl").read_bytes())
    assert read_baseline(tmp_path / "one").marks == {}
    (tmp_path / "one" / "rows.jsonl").write_text("[]\n")
    assert read_baseline(tmp_path / "one" / "summary.json").marks == {}


# --- what is no baseline ----------------------------------------------------------------------------------------------


def test_a_baseline_of_other_data_is_refused(tmp_path: Path) -> None:
    baseline = dataclasses.replace(saved(run_with(), tmp_path), data_sha256="other")
    with pytest.raises(InvalidBaseline, match="other cases or policies"):
        compare(run_with(), baseline)


@pytest.mark.parametrize("content", ["", "[]", '{"figures": {}}'])
def test_a_baseline_that_is_no_summary_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "b.json").write_text(content)
    with pytest.raises(InvalidBaseline, match=r"b\.json"):
        read_baseline(tmp_path / "b.json")


def test_a_missing_baseline_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidBaseline, match="Cannot read"):
        read_baseline(tmp_path / "none.json")
