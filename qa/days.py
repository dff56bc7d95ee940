"""Days as people write them."""

from __future__ import annotations

import calendar
import datetime as dt
import re

from qa.errors import UsageError

_DATE = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?")


def parse_as_of(text: str) -> dt.date:
    """The last day that ``YYYY``, ``YYYY-MM`` or ``YYYY-MM-DD`` means: 2008 is 31 December 2008.

    Raises:
        UsageError: anything else.
    """
    match = _DATE.fullmatch(text.strip())
    year, month, day = match.groups() if match else ("0", None, None)
    try:
        first = dt.date(int(year), int(month or 12), int(day or 1))
        return first if day else first.replace(day=calendar.monthrange(first.year, first.month)[1])
    except ValueError as exc:
        raise UsageError(
            f"{text[:40]!r} is not a date. Write YYYY, YYYY-MM or YYYY-MM-DD, e.g. 2008 or 2008-05."
        ) from exc


def day_of(value: object) -> dt.date | None:
    """The day that programs mean: a date, a text or number as people write days, or nothing.

    Raises:
        UsageError: anything else.
    """
    if value is None or value == "":
        return None
    if isinstance(value, dt.datetime):
        return value.date()
    if isinstance(value, dt.date):
        return value
    if isinstance(value, str | int) and not isinstance(value, bool):
        return parse_as_of(str(value))
    raise UsageError(
        f"A day is written as YYYY, YYYY-MM or YYYY-MM-DD, e.g. 2008-05-31; not as {type(value).__name__}."
    )
