"""The last stage: only quotes that really stand in the policy become citations.

Every quote of a draft is located in the canonical text: at the place that the draft names; else anywhere, after
folding white space, typographic quotes, case, invisible characters and Markdown; else repaired to the closest
contiguous run. What cannot be located is rejected together with the claim that carried it. A located quote is widened
to the whole sentences that it touches, so that no citation can begin behind its own "not".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import quote as percent_encoded
from urllib.parse import urlsplit

from qa.domain import Citation, Draft, IndexedPolicy, Quote, Span
from qa.text import Folded, fold, printable, unmarked, without_markup

__all__ = ["Cited", "citation_at", "cite", "fragment_url", "locator", "sentences_of"]

COVERAGE = 0.85
"""Least share of a quote's characters that a repair must find, in order, in one contiguous run."""
SHORTEST = 12
"""Least length in characters of a quote that is not simply found at the place that the draft names."""
LONGEST_REPAIR = 2_000
"""Longer quotes are taken exactly or not at all; aligning them is slow."""
SECTION_CHARS = 160
FRAGMENT_WORDS = 5
"""Words of either end that a text fragment names when the quote is long."""

_MARKERS = re.compile(r"\[\s*([0-9]+(?:\s*,\s*[0-9]+)*)\s*\]")
_END = re.compile(r"(?<![.!?…])[.!?…]++[\"”’')]*(?:\s*\[\s*[0-9][0-9,\s]*\])*+(?=\s|$)")
# A renumbered marker on its way into the text; no draft can hold one, since control characters are dropped first.
_PLACED = re.compile("\x00([0-9]+)\x00")
_SHORT_FORM = re.compile(r"(?:\b(?:e\.g|i\.e|etc|vs|inc|ltd|co|corp|mr|mrs|ms|dr|st)|\b[A-Z])\.$", re.IGNORECASE)
_WORD = re.compile(r"\w+(?:'\w+)*")
_NEGATIONS = frozenset(
    {"not", "no", "never", "nor", "neither", "none", "nothing", "nobody", "without", "unless", "except", "excluding"}
    | {"only", "solely", "until"}
)
_NEGATING_PREFIXES = frozenset({"un", "in", "im", "il", "ir", "dis", "non", "mis"})


@dataclass(frozen=True, slots=True)
class Cited:
    """An answer text whose every marker has a verified citation.

    Attributes:
        text: one line; the markers are ``[1]`` to ``[n]``, numbered in order of first appearance. Empty if the draft
            had quotes and none of its claims survived, so that a bare "Yes." is never shown.
        citations: those that the text refers to, by number.
        related: the draft's related passages that were located, numbered on behind the citations.
        rejected: the quotes that stand nowhere in the policy.
    """

    text: str
    citations: tuple[Citation, ...]
    related: tuple[Citation, ...]
    rejected: tuple[Quote, ...]


def cite(draft: Draft, source: IndexedPolicy) -> Cited:
    """Verifies a draft against one policy; what stands only in another policy is rejected."""
    finder = _Finder(source)
    found: dict[str, Span] = {}
    rejected: list[Quote] = []
    for quote in draft.quotes:
        span = finder.locate(quote)
        if span is None:
            rejected.append(quote)
        else:
            found.setdefault(str(quote.n), span)
    refused = {str(quote.n) for quote in rejected}

    numbers: dict[Span, int] = {}
    kept: list[str] = []
    for claim in sentences_of(draft.text):
        pieces = _pieces(claim, known=found.keys() | refused, finder=finder)
        if not any(label in refused for piece in pieces for label in piece.labels):
            kept.append("".join(_renumbered(pieces, found, numbers)))
    # What still looks like a marker here is none; only then do the real ones take their final form.
    text = _PLACED.sub(r"[\1]", _MARKERS.sub(r"(\1)", " ".join(kept).strip()))
    if draft.quotes and not numbers:
        text = ""

    citations = tuple(_citation(source, span, n) for span, n in numbers.items())
    related: dict[Span, Citation] = {}
    for quote in draft.related:
        span = finder.locate(quote)
        if span is not None and span not in numbers and span not in related:
            related[span] = _citation(source, span, len(citations) + len(related) + 1)
    return Cited(text, citations, tuple(related.values()), tuple(rejected))


def fragment_url(url: str | None, quote: str) -> str | None:
    """A link that scrolls to the quote on the rendered page (WICG text fragments), or None if ``url`` is not http(s).

    Args:
        url: the page; a fragment of its own is kept.
        quote: canonical text; the link names what a reader sees of it, a long one by its first and last words.
    """
    if not url or not url.isprintable() or any(char.isspace() for char in url):
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return None
    lines = [line.split() for line in unmarked(quote).text.splitlines() if line.strip()]
    if not lines:
        return url
    words = [word for line in lines for word in line]
    if len(lines) == 1 and len(words) <= 2 * FRAGMENT_WORDS:
        directive = _encoded(words)
    else:
        # Neither end may run across a line break: on the page that may be the border of two blocks.
        directive = f"{_encoded(lines[0][:FRAGMENT_WORDS])},{_encoded(lines[-1][-FRAGMENT_WORDS:])}"
    page = url.partition(":~:")[0]
    return f"{page}{'' if '#' in page else '#'}:~:text={directive}"


def citation_at(source: IndexedPolicy, span: Span, n: int) -> Citation:
    """The citation of a span of whole sentences that was cut from the policy itself, so that nothing is to be located.

    Raises:
        AssertionError: the span is not a stretch of the text.
    """
    return _citation(source, span, n)


def locator(source: IndexedPolicy) -> Callable[[Quote], Span | None]:
    """Says where a quote stands in one policy, as ``cite`` would find it; for many quotes the text is folded once."""
    return _Finder(source).locate


def _encoded(words: list[str]) -> str:
    # "-" is part of the directive's own syntax, and the only unreserved character that is.
    return percent_encoded(" ".join(words), safe="", errors="ignore").replace("-", "%2D")


def _citation(source: IndexedPolicy, span: Span, n: int) -> Citation:
    policy = source.policy
    quote = policy.text[span.start : span.end]
    if not (0 <= span.start < span.end <= len(policy.text) and len(quote) == span.end - span.start and quote.strip()):
        raise AssertionError(f"a citation of {policy.id} does not slice: {span}")
    return Citation(
        n=n,
        policy_id=policy.id,
        company=policy.company,
        domain=policy.domain,
        archived_on=policy.archived_on,
        section=_section(source, span.start),
        quote=quote,
        start=span.start,
        end=span.end,
        url=fragment_url(policy.url, quote),
    )


def _section(source: IndexedPolicy, offset: int) -> str:
    """The heading path of the passage at ``offset``, as plain text; outer headings go first where it is too long."""
    path: tuple[str, ...] = ()
    for passage in source.passages:
        if passage.start <= offset < passage.end:
            path = passage.section
            break
    names = [name for heading in path if (name := printable(without_markup(heading), SECTION_CHARS // 2))]
    while len(names) > 1 and len(" › ".join(names)) > SECTION_CHARS:
        names.pop(0)
    return " › ".join(names)


@dataclass(frozen=True, slots=True)
class _Piece:
    """A stretch of a claim: plain words, or the labels of one marker."""

    words: str = ""
    labels: tuple[str, ...] = ()


def sentences_of(text: str) -> Iterator[str]:
    """The sentences of an answer, each with the markers behind it; a full stop inside quotation marks ends none."""
    for raw in text.splitlines():
        line = printable(raw)
        start = scanned = 0
        quoted = False
        for match in _END.finditer(line):
            for char in line[scanned : match.end()]:
                quoted = not quoted if char == '"' else char == "“" or (quoted and char != "”")
            scanned = match.end()
            if not quoted and not _SHORT_FORM.search(line, start, match.start() + 1):
                yield line[start:scanned].strip()
                start = scanned
        if line[start:].strip():
            yield line[start:].strip()


def _pieces(claim: str, *, known: set[str], finder: _Finder) -> list[_Piece]:
    """Splits a claim at its markers; "[1]" in the policy's own words becomes "(1)", markers of no quote vanish."""
    pieces: list[_Piece] = []
    done = 0
    for match in _MARKERS.finditer(claim):
        pieces.append(_Piece(words=claim[done : match.start()]))
        done = match.end()
        if finder.says(_open_quotation(claim[: match.start()]), match.group()):
            pieces.append(_Piece(words=f"({match.group(1)})"))
            continue
        labels = tuple(label for part in match.group(1).split(",") if (label := part.strip()) in known)
        if labels:
            pieces.append(_Piece(labels=labels))
        else:
            pieces[-1] = _Piece(words=pieces[-1].words.rstrip())
    pieces.append(_Piece(words=claim[done:]))
    return pieces


def _open_quotation(head: str) -> str:
    """What stands behind the last quotation mark of ``head`` if that opens a quotation, else nothing."""
    at = head.rfind('"') if head.count('"') % 2 else head.rfind("“")
    return head[at + 1 :] if at >= 0 and "”" not in head[at:] else ""


def _renumbered(pieces: list[_Piece], found: dict[str, Span], numbers: dict[Span, int]) -> Iterator[str]:
    previous = 0
    for piece in pieces:
        if piece.words.strip():
            previous = 0
        yield piece.words
        for label in piece.labels:
            n = numbers.setdefault(found[label], len(numbers) + 1)
            if n != previous:
                yield f"\x00{n}\x00"
            previous = n


@dataclass(frozen=True, slots=True)
class _Comparable:
    """A text reduced to what comparing needs, with the way back."""

    text: str
    folded: Folded
    words: Folded

    def original(self, start: int, end: int) -> Span:
        """The original's span of ``text[start:end]`` (which must not be empty)."""
        left, right = self.folded.original(start, end)
        return Span(*self.words.original(left, right))


def _comparable(text: str) -> _Comparable:
    """Without Markdown, case, typography, invisible characters and runs of white space."""
    words = unmarked(text)
    folded = fold(words.text, casefold=True)
    return _Comparable(folded.text, folded, words)


def _same_negations(quote: str, sentence: str) -> bool:
    """Whether no negation or restriction is lost, added or moved on the way from a quote to what really stands there.

    Both are comparable texts. "unable" for "able" counts as a negation, too.
    """
    from rapidfuzz.distance import Levenshtein

    ours, theirs = _words(quote), _words(sentence)
    lost: list[str] = []
    added: list[str] = []
    for code in Levenshtein.opcodes(ours, theirs):
        if code.tag != "equal":
            lost += ours[code.src_start : code.src_end]
            added += theirs[code.dest_start : code.dest_end]
    opposites = {prefix + word for word in lost for prefix in _NEGATING_PREFIXES} & set(added)
    opposites |= {prefix + word for word in added for prefix in _NEGATING_PREFIXES} & set(lost)
    return not opposites and _NEGATIONS.isdisjoint(lost + added)


def _words(text: str) -> list[str]:
    return _WORD.findall(text.replace("n't", " not").replace("cannot", "can not"))


class _Finder:
    """Locates quotes in one policy; what it needs of the text is folded once, when first needed."""

    def __init__(self, source: IndexedPolicy) -> None:
        self._text = source.policy.text
        self._sentences = sorted((sentence.start, sentence.end) for _, sentence in source.sentences())

    def locate(self, quote: Quote) -> Span | None:
        """Where the quote stands, widened to whole sentences, or None."""
        near = quote.near
        if near is not None and not 0 <= near.start < near.end <= len(self._text):
            near = None
        if near is not None and quote.text.strip() and near.of(self._text) == quote.text:
            return self._whole(self._trimmed(near))
        wanted = _comparable(quote.text).text
        if not wanted:
            return None
        if near is not None and _comparable(near.of(self._text)).text == wanted:
            return self._whole(self._trimmed(near))
        if len(wanted) < SHORTEST:
            return None
        return self._exactly(wanted, near) or self._repaired(wanted)

    def says(self, words: str, marker: str) -> bool:
        """Whether the policy has this marker behind the end of these words."""
        tail = _comparable(words + marker).text[-SHORTEST - len(marker) :]
        return bool(words.strip()) and tail in self._there.text

    @cached_property
    def _there(self) -> _Comparable:
        return _comparable(self._text)

    def _exactly(self, wanted: str, near: Span | None) -> Span | None:
        """The occurrence nearest to ``near`` (else the first) that neither begins nor ends inside a word."""
        best: Span | None = None
        at = self._there.text.find(wanted)
        while at >= 0:
            if self._on_words(at, at + len(wanted)):
                span = self._there.original(at, at + len(wanted))
                if near is None:
                    return self._whole(span)
                if best is None or abs(span.start - near.start) < abs(best.start - near.start):
                    best = span
            at = self._there.text.find(wanted, at + 1)
        return best and self._whole(best)

    def _repaired(self, wanted: str) -> Span | None:
        """The whole sentences around the closest run, unless a negation differs between them and the quote."""
        from rapidfuzz.distance import LCSseq
        from rapidfuzz.fuzz import partial_ratio_alignment

        there = self._there.text
        if len(wanted) > min(LONGEST_REPAIR, len(there)):
            return None
        # Runs are at most as long as the quote, so a ratio below COVERAGE means a coverage below it.
        run = partial_ratio_alignment(wanted, there, score_cutoff=100 * COVERAGE)
        if run is None or run.dest_end - run.dest_start < SHORTEST:
            return None
        start, end = run.dest_start, run.dest_end
        if LCSseq.similarity(wanted, there[start:end]) < COVERAGE * len(wanted):
            return None
        while start > 0 and not self._on_words(start, end):
            start -= 1
        while end < len(there) and there[end].isalnum() and there[end - 1].isalnum():
            end += 1
        span = self._whole(self._there.original(start, end))
        sentence = _comparable(self._paragraph(span).of(self._text)).text
        return span if _same_negations(wanted, sentence) else None

    def _on_words(self, start: int, end: int) -> bool:
        there = self._there.text
        begins = start == 0 or not (there[start - 1].isalnum() and there[start].isalnum())
        ends = end >= len(there) or not (there[end - 1].isalnum() and there[end].isalnum())
        return begins and ends

    def _whole(self, span: Span) -> Span:
        """The span widened to the ends of the sentences in which it begins and ends."""
        start, end = span.start, span.end
        for left, right in self._sentences:
            if left < span.end and span.start < right:
                start, end = min(start, left), max(end, right)
        return Span(start, end)

    def _paragraph(self, span: Span) -> Span:
        """A span of whole sentences as it is; anything else widened to its line, where its negations would stand."""
        if any(left <= span.start and span.end <= right for left, right in self._sentences):
            return span
        end = self._text.find("\n", span.end)
        return Span(self._text.rfind("\n", 0, span.start) + 1, len(self._text) if end < 0 else end)

    def _trimmed(self, span: Span) -> Span:
        stretch = span.of(self._text)
        left = len(stretch) - len(stretch.lstrip())
        return Span(span.start + left, span.start + left + len(stretch.strip()))
