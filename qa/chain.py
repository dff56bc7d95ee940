"""The stages from question to proven answer, composed once: called directly, or as a LangChain Runnable.

::

    Question ─► routing ─► retrieval ─► reading ─► writing ─► citing ─► Answer

A ``Turn`` travels through the stages; each fills in its part. A stage that ends the matter early (no such company, not
a privacy question) sets ``answer``, and the later ones pass the turn on.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from qa.citing import Cited, cite
from qa.domain import Answer, Candidates, Draft, IndexedPolicy, Progress, Question, Reading, Route, Status, Timings
from qa.parting import parted, route_of_part, together
from qa.reading import Reader
from qa.retrieval import Retriever
from qa.routing import is_privacy_question
from qa.spelling import respelled
from qa.writing import write, write_unrouted

if TYPE_CHECKING:
    from langchain_core.runnables import Runnable

ENGINE = "extractive"
SCOPE_CONFIDENCE = 0.83
"""Stated with "this is not a privacy question": of six dev questions turned away five were off topic."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A question on its way; every part is None until its stage has run."""

    question: Question
    route: Route | None = None
    candidates: Candidates | None = None
    reading: Reading | None = None
    draft: Draft | None = None
    answer: Answer | None = None
    elapsed_ms: dict[str, float] = field(default_factory=dict)


Stage = Callable[[Turn], Turn]
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
    ) -> None:
        self._route = route
        self._open_policy = open_policy
        self._retriever = retriever
        self._reader = reader
        self._compare = compare
        self._look_back = look_back

    def within(self, route: Callable[[Question], Route], open_policy: Callable[[str], IndexedPolicy]) -> Chain:
        """The same stages over other policies, e.g. one that is not indexed."""
        other = copy.copy(self)
        other._route = route
        other._open_policy = open_policy
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

    def stream(self, question: Question) -> Iterator[Progress | Answer]:
        """Answers one question and tells of each stage as it begins; the answer comes last."""
        started = time.perf_counter()
        turn = Turn(question)
        for name, stage in self.stages.items():
            several = turn.route is not None and (turn.route.compare or turn.route.lookback is not None)
            if turn.answer is None and (name != "comparing" or several):
                yield _progress(name, turn)
            compared = name == "comparing" and turn.answer is None and turn.route is not None and turn.route.compare
            turn = (yield from self._compared(turn)) if compared else _timed(name, stage)(turn)
        yield _finished(turn, (time.perf_counter() - started) * 1000)

    def as_runnable(self) -> Runnable[Question, Answer]:
        """The same stages as a LangChain Runnable, each a named step of a sequence."""
        from langchain_core.runnables import RunnableLambda

        def begin(question: Question) -> Turn:
            return Turn(question)

        def end(turn: Turn) -> Answer:
            return _finished(turn, sum(turn.elapsed_ms.values()))

        chain: Runnable[Question, Turn] = RunnableLambda(begin, name="begin")
        for name, stage in self.stages.items():
            chain = chain | RunnableLambda(_timed(name, stage), name=name)
        return (chain | RunnableLambda(end, name="end")).with_config(run_name="fineprint")

    # --- the stages ---------------------------------------------------------------------------------------------------

    def routing(self, turn: Turn) -> Turn:
        """Which policy? Ends the matter where none can be chosen or nothing about privacy is asked."""
        route = self._route(turn.question)
        turn = replace(turn, route=route)
        if route.status is not None:
            return replace(turn, answer=self._unrouted(turn.question, route))
        if not (is_privacy_question(turn.question.text) or route.context or route.lookback):
            return replace(turn, answer=self._unrouted(turn.question, replace(route, status=Status.OUT_OF_SCOPE)))
        return turn

    def comparing(self, turn: Turn) -> Turn:
        """Answers a question about several policies, or of several parts, each by itself."""
        if turn.answer is not None or turn.route is None:
            return turn
        route, question = turn.route, turn.question
        if route.lookback and self._look_back:
            return replace(turn, answer=self._look_back(question, route, self.ask_routed, self._open_policy))
        if route.compare:
            *_, answer = self._compare(question, route, self.ask_routed)
            assert isinstance(answer, Answer)
            return replace(turn, answer=answer)
        parts = parted(route.query)
        if len(parts) == 1:
            return turn
        answers = [self.ask_routed(question, route_of_part(route, parts, n)) for n in range(len(parts))]
        return replace(turn, answer=together(question, route, parts, answers))

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
        if turn.answer is not None or turn.reading is None:
            return turn
        return replace(turn, draft=write(turn.reading))

    def citing(self, turn: Turn) -> Turn:
        """Verifies every quote; what cannot be verified is dropped with its claim."""
        if turn.answer is not None or turn.draft is None or turn.reading is None or turn.route is None:
            return turn
        cited = cite(turn.draft, turn.reading.source)
        return replace(turn, answer=_answer(turn.question, turn.route, turn.reading, cited))

    # --- helpers ------------------------------------------------------------------------------------------------------

    def ask_routed(self, question: Question, route: Route) -> Answer:
        """Answers from the one policy of the route, skipping the routing stage."""
        turn = Turn(question, route=route)
        for stage in (self.retrieval, self.reading, self.writing, self.citing):
            turn = stage(turn)
        return _finished(turn, 0.0)

    def _compared(self, turn: Turn) -> Generator[Progress, None, Turn]:
        """The stage ``comparing`` of a question about several policies, told of policy by policy."""
        assert turn.route is not None
        started = time.perf_counter()
        answer = None
        for step in self._compare(turn.question, turn.route, self.ask_routed):
            if isinstance(step, Answer):
                answer = step
            else:
                yield replace(_progress("comparing", turn), done=step)
        spent = {**turn.elapsed_ms, "comparing": (time.perf_counter() - started) * 1000}
        return replace(turn, answer=answer, elapsed_ms=spent)

    @staticmethod
    def _unrouted(question: Question, route: Route) -> Answer:
        assert route.status is not None
        return Answer(
            question=question.text,
            status=route.status,
            text=write_unrouted(route),
            policies=route.policies,
            confidence=SCOPE_CONFIDENCE if route.status is Status.OUT_OF_SCOPE else 1.0,
            engine=ENGINE,
            choices=route.choices,
            warnings=route.warnings,
            id=question.id,
        )


def _answer(question: Question, route: Route, reading: Reading, cited: Cited) -> Answer:
    status = reading.status
    warnings = (*route.warnings, *reading.source.policy.warnings)
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
        confidence=reading.confidence,
        engine=ENGINE,
        warnings=warnings,
        id=question.id,
    )


def _progress(stage: str, turn: Turn) -> Progress:
    policies = turn.route.policies if turn.route else ()
    return Progress(stage, policies, len(turn.candidates.ranked) if turn.candidates else 0)


def _timed(name: str, stage: Stage) -> Stage:
    def run(turn: Turn) -> Turn:
        started = time.perf_counter()
        done = stage(turn)
        return replace(done, elapsed_ms={**done.elapsed_ms, name: (time.perf_counter() - started) * 1000})

    return run


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
