"""Cuts a policy into passages and sentences, and says what of them is embedded (pure functions)."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ingest.blocks import Block, Kind, is_capitalised, scan
from qa.domain import Passage, Policy, Sentence, Span
from qa.embedding import passage_text, sentence_text
from qa.text import sentence_spans, trimmed, visible

__all__ = ["CHUNKER", "cut", "passage_text", "sentence_text"]

CHUNKER = "passages-2"
"""Version of the cutting; an index made by another one is rebuilt."""

_PASSAGE_CHARS = 900  # about 200 tokens; the encoder reads 256 and its head takes some
_SENTENCE_CHARS = 600
_VERB = re.compile(
    r"\b(?:do|does|did|will|shall|may|might|can|could|cannot|must|should|would|is|are|was|were|has|have|never|we['’]ll"
    r"|\w+n['’]t|collects?|shares?|sells?|uses|takes?|reserves?|respects)\b",
    re.I,
)
_NEGATION = re.compile(r"\b(?:not|never|no|cannot|\w+n['’]t)\b", re.I)
_ASKS = re.compile(
    r"^\W*(?:(?:[\dIVX]+(?:\.\d+)*|[a-z])[.)]?\s+)?"
    r"(?:(?:with|to|for) whom|how|what|when|where|which|who|whom|whose|why|q[.:]|do|does|can|will|may|is|are)\b|\?$",
    re.I,
)
# "Information we may collect" names a topic, "Your data is safe with us" states something.
_TOPIC = re.compile(
    r"^\W*(?:\d[\d.]*\W+)?(?:(?:the|other|personal|types of|your)\s)*"
    r"(?:information|data|cookies|things)\s(?:that\s)?(?:we|you)\b",
    re.I,
)
_SEPARATOR = re.compile(r";\s+|\s[•▪◦●]\s+|\s\|\s|\s(?=\((?:[a-z]|[ivx]{1,4}|\d{1,2})\)\s)|\s[–—-]{1,2}\s(?=[A-Z])")
_LINK = re.compile(r"\[[^\]\n]{0,500}\]\([^)\n]{0,2000}\)")


@dataclass(frozen=True, slots=True)
class _Unit:
    """A sentence with the headings that it stands under, or a heading or menu without one."""

    start: int
    end: int
    section: tuple[str, ...]
    sentence: Sentence | None
    opens: bool


def cut(policy: Policy) -> tuple[Passage, ...]:
    """The passages of a policy: they partition its text, each under one heading and at most ~900 characters long.

    A sentence is never cut; one that is longer than a passage may be stands alone in its own.
    """
    text = policy.text
    units = list(_units(text))
    groups: list[list[_Unit]] = []
    has_body = False  # whether the last group holds more than headings
    for unit in units:
        if not groups or (has_body and _parts(groups[-1], unit)):
            groups.append([])
            has_body = False
        groups[-1].append(unit)
        has_body = has_body or not unit.opens
    return _partition(text, groups)


def _parts(group: Sequence[_Unit], unit: _Unit) -> bool:
    """Whether a unit begins a new passage after one that holds more than headings."""
    return unit.opens or unit.end - group[0].start > _PASSAGE_CHARS


def _partition(text: str, groups: Sequence[Sequence[_Unit]]) -> tuple[Passage, ...]:
    first = len(text) - len(text.lstrip())
    if first == len(text):
        return ()
    cuts = [first]
    for before, group in itertools.pairwise(groups):
        cuts.append(_cut_before(text, before[-1].end, group[0].start))
    ends = [*cuts[1:], len(text)]
    passages = []
    for n, (start, end) in enumerate(zip(cuts, ends, strict=True)):
        group = groups[n] if groups else []
        body = text[start:end]
        passages.append(
            Passage(
                n=n,
                start=start + len(body) - len(body.lstrip()),
                end=start + len(body.rstrip()),
                section=group[-1].section if group else (),
                sentences=tuple(unit.sentence for unit in group if unit.sentence),
            )
        )
    return tuple(passages)


def _cut_before(text: str, low: int, start: int) -> int:
    """Where to cut before a unit at ``start``, never before ``low``, the end of the unit before.

    That is at the beginning of the unit's line if only marks precede it there, else at the blank before it.
    """
    line = text.rfind("\n", low, start) + 1
    if line > low or text[low:start].strip() == "":
        while (above := text.rfind("\n", low, max(low, line - 1)) + 1) > low and not re.search(r"\w", text[above:line]):
            line = above
        if not re.search(r"\w", text[line:start]):
            return line
    at = start
    while at > low and not text[at - 1].isspace():
        at -= 1
    return at if at > low else start


def _units(text: str) -> Iterator[_Unit]:
    blocks = scan(text)
    path: list[tuple[int, str]] = []
    title: str | None = None
    lead = _Leads(text)
    for block in blocks:
        if block.kind is Kind.HEADING:
            words = visible(block.span.of(text))
            if title is None and not path:
                title = words
                path = [(block.level, words)]
            else:
                path = [(level, name) for level, name in path if level < block.level and name is not title]
                path.append((block.level, words))
            section = tuple(name for _, name in path)
            sentence = Sentence(block.start, block.end) if _states(words) else None
            lead.heading(block)
            yield _Unit(block.start, block.end, section, sentence, opens=True)
            continue
        section = tuple(name for _, name in path)
        spans = sentence_spans(text, block.start, block.end)
        sentences = list(_sentences(text, block, spans, lead.of(block)))
        for sentence in sentences:
            yield _Unit(sentence.start, sentence.end, section, sentence, opens=False)
        if not sentences:
            yield _Unit(block.start, block.end, section, None, opens=False)
        lead.passed(block, spans)


class _Leads:
    """Remembers which sentence leads in the list that is being read."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._lead: Span | None = None
        self._open: list[tuple[int, Span]] = []  # items that may lead a nested list, by depth

    def heading(self, block: Block) -> None:
        words = visible(block.span.of(self._text))
        self._lead = block.span if words.endswith((":", "...", "…")) else None
        self._open = []

    def of(self, block: Block) -> Span | None:
        """The lead-in of a block, or None if it stands alone."""
        if block.lead:
            return block.lead
        words = visible(block.span.of(self._text))
        if block.kind is Kind.ITEM:
            while self._open and self._open[-1][0] >= block.depth:
                self._open.pop()
            return self._open[-1][1] if self._open else self._lead
        if block.kind is Kind.TEXT and self._lead and (words[:1].islower() or re.search(r"(?:;|,|\band|\bor)$", words)):
            return self._lead
        return None

    def passed(self, block: Block, spans: Sequence[Span]) -> None:
        last = spans[-1] if spans else None
        leads = last is not None and visible(last.of(self._text)).endswith((":", ": -", "…", "..."))
        if block.kind is Kind.ITEM:
            if leads and last:
                self._open.append((block.depth, last))
        elif block.kind is Kind.TEXT:
            if leads:
                self._lead, self._open = last, []
            elif self.of(block) is None:
                self._lead, self._open = None, []


def _sentences(text: str, block: Block, spans: Sequence[Span], lead: Span | None) -> Iterator[Sentence]:
    raw = block.span.of(text)
    if _is_furniture(raw, block.kind):
        return
    label = True
    for span in spans:
        words = visible(span.of(text))
        if block.kind is Kind.TEXT and len(words.split()) < 3 and not re.search(r"[@\d.:!?]", words):
            continue  # a heading or menu entry stuck to a sentence
        for piece in _shortened(text, span):
            inherited = lead if label else None
            yield replace(piece, lead_in=piece.lead_in or inherited)
        label = label and len(words) <= 60 and not _VERB.search(words)


def _shortened(text: str, span: Span) -> list[Sentence]:
    """A sentence, or the parts of an overlong one, each led in by what stands before the first part's colon."""
    if span.end - span.start <= _SENTENCE_CHARS:
        return [Sentence(span.start, span.end)]
    edges = [match.start() + (match.group()[0] == ";") for match in _SEPARATOR.finditer(text, span.start, span.end)]
    parts = [trimmed(text, Span(a, b)) for a, b in zip([span.start, *edges], [*edges, span.end], strict=True)]
    parts = [part for part in parts if re.search(r"[^\W\d_]", part.of(text))]
    if len(parts) < 2:
        return [Sentence(span.start, span.end)]
    colon = text.find(":", parts[0].start, parts[0].end)
    lead = Span(parts[0].start, colon + 1) if colon > 0 else parts[0]
    return [Sentence(part.start, part.end, lead if i else None) for i, part in enumerate(parts)]


def _states(words: str) -> bool:
    """Whether a heading says something, as "We do not sell your data" does and "How we use cookies" does not."""
    if words.endswith(("...", "…")):
        return True
    if len(words.split()) < 4 or _ASKS.search(words):
        return False
    if words.endswith("."):
        return True
    says = _NEGATION if is_capitalised(words) else _VERB
    return bool(says.search(words)) and not _TOPIC.search(words)


def _is_furniture(raw: str, kind: Kind) -> bool:
    """Whether a block is only links or a lone word, as menus are, or program code that was taken for text."""
    words = visible(raw)
    count = len(words.split())
    if _LINK.search(raw) and not re.search(r"\w", _LINK.sub("", raw)):
        return count < 4 and "@" not in words
    if len(words) > 30 and sum(char in "{}=;<>$" for char in words) > 0.03 * len(words):
        return True
    return kind is not Kind.ITEM and count < 2 and not re.search(r"[@\d.:]", words)
