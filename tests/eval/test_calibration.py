from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.calibration import Bin, Judgement, Point, calibration, risk_coverage

JUDGEMENTS = st.lists(st.builds(Judgement, st.floats(0, 1), st.booleans()), min_size=1, max_size=40)


def test_bins_and_errors_by_hand() -> None:
    found = calibration([Judgement(0.95, True), Judgement(0.85, False), Judgement(0.9, True), Judgement(0.0, False)])
    assert found is not None
    # 0.9 belongs to (0.8, 0.9].
    assert [(each.low, each.high, each.n, each.accuracy) for each in found.bins] == [
        (0.0, 0.1, 1, 0.0), (0.8, 0.9, 2, 0.5), (0.9, 1.0, 1, 1.0),
    ]  # fmt: skip
    assert [each.confidence for each in found.bins] == pytest.approx([0.0, 0.875, 0.95])
    assert found.ece == pytest.approx((2 * 0.375 + 0.05) / 4)
    assert found.brier == pytest.approx((0.05**2 + 0.85**2 + 0.1**2) / 4)


def test_sure_and_right_is_no_error() -> None:
    found = calibration([Judgement(1.0, True)] * 3 + [Judgement(0.0, False)])
    assert found is not None
    assert (found.ece, found.brier, found.n) == (0.0, 0.0, 4)
    assert found.bins[-1] == Bin(0.9, 1.0, 3, 1.0, 1.0)


@given(JUDGEMENTS)
def test_every_answer_is_in_the_bin_that_holds_its_confidence(judgements: list[Judgement]) -> None:
    found = calibration(judgements)
    assert found is not None
    for each in found.bins:
        inside = [
            item for item in judgements if each.low < item.confidence <= each.high or each.low == item.confidence == 0
        ]
        assert len(inside) == each.n
    assert sum(each.n for each in found.bins) == len(judgements)
    assert 0 <= found.ece <= 1


def test_the_curve_by_hand() -> None:
    found = risk_coverage([Judgement(0.5, False), Judgement(0.9, True), Judgement(0.7, False), Judgement(0.6, True)])
    assert found is not None
    assert found.points == (Point(0.25, 0.0, 0.9), Point(0.5, 0.5, 0.7), Point(0.75, 1 / 3, 0.6), Point(1.0, 0.5, 0.5))
    assert found.area == pytest.approx((0 + 1 / 2 + 1 / 3 + 1 / 2) / 4)


def test_equal_confidences_are_given_or_held_back_together_whatever_their_order() -> None:
    mixed = [Judgement(0.8, right) for right in (True, False, True, False)]
    found = risk_coverage(mixed)
    assert found == risk_coverage(list(reversed(mixed)))
    assert found is not None
    assert (found.points, found.area) == ((Point(1.0, 0.5, 0.8),), 0.5)


@given(JUDGEMENTS)
def test_the_curve_ends_with_all_answers_and_their_share_of_wrong_ones(judgements: list[Judgement]) -> None:
    found = risk_coverage(judgements)
    assert found is not None
    coverages = [point.coverage for point in found.points]
    assert coverages == sorted(set(coverages))
    wrong = sum(not each.right for each in judgements) / len(judgements)
    assert (found.points[-1].coverage, found.points[-1].risk) == (1.0, wrong)
    assert 0 <= found.area <= 1


def test_a_long_curve_is_thinned_out_and_keeps_its_ends_and_area() -> None:
    judgements = [Judgement(n / 5_000, n % 3 > 0) for n in range(5_000)]
    found = risk_coverage(judgements)
    assert found is not None
    assert len(found.points) == 200
    assert found.points[0].threshold == 4_999 / 5_000
    assert found.points[-1].coverage == 1.0
    assert found.area == pytest.approx(1 / 3, abs=0.01)


def test_nothing_has_neither() -> None:
    assert calibration([]) is None
    assert risk_coverage([]) is None
