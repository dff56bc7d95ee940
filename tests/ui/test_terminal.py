from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from qa.changing import changes_between
from qa.domain import Answer, Question, Status
from tests.qa.making import indexed
from tests.ui.fakes import SHARED, PreparedAnswers, cite
from ui.terminal import answer_lines, card_lines, changes_lines, policy_lines


def lines_of(answers: PreparedAnswers, question: str, width: int = 72) -> list[str]:
    return list(answer_lines(answers.ask(Question(question)), width))


def test_an_answer_is_verdict_text_and_numbered_quotes_with_section_date_and_link(answers: PreparedAnswers) -> None:
    lines = lines_of(answers, "does Perricone MD share my data?", 100)
    assert lines[0] == "It depends"
    assert lines[2].startswith("Only in some cases.")
    first = next(line for line in lines if line.startswith('[1] "'))
    assert SHARED[:40] in first
    assert "    Perricone MD, How We Use Your Personal Information, as of 6 March 2011" in lines
    assert any(line.startswith("    https://web.archive.org/") for line in lines)


@pytest.mark.parametrize("width", [40, 72, 100])
def test_all_but_links_fit_the_width(answers: PreparedAnswers, width: int) -> None:
    for question in ("does Perricone MD share my data?", "which of these sites sell my email?", "how long?"):
        for line in lines_of(answers, question, width):
            assert len(line) <= width or "https://" in line


def test_a_comparison_names_every_policy_with_its_verdict(answers: PreparedAnswers) -> None:
    lines = lines_of(answers, "which of these sites sell my email?")
    assert "Free People (5 December 2006): No" in lines
    assert "Perricone MD (6 March 2011): It depends" in lines


def test_silence_offers_the_nearest_passages_as_no_answer(answers: PreparedAnswers) -> None:
    lines = lines_of(answers, "how long is it kept?")
    assert lines[0] == "Not stated"
    assert "Nearest passages, which do not answer the question:" in lines


def test_each_of_several_questions_is_told_with_its_own_verdict(answers: PreparedAnswers) -> None:
    lines = lines_of(answers, "does Perricone MD share my data, and is my blood kept?")
    assert lines[:4] == ["Does Perricone MD share my data?", "It depends", "", "Only in some cases [1]."]
    second = lines.index("Is my blood kept?")
    assert lines[second + 1 : second + 4] == ["Not stated", "", "The policy does not answer this."]
    assert any(line.startswith('[1] "') for line in lines[second:])


def test_choices_are_offered_with_what_to_type(answers: PreparedAnswers) -> None:
    lines = lines_of(answers, "does it sell my email?")
    assert "Say which one with --scope:" in lines
    assert "    perriconemd.com  Perricone MD" in lines


def test_nothing_that_a_terminal_would_act_on_is_printed(answers: PreparedAnswers) -> None:
    source = answers.policy("perriconemd.com")
    evil = "\x1b]0;owned\x07 \x9b31m \u202e"
    citation = replace(cite(source, SHARED), quote=evil, section=evil, company=evil, url=f"https://x.example/{evil}")
    answer = Answer("?", Status.ANSWERED, evil, citations=(citation,), warnings=(evil,))
    policy = replace(source.policy, company=evil, text=evil, warnings=(evil,))
    printed = [*answer_lines(answer, 80), *policy_lines(replace(source, policy=policy))]
    assert not any(set("\x1b\x07\x9b\u202e") & set(line) for line in printed)


def test_policies_are_listed_in_columns(answers: PreparedAnswers) -> None:
    head, *rows = card_lines(answers.cards())
    assert head.startswith("POLICY")
    assert len(rows) == 4
    at = head.index("COMPANY")
    assert [row[at:].split("  ")[0] for row in rows] == ["ExOfficio", "Free People", "Malleries", "Perricone MD"]


def test_changes_are_counted_and_told_by_section_with_signs() -> None:
    older = indexed("We may sell it.", "Write to us by fax.", "Cookies help.", archived_on=dt.date(2008, 1, 31))
    newer = indexed("Cookies help.", "We never sell it.", "Robots \x1b[2Jgreet you.", archived_on=dt.date(2012, 6, 15))
    lines = list(changes_lines(changes_between(older, newer), 60, "selling"))
    assert lines[0] == "Acme: 31 January 2008 → 15 June 2012, about selling"
    assert lines[1] == "1 reworded, 1 added, 1 removed, 1 unchanged"
    assert "[Your information]" in lines
    at = lines.index("- We may sell it.")
    assert lines[at + 1] == "+ We never sell it."
    assert not any("\x1b" in line for line in lines)


def test_text_that_only_moved_is_one_line() -> None:
    first, second, third = "Cookies remember you.", "Children may not register.", "Our office answers letters."
    older, newer = indexed(first, second, third, archived_on=dt.date(2008, 1, 31)), indexed(third, first, second)
    lines = list(changes_lines(changes_between(older, newer), 60))
    assert lines[-1] == "1 more only moved; --json lists them."
    assert not any(line.startswith(("+ ", "- ")) for line in lines)
