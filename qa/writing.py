"""The answer in words, composed from evidence alone: no language model, so nothing can be invented.

The direct answer comes first, then what the policy says, in its own words between quotation marks, each claim with its
marker. What stands outside the quotation marks is this module's own and claims nothing that the quotes do not say.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, replace

from qa.domain import Candidate, Choice, Draft, Policy, Quote, Reading, Route, Span, Status, Verdict
from qa.text import printable, without_markup
from qa.wording import is_common

__all__ = ["write", "write_unrouted"]

MOST_CLAIMS = 3
MOST_QUOTES = 4
MOST_RELATED = 3
MOST_CHOICES = 5
NAME_CHARS = 60
SHOWN_CHARS = 260
"""A sentence longer than this is shown with "…" for its less telling clauses."""
READABLE_CHARS = 520
"""A sentence whose needed clauses are longer than this is only referred to."""

_DIRECT = {Verdict.YES: "Yes.", Verdict.NO: "No.", Verdict.CONDITIONAL: "Only in some cases."}
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
    indirect = _indirect(reading.query, policy.text)
    text = f"{which} does not say {indirect}." if indirect else f"{which} does not answer this."
    related = tuple(
        Quote(n, span.of(policy.text), span)
        for n, span in enumerate((c.sentence.span for c in reading.related[:MOST_RELATED]), start=1)
    )
    if related:
        text += " The closest passages are listed below."
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
    """

    shown: str
    spans: tuple[Span, ...]
    index: int
    lead_in: Span | None = None
    contrasts: bool = False


def _answered(reading: Reading) -> Draft:
    if not reading.evidence:
        raise ValueError("an answer needs evidence")
    policy = reading.source.policy
    claims = _claims(reading)
    quotes: list[Quote] = []
    sentences = [] if reading.verdict is None else [_DIRECT[reading.verdict]]
    for position, claim in enumerate(claims):
        marks = ""
        for span in claim.spans:
            quotes.append(Quote(len(quotes) + 1, span.of(policy.text), span))
            marks += f"[{len(quotes)}]"
        if position == 0 and reading.verdict is None:
            fact = _fact(reading.query, without_markup(claim.spans[0].of(policy.text)))
            if fact:
                sentences.append(f"{fact} {marks}.")
            if fact and _is_fragment(claim.shown):  # "Phone: …" says no more than its number does
                continue
        opening = _opening(claims, position, reading)
        sentences.append(f"{_said(opening, claim.shown, policy)} {marks}.")
    return Draft(" ".join(sentences), tuple(quotes))


def _claims(reading: Reading) -> list[_Claim]:
    """At most MOST_CLAIMS claims with MOST_QUOTES quotes; items of one list become one claim."""
    text = reading.source.policy.text
    claims: list[_Claim] = []
    seen: set[str] = set()
    left = MOST_QUOTES
    for candidate in reading.evidence:
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
                claims[joins] = _with_item(claims[joins], own, shown, lead_in, text)
                left -= 1
            continue
        claim = _claim(candidate, shown, lead_in, text, reading.query)
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


def _needed_lead_in(candidate: Candidate, text: str) -> Span | None:
    """The item's lead-in, unless the item says the same without it."""
    lead_in = candidate.sentence.lead_in
    if lead_in is None or not 0 <= lead_in.start < lead_in.end <= len(text):
        return None
    item = without_markup(candidate.sentence.span.of(text))
    stands_alone = bool(_WHOLE_SENTENCE.match(item)) and not _LIMITS.search(without_markup(lead_in.of(text)))
    return None if stands_alone else lead_in


def _opening(claims: list[_Claim], position: int, reading: Reading) -> str:
    """How the sentence for one claim begins, e.g. "It also says"."""
    if position == 0:
        return f"{_company(reading.source.policy) or 'The policy'} says"
    claim, previous = claims[position], claims[position - 1]
    negative = [bool(_NEGATION.search(one.shown)) for one in (claims[0], claim)]
    if claim.contrasts or (reading.verdict is Verdict.CONDITIONAL and position == 1 and negative[0] != negative[1]):
        return "But it also says"
    if position == 1:
        return "It goes on" if claim.index == previous.index + 1 else "It also says"
    return "It adds"


def _said(opening: str, shown: str, policy: Policy) -> str:
    """One sentence that reports the policy's words, without its full stop."""
    if not shown:
        return "The policy's own words on this are too long to repeat here"
    if _is_fragment(shown):
        return f'The policy lists: "{shown}"'
    subject = "|".join(re.escape(name) for name in ("We", policy.company, policy.domain) if name)
    match = re.match(rf"(?:{subject})\s+({_MODAL}.*)$", shown, re.IGNORECASE | re.DOTALL)
    if match and opening.endswith("says") and not _FIRST_PERSON.search(match.group(1)):
        return f'{opening} it "{match.group(1)}"'
    return f'{opening}: "{shown}"'


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
    telling = {
        i
        for i, clause in enumerate(clauses)
        if _LIMITS.search(clause)
        or stems & _stems(clause)
        or (_ASKS_CONTACT.search(query) and re.search(r"[\d@]", clause))
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


# -- the fact itself, for open questions -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _FactRule:
    """Questions that ask for one kind of value, and what such a value looks like in a sentence.

    Attributes:
        firm: the value is the same whatever the sentence says about it (an address), unlike a duration.
    """

    asks: re.Pattern[str]
    value: re.Pattern[str]
    firm: bool = False


_RELATIVE = re.compile(
    r"\b(?:not|no|never|without|cannot|unless|until|except|however|longer|but)\b|n't\b", re.IGNORECASE
)
_NUMBER = (
    r"(?:\d[\d,.]*|one|two|three|four|five|six|seven|eight|nine|ten|twelve|fourteen|thirty|sixty|ninety|a|an)"
    r"(?:\s?\(\d+\))?"
)
_FACTS = (
    _FactRule(
        re.compile(
            r"\be-?mail|\bcontact\b|\bwrite\b|\breach\b|\bemial\b|get in touch|\bwho(?:m)? (?:do|can|should)\b", re.I
        ),
        re.compile(r"[\w.+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})*\.[A-Za-z]{2,24}\b"),
        firm=True,
    ),
    _FactRule(
        re.compile(r"\bphone\b|\bcall\b|\bring\b|\btelephone\b|\bnumber\b|\btoll.free\b", re.I),
        re.compile(r"(?<![\w/])\+?(?:\(?\d{1,4}\)?[ .-]{0,2}){2,5}\d{3,5}(?![\w/-])"),
        firm=True,
    ),
    _FactRule(
        re.compile(r"\bhow (?:long|soon|quick|fast|many (?:days|weeks|months|years))|\bretention|expir", re.I),
        re.compile(
            r"(?:(?:up to|at least|at most|under|over|less than|more than|every|within|for|after|approximately|about|"
            r"no (?:more|longer|later) than|a (?:maximum|minimum) of) )?"
            rf"(?:{_NUMBER}[\s-](?:(?:business|working|calendar) )?(?:minute|hour|day|week|month|year)s?\b|"
            r"indefinitely\b)",
            re.I,
        ),
    ),
    _FactRule(
        re.compile(r"^\W*(?:and |so )?how (?:old|young)\b|\b(?:what|minimum|min) age\b|\bage limit\b", re.I),
        re.compile(
            r"(?:(?:under|over|below|above|at least|younger than|older than) )?(?:the age of |age )?"
            r"(?:\d{1,2}|thirteen|fourteen|sixteen|eighteen)\b(?: years?(?: of age| old)?)?"
            r"(?: (?:or|and) (?:older|over|above|younger|under))?",
            re.I,
        ),
        firm=True,
    ),
    _FactRule(
        re.compile(
            r"\bwhen\b.*\b(?:updat|chang|revis|modif|effect|written|last)|\b(?:effective|update) date|what date", re.I
        ),
        re.compile(
            rf"\b(?:(?:{'|'.join(_MONTHS)})\s+\d{{1,2}}(?:st|nd|rd|th)?,?\s+\d{{4}}|\d{{1,2}}\s+(?:{'|'.join(_MONTHS)}),?\s+\d{{4}}|"
            r"\d{4}-\d{2}-\d{2}|\d{1,2}/\d{1,2}/\d{2,4})\b",
            re.I,
        ),
        firm=True,
    ),
    _FactRule(
        re.compile(r"\b(?:website|web ?site|web ?page|link|url|where)\b", re.I),
        re.compile(r"(?:https?://|www\.)[^\s<>()\[\]\"']{3,200}[A-Za-z0-9/]", re.I),
        firm=True,
    ),
)


def _fact(query: str, sentence: str) -> str:
    """The value that an open question asks for, word for word, where the sentence has exactly one such value.

    A duration that a negation or an exception bears on is left to the quote, since alone it could mislead.
    """
    for rule in _FACTS:
        if not rule.asks.search(query):
            continue
        values = {match.group().strip(): match for match in rule.value.finditer(sentence)}
        if len(values) != 1:
            continue
        (value,) = values
        if rule.firm or not _RELATIVE.search(sentence.replace(value, "")):
            value = printable(value, NAME_CHARS)
            return value if "@" in value or "/" in value or "www." in value else value[:1].upper() + value[1:]
    return ""


# -- silence: the question in indirect form ----------------------------------------------------------------------------

# Nouns that are also verbs ("email", "post") are left out: "does [Acme] email get read" is no "it emails".
_VERBS = _words("""
    accept access advertise allow anonymize ask block buy check collect combine comply connect cooperate delete
    destroy disclose encrypt erase exchange follow forward gather get give guarantee hand handle have hold honor honour
    hide identify install keep know lease let listen look make manage monitor notify obtain offer participate pass
    protect provide publish read receive record release remember remove rent require respond retain reveal run save scan
    see sell send share show spy store supply take tell trace track trade transfer transmit use verify watch
""")
_PREFACE = re.compile(r"^(?:(?:and|so|ok|okay|but|also|hey|hi|please|um|well|then)\b[\s,]*)+", re.IGNORECASE)
_COMPANY_WORD = (
    r"(?:they|you guys|u guys|you|u|it|we|(?:the|this|your) (?:company|site|website|store|shop|app|service|business))"
)
_QUESTION_WORD = (
    r"(?:how (?:long|often|soon)|how many (?:days|weeks|months|years)|how|where|when|why|what|"
    r"what (?:kind|kinds|sort|type|types) of [a-z]+|with whom|who)"
)
_VERB = r"(?P<adverb>(?:knowingly|actually|really|always|ever) )?(?P<verb>[a-z]+)"
_STATE = r"(?P<state>encrypted|hashed|kept|stored|retained|held|sold|rented|shared|deleted|transferred|protected|safe)"
_ASKED = tuple(
    re.compile(rf"(?:(?P<wh>{_QUESTION_WORD}) )?{form}(?P<rest>(?: .*)?)", re.IGNORECASE)
    for form in (
        rf"(?P<mine>can|could|may|must|should|do|will) i {_VERB}",
        rf"(?P<be>is|are) (?P<what>(?:[a-z-]+ ){{0,4}}?[a-z-]+) {_STATE}",
        rf"(?P<modal>will|would|can|could|may|might|must|should) (?:{_COMPANY_WORD} )?{_VERB}",
        rf"(?:do|does) (?:{_COMPANY_WORD} )?{_VERB}",
    )
)
_TURNED = {"my": "your", "mine": "yours", "me": "you", "myself": "yourself", "i": "you", "your": "its", "ur": "its"}
_UNCLEAR = _words("they them their he she we us our ours am was were")
_DANGLING = re.compile(r"\b(?:at|by|from|of|in|with|on|for|to)(?: (?:and|or|if|when|to|at|for)\b.*)?$", re.IGNORECASE)


def _indirect(query: str, text: str) -> str:
    """The question as "whether it sells your data", or nothing unless every word of it is safe to turn around.

    Only the forms of _ASKED are turned, and only with words that this module or the policy knows: a typo, a name or a
    clause about somebody else would make a sentence that nobody asked about.
    """
    asked = _PREFACE.sub("", printable(query).rstrip(" ?!."), count=1)
    match = next((found for form in _ASKED if (found := form.fullmatch(asked))), None)
    if match is None or len(asked.split()) > 16 or not re.fullmatch(r"[A-Za-z0-9' -]+", asked):
        return ""
    part = {name: value for name, value in match.groupdict().items() if value}
    wh = part.get("wh", "whether").casefold()
    # With the company's name gone, "deleted at [Acme]" dangles; only "who do you share it with" may end so.
    if _DANGLING.search(asked) and wh not in {"who", "what", "where"}:
        return ""
    known = _VERBS | set(re.findall(r"[a-z0-9'-]+", text.casefold()))
    rest = _turned(part["rest"].split(), known) if "rest" in part else []
    verb, adverb = part.get("verb", "").casefold(), part.get("adverb", "").casefold()
    if rest is None or (verb and verb not in _VERBS) or (verb and rest and rest[0] in _VERBS):
        return ""
    if "mine" in part:
        if verb in {"have", "let", "make"}:  # "can I have [Acme] erase …" is missing its object
            return ""
        mine = part["mine"].casefold()
        # "how do I delete it" asks how I can
        may = "can " if mine == "do" and wh == "how" else "" if mine == "do" else f"{mine} "
        said = f"you {may}{adverb}{verb}"
    elif "state" in part:
        what = _turned(part["what"].split(), known)
        if not what:
            return ""
        said = f"{' '.join(what)} {part['be'].casefold()} {part['state'].casefold()}"
    elif "modal" in part:
        said = f"it {part['modal'].casefold()} {adverb}{verb}"
    else:
        said = f"it {adverb}{_third_person(verb)}"
    return " ".join([wh, said, *rest])


def _turned(words: list[str], known: frozenset[str]) -> list[str] | None:
    """Words of a question said back to the asker; None if one is unknown or would change its meaning."""
    turned: list[str] = []
    for i, word in enumerate(words):
        plain = word.casefold()
        bare = re.sub(r"'s?$", "", plain)
        second_verb = plain in _VERBS and i > 0 and words[i - 1].casefold() in {"and", "or"}  # "it sells or rent"
        if plain in {"you", "u"}:
            verb = words[i + 1].casefold() if i + 1 < len(words) else ""
            if verb not in _VERBS:
                return None
            turned.append("it")
        elif plain in _UNCLEAR or not (bare in known or is_common(bare) or plain in _TURNED) or second_verb:
            return None
        elif turned and turned[-1] == "it" and words[i - 1].casefold() in {"you", "u"}:
            turned.append(_third_person(plain))
        else:
            turned.append(_TURNED.get(plain, word))
    return turned


def _third_person(verb: str) -> str:
    if verb == "have":
        return "has"
    if re.search(r"(?:s|sh|ch|x|z|o)$", verb):
        return verb + "es"
    return re.sub(r"(?<=[^aeiou])y$", "ie", verb) + "s"


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


def _day(day: dt.date) -> str:
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"
