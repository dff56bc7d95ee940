from __future__ import annotations

import itertools
import random

import pytest

from eval.cases import Gold, Kind
from eval.intervals import (
    FEW,
    Interval,
    PairedTest,
    Units,
    beyond_chance,
    intervals,
    paired_test_of_right,
    paired_tests,
    units_of,
)  # fmt: skip
from eval.metrics import MEASURES, Marks, Score, figures

PROVEN = Marks(Score(Kind.YES_NO, Gold.YES, Gold.YES, (True,), 1.0, char_precision=1.0, char_recall=1.0))
SILENT = Marks(Score(Kind.YES_NO, Gold.YES, Gold.NOT_STATED, recall=0.0, char_recall=0.0))
MISSING = Marks(Score(Kind.OPEN, Gold.STATED, None), missing=True)
RIGHTLY_SILENT = Marks(Score(Kind.OPEN, Gold.NOT_STATED, Gold.NOT_STATED))


def half_found(recall: float) -> Marks:
    return Marks(Score(Kind.OPEN, Gold.STATED, Gold.STATED, (True, False), recall))


def by_case(n: int) -> Units:
    return units_of([None] * n)


# --- what is drawn ----------------------------------------------------------------------------------------------------


def test_few_policies_are_not_drawn_but_their_cases() -> None:
    few = units_of([f"site{n % (FEW - 1)}" for n in range(40)])
    assert (few.name, few.n, few.of_case) == ("cases", 40, tuple(range(40)))


def test_policies_are_drawn_whole_and_a_case_about_none_stands_for_itself() -> None:
    policies = [f"site{n % FEW}" for n in range(2 * FEW)]
    units = units_of([*policies, None, None])
    assert (units.name, units.n) == ("policies", FEW + 2)
    assert units.of_case[:FEW] == units.of_case[FEW : 2 * FEW]
    assert units.of_case[-2:] == (FEW, FEW + 1)


# --- intervals --------------------------------------------------------------------------------------------------------


def test_every_figure_that_is_defined_has_an_interval_around_it() -> None:
    marks = [PROVEN, SILENT, MISSING, RIGHTLY_SILENT, half_found(0.5)] * 8
    found = intervals(marks, by_case(len(marks)))
    defined = {name for name in MEASURES if getattr(figures(marks), name) is not None}
    assert set(found) == defined
    assert {"right", "not_stated_f1", "evidence_recall"} <= defined
    for name, interval in found.items():
        assert 0 <= interval.low <= getattr(figures(marks), name) <= interval.high <= 1


def test_the_same_cases_have_the_same_intervals_each_time() -> None:
    marks = [PROVEN, SILENT, half_found(0.25)] * 5
    assert intervals(marks, by_case(15)) == intervals(marks, by_case(15))


def test_cases_that_are_all_right_do_not_make_it_certain() -> None:
    interval = intervals([PROVEN] * 20, by_case(20))["right"]
    assert interval.high == 1.0
    assert 0.8 < interval.low < 0.9  # of 20 right ones, Wilson: 0.839
    assert intervals([PROVEN], by_case(1))["evidence_recall"].low < 0.25


def test_more_cases_make_it_surer() -> None:
    few, many = (intervals([PROVEN, PROVEN, SILENT] * n, by_case(3 * n))["right"] for n in (5, 50))
    assert many.high - many.low < (few.high - few.low) / 2


def test_cases_that_are_right_and_wrong_together_are_less_sure_than_if_each_stood_for_itself() -> None:
    policies = [f"site{n // 8}" for n in range(20 * 8)]
    together = [PROVEN if (n // 8) % 4 else SILENT for n in range(20 * 8)]
    clustered = intervals(together, units_of(policies))["right"]
    single = intervals(together, by_case(len(together)))["right"]
    assert clustered.high - clustered.low > 1.5 * (single.high - single.low)


def test_nothing_has_no_intervals() -> None:
    assert intervals([], by_case(0)) == {}


def test_a_figure_that_most_draws_leave_undefined_has_no_interval() -> None:
    # Of four labels each stands in one case only, so that three in four draws of four cases lack one.
    marks = [
        Marks(Score(Kind.YES_NO, gold, gold, recall=1.0))
        for gold in (Gold.YES, Gold.NO, Gold.CONDITIONAL, Gold.NOT_STATED)
    ]
    marks[0] = Marks(Score(Kind.YES_NO, Gold.YES, Gold.NO))
    assert figures(marks).verdict_macro_f1 is not None
    assert "verdict_macro_f1" not in intervals(marks, by_case(4))


# --- tests ------------------------------------------------------------------------------------------------------------


def by_figure(before: list[Marks], after: list[Marks], units: Units) -> dict[str, PairedTest]:
    return {test.figure: test for test in paired_tests(before, after, units)}


def test_equal_runs_do_not_differ() -> None:
    marks = [PROVEN, SILENT, half_found(0.5)] * 10
    for test in paired_tests(marks, marks, by_case(30)):
        assert (test.difference, test.interval, test.p_value) == (0.0, Interval(0.0, 0.0), 1.0)


def test_a_run_in_which_much_broke_differs_by_more_than_chance() -> None:
    before = [PROVEN] * 30 + [SILENT] * 10
    test = by_figure(before, [SILENT] * 12 + before[12:], by_case(40))["right"]
    assert (test.was, test.now, test.difference) == (0.75, 0.45, pytest.approx(-0.3))
    assert test.interval is not None
    assert test.interval.high < 0
    assert test.p_value < 0.01


def test_the_other_way_round_the_difference_is_turned_and_the_p_value_stays() -> None:
    chance = random.Random(5)
    before, after = ([chance.choice((PROVEN, SILENT, half_found(0.5))) for _ in range(40)] for _ in range(2))
    there, back = by_figure(before, after, by_case(40)), by_figure(after, before, by_case(40))
    assert there["evidence_recall"].difference == -back["evidence_recall"].difference
    assert there["evidence_recall"].p_value == back["evidence_recall"].p_value


def test_what_broke_in_one_policy_may_be_that_policy_alone() -> None:
    policies = [f"site{n // 10}" for n in range(12 * 10)]
    before = [PROVEN] * len(policies)
    after = [SILENT] * 10 + before[10:]
    assert by_figure(before, after, units_of(policies))["right"].p_value == 1.0
    assert by_figure(before, after, by_case(len(before)))["right"].p_value < 0.01


def test_few_differences_are_swapped_in_all_ways() -> None:
    recalls = [(1.0, 0.5), (0.5, 0.75), (1.0, 0.0), (0.25, 0.25), (1.0, 0.5)]
    before, after = ([half_found(pair[side]) for pair in recalls] for side in (0, 1))
    test = by_figure(before, after, by_case(5))["evidence_recall"]
    changes = [now - was for was, now in recalls]
    ways = list(itertools.product((1, -1), repeat=5))
    extreme = [abs(sum(a * b for a, b in zip(way, changes, strict=True))) >= abs(sum(changes)) for way in ways]
    assert test.p_value == sum(extreme) / len(ways)


def test_figures_that_one_run_lacks_are_not_tested() -> None:
    old = Marks(Score(Kind.YES_NO, Gold.YES, Gold.YES, (True,), 1.0))
    assert "char_recall" not in by_figure([old] * 3, [PROVEN] * 3, by_case(3))
    assert paired_tests([], [], by_case(0)) == ()
    assert paired_test_of_right([], [], by_case(0)) is None


def test_what_is_more_than_chance_takes_into_account_how_many_were_tested() -> None:
    tests = [PairedTest(name, 1, 0, -1, None, p) for name, p in (("a", 0.04), ("b", 0.012), ("c", 0.03), ("d", 0.5))]
    # Holm: 0.012 x 4 = 0.048 passes; 0.03 x 3 = 0.09 does not, and so none after it.
    assert beyond_chance(tests) == {"b"}
    assert beyond_chance(tests[:1]) == {"a"}
    assert beyond_chance(()) == frozenset()
