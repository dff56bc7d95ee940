"""Ranks the sentences of the routed policy: exact dense similarity, BM25 and what the words speak of, in one sum.

One policy has a hundred sentences, not a million, so every sentence is scored exactly; no approximate index is asked,
nothing can be filtered away, and the cost does not grow with the number of policies indexed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from qa.cues import tidied
from qa.domain import Candidate, Candidates, IndexedPolicy, Route, Vectors
from qa.encoders import TextEncoder
from qa.remembering import Remembered
from qa.text import content_words, plain, without_markup
from qa.wording import practices

WEIGHTS: Mapping[str, float] = MappingProxyType(
    {
        "cosine": 1.0,  # of question and sentence
        "bm25": 0.04,  # of question and sentence, the policy's best being 1
        "passage": 0.4,  # cosine of question and the sentence's passage: what "it is never stored" is about
        "practice": 0.06,  # share of the practices asked about that the sentence speaks of
        "aggregate": -0.1,  # statistics are nobody's data, unless they are asked about
    }
)
"""What a sentence's score is the weighted sum of; docs/models.md has the effect of each."""

# Okapi BM25's customary constants (Robertson & Zaragoza 2009, "The Probabilistic Relevance Framework").
_K1 = 1.2
_B = 0.75


@dataclass(frozen=True, slots=True, eq=False)
class TermCounts:
    """What BM25 needs to know of one policy's sentences.

    Attributes:
        counts: for each sentence, how often each term occurs in it.
        lengths: float32, shape (sentences,), the number of terms.
        holding: in how many sentences a term occurs.
    """

    counts: tuple[Counter[str], ...]
    lengths: Vectors
    holding: Counter[str]

    @classmethod
    def of(cls, texts: list[str]) -> TermCounts:
        """Counts the terms of each text."""
        counts = tuple(Counter(content_words(text)) for text in texts)
        holding: Counter[str] = Counter()
        for count in counts:
            holding.update(count.keys())
        return cls(counts, np.array([sum(count.values()) for count in counts], dtype=np.float32), holding)

    def scores(self, query: str) -> Vectors:
        """BM25 of the query against each text; shape (texts,), at least 0."""
        n = len(self.counts)
        scores = np.zeros(n, dtype=np.float32)
        if not n:
            return scores
        norm = _K1 * (1 - _B + _B * self.lengths / max(1.0, float(self.lengths.mean())))
        for term in set(content_words(query)):
            holding = self.holding.get(term, 0)
            if holding:
                idf = np.log(1 + (n - holding + 0.5) / (holding + 0.5))
                tf = np.array([count.get(term, 0) for count in self.counts], dtype=np.float32)
                scores += idf * tf * (_K1 + 1) / (tf + norm)
        return scores


_AGGREGATE = re.compile(r"aggregat|anonym|non-?person|not (?:personally )?identif|statistic|demographic", re.I)


def _shares(asked: frozenset[str], spoken: Sequence[frozenset[str]]) -> Vectors:
    """For each sentence, the share of the practices asked about that it speaks of; shape (sentences,)."""
    return np.array([len(asked & of) / max(1, len(asked)) for of in spoken], dtype=np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class _Lexical:
    """What the words of one policy's sentences say, whatever is asked; arrays have shape (sentences,)."""

    terms: TermCounts
    practices: tuple[frozenset[str], ...]
    aggregate: Vectors
    asks: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, source: IndexedPolicy) -> _Lexical:
        text = source.policy.text
        words = [plain(without_markup(sentence.span.of(text))) for _, sentence in source.sentences()]
        return cls(
            terms=TermCounts.of(words),
            practices=tuple(map(practices, words)),
            aggregate=np.array([bool(_AGGREGATE.search(each)) for each in words], dtype=np.float32),
            asks=np.array([each.rstrip(" *_").endswith("?") for each in words], dtype=bool),
        )


def query_text(route: Route) -> str:
    """What is searched for: a follow-up brings the question it follows, "do you sell my data? and kids?"."""
    return " ".join([*route.context[-1:], tidied(route.query)])


class Retriever:
    """Ranks the sentences of one policy; thread-safe.

    Args:
        encoder: turns the question into a vector of the same space as the policy's.
        weights: of the parts of the score.
    """

    def __init__(self, encoder: TextEncoder, *, weights: Mapping[str, float] = WEIGHTS) -> None:
        self._encoder = encoder
        self._weights = weights
        self._lexical = Remembered(_Lexical.of)

    def vector(self, route: Route) -> Vectors:
        """The question's vector, shape (dimension,), length 1."""
        return self._encoder.encode_question(query_text(route))

    def rank(self, route: Route, source: IndexedPolicy) -> Candidates:
        """All sentences of the policy, the likeliest proof first; questions behind the statements."""
        sentences = source.sentences()
        if not sentences:
            return Candidates(route, source, ())
        lexical = self._lexical.of(source)
        asked = query_text(route)
        vector = self.vector(route)
        bm25 = lexical.terms.scores(asked)
        of_passage = np.array([passage.n for passage, _ in sentences])
        parts = {
            "cosine": source.sentence_vectors @ vector,
            "bm25": bm25 / best if (best := float(bm25.max())) > 0 else bm25,
            "passage": (source.passage_vectors @ vector)[of_passage],
            "practice": _shares(practices(asked), lexical.practices),
            "aggregate": lexical.aggregate * (not _AGGREGATE.search(asked)),
        }
        score = np.sum([self._weights.get(name, 0.0) * part for name, part in parts.items()], axis=0)
        # A question in a policy is a heading of its answer and proves nothing: it ranks behind every statement.
        order = np.lexsort((-score, lexical.asks))
        ranked = tuple(
            Candidate(
                index=int(i),
                passage=sentences[i][0],
                sentence=sentences[i][1],
                score=float(score[i]),
                features={name: float(part[i]) for name, part in parts.items()},
            )
            for i in order
        )
        return Candidates(route, source, ranked)
