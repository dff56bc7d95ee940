"""Fills an index: reads, parses, screens, cuts, encodes and stores policies, each all or nothing."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import numpy as np

from ingest.apart import PAPER_SECONDS, SECONDS, Read, read_apart, read_policy
from ingest.chunking import CHUNKER, cut, passage_text, sentence_text
from ingest.parsing import APART, Hints, form_of
from ingest.screening import Reason
from ingest.sources import Source, Sources, Unread, find_sources
from ingest.web import Memory, Page, Reader, Remembered, Unchanged, address_of, at_command_line, said_of
from ingest.webpage import SUFFIXES as PAGES
from qa.domain import IndexedPolicy, Passage, Policy, Vectors
from qa.encoders import TextEncoder, open_encoder
from qa.errors import IndexDamaged, IndexMissing, PolicyRefused, Unwanted
from qa.libraries import index_of, open_library, open_library_for_writing, open_served, search_index
from qa.library import Library, Manifest, locked
from qa.renewing import renewed, stored_policies
from qa.settings import Settings
from qa.store import ChromaIndex, PassageIndex, PolicyLibrary, synchronise

__all__ = [
    "Flag", "Progress", "Rebuilt", "Refusal", "Report", "Taken", "ingest", "ingest_addresses", "ingest_paths",
    "manifest_of", "prepare", "rebuild", "sample_paths",
]  # fmt: skip

_BATCH_TEXTS = 2_000
"""Texts encoded at once: enough to fill batches of like length, little enough to lose to an interruption."""

_PAGES_AT_ONCE = 25
_PAGES_BYTES = 32 * 1024 * 1024
"""Pages of the web are read before the index is locked: at most so many, and so many bytes, until it is."""

_FAR_DAYS = 31
"""A snapshot that is further than this from the day asked for is worth a word."""

_SCRIPTED = (
    "Its text seems to be written by JavaScript, which is not run: open it in a browser, save it and give the file."
)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an ingestion has come: ``done`` of ``total`` files, ``name`` the last one; ``total`` None if unknown."""

    done: int
    total: int | None
    name: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """A file that was not taken; ``reason`` is an ``ingest.screening.Reason``."""

    name: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Flag:
    """A policy that was taken, and what a reader of it should know."""

    name: str
    policy_id: str
    warning: str


@dataclass(frozen=True, slots=True)
class Taken:
    """A policy that is in the index now, or was there as it is; ``name`` is what it was read from."""

    name: str
    policy_id: str
    outcome: Literal["added", "replaced", "unchanged"]


@dataclass(frozen=True, slots=True)
class Report:
    """What became of the files: ``read`` is the sum of added, unchanged, replaced and refused ones.

    Attributes:
        skipped: files in the folders that have another format.
        elapsed_s: wall time in seconds.
    """

    read: int = 0
    added: int = 0
    unchanged: int = 0
    replaced: int = 0
    refused: tuple[Refusal, ...] = ()
    flagged: tuple[Flag, ...] = ()
    skipped: int = 0
    elapsed_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What became of the policies of an index that was made anew.

    Attributes:
        count: how many are in it.
        lost: ids of those whose text was damaged beyond saving.
        damaged: whether the library's file was damaged; it is kept aside then.
    """

    count: int
    lost: tuple[str, ...] = ()
    damaged: bool = False


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A policy that is to be stored, cut, with what is to be embedded; ``name`` is its file's."""

    name: str
    policy: Policy
    passages: tuple[Passage, ...]
    passage_texts: tuple[str, ...]
    sentence_texts: tuple[str, ...]


def sample_paths() -> list[Path]:
    """The bundled sample policies."""
    return sorted((Path(__file__).parent / "samples").glob("*.md"))


def manifest_of(encoder: TextEncoder) -> Manifest:
    """How an index made with this encoder and this version's chunker is described."""
    return Manifest(encoder.name, encoder.fingerprint, encoder.dimension, CHUNKER)


def ingest_paths(
    paths: Sequence[Path | str],
    settings: Settings,
    *,
    hints: Hints | None = None,
    encoder: TextEncoder | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    as_of: dt.date | None = None,
    history: bool = False,
    reader: Reader | None = None,
) -> Report:
    """Ingests files, folders and web addresses into the index that the settings name; see ``ingest``.

    Args:
        paths: files, folders, and addresses that begin with http:// or https://.
        settings: where the index is, and the longest policy accepted.
        hints: facts that win over what the files and pages say of themselves.
        encoder: makes the vectors.
        on_progress: called when a file is done with, or a page was read.
        as_of: of addresses, the snapshot nearest to this day, from the Wayback Machine.
        history: of git repositories, every version of each file.
        reader: reads the pages.

    Raises:
        UsageError: a path does not exist, or there is nothing to ingest.
        IndexProblem: the index cannot be written, or was made by another encoder or chunker.
    """
    means = {each: address_of(each) for each in dict.fromkeys(paths)}
    files = [Path(each) for each, address in means.items() if address is None]
    addresses = list(dict.fromkeys(address for address in means.values() if address is not None))
    encoder = encoder or open_encoder(settings)
    report = Report()
    if files or not addresses:
        sources = find_sources(files, history=history)
        report = _ingest_into(sources, settings, encoder, hints=hints, on_progress=on_progress)
        report = replace(report, skipped=sources.skipped)
    if addresses:
        before = report.read

        def counted(progress: Progress) -> None:
            if on_progress:
                on_progress(Progress(before + progress.done, before + len(addresses), progress.name))

        pages = ingest_addresses(
            addresses, settings, hints=hints, encoder=encoder, on_progress=counted, as_of=as_of, reader=reader
        )
        report = _both(report, pages)
    return report


def ingest_addresses(
    addresses: Iterable[str],
    settings: Settings,
    *,
    hints: Hints | None = None,
    encoder: TextEncoder | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    on_taken: Callable[[Taken], None] | None = None,
    as_of: dt.date | None = None,
    reader: Reader | None = None,
    apart: Callable[..., Read] = read_apart,
) -> Report:
    """Ingests pages of the web.

    A page whose text has changed becomes a version of today, and its earlier versions stay; one that has not is left
    alone, and not even sent again where its site knows the state that was read. The index is locked, and the model
    loaded, only when there is something to store.

    Args:
        addresses: as ``address_of`` gives them.
        settings: where the index is, and the longest policy accepted.
        hints: facts that win over what the pages say of themselves.
        encoder: makes the vectors.
        on_progress: called when a page was read; how many there are is unknown.
        on_taken: called for every page that is in the index.
        as_of: the day that a snapshot is wanted of; None for the pages as they are.
        reader: fetches the pages.
        apart: reads their text; ``read_apart`` but in tests.

    Raises:
        IndexProblem: the index cannot be read or written, or was made by another encoder or chunker.
    """
    began = time.perf_counter()
    reader, encoder = reader or Reader(), encoder or open_encoder(settings)
    pages = _Pages(settings, hints or Hints(), on_taken)
    report, done = Report(), 0

    def visits() -> Iterator[Page | Unchanged | Unread]:
        nonlocal done
        for address in addresses:
            try:
                found = reader.read(address, None if as_of else pages.known(address), as_of=as_of)
            except Unwanted:
                return
            done += 1
            if on_progress:
                on_progress(Progress(done, None, found.name))
            yield found

    for batch in _batches(visits()):
        report = _both(report, pages.left_alone(batch))
        if any(isinstance(found, Page) for found in batch):
            offered = pages.one_a_site(batch)
            part = _ingest_into(offered, settings, encoder, hints=hints, on_taken=pages.took, apart=apart)
            report = _both(report, part)
        pages.remember()
    return replace(report, flagged=(*report.flagged, *pages.flags), elapsed_s=time.perf_counter() - began)


class _Pages:
    """What becomes of the pages of one ingestion: whose is which, what to remember of them, and what to say."""

    def __init__(self, settings: Settings, hints: Hints, on_taken: Callable[[Taken], None] | None) -> None:
        self.flags: list[Flag] = []
        self._settings = settings
        self._said = said_of(hints)
        self._on_taken = on_taken
        self._memory = Memory(settings.index)
        self._places: dict[str, str] = {}
        self._read: dict[str, Page] = {}
        self._learnt: dict[str, Remembered] = {}

    def known(self, address: str) -> Remembered | None:
        """What is remembered of a page, if the policy that it became is there and no other things are said of it."""
        known = self._memory.get(address)
        if known is None or known.said != self._said:
            return None
        with suppress(IndexMissing, KeyError), open_library(self._settings) as library:
            library.read(known.policy_id)
            return known
        return None

    def left_alone(self, batch: Sequence[Page | Unchanged | Unread]) -> Report:
        """What is told of the pages that bring nothing to store."""
        unchanged = [each for each in batch if isinstance(each, Unchanged)]
        for each in unchanged:
            self._places.setdefault(_domain(each.policy_id), each.place)
            self._tell(Taken(each.name, each.policy_id, "unchanged"))
        refused = tuple(
            Refusal(each.name, each.refusal.reason, str(each.refusal)) for each in batch if isinstance(each, Unread)
        )
        return Report(read=len(unchanged) + len(refused), unchanged=len(unchanged), refused=refused)

    def one_a_site(self, batch: Sequence[Page | Unchanged | Unread]) -> Iterator[Page | Unread]:
        """The pages that were read, but not a second one of a site: its policy cannot be both."""
        for page in batch:
            if not isinstance(page, Page):
                continue
            site = page.hints.domain or ""
            if self._places.get(site, page.place) != page.place:
                message = (
                    f"It is another page of {site} than {self._places[site]}, and a site has one policy: leave one out,"
                    " or give this one alone with --domain."
                )
                yield Unread(page.name, PolicyRefused(Reason.DUPLICATE_ID, message))
                continue
            self._read[page.name] = page
            yield page

    def took(self, taken: Taken) -> None:
        """A page became a policy, or is one already."""
        page = self._read[taken.name]
        self._places.setdefault(page.hints.domain or "", page.place)
        day = page.hints.archived_on
        if page.wanted is None:
            self._learnt[taken.name] = page.remembered(taken.policy_id, self._said)
        elif day and abs((day - page.wanted).days) > _FAR_DAYS:
            apart = f"{abs((day - page.wanted).days):,} days {'after' if day > page.wanted else 'before'}"
            message = f"The nearest snapshot is of {day}, {apart} {page.wanted}."
            self.flags.append(Flag(taken.name, taken.policy_id, message))
        self._tell(taken)

    def remember(self) -> None:
        """Keeps what was learnt of the pages that are stored now."""
        if self._learnt:
            self._memory.keep(self._learnt)
            self._learnt = {}
        self._read = {}

    def _tell(self, taken: Taken) -> None:
        if self._on_taken:
            self._on_taken(taken)


def _domain(policy_id: str) -> str:
    return policy_id.partition("@")[0]


def _batches(visits: Iterable[Page | Unchanged | Unread]) -> Iterator[list[Page | Unchanged | Unread]]:
    """Pages as they come, few and small enough to be held."""
    batch: list[Page | Unchanged | Unread] = []
    for found in visits:
        batch.append(found)
        read = [each for each in batch if isinstance(each, Page)]
        if len(read) >= _PAGES_AT_ONCE or sum(len(each.source.data) for each in read) >= _PAGES_BYTES:
            yield batch
            batch = []
    if batch:
        yield batch


def _both(one: Report, other: Report) -> Report:
    return Report(
        read=one.read + other.read,
        added=one.added + other.added,
        unchanged=one.unchanged + other.unchanged,
        replaced=one.replaced + other.replaced,
        refused=one.refused + other.refused,
        flagged=one.flagged + other.flagged,
        skipped=one.skipped + other.skipped,
        elapsed_s=one.elapsed_s + other.elapsed_s,
    )


def _ingest_into(
    sources: Iterable[Source | Unread | Page],
    settings: Settings,
    encoder: TextEncoder,
    *,
    hints: Hints | None,
    on_progress: Callable[[Progress], None] | None = None,
    on_taken: Callable[[Taken], None] | None = None,
    apart: Callable[..., Read] = read_apart,
) -> Report:
    """Ingests into the index that the settings name."""
    manifest = manifest_of(encoder)
    with (
        open_library_for_writing(settings, manifest) as library,
        search_index(settings, manifest) as index,
    ):
        return ingest(
            sources,
            library,
            index,
            encoder,
            settings=settings,
            hints=hints,
            on_progress=on_progress,
            on_taken=on_taken,
            apart=apart,
        )


def ingest(
    sources: Iterable[Source | Unread | Page],
    library: PolicyLibrary,
    index: PassageIndex | None,
    encoder: TextEncoder,
    *,
    settings: Settings,
    hints: Hints | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    on_taken: Callable[[Taken], None] | None = None,
    apart: Callable[..., Read] = read_apart,
) -> Report:
    """Brings policies into the library and the index.

    A policy whose content is already there is left alone, one with other content under its id is replaced. What is not
    a usable policy is refused and the rest go on. An interruption leaves whole policies only, and the next run goes on.

    Args:
        sources: what to read; a sized one lets progress tell how much is left.
        library: the truth, open for writing.
        index: brought up to the library at the end; None where the library keeps its passages itself.
        encoder: the one that the library's manifest names.
        settings: for the longest policy accepted.
        hints: facts that win over what the files say of themselves.
        on_progress: called when a file is done with: refused, found unchanged, or encoded.
        on_taken: called when it is decided that a policy is usable; it is stored before this returns.
        apart: reads what may keep a reader busy; ``read_apart`` but in tests.

    Raises:
        IndexProblem: the index cannot be written.
    """
    run = _Run(library, encoder, settings, hints or Hints(), on_progress, on_taken=on_taken, apart=apart)
    sized = sources.total() if isinstance(sources, Sources) else len(sources) if isinstance(sources, Sequence) else None
    run.take(sources, sized)
    if index is not None:
        synchronise(library, index)
    return run.report()


def rebuild(
    settings: Settings,
    *,
    encoder: TextEncoder | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Rebuilt:
    """Cuts and encodes every stored policy anew, as after a change of encoder or chunker, or after damage.

    Readers keep the old index until everything is done. Where the library's file is damaged, every policy whose text is
    whole is saved, and the file is kept aside.

    Raises:
        IndexProblem: there is no index, it cannot be read or written, or nothing can be saved.
    """
    encoder = encoder or open_encoder(settings)
    manifest = manifest_of(encoder)
    if settings.chroma_url is not None:
        return _rebuilt_on_server(settings, encoder, on_progress)
    if not settings.index.is_dir():
        raise IndexMissing(f"There is no index in {settings.index}: run `fineprint ingest` first.")
    with locked(settings.index):
        stored = stored_policies(settings.index)
        vectors: dict[str, Vectors] = {}
        with renewed(settings.index, manifest, keep=stored.damaged) as library:
            for done, policy in enumerate(stored.policies(), start=1):
                library.put(_indexed(_prepared(policy.id, policy), encoder, vectors))
                if on_progress:
                    on_progress(Progress(done, stored.count, policy.id))
        with Library.open(settings.index) as library, closing(ChromaIndex.of(settings, manifest)) as index:
            synchronise(library, index)
    return Rebuilt(stored.count, stored.lost, stored.damaged)


def _rebuilt_on_server(
    settings: Settings, encoder: TextEncoder, on_progress: Callable[[Progress], None] | None
) -> Rebuilt:
    with open_served(settings) as old, open_served(settings, manifest_of(encoder), rebuild=True) as made:
        cards = old.cards()
        if not cards:
            raise IndexMissing(f"There is no policy in the index {index_of(settings)}: run `fineprint ingest`.")
        vectors: dict[str, Vectors] = {}
        lost = []
        for done, card in enumerate(cards, start=1):
            try:
                policy = old.policy(card.id)
            except IndexDamaged:
                lost.append(card.id)
            else:
                made.put(_indexed(_prepared(card.id, policy), encoder, vectors))
            if on_progress:
                on_progress(Progress(done, len(cards), card.id))
        made.commit()
    return Rebuilt(len(cards) - len(lost), tuple(lost))


def prepare(
    source: Source,
    encoder: TextEncoder,
    *,
    settings: Settings,
    hints: Hints | None = None,
    seconds: float | None = None,
) -> IndexedPolicy:
    """One policy, ready to be asked, in memory only: read, screened, cut and encoded as ingest does it.

    It may leave open whose it is: its domain and company then are stand-ins (see ``read_unplaced``).

    Args:
        source: untrusted bytes; they are read in a process of its own.
        encoder: the one that encodes the questions.
        settings: for the longest policy accepted.
        hints: what its reader says about it.
        seconds: the longest time that reading may take; somebody waits, so less for papers than ``ingest`` takes.

    Raises:
        PolicyRefused: it is no usable policy, or cannot be read in that time.
    """
    seconds = seconds or (PAPER_SECONDS / 4 if form_of(source) in APART.difference(PAGES) else SECONDS)
    found = read_apart(source, hints or Hints(), max_chars=settings.max_policy_chars, seconds=seconds)
    return _indexed(_embedded(source.name, found.policy, found.passages), encoder, {})


class _Run:
    """One ingestion: what waits to be encoded, and what has been counted."""

    def __init__(
        self,
        library: PolicyLibrary,
        encoder: TextEncoder,
        settings: Settings,
        hints: Hints,
        on_progress: Callable[[Progress], None] | None,
        *,
        on_taken: Callable[[Taken], None] | None,
        apart: Callable[..., Read],
    ) -> None:
        self._on_taken = on_taken
        self._apart = apart
        self._library = library
        self._encoder = encoder
        self._max_chars = settings.max_policy_chars
        self._hints = hints
        self._on_progress = on_progress
        self._began = time.perf_counter()
        self._hashes = library.hashes()
        self._seen: dict[str, str] = {}
        self._waiting: list[_Prepared] = []
        self._vectors: dict[str, Vectors] = {}
        self._refused: list[Refusal] = []
        self._flagged: list[Flag] = []
        self._total: int | None = None
        self._done = self._read = self._added = self._replaced = self._unchanged = 0

    def take(self, sources: Iterable[Source | Unread | Page], total: int | None) -> None:
        """Ingests everything; what is complete is kept even when interrupted."""
        self._total = total
        for source in sources:
            self._read += 1
            waiting = len(self._waiting)
            try:
                if isinstance(source, Unread):
                    raise source.refusal
                self._consider(source)
            except PolicyRefused as refusal:
                self._refused.append(Refusal(source.name, refusal.reason, _explained(source, refusal)))
            if len(self._waiting) == waiting:
                self._advance(source.name)
            if sum(len(each.sentence_texts) for each in self._waiting) >= _BATCH_TEXTS:
                self._store()
        self._store()

    def report(self) -> Report:
        """What was counted."""
        return Report(
            read=self._read,
            added=self._added,
            unchanged=self._unchanged,
            replaced=self._replaced,
            refused=tuple(self._refused),
            flagged=tuple(self._flagged),
            elapsed_s=time.perf_counter() - self._began,
        )

    def _consider(self, found: Source | Page) -> None:
        """Decides about one source; a policy that is new or changed is put on the waiting list."""
        passages: tuple[Passage, ...] | None = None
        if isinstance(found, Page):
            read = self._read_apart(found.source, self._hints.over(found.hints))
            policy, passages = _stated(found, read.policy, self._hints), read.passages
            if found.live and not self._hints.archived_on:
                policy = self._known_page(found.name, policy)
        else:
            policy = self._known_undated(self._read_policy(found))
        content = policy.content_hash
        if policy.id in self._seen and self._seen[policy.id] != content:
            message = f"Another file of this run is {policy.id} too, with other content; give each its own date."
            raise PolicyRefused(Reason.DUPLICATE_ID, message)
        self._flagged.extend(Flag(found.name, policy.id, warning) for warning in policy.warnings)
        if policy.id in self._seen or self._hashes.get(policy.id) == content:
            self._unchanged += 1
            outcome: Literal["added", "replaced", "unchanged"] = "unchanged"
        else:
            self._waiting.append(_embedded(found.name, policy, cut(policy) if passages is None else passages))
            outcome = "replaced" if policy.id in self._hashes else "added"
        self._seen[policy.id] = content
        if self._on_taken:
            self._on_taken(Taken(found.name, policy.id, outcome))

    def _read_policy(self, source: Source) -> Policy:
        """A policy, read where that can be ended if its form lets it keep a reader busy for hours."""
        if form_of(source) in APART:
            return self._read_apart(source, self._hints).policy
        return read_policy(source, self._hints, max_chars=self._max_chars)

    def _read_apart(self, source: Source, hints: Hints) -> Read:
        seconds = PAPER_SECONDS if form_of(source) in APART.difference(PAGES) else SECONDS
        return self._apart(source, hints, max_chars=self._max_chars, seconds=seconds, placed=True)

    def _known_page(self, name: str, policy: Policy) -> Policy:
        """A page is the newest version of its site's policy for as long as it says the same; then it is one of today.

        Raises:
            PolicyRefused: it would be older than a version that is there.
        """
        versions = [card for card in self._library.cards() if card.domain == policy.domain]
        if not versions:
            return policy
        newest = self._library.read(max(versions, key=lambda card: card.archived_on).id).policy
        if newest.text.split() == policy.text.split():
            same = newest.text == policy.text and newest.provenance.get("archived_on") == "ingestion"
            return replace(policy, archived_on=newest.archived_on) if same else newest
        if newest.archived_on > policy.archived_on:
            message = (
                f"It has changed, but there is a version of {newest.archived_on}, and today is {policy.archived_on} in"
                " UTC: set this machine's clock, or remove that version."
            )
            raise PolicyRefused(Reason.OUT_OF_ORDER, message)
        if newest.archived_on == policy.archived_on:
            message = "It has changed again on the day of its newest version, and takes that version's place."
            self._flagged.append(Flag(name, policy.id, message))
        return policy

    def _known_undated(self, policy: Policy) -> Policy:
        """A policy without a date keeps the day it was first ingested on for as long as it stays the same."""
        if policy.provenance["archived_on"] != "ingestion":
            return policy
        for card in self._library.cards():
            if card.domain == policy.domain:
                known = self._library.read(card.id).policy
                if known.text == policy.text and known.provenance.get("archived_on") == "ingestion":
                    return replace(policy, archived_on=known.archived_on)
        return policy

    def _store(self) -> None:
        """Encodes and stores what waits."""
        waiting, self._waiting = self._waiting, []
        before = self._done

        def encoded(share: float) -> None:
            for prepared in waiting[self._done - before : int(share * len(waiting))]:
                self._advance(prepared.name)

        for indexed in _encoded(waiting, self._encoder, self._vectors, encoded):
            self._library.put(indexed)
            if indexed.policy.id in self._hashes:
                self._replaced += 1
            else:
                self._added += 1
        encoded(1)

    def _advance(self, name: str) -> None:
        self._done += 1
        if self._on_progress:
            self._on_progress(Progress(self._done, self._total, name))


def _stated(page: Page, policy: Policy, hints: Hints) -> Policy:
    """The policy of a page, with who said what of it: its address, where its user did not."""
    said = {"domain": hints.domain, "archived_on": hints.archived_on, "url": hints.url}
    origins = {name: "address" for name, value in said.items() if not value}
    if page.live and not hints.archived_on:
        origins["archived_on"] = "ingestion"
    return replace(policy, provenance=MappingProxyType({**policy.provenance, **origins}))


def _explained(source: Source | Unread | Page, refusal: PolicyRefused) -> str:
    """Why something was refused; a page in which programs run may hold no text of its own."""
    if not isinstance(source, Page):
        return str(refusal)
    nearly_empty = refusal.reason in {Reason.EMPTY, Reason.TOO_SHORT}
    return f"{refusal} {_SCRIPTED}" if source.scripted and nearly_empty else at_command_line(str(refusal))


def _prepared(name: str, policy: Policy) -> _Prepared:
    return _embedded(name, policy, cut(policy))


def _embedded(name: str, policy: Policy, passages: tuple[Passage, ...]) -> _Prepared:
    return _Prepared(
        name,
        policy,
        passages,
        tuple(passage_text(policy, passage) for passage in passages),
        tuple(sentence_text(policy, passage, sentence) for passage in passages for sentence in passage.sentences),
    )


def _encoded(
    waiting: Sequence[_Prepared],
    encoder: TextEncoder,
    vectors: dict[str, Vectors],
    on_share: Callable[[float], None] | None = None,
) -> Iterator[IndexedPolicy]:
    """The policies with their vectors, encoded together.

    Args:
        waiting: the policies.
        encoder: makes the vectors.
        vectors: those of sentences seen before, by text; new ones are added.
        on_share: called with the share of texts that is encoded, in [0, 1].
    """
    if not waiting:
        return
    passage_texts = [text for prepared in waiting for text in prepared.passage_texts]
    new = dict.fromkeys(t for prepared in waiting for t in prepared.sentence_texts if t not in vectors)
    texts = [*passage_texts, *new]
    encoded = encoder.encode_texts(texts, (lambda done: on_share(done / len(texts))) if on_share else None)
    vectors.update(zip(new, encoded[len(passage_texts) :], strict=True))
    at = 0
    for prepared in waiting:
        end = at + len(prepared.passages)
        rows = [vectors[text] for text in prepared.sentence_texts]
        sentence_vectors = np.stack(rows) if rows else np.zeros((0, encoder.dimension), np.float32)
        yield IndexedPolicy(prepared.policy, prepared.passages, encoded[at:end], sentence_vectors)
        at = end


def _indexed(prepared: _Prepared, encoder: TextEncoder, vectors: dict[str, Vectors]) -> IndexedPolicy:
    return next(_encoded([prepared], encoder, vectors))
