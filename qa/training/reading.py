"""Fits the linear models of ``qa.reading`` out of fold, so that they see what answering will see.

Every ranking and every judgement here was made by models that did not see the policy; the linear models are then
themselves cross-validated by policy, so that the figures reported are those of policies unseen by all of them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from qa.cues import straight, tidied
from qa.domain import Candidate, Candidates
from qa.judging import VERDICTS, Judge, Judgement
from qa.reading import (
    JUDGED,
    MAX_EVIDENCE,
    Likely,
    answerability_features,
    choose,
    confidence_features,
    judged_question,
    judged_texts,
    proof_features,
    sentence_text,
    weighed,
)
from qa.retrieval import WEIGHTS
from qa.training.examples import Example

if TYPE_CHECKING:
    from sklearn.linear_model import LogisticRegression

MIN_PRECISION = 0.72
"""At least this share of the sentences cited must be acceptable proof, out of fold."""
SILENCE_PRECISION = 0.85
"""At least this share of the questions called silent must be so, out of fold."""
LEAST_POLICIES = 5
"""The linear models are cross-validated in so many folds by policy."""
_VERDICT_STRENGTH = 0.02  # inverse of the regularisation; of 0.02, 0.05 and 0.2 the best out of fold


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


@dataclass(frozen=True, slots=True, eq=False)
class Assessed:
    """A ranked example, a judge that was not trained on its policy, and what it says of each best-ranked sentence."""

    ranked: Ranked
    judge: Judge
    alone: tuple[Judgement, ...]

    @classmethod
    def of(cls, ranked: Ranked, judge: Judge) -> Assessed:
        """The example with what the judge says of it."""
        assessed = cls(ranked, judge, ())
        best = ranked.candidates.ranked[:JUDGED]
        texts = judged_texts(ranked.candidates, best)
        return replace(assessed, alone=tuple(judge.judge(judged_question(assessed.asked, ranked.candidates), texts)))

    @property
    def example(self) -> Example:
        """The example."""
        return self.ranked.example

    @property
    def asked(self) -> str:
        """The question as it is read."""
        return straight(tidied(self.example.route.query))[0]

    @property
    def verdict(self) -> str:
        """The annotated verdict on the question as it is read."""
        turned = straight(tidied(self.example.route.query))[1]
        return (
            {"yes": "no", "no": "yes"}.get(self.example.verdict, self.example.verdict)
            if turned
            else self.example.verdict
        )

    def is_proof(self, candidate: Candidate) -> bool:
        """Whether a citation of it would be right."""
        return bool(self.example.acceptable[candidate.index])


def fit(assessed: Sequence[Assessed], report: Callable[[str], None]) -> str:
    """The JSON form of ``qa.reading.ReadingModel``, with cross-validated figures reported on the way."""
    groups = [a.example.policy_id for a in assessed]
    proof, likely = _fit_proof(assessed, groups)
    answered, chances = _fit_answered(assessed, likely, groups, report)
    threshold = _evidence_threshold(assessed, likely)
    sets = [choose(each, threshold) for each in likely]
    verdict, verdicts = _fit_verdict(assessed, sets, report)
    right, confidences = _fit_right(assessed, likely, chances, verdicts, groups)
    _report(assessed, sets, chances >= answered.threshold, verdicts, confidences=confidences, report=report)
    return json.dumps(
        {
            "proof": proof.as_json(),
            "answered": answered.as_json(),
            "verdict": verdict.as_json(),
            "right": right.as_json(),
            "answered_threshold": answered.threshold,
            "evidence_threshold": threshold,
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


def _fit_proof(assessed: Sequence[Assessed], groups: Sequence[str]) -> tuple[_Fitted, list[list[Likely]]]:
    """The model of one sentence's being proof, and the best-ranked sentences with its probabilities, out of fold."""
    rows = [proof_features(a.ranked.candidates, a.alone) for a in assessed]
    truth = np.array([hit for a, mine in zip(assessed, rows, strict=True) for hit in a.ranked.hits[: len(mine)]], int)
    owners = [group for group, mine in zip(groups, rows, strict=True) for _ in mine]
    matrix, names = _matrix([row for mine in rows for row in mine])
    chances = iter(_out_of_fold(matrix, truth, owners, strength=1.0)[:, 1])
    likely = []
    for a in assessed:
        pairs = zip(a.ranked.candidates.ranked, a.alone, strict=False)
        mine = [Likely(candidate, float(next(chances)), judgement) for candidate, judgement in pairs]
        likely.append(sorted(mine, key=lambda each: -each.proof))
    return _Fitted(("other", "proof"), names, _regression(1.0).fit(matrix, truth)), likely


def _evidence_threshold(assessed: Sequence[Assessed], likely: Sequence[Sequence[Likely]]) -> float:
    """The lowest whose citations are proof often enough: an exception left out is worse than one quote more."""

    def precision(threshold: float) -> float:
        return float(
            np.mean(
                [
                    a.is_proof(each.candidate)
                    for a, sentences in zip(assessed, likely, strict=True)
                    if a.example.answered
                    for each in choose(sentences, threshold)
                ]
            )
        )

    thresholds = [round(0.02 * step, 2) for step in range(5, 46)]
    return next((t for t in thresholds if precision(t) >= MIN_PRECISION), thresholds[-1])


def _fit_answered(
    assessed: Sequence[Assessed],
    likely: Sequence[Sequence[Likely]],
    groups: Sequence[str],
    report: Callable[[str], None],
) -> tuple[_Fitted, Any]:
    rows = [
        answerability_features(a.asked, a.ranked.candidates, mine, a.alone)
        for a, mine in zip(assessed, likely, strict=True)
    ]
    truth = np.array([a.example.answered for a in assessed], dtype=int)
    matrix, names = _matrix(rows)
    chances = _out_of_fold(matrix, truth, groups, strength=1.0)[:, 1]
    thresholds = np.arange(0.2, 0.8, 0.01)
    precise = [t for t in thresholds if np.mean(truth[chances < t] == 0) >= SILENCE_PRECISION]
    threshold = float(max(precise, default=thresholds[0]))
    report(
        f"answered: accuracy {np.mean((chances >= threshold) == truth):.3f},"
        f" silence: precision {np.mean(truth[chances < threshold] == 0):.3f},"
        f" F1 {_f1(chances < threshold, truth == 0):.3f} at threshold {threshold:.2f},"
        f" area under ROC {_auc(chances, truth):.3f}"
    )
    fitted = _Fitted(("silent", "answered"), names, _regression(1.0).fit(matrix, truth), round(threshold, 2))
    return fitted, chances


def _fit_verdict(
    assessed: Sequence[Assessed], sets: Sequence[Sequence[Likely]], report: Callable[[str], None]
) -> tuple[_Fitted, list[dict[str, float] | None]]:
    """The model of the verdict, and for each yes/no question its probabilities on the evidence found, out of fold.

    It is fitted on questions that the policy answers, with the evidence found and with the annotated evidence;
    questions that it leaves open get probabilities, too, since answering has to cope with them.
    """
    asked = [i for i, a in enumerate(assessed) if a.example.kind == "yes_no"]
    known = [i for i in asked if assessed[i].example.answered and assessed[i].example.evidence.any()]
    found = [_found_row(assessed[i], sets[i]) for i in asked]
    gold = [_gold_row(assessed[i]) for i in known]
    matrix, names = _matrix([*found, *gold])
    labels = tuple(sorted(v.value for v in VERDICTS))
    guessed = np.zeros((len(asked), len(labels)))
    on_gold = np.zeros((len(known), len(labels)))
    truth_found = np.array([assessed[i].verdict for i in asked])
    truth_gold = np.array([assessed[i].verdict for i in known])
    policies = np.array([assessed[i].example.policy_id for i in asked])
    policies_gold = np.array([assessed[i].example.policy_id for i in known])
    usable = np.isin(truth_found, labels)
    for held_out in _folds(sorted(set(policies))):
        rows = np.concatenate([usable & ~np.isin(policies, held_out), ~np.isin(policies_gold, held_out)])
        truth = np.concatenate([truth_found, truth_gold])
        model = _regression(_VERDICT_STRENGTH).fit(matrix[rows], truth[rows])
        mine, mine_gold = np.isin(policies, held_out), np.isin(policies_gold, held_out)
        guessed[mine] = model.predict_proba(matrix[: len(asked)][mine])
        on_gold[mine_gold] = model.predict_proba(matrix[len(asked) :][mine_gold])
    right = np.array(labels)[guessed.argmax(axis=1)] == truth_found
    right_gold = np.array(labels)[on_gold.argmax(axis=1)] == truth_gold
    report(
        f"verdict: accuracy {right[usable].mean():.3f} on found evidence, {right_gold.mean():.3f} on annotated,"
        f" {usable.sum()} questions"
    )
    rows = np.concatenate([usable, np.ones(len(known), dtype=bool)])
    model = _regression(_VERDICT_STRENGTH).fit(matrix[rows], np.concatenate([truth_found, truth_gold])[rows])
    chances: list[dict[str, float] | None] = [None] * len(assessed)
    for i, row in zip(asked, guessed, strict=True):
        chances[i] = dict(zip(labels, map(float, row), strict=True))
    return _Fitted(labels, names, model), chances


def _fit_right(
    assessed: Sequence[Assessed],
    likely: Sequence[Sequence[Likely]],
    chances: Any,
    verdicts: Sequence[dict[str, float] | None],
    groups: Sequence[str],
) -> tuple[_Fitted, Any]:
    """The model of an answer's being right and proven, and its probabilities out of fold."""
    rows = [
        confidence_features(float(chance), sentences[0].proof, max(verdict.values()) if verdict else None)
        for chance, sentences, verdict in zip(chances, likely, verdicts, strict=True)
    ]
    truth = np.array(
        [
            a.example.answered and a.is_proof(sentences[0].candidate) and _is_right(a, verdict)
            for a, sentences, verdict in zip(assessed, likely, verdicts, strict=True)
        ],
        dtype=int,
    )
    matrix, names = _matrix(rows)
    confidences = _out_of_fold(matrix, truth, groups, strength=1.0)[:, 1]
    return _Fitted(("wrong", "right"), names, _regression(1.0).fit(matrix, truth)), confidences


def _report(
    assessed: Sequence[Assessed],
    sets: Sequence[Sequence[Likely]],
    stated: Any,
    verdicts: Sequence[dict[str, float] | None],
    *,
    confidences: Any,
    report: Callable[[str], None],
) -> None:
    """The figures of the judge of answers, cross-validated by policy."""
    rows = list(zip(assessed, sets, stated, verdicts, strict=True))
    able = [(a, s, told) for a, s, told, _ in rows if a.example.answered]
    proven = [
        bool(told) and a.is_proof(s[0].candidate) and _is_right(a, v) if a.example.answered else not told
        for a, s, told, v in rows
    ]
    labels = [(a.verdict, _label(v) if told else "not_stated") for a, _, told, v in rows if a.example.kind == "yes_no"]
    first = np.mean([told and a.is_proof(s[0].candidate) for a, s, told in able])
    three = np.mean([told and any(a.is_proof(c.candidate) for c in s) for a, s, told in able])
    cited = [a.is_proof(c.candidate) for a, s, told in able if told for c in s]
    recall = np.mean([_recall(a, s) if told else 0.0 for a, s, told in able if a.example.evidence.any()])
    scores = [
        _f1(np.array([g == v for _, g in labels]), np.array([w == v for w, _ in labels]))
        for v in ("yes", "no", "conditional", "not_stated")
    ]
    report(
        f"cross-validated: right and proven {np.mean(proven):.3f}, first hit {first:.3f}, in three {three:.3f},"
        f" verdict {np.mean([w == g for w, g in labels]):.3f} (macro F1 {np.mean(scores):.3f}),"
        f" citations that are proof {np.mean(cited):.3f}, evidence found {recall:.3f}"
    )
    folds = _folds(sorted({a.example.policy_id for a in assessed}))
    by_fold = [np.mean([p for p, a in zip(proven, assessed, strict=True) if a.example.policy_id in f]) for f in folds]
    report("right and proven by fold: " + ", ".join(f"{x:.3f}" for x in by_fold))
    told = np.array([bool(t) for t in stated])
    held = np.array(proven)[told]
    report("confidence, and the share that is right: " + _reliability(np.asarray(confidences)[told], held))


def _reliability(confidences: Any, right: Any) -> str:
    bounds = [0.0, 0.3, 0.5, 0.7, 0.85, 1.0]
    parts = []
    for low, high in pairwise(bounds):
        inside = (confidences >= low) & (confidences < high)
        if inside.any():
            parts.append(f"{confidences[inside].mean():.2f}: {right[inside].mean():.2f} ({inside.sum()})")
    return ", ".join(parts)


def _recall(assessed: Assessed, chosen: Sequence[Likely]) -> float:
    cited = {each.candidate.index for each in chosen}
    return float(np.mean([int(i) in cited for i in np.flatnonzero(assessed.example.evidence)]))


def _is_right(assessed: Assessed, verdict: Mapping[str, float] | None) -> bool:
    return verdict is None or _label(verdict) == assessed.verdict


def _label(verdict: Mapping[str, float] | None) -> str:
    return max(verdict, key=lambda name: verdict[name]) if verdict else ""


def _folds(policies: Sequence[str]) -> list[list[str]]:
    return [list(policies[n::LEAST_POLICIES]) for n in range(LEAST_POLICIES)]


def annotated(ranked: Ranked) -> tuple[Candidate, ...]:
    """The annotated evidence, best-ranked first, as much of it as an answer would cite."""
    proofs = [c for c in ranked.candidates.ranked if ranked.example.evidence[c.index]]
    return tuple(proofs[:MAX_EVIDENCE])


def _found_row(assessed: Assessed, chosen: Sequence[Likely]) -> dict[str, float]:
    return _verdict_row(assessed, [each.candidate for each in chosen])


def _gold_row(assessed: Assessed) -> dict[str, float]:
    return _verdict_row(assessed, annotated(assessed.ranked))


def _verdict_row(assessed: Assessed, evidence: Sequence[Candidate]) -> dict[str, float]:
    candidates = assessed.ranked.candidates
    together = " ".join(judged_texts(candidates, evidence))
    (judgement,) = assessed.judge.judge(judged_question(assessed.asked, candidates), [together])
    texts = [sentence_text(candidates.source.policy, candidate) for candidate in evidence]
    return weighed(assessed.asked, texts, judgement)


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
        _regression(strength), matrix, truth, groups=groups, cv=GroupKFold(LEAST_POLICIES), method="predict_proba"
    )


def _f1(predicted: Any, truth: Any) -> float:
    hit = float(np.sum(predicted & truth))
    return 2 * hit / max(1.0, float(np.sum(predicted) + np.sum(truth)))


def _auc(score: Any, truth: Any) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(truth, score))
