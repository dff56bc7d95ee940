"""The whole application on a real socket, as an operator would set it up for one site of its own, with keys."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import httpx
import pytest
from fastapi import FastAPI

from qa.admission import ApiKey, digest_of, site_origins
from qa.settings import Settings
from tests.conftest import SAMPLES
from tests.ui.fakes import PreparedAnswers
from ui.app import create_app
from ui.connections import server_for
from ui.logs import ACCESS, TextLines

SHOP: Final = "https://shop.example"
EVIL: Final = "https://evil.example"
# Always the same: tests are named by what they send.
KEY: Final = "fp_" + "Kq7-" * 10 + "abc"
WHOLE: Final = "fp_" + "Wr2_" * 10 + "xyz"
KEPT: Final = ApiKey("program", digest_of(KEY), frozenset({"perriconemd.com"}))
KEPT_WHOLE: Final = ApiKey("whole", digest_of(WHOLE))


class Lines(logging.Handler):
    """Everything that is logged, as it would be written."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(TextLines())
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if not record.name.startswith(("httpx", "httpcore", "asyncio")):  # the test's own
            self.lines.append(self.format(record))


@dataclass
class Running:
    """The service: where it listens, what it is made of, and what it logs."""

    port: int
    app: FastAPI
    log: Lines


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    settings = Settings(
        index=tmp_path_factory.mktemp("index"),
        allowed_origins=site_origins(f"{SHOP}=perriconemd.com"),
        api_keys=(KEPT, KEPT_WHOLE),
        access_log="on",
    )
    app = create_app(PreparedAnswers.from_samples(SAMPLES), settings, loopback_only=True)
    server = server_for(app, app.state.drain, settings)
    log = Lines()
    logging.getLogger().addHandler(log)
    requests = logging.getLogger(ACCESS)
    level = requests.level
    requests.setLevel(logging.INFO)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        # As the service's own: what follows the headers would wait 40 ms for them to be acknowledged.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])), daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield Running(listener.getsockname()[1], app, log)
        server.should_exit = True
        thread.join(30)
    logging.getLogger().removeHandler(log)
    requests.setLevel(level)
    assert not thread.is_alive()


@pytest.fixture(scope="session")
def http(running: Running) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"http://127.0.0.1:{running.port}", timeout=30) as client:
        yield client
