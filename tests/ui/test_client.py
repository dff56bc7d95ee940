from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import itertools
import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from email.utils import format_datetime
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ui.client
from qa.domain import Question, as_json
from qa.errors import IndexMissing
from qa.settings import Settings
from tests.conftest import SAMPLES
from tests.ui.fakes import PreparedAnswers, index_text
from tests.ui.loopback import HANGING, Scripted, listening, reply, scripted
from ui import schemas
from ui.app import create_app
from ui.client import (
    Answer,
    AsyncFineprint,
    Citation,
    Entry,
    FailedEntry,
    Fineprint,
    FineprintError,
    Interrupted,
    Refused,
    Stage,
    Token,
    Unreachable,
    Unreadable,
)

PERRICONE = "does Perricone MD share my data?"
SCOPES = ["freepeople.com", "perriconemd.com@2011-03-06", "malleries.com"]
BUSY = reply(
    json.dumps({"status": 503, "code": "busy", "detail": "Too many questions are waiting."}).encode(),
    "503 Service Unavailable",
    "application/problem+json",
    Retry_After="0",
    X_Request_Id="r-1",
)
READY = reply(b'{"status": "ready", "policies": 4}')


@pytest.fixture(scope="module")
def served() -> PreparedAnswers:
    answers = PreparedAnswers.from_samples(SAMPLES)
    newer = answers.policy("exofficio.com").policy
    text = newer.text.replace("does not sell, trade or rent", "may sell, trade or rent")
    older = index_text(dataclasses.replace(newer, archived_on=dt.date(2010, 1, 2), text=text))
    return dataclasses.replace(answers, policies=answers.policies | {older.policy.id: older})


@pytest.fixture(scope="module")
def address(served: PreparedAnswers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("index")
    with listening(create_app(served, Settings(index=folder, cache=folder))) as address:
        yield address


@pytest.fixture
def prepared(served: PreparedAnswers) -> PreparedAnswers:
    served.renew()
    return served


@pytest.fixture
def fp(address: str, prepared: PreparedAnswers) -> Iterator[Fineprint]:
    with Fineprint(address) as client:
        yield client


def plain(value: Any) -> Any:
    """A client's value as the JSON that it came from."""
    if dataclasses.is_dataclass(value):
        told = {each.name: plain(getattr(value, each.name)) for each in dataclasses.fields(value)}
        if told.get("generation", "") is None:
            del told["generation"]  # as the service does where no chat model was asked
        return told
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    if hasattr(value, "items"):
        return {key: plain(item) for key, item in value.items()}
    return value.isoformat() if isinstance(value, dt.date) else value


# --- what comes back --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "question", [PERRICONE, "how long do they keep it?", "which of these sites sell my email?", "does Amazon sell it?"]
)
def test_an_answer_has_everything_that_the_service_says(
    fp: Fineprint, prepared: PreparedAnswers, question: str
) -> None:
    assert plain(fp.ask(question)) == as_json(prepared.ask(Question(question)))


def test_an_answer_can_be_kept_as_json_compared_and_put_into_a_set(fp: Fineprint) -> None:
    answer = fp.ask(PERRICONE)
    kept = json.dumps(dataclasses.asdict(answer), default=str)
    assert json.loads(kept)["citations"][0]["archived_on"] == "2011-03-06"
    assert {answer, fp.ask(PERRICONE)} == {answer}


def test_scope_date_and_history_reach_the_service(fp: Fineprint, prepared: PreparedAnswers) -> None:
    fp.ask("do they rent it?", scope="freepeople.com", as_of=dt.date(2008, 5, 31), history=["one?", "two?"])
    asked = prepared.asked[-1]
    assert (asked.scope, str(asked.as_of), asked.history) == ("freepeople.com", "2008-05-31", ("one?", "two?"))


@pytest.mark.parametrize(
    ("ask", "status"),
    [
        (lambda fp: fp.ask("secret \udcff"), 422),
        (lambda fp: list(fp.stream("secret \udcff")), 422),
        (lambda fp: fp.compare("secret \udcff", SCOPES), 422),
        (lambda fp: fp.compare("secret" * 20_000, SCOPES), 422),
        (lambda fp: fp.policy("secret\udcff"), 404),
    ],
)
def test_what_cannot_even_be_sent_is_refused_without_being_repeated(fp: Fineprint, ask: Any, status: int) -> None:
    with pytest.raises(Refused) as caught:
        ask(fp)
    assert caught.value.status == status
    assert caught.value.__cause__ is None
    assert "secret" not in str(caught.value) or status == 404  # a scope is no question


def test_one_text_is_not_taken_for_a_list_of_letters(fp: Fineprint) -> None:
    with pytest.raises(TypeError, match="history"):
        fp.ask("do they rent it?", history="does Free People sell my email?")
    with pytest.raises(TypeError, match="scopes"):
        fp.compare("do you sell it?", "freepeople.com")


@pytest.mark.parametrize(
    ("kind", "document"),
    [
        (Answer, schemas.AnswerDocument),
        (Citation, schemas.CitationDocument),
        (Entry, schemas.EntryDocument),
        (FailedEntry, schemas.FailedEntryDocument),
        (ui.client.Comparison, schemas.ComparisonDocument),
        (ui.client.Part, schemas.PartDocument),
        (ui.client.Generation, schemas.GenerationDocument),
        (ui.client.Choice, schemas.ChoiceDocument),
        (ui.client.Change, schemas.ChangeDocument),
        (ui.client.Changes, schemas.ChangesDocument),
        (ui.client.PolicyCard, schemas.CardDocument),
        (ui.client.Policy, schemas.PolicyDocument),
        (ui.client.Passage, schemas.PassageDocument),
        (ui.client.Label, schemas.LabelDocument),
        (ui.client.LabelRow, schemas.LabelRowDocument),
        (ui.client.Context, schemas.ContextDocument),
    ],
)
def test_the_client_knows_every_field_of_the_api(kind: Any, document: Any) -> None:
    assert {each.name for each in dataclasses.fields(kind)} == set(document.model_fields)


def test_an_answer_says_itself_with_proof_and_archive_date(fp: Fineprint) -> None:
    answer = fp.ask(PERRICONE)
    assert answer.quotes == tuple(citation.quote for citation in answer.citations)
    said = str(answer)
    assert said.startswith(answer.text)
    for citation in answer.citations:
        assert f"[{citation.n}] “{citation.quote}”" in said
        assert f"archived {citation.archived_on}" in said


def test_silence_says_itself_without_a_number(fp: Fineprint) -> None:
    answer = fp.ask("how long do they keep it?")
    assert answer.verdict is None
    assert "Closest passages (not an answer):\n“We collect information such as" in str(answer)
    assert "[1]" not in str(answer)


def test_what_a_terminal_would_obey_is_not_printed() -> None:
    citation = Citation(1, "a@2001-01-01", "A", "a", dt.date(2001, 1, 1), "", "x\x1b[31m\x07", 0, 6)
    answer = Answer("?", "answered", "a\x1b]0;b [1]", citations=(citation,), warnings=("\x9bc",))
    assert all(char.isprintable() or char == "\n" for char in str(answer))


def test_policies_are_listed_found_and_read(fp: Fineprint, prepared: PreparedAnswers) -> None:
    everything = fp.policies()
    assert [plain(card) for card in everything] == [as_json(card) for card in prepared.cards()]
    assert fp.policies(limit=3) == everything[:3]
    assert fp.policies("perricone") == tuple(card for card in everything if card.domain == "perriconemd.com")
    policy = fp.policy("perriconemd.com")
    assert policy.text == prepared.policy("perriconemd.com").policy.text
    assert policy.passages[0].start == 0


def test_a_long_list_is_fetched_page_by_page() -> None:
    card = {"id": "a@2001-01-01", "domain": "a", "archived_on": "2001-01-01", "company": "A"}
    pages = [reply(json.dumps({"policies": [card] * n, "total": 1_001}).encode()) for n in (1_000, 1)]
    with scripted(*[[page] for page in pages]) as server, Fineprint(server.address) as fp:
        assert len(fp.policies()) == 1_001
    assert b"offset=1000 " in server.asked[1]


def test_a_label_and_changes_are_read(fp: Fineprint, prepared: PreparedAnswers) -> None:
    assert plain(fp.label("perriconemd.com")) == as_json(prepared.label("perriconemd.com"))
    changes = fp.changes("exofficio.com", since=dt.date(2010, 1, 2), about="selling")
    assert plain(changes) == as_json(prepared.changes(changes.older, changes.newer, "selling"))
    checked = fp.verify(changes)
    assert (bool(checked), checked.checked) == (True, 2)


def test_a_quote_is_shown_where_it_stands_and_further_questions_are_offered(fp: Fineprint) -> None:
    answer = fp.ask(PERRICONE)
    context = fp.context(answer.citations[0])
    assert (context.quote, context.start) == (answer.quotes[0], answer.citations[0].start)
    assert context.before or context.after
    offered = fp.suggestions("perriconemd.com", asked=[answer.question], seen=answer.citations)
    assert offered
    assert answer.question not in offered


def test_a_comparison_tells_silence_and_failure_apart(fp: Fineprint, prepared: PreparedAnswers) -> None:
    prepared.broken.add("perriconemd.com@2011-03-06")
    comparison = fp.compare("do you sell it?", SCOPES)
    assert [entry.status for entry in comparison.entries] == ["answered", "not_stated"]
    assert [entry.problem for entry in comparison.failed] == ["It cannot be read: rebuild."]
    streamed = list(fp.stream_compare("do you sell it?", SCOPES))
    assert [type(entry) for entry in streamed] == [Entry, FailedEntry, Entry]
    assert [entry for entry in streamed if isinstance(entry, Entry)] == list(comparison.entries)
    assert "archived 2006-12-05" in str(comparison)


def test_a_comparison_of_an_earlier_day_is_asked_for(fp: Fineprint, prepared: PreparedAnswers) -> None:
    fp.compare("do you sell it?", SCOPES, as_of="2008")
    list(fp.stream_compare("do you sell it?", SCOPES, as_of=dt.date(2009, 5, 4)))
    assert [asked.as_of for asked in prepared.asked] == [dt.date(2008, 12, 31), dt.date(2009, 5, 4)]


def test_a_judgement_says_which_quote_is_wrong_and_no_text_without_consent(fp: Fineprint) -> None:
    answer = fp.ask(PERRICONE)
    judgement = fp.feedback(answer, "down", reason="wrong_quote", wrong=[2])
    assert judgement
    assert fp.feedback(answer, "up", comment="thank you", history=["before?"], consent=True, replaces=judgement)
    with pytest.raises(Refused, match="consent"):
        fp.feedback(answer, "up", comment="thank you")


def test_a_question_is_sent_with_a_judgement_only_with_consent() -> None:
    answer = Answer("a quoll?", "answered", "x")
    with scripted([reply(b'{"id": "1"}')], [reply(b'{"id": "2"}')]) as server, Fineprint(server.address) as fp:
        fp.feedback(answer, "up", history=["an earlier quoll?"])
        fp.feedback(answer, "up", history=["an earlier quoll?"], consent=True)
    assert b"quoll" not in server.asked[0]
    assert server.asked[1].count(b"quoll") == 2


def test_readiness_is_waited_for() -> None:
    starting = {"status": 503, "code": "not_ready", "detail": "The service is starting."}
    unready = reply(json.dumps(starting).encode(), "503 Service Unavailable", "application/problem+json")
    with scripted([unready], [unready], [READY]) as server, Fineprint(server.address) as fp:
        now = fp.ready()
        assert (bool(now), now.detail) == (False, "The service is starting.")
        later = fp.ready(wait=10)
        assert (bool(later), later.policies) == (True, 4)


# --- verification -----------------------------------------------------------------------------------------------------


def test_citations_can_be_checked_by_whoever_asked(fp: Fineprint) -> None:
    checked = fp.verify(fp.ask(PERRICONE))
    assert checked
    assert checked.checked == 2
    assert fp.verify(fp.label("perriconemd.com")).checked == 4


@pytest.mark.parametrize(
    "change",
    [{"quote": "We sell everything."}, {"start": 0}, {"start": -5}, {"archived_on": dt.date(2012, 1, 1)}],
    ids=lambda change: next(iter(change)),
)
def test_a_citation_that_does_not_stand_there_is_found_out(fp: Fineprint, change: dict[str, Any]) -> None:
    answer = fp.ask(PERRICONE)
    forged = dataclasses.replace(answer.citations[1], **change)
    checked = fp.verify(dataclasses.replace(answer, citations=(answer.citations[0], forged)))
    assert not checked
    assert checked.wrong == (forged,)


def test_a_policy_that_is_gone_proves_nothing(fp: Fineprint) -> None:
    answer = fp.ask(PERRICONE)
    lost = dataclasses.replace(answer.citations[0], policy_id="gone.example@2001-01-01")
    checked = fp.verify(lost)
    assert (bool(checked), checked.missing) == (False, ("gone.example@2001-01-01",))


# --- streams ----------------------------------------------------------------------------------------------------------


def test_a_stream_has_each_citation_before_its_number_and_the_answer_last(fp: Fineprint) -> None:
    steps = list(fp.stream(PERRICONE))
    answer = steps[-1]
    assert isinstance(answer, Answer)
    assert answer.text == "".join(step.text for step in steps if isinstance(step, Token))
    assert {step.name for step in steps if isinstance(step, Stage)} >= {"routing", "reading"}
    known: set[int] = set()
    for step in steps:
        if isinstance(step, Citation):
            known.add(step.n)
        if isinstance(step, Token):
            assert all(n in known for n in (1, 2) if f"[{n}]" in step.text)
    assert known == {1, 2}


EVENTS = {"media_type": "text/event-stream", "length": 10_000}


def test_a_stream_that_is_left_hangs_up() -> None:
    begun = reply(b'event: token\ndata: {"text": "No"}\n\n', **EVENTS)
    with scripted([begun, HANGING]) as server, Fineprint(server.address) as fp:
        with fp.stream(PERRICONE) as steps:
            assert next(steps) == Token("No")
        assert server.hung_up.wait(10)


@pytest.mark.parametrize("rest", [b"", b"event: answer\n", b'event: answer\ndata: {"question": '])
def test_a_stream_that_ends_too_early_is_said_to(rest: bytes) -> None:
    whole = b'event: token\ndata: {"text": "No"}\n\n' + rest
    ended = reply(whole, media_type="text/event-stream")
    broken = reply(whole, **EVENTS)
    with scripted([ended], [broken]) as server, Fineprint(server.address) as fp:
        for _ in range(2):
            steps = fp.stream(PERRICONE)
            assert next(steps) == Token("No")
            with pytest.raises(Interrupted, match="Ask again"):
                next(steps)


def test_what_goes_wrong_on_the_way_is_said(fp: Fineprint) -> None:
    error = b'event: error\ndata: {"status": 503, "code": "busy", "detail": "Later."}\n\n'
    late = reply(error, media_type="text/event-stream")
    with (
        scripted([late]) as server,
        Fineprint(server.address) as other,
        pytest.raises(Refused, match="Later") as refused,
    ):
        list(other.stream(PERRICONE))
    assert (refused.value.status, refused.value.code) == (503, "busy")
    with pytest.raises(Refused) as unknown:
        next(fp.stream(PERRICONE, scope="nowhere.example"))
    assert unknown.value.code == "unknown_scope"


def test_events_and_fields_that_are_not_known_are_left_aside() -> None:
    events = b': hello\nevent: news\ndata: "?"\n\nevent: token\ndata: {"text": "No", "since": "v1.2"}\n\n'
    with scripted([reply(events, **EVENTS)]) as server, Fineprint(server.address) as fp:
        assert next(fp.stream(PERRICONE)) == Token("No")


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=8)
SENT = st.lists(st.tuples(TEXTS.filter(lambda name: "\0" not in name), st.lists(TEXTS, min_size=1, max_size=3)))


@settings(max_examples=60, deadline=None)
@given(events=SENT, end=st.sampled_from(["\n", "\r", "\r\n"]), bom=st.booleans(), cuts=st.lists(st.integers(0, 400)))
def test_events_are_the_same_however_they_are_cut(
    events: Sequence[tuple[str, Sequence[str]]], end: str, bom: bool, cuts: Sequence[int]
) -> None:
    lines = ["\ufeff: a comment" if bom else ": a comment", "retry: 5", "id: 7"]
    for name, data in events:
        lines += [f"event: {name}", *(f"data: {line}" for line in data), "else: x", ""]
    sent = (end.join(lines) + end).encode()
    edges = [0, *sorted(cut for cut in cuts if cut < len(sent)), len(sent)]
    reader = ui.client._Events()
    pieces = [sent[start:stop] for start, stop in itertools.pairwise(edges)]
    read = [event for piece in [*pieces, b"\n" if end == "\r" else b""] for event in reader.feed(piece)]
    meant = [(name or "message", "\n".join(data)) for name, data in events]
    assert [(event.name, event.data) for event in read] == meant


# --- what can go wrong ------------------------------------------------------------------------------------------------


def test_a_refusal_says_why_and_what_the_operator_finds_it_by(fp: Fineprint) -> None:
    with pytest.raises(Refused, match="nowhere") as refused:
        fp.policy("nowhere.example")
    assert (refused.value.status, refused.value.code) == (404, "unknown_scope")
    assert refused.value.request_id


@pytest.mark.parametrize("scope", ["", ".", "..", "../../healthz", "a/b", "a?b=c", "a#b", "%2e%2e", "☃", "a\x00b"])
def test_no_scope_leads_to_another_address(fp: Fineprint, scope: str) -> None:
    with pytest.raises(Refused) as refused:
        fp.policy(scope)
    assert refused.value.status == 404


def test_an_index_that_is_missing_is_not_waited_for(fp: Fineprint, prepared: PreparedAnswers) -> None:
    prepared.problem = IndexMissing("Run `fineprint ingest`.")
    started = time.monotonic()
    with pytest.raises(Refused, match="fineprint ingest") as refused:
        fp.ask(PERRICONE)
    assert time.monotonic() - started < 2
    assert refused.value.status == 503


def test_a_bug_of_the_service_is_a_refusal(fp: Fineprint, prepared: PreparedAnswers) -> None:
    prepared.problem = RuntimeError("the secret path")
    with pytest.raises(Refused) as refused:
        fp.ask(PERRICONE)
    assert (refused.value.status, refused.value.code) == (500, "internal_error")
    assert "secret" not in str(refused.value)


def test_a_busy_service_is_asked_again_and_not_for_ever() -> None:
    with scripted([BUSY], [BUSY], [READY], [BUSY], [BUSY]) as server, Fineprint(server.address, retries=2) as fp:
        assert fp._sent(ui.client._ready()).policies == 4
        with Fineprint(server.address, retries=1) as hasty, pytest.raises(Refused) as refused:
            hasty.policies()
    assert (refused.value.code, refused.value.retry_after, refused.value.request_id) == ("busy", 0.0, "r-1")
    assert len(server.asked) == 5


def test_a_stream_is_asked_for_again_only_before_it_begins() -> None:
    answer = json.dumps({"question": "?", "status": "answered", "text": "No."}).encode()
    events = reply(b"event: answer\ndata: " + answer + b"\n\n", **EVENTS)
    with scripted([BUSY], [events]) as server, Fineprint(server.address) as fp:
        assert [step.text for step in fp.stream(PERRICONE) if isinstance(step, Answer)] == ["No."]
    assert [line.split()[1] for line in server.asked] == [b"/api/v1/ask/stream"] * 2


def refusal(status: int, code: str = "busy", retry_after: float | None = None) -> Refused:
    return Refused(status, code, "x", retry_after=retry_after)


def test_a_pause_is_never_shorter_than_the_service_wants_nor_without_end() -> None:
    pauses = [ui.client._pause(refusal(429, retry_after=4), 0, 2) for _ in range(50)]
    assert all(pause is not None and 4 <= pause <= 5.2 for pause in pauses)
    assert len(set(pauses)) > 1
    growing = [ui.client._pause(refusal(503), attempt, 9) or 0 for attempt in range(4)]
    assert growing[3] > growing[0] + 3
    for final in (refusal(503, "index_missing"), refusal(500), refusal(404), refusal(429, retry_after=3_600)):
        assert ui.client._pause(final, 0, 2) is None
    assert ui.client._pause(refusal(503), 2, 2) is None


def test_a_pause_may_be_a_date() -> None:
    later = format_datetime(dt.datetime.now(dt.UTC) + dt.timedelta(seconds=90), usegmt=True)
    assert 80 < (ui.client._seconds(later) or 0) <= 90
    assert ui.client._seconds("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    assert ui.client._seconds("soon") is None


ANSWER: dict[str, Any] = {"question": "?", "status": "answered", "text": "x"}
ANSWERED_BY: dict[str, tuple[bytes, type[FineprintError]]] = {
    "a web page": (reply(b"<h1>It works!</h1>", media_type="text/html"), Unreadable),
    "half a document": (reply(b"{"), Unreadable),
    "a deep hole": (reply(b"[" * 100_000), Unreadable),
    "a list": (reply(b"[]"), Unreadable),
    "no text": (reply(b'{"question": "?", "status": "answered"}'), Unreadable),
    "a number for a text": (reply(json.dumps(ANSWER | {"text": 7}).encode()), Unreadable),
    "an empty citation": (reply(json.dumps(ANSWER | {"citations": [{}]}).encode()), Unreadable),
    "a number for citations": (reply(json.dumps(ANSWER | {"citations": 1}).encode()), Unreadable),
    "a redirect": (reply(b"", "302 Found", Location="http://elsewhere.example/"), Unreadable),
    "a proxy": (reply(b"<h1>502</h1>", "502 Bad Gateway", "text/html"), Refused),
    "another api": (reply(b'{"detail": ["a"]}', "400 Bad Request", "application/problem+json"), Refused),
    "less than promised": (reply(b'{"question": ', length=500), Interrupted),
    "nothing": (b"", Interrupted),
    "another protocol": (b"SSH-2.0-OpenSSH_9.6\r\n", Interrupted),
}


@pytest.mark.parametrize("by", ANSWERED_BY)
@pytest.mark.parametrize("streamed", [False, True])
def test_whatever_answers_there_is_one_of_the_known_failures(by: str, streamed: bool) -> None:
    sent, error = ANSWERED_BY[by]
    with scripted([sent]) as server, Fineprint(server.address) as fp, pytest.raises(FineprintError) as failed:
        list(fp.stream("a quoll?")) if streamed else fp.ask("a quoll?")
    assert isinstance(failed.value, error) or (streamed and isinstance(failed.value, Unreadable))
    assert "quoll" not in str(failed.value)
    assert str(failed.value).strip()


def test_a_service_that_says_nothing_is_not_waited_for_without_end() -> None:
    silent = [HANGING], [reply(b'{"q', length=99), HANGING]
    with scripted(*silent) as server, Fineprint(server.address, timeout=0.2) as fp:
        for _ in silent:
            with pytest.raises(Interrupted, match=r"0\.2 seconds"):
                fp.ask(PERRICONE)


def test_nothing_at_the_address_says_how_to_start_it() -> None:
    with Fineprint("http://127.0.0.1:9") as fp:
        with pytest.raises(Unreachable, match="fineprint serve"):
            fp.ask(PERRICONE)
        assert not fp.ready()


@pytest.mark.parametrize(
    "address", ["", "127.0.0.1:7860", "ftp://x.example", "http://", "http://x.example?a=b", "http://u:p@x.example"]
)
def test_an_address_that_is_none_is_said_at_once(address: str) -> None:
    with pytest.raises(ValueError, match="http://127"):
        Fineprint(address)


@pytest.mark.parametrize("key", ["", "a\nb", "schlüssel", " a"])
def test_a_key_that_is_none_is_said_at_once(key: str) -> None:
    with pytest.raises(ValueError, match="API key"):
        Fineprint(key=key)


def test_a_key_is_sent_and_not_shown() -> None:
    with scripted([READY]) as server, Fineprint(server.address + "/", key="fp_secret") as fp:
        assert fp.ready()
        assert "secret" not in repr(fp)
    assert b"authorization: bearer fp_secret" in server.asked[0].lower()


def test_a_proxy_of_the_environment_does_not_stand_before_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with scripted([READY]) as server, Fineprint(server.address) as fp:
        assert fp.ready()


def test_a_client_of_ones_own_is_used_and_left_open() -> None:
    with scripted([READY]) as server, httpx.Client(headers={"X-Mine": "yes"}) as http:
        with Fineprint(server.address, http=http) as fp:
            assert fp.ready()
        assert not http.is_closed
    assert b"x-mine: yes" in server.asked[0].lower()


def test_it_imports_nothing_heavy() -> None:
    heavy = {"qa", "ingest", "eval", "pydantic", "fastapi", "starlette", "gradio", "numpy"}
    loads = f"import sys, ui.client; sys.exit(str({heavy} & set(sys.modules)) if {heavy} & set(sys.modules) else 0)"
    subprocess.run([sys.executable, "-c", loads], cwd=SAMPLES.parents[1], check=True, timeout=60)


def test_the_examples_in_the_documents_run(
    address: str, prepared: PreparedAnswers, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (SAMPLES.parents[1] / "docs" / "client.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == 3
    for block in blocks:
        here = re.sub(r"http://127\.0\.0\.1:7860|https://policies\.example\.com", address, block)
        names: dict[str, Any] = {}
        exec(here, names)
        assert capsys.readouterr().out.startswith("Only in some cases.")
        for made in ("fp", "client"):
            if made in names:
                names[made].close()


# --- asyncio ----------------------------------------------------------------------------------------------------------


def test_the_client_for_asyncio_says_the_same(fp: Fineprint, address: str) -> None:
    async def use() -> None:
        async with AsyncFineprint(address) as afp:
            answers = await asyncio.gather(*(afp.ask(PERRICONE) for _ in range(8)))
            assert {answer.text for answer in answers} == {fp.ask(PERRICONE).text}
            assert await afp.verify(answers[0])
            assert await afp.policies() == fp.policies()
            assert await afp.policy("perriconemd.com") == fp.policy("perriconemd.com")
            assert await afp.label("perriconemd.com") == fp.label("perriconemd.com")
            assert await afp.compare("sell it?", SCOPES) == fp.compare("sell it?", SCOPES)
            entries = [entry async for entry in afp.stream_compare("sell it?", SCOPES)]
            assert entries == list(fp.stream_compare("sell it?", SCOPES))
            steps = [step async for step in afp.stream(PERRICONE)]
            assert isinstance(steps[-1], Answer)
            assert steps[:-1] == list(fp.stream(PERRICONE))[:-1]
            assert await afp.ready(wait=5)
            assert await afp.feedback(answers[0], "up")
            assert await afp.context(answers[0].citations[0]) == fp.context(answers[0].citations[0])
            assert await afp.suggestions("perriconemd.com") == fp.suggestions("perriconemd.com")
            with pytest.raises(Refused):
                await afp.changes("perriconemd.com")

    asyncio.run(use())


def test_both_clients_have_the_same_methods() -> None:
    def public(kind: type) -> set[str]:
        return {name.removeprefix("a") for name in vars(kind) if not name.startswith("_")}

    assert public(AsyncFineprint) == {name.removeprefix("a") for name in public(Fineprint)}


def test_a_stream_for_asyncio_hangs_up_and_waits_its_turn() -> None:
    begun = reply(b'event: token\ndata: {"text": "No"}\n\n', **EVENTS)

    async def use(address: str) -> None:
        async with AsyncFineprint(address) as fp:
            async with fp.stream(PERRICONE) as steps:
                assert await anext(steps) == Token("No")
            with pytest.raises(Interrupted):
                [step async for step in fp.stream(PERRICONE)]
            with pytest.raises(Unreadable):
                await fp.ask(PERRICONE)

    with scripted([BUSY], [begun, HANGING], [begun], [reply(b"{")]) as server:
        asyncio.run(use(server.address))
        assert server.hung_up.wait(10)


def test_cancelling_a_question_hangs_up() -> None:
    async def use(server: Scripted) -> None:
        async with AsyncFineprint(server.address) as fp:
            asking = asyncio.create_task(fp.ask(PERRICONE))
            async with asyncio.timeout(30):
                while not server.asked:
                    await asyncio.sleep(0.005)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking

    with scripted([HANGING]) as server:
        asyncio.run(use(server))
        assert server.hung_up.wait(10)


def test_one_client_serves_many_threads(fp: Fineprint) -> None:
    texts: list[str] = []
    threads = [threading.Thread(target=lambda: texts.append(fp.ask(PERRICONE).text)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(texts) == 8
    assert len(set(texts)) == 1
