from __future__ import annotations

import threading
import time

import pytest

from qa.domain import Question
from qa.errors import IndexMissing
from tests.ui.fakes import PreparedAnswers
from ui.live import LiveAnswers, Warmth


class Opening:
    """Opens a service once there is an index; counts its attempts."""

    def __init__(self, answers: PreparedAnswers) -> None:
        self.answers = answers
        self.there = False
        self.attempts = 0

    def __call__(self) -> PreparedAnswers:
        self.attempts += 1
        if not self.there:
            raise IndexMissing("Run `fineprint ingest`.")
        return self.answers


def test_without_an_index_it_says_so_and_answers_as_soon_as_there_is_one(answers: PreparedAnswers) -> None:
    opening = Opening(answers)
    live = LiveAnswers(opening)
    for call in (live.cards, live.warm_up, lambda: live.ask(Question("x")), lambda: live.policy("x")):
        with pytest.raises(IndexMissing):
            call()
    opening.there = True
    assert len(live.cards()) == 4
    assert live.policy("perriconemd.com").policy.company == "Perricone MD"
    assert live.ask(Question("does Perricone MD share my data?")).citations
    assert opening.attempts == 5  # four in vain, and one for all that followed


def test_closing_closes_what_was_opened_and_only_that(answers: PreparedAnswers) -> None:
    opening = Opening(answers)
    live = LiveAnswers(opening)
    live.close()
    assert answers.closed == 0
    opening.there = True
    live.warm_up()
    live.close()
    assert answers.closed == 1


def test_many_threads_open_one_service(answers: PreparedAnswers) -> None:
    opening = Opening(answers)
    opening.there = True
    live = LiveAnswers(opening)
    threads = [threading.Thread(target=live.cards) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert opening.attempts == 1


def test_warming_up_tries_again_until_there_is_an_index(answers: PreparedAnswers) -> None:
    answers.problem = IndexMissing("not yet")
    warmth = Warmth(answers, pause_s=0.01)
    warmth.start()
    time.sleep(0.05)
    assert not warmth.warm
    answers.problem = None
    deadline = time.monotonic() + 30
    while not warmth.warm and time.monotonic() < deadline:
        time.sleep(0.01)
    assert warmth.warm
    warmth.stop()
    assert answers.warmed == 1


def test_stopping_ends_the_attempts(answers: PreparedAnswers) -> None:
    answers.problem = IndexMissing("never")
    warmth = Warmth(answers, pause_s=60)
    others = set(threading.enumerate())
    warmth.start()
    started = time.monotonic()
    warmth.stop()
    assert time.monotonic() - started < 4
    assert not any(thread.name == "warm-up" for thread in set(threading.enumerate()) - others)
