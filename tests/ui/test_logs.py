from __future__ import annotations

import io
import itertools
import json
import logging
import sqlite3
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from pydantic import TypeAdapter
from starlette.testclient import TestClient

from qa.errors import IndexDamaged
from qa.settings import Settings
from tests.ui.fakes import PreparedAnswers
from ui.access import Caller
from ui.logs import AccessLog, JsonLines, TextLines, set_up_logs
from ui.requests import request_id
from ui.watching import Served

FORGED = "shop\r\n2026-01-01 ERROR forged\x1b[2J\u2028forged\u202eforged\x00"
SECRET = "does it share quolls?"


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What a process with our logs writes; the loggers are afterwards as they were."""
    ours = ("", "fineprint", "fineprint.access", "qa", "ingest", "eval", "ui", "py.warnings")
    libraries = (
        "uvicorn",
        "uvicorn.error",
        "chromadb",
        "chromadb.api",
        "gradio.queueing",
        "sse_starlette.sse",
        "httpcore",
    )
    before = {name: logging.getLogger(name).level for name in (*ours, *libraries)}
    for name in libraries:  # other tests may have run a server, or fetched
        logging.getLogger(name).setLevel(logging.NOTSET)
    root = logging.getLogger()
    handlers, hook = root.handlers[:], threading.excepthook
    yield io.StringIO()
    logging.captureWarnings(False)
    threading.excepthook = hook
    root.handlers[:] = handlers
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


def settings(**values: Any) -> Settings:
    return Settings(**values)


def record(
    message: str, *arguments: Any, logger: str = "ui.x", error: BaseException | None = None
) -> logging.LogRecord:
    info = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord(logger, logging.WARNING, __file__, 7, message, arguments, info)


def raised(error: BaseException, cause: BaseException | None = None) -> BaseException:
    with pytest.raises(type(error)) as caught:
        raise error from cause
    return caught.value


@pytest.mark.parametrize("form", [TextLines(), JsonLines()], ids=["text", "json"])
def test_nothing_that_is_logged_begins_a_line_or_moves_a_cursor(form: logging.Formatter) -> None:
    error = raised(IndexDamaged(FORGED))
    error.__traceback__ = None
    line = form.format(record("the policy %s is odd", FORGED, error=error))
    assert len(line.splitlines()) == (2 if isinstance(form, TextLines) else 1)
    assert all(char.isprintable() for char in line.replace("\n", ""))
    assert "forged" in line


def test_an_access_line_cannot_be_forged_by_names() -> None:
    entry = record("request")
    entry.fields = {"key": FORGED, "route": FORGED}
    assert len(TextLines().format(entry).splitlines()) == 1
    assert json.loads(JsonLines().format(entry))["key"] == FORGED


@pytest.mark.parametrize("form", [TextLines(), JsonLines()], ids=["text", "json"])
def test_a_line_names_its_request(form: logging.Formatter) -> None:
    token = request_id.set("a1b2")
    try:
        line = form.format(record("odd"))
    finally:
        request_id.reset(token)
    assert "a1b2" in line
    assert "a1b2" not in form.format(record("odd"))


def test_a_line_of_json_has_time_level_logger_and_message() -> None:
    entry = json.loads(JsonLines().format(record("%d things", 3)))
    assert (entry["level"], entry["logger"], entry["message"]) == ("WARNING", "ui.x", "3 things")
    assert entry["time"].endswith("+00:00")


@pytest.mark.parametrize(
    "error",
    [
        ValueError(SECRET),
        KeyError(SECRET),
        RuntimeError(SECRET),
        UnicodeEncodeError("ascii", SECRET, 0, 1, SECRET),
        raised(RuntimeError("outer"), raised(ValueError(SECRET))),
        ExceptionGroup(SECRET, [ValueError(SECRET)]),
    ],
)
def test_an_unexpected_exception_is_told_by_place_and_kind_and_not_by_its_text(error: BaseException) -> None:
    line = TextLines().format(record("asking failed", error=raised(error)))
    assert "quolls" not in line
    assert type(error).__name__ in line
    assert "test_logs.py" in line


def test_a_refused_value_is_not_told() -> None:
    with pytest.raises(ValueError, match="quolls") as caught:
        TypeAdapter(int).validate_python(SECRET)
    line = TextLines().format(record("asking failed", error=caught.value))
    assert "quolls" not in line
    assert "ValidationError" in line


@pytest.mark.parametrize(
    "error",
    [
        OSError(28, "No space left on device"),
        sqlite3.OperationalError("database is locked"),
        IndexDamaged("x"),
        NameError("name 'reader' is not defined"),
    ],
)
def test_what_an_exception_says_of_the_machine_is_told(error: Exception) -> None:
    assert str(error) in TextLines().format(record("asking failed", error=raised(error)))


def test_causes_come_before_what_they_caused() -> None:
    line = TextLines().format(record("failed", error=raised(TypeError("second"), raised(OSError("first")))))
    assert line.index("first") < line.index("second")


@pytest.mark.parametrize("name", ["gradio", "mcp.server.lowlevel.server", "asyncio", "root", "py.warnings"])
def test_a_library_that_may_quote_what_was_sent_is_told_by_its_place(name: str) -> None:
    line = TextLines().format(record(f"Message was: {SECRET}", logger=name))
    assert "quolls" not in line
    assert name in line
    assert "test_logs:7" in line


def test_a_warning_is_told_by_its_place_and_kind(written: io.StringIO) -> None:
    set_up_logs(settings(), written)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning(UserWarning(SECRET), UserWarning, "/library/x.py", 7, line=SECRET)
    assert "/library/x.py:7: UserWarning" in written.getvalue()
    assert "quolls" not in written.getvalue()


def test_one_handler_writes_for_every_library(written: io.StringIO) -> None:
    set_up_logs(settings(), written)
    set_up_logs(settings(), written)
    for name in ("ui.feedback", "uvicorn.error", "chromadb.api", "gradio.queueing"):
        logging.getLogger(name).warning("odd")
    assert [line.split()[2] for line in written.getvalue().splitlines()] == [
        "ui.feedback", "uvicorn.error", "chromadb.api", "gradio.queueing",
    ]  # fmt: skip


def test_debug_is_for_our_own_messages_only(written: io.StringIO) -> None:
    set_up_logs(settings(log_level="debug"), written)
    logging.getLogger("qa.service").debug("ours")
    logging.getLogger("sse_starlette.sse").debug("chunk: %s", SECRET)
    logging.getLogger("httpcore").setLevel(logging.INFO)  # as ``ingest.fetching`` leaves it
    logging.getLogger("httpcore").info("theirs")
    assert "ours" in written.getvalue()
    assert len(written.getvalue().splitlines()) == 1


def test_the_level_is_the_one_that_is_set(written: io.StringIO) -> None:
    set_up_logs(settings(log_level="error"), written)
    logging.getLogger("ui.live").warning("odd")
    assert written.getvalue() == ""


def test_the_option_debug_is_for_our_own_messages_too(written: io.StringIO) -> None:
    logging.getLogger().setLevel(logging.DEBUG)  # as `fineprint --debug` does
    set_up_logs(settings(), written)
    logging.getLogger("ui.live").debug("ours")
    logging.getLogger("mcp.server").debug("theirs")
    assert "ours" in written.getvalue()
    assert len(written.getvalue().splitlines()) == 1


def test_a_failing_thread_is_logged_without_what_it_says(written: io.StringIO) -> None:
    set_up_logs(settings(), written)

    def fail() -> None:
        raise RuntimeError(SECRET)

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    assert "RuntimeError" in written.getvalue()
    assert "quolls" not in written.getvalue()


SERVED = Served("a1", "POST", "/api/v1/ask", 200, None, Caller("192.0.2.7", key="shop"), 0.0423, 900, whole=True)


def test_requests_are_not_logged_unless_that_is_wanted(written: io.StringIO) -> None:
    set_up_logs(settings(log_level="debug"), written)
    AccessLog().ended(SERVED)
    assert written.getvalue() == ""


@pytest.mark.parametrize("level", ["debug", "info", "error"])
def test_an_access_line_has_route_status_time_size_and_key_and_no_address(written: io.StringIO, level: str) -> None:
    set_up_logs(settings(access_log="on", log_format="json", log_level=level), written)
    AccessLog().ended(SERVED)
    entry = json.loads(written.getvalue())
    assert entry.pop("time")
    assert entry == {
        "level": "INFO", "logger": "fineprint.access", "message": "request", "method": "POST", "route": "/api/v1/ask",
        "status": 200, "ms": 42.3, "bytes": 900, "key": "shop",
    }  # fmt: skip


def test_standard_error_is_where_logs_go(written: io.StringIO, capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs(settings())
    logging.getLogger("ui.live").warning("odd")
    print("an answer", file=sys.stdout)
    output = capsys.readouterr()
    assert "odd" in output.err
    assert output.out == "an answer\n"


# --- the whole application --------------------------------------------------------------------------------------------


def _ask(client: TestClient) -> object:
    return client.post("/api/v1/ask", json={"question": SECRET, "history": [SECRET], "scope": "perriconemd.com"})


def _stream(client: TestClient) -> object:
    return client.post("/api/v1/ask/stream", json={"question": SECRET, "scope": "perriconemd.com"}).text


def _compare(client: TestClient) -> object:
    return client.get(
        "/api/v1/compare", params={"question": SECRET, "scope": ["perriconemd.com", "freepeople.com"]}
    ).text


def _complete(client: TestClient) -> object:
    message = {"role": "user", "content": SECRET}
    return client.post("/v1/chat/completions", json={"model": "fineprint", "messages": [message]}).text


def _call_tool(client: TestClient) -> object:
    call = {"name": "ask_policy", "arguments": {"question": SECRET, "scope": "perriconemd.com"}}
    return client.post(
        "/mcp",
        json={"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call},
        headers={"Accept": "application/json, text/event-stream"},
    ).text


def _chat(client: TestClient) -> object:
    config = client.get("/config").json()
    names = {each["id"]: each["props"].get("elem_id") for each in config["components"]}
    asking = next(d for d in config["dependencies"] if "fp-asked" in [names[n] for n in d["inputs"]])
    session = f"logged{next(_sessions)}"
    call = {"data": [[], "", SECRET], "fn_index": asking["id"], "session_hash": session}
    client.post("/gradio_api/queue/join", json=call)
    return client.get(f"/gradio_api/queue/data?session_hash={session}").text


_sessions = itertools.count()


@pytest.mark.parametrize("problem", [None, RuntimeError(SECRET), ValueError(f"bad: {SECRET}")], ids=["well", "a", "b"])
@pytest.mark.parametrize("ask", [_ask, _stream, _compare, _complete, _call_tool, _chat])
def test_no_face_logs_what_was_asked_at_any_level(
    client: TestClient,
    answers: PreparedAnswers,
    written: io.StringIO,
    capfd: pytest.CaptureFixture[str],
    ask: Callable[[TestClient], object],
    problem: Exception | None,
) -> None:
    set_up_logs(settings(log_level="debug", access_log="on"), written)
    answers.problem = problem
    said = ask(client)
    assert problem or SECRET in [each.text for each in answers.asked], said
    assert "fineprint.access" in written.getvalue()
    output = capfd.readouterr()
    for text in (written.getvalue(), output.out, output.err):
        assert "quolls" not in text


@pytest.mark.parametrize("path", ["/api/v1/policies/a%0d%0aforged%1b[2J", "/x%0d%0aforged", "/assets/%1b[2Jforged.js"])
def test_an_access_line_says_nothing_of_an_address_but_its_route(
    client: TestClient, written: io.StringIO, path: str
) -> None:
    set_up_logs(settings(access_log="on"), written)
    agent = {"User-Agent": "forged\x1b[2J", "Referer": "https://forged.example/", "X-Request-Id": "forged id"}
    client.get(f"{path}?q=forged", headers=agent)
    (line,) = written.getvalue().splitlines()
    assert "forged" not in line
    assert "testclient" not in line


@pytest.mark.parametrize("body", [b"\xff", b"{", b'{"data": "quolls"}', b'{"data": [["quolls"], 1, 2], "fn_index": 4}'])
def test_what_the_page_cannot_make_sense_of_is_not_printed(
    client: TestClient, written: io.StringIO, capfd: pytest.CaptureFixture[str], body: bytes
) -> None:
    set_up_logs(settings(log_level="debug"), written)
    for path in ("/gradio_api/queue/join", "/gradio_api/run/predict", "/own", "/api/v1/feedback"):
        client.post(path, content=body, headers={"Content-Type": "application/json"})
    output = capfd.readouterr()
    for text in (written.getvalue(), output.out, output.err):
        assert "quolls" not in text


def test_gradio_keeps_no_record_of_calls(client: TestClient, app: FastAPI) -> None:
    for _ in range(3):
        _chat(client)
    (gradio,) = (route.app for route in app.routes if hasattr(getattr(route, "app", None), "state_holder"))
    queue = gradio.get_blocks()._queue
    assert len(queue.event_analytics) <= 1
    assert queue.cached_event_analytics_summary == {"functions": {}}
