"""The stages from question to proven answer, composed once; ``qa.runnables`` makes a LangChain Runnable of them.

::

    Question ─► routing ─► retrieval ─► reading ─► writing ─► citing ─► Answer

A ``Turn`` travels through the stages; each fills in its part. A stage that ends the matter early (no such company, not
a privacy question) sets ``answer``, and the later ones pass the turn on.

With a chat model, rewriting and writing are done by it; what it has put into words is cited, and said, sentence by
sentence. Comparisons, labels and questions about versions are always composed without it.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

from qa.citing import Cited, cite
from qa.domain import (
    EXTRACTIVE,
    Answer,
    Candidates,
    Citation,
    IndexedPolicy,
    Progress,
    Question,
    Reading,
    Route,
    Said,
    Status,
    Step,
    Timings,
)
from qa.parting import Rewriter, RuleRewriter, headed, numbered_from, renumbered, summed, together
from qa.reading import Reader
from qa.retrieval import Retriever
from qa.routing import is_privacy_question
from qa.spelling import respelled
from qa.writing import ExtractiveWriter, Writer, Written, write_unrouted

SCOPE_CONFIDENCE = 0.83
"""Stated with "this is not a privacy question": of six dev questions turned away five were off topic."""
_ANSWERS_STILL = frozenset({None, "unproven", "no_answer"})
"""What ``Generation.failed`` says of a chat model that has replied."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A question on its way; every part is None until its stage has run."""

    question: Question
    route: Route | None = None
    candidates: Candidates | None = None
    reading: Reading | None = None
    written: Written | None = None
    answer: Answer | None = None
    elapsed_ms: dict[str, float] = field(default_factory=dict)
    asked_at: float = field(default_factory=time.perf_counter)


T = TypeVar("T")
Stage = Callable[[Turn], Turn]
Steps = Generator[Progress | Said, None, Turn]
"""What a stage tells while it is at work, and the turn that comes of it."""
Watch = Callable[[str, Turn, Steps], Steps]
"""Goes along with a stage: is given its name, the turn as it comes in and the steps, and gives the same steps on."""
Compare = Callable[[Question, Route, Callable[[Question, Route], Answer]], Iterator[int | Answer]]
LookBack = Callable[[Question, Route, Callable[[Question, Route], Answer], Callable[[str], IndexedPolicy]], Answer]


class Chain:
    """Composes the stages.

    Args:
        route: decides which policies a question is about.
        open_policy: the stored policy of an id.
        retriever: ranks the sentences of one policy.
        reader: says what they prove.
        compare: answers a question policy by policy with the function it is given, and tells how many it has answered.
        look_back: answers a question about the versions of a policy, with the functions that answer from one and open
            one; without it, the newest version answers.
        writer: puts answers from one policy into words.
        rewriter: says what is asked, where a question leans on another or asks several things.
    """

    def __init__(
        self,
        *,
        route: Callable[[Question], Route],
        open_policy: Callable[[str], IndexedPolicy],
        retriever: Retriever,
        reader: Reader,
        compare: Compare,
        look_back: LookBack | None = None,
        writer: Writer | None = None,
        rewriter: Rewriter | None = None,
    ) -> None:
        self._route = route
        self._open_policy = open_policy
        self._retriever = retriever
        self._reader = reader
        self._compare = compare
        self._look_back = look_back
        self._writer = writer or ExtractiveWriter()
        self._rewriter = rewriter or RuleRewriter()
        self._watch: Watch | None = None

    def within(self, route: Callable[[Question], Route], open_policy: Callable[[str], IndexedPolicy]) -> Chain:
        """The same stages over other policies, e.g. one that is not indexed."""
        other = copy.copy(self)
        other._route = route
        other._open_policy = open_policy
        return other

    def extractive(self) -> Chain:
        """The same stages without any chat model."""
        other = copy.copy(self)
        other._writer, other._rewriter = ExtractiveWriter(), RuleRewriter()
        return other

    def watched(self, watch: Watch | None) -> Chain:
        """The same stages, each with ``watch`` going along; those of a comparison's policies are not watched."""
        other = copy.copy(self)
        other._watch = watch
        return other

    @property
    def stages(self) -> dict[str, Stage]:
        """The stages in their order, by name."""
        return {
            "routing": self.routing,
            "comparing": self.comparing,
            "retrieval": self.retrieval,
            "reading": self.reading,
            "writing": self.writing,
            "citing": self.citing,
        }

    def ask(self, question: Question) -> Answer:
        """Answers one question."""
        *_, answer = self.stream(question)
        assert isinstance(answer, Answer)
        return answer

    def stream(self, question: Question) -> Generator[Step, None, None]:
        """Answers one question and tells of each stage as it begins and each stretch as it is proven."""
        started = time.perf_counter()
        turn = Turn(question)
        for name in self.stages:
            several = turn.route is not None and (turn.route.compare or turn.route.lookback is not None)
            if turn.answer is None and (name != "comparing" or several):
                yield _progress(name, turn)
            began = time.perf_counter()
            done = yield from self._stage(name, turn)
            turn = _spent(done, name, began)
        yield _finished(turn, (time.perf_counter() - started) * 1000)

    def consult(self, question: Question, route: Route) -> tuple[Turn, ...]:
        """What the one policy of the route has on the question, ranked and read but not answered; a turn a part."""
        return tuple(self.reading(self.retrieval(Turn(question, route=each))) for each in self._rewriter.rewrite(route))

    # --- the stages ---------------------------------------------------------------------------------------------------

    def routing(self, turn: Turn) -> Turn:
        """Which policy? Ends the matter where none can be chosen or nothing about privacy is asked."""
        route = replace(self._route(turn.question), asked_at=turn.asked_at)
        turn = replace(turn, route=route)
        if route.status is not None:
            return replace(turn, answer=self._unrouted(turn.question, route))
        if not (is_privacy_question(turn.question.text) or route.context or route.lookback):
            return replace(turn, answer=self._unrouted(turn.question, replace(route, status=Status.OUT_OF_SCOPE)))
        return turn

    def comparing(self, turn: Turn) -> Turn:
        """Answers a question about several policies, or of several parts, each by itself."""
        return _last(self._comparing(turn))

    def retrieval(self, turn: Turn) -> Turn:
        """Ranks the sentences of the routed policy."""
        if turn.answer is not None or turn.route is None:
            return turn
        source = self._open_policy(turn.route.policies[0])
        route = replace(turn.route, query=respelled(turn.route.query, source.policy.text))
        return replace(turn, candidates=self._retriever.rank(route, source))

    def reading(self, turn: Turn) -> Turn:
        """Finds evidence and verdict, or silence."""
        if turn.answer is not None or turn.candidates is None:
            return turn
        return replace(turn, reading=self._reader.read(turn.candidates.route.query, turn.candidates))

    def writing(self, turn: Turn) -> Turn:
        """Says it in words."""
        return _last(self._writing(turn))

    def citing(self, turn: Turn) -> Turn:
        """Verifies every quote; what cannot be verified is dropped with its claim."""
        if turn.answer is not None or turn.written is None or turn.reading is None or turn.route is None:
            return turn
        cited = cite(turn.written.draft, turn.reading.source)
        return replace(turn, answer=_answer(turn.question, turn.route, turn.reading, turn.written, cited))

    # --- helpers ------------------------------------------------------------------------------------------------------

    def ask_routed(self, question: Question, route: Route) -> Answer:
        """Answers from the one policy of the route, skipping the routing stage."""
        turn = Turn(question, route=route)
        for stage in (self.retrieval, self.reading, self.writing, self.citing):
            turn = stage(turn)
        return _finished(turn, 0.0)

    def _stage(self, name: str, turn: Turn) -> Steps:
        """The steps of one stage; a turn that has its answer already passes unwatched."""
        telling = {"comparing": self._comparing, "writing": self._writing}.get(name)
        steps = telling(turn) if telling else _silently(self.stages[name], turn)
        return self._watch(name, turn, steps) if self._watch and turn.answer is None else steps

    def _comparing(self, turn: Turn) -> Steps:
        if turn.answer is not None or turn.route is None:
            return turn
        route, question, plain = turn.route, turn.question, self.extractive()
        if route.lookback and self._look_back:
            return replace(turn, answer=self._look_back(question, route, plain.ask_routed, self._open_policy))
        if route.compare:
            answer = None
            for step in self._compare(question, route, plain.ask_routed):
                if isinstance(step, Answer):
                    answer = step
                else:
                    yield replace(_progress("comparing", turn), done=step)
            return replace(turn, answer=answer)
        routes = self._rewriter.rewrite(route)
        if len(routes) == 1:
            return replace(turn, route=routes[0])
        return replace(turn, answer=(yield from self._parts(turn, routes)))

    def _parts(self, turn: Turn, routes: Sequence[Route]) -> Generator[Said, None, Answer]:
        """The parts of a question one by one; what is said of one comes under its heading."""
        assert turn.route is not None
        question, parts = turn.question, [route.query for route in routes]
        answers: list[Answer] = []
        citations: list[Citation] = []
        text, said, sent = "", "", 0
        chain = self
        for n, route in enumerate(routes):
            # Behind silence nothing is said early: whether near passages are listed there is known only in the end.
            early = all(answer.status is Status.ANSWERED for answer in answers)
            own, new = headed(question, parts, n), list(citations)
            part = Turn(question, route=route, asked_at=turn.asked_at)
            for name in ("retrieval", "reading"):
                part = _last(self._stage(name, part))
            telling = _Telling(chain._stage("writing", part))
            for step in telling:
                assert isinstance(step, Said), "writing tells of nothing else"
                own += renumbered(step.text, len(citations))
                new += numbered_from(len(citations), step.citations)
                if early:
                    yield Said((text + own)[len(said) :], tuple(new[sent:]))
                    said, sent = text + own, len(new)
            answer = _finished(_last(self._stage("citing", telling.turn)), 0.0)
            text += headed(question, parts, n) + renumbered(answer.text, len(citations))
            citations += numbered_from(len(citations), answer.citations)
            answers.append(answer)
            told = answer.status is Status.ANSWERED  # silence has no words that a model would have had a part in
            if told and answer.generation and answer.generation.failed not in _ANSWERS_STILL:
                chain = self.extractive()  # nobody waits for it again, part by part
        return together(question, turn.route, parts, answers)

    def _writing(self, turn: Turn) -> Generator[Said, None, Turn]:
        """The answer as it grows; what is not the whole yet is cited, and said, as far as it goes."""
        if turn.answer is not None or turn.reading is None or turn.candidates is None:
            return turn
        shown, known, written = "", 0, None
        began = time.perf_counter()
        for written in self._writer.write(turn.reading, turn.candidates):
            if written.whole:
                break
            cited = cite(written.draft, turn.reading.source)
            if cited.text != shown:
                assert cited.text.startswith(shown), "what is said once is not taken back"
                yield Said(cited.text[len(shown) :], cited.citations[known:])
                shown, known = cited.text, len(cited.citations)
        assert written is not None, "a writer writes something"
        assert written.whole, "and the whole of it"
        return replace(turn, written=_counted_from(turn.asked_at, began, written))

    @staticmethod
    def _unrouted(question: Question, route: Route) -> Answer:
        assert route.status is not None
        return Answer(
            question=question.text,
            status=route.status,
            text=write_unrouted(route),
            policies=route.policies,
            confidence=SCOPE_CONFIDENCE if route.status is Status.OUT_OF_SCOPE else 1.0,
            engine=EXTRACTIVE,
            choices=route.choices,
            warnings=route.warnings,
            id=question.id,
        )


def _answer(question: Question, route: Route, reading: Reading, written: Written, cited: Cited) -> Answer:
    status = reading.status
    warnings = (*route.warnings, *reading.source.policy.warnings, *written.warnings)
    text = cited.text
    if status is Status.ANSWERED and not cited.citations:
        # Evidence is cut from the stored text, so this means that the index and the text do not belong together.
        status = Status.NOT_STATED
        text = "I found an answer, but could not verify it word for word in the policy, so it is not shown."
        warnings = (*warnings, "The index does not fit its texts: run `fineprint rebuild`.")
    return Answer(
        question=question.text,
        status=status,
        text=text,
        verdict=reading.verdict if status is Status.ANSWERED else None,
        citations=cited.citations,
        related=cited.related,
        policies=route.policies,
        confidence=reading.confidence * written.certainty,
        engine=written.engine,
        warnings=warnings,
        id=question.id,
        generation=summed([route.rewriting, written.generation]),
    )


def _counted_from(asked_at: float, began: float, written: Written) -> Written:
    """A writer does not know when the question was asked; its first sentence is counted from there."""
    generation = written.generation
    if generation is None or generation.first_claim_ms is None:
        return written
    first = generation.first_claim_ms + (began - asked_at) * 1000
    return replace(written, generation=replace(generation, first_claim_ms=first))


def _progress(stage: str, turn: Turn) -> Progress:
    policies = turn.route.policies if turn.route else ()
    return Progress(stage, policies, len(turn.candidates.ranked) if turn.candidates else 0)


def _silently(stage: Stage, turn: Turn) -> Steps:
    """A stage that tells nothing while it is at work."""
    yield from ()
    return stage(turn)


def _spent(turn: Turn, name: str, began: float) -> Turn:
    return replace(turn, elapsed_ms={**turn.elapsed_ms, name: (time.perf_counter() - began) * 1000})


class _Telling(Generic[T]):
    """Steps with what comes of them: ``turn`` is there when all have been taken."""

    def __init__(self, steps: Generator[T, None, Turn]) -> None:
        self._steps = steps
        self.turn: Turn

    def __iter__(self) -> Iterator[T]:
        self.turn = yield from self._steps


def _last(steps: Generator[object, None, Turn]) -> Turn:
    """What comes of steps, whatever they tell."""
    telling = _Telling(steps)
    for _ in telling:
        pass
    return telling.turn


def _finished(turn: Turn, total_ms: float) -> Answer:
    assert turn.answer is not None, "a stage must have answered"
    spent = turn.elapsed_ms
    timings = Timings(
        routing=spent.get("routing", 0.0),
        retrieval=spent.get("retrieval", 0.0),
        reading=spent.get("reading", 0.0) + spent.get("comparing", 0.0),
        writing=spent.get("writing", 0.0) + spent.get("citing", 0.0),
        total=total_ms,
    )
    return replace(turn.answer, timings_ms=timings)
