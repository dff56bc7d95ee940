from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from eval.cases import InvalidCases, load_cases, read_cases
from qa.domain import IndexedPolicy, PolicyCard
from qa.encoders import HashingEncoder
from qa.errors import UnknownScope
from tests.qa.making import indexed
from ui.case_terminal import Ended
from ui.writing_cases import CaseWriter, Confirmed, confirm_drafts

SELL = "We never sell your personal data to anybody."
SHARE = "We share your address with the carrier."
KEEP = "Orders are kept for six years."
ACME = indexed(SELL, SHARE, KEEP)
GLOBEX = indexed("Globex sells everything.", domain="globex.com", company="Globex")
UNDATED = replace(ACME, policy=replace(ACME.policy, provenance={"archived_on": "ingestion"}))


class Shelf:
    """Policies in memory."""

    def __init__(self, *sources: IndexedPolicy) -> None:
        self._sources = sources
        self.encoder = HashingEncoder()

    def cards(self, query: str = "", limit: int | None = None) -> tuple[PolicyCard, ...]:
        policies = [source.policy for source in self._sources]
        found = [each for each in policies if query.lower() in each.company.lower()]
        return tuple(PolicyCard(each.id, each.domain, each.archived_on, each.company) for each in found[:limit])

    def policy(self, scope: str) -> IndexedPolicy:
        for source in self._sources:
            if scope in {source.policy.id, source.policy.domain, source.policy.id.replace("@", "__")}:
                return source
        raise UnknownScope("none")


@dataclass
class Answers:
    """Somebody who types these lines and goes away."""

    lines: list[str]
    said: list[str] = field(default_factory=list)
    width: int = 200

    def say(self, *lines: str) -> None:
        self.said += lines

    def ask(self, prompt: str) -> str:
        if not self.lines:
            raise Ended
        self.said.append(f"{prompt}{self.lines[0]}")
        return self.lines.pop(0)

    @property
    def text(self) -> str:
        return "\n".join(self.said)


def write(path: Path, *lines: str, shelf: Shelf | None = None) -> tuple[list[dict[str, Any]], Answers]:
    """What is in the file then, and the conversation."""
    talk = Answers(list(lines))
    writer = CaseWriter(path, shelf or Shelf(ACME), talk)
    writer.run()
    return [dict(record.values) for record in writer.file.records], talk


def number_of(sentence: str, talk: Answers) -> str:
    return next(line.split()[0] for line in talk.said if line.strip().endswith(sentence) and line.split()[0].isdigit())


@pytest.mark.parametrize("name", ["c.yaml", "c.csv", "c.jsonl"])
def test_a_case_is_asked_for_and_written_with_evidence_that_was_picked(tmp_path: Path, name: str) -> None:
    cases, talk = write(tmp_path / name, "Do you sell data?", "n", "sell", "1", "", "")
    assert cases == [
        {
            "id": "acme.com-do-you-sell-data", "policy": "acme.com__2011-03-06", "question": "Do you sell data?",
            "verdict": "no", "evidence": [talk.said[3].split(maxsplit=1)[1]],
        }
    ]  # fmt: skip
    assert read_cases(tmp_path / name)[0].id == "acme.com-do-you-sell-data"


def test_words_are_looked_for_and_shown_with_their_number(tmp_path: Path) -> None:
    _, talk = write(tmp_path / "c.yaml", "Do you sell data?", "n", "six years")
    assert f"   {number_of(KEEP, talk)}  {KEEP}" in talk.text


def test_a_pasted_part_of_a_sentence_becomes_the_whole_sentence(tmp_path: Path) -> None:
    (case,), talk = write(tmp_path / "c.yaml", "Who gets it?", "s", "your address with the carrier", "", "")
    assert case["evidence"] == [SHARE]
    assert f"taken: {SHARE}" in talk.text


def test_evidence_that_is_not_verbatim_is_refused_and_the_nearest_sentence_offered(tmp_path: Path) -> None:
    (case,), talk = write(
        tmp_path / "c.yaml", "Do you sell data?", "n", "We never ever sell your personal data to anyone.", "", "1", "1"
    )
    assert "does not stand in the policy word for word" in talk.text
    shown = talk.said[talk.said.index(next(line for line in talk.said if "word for word" in line)) + 1]
    assert shown.strip().endswith(SELL)
    assert all(quote in {SELL, SHARE, KEEP} for quote in case["evidence"])


@pytest.mark.parametrize("typed", ["0", "99", "1 99", "99999999999999"])
def test_a_number_that_is_not_shown_picks_nothing(tmp_path: Path, typed: str) -> None:
    (draft,), talk = write(tmp_path / "c.yaml", "Do you sell data?", "n", typed)
    assert "There is no sentence" in talk.text
    assert "evidence" not in draft


def test_silence_is_kept_only_after_the_nearest_sentences_were_seen(tmp_path: Path) -> None:
    cases, talk = write(
        tmp_path / "c.yaml", "Do you sell data?", "-", "n", "sell your", "1", "", "Kept how long?", "-", ""
    )
    assert [case["verdict"] for case in cases] == ["no", "not_stated"]
    assert SELL in talk.text


def test_a_question_that_is_there_already_is_asked_again(tmp_path: Path) -> None:
    cases, talk = write(tmp_path / "c.yaml", "Kept how long?", "-", "", "kept HOW long", "")
    assert len(cases) == 1
    assert "asked already, in line 1" in talk.text


@pytest.mark.parametrize("end", [[], ["s"], ["s", "six years", "1"]])
def test_whoever_goes_away_in_the_middle_loses_nothing(tmp_path: Path, end: list[str]) -> None:
    cases, _ = write(tmp_path / "c.yaml", "Kept how long?", "-", "", "For how many years?", *end)
    assert [case.get("status") for case in cases] == [None, "draft"]
    assert cases[1]["question"] == "For how many years?"
    assert cases[1].get("verdict") == ("stated" if end else None)
    assert len(load_cases(tmp_path / "c.yaml").drafts) == 1


def test_a_policy_is_chosen_by_number_or_name_and_changed_between_cases(tmp_path: Path) -> None:
    lines = ["nobody", "2", "Sold?", "-", "", "p", "acme", "Kept?", "-", "", ""]
    cases, talk = write(tmp_path / "c.yaml", *lines, shelf=Shelf(ACME, GLOBEX))
    assert [case["policy"] for case in cases] == ["globex.com__2011-03-06", "acme.com__2011-03-06"]
    assert "No policy is called so." in talk.text


def test_a_policy_without_a_date_of_its_own_is_named_by_its_site(tmp_path: Path) -> None:
    cases, _ = write(tmp_path / "c.yaml", "Kept?", "-", "", "", shelf=Shelf(UNDATED))
    assert cases[0]["policy"] == "acme.com"


def test_what_a_policy_says_cannot_act_on_the_terminal(tmp_path: Path) -> None:
    evil = indexed("We sell\x1b]0;owned\x07 your \u202edata.", company="Ac\x1b[31mme")
    _, talk = write(tmp_path / "c.yaml", "Sold?", "y", shelf=Shelf(evil))
    assert not {"\x1b", "\x07", "\u202e"} & set(talk.text)


def test_nothing_is_added_to_a_file_that_has_mistakes(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("- question: Sold?\n  verdict: maybe\n")
    with pytest.raises(InvalidCases, match=r"line 2: verdict.*eval check"):
        write(tmp_path / "c.yaml", "Sold?")


def test_what_was_saved_in_an_editor_meanwhile_stays_and_the_case_is_added_to_it(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    writer = CaseWriter(path, Shelf(ACME), Answers(["Kept how long?", "-", ""]))
    path.write_text("- question: Mine?\n  policy: acme.com\n  verdict: not_stated\n")
    writer.run()
    assert [case.question for case in read_cases(path)] == ["Mine?", "Kept how long?"]


def test_a_case_that_cannot_be_written_is_shown_instead_of_lost(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    talk = Answers(["Kept how long?", "-", ""])
    writer = CaseWriter(path, Shelf(ACME), talk)
    path.mkdir()
    with pytest.raises(InvalidCases, match="not an ordinary file"):
        writer.run()
    assert "question: Kept how long?" in talk.text


# --- drafts -----------------------------------------------------------------------------------------------------------


def confirm(path: Path, *lines: str, shelf: Shelf | None = None) -> tuple[Confirmed, Answers]:
    talk = Answers(list(lines))
    return confirm_drafts(path, shelf or Shelf(ACME), talk), talk


def drafts(path: Path, *texts: str) -> Path:
    path.write_text("".join(f"- status: draft\n  policy: acme.com\n{text}\n# keep me\n" for text in texts))
    return path


SOLD = f"  question: Sold?\n  verdict: no\n  answer: It does not.\n  evidence: {SELL}"
SILENT = "  question: What about children?\n  verdict: not_stated"
BARE = "  question: Kept how long?"
WRONG = "  question: Shared?\n  verdict: yes\n  evidence: We share nothing with the carrier."


def test_drafts_are_accepted_corrected_dropped_and_skipped_one_by_one(tmp_path: Path) -> None:
    path = drafts(tmp_path / "c.yaml", SOLD, SILENT, BARE, SOLD.replace("Sold", "Rented"))
    done, _ = confirm(path, "a", "s", "c", "", "", "s", "six years", "1", "", "d")
    assert done == Confirmed(accepted=2, dropped=1, left=1)
    assert [case.question for case in read_cases(path)] == ["Sold?", "Kept how long?"]
    assert path.read_text().count("# keep me") == 4


def test_a_silent_draft_is_shown_with_the_sentences_nearest_to_it(tmp_path: Path) -> None:
    _, talk = confirm(drafts(tmp_path / "c.yaml", SILENT), "x")
    assert SELL in talk.text


@pytest.mark.parametrize(
    ("draft", "why"), [(BARE, "say what the right answer is"), (WRONG, "not in acme.com: 'We share")]
)
def test_a_draft_that_is_not_whole_or_not_verbatim_cannot_be_accepted(tmp_path: Path, draft: str, why: str) -> None:
    path = drafts(tmp_path / "c.yaml", draft)
    before = path.read_text()
    done, talk = confirm(path, "a", "")
    assert done.left == 1
    assert why in talk.text
    assert path.read_text() == before


def test_a_draft_about_a_policy_that_is_not_there_can_be_given_another(tmp_path: Path) -> None:
    path = drafts(tmp_path / "c.yaml", SILENT)
    path.write_text(path.read_text().replace("acme.com", "gone.com"))
    done, talk = confirm(path, "c", "", "-", "")
    assert "its policy is not there" in talk.text
    assert done.accepted == 1
    assert [case.proof and case.proof.policy for case in read_cases(path)] == ["acme.com__2011-03-06"]


def test_a_question_that_was_turned_away_rightly_is_accepted_without_a_policy(tmp_path: Path) -> None:
    path = tmp_path / "feedback.jsonl"
    line = '{"id": "f", "policy": null, "question": "How are you?", "verdict": null, "status": "draft"'
    path.write_text(f'{line}, "expect_status": "out_of_scope", "answer": "Judged right."}}\n')
    done, talk = confirm(path, "a")
    assert "answer: out_of_scope" in talk.text
    assert done.accepted == len(read_cases(path)) == 1


def test_the_answer_of_a_draft_goes_with_what_it_put_into_words(tmp_path: Path) -> None:
    path = drafts(tmp_path / "c.yaml", SOLD)
    confirm(path, "c", "Is it sold?", "", "-", "")
    (case,) = read_cases(path)
    assert (case.question, case.answer) == ("Is it sold?", "")


def test_a_correction_that_is_broken_off_stays_a_draft_with_what_was_said(tmp_path: Path) -> None:
    path = drafts(tmp_path / "c.yaml", BARE)
    done, _ = confirm(path, "c", "For how long is it kept?")
    assert done == Confirmed(0, 0, 1)
    assert load_cases(path).drafts[0].record.values["question"] == "For how long is it kept?"
