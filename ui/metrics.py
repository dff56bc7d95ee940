"""Figures for Prometheus at ``/metrics``: how many, how long, how full. Never who, and never what was asked.

Every label has a fixed set of values: routes by their templates, statuses, stages, codes. The registry is the
application's own, so that several applications in a process do not add up.
"""

from __future__ import annotations

import logging
import platform
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from fastapi import FastAPI
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response

import ui
from qa.domain import (
    Answer,
    Changes,
    Entry,
    FailedEntry,
    Generation,
    IndexedPolicy,
    Label,
    PolicyCard,
    Question,
    Step,
)
from qa.encoders import TextEncoder
from qa.errors import FineprintError
from ui.live import Answers, Warmth
from ui.turnstile import Turnstile
from ui.watching import Served

__all__ = ["PATH", "Metrics", "WatchedAnswers", "add_metrics"]

logger = logging.getLogger(__name__)

PATH: Final = "/metrics"
_STAGES: Final = ("routing", "retrieval", "reading", "writing")
_FAST: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_FAILURES: Final = frozenset(
    {"unreachable", "slow", "busy", "refused", "broken_off", "nonsense", "resting", "budget", "unproven", "no_answer"}
)
"""See ``Generation.failed``."""
_SLOW: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """What is counted while the service runs.

    Args:
        chat_model: whether one puts answers into words; only then there is something to count of it.
    """

    def __init__(self, *, chat_model: bool = False) -> None:
        # A second series for each, with the time of its first sample, which nobody asks for.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = registry = CollectorRegistry(auto_describe=True)
        ProcessCollector(registry=registry)
        build = Info("fineprint_build", "What runs.", registry=registry)
        build.info({"version": ui.version(), "python": platform.python_version()})
        self._open = Gauge("fineprint_requests_open", "Requests being served, streams included.", registry=registry)
        self._requests = Counter(
            "fineprint_requests", "Requests served.", ("route", "method", "status"), registry=registry
        )
        self._request_seconds = Histogram(
            "fineprint_request_seconds", "Until the last byte of a response.", ("route",),
            buckets=_SLOW, registry=registry,
        )  # fmt: skip
        self._refused = Counter("fineprint_refused", "Requests refused at the door.", ("reason",), registry=registry)
        self._broken = Counter(
            "fineprint_responses_broken", "Responses that did not end: the client went.", registry=registry
        )
        self._answers = Counter("fineprint_answers", "Answers given.", ("status", "verdict"), registry=registry)
        self._recalled = Counter(
            "fineprint_answers_recalled", "Of these, answers given a moment ago and given again.", registry=registry
        )
        self._answer_seconds = Histogram(
            "fineprint_answer_seconds", "Making an answer, without waiting for a place.",
            buckets=_SLOW, registry=registry,
        )  # fmt: skip
        self._stage_seconds = Histogram(
            "fineprint_stage_seconds", "A stage of an answer.", ("stage",), buckets=_FAST, registry=registry
        )
        self._failures = Counter(
            "fineprint_answers_failed", "Questions without an answer, by why.", ("code",), registry=registry
        )
        self._cells = Counter(
            "fineprint_compared", "Policies answered from in comparisons.", ("status", "verdict"), registry=registry
        )
        self._label_seconds = Histogram(
            "fineprint_label_seconds", "A label, kept (a few milliseconds) or made.", buckets=_SLOW, registry=registry
        )

        self._wait_seconds = Histogram(
            "fineprint_queue_seconds", "Waiting for a place.", buckets=_SLOW, registry=registry
        )
        self._writing = _Writing(registry) if chat_model else None

    def began(self) -> None:
        """A request has come in."""
        self._open.inc()

    def ended(self, served: Served) -> None:
        """A request is over."""
        self._open.dec()
        self._requests.labels(served.route, served.method, str(served.status)).inc()
        self._request_seconds.labels(served.route).observe(served.seconds)
        if served.refused:
            self._refused.labels(served.refused).inc()
        if not served.whole:
            self._broken.inc()

    def answered(self, answer: Answer) -> None:
        """A question was answered."""
        self._answers.labels(answer.status.value, answer.verdict.value if answer.verdict else "").inc()
        if answer.timings_ms.recalled is not None:  # nothing was made, and a chat model's part is counted already
            self._recalled.inc()
            return
        self._answer_seconds.observe(answer.timings_ms.total / 1000)
        for stage in _STAGES:
            self._stage_seconds.labels(stage).observe(getattr(answer.timings_ms, stage) / 1000)
        if self._writing and answer.generation:
            self._writing.done(answer.generation)

    def failed(self, error: Exception) -> None:
        """A question was not answered."""
        self._failures.labels(error.code if isinstance(error, FineprintError) else "internal_error").inc()

    def compared(self, entry: Entry | FailedEntry) -> None:
        """A policy was answered from in a comparison."""
        if isinstance(entry, FailedEntry):
            self._cells.labels("failed", "").inc()
        else:
            self._cells.labels(entry.status.value, entry.verdict.value if entry.verdict else "").inc()

    def waited(self, seconds: float) -> None:
        """A call has got its place."""
        self._wait_seconds.observe(seconds)

    def labelled(self, seconds: float) -> None:
        """A label was given."""
        self._label_seconds.observe(seconds)


class _Writing:
    """What is counted of a chat model's part in answers."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._answers = Counter(
            "fineprint_model_answers", "Answers that the chat model was to put into words, by what came of it.",
            ("outcome",), registry=registry,
        )  # fmt: skip
        self._calls = Counter("fineprint_model_calls", "Calls of the chat model.", registry=registry)
        self._tokens = Counter(
            "fineprint_model_tokens", "Tokens of these calls, as its server counts.", ("direction",), registry=registry
        )
        self._claims = Counter(
            "fineprint_model_claims", "Sentences that it wrote, by what became of them.", ("fate",), registry=registry
        )
        self._first_seconds = Histogram(
            "fineprint_model_first_claim_seconds", "From the question to the first proven sentence.",
            buckets=_SLOW, registry=registry,
        )  # fmt: skip

    def done(self, made: Generation) -> None:
        """An answer is there in which the chat model had a part."""
        self._calls.inc(made.calls)
        self._tokens.labels("input").inc(made.input_tokens)
        self._tokens.labels("output").inc(made.output_tokens)
        if made.failed or made.claims:
            known = made.failed in _FAILURES
            self._answers.labels(str(made.failed) if known else "other" if made.failed else "worded").inc()
        fates = {"repaired": made.repaired, "dropped": made.dropped}
        for fate, count in (*fates.items(), ("shown", made.claims - sum(fates.values()))):
            self._claims.labels(fate).inc(max(0, count))
        if made.first_claim_ms is not None:
            self._first_seconds.observe(made.first_claim_ms / 1000)


def add_metrics(app: FastAPI, metrics: Metrics, answers: Answers, warmth: Warmth, turnstile: Turnstile) -> None:
    """Adds ``/metrics``, in Prometheus' own form or, where it is asked for, as OpenMetrics."""
    metrics.registry.register(_Now(answers, warmth, turnstile))
    turnstile.waited = metrics.waited

    def scrape(request: Request) -> Response:
        # The library would read versions out of the header and repeat them; both forms have one that all understand.
        if "application/openmetrics-text" in request.headers.get("accept", ""):
            text = openmetrics.generate_latest(metrics.registry)  # type: ignore[no-untyped-call]
            return Response(text, headers={"Content-Type": openmetrics.CONTENT_TYPE_LATEST})
        return Response(generate_latest(metrics.registry), headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})

    app.add_route(PATH, scrape, methods=["GET", "HEAD"], include_in_schema=False)


class _Now(Collector):
    """What is looked at when it is asked for: the queue and the index."""

    def __init__(self, answers: Answers, warmth: Warmth, turnstile: Turnstile) -> None:
        self._answers = answers
        self._warmth = warmth
        self._turnstile = turnstile

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterator[Metric]:
        turnstile = self._turnstile
        yield GaugeMetricFamily("fineprint_queue_running", "Calls that are worked on.", turnstile.running)
        yield GaugeMetricFamily("fineprint_queue_waiting", "Calls that wait for a place.", turnstile.waiting)
        yield CounterMetricFamily(
            "fineprint_queue_turned_away", "Calls that found no place to wait.", turnstile.turned_away
        )
        yield CounterMetricFamily("fineprint_queue_gone", "Calls whose client went first.", turnstile.gone)
        yield GaugeMetricFamily("fineprint_ready", "1 if questions are answered without delay.", self._warmth.warm)
        try:
            policies, generation = len(self._answers.cards()), self._answers.generation
        except Exception as exc:  # no index yet, or a broken one: the other figures are needed then most of all
            logger.debug("the index cannot be looked at: %s", type(exc).__name__)
            return
        yield GaugeMetricFamily("fineprint_policies", "Indexed policies.", policies)
        yield GaugeMetricFamily("fineprint_index_generation", "Grows whenever the index changes.", generation)


class WatchedAnswers:
    """Answers like the service that it stands before, and counts what comes of it on every face."""

    def __init__(self, answers: Answers, metrics: Metrics) -> None:
        self._answers = answers
        self._metrics = metrics

    def ask(self, question: Question) -> Answer:
        """See ``Answers.ask``."""
        with self._failures():
            answer = self._answers.ask(question)
        self._metrics.answered(answer)
        return answer

    def ask_plainly(self, question: Question) -> Answer:
        """See ``Answers.ask_plainly``."""
        with self._failures():
            answer = self._answers.ask_plainly(question)
        self._metrics.answered(answer)
        return answer

    def stream(self, question: Question) -> Iterator[Step]:
        """See ``Answers.stream``."""
        with self._failures():
            steps = self._answers.stream(question)
        return self._counted(steps)

    def cards(self, query: str = "", limit: int | None = None) -> tuple[PolicyCard, ...]:
        """See ``Answers.cards``."""
        return self._answers.cards(query, limit)

    def policy(self, scope: str) -> IndexedPolicy:
        """See ``Answers.policy``."""
        return self._answers.policy(scope)

    @property
    def encoder(self) -> TextEncoder:
        """See ``Answers.encoder``."""
        return self._answers.encoder

    def ask_in(self, question: Question, source: IndexedPolicy) -> Answer:
        """See ``Answers.ask_in``."""
        with self._failures():
            answer = self._answers.ask_in(question, source)
        self._metrics.answered(answer)
        return answer

    def stream_in(self, question: Question, source: IndexedPolicy) -> Iterator[Step]:
        """See ``Answers.stream_in``."""
        with self._failures():
            steps = self._answers.stream_in(question, source)
        return self._counted(steps)

    def label(self, scope: str) -> Label:
        """See ``Answers.label``."""
        began = time.perf_counter()
        label = self._answers.label(scope)
        self._metrics.labelled(time.perf_counter() - began)
        return label

    def compare(self, question: Question, scopes: Sequence[str | IndexedPolicy]) -> Iterator[Entry | FailedEntry]:
        """See ``Answers.compare``."""
        with self._failures():
            entries = self._answers.compare(question, scopes)
        return self._compared(entries)

    def changes(self, older: str, newer: str, about: str | None = None) -> Changes:
        """See ``Answers.changes``."""
        return self._answers.changes(older, newer, about)

    def limited(self, domains: Collection[str]) -> Answers:
        """See ``Answers.limited``: counted with the whole service."""
        return WatchedAnswers(self._answers.limited(domains), self._metrics)

    @property
    def generation(self) -> int:
        """See ``Answers.generation``."""
        return self._answers.generation

    def warm_up(self) -> None:
        """See ``Answers.warm_up``."""
        self._answers.warm_up()

    def close(self) -> None:
        """See ``Answers.close``."""
        self._answers.close()

    def _counted(self, steps: Iterator[Step]) -> Iterator[Step]:
        with self._failures():
            for step in steps:
                if isinstance(step, Answer):
                    self._metrics.answered(step)
                yield step

    def _compared(self, entries: Iterator[Entry | FailedEntry]) -> Iterator[Entry | FailedEntry]:
        with self._failures():
            for entry in entries:
                self._metrics.compared(entry)
                yield entry

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except Exception as exc:
            self._metrics.failed(exc)
            raise
