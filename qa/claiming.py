"""What a chat model says in answer to a question, before anything of it is believed.

A reply is read as it comes: a claim is there with its closing brace. Whether a claim is proven is ``qa.generating``'s
matter; whether its words are fit to be shown as ours is told here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from qa.citing import sentences_of
from qa.replies import Found, Objects
from qa.talking import Usage
from qa.text import fold, printable

__all__ = ["EDGES", "Claim", "Proof", "Reply", "claims_of", "is_fit", "worded"]

MOST_READ = 8
"""So many claims of one reply are looked at."""
LEAST_WORDS = 3
CLAIM_CHARS = 300
MOST_PROOFS = 4
QUOTE_CHARS = 600
TRAILING_CHARS = 400
"""So much is listened to behind a complete reply, for the count of tokens that comes last."""
EDGES = " \t.,;:!…-'\""
"""Stops, quotation marks and blanks, which may differ at either end of the same words."""


@dataclass(frozen=True, slots=True)
class Proof:
    """Where a model says that a claim is proven: a sentence's number, words of it, or both."""

    sentence: int | None
    quote: str


@dataclass(frozen=True, slots=True)
class Claim:
    """What a model says, before anything of it is believed."""

    text: str
    proofs: tuple[Proof, ...]


_OPINION = re.compile(r"(?<!\\)[\"']verdict[\"']\s*:\s*[\"'](yes|no|conditional|none)[\"']", re.IGNORECASE)
_NUMBER = re.compile(r"(?<!\d)\d{1,4}(?!\d)")
_MARKER = re.compile(r"[\[(]\s*(?:S|sentences?\s)?\s*\d{1,4}(?:\s*[,;]\s*S?\d{1,4})*\s*[\])]", re.IGNORECASE)
_TEXT_KEYS = ("text", "claim", "statement", "answer")
_PROOF_KEYS = ("proof", "proofs", "evidence", "citations", "quotes", "sentences", "sentence", "sources")


def claims_of(found: Found) -> Iterator[Claim]:
    """The claim that a complete object of a reply is, if it is one."""
    if found.lists > 1:
        return
    value = found.value
    text = next((value[key] for key in _TEXT_KEYS if isinstance(value.get(key), str)), "")
    if text.strip() and not isinstance(value.get("claims"), list):
        told: object = next((value[key] for key in _PROOF_KEYS if key in value), [])
        flat = {"sentence": told, "quote": value["quote"]} if isinstance(value.get("quote"), str) else told
        proofs = tuple(_proofs(flat))[:MOST_PROOFS]
        yield Claim(text, proofs or tuple(_numbered(text)))


def _proofs(told: object) -> Iterator[Proof]:
    for each in told[: 2 * MOST_PROOFS] if isinstance(told, list) else [told]:
        if isinstance(each, Mapping):
            quote = next((each[key] for key in ("quote", "text", "words") if isinstance(each.get(key), str)), "")
            number = next((each[key] for key in ("sentence", "n", "number", "id") if key in each), None)
            yield Proof(_number(number), quote[:QUOTE_CHARS])
        elif isinstance(each, int) or (isinstance(each, str) and re.fullmatch(r"\W*S?\d{1,4}\W*", each)):
            yield Proof(_number(each), "")
        elif isinstance(each, str):
            yield Proof(None, each[:QUOTE_CHARS])


def _number(told: object) -> int | None:
    """A sentence's number, however it is written: 3, "3", "S3", [3]."""
    if isinstance(told, list):
        told = told[0] if told else None
    if isinstance(told, bool) or not isinstance(told, int | str):
        return None
    match = _NUMBER.search(str(told)[:20])
    return int(match.group()) if match else None


def _numbered(text: str) -> list[Proof]:
    """The sentences that markers in a text refer to."""
    numbers = [int(n) for marker in _MARKER.findall(text) for n in _NUMBER.findall(marker)]
    return [Proof(n, "") for n in dict.fromkeys(numbers)][:MOST_PROOFS]


def _prose(text: str) -> Iterator[Claim]:
    """The sentences with markers of a reply that is no JSON."""
    for sentence in sentences_of(text):
        if proofs := _numbered(sentence):
            yield Claim(sentence, tuple(proofs))


class Reply:
    """One reply as it comes."""

    def __init__(self) -> None:
        self.input_tokens = self.output_tokens = 0
        self._objects = Objects()

    def claims(self, pieces: Iterable[str | Usage]) -> Iterator[Claim]:
        """The claims, each when its closing brace is there; at most MOST_READ."""
        return islice(self._claims(pieces), MOST_READ)

    def _claims(self, pieces: Iterable[str | Usage]) -> Iterator[Claim]:
        trailing: int | None = None
        for piece in pieces:
            if isinstance(piece, Usage):
                self.input_tokens += piece.input_tokens
                self.output_tokens += piece.output_tokens
            elif trailing is not None:
                trailing -= len(piece)
                if trailing < 0:
                    break
            else:
                for found in self._objects.feed(piece):
                    yield from claims_of(found)
                    if not (found.lists or found.inside) and "claims" in found.value:
                        trailing = TRAILING_CHARS
                if self._objects.finished:
                    break
        if "{" not in self._objects.text:
            yield from _prose(self._objects.text)

    @property
    def opinion(self) -> str | None:
        """The verdict that the model came to, as far as it has said one."""
        match = _OPINION.search(self._objects.text)
        return match[1].lower() if match else None


# --- how a claim may be worded ----------------------------------------------------------------------------------------

_VERDICT_FIRST = re.compile(
    r"(?:(?P<yes>yes)|(?P<no>no)|(?P<conditional>(?:only )?in some cases|it depends|sometimes|conditional(?:ly)?))"
    r"\s*[,.:;!-]+\s*(?=\w)",
    re.IGNORECASE,
)
_EMPHASIS = re.compile(r"\*\*|__|`")
_LIST_MARK = re.compile(r"^(?:[-*•]|\d{1,2}[.)])\s+")
_UNCLEAN = re.compile(r"[<>{}\[\]|\\`*_~#^=]")
_ADDRESS = re.compile(r"\S*(?:://|www\.|@)\S*|\b[\w-]+(?:\.[\w-]+)*\.[a-z]{2,24}\b", re.IGNORECASE)
_QUOTED = re.compile(r"\"([^\"]*)\"|(?<!\w)'([^']+)'(?!\w)")
_FIRST_PERSON = re.compile(r"\b(?:we|us|our|ours|ourselves|i|my|me)\b", re.IGNORECASE)


def worded(text: str) -> tuple[str, str | None]:
    """A claim's words in one line, and the verdict that stands before them; without markers and marks of lists."""
    line = fold(printable(unicodedata.normalize("NFKC", text[: 4 * CLAIM_CHARS]))).text
    line = _EMPHASIS.sub("", line)
    line = re.sub(r"\s+(?=[.,;!])", "", " ".join(_MARKER.sub("", line).split()))
    line = _LIST_MARK.sub("", line)
    match = _VERDICT_FIRST.match(line)
    return (line[match.end() :], match.lastgroup) if match else (line, None)


def is_fit(sentence: str, evidence: str, names: str) -> bool:
    """Whether a sentence can be shown as ours: plain words, no address, quotation or sign that the policy lacks.

    Args:
        sentence: one sentence.
        evidence: the cited sentences, clean.
        names: how the company is called.
    """
    if len(sentence.split()) < LEAST_WORDS or len(sentence) > CLAIM_CHARS or sentence.endswith(("?", ":", "…")):
        return False
    if _UNCLEAN.search(sentence) or _FIRST_PERSON.search(sentence) or sentence.count('"') % 2:
        return False
    there = fold(evidence, casefold=True).text
    known = f"{there} {fold(names, casefold=True).text}"
    if any(not char.isascii() and char.casefold() not in known for char in sentence):
        return False
    if any(found.strip(EDGES + "()").casefold() not in known for found in _ADDRESS.findall(sentence)):
        return False
    quoted = [(double or single).strip(EDGES).casefold() for double, single in _QUOTED.findall(sentence)]
    return all(words and words in there for words in quoted)
