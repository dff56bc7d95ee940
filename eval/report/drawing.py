"""Plots as inline SVG, in one style: readable without colour, on paper, in light and dark, and on a phone.

Colours and strokes come from the report's style sheet by class. What is drawn is built as an XML tree, so nothing in a
label can become markup. Each plot carries its own description for those who do not see it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, tostring

if TYPE_CHECKING:
    from markupsafe import Markup

__all__ = ["Curve", "Dot", "interval_bar", "latency_plot", "reliability_plot", "risk_coverage_plot", "told_ms"]

_WIDTH, _HEIGHT = 360, 270
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 22, 12, 46
_SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
_MARKS = ("circle", "square", "triangle", "diamond")
_TRIANGLE = ((0, -4.5), (4.2, 3.2), (-4.2, 3.2))
_DIAMOND = ((0, -5), (5, 0), (0, 5), (-5, 0))
_BINS_PER_DECADE = 6
_ROOM = 0.09
_CURVE_MARKS = 9


@dataclass(frozen=True, slots=True)
class Dot:
    """One bin of a reliability diagram: of ``n`` answers, how sure they were and how many of them were right."""

    confidence: float
    accuracy: float
    n: int


@dataclass(frozen=True, slots=True)
class Curve:
    """A line through (x, y) points in [0, 1], in the order of x."""

    name: str
    points: tuple[tuple[float, float], ...]


class _Plot:
    """A frame with two axes; data coordinates are mapped to it linearly, or by the logarithm of x."""

    def __init__(self, described: str, x: tuple[float, float], y: tuple[float, float], *, log_x: bool = False) -> None:
        self._x_range = (math.log10(x[0]), math.log10(x[1])) if log_x else x
        self._y_range, self._log_x = y, log_x
        self.svg = Element(
            "svg", {"class": "plot", "viewBox": f"0 0 {_WIDTH} {_HEIGHT}", "role": "img", "aria-label": described}
        )

    def x(self, value: float) -> float:
        low, high = self._x_range
        at = math.log10(value) if self._log_x else value
        return _LEFT + (at - low) / (high - low) * (_WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        low, high = self._y_range
        return _HEIGHT - _BOTTOM - (value - low) / (high - low) * (_HEIGHT - _TOP - _BOTTOM)

    def add(self, tag: str, kind: str, **attributes: float | str) -> Element:
        told = {name.replace("_", "-"): _number(value) for name, value in attributes.items()}
        return SubElement(self.svg, tag, {"class": kind, **told})

    def line(self, kind: str, one: tuple[float, float], other: tuple[float, float]) -> None:
        self.add("line", kind, x1=self.x(one[0]), y1=self.y(one[1]), x2=self.x(other[0]), y2=self.y(other[1]))

    def text(self, text: str, x: float, y: float, *, anchor: str = "middle", kind: str = "tick") -> None:
        self.add("text", kind, x=x, y=y, text_anchor=anchor).text = text

    def axes(
        self, x_title: str, y_title: str, x_ticks: Iterable[tuple[float, str]], y_ticks: Iterable[tuple[float, str]]
    ) -> None:
        bottom, left = _HEIGHT - _BOTTOM, _LEFT
        for value, label in y_ticks:
            self.add("line", "grid", x1=left, x2=_WIDTH - _RIGHT, y1=self.y(value), y2=self.y(value))
            self.text(label, left - 6, self.y(value) + 4, anchor="end")
        for value, label in x_ticks:
            self.add("line", "grid", x1=self.x(value), x2=self.x(value), y1=_TOP, y2=bottom)
            self.text(label, self.x(value), bottom + 16)
        self.add("line", "axis", x1=left, x2=_WIDTH - _RIGHT, y1=bottom, y2=bottom)
        self.add("line", "axis", x1=left, x2=left, y1=_TOP, y2=bottom)
        self.text(x_title, (left + _WIDTH - _RIGHT) / 2, _HEIGHT - 8, kind="name")
        upright = self.add("text", "name", x=0, y=0, text_anchor="middle")
        upright.set("transform", f"translate(12 {_number((_TOP + bottom) / 2)}) rotate(-90)")
        upright.text = y_title

    def mark(self, number: int, x: float, y: float) -> None:
        """One of four shapes, so that curves are told apart without colour."""
        shape = _MARKS[number % len(_MARKS)]
        kind = f"mark series-{number % len(_MARKS)}"
        if shape == "circle":
            self.add("circle", kind, cx=x, cy=y, r=3.5)
        elif shape == "square":
            self.add("rect", kind, x=x - 3.2, y=y - 3.2, width=6.4, height=6.4)
        else:
            corners = (
                [(0, -4.5), (4.2, 3.2), (-4.2, 3.2)] if shape == "triangle" else [(0, -5), (5, 0), (0, 5), (-5, 0)]
            )
            self.add("polygon", kind, points=_points((x + dx, y + dy) for dx, dy in corners))

    def done(self) -> Markup:
        return _markup(self.svg)


def reliability_plot(dots: Sequence[Dot], ece: float) -> Markup:
    """How often answers of a stated confidence are right; on the diagonal, confidence can be taken at its word.

    Args:
        dots: bins that hold answers, by confidence.
        ece: the expected calibration error, for the description.
    """
    told = "; ".join(f"confidence {dot.confidence:.2f}: {dot.accuracy:.2f} right of {dot.n}" for dot in dots)
    plot = _Plot(f"Reliability diagram, expected calibration error {ece:.3f}. {told}.", (0, 1), (0, 1))
    plot.axes("confidence stated", "share right", _share_ticks(), _share_ticks())
    plot.line("ideal", (0, 0), (1, 1))
    most = max((dot.n for dot in dots), default=1)
    for dot in dots:
        plot.line("gap", (dot.confidence, dot.confidence), (dot.confidence, dot.accuracy))
    for dot in dots:
        radius = 3 + 7 * math.sqrt(dot.n / most)
        circle = plot.add("circle", "dot", cx=plot.x(dot.confidence), cy=plot.y(dot.accuracy), r=radius)
        SubElement(circle, "title").text = f"{dot.n} answers: stated {dot.confidence:.2f}, right {dot.accuracy:.2f}"
    return plot.done()


def risk_coverage_plot(curves: Sequence[Curve]) -> Markup:
    """The share of wrong answers among the surest part of all, for every size of that part; one line an engine."""
    told = "; ".join(f"{curve.name}: {_ends(curve)}" for curve in curves)
    top = _ceiling(max((y for curve in curves for _, y in curve.points), default=1.0))
    plot = _Plot(f"Risk–coverage curve. {told}.", (0, 1), (0, top))
    y_ticks = [(top * step / 4, f"{top * step / 4 * 100:g} %") for step in range(5)]
    plot.axes("share answered, surest first", "wrong among them", _share_ticks(), y_ticks)
    for number, curve in enumerate(curves):
        at = [(plot.x(x), plot.y(y)) for x, y in curve.points]
        plot.add("polyline", f"curve series-{number % len(_MARKS)}", points=_points(at))
        step = max(1, math.ceil(len(at) / _CURVE_MARKS))
        for x, y in at[step - 1 :: step]:
            plot.mark(number, x, y)
    return plot.done()


def latency_plot(times_ms: Sequence[float], marks: Sequence[tuple[str, float]]) -> Markup:
    """How many answers took how long, on a logarithmic scale, with percentiles as named lines.

    Args:
        times_ms: above 0.
        marks: name and milliseconds of each line.
    """
    low = 10 ** (math.floor(math.log10(min(times_ms)) * _BINS_PER_DECADE) / _BINS_PER_DECADE)
    steps = max(1, math.floor(math.log10(max(times_ms) / low) * _BINS_PER_DECADE + 1e-9) + 1)
    edges = [low * 10 ** (step / _BINS_PER_DECADE) for step in range(steps + 1)]
    counts = [0] * steps
    for time in times_ms:
        counts[min(steps - 1, max(0, math.floor(math.log10(time / low) * _BINS_PER_DECADE + 1e-9)))] += 1
    told = "; ".join(f"{name} {told_ms(value)}" for name, value in marks)
    top = max(counts)
    room = top * (1 + _ROOM * len(marks))  # for the names of the lines, above the bars
    plot = _Plot(f"Time to answer of {len(times_ms)} questions: {told}.", (edges[0], edges[-1]), (0, room), log_x=True)
    halves = sorted({0, top // 2, top})
    plot.axes("time to answer", "answers", _time_ticks(edges[0], edges[-1]), [(n, str(n)) for n in halves])
    for n, count in enumerate(counts):
        if count:
            left, right = plot.x(edges[n]), plot.x(edges[n + 1])
            bar = plot.add(
                "rect", "bar", x=left + 0.5, width=right - left - 1, y=plot.y(count), height=plot.y(0) - plot.y(count)
            )
            SubElement(bar, "title").text = f"{told_ms(edges[n])} to {told_ms(edges[n + 1])}: {count}"
    for row, (name, value) in enumerate(marks):
        x = plot.x(min(max(value, edges[0]), edges[-1]))
        plot.add("line", "limit", x1=x, x2=x, y1=_TOP, y2=plot.y(0))
        after = x < _LEFT + (_WIDTH - _LEFT) * 0.6
        plot.text(
            f"{name} {told_ms(value)}",
            x + (4 if after else -4),
            _TOP + 10 + 14 * row,
            anchor="start" if after else "end",
            kind="note",
        )
    return plot.done()


def interval_bar(value: float, interval: tuple[float, float] | None, before: float | None = None) -> Markup:
    """One row of a forest plot: a share in [0, 1] as a dot on its interval, and as a hollow diamond what it was before.

    It is as wide as what it stands in; the same in words stands beside it, so it is hidden from screen readers.
    """
    svg = Element("svg", {"class": "forest", "aria-hidden": "true", "height": "20", "width": "100%"})
    for share in _SHARES:
        SubElement(svg, "line", {"class": "grid", **_across(share, share), "y1": "0", "y2": "100%"})
    if interval:
        low, high = (min(1.0, max(0.0, end)) for end in interval)
        SubElement(svg, "line", {"class": "whisker", **_across(low, high), "y1": "50%", "y2": "50%"})
        for end in (low, high):
            SubElement(svg, "line", {"class": "whisker", **_across(end, end), "y1": "30%", "y2": "70%"})
    if before is not None:
        nested = SubElement(svg, "svg", {"x": _percent(before), "y": "50%", "overflow": "visible"})
        SubElement(nested, "polygon", {"class": "before", "points": "0,-6 6,0 0,6 -6,0"})
    SubElement(svg, "circle", {"class": "value", "cx": _percent(value), "cy": "50%", "r": "4"})
    return _markup(svg)


def _markup(svg: Element) -> Markup:
    from markupsafe import Markup

    return Markup(tostring(svg, encoding="unicode", short_empty_elements=False))  # noqa: S704 - escaped by the XML writer


def _share_ticks() -> list[tuple[float, str]]:
    return [(share, f"{share * 100:.0f} %") for share in _SHARES]


def _ends(curve: Curve) -> str:
    if not curve.points:
        return "nothing"
    half = min(curve.points, key=lambda point: abs(point[0] - 0.5))
    last = curve.points[-1]
    return (
        f"{half[1] * 100:.0f} % wrong in the surest {half[0] * 100:.0f} %,"
        f" {last[1] * 100:.0f} % in {last[0] * 100:.0f} %"
    )


def _ceiling(value: float) -> float:
    return next(top for top in (0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0) if value <= top or top == 1.0)


def _time_ticks(low: float, high: float) -> list[tuple[float, str]]:
    """1, 2, 5 times powers of ten, or powers alone where that would be too many."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for factors in ((1, 2, 5), (1,)):
        ticks = [factor * 10.0**power for power in powers for factor in factors]
        inside = [tick for tick in ticks if low * 0.999 <= tick <= high * 1.001]
        if len(inside) <= 6 or factors == (1,):
            return [(min(max(tick, low), high), told_ms(tick)) for tick in inside]
    return []


def told_ms(value_ms: float) -> str:
    """A time for people."""
    if value_ms >= 1000:
        return f"{value_ms / 1000:.3g} s"
    return f"{value_ms:.3g} ms" if value_ms < 10 else f"{value_ms:.0f} ms"


def _across(low: float, high: float) -> dict[str, str]:
    return {"x1": _percent(low), "x2": _percent(high)}


def _percent(share: float) -> str:
    # A little room at both ends, so that a dot at 0 or 1 is whole.
    return f"{2 + min(1.0, max(0.0, share)) * 96:.2f}%"


def _points(points: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{_number(x)},{_number(y)}" for x, y in points)


def _number(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.2f}".rstrip("0").rstrip(".")
