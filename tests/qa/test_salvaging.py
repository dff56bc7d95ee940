from __future__ import annotations

import random
import shutil
import sqlite3
from pathlib import Path

import pytest

from qa.domain import Policy
from qa.library import FILE, Library
from qa.salvaging import remains_of
from tests.qa.indexing import MANIFEST, made_up

REMOVED = "removed.com@2020-01-31"
# From a few bytes to 30 KB, which runs over into a chain of pages; what a page holds of it goes with the page.
POLICIES = {
    indexed.policy.id: indexed
    for indexed in (
        made_up(f"site{i}.com", *(f"Site {i} says thing {n}. " * 20 for n in range(1 + i % 7))) for i in range(25)
    )
}
PAGE = 4096


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The file of a library of which one policy was removed."""
    folder = tmp_path_factory.mktemp("whole")
    with Library.open_for_writing(folder, MANIFEST) as library:
        for indexed in POLICIES.values():
            library.put(indexed)
        library.put(made_up("removed.com", "This must not come back. " * 400))
        library.remove(REMOVED)
    return (folder / FILE).read_bytes()


def saved(folder: Path, data: bytes) -> tuple[dict[str, Policy], set[str]]:
    """What is saved of a library's file with these bytes, and the ids of what is lost."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / FILE).write_bytes(data)
    remains = remains_of(folder)
    found = {policy.id: policy for policy in remains.policies()}
    assert found.keys() == remains.whole.keys()
    assert all(policy == POLICIES[policy_id].policy for policy_id, policy in found.items())
    assert not found.keys() & set(remains.lost)
    return found, set(remains.lost)


def test_of_a_whole_file_everything_is_saved_and_nothing_that_was_removed(tmp_path: Path, whole: bytes) -> None:
    found, lost = saved(tmp_path / "x", whole)
    assert (found.keys(), lost) == (POLICIES.keys(), set())


@pytest.mark.parametrize(
    "head",
    [bytes(PAGE), bytes(100), b"not a database!\0", (8192).to_bytes(2, "big").rjust(18, b"?")],
    ids=["first page gone", "head gone", "mark gone", "another page size"],
)
def test_without_the_head_of_the_file_everything_is_saved(tmp_path: Path, whole: bytes, head: bytes) -> None:
    found, _ = saved(tmp_path / "x", head + whole[len(head) :])
    assert found.keys() == POLICIES.keys()


def test_a_page_size_that_is_wrong_in_an_otherwise_right_head_does_not_mislead(tmp_path: Path, whole: bytes) -> None:
    found, _ = saved(tmp_path / "x", whole[:16] + (8192).to_bytes(2, "big") + whole[18:])
    assert found.keys() == POLICIES.keys()


def test_whatever_pages_are_damaged_the_others_policies_are_saved_as_they_were(tmp_path: Path, whole: bytes) -> None:
    draw = random.Random(7)
    pages = len(whole) // PAGE
    rows = 0
    for _ in range(15):
        data, hit = bytearray(whole), draw.choice([1, 4, 16])
        for _ in range(hit):
            at = draw.randrange(pages) * PAGE
            data[at : at + PAGE] = draw.choice([bytes(PAGE), draw.randbytes(PAGE)])
        found, _ = saved(tmp_path / "x", bytes(data))
        # A page holds parts of at most six of these rows.
        assert len(found) >= len(POLICIES) - 6 * hit
        rows += len(found)
    assert rows > 0


def test_of_a_file_that_was_cut_off_the_part_that_is_left_is_saved(tmp_path: Path, whole: bytes) -> None:
    found, _ = saved(tmp_path / "x", whole[: len(whole) // 2])
    assert len(found) > len(POLICIES) // 3
    assert saved(tmp_path / "x", whole[:1000]) == ({}, set())


@pytest.mark.parametrize("data", [b"", b"x", b"a shopping list\n" * 1000, bytes(range(256)) * 100])
def test_of_something_else_nothing_is_saved(tmp_path: Path, data: bytes) -> None:
    assert saved(tmp_path / "x", data) == ({}, set())


def test_a_text_that_was_changed_is_lost_and_named(tmp_path: Path, whole: bytes) -> None:
    changed = whole.replace(b"Site 3 says thing 1.", b"Site 3 says thing 9.", 1)
    found, lost = saved(tmp_path / "x", changed)
    assert lost == {"site3.com@2020-01-31"}
    assert len(found) == len(POLICIES) - 1


def test_what_an_interrupted_writer_left_beside_the_file_is_read_too(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    with Library.open_for_writing(tmp_path / "open", MANIFEST) as library:
        for policy_id in sorted(POLICIES)[:3]:
            library.put(POLICIES[policy_id])
        for name in (FILE, FILE + "-wal"):  # as they are at this moment, before the writer closes them
            shutil.copyfile(tmp_path / "open" / name, tmp_path / "x" / name)
    assert (tmp_path / "x" / (FILE + "-wal")).stat().st_size > 0
    assert remains_of(tmp_path / "x").whole.keys() == set(sorted(POLICIES)[:3])


def test_ids_that_only_the_passages_know_are_lost_and_named(tmp_path: Path, whole: bytes) -> None:
    (tmp_path / FILE).write_bytes(whole)
    connection = sqlite3.connect(tmp_path / FILE)
    connection.execute("DELETE FROM policies WHERE domain = 'site5.com'")
    connection.commit()
    connection.close()
    assert remains_of(tmp_path).lost == ("site5.com@2020-01-31",)
