"""Chat models that say what a script tells them: one that is called directly, and a server as the vendors' are.

The server speaks the protocols of OpenAI (also as Azure, vLLM and llama.cpp speak it), Ollama and Anthropic, streamed
or not, and can do what such servers do when they fail. Both are used by tests of every layer::

    with serving(Reply('{"claims": []}'), Reply(status=429, headers={"Retry-After": "1"})) as server:
        ...  # FINEPRINT_LLM=openai:tiny, FINEPRINT_LLM_URL=server.openai_url
        assert server.requests[0].user.startswith("…")
"""

from __future__ import annotations

import contextlib
import json
import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from qa.errors import ChatModelFailed
from qa.talking import Usage

PIECE_CHARS = 5
"""A reply that is given as one string is sent in pieces of so many characters, as models send tokens."""


def in_pieces(text: str) -> list[str]:
    """A text as a model would stream it."""
    return [text[start : start + PIECE_CHARS] for start in range(0, len(text), PIECE_CHARS)]


# --- a model that is called directly ----------------------------------------------------------------------------------

Part = str | float | Usage | Exception
"""Of what a scripted model does: says, waits so many seconds, tells its usage, or fails."""
Talk = str | Exception | Sequence[Part]
"""One call's doing; a plain string is said in small pieces, and its usage told."""


@dataclass
class ScriptedModel:
    """A ``qa.talking.ChatModel`` without any server.

    Attributes:
        replies: what it does call by call, the last one again and again; or a function of system, user and schema.
        asked: system, user and schema of every call.
        asked_at: when the question was asked that each call was for.
        taken: how many pieces were taken from it in each call.
        abandoned: how many calls were closed before their end.
    """

    replies: Sequence[Talk] | Callable[[str, str, Mapping[str, Any]], Talk]
    name: str = "scripted:model"
    asked: list[tuple[str, str, Mapping[str, Any]]] = field(default_factory=list)
    asked_at: list[float | None] = field(default_factory=list)
    taken: list[int] = field(default_factory=list)
    abandoned: int = 0
    warmed: int = 0

    def talk(
        self, system: str, user: str, schema: Mapping[str, Any], asked_at: float | None = None
    ) -> Iterator[str | Usage]:
        call = len(self.asked)
        self.asked.append((system, user, schema))
        self.asked_at.append(asked_at)
        self.taken.append(0)
        if callable(self.replies):
            doing = self.replies(system, user, schema)
        else:
            doing = self.replies[min(call, len(self.replies) - 1)]
        if isinstance(doing, str):
            doing = [*in_pieces(doing), Usage((len(system) + len(user)) // 4, max(1, len(doing) // 4))]
        elif isinstance(doing, Exception):
            doing = [doing]
        try:
            for part in doing:
                if isinstance(part, Exception):
                    raise part
                if isinstance(part, float):
                    time.sleep(part)
                else:
                    self.taken[call] += isinstance(part, str)
                    yield part
        except GeneratorExit:
            self.abandoned += 1
            raise

    def warm_up(self) -> None:
        self.warmed += 1


def failure(reason: str = "unreachable") -> ChatModelFailed:
    """As ``qa.chatmodel`` raises it."""
    return ChatModelFailed(reason, f"The chat model scripted:model did not answer ({reason}).")


# --- a server ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Request:
    """What was asked of the server.

    Attributes:
        headers: names in lower case.
        body: the JSON; empty for GET.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]

    @property
    def system(self) -> str:
        """The instructions, wherever the protocol puts them."""
        given = self.body.get("system") or self._by_role("system") or self._by_role("developer")
        return given if isinstance(given, str) else "".join(block.get("text", "") for block in given)

    @property
    def user(self) -> str:
        """What they are to be applied to."""
        return self._by_role("user")

    @property
    def schema(self) -> Mapping[str, Any] | None:
        """The JSON Schema that the reply is to be held to, wherever the protocol puts it."""
        if isinstance(self.body.get("format"), Mapping):
            return self.body["format"]  # type: ignore[no-any-return]  # Ollama
        anthropic = (self.body.get("output_config") or {}).get("format")
        if anthropic:
            return anthropic["schema"]  # type: ignore[no-any-return]
        openai = (self.body.get("response_format") or {}).get("json_schema")
        return openai["schema"] if openai else None

    def _by_role(self, role: str) -> str:
        for message in self.body.get("messages", ()):
            if message["role"] == role:
                content = message["content"]
                return content if isinstance(content, str) else "".join(block.get("text", "") for block in content)
        return ""


Step = str | float | bytes | threading.Event


@dataclass(frozen=True)
class Reply:
    """What the server does with one request.

    Attributes:
        pieces: a text, sent in small pieces; or in its pieces: text, so many seconds to wait (float), something to
            wait for (an event), or bytes that are put on the wire as they are.
        status: other than 200, an error as the vendor words it, which repeats what was asked as some do.
        headers: further ones, e.g. ``Retry-After``.
        before_s: passes before the head of the response is sent.
        between_s: passes before each piece.
        usage: tokens of question and reply; counted where not given, not told where None.
        thinking: said before the reply, as the protocol has it.
        by_tool: the reply is the argument of a tool call.
        cut: the connection is reset after the pieces.
        unfinished: the response ends after the pieces without the protocol's own end.
        endless: the pieces are sent over and over.
        raw: sent instead of all this, as ``media_type``.
    """

    pieces: str | Sequence[Step] = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    before_s: float = 0.0
    between_s: float = 0.0
    usage: tuple[int, int] | bool | None = True
    thinking: str = ""
    by_tool: bool = False
    cut: bool = False
    unfinished: bool = False
    endless: bool = False
    raw: bytes | None = None
    media_type: str = ""

    @property
    def steps(self) -> list[Step]:
        """The pieces, a plain text cut small."""
        return list(in_pieces(self.pieces)) if isinstance(self.pieces, str) else list(self.pieces)

    @property
    def text(self) -> str:
        """The text of all pieces."""
        return "".join(step for step in self.steps if isinstance(step, str))

    def counted(self, request: Request) -> tuple[int, int] | None:
        """Its usage, as far as it is told."""
        if self.usage is True:
            return len(request.system + request.user) // 4, max(1, len(self.text) // 4)
        return self.usage or None


Script = Callable[[Request], Reply]


@dataclass
class Served:
    """A server that is running.

    Attributes:
        url: its address without a path, as Ollama's and Anthropic's clients want it.
        requests: what models were asked, in order; looking at the list of models is not among them.
        hung_up: how often a client ended a connection before its reply was over.
        open: connections that are being replied to.
    """

    url: str
    requests: list[Request] = field(default_factory=list)
    hung_up: int = 0
    open: int = 0

    @property
    def openai_url(self) -> str:
        """As clients of OpenAI's protocol want it."""
        return self.url + "/v1"

    def quiet(self, within_s: float = 5.0) -> bool:
        """Whether no reply is being sent, at the latest after so long."""
        deadline = time.monotonic() + within_s
        while self.open and time.monotonic() < deadline:
            time.sleep(0.005)
        return not self.open


@contextlib.contextmanager
def serving(*script: Reply | Script, port: int = 0) -> Iterator[Served]:
    """Serves models that do what is written: replies in order, the last one again and again, or a function's."""
    over = threading.Event()
    lock = threading.Lock()

    class Handler(_Handler):
        def replied(self, request: Request) -> Reply:
            with lock:
                step = script[min(len(served.requests), len(script) - 1)]
                served.requests.append(request)
            return step if isinstance(step, Reply) else step(request)

        def wait(self, until: float | threading.Event) -> None:
            """Waits so many seconds or for something, and notices a client that hangs up meanwhile."""
            event = until if isinstance(until, threading.Event) else over
            deadline = time.monotonic() + (until if isinstance(until, float) else 60.0)
            while (left := deadline - time.monotonic()) > 0 and not (event.is_set() or over.is_set()):
                ready, _, _ = select.select([self.connection], [], [], min(left, 0.02))
                if ready and not self.connection.recv(1, socket.MSG_PEEK):
                    raise ConnectionResetError

        def handle_one_request(self) -> None:
            with contextlib.suppress(ConnectionResetError):
                super().handle_one_request()

        @contextlib.contextmanager
        def replying(self) -> Iterator[None]:
            with lock:
                served.open += 1
            try:
                yield
            except (ConnectionResetError, BrokenPipeError):
                with lock:
                    served.hung_up += 1
                self.close_connection = True
            finally:
                with lock:
                    served.open -= 1

        def is_over(self) -> bool:
            return over.is_set()

    with _Server(("127.0.0.1", port), Handler) as server:
        served = Served(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield served
        finally:
            over.set()
            server.shutdown()
            thread.join(timeout=20)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False


class _Handler(BaseHTTPRequestHandler):
    """The three protocols; whoever serves says what is replied."""

    protocol_version = "HTTP/1.1"

    def replied(self, request: Request) -> Reply:
        raise NotImplementedError

    def wait(self, until: float | threading.Event) -> None:
        raise NotImplementedError

    def replying(self) -> contextlib.AbstractContextManager[None]:
        raise NotImplementedError

    def is_over(self) -> bool:
        raise NotImplementedError

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is http.server's
        """Nothing is written down."""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        listed = {
            "/v1/models": {"object": "list", "data": [{"id": "tiny", "object": "model", "owned_by": "tests"}]},
            "/api/tags": {"models": [{"name": "tiny:latest", "model": "tiny:latest"}]},
            "/api/version": {"version": "0.12.0"},
        }.get(path)
        self._whole(json.dumps(listed or {"error": "not found"}).encode(), 200 if listed else 404)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        headers = {name.lower(): value for name, value in self.headers.items()}
        path = self.path.partition("?")[0]
        protocol = next((each for end, each in _PROTOCOLS.items() if path.endswith(end)), None)
        if protocol is None:
            self._whole(b'{"error": "not found"}', 404)
            return
        request = Request("POST", self.path, headers, body)
        reply = self.replied(request)
        with self.replying():
            self.wait(reply.before_s)
            if reply.raw is not None:
                self._whole(reply.raw, reply.status, reply.media_type or "application/json", reply.headers)
            elif reply.status != 200:
                said = json.dumps(protocol.error(reply.status, f"cannot do this: {request.user}")).encode()
                self._whole(said, reply.status, "application/json", reply.headers)
            elif body.get("stream", protocol.streams_by_default):
                self._stream(protocol, request, reply)
            else:
                self._whole(json.dumps(protocol.whole(request, reply)).encode(), headers=reply.headers)

    def _stream(self, protocol: _Protocol, request: Request, reply: Reply) -> None:
        self.send_response(200)
        self.send_header("Content-Type", reply.media_type or protocol.media_type)
        self.send_header("Transfer-Encoding", "chunked")
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        for event in protocol.begin(request, reply):
            self._chunk(event)
        while True:
            for step in reply.steps:
                self.wait(step if isinstance(step, float | threading.Event) else reply.between_s)
                if not isinstance(step, float | threading.Event):
                    self._chunk(step if isinstance(step, bytes) else protocol.piece(step, reply))
            if not reply.endless or self.is_over():
                break
        if reply.cut:
            # A reset, not an end: nothing lingers.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            self.connection.close()
            return
        if not reply.unfinished:
            for event in protocol.end(request, reply):
                self._chunk(event)
        self._chunk(b"")

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def _whole(
        self,
        body: bytes,
        status: int = 200,
        media_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": media_type, "Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


class _Protocol:
    """How a vendor's server puts it on the wire."""

    media_type = "text/event-stream"
    streams_by_default = False

    def begin(self, request: Request, reply: Reply) -> Iterable[bytes]:
        raise NotImplementedError

    def piece(self, text: str, reply: Reply) -> bytes:
        raise NotImplementedError

    def end(self, request: Request, reply: Reply) -> Iterable[bytes]:
        raise NotImplementedError

    def whole(self, request: Request, reply: Reply) -> Mapping[str, Any]:
        raise NotImplementedError

    def error(self, status: int, message: str) -> Mapping[str, Any]:
        raise NotImplementedError


class _OpenAI(_Protocol):
    def begin(self, request: Request, reply: Reply) -> Iterable[bytes]:
        yield self._event({"role": "assistant", "content": ""})
        if reply.thinking:
            yield self._event({"reasoning_content": reply.thinking})
        if reply.by_tool:
            function = {"name": request.body["tools"][0]["function"]["name"] if "tools" in request.body else "reply"}
            call = {"index": 0, "id": "call_1", "type": "function", "function": {**function, "arguments": ""}}
            yield self._event({"tool_calls": [call]})

    def piece(self, text: str, reply: Reply) -> bytes:
        if reply.by_tool:
            return self._event({"tool_calls": [{"index": 0, "function": {"arguments": text}}]})
        return self._event({"content": text})

    def end(self, request: Request, reply: Reply) -> Iterable[bytes]:
        yield self._event({}, finish="tool_calls" if reply.by_tool else "stop")
        usage = self._usage(request, reply)
        if usage and (request.body.get("stream_options") or {}).get("include_usage"):
            yield b"data: " + json.dumps({**self._frame(), "choices": [], "usage": usage}).encode() + b"\n\n"
        yield b"data: [DONE]\n\n"

    def whole(self, request: Request, reply: Reply) -> Mapping[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": reply.text}
        if reply.by_tool:
            function = {"name": request.body["tools"][0]["function"]["name"], "arguments": reply.text}
            message |= {"content": None, "tool_calls": [{"id": "call_1", "type": "function", "function": function}]}
        choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if reply.by_tool else "stop"}
        whole = {**self._frame(), "object": "chat.completion", "choices": [choice]}
        return {**whole, "usage": self._usage(request, reply)} if self._usage(request, reply) else whole

    def error(self, status: int, message: str) -> Mapping[str, Any]:
        return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": None}}

    @staticmethod
    def _usage(request: Request, reply: Reply) -> Mapping[str, int] | None:
        counted = reply.counted(request)
        if counted is None:
            return None
        return {"prompt_tokens": counted[0], "completion_tokens": counted[1], "total_tokens": sum(counted)}

    @staticmethod
    def _frame() -> dict[str, Any]:
        return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_780_000_000, "model": "tiny"}

    def _event(self, delta: Mapping[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return b"data: " + json.dumps({**self._frame(), "choices": [choice]}).encode() + b"\n\n"


class _Ollama(_Protocol):
    media_type = "application/x-ndjson"
    streams_by_default = True

    def begin(self, request: Request, reply: Reply) -> Iterable[bytes]:
        if reply.thinking:
            yield self._line({"message": {"role": "assistant", "content": "", "thinking": reply.thinking}})

    def piece(self, text: str, reply: Reply) -> bytes:
        if reply.by_tool:  # Ollama sends a call whole
            call = {"function": {"name": "reply", "arguments": json.loads(reply.text)}}
            first = text == reply.steps[0]
            return self._line({"message": {"role": "assistant", "content": "", "tool_calls": [call] if first else []}})
        return self._line({"message": {"role": "assistant", "content": text}})

    def end(self, request: Request, reply: Reply) -> Iterable[bytes]:
        yield self._line({"message": {"role": "assistant", "content": ""}, **self._ending(request, reply)})

    def whole(self, request: Request, reply: Reply) -> Mapping[str, Any]:
        message = {"role": "assistant", "content": reply.text}
        return {**self._frame(), "message": message, **self._ending(request, reply)}

    def error(self, status: int, message: str) -> Mapping[str, Any]:
        return {"error": message}

    @staticmethod
    def _ending(request: Request, reply: Reply) -> Mapping[str, Any]:
        counted = reply.counted(request)
        counts = {"prompt_eval_count": counted[0], "eval_count": counted[1]} if counted else {}
        return {"done": True, "done_reason": "stop", "total_duration": 1_000_000, **counts}

    @staticmethod
    def _frame() -> dict[str, Any]:
        return {"model": "tiny", "created_at": "2026-05-29T00:00:00.000000Z", "done": False}

    def _line(self, data: Mapping[str, Any]) -> bytes:
        return json.dumps({**self._frame(), **data}).encode() + b"\n"


class _Anthropic(_Protocol):
    def begin(self, request: Request, reply: Reply) -> Iterable[bytes]:
        counted = reply.counted(request) or (0, 0)
        message = {**self._frame(), "content": [], "usage": {"input_tokens": counted[0], "output_tokens": 0}}
        yield self._event("message_start", message=message)
        yield self._event("ping")
        if reply.thinking:
            thinking = {"type": "thinking", "thinking": "", "signature": ""}
            yield self._event("content_block_start", index=0, content_block=thinking)
            delta = {"type": "thinking_delta", "thinking": reply.thinking}
            yield self._event("content_block_delta", index=0, delta=delta)
            yield self._event("content_block_stop", index=0)
        block = {"type": "text", "text": ""}
        if reply.by_tool:
            block = {"type": "tool_use", "id": "toolu_1", "name": "reply", "input": {}}  # type: ignore[dict-item]
        yield self._event("content_block_start", index=self._index(reply), content_block=block)

    def piece(self, text: str, reply: Reply) -> bytes:
        delta = {"type": "text_delta", "text": text}
        if reply.by_tool:
            delta = {"type": "input_json_delta", "partial_json": text}
        return self._event("content_block_delta", index=self._index(reply), delta=delta)

    def end(self, request: Request, reply: Reply) -> Iterable[bytes]:
        yield self._event("content_block_stop", index=self._index(reply))
        delta = {"stop_reason": "tool_use" if reply.by_tool else "end_turn", "stop_sequence": None}
        counted = reply.counted(request) or (0, 0)
        yield self._event("message_delta", delta=delta, usage={"input_tokens": counted[0], "output_tokens": counted[1]})
        yield self._event("message_stop")

    def whole(self, request: Request, reply: Reply) -> Mapping[str, Any]:
        counted = reply.counted(request) or (0, 0)
        usage = {"input_tokens": counted[0], "output_tokens": counted[1]}
        content = [{"type": "text", "text": reply.text}]
        return {**self._frame(), "content": content, "stop_reason": "end_turn", "usage": usage}

    def error(self, status: int, message: str) -> Mapping[str, Any]:
        kinds = {400: "invalid_request_error", 401: "authentication_error", 404: "not_found_error"}
        kinds |= {429: "rate_limit_error", 529: "overloaded_error"}
        return {"type": "error", "error": {"type": kinds.get(status, "api_error"), "message": message}}

    @staticmethod
    def _index(reply: Reply) -> int:
        return 1 if reply.thinking else 0

    @staticmethod
    def _frame() -> dict[str, Any]:
        frame = {"id": "msg_1", "type": "message", "role": "assistant", "model": "tiny"}
        return {**frame, "stop_reason": None, "stop_sequence": None}

    @staticmethod
    def _event(kind: str, **data: Any) -> bytes:
        return f"event: {kind}\ndata: {json.dumps({'type': kind, **data})}\n\n".encode()


_PROTOCOLS: dict[str, _Protocol] = {
    "/chat/completions": _OpenAI(),
    "/api/chat": _Ollama(),
    "/v1/messages": _Anthropic(),
}


# --- replies that servers are known for -------------------------------------------------------------------------------


def refusing_schemas(reply: Reply) -> Script:
    """A server that cannot hold a reply to a schema, and says so with 400."""

    def respond(request: Request) -> Reply:
        return replace(reply, status=400) if request.schema else reply

    return respond


HTML = Reply(raw=b"<!doctype html><html><body>It works!</body></html>", media_type="text/html")
HANGING = Reply(before_s=3_600.0)
TRUNCATED_UTF8 = Reply(
    pieces=('{"a": "', b'data: {"choices": [{"index": 0, "delta": {"content": "caf\xc3"}}]}\n\n', '"}')
)
INVALID_JSON = Reply(pieces=("before", b"data: {not json\n\n", b"{not json either\n", "after"))
ENDLESS = Reply(pieces=("and so on ",), endless=True)
KEEPING_ALIVE = Reply(pieces=(b": still here\n\n",), between_s=0.05, endless=True)
