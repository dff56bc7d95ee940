"""The commands for files of cases: ``eval new``, ``check``, ``draft`` and ``confirm``."""

from __future__ import annotations

import contextlib
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qa.errors import FineprintError, IndexMissing, UsageError
from ui.printing import IndexOption, note, print_lines, progress, settings_of

if TYPE_CHECKING:
    from eval.cases import CaseSet
    from qa.service import PolicyQA
    from qa.settings import Settings

__all__ = ["check", "confirm", "draft", "new"]

FileArgument = Annotated[Path, typer.Argument(help="The cases: *.yaml, *.csv or *.jsonl.")]
PoliciesOption = Annotated[
    Path | None, typer.Option("--policies", help="Folder or file with the policies, instead of an index.")
]


def new(file: FileArgument, policies: PoliciesOption = None, index: IndexOption = None) -> None:
    """Asks for cases and writes them: the question, the right answer, and the sentences that prove it."""
    from eval.cases import load_cases
    from ui.case_terminal import Typed
    from ui.terminal import terminal_width
    from ui.writing_cases import CaseWriter

    load_cases(file, new=True)  # what is wrong with the file is told before anything is waited for
    with _shelf(policies, index) as shelf:
        writer = CaseWriter(file, shelf, Typed(terminal_width()))
        writer.run()
    drafts = f" and {_count(writer.drafts, 'draft')}" if writer.drafts else ""
    note(f"{_count(writer.written, 'case')}{drafts} written; {file} holds {len(writer.file.records)}.")


def check(file: FileArgument, policies: PoliciesOption = None, index: IndexOption = None) -> None:
    """Says what is wrong with a file of cases, all of it, or what is in it."""
    from eval.cases import in_order, load_cases

    cases = load_cases(file)
    mistakes = in_order([*cases.mistakes, *_of_policies(cases, policies, index)])
    if mistakes:
        print_lines(mistakes)
        raise FineprintError(f"{file} has {_count(len(mistakes), 'mistake')}.")
    print_lines(_contents(cases))


def draft(
    policy: Annotated[str, typer.Argument(help="A domain, policy id or file stem in the index, or a policy's file.")],
    out: Annotated[
        Path | None, typer.Option(help="File to write the drafts to, or add them to; standard output if absent.")
    ] = None,
    most: Annotated[int, typer.Option(min=1, max=200, help="At most so many.")] = 20,
    index: IndexOption = None,
) -> None:
    """Proposes cases for a policy, by rules or by the chat model that is set; `eval confirm` goes through them."""
    from eval.cases import load_cases, understood
    from eval.drafting import values_of
    from eval.forms import Yaml
    from qa.text import plain
    from ui.writing_cases import policy_name

    cases = load_cases(out, new=True) if out else None
    if cases and cases.mistakes:
        raise UsageError(f"{out} has a mistake in {cases.mistakes[0]}. fineprint eval check lists all.")
    there = Path(policy) if Path(policy).is_file() else None
    with _shelf(there, index, "name the policy's file") as shelf:
        source = shelf.policy(shelf.cards()[0].id if there else policy)
        name = policy_name(source)
        asked = {plain(str(each.record.values.get("question", ""))) for each in (cases.noted if cases else ())}
        proposals, by = _proposed(shelf, source.policy.id, most, settings_of(index))
        fresh = [each for each in proposals if plain(each.question) not in asked]
        drafts = [*values_of(fresh, name, [*cases.places] if cases else ())]
    if cases is None:
        text = ""
        for values in drafts:
            text = Yaml().added(text, values)
        print_lines(text.splitlines())
    for values in drafts if cases else ():
        assert cases is not None
        cases = understood(cases.file.with_case(values))
    known = f", {len(proposals) - len(fresh)} were there already" if len(fresh) < len(proposals) else ""
    note(f"{_count(len(drafts), 'draft')} by {by}{known}. None counts until it is confirmed: fineprint eval confirm.")


def confirm(file: FileArgument, policies: PoliciesOption = None, index: IndexOption = None) -> None:
    """Goes through the drafts of a file one by one: accept, correct or drop."""
    from eval.cases import load_cases
    from ui.case_terminal import Typed
    from ui.terminal import terminal_width
    from ui.writing_cases import confirm_drafts

    if not load_cases(file).drafts:
        note(f"{file} holds no drafts.")
        return
    with _shelf(policies, index) as shelf:
        done = confirm_drafts(file, shelf, Typed(terminal_width()))
    note(f"{done.accepted} accepted, {done.dropped} dropped, {done.left} left in {file}.")


def _proposed(shelf: PolicyQA, policy_id: str, most: int, settings: Settings) -> tuple[list[Any], str]:
    """Proposals for a policy, and what they were made by."""
    from eval.drafting import by_model, by_rules, chosen

    source = shelf.policy(policy_id)
    if settings.llm is None:
        with progress("Asking") as show:
            return chosen(by_rules(source, shelf, most, on_progress=show), most), "rules"
    from qa.chatmodel import open_chat_model

    with progress("Reading") as show:
        drafted = by_model(source, open_chat_model(settings), most, on_progress=show)
    if drafted.problem:
        note(f"{settings.llm} did not go through the whole policy: {drafted.problem}")
    if drafted.unproven:
        note(f"{_count(drafted.unproven, 'proposal')} left out: what was quoted does not stand in the policy.")
    return [*drafted.proposals], settings.llm


@contextlib.contextmanager
def _shelf(
    policies: Path | None, index: Path | None, instead: str = "name the policies' folder with --policies"
) -> Iterator[PolicyQA]:
    """The policies of an index, or of files, which get an index of their own for as long as it is needed."""
    from qa.service import PolicyQA

    settings = settings_of(index)
    if policies is None:
        try:
            opened = PolicyQA.open(settings.model_copy(update={"llm": None}))
        except IndexMissing as exc:
            raise IndexMissing(f"{str(exc).rstrip('.')}, or {instead}.") from exc
        with contextlib.closing(opened) as shelf:
            yield shelf
        return
    if index is not None:
        raise UsageError("Give --policies or --index, not both.")
    from ingest.pipeline import ingest_paths
    from ui.render import visible

    with tempfile.TemporaryDirectory(prefix="fineprint-cases-", ignore_cleanup_errors=True) as folder:
        own = settings.model_copy(update={"index": Path(folder) / "index", "llm": None, "scope": None})
        with progress("Reading the policies") as show:
            report = ingest_paths([policies], own, on_progress=lambda p: show(p.done, p.total, p.name))
        for refusal in report.refused:
            note(f"refused {visible(refusal.name)}: {visible(refusal.message)}")
        if report.read == len(report.refused):
            raise FineprintError(f"None of the policies in {policies} can be read.")
        with contextlib.closing(PolicyQA.open(own)) as shelf:
            yield shelf


def _of_policies(cases: CaseSet, policies: Path | None, index: Path | None) -> list[str]:
    """What is wrong between cases and their policies."""
    from eval.cases import misplaced, read_policies, settled, unproven
    from eval.from_index import indexed_stems, indexed_texts

    whole = [each.case for each in cases.noted if each.case]
    if policies is not None:
        if index is not None:
            raise UsageError("Give --policies or --index, not both.")
        if not policies.exists():
            raise UsageError(f"There is no file or folder {policies}.")
        texts = read_policies([policies], whole)
        stems = [*texts, *(file.stem for file in policies.rglob("*") if "__" in file.stem)]
    else:
        folder = settings_of(index).index
        stems = indexed_stems(folder)
        texts = indexed_texts(folder, whole)
        if not stems:
            note(f"No policy was looked at: there is no index in {folder}. Name their folder with --policies.")
            return []
    known = texts if policies is not None else stems
    wrong = misplaced(cases.noted, known, stems)
    return [*wrong, *unproven(settled(whole, texts), texts, cases.places)]


def _contents(cases: CaseSet) -> Iterator[str]:
    """What is in a file of cases, in a few lines."""
    drafts = f", {_count(len(cases.drafts), 'draft')}" if cases.drafts else ""
    yield f"{_count(len(cases.cases), 'case')}{drafts}, no mistakes."
    proofs = [proof for case in cases.cases for proof in case.proofs]
    for title, counts in (
        ("verdicts", Counter(proof.verdict.value for proof in proofs)),
        ("policies", Counter(proof.policy for proof in proofs)),
    ):
        if counts:
            from ui.render import visible

            told = ", ".join(f"{visible(name)} {count}" for name, count in counts.most_common(12))
            yield f"{title:<9} {told}{', …' if len(counts) > 12 else ''}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
