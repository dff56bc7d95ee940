"""Labels: the standard questions, what becomes of their answers, and the file that keeps them."""

from __future__ import annotations

import datetime as dt
import json
import multiprocessing
import os
import shutil
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from qa import labelling
from qa.cues import is_yes_no
from qa.domain import Answer, Citation, IndexedPolicy, Label, Question, Status, Verdict
from qa.encoders import HashingEncoder
from qa.labelling import SURE, SURELY_SILENT, TOPICS, LabelStore, label_of, recipe, recipe_of
from qa.library import Library, Manifest
from qa.parting import parted
from qa.routing import is_privacy_question
from qa.service import PolicyQA
from qa.settings import Settings
from tests.qa.making import indexed

ENCODER = HashingEncoder()
MANIFEST = Manifest(ENCODER.name, ENCODER.fingerprint, ENCODER.dimension, "test")
ACME = indexed("We never sell your personal information.", "We use cookies to keep you logged in.")
BOLT = indexed("Bolt sells personal information to other companies.", domain="bolt.com", company="Bolt")


def cited(source: IndexedPolicy, n: int = 1) -> Citation:
    """A citation of a policy's first sentence."""
    of = source.policy
    end = of.text.index("\n") if "\n" in of.text else len(of.text)
    return Citation(n, of.id, of.company, of.domain, of.archived_on, "", of.text[:end], 0, end, of.url)


def answering(source: IndexedPolicy, **parts: object) -> Callable[[Question], Answer]:
    """Answers every question alike, from the first sentence."""
    answer = Answer("", Status.ANSWERED, "No [1].", Verdict.NO, (cited(source),), confidence=0.9)
    return lambda question: replace(answer, question=question.text, **parts)  # type: ignore[arg-type]


class Maker:
    """Makes labels and counts them."""

    def __init__(self, source: IndexedPolicy = ACME) -> None:
        self.source = source
        self.made = 0

    def __call__(self) -> Label:
        self.made += 1
        return label_of(self.source, answering(self.source))


def kept_ids(folder: Path) -> set[str]:
    connection = sqlite3.connect(folder / labelling.FILE)
    ids = {row[0] for row in connection.execute("SELECT policy_id FROM labels")}
    connection.close()
    return ids


# --- the questions ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.topic)
def test_a_standard_question_is_one_plain_privacy_question(topic: labelling.Topic) -> None:
    assert is_privacy_question(topic.question)
    assert parted(topic.question) == (topic.question,)
    assert is_yes_no(topic.question) != topic.title.startswith(("How", "What")), "the title does not fit the answer"


def test_a_question_by_hand_gives_what_the_label_says(tmp_path: Path) -> None:
    settings = Settings(index=tmp_path / "index", cache=tmp_path / "cache")
    with Library.open_for_writing(settings.index, MANIFEST) as library:
        library.put(ACME)
        library.put(BOLT)
    with PolicyQA.open(settings, encoder=ENCODER) as qa:
        label = qa.label("acme.com")
        assert [row.topic for row in label.rows] == [topic.topic for topic in TOPICS]
        for row in label.rows:
            answer = qa.ask(Question(row.question, scope=label.policy_id))
            assert (row.status, row.verdict, row.text) == (answer.status, answer.verdict, answer.text)
            assert row.citations == answer.citations
        assert any(row.citations for row in label.rows)


def test_what_is_not_likely_enough_to_be_right_is_not_sure() -> None:
    for status, least in ((Status.ANSWERED, SURE), (Status.NOT_STATED, SURELY_SILENT)):
        for confidence, sure in ((least, True), (least - 0.01, False)):
            label = label_of(ACME, answering(ACME, status=status, confidence=confidence))
            assert {row.sure for row in label.rows} == {sure}


def test_silence_that_is_not_sure_shows_the_nearest_passages_and_no_citation() -> None:
    silent = {"status": Status.NOT_STATED, "verdict": None, "citations": (), "related": (cited(ACME),)}
    doubtful = label_of(ACME, answering(ACME, confidence=0.55, **silent)).rows[0]
    certain = label_of(ACME, answering(ACME, confidence=0.9, **silent)).rows[0]
    assert (doubtful.citations, doubtful.related) == ((), (cited(ACME),))
    assert (certain.citations, certain.related) == ((), ())


def test_the_recipe_covers_the_code_the_words_and_the_records_of_the_models(tmp_path: Path) -> None:
    package = tmp_path / "qa"
    shutil.copytree(Path(labelling.__file__).parent, package, ignore=shutil.ignore_patterns("*.safetensors", "*.pyc"))
    assert recipe_of(package) == recipe()
    for changed in ("labelling.py", "reading.py", "common_words.txt", "models/judge.json", "models/reading.json"):
        before = recipe_of(package)
        with (package / changed).open("a", encoding="utf-8") as file:
            file.write("\n")
        assert recipe_of(package) != before, changed


# --- where labels are kept --------------------------------------------------------------------------------------------


def test_a_label_is_made_once_and_kept_for_the_next_process(tmp_path: Path) -> None:
    make = Maker()
    first = LabelStore(tmp_path, "v1").label(ACME, make, lambda: [ACME.policy.id])
    store = LabelStore(tmp_path, "v1")
    assert store.label(ACME, make, lambda: [ACME.policy.id]) == first
    assert store.label(ACME, make, lambda: [ACME.policy.id]) is store.label(ACME, make, list)
    assert make.made == 1


@pytest.mark.parametrize(
    ("source", "made_by"),
    [
        (ACME, "v2"),
        (indexed("We sell your personal information."), "v1"),
        (replace(ACME, passages=(replace(ACME.passages[0], section=("Other",)),)), "v1"),
    ],
    ids=["other code or models", "another text", "cut otherwise"],
)
def test_a_stale_label_is_made_anew(tmp_path: Path, source: IndexedPolicy, made_by: str) -> None:
    LabelStore(tmp_path, "v1").label(ACME, Maker(), lambda: [ACME.policy.id])
    make = Maker(source)
    label = LabelStore(tmp_path, made_by).label(source, make, lambda: [source.policy.id])
    assert make.made == 1
    assert label.rows[0].citations[0].quote == cited(source).quote


def test_the_label_of_a_policy_that_is_removed_goes_at_once(tmp_path: Path) -> None:
    store = LabelStore(tmp_path, "v1")
    store.forget(BOLT.policy.id)  # no file yet
    for source in (ACME, BOLT):
        store.label(source, Maker(source), lambda: [ACME.policy.id, BOLT.policy.id])
    LabelStore(tmp_path, "another").forget(BOLT.policy.id)
    assert kept_ids(tmp_path) == {ACME.policy.id}


def test_labels_of_removed_policies_are_thrown_away(tmp_path: Path) -> None:
    store = LabelStore(tmp_path, "v1")
    store.label(BOLT, Maker(BOLT), lambda: [ACME.policy.id, BOLT.policy.id])
    store.label(ACME, Maker(), lambda: [ACME.policy.id])
    assert kept_ids(tmp_path) == {ACME.policy.id}


@pytest.mark.parametrize("damage", [b"", b"not a database at all" * 400, None], ids=["empty", "noise", "torn"])
def test_a_damaged_file_is_replaced_without_a_word(
    tmp_path: Path, damage: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / labelling.FILE
    LabelStore(tmp_path, "v1").label(ACME, Maker(), lambda: [ACME.policy.id])
    if damage is None:
        whole = file.read_bytes()
        file.write_bytes(whole[:4096] + os.urandom(len(whole) - 4096))
    else:
        file.write_bytes(damage)
    make = Maker()
    LabelStore(tmp_path, "v1").label(ACME, make, lambda: [ACME.policy.id])
    LabelStore(tmp_path, "v1").label(ACME, make, lambda: [ACME.policy.id])
    assert make.made == 1
    assert kept_ids(tmp_path) == {ACME.policy.id}
    assert [record for record in caplog.records if record.levelname != "DEBUG"] == []


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data["rows"][0]["citations"][0].update(quote="We sell everything."),
        lambda data: data["rows"][0]["citations"][0].update(start=1),
        lambda data: data["rows"][0]["citations"][0].update(policy_id="bolt.com@2011-03-06"),
        lambda data: data["rows"][0].update(question="Do you like cats?"),
        lambda data: data["rows"][0].update(verdict="maybe"),
        lambda data: data["rows"][0].pop("text"),
        lambda data: data["rows"].clear(),
    ],
    ids=["words", "place", "policy", "question", "verdict", "field", "rows"],
)
def test_a_kept_label_that_does_not_fit_its_policy_is_never_shown(
    tmp_path: Path, change: Callable[[dict[str, object]], object]
) -> None:
    right = LabelStore(tmp_path, "v1").label(ACME, Maker(), lambda: [ACME.policy.id])
    connection = sqlite3.connect(tmp_path / labelling.FILE)
    data = json.loads(connection.execute("SELECT label FROM labels").fetchone()[0])
    change(data)
    connection.execute("UPDATE labels SET label = ?", (json.dumps(data),))
    connection.commit()
    connection.close()
    make = Maker()
    assert LabelStore(tmp_path, "v1").label(ACME, make, lambda: [ACME.policy.id]) == right
    assert make.made == 1


def test_where_nothing_can_be_written_labels_are_kept_in_memory(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    folder.write_text("a file where the folder should be")
    make = Maker()
    store = LabelStore(folder, "v1")
    assert store.label(ACME, make, list) is store.label(ACME, make, list)
    assert make.made == 1


def test_a_file_that_another_process_holds_keeps_nobody_waiting_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(labelling, "_LOCK_WAIT_S", 0.05)
    LabelStore(tmp_path, "v1").label(BOLT, Maker(BOLT), lambda: [BOLT.policy.id])
    holder = sqlite3.connect(tmp_path / labelling.FILE, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    make = Maker()
    label = LabelStore(tmp_path, "v1").label(ACME, make, lambda: [ACME.policy.id, BOLT.policy.id])
    holder.execute("ROLLBACK")
    holder.close()
    assert label.policy_id == ACME.policy.id
    assert kept_ids(tmp_path) == {BOLT.policy.id}


def test_the_same_label_wanted_by_many_at_once_is_made_once(tmp_path: Path) -> None:
    make, store = Maker(), LabelStore(tmp_path, "v1")
    got: list[Label] = []
    threads = [
        threading.Thread(target=lambda: got.append(store.label(ACME, make, lambda: [ACME.policy.id]))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 8
    assert make.made == 1


def _keep(folder: Path, domains: list[str], everything: list[str]) -> None:
    for domain in domains:
        source = indexed("We never sell your personal information.", domain=domain, company=domain)
        LabelStore(folder, "v1").label(source, Maker(source), lambda: everything)


def test_processes_share_the_file(tmp_path: Path) -> None:
    domains = [f"site{n}.com" for n in range(12)]
    everything = [f"{domain}@{dt.date(2011, 3, 6).isoformat()}" for domain in domains]
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_keep, args=(tmp_path, domains[n::2], everything)) for n in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert kept_ids(tmp_path) == set(everything)
