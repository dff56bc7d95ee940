"""How many calls run at once, how many wait, and that nobody works for a client that has gone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Final, TypeVar

import anyio
import anyio.to_thread
from starlette.requests import Request

from qa.errors import FineprintError

__all__ = ["Busy", "ClientGone", "Turnstile"]

T = TypeVar("T")

_LOOKS_S: Final = 0.1


class Busy(FineprintError):
    """More questions are waiting than can be answered soon."""

    code = "busy"


class ClientGone(FineprintError):
    """Whoever asked does not wait for the answer any more."""

    code = "client_gone"


class Turnstile:
    """Lets so many calls run in threads at once, so many wait, and turns the rest away.

    Every face shares one, so that together they never ask more of the machine than it has.
    """

    def __init__(self, running: int, waiting: int) -> None:
        self._limiter = anyio.CapacityLimiter(running)
        self._most = running + waiting
        self._inside = 0

    @property
    def inside(self) -> int:
        """How many calls run or wait."""
        return self._inside

    async def __call__(self, call: Callable[[], T]) -> T:
        """Runs one call in a thread.

        Raises:
            Busy: too many wait already.
        """
        async with self._entered():
            return await anyio.to_thread.run_sync(call, limiter=self._limiter)

    async def last(self, http: Request, steps: Callable[[], Iterator[T]]) -> T:
        """The last of some steps; the rest is left undone when the client goes.

        Raises:
            Busy: too many wait already.
            ClientGone: the client went first.
        """
        gone = False
        result: list[T] = []
        failed: list[Exception] = []

        def work() -> None:
            try:
                for step in steps():
                    result[:] = [step]
                    if gone:
                        return
            except Exception as exc:  # raised again below, outside the task group, which would wrap it
                failed.append(exc)

        async with self._entered(), anyio.create_task_group() as group:

            async def watch() -> None:
                nonlocal gone
                while not await http.is_disconnected():
                    await anyio.sleep(_LOOKS_S)
                gone = True
                group.cancel_scope.cancel()

            group.start_soon(watch)
            await anyio.to_thread.run_sync(work, limiter=self._limiter)
            group.cancel_scope.cancel()
        if gone:
            raise ClientGone("The client has gone.")
        if failed:
            raise failed[0]
        return result[0]

    @asynccontextmanager
    async def _entered(self) -> AsyncIterator[None]:
        if self._inside >= self._most:
            raise Busy("Too many questions are waiting. Try again in a few seconds.")
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1
