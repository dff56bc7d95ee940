"""Cases written and drafts confirmed in a conversation; each is in its file as soon as it is whole.

Where the conversation ends in the middle of a case, what was said of it is kept as a draft.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from eval.case_files import CaseFile, open_cases
from eval.cases import CaseSet, InvalidCases, Noted, load_cases, made_id, understood, unproven
from eval.forms import Yaml
from eval.proving import named_policy
from qa.cues import is_yes_no
from qa.domain import IndexedPolicy
from qa.errors import UnknownScope
from qa.retrieval import Retriever
from qa.text import plain, printable
from ui.case_terminal import Ended, Shelf, Talk, Verbatim, wrapped

__all__ = ["CaseWriter", "Confirmed", "confirm_drafts", "policy_name"]

_OFFERED: Final = 12
_GLANCE: Final = 3
_SAID: Final = {
    "yes": "the policy says yes",
    "no": "the policy says no",
    "conditional": "yes in some cases, no in others",
    "stated": "the policy says it",
    "not_stated": "the policy does not say",
}
_TYPED: Final = {
    **dict.fromkeys(("y", "yes"), "yes"),
    **dict.fromkeys(("n", "no"), "no"),
    **dict.fromkeys(("c", "conditional", "sometimes", "depends", "in some cases"), "conditional"),
    **dict.fromkeys(("s", "stated", "it says"), "stated"),
    **dict.fromkeys(("-", "x", "silent", "not stated", "not_stated", "does not say", "it does not say"), "not_stated"),
}
_YES_NO: Final = "The right answer by the policy", "y yes, n no, c in some cases, - it does not say"
_OPEN: Final = "Does the policy say it", "s it says, - it does not say; y, n or c if it is yes or no"
_EVIDENCE: Final = "What proves it, best first", "numbers; m for more; or words to look for, or the sentence"
_ALSO: Final = "What would do as well", "numbers; Enter for none"
_SILENT_PROMPT: Final = "Enter if none of these answers it; else the right answer (y, n, c, s): "


def policy_name(source: IndexedPolicy) -> str:
    """What cases call a policy: its version, or its site where it has no date but that of its ingestion."""
    if source.policy.provenance.get("archived_on") == "ingestion":
        return source.policy.domain
    return source.policy.id.replace("@", "__")


class CaseWriter:
    """Asks for one case after the other."""

    def __init__(self, path: Path, shelf: Shelf, talk: Talk) -> None:
        """
        Args:
            path: where the cases go; it may hold some.
            shelf: the policies that they can be about.
            talk: who is asked.

        Raises:
            InvalidCases: the file cannot be read, or has mistakes.
        """
        self.written = 0
        self.drafts = 0
        self._cases = load_cases(path, new=True)
        _require_readable(self._cases)
        self._shelf = shelf
        self._talk = talk
        self._retriever = Retriever(shelf.encoder)

    @property
    def file(self) -> CaseFile:
        """The file as it is now."""
        return self._cases.file

    def run(self) -> None:
        """Asks until there is nothing more to ask.

        Raises:
            InvalidCases: the file cannot be written.
        """
        values: dict[str, Any] = {}
        try:
            source = choose_policy(self._shelf, self._talk)
            while True:
                values = {"policy": policy_name(source)}
                question = self._question(source)
                if question is None:
                    return
                if plain(question) == "p":
                    source = choose_policy(self._shelf, self._talk)
                    continue
                values |= {"question": question}
                values["id"] = made_id(question, values["policy"], self._cases.places)
                ask_answer(values, source, self._retriever, self._talk)
                self._keep(values)
                self.written += 1
        except (Ended, KeyboardInterrupt):
            if "question" in values and values["id"] not in self._cases.places:
                self._keep(values | {"status": "draft"})
                self.drafts += 1

    def _question(self, source: IndexedPolicy) -> str | None:
        """A question that is not in the file yet; None for no more."""
        company = printable(source.policy.company, 40)
        other = ", p for another policy" if len(self._shelf.cards(limit=2)) > 1 else ""
        asked = {
            _words(each.case.question): each.record.place
            for each in self._cases.noted
            if each.case and each.case.proof and each.case.proof.policy == policy_name(source)
        }
        while True:
            typed = self._talk.ask(f"Question about {company} (Enter to end{other}): ")
            if not typed:
                return None
            if place := asked.get(_words(typed)):
                self._talk.say(f"This is asked already, in {place} of {self.file.path.name}.")
            elif _is_text(typed):
                return typed
            else:
                self._talk.say("That is no question: type it as plain text.")

    def _keep(self, values: Mapping[str, Any]) -> None:
        try:
            # Read anew: somebody may have saved it in an editor meanwhile, which is no reason not to add to it.
            file = open_cases(self.file.path, new=True).with_case(_ordered(values))
        except InvalidCases:
            self._talk.say("It cannot be written; here it is:", Yaml().added("", _ordered(values)))
            raise
        self._cases = understood(file)
        place = self.file.records[-1].place
        draft = " as a draft, to be finished with fineprint eval confirm" if values.get("status") else ""
        self._talk.say(f"Written to {self.file.path}, {place}{draft}.", "")


def choose_policy(shelf: Shelf, talk: Talk, said: str = "") -> IndexedPolicy:
    """Asks which policy, unless there is only one or it was said already.

    Raises:
        Ended: nobody says.
        InvalidCases: there are none.
    """
    cards = shelf.cards()
    if not cards:
        raise InvalidCases("There are no policies to write cases about: name their folder with --policies.")
    if len(cards) == 1 and not said:
        talk.say(f"The policy of {printable(cards[0].company, 60)}, {cards[0].id}.")
        return shelf.policy(cards[0].id)
    offered = cards if len(cards) <= _OFFERED else ()
    for n, card in enumerate(offered, start=1):
        talk.say(f"{n:>4}  {printable(card.company, 40)}  ({card.id})")
    while True:
        typed = said or talk.ask(f"Which policy ({'its number, or ' if offered else ''}a company or domain)? ")
        said = ""
        if typed.isdecimal() and offered and 1 <= int(typed[:9]) <= len(offered):
            return shelf.policy(offered[int(typed) - 1].id)
        try:
            return shelf.policy(named_policy(typed))
        except UnknownScope:
            found = shelf.cards(typed, _OFFERED) if typed else ()
        if len(found) == 1:
            return shelf.policy(found[0].id)
        offered = found or offered
        for n, card in enumerate(found, start=1):
            talk.say(f"{n:>4}  {printable(card.company, 40)}  ({card.id})")
        if not found:
            talk.say("No policy is called so.")


def ask_answer(
    values: dict[str, Any], source: IndexedPolicy, retriever: Retriever, talk: Talk, *, keep: bool = False
) -> None:
    """Asks for the right answer to a question and for its evidence; what is said goes into the values at once.

    Args:
        values: of the case; it has a question.
        source: the policy that it is about.
        retriever: says which sentences are likely evidence.
        talk: who is asked.
        keep: whether what the values say already stays where nothing is typed.

    Raises:
        Ended: nobody answers any more.
    """
    question = str(values["question"])
    yes_no = is_yes_no(question)
    kept = str(values.get("verdict") or "") if keep else ""
    verdict = _verdict(talk, _prompt(_YES_NO if yes_no else _OPEN, kept), kept)
    picking = Verbatim(source, question, retriever, talk)
    if verdict == "not_stated":
        picking.show_more(_GLANCE)
        verdict = _verdict(talk, _SILENT_PROMPT, "not_stated") if picking.shown else verdict
    else:
        picking.show_more()
    values["verdict"] = verdict
    values.pop("kind", None)
    if (verdict == "stated") == yes_no and verdict != "not_stated":
        values["kind"] = "open" if verdict == "stated" else "yes_no"
    before = [*values.get("evidence", [])] if keep else []
    also_before = [*values.get("also_ok", [])] if keep else []
    for key in ("evidence", "also_ok"):
        values.pop(key, None)
    if verdict == "not_stated":
        return
    for quote in before:
        talk.say(*wrapped(quote, talk.width, "  now: "))
    for quote in also_before:
        talk.say(*wrapped(quote, talk.width, "  also now: "))
    values["evidence"] = picking.pick(_prompt(_EVIDENCE, "these" if before else ""), needed=True, kept=before)
    also = picking.pick(_prompt(_ALSO, "these" if also_before else ""), needed=False, kept=also_before)
    if also := [each for each in also if each not in values["evidence"]]:
        values["also_ok"] = also


def _prompt(asked: tuple[str, str], kept: str) -> str:
    """A question with what can be typed."""
    what, how = asked
    return f"{what} ({how}{f'; Enter keeps {kept}' if kept else ''}): "


def _verdict(talk: Talk, prompt: str, kept: str = "") -> str:
    while True:
        typed = plain(talk.ask(prompt)).replace("_", " ")
        if not typed and kept:
            return kept
        if verdict := _TYPED.get(typed):
            return verdict
        talk.say("Type y, n, c, s or -.")


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What became of the drafts of a file."""

    accepted: int
    dropped: int
    left: int


def confirm_drafts(path: Path, shelf: Shelf, talk: Talk) -> Confirmed:
    """Goes through the drafts of a file; each decision is in the file as soon as it is made.

    Raises:
        InvalidCases: the file cannot be read or written, or has mistakes.
    """
    cases = load_cases(path)
    _require_readable(cases)
    retriever = Retriever(shelf.encoder)
    accepted = dropped = passed = 0
    total = len(cases.drafts)
    try:
        while passed < len(cases.drafts):
            draft = cases.drafts[passed]
            values = dict(draft.record.values)
            talk.say("", f"Draft {accepted + dropped + passed + 1} of {total}, {draft.record.place}")
            source = _policy_of(values, shelf)
            show_draft(values, source, retriever, talk)
            problem = _problem(draft, values, source)
            if problem:
                talk.say(*wrapped(problem, talk.width, "  to do: "))
            match _decision(talk, whole=not problem):
                case "a":
                    values.pop("status")
                    cases = understood(cases.file.with_another(draft.n, _ordered(values)))
                    accepted += 1
                case "c":
                    if _corrected(values, source, shelf, retriever, talk):
                        values.pop("status")
                        accepted += 1
                    cases = understood(cases.file.with_another(draft.n, _ordered(values)))
                case "d":
                    cases = understood(cases.file.with_another(draft.n, None))
                    dropped += 1
                case "s":
                    passed += 1
                case _:
                    break
    except (Ended, KeyboardInterrupt):
        pass
    return Confirmed(accepted, dropped, len(cases.drafts))


def _decision(talk: Talk, *, whole: bool) -> str:
    """One of the letters offered; a draft that is not whole cannot be accepted."""
    offered = f"{'a accept, ' if whole else ''}c correct, d drop, s skip, x end: "
    while True:
        typed = plain(talk.ask(offered))
        if typed[:1] in {"c", "d", "s", "x"} or (whole and typed[:1] == "a"):
            return typed[:1]
        talk.say("Type c, d, s or x: it is not whole yet." if typed[:1] == "a" else "Type one of the letters.")


def show_draft(values: Mapping[str, Any], source: IndexedPolicy | None, retriever: Retriever, talk: Talk) -> None:
    """Shows what a draft says; where it says that the policy is silent, with the sentences nearest to the question."""
    for earlier in _list(values.get("history")):
        talk.say(*wrapped(earlier, talk.width, "  asked before: "))
    talk.say(*wrapped(str(values.get("question", "")), talk.width, "  question: "))
    verdict = str(values.get("verdict") or "")
    statuses = ", ".join(map(str, _list(values.get("expect_status"))))
    expected = f"{verdict} ({_SAID[verdict]})" if verdict in _SAID else verdict or statuses or "nobody has said"
    talk.say(*wrapped(str(values.get("policy") or "none"), talk.width, "  policy: "))
    talk.say(*wrapped(expected, talk.width, "  answer: "))
    for key, head in (("evidence", "  proof: "), ("also_ok", "  also: "), ("near_miss", "  not this: ")):
        for quote in _list(values.get(key)):
            talk.say(*wrapped(quote, talk.width, head))
    if remark := values.get("answer"):
        talk.say(*wrapped(str(remark), talk.width, "  remark: "))
    if verdict == "not_stated" and source is not None:
        talk.say("  The nearest sentences, none of which may answer it:")
        Verbatim(source, str(values.get("question", "")), retriever, talk).show_more(_GLANCE)


def _corrected(
    values: dict[str, Any], source: IndexedPolicy | None, shelf: Shelf, retriever: Retriever, talk: Talk
) -> bool:
    """Asks for everything of a draft again; whether it was answered to the end. What was said is kept in any case."""
    try:
        reworded = talk.ask("The question (Enter keeps it): ")
        if _is_text(reworded):
            values["question"] = reworded
        if source is None or talk.ask("Enter if the policy is the right one; else which: "):
            source = choose_policy(shelf, talk)
        values["policy"] = policy_name(source)
        values.pop("expect_status", None)
        before = values.get("verdict"), values.get("evidence")
        ask_answer(values, source, retriever, talk, keep=True)
        if before != (values.get("verdict"), values.get("evidence")):
            values.pop("answer", None)  # it put what was proposed into words
    except Ended:
        return False
    return True


def _policy_of(values: Mapping[str, Any], shelf: Shelf) -> IndexedPolicy | None:
    try:
        return shelf.policy(named_policy(str(values["policy"])))
    except (KeyError, UnknownScope):
        return None


def _problem(draft: Noted, values: Mapping[str, Any], source: IndexedPolicy | None) -> str:
    """Why a draft cannot be accepted as it is, or nothing."""
    if draft.case is None:
        return "say what the right answer is, and what proves it"
    if values.get("policy") and source is None:
        return "its policy is not there"
    if source is not None and draft.case.proof:
        wrong = unproven([draft.case], {draft.case.proof.policy: source.policy.text}, {draft.id: draft.record})
        return "; ".join(wrong)
    return ""


def _require_readable(cases: CaseSet) -> None:
    """
    Raises:
        InvalidCases: something in the file is not a case; it could not be told apart from what is written now.
    """
    if cases.mistakes:
        more = f" and {len(cases.mistakes) - 1} more" if len(cases.mistakes) > 1 else ""
        raise InvalidCases(
            f"{cases.file.path} has a mistake in {cases.mistakes[0]}{more}. Put it right first: fineprint eval check"
            " lists all."
        )


def _words(question: str) -> str:
    """What two questions have in common that differ in nothing that counts."""
    return " ".join(re.findall(r"\w+", plain(question)))


def _list(value: Any) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else [str(value)] if value else []


def _is_text(typed: str) -> bool:
    return any(char.isalpha() for char in typed) and len(typed) <= 2000 and printable(typed) == " ".join(typed.split())


def _ordered(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values in the order in which people read them, without what is empty."""
    first = ("id", "status", "policy", "question", "history", "kind", "verdict", "evidence", "also_ok")
    keys = [*(key for key in first if key in values), *(key for key in values if key not in first)]
    return {key: values[key] for key in keys if values[key] not in (None, "", [])}
