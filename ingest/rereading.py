"""Pages of the web read again on a schedule, for as long as somebody wants it.

A round reads what is due, one page after the other. Times are taken from a clock that only grows and goes on while the
machine sleeps, so that setting the time of day neither hurries a round nor keeps it waiting.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import random
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Final

from ingest.parsing import Hints
from ingest.pipeline import Report, Taken, ingest_addresses
from ingest.web import Reader
from qa.encoders import TextEncoder, open_encoder
from qa.errors import IndexLocked, IndexProblem, IndexUnwritable, UsageError
from qa.settings import Settings

__all__ = ["EVERY_S", "Round", "parse_interval", "rounds"]

EVERY_S: Final = 86_400.0
"""Policies change some times a year; once a day finds a change early enough."""

SHORTEST_S: Final = 300.0
LONGEST_S: Final = 90 * 86_400.0
MOST_ROUNDS: Final = 8
"""A page that cannot be read twice running is left out of 1, then 3, then 7 rounds: of seven in eight at most."""

AGAIN_S: Final = 600.0
"""When a round is held again that the index did not let through."""

_JITTER: Final = 0.1
_SLICE_S: Final = 30.0
_INTERVAL: Final = re.compile(r"(?:(\d{1,5})d)?(?:(\d{1,5})h)?(?:(\d{1,6})m(?:in)?)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Round:
    """What came of one round.

    Attributes:
        ended: when, in UTC.
        report: of the pages that were read.
        new: the policies that were added or replaced.
        problem: why the index did not take them; "" where it did.
        next_s: seconds until the next round.
    """

    ended: dt.datetime
    report: Report
    new: tuple[Taken, ...]
    problem: str
    next_s: float


def parse_interval(text: str) -> float:
    """The seconds that an interval such as ``30m``, ``6h``, ``1d12h`` means.

    Raises:
        UsageError: it is none, or too short or too long.
    """
    match = _INTERVAL.fullmatch(text.strip().lower())
    days, hours, minutes = (int(part or 0) for part in match.groups()) if match and text.strip() else (0, 0, 0)
    seconds = 86_400.0 * days + 3_600.0 * hours + 60.0 * minutes
    if not SHORTEST_S <= seconds <= LONGEST_S:
        raise UsageError(
            f"{text[:40]!r} is no interval to read pages at. Write e.g. 6h, 1d or 1d12h; from 5m to 90d are possible."
        )
    return seconds


def growing_seconds() -> float:
    """A clock that is never set, and goes on while the machine sleeps where the system has one."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


def rounds(
    addresses: Sequence[str],
    settings: Settings,
    stop: threading.Event,
    *,
    every_s: float = EVERY_S,
    hints: Hints | None = None,
    encoder: TextEncoder | None = None,
    reader: Reader | None = None,
    clock: Callable[[], float] = growing_seconds,
    wait: Callable[[float], object] | None = None,
    jitter: Callable[[], float] = random.random,
) -> Iterator[Round]:
    """Reads pages now and then again and again, until ``stop`` is set; a page that is being read is finished.

    Args:
        addresses: as ``address_of`` gives them.
        settings: where the index is.
        stop: ends it.
        every_s: from the end of one round to the next, give or take a tenth, so that not everybody asks at once.
        hints: facts that win over what a page says of itself.
        encoder: makes the vectors.
        reader: reads the pages.
        clock: seconds that only grow.
        wait: lets at most so many seconds go by, fewer when it is stopped.
        jitter: a number in [0, 1).

    Raises:
        IndexLocked: the pages of this index are being read again by another process.
        IndexUnwritable: the folder of the index cannot be made.
    """
    wait = wait or stop.wait
    reader = reader or Reader(wait=wait, clock=clock)
    encoder = encoder or open_encoder(settings, bulk=False)
    failures = dict.fromkeys(addresses, 0)
    left_out = dict.fromkeys(addresses, 0)
    with _alone(settings.index):
        while not stop.is_set():
            due = [address for address in failures if not left_out[address]]
            left_out = {address: max(0, left - 1) for address, left in left_out.items()}
            taken: list[Taken] = []
            report, problem = Report(), ""
            try:
                report = ingest_addresses(
                    takewhile(lambda _: not stop.is_set(), due),
                    settings,
                    hints=hints,
                    encoder=encoder,
                    reader=reader,
                    on_taken=taken.append,
                )
            except IndexProblem as exc:
                problem = str(exc)
            refused = {refusal.name for refusal in report.refused}
            for address in due:
                failures[address] = failures[address] + 1 if address in refused else 0
                left_out[address] = min(2 ** max(0, failures[address] - 1), MOST_ROUNDS) - 1
            pause = min(every_s, AGAIN_S) if problem else every_s * (1 + _JITTER * (2 * jitter() - 1))
            if due:
                new = tuple(each for each in taken if each.outcome != "unchanged")
                yield Round(dt.datetime.now(tz=dt.UTC), report, () if problem else new, problem, pause)
            until = clock() + pause
            while not stop.is_set() and (left := until - clock()) > 0:
                wait(min(left, _SLICE_S))


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One process at a time reads the pages of an index again; the system releases the lock, however a process ends."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / "watch.lock").open("w")
    except OSError as exc:
        raise IndexUnwritable(f"{folder} cannot be written: {exc.strerror}. Choose another one with --index.") from exc
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise IndexLocked(
                f"Another process reads the pages of {folder} again and again: end that one, or name all pages there."
            ) from None
        yield
