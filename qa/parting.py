"""Takes a question apart that asks several things, and puts the parts' answers together.

"Do you sell my email, and can I stop it?" is two questions: each is ranked, read and proven for itself, so that
silence on one is said and never hidden behind the answer to the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Protocol

from qa.domain import EXTRACTIVE, Answer, Citation, Generation, Part, Question, Route, Status
from qa.text import MARKER, without_markers
from qa.wording import LISTED_BELOW, is_follow_up, stands_alone

__all__ = [
    "MOST_PARTS", "Rewriter", "RuleRewriter", "asks", "headed", "leans", "numbered_from", "parted", "renumbered",
    "route_of_part", "summed", "together",
]  # fmt: skip

_AUX = (
    r"(?:do|does|did|is|are|was|were|will|would|can|could|may|might|must|should"
    r"|don['’]?t|doesn['’]?t|won['’]?t|can['’]?t)"
)
_SUBJECT = (
    r"(?:you|u|they|it|i|we|he|she|there|my|your|their|the|this|these|those|any(?:one|body)?|some(?:one|body)|[A-Z]\w+)"
)
# "What I did" and "when I was on" are no questions but things asked about.
_STATED = r"(?!\s+(?:i|you|u|they|we|he|she|it)\b)"
_ASKS = re.compile(
    rf"(?:{_AUX}\s+{_SUBJECT}\b.*\w"
    rf"|(?:(?:for|to|with|from|by|in)\s+)?(?:who|what|when|where|why|how|which|whom)\b{_STATED}"
    rf"(?:\s+\w+){{0,3}}?\s+{_AUX}\s+\w+\b.*"
    r"|(?:who|what)\s+(?:else\s+)?(?!about\b)[a-z]+s\b.*)\W*$",
    re.IGNORECASE | re.DOTALL,
)
# "… and if I block them does it still work?"; before another question such a clause belongs to that one.
_IF_ASKED = re.compile(rf"if\s+[^,?;]{{3,60}}?,?\s+{_AUX}\s+{_SUBJECT}\b.*\w\W*$", re.IGNORECASE | re.DOTALL)
# What is left of a question where it leans on the one before it: "do you keep it, and for how long?"
_REST = re.compile(r"(?:(?:for\s+)?how\s+long|(?:to|with)\s+whom?|who\s+(?:to|with))\W*$", re.IGNORECASE)
_CUT = re.compile(
    r"(?:[?;]\s*(?:(?:and|or|but|plus)\s+)?|,?\s+(?:and|but|or|plus|n|&)\s+|,\s+(?=if (?:so|yes|not|they do)\b))"
    r"(?:also,?\s+|if (?:so|yes|not|they do),?\s+)?"
    r"|,\s+(?=(?:(?:for|to|with|from|by|in)\s+)?(?:who|what|when|where|why|how|which)\b"
    rf"|{_AUX}\s+(?:you|they|it|i|we)\b)",
    re.IGNORECASE,
)
# Asks for a choice or for notice, and does not say about what.
_WITHOUT_OBJECT = re.compile(
    r"\b(?:opt(?:ing)?[ -]out|refuse|say no|decline|object|complain|stop|avoid|prevent|tell me|ask me|let me know"
    r"|who with|who to)\W*$",
    re.IGNORECASE,
)
# "Can you tell me, do they sell it?" asks one thing.
_OPENING = re.compile(
    rf"{_AUX}\s+(?:you|u|i|some(?:one|body)|any(?:one|body))\s+(?:(?:please|kindly|just|also|perhaps|maybe)\s+)*"
    r"(?:tell|explain|say|clarify|confirm|advise|ask|let|inform|show|answer)"
    r"(?:\s+(?:to|me|us|you|know|please|this|something))*\W*$",
    re.IGNORECASE,
)
MOST_PARTS = 4
"""Questions with more parts are read as one."""


class Rewriter(Protocol):
    """Says what is asked, in questions that can be read by themselves. Thread-safe."""

    def rewrite(self, route: Route) -> tuple[Route, ...]:
        """A route for each thing asked, at least one; to the same policies, whatever the question says."""
        ...


class RuleRewriter:
    """Takes apart what is joined by rules; what a follow-up leans on stays in its context."""

    def rewrite(self, route: Route) -> tuple[Route, ...]:
        """See ``Rewriter.rewrite``."""
        parts = parted(route.query)
        return (route,) if len(parts) == 1 else tuple(route_of_part(route, parts, n) for n in range(len(parts)))


def parted(question: str) -> tuple[str, ...]:
    """The questions that a question consists of, at least one; each can be asked by itself.

    It is cut only where both sides are whole questions: "my name and where I live" and "sell or rent it" stay whole.
    """
    parts: list[str] = []
    at = 0
    for cut in _CUT.finditer(question):
        before, after = question[at : cut.start()].strip(), question[cut.end() :].strip()
        begun = asks(before) and not _OPENING.match(before)
        if begun and (asks(after) or _IF_ASKED.match(after) or _REST.match(after)):
            parts.append(before)
            at = cut.end()
    parts.append(question[at:].strip())
    return tuple(parts) if len(parts) <= MOST_PARTS else (question,)


def asks(text: str) -> bool:
    """Whether a text has the form of a whole question."""
    return _ASKS.match(text) is not None


def leans(part: str) -> bool:
    """Whether a question cannot be understood without the one before it."""
    return (is_follow_up(part) and not stands_alone(part)) or _WITHOUT_OBJECT.search(part) is not None


def route_of_part(route: Route, parts: Sequence[str], n: int) -> Route:
    """The route of part ``n``; a part that leans on what was asked before brings that along."""
    if n == 0:
        return replace(route, query=parts[0])
    if not leans(parts[n]):
        return replace(route, query=parts[n], context=())
    # Back to the part that says what "it" is: "do you sell my email, who buys it and can I stop them?"
    first = next((m for m in reversed(range(n)) if not leans(parts[m])), 0)
    before = [*(route.context[-1:] if first == 0 and leans(parts[0]) else ()), *parts[first:n]]
    return replace(route, query=parts[n], context=(" ".join(before),))


def headed(question: Question, parts: Sequence[str], n: int) -> str:
    """What stands before the answer to part ``n`` in the text of the whole."""
    return ("\n\n" if n else "") + f"{_asked(question, parts, n)}\n"


def _asked(question: Question, parts: Sequence[str], n: int) -> str:
    """Part ``n`` as it was said, or, where other parts were made of the question, as it was understood."""
    spoken = parted(question.text)
    part = (spoken if len(spoken) == len(parts) else parts)[n]
    part = without_markers(part)
    return f"{part[:1].upper()}{part[1:].rstrip(' ?.!,;')}?"


def together(question: Question, route: Route, parts: Sequence[str], answers: Sequence[Answer]) -> Answer:
    """One answer from those to the parts of a question; citations numbered through.

    Its verdict is None: the parts have their own. It counts as answered if any part is.
    """
    texts: list[str] = []
    citations: list[Citation] = []
    related: list[Citation] = []
    made: list[Part] = []
    answered = any(one.status is Status.ANSWERED for one in answers)
    for n, one in enumerate(answers):
        by = len(citations)
        numbered = tuple(numbered_from(by, one.citations))
        text = renumbered(one.text, by)
        if answered:  # what proves the other parts is listed, and no near passage
            text = text.removesuffix(LISTED_BELOW)
        made.append(Part(_asked(question, parts, n), one.status, one.verdict, text, numbered, one.confidence))
        texts.append(headed(question, parts, n) + text)
        citations += numbered
        related += numbered_from(len(related), one.related[:1])
    return Answer(
        question=question.text,
        status=Status.ANSWERED if answered else Status.NOT_STATED,
        text="".join(texts),
        citations=tuple(citations),
        related=() if answered else tuple(related),
        parts=tuple(made),
        policies=route.policies,
        confidence=min(part.confidence for part in made),
        engine=next((one.engine for one in answers if one.engine != EXTRACTIVE), EXTRACTIVE),
        warnings=tuple(dict.fromkeys(warning for one in answers for warning in one.warnings)),
        id=question.id,
        generation=summed(one.generation for one in answers),
    )


def summed(generations: Iterable[Generation | None]) -> Generation | None:
    """What a chat model did in all; None if there was nothing for it to do."""
    done = [each for each in generations if each]
    if not done:
        return None
    opinions = {each.agrees for each in done} - {None}
    firsts = [each.first_claim_ms for each in done if each.first_claim_ms is not None]
    return replace(
        done[0],
        claims=sum(each.claims for each in done),
        repaired=sum(each.repaired for each in done),
        dropped=sum(each.dropped for each in done),
        agrees=False not in opinions if opinions else None,
        input_tokens=sum(each.input_tokens for each in done),
        output_tokens=sum(each.output_tokens for each in done),
        calls=sum(each.calls for each in done),
        first_claim_ms=min(firsts, default=None),
        failed=next((each.failed for each in done if each.failed), None),
    )


def numbered_from(by: int, citations: Sequence[Citation]) -> list[Citation]:
    """Citations of a text before which there are ``by`` others."""
    return [replace(citation, n=citation.n + by) for citation in citations]


def renumbered(text: str, by: int) -> str:
    """An answer's text whose markers count ``by`` citations before its own."""
    return MARKER.sub(lambda match: f"[{int(match[1]) + by}]", text)
