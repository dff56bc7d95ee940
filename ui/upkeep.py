"""Care of the index: removing a policy, examining and mending the whole, and what a backup of it holds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from qa.errors import FineprintError
from qa.settings import Settings

if TYPE_CHECKING:
    from qa.encoders import TextEncoder
    from qa.examining import Finding
    from qa.mending import Mended

__all__ = ["Check", "beside", "examine", "mended_lines", "remove"]

_READY = {
    "title": "Ready",
    "type": "object",
    "properties": {"ready": {"type": "boolean"}},
    "required": ["ready"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: what it is.
        fine: whether answers are right, and nothing is lost or at risk.
        detail: what was found, and what to do where it is not fine.
        findings: what is wrong with a part of the index, one by one.
    """

    name: str
    fine: bool
    detail: str
    findings: tuple[Finding, ...] = ()

    def lines(self) -> list[str]:
        """As ``doctor`` prints it."""
        lines = [f"{'note   ' if each.harmless else 'PROBLEM'}  {self.name}: {_said(each)}" for each in self.findings]
        if self.fine or not self.findings:
            lines.insert(0, f"{'ok     ' if self.fine else 'PROBLEM'}  {self.name}: {self.detail}")
        return lines


def remove(settings: Settings, scope: str) -> str:
    """Removes one policy version from the index; returns its id.

    Raises:
        UnknownScope: no indexed policy is called so.
        IndexProblem: the index cannot be read or written.
    """
    from qa.labelling import LabelStore
    from qa.libraries import open_library, open_library_for_writing, search_index
    from qa.routing import find_scope
    from qa.store import synchronise

    with open_library(settings) as library:
        manifest = library.manifest
        policy_id = find_scope(library.cards(), scope)
    with open_library_for_writing(settings, manifest) as library, search_index(settings, manifest) as index:
        library.remove(policy_id)
        if index is not None:
            synchronise(library, index)
    LabelStore(settings.index, made_by="").forget(policy_id)
    return policy_id


def examine(
    settings: Settings,
    *,
    encoder: TextEncoder | None = None,
    on_progress: Callable[[str, int, int], None] = lambda *_: None,
) -> Iterator[Check]:
    """Looks at the model, the chat model where one is set, and the parts of the index, in this order.

    Args:
        settings: which index.
        encoder: instead of the one that the settings name.
        on_progress: told at which part of the index it is, how much of it was looked at, and of how much.
    """
    from qa.examining import examined

    yield _check("model", lambda: _model(settings, encoder))
    if settings.llm is not None:
        yield _check("chat model", lambda: _chat_model(settings))
    for part in examined(settings, on_progress=on_progress):
        fine = all(finding.harmless for finding in part.findings)
        yield Check(part.name, fine, part.detail, part.findings)
        if part.name == "library" and fine:
            yield _check("fit", lambda: _fit(settings, encoder))


def _said(finding: Finding) -> str:
    """A finding in a line: what is wrong, then what to do, as a sentence of its own."""
    from ui.render import visible

    remedy = f"{finding.remedy[:1].upper()}{finding.remedy[1:].rstrip('.')}." if finding.remedy else ""
    return visible(" ".join(f"{finding.problem} {remedy}".split()))


def mended_lines(mended: Mended) -> list[str]:
    """What ``doctor --fix`` did."""
    lines = []
    if mended.brought_forward:
        lines.append("The library has the present form now.")
    if mended.written:
        lines.append(f"{mended.written} policies were written to the search index.")
    if mended.removed:
        lines.append(f"Removed what was left over: {', '.join(mended.removed)}.")
    return lines


def beside(settings: Settings) -> dict[str, Path]:
    """What a backup holds beside the library: judgements of readers, and what is known of pages of the web."""
    from ui.feedback import FILE, feedback_file

    judged = feedback_file(settings)
    return {"web.json": settings.index / "web.json", **({FILE: judged} if judged else {})}


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


def _fit(settings: Settings, encoder: TextEncoder | None) -> str:
    from ingest.pipeline import manifest_of
    from qa.encoders import open_encoder
    from qa.libraries import open_library

    with open_library(settings) as library:
        library.require(manifest_of(encoder or open_encoder(settings)))
        manifest = library.manifest
    return f"made with {manifest.encoder} and chunker {manifest.chunker}, as this version does"
