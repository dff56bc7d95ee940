from __future__ import annotations

import dataclasses

import pytest

from eval.cases import Case, Kind
from eval.comparing import Baseline
from eval.metrics import Figures
from eval.report.figures import confusion, figure_rows, group_tables, headline, mistake_rows, percent, points
from eval.report.mistakes import Mistake
from eval.report.names import NAMES
from eval.report.pictures import pictures
from eval.report.saved import Earlier, Report, SavedRun, compared
from eval.running import Run
from qa.domain import Status
from tests.eval.making import COOKIES, SELL, answer
from tests.eval.report.making import CASES, made

WORSE = made(given={"a": answer("yes", SELL), "d": answer("yes", COOKIES)})


def report(*runs: Run) -> Report:
    return Report(tuple(SavedRun(run.parameters.engine, run) for run in runs))


def against(run: Run, before: Run) -> Report:
    summary = before.summary
    baseline = Baseline("d", summary.figures, summary.right, summary.wrong, summary.unscored)
    return compared(report(run), Earlier("before", baseline))


def test_every_figure_has_a_name_and_a_meaning() -> None:
    assert set(NAMES) == {field.name for field in dataclasses.fields(Figures)} - {"n"}


@pytest.mark.parametrize(("difference", "told"), [(0.1234, "+12.3"), (-0.05, "−5.0"), (0.0004, "±0"), (-0.0004, "±0")])
def test_differences_are_points_with_a_sign(difference: float, told: str) -> None:
    assert points(difference) == told


def test_a_share_is_per_cent_and_nothing_is_a_dash() -> None:
    assert (percent(2 / 3), percent(None)) == ("66.7 %", "–")


def test_the_headline_says_what_the_figure_means() -> None:
    head = headline(WORSE)
    assert (head.name, head.value) == ("right_and_proven", "50.0 %")
    assert head.sentence.startswith("2 of 4 questions about one policy got the right answer")
    assert ("2 of 4", "cases right in everything they ask for", False) in head.tiles


def test_without_a_question_about_one_policy_the_headline_is_the_cases_that_are_right() -> None:
    weather = Case("w", "will it rain?", Kind.YES_NO, statuses=(Status.OUT_OF_SCOPE,))
    head = headline(made([weather]))
    assert (head.name, head.value) == ("right", "100.0 %")


def test_a_figure_that_no_engine_has_is_left_out() -> None:
    names = [row.name for row in figure_rows(report(WORSE))]
    assert names[0] == "right_and_proven"
    assert "entries_right" not in names


def test_a_fall_and_a_rise_are_told_apart() -> None:
    rows = {row.name: row for row in figure_rows(against(WORSE, made()))}
    assert (rows["right"].turn, rows["right"].change, rows["right"].before) == ("worse", "−50.0", "100.0 %")
    back = {row.name: row for row in figure_rows(against(made(), WORSE))}
    assert (back["right"].turn, back["right"].change) == ("better", "+50.0")
    assert back["wrong_policy"].turn == ""
    assert "p = " in back["right"].chance


def test_less_of_what_should_be_low_is_better() -> None:
    figures = dataclasses.replace(WORSE.summary.figures, wrong_company_rate=0.5)
    before = dataclasses.replace(WORSE, summary=dataclasses.replace(WORSE.summary, figures=figures))
    row = next(row for row in figure_rows(against(WORSE, before)) if row.name == "wrong_company_rate")
    assert (row.turn, row.change) == ("better", "−50.0")


def test_breakdowns_with_one_group_say_nothing_and_are_left_out() -> None:
    tables = {table.title: table for table in group_tables(report(WORSE))}
    assert set(tables) == {"By right answer", "By style of the question"}  # one topic, one policy
    styles = {row.name: (row.n, row.bars[0].value) for row in tables["By style of the question"].rows}
    assert styles == {"natural": (3, "33.3 %"), "follow up": (1, "100.0 %")}


def test_the_confusion_counts_each_yes_no_question_once() -> None:
    table = confusion(made(given={"a": answer("yes", SELL), "d": "nobody there"}))
    assert table is not None
    assert table.columns == ("yes", "no", "not stated", "no answer")
    assert [(name, [n for n, _ in cells]) for name, cells in table.rows] == [
        ("yes", [1, 0, 0, 0]), ("no", [1, 0, 0, 0]), ("not stated", [0, 0, 0, 1]),
    ]  # fmt: skip
    assert confusion(made(CASES[2:3])) is None


def test_mistakes_are_counted_the_most_frequent_first() -> None:
    run = made(given={"a": answer("yes", SELL), "b": answer("no", COOKIES), "d": answer("yes", COOKIES)})
    assert [(each.mistake, each.n) for each in mistake_rows(run)] == [(Mistake.WRONG_VERDICT, 2), (Mistake.INVENTED, 1)]


def test_plots_are_of_what_the_run_has() -> None:
    titles = [picture.title for picture in pictures(report(WORSE, made(engine="ollama:x")))]
    assert titles.count("What is gained by keeping to sure answers?") == 1
    assert "Can its confidence be believed?: ollama:x" in titles
    bare = dataclasses.replace(WORSE.summary, calibration=None, risk_coverage=None, p50_ms=None)
    assert pictures(report(dataclasses.replace(WORSE, summary=bare))) == ()
