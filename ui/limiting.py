"""How often somebody may ask: sliding windows for each client and each key, counted here or in a shared storage."""

from __future__ import annotations

import ipaddress
import logging
import math
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

import anyio.to_thread
from limits import RateLimitItem, parse_many
from limits.errors import ConfigurationError
from limits.storage import MemoryStorage, Storage, storage_from_string
from limits.strategies import SlidingWindowCounterRateLimiter

from qa.errors import InvalidSettings
from qa.settings import Settings
from ui.access import Caller, is_loopback

__all__ = ["Allowance", "RateLimits", "costs"]

logger = logging.getLogger(__name__)

DEFAULT: Final = "120/minute"
"""For clients other than this machine itself, where nothing is set."""

MOST_COUNTED: Final = 10_000
"""Counters kept in memory; above, clients share some, so that many addresses cannot fill it."""

CROWDS: Final = 512
ANSWERS_WITHIN_S: Final = 1
"""A shared storage that takes longer is left alone for a while."""

LEFT_ALONE_S: Final = 10.0
_COSTLY_READS: Final = ("/changes", "/label")


def costs(method: str, path: str) -> bool:
    """Whether a request makes the service work: answers, comparisons, labels, policies that readers bring, feedback."""
    if method == "POST":
        return path == "/mcp" or path.startswith(
            ("/api/", "/v1/", "/mcp/", "/own/", "/view/", "/gradio_api/queue/join", "/gradio_api/run/")
        )
    if path == "/api/v1/compare" or path.startswith("/view/"):
        return True
    return path.startswith("/api/v1/policies/") and path.endswith(_COSTLY_READS)


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left to a caller after a request.

    Attributes:
        allowed: whether this request may be answered.
        policy: the limits, as the header ``RateLimit-Policy`` has them.
        left: the limit that is nearest to its end, as the header ``RateLimit`` has it.
        wait_s: after so many seconds asking again is worthwhile; 0 where it is already.
    """

    allowed: bool
    policy: str
    left: str
    wait_s: int

    @property
    def headers(self) -> dict[str, str]:
        """The headers of a response (draft-ietf-httpapi-ratelimit-headers-10)."""
        headers = {"RateLimit-Policy": self.policy, "RateLimit": self.left}
        return headers if self.allowed else {**headers, "Retry-After": str(self.wait_s)}


class RateLimits:
    """Counts requests.

    Args:
        settings: the limits, and where they are counted.
        clock: seconds since the epoch.

    Raises:
        InvalidSettings: the shared storage is none that can be used.
    """

    def __init__(self, settings: Settings, *, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._for_loopback = settings.rate_limit is not None
        self._items = [] if settings.rate_limit == "off" else parse_many(settings.rate_limit or DEFAULT)
        self._memory = MemoryStorage()
        self._here = SlidingWindowCounterRateLimiter(self._memory)
        shared = settings.rate_limit_storage
        self._shared = SlidingWindowCounterRateLimiter(_storage(shared.get_secret_value())) if shared else None
        self._alone_until = 0.0

    async def take(self, caller: Caller) -> Allowance | None:
        """Counts one request of somebody; None where nothing is counted.

        The shared storage may fail: then this process counts for itself, rather than that nobody is answered.
        """
        if not self._items or not (self._for_loopback or _from_outside(caller.client)):
            return None
        who = f"key {caller.key}" if caller.key else f"client {_network(caller.client)}"
        if self._shared and self._clock() >= self._alone_until:
            try:
                return await anyio.to_thread.run_sync(partial(self._take, self._shared, who))
            except Exception as exc:  # whatever the storage's own library raises
                self._alone_until = self._clock() + LEFT_ALONE_S
                logger.warning("rate limits are counted in this process only: %s", type(exc).__name__)
        if len(self._memory.storage) >= MOST_COUNTED:
            who = f"crowd {zlib.crc32(who.encode()) % CROWDS}"
        return self._take(self._here, who)

    def _take(self, limiter: SlidingWindowCounterRateLimiter, who: str) -> Allowance:
        # A refused request is not counted, so that asking again and again does not keep anybody out for ever.
        allowed = all(limiter.test(item, who) for item in self._items)
        if allowed:
            for item in self._items:
                limiter.hit(item, who)
        now = self._clock()
        stats = [(item, limiter.get_window_stats(item, who)) for item in self._items]
        item, nearest = min(stats, key=lambda each: (each[1].remaining, -each[0].get_expiry()))
        # When the window has slid on, the next place is free only after one request's share of it.
        share_s = 0 if allowed else item.get_expiry() / item.amount
        wait_s = max(1, math.ceil(nearest.reset_time - now + share_s))
        left = f'"{_name(item)}";r={max(0, nearest.remaining)};t={wait_s}'
        policy = ", ".join(f'"{_name(each)}";q={each.amount};w={each.get_expiry()}' for each in self._items)
        return Allowance(allowed, policy, left, 0 if allowed else wait_s)


def _name(item: RateLimitItem) -> str:
    return f"{item.amount}-in-{item.get_expiry()}s"


def _storage(address: str) -> Storage:
    try:
        storage = storage_from_string(address, socket_timeout=ANSWERS_WITHIN_S, socket_connect_timeout=ANSWERS_WITHIN_S)
    except (ConfigurationError, ValueError) as exc:
        # What was given may hold a password, and is not repeated.
        reason = "its Python package is not installed" if "prerequisite" in str(exc) else "it is no known storage"
        raise InvalidSettings(
            f"FINEPRINT_RATE_LIMIT_STORAGE cannot be used: {reason}. Give e.g. redis://host:6379/0; it needs `redis`."
        ) from None
    assert isinstance(storage, Storage)
    return storage


def _from_outside(client: str) -> bool:
    """Whether a client is another machine; what has no address is a process of this one (a socket file, a test)."""
    try:
        ipaddress.ip_address(client)
    except ValueError:
        return False
    return not is_loopback(client)


def _network(client: str) -> str:
    """A client as it is counted: one who has an IPv6 address has 2^64 of them."""
    try:
        address = ipaddress.ip_address(client)
    except ValueError:
        return client[:64]
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((int(address) >> 64 << 64, 64)))
    return str(address)
