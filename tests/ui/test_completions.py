from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import json
import logging
import re
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import openai
import pytest
from fastapi import FastAPI
from markdown_it import MarkdownIt
from openai.types.chat import ChatCompletionChunk
from openai.types.chat.chat_completion_message import Annotation
from starlette.testclient import TestClient

from qa.admission import made_key
from qa.domain import Answer, Choice, Citation, Question, Status, as_json
from qa.errors import IndexMissing
from qa.settings import Settings
from tests.conftest import SAMPLES
from tests.ui.fakes import PreparedAnswers, WordedAnswers
from tests.ui.loopback import listening
from ui.app import create_app
from ui.completions import MODEL, Reply, add_completions, error_of, reply_with
from ui.turnstile import Turnstile

PERRICONE = "does Perricone MD share my data?"
CHAT = "/v1/chat/completions"


@pytest.fixture(scope="module")
def served() -> PreparedAnswers:
    return PreparedAnswers.from_samples(SAMPLES)


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
def chat(address: str, prepared: PreparedAnswers) -> Iterator[openai.OpenAI]:
    """The official library, talking to the service."""
    with openai.OpenAI(base_url=f"{address}/v1", api_key="not needed", max_retries=0) as client:
        yield client


def user(text: Any) -> dict[str, Any]:
    return {"role": "user", "content": text}


def told(client: openai.OpenAI, *messages: Any, model: str = MODEL, **more: Any) -> Any:
    return client.chat.completions.create(model=model, messages=list(messages), **more)


def streamed(client: openai.OpenAI, text: str, **more: Any) -> list[ChatCompletionChunk]:
    return list(told(client, user(text), stream=True, **more))


def content_of(chunks: list[ChatCompletionChunk]) -> str:
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def link(citation: Citation) -> str:
    return citation.url or "http://here.example/"


# --- what is answered -------------------------------------------------------------------------------------------------


def test_the_official_library_gets_text_citations_and_the_whole_answer(
    chat: openai.OpenAI, prepared: PreparedAnswers
) -> None:
    completion = told(chat, user(PERRICONE))
    answer = prepared.ask(Question(PERRICONE))
    message = completion.choices[0].message
    assert message.content.startswith(answer.text)
    assert completion.choices[0].finish_reason == "stop"
    assert completion.model == MODEL
    assert completion.model_extra["fineprint"] == as_json(answer)
    assert all(isinstance(each, Annotation) for each in message.annotations)
    cited = [each.url_citation for each in message.annotations]
    assert [message.content[each.start_index : each.end_index] for each in cited] == ["[1]", "[2]"]
    assert [each.url for each in cited] == [citation.url for citation in answer.citations]
    assert all("Perricone MD, as of 6 March 2011" in each.title for each in cited)


def test_sources_say_quote_company_archive_date_section_and_link(
    chat: openai.OpenAI, prepared: PreparedAnswers
) -> None:
    content = told(chat, user(PERRICONE)).choices[0].message.content
    sources = content.partition("\n\nSources:\n\n")[2].splitlines()
    for line, citation in zip(sources, prepared.ask(Question(PERRICONE)).citations, strict=True):
        assert line == (
            f"- [{citation.n}] “{citation.quote}” Perricone MD, "
            f"[as of 6 March 2011](<{citation.url}>): {citation.section}"
        )


def test_lines_stay_apart_in_markdown_and_only_what_the_text_cites_is_a_source() -> None:
    two = dataclasses.replace(cited("never told"), n=2)
    answer = Answer("?", Status.ANSWERED, "No: A [1].\nYes: none.", citations=(cited("told"), two), confidence=0.9)
    content = reply_with(answer, link).content
    assert content.startswith("No: A [1].\n\nYes: none.\n\nSources:")
    assert content.count("told") == 1


def test_silence_offers_the_closest_passages_as_no_answer(chat: openai.OpenAI) -> None:
    message = told(chat, user("how long do they keep it?")).choices[0].message
    assert "Closest passages (not an answer):\n\n- “We collect information such as" in message.content
    assert "as of 5 December 2006" in message.content
    assert "Sources" not in message.content
    assert not re.search(r"\[\d+\]", message.content)
    assert message.annotations == []


def test_an_unknown_company_offers_models_that_can_be_asked(chat: openai.OpenAI) -> None:
    content = told(chat, user("does Amazon sell it?")).choices[0].message.content
    assert "- Free People, model fineprint/freepeople.com" in content


def test_the_model_chooses_the_policy_and_earlier_messages_are_the_conversation(
    chat: openai.OpenAI, prepared: PreparedAnswers
) -> None:
    conversation = [
        {"role": "system", "content": "You are a pirate."},
        user("does Free People sell my email?"),
        {"role": "assistant", "content": "No [1]."},
        user([{"type": "text", "text": "do they"}, {"type": "text", "text": "rent\nit?"}]),
    ]
    told(chat, *conversation, model="fineprint/freepeople.com@2006-12-05", temperature=2, max_tokens=1, seed=1)
    asked = prepared.asked[-1]
    assert asked.text == "do they rent it?"
    assert asked.history == ("does Free People sell my email?",)
    assert asked.scope == "freepeople.com@2006-12-05"


def test_a_long_conversation_is_read(chat: openai.OpenAI, prepared: PreparedAnswers) -> None:
    told_before = {"role": "assistant", "content": "x" * 4_000}
    earlier = [message for n in range(150) for message in (user(f"question {n}?"), told_before)]
    told(chat, *earlier, user(PERRICONE))
    assert prepared.asked[-1].text == PERRICONE
    assert prepared.asked[-1].history == tuple(f"question {n}?" for n in range(50, 150))


def test_what_only_a_language_model_could_honour_and_nobody_misses_is_left_aside(chat: openai.OpenAI) -> None:
    tool: Any = {"type": "function", "function": {"name": "look_up", "parameters": {"type": "object"}}}
    completion = told(
        chat,
        {"role": "developer", "content": "Answer in verse."},
        user([{"type": "image_url", "image_url": {"url": "data:,"}}, {"type": "text", "text": "earlier?"}]),
        {"role": "assistant", "content": None, "tool_calls": []},
        user(PERRICONE),
        tools=[tool],
        tool_choice="auto",
        response_format={"type": "text"},
        stop=["."],
        n=1,
        user="somebody",
        extra_body={"top_k": 3, "chat_id": "x"},
    )
    assert completion.choices[0].message.content.startswith("Only in some cases.")


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"n": 2}, "n"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tool_choice": {"type": "function", "function": {"name": "x"}}}, "tool_choice"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {}}}}, "response_format"),
        ({"logprobs": True}, "logprobs"),
        ({"modalities": ["text", "audio"]}, "modalities"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "system", "content": "hello"}]}, "messages"),
        ({"messages": [user("  ")]}, "messages"),
        ({"messages": [user([{"type": "image_url", "image_url": {"url": "http://x.example"}}])]}, "messages"),
        ({"messages": [user([{"type": "text", "text": "and?"}, {"type": "file", "file": {}}])]}, "messages"),
        ({"messages": "does it?"}, "messages"),
        ({"messages": [user(7)]}, "messages.0.content.text"),
        ({"messages": [user([7])]}, "messages.0.content.parts.0"),
        ({"model": None}, "model"),
    ],
)
def test_what_cannot_be_had_is_refused_with_the_field_that_asks_for_it(
    chat: openai.OpenAI, prepared: PreparedAnswers, more: dict[str, Any], param: str
) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        chat.chat.completions.create(**{"model": MODEL, "messages": [user(PERRICONE)], **more})
    assert refused.value.param == param
    assert refused.value.type == "invalid_request_error"
    assert param in str(refused.value)
    assert not prepared.asked


def test_usage_counts_words_and_marks(chat: openai.OpenAI) -> None:
    usage = told(chat, user("really?"), user(PERRICONE)).usage
    assert usage.prompt_tokens == len("really ? does Perricone MD share my data ?".split())
    assert usage.completion_tokens > 50
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens


# --- what a text of a policy could do to a front end ------------------------------------------------------------------


def cited(quote: str, url: str | None = "https://web.archive.org/x", section: str = "") -> Citation:
    return Citation(1, "a.com@2001-01-01", "A", "a.com", dt.date(2001, 1, 1), section, quote, 0, len(quote), url)


def reply_of(text: str, quote: str = "q", **more: Any) -> Reply:
    return reply_with(Answer("?", Status.ANSWERED, text, citations=(cited(quote, **more),), confidence=0.9), link)


@pytest.mark.parametrize(
    "hostile",
    [
        "![x](http://evil.example/?q)",
        r"\![x](http://evil.example/?q)",
        r"\\![x](http://evil.example/?q)",
        "![x][1]",
        "![١](http://evil.example/?q)",  # no number of ours
        "<img src=http://evil.example>",
        r"\<script>alert(1)</script>",
        r"\\<script>alert(1)</script>",
        "a\n\n<b>bold</b>",
        "<!-- x -->",
        "<?x?>",
        "x\n\n[1]: https://evil.example\n\n> [1]: https://evil.example",
    ],
)
def test_no_policy_makes_a_front_end_fetch_a_picture_read_html_or_lead_elsewhere(hostile: str) -> None:
    content = reply_of(f"It says {hostile} [1].", hostile, section=hostile).content
    page = MarkdownIt("commonmark").enable(["table"]).render(content)  # HTML passes, as in a careless front end
    assert set(re.findall(r"<[/!?]?([a-z]*)", page)) <= {"p", "ul", "li", "a", "em", "strong", "blockquote"}
    assert set(re.findall(r'href="([^"]*)"', page)) <= {"https://web.archive.org/x"}


def test_markers_are_found_where_the_text_became_longer() -> None:
    reply = reply_of(r"<b> and \<i> ![x](y)![1] and [1], not [7].")
    spans = [(each.url_citation.start_index, each.url_citation.end_index) for each in reply.annotations]
    assert [reply.content[start:end] for start, end in spans] == ["[1]", "[1]"]
    assert reply.content[spans[0][0] - 1] == "!"


def test_a_guess_says_that_it_is_one() -> None:
    guess = Answer("?", Status.ANSWERED, "Yes [1].", citations=(cited("q"),), confidence=0.2, warnings=("Cut off.",))
    content = reply_with(guess, link).content
    assert "This is a guess" in content
    assert "Note: Cut off." in content
    assert "guess" not in reply_with(dataclasses.replace(guess, confidence=0.9), link).content


def test_control_characters_do_not_reach_a_terminal() -> None:
    answer = Answer("?", Status.NEEDS_COMPANY, "a\x1b[31m", choices=(Choice("b\x07", "c\u202e"),))
    assert not re.search("[\x00-\x09\x0b-\x1f\u202e]", reply_with(answer, link).content)


def test_a_citation_without_an_address_leads_into_this_service(
    address: str, chat: openai.OpenAI, prepared: PreparedAnswers
) -> None:
    source = prepared.policies["perriconemd.com@2011-03-06"]
    unlinked = dataclasses.replace(source.policy, url=None)
    prepared.policies[source.policy.id] = dataclasses.replace(source, policy=unlinked)
    try:
        message = told(chat, user(PERRICONE)).choices[0].message
    finally:
        prepared.policies[source.policy.id] = source
    expected = f"{address}/?policy=perriconemd.com@2011-03-06"
    assert message.annotations[0].url_citation.url == expected
    assert f"(<{expected}>)" in message.content


# --- streams ----------------------------------------------------------------------------------------------------------


def test_a_stream_is_the_same_answer_in_pieces(chat: openai.OpenAI) -> None:
    whole = told(chat, user(PERRICONE))
    chunks = streamed(chat, PERRICONE)
    assert content_of(chunks) == whole.choices[0].message.content
    assert chunks[0].choices[0].delta.role == "assistant"
    assert len({chunk.id for chunk in chunks}) == 1
    finished = [chunk for chunk in chunks if chunk.choices[0].finish_reason]
    assert finished == chunks[-1:]
    last = finished[0]
    assert last.choices[0].finish_reason == "stop"
    annotations = [each.model_dump() for each in whole.choices[0].message.annotations]
    assert (last.choices[0].delta.model_extra or {})["annotations"] == annotations
    fineprint, same = (last.model_extra or {})["fineprint"], whole.model_extra["fineprint"]
    assert {**fineprint, "timings_ms": 0} == {**same, "timings_ms": 0}
    assert all(chunk.usage is None for chunk in chunks)


def test_no_marker_is_sent_in_halves(chat: openai.OpenAI) -> None:
    pieces = [chunk.choices[0].delta.content or "" for chunk in streamed(chat, PERRICONE)]
    assert sum(len(re.findall(r"\[\d+\]", piece)) for piece in pieces) == 4  # twice in the text, twice in the sources
    assert len(pieces) > 30


def test_usage_comes_last_where_it_is_wanted(chat: openai.OpenAI) -> None:
    *_, before, last = streamed(chat, PERRICONE, stream_options={"include_usage": True})
    assert before.usage is None
    assert last.choices == []
    assert last.usage == told(chat, user(PERRICONE)).usage


# --- where a chat model words the answer ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def worded() -> WordedAnswers:
    return WordedAnswers.from_samples(SAMPLES)


@pytest.fixture(scope="module")
def wording(worded: WordedAnswers) -> Iterator[openai.OpenAI]:
    app = FastAPI()
    add_completions(app, worded, Turnstile(2, 2), Settings())
    with listening(app) as address, openai.OpenAI(base_url=f"{address}/v1", api_key="x", max_retries=0) as client:
        yield client


def test_each_sentence_is_sent_as_soon_as_it_is_proven(wording: openai.OpenAI, worded: WordedAnswers) -> None:
    worded.waits = threading.Event()
    chunks = iter(wording.chat.completions.create(model=MODEL, messages=[user(PERRICONE)], stream=True))
    content = ""
    while not content.endswith("[1]."):
        content += next(chunks).choices[0].delta.content or ""
    assert not worded.waits.is_set()  # nothing but what is proven has come, and the rest is not there yet
    worded.waits.set()
    content += content_of(list(chunks))
    assert content == told(wording, user(PERRICONE)).choices[0].message.content
    worded.waits = None


def test_usage_is_the_chat_models(wording: openai.OpenAI) -> None:
    *_, last = streamed(wording, PERRICONE, stream_options={"include_usage": True})
    assert last.usage
    assert (last.usage.prompt_tokens, last.usage.completion_tokens, last.usage.total_tokens) == (900, 80, 980)
    assert told(wording, user(PERRICONE)).usage == last.usage


def test_what_breaks_after_the_first_sentence_is_an_error_in_the_stream(
    wording: openai.OpenAI, worded: WordedAnswers
) -> None:
    worded.breaks = IndexMissing("Nothing is indexed.")
    try:
        with pytest.raises(openai.APIError, match="Nothing is indexed"):
            streamed(wording, PERRICONE)
    finally:
        worded.breaks = None


def test_a_client_that_goes_ends_the_writing(wording: openai.OpenAI, worded: WordedAnswers) -> None:
    worded.waits, before = threading.Event(), worded.ended
    stream = wording.chat.completions.create(model=MODEL, messages=[user(PERRICONE)], stream=True)
    next(iter(stream))
    stream.close()
    worded.waits.set()
    deadline = time.monotonic() + 30
    while worded.ended == before and time.monotonic() < deadline:
        time.sleep(0.01)
    worded.waits = None
    assert worded.ended == before + 1


def test_a_stream_ends_as_programs_without_a_library_expect(client: TestClient) -> None:
    body = {"model": MODEL, "messages": [user(PERRICONE)], "stream": True}
    response = client.post(CHAT, json=body)
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["cache-control"] == "no-store"
    *events, done, rest = response.text.split("\n\n")
    assert (done, rest) == ("data: [DONE]", "")
    assert all(json.loads(event.removeprefix("data: "))["object"] == "chat.completion.chunk" for event in events)


def test_the_library_for_asyncio_streams_and_asks_at_once(address: str, prepared: PreparedAnswers) -> None:
    async def use() -> None:
        async with openai.AsyncOpenAI(base_url=f"{address}/v1", api_key="x", max_retries=0) as client:
            messages: Any = [user(PERRICONE)]
            stream = await client.chat.completions.create(model=MODEL, messages=messages, stream=True)
            texts = [chunk.choices[0].delta.content or "" async for chunk in stream]
            several = await asyncio.gather(
                *(client.chat.completions.create(model=MODEL, messages=messages) for _ in range(6))
            )
            assert {each.choices[0].message.content for each in several} == {"".join(texts)}

    asyncio.run(use())


class Gate(threading.Event):
    """Counts who has come to it."""

    def __init__(self) -> None:
        super().__init__()
        self.came = 0

    def wait(self, timeout: float | None = None) -> bool:
        self.came += 1
        return super().wait(timeout)


async def until(reached: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not reached():
            await asyncio.sleep(0.02)


def test_a_question_that_is_cancelled_and_a_stream_that_is_left_leave_no_work_behind(
    address: str, prepared: PreparedAnswers
) -> None:
    gate = prepared.pause = Gate()

    def waiting() -> int:
        figures = httpx.get(f"{address}/metrics").text
        found = re.search(r"^fineprint_queue_waiting (\d+)", figures, re.MULTILINE)
        assert found
        return int(found[1])

    async def use() -> None:
        async with openai.AsyncOpenAI(base_url=f"{address}/v1", api_key="x", max_retries=0) as client:
            create: Any = client.chat.completions.create
            messages = [user(PERRICONE)]
            # Four are answered at once: three wait for their turn, and leave the queue.
            asking = [asyncio.ensure_future(create(model=MODEL, messages=messages)) for _ in range(7)]
            await until(lambda: gate.came == 4 and waiting() == 3)
            for task in asking:
                task.cancel()
            await asyncio.gather(*asking, return_exceptions=True)
            await until(lambda: waiting() == 0)
            gate.set()
            async with await create(model=MODEL, messages=messages, stream=True) as stream:
                await anext(aiter(stream))
            assert (await create(model=MODEL, messages=messages)).choices[0].message.content
        await until(lambda: len(prepared.asked) >= 4 + 2)  # the four end as they began: each in a thread of its own

    asyncio.run(use())
    assert len(prepared.asked) == 4 + 2


# --- models -----------------------------------------------------------------------------------------------------------


def test_models_are_any_policy_and_each_site(chat: openai.OpenAI) -> None:
    models = {model.id: model for model in chat.models.list()}
    assert set(models) == {
        "fineprint",
        *(f"fineprint/{name}.com" for name in ("exofficio", "freepeople", "malleries", "perriconemd")),
    }
    perricone = models["fineprint/perriconemd.com"]
    assert (perricone.model_extra or {})["name"] == "Perricone MD"
    assert dt.datetime.fromtimestamp(perricone.created, dt.UTC).date() == dt.date(2011, 3, 6)
    assert chat.models.retrieve(perricone.id) == perricone
    assert chat.models.retrieve(MODEL) == models[MODEL]


@pytest.mark.parametrize(
    "model", ["gpt-4o", "fineprint/", "fineprint/nowhere.example", "fineprint/../x", "finePrint", "x" * 9_000]
)
def test_a_model_that_is_not_there_is_not_found(chat: openai.OpenAI, model: str) -> None:
    with pytest.raises(openai.NotFoundError, match="/v1/models") as refused:
        told(chat, user(PERRICONE), model=model)
    assert (refused.value.code, refused.value.param) == ("model_not_found", "model")
    assert refused.value.request_id
    with pytest.raises(openai.NotFoundError):
        chat.models.retrieve(model)


# --- errors -----------------------------------------------------------------------------------------------------------


def test_a_missing_index_is_said_in_openais_form(chat: openai.OpenAI, prepared: PreparedAnswers) -> None:
    prepared.problem = IndexMissing("Run `fineprint ingest`.")
    for stream in (False, True):
        with pytest.raises(openai.InternalServerError, match="fineprint ingest") as refused:
            told(chat, user(PERRICONE), stream=stream)
        assert (refused.value.status_code, refused.value.code, refused.value.type) == (
            503,
            "index_missing",
            "server_error",
        )
        assert refused.value.response.headers["retry-after"]


def test_the_library_does_not_try_again_what_does_not_pass(chat: openai.OpenAI, prepared: PreparedAnswers) -> None:
    prepared.problem = IndexMissing("Run `fineprint ingest`.")
    started = time.monotonic()
    with pytest.raises(openai.InternalServerError, match="fineprint ingest"):
        told(chat.with_options(max_retries=2), user(PERRICONE))
    assert time.monotonic() - started < 4  # Retry-After is 5


def test_a_bug_is_said_in_openais_form_and_without_details(chat: openai.OpenAI, prepared: PreparedAnswers) -> None:
    prepared.problem = RuntimeError("the secret path")
    with pytest.raises(openai.InternalServerError) as refused:
        told(chat, user(PERRICONE))
    assert (refused.value.status_code, refused.value.code) == (500, "internal_error")
    assert "secret" not in refused.value.response.text


@pytest.mark.parametrize("text", ["x" * 3_000, "does it\x00 share?"])
def test_a_question_that_is_none_is_a_bad_request(chat: openai.OpenAI, text: str) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        told(chat, user(text))
    assert refused.value.code == "invalid_question"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", CHAT, 405, "method_not_allowed"),
        ("POST", "/v1/models", 405, "method_not_allowed"),
        ("POST", "/v1/completions", 404, "not_found"),
        ("GET", "/v1/", 404, "not_found"),
        ("GET", "/v1", 404, "not_found"),
    ],
)
def test_what_is_not_there_is_said_in_the_same_form(
    client: TestClient, method: str, path: str, status: int, code: str
) -> None:
    response = client.request(method, path, json={} if method == "POST" else None)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/json"
    assert response.json()["error"]["code"] == code
    assert int(response.headers["content-length"]) == len(response.content)


@pytest.mark.parametrize("path", ["/v1/models/other", "/v1/models/fineprint/nowhere.example", "/v1/nothing"])
def test_whoever_wants_no_body_is_told_as_much_as_whoever_does(client: TestClient, path: str) -> None:
    response, whole = client.head(path), client.get(path)
    assert (response.status_code, response.content) == (404, b"")
    assert response.headers["content-type"] == whole.headers["content-type"]


@pytest.mark.parametrize(
    "body", [b"{", b"", b"\xff", b'{"model": "fineprint", "messages": [{"role": "user", "content": "\\ud800"}]}']
)
def test_a_body_that_cannot_be_read_is_a_bad_request(client: TestClient, body: bytes) -> None:
    response = client.post(CHAT, content=body, headers={"content-type": "application/json"})
    assert response.status_code == 400
    assert set(response.json()["error"]) == {"message", "type", "param", "code"}


def test_what_the_guard_refuses_is_said_in_openais_form_too(prepared: PreparedAnswers, settings: Settings) -> None:
    key, kept = made_key("shop", ["freepeople.com", "perriconemd.com"])
    guarded = settings.model_copy(update={"api_keys": (kept,), "rate_limit": "2/hour"})
    question = user(PERRICONE)
    with listening(create_app(prepared, guarded)) as address:
        with openai.OpenAI(base_url=f"{address}/v1", api_key="fp_wrong", max_retries=0) as stranger:
            with pytest.raises(openai.AuthenticationError, match="not known here") as wrong:
                told(stranger, question)
            with pytest.raises(openai.AuthenticationError):
                stranger.models.list()
        with openai.OpenAI(base_url=f"{address}/v1", api_key=key, max_retries=0) as shop:
            sites = ["freepeople.com", "perriconemd.com"]
            assert [model.id for model in shop.models.list()] == [MODEL, *(f"{MODEL}/{site}" for site in sites)]
            assert told(shop, question).choices[0].message.annotations
            with pytest.raises(openai.PermissionDeniedError, match=r"freepeople\.com") as elsewhere:
                told(shop, question, model="fineprint/exofficio.com")
            with pytest.raises(openai.RateLimitError, match="Try again in") as often:
                told(shop, question)
    assert (wrong.value.code, wrong.value.type) == ("wrong_key", "authentication_error")
    assert (elsewhere.value.code, elsewhere.value.type) == ("scope_forbidden", "permission_error")
    assert (often.value.code, often.value.type) == ("too_many_requests", "rate_limit_error")
    assert int(often.value.response.headers["retry-after"]) > 0


def test_questions_are_not_repeated_in_errors_nor_logged(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        for message in (user("zebra?"), user([{"type": "zebra"}]), user("zebra " * 1_000), {"role": "zebra " * 90}):
            response = client.post(CHAT, json={"model": MODEL, "messages": [message], "n": 2})
            assert "zebra" not in response.text
        assert client.post(CHAT, json={"model": MODEL, "messages": [user("zebra?")]}).status_code == 200
    ours = [record for record in caplog.records if not record.name.startswith(("httpx", "asyncio"))]
    assert not any("zebra" in record.getMessage() for record in ours)


def test_every_problem_has_a_form_of_openais() -> None:
    faults = [{"where": "body.messages.0.content", "what": "Value error, no"}]
    invalid = {"status": 422, "code": "invalid_request", "detail": "body…", "errors": faults}
    assert error_of(invalid) == (
        400,
        {
            "error": {
                "message": "messages.0.content: no",
                "type": "invalid_request_error",
                "param": "messages.0.content",
                "code": "invalid_request",
            }
        },
    )
    statuses = (401, 403, 404, 413, 429, 500, 503)
    errors = {status: error_of({"status": status, "code": "x", "detail": "y"})[1]["error"] for status in statuses}
    assert {status: error["type"] for status, error in errors.items()} == {
        401: "authentication_error",
        403: "permission_error",
        404: "invalid_request_error",
        413: "invalid_request_error",
        429: "rate_limit_error",
        500: "server_error",
        503: "server_error",
    }
