from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.cases import Case
from eval.robustness import (
    Asking,
    Change,
    Flip,
    Form,
    Given,
    Line,
    ask_flips,
    ask_pairs,
    change,
    changed_cases,
    flip_lines,
    main,
    pair_lines,
    turn,
    turned_cases,
)
from qa.domain import Answer, Candidates, Question, Reading, Status, Verdict
from qa.encoders import HashingEncoder
from qa.errors import InvalidQuestion
from qa.library import Library, Manifest
from qa.text import Span
from tests.eval.making import answer, case
from tests.qa.making import indexed


class FirstReader:
    """Takes the first candidate for proof that it is so."""

    def warm_up(self) -> None: ...

    def read(self, question: str, candidates: Candidates) -> Reading:
        first = candidates.ranked[:1]
        return Reading(candidates.source, question, Status.ANSWERED, Verdict.YES, evidence=first)


def names(text: str, *of: str) -> list[Span]:
    return [Span(text.index(name), text.index(name) + len(name)) for name in of if name in text]


def changed(text: str, how: Change, *of: str, seed: int = 0) -> str | None:
    return change(text, how, names(text, *of), random.Random(seed))


@pytest.mark.parametrize(
    ("how", "text", "expected"),
    [
        (Change.UPPER, "do you sell my data?", "DO YOU SELL MY DATA?"),
        (Change.UPPER, "DO YOU?", None),
        (Change.LOWER, "Does Acme sell it?", "does acme sell it?"),
        (Change.LOWER, "does acme sell it?", None),
        (Change.NO_MARK, "do you sell my data? ", "do you sell my data"),
        (Change.NO_MARK, "do you sell my data", None),
        (Change.NO_MARK, "do you work with Yahoo!", None),
        (Change.MARKS, "do you sell my data?", "do you sell my data??"),
        (Change.MARKS, "sell data", "sell data??"),
        (Change.DOTS, "do you sell my data?", "do you sell my data..."),
        (Change.NO_APOSTROPHES, "don't users' names and Sainsbury's app sell?", "dont users' names and Sainsbury's app sell?"),  # noqa: E501
        (Change.NO_APOSTROPHES, "is Sainsbury's app safe?", None),
        (Change.PLEASE, "Do you sell it?", "Do you sell it, please?"),
        (Change.GREETING, "Do you sell it?", "hi, do you sell it? thanks"),
        (Change.GREETING, "I'm 16. May I?", "hi, I'm 16. May I? thanks"),
        (Change.GREETING, "Acme data sold", "hi, Acme data sold? thanks"),
        (Change.WHETHER, "Do you sell my data?", "please tell me whether you sell my data."),
        (Change.WHETHER, "Can I see it?", "please tell me whether I can see it."),
        (Change.WHETHER, "Does Acme sell it?", None),
        (Change.WHETHER, "How do you use it?", None),
        (Change.WHETHER, "Can I see it? And you?", None),
        (Change.TELL_ME, "Does Acme sell it?", "can you tell me, does Acme sell it?"),
        (Change.TELL_ME, "How long is it kept", "can you tell me, how long is it kept?"),
        (Change.TELL_ME, "acme sell data", None),
        (Change.SWAPPED, "sell my info to you", None),
        (Change.SWAPPED, "does Sainsbury's keep it", None),
        (Change.DROPPED, "mail x@stores.example or stores.example", None),
    ],
)  # fmt: skip
def test_a_question_is_typed_otherwise_where_that_is_possible(how: Change, text: str, expected: str | None) -> None:
    assert changed(text, how, "Sainsbury's", "Acme", "Yahoo!") == expected


@pytest.mark.parametrize("seed", range(20))
def test_a_typo_is_one_slip_inside_one_long_word_that_is_no_name(seed: int) -> None:
    text = "Does Perricone sell email to us"
    swapped, dropped = (
        changed(text, Change.SWAPPED, "Perricone", seed=seed),
        changed(text, Change.DROPPED, "Perricone", seed=seed),
    )
    assert swapped in {f"Does Perricone sell {word} to us" for word in ("eamil", "emial", "emali")}
    assert dropped in {f"Does Perricone sell {word} to us" for word in ("eail", "emil", "emal", "emai")}


WORDS = st.sampled_from(
    ["do", "you", "keep", "share", "personal", "information", "don't", "my", "I", "email", "Whether?"]
)
COMPANIES = st.from_regex(r"[A-Z][a-z]{0,9}(?:['’]s| [A-Z][a-z]{1,9}|!|\.com)?", fullmatch=True)


@given(st.lists(WORDS, max_size=6), COMPANIES, st.lists(WORDS, max_size=6), st.sampled_from(Change), st.integers())
def test_a_change_changes_something_but_never_a_name(
    before: list[str], company: str, after: list[str], how: Change, seed: int
) -> None:
    text = " ".join([*before, company, *after])
    at = len(" ".join([*before, ""]))
    result = change(text, how, [Span(at, at + len(company))], random.Random(seed))
    if result is None:
        return
    assert result != text
    if how in {Change.UPPER, Change.LOWER}:
        assert result.casefold() == text.casefold()
    else:
        assert company in result


@pytest.mark.parametrize(
    ("text", "never", "negated"),
    [
        ("Do you sell my data?", "is it true that you never sell my data?", "do you NOT sell my data?"),
        ("do they ever sell it", "is it true that they never sell it?", "do they NOT sell it?"),
        ("Does Acme share it?", "is it true that Acme never shares it?", "does Acme NOT share it?"),
        ("Does Acme have it?", "is it true that Acme never has it?", "does Acme NOT have it?"),
        ("Will Only Us sell it?", "is it true that Only Us will never sell it?", "will Only Us NOT sell it?"),
        ("Does Acme carry it?", "is it true that Acme never carries it?", "does Acme NOT carry it?"),
        ("Does the site pass it on?", "is it true that the site never passes it on?", "does the site NOT pass it on?"),
        ("Will you tell me?", "is it true that you will never tell me?", "will you NOT tell me?"),
        ("Can I see it?", "is it true that I can never see it?", "can I NOT see it?"),
        ("Is my data sold?", "is it true that my data is not sold?", "is my data NOT sold?"),
        ("Are the card details kept?", "is it true that the card details are not kept?", "are the card details NOT kept?"),  # noqa: E501
    ],
)  # fmt: skip
def test_a_yes_no_question_is_turned_round(text: str, never: str, negated: str) -> None:
    assert turn(text, Form.NEVER, names(text, "Acme", "Only Us")) == never
    assert turn(text, Form.NOT, names(text, "Acme", "Only Us")) == negated


@pytest.mark.parametrize(
    "text",
    [
        "How do you use it?",
        "acme sell data",
        "Don't you sell it?",
        "Do you never sell it?",
        "Do you only sell it to friends?",
        "Do you keep everything?",
        "Do you really sell it?",
        "Do you sell it? And to whom?",
        "If I leave, do you keep it?",
        "Do you sell it if I agree?",
        "do Acme staff read it?",
        "Do the cookies set by Acme hold my name?",
        "Is the data of children kept?",
        "Are you the ones behind it?",
        "Is it?",
        "Do you",
        "Is there a copy?",
        "Can everybody see it?",
        "",
    ],
)
def test_a_question_that_is_not_safely_turned_is_left(text: str) -> None:
    assert [turn(text, form, names(text, "Acme")) for form in Form] == [None, None]


@given(COMPANIES, st.sampled_from(["does", "will", "is"]), st.sampled_from(["sell my data", "kept safe"]))
def test_turning_round_keeps_the_name(company: str, auxiliary: str, rest: str) -> None:
    text = f"{auxiliary} {company} {rest}?"
    for form in Form:
        turned = turn(text, form, [Span(len(auxiliary) + 1, len(auxiliary) + 1 + len(company))])
        assert turned is not None
        assert turned != text
        assert company in turned
        assert sum(word in turned.split() for word in ("never", "not", "NOT")) == 1


def asked(name: str, question: str, verdict: str = "yes") -> Case:
    return replace(case(name, verdict, "proof" if verdict != "not_stated" else ""), question=question)


CASES = [asked(str(n), f"Do you share my email with other company number {n}?") for n in range(12)]


def none(_: str) -> list[Span]:
    return []


def test_the_choice_is_reproducible_and_even_over_kinds_and_cases() -> None:
    chosen = changed_cases(CASES, none, 24, seed=3)
    assert chosen == changed_cases(CASES, none, 24, seed=3)
    assert chosen != changed_cases(CASES, none, 24, seed=4)
    # No case has an apostrophe: eleven kinds are left for 24 questions, and twelve cases are taken twice each.
    kinds = [how for how, _ in chosen]
    assert {kinds.count(how) for how in Change if how is not Change.NO_APOSTROPHES} == {2, 3}
    assert {sum(each.case.id == case.id for _, each in chosen) for case in CASES} == {2}


def test_no_question_is_asked_twice_when_more_are_wanted_than_there_are() -> None:
    chosen = turned_cases([*CASES[:2], asked("silent", "Do you sell it?", "not_stated")], none, 60, seed=0)
    assert sorted((form.name, each.case.id) for form, each in chosen) == [
        ("NEVER", "0"), ("NEVER", "1"), ("NOT", "0"), ("NOT", "1"),
    ]  # fmt: skip


def by_case(question: Question) -> Answer:
    """Hears only what is in lower case, and takes every "never" for a no."""
    if question.text.isupper():
        raise InvalidQuestion("do not shout")
    return answer("no" if "never" in question.text else "yes", "proof")


def test_a_pair_is_kept_only_with_equal_status_and_verdict() -> None:
    chosen = changed_cases(CASES[:1], none, 12, seed=0)
    lines = {line.name: line for line in pair_lines(list(ask_pairs(chosen, Asking(by_case))))}
    assert lines["upper case"] == Line("upper case", 1, 0.0)
    assert lines["lower case"] == Line("lower case", 1, 1.0)
    assert lines["no apostrophes"] == Line("no apostrophes", 0, None)
    assert lines["all pairs"] == Line("all pairs", 11, 10 / 11)


def test_a_flip_is_right_only_if_the_verdict_turns_round() -> None:
    chosen = turned_cases(CASES, none, 10, seed=0)
    lines = {line.name: line.share for line in flip_lines(list(ask_flips(chosen, Asking(by_case))))}
    assert lines["turned rightly"] == 0.5
    assert lines[f"turned rightly: {Form.NEVER}"] == 1.0
    assert lines[f"turned rightly: {Form.NOT}"] == 0.0
    assert lines["right against gold"] == 0.5


def test_flips_without_a_plain_yes_or_no_are_not_counted() -> None:
    yes, no = Given(Status.ANSWERED, Verdict.YES), Given(Status.ANSWERED, Verdict.NO)
    unsure, silent = Given(Status.ANSWERED, Verdict.CONDITIONAL), Given(Status.NOT_STATED, None)
    gold = CASES[0].proof
    assert gold is not None
    flips = [
        Flip("a", Form.NOT, "", "", gold.verdict, before, after)
        for before, after in [(yes, no), (no, yes), (yes, unsure), (unsure, no), (silent, no)]
    ]
    lines = {line.name: line for line in flip_lines(flips)}
    assert lines["plain question got yes or no"] == Line("plain question got yes or no", 5, 0.6)
    # Gold is yes: the second one turned its wrong "no" round, which is consistent but not right.
    assert lines["turned rightly"].share == pytest.approx(2 / 3)
    assert lines["right against gold"].share == pytest.approx(1 / 3)


def write_case(path: Path, policy: str = "acme.com__2011-03-06") -> Path:
    line = {
        "id": "sell", "policy": policy, "question": "Does Acme sell my data?", "kind": "yes_no", "verdict": "no",
        "evidence": ["We do not sell your data."],
    }  # fmt: skip
    path.write_text(json.dumps(line) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def index(tmp_path: Path) -> Path:
    encoder = HashingEncoder()
    manifest = Manifest(encoder.name, encoder.fingerprint, encoder.dimension, "test")
    with Library.open_for_writing(tmp_path / "index", manifest) as library:
        library.put(indexed("We do not sell your data.", "We use cookies on our site."))
    return tmp_path / "index"


def test_the_command_asks_prints_and_saves(tmp_path: Path, index: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cases, out = write_case(tmp_path / "cases.jsonl"), tmp_path / "made" / "out.json"
    arguments = ["--cases", str(cases), "--index", str(index), "--out", str(out)]
    assert main(arguments, encoder=HashingEncoder(), reader=FirstReader()) == 0
    printed = capsys.readouterr()
    assert "| all pairs |" in printed.out
    assert "flips: 2 of 2" in printed.err
    saved = json.loads(out.read_text(encoding="utf-8"))
    # The one question has no apostrophe, no word of five letters and no pronoun: those changes do not apply.
    assert [pair["changed"] for pair in saved["pairs"]] == [
        "DOES ACME SELL MY DATA?", "does acme sell my data?", "Does Acme sell my data", "Does Acme sell my data??",
        "Does Acme sell my data...", "Does Acme sell my data, please?", "hi, does Acme sell my data? thanks",
        "can you tell me, does Acme sell my data?",
    ]  # fmt: skip
    assert saved["summary"]["pairs"][0] == {"name": "all pairs", "n": 8, "share": 1.0}
    assert [flip["turned"] for flip in saved["flips"]] == [
        "is it true that Acme never sells my data?",
        "does Acme NOT sell my data?",
    ]


@pytest.mark.parametrize("problem", ["no file", "malformed", "no index", "other policies"])
def test_what_cannot_be_measured_is_told_with_exit_code_two(
    problem: str, tmp_path: Path, index: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cases = write_case(
        tmp_path / "cases.jsonl", "acme.com__2011-03-06" if problem != "other policies" else "x.com__2000-01-01"
    )
    if problem == "malformed":
        cases.write_text("{}\n", encoding="utf-8")
    if problem == "no file":
        cases.unlink()
    folder = tmp_path / "none" if problem == "no index" else index
    assert main(["--cases", str(cases), "--index", str(folder)], encoder=HashingEncoder(), reader=FirstReader()) == 2
    said = capsys.readouterr().err
    assert said.startswith("robustness: ")
    assert "Traceback" not in said
