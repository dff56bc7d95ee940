"""The systems that fineprint is compared with on the same cases: what is left if one thing is done and nothing else.

``bm25`` and ``dense`` are fineprint's own service with another reader: the question is routed as always, so that they
are not beaten by answering from the wrong company, and the first sentences by one score are cited. They cannot read:
the verdict is "yes", the commonest, and the policy is silent only where no sentence scores. ``tutorial`` is the
pipeline that tutorials teach (``eval.tutorial``), over everything; ``tutorial-scoped`` searches only the policy that
the question was handed over with, which is what a careful programmer would add.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from qa.cues import is_yes_no
from qa.domain import Candidates, Reading, Status, Verdict
from qa.reading import MAX_EVIDENCE, RELATED

__all__ = ["BASELINES", "BM25", "DENSE", "DENSE_TUNED", "TUTORIAL", "TUTORIAL_SCOPED", "FirstSentences"]

BM25, DENSE, DENSE_TUNED, TUTORIAL, TUTORIAL_SCOPED = "bm25", "dense", "dense-tuned", "tutorial", "tutorial-scoped"

BASELINES: Mapping[str, str] = {
    BM25: "first sentences by BM25; always yes",
    DENSE: "first sentences by cosine of all-MiniLM-L6-v2 as published; always yes",
    DENSE_TUNED: "first sentences by cosine of fineprint's own encoder; always yes",
    TUTORIAL: "LangChain, Chroma and all-MiniLM-L6-v2 over 1,000-character chunks of everything; always yes",
    TUTORIAL_SCOPED: "the same within the policy, where it is handed over with the question; always yes",
}
"""What each does, by name."""

_UNSURE = 0.5
"""The confidence of an answer that nobody has read."""


@dataclass(frozen=True, slots=True)
class FirstSentences:
    """Cites the first sentences by one feature of the ranking, and reads none of them.

    Attributes:
        feature: "bm25" or "cosine" (``qa.retrieval.WEIGHTS``).
        most: how many are cited.
    """

    feature: str
    most: int = MAX_EVIDENCE

    def read(self, question: str, candidates: Candidates) -> Reading:
        """See ``qa.reading.Reader``: in the policy's order where scores are equal."""
        source = candidates.source
        ordered = sorted(candidates.ranked, key=lambda each: (-each.features[self.feature], each.index))
        found = tuple(each for each in ordered[: self.most] if each.features[self.feature] > 0)
        if not found:
            return Reading(
                source, question, Status.NOT_STATED, None, related=tuple(ordered[:RELATED]), confidence=_UNSURE
            )
        verdict = Verdict.YES if is_yes_no(question) else None
        return Reading(source, question, Status.ANSWERED, verdict, evidence=found, confidence=_UNSURE)

    def warm_up(self) -> None:
        """Nothing to load."""
