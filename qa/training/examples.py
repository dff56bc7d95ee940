"""Annotated questions, mapped onto the sentences of an index."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from qa.domain import IndexedPolicy, Question, Route
from qa.library import Library
from qa.routing import Router, find_scope
from qa.text import fold

MIN_OVERLAP = 0.5
"""A sentence is gold if this share of it lies in an annotated quote, as the judge of answers has it."""

Marks = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """One annotated question.

    Attributes:
        policy_id: the policy it is about.
        route: what the router makes of it, so that training sees the query that answering sees.
        kind: "yes_no" or "open".
        verdict: "yes", "no", "conditional", "stated" or "not_stated".
        evidence, acceptable, near_miss: bool, one a sentence of the policy: best proof, proof or also acceptable, and
            what looks relevant and is not.
    """

    id: str
    policy_id: str
    route: Route
    kind: str
    verdict: str
    evidence: Marks
    acceptable: Marks
    near_miss: Marks

    @property
    def answered(self) -> bool:
        """Whether the policy answers the question."""
        return self.verdict != "not_stated"


def load_examples(path: Path, library: Library) -> list[Example]:
    """Reads annotated questions (JSON Lines) about policies that the library holds.

    Raises:
        UnknownScope: a question is about a policy that is not in the library.
    """
    router = Router(library.cards())
    examples = []
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if not line.strip():
                continue
            case = json.loads(line)
            policy_id = find_scope(library.cards(), case["policy"])
            source = library.read(policy_id)
            question = Question(case["question"], history=tuple(case.get("history", ())), scope=policy_id)
            marker = _Marker(source)
            evidence = marker.covered(case["evidence"])
            examples.append(
                Example(
                    id=case["id"],
                    policy_id=policy_id,
                    route=router.route(question),
                    kind=case["kind"],
                    verdict=case["verdict"],
                    evidence=evidence,
                    acceptable=evidence | marker.covered(case["also_ok"]),
                    near_miss=marker.covered(case["near_miss"]),
                )
            )
    return examples


class _Marker:
    """Finds which sentences of a policy lie in given quotes."""

    def __init__(self, source: IndexedPolicy) -> None:
        self._folded = fold(source.policy.text)
        self._sentences = [sentence for _, sentence in source.sentences()]

    def covered(self, quotes: Iterable[str]) -> Marks:
        marked = np.zeros(len(self._sentences), dtype=bool)
        for quote in quotes:
            words = fold(quote).text
            at = self._folded.text.find(words)
            if not words or at < 0:
                continue
            start, end = self._folded.original(at, at + len(words))
            for i, sentence in enumerate(self._sentences):
                common = min(end, sentence.end) - max(start, sentence.start)
                marked[i] |= common >= MIN_OVERLAP * (sentence.end - sentence.start)
        return marked
