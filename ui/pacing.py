"""Steps that are long in coming, so that whoever takes them can be stopped between two of them."""

from __future__ import annotations

import contextlib
import contextvars
import queue
import threading
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Final, TypeVar

from qa.talking import is_wanted

__all__ = ["paced"]

T = TypeVar("T")

EVERY_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class _End:
    """After the last step; ``error`` is what kept further ones from being made."""

    error: Exception | None = None


def paced(make: Callable[[], Iterator[T]], *, every_s: float = EVERY_S) -> Generator[T | None, None, None]:
    """Steps as they come, made in a thread of their own, and None after so long without one.

    When it is closed, what waits for a chat model gives up (``qa.talking.is_wanted``).

    Args:
        make: makes the steps; called in the thread.
        every_s: seconds.
    """
    steps: queue.SimpleQueue[T | _End] = queue.SimpleQueue()
    left = threading.Event()

    def run() -> None:
        is_wanted.set(lambda: not left.is_set())
        try:
            made = make()
            with contextlib.ExitStack() as ending:
                if isinstance(made, Generator):
                    ending.callback(made.close)
                for step in made:
                    steps.put(step)
                    if left.is_set():
                        return
        except Exception as exc:  # raised again where the steps are taken
            steps.put(_End(exc))
        else:
            steps.put(_End())

    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(run,), name="answering", daemon=True).start()
    try:
        while True:
            try:
                step = steps.get(timeout=every_s)
            except queue.Empty:
                yield None
                continue
            if isinstance(step, _End):
                if step.error:
                    raise step.error
                return
            yield step
    finally:
        left.set()
