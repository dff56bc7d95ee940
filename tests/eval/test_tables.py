from __future__ import annotations

from typing import Any

import pytest

from eval.tables import Csv


def values(text: str) -> list[dict[str, Any]]:
    read = Csv().read(text)
    assert read.mistakes == ()
    return [dict(record.values) for record in read.records]


def test_a_table_from_a_spreadsheet_with_semicolons_and_cells_of_several_lines() -> None:
    text = 'Question;Policy;Verdict;Also OK;Evidence\r\nSold?;a.com;no;;"One; two.\n\nThree."\r\n;;;;\r\nKept?;;;;\r\n'
    first, second = Csv().read(text).records
    assert first.values == {
        "question": "Sold?",
        "policy": "a.com",
        "verdict": "no",
        "evidence": ["One; two.", "Three."],
    }
    assert (first.place, first.where("verdict")) == ("row 2", "row 2: column verdict")
    assert second.place == "row 4 (line 6)"  # what a spreadsheet shows, and an editor


def test_the_separator_may_be_told_in_excels_way() -> None:
    assert values("sep=|\nquestion|policy\nSold, really?|a\n") == [{"question": "Sold, really?", "policy": "a"}]


@pytest.mark.parametrize("dangerous", ["=HYPERLINK(1)", "-1", "+1", "@a", "'=1"])
def test_no_cell_is_written_that_a_spreadsheet_would_calculate(dangerous: str) -> None:
    text = Csv().added("", {"question": dangerous, "evidence": ["Fine.", dangerous]})
    assert f"'{dangerous}" in text
    assert f",{dangerous}" not in text
    assert values(text) == [{"question": dangerous, "evidence": ["Fine.", dangerous]}]


def test_a_key_without_a_column_gets_one() -> None:
    text = Csv().added("question,policy\nSold?,a\n", {"question": "Kept?", "topic": "retention"})
    assert values(text) == [{"question": "Sold?", "policy": "a"}, {"question": "Kept?", "topic": "retention"}]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("question,policy\nSold, or not?,a,b\n", "row 2: has more cells than the heading row"),
        ('question,policy\n"Sold?,a\n', "row 2 (line 2): not CSV"),
        ("question,Question\na,b\n", "row 1: two columns are headed question"),
        ("question,\na,b\n", "row 2: the column of 'b' has no heading"),
        ("question,expect_entries\na,[1\n", "row 2: column expect_entries: write these as JSON"),
    ],
)
def test_what_is_wrong_with_a_table_is_told_with_its_row(text: str, said: str) -> None:
    assert any(mistake.startswith(said) for mistake in Csv().read(text).mistakes)


def test_a_case_for_all_policies_has_its_entries_as_json_in_a_cell() -> None:
    entries = [{"policy": "a", "verdict": "not_stated"}]
    assert values(Csv().added("", {"question": "All?", "expect_entries": entries})) == [
        {"question": "All?", "expect_entries": entries}
    ]
