"""What every test may rely on: a clean environment, and no connection but loopback (pytest-socket, see pyproject)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from filelock import FileLock

SAMPLES = Path(__file__).parent.parent / "ingest" / "samples"

# What takes longest comes first, so that no worker is left with it at the end: browsers, which also wait, and others.
FIRST = (
    "qa/test_served",
    "e2e/test_finding", "e2e/test_chat", "qa/test_store", "e2e/test_hostile", "e2e/test_accessible", "ui/test_cli",
    "e2e/test_keyboard", "e2e/test_writing", "qa/test_chatmodel_served", "qa/test_chatmodel", "adversary/test_lies",
    "qa/test_crash", "e2e/test_compare", "e2e/test_widget", "qa/test_encoders", "e2e/test_own",
    "test_promises", "e2e/test_label", "e2e/test_lookback", "ui/test_own", "e2e/test_stopping", "ingest/test_apart",
    "e2e/test_address", "ui/test_assistants", "e2e/test_reference", "security/test_probes", "qa/test_training",
    "ingest/test_webpage", "ingest/test_fetching", "ui/test_addresses", "qa/test_asking_in", "qa/test_library",
    "adversary/test_injections",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    ranks = {Path(__file__).parent / f"{name}.py": rank for rank, name in enumerate(FIRST)}
    items.sort(key=lambda item: ranks.get(item.path, len(FIRST)))


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of the machine reaches a test, and no test writes into the user's folders."""
    for name in os.environ:
        if name.startswith("FINEPRINT_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg-data"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def sampled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of the samples with the bundled model, made once for all workers; to be copied."""
    from ingest.pipeline import ingest_paths, sample_paths
    from qa.settings import Settings, default_cache

    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "sampled"
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            made = tmp_path_factory.mktemp("made") / "index"
            assert ingest_paths(sample_paths(), Settings(index=made, cache=default_cache())).added == 4
            made.rename(folder)
    return folder


@pytest.fixture
def samples() -> Path:
    """The folder of the four bundled policies."""
    return SAMPLES
