"""Answers that are given again, through the whole of qa."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from qa.domain import Answer, Candidates, Citation, Generation, Question, Reading, Status, Timings, Verdict, as_json
from qa.encoders import HashingEncoder
from qa.library import Library, Manifest
from qa.recalling import KEPT_S, Recall, Recalled
from qa.service import PolicyQA
from qa.settings import Settings
from tests.qa.making import indexed

ENCODER = HashingEncoder()
MANIFEST = Manifest(ENCODER.name, ENCODER.fingerprint, ENCODER.dimension, "test")
ACME = indexed("We do not sell your data.")
BOLT = indexed("Bolt sells your data to other companies.", domain="bolt.com", company="Bolt")
ASKED = Question("does Acme sell my data?")


@dataclass
class CountingReader:
    """Takes the nearest sentence for a proof, and counts how often it is asked."""

    asked: list[str] = field(default_factory=list)

    def read(self, question: str, candidates: Candidates) -> Reading:
        self.asked.append(question)
        nearest = candidates.ranked[:1]
        return Reading(candidates.source, question, Status.ANSWERED, Verdict.YES, nearest, (), 0.9, (Verdict.YES,))

    def warm_up(self) -> None: ...


class Opened:
    def __init__(self, folder: Path, *, kept: int = 3) -> None:
        self.folder = folder
        for source in (ACME, BOLT):
            self.put(source.policy.domain)
        self.reader = CountingReader()
        settings = Settings(index=folder, cache=folder, answers_kept=kept)
        self.qa = PolicyQA.open(settings, encoder=ENCODER, reader=self.reader, recalls=True)

    def put(self, domain: str, text: str | None = None) -> None:
        source = ACME if domain == "acme.com" else BOLT
        with Library.open_for_writing(self.folder, MANIFEST) as library:
            library.put(indexed(text, domain=domain, company=source.policy.company) if text else source)


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    made = Opened(tmp_path / "index")
    with made.qa:
        yield made


def untimed(answer: Answer) -> Answer:
    return replace(answer, timings_ms=Timings())


def test_the_same_question_gets_the_same_answer_without_being_read_again(opened: Opened) -> None:
    first = opened.qa.ask(replace(ASKED, id="1"))
    again = opened.qa.ask(replace(ASKED, text=f" {ASKED.text}\n", id="2"))
    assert len(opened.reader.asked) == 1
    assert untimed(again) == untimed(replace(first, id="2"))
    assert "recalled" not in as_json(first)["timings_ms"]
    told = as_json(again)["timings_ms"]
    assert told.pop("recalled") == told.pop("total")
    assert set(told.values()) == {0.0}


def test_a_stream_of_an_answer_given_before_is_that_answer(opened: Opened) -> None:
    *_, first = opened.qa.stream(ASKED)
    assert isinstance(first, Answer)
    (again,) = opened.qa.stream(ASKED)
    assert isinstance(again, Answer)
    assert untimed(again) == untimed(first)
    assert again.timings_ms.recalled is not None


def test_an_answer_that_nobody_waited_for_is_not_kept(opened: Opened) -> None:
    steps = opened.qa.stream(ASKED)
    next(steps)
    steps.close()
    assert opened.qa.ask(ASKED).timings_ms.recalled is None


@pytest.mark.parametrize(
    "other",
    [
        replace(ASKED, history=("what about cookies?",)),
        replace(ASKED, scope="acme.com"),
        replace(ASKED, as_of=dt.date(2020, 1, 1)),
        replace(ASKED, text="does Bolt sell my data?"),
    ],
)
def test_another_question_conversation_scope_or_day_is_answered_for_itself(opened: Opened, other: Question) -> None:
    opened.qa.ask(ASKED)
    assert opened.qa.ask(other).timings_ms.recalled is None


def test_a_change_of_the_index_is_seen_in_the_next_answer(opened: Opened) -> None:
    assert opened.qa.ask(ASKED).citations[0].quote == "We do not sell your data."
    opened.put("acme.com", "We sell your data to everybody.")
    assert opened.qa.ask(ASKED).citations[0].quote == "We sell your data to everybody."


def test_who_may_ask_about_other_sites_gets_no_answer_of_somebody_else_s(opened: Opened) -> None:
    assert opened.qa.ask(ASKED).status is Status.ANSWERED
    bolt, both = opened.qa.limited(["bolt.com"]), opened.qa.limited(["acme.com", "bolt.com"])
    assert bolt.ask(ASKED).status is Status.UNKNOWN_COMPANY
    assert both.ask(ASKED).timings_ms.recalled is None
    assert bolt.ask(ASKED).timings_ms.recalled is not None


def test_questions_to_a_policy_of_the_reader_s_own_are_not_kept(opened: Opened) -> None:
    own = indexed("Nobody gets your data.", domain="own.example", company="Own")
    for _ in range(2):
        opened.qa.ask_in(Question("do you sell my data?"), own)
    assert len(opened.reader.asked) == 2


def test_nothing_is_kept_where_the_setting_is_zero(tmp_path: Path) -> None:
    made = Opened(tmp_path / "index", kept=0)
    with made.qa:
        assert [made.qa.ask(ASKED).timings_ms.recalled for _ in range(2)] == [None, None]


# --- what is kept, and for how long -----------------------------------------------------------------------------------


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def asked(text: str) -> Recalled:
    return Recalled(Question(text), generation=1, only=None, plain=False)


def answer(text: str = "Yes.", failed: str | None = None) -> Answer:
    made = Generation("fake:model", failed=failed)
    return Answer(question="?", status=Status.ANSWERED, text=text, generation=made)


def found(recall: Recall, *texts: str) -> list[bool]:
    return [recall.find(asked(text)) is not None for text in texts]


def test_of_more_answers_than_are_kept_the_oldest_go() -> None:
    recall = Recall(2)
    for text in ("a", "b", "a", "c"):
        recall.keep(asked(text), answer())
    assert found(recall, "a", "b", "c") == [True, False, True]
    recall.close()


def test_long_answers_make_room_for_each_other() -> None:
    recall = Recall(100)
    quote = "x" * 1_000_000
    cited = Citation(1, "acme.com@2011-03-06", "Acme", "acme.com", dt.date(2011, 3, 6), "", quote, 0, len(quote), None)
    for n in range(8):
        recall.keep(asked(str(n)), replace(answer(), citations=(cited,)))
    assert len(recall) == 3  # with a fourth, their words alone would be four million bytes
    recall.keep(asked("too long by itself"), answer("x" * 5_000_000))
    assert len(recall) == 0
    recall.close()


def test_an_answer_is_gone_ten_minutes_after_it_was_made_however_often_it_is_asked_for() -> None:
    clock = Clock()
    recall = Recall(5, clock=clock)
    recall.keep(asked("a"), answer())
    clock.now = KEPT_S - 1
    assert found(recall, "a") == [True]
    clock.now = KEPT_S
    assert found(recall, "a") == [False]
    assert len(recall) == 0
    recall.close()


def test_an_answer_that_the_chat_model_failed_to_give_is_not_kept() -> None:
    recall = Recall(5)
    recall.keep(asked("a"), answer(failed="unreachable"))
    recall.keep(asked("b"), answer())
    assert found(recall, "a", "b") == [False, True]
    recall.close()


def test_neither_question_nor_answer_can_be_read_in_what_is_kept() -> None:
    recall = Recall(5)
    question = Question("does Acme keep my illness secret?", ("am I pregnant?",), "acme.com")
    recall.keep(Recalled(question, 1, None, plain=False), answer("Acme tells nobody of it."))
    held = repr({**vars(recall), "kept": list(recall._kept.items())})
    assert "Acme" not in held
    assert not any(word in held for word in ("illness", "pregnant", "acme.com", "nobody", "ANSWERED", "answered"))
    recall.close()


def test_each_part_of_what_an_answer_depends_on_tells_it_from_others() -> None:
    question = Question("a", ("b",), "c", dt.date(2020, 1, 1))
    first = Recalled(question, 1, frozenset({"x.com", "y.com"}), plain=False)
    others = [
        replace(first, question=replace(question, text="b")),
        replace(first, question=replace(question, history=("b", "b"))),
        replace(first, question=replace(question, scope=None)),
        replace(first, question=replace(question, as_of=None)),
        replace(first, generation=2),
        replace(first, only=None),
        replace(first, only=frozenset({"x.com"})),
        replace(first, plain=True),
    ]
    assert len({each.spelt() for each in (first, *others)}) == len(others) + 1
    assert (
        replace(first, only=frozenset({"y.com", "x.com"}), question=replace(question, id="7")).spelt() == first.spelt()
    )


def test_what_is_closed_keeps_nothing() -> None:
    recall = Recall(5)
    recall.keep(asked("a"), answer())
    recall.close()
    assert len(recall) == 0
