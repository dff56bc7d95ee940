"""What a benchmark is: what it says of itself, and the rows that its figures are made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from eval.metrics import Ratio, value_of
from qa.errors import UsageError

if TYPE_CHECKING:
    from qa.encoders import TextEncoder
    from qa.reading import Reader
    from qa.settings import Settings

__all__ = [
    "About", "Ask", "Benchmark", "Engine", "InvalidData", "Item", "OnProgress", "Parts", "Published", "Row",
    "figures_of", "means", "named", "refuse",
]  # fmt: skip

_SHOWN_MISTAKES = 3

Parts = Mapping[str, Sequence[Ratio]]
"""What one row adds to each figure (see ``eval.metrics.Measure``)."""


class InvalidData(UsageError):
    """A benchmark's data cannot be used; the text says which line or entry is wrong, or what is not there."""

    code = "invalid_benchmark_data"


@dataclass(frozen=True, slots=True)
class Published:
    """What somebody reported of a system.

    Attributes:
        figures: by the names of the benchmark's own figures, as shares in [0, 1].
        source: where it can be read.
        note: in which way it was not measured as ours is, or empty.
    """

    system: str
    figures: Mapping[str, float]
    source: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class About:
    """What a benchmark says of itself.

    Attributes:
        measures: what is measured, in a few words.
        data: what ``--data`` has to name.
        origin: who published the data, where, and under which licence.
        follows: what is done as published.
        differs: what is not.
        figures: each figure with its meaning, in the order in which they are shown.
        harmonics: those of the figures that are F1 of two others, a precision and a recall.
        published: figures of others; empty where none could be found in a source that can be named.
    """

    name: str
    title: str
    measures: str
    data: str
    origin: str
    follows: str
    differs: str
    figures: Mapping[str, str]
    harmonics: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    published: tuple[Published, ...] = ()


class Item(Protocol):
    """Something to be asked."""

    @property
    def id(self) -> str:
        """Unique in the data."""
        ...

    @property
    def policy(self) -> str:
        """What it is about; questions about one policy are not independent of each other."""
        ...


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one item.

    Attributes:
        parts: what it adds to each figure, but to those that are F1 of two others.
        said: what was asked and answered, for people.
        problem: why there is no answer, which counts as wrong; or empty.
    """

    id: str
    policy: str
    parts: Parts
    said: Mapping[str, Any] = field(default_factory=dict)
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Engine:
    """What is measured: the extractive engine with these parts.

    Attributes:
        settings: everything but the index, which is the benchmark's own.
        open_until_done: what a benchmark has opened stays open until its run is over.
    """

    settings: Settings
    encoder: TextEncoder
    reader: Reader
    open_until_done: ExitStack = field(default_factory=ExitStack)


OnProgress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and of how much."""
Ask = Callable[[Any], Row]


class Benchmark(Protocol):
    """A set of items with a protocol."""

    @property
    def about(self) -> About:
        """What it says of itself."""
        ...

    def read(self, data: Path | None) -> Sequence[Item]:
        """The items of the data; None where the benchmark has data of its own.

        Raises:
            InvalidData: there is none, or it is not in the published form.
        """
        ...

    def files(self, data: Path | None) -> Sequence[Path]:
        """The files that the items are made of."""
        ...

    def prepare(self, items: Sequence[Any], engine: Engine, on_progress: OnProgress) -> Ask:
        """Makes the texts of these items ready, and gives what asks one of them."""
        ...

    def wrong(self, item: Any) -> Parts:
        """What an item adds to the figures that there is no answer to."""
        ...


def means(values: Mapping[str, float]) -> dict[str, tuple[Ratio, ...]]:
    """The parts of a row whose figures are means over the rows."""
    return {name: ((value, 1.0),) for name, value in values.items()}


def figures_of(about: About, rows: Sequence[Row]) -> dict[str, float | None]:
    """All figures of some rows, in their order; None where one is undefined."""
    found: dict[str, float | None] = {
        name: value_of([row.parts[name] for row in rows]) if rows else None
        for name in about.figures
        if name not in about.harmonics
    }
    for name, (precision, recall) in about.harmonics.items():
        found[name] = _harmonic(found[precision], found[recall])
    return {name: found[name] for name in about.figures}


def _harmonic(precision: float | None, recall: float | None) -> float | None:
    if precision is None or recall is None:
        return None
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def named(data: Path | None, about: About) -> Path:
    """The data that was named.

    Raises:
        InvalidData: none was.
    """
    if data is None:
        raise InvalidData(
            f"{about.title} does not come with fineprint: name {about.data} with --data ({about.origin})."
        )
    return data


def refuse(mistakes: Sequence[str], what: str) -> None:
    """Refuses data with mistakes, and tells the first few.

    Raises:
        InvalidData: there are any.
    """
    if mistakes:
        more = f"; and {len(mistakes) - _SHOWN_MISTAKES} more" if len(mistakes) > _SHOWN_MISTAKES else ""
        raise InvalidData(f"{what}: {'; '.join(mistakes[:_SHOWN_MISTAKES])}{more}.")
