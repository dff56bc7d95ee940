"""Fineprint beside simpler systems on the same cases: one table with intervals, a figure, and how sure the lead is.

What ``fineprint eval baselines`` runs. The systems answer one after the other, from the same files; each one's own run
is saved as ``fineprint eval`` saves one.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import html
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from eval.cases import BUNDLED, SAMPLES, Case, InvalidCases, check_proofs, read_policies, settled, sound_cases
from eval.engines import Engine, engines_of, probe
from eval.evaluating import describe
from eval.intervals import PairedTest, paired_tests, units_of
from eval.metrics import MEASURES
from eval.reporting import save, save_json, save_text, shown
from eval.rivals import BASELINES, BM25, DENSE, DENSE_TUNED, TUTORIAL, TUTORIAL_SCOPED, FirstSentences
from eval.running import Ask, Row, Run, policy_of, run_eval
from qa.domain import EXTRACTIVE
from qa.errors import FineprintError, UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from qa.encoders import TextEncoder
    from qa.library import Manifest
    from qa.reading import Reader
    from qa.settings import Settings

__all__ = ["InvalidBaselines", "Material", "Rival", "as_markdown", "as_svg", "compare_with_baselines", "leads"]

FIGURES = {
    "right_and_proven": "right and proven",
    "verdict_accuracy": "verdict right",
    "not_stated_f1": "F1 of silence",
    "hit_at_1": "first citation is proof",
    "hit_at_3": "one of the first three is",
    "citation_precision": "citations that are proof",
    "evidence_recall": "evidence cited",
    "routing_accuracy": "right company found",
}
_DRAWN = ("right_and_proven", "hit_at_1", "verdict_accuracy")
_COLOURS = ("#9aa5b1", "#7b8794", "#616e7c", "#b8926a", "#96703f")
_OURS = "#2f6f9f"


class InvalidBaselines(UsageError):
    """What is to be compared with is not named as it has to be."""

    code = "invalid_baselines"


@dataclass(frozen=True, slots=True)
class Material:
    """What every system gets.

    Attributes:
        texts: of the policies asked about, by file stem.
        paths: what is ingested.
    """

    name: str
    cases: tuple[Case, ...]
    texts: Mapping[str, str]
    paths: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Rival:
    """What became of one system.

    Attributes:
        does: what it does, in a few words.
        run: None where it could not be asked.
        problem: why not, or empty.
    """

    name: str
    does: str
    run: Run | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class _System:
    """What is to be asked; ``opened`` sets it up."""

    name: str
    does: str
    opened: Callable[[], contextlib.AbstractContextManager[_Open]]


@dataclass(frozen=True, slots=True)
class _Open:
    """A system that can be asked.

    Attributes:
        policies: how many it has read.
        texts: of the policies asked about, those that it has read.
    """

    ask: Ask
    manifest: Manifest
    policies: int
    texts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Workshop:
    """Where the systems are set up: each index is made once, when it is first needed."""

    folder: Path
    material: Material
    settings: Settings
    tuned: TextEncoder
    published: TextEncoder
    reader: Reader | None
    console: Console

    @contextlib.contextmanager
    def service(
        self, encoder: TextEncoder, reader: Reader | None = None, engine: Engine | None = None
    ) -> Iterator[_Open]:
        """The service over an index made with this encoder; with the reader of the settings if none is named."""
        from qa.service import PolicyQA

        index = self.folder / ("tuned" if encoder is self.tuned else "published")
        own = engine.settings if engine else self.settings.model_copy(update={"llm": None})
        settings = own.model_copy(update={"index": index, "chroma_url": None, "scope": None})
        if not index.exists():
            from ingest.pipeline import ingest_paths

            with self.console.status(f"Reading the policies with {encoder.name} …"):
                report = ingest_paths(self.material.paths, settings, encoder=encoder)
            for refusal in report.refused:
                self.console.print(f"refused {refusal.name}: {refusal.message}", markup=False, highlight=False)
        from ingest.pipeline import manifest_of

        with PolicyQA.open(settings, encoder=encoder, reader=reader or self.reader) as service:
            service.warm_up()
            stems = [card.id.replace("@", "__") for card in service.cards()]
            texts = {stem: text for stem, text in self.material.texts.items() if stem in stems}
            yield _Open(service.ask, manifest_of(encoder), len(stems), texts)

    @contextlib.contextmanager
    def tutorial(self, *, within: bool) -> Iterator[_Open]:
        """The tutorial's pipeline over an index of its own."""
        from eval.tutorial import CHUNK_CHARS, OVERLAP_CHARS, Tutorial
        from qa.library import Manifest

        index = self.folder / "tutorial"
        fresh = not index.exists()
        tutorial = Tutorial(index)
        if fresh:
            with self.console.status("Reading the policies as tutorials do …"):
                tutorial.ingest(self.material.paths)
        manifest = Manifest("all-MiniLM-L6-v2", "as bundled", 384, f"recursive {CHUNK_CHARS}/{OVERLAP_CHARS}", "l2")
        yield _Open(
            lambda question: tutorial.ask(question, within=within), manifest, tutorial.policies, self.material.texts
        )


def compare_with_baselines(
    cases_path: Path | None,
    policies_dir: Path | None,
    out_dir: Path | None,
    settings: Settings,
    console: Console,
    *,
    baselines: Sequence[str] = (),
    engines: Sequence[str] = (),
    encoder: TextEncoder | None = None,
    published: TextEncoder | None = None,
    reader: Reader | None = None,
) -> int:
    """Asks fineprint and simpler systems the same cases, and shows and saves them side by side.

    Args:
        cases_path: a file of cases; by default the bundled ones.
        policies_dir: what to ingest; by default the samples.
        out_dir: where the table, the figure and every system's run go; by default a new folder under
            ``settings.cache``.
        settings: everything but the index and the scope.
        console: where the table and the progress go.
        baselines: names of those in ``BASELINES``; by default all.
        engines: ours, as for ``fineprint eval``; by default the extractive one, and the chat model that is set.
        encoder: instead of the one that the settings name.
        published: instead of all-MiniLM-L6-v2.
        reader: instead of the service's own.

    Returns:
        The exit code: 0, or 1 where something that was named could not be asked.

    Raises:
        FineprintError: the cases, policies or names cannot be used, or the results not be saved.
    """
    from qa.encoders import BundledEncoder, open_encoder

    names = _chosen(baselines)
    ours = engines_of(engines or [EXTRACTIVE, *([settings.llm] if settings.llm else [])], {}, settings)
    material = _material(cases_path, policies_dir)
    started = dt.datetime.now(dt.UTC)
    out = out_dir or settings.cache / "eval" / f"baselines-{started:%Y%m%dT%H%M%S%fZ}"
    with tempfile.TemporaryDirectory(prefix="fineprint-baselines-", ignore_cleanup_errors=True) as folder:
        workshop = _Workshop(
            Path(folder),
            material,
            settings,
            encoder or open_encoder(settings),
            published or BundledEncoder(settings.cache, threads=settings.threads, tuned=False),
            reader,
            console,
        )
        rivals = []
        for system in _systems(names, ours, workshop):
            rival = _asked(system, workshop, started)
            if rival.run:
                save(rival.run, out / _folder(rival.name))
            rivals.append(rival)
    _show(rivals, console)
    _save(rivals, material, out)
    console.print(f"Table, figure and every system's run: {out}", markup=False, highlight=False, soft_wrap=True)
    named = {each.strip().casefold() for each in (*baselines, *engines)}
    return int(any(rival.problem and rival.name.casefold() in named for rival in rivals))


def leads(rivals: Sequence[Rival]) -> dict[str, tuple[PairedTest, ...]]:
    """How far our first engine is ahead of each baseline in each figure; of those that were asked."""
    ours = next((rival.run for rival in rivals if rival.name not in BASELINES and rival.run), None)
    if ours is None:
        return {}
    measures = {name: MEASURES[name] for name in FIGURES}
    found = {}
    for rival in rivals:
        if rival.run is None or rival.name not in BASELINES:
            continue
        pairs = [(a, b) for a, b in zip(rival.run.rows, ours.rows, strict=True) if a.marks and b.marks]
        before, after = [a.marks for a, _ in pairs if a.marks], [b.marks for _, b in pairs if b.marks]
        found[rival.name] = paired_tests(before, after, units_of([policy_of(a.case) for a, _ in pairs]), measures)
    return found


# --- what is compared -------------------------------------------------------------------------------------------------


def _chosen(baselines: Sequence[str]) -> tuple[str, ...]:
    names = [name.strip().casefold() for name in baselines] or list(BASELINES)
    unknown = [name for name in names if name not in BASELINES]
    if unknown:
        raise InvalidBaselines(f"There is no baseline {unknown[0][:60]!r}: name some of {', '.join(BASELINES)}.")
    return tuple(dict.fromkeys(names))


def _material(cases_path: Path | None, policies_dir: Path | None) -> Material:
    file = cases_path or BUNDLED
    found = sound_cases(file)
    paths = (policies_dir or SAMPLES,)
    texts = read_policies(paths, found.cases)
    if not texts and any(case.proofs for case in found.cases):
        raise InvalidCases(
            f"None of the policies that the cases are about is in {paths[0]}; name their folder with --policies."
        )
    cases = settled(found.cases, texts)
    check_proofs(cases, texts, found.places)
    return Material(file.name, cases, texts, paths)


def _systems(names: Sequence[str], ours: Sequence[Engine], workshop: _Workshop) -> Iterator[_System]:
    made: dict[str, Callable[[], contextlib.AbstractContextManager[_Open]]] = {
        BM25: lambda: workshop.service(workshop.tuned, FirstSentences("bm25")),
        DENSE: lambda: workshop.service(workshop.published, FirstSentences("cosine")),
        DENSE_TUNED: lambda: workshop.service(workshop.tuned, FirstSentences("cosine")),
        TUTORIAL: lambda: workshop.tutorial(within=False),
        TUTORIAL_SCOPED: lambda: workshop.tutorial(within=True),
    }
    for name in names:
        yield _System(name, BASELINES[name], made[name])
    for engine in ours:
        does = "fineprint" if engine.settings.llm is None else "fineprint, put into words by a chat model"
        yield _System(engine.name, does, partial(_probed, engine, workshop))


@contextlib.contextmanager
def _probed(engine: Engine, workshop: _Workshop) -> Iterator[_Open]:
    if engine.settings.llm is not None:
        from qa.chatmodel import open_chat_model

        probe(open_chat_model(engine.settings))
    with workshop.service(workshop.tuned, engine=engine) as opened:
        yield opened


def _asked(system: _System, workshop: _Workshop, started: dt.datetime) -> Rival:
    from rich.markup import escape
    from rich.progress import Progress

    material, console = workshop.material, workshop.console
    try:
        with system.opened() as opened:
            parameters = describe(
                cases=material.cases,
                texts=material.texts,
                manifest=opened.manifest,
                cases_name=material.name,
                policies=opened.policies,
                started=started,
                engine=system.name,
            )
            with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
                task = progress.add_task(f"Asking {escape(system.name)}", total=len(material.cases))

                def advance(_: Row) -> None:
                    progress.advance(task)

                run = run_eval(material.cases, opened.texts, opened.ask, parameters, on_progress=advance)
    except ModuleNotFoundError as exc:
        return Rival(system.name, system.does, None, f"{exc.name} is missing: pip install 'fineprint[bench]'")
    except FineprintError as exc:
        if isinstance(exc, UsageError):
            raise
        return Rival(system.name, system.does, None, str(exc))
    return Rival(system.name, system.does, run)


# --- how it is shown --------------------------------------------------------------------------------------------------


def as_markdown(rivals: Sequence[Rival], material: Material) -> str:
    """The table, a line a system, then what each does and how sure the lead is."""
    heads = ["system", *FIGURES.values(), "p50 ms"]
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)]]
    for rival in rivals:
        cells = [_cell(rival, name, " ") for name in FIGURES]
        lines.append(
            [rival.name.replace("|", "\\|"), *cells, shown(rival.run.summary.p50_ms, 0) if rival.run else shown(None)]
        )
    table = "".join(f"| {' | '.join(line)} |\n" for line in lines)
    told = "".join(f"- {line}\n" for line in _notes(rivals))
    return f"# Fineprint beside simpler systems\n\n{material.name}, {len(material.cases)} cases.\n\n{table}\n{told}"


def as_svg(rivals: Sequence[Rival]) -> str:
    """Bars of three figures with their intervals, a group a figure, a bar a system."""
    asked = [rival for rival in rivals if rival.run]
    left, width, bar, gap = 170, 420, 16, 30
    height = 20 + len(_DRAWN) * (len(asked) * (bar + 4) + gap)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + width + 60} {height}" role="img">',
        "<title>Fineprint beside simpler systems: shares with 95 % intervals; longer is better</title>",
        "<style>text { font: 12px sans-serif; fill: #333 } .head { font-weight: bold }</style>",
        '<rect width="100%" height="100%" fill="#fff"/>',
    ]
    y = 8
    for figure in _DRAWN:
        parts.append(f'<text class="head" x="8" y="{y + 12}">{html.escape(FIGURES[figure])}</text>')
        y += 20
        for n, rival in enumerate(asked):
            assert rival.run is not None
            value = getattr(rival.run.summary.figures, figure)
            interval = rival.run.summary.intervals.get(figure)
            colour = _COLOURS[n % len(_COLOURS)] if rival.name in BASELINES else _OURS
            parts.append(f'<text x="{left - 8}" y="{y + 12}" text-anchor="end">{html.escape(rival.name[:24])}</text>')
            if value is not None:
                parts.append(f'<rect x="{left}" y="{y}" width="{value * width:.1f}" height="{bar}" fill="{colour}"/>')
                end = value
                if interval:
                    low, high, middle = left + interval.low * width, left + interval.high * width, y + bar / 2
                    parts.append(
                        f'<path d="M{low:.1f} {middle}H{high:.1f}M{low:.1f} {y + 4}v8M{high:.1f} {y + 4}v8"'
                        ' stroke="#111" fill="none"/>'
                    )
                    end = max(value, interval.high)
                parts.append(f'<text x="{left + end * width + 6:.1f}" y="{y + 12}">{value:.2f}</text>')
            y += bar + 4
        y += 10
    return "\n".join([*parts, "</svg>", ""])


def _show(rivals: Sequence[Rival], console: Console) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, title="Share, and its 95 % interval", title_justify="left")
    table.add_column("figure")
    for rival in rivals:
        table.add_column(Text(rival.name), justify="right", overflow="fold")
    for name, meaning in FIGURES.items():
        table.add_row(meaning, *(_cell(rival, name, "\n") for rival in rivals), end_section=True)
    p50 = (shown(rival.run.summary.p50_ms, 0) if rival.run else shown(None) for rival in rivals)
    table.add_row("p50 ms", *p50)
    console.print(table)
    for line in _notes(rivals):
        console.print(line, markup=False, emoji=False, highlight=False)


def _cell(rival: Rival, figure: str, between: str) -> str:
    if rival.run is None:
        return shown(None)
    value, interval = getattr(rival.run.summary.figures, figure), rival.run.summary.intervals.get(figure)
    return f"{shown(value)}{between}{interval.low:.2f}–{interval.high:.2f}" if interval else shown(value)


def _notes(rivals: Sequence[Rival]) -> Iterator[str]:
    for rival in rivals:
        yield f"{rival.name}: {f'left out: {rival.problem}' if rival.problem else rival.does}."
    ahead = leads(rivals)
    for name, tests in ahead.items():
        for test in tests:
            if test.figure == "right_and_proven" and test.interval:
                yield (
                    f"Right and proven, fineprint against {name}: {test.difference:+.3f}"
                    f" ({test.interval.low:+.3f} to {test.interval.high:+.3f}), p {_told_p(test.p_value)}."
                )


def _told_p(p_value: float) -> str:
    return "< 0.001" if p_value < 0.001 else f"= {p_value:.3f}"


def _folder(name: str) -> str:
    return "".join(char if char.isalnum() or char in "-." else "-" for char in name.casefold()).strip("-.")[:60] or "x"


def _save(rivals: Sequence[Rival], material: Material, out: Path) -> None:
    data = {
        "cases": material.name,
        "n": len(material.cases),
        "systems": [
            {
                "name": rival.name,
                "does": rival.does,
                "problem": rival.problem or None,
                "figures": asdict(rival.run.summary.figures) if rival.run else None,
                "intervals": {k: asdict(v) for k, v in rival.run.summary.intervals.items()} if rival.run else None,
                "p50_ms": rival.run.summary.p50_ms if rival.run else None,
            }
            for rival in rivals
        ],
        "leads": {name: [asdict(test) for test in tests] for name, tests in leads(rivals).items()},
    }
    save_json(out / "baselines.json", data)
    save_text(out / "baselines.md", as_markdown(rivals, material))
    save_text(out / "baselines.svg", as_svg(rivals))
