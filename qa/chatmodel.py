"""Chat models behind one small seam: LangChain's, called with a patience that ends, and never trusted.

The only module that imports chat models, and only when one is called or warmed up. All calls of a process run on one
event loop in a thread of its own: there a call can be ended at any moment, whatever its server does or does not do,
with its connection closed. Whoever asks waits in their own thread and takes the pieces as they come.

What a server sends besides the words of the model goes nowhere: its error messages may quote the question.
"""

from __future__ import annotations

import asyncio
import contextlib
import difflib
import importlib
import importlib.util
import logging
import os
import queue
import ssl
import threading
import time
import weakref
from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import ModuleType
from typing import TYPE_CHECKING, Any
from urllib.request import getproxies

from qa.errors import ChatModelFailed, InvalidSettings, ModelUnusable, Unwanted
from qa.settings import Settings
from qa.sparing import Breaker, Budget, tokens_of
from qa.talking import Usage, is_wanted

if TYPE_CHECKING:
    from concurrent.futures import Future

    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import BaseMessage, BaseMessageChunk
    from tenacity import RetryCallState

__all__ = ["LangChainModel", "Patience", "open_chat_model"]

CONNECT_S = 5.0
ATTEMPTS = 3
"""A call whose first words have not come is made so often at most, where the failure may pass."""
CHARS_PER_TOKEN = 12
"""A reply with more characters for each token it may have is ended: no model writes like that."""
MOST_BYTES = 16_000_000
"""Of one response, whatever they are; a reply of 32,000 tokens has about 8 million on the wire."""
OLLAMA_CONTEXT = 8_192
"""Ollama cuts a longer prompt silently, at 2,048 or 4,096 tokens by default. Always the same: a change reloads it."""
LOOKS_S = 0.25
"""So often it is looked whether anybody still waits for the reply."""
THREADS, MOST_THREADS = "fineprint-chat-models", 8
BACKSTOP_S = 2.0
"""Longer than the call's own time nobody waits for it, even if its event loop is busy."""

_MAY_PASS = frozenset({408, 425, 429, 500, 502, 503, 504, 529})
_BUSY = frozenset({429, 503, 529})
_UNSUPPORTED = frozenset({400, 415, 422, 501})
_ENDINGS = frozenset({"finish_reason", "stop_reason", "done_reason", "status"})

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a call may take, in seconds from its beginning; all calls for one question, from when it was asked.

    Attributes:
        wait_s: until its first words.
        total_s: in all.
    """

    wait_s: float
    total_s: float

    def left(self, asked_at: float | None) -> Patience:
        """What of it is left for a call that is made now, for a question that was asked then."""
        if asked_at is None:
            return self
        total_s = max(0.0, self.total_s - (time.perf_counter() - asked_at))
        return Patience(min(self.wait_s, total_s), total_s)


@dataclass(frozen=True, slots=True)
class _Vendor:
    """What a provider needs.

    Attributes:
        module: LangChain's package for it.
        install: what to install for that.
        key: the provider's own variable for its key; empty where it needs none, or where that is not known.
        known: whether it is one that we know: its replies say when they are complete, and it can be asked to hold them
            to a schema. Of others neither is sure.
    """

    module: str
    install: str
    key: str = ""
    known: bool = True


_VENDORS = {
    "ollama": _Vendor("langchain_ollama", "'fineprint[ollama]'"),
    "openai": _Vendor("langchain_openai", "'fineprint[openai]'", "OPENAI_API_KEY"),
    "azure_openai": _Vendor("langchain_openai", "'fineprint[openai]'", "AZURE_OPENAI_API_KEY"),
    "anthropic": _Vendor("langchain_anthropic", "'fineprint[anthropic]'", "ANTHROPIC_API_KEY"),
}
# LangChain's packages are called as their providers are, but for these.
_PACKAGES = {
    "anthropic_bedrock": "langchain_aws",
    "bedrock": "langchain_aws",
    "bedrock_converse": "langchain_aws",
    "google_anthropic_vertex": "langchain_google_vertexai",
    "nvidia": "langchain_nvidia_ai_endpoints",
}
# What Azure needs besides a key, which LangChain reads by itself.
_AZURE_ADDRESS, _AZURE_VERSION, _AZURE_TOKEN = "AZURE_OPENAI_ENDPOINT", "OPENAI_API_VERSION", "AZURE_OPENAI_AD_TOKEN"


# --- setting up -------------------------------------------------------------------------------------------------------


def open_chat_model(settings: Settings, *, environ: Mapping[str, str] | None = None) -> LangChainModel:
    """The chat model of the settings; nothing is imported or asked yet, and its server need not be up.

    Args:
        settings: ``llm`` must be set.
        environ: where the provider's own key is looked up; ``os.environ`` by default.

    Raises:
        InvalidSettings: no model is set, or what it needs besides is missing.
        ModelUnusable: its package or its key is missing.
    """
    if settings.llm is None:
        raise InvalidSettings("No chat model is set: FINEPRINT_LLM names one, e.g. ollama:llama3.2.")
    environ = os.environ if environ is None else environ
    provider, _, model = settings.llm.partition(":")
    provider = provider.lower().replace("-", "_")
    vendor = _vendor(provider)
    key = _key(settings, provider, vendor, environ)
    patience = Patience(min(settings.llm_wait_s, settings.llm_timeout_s), settings.llm_timeout_s)
    making = _Making(provider, model, settings.llm_url, key, patience.total_s, settings.llm_max_tokens)
    return LangChainModel(
        f"{provider}:{model}",
        making,
        patience=patience,
        max_tokens=settings.llm_max_tokens,
        budget_tokens=settings.llm_budget_tokens,
        known=vendor.known,
    )


def _vendor(provider: str) -> _Vendor:
    known = _VENDORS.get(provider)
    module = _PACKAGES.get(provider, f"langchain_{provider}")
    vendor = known or _Vendor(module, module.replace("_", "-"), known=False)
    if importlib.util.find_spec(vendor.module) is None:
        near = [] if known else difflib.get_close_matches(provider, _VENDORS, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise ModelUnusable(f"A chat model of {provider} needs a package: pip install {vendor.install}.{hint}")
    return vendor


def _key(settings: Settings, provider: str, vendor: _Vendor, environ: Mapping[str, str]) -> str | None:
    """The model's key. A provider's own is not sent to another address than the provider's."""
    azure = provider == "azure_openai"
    if azure:
        missing = [] if settings.llm_url or environ.get(_AZURE_ADDRESS) else [_AZURE_ADDRESS]
        missing += [] if environ.get(_AZURE_VERSION) else [_AZURE_VERSION]
        if missing:
            raise ModelUnusable(f"A model on Azure needs {' and '.join(missing)} in the environment.")
    if settings.llm_api_key is not None:
        return settings.llm_api_key.get_secret_value()
    if settings.llm_url and not azure:
        return None
    key = environ.get(vendor.key) if vendor.key else None
    if vendor.key and not key and not (azure and environ.get(_AZURE_TOKEN)):
        raise ModelUnusable(
            f"A model of {provider} needs a key: set {vendor.key} or FINEPRINT_LLM_API_KEY"
            + ("." if azure else ", or FINEPRINT_LLM_URL for a server of your own.")
        )
    return key


@dataclass(frozen=True)
class _Made:
    """LangChain's model, and what ends its connections."""

    model: BaseChatModel
    close: Callable[[], Coroutine[Any, Any, None]]


@dataclass(frozen=True)
class _Making:
    """Makes LangChain's model, which imports its package."""

    provider: str
    model: str
    url: str | None
    key: str | None = field(repr=False)
    total_s: float
    max_tokens: int

    def __call__(self) -> _Made:
        from langchain.chat_models import init_chat_model

        # They write whole requests down at their lowest level, or what a server sends, which may quote one.
        for name in ("openai", "anthropic", "httpcore", "httpcore2"):
            logging.getLogger(name).setLevel(max(logging.INFO, logging.getLogger(name).level))
        own = {
            "openai": self._openai,
            "azure_openai": self._azure,
            "ollama": self._ollama,
            "anthropic": self._anthropic,
        }.get(self.provider, self._other)
        model: BaseChatModel = init_chat_model(self.model, model_provider=self.provider, temperature=0.0, **own())
        profile: Mapping[str, Any] = model.profile or {}
        if profile.get("temperature") is False:
            model = model.model_copy(update={"temperature": None})
        if efforts := profile.get("reasoning_effort_levels"):
            model = model.model_copy(update={"reasoning_effort": efforts[0]})
        client: Any = getattr(model, "http_async_client", None)
        if self.provider == "ollama":
            client = self._client_of(model)
        elif self.provider == "anthropic":
            client = self._replace_client(model)

        async def close() -> None:
            if client is not None:
                await client.aclose()

        return _Made(model, close)

    def _openai(self) -> dict[str, Any]:
        import openai

        url = self.url
        if url and url.count("/") == 2:
            url += "/v1"  # where every server of this protocol has it
        bounds = self._bounds(_http_of(openai))
        return {
            "base_url": url,
            "api_key": self.key or "none",  # a server of one's own asks for none, the client for something
            "max_tokens": self.max_tokens,
            "max_retries": 0,
            "stream_usage": True,
            "stream_chunk_timeout": None,
            "timeout": openai.Timeout(self.total_s, connect=CONNECT_S),
            "openai_proxy": None,
            "http_client": openai.DefaultHttpxClient(verify=bounds["verify"]),
            "http_async_client": openai.DefaultAsyncHttpxClient(proxy=os.environ.get("OPENAI_PROXY") or None, **bounds),
        }

    def _azure(self) -> dict[str, Any]:
        options = self._openai()
        del options["base_url"]
        if self.key is None:
            del options["api_key"]
        return {**options, **({"azure_endpoint": self.url} if self.url else {})}

    def _ollama(self) -> dict[str, Any]:
        import httpx

        bounds = self._bounds(httpx)
        return {
            "base_url": self.url.removesuffix("/v1") if self.url else None,
            "num_predict": self.max_tokens,
            "num_ctx": max(OLLAMA_CONTEXT, 4 * self.max_tokens),
            "reasoning": False,
            "sync_client_kwargs": {"verify": bounds["verify"]},
            "async_client_kwargs": bounds,
        }

    def _anthropic(self) -> dict[str, Any]:
        url = self.url.removesuffix("/v1") if self.url else None
        options = {"api_key": self.key or "none", "max_tokens": self.max_tokens, "max_retries": 0}
        return {**options, **({"base_url": url} if url else {})}

    def _other(self) -> dict[str, Any]:
        options = {"max_tokens": self.max_tokens, "base_url": self.url, "api_key": self.key}
        return {name: value for name, value in options.items() if value is not None}

    def _bounds(self, http: ModuleType) -> dict[str, Any]:
        """Options for a client that goes to no other address than it was told, and waits and reads so much at most."""
        plain = self.url is not None and self.url.startswith("http://") and not getproxies()
        return {
            "timeout": http.Timeout(self.total_s, connect=CONNECT_S),
            "follow_redirects": False,
            "headers": {"accept-encoding": "identity"},
            # A cookie would tell the server that questions come from the same place; each stands for itself.
            "cookies": CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            "event_hooks": {"response": [_bounded(http)]},
            # Reading all authorities takes 50 ms, and over HTTP nobody shows a certificate.
            "verify": ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if plain else http.create_ssl_context(),
        }

    def _client_of(self, model: Any) -> Any:
        """Ollama's client for HTTP, which knows the key; among LangChain's options it would be told in traces."""
        client = model._async_client._client
        if self.key:
            client.headers["authorization"] = f"Bearer {self.key}"
        return client

    def _replace_client(self, model: Any) -> Any:
        """LangChain's own client for Anthropic follows redirects, is shared, and cannot be given."""
        import anthropic

        client = anthropic.DefaultAsyncHttpxClient(proxy=model.anthropic_proxy, **self._bounds(_http_of(anthropic)))
        model._async_client = anthropic.AsyncAnthropic(
            api_key=model.anthropic_api_key.get_secret_value(),
            base_url=model.anthropic_api_url,
            max_retries=0,
            timeout=anthropic.Timeout(self.total_s, connect=CONNECT_S),
            http_client=client,
        )
        return client


def _http_of(vendor: ModuleType) -> ModuleType:
    """The library that a vendor's client uses for HTTP."""
    client = next(each for each in vendor.DefaultAsyncHttpxClient.__mro__ if each.__name__ == "AsyncClient")
    return importlib.import_module(client.__module__.partition(".")[0])


def _bounded(http: ModuleType) -> Callable[[Any], Coroutine[Any, Any, None]]:
    """What sees to it that no more than MOST_BYTES of a response are read."""
    base: Any = http.AsyncByteStream  # of one of two libraries that have the same form

    class Bounded(base):  # type: ignore[misc]
        def __init__(self, stream: Any) -> None:
            self._stream = stream

        async def __aiter__(self) -> AsyncIterator[bytes]:
            read = 0
            async for chunk in self._stream:
                read += len(chunk)
                if read > MOST_BYTES:
                    raise _Unreadable
                yield chunk

        async def aclose(self) -> None:
            await self._stream.aclose()

    async def bound(response: Any) -> None:
        if response.headers.get("content-encoding", "identity") != "identity":
            raise _Unreadable  # not asked for, and a little may unfold to very much
        response.stream = Bounded(response.stream)

    return bound


class _Unreadable(Exception):
    """A response that is not read to its end."""


# --- talking ----------------------------------------------------------------------------------------------------------


class LangChainModel:
    """A chat model of LangChain as the stages call it (``qa.talking.ChatModel``).

    Args:
        name: provider and model.
        make: makes LangChain's model when it is first needed.
        patience: with each call.
        max_tokens: of one reply, for the budget and as a bound of its length.
        budget_tokens: of a day; None for any number.
        known: whether a reply that does not say that it is complete has broken off.
    """

    def __init__(
        self,
        name: str,
        make: Callable[[], _Made],
        *,
        patience: Patience,
        max_tokens: int,
        budget_tokens: int | None = None,
        known: bool = True,
    ) -> None:
        self._name = name
        self._make = make
        self._patience = patience
        self._max_tokens = max_tokens
        self._known = known
        self._breaker = Breaker(name)
        self._budget = Budget(name, budget_tokens)
        self._lock = threading.Lock()
        self._made: BaseChatModel | None = None
        self._without: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """Provider and model, e.g. "ollama:llama3.2"."""
        return self._name

    def warm_up(self) -> None:
        """Imports the model's package and sets it up; asks it nothing.

        Raises:
            ModelUnusable: LangChain cannot set it up.
        """
        self._model()
        _loop()

    def talk(
        self, system: str, user: str, schema: Mapping[str, Any], asked_at: float | None = None
    ) -> Generator[str | Usage, None, None]:
        """Asks once; see ``qa.talking.ChatModel.talk``."""
        asked = tokens_of(system, user)
        with self._budget.spending(asked + self._max_tokens) as spending, self._breaker.calling() as breaking:
            model = self._model_or_failure()
            patience = self._patience.left(asked_at)
            breaking.hurried = patience.total_s < self._patience.total_s / 2
            if not patience.total_s:
                raise self._failure("slow", begun=True)
            call = _Call(_messages(system, user), schema, model, patience)
            running: Future[None] = asyncio.run_coroutine_threadsafe(self._run(call), _loop())
            said, usage = "", None
            spending.tokens = asked
            try:
                for piece in self._pieces(call):
                    if isinstance(piece, Usage):
                        usage = piece
                        continue
                    said += piece
                    breaking.answered = True
                    spending.tokens = asked + tokens_of(said)
                    yield piece
            finally:
                running.cancel()
                if usage is not None:
                    spending.tokens = usage.input_tokens + usage.output_tokens
            if usage is not None:
                yield usage

    # --- in the thread of whoever asks --------------------------------------------------------------------------------

    def _pieces(self, call: _Call) -> Generator[str | Usage, None, None]:
        """What comes, as it comes; raises what the call failed with."""
        until = time.monotonic() + call.patience.total_s + BACKSTOP_S
        wanted = is_wanted.get()
        while True:
            if not wanted():
                raise Unwanted("Nobody waits for this answer any more.")
            left = until - time.monotonic()
            try:
                piece = call.pieces.get(timeout=min(max(0.0, left), LOOKS_S))
            except queue.Empty:
                if left > LOOKS_S:
                    continue
                raise self._failure("slow") from None
            if piece is None:
                return
            if isinstance(piece, ChatModelFailed):
                _log.warning("%s", piece)
                raise piece
            yield piece

    def _model(self) -> BaseChatModel:
        with self._lock:
            if self._made is None:
                try:
                    made = self._make()
                except Exception as exc:
                    provider = self._name.partition(":")[0]
                    # Not "from": the failure may repeat what was given, a key among it.
                    raise ModelUnusable(
                        f"The chat model {self._name} cannot be set up ({type(exc).__name__}): set what LangChain's"
                        f" package for {provider} needs, e.g. its key, or FINEPRINT_LLM_API_KEY."
                    ) from None
                self._made = made.model
                weakref.finalize(self, _close_soon, made).atexit = False
            return self._made

    def _model_or_failure(self) -> BaseChatModel:
        try:
            return self._model()
        except ModelUnusable as exc:
            raise ChatModelFailed("refused", str(exc)) from None

    # --- on the event loop --------------------------------------------------------------------------------------------

    async def _run(self, call: _Call) -> None:
        """Makes the call, and hands over how it ended."""
        loop = asyncio.get_running_loop()
        call.ends = loop.time() + call.patience.total_s
        try:
            async with asyncio.timeout_at(call.ends - call.patience.total_s + call.patience.wait_s) as limit:
                call.limit = limit
                await self._try(call)
        except TimeoutError:
            ended = call.begun or call.patience.wait_s < self._patience.wait_s
            call.pieces.put(self._failure("slow", begun=ended))
        except ChatModelFailed as failed:
            call.pieces.put(failed)
        except Exception as exc:
            call.pieces.put(self._failed(exc, begun=call.begun))
        else:
            if call.usage is not None:
                call.pieces.put(call.usage)
            call.pieces.put(None)

    async def _try(self, call: _Call) -> None:
        """Asks, and once more what may have passed, as long as no words have come."""
        from tenacity import AsyncRetrying, stop_after_attempt, wait_random_exponential

        jitter = wait_random_exponential(multiplier=0.2, max=2.0)

        def pause(state: RetryCallState) -> float:
            wanted = _wanted_pause(_raised(state))
            return float(jitter(state)) if wanted is None else wanted

        def may_pass(state: RetryCallState) -> bool:
            exc = _raised(state)
            left = call.patience.wait_s - state.seconds_since_start if state.seconds_since_start else None
            fits = left is None or (_wanted_pause(exc) or 0.0) < left
            return exc is not None and not call.begun and fits and _may_pass(exc)

        retrying = AsyncRetrying(stop=stop_after_attempt(ATTEMPTS), wait=pause, retry=may_pass, reraise=True)
        await retrying(self._ask, call)

    async def _ask(self, call: _Call) -> None:
        """Asks once; what the server says it cannot do is left out then, and from then on where that helped."""
        without = self._without
        while True:
            try:
                await self._stream(call, without)
            except Exception as exc:
                extra = None if call.begun or not self._refused_so(exc) else _unsupported(exc, without)
                if extra is None:
                    raise
                without |= {extra}
            else:
                break
            finally:
                if call.begun:
                    self._without = without

    async def _stream(self, call: _Call, without: frozenset[str]) -> None:
        model = call.model
        if "temperature" in without:
            model = model.model_copy(update={"temperature": None})
        options = {} if "schema" in without or _profile(model, "structured_output") is False else _held(model, call)
        said, ended = 0, False
        stream: Any = model.astream(call.messages, **options)
        async with contextlib.aclosing(stream) as chunks:
            async for chunk in chunks:
                call.usage = _added(call.usage, getattr(chunk, "usage_metadata", None))
                ended = ended or not _ENDINGS.isdisjoint(chunk.response_metadata)
                text = _text_of(chunk)
                if not text:
                    continue
                if not call.begun:
                    call.begun = True
                    call.limit.reschedule(call.ends)
                said += len(text)
                if said > self._max_tokens * CHARS_PER_TOKEN:
                    raise self._failure("nonsense", "does not come to an end: it said more than it was allowed to")
                call.pieces.put(text)
        if not said:
            raise self._failure("nonsense", "said nothing")
        if self._known and not ended:
            raise self._failure("broken_off")

    def _refused_so(self, exc: Exception) -> bool:
        """Whether a request may have been refused for one of its options: by the server, or by LangChain's package."""
        return _status_of(exc) in _UNSUPPORTED or (
            not self._known and type(exc) in {TypeError, ValueError, NotImplementedError}
        )

    # --- failures -----------------------------------------------------------------------------------------------------

    def _failed(self, exc: Exception, *, begun: bool) -> ChatModelFailed:
        """What became of a call, in our own words; the failure's are not repeated."""
        status, kinds = _status_of(exc), _kinds_of(exc)
        if status is not None and status != 200:
            if status in _BUSY:
                return self._failure("busy", f"is busy (HTTP {status}): try again later, or allow it more")
            if status in {401, 403}:
                return self._failure("refused", f"refused the key (HTTP {status}): check FINEPRINT_LLM_API_KEY")
            if status == 404:
                return self._failure(
                    "refused", "is not known there (HTTP 404): check its name and FINEPRINT_LLM_URL, or pull it"
                )
            if status >= 500:
                return self._failure("unreachable", f"failed at its server (HTTP {status})")
            if status < 400:
                return self._failure("refused", f"is not there (HTTP {status}): check FINEPRINT_LLM_URL")
            return self._failure("refused", f"refused the request (HTTP {status})")
        if "Timeout" in kinds:
            return self._failure("slow", begun=begun)
        if "Transport" in kinds or status == 200:
            return self._failure("broken_off" if begun else "unreachable")
        return self._failure("nonsense", f"sent what is no reply of a chat model ({type(exc).__name__})")

    def _failure(self, reason: str, said: str = "", *, begun: bool = False) -> ChatModelFailed:
        said = (
            said
            or {
                "slow": f"took longer than {self._patience.total_s:g} seconds for a question (FINEPRINT_LLM_TIMEOUT_S)"
                if begun
                else f"said nothing for {self._patience.wait_s:g} seconds (FINEPRINT_LLM_WAIT_S)",
                "unreachable": "cannot be reached: is its server running, and FINEPRINT_LLM_URL right?",
                "broken_off": "broke off in the middle",
            }[reason]
        )
        return ChatModelFailed(reason, f"The chat model {self._name} {said}{'' if said.endswith('?') else '.'}")


@dataclass
class _Call:
    """One call on its way from thread to thread; what comes of it is bounded by the call's own limits."""

    messages: Sequence[BaseMessage]
    schema: Mapping[str, Any]
    model: BaseChatModel
    patience: Patience
    pieces: queue.SimpleQueue[str | Usage | ChatModelFailed | None] = field(default_factory=queue.SimpleQueue)
    usage: Usage | None = None
    begun: bool = False
    ends: float = 0.0
    limit: asyncio.Timeout = field(init=False)


_starting = threading.Lock()
_running: list[asyncio.AbstractEventLoop] = []


def _loop() -> asyncio.AbstractEventLoop:
    """The event loop of all calls, in a thread that ends with the process."""
    with _starting:
        if not _running:
            loop = asyncio.new_event_loop()
            # For names of hosts, and for packages that cannot wait without a thread.
            loop.set_default_executor(ThreadPoolExecutor(MOST_THREADS, thread_name_prefix=THREADS))
            threading.Thread(target=loop.run_forever, name=THREADS, daemon=True).start()
            _running.append(loop)
        return _running[0]


def _close_soon(made: _Made) -> None:
    """Ends the connections of a model that nobody has any more; where nothing was ever called there are none."""
    for loop in _running:
        asyncio.run_coroutine_threadsafe(made.close(), loop)


def _messages(system: str, user: str) -> list[BaseMessage]:
    from langchain_core.messages import HumanMessage, SystemMessage

    return [SystemMessage(system), HumanMessage(user)]


def _profile(model: BaseChatModel, name: str) -> object:
    """What LangChain knows of a model; None if nothing."""
    return (model.profile or {}).get(name)


def _held(model: BaseChatModel, call: _Call) -> dict[str, Any]:
    """Options by which the provider holds a reply to the schema."""
    schema = dict(call.schema)
    named = {"name": str(schema.get("title", "reply")), "schema": schema, "strict": _is_strict(schema)}
    wanted = {"type": "json_schema", "json_schema": named}
    plain = getattr(model, "root_async_client", None) is not None and not getattr(model, "use_responses_api", None)
    # OpenAI's client gathers and parses a reply with this option by itself, and fails where that fails.
    return {"extra_body": {"response_format": wanted}} if plain else {"response_format": wanted}


def _is_strict(schema: object) -> bool:
    """Whether this is the part of JSON Schema that OpenAI holds a reply to strictly."""
    if isinstance(schema, list):
        return all(map(_is_strict, schema))
    if not isinstance(schema, dict):
        return True
    properties = schema.get("properties")
    if isinstance(properties, dict) and "type" in schema:
        closed = schema.get("additionalProperties") is False and set(schema.get("required", ())) == set(properties)
        return closed and all(map(_is_strict, properties.values()))
    return all(map(_is_strict, schema.values()))


def _text_of(chunk: BaseMessageChunk) -> str:
    """The words of a piece, and the arguments of a tool call; no thinking."""
    content = chunk.content
    blocks = [content] if isinstance(content, str) else content
    words = [
        block if isinstance(block, str) else str(block.get("text") or "") if block.get("type") == "text" else ""
        for block in blocks
    ]
    arguments = [str(part.get("args") or "") for part in getattr(chunk, "tool_call_chunks", ())]
    return "".join([*words, *arguments])


def _added(usage: Usage | None, more: object) -> Usage | None:
    """The usage with that of one more piece, by LangChain's convention; what is no count is none."""
    if not isinstance(more, Mapping):
        return usage
    before = usage or Usage()
    counts = [more.get(name) for name in ("input_tokens", "output_tokens")]
    sane = [count if isinstance(count, int) and 0 <= count < 10**8 else 0 for count in counts]
    # A server that does not count may send noughts.
    return Usage(before.input_tokens + sane[0], before.output_tokens + sane[1]) if any(sane) else usage


def _raised(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None


def _status_of(exc: BaseException) -> int | None:
    """The HTTP status that a vendor's failure carries."""
    for holder in (exc, getattr(exc, "response", None)):
        status = getattr(holder, "status_code", None)
        if isinstance(status, int) and status > 0:
            return status
    return None


def _kinds_of(exc: BaseException) -> set[str]:
    """Whether a failure, or what it came from, is one of time or of the connection; each vendor has its own classes."""
    kinds: set[str] = set()
    cause: BaseException | None = exc
    for _ in range(5):
        if cause is None:
            break
        if isinstance(cause, _Unreadable):
            return set()
        names = {each.__name__ for each in type(cause).__mro__}
        if names & {"TimeoutError", "TimeoutException", "APITimeoutError", "ModelTimeoutError"}:
            kinds.add("Timeout" if not names & {"ConnectTimeout"} else "Transport")
        elif names & {"TransportError", "OSError", "ModelConnectionError"}:
            kinds.add("Transport")
        cause = cause.__cause__
    return kinds


def _may_pass(exc: BaseException) -> bool:
    """Whether the same call may do better in a moment."""
    status = _status_of(exc)
    if status is not None and status != 200:
        return status in _MAY_PASS
    kinds = _kinds_of(exc)
    return "Transport" in kinds and "Timeout" not in kinds


def _wanted_pause(exc: BaseException | None) -> float | None:
    """What a server asks to be waited for, in seconds."""
    headers = getattr(getattr(exc, "response", None), "headers", None)
    wanted = headers.get("retry-after") if headers is not None else None
    if not wanted:
        return None
    try:
        return max(0.0, float(wanted))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(wanted).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return None


def _unsupported(exc: Exception, without: frozenset[str]) -> str | None:
    """What to leave out next of a request that was refused as it stood; None where nothing is left."""
    if "temperature" not in without and "temperature" in str(exc).lower():
        return "temperature"
    return "schema" if "schema" not in without else None
