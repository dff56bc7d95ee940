"""How people call the company behind a policy: a name to show, and aliases that mean it in a question.

Domains run words together, titles carry menus and policies name the legal entity; the name that people use is mostly
the form in which the text itself writes the domain's label ("Free People" for freepeople.com). Whose policy it is
besides shows in turns of phrase that only an owner uses ("X ("we")", "© 2012 X", "At X, your privacy …"). Aliases are
matched in questions, so a word that could mean something else there must never become one.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from qa.naming import label_of
from qa.text import visible
from qa.wording import is_common

__all__ = ["Names", "derive_names"]


@dataclass(frozen=True, slots=True)
class Names:
    """What a policy's company is called.

    Attributes:
        company: for display.
        origin: where ``company`` was taken from: "option", "text", "owner" or "domain".
        aliases: lower case, without ordinary words; the domain first.
        owner: whose policy the text says it is, where it says so.
        foreign: whether that is somebody else than the site it was archived from.
    """

    company: str
    origin: str
    aliases: tuple[str, ...]
    owner: str | None = None
    foreign: bool = False


@dataclass(slots=True)
class _Candidate:
    """A name with what speaks for it: how often it is spelt how, and the kinds of evidence."""

    spellings: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)

    @property
    def name(self) -> str:
        return max(
            self.spellings, key=lambda spelling: (self.spellings[spelling], not spelling.isupper(), -len(spelling))
        )

    @property
    def score(self) -> float:
        """Each kind of evidence counts fully once and a little when repeated; mere mentions count little."""
        return sum(_WEIGHTS[kind] * (1 + min(count - 1, 3) / 4) for kind, count in self.kinds.items())

    @property
    def is_owner(self) -> bool:
        """Whether it is beyond reasonable doubt whose text it is."""
        return self.score >= _STRONG and len(self.kinds) > 1 and not _IDENTIFYING.isdisjoint(self.kinds)


_LEGAL = re.compile(
    r"(?:,?\s+(?:and|&))?,?\s+(?:inc|incorporated|llc|l\.\s?l\.\s?c|ltd|limited|corp|corporation|company|co|plc|gmbh|ag|as|a/s|ab"
    r"|bv|b\.\s?v|nv|n\.\s?v|sa|s\.\s?a|pty|pte|cio|lp|llp|m\.?d|group|holdings|enterprises|international)\.?$",
    re.IGNORECASE,
)
_LEGAL_WORDS = frozenset({"co", "companies", "company", "corp", "corporation", "group", "inc", "limited", "llc", "ltd"})
# Words of titles, menus and definitions; a name may contain them but not consist of them, nor begin or end with most.
_GENERIC = frozenset(
    re.findall(
        r"\w+",
        "about above accept access account accounts affiliates agreement all app application applications apps at back "
        "below california cancel children click collectively commitment contact content cookie cookies copyright "
        "customer data date disclaimer domain each effective email english entities entity event faq faqs for from "
        "full guarantee guidelines help hereafter his home i if in info information internet introduction it "
        "its jump last legal log main may member members menu mobile more my navigation no notice now on online or "
        "other our overview page parties party personal platform platforms please policies policy portal practices "
        "practice previous print privacy product products protection read register regarding reserved return revised "
        "rights safety scope search security see service services share shop sign site sites skip social software "
        "statement store such support system term terms that the their these this title to toggle top updated use "
        "user users view visitors we web webpage website websites welcome what when where who with you your",
    )
)
# Words that names of sites are often made of, besides the ordinary ones.
_SITE_WORDS = frozenset(
    re.findall(
        r"\w+",
        "air art auto baby ball bank bar bath beach bean bear beauty bed beer best bike bird blue book books "
        "boutique box brew bulb bulbs cafe cake candy car cars cat city clothing club coffee coin coins color "
        "craft crafts cruise culture dance day deal deals depot design designs diet doctor dog dogs domain dream "
        "eagle earth emporium energy farm fashion film films fish fit fitness flower flowers food football fresh "
        "fun garden gardens gear gift gifts girl global gold golf green guitar hair hat health hobby hockey home "
        "house hub ice jewelry kids kitchen lab land life light living loan loans love lumber magic magnet "
        "magnets map market math mart max media metal mom moon movie movies music nation nature nest news night "
        "ocean opera outdoor palace paper parts party pearl pet pets photo photos pin pins pizza planet play pool "
        "post power princess print prints pro pushpin radio ranch recipe recipes red rifle river rock rose royal "
        "salon school schools scope scopes shade shoe shoes shop show silver sky smart snow soap soccer song "
        "space sport sports star stars stone store street studio sun super supply surf sweet tag tags tea team "
        "tech tennis tickets tire tool tools top town toy toys trade travel tree truck tv uniform uniforms united "
        "video village vintage water web wedding wellness white wild wind wine wire wolf wood world yoga",
    )
)
_ARTICLE = re.compile(r"^(?:the|welcome to)\s+", re.IGNORECASE)
_PART = r"[A-Z0-9][\w&'.+-]*"
_NAME = rf"(?<![\w&'.+-])(?P<name>{_PART}(?:,? (?:{_PART}|&|of|and|for|the|de|on)){{0,8}})"
_POLICY = r"(?i:privacy)(?i: (?:and|&) \w+)? (?i:policy|statement|notice|practices)"
_WEIGHTS = {
    "defined": 3.0, "titled": 3.0, "at": 2.0, "of": 2.0, "copyright": 2.0, "operated": 2.0, "named": 1.5, "often": 1.0,
    "cares": 1.0, "acts": 0.5, "leads": 2.5,
}  # fmt: skip
_EVIDENCE = {
    "defined": re.compile(rf"{_NAME},? ?\((?P<forms>[^()\n]{{0,120}}?\b(?i:we|us|our)\b[^()\n]{{0,60}})\)"),
    "named": re.compile(rf"{_NAME},? ?\((?:the )?(?P<forms>\"[^()\n]{{2,60}}\")\)"),
    "at": re.compile(rf"\b[Aa]t (?:the )?{_NAME}, (?:we|your|our|protecting|privacy)\b"),
    "of": re.compile(rf"\b(?:{_POLICY}|[Ww]eb ?site(?: ?\([^()]{{2,20}}\))?) (?:of|for) (?:the )?{_NAME}"),
    "copyright": re.compile(
        rf"(?:©|\([cC]\)|[Cc]opyright)[\s©(c),–-]{{0,12}}(?:\d{{4}}[\s,–-]*){{0,3}}(?:by )?{_NAME}"
    ),
    "operated": re.compile(
        rf"\b(?:(?:owned|operated) by|legal name is|a (?:site|service|product) of) (?:the )?{_NAME}"
    ),
    "cares": re.compile(
        rf"{_NAME} (?:is committed|is dedicated|respects|values|recogni[sz]es|appreciates|cares|takes)\b"
    ),
    "acts": re.compile(rf"{_NAME} (?:may|will|does not|collects|uses|reserves|shares|cannot|maintains)\b"),
}
_OFTEN = 3
_QUOTES = str.maketrans("‘’“”", "''\"\"")
# Evidence that only the owner gives anywhere; "the privacy policy of X" elsewhere is somebody else's.
_IDENTIFYING = frozenset({"defined", "titled", "at", "copyright", "leads"})
_INTRODUCTION_CHARS = 3_000
_WE = re.compile(r"[\"']\s*(?:we|us|our)\b|^\W*(?:(?:we|us|our|ours|or|and)\b\W*)+$", re.IGNORECASE)
_STRONG = 3.0
_DEFINED = re.compile(r"\"(?:the )?([^\"]{2,40}?),?\"")
_TITLE_WORD = re.compile(r"\bprivacy\b|\bsecurity\b", re.IGNORECASE)
_SEPARATORS = re.compile(r" [|–—·»›>/:-]+ | ?[|»›] ?|: ")
_NUMBERS = re.compile(r"^(?:(?:19|20)\d\d|\d{1,2}(?:\.\d+)*\.?),? |\b(?:19|20)\d\d\b.*$")
_SMALL = frozenset({"and", "my", "of", "the", "pa"})
_IN_CAPITALS = frozenset({"dc", "eu", "md", "nyc", "pa", "tv", "uk", "usa"})
_TAILS = frozenset({"app", "hq", "inc", "online", "web"})


def derive_names(text: str, domain: str, company: str | None = None) -> Names:
    """The company's name and aliases, from the text and the domain.

    Args:
        text: the canonical text.
        domain: where the policy was archived from.
        company: the name, where somebody has given it; only aliases are derived then.
    """
    shown = (visible(raw).translate(_QUOTES).lstrip("#>*=-• ") for raw in text.split("\n"))
    lines = [line for line in shown if line]
    body = "\n".join(lines)
    label = _label(domain, body)
    candidates = _candidates(lines)
    related = next((each for each in candidates if _belongs(domain, label, each)), None)
    form = _form_of(label, body)
    owners = [each for each in candidates if each.is_owner and (form is None or _outweighs(each, form, body))][:3]
    guess = _from_label(label, body)
    if company is not None:
        name, origin = company, "option"
    elif form and not (related and len(form) <= 4 and _initials(related.name).startswith(form.lower())):
        name, origin = form, "text"
    elif related:
        name, origin = _without_legal(_ARTICLE.sub("", related.name)), "owner"
    elif candidates and candidates[0].score >= 2 and domain.rsplit(".", 1)[-1] in {"edu", "gov", "mil"}:
        name, origin = _without_legal(_ARTICLE.sub("", candidates[0].name)), "owner"
    else:
        name, origin = guess, "domain"
    found = list(dict.fromkeys(each.name for each in ([related] if related else []) + owners))
    aliases = tuple(_aliases(domain, label, [name, guess], found, _short_forms([name, *found], body)))
    owner = found[0] if found else None
    return Names(name, origin, aliases, owner, foreign=owner is not None and form is None and related is None)


def _label(domain: str, body: str) -> str:
    """The part of a domain that names its owner; that of an agency below a state's or department's domain."""
    label, parts = label_of(domain), domain.split(".")
    if parts[-1] != "gov" or len(label) != 2 or len(parts) < 3:
        return label
    both = label + parts[-3]
    return both if both.upper() in body else parts[-3]


def _belongs(domain: str, label: str, candidate: _Candidate) -> bool:
    """Whether a name for which there is evidence has to do with the domain."""
    if _is_related(label, candidate.name):
        return candidate.score >= (1 if _initials(candidate.name).endswith(label) else 2)
    hosts = [part for part in domain.split(".")[:-1] if len(part) > 4 and part != label]
    return candidate.score >= _STRONG and any(_squashed(candidate.name).startswith(host) for host in hosts)


def _candidates(lines: Sequence[str]) -> list[_Candidate]:
    """Names that evidence of ownership speaks for, best first."""
    found: dict[str, _Candidate] = defaultdict(_Candidate)

    def add(raw: str, kind: str) -> None:
        if name := _clean(raw):
            candidate = found[_squashed(_without_legal(_ARTICLE.sub("", name)))]
            candidate.spellings[name] += 1
            candidate.kinds[kind] += 1

    at = 0
    for line in lines:
        for kind, pattern in _EVIDENCE.items():
            for match in pattern.finditer(line):
                introduces = kind in _IDENTIFYING or kind == "acts" or at + match.start() < _INTRODUCTION_CHARS
                if introduces and (kind != "defined" or _WE.search(match.group("forms"))):
                    add(match.group("name"), kind)
        at += len(line) + 1
    for part in _title_parts(lines):
        add(part, "titled")
    body = "\n".join(lines)
    actors = sorted((each for each in found.values() if each.kinds["acts"] > 1), key=lambda each: -each.kinds["acts"])
    if actors and _leads(actors[0], actors[1:], body):
        actors[0].kinds["leads"] += 1
    for candidate in found.values():
        if candidate.kinds.keys() - {"acts", "cares"} and _mentions(candidate.name, body) >= _OFTEN:
            candidate.kinds["often"] += 1
    return sorted(found.values(), key=lambda each: -each.score)


def _leads(actor: _Candidate, others: Sequence[_Candidate], body: str) -> bool:
    """Whether a name is introduced early and does most of what is done in the text."""
    name = _without_legal(_ARTICLE.sub("", actor.name))
    rival = max((other.kinds["acts"] for other in others if name not in other.name), default=0)
    introduced = 0 <= body.find(name) < _INTRODUCTION_CHARS and not (name.isupper() and len(name) < 5)
    return introduced and actor.kinds["acts"] >= 2 * rival and _mentions(name, body) >= _OFTEN


def _outweighs(candidate: _Candidate, form: str, body: str) -> bool:
    """Whether a name that only acts in the text does so more than the site itself; a partner does not."""
    if not _IDENTIFYING.isdisjoint(candidate.kinds.keys() - {"leads"}) or form in candidate.name:
        return True
    return _mentions(candidate.name, body) > _mentions(form, body)


def _mentions(name: str, body: str) -> int:
    """How often a name or its initials occur."""
    name = _without_legal(_ARTICLE.sub("", name))
    initials = _initials(name).upper()
    short = len(re.findall(rf"(?<!\w){re.escape(initials)}(?!\w)", body)) if len(initials) > 2 else 0
    return len(re.findall(rf"(?<!\w){re.escape(name)}(?!\w)", body)) + short


def _title_parts(lines: Sequence[str]) -> Iterator[str]:
    """The parts of a title among the first lines that are not about privacy themselves."""
    for line in lines[:6]:
        if len(line) > 120 or not _TITLE_WORD.search(line) or re.search(r"[.!?] ", line):
            continue
        for part in _SEPARATORS.split(line):
            name = re.split(rf"'s {_POLICY}| {_POLICY}| (?i:website|online) (?i:privacy)", part)[0]
            if len(name.split()) <= 6 and not name.islower():
                yield name


def _clean(raw: str) -> str | None:
    """A name without the words of titles and sentences around it, or None if nothing is left."""
    parts = _NUMBERS.sub("", raw.strip(" \t,.;:-*_\"'()")).split()
    while parts and parts[0].lower().strip(",.:'") in _GENERIC | {"and", "of", "&", "-", "an", "a", "any", "not"}:
        if parts[0].lower() == "the" and len(parts) > 1 and parts[1].lower().strip(",.:'") not in _GENERIC:
            break
        parts.pop(0)
    while parts and parts[-1].lower().strip(",.:'") in _GENERIC | {"and", "of", "&", "-", "the", "on"}:
        parts.pop()
    name = re.sub(r"'s?$", "", " ".join(parts).strip(" ,;:-"))
    name = re.sub(r"\.(?:com|org|net|co\.uk)$", "", name.rstrip(".") if not _LEGAL.search(name) else name)
    if not re.search(r"[A-Za-z]{2}", name) or len(name) > 60 or len(parts) > 9:
        return None
    if name == name.lower() or re.search(r":|\d-\d|\b(\w+),? \1\b", name):
        return None
    if len(parts) == 1 and is_common(name.lower()):
        return None
    return name


def _form_of(label: str, body: str) -> str | None:
    """How the text writes the domain's label: "Free People" for ``freepeople``, or None if it never does so by name."""
    bare = _squashed(label)
    if len(bare) < 2:
        return None
    spelt = r"[ '&.-]?".join(map(re.escape, bare))
    spelt = spelt.replace(r"[ '&.-]?".join(["a", "n", "d"]), r"(?:a[ '&.-]?n[ '&.-]?d|&)")
    pattern = re.compile(rf"(?<![\w@/.-]){spelt}(?![\w@]|-\w)", re.IGNORECASE)
    names: Counter[str] = Counter()
    addresses: Counter[str] = Counter()
    for match in pattern.finditer(body):
        form = match.group()
        is_address = " " not in form and re.match(
            r"\. ?[a-z]{2,4}\b", body[match.end() : match.end() + 6], re.IGNORECASE
        )
        (addresses if is_address else names)[form] += 1
    for forms in (_cased(names), _cased(addresses)):
        if forms:
            mixed = Counter({form: n for form, n in forms.items() if not form.isupper()})
            form = (mixed or forms).most_common(1)[0][0]
            if form.isupper() and len(form) > 4 and label not in body and not mixed and names[form] < 3:
                form = form.title()  # seen in headings only
            return _extended(form, body) if forms is not addresses else form
    return names.most_common(1)[0][0] if sum(names.values()) > 3 else None


def _cased(forms: Counter[str]) -> Counter[str]:
    return Counter({form: n for form, n in forms.items() if form != form.lower()})


def _extended(form: str, body: str) -> str:
    """The form with the words that nearly always stand beside it: "The Economist", "Austin Research Institute"."""
    total = len(re.findall(rf"(?<!\w){re.escape(form)}(?!\w)", body))
    for _ in range(4):
        known = re.escape(form)
        beside = Counter({"{0} " + word: n for word, n in _count(rf"(?<!\w){known} ((?:of )?[A-Z][a-z]+)(?!\w)", body)})
        beside.update(
            {word + " {0}": n for word, n in _count(rf"(?<![.!?:] )(?<!^)(?<!\w)([A-Z][a-z]+) {known}(?!\w)", body)}
        )
        for pattern, count in beside.most_common(3):
            word = pattern.replace("{0}", "").strip()
            article = word == "The" and count > 0.3 * total
            if count >= 3 and (
                article or (count > 0.6 * total and word.lower() not in _GENERIC and not _LEGAL.search(" " + word))
            ):
                form = pattern.format(form)
                break
        else:
            return form
    return form


def _count(pattern: str, body: str) -> list[tuple[str, int]]:
    return Counter(re.findall(pattern, body, re.MULTILINE)).most_common(5)


def _from_label(label: str, body: str) -> str:
    """A name made of the domain's label: cut into words where it consists of words, spelt as the text spells them."""
    if len(label) <= 3:
        return label.upper()
    spelt = Counter(re.findall(r"[A-Za-z][A-Za-z'.]*[A-Za-z]", body))
    known: dict[str, str] = {}
    for word, _ in spelt.most_common():
        if len(word) > 2:
            known.setdefault(word.lower(), word)
    words = [word for part in label.split("-") for word in _split(part, known)]
    if len(words) > 1 and words[-1] in _TAILS and len("".join(words[:-1])) > 3:
        words.pop()
    return " ".join(
        word if word in {"of", "and"} else known[word] if known.get(word, word) != word else
        word.upper() if word in _IN_CAPITALS else word[:1].upper() + word[1:]
        for word in words
    )  # fmt: skip


def _split(label: str, known: Mapping[str, str]) -> list[str]:
    """The fewest words that make up a label, at most one of them unknown; the label itself if there are none."""

    def is_known(word: str) -> bool:
        return word in _SITE_WORDS or is_common(word) or (len(word) > 3 and word in known)

    # best[i]: the cheapest way to make up the first i characters; a word costs 1, an unknown one more by its length.
    best: dict[int, tuple[float, list[str], bool]] = {0: (0, [], False)}
    for end in range(2, len(label) + 1):
        for start, (cost, words, strange) in list(best.items()):
            word = label[start:end]
            fine = word in _SMALL or word.isdigit() or (len(word) > 2 and is_known(word))
            if start >= end or (not fine and (strange or len(word) < 4)):
                continue
            option = cost + 1 + (0 if fine else len(word) / 2)
            if end not in best or option < best[end][0]:
                best[end] = (option, [*words, word], strange or not fine)
    words = best[len(label)][1] if len(label) in best else []
    unknown = sum(len(word) for word in words if not (word in _SMALL or word.isdigit() or is_known(word)))
    return words if len(words) > 1 and unknown <= len(label) / 2 else [label]


def _without_legal(name: str) -> str:
    """The name without "Inc.", "Ltd" and the like."""
    while (shorter := _LEGAL.sub("", name).strip(" ,")) != name and len(shorter) >= 2:
        name = shorter
    return name


def _aliases(
    domain: str, label: str, companies: Sequence[str], owners: Iterable[str], short: Iterable[str]
) -> Iterator[str]:
    """All names of a company in lower case, each once; those that are ordinary words only if it is called so itself."""
    seen: set[str] = set()
    registered = domain[domain.index(label_of(domain)) :]
    labels = (label, label.replace("-", " ")) if label == label_of(domain) or not is_common(label) else ()
    own = dict.fromkeys(form for company in companies for form in _spellings(company))
    for form in (domain, registered, *labels, *own):
        if form not in seen and len(form) > 1 and form not in _GENERIC:
            seen.add(form)
            yield form
    parts = {word for company in companies for word in company.lower().split()}
    for name in (*owners, *short):
        for form in _spellings(name):
            words = re.findall(r"\w+", form)
            ordinary = len(form) < 2 or all(word in _GENERIC or word in _LEGAL_WORDS for word in words)
            ordinary = ordinary or (len(words) == 1 and (is_common(form) or form in _SITE_WORDS or form in parts))
            if form not in seen and not ordinary:
                seen.add(form)
                yield form


def _spellings(name: str) -> Iterator[str]:
    """A name in lower case, without article, with and without its legal form, punctuation and blanks."""
    for form in (name, _without_legal(name)):
        low = _ARTICLE.sub("", form).lower().strip(" .,")
        yield low
        yield " ".join(re.sub(r"[^\w\s]", " ", low.replace("'", "").replace(".", "")).split())
    yield re.sub(r"\W", "", low)


def _short_forms(names: Sequence[str], body: str) -> Iterator[str]:
    """What the text calls a company for short: defined with its name, or its initials."""
    for name in names:
        for kind in ("defined", "named"):
            for match in _EVIDENCE[kind].finditer(body):
                if _clean(match.group("name")) == name:
                    forms = _DEFINED.findall(match.group("forms"))
                    yield from (form for form in forms if form[:1].isupper() and not _is_generic(form))
        initials = _initials(_without_legal(name)).upper()
        if len(initials) > 1 and len(re.findall(rf"(?<![\w.]){re.escape(initials)}(?![\w.])", body)) > 1:
            yield initials


def _is_generic(form: str) -> bool:
    return any(word in _GENERIC for word in re.findall(r"\w+", form.lower()))


def _initials(name: str) -> str:
    words = re.findall(r"[^\W_]+", name.lower())
    return "".join(word[0] for word in words if word not in {"of", "and", "for", "the", "s", "on", "in"})


def _squashed(name: str) -> str:
    return re.sub(r"[\W_]", "", name.lower())


def _is_related(label: str, name: str) -> bool:
    """Whether a name has to do with a domain's label: its words make up most of it, or its initials are in it."""
    bare, name = _squashed(label), _without_legal(_ARTICLE.sub("", name))
    squashed, initials = _squashed(name), _initials(name)
    if bare in squashed and len(bare) > 3:
        return True
    if squashed in bare and 2 * len(squashed) >= len(bare) > 3:
        return True
    covered = sum(len(word) for word in set(re.findall(r"\w{3,}", name.lower())) if word in bare)
    if covered >= 0.7 * len(bare) and 2 * covered >= len(squashed) and len(bare) > 3:
        return True
    if len(initials) > 2 and (bare.endswith(initials) or initials.endswith(bare)) and len(bare) > 2:
        return True
    return len(bare) > 2 and initials.startswith(bare)
