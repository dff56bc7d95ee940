"""Answers given a moment ago, for whoever asks the same again.

Questions are personal data, and the service promises to keep none. So what is kept of a question is a hash under a key
that nobody has, and its answer is sealed with a key that only the very same question gives: who does not ask it, with
the same history and scope, of the same sites, in the same state of the index, can read neither, also not in the
process's memory. All of it is gone after minutes, also where nobody asks any more.
"""

from __future__ import annotations

import hashlib
import json
import pickle
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from qa.domain import Answer, Question, Timings

__all__ = ["KEPT_S", "Recall", "Recalled"]

KEPT_S: Final = 600.0
_SWEPT_S: Final = 30.0
_MOST_BYTES: Final = 4_000_000
"""Of all that is kept; an answer takes a few thousand, a comparison of a hundred policies a twentieth of it."""


@dataclass(frozen=True, slots=True)
class Recalled:
    """What an answer depends on; it is never kept itself.

    Attributes:
        generation: of the index.
        only: the sites that can be asked about; None for all.
        plain: whether no chat model is to be asked.
    """

    question: Question
    generation: int
    only: frozenset[str] | None
    plain: bool

    def spelt(self) -> bytes:
        """The same for what depends on the same, and different for everything else."""
        asked = self.question
        day = asked.as_of.isoformat() if asked.as_of else None
        only = sorted(self.only) if self.only is not None else None
        parts = [asked.text, asked.history, asked.scope, day, self.generation, only, self.plain]
        return json.dumps(parts).encode("ascii")


@dataclass(frozen=True, slots=True)
class _Kept:
    """A sealed answer; ``salt`` makes every seal another."""

    sealed: bytes
    salt: bytes
    since: float


@dataclass(frozen=True, slots=True)
class _Keys:
    """What an answer is found by, and what it is sealed with."""

    name: bytes
    seal: bytes


class Recall:
    """The last answers; thread-safe.

    Args:
        most: how many are kept.
        clock: seconds that only go forward.
    """

    def __init__(self, most: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._lock = threading.Lock()
        self._secret = secrets.token_bytes(32)
        self._kept: OrderedDict[bytes, _Kept] = OrderedDict()
        self._bytes = 0
        self._sweeper: threading.Thread | None = None
        self._closed = threading.Event()

    def __len__(self) -> int:
        """How many answers are kept."""
        with self._lock:
            return len(self._kept)

    def find(self, asked: Recalled) -> Answer | None:
        """The answer given before, as the answer to this question; it tells that it was not made again."""
        began = time.perf_counter()
        keys = self._keys(asked)
        with self._lock:
            self._drop_old()
            kept = self._kept.get(keys.name)
        if kept is None:
            return None
        answer: Answer = pickle.loads(_mixed(kept.sealed, keys.seal, kept.salt))  # noqa: S301 - our own, in memory
        took_ms = (time.perf_counter() - began) * 1000
        return replace(answer, id=asked.question.id, timings_ms=Timings(total=took_ms, recalled=took_ms))

    def keep(self, asked: Recalled, answer: Answer) -> None:
        """Keeps an answer; not one that a chat model was to give and failed, as it may be back at the next question."""
        if answer.generation is not None and answer.generation.failed is not None:
            return
        keys, salt = self._keys(asked), secrets.token_bytes(16)
        kept = _Kept(_mixed(pickle.dumps(answer), keys.seal, salt), salt, self._clock())
        with self._lock:
            self._drop_old()
            self._drop(keys.name)
            self._kept[keys.name] = kept
            self._bytes += len(kept.sealed)
            while len(self._kept) > self._most or self._bytes > _MOST_BYTES:
                self._drop(next(iter(self._kept)))
            if self._kept and self._sweeper is None and not self._closed.is_set():
                self._sweeper = threading.Thread(target=self._sweep, name="answers", daemon=True)
                self._sweeper.start()

    def close(self) -> None:
        """Forgets everything."""
        self._closed.set()
        with self._lock:
            self._kept.clear()
            self._bytes = 0

    def _keys(self, asked: Recalled) -> _Keys:
        made = hashlib.blake2b(asked.spelt(), key=self._secret, digest_size=64).digest()
        return _Keys(made[:32], made[32:])

    def _drop(self, name: bytes) -> None:
        if kept := self._kept.pop(name, None):
            self._bytes -= len(kept.sealed)

    def _drop_old(self) -> None:
        due = self._clock() - KEPT_S
        while self._kept:
            oldest = next(iter(self._kept))
            if self._kept[oldest].since > due:
                return
            self._drop(oldest)

    def _sweep(self) -> None:
        """Runs as long as anything is kept: what nobody asks for must go as well."""
        while not self._closed.wait(_SWEPT_S):
            with self._lock:
                self._drop_old()
                if not self._kept:
                    self._sweeper = None
                    return


def _mixed(data: bytes, key: bytes, salt: bytes) -> bytes:
    """Data under a stream of bytes that only key and salt give; the same again is the data."""
    stream = hashlib.shake_256(key + salt).digest(len(data))
    return (int.from_bytes(data, "big") ^ int.from_bytes(stream, "big")).to_bytes(len(data), "big")
