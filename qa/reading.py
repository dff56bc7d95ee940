"""Says what the ranked sentences prove: which of them are evidence, what the verdict is, or that the policy is silent.

This version reads without a neural model: cues of polarity, condition and question form (the regular expressions
below) go into small linear models whose weights lie in ``qa/models/reading.json`` and are made by
``python -m qa.training.reading`` (docs/models.md). Whatever reads better slots in behind ``Reader``.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Protocol

from qa.domain import Candidate, Candidates, Policy, Reading, Status, Verdict
from qa.text import content_words, without_markup
from qa.wording import practices

READ_CANDIDATES = 20
"""How many of the best-ranked sentences are read."""
MAX_EVIDENCE = 3
"""At most this many sentences prove one answer; more would be a dump of quotes."""
RELATED = 2
"""How many of the nearest sentences are offered when the policy is silent."""


class Reader(Protocol):
    """Reads the candidates of one policy."""

    def read(self, question: str, candidates: Candidates) -> Reading:
        """What the candidates prove about the question (names already removed from it)."""
        ...


# --- the question -----------------------------------------------------------------------------------------------------

_POLITE = re.compile(
    r"^(?:\W|and\b|so\b|but\b|ok(?:ay)?\b|hi\b|hello\b|hey\b|well\b|also\b|then\b|um+\b|please\b|pls\b|plz\b"
    r"|(?:can|could|would) (?:you|u) (?:please )?(?:tell|say|explain)(?: to)? (?:me|us)\b|tell (?:me|us)\b"
    r"|i(?:['’]d| would)? (?:want|like|need|wish) to know\b|i(?:['’]m| am)? (?:just )?(?:wondering|curious)\b"
    r"|(?:do|does) (?:you|anyone) know\b|quick question\b|is it (?:true|right|correct) that\b"
    r"|what about\b|what if\b|how about\b|suppose\b)",
    re.I,
)
_AUXILIARY = re.compile(
    r"^(?:do|does|did|is|are|was|were|am|can|could|will|would|wil|wud|shall|should|may|might|must|has|have|had|ain['’]t"
    r"|whether|r u\b|doesn['’]?t|don['’]?t|isn['’]?t|aren['’]?t|won['’]?t|can['’]?t)\b",
    re.I,
)
_INTERROGATIVE = re.compile(
    r"^(?:(?:in|for|under|to|by|on|at|from|after|with|of) )?(?:how(?!ever\b)(?! about\b)"
    r"|w(?:hat|aht|at)(?:['’]?s)?\b(?! about\b)(?! if\b)|w(?:hich|ich)\b|who(?:se|m|['’]s)?\b"
    r"|where(?:['’]s)?\b|when(?= (?:do|does|did|will|is|are|was|were|can)\b)|why\b|y do\b|list\b|name\b|explain\b"
    r"|describe\b|(?:kindly )?state\b)",
    re.I,
)
_ASKING = re.compile(
    r"\b(?:do|does|did|will|would|can|could|is|are|am|was|were|has|have|should|gonna|going to) "
    r"(?:you|u|i|we|they|it|that|this|these|those|my|the|your|our|there|anyone|anybody|some\w+|any|others?|rent|sell|share"
    r"|keep)\b",
    re.I,
)
_FACT = re.compile(
    r"\b(?:how|what|waht|wat|which|wich|who|whose|where|when|why|contact|phone|number|name|address|steps|list)\b", re.I
)
_PRACTICE = re.compile(
    r"\b(?:collect|s[eo]ll?d?|shar|track|stor|sav|keep|kept|log|use|giv|rent|disclos|encrypt|delet|logs?|record)\w*",
    re.I,
)


def is_yes_no(question: str) -> bool:
    """Whether a question can be answered with yes or no.

    The clauses are looked at one by one, past openings such as "and", "please tell me" and "if I close my account,":
    the first that begins like a question decides. Keywords without any interrogative ("acme sell data") are read as
    asking whether; a missing verdict is worse than a superfluous one.
    """
    clauses = [_opened(clause) for clause in re.split(r"[.,;:?!]+\s+|\s[-–—]\s", question.strip())]
    for clause in clauses:
        if _AUXILIARY.match(clause):
            return True
        if _INTERROGATIVE.match(clause):
            return False
    if any(_ASKING.search(clause) for clause in clauses) and not re.search(r"\bhow\b|\bwh(?:at|ich|o)\b", question):
        return True
    if _PRACTICE.search(question):
        return not re.search(r"\bhow\b", question)
    return not _FACT.search(question)


def _opened(clause: str) -> str:
    while (match := _POLITE.match(clause)) and match.end():
        clause = clause[match.end() :].lstrip()
    return clause


# --- cues -------------------------------------------------------------------------------------------------------------


def _compiled(patterns: Mapping[str, str]) -> dict[str, re.Pattern[str]]:
    return {name: re.compile(pattern, re.I) for name, pattern in patterns.items()}


CUES = _compiled(
    {
        "not": r"\b(?:not|never|cannot|neither|nor|none|nobody|nothing)\b|n['’]t\b",
        "no": r"\bno\b",
        "never": r"\bnever\b",
        "without": r"\bwithout\b",
        "unless": r"\bunless\b",
        "except": r"\bexcept|other than|exclud|aside from|apart from",
        "only": r"\b(?:only|solely|exclusively|limited to)\b",
        "if": r"\b(?:if|where|when|whenever|in the event|in case|should you|provided that|as long as|so long as"
        r"|to the extent)\b",
        "consent": r"\b(?:consent|permission|opt[- ]?in|authori[sz]|agree|choose|elect|request|approv)",
        "law": r"required by law|legal|law|court|subpoena",
        "may": r"\b(?:may|might|could)\b",
        "will": r"\bwill\b",
        "can": r"\bcan\b",
        "must": r"\b(?:must|required?|need|necessary|mandatory|shall)\b",
        "some": r"\b(?:some|certain|sometimes|occasional|on occasion|from time to time|in some cases|limited|most"
        r"|generally|usually|typically|general rule)\b",
        "however": r"\b(?:however|but|although|though|while|nevertheless|yet|instead|rather)\b",
        "optout": r"opt[- ]?out|unsubscrib|declin|refus|disabl|remov|turn off|reject|block",
        "able": r"\b(?:able|unable|impossible|possible)\b",
        "guarantee": r"guarantee|100%|ensure|assur",
        "reserve": r"reserve the right|discretion",
        "until": r"until|before|after",
        "anonymous": r"aggregat|anonym|non-?person|identif",
        "prohibit": r"prohibit|forbid|prevent|restrict|not permitted|not allowed|disclaim|not responsible|no control",
        "free": r"free of charge|\bfree\b",
        "nor": r"\b(?:nor|neither)\b",
        "any": r"\b(?:any|all|every|always|each|both)\b",
        "right": r"\bright\b",
    }
)
_SHARED = "not no never without only if must any optout guarantee consent some law free able prohibit anonymous".split()
QUESTION_CUES = {name: CUES[name] for name in _SHARED} | _compiled(
    {
        "i_can": r"\b(?:can|could|may|am|are) (?:i|we|users|you)\b",
        "i_have": r"\b(?:do|must|should|will|would) i\b|\bi (?:have|need) to\b",
        "starts_is": r"^\W*(?:is|are|was|were)\b",
        "starts_do": r"^\W*(?:do|does|did)\b",
        "starts_can": r"^\W*(?:can|could|may|might)\b",
        "starts_will": r"^\W*(?:will|would)\b",
        "share": r"\b(?:sell|shar|rent|give|pass|disclos|hand)",
        "safe": r"\b(?:safe|secur|encrypt|protect|respons)",
        "child": r"\b(?:kid|child|teen|under)",
        "ever": r"\bever\b",
        "keep": r"\b(?:keep|kept|stor|retain|hold)",
        "require": r"\b(?:need|require|have to|must|mandatory|without)\b",
        "collect": r"\b(?:collect|gather|record|log|track|see|know|read)",
        "others": r"\belse|other|third|outside|stranger",
    }
)
_CONDITIONS = ("only", "if", "may", "consent", "unless", "except", "optout", "must")
_RESTRICTED = re.compile(r"\b(?:only|solely)\b(.{0,25})", re.I)
_NEGATED = re.compile(r"(?:\b(?:not|never|nor)\b|n['’]t\b)(.{0,40})", re.I)
_WORD = re.compile(r"[a-z]+")
_LEADING_ANSWER = re.compile(r"\W*(yes|no)\b", re.I)
_GENERAL = frozenset(
    content_words(
        "data info information detail details personal personally identifiable private stuff record records customer"
        " user visitor member client people anybody anyone ever really actually please online website site company"
    )
)


def is_general(question: str) -> bool:
    """Whether a question names a practice and nothing more: "do you share my data?", not with whom or what for."""
    rest = [word for word in _WORD.findall(question.lower()) if set(content_words(word)) - _GENERAL]
    return bool(practices(question)) and all(practices(word) for word in rest)


def _is_conditional(question: str, first: str) -> bool:
    """Whether the evidence limits the very practice of a general question: neither yes nor no would be true."""
    if not is_general(question) or CUES["only"].search(question):
        return False
    about = practices(question)
    return any(about & practices(match.group(1)) for match in _RESTRICTED.finditer(first)) or bool(
        CUES["unless"].search(first) or CUES["except"].search(first)
    )


def verdict_features(question: str, evidence: Sequence[str]) -> dict[str, float]:
    """The cues of a question and of its evidence (plain sentences, best first), alone and in combination."""
    asked = [name for name, pattern in QUESTION_CUES.items() if pattern.search(question)]
    first, rest = evidence[0], " ".join(evidence[1:])
    counts = {name: len(pattern.findall(first)) for name, pattern in CUES.items()}
    features: dict[str, float] = {f"question:{name}": 1.0 for name in asked}
    for name, count in counts.items():
        if count:
            features[f"first:{name}"] = 1.0
        if count > 1:
            features[f"twice:{name}"] = 1.0
    features |= {f"rest:{name}": 1.0 for name, pattern in CUES.items() if rest and pattern.search(rest)}
    polarity = "negated" if counts["not"] + counts["no"] else "plain"
    for name in asked:
        features[f"{name}&{polarity}"] = 1.0
        features |= {f"{name}&{condition}": 0.5 for condition in _CONDITIONS if counts[condition]}
    features |= {f"both:{name}": 1.0 for name, count in counts.items() if count and CUES[name].search(question)}
    features |= {f"new:{name}": 1.0 for name in ("law", "consent") if counts[name] and not CUES[name].search(question)}
    about = practices(question)
    if not CUES["only"].search(question) and any(about & practices(m.group(1)) for m in _RESTRICTED.finditer(first)):
        features["restricts what is asked"] = 1.0
    if any(about & practices(m.group(1)) for m in _NEGATED.finditer(first)):
        features["negates what is asked"] = 1.0
    if match := _LEADING_ANSWER.match(first):
        features[f"leads:{match.group(1).lower()}"] = 1.0
    if CUES["not"].search(" ".join(first.split()[:8])):
        features["negated early"] = 1.0
    features["sentences"] = float(len(evidence))
    features["length"] = len(first) / 200
    return features


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
        answered: labels "silent", "answered" over ``answerability_features``.
        verdict: labels of ``Verdict`` over ``verdict_features``.
        answered_threshold: the policy counts as silent below this probability.
        evidence_margin: a further sentence is evidence if its score is within this margin of the best.
    """

    answered: LinearModel
    verdict: LinearModel
    answered_threshold: float
    evidence_margin: float

    @classmethod
    def bundled(cls) -> ReadingModel:
        """The weights that come with the package."""
        return _bundled()

    @classmethod
    def parse(cls, text: str) -> ReadingModel:
        """Reads the JSON form that ``qa.training.reading`` writes."""
        data = json.loads(text)

        def linear(part: Mapping[str, object]) -> LinearModel:
            labels, bias, weights = part["labels"], part["bias"], part["weights"]
            assert isinstance(labels, list)
            assert isinstance(bias, list)
            assert isinstance(weights, dict)
            return LinearModel(tuple(labels), tuple(bias), {name: tuple(row) for name, row in weights.items()})

        return cls(
            answered=linear(data["answered"]),
            verdict=linear(data["verdict"]),
            answered_threshold=float(data["answered_threshold"]),
            evidence_margin=float(data["evidence_margin"]),
        )


@lru_cache(maxsize=1)
def _bundled() -> ReadingModel:
    return ReadingModel.parse(resources.files("qa").joinpath("models/reading.json").read_text(encoding="utf-8"))


# --- reading ----------------------------------------------------------------------------------------------------------

_EXACT = re.compile(
    r"\b(?:exact|exactly|specific|how many|how much|precise|name of"
    r"|which (?:company|companies|countr\w+|vendor\w*|law\w*)"
    r"|what (?:year|date|version|company|algorithm)|percent|fee|cost|phone|number)\b",
    re.I,
)


def sentence_text(policy: Policy, candidate: Candidate) -> str:
    """A candidate as it is read: its lead-in, if it has one, then itself, without Markdown."""
    lead = candidate.sentence.lead_in
    own = without_markup(candidate.sentence.span.of(policy.text))
    return f"{without_markup(lead.of(policy.text))} {own}" if lead else own


@lru_cache(maxsize=64)
def _vocabulary(text: str) -> frozenset[str]:
    """The content words of a policy: the same for every question, and slow to find in a long text."""
    return frozenset(content_words(text))


def answerability_features(question: str, candidates: Candidates) -> dict[str, float]:
    """How strongly the best sentences match, and how much of the question's own words the policy has at all."""
    ranked = candidates.ranked[:READ_CANDIDATES]
    top = ranked[0]
    tail = ranked[-1]
    asked = set(content_words(question))
    near = set[str]()
    for candidate in ranked[:3]:
        near |= set(content_words(sentence_text(candidates.source.policy, candidate)))
    everywhere = _vocabulary(candidates.source.policy.text)
    return {
        "cosine": max(c.features["cosine"] for c in ranked),
        "score": top.score,
        "second": ranked[min(1, len(ranked) - 1)].score,
        "lift": top.score - tail.score,
        "first cosine": top.features["cosine"],
        "words near": len(asked & near) / max(1, len(asked)),
        "words anywhere": len(asked & everywhere) / max(1, len(asked)),
        "exact": float(bool(_EXACT.search(question))),
        "yes/no": float(is_yes_no(question)),
        "words": min(len(asked), 12) / 12,
    }


class LinearReader:
    """Reads by cues and linear models; needs no neural model. Deterministic and thread-safe."""

    def __init__(self, model: ReadingModel | None = None) -> None:
        self._model = model or ReadingModel.bundled()

    def read(self, question: str, candidates: Candidates) -> Reading:
        """See ``Reader.read``."""
        ranked = candidates.ranked[:READ_CANDIDATES]
        source = candidates.source
        if not ranked:
            return Reading(source, question, Status.NOT_STATED, None)
        answered = self._model.answered.probabilities(answerability_features(question, candidates))["answered"]
        if answered < self._model.answered_threshold:
            return Reading(source, question, Status.NOT_STATED, None, related=ranked[:RELATED], confidence=1 - answered)
        best = ranked[0].score
        evidence = tuple(c for c in ranked[:MAX_EVIDENCE] if c.score >= best - self._model.evidence_margin)
        if not is_yes_no(question):
            return Reading(source, question, Status.ANSWERED, None, evidence=evidence, confidence=answered)
        texts = [sentence_text(source.policy, candidate) for candidate in evidence]
        verdicts = self._model.verdict.probabilities(verdict_features(question, texts))
        label = max(verdicts, key=lambda name: verdicts[name])
        if _is_conditional(question, texts[0]):
            label = Verdict.CONDITIONAL.value
        return Reading(
            source,
            question,
            Status.ANSWERED,
            Verdict(label),
            evidence=evidence,
            confidence=answered * verdicts[label],
        )
