"""What all forms of case files have in common: a case is a ``Record``, lines of a file and values by key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from qa.text import printable

__all__ = ["Form", "Read", "Record", "Value"]

Value: TypeAlias = Any
"""A text, a list, a mapping, or in JSON whatever JSON has."""


@dataclass(frozen=True, slots=True)
class Record:
    """A case as it stands in a file.

    Attributes:
        place: where it begins, as its writer would look for it: "line 12", "row 5".
        first, end: its lines [first, end) of the text, from 0.
        values: by key, as they stand there; what is left empty is left out.
        places: where keys stand, if elsewhere than the record begins.
        column: whether keys are columns.
    """

    place: str
    first: int
    end: int
    values: Mapping[str, Value] = field(default_factory=dict)
    places: Mapping[str, str] = field(default_factory=dict)
    column: bool = False

    def where(self, key: str) -> str:
        """Where to look for a key: "line 13: verdict", "row 5: column verdict"."""
        return f"{self.places.get(key, self.place)}: {'column ' if self.column else ''}{printable(key, 40)}"


@dataclass(frozen=True, slots=True)
class Read:
    """What a text holds.

    Attributes:
        mistakes: each with its place, in order; what could be read of the rest is in ``records`` all the same.
    """

    records: tuple[Record, ...]
    mistakes: tuple[str, ...] = ()


class Form(Protocol):
    """One way to write cases down."""

    @property
    def name(self) -> str:
        """As people call it."""
        ...

    def read(self, text: str) -> Read:
        """The records of a text."""
        ...

    def added(self, text: str, values: Mapping[str, Value]) -> str:
        """The text with one more case at its end."""
        ...

    def replaced(self, text: str, record: Record, values: Mapping[str, Value] | None) -> str:
        """The text with a record's lines written anew, or without them; all others as they were."""
        ...
