"""The seam to real chat models, held to one contract for each provider against a server that does what is written."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import BaseMessage
from langchain_core.runnables import RunnableLambda

from qa import generating, rewriting
from qa.chatmodel import MOST_THREADS, THREADS, LangChainModel, open_chat_model
from qa.errors import ChatModelFailed, InvalidSettings, ModelUnusable, Unwanted
from qa.settings import load_settings
from qa.sparing import FAILURES
from qa.talking import Usage, is_wanted
from tests.chatting import (
    ENDLESS,
    HANGING,
    HTML,
    INVALID_JSON,
    KEEPING_ALIVE,
    TRUNCATED_UTF8,
    Reply,
    Request,
    refusing_schemas,
    serving,
)

SYSTEM, USER = "Answer with JSON.", "does anyone sell my secret-diary?"
SCHEMA = {
    "title": "Said",
    "type": "object",
    "properties": {"said": {"type": "string"}},
    "required": ["said"],
    "additionalProperties": False,
}
SAID = '{"said": "It does not sell it."}'
WAIT_S, TOTAL_S = 0.15, 0.25

pytestmark = pytest.mark.filterwarnings(
    "ignore:Received unexpected tool content block:UserWarning"  # a model that calls a tool unasked
)


@pytest.fixture(params=["openai", "ollama", "anthropic"])
def provider(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def model_at(url: str, provider: str = "openai", **settings: object) -> LangChainModel:
    given = {"llm": f"{provider}:tiny", "llm_url": url, "llm_max_tokens": 200, **settings}
    return open_chat_model(load_settings(given, environ={}), environ={})


def impatient(url: str, provider: str) -> LangChainModel:
    return model_at(url, provider, llm_wait_s=WAIT_S, llm_timeout_s=TOTAL_S)


def talked(model: LangChainModel) -> tuple[str, Usage | None, ChatModelFailed | None]:
    """All that comes of one call: the words, the usage, and what it failed with."""
    said, usage = "", None
    try:
        for piece in model.talk(SYSTEM, USER, SCHEMA):
            if isinstance(piece, Usage):
                usage = piece
            else:
                said += piece
    except ChatModelFailed as failure:
        return said, usage, failure
    return said, usage, None


# --- what every provider does -----------------------------------------------------------------------------------------


def test_the_words_come_piece_by_piece_and_the_usage_last(provider: str) -> None:
    with serving(Reply(SAID, usage=(40, 9))) as server:
        pieces = list(model_at(server.url, provider).talk(SYSTEM, USER, SCHEMA))
    assert pieces[-1] == Usage(40, 9)
    assert "".join(piece for piece in pieces if isinstance(piece, str)) == SAID
    assert len(pieces) > 4


def test_the_first_words_are_there_while_the_rest_is_still_being_said(provider: str) -> None:
    go_on = threading.Event()
    with serving(Reply(("first", go_on, "last"))) as server:
        pieces = model_at(server.url, provider).talk(SYSTEM, USER, SCHEMA)
        assert next(pieces) == "first"
        go_on.set()
        assert next(pieces) == "last"
        pieces.close()


def test_a_request_has_instructions_question_schema_a_bound_and_no_play_in_it(provider: str) -> None:
    with serving(Reply(SAID)) as server:
        talked(model_at(server.url, provider))
    request = server.requests[0]
    assert (request.system, request.user) == (SYSTEM, USER)
    assert request.schema is not None
    assert request.schema["properties"] == SCHEMA["properties"]
    options = {**request.body, **request.body.get("options", {})}
    assert options["temperature"] == 0
    bound = {"openai": "max_completion_tokens", "ollama": "num_predict", "anthropic": "max_tokens"}[provider]
    assert options[bound] == 200


@pytest.mark.parametrize(
    "llm", ["openai:o3", "openai:gpt-5-mini", "anthropic:claude-sonnet-5", "anthropic:claude-opus-4-7"]
)
def test_a_model_that_thinks_by_itself_is_asked_as_it_wants_to_be(llm: str) -> None:
    with serving(Reply(SAID)) as server:
        assert talked(opened(llm, llm_url=server.url))[0] == SAID
    assert len(server.requests) == 1
    body = server.requests[0].body
    assert "temperature" not in body
    efforts = {body.get("reasoning_effort"), body.get("output_config", {}).get("effort")}
    assert llm == "openai:o3" or efforts & {"minimal", "low"}


def test_thinking_is_no_part_of_the_words(provider: str) -> None:
    with serving(Reply(SAID, thinking="They want to know about the secret-diary.")) as server:
        assert talked(model_at(server.url, provider))[0] == SAID


def test_a_reply_that_comes_as_the_call_of_a_tool_is_taken_as_words(provider: str) -> None:
    with serving(Reply(SAID, by_tool=True)) as server:
        assert talked(model_at(server.url, provider))[0] == SAID


@pytest.mark.parametrize("schema", [generating.SCHEMA, rewriting.SCHEMA], ids=["generating", "rewriting"])
def test_a_reply_is_held_to_the_schemas_that_we_ask_with(provider: str, schema: Mapping[str, Any]) -> None:
    with serving(Reply("{}")) as server:
        list(model_at(server.url, provider).talk(SYSTEM, USER, schema))
    assert len(server.requests) == 1
    held_to = server.requests[0].schema
    assert held_to is not None
    assert set(held_to["properties"]) == set(schema["properties"])
    if provider == "openai":
        assert server.requests[0].body["response_format"]["json_schema"]["strict"]


def test_a_server_that_knows_no_schema_is_asked_without_and_no_more_with(provider: str) -> None:
    with serving(refusing_schemas(Reply(SAID))) as server:
        model = model_at(server.url, provider)
        assert talked(model)[0] == talked(model)[0] == SAID
    assert [request.schema is not None for request in server.requests] == [True, False, False]


def test_a_request_that_is_refused_either_way_is_tried_with_a_schema_the_next_time(provider: str) -> None:
    with serving(Reply(status=400)) as server:
        model = model_at(server.url, provider)
        for _ in range(2):
            _, _, failure = talked(model)
            assert failure is not None
            assert failure.reason == "refused"
    assert [request.schema is not None for request in server.requests] == [True, False, True, False]


def test_a_server_that_wants_its_own_temperature_gets_it(provider: str) -> None:
    def respond(request: Request) -> Reply:
        options = {**request.body, **request.body.get("options", {})}
        error = b'{"error": {"type": "invalid_request_error", "message": "temperature is not supported"}}'
        return Reply(raw=error, status=400) if "temperature" in options else Reply(SAID)

    with serving(respond) as server:
        assert talked(model_at(server.url, provider))[0] == SAID
    assert server.requests[-1].schema is not None


def test_a_key_goes_with_the_request_and_is_shown_nowhere(provider: str) -> None:
    with serving(Reply(status=401)) as server:
        settings = load_settings(
            {"llm": f"{provider}:tiny", "llm_url": server.url, "llm_api_key": "sk-very-secret"}, environ={}
        )
        model = open_chat_model(settings, environ={})
        _, _, failure = talked(model)
    headers = server.requests[0].headers
    assert "sk-very-secret" in headers.get("authorization", "") + headers.get("x-api-key", "")
    assert "sk-very-secret" not in f"{settings!r} {model!r} {vars(model)!r} {failure!r}"


def test_the_providers_own_key_is_not_sent_to_another_address(provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    own = {"OPENAI_API_KEY": "sk-their-own", "ANTHROPIC_API_KEY": "sk-their-own"}
    for name, key in own.items():
        monkeypatch.setenv(name, key)
    with serving(Reply(SAID)) as server:
        settings = load_settings({"llm": f"{provider}:tiny", "llm_url": server.url}, environ={})
        talked(open_chat_model(settings, environ=own))
    assert "sk-their-own" not in str(server.requests[0].headers)


# --- what servers do --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "reason", "requests"),
    [
        (Reply(status=401), "refused", 1),
        (Reply(status=403), "refused", 1),
        (Reply(status=404), "refused", 1),
        (Reply(status=429), "busy", 3),
        (Reply(status=429, headers={"Retry-After": "3600"}), "busy", None),
        (Reply(status=500), "unreachable", 3),
        (Reply(status=503), "busy", 3),
        (Reply(raw=b"", status=307, headers={"Location": "http://127.0.0.1:9/"}), "refused", 1),
        (HTML, "nonsense", 1),
        (Reply(raw=b"{}", status=200), "nonsense", 1),
        (Reply(""), "nonsense", 1),
        (HANGING, "slow", 1),
        (KEEPING_ALIVE, "slow", 1),
        (Reply(pieces=("", 0.05), endless=True), "slow", 1),
        (Reply(SAID, cut=True), "broken_off", 1),
        (Reply(SAID, unfinished=True), "broken_off", 1),
        (Reply(SAID, between_s=0.05), "slow", 1),
        (TRUNCATED_UTF8, "nonsense", 1),
        (INVALID_JSON, "nonsense", 1),
        (ENDLESS, "nonsense", 1),
        (Reply(pieces=(b"data: " + b"x" * 262_144,), endless=True), "nonsense", 1),
    ],
    ids="401 403 404 429 429-later 500 503 redirect html json empty hanging alive drip cut unfinished slow utf8 broken"
    " endless heap".split(),
)
def test_whatever_a_server_does_it_ends_in_time_with_a_reason_and_without_the_question(
    provider: str, reply: Reply, reason: str, requests: int | None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    if provider != "openai" and (reply is KEEPING_ALIVE or reply is INVALID_JSON):
        # A comment is no line of Ollama's; Anthropic's events all have names, and those that have none are passed over.
        reason = {"ollama": "nonsense", "anthropic": reason if reply is KEEPING_ALIVE else ""}[provider]
    with serving(reply) as server:
        model = impatient(server.url, provider) if reason == "slow" else model_at(server.url, provider)
        model.warm_up()
        began = time.monotonic()
        said, _, failure = talked(model)
        took = time.monotonic() - began
        assert server.quiet(), "no connection is left open"
    assert (failure.reason if failure else "") == reason
    assert took < 3.0
    assert requests is None or len(server.requests) == requests
    assert said == "" or reply.pieces
    told = f"{failure} {caplog.text}"
    assert "secret-diary" not in told.replace("_", "-")


def test_no_cookie_is_kept_and_no_header_of_the_server_is_logged(
    provider: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with serving(Reply(SAID, headers={"Set-Cookie": "who=secret-diary; Path=/"})) as server:
        model = model_at(server.url, provider)
        for _ in range(2):
            assert talked(model)[2] is None
    assert len(server.requests) == 2
    assert all("cookie" not in request.headers for request in server.requests)
    assert "secret-diary" not in caplog.text


def test_what_may_pass_is_asked_again(provider: str) -> None:
    with serving(Reply(status=500), Reply(status=429, headers={"Retry-After": "0.1"}), Reply(SAID)) as server:
        assert talked(model_at(server.url, provider))[0] == SAID
    assert len(server.requests) == 3


def test_a_server_is_waited_for_as_long_as_it_asks() -> None:
    with serving(Reply(status=429, headers={"Retry-After": "1"}), Reply(SAID)) as server:
        began = time.monotonic()
        assert talked(model_at(server.url))[0] == SAID
    assert 1.0 <= time.monotonic() - began < 3.0


def test_a_server_that_is_busy_for_longer_than_we_wait_is_not_waited_for() -> None:
    with serving(Reply(status=429, headers={"Retry-After": "Fri, 31 Dec 2100 23:59:59 GMT"})) as server:
        began = time.monotonic()
        _, _, failure = talked(model_at(server.url))
    assert failure is not None
    assert failure.reason == "busy"
    assert time.monotonic() - began < 2.0
    assert len(server.requests) == 1


def test_a_server_that_is_down_is_no_error_until_it_is_asked_and_then_unreachable(provider: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    model = model_at(f"http://127.0.0.1:{port}", provider)
    model.warm_up()
    _, _, failure = talked(model)
    assert failure is not None
    assert failure.reason == "unreachable"
    assert f"{provider}:tiny cannot be reached" in str(failure)


def test_a_model_that_fails_again_and_again_is_not_asked_for_a_while() -> None:
    with serving(Reply(status=401)) as server:
        model = model_at(server.url)
        reasons = [failure.reason for _, _, failure in (talked(model) for _ in range(FAILURES + 2)) if failure]
    assert reasons == ["refused"] * FAILURES + ["resting"] * 2
    assert len(server.requests) == FAILURES


@pytest.mark.parametrize("usage", [(300, 100), None])
def test_what_was_asked_and_said_counts_against_the_budget_of_the_day(usage: tuple[int, int] | None) -> None:
    reply = Reply("many words " * 145, usage=usage)
    with serving(reply) as server:
        model = model_at(server.url, llm_max_tokens=400, llm_budget_tokens=800)
        assert talked(model)[2] is None
        said, _, failure = talked(model)
    assert (said, failure.reason if failure else "") == ("", "budget")
    assert len(server.requests) == 1


# --- whoever asks -----------------------------------------------------------------------------------------------------


def test_who_stops_listening_ends_the_call_at_its_server(provider: str) -> None:
    with serving(Reply(pieces=("word ", 0.02), endless=True)) as server:
        pieces = model_at(server.url, provider).talk(SYSTEM, USER, SCHEMA)
        assert next(pieces) == "word "
        pieces.close()
        assert server.quiet(2.0)
        assert server.hung_up == 1


def test_a_call_that_nobody_waits_for_any_more_is_ended_before_a_word_has_come(provider: str) -> None:
    with serving(HANGING) as server:
        model = model_at(server.url, provider)
        model.warm_up()
        gone_at = time.monotonic() + 0.1
        token = is_wanted.set(lambda: time.monotonic() < gone_at)
        try:
            with pytest.raises(Unwanted):
                next(model.talk(SYSTEM, USER, SCHEMA))
        finally:
            is_wanted.reset(token)
        assert time.monotonic() - gone_at < 1.0
        assert server.quiet(2.0)


def test_a_call_that_nobody_takes_anything_of_is_not_made() -> None:
    with serving(Reply(SAID)) as server:
        model_at(server.url).talk(SYSTEM, USER, SCHEMA).close()
        assert server.requests == []


def test_all_calls_for_one_question_have_the_time_of_one_and_being_hurried_is_no_failure() -> None:
    with serving(Reply(SAID)) as server:
        model = model_at(server.url, llm_timeout_s=20)
        for _ in range(4):  # more than a model may fail before it is left alone
            with pytest.raises(ChatModelFailed, match=r"longer than 20 seconds for a question") as failure:
                next(model.talk(SYSTEM, USER, SCHEMA, time.perf_counter() - 20))
            assert failure.value.reason == "slow"
        assert server.requests == []
        assert talked(model)[0] == SAID


def test_a_call_ends_with_what_is_left_for_its_question() -> None:
    with serving(HANGING) as server:
        began = time.perf_counter()
        with pytest.raises(ChatModelFailed, match=r"longer than 20 seconds for a question"):
            next(model_at(server.url, llm_timeout_s=20).talk(SYSTEM, USER, SCHEMA, began - 19.7))
        assert time.perf_counter() - began < 3


def strange_threads() -> set[str]:
    """Threads that are neither the server's nor those of all calls, of which there are so many at most."""
    names = [thread.name for thread in threading.enumerate() if "request_thread" not in thread.name]
    assert sum(name.startswith(THREADS) for name in names) <= 1 + MOST_THREADS
    return {name for name in names if not name.startswith(THREADS)}


def test_calls_of_many_threads_share_a_few_and_do_not_mix(provider: str) -> None:
    def echo(request: Request) -> Reply:
        return Reply(f"You said {request.user}", between_s=0.01)

    with serving(echo) as server:
        model = model_at(server.url, provider)
        model.warm_up()
        before = strange_threads()

        def call(n: int) -> str:
            return "".join(piece for piece in model.talk(SYSTEM, f"number {n}", SCHEMA) if isinstance(piece, str))

        with ThreadPoolExecutor(8) as threads:
            assert list(threads.map(call, range(8))) == [f"You said number {n}" for n in range(8)]
    assert strange_threads() - before == set()


class Watching(BaseCallbackHandler):
    def __init__(self) -> None:
        self.seen: list[str] = []

    def on_chat_model_start(
        self, serialized: dict[str, Any], messages: list[list[BaseMessage]], *, run_id: UUID, **kwargs: Any
    ) -> None:
        self.seen += [str(message.content) for message in messages[0]]

    def on_llm_end(self, response: Any, **kwargs: Any) -> None:
        self.seen.append(response.generations[0][0].text)


def test_callbacks_of_the_surrounding_chain_see_the_call_and_no_others_do(provider: str) -> None:
    with serving(Reply(SAID)) as server:
        model = model_at(server.url, provider)
        watching = Watching()
        chain: RunnableLambda[str, str] = RunnableLambda(lambda _: talked(model)[0])
        assert chain.invoke("", config={"callbacks": [watching]}) == SAID
        assert watching.seen == [SYSTEM, USER, SAID]
        talked(model)
        assert len(watching.seen) == 3


# --- setting up -------------------------------------------------------------------------------------------------------


def opened(llm: str, environ: dict[str, str] | None = None, **settings: str) -> LangChainModel:
    return open_chat_model(load_settings({"llm": llm, **settings}, environ={}), environ=environ or {})


@pytest.mark.parametrize(
    "llm", ["gpt-4o-mini", "ollama:", ":llama3.2", "ollama llama3.2", "ollama:a\nb", "a:" + "b" * 300]
)
def test_what_names_no_model_is_refused_with_examples(llm: str) -> None:
    with pytest.raises(InvalidSettings, match=r"FINEPRINT_LLM.*provider:model, e\.g\. ollama:llama3\.2"):
        load_settings({"llm": llm}, environ={})


@pytest.mark.parametrize(
    "url", ["my-host:8000", "http://me:pass@host/v1", "http://host/v1?key=1", "file:///etc/passwd"]
)
def test_what_is_no_address_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(InvalidSettings, match="FINEPRINT_LLM_URL") as failure:
        load_settings({"llm_url": url}, environ={})
    assert url not in str(failure.value)


@pytest.mark.parametrize(
    ("llm", "says"),
    [
        ("olama:llama3.2", "pip install langchain-olama. Did you mean ollama?"),
        ("bedrock:some.model", "pip install langchain-aws."),
        ("openai:gpt-4o-mini", "set OPENAI_API_KEY or FINEPRINT_LLM_API_KEY, or FINEPRINT_LLM_URL"),
        ("anthropic:claude-haiku-4-5", "set ANTHROPIC_API_KEY or FINEPRINT_LLM_API_KEY"),
        ("azure_openai:mine", "needs AZURE_OPENAI_ENDPOINT and OPENAI_API_VERSION in the environment"),
    ],
)
def test_what_is_missing_for_a_model_is_said_in_one_line_before_anything_is_asked(llm: str, says: str) -> None:
    with pytest.raises(ModelUnusable) as failure:
        opened(llm)
    assert says in str(failure.value)
    assert "\n" not in str(failure.value)


def test_azure_needs_its_own_key_too() -> None:
    azure = {"AZURE_OPENAI_ENDPOINT": "https://mine.openai.azure.example", "OPENAI_API_VERSION": "2024-10-21"}
    with pytest.raises(ModelUnusable, match="set AZURE_OPENAI_API_KEY or FINEPRINT_LLM_API_KEY"):
        opened("azure_openai:mine", azure)
    assert opened("azure_openai:mine", {**azure, "AZURE_OPENAI_AD_TOKEN": "token"}).name == "azure_openai:mine"


def test_a_deployment_on_azure_is_asked_as_azure_wants_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(Reply(SAID)) as server:
        environ = {
            "AZURE_OPENAI_ENDPOINT": server.url,
            "OPENAI_API_VERSION": "2024-10-21",
            "AZURE_OPENAI_API_KEY": "azure-key",
        }
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        assert talked(opened("azure_openai:mine", environ))[0] == SAID
    request = server.requests[0]
    assert request.path == "/openai/deployments/mine/chat/completions?api-version=2024-10-21"
    assert request.headers["api-key"] == "azure-key"


@pytest.mark.parametrize(
    ("llm", "path", "asked"),
    [
        ("openai:tiny", "", "/v1/chat/completions"),
        ("openai:tiny", "/v1/", "/v1/chat/completions"),
        ("openai:tiny", "/proxy/v1", "/proxy/v1/chat/completions"),
        ("ollama:tiny", "/v1", "/api/chat"),
        ("Ollama:tiny", "/", "/api/chat"),
        ("anthropic:tiny", "/v1", "/v1/messages"),
    ],
)
def test_an_address_may_be_given_with_or_without_the_version_in_its_path(llm: str, path: str, asked: str) -> None:
    with serving(Reply(SAID)) as server:
        assert talked(opened(llm, llm_url=server.url + path))[0] == SAID
    assert server.requests[0].path == asked


def test_without_a_model_there_is_none_to_open() -> None:
    with pytest.raises(InvalidSettings, match="FINEPRINT_LLM names one"):
        open_chat_model(load_settings(environ={}))


def test_opening_a_model_imports_none_of_its_packages() -> None:
    program = (
        "import sys; from qa.chatmodel import open_chat_model; from qa.settings import load_settings\n"
        "open_chat_model(load_settings({'llm': 'ollama:tiny'}, environ={}))\n"
        "print([name for name in sys.modules if name.split('.')[0] in"
        " {'langchain', 'langchain_core', 'langchain_ollama', 'ollama', 'openai', 'tenacity', 'httpx'}])"
    )
    run = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert run.stdout.strip() == "[]"
