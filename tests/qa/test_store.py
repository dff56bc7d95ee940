from __future__ import annotations

import logging
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from qa.domain import IndexedPolicy, Vectors
from qa.errors import IndexUnreachable, IndexUnwritable
from qa.library import Library
from qa.store import (
    ChromaIndex,
    CompletedIndex,
    MemoryIndex,
    PassageHit,
    PassageIndex,
    PassageSearch,
    open_index,
    synchronise,
)
from tests.qa.indexing import DATE, ENCODER, MANIFEST, made_up
from tests.qa.test_library import ROOT, run_without_privileges

SHARES = made_up("shares.com", "We sell your data.", "Cookies track visitors.")
KEEPS = made_up("keeps.com", "We keep records forever.")
MANY = made_up("many.com", *(f"Sentence a{i // 100} b{i // 10 % 10} c{i % 10}." for i in range(1_200)))
"""More passages than Chroma holds back before it writes its vector files."""


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library.open_for_writing(tmp_path, MANIFEST) as library:
        yield library


@pytest.fixture(params=["memory", "chroma"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[PassageIndex]:
    index: PassageIndex = MemoryIndex() if request.param == "memory" else ChromaIndex.open(tmp_path, MANIFEST)
    yield index
    index.close()


def found(index: PassageSearch, query: str, k: int = 3) -> list[tuple[str, int]]:
    return [(hit.policy_id.partition("@")[0], hit.n) for hit in index.search(ENCODER.encode_question(query), k)]


# --- what every index promises ----------------------------------------------------------------------------------------


def test_an_index_starts_empty(index: PassageIndex) -> None:
    assert index.generation() == 0
    assert index.policy_ids() == set()
    assert found(index, "anything") == []


def test_the_nearest_passages_come_first_with_their_cosine(index: PassageIndex) -> None:
    index.put(SHARES)
    index.put(KEEPS)
    hits = index.search(ENCODER.encode_question("we sell your data"), 3)
    assert hits[0] == PassageHit(f"shares.com@{DATE}", 0, pytest.approx(1.0, abs=1e-5))
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    # "We sell your data." and "We keep records forever." have four words each and one in common: 1 / (2 * 2).
    assert {(hit.policy_id, hit.n): hit.score for hit in hits}[f"keeps.com@{DATE}", 0] == pytest.approx(0.25, abs=1e-5)


def test_at_most_k_are_found_and_all_when_there_are_fewer(index: PassageIndex) -> None:
    index.put(SHARES)
    index.put(KEEPS)
    assert [len(found(index, "we", k)) for k in (0, 1, 2, 3, 100)] == [0, 1, 2, 3, 3]


def test_a_policy_put_again_replaces_all_its_passages(index: PassageIndex) -> None:
    index.put(SHARES)
    index.commit(1)
    index.put(made_up("shares.com", "Nothing is sold."))
    index.commit(2)
    assert found(index, "cookies track visitors", 10) == [("shares.com", 0)]
    assert index.search(ENCODER.encode_question("nothing is sold"), 1)[0].score == pytest.approx(1.0, abs=1e-5)


def test_a_removed_policy_is_not_found_and_an_unknown_one_is_no_error(index: PassageIndex) -> None:
    index.put(SHARES)
    index.put(KEEPS)
    index.commit(1)
    index.remove(f"shares.com@{DATE}")
    index.remove("unknown.com@2020-01-31")
    assert index.policy_ids() == {f"keeps.com@{DATE}"}
    index.commit(2)
    assert index.policy_ids() == {f"keeps.com@{DATE}"}
    assert found(index, "we sell your data") == [("keeps.com", 0)]


def test_clearing_removes_everything(index: PassageIndex) -> None:
    index.put(SHARES)
    index.commit(1)
    index.clear()
    assert index.policy_ids() == set()
    index.put(KEEPS)
    index.commit(2)
    assert found(index, "we sell your data") == [("keeps.com", 0)]


def test_characters_that_databases_stumble_over_are_taken(index: PassageIndex) -> None:
    odd = made_up("odd.com", "a NUL \x00 here", "a lone surrogate \ud800", company="\ud800")
    index.put(odd)
    index.commit(1)
    assert found(index, "surrogate", 1) == [("odd.com", 1)]


def test_searches_from_many_threads_agree(index: PassageIndex) -> None:
    index.put(SHARES)
    index.put(KEEPS)
    index.commit(1)
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: found(index, "records forever", 1), range(40)))
    assert answers == [[("keeps.com", 0)]] * 40


def test_an_index_can_be_closed_twice(index: PassageIndex) -> None:
    index.put(SHARES)
    index.close()
    index.close()


# --- bringing an index up to the library ------------------------------------------------------------------------------


def test_synchronising_writes_what_differs_and_nothing_twice(library: Library, index: PassageIndex) -> None:
    for i in range(6):
        library.put(made_up(f"{i}.com", f"Sentence number{i} here."))
    assert synchronise(library, index) == 6
    assert index.generation() == library.generation()
    assert synchronise(library, index) == 0
    library.put(made_up("0.com", "Other words."))
    library.remove(f"1.com@{DATE}")
    assert synchronise(library, index) == 1
    assert index.policy_ids() == set(library.hashes())
    assert found(index, "other words", 1) == [("0.com", 0)]
    assert "1.com" not in {domain for domain, _ in found(index, "sentence number1 here", 10)}


def test_removing_alone_brings_the_index_up_too(library: Library, index: PassageIndex) -> None:
    for i in range(4):
        library.put(made_up(f"{i}.com", f"Sentence number{i} here."))
    synchronise(library, index)
    library.remove(f"3.com@{DATE}")
    assert synchronise(library, index) == 0
    assert index.policy_ids() == {f"{i}.com@{DATE}" for i in range(3)}
    assert index.generation() == library.generation()


def test_an_index_ahead_of_a_restored_library_is_made_anew(library: Library, index: PassageIndex) -> None:
    index.put(KEEPS)
    index.commit(library.generation() + 1_000)
    library.put(SHARES)
    assert synchronise(library, index) == 1
    assert index.policy_ids() == {f"shares.com@{DATE}"}


def test_an_emptied_library_empties_the_index(library: Library, index: PassageIndex) -> None:
    library.put(SHARES)
    synchronise(library, index)
    library.remove(f"shares.com@{DATE}")
    synchronise(library, index)
    assert index.policy_ids() == set()
    assert found(index, "we sell your data") == []


# --- Chroma's folder --------------------------------------------------------------------------------------------------


def committed(folder: Path, *policies: IndexedPolicy) -> None:
    """An index folder with a library and a Chroma that agree."""
    with Library.open_for_writing(folder, MANIFEST) as library:
        for policy in policies:
            library.put(policy)
        index = ChromaIndex.open(folder, MANIFEST)
        synchronise(library, index)
        index.close()


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index folder large enough for vector files, to be copied."""
    folder = tmp_path_factory.mktemp("large")
    committed(folder, SHARES, MANY)
    return folder


def test_what_was_committed_is_there_when_opened_again(tmp_path: Path, large: Path) -> None:
    shutil.copytree(large, tmp_path, dirs_exist_ok=True)
    with Library.open(tmp_path) as library:
        index = ChromaIndex.open(tmp_path, MANIFEST)
        assert index.generation() == library.generation()
        assert found(index, "we sell your data", 1) == [("shares.com", 0)]
        assert found(index, "sentence a7 b7 c7", 1) == [("many.com", 777)]
        assert len(found(index, "sentence", 400)) == 400
        index.close()


def test_what_was_not_committed_is_forgotten(tmp_path: Path) -> None:
    committed(tmp_path, SHARES)
    index = ChromaIndex.open(tmp_path, MANIFEST)
    index.put(KEEPS)
    assert index.policy_ids() == {f"keeps.com@{DATE}", f"shares.com@{DATE}"}
    index.close()
    again = ChromaIndex.open(tmp_path, MANIFEST)
    assert again.policy_ids() == {f"shares.com@{DATE}"}
    again.close()


def test_searching_does_not_make_a_large_index_look_damaged(tmp_path: Path, large: Path) -> None:
    shutil.copytree(large, tmp_path, dirs_exist_ok=True)
    for _ in range(2):
        index = ChromaIndex.open(tmp_path, MANIFEST)
        assert found(index, "we sell your data", 1) == [("shares.com", 0)]
        index.close()


def test_searching_does_not_make_a_small_index_look_damaged(tmp_path: Path) -> None:
    committed(tmp_path, SHARES)
    for _ in range(2):
        index = ChromaIndex.open(tmp_path, MANIFEST)
        assert found(index, "we sell your data", 1) == [("shares.com", 0)]
        index.close()


def test_an_open_index_finds_what_another_process_commits(tmp_path: Path) -> None:
    committed(tmp_path, SHARES)
    index = ChromaIndex.open(tmp_path, MANIFEST)
    assert {domain for domain, _ in found(index, "records forever")} == {"shares.com"}
    before = index.generation()
    script = (
        "import sys; from pathlib import Path; from tests.qa import test_store as this;"
        "this.committed(Path(sys.argv[1]), this.KEEPS)"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], cwd=ROOT, check=True)
    assert index.generation() == before + 1
    assert found(index, "records forever", 1) == [("keeps.com", 0)]
    index.close()


def test_only_the_folder_in_use_is_kept(tmp_path: Path) -> None:
    (tmp_path / "chroma" / "left by a killed writer").mkdir(parents=True)
    for policy in (SHARES, KEEPS, SHARES):
        committed(tmp_path, policy)
    assert len([entry for entry in (tmp_path / "chroma").iterdir() if entry.is_dir()]) == 1


def test_an_index_from_another_manifest_counts_as_empty(tmp_path: Path) -> None:
    committed(tmp_path, SHARES)
    other = ChromaIndex.open(tmp_path, replace(MANIFEST, chunker="other"))
    assert other.generation() == 0
    assert found(other, "we sell your data") == []
    other.close()


def chroma_file(folder: Path, name: str) -> Path:
    return next((folder / "chroma").glob(f"*/{name}"))


def flip_vectors(folder: Path) -> None:
    file = chroma_file(folder, "*/data_level0.bin")
    content = bytearray(file.read_bytes())
    content[len(content) // 3 : len(content) // 3 + 64] = b"\xff" * 64
    file.write_bytes(content)


def empty_vectors(folder: Path) -> None:
    chroma_file(folder, "*/index_metadata.pickle").write_bytes(b"")


def lose_vectors(folder: Path) -> None:
    chroma_file(folder, "*/header.bin").unlink()


def empty_database(folder: Path) -> None:
    chroma_file(folder, "chroma.sqlite3").write_bytes(b"")


def lose_database(folder: Path) -> None:
    chroma_file(folder, "chroma.sqlite3").unlink()


def overwrite_database(folder: Path) -> None:
    chroma_file(folder, "chroma.sqlite3").write_bytes(b"something else" * 1000)


def lose_state(folder: Path) -> None:
    (folder / "chroma" / "current.json").unlink()


def spoil_state(folder: Path) -> None:
    (folder / "chroma" / "current.json").write_text('{"folder": 3}')


DAMAGE = [
    flip_vectors,
    empty_vectors,
    lose_vectors,
    empty_database,
    lose_database,
    overwrite_database,
    lose_state,
    spoil_state,
]


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_index_is_made_anew_when_it_is_opened(
    tmp_path: Path, large: Path, damage: Callable[[Path], None]
) -> None:
    shutil.copytree(large, tmp_path, dirs_exist_ok=True)
    damage(tmp_path)
    with Library.open(tmp_path) as library:
        index = open_index(tmp_path, library)
        assert index.generation() == library.generation()
        assert found(index, "sentence a7 b7 c7", 1) == [("many.com", 777)]
        assert found(index, "we sell your data", 1) == [("shares.com", 0)]
        index.close()
        again = ChromaIndex.open(tmp_path, MANIFEST)
        assert again.policy_ids() == set(library.hashes())
        again.close()


def test_an_index_that_lags_is_caught_up_when_it_is_opened(tmp_path: Path) -> None:
    committed(tmp_path, SHARES)
    with Library.open_for_writing(tmp_path, MANIFEST) as library:
        library.put(KEEPS)
    with Library.open(tmp_path) as library:
        index = open_index(tmp_path, library)
        assert found(index, "records forever", 1) == [("keeps.com", 0)]
        index.close()


def test_while_another_process_writes_what_the_index_lacks_is_searched_in_memory(tmp_path: Path) -> None:
    committed(tmp_path, SHARES)
    with Library.open_for_writing(tmp_path, MANIFEST) as writer:
        writer.put(KEEPS)
        with Library.open(tmp_path) as library:
            index = open_index(tmp_path, library)
            assert index.policy_ids() == {f"shares.com@{DATE}", f"keeps.com@{DATE}"}
            assert found(index, "we sell your data", 1) == [("shares.com", 0)]
            assert found(index, "records forever", 1) == [("keeps.com", 0)]
            index.close()


def test_while_another_process_writes_the_first_policies_they_are_searched_in_memory(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with Library.open_for_writing(tmp_path, MANIFEST) as writer:
        writer.put(KEEPS)
        with Library.open(tmp_path) as library, caplog.at_level(logging.WARNING, "qa.store"):
            index = open_index(tmp_path, library)
            assert found(index, "records forever", 1) == [("keeps.com", 0)]
            index.close()
    assert "searched in memory" in caplog.text


@pytest.mark.skipif(sys.platform != "linux", reason="capabilities are Linux's")
def test_in_a_read_only_folder_passages_are_still_found(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    committed(folder, SHARES, KEEPS)
    for entry in [folder, *folder.rglob("*")]:
        entry.chmod(0o555 if entry.is_dir() else 0o444)
    script = (
        "from tests.qa.test_store import found, open_index\n"
        "library = Library.open(folder); index = open_index(folder, library)\n"
        "print(found(index, 'records forever', 1)); index.close(); library.close()"
    )
    try:
        assert run_without_privileges(script, folder) == "[('keeps.com', 0)]"
    finally:
        for entry in [folder, *folder.rglob("*")]:
            entry.chmod(0o755 if entry.is_dir() else 0o644)


def test_a_disk_that_takes_no_more_leaves_the_earlier_index(tmp_path: Path) -> None:
    committed(tmp_path, SHARES)
    # No file may grow beyond 300 KB in this process; the vectors alone are 2.5 MB.
    script = """
import resource, sys
from pathlib import Path
from tests.qa.test_store import *
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
index = ChromaIndex.open(Path(sys.argv[1]), MANIFEST)
try:
    index.put(MANY)
    index.commit(index.generation() + 1)
except IndexUnwritable as exc:
    print("unwritable", exc)
print(found(index, "we sell your data", 1))
index.close()
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    message, hits = done.stdout.splitlines()
    assert message.startswith("unwritable The search index")
    assert hits == "[('shares.com', 0)]"
    assert len([entry for entry in (tmp_path / "chroma").iterdir() if entry.is_dir()]) == 1


def test_a_folder_that_cannot_be_made_is_unwritable(tmp_path: Path) -> None:
    (tmp_path / "chroma").touch()
    index = ChromaIndex.open(tmp_path, MANIFEST)
    with pytest.raises(IndexUnwritable, match="cannot be written"):
        index.put(SHARES)
    index.close()


# --- completed from the library ---------------------------------------------------------------------------------------


class Unreliable(MemoryIndex):
    """An index on a server that may be away."""

    def __init__(self) -> None:
        super().__init__()
        self.away = False
        self.searches = 0

    def _reached(self) -> None:
        if self.away:
            raise IndexUnreachable("The server is away: start it.")

    def generation(self) -> int:
        self._reached()
        return super().generation()

    def policy_ids(self) -> set[str]:
        self._reached()
        return super().policy_ids()

    def search(self, vector: Vectors, k: int) -> list[PassageHit]:
        self.searches += 1
        self._reached()
        return super().search(vector, k)


def test_an_index_that_agrees_with_the_library_answers_alone(library: Library) -> None:
    library.put(SHARES)
    inner = Unreliable()
    synchronise(library, inner)
    index = CompletedIndex(library, inner)
    assert found(index, "we sell your data", 1) == [("shares.com", 0)]
    assert inner.searches == 1


def test_what_an_index_lacks_or_has_no_more_is_taken_from_the_library(library: Library) -> None:
    library.put(SHARES)
    library.put(KEEPS)
    inner = MemoryIndex()
    synchronise(library, inner)
    index = CompletedIndex(library, inner)
    assert found(index, "we sell your data", 1) == [("shares.com", 0)]
    library.put(made_up("shares.com", "Nothing at all is sold."))
    library.put(made_up("new.com", "Cookies track visitors."))
    library.remove(f"keeps.com@{DATE}")
    assert found(index, "nothing at all is sold", 9) == [("shares.com", 0), ("new.com", 0)]
    assert found(index, "cookies track visitors", 1) == [("new.com", 0)]
    synchronise(library, inner)
    assert found(index, "cookies track visitors", 9) == [("new.com", 0), ("shares.com", 0)]


def test_while_a_server_is_away_everything_is_searched_in_memory_and_it_is_left_alone(
    library: Library, caplog: pytest.LogCaptureFixture
) -> None:
    library.put(SHARES)
    library.put(KEEPS)
    inner = Unreliable()
    synchronise(library, inner)
    now = 0.0
    index = CompletedIndex(library, inner, clock=lambda: now)
    assert found(index, "records forever", 1) == [("keeps.com", 0)]
    inner.away = True
    with caplog.at_level(logging.WARNING, "qa.store"):
        for _ in range(3):
            assert found(index, "records forever", 9) == [("keeps.com", 0), ("shares.com", 0), ("shares.com", 1)]
            library.put(made_up("new.com", "Cookies track visitors."))
            library.remove(f"new.com@{DATE}")
    assert caplog.text.count("The server is away") == 1
    inner.away = False
    searches = inner.searches
    found(index, "records forever", 1)
    assert inner.searches == searches
    now = 31.0
    synchronise(library, inner)
    assert found(index, "records forever", 1) == [("keeps.com", 0)]
    assert inner.searches == searches + 1
