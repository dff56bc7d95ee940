"""The OpenAI form of asking: ``POST /v1/chat/completions`` and ``GET /v1/models``, for chat front ends and libraries.

The last message of the user is the question, those before it are the conversation. Everything else that may be said to
a language model is either of no consequence here (temperature, system messages) and left aside, or cannot be had
(tools that must be called, JSON of another form, pictures) and refused, so that nobody believes to have it.

Every word is verified before it is sent. A stream is the same answer in pieces; where a chat model words it, each
sentence as it is proven. Errors have OpenAI's form, also those that are found before or after these routes.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import re
import secrets
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any, Final, Literal
from urllib.parse import quote as percent_encoded

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, field_validator
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import ui
from qa.domain import Answer, Citation, PolicyCard, Question, Said, Status, Step, as_json
from qa.errors import FineprintError, UnknownScope
from qa.settings import Settings
from qa.text import MARKER, printable
from ui.access import answers_for, caller_of
from ui.live import Answers
from ui.problems import MEDIA_TYPE, problem_of
from ui.render import Certainty, certainty, date_in_words, visible, web_address
from ui.schemas import MAX_HISTORY, AnswerDocument, Text
from ui.streaming import EventStream
from ui.turnstile import ClientGone, Turnstile, Waiting
from ui.worded import worded_lines

__all__ = ["MODEL", "CompletionErrors", "CompletionRequest", "Reply", "add_completions", "error_of", "reply_with"]

logger = logging.getLogger(__name__)

MODEL: Final = "fineprint"
MOST_MODELS: Final = 1_000
"""Sites listed as models; front ends show the list whole. Further ones are asked about all the same."""

MOST_MESSAGES: Final = 2_000
"""In a conversation, and parts in a message. Each costs much more to check than to send."""

_PREFIX: Final = "/v1"
# A word with the white space after it, so that a marker is never sent in halves.
_PIECE: Final = re.compile(r"\s+|\S+\s*")
_TOKEN: Final = re.compile(r"\w+|[^\w\s]")
_LINK: Final = re.compile(r"[\s<>\"]")
_HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class UnknownModel(UnknownScope):
    """The model is not fineprint, or its policy is not indexed."""

    code = "model_not_found"


# --- what is asked ----------------------------------------------------------------------------------------------------


class _Asked(BaseModel):
    """Fields that are not known are those of some front end, and left aside."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class ContentPart(_Asked):
    """A part of a message; only text can be read."""

    type: Annotated[str, Field(max_length=100)]
    text: Text | None = None


def _kind_of_content(content: Any) -> str:
    return "parts" if isinstance(content, list) else "text"


Content = Annotated[
    Annotated[Text, Tag("text")]
    | Annotated[list[ContentPart], Field(max_length=MOST_MESSAGES, fail_fast=True), Tag("parts")],
    Discriminator(_kind_of_content),
]
"""Told apart beforehand, so that a fault is told of the form that was meant, and not of both."""


class ChatMessage(_Asked):
    """One message. Those of the user are read; what the assistant, the system or a tool said is left aside."""

    role: Annotated[str, Field(max_length=100, examples=["user"])]
    content: Annotated[Content | None, Field(examples=["does Free People sell my email?"])] = None

    @property
    def text(self) -> str:
        """What it says, in one line."""
        if isinstance(self.content, list):
            parts = [part.text or "" for part in self.content if part.type == "text"]
        else:
            parts = [self.content or ""]
        return " ".join(" ".join(parts).split())


class StreamOptions(_Asked):
    """What a stream has besides the answer."""

    include_usage: bool | None = None


class CompletionRequest(_Asked):
    """A conversation that ends with a question.

    What only a language model could honour is refused where it would be missed. Everything else (``temperature``,
    ``max_tokens``, ``seed``, ``stop`` …) is left aside: the same question has one answer, and it is never cut short.
    """

    model: Annotated[
        Text,
        Field(
            description="`fineprint`, or `fineprint/` and a domain, policy id or file stem.",
            examples=["fineprint", "fineprint/freepeople.com"],
        ),
    ]
    messages: Annotated[
        list[ChatMessage],
        Field(
            min_length=1,
            max_length=MOST_MESSAGES,
            fail_fast=True,
            description="The last of the user's is the question.",
        ),
    ]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: int | None = None
    tool_choice: Annotated[Any, Field(description="No tool is ever called: `none` or `auto`.")] = None
    function_call: Any = None
    response_format: Annotated[Any, Field(description="Only text.")] = None
    modalities: Annotated[list[str] | None, Field(max_length=10, fail_fast=True, description="Only text.")] = None
    logprobs: bool | None = None

    @field_validator("messages")
    @classmethod
    def _ends_with_a_question(cls, messages: list[ChatMessage]) -> list[ChatMessage]:
        last = next((message for message in reversed(messages) if message.role == "user"), None)
        if last is None or not last.text:
            raise ValueError("the last message of the user is the question, and there is none")
        if isinstance(last.content, list) and any(part.type != "text" for part in last.content):
            raise ValueError("only text can be read: send the question without pictures, sound or files")
        return messages

    @field_validator("n")
    @classmethod
    def _once(cls, n: int | None) -> int | None:
        if n not in (None, 1):
            raise ValueError("a question has one answer here: leave n out")
        return n

    @field_validator("tool_choice", "function_call")
    @classmethod
    def _calls_nothing(cls, choice: Any) -> Any:
        if choice not in (None, "none", "auto"):
            raise ValueError("fineprint calls no tools: leave it out, or send auto")
        return choice

    @field_validator("response_format")
    @classmethod
    def _says_it_in_words(cls, form: Any) -> Any:
        if form is not None and not (isinstance(form, dict) and form.get("type") == "text"):
            raise ValueError("answers are text; the field `fineprint` of the response is the same answer as JSON")
        return form

    @field_validator("modalities")
    @classmethod
    def _writes(cls, modalities: list[str] | None) -> list[str] | None:
        if modalities and modalities != ["text"]:
            raise ValueError("answers are text")
        return modalities

    @field_validator("logprobs")
    @classmethod
    def _weighs_no_words(cls, logprobs: bool | None) -> bool | None:
        if logprobs:
            raise ValueError("there are none; `fineprint.confidence` says how likely the answer is right")
        return logprobs

    def question(self) -> Question:
        """The question with the earlier ones.

        Raises:
            UnknownModel: the model is another than fineprint.
        """
        *earlier, asked = [message.text for message in self.messages if message.role == "user" and message.text]
        return Question(asked, history=tuple(earlier[-MAX_HISTORY:]), scope=scope_of(self.model))


def scope_of(model: str) -> str | None:
    """The policy that a model answers from; None where the question says it.

    Raises:
        UnknownModel: the model is another than fineprint.
    """
    name, _, scope = model.partition("/")
    if name != MODEL or (scope == "" and name != model):
        raise UnknownModel(
            f'There is no such model here. Use "{MODEL}", or "{MODEL}/" and the domain of a policy; '
            f"GET {_PREFIX}/models lists them."
        )
    return scope or None


# --- what is answered -------------------------------------------------------------------------------------------------


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True)


class UrlCitation(_Told):
    """Where the text has an ``[n]``, and what that leads to: ``content[start_index:end_index]`` is the marker."""

    start_index: int
    end_index: int
    title: Annotated[str, Field(description="Company, archive date and section.")]
    url: Annotated[str, Field(description="The archived page, at the quote; else the policy in this service.")]


class Annotation(_Told):
    """A citation in the form that front ends know."""

    type: Literal["url_citation"] = "url_citation"
    url_citation: UrlCitation


class ReplyMessage(_Told):
    """The answer."""

    role: Literal["assistant"] = "assistant"
    content: str
    refusal: None = None
    annotations: list[Annotation]


class ReplyChoice(_Told):
    """The only answer."""

    index: Literal[0] = 0
    message: ReplyMessage
    logprobs: None = None
    finish_reason: Literal["stop"] = "stop"


class Usage(_Told):
    """Words and punctuation marks, of the questions and of the content; nothing is charged for them.

    Where a chat model was asked, the tokens that it read and wrote, as its server counts them.
    """

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class Completion(_Told):
    """An answer in OpenAI's form; ``fineprint`` is the whole answer, its quotes as exact as everywhere."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    system_fingerprint: str
    choices: list[ReplyChoice]
    usage: Usage
    fineprint: AnswerDocument


class ModelDocument(_Told):
    """Something that can be asked: any policy that a question names, or one site's newest."""

    id: str
    object: Literal["model"] = "model"
    created: Annotated[int, Field(description="The archive date of the policy, of the newest one for all.")]
    owned_by: Literal["fineprint"] = "fineprint"
    name: Annotated[str, Field(description="For people.")]


class ModelsDocument(_Told):
    """What can be asked."""

    object: Literal["list"] = "list"
    data: list[ModelDocument]


class ErrorDetail(_Told):
    """``code`` is fineprint's own, ``param`` the field that is at fault."""

    message: str
    type: str
    param: str | None
    code: str


class ErrorDocument(_Told):
    """What went wrong, in OpenAI's words."""

    error: ErrorDetail


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as the text of a message: Markdown where a front end renders it, legible where it does not.

    Attributes:
        text: the answer's own text.
        besides: what belongs to it, such as its sources, in paragraphs.
        annotations: one for each ``[n]`` of the text.
    """

    text: str
    besides: tuple[str, ...]
    annotations: tuple[Annotation, ...]

    @property
    def content(self) -> str:
        """All of it."""
        return "".join(self.pieces())

    def pieces(self, sent: int = 0) -> Iterator[str]:
        """All of it as it is streamed, the text word by word, the rest line by line.

        Args:
            sent: so many characters of the text were sent before.
        """
        yield from _PIECE.findall(self.text[sent:])
        for paragraph in self.besides:
            yield "\n\n"
            yield from paragraph.splitlines(keepends=True)


def reply_with(answer: Answer, link: Callable[[Citation], str]) -> Reply:
    """An answer as the text of a message.

    Args:
        answer: the answer.
        link: gives the address that a citation leads to.
    """
    text = _markdown(answer.text)
    cited = {citation.n: citation for citation in answer.citations}
    annotations = tuple(
        Annotation(
            url_citation=UrlCitation(
                start_index=marker.start(),
                end_index=marker.end(),
                title=_title(cited[n]),
                url=link(cited[n]),
            )
        )
        for marker in MARKER.finditer(text)
        if (n := int(marker[1])) in cited
    )
    return Reply(text, tuple(_besides(answer, link)), annotations)


def _markdown(text: str) -> str:
    return _tame(re.sub(r"\s*\n\s*", "\n\n", visible(text)))  # Markdown runs single lines together


def _besides(answer: Answer, link: Callable[[Citation], str]) -> Iterator[str]:
    unsure = certainty(answer.status, answer.confidence) is Certainty.UNSURE
    if unsure and not (answer.entries or answer.parts or answer.versions):
        yield "This is a guess: read the passages before you rely on it."
    for warning in answer.warnings:
        yield f"Note: {_line(warning)}"
    if worded := " ".join(map(_line, worded_lines(answer))):
        yield worded
    if answer.choices:
        named = "\n".join(f"- {_line(choice.label)}, model {MODEL}/{_line(choice.scope)}" for choice in answer.choices)
        nearest = "The nearest names:" if answer.status is Status.UNKNOWN_COMPANY else "Name one of these:"
        yield f"{nearest}\n\n{named}"
    if answer.citations:
        told = {int(n) for n in MARKER.findall(answer.text)}
        # What else a comparison's entries cite, and the text does not tell, is in ``fineprint``.
        shown = [citation for citation in answer.citations if citation.n in told] or answer.citations
        sources = "\n".join(f"- [{citation.n}] {_source(citation, link)}" for citation in shown)
        yield f"Sources:\n\n{sources}"
    elif answer.related:
        nearest = "\n".join(f"- {_source(citation, link)}" for citation in answer.related)
        yield f"Closest passages (not an answer):\n\n{nearest}"


def _source(citation: Citation, link: Callable[[Citation], str]) -> str:
    section = f": {_line(citation.section)}" if citation.section else ""
    return f"“{_line(citation.quote)}” {_line(citation.company)}, [{_as_of(citation)}](<{link(citation)}>){section}"


def _title(citation: Citation) -> str:
    section = f": {printable(citation.section)}" if citation.section else ""
    return f"{printable(citation.company)}, {_as_of(citation)}{section}"


def _as_of(citation: Citation) -> str:
    return f"as of {date_in_words(citation.archived_on.isoformat())}"


def _line(text: str) -> str:
    return _tame(printable(text))


def _tame(text: str) -> str:
    """Text in which a front end that renders Markdown finds no HTML, no picture to fetch, and no line that says where
    ``[1]`` leads, whatever a policy says.
    """
    without_tags = re.sub(r"(\\*)<(?=[A-Za-z/!?])", lambda found: found[1] * 2 + r"\<", text)
    without_pictures = re.sub(r"!\[(?![0-9]+\])", r"!\\[", without_tags)
    return re.sub(r"(?m)^([ \t>]*\[[^\]\n]*\]):", r"\1\\:", without_pictures)


def _used(question: Question, answer: Answer, reply: Reply) -> Usage:
    made = answer.generation
    if made and made.input_tokens + made.output_tokens:
        read, wrote = made.input_tokens, made.output_tokens
        return Usage(prompt_tokens=read, completion_tokens=wrote, total_tokens=read + wrote)
    asked = sum(len(_TOKEN.findall(text)) for text in (*question.history, question.text))
    told = len(_TOKEN.findall(reply.content))
    return Usage(prompt_tokens=asked, completion_tokens=told, total_tokens=asked + told)


@dataclass(frozen=True, slots=True)
class _Frame:
    """What every part of a response says of it."""

    id: str
    created: int
    model: str
    system_fingerprint: str

    @classmethod
    def of(cls, model: str) -> _Frame:
        """That of a new one."""
        return cls(f"chatcmpl-{secrets.token_hex(12)}", int(time.time()), model, f"fineprint-{ui.version()}")

    @property
    def fields(self) -> dict[str, Any]:
        """By their names in OpenAI's form."""
        return {name: getattr(self, name) for name in self.__slots__}

    def completion(self, question: Question, answer: Answer, reply: Reply) -> Completion:
        """The whole response."""
        return Completion(
            **self.fields,
            choices=[ReplyChoice(message=ReplyMessage(content=reply.content, annotations=list(reply.annotations)))],
            usage=_used(question, answer, reply),
            fineprint=AnswerDocument.model_validate(as_json(answer)),
        )


async def _begun(steps: AsyncGenerator[Step | Waiting, None]) -> Answer | Said:
    """The first step that says something; what fails until then has an HTTP status of its own."""
    try:
        while not isinstance(step := await anext(steps), Answer | Said):
            pass
    except BaseException:
        await steps.aclose()
        raise
    return step


async def _chunks(
    frame: _Frame,
    question: Question,
    first: Answer | Said,
    steps: AsyncGenerator[Step | Waiting, None],
    link: Callable[[Citation], str],
    *,
    with_usage: bool,
) -> AsyncGenerator[str, None]:
    """An answer as the events of a stream, each stretch of its text in words as soon as it is there."""
    head: dict[str, Any] = {**frame.fields, "object": "chat.completion.chunk"}
    if with_usage:
        head["usage"] = None

    def chunk(delta: Mapping[str, Any], **more: Any) -> str:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}
        return _event({**head, "choices": [choice | more]})

    told = sent = ""
    step: Step | Waiting = first
    async with aclosing(steps):
        try:
            yield chunk({"role": "assistant", "content": "", "refusal": None})
            while not isinstance(step, Answer):
                if isinstance(step, Said):
                    told += step.text
                    said = _markdown(told.rstrip())
                    assert said.startswith(sent), "what is said is not taken back"
                    for piece in _PIECE.findall(said[len(sent) :]):
                        yield chunk({"content": piece})
                    sent = said
                elif isinstance(step, Waiting):
                    yield ": waiting\n\n"
                step = await anext(steps)
        except ClientGone:
            return
        except Exception as exc:
            if not isinstance(exc, FineprintError):
                logger.exception("a stream broke off")
            yield _event(error_of(problem_of(exc))[1])
            return
    reply = reply_with(step, link)
    assert reply.text.startswith(sent), "what is said is the beginning of the answer"
    for piece in reply.pieces(len(sent)):
        yield chunk({"content": piece})
    data = frame.completion(question, step, reply).model_dump(mode="json")
    choice = {
        "index": 0,
        "delta": {"annotations": data["choices"][0]["message"]["annotations"]},
        "logprobs": None,
        "finish_reason": "stop",
    }
    yield _event({**head, "choices": [choice], "fineprint": data["fineprint"]})
    if with_usage:
        yield _event({**head, "choices": [], "usage": data["usage"]})
    yield "data: [DONE]\n\n"


def _event(data: Any) -> str:
    return f"data: {json.dumps(data, separators=(',', ':'))}\n\n"


# --- the routes -------------------------------------------------------------------------------------------------------


def add_completions(app: FastAPI, answers: Answers, turnstile: Turnstile, settings: Settings) -> None:
    """Adds the routes. Add ``CompletionErrors`` outside of everything that refuses requests."""
    errors: dict[int | str, dict[str, Any]] = {
        "4XX": {"model": ErrorDocument, "description": "The request is refused."},
        "5XX": {"model": ErrorDocument, "description": "The service cannot answer."},
    }

    @app.post(
        f"{_PREFIX}/chat/completions",
        tags=["chat"],
        summary="Ask a question as a chat completion",
        description=(
            "The last message of the user is the question, those before it the conversation; all else is left aside. "
            "`content` is the answer with its `[n]` and its sources, `annotations` say where each `[n]` leads, and "
            "`fineprint` is the whole answer. With `stream` the same comes in pieces, annotations with the last; "
            "where a chat model words answers, each sentence as soon as it is proven."
        ),
        operation_id="createChatCompletion",
        response_model=Completion,
        responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}, **errors},
    )
    async def chat_completions(http: Request, request: CompletionRequest) -> Response:
        question, link, frame = request.question(), _links(http, settings), _Frame.of(request.model)
        mine = answers_for(answers, caller_of(http))

        def make() -> Iterator[Step]:
            return mine.stream(question)

        try:
            if not request.stream:
                answer = await turnstile.last(http, make)
                assert isinstance(answer, Answer)
                completion = frame.completion(question, answer, reply_with(answer, link))
                return JSONResponse(completion.model_dump(mode="json"), headers={"Cache-Control": "no-store"})
            steps = turnstile.steps(http, make)
            first = await _begun(steps)
        except UnknownScope as exc:
            raise _unknown_policy(exc) from exc
        with_usage = bool(request.stream_options and request.stream_options.include_usage)
        return EventStream(_chunks(frame, question, first, steps, link, with_usage=with_usage), headers=_HEADERS)

    @app.get(
        f"{_PREFIX}/models",
        tags=["chat"],
        summary="What can be asked",
        description="`fineprint` answers about the company that a question names, `fineprint/<domain>` about one site.",
        operation_id="listModels",
        responses=errors,
    )
    def models(http: Request) -> ModelsDocument:
        newest: dict[str, PolicyCard] = {}
        for card in answers_for(answers, caller_of(http)).cards():
            if card.domain not in newest or newest[card.domain].archived_on < card.archived_on:
                newest[card.domain] = card
        sites = [_site_model(card) for card in newest.values()]
        return ModelsDocument(data=[_any_model(sites), *sites[:MOST_MODELS]])

    @app.get(
        f"{_PREFIX}/models/{{model:path}}",
        tags=["chat"],
        summary="One thing to ask",
        operation_id="retrieveModel",
        responses=errors,
    )
    def model(http: Request, model: str) -> ModelDocument:
        scope = scope_of(model)
        mine = answers_for(answers, caller_of(http))
        if scope is None:
            return _any_model([_site_model(card) for card in mine.cards()])
        try:
            policy = mine.policy(scope).policy
        except UnknownScope as exc:
            raise _unknown_policy(exc) from exc
        return ModelDocument(id=model, created=_midnight(policy.archived_on), name=policy.company)


def _unknown_policy(error: UnknownScope) -> UnknownModel:
    return UnknownModel(f"{error} GET {_PREFIX}/models lists what can be asked.")


def _site_model(card: PolicyCard) -> ModelDocument:
    return ModelDocument(id=f"{MODEL}/{card.domain}", created=_midnight(card.archived_on), name=card.company)


def _any_model(sites: Sequence[ModelDocument]) -> ModelDocument:
    created = max((site.created for site in sites), default=0)
    return ModelDocument(id=MODEL, created=created, name="fineprint: any policy")


def _midnight(day: dt.date) -> int:
    return int(dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC).timestamp())


def _links(http: Request, settings: Settings) -> Callable[[Citation], str]:
    """Where citations lead: to the archived page, or, where none is known, to the policy in this service."""
    here = settings.public_url or str(http.base_url).rstrip("/")

    def link(citation: Citation) -> str:
        address = web_address(citation.url)
        if address and not _LINK.search(address):
            return address
        return f"{here}/?policy={percent_encoded(citation.policy_id, safe='@')}"

    return link


# --- errors -----------------------------------------------------------------------------------------------------------

_TYPES: Final[Mapping[int, str]] = {
    HTTPStatus.UNAUTHORIZED: "authentication_error",
    HTTPStatus.FORBIDDEN: "permission_error",
    HTTPStatus.TOO_MANY_REQUESTS: "rate_limit_error",
}


# What passes by itself. The library tries everything else from 500 on again, too, unless it is told not to.
_PASSING: Final = frozenset({"busy", "not_ready", "draining"})


def error_of(problem: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
    """A problem document as status and body in OpenAI's form; a faulty request is 400 there, never 422."""
    status = problem["status"]
    if status == HTTPStatus.UNPROCESSABLE_ENTITY:
        status = int(HTTPStatus.BAD_REQUEST)
    kind = _TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
    message, param = problem["detail"], None
    if faults := problem.get("errors"):
        told = [(fault["where"].removeprefix("body."), fault["what"].removeprefix("Value error, ")) for fault in faults]
        message = "; ".join(f"{where}: {what}" for where, what in told[:5])
        param = told[0][0]
    elif problem["code"] == UnknownModel.code:
        param = "model"
    return status, {"error": {"message": message, "type": kind, "param": param, "code": problem["code"]}}


class CompletionErrors:
    """Says in OpenAI's form what went wrong under ``/v1``, whoever found it (plain ASGI)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http" or not (scope["path"] + "/").startswith(f"{_PREFIX}/"):
            await self._app(scope, receive, send)
            return
        start: Message | None = None
        body = b""

        async def send_in_form(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start":
                if Headers(raw=message["headers"]).get("content-type") == MEDIA_TYPE:
                    start = message  # held back until the whole document is here
                    return
            elif start is not None:
                body += message.get("body", b"")
                if message.get("more_body"):
                    return
                start, message = _in_form(start, body)
                await send(start)
            await send(message)

        await self._app(scope, receive, send_in_form)


def _in_form(start: Message, body: bytes) -> tuple[Message, Message]:
    status, document = error_of(json.loads(body))
    content = json.dumps(document).encode()
    headers = MutableHeaders(raw=list(start["headers"]))
    headers["content-type"] = "application/json"
    headers["content-length"] = str(len(content))
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR and document["error"]["code"] not in _PASSING:
        headers["x-should-retry"] = "false"
    return (
        {"type": "http.response.start", "status": status, "headers": headers.raw},
        {"type": "http.response.body", "body": content},
    )
