"""Measures how questions fare as the index grows, with policies recombined from real ones (``eval.recombining``).

For each size a process fills an index and ends; another opens it as a service does and answers. *Again*: the same four
policies are asked about in turn, as at the smallest size. *First*: every question is about a policy that nobody has
asked about. Either way companies are found by their names among all the others. What does not fit on the disk is not
tried, and said.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, redirect_stdout
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from eval.machine import memory_mb
from eval.metrics import percentile
from eval.recombining import made_names, recombined, source_of
from eval.reporting import shown

if TYPE_CHECKING:
    from qa.domain import PolicyCard

__all__ = ["Asked", "Filled", "Kind", "Opened", "Size", "TooLarge", "as_markdown", "as_svg", "disk_mb", "room_for"]

QUESTIONS: Final = (
    "does {} sell my personal information?",
    "what information does {} collect about me?",
    "can I delete my account at {}?",
    "does {} use cookies?",
    "who does {} share my email address with?",
    "how long does {} keep my data?",
    "does {} collect data from children?",
    "how does {} protect my credit card number?",
)
_ASKED_AGAIN: Final = 4
_KEPT_FREE: Final = 0.2
"""The share of the free disk that is left alone."""
_SEARCHED: Final = 10_000
"""Up to so many policies the index over all of them is made too; above, it would take longer than everything else."""


class Kind(StrEnum):
    """Which policies were asked about."""

    AGAIN = "again"
    FIRST = "first"


@dataclass(frozen=True, slots=True)
class Asked:
    """One answer.

    Attributes:
        total_ms, routing_ms: what the whole and its routing took.
        cpu_ms: the processor time of the whole, which a busy machine does not stretch.
        found: whether it is from the policy that was asked about, found by its company's name among the others.
    """

    policies: int
    kind: Kind
    total_ms: float
    routing_ms: float
    cpu_ms: float
    found: bool


@dataclass(frozen=True, slots=True)
class Filled:
    """What an index takes on the disk, in megabytes; ``search_mb`` None where no index over all passages was made."""

    policies: int
    seconds: float
    library_mb: float
    search_mb: float | None


@dataclass(frozen=True, slots=True)
class Opened:
    """What a service takes that has opened an index.

    Attributes:
        seconds: until the names of all companies are known and the models are loaded.
        memory_mb: after that, before the first question.
        after_change_ms: the first answer after a policy was replaced.
    """

    policies: int
    seconds: float
    memory_mb: float
    after_change_ms: float


@dataclass(frozen=True, slots=True)
class TooLarge:
    """A size that was not tried, and why."""

    policies: int
    reason: str


@dataclass(frozen=True, slots=True)
class Size:
    """Everything measured at one size."""

    filled: Filled
    opened: Opened
    asked: tuple[Asked, ...]


def room_for(policies: int, mb_each: float, free_mb: float) -> TooLarge | None:
    """Why so many policies do not fit; None if they do."""
    needed, room = policies * mb_each, free_mb * (1 - _KEPT_FREE)
    if needed <= room:
        return None
    return TooLarge(policies, f"It needs about {needed / 1000:,.1f} GB of disk, and {room / 1000:,.1f} GB may be used.")


def disk_mb(folder: Path) -> float:
    """The size of a file, or of all files in a folder."""
    files = [folder] if folder.is_file() else [file for file in folder.rglob("*") if file.is_file()]
    return sum(file.stat().st_size for file in files) / 1e6


def fill(base: Path, index: Path, policies: int) -> Iterator[int | Filled]:
    """Fills an index, telling how many policies it holds every now and then.

    Args:
        base: the index of the real policies.
        index: an empty folder, or one that an interrupted filling has left.
        policies: how many.
    """
    from qa.library import Library
    from qa.store import ChromaIndex, synchronise

    began = time.perf_counter()
    with Library.open(base) as library:
        manifest = library.manifest
        source = source_of([library.read(card.id) for card in library.cards()])
    with Library.open_for_writing(index, manifest) as library:
        there = library.hashes()
        for done, policy in enumerate(recombined(source, made_names(policies)), start=1):
            if policy.policy.id not in there:
                library.put(policy)
            if done % 100 == 0:
                yield done
        searched = policies <= _SEARCHED
        if searched:
            with closing(ChromaIndex.open(index, manifest)) as search:
                synchronise(library, search)
    whole, found = disk_mb(index), disk_mb(index / "chroma") if searched else None
    yield Filled(policies, time.perf_counter() - began, whole - (found or 0.0), found)


def ask(index: Path, questions: int) -> Iterator[Opened | Asked]:
    """Opens an index and answers questions about its policies."""
    from qa.domain import Question
    from qa.library import Library
    from qa.service import PolicyQA
    from qa.settings import load_settings

    began = time.perf_counter()
    service = PolicyQA.open(load_settings({"index": index}))
    service.warm_up()
    opened_s, opened_mb = time.perf_counter() - began, memory_mb()
    cards = list(service.cards())
    random.Random(0).shuffle(cards)  # noqa: S311
    known = {name.domain for name in made_names(_ASKED_AGAIN)}  # every size begins with the same names and policies
    again = sorted((card for card in cards if card.domain in known), key=lambda card: card.id)
    rest = [card for card in cards if card.domain not in known]
    rows: list[Asked] = []

    def answered(kind: Kind, about: Sequence[PolicyCard]) -> None:
        for card, text in zip(about, itertools.cycle(QUESTIONS), strict=False):
            start, start_cpu = time.perf_counter(), time.process_time()
            answer = service.ask(Question(text.format(card.company)))
            total_ms, cpu_ms = (time.perf_counter() - start) * 1000, (time.process_time() - start_cpu) * 1000
            found = answer.policies == (card.id,)
            rows.append(Asked(len(cards), kind, total_ms, answer.timings_ms.routing, cpu_ms, found))

    uncounted = [text.format(card.company) for card in again for text in QUESTIONS]
    for text in uncounted:
        service.ask(Question(text))
    answered(Kind.AGAIN, list(itertools.islice(itertools.cycle(again), questions)))
    answered(Kind.FIRST, rest[:questions])
    with Library.open(index) as library:
        manifest = library.manifest
    with Library.open_for_writing(index, manifest) as library:
        library.put(library.read(cards[0].id))
    start = time.perf_counter()
    service.ask(Question(uncounted[0]))
    yield Opened(len(cards), opened_s, opened_mb, (time.perf_counter() - start) * 1000)
    yield from rows
    service.close()


def as_markdown(sizes: Sequence[Size], too_large: Sequence[TooLarge] = ()) -> str:
    """A table with a column a size, and what was not tried."""
    lines = [
        "| policies | " + " | ".join(f"{size.filled.policies:,}" for size in sizes) + " |",
        "| --- |" + " ---: |" * len(sizes),
    ]

    def row(name: str, values: Sequence[float | None], digits: int) -> None:
        lines.append(f"| {name} | " + " | ".join(shown(value, digits) for value in values) + " |")

    for kind, said in ((Kind.AGAIN, "asked about again"), (Kind.FIRST, "asked about for the first time")):
        for name, share in (("p50", 0.5), ("p95", 0.95)):
            row(f"{said}: {name}, ms", [_percentile(size, kind, share) for size in sizes], 1)
        row(f"{said}: processor time, p50, ms", [_cpu(size, kind) for size in sizes], 1)
    row("share that found the policy asked about (the others do not count above)", [_found(size) for size in sizes], 2)
    row("of that routing: p50, ms", [_routing(size) for size in sizes], 1)
    first = _percentile(sizes[0], Kind.AGAIN, 0.5) if sizes else None
    times = [_times(_percentile(size, Kind.AGAIN, 0.5), first) for size in sizes]
    row("p50 again, as a multiple of the smallest size's", times, 2)
    first = _cpu(sizes[0], Kind.AGAIN) if sizes else None
    times = [_times(_cpu(size, Kind.AGAIN), first) for size in sizes]
    row("the same of processor time", times, 2)
    row("first answer after a change of the index, ms", [size.opened.after_change_ms for size in sizes], 1)
    row("ready to answer after, s", [size.opened.seconds for size in sizes], 2)
    row("memory when ready, MB", [size.opened.memory_mb for size in sizes], 0)
    row("disk for texts and vectors, MB per 1,000", [_each_thousand(s.filled.library_mb, s) for s in sizes], 1)
    row("disk for the search index, MB per 1,000", [_each_thousand(s.filled.search_mb, s) for s in sizes], 1)
    lines += [f"\n{each.policies:,} policies were not tried. {each.reason}" for each in too_large]
    return "\n".join([*lines, ""])


def as_svg(sizes: Sequence[Size]) -> str:
    """p50 and p95 of an answer against the number of policies, whose axis is logarithmic."""
    import html
    import math

    wide, high, left, top = 520, 240, 60, 36
    series = {
        f"{name}, {said}": [_percentile(size, kind, share) for size in sizes]
        for kind, said in ((Kind.AGAIN, "asked again"), (Kind.FIRST, "first time"))
        for name, share in (("p50", 0.5), ("p95", 0.95))
    }
    most = max([1.0, *(value for values in series.values() for value in values if value is not None)]) * 1.1
    logs = [math.log10(size.filled.policies) for size in sizes]
    span = max(logs) - min(logs) or 1.0
    xs = [left + (each - min(logs)) / span * (wide - left - 150) for each in logs]
    dashed = ' stroke-dasharray="6 3"'
    styles = [f'stroke="{colour}"{dash}' for colour in ("#2f6f9f", "#b35") for dash in ("", dashed)]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high + top + 30}" role="img">',
        "<title>Milliseconds for an answer by the number of indexed policies</title>",
        "<style>text { font: 12px sans-serif; fill: #333 }</style>",
        '<rect width="100%" height="100%" fill="#fff"/>',
        '<text x="8" y="18">milliseconds for an answer, by the number of indexed policies</text>',
        f'<line x1="{left}" y1="{top + high}" x2="{wide - 150}" y2="{top + high}" stroke="#999"/>',
    ]
    for x, size in zip(xs, sizes, strict=True):
        parts.append(f'<text x="{x:.1f}" y="{top + high + 18}" text-anchor="middle">{size.filled.policies:,}</text>')
    for value in (0.0, most / 2, most):
        y = top + high * (1 - value / most)
        parts.append(f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{value:.0f}</text>')
    for n, ((name, values), style) in enumerate(zip(series.items(), styles, strict=True)):
        points = [(x, value) for x, value in zip(xs, values, strict=True) if value is not None]
        places = [(f"{x:.1f}", f"{top + high * (1 - value / most):.1f}") for x, value in points]
        path = " ".join(f"{x},{y}" for x, y in places)
        parts += [f'<circle cx="{x}" cy="{y}" r="3" fill="none" {style}/>' for x, y in places]
        parts.append(f'<polyline points="{path}" fill="none" stroke-width="2" {style}/>')
        y = top + 14 + 20 * n
        parts.append(f'<line x1="{wide - 140}" y1="{y - 4}" x2="{wide - 116}" y2="{y - 4}" stroke-width="2" {style}/>')
        parts.append(f'<text x="{wide - 110}" y="{y}">{html.escape(name)}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _percentile(size: Size, kind: Kind, share: float) -> float | None:
    values = [each.total_ms for each in size.asked if each.kind is kind and each.found]
    return percentile(values, share) if values else None


def _cpu(size: Size, kind: Kind) -> float | None:
    values = [each.cpu_ms for each in size.asked if each.kind is kind and each.found]
    return percentile(values, 0.5) if values else None


def _routing(size: Size) -> float | None:
    values = [each.routing_ms for each in size.asked if each.found]
    return percentile(values, 0.5) if values else None


def _found(size: Size) -> float | None:
    return sum(each.found for each in size.asked) / len(size.asked) if size.asked else None


def _times(value: float | None, of: float | None) -> float | None:
    return value / of if value is not None and of else None


def _each_thousand(mb: float | None, size: Size) -> float | None:
    return mb / size.filled.policies * 1000 if mb is not None else None


def main(arguments: Sequence[str] | None = None) -> int:
    """A process that is measured: says each thing as it has it, a JSON object a line."""
    parser = argparse.ArgumentParser(prog="python -m eval.scale", description="Used by `fineprint bench`.")
    parser.add_argument("work", choices=["fill", "ask"])
    parser.add_argument("--base", type=Path)
    parser.add_argument("--index", type=Path, required=True)
    parser.add_argument("--policies", type=int, default=0)
    parser.add_argument("--questions", type=int, default=0)
    options = parser.parse_args(arguments)
    said = sys.stdout
    with redirect_stdout(sys.stderr):  # what a library prints must not come between the lines
        steps: Iterator[int | Filled | Opened | Asked]
        if options.work == "fill":
            steps = fill(options.base, options.index, options.policies)
        else:
            steps = ask(options.index, options.questions)
        for step in steps:
            _say(step, said)
    return 0


def _say(step: int | Filled | Opened | Asked, out: IO[str]) -> None:
    words = {"done": step} if isinstance(step, int) else {"what": type(step).__name__, **asdict(step)}
    out.write(json.dumps(words) + "\n")
    out.flush()


if __name__ == "__main__":
    sys.exit(main())
