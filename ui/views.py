"""What the page fetches for itself: a whole policy to read, and a conversation as a file.

Both are stateless: the browser says which policy and which stretches are cited, or sends the answers that it holds.
"""

from __future__ import annotations

import re
from typing import Annotated, Final

from fastapi import FastAPI, Query
from fastapi.responses import HTMLResponse, Response

from qa.domain import IndexedPolicy
from qa.errors import UsageError
from ui.export import Conversation, Form, written
from ui.live import Answers
from ui.panels import whole_policy
from ui.render import Highlight

__all__ = ["add_views", "cited"]

MOST_CITED: Final = 200
_CITED: Final = re.compile(r"([0-9]{1,3}):([0-9]{1,7})-([0-9]{1,7})")
_UNKEPT: Final = {"Cache-Control": "no-store"}


def add_views(app: FastAPI, answers: Answers) -> None:
    """Adds the page's routes to an application; what goes wrong is said as the API says it."""

    @app.get("/view/policy/{scope}", include_in_schema=False)
    def view_policy(
        scope: str,
        cite: Annotated[list[str] | None, Query(max_length=MOST_CITED)] = None,
        key: Annotated[str, Query(pattern=r"^[A-Za-z0-9]{1,40}$")] = "fp",
    ) -> HTMLResponse:
        source = answers.policy(scope)
        return HTMLResponse(whole_policy(source, [cited(text, source) for text in cite or ()], key), headers=_UNKEPT)

    @app.post("/view/export/{form}", include_in_schema=False)
    def view_export(form: Form, conversation: Conversation) -> Response:
        file = written(conversation, form)
        return Response(file.body, media_type=file.media_type, headers=_UNKEPT)


def cited(text: str, source: IndexedPolicy) -> Highlight:
    """``n:start-end`` as a citation of a policy.

    Raises:
        UsageError: it is not of that form, or not within the policy.
    """
    match = _CITED.fullmatch(text)
    n, start, end = map(int, match.groups()) if match else (0, 0, 0)
    if not 0 <= start < end <= len(source.policy.text):
        raise UsageError(f"{text[:40]!r} is no stretch of this policy. Write n:start-end, e.g. 1:120-180.")
    return Highlight(n, start, end)
