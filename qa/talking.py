"""What the stages need of a chat model; ``qa.chatmodel`` has the real ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol


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

    def talk(self, system: str, user: str, schema: Mapping[str, Any]) -> Iterator[str | Usage]:
        """Asks once, and gives the reply piece by piece as it comes.

        Args:
            system: the instructions.
            user: what they are to be applied to; data, whatever it says.
            schema: JSON Schema of the wanted reply, with a title. Held to where the provider can, else only asked for:
                what comes may be any text.

        Yields:
            Pieces of the reply, and its usage where it is known, at the latest after the last piece.

        Raises:
            ChatModelFailed: it is down, too slow, out of budget, or broke off. Pieces may have come before.
        """
        ...

    def warm_up(self) -> None:
        """Loads packages; asks the model nothing."""
        ...
