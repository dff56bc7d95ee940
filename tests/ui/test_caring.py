"""The commands that look after an index, over small indexes; ``doctor`` over a real one is in test_cli."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from qa.examining import Finding
from qa.library import Library
from qa.mending import Mended
from qa.settings import load_settings
from tests.qa.indexing import made_up
from tests.qa.test_library import execute, fill
from tests.ui.test_cli import failure, printed
from ui.upkeep import Check, beside, mended_lines


@pytest.fixture
def index(tmp_path: Path) -> Path:
    fill(tmp_path / "index", made_up("a.com", "We share nothing."), made_up("b.com", "We sell nothing."))
    return tmp_path / "index"


def test_backup_says_what_it_wrote_and_replaces_nothing_by_itself(
    index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "policies.backup"
    out, err = printed(capsys, "backup", str(file), "--index", str(index))
    assert (out, err) == ("", f"2 policies are in {file}, {file.stat().st_size / 1e6:.1f} MB.\n")
    assert "--force" in failure(capsys, "backup", str(file), "--index", str(index))
    said = json.loads(printed(capsys, "backup", str(file), "--force", "--json", "--index", str(index))[0])
    assert said == {"file": str(file), "policies": 2, "size": file.stat().st_size}


def test_restore_refuses_what_is_no_backup_and_what_is_there_already(
    index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "policies.backup"
    printed(capsys, "backup", str(file), "--index", str(index))
    assert "replace it with --force" in failure(capsys, "restore", str(file), "--index", str(index))
    assert "no backup" in failure(capsys, "restore", __file__, "--index", str(tmp_path / "new"))
    assert "There is no file" in failure(capsys, "restore", str(tmp_path / "none"), "--index", str(tmp_path / "new"))


def test_restore_puts_a_backup_into_a_new_folder(
    index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, new = tmp_path / "policies.backup", tmp_path / "new"
    printed(capsys, "backup", str(file), "--index", str(index))
    said = json.loads(printed(capsys, "restore", str(file), "--json", "--index", str(new))[0])
    assert (said["policies"], said["problem"]) == (2, None)
    with Library.open(new) as library:
        assert [card.domain for card in library.cards()] == ["a.com", "b.com"]


def test_compact_says_what_it_saved(index: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, err = printed(capsys, "compact", "--index", str(index))
    assert err.endswith("saved 0.0 MB.\n")
    said = json.loads(printed(capsys, "compact", "--json", "--index", str(index))[0])
    assert said.keys() == {"before", "after"}


@pytest.mark.parametrize("command", [["backup", "x"], ["compact"], ["rebuild"]])
def test_without_an_index_every_command_says_to_ingest(
    tmp_path: Path, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert "fineprint ingest" in failure(capsys, *command, "--index", str(tmp_path / "none"))
    assert not (tmp_path / "none").exists()


def test_a_rebuild_that_cannot_save_everything_names_what_is_lost(
    index: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    execute(index, "UPDATE policies SET text = X'00' WHERE domain = 'a.com'")
    _, err = printed(capsys, "rebuild", "--index", str(index), code=1)
    assert "Rebuilt 1 policy" in err
    assert "delete it when everything is back" in err
    assert err.endswith("1 policy could not be saved; ingest again or restore a backup:\n  a.com@2020-01-31\n")
    said, _ = printed(capsys, "rebuild", "--index", str(index), "--json")
    assert json.loads(said) == {"count": 1, "lost": [], "damaged": False}


def test_what_was_found_is_printed_a_line_each_with_what_to_do() -> None:
    harmless = Finding("There is something\nleft over.", "run `fineprint doctor --fix`", harmless=True)
    serious = Finding("It is damaged.", "run `fineprint rebuild`")
    assert Check("left-overs", True, "none").lines() == ["ok       left-overs: none"]
    assert Check("left-overs", True, "some", (harmless,)).lines() == [
        "ok       left-overs: some",
        "note     left-overs: There is something left over. Run `fineprint doctor --fix`.",
    ]
    assert Check("library", False, "", (serious, Finding("It is busy: try again.", ""))).lines() == [
        "PROBLEM  library: It is damaged. Run `fineprint rebuild`.",
        "PROBLEM  library: It is busy: try again.",
    ]
    assert Check("model", False, "It is missing.").lines() == ["PROBLEM  model: It is missing."]


def test_names_within_findings_cannot_move_the_terminals_cursor() -> None:
    (line,) = Check("policies", False, "", (Finding("wrong: \x1b[2Ja.com.", ""),)).lines()
    assert "\x1b" not in line


def test_what_was_mended_is_told() -> None:
    assert mended_lines(Mended(brought_forward=False, written=0, removed=())) == []
    assert mended_lines(Mended(brought_forward=True, written=3, removed=("renew-x",))) == [
        "The library has the present form now.",
        "3 policies were written to the search index.",
        "Removed what was left over: renew-x.",
    ]


def test_a_backup_takes_judgements_along_unless_none_are_kept(tmp_path: Path) -> None:
    given = {"index": tmp_path, "cache": tmp_path}
    assert beside(load_settings(given, environ={})).keys() == {"web.json", "feedback.sqlite3"}
    assert beside(load_settings({**given, "feedback": "off"}, environ={})).keys() == {"web.json"}
