"""What spares a chat model that fails, and the purse of whoever pays for it: a circuit breaker and a token budget.

Both are shared by all calls of one model, are thread-safe, and refuse with ``ChatModelFailed`` before anything is sent.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from qa.errors import ChatModelFailed

__all__ = ["Breaker", "Budget", "Call", "Spending", "tokens_of"]

FAILURES = 3
"""So many in a row, and the model is left alone."""
FIRST_REST_S = 15.0
LONGEST_REST_S = 120.0
"""Each rest is twice as long as the one before, up to this."""
CHARS_PER_TOKEN = 4
"""Of English text, in the tokenizers of common models; used only where a server does not count."""


def tokens_of(*texts: str) -> int:
    """About how many tokens these texts have."""
    return sum(len(text) for text in texts) // CHARS_PER_TOKEN + 1


@dataclass(slots=True)
class Call:
    """One call as the breaker sees it.

    Attributes:
        answered: set with the first words that come.
        hurried: it has less time than a call has by itself, so that it says nothing of the model if that is too short.
    """

    answered: bool = False
    hurried: bool = False


class Breaker:
    """Leaves a model alone for a while after it was too slow, or failed several times in a row; then one call tries it.

    Args:
        name: of the model, for the message.
        clock: in seconds; only differences count.
    """

    def __init__(self, name: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._name = name
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._rest_s = FIRST_REST_S
        self._rests_until = 0.0
        self._on_trial = False

    @contextlib.contextmanager
    def calling(self) -> Iterator[Call]:
        """Within this the model is called; how it is left says how the call went.

        A call that nobody waits for any more counts as well done if it was answered, else as none.

        Raises:
            ChatModelFailed: the model is resting, or another call is trying it just now.
        """
        trial = self._enter()
        call = Call()
        try:
            yield call
        except ChatModelFailed as failure:
            slow = failure.reason == "slow"
            # Whoever has waited in vain once is not made to wait again for the next part of the same answer.
            self._leave(trial, went_well=None if slow and call.hurried else False, weight=FAILURES if slow else 1)
            raise
        except BaseException:
            self._leave(trial, went_well=True if call.answered else None)
            raise
        else:
            self._leave(trial, went_well=True)

    def _enter(self) -> bool:
        with self._lock:
            if self._failures < FAILURES:
                return False
            left = self._rests_until - self._clock()
            if left > 0 or self._on_trial:
                soon = f"for {max(1, round(left))} more seconds" if left > 0 else "until it has been tried again"
                raise ChatModelFailed(
                    "resting", f"The chat model {self._name} has failed just now and is left alone {soon}."
                )
            self._on_trial = True
            return True

    def _leave(self, trial: bool, *, went_well: bool | None, weight: int = 1) -> None:
        with self._lock:
            if trial:
                self._on_trial = False
            if went_well:
                self._failures, self._rest_s = 0, FIRST_REST_S
            elif went_well is False:
                before, self._failures = self._failures, self._failures + weight
                if before < FAILURES <= self._failures or trial:
                    self._rests_until = self._clock() + self._rest_s
                    self._rest_s = min(2 * self._rest_s, LONGEST_REST_S)


@dataclass(slots=True)
class Spending:
    """What one call has spent so far, in tokens."""

    tokens: int = 0


class Budget:
    """How many tokens a model may be given and say in a day, which ends at midnight UTC.

    What a call may need at most is set aside before it begins, so that calls at the same time cannot overdraw
    together.

    Args:
        name: of the model, for the message.
        daily: tokens; None for any number.
        clock: seconds since the epoch.
    """

    def __init__(self, name: str, daily: int | None, *, clock: Callable[[], float] = time.time) -> None:
        self._name = name
        self._daily = daily
        self._clock = clock
        self._lock = threading.Lock()
        self._day = dt.date.min
        self._spent = 0
        self._set_aside = 0

    @property
    def spent(self) -> int:
        """Tokens of today."""
        with self._lock:
            self._turn_page()
            return self._spent

    @contextlib.contextmanager
    def spending(self, most: int) -> Iterator[Spending]:
        """Sets so many tokens aside; what is spent in the end is counted.

        Raises:
            ChatModelFailed: there are not so many left today.
        """
        with self._lock:
            self._turn_page()
            if self._daily is not None and self._spent + self._set_aside + most > self._daily:
                raise ChatModelFailed(
                    "budget",
                    f"What is left of today's {self._daily:,} tokens for {self._name} is not enough for another call:"
                    " FINEPRINT_LLM_BUDGET_TOKENS allows more; a new day begins at midnight UTC.",
                )
            self._set_aside += most
        spending = Spending()
        try:
            yield spending
        finally:
            with self._lock:
                self._turn_page()
                self._set_aside -= most
                self._spent += spending.tokens

    def _turn_page(self) -> None:
        today = dt.datetime.fromtimestamp(self._clock(), dt.UTC).date()
        if today != self._day:
            self._day, self._spent = today, 0
