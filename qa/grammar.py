"""How a name stands in its sentence: does it act, is it a place, a recipient, or somebody else's product?

No parser: a handful of cues beside the name, each tried on real questions. "Before" and "after" stop at punctuation.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from qa.wording import (
    ADVERBS,
    ASK,
    BE_AUX,
    CLAUSE,
    DO_AUX,
    FUNCTION_WORDS,
    GENERIC,
    MOVE,
    NOT_COMPANIES,
    PLACE,
    PRODUCTS,
    SELL,
    SITE_NOUNS,
    STATES,
    THIRD_PARTIES,
    VERBS,
    is_common,
    is_misspelling,
)


class Role(IntEnum):
    """What a name does in its question; higher means likelier to be whom the question is about."""

    ASIDE = 0  # receives data or is a product: "share it with X", "X Analytics"
    NAMED = 1
    PLACE = 2  # "at X", "X's policy", "the X site"
    SUBJECT = 3  # "does X share"


@dataclass(frozen=True, slots=True)
class Token:
    """A word, host name or e-mail address.

    Attributes:
        stop: its end with the possessive ending.
        key: lower case, without accents, apostrophes and the possessive ending; full: with the latter.
        opens: it begins the text or follows punctuation.
        striking: it has capitals or digits inside, as names have ("SpacePen", "W3Schools").
    """

    start: int
    end: int
    stop: int
    key: str
    full: str
    capital: bool
    opens: bool
    striking: bool = False
    host: str | None = None
    mail: bool = False

    @property
    def possessive(self) -> bool:
        """It has a possessive ending."""
        return self.stop > self.end

    @property
    def rare(self) -> bool:
        """It is no ordinary English word."""
        return not (self.mail or is_common(self.key) or is_common(self.full) or self.key.isdigit())


def is_cased(tokens: Sequence[Token]) -> bool:
    """Whether the writer uses capitals as in a sentence, so that they tell names from words."""
    words = [t for t in tokens if not (t.host or t.mail or t.opens or t.key == "i")]
    small = [t for t in words if t.key in FUNCTION_WORDS or t.key in VERBS] or words
    return any(t.capital for t in tokens if not t.host) and 2 * sum(t.capital for t in small) < len(small)


def word_before(tokens: Sequence[Token], i: int) -> str | None:
    """The word before, articles skipped, within the clause."""
    if i == 0 or tokens[i].opens:
        return None
    if tokens[i - 1].key == "the":
        return None if i == 1 or tokens[i - 1].opens else tokens[i - 2].key
    return tokens[i - 1].key


def verb_after(tokens: Sequence[Token], j: int) -> str | None:
    """The word after the name, adverbs skipped, within the clause."""
    while j < len(tokens) and not tokens[j].opens and tokens[j].key in ADVERBS:
        j += 1
    return None if j >= len(tokens) or tokens[j].opens else tokens[j].key


def is_subject(tokens: Sequence[Token], i: int, j: int) -> bool:
    """Whether the name does something: "does X share", "is X tracking", "if X sells", "ask X to delete"."""
    if tokens[j - 1].possessive:
        return False
    before, verb = word_before(tokens, i), verb_after(tokens, j)
    if verb is None:
        return False
    if before in DO_AUX and verb in VERBS:
        return True
    if before in BE_AUX and (verb.endswith(("ing", "ed")) or verb in STATES):
        return True
    if before in CLAUSE and verb.endswith("s") and (verb[:-1] in VERBS or verb in {"has", "does", "is", "goes"}):
        return True
    return before in ASK and verb == "to"


def role_of(tokens: Sequence[Token], i: int, j: int, text: str) -> Role:
    """What the name at [i, j) does in its question."""
    before = word_before(tokens, i)
    after = None if j == len(tokens) or tokens[j].opens else tokens[j].key
    if after in PRODUCTS and not tokens[j - 1].possessive:
        return Role.ASIDE
    if tokens[j - 1].possessive:
        return Role.PLACE
    if before in DO_AUX | BE_AUX or is_subject(tokens, i, j):
        return Role.SUBJECT
    if before in {"with", "to", "via", "through"}:
        head = text[: tokens[i].start].lower()
        if MOVE.search(head) and re.search(r"\b(you|u|they|it|the (site|website|company|app))\b", head):
            return Role.ASIDE
    if before in PLACE or after in {"privacy", "policy", "site", "website", "app"}:
        return Role.PLACE
    return Role.NAMED


def name_ends(tokens: Sequence[Token], i: int, *, cased: bool) -> int:
    """The end of a name of something not indexed that begins at ``i``, or ``i`` where none does."""
    first = tokens[i]
    if first.host:
        return i + 1
    if first.mail or first.key in NOT_COMPANIES | FUNCTION_WORDS:
        return i

    def counts(t: Token) -> bool:
        if t.host or t.mail or {t.key, t.key.rstrip("s")} & NOT_COMPANIES or len(t.key) < 2:
            return False
        return t.rare and len(t.key) > 2 and not is_misspelling(t.key)

    if cased:
        j = i
        while j < min(i + 4, len(tokens)) and tokens[j].capital and (j == i or not tokens[j].opens):
            if {tokens[j].key, tokens[j].key.rstrip("s")} & NOT_COMPANIES or tokens[j].host:
                return i
            j += 1
            if tokens[j - 1].possessive:
                break
        alone = j == i + 1 and not counts(first)  # "the Academy", or the first word of a sentence
        if j > i and not (alone and (first.opens or tokens[i - 1].key == "the")):
            return i if all(t.key in GENERIC or t.key in PRODUCTS for t in tokens[i:j]) else j
    if not counts(first):
        return i
    j = i + 1
    while j < min(i + 3, len(tokens)) and counts(tokens[j]) and not tokens[j].opens and not tokens[j - 1].possessive:
        j += 1
    return j


def is_asked_about(tokens: Sequence[Token], i: int, j: int) -> bool | None:
    """Whether a question without "you" or "this site" is about the name at [i, j): True surely, False "
    "perhaps, None no.
    """
    before, verb = word_before(tokens, i), verb_after(tokens, j)
    words = {t.key for t in tokens[i:j]}
    after = None if j == len(tokens) or tokens[j].opens else tokens[j].key
    if (after in PRODUCTS and not tokens[j - 1].possessive) or words & PRODUCTS:
        return None
    # A name that could be nothing else, and not one of those that many sites work with.
    is_proper = j - i > 1 and all(t.capital for t in tokens[i:j])
    plain_name = not words & THIRD_PARTIES and (is_proper or any(t.host or _is_odd(t) for t in tokens[i:j]))
    if tokens[j - 1].possessive:
        near = {t.key for t in tokens[j : j + 3]}
        return True if plain_name or near & {"privacy", "policy", "policies", "terms"} else None
    if after in {"privacy", "policy"} or (plain_name and after in SITE_NOUNS):
        return True
    if before in DO_AUX and verb in VERBS:
        return plain_name or verb in SELL
    if before in BE_AUX and verb and (verb.endswith("ing") or verb in STATES):
        return True
    if plain_name and (before in DO_AUX | BE_AUX | PLACE | CLAUSE | ASK | {"owns", "runs", "behind"}):
        return True
    if plain_name and verb and verb.endswith("s") and verb[:-1] in VERBS:
        return True
    if plain_name and after is None and before in {"by", "from", "of", "about"}:
        return True
    if plain_name and (i == 0 or j == len(tokens)) and not any(t.key in FUNCTION_WORDS for t in tokens):
        return True  # keywords: "x delete account"
    if before in {"at", "on"} and after is None and (tokens[i].capital or tokens[i].host):
        return False
    return None


def _is_odd(token: Token) -> bool:
    if not token.rare or len(token.key) < 3 or token.key in NOT_COMPANIES:
        return False
    return token.striking or not is_misspelling(token.key)
