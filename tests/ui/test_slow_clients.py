"""Clients that dawdle or leave, against the whole application on a real server on loopback."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import httpx
import pytest
import uvicorn

from qa.domain import Answer, Progress, Question
from qa.settings import Settings
from tests.conftest import SAMPLES
from tests.ui.fakes import PreparedAnswers
from ui.app import create_app
from ui.connections import PatientProtocol

PERRICONE = "does Perricone MD share my data?"
LONG = "a long question about cookies"
SOON_S = 3.0
"""Within which a question is answered, whatever others do; alone it takes a few milliseconds."""


@dataclass
class Stepwise(PreparedAnswers):
    """Answers a long question in many steps, each when it is let; remembers how many were made."""

    steps: int = 0
    begun: int = 0
    let: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def stream(self, question: Question) -> Iterator[Progress | Answer]:
        if question.text != LONG:
            yield from super().stream(question)
            return
        self.begun += 1
        for _ in range(100):
            self.let.acquire(timeout=60)
            self.steps += 1
            yield Progress("reading")
        yield self.ask(Question(PERRICONE))


@dataclass(frozen=True)
class Running:
    port: int
    service: Stepwise

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def connected(self) -> socket.socket:
        client = socket.create_connection(("127.0.0.1", self.port))
        client.settimeout(30)
        return client

    def asking(self, question: str, path: str = "/api/v1/ask") -> socket.socket:
        """A connection over which a question was sent, whole."""
        client = self.connected()
        client.sendall(request(path, question))
        return client

    def idle(self) -> bool:
        """Whether nothing runs or waits; lets what runs make one step more each."""
        self.service.let.release(2)
        return self.figure("queue_running") + self.figure("queue_waiting") == 0

    def figure(self, name: str) -> float:
        for line in httpx.get(f"{self.address}/metrics").text.splitlines():
            if line.startswith(f"fineprint_{name} "):
                return float(line.split()[1])
        raise AssertionError(f"there is no figure {name}")


def request(path: str, question: str) -> bytes:
    body = json.dumps({"question": question}).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    )
    return head.encode() + b"\r\n" + body


def until(seen: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not seen():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.01)


@pytest.fixture(scope="module")
def whole() -> Iterator[Running]:
    service = Stepwise.from_samples(SAMPLES)
    assert isinstance(service, Stepwise)
    config = uvicorn.Config(
        create_app(service, Settings(concurrency=2, queue=8)),
        http=PatientProtocol, ws="none", log_config=None, log_level="error", timeout_graceful_shutdown=1,
    )  # fmt: skip
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        until(lambda: server.started)
        try:
            yield Running(listener.getsockname()[1], service)
        finally:
            server.should_exit = True
            thread.join(20)
            assert not thread.is_alive()


@pytest.fixture
def running(whole: Running) -> Iterator[Running]:
    whole.service.renew()
    whole.service.steps = whole.service.begun = 0
    whole.service.let = threading.Semaphore(0)
    yield whole
    until(whole.idle)


def test_clients_that_trickle_and_readers_that_stop_delay_nobody(running: Running) -> None:
    with contextlib.ExitStack() as stack:
        whole = request("/api/v1/ask", PERRICONE)
        for sent in (whole[:40], whole[:-10], whole[: whole.index(b"\r\n\r\n") + 5]):
            for _ in range(10):
                stack.enter_context(running.connected()).sendall(sent)
        for _ in range(20):
            stack.enter_context(running.asking(PERRICONE, "/api/v1/ask/stream"))
        until(lambda: running.figure("requests_open") >= 20)  # the bodies that are waited for, and the scrape itself
        for path in ("/api/v1/ask", "/api/v1/ask/stream"):
            began = time.monotonic()
            response = httpx.post(f"{running.address}{path}", json={"question": PERRICONE}, timeout=SOON_S)
            assert response.status_code == 200
            assert "[1]" in response.text
            assert time.monotonic() - began < SOON_S


@pytest.mark.parametrize("path", ["/api/v1/ask", "/api/v1/ask/stream"])
def test_the_work_for_a_client_that_leaves_ends_at_its_next_step(running: Running, path: str) -> None:
    with running.asking(LONG, path):
        until(lambda: running.service.begun == 1)
        running.service.let.release()
        until(lambda: running.service.steps == 1)
        gone = running.figure("queue_gone_total")
    until(lambda: running.figure("queue_gone_total") == gone + 1)
    until(running.idle)
    assert running.service.steps <= 4


def test_a_client_that_leaves_the_queue_is_never_worked_for(running: Running) -> None:
    with running.asking(LONG), running.asking(LONG):
        until(lambda: running.service.begun == 2)
        with running.asking(LONG), running.asking(LONG, "/api/v1/ask/stream"):
            until(lambda: running.figure("queue_waiting") == 2)
        until(lambda: running.figure("queue_waiting") == 0)
    until(running.idle)
    assert running.service.begun == 2


def test_a_queue_that_is_full_turns_away_at_once_and_recovers(running: Running) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(10):
            stack.enter_context(running.asking(LONG))
        until(lambda: running.figure("queue_waiting") == 8)
        turned_away = running.figure("queue_turned_away_total")
        response = httpx.post(f"{running.address}/api/v1/ask", json={"question": PERRICONE}, timeout=SOON_S)
        assert response.status_code == 503
        assert int(response.headers["retry-after"]) >= 1
        assert running.figure("queue_turned_away_total") == turned_away + 1
    until(running.idle)
    assert httpx.post(f"{running.address}/api/v1/ask", json={"question": PERRICONE}).status_code == 200
