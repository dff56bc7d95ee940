"""The tools as assistants use them: the official client, over loopback HTTP and over a child process's pipes."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import httpx2
import mcp_types as types
import pytest
import uvicorn
from jsonschema import Draft202012Validator
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from sse_starlette.sse import AppStatus

from qa.admission import made_key
from qa.domain import Entry, FailedEntry, IndexedPolicy, Question
from qa.errors import IndexMissing
from qa.settings import Settings
from tests.conftest import SAMPLES
from tests.ui.fakes import PreparedAnswers
from tests.ui.loopback import listening
from ui.app import create_app
from ui.cli import run
from ui.guard import API_BODY_BYTES

ROOT = Path(__file__).parent.parent.parent
PERRICONE = "does Perricone MD share my data?"
EVERYTHING, ALL_SITES = made_key("assistant")
LIMITED, ONE_SITE = made_key("shop", ["freepeople.com"])
NAMES = ["ask_policy", "compare_policies", "find_policy", "read_policy_section", "policy_changes", "policy_label"]
CLIENTS = ("httpcore", "httpx", "mcp.client", "asyncio")
HEADERS = {
    "Authorization": f"Bearer {EVERYTHING}",
    "Accept": "application/json, text/event-stream",
    "Content-Type": "application/json",
}


@dataclass
class Slow(PreparedAnswers):
    """Compares one policy after the other, each when it is let.

    Attributes:
        let: how many may be read.
        read: how many were.
        ended: set when nobody wants more of a comparison, or there is no more.
    """

    let: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(1_000))
    read: int = 0
    ended: threading.Event = field(default_factory=threading.Event)

    def compare(self, question: Question, scopes: Sequence[str | IndexedPolicy]) -> Iterator[Entry | FailedEntry]:
        entries = super().compare(question, scopes)

        def each() -> Iterator[Entry | FailedEntry]:
            try:
                for entry in entries:
                    assert self.let.acquire(timeout=60)
                    self.read += 1
                    yield entry
            finally:
                self.ended.set()

        return each()


@pytest.fixture(scope="module")
def slow() -> Slow:
    return Slow(PreparedAnswers.from_samples(SAMPLES).policies)


@pytest.fixture
def service(slow: Slow) -> Slow:
    """What answers behind ``address``, as good as new."""
    slow.renew()
    slow.let, slow.read, slow.ended = threading.Semaphore(1_000), 0, threading.Event()
    return slow


@pytest.fixture(scope="module")
def address(slow: Slow, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("served")
    settings = Settings(
        index=folder / "index", cache=folder / "cache", api_keys=(ALL_SITES, ONE_SITE), rate_limit="off", concurrency=2
    )
    with listening(create_app(slow, settings)) as address:
        yield f"{address}/mcp"


@asynccontextmanager
async def connected(address: str, key: str = EVERYTHING, mode: Any = "auto") -> AsyncIterator[Client]:
    async with (
        httpx2.AsyncClient(headers={"Authorization": f"Bearer {key}"}, timeout=20) as http,
        Client(streamable_http_client(address, http_client=http), mode=mode) as client,
    ):
        yield client


def using(address: str, use: Callable[[Client], Awaitable[None]], **connect: Any) -> None:
    """Runs what a client does."""

    async def session() -> None:
        async with connected(address, **connect) as client:
            await use(client)

    asyncio.run(asyncio.wait_for(session(), 60))


def text_of(result: types.CallToolResult) -> str:
    (content,) = result.content
    assert isinstance(content, types.TextContent)
    return content.text


async def failure(client: Client, name: str, arguments: dict[str, Any]) -> str:
    """The one line of a call that fails as expected."""
    result = await client.call_tool(name, arguments)
    assert result.is_error
    assert result.structured_content is None
    assert "\n" not in text_of(result)
    return text_of(result)


def posted(address: str, method: str, params: dict[str, Any] | None = None, **headers: str) -> httpx.Response:
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params or {}}
    return httpx.post(address, json=message, headers=HEADERS | headers, timeout=20)


def let_on(service: Slow) -> None:
    """Lets one policy after the other be read: it must stop long before the last of 20."""
    for _ in range(19):
        service.let.release()
        if service.ended.wait(1):
            break
    assert service.ended.is_set()
    assert service.read < 20


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not true():
            await asyncio.sleep(0.01)


@pytest.mark.usefixtures("service")
@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_clients_of_this_and_of_earlier_versions_learn_what_there_is(address: str, mode: str) -> None:
    async def use(client: Client) -> None:
        assert client.protocol_version == ("2026-07-28" if mode == "auto" else "2025-11-25")
        assert client.server_info is not None
        assert client.server_info.name == "fineprint"
        assert 'Never turn it into "no"' in (client.instructions or "")
        tools = (await client.list_tools()).tools
        assert [tool.name for tool in tools] == NAMES
        for tool in tools:
            Draft202012Validator.check_schema(tool.input_schema)
            Draft202012Validator.check_schema(tool.output_schema or {})
            assert tool.description
            assert tool.annotations is not None
            assert tool.annotations.read_only_hint
            assert tool.annotations.idempotent_hint
            assert not tool.annotations.destructive_hint
            assert not tool.annotations.open_world_hint
        result = await client.call_tool("ask_policy", {"question": PERRICONE})
        assert not result.is_error
        assert result.structured_content["verdict"] == "conditional"

    using(address, use, mode=mode)


def test_results_fit_their_schemas_and_every_quote_is_in_the_text_that_the_resource_gives(
    address: str, service: Slow
) -> None:
    async def use(client: Client) -> None:
        schemas = {tool.name: tool.output_schema for tool in (await client.list_tools()).tools}
        for name, arguments in (
            ("ask_policy", {"question": PERRICONE}),
            ("ask_policy", {"question": "how long does it keep data?"}),
            ("ask_policy", {"question": "does amazon sell it?"}),
            ("compare_policies", {"question": "does it sell?", "scopes": ["freepeople.com", "malleries.com"]}),
            ("find_policy", {"query": "perricone"}),
            ("read_policy_section", {"policy": "freepeople.com"}),
            ("policy_label", {"scope": "perriconemd.com"}),
        ):
            result = await client.call_tool(name, arguments)
            assert not result.is_error, text_of(result)
            Draft202012Validator(schemas[name] or {}).validate(result.structured_content)
        answer = (await client.call_tool("ask_policy", {"question": PERRICONE})).structured_content
        assert len(answer["citations"]) == 2
        for citation in answer["citations"]:
            (content,) = (await client.read_resource(f"fineprint://policies/{citation['policy_id']}")).contents
            assert isinstance(content, types.TextResourceContents)
            assert content.mime_type == "text/markdown"
            assert content.text[citation["start"] : citation["end"]] == citation["quote"]
        assert service.asked

    using(address, use)


def test_a_comparison_reports_its_progress(address: str, service: Slow) -> None:
    reported: list[tuple[float, float | None, str | None]] = []

    async def progress(done: float, total: float | None, message: str | None) -> None:
        reported.append((done, total, message))

    async def use(client: Client) -> None:
        scopes = ["freepeople.com", "malleries.com", "exofficio.com"]
        await client.call_tool("compare_policies", {"question": "x", "scopes": scopes}, progress_callback=progress)
        await until(lambda: len(reported) == 3)

    using(address, use)
    assert [(done, total) for done, total, _ in reported] == [(1, 3), (2, 3), (3, 3)]
    assert "malleries.com@2012-10-04" in (reported[1][2] or "")
    assert service.read == 3


@pytest.mark.parametrize("version", ["2026-07-28", "2025-11-25"])
def test_a_client_that_goes_stops_its_work_at_the_next_policy(address: str, service: Slow, version: str) -> None:
    service.let = threading.Semaphore(1)
    arguments = {"question": "x", "scopes": ["freepeople.com"] * 20}
    meta = {"io.modelcontextprotocol/protocolVersion": version, "io.modelcontextprotocol/clientCapabilities": {}}
    params = {"name": "compare_policies", "arguments": arguments, "_meta": meta | {"progressToken": "p"}}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    sent = HEADERS | {
        "MCP-Protocol-Version": version, "Mcp-Method": "tools/call", "Mcp-Name": "compare_policies",
    }  # fmt: skip
    with httpx.stream("POST", address, json=message, headers=sent, timeout=20) as response:
        told = next(line for line in response.iter_lines() if line.startswith("data:"))
        assert json.loads(told.removeprefix("data:"))["params"]["progress"] == 1
    let_on(service)


def test_a_call_that_is_cancelled_stops_its_work(address: str, service: Slow) -> None:
    service.let = threading.Semaphore(1)
    began = asyncio.Event()

    async def progress(*_: Any) -> None:
        began.set()

    async def use(client: Client) -> None:
        arguments = {"question": "x", "scopes": ["freepeople.com"] * 20}
        call = asyncio.create_task(client.call_tool("compare_policies", arguments, progress_callback=progress))
        await asyncio.wait_for(began.wait(), 30)
        call.cancel()
        await asyncio.to_thread(let_on, service)
        assert not (await client.call_tool("ask_policy", {"question": PERRICONE})).is_error

    using(address, use)


@pytest.mark.usefixtures("service")
@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_being_told_to_stop_cuts_no_call_off(address: str, mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AppStatus, "should_exit", False)  # as it is afterwards, whatever comes of this
    uvicorn.Server(uvicorn.Config("", log_config=None)).handle_exit(signal.SIGTERM, None)

    async def use(client: Client) -> None:
        assert not (await client.call_tool("ask_policy", {"question": PERRICONE})).is_error

    using(address, use, mode=mode)


@pytest.mark.usefixtures("service")
def test_calls_at_once_are_all_answered_each_with_its_own(address: str) -> None:
    async def use(client: Client) -> None:
        results = await asyncio.gather(
            *(client.call_tool("read_policy_section", {"policy": "freepeople.com", "start": n}) for n in range(20))
        )
        assert [result.structured_content["start"] for result in results] == list(range(20))

    using(address, use)


@pytest.mark.usefixtures("service")
@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_a_key_for_one_site_learns_of_no_other(address: str, mode: str) -> None:
    async def use(client: Client) -> None:
        found = (await client.call_tool("find_policy", {})).structured_content
        assert [site["domain"] for site in found["sites"]] == ["freepeople.com"]
        (listed,) = (await client.read_resource("fineprint://policies")).contents
        assert isinstance(listed, types.TextResourceContents)
        assert [card["domain"] for card in json.loads(listed.text)["policies"]] == ["freepeople.com"]
        completed = await client.complete(
            types.ResourceTemplateReference(uri="fineprint://policies/{policy_id}"), {"name": "policy_id", "value": ""}
        )
        assert completed.completion.values == ["freepeople.com@2006-12-05"]
        for name, arguments in (
            ("ask_policy", {"question": PERRICONE, "scope": "perriconemd.com"}),
            ("compare_policies", {"question": "x", "scopes": ["freepeople.com", "perriconemd.com"]}),
            ("read_policy_section", {"policy": "perriconemd.com"}),
            ("policy_label", {"scope": "perriconemd.com"}),
            ("policy_changes", {"scope": "perriconemd.com"}),
            ("policy_label", {"scope": "nosuch.example"}),
        ):
            line = await failure(client, name, arguments)
            assert line == "From here, only these may be asked about: freepeople.com."
        with pytest.raises(MCPError, match="only these may be asked about"):
            await client.read_resource("fineprint://policies/perriconemd.com")

    using(address, use, key=LIMITED, mode=mode)


@pytest.mark.usefixtures("service")
def test_without_a_key_nothing_is_told(address: str) -> None:
    for key in ("", "Bearer fp_wrong"):
        response = posted(address, "tools/list", Authorization=key)
        assert response.status_code == 401
        assert "ask_policy" not in response.text


@pytest.mark.usefixtures("service")
@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [
        ("ask_policy", {"question": " "}, "The question is empty."),
        ("ask_policy", {"question": "x" * 5_000}, "The question is too long"),
        ("ask_policy", {"question": "does it\x00 share?"}, "control characters"),
        ("ask_policy", {"question": PERRICONE, "scope": "nosuch.example"}, "find_policy says what is indexed."),
        ("ask_policy", {"question": PERRICONE, "as_of": "yesterday"}, "Write YYYY"),
        ("ask_policy", {"question": {"my secret": 1}}, "Wrong arguments for ask_policy: question: "),
        ("ask_policy", {"question": "my secret", "scop": "x"}, "It takes question, scope, as_of, history."),
        ("compare_policies", {"question": "x", "scopes": ["freepeople.com"]}, "scopes: "),
        ("read_policy_section", {"policy": "a\r\nb: c"}, "is indexed"),
        ("policy_changes", {"scope": "freepeople.com"}, "Only one version"),
    ],
)
def test_what_cannot_be_done_is_a_tool_error_of_one_line(
    address: str, name: str, arguments: dict[str, Any], says: str
) -> None:
    async def use(client: Client) -> None:
        line = await failure(client, name, arguments)
        assert says in line
        assert "secret" not in line

    using(address, use)


def test_without_an_index_the_tools_say_so_and_tell_nothing_of_the_machine(address: str, service: Slow) -> None:
    async def use(client: Client) -> None:
        service.problem = IndexMissing("There is no index in /home/somebody/index: run `fineprint ingest` first.")
        line = await failure(client, "ask_policy", {"question": PERRICONE})
        assert "fineprint ingest" in line
        assert "/home" not in line
        with pytest.raises(MCPError, match="fineprint ingest"):
            await client.read_resource("fineprint://policies")
        service.problem = None
        assert not (await client.call_tool("ask_policy", {"question": PERRICONE})).is_error

    using(address, use)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_a_bug_is_logged_and_told_without_what_is_inside(
    address: str, service: Slow, mode: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def use(client: Client) -> None:
        service.problem = ZeroDivisionError("inside: /secret/path")
        line = await failure(client, "ask_policy", {"question": PERRICONE})
        assert "inside the service" in line
        assert "secret" not in line
        with pytest.raises(MCPError, match="inside the service"):
            await client.read_resource("fineprint://policies")

    with caplog.at_level(logging.ERROR):
        using(address, use, mode=mode)
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [ZeroDivisionError] * 2


@pytest.mark.usefixtures("service")
@pytest.mark.parametrize(
    "uri",
    [
        "fineprint://policies/../../etc/passwd",
        "fineprint://policies/%2e%2e%2fetc%2fpasswd",
        "fineprint://policies/",
        "fineprint://policies//label",
        "fineprint://policies/freepeople.com/label/",
        "fineprint://policies/freepeople.com/text",
        "fineprint://policies/a%0d%0aSet-Cookie:%20b",
        "fineprint://policies/" + "x" * 10_000,
        "fineprint://other",
        "file:///etc/passwd",
        "",
    ],
)
def test_an_address_of_nothing_is_refused(address: str, uri: str) -> None:
    async def use(client: Client) -> None:
        with pytest.raises(MCPError) as refused:
            await client.read_resource(uri)
        assert refused.value.error.code == types.INVALID_PARAMS
        assert "\n" not in refused.value.error.message
        assert len(refused.value.error.message) < 400
        assert "root:" not in refused.value.error.message

    using(address, use)


@pytest.mark.usefixtures("service")
def test_labels_prompts_and_completions(address: str) -> None:
    async def use(client: Client) -> None:
        (label,) = (await client.read_resource("fineprint://policies/freepeople.com%402006-12-05/label")).contents
        assert isinstance(label, types.TextResourceContents)
        assert len(json.loads(label.text)["rows"]) == 13
        templates = (await client.list_resource_templates()).resource_templates
        assert [each.uri_template for each in templates] == [
            "fineprint://policies/{policy_id}", "fineprint://policies/{policy_id}/label",
        ]  # fmt: skip
        (prompt,) = (await client.list_prompts()).prompts
        asked = await client.get_prompt(prompt.name, {"question": "does it sell?", "scope": "freepeople.com"})
        assert isinstance(asked.messages[0].content, types.TextContent)
        assert "does it sell?" in asked.messages[0].content.text
        assert "freepeople.com" in asked.messages[0].content.text
        for arguments in ({}, {"question": " "}):
            with pytest.raises(MCPError, match="needs a question"):
                await client.get_prompt(prompt.name, arguments)
        scopes = await client.complete(types.PromptReference(name=prompt.name), {"name": "scope", "value": "per"})
        assert scopes.completion.values == ["perriconemd.com"]
        nothing = await client.complete(types.PromptReference(name=prompt.name), {"name": "question", "value": "per"})
        assert nothing.completion.values == []
        with pytest.raises(MCPError, match="There is no such tool"):
            await client.call_tool("sell_data", {})

    using(address, use)


@pytest.mark.usefixtures("service")
@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"my secret question", 400),
        (b"[]", 400),
        (b'[{"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"q": "my secret"}}]', 400),
        (b'{"jsonrpc": "1.0", "id": 1, "method": "my secret"}', 400),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": ["my secret"]}}', 200),
        (b"\xff\xfe", 400),
        (b"[" * 5_000, 400),
        (b" " * (API_BODY_BYTES + 1), 413),
    ],
)
def test_what_is_no_message_is_refused_and_not_repeated(
    address: str, body: bytes, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        response = httpx.post(address, content=body, headers=HEADERS, timeout=20)
    assert response.status_code == status
    told = response.json() if status != 200 else json.loads(response.text.partition("data: ")[2])
    assert "error" in told or "detail" in told
    assert "secret" not in response.text
    said = [record.getMessage() for record in caplog.records if not record.name.startswith(CLIENTS)]
    assert not [line for line in said if "secret" in line]


@pytest.mark.usefixtures("service")
def test_the_address_is_for_post_alone_and_without_a_slash(address: str) -> None:
    for method in ("GET", "DELETE", "PUT"):
        response = httpx.request(method, address, headers=HEADERS, timeout=20)
        assert response.status_code == 405
        assert response.headers["allow"] == "POST"
    listed = posted(address, "tools/list")
    assert listed.status_code == 200
    assert "ask_policy" in listed.text
    assert "mcp-session-id" not in listed.headers


def test_questions_are_not_logged(address: str, service: Slow, caplog: pytest.LogCaptureFixture) -> None:
    async def use(client: Client) -> None:
        await client.call_tool("ask_policy", {"question": "does zanzibar share my data?"})

    with caplog.at_level(logging.DEBUG):
        using(address, use)
        using(address, use, mode="legacy")
    assert len(service.asked) == 2
    said = [record.getMessage() for record in caplog.records if not record.name.startswith(CLIENTS)]
    assert not [line for line in said if "zanzibar" in line]


# --- on standard input and output -------------------------------------------------------------------------------------


def test_on_standard_input_it_says_to_ingest_answers_afterwards_keeps_to_its_sites_and_ends(tmp_path: Path) -> None:
    index = tmp_path / "index"
    arguments = ["-m", "ui", "mcp", "--index", str(index), "--scope", "freepeople.com"]
    environment = {"XDG_CACHE_HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    command = StdioServerParameters(command=sys.executable, args=arguments, env=environment, cwd=ROOT)

    async def session() -> None:
        async with Client(command) as client:
            line = await failure(client, "ask_policy", {"question": "does it sell my email address?"})
            assert "fineprint ingest" in line
            sample = SAMPLES / "freepeople.com__2006-12-05.md"
            assert await asyncio.to_thread(run, ["ingest", str(sample), "--index", str(index)]) == 0
            result = await client.call_tool("ask_policy", {"question": "does it sell my email address?"})
            assert result.structured_content["verdict"] == "no"
            assert "> Free People will not rent or sell your e-mail address for any reason." in text_of(result)
            line = await failure(client, "policy_label", {"scope": "perriconemd.com"})
            assert "only these may be asked about: freepeople.com" in line

    asyncio.run(asyncio.wait_for(session(), 120))


def test_only_the_protocol_is_on_standard_output_and_the_end_of_the_input_ends_it(tmp_path: Path) -> None:
    messages = (
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
            "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"},
        }},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/list"},
    )  # fmt: skip
    lines = b"".join(json.dumps(message).encode() + b"\n" for message in messages) + b"no message: my secret\n"
    done = subprocess.run(
        [sys.executable, "-m", "ui", "mcp", "--index", str(tmp_path / "none")],
        input=lines, cwd=ROOT, capture_output=True, timeout=120, check=False,
    )  # fmt: skip
    answers = {each.get("id"): each for each in map(json.loads, done.stdout.splitlines())}
    assert done.returncode == 0
    assert answers[1]["result"]["protocolVersion"] == "2025-06-18"
    assert [tool["name"] for tool in answers[2]["result"]["tools"]] == NAMES
    assert b"secret" not in done.stdout + done.stderr
