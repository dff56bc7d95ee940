"""Everything that a report is made from, read back: the run of one engine or of several, and a baseline.

A folder of results may come from anywhere, so everything in it is checked. The texts of the policies lie beside the
rows in ``policies.json``; a run from before there was such a file is reported without them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from eval.comparing import Baseline, Comparison, InvalidBaseline, compare, read_baseline
from eval.keeping import UNFINISHED, InvalidResults, read_parameters, read_results, read_rows
from eval.reporting import save_json
from eval.running import Row, Run
from qa.domain import EXTRACTIVE

if TYPE_CHECKING:
    from pydantic import TypeAdapter

__all__ = ["Before", "Earlier", "Report", "SavedRun", "compared", "read_earlier", "read_report", "save_policies"]

_POLICIES = "policies.json"
_ENGINES = "engines.json"
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class SavedRun:
    """One engine's run.

    Attributes:
        name: the engine's.
        run: None where the engine could not be asked.
        policies: texts by file stem; empty where they were not kept.
        problem: why it could not be asked, or empty.
    """

    name: str
    run: Run | None
    policies: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Earlier:
    """What is kept of an earlier run.

    Attributes:
        name: for people.
        rows: by case; empty where only its summary was kept.
    """

    name: str
    baseline: Baseline
    rows: Mapping[str, Row] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Before:
    """An earlier run that the later one is compared with.

    Attributes:
        comparison: of the figures; None where the cases or policies are not the same.
        fixed, broken: ids of cases that were wrong and are right now, and the reverse, as far as both runs have them
            with the same question.
        shared: how many cases both runs have.
    """

    earlier: Earlier
    comparison: Comparison | None
    fixed: tuple[str, ...]
    broken: tuple[str, ...]
    shared: int

    @property
    def name(self) -> str:
        """The earlier run's."""
        return self.earlier.name

    @property
    def rows(self) -> Mapping[str, Row]:
        """The earlier run's, by case."""
        return self.earlier.rows

    @property
    def baseline(self) -> Baseline:
        """The earlier run's figures and outcomes."""
        return self.earlier.baseline


@dataclass(frozen=True, slots=True)
class Report:
    """What is reported on.

    Attributes:
        saved: one, or one an engine; at least one was run.
    """

    saved: tuple[SavedRun, ...]
    before: Before | None = None

    @property
    def run(self) -> Run:
        """The first engine's that could be asked; it is the one that is compared with the baseline."""
        return next(each.run for each in self.saved if each.run)

    @property
    def engines(self) -> tuple[tuple[str, Run], ...]:
        """Those that could be asked, with their runs."""
        return tuple((each.name, each.run) for each in self.saved if each.run)


@dataclass(frozen=True, slots=True)
class _SavedEngine:
    name: str
    problem: str | None = None
    folder: str | None = None


@dataclass(frozen=True, slots=True)
class _SavedEngines:
    engines: tuple[_SavedEngine, ...]


def save_policies(policies: Mapping[str, str], folder: Path) -> None:
    """Keeps the texts of the policies beside a run's results, by file stem.

    Raises:
        ResultsUnwritable: no permission, or no space.
    """
    save_json(folder / _POLICIES, dict(policies))


def read_report(folder: Path) -> Report:
    """Reads a folder of results.

    Raises:
        InvalidResults: the folder holds no results, or something in it is damaged.
    """
    return Report(_saved(folder))


def compared(report: Report, earlier: Earlier) -> Report:
    """The report with what became of its first run since an earlier one.

    Raises:
        InvalidBaseline: the two have no case in common.
    """
    return Report(report.saved, _before(report.run, earlier))


def read_earlier(path: Path, engine: str = EXTRACTIVE) -> Earlier:
    """Reads what a run shall be compared with.

    Args:
        path: a folder of results, or a ``summary.json``; its answers can be shown if its rows lie beside it.
        engine: whose run it is where there are several; the first engine's if it was not among them.

    Raises:
        InvalidBaseline, InvalidResults: there is nothing to compare with, or it is damaged.
    """
    folder = path.parent if path.name == "summary.json" else path
    if (folder / _ENGINES).is_file() and not (folder / "rows.jsonl").is_file():
        folder = _folder_of_engine(folder, engine)
    if not folder.is_dir():
        return Earlier(path.name, read_baseline(path))
    rows = read_rows(folder) if (folder / "rows.jsonl").is_file() else ()
    return Earlier(_name(folder), read_baseline(folder), {row.case.id: row for row in rows})


def _before(run: Run, earlier: Earlier) -> Before:
    same = {row.case.id for row in run.rows if _same(row, earlier.rows.get(row.case.id))}
    right, wrong = set(earlier.baseline.right) & same, set(earlier.baseline.wrong) & same
    if not right | wrong:
        raise InvalidBaseline(
            f"{earlier.name} has no case in common with these results: name an earlier run of the same cases."
        )
    comparison = None
    if earlier.baseline.data_sha256 == run.parameters.data_sha256:
        comparison = compare(run, earlier.baseline)
    fixed = tuple(row.case.id for row in run.rows if row.case.id in wrong and row.right)
    broken = tuple(row.case.id for row in run.rows if row.case.id in right and row.marks and not row.right)
    return Before(
        earlier=earlier,
        comparison=comparison,
        fixed=comparison.fixed if comparison else fixed,
        broken=comparison.broken if comparison else broken,
        shared=len(right | wrong),
    )


def _same(row: Row, earlier: Row | None) -> bool:
    """Whether the same was asked, and the same is right; what is not known of the earlier run is taken to be so."""
    return earlier is None or (earlier.case.question, earlier.case.history) == (row.case.question, row.case.history)


def _name(folder: Path) -> str:
    try:
        parameters = read_parameters(folder)
    except InvalidResults:
        return folder.name
    return f"{folder.name}, {parameters.started_at[:16].replace('T', ' ')}, fineprint {parameters.fineprint}"


def _folder_of_engine(folder: Path, name: str) -> Path:
    """Where the run of an engine is kept among several; the first engine's where there is none of that name."""
    listed = [each for each in _listed(folder) if each.folder]
    if not listed:
        raise InvalidResults(f"{folder} holds no run of any engine: run fineprint eval again.")
    return _inside(folder, next((each for each in listed if each.name == name), listed[0]))


def _saved(folder: Path) -> tuple[SavedRun, ...]:
    """A folder's one run, or one an engine, in the order in which they were asked."""
    if (folder / _ENGINES).is_file() and not (folder / "rows.jsonl").is_file():
        saved = tuple(_engine(folder, engine) for engine in _listed(folder))
        if not any(each.run for each in saved):
            raise InvalidResults(f"{folder} holds no run of any engine: run fineprint eval again.")
        return saved
    if not (folder / "rows.jsonl").is_file():
        what = "no such folder" if not folder.is_dir() else "it has no rows.jsonl"
        if (folder / UNFINISHED).is_file():
            raise InvalidResults(
                f"The run in {folder} is not finished: go on with fineprint eval --resume --out {folder}."
            )
        raise InvalidResults(f"{folder} holds no results ({what}): name a folder that fineprint eval --out wrote.")
    run = _run(folder)
    return (SavedRun(run.parameters.engine, run, _policies(folder)),)


def _engine(folder: Path, engine: _SavedEngine) -> SavedRun:
    if engine.folder is None:
        return SavedRun(engine.name, None, problem=engine.problem or "it could not be asked")
    own = _inside(folder, engine)
    return SavedRun(engine.name, _run(own), _policies(own) or _policies(folder))


def _inside(folder: Path, engine: _SavedEngine) -> Path:
    """An engine's own folder, which must be one beside the list of engines."""
    name = engine.folder or ""
    if name in {"", ".", ".."} or set(name) & {"/", "\\", "\0"}:
        raise InvalidResults(f"{folder / _ENGINES} names a folder that is not inside it.")
    return folder / name


def _listed(folder: Path) -> tuple[_SavedEngine, ...]:
    from pydantic import TypeAdapter

    return _read(folder / _ENGINES, TypeAdapter(_SavedEngines)).engines


def _run(folder: Path) -> Run:
    run = read_results(folder)
    if not run.rows:
        raise InvalidResults(f"{folder / 'rows.jsonl'} holds no rows: run fineprint eval again.")
    summary = run.summary
    if sorted((*summary.right, *summary.wrong, *summary.unscored)) != sorted(row.case.id for row in run.rows):
        raise InvalidResults(f"rows.jsonl and summary.json in {folder} are not of one run: run fineprint eval again.")
    return run


def _policies(folder: Path) -> dict[str, str]:
    from pydantic import TypeAdapter

    file = folder / _POLICIES
    return _read(file, TypeAdapter(dict[str, str])) if file.is_file() else {}


def _read(file: Path, adapter: TypeAdapter[_T]) -> _T:
    try:
        return adapter.validate_json(file.read_bytes())
    except OSError as exc:
        raise InvalidResults(f"Cannot read {file}: {exc.strerror}.") from exc
    except ValueError as exc:
        raise InvalidResults(f"{file} is not as fineprint eval wrote it: run it again.") from exc
