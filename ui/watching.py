"""Watches every request from outside: what was asked for by its route's template, what came of it, how long it took."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui.access import ANYBODY, Caller
from ui.requests import request_id

__all__ = ["GONE", "OTHER", "Observer", "Served", "Watch"]

GONE: Final = 499
"""Stands for the status of a request whose client went before there was any; no response has it."""
OTHER: Final = "other"
"""Stands for an address that no route has, and for a method that HTTP does not define."""
_METHODS: Final = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))


@dataclass(frozen=True, slots=True)
class Served:
    """A request that is over. It holds nothing of what was sent: no path, no query, no address, no body.

    Attributes:
        route: the route's template, e.g. ``/api/v1/policies/{policy_id}``.
        refused: why the guard refused it, as a code; None if it did not.
        seconds: until the last byte was handed over.
        size: bytes of the body that were handed over.
        whole: whether the response was handed over to its end; else the client went, or the service failed.
    """

    request_id: str
    method: str
    route: str
    status: int
    refused: str | None
    caller: Caller
    seconds: float
    size: int
    whole: bool


class Observer(Protocol):
    """Is told of requests."""

    def began(self) -> None:
        """A request has come in."""
        ...

    def ended(self, served: Served) -> None:
        """A request is over."""
        ...


class Watch:
    """Tells of every request when it begins and when it is over (plain ASGI).

    Args:
        observers: told of each.
    """

    def __init__(self, app: ASGIApp, observers: Sequence[Observer]) -> None:
        self._app = app
        self._observers = observers
        self._templates: _Templates | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._templates is None:  # not earlier: routes are added after the middleware
            self._templates = _Templates(scope["app"].routes)
        scope.setdefault("state", {})
        status, size, whole = 0, 0, False

        async def send_seen(message: Message) -> None:
            nonlocal status, size, whole
            if message["type"] == "http.response.start":
                status = message["status"]
            elif message["type"] == "http.response.body":
                size += len(message.get("body", b""))
                whole = not message.get("more_body", False)
            await send(message)

        for observer in self._observers:
            observer.began()
        started = time.perf_counter()
        try:
            await self._app(scope, receive, send_seen)
        except Exception:
            status = status or 500
            raise
        finally:
            state = scope["state"]
            served = Served(
                request_id=request_id.get(),
                method=scope["method"] if scope["method"] in _METHODS else OTHER,
                route=self._templates.of(scope),
                status=status or GONE,
                refused=state.get("refused"),
                caller=state.get("caller", ANYBODY),
                seconds=time.perf_counter() - started,
                size=size,
                whole=whole,
            )
            for observer in self._observers:
                observer.ended(served)


class _Templates:
    """The templates of an application's routes: a fixed set, whatever is asked for.

    What the guard refuses never comes to a route. It is known by its path where that is a route's whole template, as
    far as the application says so or one such request was served.
    """

    def __init__(self, routes: Iterable[BaseRoute]) -> None:
        by_endpoint: dict[Any, str | None] = {}
        self._literal = {"/"}
        for route in routes:
            if isinstance(route, Route):
                by_endpoint[route.endpoint] = None if route.endpoint in by_endpoint else route.path
                if "{" not in route.path:
                    self._literal.add(route.path)
            elif isinstance(route, Mount) and route.path:
                by_endpoint[route.app] = f"{route.path}/{{path}}"
        self._by_endpoint = {endpoint: path for endpoint, path in by_endpoint.items() if path}

    def of(self, scope: Mapping[str, Any]) -> str:
        """The template of a request's route, once it is over."""
        template = getattr(scope.get("route"), "path", None)
        if isinstance(template, str) and template:
            if "{" not in template:
                self._literal.add(template)
            return template
        if found := self._by_endpoint.get(scope.get("endpoint")):
            return found
        return scope["path"] if scope["path"] in self._literal else OTHER
