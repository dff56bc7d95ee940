"""A quote where it stands: what comes before and after it in its section, in plain words (pure functions)."""

from __future__ import annotations

from typing import Final

from qa.citing import citation_at
from qa.domain import Citation, IndexedPolicy, Passage
from qa.errors import UsageError
from qa.text import Span, printable, without_markup

__all__ = ["AROUND", "quoted_at", "words_around"]

AROUND: Final = 500
"""Characters before a quote, and as many after it."""
_MOST: Final = 8 * AROUND
"""Characters that are looked at on each side: with their markup they may be many more."""


def quoted_at(source: IndexedPolicy, start: int, end: int) -> Citation:
    """The stretch of a policy as a citation.

    Raises:
        UsageError: it is not a stretch of this policy, or only white space.
    """
    text = source.policy.text
    if not 0 <= start < end <= len(text) or not text[start:end].strip():
        raise UsageError(
            f"start and end must be those of a citation: 0 <= start < end <= {len(text)} (code points), "
            "and not only white space."
        )
    return citation_at(source, Span(start, end), 1)


def words_around(source: IndexedPolicy, start: int, end: int) -> tuple[str, str]:
    """What stands before and after a stretch in its passage, without markup; "…" where it is cut."""
    text = source.policy.text
    first, last = _passage_at(source, start), _passage_at(source, end - 1)
    begin = first.sentences[0].start if first.sentences else first.start  # the heading is said elsewhere
    before = _words(text[min(start, max(begin, start - _MOST)) : start])
    after = _words(text[end : max(end, min(last.end, end + _MOST))])
    return _last(before), printable(after, AROUND)


def _passage_at(source: IndexedPolicy, offset: int) -> Passage:
    """The passage that an offset is in, else (between two) the one before it."""
    return max((p for p in source.passages if p.start <= offset), key=lambda p: p.start, default=source.passages[0])


def _words(text: str) -> str:
    return printable(without_markup(text))


def _last(words: str) -> str:
    if len(words) <= AROUND:
        return words
    tail = words[1 - AROUND :]
    return "…" + (tail.partition(" ")[2] or tail)
