"""The forms that cases are written in, read with the place of everything that is told about; see ``eval.records``.

What the values mean is not known here. Nothing in a file is believed or run: YAML is read as text, lists and mappings
alone, without its aliases, and ``no`` stays a word.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from eval.records import Form, Read, Record, Value
from eval.tables import Csv
from qa.text import printable

if TYPE_CHECKING:
    import yaml

__all__ = ["FORMS", "JsonLines", "Yaml"]

_DEEPEST: Final = 6
"""Lists and mappings within each other; cases need three."""
_YAML_WIDTH: Final = 110
_BLANK: Final = frozenset({"", "~", "null", "Null", "NULL"})


# --- JSON Lines -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class JsonLines:
    """One JSON object a line; blank lines are passed over."""

    name: str = "JSON Lines"

    def read(self, text: str) -> Read:
        """The records of a text."""
        records: list[Record] = []
        mistakes: list[str] = []
        # Not splitlines(): a question may hold a U+2028, which JSON leaves as it is.
        for n, line in enumerate(text.split("\n")):
            place = f"line {n + 1}"
            if not line.strip():
                continue
            try:
                pairs = json.loads(line, object_pairs_hook=_Pairs)
                values = _unpaired(pairs)
            except json.JSONDecodeError as exc:
                mistakes.append(f"{place}: not JSON: {exc.msg} at character {exc.pos + 1}")
            except (ValueError, RecursionError):  # a number with thousands of digits, lists in lists in lists
                mistakes.append(f"{place}: not a case: it is not what a case looks like")
            else:
                if not isinstance(values, dict):
                    mistakes.append(f'{place}: not a case: write one object a line, {{"question": …}}')
                    continue
                mistakes += [f"{place}: {key}: stands there twice" for key in _twice(pairs)]
                kept = {key: value for key, value in values.items() if value is not None}
                records.append(Record(place, n, n + 1, kept))
        return Read(tuple(records), tuple(mistakes))

    def added(self, text: str, values: Mapping[str, Value]) -> str:
        """The text with one more line."""
        return _ended(text) + self._line(values)

    def replaced(self, text: str, record: Record, values: Mapping[str, Value] | None) -> str:
        """The text with another line, or without it."""
        return _with_lines(text.split("\n"), record, self._line(values).rstrip("\n") if values else None)

    def _line(self, values: Mapping[str, Value]) -> str:
        return json.dumps(values, ensure_ascii=False) + "\n"


class _Pairs(list[tuple[str, Any]]):
    """The members of an object in order, those that stand there twice too."""


def _unpaired(value: Any) -> Any:
    if isinstance(value, _Pairs):
        return {key: _unpaired(each) for key, each in value}
    return [_unpaired(each) for each in value] if isinstance(value, list) else value


def _twice(pairs: Sequence[tuple[str, Any]]) -> list[str]:
    keys = [printable(key, 40) for key, _ in pairs]
    return sorted({key for key in keys if keys.count(key) > 1})


def _ended(text: str) -> str:
    return text if not text or text.endswith("\n") else text + "\n"


def _with_lines(lines: Sequence[str], record: Record, new: str | None) -> str:
    return "\n".join([*lines[: record.first], *([] if new is None else [new]), *lines[record.end :]])


# --- YAML -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Yaml:
    """A list of mappings, each case beginning with "- "."""

    name: str = "YAML"

    def read(self, text: str) -> Read:
        """The records of a text; what stands behind a mistake of form is not read."""
        import yaml

        reader = _YamlReader(text)
        try:
            reader.read()
        except yaml.YAMLError as exc:
            mark = getattr(exc, "problem_mark", None) or getattr(exc, "context_mark", None)
            # A character that YAML does not know is told by its position alone.
            line = mark.line if mark else text.count("\n", 0, getattr(exc, "position", None) or 0)
            place = f"line {line + 1}: "
            said = printable(str(getattr(exc, "problem", None) or exc), 120)
            reader.mistakes.append(
                f'{place}not YAML: {said}; put a text in quotation marks that holds ": " or " #", or begins with one'
                " of * & ! | > % @ ` [ {"
            )
        except _Unreadable as exc:
            reader.mistakes.append(str(exc))
        return Read(tuple(reader.records), tuple(reader.mistakes))

    def added(self, text: str, values: Mapping[str, Value]) -> str:
        """The text with one more item, indented as the others are."""
        records = self.read(text).records
        lines = text.split("\n")
        indent = _indent(lines[records[-1].first]) if records else ""
        gap = "\n" if text.strip() else ""
        return f"{_ended(text)}{gap}{_item(values, indent or '')}\n"

    def replaced(self, text: str, record: Record, values: Mapping[str, Value] | None) -> str:
        """The text with another item in its place, or without it; comments inside of it are lost, all others stay.

        Raises:
            ValueError: the case does not begin with "- " in a line of its own.
        """
        lines = text.split("\n")
        indent = _indent(lines[record.first])
        if indent is None:
            raise ValueError(f'{record.place}: begin the case with "- " in a line of its own')
        return _with_lines(lines, record, _item(values, indent) if values else None)


class _Unreadable(Exception):
    """What comes next cannot be understood; the text says where and why."""


class _YamlReader:
    """Builds records from the events of a YAML parser, which itself builds nothing."""

    def __init__(self, text: str) -> None:
        import yaml

        loader: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
        self._events: Iterator[yaml.Event] = cast("Any", yaml.parse)(text, Loader=loader)
        self._end = 0
        self.records: list[Record] = []
        self.mistakes: list[str] = []

    def read(self) -> None:
        import yaml

        for event in self._events:
            if isinstance(event, yaml.SequenceStartEvent):
                self._read_items()
            elif isinstance(event, yaml.MappingStartEvent):
                raise _Unreadable(f'{_at(event)}: write a list of cases: begin each with "- ", as in "- question: …"')
            elif isinstance(event, yaml.ScalarEvent) and not _is_blank(event):
                raise _Unreadable(f'{_at(event)}: write a list of cases, each with its keys, as in "- question: …"')
            elif isinstance(event, yaml.AliasEvent):
                raise _Unreadable(_alias(event))

    def _read_items(self) -> None:
        import yaml

        for event in self._events:
            if isinstance(event, yaml.SequenceEndEvent):
                return
            if isinstance(event, yaml.ScalarEvent) and _is_blank(event):
                continue
            first, place, places = _line_of(event), _at(event), dict[str, str]()
            value = self._value(event, 1, places)
            if isinstance(value, dict):
                self.records.append(Record(place, first, self._end, value, places))
            else:
                self.mistakes.append(f'{place}: not a case: write its keys, as in "- question: …"')

    def _value(self, event: yaml.Event, depth: int, places: dict[str, str] | None = None) -> Value:
        """What begins with an event: a text, None where it is left empty, a list, or a mapping."""
        import yaml

        if isinstance(event, yaml.AliasEvent):
            raise _Unreadable(_alias(event))
        if depth > _DEEPEST:
            raise _Unreadable(f"{_at(event)}: lists lie too deep within each other; what follows was not read")
        if isinstance(event, yaml.ScalarEvent):
            self._reach(event)
            return None if _is_blank(event) else event.value
        if isinstance(event, yaml.SequenceStartEvent):
            items: list[Value] = []
            for inner in self._events:
                if isinstance(inner, yaml.SequenceEndEvent):
                    self._reach(inner, flow=bool(event.flow_style))
                    return items
                items.append(self._value(inner, depth + 1))
        mapping: dict[str, Value] = {}
        seen: dict[str, str] = {}
        for inner in self._events:
            if isinstance(inner, yaml.MappingEndEvent):
                self._reach(inner, flow=bool(getattr(event, "flow_style", False)))
                break
            if not isinstance(inner, yaml.ScalarEvent):
                raise _Unreadable(f"{_at(inner)}: a key must be a word")
            self._reach(inner)
            key = inner.value.strip()
            if key in seen:
                self.mistakes.append(f"{_at(inner)}: {printable(key, 40)}: stands there twice, first in {seen[key]}")
            seen.setdefault(key, _at(inner))
            value = self._value(next(self._events), depth + 1)
            if value is not None:
                mapping.setdefault(key, value)
        if places is not None:
            places.update(seen)
        return mapping

    def _reach(self, event: yaml.Event, *, flow: bool = True) -> None:
        """The line behind what was read; the end of a list in block style is told only where the next thing begins."""
        mark = event.end_mark
        if flow and mark is not None:
            self._end = max(self._end, mark.line + (1 if mark.column else 0))


def _at(event: yaml.Event) -> str:
    return f"line {_line_of(event) + 1}"


def _line_of(event: yaml.Event) -> int:
    """Where an event begins, from 0; every event of a parsed text has a mark."""
    return event.start_mark.line if event.start_mark is not None else 0


def _alias(event: yaml.Event) -> str:
    return (
        f'{_at(event)}: "*" refers to something else in YAML, which is not read here: put a text that begins with it'
        " in quotation marks; what follows was not read"
    )


def _is_blank(event: yaml.ScalarEvent) -> bool:
    return not event.style and event.value in _BLANK


def _indent(line: str) -> str | None:
    """What stands before "- " of an item, or None where the line does not begin one."""
    match = re.match(r"([ ]*)-[ ]", line)
    return match.group(1) if match else None


def _item(values: Mapping[str, Value], indent: str) -> str:
    import yaml

    written = yaml.safe_dump([dict(values)], allow_unicode=True, sort_keys=False, width=_YAML_WIDTH)
    return "\n".join(f"{indent}{line}" if line else line for line in written.rstrip("\n").split("\n"))


FORMS: Final[Mapping[str, Form]] = {
    ".jsonl": JsonLines(),
    ".yaml": Yaml(),
    ".yml": Yaml(),
    ".csv": Csv(),
}
"""By the suffix of a file's name."""
