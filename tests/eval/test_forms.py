from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.forms import JsonLines, Yaml
from eval.records import Form
from eval.tables import Csv

NEVER = "We never sell: your data."
VALUES: dict[str, Any] = {
    "id": "a",
    "policy": "a.com",
    "question": "Sold?",
    "verdict": "no",
    "evidence": [NEVER],
}
OTHER: dict[str, Any] = {"id": "b", "policy": "a.com", "question": "Kept?", "verdict": "not_stated"}
ALL = pytest.mark.parametrize("form", [JsonLines(), Yaml(), Csv()], ids=lambda form: form.name)


def values(form: Form, text: str) -> list[dict[str, Any]]:
    read = form.read(text)
    assert read.mistakes == ()
    return [dict(record.values) for record in read.records]


@ALL
def test_what_is_added_is_read_back(form: Form) -> None:
    text = form.added(form.added("", VALUES), OTHER)
    assert values(form, text) == [VALUES, OTHER]


@ALL
def test_one_case_is_changed_or_taken_out_and_the_others_stay_as_they_are(form: Form) -> None:
    text = form.added(form.added(form.added("", VALUES), OTHER), VALUES | {"id": "c"})
    second = form.read(text).records[1]
    changed = OTHER | {"evidence": ["One.", "Two."], "verdict": "yes"}
    assert values(form, form.replaced(text, second, changed)) == [VALUES, changed, VALUES | {"id": "c"}]
    assert values(form, form.replaced(text, second, None)) == [VALUES, VALUES | {"id": "c"}]


# Letters, and what means something in one of the forms.
ALPHABET = "aZé1 =+-@'\"#:;,.*&!|>%`[]{}~?<\\/_\u2028\u00a0\ufeff\u200b"
TEXTS = st.text(ALPHABET, min_size=1, max_size=20).map(lambda text: " ".join(text.split())).filter(bool)


@ALL
@settings(max_examples=15, deadline=None)
@given(question=TEXTS, quotes=st.lists(TEXTS, min_size=1, max_size=3))
def test_any_texts_come_back_as_they_were_written(form: Form, question: str, quotes: list[str]) -> None:
    case = {"question": question, "evidence": quotes}
    assert values(form, form.added("", case)) == [case]


@ALL
@settings(max_examples=15, deadline=None)
@given(text=st.text(ALPHABET + "\n\r\t\x00", max_size=60))
def test_whatever_stands_in_a_file_is_read_or_told(form: Form, text: str) -> None:
    for mistake in form.read(text).mistakes:
        assert "\n" not in mistake


# --- YAML -------------------------------------------------------------------------------------------------------------


def test_a_yaml_no_stays_a_word_and_nothing_is_a_date_or_a_number() -> None:
    text = "- {question: Sold?, verdict: no, id: 7, answer: 2011-03-06, scoped: yes, topic: ~}"
    assert values(Yaml(), text) == [
        {"question": "Sold?", "verdict": "no", "id": "7", "answer": "2011-03-06", "scoped": "yes"}
    ]


def test_each_key_of_a_yaml_case_is_told_with_its_own_line() -> None:
    (record,) = Yaml().read("# mine\n- question: Sold?\n  verdict: no\n  evidence: |\n    One\n    sentence.\n").records
    assert (record.place, record.where("verdict")) == ("line 2", "line 3: verdict")
    assert (record.first, record.end) == (1, 6)


def test_comments_between_cases_outlive_a_change() -> None:
    text = "# mine\n- question: One?\n\n# the hard one\n- question: Two?\n"
    first = Yaml().read(text).records[0]
    assert Yaml().replaced(text, first, {"question": "Other?"}) == (
        "# mine\n- question: Other?\n\n# the hard one\n- question: Two?\n"
    )


def test_a_case_is_added_as_far_to_the_right_as_the_others() -> None:
    assert Yaml().added("  - question: One?\n", {"question": "Two?"}) == "  - question: One?\n\n  - question: Two?\n"


def test_cases_that_share_a_line_cannot_be_changed_one_by_one() -> None:
    text = "[{question: One?}, {question: Two?}]"
    with pytest.raises(ValueError, match="line 1"):
        Yaml().replaced(text, Yaml().read(text).records[0], None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- question: a\n- question: We: b\n", "line 2: not YAML"),
        ("- question: a\n  evidence: *b\n", 'line 2: "*" refers'),
        ("- &a [*a, *a]\n", 'line 1: "*" refers'),
        ("- question: a\n  verdict: no\n  verdict: yes\n", "line 3: verdict: stands there twice, first in line 2"),
        ("question: a\n", "line 1: write a list of cases"),
        ("just words", "line 1: write a list of cases"),
        ("- question: a\n- question: \x07\n", "line 2: not YAML"),
        ("- question: a\n\tverdict: no\n", "line 2: not YAML"),
        ("- question: a\n- b\n", "line 2: not a case"),
        ("- ? [a, b]\n  : c\n", "line 1: a key must be a word"),
        ("- question: " + "[" * 50, "line 1: lists lie too deep"),
    ],
)
def test_what_is_wrong_with_yaml_is_told_with_its_line(text: str, said: str) -> None:
    assert any(mistake.startswith(said) for mistake in Yaml().read(text).mistakes)


def test_a_yaml_tag_makes_nothing_but_text() -> None:
    (case,) = values(Yaml(), "- question: !!python/object/apply:os.system ['true']\n")
    assert case == {"question": ["true"]}


# --- JSON Lines -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", ["[1]", "7", '{"a": ' + "9" * 5000 + "}", "[" * 100_000, "{", '{"a": NaN'])
def test_a_line_that_is_no_object_is_told(line: str) -> None:
    (mistake,) = JsonLines().read(f"\n{line}").mistakes
    assert mistake.startswith("line 2: not ")


def test_a_key_that_stands_twice_in_a_line_is_told() -> None:
    read = JsonLines().read('\n{"question": "a", "question": "b"}')
    assert read.mistakes == ("line 2: question: stands there twice",)


def test_a_line_separator_inside_a_question_does_not_end_the_line() -> None:
    text = json.dumps({"question": "Do you\u2028sell?"}, ensure_ascii=False)
    assert values(JsonLines(), text) == [{"question": "Do you\u2028sell?"}]
