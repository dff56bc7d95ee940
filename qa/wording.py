"""What the words of a question say, apart from names: how common they are, the time and version asked for, whether a
question leans on an earlier one, is about all companies, or has nothing to do with privacy (pure functions).
"""

from __future__ import annotations

import datetime as dt
import functools
import importlib.resources
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from qa.text import Span

LISTED_BELOW = " The closest passages are listed below."
"""Ends the answer of a silent policy."""

DO_AUX = frozenset(
    "do does did will would can could should may might must shall dont doesnt didnt wont wouldnt cant couldnt".split()
)
BE_AUX = frozenset("is are was were isnt arent wasnt werent has have had hasnt havent does do did will".split())
ADVERBS = frozenset(
    "ever also still actually really knowingly always never just even only currently automatically now not then "
    "either too usually typically secretly ever".split()
)
VERBS = frozenset(
    "share sell give rent collect keep store use track save hold hand pass send get gather read see know let "
    "allow make "
    "take tell ask want need require have do log record retain disclose delete remove erase wipe protect "
    "encrypt secure "
    "offer provide comply respect honor honour follow monitor watch spy listen scan look work process transfer move "
    "release reveal publish post show display target advertise market email mail call text phone contact notify inform "
    "warn change update buy trade lease swap combine link match verify check employ place put set drop install accept "
    "charge own run host handle treat care claim say promise guarantee limit block respond reply answer obey go grab "
    "pick find come end stop cover apply leak lose keep sync access request recognize recognise identify remember "
    "serve deliver disclose flog profile fingerprint stalk snoop abuse misuse ship".split()
)
SELL = frozenset(
    "share sell give rent collect keep store use track save hold send gather read retain disclose delete protect "
    "encrypt transfer have record log know monitor trade leak see".split()
)
STATES = frozenset(
    "gonna going allowed able required responsible liable subject owned bought based located compliant safe secure "
    "legit trustworthy bound entitled permitted obliged registered certified free".split()
)
SITE_NOUNS = frozenset(
    "privacy policy policies website websites site sites app apps account accounts newsletter newsletters cookie "
    "cookies terms membership store shop servers server users customers members staff employees page pages mobile "
    "profile subscription login checkout forum data customer user".split()
)
PLACE = frozenset("at on visit visiting join joining leave quit browse browsing inside within across".split())
ASK = frozenset("let make ask tell stop force contact sue trust email visit join quit leave get told asked".split())
PREPOSITIONS = frozenset("by with from for of about against through via in into between under".split())
CLAUSE = frozenset("that if when what how whether because since once why who which where while after before".split())
PRONOUNS = frozenset("i you u they we it he she who ya yall ppl people someone anyone everyone nobody".split())
OWNERS = frozenset("my our their his her".split())
DETERMINERS = frozenset("my your our their its his her a an any some no this these those all most many more".split())
FUNCTION_WORDS = (
    DO_AUX | BE_AUX | PRONOUNS | DETERMINERS | PREPOSITIONS | CLAUSE | frozenset("to the and or not it its".split())
)
OBJECTS = frozenset("my me your our the us it them him her you u their a an this that".split())
PRODUCTS = frozenset(
    "analytics analytic pixel pixels button login adwords adsense maps fonts pay wallet connect sdk captcha recaptcha "
    "like plugin plugins ads ad tag tags dart map".split()
)
MOVE = re.compile(r"\b(shar|sell|sold|rent|giv|gave|send|sent|pass|transfer|disclos|hand|log in|sign in|logg|use)\w*\b")
HERE = re.compile(
    r"\b(?:you|u|ur|ya|yall|you're|here|(?:this \w+ |this |the |these )(?:site|website|app|service|company"
    r"|policy|page|store"
    r"|shop|game|forum|statement|notice)s?|your (?!(?:own )?(?:data|info|information|personal|email|emails|address"
    r"|location|details|card|credit|phone|name|privacy|contacts|messages|private|browsing|history|activity)\b))\b"
)
# Words in the titles of every policy and in the names of many companies.
GENERIC = frozenset(
    "a an and the of for our us we you your this my site sites website web page home welcome official online company "
    "companies service services user users privacy policy policies notice statement terms conditions use "
    "cookie cookies "
    "information info data personal general security legal agreement app store shop account contact about center "
    "department foundation group store email address credit card third party".split()
)
# Companies that are mostly named as somebody whom a site works with.
THIRD_PARTIES = frozenset(
    "google facebook fb meta twitter instagram linkedin pinterest youtube whatsapp tumblr reddit snapchat skype zoom "
    "paypal stripe square venmo klarna amazon aws microsoft apple yahoo bing adobe mailchimp salesforce "
    "hubspot zendesk "
    "cloudflare akamai matomo hotjar mixpanel criteo taboola outbrain disqus gravatar wordpress shopify addthis "
    "sharethis equifax experian transunion ups fedex usps dhl steam gmail outlook icloud dropbox alexa siri".split()
)
# Not companies that a question could be about: laws, agencies, places, techniques, times, means of payment.
NOT_COMPANIES = frozenset(
    "coppa caru gdpr ccpa cpra hipaa ferpa glba fcra pipeda lgpd dmca dnt fbi cia nsa irs ftc fcc dhs doj ice dmv nhs "
    "police interpol eu eea uk us usa ip isp dns url vpn ssl tls https http html gps rfid nfc sim sms mms pdf api sdk "
    "ai id pin pii ssn cv ok tv pc mac ios iphone ipad android windows linux wifi bluetooth safari chrome "
    "firefox opera "
    "edge flash java javascript captcha recaptcha doubleclick adsense adwords analytics truste iab nai daa dart "
    "mastercard visa amex faq dpo ceo it matomo webgl jan feb mar apr jun jul aug sep sept oct nov dec monday tuesday "
    "wednesday thursday friday saturday sunday january february march april june july august september "
    "october november "
    "december california californian californians europe european europeans america american americans canada canadian "
    "german germany france french spain italy ireland britain british england london texas china india australia japan "
    "congress senate christmas covid english spanish god internet web dart".split()
)


@functools.cache
def _common_words() -> frozenset[str]:
    text = importlib.resources.files("qa").joinpath("common_words.txt").read_text(encoding="ascii")
    return frozenset(text.split())


@functools.cache
def _words_by_start() -> Mapping[str, Sequence[str]]:
    out: dict[str, list[str]] = defaultdict(list)
    for word in _common_words():
        out[word[0]].append(word)
    return out


def _stems(word: str) -> Iterator[str]:
    for ending, instead in (
        ("ies", "y"), ("es", ""), ("es", "e"), ("s", ""), ("ied", "y"), ("ed", ""), ("ed", "e"), ("ing", ""),
        ("ing", "e"), ("ly", ""), ("er", ""), ("er", "e"), ("ers", ""), ("ers", "e"), ("est", ""), ("iest", "y"),
    ):  # fmt: skip
        if word.endswith(ending) and len(word) - len(ending) + len(instead) >= 3:
            stem = word[: -len(ending)] + instead
            yield stem
            if not instead and len(stem) > 3 and stem[-1] == stem[-2]:
                yield stem[:-1]


@functools.lru_cache(maxsize=20_000)
def is_common(word: str) -> bool:
    """Whether a lower-case word, or what it is an inflection of, is an ordinary English word."""
    words = _common_words()
    return len(word) == 1 or word in words or any(stem in words for stem in _stems(word))


_PAST = {
    "sold": "sell", "kept": "keep", "gave": "give", "given": "give", "sent": "send", "told": "tell", "held": "hold",
    "made": "make", "took": "take", "taken": "take", "had": "have", "showed": "show", "shown": "show", "knew": "know",
    "known": "know", "saw": "see", "seen": "see", "said": "say", "got": "get", "gotten": "get", "lost": "lose",
    "did": "do", "done": "do", "let": "let", "put": "put", "read": "read", "bought": "buy", "ran": "run",
    "spied": "spy", "found": "find", "left": "leave", "wrote": "write", "written": "write", "hidden": "hide",
}  # fmt: skip


def base_form(word: str) -> str:
    """The plain form of a verb in any of its forms ("sharing", "sold"), or nothing for what is no ordinary word."""
    if word in _PAST:
        return _PAST[word]
    if word in VERBS:
        return word
    forms = [*_stems(word), word]
    return next((form for known in (VERBS, _common_words()) for form in forms if form in known), "")


def is_plural(word: str) -> bool:
    """Whether a word is the plural of an ordinary word."""
    return word.endswith("s") and is_common(word) and word not in _common_words()


@functools.lru_cache(maxsize=20_000)
def is_misspelling(word: str) -> bool:
    """Whether a word that is not common is within a slip or two of one that is."""
    from rapidfuzz import process
    from rapidfuzz.distance import OSA

    slips = 1 if len(word) < 8 else 2
    return any(
        process.extractOne(form, _words_by_start().get(first, ()), scorer=OSA.distance, score_cutoff=slips)
        for form in (word, *_stems(word))
        for first in form[:2]
        if len(form) > 2
    )


class Which(StrEnum):
    """Which of a company's versions is asked for."""

    NEWEST = "newest"
    OLDEST = "oldest"
    PREVIOUS = "previous"
    BY_DATE = "by date"
    SINCE = "since"


@dataclass(frozen=True, slots=True)
class When:
    """The version that a text asks for.

    Attributes:
        until: for BY_DATE, the last day of the time asked for.
        since: for BY_DATE, its first day; None where any earlier snapshot is as good ("before 2010").
        span: the words that say so.
        sure: the words can mean nothing else; "in 2012" may also belong to what the question tells.
    """

    which: Which
    span: Span
    until: dt.date = dt.date.max
    since: dt.date | None = None
    sure: bool = True


_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?)"
)
_DATE = (
    rf"(?:(?P<iso>\d{{4}}-\d\d?-\d\d?)"
    rf"|(?P<day>\d\d?)(?:st|nd|rd|th)?(?: of)? (?P<m1>{_MONTH})\.?,? (?P<y1>(?:19|20)\d\d)"
    rf"|(?P<m2>{_MONTH})\.? (?P<day2>\d\d?)(?:st|nd|rd|th)?,? (?P<y2>(?:19|20)\d\d)"
    rf"|(?P<m3>{_MONTH})\.?,? (?P<y3>(?:19|20)\d\d)"
    r"|(?P<y4>(?:19|20)\d\d))(?![\d-])"
)
_DATED = re.compile(
    rf",?\s*\b(?P<how>as (?:of|at)|back in|in|on|during|around|before|prior to)(?: the)?(?: year)? {_DATE}"
    r"(?: (?:privacy )?(?:version|policy|snapshot))?,?",
    re.IGNORECASE,
)
_NOW = re.compile(r",?\s*\b(?:currently|as of (?:now|today)|nowadays|at present)\b,?", re.IGNORECASE)
_VERSION = re.compile(
    r",?\s*\b(?:in|under|by|per|according to) (?:the|your|their|its) (?P<which>latest|newest|current|most recent|last"
    r"|oldest|original|first|earliest|previous|earlier|older|old|prior) (?:privacy )?(?:version|policy|snapshot)"
    r"(?: of (?:the|your|their|its) (?:privacy )?policy)?,?",
    re.IGNORECASE,
)
# "I joined in 2012": the year belongs to what is told, not to the policy.
_TOLD = re.compile(
    r"(?:\b(?:i|we|he|she|who)\b(?: \w+){0,4}? (?:\w+ed|bought|made|got|sent|gave|left|quit|began|wrote|was|were)\b"
    r"(?: \w+){0,4}|\bborn|\baccounts?)\s*$",
    re.IGNORECASE,
)
_WHICHES = {
    **dict.fromkeys(("latest", "newest", "current", "most recent", "last"), Which.NEWEST),
    **dict.fromkeys(("oldest", "original", "first", "earliest"), Which.OLDEST),
    **dict.fromkeys(("previous", "earlier", "older", "old", "prior"), Which.PREVIOUS),
}


def find_when(text: str) -> When | None:
    """The version that a text asks for, or None."""
    for match in _DATED.finditer(text):
        how = match["how"].lower()
        if how not in {"as of", "as at"} and _TOLD.search(text[: match.start()]):
            continue
        period = _read_period(match)
        if period is None:
            continue
        span = Span(match.start(), match.end())
        first, last = period.start, period.end
        sure = how in {"as of", "as at"}
        if how in {"before", "prior to"}:
            return When(Which.BY_DATE, span, until=_day(first - 1), sure=sure)
        return When(Which.BY_DATE, span, until=_day(last), since=_day(first), sure=sure)
    if version := _VERSION.search(text):
        return When(_WHICHES[version["which"].lower()], Span(version.start(), version.end()))
    if now := _NOW.search(text):
        return When(Which.NEWEST, Span(now.start(), now.end()))
    return None


_PERIOD = re.compile(
    r",?\s*\b(?P<how>as (?:of|at)|back in|in|on|during|around|before|prior to|after|between|from|since|until|till|up to"
    r"|(?:as )?compared (?:to|with)|versus|vs\.?|against|than|of|the)(?: the)?(?: years?)?"
    rf"(?: (?:privacy )?(?:versions?|policy|snapshots?) (?:of|from))? {_DATE}(?:'s)?(?: (?:privacy )?(?P<what>versions?"
    r"|policy|policies|snapshots?|ones?))?,?",
    re.IGNORECASE,
)
_NEXT_PERIOD = re.compile(
    r"\s*(?:and|to|until|till|through|or|versus|vs\.?|with|than|against|-)(?: (?:the|in|from))*"
    rf" ?{_DATE}(?:'s)?(?: (?:privacy )?(?:versions?|policy|policies|snapshots?|ones?))?,?",
    re.IGNORECASE,
)


def find_times(text: str) -> list[When]:
    """All times that a text about versions names, in order: "between 2006 and 2011", "since 2012"."""
    found: list[When] = []
    at = 0
    while match := (_NEXT_PERIOD.match(text, at) if found else None) or _PERIOD.search(text, at):
        how = (match.groupdict().get("how") or "").lower()
        at = match.end()
        if how in {"of", "the"} and not match["what"]:  # "the Act of 1998" is no version
            continue
        period = _read_period(match)
        if period is None:
            continue
        span = Span(match.start(), match.end())
        if how in {"before", "prior to"}:
            found.append(When(Which.BY_DATE, span, until=_day(period.start - 1)))
        else:
            which = Which.SINCE if how in {"since", "after", "from"} else Which.BY_DATE
            found.append(When(which, span, until=_day(period.end), since=_day(period.start)))
    return found


def _day(ordinal: int) -> dt.date:
    return dt.date.fromordinal(ordinal)


def _read_period(match: re.Match[str]) -> Span | None:
    """The first and last day of a day, month or year, as ordinals; None for the 31st of April."""
    try:
        if match["iso"]:
            year, month, day = (int(part) for part in match["iso"].split("-"))
            first = dt.date(year, month, day).toordinal()
            return Span(first, first)
        year = int(match["y1"] or match["y2"] or match["y3"] or match["y4"])
        name = match["m1"] or match["m2"] or match["m3"]
        if name is None:
            return Span(dt.date(year, 1, 1).toordinal(), dt.date(year, 12, 31).toordinal())
        month = _MONTHS.index(name[:3].lower()) + 1
        if number := match["day"] or match["day2"]:
            first = dt.date(year, month, int(number)).toordinal()
            return Span(first, first)
        after = dt.date(year + month // 12, month % 12 + 1, 1).toordinal()
        return Span(dt.date(year, month, 1).toordinal(), after - 1)
    except ValueError:
        return None


def say_when(when: When) -> str:
    """The time asked for, as short as it was said: a year, a month or a day."""
    if when.since == when.until or when.since is None:
        return when.until.isoformat()
    return f"{when.until:%Y}" if (when.until - when.since).days > 31 else f"{when.until:%B %Y}"


_FOLLOWS = re.compile(
    r"(?:ok(?:ay)?|and|so|but|also|then|or|what about|how about|what if|even|if so|why|in that case|after that"
    r"|same|no|yes"
    r"|what else|who else|anything else|really)\b",
    re.IGNORECASE,
)
_LEANS = re.compile(
    r"\b(?:it|its|that|those|these|them|one|ones|there|too|else|same|instead|either|so|then|he|his|him|she|her)\b",
    re.IGNORECASE,
)
_NOUN = re.compile(
    r"\b(?:data|info\w*|details?|e-?mails?|address\w*|cookies?|accounts?|passwords?|cards?|numbers?|names?"
    r"|policy|messages?"
    r"|phone|location|photos?|posts?|profile|newsletters?|ads?|logs?|history|records?|kids?|child\w*)\b",
    re.IGNORECASE,
)


_WHOLE_QUESTION = 6
"""Words."""


def is_follow_up(text: str) -> bool:
    """Whether a question probably needs an earlier one to be understood ("and what about kids?", "do they "
    "rent it?").
    """
    if _FOLLOWS.match(text) or len(text.split()) < 4:
        return True
    leans = _LEANS.search(text)
    return leans is not None and _NOUN.search(text, 0, leans.start()) is None


def stands_alone(text: str) -> bool:
    """Whether a question says by itself what it asks about, although it begins like a follow-up.

    "And will Acme send me marketing emails?" does, "and does Acme keep it?" and "and Acme?" do not.
    """
    whole = len(text.split()) >= _WHOLE_QUESTION and bool(practices(text))
    return whole and _NOUN.search(text) is not None and _LEANS.search(text) is None


_MANY = (
    r"(?:sites?|websites?|compan(?:y|ies)|polic(?:y|ies)|services?|brands?|businesses|stores?|shops?|apps?|firms?"
    r"|ones?)"
)
_PRACTICE = (
    r"(?:sells?|rents?|shares?|tracks?|collects?|keeps?|stores?|retains?|deletes?|lets?|allows?|uses?|protects?"
    r"|encrypts?|spams?|respects?|honou?rs?|gives?|has|have|is|are|does|do|will|can|tells?|asks?)"
)
_ALL_PLAINLY = re.compile(
    rf"\b(?:which|what|any|all|each|every|none|most|some|how many|one) of (?:these|those|the|your"
    rf"|all)(?: \w+)? {_MANY}\b"
    rf"|\b(?:all|any|each|every|across|compare|rank)(?: of)?(?: (?:the|these|those|indexed|all|your"
    rf"|other))* (?:sites|websites|companies|policies)\b"
    rf"|\b(?:which|any|all|each|none|most) of (?:these|those)\b"
    rf"|^compare\b",
    re.IGNORECASE,
)
_ALL_PERHAPS = re.compile(
    rf"\b(?:which|any|all|each|none|most|some|how many) of (?:them|those|these)\b"
    rf"|^(?:which {_MANY}|what (?:sites|websites|companies)) {_PRACTICE}\b"
    rf"|^how many {_MANY} {_PRACTICE}\b"
    rf"|^(?:do|does|are|is|will|can) (?:any|every|each|all) {_MANY}\b"
    rf"|\bwho {_PRACTICE} (?:\w+ ){{0,6}}?(?:the )?(?:least|most|fewest|longest|shortest|best|worst)\b",
    re.IGNORECASE,
)
_OWN = re.compile(r"\b(?:you|u|we|with whom|other|third|outside|partner|affiliat\w*)\b", re.IGNORECASE)


def is_all_question(text: str, *, in_conversation: bool) -> bool:
    """Whether a question is about all companies ("which of these sites sell my email?").

    Words that can also mean what was talked about ("do any of them …") count only outside a conversation.
    """
    if _OWN.search(text):
        return False
    return _ALL_PLAINLY.search(text) is not None or (not in_conversation and _ALL_PERHAPS.search(text) is not None)


_TOPIC = re.compile(
    r"data|info|personal|privacy|private|polic(?:y|ies)|cookie|track|\bshar(?:e|es|ed|ing)\b|\bsell|\bsold\b|\brent"
    r"|collect|gather|\bstor(?:e|es|ed|ing|age)\b|\bkeep(?:s|ing)?\b|\bkept\b|retain|retention|delet|eras"
    r"|remov|\bwip(?:e|ed|ing)\b|mail|address|phone"
    r"|contact|\bnames?\b|account|passw|\blog(?:s|ged|ging)?\b|login|sign(?:ed|ing)?[ -]?(?:up|in)|regist"
    r"|access|permi|consent|agree|\bopt"
    r"|subscri|newsletter|spam|\bads?\b|advert|market|third|partner|affiliat|compan|business|\blaw|legal|court"
    r"|police|\bcops?\b|subpoena|govern|authorit"
    r"|secur|\bsafe|protect|crypt|hack|breach|leak|steal|stole|\bkids?\b|child|minor|\bage\b|parent|\bold\b"
    r"|location|gps|\bip\b|device"
    r"|brows|history|credit|\bcards?\b|pay(?:ment|ing)?\b|bank|photo|pictur|\bpics?\b|camera|\bmic|messag|chat"
    r"|\bread(?:s|ing)?\b|\bsees?\b|\bknow|\bwho\b"
    r"|upload|download|anonym|identi|profil|user|visit|custom|member|\brights?\b|gdpr|ccpa|coppa|complain"
    r"|disput|liab|responsib|\bterms\b"
    r"|\bchang|updat|notif|\btell|\btold|inform|record|\bfiles?\b|\bcop(?:y|ies)\b|export|correct|transfer"
    r"|countr|europe|server|host"
    r"|copyright|\bown(?:s|er|ed|ership)?\b|\bposts?\b|comment|public|report|monitor|watch|spy|listen|scan"
    r"|analytic|pixel|beacon|tracker|script|plugin"
    r"|\bsite|website|\bapps?\b|\bweb|google|facebook|disclos|reveal|expos|employ|staff|people|anyone|anybody"
    r"|someone|somebody|stranger|outsid"
    r"|verif|biometr|finger|face|medical|health|gender|social|\bssn\b|\bbot|scrap|algorithm|profit|\bmoney\b"
    r"|donat|permanent|forever|\bclose|cancel|deactivat"
    r"|\bstop|block|refus|disabl|turn(?:ed|ing)? off|\ballow|choice|choose|control|\bdelv|\bobtain|\bacquir"
    r"|\bhand(?:s|ed|ing)?\b|\bgiv(?:e|es|en|ing)\b|\bsend|\bsent\b|\bpass(?:es|ed|ing)?\b"
    r"|\buse(?:s|d)?\b|\busing\b|\bneed|\brequir|\bwant|\bask|\bprovid|\bservic|certif|complian|comply|audit"
    r"|captcha|cloudflare|shine the light|purpose|number|\bharm|risk|trust|warrant|guarant|promis|statement"
    r"|notice|effective|officer",
    re.IGNORECASE,
)

# Words that make a question one about privacy whatever else it says.
_PLAINLY_PRIVACY = re.compile(
    r"\bdata\b|\binfo|personal|privacy|privat|\bpolic|cookie|\btrack(?!ing status)|\bshar(?:e|es|ed|ing)\b"
    r"|\bsell(?:s|ing)?\b|\bsold\b|collect"
    r"|\be-?mail|passw|account|delet|\beras|consent|permission|\bopt\b|subscri|spam|advert|\bads\b|third.part"
    r"|disclos|anonym"
    r"|encrypt|hack|location|\bip\b|\bdetails?\b|\blog(?:s|ged)\b|identi|analytic|gdpr|ccpa|coppa|copyright"
    r"|liab|\bterms\b|legal\b|\blaw",
    re.IGNORECASE,
)
_OFF_TOPIC = re.compile(
    # the world outside
    r"\bweather (?:in|on|for|like|today|tomorrow|forecast|going)|\bthe weather\??$|\bwill it (?:rain|snow)"
    r"|\bforecast\b|\bhoroscope|\blottery"
    r"|\bcapital of\b|\bpresident of\b|\bpopulation of\b|\bhow (?:far|tall|deep|high) (?:is|are)\b"
    r"|\bwho (?:won|invented|wrote|discovered|should i vote)\b"
    r"|\belections?\b|\btonight\b|\btomorrow\b|\bthis (?:weekend|saturday|sunday)\b|\bnext (?:game|match"
    r"|episode|season)\b"
    # writing, entertainment, cooking, sums, programs
    r"|\bjokes?\b|\bpoems?\b|\bfunniest\b|\b(?:funny|catchy|short) (?:\w+ )?(?:message|question|reply|story"
    r"|caption)|\bsongs?\b|\blyrics|\bdocumentar"
    r"|^(?:please |can you |could you )?(?:write|compose|draw|sing|tell me a|tell us a|give me an?|give us)\b"
    r"|\bcan you (?:give me an?|suggest|recommend)\b"
    r"|\brecipe for\b|\brecipe\b.*\bwithout\b|\b(?:bake|boil|cook|fry|roast)(?:ing)?\b|\bcalories?\b|\bsolve\b"
    r"|\d ?[-+*/^=] ?\d|\bsquare root|\btranslate .* into\b"
    r"|\b(?:css|html|python|git|apache|sql|regex|linux|excel)\b(?!.*\btag\b)|\bcommits?\b|\bcenter a div\b"
    # buying, delivery, opening hours
    r"|\bhow much (?:is|are|does|do|would|for|to)\b|\bprice per\b|\b(?:plan|ticket|best|the) prices? (?:of|per"
    r"|for)\b|\bcheap(?:est|er)?\b|\bin stock\b|\bworth\??$"
    r"|\bwhere'?s? (?:is |are )?my (?:order|package|parcel|food|money|delivery|refund|\w+$)|\border (?:number "
    r"|no\.? ?)?#?\d+|\btracking (?:status|number)\b"
    r"|\b(?:hasn?'?t|not) (?:moved|arrived|turned up|shown up)\b|\bwhat time\b|\bopening (?:hours|times)"
    r"|\bopen (?:on|today|right now)|\bbank holiday|\bdeadline"
    r"|\bwhen (?:does|do|is|are) .*\b(?:open|close|start|begin|on sale)\b"
    # advice and repair
    r"|\bbest (?:\w+ ){0,2}(?:movies?|films?|books?|restaurants?|hotels?|phones?|laptops?|games?|cars?)\b"
    r"|\bany(?:thing)? good\b|\bwould you recommend\b|\bsuggest an?\b"
    r"|\bwhich .* (?:should|do) i (?:play|read|buy|need|watch|choose|get)\b|\bwhat should i (?:wear|read|watch"
    r"|eat|cook|buy|play)\b|\bcan you (?:match|fix|repair)\b"
    r"|\bship an?\b|\bany (?:fix|tricks)\b|\bnot working\b|\bkeeps (?:dropping|crashing)\b|\bso slow\b"
    r"|\boil (?:filter|change)|\bmore reliable than\b|\bsafer than\b",
    re.IGNORECASE,
)
_REFERS = re.compile(
    r"\b(?:i|i'm|im|me|my|mine|we|us|our|you|u|ur|your|they|them|their|it|its|this|that|those|these|she|he|do"
    r"|does|did|is|are|can|could|will"
    r"|would|may|might|has|have|who|what|how|why|when|where|which)\b|'",
    re.IGNORECASE,
)


def is_topic(word: str) -> bool:
    """Whether a word belongs to what policies speak of, so that on its own it is hardly meant as a name."""
    return _TOPIC.search(word) is not None


def is_privacy_question(text: str) -> bool:
    """False only where a text clearly has nothing to do with how a site handles information, users or its policy.

    Tuned for few false alarms: most questions about something else pass and are judged by what the policy says.
    """
    if _PLAINLY_PRIVACY.search(text):
        return True
    if _OFF_TOPIC.search(text):
        return False
    return _TOPIC.search(text) is not None or _REFERS.search(text) is not None


_PRACTICES = {
    name: re.compile(rf"\b(?:{words})", re.I)
    for name, words in {
        "share": "shar|disclos|s[eo]ll|sold|rent(?!er)|trad|transfer|transmit|provid|giv|releas|pass|hand|distribut"
        "|suppl",
        "collect": "collect|gather|obtain|record|log|track|ask|request|monitor|receiv|know",
        "keep": r"keep|kept|retain|retention|stor(?:e|ed|ing|age)\b|sav(?:e|ed|ing)\b|hold|hang on|remember",
        "contact": "contact|send|sent|market|newsletter|notif|promotion|mailing|spam",
        "delete": r"delet|remov|eras|wip(?:e|ed|ing)\b|cancel|clos(?:e|ing) ",
        "change": "chang|amend|modif|updat|revis",
        "view": r"access|view|see\b|review|look",
        "secure": "secur|encrypt|protect|safe|ssl",
        "opt out": "opt[- ]?out|unsubscrib|declin|refus|disabl|turn off|block|choice",
    }.items()
}


def practices(text: str) -> frozenset[str]:
    """The practices with data that a text speaks of, in whatever words: "hang on to" and "retention" are one."""
    return frozenset(name for name, words in _PRACTICES.items() if words.search(text))
