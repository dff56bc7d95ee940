"""One whole evaluation: ingest, ask, score, show, save, compare. What ``fineprint eval`` runs.

Several engines answer the same cases from the same index, one after the other.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import platform
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from eval.beside import folder_of, save_engines, show_engines, show_work
from eval.cases import (
    BUNDLED,
    SAMPLES,
    Case,
    InvalidCases,
    check_proofs,
    data_hash,
    read_policies,
    settled,
    sound_cases,
)
from eval.comparing import check_comparable, compare, read_baseline
from eval.engines import Engine, Tried, engines_of, probe, timed
from eval.from_index import indexed_texts, write_out
from eval.keeping import answered_before, journal
from eval.proving import newest
from eval.report.saved import read_earlier, save_policies
from eval.report.writing import write_reports
from eval.reporting import save, save_json, show, show_comparison
from eval.running import Parameters, Price, Row, Run, run_eval
from eval.versions import commit_of, models_sha256, package_version
from qa.domain import EXTRACTIVE
from qa.errors import ChatModelFailed, FineprintError, UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from qa.encoders import TextEncoder
    from qa.library import Manifest
    from qa.settings import Settings

BASELINE = Path(__file__).parent / "baselines" / "samples.json"
"""What the bundled cases came to at the last release."""


def evaluate(  # noqa: PLR0917
    cases_path: Path | None,
    policies_dir: Path | None,
    out_dir: Path | None,
    baseline: Path | None,
    settings: Settings,
    console: Console,
    *,
    encoder: TextEncoder | None = None,
    engines: Sequence[str] = (),
    prices: Mapping[str, Price] | None = None,
    jobs: int = 1,
    resume: bool = False,
) -> int:
    """Runs a set of cases on a fresh index of their policies.

    Args:
        cases_path: JSON Lines, YAML or CSV; by default the bundled cases.
        policies_dir: what to ingest; by default the bundled samples, or where the cases are about none of them, the
            policies that they are about as they are in the index of the settings.
        out_dir: where rows, summary and parameters go; by default a new folder under ``settings.cache``.
        baseline: a ``summary.json`` or a folder with one; for the bundled cases on the samples the committed one.
        settings: everything but the scope, and the index that is asked, which are this evaluation's own.
        console: where the tables and the progress go.
        encoder: instead of the one that the settings name.
        engines: what puts answers into words, by name; by default what the settings say. With several, each answers
            all cases, and the first is compared with the baseline.
        prices: of a million tokens, by engine.
        jobs: how many questions are asked at a time.
        resume: go on with the run in ``out_dir``, if there is one: what was answered is not asked again.

    Returns:
        The exit code: 0, or 1 where a figure fell below the baseline or one of several engines could not be asked.

    Raises:
        FineprintError: the cases, policies, baseline or engines cannot be used, or the results not be saved.
    """
    started = dt.datetime.now(dt.UTC)
    if resume and out_dir is None:
        raise UsageError("--resume goes on with an earlier run: name its folder with --out.")
    asked = engines_of(engines or [settings.llm or EXTRACTIVE], prices or {}, settings)
    file = cases_path or BUNDLED
    found = sound_cases(file)
    paths = [policies_dir or SAMPLES]
    texts = read_policies(paths, found.cases)
    from_index = False
    if policies_dir is None and any(newest(proof.policy, texts) is None for c in found.cases for proof in c.proofs):
        indexed = indexed_texts(settings.index, found.cases)
        from_index = len(indexed) > len(texts)
        texts = indexed if from_index else texts
    if not texts and any(case.proofs for case in found.cases):
        where = paths[0] if policies_dir else f"the index in {settings.index}"
        raise InvalidCases(f"None of the policies that the cases are about is in {where}; name their folder.")
    cases = settled(found.cases, texts)
    check_proofs(cases, texts, found.places)
    if baseline is None and cases_path is None and policies_dir is None and BASELINE.is_file():
        baseline = BASELINE
    earlier = read_baseline(baseline) if baseline else None
    if earlier:
        check_comparable(data_hash(cases, texts), earlier)
    # Read now: the results may take the place of those that they are compared with.
    beside = read_earlier(baseline, asked[0].name) if baseline else None
    out = out_dir or settings.cache / "eval" / started.strftime("%Y%m%dT%H%M%S%fZ")
    with (
        _quietly(),
        tempfile.TemporaryDirectory(prefix="fineprint-eval-", ignore_cleanup_errors=True) as folder,
    ):
        problems = _problems(asked, console)
        index = Path(folder) / "index"
        own = settings.model_copy(update={"index": index, "chroma_url": None, "scope": None})
        if from_index and texts:
            paths = [Path(folder) / "policies"]
            write_out(settings.index, texts, paths[0])
        _ingest(paths, own, encoder, console)
        tried: list[Tried] = []
        for engine in asked:
            problem, first_ms = problems.get(engine.name, ""), dict[str, float]()
            run = None
            if not problem:
                try:
                    run = _run(
                        cases=cases,
                        texts=texts,
                        engine=engine,
                        index=index,
                        encoder=encoder,
                        console=console,
                        cases_name=file.name,
                        started=started,
                        first_ms=first_ms,
                        jobs=jobs,
                        folder=out if len(asked) == 1 else out / folder_of(engine.name, asked),
                        resume=resume,
                    )
                except FineprintError as exc:
                    if len(asked) == 1 or isinstance(exc, UsageError):
                        raise
                    problem = str(exc)
                except KeyboardInterrupt:
                    _say(console, f"Interrupted. What was answered is kept: go on with --resume --out {out}")
                    raise
            tried.append(Tried(engine, run, problem, first_ms))
    first = tried[0].run
    if len(tried) == 1 and first:
        show(first, console)
        if asked[0].settings.llm is not None:
            show_work(tried, console)
        save(first, out)
        _say(console, f"Rows, summary and parameters: {out}")
    else:
        show_engines(tried, console)
        save_engines(tried, out)
        _say(console, f"Report, and every engine's own results: {out}")
    save_policies(texts, out)
    if any(each.run for each in tried):
        page, *_ = write_reports(out, beside if first else None)
        _say(console, f"The report, to open in a browser: {page}")
    failed = any(each.problem for each in tried)
    if earlier is None or first is None:
        return 1 if failed else 0
    comparison = compare(first, earlier)
    show_comparison(comparison, first.rows, console)
    save_json(out / "comparison.json", asdict(comparison))
    return 1 if comparison.falls or failed else 0


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """A chat model's failures are counted here by their reason; a line for each would bury the progress."""
    log = logging.getLogger("qa.chatmodel")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(before)


def _problems(engines: Sequence[Engine], console: Console) -> dict[str, str]:
    """Of each chat model that does not answer at all, why; said before the others are asked.

    Raises:
        ChatModelFailed: none of the engines answers.
    """
    problems: dict[str, str] = {}
    for engine in engines:
        if engine.settings.llm is None:
            continue
        from rich.text import Text

        from qa.chatmodel import open_chat_model

        with console.status(Text(f"Asking {engine.name} whether it is there …")):
            try:
                probe(open_chat_model(engine.settings))
            except ChatModelFailed as exc:
                problems[engine.name] = str(exc)
                if len(problems) == len(engines):
                    raise
    for name, problem in problems.items():
        _say(console, f"{name} is left out: {problem}")
    return problems


def _ingest(paths: Sequence[Path], settings: Settings, encoder: TextEncoder | None, console: Console) -> None:
    from ingest.pipeline import ingest_paths

    with console.status("Reading the policies …"):
        report = ingest_paths(paths, settings, encoder=encoder)
    for refusal in report.refused:
        console.print(f"refused {refusal.name}: {refusal.message}", markup=False, highlight=False)


def _run(
    *,
    cases: Sequence[Case],
    texts: Mapping[str, str],
    engine: Engine,
    index: Path,
    encoder: TextEncoder | None,
    console: Console,
    cases_name: str,
    started: dt.datetime,
    first_ms: dict[str, float],
    jobs: int,
    folder: Path,
    resume: bool,
) -> Run:
    from qa.library import Library
    from qa.service import PolicyQA

    settings = engine.settings.model_copy(update={"index": index, "chroma_url": None, "scope": None})
    with Library.open(settings.index) as library:
        manifest = library.manifest
    service = PolicyQA.open(settings, encoder=encoder)
    try:
        service.warm_up()
        indexed = {card.id for card in service.cards()}
        stems = [policy_id.replace("@", "__") for policy_id in indexed]
        known = {stem: text for stem, text in texts.items() if newest(stem, stems)}
        parameters = describe(
            cases=cases,
            texts=texts,
            manifest=manifest,
            cases_name=cases_name,
            policies=len(indexed),
            started=started,
            engine=engine.name,
            jobs=jobs,
            price=engine.price,
        )
        kept = answered_before(folder, parameters) if resume else {}
        if resume:
            _say(console, f"{len(kept)} of {len(cases)} answers of {engine.name} are there already.")
        with (
            journal(folder, parameters, kept) as rows,
            _progress(f"Asking {engine.name}", len(cases), len(kept), console) as advance,
        ):

            def add(row: Row) -> None:
                rows.add(row)
                advance(row)

            ask = timed(service.stream, first_ms)
            return run_eval(cases, known, ask, parameters, kept=kept, on_progress=add)
    finally:
        service.close()


@contextlib.contextmanager
def _progress(what: str, total: int, done: int, console: Console) -> Iterator[Callable[[Row], None]]:
    """A bar with how many cases are done, how many of those asked now are right, and how long it will take."""
    from rich.markup import escape
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(escape(what)), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[right]} right"))
    with Progress(
        *columns, TimeRemainingColumn(), console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        task = progress.add_task("", total=total, completed=done, right=0)

        def advance(row: Row) -> None:
            progress.update(task, advance=1, right=progress.tasks[task].fields["right"] + row.right)

        yield advance


def _say(console: Console, line: str) -> None:
    console.print(line, markup=False, emoji=False, highlight=False, soft_wrap=True)


def describe(
    *,
    cases: Sequence[Case],
    texts: Mapping[str, str],
    manifest: Manifest,
    cases_name: str,
    policies: int,
    started: dt.datetime,
    engine: str = EXTRACTIVE,
    jobs: int = 1,
    price: Price | None = None,
) -> Parameters:
    """What was run on what.

    Args:
        cases: what is asked.
        texts: the policies that can be asked about, by file stem.
        manifest: of the index.
        cases_name: the name of their file.
        policies: number of policies in the index.
        started: UTC.
        engine: what puts answers into words.
        jobs: how many questions are asked at a time.
        price: of the engine's tokens.
    """
    return Parameters(
        fineprint=package_version(),
        python=platform.python_version(),
        platform=f"{platform.system()} {platform.machine()}",
        cases=cases_name,
        policies=policies,
        data_sha256=data_hash(cases, texts),
        encoder=manifest.encoder,
        fingerprint=manifest.fingerprint,
        dimension=manifest.dimension,
        chunker=manifest.chunker,
        distance=manifest.distance,
        started_at=started.isoformat(timespec="seconds"),
        engine=engine,
        commit=commit_of(),
        models_sha256=models_sha256(),
        jobs=jobs,
        price=price,
    )
