from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from qa.errors import ChatModelFailed
from qa.sparing import FAILURES, FIRST_REST_S, LONGEST_REST_S, Breaker, Budget, tokens_of

DAY_S = 86_400


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def fail(breaker: Breaker, times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(ChatModelFailed, match="down"), breaker.calling():
            raise ChatModelFailed("unreachable", "down")


def give_up(breaker: Breaker, *, answered: bool) -> None:
    with contextlib.suppress(GeneratorExit), breaker.calling() as call:
        call.answered = answered
        raise GeneratorExit


def is_resting(breaker: Breaker) -> bool:
    try:
        with breaker.calling():
            return False
    except ChatModelFailed as failure:
        return failure.reason == "resting"


def test_a_model_that_fails_again_and_again_is_left_alone_for_a_while_and_then_tried_once(clock: Clock) -> None:
    breaker = Breaker("ollama:tiny", clock=clock)
    fail(breaker, FAILURES)
    with pytest.raises(ChatModelFailed, match="left alone for 15 more seconds"), breaker.calling():
        pass
    clock.now += FIRST_REST_S
    with breaker.calling(), pytest.raises(ChatModelFailed, match="until it has been tried again"), breaker.calling():
        pass  # while one call tries it, no other does
    assert not is_resting(breaker)


def test_each_rest_is_longer_than_the_one_before_up_to_a_bound(clock: Clock) -> None:
    breaker = Breaker("ollama:tiny", clock=clock)
    fail(breaker, FAILURES)
    for rest_s in (FIRST_REST_S, 30, 60, LONGEST_REST_S, LONGEST_REST_S):
        clock.now += rest_s - 1
        assert is_resting(breaker)
        clock.now += 1
        fail(breaker)


def test_a_model_that_was_waited_for_in_vain_is_left_alone_at_once(clock: Clock) -> None:
    breaker = Breaker("ollama:tiny", clock=clock)
    with contextlib.suppress(ChatModelFailed), breaker.calling():
        raise ChatModelFailed("slow", "said nothing")
    assert is_resting(breaker)
    clock.now += FIRST_REST_S
    assert not is_resting(breaker)


def test_a_call_that_had_less_time_than_others_have_says_nothing_by_being_too_slow(clock: Clock) -> None:
    breaker = Breaker("ollama:tiny", clock=clock)
    for _ in range(FAILURES):
        with contextlib.suppress(ChatModelFailed), breaker.calling() as call:
            call.hurried = True
            raise ChatModelFailed("slow", "had no time")
    assert not is_resting(breaker)


def test_a_success_between_failures_begins_the_count_anew(clock: Clock) -> None:
    breaker = Breaker("ollama:tiny", clock=clock)
    for _ in range(3):
        fail(breaker, FAILURES - 1)
        assert not is_resting(breaker)


def test_a_call_that_is_given_up_says_nothing_unless_it_was_answered(clock: Clock) -> None:
    breaker = Breaker("ollama:tiny", clock=clock)
    fail(breaker, FAILURES)
    clock.now += FIRST_REST_S
    give_up(breaker, answered=False)  # the next one may try
    give_up(breaker, answered=True)
    fail(breaker, FAILURES - 1)
    assert not is_resting(breaker)


def test_what_all_calls_of_a_day_may_spend_is_bounded_and_a_new_day_begins_anew(clock: Clock) -> None:
    budget = Budget("ollama:tiny", 1_000, clock=clock)
    with budget.spending(600) as spending:
        spending.tokens = 450
    with pytest.raises(ChatModelFailed, match="today's 1,000 tokens for ollama:tiny") as failure, budget.spending(600):
        pass
    assert failure.value.reason == "budget"
    with budget.spending(550):
        pass
    clock.now += DAY_S
    with budget.spending(1_000):
        pass
    assert budget.spent == 0


def test_calls_at_the_same_time_do_not_overdraw_together(clock: Clock) -> None:
    budget, together = Budget("ollama:tiny", 1_000, clock=clock), Barrier(8)

    def call(_: int) -> bool:
        together.wait(10)
        try:
            with budget.spending(300) as spending:
                together.wait(10)
                spending.tokens = 300
        except ChatModelFailed:
            together.wait(10)
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(call, range(8))) == 3
    assert budget.spent == 900


def test_without_a_limit_everything_is_still_counted(clock: Clock) -> None:
    budget = Budget("ollama:tiny", None, clock=clock)
    with budget.spending(10**9) as spending:
        spending.tokens = 77
    assert budget.spent == 77


def test_tokens_are_estimated_from_the_length_of_the_texts() -> None:
    assert tokens_of("") == 1
    assert 200 <= tokens_of("word " * 100, "word " * 100) <= 300
