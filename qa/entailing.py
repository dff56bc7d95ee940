"""What a model of entailment is asked: is a claim proven by a stretch of text? ``qa.encoders`` has the real one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

MAX_CLAIM_TOKENS = 96
"""Of a claim with its question; a longer one is not read at all, so it is never proven."""
MAX_TOKENS = 160
"""Of claim and text together; text behind is not seen."""
MAX_QUESTION_CHARS = 120
_BEGIN, _END = 101, 102  # [CLS] and [SEP] of BERT's vocabulary


class Entailment(Protocol):
    """Reads a claim together with what is to prove it. Thread-safe."""

    def supports(self, claims: Sequence[str], texts: Sequence[str]) -> list[float]:
        """How likely each claim is fully proven by the text at its place, in [0, 1]; calibrated.

        Args:
            claims: statements, e.g. "It may share your address with shippers.", each as ``posed`` gives it.
            texts: one a claim: sentences of a policy as ``qa.embedding.sentence_text`` gives them, joined by spaces.
        """
        ...

    def warm_up(self) -> None:
        """Loads what the first claim needs."""
        ...


_THIRD_PERSON = {"we": "they", "our": "their", "ours": "theirs", "us": "them", "ourselves": "themselves"}
_FIRST_PERSON = re.compile(rf"\b(?:{'|'.join(_THIRD_PERSON)})\b", re.IGNORECASE)


def posed(claim: str, question: str) -> str:
    """A claim as the model reads it: in the third person and behind its question.

    Without the question "yes, they may" says nothing. Who copies a policy's "we" must not be read otherwise than who
    does not.
    """
    asked = " ".join(question.split())
    if len(asked) > MAX_QUESTION_CHARS:
        asked = asked[:MAX_QUESTION_CHARS].rsplit(" ", 1)[0]
    told = _FIRST_PERSON.sub(_third_person, claim)
    return f"{asked} {told}" if asked else told


def _third_person(match: re.Match[str]) -> str:
    word = match.group()
    if word == "US":  # the country
        return word
    told = _THIRD_PERSON[word.lower()]
    return told.capitalize() if word[0].isupper() else told


def claim_ids(claim: Sequence[int], text: Sequence[int]) -> tuple[list[int], list[int]] | None:
    """Token ids and kinds (0 claim, 1 text) of ``[CLS] claim [SEP] text [SEP]``; None for a claim that is too long."""
    if len(claim) > MAX_CLAIM_TOKENS:
        return None
    said = [_BEGIN, *claim, _END]
    proof = [*text[: MAX_TOKENS - len(said) - 1], _END]
    return [*said, *proof], [0] * len(said) + [1] * len(proof)
