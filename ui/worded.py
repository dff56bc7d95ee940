"""What a reader is told of a chat model's part in an answer: who worded it, and what became of its sentences (pure)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Protocol

from qa.domain import EXTRACTIVE
from ui.render import visible
from ui.words import WORDS, said

__all__ = ["Worded", "provider_of", "worded_html", "worded_lines"]

_NAMES: Final = {
    "anthropic": "Anthropic",
    "azure_openai": "Azure OpenAI",
    "ollama": "Ollama",
    "openai": "OpenAI",
}


class Generated(Protocol):
    """What is needed of ``qa.domain.Generation`` or its document."""

    @property
    def repaired(self) -> int:
        """How many of the model's sentences are shown in the policy's words."""
        ...

    @property
    def dropped(self) -> int:
        """How many are not shown."""
        ...


class Worded(Protocol):
    """What is needed of an answer or its document."""

    @property
    def engine(self) -> str:
        """Who put it into words."""
        ...

    @property
    def generation(self) -> Generated | None:
        """What a chat model had to do with it."""
        ...


def provider_of(model: str) -> str:
    """Who runs a model "provider:model", as people know them; its address is the operator's own business."""
    provider = model.partition(":")[0].strip()
    return _NAMES.get(provider, provider)


def worded_html(answer: Worded) -> str:
    """The line below an answer that a chat model worded; nothing below others."""
    told = "".join(f"<p>{said(key, **values)}</p>" for key, values in _told(answer))
    return f'<div class="fp-worded">{told}</div>' if told else ""


def worded_lines(answer: Worded) -> Iterator[str]:
    """The same in English, a sentence a line, for terminals, files and programs."""
    for key, values in _told(answer):
        yield visible(WORDS[key]["en"].format(**values))


def _told(answer: Worded) -> Iterator[tuple[str, dict[str, str | int]]]:
    """The words to use, with what fills them."""
    if answer.engine == EXTRACTIVE:
        return
    yield "chat.worded", {"name": answer.engine}
    made = answer.generation
    if made and made.repaired:
        yield ("chat.own_words_one", {}) if made.repaired == 1 else ("chat.own_words", {"n": made.repaired})
    if made and made.dropped:
        yield ("chat.left_out_one", {}) if made.dropped == 1 else ("chat.left_out", {"n": made.dropped})
