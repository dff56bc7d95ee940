from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient
from starlette.types import Message

from ui.access import Caller
from ui.watching import GONE, OTHER, Served, Watch


@dataclass
class Notes:
    """Remembers what it was told."""

    open: int = 0
    served: list[Served] = field(default_factory=list)

    def began(self) -> None:
        self.open += 1

    def ended(self, served: Served) -> None:
        self.open -= 1
        self.served.append(served)


async def _plain(_: Request) -> Response:
    return PlainTextResponse("plain")


async def _fail(_: Request) -> Response:
    raise RuntimeError("a bug")


async def _stream(_: Request) -> Response:
    async def parts() -> Any:
        yield b"one"
        yield b"three"

    return StreamingResponse(parts())


async def _refused(request: Request) -> Response:
    request.scope["state"]["refused"] = "rate_limited"
    request.scope["state"]["caller"] = Caller("192.0.2.1", key="shop")
    return PlainTextResponse("no", 429)


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def client(notes: Notes) -> TestClient:
    app = FastAPI()
    app.add_middleware(Watch, observers=[notes])
    router = APIRouter(prefix="/v1")
    router.add_api_route("/things/{thing}", _thing)
    app.include_router(router)
    app.router.routes += [
        Route("/stream", _stream),
        Route("/fail", _fail),
        Route("/files/{name}", _plain),
        Route("/refused", _refused),
        Mount("/sub", Starlette(routes=[Route("/{page:path}", _plain)])),
    ]
    return TestClient(app, raise_server_exceptions=False)


async def _thing(thing: str) -> str:
    return thing


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/files/a%0d%0ab", "/files/{name}"),
        ("/stream", "/stream"),
        ("/sub/private/page", "/{page:path}"),
        ("/nothing/private", OTHER),
        ("/files/a/b", OTHER),
    ],
)
def test_a_request_is_known_by_the_template_of_its_route(
    client: TestClient, notes: Notes, path: str, template: str
) -> None:
    client.get(path)
    assert [each.route for each in notes.served] == [template]


def test_a_route_of_a_router_is_known_by_one_template_for_all_values(client: TestClient, notes: Notes) -> None:
    client.get("/v1/things/one")
    client.get("/v1/things/two")
    assert {each.route for each in notes.served} == {"/v1/things/{thing}"}


def test_what_is_refused_before_it_comes_to_a_route_is_known_once_the_route_has_served(notes: Notes) -> None:
    routed = APIRouter()
    routed.add_api_route("/v1/ask", lambda: "yes")
    routed.add_api_route("/v1/things/{thing}", _thing)
    app = FastAPI()
    app.include_router(routed)
    refuse: list[bool] = []

    async def guarded(scope: Any, receive: Any, send: Any) -> None:
        await (PlainTextResponse("no", 429) if refuse else app)(scope, receive, send)

    outer = Starlette()
    outer.add_middleware(lambda _: Watch(guarded, [notes]))
    client = TestClient(outer)
    for path in ("/v1/ask", "/v1/things/secret"):
        client.get(path)
    refuse.append(True)
    for path in ("/v1/ask", "/v1/things/secret"):
        client.get(path)
    assert [each.route for each in notes.served] == ["/v1/ask", "/v1/things/{thing}", "/v1/ask", OTHER]


def test_a_method_that_http_does_not_define_is_called_other(client: TestClient, notes: Notes) -> None:
    client.request("SECRET", "/stream")
    client.request("DELETE", "/stream")
    assert [each.method for each in notes.served] == [OTHER, "DELETE"]


def test_status_and_size_are_those_of_the_response(client: TestClient, notes: Notes) -> None:
    client.get("/stream")
    (served,) = notes.served
    assert (served.status, served.size, served.whole, served.refused) == (200, 8, True, None)
    assert served.seconds > 0
    assert notes.open == 0


def test_what_the_guard_says_of_a_request_is_passed_on(client: TestClient, notes: Notes) -> None:
    client.get("/refused")
    (served,) = notes.served
    assert (served.status, served.refused, served.caller.key) == (429, "rate_limited", "shop")


def test_a_bug_is_a_500_and_still_raised(client: TestClient, notes: Notes) -> None:
    with pytest.raises(RuntimeError, match="a bug"):
        TestClient(client.app).get("/fail")
    (served,) = notes.served
    assert served.status == 500
    assert not served.whole
    assert notes.open == 0


@pytest.mark.anyio
async def test_a_client_that_goes_before_the_response_is_told_apart(notes: Notes) -> None:
    async def silent(scope: Any, receive: Any, send: Any) -> None:
        assert (await receive())["type"] == "http.disconnect"

    async def half(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})

    for inner in (silent, half):
        await _call(Watch(inner, [notes]))
    assert [(each.status, each.size, each.whole) for each in notes.served] == [(GONE, 0, False), (200, 4, False)]


@pytest.mark.anyio
async def test_what_is_no_request_passes_untouched(notes: Notes) -> None:
    seen: list[str] = []

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["type"])

    await Watch(inner, [notes])({"type": "lifespan"}, _gone, _nowhere)
    assert seen == ["lifespan"]
    assert notes.served == []


def test_nothing_that_was_sent_is_in_what_is_told(client: TestClient, notes: Notes) -> None:
    client.post("/files/secret?q=secret", json={"question": "secret"}, headers={"Referer": "http://secret/"})
    assert "secret" not in json.dumps([repr(each) for each in notes.served])


async def _call(app: Callable[..., Awaitable[None]]) -> None:
    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "app": FastAPI()}
    await app(scope, _gone, _nowhere)


async def _gone() -> Message:
    return {"type": "http.disconnect"}


async def _nowhere(_: Message) -> None:
    return None


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
