from __future__ import annotations

from xml.etree.ElementTree import Element, fromstring

import pytest

from eval.report.drawing import Curve, Dot, interval_bar, latency_plot, reliability_plot, risk_coverage_plot


def parsed(svg: str) -> Element:
    return fromstring(svg)


def of_kind(svg: Element, kind: str) -> list[Element]:
    return [each for each in svg.iter() if kind in (each.get("class") or "").split()]


def test_an_interval_bar_has_its_dot_on_its_line_and_the_baseline_as_a_diamond() -> None:
    svg = parsed(interval_bar(0.5, (0.25, 1.0), before=0.0))
    # 2 % of room at both ends: a share s stands at 2 + 96 s per cent.
    assert of_kind(svg, "value")[0].get("cx") == "50.00%"
    whisker = of_kind(svg, "whisker")[0]
    assert (whisker.get("x1"), whisker.get("x2")) == ("26.00%", "98.00%")
    assert [each.get("x") for each in svg.iter() if each.get("overflow")] == ["2.00%"]


def test_a_figure_without_an_interval_is_a_dot_alone() -> None:
    svg = parsed(interval_bar(1.0, None))
    assert of_kind(svg, "whisker") == []
    assert of_kind(svg, "before") == []


def test_in_a_reliability_diagram_a_believable_answer_lies_on_the_diagonal() -> None:
    svg = parsed(reliability_plot([Dot(0.25, 0.25, 4), Dot(0.9, 0.5, 1)], 0.08))
    ideal = of_kind(svg, "ideal")[0]
    on, off = of_kind(svg, "dot")
    share = (float(on.get("cx") or 0) - float(ideal.get("x1") or 0)) / (
        float(ideal.get("x2") or 0) - float(ideal.get("x1") or 0)
    )
    fallen = (float(on.get("cy") or 0) - float(ideal.get("y1") or 0)) / (
        float(ideal.get("y2") or 0) - float(ideal.get("y1") or 0)
    )
    assert (share, fallen) == pytest.approx((0.25, 0.25))
    assert float(on.get("r") or 0) > float(off.get("r") or 0)
    assert "confidence 0.90: 0.50 right of 1" in (svg.get("aria-label") or "")


def test_curves_differ_in_their_marks_and_a_name_is_never_markup() -> None:
    points = ((0.5, 0.0), (1.0, 0.2))
    svg = parsed(risk_coverage_plot([Curve("<b>one</b>", points), Curve("two & three", points)]))
    assert len(of_kind(svg, "curve")) == 2
    assert {each.tag for each in of_kind(svg, "mark")} == {"circle", "rect"}
    assert [each.tag for each in svg.iter() if each.tag == "b"] == []
    assert "<b>one</b>" in (svg.get("aria-label") or "")


def test_every_answer_is_in_one_bar_of_the_latency_plot() -> None:
    times = [0.4, 1, 1, 9.999, 10, 10, 31, 1000, 1000]
    svg = parsed(latency_plot(times, [("median", 10.0), ("95 %", 1000.0)]))
    counts = [int((bar.find("title").text or "").rpartition(": ")[2]) for bar in of_kind(svg, "bar")]  # type: ignore[union-attr]
    assert sum(counts) == len(times)
    assert [text.text for text in of_kind(svg, "note")] == ["median 10 ms", "95 % 1 s"]


@pytest.mark.parametrize("times", [[5.0, 5.0], [0.001, 90_000.0], [1.0, 1.0000001]])
def test_any_times_are_drawn_inside_the_frame(times: list[float]) -> None:
    svg = parsed(latency_plot(times, [("median", times[0])]))
    for bar in of_kind(svg, "bar"):
        x, width, y, height = (float(bar.get(name) or "nan") for name in ("x", "width", "y", "height"))
        assert 0 <= x <= x + width <= 360
        assert 0 <= y <= y + height <= 270
