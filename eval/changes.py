"""Measures questions about the versions of a policy, whose answers somebody found by reading the versions.

::

    python -m eval.changes --index DIR [--cases FILE] [--out DIR]

The cases hold no policy text: the sentences that must be quoted are known by their SHA-256 (``fingerprint``), so the
index has to hold the versions that the cases are about. A case whose versions are not indexed is left out and counted.
With ``--out``, every row, the summary and the parameters are kept.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from eval.cases import InvalidCases
from eval.reporting import save_json
from qa.changing import sentence_key
from qa.domain import Answer, Citation, IndexedPolicy, Question, Status, Verdict, as_json
from qa.errors import FineprintError
from qa.writing import day_in_words

if TYPE_CHECKING:
    from qa.encoders import TextEncoder

__all__ = ["ChangeCase", "Marks", "Row", "Summary", "fingerprint", "main", "mark", "measure", "read_cases", "summarise"]

_EVERY: Final = 10
_KEYS: Final = frozenset(
    {"id", "kind", "question", "history", "status", "verdict", "policies", "before", "after", "dates", "seen"}
)

Ask = Callable[[Question], Answer]
OpenPolicy = Callable[[str], IndexedPolicy]


@dataclass(frozen=True, slots=True)
class ChangeCase:
    """A question about versions with its known answer.

    Attributes:
        kind: what is asked, for the breakdown.
        statuses, verdicts: any of them is right.
        policies: the versions that the answer rests on.
        before, after: fingerprints; one sentence of each, where there are any, must be quoted.
        dates: days that the answer must say.
        seen: written after answers to other questions had been looked at.
    """

    id: str
    kind: str
    question: str
    history: tuple[str, ...]
    statuses: tuple[Status, ...]
    verdicts: tuple[Verdict | None, ...]
    policies: tuple[str, ...]
    before: frozenset[str]
    after: frozenset[str]
    dates: tuple[str, ...]
    seen: bool


@dataclass(frozen=True, slots=True)
class Marks:
    """What is right about an answer; ``None`` where the case asks for nothing of the kind."""

    status: bool
    verdict: bool
    before: bool | None
    after: bool | None
    dates: bool | None
    verified: bool

    @property
    def right(self) -> bool:
        """Whether everything is."""
        asked = (self.status, self.verdict, self.before, self.after, self.dates, self.verified)
        return all(each is not False for each in asked)


@dataclass(frozen=True, slots=True)
class Row:
    """A case, its answer or why there is none, and its marks."""

    case: ChangeCase
    answer: Answer | None
    marks: Marks | None
    note: str
    elapsed_ms: float


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run comes to.

    Attributes:
        right: share of the asked cases in which everything is right.
        status, verdict, before, after, dates: shares of those cases that ask for it.
        by_kind: how many are right, and of how many.
        unseen: the same for cases written before any answer was looked at.
    """

    asked: int
    unasked: int
    right: float
    status: float
    verdict: float
    before: float
    after: float
    dates: float
    unverified: int
    by_kind: Mapping[str, tuple[int, int]]
    unseen: tuple[int, int]
    wrong: tuple[str, ...]
    median_ms: float


def fingerprint(sentence: str) -> str:
    """A sentence by which it can be recognised without being repeated: of its letters and digits, noise aside."""
    return hashlib.sha256(sentence_key(sentence).encode()).hexdigest()


def read_cases(path: Path | None = None) -> tuple[ChangeCase, ...]:
    """Reads cases, one JSON object a line; without a path, the bundled ones.

    Raises:
        InvalidCases: a line is no case, or an id occurs twice; the text says which line.
    """
    text = (path or resources.files("eval").joinpath("data/changes.jsonl")).read_text(encoding="utf-8")
    cases: dict[str, ChangeCase] = {}
    for n, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            case = _case(json.loads(line))
        except (ValueError, KeyError, TypeError) as exc:
            raise InvalidCases(f"Line {n} is no case about changes: {exc}") from exc
        if case.id in cases:
            raise InvalidCases(f"Line {n}: the id {case.id} occurs twice.")
        cases[case.id] = case
    return tuple(cases.values())


def _case(data: Mapping[str, Any]) -> ChangeCase:
    if unknown := set(data) - _KEYS:
        raise ValueError(f"unknown keys {', '.join(sorted(unknown))}")
    return ChangeCase(
        id=data["id"],
        kind=data["kind"],
        question=data["question"],
        history=tuple(data.get("history", ())),
        statuses=tuple(Status(each) for each in data["status"]),
        verdicts=tuple(None if each is None else Verdict(each) for each in data["verdict"]),
        policies=tuple(data["policies"]),
        before=frozenset(data.get("before", ())),
        after=frozenset(data.get("after", ())),
        dates=tuple(data.get("dates", ())),
        seen=bool(data.get("seen", False)),
    )


def mark(case: ChangeCase, answer: Answer, open_policy: OpenPolicy) -> Marks:
    """What is right about an answer."""
    cited = answer.citations or answer.related
    quoted = {print_ for citation in cited for print_ in _fingerprints(citation, open_policy)}
    silent = answer.status is not Status.ANSWERED
    said = [day_in_words(datetime.fromisoformat(each).date()) in answer.text for each in case.dates]
    return Marks(
        status=answer.status in case.statuses,
        verdict=answer.verdict in case.verdicts or (silent and Status.NOT_STATED in case.statuses),
        before=bool(case.before & quoted) if case.before else None,
        after=bool(case.after & quoted) if case.after else None,
        dates=all(said) if said else None,
        verified=all(_is_verbatim(citation, open_policy) for citation in cited),
    )


def _fingerprints(citation: Citation, open_policy: OpenPolicy) -> set[str]:
    """The sentences within a citation."""
    source = open_policy(citation.policy_id)
    return {
        fingerprint(sentence.span.of(source.policy.text))
        for _, sentence in source.sentences()
        if citation.start <= sentence.start and sentence.end <= citation.end
    }


def _is_verbatim(citation: Citation, open_policy: OpenPolicy) -> bool:
    text = open_policy(citation.policy_id).policy.text
    return text[citation.start : citation.end] == citation.quote


def measure(cases: Sequence[ChangeCase], ask: Ask, open_policy: OpenPolicy, indexed: frozenset[str]) -> tuple[Row, ...]:
    """Asks all cases whose versions are indexed.

    Raises:
        InvalidCases: not one case can be asked.
    """
    rows = []
    for n, case in enumerate(cases, start=1):
        rows.append(_row(case, ask, open_policy, indexed))
        if n % _EVERY == 0 or n == len(cases):
            sys.stderr.write(f"{n} of {len(cases)} questions\n")
    if not any(row.marks for row in rows):
        raise InvalidCases("No case can be asked: none of their policies is indexed. Ingest them first.")
    return tuple(rows)


def _row(case: ChangeCase, ask: Ask, open_policy: OpenPolicy, indexed: frozenset[str]) -> Row:
    missing = [policy for policy in case.policies if policy not in indexed]
    if missing:
        return Row(case, None, None, f"{missing[0]} is not indexed", 0.0)
    start = time.perf_counter()
    try:
        answer = ask(Question(case.question, history=case.history, id=case.id))
    except FineprintError as exc:  # counts as wrong in everything
        wrong = Marks(status=False, verdict=False, before=False, after=False, dates=False, verified=True)
        return Row(case, None, wrong, str(exc), (time.perf_counter() - start) * 1000)
    elapsed_ms = (time.perf_counter() - start) * 1000
    return Row(case, answer, mark(case, answer, open_policy), "", elapsed_ms)


def summarise(rows: Sequence[Row]) -> Summary:
    """The figures over all rows that were asked."""
    asked = [(row, row.marks) for row in rows if row.marks]
    by_kind: dict[str, list[bool]] = defaultdict(list)
    for row, marks in asked:
        by_kind[row.case.kind].append(marks.right)

    def share(name: str) -> float:
        found = [bool(value) for _, marks in asked if (value := getattr(marks, name)) is not None]
        return sum(found) / max(1, len(found))

    unseen = [marks.right for row, marks in asked if not row.case.seen]
    return Summary(
        asked=len(asked),
        unasked=len(rows) - len(asked),
        right=share("right"),
        status=share("status"),
        verdict=share("verdict"),
        before=share("before"),
        after=share("after"),
        dates=share("dates"),
        unverified=sum(not marks.verified for _, marks in asked),
        by_kind={kind: (sum(found), len(found)) for kind, found in by_kind.items()},
        unseen=(sum(unseen), len(unseen)),
        wrong=tuple(row.case.id for row, marks in asked if not marks.right),
        median_ms=statistics.median(row.elapsed_ms for row, _ in asked),
    )


def as_text(summary: Summary) -> str:
    """The summary as lines for a reader."""
    shares = ("right", "status", "verdict", "before", "after", "dates")
    lines = [f"{summary.asked} questions asked, {summary.unasked} left out; median {summary.median_ms:.0f} ms"]
    lines += [f"{name:<8} {getattr(summary, name):.2f}" for name in shares]
    lines.append(f"written before any answer was seen: {summary.unseen[0]} of {summary.unseen[1]} right")
    lines += [f"{kind:<8} {right} of {all_}" for kind, (right, all_) in summary.by_kind.items()]
    lines.append(f"citations not verbatim: {summary.unverified}")
    lines.append(f"wrong: {', '.join(summary.wrong) or 'none'}")
    return "\n".join(lines) + "\n"


def _keep(out: Path, rows: Sequence[Row], summary: Summary, parameters: Mapping[str, Any]) -> None:
    out.mkdir(parents=True, exist_ok=True)
    save_json(out / "summary.json", as_json(summary))
    save_json(out / "parameters.json", parameters)
    lines = [
        json.dumps(
            {"id": row.case.id, "kind": row.case.kind, "marks": as_json(row.marks), "note": row.note,
             "elapsed_ms": round(row.elapsed_ms, 1), "answer": as_json(row.answer)},
            ensure_ascii=False,
        )
        for row in rows
    ]  # fmt: skip
    (out / "rows.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def main(arguments: Sequence[str] | None = None, *, encoder: TextEncoder | None = None) -> int:
    """Runs the measurement; 0 if it could be made.

    Args:
        arguments: the command line's, without the program's name.
        encoder: instead of the one that the settings name.
    """
    parser = argparse.ArgumentParser(prog="python -m eval.changes", description=__doc__.splitlines()[0])
    parser.add_argument("--index", type=Path, required=True, help="folder of an index that holds the versions")
    parser.add_argument("--cases", type=Path, help="cases, one JSON object a line; the bundled ones if absent")
    parser.add_argument("--out", type=Path, help="folder for rows, summary and parameters")
    options = parser.parse_args(arguments)
    from qa.service import PolicyQA
    from qa.settings import load_settings

    try:
        cases = read_cases(options.cases)
        with PolicyQA.open(load_settings({"index": options.index}), encoder=encoder) as qa:
            qa.warm_up()
            cards = qa.cards()
            rows = measure(cases, qa.ask, qa.policy, frozenset(card.id for card in cards))
    except FineprintError as exc:
        sys.stderr.write(f"{exc}\n")
        return 1
    summary = summarise(rows)
    sys.stdout.write(as_text(summary))
    if options.out:
        parameters = {
            "cases": str(options.cases or "bundled"),
            "policies": len(cards),
            "python": platform.python_version(),
            "platform": platform.platform(),
            "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        _keep(options.out, rows, summary, parameters)
    return 0


if __name__ == "__main__":
    sys.exit(main())
