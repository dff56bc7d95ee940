"""Policies by their address: pages of the web, asked for politely, and read again only where they have changed.

What a site says of a page (ETag, Last-Modified) is remembered beside the index, so that the next look costs it next to
nothing. A day of the past is looked up in the Wayback Machine.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import json
import logging
import os
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from ingest.archives import kind_of
from ingest.fetching import AGENT, COPY, Fetched, Known, Later, Limits, Network, Robots, fetch_changed
from ingest.origin import SUFFIXES, Source, Unread, shown
from ingest.parsing import Hints, normal_domain
from ingest.screening import Reason
from ingest.webpage import decoded
from qa.errors import PolicyRefused, Unwanted, UsageError

__all__ = [
    "ARCHIVE", "Memory", "Page", "Reader", "Remembered", "Unchanged", "address_of", "at_command_line", "said_of",
    "source_of_page",
]  # fmt: skip

ARCHIVE: Final = "https://web.archive.org/web"
"""The Wayback Machine; behind it come a time and the address of a page."""

PAUSE_S: Final = 3.0
"""Between two pages of one site, unless its robots.txt asks for more."""

PATIENCE_S: Final = 60.0
"""What a site asks for beyond this is waited for by whoever comes again, not here."""

LIMITS: Final = Limits(seconds=30.0)
"""Nobody sits before a page that opens; the Wayback Machine often takes its time."""

_RULES_S: Final = 3_600.0
_ADDRESS: Final = re.compile(r"(?P<scheme>https?):/{1,2}", re.IGNORECASE)
_SITE_ALONE: Final = re.compile(r"(?:[a-z0-9-]+\.)+[a-z]{2,24}(?:/\S*)?", re.IGNORECASE)
_STAMP: Final = re.compile(r"(?P<stamp>\d{1,14})\*?(?:[a-z]{2}_)?/(?P<page>.+)", re.IGNORECASE)
_SCRIPT: Final = re.compile(rb"<script\b", re.IGNORECASE)
_TEXTS: Final = {
    "text/html": ".html",
    "application/xhtml+xml": ".xhtml",
    "text/plain": ".txt",
    "text/markdown": ".md",
}
_PAPERS: Final = {
    "application/pdf": ".pdf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
}
_SUFFIX: Final = {**_TEXTS, **_PAPERS}
"""How what a site sends is read, by media type."""

_SAVE: Final = "Open it in a browser, save it and give the file instead."


def address_of(given: str | Path) -> str | None:
    """The web address that somebody means, or None where it is a file or folder.

    Raises:
        UsageError: it is a site's name without ``https://``, and no such file exists.
    """
    text = str(given)
    if match := _ADDRESS.match(text):
        return f"{match['scheme'].lower()}://{text[match.end() :]}".partition("#")[0]  # a path has lost a slash
    named_as_a_file = text.lower().endswith(SUFFIXES) or kind_of(text)
    if _SITE_ALONE.fullmatch(text) and not named_as_a_file and not os.path.lexists(text):
        raise UsageError(f"There is no file {shown(text)}. If the web page is meant, write https://{shown(text)}.")
    return None


@dataclass(frozen=True, slots=True)
class Remembered:
    """What is known of a page that was taken before.

    Attributes:
        url: where it was found, after redirects.
        policy_id: what it became.
        digest: SHA-256 of its bytes.
        etag, last_modified: what its site calls this state of it.
        said: what its user said of it, as ``said_of`` writes it.
    """

    url: str
    policy_id: str
    digest: str
    etag: str | None = None
    last_modified: str | None = None
    said: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """A page that was read.

    Attributes:
        source: its name is the address that was given.
        hints: whose it is, where it was found, and of which day it is.
        place: where it stands, apart from scheme, ``www.`` and the archive: two places are two pages.
        digest: SHA-256 of its bytes.
        live: whether it is the page of today, and no snapshot.
        scripted: whether programs run in it, which perhaps write its text.
        wanted: the day that a snapshot was wanted of.
    """

    source: Source
    hints: Hints
    place: str
    digest: str
    etag: str | None = None
    last_modified: str | None = None
    live: bool = True
    scripted: bool = False
    wanted: dt.date | None = None

    @property
    def name(self) -> str:
        """The address that was given."""
        return self.source.name

    def remembered(self, policy_id: str, said: str) -> Remembered:
        """What the next look needs to know."""
        return Remembered(self.hints.url or "", policy_id, self.digest, self.etag, self.last_modified, said)


@dataclass(frozen=True, slots=True)
class Unchanged:
    """A page that is still as it was when it became a policy."""

    name: str
    place: str
    policy_id: str


def said_of(hints: Hints) -> str:
    """What a user says of a page, in one line; "" where it is nothing."""
    said = (hints.domain, hints.archived_on and hints.archived_on.isoformat(), hints.company, hints.url)
    return "\t".join(each or "" for each in said) if any(said) else ""


class Memory:
    """What is known of the pages of an index, in one small file beside it.

    It only saves work: where it is missing, damaged or of another version, pages are read anew.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / "web.json"
        self._pages = _load(self._file)

    def get(self, address: str) -> Remembered | None:
        """What is known of the page at an address."""
        return self._pages.get(address)

    def keep(self, new: Mapping[str, Remembered]) -> None:
        """Adds what was learnt to what another process may have written meanwhile; the file is whole at every moment.

        The caller holds the index's lock. A disk that is full costs the next look a little time, and nothing else.
        """
        self._pages = {**_load(self._file), **new}
        pages = {address: asdict(known) for address, known in sorted(self._pages.items())}
        beside = self._file.with_name(f".{self._file.name}.{os.getpid()}")
        try:
            with beside.open("w", encoding="utf-8") as file:
                json.dump({"format": 1, "pages": pages}, file, indent=1)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self._file)
        except OSError as exc:
            logging.getLogger(__name__).warning("%s cannot be written: %s", self._file, exc.strerror)
            with contextlib.suppress(OSError):
                beside.unlink()


def _load(file: Path) -> dict[str, Remembered]:
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        if data["format"] != 1:
            return {}
        return {address: _remembered(known) for address, known in data["pages"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def _remembered(known: Mapping[str, Any]) -> Remembered:
    found = Remembered(**known)
    required = (found.url, found.policy_id, found.digest, found.said)
    optional = (found.etag, found.last_modified)
    if not (all(isinstance(each, str) for each in required) and all(isinstance(e, str | None) for e in optional)):
        raise TypeError
    return found


class Reader:
    """Reads pages, one at a time, with a pause between two of one site.

    Args:
        network: for tests.
        limits: how much a page may cost.
        archive: where snapshots are.
        pause_s: between two pages of one site.
        clock: seconds that only grow.
        wait: lets so many seconds go by; where it says that nobody waits any more, the page is not read.
    """

    def __init__(
        self,
        *,
        network: Network | None = None,
        limits: Limits | None = None,
        archive: str = ARCHIVE,
        pause_s: float = PAUSE_S,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[float], object] = time.sleep,
    ) -> None:
        self._network = network
        self._limits = limits or LIMITS
        self._archive = archive
        self._pause_s = pause_s
        self._clock = clock
        self._wait = wait
        self._robots: Robots = {}
        self._robots_since = clock()
        self._free: dict[str, float] = {}

    def read(
        self, address: str, known: Remembered | None = None, *, as_of: dt.date | None = None
    ) -> Page | Unchanged | Unread:
        """The page at an address.

        Args:
            address: as ``address_of`` gives it; it may be one of a snapshot in the Wayback Machine.
            known: what it was when it became a policy that is still there.
            as_of: the day to look up; None for now.

        Raises:
            Unwanted: it was not this site's turn yet, and nobody waits any more.
        """
        name = shown(address)
        try:
            where = self._asked(address, as_of)
            fetched = self._fetched(where, known)
        except Later as later:
            return Unread(name, later)
        except PolicyRefused as refusal:
            return Unread(name, self._explained(refusal, self._is_snapshot(address) or as_of is not None))
        if fetched is None or (known and _digest(fetched) == known.digest):
            assert known is not None, "what is not known cannot be unchanged"
            return Unchanged(name, _place(known.url, self._archive), known.policy_id)
        source, hints = source_of_page(fetched, name, archive=self._archive)
        live = not _day(_snapshot_of(fetched.final_url, self._archive)[0])
        if as_of and live:
            message = "The Wayback Machine does not say of which day its snapshot is."
            return Unread(name, PolicyRefused(Reason.UNREADABLE, message))
        return Page(
            source,
            hints,
            _place(fetched.final_url, self._archive),
            _digest(fetched),
            fetched.etag,
            fetched.last_modified,
            live=live,
            scripted=bool(_SCRIPT.search(fetched.body)) and source.suffix in {".html", ".xhtml"},
            wanted=as_of,
        )

    def _asked(self, address: str, as_of: dt.date | None) -> str:
        """What to ask for; of a snapshot the page as it was, without what the archive adds for people."""
        stamp, page = _snapshot_of(address, self._archive)
        if not stamp and not as_of:
            if address.lower().startswith((self._archive, self._archive.replace("https:", "http:", 1))):
                message = "That is no single snapshot: give the page's own address, and --as-of DATE."
                raise PolicyRefused(Reason.UNREADABLE, message)
            return address
        return f"{self._archive}/{stamp if not as_of else f'{as_of:%Y%m%d}235959'}id_/{page}"

    def _fetched(self, url: str, known: Remembered | None) -> Fetched | None:
        """The page when it is its site's turn, or None where it is as it was."""
        if self._clock() - self._robots_since > _RULES_S:
            self._robots, self._robots_since = {}, self._clock()
        host = _host(url)
        self._await(host)
        before = Known(known.url, known.etag, known.last_modified) if known else None
        found, rest = None, self._pause_s
        try:
            found = fetch_changed(
                url, before, accepted=tuple(_SUFFIX), robots=self._robots, limits=self._limits, network=self._network
            )
        except Later as later:
            rest = max(rest, later.after_s)
            raise
        finally:
            for each in {host, _host(found.final_url) if found else host}:
                self._free[each] = self._clock() + max(rest, self._crawl_delay(each))
        return found

    def _await(self, host: str) -> None:
        left = self._free.get(host, 0.0) - self._clock()
        if left > PATIENCE_S:
            raise Later(left)
        if left > 0 and self._wait(left):
            raise Unwanted("Nobody waits for this page any more.")

    def _crawl_delay(self, host: str) -> float:
        """The pause that a site asks for in its robots.txt."""
        for scheme in ("https", "http"):
            rules = self._robots.get(f"{scheme}://{host}")
            if rules is not None and (delay := rules.crawl_delay(AGENT)):
                return min(float(delay), PATIENCE_S)
        return 0.0

    def _is_snapshot(self, address: str) -> bool:
        return bool(_snapshot_of(address, self._archive)[0])

    def _explained(self, refusal: PolicyRefused, archived: bool) -> PolicyRefused:
        """The refusal, with what somebody at a command line can do."""
        if archived and refusal.reason == Reason.NOT_FOUND:
            return PolicyRefused(refusal.reason, "The Wayback Machine has no copy of this page. Check the address.")
        message = at_command_line(str(refusal))
        if archived:
            message = f"Wayback Machine: {message}"
        return PolicyRefused(refusal.reason, message)


def at_command_line(message: str) -> str:
    """A refusal with what somebody can do who has no page to paste into."""
    return message.removesuffix(COPY) + _SAVE if message.endswith(COPY) else message


def source_of_page(page: Fetched, name: str | None = None, *, archive: str = ARCHIVE) -> tuple[Source, Hints]:
    """A page as something that can be read, and what its address says: whose it is, and of when.

    A snapshot of the Wayback Machine is the site's that was archived, and of the day of the snapshot; the link to it is
    the one for people.

    Args:
        page: the page.
        name: what to call it; its site, if not given.
        archive: where snapshots are.
    """
    stamp, original = _snapshot_of(page.final_url, archive)
    day = _day(stamp)
    url = f"{archive}/{stamp}/{original}" if day else page.final_url
    site = _site(original if day else page.final_url)
    suffix = _SUFFIX.get(page.media_type, ".html")
    packed = page.media_type in _PAPERS or page.body.startswith((b"%PDF-", b"PK\x03\x04"))
    data = page.body if packed else decoded(page.body, page.charset).encode("utf-8", "replace")
    return Source(name or site, data, suffix), Hints(domain=site, archived_on=day or page.fetched_on, url=url)


def _snapshot_of(url: str, archive: str) -> tuple[str, str]:
    """The time and the page of a snapshot in an archive; "" and the address itself where it is none."""
    scheme, _, place = url.partition("://")
    root = archive.partition("://")[2] + "/"
    if scheme.lower() in {"http", "https"} and place.lower().startswith(root):
        match = _STAMP.fullmatch(place[len(root) :])
        if match:
            return match["stamp"], match["page"]
    return "", url


def _day(stamp: str) -> dt.date | None:
    try:
        return dt.datetime.strptime(stamp[:8], "%Y%m%d").replace(tzinfo=dt.UTC).date() if len(stamp) >= 8 else None
    except ValueError:
        return None


def _site(url: str) -> str:
    """The site of a page, spelt as its readers know it where its name is in figures for machines only."""
    host = re.sub(r"^https?:/{1,2}", "", url, flags=re.IGNORECASE)
    host = re.split(r"[/?#:]", host, maxsplit=1)[0].lower().removeprefix("www.")
    if not normal_domain(host):
        with contextlib.suppress(UnicodeError):
            return host.encode("ascii").decode("idna")
    return host


def _host(url: str) -> str:
    """What stands where an address names its site; whether it is a name at all is judged when it is asked for."""
    return re.split(r"[/?#]", url.partition("://")[2], maxsplit=1)[0].lower()


def _place(url: str, archive: str) -> str:
    """Where a page stands, whenever and however it is asked for."""
    page = _snapshot_of(url, archive)[1]
    return re.sub(r"^https?:/{1,2}(?:www\.)?|(?<=\w):(?:80|443)(?=/|$)|/+$", "", page, flags=re.IGNORECASE)


def _digest(page: Fetched) -> str:
    return hashlib.sha256(page.body).hexdigest()
