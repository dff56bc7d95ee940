"""Texts of like length in batches, for models that fill every text of a batch up to the longest one (pure functions).

A batch of 32 texts of mixed length takes half as long again for each token as one text does: a third of what is
computed fills up, and what a layer leaves for the next one no longer fits into a core's cache.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["in_batches"]


def in_batches(lengths: Sequence[int], *, most_tokens: int | None = None, most_texts: int) -> list[list[int]]:
    """The positions of texts in batches, the longest texts first, so that what does not fit into memory fails at once.

    Args:
        lengths: of the texts, in tokens.
        most_tokens: of a batch, filled up; a longer text is a batch of its own. None for any number.
        most_texts: of a batch.
    """
    made: list[list[int]] = []
    batch: list[int] = []
    for position in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        full = len(batch) == most_texts
        if batch and most_tokens is not None:
            full = full or lengths[batch[0]] * (len(batch) + 1) > most_tokens
        if batch and full:
            made.append(batch)
            batch = []
        batch.append(position)
    if batch:
        made.append(batch)
    return made
