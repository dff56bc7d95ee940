from __future__ import annotations

import asyncio
import json
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from starlette.requests import Request
from starlette.testclient import TestClient
from starlette.types import Message

from qa.domain import Answer, Citation, Progress, Question, Status, as_json
from qa.errors import FineprintError, UsageError
from qa.talking import is_wanted
from tests.conftest import SAMPLES
from tests.ui.fakes import PreparedAnswers, WordedAnswers
from ui.streaming import Event, EventsOf, pieces_of, streamed
from ui.turnstile import Turnstile

STREAM = "/api/v1/ask/stream"
PERRICONE = "does Perricone MD share my data?"
ANSWERS = [PERRICONE, "which of these sites sell my email?", "how long is it kept?", "does Amazon share my data?"]


def read(stream: str) -> list[tuple[str, Any]]:
    """The events of a stream, by the rules that browsers read one by."""
    events = []
    for block in stream.split("\n\n"):
        lines = [line.partition(": ") for line in block.split("\n") if line and not line.startswith(":")]
        fields = {name: value for name, _, value in lines}
        if "data" in fields:
            assert [name for name, _, _ in lines].count("data") == 1
            events.append((fields["event"], json.loads(fields["data"])))
    return events


# --- the pure part ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ANSWERS)
def test_the_pieces_are_the_text_and_every_citation_comes_once_and_before_its_number(
    answers: PreparedAnswers, text: str
) -> None:
    answer = answers.ask(Question(text))
    told: set[int] = set()
    words = ""
    for piece in pieces_of(answer):
        if isinstance(piece, Citation):
            assert piece.n not in told
            told.add(piece.n)
        else:
            assert {int(n) for n in re.findall(r"\[(\d+)\]", piece)} <= told
            words += piece
    assert words == answer.text
    assert told == {citation.n for citation in answer.citations}


def test_white_space_and_every_script_survive_in_pieces() -> None:
    text = "  \n• 你们出售我的数据吗？\tnaïve\u00a0\u2028x [7] [a]\n\n"
    pieces = list(pieces_of(Answer("?", Status.NOT_STATED, text)))
    assert "".join(str(piece) for piece in pieces) == text
    assert list(pieces_of(Answer("?", Status.NOT_STATED, ""))) == []


def test_a_citation_that_the_text_does_not_number_is_not_lost(answers: PreparedAnswers) -> None:
    answer = answers.ask(Question(PERRICONE))
    assert list(pieces_of(replace(answer, text="Yes."))) == ["Yes.", *answer.citations]


def test_a_stage_and_an_answer_as_events(answers: PreparedAnswers) -> None:
    stage = {"name": "reading", "policies": ["a.example@2020-01-01"], "sentences": 84, "done": 0}
    assert list(EventsOf()(Progress("reading", ("a.example@2020-01-01",), 84))) == [Event("stage", stage)]
    answer = answers.ask(Question(PERRICONE))
    events = list(EventsOf()(answer))
    assert {event.name for event in events} == {"citation", "token", "answer"}
    assert events[-1] == Event("answer", as_json(answer))


def test_what_is_said_early_comes_with_its_citation_first_and_is_not_said_again() -> None:
    answers = WordedAnswers.from_samples(SAMPLES)
    events_of = EventsOf()
    steps = list(answers.stream(Question(PERRICONE)))
    early = [event for step in steps[:-1] for event in events_of(step)]
    late = list(events_of(steps[-1]))
    assert [event.name for event in early if event.name != "token"] == ["stage"] * 3 + ["citation"]
    told: set[int] = set()
    words = ""
    for event in (*early, *late):
        if event.name == "citation":
            told.add(event.data["n"])
        elif event.name == "token":
            assert {int(n) for n in re.findall(r"\[(\d+)\]", event.data["text"])} <= told
            words += event.data["text"]
    answer = late[-1].data
    assert words == answer["text"]
    assert [event.data for event in (*early, *late) if event.name == "citation"] == answer["citations"]
    assert answer["generation"]["model"] == answer["engine"] == "ollama:llama3.2"


# --- over HTTP --------------------------------------------------------------------------------------------------------


def test_a_question_is_answered_step_by_step(client: TestClient, answers: PreparedAnswers) -> None:
    response = client.post(STREAM, json={"question": PERRICONE})
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert response.headers["cache-control"] == "no-store"
    events = read(response.text)
    assert [name for name, _ in events[:2]] == ["stage", "stage"]
    assert "".join(data["text"] for name, data in events if name == "token") == events[-1][1]["text"]
    assert [data for name, data in events if name == "citation"] == events[-1][1]["citations"]
    assert events[-1] == ("answer", as_json(answers.ask(Question(PERRICONE))))


def test_events_are_numbered_and_a_reader_is_asked_not_to_hurry(client: TestClient) -> None:
    stream = client.post(STREAM, json={"question": PERRICONE}).text
    ids = [int(found) for found in re.findall(r"^id: (\d+)$", stream, re.MULTILINE)]
    assert ids == list(range(1, len(ids) + 1))
    assert re.findall(r"^retry: (\d+)$", stream, re.MULTILINE) == ["10000"]


def test_data_stays_on_one_line_whatever_is_asked(client: TestClient) -> None:
    question = "does Perricone MD share\u2028my\u2029data\u0085? 数据 event: error"
    stream = client.post(STREAM, json={"question": question}).text
    assert not set(stream) & set("\r\u2028\u2029\u0085")
    assert read(stream)[-1][1]["question"] == question
    assert {name for name, _ in read(stream)} == {"stage", "citation", "token", "answer"}


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        ({"question": ""}, 422, "invalid_question"),
        ({"question": PERRICONE, "scope": "nowhere.example"}, 404, "unknown_scope"),
        ({"question": PERRICONE, "as_of": "soon"}, 422, "usage"),
        ({"question": PERRICONE, "scpoe": "x"}, 422, "invalid_request"),
        ({}, 422, "invalid_request"),
    ],
)
def test_what_fails_before_the_first_event_has_a_status_of_its_own(
    client: TestClient, sent: dict[str, Any], status: int, code: str
) -> None:
    response = client.post(STREAM, json=sent)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response.headers["content-type"] == "application/problem+json"


# --- the runner -------------------------------------------------------------------------------------------------------


class Reader:
    """Whoever asked, and what reached them; reads so many pieces and then goes."""

    def __init__(self, pieces: int | None = None) -> None:
        self._left = pieces
        self._gone = asyncio.Event()
        self.chunks: list[bytes] = []
        self.http = Request({"type": "http", "method": "POST", "path": "/", "headers": []}, self.receive)

    async def receive(self) -> Message:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if message.get("body"):
            self.chunks.append(message["body"])
            if self._left is not None and len(self.chunks) >= self._left:
                self._gone.set()

    async def read(self, turnstile: Turnstile, make: Any, **how: Any) -> list[tuple[str, Any]]:
        response = await streamed(turnstile, self.http, make, _told, **how)
        await response(self.http.scope, self.receive, self.send)
        return read(b"".join(self.chunks).decode())


def _told(step: int) -> Iterator[Event]:
    yield Event("step", step)


def running(coroutine: Any) -> None:
    asyncio.run(asyncio.wait_for(coroutine, 60))


def test_what_fails_later_is_an_event_of_the_problem_document(caplog: pytest.LogCaptureFixture) -> None:
    def failing(error: Exception) -> Any:
        def make() -> Iterator[int]:
            yield 1
            raise error

        return make

    async def check() -> None:
        told = await Reader().read(Turnstile(1, 0), failing(UsageError("Ask otherwise.")))
        assert told[0] == ("step", 1)
        assert told[1][0] == "error"
        assert told[1][1]["detail"] == "Ask otherwise."
        assert told[1][1]["status"] == 422
        told = await Reader().read(Turnstile(1, 0), failing(RuntimeError("a secret")))
        assert told[1][1]["code"] == "internal_error"
        assert "secret" not in str(told)

    running(check())
    assert "a stream broke off" in caplog.text


def test_nothing_is_sent_before_so_many_steps_are_made() -> None:
    def make() -> Iterator[int]:
        yield 1
        raise UsageError("No.")

    async def check() -> None:
        reader = Reader()
        with pytest.raises(FineprintError):
            await reader.read(Turnstile(1, 0), make, held=2)
        assert reader.chunks == []

    running(check())


def test_a_last_event_counts_the_steps() -> None:
    async def check() -> None:
        told = await Reader().read(Turnstile(1, 0), lambda: iter((1, 2, 3)), done=lambda n: Event("done", n))
        assert told == [("step", 1), ("step", 2), ("step", 3), ("done", 3)]

    running(check())


def test_a_reader_that_goes_ends_the_work() -> None:
    made: list[int] = []

    def make() -> Iterator[int]:
        for n in range(200):
            while n == 5 and is_wanted.get()():  # the loop hears late of what came in, on a machine that is busy
                time.sleep(0.001)
            made.append(n)
            yield n

    async def check() -> None:
        turnstile = Turnstile(1, 0)
        await Reader(pieces=2).read(turnstile, make)
        while turnstile.inside:
            await asyncio.sleep(0.005)
        assert len(made) < 20

    running(check())


def test_a_silent_stream_is_kept_open_by_comments() -> None:
    reader = Reader()

    def make() -> Iterator[int]:
        yield 1
        while b": waiting\n\n" not in reader.chunks:
            time.sleep(0.001)
        yield 2

    async def check() -> None:
        told = await reader.read(Turnstile(1, 0), make, waiting_s=0.02)
        # On a busy machine the thread may begin so late that it is said to wait for its turn.
        assert [event for event in told if event[0] != "stage"] == [("step", 1), ("step", 2)]

    running(check())
    assert b": waiting\n\n" in reader.chunks


def test_who_must_wait_is_told_so_once_and_then_kept_connected() -> None:
    async def check() -> None:
        turnstile, reader, end = Turnstile(1, 1), Reader(), threading.Event()
        other = asyncio.create_task(turnstile(lambda: end.wait(60)))
        reading = asyncio.create_task(reader.read(turnstile, lambda: iter((1,)), held=2, waiting_s=0.02))
        while len(reader.chunks) < 3:
            await asyncio.sleep(0.005)
        end.set()
        stage = ("stage", {"name": "waiting", "policies": [], "sentences": 0, "done": 0})
        assert await reading == [stage, ("step", 1)]
        assert reader.chunks[1] == b": waiting\n\n"
        await other

    running(check())
