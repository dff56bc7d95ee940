"""Says what the ranked sentences prove: which of them are evidence, what the verdict is, or that the policy is silent.

A judge (a small cross-encoder) reads the question together with each of the best-ranked sentences. Linear models turn
that and the scores of the ranking into the probability of each of being proof, which chooses the evidence, and of the
policy's answering at all. Then the judge reads all evidence as one; what it says and cues of polarity and condition
(``qa.cues``) make the verdict. All linear models are fitted on policies that neither the ranking nor the judge had
seen, so that their probabilities mean what they say (docs/models.md).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import resources
from typing import Protocol

from qa.cues import affirming, is_yes_no, limits, may_deny, straight, tidied, verdict_features
from qa.domain import Candidate, Candidates, Policy, Reading, Status, Verdict
from qa.embedding import sentence_text as judged_text
from qa.judging import OPPOSITE, VERDICTS, Judge, Judgement
from qa.remembering import Remembered
from qa.text import content_words, without_markup

LIMITED = 0.95
"""How likely "only in some cases" is where the rule on limits says it: what makes the confidence of 87 such answers fit
how many were right (docs/models.md)."""

READ_CANDIDATES = 20
"""How many of the best-ranked sentences are looked at."""
JUDGED = 3
"""How many of them the judge reads, each for itself."""
MAX_EVIDENCE = 3
"""At most this many sentences prove one answer; more would be a dump of quotes."""
RELATED = 2
"""How many of the nearest sentences are offered when the policy is silent."""
CLEAR = 0.85
"""A sentence leans to a verdict if the judge gives it at least this probability."""


class Reader(Protocol):
    """Reads the candidates of one policy."""

    def read(self, question: str, candidates: Candidates) -> Reading:
        """What the candidates prove about the question (names already removed from it)."""
        ...

    def warm_up(self) -> None:
        """Loads what the first question needs."""
        ...


# --- linear models ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LinearModel:
    """A multinomial logistic regression over named features.

    Attributes:
        labels: the classes; with two, the score is that of the second and the first's is 0.
        bias: one number a label.
        weights: for each feature one number a label; unknown features count nothing.
    """

    labels: tuple[str, ...]
    bias: tuple[float, ...]
    weights: Mapping[str, tuple[float, ...]]

    @classmethod
    def parse(cls, part: Mapping[str, object]) -> LinearModel:
        """From JSON as ``qa.training.reading`` writes it."""
        labels, bias, weights = part["labels"], part["bias"], part["weights"]
        assert isinstance(labels, list)
        assert isinstance(bias, list)
        assert isinstance(weights, dict)
        return cls(tuple(labels), tuple(bias), {name: tuple(row) for name, row in weights.items()})

    def probabilities(self, features: Mapping[str, float]) -> dict[str, float]:
        """The softmax over the labels."""
        scores = list(self.bias)
        for name, value in features.items():
            for i, weight in enumerate(self.weights.get(name, ())):
                scores[i] += value * weight
        top = max(scores)
        powers = [math.exp(score - top) for score in scores]
        total = sum(powers)
        return {label: power / total for label, power in zip(self.labels, powers, strict=True)}


@dataclass(frozen=True, slots=True)
class ReadingModel:
    """The weights of ``qa/models/reading.json``.

    Attributes:
        proof: labels "other", "proof" over ``proof_features``.
        answered: labels "silent", "answered" over ``answerability_features``.
        verdict: labels of ``Verdict`` over ``weighed``.
        right: labels "wrong", "right" over ``confidence_features``: verdict and first citation both hold.
        answered_threshold: the policy counts as silent below this probability.
        evidence_threshold: a further sentence is evidence from this probability of being proof.
    """

    proof: LinearModel
    answered: LinearModel
    verdict: LinearModel
    right: LinearModel
    answered_threshold: float
    evidence_threshold: float

    @classmethod
    def bundled(cls) -> ReadingModel:
        """The weights that come with the package."""
        return _bundled()

    @classmethod
    def parse(cls, text: str) -> ReadingModel:
        """Reads the JSON form that ``qa.training.reading`` writes."""
        data = json.loads(text)
        models = {name: LinearModel.parse(data[name]) for name in ("proof", "answered", "verdict", "right")}
        return cls(
            **models,
            answered_threshold=float(data["answered_threshold"]),
            evidence_threshold=float(data["evidence_threshold"]),
        )


@lru_cache(maxsize=1)
def _bundled() -> ReadingModel:
    return ReadingModel.parse(resources.files("qa").joinpath("models/reading.json").read_text(encoding="utf-8"))


# --- what the models see ----------------------------------------------------------------------------------------------

_EXACT = re.compile(
    r"\b(?:exact|exactly|specific|how many|how much|precise|name of"
    r"|which (?:company|companies|countr\w+|vendor\w*|law\w*)"
    r"|what (?:year|date|version|company|algorithm)|percent|fee|cost|phone|number)\b",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Likely:
    """A candidate with its probability of being proof, and what the judge says of it alone."""

    candidate: Candidate
    proof: float
    judgement: Judgement


def judged_question(question: str, candidates: Candidates) -> str:
    """The question as the judge reads it: a follow-up behind what it follows."""
    return " ".join([*candidates.route.context[-1:], question])


def judged_texts(candidates: Candidates, chosen: Sequence[Candidate]) -> list[str]:
    """Each sentence as the judge reads it; several are read together with a space between them."""
    return [judged_text(candidates.source.policy, c.passage, c.sentence) for c in chosen]


def sentence_text(policy: Policy, candidate: Candidate) -> str:
    """A candidate as the cues see it: its lead-in, if it has one, then itself, without Markdown."""
    lead = candidate.sentence.lead_in
    own = without_markup(candidate.sentence.span.of(policy.text))
    return f"{without_markup(lead.of(policy.text))} {own}" if lead else own


_VOCABULARIES = Remembered(lambda source: frozenset(content_words(source.policy.text)))
"""The content words of each policy: the same for every question, and slow to find in a long text."""


def proof_features(candidates: Candidates, judgements: Sequence[Judgement]) -> list[dict[str, float]]:
    """What tells that a sentence is proof, for each of the best-ranked that were judged, in their order."""
    ranked = candidates.ranked[:READ_CANDIDATES]
    best = ranked[0].score
    after = ranked[1].score if len(ranked) > 1 else 0.0
    tail = ranked[-1].score
    surest = max(judgement.answers for judgement in judgements)
    return [
        {
            "score": candidate.score,
            "behind": best - candidate.score,
            "ahead": best - after,
            "lift": candidate.score - tail,
            "first": float(n == 0),
            "answers": judgement.answers,
            "less sure": surest - judgement.answers,
            **candidate.features,
        }
        for n, (candidate, judgement) in enumerate(zip(ranked, judgements, strict=False))
    ]


def answerability_features(
    question: str, candidates: Candidates, likely: Sequence[Likely], judgements: Sequence[Judgement]
) -> dict[str, float]:
    """How strongly the best sentences match, and how much of the question's own words the policy has at all."""
    ranked = candidates.ranked[:READ_CANDIDATES]
    top = ranked[0]
    tail = ranked[-1]
    asked = set(content_words(question))
    near = set[str]()
    for candidate in ranked[:3]:
        near |= set(content_words(sentence_text(candidates.source.policy, candidate)))
    everywhere = _VOCABULARIES.of(candidates.source)
    return {
        "cosine": max(c.features["cosine"] for c in ranked),
        "score": top.score,
        "second": ranked[min(1, len(ranked) - 1)].score,
        "lift": top.score - tail.score,
        "words near": len(asked & near) / max(1, len(asked)),
        "words anywhere": len(asked & everywhere) / max(1, len(asked)),
        "exact": float(bool(_EXACT.search(question))),
        "yes/no": float(is_yes_no(question)),
        "words": min(len(asked), 12) / 12,
        "any proof": 1 - math.prod(1 - each.proof for each in likely[:MAX_EVIDENCE]),
        "answers": max(judgement.answers for judgement in judgements),
        "first answers": judgements[0].answers,
        "first cosine": top.features["cosine"],
    }


def weighed(question: str, texts: Sequence[str], together: Judgement) -> dict[str, float]:
    """What the judge makes of all evidence together, and the cues in its texts."""
    judged = {f"judge:{verdict}": x for verdict, x in zip(VERDICTS, together.verdicts, strict=True)}
    return verdict_features(question, texts) | judged


def confidence_features(answered: float, proof: float, verdict: float | None) -> dict[str, float]:
    """Log-odds of the three probabilities; ``verdict`` is None for open questions."""
    return {
        "answered": _log_odds(answered),
        "proof": _log_odds(proof),
        "open": float(verdict is None),
        "verdict": 0.0 if verdict is None else _log_odds(verdict),
    }


def _log_odds(probability: float) -> float:
    kept = min(max(probability, 1e-4), 1 - 1e-4)
    return math.log(kept / (1 - kept))


# --- reading ----------------------------------------------------------------------------------------------------------


class EvidenceReader:
    """Reads with a judge and linear models. Deterministic; thread-safe if the judge is."""

    def __init__(self, judge: Judge, model: ReadingModel | None = None) -> None:
        self._judge = judge
        self._model = model or ReadingModel.bundled()

    def read(self, question: str, candidates: Candidates) -> Reading:
        """See ``Reader.read``."""
        source = candidates.source
        ranked = candidates.ranked
        if not ranked:
            return Reading(source, question, Status.NOT_STATED, None)
        asked, turned = straight(tidied(question))
        query = judged_question(asked, candidates)
        alone = self._judge.judge(query, judged_texts(candidates, ranked[:JUDGED]))
        likely = rated(self._model.proof, candidates, alone)
        features = answerability_features(asked, candidates, likely, alone)
        answered = self._model.answered.probabilities(features)["answered"]
        if answered < self._model.answered_threshold:
            return Reading(source, question, Status.NOT_STATED, None, related=ranked[:RELATED], confidence=1 - answered)
        chosen = choose(likely, self._model.evidence_threshold)
        evidence = tuple(each.candidate for each in chosen)
        reading = Reading(source, question, Status.ANSWERED, None, evidence=evidence)
        if not is_yes_no(asked):
            return replace(reading, confidence=self._confidence(answered, chosen[0].proof, None))
        judgements = [each.judgement for each in chosen]
        together = " ".join(judged_texts(candidates, evidence))
        whole = self._judge.judge(query, [together])[0] if len(chosen) > 1 else judgements[0]
        cues = [sentence_text(source.policy, candidate) for candidate in evidence]
        chances = self._model.verdict.probabilities(weighed(asked, cues, whole))
        possible = VERDICTS if may_deny(asked, cues) else [each for each in VERDICTS if each is not Verdict.NO]
        verdict = max(possible, key=lambda each: chances[each.value])
        if verdict is Verdict.NO and (said := affirming(asked, cues)) is not None:
            # What is denied is something else: the sentence that says it is read by itself, and goes first.
            chances = self._model.verdict.probabilities(weighed(asked, [cues[said]], judgements[said]))
            verdict = max((Verdict.YES, Verdict.CONDITIONAL), key=lambda each: chances[each.value])
            order = sorted(range(len(evidence)), key=lambda n: n != said)
            reading = replace(reading, evidence=tuple(evidence[n] for n in order))
            judgements, cues = [judgements[n] for n in order], [cues[n] for n in order]
        certainty = chances[verdict.value]
        if limits(asked, cues[0]):
            verdict, certainty = Verdict.CONDITIONAL, LIMITED
        leanings = tuple(each.leaning(CLEAR) for each in judgements)
        return replace(
            reading,
            verdict=OPPOSITE[verdict] if turned else verdict,
            confidence=self._confidence(answered, chosen[0].proof, certainty),
            leanings=tuple(OPPOSITE[each] if turned and each else each for each in leanings),
        )

    def warm_up(self) -> None:
        """See ``Reader.warm_up``."""
        self._judge.warm_up()

    def _confidence(self, answered: float, proof: float, verdict: float | None) -> float:
        return self._model.right.probabilities(confidence_features(answered, proof, verdict))["right"]


def rated(model: LinearModel, candidates: Candidates, judgements: Sequence[Judgement]) -> tuple[Likely, ...]:
    """The best-ranked sentences with their probability of being proof, the likeliest first.

    Args:
        model: of ``ReadingModel.proof``.
        candidates: the ranked sentences.
        judgements: of the first of them, in their order.
    """
    rows = zip(candidates.ranked, judgements, proof_features(candidates, judgements), strict=False)
    likely = [Likely(candidate, model.probabilities(row)["proof"], judgement) for candidate, judgement, row in rows]
    return tuple(sorted(likely, key=lambda each: -each.proof))


def choose(likely: Sequence[Likely], threshold: float) -> tuple[Likely, ...]:
    """The evidence: the likeliest sentence, and others that are likely enough to be proof."""
    return (likely[0], *(each for each in likely[1:MAX_EVIDENCE] if each.proof >= threshold))
