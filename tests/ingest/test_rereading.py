from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ingest.origin import Source, Unread
from ingest.parsing import Hints
from ingest.pipeline import manifest_of
from ingest.rereading import AGAIN_S, EVERY_S, Round, growing_seconds, parse_interval, rounds
from ingest.screening import Reason
from ingest.web import Page, Reader, Remembered, Unchanged
from qa.encoders import HashingEncoder
from qa.errors import IndexLocked, PolicyRefused, UsageError
from qa.library import Library, Manifest
from qa.settings import Settings
from tests.ingest.making import POLICY

GOOD, BAD = "https://good.example/privacy", "https://bad.example/privacy"
DAY = dt.date(2024, 5, 31)


class PreparedReader(Reader):
    """Reads no web: a page is bad, or what it is told to be."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.bad: tuple[str, ...] = (BAD,)
        self.finds: Callable[[str], Page | Unchanged] = lambda address: Unchanged(address, "here", "good.example@2024")
        self.on_read: Callable[[], object] = lambda: None

    def read(
        self, address: str, known: Remembered | None = None, *, as_of: dt.date | None = None
    ) -> Page | Unchanged | Unread:
        self.asked.append(address)
        self.on_read()
        if address in self.bad:
            return Unread(address, PolicyRefused(Reason.NOT_FOUND, "There is no page at this address (404). Check it."))
        return self.finds(address)


class Clock:
    """Time goes by only where it is waited for, and jumps where it is told to."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waits: list[float] = []

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


@pytest.fixture
def reader() -> PreparedReader:
    return PreparedReader()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(index=tmp_path / "index", cache=tmp_path / "cache")


@pytest.fixture
def watch(reader: PreparedReader, settings: Settings) -> Callable[..., Iterator[Round]]:
    def started(*addresses: str, stop: threading.Event | None = None, **more: object) -> Iterator[Round]:
        clock = Clock()
        chosen = {
            "reader": reader, "encoder": HashingEncoder(), "clock": clock, "wait": clock.wait, "jitter": lambda: 0.5,
            **more,
        }  # fmt: skip
        return rounds(addresses or (GOOD,), settings, stop or threading.Event(), **chosen)  # type: ignore[arg-type]

    return started


Watch = Callable[..., Iterator[Round]]


def new_page(address: str) -> Page:
    site = address.split("/")[2]
    return Page(Source(address, POLICY.encode(), ".md"), Hints(site, DAY, None, address), site, "00")


# --- intervals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("5m", 300), ("30min", 1_800), ("6h", 21_600), ("1d", EVERY_S), (" 1D12H ", 129_600), ("90d", 7_776_000)],
)
def test_an_interval_is_written_in_days_hours_and_minutes(text: str, seconds: float) -> None:
    assert parse_interval(text) == seconds


@pytest.mark.parametrize(
    "text", ["", " ", "soon", "4m", "91d", "0h", "-6h", "6", "6h!", "h", "1h1d", "9" * 9 + "d", "٦h"]
)
def test_what_is_no_interval_is_said(text: str) -> None:
    with pytest.raises(UsageError, match="is no interval"):
        parse_interval(text)


# --- rounds -----------------------------------------------------------------------------------------------------------


def test_pages_are_read_at_once_and_then_once_an_interval(watch: Watch, reader: PreparedReader) -> None:
    clock = Clock()
    seen = watch(GOOD, "https://other.example/", every_s=3_600, clock=clock, wait=clock.wait)
    assert [next(seen).report.unchanged for _ in range(3)] == [2, 2, 2]
    assert clock.now == 7_200
    assert reader.asked == [GOOD, "https://other.example/"] * 3


@pytest.mark.parametrize(("drawn", "pause"), [(0.0, 900.0), (0.5, 1_000.0), (0.999999, 1_100.0)])
def test_rounds_are_a_tenth_earlier_or_later_at_most(watch: Watch, drawn: float, pause: float) -> None:
    assert next(watch(every_s=1_000, jitter=lambda: drawn)).next_s == pytest.approx(pause, abs=0.01)


def test_a_page_that_cannot_be_read_is_asked_for_less_and_less_often_and_then_as_before(
    watch: Watch, reader: PreparedReader
) -> None:
    seen = watch(GOOD, BAD)
    in_rounds = [len(next(seen).report.refused) for _ in range(24)]
    # once may be chance; then left out of one round, of three, and of seven each time
    assert [n for n, refused in enumerate(in_rounds) if refused] == [0, 1, 3, 7, 15, 23]
    assert reader.asked.count(GOOD) == 24


def test_a_page_that_can_be_read_again_is_in_every_round_again(watch: Watch, reader: PreparedReader) -> None:
    seen = watch(GOOD, BAD)
    reports = [next(seen).report for _ in range(3)]
    assert [len(report.refused) for report in reports] == [1, 1, 0]  # it was left out of the third
    reader.bad = ()
    assert [next(seen).report.unchanged for _ in range(3)] == [2, 2, 2]


def test_where_no_page_is_due_nothing_is_told_and_the_next_round_is_waited_for(watch: Watch) -> None:
    clock = Clock()
    seen = watch(BAD, every_s=1_000, clock=clock, wait=clock.wait)
    times = []
    for _ in range(3):
        next(seen)
        times.append(clock.now)
    assert times == [0, 1_000, 3_000]


def test_new_policies_are_stored_and_told(watch: Watch, reader: PreparedReader, settings: Settings) -> None:
    reader.finds = new_page
    done = next(watch())
    assert [(each.policy_id, each.outcome) for each in done.new] == [("good.example@2024-05-31", "added")]
    assert (done.report.added, done.problem) == (1, "")
    with Library.open(settings.index) as library:
        assert set(library.hashes()) == {"good.example@2024-05-31"}


def test_what_the_index_does_not_take_is_read_again_soon(
    watch: Watch, reader: PreparedReader, settings: Settings
) -> None:
    reader.finds = new_page
    with Library.open_for_writing(settings.index, Manifest("another", "x", 3, "y")):
        pass
    done = next(watch())
    assert "was made differently" in done.problem
    assert (done.new, done.next_s) == ((), AGAIN_S)


def test_one_watch_is_enough_for_an_index_and_leaves_it_free_for_others(watch: Watch, settings: Settings) -> None:
    first = watch()
    next(first)
    with pytest.raises(IndexLocked, match="Another process"):
        next(watch())
    Library.open_for_writing(settings.index, manifest_of(HashingEncoder())).close()
    first.close()  # type: ignore[attr-defined]
    next(watch())


# --- its end ----------------------------------------------------------------------------------------------------------


def test_it_ends_at_once_while_it_waits(watch: Watch) -> None:
    stop = threading.Event()
    clock = Clock()

    def wait(seconds: float) -> None:
        clock.wait(seconds)
        stop.set()

    seen = watch(stop=stop, clock=clock, wait=wait)
    assert len(list(seen)) == 1
    assert len(clock.waits) == 1


def test_it_ends_between_two_pages_and_keeps_what_was_read(watch: Watch, reader: PreparedReader) -> None:
    stop = threading.Event()
    reader.on_read = stop.set
    (done,) = list(watch(GOOD, "https://other.example/", stop=stop))
    assert (done.report.unchanged, reader.asked) == (1, [GOOD])


def test_it_is_never_waited_for_longer_than_a_moment_at_once(watch: Watch) -> None:
    clock = Clock()
    seen = watch(clock=clock, wait=clock.wait)
    next(seen)
    next(seen)
    assert max(clock.waits) <= 30  # else a machine that slept would sleep on
    assert clock.now == EVERY_S


def test_a_clock_that_went_on_while_the_machine_slept_makes_the_round_due(watch: Watch, reader: PreparedReader) -> None:
    clock = Clock()

    def wait(seconds: float) -> None:
        clock.wait(seconds)
        clock.now += 2 * EVERY_S

    seen = watch(clock=clock, wait=wait)
    next(seen)
    next(seen)
    assert (len(clock.waits), len(reader.asked)) == (1, 2)


def test_the_clock_grows() -> None:
    assert growing_seconds() <= growing_seconds()
