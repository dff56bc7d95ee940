"""What every test may rely on: a clean environment, and no connection but loopback (pytest-socket, see pyproject)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

SAMPLES = Path(__file__).parent.parent / "ingest" / "samples"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of the machine reaches a test, and no test writes into the user's folders."""
    for name in os.environ:
        if name.startswith("FINEPRINT_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg-data"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def samples() -> Path:
    """The folder of the four bundled policies."""
    return SAMPLES
