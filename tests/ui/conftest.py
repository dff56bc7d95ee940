from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from qa.settings import Settings
from tests.conftest import SAMPLES
from tests.ui.fakes import PreparedAnswers
from ui.app import create_app


@pytest.fixture(scope="session")
def service() -> PreparedAnswers:
    return PreparedAnswers.from_samples(SAMPLES)


@pytest.fixture
def answers(service: PreparedAnswers) -> PreparedAnswers:
    """The service that answers, as good as new."""
    service.renew()
    return service


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(index=tmp_path / "index", cache=tmp_path / "cache")


@pytest.fixture(scope="session")
def app(service: PreparedAnswers) -> FastAPI:
    """The whole application; making one takes a second."""
    return create_app(service, Settings())


@pytest.fixture(scope="session")
def running(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def client(running: TestClient, answers: PreparedAnswers) -> TestClient:
    """The whole application, started, in this process."""
    return running
