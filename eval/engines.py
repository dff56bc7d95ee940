"""The same cases through several engines, side by side: what is right, how fast, for how much, and where they differ.

An engine is what puts answers into words: "extractive", or a chat model as "provider:model".
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from eval.metrics import percentile
from eval.running import Price, Row, Run
from qa.domain import EXTRACTIVE, Answer, Question, Said, Step
from qa.errors import ChatModelFailed, UsageError

if TYPE_CHECKING:
    from qa.settings import Settings
    from qa.talking import ChatModel

__all__ = [
    "Difference", "Engine", "InvalidEngine", "Outcome", "Price", "Tried", "Work", "differences", "engines_of",
    "prices_of", "probe", "settings_for", "timed", "work_of",
]  # fmt: skip


class InvalidEngine(UsageError):
    """What is to be compared, or what it costs, is not named as it has to be."""

    code = "invalid_engine"


@dataclass(frozen=True, slots=True)
class Engine:
    """What puts answers into words.

    Attributes:
        name: "extractive", or provider and model.
        settings: with nothing but that model's.
        price: None where it is not known.
    """

    name: str
    settings: Settings
    price: Price | None = None


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of one engine.

    Attributes:
        run: None where it could not be asked at all.
        problem: why not, or empty.
        first_ms: by case, from the question to the first sentence that is shown with its proof.
    """

    engine: Engine
    run: Run | None
    problem: str = ""
    first_ms: Mapping[str, float] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The engine's."""
        return self.engine.name


@dataclass(frozen=True, slots=True)
class Work:
    """What an engine's chat model did in all cases together.

    Attributes:
        answers: how many answers it put into words, wholly or in part.
        calls, input_tokens, output_tokens: as its server counts them; 0 where it does not.
        cost: None where there is no price.
        claims: sentences that it wrote.
        proven, repaired, dropped: what became of them: shown in its words unless they repeat what is said already,
            shown in the policy's words, not shown.
        agreed, disagreed: how often it came to the reader's verdict, and to another.
        first_p50_ms, first_p95_ms: to the first proven sentence, over all cases that were asked.
        fallbacks: why answers are not, or not to their end, in its words (``Generation.failed``), and how often.
    """

    answers: int
    calls: int
    input_tokens: int
    output_tokens: int
    cost: float | None
    claims: int
    proven: int
    repaired: int
    dropped: int
    agreed: int
    disagreed: int
    first_p50_ms: float | None
    first_p95_ms: float | None
    fallbacks: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one engine made of one case.

    Attributes:
        said: status, and verdict where there is one; "error" where there is no answer.
        text: the answer, or why there is none.
    """

    engine: str
    said: str
    right: bool
    text: str


@dataclass(frozen=True, slots=True)
class Difference:
    """A case of which engines made different things, one outcome an engine."""

    case: str
    question: str
    expected: str
    outcomes: tuple[Outcome, ...]


# --- what is to be compared -------------------------------------------------------------------------------------------


def engines_of(names: Sequence[str], prices: Mapping[str, Price], settings: Settings) -> tuple[Engine, ...]:
    """The engines of these names, checked as far as they can be without asking them.

    Raises:
        InvalidEngine: a name is none, comes twice, or it is not clear whose address and key are set; or a price is of
            something else.
        ModelUnusable: the package or the key of a model is missing.
    """
    named = [EXTRACTIVE if name.strip().casefold() == EXTRACTIVE else name.strip() for name in names]
    twice = [name for name, n in Counter(name.casefold() for name in named).items() if n > 1]
    if twice:
        raise InvalidEngine(f"The engine {twice[0]} is named twice: name each engine once.")
    for priced in prices:
        if priced not in named or priced == EXTRACTIVE:
            listed = ", ".join(name for name in named if name != EXTRACTIVE) or "none"
            raise InvalidEngine(
                f"--price is about {priced}, which is no chat model that is asked; asked are: {listed}."
            )
    _check_whose(named, settings)
    engines = []
    for name in named:
        own = settings_for(name, settings)
        if own.llm is not None:
            from qa.chatmodel import open_chat_model

            open_chat_model(own)
        engines.append(Engine(name, own, prices.get(name)))
    return tuple(engines)


def settings_for(name: str, settings: Settings) -> Settings:
    """The settings with this engine's model; address and key stay with the provider that they are for.

    Raises:
        InvalidEngine: this is no engine's name.
    """
    from pydantic import ValidationError

    from qa.settings import Settings

    if name == EXTRACTIVE:
        return settings.model_copy(update={"llm": None, "llm_url": None, "llm_api_key": None})
    try:
        llm = Settings.model_validate({"llm": name}).llm
    except ValidationError:
        llm = None
    if llm is None:
        raise InvalidEngine(f"{name[:80]!r} is no engine: write {EXTRACTIVE}, or provider:model, e.g. ollama:llama3.2.")
    update: dict[str, object] = {"llm": llm}
    if settings.llm is not None and _provider(settings.llm) != _provider(llm):
        update |= {"llm_url": None, "llm_api_key": None}
    return settings.model_copy(update=update)


def prices_of(given: Sequence[str]) -> dict[str, Price]:
    """Prices by engine, each given as ``engine=in/out`` per million tokens.

    Raises:
        InvalidEngine: one is given otherwise.
    """
    prices: dict[str, Price] = {}
    for each in given:
        name, _, price = each.rpartition("=")
        numbers = [_amount(part) for part in price.split("/")]
        if not name.strip() or len(numbers) != 2 or None in numbers:
            raise InvalidEngine(
                f"{each[:80]!r} is no price: write engine=in/out, what a million tokens cost each way,"
                " e.g. openai:gpt-4o-mini=0.15/0.60."
            )
        if name.strip() in prices:
            raise InvalidEngine(f"--price is given twice for {name.strip()}: give it once.")
        prices[name.strip()] = Price(numbers[0] or 0.0, numbers[1] or 0.0)
    return prices


def probe(model: ChatModel) -> None:
    """Asks a model for next to nothing, so that it is known before all the cases whether it is there.

    Raises:
        ChatModelFailed: it cannot be reached, or its server refuses it. One that is merely slow or busy is there.
    """
    schema = {
        "title": "ready",
        "description": "Whether you are ready.",
        "type": "object",
        "properties": {"ready": {"type": "boolean"}},
        "required": ["ready"],
        "additionalProperties": False,
    }
    try:
        for _ in model.talk('Reply with JSON: {"ready": true}', "Are you ready?", schema):
            pass
    except ChatModelFailed as exc:
        if exc.reason in {"unreachable", "refused", "budget"}:
            raise


def _amount(text: str) -> float | None:
    try:
        amount = float(text)
    except ValueError:
        return None
    return amount if math.isfinite(amount) and amount >= 0 else None


def _provider(llm: str) -> str:
    return llm.partition(":")[0].lower().replace("-", "_")


def _check_whose(names: Iterable[str], settings: Settings) -> None:
    """An address or a key without the model that it is for must not go to several providers."""
    providers = {_provider(name) for name in names if name != EXTRACTIVE}
    if settings.llm is None and len(providers) > 1 and (settings.llm_url or settings.llm_api_key):
        raise InvalidEngine(
            "FINEPRINT_LLM_URL and FINEPRINT_LLM_API_KEY are for one provider: name its model in FINEPRINT_LLM, and the"
            " others are asked where their providers are, with their own keys."
        )


# --- what came of it --------------------------------------------------------------------------------------------------


def timed(stream: Callable[[Question], Iterator[Step]], first_ms: dict[str, float]) -> Callable[[Question], Answer]:
    """Asks by streaming, and writes down for each question id when the first proven sentence was there."""

    def ask(question: Question) -> Answer:
        began = time.perf_counter()
        for step in stream(question):
            proven = isinstance(step, Answer) or (isinstance(step, Said) and step.citations)
            if proven and question.id is not None:
                first_ms.setdefault(question.id, (time.perf_counter() - began) * 1000)
        assert isinstance(step, Answer), "the answer comes last"
        return step

    return ask


def work_of(tried: Tried) -> Work:
    """What an engine's chat model did; nothing but times for the extractive engine."""
    answers = [row.answer for row in tried.run.rows if row.answer] if tried.run else []
    made = [answer.generation for answer in answers if answer.generation]
    input_tokens, output_tokens = sum(each.input_tokens for each in made), sum(each.output_tokens for each in made)
    claims, repaired, dropped = (
        sum(each.claims for each in made),
        sum(each.repaired for each in made),
        sum(each.dropped for each in made),
    )
    price, times = tried.engine.price, list(tried.first_ms.values())
    return Work(
        answers=sum(answer.engine != EXTRACTIVE for answer in answers),
        calls=sum(each.calls for each in made),
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cost=price.of(input_tokens, output_tokens) if price else None,
        claims=claims,
        proven=claims - repaired - dropped,
        repaired=repaired,
        dropped=dropped,
        agreed=sum(each.agrees is True for each in made),
        disagreed=sum(each.agrees is False for each in made),
        first_p50_ms=percentile(times, 0.5),
        first_p95_ms=percentile(times, 0.95),
        fallbacks=dict(Counter(each.failed for each in made if each.failed).most_common()),
    )


def differences(tried: Sequence[Tried]) -> tuple[Difference, ...]:
    """The cases in which status, verdict or being right are not the same for all engines that were asked."""
    runs = [(each.name, each.run) for each in tried if each.run]
    by_case: dict[str, list[tuple[str, Row]]] = {}
    for name, run in runs:
        for row in run.rows:
            by_case.setdefault(row.case.id, []).append((name, row))
    found = []
    for case_id, rows in by_case.items():
        outcomes = tuple(_outcome(name, row) for name, row in rows)
        if len({(each.said, each.right) for each in outcomes}) > 1:
            case = rows[0][1].case
            expected = case.proof.verdict.value if case.proof else " or ".join(case.statuses) or "all policies"
            found.append(Difference(case_id, case.question, expected, outcomes))
    return tuple(found)


def _outcome(name: str, row: Row) -> Outcome:
    if row.answer is None:
        return Outcome(name, row.state.value, row.right, row.note)
    verdict = f", {row.answer.verdict.value}" if row.answer.verdict else ""
    return Outcome(name, f"{row.answer.status.value}{verdict}", row.right, row.answer.text)
