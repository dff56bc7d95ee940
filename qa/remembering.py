"""What is worked out of a policy once, and kept no longer than the policy itself.

A cache that is keyed by a text keeps the text. A reader's own policy must be gone when it is let go of, so what is
remembered of a policy hangs on the policy.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from qa.domain import IndexedPolicy

__all__ = ["Remembered"]

T = TypeVar("T")


class Remembered(Generic[T]):
    """Makes something of each policy when it is first asked for; thread-safe.

    Args:
        make: makes it; what it gives must not hold the policy.
    """

    def __init__(self, make: Callable[[IndexedPolicy], T]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._made: WeakKeyDictionary[IndexedPolicy, T] = WeakKeyDictionary()

    def of(self, source: IndexedPolicy) -> T:
        """What was made of a policy."""
        with self._lock:
            if source in self._made:
                return self._made[source]
        made = self._make(source)
        with self._lock:
            self._made[source] = made
        return made
