from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from rich.console import Console

from eval.metrics import Figures
from eval.reporting import (
    Baseline,
    InvalidBaseline,
    ResultsUnwritable,
    compare,
    read_baseline,
    save,
    show,
    show_comparison,
    shown,
)  # fmt: skip
from eval.running import Run, run_eval
from qa.domain import Answer, Question
from tests.eval.making import COOKIES, LAW, OTHER_ID, PARAMETERS, SELL, TEXTS, answer, case, ideal

CASES = [case("a", "no", SELL), case("b", "yes", COOKIES), case("c", "stated", LAW, kind="open")]
BY_ID = {each.id: each for each in CASES}


def run_with(**given: Answer | None) -> Run:
    """A run with ideal answers but for those given; None raises."""

    def ask(question: Question) -> Answer:
        assert question.id is not None
        found = given.get(question.id, ideal(BY_ID[question.id]))
        if found is None:
            raise RuntimeError("no answer")
        return found

    return run_eval(CASES, TEXTS, ask, PARAMETERS)


def saved(run: Run, folder: Path) -> Baseline:
    save(run, folder)
    return read_baseline(folder)


def printed(run: Run) -> str:
    console = Console(width=200, record=True, file=None, quiet=False)
    with console.capture() as captured:
        show(run, console)
    return captured.get()


def test_a_tie_is_no_fall(tmp_path: Path) -> None:
    baseline = saved(run_with(), tmp_path)
    comparison = compare(run_with(), baseline)
    assert (comparison.falls, comparison.fixed, comparison.broken) == ((), (), ())


def test_a_case_that_broke_makes_figures_fall_and_is_named(tmp_path: Path) -> None:
    baseline = saved(run_with(), tmp_path)
    comparison = compare(run_with(b=answer("no", COOKIES)), baseline)
    falls = {fall.figure: (fall.was, fall.now) for fall in comparison.falls}
    assert falls["right_and_proven"] == (1.0, 2 / 3)
    assert falls["verdict_accuracy"] == (1.0, 1 / 2)
    assert "hit_at_1" not in falls
    assert comparison.broken == ("b",)
    assert comparison.fixed == ()


def test_a_case_that_was_mended_is_named_and_nothing_falls(tmp_path: Path) -> None:
    baseline = saved(run_with(b=answer("no", COOKIES)), tmp_path)
    comparison = compare(run_with(), baseline)
    assert comparison.falls == ()
    assert comparison.fixed == ("b",)


def test_a_fall_within_the_tolerance_passes_and_beyond_it_does_not(tmp_path: Path) -> None:
    baseline = saved(run_with(), tmp_path)
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


def test_rows_parameters_and_summary_are_saved_together(tmp_path: Path) -> None:
    run = run_with(b=None)
    save(run, tmp_path / "new" / "folder")
    folder = tmp_path / "new" / "folder"
    assert {path.name for path in folder.iterdir()} == {"rows.jsonl", "parameters.json", "summary.json"}
    rows = [json.loads(line) for line in (folder / "rows.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [(row["id"], row["state"], row["right"]) for row in rows] == [
        ("a", "scored", True), ("b", "error", False), ("c", "scored", True),
    ]  # fmt: skip
    assert rows[0]["answer"]["citations"][0]["quote"] == SELL
    assert rows[1]["answer"] is None
    assert json.loads((folder / "parameters.json").read_text())["chunker"] == "c"
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["figures"]["right_and_proven"] == 2 / 3
    assert summary["errors"] == ["b"]


def test_saving_again_replaces(tmp_path: Path) -> None:
    save(run_with(b=None), tmp_path)
    assert saved(run_with(), tmp_path).wrong == ()


def test_a_folder_that_cannot_be_made_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ResultsUnwritable, match="Cannot save"):
        save(run_with(), tmp_path / "file" / "out")


def test_undefined_figures_are_shown_as_a_dash_and_never_as_zero() -> None:
    assert shown(None) == "–"
    assert (shown(0), shown(0.0), shown(2 / 3)) == ("0", "0.000", "0.667")
    line = next(line for line in printed(run_with()).splitlines() if "status_accuracy" in line)
    assert "–" in line
    assert "0" not in line


def test_the_report_shows_every_figure_the_groups_and_what_failed() -> None:
    text = printed(run_with(b=None))
    for field in dataclasses.fields(run_with().summary.figures):
        assert field.name in text
    assert "error b: RuntimeError: no answer" in text
    assert "by style" in text


def test_the_comparison_is_shown_with_its_cases(tmp_path: Path) -> None:
    baseline = saved(run_with(), tmp_path)
    console = Console(width=200)
    with console.capture() as captured:
        show_comparison(compare(run_with(b=answer("no", COOKIES)), baseline), console)
    assert "FELL right_and_proven: 1.000 → 0.667" in captured.get()
    assert "broken: b" in captured.get()


def test_every_figure_is_explained_in_the_documentation() -> None:
    text = (Path(__file__).parents[2] / "docs" / "evaluation.md").read_text(encoding="utf-8")
    for field in dataclasses.fields(Figures):
        assert f"`{field.name}`" in text or field.name == "n"
