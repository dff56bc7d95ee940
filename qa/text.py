"""Folding and sentences of text, always with offsets into the original (pure functions)."""

from __future__ import annotations

import html
import re
import threading
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

# One character each, so that folding keeps a simple offset map.
_TYPOGRAPHY = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛′`´", "'"),
        **dict.fromkeys("“”„‟″«»", '"'),
        **dict.fromkeys("‐‑‒–—―−", "-"),
    }
)
# Invisible characters that people never type and pages are full of: zero width, soft hyphen, bidi controls, BOM.
_INVISIBLE = frozenset(
    "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)
_DROP_INVISIBLE = dict.fromkeys(map(ord, _INVISIBLE))


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch ``[start, end)`` of a text, in code points."""

    start: int
    end: int

    def of(self, text: str) -> str:
        """The stretch itself."""
        return text[self.start : self.end]


@dataclass(frozen=True, slots=True)
class Folded:
    """A text folded for comparison, with the way back.

    Attributes:
        text: white space runs are one blank, typographic quotes and dashes ASCII, invisible characters gone.
        starts: for each character of ``text``, the offset in the original where it begins.
        ends: for each character of ``text``, the offset in the original behind it.
    """

    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The original's span of ``text[start:end]`` (which must not be empty)."""
        return self.starts[start], self.ends[end - 1]


def fold(text: str, *, casefold: bool = False) -> Folded:
    """Folds white space, typographic quotes and dashes, and invisible characters; optionally case.

    Blank runs at either end vanish. Characters whose case folding is longer than one character keep their form, so
    that every folded character has one origin.
    """
    out: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    pending: tuple[int, int] | None = None
    for offset, raw in enumerate(text):
        if raw.isspace():
            pending = (pending[0] if pending else offset, offset + 1)
            continue
        if raw in _INVISIBLE:
            continue
        if pending and out:
            out.append(" ")
            starts.append(pending[0])
            ends.append(pending[1])
        pending = None
        char = raw.translate(_TYPOGRAPHY)
        if casefold:
            lowered = char.casefold()
            char = lowered if len(lowered) == 1 else char
        out.append(char)
        starts.append(offset)
        ends.append(offset + 1)
    return Folded("".join(out), tuple(starts), tuple(ends))


def plain(text: str) -> str:
    """A question or name as typed, normalised for matching: NFKC, folded, lower case."""
    words = " ".join(unicodedata.normalize("NFKC", text).translate(_DROP_INVISIBLE).split()).translate(_TYPOGRAPHY)
    if words.isascii():
        return words.lower()
    return "".join(lowered if len(lowered := char.casefold()) == 1 else char for char in words)


MARKER = re.compile(r"\[([0-9]{1,4})\]")
"""A marker of an answer's text, as ``citing`` sets it: other digits, and longer numbers, refer to nothing."""
_MARKERS = re.compile(r"\[(\s*\d[\d\s,]*)\]")
# What stands in a policy but must never be cut in two, and what only dresses its words.
_LINK_TARGET = re.compile(r"\]\((?:<[^>\n]*>|[^()\s]*(?:\([^()\s]*\)[^()\s]*)*)(?:\s+\"[^\"\n]*\")?\s*\)")
_ADDRESS = re.compile(
    r"<?(?:https?://|ftp://|www\.)[^\s<>()\[\]]*[^\s<>()\[\].,;:!?'\"*_]>?"
    r"|(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}",
    re.IGNORECASE,
)
_TAG = re.compile(r"</?[A-Za-z][^<>\n]{0,300}>|<!--[^\n]*?-->")
_ENTITY_BLANK = re.compile(r"&nbsp;|&#160;|&#xa0;", re.IGNORECASE)
_EMPHASIS = re.compile(r"\*+|(?<![^\W_])_+|_+(?![^\W_])|`+|\\(?=[^\w\s])")
# A full stop with no blank behind it ("information.We use"), which scraped pages are full of; not "Amazon.com".
_GLUED = re.compile(
    r"(?:(?<=[a-z)\]0-9\"”][a-z)\]0-9])|(?<=\s[A-Z]{2})|(?<=[A-Z]{3}))[.!?][\"'”’)]?"
    r"(?=[A-Z][A-Za-z]*[\s,]|[A-Z]['’])(?!(?:Com|Net|Org|JS)\b)"
    # An end that nupunkt misses now and then: a full word, a full stop, a capital.
    r"|(?:(?<=[a-z]{4})|(?<=\s[a-z]{3})|(?<=[a-z]s))[.!?][\"'”’)]{0,2}\s+(?=[A-Z][A-Za-z'’-]*[\s,])"
    # A heading stuck to the sentence below it: "CookiesTo enrich".
    r"|(?<=[a-z]{3})(?=(?:We|You|Your|The|To|For|When|If|In|Our|As|It|By|All|Any|Please|On|Some|Other)\s)"
)
# Short forms that another sentence hardly ever follows.
_SHORT_FORM = re.compile(
    r"(?:^|[\s(\"'“])(?:e\.g|i\.e|eg|ie|cf|vs|viz|approx|arts?|secs?|para|dr|mr|mrs|ms|prof|st|fig|ext|tel|attn|p\.\s?o)\.\s*$",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W\d_]|\d(?:[ ().-]{0,3}\d){6}")  # a letter, or a telephone number
# How a sentence begins even where its writer forgot the capital; other small words run on from a stray full stop.
_OPENERS = frozenset(
    re.findall(
        r"\w+",
        "we you i it they this these there our your any all if the please no a an however also instead cookies users "
        "information",
    )
)
_BLANK_LINE = re.compile(r"\n[^\S\n]*\n")
_HEADING_MARK = re.compile(r"^\s{0,3}#{1,6}(?=\s)", re.MULTILINE)


def visible(text: str) -> str:
    """The words that a reader of the rendered page sees: Markdown and HTML marks gone, white space folded."""
    text = _TAG.sub(" ", _LINK_TARGET.sub("", _HEADING_MARK.sub("", text.replace("![", "["))))
    text = re.sub(r"[\[\]]", " ", _EMPHASIS.sub("", text))
    return " ".join(html.unescape(text).translate(_DROP_INVISIBLE).split())


def sentence_spans(text: str, start: int = 0, end: int | None = None) -> list[Span]:
    """The sentences of ``text[start:end]``, in order, trimmed of white space and dangling Markdown marks.

    A blank line ends a sentence, a single newline does not. E-mail addresses, URLs and link targets are never split.
    What has no letter in it is left out.
    """
    import nupunkt

    end = len(text) if end is None else end
    spans: list[Span] = []
    for block in _paragraphs(text, start, end):
        masked = _masked(block.of(text))
        if not _WORD.search(masked):
            continue
        pieces = [Span(left, right) for left, right in nupunkt.sent_spans(masked)]
        for piece in _mended(masked, pieces):
            left, right = piece.start, piece.end
            while left < right and masked[left] == " ":
                left += 1
            while right > left and masked[right - 1] == " ":
                right -= 1
            # Marks that touch the words belong to them: "[" of a link, "**" around a label.
            left, right = left + block.start, right + block.start
            while left > block.start and text[left - 1] in "[*_`<":
                left -= 1
            if target := _LINK_TARGET.match(text, right, block.end):
                right = target.end()
            while right < block.end and text[right] in "*_`>":
                right += 1
            span = trimmed(text, Span(max(left, spans[-1].end if spans else left), right))
            if _WORD.search(visible(span.of(text))):
                spans.append(span)
    return spans


def trimmed(text: str, span: Span) -> Span:
    """The span without white space, invisible characters, table pipes and unpaired emphasis at either end."""
    start, end = span.start, span.end
    while True:
        before = start, end
        while start < end and _trims(text[start]):
            start += 1
        while end > start and _trims(text[end - 1]):
            end -= 1
        for mark in ("**", "__", "*", "_"):
            inner = text[start:end]
            opened, closed = inner.startswith(mark), inner.endswith(mark) and len(inner) > len(mark)
            count = inner.count(mark)
            if opened and closed and count == 2:
                start, end = start + len(mark), end - len(mark)
            elif opened and count % 2:
                start += len(mark)
            elif closed and count % 2:
                end -= len(mark)
            else:
                continue
            break
        if before == (start, end):
            return Span(start, end)


def _trims(char: str) -> bool:
    return char.isspace() or char in _INVISIBLE or char == "|"


def _paragraphs(text: str, start: int, end: int) -> Iterator[Span]:
    left = start
    for gap in _BLANK_LINE.finditer(text, start, end):
        if gap.start() > left:
            yield Span(left, gap.start())
        left = gap.end()
    if left < end:
        yield Span(left, end)


def _masked(text: str) -> str:
    """The text, equally long, with everything that could mislead a splitter replaced by blanks or by a plain word."""

    def target(match: re.Match[str]) -> str:
        word = match.start() and text[match.start() - 1].isalnum()
        return ("x" if word else " ") * len(match.group())

    def word(match: re.Match[str]) -> str:
        return "x" * len(match.group())

    def blank(match: re.Match[str]) -> str:
        return " " * len(match.group())

    text = _LINK_TARGET.sub(target, text)
    text = _ADDRESS.sub(word, text)
    text = _ENTITY_BLANK.sub(blank, _TAG.sub(blank, text))
    text = _EMPHASIS.sub(blank, text)
    return "".join(" " if char.isspace() or char in _INVISIBLE or char in "[]|" else char for char in text)


def _mended(masked: str, pieces: list[Span]) -> list[Span]:
    """Pieces joined where a short form or a bare number was taken for an end, and cut where a blank was forgotten."""
    joined: list[Span] = []
    for piece in pieces:
        last = joined[-1] if joined else None
        if last and (_unfinished(last.of(masked)) or _runs_on(piece.of(masked))):
            joined[-1] = Span(last.start, piece.end)
        else:
            joined.append(piece)
    cut: list[Span] = []
    for piece in joined:
        left = piece.start
        for match in _GLUED.finditer(masked, piece.start, piece.end):
            cut.append(Span(left, match.end()))
            left = match.end()
        cut.append(Span(left, piece.end))
    return cut


def _unfinished(piece: str) -> bool:
    """Whether a sentence cannot end with a piece: it ends with a short form, or there is no word in it yet."""
    return bool(_SHORT_FORM.search(piece)) or not _WORD.search(piece)


def _runs_on(piece: str) -> bool:
    """Whether a piece cannot begin a sentence: no word in it, or "com in writing", "and when necessary"."""
    first = re.match(r"\s*([a-z]+)\b(?![.-]\w)", piece)
    return not _WORD.search(piece) or bool(first and first.group(1) not in _OPENERS)


# Markdown, HTML and entities, in the order in which they are tried; every repetition is bounded: no text is slow.
_MARK = re.compile(
    r"""
    (?P<bullet>^[^\S\n]*(?:>[^\S\n]?|\#{1,6}(?=\s|$)|[*+•-](?=\s)|[0-9]{1,2}[.)](?=[^\S\n]+[^\W\d]))+)
    |(?P<rule>^[^\S\n]*(?:[|:=*_-][^\S\n]*){3,}$)
    |(?P<escape>\\[!-/:-@\[-`{-~])
    |(?P<image>!\[[^\[\]\n]{0,300}\]\([^()\s]{0,2000}\))
    |(?P<target>\]\((?:<[^<>\n]{0,2000}>|[^()\s]{0,2000}(?:\([^()\s]{0,500}\)[^()\s]{0,500}){0,3})
        (?:\s{1,3}"[^"\n]{0,300}")?\s{0,3}\))
    |(?P<autolink><(?=[^<>\s]{1,2000}>)(?:https?://|mailto:|[\w.+-]{1,64}@)[^<>\s]{1,2000}>)
    |(?P<block></?(?:br|p|div|li|ul|ol|dl|dt|dd|t[drh]|table|tbody|thead|h[1-6]|hr|blockquote)\b[^<>]{0,500}>)
    |(?P<tag></?[A-Za-z][^<>]{0,500}>|<!--[^<>]{0,2000}-->)
    |(?P<entity>&(?:\#[0-9]{1,7}|\#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});)
    |(?P<emphasis>(?<!\s)\*{1,3}|\*{1,3}(?=\S)|(?<![^\W_])_{1,3}(?=\S)|(?<=\S)_{1,3}(?![^\W_])|`+|~~)
    |(?P<pipe>\|)
    |(?P<bracket>[\[\]])
    """,
    re.VERBOSE | re.MULTILINE | re.IGNORECASE,
)
# Every mark has one of these; most sentences have none.
_MAY_BE_MARKED = re.compile(r"[\[\]\\<&*_`~|]|^[^\S\n]*[>#+•:=0-9-]", re.MULTILINE)
_VANISHING = frozenset({"bullet", "rule", "escape", "image", "tag", "emphasis"})


def unmarked(text: str) -> Folded:
    """The words that a rendered page shows, with the way back: no Markdown or HTML marks, links only by their words.

    White space stays as it is; a table pipe or the tag of a block becomes a line break, since no line runs across it.
    """
    out: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    open_brackets: list[int] = []
    link_brackets: set[int] = set()

    def keep(start: int, end: int) -> None:
        out.extend(text[start:end])
        starts.extend(range(start, end))
        ends.extend(range(start + 1, end + 1))

    def put(chars: str, start: int, end: int) -> None:
        out.extend(chars)
        starts.extend([start] * len(chars))
        ends.extend([end] * len(chars))

    done = 0
    for match in _MARK.finditer(text):
        start, end = match.span()
        keep(done, start)
        done = end
        kind = match.lastgroup
        if kind in _VANISHING:
            if kind == "escape":  # what is escaped is a character, not a mark
                keep(start + 1, end)
        elif kind == "bracket":
            if match.group() == "[":
                open_brackets.append(len(out))
            elif open_brackets:
                open_brackets.pop()
            keep(start, end)
        elif kind == "target":
            if open_brackets:
                link_brackets.add(open_brackets.pop())
        elif kind == "autolink":
            keep(start + 1, end - 1)
        elif kind == "entity":
            put(html.unescape(match.group()), start, end)
        else:  # a block's tag or a table pipe
            put("\n", start, end)
    keep(done, len(text))
    kept = [i for i in range(len(out)) if i not in link_brackets] if link_brackets else range(len(out))
    return Folded("".join(out[i] for i in kept), tuple(starts[i] for i in kept), tuple(ends[i] for i in kept))


def without_markup(text: str) -> str:
    """The plain form of Markdown: its words in one line, white space folded, marks, escapes, tags and links gone."""
    shown = unmarked(text).text if _MAY_BE_MARKED.search(text) else text
    return " ".join(shown.split())


def without_markers(text: str) -> str:
    """With "(1)" for "[1]": what somebody typed is no marker of a citation."""
    return _MARKERS.sub(r"(\1)", text)


def printable(text: str, limit: int | None = None) -> str:
    """A text that is safe to show in one line: control, format, bidi and surrogate characters gone, white space folded.

    Longer than ``limit`` characters, it is cut at a word and ends with "…".
    """
    shown = "".join(
        " " if char.isspace() else char for char in text if char.isspace() or unicodedata.category(char)[0] != "C"
    )
    line = " ".join(shown.split())
    if limit is None or len(line) <= limit:
        return line
    head = line[: limit - 1]
    if not line[limit - 1].isspace() and " " in head:
        head = head.rsplit(" ", 1)[0]
    return head.rstrip(" ,;:.-") + "…"


_CONTENT_WORD = re.compile(r"[a-z0-9]+")
_STOP_WORDS = frozenset(
    "a an the of to in on at for and or is are was were be been am do does did will would can could may might shall"
    " should has have had i me my you your yours they their them it its this that these those we our us with by from"
    " as if any there so not no what which who how when where why about into out up all".split()
)


def content_words(text: str) -> list[str]:
    """The words of a text that carry its topic: lower case, stemmed (Snowball English), without stop words."""
    lowered = text.lower().replace("e-mail", "email")
    return [_stem(word) for word in _CONTENT_WORD.findall(lowered) if word not in _STOP_WORDS]


_stemming = threading.Lock()


@lru_cache(maxsize=50_000)
def _stem(word: str) -> str:
    with _stemming:  # a stemmer keeps the word that it is at
        return str(_stemmer().stemWord(word))


@lru_cache(maxsize=1)
def _stemmer() -> Any:
    import snowballstemmer

    return snowballstemmer.stemmer("english")
