"""``fineprint bench``: time, memory and disk, measured on this machine, with every single measurement kept.

Three parts: the rate of encoding beside that of plain matrix products (``eval.rates``), fineprint beside the tutorial
pipeline (``eval.speed``), and questions as the index grows (``eval.scale``). A part that is done lies in a file of its
own, so that a run that was stopped can go on.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import statistics
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, TypeVar

from eval.cases import BUNDLED, SAMPLES, Case, read_cases
from eval.machine import free_mb, load, this_machine
from eval.rates import Rate
from eval.reporting import shown
from eval.scale import Asked, Filled, Kind, Opened, Size, TooLarge, disk_mb, room_for
from eval.scale import as_markdown as scale_markdown
from eval.scale import as_svg as scale_svg
from eval.speed import Bench, Corpus, Row, System, as_markdown, as_svg, installed, run_child, summarise
from qa.errors import UsageError
from qa.library import FILE

__all__ = ["QUICK", "Load", "Measured", "Plan", "measured_of", "run_bench", "summary_of"]

SIZES: Final = (4, 1_000, 100_000)
_WORK: Final = ".fineprint-bench"

_NOT_INSTALLED: Final = "The tutorial pipeline's libraries are not here: `pip install 'fineprint[bench]'`."

Show = Callable[[int, int | None, str], None]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be measured.

    Attributes:
        policies: a folder of policies.
        cases: questions about them.
        sizes: of the recombined indexes, in policies.
        ingests, cold, warm: how often each system ingests, is asked cold, and is asked warm at most.
        asked: questions at each size, again and for the first time.
        turns: of encoding and matrix products.
        timeout_s: limit for one process.
    """

    policies: Path = SAMPLES
    cases: Path = BUNDLED
    sizes: tuple[int, ...] = SIZES
    ingests: int = 3
    cold: int = 5
    warm: int = 100
    asked: int = 200
    turns: int = 5
    timeout_s: float = 7_200


QUICK: Final = Plan(sizes=(4, 1_000), ingests=1, cold=2, warm=30, asked=50, turns=3)
"""A few minutes: enough to see whether something has become slow."""


@dataclass(frozen=True, slots=True)
class Load:
    """How many processes computed or waited to, when a part began and when it ended."""

    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Measured:
    """What came of it.

    Attributes:
        loads: the machine's load at each part, by its name.
    """

    rates: tuple[Rate, ...]
    rows: tuple[Row, ...]
    corpus: Corpus
    sizes: tuple[Size, ...]
    too_large: tuple[TooLarge, ...]
    loads: Mapping[str, Load]


Rows = list[dict[str, Any]]
"""What a part has measured, as it is written down: each with its kind under ``what``."""


def run_bench(
    plan: Plan,
    out: Path,
    *,
    resume: bool,
    show: Show,
    tell: Callable[[str], None],
    measure: Callable[[str], Rows] | None = None,
) -> str:
    """Measures what the plan says, writes everything into a folder and returns the summary as Markdown.

    Args:
        plan: what to measure.
        out: gets ``rates.jsonl``, ``beside.jsonl``, a ``scale-….jsonl`` a size, parameters, summary and figures.
        resume: go on in a folder where a run with the same parameters was stopped.
        show: told how far the part at work is.
        tell: told of each thing that is measured, in a line.
        measure: measures the part of a name; what this module does but in tests.

    Raises:
        UsageError: the plan cannot be carried out, or the folder holds a run with other parameters.
        ChildFailed: a measured process failed.
    """
    cases = _usable(plan)
    parameters = {
        "plan": json.loads(json.dumps(asdict(plan), default=str)),
        "data": _data_hash(plan),
        "machine": asdict(this_machine()),
        "systems": [str(system) for system in installed()],
    }
    _prepare(out, parameters, resume=resume)
    work = out.resolve() / _WORK
    work.mkdir(mode=0o700, exist_ok=True)
    measure = measure or _Parts(plan, cases, work, show, tell).measure
    sizes = [f"scale-{policies}" for policies in plan.sizes]
    parts = {name: _kept(out / f"{name}.jsonl", name, measure) for name in ("rates", "beside", *sizes)}
    shutil.rmtree(work, ignore_errors=True)
    measured = measured_of(parts)
    summary = summary_of(measured, parameters)
    (out / "bench.md").write_text(summary, encoding="utf-8")
    if str(System.TUTORIAL) in parameters["systems"]:
        (out / "beside.svg").write_text(as_svg(summarise(measured.rows, measured.corpus)), encoding="utf-8")
    if measured.sizes:
        (out / "scale.svg").write_text(scale_svg(measured.sizes), encoding="utf-8")
    return summary


def measured_of(parts: Mapping[str, Rows]) -> Measured:
    """What the parts have measured, as it was before it was written down."""
    sizes, too_large = [], []
    for rows in (rows for name, rows in parts.items() if name.startswith("scale-")):
        too_large += _those(TooLarge, rows)
        if filled := _those(Filled, rows):
            asked = tuple(replace(each, kind=Kind(each.kind)) for each in _those(Asked, rows))
            sizes.append(Size(filled[0], _those(Opened, rows)[0], asked))
    return Measured(
        rates=tuple(_those(Rate, parts["rates"])),
        rows=tuple(replace(row, system=System(row.system)) for row in _those(Row, parts["beside"])),
        corpus=_those(Corpus, parts["beside"])[0],
        sizes=tuple(sizes),
        too_large=tuple(too_large),
        loads={name: _those(Load, rows)[0] for name, rows in parts.items()},
    )


def summary_of(measured: Measured, parameters: dict[str, Any]) -> str:
    """All of it in a page."""
    machine = parameters["machine"]
    memory = f", {machine['memory_mb'] / 1000:.0f} GB" if machine["memory_mb"] else ""
    made_on = (
        f"{machine['processor']}, {machine['processors']} processors{memory}, {machine['platform']}, Python"
        f" {machine['python']}; bf16 in hardware: {'yes' if machine['bf16'] else 'no'}; GPU:"
        f" {'yes' if machine['gpu'] else 'no'}."
    )
    loads = "; ".join(f"{name} {each.before:.1f} to {each.after:.1f}" for name, each in measured.loads.items())
    text = [
        "# What fineprint takes on this machine",
        "",
        made_on,
        "",
        f"Load average before and after each part: {loads}.",
        "",
        "## Beside the tutorial pipeline",
        "",
        f"{measured.corpus.policies:,} policies, {measured.corpus.sentences:,} sentences.",
        "" if System.TUTORIAL in parameters["systems"] else f"\n{_NOT_INSTALLED}\n",
        as_markdown(summarise(measured.rows, measured.corpus)),
        "## Encoding",
        "",
        _rates_markdown(measured.rates),
        "## As the index grows",
        "",
        scale_markdown(measured.sizes, measured.too_large),
    ]
    return "\n".join(text)


def _kept(file: Path, name: str, measure: Callable[[str], Rows]) -> Rows:
    """What a part has measured, now or in the run that is gone on with; its file is whole or not there."""
    if not file.exists():
        before = load()
        rows = measure(name)
        rows = [{"what": "Load", **asdict(Load(before, load()))}, *rows]
        _write_whole(file, "".join(json.dumps(row) + "\n" for row in rows))
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


@dataclass(frozen=True, slots=True)
class _Parts:
    """Measures the parts of a run, in processes of their own."""

    plan: Plan
    cases: Sequence[Case]
    work: Path
    show: Show
    tell: Callable[[str], None]

    def measure(self, name: str) -> Rows:
        """Measures the part of this name."""
        if name == "rates":
            return list(self.rates())
        if name == "beside":
            return list(self.beside())
        return list(self.size(int(name.removeprefix("scale-"))))

    def rates(self) -> Iterator[dict[str, Any]]:
        """The rate of encoding, in turns with matrix products."""
        command = ["-m", "eval.rates", "--policies", str(self.plan.policies), "--turns", str(self.plan.turns)]
        for n, row in enumerate(run_child(command, self.work, self.plan.timeout_s), start=1):
            self.show(n, self.plan.turns, "encoding")
            yield row

    def beside(self) -> Iterator[dict[str, Any]]:
        """Fineprint beside the tutorial pipeline."""
        done, systems = 0, installed()
        steps = len(systems) * (self.plan.ingests + 2 * self.plan.cold + 1) + 1

        def tell(line: str) -> None:
            nonlocal done
            done += 1
            self.tell(line)
            self.show(done, steps, "beside the tutorial")

        for old in System:
            shutil.rmtree(self.work / old.value, ignore_errors=True)
        bench = Bench(self.work, self.plan.policies, self.plan.timeout_s, systems, tell)
        rows = [
            *bench.ingest(self.plan.ingests),
            *bench.cold(self.cases, self.plan.cold),
            *bench.serving(self.cases, self.plan.cold),
        ]
        warm = bench.warm(self.cases)
        tell("warm questions: done")
        yield {"what": "Corpus", **asdict(warm.corpus)}
        for row in (*rows, *warm.rows):
            yield {"what": "Row", **asdict(row)}

    def size(self, policies: int) -> Iterator[dict[str, Any]]:
        """Questions to an index of so many policies; one that does not fit is said."""
        base = self._base()
        library_mb = disk_mb(base / FILE)
        if too_large := room_for(policies, library_mb / self._count(base), free_mb(self.work)):
            self.tell(f"{policies:,} policies: {too_large.reason}")
            yield {"what": "TooLarge", **asdict(too_large)}
            return
        index = self.work / f"scale-{policies}"
        common = ["--index", str(index), "--policies", str(policies)]
        fill = ["-m", "eval.scale", "fill", "--base", str(base), *common]
        for row in run_child(fill, self.work, self.plan.timeout_s):
            if "done" in row:
                self.show(row["done"], policies, f"filling an index with {policies:,} policies")
            else:
                yield row
        ask = ["-m", "eval.scale", "ask", "--questions", str(self.plan.asked), *common]
        self.show(0, None, f"asking {policies:,} policies")
        yield from run_child(ask, self.work, self.plan.timeout_s)
        self.tell(f"{policies:,} policies: done")
        shutil.rmtree(index, ignore_errors=True)

    def _base(self) -> Path:
        """An index of the real policies, for the sizes to be made of."""
        base = self.work / "base"
        if not (base / FILE).exists():
            self.show(0, None, "ingesting")
            making = self.work / "making"
            shutil.rmtree(making, ignore_errors=True)
            Bench(self.work, self.plan.policies, self.plan.timeout_s).ingest_into(making)
            making.rename(base)
        return base

    @staticmethod
    def _count(base: Path) -> int:
        from qa.library import Library

        with Library.open(base) as library:
            return len(library.cards())


def _usable(plan: Plan) -> list[Case]:
    """The questions that can be asked.

    Raises:
        UsageError: a number is too small, or nothing is left to ask.
    """
    if min(plan.ingests, plan.cold, plan.warm, plan.asked, plan.turns, *plan.sizes) < 1:
        raise UsageError("Counts and sizes must be at least 1.")
    cases = [case for case in read_cases(plan.cases) if case.proof][: plan.warm]
    if all(case.history for case in cases):
        raise UsageError(f"{plan.cases} has no question about one policy that stands alone: name another file.")
    return cases


def _prepare(out: Path, parameters: dict[str, Any], *, resume: bool) -> None:
    """Makes the folder ready: a run that is gone on with must be the same, another one's files are removed."""
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out} is a file: name a folder.")
    out.mkdir(parents=True, exist_ok=True)
    file = out / "parameters.json"
    if resume and file.exists():
        if _read_parameters(file) != parameters:
            raise UsageError(
                f"{out} holds a run with other policies, cases, options or another machine: leave out --resume, which"
                " measures everything anew, or name another folder with --out."
            )
        return
    for old in (*out.glob("scale-*.jsonl"), out / "rates.jsonl", out / "beside.jsonl"):
        old.unlink(missing_ok=True)
    shutil.rmtree(out / _WORK, ignore_errors=True)
    _write_whole(file, json.dumps(parameters, indent=1) + "\n")


def _read_parameters(file: Path) -> object:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _those(kind: type[T], rows: Rows) -> list[T]:
    """The rows of a kind, as it was before they were written down."""
    return [kind(**{k: v for k, v in row.items() if k != "what"}) for row in rows if row["what"] == kind.__name__]


def _rates_markdown(rates: Sequence[Rate]) -> str:
    def median(values: Sequence[float], digits: int) -> str:
        return shown(statistics.median(values), digits)

    return (
        "| measure | median |\n| --- | ---: |\n"
        f"| tokens a second | {median([each.tokens for each in rates], 0)} |\n"
        f"| billions of operations a second, encoding | {median([each.encoding for each in rates], 1)} |\n"
        f"| the same, plain matrix products in {rates[0].format} | {median([each.product for each in rates], 1)} |\n"
        f"| encoding, as a share of that | {median([each.share for each in rates], 2)} |\n"
        f"| encoding, as a share of that, in processor time | {median([each.share_cpu for each in rates], 2)} |\n"
    )


def _data_hash(plan: Plan) -> str:
    """Changes whenever policies or cases do."""
    digest = hashlib.sha256(plan.cases.read_bytes())
    for file in sorted(each for each in plan.policies.rglob("*") if each.is_file()):
        digest.update(f"\x1e{file.relative_to(plan.policies)}\x1f".encode("utf-8", "surrogateescape"))
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _write_whole(file: Path, text: str) -> None:
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=file.parent, prefix=".", delete=False) as made:
        made.write(text)
    Path(made.name).replace(file)
