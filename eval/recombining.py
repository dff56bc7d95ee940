"""Any number of policies, made of the passages of real ones, to measure how cost grows with how many there are.

Each takes the length of a real policy and as many passages, drawn from all of them, under a name that nobody has.
Texts, sentences and vectors are the real ones: a sentence's vector depends on its heading and its words alone; a
passage's was made under the name of the company that it comes from.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

import qa
from qa.domain import IndexedPolicy, Passage, Policy, Sentence, Span, Vectors

__all__ = ["Name", "Source", "made_names", "recombined", "source_of"]

_ONSETS: Final = "b br c ch d dr f fl g gl h j k l m n p qu r s sl st t tr v w z".split()
_VOWELS: Final = "a e i o u ai ea io oo".split()
_CODAS: Final = "l n r s t x m nd rt ll ck".split()
_TRADES: Final = (
    "Foods Media Travel Health Labs Market Games Sports Bank Insurance Books Music Motors Hotels Garden Toys Energy"
    " Jewelry Optics Tickets Pharmacy Outfitters Software Mobile Studios Auctions Coffee Shoes Flowers Academy"
).split()
_ENDINGS: Final = ("com", "com", "com", "com", "net", "org", "io", "co.uk")
_GAP: Final = "\n\n"
_FIRST_DAY: Final = dt.date(1998, 1, 1)
_DAYS: Final = 8_000


@dataclass(frozen=True, slots=True)
class _Piece:
    """A passage cut out: its text, and offsets within that."""

    text: str
    section: tuple[str, ...]
    sentences: tuple[Sentence, ...]
    vector: Vectors
    sentence_vectors: Vectors


@dataclass(frozen=True, slots=True)
class Source:
    """What policies are made of.

    Attributes:
        lengths: how many passages each real policy has.
    """

    pieces: tuple[_Piece, ...]
    lengths: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Name:
    """A company that there is not, and its site."""

    company: str
    domain: str


def source_of(policies: Sequence[IndexedPolicy]) -> Source:
    """The passages of real policies."""
    pieces = tuple(piece for policy in policies for piece in _pieces(policy))
    return Source(pieces, tuple(len(policy.passages) for policy in policies))


def made_names(count: int, seed: int = 0) -> list[Name]:
    """Different names, as the web has them: coined words, with or without a trade, and pairs of common words."""
    rng = random.Random(seed)  # noqa: S311 - nothing is kept secret
    words = (Path(qa.__file__).parent / "common_words.txt").read_text(encoding="utf-8").split()
    common = [word for word in words if 4 <= len(word) <= 9 and word.isascii() and word.isalpha()]
    found: dict[str, Name] = {}
    while len(found) < count:
        kind = rng.random()
        if kind < 1 / 3:
            company = f"{rng.choice(common)} {rng.choice(common)}".title()
        else:
            coined = "".join(rng.choice(_ONSETS) + rng.choice(_VOWELS) for _ in range(rng.choice((1, 2, 2, 3))))
            company = (coined + rng.choice(_CODAS)).capitalize()
            if kind < 2 / 3:
                company += f" {rng.choice(_TRADES)}"
        label = company.lower().replace(" ", "")
        found.setdefault(label, Name(company, f"{label}.{rng.choice(_ENDINGS)}"))
    return list(found.values())


def recombined(source: Source, names: Sequence[Name], seed: int = 0) -> Iterator[IndexedPolicy]:
    """A policy for each name; the same ones for the same arguments."""
    rng = random.Random(seed)  # noqa: S311
    for name in names:
        pieces = [rng.choice(source.pieces) for _ in range(rng.choice(source.lengths))]
        yield _together(pieces, name, _FIRST_DAY + dt.timedelta(days=rng.randrange(_DAYS)))


def _pieces(indexed: IndexedPolicy) -> Iterator[_Piece]:
    row = 0
    for passage, vector in zip(indexed.passages, indexed.passage_vectors, strict=True):
        count = len(passage.sentences)
        yield _Piece(
            text=indexed.policy.text[passage.start : passage.end],
            section=passage.section,
            sentences=tuple(_moved(_without_outer_lead(s, passage), -passage.start) for s in passage.sentences),
            vector=vector,
            sentence_vectors=indexed.sentence_vectors[row : row + count],
        )
        row += count


def _without_outer_lead(sentence: Sentence, passage: Passage) -> Sentence:
    """A sentence without what leads it in, where that stands in another passage and does not come along."""
    lead = sentence.lead_in
    inside = lead is not None and passage.start <= lead.start and lead.end <= passage.end
    return sentence if inside else replace(sentence, lead_in=None)


def _moved(sentence: Sentence, by: int) -> Sentence:
    lead = sentence.lead_in
    return Sentence(sentence.start + by, sentence.end + by, Span(lead.start + by, lead.end + by) if lead else None)


def _together(pieces: Sequence[_Piece], name: Name, day: dt.date) -> IndexedPolicy:
    at = 0
    passages: list[Passage] = []
    for n, piece in enumerate(pieces):
        sentences = tuple(_moved(sentence, at) for sentence in piece.sentences)
        passages.append(Passage(n, at, at + len(piece.text), piece.section, sentences))
        at += len(piece.text) + len(_GAP)
    label = name.domain.partition(".")[0]
    return IndexedPolicy(
        policy=Policy(
            domain=name.domain,
            archived_on=day,
            company=name.company,
            text=_GAP.join(piece.text for piece in pieces),
            aliases=tuple(dict.fromkeys((name.company.casefold(), label))),
        ),
        passages=tuple(passages),
        passage_vectors=np.stack([piece.vector for piece in pieces]),
        sentence_vectors=np.concatenate([piece.sentence_vectors for piece in pieces]),
    )
