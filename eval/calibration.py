"""What confidences are worth: how often answers of one confidence are right, and what giving only sure ones gains.

A *judgement* is one answer with its confidence and whether it is right. Cases without an answer have no confidence, so
they are in neither figure; the shares that count them as wrong are in ``eval.metrics``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

BINS = 10
"""Confidences are put into so many bins of equal width, as in the source of the error below."""

_MOST_POINTS = 200


@dataclass(frozen=True, slots=True)
class Judgement:
    """One answer: how sure it said it was, in [0, 1], and whether it is right."""

    confidence: float
    right: bool


@dataclass(frozen=True, slots=True)
class Bin:
    """The answers whose confidence lies in (low, high]; the first bin holds 0 as well.

    Attributes:
        n: how many; never 0.
        confidence: their mean confidence.
        accuracy: the share of them that is right; equal to ``confidence`` where confidences can be believed.
    """

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """Whether confidences can be believed.

    Attributes:
        bins: from low to high, without those that nothing falls into.
        ece: expected calibration error: the mean distance of accuracy and confidence over the bins, by their size; 0 is
            perfect. Source: Naeini, Cooper and Hauskrecht, "Obtaining Well Calibrated Probabilities Using Bayesian
            Binning", AAAI 2015, with the bins of Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.
        brier: mean squared distance of confidence and 1 (right) or 0 (wrong); lower is better, and saying 0.5 always
            gets 0.25. Source: Brier, "Verification of forecasts expressed in terms of probability", 1950.
        n: how many answers.
    """

    bins: tuple[Bin, ...]
    ece: float
    brier: float
    n: int


@dataclass(frozen=True, slots=True)
class Point:
    """What is left if only answers of at least this confidence are given.

    Attributes:
        coverage: their share of all answers.
        risk: the share of them that is wrong.
        threshold: the confidence.
    """

    coverage: float
    risk: float
    threshold: float


@dataclass(frozen=True, slots=True)
class RiskCoverage:
    """The risk–coverage curve, from the surest answers to all of them.

    Attributes:
        points: one for each confidence that occurs, thinned out evenly if there are very many.
        area: the mean, over all answers, of the risk at their own confidence (AURC); lower is better. Without equal
            confidences this is the area of the source: Geifman and El-Yaniv, "Selective Classification for Deep Neural
            Networks", NIPS 2017; equal ones are given or held back together.
    """

    points: tuple[Point, ...]
    area: float


def calibration(judgements: Iterable[Judgement], bins: int = BINS) -> Calibration | None:
    """How far confidences can be believed; None without any."""
    listed = list(judgements)
    if not listed:
        return None
    by_bin: dict[int, list[Judgement]] = {}
    for each in listed:
        by_bin.setdefault(_bin(each.confidence, bins), []).append(each)
    filled = tuple(
        Bin(
            low=at / bins,
            high=(at + 1) / bins,
            n=len(inside),
            confidence=math.fsum(each.confidence for each in inside) / len(inside),
            accuracy=sum(each.right for each in inside) / len(inside),
        )
        for at, inside in sorted(by_bin.items())
    )
    n = len(listed)
    return Calibration(
        bins=filled,
        ece=math.fsum(each.n * abs(each.accuracy - each.confidence) for each in filled) / n,
        brier=math.fsum((each.confidence - each.right) ** 2 for each in listed) / n,
        n=n,
    )


def risk_coverage(judgements: Iterable[Judgement]) -> RiskCoverage | None:
    """What is gained by giving only the surer answers; None without any."""
    surest_first = sorted(judgements, key=lambda each: -each.confidence)
    if not surest_first:
        return None
    points: list[Point] = []
    given = wrong = 0
    parts: list[float] = []
    for confidence, same in groupby(surest_first, key=lambda each: each.confidence):
        together = list(same)
        given += len(together)
        wrong += sum(not each.right for each in together)
        points.append(Point(given / len(surest_first), wrong / given, confidence))
        parts.append(len(together) * wrong / given)
    return RiskCoverage(_thinned(points), math.fsum(parts) / len(surest_first))


def _bin(confidence: float, bins: int) -> int:
    """The number of the bin (low, high] that holds a confidence; the edges are those that ``Bin`` shows."""
    at = min(bins - 1, max(0, math.ceil(confidence * bins) - 1))
    # confidence * bins is rounded, so that a confidence on an edge, or next to one, may land in the bin beside.
    if at and confidence <= at / bins:
        return at - 1
    return at + 1 if at < bins - 1 and confidence > (at + 1) / bins else at


def _thinned(points: Sequence[Point]) -> tuple[Point, ...]:
    """At most so many points, evenly chosen, with the first and the last."""
    if len(points) <= _MOST_POINTS:
        return tuple(points)
    step = (len(points) - 1) / (_MOST_POINTS - 1)
    return tuple(points[round(n * step)] for n in range(_MOST_POINTS))
