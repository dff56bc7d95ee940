"""Fits the linear models of ``qa.reading`` on out-of-fold rankings, so that they see what answering will see."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from qa.domain import Candidate, Candidates
from qa.reading import MAX_EVIDENCE, answerability_features, sentence_text, verdict_features
from qa.retrieval import WEIGHTS
from qa.training.examples import Example

if TYPE_CHECKING:
    from sklearn.linear_model import LogisticRegression

MARGINS = tuple(round(0.02 * step, 2) for step in range(1, 16))
MIN_PRECISION = 0.7
"""At least this share of the sentences cited must be acceptable proof, out of fold."""
_FOLDS = 5
_VERDICT_STRENGTH = 0.2  # inverse of the regularisation; of 0.05, 0.2 and 0.5 the best out of fold


@dataclass(frozen=True, slots=True, eq=False)
class Ranked:
    """An example with the ranking of its policy by an encoder that was not trained on that policy."""

    example: Example
    candidates: Candidates

    @property
    def hits(self) -> list[bool]:
        """For each ranked sentence, whether it is acceptable proof."""
        return [bool(self.example.acceptable[c.index]) for c in self.candidates.ranked]


def without(ranked: Ranked, part: str) -> Ranked:
    """The same ranking as if a part of the score were left out."""
    scored = (replace(c, score=c.score - WEIGHTS[part] * c.features[part]) for c in ranked.candidates.ranked)
    return Ranked(ranked.example, replace(ranked.candidates, ranked=tuple(sorted(scored, key=lambda c: -c.score))))


def hit_rates(rankings: Iterable[Ranked]) -> tuple[float, float]:
    """The share of answered questions whose first, and one of whose first three, sentences is proof."""
    hits = [r.hits for r in rankings if r.example.answered]
    return float(np.mean([h[0] for h in hits])), float(np.mean([any(h[:3]) for h in hits]))


def chosen(candidates: Candidates, margin: float) -> tuple[Candidate, ...]:
    """The sentences that count as evidence, as ``qa.reading`` chooses them."""
    best = candidates.ranked[0].score
    return tuple(c for c in candidates.ranked[:MAX_EVIDENCE] if c.score >= best - margin)


def best_margin(rankings: Sequence[Ranked]) -> float:
    """The widest margin whose citations are proof often enough: an exception left out is worse than one quote more."""

    def precision(margin: float) -> float:
        answered = (r for r in rankings if r.example.answered)
        return float(np.mean([r.example.acceptable[c.index] for r in answered for c in chosen(r.candidates, margin)]))

    return max((margin for margin in MARGINS if precision(margin) >= MIN_PRECISION), default=MARGINS[0])


def fit(rankings: Sequence[Ranked], report: Callable[[str], None]) -> str:
    """The JSON form of ``qa.reading.ReadingModel``, with cross-validated figures reported on the way."""
    margin = best_margin(rankings)
    answered = _fit_answered(rankings, report)
    verdict = _fit_verdict(rankings, margin, report)
    return json.dumps(
        {
            "answered": answered.as_json(),
            "verdict": verdict.as_json(),
            "answered_threshold": answered.threshold,
            "evidence_margin": margin,
        },
        indent=0,
        sort_keys=True,
    )


@dataclass(frozen=True, slots=True)
class _Fitted:
    labels: tuple[str, ...]
    names: tuple[str, ...]
    model: LogisticRegression
    threshold: float = 0.5

    def as_json(self) -> dict[str, Any]:
        weights = self.model.coef_
        bias = self.model.intercept_
        if len(self.labels) == 2:  # scikit-learn keeps one row for two classes: the second's score against zero
            weights, bias = np.vstack([np.zeros_like(weights[0]), weights[0]]), np.array([0.0, bias[0]])
        return {
            "labels": list(self.labels),
            "bias": [round(float(b), 4) for b in bias],
            "weights": {name: [round(float(w), 4) for w in weights[:, i]] for i, name in enumerate(self.names)},
        }


def _fit_answered(rankings: Sequence[Ranked], report: Callable[[str], None]) -> _Fitted:
    rows = [answerability_features(r.example.route.query, r.candidates) for r in rankings]
    truth = np.array([r.example.answered for r in rankings], dtype=int)
    groups = [r.example.policy_id for r in rankings]
    matrix, names = _matrix(rows)
    probability = _out_of_fold(matrix, truth, groups, strength=1.0)[:, 1]
    thresholds = np.arange(0.2, 0.8, 0.01)
    threshold = float(
        max(thresholds, key=lambda t: _f1(probability < t, truth == 0) + np.mean((probability >= t) == truth))
    )
    report(
        f"answered: accuracy {np.mean((probability >= threshold) == truth):.3f},"
        f" F1 of silence {_f1(probability < threshold, truth == 0):.3f} at threshold {threshold:.2f},"
        f" area under ROC {_auc(probability, truth):.3f}"
    )
    return _Fitted(("silent", "answered"), names, _regression(1.0).fit(matrix, truth), round(threshold, 2))


def _fit_verdict(rankings: Sequence[Ranked], margin: float, report: Callable[[str], None]) -> _Fitted:
    usable = [r for r in rankings if r.example.kind == "yes_no" and r.example.answered and r.example.evidence.any()]
    found = [_verdict_row(r, chosen(r.candidates, margin)) for r in usable]
    gold = [_verdict_row(r, _gold(r)) for r in usable]
    truth = np.array([r.example.verdict for r in usable])
    groups = [r.example.policy_id for r in usable]
    matrix, names = _matrix([*found, *gold])
    labels = tuple(sorted(set(truth)))
    both, twice = np.concatenate([truth, truth]), [*groups, *groups]
    guessed = _out_of_fold(matrix, both, twice, strength=_VERDICT_STRENGTH)[: len(usable)]
    right = np.array(labels)[guessed.argmax(axis=1)] == truth
    report(f"verdict: accuracy {right.mean():.3f} on found evidence, {len(usable)} questions")
    return _Fitted(labels, names, _regression(_VERDICT_STRENGTH).fit(matrix, both))


def _gold(ranked: Ranked) -> tuple[Candidate, ...]:
    proofs = [c for c in ranked.candidates.ranked if ranked.example.evidence[c.index]]
    return tuple(proofs[:MAX_EVIDENCE])


def _verdict_row(ranked: Ranked, evidence: Sequence[Candidate]) -> dict[str, float]:
    policy = ranked.candidates.source.policy
    return verdict_features(ranked.example.route.query, [sentence_text(policy, c) for c in evidence])


def _matrix(rows: Sequence[Mapping[str, float]]) -> tuple[Any, tuple[str, ...]]:
    from sklearn.feature_extraction import DictVectorizer

    vectorizer = DictVectorizer(sparse=False)
    matrix = vectorizer.fit_transform(rows)
    return matrix, tuple(vectorizer.feature_names_)


def _regression(strength: float) -> LogisticRegression:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=strength, max_iter=5000)


def _out_of_fold(matrix: Any, truth: Any, groups: Sequence[str], *, strength: float) -> Any:
    from sklearn.model_selection import GroupKFold, cross_val_predict

    return cross_val_predict(
        _regression(strength), matrix, truth, groups=groups, cv=GroupKFold(_FOLDS), method="predict_proba"
    )


def _f1(predicted: Any, truth: Any) -> float:
    hit = float(np.sum(predicted & truth))
    return 2 * hit / max(1.0, float(np.sum(predicted) + np.sum(truth)))


def _auc(score: Any, truth: Any) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(truth, score))
