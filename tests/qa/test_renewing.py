from __future__ import annotations

import random
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from qa.domain import IndexedPolicy
from qa.errors import IndexDamaged, IndexForeign, IndexMissing
from qa.library import FILE, Library
from qa.renewing import DAMAGED, WORK, renewed, stored_policies
from tests.qa.indexing import MANIFEST, made_up
from tests.qa.test_library import execute, fill, same

OTHER = replace(MANIFEST, chunker="other")


def domains(library: Library) -> list[str]:
    return [card.domain for card in library.cards()]


def renew(folder: Path, policies: Sequence[IndexedPolicy], *, keep: bool = False) -> None:
    with renewed(folder, OTHER, keep=keep) as library:
        for policy in policies:
            library.put(policy)


def test_a_new_library_shows_when_it_is_complete_and_not_before(tmp_path: Path) -> None:
    fill(tmp_path, made_up("a.com", "x."), made_up("b.com", "y."))
    with Library.open(tmp_path) as reader:
        before = reader.generation()
        with renewed(tmp_path, OTHER) as library:
            library.put(made_up("c.com", "z."))
            assert (domains(reader), reader.manifest) == (["a.com", "b.com"], MANIFEST)
        assert (domains(reader), reader.manifest) == (["c.com"], OTHER)
        assert reader.generation() > before
        assert min(reader.generations().values()) > before
        assert same(reader.read("c.com@2020-01-31"), made_up("c.com", "z."))
    assert list(tmp_path.glob(f"{WORK}*")) == list(tmp_path.glob(f"{DAMAGED}*")) == []


def test_a_new_library_that_was_not_completed_never_was(tmp_path: Path) -> None:
    fill(tmp_path, made_up("a.com", "x."))
    with pytest.raises(KeyboardInterrupt), renewed(tmp_path, OTHER) as library:  # noqa: PT012
        library.put(made_up("b.com", "y."))
        raise KeyboardInterrupt
    with Library.open(tmp_path) as reader:
        assert (domains(reader), reader.manifest) == (["a.com"], MANIFEST)
    assert list(tmp_path.glob(f"{WORK}*")) == []


def test_a_new_library_goes_where_there_was_none(tmp_path: Path) -> None:
    renew(tmp_path, [made_up("a.com", "x.")])
    with Library.open(tmp_path) as reader:
        assert domains(reader) == ["a.com"]
    with Library.open_for_writing(tmp_path, OTHER) as library:
        library.put(made_up("b.com", "y."))


def ruin_head(data: bytes) -> bytes:
    return bytes(100) + data[100:]


def ruin_pages(data: bytes) -> bytes:
    return data[:8192] + random.Random(1).randbytes(3 * 4096) + data[20480:]


def cut_off(data: bytes) -> bytes:
    return data[: len(data) // 2]


@pytest.mark.parametrize("ruin", [ruin_head, ruin_pages, cut_off])
def test_a_new_library_takes_the_place_of_a_damaged_one_which_is_kept(tmp_path: Path, ruin) -> None:  # type: ignore[no-untyped-def]
    fill(tmp_path, *(made_up(f"{i}.com", "x. " * 300) for i in range(20)))
    damaged = ruin((tmp_path / FILE).read_bytes())
    (tmp_path / FILE).write_bytes(damaged)
    renew(tmp_path, [made_up("a.com", "x.")], keep=True)
    with Library.open(tmp_path) as reader:
        assert domains(reader) == ["a.com"]
        assert reader.flaws() == []
    (kept,) = tmp_path.glob(f"{DAMAGED}*/{FILE}")
    assert kept.read_bytes() == damaged
    with Library.open_for_writing(tmp_path, OTHER) as library:
        library.put(made_up("b.com", "y."))
        assert domains(library) == ["a.com", "b.com"]


def test_what_is_stored_is_read_without_passages_and_vectors(tmp_path: Path) -> None:
    policies = [made_up("a.com", "One.", "Two."), made_up("b.com", "Three.")]
    fill(tmp_path, *policies)
    for damage in ("UPDATE passages SET vector = X'00'", "DELETE FROM passages", "DROP TABLE passages"):
        execute(tmp_path, damage)
        stored = stored_policies(tmp_path)
        assert list(stored.policies()) == [each.policy for each in policies]
        assert (stored.count, stored.lost) == (2, ())


def test_a_changed_text_is_named_and_the_others_are_saved(tmp_path: Path) -> None:
    fill(tmp_path, made_up("a.com", "One."), made_up("b.com", "Two."))
    execute(tmp_path, "UPDATE policies SET text = CAST('None.' AS BLOB) WHERE domain = 'a.com'")
    stored = stored_policies(tmp_path)
    assert [policy.domain for policy in stored.policies()] == ["b.com"]
    assert (stored.count, stored.lost, stored.damaged) == (1, ("a.com@2020-01-31",), True)


def test_where_nothing_can_be_saved_a_backup_is_asked_for(tmp_path: Path) -> None:
    fill(tmp_path, made_up("a.com", "One."))
    execute(tmp_path, "UPDATE policies SET text = X''")
    with pytest.raises(IndexDamaged, match=r"Of the 1 policies .* none can be saved: run `fineprint restore`"):
        stored_policies(tmp_path)


def test_where_there_is_nothing_to_save_it_is_said(tmp_path: Path) -> None:
    with pytest.raises(IndexMissing):
        stored_policies(tmp_path)
    fill(tmp_path)
    with pytest.raises(IndexMissing, match="no policy"):
        stored_policies(tmp_path)


def test_what_is_somebody_elses_is_not_saved_but_left_alone(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / FILE)
    connection.execute("CREATE TABLE bookmarks (url)")
    connection.close()
    with pytest.raises(IndexForeign, match="was not made by fineprint"):
        stored_policies(tmp_path)
    (tmp_path / FILE).write_text("a shopping list " * 100)
    with pytest.raises(IndexForeign, match="is not a fineprint library"):
        stored_policies(tmp_path)
