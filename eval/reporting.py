"""Shows a run, saves it, and compares it with an earlier one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eval.metrics import Figures
from eval.running import Group, Row, Run, State, Summary
from qa.domain import as_json
from qa.errors import FineprintError, UsageError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

TOLERANCE = 0.005
"""A share may be this much below the baseline: less than one case in two hundred, so that only noise passes."""

_COUNTS = ("missing", "invalid_quotes", "wrong_policy")
_DESCRIPTIVE = ("n", "citations_per_answer")
# Short heads, so that the table fits eighty columns.
_GROUP_COLUMNS = {
    "verdict_accuracy": "verdict",
    "answerability": "answered",
    "hit_at_1": "hit@1",
    "hit_at_3": "hit@3",
    "evidence_recall": "recall",
}
_UNDEFINED = "–"


class InvalidBaseline(UsageError):
    """What a run shall be compared with is no summary, or one of other data."""

    code = "invalid_baseline"


class ResultsUnwritable(FineprintError):
    """The results cannot be saved where they were asked for."""

    code = "results_unwritable"


@dataclass(frozen=True, slots=True)
class Baseline:
    """What is kept of a run to compare later ones with: a saved ``summary.json``.

    Attributes:
        right, wrong, unscored: ids of the cases.
    """

    data_sha256: str
    figures: Figures
    right: tuple[str, ...]
    wrong: tuple[str, ...]
    unscored: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fall:
    """A figure that got worse; ``now`` is None where it cannot be computed any more."""

    figure: str
    was: float
    now: float | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """A run beside its baseline.

    Attributes:
        falls: figures worse than the tolerance allows; counts may not rise at all.
        fixed, broken: ids of cases that were wrong and are right now, and the reverse.
    """

    falls: tuple[Fall, ...]
    fixed: tuple[str, ...]
    broken: tuple[str, ...]


def read_baseline(path: Path) -> Baseline:
    """Reads a ``summary.json``, or the one in a folder of results.

    Raises:
        InvalidBaseline: there is none, or it is something else.
    """
    from pydantic import TypeAdapter, ValidationError

    file = path / "summary.json" if path.is_dir() else path
    try:
        return TypeAdapter(Baseline).validate_json(file.read_bytes())
    except OSError as exc:
        raise InvalidBaseline(f"Cannot read the baseline {file}: {exc.strerror}.") from exc
    except ValidationError as exc:
        raise InvalidBaseline(f"{file} is not the summary.json of an earlier run.") from exc


def check_comparable(data_sha256: str, baseline: Baseline) -> None:
    """Checks that a baseline was made with the same cases and policies.

    Raises:
        InvalidBaseline: it was not, so its figures mean something else.
    """
    if data_sha256 != baseline.data_sha256:
        raise InvalidBaseline(
            "The baseline was made with other cases or policies, so its figures do not compare. "
            "Save a run of these with --out and use its summary.json as the new baseline."
        )


def compare(run: Run, baseline: Baseline, *, tolerance: float = TOLERANCE) -> Comparison:
    """Compares a run with an earlier one on the same data.

    Raises:
        InvalidBaseline: the baseline was made with other cases or policies.
    """
    check_comparable(run.parameters.data_sha256, baseline)
    now = run.summary
    wrong, right = set(baseline.wrong), set(baseline.right)
    return Comparison(
        falls=tuple(_falls(now, baseline, tolerance)),
        fixed=tuple(case for case in now.right if case in wrong),
        broken=tuple(case for case in (*now.wrong, *now.unscored) if case in right),
    )


def save(run: Run, folder: Path) -> None:
    """Writes ``rows.jsonl``, ``parameters.json`` and ``summary.json`` into a folder; each whole or not at all.

    Raises:
        ResultsUnwritable: no permission, or no space.
    """
    rows = "".join(json.dumps(_row(row), ensure_ascii=False) + "\n" for row in run.rows)
    summary = {"data_sha256": run.parameters.data_sha256, **asdict(run.summary)}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder / "rows.jsonl", rows)
        _write(folder / "parameters.json", json.dumps(asdict(run.parameters), indent=1) + "\n")
        _write(folder / "summary.json", json.dumps(summary, indent=1) + "\n")
    except OSError as exc:
        raise ResultsUnwritable(f"Cannot save the results in {folder}: {exc.strerror}.") from exc


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
        raise ResultsUnwritable(f"Cannot save the results in {path}: {exc.strerror}.") from exc


def show(run: Run, console: Console) -> None:
    """Prints the figures, their breakdown by verdict and style, and what went wrong on the way."""
    summary, parameters = run.summary, run.parameters
    table = _table("figure", "value", title=f"{parameters.cases}: {summary.figures.n} cases")
    for field in fields(Figures):
        table.add_row(field.name, shown(getattr(summary.figures, field.name)))
    table.add_row("answer p50 / p95 (ms)", f"{shown(summary.p50_ms, 0)} / {shown(summary.p95_ms, 0)}")
    console.print(table)
    console.print(_breakdown("by right answer", summary.by_verdict))
    console.print(_breakdown("by style", summary.by_style))
    for row in run.rows:
        if row.state is not State.SCORED:
            console.print(f"{row.state.value} {row.case.id}: {row.note}", markup=False, highlight=False)


def show_comparison(comparison: Comparison, console: Console, *, tolerance: float = TOLERANCE) -> None:
    """Prints what fell below the baseline and which cases changed sides."""
    for fall in comparison.falls:
        line = f"FELL {fall.figure}: {shown(fall.was)} → {shown(fall.now)}"
        console.print(line, markup=False, highlight=False, style="bold red")
    for label, ids in (("fixed", comparison.fixed), ("broken", comparison.broken)):
        if ids:
            console.print(f"{label}: {', '.join(ids)}", markup=False, highlight=False)
    if not comparison.falls:
        console.print(f"No figure fell below the baseline (tolerance {tolerance}).", highlight=False)


def shown(value: float | None, digits: int = 3) -> str:
    """A figure for people: counts whole, shares with three digits, a dash where undefined."""
    if value is None:
        return _UNDEFINED
    return str(value) if isinstance(value, int) else f"{value:.{digits}f}"


def _falls(now: Summary, was: Baseline, tolerance: float) -> Iterable[Fall]:
    for field in fields(Figures):
        before, after = getattr(was.figures, field.name), getattr(now.figures, field.name)
        if before is None or field.name in _DESCRIPTIVE:
            continue
        worse = after > before if field.name in _COUNTS else after is None or before - after > tolerance
        if worse:
            yield Fall(field.name, before, after)
    if len(now.unscored) > len(was.unscored):
        yield Fall("unscored", len(was.unscored), len(now.unscored))


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


def _row(row: Row) -> dict[str, Any]:
    question = row.case.asked()
    return {
        "id": row.case.id,
        "state": row.state.value,
        "right": row.right if row.marks else None,
        "question": question.text,
        "history": question.history,
        "scope": question.scope,
        "note": row.note,
        "elapsed_ms": round(row.elapsed_ms, 2),
        "marks": asdict(row.marks) if row.marks else None,
        "answer": as_json(row.answer),
    }


def _write(path: Path, text: str) -> None:
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)
