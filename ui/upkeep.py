"""Care of the index: removing a policy, and examining the whole."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qa.errors import FineprintError, IndexProblem
from qa.settings import Settings

if TYPE_CHECKING:
    from qa.encoders import TextEncoder

__all__ = ["Check", "examine", "remove"]

_READY = {
    "title": "Ready",
    "type": "object",
    "properties": {"ready": {"type": "boolean"}},
    "required": ["ready"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at; ``detail`` says what was found, and what to do where it is not fine."""

    name: str
    fine: bool
    detail: str


def remove(settings: Settings, scope: str) -> str:
    """Removes one policy version from the index; returns its id.

    Raises:
        UnknownScope: no indexed policy is called so.
        IndexProblem: the index cannot be read or written.
    """
    from qa.labelling import LabelStore
    from qa.library import Library
    from qa.routing import find_scope
    from qa.store import ChromaIndex, synchronise

    with Library.open(settings.index) as library:
        manifest = library.manifest
        policy_id = find_scope(library.cards(), scope)
    with (
        Library.open_for_writing(settings.index, manifest) as library,
        contextlib.closing(ChromaIndex.of(settings, manifest)) as index,
    ):
        library.remove(policy_id)
        synchronise(library, index)
    LabelStore(settings.index, made_by="").forget(policy_id)
    return policy_id


def examine(settings: Settings, *, encoder: TextEncoder | None = None) -> Iterator[Check]:
    """Looks at the model, the chat model where one is set, the library, and the search index, in this order.

    Args:
        settings: which index.
        encoder: instead of the one that the settings name.
    """
    yield _check("model", lambda: _model(settings, encoder))
    if settings.llm is not None:
        yield _check("chat model", lambda: _chat_model(settings))
    library = _check("library", lambda: _library(settings))
    yield library
    if library.fine:
        yield _check("policies", lambda: _policies(settings))
        yield _check("fit", lambda: _fit(settings, encoder))
        yield _check("search index", lambda: _search_index(settings))


def _check(name: str, look: Callable[[], str]) -> Check:
    try:
        return Check(name, True, look())
    except FineprintError as exc:
        return Check(name, False, str(exc))
    except OSError as exc:
        return Check(name, False, f"{exc.strerror or exc}.")


def _model(settings: Settings, encoder: TextEncoder | None) -> str:
    from qa.encoders import open_encoder

    encoder = encoder or open_encoder(settings)
    encoder.warm_up()
    vector = encoder.encode_question("Do you share my data?")
    if vector.shape != (encoder.dimension,):
        raise FineprintError("The model gives vectors of a wrong length. Install fineprint again.")
    return f"{encoder.name}, {encoder.dimension} dimensions"


def _chat_model(settings: Settings) -> str:
    """Asks it for next to nothing, which shows that package, address, key and name are right."""
    from qa.chatmodel import open_chat_model

    model = open_chat_model(settings)
    model.warm_up()
    began = time.monotonic()
    pieces = model.talk('Reply with the JSON object {"ready": true} and nothing else.', "Are you ready?", _READY)
    next(pieces)
    spent = time.monotonic() - began
    pieces.close()
    return f"{model.name} answers, {spent:.1f} s until its first words"


def _library(settings: Settings) -> str:
    from qa.library import Library

    with Library.open(settings.index) as library:
        count = len(library.cards())
    if not count:
        raise IndexProblem(f"{settings.index} holds no policies. Run `fineprint ingest`.")
    return f"{count} policies in {settings.index}"


def _policies(settings: Settings) -> str:
    """Reads every policy, which checks its hash, and every span."""
    from qa.library import Library

    sentences = 0
    with Library.open(settings.index) as library:
        for card in library.cards():
            source = library.read(card.id)
            at = 0
            for passage in source.passages:
                if source.policy.text[at : passage.start].strip() or passage.start < at:
                    raise IndexProblem(f"The passages of {card.id} do not cover its text. Run `fineprint rebuild`.")
                at = passage.end
            if source.policy.text[at:].strip():
                raise IndexProblem(f"The passages of {card.id} do not cover its text. Run `fineprint rebuild`.")
            sentences += len(source.sentences())
    return f"every text is whole, {sentences} sentences"


def _fit(settings: Settings, encoder: TextEncoder | None) -> str:
    from ingest.pipeline import manifest_of
    from qa.encoders import open_encoder
    from qa.library import Library

    with Library.open(settings.index) as library:
        library.require(manifest_of(encoder or open_encoder(settings)))
        manifest = library.manifest
    return f"made with {manifest.encoder} and chunker {manifest.chunker}, as this version does"


def _search_index(settings: Settings) -> str:
    from qa.library import Library
    from qa.store import ChromaIndex

    with (
        Library.open(settings.index) as library,
        contextlib.closing(ChromaIndex.of(settings, library.manifest)) as index,
    ):
        known, found = {card.id for card in library.cards()}, index.policy_ids()
        if known != found:
            raise IndexProblem(
                f"It lacks {len(known - found)} policies of the library and has {len(found - known)} others."
                " Run `fineprint ingest`, which brings it up to date."
            )
    return f"agrees with the library: {len(found)} policies"
