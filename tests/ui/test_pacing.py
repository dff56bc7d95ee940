from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from qa.errors import UsageError
from qa.talking import is_wanted
from ui.pacing import paced


def test_steps_come_in_order_and_nothing_is_said_between_quick_ones() -> None:
    assert list(paced(lambda: iter((1, 2, 3)))) == [1, 2, 3]


def test_while_a_step_is_long_in_coming_there_are_signs_of_life() -> None:
    go = threading.Event()

    def slow() -> Iterator[int]:
        go.wait(10)
        yield 1

    steps = paced(slow, every_s=0.01)
    assert [next(steps), next(steps)] == [None, None]
    go.set()
    assert [step for step in steps if step is not None] == [1]


def test_what_goes_wrong_is_raised_where_the_steps_are_taken() -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise UsageError("No.")

    steps = paced(broken)
    assert next(steps) == 1
    with pytest.raises(UsageError, match="No"):
        next(steps)


def test_once_nobody_takes_steps_whoever_makes_them_hears_of_it_and_is_ended() -> None:
    heard, ended = threading.Event(), threading.Event()

    def endless() -> Iterator[int]:
        try:
            while is_wanted.get()():
                yield 1
                ended.wait(0.005)
            heard.set()
        finally:
            ended.set()

    steps = paced(endless)
    assert next(steps) == 1
    assert not ended.is_set()
    steps.close()
    assert ended.wait(10)
    assert is_wanted.get()()  # elsewhere nothing has changed
