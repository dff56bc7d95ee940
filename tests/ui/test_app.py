from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading

import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from starlette.testclient import TestClient

from qa.admission import site_origins
from qa.errors import InvalidSettings
from qa.settings import Settings
from tests.chroma import free_port
from tests.ui.fakes import PreparedAnswers
from ui.app import CannotListen, create_app, serve
from ui.draining import Drain


class EndedHereError(Exception):
    """Ends a service that has come as far as a test wants it to."""


def bare() -> FastAPI:
    """An application with nothing in it."""
    app = FastAPI()
    app.state.drain = Drain()
    return app


@pytest.mark.parametrize("path", ["/", "/healthz", "/api/v1/nothing", "/gradio_api/upload", "/assets/nothing.js"])
def test_every_response_has_the_security_headers(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    policy = headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert ("default-src 'self'" if path == "/" else "default-src 'none'") in policy
    assert "http" not in policy


def test_the_chat_is_at_the_root_and_names_itself(client: TestClient) -> None:
    page = client.get("/").text
    assert '<meta property="og:title" content="fineprint" />' in page
    assert "fp-proof" in page


def test_nobody_but_the_operator_says_what_the_pages_own_address_is(
    client: TestClient, answers: PreparedAnswers, settings: Settings
) -> None:
    for header in ("X-Forwarded-Host", "X-Gradio-Server"):
        response = client.get("/", headers={header: "https://evil.example"})
        assert "evil.example" not in response.text
        assert response.headers["cache-control"] == "private, no-cache"
        assert "evil.example" not in client.get("/config", headers={header: "https://evil.example"}).text
    public = settings.model_copy(update={"public_url": "https://shop.example"})
    with TestClient(create_app(answers, public), base_url="http://192.0.2.1") as behind:
        assert "shop.example" in behind.get("/config", headers={"X-Forwarded-Host": "shop.example"}).text


@pytest.mark.parametrize(
    "path",
    [
        "upload",
        "file=/etc/passwd",
        "proxy=http://example.com/",
        "call/respond",
        "call/v2/respond",
        "run/respond",
        "api/respond",
        "run/predict/../../upload",
        "stream/x/1/1/playlist.m3u8",
        "custom_component/x/y/z/w",
        "login",
        "dev/reload",
    ],
)
def test_what_the_chat_does_not_need_of_gradio_is_closed(client: TestClient, path: str) -> None:
    assert client.post(f"/gradio_api/{path}").status_code == 404
    assert client.get(f"/gradio_api/{path}").status_code == 404


def test_nothing_of_gradio_is_reached_by_another_path(client: TestClient) -> None:
    for path in ("/upload", "/queue/join", "/run/predict", "//gradio_api/upload", "/gradio_api//upload"):
        assert client.post(path, json={}).status_code in (404, 405)


def test_what_makes_the_service_work_is_not_called_past_the_queue(client: TestClient) -> None:
    config = client.get("/config").json()
    queued = [each for each in config["dependencies"] if each["queue"] and each["backend_fn"]]
    assert len(queued) > 5
    for each in queued:
        call = {"fn_index": each["id"], "data": [""] * len(each["inputs"]), "session_hash": "x"}
        assert client.post("/gradio_api/run/predict", json=call).status_code == 404, each["api_name"]


@pytest.mark.parametrize("path", ["/redoc", "/gradio_api/docs"])
def test_pages_that_would_fetch_from_elsewhere_are_off(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_no_origin_is_allowed_unless_named(client: TestClient, answers: PreparedAnswers, settings: Settings) -> None:
    origin = {"Origin": "https://shop.example"}
    for path in ("/", "/api/v1/policies", "/config"):
        assert "access-control-allow-origin" not in client.get(path, headers=origin).headers
    allowing = settings.model_copy(update={"allowed_origins": site_origins("https://shop.example")})
    with TestClient(create_app(answers, allowing)) as open_client:
        allowed = open_client.get("/api/v1/policies", headers=origin).headers
        assert allowed["access-control-allow-origin"] == "https://shop.example"
        other = open_client.get("/api/v1/policies", headers={"Origin": "https://other.example"}).headers
        assert "access-control-allow-origin" not in other


def test_analytics_flagging_and_run_history_are_off(client: TestClient) -> None:
    config = client.get("/config").json()
    assert config["analytics_enabled"] is False
    assert not config.get("run_history")
    assert "flag" not in {dependency["api_name"] for dependency in config["dependencies"]}


def test_it_warms_up_by_itself_and_closes_nothing_that_is_not_its_own(
    answers: PreparedAnswers, settings: Settings
) -> None:
    with TestClient(create_app(answers, settings)):
        pass
    assert answers.warmed == 1
    assert answers.closed == 0


def test_a_port_in_use_is_said_with_another_to_take(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CannotListen, match=rf"Port {port} .* in use.*--port {port + 1}"):
            serve(settings, host="127.0.0.1", port=port, announce=lambda _: None)


def test_who_comes_while_the_service_is_being_made_is_refused_and_not_kept_waiting(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()

    def reached() -> bool:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except ConnectionRefusedError:
            return False
        return True

    made: list[bool] = []
    announced: list[bool] = []

    def announce(_: str) -> None:
        announced.append(reached())
        raise EndedHereError

    monkeypatch.setattr("ui.logs.set_up_logs", lambda _: None)

    def create(*_: object, **__: object) -> FastAPI:
        made.append(reached())
        return bare()

    monkeypatch.setattr("ui.app.create_app", create)
    with pytest.raises(EndedHereError):
        serve(settings, host="127.0.0.1", port=port, announce=announce)
    assert (made, announced) == ([False], [True])


def test_who_ends_the_service_as_soon_as_its_address_is_printed_does_end_it(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ui.logs.set_up_logs", lambda _: None)
    monkeypatch.setattr("ui.app.create_app", lambda *_, **__: bare())
    too_late: list[int] = []
    previous = signal.signal(signal.SIGTERM, lambda *_: too_late.append(signal.SIGTERM))
    rescue = threading.Timer(10, os.kill, (os.getpid(), signal.SIGINT))
    rescue.start()
    try:
        serve(settings, host="127.0.0.1", port=0, announce=lambda _: signal.raise_signal(signal.SIGTERM))
        assert not rescue.finished.is_set()
    finally:
        rescue.cancel()
        signal.signal(signal.SIGTERM, previous)
    assert too_late == []


def test_a_port_that_another_took_in_the_meantime_is_said_as_well(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    with contextlib.ExitStack() as others:
        monkeypatch.setattr("ui.logs.set_up_logs", lambda _: None)
        monkeypatch.setattr(
            "ui.app.create_app", lambda *_, **__: others.enter_context(socket.create_server(("127.0.0.1", port)))
        )
        with pytest.raises(CannotListen, match=rf"Port {port} .* in use"):
            serve(settings, host="127.0.0.1", port=port, announce=lambda _: None)


def test_a_setting_that_cannot_be_used_is_said_before_anybody_asks(
    answers: PreparedAnswers, settings: Settings
) -> None:
    with pytest.raises(InvalidSettings, match="RATE_LIMIT_STORAGE"):
        create_app(answers, settings.model_copy(update={"rate_limit_storage": SecretStr("foo://host")}))


def test_an_address_that_is_none_is_said(settings: Settings) -> None:
    with pytest.raises(CannotListen, match="--host"):
        serve(settings, host="256.1.1.1", port=0, announce=lambda _: None)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Gradio counts its calls with pandas, in an older way
def test_no_session_of_gradio_keeps_what_was_asked_and_answered(client: TestClient, app: FastAPI) -> None:
    config = client.get("/config").json()
    names = {each["id"]: each["props"].get("elem_id") for each in config["components"]}
    asking = next(d for d in config["dependencies"] if "fp-asked" in [names[n] for n in d["inputs"]])
    question = "Does Perricone MD share my data with quolls?"
    call = {"data": [[], "", question], "fn_index": asking["id"], "session_hash": "quolls"}
    assert client.post("/gradio_api/queue/join", json=call).status_code == 200
    assert question in client.get("/gradio_api/queue/data?session_hash=quolls").text
    (gradio,) = (route.app for route in app.routes if hasattr(getattr(route, "app", None), "state_holder"))
    session = gradio.state_holder.session_data["quolls"]
    assert names.keys() & session.config_values.keys()
    assert "quolls" not in repr(session.config_values)
