from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Message

from qa.errors import Unwanted, UsageError
from qa.talking import is_wanted
from ui.requests import request_id
from ui.turnstile import Busy, ClientGone, Turnstile, Waiting


class Client:
    """Whoever asked; goes when told to."""

    def __init__(self) -> None:
        self.gone = asyncio.Event()
        self.http = Request({"type": "http", "method": "GET", "path": "/", "headers": []}, self._receive)

    async def _receive(self) -> Message:
        await self.gone.wait()
        return {"type": "http.disconnect"}


class Work:
    """Steps that are made one by one, each when it is let."""

    def __init__(self, steps: int = 3) -> None:
        self._steps = steps
        self._let = threading.Semaphore(0)
        self.begun = 0
        self.made: list[int] = []

    def let(self, steps: int = 100) -> None:
        self._let.release(steps)

    def __call__(self) -> Iterator[int]:
        for n in range(self._steps):
            self.begun += 1
            assert self._let.acquire(timeout=60)
            self.made.append(n)
            yield n


def running(coroutine: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(coroutine, 60))


async def until(true: Callable[[], bool]) -> None:
    while not true():
        await asyncio.sleep(0.005)


@asynccontextmanager
async def occupied(turnstile: Turnstile, places: int) -> AsyncIterator[None]:
    """So many places are taken, until the end."""
    end = threading.Event()
    calls = [asyncio.create_task(turnstile(lambda: end.wait(60))) for _ in range(places)]
    await until(lambda: turnstile.inside >= places)
    try:
        yield
    finally:
        end.set()
        await asyncio.gather(*calls)


def test_steps_come_as_they_are_made_and_the_last_one_last() -> None:
    async def check() -> None:
        work, client, turnstile = Work(), Client(), Turnstile(1, 1)
        steps = turnstile.steps(client.http, work)
        for n in range(3):
            work.let(1)
            assert await anext(steps) == n
        assert [step async for step in steps] == []
        await until(lambda: turnstile.inside == 0)
        work.let()
        assert await turnstile.last(client.http, work) == 2

    running(check())


def test_what_goes_wrong_is_raised_where_the_steps_are_read() -> None:
    def make() -> Iterator[int]:
        yield 1
        raise UsageError("No.")

    async def check() -> None:
        steps = Turnstile(1, 0).steps(Client().http, make)
        assert await anext(steps) == 1
        with pytest.raises(UsageError, match="No"):
            await anext(steps)
        with pytest.raises(UsageError, match="No"):
            await Turnstile(1, 0).last(Client().http, make)

    running(check())


def test_who_must_wait_is_told_so_at_once_and_again_after_a_while() -> None:
    async def check() -> None:
        turnstile, work = Turnstile(1, 5), Work(1)
        async with occupied(turnstile, 1):
            steps = turnstile.steps(Client().http, work, waiting_s=0.01)
            assert [await anext(steps) for _ in range(3)] == [Waiting(queued=True)] * 3
        while await anext(steps) != Waiting(queued=False):
            pass
        work.let()
        assert [step async for step in steps if not isinstance(step, Waiting)] == [0]

    running(check())


def test_what_fits_neither_in_nor_before_it_is_turned_away() -> None:
    async def check() -> None:
        turnstile = Turnstile(1, 1)
        async with occupied(turnstile, 2):
            with pytest.raises(Busy):
                await turnstile(lambda: None)
            with pytest.raises(Busy):
                await turnstile.last(Client().http, Work())
        assert turnstile.inside == 0
        assert await turnstile(lambda: "in") == "in"

    running(check())


def test_a_client_that_goes_ends_the_work_at_its_next_step() -> None:
    async def check() -> None:
        turnstile, work, client = Turnstile(1, 1), Work(100), Client()
        steps = turnstile.steps(client.http, work)
        work.let(1)
        assert await anext(steps) == 0
        await until(lambda: work.begun == 2)  # else the client may go before the second step begins
        client.gone.set()
        with pytest.raises(ClientGone):
            await anext(steps)
        work.let()
        await until(lambda: turnstile.inside == 0)
        assert work.made == [0, 1]

    running(check())


@pytest.mark.parametrize("leave", [lambda client, _: client.gone.set(), lambda _, steps: steps.aclose()])
def test_who_goes_leaves_the_queue(leave: Callable[[Client, Any], Awaitable[None] | None]) -> None:
    async def check() -> None:
        turnstile, work, client = Turnstile(1, 1), Work(), Client()
        async with occupied(turnstile, 1):
            steps = turnstile.steps(client.http, work)
            assert await anext(steps) == Waiting(queued=True)
            if (left := leave(client, steps)) is not None:
                await left
            await until(lambda: turnstile.inside == 1)
        assert work.made == []

    running(check())


def test_nobody_works_for_a_reader_who_stops_reading() -> None:
    async def check() -> None:
        turnstile, work = Turnstile(1, 1), Work(100)
        steps = turnstile.steps(Client().http, work)
        work.let(1)
        await anext(steps)
        await steps.aclose()
        work.let()
        await until(lambda: turnstile.inside == 0)
        assert len(work.made) <= 2

    running(check())


def test_work_that_waits_for_a_model_hears_that_its_client_has_gone_and_is_ended() -> None:
    ended: list[bool] = []

    def waiting_for_a_model() -> Iterator[int]:
        try:
            yield 1
            while is_wanted.get()():
                time.sleep(0.005)
            raise Unwanted("Nobody waits.")
        finally:
            ended.append(is_wanted.get()())

    async def check() -> None:
        turnstile, client = Turnstile(1, 0), Client()
        steps = turnstile.steps(client.http, waiting_for_a_model)
        assert await anext(steps) == 1
        assert turnstile.running == 1
        client.gone.set()
        with pytest.raises(ClientGone):
            await anext(steps)
        await until(lambda: turnstile.inside == 0)
        assert ended == [False]

    running(check())


def test_a_slow_reader_holds_no_place() -> None:
    async def check() -> None:
        turnstile, work = Turnstile(1, 0), Work(50)
        work.let()
        steps = turnstile.steps(Client().http, work)
        assert await anext(steps) == 0
        await until(lambda: turnstile.inside == 0)
        assert await turnstile(lambda: "in") == "in"
        assert [step async for step in steps] == list(range(1, 50))

    running(check())


def test_more_body_than_may_be_sent_counts_as_gone() -> None:
    async def refuse() -> Message:
        raise HTTPException(413, "The body is too large.")

    async def check() -> None:
        work = Work()
        http = Request({"type": "http", "method": "GET", "path": "/", "headers": []}, refuse)
        with pytest.raises(ClientGone):
            await Turnstile(1, 0).last(http, work)
        work.let()

    running(check())


def test_the_id_of_the_request_is_known_where_the_work_is_done() -> None:
    def make() -> Iterator[str]:
        yield request_id.get()

    async def check() -> None:
        request_id.set("abc")
        assert await Turnstile(1, 0).last(Client().http, make) == "abc"

    running(check())


def test_many_come_and_go_and_nothing_stays_behind() -> None:
    async def one(turnstile: Turnstile, n: int) -> str:
        client = Client()
        asyncio.get_running_loop().call_later(0.002 * (n % 7), client.gone.set)

        def make() -> Iterator[str]:
            for _ in range(3):
                time.sleep(0.001)
                yield "done"

        try:
            return await turnstile.last(client.http, make)
        except (Busy, ClientGone) as exc:
            return exc.code

    async def check() -> None:
        turnstile = Turnstile(2, 10)
        ended = await asyncio.gather(*(one(turnstile, n) for n in range(60)))
        await until(lambda: turnstile.inside == 0)
        assert {"busy", "client_gone"} <= set(ended) <= {"busy", "client_gone", "done"}

    running(check())
