"""A page of the web, fetched as a careful stranger would: nothing but the public web, in bounded time and memory.

An address is somebody's wish, and so are the pages and name servers that it leads to; the service stands where they do
not, perhaps beside things that trust it. So a name is resolved once, every address that it has must be public, and the
connection is made to such an address itself: a name that means something else a moment later changes nothing. TLS still
verifies the name. Every redirect is a new address, judged like the first.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import email.utils
import ipaddress
import logging
import queue
import re
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urljoin, urlsplit
from urllib.robotparser import RobotFileParser

from ingest.screening import Reason
from qa.errors import PolicyRefused

if TYPE_CHECKING:
    import httpcore

__all__ = [
    "ACCEPTED", "AGENT", "COPY", "Fetched", "Known", "Later", "Limits", "Network", "Robots", "fetch", "fetch_changed",
    "is_public",
]  # fmt: skip

ACCEPTED: Final = ("text/html", "application/xhtml+xml", "text/plain", "text/markdown")
AGENT: Final = "fineprint"
"""What robots.txt may call us."""

_ROBOTS_BYTES: Final = 512 * 1024
_ROBOTS_SECONDS: Final = 5.0
_CONNECT_SECONDS: Final = 5.0
_CHUNK: Final = 64 * 1024
_PORTS: Final = {"http": 80, "https": 443}
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
COPY: Final = "Open it, copy its text and paste it."
"""With what a refusal ends that a person can get round."""

_LONGEST_VALIDATOR: Final = 500
_LONGEST_WAIT: Final = dt.timedelta(days=30)
_ADDRESS_CHARS: Final = 2_000
_LABEL: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_TOP_LEVEL: Final = re.compile(r"[a-z]{2,63}|xn--[a-z0-9-]{1,59}")

# Of IPv4, what IANA has set aside, and the address at which a large cloud's machines reach their own host.
_CLOSED_V4: Final = tuple(
    ipaddress.IPv4Network(each)
    for each in (
        "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 "
        "192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.168.0.0/16 192.175.48.0/24 198.18.0.0/15 198.51.100.0/24 "
        "203.0.113.0/24 224.0.0.0/4 240.0.0.0/4 168.63.129.16/32"
    ).split()
)
# Of IPv6 only global unicast is open, less what is set aside in it.
_GLOBAL_V6: Final = ipaddress.IPv6Network("2000::/3")
_CLOSED_V6: Final = tuple(
    ipaddress.IPv6Network(each) for each in ("2001::/23", "2001:db8::/32", "2620:4f:8000::/48", "3fff::/20")
)
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_SIX_TO_FOUR: Final = ipaddress.IPv6Network("2002::/16")


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a page may cost: seconds by the clock on the wall, bytes when unpacked, redirects."""

    seconds: float = 15.0
    bytes: int = 8 * 1024 * 1024
    redirects: int = 5


@dataclass(frozen=True, slots=True)
class Fetched:
    """A page.

    Attributes:
        final_url: where it was found, after redirects; in ASCII, without what stands behind ``#``.
        media_type: one of ``ACCEPTED``.
        charset: what the server says that it is written in.
        body: its bytes, unpacked.
        fetched_on: today, in UTC.
        etag, last_modified: what the site calls this state of the page, if it names it.
    """

    final_url: str
    media_type: str
    charset: str | None
    body: bytes = field(repr=False)
    fetched_on: dt.date
    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """A state of a page that was fetched before: where it was found, and what the site called it."""

    url: str
    etag: str | None = None
    last_modified: str | None = None


class Later(PolicyRefused):
    """The site asks to be left alone for a while.

    Attributes:
        after_s: for how many seconds.
    """

    def __init__(self, after_s: float, status: int | None = None) -> None:
        code = f" ({status})" if status else ""
        super().__init__(Reason.UNREADABLE, f"The site asks to be left alone for {_span(after_s)}{code}.")
        self.after_s = after_s


def _span(seconds: float) -> str:
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}s"
    return f"{max(seconds, 1):.0f} seconds"


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet's for a single machine."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv4Address):
        return not any(ip in net for net in _CLOSED_V4)
    if ip.scope_id is not None:
        return False
    if ip in _NAT64:
        return is_public(str(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)))
    if ip in _SIX_TO_FOUR:
        return is_public(str(ipaddress.IPv4Address((int(ip) >> 80) & 0xFFFFFFFF)))
    if (int(ip) >> 32) & 0xFDFFFFFF == 0x5EFE:  # ISATAP carries an IPv4 address in its last four bytes
        return False
    return ip in _GLOBAL_V6 and not any(ip in net for net in _CLOSED_V6)


def resolved(host: str, port: int) -> Sequence[tuple[str, int]]:
    """The addresses of a name as the machine's resolver knows them, with the port to connect to."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys((str(sockaddr[0]), int(sockaddr[1])) for *_, sockaddr in found))


@dataclass(frozen=True, slots=True)
class Network:
    """What stands between a name and a connection; only tests give another one.

    Attributes:
        resolve: the addresses and ports of a host and port.
        allows: whether an address may be connected to.
        tls: whom HTTPS trusts; None trusts whom everybody trusts.
    """

    resolve: Callable[[str, int], Sequence[tuple[str, int]]] = resolved
    allows: Callable[[str], bool] = is_public
    tls: ssl.SSLContext | None = None


Robots = dict[str, RobotFileParser | None]
"""What sites ask of programs, by scheme and host, such as ``https://example.com``; None where one says nothing."""


def fetch(url: str, *, limits: Limits | None = None, network: Network | None = None) -> Fetched:
    """Fetches one page, if its site and the limits allow it.

    Args:
        url: http or https; without either, https is meant.
        limits: how much it may cost.
        network: for tests.

    Raises:
        PolicyRefused: it is not fetched; the message says why and what to do, and never repeats the address.
    """
    page = fetch_changed(url, None, limits=limits, network=network)
    assert page is not None, "only a page that is known can be unchanged"
    return page


def fetch_changed(
    url: str,
    known: Known | None,
    *,
    accepted: Sequence[str] = ACCEPTED,
    robots: Robots | None = None,
    limits: Limits | None = None,
    network: Network | None = None,
) -> Fetched | None:
    """Fetches one page like ``fetch``, unless the site says that it is still as it was: then None.

    Args:
        url: http or https; without either, https is meant.
        known: the state of the page that is there already.
        accepted: the media types that are taken.
        robots: what sites are known to ask of programs; what is learnt is added.
        limits: how much it may cost.
        network: for tests.

    Raises:
        Later: the site does not give it out now, and says when it will.
        PolicyRefused: it is not fetched.
    """
    import httpcore

    limits = limits or Limits()
    deadline = time.monotonic() + limits.seconds
    visit = _Visit(network or Network(), deadline)
    robots = {} if robots is None else robots
    address = _parsed(url.strip() if "://" in url else f"https://{url.strip()}")
    with visit.pool() as pool:
        for _ in range(limits.redirects + 1):
            try:
                if address.site not in robots:
                    robots[address.site] = _robots(pool, visit, address)
                rules = robots[address.site]
                if rules is not None and not rules.can_fetch(AGENT, address.url):
                    raise _refused(f"The site asks programs not to read this page (robots.txt). {COPY}")
                found = _get(pool, address, limits.bytes, known, accepted)
            except (httpcore.TimeoutException, TimeoutError):
                raise _refused(f"The site took longer than {limits.seconds:.0f} seconds. {COPY}") from None
            except httpcore.ConnectError as exc:
                raise _refused(f"{_unconnected(exc)} {COPY}") from None
            except (httpcore.NetworkError, httpcore.ProtocolError, OSError, zlib.error):
                raise _refused(f"The site broke off while it was being read. {COPY}") from None
            if not isinstance(found, _Address):
                return found
            address = found
    raise _refused(f"The address leads from one to the next more than {limits.redirects} times. {COPY}")


def _refused(message: str, reason: Reason = Reason.UNREADABLE) -> PolicyRefused:
    return PolicyRefused(reason, message)


# --- addresses --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Address:
    """A URL that may be asked for, in ASCII."""

    scheme: str
    host: str
    target: str

    @property
    def site(self) -> str:
        return f"{self.scheme}://{self.host}"

    @property
    def url(self) -> str:
        return self.site + self.target


def _parsed(url: str) -> _Address:
    """A URL taken apart strictly: what two programs might read in two ways is refused."""
    if len(url) > _ADDRESS_CHARS:
        raise _refused(f"The address is too long: at most {_ADDRESS_CHARS:,} characters are taken.")
    if not url.isprintable() or re.search(r"[\s\\<>\"]", url):
        raise _refused("That is no web address: it has blanks or other characters that none has. Check it.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _refused("That is no web address. Check it.") from None
    if parts.scheme not in _PORTS:
        raise _refused("Only addresses that begin with http:// or https:// can be opened.")
    if "@" in parts.netloc:
        raise _refused("An address with a name or password in it is not opened. Take out what stands before the @.")
    if port not in {None, _PORTS[parts.scheme]} or parts.netloc.endswith(":"):
        raise _refused("An address with a port of its own is not opened. Take out the number behind the colon.")
    path = quote(parts.path or "/", safe="/%:@!$&()*+,;=~-._")
    query = "?" + quote(parts.query, safe="/%:@!$&()*+,;=~-._?") if parts.query else ""
    return _Address(parts.scheme, _host(parts.hostname or ""), path + query)


def _host(name: str) -> str:
    """A host by its name, in ASCII; addresses in figures, however they are written, are nobody's site."""
    try:
        host = name.removesuffix(".").encode("idna").decode("ascii").lower()
    except UnicodeError:
        host = ""
    labels = host.split(".")
    if len(labels) < 2 or len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise _refused("Only the address of a site by its name can be opened, such as https://example.com/privacy.")
    if not _TOP_LEVEL.fullmatch(labels[-1]):
        raise _refused("Only the address of a site by its name can be opened, such as https://example.com/privacy.")
    return host


# --- connections ------------------------------------------------------------------------------------------------------


class _Visit:
    """The connections of one fetch: each to an address that was judged, and none longer than until the deadline."""

    def __init__(self, network: Network, deadline: float) -> None:
        self._network = network
        self._known: dict[tuple[str, int], Sequence[tuple[str, int]]] = {}
        self.deadline = deadline

    def pool(self) -> httpcore.ConnectionPool:
        """Keeps no cookies, knows no proxies, follows nothing by itself."""
        import httpcore

        logging.getLogger("httpcore").setLevel(logging.INFO)  # below that it writes down whom it talks to
        tls = self._network.tls or httpcore.default_ssl_context()
        return httpcore.ConnectionPool(ssl_context=tls, network_backend=_backend(self), max_connections=4)

    def remaining(self, timeout: float | None = None) -> float:
        """Seconds left, at most ``timeout``.

        Raises:
            TimeoutError: none are.
        """
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left if timeout is None else min(left, timeout)

    @contextlib.contextmanager
    def until(self, deadline: float) -> Iterator[None]:
        """An earlier deadline for a part of it."""
        before, self.deadline = self.deadline, min(self.deadline, deadline)
        try:
            yield
        finally:
            self.deadline = before

    def addresses(self, host: str, port: int) -> Sequence[tuple[str, int]]:
        """What a name means, asked once.

        Raises:
            PolicyRefused: one of its addresses is not public.
        """
        if (host, port) not in self._known:
            found = self._resolve(host, port)
            if not found:
                raise _refused(f"There is no site of this name. Check the address. {COPY}")
            if not all(self._network.allows(address) for address, _ in found):
                raise _refused("The address leads to a machine that is not on the public web. It is not opened.")
            self._known[host, port] = found
        return self._known[host, port]

    def _resolve(self, host: str, port: int) -> Sequence[tuple[str, int]]:
        """Asks in a thread of its own: a name server that keeps silent cannot be interrupted."""
        answers: queue.SimpleQueue[Sequence[tuple[str, int]]] = queue.SimpleQueue()

        def ask() -> None:
            try:
                answers.put(self._network.resolve(host, port))
            except (OSError, UnicodeError):
                answers.put(())

        threading.Thread(target=ask, name="resolving", daemon=True).start()
        try:
            return answers.get(timeout=self.remaining())
        except queue.Empty:
            raise TimeoutError from None


def _backend(visit: _Visit) -> httpcore.NetworkBackend:
    import httpcore

    class Stream(httpcore.NetworkStream):
        """A connection that ends at the deadline, however busily it drips."""

        def __init__(self, inner: httpcore.NetworkStream) -> None:
            self._inner = inner

        def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
            return self._inner.read(max_bytes, visit.remaining(timeout))

        def write(self, buffer: bytes, timeout: float | None = None) -> None:
            self._inner.write(buffer, visit.remaining(timeout))

        def close(self) -> None:
            self._inner.close()

        def start_tls(
            self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
        ) -> httpcore.NetworkStream:
            return Stream(self._inner.start_tls(ssl_context, server_hostname, visit.remaining(timeout)))

        def get_extra_info(self, info: str) -> Any:
            return self._inner.get_extra_info(info)

    class Backend(httpcore.NetworkBackend):
        """Connects to addresses, not to names."""

        def __init__(self) -> None:
            self._inner = httpcore.SyncBackend()

        def connect_tcp(
            self,
            host: str,
            port: int,
            timeout: float | None = None,
            local_address: str | None = None,
            socket_options: Iterable[Any] | None = None,
        ) -> httpcore.NetworkStream:
            last: Exception = httpcore.ConnectError("no address")
            for address, to_port in visit.addresses(host, port):
                patience = visit.remaining(_CONNECT_SECONDS if timeout is None else timeout)
                try:
                    inner = self._inner.connect_tcp(address, to_port, patience, local_address, socket_options)
                except (httpcore.ConnectError, httpcore.ConnectTimeout) as exc:
                    last = exc
                else:
                    return Stream(inner)
            raise last

    return Backend()


def _unconnected(error: Exception) -> str:
    if isinstance(error.__context__, ssl.SSLError) or "CERTIFICATE" in str(error).upper():
        return "The site cannot prove that it is the one the address names (its certificate is not valid)."
    return "The site cannot be reached."


# --- asking -----------------------------------------------------------------------------------------------------------


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("fineprint")
    except PackageNotFoundError:  # run from a checkout that was never installed
        return "0"


def _headers(address: _Address, accept: str) -> list[tuple[str, str]]:
    return [
        ("Host", address.host),
        ("User-Agent", f"{AGENT}/{_version()} (+policy reader)"),
        ("Accept", accept),
        ("Accept-Encoding", "gzip, deflate"),
        ("Accept-Language", "en"),
        ("Connection", "close"),
    ]


def _get(
    pool: httpcore.ConnectionPool, address: _Address, most: int, known: Known | None, accepted: Sequence[str]
) -> Fetched | _Address | None:
    """The page at an address, or the address that it sends on to, or None where it is as it was known."""
    conditions = _conditions(known) if known and known.url == address.url else []
    asked = [*_headers(address, f"{', '.join(accepted)};q=0.9"), *conditions]
    with pool.stream("GET", address.url, headers=asked) as response:
        headers = _fields(response.headers)
        if response.status == 304 and conditions:
            return None
        if response.status in _REDIRECTS and headers.get("location"):
            return _parsed(urljoin(address.url, headers["location"].strip()).partition("#")[0])
        _require_page(response.status, headers.get("retry-after", ""))
        media_type, charset = _content_type(headers.get("content-type", ""))
        if media_type not in accepted:
            what = f"“{media_type}”" if re.fullmatch(r"[\w.+-]{1,40}/[\w.+-]{1,60}", media_type) else "something else"
            raise _refused(f"It is no page of text but {what}. {COPY}", Reason.UNSUPPORTED_FORMAT)
        declared = headers.get("content-length", "")
        if declared.isdigit() and int(declared[:20]) > most:
            raise _too_large(most)
        body = b"".join(_unpacked(response.iter_stream(), headers.get("content-encoding", ""), most))
    return Fetched(
        address.url,
        media_type,
        charset,
        body,
        dt.datetime.now(tz=dt.UTC).date(),
        _validator(headers.get("etag")),
        _validator(headers.get("last-modified")),
    )


def _conditions(known: Known) -> list[tuple[str, str]]:
    given = (("If-None-Match", known.etag), ("If-Modified-Since", known.last_modified))
    return [(name, value) for name, value in given if value and _validator(value)]


def _validator(value: str | None) -> str | None:
    """What a site calls a state of a page, if it can be sent back without harm."""
    value = (value or "").strip()
    return value if value.isascii() and value.isprintable() and 0 < len(value) <= _LONGEST_VALIDATOR else None


def _require_page(status: int, retry_after: str) -> None:
    if status == 200:
        return
    if status in {429, 503} and (after_s := _seconds(retry_after)):
        raise Later(after_s, status)
    if status in {404, 410}:
        raise _refused(f"There is no page at this address ({status}). Check it.", Reason.NOT_FOUND)
    if status in {401, 402, 403, 407, 429, 451}:
        raise _refused(f"The site does not show this page to programs ({status}). {COPY}")
    raise _refused(f"The site does not give the page out now ({status}). {COPY}")


def _seconds(retry_after: str) -> float | None:
    """How long a site asks to be left alone: it gives seconds or a day and time; nobody is waited for over a month."""
    value = retry_after.strip()
    if re.fullmatch(r"[0-9]{1,9}", value):
        wait = float(value)
    else:
        try:
            until = email.utils.parsedate_to_datetime(value)
            wait = (until.replace(tzinfo=until.tzinfo or dt.UTC) - dt.datetime.now(tz=dt.UTC)).total_seconds()
        except (ValueError, OverflowError):
            return None
    return min(wait, _LONGEST_WAIT.total_seconds()) if wait > 0 else None


def _robots(pool: httpcore.ConnectionPool, visit: _Visit, address: _Address) -> RobotFileParser | None:
    """What a site asks of programs; None where it says nothing.

    401 and 403 forbid everything, as RFC 9309's predecessors had it; any other failure forbids nothing, since a person
    has asked for one page.
    """
    import httpcore

    rules = RobotFileParser()
    at = _Address(address.scheme, address.host, "/robots.txt")
    with visit.until(time.monotonic() + _ROBOTS_SECONDS):
        try:
            for _ in range(3):
                with pool.stream("GET", at.url, headers=_headers(at, "text/plain")) as response:
                    headers = _fields(response.headers)
                    if response.status in _REDIRECTS and headers.get("location"):
                        at = _parsed(urljoin(at.url, headers["location"].strip()).partition("#")[0])
                        continue
                    if response.status in {401, 403}:
                        rules.parse(["User-agent: *", "Disallow: /"])
                        return rules
                    if response.status != 200:
                        return None
                    packed = headers.get("content-encoding", "")
                    body = b"".join(_unpacked(response.iter_stream(), packed, _ROBOTS_BYTES))
                rules.parse(body.decode("utf-8-sig", "replace").splitlines())
                return rules
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, OSError, zlib.error):
            return None  # whether the site itself can be reached shows at once
        except PolicyRefused:
            if at.host == address.host:
                visit.addresses(address.host, _PORTS[address.scheme])  # refuses the page for the same reason
            return None
    return None


def _fields(headers: Iterable[tuple[bytes, bytes]]) -> Mapping[str, str]:
    """The first of each header."""
    found: dict[str, str] = {}
    for name, value in headers:
        found.setdefault(name.decode("latin-1").lower(), value.decode("latin-1"))
    return found


def _content_type(value: str) -> tuple[str, str | None]:
    media_type, *parameters = (part.strip() for part in value.split(";"))
    charset = None
    for name, _, given in (parameter.partition("=") for parameter in parameters):
        if name.strip().lower() == "charset":
            charset = given.strip(" \"'").lower() or None
    return media_type.lower(), charset


def _too_large(most: int) -> PolicyRefused:
    return _refused(f"The page is larger than {most >> 20} MB. {COPY}", Reason.TOO_LARGE)


def _unpacked(chunks: Iterable[bytes], encoding: str, most: int) -> Iterator[bytes]:
    """The bytes of a body, counted as they are unpacked, so that a small one cannot become a large one unseen."""
    encoding = encoding.strip().lower()
    if encoding not in {"", "identity", "gzip", "x-gzip", "deflate"}:
        raise _refused(f"The site packs its page in a way that it was not asked for. {COPY}")
    unpacker = None if encoding in {"", "identity"} else zlib.decompressobj(zlib.MAX_WBITS | 32)
    total = 0
    for chunk in chunks:
        waiting = chunk
        while waiting:
            if unpacker is None:
                piece, waiting = waiting, b""
            else:
                try:
                    piece = unpacker.decompress(waiting, _CHUNK)
                except zlib.error:
                    if total or encoding != "deflate":
                        raise
                    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)  # what some servers send as "deflate"
                    piece = unpacker.decompress(waiting, _CHUNK)
                waiting = unpacker.unconsumed_tail
            total += len(piece)
            if total > most:
                raise _too_large(most)
            yield piece
            if unpacker is not None and unpacker.eof:
                return
