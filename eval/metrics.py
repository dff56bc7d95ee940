"""The figures, as pure functions of answers and annotated cases.

A quote is compared with a policy after every run of white space became one blank. A figure that has nothing to be
computed from is None, never 0; counts are always defined.

Every share is one function of the marks of a case, which says what that case adds to one ratio of sums, or to several
whose mean is the figure. So a figure of any set of cases, and of thousands of samples of it, follows from sums.

A citation *hits* when at least half of its characters lie in annotated evidence or in what is also acceptable. A case
without an answer (an error) counts as wrong in every figure that it belongs to. An answer with another status than
``answered`` counts as "the policy does not say".
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
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
        char_precision: share of the cited characters, each counted once, that lie in evidence or in what is also
            acceptable; None where the policy is silent or nothing is cited.
        char_recall: share of the characters of the evidence that are cited; None as ``recall`` is.
    """

    kind: Kind
    gold: Gold
    got: Gold | None
    hits: tuple[bool, ...] = ()
    recall: float | None = None
    invalid: int = 0
    wrong: int = 0
    char_precision: float | None = None
    char_recall: float | None = None

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
    def reciprocal_rank(self) -> float:
        """1 / the rank of the first citation that hits; 0 without a hit."""
        return next((1 / rank for rank, hit in enumerate(self.hits, start=1) if hit), 0.0)

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

    @property
    def wrong_company(self) -> bool:
        """Whether a policy is cited that was not asked about."""
        return bool(self.strays) or any(score.wrong for score in ((self.score,) if self.score else self.entries))


@dataclass(frozen=True, slots=True)
class Figures:
    """What a set of cases comes to; shares in [0, 1], None where undefined; see the functions of the same names.

    ``right``, ``wrong_company_rate`` and the counts ``n``, ``missing``, ``invalid_quotes`` and ``wrong_policy`` are
    over all cases. Those added since fineprint 0.1 are at the end, and None in summaries that are older.
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
    right: float | None = None
    not_stated_precision: float | None = None
    not_stated_recall: float | None = None
    char_precision: float | None = None
    char_recall: float | None = None
    mrr: float | None = None
    wrong_company_rate: float | None = None


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


def characters(spans: Iterable[Span]) -> int:
    """How many characters lie in any of the spans, each counted once."""
    return sum(span.end - span.start for span in _joined(spans))


def common(spans: Iterable[Span], others: Iterable[Span]) -> int:
    """How many characters lie both in any of the spans and in any of the others."""
    theirs = _joined(others)
    return sum(
        max(0, min(span.end, other.end) - max(span.start, other.start)) for span in _joined(spans) for other in theirs
    )


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
    invalid = wrong = unfound_chars = 0
    for citation in given.citations:
        own = domain_of(citation.policy_id) == domain
        found = find_spans(text, [citation.quote]) if own else []
        wrong += not own
        invalid += own and not found
        unfound_chars += 0 if found else len(flat(citation.quote))
        mine += found
        hits.append(bool(found) and covered(found[0], gold) >= _COVERED)
    recall = char_precision = char_recall = None
    if not proof.silent:
        evidence = find_spans(text, proof.evidence)
        recall = mean(covered(span, mine) >= _COVERED for span in evidence)
        cited_chars = characters(mine) + unfound_chars
        char_precision = common(mine, gold) / cited_chars if cited_chars else None
        char_recall = common(mine, evidence) / characters(evidence) if evidence else None
    return Score(
        proof.kind, proof.verdict, _label(given), tuple(hits), recall, invalid, wrong, char_precision, char_recall
    )


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

    def share(measure: Measure) -> float | None:
        return value_of([measure(each) for each in marks])

    scored = [item for each in marks for item in ((each.score, *each.entries) if each.score else each.entries)]
    return Figures(
        n=len(marks),
        missing=sum(each.missing for each in marks),
        right_and_proven=share(right_and_proven),
        verdict_accuracy=share(verdict_accuracy),
        verdict_macro_f1=share(verdict_macro_f1),
        answerability=share(answerability),
        not_stated_f1=share(not_stated_f1),
        hit_at_1=share(hit_at_1),
        hit_at_3=share(hit_at_3),
        citation_precision=share(citation_precision),
        evidence_recall=share(evidence_recall),
        citations_per_answer=share(citations_per_answer),
        invalid_quotes=sum(item.invalid for item in scored),
        wrong_policy=sum(item.wrong for item in scored) + sum(each.strays for each in marks),
        status_accuracy=share(status_accuracy),
        routing_accuracy=share(routing_accuracy),
        entries_right=share(entries_right),
        right=share(right),
        not_stated_precision=share(not_stated_precision),
        not_stated_recall=share(not_stated_recall),
        char_precision=share(char_precision),
        char_recall=share(char_recall),
        mrr=share(mrr),
        wrong_company_rate=share(wrong_company_rate),
    )


# --- what a case adds to each figure ----------------------------------------------------------------------------------

Ratio = tuple[float, float]
"""A numerator and a denominator to be summed up over cases; not a number (nan) makes the figure undefined."""

Measure = Callable[[Marks], Sequence[Ratio]]
"""What a case adds to a figure: to each of its ratios, as many for every case."""


def value_of(parts: Sequence[Sequence[Ratio]]) -> float | None:
    """The figure that some cases make: the mean of its ratios; None as soon as one of them is undefined."""
    values = []
    for ratio in zip(*parts, strict=True):
        numerator, denominator = sum(part[0] for part in ratio), sum(part[1] for part in ratio)
        if not denominator or math.isnan(numerator):
            return None
        values.append(numerator / denominator)
    return mean(values)


def right(marks: Marks) -> Sequence[Ratio]:
    """Share of all cases that are right in everything that they ask for."""
    return _values([marks.right])


def right_and_proven(marks: Marks) -> Sequence[Ratio]:
    """Share of answers that are right and, where the policy answers, whose first citation hits."""
    return _values(score.right_and_proven for score in _scores(marks))


def verdict_accuracy(marks: Marks) -> Sequence[Ratio]:
    """Share of yes/no questions with exactly the right one of yes, no, conditional, not_stated."""
    return _values(score.got is score.gold for score in _yes_no(marks))


def verdict_macro_f1(marks: Marks) -> Sequence[Ratio]:
    """Mean F1 of the four labels of yes/no questions; undefined as soon as one of them is.

    Source: macro-averaged F1 as the mean of per-label F1 (Opitz and Burst, "Macro F1 and Macro F1", 2019).
    """
    return [_f1(_yes_no(marks), label) for label in _YES_NO_LABELS]


def answerability(marks: Marks) -> Sequence[Ratio]:
    """Share of questions answered where the policy answers and declared silent where it is silent."""
    return _values(score.settled for score in _scores(marks))


def not_stated_f1(marks: Marks) -> Sequence[Ratio]:
    """F1 of declaring a policy silent, over all kinds of questions; a missing answer is not a declaration."""
    return [_f1(_scores(marks), Gold.NOT_STATED)]


def not_stated_precision(marks: Marks) -> Sequence[Ratio]:
    """Share of the declarations that a policy is silent which are true: precision of abstaining."""
    return _values(not score.answerable for score in _scores(marks) if score.silent)


def not_stated_recall(marks: Marks) -> Sequence[Ratio]:
    """Share of the questions that a policy is silent on which are declared so: recall of abstaining."""
    return _values(score.silent for score in _scores(marks) if not score.answerable)


def hit_at_1(marks: Marks) -> Sequence[Ratio]:
    """Share of answerable questions whose first citation hits (success at rank 1)."""
    return _values(score.hit_at_1 for score in _answerable(marks))


def hit_at_3(marks: Marks) -> Sequence[Ratio]:
    """Share of answerable questions with a hit among the first three citations (success at rank 3)."""
    return _values(score.hit_at_3 for score in _answerable(marks))


def mrr(marks: Marks) -> Sequence[Ratio]:
    """Mean over answerable questions of 1 / the rank of the first citation that hits; 0 without one.

    The ranking is the answer's citations, which are few; this is no figure of a search engine's list of a thousand.
    Source: Voorhees, "The TREC-8 Question Answering Track Report", 1999.
    """
    return _values(score.reciprocal_rank for score in _answerable(marks))


def citation_precision(marks: Marks) -> Sequence[Ratio]:
    """Share of hits among all citations given to answerable questions."""
    return _values(hit for score in _answerable(marks) for hit in score.hits)


def evidence_recall(marks: Marks) -> Sequence[Ratio]:
    """Mean over answerable questions of the share of evidence sentences at least half cited; 0 without an answer.

    Undefined where an answered question's evidence is not in its policy.
    """
    return _values(_recalled(score, score.recall) for score in _answerable(marks))


def char_precision(marks: Marks) -> Sequence[Ratio]:
    """Mean over answerable questions with a citation of the share of cited characters that are evidence or acceptable.

    Characters cited twice count once. A quote that is not in the policy asked about counts with all its characters.
    Source: precision by character as in Pipitone and Houir Alami, "LegalBench-RAG", 2024.
    """
    return _values(score.char_precision for score in _answerable(marks) if score.char_precision is not None)


def char_recall(marks: Marks) -> Sequence[Ratio]:
    """Mean over answerable questions of the share of the evidence's characters that are cited; 0 without an answer.

    Undefined where ``evidence_recall`` is. Source: as ``char_precision``.
    """
    return _values(_recalled(score, score.char_recall) for score in _answerable(marks))


def citations_per_answer(marks: Marks) -> Sequence[Ratio]:
    """Mean number of citations of the answerable questions that got any; not a figure of merit."""
    return _values(len(score.hits) for score in _answerable(marks) if score.hits)


def status_accuracy(marks: Marks) -> Sequence[Ratio]:
    """Share of questions to be turned away or asked back whose status is one of those expected."""
    return _values(() if marks.status is None else [marks.status])


def routing_accuracy(marks: Marks) -> Sequence[Ratio]:
    """Share of questions asked without saying which policy that were answered from the right site and no other."""
    return _values(() if marks.routed is None else [marks.routed])


def entries_right(marks: Marks) -> Sequence[Ratio]:
    """Share of the policies of a question about all of them whose entry is right and proven."""
    return _values(entry.right_and_proven for entry in marks.entries)


def wrong_company_rate(marks: Marks) -> Sequence[Ratio]:
    """Share of all cases whose answer cites a site that was not asked about; lower is better."""
    return _values([marks.wrong_company])


MEASURES: Mapping[str, Measure] = {
    measure.__name__: measure
    for measure in (
        right, right_and_proven, verdict_accuracy, verdict_macro_f1, answerability, not_stated_f1, not_stated_precision,
        not_stated_recall, hit_at_1, hit_at_3, mrr, citation_precision, evidence_recall, char_precision, char_recall,
        status_accuracy, routing_accuracy, entries_right, wrong_company_rate,
    )
}  # fmt: skip
"""Every figure of merit that is a share, by its name in ``Figures``."""

LOWER_IS_BETTER = frozenset({"wrong_company_rate"})


def _values(values: Iterable[float]) -> Sequence[Ratio]:
    """What values add to their mean over all cases."""
    listed = list(values)
    return [(sum(listed), len(listed))]


def _f1(scores: Sequence[Score], label: Gold) -> Ratio:
    """What scores add to the F1 of a label, 2 TP / (2 TP + FP + FN).

    Source: van Rijsbergen, "Information Retrieval", 2nd edition 1979, chapter 7 (1 - E with equal weights).
    """
    hits = sum(score.got is label and score.gold is label for score in scores)
    false = sum((score.got is label) != (score.gold is label) for score in scores)
    return 2 * hits, 2 * hits + false


def _recalled(score: Score, recall: float | None) -> float:
    return (0.0 if score.missing else math.nan) if recall is None else recall


def _scores(marks: Marks) -> Sequence[Score]:
    return [marks.score] if marks.score else []


def _yes_no(marks: Marks) -> Sequence[Score]:
    return [score for score in _scores(marks) if score.kind is Kind.YES_NO]


def _answerable(marks: Marks) -> Sequence[Score]:
    return [score for score in _scores(marks) if score.answerable]


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


def _joined(spans: Iterable[Span]) -> list[Span]:
    """The spans in order, those that touch or overlap made one, empty ones left out."""
    joined: list[Span] = []
    for span in sorted(spans, key=lambda span: span.start):
        if span.start >= span.end:
            continue
        if joined and span.start <= joined[-1].end:
            joined[-1] = Span(joined[-1].start, max(joined[-1].end, span.end))
        else:
            joined.append(span)
    return joined


def _label(given: Given) -> Gold:
    if given.status is not Status.ANSWERED:
        return Gold.NOT_STATED
    return Gold(given.verdict.value) if given.verdict else Gold.STATED


def _routed(proof: Proof, answer: Answer | None) -> bool:
    return answer is not None and {domain_of(policy) for policy in answer.policies} == {domain_of(proof.policy)}


def _entry(proof: Proof, answer: Answer | None) -> Given | None:
    entries = answer.entries if answer else ()
    return next((entry for entry in entries if domain_of(entry.policy_id) == domain_of(proof.policy)), None)
