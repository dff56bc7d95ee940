"""One question over several policies: each is searched and read for itself, one entry a policy."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from qa.domain import Answer, Citation, Entry, FailedEntry, PolicyCard, Question, Route, Status, Verdict
from qa.errors import FineprintError
from qa.parting import renumbered

_log = logging.getLogger(__name__)

# "Which of these sites sell …" asks of each site whether it does.
_WHICH = re.compile(
    r"^\W*(?:(?:and|so)\s+)?(?:which|what|who|do any|does any|does anyone|do all|are there any)\b"
    r"(?:\s+(?:ones?|other|of|among|in|all|these|those|the|them|you|your|any|indexed|different|two|three|four|five))*"
    r"(?:\s+(?:(?:web ?)?sites?|compan(?:y|ies)|polic(?:y|ies)|stores?|shops?|brands?|business(?:es)?|services?"
    r"|retailers?|firms?))?"
    r"(?:\s+(?:that|who|which|here))*\s+",
    re.I,
)
_VERB_PHRASE = re.compile(r"^(?:do|does|can|could|will|would|may|might|is|are|has|have|don['’]?t|doesn['’]?t)\b", re.I)
_HEADINGS = (
    (Verdict.YES, "Yes"),
    (Verdict.CONDITIONAL, "Only in some cases"),
    (Verdict.NO, "No"),
)


def question_to_each(query: str) -> str:
    """The question as it is put to one policy: "which of these sites sell my email?" → "do you sell my email?"."""
    match = _WHICH.match(query)
    if not match or match.end() >= len(query):
        return query
    rest = query[match.end() :].strip()
    return rest if _VERB_PHRASE.match(rest) else f"do you {rest}"


def compare(
    question: Question,
    route: Route,
    answer_one: Callable[[Question, Route], Answer],
    card_of: Callable[[str], PolicyCard],
) -> Iterator[int | Answer]:
    """Answers policy by policy and puts the entries together.

    Args:
        question: as asked.
        route: its policies are the ones compared.
        answer_one: answers from the single policy of a route.
        card_of: the card of a policy id.

    Yields:
        Between two policies, how many are answered, so that whoever waits can be told, or give up; then the answer. Its
        ``entries`` are in the order of ``route.policies``, citations numbered through. Its status is ANSWERED if any
        entry is, else NOT_STATED.
    """
    query = question_to_each(route.query)
    entries: list[Entry] = []
    citations: list[Citation] = []
    related: list[Citation] = []
    warnings = list(route.warnings)
    for done, policy_id in enumerate(route.policies):
        if done:
            yield done
        one = answer_one(question, replace(route, policies=(policy_id,), query=query, compare=False, warnings=()))
        card = card_of(policy_id)
        entry = _entry(card, one, len(citations))
        citations += entry.citations
        related += [replace(citation, n=citation.n + len(related)) for citation in one.related[:1]]
        entries.append(entry)
        warnings += [f"{card.company}: {warning}" for warning in one.warnings]
    answered = [entry for entry in entries if entry.status is Status.ANSWERED]
    yield Answer(
        question=question.text,
        status=Status.ANSWERED if answered else Status.NOT_STATED,
        text=_summary(entries),
        citations=tuple(citations),
        related=() if answered else tuple(related),
        entries=tuple(entries),
        policies=route.policies,
        confidence=min((entry.confidence for entry in entries), default=0.0),
        warnings=tuple(warnings),
        id=question.id,
    )


def answer_each(
    question: Question,
    routes: Iterable[Route],
    answer_one: Callable[[Question, Route], Answer],
    card_of: Callable[[str], PolicyCard],
) -> Iterator[Entry | FailedEntry]:
    """Answers policy by policy, each entry as it comes; a policy that fails does not lose the others.

    Args:
        question: as asked.
        routes: each with the single policy that it is answered from.
        answer_one: answers from the single policy of a route.
        card_of: the card of a policy id.

    Yields:
        Entries in the order of the routes, the citations of each numbered from 1.
    """
    for route in routes:
        card = card_of(route.policies[0])
        problem = ""
        try:
            one = answer_one(question, replace(route, query=question_to_each(route.query)))
        except FineprintError as exc:
            problem = str(exc)
        except Exception:  # a bug with this policy: its place says so, whoever runs the service finds the traceback
            _log.exception("comparing failed for %s", card.id)
            problem = "Something went wrong inside the service with this policy."
        if problem:
            yield FailedEntry(card.id, card.company, card.domain, card.archived_on, problem)
        else:
            yield _entry(card, one, 0)


def _entry(card: PolicyCard, one: Answer, offset: int) -> Entry:
    """An answer as one policy's part of a comparison, ``offset`` citations standing before its own."""
    return Entry(
        policy_id=card.id,
        company=card.company,
        domain=card.domain,
        archived_on=card.archived_on,
        status=one.status,
        verdict=one.verdict,
        text=renumbered(one.text, offset) if one.status is Status.ANSWERED else "The policy does not say.",
        citations=tuple(replace(citation, n=citation.n + offset) for citation in one.citations),
        confidence=one.confidence,
        warnings=one.warnings,
    )


def _summary(entries: list[Entry]) -> str:
    lines = []
    for verdict, heading in _HEADINGS:
        group = [entry for entry in entries if entry.status is Status.ANSWERED and entry.verdict is verdict]
        if group:
            lines.append(f"{heading}: {', '.join(map(_named, group))}.")
    lines += [f"{entry.company}: {entry.text}" for entry in entries if _is_open(entry)]
    silent = [entry for entry in entries if entry.status is not Status.ANSWERED]
    if silent:
        lines.append(f"The policy does not say: {', '.join(entry.company for entry in silent)}.")
    return "\n".join(lines)


def _is_open(entry: Entry) -> bool:
    return entry.status is Status.ANSWERED and entry.verdict is None


def _named(entry: Entry) -> str:
    return f"{entry.company} [{entry.citations[0].n}]" if entry.citations else entry.company
