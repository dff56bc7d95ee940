"""Annotated questions, read from files that people write and checked before anything is measured with them.

A case has the same keys in YAML, CSV and JSON Lines (``eval.forms``); docs/evaluation.md describes them. What is wrong
with a file is told with the place, all of it at once.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import re
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from eval.case_files import CaseFile, InvalidCases, open_cases
from eval.proving import TwoFiles, domain_in, flat, misquoted, named_policy, nearest_name, newest, policies_in
from qa.cues import is_yes_no
from qa.domain import Question, Status, as_json
from qa.text import plain, printable

if TYPE_CHECKING:
    from eval.records import Record

__all__ = [
    "BUNDLED", "SAMPLES", "Case", "CaseSet", "Gold", "InvalidCases", "Kind", "Noted", "Proof", "about_indexed",
    "check_proofs", "data_hash", "in_order", "load_cases", "made_id", "misplaced", "read_cases", "read_policies",
    "settled", "sound_cases", "understood", "unproven",
]  # fmt: skip

_SHOWN_MISTAKES = 3
_ID_CHARS: Final = 60

BUNDLED = Path(__file__).parent / "data" / "samples.jsonl"
"""The known-answer questions about the four sample policies."""

SAMPLES = Path(__file__).parent.parent / "ingest" / "samples"
"""The folder of these policies."""


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
        policy: the file stem, ``<domain>__<archive date>``; without a date the site's newest version.
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


# --- as written -------------------------------------------------------------------------------------------------------


def _word(value: Any) -> Any:
    """A word of a list as people type it: "Not stated", "yes/no"."""
    return re.sub(r"[\W_]+", "_", value.strip().lower()).strip("_") if isinstance(value, str) else value


def _texts(value: Any) -> Any:
    """One text stands for a list of it."""
    return [value] if isinstance(value, str) else value


def _words(value: Any) -> Any:
    return [_word(each) for each in _texts(value)] if isinstance(value, str | list) else value


def _flag(value: Any) -> Any:
    """YAML's and a spreadsheet's ways to say yes and no."""
    said = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    return said.get(value.strip().lower(), value) if isinstance(value, str) else value


def _id(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _policy(value: Any) -> Any:
    return named_policy(value) if isinstance(value, str) else value


_Verdict = Annotated[Literal["yes", "no", "conditional", "not_stated", "stated"], BeforeValidator(_word)]
_Texts = Annotated[list[str], BeforeValidator(_texts)]
_Flag = Annotated[bool, BeforeValidator(_flag)]
_Asked = Literal["answered", "not_stated", "unknown_company", "needs_company", "out_of_scope"]


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _ProofLine(_Line):
    policy: Annotated[str, BeforeValidator(_policy)]
    verdict: _Verdict
    evidence: _Texts = []
    also_ok: _Texts = []

    def proof(self, kind: Kind) -> Proof:
        return Proof(self.policy, kind, Gold(self.verdict), tuple(self.evidence), tuple(self.also_ok))


class _CaseLine(_Line):
    """A case with its keys as they stand in a file."""

    id: Annotated[str, BeforeValidator(_id)] = ""
    policy: Annotated[str | None, BeforeValidator(_policy)] = None
    question: str
    history: _Texts = []
    style: Annotated[
        Literal["natural", "colloquial", "keywords", "typo", "formal", "follow_up"], BeforeValidator(_word)
    ] = "natural"
    names_company: _Flag = False
    scoped: _Flag | None = None
    kind: Annotated[Literal["yes_no", "open"] | None, BeforeValidator(_word)] = None
    verdict: _Verdict | None = None
    evidence: _Texts = []
    also_ok: _Texts = []
    near_miss: _Texts = []
    topic: str = "other"
    answer: str = ""
    expect_status: Annotated[list[_Asked], BeforeValidator(_words)] = []
    expect_entries: list[_ProofLine] = []
    status: Annotated[Literal["draft", "confirmed"] | None, BeforeValidator(_word)] = None

    @property
    def told_kind(self) -> Kind:
        """The kind: as stated, as the verdict says, or as the question is put."""
        verdicts = {self.verdict, *(entry.verdict for entry in self.expect_entries)} - {None, "not_stated"}
        if self.kind:
            return Kind(self.kind)
        if verdicts:
            return Kind.OPEN if "stated" in verdicts else Kind.YES_NO
        return Kind.YES_NO if is_yes_no(self.question) else Kind.OPEN

    def wrongs(self) -> Iterator[tuple[str, str]]:
        """What does not go together or is missing, by key."""
        if not self.question.strip():
            yield "question", "is empty"
        if self.verdict is None and self.policy is not None:
            yield "verdict", "is missing: write yes, no, conditional, stated (open questions) or not_stated"
        if self.policy is None and self.verdict is not None:
            yield "policy", "is missing: write whose policy it is, e.g. shop.example"
        if self.policy is None and self.verdict is None and not (self.expect_status or self.expect_entries):
            yield "policy", "is missing, and so is the verdict (or, for other questions, expect_status)"
        if self.policy is None:
            for key in ("evidence", "also_ok", "scoped"):
                if getattr(self, key):
                    yield key, "needs a policy"
        if self.policy and self.verdict:
            yield from self._wrong_proof(self.verdict, self.evidence, self.also_ok)
        for entry in self.expect_entries:
            for _, text in self._wrong_proof(entry.verdict, entry.evidence, entry.also_ok):
                yield "expect_entries", f"{printable(entry.policy, 40)}: {text}"

    def _wrong_proof(self, verdict: str, evidence: list[str], also_ok: list[str]) -> Iterator[tuple[str, str]]:
        if verdict == "not_stated" and evidence:
            yield "evidence", "does not go with not_stated: leave it out, or change the verdict"
        elif verdict != "not_stated" and not evidence:
            yield "evidence", f"is needed for {verdict}: the sentences of the policy that prove it"
        if verdict != "not_stated" and (verdict == "stated") != (self.told_kind is Kind.OPEN):
            fitting = "yes, no or conditional" if self.told_kind is Kind.YES_NO else "stated"
            yield "verdict", f"{verdict} does not go with kind {self.told_kind.value}: write {fitting}"
        if not all(quote.strip() for quote in (*evidence, *also_ok)):
            yield "evidence", "has an empty sentence"

    def case(self, name: str) -> Case:
        """The case, whole."""
        kind = self.told_kind
        proof = None
        if self.policy is not None and self.verdict is not None:
            proof = Proof(self.policy, kind, Gold(self.verdict), tuple(self.evidence), tuple(self.also_ok))
        return Case(
            id=name,
            question=self.question,
            kind=kind,
            history=tuple(self.history),
            style=self.style,
            topic=self.topic,
            names_company=self.names_company,
            scoped=self.policy is not None if self.scoped is None else self.scoped,
            proof=proof,
            statuses=tuple(Status(status) for status in self.expect_status),
            entries=tuple(entry.proof(kind) for entry in self.expect_entries),
            answer=self.answer,
        )


@dataclass(frozen=True, slots=True)
class Noted:
    """A case with the place where it stands.

    Attributes:
        n: which record of its file it is.
        id: as written, or made.
        draft: whether nobody has confirmed what a right answer is.
        case: None for a draft that is not whole yet.
    """

    n: int
    record: Record
    id: str
    draft: bool
    case: Case | None


@dataclass(frozen=True, slots=True)
class CaseSet:
    """A file of cases with everything that is in it.

    Attributes:
        noted: the cases and drafts that can be understood.
        mistakes: all that is wrong with the others, each with its place.
    """

    file: CaseFile
    noted: tuple[Noted, ...]
    mistakes: tuple[str, ...]

    @property
    def cases(self) -> tuple[Case, ...]:
        """Those that count."""
        return tuple(each.case for each in self.noted if each.case and not each.draft)

    @property
    def drafts(self) -> tuple[Noted, ...]:
        """Those that wait for somebody to confirm them."""
        return tuple(each for each in self.noted if each.draft)

    @property
    def places(self) -> dict[str, Record]:
        """Where each case stands, by id."""
        return {each.id: each.record for each in self.noted}


def load_cases(path: Path, *, new: bool = False) -> CaseSet:
    """Reads a file of cases with its drafts and its mistakes.

    Args:
        path: ``*.jsonl``, ``*.yaml`` or ``*.csv``.
        new: whether there may be none yet.

    Raises:
        InvalidCases: the file cannot be read.
    """
    return understood(open_cases(path, new=new))


def understood(file: CaseFile) -> CaseSet:
    """What the records of a file mean."""
    mistakes = [*file.read.mistakes]
    lines: list[tuple[int, Record, _CaseLine]] = []
    columns: set[str] = set()
    for n, record in enumerate(file.records):
        try:
            line = _CaseLine.model_validate(dict(record.values))
        except ValidationError as exc:
            for key, text in _wrong_values(exc):
                unknown_column = record.column and key not in _CaseLine.model_fields
                if not (unknown_column and key in columns):  # told once, not in each row
                    mistakes.append(f"{record.where(key) if key else record.place}: {text}")
                columns.update({key} if unknown_column else ())
            continue
        wrongs = [] if line.status == "draft" and line.question.strip() else [*line.wrongs()]
        mistakes += [f"{record.where(key)}: {text}" for key, text in wrongs]
        if not wrongs:
            lines.append((n, record, line))
    taken: dict[str, str] = {}
    for _, record, line in lines:
        if line.id in taken:
            mistakes.append(f"{record.where('id')}: {printable(line.id, 40)} was used in {taken[line.id]}")
        elif line.id:
            taken[line.id] = record.place
    noted: list[Noted] = []
    for n, record, line in lines:
        name = line.id or made_id(line.question, line.policy, taken)
        taken[name] = record.place
        whole = not any(line.wrongs())
        noted.append(Noted(n, record, name, line.status == "draft", line.case(name) if whole else None))
    return CaseSet(file, tuple(noted), tuple(in_order(mistakes)))


def made_id(question: str, policy: str | None, taken: Collection[str]) -> str:
    """An id that says what a case asks, and of whom; it stays the same wherever in the file the case stands."""
    words = "-".join([*([domain_in(policy)] if policy else []), *re.findall(r"[^\W_]+", plain(question))])
    # Cut at a word; a domain that is longer than all of it stays as much as fits.
    name = words if len(words) <= _ID_CHARS else words[: _ID_CHARS + 1].rpartition("-")[0] or words[:_ID_CHARS]
    name = name.rstrip("-.") or "case"
    n, made = 1, name
    while made in taken:
        n += 1
        made = f"{name}-{n}"
    return made


def in_order(mistakes: Iterable[str]) -> list[str]:
    """Mistakes in the order of the lines or rows that they begin with."""
    return sorted(mistakes, key=lambda mistake: int("".join(re.findall(r"\d+", mistake)[:1]) or 0))


def _wrong_values(exc: ValidationError) -> Iterator[tuple[str, str]]:
    """What pydantic says, by key, in words for whoever wrote the file."""
    for error in exc.errors(include_url=False):
        key, *inner = [str(part) for part in error["loc"]] or [""]
        where = "".join(f"{int(part) + 1}: " if part.isdecimal() else f"{printable(part, 30)}: " for part in inner)
        match error["type"]:
            case "missing":
                said = "is missing"
            case "extra_forbidden":
                close = difflib.get_close_matches(inner[-1] if inner else key, _CaseLine.model_fields, 1)
                said = f"there is no such key{f'; did you mean {close[0]}?' if close else ''}"
            case "literal_error":
                given = printable(str(error["input"]), 30) or "an empty text"
                said = f"{given} is none of {error['ctx']['expected']}".replace("'", "")
            case "string_type":
                said = "must be a text"
            case "list_type":
                said = "must be a text or a list of texts"
            case "bool_type":
                said = "must be true or false"
            case _:
                said = error["msg"]
        yield key, where + said


def read_cases(path: Path) -> tuple[Case, ...]:
    """Reads the cases of a file that count; see ``sound_cases``."""
    return sound_cases(path).cases


def sound_cases(path: Path) -> CaseSet:
    """Reads a file of cases to be measured with.

    Drafts (``status: draft``: nobody has confirmed what a right answer is) do not count, and their number is said.

    Raises:
        InvalidCases: the file cannot be read, holds no cases, repeats an id, or has something that is no case.
    """
    found = load_cases(path)
    _refuse(found.mistakes, f"{path} has lines that are not cases")
    if found.drafts:
        sys.stderr.write(f"{len(found.drafts)} drafts are left out: look through them with fineprint eval confirm.\n")
    if not found.cases:
        only = " but drafts: look through them with fineprint eval confirm" if found.drafts else ""
        raise InvalidCases(f"{path} holds no cases{only}.")
    return found


# --- and their policies -----------------------------------------------------------------------------------------------


def about_indexed(cases: Sequence[Case], indexed: Collection[str]) -> list[Case]:
    """The cases about one policy of an index, given its policy ids; says on standard error how many others there are.

    Raises:
        InvalidCases: there are none.
    """
    stems = {policy_id.replace("@", "__") for policy_id in indexed}
    about_one = [case for case in settled(cases, stems) if case.proof]
    known = [case for case in about_one if case.proof and case.proof.policy in stems]
    if not known:
        raise InvalidCases("No case is about one of the policies in the index.")
    if len(known) < len(about_one):
        sys.stderr.write(f"{len(about_one) - len(known)} cases are left out: their policies are not in the index.\n")
    return known


def settled(cases: Sequence[Case], stems: Collection[str]) -> tuple[Case, ...]:
    """The cases with the newest version of each site that is named without one, as far as it is among these."""

    def chosen(proof: Proof) -> Proof:
        return replace(proof, policy=newest(proof.policy, stems) or proof.policy)

    return tuple(
        replace(
            case,
            proof=chosen(case.proof) if case.proof else None,
            entries=tuple(chosen(entry) for entry in case.entries),
        )
        for case in cases
    )


def check_proofs(cases: Sequence[Case], texts: Mapping[str, str], places: Mapping[str, Record] | None = None) -> None:
    """Checks that all evidence stands in the policies verbatim, white space folded.

    Args:
        cases: those about a policy that is not in ``texts`` are passed over.
        texts: policy texts by file stem.
        places: where the cases stand, by id.

    Raises:
        InvalidCases: a quote is not there; figures from it would mean nothing.
    """
    _refuse(unproven(cases, texts, places), "Some evidence is not verbatim")


def unproven(cases: Sequence[Case], texts: Mapping[str, str], places: Mapping[str, Record] | None = None) -> list[str]:
    """The evidence that does not stand in its policy, each with its place and the sentence that is nearest to it."""
    folded = {stem: flat(text) for stem, text in texts.items()}
    mistakes: list[str] = []
    for case in cases:
        record = (places or {}).get(case.id)
        quotes = [
            (proof.policy, key if proof is case.proof else "expect_entries", quote)
            for proof in case.proofs
            for key, given in (("evidence", proof.evidence), ("also_ok", proof.also_ok))
            for quote in given
        ]
        mistakes += [
            f"{record.where(key) if record else case.id}: {misquoted(quote, policy, texts[policy])}"
            for policy, key, quote in quotes
            if policy in folded and (not quote.strip() or flat(quote) not in folded[policy])
        ]
    return mistakes


def misplaced(noted: Sequence[Noted], stems: Collection[str], named: Collection[str] = ()) -> list[str]:
    """The cases about policies that are not among these, each with its place and the name that is nearest.

    Args:
        noted: the cases.
        stems: of the policies that are there.
        named: names to offer, if they are others.
    """
    mistakes = []
    for each in noted:
        for proof in each.case.proofs if each.case else ():
            if newest(proof.policy, stems) is None:
                key = "policy" if each.case and proof is each.case.proof else "expect_entries"
                near = nearest_name(proof.policy, named or stems)
                hint = f"; the nearest is {near}" if near else ""
                mistakes.append(f"{each.record.where(key)}: there is no policy {printable(proof.policy, 60)}{hint}")
    return mistakes


def read_policies(paths: Sequence[Path], cases: Sequence[Case]) -> dict[str, str]:
    """Reads the policies that the cases are about, by file stem; folders are searched, other files passed over.

    Raises:
        InvalidCases: a file cannot be read, or two have one stem.
    """
    try:
        return policies_in(paths, {proof.policy for case in cases for proof in case.proofs})
    except TwoFiles as exc:
        raise InvalidCases(f"Two policy files are named {exc}; rename one.") from exc
    except OSError as exc:
        raise InvalidCases(f"Cannot read the policy {exc.filename}: {exc.strerror}.") from exc


def data_hash(cases: Sequence[Case], texts: Mapping[str, str]) -> str:
    """SHA-256 over the cases and the policies that they are about, in hex: equal data, comparable figures."""
    digest = hashlib.sha256()
    for case in cases:
        digest.update(json.dumps(as_json(case), sort_keys=True).encode())
    for stem in sorted({proof.policy for case in cases for proof in case.proofs} & set(texts)):
        digest.update(f"{stem}\x1f{texts[stem]}\x1e".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _refuse(mistakes: Sequence[str], what: str) -> None:
    if mistakes:
        more = f"; and {len(mistakes) - _SHOWN_MISTAKES} more" if len(mistakes) > _SHOWN_MISTAKES else ""
        raise InvalidCases(f"{what}: {'; '.join(mistakes[:_SHOWN_MISTAKES])}{more}.")
