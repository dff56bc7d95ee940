"""What a judge says of a question and its evidence, and how the two are put before it (pure)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from qa.domain import Vectors, Verdict

VERDICTS = (Verdict.YES, Verdict.NO, Verdict.CONDITIONAL)
"""The order of the judge's verdicts."""
OPPOSITE = {Verdict.YES: Verdict.NO, Verdict.NO: Verdict.YES, Verdict.CONDITIONAL: Verdict.CONDITIONAL}
"""The verdict on the same question asked in the negative."""
OUTPUTS = len(VERDICTS) + 1
"""Of the model: one a verdict, and one for a text that does not answer the question."""
MAX_QUESTION_TOKENS = 48
MAX_TOKENS = 180
"""Of question and evidence together; text behind is not seen."""
_BEGIN, _END = 101, 102  # [CLS] and [SEP] of BERT's vocabulary


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the judge makes of the evidence.

    Attributes:
        verdicts: the log-probability of each of ``VERDICTS``, should the text answer the question.
        answers: the log-odds of its answering the question at all; 0 where nothing is known of it.
    """

    verdicts: tuple[float, ...]
    answers: float = 0.0

    @classmethod
    def of(cls, logits: Vectors) -> Judgement:
        """From the model's output, shape (OUTPUTS,): the verdicts, then "it answers nothing"."""
        scores = logits.astype(np.float64)
        answered = np.logaddexp.reduce(scores[: len(VERDICTS)])
        return cls(tuple(float(x) for x in scores[: len(VERDICTS)] - answered), float(answered - scores[-1]))

    def leaning(self, at_least: float) -> Verdict | None:
        """The likeliest verdict, if it has at least this probability."""
        chance, n = max((chance, n) for n, chance in enumerate(self.verdicts))
        return VERDICTS[n] if math.exp(chance) >= at_least else None


class Judge(Protocol):
    """Reads a yes/no question together with evidence. Thread-safe."""

    def judge(self, question: str, texts: Sequence[str]) -> list[Judgement]:
        """One judgement for each text, in their order."""
        ...

    def warm_up(self) -> None:
        """Loads what the first question needs."""
        ...


def pair_ids(question: Sequence[int], text: Sequence[int]) -> tuple[list[int], list[int]]:
    """Token ids and kinds (0 question, 1 text) of ``[CLS] question [SEP] text [SEP]``, cut to the limits."""
    asked = [_BEGIN, *question[:MAX_QUESTION_TOKENS], _END]
    said = [*text[: MAX_TOKENS - len(asked) - 1], _END]
    return [*asked, *said], [0] * len(asked) + [1] * len(said)
