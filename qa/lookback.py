"""Answers questions about the versions of a policy: what changed, since when, whether it was always so.

Two ways, both proven by quotes of either version. What changed is read off the texts (``qa.changing``). What was so is
asked of each version by the same chain as any question, each searched for itself; where both versions hold the very
sentences that prove it, they are taken to say the same, whatever the reader made of them. Silence in a version stays
"did not say". Only archived versions are known, so the answer says between which days something became so, never when.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from itertools import chain

from qa.changing import changes_between, renumbered, sentence_key
from qa.citing import citation_at
from qa.domain import (
    Answer,
    Candidates,
    Change,
    ChangeKind,
    Changes,
    Citation,
    Entry,
    IndexedPolicy,
    Lookback,
    Looking,
    Passage,
    Question,
    Route,
    Sentence,
    Status,
    Verdict,
)
from qa.text import content_words, plain, printable, without_markers, without_markup
from qa.wording import find_times, practices
from qa.writing import day_in_words

__all__ = ["Means", "Topic", "changes_about", "look_back"]

MOST_TOLD = 4
"""Changes that an answer quotes; more are counted."""
MOST_VERSIONS = 12
"""Versions that one question is put to; of more, the newest and the oldest."""
UNSURE = 0.5
"""An answer of less confidence is given up where a neighbouring version shows that its proof was none."""
LEAST_WORDS = 4
"""Shorter ones are headings, which say nothing where there is a sentence."""
SHOWN_CHARS = 300
CONFIDENCE = 0.9
"""Stated with what is read off two texts; what may be wrong is which sentences belong to the topic."""

_POSITIVE = (Verdict.YES, Verdict.CONDITIONAL)
_SAYS = {Verdict.YES: "yes", Verdict.NO: "no", Verdict.CONDITIONAL: "only in some cases"}
_MENTIONS = re.compile(
    r"^(?:do|does|are|is) .{1,60}? (?:mention|(?:say|state) (?:anything|something|a word)(?: at all)?(?: about| on| of)"
    r"|talk about|speak (?:of|about)|refer to|what does it say about|mentioned) (?P<about>.+?)\W*$",
    re.I,
)
_SAYING = re.compile(r"^what does it say about (?P<about>.+?)\W*$", re.I)


# --- topics -----------------------------------------------------------------------------------------------------------

# Words under which a policy speaks of what people ask about. Everything else is matched by its stem.
_SPOKEN_OF = (
    ("sell selling sold sale sales",
     r"s[eo]ll|sold\b|sale of|rent(?:s|ed|ing)?\b|trad(?:e(?! commission)|es|ed|ing)\b|leas(?:e|ed|ing)\b"),
    ("rent renting", r"rent(?:s|ed|ing)?\b|s[eo]ll|sold\b"),
    ("share shared sharing disclose disclosing disclosure",
     r"shar(?:e|es|ed|ing)\b|disclos|third[- ]part|pass(?:es|ed)? (?:\w+ )?on"),
    ("children child kids kid minors minor teens",
     r"child|kids?\b|minors?\b|under (?:the age|1[3-8])|parent|guardian|coppa|teen"),
    ("delete deleting deletion deleted erase erasure remove removing", r"delet|eras|remov"),
    ("keep kept keeping retention retain retained", r"retain|retention|keep|kept\b|as long as|stored for"),
    ("ads ad advertising advertisers advertisements", r"ads?\b|advert|sponsor"),
    ("location gps geolocation", r"location|geo-?locat|gps\b"),
    ("security secure safe safety",
     r"secur|encrypt|ssl\b|tls\b|safeguard|protect(?:s|ed|ing|ion)? (?:your|the|against)"),
    ("encryption encrypt encrypted", r"encrypt|ssl\b|tls\b"),
    ("email emails mail mails", r"e-?mails?\b|mailing"),
    ("newsletter newsletters marketing", r"newsletter|marketing|promotion"),
    ("police government law enforcement",
     r"law enforcement|subpoena|court|government|legal process|required by law|police"),
    ("merger acquisition bankruptcy", r"merg|acqui|bankrupt|successor|sale of (?:all|the|our)|transfer of"),
    ("tracking track tracked", r"track|cookies?\b|beacon|pixel"),
    ("payment payments", r"payment|credit card|debit|billing"),
    ("ip", r"ip\b|internet protocol"),
    ("phone telephone", r"(?:tele)?phone|sms\b|text message"),
    ("opt out", r"opt[- ]?(?:ed )?out|unsubscrib"),
    ("rights gdpr ccpa california", r"gdpr|ccpa|california|rights?\b"),
)  # fmt: skip
_GENERAL = frozenset(
    content_words(
        "data info information detail details personal personally identifiable private stuff policy policies notice"
        " site website online company user users customer way use anything thing things people also else long"
    )
)


@cache
def _spoken_of() -> tuple[tuple[frozenset[str], re.Pattern[str]], ...]:
    """The same, ready to be looked in; few questions need it."""
    return tuple((frozenset(content_words(asked)), re.compile(rf"\b(?:{said})", re.I)) for asked, said in _SPOKEN_OF)


@dataclass(frozen=True)
class Topic:
    """What a change is asked about, as words that a sentence about it has."""

    about: str

    @cached_property
    def _stems(self) -> tuple[str, ...]:
        stems = tuple(dict.fromkeys(content_words(plain(self.about))))
        return tuple(stem for stem in stems if stem not in _GENERAL) or stems

    @cached_property
    def _ways(self) -> tuple[tuple[str, re.Pattern[str] | None], ...]:
        return tuple(
            (stem, next((said for asked, said in _spoken_of() if stem in asked), None)) for stem in self._stems
        )

    def speaks(self, words: str, *, wholly: bool = False) -> bool:
        """Whether a text speaks of it: has all its words, or (unless wholly) most of more than two, in any form."""
        if not self._ways:
            return False
        there = set(content_words(words))
        found = sum(stem in there or bool(said and said.search(words)) for stem, said in self._ways)
        return found >= (len(self._ways) if wholly or len(self._ways) <= 2 else 0.6 * len(self._ways))

    def positions(self, source: IndexedPolicy, *, wholly: bool = False) -> list[int]:
        """The sentences of a policy that are about it: alone, with their lead-in, or under a heading that says so."""
        text = source.policy.text
        headings: dict[str, bool] = {}
        found = []
        for n, (passage, sentence) in enumerate(source.sentences()):
            heading = passage.section[-1] if len(passage.section) > 1 else ""
            if heading not in headings:
                headings[heading] = (
                    bool(heading) and len(heading) < 80 and self.speaks(plain(without_markup(heading)), wholly=wholly)
                )
            if headings[heading] or self.speaks(_read(text, passage, sentence), wholly=wholly):
                found.append(n)
        return found


def _read(text: str, _: Passage, sentence: Sentence) -> str:
    lead = f"{without_markup(sentence.lead_in.of(text))} " if sentence.lead_in else ""
    return plain(lead + without_markup(sentence.span.of(text)))


def changes_about(changes: Changes, about: str, older: IndexedPolicy, newer: IndexedPolicy) -> Changes:
    """The changes on a topic, numbered anew; ``unchanged`` counts the topic's sentences of the newer version that are
    as they were.
    """
    topic = Topic(about)
    spoken = {source.policy.id: _spans(source, topic) for source in (older, newer)}
    kept = [
        change
        for change in changes.changes
        if any(side and _touches(side, spoken[side.policy_id]) for side in (change.before, change.after))
    ]
    changed = [change.after for change in changes.changes if change.after]
    same = sum(
        not any(side.start < end and start < side.end for side in changed) for start, end in spoken[changes.newer]
    )
    return replace(renumbered(changes, kept), unchanged=same)


def _spans(source: IndexedPolicy, topic: Topic) -> list[tuple[int, int]]:
    sentences = source.sentences()
    return [(sentences[n][1].start, sentences[n][1].end) for n in topic.positions(source)]


def _touches(side: Citation, spans: Iterable[tuple[int, int]]) -> bool:
    return any(start < side.end and side.start < end for start, end in spans)


# --- the answer -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Means:
    """What an answer about versions is made with.

    Attributes:
        answer_one: answers from the single policy of a route.
        open_policy: the stored policy of an id.
        rank: ranks the sentences of one policy.
        differ: the changes between two versions.
    """

    answer_one: Callable[[Question, Route], Answer]
    open_policy: Callable[[str], IndexedPolicy]
    rank: Callable[[Route, IndexedPolicy], Candidates]
    differ: Callable[[IndexedPolicy, IndexedPolicy], Changes] = changes_between


def look_back(question: Question, route: Route, means: Means) -> Answer:
    """Answers a question about the versions of one policy.

    Args:
        question: as asked.
        route: its ``lookback`` says what is asked, its policies are the versions, oldest first.
        means: what it is made with.
    """
    asked = route.lookback
    assert asked is not None
    ids = route.policies
    if len(ids) > MOST_VERSIONS:
        ids = (ids[0], *ids[1 - MOST_VERSIONS :])
    told = _Told(question, replace(route, policies=ids), asked, means)
    if len(ids) == 1:
        return told.only_one()
    if asked.kind in (Looking.CHANGES, Looking.CHANGED) or not asked.question:
        return _changed(told)
    return _over_versions(told)


@dataclass(frozen=True, slots=True)
class _Said:
    """What one version says."""

    source: IndexedPolicy
    status: Status
    verdict: Verdict | None
    citations: tuple[Citation, ...]
    confidence: float
    related: tuple[Citation, ...] = ()

    @property
    def day(self) -> str:
        return day_in_words(self.source.policy.archived_on)

    @property
    def silent(self) -> bool:
        return self.status is not Status.ANSWERED


@dataclass(frozen=True, slots=True)
class _Told:
    """A question on its way to the versions."""

    question: Question
    route: Route
    asked: Lookback
    means: Means

    def each(self, question: str) -> list[_Said]:
        """What every version says, oldest first."""
        return [self.one(policy_id, question) for policy_id in self.route.policies]

    def one(self, policy_id: str, question: str) -> _Said:
        source = self.means.open_policy(policy_id)
        route = replace(self.route, policies=(policy_id,), query=question, context=(), warnings=(), lookback=None)
        if about := _MENTIONS.match(question) or _SAYING.match(question):
            found = self._spoken(route, source, about["about"])
            if found or _MENTIONS.match(question):
                yes = Verdict.YES if _MENTIONS.match(question) else None
                return _Said(
                    source, Status.ANSWERED if found else Status.NOT_STATED, yes if found else None, found, CONFIDENCE
                )
        answer = self.means.answer_one(self.question, route)
        status = answer.status if answer.citations else Status.NOT_STATED
        return _Said(source, status, answer.verdict, answer.citations, answer.confidence, answer.related)

    def _spoken(self, route: Route, source: IndexedPolicy, about: str) -> tuple[Citation, ...]:
        """The sentences about a topic that fit it best, at most two."""
        positions = set(Topic(about).positions(source))
        ranked = [c for c in self.means.rank(route, source).ranked if c.index in positions]
        best = sorted(ranked, key=lambda c: len(c.sentence.span.of(source.policy.text).split()) < LEAST_WORDS)[:2]
        return tuple(citation_at(source, c.sentence.span, n) for n, c in enumerate(best, start=1))

    def answer(
        self, text: str, citations: Sequence[Citation], *, verdict: Verdict | None = None,
        status: Status = Status.ANSWERED, confidence: float = CONFIDENCE, related: Sequence[Citation] = (),
        versions: Sequence[Entry] = (), changes: Sequence[Change] = (),
    ) -> Answer:  # fmt: skip
        stated = status is Status.ANSWERED
        return Answer(
            question=self.question.text,
            status=status,
            text=text,
            verdict=verdict if stated else None,
            citations=tuple(citations) if stated else (),
            related=() if stated else tuple(related),
            versions=tuple(versions),
            changes=tuple(changes),
            policies=self.route.policies,
            confidence=confidence,
            warnings=self.route.warnings,
            id=self.question.id,
        )

    def only_one(self) -> Answer:
        """One version says nothing about change: it is said, with what it says itself close by.

        What a policy said in some year needs no second version: the one of that time says it.
        """
        source = self.means.open_policy(self.route.policies[0])
        company, day = source.policy.company, day_in_words(source.policy.archived_on)
        asked = self.asked.question or (self.asked.about and f"what does it say about {self.asked.about}?")
        said = self.one(source.policy.id, asked) if asked else None
        near = (said.citations or said.related)[:2] if said else ()
        if said and not said.silent and _SAYING.match(self.asked.question) and find_times(self.question.text):
            cited = [replace(citation, n=n) for n, citation in enumerate(near, 1)]
            quotes = " ".join(f"“{_quoted(citation)}” [{citation.n}]" for citation in cited)
            return self.answer(
                f"The one version of {company}'s policy, archived on {day}, says: {quotes}.",
                cited, confidence=said.confidence,
            )  # fmt: skip
        text = f"That cannot be said: of {company}'s policy there is only one version to look at, archived on {day}."
        if near:
            text += " What it says is listed below."
        return self.answer(text, (), status=Status.NOT_STATED, related=[replace(c, n=n) for n, c in enumerate(near, 1)])


# --- what changed -----------------------------------------------------------------------------------------------------


def _changed(told: _Told) -> Answer:
    older, newer = (
        told.means.open_policy(policy_id) for policy_id in (told.route.policies[0], told.route.policies[-1])
    )
    about = without_markers(told.asked.about)
    changes = told.means.differ(older, newer)
    if about:
        changes = changes_about(changes, about, older, newer)
    real = [change for change in changes.changes if change.kind is not ChangeKind.MOVED]
    days = f"{day_in_words(older.policy.archived_on)} and {day_in_words(newer.policy.archived_on)}"
    whether = told.asked.kind is not Looking.CHANGES
    if not real:
        return _nothing_changed(told, older, newer, days)
    best = _most_telling(told, real, (older, newer))
    numbered = renumbered(changes, best).changes
    sentences = [("Yes. " if whether else "") + _counted(real, about, changes.company, days)]
    if moved := len(changes.changes) - len(real):
        sentences.append(f"{_many(moved, 'sentence')} only moved.")
    sentences.append(_between(told))
    lines = [" ".join(filter(None, sentences)), *(_told_change(change) for change in numbered)]
    if len(real) > len(best):
        lines.append(f"{_many(len(real) - len(best), 'more change')}{' about this' if about else ''}.")
    citations = [side for change in numbered for side in (change.before, change.after) if side]
    return told.answer(
        "\n\n".join(lines), citations, verdict=Verdict.YES if whether else None, changes=numbered,
        confidence=CONFIDENCE if about else 1.0,
    )  # fmt: skip


def _nothing_changed(told: _Told, older: IndexedPolicy, newer: IndexedPolicy, days: str) -> Answer:
    about, company = without_markers(told.asked.about), newer.policy.company
    whether = told.asked.kind is not Looking.CHANGES
    verdict, no = (Verdict.NO, "No. ") if whether else (None, "")
    if not about:
        cited = _numbered(chain.from_iterable(_same_in_both(older, newer, range(len(newer.sentences())))[:1]))
        begins = f" Both begin: “{_quoted(cited[1])}” [1] [2]" if cited else ""
        text = f"{no}{company}'s policy has the same words in the versions archived on {days}. {_between(told)}".strip()
        return told.answer(text + begins, cited, verdict=verdict, confidence=1.0)
    # That nothing changed about it may only be said from sentences that are plainly about it.
    spoken = Topic(about).positions(newer, wholly=True)
    ranked = [
        c.index
        for c in told.means.rank(replace(told.route, query=about, lookback=None), newer).ranked
        if c.index in set(spoken)
    ]
    pairs = _same_in_both(older, newer, ranked)[:2]
    if not pairs:
        near = told.means.rank(replace(told.route, query=about, lookback=None), newer).ranked[:2]
        related = [citation_at(newer, c.sentence.span, n) for n, c in enumerate(near, start=1)]
        text = (
            f"Neither of {company}'s policies archived on {days} says anything about {about}, as far as its words show."
        )
        return told.answer(text, (), status=Status.NOT_STATED, related=related)
    cited = _numbered(chain.from_iterable(pairs))
    quotes = [
        f"“{_quoted(after)}” [{before.n}] [{after.n}]" for before, after in zip(cited[::2], cited[1::2], strict=True)
    ]
    text = (
        f"{no}What {company}'s policy says about {about} is the same, word for word, in the "
        f"versions"
        f" archived on {days}. {_between(told)}".strip()
    )
    return told.answer("\n\n".join([text, *quotes]), cited, verdict=verdict)


def _same_in_both(older: IndexedPolicy, newer: IndexedPolicy, wanted: Iterable[int]) -> list[tuple[Citation, Citation]]:
    """The wanted sentences of the newer version that the older one has, too, each behind its twin, as wanted."""
    keys = _keys(older)
    sentences = newer.sentences()
    out = []
    for n in wanted:
        span = sentences[n][1].span
        twin = keys.get(sentence_key(span.of(newer.policy.text)))
        if twin is not None:
            out.append((citation_at(older, older.sentences()[twin][1].span, 0), citation_at(newer, span, 0)))
    return out


def _keys(source: IndexedPolicy) -> dict[str, int]:
    """Where the sentences of a policy stand, by what makes them the same."""
    keys: dict[str, int] = {}
    for n, (_, sentence) in enumerate(source.sentences()):
        keys.setdefault(sentence_key(sentence.span.of(source.policy.text)), n)
    return keys


def _numbered(citations: Iterable[Citation]) -> list[Citation]:
    return [replace(citation, n=n) for n, citation in enumerate(citations, start=1)]


def _most_telling(told: _Told, changes: Sequence[Change], sources: Sequence[IndexedPolicy]) -> list[Change]:
    """The changes that an answer quotes: nearest to the topic, or those that speak of a practice with data."""
    about = without_markers(told.asked.about)
    scores: dict[tuple[str, int], float] = {}
    if about:
        route = replace(told.route, query=about, lookback=None)
        for source in sources:
            for candidate in told.means.rank(route, source).ranked:
                scores[source.policy.id, candidate.sentence.start] = candidate.score

    def score(change: Change) -> float:
        sides = [side for side in (change.before, change.after) if side]
        if about:
            topic = Topic(about)
            near = max(
                (x for (of, at), x in scores.items() if any(_covers(side, of, at) for side in sides)), default=-1
            )
            # A sentence that says it outranks one that only stands under its heading.
            return near + any(topic.speaks(plain(without_markup(side.quote))) for side in sides)
        said = [practices(plain(side.quote)) for side in sides]
        differing = said[0] ^ said[1] if len(said) == 2 else said[0]
        length = min(len(sides[-1].quote), SHOWN_CHARS) / SHOWN_CHARS
        return min(len(differing), 3) + length - (1 - change.similarity if len(said) == 2 else 0)

    best = sorted(changes, key=lambda change: (not _is_fragment(change), score(change)), reverse=True)[:MOST_TOLD]
    return [change for change in changes if change in best]


def _is_fragment(change: Change) -> bool:
    """Whether neither side says anything by itself: headings, and what only leads a list in."""
    words = [plain(without_markup(side.quote)).strip() for side in (change.before, change.after) if side]
    return all(len(each.split()) < LEAST_WORDS or each.endswith(":") for each in words)


def _covers(side: Citation, policy_id: str, at: int) -> bool:
    return side.policy_id == policy_id and side.start <= at < side.end


def _counted(changes: Sequence[Change], about: str, company: str, days: str) -> str:
    counts = {kind: sum(change.kind is kind for change in changes) for kind in ChangeKind}
    said = [
        f"{counts[kind]} {kind.value}"
        for kind in (ChangeKind.REWORDED, ChangeKind.ADDED, ChangeKind.REMOVED)
        if counts[kind]
    ]
    total = sum(counts.values())
    listed = f"changed: {', '.join(said[:-1])} and {said[-1]}" if len(said) > 1 else said[0].partition(" ")[2]
    on = f" about {about}" if about else ""
    was = "was" if total == 1 else "were"
    what = f"{_many(total, 'sentence')}{on} {was} {listed}"
    return f"Between the versions of {company}'s policy archived on {days}, {what}."


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _between(told: _Told) -> str:
    if told.asked.between:
        were = "is 1 indexed version" if told.asked.between == 1 else f"are {told.asked.between} indexed versions"
        return f"There {were} in between."
    return "No version in between is indexed." if len(told.route.policies) == 2 else ""


def _told_change(change: Change) -> str:
    before, after = change.before, change.after
    if before and after:
        return f"Reworded: it said “{_quoted(before)}” [{before.n}]; now it says “{_quoted(after)}” [{after.n}]"
    side = before or after
    assert side is not None
    return f"{change.kind.value.capitalize()}: “{_quoted(side)}” [{side.n}]"


def _quoted(citation: Citation) -> str:
    return printable(without_markup(citation.quote), SHOWN_CHARS)


# --- what each version says -------------------------------------------------------------------------------------------


def _over_versions(told: _Told) -> Answer:
    asked = told.asked
    said = _agreed(told.each(asked.question))
    if all(each.silent for each in said):
        return _all_silent(told, said)
    positive = [
        _same_as(said, n, len(said) - 1) if asked.leans else each.verdict in _POSITIVE for n, each in enumerate(said)
    ]
    if asked.kind is Looking.ALWAYS:
        lead, verdict, stated = _always(told, said)
    elif asked.kind is Looking.NEW:
        lead, verdict, stated = _new(said)
    elif asked.kind is Looking.BEFORE:
        lead, verdict, stated = _before(said)
    elif asked.kind in (Looking.STARTED, Looking.STOPPED):
        lead, verdict, stated = _turned(said, positive, stopped=asked.kind is Looking.STOPPED)
    elif asked.kind is Looking.UNTIL:
        lead, verdict, stated = _until(said, positive)
    else:
        lead, verdict, stated = _since(said, positive)
    citations: list[Citation] = []
    lines, versions = [], []
    for each in said:
        cited = [replace(citation, n=len(citations) + n) for n, citation in enumerate(each.citations[:2], start=1)]
        line = _line(each, cited)
        citations += cited
        lines.append(line)
        policy = each.source.policy
        versions.append(
            Entry(policy.id, policy.company, policy.domain, policy.archived_on, each.status, each.verdict,
                  line.partition(": ")[2], tuple(cited), each.confidence)
        )  # fmt: skip
    if not stated:
        related = _numbered(citation for each in said for citation in each.citations[:1])
        lines = [_line(each, related[n : n + 1]) for each, n in _with_counts(said)]
        return told.answer("\n\n".join([lead, *lines]), (), status=Status.NOT_STATED, related=related)
    return told.answer(
        "\n\n".join([lead, *lines]), citations, verdict=verdict, versions=versions,
        confidence=min(each.confidence for each in said),
    )  # fmt: skip


def _with_counts(said: Sequence[_Said]) -> Iterable[tuple[_Said, int]]:
    """Each version with how many citations of one each stand before its own."""
    n = 0
    for each in said:
        yield each, n
        n += bool(each.citations)


def _all_silent(told: _Told, said: Sequence[_Said]) -> Answer:
    related = _numbered(citation for each in said for citation in each.related[:1])
    days = ", ".join(each.day for each in said)
    company = said[-1].source.policy.company
    text = f"None of the indexed versions of {company}'s policy says that ({days})."
    return told.answer(text, (), status=Status.NOT_STATED, related=related)


def _line(said: _Said, cited: Sequence[Citation]) -> str:
    """What one version says, with its day, its quotes and their numbers."""
    if said.silent or not cited:
        return f"{said.day}: it did not say."
    quotes = " ".join(f"“{_quoted(citation)}” [{citation.n}]" for citation in cited)
    return f"{said.day}: {_SAYS[said.verdict]}, {quotes}" if said.verdict else f"{said.day}: {quotes}"


def _agreed(said: Sequence[_Said]) -> list[_Said]:
    """What each version says, the same for neighbours that hold the very sentences which prove it.

    What a reader makes of a sentence depends a little on what stands beside it; whether two versions say the same must
    not.
    """
    out = [_heard(each, said[max(n - 1, 0)], said[min(n + 1, len(said) - 1)]) for n, each in enumerate(said)]
    for order in (range(len(out) - 2, -1, -1), range(1, len(out))):
        for n in order:
            neighbour = n + 1 if order.step < 0 else n - 1
            out[n] = _following(out[n], out[neighbour])
    return out


def _heard(one: _Said, *neighbours: _Said) -> _Said:
    """One version's answer; silence where it is unsure and a neighbour that holds the same proof has a better one.

    Where the reader, given the same sentences and one more, cites only that one, the others were the nearest to be had
    and no answer.
    """
    for other in neighbours:
        better = not other.silent and len(_twins(other.citations[:1], one.source)) == 0
        if better and not one.silent and one.confidence < UNSURE and _holds(other.source, one.citations):
            related = one.citations[:1]
            return replace(one, status=Status.NOT_STATED, verdict=None, citations=(), related=related)
    return one


def _holds(source: IndexedPolicy, citations: Sequence[Citation]) -> bool:
    return len(_twins(citations, source)) == len(citations)


def _following(one: _Said, other: _Said) -> _Said:
    """One version's answer, or the other's where both hold all the evidence and the other is the surer."""
    if other.silent or (not one.silent and one.verdict is other.verdict):
        return one
    if not _holds(one.source, other.citations):
        return one
    twins = _twins(other.citations, one.source)
    if one.silent:
        return replace(one, status=other.status, verdict=other.verdict, citations=twins, confidence=other.confidence)
    if _holds(other.source, one.citations) and other.confidence > one.confidence:
        return replace(one, verdict=other.verdict, citations=twins, confidence=other.confidence)
    return one


def _twins(citations: Sequence[Citation], source: IndexedPolicy) -> tuple[Citation, ...]:
    """The same sentences in another version, as far as it has them."""
    keys = _keys(source)
    sentences = source.sentences()
    found = []
    for citation in citations:
        n = keys.get(sentence_key(citation.quote))
        if n is not None:
            found.append(citation_at(source, sentences[n][1].span, citation.n))
    return tuple(found)


def _same_as(said: Sequence[_Said], n: int, newest: int) -> bool:
    """Whether a version says what the newest one says: the same verdict, or for open questions the same sentence."""
    one, other = said[n], said[newest]
    if one.silent or other.silent:
        return one.silent is other.silent
    if other.verdict is not None:
        return one.verdict is other.verdict
    return n == newest or bool(_twins(other.citations[:1], one.source))


_Lead = tuple[str, Verdict | None, bool]
"""The direct answer, its verdict, and whether anything was stated."""


def _always(told: _Told, said: Sequence[_Said]) -> _Lead:
    asked, newest = told.asked, said[-1]
    silent = [each for each in said if each.silent]
    days = _days(silent)
    if newest.verdict is None and not newest.silent:
        same = [_same_as(said, n, len(said) - 1) for n in range(len(said))]
        if all(same):
            return f"Yes. {_all(said)} say it in the same words.", Verdict.YES, True
        if silent:
            return f"That cannot be said: the version of {days} did not say.", None, True
        return "The indexed versions say it in different words.", None, True
    verdicts = {each.verdict for each in said if not each.silent}
    wanted = None if asked.leans else Verdict.NO if asked.never else Verdict.YES
    if len(verdicts) > 1 or (wanted and wanted not in verdicts and Verdict.CONDITIONAL not in verdicts):
        return f"No. {_differs(said)}", Verdict.NO, True
    if silent:
        return f"That cannot be said: {_version_of(silent)} did not say, and silence is neither yes nor no.", None, True
    if wanted and verdicts == {Verdict.CONDITIONAL}:
        return f"Only in some cases. {_all(said)} say so.", Verdict.CONDITIONAL, True
    return f"Yes. {_all(said)} say the same; what was between them is not known.", Verdict.YES, True


def _all(said: Sequence[_Said]) -> str:
    return "Both indexed versions" if len(said) == 2 else f"All {len(said)} indexed versions"


def _differs(said: Sequence[_Said]) -> str:
    if len({each.verdict for each in said if not each.silent}) > 1:
        return "The indexed versions say different things."
    return "No indexed version says so."


def _days(said: Sequence[_Said]) -> str:
    return ", ".join(each.day for each in said)


def _version_of(said: Sequence[_Said]) -> str:
    return f"the version archived on {said[0].day}" if len(said) == 1 else f"the versions archived on {_days(said)}"


def _new(said: Sequence[_Said]) -> _Lead:
    newest = said[-1]
    if newest.silent:
        return f"The newest indexed version, archived on {newest.day}, does not say.", None, False
    first = len(said) - 1
    while first > 0 and _same_as(said, first - 1, len(said) - 1):
        first -= 1
    if first == 0:
        return f"No. The oldest indexed version, archived on {said[0].day}, already says it.", Verdict.NO, True
    before = said[first - 1]
    was = "did not say" if before.silent else "said something else"
    lead = f"Yes. The version archived on {said[first].day} is the first indexed that says it; the one of "
    f"{before.day} {was}."
    return lead, Verdict.YES, True


def _before(said: Sequence[_Said]) -> _Lead:
    earlier, newest = said[:-1], said[-1]
    spoken = [each for each in earlier if not each.silent]
    if not spoken:
        return f"Before {newest.day}, the indexed versions ({_days(earlier)}) did not say.", None, False
    verdicts = {each.verdict for each in spoken}
    now = "does not say" if newest.silent else "says" if newest.verdict is None else f"says {_SAYS[newest.verdict]}"
    if newest.verdict is None and None in verdicts and not newest.silent:
        return (
            f"The version archived on {spoken[-1].day} said the following; the newest, of {newest.day}, comes last.",
            None,
            True,
        )
    for verdict, lead in ((Verdict.YES, "Yes"), (Verdict.CONDITIONAL, "Only in some cases"), (Verdict.NO, "No")):
        if verdict in verdicts:
            day = next(each.day for each in spoken if each.verdict is verdict)
            return f"{lead}, as the version archived on {day} shows; the newest, of {newest.day}, {now}.", verdict, True
    return (
        f"The version archived on {spoken[-1].day} said the following; the newest, of {newest.day}, {now}.",
        None,
        True,
    )


def _turned(said: Sequence[_Said], positive: Sequence[bool], *, stopped: bool) -> _Lead:
    """Have they started, or stopped? Judged by the newest version and those before it; silence decides nothing."""
    newest, earlier = said[-1], said[:-1]
    if newest.silent:
        return f"The newest indexed version, archived on {newest.day}, does not say.", None, True
    now = positive[-1]
    if stopped:
        if now:
            return (
                f"No. The newest indexed version, archived on {newest.day}, still says that it does.",
                Verdict.NO,
                True,
            )
        was = [each for each, so in zip(earlier, positive, strict=False) if so]
        if was:
            return (
                f"Yes. The version archived on {was[-1].day} said that it did; the newest, of {newest.day}, says no.",
                Verdict.YES,
                True,
            )
        return "No indexed version says that it ever did.", None, True
    if not now:
        return f"No. The newest indexed version, archived on {newest.day}, says that it does not.", Verdict.NO, True
    if positive[0]:
        return (
            f"No. The oldest indexed version, archived on {said[0].day}, already says that it does.",
            Verdict.NO,
            True,
        )
    denied = [each for each in earlier if each.verdict is Verdict.NO]
    if denied:
        return (
            f"Yes. The version archived on {denied[-1].day} said no; the newest, of {newest.day}, says that it does.",
            Verdict.YES,
            True,
        )
    return (
        f"The newest indexed version, of {newest.day}, says that it does; the oldest, of {said[0].day}, did not say.",
        None,
        True,
    )


def _since(said: Sequence[_Said], positive: Sequence[bool]) -> _Lead:
    if not any(positive):
        open_first = next((n for n, each in enumerate(said) if not each.silent and each.verdict is None), None)
        if open_first is None:
            return "No indexed version says that it does.", None, True
        positive = [not each.silent for each in said]
    first = _beginning(said, positive)
    if first == 0:
        lead = f"At the latest since {said[0].day}: the oldest indexed version already says so."
        return f"{lead} Earlier ones are not known.", None, True
    before, after = said[first - 1], said[first]
    was = "did not say" if before.silent else "said otherwise"
    told = f"the version archived on {before.day} {was}, the one of {after.day} says so"
    return f"Between {before.day} and {after.day}: {told}. No version in between is indexed.", None, True


def _beginning(said: Sequence[_Said], positive: Sequence[bool]) -> int:
    """The first version since which it has been so up to the newest; where the newest says otherwise, the first at all.

    Silence in between neither begins nor ends anything.
    """
    first = list(positive).index(True)
    if positive[-1]:
        denied = [n for n, each in enumerate(said) if not positive[n] and not each.silent]
        first = next(n for n in range(denied[-1] + 1 if denied else 0, len(said)) if positive[n])
    return first


def _until(said: Sequence[_Said], positive: Sequence[bool]) -> _Lead:
    if not any(positive):
        return "No indexed version says that it did.", None, True
    last = len(positive) - 1 - list(reversed(positive)).index(True)
    if last == len(said) - 1:
        lead = f"the newest indexed version, of {said[-1].day}, says that it does"
        return f"It has not, as far as is known: {lead}.", None, True
    before, after = said[last], said[last + 1]
    now = "does not say" if after.silent else "says that it does not"
    told = f"the version archived on {before.day} said that it did, the one of {after.day} {now}"
    return f"Between {before.day} and {after.day}: {told}. No version in between is indexed.", None, True
