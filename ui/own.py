"""Policies that readers bring themselves: asked at once, kept in memory for a while, gone with the page.

A text that somebody pastes may be a draft or a contract. So it is never written to disk, never joins the index, and is
reached by nothing but a token that only the page that brought it holds; the token travels in bodies, never in an
address, which logs and histories keep. A *session* is one tab of a browser, over reloads of it.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import re
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import Annotated, Final
from urllib.parse import urlsplit

from fastapi import FastAPI, Query
from fastapi.responses import HTMLResponse, JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from ingest.parsing import Hints, is_readable
from ingest.screening import Reason
from ingest.sources import SUFFIXES, Source
from ingest.webpage import is_page
from qa.domain import (
    Answer,
    Changes,
    Entry,
    FailedEntry,
    IndexedPolicy,
    Label,
    Policy,
    PolicyCard,
    Question,
    Step,
    as_json,
)
from qa.encoders import TextEncoder
from qa.errors import PolicyRefused, UnknownScope, UsageError
from qa.labelling import label_of
from qa.settings import Settings
from ui.live import Answers
from ui.panels import whole_policy
from ui.render import visible
from ui.schemas import Text
from ui.turnstile import Busy
from ui.views import cited
from ui.words import said, said_as

__all__ = [
    "OWN", "OwnAnswers", "OwnPolicies", "add_own", "is_own", "most_bytes", "own_html", "require_past",
    "source_of",
]  # fmt: skip

OWN: Final = "own:"
"""Begins the scope of a reader's own policy; the rest is its token."""

DOMAIN: Final = "own-"
"""Begins the domain that a reader's own policy is filed under; having no dot, it can be nobody's."""

NOBODY: Final = "The company"
"""How answers call the company of a policy that does not say whose it is."""

PER_SESSION: Final = 5
"""Policies of one tab; a sixth takes the oldest one's place."""

SESSIONS: Final = 1_000
LEFT_S: Final = 60.0
"""A page that was left is waited for so long: reloading it is leaving it, too."""

SWEPT_S: Final = 10.0
WAITING: Final = 4
"""Policies that may wait to be read; they are read one at a time, because each takes all cores."""

LONGEST_NAME: Final = 80
LONGEST_FILE_NAME: Final = 200
BODY_BYTES: Final = 4 * 1024 * 1024 - 8 * 1024
"""What a request to the page may have (ui.guard), less what stands around the text in it."""

_URL: Final = re.compile(r"(?:[a-z][a-z0-9+.-]*://|www\.)\S+|(?:[a-z0-9-]+\.)+[a-z]{2,24}(?:/\S*)?", re.IGNORECASE)
_ARCHIVES: Final = frozenset({".mht", ".mhtml", ".webarchive"})
_COPY: Final = "open it, copy its text and paste it here."


class Off(UsageError):
    """The operator takes no policies from readers."""

    code = "off"


def is_own(scope: str | None) -> bool:
    """Whether a scope, or a policy's id, means a policy that a reader has brought."""
    return bool(scope) and str(scope).startswith((OWN, DOMAIN))


def most_bytes(settings: Settings) -> int:
    """The largest file that is taken."""
    return min(4 * settings.max_policy_chars, BODY_BYTES * 3 // 4)


def source_of(name: str, data: bytes) -> Source:
    """What somebody dropped or pasted, as something that can be read.

    Args:
        name: the file's; "" for a pasted text.
        data: as it is.

    Raises:
        PolicyRefused: it is a format that is not read here, or only an address.
    """
    suffix = PurePath(name).suffix.lower()
    if suffix in _ARCHIVES:
        raise PolicyRefused(Reason.UNSUPPORTED_FORMAT, f"Archives of web pages cannot be read: {_COPY}")
    if data.startswith(b"%PDF-"):  # whatever it is called
        suffix = ".pdf"
    packed = data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0"))
    if (name and suffix not in SUFFIXES) or (packed and suffix != ".docx"):
        which = "Text, Markdown, HTML, PDF and Word (.txt, .md, .html, .pdf, .docx)"
        message = f"{which} can be read. For anything else: {_COPY}"
        raise PolicyRefused(Reason.UNSUPPORTED_FORMAT, message)
    if not is_readable(suffix):
        raise PolicyRefused(Reason.UNSUPPORTED_FORMAT, f"This service does not read {suffix}: {_COPY}")
    if len(data) < 2_000 and _URL.fullmatch(data.decode("utf-8", "replace").strip()):
        message = f"This is only an address, and web pages are not opened from here: {_COPY}"
        raise PolicyRefused(Reason.UNSUPPORTED_FORMAT, message)
    if is_page(data):  # whatever it is called
        suffix = ".html"
    return Source(visible(name) or "pasted text", data, suffix or ".txt")


@dataclass(slots=True)
class _Kept:
    """One policy of a session."""

    source: IndexedPolicy
    scope: str
    size: int
    used: float
    label: Label | None = None


@dataclass(slots=True)
class _Session:
    """One tab's policies, oldest first; ``pages`` are those that show them, and ``ends`` is when nobody came back."""

    kept: OrderedDict[str, _Kept] = field(default_factory=OrderedDict)
    pages: int = 1
    ends: float | None = None


@dataclass(frozen=True, slots=True)
class Added:
    """A policy that can be asked now; ``dropped`` are scopes of the same session that made room for it."""

    session: str
    card: dict[str, object]
    dropped: tuple[str, ...]


class OwnPolicies:
    """Readers' own policies, in memory only; bounded for each session, in total and in time. Thread-safe.

    Args:
        answers: encodes them.
        settings: how much is kept for how long; 0 megabytes take none.
        clock: seconds that only grow.
    """

    def __init__(self, answers: Answers, settings: Settings, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._answers = answers
        self._settings = settings
        self._clock = clock
        self._lock = threading.Lock()
        self._reading = threading.Lock()
        self._queue = threading.BoundedSemaphore(WAITING + 1)
        self._sessions: OrderedDict[str, _Session] = OrderedDict()
        self._scopes: dict[str, tuple[str, _Kept]] = {}
        self._sweeper: threading.Thread | None = None

    # --- what a page does ---------------------------------------------------------------------------------------------

    def add(self, session: str | None, name: str, data: bytes, hints: Hints) -> Added:
        """Reads a policy and keeps it for a session; the same text again takes the place of the earlier one.

        Args:
            session: as given out earlier; None, or one that has ended, begins a new one.
            name: of the file; "" for a pasted text.
            data: the text as it is.
            hints: what the reader says about it.

        Raises:
            PolicyRefused: it cannot be read, or is no policy in English.
            Busy: too many are being read.
            Off: none are taken.
        """
        if not self._settings.own_policies_mb:
            raise Off("This service takes no policies of its readers. Ask about one that is indexed.")
        if len(data) > (most := most_bytes(self._settings)):
            message = f"It has {len(data) // 1024:,} KB; at most {most // 1024:,} KB are read."
            raise PolicyRefused(Reason.TOO_LARGE, message)
        return self.take(session, source_of(name, data), hints)

    def take(self, session: str | None, source: Source, hints: Hints) -> Added:
        """Like ``add``, for what is known to be a source that can be read."""
        if not self._queue.acquire(blocking=False):
            raise Busy("Several policies are being read already. Try again in a few seconds.")
        try:
            with self._reading:
                found = self._prepared(source, hints)
        finally:
            self._queue.release()
        return self._keep(session, found)

    def knows(self, session: str) -> bool:
        """Whether a session was given out here and has not ended."""
        with self._lock:
            return session in self._sessions

    def resume(self, session: str) -> list[dict[str, object]]:
        """What a session still has, for a page that has been loaded again."""
        with self._lock:
            found = self._sessions.get(session)
            if found is None:
                return []
            found.pages, found.ends = found.pages + 1 if found.ends is None else 1, None
            return [_card(kept) for kept in found.kept.values()]

    def leave(self, session: str) -> None:
        """A page of the session is gone; with the last one the session ends, unless it is loaded again soon."""
        with self._lock:
            if found := self._sessions.get(session):
                found.pages -= 1
                if found.pages <= 0:
                    found.ends = self._clock() + LEFT_S

    def forget(self, scope: str) -> bool:
        """Lets go of one policy at once; whether there was one."""
        with self._lock:
            return self._drop(scope)

    # --- what answers do ----------------------------------------------------------------------------------------------

    def find(self, scope: str) -> IndexedPolicy:
        """The policy that a scope means.

        Raises:
            UnknownScope: it is not kept any more, or never was.
        """
        return self._find(scope).source

    def label(self, scope: str) -> Label:
        """A policy at a glance, from the same questions as any other; raises like ``find``."""
        kept = self._find(scope)
        if kept.label is None:
            kept.label = label_of(kept.source, lambda question: self._answers.ask_in(question, kept.source))
        return kept.label

    def _find(self, scope: str) -> _Kept:
        with self._lock:
            self._sweep()
            found = self._scopes.get(scope)
            if found is None:
                raise UnknownScope(
                    "Your own policy is no longer kept: that is so after you leave the page, or "
                    f"{self._settings.own_policies_minutes} minutes after its last use. Add it again."
                )
            session, kept = found
            kept.used = self._clock()
            self._sessions.move_to_end(session)
            return kept

    # --- inside -------------------------------------------------------------------------------------------------------

    def _prepared(self, source: Source, hints: Hints) -> IndexedPolicy:
        from ingest.pipeline import prepare

        found = prepare(source, self._answers.encoder, settings=self._settings, hints=hints)
        policy = replace(found.policy, domain=DOMAIN + secrets.token_hex(4), company=found.policy.company or NOBODY)
        return replace(found, policy=policy)

    def _keep(self, session: str | None, source: IndexedPolicy) -> Added:
        with self._lock:
            self._sweep()
            if session is None or session not in self._sessions:
                session = secrets.token_urlsafe(24)
                self._sessions[session] = _Session()
            kept = self._sessions[session].kept
            same = next((each for each in kept.values() if each.source.policy.text == source.policy.text), None)
            scope = same.scope if same else OWN + secrets.token_urlsafe(24)
            if same:
                kept.pop(scope)
            entry = _Kept(source, scope, _size(source), self._clock())
            kept[scope] = entry
            self._scopes[scope] = (session, entry)
            self._sessions.move_to_end(session)
            before = set(kept)
            while len(kept) > PER_SESSION:
                self._drop(next(iter(kept)))
            self._make_room(scope)
            if self._sweeper is None:
                self._sweeper = threading.Thread(target=self._watch, name="own policies", daemon=True)
                self._sweeper.start()
            return Added(session, _card(entry), tuple(before - set(kept)))

    def _make_room(self, newest: str) -> None:
        """Drops what has been unused longest until the total fits."""
        most = self._settings.own_policies_mb << 20
        by_use = sorted((kept.used, scope) for scope, (_, kept) in self._scopes.items() if scope != newest)
        total = sum(kept.size for _, kept in self._scopes.values())
        for _, scope in by_use:
            if total <= most and len(self._sessions) <= SESSIONS:
                return
            total -= self._scopes[scope][1].size
            self._drop(scope)

    def _drop(self, scope: str) -> bool:
        session, _ = self._scopes.pop(scope, (None, None))
        if session is None:
            return False
        self._sessions[session].kept.pop(scope)
        if not self._sessions[session].kept:
            del self._sessions[session]
        return True

    def _sweep(self) -> None:
        now = self._clock()
        longest = self._settings.own_policies_minutes * 60
        over = [
            scope
            for session in self._sessions.values()
            for scope, kept in session.kept.items()
            if now - kept.used > longest or (session.ends is not None and now > session.ends)
        ]
        for scope in over:
            self._drop(scope)

    def _watch(self) -> None:
        """Runs as long as anything is kept: what nobody asks for must go as well."""
        pause = threading.Event()
        while True:
            pause.wait(SWEPT_S)
            with self._lock:
                self._sweep()
                if not self._scopes:
                    self._sweeper = None
                    return


def _size(source: IndexedPolicy) -> int:
    """About how many bytes a policy takes: its vectors, its text, and the passages and words that are kept of it."""
    return source.passage_vectors.nbytes + source.sentence_vectors.nbytes + 12 * len(source.policy.text)


def _card(kept: _Kept) -> dict[str, object]:
    """What the page shows of a policy."""
    policy: Policy = kept.source.policy
    return {
        "id": kept.scope,
        "company": visible(policy.company),
        "named": policy.company != NOBODY,
        "archived_on": policy.archived_on.isoformat(),
        "site": (urlsplit(policy.url).hostname or "").removeprefix("www.") if policy.url else "",
        "characters": len(policy.text),
        "warnings": list(policy.warnings),
    }


class OwnAnswers:
    """Answers as the page wants them: from the index, and for the scope of a reader's own policy from that policy."""

    def __init__(self, answers: Answers, own: OwnPolicies) -> None:
        self._answers = answers
        self._own = own

    def ask(self, question: Question) -> Answer:
        """See ``Answers.ask``."""
        if is_own(question.scope):
            return self._answers.ask_in(question, self._own.find(str(question.scope)))
        return self._answers.ask(question)

    def ask_plainly(self, question: Question) -> Answer:
        """See ``Answers.ask_plainly``."""
        return self.ask(question) if is_own(question.scope) else self._answers.ask_plainly(question)

    def stream(self, question: Question) -> Iterator[Step]:
        """See ``Answers.stream``."""
        if is_own(question.scope):
            return self._answers.stream_in(question, self._own.find(str(question.scope)))
        return self._answers.stream(question)

    def policy(self, scope: str) -> IndexedPolicy:
        """See ``Answers.policy``."""
        return self._own.find(scope) if is_own(scope) else self._answers.policy(scope)

    def label(self, scope: str) -> Label:
        """See ``Answers.label``."""
        return self._own.label(scope) if is_own(scope) else self._answers.label(scope)

    def cards(self, query: str = "", limit: int | None = None) -> tuple[PolicyCard, ...]:
        """See ``Answers.cards``: of the index only."""
        return self._answers.cards(query, limit)

    def ask_in(self, question: Question, source: IndexedPolicy) -> Answer:
        """See ``Answers.ask_in``."""
        return self._answers.ask_in(question, source)

    def stream_in(self, question: Question, source: IndexedPolicy) -> Iterator[Step]:
        """See ``Answers.stream_in``."""
        return self._answers.stream_in(question, source)

    @property
    def encoder(self) -> TextEncoder:
        """See ``Answers.encoder``."""
        return self._answers.encoder

    def compare(self, question: Question, scopes: Sequence[str | IndexedPolicy]) -> Iterator[Entry | FailedEntry]:
        """See ``Answers.compare``."""
        found = [self._own.find(scope) if isinstance(scope, str) and is_own(scope) else scope for scope in scopes]
        return self._answers.compare(question, found)

    def changes(self, older: str, newer: str, about: str | None = None) -> Changes:
        """See ``Answers.changes``: of indexed policies only."""
        return self._answers.changes(older, newer, about)

    def limited(self, domains: Collection[str]) -> Answers:
        """See ``Answers.limited``: of indexed policies only."""
        return self._answers.limited(domains)

    @property
    def generation(self) -> int:
        """See ``Answers.generation``."""
        return self._answers.generation

    def warm_up(self) -> None:
        """See ``Answers.warm_up``."""
        self._answers.warm_up()

    def close(self) -> None:
        """See ``Answers.close``."""
        self._answers.close()


# --- over HTTP --------------------------------------------------------------------------------------------------------


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


Token = Annotated[str, Field(max_length=80)]


class AddRequest(_Body):
    """A policy to be asked; ``data`` is the text's bytes in base64."""

    session: Token | None = None
    name: Annotated[Text, Field(max_length=LONGEST_FILE_NAME)] = ""
    data: str
    company: Annotated[Text, Field(max_length=LONGEST_NAME)] = ""
    date: dt.date | None = None


class SessionRequest(_Body):
    """A tab."""

    session: Token


class ScopeRequest(_Body):
    """One policy of a tab."""

    scope: Token


_UNKEPT: Final = {"Cache-Control": "no-store"}


def require_past(day: dt.date | None) -> None:
    """A policy has been published already; a day more is left for where it is tomorrow.

    Raises:
        PolicyRefused: the day lies in the future.
    """
    if day and day > dt.datetime.now(tz=dt.UTC).date() + dt.timedelta(days=1):
        raise PolicyRefused(Reason.UNREADABLE, "Its date lies in the future. Give the day it was published on.")


def add_own(app: FastAPI, own: OwnPolicies) -> None:
    """Adds the routes by which the page brings policies; all take JSON, so that no other site's page can call them."""

    @app.post("/own/add", include_in_schema=False)
    def add(request: AddRequest) -> JSONResponse:
        try:
            data = base64.b64decode(request.data, validate=True)
        except (binascii.Error, ValueError):
            raise PolicyRefused(Reason.UNREADABLE, "It cannot be read: its bytes are not in base64.") from None
        require_past(request.date)
        hints = Hints(company=request.company or None, archived_on=request.date)
        added = own.add(request.session, request.name, data, hints)
        return JSONResponse(as_json(added), headers=_UNKEPT)

    @app.post("/own/resume", include_in_schema=False)
    def resume(request: SessionRequest) -> JSONResponse:
        return JSONResponse({"cards": own.resume(request.session)}, headers=_UNKEPT)

    @app.post("/own/leave", include_in_schema=False)
    def leave(request: SessionRequest) -> Response:
        own.leave(request.session)
        return Response(status_code=204)

    @app.post("/own/forget", include_in_schema=False)
    def forget(request: ScopeRequest) -> JSONResponse:
        return JSONResponse({"forgotten": own.forget(request.scope)}, headers=_UNKEPT)

    @app.post("/own/view", include_in_schema=False)
    def view(
        request: ScopeRequest,
        cite: Annotated[list[str] | None, Query(max_length=200)] = None,
        key: Annotated[str, Query(pattern=r"^[A-Za-z0-9]{1,40}$")] = "fp",
    ) -> HTMLResponse:
        source = own.find(request.scope)
        return HTMLResponse(whole_policy(source, [cited(text, source) for text in cite or ()], key), headers=_UNKEPT)


# --- in the page ------------------------------------------------------------------------------------------------------


def own_html(settings: Settings) -> str:
    """Where the page takes a policy of the reader's own, as safe HTML; static/own.js does the rest."""
    if not settings.own_policies_mb:
        return ""
    data = f'data-most-bytes="{most_bytes(settings)}" data-most-chars="{settings.max_policy_chars}"'
    accept = ",".join(filter(is_readable, SUFFIXES))
    return (
        f'<section class="fp-own" {data} {said_as("aria-label", "own.title")}>'
        '<ul class="fp-own-list" hidden></ul>'
        f'<details class="fp-own-add"><summary>{said("own.title")}</summary><form novalidate>'
        f"{_address_html() if settings.fetch == 'on' else ''}"
        f'<div class="fp-own-drop"><label class="fp-own-label" for="fp-own-text">{said("own.paste")}</label>'
        f'<textarea id="fp-own-text" rows="5" spellcheck="false" '
        f"{said_as('placeholder', 'own.placeholder')}></textarea>"
        '<p class="fp-own-or"><label class="fp-own-file">'
        f'<input type="file" accept="{accept},text/plain,text/markdown">{said("own.file")}</label>'
        f"<span>{said('own.drop')}</span></p></div>"
        '<div class="fp-own-facts">'
        f'<label><span>{said("own.company")}</span><input type="text" name="company" maxlength="{LONGEST_NAME}" '
        'autocomplete="off"></label>'
        f'<label><span>{said("own.date")}</span><input type="date" name="date"></label>'
        f'<button type="submit" class="fp-own-use">{said("own.use")}</button></div>'
        '<p class="fp-own-problem" role="alert" hidden></p>'
        f'<p class="fp-own-promise">{said("own.promise", minutes=settings.own_policies_minutes)}</p>'
        '</form></details><p class="fp-own-told" role="status"></p>'
        f'<button type="button" class="fp-own-cancel" hidden>{said("own.cancel")}</button></section>'
    )


def _address_html() -> str:
    return (
        f'<div class="fp-own-web"><label class="fp-own-label" for="fp-own-url">{said("own.address")}</label>'
        '<input type="text" id="fp-own-url" name="url" inputmode="url" autocomplete="off" autocapitalize="none" '
        'spellcheck="false" maxlength="2000" placeholder="https://example.com/privacy" '
        'aria-describedby="fp-own-url-note">'
        f'<p class="fp-own-note" id="fp-own-url-note">{said("own.address_note")}</p></div>'
    )
