"""How sure figures are: confidence intervals, and tests of the difference between two runs on the same cases.

Questions about one policy are right or wrong together more often than by chance, so what is drawn again and again is
whole policies, each with all its cases. A bootstrap of a few policies pretends to be surer than it is (Cameron, Gelbach
and Miller, "Bootstrap-Based Improvements for Inference with Clustered Errors", 2008). So with less than ``FEW`` of them
cases are drawn, and the interval speaks of other questions about these policies, not of other policies. A case about no
single policy stands for itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from eval.metrics import MEASURES, Marks, Measure, Ratio

__all__ = [
    "FEW", "LEVEL", "Interval", "PairedTest", "Units", "beyond_chance", "intervals", "intervals_of",
    "paired_test_of_right", "paired_tests", "units_of", "wilson",
]  # fmt: skip

LEVEL = 0.95
"""Of the confidence intervals; what is less likely than the rest of it is more than chance."""

FEW = 10
"""With less policies than this, cases are drawn instead."""

_DRAWS = 2_000
_SWAPS = 5_000
_ALL_SWAPS_UP_TO = 12
"""With so many units that differ, all 4,096 ways to swap them are tried instead of a sample."""
_NUMBERS_AT_ONCE = 4_000_000
_SEED = 8
_ROUNDING = 1e-12
_Z = 1.959963984540054
"""The 97.5th percentile of the standard normal distribution."""

Array = npt.NDArray[np.float64]
Whole = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True)
class Interval:
    """A 95 % confidence interval, both ends included."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class PairedTest:
    """One figure in two runs on the same cases.

    Attributes:
        figure: its name in ``Figures``.
        was, now: in the earlier run and in this one, over the cases that both have.
        difference: now - was.
        interval: of the difference; None where it cannot be computed.
        p_value: how likely a difference of at least this size is, either way, if the two runs are equally good.
    """

    figure: str
    was: float
    now: float
    difference: float
    interval: Interval | None
    p_value: float


@dataclass(frozen=True, slots=True)
class Units:
    """What is drawn again and again.

    Attributes:
        name: "policies" or "cases".
        of_case: for each case, the number of its unit.
        n: how many units there are.
    """

    name: str
    of_case: tuple[int, ...]
    n: int


def units_of(policies: Sequence[str | None]) -> Units:
    """What is drawn, given for each case the policy that it is about, None for none or several."""
    named = sorted({policy for policy in policies if policy is not None})
    if len(named) < FEW:
        return Units("cases", tuple(range(len(policies))), len(policies))
    number = {policy: n for n, policy in enumerate(named)}
    of_case, n = [], len(named)
    for policy in policies:
        if policy is None:
            of_case.append(n)
            n += 1
        else:
            of_case.append(number[policy])
    return Units("policies", tuple(of_case), n)


def intervals(marks: Sequence[Marks], units: Units, measures: Mapping[str, Measure] = MEASURES) -> dict[str, Interval]:
    """The interval of each figure that is defined, by its name.

    Percentile bootstrap (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13), seeded. Where all
    cases are alike it would be of no width, so a figure that is exactly 0 or 1, or that is a plain share of cases, gets
    an interval at least as wide as Wilson's.

    Args:
        marks: of the cases, in any order.
        units: what is drawn.
        measures: the figures, by name.
    """
    return intervals_of({name: [measure(each) for each in marks] for name, measure in measures.items()}, units)


def intervals_of(parts: Mapping[str, Sequence[Sequence[Ratio]]], units: Units) -> dict[str, Interval]:
    """The same from what each case adds to each figure, by the figure's name."""
    if not units.of_case:
        return {}
    tables = [_table(each) for each in parts.values()]
    drawn = _drawn([_pooled(table, units) for table in tables])
    found = {}
    for name, table, values in zip(parts, tables, drawn, strict=True):
        value = float(_value(table.sum(axis=0)))
        if np.isnan(value):
            continue
        interval = _percentiles(values)
        if value in {0.0, 1.0} or _is_share(table):
            binomial = wilson(value, int((table[..., 1] > 0).any(axis=1).sum()))
            interval = _hull(interval, binomial) if interval else binomial
        if interval:
            found[name] = interval
    return found


def wilson(share: float, n: int) -> Interval:
    """The interval of a share of n independent cases.

    Source: Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", 1927.
    """
    middle = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z / (1 + _Z**2 / n) * float(np.sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2)))
    return Interval(0.0 if share == 0 else middle - half, 1.0 if share == 1 else middle + half)


def paired_tests(
    before: Sequence[Marks], after: Sequence[Marks], units: Units, measures: Mapping[str, Measure] = MEASURES
) -> tuple[PairedTest, ...]:
    """Tests the difference of each figure that is defined in both of two runs on the same cases.

    The interval is that of the paired bootstrap: both runs are drawn together. The p-value is that of the paired
    permutation test: if the runs are equally good, what they made of a unit may as well be swapped (Noreen,
    "Computer-Intensive Methods for Testing Hypotheses", 1989; Yeh, "More accurate tests for the statistical
    significance of result differences", COLING 2000). For a share of cases with few changes it is McNemar's exact test.

    Args:
        before: marks in the earlier run.
        after: marks of the same cases in the same order.
        units: what is drawn and swapped.
        measures: the figures, by name.
    """
    if not before:
        return ()
    was = [_table([measure(each) for each in before]) for measure in measures.values()]
    now = [_table([measure(each) for each in after]) for measure in measures.values()]
    return _tested(list(measures), was, now, units)


def paired_test_of_right(before: Sequence[bool], after: Sequence[bool], units: Units) -> PairedTest | None:
    """The same for the share of cases that are right, where nothing else is known of them; None without cases."""
    if not before:
        return None
    was, now = (_table([[(each, 1)] for each in run]) for run in (before, after))
    return _tested(["right"], [was], [now], units)[0]


def _tested(names: Sequence[str], was: Sequence[Array], now: Sequence[Array], units: Units) -> tuple[PairedTest, ...]:
    was_units, now_units = [_pooled(table, units) for table in was], [_pooled(table, units) for table in now]
    drawn = _drawn([*was_units, *now_units])
    tests = []
    for n, name in enumerate(names):
        one, other = float(_value(was[n].sum(axis=0))), float(_value(now[n].sum(axis=0)))
        if np.isnan(one) or np.isnan(other):
            continue
        interval = _percentiles(drawn[len(names) + n] - drawn[n])
        p_value = _p_value(was_units[n], now_units[n], abs(other - one))
        tests.append(PairedTest(name, one, other, other - one, interval, p_value))
    return tuple(tests)


def beyond_chance(tests: Sequence[PairedTest]) -> frozenset[str]:
    """The figures whose difference is more than chance, with regard to how many were tested.

    Source: Holm, "A Simple Sequentially Rejective Multiple Test Procedure", 1979.
    """
    found: set[str] = set()
    for passed, test in enumerate(sorted(tests, key=lambda test: test.p_value)):
        if test.p_value * (len(tests) - passed) > 1 - LEVEL + _ROUNDING:
            break
        found.add(test.figure)
    return frozenset(found)


def _table(parts: Sequence[Sequence[Ratio]]) -> Array:
    """What the cases add, shape (cases, ratios, 2)."""
    return np.array(parts, dtype=np.float64)


def _pooled(table: Array, units: Units) -> Array:
    """What the units add, shape (units, ratios, 2)."""
    pooled = np.zeros((units.n, *table.shape[1:]))
    np.add.at(pooled, list(units.of_case), table)
    return pooled


def _value(sums: Array) -> Array:
    """The figure of each set of sums, shape (…, ratios, 2); not a number where it is undefined."""
    with np.errstate(invalid="ignore", divide="ignore"):
        values: Array = (sums[..., 0] / sums[..., 1]).mean(axis=-1)
    return values


def _drawn(tables: Sequence[Array]) -> list[Array]:
    """The figure of each table of units in every draw of as many units, with replacement; the same for all tables."""
    n = len(tables[0])
    joined = np.concatenate([table.reshape(n, -1) for table in tables], axis=1)
    # How often units of one kind are drawn is distributed as if each was drawn by itself, and kinds are few.
    kinds, of_kind = np.unique(joined, axis=0, return_counts=True)
    rng = np.random.default_rng(_SEED)
    at_once = max(1, min(_DRAWS, _NUMBERS_AT_ONCE // len(kinds)))
    sums = np.concatenate(
        [
            _weighted(rng.multinomial(n, of_kind / n, size=min(at_once, _DRAWS - start)), kinds)
            for start in range(0, _DRAWS, at_once)
        ]
    )
    ends = np.cumsum([table.shape[1] * 2 for table in tables])[:-1]
    return [_value(part.reshape(_DRAWS, -1, 2)) for part in np.split(sums, ends, axis=1)]


def _weighted(weights: Whole, numbers: Array) -> Array:
    """The sums of rows of numbers, each as often as a row of the weights says."""
    with np.errstate(invalid="ignore"):
        sums: Array = weights.astype(np.float64) @ numbers
    return sums


def _percentiles(values: Array) -> Interval | None:
    """The middle of the values by ``LEVEL``; None where most draws leave the figure undefined."""
    defined = values[~np.isnan(values)]
    if len(defined) * 2 < len(values):
        return None
    low, high = np.quantile(defined, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(low), float(high))


def _is_share(table: Array) -> bool:
    """Whether each case adds nothing, or one that is right or wrong."""
    if table.shape[1] != 1:
        return False
    return bool(np.isin(table, (0.0, 1.0)).all() and (table[..., 0] <= table[..., 1]).all())


def _hull(one: Interval, other: Interval) -> Interval:
    return Interval(min(one.low, other.low), max(one.high, other.high))


def _p_value(was: Array, now: Array, observed: float) -> float:
    differing = (was != now).any(axis=(1, 2))
    n = int(differing.sum())
    if not n:
        return 1.0
    change = (now - was)[differing]
    totals = was.sum(axis=0), now.sum(axis=0)
    extreme = tried = 0
    for swaps in _all_swaps(n) if n <= _ALL_SWAPS_UP_TO else _some_swaps(n):
        moved = _weighted(swaps, change.reshape(n, -1)).reshape(len(swaps), *change.shape[1:])
        differences = np.abs(_value(totals[1] - moved) - _value(totals[0] + moved))
        extreme += int((np.isnan(differences) | (differences >= observed - _ROUNDING)).sum())
        tried += len(swaps)
    return extreme / tried if n <= _ALL_SWAPS_UP_TO else (extreme + 1) / (tried + 1)


def _all_swaps(n: int) -> Iterator[Whole]:
    yield (np.arange(2**n)[:, None] >> np.arange(n)) & 1


def _some_swaps(n: int) -> Iterator[Whole]:
    rng = np.random.default_rng(_SEED)
    at_once = max(1, min(_SWAPS, _NUMBERS_AT_ONCE // n))
    for start in range(0, _SWAPS, at_once):
        yield rng.integers(0, 2, size=(min(at_once, _SWAPS - start), n), dtype=np.int8)
