"""Who asks, and what they may ask: the door finds out who it is, every face asks here what that allows.

A request comes from the service's own page, from a page of another web origin, or from a program. The door never looks
at what is asked.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, TypeVar

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import Scope

from qa.admission import ApiKey, digest_of, origin_of
from qa.domain import Answer, Changes, Entry, FailedEntry, IndexedPolicy, Label, PolicyCard, Question, Step
from qa.encoders import TextEncoder
from qa.errors import FineprintError, UnknownScope
from qa.settings import Settings
from ui.live import Answers

__all__ = [
    "ANYBODY",
    "Caller",
    "Door",
    "Refused",
    "ScopeForbidden",
    "ScopedAnswers",
    "answers_for",
    "caller_of",
    "for_other_origins",
    "for_programs",
    "frame_ancestors",
    "is_loopback",
    "require_within",
]

T = TypeVar("T")


class ScopeForbidden(FineprintError):
    """A site or a key asks about a policy that it was not given."""

    code = "scope_forbidden"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks.

    Attributes:
        client: the network address, for counting only: never logged, never stored.
        origin: the web origin of the page that asks, where it is another than the service's own.
        key: the name of the API key that was shown.
        domains: the sites that may be asked about; None for all.
    """

    client: str = ""
    origin: str | None = None
    key: str | None = None
    domains: frozenset[str] | None = None


ANYBODY: Final = Caller()

_SAFE: Final = ("GET", "HEAD", "OPTIONS")
_AUTHORITY: Final = re.compile(r"(?P<host>[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?")
_PORTS: Final = {"http": "80", "https": "443"}


class Refused(FineprintError):
    """Whoever sends this is not let in.

    Attributes:
        status: for HTTP.
        code: for programs.
        headers: that belong to the refusal.
    """

    def __init__(self, status: int, code: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.headers = headers or {}


def for_programs(path: str) -> bool:
    """Whether a path belongs to the faces that programs use, and so needs a key where the operator gave any out."""
    return path == "/mcp" or path.startswith(("/api/", "/v1/", "/mcp/", "/metrics"))


def for_other_origins(path: str) -> bool:
    """Whether pages of other web origins may use a path at all; the chat page's own routes they never may."""
    return path == "/mcp" or path.startswith(("/api/v1/", "/v1/", "/mcp/", "/widget/"))


def is_loopback(host: str) -> bool:
    """Whether a host's name or address can only mean the machine itself."""
    name = host.strip("[]").lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


class Door:
    """Says who a request comes from, and refuses who may not come in.

    Args:
        settings: origins, keys, and the address that visitors see.
        loopback_only: nothing but this machine itself reaches the service, so that any other name for it in a request
            is a trick (DNS rebinding), or a proxy that nobody told the service about.
    """

    def __init__(self, settings: Settings, *, loopback_only: bool = False) -> None:
        self._origins = {each.origin: each for each in settings.allowed_origins}
        self._keys = settings.api_keys
        self._public_url = settings.public_url
        self._loopback_only = loopback_only

    def require_host(self, scope: Scope) -> None:
        """Refuses a request that was meant for a host of another name.

        Raises:
            Refused: 400 or 421.
        """
        given = Headers(scope=scope).getlist("host")
        match = _AUTHORITY.fullmatch(given[0]) if len(given) == 1 else None
        if match is None:
            if not given and scope.get("http_version") == "1.0":
                return
            raise Refused(HTTPStatus.BAD_REQUEST, "bad_host", "Send one Host header that names this service.")
        host = match["host"]
        if is_loopback(host) or scope["path"] in ("/healthz", "/readyz", "/metrics"):
            return
        if self._public_url:
            # An address cannot be made to mean another machine, as a name can; probes and proxies use it.
            if _authority(given[0], self._public_url) != self._public_url.partition("://")[2] and not _is_address(host):
                raise Refused(
                    HTTPStatus.MISDIRECTED_REQUEST,
                    "wrong_host",
                    f"This service is {self._public_url}; use that address. (FINEPRINT_PUBLIC_URL says so.)",
                )
        elif self._loopback_only:
            raise Refused(
                HTTPStatus.MISDIRECTED_REQUEST,
                "wrong_host",
                "This service answers to names of its own machine only, such as localhost. Where a proxy stands before "
                "it, set FINEPRINT_PUBLIC_URL to the address that visitors see.",
            )

    def origin(self, scope: Scope) -> str | None:
        """The other web origin whose page sends a request; None for the service's own pages and for programs.

        Raises:
            Refused: that origin is not allowed, or not here.
        """
        headers = Headers(scope=scope)
        given = headers.getlist("origin")
        if not given:
            self._refuse_unnamed_sites(scope, headers)
            return None
        if len(given) == 1 and self._is_own(given[0], headers.get("host", "")):
            return None
        if len(given) == 1 and given[0] in self._origins and for_other_origins(scope["path"]):
            return given[0]
        raise Refused(
            HTTPStatus.FORBIDDEN,
            "origin_forbidden",
            "Pages of this web origin may not use this. The operator of the service allows origins for the API and the "
            "widget with FINEPRINT_ALLOWED_ORIGINS.",
        )

    def caller(self, scope: Scope, origin: str | None) -> Caller:
        """Who sends a request, and what that one may ask about.

        Args:
            scope: the request.
            origin: as ``origin`` found it.

        Raises:
            Refused: 401, a key is missing or wrong.
        """
        client = scope.get("client")
        address = str(client[0]) if client else ""
        domains = self._origins[origin].domains if origin else None
        if not self._keys or not for_programs(scope["path"]):
            return Caller(address, origin, None, domains)
        headers = Headers(scope=scope)
        shown = _shown_key(headers)
        if shown is None:
            if origin or self._from_own_page(headers):
                return Caller(address, origin, None, domains)
            raise _unauthorised("Send your API key as Authorization: Bearer fp_… or as X-API-Key.")
        key = _found(self._keys, shown)
        if key is None:
            raise _unauthorised(
                "This API key is not known here. Check it, or ask the operator for a new one.", wrong=True
            )
        return Caller(address, origin, key.name, _both(domains, key.domains))

    def _refuse_unnamed_sites(self, scope: Scope, headers: Headers) -> None:
        """What a browser sends for another site's page without naming it: forms, and images that only cost."""
        if headers.get("sec-fetch-site", "none") not in ("cross-site", "same-site"):
            return
        embedded = for_programs(scope["path"]) and headers.get("sec-fetch-mode") != "navigate"
        if scope["method"] not in _SAFE or embedded:
            raise Refused(
                HTTPStatus.FORBIDDEN,
                "origin_forbidden",
                "Pages of other web sites may not send this. Use the API from code.",
            )

    def _from_own_page(self, headers: Headers) -> bool:
        origin = headers.get("origin")
        if origin is None:  # browsers leave it out where a page reads from its own origin
            return headers.get("sec-fetch-site") == "same-origin"
        return self._is_own(origin, headers.get("host", ""))

    def _is_own(self, origin: str, host: str) -> bool:
        try:
            if origin == "null" or origin_of(origin) != origin:
                return False
        except ValueError:
            return False
        if self._public_url:
            if origin == self._public_url:
                return True
            if _authority(host, self._public_url) == self._public_url.partition("://")[2]:
                return False  # the same host without TLS is another origin
        # Behind a proxy that ends TLS unannounced the scheme is not known here, so that only the host can tell.
        return _authority(host, origin) == origin.partition("://")[2]


def _authority(host: str, like: str) -> str:
    """A Host header in lower case, without the port that goes without saying in an address like the given one."""
    match = _AUTHORITY.fullmatch(host)
    if match is None:
        return ""
    port = match["port"]
    return match["host"].lower() + (f":{port}" if port and port != _PORTS[like.partition("://")[0]] else "")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def _shown_key(headers: Headers) -> str | None:
    """The key that a request shows, if any."""
    if (key := headers.get("x-api-key")) is not None:
        return key.strip()
    kind, _, key = headers.get("authorization", "").partition(" ")
    return key.strip() if kind.lower() == "bearer" else None


def _found(keys: Iterable[ApiKey], shown: str) -> ApiKey | None:
    """The key that was shown. Each one is compared, all in the same time, so that time tells nothing about any."""
    digest = digest_of(shown)
    found = None
    for key in keys:
        if hmac.compare_digest(key.digest, digest):
            found = key
    return found


def _both(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    if one is None or other is None:
        return other if one is None else one
    return one & other


def _unauthorised(detail: str, *, wrong: bool = False) -> Refused:
    challenge = 'Bearer realm="fineprint"' + (', error="invalid_token"' if wrong else "")
    code = "wrong_key" if wrong else "key_needed"
    return Refused(HTTPStatus.UNAUTHORIZED, code, detail, {"WWW-Authenticate": challenge})


def frame_ancestors(settings: Settings, scope: str) -> str:
    """Who may frame a page about a scope, as the value of the CSP directive ``frame-ancestors``.

    Args:
        settings: the allowed origins.
        scope: a domain, policy id or file stem; "" for every policy.
    """
    domain = scope.partition("@")[0].partition("__")[0].lower()
    allowed = [
        each.origin for each in settings.allowed_origins if each.domains is None or (domain and domain in each.domains)
    ]
    return " ".join(["'self'", *allowed])


def require_within(caller: Caller, policy_ids: Iterable[str]) -> None:
    """Refuses policies that a caller may not ask about.

    Raises:
        ScopeForbidden: one lies outside.
    """
    if caller.domains is not None and any(each.partition("@")[0] not in caller.domains for each in policy_ids):
        raise _outside(caller.domains)


def caller_of(connection: HTTPConnection) -> Caller:
    """Who sends this request, as the guard found out."""
    caller = connection.scope.get("state", {}).get("caller", ANYBODY)
    assert isinstance(caller, Caller)
    return caller


def answers_for(answers: Answers, caller: Caller) -> Answers:
    """What a caller may ask: everything, or only the sites that it was given."""
    return answers if caller.domains is None else ScopedAnswers(answers, caller.domains)


class ScopedAnswers:
    """Answers for a caller that was given some sites only: to it, nothing else is indexed.

    A scope outside is refused as forbidden whether or not there is such a policy, so that trying scopes tells nobody
    what else is indexed. Names in questions can tell it: SECURITY.md says so.
    """

    def __init__(self, answers: Answers, domains: Collection[str]) -> None:
        self._whole = answers
        self._domains = frozenset(domains)

    def ask(self, question: Question) -> Answer:
        """See ``Answers.ask``. Raises ScopeForbidden."""
        self._require(question.scope)
        return self._within(lambda: self._limited().ask(question))

    def ask_plainly(self, question: Question) -> Answer:
        """See ``Answers.ask_plainly``. Raises ScopeForbidden."""
        self._require(question.scope)
        return self._within(lambda: self._limited().ask_plainly(question))

    def stream(self, question: Question) -> Iterator[Step]:
        """See ``Answers.stream``. Raises ScopeForbidden."""
        self._require(question.scope)
        steps = self._within(lambda: self._limited().stream(question))

        def each() -> Iterator[Step]:
            while (step := self._within(lambda: next(steps, None))) is not None:
                yield step

        return each()

    def cards(self, query: str = "", limit: int | None = None) -> tuple[PolicyCard, ...]:
        """See ``Answers.cards``."""
        return self._limited().cards(query, limit)

    def policy(self, scope: str) -> IndexedPolicy:
        """See ``Answers.policy``. Raises ScopeForbidden."""
        return self._within(lambda: self._limited().policy(scope))

    @property
    def encoder(self) -> TextEncoder:
        """See ``Answers.encoder``."""
        return self._whole.encoder

    def ask_in(self, question: Question, source: IndexedPolicy) -> Answer:
        """See ``Answers.ask_in``."""
        return self._limited().ask_in(question, source)

    def stream_in(self, question: Question, source: IndexedPolicy) -> Iterator[Step]:
        """See ``Answers.stream_in``."""
        return self._limited().stream_in(question, source)

    def label(self, scope: str) -> Label:
        """See ``Answers.label``. Raises ScopeForbidden."""
        return self._within(lambda: self._limited().label(scope))

    def compare(self, question: Question, scopes: Sequence[str | IndexedPolicy]) -> Iterator[Entry | FailedEntry]:
        """See ``Answers.compare``. Raises ScopeForbidden."""
        return self._within(lambda: self._limited().compare(question, scopes))

    def changes(self, older: str, newer: str, about: str | None = None) -> Changes:
        """See ``Answers.changes``. Raises ScopeForbidden."""
        return self._within(lambda: self._limited().changes(older, newer, about))

    def limited(self, domains: Collection[str]) -> Answers:
        """See ``Answers.limited``: never more than these sites."""
        return ScopedAnswers(self._whole, self._domains & frozenset(domains))

    @property
    def generation(self) -> int:
        """See ``Answers.generation``."""
        return self._whole.generation

    def warm_up(self) -> None:
        """See ``Answers.warm_up``."""
        self._whole.warm_up()

    def close(self) -> None:
        """Closes nothing: the whole service is closed by whoever opened it."""

    def _require(self, scope: str | None) -> None:
        """A scope outside is refused also where the question names a company and the scope would not matter."""
        if scope:
            self.policy(scope)

    def _limited(self) -> Answers:
        return self._whole.limited(self._domains)

    def _within(self, call: Callable[[], T]) -> T:
        try:
            return call()
        except UnknownScope as exc:
            raise _outside(self._domains) from exc


def _outside(domains: Collection[str]) -> ScopeForbidden:
    return ScopeForbidden(f"From here, only these may be asked about: {', '.join(sorted(domains)) or 'nothing'}.")
