"""Runs cases through anything that answers questions, and keeps every row.

An exception is a row of its own that counts as wrong; a case whose policy is not there is *unscored* and counts in no
figure.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from enum import StrEnum

from eval.calibration import Calibration, Judgement, RiskCoverage, calibration, risk_coverage
from eval.cases import Case, InvalidCases, check_proofs
from eval.intervals import Interval, intervals, units_of
from eval.metrics import MEASURES, Figures, Marks, figures, flat, mark, mean, percentile
from qa.domain import EXTRACTIVE, Answer, Question

logger = logging.getLogger(__name__)

_ALL = "all policies"
_MILLION = 1_000_000
_TOLD_DIGITS = 4
"""So many digits of a confidence are told and kept, so that a run that was read back has the same figures."""

Ask = Callable[[Question], Answer]
"""Anything that answers a question, such as ``PolicyQA.ask``."""


class State(StrEnum):
    """What became of a case."""

    SCORED = "scored"
    ERROR = "error"
    UNSCORED = "unscored"


@dataclass(frozen=True, slots=True)
class Price:
    """Of a million tokens, in whatever currency the user thinks in."""

    input: float
    output: float

    def of(self, input_tokens: int, output_tokens: int) -> float:
        """What so many tokens cost."""
        return (input_tokens * self.input + output_tokens * self.output) / _MILLION


@dataclass(frozen=True, slots=True)
class Parameters:
    """What was run on what, so that a figure can be made again.

    Attributes:
        data_sha256: over the cases and their policies; equal data, comparable figures.
        encoder, fingerprint, dimension, chunker, distance: the index's manifest.
        started_at: UTC, ISO 8601.
        engine: what puts answers into words.
        commit: of the code, with "+changes" where files differ from it; empty where it is not run from a checkout.
        models_sha256: over the bundled models that read and judge; empty if unknown.
        jobs: how many questions were asked at a time, which makes each of them slower.
        price: of the engine's tokens, where one was given.
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
    commit: str = ""
    models_sha256: str = ""
    jobs: int = 1
    price: Price | None = None


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
    """The figures of the cases that have something in common.

    Attributes:
        right: the share right in all they ask for.
        interval: of ``right``.
    """

    name: str
    right: float | None
    figures: Figures
    interval: Interval | None = None


@dataclass(frozen=True, slots=True)
class Latency:
    """Wall times of calls in milliseconds; percentiles are measured values by nearest rank."""

    n: int
    mean: float
    p50: float
    p90: float
    p95: float
    p99: float
    longest: float


@dataclass(frozen=True, slots=True)
class Usage:
    """What a chat model was asked in all cases together, as its server counts.

    Attributes:
        cost: in the currency of the prices that were given; None without a price.
    """

    calls: int
    input_tokens: int
    output_tokens: int
    cost: float | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run comes to.

    Attributes:
        right, wrong, errors, unscored: ids of the cases; those with an error are wrong too.
        by_verdict: by what a right answer says: a verdict, an expected status, or "all policies".
        by_style, by_topic: as annotated.
        p50_ms, p95_ms: wall time of a call, nearest rank; None if nothing was asked.
        by_policy: by the file stem of the policy asked about; "all policies" or "no policy" for the other cases.
        intervals: of each share in ``figures`` that is defined, by its name.
        resampled: what the intervals draw again and again: "policies" or, where there are too few of them, "cases".
        calibration, risk_coverage: of the answers to questions about one policy; None without any.
        latency_ms: None if nothing was asked.
        usage: None where no chat model was asked.
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
    by_policy: tuple[Group, ...] = ()
    intervals: Mapping[str, Interval] = field(default_factory=dict)
    resampled: str = ""
    calibration: Calibration | None = None
    risk_coverage: RiskCoverage | None = None
    latency_ms: Latency | None = None
    usage: Usage | None = None


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
    kept: Mapping[str, Row] | None = None,
    on_progress: Callable[[Row], None] | None = None,
) -> Run:
    """Asks every case and scores the answers; the rows are in the order of the cases, whichever came first.

    Args:
        cases: what to ask.
        policies: texts by file stem; a case about a policy that is not among them is unscored.
        ask: what is measured; called from ``parameters.jobs`` threads at a time if these are more than one.
        parameters: kept with the results.
        kept: rows with answers that are there already, by case; they are scored again and not asked.
        on_progress: called with each finished row, in this thread, as soon as it is there; not with those kept.

    Raises:
        InvalidCases: evidence is not verbatim in its policy, or not one case can be scored.
    """
    check_proofs(cases, policies)
    texts = {stem: flat(text) for stem, text in policies.items()}
    if not any(_absent(case, texts) is None for case in cases):
        raise InvalidCases("No case can be scored: none of the policies that they are about is there.")
    before = kept or {}
    rows: dict[str, Row] = {}
    open_cases: list[Case] = []
    for case in cases:
        row = before.get(case.id)
        if row and row.answer and _absent(case, texts) is None:
            rows[case.id] = Row(case, State.SCORED, mark(case, row.answer, texts), row.answer, "", row.elapsed_ms)
        else:
            open_cases.append(case)
    with contextlib.closing(_asked(open_cases, texts, ask, parameters.jobs)) as coming:
        for row in coming:
            rows[row.case.id] = row
            if on_progress:
                on_progress(row)
    in_order = tuple(rows[case.id] for case in cases)
    return Run(parameters, in_order, summarise(in_order, parameters.price))


def summarise(rows: Sequence[Row], price: Price | None = None) -> Summary:
    """The figures of all scored and failed rows, together and in groups; cost by a price if there is one."""
    asked = [row for row in rows if row.marks]
    times = [row.elapsed_ms for row in asked]
    units = units_of([policy_of(row.case) for row in asked])
    about_one = [(row.answer, row.right) for row in asked if row.answer and row.case.proof]
    judgements = [Judgement(_confidence(answer), right) for answer, right in about_one]
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
        by_policy=_groups(asked, lambda row: policy_of(row.case) or (_ALL if row.case.entries else "no policy")),
        intervals=intervals([row.marks for row in asked if row.marks], units),
        resampled=units.name,
        calibration=calibration(judgements),
        risk_coverage=risk_coverage(judgements),
        latency_ms=_latency(times),
        usage=_usage(asked, price),
    )


def policy_of(case: Case) -> str | None:
    """The file stem of the one policy that a case is about; None for none or several."""
    return case.proof.policy if case.proof else None


def _asked(cases: Sequence[Case], texts: Mapping[str, str], ask: Ask, jobs: int) -> Generator[Row]:
    """The rows of the cases as they come."""
    if jobs <= 1:
        yield from (_row(case, texts, ask) for case in cases)
        return
    with ThreadPoolExecutor(jobs, thread_name_prefix="eval") as pool:
        waiting = [pool.submit(_row, case, texts, ask) for case in cases]
        try:
            yield from (each.result() for each in as_completed(waiting))
        finally:  # after an interruption only what is being asked is waited for
            pool.shutdown(cancel_futures=True)


def _row(case: Case, texts: Mapping[str, str], ask: Ask) -> Row:
    absent = _absent(case, texts)
    if absent:
        return Row(case, State.UNSCORED, None, None, f"the policy {absent} is not there")
    start = time.perf_counter()
    try:
        answer = ask(case.asked())
    except Exception as exc:  # whatever a system raises, the other cases go on and this one counts as wrong
        logger.debug("case %s failed", case.id, exc_info=True)
        return Row(case, State.ERROR, mark(case, None, texts), None, f"{type(exc).__name__}: {exc}", _ms_since(start))
    elapsed_ms = _ms_since(start)
    return Row(case, State.SCORED, mark(case, answer, texts), answer, elapsed_ms=elapsed_ms)


def _ms_since(start: float) -> float:
    return round((time.perf_counter() - start) * 1000, 4)


def _absent(case: Case, texts: Mapping[str, str]) -> str | None:
    return next((proof.policy for proof in case.proofs if proof.policy not in texts), None)


def _expected(case: Case) -> str:
    if case.proof:
        return case.proof.verdict.value
    return case.statuses[0].value if case.statuses else _ALL


def _groups(rows: Sequence[Row], name: Callable[[Row], str]) -> tuple[Group, ...]:
    names = dict.fromkeys(map(name, rows))
    return tuple(_group(each, [row for row in rows if name(row) == each]) for each in names)


def _group(name: str, rows: Sequence[Row]) -> Group:
    marks = [row.marks for row in rows if row.marks]
    units = units_of([policy_of(row.case) for row in rows])
    interval = intervals(marks, units, {"right": MEASURES["right"]}).get("right")
    return Group(name, mean(row.right for row in rows), _figures(rows), interval)


def _figures(rows: Sequence[Row]) -> Figures:
    return figures([row.marks for row in rows if row.marks])


def _confidence(answer: Answer) -> float:
    """As it is told and kept; whatever an engine or a file says, it is in [0, 1]."""
    return round(min(1.0, max(0.0, answer.confidence)), _TOLD_DIGITS)


def _latency(times: Sequence[float]) -> Latency | None:
    if not times:
        return None
    p50, p90, p95, p99 = (percentile(times, share) or 0.0 for share in (0.5, 0.9, 0.95, 0.99))
    return Latency(len(times), sum(times) / len(times), p50, p90, p95, p99, max(times))


def _usage(rows: Sequence[Row], price: Price | None) -> Usage | None:
    made = [row.answer.generation for row in rows if row.answer and row.answer.generation]
    if not made:
        return None
    read, written = sum(each.input_tokens for each in made), sum(each.output_tokens for each in made)
    return Usage(sum(each.calls for each in made), read, written, price.of(read, written) if price else None)
