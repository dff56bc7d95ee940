"""Answers and reports for people at a terminal: plain lines, wrapped, without anything a terminal would act on."""

from __future__ import annotations

import shutil
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator

from qa.domain import (
    Answer,
    ChangeKind,
    Changes,
    Citation,
    Entry,
    FailedEntry,
    IndexedPolicy,
    Part,
    PolicyCard,
    Status,
)
from ui.render import date_in_words, verdict_in_words, visible
from ui.worded import worded_lines

__all__ = [
    "answer_lines",
    "card_lines",
    "changes_lines",
    "comparison_lines",
    "growing_lines",
    "policy_lines",
    "terminal_width",
]

_WIDEST = 100
_STAGES = {"routing": "Finding the policy", "writing": "Writing and checking", "citing": "Writing and checking"}
_KINDS = (ChangeKind.REWORDED, ChangeKind.ADDED, ChangeKind.REMOVED, ChangeKind.MOVED)


def terminal_width() -> int:
    """Columns to wrap to."""
    return max(40, min(_WIDEST, shutil.get_terminal_size().columns))


def answer_lines(answer: Answer, width: int) -> Iterator[str]:
    """An answer as lines: verdict, text, numbered citations, what else there is to say."""
    for n, part in enumerate(answer.parts):
        if n:
            yield ""
        yield from textwrap.wrap(visible(part.question), width)
        yield from _told(part, width)
    if not answer.parts:
        yield from _told(answer, width)
    for entry in answer.entries:
        yield ""
        verdict = verdict_in_words(entry.status, entry.verdict)
        yield f"{visible(entry.company)} ({date_in_words(entry.archived_on.isoformat())}): {verdict}"
        yield from _indented(entry.text, width, "    ")
    if answer.citations:
        yield ""
        yield from _cited(answer.citations, width)
    if answer.related and not answer.citations:
        yield ""
        yield from textwrap.wrap("Nearest passages, which do not answer the question:", width)
        yield from _cited(answer.related, width)
    if answer.choices:
        yield ""
        yield "The nearest names:" if answer.status is Status.UNKNOWN_COMPANY else "Say which one with --scope:"
        scopes = [visible(choice.scope) for choice in answer.choices]
        for scope, choice in zip(scopes, answer.choices, strict=True):
            yield f"    {scope:<{max(map(len, scopes))}}  {visible(choice.label)}"
    for warning in answer.warnings:
        yield ""
        yield from textwrap.wrap(f"Note: {visible(warning)}", width)
    if worded := " ".join(worded_lines(answer)):
        yield ""
        yield from textwrap.wrap(worded, width)


def _told(told: Answer | Part, width: int) -> Iterator[str]:
    """The verdict and the text of an answer, or of one of its parts."""
    yield verdict_in_words(told.status, told.verdict)
    yield ""
    for paragraph in visible(told.text).strip().split("\n"):
        yield from textwrap.wrap(paragraph, width) or [""]


def growing_lines(said: str, stage: str, width: int) -> Iterator[str]:
    """The proven beginning of an answer as lines, and what is being done for the rest."""
    for line in visible(said).strip().split("\n") if said.strip() else ():
        yield from textwrap.wrap(line, width) or [""]
    if said.strip():
        yield ""
    yield f"{_STAGES.get(stage, 'Reading the policy')} …"


def comparison_lines(entries: Iterable[Entry | FailedEntry], width: int) -> Iterator[str]:
    """One question over several policies as lines: for each its verdict, text and citations, or why there is none."""
    for n, entry in enumerate(entries):
        if n:
            yield ""
        who = f"{visible(entry.company)} ({date_in_words(entry.archived_on.isoformat())})"
        if isinstance(entry, FailedEntry):
            yield f"{who}: could not be answered"
            yield from _indented(entry.problem, width, "    ")
            continue
        yield f"{who}: {verdict_in_words(entry.status, entry.verdict)}"
        yield from _indented(entry.text, width, "    ")
        yield from (f"    {line}" for line in _cited(entry.citations, width - 4))
        for warning in entry.warnings:
            yield from _indented(f"Note: {warning}", width, "    ")


def _cited(citations: Iterable[Citation], width: int) -> Iterator[str]:
    for citation in citations:
        label = f"[{citation.n}] "
        indent = " " * len(label)
        yield from textwrap.wrap(
            f'"{" ".join(visible(citation.quote).split())}"', width, initial_indent=label, subsequent_indent=indent
        )
        section = f", {visible(citation.section)}" if citation.section else ""
        day = date_in_words(citation.archived_on.isoformat())
        yield from _indented(f"{citation.company}{section}, as of {day}", width, indent)
        if citation.url:
            yield indent + visible(citation.url)  # unwrapped, so that a terminal can follow it


def _indented(text: str, width: int, indent: str) -> list[str]:
    return textwrap.wrap(visible(text), width, initial_indent=indent, subsequent_indent=indent)


def card_lines(cards: Iterable[PolicyCard]) -> Iterator[str]:
    """Policies as aligned columns: id, company, characters, passages."""
    head = ("POLICY", "COMPANY", "CHARACTERS", "PASSAGES")
    rows = [head, *((visible(c.id), visible(c.company), str(c.characters), str(c.passages)) for c in cards)]
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        yield f"{row[0]:<{widths[0]}}  {row[1]:<{widths[1]}}  {row[2]:>{widths[2]}}  {row[3]:>{widths[3]}}".rstrip()


def changes_lines(changes: Changes, width: int, about: str | None = None) -> Iterator[str]:
    """What changed between two versions: the counts, then each change by section, "-" as it was, "+" as it is."""
    older, newer = (date_in_words(day.isoformat()) for day in (changes.older_archived_on, changes.newer_archived_on))
    topic = f", about {visible(about)}" if about else ""
    yield from textwrap.wrap(f"{visible(changes.company)}: {older} → {newer}{topic}", width)
    counts = Counter(change.kind for change in changes.changes)
    listed = [f"{counts[kind]} {kind.value}" for kind in _KINDS if counts[kind]]
    yield ", ".join([*listed, f"{changes.unchanged} unchanged"])
    section = None
    for change in changes.changes:
        if change.kind is ChangeKind.MOVED:
            continue
        shown = change.after or change.before
        assert shown is not None
        yield ""
        if shown.section != section:
            section = shown.section
            yield from textwrap.wrap(f"[{visible(section) or 'no section'}]", width)
        for sign, side in (("- ", change.before), ("+ ", change.after)):
            if side:
                yield from textwrap.wrap(
                    " ".join(visible(side.quote).split()), width, initial_indent=sign, subsequent_indent="  "
                )
    if counts[ChangeKind.MOVED]:
        yield ""
        yield f"{counts[ChangeKind.MOVED]} more only moved; --json lists them."


def policy_lines(source: IndexedPolicy) -> Iterator[str]:
    """What is known of a policy, then its text as it is stored."""
    policy = source.policy
    for name, value in (
        ("policy", policy.id),
        ("company", policy.company),
        ("aliases", ", ".join(policy.aliases)),
        ("archived", date_in_words(policy.archived_on.isoformat())),
        ("link", policy.url or "none"),
        (
            "size",
            f"{len(policy.text)} characters, {len(source.passages)} passages, {len(source.sentences())} sentences",
        ),
        *(("from", f"{fact}: {origin}") for fact, origin in policy.provenance.items()),
        *(("note", warning) for warning in policy.warnings),
    ):
        yield f"{name:<9} {visible(value)}"
    yield ""
    yield from visible(policy.text).splitlines()
