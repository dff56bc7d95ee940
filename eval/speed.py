"""Measures time and memory of fineprint beside the tutorial pipeline, on the same machine in the same run.

::

    python -m eval.speed [--policies DIR] [--cases FILE] [--out DIR] [--trials N] [--ingests N] [--questions N]

Three measures, the two systems taking turns and swapping who goes first, so that a busy moment of the machine meets
both. *Ingest*: a fresh process into an empty folder, from start to exit. *Cold ask*: a fresh process answers one
question, from start to exit, with its peak memory; one run of each before that is not counted, as it fills the disk
cache and checks the model files, once per machine. *Warm ask*: two processes stay up and answer all questions;
the time is taken around the call, inside. Everything heavy happens in child processes; rows are kept as measured.
"""

from __future__ import annotations

import argparse
import contextlib
import html
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO

from eval.cases import BUNDLED, SAMPLES, Case, read_cases
from eval.metrics import percentile
from eval.reporting import shown
from qa.domain import Question, as_json

_UNCOUNTED_QUESTIONS = 3


class System(StrEnum):
    """What is measured."""

    FINEPRINT = "fineprint"
    TUTORIAL = "tutorial"


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement.

    Attributes:
        measure: ``ingest_s``, ``ingest_peak_mb``, ``cold_s``, ``cold_peak_mb`` or ``warm_ms``.
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
    """What a process took from start to exit."""

    elapsed_s: float
    peak_mb: float


class ChildFailed(RuntimeError):
    """A measured process ended with an error, so there is nothing to measure."""


@dataclass(frozen=True, slots=True)
class Warm:
    """The warm asks, with what the index held."""

    rows: tuple[Row, ...]
    corpus: Corpus


@dataclass(frozen=True, slots=True)
class Bench:
    """The three measurements; the last ingest's indexes serve the asks.

    Attributes:
        folder: scratch space.
        policies: what is ingested.
        timeout_s: limit for one process.
    """

    folder: Path
    policies: Path
    timeout_s: float

    def ingest(self, trials: int) -> Iterator[Row]:
        """Ingests into empty folders."""
        for trial in range(trials):
            for system in _turns(trial):
                index = self._index(system)
                if trial:
                    index.rename(index.with_name(f"{index.name}-{trial}"))
                ended = self._timed(self._ingest_command(system, index))
                sys.stderr.write(f"ingest, {system}: {ended.elapsed_s:.1f} s\n")
                yield Row("ingest_s", system, trial, ended.elapsed_s)
                yield Row("ingest_peak_mb", system, trial, ended.peak_mb)

    def cold(self, cases: Sequence[Case], trials: int) -> Iterator[Row]:
        """Asks one question in each of a number of fresh processes, after one that is not counted."""
        alone = [case for case in cases if not case.history]
        for trial in range(-1, trials):
            case = alone[trial % len(alone)]
            for system in _turns(trial):
                ended = self._timed(self._ask_command(system, case.asked()))
                sys.stderr.write(
                    f"cold ask, {system}: {ended.elapsed_s:.1f} s{'' if trial >= 0 else ' (not counted)'}\n"
                )
                if trial >= 0:
                    yield Row("cold_s", system, trial, ended.elapsed_s, case.id)
                    yield Row("cold_peak_mb", system, trial, ended.peak_mb, case.id)

    def warm(self, cases: Sequence[Case]) -> Warm:
        """Asks all questions of two processes that stay up, turn by turn."""
        rows: list[Row] = []
        with contextlib.ExitStack() as stack:
            up = {system: stack.enter_context(self._up(system)) for system in System}
            corpus = Corpus(**up[System.FINEPRINT].read())
            up[System.TUTORIAL].read()
            for system in System:
                for case in cases[:_UNCOUNTED_QUESTIONS]:
                    up[system].ask(case.asked())
            for trial, case in enumerate(cases):
                rows += [
                    Row("warm_ms", system, trial, up[system].ask(case.asked()), case.id) for system in _turns(trial)
                ]
        return Warm(tuple(rows), corpus)

    def _index(self, system: System) -> Path:
        return self.folder / system.value

    def _ingest_command(self, system: System, index: Path) -> list[str]:
        if system is System.TUTORIAL:
            return ["-m", "eval.tutorial", "ingest", str(self.policies), "--index", str(index)]
        return ["-m", "eval.speed", "--child", "ingest", "--policies", str(self.policies), "--index", str(index)]

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
            process = subprocess.Popen([sys.executable, *command], stdout=subprocess.DEVNULL, stderr=errors)  # noqa: S603
            limit = threading.Timer(self.timeout_s, process.kill)
            limit.start()
            try:
                _, status, usage = os.wait4(process.pid, 0)
            finally:
                limit.cancel()
            elapsed_s = time.perf_counter() - start
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                errors.seek(0)
                said = errors.read().decode(errors="replace").strip()
                raise ChildFailed(f"{' '.join(command)} ended with {process.returncode}: {said[-2000:]}")
        # Kilobytes on Linux, bytes on macOS. A child starts at its parent's size, so this process must stay small.
        scale = 1 if sys.platform == "darwin" else 1024
        return Ended(elapsed_s, usage.ru_maxrss * scale / 1e6)

    @contextlib.contextmanager
    def _up(self, system: System) -> Iterator[Conversation]:
        command = [sys.executable, "-m", "eval.speed", "--child", system.value, "--index", str(self._index(system))]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
            limit = threading.Timer(self.timeout_s, process.kill)
            limit.start()
            try:
                assert process.stdin is not None
                assert process.stdout is not None
                yield Conversation(system, process.stdin, process.stdout)
                process.stdin.close()
            finally:
                limit.cancel()


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
            raise ChildFailed(f"{self.system} ended while it was asked; see its message above")
        said: dict[str, int] = json.loads(line)
        return said


def summarise(rows: Sequence[Row], corpus: Corpus) -> list[Line]:
    """The table: medians of the trials, percentiles of the warm asks, throughput from the ingest's median."""

    def values(measure: str, system: System) -> list[float]:
        return [row.value for row in rows if row.measure == measure and row.system is system]

    def line(name: str, measure: str, figure: Callable[[list[float]], float | None]) -> Line:
        each = [figure(found) if (found := values(measure, system)) else None for system in System]
        return Line(name, *each)

    return [
        line("ingest, policies a second", "ingest_s", lambda s: corpus.policies / statistics.median(s)),
        line("ingest, sentences a second", "ingest_s", lambda s: corpus.sentences / statistics.median(s)),
        line("ingest time, s", "ingest_s", statistics.median),
        line("ingest peak memory, MB", "ingest_peak_mb", statistics.median),
        line("cold ask, s", "cold_s", statistics.median),
        line("cold ask peak memory, MB", "cold_peak_mb", statistics.median),
        line("warm answer p50, ms", "warm_ms", lambda ms: percentile(ms, 0.5)),
        line("warm answer p95, ms", "warm_ms", lambda ms: percentile(ms, 0.95)),
    ]


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


def _turns(trial: int) -> tuple[System, System]:
    """Who goes first, swapped every time."""
    return (System.FINEPRINT, System.TUTORIAL) if trial % 2 == 0 else (System.TUTORIAL, System.FINEPRINT)


def _machine(corpus: Corpus) -> dict[str, str | int]:
    return {
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count() or 0,
        "policies": corpus.policies,
        "sentences": corpus.sentences,
    }


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
    """The command line; see the module's text."""
    parser = argparse.ArgumentParser(prog="python -m eval.speed", description="Time and memory beside the tutorial.")
    parser.add_argument("--policies", type=Path, help="folder to ingest (default: the samples)")
    parser.add_argument("--cases", type=Path, default=BUNDLED, help="questions to ask (default: the bundled ones)")
    parser.add_argument("--out", type=Path, default=Path("speed-results"), help="folder for rows, table and figure")
    parser.add_argument("--trials", type=int, default=5, help="cold asks of each system")
    parser.add_argument("--ingests", type=int, default=1, help="ingests by each system")
    parser.add_argument("--questions", type=int, default=100, help="warm asks of each system, at most")
    parser.add_argument("--timeout-s", type=float, default=1800, help="limit for one process")
    parser.add_argument("--child", choices=["ingest", *System], help=argparse.SUPPRESS)
    parser.add_argument("--index", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.child == "ingest":
        _ingest(options.policies, options.index)
        return 0
    if options.child:
        _stay_up(System(options.child), options.index)
        return 0
    if min(options.trials, options.ingests, options.questions) < 1:
        parser.error("--trials, --ingests and --questions must be at least 1")
    policies = (options.policies or SAMPLES).resolve()
    cases = [case for case in read_cases(options.cases) if case.proof][: options.questions]
    if all(case.history for case in cases):
        parser.error(f"{options.cases} has no question about one policy that stands alone")
    with tempfile.TemporaryDirectory(prefix="fineprint-speed-", ignore_cleanup_errors=True) as folder:
        bench = Bench(Path(folder), policies, options.timeout_s)
        rows = [*bench.ingest(options.ingests), *bench.cold(cases, options.trials)]
        warm = bench.warm(cases)
        rows += warm.rows
    lines = summarise(rows, warm.corpus)
    table = as_markdown(lines)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "rows.jsonl").write_text("".join(json.dumps(asdict(row)) + "\n" for row in rows), encoding="utf-8")
    (options.out / "parameters.json").write_text(json.dumps(_machine(warm.corpus), indent=1) + "\n", encoding="utf-8")
    (options.out / "speed.md").write_text(table, encoding="utf-8")
    (options.out / "speed.svg").write_text(as_svg(lines), encoding="utf-8")
    sys.stdout.write(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
