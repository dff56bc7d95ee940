"""The answer in words, composed from evidence alone: no language model, so nothing can be invented.

The direct answer comes first, then what the policy says, in its own words between quotation marks, each claim with its
marker. What stands outside the quotation marks is this module's own and claims nothing that the quotes do not say.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Protocol

from qa.cues import PERHAPS
from qa.domain import (
    EXTRACTIVE,
    Candidate,
    Candidates,
    Choice,
    Draft,
    Generation,
    Policy,
    Quote,
    Reading,
    Route,
    Span,
    Status,
    Verdict,
)
from qa.text import printable, without_markup
from qa.turning import direct, indirect
from qa.wording import LISTED_BELOW

__all__ = [
    "ExtractiveWriter", "Writer", "Written",
    "cited_for", "company_of", "day_in_words", "in_a_word", "tell", "write", "write_unrouted",
]  # fmt: skip

MOST_CLAIMS = 3
MOST_QUOTES = 4
MOST_RELATED = 3
MOST_CHOICES = 5
NAME_CHARS = 60
SHOWN_CHARS = 260
"""A sentence longer than this is shown with "…" for its less telling clauses."""
MOST_OF_SENTENCE = 0.6
"""A condition that is more of its sentence than this is not named before it."""
READABLE_CHARS = 520
"""A sentence whose needed clauses are longer than this is only referred to."""

_DIRECT = {Verdict.YES: "Yes.", Verdict.NO: "No.", Verdict.CONDITIONAL: "Only in some cases."}
_ALTHOUGH = {
    Verdict.YES: "Yes, although",
    Verdict.NO: "No, although",
    Verdict.CONDITIONAL: "Only in some cases:",
}
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip

_MARKER = re.compile(r"\[(\s*[0-9][0-9,\s]*)\]")
_NEGATION = re.compile(r"\b(?:not|no|never|nor|neither|none|cannot|without)\b|n't\b", re.IGNORECASE)
# A clause with one of these words limits what is said: it may never be left out.
_LIMITS = re.compile(
    r"\b(?:not|no|never|nor|neither|none|cannot|without|unless|except|excluding|only|solely|if|until|but|however|"
    r"provided|although|though|when|where|upon|subject to|other than|consent|permission|required|necessary)\b|n't\b",
    re.IGNORECASE,
)
_MODAL = r"(?:will|may|can|cannot|could|might|must|shall|should|would)\b"
_FINITE = re.compile(
    rf"\b(?:{_MODAL}|is|are|was|were|do|does|did|has|have|had|we|you|it|they|please|never|always|"
    r"(?:allow|collect|disclos|includ|keep|provid|receiv|rent|requir|retain|sell|shar|us)e?s?)\b",
    re.IGNORECASE,
)
_CONDITION, _EXCEPTION = "The condition", "The exception"
# A clause ends with its sentence, or where a main clause begins.
_CLAUSE = r"[^.;:…]{3,160}?(?=$|,\s(?:but|so|and|in which case|we|you)\s)"
_LIMITING = (
    (_EXCEPTION, re.compile(rf"\b(?P<clause>(?:unless|except|other than|excluding)\b{_CLAUSE})", re.IGNORECASE)),
    (
        _CONDITION,
        re.compile(
            rf"(?<=\s)(?<!\bas )(?<!\beven )(?<!\bnot )"
            r"(?P<clause>(?:(?:only )?if|only (?:when|where)|provid(?:ed|ing) (?:that|you|we)|"
            rf"where (?:required|necessary|permitted|(?:we|you) (?:are|have)))\b{_CLAUSE})",
            re.IGNORECASE,
        ),
    ),
    (
        _CONDITION,
        re.compile(
            r"\b(?P<clause>(?:only )?(?:with (?:your|parental|their) (?:\w+ ){0,2}(?:consent|permission|approval)|"
            r"(?:as|when|where|if|to the extent) (?:required|permitted|necessary)(?: (?:by|under) (?:\w+ ){0,2}law)?|"
            r"on a voluntary basis))(?=[,;]|$)",
            re.IGNORECASE,
        ),
    ),
)
# Beside one of these, a condition or an exception is not the only one.
_SECOND_LIMIT = re.compile(
    r"\b(?:unless|except|exceptions?|excluding|only|solely|if|until|but|however|provided|although|without|where|"
    r"subject to|other than|consent|permission)\b",
    re.IGNORECASE,
)
_CONTRAST = re.compile(r"(?:however|but|nevertheless)\b,?\s+", re.IGNORECASE)
# How a sentence leans on the one before it; left out where it is quoted alone.
_LINKING = re.compile(
    r"(?:however|but|nevertheless|additionally|in addition|also|moreover|furthermore|finally|for example|for instance|"
    r"therefore|accordingly|as such|similarly|likewise|and|please note(?:, however,)? that|note that)\b,?\s+(?=\w)",
    re.IGNORECASE,
)
_ASKS_CONTACT = re.compile(r"\b(?:where|write|address|contact|reach|phone|call|fax|e-?mail)\b", re.IGNORECASE)
_FIRST_PERSON = re.compile(r"\b(?:we|us|our|ours|ourselves|i|my)\b", re.IGNORECASE)
# A list item that can stand without the sentence that leads its list in.
_WHOLE_SENTENCE = re.compile(r"(?:We|You|Your|Our|The|This|These|They|It|All|Any|If|When|No|I)\b.*[.!?]\W*$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Written:
    """An answer, or its beginning, as a writer has put it.

    Attributes:
        draft: all of it so far; the text of a later one begins with that of an earlier one.
        engine: who put it into words.
        warnings: what whoever asked should know about the writing.
        certainty: in [0, 1]; what is left of the reader's confidence.
        generation: of a chat model, what it did.
        whole: whether nothing comes behind it; the beginning of an answer is said while the rest is written.
    """

    draft: Draft
    engine: str = EXTRACTIVE
    warnings: tuple[str, ...] = ()
    certainty: float = 1.0
    generation: Generation | None = None
    whole: bool = True


class Writer(Protocol):
    """Puts what was read into words. Thread-safe."""

    def write(self, reading: Reading, candidates: Candidates) -> Iterator[Written]:
        """The answer as it grows, each step with all of it so far, the last one whole; at least one.

        Only proven sentences are in it, since each step is shown.
        """
        ...

    def warm_up(self) -> None:
        """Loads what the first answer needs."""
        ...


class ExtractiveWriter:
    """Composes the answer from the evidence alone, at once."""

    def write(self, reading: Reading, candidates: Candidates) -> Iterator[Written]:  # noqa: ARG002
        """See ``Writer.write``; what is not evidence is not looked at."""
        yield Written(write(reading))

    def warm_up(self) -> None:
        """There is nothing to load."""


def write(reading: Reading) -> Draft:
    """Composes the answer to one question from one policy.

    Raises:
        ValueError: the reading says "answered" without evidence, or has the status of an unrouted question.
    """
    if reading.status is Status.ANSWERED:
        return _answered(reading)
    if reading.status is Status.NOT_STATED:
        return _silent(reading)
    if reading.status is Status.OUT_OF_SCOPE:
        return Draft(_out_of_scope(_company(reading.source.policy)))
    raise ValueError(f"a reading cannot be {reading.status}")


def in_a_word(verdict: Verdict) -> str:
    """The direct answer, e.g. "Only in some cases."; for itself it proves nothing, so a proven sentence follows it."""
    return _DIRECT[verdict]


def tell(reading: Reading, chosen: Sequence[Candidate], *, told: int = 0) -> Draft:
    """What these sentences of the policy say, in its own words and without a direct answer.

    Args:
        reading: which policy that is, and what was asked.
        chosen: any of its sentences.
        told: behind how many sentences on what the policy says it stands.
    """
    text = reading.source.policy.text
    quotes: list[Quote] = []
    sentences: list[str] = []
    for position, claim in enumerate(_claims(replace(reading, evidence=tuple(chosen), leanings=()))):
        first = len(quotes) + 1
        quotes += [Quote(first + n, span.of(text), span) for n, span in enumerate(claim.spans)]
        marks = "".join(f"[{n}]" for n in range(first, len(quotes) + 1))
        opening = (f"{_subject(reading)} says", "It also says", "It adds")[min(told + position, 2)]
        sentences.append(f"{_said(opening, claim.shown, reading.source.policy)} {marks}.")
    return Draft(" ".join(sentences), tuple(quotes))


def cited_for(candidate: Candidate, text: str) -> tuple[Span, ...]:
    """What has to be cited for what one sentence says: itself, and what leads it in."""
    lead_in = _lead_in(candidate, text)
    return _claim(candidate, _shown(candidate.sentence.span, text, ""), lead_in, text, "").spans


def company_of(policy: Policy) -> str:
    """The name of the policy's company, fit to be shown; empty if it has none."""
    return _company(policy)


def write_unrouted(route: Route) -> str:
    """Says why no policy can be chosen, and what to do.

    Raises:
        ValueError: the route has chosen a policy.
    """
    names = _names(route.choices)
    if route.status is Status.UNKNOWN_COMPANY:
        name = _name(route.named or "")
        first = f"I have no policy of {name}." if name else "I have no policy of that company."
        return f"{first} The nearest I have: {names}." if names else first
    if route.status is Status.NEEDS_COMPANY:
        return f"Which company do you mean? For example: {names}." if names else "Which company do you mean?"
    if route.status is Status.OUT_OF_SCOPE:
        return _out_of_scope("")
    raise ValueError("this route has chosen a policy")


def _out_of_scope(company: str) -> str:
    return (
        f"I can only answer questions about privacy policies, for example what {company or 'a company'} collects, "
        "who gets to see it, how long it is kept, or how to opt out."
    )


def _silent(reading: Reading) -> Draft:
    policy = reading.source.policy
    which = f"The {_company(policy)} policy ({_day(policy.archived_on)})" if _company(policy) else "The policy"
    asked = indirect(reading.query, policy.text)
    text = f"{which} does not say {asked}." if asked else f"{which} does not answer this."
    related = tuple(
        Quote(n, span.of(policy.text), span)
        for n, span in enumerate((c.sentence.span for c in reading.related[:MOST_RELATED]), start=1)
    )
    if related:
        text += LISTED_BELOW
    return Draft(text, related=related)


# -- answered ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Claim:
    """What one sentence of the answer says.

    Attributes:
        shown: plain words of the policy; empty if they are too long to repeat.
        spans: what is cited for it, best first.
        index: position of the evidence among the policy's sentences.
        lead_in: for list items, the lead-in that ``shown`` begins with.
        contrasts: the sentence begins with "However" or the like.
        leaning: the verdict that it gives if read alone, where that is clear.
    """

    shown: str
    spans: tuple[Span, ...]
    index: int
    lead_in: Span | None = None
    contrasts: bool = False
    leaning: Verdict | None = None


def _answered(reading: Reading) -> Draft:
    if not reading.evidence:
        raise ValueError("an answer needs evidence")
    text = reading.source.policy.text
    claims = _claims(reading)
    opposed = _opposed(claims, reading.verdict)
    if opposed:
        claims = [*opposed, *(claim for claim in claims if claim not in opposed)]
    quotes: list[Quote] = []
    marks: list[str] = []
    for claim in claims:
        first = len(quotes) + 1
        quotes += [Quote(first + n, span.of(text), span) for n, span in enumerate(claim.spans)]
        marks.append("".join(f"[{n}]" for n in range(first, len(quotes) + 1)))
    sentences, told = _answer(reading, claims, marks, opposed=bool(opposed))
    sentences += _told(reading, claims, marks, told)
    return Draft(" ".join(sentences), tuple(quotes))


def _answer(reading: Reading, claims: list[_Claim], marks: list[str], *, opposed: bool) -> tuple[list[str], int]:
    """The direct answer, and how many claims it has told in full."""
    first, verdict = claims[0], reading.verdict
    if verdict is None:
        fact = _fact(reading, first)
        # "Phone: …" says no more than its number does
        return ([f"{fact} {marks[0]}."], int(_is_fragment(first.shown))) if fact else ([], 0)
    if opposed:
        says = f"{_subject(reading)} says both"
        both = f'"{first.shown}" {marks[0]} and "{claims[1].shown}" {marks[1]}.'
        return [f"{_ALTHOUGH[verdict]} {says} {both}"], 2
    if verdict is Verdict.CONDITIONAL:
        named = _named_condition(first.shown, reading.query)
        return [f"{named} {marks[0]}." if named else _DIRECT[verdict]], 0
    return [_turned(reading, first.shown, verdict) or _DIRECT[verdict]], 0


def _turned(reading: Reading, shown: str, verdict: Verdict) -> str:
    """The answer in the question's terms; nothing where the quote is that answer already, or cannot be shown."""
    policy = reading.source.policy
    asked, told = (_stems(_one_spelling(words)) for words in (reading.query, shown))
    if not shown or (_woven(shown, policy) and asked <= told):
        return ""
    if verdict is Verdict.NO and _LIMITS.search(shown) and not _NEGATION.search(shown):
        return ""  # "only if you asked for it" may mean no, but does not say "it will not"
    return direct(reading.query, policy.text, verdict, perhaps=bool(PERHAPS.search(shown)))


def _told(reading: Reading, claims: list[_Claim], marks: list[str], told: int) -> list[str]:
    """The policy's words, claim by claim, from number ``told`` on; names and addresses in a row make one sentence."""
    sentences: list[str] = []
    listing = False
    for position in range(told, len(claims)):
        shown = claims[position].shown
        fragment = _is_fragment(shown)
        if fragment and listing:
            sentences[-1] = f'{sentences[-1][:-1]}, "{shown}" {marks[position]}.'
        else:
            said = _said(_opening(claims, position, reading), shown, reading.source.policy)
            sentences.append(f"{said} {marks[position]}.")
        listing = fragment
    return sentences


def _opposed(claims: list[_Claim], verdict: Verdict | None) -> list[_Claim]:
    """The best claim that says yes and the best that says no, where there are both; that of the verdict first."""
    if verdict is None:
        return []
    pair = [
        next((one for one in claims if one.leaning is way and one.shown and not _is_fragment(one.shown)), None)
        for way in (Verdict.YES, Verdict.NO)
    ]
    found = [one for one in pair if one is not None]
    if len(found) != 2:
        return []
    return sorted(found, key=lambda one: (one.leaning is not verdict, claims.index(one)))


def _fact(reading: Reading, claim: _Claim) -> str:
    """What an open question asks for, in as few words as the claim allows; nothing if no such words stand out."""
    from qa.facts import named_fact, value_fact  # its many patterns are not needed for yes and no

    text = reading.source.policy.text
    value = value_fact(reading.query, " ".join(without_markup(span.of(text)) for span in claim.spans))
    if value:
        return value
    fact = None if _is_fragment(claim.shown) else named_fact(reading.query, claim.shown)
    return f'{fact.ours} "{fact.quoted}"'.lstrip() if fact else ""


def _claims(reading: Reading) -> list[_Claim]:
    """At most MOST_CLAIMS claims with MOST_QUOTES quotes; items of one list become one claim."""
    text = reading.source.policy.text
    claims: list[_Claim] = []
    seen: set[str] = set()
    left = MOST_QUOTES
    for candidate, leaning in zip_longest(reading.evidence, reading.leanings[: len(reading.evidence)]):
        own = candidate.sentence.span
        key = without_markup(own.of(text)).casefold()
        if not key or key in seen or any(own == claim.lead_in for claim in claims):
            continue
        seen.add(key)
        shown = _shown(own, text, reading.query)
        lead_in = _needed_lead_in(candidate, text)
        joins = next((i for i, one in enumerate(claims) if lead_in and lead_in in (one.lead_in, one.spans[0])), None)
        if joins is not None:
            room = READABLE_CHARS - len(claims[joins].shown)
            if left and shown and claims[joins].shown and len(shown) < room:
                joined = _with_item(claims[joins], own, shown, lead_in, text)
                agrees = joined.leaning in {leaning, None} or leaning is None
                claims[joins] = replace(joined, leaning=(joined.leaning or leaning) if agrees else None)
                left -= 1
            continue
        claim = replace(_claim(candidate, shown, lead_in, text, reading.query), leaning=leaning)
        if len(claims) == MOST_CLAIMS or len(claim.spans) > left:
            break
        claims.append(claim)
        left -= len(claim.spans)
    return claims


def _claim(candidate: Candidate, shown: str, lead_in: Span | None, text: str, query: str) -> _Claim:
    own = candidate.sentence.span
    if lead_in is None:
        linking = _LINKING.match(shown)
        quoted = shown[linking.end() :] if linking else shown
        return _Claim(quoted, (own,), candidate.index, contrasts=bool(_CONTRAST.match(shown)))
    adjacent = _adjacent(lead_in, own, text)
    leading = _shown(lead_in, text, query).removesuffix(" …")
    if not leading or not shown:
        return _Claim("", (own, lead_in), candidate.index, lead_in)
    joined = f"{leading} {shown}" if adjacent else f"{leading} … {shown}"
    if adjacent and lead_in.end - lead_in.start <= own.end - own.start:
        return _Claim(joined, (Span(lead_in.start, own.end),), candidate.index, lead_in)
    return _Claim(joined, (own, lead_in), candidate.index, lead_in)


def _with_item(claim: _Claim, own: Span, shown: str, lead_in: Span | None, text: str) -> _Claim:
    """The claim with one more item of its list, or with the first one where it was the lead-in alone."""
    head = claim.shown.removesuffix(" …").rstrip(" ,;.")
    joint = " " if claim.lead_in is None and lead_in and _adjacent(lead_in, own, text) else " … "
    return replace(claim, shown=head + joint + shown, spans=(*claim.spans, own), lead_in=lead_in)


def _adjacent(lead_in: Span, item: Span, text: str) -> bool:
    return lead_in.end <= item.start and not without_markup(text[lead_in.end : item.start])


def _lead_in(candidate: Candidate, text: str) -> Span | None:
    lead_in = candidate.sentence.lead_in
    return lead_in if lead_in and 0 <= lead_in.start < lead_in.end <= len(text) else None


def _needed_lead_in(candidate: Candidate, text: str) -> Span | None:
    """The item's lead-in, unless the item says the same without it."""
    lead_in = _lead_in(candidate, text)
    if lead_in is None:
        return None
    item = without_markup(candidate.sentence.span.of(text))
    stands_alone = bool(_WHOLE_SENTENCE.match(item)) and not _LIMITS.search(without_markup(lead_in.of(text)))
    return None if stands_alone else lead_in


def _opening(claims: list[_Claim], position: int, reading: Reading) -> str:
    """How the sentence for one claim begins, e.g. "It also says"."""
    if position == 0:
        return f"{_subject(reading)} says"
    claim, previous = claims[position], claims[position - 1]
    negative = [bool(_NEGATION.search(one.shown)) for one in (claims[0], claim)]
    if claim.contrasts or (reading.verdict is Verdict.CONDITIONAL and position == 1 and negative[0] != negative[1]):
        return "But it also says"
    if position == 1:
        return "It goes on" if claim.index == previous.index + 1 else "It also says"
    return "It adds"


def _subject(reading: Reading) -> str:
    return _company(reading.source.policy) or "The policy"


def _said(opening: str, shown: str, policy: Policy) -> str:
    """One sentence that reports the policy's words, without its full stop."""
    if not shown:
        return "The policy's own words on this are too long to repeat here"
    if _is_fragment(shown):
        return f'The policy lists: "{shown}"'
    woven = _woven(shown, policy) if opening.endswith("says") else ""
    return f'{opening} it "{woven}"' if woven else f'{opening}: "{shown}"'


def _woven(shown: str, policy: Policy) -> str:
    """What follows the policy's name for its company, where the rest speaks of no "we": "will not sell your data"."""
    subject = "|".join(re.escape(name) for name in ("We", policy.company, policy.domain) if name)
    match = re.match(rf"(?:{subject})\s+({_MODAL}.*)$", shown, re.IGNORECASE | re.DOTALL)
    return match.group(1) if match and not _FIRST_PERSON.search(match.group(1)) else ""


def _named_condition(shown: str, query: str) -> str:
    """The answer with the one condition or exception that a sentence names behind what it says.

    Nothing if there are several, or if it may be the condition that the question itself made.
    """
    found = {match.group("clause"): label for label, pattern in _LIMITING for match in pattern.finditer(shown)}
    for inner in [one for one in found if any(one in other and one != other for other in found)]:
        del found[inner]  # "except as required by law" is one limit
    if len(found) != 1:
        return ""
    ((clause, label),) = found.items()
    if shown.startswith(clause) or (label == _CONDITION and re.search(r"\bif\b", query, re.IGNORECASE)):
        return ""
    rest = shown.replace(clause, " ", 1)
    if len(clause) > MOST_OF_SENTENCE * len(shown) or "…" in clause or clause.count("(") != clause.count(")"):
        return ""
    if re.search(r"\s(?:without|unless|until|except)\b", clause, re.IGNORECASE):
        return ""
    # A negation turns a condition around ("not if …"), an exception not.
    if _SECOND_LIMIT.search(rest) or (label == _CONDITION and _NEGATION.search(rest)):
        return ""
    return f'Only in some cases. {label}: "{clause}"'


def _is_fragment(shown: str) -> bool:
    """Whether this is a name, an address or the like rather than a sentence."""
    words = shown.split()
    address = bool(re.search(r"[\d@]", shown)) and not any(word[0].islower() and "@" not in word for word in words)
    return (len(words) <= 4 or (len(words) <= 10 and address)) and not _FINITE.search(shown)


def _shown(span: Span, text: str, query: str) -> str:
    """A sentence's plain words, fit to stand between quotation marks, shortened; empty if too long to repeat."""
    words = printable(without_markup(span.of(text)))
    words = re.sub(r"[\"“”„‟″«»]", "'", words)
    words = _MARKER.sub(r"(\1)", words)  # the policy's own footnotes are no markers of ours
    words = re.sub(r"[\s.,;]{1,3}(?:and|or)$", "", words).rstrip(" .,;")  # "…; and" ends a list item
    return _shortened(words + " …" if words.endswith(":") else words, query)


def _shortened(words: str, query: str) -> str:
    """The words without their less telling clauses; whatever limits or negates the statement stays."""
    if len(words) <= SHOWN_CHARS:
        return words
    clauses = _clauses(words)
    stems = _stems(query)
    asks_contact = bool(_ASKS_CONTACT.search(query))
    telling = {
        i
        for i, clause in enumerate(clauses)
        if _LIMITS.search(clause) or stems & _stems(clause) or (asks_contact and re.search(r"[\d@]", clause))
    }
    telling.update([i for i, clause in enumerate(clauses) if re.search(_MODAL, clause)][:1])
    kept: set[int] = set()
    length = 0
    for i, clause in enumerate(clauses):
        if length < SHOWN_CHARS // 2 or i in telling:
            kept.add(i)
            length += len(clause) + 1
    for i, clause in enumerate(clauses):
        if i not in kept and length + len(clause) < SHOWN_CHARS:
            kept.add(i)
            length += len(clause) + 1
    if length > READABLE_CHARS:
        return words if len(words) <= READABLE_CHARS else ""
    out = ""
    for i, clause in enumerate(clauses):
        if i in kept:
            out += clause + " "
        elif not out.endswith("… "):
            out = out.rstrip(" ,;:") + " … "
    return out.strip()


def _clauses(words: str) -> list[str]:
    """The stretches between commas, semicolons and colons; what stands in brackets is never cut."""
    clauses: list[str] = []
    depth = 0
    for piece in re.split(r"(?<=[,;:])\s+", words):
        if depth > 0:
            clauses[-1] += " " + piece
        else:
            clauses.append(piece)
        depth = max(0, depth + piece.count("(") - piece.count(")"))
    return clauses


def _one_spelling(words: str) -> str:
    return re.sub(r"\be-mail", "email", words, flags=re.IGNORECASE)


def _stems(words: str) -> set[str]:
    return {word[:5] for word in re.findall(r"[a-z]{4,}", words.casefold())} - _COMMON_STEMS


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


_COMMON_STEMS = frozenset(
    word[:5]
    for word in _words("""
        about after also been before could does doing from have information into just like long many more much must only
        other people personal data privacy policy shall should site some such that their them then there these they this
        those through used website were what when where which while whom will with would your yours
    """)
)


# -- names -------------------------------------------------------------------------------------------------------------


def _company(policy: Policy) -> str:
    return _name(policy.company) or _name(policy.domain)


def _names(choices: tuple[Choice, ...]) -> str:
    names = list(dict.fromkeys(name for choice in choices if (name := _name(choice.label))))
    shown = ", ".join(names[:MOST_CHOICES])
    more = len(names) - MOST_CHOICES
    return f"{shown} and {more} more" if more > 0 else shown


def _name(label: str) -> str:
    """A name that others chose, in one line, without what Markdown, HTML or a marker could be made of."""
    return printable(re.sub(r"[\[\]<>`*_|\\{}\"]", " ", printable(label)), NAME_CHARS)


def day_in_words(day: dt.date) -> str:
    """A day as answers say it, e.g. "6 March 2011"."""
    return _day(day)


def _day(day: dt.date) -> str:
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"
