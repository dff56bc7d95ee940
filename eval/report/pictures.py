"""The plots of a report: each drawn, said in a few words, and told in numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eval.report.drawing import Curve, Dot, latency_plot, reliability_plot, risk_coverage_plot, told_ms
from eval.report.figures import percent
from eval.report.saved import Report
from eval.running import Run

if TYPE_CHECKING:
    from markupsafe import Markup

__all__ = ["Picture", "pictures"]


@dataclass(frozen=True, slots=True)
class Picture:
    """A plot with what it says, and its numbers as a table."""

    title: str
    text: str
    drawn: Markup
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    keys: tuple[str, ...] = ()


def pictures(report: Report) -> tuple[Picture, ...]:
    """The plots that the runs have the numbers for."""
    several = len(report.engines) > 1
    drawn: list[Picture] = [*_risk_coverage(report)]
    for name, run in report.engines:
        after = f": {name}" if several else ""
        drawn += _reliability(run, after)
        drawn += _latency(run, after)
    return tuple(drawn)


def _reliability(run: Run, after: str) -> Iterator[Picture]:
    found = run.summary.calibration
    if found and found.bins:
        yield Picture(
            title=f"Can its confidence be believed?{after}",
            text=(
                "Each circle is a group of answers with about the same stated confidence, larger for more answers. On"
                " the dashed line, of ten answers with confidence 0.8 eight are right; below it, the answers are less"
                f" often right than they say. Expected calibration error {found.ece:.3f} (0 is perfect), over"
                f" {found.n:,} answers."
            ),
            drawn=reliability_plot(
                [Dot(each.confidence, each.accuracy, max(1, each.n)) for each in found.bins], found.ece
            ),
            columns=("Confidence", "Answers", "Mean confidence", "Right"),
            rows=tuple(
                (f"{each.low:.1f} to {each.high:.1f}", f"{each.n:,}", f"{each.confidence:.2f}", percent(each.accuracy))
                for each in found.bins
            ),
        )


def _risk_coverage(report: Report) -> Iterator[Picture]:
    found = [(name, run.summary.risk_coverage) for name, run in report.engines]
    curves = [
        (Curve(name, tuple((point.coverage, point.risk) for point in each.points)), each.area)
        for name, each in found
        if each and each.points
    ]
    if not curves:
        return
    rows = []
    for curve, area in curves:
        for share in (0.25, 0.5, 0.75, 1.0):
            at = min(curve.points, key=lambda point: abs(point[0] - share))
            named = (curve.name,) if len(curves) > 1 else ()
            rows.append((*named, percent(at[0]), percent(at[1]), f"{area:.3f}"))
    yield Picture(
        title="What is gained by keeping to sure answers?",
        text=(
            "From left to right, more and more of the questions are answered, the surest first; the line is the share"
            " of wrong ones among them. It rises from low to high where the confidence tells good answers from bad"
            " ones, and is flat where it does not."
        ),
        drawn=risk_coverage_plot([curve for curve, _ in curves]),
        columns=(*(("Engine",) if len(curves) > 1 else ()), "Answered", "Wrong among them", "Area under the curve"),
        rows=tuple(rows),
        keys=tuple(curve.name for curve, _ in curves) if len(curves) > 1 else (),
    )


def _latency(run: Run, after: str) -> Iterator[Picture]:
    times = [row.elapsed_ms for row in run.rows if row.marks and row.elapsed_ms > 0 and math.isfinite(row.elapsed_ms)]
    summary = run.summary
    if len(times) < 2 or summary.p50_ms is None or summary.p95_ms is None:
        return
    listed = [("median", summary.p50_ms), ("95 %", summary.p95_ms)]
    latency = summary.latency_ms
    rows = [("mean", latency.mean), ("median", latency.p50), ("90 %", latency.p90), ("95 %", latency.p95),
            ("99 %", latency.p99), ("longest", latency.longest)] if latency else listed  # fmt: skip
    yield Picture(
        title=f"How long does an answer take?{after}",
        text=(
            "Wall time of each question, on a scale on which equal distances are equal factors. 95 % of the answers"
            f" came within {told_ms(summary.p95_ms)}."
        ),
        drawn=latency_plot(times, listed),
        columns=("", "Milliseconds"),
        rows=tuple((name, f"{value:,.1f}") for name, value in rows),
    )
