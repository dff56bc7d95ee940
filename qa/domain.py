"""The nouns of the product, as frozen values.

All offsets are code-point offsets into ``Policy.text``, the canonical text fixed at parsing; ``text[start:end]`` is
the thing itself. Nothing here does I/O.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from qa.text import Span

__all__ = [
    "Answer", "Candidate", "Candidates", "Change", "ChangeKind", "Changes", "Choice", "Citation", "Draft", "Entry",
    "FailedEntry",
    "IndexedPolicy", "Label", "LabelRow", "Lookback", "Looking",
    "Part", "Passage", "PassageHit", "Policy", "PolicyCard", "Progress", "Question", "Quote",
    "Reading", "Route", "Sentence", "Span", "Status", "Timings", "Vectors", "Verdict",
    "as_json",
]  # fmt: skip

Vectors = npt.NDArray[np.float32]
"""A matrix of row vectors of length 1, shape (n, dimension)."""


class Status(StrEnum):
    """What became of a question."""

    ANSWERED = "answered"
    NOT_STATED = "not_stated"
    UNKNOWN_COMPANY = "unknown_company"
    NEEDS_COMPANY = "needs_company"
    OUT_OF_SCOPE = "out_of_scope"


EXTRACTIVE = "extractive"
"""The engine that composes answers from the evidence alone."""


class Verdict(StrEnum):
    """The answer to a question that can be answered with yes or no."""

    YES = "yes"
    NO = "no"
    CONDITIONAL = "conditional"


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence (or list item, or table cell) of a policy.

    Attributes:
        start, end: its span, trimmed of white space and list bullets.
        lead_in: for a list item, the span of the sentence that leads the list in; without it an item such as
            "sell your data" under "We do not:" would say the opposite of what the policy says.
    """

    start: int
    end: int
    lead_in: Span | None = None

    @property
    def span(self) -> Span:
        """The sentence's own span."""
        return Span(self.start, self.end)


@dataclass(frozen=True, slots=True)
class PassageHit:
    """A passage near to a question; ``score`` is the cosine, in [-1, 1]."""

    policy_id: str
    n: int
    score: float


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of a policy under one heading.

    The passages of a policy partition its text: in order, no overlap, only white space between them.

    Attributes:
        n: position in the policy, from 0.
        section: the path of headings above it, outermost first; empty before the first heading.
        sentences: in order, within [start, end).
    """

    n: int
    start: int
    end: int
    section: tuple[str, ...] = ()
    sentences: tuple[Sentence, ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """One version of one site's privacy policy.

    Attributes:
        domain: lower case, without scheme and ``www.``.
        archived_on: the date of the snapshot, or of ingestion where none is known.
        company: the name that people use, for display.
        aliases: other names, lower case, that mean this company in a question.
        text: the canonical text; every offset refers to it.
        url: link to the snapshot or source, http(s) only, or None.
        provenance: where each fact was taken from, e.g. ``{"domain": "header", "company": "title"}``.
        warnings: what a reader should know about this text, e.g. "the text is cut off".
    """

    domain: str
    archived_on: dt.date
    company: str
    text: str
    aliases: tuple[str, ...] = ()
    url: str | None = None
    provenance: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    warnings: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """``<domain>@<archive date>``."""
        return f"{self.domain}@{self.archived_on.isoformat()}"

    @property
    def content_hash(self) -> str:
        """SHA-256 over everything that ingest stores of this policy, in hex."""
        parts = (self.domain, self.archived_on.isoformat(), self.company, *self.aliases, self.url or "", *self.warnings)
        head = "\x1f".join(parts) + "\x1e"
        return hashlib.sha256((head + self.text).encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class PolicyCard:
    """What a list of policies shows and routing needs of one: everything but its text."""

    id: str
    domain: str
    archived_on: dt.date
    company: str
    aliases: tuple[str, ...] = ()
    url: str | None = None
    characters: int = 0
    passages: int = 0
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class IndexedPolicy:
    """A policy with everything that answering from it needs.

    Attributes:
        passage_vectors: float32, shape (number of passages, dimension), rows of length 1.
        sentence_vectors: float32, shape (number of sentences in all passages, dimension), rows of length 1, in order.
    """

    policy: Policy
    passages: tuple[Passage, ...]
    passage_vectors: Vectors
    sentence_vectors: Vectors

    def sentences(self) -> list[tuple[Passage, Sentence]]:
        """All sentences in order, each with its passage; row i of ``sentence_vectors`` is sentence i."""
        return [(passage, sentence) for passage in self.passages for sentence in passage.sentences]


@dataclass(frozen=True, slots=True)
class Question:
    """What somebody asks.

    Attributes:
        history: earlier questions of the same conversation, oldest first.
        scope: a domain, policy id or file stem; None to let the question say it.
        as_of: answer from the newest version archived on or before this day.
    """

    text: str
    history: tuple[str, ...] = ()
    scope: str | None = None
    as_of: dt.date | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """A company offered to choose from; ``scope`` can be asked with."""

    label: str
    scope: str


class Looking(StrEnum):
    """What a question asks about the versions of a policy."""

    CHANGES = "changes"
    """What changed?"""
    CHANGED = "changed"
    """Did it change?"""
    ALWAYS = "always"
    """Has it always been so?"""
    NEW = "new"
    """Is that new?"""
    BEFORE = "before"
    """Did they use to? What did it say before?"""
    SINCE = "since"
    """When did they start?"""
    UNTIL = "until"
    """When did they stop?"""
    STARTED = "started"
    """Have they started to?"""
    STOPPED = "stopped"
    """Have they stopped?"""


@dataclass(frozen=True, slots=True)
class Lookback:
    """A question about the versions of one policy.

    Attributes:
        about: for CHANGES and CHANGED, the topic; empty for the whole policy.
        question: for the others, what is put to each version.
        never: for ALWAYS, whether "never" is asked: "have they never sold it?" is yes where every version says no.
        leans: the question or topic is that of an earlier question: "has it always been so?", "since when?".
        between: how many indexed versions lie between the two that are compared.
    """

    kind: Looking
    about: str = ""
    question: str = ""
    never: bool = False
    leans: bool = False
    between: int = 0


@dataclass(frozen=True, slots=True)
class Route:
    """Which policies a question is to be answered from, decided before any search.

    Attributes:
        policies: ids, one for an ordinary question, several for a comparison, none where ``status`` is set.
        query: what to search for: the question without the company's name.
        context: earlier questions that the query leans on, names removed, oldest first; empty if it stands alone.
        compare: answer policy by policy.
        status: UNKNOWN_COMPANY, NEEDS_COMPANY or OUT_OF_SCOPE where no policy can be chosen, else None.
        named: the name as the user wrote it, where one was found.
        choices: what to offer where no policy can be chosen (the nearest names, or the companies indexed).
        warnings: e.g. that no version is old enough for the date asked for.
        lookback: what is asked about the versions in ``policies`` (of one site, oldest first), if that is asked.
        rewriting: where a chat model was asked what the query asks, what that took; kept with the first part. Where
            that failed, the other parts know it too.
        asked_at: when the question was asked (``time.perf_counter``), which a chat model's patience is counted from.
    """

    policies: tuple[str, ...]
    query: str
    context: tuple[str, ...] = ()
    compare: bool = False
    status: Status | None = None
    named: str | None = None
    choices: tuple[Choice, ...] = ()
    warnings: tuple[str, ...] = ()
    lookback: Lookback | None = None
    rewriting: Generation | None = None
    asked_at: float | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence that may be proof.

    Attributes:
        index: position among all sentences of the policy; row of ``IndexedPolicy.sentence_vectors``.
        score: fused relevance, higher is better; comparable within one question.
        features: named parts of the score, for reading and for explanation.
    """

    index: int
    passage: Passage
    sentence: Sentence
    score: float
    features: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Candidates:
    """The ranked sentences of one policy for one question, best first."""

    route: Route
    source: IndexedPolicy
    ranked: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """What the evidence says.

    Attributes:
        status: ANSWERED, NOT_STATED or OUT_OF_SCOPE.
        verdict: None for open questions and whenever status is not ANSWERED.
        evidence: the sentences that prove the answer, best first; empty unless ANSWERED.
        related: the nearest sentences when the policy is silent, offered but never cited.
        confidence: in [0, 1].
        leanings: for each evidence sentence the verdict that it gives if read alone, None where it gives none clearly;
            empty for open questions.
    """

    source: IndexedPolicy
    query: str
    status: Status
    verdict: Verdict | None
    evidence: tuple[Candidate, ...] = ()
    related: tuple[Candidate, ...] = ()
    confidence: float = 0.0
    leanings: tuple[Verdict | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Quote:
    """What a writer wants to cite: words that it says stand in a policy; ``near`` is where it believes they do."""

    n: int
    text: str
    near: Span | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """An answer before its quotes are verified; ``[n]`` in ``text`` refers to ``quotes``."""

    text: str
    quotes: tuple[Quote, ...] = ()
    related: tuple[Quote, ...] = ()


@dataclass(frozen=True, slots=True)
class Citation:
    """A verified quote: ``policy.text[start:end] == quote`` was checked before this was made."""

    n: int
    policy_id: str
    company: str
    domain: str
    archived_on: dt.date
    section: str
    quote: str
    start: int
    end: int
    url: str | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One policy's part of a comparison."""

    policy_id: str
    company: str
    domain: str
    archived_on: dt.date
    status: Status
    verdict: Verdict | None
    text: str
    citations: tuple[Citation, ...]
    confidence: float
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FailedEntry:
    """The place of a policy in a comparison that could not be answered from; never to be read as silence.

    Attributes:
        problem: one line that says why.
    """

    policy_id: str
    company: str
    domain: str
    archived_on: dt.date
    problem: str


@dataclass(frozen=True, slots=True)
class Part:
    """One of several things that were asked at once, with its own answer."""

    question: str
    status: Status
    verdict: Verdict | None
    text: str
    citations: tuple[Citation, ...]
    confidence: float


@dataclass(frozen=True, slots=True)
class Timings:
    """Wall time of each stage in milliseconds.

    Attributes:
        recalled: where the answer was given a moment ago and is given again, what finding it took; else None, and not
            told in JSON. The other stages took nothing then.
    """

    routing: float = 0.0
    retrieval: float = 0.0
    reading: float = 0.0
    writing: float = 0.0
    total: float = 0.0
    recalled: float | None = None


@dataclass(frozen=True, slots=True)
class Generation:
    """What a chat model had to do with an answer.

    Attributes:
        model: e.g. "ollama:llama3.2".
        claims: how many sentences it wrote, whatever became of them.
        repaired: how many of them are shown in the policy's words instead of the model's.
        dropped: how many are not shown, for another reason than that they repeat what is.
        agrees: whether it came to the reader's verdict; None where there is none, or it said none.
        input_tokens, output_tokens: of all calls, as the model's server counts them; 0 if it does not.
        calls: how often it was called.
        first_claim_ms: from the question to its first proven sentence; None if there was none.
        failed: why the answer is not, or not to its end, in the model's words: a reason of ``ChatModelFailed``,
            "unproven" (nothing that it wrote is) or "no_answer" (it found none); None where it is.
    """

    model: str
    claims: int = 0
    repaired: int = 0
    dropped: int = 0
    agrees: bool | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    calls: int = 0
    first_claim_ms: float | None = None
    failed: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The product's answer (CONTRACT: Answer).

    Attributes:
        text: the direct answer first; ``[n]`` refers to ``citations[].n``.
        related: for NOT_STATED, the nearest passages, as verified as citations are.
        entries: for a comparison, one a policy; their citations are also in ``citations``, numbered through.
        parts: for a question that asks several things, one each; their citations likewise.
        versions: for a question about the versions of a policy, what each says, oldest first; likewise.
        changes: for a question about what changed, the differences that the text tells; likewise.
        engine: who put it into words: "extractive", or the chat model that did, e.g. "ollama:llama3.2".
        generation: where a chat model was asked, what came of it; else None, and not told in JSON.
    """

    question: str
    status: Status
    text: str
    verdict: Verdict | None = None
    citations: tuple[Citation, ...] = ()
    related: tuple[Citation, ...] = ()
    entries: tuple[Entry, ...] = ()
    parts: tuple[Part, ...] = ()
    versions: tuple[Entry, ...] = ()
    changes: tuple[Change, ...] = ()
    policies: tuple[str, ...] = ()
    confidence: float = 0.0
    engine: str = EXTRACTIVE
    choices: tuple[Choice, ...] = ()
    warnings: tuple[str, ...] = ()
    timings_ms: Timings = Timings()
    id: str | None = None
    generation: Generation | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """A stretch of an answer that is proven while the rest is still being written.

    The stretches of an answer together are the beginning of its final text.

    Attributes:
        text: continues what was said before; every marker in it has its citation here or in an earlier stretch.
        citations: those that were not sent before.
    """

    text: str
    citations: tuple[Citation, ...] = ()


@dataclass(frozen=True, slots=True)
class Progress:
    """A stage that begins while a question is answered.

    Attributes:
        stage: one of ``qa.chain.Chain.stages``' names.
        policies: ids of the policies that are read; empty until the question is routed.
        sentences: how many sentences are read; 0 until they are ranked.
        done: while several policies are compared, how many are answered.
    """

    stage: str
    policies: tuple[str, ...] = ()
    sentences: int = 0
    done: int = 0


Step = Progress | Said | Answer
"""What is told while a question is answered; the answer comes last."""


@dataclass(frozen=True, slots=True)
class LabelRow:
    """What a policy says about one standard question.

    Attributes:
        topic: a short name that does not change, e.g. "sell"; the same over all labels.
        title: the topic in a few words, for display, e.g. "Sells your data".
        citations: verified, numbered from 1 in each row; ``text`` refers to them.
        sure: whether status and verdict are likely enough to be said in a word. Where they are not, ``verdict`` is
            what the answer would say, and a reader is better shown the passages.
        related: the nearest passages, where the policy seems silent and that is not sure.
    """

    topic: str
    title: str
    question: str
    status: Status
    verdict: Verdict | None
    text: str
    citations: tuple[Citation, ...]
    confidence: float
    sure: bool = True
    related: tuple[Citation, ...] = ()


@dataclass(frozen=True, slots=True)
class Label:
    """A policy at a glance: a row for each standard question, computed by the same chain as every answer."""

    policy_id: str
    company: str
    domain: str
    archived_on: dt.date
    url: str | None
    rows: tuple[LabelRow, ...]


class ChangeKind(StrEnum):
    """What became of a sentence from one version of a policy to the next."""

    ADDED = "added"
    REMOVED = "removed"
    REWORDED = "reworded"
    MOVED = "moved"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between two versions of a policy.

    Attributes:
        before: the sentence of the older version, verified; None if added.
        after: the sentence of the newer version, verified; None if removed.
        similarity: of the two wordings, in [0, 1]; 0 where there is only one.
    """

    kind: ChangeKind
    before: Citation | None
    after: Citation | None
    similarity: float = 0.0


@dataclass(frozen=True, slots=True)
class Changes:
    """How a policy's text differs between two versions of it.

    Attributes:
        older, newer: policy ids.
        changes: in the order of the newer text, what was removed where it stood; moved text included.
        unchanged: sentences that both versions have (white space and wording noise aside).
    """

    older: str
    newer: str
    company: str
    domain: str
    older_archived_on: dt.date
    newer_archived_on: dt.date
    changes: tuple[Change, ...]
    unchanged: int


def as_json(value: Any) -> Any:
    """A domain value as plain JSON data, field names kept (CONTRACT: Answer)."""
    import dataclasses

    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        data = {f.name: as_json(getattr(value, f.name)) for f in dataclasses.fields(value)}
        if isinstance(value, Answer) and value.generation is None:
            del data["generation"]  # without a chat model answers are what they were before there could be one
        if isinstance(value, Timings) and value.recalled is None:
            del data["recalled"]
        return data
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): as_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(item) for item in value]
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, float):
        return round(value, 4)
    return value
