"""The rig that kills writers: a few kills for real, and whether it would notice what it looks for."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from eval.crashes import Outcome, Step, Writer, lines_of, look, policy_of, source_of
from qa.library import Library
from qa.settings import Settings
from tests.qa.test_library import ROOT, execute

BEFORE = {"site1.com": 1, "site2.com": 5}
A, B = "site1.com@2020-01-31", "site2.com@2020-01-31"


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("work")


@pytest.fixture(scope="module")
def settings(work: Path) -> Settings:
    """An index of two policies as a writer writes them."""
    settings = Settings(index=work / "index", cache=work)
    Writer(settings, work, {}, 1).do(Step("ingest", BEFORE, tuple(BEFORE)))
    return settings


def test_writers_that_are_killed_lose_nothing_that_they_acknowledged(tmp_path: Path) -> None:
    # In a process of its own: this one may have threads, of which a fork would have none.
    command = [sys.executable, "-m", "eval.crashes", "--kills", "2", "--seed", "7", "--out", str(tmp_path / "kills")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((tmp_path / "kills").read_text())
    assert (found["kills"], sum(found["killed_at"].values())) == (2, 2)


def test_the_state_that_was_acknowledged_is_well(settings: Settings) -> None:
    found = look(settings, BEFORE, None)
    assert (found.state, found.looked_at) == (BEFORE, 2)
    assert found.lost == found.half == found.unreadable == []


def test_a_policy_under_way_may_be_old_or_new_and_the_others_are_as_they_were(settings: Settings) -> None:
    for version in (0, 9):
        assert look(settings, {**BEFORE, "site1.com": version}, Step("ingest", BEFORE, ("site1.com",))).lost == []
        assert len(look(settings, {**BEFORE, "site1.com": version}, Step("ingest", BEFORE, ("site2.com",))).lost) == 1
    assert len(look(settings, {**BEFORE, "site3.com": 1}, None).lost) == 1
    assert len(look(settings, {"site1.com": 1}, None).half) == 1


def test_a_restore_under_way_happened_as_a_whole_or_not_at_all(settings: Settings) -> None:
    older = {"site1.com": 0, "site2.com": 4}
    assert look(settings, BEFORE, Step("restore", older)).half == []
    assert look(settings, older, Step("restore", BEFORE)).half == []
    mixed = {"site1.com": 0, "site2.com": 5}
    assert len(look(settings, mixed, Step("restore", older)).half) == 1


def test_what_is_half_or_cannot_be_read_is_noticed(settings: Settings, tmp_path: Path) -> None:
    own = Settings(index=tmp_path / "index", cache=tmp_path)
    Writer(own, tmp_path, {}, 1).do(Step("ingest", BEFORE, tuple(BEFORE)))
    assert look(Settings(index=tmp_path / "none", cache=tmp_path), BEFORE, None).lost == ["site1.com", "site2.com"]
    with Library.open(settings.index) as library:
        other = library.read(B).passage_vectors[0].tobytes()
    connection_damage = f"UPDATE passages SET vector = X'{other.hex()}' WHERE policy_id = '{A}' AND n = 0"
    execute(own.index, connection_damage)
    found = look(own, BEFORE, None)
    assert found.half == [f"{A} is no version that was written"]
    assert any("not bit by bit" in line for line in found.unreadable)
    execute(own.index, "UPDATE policies SET text = X'00'")
    assert look(own, BEFORE, None).unreadable != []


def test_versions_differ_and_are_policies() -> None:
    texts = {policy_of("site1.com", version).text for version in range(30)}
    assert len(texts) == 30
    assert source_of("site1.com", 3).name == "site1.com__2020-01-31.md"


def test_the_outcome_is_told_in_lines() -> None:
    assert Outcome().well
    outcome = Outcome(lost=["kill 1: site1.com"])
    assert not outcome.well
    assert [line for line in lines_of(outcome) if line.startswith("  ")] == ["  kill 1: site1.com"]
