"""What somebody would try who means no good, against the whole service. SECURITY.md names these tests."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator, Sequence
from typing import Any, Final
from urllib.parse import quote

import httpx
import pytest
from starlette.routing import BaseRoute, Mount, Route

from qa.settings import Settings
from tests.security.conftest import EVIL, KEPT, KEPT_WHOLE, KEY, SHOP, WHOLE, Running
from ui.access import Door, Refused

ASK: Final = "/api/v1/ask"
PAGE: Final = {"Origin": SHOP}
PROGRAM: Final = {"X-API-Key": KEY}
ANYTHING: Final = {"X-API-Key": WHOLE}
# Words of policies that the shop's pages and the program's key were not given.
FOREIGN: Final = ("rent or sell your e-mail", "exofficio.com@", "malleries.com@", "freepeople.com@2006")


def raw(running: Running, sent: bytes, wait_s: float = 0.4) -> bytes:
    """What comes back for bytes as they are, until the connection ends or nothing more comes."""
    with socket.create_connection(("127.0.0.1", running.port)) as client:
        client.settimeout(wait_s)
        client.sendall(sent)
        got = b""
        try:
            while data := client.recv(65_536):
                got += data
        except (TimeoutError, ConnectionResetError):
            pass
        return got


def head(method: str, target: str, *lines: str) -> bytes:
    return "\r\n".join([f"{method} {target} HTTP/1.1", "Host: localhost", *lines, "", ""]).encode("latin-1")


def close(method: str, target: str, *lines: str) -> bytes:
    return head(method, target, "Connection: close", *lines)


# --- other sites' pages -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def routes(running: Running) -> list[tuple[str, str]]:
    """Every method and address that the application has."""

    def within(routes: Sequence[BaseRoute], prefix: str) -> Iterator[tuple[str, str]]:
        for route in routes:
            if isinstance(route, Route):
                for method in route.methods or {"POST"}:
                    yield method, prefix + route.path
            elif isinstance(route, Mount):
                yield from within(route.routes, prefix + route.path)

    published = [
        (method.upper(), path) for path, methods in running.app.openapi()["paths"].items() for method in methods
    ]
    found = {*within(running.app.routes, ""), *published}
    return sorted({(method, re.sub(r"\{[^}]*\}", "x", path)) for method, path in found})


def test_no_address_reflects_an_origin_or_lets_one_in_with_credentials(
    http: httpx.Client, routes: list[tuple[str, str]]
) -> None:
    assert len(routes) > 30
    for method, path in routes:
        for origin in (EVIL, "null") if path in ("/", ASK) else (EVIL,):
            response = http.request(method, path, headers={"Origin": origin, **ANYTHING})
            assert response.status_code == 403, (method, path)
            assert not [name for name in response.headers if name.startswith("access-control-")], (method, path)


def test_no_address_takes_what_a_form_can_send(http: httpx.Client, routes: list[tuple[str, str]]) -> None:
    posts = sorted({path for method, path in routes if method == "POST"})
    assert ASK in posts
    for path in posts:
        for kind in ("text/plain", "application/x-www-form-urlencoded"):
            response = http.post(path, content=b'{"question":"x"}', headers={"Content-Type": kind, **ANYTHING})
            assert response.status_code in (404, 405, 415), (path, response.status_code)


@pytest.mark.parametrize("path", [ASK, "/own/leave", "/gradio_api/queue/join", "/v1/chat/completions", "/mcp"])
def test_nothing_is_done_for_another_site_that_does_not_say_its_name(http: httpx.Client, path: str) -> None:
    assert http.post(path, json={}, headers={"Sec-Fetch-Site": "cross-site", **ANYTHING}).status_code == 403


def test_an_allowed_page_never_gets_credentials(http: httpx.Client) -> None:
    response = http.get("/api/v1/policies", headers=PAGE)
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == SHOP
    assert "access-control-allow-credentials" not in response.headers
    assert "set-cookie" not in response.headers


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "evil.example:80"]
)
def test_a_name_that_was_rebound_to_this_machine_gets_nothing(http: httpx.Client, host: str) -> None:
    headers = {"Host": host, "Origin": f"http://{host}", "X-Forwarded-Host": "localhost", "Forwarded": "host=localhost"}
    for path in ("/", "/api/v1/policies", "/config"):
        response = http.get(path, headers=headers)
        assert response.status_code == 421
        assert "evil" not in response.text


# --- scopes -----------------------------------------------------------------------------------------------------------

SPELLINGS: Final = (
    "freepeople.com", "FREEPEOPLE.COM", "www.freepeople.com", "https://freepeople.com/", "freepeople.com@2006-12-05",
    "freepeople.com__2006-12-05", " freepeople.com ", "freepeople.com.", "freepeople\u200b.com", "ｆreepeople.com",
    "perriconemd.com/../freepeople.com", "perriconemd.com\nfreepeople.com", "perriconemd.com,freepeople.com",
    "freepeople.com@2006-12-05@perriconemd.com", "own:x", "never-indexed.example", "%66reepeople.com",
    "freepeople.com\x00",
)  # fmt: skip


def reached(response: httpx.Response) -> bool:
    """Whether a response has words of a policy that its caller was not given."""
    return any(words in response.text for words in FOREIGN)


@pytest.mark.parametrize(("who", "scope"), [*((PROGRAM, each) for each in SPELLINGS), (PAGE, SPELLINGS[0])])
def test_no_spelling_of_a_scope_leads_outside(http: httpx.Client, who: dict[str, str], scope: str) -> None:
    question = "do you sell my email address?"
    in_path = quote(scope, safe="")
    asked = [
        http.post(ASK, json={"question": question, "scope": scope}, headers=who),
        http.post(ASK, json={"question": "does Perricone MD sell it?", "scope": scope}, headers=who),
        http.post(f"{ASK}/stream", json={"question": question, "scope": scope}, headers=who),
        http.get("/api/v1/compare", params={"question": question, "scope": ["perriconemd.com", scope]}, headers=who),
        http.get(f"/api/v1/policies/{in_path}", headers=who),
        http.get(f"/api/v1/policies/{in_path}/label", headers=who),
        http.get(f"/api/v1/policies/{in_path}/changes", headers=who),
        http.get("/api/v1/policies/perriconemd.com/changes", params={"since": scope}, headers=who),
        http.post(
            "/v1/chat/completions",
            json={"model": f"fineprint/{scope}", "messages": [{"role": "user", "content": question}]},
            headers=who,
        ),
    ]
    for response in asked:
        assert not reached(response), response.text
        # A stream that had to wait has begun when it is refused, and says so in an event.
        refused = response.status_code in (400, 403, 404, 405, 422) or "event: error" in response.text
        assert refused, (response.request.url, response.text)


@pytest.mark.parametrize("who", [PAGE, PROGRAM], ids=["page", "program"])
def test_no_list_names_what_lies_outside(http: httpx.Client, who: dict[str, str]) -> None:
    for path in (
        "/api/v1/policies",
        "/api/v1/policies?q=people",
        "/api/v1/sites?q=free",
        "/api/v1/sites",
        "/v1/models",
    ):
        response = http.get(path, headers=who)
        assert response.status_code == 200
        assert "freepeople" not in response.text, path
    assert http.get("/api/v1/catalogue", headers=who).json()["policies"] == 1


def test_nobody_judges_answers_about_what_lies_outside(http: httpx.Client) -> None:
    outside = {"rating": "down", "policy_id": "freepeople.com@2006-12-05"}
    place = {"policy_id": "freepeople.com@2006-12-05", "start": 1, "end": 2}
    for body in (outside, {"rating": "down", "citations": [place]}):
        assert http.post("/api/v1/feedback", json=body, headers=PROGRAM).status_code == 403
    within = {"rating": "up", "policy_id": "perriconemd.com@2011-03-06"}
    assert http.post("/api/v1/feedback", json=within, headers=PROGRAM).status_code == 201


@pytest.mark.parametrize(
    "tool", ["ask_policy", "compare_policies", "find_policy", "read_policy_section", "policy_changes"]
)
def test_no_tool_leads_outside(http: httpx.Client, tool: str) -> None:
    guesses = {
        "question": "does Free People sell my email address?", "scope": "freepeople.com", "policy": "freepeople.com",
        "query": "free people", "scopes": ["perriconemd.com", "freepeople.com"], "policies": ["freepeople.com"],
    }  # fmt: skip
    for arguments in (guesses, *({name: value} for name, value in guesses.items())):
        call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}
        headers = {**PROGRAM, "Accept": "application/json, text/event-stream"}
        response = http.post("/mcp", json=call, headers=headers)
        assert response.status_code < 500
        assert not reached(response), response.text


def test_the_chat_pages_own_addresses_are_closed_to_other_pages(http: httpx.Client) -> None:
    for method, path in (
        ("GET", "/view/policy/perriconemd.com"),
        ("POST", "/own/add"),
        ("POST", "/gradio_api/queue/join"),
    ):
        assert http.request(method, path, headers=PAGE, json={} if method == "POST" else None).status_code == 403


# --- keys -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/api/v1/policies", "/v1/models", "/metrics", "/api/v1/compare", "/api/v1/nothing"])
def test_without_a_key_a_program_learns_nothing(http: httpx.Client, path: str) -> None:
    for headers in ({}, {"X-API-Key": "fp_wrong"}, {"Authorization": "Bearer x"}, {"Authorization": "Basic eDp4"}):
        response = http.get(path, headers=headers)
        assert response.status_code == 401
        assert response.headers["www-authenticate"].startswith("Bearer")
    assert http.get("/healthz").status_code == 200


def test_no_time_tells_how_much_of_a_key_was_right() -> None:
    """Generously: that no comparison ends early is what the test of the comparison shows (test_access)."""
    door = Door(Settings(api_keys=(KEPT, KEPT_WHOLE)))

    def seconds(shown: str) -> float:
        scope: dict[str, Any] = {
            "type": "http", "path": ASK, "method": "POST", "headers": [(b"x-api-key", shown.encode())]
        }  # fmt: skip
        started = time.thread_time()
        for _ in range(100):
            with pytest.raises(Refused):
                door.caller(scope, None)
        return time.thread_time() - started

    near, far = KEY[:-1] + ("a" if KEY[-1] != "a" else "b"), "fp_" + "~" * 43
    times = [(seconds(near), seconds(far)) for _ in range(7)]
    ratio = min(one for one, _ in times) / min(other for _, other in times)
    assert 0.5 < ratio < 2


# --- bytes ------------------------------------------------------------------------------------------------------------

JSON_BODY: Final = ("Content-Type: application/json", f"X-API-Key: {WHOLE}")


@pytest.mark.parametrize(
    "sent",
    [
        head("POST", ASK, *JSON_BODY, "Content-Length: 5", "Transfer-Encoding: chunked") + b"0\r\n\r\n",
        head("POST", ASK, *JSON_BODY, "Transfer-Encoding: chunked", "Content-Length: 5") + b"0\r\n\r\n",
        head("POST", ASK, *JSON_BODY, "Content-Length: 2", "Content-Length: 9") + b"{}1234567",
        head("POST", ASK, *JSON_BODY, "Content-Length: 2", "Content-Length: 2") + b"{}",
        head("POST", ASK, *JSON_BODY, "Content-Length: +2") + b"{}",
        head("POST", ASK, *JSON_BODY, "Content-Length: -2") + b"{}",
        head("POST", ASK, *JSON_BODY, "Transfer-Encoding: xchunked") + b"0\r\n\r\n",
        head("POST", ASK, *JSON_BODY, "Transfer-Encoding: chunked, identity") + b"0\r\n\r\n",
        head("POST", ASK, *JSON_BODY, "Transfer-Encoding : chunked") + b"0\r\n\r\n",
        head("POST", ASK, *JSON_BODY, "Transfer-Encoding: chunked") + b"2;\nxx\r\n{}\r\n0\r\n\r\n",
        head("POST", ASK, *JSON_BODY, "Transfer-Encoding: chunked") + b"-2\r\n{}\r\n0\r\n\r\n",
        head("GET", "/healthz", "X-A: b\r\n c"),
        b"GET /healthz HTTP/1.1\nHost: localhost\n\n",
        head("GET", "/healthz", "X-A: b\nX-B: c"),
        head("GET", "/healthz", "X-A: b\rX-B: c"),
        head("GET", "/healthz", "X-A: b\x00c"),
        head("GET", "/healthz", "Host: evil.example"),
        b"GET /healthz HTTP/1.1\r\n\r\n",
    ],
    ids=lambda sent: re.sub(rb"[^\w :+,-]+", b" ", sent)[60:150].decode(),
)  # fmt: skip
def test_a_request_that_two_servers_could_read_differently_is_refused_and_nothing_after_it_is_read(
    running: Running, sent: bytes
) -> None:
    got = raw(running, sent + close("GET", "/healthz"))
    statuses = re.findall(rb"HTTP/1\.1 (\d+)", got)
    assert statuses[0] == b"400"
    # Where only a Host is at fault, where the request ends is beyond doubt.
    assert len(statuses) == (2 if b"bad_host" in got else 1)


INJECTIONS: Final = (
    "%0d%0aX-Injected:%20yes",
    "%0aX-Injected:%20yes",
    "\x85X-Injected: yes",
    "%00",
    "%e5%98%8a%e5%98%8dX-Injected:yes",
)


@pytest.mark.parametrize("injected", INJECTIONS)
def test_nothing_that_is_sent_becomes_a_header_or_a_line_of_the_log(running: Running, injected: str) -> None:
    before = len(running.log.lines)
    key = f"X-API-Key: {WHOLE}"
    for target, *lines in (
        (f"/api/v1/policies/{injected}", key),
        (f"/api/v1/policies/perriconemd.com/label?format=svg&theme={injected}", key),
        (f"/api/v1/policies?q={injected}", key),
        (f"/{injected}", key),
        (f"/view/policy/{injected}?key={injected}", key),
        (f"/widget/{injected}", key),
        ("/healthz", f"X-Request-Id: {injected}", f"Origin: {injected}"),
        ("/api/v1/policies", f"X-API-Key: {injected}", f"User-Agent: {injected}", f"Referer: {injected}"),
    ):
        headers, _, _ = raw(running, close("GET", target, *lines)).partition(b"\r\n\r\n")
        assert b"\nx-injected" not in headers.lower(), target
        assert headers.startswith(b"HTTP/1.1 ")
        assert not headers.startswith(b"HTTP/1.1 5")
    lines = running.log.lines[before:]
    assert lines
    assert not [line for line in lines if "Injected" in line or not line.isprintable()]


@pytest.mark.parametrize(
    "path",
    [
        f"{base}{up}etc/passwd"
        for base in ("/", "/widget/", "/widget/demo/", "/assets/", "/static/", "/api/v1/policies/", "/view/policy/")
        for up in ("../../../../", "..%2f..%2f..%2f", "%2e%2e/%2e%2e/", "..%252f..%252f", "..\\..\\", "/", "%00/../")
    ]
    + ["/gradio_api/file=/etc/passwd", "/file=/etc/passwd", "/gradio_api/file/etc/passwd", "/static/%2fetc%2fpasswd"],
)  # fmt: skip
def test_no_path_leads_to_files(running: Running, path: str) -> None:
    got = raw(running, close("GET", path, f"X-API-Key: {WHOLE}"))
    assert b"root:" not in got
    assert re.match(rb"HTTP/1\.1 (4\d\d|30\d) ", got), got[:80]


@pytest.mark.parametrize("path", [ASK, f"{ASK}/stream", "/api/v1/feedback", "/v1/chat/completions", "/mcp", "/own/add"])
@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"[" * 100_000, 400),
        (b'{"question":' * 9_000 + b"1" + b"}" * 9_000, 400),
        (b'{"question": "\xff\xfe"}', 400),
        (b'{"question": "\xed\xa0\x80"}', 400),
        (b'{"question": "' + b"x" * 5_000_000 + b'"}', 413),
    ],
    ids=["arrays", "objects", "no utf-8", "half a character", "5 MB"],
)
def test_no_body_is_an_accident(http: httpx.Client, path: str, body: bytes, status: int) -> None:
    headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream", **ANYTHING}
    assert http.post(path, content=body, headers=headers).status_code == status


@pytest.mark.parametrize(
    "body",
    [
        '{"question": 1' + "0" * 5_000 + "}", '{"question": 1e999999}', '{"question": NaN}', '{"question": "\\ud800"}',
        '{"question": "x", "scope": "\\ud800"}', '{"question": "x", "as_of": "9999999999-01-01"}',
        '{"question": "x", "__proto__": {"scope": "y"}}', '{"question": {"$ne": 1}}', '{"question":"x"}{}',
        "null", "true", '""', '{"question": "' + "\\u0000" * 5 + '"}',
    ],
)  # fmt: skip
def test_no_value_is_an_accident(http: httpx.Client, body: str) -> None:
    headers = {"Content-Type": "application/json", **ANYTHING}
    for path in (ASK, f"{ASK}/stream", "/api/v1/feedback", "/v1/chat/completions"):
        response = http.post(path, content=body.encode(), headers=headers)
        assert 400 <= response.status_code < 500, (path, response.text)


MARKUP: Final = "<script>alert(1)</script><img src=x onerror=alert(2)>"


def test_markup_that_is_sent_never_comes_back_as_a_page(http: httpx.Client) -> None:
    encoded = quote(MARKUP)
    for path in (
        f"/api/v1/policies/{encoded}",
        f"/view/policy/{encoded}",
        f"/{encoded}",
        f"/embed?scope={encoded}",
        f"/docs?{encoded}",
    ):
        response = http.get(path, headers={**ANYTHING, "Referer": f"https://x.example/{encoded}"})
        if response.headers.get("content-type", "").startswith("text/html"):
            assert "<script>alert(1)" not in response.text
            assert "onerror=alert(2)>" not in response.text
        assert response.headers["x-content-type-options"] == "nosniff"
    answer = http.post(ASK, json={"question": f"does Perricone MD share {MARKUP}?"}, headers=ANYTHING)
    assert answer.headers["content-type"] == "application/json"


def test_a_question_is_not_in_the_log_of_the_service(http: httpx.Client, running: Running) -> None:
    http.post(ASK, json={"question": "does Perricone MD sell quokkas?"}, headers=ANYTHING)
    http.get("/api/v1/compare", params={"question": "quokkas?", "scope": "x"}, headers=ANYTHING)
    http.get("/api/v1/policies", params={"q": "quokkas"}, headers=ANYTHING)
    logged = "\n".join(running.log.lines)
    assert "route=/api/v1/compare" in logged
    assert "quokka" not in logged
    assert WHOLE not in logged
