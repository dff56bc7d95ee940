"""Cases as a report shows them: what was asked, what is right, what was said by whom, and the policy around it.

Everything here is data in words; the page's template escapes it. What is long is cut, and it is said by how much.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from eval.cases import Case, Gold, Proof
from eval.metrics import Score, domain_of
from eval.report.highlighting import Excerpt, Layout, Marker, excerpt
from eval.report.mistakes import Mistake, mistake_of
from eval.running import Row, State
from qa.changing import Edit, word_edits
from qa.domain import Answer, Citation

__all__ = ["CaseView", "Cited", "EntryView", "Given", "Source", "expected", "said", "shortened", "view"]

_LONGEST_TEXT = 4_000
_LONGEST_QUOTE = 1_500
_LONGEST_DIFFERENCE = 3_000
"""Characters of two answers that are compared word by word; longer ones are shown without their differences."""
_MOST_CITATIONS = 12
_MOST_EARLIER = 12
_MOST_EXCERPTS = 5


@dataclass(frozen=True, slots=True)
class Source:
    """Whose answers are shown under which name.

    Attributes:
        name: e.g. "now", "before", or an engine's; empty where there is only one.
        rows: by case.
    """

    name: str
    rows: Mapping[str, Row]


@dataclass(frozen=True, slots=True)
class Cited:
    """A citation with what became of it.

    Attributes:
        hit: whether it proves the answer; None where that is not scored.
        url: of the web (http, https), or empty.
    """

    n: int
    quote: str
    where: str
    hit: bool | None
    url: str


@dataclass(frozen=True, slots=True)
class EntryView:
    """One policy's part of an answer about all policies."""

    policy: str
    expected: str
    said: str
    right: bool


@dataclass(frozen=True, slots=True)
class Given:
    """What one source made of a case.

    Attributes:
        outcome: "right", "wrong", "error", "unscored" or "absent".
        text: in stretches that differ from the answer beside it or not.
        note: why there is no answer, or empty.
        confidence: None without an answer.
    """

    name: str
    outcome: str
    said: str
    text: tuple[Edit, ...] = ()
    cited: tuple[Cited, ...] = ()
    entries: tuple[EntryView, ...] = ()
    note: str = ""
    confidence: float | None = None
    elapsed_ms: float = 0.0
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CaseView:
    """A case as it is shown.

    Attributes:
        mistake: None where the first source is right.
        excerpts: of the policies; none where the run kept no texts.
    """

    id: str
    question: str
    history: tuple[str, ...]
    policy: str
    style: str
    topic: str
    expected: str
    reference: str
    evidence: tuple[str, ...]
    also_ok: tuple[str, ...]
    mistake: Mistake | None
    givens: tuple[Given, ...]
    excerpts: tuple[Excerpt, ...] = ()


def view(case_id: str, sources: Sequence[Source], layouts: Mapping[str, Layout]) -> CaseView:
    """One case with what every source made of it.

    Args:
        case_id: at least the first source has it.
        sources: whose answers stand side by side, the one that is reported on first.
        layouts: policies by file stem.
    """
    rows = [source.rows.get(case_id) for source in sources]
    first = rows[0]
    assert first is not None, "the case is one of the run that is reported on"
    case = first.case
    proof = case.proof
    return CaseView(
        id=case.id,
        question=shortened(case.question, _LONGEST_QUOTE),
        history=tuple(shortened(earlier, _LONGEST_QUOTE) for earlier in case.history[-_MOST_EARLIER:]),
        policy=proof.policy if proof else "",
        style=case.style,
        topic=case.topic,
        expected=expected(first),
        reference=shortened(case.answer, _LONGEST_TEXT),
        evidence=tuple(shortened(quote, _LONGEST_QUOTE) for quote in proof.evidence) if proof else (),
        also_ok=tuple(shortened(quote, _LONGEST_QUOTE) for quote in proof.also_ok) if proof else (),
        mistake=None if first.right or first.state is State.UNSCORED else mistake_of(first.marks),
        givens=_with_differences([_given(source.name, row) for source, row in zip(sources, rows, strict=True)]),
        excerpts=_excerpts(case, sources, rows, layouts),
    )


def expected(row: Row) -> str:
    """What a right answer says, in words."""
    case = row.case
    if case.proof:
        return _in_words(case.proof.verdict)
    if row.marks and row.marks.score:  # of a run that did not keep its cases
        return _in_words(row.marks.score.gold)
    if case.statuses:
        return " or ".join(status.value.replace("_", " ") for status in case.statuses)
    return "an answer for each policy" if case.entries else "not known"


def said(row: Row) -> str:
    """What came back, in words."""
    if row.answer is None:
        return "no answer"
    answer = row.answer
    if answer.entries and answer.verdict is None:
        return f"an answer for each of {len(answer.entries)} policies"
    if answer.status.value != "answered":
        return answer.status.value.replace("_", " ")
    return answer.verdict.value if answer.verdict else "stated"


def shortened(text: str, longest: int) -> str:
    """A text of at most so many characters, and how many more there are."""
    return text if len(text) <= longest else f"{text[:longest]} … ({len(text) - longest:,} characters more)"


def _in_words(gold: Gold) -> str:
    return gold.value.replace("_", " ")


def _given(name: str, row: Row | None) -> Given:
    if row is None:
        return Given(name, "absent", "not asked, or not kept")
    outcome = row.state.value if row.state is not State.SCORED else "right" if row.right else "wrong"
    answer = row.answer
    if answer is None:
        note = shortened(row.note, _LONGEST_QUOTE)
        return Given(name, outcome, said(row), note=note, elapsed_ms=row.elapsed_ms)
    hits = row.marks.score.hits if row.marks and row.marks.score else ()
    shown = answer.citations[:_MOST_CITATIONS]
    return Given(
        name=name,
        outcome=outcome,
        said=said(row),
        text=(Edit(shortened(answer.text, _LONGEST_TEXT), changed=False),),
        cited=tuple(_cited(citation, hits[at] if at < len(hits) else None) for at, citation in enumerate(shown)),
        entries=_entries(row),
        note=_left_out(answer),
        confidence=answer.confidence,
        elapsed_ms=row.elapsed_ms,
        warnings=tuple(shortened(warning, 300) for warning in answer.warnings[:5]),
    )


def _left_out(answer: Answer) -> str:
    more = len(answer.citations) - _MOST_CITATIONS
    return f"{more} more citations are in rows.jsonl." if more > 0 else ""


def _cited(citation: Citation, hit: bool | None) -> Cited:
    url = citation.url or ""
    where = f"{citation.policy_id}, “{citation.section}”" if citation.section else citation.policy_id
    return Cited(
        n=citation.n,
        quote=shortened(citation.quote, _LONGEST_QUOTE),
        where=shortened(where, 300),
        hit=hit,
        url=url if url.lower().startswith(("https://", "http://")) and len(url) < 4_000 else "",
    )


def _entries(row: Row) -> tuple[EntryView, ...]:
    if row.marks is None or row.answer is None:
        return ()
    scored: Iterable[tuple[Proof, Score]] = zip(row.case.entries, row.marks.entries, strict=False)
    return tuple(
        EntryView(
            policy=proof.policy,
            expected=_in_words(proof.verdict),
            said=_in_words(score.got) if score.got else "no entry",
            right=score.right_and_proven,
        )
        for proof, score in scored
    )


def _with_differences(givens: Sequence[Given]) -> tuple[Given, ...]:
    """Of exactly two answers, the words that the other one does not have."""
    if len(givens) != 2 or not all(given.text for given in givens):
        return tuple(givens)
    texts = ["".join(edit.text for edit in given.text) for given in givens]
    if texts[0] == texts[1] or max(map(len, texts)) > _LONGEST_DIFFERENCE:
        return tuple(givens)
    edits = word_edits(*texts)
    return tuple(replace(given, text=edit) for given, edit in zip(givens, edits, strict=True))


def _excerpts(
    case: Case, sources: Sequence[Source], rows: Sequence[Row | None], layouts: Mapping[str, Layout]
) -> tuple[Excerpt, ...]:
    """Of each policy that something is known or said about: what proves it, and what was cited, in one text."""
    by_policy: dict[str, list[Marker]] = {}
    for proof in case.proofs:
        markers = by_policy.setdefault(proof.policy, [])
        markers += [Marker(quote, "gold", "proof") for quote in proof.evidence]
        markers += [Marker(quote, "also", "also right") for quote in proof.also_ok]
    stems = {domain_of(proof.policy): proof.policy for proof in case.proofs}
    for source, row in zip(sources, rows, strict=True):
        for citation in row.answer.citations[:_MOST_CITATIONS] if row and row.answer else ():
            stem = citation.policy_id.replace("@", "__")
            stem = stem if stem in layouts else stems.get(domain_of(stem), stem)
            tag = f"{source.name} [{citation.n}]".strip()
            by_policy.setdefault(stem, []).append(Marker(citation.quote, "cited", tag))
    shown = [(policy, markers) for policy, markers in by_policy.items() if policy in layouts and markers]
    return tuple(excerpt(policy, layouts[policy], markers) for policy, markers in shown[:_MOST_EXCERPTS])
