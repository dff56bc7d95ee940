"""Made-up policies with vectors, for the tests of what stores them."""

from __future__ import annotations

import datetime as dt

from qa.domain import IndexedPolicy, Passage, Policy, Sentence, Span
from qa.encoders import HashingEncoder
from qa.library import Manifest

ENCODER = HashingEncoder(512)
MANIFEST = Manifest(ENCODER.name, ENCODER.fingerprint, ENCODER.dimension, "sentences")
DATE = dt.date(2020, 1, 31)


def made_up(domain: str, *sentences: str, date: dt.date = DATE, company: str = "Made Up") -> IndexedPolicy:
    """A policy with one passage a sentence; every sentence but the first is led in by the first."""
    text = " ".join(sentences)
    passages: list[Passage] = []
    at = 0
    for n, sentence in enumerate(sentences):
        lead_in = Span(0, len(sentences[0])) if n else None
        spans = (Sentence(at, at + len(sentence), lead_in),)
        passages.append(Passage(n, at, at + len(sentence), ("Privacy", f"Part {n}"), spans))
        at += len(sentence) + 1
    policy = Policy(
        domain=domain,
        archived_on=date,
        company=company,
        text=text,
        aliases=(domain, company.lower()),
        url=f"https://web.archive.org/web/2020/{domain}",
        provenance={"domain": "header"},
        warnings=("the text is cut off",),
    )
    vectors = ENCODER.encode_texts(sentences)
    return IndexedPolicy(policy, tuple(passages), vectors, vectors)
