"""Mends slips of the keyboard in a question, with the words of the policy that it is asked about first."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from qa.wording import is_common

if TYPE_CHECKING:
    from spellchecker import SpellChecker

_WORD = re.compile(r"(?<![\w@./-])[a-z]{4,24}(?![\w@/]|\.\w)")
"""Longer ones are no words, and have too many neighbours to look at."""
_SHORT = 4


def respelled(question: str, policy_text: str) -> str:
    """The question with each unknown word replaced by a word of the policy, or else a known one, that is one slip away.

    A slip is two letters swapped, one left out, one too many or a wrong one (Norvig's edits, by pyspellchecker). Words
    that the policy has or that a dictionary knows stay as they are, and so do names (words with a capital letter) and
    words of fewer than four letters. In words of four, which have many neighbours, only swapped letters are mended.
    """
    said: frozenset[str] | None = None

    def mended(match: re.Match[str]) -> str:
        nonlocal said
        word = match.group()
        if is_common(word):
            return word
        if said is None:  # most questions have common words only
            said = frozenset(_WORD.findall(policy_text.lower()))
        if word in said:
            return word
        checker = _checker()  # its dictionary takes a quarter of a second to load, so common words come first
        if word in checker:
            return word
        near = checker.edit_distance_1(word)
        if len(word) == _SHORT:
            near = {other for other in near if sorted(other) == sorted(word)}
        # First letters are seldom mistyped.
        likeliness = {
            other: (other[0] == word[0], checker[other], other) for other in said & near or checker.known(near)
        }
        return max(likeliness, key=likeliness.__getitem__, default=word)

    return _WORD.sub(mended, question)


@cache
def _checker() -> SpellChecker:
    from spellchecker import SpellChecker

    return SpellChecker(language="en", distance=1)
