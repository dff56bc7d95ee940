"""Shows a run, saves it, and shows what became of it since an earlier one."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING

from eval.comparing import TOLERANCE, Comparison
from eval.intervals import Interval, PairedTest
from eval.keeping import PARAMETERS, SUMMARY, UNFINISHED, unwritable, write_rows
from eval.metrics import Figures
from eval.running import Group, Row, Run, State, Summary
from qa.text import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

MOST_NAMED = 20
"""So many cases that changed sides are listed in the terminal; all are in what is saved."""

_QUESTION_CHARS = 90
_MOST_POLICIES = 12
"""A table by policy with more rows than this says little in a terminal."""

# Short heads, so that the table fits eighty columns.
_GROUP_COLUMNS = {
    "verdict_accuracy": "verdict",
    "answerability": "answered",
    "hit_at_1": "hit@1",
    "hit_at_3": "hit@3",
    "evidence_recall": "recall",
}
_UNDEFINED = "–"


def save(run: Run, folder: Path) -> None:
    """Writes ``rows.jsonl``, ``parameters.json`` and ``summary.json`` into a folder; each whole or not at all.

    What was kept there of the run while it went on is removed.

    Raises:
        ResultsUnwritable: no permission, or no space.
    """
    summary = {"data_sha256": run.parameters.data_sha256, **asdict(run.summary)}
    write_rows(run.rows, folder)
    save_json(folder / PARAMETERS, asdict(run.parameters))
    save_json(folder / SUMMARY, summary)
    with contextlib.suppress(FileNotFoundError):
        (folder / UNFINISHED).unlink()


def save_json(path: Path, data: object) -> None:
    """Writes data as JSON, whole or not at all; the folder is made.

    Raises:
        ResultsUnwritable: it cannot be written there.
    """
    save_text(path, json.dumps(data, indent=1, ensure_ascii=False) + "\n")


def save_text(path: Path, text: str) -> None:
    """Writes a text, whole or not at all; the folder is made.

    Raises:
        ResultsUnwritable: it cannot be written there.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, text)
    except OSError as exc:
        raise unwritable(path, exc) from exc


def show(run: Run, console: Console) -> None:
    """Prints the figures with their intervals, their breakdowns, and what went wrong on the way."""
    summary, parameters = run.summary, run.parameters
    table = _table("figure", "value", "95 % interval", title=f"{parameters.cases}: {summary.figures.n} cases")
    for name in sorted((field.name for field in fields(Figures)), key=lambda name: name != "right"):
        table.add_row(name, shown(getattr(summary.figures, name)), shown_interval(summary.intervals.get(name)))
    for name, value in _others(summary):
        table.add_row(name, value, "")
    console.print(table)
    if summary.intervals:
        console.print(f"The intervals draw {summary.resampled} again and again.", highlight=False)
    console.print(_breakdown("by right answer", summary.by_verdict))
    console.print(_breakdown("by style", summary.by_style))
    if 1 < len(summary.by_policy) <= _MOST_POLICIES:
        console.print(_breakdown("by policy", summary.by_policy))
    for row in run.rows:
        if row.state is not State.SCORED:
            _say(console, f"{row.state.value} {row.case.id}: {row.note}")


def show_comparison(
    comparison: Comparison, rows: Sequence[Row], console: Console, *, tolerance: float = TOLERANCE
) -> None:
    """Prints what fell below the baseline, which cases changed sides, and how sure the differences are.

    Args:
        comparison: what is shown.
        rows: of the later run.
        console: where it goes.
        tolerance: of the comparison.
    """
    for fall in comparison.falls:
        _say(console, f"FELL {fall.figure}: {shown(fall.was)} → {shown(fall.now)}", style="bold red")
    by_id = {row.case.id: row for row in rows}
    for label, ids in (("broken", comparison.broken), ("fixed", comparison.fixed)):
        if ids:
            _say(console, f"{label}: {len(ids)}")
        for case in ids[:MOST_NAMED]:
            _say(console, f"  {_told(by_id[case])}")
        if len(ids) > MOST_NAMED:
            _say(console, f"  … and {len(ids) - MOST_NAMED} more, in comparison.json")
    moved = [test for test in comparison.tests if test.difference]
    if moved:
        console.print(_tests(moved))
        _say(console, f"The p-values are of swapping {comparison.resampled} between the two runs.")
    if not comparison.falls:
        _say(console, f"No figure fell below the baseline (tolerance {tolerance}).")


def shown(value: float | None, digits: int = 3) -> str:
    """A figure for people: counts whole, shares with three digits, a dash where undefined."""
    if value is None:
        return _UNDEFINED
    return str(value) if isinstance(value, int) else f"{value:.{digits}f}"


def shown_interval(interval: Interval | None) -> str:
    """An interval for people; empty where there is none."""
    return f"{interval.low:.3f} – {interval.high:.3f}" if interval else ""


def _others(summary: Summary) -> list[tuple[str, str]]:
    """What is measured besides shares and counts."""
    rows = []
    if summary.calibration and summary.risk_coverage:
        rows.append(("calibration error (ECE)", shown(summary.calibration.ece)))
        rows.append(("Brier score", shown(summary.calibration.brier)))
        rows.append(("risk–coverage area", shown(summary.risk_coverage.area)))
    rows.append(("answer p50 / p95 (ms)", f"{shown(summary.p50_ms, 0)} / {shown(summary.p95_ms, 0)}"))
    return rows


def _told(row: Row) -> str:
    """A case in a line: what was asked, what is right, and what came."""
    question = printable(row.case.question, _QUESTION_CHARS)
    if row.answer is None:
        return f"{row.case.id}: {question} ({row.state.value}: {printable(row.note, _QUESTION_CHARS)})"
    said = row.answer.verdict.value if row.answer.verdict else row.answer.status.value
    if row.right:
        return f"{row.case.id}: {question} (now right: {said})"
    gold = row.case.proof.verdict.value if row.case.proof else " or ".join(row.case.statuses) or "another for a policy"
    score = row.marks.score if row.marks else None
    why = "its proof is not in the first citation" if score and score.right else f"right is {gold}"
    return f"{row.case.id}: {question} (now {said}; {why})"


def _tests(tests: Sequence[PairedTest]) -> Table:
    table = _table("figure", "was", "now", "change", "95 % interval", "p")
    for test in tests:
        numbers = (shown(test.was), shown(test.now), f"{test.difference:+.3f}", _signed(test.interval))
        table.add_row(test.figure, *numbers, "<0.001" if test.p_value < 0.001 else shown(test.p_value))
    return table


def _signed(interval: Interval | None) -> str:
    return f"{interval.low:+.3f} – {interval.high:+.3f}" if interval else ""


def _say(console: Console, line: str, style: str | None = None) -> None:
    console.print(line, markup=False, emoji=False, highlight=False, soft_wrap=True, style=style)


def _breakdown(title: str, groups: Sequence[Group]) -> Table:
    table = _table(title, "n", "right", *_GROUP_COLUMNS.values())
    for group in groups:
        values = (shown(getattr(group.figures, name)) for name in _GROUP_COLUMNS)
        table.add_row(group.name, str(group.figures.n), shown(group.right), *values)
    return table


def _table(first: str, *columns: str, title: str | None = None) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    table.add_column(first, no_wrap=True)
    for column in columns:
        table.add_column(column, justify="right")
    return table


def _write(path: Path, text: str) -> None:
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)
