"""What the stages need of a chat model; ``qa.chatmodel`` has the real ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol

is_wanted: ContextVar[Callable[[], bool]] = ContextVar("is_wanted", default=lambda: True)
"""Whether somebody still waits for the answer that is being made. Models that are waited for ask it now and then, and
raise ``qa.errors.Unwanted`` where nobody does."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call, as the model's server counts them."""

    input_tokens: int = 0
    output_tokens: int = 0


class ChatModel(Protocol):
    """A model that follows instructions. Thread-safe; nothing that it says may be believed."""

    @property
    def name(self) -> str:
        """Provider and model, e.g. "ollama:llama3.2"."""
        ...

    def talk(
        self, system: str, user: str, schema: Mapping[str, Any], asked_at: float | None = None
    ) -> Iterator[str | Usage]:
        """Asks once, and gives the reply piece by piece as it comes.

        Args:
            system: the instructions.
            user: what they are to be applied to; data, whatever it says.
            schema: JSON Schema of the wanted reply, with a title. Held to where the provider can, else only asked for:
                what comes may be any text.
            asked_at: when the question was asked (``time.perf_counter``) that the call is for: all calls for it
                together take no longer than one may. None where it is for none.

        Yields:
            Pieces of the reply, and its usage where it is known, at the latest after the last piece.

        Raises:
            ChatModelFailed: it is down, too slow, out of budget, or broke off. Pieces may have come before.
        """
        ...

    def warm_up(self) -> None:
        """Loads packages; asks the model nothing."""
        ...
