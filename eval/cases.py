"""Annotated questions, read from JSON Lines and checked before anything is measured with them.

A line is an object; docs/evaluation.md describes its keys. What is wrong with a file is told with line numbers.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from qa.domain import Question, Status, as_json
from qa.errors import UsageError

_SHOWN_MISTAKES = 3
_POLICY_SUFFIXES = frozenset({".md", ".markdown", ".txt"})

BUNDLED = Path(__file__).parent / "data" / "samples.jsonl"
"""The known-answer questions about the four sample policies."""

SAMPLES = Path(__file__).parent.parent / "ingest" / "samples"
"""The folder of these policies."""


class InvalidCases(UsageError):
    """A file of cases cannot be used; the text names the lines."""

    code = "invalid_cases"


class Gold(StrEnum):
    """What a truthful answer says: the label of a case, and of an answer that is compared with it."""

    YES = "yes"
    NO = "no"
    CONDITIONAL = "conditional"
    NOT_STATED = "not_stated"
    STATED = "stated"


class Kind(StrEnum):
    """Whether a question can be answered with yes or no."""

    YES_NO = "yes_no"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Proof:
    """What one policy says to one question, as annotated by hand.

    Attributes:
        policy: the file stem, ``<domain>__<archive date>``.
        verdict: yes, no, conditional or not_stated for a yes/no question; stated or not_stated for an open one.
        evidence: verbatim sentences that prove the answer, best first; empty if and only if the policy is silent.
        also_ok: verbatim sentences that are acceptable as citations too.
    """

    policy: str
    kind: Kind
    verdict: Gold
    evidence: tuple[str, ...] = ()
    also_ok: tuple[str, ...] = ()

    @property
    def silent(self) -> bool:
        """Whether the policy does not state what is asked."""
        return self.verdict is Gold.NOT_STATED


@dataclass(frozen=True, slots=True)
class Case:
    """A question with what a right answer has to be.

    At least one of ``proof``, ``statuses`` and ``entries`` is given.

    Attributes:
        history: earlier user questions of the conversation, oldest first.
        style: how it is asked: natural, colloquial, keywords, typo, formal, follow_up.
        names_company: whether the question itself names its company.
        scoped: whether the policy is handed over with the question; else the system must find it.
        proof: for a question about one policy.
        statuses: for a question that must be turned away or asked back: any of these is right.
        entries: for a question about all policies: what each must say.
        answer: a reference answer in a plain sentence, for people.
    """

    id: str
    question: str
    kind: Kind
    history: tuple[str, ...] = ()
    style: str = "natural"
    topic: str = "other"
    names_company: bool = False
    scoped: bool = True
    proof: Proof | None = None
    statuses: tuple[Status, ...] = ()
    entries: tuple[Proof, ...] = ()
    answer: str = ""

    @property
    def proofs(self) -> tuple[Proof, ...]:
        """Everything that is annotated about any policy."""
        return (self.proof, *self.entries) if self.proof else self.entries

    def asked(self) -> Question:
        """The case as a system gets to see it."""
        scope = self.proof.policy if self.proof and self.scoped else None
        return Question(self.question, history=self.history, scope=scope, id=self.id)


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _ProofLine(_Line):
    policy: str
    verdict: Literal["yes", "no", "conditional", "not_stated", "stated"]
    evidence: list[str] = []
    also_ok: list[str] = []

    @model_validator(mode="after")
    def _evidence_goes_with_the_verdict(self) -> _ProofLine:
        if (self.verdict == "not_stated") == bool(self.evidence):
            raise ValueError("evidence is needed unless the verdict is not_stated, and only then")
        return self


_Asked = Literal["answered", "not_stated", "unknown_company", "needs_company", "out_of_scope"]


class _CaseLine(_Line):
    """A line as it stands in the file."""

    id: str
    policy: str | None
    question: str
    history: list[str] = []
    style: Literal["natural", "colloquial", "keywords", "typo", "formal", "follow_up"] = "natural"
    names_company: bool = False
    scoped: bool | None = None
    kind: Literal["yes_no", "open"]
    verdict: Literal["yes", "no", "conditional", "not_stated", "stated"] | None
    evidence: list[str] = []
    also_ok: list[str] = []
    near_miss: list[str] = []
    topic: str = "other"
    answer: str = ""
    expect_status: _Asked | list[_Asked] | None = None
    expect_entries: list[_ProofLine] = []
    status: Literal["draft"] | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> _CaseLine:
        if not self.id or not self.question.strip():
            raise ValueError("id and question must not be empty")
        if (self.policy is None) != (self.verdict is None):
            raise ValueError("policy and verdict go together")
        if self.policy is None and not (self.expect_status or self.expect_entries):
            raise ValueError("without a policy, expect_status or expect_entries is needed")
        if self.policy is None and (self.evidence or self.also_ok or self.scoped):
            raise ValueError("evidence, also_ok and scoped need a policy")
        for verdict in (self.verdict, *(entry.verdict for entry in self.expect_entries)):
            if verdict not in {None, "not_stated"} and (verdict == "stated") != (self.kind == "open"):
                raise ValueError(f"verdict {verdict} does not go with kind {self.kind}")
        return self

    def proof(self) -> _ProofLine | None:
        if self.policy is None or self.verdict is None:
            return None
        return _ProofLine(policy=self.policy, verdict=self.verdict, evidence=self.evidence, also_ok=self.also_ok)

    def case(self) -> Case:
        kind = Kind(self.kind)
        proof = self.proof()
        statuses = [self.expect_status] if isinstance(self.expect_status, str) else self.expect_status or []
        return Case(
            id=self.id,
            question=self.question,
            kind=kind,
            history=tuple(self.history),
            style=self.style,
            topic=self.topic,
            names_company=self.names_company,
            scoped=self.policy is not None if self.scoped is None else self.scoped,
            proof=_proof(proof, kind) if proof else None,
            statuses=tuple(Status(status) for status in statuses),
            entries=tuple(_proof(entry, kind) for entry in self.expect_entries),
            answer=self.answer,
        )


def _proof(line: _ProofLine, kind: Kind) -> Proof:
    return Proof(line.policy, kind, Gold(line.verdict), tuple(line.evidence), tuple(line.also_ok))


def read_cases(path: Path) -> tuple[Case, ...]:
    """Reads a file of cases, one JSON object a line, blank lines ignored.

    Drafts (``"status": "draft"``: nobody has confirmed what a right answer is) are checked and left out.

    Raises:
        InvalidCases: the file cannot be read, is empty, repeats an id, or has lines that are not cases.
    """
    try:
        # Not splitlines(): a question may hold a U+2028, which JSON leaves as it is.
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as exc:
        raise InvalidCases(f"Cannot read the cases in {path}: {exc}.") from exc
    cases: list[Case] = []
    mistakes: list[str] = []
    seen: dict[str, int] = {}
    drafts = 0
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            read = _CaseLine.model_validate(json.loads(line))
            case = read.case()
        except (ValidationError, json.JSONDecodeError) as exc:
            mistakes.append(f"line {number}: {_told(exc)}")
            continue
        if case.id in seen:
            mistakes.append(f"line {number}: the id {case.id} was used in line {seen[case.id]}")
        seen[case.id] = number
        if read.status:
            drafts += 1
        else:
            cases.append(case)
    _refuse(mistakes, f"{path} has lines that are not cases")
    if drafts:
        sys.stderr.write(f"{drafts} drafts are left out: check each, and remove its status.\n")
    if not cases:
        only = ' but drafts: check each, and remove its "status"' if drafts else ""
        raise InvalidCases(f"{path} holds no cases{only}.")
    return tuple(cases)


def about_indexed(cases: Sequence[Case], indexed: Collection[str]) -> list[Case]:
    """The cases about one policy of an index, given its policy ids; says on standard error how many others there are.

    Raises:
        InvalidCases: there are none.
    """
    about_one = [case for case in cases if case.proof]
    known = [case for case in about_one if case.proof and case.proof.policy.replace("__", "@") in indexed]
    if not known:
        raise InvalidCases("No case is about one of the policies in the index.")
    if len(known) < len(about_one):
        sys.stderr.write(f"{len(about_one) - len(known)} cases are left out: their policies are not in the index.\n")
    return known


def check_proofs(cases: Sequence[Case], texts: Mapping[str, str]) -> None:
    """Checks that all evidence stands in the policies verbatim, white space folded.

    Args:
        cases: those about a policy that is not in ``texts`` are passed over.
        texts: policy texts by file stem.

    Raises:
        InvalidCases: a quote is not there; figures from it would mean nothing.
    """
    folded = {stem: " ".join(text.split()) for stem, text in texts.items()}
    mistakes = [
        f"{case.id}: not in {proof.policy}: {quote[:60]!r}"
        for case in cases
        for proof in case.proofs
        if proof.policy in folded
        for quote in (*proof.evidence, *proof.also_ok)
        if not quote.strip() or " ".join(quote.split()) not in folded[proof.policy]
    ]
    _refuse(mistakes, "Some evidence is not verbatim")


def read_policies(paths: Sequence[Path], cases: Sequence[Case]) -> dict[str, str]:
    """Reads the policies that the cases are about, by file stem; folders are searched, other files passed over.

    Raises:
        InvalidCases: a file cannot be read, or two have one stem.
    """
    wanted = {proof.policy for case in cases for proof in case.proofs}
    files = [file for path in paths for file in (sorted(path.rglob("*")) if path.is_dir() else [path])]
    texts: dict[str, str] = {}
    for file in files:
        if file.suffix.lower() not in _POLICY_SUFFIXES or file.stem not in wanted:
            continue
        if file.stem in texts:
            raise InvalidCases(f"Two policy files are named {file.stem}; rename one.")
        try:
            texts[file.stem] = file.read_text(encoding="utf-8", errors="replace")
        except OSError as exc:
            raise InvalidCases(f"Cannot read the policy {file}: {exc}.") from exc
    return texts


def data_hash(cases: Sequence[Case], texts: Mapping[str, str]) -> str:
    """SHA-256 over the cases and the policies that they are about, in hex: equal data, comparable figures."""
    digest = hashlib.sha256()
    for case in cases:
        digest.update(json.dumps(as_json(case), sort_keys=True).encode())
    for stem in sorted({proof.policy for case in cases for proof in case.proofs} & set(texts)):
        digest.update(f"{stem}\x1f{texts[stem]}\x1e".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _told(exc: ValidationError | json.JSONDecodeError) -> str:
    if isinstance(exc, json.JSONDecodeError):
        return f"not JSON: {exc.msg}"
    first = exc.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    what = first["msg"].removeprefix("Value error, ")
    return f"{where}: {what}" if where else what


def _refuse(mistakes: Sequence[str], what: str) -> None:
    if mistakes:
        more = f"; and {len(mistakes) - _SHOWN_MISTAKES} more" if len(mistakes) > _SHOWN_MISTAKES else ""
        raise InvalidCases(f"{what}: {'; '.join(mistakes[:_SHOWN_MISTAKES])}{more}.")
