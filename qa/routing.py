"""Routing: which policies a question is to be answered from, decided before any search.

What decides, strongest first: the scope asked for; a company (or several) named in the question; the operator's scope;
a company named that is not indexed (which never gets another company's policy); "which of these sites"; the company
that the conversation is about; the only company indexed. Otherwise the asker is asked.
"""

from __future__ import annotations

import datetime as dt
import heapq
import itertools
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from qa.domain import Choice, Lookback, Looking, PolicyCard, Question, Route, Span, Status
from qa.errors import UnknownScope
from qa.finding import Finder, read_scope
from qa.grammar import Role
from qa.hindsight import asks_more, find_lookback, may_look_back
from qa.naming import Mention, NameIndex
from qa.text import fold
from qa.wording import (
    BE_AUX,
    DETERMINERS,
    DO_AUX,
    PREPOSITIONS,
    SITE_NOUNS,
    VERBS,
    When,
    Which,
    find_times,
    find_when,
    is_all_question,
    is_follow_up,
    is_privacy_question,
    say_when,
    stands_alone,
)

__all__ = ["Router", "find_scope", "is_privacy_question", "search_cards"]

_CHOICES = 5
_OFFERED = 12  # companies offered where none is named
_HISTORY = 12  # earlier questions looked at
_LONGEST = 4_000  # characters of a question looked at


@dataclass(frozen=True, slots=True)
class _Chosen:
    policies: tuple[str, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Talk:
    """What a conversation is about: companies, or a name that is not indexed, or (everything) all companies."""

    domains: tuple[str, ...] = ()
    unknown: str | None = None
    everything: bool = False
    when: When | None = None


@dataclass(frozen=True, slots=True)
class Named:
    """A company that a question is about: the name as it is written there, and the sites that it may mean."""

    text: str
    domains: tuple[str, ...]


class Router:
    """Chooses policies for questions; immutable and safe to share between threads."""

    def __init__(self, cards: Sequence[PolicyCard], *, scope: str | None = None) -> None:
        """Builds the index of names.

        Args:
            cards: every indexed policy, in any order.
            scope: what questions without a scope are about (an embedding company's own site).
        """
        versions: dict[str, list[PolicyCard]] = defaultdict(list)
        for card in cards:
            versions[card.domain].append(card)
        self._versions = {domain: sorted(of, key=lambda c: c.archived_on) for domain, of in versions.items()}
        self._scope = scope
        self._names = NameIndex(cards)
        newest = [of[-1] for of in self._versions.values()]
        first = heapq.nsmallest(_OFFERED, newest, key=lambda c: (c.company.casefold(), c.domain))
        self._offered = tuple(Choice(card.company, card.domain) for card in first)

    def route(self, question: Question) -> Route:
        """The policies for a question, with its query freed of names and dates.

        Raises:
            UnknownScope: the question's scope, or the operator's, names no indexed policy.
        """
        text = _clean(question.text)
        history = tuple(_clean(earlier) for earlier in question.history[-_HISTORY:])
        found = self._names.find(text)
        back = self._looking_back(question, text, found, history)
        return back or self._route(question, text, found, find_when(text), history)

    def is_about_named(self, text: str) -> bool:
        """Whether a question names an indexed company as the one that it is about, not merely in passing."""
        return self.named(text) is not None

    def named(self, text: str) -> Named | None:
        """The indexed company that a question is about and not just mentions, as it is named there."""
        clean = _clean(text)
        about = [mention for mention in _about(clean, self._names.find(clean)) if mention.role >= Role.PLACE]
        domains = tuple(dict.fromkeys(domain for mention in about for domain in mention.domains))
        return Named(_spelt(clean, about[0]), domains) if about else None

    def unknown(self, text: str, name: str) -> Route:
        """The route of a question about a company that there is no policy of."""
        return self._unknown(_clean(text), name, ())

    def _route(
        self, question: Question, text: str, found: Sequence[Mention], when: When | None, history: Sequence[str]
    ) -> Route:
        scope = question.scope or self._scope
        if scope is not None:
            route = self._route_in_scope(text, found, scope, when, question.as_of, own=question.scope is None)
        else:
            route = self._route_freely(text, found, when, question.as_of, history)
        if is_follow_up(text) and not (found and stands_alone(text)):
            route = replace(route, context=self._context(history))
        return route

    def route_to_each(self, question: Question, scopes: Sequence[str]) -> tuple[Route, ...]:
        """A route for each scope, the query freed of the names of all the companies that are compared.

        Raises:
            UnknownScope: a scope names no indexed policy.
        """
        text = _clean(question.text)
        when = find_when(text)
        pinned = [self._find(scope) for scope in scopes]
        compared = {card.domain for card in pinned}
        mine = _merged(text, [m for m in self._names.find(text) if compared & set(m.domains)])
        routes = []
        for scope, card in zip(scopes, pinned, strict=True):
            dated = _is_version(scope)
            chosen = _Chosen((card.id,)) if dated else self._choose(card.domain, when, question.as_of)
            query = self._query(text, mine, None if dated else when, card.domain)
            routes.append(Route(chosen.policies, query, warnings=chosen.warnings))
        return tuple(routes)

    def _looking_back(
        self, question: Question, text: str, found: Sequence[Mention], history: Sequence[str]
    ) -> Route | None:
        """The route of a question about versions (of one site, the ones asked about, oldest first); None for others."""
        follows = bool(history) and may_look_back(history[-1])
        if not (may_look_back(text) or follows):
            return None
        times = find_times(text)
        spans = [when.span for when in times]
        outside = [m for m in found if not any(s.start < m.stop and m.start < s.end for s in spans)]
        query = _without(text, _merged(text, outside), spans)
        asked = find_lookback(query, timed=bool(times))
        if asked is None and follows and (topic := asks_more(query)):
            earlier = find_lookback(self._undated(history[-1]))
            asked = replace(earlier, about=topic) if earlier and not earlier.question else None
        if asked is None:
            return None
        bare = _without(text, (), spans) or text
        route = self._route(question, bare, self._names.find(bare), None, history)
        if not (asked.question or asked.about):
            asked = self._resolved(asked, history)
        if route.status not in (None, Status.OUT_OF_SCOPE):
            return replace(route, lookback=asked)
        domains = tuple(dict.fromkeys(policy.rpartition("@")[0] for policy in route.policies))
        if len(domains) != 1:
            return replace(self._ask(text, domains, None), lookback=asked)
        chosen = self._versions_for(domains[0], asked, times, question.as_of)
        if len(chosen.policies) == 2:
            ids = [card.id for card in self._versions[domains[0]]]
            asked = replace(asked, between=ids.index(chosen.policies[1]) - ids.index(chosen.policies[0]) - 1)
        return replace(
            route,
            policies=chosen.policies,
            query=asked.question or asked.about or route.query,
            context=(),
            compare=False,
            status=None,
            warnings=(*route.warnings, *chosen.warnings),
            lookback=asked,
        )

    def _undated(self, text: str) -> str:
        """An earlier question without names and times."""
        return _without(text, self._names.find(text), [when.span for when in find_times(text)])

    def _resolved(self, asked: Lookback, history: Sequence[str]) -> Lookback:
        """A question that leans on the conversation ("is that new?", "always?"), with what it leans on."""
        whole = asked.kind in (Looking.CHANGES, Looking.CHANGED)
        for earlier in reversed(history[-3:]):
            meant = self._undated(earlier)
            before = find_lookback(meant, timed=bool(find_times(earlier))) if may_look_back(earlier) else None
            if before is None:
                context = self._context(history[: list(history).index(earlier) + 1])
                meant = " ".join(context) if is_follow_up(earlier) else meant
                return asked if whole else replace(asked, question=meant, leans=True)
            if before.question or before.about:
                return asked if whole else replace(asked, question=before.question, about=before.about, leans=True)
        return asked

    def _versions_for(self, domain: str, asked: Lookback, times: Sequence[When], as_of: dt.date | None) -> _Chosen:
        """The versions that are compared: the two of the times named, else the oldest and the newest, or all."""
        versions = [card for card in self._versions[domain] if as_of is None or card.archived_on <= as_of]
        versions = versions or self._versions[domain][:1]
        if not times:
            pair = asked.kind in (Looking.CHANGES, Looking.CHANGED)
            return _Chosen(tuple(dict.fromkeys(c.id for c in ((versions[0], versions[-1]) if pair else versions))))
        first, last = min(times, key=lambda when: when.until), max(times, key=lambda when: when.until)
        if len(times) > 1:
            ends = [self._choose(domain, when, None) for when in (first, last)]
        elif asked.kind is Looking.BEFORE:
            ends = [self._choose(domain, first, None), _Chosen((versions[-1].id,))]
        else:
            since = [card for card in versions if first.since is None or card.archived_on < first.since]
            during = [card for card in versions if card.archived_on <= first.until]
            if first.which is Which.BY_DATE and since and during and since[-1] != during[-1]:
                ends = [_Chosen((since[-1].id,)), _Chosen((during[-1].id,))]
            else:
                ends = [self._choose(domain, first, None), _Chosen((versions[-1].id,))]
        ids = [card.id for card in self._versions[domain]]
        start, stop = sorted(ids.index(end.policies[0]) for end in ends)
        inside = ids[start : stop + 1]
        chosen = [inside[0], inside[-1]] if asked.kind in (Looking.CHANGES, Looking.CHANGED, Looking.BEFORE) else inside
        warnings = dict.fromkeys(warning for end in ends for warning in end.warnings)
        if len(inside) == 1 < len(ids):
            warnings["For the time asked about, the same version is the newest throughout."] = None
        return _Chosen(tuple(dict.fromkeys(chosen)), tuple(warnings))

    def _route_in_scope(
        self, text: str, found: Sequence[Mention], scope: str, when: When | None, as_of: dt.date | None, *, own: bool
    ) -> Route:
        pinned = self._find(scope)
        mine = [m for m in found if pinned.domain in m.domains]
        others = [m for m in found if m not in mine and m.role >= Role.PLACE]
        warnings: tuple[str, ...] = ()
        if not mine and others:
            name = _spelt(text, others[0])
            if own:
                return self._unknown(text, name, (pinned.domain,))
            warnings = (f"The question names {name}, but it was asked within the scope {scope}.",)
        if not found and (unknown := self._names.find_unknown(text)) and unknown.sure:
            if own:
                return self._unknown(text, unknown.name, (pinned.domain,))
            warnings = (f"There is no policy of {unknown.name} here: this is what {pinned.company}'s says.",)
        chosen = _Chosen((pinned.id,)) if _is_version(scope) else self._choose(pinned.domain, when, as_of)
        query = self._query(text, mine, None if _is_version(scope) else when, pinned.domain)
        named = _spelt(text, mine[0]) if mine else None
        return Route(chosen.policies, query, named=named, warnings=(*warnings, *chosen.warnings))

    def _route_freely(
        self, text: str, found: Sequence[Mention], when: When | None, as_of: dt.date | None, history: Sequence[str]
    ) -> Route:
        talk = self._talk(history)
        about = _about(text, found)
        role = max((m.role for m in about), default=Role.ASIDE)
        if about and (role >= Role.PLACE or not (talk.domains or talk.unknown)):
            if len(about) == 1 and len(about[0].domains) > 1 and not set(talk.domains) & set(about[0].domains):
                return self._ask(text, about[0].domains, _spelt(text, about[0]))
            if role > Role.ASIDE or talk == _Talk():
                domains = tuple(dict.fromkeys(domain for m in about for domain in m.domains))
                return self._compare_or_one(text, found, domains, when, as_of, named=_spelt(text, about[0]))
        if not found and (unknown := self._names.find_unknown(text)):
            undecided = len(self._versions) > 1 and not talk.domains
            if undecided or (unknown.sure and not (talk.domains and is_follow_up(text))):
                return self._unknown(text, unknown.name, ())
        if talk.domains and not found and (turned_to := self._names.find_turned_to(text)):
            return self._unknown(text, turned_to, ())
        if len(self._versions) > 1 and is_all_question(text, in_conversation=bool(talk.domains)):
            return self._compare_or_one(text, (), tuple(sorted(self._versions)), when, as_of)
        if talk.unknown:
            return self._unknown(text, talk.unknown, ())
        if talk.domains or talk.everything:
            domains = talk.domains or tuple(sorted(self._versions))
            return self._compare_or_one(text, found, domains, when or talk.when, as_of)
        if not is_privacy_question(text):
            return Route((), text, status=Status.OUT_OF_SCOPE)
        if len(self._versions) == 1:
            return self._compare_or_one(text, found, tuple(self._versions), when, as_of)
        return self._ask(text, (), None)

    def _compare_or_one(
        self,
        text: str,
        found: Sequence[Mention],
        domains: tuple[str, ...],
        when: When | None,
        as_of: dt.date | None,
        *,
        named: str | None = None,
    ) -> Route:
        chosen = [self._choose(domain, when, as_of) for domain in domains]
        mine = [m for m in found if set(m.domains) & set(domains)]
        warnings = tuple(warning for each in chosen for warning in each.warnings)
        if len(domains) == 1 and mine and (other := self._beside(text, mine[0])):
            warnings += (f"{other} is not indexed; this is about {self._versions[domains[0]][-1].company} only.",)
        return Route(
            tuple(policy for each in chosen for policy in each.policies),
            self._query(text, _merged(text, mine) if len(domains) > 1 else mine, when, *domains),
            compare=len(domains) > 1,
            named=named,
            warnings=warnings,
        )

    def _beside(self, text: str, mention: Mention) -> str | None:
        """The name that is not indexed and that a company is compared or joined with: "X or Y"."""
        if join := re.match(r"\s*(?:or|and|vs\.?|versus)\s+(?:does\s+)?", text[mention.stop :], re.IGNORECASE):
            unknown = self._names.find_unknown("does " + text[mention.stop + join.end() :])
            return unknown.name if unknown else None
        return None

    def _unknown(self, text: str, name: str, domains: tuple[str, ...]) -> Route:
        near = domains or self._names.nearest(name, _CHOICES)
        choices = tuple(self._choice(domain) for domain in near)
        return Route((), text, status=Status.UNKNOWN_COMPANY, named=name, choices=choices)

    def _ask(self, text: str, domains: tuple[str, ...], named: str | None) -> Route:
        choices = tuple(self._choice(domain) for domain in domains) or self._offered
        return Route((), text, status=Status.NEEDS_COMPANY, named=named, choices=choices)

    def _choice(self, domain: str) -> Choice:
        return Choice(self._versions[domain][-1].company, domain)

    def _talk(self, history: Sequence[str]) -> _Talk:
        """Whom the conversation is about: whoever was named last."""
        for earlier in reversed(history):
            found = self._names.find(earlier)
            about = [m for m in _about(earlier, found) if m.role > Role.ASIDE]
            if about and (len(about[0].domains) == 1 or len(about) > 1):
                domains = tuple(dict.fromkeys(domain for m in about for domain in m.domains))
                return _Talk(domains, when=find_when(earlier))
            if not found and (unknown := self._names.find_unknown(earlier)) and unknown.sure:
                return _Talk(unknown=unknown.name)
            if len(self._versions) > 1 and is_all_question(earlier, in_conversation=False):
                return _Talk(everything=True, when=find_when(earlier))
        return _Talk()

    def _context(self, history: Sequence[str]) -> tuple[str, ...]:
        """The earlier questions that a follow-up leans on, at most two, names and dates removed."""
        out: list[str] = []
        for earlier in reversed(history[-2:]):
            when = find_when(earlier)
            out.append(_without(earlier, self._names.find(earlier), [when.span] if when and when.sure else ()))
            if not is_follow_up(earlier):
                break
        return tuple(reversed(out))

    def _query(self, text: str, mentions: Sequence[Mention], when: When | None, *domains: str) -> str:
        """The question without the names of the chosen companies and, where it chose a version, without the time."""
        spans: list[Span] = []
        if when and (when.sure or any(len(self._versions[domain]) > 1 for domain in domains)):
            spans.append(when.span)
        if when and when.which in (Which.OLDEST, Which.PREVIOUS) and len(self._versions[domains[0]]) == 1:
            spans = []
        outside = [m for m in mentions if not any(s.start < m.stop and m.start < s.end for s in spans)]
        return _without(text, outside, spans) or text

    def _choose(self, domain: str, when: When | None, as_of: dt.date | None) -> _Chosen:
        """The version of a company's policy for a time, with a warning where it is from another."""
        versions = self._versions[domain]
        newest, oldest = versions[-1], versions[0]
        if as_of is not None:
            when = When(Which.BY_DATE, Span(0, 0), until=as_of)
        if when is None or when.which is Which.NEWEST:
            return _Chosen((newest.id,))
        if when.which is Which.OLDEST:
            return _Chosen((oldest.id,))
        if when.which is Which.PREVIOUS:
            return _Chosen((versions[-2].id if len(versions) > 1 else newest.id,))
        in_time = [card for card in versions if card.archived_on <= when.until]
        if not in_time:
            warning = (
                f"No version of {oldest.company}'s policy from {say_when(when)} or earlier is indexed; "
                f"this is the oldest, archived on {oldest.archived_on.isoformat()}."
            )
            return _Chosen((oldest.id,), (warning,))
        card = in_time[-1]
        if when.since and card.archived_on < when.since and card.archived_on.year < when.since.year:
            warning = (
                f"The newest version of {card.company}'s policy indexed up to {say_when(when)} "
                f"was archived on {card.archived_on.isoformat()}."
            )
            return _Chosen((card.id,), (warning,))
        return _Chosen((card.id,))

    def _find(self, scope: str) -> PolicyCard:
        wanted = read_scope(scope)
        versions = self._versions.get(wanted.domain)
        if versions and wanted.date is None:
            return versions[-1]
        for card in versions or ():
            if card.archived_on.isoformat() == wanted.date:
                return card
        raise _unknown_scope(scope, (card for of in self._versions.values() for card in of))


def find_scope(cards: Sequence[PolicyCard], scope: str) -> str:
    """The id of the policy that a scope means: a domain (its newest version), a policy id, or a file stem.

    Raises:
        UnknownScope: no indexed policy is meant; the text names the nearest.
    """
    wanted = read_scope(scope)
    fitting = [
        card
        for card in cards
        if card.domain == wanted.domain and (wanted.date is None or card.archived_on.isoformat() == wanted.date)
    ]
    if not fitting:
        raise _unknown_scope(scope, cards)
    return max(fitting, key=lambda card: card.archived_on).id


def search_cards(cards: Sequence[PolicyCard], query: str, limit: int | None = None) -> tuple[PolicyCard, ...]:
    """The policies whose company, domain or alias fits what somebody typed, best first; all for an empty query.

    For one search; ``qa.finding.Finder`` prepares many over the same cards.
    """
    return Finder(cards).search(query, limit)


def _is_version(scope: str) -> bool:
    return read_scope(scope).date is not None


def _unknown_scope(scope: str, cards: Iterable[PolicyCard]) -> UnknownScope:
    from rapidfuzz import fuzz, process

    wanted = read_scope(scope)
    cards = list(cards)
    shown = scope if len(scope) <= 80 else scope[:80] + "…"
    versions = sorted(card.id for card in cards if card.domain == wanted.domain)
    if versions:
        return UnknownScope(f"No policy {shown!r} is indexed. Versions of {wanted.domain}: {', '.join(versions[-5:])}.")
    domains = sorted({card.domain for card in cards})
    near = [name for name, _, _ in process.extract(wanted.domain, domains, scorer=fuzz.ratio, limit=3)]
    hint = f" Nearest: {', '.join(near)}." if near else " The index is empty: run `fineprint ingest`."
    return UnknownScope(f"No policy of {shown!r} is indexed.{hint}")


def _clean(text: str) -> str:
    """What a person typed as one line: NFKC, folded, without control characters, cut to a length worth reading."""
    text = unicodedata.normalize("NFKC", text[: 2 * _LONGEST])
    text = "".join(" " if unicodedata.category(c) in {"Cc", "Cs"} else c for c in text)
    return fold(text).text[:_LONGEST]


def _spelt(text: str, mention: Mention) -> str:
    return text[mention.start : mention.end]


_JOINS = re.compile(
    r"\s*(?:'s)?\s*(?:,|/|&|\+|,?\s*\b(?:and|or|vs|versus|than|with|to)\b\.?)\s*(?:\b(?:does|do|is|will|at|on"
    r"|the)\b\s*)?"
)
_COMPARES = re.compile(r"\b(?:compar\w*|versus|vs|differ\w*|better|worse|than|both|either|each|more|less)\b")


def _about(text: str, found: Sequence[Mention]) -> tuple[Mention, ...]:
    """The mentions that a question is about: the likeliest, with those that it is compared or joined with."""
    if not found:
        return ()
    first = max(found, key=lambda m: (m.role, -m.start))
    about = [first]
    compares = _COMPARES.search(text.lower()) is not None
    for one, other in itertools.pairwise(found):
        between = text[one.stop : other.start].lower()
        joined = _JOINS.fullmatch(between) is not None and (compares or not re.search(r"\b(?:with|to)\b", between))
        if (joined or (compares and min(one.role, other.role) > Role.ASIDE)) and (one in about or other in about):
            about.extend(m for m in (one, other) if m not in about)
    return tuple(sorted(about, key=lambda m: m.start))


def _merged(text: str, mentions: Sequence[Mention]) -> list[Mention]:
    """Joined mentions as one, and "than X" as part of what is compared, so that one "you" takes their place."""
    out: list[Mention] = []
    for mention in mentions:
        if out and _JOINS.fullmatch(text[out[-1].stop : mention.start].lower()):
            mention = replace(out.pop(), end=mention.end, stop=mention.stop)  # noqa: PLW2901
        out.append(mention)
    return out


_DO_YOU = {
    "does": "do", "is": "are", "was": "were", "has": "have", "doesn't": "don't", "isn't": "aren't", "wasn't": "weren't",
    "hasn't": "haven't", "doesnt": "don't", "isnt": "aren't", "wasnt": "weren't", "hasnt": "haven't",
}  # fmt: skip
_SAID = re.compile(
    r"\b(?:do|does|did|is|are|was|were|will|would|can|could|may|might|should|has|have|i|i'm|im|me|my|you|u|we"
    r"|they|it|if|what|when"
    r"|who|why|how|where|which)\b",
    re.IGNORECASE,
)


def _without(text: str, mentions: Sequence[Mention], spans: Sequence[Span] = ()) -> str:
    """A question that still reads as one, with "you" in the place of names and without other spans.

    "Does X share my data?" becomes "Do you share my data?", "on X's site" "on your site", "my X account" "my account";
    a list of keywords just loses the name.
    """
    is_sentence = _SAID.search(text) is not None
    cuts = [(m.start, m.stop, m) for m in mentions] + [(s.start, s.end, None) for s in spans]
    for start, stop, mention in sorted(cuts, key=lambda cut: -cut[0]):
        left, right = text[:start].rstrip(" \"'"), text[stop:].lstrip("\"'")
        if mention is None:
            text = f"{left} {right}"
        else:
            text = _replace_name(left, right, possessive=mention.stop > mention.end, is_sentence=is_sentence)
    text = re.sub(r"^\s*compare(?: you)?\s+(?:on|for|in terms of|regarding|by)?\b", "", text, flags=re.IGNORECASE)
    text = re.sub(r"\s+(?:than|vs\.?|versus) you\b", "", text)
    text = re.sub(r"\s+([?.!,;:])", r"\1", " ".join(text.split()))
    return re.sub(r"^[\s,;:.\-?!]+", "", text)


def _replace_name(left: str, right: str, *, possessive: bool, is_sentence: bool) -> str:
    words = left.split()
    follows = re.match(r"\s*([^\W_]+(?:'[^\W_]+)?)", right)
    after = follows[1].lower() if follows else ""
    before = words[-1].lower() if words else ""
    article = before == "the"
    if article:
        before = words[-2].lower() if len(words) > 1 else ""
    bare = " ".join(words[:-1]) if article else left  # without the article
    if possessive:
        return f"{bare} your {right}" if after else f"{bare} you{right}"
    if after in SITE_NOUNS:  # "on the X site", "my X account", "X cookies"
        needs_owner = is_sentence and not article and before not in DETERMINERS
        return f"{left} your {right}" if needs_owner and before else f"{left} {right}"
    if before in {"at", "on", "in", "inside", "across"}:
        return f"{' '.join(bare.split()[:-1])} {right}"
    if before in DO_AUX | BE_AUX or before in _DO_YOU:
        head, aux = bare.split()[:-1], bare.split()[-1]
        agreed = _DO_YOU.get(aux.lower(), aux)
        agreed = agreed.capitalize() if aux[0].isupper() else agreed
        return f"{' '.join(head)} {agreed} you {right}"
    if before in PREPOSITIONS | {"to"}:
        return f"{bare} you {right}"
    if not is_sentence or before in DETERMINERS:
        return f"{left} {right}"
    if not before and after in DO_AUX | BE_AUX:
        return right
    if after.endswith("s") and (after[:-1] in VERBS or after in {"has", "does", "is", "was", "goes", "gets"}):
        return f"{bare} it {right}"
    return f"{bare} you {right}" if before else right
