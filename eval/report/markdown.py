"""A run in a screen of Markdown, for a pull request or the summary of a continuous integration.

Whatever was written by others stands in code spans, in which nothing is markup, a mention or a link.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from eval.report.cases import expected, said
from eval.report.figures import FigureRow, figure_rows, headline, mistake_rows
from eval.report.mistakes import mistake_of
from eval.report.saved import Before, Report
from eval.running import Row, State
from qa.text import printable

__all__ = ["code_span", "summary_markdown"]

_MOST_LISTED = 20
_LONGEST = 140
_SHOWN = (
    "right_and_proven", "right", "verdict_accuracy", "answerability", "not_stated_f1", "hit_at_1", "evidence_recall",
    "status_accuracy", "routing_accuracy", "invalid_quotes", "wrong_policy", "missing",
)  # fmt: skip
"""The figures that a reviewer looks at; one that fell is always shown."""
_TURNS = {"worse": "▼ ", "better": "▲ ", "": ""}


def summary_markdown(report: Report) -> str:
    """The figures with their intervals and changes, and the cases that broke or were fixed."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    run, before = report.run, report.before
    head = headline(run)
    yield f"## fineprint eval: {code_span(run.parameters.cases)}"
    yield ""
    if before:
        yield _outcome(before)
        yield ""
    interval = f" (95 % interval {head.interval})" if head.interval else ""
    cases = f"{len(run.summary.right):,} of {run.summary.figures.n:,} cases right"
    yield f"**{head.title}: {head.value}**{interval}; {cases}."
    yield ""
    rows = [row for row in figure_rows(report) if row.name in _SHOWN or row.turn == "worse"]
    yield from _table(report, rows) if len(report.engines) == 1 else _engines_table(report, rows)
    if before:
        yield from _listed("Broken", "was right, is wrong", before.broken, report)
        yield from _listed("Fixed", "was wrong, is right", before.fixed, report)
    else:
        yield from _mistakes(report)
    yield from _without_answer(report)
    yield ""
    parameters = run.parameters
    versions = (parameters.engine, f"fineprint {parameters.fineprint}", parameters.started_at)
    yield (
        f"{', '.join(map(code_span, versions))}."
        " Every wrong case with its answer and the policy's text is in `report.html`."
    )


def _outcome(before: Before) -> str:
    if before.comparison is None:
        return (
            f"The cases or policies are not those of {code_span(before.name)}, so figures are not compared; of the"
            f" {before.shared:,} cases that both have, {len(before.broken):,} broke and {len(before.fixed):,} were"
            " fixed."
        )
    falls = before.comparison.falls
    outcome = f"▼ **Worse: {len(falls)} figures fell**" if len(falls) > 1 else "▼ **Worse: a figure fell**"
    if not falls:
        outcome = "✓ **No figure fell**"
    return f"{outcome} against {code_span(before.name)}; {len(before.broken):,} broken, {len(before.fixed):,} fixed."


def _table(report: Report, rows: Sequence[FigureRow]) -> Iterator[str]:
    compared = report.before is not None and report.before.comparison is not None
    sure = any(row.bars[0].interval for row in rows)
    yield f"| Figure | Now |{' 95 % interval |' if sure else ''}{' Baseline | Change |' if compared else ''}"
    yield f"| --- | ---: |{' :---: |' if sure else ''}{' ---: | ---: |' if compared else ''}"
    for row in rows:
        line = f"| {_TURNS[row.turn]}{row.title} | {row.bars[0].value} |"
        line += f" {row.bars[0].interval or '–'} |" if sure else ""
        yield f"{line} {row.before} | {row.change or '–'} |" if compared else line


def _engines_table(report: Report, rows: Sequence[FigureRow]) -> Iterator[str]:
    names = [code_span(name).replace("|", "\\|") for name, _ in report.engines]
    yield f"| Figure | {' | '.join(names)} |"
    yield f"| --- |{' ---: |' * len(names)}"
    for row in rows:
        cells = [f"{bar.value} ({bar.interval})" if bar.interval else bar.value for bar in row.bars]
        yield f"| {_TURNS[row.turn]}{row.title} | {' | '.join(cells)} |"
    for each in report.saved:
        if each.run is None:
            yield ""
            yield f"{code_span(each.name)} could not be asked: {code_span(each.problem)}"


def _listed(title: str, meaning: str, ids: Sequence[str], report: Report) -> Iterator[str]:
    yield ""
    yield f"### {title}: {len(ids):,}"
    if ids:
        yield ""
        yield f"{meaning.capitalize()}."
        yield ""
    rows = {row.case.id: row for row in report.run.rows}
    earlier = report.before.rows if report.before else {}
    for case_id in ids[:_MOST_LISTED]:
        yield f"- {_told(rows[case_id], earlier.get(case_id))}"
    if len(ids) > _MOST_LISTED:
        yield f"- … and {len(ids) - _MOST_LISTED:,} more, in `report.html`"


def _told(row: Row, earlier: Row | None) -> str:
    case = f"{code_span(row.case.id)} {code_span(row.case.question)}"
    if row.right:
        was = f"{code_span(said(earlier))} ({mistake_of(earlier.marks).value}), " if earlier else ""
        return f"{case}: {was}now {code_span(said(row))}"
    why = f" ({mistake_of(row.marks).value})" if row.marks else ""
    return f"{case}: said {code_span(said(row))}, right is {code_span(expected(row))}{why}"


def _mistakes(report: Report) -> Iterator[str]:
    listed = mistake_rows(report.run)
    yield ""
    whose = f" with {code_span(report.engines[0][0])}" if len(report.engines) > 1 else ""
    yield f"### Wrong{whose}: {sum(each.n for each in listed):,}"
    if listed:
        yield ""
    for each in listed:
        yield f"- {each.n:,} × {each.mistake.value}"


def _without_answer(report: Report) -> Iterator[str]:
    found = [row for row in report.run.rows if row.state is not State.SCORED]
    if not found:
        return
    yield ""
    yield f"### Without an answer, or unscored: {len(found):,}"
    yield ""
    for row in found[:_MOST_LISTED]:
        yield f"- {row.state.value}: {code_span(row.case.id)} {code_span(row.note)}"
    if len(found) > _MOST_LISTED:
        yield f"- … and {len(found) - _MOST_LISTED:,} more, in `report.html`"


def code_span(text: str) -> str:
    """A text as a code span that it cannot leave: fenced by more backticks than it has in a row (CommonMark 6.1)."""
    line = printable(text, _LONGEST) or "–"
    fence = "`" * (max(map(len, re.findall("`+", line)), default=0) + 1)
    pad = " " if "`" in line else ""
    return f"{fence}{pad}{line}{pad}{fence}"
