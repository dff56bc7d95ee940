from __future__ import annotations

import json
import sqlite3
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from qa.backup import BackupRefused, back_up, restore
from qa.errors import IndexDamaged, IndexLocked, IndexMissing
from qa.examining import PARTS, Part, look_at
from qa.library import FILE, FORM, Library
from qa.settings import Settings
from tests.qa.indexing import MANIFEST, made_up
from tests.qa.test_library import ROOT, execute, fill, fill_form_1, same

OLD, NEW = made_up("a.com", "We share:", "nothing."), made_up("b.com", "We sell nothing.")


def in_this_process(settings: Settings, parts: tuple[str, ...], **_: object) -> Iterator[Part]:
    """``examined`` without the other process, which takes a second to start."""
    return filter(None, (look_at(settings, name) for name in parts))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(index=tmp_path / "index", cache=tmp_path)


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    """A backup of OLD and NEW."""
    fill(tmp_path / "backed up", OLD, NEW)
    file = tmp_path / "policies.backup"
    done = back_up(Settings(index=tmp_path / "backed up", cache=tmp_path), file, {})
    assert (done.policies, done.size) == (2, file.stat().st_size)
    return file


def put_back(file: Path, settings: Settings, *, force: bool = False, **beside: Path) -> int:
    return restore(file, settings, beside, force=force, examine=in_this_process).policies


def ids(folder: Path) -> list[str]:
    with Library.open(folder) as library:
        return [card.id for card in library.cards()]


def test_what_was_backed_up_comes_back_with_its_search_index(backup: Path, settings: Settings) -> None:
    assert put_back(backup, settings) == 2
    with Library.open(settings.index) as library:
        assert same(library.read(OLD.policy.id), OLD)
        assert same(library.read(NEW.policy.id), NEW)
        assert library.manifest == MANIFEST
    assert [part.findings for name in PARTS if (part := look_at(settings, name))] == [()] * len(PARTS)
    fill(settings.index, made_up("c.com", "It can be written, too."))


def test_a_backup_is_one_file_that_only_its_owner_reads_and_says_what_is_in_it(backup: Path) -> None:
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    with zipfile.ZipFile(backup) as archive:
        assert sorted(archive.namelist()) == ["backup.json", FILE]
        head = json.loads(archive.read("backup.json"))
    assert (head["format"], head["policies"]) == (1, 2)
    assert [path.name for path in backup.parent.glob(".policies*")] == []


def test_other_files_go_along_and_come_back_where_they_are_wanted(tmp_path: Path, settings: Settings) -> None:
    fill(settings.index, OLD)
    pages, judged, none = tmp_path / "pages.json", tmp_path / "judged.sqlite3", tmp_path / "none.json"
    pages.write_text("[1]")
    with sqlite3.connect(judged) as connection:
        connection.execute("CREATE TABLE said (what)")
    connection.close()
    back_up(settings, tmp_path / "b", {"web.json": pages, "feedback.sqlite3": judged, "none.json": none})
    new = Settings(index=tmp_path / "new", cache=tmp_path)
    beside = {"web.json": tmp_path / "there" / "web.json", "none.json": tmp_path / "there" / "none.json"}
    assert restore(tmp_path / "b", new, beside, examine=in_this_process).policies == 1
    assert [path.name for path in (tmp_path / "there").iterdir()] == ["web.json"]
    # One that a service has open gets the backup's rows, and stays the same file.
    with sqlite3.connect(judged) as connection:
        connection.execute("INSERT INTO said VALUES ('later')")
        before = judged.stat().st_ino
        connection.commit()
        restore(tmp_path / "b", new, {"feedback.sqlite3": judged}, force=True, examine=in_this_process)
        assert connection.execute("SELECT * FROM said").fetchall() == []
    connection.close()
    assert judged.stat().st_ino == before


WRITER = """
import sys
from pathlib import Path
from tests.qa.test_library import *
with Library.open_for_writing(Path(sys.argv[1]), MANIFEST) as library:
    for version in range(1_000_000):
        for site in "abc":  # in this order, so that no state has a later version behind an earlier one
            library.put(made_up(f"{site}.com", *[f"Version {version}."] * 5))
        if version == 1:
            print("ready", flush=True)
"""


def test_a_backup_is_of_one_moment_while_another_process_writes(tmp_path: Path, settings: Settings) -> None:
    command = [sys.executable, "-c", WRITER, str(settings.index)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as writer:
        try:
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"ready\n"
            for n in range(3):
                assert back_up(settings, tmp_path / f"{n}.backup", {}).policies == 3
        finally:
            writer.kill()
    for n in range(3):
        new = Settings(index=tmp_path / f"new {n}", cache=tmp_path)
        put_back(tmp_path / f"{n}.backup", new)
        with Library.open(new.index) as library:
            texts = [library.read(policy_id).policy.text for policy_id in ids(new.index)]
        versions = [int(text.split()[1].rstrip(".")) for text in texts]
        assert all(text == " ".join([f"Version {v}."] * 5) for text, v in zip(texts, versions, strict=True))
        assert versions == sorted(versions, reverse=True)
        assert versions[0] - versions[2] <= 1


def test_nothing_is_overwritten_unless_it_is_asked_for(backup: Path, settings: Settings) -> None:
    fill(settings.index, made_up("c.com", "Here already."))
    with pytest.raises(BackupRefused, match=r"already: restore into another folder .* --force"):
        put_back(backup, settings)
    assert ids(settings.index) == ["c.com@2020-01-31"]
    with pytest.raises(BackupRefused, match="there already"):
        back_up(settings, backup, {})
    back_up(settings, backup, {}, force=True)
    put_back(backup, settings, force=True)
    assert ids(settings.index) == ["c.com@2020-01-31"]


def test_whoever_reads_meanwhile_sees_the_restored_policies_at_the_next_call(backup: Path, settings: Settings) -> None:
    # The same policy under the same id, and a generation that the backup's own cannot surpass.
    other = made_up("a.com", "Other words.")
    fill(settings.index, *[other] * 3)
    with Library.open(settings.index) as reader:
        before = reader.generation()
        assert reader.read(OLD.policy.id).policy == other.policy
        put_back(backup, settings, force=True)
        assert reader.read(OLD.policy.id).policy == OLD.policy
        assert min(reader.generations().values()) > before
    assert look_at(settings, "search index") == Part("search index", "agrees with the library: 2 policies")


def test_restoring_waits_for_no_writer_and_changes_nothing_then(backup: Path, settings: Settings) -> None:
    with Library.open_for_writing(settings.index, MANIFEST) as library:
        library.put(NEW)
        with pytest.raises(IndexLocked):
            put_back(backup, settings, force=True)
    assert ids(settings.index) == [NEW.policy.id]


def test_a_damaged_index_is_not_backed_up(tmp_path: Path, settings: Settings) -> None:
    with pytest.raises(IndexMissing):
        back_up(settings, tmp_path / "b", {})
    fill(settings.index, OLD, NEW)
    execute(settings.index, "UPDATE passages SET section = '[]'")
    with pytest.raises(IndexDamaged, match="no backup was made"):
        back_up(settings, tmp_path / "b", {})
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize("name", [".", "no/such/folder/b", "/dev/null/b"])
def test_a_file_that_cannot_be_written_is_one_clear_line(tmp_path: Path, settings: Settings, name: str) -> None:
    fill(settings.index, OLD)
    with pytest.raises(BackupRefused, match=r"[Nn]ame a file"):
        back_up(settings, tmp_path / name, {})


def test_a_backup_of_the_first_version_is_brought_forward(tmp_path: Path, settings: Settings) -> None:
    fill_form_1(tmp_path / "old", OLD)
    back_up(Settings(index=tmp_path / "old", cache=tmp_path), tmp_path / "b", {})
    put_back(tmp_path / "b", settings)
    with Library.open(settings.index) as library:
        assert (library.form(), library.sealed(OLD.policy.id)) == (FORM, True)
        assert same(library.read(OLD.policy.id), OLD)


# --- what is no backup ------------------------------------------------------------------------------------------------


def repacked(file: Path, change: Callable[[dict[str, bytes]], dict[str, bytes]], **how: Any) -> None:
    """Writes a backup anew with other members."""
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(file, "w", **{"compression": zipfile.ZIP_STORED, **how}) as archive:
        for name, data in change(members).items():
            archive.writestr(name, data)


def with_library(file: Path, change: Callable[[Path], None]) -> None:
    """Writes a backup anew with a library that was changed, and everything else right."""
    import hashlib

    def changed(members: dict[str, bytes]) -> dict[str, bytes]:
        folder = file.parent / "changed"
        folder.mkdir()
        (folder / FILE).write_bytes(members[FILE])
        change(folder)
        data = (folder / FILE).read_bytes()
        head = json.loads(members["backup.json"])
        head["members"][FILE] = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        return {"backup.json": json.dumps(head).encode(), FILE: data}

    repacked(file, changed)


def head_with(**values: object) -> Callable[[Path], None]:
    return lambda file: repacked(
        file, lambda all_: {**all_, "backup.json": json.dumps({**json.loads(all_["backup.json"]), **values}).encode()}
    )


def flip_a_byte(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[data.index(b"We sell nothing.")] ^= 1
    file.write_bytes(data)


def cut_off(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-100])


HOSTILE: dict[str, Callable[[Path], None]] = {
    "an empty file": lambda file: file.write_bytes(b""),
    "another file": lambda file: file.write_bytes(b"a shopping list " * 500),
    "cut off": cut_off,
    "a byte flipped": flip_a_byte,
    "a newer format": head_with(format=2),
    "an unknown key": head_with(more=1),
    "policies that are no number": head_with(policies="many"),
    "no members": head_with(members={}),
    "a head that is no JSON": lambda file: repacked(file, lambda all_: {**all_, "backup.json": b"{"}),
    "a head that is too long": lambda file: repacked(file, lambda all_: {**all_, "backup.json": b" " * 100_000}),
    "nothing but a library": lambda file: repacked(file, lambda all_: {FILE: all_[FILE]}),
    "one file more": lambda file: repacked(file, lambda all_: {**all_, "../../escaped": b"x"}),
    "compressed": lambda file: repacked(file, lambda all_: all_, compression=zipfile.ZIP_DEFLATED),
    "a path for a name": lambda file: repacked(
        file,
        lambda all_: {
            "backup.json": all_["backup.json"]
            .replace(b'"members":{', b'"members":{')
            .replace(b'"library.sqlite3":', b'"../library.sqlite3":'),
            "../library.sqlite3": all_[FILE],
        },
    ),
    "a trigger in it": lambda file: with_library(
        file, lambda to: execute(to, "CREATE TRIGGER t AFTER INSERT ON seals BEGIN DELETE FROM policies; END")
    ),
    "a table more": lambda file: with_library(file, lambda to: execute(to, "CREATE TABLE more (x)")),
    "another program's": lambda file: with_library(file, lambda to: execute(to, "PRAGMA application_id = 1")),
    "a newer library": lambda file: with_library(file, lambda to: execute(to, f"PRAGMA user_version = {FORM + 1}")),
    "a changed text": lambda file: with_library(file, lambda to: execute(to, "UPDATE policies SET text = X'41'")),
    "a changed passage": lambda file: with_library(file, lambda to: execute(to, "UPDATE passages SET section = '[]'")),
    "no policies": lambda file: with_library(file, lambda to: execute(to, "DELETE FROM policies")),
    "no generation": lambda file: with_library(file, lambda to: execute(to, "DELETE FROM meta")),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_what_is_no_whole_backup_is_refused_in_a_line_and_changes_nothing(
    kind: str, backup: Path, settings: Settings
) -> None:
    fill(settings.index, made_up("c.com", "Here already."))
    HOSTILE[kind](backup)
    with pytest.raises(BackupRefused, match=r"nothing was changed") as caught:
        put_back(backup, settings, force=True)
    assert str(caught.value).isprintable()
    assert str(settings.index) not in str(caught.value)
    assert ids(settings.index) == ["c.com@2020-01-31"]
    assert sorted(path.name for path in settings.index.iterdir() if path.is_dir()) == []
    assert not (backup.parent / "escaped").exists()


def test_a_file_that_is_not_there_is_said_not_to_be(tmp_path: Path, settings: Settings) -> None:
    with pytest.raises(BackupRefused, match="There is no file"):
        put_back(tmp_path / "none", settings)
    with pytest.raises(BackupRefused, match="cannot be read"):
        put_back(tmp_path, settings)
    assert not settings.index.exists()
