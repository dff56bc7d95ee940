from __future__ import annotations

import asyncio
import re

import pytest
from pydantic import SecretStr

from qa.errors import InvalidSettings
from qa.settings import Settings
from ui.access import Caller
from ui.limiting import MOST_COUNTED, Allowance, RateLimits, costs

OUTSIDE = Caller("203.0.113.7")


def taken(limits: RateLimits, caller: Caller, times: int) -> list[Allowance | None]:
    async def take() -> list[Allowance | None]:
        return [await limits.take(caller) for _ in range(times)]

    return asyncio.run(take())


def refused(found: list[Allowance | None]) -> int:
    return sum(each is not None and not each.allowed for each in found)


def limiting(rate_limit: str | None) -> RateLimits:
    return RateLimits(Settings(rate_limit=rate_limit))


def test_this_machine_is_not_limited_unless_that_is_set_and_others_are() -> None:
    limits = limiting(None)
    for local in ("127.0.0.1", "::1", "", "testclient"):
        assert set(taken(limits, Caller(local), 200)) == {None}
    assert refused(taken(limits, OUTSIDE, 130)) == 10
    assert refused(taken(limiting("3/minute"), Caller("127.0.0.1"), 5)) == 2
    assert set(taken(limiting("off"), OUTSIDE, 200)) == {None}


def test_each_client_and_each_key_is_counted_for_itself() -> None:
    limits = limiting("3/minute")
    assert refused(taken(limits, OUTSIDE, 5)) == 2
    assert refused(taken(limits, Caller("203.0.113.8"), 3)) == 0
    assert refused(taken(limits, Caller("203.0.113.7", key="shop"), 3)) == 0
    assert refused(taken(limits, Caller("203.0.113.99", key="shop"), 1)) == 1


def test_a_client_with_many_addresses_of_ipv6_is_one_client() -> None:
    limits = limiting("3/minute")
    addresses = [f"2001:db8:1:2:{n:x}::1" for n in range(5)]
    assert sum(refused(taken(limits, Caller(each), 1)) for each in addresses) == 2
    assert refused(taken(limits, Caller("2001:db8:1:3::1"), 1)) == 0
    assert refused(taken(limits, Caller("::ffff:203.0.113.7"), 3) + taken(limits, OUTSIDE, 1)) == 1


def test_what_is_left_is_said_in_headers() -> None:
    limits = limiting("2/second; 3/minute")
    first, _, third = taken(limits, OUTSIDE, 3)
    assert first is not None
    assert third is not None
    assert first.headers["RateLimit-Policy"] == '"2-in-1s";q=2;w=1, "3-in-60s";q=3;w=60'
    assert re.fullmatch(r'"2-in-1s";r=1;t=1', first.headers["RateLimit"])
    assert "Retry-After" not in first.headers
    assert not third.allowed
    assert 1 <= int(third.headers["Retry-After"]) <= 80


def test_who_waits_as_long_as_was_said_is_let_in_again() -> None:
    limits = limiting("2/second")
    *_, last = taken(limits, OUTSIDE, 3)
    assert last is not None
    assert not last.allowed

    async def waited() -> Allowance | None:
        await asyncio.sleep(last.wait_s)
        return await limits.take(OUTSIDE)

    again = asyncio.run(waited())
    assert again is not None
    assert again.allowed


def test_many_addresses_do_not_fill_the_memory_and_are_limited_even_so() -> None:
    limits = limiting("3/hour")
    found = [each for n in range(MOST_COUNTED + 4_000) for each in taken_here(limits, n)]
    assert len(limits._memory.storage) <= MOST_COUNTED + 1_100
    assert refused(found) > 1_000


def taken_here(limits: RateLimits, n: int) -> list[Allowance | None]:
    """Without an event loop for each: what counts in memory never waits."""
    call = limits.take(Caller(f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}"))
    try:
        call.send(None)
    except StopIteration as done:
        return [done.value]
    raise AssertionError("it waited")


def test_a_storage_that_is_none_is_said_without_its_password() -> None:
    for address in ("foo://:secret@host", "secret"):
        with pytest.raises(InvalidSettings, match="redis://") as failed:
            RateLimits(Settings(rate_limit_storage=SecretStr(address)))
        assert "secret" not in str(failed.value)


def test_a_shared_storage_counts_for_all_and_is_done_without_when_it_fails(caplog: pytest.LogCaptureFixture) -> None:
    limits = RateLimits(Settings(rate_limit="3/minute", rate_limit_storage=SecretStr("memory://")))
    assert refused(taken(limits, OUTSIDE, 4)) == 1
    assert limits._shared is not None

    class Broken:
        def test(self, *_: object) -> bool:
            raise ConnectionError("redis://:secret@host")

    limits._shared = Broken()  # type: ignore[assignment]
    assert refused(taken(limits, OUTSIDE, 4)) == 1
    assert "ConnectionError" in caplog.text
    assert "secret" not in caplog.text
    assert len(caplog.records) == 1  # it is left alone for a while


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/v1/ask"), ("POST", "/api/v1/feedback"), ("GET", "/api/v1/compare"),
        ("GET", "/api/v1/policies/x/label"), ("GET", "/api/v1/policies/x/changes"), ("POST", "/v1/chat/completions"),
        ("POST", "/mcp"), ("POST", "/own/add"), ("GET", "/view/policy/x"), ("POST", "/gradio_api/queue/join"),
        ("POST", "/gradio_api/run/predict"),
    ],
)  # fmt: skip
def test_what_makes_the_service_work_is_counted(method: str, path: str) -> None:
    assert costs(method, path)


@pytest.mark.parametrize(
    "path", ["/", "/healthz", "/api/v1/policies", "/api/v1/policies/x", "/widget/v1.js", "/assets/x"]
)
def test_what_is_only_read_is_not(path: str) -> None:
    assert not costs("GET", path)
