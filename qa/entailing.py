"""What a model of entailment is asked: is a claim proven by a stretch of text? ``qa.encoders`` has the real one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Entailment(Protocol):
    """Reads a claim together with what is to prove it. Thread-safe."""

    def supports(self, claims: Sequence[str], texts: Sequence[str]) -> list[float]:
        """How likely each claim is fully proven by the text at its place, in [0, 1]; calibrated.

        Args:
            claims: statements, e.g. "It may share your address with shippers."
            texts: one a claim: sentences of a policy as ``qa.embedding.sentence_text`` gives them, joined by spaces.
        """
        ...

    def warm_up(self) -> None:
        """Loads what the first claim needs."""
        ...
