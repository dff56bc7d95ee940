"""Many questions from a file, an answer or an error a line."""

from __future__ import annotations

import json
import logging
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qa.domain import Answer, Question, as_json
from qa.errors import FineprintError, UsageError
from ui.asking import parse_case

__all__ = ["Outcome", "answer_cases", "read_lines", "write_outcomes"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one case: an answer or an error; ``id`` as the case gave it (a text, a number or null)."""

    id: Any
    answer: Answer | None = None
    error: str | None = None

    def line(self, *, ascii_only: bool = False) -> str:
        """The outcome as one line of JSON."""
        data = {"error": self.error} if self.answer is None else as_json(self.answer)
        data["id"] = self.id
        return json.dumps(data, ensure_ascii=ascii_only)


def read_lines(path: Path) -> list[bytes]:
    """The file's lines that are not blank.

    Raises:
        UsageError: there is no such file, or it cannot be read.
    """
    try:
        data = path.read_bytes()
    except OSError as exc:
        raise UsageError(f"The cases in {path} cannot be read: {exc.strerror}.") from exc
    return [line for line in data.removeprefix(b"\xef\xbb\xbf").split(b"\n") if line.strip()]


def answer_cases(lines: Iterable[bytes], ask: Callable[[Question], Answer]) -> Iterator[Outcome]:
    """Answers one case after the other; a case that fails does not keep the others from being answered."""
    for number, line in enumerate(lines, start=1):
        case_id: Any = None
        try:
            case = _case(line, number)
            case_id = case.get("id")
            yield Outcome(case_id, answer=ask(parse_case(case)))
        except FineprintError as exc:
            yield Outcome(case_id, error=str(exc))
        except Exception as exc:  # a bug in one answer: the batch goes on, the log keeps the traceback
            logger.debug("case %s failed", number, exc_info=True)
            yield Outcome(case_id, error=f"The answer failed: {type(exc).__name__}.")


def _case(line: bytes, number: int) -> dict[str, Any]:
    try:
        case = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError) as exc:
        raise UsageError(f"Case {number} is not valid JSON in UTF-8.") from exc
    if not isinstance(case, dict):
        raise UsageError(f"Case {number} is not a JSON object.")
    return case


def write_outcomes(path: Path, outcomes: Iterable[Outcome]) -> None:
    """Writes the outcomes to a file that appears, whole, when all are there.

    Raises:
        FineprintError: the file cannot be written.
    """
    temporary: Path | None = None
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}.", suffix=".part", delete=False
        ) as file:
            temporary = Path(file.name)
            for outcome in outcomes:
                file.write(_encodable(outcome) + "\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
        temporary = None
    except OSError as exc:
        raise FineprintError(f"The answers cannot be written to {path}: {exc.strerror}.") from exc
    finally:
        if temporary:
            temporary.unlink(missing_ok=True)


def _encodable(outcome: Outcome) -> str:
    line = outcome.line()
    try:
        line.encode("utf-8")
    except UnicodeEncodeError:  # a lone surrogate: JSON can say it in ASCII
        return outcome.line(ascii_only=True)
    return line


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
