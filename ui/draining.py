"""The way out: what runs ends by itself, what only waits is ended, and nothing new begins."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

__all__ = ["Drain"]


class Drain:
    """Knows what runs, and whether the service is about to stop. Used from its event loop only."""

    def __init__(self) -> None:
        self._begun = False
        self._running = 0
        self._waiting: set[Callable[[], None]] = set()

    @property
    def begun(self) -> bool:
        """Whether the service is about to stop."""
        return self._begun

    @property
    def running(self) -> int:
        """How many requests are being worked for."""
        return self._running

    def begin(self) -> None:
        """Ends what only waits; a second time does nothing."""
        self._begun = True
        while self._waiting:
            self._waiting.pop()()

    @contextlib.contextmanager
    def work(self) -> Iterator[None]:
        """Around what has to end by itself."""
        self._running += 1
        try:
            yield
        finally:
            self._running -= 1

    @contextlib.contextmanager
    def waits(self, end: Callable[[], None]) -> Iterator[None]:
        """Around what would go on for as long as its client stays.

        Args:
            end: ends it.
        """
        if self._begun:
            end()
        self._waiting.add(end)
        try:
            yield
        finally:
            self._waiting.discard(end)
