"""What every face asks: the service behind one small Protocol, and a stand-in that waits for an index.

A service may start before the first ingest: ``LiveAnswers`` opens the index as soon as there is one, and says what is
missing until then.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

from qa.domain import Answer, Changes, Entry, FailedEntry, IndexedPolicy, Label, PolicyCard, Question, Step
from qa.errors import FineprintError

if TYPE_CHECKING:
    from qa.encoders import TextEncoder

__all__ = ["Answers", "LiveAnswers", "Warmth"]

logger = logging.getLogger(__name__)


class Answers(Protocol):
    """What answers questions (``qa.service.PolicyQA`` does); thread-safe."""

    def ask(self, question: Question) -> Answer:
        """Answers one question. Raises InvalidQuestion, UnknownScope or an IndexProblem."""
        ...

    def ask_plainly(self, question: Question) -> Answer:
        """Answers like ``ask``, and shows the question to no chat model: for questions that nobody has asked."""
        ...

    def stream(self, question: Question) -> Iterator[Step]:
        """Answers like ``ask`` and tells of each stage as it begins; the answer comes last. Raises like ``ask``."""
        ...

    def cards(self, query: str = "", limit: int | None = None) -> tuple[PolicyCard, ...]:
        """The indexed policies that match a query, all for an empty one."""
        ...

    def policy(self, scope: str) -> IndexedPolicy:
        """One policy by domain, id or file stem. Raises UnknownScope."""
        ...

    @property
    def encoder(self) -> TextEncoder:
        """What encodes questions; policies for ``ask_in`` are encoded with it. Raises an IndexProblem."""
        ...

    def ask_in(self, question: Question, source: IndexedPolicy) -> Answer:
        """Answers from a policy that need not be indexed. Raises InvalidQuestion."""
        ...

    def stream_in(self, question: Question, source: IndexedPolicy) -> Iterator[Step]:
        """Answers like ``ask_in`` and tells of each stage as it begins; the answer comes last. Raises like it."""
        ...

    def label(self, scope: str) -> Label:
        """A policy at a glance. Raises UnknownScope or an IndexProblem."""
        ...

    def compare(self, question: Question, scopes: Sequence[str | IndexedPolicy]) -> Iterator[Entry | FailedEntry]:
        """The same question put to several policies, each answer as it comes.

        Raises InvalidQuestion, UnknownScope or UsageError at once, not with the first answer.
        """
        ...

    def changes(self, older: str, newer: str, about: str | None = None) -> Changes:
        """What became of a policy from one version to another. Raises UnknownScope, UsageError."""
        ...

    def limited(self, domains: Collection[str]) -> Answers:
        """The same service as if only these sites' policies were indexed."""
        ...

    @property
    def generation(self) -> int:
        """Grows whenever the index changes. Raises an IndexProblem."""
        ...

    def warm_up(self) -> None:
        """Loads what the first answer would otherwise wait for."""
        ...

    def close(self) -> None:
        """Frees files and memory."""
        ...


class LiveAnswers:
    """Opens the service when it is first needed, and tries again as long as there is no index.

    Args:
        open_answers: opens the service; raises IndexMissing and its like while it cannot.
    """

    def __init__(self, open_answers: Callable[[], Answers]) -> None:
        self._open = open_answers
        self._lock = threading.Lock()
        self._answers: Answers | None = None

    def ask(self, question: Question) -> Answer:
        """See ``Answers.ask``."""
        return self._opened().ask(question)

    def ask_plainly(self, question: Question) -> Answer:
        """See ``Answers.ask_plainly``."""
        return self._opened().ask_plainly(question)

    def stream(self, question: Question) -> Iterator[Step]:
        """See ``Answers.stream``."""
        return self._opened().stream(question)

    def cards(self, query: str = "", limit: int | None = None) -> tuple[PolicyCard, ...]:
        """See ``Answers.cards``."""
        return self._opened().cards(query, limit)

    def policy(self, scope: str) -> IndexedPolicy:
        """See ``Answers.policy``."""
        return self._opened().policy(scope)

    @property
    def encoder(self) -> TextEncoder:
        """See ``Answers.encoder``."""
        return self._opened().encoder

    def stream_in(self, question: Question, source: IndexedPolicy) -> Iterator[Step]:
        """See ``Answers.stream_in``."""
        return self._opened().stream_in(question, source)

    def ask_in(self, question: Question, source: IndexedPolicy) -> Answer:
        """See ``Answers.ask_in``."""
        return self._opened().ask_in(question, source)

    def label(self, scope: str) -> Label:
        """See ``Answers.label``."""
        return self._opened().label(scope)

    def compare(self, question: Question, scopes: Sequence[str | IndexedPolicy]) -> Iterator[Entry | FailedEntry]:
        """See ``Answers.compare``."""
        return self._opened().compare(question, scopes)

    def changes(self, older: str, newer: str, about: str | None = None) -> Changes:
        """See ``Answers.changes``."""
        return self._opened().changes(older, newer, about)

    def limited(self, domains: Collection[str]) -> Answers:
        """See ``Answers.limited``."""
        return self._opened().limited(domains)

    @property
    def generation(self) -> int:
        """See ``Answers.generation``."""
        return self._opened().generation

    def warm_up(self) -> None:
        """See ``Answers.warm_up``."""
        self._opened().warm_up()

    def close(self) -> None:
        """Closes what is open; a later call opens anew."""
        with self._lock:
            answers, self._answers = self._answers, None
        if answers:
            answers.close()

    def _opened(self) -> Answers:
        with self._lock:
            if self._answers is None:
                self._answers = self._open()
            return self._answers


class Warmth:
    """Warms a service up in the background, and says whether it is warm.

    While there is no index to warm up with, it tries again every ``pause_s`` seconds.
    """

    def __init__(self, answers: Answers, *, pause_s: float = 2.0) -> None:
        self._answers = answers
        self._pause_s = pause_s
        self._warm = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def warm(self) -> bool:
        """Whether the first answer no longer waits for anything to load."""
        return self._warm.is_set()

    def start(self) -> None:
        """Begins to warm up."""
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, name="warm-up", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends the attempts; one that is under way is waited for briefly."""
        self._stop.set()
        if self._thread:
            self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._answers.warm_up()
            except FineprintError as exc:
                logger.debug("not warm yet: %s", exc)
                self._stop.wait(self._pause_s)
            except Exception:
                # The same failure will meet the next question, which reports it to whoever asked.
                logger.exception("warming up failed")
                return
            else:
                self._warm.set()
                return
