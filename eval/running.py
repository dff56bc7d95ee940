"""Runs cases through anything that answers questions, and keeps every row.

An exception is a row of its own that counts as wrong; a case whose policy is not there is *unscored* and counts in no
figure.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from eval.cases import Case, InvalidCases, check_proofs
from eval.metrics import Figures, Marks, figures, flat, mark, mean, percentile
from qa.domain import EXTRACTIVE, Answer, Question

logger = logging.getLogger(__name__)

Ask = Callable[[Question], Answer]
"""Anything that answers a question, such as ``PolicyQA.ask``."""


class State(StrEnum):
    """What became of a case."""

    SCORED = "scored"
    ERROR = "error"
    UNSCORED = "unscored"


@dataclass(frozen=True, slots=True)
class Parameters:
    """What was run on what, so that a figure can be made again.

    Attributes:
        data_sha256: over the cases and their policies; equal data, comparable figures.
        encoder, fingerprint, dimension, chunker, distance: the index's manifest.
        started_at: UTC, ISO 8601.
        engine: what puts answers into words.
    """

    fineprint: str
    python: str
    platform: str
    cases: str
    policies: int
    data_sha256: str
    encoder: str
    fingerprint: str
    dimension: int
    chunker: str
    distance: str
    started_at: str
    engine: str = EXTRACTIVE


@dataclass(frozen=True, slots=True)
class Row:
    """One case with its answer and its marks.

    Attributes:
        marks: None if and only if the case is unscored.
        answer: None unless scored.
        note: why there is no answer, or empty.
        elapsed_ms: wall time of the call; 0 if unscored.
    """

    case: Case
    state: State
    marks: Marks | None
    answer: Answer | None
    note: str = ""
    elapsed_ms: float = 0.0

    @property
    def right(self) -> bool:
        """Whether scored and right in everything that the case asks for."""
        return self.state is State.SCORED and self.marks is not None and self.marks.right


@dataclass(frozen=True, slots=True)
class Group:
    """The figures of the cases that have something in common; ``right`` is the share right in all they ask for."""

    name: str
    right: float | None
    figures: Figures


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run comes to.

    Attributes:
        right, wrong, errors, unscored: ids of the cases; those with an error are wrong too.
        by_verdict: by what a right answer says: a verdict, an expected status, or "all policies".
        by_style, by_topic: as annotated.
        p50_ms, p95_ms: wall time of a call, nearest rank; None if nothing was asked.
    """

    figures: Figures
    right: tuple[str, ...]
    wrong: tuple[str, ...]
    errors: tuple[str, ...]
    unscored: tuple[str, ...]
    by_verdict: tuple[Group, ...]
    by_style: tuple[Group, ...]
    by_topic: tuple[Group, ...]
    p50_ms: float | None
    p95_ms: float | None


@dataclass(frozen=True, slots=True)
class Run:
    """Everything about one run, kept together."""

    parameters: Parameters
    rows: tuple[Row, ...]
    summary: Summary


def run_eval(
    cases: Sequence[Case],
    policies: Mapping[str, str],
    ask: Ask,
    parameters: Parameters,
    *,
    on_progress: Callable[[Row], None] | None = None,
) -> Run:
    """Asks every case in order and scores the answers.

    Args:
        cases: what to ask.
        policies: texts by file stem; a case about a policy that is not among them is unscored.
        ask: what is measured.
        parameters: kept with the results.
        on_progress: called with each finished row.

    Raises:
        InvalidCases: evidence is not verbatim in its policy, or not one case can be scored.
    """
    check_proofs(cases, policies)
    texts = {stem: flat(text) for stem, text in policies.items()}
    if not any(_absent(case, texts) is None for case in cases):
        raise InvalidCases("No case can be scored: none of the policies that they are about is there.")
    rows: list[Row] = []
    for case in cases:
        row = _row(case, texts, ask)
        rows.append(row)
        if on_progress:
            on_progress(row)
    return Run(parameters, tuple(rows), summarise(rows))


def summarise(rows: Sequence[Row]) -> Summary:
    """The figures of all scored and failed rows, together and in groups."""
    asked = [row for row in rows if row.marks]
    times = [row.elapsed_ms for row in asked]
    return Summary(
        figures=_figures(asked),
        right=tuple(row.case.id for row in asked if row.right),
        wrong=tuple(row.case.id for row in asked if not row.right),
        errors=tuple(row.case.id for row in rows if row.state is State.ERROR),
        unscored=tuple(row.case.id for row in rows if row.state is State.UNSCORED),
        by_verdict=_groups(asked, lambda row: _expected(row.case)),
        by_style=_groups(asked, lambda row: row.case.style),
        by_topic=_groups(asked, lambda row: row.case.topic),
        p50_ms=percentile(times, 0.5),
        p95_ms=percentile(times, 0.95),
    )


def _row(case: Case, texts: Mapping[str, str], ask: Ask) -> Row:
    absent = _absent(case, texts)
    if absent:
        return Row(case, State.UNSCORED, None, None, f"the policy {absent} is not there")
    start = time.perf_counter()
    try:
        answer = ask(case.asked())
    except Exception as exc:  # whatever a system raises, the other cases go on and this one counts as wrong
        logger.debug("case %s failed", case.id, exc_info=True)
        elapsed_ms = (time.perf_counter() - start) * 1000
        return Row(case, State.ERROR, mark(case, None, texts), None, f"{type(exc).__name__}: {exc}", elapsed_ms)
    elapsed_ms = (time.perf_counter() - start) * 1000
    return Row(case, State.SCORED, mark(case, answer, texts), answer, elapsed_ms=elapsed_ms)


def _absent(case: Case, texts: Mapping[str, str]) -> str | None:
    return next((proof.policy for proof in case.proofs if proof.policy not in texts), None)


def _expected(case: Case) -> str:
    if case.proof:
        return case.proof.verdict.value
    return case.statuses[0].value if case.statuses else "all policies"


def _groups(rows: Sequence[Row], name: Callable[[Row], str]) -> tuple[Group, ...]:
    names = dict.fromkeys(map(name, rows))
    return tuple(_group(each, [row for row in rows if name(row) == each]) for each in names)


def _group(name: str, rows: Sequence[Row]) -> Group:
    return Group(name, mean(row.right for row in rows), _figures(rows))


def _figures(rows: Sequence[Row]) -> Figures:
    return figures([row.marks for row in rows if row.marks])
