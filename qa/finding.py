"""Finding policies by what somebody types, and what there is to browse.

What is compared is prepared once for many searches: a keystroke over 10,000 policies takes a few milliseconds.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from qa.domain import PolicyCard
from qa.naming import host_of
from qa.text import plain

__all__ = ["Catalogue", "Finder", "Scope", "Site", "read_scope"]

OTHER = "#"
"""Stands for every first character that is not a Latin letter."""

_LONGEST = 200  # characters of a query looked at
_ANYWHERE = 3  # from so many characters on, a query is looked for within words
_DATED = re.compile(r"\d{4}|@")  # asks for the date in a policy's id
_RANKS = 5
_NEAR = 70  # how alike, of 100, a misspelt name must be


@dataclass(frozen=True, slots=True)
class Site:
    """The versions of one site's policy, newest first; never empty."""

    versions: tuple[PolicyCard, ...]

    @property
    def newest(self) -> PolicyCard:
        """Its newest version."""
        return self.versions[0]

    @property
    def letter(self) -> str:
        """The letter under which its company is browsed, without accents; ``#`` for digits and other scripts."""
        first = unicodedata.normalize("NFKD", self.newest.company.strip()[:1])[:1].upper()
        return first if "A" <= first <= "Z" else OTHER


@dataclass(frozen=True, slots=True)
class Catalogue:
    """How much there is to browse.

    Attributes:
        several: sites with more than one version.
        letters: sites by the first letter of their company, A to Z, then ``#``.
        years: policies by the year of their archive date, newest first.
    """

    policies: int
    sites: int
    several: int
    letters: Mapping[str, int]
    years: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Scope:
    """What a scope says: a domain, and the version's date where it names one."""

    domain: str
    date: str | None


def read_scope(scope: str) -> Scope:
    """A domain, policy id or file stem taken apart."""
    text = plain(scope).removesuffix(".md")
    match = re.fullmatch(r"(.+?)(?:@|__)(\d{4}-\d{2}-\d{2})", text)
    return Scope(host_of(match[1]), match[2]) if match else Scope(host_of(text), None)


@dataclass(frozen=True, slots=True)
class _Names:
    """What a query is compared with, of one policy."""

    company: str
    squashed: str
    domain: str


class Finder:
    """Searches the cards of one state of the index; immutable, and safe to share between threads."""

    def __init__(self, cards: Sequence[PolicyCard]) -> None:
        self._cards = cards

    def search(self, query: str, limit: int | None = None) -> tuple[PolicyCard, ...]:
        """The policies whose company, domain or alias fits, best first; all by name for an empty query.

        Whole names come first, then those that begin with the query, those with a word that does, and those that
        contain it (one or two letters are looked for within words only where no word begins so); only where there is
        none at all, misspelt ones.
        """
        wanted = plain(query)[:_LONGEST].strip()
        if not wanted:
            return self._by_name[:limit]
        squashed = wanted.replace(" ", "")
        ranked: list[list[int]] = [[] for _ in range(_RANKS)]
        for n in sorted(self._hits(wanted, squashed)):
            ranked[_rank(self._names[n], wanted, squashed)].append(n)
        best = [n for of_rank in ranked for n in of_rank] or self._near(squashed)
        return tuple(self._by_name[n] for n in best[:limit])

    def sites(
        self, query: str = "", *, letter: str | None = None, year: int | None = None, several: bool = False
    ) -> tuple[Site, ...]:
        """The sites that fit, best first, by name for an empty query.

        Args:
            query: as for ``search``.
            letter: only companies under this letter of the catalogue.
            year: only versions archived in this year.
            several: only sites with more than one version.
        """
        found = self._sites if not plain(query).strip() else self._of(card.domain for card in self.search(query))
        if several:
            found = tuple(site for site in found if len(site.versions) > 1)
        if letter:
            found = tuple(site for site in found if site.letter == letter)
        if year is not None:
            within = (tuple(card for card in site.versions if card.archived_on.year == year) for site in found)
            found = tuple(Site(versions) for versions in within if versions)
        return found

    def sites_of(self, scopes: Iterable[str]) -> tuple[Site, ...]:
        """The sites of domains, policy ids or file stems, each once, in their order; what is not indexed is left out.

        A policy id is known only if that very version is.
        """
        found: dict[str, Site] = {}
        for scope in scopes:
            wanted = read_scope(scope)
            site = self._by_domain.get(wanted.domain)
            dates = {card.archived_on.isoformat() for card in site.versions} if site else set()
            if site and (wanted.date is None or wanted.date in dates):
                found.setdefault(wanted.domain, site)
        return tuple(found.values())

    @functools.cached_property
    def catalogue(self) -> Catalogue:
        """What there is to browse."""
        letters = Counter(site.letter for site in self._sites)
        years = Counter(card.archived_on.year for card in self._cards)
        return Catalogue(
            policies=len(self._cards),
            sites=len(self._sites),
            several=sum(len(site.versions) > 1 for site in self._sites),
            letters=dict(sorted(letters.items(), key=lambda pair: (pair[0] == OTHER, pair[0]))),
            years=dict(sorted(years.items(), reverse=True)),
        )

    def prepare(self) -> None:
        """Prepares what the first search would otherwise wait for."""
        self.search("a", 1)
        self.search("abc", 1)
        _ = self.catalogue

    def _hits(self, wanted: str, squashed: str) -> set[int]:
        """The cards that a query fits at all."""
        if len(wanted) < _ANYWHERE:
            begins = f" {wanted}"
            if hits := {n for n, words in enumerate(self._words) if begins in words}:
                return hits
        hits = {n for n, names in enumerate(self._everything) if wanted in names}
        if squashed != wanted:
            hits |= {n for n, names in enumerate(self._everything) if squashed in names}
        if _DATED.search(wanted):
            hits |= {n for n, card in enumerate(self._by_name) if wanted in card.id}
        return hits

    @functools.cached_property
    def _by_name(self) -> tuple[PolicyCard, ...]:
        """All cards by company and domain, a site's versions newest first."""
        return tuple(sorted(self._cards, key=lambda c: (c.company.casefold(), c.domain, -c.archived_on.toordinal())))

    @functools.cached_property
    def _names(self) -> tuple[_Names, ...]:
        """What each card of ``_by_name`` is called."""
        return tuple(_names_of(card) for card in self._by_name)

    @functools.cached_property
    def _everything(self) -> list[str]:
        """All that each card of ``_by_name`` is found by."""
        pairs = zip(self._by_name, self._names, strict=True)
        return ["\n".join((names.company, names.squashed, names.domain, *card.aliases)) for card, names in pairs]

    @functools.cached_property
    def _words(self) -> list[str]:
        """Where a word of each card's name begins, there is a blank before it."""
        return [f" {names.company} {names.domain}" for names in self._names]

    @functools.cached_property
    def _by_domain(self) -> dict[str, Site]:
        versions: dict[str, list[PolicyCard]] = defaultdict(list)
        for card in self._cards:
            versions[card.domain].append(card)
        newest_first = {
            domain: sorted(cards, key=lambda card: card.archived_on, reverse=True) for domain, cards in versions.items()
        }
        return {domain: Site(tuple(cards)) for domain, cards in newest_first.items()}

    @functools.cached_property
    def _sites(self) -> tuple[Site, ...]:
        return tuple(
            sorted(self._by_domain.values(), key=lambda site: (site.newest.company.casefold(), site.newest.domain))
        )

    def _of(self, domains: Iterable[str]) -> tuple[Site, ...]:
        return tuple(self._by_domain[domain] for domain in dict.fromkeys(domains))

    def _near(self, squashed: str) -> list[int]:
        """The cards whose name, or its beginning while somebody is still typing, is spelt alike, nearest first."""
        from rapidfuzz import fuzz, process

        scores: dict[int, float] = {}
        length = len(squashed)
        for spelt in ([n.squashed for n in self._names], [n.squashed[:length] for n in self._names if length > 3]):
            for _, score, n in process.extract(
                squashed, spelt, scorer=fuzz.ratio, score_cutoff=_NEAR, limit=len(self._names)
            ):
                scores[n] = max(score, scores.get(n, 0))
        return sorted(scores, key=lambda n: (-scores[n], n))


def _names_of(card: PolicyCard) -> _Names:
    company = card.company.casefold()
    return _Names(company, company.replace(" ", ""), card.domain)


def _rank(names: _Names, wanted: str, squashed: str) -> int:
    """How well names fit what was typed; 0 is best."""
    company, domain = names.company, names.domain
    if wanted in (company, domain) or squashed == names.squashed:
        return 0
    if company.startswith(wanted) or domain.startswith((wanted, squashed)) or names.squashed.startswith(squashed):
        return 1
    if f" {wanted}" in company:
        return 2
    return 3 if wanted in company or squashed in domain else 4
