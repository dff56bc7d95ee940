"""The figures, as pure functions of answers and annotated cases.

A quote is compared with a policy after every run of white space became one blank. A figure that has nothing to be
computed from is None, never 0; counts are always defined.

A citation *hits* when at least half of its characters lie in annotated evidence or in what is also acceptable. A case
without an answer (an error) counts as wrong in every figure that it belongs to. An answer with another status than
``answered`` counts as "the policy does not say".
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from eval.cases import Case, Gold, Kind, Proof
from qa.domain import Answer, Citation, Status, Verdict
from qa.text import Span

_COVERED = 0.5
_YES_NO_LABELS = (Gold.YES, Gold.NO, Gold.CONDITIONAL, Gold.NOT_STATED)


class Given(Protocol):
    """What is scored of an answer, or of one policy's entry in a comparison."""

    @property
    def status(self) -> Status: ...  # noqa: D102
    @property
    def verdict(self) -> Verdict | None: ...  # noqa: D102
    @property
    def citations(self) -> tuple[Citation, ...]: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Score:
    """What an answer about one policy got right.

    Attributes:
        gold: the annotated label.
        got: the answer's label; None where there is no answer.
        hits: for each citation, whether it hits.
        recall: share of the evidence sentences of which at least half is cited; None where the policy is silent, where
            there is no answer, or where no evidence stands in the policy.
        invalid: citations that are not verbatim in the policy.
        wrong: citations from another domain's policy.
    """

    kind: Kind
    gold: Gold
    got: Gold | None
    hits: tuple[bool, ...] = ()
    recall: float | None = None
    invalid: int = 0
    wrong: int = 0

    @property
    def missing(self) -> bool:
        """Whether there is no answer."""
        return self.got is None

    @property
    def answerable(self) -> bool:
        """Whether the policy states what is asked."""
        return self.gold is not Gold.NOT_STATED

    @property
    def silent(self) -> bool:
        """Whether the answer was that the policy does not say."""
        return self.got is Gold.NOT_STATED

    @property
    def hit_at_1(self) -> bool:
        """Whether the first citation hits."""
        return any(self.hits[:1])

    @property
    def hit_at_3(self) -> bool:
        """Whether any of the first three citations hits."""
        return any(self.hits[:3])

    @property
    def settled(self) -> bool:
        """Whether answered or silent as it should be."""
        return not self.missing and self.silent != self.answerable

    @property
    def right(self) -> bool:
        """Whether the verdict is right; for open questions, whether answered or silent as it should be."""
        return self.got is self.gold if self.kind is Kind.YES_NO else self.settled

    @property
    def right_and_proven(self) -> bool:
        """Whether right and, where the policy answers, the first citation hits."""
        return self.right and (not self.answerable or (self.hit_at_1 and not self.silent))


@dataclass(frozen=True, slots=True)
class Marks:
    """What one case got; a part that the case does not ask for is None or empty.

    Attributes:
        score: for a case about one policy.
        status: whether the status is one of those expected.
        routed: for a case about one policy that was not handed over: whether that domain's policy was answered from.
        entries: for a case about all policies, one for each expected entry.
        strays: citations in an answer that must not have any, because no policy is asked about.
        missing: whether there is no answer.
    """

    score: Score | None = None
    status: bool | None = None
    routed: bool | None = None
    entries: tuple[Score, ...] = ()
    strays: int = 0
    missing: bool = False

    @property
    def right(self) -> bool:
        """Whether everything that the case asks for is right."""
        scores = [self.score, *self.entries] if self.score else self.entries
        return self.status is not False and not self.strays and all(score.right_and_proven for score in scores)


@dataclass(frozen=True, slots=True)
class Figures:
    """What a set of cases comes to; shares in [0, 1], None where undefined.

    The figures down to ``wrong_policy`` are over the cases about one policy; see the functions of the same names.
    ``missing``, ``invalid_quotes`` and ``wrong_policy`` count over all cases.
    """

    n: int
    missing: int
    right_and_proven: float | None
    verdict_accuracy: float | None
    verdict_macro_f1: float | None
    answerability: float | None
    not_stated_f1: float | None
    hit_at_1: float | None
    hit_at_3: float | None
    citation_precision: float | None
    evidence_recall: float | None
    citations_per_answer: float | None
    invalid_quotes: int
    wrong_policy: int
    status_accuracy: float | None
    routing_accuracy: float | None
    entries_right: float | None


def flat(text: str) -> str:
    """A text with every run of white space as one blank and none at the ends: the form in which quotes are compared."""
    return " ".join(text.split())


def find_spans(text: str, quotes: Iterable[str]) -> list[Span]:
    """The spans of those quotes that stand in a flat text, each where it occurs first."""
    spans: list[Span] = []
    for quote in map(flat, quotes):
        at = text.find(quote) if quote else -1
        if at >= 0:
            spans.append(Span(at, at + len(quote)))
    return spans


def covered(span: Span, others: Iterable[Span]) -> float:
    """The share of a span's characters that lie in any of the other spans; 0 for an empty span."""
    count, reached = 0, span.start
    for other in sorted(others, key=lambda other: other.start):
        start, end = max(reached, other.start), min(span.end, other.end)
        if start < end:
            count += end - start
            reached = end
    return count / max(1, span.end - span.start)


def domain_of(policy: str) -> str:
    """The domain of a policy id or of a file stem."""
    return re.split(r"__|@", policy)[0].lower()


def score(proof: Proof, given: Given | None, text: str) -> Score:
    """Scores an answer about one policy.

    Args:
        proof: what is right.
        given: the answer, or None where there is none.
        text: the policy, flat.
    """
    if given is None:
        return Score(proof.kind, proof.verdict, None)
    gold = find_spans(text, (*proof.evidence, *proof.also_ok))
    domain = domain_of(proof.policy)
    hits: list[bool] = []
    mine: list[Span] = []
    invalid = wrong = 0
    for citation in given.citations:
        own = domain_of(citation.policy_id) == domain
        found = find_spans(text, [citation.quote]) if own else []
        wrong += not own
        invalid += own and not found
        mine += found
        hits.append(bool(found) and covered(found[0], gold) >= _COVERED)
    recall = None
    if not proof.silent:
        recall = mean(covered(span, mine) >= _COVERED for span in find_spans(text, proof.evidence))
    return Score(proof.kind, proof.verdict, _label(given), tuple(hits), recall, invalid, wrong)


def mark(case: Case, answer: Answer | None, texts: Mapping[str, str]) -> Marks:
    """Marks a case's answer.

    Args:
        case: what was asked, with what is right.
        answer: None where there is none.
        texts: the policies that the case is about, flat, by file stem.
    """
    return Marks(
        score=score(case.proof, answer, texts[case.proof.policy]) if case.proof else None,
        status=(answer is not None and answer.status in case.statuses) if case.statuses else None,
        routed=_routed(case.proof, answer) if case.proof and not case.scoped else None,
        entries=tuple(score(proof, _entry(proof, answer), texts[proof.policy]) for proof in case.entries),
        strays=len(answer.citations) if answer and not case.proofs else 0,
        missing=answer is None,
    )


def figures(marks: Sequence[Marks]) -> Figures:
    """All figures of a set of cases."""
    scores = [mark.score for mark in marks if mark.score]
    entries = [entry for mark in marks for entry in mark.entries]
    return Figures(
        n=len(marks),
        missing=sum(mark.missing for mark in marks),
        right_and_proven=right_and_proven(scores),
        verdict_accuracy=verdict_accuracy(scores),
        verdict_macro_f1=verdict_macro_f1(scores),
        answerability=answerability(scores),
        not_stated_f1=not_stated_f1(scores),
        hit_at_1=hit_at_1(scores),
        hit_at_3=hit_at_3(scores),
        citation_precision=citation_precision(scores),
        evidence_recall=evidence_recall(scores),
        citations_per_answer=citations_per_answer(scores),
        invalid_quotes=sum(item.invalid for item in (*scores, *entries)),
        wrong_policy=sum(item.wrong for item in (*scores, *entries)) + sum(mark.strays for mark in marks),
        status_accuracy=mean(mark.status for mark in marks if mark.status is not None),
        routing_accuracy=mean(mark.routed for mark in marks if mark.routed is not None),
        entries_right=right_and_proven(entries),
    )


def right_and_proven(scores: Sequence[Score]) -> float | None:
    """Share of answers that are right and, where the policy answers, whose first citation hits."""
    return mean(score.right_and_proven for score in scores)


def verdict_accuracy(scores: Sequence[Score]) -> float | None:
    """Share of yes/no questions with exactly the right one of yes, no, conditional, not_stated."""
    return mean(score.got is score.gold for score in scores if score.kind is Kind.YES_NO)


def verdict_macro_f1(scores: Sequence[Score]) -> float | None:
    """Mean F1 of the four labels of yes/no questions; undefined as soon as one of them is.

    Source: macro-averaged F1 as the mean of per-label F1 (Opitz and Burst, "Macro F1 and Macro F1", 2019).
    """
    yes_no = [score for score in scores if score.kind is Kind.YES_NO]
    each = [f1(yes_no, label) for label in _YES_NO_LABELS]
    defined = [value for value in each if value is not None]
    return mean(defined) if len(defined) == len(each) else None


def f1(scores: Sequence[Score], label: Gold) -> float | None:
    """F1 of one label, 2 TP / (2 TP + FP + FN); undefined where the label is neither right nor given.

    Source: van Rijsbergen, "Information Retrieval", 2nd edition 1979, chapter 7 (1 - E with equal weights).
    """
    hits = sum(score.got is label and score.gold is label for score in scores)
    false = sum((score.got is label) != (score.gold is label) for score in scores)
    return 2 * hits / (2 * hits + false) if hits + false else None


def answerability(scores: Sequence[Score]) -> float | None:
    """Share of questions answered where the policy answers and declared silent where it is silent."""
    return mean(score.settled for score in scores)


def not_stated_f1(scores: Sequence[Score]) -> float | None:
    """F1 of declaring a policy silent, over all kinds of questions; a missing answer is not a declaration."""
    return f1(scores, Gold.NOT_STATED)


def hit_at_1(scores: Sequence[Score]) -> float | None:
    """Share of answerable questions whose first citation hits (success at rank 1)."""
    return mean(score.hit_at_1 for score in scores if score.answerable)


def hit_at_3(scores: Sequence[Score]) -> float | None:
    """Share of answerable questions with a hit among the first three citations (success at rank 3)."""
    return mean(score.hit_at_3 for score in scores if score.answerable)


def citation_precision(scores: Sequence[Score]) -> float | None:
    """Share of hits among all citations given to answerable questions."""
    return mean(hit for score in scores if score.answerable for hit in score.hits)


def evidence_recall(scores: Sequence[Score]) -> float | None:
    """Mean over answerable questions of the share of evidence sentences at least half cited; 0 without an answer.

    Undefined where an answered question's evidence is not in its policy.
    """
    able = [score for score in scores if score.answerable]
    if any(score.recall is None and not score.missing for score in able):
        return None
    return mean(score.recall or 0 for score in able)


def citations_per_answer(scores: Sequence[Score]) -> float | None:
    """Mean number of citations of the answerable questions that got any; not a figure of merit."""
    return mean(len(score.hits) for score in scores if score.answerable and score.hits)


def mean(values: Iterable[float]) -> float | None:
    """The arithmetic mean; None of nothing."""
    listed = list(values)
    return sum(listed) / len(listed) if listed else None


def percentile(values: Sequence[float], share: float) -> float | None:
    """The nearest-rank percentile: the smallest value with at least that share of values at or below it.

    Args:
        values: in any order.
        share: in (0, 1], e.g. 0.95.
    """
    if not values:
        return None
    return sorted(values)[max(1, math.ceil(len(values) * share)) - 1]


def _label(given: Given) -> Gold:
    if given.status is not Status.ANSWERED:
        return Gold.NOT_STATED
    return Gold(given.verdict.value) if given.verdict else Gold.STATED


def _routed(proof: Proof, answer: Answer | None) -> bool:
    return answer is not None and {domain_of(policy) for policy in answer.policies} == {domain_of(proof.policy)}


def _entry(proof: Proof, answer: Answer | None) -> Given | None:
    entries = answer.entries if answer else ()
    return next((entry for entry in entries if domain_of(entry.policy_id) == domain_of(proof.policy)), None)
