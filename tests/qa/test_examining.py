from __future__ import annotations

import fcntl
import json
import shutil
import sqlite3
import sys
from pathlib import Path

import pytest

from qa.examining import PARTS, Part, examined, left_over, look_at
from qa.library import FILE, LOCK, Library
from qa.settings import Settings
from qa.store import ChromaIndex, synchronise
from tests.qa.indexing import MANIFEST, made_up
from tests.qa.test_library import execute, fill, fill_form_1

POLICIES = (made_up("a.com", "We share:", "nothing."), made_up("b.com", "We sell nothing.", "We keep nothing."))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index folder of two policies, with its search index; not to be changed."""
    folder = tmp_path_factory.mktemp("made") / "index"
    fill(folder, *POLICIES)
    with Library.open_for_writing(folder, MANIFEST) as library:
        index = ChromaIndex.open(folder, MANIFEST)
        synchronise(library, index)
        index.close()
    return folder


@pytest.fixture
def settings(made: Path, tmp_path: Path) -> Settings:
    """Of a copy of that index."""
    return Settings(index=shutil.copytree(made, tmp_path / "index"), cache=tmp_path)


def problems(settings: Settings, name: str) -> str:
    """What is wrong with a part, and what to do, as one text."""
    part = look_at(settings, name)
    return "" if part is None else " ".join(f"{each.problem} {each.remedy}" for each in part.findings)


def test_a_sound_index_is_looked_at_in_a_process_of_its_own(settings: Settings) -> None:
    assert [*examined(settings)] == [
        Part("library", f"2 policies in {settings.index}"),
        Part("policies", "every text is whole, 4 sentences"),
        Part("left-overs", "none"),
        Part("search index", "agrees with the library: 2 policies"),
    ]


# --- a process that does not come back --------------------------------------------------------------------------------

HANGS = 'import time; print(\'{"at": "policies"}\', flush=True); time.sleep(600)'
DIES = 'import os; print(\'{"at": "policies"}\', flush=True); os.kill(os.getpid(), 11)'
GARBAGE = "import sys; sys.exit(3)"


@pytest.mark.parametrize(
    ("program", "says"),
    [(HANGS, "no sign of life"), (DIES, "ends the process (signal 11)"), (GARBAGE, "ends the process (status 3)")],
    ids=["silent", "killed", "ended"],
)
def test_what_ends_or_silences_the_process_is_what_is_wrong(tmp_path: Path, program: str, says: str) -> None:
    settings = Settings(index=tmp_path, cache=tmp_path)
    silence_s = 0.5 if program is HANGS else 300.0
    (part,) = examined(settings, ["policies"], silence_s=silence_s, program=[sys.executable, "-S", "-c", program])
    assert part.name == "policies"
    assert says in part.findings[0].problem
    assert part.findings[0].remedy == "run `fineprint rebuild`"


def test_what_comes_after_the_part_that_ended_the_process_is_looked_at_by_another(tmp_path: Path) -> None:
    # It ends at the first part of its task unless that is the last one of all.
    program = """
import json, os, sys
at = json.load(sys.stdin)["parts"][0]
print(json.dumps({"at": at}), flush=True)
if at != "search index":
    os.kill(os.getpid(), 9)
print(json.dumps({"part": {"name": at, "detail": "fine", "findings": []}}), flush=True)
"""
    found = [*examined(Settings(index=tmp_path, cache=tmp_path), program=[sys.executable, "-S", "-c", program])]
    assert [part.name for part in found] == list(PARTS)
    assert [len(part.findings) for part in found] == [1, 1, 1, 0]


# --- the library ------------------------------------------------------------------------------------------------------


def test_where_nothing_was_ingested_that_alone_is_said(tmp_path: Path) -> None:
    settings = Settings(index=tmp_path / "none", cache=tmp_path)
    assert "run `fineprint ingest` first" in problems(settings, "library")
    assert [look_at(settings, name) for name in ("policies", "search index")] == [None, None]


@pytest.mark.parametrize("length", [0.4, 0.9])
def test_a_library_that_was_cut_off_is_to_be_rebuilt(settings: Settings, length: float) -> None:
    file = settings.index / FILE
    with file.open("r+b") as handle:
        handle.truncate(int(file.stat().st_size * length))
    assert "fineprint rebuild" in problems(settings, "library")


def test_damage_within_the_file_is_found_though_it_opens(settings: Settings) -> None:
    file = settings.index / FILE
    data = bytearray(file.read_bytes())
    connection = sqlite3.connect(file)
    (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'passages'").fetchone()
    connection.close()
    data[(page - 1) * 4096 : (page - 1) * 4096 + 8] = bytes(8)
    file.write_bytes(data)
    assert "library.sqlite3 is damaged" in problems(settings, "library")
    assert "fineprint rebuild" in problems(settings, "policies")


def test_an_index_of_an_earlier_form_is_a_note_and_no_problem(tmp_path: Path) -> None:
    fill_form_1(tmp_path / "old", *POLICIES)
    part = look_at(Settings(index=tmp_path / "old", cache=tmp_path), "library")
    assert part is not None
    assert [(each.harmless, each.remedy) for each in part.findings] == [
        (True, "run `fineprint doctor --fix`, or leave it to the next ingest")
    ]


def test_a_library_that_is_gone_while_its_search_index_is_there_asks_for_a_backup(settings: Settings) -> None:
    (settings.index / FILE).unlink()
    assert "fineprint restore" in problems(settings, "search index")


# --- policies ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        ("UPDATE policies SET text = CAST('y.' AS BLOB)", "with a text that does not match its hash"),
        ("UPDATE passages SET vector = X'00'", "with a whole text, but damaged passages or vectors"),
        ("DELETE FROM passages", "with a whole text, but damaged passages or vectors"),
        ("DELETE FROM passages WHERE n = 1", "with a whole text, but damaged passages or vectors"),
        ("UPDATE passages SET n = n + 10", "whose passages do not cover its text"),
        ("UPDATE passages SET start = start + 3 WHERE n = 1", "whose passages do not cover its text"),
        ('UPDATE passages SET "end" = "end" + 90 WHERE n = 1', "whose passages do not cover its text"),
        ("UPDATE passages SET sentences = '[[0,1]]' WHERE n = 1", "with sentences outside their passages"),
        ("UPDATE passages SET sentences = '[[0,9,4,2]]' WHERE n = 0", "led in by what does not precede them"),
        ("UPDATE passages SET vector = zeroblob(length(vector))", "but damaged passages or vectors"),
        ("UPDATE policies SET facts = replace(facts, 'https:', 'javascript:')", "match its hash"),
        ("UPDATE passages SET section = '[]'", "not bit by bit what was written"),
    ],
)
def test_every_damage_to_a_policy_is_named(settings: Settings, damage: str, says: str) -> None:
    execute(settings.index, f"{damage} {'AND' if 'WHERE' in damage else 'WHERE'} {_of_b(damage)}")
    found = problems(settings, "policies")
    assert says in found
    assert "b.com@2020-01-31" in found
    assert "a.com@2020-01-31" not in found
    assert found.endswith("run `fineprint rebuild`")


def _of_b(statement: str) -> str:
    return "id LIKE 'b.com%'" if "policies" in statement else "policy_id LIKE 'b.com%'"


# --- what is left over ------------------------------------------------------------------------------------------------


def test_what_interrupted_work_leaves_is_noted_unless_somebody_is_writing(settings: Settings) -> None:
    folder = settings.index
    for name in ("renew-x1", "chroma/vabandoned"):
        (folder / name).mkdir()
    (folder / ".web.json.123").touch()
    (folder / "chroma" / "current.json.new").touch()
    used = json.loads((folder / "chroma" / "current.json").read_text())["folder"]
    names = [".web.json.123", "current.json.new", "renew-x1", "vabandoned"]
    assert sorted(path.name for path in left_over(folder)) == names
    assert (folder / "chroma" / used).is_dir()
    part = look_at(settings, "left-overs")
    assert part is not None
    assert [each.harmless for each in part.findings] == [True]
    with (folder / LOCK).open("w") as file:
        file.write("4242\n")
        file.flush()
        fcntl.flock(file, fcntl.LOCK_EX)
        assert look_at(settings, "left-overs") == Part(
            "left-overs", "not looked for: process 4242 is writing to the index"
        )


def test_the_lock_file_of_a_writer_that_was_killed_is_not_left_over(settings: Settings) -> None:
    (settings.index / LOCK).write_text("4242\n")
    assert look_at(settings, "left-overs") == Part("left-overs", "none")


# --- the search index -------------------------------------------------------------------------------------------------


def test_policies_without_vectors_and_vectors_without_policies_are_named(settings: Settings) -> None:
    with Library.open_for_writing(settings.index, MANIFEST) as library:
        library.remove("a.com@2020-01-31")
        library.put(made_up("b.com", "Changed."))
        library.put(made_up("c.com", "New."))
    found = problems(settings, "search index")
    assert "1 policy missing in it: c.com@2020-01-31. run `fineprint doctor --fix`" in found
    assert "1 policy in it that the library does not have: a.com@2020-01-31." in found
    assert "1 policy changed since it was made: b.com@2020-01-31." in found


def test_other_vectors_than_the_librarys_are_found(settings: Settings) -> None:
    # As if somebody had written into the library behind everybody's back: no generation changes.
    connection = sqlite3.connect(settings.index / FILE)
    other = made_up("b.com", "Quite other words.", "Indeed.").passage_vectors
    for n, vector in enumerate(other):
        values = (vector.tobytes(), n)
        connection.execute("UPDATE passages SET vector = ? WHERE policy_id LIKE 'b.com%' AND n = ?", values)
    connection.commit()
    connection.close()
    assert "1 policy with other passages or vectors" in problems(settings, "search index")


@pytest.mark.parametrize("name", ["current.json", "*/chroma.sqlite3"])
@pytest.mark.parametrize("damage", [b"", b"garbage" * 1000])
def test_a_damaged_search_index_is_to_be_mended(settings: Settings, name: str, damage: bytes) -> None:
    for file in (settings.index / "chroma").glob(name):
        file.write_bytes(damage)
    found = problems(settings, "search index")
    assert found.endswith("run `fineprint doctor --fix`")
    assert "damaged" in found


def test_a_lag_while_somebody_writes_is_a_note(settings: Settings) -> None:
    with Library.open_for_writing(settings.index, MANIFEST) as library:
        library.put(made_up("c.com", "New."))
        part = look_at(settings, "search index")
    assert part is not None
    assert [each.harmless for each in part.findings] == [True]
    assert "wait until process" in part.findings[0].remedy
