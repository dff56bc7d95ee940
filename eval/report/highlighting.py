"""The policy around what proves an answer and what was cited: excerpts with both marked, as data for a page."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from eval.metrics import find_spans
from qa.text import Span

__all__ = ["Excerpt", "Layout", "Marker", "Piece", "excerpt"]

_CONTEXT = 260
"""Characters shown before and after what is marked."""
_LONGEST_WORD = 40
_LONGEST = 6_000
"""Characters of one excerpt; what would be beyond is counted, not shown."""


@dataclass(frozen=True, slots=True)
class Marker:
    """A quote to be marked.

    Attributes:
        kind: "gold" (proves the answer), "also" (acceptable, too) or "cited".
        tag: what is written before it, e.g. "[1]"; may be empty.
    """

    quote: str
    kind: str
    tag: str = ""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of the policy.

    Attributes:
        kinds: of the markers that cover it; none for what stands around.
        tags: of the markers that begin here.
        skipped: characters that were left out before it.
    """

    text: str
    kinds: frozenset[str] = frozenset()
    tags: tuple[str, ...] = ()
    skipped: int = 0


@dataclass(frozen=True, slots=True)
class Excerpt:
    """What is shown of one policy.

    Attributes:
        after: characters left out at the end.
        unfound: quotes that do not stand in the policy.
        hidden: marked quotes that lie in what was left out for length.
    """

    policy: str
    pieces: tuple[Piece, ...]
    after: int
    unfound: tuple[Marker, ...]
    hidden: int


class Layout:
    """A policy as it is laid out, beside its flat form (white space folded), in which quotes are looked up."""

    def __init__(self, text: str) -> None:
        self.text = text
        words = list(re.finditer(r"\S+", text))
        self.flat = " ".join(word.group() for word in words)
        self._at = [word.start() for word in words]
        self._flat_at: list[int] = []
        at = 0
        for word in words:
            self._flat_at.append(at)
            at += len(word.group()) + 1

    def find(self, quote: str) -> Span | None:
        """Where a quote occurs first, in the text as laid out."""
        found = find_spans(self.flat, [quote])
        return Span(self._raw(found[0].start), self._raw(found[0].end - 1) + 1) if found else None

    def _raw(self, flat: int) -> int:
        word = bisect_right(self._flat_at, flat) - 1
        return self._at[word] + flat - self._flat_at[word]


def excerpt(policy: str, layout: Layout, markers: Sequence[Marker]) -> Excerpt:
    """What of a policy shows the markers, each with some text around it."""
    placed = [(layout.find(marker.quote), marker) for marker in markers]
    found = [(span, marker) for span, marker in placed if span]
    unfound = tuple(marker for span, marker in placed if span is None)
    # Evidence and citations come first where not all can be shown, in the order in which they were given.
    windows = _merged(_window(span, layout.text) for span, _ in _within_budget(found))
    pieces: list[Piece] = []
    at = 0
    for window in windows:
        skipped = window.start - at
        for piece in _pieces(window, layout.text, found):
            pieces.append(Piece(piece.text, piece.kinds, piece.tags, skipped))
            skipped = 0
        at = window.end
    hidden = sum(not any(window.start <= span.start < window.end for window in windows) for span, _ in found)
    return Excerpt(policy, tuple(pieces), len(layout.text) - at, unfound, hidden)


def _within_budget(found: Sequence[tuple[Span, Marker]]) -> list[tuple[Span, Marker]]:
    kept: list[tuple[Span, Marker]] = []
    left = _LONGEST
    for span, marker in sorted(found, key=lambda each: each[1].kind == "also"):
        length = span.end - span.start + 2 * _CONTEXT
        if length > left and kept:
            continue
        kept.append((span, marker))
        left -= length
    return kept


def _window(span: Span, text: str) -> Span:
    """A quote with what is around it, from the beginning of a word to the end of one, and never too long."""
    start, end = max(0, span.start - _CONTEXT), min(len(text), span.end + _CONTEXT, span.start + _LONGEST)
    for _ in range(_LONGEST_WORD):
        start -= start > 0 and not text[start - 1].isspace()
        end += end < len(text) and not text[end].isspace()
    return Span(start, end)


def _merged(windows: Iterable[Span]) -> list[Span]:
    merged: list[Span] = []
    for window in sorted(windows, key=lambda each: each.start):
        if merged and window.start <= merged[-1].end + _LONGEST_WORD:
            merged[-1] = Span(merged[-1].start, max(merged[-1].end, window.end))
        else:
            merged.append(window)
    return merged


def _pieces(window: Span, text: str, found: Sequence[tuple[Span, Marker]]) -> Iterable[Piece]:
    inside = [(span, marker) for span, marker in found if span.start < window.end and span.end > window.start]
    cuts = sorted(
        {window.start, window.end}
        | {min(max(end, window.start), window.end) for span, _ in inside for end in (span.start, span.end)}
    )
    for start, end in pairwise(cuts):
        covering = [(span, marker) for span, marker in inside if span.start <= start and span.end >= end]
        tags = dict.fromkeys(marker.tag for span, marker in covering if span.start == start and marker.tag)
        yield Piece(text[start:end], frozenset(marker.kind for _, marker in covering), tuple(tags))
