"""Answers as they come into being: server-sent events, and the pure functions that other streams are made of too.

A citation is always sent before the ``[n]`` that refers to it.
"""

from __future__ import annotations

import itertools
import json
import logging
import re
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from fastapi.sse import EventSourceResponse, format_sse_event
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from qa.domain import Answer, Citation, Entry, FailedEntry, Progress, Said, Step, as_json
from qa.errors import FineprintError
from qa.text import MARKER
from ui.problems import problem_of
from ui.turnstile import WAITING_S, ClientGone, Turnstile, Waiting

__all__ = ["Event", "EventStream", "EventsOf", "events_of_comparison", "pieces_of", "streamed"]

T = TypeVar("T")

logger = logging.getLogger(__name__)

RETRY_MS: Final = 10_000
"""An ``EventSource`` asks again when a stream ends; not at once, at least."""

_HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
# A word with the white space after it; citations stand by themselves: "[1]", "[2].".
_PIECE: Final = re.compile(r"\s+|\S+\s*")
# JSON leaves these as they are, and some readers of lines end a line there.
_LINE_ENDS: Final = {ord(char): f"\\u{ord(char):04x}" for char in "\x85\u2028\u2029"}


@dataclass(frozen=True, slots=True)
class Event:
    """One server-sent event; ``data`` is JSON data."""

    name: str
    data: Any


def pieces_of(answer: Answer | Said) -> Iterator[Citation | str]:
    """An answer's text word by word, each citation before the first ``[n]`` that refers to it, the rest at the end.

    The texts together are ``answer.text``, and every citation comes once.
    """
    waiting = {citation.n: citation for citation in answer.citations}
    for piece in _PIECE.findall(answer.text):
        for marker in MARKER.findall(piece):
            if citation := waiting.pop(int(marker), None):
                yield citation
        yield piece
    yield from waiting.values()


class EventsOf:
    """What is sent for each step of one answer: ``stage``; ``citation`` and ``token`` in turns, then the ``answer``.

    What was said before the answer was whole is not sent again with it.
    """

    def __init__(self) -> None:
        self._said = ""
        self._cited = 0

    def __call__(self, step: Step) -> Iterator[Event]:
        """The events of the next step."""
        if isinstance(step, Progress):
            yield _stage(step.stage, step.policies, step.sentences, step.done)
            return
        fresh = step
        if isinstance(step, Answer):
            assert step.text.startswith(self._said), "what is said is the beginning of the answer"
            fresh = replace(step, text=step.text[len(self._said) :], citations=step.citations[self._cited :])
        for piece in pieces_of(fresh):
            yield Event("token", {"text": piece}) if isinstance(piece, str) else Event("citation", as_json(piece))
        if isinstance(step, Answer):
            yield Event("answer", as_json(step))
        else:
            self._said += step.text
            self._cited += len(step.citations)


def events_of_comparison(step: Entry | FailedEntry) -> Iterator[Event]:
    """What is sent for a policy of a comparison: ``entry``, or ``failed``."""
    yield Event("entry" if isinstance(step, Entry) else "failed", as_json(step))


def _stage(name: str, policies: Iterable[str] = (), sentences: int = 0, done: int = 0) -> Event:
    return Event("stage", {"name": name, "policies": list(policies), "sentences": sentences, "done": done})


async def streamed(
    turnstile: Turnstile,
    http: Request,
    make: Callable[[], Iterator[T]],
    events: Callable[[T], Iterable[Event]],
    *,
    held: int = 1,
    done: Callable[[int], Event] | None = None,
    waiting_s: float = WAITING_S,
) -> EventSourceResponse:
    """Steps as a response of server-sent events.

    Args:
        turnstile: where a place is waited for.
        http: the request, to learn when its client goes.
        make: makes the steps; called in a thread.
        events: what is sent for a step.
        held: so many steps are waited for before the response begins, so that what fails by then has an HTTP status
            of its own; what fails later comes as an event ``error``. A queue is not waited for.
        done: a last event, of the number of steps.
        waiting_s: after so long without a step, a comment keeps the connection open.

    Raises:
        FineprintError: what the first steps raise.
    """
    steps = turnstile.steps(http, make, waiting_s=waiting_s)
    begun: list[T | Waiting] = []
    try:
        async for step in steps:
            begun.append(step)
            if len(begun) == held or isinstance(step, Waiting):
                break
    except BaseException:
        await steps.aclose()
        raise
    return EventStream(_written(begun, steps, events, done), headers=_HEADERS)


class EventStream(EventSourceResponse):
    """Ends its source with itself: Starlette leaves that to whenever memory is tidied up."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends it."""
        assert isinstance(self.body_iterator, AsyncGenerator)
        async with aclosing(self.body_iterator):
            await super().__call__(scope, receive, send)


async def _written(
    begun: Iterable[T | Waiting],
    steps: AsyncGenerator[T | Waiting, None],
    events: Callable[[T], Iterable[Event]],
    done: Callable[[int], Event] | None,
) -> AsyncGenerator[bytes, None]:
    """Steps as the bytes of events, those of one step in one piece."""
    ids = itertools.count(1)
    count = 0
    queued = False

    def written(told: Iterable[Event]) -> bytes:
        return b"".join(_bytes(event, next(ids)) for event in told)

    def told(step: T | Waiting) -> bytes:
        nonlocal count, queued
        if not isinstance(step, Waiting):
            count += 1
            return written(events(step))
        if step.queued and not queued:
            queued = True
            return written([_stage("waiting")])
        return format_sse_event(comment="waiting")

    async with aclosing(steps):
        try:
            for step in begun:
                yield told(step)
            async for step in steps:
                yield told(step)
        except ClientGone:
            return
        except Exception as exc:
            if not isinstance(exc, FineprintError):
                logger.exception("a stream broke off")
            yield written([Event("error", problem_of(exc))])
        else:
            if done:
                yield written([done(count)])


def _bytes(event: Event, number: int) -> bytes:
    data = json.dumps(event.data, ensure_ascii=False, separators=(",", ":")).translate(_LINE_ENDS)
    return format_sse_event(data_str=data, event=event.name, id=str(number), retry=RETRY_MS if number == 1 else None)
