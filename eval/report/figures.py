"""The figures of a report in words: the headline, every figure with what it means, and breakdowns."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from eval.cases import Gold, Kind
from eval.comparing import TOLERANCE, Comparison
from eval.intervals import Interval, PairedTest
from eval.metrics import LOWER_IS_BETTER, Figures
from eval.report.drawing import interval_bar, told_ms
from eval.report.mistakes import Mistake, mistake_of
from eval.report.names import NAMES, Name
from eval.report.saved import Before, Report
from eval.running import Group, Run, State, Summary

if TYPE_CHECKING:
    from markupsafe import Markup

__all__ = [
    "Bar", "Confusion", "FigureRow", "GroupRow", "GroupTable", "Headline", "MistakeRow", "confusion",
    "figure_rows", "group_tables", "headline", "mistake_rows", "percent", "points", "told",
]  # fmt: skip

_DESCRIPTIVE = "citations_per_answer"
_FIRST = ("right_and_proven", "right")
_GROUP_COLUMNS = {
    "verdict_accuracy": "Verdict",
    "answerability": "Answered or silent",
    "hit_at_1": "First citation",
    "evidence_recall": "Evidence",
}
_MOST_GROUPS = 60
_GROUPS = {
    "By right answer": "by_verdict",
    "By topic": "by_topic",
    "By style of the question": "by_style",
    "By policy": "by_policy",
}
_LABELS = (Gold.YES, Gold.NO, Gold.CONDITIONAL, Gold.NOT_STATED, Gold.STATED)
_NO_ANSWER = "no answer"
_SHADES = 5


@dataclass(frozen=True, slots=True)
class Bar:
    """A figure of one engine: in words, with its interval in words, and drawn; empty where there is none."""

    value: str
    interval: str = ""
    drawn: Markup | str = ""


@dataclass(frozen=True, slots=True)
class FigureRow:
    """One figure, one bar an engine, and what became of it since the baseline.

    Attributes:
        turn: "better", "worse" (by the rule of ``eval.comparing``), or empty.
        chance: what a test says of the difference, or empty.
    """

    name: str
    title: str
    meaning: str
    bars: tuple[Bar, ...]
    before: str = ""
    change: str = ""
    chance: str = ""
    turn: str = ""


@dataclass(frozen=True, slots=True)
class Headline:
    """The one figure that counts, and what it means.

    Attributes:
        name: the figure's in ``Figures``.
        tiles: other numbers to see at once, each with what it counts and whether it is bad news.
    """

    name: str
    title: str
    value: str
    interval: str
    sentence: str
    tiles: tuple[tuple[str, str, bool], ...]


@dataclass(frozen=True, slots=True)
class GroupRow:
    """The cases of one kind, one bar an engine."""

    name: str
    n: int
    bars: tuple[Bar, ...]
    more: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GroupTable:
    """A breakdown.

    Attributes:
        left_out: how many groups are not shown.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[GroupRow, ...]
    left_out: int


@dataclass(frozen=True, slots=True)
class Confusion:
    """What was said where something else was right: counts of yes/no questions, a row for each right answer.

    Attributes:
        rows: name, and for each column the count and its shade from 0 to 4.
        right: for each row the column that is right.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[tuple[int, int], ...]], ...]


@dataclass(frozen=True, slots=True)
class MistakeRow:
    """How many cases are wrong in one way."""

    mistake: Mistake
    n: int


# --- numbers in words -------------------------------------------------------------------------------------------------


def percent(share: float | None) -> str:
    """A share for people, or a dash."""
    return "–" if share is None else f"{share * 100:.1f} %"


def points(difference: float) -> str:
    """The difference of two shares, with its sign."""
    rounded = round(difference * 100, 1)
    return "±0" if rounded == 0 else f"{rounded:+.1f}".replace("-", "−")


def told(name: str, value: float | None) -> str:
    """A figure for people: shares in per cent, counts whole."""
    if value is None:
        return "–"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.2f}" if name == _DESCRIPTIVE else percent(value)


def _between(interval: Interval | None) -> str:
    return f"{interval.low * 100:.1f} to {interval.high * 100:.1f} %" if interval else ""


# --- the headline -----------------------------------------------------------------------------------------------------


def headline(run: Run) -> Headline:
    """The share of answers that are right and proven; without a question about one policy, of cases that are right."""
    summary = run.summary
    name = next((each for each in _FIRST if getattr(summary.figures, each) is not None), _FIRST[-1])
    interval = summary.intervals.get(name)
    return Headline(
        name=name,
        title=NAMES[name].title,
        value=told(name, getattr(summary.figures, name)),
        interval=_between(interval),
        sentence=_sentence(run, name, interval),
        tiles=tuple(_tiles(summary)),
    )


def _sentence(run: Run, name: str, interval: Interval | None) -> str:
    if name == "right_and_proven":
        scores = [row.marks.score for row in run.rows if row.marks and row.marks.score]
        hits = sum(score.right_and_proven for score in scores)
        told_first = (
            f"{hits:,} of {len(scores):,} questions about one policy got the right answer, with a first citation that"
            " proves it wherever the policy answers."
        )
    else:
        told_first = (
            f"{len(run.summary.right):,} of {run.summary.figures.n:,} cases are right in everything they ask for."
        )
    if interval is None:
        return told_first
    drawn = "other policies" if run.summary.resampled == "policies" else "other questions about these policies"
    return (
        f"{told_first} With {drawn}, of the same kind, between {interval.low * 100:.0f} and"
        f" {interval.high * 100:.0f} % would be no surprise (95 % interval)."
    )


def _tiles(summary: Summary) -> Iterator[tuple[str, str, bool]]:
    figures = summary.figures
    yield f"{len(summary.right):,} of {figures.n:,}", "cases right in everything they ask for", False
    yield f"{len(summary.errors):,}", "without an answer", bool(summary.errors)
    if summary.unscored:
        yield f"{len(summary.unscored):,}", "unscored: their policy is not there", True
    yield f"{figures.invalid_quotes:,}", "unverified quotes", bool(figures.invalid_quotes)
    yield f"{figures.wrong_policy:,}", "citations of a policy not asked about", bool(figures.wrong_policy)
    if summary.p50_ms is not None and summary.p95_ms is not None:
        times = f"{told_ms(summary.p50_ms)} / {told_ms(summary.p95_ms)}"
        yield times, "to an answer: median / 95th percentile", False
    if summary.usage and summary.usage.cost is not None:
        yield f"{summary.usage.cost:.4f}", "cost of all answers, by your prices", False


# --- every figure -----------------------------------------------------------------------------------------------------


def figure_rows(report: Report) -> tuple[FigureRow, ...]:
    """Every figure that some engine has, the one that counts first."""
    names = [field.name for field in fields(Figures) if field.name != "n"]
    ordered = sorted(names, key=lambda name: list(NAMES).index(name) if name in NAMES else len(NAMES))
    rows = (_figure_row(name, report) for name in ordered)
    return tuple(row for row in rows if any(bar.value != "–" for bar in row.bars))


def _figure_row(name: str, report: Report) -> FigureRow:
    named = NAMES.get(name, Name(name.replace("_", " "), ""))
    comparison = report.before.comparison if report.before else None
    was = _was(name, report.before, comparison) if report.before and comparison else None
    bars = tuple(_bar(name, run.summary, was if at == 0 else None) for at, (_, run) in enumerate(report.engines))
    row = FigureRow(name, named.title, named.meaning, bars)
    return _compared(row, was, getattr(report.run.summary.figures, name), comparison) if comparison else row


def _was(name: str, before: Before, comparison: Comparison) -> float | None:
    """A figure of the baseline; those that it did not have yet are known from a test, if it could be made."""
    was: float | None = getattr(before.baseline.figures, name)
    return was if was is not None else next((test.was for test in comparison.tests if test.figure == name), None)


def _bar(name: str, summary: Summary, was: float | None) -> Bar:
    value, interval = getattr(summary.figures, name), summary.intervals.get(name)
    if not isinstance(value, float) or name == _DESCRIPTIVE:
        return Bar(told(name, value))
    ends = (interval.low, interval.high) if interval else None
    return Bar(told(name, value), _between(interval), interval_bar(value, ends, was))


def _compared(row: FigureRow, was: float | None, now: float | None, comparison: Comparison) -> FigureRow:
    fell = any(fall.figure == row.name for fall in comparison.falls)
    change = turn = ""
    if was is not None and now is not None:
        change = _change(row.name, was, now)
        turn = "worse" if fell else "better" if _rose(row.name, was, now) else ""
    elif fell:
        turn = "worse"
    test = next((test for test in comparison.tests if test.figure == row.name), None)
    return FigureRow(
        name=row.name,
        title=row.title,
        meaning=row.meaning,
        bars=row.bars,
        before=told(row.name, was),
        change=change,
        chance=_chance(test) if test and change != "±0" else "",
        turn=turn,
    )


def _rose(name: str, was: float, now: float) -> bool:
    """Whether a share got better by more than what would not count as a fall, either."""
    gain = was - now if name in LOWER_IS_BETTER else now - was
    return isinstance(now, float) and gain > TOLERANCE and name != _DESCRIPTIVE


def _change(name: str, was: float, now: float) -> str:
    if isinstance(now, int) and isinstance(was, int):
        return f"{now - was:+,}".replace("-", "−") if now != was else "±0"
    if name == _DESCRIPTIVE:
        return f"{now - was:+.2f}".replace("-", "−")
    return points(now - was)


def _chance(test: PairedTest) -> str:
    ends = f"{points(test.interval.low)} to {points(test.interval.high)}, " if test.interval else ""
    return f"{ends}p {'< 0.001' if test.p_value < 0.001 else f'= {test.p_value:.3f}'}"


# --- breakdowns -------------------------------------------------------------------------------------------------------


def group_tables(report: Report) -> tuple[GroupTable, ...]:
    """The breakdowns that say anything: those with at least two groups."""
    tables = (_group_table(title, attribute, report) for title, attribute in _GROUPS.items())
    return tuple(table for table in tables if len(table.rows) > 1)


def _group_table(title: str, attribute: str, report: Report) -> GroupTable:
    summaries = [run.summary for _, run in report.engines]
    by_engine = [{group.name: group for group in getattr(summary, attribute)} for summary in summaries]
    groups: Sequence[Group] = sorted(getattr(summaries[0], attribute), key=lambda group: -group.figures.n)
    alone = len(summaries) == 1
    used = [name for name in _GROUP_COLUMNS if alone and any(_share(group, name) is not None for group in groups)]
    return GroupTable(
        title=title,
        columns=tuple(_GROUP_COLUMNS[name] for name in used),
        rows=tuple(
            GroupRow(
                name=group.name.replace("__", "@").replace("_", " "),
                n=group.figures.n,
                bars=tuple(_group_bar(groups_of.get(group.name)) for groups_of in by_engine),
                more=tuple(percent(_share(group, name)) for name in used),
            )
            for group in groups[:_MOST_GROUPS]
        ),
        left_out=max(0, len(groups) - _MOST_GROUPS),
    )


def _share(group: Group, name: str) -> float | None:
    value = getattr(group.figures, name)
    return value if isinstance(value, float) else None


def _group_bar(group: Group | None) -> Bar:
    if group is None or group.right is None:
        return Bar("–")
    ends = (group.interval.low, group.interval.high) if group.interval else None
    return Bar(percent(group.right), _between(group.interval), interval_bar(group.right, ends))


def mistake_rows(run: Run) -> tuple[MistakeRow, ...]:
    """How often each kind of mistake was made, the most frequent first."""
    counts = Counter(mistake_of(row.marks) for row in run.rows if row.state is not State.UNSCORED and not row.right)
    return tuple(MistakeRow(mistake, n) for mistake, n in counts.most_common())


def confusion(run: Run) -> Confusion | None:
    """Which verdict was given where which was right; None without yes/no questions."""
    scores = [row.marks.score for row in run.rows if row.marks and row.marks.score]
    counts = Counter((score.gold, score.got) for score in scores if score.kind is Kind.YES_NO)
    golds = [label for label in _LABELS if any(gold is label for gold, _ in counts)]
    gots = [label for label in _LABELS if label in golds or any(got is label for _, got in counts)]
    if not golds:
        return None
    columns: list[Gold | None] = [*gots, None] if any(got is None for _, got in counts) else list(gots)
    rows = []
    for gold in golds:
        total = sum(counts[gold, got] for got in columns)
        cells = tuple((counts[gold, got], _shade(counts[gold, got] / total)) for got in columns)
        rows.append((_label(gold), cells))
    return Confusion(tuple(_label(got) for got in columns), tuple(rows))


def _label(gold: Gold | None) -> str:
    return gold.value.replace("_", " ") if gold else _NO_ANSWER


def _shade(share: float) -> int:
    """0 for nothing, else 1 to 4 by quarters."""
    return 0 if share == 0 else min(_SHADES - 1, math.floor(share * (_SHADES - 1)) + 1)
