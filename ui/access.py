"""Who asks, and what they may ask: the guard says who it is (``ui.guard``), every face asks here what that allows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from starlette.requests import HTTPConnection

from qa.domain import Answer, Changes, Entry, FailedEntry, IndexedPolicy, Label, PolicyCard, Progress, Question
from qa.encoders import TextEncoder
from qa.errors import FineprintError, UnknownScope
from ui.live import Answers

__all__ = ["ANYBODY", "Caller", "ScopeForbidden", "ScopedAnswers", "answers_for", "caller_of"]

T = TypeVar("T")


class ScopeForbidden(FineprintError):
    """A site or a key asks about a policy that it was not given."""

    code = "scope_forbidden"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks.

    Attributes:
        client: the network address, for counting only: never logged, never stored.
        origin: the web origin of the page that asks, where it is another than the service's own.
        key: the name of the API key that was shown.
        domains: the sites that may be asked about; None for all.
    """

    client: str = ""
    origin: str | None = None
    key: str | None = None
    domains: frozenset[str] | None = None


ANYBODY: Final = Caller()


def caller_of(connection: HTTPConnection) -> Caller:
    """Who sends this request, as the guard found out."""
    caller = connection.scope.get("state", {}).get("caller", ANYBODY)
    assert isinstance(caller, Caller)
    return caller


def answers_for(answers: Answers, caller: Caller) -> Answers:
    """What a caller may ask: everything, or only the sites that it was given."""
    return answers if caller.domains is None else ScopedAnswers(answers, caller.domains)


class ScopedAnswers:
    """Answers for a caller that was given some sites only: to it, nothing else is indexed.

    A scope outside is refused as forbidden whether or not there is such a policy, so that nobody learns what else is
    indexed by trying.
    """

    def __init__(self, answers: Answers, domains: Collection[str]) -> None:
        self._whole = answers
        self._domains = frozenset(domains)

    def ask(self, question: Question) -> Answer:
        """See ``Answers.ask``. Raises ScopeForbidden."""
        return self._within(lambda: self._limited().ask(question))

    def stream(self, question: Question) -> Iterator[Progress | Answer]:
        """See ``Answers.stream``. Raises ScopeForbidden."""
        steps = self._within(lambda: self._limited().stream(question))

        def each() -> Iterator[Progress | Answer]:
            while (step := self._within(lambda: next(steps, None))) is not None:
                yield step

        return each()

    def cards(self, query: str = "", limit: int | None = None) -> tuple[PolicyCard, ...]:
        """See ``Answers.cards``."""
        return self._limited().cards(query, limit)

    def policy(self, scope: str) -> IndexedPolicy:
        """See ``Answers.policy``. Raises ScopeForbidden."""
        return self._within(lambda: self._limited().policy(scope))

    @property
    def encoder(self) -> TextEncoder:
        """See ``Answers.encoder``."""
        return self._whole.encoder

    def ask_in(self, question: Question, source: IndexedPolicy) -> Answer:
        """See ``Answers.ask_in``."""
        return self._limited().ask_in(question, source)

    def stream_in(self, question: Question, source: IndexedPolicy) -> Iterator[Progress | Answer]:
        """See ``Answers.stream_in``."""
        return self._limited().stream_in(question, source)

    def label(self, scope: str) -> Label:
        """See ``Answers.label``. Raises ScopeForbidden."""
        return self._within(lambda: self._limited().label(scope))

    def compare(self, question: Question, scopes: Sequence[str | IndexedPolicy]) -> Iterator[Entry | FailedEntry]:
        """See ``Answers.compare``. Raises ScopeForbidden."""
        return self._within(lambda: self._limited().compare(question, scopes))

    def changes(self, older: str, newer: str, about: str | None = None) -> Changes:
        """See ``Answers.changes``. Raises ScopeForbidden."""
        return self._within(lambda: self._limited().changes(older, newer, about))

    def limited(self, domains: Collection[str]) -> Answers:
        """See ``Answers.limited``: never more than these sites."""
        return ScopedAnswers(self._whole, self._domains & frozenset(domains))

    @property
    def generation(self) -> int:
        """See ``Answers.generation``."""
        return self._whole.generation

    def warm_up(self) -> None:
        """See ``Answers.warm_up``."""
        self._whole.warm_up()

    def close(self) -> None:
        """Closes nothing: the whole service is closed by whoever opened it."""

    def _limited(self) -> Answers:
        return self._whole.limited(self._domains)

    def _within(self, call: Callable[[], T]) -> T:
        try:
            return call()
        except UnknownScope as exc:
            allowed = ", ".join(sorted(self._domains)) or "nothing"
            raise ScopeForbidden(f"From here, only these may be asked about: {allowed}.") from exc
