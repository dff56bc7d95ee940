"""The API described for programs (OpenAPI 3.1) and for people (Swagger UI, from this server alone).

The examples are real: what the bundled samples answer. The page at ``/docs`` runs no script but the two files that are
served beside it, and the policies' words reach it only as data.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from http import HTTPStatus
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI
from fastapi.responses import FileResponse, Response
from pydantic.json_schema import models_json_schema
from starlette.exceptions import HTTPException

from ui.problems import MEDIA_TYPE, document_of
from ui.schemas import EVENT_DOCUMENTS, ProblemDocument

__all__ = ["add_reference", "problems", "sends"]

_ABOUT: Final = """\
Ask a question about a website's privacy policy and get a direct answer that is proven by verbatim passages, or an
honest "the policy does not say".

* **Every citation is verified**: `text[start:end] == quote` in the policy's stored text, in code points.
* **Silence is never "no"**: `status` is `not_stated`, and the nearest passages are in `related`.
* **Nobody else's policy**: a question about a company that is not indexed is answered `unknown_company`.
* Errors are problem documents (RFC 9457): `detail` says what to do, `code` is for programs. No question is repeated in
  one, logged or stored.
* Every response has an `X-Request-Id`; send one of your own (up to 64 letters, digits, `.`, `_`, `-`) to name it.

Where the operator gave out keys, send one as `Authorization: Bearer …` or `X-API-Key: …`. A key or a web origin may be
limited to some sites; everything else is then as if it were not indexed.
"""
_TAGS: Final = (
    {"name": "questions", "description": "Ask one policy, or several, and what to ask next."},
    {"name": "policies", "description": "What is indexed: texts, labels, versions and what changed between them."},
    {"name": "chat", "description": "The same answers in OpenAI's form, for chat front ends and their libraries."},
    {"name": "feedback", "description": "What readers think of an answer; kept by the operator alone."},
    {"name": "service", "description": "Whether it is up and ready."},
)
_SECURITY: Final = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key, where the operator gave out keys."},
    "key": {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
        "description": "The same key, otherwise.",
    },
}
_EVENTS: Final = "text/event-stream"
_STREAMED: Final = {
    "askStream": ("stage", "citation", "token", "answer", "error"),
    "compare": ("stage", "entry", "failed", "done", "error"),
}
_EXAMPLES: Final = Path(__file__).parent / "examples.json"
_STATIC: Final = Path(__file__).parent / "static"
_OURS: Final = ("docs.js", "docs.css")
_THEIRS: Final = ("swagger-ui-bundle.js", "swagger-ui.css")
_HEADERS: Final = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
}

_PROBLEMS: Final[Mapping[int, tuple[str, Mapping[str, str]]]] = {
    400: (
        "The body is not JSON in UTF-8.",
        {"invalid_json": "The body is not valid JSON.", "bad_request": "There was an error parsing the body"},
    ),
    401: (
        "A key is needed, or the one that was sent is unknown.",
        {"key_needed": "Send an API key: Authorization: Bearer … or X-API-Key: …", "wrong_key": "This key is unknown."},
    ),
    403: (
        "This caller may not ask about that.",
        {
            "scope_forbidden": "From here, only these may be asked about: freepeople.com.",
            "origin_forbidden": "Pages of this web origin may not use this.",
        },
    ),
    404: (
        "No such policy is indexed.",
        {"unknown_scope": "No policy 'nowhere.example' is indexed. `fineprint policies list` shows what is."},
    ),
    408: ("The body came too slowly.", {"too_slow": "The body came too slowly. Send it at once."}),
    413: ("The body is too large.", {"too_large": "The body is too large: at most 256 KB are read."}),
    415: ("The body is of another kind.", {"unsupported_media_type": "Send JSON: Content-Type: application/json."}),
    422: (
        "The request cannot be meant as it stands.",
        {
            "invalid_request": "body.scpoe: Extra inputs are not permitted",
            "invalid_question": "The question is empty. Ask something.",
            "not_english": "The policies are in English: please ask in English.",
            "usage": "'May 2008' is not a date. Write YYYY, YYYY-MM or YYYY-MM-DD, e.g. 2008 or 2008-05.",
        },
    ),
    429: (
        "Too much within a while; `Retry-After` says when to go on.",
        {
            "too_many_requests": "Too many requests. Try again in 12 seconds.",
            "too_much_feedback": "Too much feedback is arriving. Try again in a minute.",
        },
    ),
    500: (
        "A bug; the operator's log has its traceback.",
        {"internal_error": "Something went wrong inside the service. The operator's log has the details."},
    ),
    503: (
        "Not now; `Retry-After` says when to try again.",
        {
            "busy": "Too many questions are waiting. Try again in a few seconds.",
            "index_missing": "Nothing is indexed yet: whoever runs this service must run `fineprint ingest` first.",
            "index_damaged": "The index cannot be read: whoever runs this service should run `fineprint doctor`.",
            "not_ready": "The service is starting. Try again in a few seconds.",
            "timed_out": "There was no answer within 30 seconds. Try again later, or ask for less.",
            "draining": "The service is stopping. Try again in a few seconds.",
            "feedback_not_kept": "This service keeps no feedback: its operator has turned it off.",
        },
    ),
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What may go wrong with a request, for its description."""
    return {status: _problem(status) for status in statuses}


def sends(*media_types: str) -> dict[int | str, dict[str, Any]]:
    """Forms of a successful response beside JSON, for its description."""
    return {200: {"content": {media_type: {"schema": {"type": "string"}} for media_type in media_types}}}


def _problem(status: int) -> dict[str, Any]:
    description, details = _PROBLEMS[status]
    examples = {
        code: {"value": document_of(status, code, detail) | {"request_id": "0246cbed12673258"}}
        for code, detail in details.items()
    }
    schema = {"$ref": "#/components/schemas/ProblemDocument"}
    return {"description": description, "content": {MEDIA_TYPE: {"schema": schema, "examples": examples}}}


def add_reference(app: FastAPI) -> None:
    """Adds the description's own parts to ``/openapi.json``, and the page that shows it at ``/docs``."""
    app.description = _ABOUT
    app.openapi_tags = [dict(tag) for tag in _TAGS]
    plain = app.openapi

    @cache
    def described() -> dict[str, Any]:
        return _described(plain())

    app.openapi = described  # type: ignore[method-assign]  # FastAPI's own way to extend the schema
    files = _files()

    @app.get("/docs", include_in_schema=False)
    def docs() -> Response:
        return FileResponse(_STATIC / "docs.html", headers=_HEADERS)

    @app.get("/docs/{name}", include_in_schema=False)
    def docs_file(name: str) -> Response:
        if name not in files:
            raise HTTPException(HTTPStatus.NOT_FOUND, "There is nothing at this address.")
        # Said here: what a machine calls a script depends on its tables, and on what other libraries add to them.
        kind = "text/javascript" if name.endswith(".js") else "text/css"
        return FileResponse(files[name], headers=_HEADERS, media_type=kind)


def _files() -> Mapping[str, Path]:
    """The files beside the page, by name: two of Swagger UI's own, from a package that carries them, and ours."""
    package = find_spec("fastapi_offline")
    assert package is not None
    assert package.origin is not None
    theirs = Path(package.origin).parent / "static"
    return {name: theirs / name for name in _THEIRS} | {name: _STATIC / name for name in _OURS}


def _described(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with what FastAPI cannot know: keys, the form of events and problems, and examples."""
    components = schema.setdefault("components", {})
    components["securitySchemes"] = dict(_SECURITY)
    models = [(model, "serialization") for model in (ProblemDocument, *EVENT_DOCUMENTS.values())]
    _, defined = models_json_schema(models, ref_template="#/components/schemas/{model}")  # type: ignore[arg-type]
    components.setdefault("schemas", {}).update(defined["$defs"])
    schema["security"] = [{}, *({name: []} for name in _SECURITY)]
    examples = json.loads(_EXAMPLES.read_text(encoding="utf-8"))
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            responses = operation["responses"]
            common = [401, 403, 429, 500] if path.startswith("/api/") else [500]
            common += [408] if "requestBody" in operation else []
            common = [] if path.startswith("/v1/") else common  # its errors have another form (ui.completions)
            responses = {str(status): _problem(status) for status in common} | responses
            operation["responses"] = dict(sorted(responses.items()))
            _add_examples(operation, examples.get(f"{method.upper()} {path}", {}))
    return schema


def _add_examples(operation: dict[str, Any], examples: Mapping[str, Any]) -> None:
    for media_type, named in examples.get("request", {}).items():
        operation["requestBody"]["content"][media_type]["examples"] = named
    for status, contents in examples.get("responses", {}).items():
        for media_type, named in contents.items():
            operation["responses"][status]["content"][media_type]["examples"] = named
    if stream := operation["responses"].get("200", {}).get("content", {}).get(_EVENTS):
        stream.pop("schema")  # of a stream, FastAPI's says that the whole of it is a text
        if names := _STREAMED.get(operation.get("operationId", "")):
            stream["itemSchema"] = {"oneOf": [_event(name) for name in names]}


def _event(name: str) -> dict[str, Any]:
    """The form of one server-sent event, as OpenAPI 3.2 describes the items of a stream."""
    form = {"$ref": f"#/components/schemas/{EVENT_DOCUMENTS[name].__name__}"}
    return {
        "type": "object",
        "required": ["event", "data", "id"],
        "properties": {
            "event": {"const": name},
            "data": {"type": "string", "contentMediaType": "application/json", "contentSchema": form},
            "id": {"type": "string"},
            "retry": {"type": "integer"},
        },
    }
