"""Ranks the sentences of the routed policy: exact dense similarity fused with BM25.

One policy has a hundred sentences, not a million, so every sentence is scored exactly; no approximate index is asked,
nothing can be filtered away, and the cost does not grow with the number of policies indexed.
"""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from dataclasses import dataclass

import numpy as np

from qa.domain import Candidate, Candidates, IndexedPolicy, Route, Vectors
from qa.encoders import TextEncoder
from qa.text import content_words, plain, without_markup

# Weight of BM25, scaled to its best sentence, beside the cosine. Chosen on the train questions; see docs/models.md.
BM25_WEIGHT = 0.08
# Okapi BM25's customary constants (Robertson & Zaragoza 2009, "The Probabilistic Relevance Framework").
_K1 = 1.2
_B = 0.75
_CACHED_POLICIES = 64


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


def query_text(route: Route) -> str:
    """What is searched for: a follow-up brings the question it follows, "do you sell my data? and kids?"."""
    return " ".join([*route.context[-1:], route.query])


class Retriever:
    """Ranks the sentences of one policy; thread-safe.

    Args:
        encoder: turns the question into a vector of the same space as the policy's.
        bm25_weight: weight of BM25 beside the cosine; 0 ranks by vectors alone.
    """

    def __init__(self, encoder: TextEncoder, *, bm25_weight: float = BM25_WEIGHT) -> None:
        self._encoder = encoder
        self._bm25_weight = bm25_weight
        self._lock = threading.Lock()
        self._terms: OrderedDict[str, TermCounts] = OrderedDict()

    def vector(self, route: Route) -> Vectors:
        """The question's vector, shape (dimension,), length 1."""
        return self._encoder.encode_question(query_text(route))

    def rank(self, route: Route, source: IndexedPolicy) -> Candidates:
        """All sentences of the policy, the likeliest proof first."""
        sentences = source.sentences()
        if not sentences:
            return Candidates(route, source, ())
        cosine = source.sentence_vectors @ self.vector(route)
        bm25 = self._term_counts(source).scores(query_text(route))
        best = float(bm25.max())
        lexical = bm25 / best if best > 0 else bm25
        score = cosine + self._bm25_weight * lexical
        order = np.argsort(-score, kind="stable")
        ranked = tuple(
            Candidate(
                index=int(i),
                passage=sentences[i][0],
                sentence=sentences[i][1],
                score=float(score[i]),
                features={"cosine": float(cosine[i]), "bm25": float(lexical[i])},
            )
            for i in order
        )
        return Candidates(route, source, ranked)

    def _term_counts(self, source: IndexedPolicy) -> TermCounts:
        key = source.policy.content_hash
        with self._lock:
            known = self._terms.get(key)
            if known is not None:
                self._terms.move_to_end(key)
                return known
        text = source.policy.text
        counted = TermCounts.of([plain(without_markup(s.span.of(text))) for _, s in source.sentences()])
        with self._lock:
            self._terms[key] = counted
            while len(self._terms) > _CACHED_POLICIES:
                self._terms.popitem(last=False)
        return counted
