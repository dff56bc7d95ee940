"""How many calls run at once, how many wait, and that nobody works for a client that has gone."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import anyio
import anyio.to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request

from qa.errors import FineprintError
from qa.talking import is_wanted

__all__ = ["WAITING_S", "Busy", "ClientGone", "Turnstile", "Waiting"]

T = TypeVar("T")

WAITING_S: Final = 10.0
"""Seconds without a step after which ``Turnstile.steps`` says that it still waits."""


class Busy(FineprintError):
    """More questions are waiting than can be answered soon."""

    code = "busy"


class ClientGone(FineprintError):
    """Whoever asked does not wait for the answer any more."""

    code = "client_gone"


@dataclass(frozen=True, slots=True)
class Waiting:
    """No step has come yet.

    Attributes:
        queued: others are before it; else it is being worked on.
    """

    queued: bool


@dataclass(frozen=True, slots=True)
class _End:
    """After the last step; ``error`` is what kept further ones from being made."""

    error: Exception | None = None


class Turnstile:
    """Lets so many calls run in threads at once, so many wait, and turns the rest away.

    Every face shares one, so that together they never ask more of the machine than it has.

    Attributes:
        turned_away: how many calls found no place to wait, ever.
        gone: how many were left by their clients, ever.
        waited: told, in its thread, how many seconds a call waited for its place.
    """

    def __init__(self, running: int, waiting: int) -> None:
        self._limiter = anyio.CapacityLimiter(running)
        self._running = running
        self._most = running + waiting
        self._inside = 0
        self.turned_away = 0
        self.gone = 0
        self.waited: Callable[[float], None] = lambda _: None
        self._tasks: set[asyncio.Task[None]] = set()  # the event loop alone would let go of them

    @property
    def inside(self) -> int:
        """How many calls run or wait."""
        return self._inside

    @property
    def running(self) -> int:
        """How many calls run."""
        return int(self._limiter.borrowed_tokens)

    @property
    def waiting(self) -> int:
        """How many calls wait for a place."""
        return max(self._inside - self.running, 0)

    async def __call__(self, call: Callable[[], T]) -> T:
        """Runs one call in a thread.

        Raises:
            Busy: too many wait already.
        """
        async with self._entered():
            return await anyio.to_thread.run_sync(self._telling(call), limiter=self._limiter)

    async def last(self, http: Request, make: Callable[[], Iterator[T]]) -> T:
        """The last of some steps; see ``all``."""
        return (await self.all(http, make))[-1]

    async def all(self, http: Request, make: Callable[[], Iterator[T]]) -> list[T]:
        """Some steps when they are all made; the rest is left undone when the client goes.

        Raises:
            Busy: too many wait already.
            ClientGone: the client went first.
        """
        async with aclosing(self.steps(http, make)) as steps:
            return [step async for step in steps if not isinstance(step, Waiting)]

    async def steps(
        self, http: Request | None, make: Callable[[], Iterator[T]], *, waiting_s: float = WAITING_S
    ) -> AsyncGenerator[T | Waiting, None]:
        """Steps as they come, made one after the other in a thread.

        The place is held while they are made, not while a slow reader takes them. When the client goes, or nobody asks
        for more, a call in the queue leaves it, and one under way ends with the step that it is at.

        Args:
            http: the request, to learn when its client goes; None where whoever reads the steps is cancelled then.
            make: makes the steps; called in the thread.
            waiting_s: after so long without a step, ``Waiting`` comes instead of one.

        Yields:
            The steps; first of all ``Waiting(queued=True)`` where others are before it.

        Raises:
            Busy: too many wait already.
            ClientGone: the client went first.
        """
        queued = self._inside >= self._running
        self._enter()
        work = _Work(self._telling(make))
        task = asyncio.create_task(work.run(http, self._limiter))
        self._tasks.add(task)
        task.add_done_callback(self._left)
        try:
            if queued:
                yield Waiting(queued=True)
            while True:
                step: T | Waiting | _End = Waiting(queued=not work.begun.is_set())
                try:
                    async with asyncio.timeout(waiting_s):
                        step = await work.steps.get()
                except TimeoutError:
                    pass
                if isinstance(step, _End):
                    if step.error:
                        self.gone += isinstance(step.error, ClientGone)
                        raise step.error
                    return
                yield step
        finally:
            work.unwanted.set()

    def _telling(self, call: Callable[[], T]) -> Callable[[], T]:
        """The call, which first tells how long it waited from now on."""
        came = time.perf_counter()

        def told() -> T:
            self.waited(time.perf_counter() - came)
            return call()

        return told

    def _left(self, task: asyncio.Task[None]) -> None:
        self._inside -= 1
        self._tasks.discard(task)

    def _enter(self) -> None:
        if self._inside >= self._most:
            self.turned_away += 1
            raise Busy("Too many questions are waiting. Try again in a few seconds.")
        self._inside += 1

    @asynccontextmanager
    async def _entered(self) -> AsyncIterator[None]:
        self._enter()
        try:
            yield
        finally:
            self._inside -= 1


class _Work(Generic[T]):
    """Steps in the making.

    Attributes:
        steps: those that are made, then an ``_End``.
        begun: it is out of the queue.
        unwanted: nobody waits for further steps.
    """

    def __init__(self, make: Callable[[], Iterator[T]]) -> None:
        self._make = make
        self.steps: asyncio.Queue[T | _End] = asyncio.Queue()
        self.begun = asyncio.Event()
        self.unwanted = asyncio.Event()

    async def run(self, http: Request | None, limiter: anyio.CapacityLimiter) -> None:
        """Waits for a place and makes the steps, unless and until nobody wants them."""
        loop = asyncio.get_running_loop()

        def make_all() -> _End:
            loop.call_soon_threadsafe(self.begun.set)
            is_wanted.set(lambda: not self.unwanted.is_set())  # in this call's own context
            try:
                steps = self._make()
                with contextlib.ExitStack() as ending:
                    if isinstance(steps, Generator):
                        ending.callback(steps.close)  # and with it whatever it waits for, such as a chat model
                    for step in steps:
                        loop.call_soon_threadsafe(self.steps.put_nowait, step)
                        if self.unwanted.is_set():
                            break
            except Exception as exc:  # raised again where the steps are read
                return _End(exc)
            return _End()

        async def watch_client(http: Request) -> None:
            with contextlib.suppress(HTTPException):  # more is sent than the guard lets in: nobody to wait for either
                while (await http.receive())["type"] != "http.disconnect":
                    pass
            self.steps.put_nowait(_End(ClientGone("The client has gone.")))
            self.unwanted.set()

        async with anyio.create_task_group() as group:

            async def leave_the_queue() -> None:
                await self.unwanted.wait()
                group.cancel_scope.cancel()  # a thread that runs already is waited for

            if http is not None:
                group.start_soon(watch_client, http)
            group.start_soon(leave_the_queue)
            end = await anyio.to_thread.run_sync(make_all, limiter=limiter)
            self.steps.put_nowait(end)
            group.cancel_scope.cancel()
