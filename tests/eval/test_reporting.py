from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from rich.console import Console

from eval.comparing import compare, read_baseline
from eval.keeping import ResultsUnwritable
from eval.metrics import Figures
from eval.reporting import MOST_NAMED, save, show, show_comparison, shown
from eval.running import Run, run_eval
from qa.domain import Answer, Question
from tests.eval.making import COOKIES, LAW, PARAMETERS, SELL, TEXTS, answer, case, ideal

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


def printed(run: Run) -> str:
    console = Console(width=200, record=True, file=None, quiet=False)
    with console.capture() as captured:
        show(run, console)
    return captured.get()


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
    save(run_with(), tmp_path)
    assert read_baseline(tmp_path).wrong == ()


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


def compared(now: Run, before: Run, folder: Path) -> str:
    save(before, folder)
    console = Console(width=200)
    with console.capture() as captured:
        show_comparison(compare(now, read_baseline(folder)), now.rows, console)
    return captured.get()


def test_the_comparison_is_shown_with_its_cases(tmp_path: Path) -> None:
    text = compared(run_with(b=answer("no", COOKIES), c=answer(None, SELL)), run_with(a=None), tmp_path)
    assert "FELL right: 0.667 → 0.333" in text
    assert "broken: 2\n  b: question b? (now no; right is yes)\n" in text
    assert "c: question c? (now answered; its proof is not in the first citation)" in text
    assert "fixed: 1\n  a: question a? (now right: no)\n" in text
    line = next(line for line in text.splitlines() if line.strip().startswith("right "))
    assert line.split()[:4] == ["right", "0.667", "0.333", "-0.333"]


def test_a_tie_is_shown_in_one_line(tmp_path: Path) -> None:
    assert compared(run_with(), run_with(), tmp_path) == "No figure fell below the baseline (tolerance 0.005).\n"


def test_a_case_that_has_no_answer_any_more_is_shown_with_the_reason(tmp_path: Path) -> None:
    assert "b: question b? (error: RuntimeError: no answer)" in compared(run_with(b=None), run_with(), tmp_path)


def test_what_is_asked_cannot_disturb_the_terminal(tmp_path: Path) -> None:
    hostile = dataclasses.replace(CASES[0], question="[red]a\x1b[2J\nFELL everything[/red]")
    before = run_eval([hostile], TEXTS, lambda _: answer("no", SELL), PARAMETERS)
    now = run_eval([hostile], TEXTS, lambda _: answer("yes", SELL), PARAMETERS)
    text = compared(now, before, tmp_path)
    assert "a: [red]a[2J FELL everything[/red] (now yes; right is no)" in text
    assert "\x1b" not in text


def test_very_many_broken_cases_are_counted_and_only_some_are_listed(tmp_path: Path) -> None:
    many = [case(f"case{n}", "no", SELL) for n in range(MOST_NAMED + 5)]
    before = run_eval(many, TEXTS, lambda _: answer("no", SELL), PARAMETERS)
    now = run_eval(many, TEXTS, lambda _: answer("yes", SELL), PARAMETERS)
    text = compared(now, before, tmp_path)
    assert f"broken: {MOST_NAMED + 5}" in text
    assert text.count("right is no") == MOST_NAMED
    assert "… and 5 more" in text


def test_every_share_is_shown_with_its_interval_and_what_the_intervals_draw() -> None:
    text = printed(run_with(b=None))
    line = next(line for line in text.splitlines() if line.strip().startswith("right "))
    assert line.split()[:2] == ["right", "0.667"]
    assert "–" in line
    assert "The intervals draw cases again and again." in text
    assert "calibration error (ECE)" in text


def test_every_figure_is_explained_in_the_documentation() -> None:
    text = (Path(__file__).parents[2] / "docs" / "evaluation.md").read_text(encoding="utf-8")
    for field in dataclasses.fields(Figures):
        assert f"`{field.name}`" in text or field.name == "n"
