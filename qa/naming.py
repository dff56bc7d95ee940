"""Who a text names: companies that are indexed, and names that are not.

A name is compared without case, spaces, punctuation and accents, so that "Free People", "freepeople" and "FREE-PEOPLE"
are one. Three things keep an ordinary word from being taken for a company: how common its words are
(``common_words.txt``), how the writer spells it, and where it stands ("does Wire share" and "at Wire", but not "do they
wire money"). Looking names up costs a few dictionary probes a word; misspelt words are compared only with names that
begin or end alike.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

from qa.domain import PolicyCard
from qa.grammar import Role, Token, is_asked_about, is_cased, is_subject, name_ends, role_of
from qa.text import plain
from qa.wording import (
    ASK,
    DETERMINERS,
    FUNCTION_WORDS,
    GENERIC,
    HERE,
    NOT_COMPANIES,
    OBJECTS,
    OWNERS,
    PRODUCTS,
    PRONOUNS,
    SITE_NOUNS,
    THIRD_PARTIES,
    VERBS,
    is_common,
    is_misspelling,
    is_plural,
    is_topic,
)

_TOKEN = re.compile(
    r"(?P<mail>[^\s@]{1,64}@[^\s@]+)"
    r"|(?P<host>(?:https?://)?(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){1,6}[a-z]{2,24}\b(?:/[^\s,;!?]*)?)"
    r"|(?P<word>[^\W_]+(?:'[^\W_]+)*'?)",
    re.IGNORECASE,
)
_LONGEST_NAME = 6  # words
_LONGEST_TEXT = 4_000  # characters looked at; longer questions are refused elsewhere
_TOP_LEVELS = frozenset("com org net edu gov io co info biz us uk de fr eu ca au nl ie nz in tv me app dev ai".split())
_SECOND_LEVELS = frozenset("co com org net ac gov edu ltd plc".split())
_LEGAL = frozenset("inc llc ltd limited gmbh corp corporation co plc ag sa bv oy ab pty llp company group".split())


@dataclass(frozen=True, slots=True)
class Mention:
    """A name in a text.

    Attributes:
        start, end: where it stands, without a possessive ending.
        stop: where it ends with its possessive ending.
        domains: the indexed companies it can mean; empty for a name that is not indexed, several where it is ambiguous.
    """

    start: int
    end: int
    stop: int
    domains: tuple[str, ...]
    role: Role


@dataclass(frozen=True, slots=True)
class Unknown:
    """A name that is not indexed; ``sure`` where the question can hardly be about anybody else."""

    name: str
    sure: bool


def _unaccented(text: str) -> str:
    if text.isascii():
        return text
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


def _words(name: str) -> list[str]:
    folded = name.lower() if name.isascii() else _unaccented(plain(name))
    return re.findall(r"[^\W_]+", folded.replace("'", ""))


def host_of(text: str) -> str:
    """The host in a domain or address as people write it: lower case, without scheme, ``www.``, path and final dot."""
    host = re.sub(r"^[a-z][a-z0-9+.-]*://", "", plain(text))
    return re.split(r"[/?#:\s]", host, maxsplit=1)[0].removeprefix("www.").rstrip(".")


def label_of(domain: str) -> str:
    """The part of a domain that people say: ``bbc`` of ``bbc.co.uk``, ``imdb`` of ``french.imdb.com``."""
    parts = domain.split(".")
    if len(parts) > 2 and parts[-2] in _SECOND_LEVELS and len(parts[-1]) == 2:
        return parts[-3]
    return parts[-2] if len(parts) > 1 else parts[0]


class _Rank(IntEnum):
    COMPANY = 0
    ALIAS = 1
    DERIVED = 2


_SMALL = frozenset({"of", "for", "and", "the", "a"})
_AFFIXES = re.compile(
    r"^(?:get|my|go|try|join|use|the)(?=.{4})|(?<=.{4})(?:usa|us|uk|web|app|apps|online|inc|hq|official|shop|group)$"
)


def _forms(company: str) -> Iterator[str]:
    """Shorter names that people use: without legal form or article, the beginning, the end, the initials."""
    words = _words(company)
    while len(words) > 1 and words[-1] in _LEGAL:
        words = words[:-1]
        yield "".join(words)
    if len(words) > 1 and words[0] == "the":
        words = words[1:]
        if len(words) > 1 or not is_common(words[0]):
            yield "".join(words)
    for size in range(2, len(words)):
        if words[size - 1] not in _SMALL:
            yield "".join(words[:size])
    if "of" in words[1:-1]:
        last = len(words) - 1 - words[::-1].index("of")
        yield "".join(words[last - 1 :])  # "Department of Public Works"
    if len(words) > 3 and words[-2] not in _SMALL:
        yield "".join(words[-2:])  # "Public Works"
    is_owner = re.match(r"\w+['’]s\b", company) is not None  # "Grandpa's General Store"
    if len(words) > 1 and len(words[0]) > 3 and (is_owner or not (is_common(words[0]) or is_misspelling(words[0]))):
        yield words[0]
    initials = "".join(word[0] for word in words if word not in _SMALL)
    if len(initials) > 2 and not is_common(initials):
        yield initials


def _beginnings(words: Sequence[str]) -> Iterator[str]:
    """What a long name is shortened to: "Ruby Mountain" of "Ruby Mountain Helicopter Experience"."""
    for size in range(2, len(words)):
        if words[size - 1] not in _SMALL and not all(word in _NOBODY for word in words[:size]):
            yield "".join(words[:size])


def _forms_of_domain(domain: str) -> Iterator[str]:
    """Shorter names in a domain: ``nissan`` in ``nissanusa.com``, ``ies`` in ``ies.ed.gov``."""
    label = label_of(domain)
    short = _AFFIXES.sub("", label)
    if short != label and not is_common(short):
        yield "".join(_words(short))
    if "and" in label[3:-3]:  # "Orient & Flume" at orientandflume.com: the sign is no word
        yield label[:3] + label[3:-3].replace("and", "", 1) + label[-3:]
    first = domain.partition(".")[0]
    if first != label and len(first) > 2:
        yield "".join(_words(first))


_NOBODY = GENERIC | NOT_COMPANIES | THIRD_PARTIES | PRODUCTS
_RUN_OF_GENERIC = re.compile(f"(?:{'|'.join(sorted(GENERIC, key=len, reverse=True))})+")


def _is_nobody(words: Sequence[str], domain: str) -> bool:
    """Whether a name names no company or not this one: words of every policy, a place, a sentence, "Google "
    "Analytics".
    """
    squash = "".join(words)
    if not words or len(words) > 2 * _LONGEST_NAME or _RUN_OF_GENERIC.fullmatch(squash):
        return True
    return all(word in _NOBODY for word in words) and squash not in "".join(_words(domain))


def _are_initials(words: Sequence[str], names: Iterable[str]) -> bool:
    """Whether a word is what a longer name is cut to: FTC of the Federal Trade Commission."""
    if len(words) != 1:
        return False
    return any(words[0] == "".join(w[0] for w in _words(name) if w not in _SMALL) for name in names)


_TURN = re.compile(
    r"\W*(?:(?:and|or|so|ok|what about|how about|same (?:question )?for)\s+)+(?P<name>[^?!.,;:\n]{2,40}?)\W*$",
    re.IGNORECASE,
)


class NameIndex:
    """The names of all indexed companies, ready to be found in a text; immutable."""

    def __init__(self, cards: Iterable[PolicyCard]) -> None:
        names: dict[str, dict[str, _Rank]] = defaultdict(dict)

        def add(squash: str, domain: str, rank: _Rank) -> None:
            if len(squash) > 1 and squash not in FUNCTION_WORDS:
                known = names[squash]
                known[domain] = min(rank, known.get(domain, rank))

        hosts: dict[str, set[str]] = defaultdict(set)
        seen: set[tuple[str, str]] = set()
        for card in cards:
            domain = card.domain
            if domain not in hosts:
                hosts[domain].add(domain)
                label = label_of(domain)
                if len(label) > 2:
                    add("".join(_words(label)), domain, _Rank.COMPANY)
                for form in _forms_of_domain(domain):
                    add(form, domain, _Rank.DERIVED)
                if (parent := domain[domain.rindex(label) :]) != domain:
                    hosts[parent].add(domain)
            for name, rank in ((card.company, _Rank.COMPANY), *((alias, _Rank.ALIAS) for alias in card.aliases)):
                if (domain, name) in seen:
                    continue
                seen.add((domain, name))
                words = _words(name)
                if _is_nobody(words, domain) and not _are_initials(words, (card.company, *card.aliases)):
                    continue
                if re.fullmatch(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+", name):
                    hosts[name].add(domain)
                    continue
                add("".join(words), domain, rank)
                forms = _forms(name) if rank == _Rank.COMPANY else _beginnings(words)
                for form in forms:
                    if not _RUN_OF_GENERIC.fullmatch(form):
                        add(form, domain, _Rank.DERIVED)
        self._hosts = {
            host: (host,) if host in of else tuple(sorted(of))
            for host, of in hosts.items()
            if host in of or len(of) < 4
        }
        self._names: dict[str, tuple[str, ...]] = {}
        self._derived: set[str] = set()
        self._companies: list[str] = []
        for squash, ranks in names.items():
            best = min(ranks.values())
            domains = tuple(sorted(domain for domain, rank in ranks.items() if rank == best))
            # A shorter form, or an alias of many, says nothing about which company is meant.
            if len(domains) == 1 or best == _Rank.COMPANY or (best == _Rank.ALIAS and len(domains) < 4):
                self._names[squash] = domains
                if best == _Rank.DERIVED:
                    self._derived.add(squash)
                elif best == _Rank.COMPANY:
                    self._companies.append(squash)
        self._alike: dict[str, list[str]] = defaultdict(list)
        for squash in self._names:
            if len(squash) > 4:
                self._alike[squash[:3] + "*"].append(squash)
                self._alike["*" + squash[-3:]].append(squash)

    def find(self, text: str) -> tuple[Mention, ...]:
        """The indexed companies that a text names, in order; the longest name wins where two overlap."""
        tokens = self._tokens(text)
        cased = is_cased(tokens)
        found: list[tuple[int, int, tuple[str, ...]]] = []
        taken: set[int] = set()
        for exact in (True, False):
            spans = self._exact(tokens) if exact else self._misspelt(tokens, taken)
            for i, j, squash, domains in sorted(spans, key=lambda s: (s[0] - s[1], -len(s[2]))):
                if taken.isdisjoint(range(i, j)) and self._is_name(tokens, i, j, squash, cased=cased, exact=exact):
                    taken.update(range(i, j))
                    found.append((i, j, domains))
        return tuple(
            Mention(tokens[i].start, tokens[j - 1].end, tokens[j - 1].stop, domains, role_of(tokens, i, j, text))
            for i, j, domains in sorted(found)
        )

    def find_unknown(self, text: str) -> Unknown | None:
        """The company that a text is about although no such company is indexed; call it where ``find`` finds none."""
        tokens = self._tokens(text)
        cased = is_cased(tokens)
        if HERE.search(text.lower()):
            return None
        for i in range(len(tokens)):
            j = name_ends(tokens, i, cased=cased)
            if j > i and (sure := is_asked_about(tokens, i, j)) is not None:
                return Unknown(text[tokens[i].start : tokens[j - 1].end], sure)
        return None

    def find_turned_to(self, text: str) -> str | None:
        """The company, not indexed, that a conversation is turned to with its bare name: "and Zappos?"."""
        match = _TURN.match(text)
        if not match or all(word in _NOBODY for word in _words(match["name"])):
            return None
        name = match["name"].strip()
        unknown = self.find_unknown(f"does {name} share it")
        return name if unknown and unknown.sure and unknown.name == name else None

    def nearest(self, name: str, limit: int) -> tuple[str, ...]:
        """The domains whose names look most like a name."""
        from rapidfuzz import fuzz, process

        wanted = "".join(_words(name))
        out: list[str] = []
        for squash, _, _ in process.extract(wanted, self._companies, scorer=fuzz.ratio, limit=4 * limit):
            out.extend(domain for domain in self._names[squash] if domain not in out)
        return tuple(out[:limit])

    def _tokens(self, text: str) -> list[Token]:
        tokens: list[Token] = []
        position, last = 0, 0
        text = text[:_LONGEST_TEXT]
        while match := _TOKEN.search(text, position):
            start, end = match.span()
            opens = last == 0 or re.search(r"[.?!;:,()\n]", text[last:start]) is not None
            if match["mail"]:
                tokens.append(Token(start, end, end, "", "", capital=False, opens=opens, mail=True))
            elif match["host"] and (host := self._host(match["host"])):
                stop = end + 2 if text[end : end + 2].lower() == "'s" else end
                tokens.append(Token(start, end, stop, host, host, capital=True, opens=opens, host=host))
                end = stop
            else:
                if match["host"]:  # a full stop without a blank: only its first word
                    end = start + len(re.match(r"[^\W_]+", match["host"])[0])  # type: ignore[index]
                word = text[start:end]
                cut = 2 if word.lower().endswith("'s") else 1 if word.endswith("'") else 0
                full = _unaccented(word.lower()).replace("'", "")
                key = _unaccented(word[: len(word) - cut].lower()).replace("'", "")
                if cut == 1 and not key.endswith("s"):  # a closing quotation mark
                    end, cut = end - 1, 0
                striking = re.search(r"[^\W\d_]\d|\d[^\W\d_]|.[A-Z]", text[start : end - cut]) is not None
                tokens.append(Token(start, end - cut, end, key, full, word[0].isupper(), opens, striking))
            position = last = end
        return tokens

    def _host(self, text: str) -> str | None:
        host = host_of(text)
        return host if self._by_host(host) or host.rsplit(".", 1)[-1] in _TOP_LEVELS else None

    def _by_host(self, host: str) -> tuple[str, ...]:
        while "." in host:
            if host in self._hosts:
                return self._hosts[host]
            host = host.split(".", 1)[1]
        return ()

    def _exact(self, tokens: Sequence[Token]) -> Iterator[tuple[int, int, str, tuple[str, ...]]]:
        for i, first in enumerate(tokens):
            if first.host:
                if domains := self._by_host(first.host):
                    yield i, i + 1, first.host, domains
                continue
            squash = ""
            for j in range(i, min(i + _LONGEST_NAME, len(tokens))):
                if tokens[j].host or tokens[j].mail:
                    break
                for last in dict.fromkeys((tokens[j].full, tokens[j].key, *_singular(tokens[j]))):
                    if squash + last in self._names:
                        yield i, j + 1, squash + last, self._names[squash + last]
                        break
                squash += tokens[j].full

    def _misspelt(self, tokens: Sequence[Token], taken: set[int]) -> Iterator[tuple[int, int, str, tuple[str, ...]]]:
        from rapidfuzz import process
        from rapidfuzz.distance import OSA

        for i in range(len(tokens)):
            squash = ""
            for j in range(i, min(i + 3, len(tokens))):
                token = tokens[j]
                if j in taken or token.mail:
                    break
                word = label_of(token.host) if token.host else token.key
                squash += word
                if len(squash) < 5 or not any(t.rare for t in tokens[i : j + 1]):
                    continue
                near = {*self._alike.get(squash[:3] + "*", ()), *self._alike.get("*" + squash[-3:], ())}
                if token.key in FUNCTION_WORDS or tokens[i].key in FUNCTION_WORDS - {"a", "the", "my"}:
                    continue
                best = process.extractOne(squash, list(near), scorer=OSA.distance, score_cutoff=2)
                if best and _is_slip(squash, best[0], int(best[1])) and not (token.host and i != j):
                    yield i, j + 1, best[0], self._names[best[0]]

    def _is_name(self, tokens: Sequence[Token], i: int, j: int, squash: str, *, cased: bool, exact: bool) -> bool:
        words = tokens[i:j]
        if words[0].host:
            return True
        capital = cased and all(t.capital for t in words if t.key not in {"of", "the", "and", "a", "for"})
        before = None if words[0].opens or i == 0 else tokens[i - 1].key
        after = None if j == len(tokens) or tokens[j].opens else tokens[j].key
        if not capital and len(words) == 1 and before in PRONOUNS and after in OBJECTS:
            return False  # "will you google my name"
        is_short = squash in self._derived or (len(words) == 1 and not words[0].rare)
        if is_short and (before == "in" or _is_longer_name(tokens, i, j, cased=cased)):
            return False
        if exact:
            weak = len(squash) < 4 or not any(t.rare for t in words)
        else:
            typed = "".join(t.key for t in words)
            weak = typed + "s" == squash or all(is_misspelling(t.key) or not t.rare for t in words)
        if not weak or (capital and (len(words) > 1 or (i > 0 and not words[0].opens))):
            return True
        if len(words) == 1 and (is_topic(squash) or is_plural(squash)):
            return False  # "is login protected", "can kids sign up"
        if words[-1].possessive and words[-1].full not in squash:
            return before not in DETERMINERS
        if is_subject(tokens, i, j):
            return True
        if after in SITE_NOUNS and before not in PRONOUNS | (DETERMINERS - OWNERS):  # "my wire account"
            return True
        if cased and not capital and len(squash) > 3:
            return before in {"at", "on"} and len(words) > 1
        if len(words) == 1 and len(squash) > 3:
            ends = after is None or after in VERBS or after in PRONOUNS
            return (before in {"at", "on"} and ends) or (before in ASK and after in {"to", *VERBS})
        return before not in PRONOUNS | DETERMINERS | {"to", "not"} and after != "from"


def _singular(token: Token) -> Iterator[str]:
    if token.key.endswith("s") and not token.possessive and not is_common(token.key) and len(token.key) > 4:
        yield token.key[:-1]  # "maacos site"


def _is_slip(typed: str, name: str, slips: int) -> bool:
    """Whether a difference looks like a slip of the fingers: longer names may differ more, short ones hardly."""
    shorter = min(len(typed), len(name))
    if slips > (1 if shorter < 8 else 2) or (typed[0] != name[0] and typed[1:2] != name[:1]):
        return False
    replaced = sum(a != b for a, b in zip(typed, name, strict=True)) if len(typed) == len(name) else 0
    return sorted(typed) == sorted(name) or replaced <= (0 if shorter < 7 else 1 if shorter < 12 else 2)


def _is_longer_name(tokens: Sequence[Token], i: int, j: int, *, cased: bool) -> bool:
    """Whether the words beside make it another, longer name: "Morgan" in "Morgan Stanley"."""
    beside = []
    if j < len(tokens) and not tokens[j].opens and not tokens[j - 1].possessive:
        beside.append(tokens[j])
    if i > 0 and not tokens[i].opens and not tokens[i - 1].opens:
        beside.append(tokens[i - 1])
    if cased and tokens[i].capital:
        return any(t.capital and t.key not in NOT_COMPANIES and t.key != "i" for t in beside)
    return any(t.rare and t.key not in NOT_COMPANIES and not is_misspelling(t.key) for t in beside)
