"""Small policies made by hand, for the tests of the stages."""

from __future__ import annotations

import datetime as dt

import numpy as np

from qa.domain import IndexedPolicy, Passage, Policy, Route, Sentence
from qa.encoders import HashingEncoder, TextEncoder


def indexed(
    *lines: str,
    domain: str = "acme.com",
    company: str = "Acme",
    archived_on: dt.date = dt.date(2011, 3, 6),
    encoder: TextEncoder | None = None,
    aliases: tuple[str, ...] = (),
    section: tuple[str, ...] = ("Your information",),
) -> IndexedPolicy:
    """A policy of one passage whose sentences are the lines."""
    encoder = encoder or HashingEncoder()
    text = "\n".join(lines)
    sentences, at = [], 0
    for line in lines:
        sentences.append(Sentence(at, at + len(line)))
        at += len(line) + 1
    policy = Policy(
        domain,
        archived_on,
        company,
        text,
        aliases or (company.lower(), domain),
        url=f"https://archive.example/{domain}",
    )
    passages = (Passage(0, 0, len(text), section, tuple(sentences)),) if lines else ()
    return IndexedPolicy(
        policy,
        passages,
        encoder.encode_texts([text] if lines else []),
        encoder.encode_texts(lines) if lines else np.empty((0, encoder.dimension), dtype=np.float32),
    )


def route_to(source: IndexedPolicy, query: str, *context: str) -> Route:
    """A route to one policy."""
    return Route((source.policy.id,), query, context=context)
