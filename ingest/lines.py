"""JSON Lines: one policy a line, with what is known of it beside its text.

``{"domain": "acme.example", "date": "2024-05-01", "company": "Acme", "url": "https://…", "text": "…"}``

``text`` is plain text or Markdown; ``html``, a page, may stand in its place. A line needs one of the two; the rest may
be left out where the text, or for domain and date the ``url``, says it. Other fields are left alone.
"""

from __future__ import annotations

import codecs
import datetime as dt
import json
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, BinaryIO, Final

from ingest.origin import Source, Unread
from ingest.parsing import FIELDS, normal_domain
from ingest.screening import Reason
from qa.errors import PolicyRefused

__all__ = ["read_lines"]

_LONGEST: Final = 8 << 20
"""Bytes of a line: what JSON makes of so many stays within some hundred megabytes, whatever it is."""

_FORM: Final = '{"domain": "example.com", "date": "2024-05-31", "text": "…"}'
_SNAPSHOT: Final = re.compile(
    r"https?://web\.archive\.org/web/(?P<day>\d{8})\d{0,6}(?:[a-z]{2}_)?/(?P<page>.+)", re.IGNORECASE
)
_BROAD: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)  # the first begins the mark of UTF-32, too


def read_lines(name: str, stream: BinaryIO) -> Iterator[Source | Unread]:
    """The policies in a file of lines, one at a time; a line that is none is refused by its number.

    Args:
        name: what the file is called, as it may be shown.
        stream: its bytes, unpacked.
    """
    try:
        for number, line in _numbered(stream):
            at = f"{name}:{number}"
            try:
                yield _policy(at, line)
            except PolicyRefused as refusal:
                yield Unread(at, refusal)
    except PolicyRefused as refusal:
        yield Unread(name, refusal)


def _numbered(stream: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    """The lines that are not blank with their numbers from 1; None stands for one that is too long to be read."""
    number = 0
    while line := stream.readline(_LONGEST + 1):
        number += 1
        if number == 1:
            if line.startswith(_BROAD):
                raise PolicyRefused(Reason.NOT_TEXT, "JSON Lines must be in UTF-8.")
            line = line.removeprefix(codecs.BOM_UTF8)
            if line.startswith(b"[") or line.strip() == b"{":
                raise _malformed("It is one JSON document over many lines, or a list; write one policy a line:", _FORM)
        if len(line) > _LONGEST:
            while line and not line.endswith(b"\n"):
                line = stream.readline(_LONGEST)
            yield number, None
        elif line.strip():
            yield number, line


def _policy(name: str, line: bytes | None) -> Source:
    if line is None:
        raise PolicyRefused(Reason.TOO_LARGE, f"The line has more than {_LONGEST >> 20} MB.")
    try:
        said = json.loads(line)
    except UnicodeDecodeError:
        raise PolicyRefused(Reason.NOT_TEXT, "The line is not in UTF-8.") from None
    except (ValueError, RecursionError):
        raise _malformed("It is no JSON; a line reads", _FORM) from None
    if not isinstance(said, dict):
        raise _malformed("It is no JSON object; a line reads", _FORM)
    for key, suffix in (("text", ".md"), ("html", ".html")):
        body = said.get(key)
        if isinstance(body, str) and body:
            # The mark says what a page may deny: that it is in UTF-8.
            return Source(name, codecs.BOM_UTF8 + body.encode("utf-8", "replace"), suffix, _record(said))
        if body is not None and body != "":
            raise _malformed(f'Its "{key}" is not text; a line reads', _FORM)
    raise _malformed('It has neither "text" nor "html"; a line reads', _FORM)


def _record(said: Mapping[str, Any]) -> Mapping[str, str]:
    """What a line says of its policy, by field name; who and when must make sense where they are given at all."""
    facts: dict[str, str] = {}
    for key, value in said.items():
        field = FIELDS.get(key)
        if field is None or value is None or value == "":
            continue
        text = value.strip() if isinstance(value, str) else ""
        if field == "domain" and normal_domain(text) is None:
            raise _malformed(f'Its "{key}" is no domain; write it like', "example.com")
        if field == "archived_on":
            text = _day(key, text)
        if field == "url" and not text.startswith(("http://", "https://")):
            continue  # "source" may mean anything
        if text:
            facts.setdefault(field, text)
    url = facts.get("url", "")
    if snapshot := _SNAPSHOT.fullmatch(url):
        url = snapshot["page"]
        if day := _iso(snapshot["day"]):
            facts.setdefault("archived_on", day)
    if "domain" not in facts and (domain := normal_domain(url)):
        facts["domain"] = domain
    return MappingProxyType(facts)


def _day(key: str, value: str) -> str:
    """The day of a date, whatever time of the day follows it, or of a snapshot's fourteen figures."""
    head = value[:8] if re.fullmatch(r"\d{14}", value) else re.split(r"[T\s]", value, maxsplit=1)[0]
    day = _iso(head)
    if day is None:
        raise _malformed(f'Its "{key}" is no date; write it like', "2024-05-31")
    return day


def _iso(value: str) -> str | None:
    try:
        return dt.date.fromisoformat(value).isoformat()
    except ValueError:
        return None


def _malformed(what: str, form: str) -> PolicyRefused:
    return PolicyRefused(Reason.MALFORMED, f"{what} {form}.")
