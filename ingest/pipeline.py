"""Fills an index: reads, parses, screens, cuts, encodes and stores policies, each all or nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ingest.apart import SECONDS, read_apart, read_policy
from ingest.chunking import CHUNKER, cut, passage_text, sentence_text
from ingest.parsing import Hints
from ingest.screening import Reason
from ingest.sources import Source, Sources, Unread, find_sources
from ingest.webpage import SUFFIXES as PAGES
from qa.domain import IndexedPolicy, Passage, Policy, Vectors
from qa.encoders import TextEncoder, open_encoder
from qa.errors import IndexMissing, PolicyRefused
from qa.library import Library, Manifest
from qa.settings import Settings
from qa.store import ChromaIndex, PassageIndex, synchronise

__all__ = [
    "Flag", "Progress", "Refusal", "Report", "ingest", "ingest_paths", "manifest_of", "prepare", "rebuild",
    "sample_paths",
]  # fmt: skip

_BATCH_TEXTS = 2_000
"""Texts encoded at once: enough to fill batches of like length, little enough to lose to an interruption."""


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
    paths: Sequence[Path],
    settings: Settings,
    *,
    hints: Hints | None = None,
    encoder: TextEncoder | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Report:
    """Ingests files and folders into the index that the settings name; see ``ingest``.

    Raises:
        UsageError: a path does not exist, or there is nothing to ingest.
        IndexProblem: the index cannot be written, or was made by another encoder or chunker.
    """
    sources = find_sources(paths)
    encoder = encoder or open_encoder(settings)
    manifest = manifest_of(encoder)
    with (
        Library.open_for_writing(settings.index, manifest) as library,
        closing(ChromaIndex.of(settings, manifest)) as index,
    ):
        report = ingest(sources, library, index, encoder, settings=settings, hints=hints, on_progress=on_progress)
    return replace(report, skipped=sources.skipped)


def ingest(
    sources: Iterable[Source | Unread],
    library: Library,
    index: PassageIndex,
    encoder: TextEncoder,
    *,
    settings: Settings,
    hints: Hints | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Report:
    """Brings policies into the library and the index.

    A policy whose content is already there is left alone, one with other content under its id is replaced. What is not
    a usable policy is refused and the rest go on. An interruption leaves whole policies only, and the next run goes on.

    Args:
        sources: what to read; a sized one lets progress tell how much is left.
        library: the truth, open for writing.
        index: brought up to the library at the end.
        encoder: the one that the library's manifest names.
        settings: for the longest policy accepted.
        hints: facts that win over what the files say of themselves.
        on_progress: called when a file is done with: refused, found unchanged, or encoded.

    Raises:
        IndexProblem: the index cannot be written.
    """
    run = _Run(library, encoder, settings, hints or Hints(), on_progress)
    run.take(sources, len(sources) if isinstance(sources, Sources | Sequence) else None)
    synchronise(library, index)
    return run.report()


def rebuild(
    settings: Settings,
    *,
    encoder: TextEncoder | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> int:
    """Cuts and encodes every stored policy anew, as after a change of encoder or chunker; returns how many.

    Readers keep the old index until everything is done.

    Raises:
        IndexProblem: there is no index, or it cannot be read or written.
    """
    encoder = encoder or open_encoder(settings)
    manifest = manifest_of(encoder)
    with Library.open(settings.index) as library:
        policies = [library.read(card.id).policy for card in library.cards()]
    if not policies:
        raise IndexMissing(f"There is no policy in {settings.index}: run `fineprint ingest`.")
    vectors: dict[str, Vectors] = {}
    with Library.open_for_writing(settings.index, manifest, rebuild=True) as library:
        for done, policy in enumerate(policies, start=1):
            library.put(_indexed(_prepared(policy.id, policy), encoder, vectors))
            if on_progress:
                on_progress(Progress(done, len(policies), policy.id))
        library.commit()
        with closing(ChromaIndex.of(settings, manifest)) as index:
            synchronise(library, index)
    return len(policies)


def prepare(
    source: Source, encoder: TextEncoder, *, settings: Settings, hints: Hints | None = None, seconds: float = SECONDS
) -> IndexedPolicy:
    """One policy, ready to be asked, in memory only: read, screened, cut and encoded as ingest does it.

    It may leave open whose it is: its domain and company then are stand-ins (see ``read_unplaced``).

    Args:
        source: untrusted bytes; they are read in a process of its own.
        encoder: the one that encodes the questions.
        settings: for the longest policy accepted.
        hints: what its reader says about it.
        seconds: the longest time that reading may take.

    Raises:
        PolicyRefused: it is no usable policy, or cannot be read in that time.
    """
    found = read_apart(source, hints or Hints(), max_chars=settings.max_policy_chars, seconds=seconds)
    return _indexed(_embedded(source.name, found.policy, found.passages), encoder, {})


class _Run:
    """One ingestion: what waits to be encoded, and what has been counted."""

    def __init__(
        self,
        library: Library,
        encoder: TextEncoder,
        settings: Settings,
        hints: Hints,
        on_progress: Callable[[Progress], None] | None,
    ) -> None:
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

    def take(self, sources: Iterable[Source | Unread], total: int | None) -> None:
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
                self._refused.append(Refusal(source.name, refusal.reason, str(refusal)))
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

    def _consider(self, source: Source) -> None:
        """Decides about one source; a policy that is new or changed is put on the waiting list."""
        policy = self._known_undated(self._read_policy(source))
        content = policy.content_hash
        if policy.id in self._seen and self._seen[policy.id] != content:
            message = f"Another file of this run is {policy.id} too, with other content; give each its own date."
            raise PolicyRefused(Reason.DUPLICATE_ID, message)
        self._flagged.extend(Flag(source.name, policy.id, warning) for warning in policy.warnings)
        if policy.id in self._seen or self._hashes.get(policy.id) == content:
            self._unchanged += 1
        else:
            self._waiting.append(_prepared(source.name, policy))
        self._seen[policy.id] = content

    def _read_policy(self, source: Source) -> Policy:
        """A page in HTML can be made to keep a parser busy for hours, so it is read where it can be ended."""
        if source.suffix in PAGES:
            return read_apart(source, self._hints, max_chars=self._max_chars, placed=True).policy
        return read_policy(source, self._hints, max_chars=self._max_chars)

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
