"""A policy at a glance: the standard questions, how their answers become a label, and where labels are kept.

A label is made by the same chain as every answer, so that asking its questions by hand gives the same. It takes about
a second; it is kept in a small file of its own in the index folder, which may be deleted at any time.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import logging
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable, Collection
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Final, TypeVar

from qa.domain import Answer, Citation, IndexedPolicy, Label, LabelRow, Question, Status, Verdict, as_json

__all__ = ["SURE", "SURELY_SILENT", "TOPICS", "LabelStore", "Topic", "label_of", "recipe", "recipe_of"]

_log = logging.getLogger(__name__)

FILE: Final = "labels.sqlite3"
SURE: Final = 0.5
"""A row whose answer is less likely than this to be right (docs/models.md: Calibration) is not said in a word."""
SURELY_SILENT: Final = 0.6
"""The same for silence: telling somebody that a policy does not say what it does say is the worse mistake."""

_KEPT_IN_MEMORY = 64
_LOCK_WAIT_S = 1.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Topic:
    """One standard question, the same for every policy.

    Attributes:
        topic: its short name; never changes.
        title: what a row is headed with, e.g. "Sells your data".
        question: worded as the chain answers best, measured over many policies; names no company.
    """

    topic: str
    title: str
    question: str


TOPICS: Final = (
    Topic("sell", "Sells your data", "Do you ever sell, rent or trade users' personal information?"),
    Topic("share", "Shares your data with others", "Do you share my personal information with other companies?"),
    Topic("ads", "Shows ads based on what you do", "Do you show me ads based on my browsing or interests?"),
    Topic("cookies", "What it uses cookies for", "What do you use cookies for?"),
    Topic(
        "children",
        "Collects data from children",
        "Do you knowingly collect personal information from children under 13?",
    ),
    Topic("security", "How it protects your data", "How is my personal information protected and kept secure?"),
    Topic("retention", "How long it keeps your data", "How long do you retain my personal information?"),
    Topic("access", "How to see or delete your data", "How can I access, correct or delete my personal information?"),
    Topic("opt_out", "Lets you refuse marketing", "Can I unsubscribe from or opt out of marketing emails?"),
    Topic(
        "law_enforcement",
        "Gives data to the authorities",
        "Do you disclose my information in response to a subpoena, court order or law enforcement request?",
    ),
    Topic(
        "ownership",
        "Passes data to a new owner",
        "Is personal information among the assets transferred in a merger, acquisition or bankruptcy?",
    ),
    Topic("changes", "How it announces changes", "How will you announce changes to this privacy policy?"),
    Topic("contact", "How to reach it", "How can I contact you with questions about this privacy policy?"),
)
"""The standard questions, in the order in which they are shown."""


def label_of(source: IndexedPolicy, ask: Callable[[Question], Answer]) -> Label:
    """The label of a policy.

    Args:
        source: the policy; it need not be indexed.
        ask: answers a question whose scope is this policy.
    """
    policy = source.policy
    rows = tuple(_row(topic, ask(Question(topic.question, scope=policy.id))) for topic in TOPICS)
    return Label(policy.id, policy.company, policy.domain, policy.archived_on, policy.url, rows)


def _row(topic: Topic, answer: Answer) -> LabelRow:
    answered = answer.status is Status.ANSWERED
    sure = answer.confidence >= (SURE if answered else SURELY_SILENT)
    return LabelRow(
        topic=topic.topic,
        title=topic.title,
        question=topic.question,
        status=answer.status,
        verdict=answer.verdict,
        text=answer.text,
        citations=answer.citations,
        confidence=answer.confidence,
        sure=sure,
        related=() if answered or sure else answer.related,
    )


@cache
def recipe() -> str:
    """What labels are made by, as a hash; it differs as soon as anything does that may change an answer."""
    return recipe_of(resources.files("qa"))


def recipe_of(package: Traversable) -> str:
    """The hash of a package's own code and word lists, and of the records of its models.

    It is taken from the files themselves, so that no change to what answers can be forgotten. The records hold the
    hashes of the weights, which are checked before they are used.
    """
    digest = hashlib.sha256()
    for folder in (package, package / "models"):
        for file in sorted(folder.iterdir(), key=lambda each: each.name):
            if file.is_file() and file.name.endswith((".py", ".txt", ".json")):
                digest.update(f"{file.name}\x1f".encode() + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


class LabelStore:
    """Makes labels and keeps them, in a file of the index folder where that can be written. Thread-safe.

    The file is a convenience: what is damaged, stale or of another version is made anew without a word. Several
    processes may share it.
    """

    def __init__(self, folder: Path | None, made_by: str) -> None:
        """
        Args:
            folder: the index folder; None keeps labels in memory only.
            made_by: changes whenever the same policy might get another label.
        """
        self._file = folder / FILE if folder else None
        self._made_by = made_by
        self._making = threading.Lock()
        self._recent_lock = threading.Lock()
        self._recent: OrderedDict[str, tuple[str, Label]] = OrderedDict()

    def label(self, source: IndexedPolicy, make: Callable[[], Label], known: Callable[[], Collection[str]]) -> Label:
        """The label of a policy, made if it is not kept.

        Args:
            source: the policy as it is indexed now.
            make: makes its label.
            known: the ids of all policies indexed now; labels of others are thrown away.
        """
        policy_id, state = source.policy.id, self._state(source)
        if (label := self._remembered(policy_id, state)) is not None:
            return label
        # One at a time: those who ask questions keep a core, and the same label is not made twice.
        with self._making:
            label = self._remembered(policy_id, state) or self._read(source, state)
            if label is None:
                label = make()
                self._write(label, state, known())
            with self._recent_lock:
                self._recent[policy_id] = (state, label)
                while len(self._recent) > _KEPT_IN_MEMORY:
                    self._recent.popitem(last=False)
            return label

    def forget(self, policy_id: str) -> None:
        """Throws away what the file keeps of a policy that was removed: its label quotes it."""
        if self._file and self._file.exists():
            self._with_file(
                lambda connection: connection.execute("DELETE FROM labels WHERE policy_id = ?", (policy_id,))
            )

    def _state(self, source: IndexedPolicy) -> str:
        """What the label depends on: the policy, how it is cut, and what answers."""
        parts = (source.policy.content_hash, repr(source.passages), self._made_by)
        return hashlib.sha256("\x1e".join(parts).encode("utf-8", "surrogatepass")).hexdigest()

    def _remembered(self, policy_id: str, state: str) -> Label | None:
        with self._recent_lock:
            kept = self._recent.get(policy_id)
            if kept is None or kept[0] != state:
                return None
            self._recent.move_to_end(policy_id)
            return kept[1]

    def _read(self, source: IndexedPolicy, state: str) -> Label | None:
        def read(connection: sqlite3.Connection) -> Label | None:
            row = connection.execute(
                "SELECT label FROM labels WHERE policy_id = ? AND state = ?", (source.policy.id, state)
            ).fetchone()
            return _parsed(row[0], source) if row else None

        return self._with_file(read) if self._file and self._file.exists() else None

    def _write(self, label: Label, state: str, known: Collection[str]) -> None:
        data = json.dumps(as_json(label), ensure_ascii=True, separators=(",", ":"))
        ids = json.dumps([*known, label.policy_id])

        def write(connection: sqlite3.Connection) -> bool:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(_TABLE)
            connection.execute("INSERT OR REPLACE INTO labels VALUES (?, ?, ?)", (label.policy_id, state, data))
            connection.execute("DELETE FROM labels WHERE policy_id NOT IN (SELECT value FROM json_each(?))", (ids,))
            connection.execute("COMMIT")
            return True

        # The first attempt at a damaged file deletes it.
        _ = self._with_file(write) or self._with_file(write)

    def _with_file(self, work: Callable[[sqlite3.Connection], T]) -> T | None:
        """What one transaction gives, or None: whatever goes wrong with the file ends here.

        The file is opened anew each time (a third of a millisecond), so that one deleted under us is no matter.
        """
        if self._file is None:
            return None
        try:
            with closing(sqlite3.connect(self._file, timeout=_LOCK_WAIT_S, isolation_level=None)) as connection:
                return work(connection)
        except sqlite3.Error as exc:
            _log.debug("labels are not kept: %s", exc)
            if getattr(exc, "sqlite_errorcode", 0) & 0xFF in _DAMAGED:
                self._delete()
            return None

    def _delete(self) -> None:
        assert self._file is not None
        for name in (FILE, f"{FILE}-journal"):
            with suppress(OSError):
                self._file.with_name(name).unlink(missing_ok=True)


_TABLE: Final = (
    "CREATE TABLE IF NOT EXISTS labels (policy_id TEXT PRIMARY KEY, state TEXT NOT NULL, label TEXT NOT NULL)"
    " WITHOUT ROWID"
)
# SQLITE_ERROR is a table of another form.
_DAMAGED: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_MISMATCH)


def _parsed(data: str, source: IndexedPolicy) -> Label | None:
    """A kept label, every citation verified again; None where anything of it is not as it was written."""
    text, policy = source.policy.text, source.policy
    try:
        rows = tuple(_row_from(row) for row in json.loads(data)["rows"])
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    cited = [citation for row in rows for citation in (*row.citations, *row.related)]
    if any(c.policy_id != policy.id or text[c.start : c.end] != c.quote for c in cited):
        return None
    if [row.question for row in rows] != [topic.question for topic in TOPICS]:
        return None
    return Label(policy.id, policy.company, policy.domain, policy.archived_on, policy.url, rows)


def _row_from(data: dict[str, Any]) -> LabelRow:
    return LabelRow(
        topic=data["topic"],
        title=data["title"],
        question=data["question"],
        status=Status(data["status"]),
        verdict=Verdict(data["verdict"]) if data["verdict"] else None,
        text=data["text"],
        citations=tuple(_citation_from(each) for each in data["citations"]),
        confidence=float(data["confidence"]),
        sure=bool(data["sure"]),
        related=tuple(_citation_from(each) for each in data["related"]),
    )


def _citation_from(data: dict[str, Any]) -> Citation:
    return Citation(**{**data, "archived_on": dt.date.fromisoformat(data["archived_on"])})
