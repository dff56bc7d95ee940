"""Shows several engines side by side, in the terminal and in what is saved."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eval.engines import Difference, Engine, Tried, Work, differences, work_of
from eval.metrics import Figures
from eval.reporting import save, save_json, save_text, shown
from eval.running import State
from qa.text import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

__all__ = ["folder_of", "save_engines", "show_engines", "show_work"]

MOST_SHOWN = 20
"""So many differences are listed in the terminal; all are in the report."""
_SHOWN_CHARS = 100
_TEXT = "  "


def show_engines(tried: Sequence[Tried], console: Console) -> None:
    """Prints the figures of all engines, what their models did, and the cases in which they differ."""
    console.print(_table(tried, [*_figures(tried), *_work(tried)]))
    for each in tried:
        _say_fallbacks(each, console)
        if each.problem:
            _say(console, f"{each.name}: not asked: {each.problem}")
        for row in each.run.rows if each.run else ():
            if row.state is State.ERROR or (row.state is State.UNSCORED and each is tried[0]):
                _say(console, f"{each.name}: {row.state.value} {row.case.id}: {row.note}")
    found = differences(tried)
    if len([each for each in tried if each.run]) > 1:
        _say(console, f"\nThey differ in {len(found)} of {_asked(tried)} cases{':' if found else '.'}")
    for difference in found[:MOST_SHOWN]:
        _say(console, f"{difference.case}: {printable(difference.question, _SHOWN_CHARS)}")
        for outcome in difference.outcomes:
            mark = "right" if outcome.right else "wrong"
            _say(console, f"{_TEXT}{outcome.engine}: {outcome.said} ({mark}): {printable(outcome.text, _SHOWN_CHARS)}")
    if len(found) > MOST_SHOWN:
        _say(console, f"… and {len(found) - MOST_SHOWN} more, in engines.md.")


def show_work(tried: Sequence[Tried], console: Console) -> None:
    """Prints what the chat models of engines did."""
    console.print(_table(tried, _work(tried)))
    for each in tried:
        _say_fallbacks(each, console)


def save_engines(tried: Sequence[Tried], folder: Path) -> None:
    """Writes ``engines.json`` and ``engines.md``, and what is saved of every run, in a folder of its own.

    Raises:
        ResultsUnwritable: no permission, or no space.
    """
    for each in tried:
        if each.run:
            save(each.run, folder / folder_of(each.name, tried))
    save_json(folder / "engines.json", _data(tried))
    save_text(folder / "engines.md", "\n".join(_markdown(tried)) + "\n")


def folder_of(name: str, tried: Sequence[Engine | Tried]) -> str:
    """The folder of an engine's own run; two names that differ only in signs get different ones."""
    slugs = [re.sub(r"[^a-z0-9.]+", "-", each.name.casefold()).strip("-.")[:60] or "engine" for each in tried]
    at = next(n for n, each in enumerate(tried) if each.name == name)
    before = slugs[:at].count(slugs[at])
    return f"{slugs[at]}-{before + 1}" if before else slugs[at]


def _asked(tried: Sequence[Tried]) -> int:
    return max((len(each.run.rows) for each in tried if each.run), default=0)


def _table(tried: Sequence[Tried], rows: Iterable[tuple[str, Sequence[str]]]) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD)
    table.add_column("figure", no_wrap=True)
    for each in tried:
        table.add_column(Text(printable(each.name, 60)), justify="right", overflow="fold")
    for name, values in rows:
        table.add_row(name, *values)
    return table


def _say_fallbacks(tried: Tried, console: Console) -> None:
    if fallbacks := work_of(tried).fallbacks:
        _say(console, f"{tried.name}: {_told_fallbacks(fallbacks)}")


def _told_fallbacks(fallbacks: Mapping[str, int]) -> str:
    return f"answers not in its words: {', '.join(f'{reason} {n}' for reason, n in fallbacks.items())}"


def _say(console: Console, line: str) -> None:
    console.print(line, markup=False, emoji=False, highlight=False, soft_wrap=True)


# --- the figures ------------------------------------------------------------------------------------------------------

_WORK: Mapping[str, Callable[[Work], str]] = {
    "answers in its words": lambda work: str(work.answers),
    "not in its words": lambda work: str(sum(work.fallbacks.values())),
    "claims written": lambda work: str(work.claims),
    "claims proven": lambda work: str(work.proven),
    "in the policy's words": lambda work: str(work.repaired),
    "claims dropped": lambda work: str(work.dropped),
    "verdict as the reader's": lambda work: str(work.agreed),
    "another verdict": lambda work: str(work.disagreed),
    "calls": lambda work: str(work.calls),
    "tokens in / out": lambda work: f"{work.input_tokens:,} / {work.output_tokens:,}",
}


def _figures(tried: Sequence[Tried]) -> Iterator[tuple[str, list[str]]]:
    """Every figure's name with its values, one an engine; a dash where the engine was not asked."""
    runs = [each.run for each in tried]
    for name in (each.name for each in fields(Figures)):
        yield name, [shown(getattr(run.summary.figures, name)) if run else shown(None) for run in runs]
    yield (
        "answer p50 / p95 (ms)",
        [_both(run.summary.p50_ms, run.summary.p95_ms) if run else shown(None) for run in runs],
    )


def _work(tried: Sequence[Tried]) -> Iterator[tuple[str, list[str]]]:
    """What each engine's model did; a dash where there is none, or it was not asked."""
    works = [work_of(each) if each.run else None for each in tried]
    by_model = [work if each.engine.settings.llm else None for each, work in zip(tried, works, strict=True)]
    yield (
        "first proof p50 / p95 (ms)",
        [_both(work.first_p50_ms, work.first_p95_ms) if work else shown(None) for work in works],
    )
    for name, value in _WORK.items() if any(by_model) else ():
        yield name, [value(work) if work else shown(None) for work in by_model]
    if any(work and work.cost is not None for work in works):
        yield "cost, by your prices", [shown(work.cost if work else None, 4) for work in works]
        pairs = zip(tried, works, strict=True)
        yield "cost of 1,000 questions", [shown(_per_thousand(each, work), 2) for each, work in pairs]


def _per_thousand(tried: Tried, work: Work | None) -> float | None:
    n = len(tried.first_ms)
    return work.cost * 1_000 / n if work and work.cost is not None and n else None


def _both(p50_ms: float | None, p95_ms: float | None) -> str:
    return f"{shown(p50_ms, 0)} / {shown(p95_ms, 0)}"


# --- what is saved ----------------------------------------------------------------------------------------------------


def _data(tried: Sequence[Tried]) -> dict[str, Any]:
    parameters = next((asdict(each.run.parameters) for each in tried if each.run), None)
    if parameters:
        del parameters["engine"]
    return {
        "parameters": parameters,
        "engines": [
            {
                "name": each.name,
                "problem": each.problem or None,
                "folder": folder_of(each.name, tried) if each.run else None,
                "price": asdict(each.engine.price) if each.engine.price else None,
                "figures": asdict(each.run.summary.figures) if each.run else None,
                "p50_ms": each.run.summary.p50_ms if each.run else None,
                "p95_ms": each.run.summary.p95_ms if each.run else None,
                "work": asdict(work_of(each)) if each.run else None,
                "first_ms": {case: round(ms, 2) for case, ms in each.first_ms.items()},
            }
            for each in tried
        ],
        "differences": [asdict(each) for each in differences(tried)],
    }


def _markdown(tried: Sequence[Tried]) -> Iterator[str]:
    run = next((each.run for each in tried if each.run), None)
    yield "# Engines side by side"
    yield ""
    if run:
        parameters = run.parameters
        yield (
            f"{_cell(parameters.cases)}, {len(run.rows)} cases, {parameters.policies} policies; fineprint"
            f" {parameters.fineprint}, Python {parameters.python}, {parameters.platform}, {parameters.started_at}."
        )
        yield ""
    yield f"| figure | {' | '.join(_cell(each.name) for each in tried)} |"
    yield f"| --- |{' ---: |' * len(tried)}"
    for name, values in (*_figures(tried), *_work(tried)):
        yield f"| {name} | {' | '.join(map(_cell, values))} |"
    notes = [f"{each.name}: not asked: {each.problem}" for each in tried if each.problem] + [
        f"{each.name}: {_told_fallbacks(fallbacks)}" for each in tried if (fallbacks := work_of(each).fallbacks)
    ]
    if notes:
        yield ""
        yield from (f"- {_cell(note)}" for note in notes)
    found = differences(tried)
    yield ""
    yield f"## Where they differ: {len(found)} of {_asked(tried)} cases"
    for difference in found:
        yield from _told(difference)


def _told(difference: Difference) -> Iterator[str]:
    """One case with what each engine made of it; what was said is code, so that nothing in it is markup."""
    yield ""
    yield f"### {_cell(difference.case)}"
    yield ""
    yield from _code(difference.question)
    yield ""
    yield f"Right is: {_cell(difference.expected)}."
    for outcome in difference.outcomes:
        yield ""
        yield f"{_cell(outcome.engine)}: {_cell(outcome.said)}, {'right' if outcome.right else 'wrong'}."
        yield ""
        yield from _code(outcome.text)


def _code(text: str) -> Iterator[str]:
    lines = [printable(line) for line in text.splitlines()]
    yield from (f"    {line}" for line in lines if line)


def _cell(text: str) -> str:
    return re.sub(r"([\\`*_{}\[\]<>|#&])", r"\\\1", printable(text, 300))
