"""Files of cases: opened by their suffix, and changed one case at a time so that nothing else in them is touched.

A change is made whole or not at all, and a file that somebody else has changed meanwhile is not written over.
"""

from __future__ import annotations

import codecs
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from eval.forms import FORMS
from eval.records import Form, Read, Record, Value
from eval.tables import Csv
from qa.errors import UsageError

__all__ = ["CaseFile", "InvalidCases", "open_cases"]

MOST_BYTES: Final = 32 * 1024 * 1024
"""A bound on memory; a case has a few hundred bytes."""


class InvalidCases(UsageError):
    """A file of cases cannot be used; the text names the lines."""

    code = "invalid_cases"


@dataclass(frozen=True, slots=True)
class CaseFile:
    """A file of cases as it was when it was read.

    Attributes:
        data: its bytes; None where there is no file yet.
        text: what they say, without a byte order mark.
    """

    path: Path
    form: Form = field(repr=False)
    data: bytes | None = field(repr=False)
    text: str = field(repr=False)
    read: Read = field(repr=False)

    @property
    def records(self) -> tuple[Record, ...]:
        """Its cases, in order."""
        return self.read.records

    def with_case(self, values: Mapping[str, Value]) -> CaseFile:
        """The file with one more case at its end, written.

        Raises:
            InvalidCases: it cannot be written, or is laid out so that nothing can be added.
        """
        return self._changed(self.form.added(self.text, values), [*self._values(), dict(values)])

    def with_another(self, n: int, values: Mapping[str, Value] | None) -> CaseFile:
        """The file with other values for its record ``n``, or without that record, written.

        Raises:
            InvalidCases: it cannot be written, or is laid out so that the case cannot be changed by itself.
        """
        try:
            text = self.form.replaced(self.text, self.records[n], values)
        except ValueError as exc:
            raise InvalidCases(f"{self.path} cannot be changed here: {exc}; change it by hand.") from exc
        before = self._values()
        return self._changed(text, [*before[:n], *([dict(values)] if values else []), *before[n + 1 :]])

    def _values(self) -> list[dict[str, Value]]:
        return [dict(record.values) for record in self.records]

    def _changed(self, text: str, wanted: list[dict[str, Value]]) -> CaseFile:
        read = self.form.read(text)
        # The other cases are somebody's work: what a change would do to them is looked at before it is made.
        if _comparable([record.values for record in read.records]) != _comparable(wanted):
            raise InvalidCases(f"{self.path} is laid out so that it cannot be changed here; change it by hand.")
        now = _bytes_of(self.path)
        if now != self.data:
            raise InvalidCases(f"{self.path} was changed by another program; run the command again.")
        data = self._encoded(text)
        _write(self.path, data)
        return CaseFile(self.path, self.form, data, text, read)

    def _encoded(self, text: str) -> bytes:
        # Spreadsheets take a CSV without a mark for something else than UTF-8.
        marked = isinstance(self.form, Csv) or (self.data or b"").startswith(codecs.BOM_UTF8)
        return text.encode("utf-8-sig" if marked else "utf-8", "surrogatepass")


def open_cases(path: Path, *, new: bool = False) -> CaseFile:
    """Opens a file of cases.

    Args:
        path: its suffix says in which form it is.
        new: whether there may be none yet.

    Raises:
        InvalidCases: the suffix says nothing, or the file cannot be read.
    """
    form = FORMS.get(path.suffix.lower())
    if form is None:
        raise InvalidCases(f"Name the file of cases {', '.join(f'*{suffix}' for suffix in FORMS)}; {path} is none.")
    data = _bytes_of(path)
    if data is None and not new:
        raise InvalidCases(f"Cannot read the cases in {path}: there is no such file.")
    text = _decoded(data or b"", path, form)
    return CaseFile(path, form, data, text, form.read(text))


def _bytes_of(path: Path) -> bytes | None:
    """What is in a file; None where there is none."""
    try:
        if path.exists() and not path.is_file():
            raise InvalidCases(f"Cannot read the cases in {path}: it is not an ordinary file.")
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as exc:  # ValueError: a NUL in the name
        raise InvalidCases(f"Cannot read the cases in {path}: {exc}.") from exc
    if len(data) > MOST_BYTES:
        raise InvalidCases(f"Cannot read the cases in {path}: it has more than {MOST_BYTES:,} bytes. Split it.")
    return data


def _decoded(data: bytes, path: Path, form: Form) -> str:
    """The text: UTF-8, and of tables also what spreadsheets save in its place.

    Raises:
        InvalidCases: it is none.
    """
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        if wide and isinstance(form, Csv):
            return data.decode("utf-16")
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        if isinstance(form, Csv) and not wide and b"\x00" not in data:
            # Excel's plain "CSV" on Western systems; evidence that it reads wrongly is not found in the policy.
            return data.decode("cp1252", "replace")
        line = data.count(b"\n", 0, exc.start) + 1
        raise InvalidCases(f"Cannot read the cases in {path}: line {line} is not UTF-8. Save it as UTF-8.") from exc


def _comparable(values: list[dict[str, Value]] | list[Mapping[str, Value]]) -> list[dict[str, Value]]:
    """Without differences that a form does not keep: white space, one text or a list of it, what is left empty."""
    return [{key: _plain(value) for key, value in each.items() if value not in (None, "", [])} for each in values]


def _plain(value: Value) -> Value:
    if isinstance(value, list):
        return [_plain(each) for each in value] if len(value) != 1 else _plain(value[0])
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    return " ".join(str(value).lower().split() if isinstance(value, bool) else str(value).split())


def _write(path: Path, data: bytes) -> None:
    """Writes a file whole or not at all.

    Raises:
        InvalidCases: it cannot be written.
    """
    target = Path(os.path.realpath(path))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        mode = target.stat().st_mode & 0o777 if target.exists() else 0o644
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as part:
            try:
                part.write(data)
                part.flush()
                os.fsync(part.fileno())
                Path(part.name).chmod(mode)
                Path(part.name).replace(target)
            except BaseException:
                Path(part.name).unlink(missing_ok=True)
                raise
    except (OSError, ValueError) as exc:
        raise InvalidCases(f"{path} cannot be written: {getattr(exc, 'strerror', None) or exc}.") from exc
