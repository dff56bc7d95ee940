"""``fineprint bench`` at a terminal: what was asked for, a bar and a line for each thing measured, and the summary."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from eval.bench import QUICK, Plan, run_bench
from qa.errors import UsageError
from ui.printing import note, print_lines, progress

__all__ = ["plan_of", "run_bench_at_terminal"]

_MOST = 1_000_000


def run_bench_at_terminal(
    out: Path, *, quick: bool, resume: bool, policies: Path | None, cases: Path | None, sizes: str | None
) -> None:
    """Measures, and prints the summary; what is measured before an interruption is kept.

    Raises:
        UsageError: what was asked for cannot be measured.
    """
    plan = plan_of(quick=quick, policies=policies, cases=cases, sizes=sizes)
    note(
        "This takes minutes." if quick else "This takes up to hours; on a machine that does nothing else it tells most."
    )
    try:
        with progress("Measuring") as show:
            summary = run_bench(plan, out, resume=resume, show=show, tell=note)
    except KeyboardInterrupt:
        note(f"Stopped. What was measured is in {out}; the same command with --resume goes on.")
        raise
    print_lines(summary.splitlines())
    note(f"Measurements and figures: {out}")


def plan_of(*, quick: bool, policies: Path | None, cases: Path | None, sizes: str | None) -> Plan:
    """What the options ask for.

    Raises:
        UsageError: they make no sense together, or name what is not there.
    """
    plan = QUICK if quick else Plan()
    if policies is not None:
        if not policies.is_dir():
            raise UsageError(f"There is no folder {policies}: name one that holds policies.")
        if cases is None:
            raise UsageError("--policies needs --cases: questions about these policies.")
        plan = replace(plan, policies=policies.resolve())
    if cases is not None:
        if not cases.is_file():
            raise UsageError(f"There is no file {cases}: name one with cases.")
        plan = replace(plan, cases=cases.resolve())
    return replace(plan, sizes=_sizes(sizes)) if sizes is not None else plan


def _sizes(text: str) -> tuple[int, ...]:
    try:
        found = {int(part) for part in text.split(",")}
    except ValueError:
        found = set()
    if not found or min(found) < 1 or max(found) > _MOST:
        raise UsageError(f"--sizes {text[:80]!r} names no numbers of policies: write e.g. 4,1000 (up to {_MOST:,}).")
    return tuple(sorted(found))
