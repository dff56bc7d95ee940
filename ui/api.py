"""The HTTP API: questions in, answers or RFC 9457 problem documents out.

Question texts are never logged and never repeated in an error.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response, StreamingResponse
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match, Route

import ui
from qa.domain import Changes, Entry, FailedEntry, Question, as_json
from qa.errors import (
    FineprintError,
    IndexProblem,
    PolicyRefused,
    UnknownScope,
    UsageError,
)
from qa.finding import Finder
from ui.access import ScopeForbidden, answers_for, caller_of
from ui.asking import parse_as_of
from ui.labels import Theme, label_svg
from ui.live import Answers, Warmth
from ui.picker import Finders
from ui.schemas import (
    AnswerDocument,
    AskRequest,
    CardDocument,
    CatalogueDocument,
    ChangesDocument,
    ComparisonDocument,
    FaultDocument,
    HealthDocument,
    LabelDocument,
    PoliciesDocument,
    PolicyDocument,
    ProblemDocument,
    ReadinessDocument,
    SitesDocument,
    catalogue_document,
    policy_document,
    site_document,
)
from ui.turnstile import Busy, Turnstile
from ui.versions import pair

__all__ = ["add_api", "problem"]

logger = logging.getLogger(__name__)

_EVENTS: Final = "text/event-stream"
_SVG: Final = "image/svg+xml"
_UNCACHED: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
_METHODS: Final = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_PROBLEM: Final[dict[str, Any]] = {
    "model": ProblemDocument,
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}},
}


class NotReady(FineprintError):
    """The service has started but would keep its first asker waiting."""

    code = "not_ready"


def problem(status: int, code: str, detail: str, faults: list[FaultDocument] | None = None) -> JSONResponse:
    """A problem document as a response."""
    document = ProblemDocument(
        title=HTTPStatus(status).phrase, status=status, detail=detail, code=code, errors=faults or []
    )
    content = document.model_dump(mode="json", exclude={"errors"} if not faults else None)
    headers = {"Retry-After": "5"} if status == HTTPStatus.SERVICE_UNAVAILABLE else None
    return JSONResponse(content, status, media_type="application/problem+json", headers=headers)


def status_of(error: FineprintError) -> int:
    """The HTTP status that fits an expected failure."""
    if isinstance(error, ScopeForbidden):
        return HTTPStatus.FORBIDDEN
    if isinstance(error, UnknownScope):
        return HTTPStatus.NOT_FOUND
    if isinstance(error, UsageError | PolicyRefused):
        return HTTPStatus.UNPROCESSABLE_ENTITY
    if isinstance(error, IndexProblem | Busy | NotReady):
        return HTTPStatus.SERVICE_UNAVAILABLE
    return HTTPStatus.INTERNAL_SERVER_ERROR


def add_api(app: FastAPI, answers: Answers, warmth: Warmth, turnstile: Turnstile) -> None:
    """Adds the API's routes and its error handlers to an application.

    Routes that catch what is not found under ``/api`` are added too, so that no mount at ``/`` answers for the API.
    """
    router = _router(answers, warmth, turnstile)
    app.include_router(router)
    unmatched = _unmatched([*app.routes, *router.routes])
    for path in ("/healthz", "/readyz", "/openapi.json", "/api", "/api/{rest:path}"):
        app.add_route(path, unmatched, methods=_METHODS, include_in_schema=False)
    app.add_exception_handler(FineprintError, _on_expected)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(Exception, _on_bug)


def _router(answers: Answers, warmth: Warmth, turnstile: Turnstile) -> APIRouter:
    router = APIRouter()
    finders = Finders(answers)

    def allowed(http: Request) -> Answers:
        return answers_for(answers, caller_of(http))

    def finder_for(http: Request) -> Finder:
        return finders.current() if caller_of(http).domains is None else Finder(allowed(http).cards())

    @router.post(
        "/api/v1/ask",
        tags=["questions"],
        summary="Ask a question",
        response_model=AnswerDocument,
        responses=dict.fromkeys((400, 403, 404, 413, 415, 422, 503), _PROBLEM),
    )
    async def ask(http: Request, request: AskRequest) -> JSONResponse:
        question = Question(
            request.question,
            history=request.history,
            scope=request.scope or None,
            as_of=parse_as_of(request.as_of) if request.as_of else None,
        )
        answer = await turnstile.last(http, lambda: allowed(http).stream(question))
        return JSONResponse(as_json(answer))

    @router.get(
        "/api/v1/compare",
        tags=["questions"],
        summary="Put one question to several policies",
        response_model=ComparisonDocument,
        responses={
            200: {"content": {_EVENTS: {"schema": {"type": "string"}}}},
            **dict.fromkeys((403, 404, 422, 503), _PROBLEM),
        },
    )
    async def compare(
        http: Request,
        question: Annotated[str, Query(description="The question, in English.")],
        scope: Annotated[list[str], Query(description="A domain, policy id or file stem; repeated, one a policy.")],
    ) -> Response:
        entries = await turnstile(lambda: allowed(http).compare(Question(question), scope))

        async def each() -> AsyncIterator[Entry | FailedEntry]:
            while (entry := await turnstile(lambda: next(entries, None))) is not None:
                yield entry

        if _EVENTS in http.headers.get("accept", ""):
            return StreamingResponse(_comparison_events(each()), media_type=_EVENTS, headers=_UNCACHED)
        came = [entry async for entry in each()]
        return JSONResponse(
            {
                "question": question,
                "entries": [as_json(entry) for entry in came if isinstance(entry, Entry)],
                "failed": [as_json(entry) for entry in came if isinstance(entry, FailedEntry)],
            }
        )

    @router.get(
        "/api/v1/policies",
        tags=["policies"],
        summary="List the policies",
        responses=dict.fromkeys((422, 503), _PROBLEM),
    )
    def policies(
        http: Request,
        q: Annotated[str, Query(max_length=200, description="A company, domain or part of one.")] = "",
        limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
        offset: Annotated[int, Query(ge=0)] = 0,
    ) -> PoliciesDocument:
        found = allowed(http).cards(q)
        page = [CardDocument.model_validate(as_json(card)) for card in found[offset : offset + limit]]
        return PoliciesDocument(policies=page, total=len(found), limit=limit, offset=offset)

    @router.get(
        "/api/v1/policies/{policy_id}",
        tags=["policies"],
        summary="One policy with its text",
        responses=dict.fromkeys((403, 404, 503), _PROBLEM),
    )
    def policy(http: Request, policy_id: str) -> PolicyDocument:
        return policy_document(allowed(http).policy(policy_id))

    @router.get(
        "/api/v1/policies/{policy_id}/changes",
        tags=["policies"],
        summary="What changed from another version of a policy to this one",
        responses=dict.fromkeys((403, 404, 422, 503), _PROBLEM),
    )
    async def changes(
        http: Request,
        policy_id: str,
        since: Annotated[
            str | None,
            Query(max_length=300, description="The other version: a date, policy id or file stem; else the oldest."),
        ] = None,
        about: Annotated[
            str | None, Query(max_length=200, description="Only changes on this topic, e.g. cookies.")
        ] = None,
    ) -> ChangesDocument:
        def compared() -> Changes:
            mine = allowed(http)
            this = mine.policy(policy_id).policy.id
            older, newer = pair(mine.cards(), this, since)
            return mine.changes(older, newer, about)

        return ChangesDocument.model_validate(as_json(await turnstile(compared)))

    @router.get(
        "/api/v1/policies/{policy_id}/label",
        tags=["policies"],
        summary="One policy at a glance",
        response_model=LabelDocument,
        responses={
            200: {"content": {_SVG: {"schema": {"type": "string"}}}},
            **dict.fromkeys((403, 404, 422, 503), _PROBLEM),
        },
    )
    async def policy_label(
        http: Request,
        policy_id: str,
        form: Annotated[
            Literal["json", "svg"] | None, Query(alias="format", description="json unless Accept prefers an image.")
        ] = None,
        theme: Annotated[Theme, Query(description="Of an SVG; auto follows whoever shows it.")] = "auto",
    ) -> Response:
        label = await turnstile(lambda: allowed(http).label(policy_id))
        headers = {"Vary": "Accept", "Cache-Control": "no-cache"}
        if (form or ("svg" if _SVG in http.headers.get("accept", "") else "json")) == "json":
            return JSONResponse(as_json(label), headers=headers)
        # Opened by itself, the drawing runs and fetches nothing, whatever a policy says.
        stem = re.sub(r"[^\w.-]+", "_", label.policy_id.replace("@", "__"), flags=re.ASCII)
        headers["Content-Disposition"] = f'inline; filename="{stem}-label.svg"'
        return Response(label_svg(label, theme), media_type=_SVG, headers=headers)

    @router.get(
        "/api/v1/sites",
        tags=["policies"],
        summary="Find sites, each with the versions of its policy",
        responses=dict.fromkeys((422, 503), _PROBLEM),
    )
    def sites(
        http: Request,
        *,
        q: Annotated[str, Query(max_length=200, description="A company, domain or part of one.")] = "",
        scope: Annotated[
            list[Annotated[str, Query(max_length=300)]] | None,
            Query(max_length=20, description="Only the sites of these domains, policy ids or file stems, as given."),
        ] = None,
        letter: Annotated[str | None, Query(pattern="^([A-Z]|#)$", description="First letter of the company.")] = None,
        year: Annotated[int | None, Query(ge=1, le=9999, description="Only versions archived in this year.")] = None,
        several: Annotated[bool, Query(description="Only sites with more than one version.")] = False,
        limit: Annotated[int, Query(ge=1, le=200)] = 20,
        offset: Annotated[int, Query(ge=0)] = 0,
    ) -> SitesDocument:
        finder = finder_for(http)
        found = finder.sites(q, letter=letter, year=year, several=several) if scope is None else finder.sites_of(scope)
        page = [site_document(site) for site in found[offset : offset + limit]]
        return SitesDocument(sites=page, total=len(found), limit=limit, offset=offset)

    @router.get(
        "/api/v1/catalogue",
        tags=["policies"],
        summary="How much there is to browse",
        responses=dict.fromkeys((503,), _PROBLEM),
    )
    def catalogue(http: Request) -> CatalogueDocument:
        return catalogue_document(finder_for(http).catalogue)

    @router.get("/healthz", tags=["service"], summary="Is the process up?")
    async def healthz() -> HealthDocument:
        return HealthDocument(status="ok", version=ui.version())

    @router.get("/readyz", tags=["service"], summary="Can it answer?", responses={503: _PROBLEM})
    def readyz() -> ReadinessDocument:
        count = len(answers.cards())
        if not warmth.warm:
            raise NotReady("The service is starting. Try again in a few seconds.")
        return ReadinessDocument(status="ready", policies=count)

    return router


async def _comparison_events(entries: AsyncIterator[Entry | FailedEntry]) -> AsyncIterator[str]:
    """A comparison as server-sent events: ``entry`` or ``failed`` for each policy, then ``done``, or ``error``."""
    count = 0
    try:
        async for entry in entries:
            count += 1
            yield _event("entry" if isinstance(entry, Entry) else "failed", as_json(entry))
    except FineprintError as exc:
        yield _event("error", {"status": status_of(exc), "code": exc.code, "detail": str(exc)})
    else:
        yield _event("done", {"policies": count})


def _event(name: str, data: Any) -> str:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"


def _unmatched(routes: Sequence[BaseRoute]) -> Callable[[Request], Awaitable[JSONResponse]]:
    async def unmatched(request: Request) -> JSONResponse:
        allowed: set[str] = set()
        for route in routes:
            if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE:
                allowed |= route.methods or set()
        if allowed:
            response = problem(405, "method_not_allowed", f"Use {' or '.join(sorted(allowed - {'HEAD'}))} here.")
            response.headers["Allow"] = ", ".join(sorted(allowed))
            return response
        return problem(404, "not_found", "There is nothing at this address. /openapi.json describes the API.")

    return unmatched


async def _on_expected(_: Request, exc: Exception) -> JSONResponse:
    assert isinstance(exc, FineprintError)
    return problem(status_of(exc), exc.code, str(exc))


async def _on_invalid(_: Request, exc: Exception) -> JSONResponse:
    assert isinstance(exc, RequestValidationError)
    errors = exc.errors()
    if any(error["type"] == "json_invalid" for error in errors):
        return problem(400, "invalid_json", "The body is not valid JSON.")
    # The faulty input itself is left out: it may be a question.
    faults = [
        FaultDocument(where=".".join(str(part) for part in error["loc"]), what=str(error["msg"])) for error in errors
    ]
    detail = "; ".join(f"{fault.where}: {fault.what}" for fault in faults[:5])
    return problem(422, "invalid_request", detail, faults)


async def _on_http(_: Request, exc: Exception) -> JSONResponse:
    assert isinstance(exc, HTTPException)
    code = HTTPStatus(exc.status_code).name.lower()
    response = problem(exc.status_code, code, str(exc.detail))
    response.headers.update(exc.headers or {})
    return response


async def _on_bug(_: Request, __: Exception) -> JSONResponse:
    # Starlette raises the exception again after this, so that the server logs its traceback.
    return problem(
        500, "internal_error", "Something went wrong inside the service. The operator's log has the details."
    )
