"""What went wrong, as a caller over HTTP is told it: RFC 9457 problem documents.

Never in them: a question, what a request had in it, a path or a detail of the machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

from fastapi.responses import JSONResponse

from qa.errors import (
    FineprintError,
    IndexForeign,
    IndexLocked,
    IndexMissing,
    IndexProblem,
    IndexUnreachable,
    ModelUnusable,
    PolicyRefused,
    UnknownScope,
    UsageError,
)
from ui.access import ScopeForbidden
from ui.requests import request_id
from ui.schemas import FaultDocument, ProblemDocument
from ui.turnstile import Busy, ClientGone

__all__ = [
    "CLIENT_GONE",
    "MEDIA_TYPE",
    "NotReady",
    "document_of",
    "problem",
    "problem_of",
    "response_to",
    "status_of",
    "told",
]

MEDIA_TYPE: Final = "application/problem+json"
CLIENT_GONE: Final = 499
"""What servers note where the client did not wait; nobody reads the response."""

RETRY_AFTER_S: Final = 5
_BUG: Final = "Something went wrong inside the service. The operator's log has the details."


class NotReady(FineprintError):
    """The service has started but would keep its first asker waiting."""

    code = "not_ready"


def status_of(error: FineprintError) -> int:
    """The HTTP status that fits an expected failure."""
    if isinstance(error, ScopeForbidden):
        return HTTPStatus.FORBIDDEN
    if isinstance(error, UnknownScope):
        return HTTPStatus.NOT_FOUND
    if isinstance(error, UsageError | PolicyRefused):
        return HTTPStatus.UNPROCESSABLE_ENTITY
    if isinstance(error, IndexProblem | ModelUnusable | Busy | NotReady):
        return HTTPStatus.SERVICE_UNAVAILABLE
    if isinstance(error, ClientGone):
        return CLIENT_GONE
    return HTTPStatus.INTERNAL_SERVER_ERROR


def told(error: Exception) -> str:
    """The line that a caller is told: what concerns the machine (where the index is) is its operator's business."""
    match error:
        case IndexMissing():
            return "Nothing is indexed yet: whoever runs this service must run `fineprint ingest` first."
        case IndexLocked():
            return "The index is being written. Try again in a few seconds."
        case IndexUnreachable():
            return "The index cannot be reached at the moment. Try again in a few seconds."
        case IndexForeign():
            return "The index was made for something else: whoever runs this service must run `fineprint rebuild`."
        case IndexProblem():
            return "The index cannot be read: whoever runs this service should run `fineprint doctor`."
        case ModelUnusable():
            return "The models cannot be used: whoever runs this service should run `fineprint doctor`."
        case FineprintError():
            return str(error)
        case _:
            return _BUG


def document_of(status: int, code: str, detail: str, faults: Sequence[FaultDocument] = ()) -> dict[str, Any]:
    """A problem document as JSON data."""
    document = ProblemDocument(
        title=HTTPStatus(status).phrase if status != CLIENT_GONE else "Client Closed Request",
        status=status,
        detail=detail,
        code=code,
        request_id=request_id.get() or None,
        errors=list(faults),
    )
    left_out = {name for name in ("errors", "request_id") if not getattr(document, name)}
    return document.model_dump(mode="json", exclude=left_out)


def problem_of(error: Exception) -> dict[str, Any]:
    """The problem document of a failure; one that is not expected is told as such and no more."""
    if isinstance(error, FineprintError):
        return document_of(status_of(error), error.code, told(error))
    return document_of(HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error", _BUG)


def problem(status: int, code: str, detail: str, faults: Sequence[FaultDocument] | None = None) -> JSONResponse:
    """A problem document as a response."""
    return _response(document_of(status, code, detail, faults or ()))


def response_to(error: Exception) -> JSONResponse:
    """The response to a failure."""
    return _response(problem_of(error))


def _response(document: dict[str, Any]) -> JSONResponse:
    status: int = document["status"]
    headers = {"Cache-Control": "no-store"}
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = str(RETRY_AFTER_S)
    return JSONResponse(document, status, media_type=MEDIA_TYPE, headers=headers)
