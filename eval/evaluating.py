"""One whole evaluation: ingest, ask, score, show, save, compare. What ``fineprint eval`` runs."""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import platform
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from eval.cases import BUNDLED, SAMPLES, Case, InvalidCases, check_proofs, data_hash, read_cases, read_policies
from eval.reporting import check_comparable, compare, read_baseline, save, show, show_comparison
from eval.running import Parameters, Row, Run, run_eval

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

    Returns:
        The exit code: 0, or 1 where a figure fell below the baseline.

    Raises:
        FineprintError: the cases, policies or baseline cannot be used, or the results not be saved.
    """
    started = dt.datetime.now(dt.UTC)
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
    with tempfile.TemporaryDirectory(prefix="fineprint-eval-", ignore_cleanup_errors=True) as folder:
        own = settings.model_copy(update={"index": Path(folder) / "index", "scope": None})
        run = _run(
            cases=cases,
            texts=texts,
            paths=paths,
            settings=own,
            encoder=encoder,
            console=console,
            cases_name=file.name,
            started=started,
        )
    show(run, console)
    out = out_dir or settings.cache / "eval" / started.strftime("%Y%m%dT%H%M%S%fZ")
    save(run, out)
    console.print(f"Rows, summary and parameters: {out}", markup=False, highlight=False, soft_wrap=True)
    if earlier is None:
        return 0
    comparison = compare(run, earlier)
    show_comparison(comparison, console)
    return 1 if comparison.falls else 0


def _run(
    *,
    cases: Sequence[Case],
    texts: Mapping[str, str],
    paths: Sequence[Path],
    settings: Settings,
    encoder: TextEncoder | None,
    console: Console,
    cases_name: str,
    started: dt.datetime,
) -> Run:
    from rich.progress import Progress

    from ingest.pipeline import ingest_paths
    from qa.library import Library
    from qa.service import PolicyQA

    with console.status("Reading the policies …"):
        report = ingest_paths(paths, settings, encoder=encoder)
    for refusal in report.refused:
        console.print(f"refused {refusal.name}: {refusal.message}", markup=False, highlight=False)
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
        )
        with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
            task = progress.add_task("Asking", total=len(cases))

            def advance(_: Row) -> None:
                progress.advance(task)

            return run_eval(cases, known, service.ask, parameters, on_progress=advance)
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
) -> Parameters:
    """What was run on what.

    Args:
        cases: what is asked.
        texts: the policies that can be asked about, by file stem.
        manifest: of the index.
        cases_name: the name of their file.
        policies: number of policies in the index.
        started: UTC.
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
    )
