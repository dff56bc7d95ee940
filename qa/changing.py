"""What became of every sentence from one version of a policy to another (pure functions).

Two sentences are the same if their letters, digits and currency signs are: white space, typography, case, punctuation,
Markdown and list bullets are noise. A sentence that both versions have is unchanged where it stands in line with the
other unchanged ones, and has moved where it does not; sentences without an equal are paired by how alike they are, and
what remains was added or removed. Swapping the versions swaps before and after, whatever order they are given in.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from qa.citing import citation_at
from qa.domain import Change, ChangeKind, Changes, Citation, IndexedPolicy, Sentence, Span, Vectors
from qa.text import plain, without_markup

__all__ = [
    "Alignment", "Edit", "Side", "Unit", "align", "changes_between", "renumbered", "sentence_key", "units_of",
    "word_edits",
]  # fmt: skip

ALIKE = 0.6
"""Sentences are one, reworded, from this likeness of their words, chosen by reading pairs of real versions,"""
CONTAINED = 0.9
"""… or if this share of the shorter one's words stands in the longer one, in order,"""
LEAST_CONTAINED = 6
"""… and the shorter one has at least so many words."""
NEAR = 0.55
"""Least cosine of two sentences that are compared word by word at all."""
NEIGHBOURS = 8
"""Of the sentences of the other version, so many of the nearest are compared word by word."""
LONGEST_LEAD = 700
"""An item whose lead-in turned from yes to no is cited with it, up to this many characters."""
MOST_JOINED = 4

_KEPT = re.compile(r"[^\W_]|[$€£¥%]|(?<=\d)[.,:/-](?=\d)")
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*|[$€£¥%]")
_TOKEN = re.compile(r"\s+|[^\W_]+(?:['’.,:/@&-][^\W_]+)*|[^\w\s]|_")
_DENIES = re.compile(r"\b(?:not|no|never|nor|neither|none|cannot|without)\b|n't\b")


def sentence_key(text: str) -> str:
    """What has to be equal for two sentences to be the same."""
    return "".join(_KEPT.findall(plain(without_markup(text))))


@dataclass(frozen=True, slots=True)
class Unit:
    """What is compared: a sentence, or a few that the other version writes as one.

    Attributes:
        span: in the policy's text, whole sentences.
        key: see ``sentence_key``; an item that a "We do not:" leads in has another key than under a "We do:".
        words: for comparing what is not equal.
        first, last: positions of its sentences among all of the policy.
        denied: it is an item under a "We do not:".
    """

    span: Span
    key: str
    words: tuple[str, ...]
    first: int
    last: int
    denied: bool = False


@dataclass(frozen=True, slots=True)
class Alignment:
    """Which units belong together, by their positions; every unit of either side is in exactly one of these."""

    unchanged: tuple[tuple[int, int], ...]
    moved: tuple[tuple[int, int], ...]
    reworded: tuple[tuple[int, int, float], ...]
    removed: tuple[int, ...]
    added: tuple[int, ...]


def units_of(older: IndexedPolicy, newer: IndexedPolicy) -> tuple[list[Unit], list[Unit]]:
    """The sentences of both versions; a run of them that the other version writes as one sentence is one unit."""
    left, right = _units(older), _units(newer)
    whole_left, whole_right = {unit.key for unit in left}, {unit.key for unit in right}
    return _joined(left, whole_right - whole_left), _joined(right, whole_left - whole_right)


def _units(source: IndexedPolicy) -> list[Unit]:
    text = source.policy.text
    units = []
    for n, (_, sentence) in enumerate(source.sentences()):
        own = plain(without_markup(sentence.span.of(text)))
        key = "".join(_KEPT.findall(own))
        denied = _is_denied(text, sentence)
        units.append(Unit(sentence.span, f"not {key}" if denied else key, tuple(_WORD.findall(own)), n, n, denied))
    return units


def _is_denied(text: str, sentence: Sentence) -> bool:
    """Whether an item stands under a lead-in that denies: "sell your data" under "we do not" says the opposite."""
    return sentence.lead_in is not None and _DENIES.search(plain(sentence.lead_in.of(text))) is not None


def _joined(units: list[Unit], wanted: set[str]) -> list[Unit]:
    """The units, with every short run whose joined keys are wanted made one."""
    if not wanted:
        return units
    longest = max(map(len, wanted))
    starts = {key[:12] for key in wanted}
    out: list[Unit] = []
    at = 0
    while at < len(units):
        run = units[at]
        taken = 1
        if run.key not in wanted and (run.key[:12] in starts or len(run.key) < 12):
            longer = run
            for n, unit in enumerate(units[at + 1 : at + MOST_JOINED], start=2):
                longer = Unit(
                    Span(longer.span.start, max(longer.span.end, unit.span.end)),
                    longer.key + unit.key, longer.words + unit.words, longer.first, unit.last,
                )  # fmt: skip
                if len(longer.key) > longest:
                    break
                if longer.key in wanted:
                    run, taken = longer, n
                    break
        out.append(run)
        at += taken
    return out


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """One version, ready to be compared.

    Attributes:
        units: in order.
        vectors: of the version's sentences, rows of length 1; they only choose which sentences are worth comparing word
            by word. Without them, all are compared.
    """

    units: Sequence[Unit]
    vectors: Vectors | None = None


def align(older: Side, newer: Side) -> Alignment:
    """Finds what belongs together."""
    # One order for both directions, so that swapping the versions swaps the sides and nothing else.
    if [unit.key for unit in newer.units] < [unit.key for unit in older.units]:
        turned = _align(newer, older)
        return Alignment(
            tuple((j, i) for i, j in turned.unchanged),
            tuple((j, i) for i, j in turned.moved),
            tuple((j, i, x) for i, j, x in turned.reworded),
            turned.added,
            turned.removed,
        )
    return _align(older, newer)


def _align(older: Side, newer: Side) -> Alignment:
    left, right = older.units, newer.units
    unchanged = _in_line([unit.key for unit in left], [unit.key for unit in right])
    used_left, used_right = {i for i, _ in unchanged}, {j for _, j in unchanged}
    waiting: dict[str, list[int]] = defaultdict(list)
    for j, unit in enumerate(right):
        if j not in used_right:
            waiting[unit.key].append(j)
    moved = []
    for i, unit in enumerate(left):
        if i not in used_left and waiting.get(unit.key):
            moved.append((i, waiting[unit.key].pop(0)))
    used_left |= {i for i, _ in moved}
    used_right |= {j for _, j in moved}
    free_left = [i for i in range(len(left)) if i not in used_left]
    free_right = [j for j in range(len(right)) if j not in used_right]
    reworded = _reworded(older, newer, _worth_comparing(older, newer, free_left, free_right), unchanged)
    used_left |= {i for i, _, _ in reworded}
    used_right |= {j for _, j, _ in reworded}
    return Alignment(
        tuple(unchanged),
        tuple(moved),
        tuple(sorted(reworded, key=lambda pair: pair[1])),
        tuple(i for i in free_left if i not in used_left),
        tuple(j for j in free_right if j not in used_right),
    )


def _in_line(left: Sequence[str], right: Sequence[str]) -> list[tuple[int, int]]:
    """Positions of a longest common subsequence."""
    from rapidfuzz.distance import LCSseq

    pairs: list[tuple[int, int]] = []
    for code in LCSseq.opcodes(left, right):
        if code.tag == "equal":
            pairs += zip(range(code.src_start, code.src_end), range(code.dest_start, code.dest_end), strict=True)
    return pairs


def _reworded(
    older: Side, newer: Side, worth: Iterable[tuple[int, int]], unchanged: Sequence[tuple[int, int]]
) -> list[tuple[int, int, float]]:
    """The most alike pairs first, each unit in one at most; of equally alike ones, those that stand in line."""
    anchors_left, anchors_right = [i for i, _ in unchanged], [j for _, j in unchanged]
    scored: list[tuple[float, int, int, int]] = []
    for i, j in worth:
        likeness = _likeness(older.units[i].words, newer.units[j].words)
        if likeness >= ALIKE:
            scored.append((-likeness, abs(bisect_left(anchors_left, i) - bisect_left(anchors_right, j)), i, j))
    pairs = []
    taken_left, taken_right = set[int](), set[int]()
    for minus, _, i, j in sorted(scored):
        if i not in taken_left and j not in taken_right:
            taken_left.add(i)
            taken_right.add(j)
            pairs.append((i, j, -minus))
    return pairs


def _worth_comparing(
    older: Side, newer: Side, free_left: Sequence[int], free_right: Sequence[int]
) -> Iterator[tuple[int, int]]:
    """Pairs that may be alike: all of them, or with vectors each unit and its nearest ones of the other side."""
    if not free_left or not free_right:
        return
    if older.vectors is None or newer.vectors is None:
        yield from ((i, j) for i in free_left for j in free_right)
        return
    rows = older.vectors[[older.units[i].first for i in free_left]]
    columns = newer.vectors[[newer.units[j].first for j in free_right]]
    near = rows @ columns.T
    top = np.zeros(near.shape, dtype=bool)
    for axis in (0, 1):
        nearest = np.take(np.argsort(-near, axis=axis), range(min(NEIGHBOURS, near.shape[axis])), axis=axis)
        np.put_along_axis(top, nearest, values=True, axis=axis)
    for a, b in np.argwhere(top & (near >= NEAR)):
        yield free_left[int(a)], free_right[int(b)]


def _likeness(one: Sequence[str], other: Sequence[str]) -> float:
    """How much of their words two sentences share in order, in [0, 1]; a sentence that only grew counts as alike."""
    from rapidfuzz.distance import LCSseq

    shorter, longer = sorted((len(one), len(other)))
    if not shorter:
        return 0.0
    common = LCSseq.similarity(one, other)
    likeness = 2 * common / (shorter + longer)
    if likeness < ALIKE and shorter >= LEAST_CONTAINED and common >= CONTAINED * shorter:
        return ALIKE
    return likeness


def changes_between(older: IndexedPolicy, newer: IndexedPolicy) -> Changes:
    """How the text differs between two versions of one policy; every side a verified citation, numbered through."""
    left, right = units_of(older, newer)
    aligned = align(Side(left, older.sentence_vectors), Side(right, newer.sentence_vectors))
    anchors: list[tuple[int, int]] = []
    for i, j in sorted((*aligned.unchanged, *((i, j) for i, j, _ in aligned.reworded))):
        if not anchors or j > anchors[-1][1]:
            anchors.append((i, j))
    placed: list[tuple[float, int, ChangeKind, int | None, int | None, float]] = []
    for i in aligned.removed:
        behind = bisect_left(anchors, (i, -1)) - 1
        placed.append((anchors[behind][1] + 0.5 if behind >= 0 else -1, i, ChangeKind.REMOVED, i, None, 0.0))
    placed += [(j, 0, ChangeKind.ADDED, None, j, 0.0) for j in aligned.added]
    placed += [(j, 0, ChangeKind.MOVED, i, j, 1.0) for i, j in aligned.moved]
    placed += [(j, 0, ChangeKind.REWORDED, i, j, likeness) for i, j, likeness in aligned.reworded]
    changes: list[Change] = []
    n = 0
    for _, _, kind, before, after, likeness in sorted(placed, key=lambda each: each[:2]):
        pair = [(older, None if before is None else left[before]), (newer, None if after is None else right[after])]
        denied = kind is not ChangeKind.MOVED and any(unit is not None and unit.denied for _, unit in pair)
        sides: list[Citation | None] = []
        for source, unit in pair:
            n += unit is not None
            sides.append(citation_at(source, _led(source, unit) if denied else unit.span, n) if unit else None)
        changes.append(Change(kind, sides[0], sides[1], likeness))
    first, second = older.policy, newer.policy
    return Changes(
        older=first.id,
        newer=second.id,
        company=second.company,
        domain=second.domain,
        older_archived_on=first.archived_on,
        newer_archived_on=second.archived_on,
        changes=tuple(changes),
        unchanged=len(aligned.unchanged),
    )


def _led(source: IndexedPolicy, unit: Unit) -> Span:
    """An item with the sentence that leads it in, where both are short enough to be read as one."""
    lead = source.sentences()[unit.first][1].lead_in
    if lead is None or unit.span.end - lead.start > LONGEST_LEAD:
        return unit.span
    return Span(min(lead.start, unit.span.start), unit.span.end)


def renumbered(changes: Changes, kept: Sequence[Change]) -> Changes:
    """The changes with only those that are kept, their citations numbered anew."""
    out, n = [], 0
    for change in kept:
        sides = []
        for side in (change.before, change.after):
            n += side is not None
            sides.append(side and replace(side, n=n))
        out.append(replace(change, before=sides[0], after=sides[1]))
    return replace(changes, changes=tuple(out))


# --- the words of a reworded sentence ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Edit:
    """A stretch of a sentence, and whether the other wording has it, too."""

    text: str
    changed: bool


def word_edits(before: str, after: str) -> tuple[tuple[Edit, ...], tuple[Edit, ...]]:
    """Both wordings in stretches that are changed or not; joined, they are the wordings, character for character.

    Whole words are marked, and noise (case, punctuation, white space) only between two changed words.
    """
    from rapidfuzz.distance import LCSseq

    left, right = _TOKEN.findall(before), _TOKEN.findall(after)
    words_left = [n for n, token in enumerate(left) if sentence_key(token)]
    words_right = [n for n, token in enumerate(right) if sentence_key(token)]
    same_left, same_right = set(range(len(left))), set(range(len(right)))
    codes = LCSseq.opcodes([sentence_key(left[n]) for n in words_left], [sentence_key(right[n]) for n in words_right])
    for code in codes:
        if code.tag != "equal":
            same_left -= _between(words_left[code.src_start : code.src_end])
            same_right -= _between(words_right[code.dest_start : code.dest_end])
    return _edits(left, same_left), _edits(right, same_right)


def _between(positions: Sequence[int]) -> set[int]:
    """Changed words that follow each other, with what stands between them."""
    return {n for one, other in pairwise(positions) for n in range(one, other)} | set(positions)


def _edits(tokens: Sequence[str], same: set[int]) -> tuple[Edit, ...]:
    out: list[Edit] = []
    for n, token in enumerate(tokens):
        changed = n not in same
        if out and out[-1].changed is changed:
            out[-1] = Edit(out[-1].text + token, changed)
        else:
            out.append(Edit(token, changed))
    return tuple(out)
