"""A reader's own policy by its address: the service opens the page, when its operator wants that (``FINEPRINT_FETCH``).

What is opened is a secret like a pasted text: the address comes in a body, is logged nowhere, and the policy stays in
that tab's session only. How a page is fetched safely is ``ingest.fetching``'s concern; how often, is this one's.
"""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Annotated, Final

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from ingest.fetching import Fetched, fetch
from ingest.parsing import Hints
from ingest.sources import Source
from ingest.web import source_of_page
from qa.domain import as_json
from qa.settings import Settings
from ui.own import LONGEST_NAME, Off, OwnPolicies, Token, require_past
from ui.schemas import Text
from ui.turnstile import Busy

__all__ = ["Pace", "add_addresses"]

PER_TAB: Final = 6
PER_SERVICE: Final = 60
"""Pages opened in a minute: for one tab, and for everybody."""

AT_ONCE: Final = 4
"""Pages opened at the same time; each may take seconds, and a slow site must not keep every worker waiting."""

_MINUTE: Final = 60.0
_KEYS: Final = 10_000


class Pace:
    """How often pages may be opened; thread-safe.

    Args:
        clock: seconds that only grow.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._all: deque[float] = deque()
        self._each: dict[str, deque[float]] = {}

    def take(self, key: str) -> None:
        """Counts one page.

        Args:
            key: who wants it.

        Raises:
            Busy: there were too many in the last minute.
        """
        now = self._clock()
        with self._lock:
            if len(self._each) > _KEYS:
                self._each = {each: times for each, times in self._each.items() if times[-1] > now - _MINUTE}
            own = self._each.setdefault(key, deque())
            for times, most in ((own, PER_TAB), (self._all, PER_SERVICE)):
                while times and times[0] <= now - _MINUTE:
                    times.popleft()
                if len(times) >= most:
                    raise Busy("Many pages were opened in the last minute. Wait a minute, or paste the text.")
            own.append(now)
            self._all.append(now)


class FetchRequest(BaseModel):
    """A page to be opened and asked."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    session: Token | None = None
    url: Annotated[Text, Field(min_length=1, max_length=2_000)]
    company: Annotated[Text, Field(max_length=LONGEST_NAME)] = ""
    date: dt.date | None = None


def add_addresses(
    app: FastAPI,
    own: OwnPolicies,
    settings: Settings,
    *,
    opens: Callable[[str], Fetched] = fetch,
    pace: Pace | None = None,
) -> None:
    """Adds the route by which the page has an address opened; it takes JSON, so that no other site's page can call it.

    Args:
        app: the application.
        own: where the policy is kept.
        settings: whether addresses are opened at all.
        opens: fetches a page.
        pace: how often.
    """
    pace = pace or Pace()
    places = threading.BoundedSemaphore(AT_ONCE)

    def opened(body: FetchRequest, client: str) -> tuple[Source, Hints]:
        if settings.fetch == "off" or not settings.own_policies_mb:
            raise Off("This service opens no web addresses. Open the page, copy its text and paste it.")
        require_past(body.date)
        if not places.acquire(blocking=False):
            raise Busy("Several pages are being opened already. Try again in a few seconds.")
        try:
            # A tab that has no session yet, or makes one up, counts as its machine.
            pace.take(body.session if body.session and own.knows(body.session) else f"at {client}")
            source, hints = source_of_page(opens(body.url))
        finally:
            places.release()
        return source, Hints(hints.domain, body.date or hints.archived_on, body.company or None, hints.url)

    @app.post("/own/fetch", include_in_schema=False)
    async def open_address(body: FetchRequest, request: Request) -> Response:
        client = request.client.host if request.client else ""
        source, hints = await run_in_threadpool(opened, body, client)
        if await request.is_disconnected():  # the reader gave up; nothing is kept
            return Response(status_code=204)
        added = await run_in_threadpool(own.take, body.session, source, hints)
        return JSONResponse(as_json(added), headers={"Cache-Control": "no-store"})
