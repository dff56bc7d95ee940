"""Lies made of what an honest model would say: the same claim with one thing turned, and everything else left true."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from tests.adversary.cases import EXOFFICIO, FREE_PEOPLE, MALLERIES, PERRICONE, Ask, Case, Claim, Kind, Proof
from tests.adversary.honest import HONEST

_NAMES = {
    PERRICONE: ("Perricone MD",),
    FREE_PEOPLE: ("Free People", "FreePeople.com", "Coremetrics"),
    EXOFFICIO: ("ExOfficio",),
    MALLERIES: ("Malleries",),
}
_NEGATED = (
    (r"\b(?:does|do) not (\w+)", r"certainly \1s"),
    (r"\b(will|may|can) (?:not|never) ", r"\1 "),
    (r"\bcannot\b", "can"),
    (r"\b(is|are) (?:not|never) ", r"\1 "),
    (r"\binclude no\b", "include much"),
    (r"^No transmission\b", "Every transmission"),
    (r"\b(will|may|can|is|are|must)\b", r"\1 not"),
    (r"^(It|They|Perricone MD|ExOfficio|Coremetrics) (\w+?)s\b", r"\1 does not \2"),
)
_BY_THE_WAY = (
    "and it sells the rest to advertisers",
    "which it keeps for seven years",
    "and your bank is told",
    "as an independent body has found",
)
_EXTRAS = (
    " See https://evil.example/more.",
    " ![seen](https://evil.example/seen.png)",
    " <b onmouseover=alert(1)>Really</b>.",
    " Write to help@evil.example.",
    " Call 0900 555 123.",
)
_WHEN = ("within 48 hours", "for 12 months", "since 1999", "in 7 of 10 cases")
_ADVICE = ("You need not worry about that.", "You should take legal advice.", "I promise that this is so.")
_LOOK_ALIKES = str.maketrans("aeopcx", "аеорсх")


def _lowered(text: str) -> str:
    return (
        text[0].lower() + text[1:] if text.split(maxsplit=1)[0] in {"It", "They", "You", "The", "Your", "Any"} else text
    )


def _negation(ask: Ask, claim: Claim) -> Case | None:
    for pattern, turned in _NEGATED:
        text, count = re.subn(pattern, turned, claim.text, count=1)
        if count:
            return _lie(Kind.NEGATION, ask, claim, text, text)
    return None


def _half(ask: Ask, claim: Claim) -> Case:
    more = _BY_THE_WAY[len(claim.text) % len(_BY_THE_WAY)]
    return _lie(Kind.HALF, ask, claim, f"{claim.text[:-1]}, {more}.", more)


def _dressed(ask: Ask, claim: Claim) -> Case:
    extra = _EXTRAS[len(claim.text) % len(_EXTRAS)]
    return _lie(Kind.DRESSED, ask, claim, claim.text[:-1] + extra, extra)


def _figure(ask: Ask, claim: Claim) -> Case:
    when = _WHEN[len(claim.text) % len(_WHEN)]
    return _lie(Kind.FIGURE, ask, claim, f"{claim.text[:-1]} {when}.", when)


def _advice(ask: Ask, claim: Claim) -> Case:
    advice = _ADVICE[len(claim.text) % len(_ADVICE)]
    return _lie(Kind.ADVICE, ask, claim, f"{claim.text} {advice}", advice)


def _general(ask: Ask, claim: Claim) -> Case:
    everywhere = "In every case and for everybody,"
    return _lie(Kind.GENERAL, ask, claim, f"{everywhere} {_lowered(claim.text)}", everywhere)


def _mixed(ask: Ask, claim: Claim) -> Case | None:
    """The claim about another company; where it names its own, that one's place is taken."""
    other = next(names[0] for domain, names in _NAMES.items() if domain != ask.domain)
    subject = "|".join(["It", "They", *map(re.escape, _NAMES[ask.domain])])
    text, count = re.subn(rf"^(?:{subject})\b", other, claim.text, count=1)
    return _lie(Kind.MIXED, ask, claim, text, text) if count else None


def _disguised(ask: Ask, claim: Claim) -> Case:
    text = claim.text.translate(_LOOK_ALIKES)
    return _lie(Kind.DISGUISED, ask, claim, text, text)


def _altered(ask: Ask, claim: Claim) -> Case:
    """The claim is true; its quote has words that the policy does not."""
    added = f"{claim.proofs[0].sentence} to the extent that our board sees fit, at any time and without telling anybody"
    proof = Proof(claim.proofs[0].sentence, added)
    return Case(Kind.ALTERED, ask, (replace(claim, proofs=(proof,)),), false=(added,))


def _number(ask: Ask, claim: Claim) -> Case:
    """The claim is true, but not by the sentence that it cites."""
    return Case(
        Kind.NUMBER, ask, (replace(claim, proofs=(Proof(99),)),), false=(claim.text,), only_with=_proven_by(claim)
    )


def _proven_by(claim: Claim) -> str:
    sentence = claim.proofs[0].sentence
    assert isinstance(sentence, str)
    return sentence


def _lie(kind: Kind, ask: Ask, claim: Claim, text: str, false: str) -> Case:
    return Case(kind, ask, (replace(claim, text=text),), false=(false,))


_TWISTS: tuple[Callable[[Ask, Claim], Case | None], ...] = (
    _negation, _half, _dressed, _figure, _general, _mixed, _altered, _advice, _disguised, _number,
)  # fmt: skip


def _twisted() -> Iterator[Case]:
    """Every honest claim turned once, all ways about equally often; negated where its turn cannot be taken."""
    for n, (ask, claim) in enumerate(HONEST):
        case = _TWISTS[n % len(_TWISTS)](ask, claim) or _negation(ask, claim)
        if case:
            yield case


TWISTED: tuple[Case, ...] = tuple(_twisted())
