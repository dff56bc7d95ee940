"""Is it a policy at all? Refuses what cannot answer questions, and flags what answers them less well."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from enum import StrEnum

from qa.errors import PolicyRefused
from qa.text import visible

__all__ = ["Reason", "screen"]


class Reason(StrEnum):
    """Why a file was refused."""

    EMPTY = "empty"
    TOO_SHORT = "too_short"
    TOO_LARGE = "too_large"
    NOT_TEXT = "not_text"
    SCRIPT = "script"
    NOT_A_POLICY = "not_a_policy"
    NOT_ENGLISH = "not_english"
    MISSING_DOMAIN = "missing_domain"
    DUPLICATE_ID = "duplicate_id"
    UNREADABLE = "unreadable"
    NOT_FOUND = "not_found"
    OUT_OF_ORDER = "out_of_order"
    MALFORMED = "malformed"
    UNSUPPORTED_FORMAT = "unsupported_format"
    ENCRYPTED = "encrypted"
    SCANNED = "scanned"


_FEWEST_WORDS = 60
_SHORT_WORDS = 100
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_ASSIGNMENT = re.compile(
    r"(?:^|[;.'\"\s])(?:var\s+|let\s+|const\s+)?[A-Za-z_$][\w$.\[\]]{0,60}\s{0,8}\+?=\s*(?:['\"`{\[(]|function\b)",
    re.MULTILINE,
)
_TAG = re.compile(r"<[A-Za-z/][^<>]{0,500}>")
_STOP_WORDS = frozenset(
    re.findall(
        r"\w+",
        "the of and to in a is that for it as with on by be are this or from at have not we you your our us may will "
        "any can which when if about other do such these their has all an use",
    )
)
# What policies talk about, and what cookie notices and terms of use do, by how often in a thousand words.
_PRIVACY = re.compile(
    r"\bpersonal(?:ly)?[\s-]+(?:identif\w+[\s-]+)?(?:information|data|details)\b|\bmailing list"
    r"|\binformation (?:that )?(?:we|you)\b|\bthird[\s-]part|\bopt(?:ing)?[\s-]?(?:out|in)\b"
    r"|\b(?:collect|share|disclose|sell|rent|store|use|process|track)\w* (?:\w+ ){0,3}?"
    r"(?:information|data|addresses)\b",
    re.IGNORECASE,
)
_COOKIE = re.compile(r"\bcookies?\b", re.IGNORECASE)
_TERMS = re.compile(
    r"\bterms (?:of|and)\b|\bthese terms\b|\bliab(?:le|ility)\b|\bwarrant(?:y|ies)\b|\bindemnif|\bgoverning law\b"
    r"|\barbitration\b|\btermination\b|\bintellectual property\b",
    re.IGNORECASE,
)
_REPEATED_CHARS = 80


def screen(text: str, *, max_chars: int) -> tuple[str, ...]:
    """Checks that a text is a privacy policy in English and returns what a reader should be warned about.

    Args:
        text: the canonical text.
        max_chars: the longest text that is accepted.

    Raises:
        PolicyRefused: it is none; the reason is a ``Reason``.
    """
    if not text.strip():
        raise PolicyRefused(Reason.EMPTY, "It is empty.")
    if len(text) > max_chars:
        message = f"It has {len(text):,} characters; at most {max_chars:,} are accepted (FINEPRINT_MAX_POLICY_CHARS)."
        raise PolicyRefused(Reason.TOO_LARGE, message)
    if len(_CONTROL.findall(text)) > len(text) / 1000:
        raise PolicyRefused(Reason.NOT_TEXT, "It is not text.")
    shown = visible(text)
    words = re.findall(r"[^\W\d_]+", shown.lower())
    if not words:
        raise PolicyRefused(Reason.EMPTY, "It has no words.")
    if _is_script(text):
        message = "It is program code, not the text of a page; save the page as its readers see it."
        raise PolicyRefused(Reason.SCRIPT, message)
    if len(words) < _FEWEST_WORDS:
        raise PolicyRefused(
            Reason.TOO_SHORT, f"It is too short: {len(words)} of the {_FEWEST_WORDS} words that a policy has at least."
        )
    if sum(word in _STOP_WORDS for word in words) / len(words) < 0.15:
        raise PolicyRefused(Reason.NOT_ENGLISH, "It is not in English.")
    _require_policy(shown, len(words))
    return tuple(_warnings(text, len(words)))


def _is_script(text: str) -> bool:
    """Whether assignments run through the whole text, as in a page that a script writes; a policy may end in some."""
    bare = _TAG.sub(" ", text)
    quarters = {4 * match.start() // len(bare) for match in _ASSIGNMENT.finditer(bare)}
    return len(quarters) == 4


def _require_policy(shown: str, words: int) -> None:
    privacy, cookies, terms = (len(pattern.findall(shown)) / words * 1000 for pattern in (_PRIVACY, _COOKIE, _TERMS))
    if privacy < min(terms, 5):
        raise PolicyRefused(Reason.NOT_A_POLICY, "It is not a privacy policy but terms of use.")
    if privacy < min(cookies / 10, 4):
        raise PolicyRefused(Reason.NOT_A_POLICY, "It is not a privacy policy: it is about cookies only.")
    if privacy < 2:
        raise PolicyRefused(Reason.NOT_A_POLICY, "It is not a privacy policy: it hardly speaks of personal data.")


def _warnings(text: str, words: int) -> Iterator[str]:
    if words < _SHORT_WORDS:
        yield "The text is very short."
    lines = [line for line in (visible(line) for line in text.split("\n")) if line]
    if _is_cut_off(lines[-1]):
        yield "The text seems to be cut off at its end."
    counts = Counter(span for span in _stretches(lines))
    total = sum(len(span) * n for span, n in counts.items())
    if total and sum(len(span) * (n - 1) for span, n in counts.items()) > 0.35 * total:
        yield "Much of the text stands in it twice."


def _is_cut_off(line: str) -> bool:
    """Whether a line ends within running text; menus, addresses and signatures have few words in lower case."""
    tail = re.split(r"[.!?:;|]\s", line)[-1].split()
    low = [word for word in tail if re.fullmatch(r"[a-z][a-z'’-]*,?", word)]
    return len(low) >= max(5, 0.7 * len(tail)) and tail[-1] in low


def _stretches(lines: list[str]) -> Iterator[str]:
    """Sentences that are too long to be repeated by chance."""
    for line in lines:
        for sentence in re.split(r"(?<=[.!?])\s+", line):
            if len(sentence) >= _REPEATED_CHARS:
                yield sentence
