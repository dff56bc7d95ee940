"""The whole chain as LangChain Runnables: from a question in any of many forms to an ``Answer`` or an ``AIMessage``.

``PolicyQA.as_runnable()`` and ``PolicyQA.as_messages()`` make them (docs/langchain.md). A run is called "fineprint"; in
it each stage is a run of its own, by its name: "routing", "comparing", "retrieval" (a retriever's run), "reading",
"writing" and "citing". What tracers see of a stage is small and plain; never a whole policy, never a vector.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import threading
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from contextvars import copy_context
from dataclasses import dataclass
from typing import Annotated, Any, Generic, Required, TypeVar

from langchain_core.callbacks import CallbackManagerForChainRun, CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    AnyMessage,
    BaseMessage,
    HumanMessage,
    MessageLikeRepresentation,
    convert_to_messages,
)
from langchain_core.messages.ai import UsageMetadata
from langchain_core.messages.content import Citation as Annotation
from langchain_core.messages.content import NonStandardAnnotation, TextContentBlock
from langchain_core.prompt_values import PromptValue
from langchain_core.runnables import Runnable, RunnableConfig, ensure_config, patch_config, run_in_executor
from langchain_core.runnables.config import get_callback_manager_for_config, set_config_context
from langchain_core.tools import BaseTool, StructuredTool, ToolException
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from qa.chain import Steps, Turn
from qa.days import day_of
from qa.domain import Answer, Citation, Question, Said, Step, as_json
from qa.errors import InvalidQuestion, UsageError
from qa.retriever import document_of
from qa.service import PolicyQA
from qa.text import MARKER, printable

__all__ = ["AnswerRunnable", "Asked", "Asking", "MessageRunnable", "message_of", "question_of", "told"]

NAME = "fineprint"
TRACED_DOCUMENTS = 10
"""So many of the ranked sentences are shown to tracers."""
UNSHOWN = "nostream"
"""The tag by which LangGraph knows a chat model whose words are not to be shown: what it says in here is not proven."""


# --- what comes in ----------------------------------------------------------------------------------------------------


class Asked(TypedDict, total=False):
    """A question as plain data; other keys are left alone, so that it fits into ``RunnablePassthrough.assign``.

    Attributes:
        question: in place of it, ``messages`` may hold a conversation.
        scope: a domain, policy id or file stem.
        as_of: a day, ``YYYY``, ``YYYY-MM`` or ``YYYY-MM-DD``.
        history: earlier questions of the conversation, oldest first.
    """

    question: Required[str]
    scope: str | None
    as_of: dt.date | str | None
    history: list[str]
    id: str | None


class Conversation(TypedDict, total=False):
    """A conversation as agents and graphs keep it; its last question is asked."""

    messages: Required[list[AnyMessage]]
    scope: str | None
    as_of: dt.date | str | None


Asking = (
    str
    | Question
    | Asked
    | Conversation
    | Mapping[str, Any]
    | BaseMessage
    | Sequence[MessageLikeRepresentation]
    | PromptValue
)
"""Everything that can be asked with."""


def question_of(asking: Asking, *, scope: str | None = None, as_of: dt.date | str | None = None) -> Question:
    """The question that is meant; of a conversation the last one of a human, the earlier ones being its history.

    Args:
        asking: in any of its forms.
        scope: taken where ``asking`` has none.
        as_of: likewise.

    Raises:
        InvalidQuestion: there is no question in it.
        UsageError: a part is of the wrong type.
    """
    question = _question(asking)
    return Question(
        text=question.text,
        history=question.history,
        scope=question.scope or _text_or_none("scope", scope),
        as_of=question.as_of or day_of(as_of),
        id=question.id,
    )


def _question(asking: object) -> Question:
    if isinstance(asking, Question):
        return asking
    if isinstance(asking, str):
        return Question(asking)
    if isinstance(asking, PromptValue):
        return _last_of(asking.to_messages())
    if isinstance(asking, BaseMessage):
        return _last_of([asking])
    if isinstance(asking, Mapping):
        return _from_fields(asking)
    if isinstance(asking, Sequence) and not isinstance(asking, bytes | bytearray):
        return _last_of(asking)
    raise InvalidQuestion(f"A question is a text, a dictionary or a list of messages; not {type(asking).__name__}.")


def _from_fields(fields: Mapping[Any, Any]) -> Question:
    if "question" in fields:
        asked = fields["question"]
        if not isinstance(asked, str | Question | BaseMessage):
            raise InvalidQuestion(f'"question" must be a text; not {type(asked).__name__}.')
        question = _question(asked)
    elif isinstance(fields.get("messages"), Sequence):
        question = _question(fields["messages"])
    else:
        raise InvalidQuestion('The dictionary has no "question" (a text) and no "messages" (a list of messages).')
    history = fields.get("history") or ()
    if isinstance(history, str) or not isinstance(history, Sequence):
        raise UsageError('"history" must be a list: the earlier questions, as texts or messages.')
    earlier = history if all(isinstance(entry, str) for entry in history) else _human_texts(history)
    return Question(
        text=question.text,
        history=(*earlier, *question.history),
        scope=_text_or_none("scope", fields.get("scope")) or question.scope,
        as_of=day_of(fields.get("as_of")) or question.as_of,
        id=_text_or_none("id", fields.get("id")) or question.id,
    )


def _last_of(messages: Sequence[Any]) -> Question:
    *earlier, text = _human_texts(messages) or [""]
    if not text:
        raise InvalidQuestion("There is no message of a human among the messages: nothing is asked.")
    return Question(text, history=tuple(earlier))


def _human_texts(messages: Sequence[Any]) -> list[str]:
    """What the human said; answers, instructions and the results of tools are none of the questions."""
    try:
        converted = convert_to_messages(messages)
    except (ValueError, NotImplementedError, TypeError, AttributeError, KeyError) as exc:
        # LangChain's text repeats the message, and with it the question.
        raise UsageError("The messages are not in a form that LangChain knows, e.g. ('human', 'the question').") from (
            None if isinstance(exc, ValueError | NotImplementedError) else exc
        )
    return [str(message.text) for message in converted if isinstance(message, HumanMessage)]


def _text_or_none(name: str, value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value or None
    raise UsageError(f'"{name}" must be a text; not {type(value).__name__}.')


# --- what comes out ---------------------------------------------------------------------------------------------------


def message_of(answer: Answer) -> AIMessage:
    """An answer as a message: standard content blocks, and an annotation for each marker.

    Its ``response_metadata`` has everything else that an answer has to tell; its ``usage_metadata`` the tokens, where a
    chat model was at work.
    """
    known = {citation.n: citation for citation in answer.citations}
    return AIMessage(
        content=[_block(answer.text, 0, known)],
        response_metadata=_metadata(answer),
        usage_metadata=_usage(answer),
        id=answer.id,
    )


def told(answer: Answer) -> str:
    """An answer with its sources in words, for a model to read: whatever it repeats it can also prove."""
    lines = [answer.text]
    if answer.choices:
        lines += ["", "Choices: " + ", ".join(f"{choice.label} (scope {choice.scope})" for choice in answer.choices)]
    for heading, citations in (
        ("Sources, word for word:", answer.citations),
        ("Nearest passages, none of which answers it:", answer.related),
    ):
        if citations:
            lines += ["", heading]
            lines += [
                f"[{each.n}] {each.company}, privacy policy of {each.archived_on}: “{printable(each.quote)}”"
                + (f" {each.url}" if each.url else "")
                for each in citations
            ]
    if answer.warnings:
        lines += ["", *(f"Note: {warning}" for warning in answer.warnings)]
    return "\n".join(lines)


class _Messages:
    """Makes chunks of the steps of one answer; added together they are ``message_of`` the answer."""

    def __init__(self) -> None:
        self._said = 0
        self._known: dict[int, Citation] = {}

    def chunk(self, step: Step) -> AIMessageChunk | None:
        """The chunk of one step, None where it has nothing to show."""
        if isinstance(step, Said):
            self._known |= {citation.n: citation for citation in step.citations}
            block = _block(step.text, self._said, self._known)
            self._said += len(step.text)
            return AIMessageChunk(content=[block])
        if isinstance(step, Answer):
            self._known |= {citation.n: citation for citation in step.citations}
            return AIMessageChunk(
                content=[_block(step.text[self._said :], self._said, self._known)],
                response_metadata=_metadata(step),
                usage_metadata=_usage(step),
                id=step.id,
                chunk_position="last",
            )
        return None


def _block(text: str, offset: int, known: Mapping[int, Citation]) -> dict[str, Any]:
    """A stretch of an answer; ``index`` is how LangChain knows that stretches belong together."""
    markers = [(match, known.get(int(match[1]))) for match in MARKER.finditer(text)]
    annotations: list[Annotation | NonStandardAnnotation] = [
        _annotation(citation, offset + match.start(), offset + match.end()) for match, citation in markers if citation
    ]
    return dict(TextContentBlock(type="text", text=text, index=0, annotations=annotations))


def _annotation(citation: Citation, start: int, end: int) -> Annotation:
    annotation = Annotation(
        type="citation",
        title=f"{citation.company}, privacy policy of {citation.archived_on}",
        start_index=start,
        end_index=end,
        cited_text=citation.quote,
        extras={name: value for name, value in as_json(citation).items() if name not in {"quote", "url"}},
    )
    if citation.url:
        annotation["url"] = citation.url
    return annotation


def _metadata(answer: Answer) -> dict[str, Any]:
    """What an answer says besides its text and citations; the whole of it is what the API gives."""
    kept = ("status", "verdict", "confidence", "engine", "policies", "choices", "warnings", "related", "timings_ms")
    fields = as_json(answer)
    metadata = {name: fields[name] for name in kept}
    if answer.generation is not None:
        metadata["generation"] = fields["generation"]
    return {**metadata, "output_version": "v1"}


def _usage(answer: Answer) -> UsageMetadata | None:
    spent = answer.generation
    if spent is None or not (spent.input_tokens or spent.output_tokens):
        return None
    total = spent.input_tokens + spent.output_tokens
    return UsageMetadata(input_tokens=spent.input_tokens, output_tokens=spent.output_tokens, total_tokens=total)


# --- the runnables ----------------------------------------------------------------------------------------------------

Output = TypeVar("Output", Answer, AIMessage)


class _Chain(Runnable[Asking, Output], ABC, Generic[Output]):
    """What both runnables share: they ask, go along with the stages, and give what a stream of steps becomes.

    ``scope`` and ``as_of`` may be given to every call, and bound: ``runnable.bind(scope="example.com")``.
    """

    def __init__(self, qa: PolicyQA, *, name: str | None = NAME) -> None:
        self._qa = qa
        self.name = name

    def __repr__(self) -> str:
        return f"{type(self).__name__}(name={self.name!r})"

    @abstractmethod
    def _whole(self, answer: Answer) -> Output:
        """What is given for an answer."""

    @abstractmethod
    def _shown(self) -> Callable[[Step], Output | None]:
        """What is given for each step of one answer, None for nothing."""

    @property
    def InputType(self) -> Any:  # noqa: N802 -- LangChain's name
        """What can be asked with, for schemas."""
        return str | Question | Asked | Conversation | list[AnyMessage]

    def invoke(self, input: Asking, config: RunnableConfig | None = None, **kwargs: Any) -> Output:  # noqa: A002
        """Answers one question. Raises whatever ``PolicyQA.ask`` does."""
        return self._call_with_config(self._ask, input, config, **kwargs)

    async def ainvoke(self, input: Asking, config: RunnableConfig | None = None, **kwargs: Any) -> Output:  # noqa: A002
        """Answers one question in a thread, which ends when it is cancelled. Raises whatever ``PolicyQA.ask`` does."""

        async def ask(asking: Asking, **kwargs: Any) -> Output:
            steps = _aside(self._qa.stream(question_of(asking, **kwargs), _traced))
            async with contextlib.aclosing(steps):
                *_, answer = [step async for step in steps]
            assert isinstance(answer, Answer)
            return self._whole(answer)

        return await self._acall_with_config(ask, input, config, **kwargs)

    def stream(self, input: Asking, config: RunnableConfig | None = None, **kwargs: Any | None) -> Iterator[Output]:  # noqa: A002
        """Answers one question, giving each stretch as soon as it is proven; whoever stops taking stops the work."""
        yield from self._transform_stream_with_config(iter([input]), self._tell, config, **kwargs)

    async def astream(
        self,
        input: Asking,  # noqa: A002
        config: RunnableConfig | None = None,
        **kwargs: Any | None,
    ) -> AsyncIterator[Output]:
        """Like ``stream``, the work being done in a thread."""

        async def alone() -> AsyncIterator[Asking]:
            yield input

        async for output in self._atransform_stream_with_config(alone(), self._atell, config, **kwargs):
            yield output

    def as_tool(
        self,
        args_schema: type[BaseModel] | None = None,
        *,
        name: str | None = None,
        description: str | None = None,
        arg_types: dict[str, type] | None = None,  # noqa: ARG002 -- the arguments are known
    ) -> BaseTool:
        """A tool for agents: it answers with the text and its sources, and has the ``Answer`` as artifact.

        What a model asks wrongly (an unknown scope, an empty question) it is told, so that it can ask better.
        """

        def ask(question: str, config: RunnableConfig, **given: Any) -> tuple[str, Answer]:
            try:
                answer = AnswerRunnable(self._qa).invoke({**given, "question": question}, config)
            except UsageError as exc:
                raise ToolException(str(exc)) from exc
            return told(answer), answer

        async def ask_aside(question: str, config: RunnableConfig, **given: Any) -> tuple[str, Answer]:
            return await run_in_executor(config, ask, question, config, **given)

        return StructuredTool.from_function(
            func=ask,
            coroutine=ask_aside,
            name=name or "ask_privacy_policy",
            description=description or _TOOL,
            args_schema=args_schema or ToolArguments,
            response_format="content_and_artifact",
            handle_tool_error=True,
        )

    def _ask(self, asking: Asking, **kwargs: Any) -> Output:
        *_, answer = self._qa.stream(question_of(asking, **kwargs), _traced)
        assert isinstance(answer, Answer)
        return self._whole(answer)

    def _tell(self, askings: Iterator[Asking], **kwargs: Any) -> Generator[Output, None, None]:
        shown = self._shown()
        for asking in askings:
            with closing(self._qa.stream(question_of(asking, **kwargs), _traced)) as steps:
                yield from (output for step in steps if (output := shown(step)) is not None)

    async def _atell(self, askings: AsyncIterator[Asking], **kwargs: Any) -> AsyncIterator[Output]:
        async for asking in askings:
            async with contextlib.aclosing(_aside(self._tell(iter([asking]), **kwargs))) as outputs:
                async for output in outputs:
                    yield output


class AnswerRunnable(_Chain[Answer]):
    """From a question to an ``Answer``; a stream of it gives that one answer. ``PolicyQA.as_runnable`` makes it."""

    @property
    def OutputType(self) -> type[Answer]:  # noqa: N802 -- LangChain's name
        """For schemas."""
        return Answer

    def _whole(self, answer: Answer) -> Answer:
        return answer

    def _shown(self) -> Callable[[Step], Answer | None]:
        return lambda step: step if isinstance(step, Answer) else None


class MessageRunnable(_Chain[AIMessage]):
    """From a question to an ``AIMessage``, streamed in chunks as they are proven. ``PolicyQA.as_messages`` makes it."""

    @property
    def OutputType(self) -> Any:  # noqa: N802 -- LangChain's name
        """For schemas."""
        return AIMessage

    def _whole(self, answer: Answer) -> AIMessage:
        return message_of(answer)

    def _shown(self) -> Callable[[Step], AIMessage | None]:
        return _Messages().chunk


_TOOL = (
    "Answers a question about what a website's privacy policy says, with word-for-word quotes as proof, or says that"
    " the policy is silent. Name the company in the question or by its scope."
)


class ToolArguments(BaseModel):
    """What an agent gives to the tool."""

    question: Annotated[str, Field(description="The question, in English, e.g. does it sell my email address?")]
    scope: Annotated[
        str | None,
        Field(description="Whose policy: a domain, or a policy id such as example.com@2011-03-06 for that version."),
    ] = None
    as_of: Annotated[
        str | None, Field(description="Use the version in force on this day: YYYY, YYYY-MM or YYYY-MM-DD.")
    ] = None


@dataclass(frozen=True, slots=True)
class _Failed:
    error: BaseException


Item = TypeVar("Item")


async def _aside(generator: Generator[Item, None, None]) -> AsyncGenerator[Item, None]:
    """The items of a generator that is run in a thread; whoever stops taking them stops it at its next one."""
    loop = asyncio.get_running_loop()
    items: asyncio.Queue[tuple[Item] | _Failed | None] = asyncio.Queue()
    given_up = threading.Event()

    def put(item: tuple[Item] | _Failed | None) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(items.put_nowait, item)

    def work() -> None:
        try:
            with closing(generator):
                for item in generator:
                    if given_up.is_set():
                        return
                    put((item,))
        except BaseException as exc:  # raised again where the items are taken
            put(_Failed(exc))
        else:
            put(None)

    loop.run_in_executor(None, copy_context().run, work)
    try:
        while (taken := await items.get()) is not None:
            if isinstance(taken, _Failed):
                raise taken.error
            yield taken[0]
    finally:
        given_up.set()


# --- what tracers see -------------------------------------------------------------------------------------------------


def _traced(name: str, turn: Turn, steps: Steps) -> Steps:
    """A stage as a run of its own within the run that is going on; what it calls is within it."""
    config = ensure_config()
    manager = get_callback_manager_for_config(config)
    if not manager.handlers:
        return (yield from steps)
    run: CallbackManagerForChainRun | CallbackManagerForRetrieverRun
    if name == "retrieval":
        run = manager.on_retriever_start(None, turn.route.query if turn.route else "", name=name)
    else:
        run = manager.on_chain_start(None, _given(name, turn), name=name)
    inside = patch_config(config, callbacks=run.get_child(UNSHOWN))
    with closing(steps), set_config_context(inside) as context:
        try:
            while True:
                yield context.run(next, steps)
        except StopIteration as end:
            turn = end.value
        except BaseException as exc:
            _fail(run, exc)
            raise
    if isinstance(run, CallbackManagerForRetrieverRun):
        run.on_retriever_end(_ranked(turn))
    else:
        run.on_chain_end(_made(name, turn))
    return turn


def _fail(run: CallbackManagerForChainRun | CallbackManagerForRetrieverRun, error: BaseException) -> None:
    if isinstance(run, CallbackManagerForRetrieverRun):
        run.on_retriever_error(error)
    else:
        run.on_chain_error(error)


def _given(name: str, turn: Turn) -> dict[str, Any]:
    """What a stage begins with."""
    question, route, candidates, reading, written = (
        turn.question, turn.route, turn.candidates, turn.reading, turn.written,
    )  # fmt: skip
    if name == "routing":
        return dict(as_json(question))
    if name == "citing" and written:
        return {"text": written.draft.text, "quotes": len(written.draft.quotes)}
    if name == "writing" and reading:
        return {"status": reading.status.value, "verdict": as_json(reading.verdict), "evidence": _evidence(turn)}
    if name == "reading" and candidates:
        return {"query": candidates.route.query, "sentences": len(candidates.ranked)}
    return {"query": route.query, "policies": list(route.policies)} if route else {}


def _made(name: str, turn: Turn) -> dict[str, Any]:
    """What a stage comes to."""
    route, reading, written = turn.route, turn.reading, turn.written
    if turn.answer is not None:
        return _answered(turn.answer)
    if name == "reading" and reading:
        found = {"status": reading.status, "verdict": reading.verdict, "confidence": reading.confidence}
        return {**as_json(found), "evidence": _evidence(turn)}
    if name == "writing" and written:
        made = {"text": written.draft.text, "engine": written.engine, "warnings": written.warnings}
        return dict(as_json(made if written.generation is None else {**made, "generation": written.generation}))
    if route is None:
        return {}
    return {"query": route.query, "context": list(route.context), "policies": list(route.policies)}


def _answered(answer: Answer) -> dict[str, Any]:
    kept = ("status", "verdict", "text", "confidence", "policies")
    return {**{name: as_json(getattr(answer, name)) for name in kept}, "citations": len(answer.citations)}


def _evidence(turn: Turn) -> list[str]:
    if turn.reading is None:
        return []
    text = turn.reading.source.policy.text
    return [candidate.sentence.span.of(text) for candidate in turn.reading.evidence]


def _ranked(turn: Turn) -> list[Document]:
    if turn.candidates is None:
        return []
    source, best = turn.candidates.source, turn.candidates.ranked[:TRACED_DOCUMENTS]
    return [
        document_of(source, candidate.sentence.span, n, candidate.score) for n, candidate in enumerate(best, start=1)
    ]
