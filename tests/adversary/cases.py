"""What a chat model that cannot be trusted is asked, and what it says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

PERRICONE, FREE_PEOPLE, EXOFFICIO, MALLERIES = "perriconemd.com", "freepeople.com", "exofficio.com", "malleries.com"

_FALSE = re.compile(r"⟦(.*?)⟧", re.DOTALL)


class Kind(StrEnum):
    """What is wrong with what the model says."""

    FABRICATED = "fabricated quote"
    ALTERED = "altered quote"
    NUMBER = "wrong sentence number"
    UNRELATED = "true sentence, unrelated claim"
    MIXED = "another company's policy"
    NEGATION = "negation dropped or added"
    CONDITION = "condition dropped or added"
    PARTY = "parties swapped"
    FIGURE = "figures, dates and ages changed"
    GENERAL = "generalised"
    KNOWLEDGE = "from its own knowledge"
    VERDICT = "opposite verdict"
    REPEATED = "repeated"
    DRESSED = "links, markers, markup, addresses"
    ADVICE = "advice and promises"
    HALF = "half of it proven"
    GLUED = "quote glued from two places"
    DISGUISED = "look-alikes and invisible characters"
    SHAPE = "broken, huge or no JSON"


@dataclass(frozen=True)
class Ask:
    """A question about one of the samples."""

    domain: str
    question: str
    history: tuple[str, ...] = ()


@dataclass(frozen=True)
class Proof:
    """What the model gives as proof.

    Attributes:
        sentence: words that the sentence has whose number it gives, or what it gives for a number.
        quote: what it says stands there; None for the sentence itself.
    """

    sentence: str | int
    quote: str | None = None


@dataclass(frozen=True)
class Claim:
    """One claim of a reply."""

    text: str
    proofs: tuple[Proof, ...]


@dataclass(frozen=True)
class Case:
    """A reply, and what of it nobody may ever see.

    Attributes:
        verdict: the verdict that the model gives; "" for the reader's own.
        reply: the whole reply where it is not made of claims; ``<n:words>`` stands for the number of the sentence with
            these words.
        false: what must not be shown as an answer's own words or as a quote: plain text, compared after folding.
        only_with: where set, ``false`` may be shown if a citation of its sentence has these words.
    """

    kind: Kind
    ask: Ask
    claims: tuple[Claim, ...] = ()
    verdict: str = ""
    reply: str = ""
    false: tuple[str, ...] = ()
    only_with: str = ""

    @property
    def title(self) -> str:
        """Names the case in a failing test."""
        said = self.reply[:80] or " / ".join(claim.text for claim in self.claims)[:120]
        return f"{self.kind}: {self.ask.domain}: {self.ask.question} {said!r}"


def unmarked(text: str) -> str:
    """What the model says, without the brackets around what is false of it."""
    return text.replace("⟦", "").replace("⟧", "")


def marked(*texts: str) -> tuple[str, ...]:
    """What stands in brackets: the false parts."""
    return tuple(part for text in texts for part in _FALSE.findall(text))


def lie(
    kind: Kind,
    ask: Ask,
    text: str,
    sentence: str | int,
    quote: str | None = None,
    *,
    verdict: str = "",
    false: tuple[str, ...] = (),
    only_with: str = "",
) -> Case:
    """One claim with one proof; what is false of either stands in double brackets."""
    proof = Proof(sentence, None if quote is None else unmarked(quote))
    said = Claim(unmarked(text), (proof,))
    return Case(kind, ask, (said,), verdict, false=(*marked(text, quote or ""), *false), only_with=only_with)


def lies(kind: Kind, ask: Ask, *claims: tuple[str, str | int], verdict: str = "") -> Case:
    """Several claims, each with the sentence that it cites."""
    said = tuple(Claim(unmarked(text), (Proof(sentence),)) for text, sentence in claims)
    return Case(kind, ask, said, verdict, false=marked(*(text for text, _ in claims)))


def reply(kind: Kind, ask: Ask, text: str, *, false: tuple[str, ...] = ()) -> Case:
    """A reply as it stands, whatever it is."""
    return Case(kind, ask, reply=unmarked(text), false=(*marked(text), *false))


class P:
    """Questions about Perricone MD."""

    SELL = Ask(PERRICONE, "do they sell my personal information?")
    SHARE = Ask(PERRICONE, "do they share my information with third parties?")
    COOKIES = Ask(PERRICONE, "what do they use cookies for?")
    TRACK = Ask(PERRICONE, "what do cookies track?")
    BEACONS = Ask(PERRICONE, "are web beacons tied to my personal information?")
    CHILDREN = Ask(PERRICONE, "can children under 13 buy something?")
    UNDER_13 = Ask(PERRICONE, "what happens if a child under 13 registers?")
    CARD = Ask(PERRICONE, "is my credit card number encrypted?")
    OPT_OUT = Ask(PERRICONE, "how do I opt out of newsletters?")
    COURT = Ask(PERRICONE, "do they disclose my data to the police or courts?")
    CHANGES = Ask(PERRICONE, "how will I know when the policy changes?")
    ORDER = Ask(PERRICONE, "what information do they collect when I order?")
    PROMOTIONS = Ask(PERRICONE, "do they use my information for promotions?")
    LINKS = Ask(PERRICONE, "are they responsible for other sites they link to?")
    GUARANTEE = Ask(PERRICONE, "can they guarantee that my data is secure?")
    OWNER = Ask(PERRICONE, "who owns the information collected on the site?")
    TWO = Ask(PERRICONE, "do they sell my personal information, and do they use cookies?")
    PROVIDERS = Ask(PERRICONE, "may their service providers disclose my information?")


class F:
    """Questions about Free People."""

    SELL = Ask(FREE_PEOPLE, "do they sell my email address?")
    RENT = Ask(FREE_PEOPLE, "will you rent my e-mail address?")
    COLLECT = Ask(FREE_PEOPLE, "what information do they collect?")
    DELETE = Ask(FREE_PEOPLE, "can I delete my personal information?")
    HOW_DELETE = Ask(FREE_PEOPLE, "how do I delete my information?")
    CARD = Ask(FREE_PEOPLE, "does Coremetrics collect my credit card?")
    OPT_OUT = Ask(FREE_PEOPLE, "can I opt out of Coremetrics?")
    AGE = Ask(FREE_PEOPLE, "how old must I be to use the site?")
    KIDS = Ask(FREE_PEOPLE, "can kids under 13 submit personal information?")
    ENCRYPTED = Ask(FREE_PEOPLE, "is my order encrypted?")
    MONITOR = Ask(FREE_PEOPLE, "do they track how I use the site?")
    PURPOSE = Ask(FREE_PEOPLE, "does Coremetrics use data for other purposes?")
    COOKIES = Ask(FREE_PEOPLE, "do you put cookies on my computer?")
    TWO = Ask(FREE_PEOPLE, "do they sell my email address, and can I delete my personal information?")
    AFTER = Ask(FREE_PEOPLE, "and do they rent it?", ("do they sell my email address?",))
    FAMILY = Ask(FREE_PEOPLE, "do you share my information within the corporate family?")
    RECORD = Ask(FREE_PEOPLE, "do you keep a record of my purchases?")


class E:
    """Questions about ExOfficio."""

    SELL = Ask(EXOFFICIO, "do they sell my personal information?")
    RENT = Ask(EXOFFICIO, "do you rent my information to outside parties?")
    ORDER = Ask(EXOFFICIO, "what do they need when I order?")
    STORED = Ask(EXOFFICIO, "is my credit card number stored online?")
    COOKIES = Ask(EXOFFICIO, "do they use cookies?")
    TESTIMONIAL = Ask(EXOFFICIO, "is my testimonial shown publicly?")
    RESELLERS = Ask(EXOFFICIO, "do resellers display my testimonials?")
    HIDE = Ask(EXOFFICIO, "can I hide my e-mail address with my testimonial?")
    CONTEST = Ask(EXOFFICIO, "do they collect my email when I enter a contest?")
    CHANGES = Ask(EXOFFICIO, "how are policy changes announced?")
    ENCRYPTED = Ask(EXOFFICIO, "is my order encrypted?")
    UPDATE = Ask(EXOFFICIO, "what do I need to give for the Insider Update?")
    TRAFFIC = Ask(EXOFFICIO, "why do you monitor traffic patterns?")
    STATISTICS = Ask(EXOFFICIO, "do statistics include personally identifying information?")


class M:
    """Questions about Malleries."""

    SELL = Ask(MALLERIES, "is my information sold or rented?")
    ACQUIRED = Ask(MALLERIES, "what happens to my data if the company is acquired?")
    MERGER = Ask(MALLERIES, "do you transfer my information in a merger?")
    COOKIE = Ask(MALLERIES, "do cookies contain my email address?")
    EMAIL = Ask(MALLERIES, "is e-mail a secure way to send my credit card number?")
    UNSUBSCRIBE = Ask(MALLERIES, "how do I unsubscribe from promotional emails?")
    DAYS = Ask(MALLERIES, "how long does it take to be removed from the mailing list?")
    STAFF = Ask(MALLERIES, "may employees see my personal information?")
    REGISTER = Ask(MALLERIES, "what information do I give when I register?")
    CATALOGS = Ask(MALLERIES, "do they send me catalogs by mail?")
    EFFECT = Ask(MALLERIES, "when do changes to the policy take effect?")
    POLICE = Ask(MALLERIES, "do they share information with law enforcement?")
    ACCOUNT = Ask(MALLERIES, "can I change my account information?")
    PROMOTIONS = Ask(MALLERIES, "will I get promotional e-mails?")
    STORED = Ask(MALLERIES, "how are my account data stored for future use?")
