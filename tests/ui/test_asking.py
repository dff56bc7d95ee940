from __future__ import annotations

import contextlib
import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.domain import Question
from qa.errors import UsageError
from ui.asking import parse_as_of, parse_case


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2008", dt.date(2008, 12, 31)),
        ("2008-02", dt.date(2008, 2, 29)),  # a leap year
        ("2007-2", dt.date(2007, 2, 28)),
        ("2008-05-04", dt.date(2008, 5, 4)),
        (" 2008 ", dt.date(2008, 12, 31)),
    ],
)
def test_a_date_means_the_last_day_that_it_names(text: str, day: dt.date) -> None:
    assert parse_as_of(text) == day


@pytest.mark.parametrize(
    "text", ["", "08", "2008-13", "2008-00", "2007-02-29", "0000", "yesterday", "2008-01-01T00:00"]
)
def test_what_is_no_date_is_said_so(text: str) -> None:
    with pytest.raises(UsageError, match="YYYY-MM-DD"):
        parse_as_of(text)


@given(st.text(max_size=30))
def test_any_text_is_a_date_or_a_usage_error(text: str) -> None:
    with contextlib.suppress(UsageError):
        assert isinstance(parse_as_of(text), dt.date)


def test_a_case_becomes_a_question_and_further_fields_are_passed_over() -> None:
    case = {"id": 3, "question": "do they?", "history": ["a?"], "scope": "x.com", "as_of": 2008, "verdict": "yes"}
    assert parse_case(case) == Question("do they?", ("a?",), "x.com", dt.date(2008, 12, 31))


@pytest.mark.parametrize(
    "case",
    [
        {},
        {"question": 1},
        {"question": "x", "history": "y"},
        {"question": "x", "history": [1]},
        {"question": "x", "scope": 1},
        {"question": "x", "as_of": [2008]},
        {"question": "x", "as_of": "soon"},
    ],
)
def test_a_case_of_another_form_is_a_usage_error(case: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        parse_case(case)
