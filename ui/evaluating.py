"""The commands of ``fineprint eval``: the evaluation itself, and what is done with its cases and results."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from qa.errors import UsageError
from ui import case_commands
from ui.benchmarking import ablation, baselines, benchmark
from ui.printing import print_lines, settings_of

evaluation = typer.Typer(help="Measures answers against known ones.", rich_markup_mode=None)


@evaluation.callback(invoke_without_command=True)
def evaluate(  # noqa: PLR0917
    context: typer.Context,
    cases: Annotated[
        Path | None, typer.Option(help="Cases: *.yaml, *.csv or *.jsonl; the bundled ones if absent.")
    ] = None,
    policies_dir: Annotated[Path | None, typer.Option("--policies", help="Folder of the cases' policies.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for rows, summary and parameters.")] = None,
    against: Annotated[Path | None, typer.Option(help="A saved summary to compare with.")] = None,
    engine: Annotated[
        list[str] | None,
        typer.Option(help="extractive, or a chat model as provider:model; repeat it to put several side by side."),
    ] = None,
    price: Annotated[
        list[str] | None, typer.Option(help="What a million tokens cost, as engine=in/out; repeat it for each model.")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, max=64, help="So many questions are asked at a time.")] = 1,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run in --out: what was answered is not asked again.")
    ] = False,
) -> None:
    """Measures answers against known ones."""
    if context.invoked_subcommand is not None:
        _refuse_options_of_a_run(context)
        return
    from rich.console import Console

    from eval.engines import prices_of
    from eval.evaluating import evaluate as run_evaluation

    raise typer.Exit(
        run_evaluation(
            cases,
            policies_dir,
            out,
            against,
            settings_of(None),
            Console(),
            engines=engine or (),
            prices=prices_of(price or ()),
            jobs=jobs,
            resume=resume,
        )
    )


@evaluation.command("report")
def report(
    results: Annotated[Path, typer.Argument(metavar="RESULTS", help="Folder that fineprint eval --out wrote.")],
    against: Annotated[
        Path | None, typer.Option(help="An earlier folder of results, or a saved summary, to compare with.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="The one file to write: .html, .md or .xml (JUnit).  [default: all three, in RESULTS]"),
    ] = None,
) -> None:
    """Writes a page to read in a browser, a Markdown summary and JUnit XML from saved results."""
    from eval.report.writing import report_on

    for file in report_on(results, against, out):
        print_lines([f"Written: {file}"])


def _refuse_options_of_a_run(context: typer.Context) -> None:
    """Options before a subcommand would be ignored without a word.

    Raises:
        UsageError: there are some.
    """
    sources = {each.opts[0]: context.get_parameter_source(each.name) for each in context.command.params if each.name}
    given = [option for option, source in sources.items() if source is not None and source.name == "COMMANDLINE"]
    if given:
        command = f"fineprint eval {context.invoked_subcommand}"
        raise UsageError(f"{given[0]} before {context.invoked_subcommand} has no effect: write it after `{command}`.")


evaluation.command("new")(case_commands.new)
evaluation.command("check")(case_commands.check)
evaluation.command("draft")(case_commands.draft)
evaluation.command("confirm")(case_commands.confirm)
evaluation.command("benchmark")(benchmark)
evaluation.command("baselines")(baselines)
evaluation.command("ablation")(ablation)
