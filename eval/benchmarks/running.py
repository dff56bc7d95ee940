"""Runs a benchmark: every row is kept as soon as it is there, so that a run that was cut off can go on."""

from __future__ import annotations

import datetime as dt
import logging
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from eval.benchmarks.keeping import REPORT, SUMMARY, Parameters, append, begin
from eval.benchmarks.scoring import About, Benchmark, Engine, InvalidData, Item, OnProgress, Parts, Row, figures_of
from eval.intervals import Interval, intervals_of, units_of
from eval.reporting import save_json, save_text, shown
from eval.versions import commit_of, files_sha256, package_version
from qa.errors import FineprintError
from qa.text import printable

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["BENCHMARKS", "Outcome", "benchmark_named", "run_benchmark", "show"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a benchmark came to.

    Attributes:
        intervals: 95 %, of the figures that are sums over the rows.
        resampled: what the intervals draw: "policies", or "questions" where there are few policies.
    """

    about: About
    parameters: Parameters
    rows: tuple[Row, ...]
    figures: Mapping[str, float | None]
    intervals: Mapping[str, Interval]
    resampled: str

    @property
    def problems(self) -> int:
        """How many items there is no answer to; each counts as wrong."""
        return sum(bool(row.problem) for row in self.rows)


def _policyqa() -> Benchmark:
    from eval.benchmarks.policyqa import PolicyQaBenchmark

    return PolicyQaBenchmark()


def _privacyqa() -> Benchmark:
    from eval.benchmarks.privacyqa import PrivacyQaBenchmark

    return PrivacyQaBenchmark()


def _legalbench() -> Benchmark:
    from eval.benchmarks.legalbench import LegalBenchBenchmark

    return LegalBenchBenchmark()


def _legalbench_rag() -> Benchmark:
    from eval.benchmarks.legalbench_rag import LegalBenchRagBenchmark

    return LegalBenchRagBenchmark()


def _cases() -> Benchmark:
    from eval.benchmarks.cases import CasesBenchmark

    return CasesBenchmark()


BENCHMARKS: Mapping[str, Callable[[], Benchmark]] = {
    "policyqa": _policyqa,
    "privacyqa": _privacyqa,
    "legalbench": _legalbench,
    "legalbench-rag": _legalbench_rag,
    "cases": _cases,
}


def benchmark_named(name: str) -> Benchmark:
    """The benchmark of a name.

    Raises:
        InvalidData: there is none.
    """
    make = BENCHMARKS.get(name.strip().casefold().replace("_", "-"))
    if make is None:
        raise InvalidData(f"There is no benchmark {name[:60]!r}: name one of {', '.join(BENCHMARKS)}.")
    return make()


def run_benchmark(
    benchmark: Benchmark,
    data: Path | None,
    out: Path,
    engine: Engine,
    *,
    most: int = 0,
    resume: bool = False,
    on_progress: OnProgress = lambda *_: None,
) -> Outcome:
    """Asks all items, or those that a run in the same folder has not asked yet, and saves what came of it.

    Args:
        benchmark: what to ask.
        data: where its data is.
        out: the folder of the results; those of an earlier benchmark there are replaced, unless it goes on.
        engine: what is asked.
        most: ask at most so many items, evenly through the data; 0 for all.
        resume: go on with the run in the folder.
        on_progress: told how far it is.

    Raises:
        InvalidData: the data cannot be used.
        OtherBenchmarkRun: the folder holds something else, or a run with other parameters that shall go on.
        ResultsUnwritable: the results cannot be saved there.
    """
    items = benchmark.read(data)
    asked = [items[i * len(items) // most] for i in range(most)] if 0 < most < len(items) else list(items)
    parameters = _parameters(benchmark, data, engine, most=most, items=len(items), asked=len(asked))
    rows = begin(out, parameters, resume=resume)
    left = [item for item in asked if item.id not in rows or not _fits(rows[item.id], benchmark.wrong(item))]
    try:
        with engine.open_until_done:
            for row in _rows(benchmark, left, engine, on_progress, before=len(rows)):
                rows[row.id] = row
                append(out, row)
    except KeyboardInterrupt:
        raise FineprintError(
            f"Interrupted: {len(rows)} of {len(asked)} are kept in {out}. Run it again with --resume to go on."
        ) from None
    outcome = _outcome(benchmark.about, parameters, tuple(rows[item.id] for item in asked))
    _save(outcome, out)
    return outcome


def show(outcome: Outcome, console: Console) -> None:
    """Prints the figures, the published ones beside them, and what is as published and what is not."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    about = outcome.about
    title = Text(f"{about.title}: {_asked(outcome.parameters)}")
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    table.add_column("figure", no_wrap=True)
    table.add_column("fineprint", justify="right", no_wrap=True)
    table.add_column("95 %", justify="right", no_wrap=True)
    for n, _ in enumerate(about.published, start=1):
        table.add_column(Text(f"[{n}]"), justify="right", no_wrap=True)
    for cells in _cells(outcome):
        table.add_row(*cells)
    console.print(table)
    for line in _notes(outcome):
        console.print(line, markup=False, emoji=False, highlight=False)


def as_markdown(outcome: Outcome) -> str:
    """The same as a page."""
    about, parameters = outcome.about, outcome.parameters
    heads = ["figure", "fineprint", "95 %", *(f"[{n}]" for n, _ in enumerate(about.published, start=1)), "meaning"]
    rule = ["---", *["---:"] * (len(heads) - 2), "---"]
    rows = [[*cells, about.figures[cells[0]]] for cells in _cells(outcome)]
    table = "".join(f"| {' | '.join(row)} |\n" for row in (heads, rule, *rows))
    made = (
        f"fineprint {parameters.fineprint}, {parameters.encoder}, Python {parameters.python}, {parameters.platform},"
        f" {parameters.started_at}; data SHA-256 {parameters.data_sha256[:16]}…"
    )
    notes = "\n\n".join(_notes(outcome))
    return f"# {about.title}\n\n{_asked(parameters)}. {made}.\n\n{table}\n{notes}\n"


def _asked(parameters: Parameters) -> str:
    if parameters.asked == parameters.items:
        return f"all {parameters.items} of {printable(parameters.data)}"
    return f"{parameters.asked} of {parameters.items} of {printable(parameters.data)}, evenly through it"


def _cells(outcome: Outcome) -> Iterator[list[str]]:
    for name, value in outcome.figures.items():
        digits = 0 if name.startswith("characters") else 3
        interval = outcome.intervals.get(name)
        between = f"{shown(interval.low, digits)}–{shown(interval.high, digits)}" if interval else ""
        others = [shown(each.figures[name]) if name in each.figures else "" for each in outcome.about.published]
        yield [name, shown(value, digits), between, *others]


def _notes(outcome: Outcome) -> Iterator[str]:
    about = outcome.about
    for n, each in enumerate(about.published, start=1):
        yield f"[{n}] {each.system}: {each.source}{f'; {each.note}' if each.note else ''}."
    if not about.published:
        yield "Published figures: none that could be found in a source that can be named."
    yield f"As published: {about.follows}."
    yield f"Not as published: {about.differs}."
    yield f"Data: {about.origin}."
    if outcome.resampled:
        yield f"Intervals: bootstrap of {outcome.resampled}."
    if outcome.problems:
        first = next(row for row in outcome.rows if row.problem)
        why = printable(f"{first.id}: {first.problem}", 200)
        yield f"{outcome.problems} without an answer, which count as wrong; the first is {why}."


def _fits(row: Row, wrong: Parts) -> bool:
    """Whether a kept row adds to the same figures as any row of its item."""
    return {name: len(each) for name, each in row.parts.items()} == {name: len(each) for name, each in wrong.items()}


# --- asking -----------------------------------------------------------------------------------------------------------


def _rows(
    benchmark: Benchmark, left: Sequence[Item], engine: Engine, on_progress: OnProgress, *, before: int
) -> Iterator[Row]:
    if not left:
        return
    ask = benchmark.prepare(left, engine, on_progress)
    for n, item in enumerate(left, start=1):
        try:
            row = ask(item)
        except Exception as exc:  # whatever goes wrong with one item, the others go on and this one counts as wrong
            logger.debug("item %s failed", item.id, exc_info=True)
            row = Row(item.id, item.policy, benchmark.wrong(item), problem=f"{type(exc).__name__}: {exc}")
        yield row
        on_progress("Asking", before + n, before + len(left))


def _outcome(about: About, parameters: Parameters, rows: tuple[Row, ...]) -> Outcome:
    units = units_of([row.policy for row in rows])
    parts = {name: [row.parts[name] for row in rows] for name in about.figures if name not in about.harmonics}
    return Outcome(
        about,
        parameters,
        rows,
        figures_of(about, rows),
        intervals_of(parts, units),
        "policies" if units.name == "policies" else "questions",
    )


def _parameters(
    benchmark: Benchmark, data: Path | None, engine: Engine, *, most: int, items: int, asked: int
) -> Parameters:
    from qa.labelling import recipe

    return Parameters(
        benchmark=benchmark.about.name,
        data=data.name if data else "the bundled data",
        data_sha256=_sha256(benchmark.files(data)),
        most=most,
        items=items,
        asked=asked,
        fineprint=package_version(),
        commit=commit_of(),
        python=platform.python_version(),
        platform=f"{platform.system()} {platform.machine()}",
        encoder=engine.encoder.name,
        fingerprint=engine.encoder.fingerprint,
        recipe=recipe(),
        started_at=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
    )


def _sha256(files: Sequence[Path]) -> str:
    try:
        return files_sha256(files)
    except OSError as exc:
        raise InvalidData(f"Cannot read {exc.filename}: {exc.strerror}.") from exc


def _save(outcome: Outcome, out: Path) -> None:
    summary = {
        "benchmark": outcome.about.name,
        "data_sha256": outcome.parameters.data_sha256,
        "n": len(outcome.rows),
        "problems": outcome.problems,
        "figures": dict(outcome.figures),
        "intervals": {name: [each.low, each.high] for name, each in outcome.intervals.items()},
        "resampled": outcome.resampled,
        "published": [asdict(each) for each in outcome.about.published],
    }
    save_json(out / SUMMARY, summary)
    save_text(out / REPORT, as_markdown(outcome))
