"""Small made-up cases and answers for the tests of eval."""

from __future__ import annotations

import datetime as dt

from eval.cases import Case, Gold, Kind, Proof
from eval.running import Parameters
from qa.domain import Answer, Citation, Entry, Status, Verdict

STEM = "shop.example__2020-01-02"
ID = "shop.example@2020-01-02"
OTHER_STEM = "mall.example__2021-03-04"
OTHER_ID = "mall.example@2021-03-04"
SELL = "We never sell your data."
COOKIES = "We use cookies to remember your cart."
LAW = "We disclose data when the law requires it."
TEXT = f"# Privacy\n\n{SELL}\n{COOKIES}\n\n{LAW}\n"
OTHER_TEXT = "# Privacy\n\nWe sell your data to anyone.\n"
TEXTS = {STEM: TEXT, OTHER_STEM: OTHER_TEXT}

PARAMETERS = Parameters(
    fineprint="0", python="3", platform="Test", cases="made-up.jsonl", policies=2, data_sha256="d", encoder="hash",
    fingerprint="f", dimension=8, chunker="c", distance="cosine", started_at="2020-01-01T00:00:00+00:00",
)  # fmt: skip


def proof(verdict: str, *evidence: str, also: tuple[str, ...] = (), kind: str = "yes_no", policy: str = STEM) -> Proof:
    return Proof(policy, Kind(kind), Gold(verdict), evidence, also)


def case(
    name: str,
    verdict: str,
    *evidence: str,
    also: tuple[str, ...] = (),
    kind: str = "yes_no",
    style: str = "natural",
    scoped: bool = True,
) -> Case:
    gold = proof(verdict, *evidence, also=also, kind=kind)
    return Case(name, f"question {name}?", gold.kind, style=style, scoped=scoped, proof=gold)


def citation(quote: str, policy_id: str = ID, n: int = 1) -> Citation:
    domain = policy_id.partition("@")[0]
    return Citation(n, policy_id, domain, domain, dt.date(2020, 1, 2), "", quote, 0, len(quote), None)


def answer(verdict: str | None, *quotes: str, status: str = "answered", policy_id: str = ID) -> Answer:
    return Answer(
        question="q",
        status=Status(status),
        text="t",
        verdict=Verdict(verdict) if verdict else None,
        citations=tuple(citation(quote, policy_id, n) for n, quote in enumerate(quotes, start=1)),
        policies=(policy_id,) if status in {"answered", "not_stated"} else (),
    )


def entry(policy_id: str, verdict: str | None, *quotes: str, status: str = "answered") -> Entry:
    given = answer(verdict, *quotes, status=status, policy_id=policy_id)
    domain = policy_id.partition("@")[0]
    return Entry(policy_id, domain, domain, dt.date(2020, 1, 2), given.status, given.verdict, "t", given.citations, 1.0)


def ideal(case: Case) -> Answer:
    """What a perfect system would answer."""
    if case.entries:
        entries = tuple(_ideal_entry(each) for each in case.entries)
        return Answer(question=case.question, status=Status.ANSWERED, text="t", entries=entries)
    if case.proof is None:
        return Answer(question=case.question, status=case.statuses[0], text="t")
    given = _ideal_entry(case.proof)
    return Answer(
        question=case.question,
        status=given.status,
        text="t",
        verdict=given.verdict,
        citations=given.citations,
        policies=(given.policy_id,),
    )


def _ideal_entry(proof: Proof) -> Entry:
    verdict = proof.verdict.value if proof.verdict.value in set(Verdict) else None
    status = "not_stated" if proof.silent else "answered"
    return entry(proof.policy.replace("__", "@"), verdict, *proof.evidence, status=status)
