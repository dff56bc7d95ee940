"""What a caller still has need not be computed and sent again: entity tags for answers that are always the same.

A tag stands for the state of the index, what is asked for and what the caller may see. It is keyed with a secret of
this process, so that nobody who comes across one finds a question by trying.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from typing import Final

from starlette.requests import Request

from ui.access import caller_of
from ui.live import Answers

__all__ = ["NOT_KEPT", "Freshness", "Unchanged"]

NOT_KEPT: Final[Mapping[str, str]] = {"Cache-Control": "no-store"}
"""For answers to questions that came in a body."""


class Unchanged(Exception):
    """The caller has it already.

    Attributes:
        headers: of the response without a body that says so.
    """

    def __init__(self, headers: Mapping[str, str]) -> None:
        super().__init__("not modified")
        self.headers = headers


class Freshness:
    """Makes entity tags, and notices that a caller shows the right one.

    Args:
        answers: whose generation tells one state of the index from the next.
    """

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._key = secrets.token_bytes(32)

    def headers(self, http: Request, *, by_accept: bool = False) -> Mapping[str, str]:
        """The headers that let a caller keep a response and ask whether it still holds.

        Args:
            http: the request.
            by_accept: whether ``Accept`` chooses the form of the response.

        Raises:
            Unchanged: the caller has it, and it still holds.
            IndexProblem: nothing can be read.
        """
        tag = self._tag(http, by_accept)
        vary = ["Authorization", "X-API-Key", *(["Accept"] if by_accept else [])]  # and Origin, which the guard adds
        headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": ", ".join(vary)}
        shown = {each.strip().removeprefix("W/") for each in http.headers.get("if-none-match", "").split(",")}
        if tag.removeprefix("W/") in shown:
            raise Unchanged(headers)
        return headers

    def _tag(self, http: Request, by_accept: bool) -> str:
        domains = caller_of(http).domains
        parts = (
            str(self._answers.generation).encode(),
            b"*" if domains is None else ",".join(sorted(domains)).encode(),
            http.scope["path"].encode("utf-8", "surrogatepass"),
            http.scope["query_string"],
            http.headers.get("accept", "").encode() if by_accept else b"",
        )
        state = b"".join(len(part).to_bytes(8, "big") + part for part in parts)
        return f'W/"{hashlib.blake2b(state, key=self._key, digest_size=16).hexdigest()}"'
