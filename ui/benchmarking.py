"""``fineprint eval benchmark``, ``baselines`` and ``ablation``: published sets, simpler systems, less of our own."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qa.errors import UsageError
from ui.printing import IndexOption, print_lines, progress, settings_of

if TYPE_CHECKING:
    from rich.console import Console

    from eval.benchmarks.scoring import Engine


def benchmark(
    name: Annotated[str | None, typer.Argument(help="Which one; without it, they are listed.")] = None,
    *,
    data: Annotated[Path | None, typer.Option(help="Where its data is, which does not come with fineprint.")] = None,
    most: Annotated[int | None, typer.Option(min=1, help="Ask at most so many, evenly through the data.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for rows, summary, parameters and report.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out that was cut off.")] = False,
) -> None:
    """Measures a published question set, with the published figures beside ours."""
    from rich.console import Console

    from eval.benchmarks.running import benchmark_named, run_benchmark, show

    console = Console()
    if name is None:
        if data or most or out or resume:
            raise UsageError("Name the benchmark first; `fineprint eval benchmark` lists them.")
        _list(console)
        return
    if resume and out is None:
        raise UsageError("--resume goes on with the run in a folder: name it with --out.")
    chosen = benchmark_named(name)
    settings = settings_of(None)
    folder = out or settings.cache / "eval" / f"{chosen.about.name}-{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%S%fZ}"
    with progress(chosen.about.title) as tell:
        outcome = run_benchmark(
            chosen,
            data,
            folder,
            _engine(),
            most=most or 0,
            resume=resume,
            on_progress=lambda what, done, total: tell(done, total, what),
        )
    show(outcome, console)
    console.print(f"Rows, summary, parameters and report: {folder}", markup=False, highlight=False, soft_wrap=True)


def baselines(
    cases: Annotated[Path | None, typer.Option(help="A file of cases; the bundled ones if absent.")] = None,
    policies_dir: Annotated[Path | None, typer.Option("--policies", help="Folder of the cases' policies.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the table, the figure and every system's run.")] = None,
    baseline: Annotated[
        list[str] | None,
        typer.Option(help="bm25, dense, dense-tuned, tutorial or tutorial-scoped; repeat it. All if absent."),
    ] = None,
    engine: Annotated[
        list[str] | None, typer.Option(help="Ours: extractive, or a chat model as provider:model; repeat it.")
    ] = None,
) -> None:
    """Puts fineprint beside simpler systems on the same cases."""
    from rich.console import Console

    from eval.versus import compare_with_baselines

    raise typer.Exit(
        compare_with_baselines(
            cases, policies_dir, out, settings_of(None), Console(), baselines=baseline or (), engines=engine or ()
        )
    )


def ablation(
    cases: Annotated[Path | None, typer.Option(help="A file of cases; the bundled ones if absent.")] = None,
    *,
    most: Annotated[int | None, typer.Option(min=1, help="Ask at most so many, evenly through the file.")] = None,
    out: Annotated[Path | None, typer.Option(help="File for the figures, JSON.")] = None,
    index: IndexOption = None,
) -> None:
    """Leaves out one stage after the other: what each brings, and what it costs in milliseconds."""
    from eval.ablation import ablate, as_markdown
    from eval.cases import BUNDLED

    with progress("Asking every variant") as tell:
        lines = ablate(
            cases or BUNDLED, index, out, most=most or 0, on_progress=lambda done, total: tell(done, total, "")
        )
    print_lines(as_markdown(lines).splitlines())


def _engine() -> Engine:
    from eval.benchmarks.scoring import Engine
    from qa.encoders import BundledJudge, open_encoder
    from qa.reading import EvidenceReader

    settings = settings_of(None)
    judge = BundledJudge(settings.cache, threads=settings.threads)
    return Engine(settings, open_encoder(settings), EvidenceReader(judge))


def _list(console: Console) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from eval.benchmarks.running import BENCHMARKS, benchmark_named

    table = Table(box=SIMPLE_HEAD)
    table.add_column("benchmark", no_wrap=True)
    table.add_column("what it measures, what --data names, and whose it is")
    for name in BENCHMARKS:
        about = benchmark_named(name).about
        table.add_row(name, Text(f"{about.measures}\n--data: {about.data}\n{about.origin}\n"))
    console.print(table)
