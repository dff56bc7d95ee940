"""JSON objects in what a chat model says, found as it comes; whatever it says, the work is bounded (pure functions).

Models asked for JSON also send code fences, a sentence before and after, trailing commas, Python's quotation marks, or
half of what they were to say. What is complete is read; what is not is left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Found", "Objects", "objects_of"]

MOST_CHARS = 24_000
"""What comes behind so many characters of a reply is not read."""
MOST_THOUGHT_CHARS = 4 * MOST_CHARS
"""What stands behind so much thinking aloud is not read."""
MOST_DEPTH = 12
"""Objects and lists within each other; a reply with more is none that was asked for."""
MOST_OBJECT_CHARS = 8_000
"""A longer object is not read; those within it are."""
MOST_LOOSE_CHARS = 3_000
"""A longer object is not mended."""

_THOUGHT = re.compile(r"<think(?:ing)?>", re.IGNORECASE)
_THOUGHT_END = re.compile(r"</think(?:ing)?>", re.IGNORECASE)
_LOOSE = re.compile(
    r"""
    (?P<json>"(?:[^"\\]|\\.)*+")
    |(?<=[{\[,:\s])'(?P<python>(?:[^'\\]|\\.|'(?!\s*[,:}\]]))*+)'
    |(?P<comma>,)(?=\s*[}\]])
    |\b(?P<constant>None|True|False)\b
    """,
    re.VERBOSE | re.DOTALL,
)
_CONSTANTS = {"None": "null", "True": "true", "False": "false"}
_CLOSING = {"{": "}", "[": "]"}


@dataclass(frozen=True, slots=True)
class Found:
    """A complete object of a reply.

    Attributes:
        value: its members.
        lists: in how many lists it stands; 0 for the outermost.
        inside: in how many objects it stands.
    """

    value: Mapping[str, Any]
    lists: int
    inside: int


class Objects:
    """Reads one reply piece by piece. Each object is told with its closing brace, inner ones before outer ones."""

    def __init__(self) -> None:
        self._text = ""
        self._fed = self._at = 0
        self._open: list[tuple[str, int]] = []
        self._quote = ""
        self._escaped = False
        self._thinking: bool | None = None
        self.finished = False
        """Whether nothing more is read."""

    @property
    def text(self) -> str:
        """All that was read, without thoughts that were said aloud at its beginning."""
        return self._text

    def feed(self, piece: str) -> Iterator[Found]:
        """The objects that end in the next piece."""
        if self.finished:
            return
        self._fed += len(piece)
        self._text = (self._text + piece)[:MOST_CHARS]
        if self._awaits_thought():
            if self._fed >= MOST_THOUGHT_CHARS:
                self._text = ""
                self._end()
            return
        while self._at < len(self._text):
            at, char = self._at, self._text[self._at]
            if self._quote == char == "'" and not self._escaped and at + 1 == len(self._text) < MOST_CHARS:
                return  # whether it ends the string shows in what comes next
            self._at += 1
            if self._quote:
                self._in_string(char)
            elif char in "\"'" and self._open and (char == '"' or self._may_begin_string(at)):
                self._quote = char
            elif char in _CLOSING and (self._open or char == "{" or self._begins_list(at)):
                self._open.append((char, at))
                if len(self._open) > MOST_DEPTH:
                    self._end()
            elif self._open and char == _CLOSING[self._open[-1][0]]:
                opening, start = self._open.pop()
                if opening == "{" and (value := _object(self._text[start : self._at])) is not None:
                    lists = sum(outer == "[" for outer, _ in self._open)
                    yield Found(value, lists, len(self._open) - lists)
        if len(self._text) >= MOST_CHARS:
            self._end()

    def _in_string(self, char: str) -> None:
        if self._escaped:
            self._escaped = False
        elif char == "\\":
            self._escaped = True
        elif char == self._quote and (char == '"' or self._ends_string(self._at)):
            self._quote = ""

    def _may_begin_string(self, at: int) -> bool:
        """Whether "'" stands where Python begins a string, and not in a word."""
        before = self._text[:at].rstrip()[-1:]
        return before in {"{", "[", ",", ":"}

    def _ends_string(self, after: int) -> bool:
        return self._text[after : after + 40].lstrip()[:1] in {"", ",", ":", "}", "]"}

    def _begins_list(self, at: int) -> bool:
        """Whether a list of objects begins the reply; any other bracket in prose is a marker."""
        return not self._text[:at].strip("` \n\r\tjson")

    def _awaits_thought(self) -> bool:
        """Takes thoughts off the beginning; whether they may still go on."""
        if self._thinking is None:
            self._text = self._text.lstrip()
            begun = self._text[: len("<thinking>")].lower()
            if "<thinking>".startswith(begun) and begun != "<thinking>":
                return True  # it may become one
            opening = _THOUGHT.match(self._text)
            self._thinking = opening is not None
            self._text = self._text[opening.end() :] if opening else self._text
        if self._thinking:
            closing = _THOUGHT_END.search(self._text)
            self._thinking = closing is None
            self._text = self._text[closing.end() :] if closing else self._text[-len("</thinking>") :]
        return self._thinking

    def _end(self) -> None:
        self.finished = True
        self._thinking = False
        self._text = self._text[: self._at]
        self._open.clear()


def objects_of(reply: str) -> list[Found]:
    """The complete objects of a whole reply."""
    return list(Objects().feed(reply + "\n"))


def _object(text: str) -> Mapping[str, Any] | None:
    """The members of one object, as JSON or as what is nearly JSON."""
    if len(text) > MOST_OBJECT_CHARS:
        return None
    value = _parsed(text)
    if value is None and len(text) <= MOST_LOOSE_CHARS:
        value = _parsed(_LOOSE.sub(_as_json, text))
    return value if isinstance(value, dict) else None


def _parsed(text: str) -> Any:
    try:
        return json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return None


def _as_json(match: re.Match[str]) -> str:
    """A comma too many, a string or a constant as Python writes it, or an escape that JSON does not know."""
    if match["json"]:
        return match["json"].replace("\\'", "'")
    if match["comma"]:
        return ""
    return _CONSTANTS[match["constant"]] if match["constant"] else json.dumps(match["python"].replace("\\'", "'"))
