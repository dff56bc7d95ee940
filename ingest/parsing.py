"""Source → Policy: the canonical text that every offset refers to, and who it belongs to, when and where.

A fact is taken from the first that states it: what the user gave (``Hints``), what stands beside the text in a file of
lines, the provenance header of archived policies, front matter, the file's name, the commit of a repository's version.
All of them are untrusted.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import PurePath
from types import MappingProxyType
from typing import Final, Generic, TypeVar
from urllib.parse import urlsplit

from ingest.docx import SUFFIXES as DOCX
from ingest.docx import docx_text
from ingest.naming import derive_names
from ingest.origin import Source
from ingest.pdf import SUFFIXES as PDF
from ingest.pdf import pdf_text
from ingest.plaintext import SUFFIXES as TEXTS
from ingest.plaintext import plain_text
from ingest.screening import Reason
from ingest.webpage import SUFFIXES as PAGES
from ingest.webpage import decoded, is_page, page_text
from qa.domain import Policy
from qa.errors import PolicyRefused
from qa.text import visible

__all__ = [
    "APART", "FIELDS", "Document", "Hints", "describe", "form_of", "is_readable", "normal_domain", "parse", "read",
    "stated_day",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Hints:
    """What the user says about the policies of one ingestion; it wins over what the files say."""

    domain: str | None = None
    archived_on: dt.date | None = None
    company: str | None = None
    url: str | None = None

    def over(self, others: Hints) -> Hints:
        """These, and the others where these say nothing."""
        return Hints(
            self.domain or others.domain,
            self.archived_on or others.archived_on,
            self.company or others.company,
            self.url or others.url,
        )


@dataclass(frozen=True, slots=True)
class Document:
    """A source as text.

    Attributes:
        text: the canonical text, without header and front matter.
        header, front: the facts stated there, by field name of ``Hints``.
        record, committed_on: see ``Source``.
        warnings: what a reader should know of how it was read.
    """

    name: str
    text: str = field(repr=False)
    header: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    front: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    record: Mapping[str, str] | None = None
    committed_on: dt.date | None = None
    warnings: tuple[str, ...] = ()


_HEADER = re.compile(
    r"\s*> \*The following text is extracted and transformed from the (?P<domain>\S+) privacy policy "
    r"that was archived on (?P<archived_on>\d{4}-\d{2}-\d{2})\. "
    r"Please check the \[[^\]\n]*\]\((?P<url>\S*)\)[^\n]*(?:\n|$)"
)
_ANOTHER = re.compile(
    r"^> \*The following text is extracted and transformed from the (\S{1,253}) privacy policy that was archived on ",
    re.MULTILINE,
)
_FRONT = re.compile(r"\s*---[ \t]*\n(?P<lines>(?:[A-Za-z_-]+:[^\n]*\n|[ \t]*\n){1,40})---[ \t]*(?:\n|$)")
FIELDS: Mapping[str, str] = {
    "domain": "domain",
    "site": "domain",
    "date": "archived_on",
    "archived_on": "archived_on",
    "url": "url",
    "source": "url",
    "company": "company",
}
"""What a fact may be called in front matter and in a line, and the field of ``Hints`` that it is."""

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
    text, warnings = _READERS[form_of(source)](source.data)
    header: Mapping[str, str] = {}
    front: Mapping[str, str] = {}
    if match := _HEADER.match(text):
        header = match.groupdict()
        text = _behind(text, match.end())
    elif match := _FRONT.match(text):
        lines = (line.partition(":") for line in match.group("lines").splitlines() if ":" in line)
        front = {
            FIELDS[key.strip().lower()]: value.strip().strip("\"'")
            for key, _, value in lines
            if key.strip().lower() in FIELDS
        }
        if front:
            text = _behind(text, match.end())
    said = MappingProxyType(header), MappingProxyType(front)
    return Document(source.name, text, *said, source.record, source.committed_on, warnings)


def form_of(source: Source) -> str:
    """The suffix of the form that a source has; where its bytes tell otherwise than its name, they are right."""
    if source.suffix in PDF and is_page(source.data):  # an address that ends in .pdf may lead to a page
        return PAGES[0]
    if source.data.startswith(b"%PDF-"):
        return PDF[0]
    return DOCX[0] if source.data.startswith(b"PK\x03\x04") else source.suffix


def is_readable(suffix: str) -> bool:
    """Whether what reads a form is installed here."""
    needed = {PDF[0]: "pdfplumber", DOCX[0]: "mammoth"}.get(suffix)
    return needed is None or find_spec(needed) is not None


def stated_day(document: Document) -> dt.date | None:
    """The day that a document is of, by what it says itself; None where nothing says it."""
    return _Stated(document, Hints()).first("archived_on", _date).value


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
    if domain.value is None and document.record is not None:
        message = 'Nothing says whose policy it is: give the line a "domain" or the "url" of the page.'
        raise PolicyRefused(Reason.MISSING_DOMAIN, message)
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
        warnings=(
            *document.warnings,
            *_several(document.text, domain.value),
            *((foreign,) if names.foreign else ()),
        ),
    )


def _several(text: str, domain: str) -> Iterator[str]:
    """What is to be known of a file into which the policies of several sites were put, each with its header."""
    domains = dict.fromkeys([domain, *(name for each in _ANOTHER.findall(text) if (name := normal_domain(each)))])
    if len(domains) > 1:
        named = ", ".join(list(domains)[:3]) + (", …" if len(domains) > 3 else "")
        yield f"It holds the policies of several sites ({named}); give each a file of its own."


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
        name = _STEM.fullmatch(stem) if document.record is None else None
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
            ("line", document.record or {}),
            ("header", document.header),
            ("front matter", document.front),
            ("file name", name.groupdict() if name else {}),
            ("commit", {"archived_on": document.committed_on.isoformat() if document.committed_on else None}),
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


def _page(data: bytes) -> tuple[str, tuple[str, ...]]:
    """The text of a page in HTML."""
    return page_text(decoded(data)), ()


_READERS: Mapping[str, Callable[[bytes], tuple[str, tuple[str, ...]]]] = {
    **dict.fromkeys(TEXTS, plain_text),
    **dict.fromkeys(PAGES, _page),
    **dict.fromkeys(PDF, pdf_text),
    **dict.fromkeys(DOCX, docx_text),
}
"""How each of ``origin.SUFFIXES`` becomes text, with what a reader of it should be warned about."""

APART: Final = frozenset({*PAGES, *PDF, *DOCX})
"""Forms in which a file can be made to keep its reader busy for hours: they are read where that can be ended."""
