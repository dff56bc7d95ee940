"""One whole evaluation: ingest, ask, score, show, save, compare. What ``fineprint eval`` runs.

Several engines answer the same cases from the same index, one after the other.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import importlib.metadata
import logging
import platform
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from eval.beside import save_engines, show_engines, show_work
from eval.cases import BUNDLED, SAMPLES, Case, InvalidCases, check_proofs, data_hash, read_cases, read_policies
from eval.engines import Engine, Price, Tried, engines_of, probe, timed
from eval.reporting import check_comparable, compare, read_baseline, save, show, show_comparison
from eval.running import Parameters, Row, Run, run_eval
from qa.domain import EXTRACTIVE
from qa.errors import ChatModelFailed, FineprintError

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
) -> int:
    """Runs a set of cases on a fresh index of their policies.

    Args:
        cases_path: JSON Lines; by default the bundled cases.
        policies_dir: what to ingest; by default the bundled samples.
        out_dir: where rows, summary and parameters go; by default a new folder under ``settings.cache``.
        baseline: a ``summary.json`` or a folder with one; for the bundled cases on the samples the committed one.
        settings: everything but the index folder and the scope, which are this evaluation's own.
        console: where the tables and the progress go.
        encoder: instead of the one that the settings name.
        engines: what puts answers into words, by name; by default what the settings say. With several, each answers
            all cases, and the first is compared with the baseline.
        prices: of a million tokens, by engine.

    Returns:
        The exit code: 0, or 1 where a figure fell below the baseline or one of several engines could not be asked.

    Raises:
        FineprintError: the cases, policies, baseline or engines cannot be used, or the results not be saved.
    """
    started = dt.datetime.now(dt.UTC)
    asked = engines_of(engines or [settings.llm or EXTRACTIVE], prices or {}, settings)
    file = cases_path or BUNDLED
    cases = read_cases(file)
    paths = [policies_dir or SAMPLES]
    texts = read_policies(paths, cases)
    if not texts and any(case.proofs for case in cases):
        raise InvalidCases(f"None of the policies that the cases are about is in {paths[0]}; name their folder.")
    check_proofs(cases, texts)
    if baseline is None and cases_path is None and policies_dir is None and BASELINE.is_file():
        baseline = BASELINE
    earlier = read_baseline(baseline) if baseline else None
    if earlier:
        check_comparable(data_hash(cases, texts), earlier)
    with (
        _quietly(),
        tempfile.TemporaryDirectory(prefix="fineprint-eval-", ignore_cleanup_errors=True) as folder,
    ):
        problems = _problems(asked, console)
        index = Path(folder) / "index"
        own = settings.model_copy(update={"index": index, "scope": None})
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
                    )
                except FineprintError as exc:
                    if len(asked) == 1:
                        raise
                    problem = str(exc)
            tried.append(Tried(engine, run, problem, first_ms))
    out = out_dir or settings.cache / "eval" / started.strftime("%Y%m%dT%H%M%S%fZ")
    first = tried[0].run
    if len(tried) == 1 and first:
        show(first, console)
        if asked[0].settings.llm is not None:
            show_work(tried, console)
        save(first, out)
        console.print(f"Rows, summary and parameters: {out}", markup=False, highlight=False, soft_wrap=True)
    else:
        show_engines(tried, console)
        save_engines(tried, out)
        console.print(f"Report, and every engine's own results: {out}", markup=False, highlight=False, soft_wrap=True)
    failed = any(each.problem for each in tried)
    if earlier is None or first is None:
        return 1 if failed else 0
    comparison = compare(first, earlier)
    show_comparison(comparison, console)
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
        console.print(f"{name} is left out: {problem}", markup=False, emoji=False, highlight=False, soft_wrap=True)
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
) -> Run:
    from rich.markup import escape
    from rich.progress import Progress

    from qa.library import Library
    from qa.service import PolicyQA

    settings = engine.settings.model_copy(update={"index": index, "scope": None})
    with Library.open(settings.index) as library:
        manifest = library.manifest
    service = PolicyQA.open(settings, encoder=encoder)
    try:
        service.warm_up()
        indexed = {card.id for card in service.cards()}
        known = {stem: text for stem, text in texts.items() if stem.replace("__", "@") in indexed}
        parameters = describe(
            cases=cases,
            texts=texts,
            manifest=manifest,
            cases_name=cases_name,
            policies=len(indexed),
            started=started,
            engine=engine.name,
        )
        with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
            task = progress.add_task(f"Asking {escape(engine.name)}", total=len(cases))

            def advance(_: Row) -> None:
                progress.advance(task)

            return run_eval(cases, known, timed(service.stream, first_ms), parameters, on_progress=advance)
    finally:
        service.close()


def describe(
    *,
    cases: Sequence[Case],
    texts: Mapping[str, str],
    manifest: Manifest,
    cases_name: str,
    policies: int,
    started: dt.datetime,
    engine: str = EXTRACTIVE,
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
    """
    try:
        version = importlib.metadata.version("fineprint")
    except importlib.metadata.PackageNotFoundError:  # run from a checkout that was not installed
        version = "unknown"
    return Parameters(
        fineprint=version,
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
    )
