"""What readers think of answers: thumbs, "this quote is wrong", and, only where they agree to it, their question.

Kept in a small SQLite file of the operator's own. Without consent there is no text of a reader in it: only which
answer it was, by policy, verdict and the places of its quotes, and the day. It is bounded, and what is full says so
instead of forgetting silently.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import logging
import os
import re
import secrets
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

import ui
from qa.cues import is_yes_no
from qa.domain import IndexedPolicy, Status, Verdict
from qa.errors import FineprintError
from qa.settings import Settings
from ui.access import caller_of, require_within
from ui.api import problem
from ui.live import Answers
from ui.own import DOMAIN, OWN
from ui.reference import problems
from ui.schemas import Offset, Text
from ui.words import said, said_as

__all__ = [
    "Export",
    "Feedback",
    "FeedbackDocument",
    "FeedbackRequest",
    "add_feedback",
    "export_cases",
    "feedback_file",
    "feedback_html",
    "made_by",
]

logger = logging.getLogger(__name__)

FILE: Final = "feedback.sqlite3"
MOST_ROWS: Final = 20_000
MOST_BYTES: Final = 32 * 1024 * 1024
"""Twenty thousand answers judged without a text take 4 MB; a file that is full is exported and cleared."""

MOST_A_MINUTE: Final = 60
"""Of all readers together: many more than people give, and few enough that filling the file takes hours."""

MOST_CITED: Final = 60
LONGEST_COMMENT: Final = 1_000
LONGEST_QUESTION: Final = 2_000
MOST_HISTORY: Final = 6
_LOCK_WAIT_S: Final = 2.0
_ENGINE: Final = r"^[A-Za-z0-9_-]{1,40}(:[^\s<>\"'&\x00-\x1f\x7f-\x9f]{1,200})?$"
"""As ``Answer.engine`` names it: "extractive", or a chat model's provider and name."""
_OWN_POLICY: Final = "own"
"""Stands for every policy that a reader brought: which one it was is nobody's business."""


class FeedbackNotKept(FineprintError):
    """There is no place where it could be kept, or none is left."""

    code = "feedback_not_kept"


class TooMuchFeedback(FineprintError):
    """More arrives than people give."""

    code = "too_much_feedback"


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


_POLICY_ID = re.compile(r"own:[\w\-]{1,100}|[\w.:\-]{1,120}@\d{4}-\d{2}-\d{2}")


def _is_policy_id(text: str) -> str:
    if not _POLICY_ID.fullmatch(text):
        raise ValueError("this is not the id of a policy, such as example.com@2011-03-06")
    return text


PolicyId = Annotated[
    Text,
    AfterValidator(_is_policy_id),
    Field(json_schema_extra={"pattern": r"^[A-Za-z0-9_.:-]{1,120}@[0-9]{4}-[0-9]{2}-[0-9]{2}$"}),
]
"""An id and nothing else: no text comes in by this way without consent."""


class CitedPlace(_Form):
    """Where a quote of the answer stands; its words are in the policy."""

    policy_id: PolicyId
    start: Offset
    end: Offset
    wrong: Annotated[bool, Field(strict=True, description="This quote does not prove what it is cited for.")] = False


class FeedbackRequest(_Form):
    """What somebody thinks of an answer."""

    rating: Literal["up", "down"]
    reason: Literal["wrong_quote", "wrong_verdict", "missed", "unclear", "other"] | None = None
    policy_id: PolicyId | None = None
    status: Status | None = None
    verdict: Verdict | None = None
    engine: Annotated[Text, Field(pattern=_ENGINE)] | None = None
    citations: Annotated[tuple[CitedPlace, ...], Field(max_length=MOST_CITED, fail_fast=True)] = ()
    consent: Annotated[bool, Field(strict=True, description="Whether question, history and comment may be kept.")] = (
        False
    )
    question: Annotated[Text, Field(max_length=LONGEST_QUESTION)] | None = None
    history: Annotated[
        tuple[Annotated[Text, Field(max_length=LONGEST_QUESTION)], ...], Field(max_length=MOST_HISTORY, fail_fast=True)
    ] = ()
    comment: Annotated[Text, Field(max_length=LONGEST_COMMENT)] | None = None
    replaces: Annotated[
        str | None, Field(max_length=40, description="The id of an earlier judgement of the same answer.")
    ] = None

    @model_validator(mode="after")
    def _texts_need_consent(self) -> FeedbackRequest:
        if not self.consent and (self.question or self.history or self.comment):
            raise ValueError("question, history and comment are taken only with consent: true")
        return self


class FeedbackDocument(_Form):
    """It is kept; ``id`` can be replaced by a later judgement of the same answer."""

    id: str


def feedback_file(settings: Settings) -> Path | None:
    """Where feedback is kept; None where it is turned off."""
    return None if settings.feedback == "off" else settings.feedback_file or settings.index / FILE


class Feedback:
    """Keeps what readers think, in a file. Thread-safe; several processes may share the file.

    Args:
        file: the SQLite file, made with the first judgement; None keeps nothing.
        made_by: what answered, for telling old judgements from new ones.
        today: the day; no time of day is kept.
        clock: seconds that only grow.
        most_rows: more are refused.
        most_bytes: a larger file takes no more.
    """

    def __init__(
        self,
        file: Path | None,
        *,
        made_by: Callable[[], str] = lambda: "",
        today: Callable[[], dt.date] = lambda: dt.datetime.now(tz=dt.UTC).date(),
        clock: Callable[[], float] = time.monotonic,
        most_rows: int = MOST_ROWS,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._file = file
        self._made_by = made_by
        self._today = today
        self._clock = clock
        self._most_rows = most_rows
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._recent: deque[float] = deque()

    def add(self, judgement: FeedbackRequest) -> str:
        """Keeps one judgement and returns its id.

        Raises:
            FeedbackNotKept: it is turned off, the file cannot be written, or it is full.
            TooMuchFeedback: too many came within a minute.
        """
        if self._file is None:
            raise FeedbackNotKept("This service keeps no feedback: its operator has turned it off.")
        with self._lock:
            self._count()
            with self._opened(self._file) as connection:
                connection.execute(_TABLE)
                if judgement.replaces:
                    connection.execute("DELETE FROM feedback WHERE id = ?", (judgement.replaces,))
                self._require_room(connection)
                row = self._row(judgement)
                marks = ", ".join("?" * len(row))
                connection.execute(f"INSERT INTO feedback ({', '.join(row)}) VALUES ({marks})", tuple(row.values()))
                return str(row["id"])

    def rows(self) -> list[dict[str, Any]]:
        """Everything kept, oldest first.

        Raises:
            FeedbackNotKept: the file cannot be read.
        """
        if self._file is None or not self._file.exists():
            return []
        with self._opened(self._file) as connection:
            connection.row_factory = sqlite3.Row
            connection.execute(_TABLE)
            return [dict(row) for row in connection.execute("SELECT * FROM feedback ORDER BY rowid")]

    def clear(self) -> int:
        """Deletes everything, the file's freed pages too; returns how many judgements there were.

        Raises:
            FeedbackNotKept: the file cannot be written.
        """
        if self._file is None or not self._file.exists():
            return 0
        with self._opened(self._file) as connection:
            connection.execute(_TABLE)
            count = connection.execute("DELETE FROM feedback").rowcount
        with self._opened(self._file, transaction=False) as connection:
            connection.execute("VACUUM")
        return int(count)

    def _row(self, judgement: FeedbackRequest) -> dict[str, Any]:
        own = any(_is_own(place.policy_id) for place in judgement.citations) or _is_own(judgement.policy_id or "")
        places = () if own else judgement.citations
        return {
            "id": secrets.token_urlsafe(12),
            "day": self._today().isoformat(),
            "rating": judgement.rating,
            "reason": judgement.reason,
            "policy_id": _OWN_POLICY if own else judgement.policy_id,
            "status": judgement.status,
            "verdict": judgement.verdict,
            "citations": json.dumps([[place.policy_id, place.start, place.end, place.wrong] for place in places]),
            "engine": judgement.engine,
            "made_by": self._made_by(),
            "consent": int(judgement.consent),
            "question": judgement.question,
            "history": json.dumps(judgement.history) if judgement.history else None,
            "comment": judgement.comment,
        }

    def _count(self) -> None:
        now = self._clock()
        while self._recent and now - self._recent[0] > 60:
            self._recent.popleft()
        if len(self._recent) >= MOST_A_MINUTE:
            raise TooMuchFeedback("Too much feedback is arriving. Try again in a minute.")
        self._recent.append(now)

    def _require_room(self, connection: sqlite3.Connection) -> None:
        rows = connection.execute("SELECT count(*) FROM feedback").fetchone()[0]
        pages, size, free = (
            connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size", "freelist_count")
        )
        if rows >= self._most_rows or (pages - free) * size >= self._most_bytes:
            raise FeedbackNotKept("No more feedback can be kept until the operator has looked through what is there.")

    @contextlib.contextmanager
    def _opened(self, file: Path, *, transaction: bool = True) -> Iterator[sqlite3.Connection]:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            # Questions may be in it: it is made for the operator's eyes only, and SQLite's journal follows it.
            os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
            with closing(sqlite3.connect(file, timeout=_LOCK_WAIT_S, isolation_level=None)) as connection:
                connection.execute("PRAGMA secure_delete = ON")
                if transaction:
                    connection.execute("BEGIN IMMEDIATE")
                yield connection
                if transaction:
                    connection.execute("COMMIT")
        except (sqlite3.Error, OSError) as exc:
            logger.warning("feedback is not kept: %s", exc)
            raise FeedbackNotKept("Feedback cannot be kept at the moment: its file cannot be used.") from exc


_TABLE: Final = (
    "CREATE TABLE IF NOT EXISTS feedback (id TEXT PRIMARY KEY, day TEXT NOT NULL, rating TEXT NOT NULL, reason TEXT,"
    " policy_id TEXT, status TEXT, verdict TEXT, citations TEXT NOT NULL, engine TEXT, made_by TEXT NOT NULL,"
    " consent INTEGER NOT NULL, question TEXT, history TEXT, comment TEXT)"
)


def _is_own(policy_id: str) -> bool:
    return policy_id.startswith((OWN, DOMAIN))


# --- as cases ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Export:
    """Judged answers as draft cases, one JSON object each, and how many judgements make none."""

    lines: tuple[str, ...]
    without_consent: int
    unusable: int


def export_cases(rows: list[dict[str, Any]], read: Callable[[str], IndexedPolicy]) -> Export:
    """The judgements whose question was given, as cases for ``fineprint eval`` that a person has to confirm.

    A case holds what was answered; a person decides whether that was right, corrects it and removes ``status``.

    Args:
        rows: as ``Feedback.rows`` gives them.
        read: reads an indexed policy; raises a FineprintError where there is none.
    """
    lines: list[str] = []
    silent = unusable = 0
    for row in rows:
        if not (row["consent"] and row["question"]):
            silent += 1
        elif (case := _case(row, read)) is None:
            unusable += 1
        else:
            lines.append(json.dumps(case, ensure_ascii=False))
    return Export(tuple(lines), silent, unusable)


def _case(row: dict[str, Any], read: Callable[[str], IndexedPolicy]) -> dict[str, Any] | None:
    question = str(row["question"])
    kind = "yes_no" if row["verdict"] or is_yes_no(question) else "open"
    rated = {"up": "Judged right.", "down": f"Judged wrong ({row['reason'] or 'no reason given'})."}[row["rating"]]
    case = {
        "id": f"feedback-{row['id']}",
        "policy": None,
        "question": question,
        "history": json.loads(row["history"]) if row["history"] else [],
        "kind": kind,
        "verdict": None,
        "answer": " ".join(part for part in (rated, row["comment"]) if part),
        "status": "draft",
    }
    if row["status"] not in (Status.ANSWERED, Status.NOT_STATED):
        return case | {"expect_status": row["status"]} if row["status"] else None
    places = json.loads(row["citations"])
    policies = {place[0] for place in places} or {row["policy_id"]}
    if len(policies) != 1 or not (policy_id := policies.pop()) or policy_id == _OWN_POLICY:
        return None  # a comparison, or a text that only its reader has
    try:
        text = read(policy_id).policy.text
    except FineprintError:
        return None
    quotes = [(text[start:end], wrong) for _, start, end, wrong in places]
    if not all(quote.strip() for quote, _ in quotes):
        return None
    case["policy"] = policy_id.replace("@", "__")
    case["near_miss"] = [quote for quote, wrong in quotes if wrong]
    evidence = [quote for quote, wrong in quotes if not wrong]
    if row["status"] == Status.NOT_STATED or not evidence:
        return case | {"verdict": "not_stated"}
    # A verdict that goes with the kind of question; a part of an answer may have had none.
    verdict = (row["verdict"] or "conditional") if kind == "yes_no" else "stated"
    return case | {"verdict": verdict, "evidence": evidence}


# --- in the page ------------------------------------------------------------------------------------------------------


def feedback_html(settings: Settings) -> str:
    """What static/feedback.js puts under each answer, as safe HTML in a template; "" where it is turned off."""
    if feedback_file(settings) is None:
        return ""
    reasons = "".join(
        f'<label class="fp-fb-line"><input type="radio" name="reason" value="{name}">{said(f"feedback.{name}")}</label>'
        for name in ("wrong_verdict", "missed", "unclear", "other")
    )
    return (
        '<template id="fp-feedback-form"><div class="fp-fb">'
        f'<div class="fp-fb-thumbs" role="group" {said_as("aria-label", "feedback.ask")}>'
        f'<span class="fp-fb-ask">{said("feedback.ask")}</span>{_thumb("up")}{_thumb("down")}</div>'
        '<p class="fp-fb-said" role="status"></p>'
        f'<form class="fp-fb-more" hidden><fieldset><legend>{said("feedback.more")}</legend>'
        f'<div class="fp-fb-quotes" data-wrong="feedback.wrong_quote"></div>{reasons}</fieldset>'
        f'<label class="fp-fb-line"><input type="checkbox" name="consent">'
        f"<span>{said('feedback.consent')}</span></label>"
        f'<p class="fp-fb-promise">{said("feedback.promise")}</p>'
        f'<label class="fp-fb-comment" hidden><span>{said("feedback.comment")}</span>'
        f'<textarea name="comment" rows="2" maxlength="{LONGEST_COMMENT}"></textarea></label>'
        f'<p class="fp-fb-ends"><button type="submit">{said("feedback.send")}</button>'
        f'<button type="button" class="fp-fb-close">{said("feedback.close")}</button></p></form></div></template>'
    )


def _thumb(rating: str) -> str:
    return (
        f'<button type="button" class="fp-fb-thumb fp-fb-{rating}" data-rating="{rating}" aria-pressed="false" '
        f"{said_as('aria-label', f'feedback.{rating}')} {said_as('title', f'feedback.{rating}')}>"
        '<svg viewBox="0 0 24 24" width="17" height="17" aria-hidden="true">'
        '<path d="M8 11 11.4 3.6Q14 3.4 13.6 6.4L13 10h6q2 0 1.7 2l-1.2 6q-.4 2-2.3 2H8zM4 11h4v9H4z"/></svg></button>'
    )


# --- over HTTP --------------------------------------------------------------------------------------------------------


def add_feedback(app: FastAPI, feedback: Feedback) -> None:
    """Adds ``POST /api/v1/feedback``; has to come before what catches the API's unknown addresses."""

    @app.post(
        "/api/v1/feedback",
        tags=["feedback"],
        summary="Say what you think of an answer",
        description="Texts are kept only with `consent: true`; without it, only which answer it was, and the day.",
        operation_id="giveFeedback",
        response_model=FeedbackDocument,
        status_code=201,
        responses=problems(400, 401, 403, 413, 415, 422, 429, 503),
    )
    def give_feedback(http: Request, request: FeedbackRequest) -> JSONResponse:
        judged = (request.policy_id, *(place.policy_id for place in request.citations))
        require_within(caller_of(http), filter(None, judged))
        try:
            return JSONResponse({"id": feedback.add(request)}, 201, headers={"Cache-Control": "no-store"})
        except TooMuchFeedback as exc:
            response = problem(HTTPStatus.TOO_MANY_REQUESTS, exc.code, str(exc))
            response.headers["Retry-After"] = "60"
            return response
        except FeedbackNotKept as exc:
            return problem(HTTPStatus.SERVICE_UNAVAILABLE, exc.code, str(exc))


def made_by(answers: Answers) -> str:
    """What answers now: this version and its encoder."""
    try:
        return f"{ui.version()} {answers.encoder.fingerprint}"
    except FineprintError:  # no index is open: nothing was answered by this process yet
        return ui.version()
