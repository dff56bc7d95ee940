"""Asks about texts that are in no index: the same stages, with the policies in memory.

A benchmark's texts are sentences and paragraphs that somebody has cut out already, and its offsets are in those texts,
so they are not parsed or screened as files are. They are cut into sentences, encoded, ranked, read, written and cited
as the policies of an index are.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from eval.benchmarks.scoring import Engine, OnProgress
from ingest.chunking import cut, passage_text, sentence_text
from qa.chain import Chain, Turn
from qa.domain import Answer, IndexedPolicy, Policy, PolicyCard, Question, Route, Status, Vectors
from qa.retrieval import Retriever
from qa.text import Span

__all__ = ["Desk", "Ranked", "overlap"]

_DAY = dt.date(2000, 1, 1)
"""No benchmark says of which day its texts are, and no figure depends on it."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """How the sentences of a text are ranked for a question.

    Attributes:
        name: of the text; None where the question is routed to no text, or to several.
        spans: of its sentences, best first.
        answered: whether the reader finds an answer.
    """

    name: str | None
    spans: tuple[Span, ...]
    answered: bool


@dataclass(frozen=True, slots=True)
class Desk:
    """The stages over texts in memory.

    Attributes:
        sources: the policies that the texts are, by id.
        ids: their ids by the name of the text.
    """

    sources: Mapping[str, IndexedPolicy]
    ids: Mapping[str, str]
    route: Callable[[Question], Route]
    chain: Chain

    @classmethod
    def of_policies(cls, texts: Mapping[str, str], engine: Engine, on_progress: OnProgress) -> Desk:
        """A desk with policies of companies, by company or domain; a question is routed as the service routes it."""
        from qa.routing import Router

        policies = {name: _policy(name, text, n) for n, (name, text) in enumerate(texts.items())}
        sources = {source.policy.id: source for source in _encoded(list(policies.values()), engine, on_progress)}
        route = Router([_card(source.policy) for source in sources.values()]).route
        return cls(
            sources, {name: policy.id for name, policy in policies.items()}, route, _chain(route, sources, engine)
        )

    @classmethod
    def of_fragments(cls, texts: Mapping[str, str], engine: Engine, on_progress: OnProgress) -> Desk:
        """A desk with texts that are nobody's in particular: a question names its text, and no company in it counts."""
        policies = {name: Policy(f"{n}.example", _DAY, "", text) for n, (name, text) in enumerate(texts.items())}
        sources = {source.policy.id: source for source in _encoded(list(policies.values()), engine, on_progress)}

        def route(question: Question) -> Route:
            assert question.scope is not None, "a fragment is asked by its name"
            return Route((question.scope,), question.text)

        return cls(
            sources, {name: policy.id for name, policy in policies.items()}, route, _chain(route, sources, engine)
        )

    def ask(self, question: str, name: str | None = None) -> Answer:
        """The answer as a user gets it, from the text of this name or from the one that the question names."""
        return self.chain.ask(self._asked(question, name))

    def ranked(self, question: str, name: str | None = None) -> Ranked:
        """All sentences of the text that the question is routed to, in the order in which they would be shown.

        First the evidence, or what is offered where the text is silent, then the rest as the reader gets it.
        """
        asked = self._asked(question, name)
        route = self.route(asked)
        if route.status is not None or len(route.policies) != 1:
            return Ranked(None, (), answered=False)
        turns = self.chain.consult(asked, route)
        order = dict.fromkeys(i for turn in turns for i in _shown(turn))
        order |= dict.fromkeys(i for turn in turns for i in _rest(turn))
        (policy_id,) = route.policies
        spans = [sentence.span for _, sentence in self.sources[policy_id].sentences()]
        answered = any(turn.reading is not None and turn.reading.status is Status.ANSWERED for turn in turns)
        named = next(each for each, own in self.ids.items() if own == policy_id)
        return Ranked(named, tuple(spans[i] for i in order), answered=answered)

    def source(self, name: str) -> IndexedPolicy:
        """The policy that a text is."""
        return self.sources[self.ids[name]]

    def _asked(self, question: str, name: str | None) -> Question:
        return Question(question, scope=None if name is None else self.ids[name])


def overlap(span: Span, other: Span) -> int:
    """How many characters two spans share."""
    return max(0, min(span.end, other.end) - max(span.start, other.start))


def _policy(name: str, text: str, n: int) -> Policy:
    """A text as the policy of a company; one that is not named by its domain gets an address that nobody has."""
    if re.fullmatch(r"[\w-]+(\.[\w-]+)+", name):
        domain = name.lower()
    else:
        domain = f"{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')[:40]}-{n}.example"
    return Policy(domain, _DAY, name, text, aliases=(name.lower(), domain))


def _card(policy: Policy) -> PolicyCard:
    return PolicyCard(policy.id, policy.domain, policy.archived_on, policy.company, policy.aliases)


def _shown(turn: Turn) -> Iterator[int]:
    found = (turn.reading.evidence or turn.reading.related) if turn.reading else ()
    return (candidate.index for candidate in found)


def _rest(turn: Turn) -> Iterator[int]:
    return (candidate.index for candidate in (turn.candidates.ranked if turn.candidates else ()))


def _chain(route: Callable[[Question], Route], sources: Mapping[str, IndexedPolicy], engine: Engine) -> Chain:
    return Chain(
        route=route,
        open_policy=sources.__getitem__,
        retriever=Retriever(engine.encoder),
        reader=engine.reader,
        compare=_never_compared,
    )


def _never_compared(
    _question: Question, _route: Route, _answer_one: Callable[[Question, Route], Answer]
) -> Iterator[int | Answer]:
    raise AssertionError("a question of a benchmark is about one text")


def _encoded(policies: Sequence[Policy], engine: Engine, on_progress: OnProgress) -> Iterator[IndexedPolicy]:
    """The policies with their vectors; equal texts are encoded once, and all together."""
    cuts = [cut(policy) for policy in policies]
    pairs = list(zip(policies, cuts, strict=True))
    of_passages = [[passage_text(policy, passage) for passage in passages] for policy, passages in pairs]
    of_sentences = [
        [sentence_text(policy, passage, each) for passage in passages for each in passage.sentences]
        for policy, passages in pairs
    ]
    texts = list(dict.fromkeys(text for group in (*of_passages, *of_sentences) for text in group))
    encoded = engine.encoder.encode_texts(texts, lambda done: on_progress("Encoding sentences", done, len(texts)))
    row_of = {text: n for n, text in enumerate(texts)}

    def vectors(group: Sequence[str]) -> Vectors:
        rows: Vectors = encoded[np.array([row_of[text] for text in group], dtype=np.intp)]
        return rows

    for (policy, passages), p, s in zip(pairs, of_passages, of_sentences, strict=True):
        yield IndexedPolicy(policy, passages, vectors(p), vectors(s))
