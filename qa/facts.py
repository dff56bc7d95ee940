"""The fact itself, for open questions: the few words of a sentence that say who, what, where, how, when or how long.

No parser: a rule knows what its kind of question looks like and which words such a fact stands behind. A fact is given
only where exactly one stretch fits and nothing outside of it (a negation, a condition) bears on it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from qa.cues import PERHAPS
from qa.text import printable

__all__ = ["named_fact", "value_fact"]

QUERY_CHARS = 400
"""A question is recognised by its first words; reading on only costs time."""
VALUE_CHARS = 60
STRETCH_CHARS = 300
SHARE = 0.7
"""A stretch that is more of its sentence than this says no more than the sentence does."""

_EVERYTHING = re.compile(r".+", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _ValueRule:
    """Questions that ask for one kind of value, and what such a value looks like in a sentence.

    Attributes:
        firm: the value is the same whatever the sentence says about it (an address), unlike a duration.
    """

    asks: re.Pattern[str]
    value: re.Pattern[str]
    firm: bool = False


@dataclass(frozen=True, slots=True)
class _StretchRule:
    """Questions that are answered by the words behind certain others.

    Attributes:
        asks: what the question looks like.
        before: what stands before the fact; its group "lead", if any, becomes our own word ("With").
        fact: what the fact itself looks like; it is cut at ``stops``.
        said: our own words before a fact that has no lead of its own.
        listed: the fact must be a list.
        spoiled: what must not stand before the fact, since it would be part of it.
        wished: a condition that only repeats the asker's wish ("If you want to opt out, …") does not count.
    """

    asks: re.Pattern[str]
    before: re.Pattern[str]
    fact: re.Pattern[str] = _EVERYTHING
    stops: re.Pattern[str] | None = None
    said: str = ""
    listed: bool = False
    spoiled: re.Pattern[str] | None = None
    wished: bool = False


# -- values ------------------------------------------------------------------------------------------------------------

_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_RELATIVE = re.compile(
    r"\b(?:not|no|never|without|cannot|unless|until|except|however|longer|but)\b|n't\b", re.IGNORECASE
)
_NUMBER = (
    r"(?:\d[\d,.]*|one|two|three|four|five|six|seven|eight|nine|ten|twelve|fourteen|thirty|sixty|ninety|a|an)"
    r"(?:\s?\(\d+\))?"
)
_VALUES = (
    _ValueRule(
        re.compile(r"\bphone\b|\bcall\b|\bring\b|\btelephone\b|\bnumber\b|\btoll.free\b", re.I),
        re.compile(r"(?<![\w/])\+?(?:\(?\d{1,4}\)?[ .-]{0,2}){2,5}\d{3,5}(?![\w/-])"),
        firm=True,
    ),
    _ValueRule(
        re.compile(
            r"\be-?mail|\bcontact\b|\bwrite\b|\breach\b|\bemial\b|get in touch|\bwho(?:m)? (?:do|can|should)\b", re.I
        ),
        re.compile(r"[\w.+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})*\.[A-Za-z]{2,24}\b"),
        firm=True,
    ),
    _ValueRule(
        re.compile(r"\bhow (?:long|soon|quick|fast|many (?:days|weeks|months|years))|\bretention|expir", re.I),
        re.compile(
            r"(?:(?:up to|at least|at most|under|over|less than|more than|every|within|for|after|approximately|about|"
            r"no (?:more|longer|later) than|a (?:maximum|minimum) of) )?"
            rf"(?:{_NUMBER}[\s-](?:(?:business|working|calendar) )?(?:minute|hour|day|week|month|year)s?\b"
            r"(?!\s(?:from|after|following|since|before|prior)\b)|indefinitely\b)",
            re.I,
        ),
    ),
    _ValueRule(
        re.compile(r"\bhow (?:often|regularly|frequently)\b|\bhow many times\b", re.I),
        re.compile(
            rf"\b(?:(?:once|twice|{_NUMBER} times) (?:a|an|per|every|each) (?:day|week|month|quarter|year)|"
            rf"every (?:{_NUMBER} )?(?:minute|hour|day|week|month|quarter|year)s?|"
            r"(?:hourly|daily|weekly|monthly|quarterly|annually|yearly|periodically|from time to time))\b",
            re.I,
        ),
    ),
    _ValueRule(
        re.compile(r"^\W*(?:and |so )?how (?:old|young)\b|\b(?:what|minimum|min) age\b|\bage limit\b", re.I),
        re.compile(
            r"(?:(?:under|over|below|above|at least|younger than|older than) )?(?:the age of |age )?"
            r"(?:\d{1,2}|thirteen|fourteen|sixteen|eighteen)\b(?: years?(?: of age| old)?)?"
            r"(?: (?:or|and) (?:older|over|above|younger|under))?",
            re.I,
        ),
        firm=True,
    ),
    _ValueRule(
        re.compile(
            r"\bwhen\b.*\b(?:updat|chang|revis|modif|effect|written|last)|\b(?:effective|update) date|what date", re.I
        ),
        re.compile(
            rf"\b(?:(?:{_MONTHS})\s+\d{{1,2}}(?:st|nd|rd|th)?,?\s+\d{{4}}|\d{{1,2}}\s+(?:{_MONTHS}),?\s+\d{{4}}|"
            r"\d{4}-\d{2}-\d{2}|\d{1,2}/\d{1,2}/\d{2,4})\b",
            re.I,
        ),
        firm=True,
    ),
    _ValueRule(
        re.compile(r"\b(?:website|web ?site|web ?page|link|url|where)\b", re.I),
        re.compile(r"(?:https?://|www\.)[^\s<>()\[\]\"']{3,200}[A-Za-z0-9/]", re.I),
        firm=True,
    ),
)


def value_fact(query: str, sentence: str) -> str:
    """The value that an open question asks for, word for word, where the sentence has exactly one such value.

    A duration that a negation or an exception bears on is left to the quote, since alone it could mislead.
    """
    for rule in _VALUES:
        if not rule.asks.search(query[:QUERY_CHARS]):
            continue
        values = {match.group().strip(): match for match in rule.value.finditer(sentence)}
        if len(values) != 1:
            continue
        (value,) = values
        if rule.firm or not _RELATIVE.search(sentence.replace(value, "")):
            value = printable(value, VALUE_CHARS)
            return value if "@" in value or "/" in value or "www." in value else value[:1].upper() + value[1:]
    return ""


# -- stretches ---------------------------------------------------------------------------------------------------------

# What stands outside of a stretch and has one of these words may turn it into something that the policy does not say.
_CONDITION = re.compile(
    r"\b(?:not|no|never|nor|neither|none|nothing|cannot|without|unless|except|excluding|only|solely|if|until|but|"
    r"however|provided|although|though|while|whereas|when|whenever|once|where|upon|longer|subject to|other than|rather|"
    r"instead|prohibit\w*|refus\w*|stop\w*|avoid\w*|unable)\b|n't\b|n’t\b",
    re.IGNORECASE,
)
_WISH = re.compile(
    r"^(?:if|should|when) (?:you|users|anyone|a user)(?:'d| would)? (?:ever )?(?:do not |don't |don’t |no longer )?"
    r"(?:want|wish|like|prefer|choose|decide|desire|need|have|care|are interested|believe|think|feel)\b[^;:.]{0,200}?,",
    re.IGNORECASE,
)
_SENTENCE_ENDS = re.compile(
    r";|[.!?](?=\s+[A-Z])|[,:]?\s(?:and|so) (?:we|you|they|it|this|that|these|he or she)\b(?! (?:and|or)\b)|"
    r",\s(?:who|which)\b|\s[–—-]\s",
    re.IGNORECASE,
)
_POINTER = re.compile(
    r"\W*(?:you|us|me|them|it|him|her|this|that|these|those|do so|so|others?|follows?)\W*", re.IGNORECASE
)
_UNFINISHED = re.compile(r"(?:^|\s)(?:a|an|and|at|by|for|from|in|of|on|or|our|the|to|via|with|your)$", re.IGNORECASE)
_WHAT = r"\bwhat\b(?!.*(?:\bfor\W*$|\bused? for\b|\bgood for\b|\bhappens?\b|\bpurposes?\b|\bends\b|\bwhy\b|\bhow\b))"
_OPEN_QUESTION = r"^\W*(?:(?:and|so|ok|okay|but|also|then|well)\W+)*"
_GIVES = (
    r"(?:shar(?:e[sd]?|ing)|disclos(?:e[sd]?|ing)|provid(?:e[sd]?|ing)|giv(?:e[sn]?|ing)|s[eo]ll?(?:s|d|ing)?|sold|"
    r"rent(?:s|ed|ing)?|releas(?:e[sd]?|ing)|transfer(?:s|red|ring)?|transmit(?:s|ted|ting)?|pass(?:es|ed|ing)?|"
    r"sen[dt](?:s|ing)?|report(?:s|ed|ing)?|visible|available|accessible|exchang(?:e[sd]?|ing))"
)
_RECIPIENT = re.compile(
    r"(?!(?:the|our) (?:purposes?|help|assistance|exception|extent|law|following|use|intention|goal|public)\b|"
    r"(?:any|other|applicable) (?:law|information|data|applicable|legal)\b|their (?:consent|permission)\b)"
    r"(?:(?:our|any|other|the|a|an|third|outside|trusted|selected|certain|unaffiliated|affiliated|law|government\w*|"
    r"advertis\w*|compan\w*|partner\w*|affiliate\w*|service|vendors?|contractors?|business\w*|its|their|credit|staff|"
    r"only|authorized|such)\b|(?-i:[A-Z])).+",
    re.IGNORECASE | re.DOTALL,
)
_DOING = (
    r"(?:address|improv|provid|process|analy[sz]|administ|track|stor|help|enabl|allow|respond|serv|communicat|"
    r"fulfil|send|deliver|"
    r"ship|personali[sz]|custom|tailor|identif|contact|determin|prevent|protect|remember|sav|mak|understand|better|"
    r"operat|maintain|gather|verif|complet|notif|inform|keep|comply|show|display|measur|monitor|record|reflect|creat|"
    r"bill|evaluat|diagnos|detect|develop|ensur|facilitat|manag|market|offer|perform|promot|recogni[sz]|support|answer)"
)
_STRETCHES = (
    _StretchRule(  # with whom is it shared
        re.compile(
            rf"{_OPEN_QUESTION}(?:with |to )?(?:who|whom|which (?:companies|third parties|partners|people)|"
            r"what (?:companies|third parties|partners|(?:kinds?|types?|sorts?) of (?:companies|people|partners)))\b.*"
            r"\b(?:shar|giv|disclos|sell|sold|pass|transfer|rent|send|sent|get|see|access|receiv|look)",
            re.IGNORECASE,
        ),
        re.compile(
            rf"\b{_GIVES}\b[^.;:]{{0,90}}?\b(?P<lead>with|to)\s+(?=(?!you\b|us\b|me\b|your\b)\S)", re.IGNORECASE
        ),
        _RECIPIENT,
        re.compile(
            r",?\s(?:in order\s)?to\s(?=[a-z])(?!(?:our|the|any|your|their|a|an|whom|which)\b)|"
            r",?\s(?:for|so that|as|in)\s|"
            r",?\sand\s(?:is|are|will|may|can|do|does)\b|,\s(?:pursuant|including without)\b",
            re.IGNORECASE,
        ),
    ),
    _StretchRule(  # who does it
        re.compile(rf"{_OPEN_QUESTION}(?:by )?(?:who|whom|which (?:company|provider|processor))\b", re.IGNORECASE),
        re.compile(
            r"\b(?:accessed|seen|viewed|read|hosted|operated|owned|written|generated|processed|provided|collected|run|"
            r"managed|maintained|administered|designed|handled|accessible|served|developed)(?: and \w+ed)?\s"
            r"(?P<lead>by)\s+(?!\w+ing\b)",
            re.IGNORECASE,
        ),
        stops=re.compile(r",?\s(?:for the purposes?|in order to|in accordance)\b", re.IGNORECASE),
    ),
    _StretchRule(  # in which country
        re.compile(
            rf"{_OPEN_QUESTION}(?:where|(?:in |from )?(?:what|which) (?:country|countries|state|place))\b.*"
            r"\b(?:stor|locat|keep|kept|process|host|server|held|based|run|sit|go|sent|end up|live)",
            re.IGNORECASE,
        ),
        re.compile(
            r"\b(?:stored|located|kept|processed|hosted|held|based|incorporated|transferred|servers?|maintained|"
            r"operated|run|cent(?:er|re)s?)\b[^.;:]{0,60}?\b(?P<lead>in|within|to|from)\s+(?-i:(?=(?:the )?[A-Z]))",
            re.IGNORECASE,
        ),
        re.compile(
            rf"(?!(?:the )?(?:Section|Part|Service|Site|Website|Article|Spring|Summer|Autumn|Winter|{_MONTHS})s?\b)"
            r"(?:the )?[A-Z][\w./]*(?:(?:,|,? and|,? or| of)?(?: the)? [A-Z][\w./]*)*"
        ),
    ),
    _StretchRule(  # how long, until when
        re.compile(
            r"\bhow (?:long|many (?:days|weeks|months|years))\b|\bretention\b|\bexpir|\bwhen\b.*\b(?:delet|eras|remov)",
            re.IGNORECASE,
        ),
        re.compile(
            r"(?P<lead>(?:\bonly )?(?:\bfor )?\b(?:so|as) long as|\buntil|(?:\bonly )?\bfor(?= (?:the|a|an|such|"
            r"whatever) "
            r"(?:\w+ )?(?:period|duration|length|time|lifetime|life|term|minimum|maximum)\b))\s+",
            re.IGNORECASE,
        ),
    ),
    _StretchRule(  # how long after what
        re.compile(r"\bhow (?:long|soon|quick|fast|many (?:days|weeks|months|years))\b|\bretention\b", re.IGNORECASE),
        re.compile(
            r"(?:(?P<lead>\b(?:for(?: up to| at least)?|within|up to|at least|after))\s+)"
            rf"(?={_NUMBER}[\s-](?:(?:business|working|calendar) )?(?:minute|hour|day|week|month|year)s?\s"
            r"(?:from|after|following|since|before|prior)\b)",
            re.IGNORECASE,
        ),
    ),
    _StretchRule(  # how can I, how do you
        re.compile(
            r"\bhow\b.*\b(?:i|my|we|users?|people|someone|parents?|one|to|you|it)\b|\bhow'd i\b|"
            r"\bwhat (?:do|should|must|can|would) i (?:have to |need to )?do\b|\bwhere (?:do|can|could|would|should)"
            r" i\b|"
            r"\bopt.?out\b|\bunsubscribe\b",
            re.IGNORECASE,
        ),
        re.compile(r"(?<!\bor )(?<!\band )\b(?P<lead>by)\s+(?!doing so\b)(?=[a-z]+ing\b)", re.IGNORECASE),
        wished=True,
    ),
    _StretchRule(  # whom do I tell, and where
        re.compile(
            r"\b(?:how|where|who|whom|what)\b.*\b(?:i|my|we|users?|people|someone|parents?)\b|\bcontact\b|\bopt.?out\b|"
            r"\bunsubscribe\b|\bcomplain",
            re.IGNORECASE,
        ),
        re.compile(r"\b(?:please|(?:you|users) (?:can|may|should|must)(?: also)?)\s+", re.IGNORECASE),
        re.compile(
            r"(?:(?:contact|e-?mail|write(?: to)?|call|notify|send|mail|visit|log|sign|go|click|use|adjust|change|set|"
            r"disable|configure|follow|complete|fill|submit)\b).+",
            re.IGNORECASE | re.DOTALL,
        ),
        said="You can",
        wished=True,
    ),
    _StretchRule(  # which information, which measures
        re.compile(
            rf"{_WHAT}"
            r".*\b(?:information|info|data|details?|things?|stuff|kinds?|types?|sorts?|collect|collected|gather|"
            r"gathered|record|recorded|track|log|logs|save|store|know|hold|take|see|transmitted|measures?)\b|"
            r"\bhow\b.*\b(?:protect|secur|safe|hackers?)",
            re.IGNORECASE,
        ),
        re.compile(
            r"\b(?P<lead>such as|including(?:,? but (?:is |are )?not limited to)?|namely)[,:]?\s+", re.IGNORECASE
        ),
        listed=True,
    ),
    _StretchRule(  # which information, without a "such as"
        re.compile(
            rf"{_WHAT}"
            r".*\b(?:information|info|data|details?|things?|stuff|collect|collected|gather|gathered|record|recorded|"
            r"track|"
            r"log|logs|save|store|hold|take|give|need|ask)\b",
            re.IGNORECASE,
        ),
        re.compile(
            r"\b(?:includes?|collects?|gathers?|records?|logs?|(?:asks?|asked|required?|needs?|have) (?:\w+ )?(?:to "
            r"provide|for))"
            r"(?: the following(?: \w+)?)?:?\s+",
            re.IGNORECASE,
        ),
        listed=True,
    ),
    _StretchRule(  # what for, why
        re.compile(
            rf"{_OPEN_QUESTION}why\b|\bwhat\b.*\bfor\W*$|\bpurposes?\b|\breasons?\b|\bto what ends?\b|\bused? for\b|"
            rf"\bgood for\b|"
            r"\bwhat (?:do|does|will|would|is|are)\b.*\b(?:do|does|done) with\b|\bhow (?:do|does|will|is|are|would)"
            r"\b.*\bus(?:e|ed)\b",
            re.IGNORECASE,
        ),
        re.compile(
            r"\b(?P<lead>in order to|for the purposes? of|so that|because|"
            r"(?<!order )(?<!choose )(?<!want )(?<!wish )(?<!like )(?<!able )(?<!agree )(?<!you )(?<!required )"
            r"(?<!need )"
            rf"(?<!right )(?<!have )(?<!limited )to(?=\s(?:\w+ly )?{_DOING}\w*\s))\s+",
            re.IGNORECASE,
        ),
        spoiled=re.compile(r"\bus(?:e[sd]?|ing)\b.*\b(?:to|for)\s|\bpurposes?\b|\balso\b|\bso\b", re.IGNORECASE),
    ),
    _StretchRule(  # when
        re.compile(rf"{_OPEN_QUESTION}(?:when\b|at what (?:point|moment|time)\b)", re.IGNORECASE),
        re.compile(
            r"(?:^|(?<=\s))(?P<lead>when|whenever|once|after|as soon as|before|each time|every time)\s+", re.IGNORECASE
        ),
        stops=re.compile(r",\s(?:we|you|our|the|it|this|your|they|that)\b", re.IGNORECASE),
    ),
    _StretchRule(  # which law
        re.compile(r"\b(?:which|what)\b.*\b(?:laws?|acts?|regulations?|jurisdiction|statutes?)\b", re.IGNORECASE),
        re.compile(r"(?:(?<=\s)|^)(?=(?:the )?(?-i:[A-Z][\w'&-]*))", re.IGNORECASE),
        re.compile(
            r"(?:[Tt]he )?(?:[A-Z][\w'&-]* (?:of |and |on |for )?(?:the )?){1,8}(?:Act|Law|Directive|Regulation|Code)\b"
            r"(?:,? (?:of )?\d{4})?"
        ),
    ),
    _StretchRule(  # where to send a letter
        re.compile(
            r"\b(?:mail(?:ing)?|postal|street|office|company|physical) address|^\W*address\b|\bletters?\b|\bpost\b|"
            r"\bsnail\b|"
            r"\bheadquarter|\bwhere\b.*\b(?:write|based|located)\b",
            re.IGNORECASE,
        ),
        re.compile(r"(?:(?<=\s)|^)(?=\d{1,5} [A-Z]|P\.? ?O\.? Box)"),
        re.compile(
            r"(?:\d{1,5} [A-Z]|P\.? ?O\.? Box)[^;:@]{5,120}?\b(?:[A-Z]{2}|[A-Z][a-z]+),? \d{5}(?:-\d{4})?\b(?:,? "
            r"(?:USA|U\.S\.A))?"
        ),
        wished=True,
    ),
)


@dataclass(frozen=True, slots=True)
class NamedFact:
    """A fact in the policy's words.

    Attributes:
        ours: our own words before it ("With"), possibly none.
        quoted: the stretch, to stand between quotation marks.
    """

    ours: str
    quoted: str


def named_fact(query: str, shown: str) -> NamedFact | None:
    """The words of a shown sentence that answer an open question, where exactly one stretch of them does.

    None where a negation or a condition outside of the stretch bears on it, and where the stretch is nearly everything
    that the sentence says.
    """
    for rule in _STRETCHES:
        if rule.asks.search(query[:QUERY_CHARS]) and (fact := _stretch(rule, shown)):
            return fact
    return None


def _stretch(rule: _StretchRule, shown: str) -> NamedFact | None:
    found: list[tuple[re.Match[str], str]] = []
    end = 0
    for before in rule.before.finditer(shown):
        fact = rule.fact.match(shown, before.end()) if before.end() >= end else None
        quoted = _cut(fact.group(), rule) if fact else ""
        if quoted:
            found.append((before, quoted))
            end = before.end() + len(quoted)
    if len(found) != 1:
        return None
    ((before, quoted),) = found
    lead = before.groupdict().get("lead") or ""
    start = before.start("lead") if lead else before.end()
    head, tail = shown[:start], shown[before.end() + len(quoted) :]
    if rule.wished:
        head = _WISH.sub("", head, count=1)
    listed = not rule.listed or re.search(r",| and | or ", quoted)
    if not listed or len(quoted) > STRETCH_CHARS or before.end() + len(quoted) - start > SHARE * len(shown):
        return None
    if rule.spoiled and rule.spoiled.search(head):
        return None
    if _CONDITION.search(head) or _CONDITION.search(tail) or _POINTER.fullmatch(quoted):
        return None
    ours = lead or rule.said
    if PERHAPS.search(head) and not rule.wished:  # what the asker may do is a permission
        ours = f"Possibly {ours.casefold()}".strip()
    return NamedFact(ours[:1].upper() + ours[1:], quoted)


def _cut(fact: str, rule: _StretchRule) -> str:
    """The fact up to where something else begins; nothing if that leaves a bracket or a phrase open."""
    for stops in (_SENTENCE_ENDS, rule.stops):
        stop = stops.search(fact) if stops else None
        fact = fact[: stop.start()] if stop else fact
    more = " …" if re.search(r"[^:] …$", fact) else ""
    fact = fact.rstrip(" ,;:.!?…")
    whole = fact.count("(") == fact.count(")") and not _UNFINISHED.search(fact)
    return fact + more if whole and len(fact) > 2 else ""
