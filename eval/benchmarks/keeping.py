"""What is kept of a benchmark's run: the parameters, and every row as soon as it is there.

A folder of results has ``parameters.json``, ``rows.jsonl`` (a row a line), and when all have been asked
``summary.json`` and ``report.md``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from eval.benchmarks.scoring import Row
from eval.keeping import ResultsUnwritable
from eval.reporting import save_json, save_text
from qa.errors import UsageError

__all__ = ["REPORT", "SUMMARY", "OtherBenchmarkRun", "Parameters", "append", "begin"]

SUMMARY, REPORT = "summary.json", "report.md"
_ROWS, _PARAMETERS = "rows.jsonl", "parameters.json"
_DECIDING = ("benchmark", "data_sha256", "most", "fineprint", "encoder", "fingerprint", "recipe")
"""The parameters that must be equal for rows to belong to one run."""


class OtherBenchmarkRun(UsageError):
    """A folder holds something else than the run that shall be written there."""

    code = "other_run"


@dataclass(frozen=True, slots=True)
class Parameters:
    """What was run on what, so that a figure can be made again.

    Attributes:
        data: the name of what was read.
        data_sha256: over the files that the items are made of.
        most: at most so many items, evenly through the data; 0 for all.
        items: how many the data has.
        asked: how many of them were to be asked.
        commit: of the code, as ``eval.versions.commit_of`` says it.
        recipe: hash of the code and the models that answer.
        started_at: UTC, ISO 8601.
    """

    benchmark: str
    data: str
    data_sha256: str
    most: int
    items: int
    asked: int
    fineprint: str
    commit: str
    python: str
    platform: str
    encoder: str
    fingerprint: str
    recipe: str
    started_at: str


def begin(out: Path, parameters: Parameters, *, resume: bool) -> dict[str, Row]:
    """Makes the folder ready, and gives the rows that are there already, by id.

    Raises:
        OtherBenchmarkRun: it holds something else, or a run with other parameters that shall go on.
        ResultsUnwritable: it cannot be written.
    """
    earlier = _earlier(out)
    if resume:
        if earlier is None:
            raise OtherBenchmarkRun(f"{out} holds no run that could go on: leave out --resume.")
        now = asdict(parameters)
        differs = [name for name in _DECIDING if earlier.get(name) != now[name]]
        if differs:
            raise OtherBenchmarkRun(
                f"The run in {out} cannot go on, because these are not the same: {', '.join(differs)}."
                " Leave out --resume to begin anew, or name another folder."
            )
        rows = {row.id: row for row in _kept(out / _ROWS)}
    else:
        rows = {}
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name in (SUMMARY, REPORT):
            (out / name).unlink(missing_ok=True)
    except OSError as exc:
        raise ResultsUnwritable(f"Cannot save the results in {out}: {exc.strerror}.") from exc
    # Whole rows alone: the last one of a run that was cut off may be half a line.
    save_text(out / _ROWS, "".join(_line(row) for row in rows.values()))
    save_json(out / _PARAMETERS, asdict(parameters))
    return rows


def _earlier(out: Path) -> dict[str, Any] | None:
    """The parameters of the benchmark that the folder holds; None where it holds nothing.

    Raises:
        OtherBenchmarkRun: it holds something else, which must not be written over.
    """
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return None
    try:
        parameters = json.loads((out / _PARAMETERS).read_text(encoding="utf-8"))
        if isinstance(parameters, dict) and set(parameters) >= {field.name for field in fields(Parameters)}:
            return parameters
    except (OSError, ValueError):
        pass
    raise OtherBenchmarkRun(f"{out} holds something else than a benchmark's results: name another folder with --out.")


def _kept(file: Path) -> Iterator[Row]:
    try:
        lines = file.read_bytes().split(b"\n")
    except OSError as exc:
        raise OtherBenchmarkRun(f"Cannot read {file}: {exc.strerror}. Leave out --resume to begin anew.") from exc
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield _row(json.loads(line))
        except (ValueError, LookupError, TypeError, AttributeError) as exc:
            if number == len(lines):
                return  # cut off while it was written
            raise OtherBenchmarkRun(
                f"{file} has a line that is no row, {number}: leave out --resume to begin anew."
            ) from exc


def _row(data: Mapping[str, Any]) -> Row:
    parts = {
        str(name): tuple((_number(part[0]), _number(part[1])) for part in pairs)
        for name, pairs in data["parts"].items()
    }
    return Row(str(data["id"]), str(data["policy"]), parts, dict(data["said"]), str(data["problem"]))


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _line(row: Row) -> str:
    # JSON knows no nan.
    parts = {
        name: [[None if math.isnan(number) else number for number in pair] for pair in pairs]
        for name, pairs in row.parts.items()
    }
    data = {"id": row.id, "policy": row.policy, "problem": row.problem, "said": row.said, "parts": parts}
    # Half a surrogate pair, which JSON can say and UTF-8 cannot, is written as JSON says it.
    return json.dumps(data, ensure_ascii=False).encode("utf-8", "backslashreplace").decode() + "\n"


def append(out: Path, row: Row) -> None:
    """Adds a row.

    Raises:
        ResultsUnwritable: no permission, or no space.
    """
    try:
        with (out / _ROWS).open("a", encoding="utf-8") as file:
            file.write(_line(row))
    except OSError as exc:
        raise ResultsUnwritable(f"Cannot save the results in {out}: {exc.strerror}.") from exc
