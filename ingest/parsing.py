"""Source → Policy: the canonical text that every offset refers to, and who it belongs to, when and where.

A fact is taken from the first that states it: what the user gave (``Hints``), the provenance header of archived
policies, front matter, the file's name. All of them are untrusted.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from types import MappingProxyType
from typing import Generic, TypeVar
from urllib.parse import urlsplit

from ingest.naming import derive_names
from ingest.screening import Reason
from ingest.sources import Source
from ingest.webpage import SUFFIXES as PAGES
from ingest.webpage import decoded, page_text
from qa.domain import Policy
from qa.errors import PolicyRefused
from qa.text import visible

__all__ = ["Document", "Hints", "describe", "normal_domain", "parse", "read"]


@dataclass(frozen=True, slots=True)
class Hints:
    """What the user says about the policies of one ingestion; it wins over what the files say."""

    domain: str | None = None
    archived_on: dt.date | None = None
    company: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """A source as text.

    Attributes:
        text: the canonical text, without header and front matter.
        header, front: the facts stated there, by field name of ``Hints``.
    """

    name: str
    text: str = field(repr=False)
    header: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    front: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


_HEADER = re.compile(
    r"\s*> \*The following text is extracted and transformed from the (?P<domain>\S+) privacy policy "
    r"that was archived on (?P<archived_on>\d{4}-\d{2}-\d{2})\. "
    r"Please check the \[[^\]\n]*\]\((?P<url>\S*)\)[^\n]*(?:\n|$)"
)
_FRONT = re.compile(r"\s*---[ \t]*\n(?P<lines>(?:[A-Za-z_-]+:[^\n]*\n|[ \t]*\n){1,40})---[ \t]*(?:\n|$)")
_FIELDS = {
    "domain": "domain",
    "site": "domain",
    "date": "archived_on",
    "archived_on": "archived_on",
    "url": "url",
    "source": "url",
    "company": "company",
}
_STEM = re.compile(r"(?P<domain>[^\s_/]+\.[^\s_/]+?)(?:__(?P<archived_on>\d{4}-\d{2}-\d{2}))?", re.IGNORECASE)
_DOMAIN = re.compile(r"(?=.{4,253}$)(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W\d_]{2,24}")
_BLANK_LINES = re.compile(r"(?:[^\S\n]*\n)*")
_LONGEST_COMPANY = 80
_LONGEST_URL = 2_000


def parse(source: Source, hints: Hints | None = None, *, today: dt.date | None = None) -> Policy:
    """The policy in a source, unscreened.

    Raises:
        PolicyRefused: it is no text, it is empty, or nothing says which domain it belongs to.
    """
    return describe(read(source), hints, today=today)


def read(source: Source) -> Document:
    """The text of a source, with what its header or front matter says apart.

    Raises:
        PolicyRefused: it cannot be read as text.
    """
    text = _READERS[source.suffix](source.data)
    header: Mapping[str, str] = {}
    front: Mapping[str, str] = {}
    if match := _HEADER.match(text):
        header = match.groupdict()
        text = _behind(text, match.end())
    elif match := _FRONT.match(text):
        lines = (line.partition(":") for line in match.group("lines").splitlines() if ":" in line)
        front = {
            _FIELDS[key.strip().lower()]: value.strip().strip("\"'")
            for key, _, value in lines
            if key.strip().lower() in _FIELDS
        }
        if front:
            text = _behind(text, match.end())
    return Document(source.name, text, MappingProxyType(header), MappingProxyType(front))


def describe(document: Document, hints: Hints | None = None, *, today: dt.date | None = None) -> Policy:
    """The policy that a document is, by what is said of it and what it says itself.

    Args:
        document: the text and what its file states.
        hints: what the user says; wins.
        today: the day of ingestion, the date of a policy that has none.

    Raises:
        PolicyRefused: nothing says which domain it belongs to.
    """
    hints = hints or Hints()
    stated = _Stated(document, hints)
    domain = stated.first("domain", normal_domain)
    if domain.value is None:
        message = "Nothing says whose policy it is: give --domain, or name the file like example.com__2024-05-31.md."
        raise PolicyRefused(Reason.MISSING_DOMAIN, message)
    archived_on = stated.first("archived_on", _date)
    url = stated.first("url", _url)
    company = stated.first("company", _company)
    names = derive_names(document.text, domain.value, company.value)
    provenance = {
        "domain": domain.origin,
        "archived_on": archived_on.origin or "ingestion",
        "company": company.origin or names.origin,
    }
    if url.value:
        provenance["url"] = url.origin
    foreign = f"By its own words this is the policy of {names.owner}; it never names {domain.value}."
    return Policy(
        domain=domain.value,
        archived_on=archived_on.value or today or dt.datetime.now(tz=dt.UTC).date(),
        company=names.company,
        text=document.text,
        aliases=names.aliases,
        url=url.value,
        provenance=MappingProxyType(provenance),
        warnings=(foreign,) if names.foreign else (),
    )


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Fact(Generic[T]):
    """What is stated, or None, and where it was taken from."""

    value: T | None
    origin: str


class _Stated:
    """What is stated about a document, most trusted first."""

    def __init__(self, document: Document, hints: Hints) -> None:
        stem = PurePath(document.name).stem
        name = _STEM.fullmatch(stem)
        self._said: tuple[tuple[str, Mapping[str, str | None]], ...] = (
            (
                "option",
                {
                    "domain": hints.domain,
                    "archived_on": hints.archived_on.isoformat() if hints.archived_on else None,
                    "company": hints.company,
                    "url": hints.url,
                },
            ),
            ("header", document.header),
            ("front matter", document.front),
            ("file name", name.groupdict() if name else {}),
        )

    def first(self, key: str, normal: Callable[[str], T | None]) -> _Fact[T]:
        """The first statement that makes sense."""
        for where, said in self._said:
            value = said.get(key)
            if value and (fact := normal(value)) is not None:
                return _Fact(fact, where)
        return _Fact(None, "")


def normal_domain(domain: str) -> str | None:
    """A domain in lower case without scheme, ``www.`` and path, or None if it is none."""
    host = re.sub(r"^[a-z][a-z0-9+.-]*://", "", domain.strip().lower())
    host = re.split(r"[/?#:\s]", host, maxsplit=1)[0].removeprefix("www.").rstrip(".")
    return host if _DOMAIN.fullmatch(host) else None


def _date(value: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(value)
    except ValueError:
        return None


def _url(value: str) -> str | None:
    """A link that is safe to show: http or https, to a host, of printable ASCII."""
    try:
        parts = urlsplit(value)
    except ValueError:
        return None
    safe = value.isascii() and value.isprintable() and not re.search(r"[\s<>\"'`\\]", value)
    return (
        value if safe and parts.scheme in {"http", "https"} and parts.hostname and len(value) <= _LONGEST_URL else None
    )


def _company(value: str) -> str | None:
    name = visible(value)
    return name[:_LONGEST_COMPANY] if any(char.isalpha() for char in name) else None


def _behind(text: str, at: int) -> str:
    """The text from ``at``, without the blank lines there."""
    blank = _BLANK_LINES.match(text, at)
    return text[blank.end() if blank else at :]


def _decoded(data: bytes) -> str:
    """Text in UTF-8 (or UTF-16 with its mark), else Windows-1252; line ends are LF."""
    encoding = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        try:
            text = data.decode("cp1252")
        except UnicodeDecodeError:
            raise PolicyRefused(Reason.NOT_TEXT, "It is not text in UTF-8 or Windows-1252.") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _page(data: bytes) -> str:
    """The text of a page in HTML."""
    return page_text(decoded(data))


_READERS: Mapping[str, Callable[[bytes], str]] = {
    **dict.fromkeys((".md", ".markdown", ".txt"), _decoded),
    **dict.fromkeys(PAGES, _page),
}
"""How each of ``sources.SUFFIXES`` becomes text; PDF will join here."""
