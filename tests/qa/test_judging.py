from __future__ import annotations

import math

import numpy as np
import pytest

from qa.domain import Verdict
from qa.judging import MAX_QUESTION_TOKENS, MAX_TOKENS, Judgement, pair_ids


def test_question_and_text_are_marked_apart() -> None:
    ids, kinds = pair_ids([7, 8], [9])
    assert ids == [101, 7, 8, 102, 9, 102]
    assert kinds == [0, 0, 0, 0, 1, 1]


def test_long_pairs_are_cut_and_stay_closed() -> None:
    ids, kinds = pair_ids([7] * 500, [9] * 500)
    assert len(ids) == len(kinds) == MAX_TOKENS
    assert ids.count(7) == MAX_QUESTION_TOKENS
    assert ids[-1] == 102


def test_logits_become_log_probabilities_and_a_leaning_only_where_they_are_clear() -> None:
    # softmax(2, 1, 0) = 0.665241, 0.244728, 0.090031
    judgement = Judgement.of(np.array([2, 1, 0], dtype=np.float32))
    assert [math.exp(x) for x in judgement.verdicts] == pytest.approx([0.665241, 0.244728, 0.090031], abs=1e-6)
    assert judgement.leaning(0.6) is Verdict.YES
    assert judgement.leaning(0.7) is None
