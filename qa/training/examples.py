"""Annotated questions, mapped onto the sentences of an index.

Those in ``questions.jsonl`` and ``claims.jsonl`` beside this file were written for training by language models. They
hold offsets of the policies' texts, which belong to others, instead of quotes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from qa.domain import IndexedPolicy, Question, Route
from qa.errors import UnknownScope
from qa.library import Library
from qa.routing import Router, find_scope
from qa.text import fold

WRITTEN = tuple(Path(__file__).parent / name for name in ("questions.jsonl", "claims.jsonl"))
"""Questions written for training."""
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


def load_examples(path: Path, library: Library, *, at_hand: bool = False) -> list[Example]:
    """Reads annotated questions (JSON Lines) about policies of the library.

    Args:
        path: a line holds ``policy``, ``question``, ``verdict``, ``evidence`` and ``near_miss`` (quotes, or pairs of
            offsets in the policy's text), and may hold ``id``, ``kind`` ("yes_no" where it does not), ``history`` and
            ``also_ok``.
        library: the policies.
        at_hand: whether questions about other policies are left out.

    Raises:
        UnknownScope: a question is about a policy that is not in the library.
    """
    router = Router(library.cards())
    markers: dict[str, tuple[str, _Marker] | None] = {}
    examples = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        case = json.loads(line)
        if case["policy"] not in markers:
            markers[case["policy"]] = _marker(case["policy"], library, at_hand=at_hand)
        if (found := markers[case["policy"]]) is None:
            continue
        policy_id, marker = found
        question = Question(case["question"], history=tuple(case.get("history", ())), scope=policy_id)
        evidence = marker.covered(case["evidence"])
        examples.append(
            Example(
                id=case.get("id") or f"{path.stem}:{number}",
                policy_id=policy_id,
                route=router.route(question),
                kind=case.get("kind", "yes_no"),
                verdict=case["verdict"],
                evidence=evidence,
                acceptable=evidence | marker.covered(case.get("also_ok", ())),
                near_miss=marker.covered(case["near_miss"]),
            )
        )
    return examples


def _marker(policy: str, library: Library, *, at_hand: bool) -> tuple[str, _Marker] | None:
    try:
        policy_id = find_scope(library.cards(), policy)
    except UnknownScope:
        if at_hand:
            return None
        raise
    return policy_id, _Marker(library.read(policy_id))


class _Marker:
    """Finds which sentences of a policy lie in given quotes."""

    def __init__(self, source: IndexedPolicy) -> None:
        self._folded = fold(source.policy.text)
        self._sentences = [sentence for _, sentence in source.sentences()]

    def covered(self, quotes: Iterable[str | Sequence[int]]) -> Marks:
        marked = np.zeros(len(self._sentences), dtype=bool)
        for start, end in filter(None, map(self._span, quotes)):
            for i, sentence in enumerate(self._sentences):
                common = min(end, sentence.end) - max(start, sentence.start)
                marked[i] |= common >= MIN_OVERLAP * (sentence.end - sentence.start)
        return marked

    def _span(self, quote: str | Sequence[int]) -> tuple[int, int] | None:
        if not isinstance(quote, str):
            return quote[0], quote[1]
        words = fold(quote).text
        at = self._folded.text.find(words)
        return self._folded.original(at, at + len(words)) if words and at >= 0 else None
