"""What is kept of a run: its rows, while they come and afterwards, and reading all of it back.

While a run goes on, its rows stand in ``unfinished.jsonl``: a first line with the parameters, then a row a line in the
order in which they came. When it is finished, ``rows.jsonl`` has them in the order of the cases, ``parameters.json``
and ``summary.json`` stand beside it, and the unfinished file is gone.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

from eval.running import Parameters, Row, Run, State, Summary
from qa.domain import as_json
from qa.errors import FineprintError, UsageError

if TYPE_CHECKING:
    from pydantic import TypeAdapter

__all__ = [
    "PARAMETERS", "ROWS", "SUMMARY", "UNFINISHED", "InvalidResults", "Journal", "OtherRun", "ResultsUnwritable",
    "answered_before", "journal", "read_parameters", "read_results", "read_rows", "row_as_json", "unwritable",
    "write_rows",
]  # fmt: skip

T = TypeVar("T")

ROWS, PARAMETERS, SUMMARY, UNFINISHED = "rows.jsonl", "parameters.json", "summary.json", "unfinished.jsonl"

_SAME = {
    "data_sha256": "cases or policies",
    "engine": "engine",
    "fineprint": "version of fineprint",
    "commit": "commit of the code",
    "models_sha256": "models of the reader",
    "encoder": "embedding model",
    "fingerprint": "embedding model",
    "dimension": "embedding model",
    "chunker": "chunker",
    "distance": "distance",
}
"""What must be equal for rows to belong to one run, with its name for people; nothing else decides about an answer."""


class InvalidResults(UsageError):
    """A folder does not hold the results of a run, or they cannot be read."""

    code = "invalid_results"


class OtherRun(UsageError):
    """A run cannot go on where another one was begun."""

    code = "other_run"


class ResultsUnwritable(FineprintError):
    """The results cannot be saved where they were asked for."""

    code = "results_unwritable"


def row_as_json(row: Row) -> dict[str, Any]:
    """A row as it is kept: what was asked, what is right, the whole answer, its marks."""
    question = row.case.asked()
    return {
        "id": row.case.id,
        "state": row.state.value,
        "right": row.right if row.marks else None,
        "question": question.text,
        "history": question.history,
        "scope": question.scope,
        "note": row.note,
        "elapsed_ms": row.elapsed_ms,
        "marks": asdict(row.marks) if row.marks else None,
        "answer": as_json(row.answer),
        "case": as_json(row.case),
    }


def read_results(folder: Path) -> Run:
    """Reads a finished run back, older ones without what they did not keep.

    Raises:
        InvalidResults: it is none, or something in it is not as it was written.
    """
    summary = _read(folder / SUMMARY, Summary)
    return Run(read_parameters(folder), read_rows(folder), summary)


def read_parameters(folder: Path) -> Parameters:
    """Reads what a finished run was made with.

    Raises:
        InvalidResults: it is not there, or not as it was written.
    """
    return _read(folder / PARAMETERS, Parameters)


def read_rows(folder: Path) -> tuple[Row, ...]:
    """Reads the rows of a finished run.

    Raises:
        InvalidResults: they are not there, or not as they were written.
    """
    file = folder / ROWS
    return tuple(_row(line, file, number) for number, line in enumerate(_lines(file), start=1) if line.strip())


def answered_before(folder: Path, parameters: Parameters) -> dict[str, Row]:
    """The answers that a folder holds from a run with the same parameters, by case, to go on with.

    A last line that was cut off is passed over, and so are cases that failed: they are asked again.

    Raises:
        OtherRun: the folder holds a run of something else.
        InvalidResults: what it holds is not as it was written.
    """
    from pydantic import TypeAdapter

    file = folder / UNFINISHED
    if file.is_file():
        first, *lines = _lines(file) or [b""]
        try:
            before = TypeAdapter(Parameters).validate_python(json.loads(first)["parameters"])
        except (ValueError, KeyError, TypeError, RecursionError) as exc:
            raise InvalidResults(f"{file} is not the beginning of a run; remove it to begin anew.") from exc
        rows = list(_whole(lines, file))
    elif (folder / ROWS).is_file():
        before = read_parameters(folder)
        rows = list(read_rows(folder))
    else:
        return {}
    differs = dict.fromkeys(name for key, name in _SAME.items() if getattr(before, key) != getattr(parameters, key))
    if differs:
        raise OtherRun(
            f"The run in {folder} cannot go on: it was made with another {', another '.join(differs)}. "
            "Name another folder with --out, or leave out --resume to replace it."
        )
    return {row.case.id: row for row in rows if row.state is State.SCORED and row.answer}


@contextlib.contextmanager
def journal(folder: Path, parameters: Parameters, before: Mapping[str, Row]) -> Iterator[Journal]:
    """Opens the unfinished rows of a run for writing, beginning with those that are there already.

    Raises:
        ResultsUnwritable: no permission, or no space.
    """
    file = folder / UNFINISHED
    head = json.dumps({"parameters": asdict(parameters)}) + "\n"
    part = file.with_name(file.name + ".part")
    with contextlib.ExitStack() as stack:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            # Whole before it takes the place of the other: what was answered before is never lost.
            part.write_bytes(b"".join([head.encode(), *(_line(row) for row in before.values())]))
            part.replace(file)
            opened = stack.enter_context(file.open("ab"))
        except OSError as exc:
            raise unwritable(folder, exc) from exc
        yield Journal(opened, folder)


class Journal:
    """The rows of a run that goes on."""

    def __init__(self, file: BinaryIO, folder: Path) -> None:
        self._file = file
        self._folder = folder

    def add(self, row: Row) -> None:
        """Writes a row, so that it outlives this process.

        Raises:
            ResultsUnwritable: no space.
        """
        try:
            self._file.write(_line(row))
            self._file.flush()
        except OSError as exc:
            raise unwritable(self._folder, exc) from exc


def write_rows(rows: Iterable[Row], folder: Path) -> None:
    """Writes the rows of a finished run, all of them or none; the folder is made.

    Raises:
        ResultsUnwritable: no permission, or no space.
    """
    file = folder / ROWS
    part = file.with_name(file.name + ".part")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as opened:
            opened.writelines(map(_line, rows))
        part.replace(file)
    except OSError as exc:
        raise unwritable(folder, exc) from exc


def unwritable(path: Path, exc: OSError) -> ResultsUnwritable:
    """The error of not being able to write there."""
    return ResultsUnwritable(f"Cannot save the results in {path}: {exc.strerror}.")


def _line(row: Row) -> bytes:
    return json.dumps(row_as_json(row), ensure_ascii=False).encode() + b"\n"


def _whole(lines: list[bytes], file: Path) -> Iterator[Row]:
    """The rows of an unfinished file; the last line may have been cut off while it was written."""
    for number, line in enumerate(lines, start=2):
        if not line.strip():
            continue
        try:
            yield _row(line, file, number)
        except InvalidResults:
            if number <= len(lines):
                raise


def _row(line: bytes, file: Path, number: int) -> Row:
    try:
        data = json.loads(line)
        if isinstance(data, dict) and "case" not in data:
            data["case"] = _case_of_old(data)
        return _rows().validate_python(data)
    except (ValueError, AttributeError, RecursionError) as exc:
        raise InvalidResults(f"{file}, line {number}, is no row of a run: remove the line.") from exc


def _case_of_old(data: Mapping[str, Any]) -> dict[str, Any]:
    """What a row of fineprint 0.1 tells of its case: what was asked, not what is right."""
    score = (data.get("marks") or {}).get("score") or {}
    return {
        "id": data.get("id"),
        "question": data.get("question"),
        "kind": score.get("kind", "open"),
        "history": data.get("history", ()),
        "scoped": data.get("scope") is not None,
    }


def _lines(file: Path) -> list[bytes]:
    try:
        return file.read_bytes().split(b"\n")
    except OSError as exc:
        raise InvalidResults(f"Cannot read {file}: {exc.strerror}. Name the folder of an earlier run.") from exc


def _read(file: Path, kind: type[T]) -> T:
    from pydantic import TypeAdapter

    try:
        return TypeAdapter(kind).validate_json(file.read_bytes())
    except OSError as exc:
        raise InvalidResults(f"Cannot read {file}: {exc.strerror}. Name the folder of an earlier run.") from exc
    except ValueError as exc:
        raise InvalidResults(f"{file} is not that of an earlier run.") from exc


@cache
def _rows() -> TypeAdapter[Row]:
    from pydantic import TypeAdapter

    return TypeAdapter(Row)
