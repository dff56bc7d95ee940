"""Measures time and memory of fineprint beside the tutorial pipeline, on the same machine in the same run.

The two systems take turns and swap who goes first, so that a busy moment of the machine meets both. *Ingest*: a fresh
process into an empty folder, from start to exit. *Cold ask*: a fresh process answers one question, from start to exit,
with its peak memory; one run of each before that is not counted, as it fills the disk cache and checks the model files,
once per machine. *Serve*: from the command to the first answer over HTTP, beside a cold ask of the tutorial's, and the
memory that is taken while nothing is asked. *Warm ask*: two processes stay up and answer all questions; the time is
taken around the call, inside. Everything heavy happens in child processes; rows are kept as measured.
"""

from __future__ import annotations

import argparse
import contextlib
import html
import importlib.util
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO, Any

from eval.cases import Case
from eval.machine import memory_mb, peak_mb
from eval.metrics import percentile
from eval.reporting import shown
from qa.domain import Question, as_json
from qa.errors import FineprintError
from qa.settings import PREFIX

__all__ = [
    "Bench", "ChildFailed", "Corpus", "Line", "Row", "System", "as_markdown", "as_svg", "installed", "run_child",
    "summarise",
]  # fmt: skip

_UNCOUNTED_QUESTIONS = 3
_IDLE_S = 5.0
"""A service that has just answered still puts things away."""


class System(StrEnum):
    """What is measured."""

    FINEPRINT = "fineprint"
    TUTORIAL = "tutorial"


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement.

    Attributes:
        measure: ``ingest_s``, ``ingest_cpu_s``, ``ingest_peak_mb``, ``cold_s``, ``cold_cpu_s``, ``cold_peak_mb``,
            ``serve_s``, ``serve_idle_mb`` or ``warm_ms``.
        trial: from 0; for ``warm_ms`` the position of the question.
        case: id of the question, or empty.
    """

    measure: str
    system: System
    trial: int
    value: float
    case: str = ""


@dataclass(frozen=True, slots=True)
class Corpus:
    """What was ingested, counted by fineprint."""

    policies: int
    sentences: int


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table: a measure with a value for either system, None where nothing was measured."""

    name: str
    fineprint: float | None
    tutorial: float | None

    @property
    def ratio(self) -> float | None:
        """Fineprint's value as a multiple of the tutorial's."""
        return self.fineprint / self.tutorial if self.fineprint is not None and self.tutorial else None


@dataclass(frozen=True, slots=True)
class Ended:
    """What a process took from start to exit; ``cpu_s`` on all processors together, whatever else they did."""

    elapsed_s: float
    cpu_s: float
    peak_mb: float


class ChildFailed(FineprintError):
    """A measured process ended with an error, so there is nothing to measure."""

    code = "measured_process_failed"


def installed() -> tuple[System, ...]:
    """The systems that can be measured here: the tutorial's libraries may not be there."""
    needed = ("langchain_chroma", "langchain_huggingface", "langchain_text_splitters")
    return tuple(System) if all(importlib.util.find_spec(name) for name in needed) else (System.FINEPRINT,)


@dataclass(frozen=True, slots=True)
class _Served:
    """What a service took until its first answer, and takes while nothing is asked."""

    first_answer_s: float
    idle_mb: float


@dataclass(frozen=True, slots=True)
class Warm:
    """The warm asks, with what the index held."""

    rows: tuple[Row, ...]
    corpus: Corpus


@dataclass(frozen=True, slots=True)
class Bench:
    """The measurements; the last ingest's indexes serve the asks.

    Attributes:
        folder: scratch space.
        policies: what is ingested.
        timeout_s: limit for one process.
        systems: what is measured.
        tell: told of each thing that is done.
    """

    folder: Path
    policies: Path
    timeout_s: float
    systems: tuple[System, ...] = tuple(System)
    tell: Callable[[str], None] = lambda _: None

    def ingest(self, trials: int) -> Iterator[Row]:
        """Ingests into empty folders."""
        for trial in range(trials):
            for system in self._turns(trial):
                index = self._index(system)
                if trial:
                    index.rename(index.with_name(f"{index.name}-{trial}"))
                ended = self._timed(self._ingest_command(system, index))
                self.tell(f"ingest, {system}: {ended.elapsed_s:.1f} s")
                yield Row("ingest_s", system, trial, ended.elapsed_s)
                yield Row("ingest_cpu_s", system, trial, ended.cpu_s)
                yield Row("ingest_peak_mb", system, trial, ended.peak_mb)

    def ingest_into(self, index: Path) -> None:
        """Has fineprint ingest once, unmeasured."""
        self._timed(self._ingest_command(System.FINEPRINT, index))

    def cold(self, cases: Sequence[Case], trials: int) -> Iterator[Row]:
        """Asks one question in each of a number of fresh processes, after one that is not counted."""
        alone = [case for case in cases if not case.history]
        for trial in range(-1, trials):
            case = alone[trial % len(alone)]
            for system in self._turns(trial):
                ended = self._timed(self._ask_command(system, case.asked()))
                self.tell(f"cold ask, {system}: {ended.elapsed_s:.1f} s{'' if trial >= 0 else ' (not counted)'}")
                if trial >= 0:
                    yield Row("cold_s", system, trial, ended.elapsed_s, case.id)
                    yield Row("cold_cpu_s", system, trial, ended.cpu_s, case.id)
                    yield Row("cold_peak_mb", system, trial, ended.peak_mb, case.id)

    def serving(self, cases: Sequence[Case], trials: int) -> Iterator[Row]:
        """Starts the service and asks it one question as soon as it listens, beside a cold ask of the tutorial's."""
        alone = [case for case in cases if not case.history]
        for trial in range(trials):
            case = alone[trial % len(alone)]
            for system in self._turns(trial):
                if system is System.FINEPRINT:
                    served = self._served(case.asked())
                    yield Row("serve_idle_mb", system, trial, served.idle_mb, case.id)
                    elapsed_s = served.first_answer_s
                else:
                    elapsed_s = self._timed(self._ask_command(system, case.asked())).elapsed_s
                self.tell(f"first answer, {system}: {elapsed_s:.1f} s")
                yield Row("serve_s", system, trial, elapsed_s, case.id)

    def warm(self, cases: Sequence[Case]) -> Warm:
        """Asks all questions of two processes that stay up, turn by turn."""
        rows: list[Row] = []
        with contextlib.ExitStack() as stack:
            up = {system: stack.enter_context(self._up(system)) for system in self.systems}
            found = {system: each.read() for system, each in up.items()}
            corpus = Corpus(**found[System.FINEPRINT])
            for system in self.systems:
                for case in cases[:_UNCOUNTED_QUESTIONS]:
                    up[system].ask(case.asked())
            for trial, case in enumerate(cases):
                asked = case.asked()
                rows += [Row("warm_ms", each, trial, up[each].ask(asked), case.id) for each in self._turns(trial)]
        return Warm(tuple(rows), corpus)

    def _index(self, system: System) -> Path:
        return self.folder / system.value

    def _ingest_command(self, system: System, index: Path) -> list[str]:
        if system is System.TUTORIAL:
            return ["-m", "eval.tutorial", "ingest", str(self.policies), "--index", str(index)]
        return ["-m", "eval.speed", "ingest", "--policies", str(self.policies), "--index", str(index)]

    def _ask_command(self, system: System, question: Question) -> list[str]:
        index = str(self._index(system))
        if system is System.TUTORIAL:
            return ["-m", "eval.tutorial", "ask", "--index", index, "--", question.text]
        scope = ["--scope", question.scope] if question.scope else []
        return ["-m", "ui", "ask", "--index", index, "--json", *scope, "--", question.text]

    def _timed(self, command: Sequence[str]) -> Ended:
        """Runs a Python command to its end; its memory is its own, not that of earlier children."""
        with tempfile.TemporaryFile() as errors:
            start = time.perf_counter()
            process = subprocess.Popen(  # noqa: S603
                [sys.executable, *command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                cwd=self.folder,
                env=_environment(),
                process_group=0,  # Ctrl+C is for this process, which ends its children
            )
            limit = threading.Timer(self.timeout_s, process.kill)
            limit.start()
            try:
                _, status, usage = os.wait4(process.pid, 0)
            except BaseException:
                process.kill()
                process.wait()
                raise
            finally:
                limit.cancel()
            elapsed_s = time.perf_counter() - start
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                errors.seek(0)
                said = errors.read().decode(errors="replace").strip()
                raise ChildFailed(f"{' '.join(command)} ended with {process.returncode}: {said[-2000:]}")
        # A child starts at its parent's size, so this process must stay small.
        return Ended(elapsed_s, usage.ru_utime + usage.ru_stime, peak_mb(usage))

    def _served(self, question: Question) -> _Served:
        """What a service takes that is started, asked once and stopped."""
        command = ["-m", "ui", "serve", "--port", "0", "--index", str(self._index(System.FINEPRINT))]
        body = json.dumps({"question": question.text, **({"scope": question.scope} if question.scope else {})})
        start = time.perf_counter()
        with _running(command, self.folder, self.timeout_s) as process:
            assert process.stdout is not None
            address = re.search(r"http://\S+", process.stdout.readline())
            if address is None:
                raise ChildFailed("The service did not start; see its message above.")
            request = urllib.request.Request(  # noqa: S310 - it has said so itself, on this machine
                f"{address[0]}/api/v1/ask", body.encode(), {"Content-Type": "application/json"}
            )
            try:
                with urllib.request.urlopen(request, timeout=self.timeout_s) as answer:  # noqa: S310
                    answer.read()
            except OSError as exc:
                raise ChildFailed(f"The service did not answer ({exc}); see its message above.") from exc
            first_answer_s = time.perf_counter() - start
            time.sleep(_IDLE_S)
            idle_mb = memory_mb(process.pid)
            process.terminate()
        return _Served(first_answer_s, idle_mb)

    @contextlib.contextmanager
    def _up(self, system: System) -> Iterator[Conversation]:
        command = ["-m", "eval.speed", system.value, "--index", str(self._index(system))]
        with _running(command, self.folder, self.timeout_s) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            yield Conversation(system, process.stdin, process.stdout)
            process.stdin.close()

    def _turns(self, trial: int) -> tuple[System, ...]:
        """Who goes first, swapped every time."""
        return self.systems if trial % 2 == 0 else self.systems[::-1]


@contextlib.contextmanager
def _running(command: Sequence[str], folder: Path, timeout_s: float) -> Iterator[subprocess.Popen[str]]:
    """A Python command that stays up and is talked to; it is ended with the block, or when its time is over."""
    with subprocess.Popen(  # noqa: S603
        [sys.executable, *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=folder,
        env=_environment(),
        process_group=0,
    ) as process:
        limit = threading.Timer(timeout_s, process.kill)
        limit.start()
        try:
            yield process
        except BaseException:
            process.kill()
            raise
        finally:
            limit.cancel()


def _environment() -> dict[str, str]:
    """What measured processes get to see: no settings of a service that this machine may run.

    Threads of torch sleep while they wait, as ours do: spinning ones slow down whoever computes next.
    """
    kept = {"FINEPRINT_CACHE", "FINEPRINT_THREADS", "FINEPRINT_EMBEDDING_MODEL"}
    ours = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX) or name in kept}
    return {**ours, "OMP_WAIT_POLICY": "PASSIVE"}


def run_child(command: Sequence[str], folder: Path, timeout_s: float) -> Iterator[dict[str, Any]]:
    """Runs a Python command in a folder that says JSON objects, one a line, and gives them as they come.

    Raises:
        ChildFailed: it ended with an error, or its time was over.
    """
    with _running(command, folder, timeout_s) as process:
        assert process.stdout is not None
        for line in process.stdout:
            yield json.loads(line)
    if process.returncode:
        raise ChildFailed(f"{' '.join(command[:3])} ended with {process.returncode}; see its message above.")


@dataclass(frozen=True, slots=True)
class Conversation:
    """A process that stays up: a question a line in, a JSON object a line out."""

    system: System
    into: IO[str]
    out: IO[str]

    def ask(self, question: Question) -> float:
        """The milliseconds that one answer took inside the process."""
        self.into.write(json.dumps(as_json(question)) + "\n")
        self.into.flush()
        return float(self.read()["ms"])

    def read(self) -> dict[str, int]:
        """The next line that the process says."""
        line = self.out.readline()
        if not line:
            raise ChildFailed(f"{self.system} ended while it was asked; see its message above.")
        said: dict[str, int] = json.loads(line)
        return said


def summarise(rows: Sequence[Row], corpus: Corpus) -> list[Line]:
    """The table: medians of the trials, percentiles of the warm asks, throughput from the ingest's median."""

    def values(measure: str, system: System) -> list[float]:
        return [row.value for row in rows if row.measure == measure and row.system is system]

    def line(name: str, measure: str, figure: Callable[[list[float]], float | None]) -> Line:
        each = [figure(found) if (found := values(measure, system)) else None for system in System]
        return Line(name, *each)

    lines = [
        line("ingest, policies a second", "ingest_s", lambda s: corpus.policies / statistics.median(s)),
        line("ingest, sentences a second", "ingest_s", lambda s: corpus.sentences / statistics.median(s)),
        line("ingest time, s", "ingest_s", statistics.median),
        line("ingest processor time, s", "ingest_cpu_s", statistics.median),
        line("ingest peak memory, MB", "ingest_peak_mb", statistics.median),
        line("cold ask, s", "cold_s", statistics.median),
        line("cold ask processor time, s", "cold_cpu_s", statistics.median),
        line("cold ask peak memory, MB", "cold_peak_mb", statistics.median),
        line("serve: first answer, s", "serve_s", statistics.median),
        line("serve: memory when idle, MB", "serve_idle_mb", statistics.median),
        line("warm answer p50, ms", "warm_ms", lambda ms: percentile(ms, 0.5)),
        line("warm answer p95, ms", "warm_ms", lambda ms: percentile(ms, 0.95)),
    ]
    return [each for each in lines if each.fineprint is not None or each.tutorial is not None]


def as_markdown(lines: Sequence[Line]) -> str:
    """The lines as a Markdown table."""
    head = "| measure | fineprint | tutorial | fineprint / tutorial |\n| --- | ---: | ---: | ---: |\n"
    return head + "".join(
        f"| {line.name} | {shown(line.fineprint, 2)} | {shown(line.tutorial, 2)} | {shown(line.ratio, 2)} |\n"
        for line in lines
    )


def as_svg(lines: Sequence[Line]) -> str:
    """The ratios of everything that should be small, as bars beside a line at 1, the tutorial."""
    bars = [(line.name, line.ratio) for line in lines if line.ratio is not None and "a second" not in line.name]
    left, width, row = 190, 360, 28
    longest = max([1.0, *(ratio for _, ratio in bars)])
    scale = width / (longest * 1.15)
    height = 44 + row * len(bars)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + width + 20} {height}" role="img">',
        "<title>fineprint as a multiple of the tutorial pipeline; shorter is better</title>",
        "<style>text { font: 12px sans-serif; fill: #333 }</style>",
        '<rect width="100%" height="100%" fill="#fff"/>',
        '<text x="8" y="18">fineprint / tutorial (line: tutorial = 1; shorter is better)</text>',
    ]
    for n, (name, ratio) in enumerate(bars):
        y = 32 + n * row
        parts.append(f'<text x="{left - 8}" y="{y + 14}" text-anchor="end">{html.escape(name)}</text>')
        parts.append(f'<rect x="{left}" y="{y}" width="{ratio * scale:.1f}" height="18" fill="#2f6f9f"/>')
        parts.append(f'<text x="{left + ratio * scale + 6:.1f}" y="{y + 14}">{ratio:.2f}</text>')
    at = left + scale
    parts.append(f'<line x1="{at:.1f}" y1="26" x2="{at:.1f}" y2="{height - 8}" stroke="#b33" stroke-dasharray="4 3"/>')
    return "\n".join([*parts, "</svg>", ""])


def _ingest(policies: Path, index: Path) -> None:
    from ingest.pipeline import ingest_paths
    from qa.settings import load_settings

    ingest_paths([policies], load_settings({"index": index}))


def _stay_up(system: System, index: Path) -> None:
    """Says what the index holds, then answers one question a line with the milliseconds it took."""
    # What a library prints must not come between the lines.
    with contextlib.redirect_stdout(sys.stderr):
        said = sys.__stdout__
        assert said is not None
        ask: Callable[[Question], object]
        if system is System.TUTORIAL:
            from eval.tutorial import Tutorial

            # Without picking a sentence, which stands for a chat model here.
            ask = Tutorial(index).search
            corpus = Corpus(0, 0)
        else:
            from qa.service import PolicyQA
            from qa.settings import load_settings

            service = PolicyQA.open(load_settings({"index": index}))
            service.warm_up()
            ask = service.ask
            sentences = [len(service.policy(card.id).sentences()) for card in service.cards()]
            corpus = Corpus(len(sentences), sum(sentences))
        said.write(json.dumps(asdict(corpus)) + "\n")
        said.flush()
        for line in sys.stdin:
            asked = json.loads(line)
            question = Question(asked["text"], tuple(asked["history"]), asked["scope"], id=asked["id"])
            start = time.perf_counter()
            ask(question)
            said.write(json.dumps({"ms": (time.perf_counter() - start) * 1000}) + "\n")
            said.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """A process that is measured."""
    parser = argparse.ArgumentParser(prog="python -m eval.speed", description="Used by `fineprint bench`.")
    parser.add_argument("work", choices=["ingest", *System])
    parser.add_argument("--policies", type=Path)
    parser.add_argument("--index", type=Path, required=True)
    options = parser.parse_args(arguments)
    if options.work == "ingest":
        _ingest(options.policies, options.index)
    else:
        _stay_up(System(options.work), options.index)
    return 0


if __name__ == "__main__":
    sys.exit(main())
