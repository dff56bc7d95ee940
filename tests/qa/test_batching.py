from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from qa.batching import in_batches


def test_texts_of_like_length_share_a_batch_and_the_longest_come_first() -> None:
    # Filled up to its longest text, a batch has at most 20 tokens: 2 x 9, 1 x 30 (alone), 3 x 5, and what is left.
    assert in_batches([5, 9, 30, 4, 8, 5, 1], most_tokens=20, most_texts=3) == [[2], [1, 4], [0, 5, 3], [6]]


def test_without_a_limit_of_tokens_only_texts_are_counted() -> None:
    assert in_batches([1, 2, 3], most_texts=2) == [[2, 1], [0]]
    assert in_batches([], most_texts=2) == []


@given(st.lists(st.integers(0, 300)), st.integers(1, 600), st.integers(1, 9))
def test_every_text_is_in_one_batch_and_none_is_over_its_limits(lengths: list[int], tokens: int, texts: int) -> None:
    made = in_batches(lengths, most_tokens=tokens, most_texts=texts)
    assert sorted(position for batch in made for position in batch) == list(range(len(lengths)))
    for batch in made:
        assert 1 <= len(batch) <= texts
        assert len(batch) == 1 or max(lengths[i] for i in batch) * len(batch) <= tokens
