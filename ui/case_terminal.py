"""Talks with whoever writes cases: at a terminal, or with lines that another program pipes in."""

from __future__ import annotations

import re
import sys
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from eval.proving import flat
from qa.citing import locator
from qa.domain import IndexedPolicy, PolicyCard, Quote, Route, Sentence, Span
from qa.retrieval import Retriever
from qa.text import plain, printable

if TYPE_CHECKING:
    from qa.encoders import TextEncoder

__all__ = ["Ended", "Shelf", "Talk", "Typed", "Verbatim", "having_words", "worded_alike", "wrapped"]

_PAGE: Final = 6
_FEW: Final = 4
_MOST_WORDS: Final = 3
"""So many words are looked for; more are taken for a sentence that is pasted."""
_ALIKE: Final = 65.0
"""Of 100: a sentence with a word changed is at 80 and more, two about the same thing hardly ever reach it."""


class Ended(Exception):
    """Whoever answers has gone: Ctrl+C, or the end of the lines that were piped in."""


class Talk(Protocol):
    """Somebody who reads lines and answers questions."""

    @property
    def width(self) -> int:
        """Columns to wrap to."""
        ...

    def say(self, *lines: str) -> None:
        """Shows lines."""
        ...

    def ask(self, prompt: str) -> str:
        """What is answered, without white space around it.

        Raises:
            Ended: nothing more will be.
        """
        ...


class Shelf(Protocol):
    """The policies that cases can be about; ``PolicyQA`` is one."""

    @property
    def encoder(self) -> TextEncoder: ...  # noqa: D102

    def cards(self, query: str = "", limit: int | None = None) -> tuple[PolicyCard, ...]: ...  # noqa: D102

    def policy(self, scope: str) -> IndexedPolicy: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Typed:
    """Standard input and output."""

    width: int = 80

    def say(self, *lines: str) -> None:
        """Prints lines."""
        for line in lines:
            print(line, flush=True)

    def ask(self, prompt: str) -> str:
        """A line from standard input."""
        try:
            typed = input(prompt).strip()
        except (EOFError, KeyboardInterrupt):
            print(flush=True)
            raise Ended from None
        except UnicodeDecodeError:
            self.say("That is no text; type it again.")
            return ""
        if not sys.stdin.isatty():
            self.say(typed)  # what was piped in stands beside what it answers
        return typed


def wrapped(text: str, width: int, head: str = "") -> list[str]:
    """A text in lines, the first behind its head and the others below its beginning; nothing in it is acted on."""
    return textwrap.wrap(
        printable(text), width, initial_indent=head, subsequent_indent=" " * len(head), break_long_words=False
    ) or [head.rstrip()]


def having_words(source: IndexedPolicy, text: str) -> list[Span]:
    """The sentences that have all words of a text, in any order."""
    wanted = plain(text).split()
    sentences = [sentence.span for _, sentence in source.sentences()]
    return [each for each in sentences if all(word in plain(each.of(source.policy.text)) for word in wanted)]


def worded_alike(source: IndexedPolicy, text: str) -> list[Span]:
    """The sentences that differ from a text in a few letters or words, the nearest first."""
    from rapidfuzz import fuzz, process

    sentences = [sentence.span for _, sentence in source.sentences()]
    spoken = [plain(each.of(source.policy.text)) for each in sentences]
    near = process.extract(plain(text), spoken, scorer=fuzz.ratio, limit=_FEW, score_cutoff=_ALIKE)
    return [sentences[n] for _, _, n in near]


@dataclass(slots=True)
class Verbatim:
    """Lets somebody pick sentences of one policy, so that what is picked stands there word for word.

    Attributes:
        shown: the sentences that have been shown, numbered from 1.
    """

    source: IndexedPolicy
    question: str
    retriever: Retriever
    talk: Talk
    shown: list[Span] = field(default_factory=list)
    _ranked: list[Sentence] = field(default_factory=list)

    def __post_init__(self) -> None:
        route = Route((self.source.policy.id,), self.question)
        self._ranked = [candidate.sentence for candidate in self.retriever.rank(route, self.source).ranked]

    def show_more(self, most: int = _PAGE) -> None:
        """Shows the next likely sentences."""
        more = [sentence.span for sentence in self._ranked if sentence.span not in self.shown][:most]
        if not more:
            self.talk.say("There are no more sentences in this policy.")
        self._show(more)

    def pick(self, prompt: str, *, needed: bool, kept: Sequence[str] = ()) -> list[str]:
        """The sentences that are picked, in the order in which they are named.

        Args:
            prompt: what is asked.
            needed: whether there must be one.
            kept: what is kept where nothing is typed.
        """
        picked: list[str] = []
        while True:
            typed = self.talk.ask(prompt)
            if not typed:
                if picked or kept or not needed:
                    return picked or [*kept]
                self.talk.say("At least one sentence has to prove it: type its number, or words to look for.")
            elif plain(typed) in {"m", "more"}:
                self.show_more()
            elif re.fullmatch(r"[\d\s,;.]+", typed):
                if taken := self._numbered(typed):
                    for each in taken:
                        self.talk.say(*wrapped(each, self.talk.width, "  taken: "))
                    return [*dict.fromkeys([*picked, *taken])]
            else:
                picked += [each for each in self._typed(typed) if each not in picked]
                if picked:
                    prompt = "Further ones (Enter for none): "

    def _numbered(self, typed: str) -> list[str]:
        numbers = [int(number) for number in re.findall(r"\d{1,9}", typed)]
        wrong = [number for number in numbers if not 1 <= number <= len(self.shown)]
        if wrong:
            self.talk.say(f"There is no sentence {wrong[0]}; 1 to {len(self.shown)} are shown, m shows more.")
            return []
        return list(dict.fromkeys(self._text(self.shown[number - 1]) for number in numbers))

    def _typed(self, typed: str) -> list[str]:
        """The whole sentence of what was pasted, or none and the nearest are shown."""
        source = self.source
        if len(typed.split()) <= _MOST_WORDS:
            self._show(having_words(source, typed)[:_PAGE] or self._about(typed))
            return []
        if flat(typed) in flat(source.policy.text) and (span := locator(source)(Quote(1, typed))):
            self.talk.say(*wrapped(self._text(span), self.talk.width, "  taken: "))
            return [self._text(span)]
        self.talk.say("This does not stand in the policy word for word. The nearest sentences:")
        self._show(dict.fromkeys([*worded_alike(source, typed), *self._about(typed)]))
        return []

    def _about(self, typed: str) -> list[Span]:
        """The sentences about what was typed, likeliest first."""
        ranked = self.retriever.rank(Route((self.source.policy.id,), typed), self.source).ranked
        return [candidate.sentence.span for candidate in ranked[:_FEW]]

    def _show(self, spans: Iterable[Span]) -> None:
        for span in spans:
            if span not in self.shown:
                self.shown.append(span)
            head = f"{self.shown.index(span) + 1:>4}  "
            self.talk.say(*wrapped(f"{self._lead_in(span)}{self._text(span)}", self.talk.width, head))

    def _lead_in(self, span: Span) -> str:
        """What an item of a list stands under; it does not become part of the evidence."""
        lead_in = next((each.lead_in for each in self._ranked if each.span == span), None)
        return f"({flat(lead_in.of(self.source.policy.text))}) " if lead_in else ""

    def _text(self, span: Span) -> str:
        return flat(span.of(self.source.policy.text))
