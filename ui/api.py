"""The HTTP API: questions in, answers or RFC 9457 problem documents out.

Question texts are never logged and never repeated in an error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends, FastAPI, Path, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.models import Example
from fastapi.responses import JSONResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Receive, Scope, Send

import ui
from qa.domain import Changes, Entry, FailedEntry, Question, Step, as_json
from qa.errors import FineprintError
from qa.finding import Finder
from qa.text import printable
from ui.access import answers_for, caller_of
from ui.asking import parse_as_of
from ui.freshness import NOT_KEPT, Freshness, Unchanged
from ui.labels import Theme, label_svg
from ui.live import Answers, Warmth
from ui.picker import Finders
from ui.problems import CLIENT_GONE, NotReady, problem, response_to, status_of
from ui.reference import add_reference, problems, sends
from ui.schemas import (
    AnswerDocument,
    AskRequest,
    CardDocument,
    CatalogueDocument,
    ChangesDocument,
    ComparisonDocument,
    ContextDocument,
    FaultDocument,
    HealthDocument,
    LabelDocument,
    PoliciesDocument,
    PolicyDocument,
    ReadinessDocument,
    SitesDocument,
    SuggestionsDocument,
    SuggestionsRequest,
    catalogue_document,
    in_json_words,
    policy_document,
    site_document,
)
from ui.streaming import Event, EventsOf, events_of_comparison, streamed
from ui.suggesting import suggested
from ui.surroundings import quoted_at, words_around
from ui.turnstile import Turnstile
from ui.versions import pair

__all__ = ["add_api", "problem", "status_of"]

_EVENTS: Final = "text/event-stream"
_SVG: Final = "image/svg+xml"
_LONGEST_FAULT: Final = 120
_LARGEST: Final = 100_000_000
_MOST_FAULTS: Final = 20
_CODES: Final[Mapping[int, str]] = {413: "too_large"}  # its name in Python depends on the version

PolicyName = Annotated[
    str,
    Path(
        description="A domain (its newest version), a policy id or a file stem.",
        openapi_examples={
            "domain": {"summary": "A domain", "value": "freepeople.com"},
            "policy_id": {"summary": "A policy id", "value": "freepeople.com@2006-12-05"},
        },
    ),
]


def _sample(value: str | int | list[str]) -> dict[str, Example]:
    return {"sample": {"summary": "Of a sample policy", "value": value}}


def add_api(app: FastAPI, answers: Answers, warmth: Warmth, turnstile: Turnstile) -> None:
    """Adds the API's routes, its description and its error handlers to an application.

    Routes that catch what is not found under ``/api`` are added too, so that no mount at ``/`` answers for the API.
    """
    router = _router(answers, warmth, turnstile)
    app.include_router(router)
    add_reference(app)
    unmatched = _Unmatched([*app.routes, *router.routes])
    for path in (
        "/healthz",
        "/readyz",
        "/openapi.json",
        "/docs",
        "/docs/{rest:path}",
        "/api",
        "/api/{rest:path}",
        "/v1",
        "/v1/{rest:path}",
    ):
        app.router.routes.append(Route(path, unmatched, include_in_schema=False))
    app.add_exception_handler(FineprintError, _on_expected)
    app.add_exception_handler(Unchanged, _on_unchanged)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(Exception, _on_bug)


def _router(answers: Answers, warmth: Warmth, turnstile: Turnstile) -> APIRouter:
    router = APIRouter()
    finders = Finders(answers)
    freshness = Freshness(answers)

    def allowed(http: Request) -> Answers:
        return answers_for(answers, caller_of(http))

    def finder_for(http: Request) -> Finder:
        return finders.current() if caller_of(http).domains is None else Finder(allowed(http).cards())

    def kept(http: Request, response: Response) -> Mapping[str, str]:
        headers = freshness.headers(http)
        response.headers.update(headers)  # where a route returns no response of its own
        return headers

    def kept_by_form(http: Request) -> Mapping[str, str]:
        return freshness.headers(http, by_accept=True)

    kept_headers = Depends(kept)

    def asked_in(http: Request, request: AskRequest) -> Callable[[], Iterator[Step]]:
        question = Question(
            request.question,
            history=request.history,
            scope=request.scope or None,
            as_of=parse_as_of(request.as_of) if request.as_of else None,
        )
        return lambda: allowed(http).stream(question)

    @router.post(
        "/api/v1/ask",
        tags=["questions"],
        summary="Ask a question",
        description=(
            "One answer when it is whole. Every `status` is an answer, also that the policy does not say; "
            "`[n]` in `text` refers to `citations[].n`."
        ),
        operation_id="ask",
        response_model=AnswerDocument,
        responses=problems(400, 403, 404, 413, 415, 422, 503),
    )
    async def ask(http: Request, request: AskRequest) -> JSONResponse:
        answer = await turnstile.last(http, asked_in(http, request))
        return JSONResponse(as_json(answer), headers=NOT_KEPT)

    @router.post(
        "/api/v1/ask/stream",
        tags=["questions"],
        summary="Ask a question and see the answer come",
        description=(
            "Server-sent events: `stage` as each stage begins (`waiting` while others are before you), `citation` and "
            "`token`, then the whole `answer`, or `error`. A `[n]` is never in a `token` before its `citation`; the "
            "`token` texts together are the answer's `text`; where a chat model words it, each sentence comes as "
            "soon as it is proven. What fails before the first event has an HTTP status; "
            "what fails later is an `error` event. Comments (lines that begin with `:`) keep the connection open."
        ),
        operation_id="askStream",
        response_class=Response,  # FastAPI would make a stream of its own out of EventSourceResponse
        responses={**sends(_EVENTS), **problems(400, 403, 404, 413, 415, 422, 503)},
    )
    async def ask_stream(http: Request, request: AskRequest) -> Response:
        # Two: the first step only says that the second one, finding the policy, has begun.
        return await streamed(turnstile, http, asked_in(http, request), EventsOf(), held=2)

    @router.get(
        "/api/v1/compare",
        tags=["questions"],
        summary="Put one question to several policies",
        description=(
            "Each policy is searched and read for itself; silence is told apart from failure. With "
            "`Accept: text/event-stream` each policy comes as soon as it is answered: events `entry` and `failed`, at "
            "the end `done` or `error`. An `EventSource` must be closed then, or it asks again."
        ),
        operation_id="compare",
        response_model=ComparisonDocument,
        responses={
            **sends(_EVENTS),
            **problems(403, 404, 422, 503),
        },
    )
    async def compare(
        http: Request,
        question: Annotated[
            str,
            Query(description="The question, in English.", openapi_examples=_sample("do you sell my email address?")),
        ],
        scope: Annotated[
            list[str],
            Query(
                description="A domain, policy id or file stem; repeated, one a policy.",
                openapi_examples=_sample(["freepeople.com", "perriconemd.com"]),
            ),
        ],
        as_of: Annotated[
            str | None,
            Query(description="Of a domain, the newest version archived on or before this day, as in `ask`."),
        ] = None,
    ) -> Response:
        asked = Question(question, as_of=parse_as_of(as_of) if as_of else None)

        def make() -> Iterator[Entry | FailedEntry]:
            return allowed(http).compare(asked, scope)

        if _EVENTS in http.headers.get("accept", ""):
            return await streamed(
                turnstile, http, make, events_of_comparison, done=lambda count: Event("done", {"policies": count})
            )
        headers = await run_in_threadpool(kept_by_form, http)
        came = await turnstile.all(http, make)
        return JSONResponse(
            {
                "question": question,
                "entries": [as_json(entry) for entry in came if isinstance(entry, Entry)],
                "failed": [as_json(entry) for entry in came if isinstance(entry, FailedEntry)],
            },
            headers=headers,
        )

    @router.post(
        "/api/v1/suggestions",
        tags=["questions"],
        summary="What could be asked next",
        description=(
            "Up to three questions that this policy answers with citations and that were not asked yet; with nothing "
            "`asked`, questions to begin with."
        ),
        operation_id="suggest",
        responses=problems(400, 403, 404, 413, 415, 422, 503),
    )
    async def suggestions(http: Request, request: SuggestionsRequest, response: Response) -> SuggestionsDocument:
        found: list[str] = []
        about: list[str] = []

        def make() -> Iterator[None]:
            mine = allowed(http)
            label = mine.label(request.scope)
            about.append(label.policy_id)
            cited = {(label.policy_id, start) for start, _ in request.citations}
            yield
            for question in suggested(label, request.asked, cited, mine.ask_plainly, label.policy_id):
                found.extend([question] if question else [])
                yield

        await turnstile.all(http, make)
        response.headers.update(NOT_KEPT)
        return SuggestionsDocument(policy_id=about[0], questions=found)

    @router.get(
        "/api/v1/policies",
        tags=["policies"],
        summary="List the policies",
        description="All policies by domain and date, or those that match a query, the best first; page by page.",
        operation_id="listPolicies",
        responses=problems(422, 503),
        dependencies=[kept_headers],
    )
    def policies(
        http: Request,
        q: Annotated[
            str, Query(max_length=200, description="A company, domain or part of one.", examples=["perricone"])
        ] = "",
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
        description="The text that every offset refers to (in code points), and the passages that partition it.",
        operation_id="readPolicy",
        responses=problems(403, 404, 422, 503),
        dependencies=[kept_headers],
    )
    def policy(http: Request, policy_id: PolicyName) -> PolicyDocument:
        return policy_document(allowed(http).policy(policy_id))

    @router.get(
        "/api/v1/policies/{policy_id}/changes",
        tags=["policies"],
        summary="What changed from another version of a policy to this one",
        description="Sentence by sentence, each side a verified quote. White space, typography and case are no change.",
        operation_id="policyChanges",
        responses=problems(403, 404, 422, 503),
        dependencies=[kept_headers],
    )
    async def changes(
        http: Request,
        policy_id: PolicyName,
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
        description=(
            "The same thirteen questions for every policy. Where `sure` is false, show the passages and not the "
            "verdict. `?format=svg` or `Accept: image/svg+xml` gives a drawing."
        ),
        operation_id="policyLabel",
        response_model=LabelDocument,
        responses={**sends(_SVG), **problems(403, 404, 422, 503)},
    )
    async def policy_label(
        http: Request,
        policy_id: PolicyName,
        form: Annotated[
            Literal["json", "svg"] | None, Query(alias="format", description="json unless Accept prefers an image.")
        ] = None,
        theme: Annotated[Theme, Query(description="Of an SVG; auto follows whoever shows it.")] = "auto",
    ) -> Response:
        headers = await run_in_threadpool(kept_by_form, http)
        label = await turnstile(lambda: allowed(http).label(policy_id))
        if (form or ("svg" if _SVG in http.headers.get("accept", "") else "json")) == "json":
            return JSONResponse(as_json(label), headers=headers)
        # Opened by itself, the drawing runs and fetches nothing, whatever a policy says.
        stem = re.sub(r"[^\w.-]+", "_", label.policy_id.replace("@", "__"), flags=re.ASCII)
        headers = {**headers, "Content-Disposition": f'inline; filename="{stem}-label.svg"'}
        return Response(label_svg(label, theme), media_type=_SVG, headers=headers)

    @router.get(
        "/api/v1/policies/{policy_id}/context",
        tags=["policies"],
        summary="A quote where it stands",
        description="What stands before and after a citation in its section, in plain words, and the verbatim quote.",
        operation_id="quoteInContext",
        responses=problems(403, 404, 422, 503),
        dependencies=[kept_headers],
    )
    async def context(
        http: Request,
        policy_id: PolicyName,
        start: Annotated[
            int, Query(ge=0, le=100_000_000, description="Of the citation.", openapi_examples=_sample(924))
        ],
        end: Annotated[int, Query(ge=0, le=100_000_000, description="Of the citation.", openapi_examples=_sample(993))],
    ) -> ContextDocument:
        def read() -> ContextDocument:
            source = allowed(http).policy(policy_id)
            quoted = as_json(quoted_at(source, start, end))
            before, after = words_around(source, start, end)
            return ContextDocument(**{name: quoted[name] for name in quoted if name != "n"}, before=before, after=after)

        return await turnstile(read)

    @router.get(
        "/api/v1/sites",
        tags=["policies"],
        summary="Find sites, each with the versions of its policy",
        description=(
            "For people who type: whole names first, then names and words that begin so, then names that contain it; "
            "where there is none, misspelt ones."
        ),
        operation_id="findSites",
        responses=problems(422, 503),
        dependencies=[kept_headers],
    )
    def sites(
        http: Request,
        *,
        q: Annotated[
            str, Query(max_length=200, description="A company, domain or part of one.", examples=["peopl"])
        ] = "",
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
        description="Policies by first letter and by year of archive, and how many sites have several versions.",
        operation_id="catalogue",
        responses=problems(503),
        dependencies=[kept_headers],
    )
    def catalogue(http: Request) -> CatalogueDocument:
        return catalogue_document(finder_for(http).catalogue)

    @router.get(
        "/healthz",
        tags=["service"],
        summary="Is the process up?",
        description="Yes, where there is an answer at all.",
        operation_id="health",
    )
    async def healthz(response: Response) -> HealthDocument:
        response.headers.update(NOT_KEPT)
        return HealthDocument(status="ok", version=ui.version())

    @router.get(
        "/readyz",
        tags=["service"],
        summary="Can it answer?",
        description="200 as soon as a question would not wait for anything to load; until then 503.",
        operation_id="readiness",
        responses=problems(503),
    )
    def readyz(response: Response) -> ReadinessDocument:
        count = len(answers.cards())
        if not warmth.warm:
            raise NotReady("The service is starting. Try again in a few seconds.")
        response.headers.update(NOT_KEPT)
        return ReadinessDocument(status="ready", policies=count)

    return router


class _Unmatched:
    """Answers for every method (plain ASGI) what no route answers: with the right method, or that there is nothing."""

    def __init__(self, routes: Sequence[BaseRoute]) -> None:
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        await self._response(scope)(scope, receive, send)

    def _response(self, scope: Scope) -> Response:
        allowed: set[str] = set()
        for route in self._routes:
            if isinstance(route, Route) and route.matches(scope)[0] is not Match.NONE:
                allowed |= route.methods or set()
        if not allowed:
            return problem(404, "not_found", "There is nothing at this address. /openapi.json describes the API.")
        allowed |= {"OPTIONS"} | ({"HEAD"} if "GET" in allowed else set())
        headers = {"Allow": ", ".join(sorted(allowed))}
        if scope["method"] == "OPTIONS":
            return Response(status_code=HTTPStatus.NO_CONTENT, headers=headers)
        use = " or ".join(sorted(allowed - {"HEAD", "OPTIONS"}))
        response = problem(405, "method_not_allowed", f"Use {use} here.")
        response.headers.update(headers)
        return response


async def _on_expected(_: Request, exc: Exception) -> Response:
    assert isinstance(exc, FineprintError)
    if status_of(exc) == CLIENT_GONE:
        return Response(status_code=CLIENT_GONE)
    return response_to(exc)


async def _on_unchanged(_: Request, exc: Exception) -> Response:
    assert isinstance(exc, Unchanged)
    return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=exc.headers)


async def _on_invalid(_: Request, exc: Exception) -> JSONResponse:
    assert isinstance(exc, RequestValidationError)
    errors = exc.errors()
    if any(error["type"] == "json_invalid" for error in errors):
        return problem(400, "invalid_json", "The body is not valid JSON.")
    # The faulty input itself is left out: it may be a question. Names of fields come from outside, too.
    faults = [
        FaultDocument(
            where=printable(".".join(str(part) for part in error["loc"]), _LONGEST_FAULT),
            what=in_json_words(str(error["msg"])),
        )
        for error in errors[:_MOST_FAULTS]
    ]
    detail = "; ".join(f"{fault.where}: {fault.what}" for fault in faults[:5])
    return problem(422, "invalid_request", detail, faults)


async def _on_http(_: Request, exc: Exception) -> JSONResponse:
    assert isinstance(exc, HTTPException)
    code = _CODES.get(exc.status_code) or HTTPStatus(exc.status_code).name.lower()
    response = problem(exc.status_code, code, str(exc.detail))
    response.headers.update(exc.headers or {})
    return response


async def _on_bug(_: Request, exc: Exception) -> JSONResponse:
    # Starlette raises the exception again after this, so that the server logs its traceback.
    return response_to(exc)
