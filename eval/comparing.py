"""Compares a run with an earlier one on the same cases and policies.

The rule, in the order in which it is applied; docs/evaluation.md says why:

1. Counts of harm (``missing``, ``invalid_quotes``, ``wrong_policy``, unscored cases) may not rise at all, and a figure
   that could be computed must not become undefined.
2. The share of cases that are right may not fall by the tolerance or more: for the extractive engine, which answers
   the same each time, any case lost is a change, while what a chat model loses must be more than chance. Less than the
   tolerance is a fall, too, if it is more than chance.
3. Another share has fallen if it did so by the tolerance or more and by more than chance. Where the earlier rows are
   not there, chance cannot be told, and the tolerance alone decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from eval.intervals import LEVEL, PairedTest, beyond_chance, paired_test_of_right, paired_tests, units_of
from eval.keeping import InvalidResults, read_rows
from eval.metrics import LOWER_IS_BETTER, MEASURES, Figures, Marks, figures
from eval.running import Run, policy_of
from qa.domain import EXTRACTIVE
from qa.errors import UsageError

__all__ = [
    "TOLERANCE", "Baseline", "Comparison", "Fall", "InvalidBaseline", "cases_broke", "check_comparable", "compare",
    "read_baseline",
]  # fmt: skip

TOLERANCE = 0.005
"""A share may be less than this below the baseline: less than one case in two hundred."""

_ROUNDING = 1e-9

RIGHT = "right"
"""The name of the share of cases that are right in everything that they ask for."""

_COUNTS = ("missing", "invalid_quotes", "wrong_policy")


class InvalidBaseline(UsageError):
    """What a run shall be compared with is no summary, or one of other data."""

    code = "invalid_baseline"


@dataclass(frozen=True, slots=True)
class Baseline:
    """What is kept of a run to compare later ones with: a saved ``summary.json``, with the rows where they are there.

    Attributes:
        right, wrong, unscored: ids of the cases.
        marks: of each case that was asked; empty if only the summary is there, or the rows are of another run.
    """

    data_sha256: str
    figures: Figures
    right: tuple[str, ...]
    wrong: tuple[str, ...]
    unscored: tuple[str, ...]
    marks: Mapping[str, Marks] = field(default_factory=dict)


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
        falls: what makes the comparison red, by the rule above.
        fixed, broken: ids of cases that were wrong and are right now, and the reverse.
        tests: of each share that both runs have, ``right`` first; of no other if the earlier rows are not there.
        resampled: what the tests draw again and again: "policies" or "cases".
    """

    falls: tuple[Fall, ...]
    fixed: tuple[str, ...]
    broken: tuple[str, ...]
    tests: tuple[PairedTest, ...] = ()
    resampled: str = ""


def read_baseline(path: Path) -> Baseline:
    """Reads a ``summary.json``, or the one in a folder of results, with the rows beside it if they are its own.

    Raises:
        InvalidBaseline: there is none, or it is something else.
    """
    from pydantic import TypeAdapter, ValidationError

    file = path / "summary.json" if path.is_dir() else path
    try:
        baseline = TypeAdapter(Baseline).validate_json(file.read_bytes())
    except OSError as exc:
        raise InvalidBaseline(f"Cannot read the baseline {file}: {exc.strerror}.") from exc
    except ValidationError as exc:
        raise InvalidBaseline(f"{file} is not the summary.json of an earlier run.") from exc
    try:
        rows = read_rows(file.parent)
    except InvalidResults:  # a summary that was put somewhere by itself
        rows = ()
    marks = {row.case.id: row.marks for row in rows if row.marks}
    own = figures(list(marks.values())) == baseline.figures
    return replace(baseline, marks=marks if own else {})


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
    both = [row for row in run.rows if row.marks and row.case.id in right | wrong]
    units = units_of([policy_of(row.case) for row in both])
    known = [marks for row in both if (marks := baseline.marks.get(row.case.id))]
    of_right: PairedTest | None
    others: Sequence[PairedTest] = ()
    if both and len(known) == len(both):
        of_right, *others = paired_tests(known, [row.marks for row in both if row.marks], units)
    else:
        of_right = paired_test_of_right([row.case.id in right for row in both], [row.right for row in both], units)
    return Comparison(
        falls=tuple(_falls(run, baseline, of_right, others, tolerance)),
        fixed=tuple(case for case in now.right if case in wrong),
        broken=tuple(case for case in (*now.wrong, *now.unscored) if case in right),
        tests=(of_right, *others) if of_right else (),
        resampled=units.name,
    )


def _falls(
    run: Run, baseline: Baseline, of_right: PairedTest | None, others: Sequence[PairedTest], tolerance: float
) -> Iterator[Fall]:
    now, was = run.summary.figures, baseline.figures
    if of_right and cases_broke(of_right, tolerance, answers_alike=run.parameters.engine == EXTRACTIVE):
        yield Fall(RIGHT, of_right.was, of_right.now)
    more_than_chance = beyond_chance(others)
    tested = {test.figure for test in others}
    for name in MEASURES:
        before, after = getattr(was, name), getattr(now, name)
        if name == RIGHT or before is None:
            continue
        loss = None if after is None else (after - before if name in LOWER_IS_BETTER else before - after)
        if loss is None or (loss > tolerance - _ROUNDING and (name in more_than_chance or name not in tested)):
            yield Fall(name, before, after)
    for name in _COUNTS:
        if getattr(now, name) > getattr(was, name):
            yield Fall(name, getattr(was, name), getattr(now, name))
    if len(run.summary.unscored) > len(baseline.unscored):
        yield Fall("unscored", len(baseline.unscored), len(run.summary.unscored))


def cases_broke(test: PairedTest, tolerance: float, *, answers_alike: bool) -> bool:
    """Whether cases broke on balance, by the second rule.

    Args:
        test: of the share of right cases.
        tolerance: how much it may fall.
        answers_alike: whether the engine answers the same each time, so that nothing changes by chance.
    """
    loss = -test.difference
    return loss > 0 and (test.p_value < 1 - LEVEL or (answers_alike and loss > tolerance - _ROUNDING))
