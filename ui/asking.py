"""Questions as people and programs write them, turned into ``Question`` values (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qa.days import parse_as_of
from qa.domain import Question
from qa.errors import InvalidQuestion, UsageError

__all__ = ["parse_as_of", "parse_case"]


def parse_case(case: Mapping[str, Any]) -> Question:
    """A case of a batch: ``question``, and optionally ``history``, ``scope``, ``as_of`` and ``id``.

    Further fields are ignored, so that annotated cases can be asked as they are.

    Raises:
        UsageError: a field is missing or of the wrong type.
    """
    text = case.get("question")
    if not isinstance(text, str):
        raise InvalidQuestion('The case has no "question" (a text).')
    history = case.get("history") or []
    if not isinstance(history, list) or not all(isinstance(item, str) for item in history):
        raise UsageError('"history" must be a list of texts (the earlier questions).')
    scope, as_of = case.get("scope"), case.get("as_of")
    if scope is not None and not isinstance(scope, str):
        raise UsageError('"scope" must be a text or null.')
    if as_of is not None and not isinstance(as_of, str | int):
        raise UsageError('"as_of" must be a date such as "2008-05-31" or null.')
    return Question(
        text,
        history=tuple(history),
        scope=scope or None,
        as_of=None if as_of is None else parse_as_of(str(as_of)),
    )
