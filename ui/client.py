"""A small client of the HTTP API, on httpx and nothing else of fineprint, so that it may be copied as one file.

::

    fp = Fineprint("http://127.0.0.1:7860")
    print(fp.ask("does Free People sell my email?").text)

``AsyncFineprint`` has the same methods, awaited. What comes back are frozen values that mirror the API's documents
(docs/api.md); fields that a newer service adds are left aside. Everything that can fail is one tree::

    FineprintError
    ├── Refused        the service answered and said no: ``status``, ``code``, ``detail`` say why
    ├── Unreachable    nothing answers at the address
    ├── Interrupted    the connection broke off, or nothing came in time
    └── Unreadable     what answers there does not speak this API
"""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import functools
import ipaddress
import json
import random
import re
import time
import types
import typing
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, Final, Generic, Literal, Self, TypeAlias, TypeVar, cast
from urllib.parse import quote

import httpx

__all__ = [
    "Answer", "AsyncFineprint", "AsyncStream", "Change", "Changes", "Choice", "Citation", "Comparison", "Context",
    "Entry", "FailedEntry", "Fineprint", "FineprintError", "Generation", "Interrupted", "Label", "LabelRow", "Part",
    "Passage", "Policy", "PolicyCard", "Readiness", "Refused", "Stage", "Status", "Stream", "Token", "Unreachable",
    "Unreadable", "Verdict", "Verification",
]  # fmt: skip

T = TypeVar("T")

ADDRESS: Final = "http://127.0.0.1:7860"
"""Where ``fineprint serve`` listens unless it is told otherwise."""

LONGEST_WAIT_S: Final = 60.0
"""A service that wants to be left alone for longer is not waited for: whoever asked is told."""

_CONNECT_S: Final = 5.0
# A connection is let go before a server or proxy lets go of it, five seconds at the earliest: else a request might
# cross with that.
_LIMITS: Final = httpx.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=4.0)
_POLICIES_AT_ONCE: Final = 1_000
_LONGEST_DETAIL: Final = 1_000
_LOOKS_S: Final = 0.25
_EVENTS: Final = "text/event-stream"

# Waiting mends none of these, and what took too long once does so again.
_LASTING: Final = frozenset({"index_missing", "index_foreign", "index_damaged", "feedback_not_kept", "timed_out"})

Status: TypeAlias = Literal["answered", "not_stated", "unknown_company", "needs_company", "out_of_scope"]
Verdict: TypeAlias = Literal["yes", "no", "conditional"]
Day: TypeAlias = "str | dt.date"


# --- what can go wrong ------------------------------------------------------------------------------------------------


class FineprintError(Exception):
    """Every expected failure; ``str(error)`` is one line that says what to do."""


class Refused(FineprintError):
    """The service answered with a problem document.

    Attributes:
        status: the HTTP status.
        code: for programs, e.g. ``unknown_scope``; empty where something else than fineprint refused.
        detail: one line for people.
        request_id: what the operator finds the request by, where the service gave one.
        retry_after: seconds after which trying again makes sense, where the service said so.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        request_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.request_id = request_id
        self.retry_after = retry_after


class Unreachable(FineprintError):
    """Nothing answers at the address."""


class Interrupted(FineprintError):
    """The connection broke off, or nothing came in time, before the answer was whole."""


class Unreadable(FineprintError):
    """What answers at the address does not speak this API."""


# --- what comes back --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Citation:
    """A verified quote: ``text[start:end] == quote`` in the policy's text (``Fineprint.verify`` checks it again)."""

    n: int
    policy_id: str
    company: str
    domain: str
    archived_on: dt.date
    section: str
    quote: str
    start: int
    end: int
    url: str | None = None

    def __str__(self) -> str:
        where = f"    {self.company} ({self.domain}), archived {self.archived_on}"
        lines = [f"[{self.n}] “{self.quote}”", f"{where}: {self.section}" if self.section else where]
        return _shown("\n".join([*lines, f"    {self.url}"] if self.url else lines))


@dataclass(frozen=True, slots=True)
class Entry:
    """One policy's part of a comparison; its citations are numbered by themselves."""

    policy_id: str
    company: str
    domain: str
    archived_on: dt.date
    status: Status
    verdict: Verdict | None
    text: str
    citations: tuple[Citation, ...] = ()
    confidence: float = 0.0
    warnings: tuple[str, ...] = ()

    def __str__(self) -> str:
        return _shown(f"{self.company} ({self.domain}), archived {self.archived_on}: {self.text}")


@dataclass(frozen=True, slots=True)
class FailedEntry:
    """A policy of a comparison that could not be answered from; this is not silence."""

    policy_id: str
    company: str
    domain: str
    archived_on: dt.date
    problem: str

    def __str__(self) -> str:
        return _shown(f"{self.company} ({self.domain}), archived {self.archived_on}: {self.problem}")


@dataclass(frozen=True, slots=True)
class Comparison:
    """The same question put to several policies, each searched for itself."""

    question: str
    entries: tuple[Entry, ...]
    failed: tuple[FailedEntry, ...] = ()

    def __str__(self) -> str:
        return "\n".join(map(str, (*self.entries, *self.failed)))


@dataclass(frozen=True, slots=True)
class Part:
    """One of several things that were asked at once."""

    question: str
    status: Status
    verdict: Verdict | None
    text: str
    citations: tuple[Citation, ...] = ()
    confidence: float = 0.0


@dataclass(frozen=True, slots=True)
class Choice:
    """A company to choose from; ask again with its ``scope``."""

    label: str
    scope: str


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between two versions of a policy; ``before`` is None if added, ``after`` if removed."""

    kind: str
    before: Citation | None
    after: Citation | None
    similarity: float = 0.0


@dataclass(frozen=True, slots=True)
class Changes:
    """How a policy's text differs between two versions of it; ``older`` and ``newer`` are policy ids."""

    older: str
    newer: str
    company: str
    domain: str
    older_archived_on: dt.date
    newer_archived_on: dt.date
    changes: tuple[Change, ...]
    unchanged: int = 0


@dataclass(frozen=True, slots=True)
class Generation:
    """What a chat model had to do with an answer.

    Attributes:
        model: as the operator named it, e.g. "ollama:llama3.2".
        claims: how many sentences it wrote, whatever became of them.
        repaired: how many of them are shown in the policy's words instead of the model's.
        dropped: how many are not shown, because the policy does not prove them.
        agrees: whether it came to the same verdict; the answer's is never the model's.
        input_tokens, output_tokens: in all calls, as the model's server counts them; 0 if it does not.
        first_claim_ms: from the question to the first proven sentence; None if there was none.
        failed: why the answer is not, or not to its end, in its words, e.g. "slow" or "unproven"; None where it is.
    """

    model: str
    claims: int = 0
    repaired: int = 0
    dropped: int = 0
    agrees: bool | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    calls: int = 0
    first_claim_ms: float | None = None
    failed: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: what the policy says, proven by ``citations``, or that it does not say.

    ``str(answer)`` is the text with everything that belongs to it, for people; ``answer.text`` the text alone.

    Attributes:
        text: the direct answer first; ``[n]`` refers to ``citations[].n``.
        verdict: None for open questions and whenever ``status`` is not ``answered``. Silence is never a "no".
        related: where the policy is silent, the nearest passages. They do not answer the question.
        entries: for a comparison, one a policy.
        parts: for a question that asks several things, one each.
        versions: for a question about the versions of a policy, one each, oldest first.
        changes: for a question about what changed, the differences that the text tells.
        confidence: how likely verdict and first citation are right, from 0 to 1.
        choices: where no company was named or none is known by that name, what to ask again with.
        engine: who put it into words: "extractive", or the chat model that did.
        generation: where a chat model was asked, what came of it.
    """

    question: str
    status: Status
    text: str
    verdict: Verdict | None = None
    citations: tuple[Citation, ...] = ()
    related: tuple[Citation, ...] = ()
    entries: tuple[Entry, ...] = ()
    parts: tuple[Part, ...] = ()
    versions: tuple[Entry, ...] = ()
    changes: tuple[Change, ...] = ()
    policies: tuple[str, ...] = ()
    confidence: float = 0.0
    engine: str = ""
    choices: tuple[Choice, ...] = ()
    warnings: tuple[str, ...] = ()
    timings_ms: Mapping[str, float] = field(default_factory=dict, compare=False)
    id: str | None = None
    generation: Generation | None = field(default=None, compare=False)

    @property
    def quotes(self) -> tuple[str, ...]:
        """The words of the policy that prove the answer."""
        return tuple(citation.quote for citation in self.citations)

    def __str__(self) -> str:
        blocks = [_shown(self.text)]
        if self.warnings:
            blocks.append("\n".join(f"Note: {_shown(warning)}" for warning in self.warnings))
        if self.generation and self.engine == self.generation.model:
            blocks.append(f"Worded by {_shown(self.engine)}; every sentence checked against the policy.")
        if self.choices:
            blocks.append("\n".join(_shown(f"- {choice.label} ({choice.scope})") for choice in self.choices))
        if self.citations:
            blocks.append("\n".join(map(str, self.citations)))
        elif self.related:
            nearest = "\n".join(str(citation).partition(" ")[2] for citation in self.related)
            blocks.append(f"Closest passages (not an answer):\n{nearest}")
        return "\n\n".join(blocks)


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage while a question is answered: which policies and how many sentences are read, how many compared."""

    name: str
    policies: tuple[str, ...] = ()
    sentences: int = 0
    done: int = 0


@dataclass(frozen=True, slots=True)
class Token:
    """The next piece of the answer's text."""

    text: str


@dataclass(frozen=True, slots=True)
class PolicyCard:
    """A policy without its text."""

    id: str
    domain: str
    archived_on: dt.date
    company: str
    aliases: tuple[str, ...] = ()
    url: str | None = None
    characters: int = 0
    passages: int = 0
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of a policy; the passages partition its text."""

    n: int
    start: int
    end: int
    section: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy with its text; every offset of the API refers to ``text``, in code points as Python counts them."""

    id: str
    domain: str
    archived_on: dt.date
    company: str
    text: str
    aliases: tuple[str, ...] = ()
    url: str | None = None
    provenance: Mapping[str, str] = field(default_factory=dict, hash=False)
    warnings: tuple[str, ...] = ()
    passages: tuple[Passage, ...] = ()


@dataclass(frozen=True, slots=True)
class Context:
    """A quote where it stands: plain words of the same section before and after it."""

    policy_id: str
    company: str
    domain: str
    archived_on: dt.date
    section: str
    before: str
    quote: str
    after: str
    start: int
    end: int
    url: str | None = None


@dataclass(frozen=True, slots=True)
class LabelRow:
    """What a policy says about one standard question; where it is not ``sure``, show ``related``, not the verdict."""

    topic: str
    title: str
    question: str
    status: Status
    verdict: Verdict | None
    text: str
    citations: tuple[Citation, ...] = ()
    confidence: float = 0.0
    sure: bool = False
    related: tuple[Citation, ...] = ()


@dataclass(frozen=True, slots=True)
class Label:
    """A policy at a glance."""

    policy_id: str
    company: str
    domain: str
    archived_on: dt.date
    url: str | None
    rows: tuple[LabelRow, ...]


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether questions can be answered; true or false itself.

    Attributes:
        detail: where they cannot, one line that says why.
    """

    ready: bool
    policies: int = 0
    detail: str = ""

    def __bool__(self) -> bool:
        return self.ready


@dataclass(frozen=True, slots=True)
class Verification:
    """What became of checking citations against the stored policies; true if every one stands there.

    Attributes:
        checked: how many citations were looked at.
        wrong: citations whose quote does not stand where they say.
        missing: ids of cited policies that the service does not have (any more).
    """

    checked: int
    wrong: tuple[Citation, ...] = ()
    missing: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return not self.wrong and not self.missing


Cited: TypeAlias = Answer | Entry | Comparison | Part | Label | LabelRow | Changes | Change | Citation
Step: TypeAlias = Stage | Citation | Token | Answer


def _shown(text: str) -> str:
    """Text that is safe to print: a policy may hold control characters, which a terminal would obey."""
    return "".join(char if char.isprintable() or char == "\n" else "\ufffd" for char in text)


# --- reading documents ------------------------------------------------------------------------------------------------


class _Unfit(Exception):
    """A value is not of the form that it should have."""


def _document(kind: type[T], value: Any) -> T:
    """A document as a value of this kind.

    Raises:
        Unreadable: it is none.
    """
    try:
        return cast("T", _fitted(kind, value))
    except _Unfit as exc:
        raise Unreadable(
            f"The service sent a {kind.__name__} of another form ({exc}). It may be another version: update the client."
        ) from None


def _fitted(kind: Any, value: Any, at: str = "") -> Any:
    """A JSON value as what a type annotation says."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if dataclasses.is_dataclass(kind):
        if not isinstance(value, dict):
            raise _Unfit(f"{at or 'it'} is no object")
        return _fitted_fields(kind, value, at)
    if origin in (types.UnionType, typing.Union):  # only "… or None" is used
        return None if value is None else _fitted(arguments[0], value, at)
    if origin is tuple:
        if not isinstance(value, list):
            raise _Unfit(f"{at} is no list")
        return tuple(_fitted(arguments[0], item, at) for item in value)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        if not isinstance(value, dict):
            raise _Unfit(f"{at} is no object")
        return {key: _fitted(arguments[1], item, at) for key, item in value.items()}
    if kind is dt.date:
        try:
            return dt.date.fromisoformat(value)
        except (TypeError, ValueError):
            raise _Unfit(f"{at} is no date") from None
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    plain = str if origin is Literal else kind  # a word that is added later passes
    if not isinstance(value, plain) or (plain is int and isinstance(value, bool)):
        raise _Unfit(f"{at} is no {plain.__name__}")
    return value


def _fitted_fields(kind: Any, value: Mapping[str, Any], at: str) -> Any:
    hints = _hints(kind)
    given: dict[str, Any] = {}
    for each in dataclasses.fields(kind):
        where = f"{at}.{each.name}" if at else each.name
        if each.name in value:
            given[each.name] = _fitted(hints[each.name], value[each.name], where)
        elif each.default is dataclasses.MISSING and each.default_factory is dataclasses.MISSING:
            raise _Unfit(f"{where} is missing")
    return kind(**given)


@functools.cache
def _hints(kind: Any) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _citations_in(value: Any) -> Iterator[Citation]:
    """Every citation in a value, however deep."""
    if isinstance(value, Citation):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from _citations_in(item)
    elif dataclasses.is_dataclass(value):
        for each in dataclasses.fields(value):
            yield from _citations_in(getattr(value, each.name))


def _verified(citations: Sequence[Citation], policies: Mapping[str, Policy | None]) -> Verification:
    wrong, missing = [], {}
    for citation in citations:
        policy = policies[citation.policy_id]
        if policy is None:
            missing[citation.policy_id] = True
        elif (
            policy.text[citation.start : citation.end] != citation.quote
            or not 0 <= citation.start < citation.end
            or (policy.domain, policy.archived_on) != (citation.domain, citation.archived_on)
        ):
            wrong.append(citation)
    return Verification(len(citations), tuple(wrong), tuple(missing))


# --- server-sent events -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Event:
    name: str
    data: str


class _Events:
    """Reads server-sent events from bytes that are cut anywhere (WHATWG HTML, 9.2.6)."""

    _END = re.compile(rb"\r\n|\n|\r")

    def __init__(self) -> None:
        self._rest = b""
        self._begun = False
        self._name = ""
        self._data: list[str] = []

    def feed(self, piece: bytes) -> Iterator[_Event]:
        """The events that this piece completes."""
        self._rest += piece
        start = 0
        for end in self._END.finditer(self._rest):
            if end.group() == b"\r" and end.end() == len(self._rest):
                break  # its \n may be in the next piece
            if event := self._line(self._rest[start : end.start()]):
                yield event
            start = end.end()
        self._rest = self._rest[start:]

    def _line(self, line: bytes) -> _Event | None:
        text = line.decode("utf-8", "replace")
        if not self._begun:
            self._begun = True
            text = text.removeprefix("\ufeff")
        if not text:
            event = _Event(self._name or "message", "\n".join(self._data)) if self._data else None
            self._name, self._data = "", []
            return event
        name, _, value = text.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            self._name = value
        elif name == "data":
            self._data.append(value)
        return None


# --- requests, the same for both clients ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Call(Generic[T]):
    """A request, and how its answer is read."""

    method: str
    path: str
    read: Callable[[Any], T]
    params: tuple[tuple[str, str], ...] = ()
    body: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class _StreamedCall(Generic[T]):
    """A request that is answered by events: how each is read, and after which nothing follows.

    What ``read`` gives for the last event need not be something that was asked for; None is not handed on.
    """

    method: str
    path: str
    read: Callable[[str, Any], T | None]
    last: str
    params: tuple[tuple[str, str], ...] = ()
    body: Mapping[str, Any] | None = None


def _asking(question: str, scope: str | None, as_of: Day | None, history: Iterable[str]) -> dict[str, Any]:
    body: dict[str, Any] = {"question": question, "history": [*_several(history, "history")]}
    if scope:
        body["scope"] = scope
    if as_of:
        body["as_of"] = str(as_of)
    return body


def _several(texts: Iterable[str], name: str) -> Iterable[str]:
    if isinstance(texts, str):
        raise TypeError(f"{name} is a list of texts, not one text")
    return texts


def _ask(question: str, scope: str | None, as_of: Day | None, history: Iterable[str]) -> _Call[Answer]:
    body = _asking(question, scope, as_of, history)
    return _Call("POST", "/api/v1/ask", functools.partial(_document, Answer), body=body)


def _ask_streamed(question: str, scope: str | None, as_of: Day | None, history: Iterable[str]) -> _StreamedCall[Step]:
    kinds: Mapping[str, type[Step]] = {"stage": Stage, "citation": Citation, "token": Token, "answer": Answer}

    def read(name: str, data: Any) -> Step | None:
        return _document(kinds[name], data) if name in kinds else None

    return _StreamedCall("POST", "/api/v1/ask/stream", read, "answer", body=_asking(question, scope, as_of, history))


def _comparing(question: str, scopes: Iterable[str], as_of: Day | None) -> tuple[tuple[str, str], ...]:
    given = (("question", question), *(("scope", scope) for scope in _several(scopes, "scopes")))
    return (*given, ("as_of", str(as_of))) if as_of else given


def _compare(question: str, scopes: Iterable[str], as_of: Day | None) -> _Call[Comparison]:
    params = _comparing(question, scopes, as_of)
    return _Call("GET", "/api/v1/compare", functools.partial(_document, Comparison), params=params)


def _compare_streamed(question: str, scopes: Iterable[str], as_of: Day | None) -> _StreamedCall[Entry | FailedEntry]:
    def read(name: str, data: Any) -> Entry | FailedEntry | None:
        if name == "entry":
            return _document(Entry, data)
        return _document(FailedEntry, data) if name == "failed" else None

    return _StreamedCall("GET", "/api/v1/compare", read, "done", params=_comparing(question, scopes, as_of))


@dataclass(frozen=True, slots=True)
class _Page:
    policies: tuple[PolicyCard, ...]
    total: int


def _policies(query: str, limit: int | None, offset: int) -> _Call[_Page]:
    most = _POLICIES_AT_ONCE if limit is None else min(limit - offset, _POLICIES_AT_ONCE)
    params = (("q", query), ("limit", str(most)), ("offset", str(offset)))
    return _Call("GET", "/api/v1/policies", functools.partial(_document, _Page), params=params)


def _policy(scope: str) -> _Call[Policy]:
    return _Call("GET", f"/api/v1/policies/{_named(scope)}", functools.partial(_document, Policy))


def _label(scope: str) -> _Call[Label]:
    return _Call("GET", f"/api/v1/policies/{_named(scope)}/label", functools.partial(_document, Label))


def _changes(scope: str, since: Day | None, about: str | None) -> _Call[Changes]:
    given = (("since", str(since) if since else ""), ("about", about or ""))
    params = tuple((name, value) for name, value in given if value)
    path = f"/api/v1/policies/{_named(scope)}/changes"
    return _Call("GET", path, functools.partial(_document, Changes), params=params)


def _context(citation: Citation) -> _Call[Context]:
    path = f"/api/v1/policies/{_named(citation.policy_id)}/context"
    params = (("start", str(citation.start)), ("end", str(citation.end)))
    return _Call("GET", path, functools.partial(_document, Context), params=params)


@dataclass(frozen=True, slots=True)
class _Suggested:
    questions: tuple[str, ...]


def _suggestions(scope: str, asked: Iterable[str], seen: Iterable[Citation]) -> _Call[_Suggested]:
    body = {
        "scope": scope,
        "asked": [*_several(asked, "asked")],
        "citations": [[citation.start, citation.end] for citation in seen],
    }
    return _Call("POST", "/api/v1/suggestions", functools.partial(_document, _Suggested), body=body)


def _named(scope: str) -> str:
    """A scope as one segment of a path; "." and ".." would be taken for steps."""
    if scope in ("", ".", ".."):
        raise Refused(404, "unknown_scope", "Name a policy by its domain, id or file stem.")
    return quote(scope, safe="", errors="replace")


@dataclass(frozen=True, slots=True)
class _Kept:
    id: str


def _feedback(
    answer: Answer,
    rating: Literal["up", "down"],
    reason: str | None,
    wrong: Iterable[int],
    comment: str | None,
    *,
    history: Iterable[str],
    consent: bool,
    replaces: str | None,
) -> _Call[_Kept]:
    bad = set(wrong)
    body: dict[str, Any] = {
        "rating": rating,
        "status": answer.status,
        "citations": [
            {"policy_id": each.policy_id, "start": each.start, "end": each.end, "wrong": each.n in bad}
            for each in answer.citations
        ],
    }
    optional = {
        "reason": reason,
        "policy_id": answer.policies[0] if len(answer.policies) == 1 else None,
        "verdict": answer.verdict,
        "engine": answer.engine or None,
        "comment": comment,
        "replaces": replaces,
    }
    body |= {name: value for name, value in optional.items() if value is not None}
    if consent:
        body |= {"consent": True, "question": answer.question, "history": [*_several(history, "history")]}
    return _Call("POST", "/api/v1/feedback", functools.partial(_document, _Kept), body=body)


@dataclass(frozen=True, slots=True)
class _Served:
    policies: int = 0


def _ready() -> _Call[Readiness]:
    return _Call("GET", "/readyz", lambda value: Readiness(ready=True, policies=_document(_Served, value).policies))


def _unready(error: Refused | Unreachable) -> Readiness:
    """Why questions cannot be answered; a refusal that is not about that is raised again."""
    if isinstance(error, Refused) and error.status != 503:
        raise error
    return Readiness(ready=False, detail=str(error))


# --- responses, the same for both clients -----------------------------------------------------------------------------


def _read_body(response: httpx.Response) -> Any:
    """A successful response's JSON."""
    _expect(response, "application/json")
    try:
        return response.json()
    except (ValueError, RecursionError):
        raise Unreadable(
            f"What answers at {_origin(response)} sent no valid JSON. Is this fineprint's address?"
        ) from None


def _expect(response: httpx.Response, media_type: str) -> None:
    if response.headers.get("content-type", "").partition(";")[0].strip().lower() != media_type:
        raise Unreadable(f"What answers at {_origin(response)} is not fineprint's API. Is this its address?")


def _origin(response: httpx.Response) -> str:
    url = response.request.url
    return f"{url.scheme}://{url.netloc.decode('ascii').rpartition('@')[2]}"


def _refusal(response: httpx.Response) -> FineprintError:
    """Why a response that is read and not successful is none."""
    if response.is_redirect:
        return Unreadable(f"{_origin(response)} redirects elsewhere. Give the client the address that it leads to.")
    try:
        problem = response.json()
    except (ValueError, RecursionError):
        problem = None
    known = problem if isinstance(problem, dict) else {}
    return _refused(known, response.status_code, response.headers)


def _refused(problem: Mapping[str, Any], status: int, headers: Mapping[str, str]) -> Refused:
    def text(name: str) -> str:
        value = problem.get(name)
        return " ".join(_shown(value)[:_LONGEST_DETAIL].split()) if isinstance(value, str) else ""

    return Refused(
        status,
        text("code"),
        text("detail") or f"The service answered with status {status} and did not say why.",
        request_id=headers.get("x-request-id") or text("request_id") or None,
        retry_after=_seconds(headers.get("retry-after")),
    )


def _seconds(retry_after: str | None) -> float | None:
    """``Retry-After`` in seconds from now; it may be a number or a date."""
    if retry_after is None:
        return None
    if retry_after.strip().isdecimal():
        return float(retry_after)
    try:
        when = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=dt.UTC)
    return max(0.0, (when - dt.datetime.now(dt.UTC)).total_seconds())


def _pause(refusal: FineprintError, attempt: int, retries: int) -> float | None:
    """How long to wait before the next attempt; None if there should be none."""
    if not isinstance(refusal, Refused) or refusal.status not in (429, 503) or refusal.code in _LASTING:
        return None
    if attempt >= retries:
        return None
    wanted = 0.5 * 2**attempt if refusal.retry_after is None else refusal.retry_after
    # Never earlier than the service asked for, and not all at the same moment.
    pause = wanted + random.uniform(0.0, 0.1 + wanted / 4)  # noqa: S311
    return pause if pause <= LONGEST_WAIT_S else None


def _failure(error: httpx.RequestError, address: str, timeout: float) -> FineprintError:
    """A failed connection in words; httpx's own may name what was asked."""
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.ProxyError):
        return Unreachable(f"Nothing answers at {address}. Is the service running? `fineprint serve` starts it.")
    if isinstance(error, httpx.TimeoutException):
        return Interrupted(f"{address} sent nothing for {timeout:g} seconds. Try again, or allow a longer timeout.")
    return Interrupted(f"The connection to {address} broke off before the answer was whole. Ask again.")


def _cut(address: str) -> Interrupted:
    return Interrupted(f"The connection to {address} ended before the answer was whole. Ask again.")


def _reading(call: _StreamedCall[T], name: str, data: str, response: httpx.Response) -> T | None:
    """One event as a value; None where it is of a kind not known."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        raise Unreadable(f"{_origin(response)} sent an event that is not valid JSON. Is this fineprint?") from None
    if name == "error":
        known = value if isinstance(value, dict) else {}
        status = known.get("status")
        raise _refused(known, status if isinstance(status, int) else 500, response.headers)
    return call.read(name, value)


def _address(address: str) -> str:
    """An address without its last slash.

    Raises:
        ValueError: it is none.
    """
    try:
        url = httpx.URL(address)
    except (httpx.InvalidURL, TypeError) as exc:
        raise ValueError(f"This is no address; write one such as {ADDRESS}") from exc
    if url.scheme not in ("http", "https") or not url.host or url.query or url.fragment or url.userinfo:
        raise ValueError(f"An address is http:// or https://, a host and nothing more, such as {ADDRESS}")
    return str(url).rstrip("/")


def _headers(key: str | None) -> dict[str, str]:
    if key is not None and not (key.isascii() and key.isprintable() and key.strip() == key and key):
        raise ValueError("An API key is printable ASCII without spaces around it")
    return {"Authorization": f"Bearer {key}"} if key else {}


def _is_here(address: str) -> bool:
    """Whether an address is this machine's own: no proxy of the environment leads there."""
    host = httpx.URL(address).host
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class _Configured:
    """What both clients know: where the service is, with which key, and how patient they are."""

    def __init__(self, address: str, key: str | None, timeout: float, retries: int) -> None:
        self._address = _address(address)
        self._headers = _headers(key)
        self._timeout = timeout
        self._retries = retries

    def __repr__(self) -> str:  # without the key
        return f"{type(self).__name__}({self._address!r})"

    def _request(self, http: httpx.Client | httpx.AsyncClient, call: _Call[Any] | _StreamedCall[Any]) -> httpx.Request:
        accept = {"Accept": _EVENTS if isinstance(call, _StreamedCall) else "application/json"}
        try:
            return http.build_request(
                call.method,
                self._address + call.path,
                params=call.params or None,
                json=call.body,
                headers=self._headers | accept,
                timeout=httpx.Timeout(self._timeout, connect=min(_CONNECT_S, self._timeout)),
            )
        except UnicodeEncodeError:  # it holds the question
            raise Refused(422, "invalid_request", "A text has half a character (a lone surrogate) in it.") from None
        except httpx.InvalidURL:
            raise Refused(422, "invalid_request", "What is asked is too long for an address. Shorten it.") from None

    def _failed(self, error: httpx.RequestError) -> FineprintError:
        return _failure(error, self._address, self._timeout)


# --- the clients ------------------------------------------------------------------------------------------------------


class Stream(Generic[T]):
    """What comes while it comes: an iterator that asks with the first step, and hangs up when it is closed.

    Use it in a ``with`` statement where the loop may be left early::

        with fp.stream("does Free People sell my email?") as steps:
            for step in steps: ...
    """

    def __init__(self, steps: Generator[T, None, None]) -> None:
        self._steps = steps

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        return next(self._steps)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connection; the service stops working on the answer."""
        self._steps.close()


class AsyncStream(Generic[T]):
    """See ``Stream``; ``async with`` closes it."""

    def __init__(self, steps: AsyncGenerator[T, None]) -> None:
        self._steps = steps

    def __aiter__(self) -> AsyncIterator[T]:
        return self

    async def __anext__(self) -> T:
        return await anext(self._steps)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Closes the connection; the service stops working on the answer."""
        await self._steps.aclose()


class Fineprint(_Configured):
    """A client; thread-safe, and best kept for many questions, because it keeps its connections.

    Args:
        address: where the service is, e.g. ``https://policies.example.com``.
        key: an API key, where the service wants one.
        timeout: seconds to wait for the next sign of the service.
        retries: how often a request is sent again that the service was too busy for (429 or 503), each time after
            the pause that it asked for. Nothing else is sent twice.
        http: an ``httpx.Client`` of your own, e.g. with a proxy or certificates; it is not closed here. Without one,
            proxies of the environment are used, but not for this machine's own addresses.
    """

    def __init__(
        self,
        address: str = ADDRESS,
        *,
        key: str | None = None,
        timeout: float = 30.0,
        retries: int = 2,
        http: httpx.Client | None = None,
    ) -> None:
        super().__init__(address, key, timeout, retries)
        self._http = http or httpx.Client(trust_env=not _is_here(self._address), limits=_LIMITS)
        self._own = http is None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        if self._own:
            self._http.close()

    def ask(
        self, question: str, *, scope: str | None = None, as_of: Day | None = None, history: Iterable[str] = ()
    ) -> Answer:
        """Asks one question.

        Args:
            question: in English.
            scope: a domain (its newest version), a policy id or a file stem; None lets the question say it.
            as_of: answer from the newest version archived on or before this day (a date, or ``"2008"``, ``"2008-05"``).
            history: earlier questions of the conversation, oldest first, so that "do they rent it?" is understood.

        Returns:
            An answer; that the policy does not say is one, too.

        Raises:
            FineprintError: see the module.
        """
        return self._sent(_ask(question, scope, as_of, history))

    def stream(
        self, question: str, *, scope: str | None = None, as_of: Day | None = None, history: Iterable[str] = ()
    ) -> Stream[Step]:
        """Asks like ``ask`` and gives each step as it comes: ``Stage``, ``Citation``, ``Token``, then the ``Answer``.

        A citation comes before the token that has its ``[n]``.
        """
        return Stream(self._streamed(_ask_streamed(question, scope, as_of, history)))

    def compare(self, question: str, scopes: Iterable[str], *, as_of: Day | None = None) -> Comparison:
        """Puts one question to several policies (2 to 20); of a domain, to the version that ``as_of`` means."""
        return self._sent(_compare(question, scopes, as_of))

    def stream_compare(
        self, question: str, scopes: Iterable[str], *, as_of: Day | None = None
    ) -> Stream[Entry | FailedEntry]:
        """Compares, and gives each policy's part as soon as it is answered, in the order of the scopes."""
        return Stream(self._streamed(_compare_streamed(question, scopes, as_of)))

    def policies(self, query: str = "", *, limit: int | None = None) -> tuple[PolicyCard, ...]:
        """The policies that match a part of a company or domain, by domain and date; all for an empty query."""
        found: tuple[PolicyCard, ...] = ()
        while limit is None or len(found) < limit:
            page = self._sent(_policies(query, limit, len(found)))
            found += page.policies
            if not page.policies or len(found) >= page.total:
                break
        return found

    def policy(self, scope: str) -> Policy:
        """One policy with its text."""
        return self._sent(_policy(scope))

    def label(self, scope: str) -> Label:
        """One policy at a glance."""
        return self._sent(_label(scope))

    def changes(self, scope: str, *, since: Day | None = None, about: str | None = None) -> Changes:
        """What changed from another version of a policy to this one.

        Args:
            scope: a domain (its newest version), a policy id or a file stem.
            since: the other version's date, policy id or file stem; None for the oldest one.
            about: only changes on this topic, in a few English words.
        """
        return self._sent(_changes(scope, since, about))

    def suggestions(self, scope: str, *, asked: Iterable[str] = (), seen: Iterable[Citation] = ()) -> tuple[str, ...]:
        """Up to three questions that a policy answers with citations; questions to begin with where none was asked.

        Args:
            scope: a domain, policy id or file stem.
            asked: what was asked so far, oldest first.
            seen: citations that were shown already, so that nothing is said twice.
        """
        return self._sent(_suggestions(scope, asked, seen)).questions

    def context(self, citation: Citation) -> Context:
        """What stands before and after a quote."""
        return self._sent(_context(citation))

    def feedback(
        self,
        answer: Answer,
        rating: Literal["up", "down"],
        *,
        reason: Literal["wrong_quote", "wrong_verdict", "missed", "unclear", "other"] | None = None,
        wrong: Iterable[int] = (),
        comment: str | None = None,
        history: Iterable[str] = (),
        consent: bool = False,
        replaces: str | None = None,
    ) -> str:
        """Says what somebody thinks of an answer.

        Args:
            answer: the answer.
            rating: ``up`` or ``down``.
            reason: what is wrong with it.
            wrong: the numbers of citations that do not prove what they are cited for.
            comment: kept only with consent.
            history: the earlier questions; kept only with consent.
            consent: whether whoever asked agrees that question, history and comment are kept. Without it, no text is.
            replaces: an earlier judgement of the same answer.

        Returns:
            The id of the judgement.
        """
        call = _feedback(answer, rating, reason, wrong, comment, history=history, consent=consent, replaces=replaces)
        return self._sent(call).id

    def ready(self, *, wait: float = 0.0) -> Readiness:
        """Whether questions can be answered now, or within so many seconds."""
        deadline = time.monotonic() + wait
        while True:
            try:
                return self._sent(_ready(), retries=0)
            except (Refused, Unreachable) as exc:
                state = _unready(exc)
            if time.monotonic() + _LOOKS_S > deadline:
                return state
            time.sleep(_LOOKS_S)

    def verify(self, cited: Cited) -> Verification:
        """Checks every citation of an answer (or a part of one) against the stored policies, character by character.

        The service has done so before it sent them; this is for those who would rather see for themselves.
        """
        citations = [*dict.fromkeys(_citations_in(cited))]
        policies = {
            policy_id: self._stored(policy_id) for policy_id in dict.fromkeys(each.policy_id for each in citations)
        }
        return _verified(citations, policies)

    def _stored(self, policy_id: str) -> Policy | None:
        try:
            return self.policy(policy_id)
        except Refused as exc:
            if exc.status == 404:
                return None
            raise

    def _sent(self, call: _Call[T], retries: int | None = None) -> T:
        response = self._opened(call, self._retries if retries is None else retries)
        try:
            response.read()
        except httpx.RequestError as exc:
            raise self._failed(exc) from None
        finally:
            response.close()
        return call.read(_read_body(response))

    def _streamed(self, call: _StreamedCall[T]) -> Generator[T, None, None]:
        response = self._opened(call, self._retries)
        try:
            _expect(response, _EVENTS)
            events = _Events()
            for piece in response.iter_bytes():
                for event in events.feed(piece):
                    value = _reading(call, event.name, event.data, response)
                    if value is not None:
                        yield value
                    if event.name == call.last:
                        return
        except httpx.RequestError as exc:
            raise self._failed(exc) from None
        finally:
            response.close()
        raise _cut(self._address)

    def _opened(self, call: _Call[T] | _StreamedCall[T], retries: int) -> httpx.Response:
        """A successful response whose body is still to be read; tried again where the service was too busy."""
        attempt = 0
        while True:
            try:
                response = self._http.send(self._request(self._http, call), stream=True, follow_redirects=False)
                if response.is_success:
                    return response
                try:
                    response.read()
                finally:
                    response.close()
            except httpx.RequestError as exc:
                raise self._failed(exc) from None
            refusal = _refusal(response)
            if (pause := _pause(refusal, attempt, retries)) is None:
                raise refusal
            time.sleep(pause)
            attempt += 1


class AsyncFineprint(_Configured):
    """The same client for asyncio; see ``Fineprint``."""

    def __init__(
        self,
        address: str = ADDRESS,
        *,
        key: str | None = None,
        timeout: float = 30.0,
        retries: int = 2,
        http: httpx.AsyncClient | None = None,
    ) -> None:
        super().__init__(address, key, timeout, retries)
        self._http = http or httpx.AsyncClient(trust_env=not _is_here(self._address), limits=_LIMITS)
        self._own = http is None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Closes the connections."""
        if self._own:
            await self._http.aclose()

    async def ask(
        self, question: str, *, scope: str | None = None, as_of: Day | None = None, history: Iterable[str] = ()
    ) -> Answer:
        """See ``Fineprint.ask``."""
        return await self._sent(_ask(question, scope, as_of, history))

    def stream(
        self, question: str, *, scope: str | None = None, as_of: Day | None = None, history: Iterable[str] = ()
    ) -> AsyncStream[Step]:
        """See ``Fineprint.stream``; for ``async for``, not awaited itself."""
        return AsyncStream(self._streamed(_ask_streamed(question, scope, as_of, history)))

    async def compare(self, question: str, scopes: Iterable[str], *, as_of: Day | None = None) -> Comparison:
        """See ``Fineprint.compare``."""
        return await self._sent(_compare(question, scopes, as_of))

    def stream_compare(
        self, question: str, scopes: Iterable[str], *, as_of: Day | None = None
    ) -> AsyncStream[Entry | FailedEntry]:
        """See ``Fineprint.stream_compare``; for ``async for``, not awaited itself."""
        return AsyncStream(self._streamed(_compare_streamed(question, scopes, as_of)))

    async def policies(self, query: str = "", *, limit: int | None = None) -> tuple[PolicyCard, ...]:
        """See ``Fineprint.policies``."""
        found: tuple[PolicyCard, ...] = ()
        while limit is None or len(found) < limit:
            page = await self._sent(_policies(query, limit, len(found)))
            found += page.policies
            if not page.policies or len(found) >= page.total:
                break
        return found

    async def policy(self, scope: str) -> Policy:
        """See ``Fineprint.policy``."""
        return await self._sent(_policy(scope))

    async def label(self, scope: str) -> Label:
        """See ``Fineprint.label``."""
        return await self._sent(_label(scope))

    async def changes(self, scope: str, *, since: Day | None = None, about: str | None = None) -> Changes:
        """See ``Fineprint.changes``."""
        return await self._sent(_changes(scope, since, about))

    async def suggestions(
        self, scope: str, *, asked: Iterable[str] = (), seen: Iterable[Citation] = ()
    ) -> tuple[str, ...]:
        """See ``Fineprint.suggestions``."""
        return (await self._sent(_suggestions(scope, asked, seen))).questions

    async def context(self, citation: Citation) -> Context:
        """See ``Fineprint.context``."""
        return await self._sent(_context(citation))

    async def feedback(
        self,
        answer: Answer,
        rating: Literal["up", "down"],
        *,
        reason: Literal["wrong_quote", "wrong_verdict", "missed", "unclear", "other"] | None = None,
        wrong: Iterable[int] = (),
        comment: str | None = None,
        history: Iterable[str] = (),
        consent: bool = False,
        replaces: str | None = None,
    ) -> str:
        """See ``Fineprint.feedback``."""
        call = _feedback(answer, rating, reason, wrong, comment, history=history, consent=consent, replaces=replaces)
        return (await self._sent(call)).id

    async def ready(self, *, wait: float = 0.0) -> Readiness:
        """See ``Fineprint.ready``."""
        deadline = time.monotonic() + wait
        while True:
            try:
                return await self._sent(_ready(), retries=0)
            except (Refused, Unreachable) as exc:
                state = _unready(exc)
            if time.monotonic() + _LOOKS_S > deadline:
                return state
            await asyncio.sleep(_LOOKS_S)

    async def verify(self, cited: Cited) -> Verification:
        """See ``Fineprint.verify``."""
        citations = [*dict.fromkeys(_citations_in(cited))]
        policies = {
            policy_id: await self._stored(policy_id)
            for policy_id in dict.fromkeys(each.policy_id for each in citations)
        }
        return _verified(citations, policies)

    async def _stored(self, policy_id: str) -> Policy | None:
        try:
            return await self.policy(policy_id)
        except Refused as exc:
            if exc.status == 404:
                return None
            raise

    async def _sent(self, call: _Call[T], retries: int | None = None) -> T:
        response = await self._opened(call, self._retries if retries is None else retries)
        try:
            await response.aread()
        except httpx.RequestError as exc:
            raise self._failed(exc) from None
        finally:
            await response.aclose()
        return call.read(_read_body(response))

    async def _streamed(self, call: _StreamedCall[T]) -> AsyncGenerator[T, None]:
        response = await self._opened(call, self._retries)
        try:
            _expect(response, _EVENTS)
            events = _Events()
            async for piece in response.aiter_bytes():
                for event in events.feed(piece):
                    value = _reading(call, event.name, event.data, response)
                    if value is not None:
                        yield value
                    if event.name == call.last:
                        return
        except httpx.RequestError as exc:
            raise self._failed(exc) from None
        finally:
            await response.aclose()
        raise _cut(self._address)

    async def _opened(self, call: _Call[T] | _StreamedCall[T], retries: int) -> httpx.Response:
        attempt = 0
        while True:
            try:
                request = self._request(self._http, call)
                response = await self._http.send(request, stream=True, follow_redirects=False)
                if response.is_success:
                    return response
                try:
                    await response.aread()
                finally:
                    await response.aclose()
            except httpx.RequestError as exc:
                raise self._failed(exc) from None
            refusal = _refusal(response)
            if (pause := _pause(refusal, attempt, retries)) is None:
                raise refusal
            await asyncio.sleep(pause)
            attempt += 1
