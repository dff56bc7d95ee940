from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qa.domain import IndexedPolicy
from qa.errors import IndexDamaged, IndexForeign, IndexLocked, IndexMissing, IndexUnwritable
from qa.library import FORM, Library
from tests.qa.indexing import DATE, MANIFEST, made_up

ROOT = Path(__file__).parents[2]


def same(found: IndexedPolicy, put: IndexedPolicy) -> bool:
    """Whether everything came back; sentence vectors are stored in half precision, which has 11 bits."""
    return (
        found.policy == put.policy
        and found.policy.provenance == put.policy.provenance
        and found.passages == put.passages
        and np.allclose(found.passage_vectors, put.passage_vectors, atol=1e-6)
        and np.allclose(found.sentence_vectors, put.sentence_vectors, atol=2**-11)
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "an index"


def fill(folder: Path, *policies: IndexedPolicy) -> None:
    with Library.open_for_writing(folder, MANIFEST) as library:
        for policy in policies:
            library.put(policy)


# --- what is put comes back -------------------------------------------------------------------------------------------


def test_a_policy_comes_back_as_it_was_put(folder: Path) -> None:
    put = made_up("a.com", "We share:", "nothing.", company="Perricone MD")
    fill(folder, put)
    with Library.open(folder) as library:
        assert same(library.read("a.com@2020-01-31"), put)
        assert library.manifest == MANIFEST
        assert library.hashes() == {"a.com@2020-01-31": put.policy.content_hash}


@given(st.lists(st.text(st.characters(), min_size=1, max_size=40), min_size=1, max_size=5))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_comes_back_character_by_character(tmp_path: Path, sentences: list[str]) -> None:
    with Library.open_for_writing(tmp_path, MANIFEST) as library:
        put = made_up("a.com", *sentences, company=sentences[0])
        library.put(put)
        assert same(library.read(put.policy.id), put)


@pytest.mark.parametrize("text", ["a NUL \x00 inside", "a lone surrogate \ud800", "\ufeff", "a\r\nb\u2028c"])
def test_characters_that_databases_stumble_over_come_back(folder: Path, text: str) -> None:
    put = made_up("a.com", text, company=text)
    put = replace(put, policy=replace(put.policy, aliases=(text,), url=text, warnings=(text,)))
    fill(folder, put)
    with Library.open(folder) as library:
        assert same(library.read(put.policy.id), put)
        assert library.cards()[0].company == text


def test_what_is_read_cannot_be_changed_by_its_reader(folder: Path) -> None:
    fill(folder, made_up("a.com", "We share nothing."))
    with Library.open(folder) as library:
        found = library.read("a.com@2020-01-31")
        with pytest.raises(ValueError, match="read-only"):
            found.sentence_vectors[0, 0] = 1


def test_cards_are_sorted_by_domain_then_date(folder: Path) -> None:
    old, new = dt.date(2006, 12, 5), dt.date(2014, 5, 30)
    fill(folder, made_up("b.com", "x."), made_up("a.com", "y.", date=new), made_up("a.com", "xy.", "z.", date=old))
    with Library.open(folder) as library:
        cards = library.cards()
    assert [card.id for card in cards] == ["a.com@2006-12-05", "a.com@2014-05-30", "b.com@2020-01-31"]
    first = cards[0]
    # "xy. z." has six characters, and one passage a sentence.
    assert (first.company, first.characters, first.passages, first.archived_on) == ("Made Up", 6, 2, old)
    assert first.aliases == ("a.com", "made up")
    assert first.warnings == ("the text is cut off",)


def test_an_unknown_policy_is_a_key_error(folder: Path) -> None:
    fill(folder, made_up("a.com", "x."))
    with Library.open(folder) as library:
        for unknown in ("b.com@2020-01-31", "", "\ud800", "a.com"):
            with pytest.raises(KeyError):
                library.read(unknown)


def test_a_policy_is_replaced_as_a_whole(folder: Path) -> None:
    fill(folder, made_up("a.com", "One.", "Two.", "Three."))
    changed = made_up("a.com", "One only.")
    fill(folder, changed)
    with Library.open(folder) as library:
        assert same(library.read("a.com@2020-01-31"), changed)
        assert len(library.cards()) == 1


def test_removing_takes_the_policy_and_its_passages(folder: Path) -> None:
    fill(folder, made_up("a.com", "x."), made_up("b.com", "y."))
    with Library.open_for_writing(folder, MANIFEST) as library:
        assert library.remove("a.com@2020-01-31") is True
        assert library.remove("a.com@2020-01-31") is False
        assert [card.domain for card in library.cards()] == ["b.com"]
        with pytest.raises(KeyError):
            library.read("a.com@2020-01-31")
    with sqlite3.connect(folder / "library.sqlite3") as connection:
        assert connection.execute("SELECT DISTINCT policy_id FROM passages").fetchall() == [("b.com@2020-01-31",)]
    connection.close()


@pytest.mark.parametrize("flaw", ["a row too many", "too long", "not finite", "of length two", "no passages"])
def test_vectors_that_do_not_fit_are_refused_and_the_earlier_policy_stays(folder: Path, flaw: str) -> None:
    good = made_up("a.com", "One.", "Two.")
    fill(folder, good)
    vectors = good.passage_vectors
    flawed = {
        "a row too many": replace(good, sentence_vectors=np.vstack([vectors, vectors[:1]])),
        "too long": replace(good, passage_vectors=np.hstack([vectors, vectors])),
        "not finite": replace(good, passage_vectors=vectors * np.float32("nan")),
        "of length two": replace(good, sentence_vectors=vectors * np.float32(2)),
        "no passages": replace(good, passages=(), passage_vectors=vectors[:0], sentence_vectors=vectors[:0]),
    }[flaw]
    with Library.open_for_writing(folder, MANIFEST) as library:
        generation = library.generation()
        with pytest.raises(ValueError):
            library.put(flawed)
        assert library.generation() == generation
        assert same(library.read(good.policy.id), good)


# --- readers and the writer -------------------------------------------------------------------------------------------


def test_the_generation_grows_with_every_change_and_only_then(folder: Path) -> None:
    with Library.open_for_writing(folder, MANIFEST) as library:
        seen = [library.generation()]
        for change in (
            lambda: library.put(made_up("a.com", "x.")),
            lambda: library.put(made_up("a.com", "x.")),
            lambda: library.remove("a.com@2020-01-31"),
        ):
            change()
            seen.append(library.generation())
        library.remove("a.com@2020-01-31")
        assert seen == sorted(set(seen))
        assert library.generation() == seen[-1]


def test_a_reader_sees_what_another_process_writes_at_its_next_call(folder: Path) -> None:
    fill(folder, made_up("a.com", "Old."))
    with Library.open(folder) as reader:
        before = reader.generation()
        assert reader.read("a.com@2020-01-31").policy.text == "Old."
        assert len(reader.cards()) == 1
        script = (
            "import sys; from pathlib import Path; from tests.qa import test_library as this;"
            "this.fill(Path(sys.argv[1]), this.made_up('a.com', 'New.'), this.made_up('b.com', 'Other.'))"
        )
        subprocess.run([sys.executable, "-c", script, str(folder)], cwd=ROOT, check=True)
        assert reader.generation() == before + 2
        assert reader.read("a.com@2020-01-31").policy.text == "New."
        assert [card.domain for card in reader.cards()] == ["a.com", "b.com"]


def test_a_long_policy_is_read_without_holding_its_text_and_vectors_once_a_passage(folder: Path) -> None:
    # The vectors of 300 sentences, 512 numbers each in half precision, are 307 KB; three hundred times that is 92 MB.
    long = made_up("long.com", *(f"Sentence number{n} is here." for n in range(300)))
    fill(folder, long)
    with Library.open(folder) as library:
        tracemalloc.start()
        found = library.read(long.policy.id)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert same(found, long)
    assert most < 10_000_000


def test_repeated_reads_give_the_cached_policy_until_it_is_written_again(folder: Path) -> None:
    fill(folder, made_up("a.com", "x."))
    with Library.open(folder) as reader:
        first = reader.read("a.com@2020-01-31")
        cards = reader.cards()
        assert reader.read("a.com@2020-01-31") is first
        assert reader.cards() is cards
        fill(folder, made_up("b.com", "y."))
        assert reader.read("a.com@2020-01-31") is first
        fill(folder, made_up("a.com", "x."))
        assert reader.read("a.com@2020-01-31") is not first


def test_a_reader_notices_a_folder_that_was_emptied_and_filled_anew(folder: Path) -> None:
    fill(folder, made_up("a.com", "Old."))
    with Library.open(folder) as reader:
        before = reader.generation()
        assert reader.read("a.com@2020-01-31").policy.text == "Old."
        shutil.rmtree(folder)
        with pytest.raises(IndexMissing):
            reader.cards()
        fill(folder, made_up("a.com", "New."))
        assert reader.read("a.com@2020-01-31").policy.text == "New."
        assert reader.generation() > before


def test_readers_on_many_threads_see_whole_policies_while_one_is_rewritten(folder: Path) -> None:
    # Version i has i + 1 sentences, all of them "Version i.", so that a mixture of versions would show.
    versions = [made_up("a.com", *[f"Version {i}."] * (i + 1)) for i in range(12)]
    fill(folder, versions[0])
    problems: list[str] = []
    done = threading.Event()

    def keep_reading(library: Library) -> None:
        while not done.is_set():
            found = library.read("a.com@2020-01-31")
            version = len(found.passages) - 1
            if found.policy != versions[version].policy or len(found.sentence_vectors) != version + 1:
                problems.append(found.policy.text)

    with Library.open(folder) as reader:
        threads = [threading.Thread(target=keep_reading, args=(reader,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for version in versions * 3:
            fill(folder, version)
        done.set()
        for thread in threads:
            thread.join()
    assert problems == []


def test_there_is_one_writer_and_the_lock_names_it(folder: Path) -> None:
    with (
        Library.open_for_writing(folder, MANIFEST),
        pytest.raises(IndexLocked, match=f"process {os.getpid()}: try again"),
    ):
        Library.open_for_writing(folder, MANIFEST)
    Library.open_for_writing(folder, MANIFEST).close()


def test_a_library_opened_for_reading_does_not_write(folder: Path) -> None:
    fill(folder, made_up("a.com", "x."))
    with Library.open(folder) as reader, pytest.raises(TypeError, match="opened for reading"):
        reader.remove("a.com@2020-01-31")


# --- other manifests, other forms -------------------------------------------------------------------------------------


def test_a_library_made_differently_asks_to_be_rebuilt(folder: Path) -> None:
    fill(folder, made_up("a.com", "x."))
    other = replace(MANIFEST, chunker="other")
    with pytest.raises(IndexForeign, match=r"chunker sentences, now other.*run `fineprint rebuild`"):
        Library.open_for_writing(folder, other)
    with Library.open(folder) as reader:
        reader.require(MANIFEST)
        with pytest.raises(IndexForeign, match="rebuild"):
            reader.require(other)
    fill(folder, made_up("b.com", "y."))  # and the lock was given back


# What the first version of fineprint wrote, as it wrote it.
FORM_1 = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
CREATE TABLE policies (
        id TEXT PRIMARY KEY,
        domain TEXT NOT NULL,
        archived_on TEXT NOT NULL,
        content_hash TEXT NOT NULL,
        generation INTEGER NOT NULL,
        characters INTEGER NOT NULL,
        passages INTEGER NOT NULL,
        facts TEXT NOT NULL,
        text BLOB NOT NULL,
        sentence_vectors BLOB NOT NULL
    );
CREATE TABLE passages (
        policy_id TEXT NOT NULL REFERENCES policies (id) ON DELETE CASCADE,
        n INTEGER NOT NULL,
        start INTEGER NOT NULL,
        "end" INTEGER NOT NULL,
        section TEXT NOT NULL,
        sentences TEXT NOT NULL,
        vector BLOB NOT NULL,
        PRIMARY KEY (policy_id, n)
    ) WITHOUT ROWID;
PRAGMA application_id = 1179669041;
PRAGMA user_version = 1;
"""


def fill_form_1(folder: Path, *policies: IndexedPolicy) -> None:
    """Writes an index as the first version of fineprint did."""
    folder.mkdir()
    connection = sqlite3.connect(folder / "library.sqlite3")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.executescript(FORM_1)
    manifest = {"encoder": MANIFEST.encoder, "fingerprint": MANIFEST.fingerprint, "dimension": MANIFEST.dimension}
    connection.execute(
        "INSERT INTO meta VALUES ('manifest', ?), ('generation', ?)",
        (json.dumps({**manifest, "chunker": MANIFEST.chunker, "distance": "cosine"}), 1_700_000_000_000),
    )
    for indexed in policies:
        policy = indexed.policy
        facts = {"company": policy.company, "aliases": policy.aliases, "url": policy.url}
        facts |= {"provenance": dict(policy.provenance), "warnings": policy.warnings}
        row = [policy.id, policy.domain, policy.archived_on.isoformat(), policy.content_hash, 1_700_000_000_000]
        row += [len(policy.text), len(indexed.passages), json.dumps(facts), policy.text.encode()]
        row += [indexed.sentence_vectors.astype("<f2").tobytes()]
        connection.execute("INSERT INTO policies VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        for passage, vector in zip(indexed.passages, indexed.passage_vectors, strict=True):
            leads = [(each.lead_in.start, each.lead_in.end) if each.lead_in else () for each in passage.sentences]
            spans = [[each.start, each.end, *lead] for each, lead in zip(passage.sentences, leads, strict=True)]
            row = [policy.id, passage.n, passage.start, passage.end, json.dumps(passage.section), json.dumps(spans)]
            connection.execute(
                "INSERT INTO passages VALUES (?, ?, ?, ?, ?, ?, ?)", [*row, vector.astype("<f4").tobytes()]
            )
    connection.commit()
    connection.close()


def test_an_index_of_the_first_version_is_read_as_it_is_and_brought_forward_by_the_next_writer(folder: Path) -> None:
    old, new = made_up("a.com", "We share:", "nothing."), made_up("b.com", "New.")
    fill_form_1(folder, old)
    with Library.open(folder) as reader:
        assert (reader.form(), reader.sealed(old.policy.id)) == (1, True)
        assert same(reader.read(old.policy.id), old)
        before = reader.generation()
        fill(folder, new)  # while it is being read
        assert reader.form() == FORM
        assert same(reader.read(old.policy.id), old)
        assert same(reader.read(new.policy.id), new)
        assert reader.generation() == before + 1
        assert reader.sealed(old.policy.id)
        assert reader.sealed(new.policy.id)
        assert reader.flaws() == []
    execute(folder, "UPDATE passages SET section = '[]' WHERE policy_id LIKE 'a.com%'")
    with Library.open(folder) as reader:
        assert [reader.sealed(each.policy.id) for each in (old, new)] == [False, True]


def test_a_bringing_forward_that_fails_half_way_never_happened(folder: Path) -> None:
    old = made_up("a.com", "We share nothing.")
    fill_form_1(folder, old)
    nameless = "SELECT NULL, domain, archived_on, content_hash, 1, 1, 1, facts, text, sentence_vectors FROM policies"
    execute(folder, f"INSERT INTO policies {nameless}")  # it comes second, and cannot have a seal
    with pytest.raises(sqlite3.IntegrityError):
        Library.open_for_writing(folder, MANIFEST)
    with Library.open(folder) as reader:
        assert reader.form() == 1
        assert same(reader.read(old.policy.id), old)
    execute(folder, "DELETE FROM policies WHERE id IS NULL")
    fill(folder)
    with Library.open(folder) as reader:
        assert (reader.form(), reader.sealed(old.policy.id)) == (FORM, True)


def test_a_library_made_anew_begins_above_the_generation_it_is_told(folder: Path) -> None:
    for after in (0, 1 << 53):  # the second one is of a clock that was two centuries ahead
        shutil.rmtree(folder, ignore_errors=True)
        with Library.open_for_writing(folder, MANIFEST, after=after) as library:
            library.put(made_up("a.com", "x."))
            assert after < library.generation()
            assert list(library.generations().values()) == [library.generation()]


def test_everything_gets_a_new_generation_when_a_library_is_renumbered(folder: Path) -> None:
    fill(folder, made_up("a.com", "x."), made_up("b.com", "y."))
    with Library.open_for_writing(folder, MANIFEST) as library:
        before = library.generation()
        library.renumber(before + (1 << 20))
        assert library.generation() > before + (1 << 20)
        assert set(library.generations().values()) == {library.generation()}
        assert library.sealed("a.com@2020-01-31")


# --- what was written is what is read ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE passages SET vector = zeroblob(length(vector))",
        "UPDATE passages SET start = start - 1 WHERE n = 1",
        "UPDATE passages SET section = '[\"Cookies\"]'",
        "UPDATE policies SET sentence_vectors = zeroblob(length(sentence_vectors))",
        "UPDATE policies SET facts = replace(facts, 'header', 'option')",
        "DELETE FROM seals",
    ],
)
def test_a_seal_tells_every_change_of_what_was_written(folder: Path, damage: str) -> None:
    fill(folder, made_up("a.com", "One.", "Two."))
    with Library.open(folder) as reader:
        assert reader.sealed("a.com@2020-01-31")
        execute(folder, damage)
        assert not reader.sealed("a.com@2020-01-31")


def test_rows_without_their_policy_are_flaws(folder: Path) -> None:
    fill(folder, made_up("a.com", "One.", "Two."), made_up("b.com", "Three."))
    with Library.open(folder) as reader:
        assert reader.flaws() == []
        execute(folder, "DELETE FROM policies WHERE domain = 'a.com'")
        assert sorted(reader.flaws()) == [
            "1 rows of seals belong to no policy",
            "2 rows of passages belong to no policy",
        ]


def test_compacting_gives_back_the_space_of_what_was_removed(folder: Path) -> None:
    kept = made_up("a.com", "We share nothing.")
    fill(folder, kept, *(made_up(f"{i}.com", "x. " * 3_000) for i in range(20)))
    file = folder / "library.sqlite3"
    with Library.open_for_writing(folder, MANIFEST) as library, Library.open(folder) as reader:
        for i in range(20):
            library.remove(f"{i}.com@2020-01-31")
        before = file.stat().st_size
        library.compact()
        assert file.stat().st_size < before / 3
        assert same(reader.read(kept.policy.id), kept)
        assert reader.flaws() == []


# --- folders that cannot serve ----------------------------------------------------------------------------------------


def nothing(folder: Path) -> None:
    """Leaves the folder out."""


def empty_folder(folder: Path) -> None:
    folder.mkdir()


def empty_file(folder: Path) -> None:
    folder.mkdir()
    (folder / "library.sqlite3").touch()


def file_in_place_of_the_folder(folder: Path) -> None:
    folder.touch()


@pytest.mark.parametrize("make", [nothing, empty_folder, empty_file, file_in_place_of_the_folder])
def test_where_nothing_was_ingested_the_user_is_told_to_ingest(folder: Path, make: Callable[[Path], None]) -> None:
    make(folder)
    with pytest.raises(IndexMissing) as caught:
        Library.open(folder)
    assert str(caught.value) == f"There is no index in {folder}: run `fineprint ingest` first."


def test_an_interrupted_creation_is_taken_up_by_the_next_writer(folder: Path) -> None:
    empty_file(folder)
    fill(folder, made_up("a.com", "x."))
    with Library.open(folder) as reader:
        assert len(reader.cards()) == 1


def execute(folder: Path, statement: str) -> None:
    connection = sqlite3.connect(folder / "library.sqlite3")
    connection.execute(statement)
    connection.commit()
    connection.close()


def open_either_way(folder: Path) -> list[Callable[[], Library]]:
    return [lambda: Library.open(folder), lambda: Library.open_for_writing(folder, MANIFEST)]


def test_a_database_of_something_else_is_foreign_and_left_alone(folder: Path) -> None:
    folder.mkdir()
    execute(folder, "CREATE TABLE bookmarks (url)")
    before = (folder / "library.sqlite3").read_bytes()
    for way in open_either_way(folder):
        with pytest.raises(IndexForeign, match="was not made by fineprint"):
            way()
    assert (folder / "library.sqlite3").read_bytes() == before


def test_a_file_that_is_no_database_is_foreign_and_left_alone(folder: Path) -> None:
    folder.mkdir()
    (folder / "library.sqlite3").write_text("a shopping list " * 100)
    for way in open_either_way(folder):
        with pytest.raises(IndexForeign, match="is not a fineprint library"):
            way()
    assert (folder / "library.sqlite3").read_text() == "a shopping list " * 100


def test_an_index_of_a_newer_fineprint_is_foreign(folder: Path) -> None:
    fill(folder, made_up("a.com", "x."))
    execute(folder, f"PRAGMA user_version = {FORM + 1}")
    for way in open_either_way(folder):
        with pytest.raises(IndexForeign, match=r"made by a newer fineprint .*upgrade"):
            way()


def test_a_truncated_file_is_damaged(folder: Path) -> None:
    fill(folder, *(made_up(f"{i}.com", "x. " * 3000) for i in range(10)))
    file = folder / "library.sqlite3"
    with file.open("r+b") as handle:
        handle.truncate(file.stat().st_size // 2)
    with pytest.raises(IndexDamaged, match=r"is damaged .*fineprint rebuild"):
        Library.open(folder)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE policies SET text = CAST('y.' AS BLOB)",
        "UPDATE policies SET facts = '{}'",
        "UPDATE policies SET facts = 'no JSON'",
        "UPDATE policies SET archived_on = 'yesterday'",
        "UPDATE policies SET sentence_vectors = X'0000'",
        "DELETE FROM passages",
        "DROP TABLE passages",
    ],
)
def test_a_policy_that_was_tampered_with_is_damaged_and_never_answers(folder: Path, damage: str) -> None:
    fill(folder, made_up("a.com", "x."))
    execute(folder, damage)
    with Library.open(folder) as reader, pytest.raises(IndexDamaged, match="is damaged"):
        reader.read(f"a.com@{DATE}")


def test_a_library_without_its_meta_table_is_damaged(folder: Path) -> None:
    fill(folder, made_up("a.com", "x."))
    execute(folder, "DELETE FROM meta")
    with pytest.raises(IndexDamaged, match="no such key"):
        Library.open(folder)


def test_a_folder_that_cannot_be_made_is_unwritable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(IndexUnwritable, match="cannot be written"):
        Library.open_for_writing(tmp_path / "file" / "index", MANIFEST)


def test_a_disk_that_takes_no_more_leaves_the_earlier_state(folder: Path) -> None:
    first = made_up("a.com", "x.")
    fill(folder, first)
    # No file may grow beyond 200 KB in this process; the text alone is 300 KB.
    script = """
import resource, sys
from pathlib import Path
from qa.errors import IndexUnwritable
from tests.qa.test_library import Library, MANIFEST, made_up
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
with Library.open_for_writing(Path(sys.argv[1]), MANIFEST) as library:
    try:
        library.put(made_up("b.com", "y. " * 100_000))
    except IndexUnwritable as exc:
        print(exc)
    print(list(library.hashes()))
    library.put(made_up("c.com", "z."))
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(folder)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    message, hashes = done.stdout.splitlines()
    assert message.endswith("check its permissions and the space left.")
    assert hashes == f"['a.com@{DATE}']"
    with Library.open(folder) as reader:
        assert same(reader.read(first.policy.id), first)
        assert [card.domain for card in reader.cards()] == ["a.com", "c.com"]


# Gives up the right of root to write everywhere, so that a read-only folder is one for root too.
WITHOUT_PRIVILEGES = """
import ctypes, sys
from pathlib import Path
header = (ctypes.c_uint32 * 2)(0x20080522, 0)
assert ctypes.CDLL(None).capset(header, (ctypes.c_uint32 * 6)()) == 0
from qa.errors import FineprintError
from qa.library import Library
from tests.qa.indexing import MANIFEST
folder = Path(sys.argv[1])
"""


def run_without_privileges(script: str, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_PRIVILEGES + script, str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


READ = "library = Library.open(folder); print(library.read('a.com@2020-01-31').policy.text); library.close()"


@pytest.mark.skipif(sys.platform != "linux", reason="capabilities are Linux's")
@pytest.mark.parametrize("read_before", [False, True], ids=["fresh", "read before"])
def test_a_read_only_folder_can_be_read_but_not_written(folder: Path, read_before: bool) -> None:
    fill(folder, made_up("a.com", "We share nothing."))
    if read_before:  # leaves the files of the WAL behind
        with Library.open(folder) as reader:
            reader.cards()
    for file in folder.iterdir():
        file.chmod(0o444)
    folder.chmod(0o555)
    try:
        assert run_without_privileges(READ, folder) == "We share nothing."
        write = "try: Library.open_for_writing(folder, MANIFEST)\nexcept FineprintError as exc: print(repr(exc))"
        assert run_without_privileges(write, folder).startswith("IndexUnwritable(")
    finally:
        folder.chmod(0o755)
