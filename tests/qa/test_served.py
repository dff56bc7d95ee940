"""Indexes in a folder and on a real Chroma server: what both promise, and what may go wrong with a server."""

from __future__ import annotations

import datetime as dt
import itertools
import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest

from qa.chromaserver import ChromaServer, Connection
from qa.domain import IndexedPolicy
from qa.errors import (
    IndexDamaged,
    IndexForeign,
    IndexLocked,
    IndexMissing,
    IndexProblem,
    IndexUnreachable,
    IndexUnwritable,
)
from qa.libraries import open_library, open_library_for_writing, open_search, open_served, search_index
from qa.library import Manifest
from qa.nearest import ServedPassages
from qa.served import ServedLibrary
from qa.settings import Settings
from qa.store import PassageSearch, synchronise
from tests.chroma import RunningChroma, chroma_server, free_port, needs_chroma
from tests.qa.indexing import DATE, ENCODER, MANIFEST, made_up
from tests.qa.test_library import same

pytestmark = needs_chroma

A = f"a.com@{DATE}"
B = f"b.com@{DATE}"
OLD = made_up("a.com", "We sell your data.", "Cookies track visitors.")
NEW = made_up("a.com", "Nothing is sold.")
OTHER = made_up("b.com", "We keep records forever.")
T = TypeVar("T")


@pytest.fixture(scope="module")
def chroma(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningChroma]:
    with chroma_server(tmp_path_factory.mktemp("served")) as running:
        yield running


names = (f"index{n}" for n in itertools.count())


@pytest.fixture
def server(chroma: RunningChroma) -> ChromaServer:
    """An index of its own on the server that all tests share."""
    return ChromaServer(chroma.url, next(names))


@pytest.fixture(params=["folder", "server"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Where an index is to be that is not there yet."""
    if request.param == "folder":
        return Settings(index=tmp_path / "index", cache=tmp_path)
    server = request.getfixturevalue("server")
    return Settings(index=tmp_path / "none", cache=tmp_path, chroma_url=server.url, chroma_index=server.index)


def fill(settings: Settings, *policies: IndexedPolicy, gone: str = "", manifest: Manifest = MANIFEST) -> None:
    with open_library_for_writing(settings, manifest) as library, search_index(settings, manifest) as index:
        for policy in policies:
            library.put(policy)
        if gone:
            assert library.remove(gone)
        if index is not None:
            synchronise(library, index)


def found(search: PassageSearch, query: str, k: int = 3) -> list[tuple[str, int]]:
    return [(hit.policy_id.partition("@")[0], hit.n) for hit in search.search(ENCODER.encode_question(query), k)]


# --- what an index promises, wherever it is ---------------------------------------------------------------------------


def test_what_another_writes_is_in_the_next_answer(settings: Settings) -> None:
    with pytest.raises(IndexMissing, match="run `fineprint ingest` first"):
        open_library(settings)
    fill(settings, OLD)
    with open_library(settings) as library, closing(open_search(settings, library)) as search:
        before = library.generation()
        assert same(library.read(A), OLD)
        assert library.read(A) is library.read(A)
        assert found(search, "cookies track visitors", 9) == [("a.com", 1), ("a.com", 0)]
        fill(settings, OTHER, NEW)
        assert library.generation() > before
        assert same(library.read(A), NEW)
        assert library.policy(A) == NEW.policy
        assert [card.id for card in library.cards()] == [A, B]
        assert library.hashes() == {A: NEW.policy.content_hash, B: OTHER.policy.content_hash}
        assert found(search, "nothing is sold", 1) == [("a.com", 0)]
        assert len(found(search, "we", 9)) == 2
        assert search.search(ENCODER.encode_question("nothing is sold"), 1)[0].score == pytest.approx(1.0, abs=1e-5)
        fill(settings, gone=A)
        assert [card.id for card in library.cards()] == [B]
        assert found(search, "nothing is sold", 9) == [("b.com", 0)]
        for missing in (A, "no such policy", "\ud800"):
            with pytest.raises(KeyError):
                library.read(missing)


def test_a_policy_is_known_by_its_card(settings: Settings) -> None:
    early = made_up("a.com", "xy.", "z.", date=dt.date(2006, 12, 5), company="Zoë \ud800 & Co")
    fill(settings, OTHER, OLD, early)
    with open_library(settings) as library:
        cards = library.cards()
    assert [card.id for card in cards] == ["a.com@2006-12-05", A, B]
    assert (cards[0].company, cards[0].characters, cards[0].passages) == ("Zoë \ud800 & Co", 6, 2)
    assert (cards[0].aliases, cards[0].url) == (early.policy.aliases, early.policy.url)
    assert (cards[0].archived_on, cards[0].warnings) == (dt.date(2006, 12, 5), early.policy.warnings)


def test_the_generation_grows_with_every_change_and_only_then(settings: Settings) -> None:
    with open_library_for_writing(settings, MANIFEST) as library:
        seen = [library.generation()]
        for change in (lambda: library.put(OLD), lambda: library.put(OLD), lambda: library.remove(A)):
            change()
            seen.append(library.generation())
        assert library.remove(A) is False
        with pytest.raises(ValueError, match="shape"):
            library.put(replace(OLD, sentence_vectors=np.zeros((0, MANIFEST.dimension), np.float32)))
        assert seen == sorted(set(seen))
        assert library.generation() == seen[-1]


def test_one_made_differently_asks_to_be_rebuilt(settings: Settings) -> None:
    fill(settings, OLD)
    other = replace(MANIFEST, chunker="other")
    with pytest.raises(IndexForeign, match=r"chunker sentences, now other.*run `fineprint rebuild`"):
        fill(settings, NEW, manifest=other)
    with open_library(settings) as library:
        assert library.manifest == MANIFEST
        library.require(MANIFEST)
        with pytest.raises(IndexForeign, match="rebuild"):
            library.require(other)
        with pytest.raises(TypeError, match="opened for reading"):
            library.put(NEW)
    fill(settings, NEW)  # and the lock was given back


def test_readers_on_many_threads_see_whole_policies_while_one_is_rewritten(settings: Settings) -> None:
    # Version i has i + 1 sentences, all of them "Version i.", so that a mixture of versions would show.
    versions = [made_up("a.com", *[f"Version {i}."] * (i + 1)) for i in range(5)]
    fill(settings, versions[0])
    problems: list[str] = []
    done = threading.Event()

    with open_library(settings) as library, closing(open_search(settings, library)) as search:

        def keep_reading() -> None:
            while not done.is_set():
                read = library.read(A)
                version = len(read.passages) - 1
                if read.policy != versions[version].policy or len(read.sentence_vectors) != version + 1:
                    problems.append(read.policy.text)
                if not 1 <= len(found(search, "version", 9)) <= 5:
                    problems.append("passages")

        threads = [threading.Thread(target=keep_reading) for _ in range(3)]
        for thread in threads:
            thread.start()
        with open_library_for_writing(settings, MANIFEST) as writer:
            for version in versions:
                writer.put(version)
        done.set()
        for thread in threads:
            thread.join()
    assert problems == []


# --- on a server ------------------------------------------------------------------------------------------------------


def write(server: ChromaServer, *policies: IndexedPolicy, connect: Callable[..., Connection] = Connection) -> None:
    with ServedLibrary.open_for_writing(server, MANIFEST, connect=connect) as library:
        for policy in policies:
            library.put(policy)


@contextmanager
def connected(server: ChromaServer) -> Iterator[Connection]:
    connection = Connection(server)
    yield connection
    connection.close()


def collections(server: ChromaServer) -> list[str]:
    """What each of an index's collections is for."""
    with connected(server) as connection:
        return sorted(name.rpartition("-")[2] for name in connection.names() if name.startswith(server.index))


def rows(server: ChromaServer, kind: str) -> list[str]:
    """The ids in one of an index's collections."""
    with connected(server) as connection:
        (name,) = (name for name in connection.names() if name.startswith(server.index) and name.endswith(kind))
        return sorted(connection.on(name, lambda found: found.get(include=[])["ids"]))


class Away(Connection):
    """A connection that is lost after so many changes, and does not come back."""

    left = 10_000

    def _lose(self) -> None:
        if self.left == 0:
            raise IndexUnreachable("The connection was lost.")
        self.left -= 1

    def on(self, name: str, do: Callable[[Any], T], *, writing: bool = False) -> T:
        if writing:
            self._lose()
        return super().on(name, do, writing=writing)

    def create(self, name: str, *, metadata: dict[str, Any] | None = None, hnsw: dict[str, Any] | None = None) -> bool:
        self._lose()
        return super().create(name, metadata=metadata, hnsw=hnsw)

    def drop(self, name: str) -> None:
        self._lose()
        super().drop(name)

    @contextmanager
    def changing(self) -> Iterator[None]:
        self._lose()
        with super().changing():
            yield


def test_a_writer_that_is_lost_at_any_step_leaves_the_old_policy_or_the_new_one(server: ChromaServer) -> None:
    write(server, OTHER, made_up("a.com", "Version 0."))
    possible, outcomes = {0}, []
    with ServedLibrary.open(server) as reader, closing(ServedPassages(reader)) as search:
        for steps in range(8):
            version = steps + 1
            lost = Away(server)
            with ServedLibrary.open_for_writing(server, MANIFEST, connect=lambda _, lost=lost: lost) as library:
                # What the last one left behind is gone.
                assert collections(server) == ["cards", server.index, "parcels", "passages", "writer"]
                assert len(rows(server, "parcels")) == len(rows(server, "passages")) == 2
                lost.left = steps
                try:
                    library.put(made_up("a.com", f"Version {version}."))
                    outcomes.append("done")
                    possible = {version}
                except IndexProblem:
                    outcomes.append("lost")
                    possible.add(version)
            (there,) = (each for each in possible if reader.policy(A).text == f"Version {each}.")
            possible = {there} | (possible & {version})
            assert len(found(search, "we sell version", 9)) == 2
            with connected(server) as connection:
                connection.drop(f"{server.index}-writer")  # as if its time had passed
    assert "lost" in outcomes
    assert "done" in outcomes


def test_there_is_one_writer(server: ChromaServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qa.chromaserver._BEAT_S", 0.05)
    holder = f"written by process {os.getpid()} on .*: try again when it has ended"
    with ServedLibrary.open_for_writing(server, MANIFEST), pytest.raises(IndexLocked, match=holder):
        write(server, OLD)
    write(server, OLD)


def test_a_writer_whose_place_was_taken_writes_nothing_that_is_seen(server: ChromaServer) -> None:
    with ServedLibrary.open_for_writing(server, MANIFEST) as held_up:
        held_up.put(OLD)
        with connected(server) as connection:
            connection.drop(f"{server.index}-writer")
        with ServedLibrary.open_for_writing(server, MANIFEST) as library:
            with pytest.raises(IndexLocked, match="took over"):
                held_up.put(NEW)
            library.put(OTHER)
            with pytest.raises(IndexLocked, match="took over"):
                held_up.remove(A)
    with ServedLibrary.open(server) as reader:
        assert reader.hashes() == {A: OLD.policy.content_hash, B: OTHER.policy.content_hash}
    write(server)
    assert len(rows(server, "parcels")) == 2


def test_a_rebuild_shows_when_it_is_committed_and_not_before(server: ChromaServer) -> None:
    write(server, OLD, OTHER)
    other = replace(MANIFEST, chunker="other")
    with ServedLibrary.open(server) as reader, closing(ServedPassages(reader)) as search:
        before = reader.generation()
        assert found(search, "we sell your data", 1) == [("a.com", 0)]
        with ServedLibrary.open_for_writing(server, other, rebuild=True) as library:
            library.put(NEW)
            assert reader.manifest == MANIFEST
            assert same(reader.read(A), OLD)
        assert collections(server) == ["cards", server.index, "parcels", "passages"]
        with ServedLibrary.open_for_writing(server, other, rebuild=True) as library:
            library.put(NEW)
            library.commit()
            assert reader.manifest == other
            assert [card.id for card in reader.cards()] == [A]
            assert reader.generation() > before
            assert same(reader.read(A), NEW)
            assert found(search, "we sell your data", 9) == [("a.com", 0)]
            library.put(OTHER)
            assert len(reader.cards()) == 2
    assert collections(server) == ["cards", server.index, "parcels", "passages"]


def test_more_passages_than_are_compared_one_by_one_are_found(server: ChromaServer) -> None:
    many = made_up("many.com", *(f"Sentence a{i // 10} b{i % 10}." for i in range(60)))
    write(server, OLD, many, NEW)
    with ServedLibrary.open(server) as library:
        for search in (ServedPassages(library), ServedPassages(library, exact=0)):
            assert found(search, "sentence a4 b7", 1) == [("many.com", 47)]
            assert found(search, "nothing is sold", 1) == [("a.com", 0)]
            assert len(found(search, "sentence", 400)) == 61
            assert found(search, "sentence", 0) == []


def test_two_indexes_on_one_server_do_not_meet(chroma: RunningChroma) -> None:
    one, two = ChromaServer(chroma.url, "shop"), ChromaServer(chroma.url, "shop2")
    write(one, OLD)
    write(two, OTHER)
    for server, policy_id in ((one, A), (two, B)):
        with ServedLibrary.open(server) as library:
            assert [card.id for card in library.cards()] == [policy_id]


def test_a_collection_of_something_else_is_foreign_and_left_alone(server: ChromaServer) -> None:
    with connected(server) as connection:
        assert connection.create(server.index, metadata={"bookmarks": "mine"})
    for way in (lambda: ServedLibrary.open(server), lambda: write(server, OLD)):
        with pytest.raises(IndexForeign, match="was not made by fineprint: choose another name"):
            way()
    assert collections(server) == [server.index]


@pytest.mark.parametrize(("marker", "message"), [('{"form": 2}', "newer fineprint"), ('{"form": 1}', "not made by")])
def test_an_index_in_another_form_is_foreign(server: ChromaServer, marker: str, message: str) -> None:
    with connected(server) as connection:
        connection.create(server.index, metadata={"fineprint": marker})
    with pytest.raises(IndexForeign, match=message):
        ServedLibrary.open(server)


def test_a_policy_that_was_tampered_with_never_answers_and_can_be_replaced(server: ChromaServer) -> None:
    write(server, OLD, OTHER)
    spoilt = {"policy_id": A, "parcel": "c3BvaWx0"}
    with connected(server) as connection:
        (name,) = (name for name in connection.names() if name.startswith(server.index) and name.endswith("parcels"))
        (row,) = (row for row in rows(server, "parcels") if row.startswith(A))
        connection.on(name, lambda found: found.update(ids=[row], metadatas=[spoilt]))
        with ServedLibrary.open(server) as library:
            with pytest.raises(IndexDamaged, match=rf"damaged at {A} .*run `fineprint policies remove {A}`"):
                library.read(A)
            assert same(library.read(B), OTHER)
            connection.on(name, lambda found: found.delete(ids=[row]))
            with pytest.raises(IndexDamaged, match="its text is missing"):
                library.read(A)
            write(server, NEW)
            assert same(library.read(A), NEW)


@pytest.mark.parametrize("kind", ["cards", "passages"])
def test_an_index_that_lost_a_collection_says_so(server: ChromaServer, kind: str) -> None:
    write(server, OLD)
    with connected(server) as connection:
        connection.drop(next(name for name in connection.names() if name.startswith(server.index) and kind in name))
    with pytest.raises(IndexDamaged, match="run `fineprint rebuild`"):
        write(server, OTHER)
    if kind == "cards":
        with pytest.raises(IndexDamaged, match="run `fineprint rebuild`"):
            ServedLibrary.open(server)
        return
    with ServedLibrary.open(server) as library, closing(ServedPassages(library)) as search:
        assert same(library.read(A), OLD)
        with pytest.raises(IndexDamaged, match="Passages are missing"):
            found(search, "we sell your data")
        with ServedLibrary.open_for_writing(server, MANIFEST, rebuild=True) as made:
            made.put(library.read(A))
            made.commit()
        assert found(search, "we sell your data", 1) == [("a.com", 0)]


def test_a_server_that_is_started_again_or_given_older_data_is_answered_from_at_once(tmp_path: Path) -> None:
    port = free_port()
    server = ChromaServer(f"http://127.0.0.1:{port}")
    with chroma_server(tmp_path / "chroma", port):
        write(server, OLD)
    shutil.copytree(tmp_path / "chroma", tmp_path / "copy")
    with (
        chroma_server(tmp_path / "chroma", port) as running,
        ServedLibrary.open(server) as library,
        closing(ServedPassages(library)) as search,
    ):
        write(server, NEW, OTHER)
        assert same(library.read(A), NEW)
        assert len(found(search, "we sell", 9)) == 2
        os.kill(running.pid, signal.SIGKILL)
        os.waitid(os.P_PID, running.pid, os.WEXITED | os.WNOWAIT)
        with pytest.raises(IndexUnreachable, match="nobody answers"):
            library.read(A)
        with chroma_server(tmp_path / "copy", port):
            assert same(library.read(A), OLD)
            assert [card.id for card in library.cards()] == [A]
            assert len(found(search, "we sell", 9)) == 2


def test_a_server_that_stops_answering_is_not_waited_for_long(chroma: RunningChroma) -> None:
    connection = Connection(ChromaServer(chroma.url, patience_s=0.5))
    while True:
        try:
            connection.look_up("nothing")
            break
        except IndexUnreachable:  # a slow machine may need another try to connect
            continue
    os.kill(chroma.pid, signal.SIGSTOP)
    try:
        with pytest.raises(IndexUnreachable, match="takes too long"):  # noqa: PT012
            while True:  # all of its threads may need a moment to stop
                connection.look_up("nothing")
    finally:
        os.kill(chroma.pid, signal.SIGCONT)
    connection.close()


def test_the_settings_choose_the_place(server: ChromaServer, tmp_path: Path) -> None:
    folder = Settings(index=tmp_path / "index", cache=tmp_path)
    with pytest.raises(TypeError, match="no Chroma server"):
        open_served(folder)
    on_server = folder.model_copy(update={"chroma_url": server.url, "chroma_index": server.index})
    fill(on_server, OLD)
    assert not folder.index.exists()
    with pytest.raises(IndexMissing):
        open_library(folder)


def test_a_server_that_refuses_to_write_is_said_in_one_line(server: ChromaServer) -> None:
    write(server, OLD)
    with connected(server) as connection:
        name = next(name for name in connection.names() if name.startswith(server.index) and "passages" in name)
        with pytest.raises(IndexUnwritable, match=r"refuses to write \(\w+\)"):
            connection.on(name, lambda rows: rows.upsert(ids=["x"], embeddings=[[1.0, 2.0]]), writing=True)
