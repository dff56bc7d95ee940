from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.testclient import TestClient
from starlette.types import Message

from qa.admission import made_key, site_origins
from qa.settings import Settings
from ui.access import caller_of
from ui.draining import Drain
from ui.guard import API_BODY_BYTES, DEEPEST, Guard

SHOP = "https://shop.example"
KEY, KEPT = made_key("program", ["perriconemd.com"])
ASK = "/api/v1/ask"
worked: list[str] = []


async def echo(request: Request) -> Response:
    body = await request.body()
    worked.append(request.url.path)
    caller = caller_of(request)
    domains = sorted(caller.domains) if caller.domains is not None else None
    said = {"bytes": len(body), "origin": caller.origin, "key": caller.key, "domains": domains}
    return JSONResponse(said, headers={"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Credentials": "true"})


async def page(_: Request) -> Response:
    return HTMLResponse(
        "<p>", headers={"Content-Security-Policy": "default-src 'self'; frame-ancestors https://a.example"}
    )


async def bug(_: Request) -> Response:
    raise RuntimeError("the secret path")


async def slow(request: Request) -> Response:
    while not await request.is_disconnected():
        await asyncio.sleep(0.01)
    worked.append("gave up")
    return Response("too late")


async def kept(_: Request) -> Response:
    return Response(
        "x", headers={"Cache-Control": "private, max-age=60", "Cross-Origin-Resource-Policy": "cross-origin"}
    )


async def beat(_: Request) -> Response:
    async def beats() -> AsyncIterator[str]:
        while True:
            yield "data: ALIVE\n\n"
            await asyncio.sleep(0.01)

    return StreamingResponse(beats(), media_type="text/event-stream")


inner = Starlette(
    routes=[
        Route("/api/v1/bug", bug),
        Route("/api/v1/slow", slow, methods=["GET", "POST"]),
        Route("/api/v1/kept", kept),
        Route("/embed", page),
        Route("/gradio_api/heartbeat/x", beat),
        Route("/{path:path}", echo, methods=["GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD"]),
    ]
)


def guarded(drain: Drain | None = None, **settings: Any) -> Guard:
    worked.clear()
    origins = site_origins(f"{SHOP}=perriconemd.com freepeople.com, https://all.example")
    return Guard(inner, settings=Settings(allowed_origins=origins, **settings), drain=drain or Drain())


def client(drain: Drain | None = None, **settings: Any) -> TestClient:
    return TestClient(guarded(drain, **settings), raise_server_exceptions=False)


def detail(response: httpx.Response, status: int) -> str:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    return str(response.json()["detail"])


# --- origins ----------------------------------------------------------------------------------------------------------


def test_an_allowed_page_may_read_what_it_asked_for_and_nothing_is_sent_with_cookies() -> None:
    response = client().post(ASK, json={}, headers={"Origin": SHOP})
    assert response.json()["domains"] == ["freepeople.com", "perriconemd.com"]
    assert response.headers["access-control-allow-origin"] == SHOP
    assert "access-control-allow-credentials" not in response.headers
    assert "RateLimit" in response.headers["access-control-expose-headers"]
    assert "Origin" in response.headers["vary"]


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
@pytest.mark.parametrize("path", [ASK, "/", "/own/add", "/gradio_api/info"])
@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
def test_another_page_gets_nothing_and_nothing_is_done_for_it(origin: str, path: str, method: str) -> None:
    headers = {"Origin": origin, "Access-Control-Request-Method": "POST", "Content-Type": "application/json"}
    response = client().request(method, path, headers=headers, content=b"{}" if method == "POST" else None)
    assert "FINEPRINT_ALLOWED_ORIGINS" in detail(response, 403)
    assert not [name for name in response.headers if name.startswith("access-control-")]
    assert worked == []


def test_a_browser_is_told_what_an_allowed_page_may_send() -> None:
    wanted = "content-type,x-api-key,x-stainless-lang,x-evil"
    headers = {"Origin": SHOP, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": wanted}
    response = client(api_keys=(KEPT,), rate_limit="1/day").options(ASK, headers=headers)
    assert (response.status_code, response.content) == (204, b"")
    assert response.headers["access-control-allow-origin"] == SHOP
    assert {"GET", "POST"} <= set(response.headers["access-control-allow-methods"].split(", "))
    may = set(response.headers["access-control-allow-headers"].split(", "))
    assert {"authorization", "x-api-key", "content-type", "last-event-id", "x-stainless-lang"} <= may
    assert "x-evil" not in may
    assert worked == []


def test_a_page_can_read_why_it_was_refused() -> None:
    shop = client(api_keys=(KEPT,), rate_limit="1/day")
    wrong = shop.post(ASK, json={}, headers={"Origin": SHOP, "X-API-Key": "wrong"})
    assert (wrong.status_code, wrong.headers["access-control-allow-origin"]) == (401, SHOP)
    shop.post(ASK, json={}, headers={"Origin": SHOP})
    often = shop.post(ASK, json={}, headers={"Origin": SHOP})
    assert (often.status_code, often.headers["access-control-allow-origin"]) == (429, SHOP)


def test_no_other_header_lets_a_browser_in() -> None:
    response = client().get("/api/v1/policies")
    assert not [name for name in response.headers if name.startswith("access-control-")]
    assert "Origin" in response.headers["vary"]


# --- keys and limits --------------------------------------------------------------------------------------------------


def test_a_program_without_a_key_is_told_how_to_show_one() -> None:
    keyed = client(api_keys=(KEPT,))
    response = keyed.post(ASK, json={})
    assert "Bearer" in detail(response, 401)
    assert response.headers["www-authenticate"].startswith("Bearer")
    assert keyed.post(ASK, json={}, headers={"Authorization": f"Bearer {KEY}"}).json()["key"] == "program"


def test_too_many_requests_are_a_problem_that_says_when_to_come_back() -> None:
    often = client(rate_limit="2/minute")
    first, _, third = (often.post(ASK, json={}) for _ in range(3))
    assert first.headers["ratelimit"].startswith('"2-in-60s";r=1;t=')
    assert first.headers["ratelimit-policy"] == '"2-in-60s";q=2;w=60'
    assert third.headers["retry-after"] in detail(third, 429)
    assert worked == [ASK, ASK]
    assert often.get("/api/v1/policies").status_code == 200


# --- bodies -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "application/jsonx"]
)
@pytest.mark.parametrize("path", [ASK, "/v1/chat/completions", "/mcp", "/own/add", "/gradio_api/queue/join"])
def test_a_body_that_a_form_could_send_is_refused(path: str, kind: str) -> None:
    response = client().post(path, content=b'{"question": "x"}', headers={"Content-Type": kind})
    assert "application/json" in detail(response, 415)
    assert worked == []


def test_a_body_that_is_too_large_is_refused_whether_it_says_so_or_not() -> None:
    headers = {"Content-Type": "application/json"}

    def chunks() -> Iterator[bytes]:
        for _ in range(API_BODY_BYTES // 1024 + 1):
            yield b" " * 1024

    for content in (b" " * (API_BODY_BYTES + 1), chunks()):
        assert "256 KB" in detail(client().post(ASK, content=content, headers=headers), 413)
    for length in ("-1", "1e3", "9" * 40, "0x10"):
        assert client().post(ASK, content=b"{}", headers={**headers, "Content-Length": length}).status_code == 413
    assert worked == []
    assert client().post(ASK, content=b" " * API_BODY_BYTES, headers=headers).json()["bytes"] == API_BODY_BYTES


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
        b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1),
        b'["\\"",' + b"[" * DEEPEST + b"]" * DEEPEST + b"]",
        b'{"a": "\xff"}',
        b'{"question": "\xed\xa0\x80"}',
        "{}".encode("utf-16"),
    ],
)
def test_a_body_nested_without_end_or_in_another_encoding_is_not_even_parsed(body: bytes) -> None:
    response = client().post(ASK, content=body, headers={"Content-Type": "application/json"})
    assert response.json()["code"] == "invalid_json"
    assert detail(response, 400)
    assert worked == []


def test_brackets_within_texts_are_no_levels() -> None:
    many = {"question": '[{"\\[' * 500, "history": [["x"]] * 90}
    assert client().post(ASK, json=many).status_code == 200
    flat = json.dumps([{}] * 5_000)
    assert client().post(ASK, content=flat, headers={"Content-Type": "application/json"}).status_code == 200


def test_looking_for_levels_takes_no_time_that_matters() -> None:
    largest = (b'["' + b"[\\" * 100_000 + b'x"]')[:API_BODY_BYTES]
    started = time.perf_counter()
    client().post(ASK, content=largest, headers={"Content-Type": "application/json"})
    assert time.perf_counter() - started < 1


# --- time -------------------------------------------------------------------------------------------------------------


def exchange(guard: Guard, messages: list[Message], *, path: str = ASK, length: int = 0) -> list[Message]:
    """What a client gets that sends these messages and then keeps silent."""
    headers = [
        (b"host", b"localhost"),
        (b"content-type", b"application/json"),
        (b"content-length", str(length).encode()),
    ]
    scope = {
        "type": "http", "method": "POST", "path": path, "query_string": b"", "headers": headers, "http_version": "1.1",
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 2), "scheme": "http", "root_path": "",
    }  # fmt: skip
    sent: list[Message] = []

    async def run() -> None:
        left = iter(messages)
        silence = asyncio.Event()

        async def receive() -> Message:
            for message in left:
                return message
            await silence.wait()
            raise AssertionError("unreachable")

        async def send(message: Message) -> None:
            sent.append(message)

        await guard(scope, receive, send)

    asyncio.run(run())
    return sent


def test_a_body_that_trickles_is_not_waited_for() -> None:
    guard = guarded()
    guard._timeout_s = 0.1
    start, body = exchange(guard, [{"type": "http.request", "body": b"{", "more_body": True}], length=100)
    assert start["status"] == 408
    assert (b"connection", b"close") in start["headers"]
    assert b"too_slow" in body["body"]
    assert worked == []


def test_an_answer_that_does_not_begin_in_time_is_given_up_and_its_work_stops() -> None:
    guard = guarded()
    guard._timeout_s = 0.1
    whole: Message = {"type": "http.request", "body": b"{}", "more_body": False}
    start, body = exchange(guard, [whole], path="/api/v1/slow", length=2)
    assert start["status"] == 503
    assert (b"retry-after", b"5") in start["headers"]
    assert b"timed_out" in body["body"]
    assert worked == ["gave up"]


def test_a_client_that_goes_while_it_sends_is_told_nothing() -> None:
    assert exchange(guarded(), [{"type": "http.disconnect"}], length=100) == []


# --- the way out ------------------------------------------------------------------------------------------------------


def test_a_service_that_stops_says_so_and_takes_nothing_new() -> None:
    drain = Drain()
    stopping = client(drain)
    assert stopping.get("/readyz").status_code == 200
    drain.begin()
    for response in (stopping.get("/readyz"), stopping.post(ASK, json={}), stopping.get("/api/v1/compare")):
        assert "stopping" in detail(response, 503)
        assert response.json()["code"] == "draining"
        assert response.headers["retry-after"]
    assert stopping.get("/healthz").status_code == 200


def test_streams_without_an_end_end_when_the_service_stops() -> None:
    async def run() -> tuple[list[Message], int]:
        drain = Drain()
        sent: list[Message] = []

        async def receive() -> Message:
            await asyncio.Event().wait()
            raise AssertionError("unreachable")

        async def send(message: Message) -> None:
            sent.append(message)

        scope = {
            "type": "http", "method": "GET", "path": "/gradio_api/heartbeat/x", "query_string": b"", "root_path": "",
            "headers": [(b"host", b"localhost")], "http_version": "1.1", "client": ("127.0.0.1", 1), "scheme": "http",
        }  # fmt: skip
        stream = asyncio.create_task(guarded(drain)(scope, receive, send))
        while len(sent) < 3:
            await asyncio.sleep(0.01)
        running = drain.running
        drain.begin()
        await asyncio.wait_for(stream, 2)
        return sent, running

    sent, running = asyncio.run(run())
    assert running == 0
    assert sent[-1] == {"type": "http.response.body", "body": b"", "more_body": False}


# --- headers ----------------------------------------------------------------------------------------------------------


def test_a_page_that_may_be_framed_says_by_whom_and_no_other_may_be() -> None:
    framed = client().get("/embed").headers
    assert framed["content-security-policy"].endswith("frame-ancestors https://a.example")
    assert "x-frame-options" not in framed
    for path in ("/", "/healthz", ASK, "/config"):
        headers = client().get(path).headers
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-frame-options"] == "DENY"
    assert "'unsafe-eval'" in client().get("/").headers["content-security-policy"]
    assert "script-src" not in client().get("/config").headers["content-security-policy"]


def test_only_the_widget_may_be_taken_into_other_pages_and_answers_are_not_kept_unless_said() -> None:
    assert client().get("/widget/v1.js").headers["cross-origin-resource-policy"] == "cross-origin"
    for path in ("/", ASK, "/assets/x.js"):
        assert client().get(path).headers["cross-origin-resource-policy"] == "same-origin"
    assert client().get("/api/v1/policies").headers["cache-control"] == "no-store"
    own = client().get("/api/v1/kept").headers
    assert own["cache-control"] == "private, max-age=60"
    assert own["cross-origin-resource-policy"] == "cross-origin"


def test_a_bug_is_told_with_every_header_and_without_details() -> None:
    settings = Settings(allowed_origins=site_origins(SHOP))
    app = Starlette(routes=inner.routes, middleware=[Middleware(Guard, settings=settings, drain=Drain())])
    with TestClient(app, raise_server_exceptions=False) as whole:
        response = whole.get("/api/v1/bug", headers={"Origin": SHOP})
    assert "operator" in detail(response, 500)
    assert "secret" not in response.text
    assert response.headers["access-control-allow-origin"] == SHOP
    assert response.headers["x-content-type-options"] == "nosniff"


def test_a_web_socket_is_refused() -> None:
    from starlette.websockets import WebSocketDisconnect

    with pytest.raises(WebSocketDisconnect), client().websocket_connect("/gradio_api/queue/join"):
        pass
