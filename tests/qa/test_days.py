"""Days as programs give them; how people write them is tested with the faces, in tests/ui/test_asking.py."""

from __future__ import annotations

import datetime as dt

import pytest

from qa.days import day_of
from qa.errors import UsageError


@pytest.mark.parametrize(
    ("given", "day"),
    [
        (None, None),
        ("", None),
        (dt.date(2009, 1, 2), dt.date(2009, 1, 2)),
        (dt.datetime(2009, 1, 2, 3), dt.date(2009, 1, 2)),
        ("2009-02", dt.date(2009, 2, 28)),
        (2009, dt.date(2009, 12, 31)),
    ],
)
def test_a_day_may_be_given_in_many_ways(given: object, day: dt.date | None) -> None:
    assert day_of(given) == day


@pytest.mark.parametrize("given", [True, 2009.5, [2009], "someday", "2009-13", 0])
def test_what_is_no_day_is_refused(given: object) -> None:
    with pytest.raises(UsageError, match="YYYY-MM-DD"):
        day_of(given)
