"""What a policy has on a question, as LangChain documents: verbatim stretches of the one policy that is meant.

A question about a company that is not indexed finds nothing, however near another company's words may be.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from itertools import chain, zip_longest
from types import TracebackType
from typing import Annotated, Any, Literal

from langchain_core.callbacks import AsyncCallbackManagerForRetrieverRun, CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import run_in_executor
from pydantic import BeforeValidator, ConfigDict, Field

from qa.chain import Turn
from qa.citing import citation_at
from qa.days import day_of
from qa.domain import Candidate, IndexedPolicy, Question, Route, Span, Status, as_json
from qa.errors import InvalidQuestion, NoPolicyChosen, UsageError
from qa.service import PolicyQA
from qa.settings import load_settings
from qa.writing import cited_for

__all__ = ["PolicyRetriever", "document_of", "documents_of"]


class PolicyRetriever(BaseRetriever):
    """Finds what a policy says about a question: first what the reader takes for proof, then what ranks next.

    ::

        with PolicyRetriever.open(index="my-index", k=4) as retriever:
            documents = retriever.invoke("does Perricone MD sell data?")

    The text of a document is verbatim, ``policy.text[start:end] == page_content``; an item of a list comes with the
    sentence that leads the list in, without which "sell your data" under "We do not:" would say the opposite. Its
    metadata are those of a citation, with the ``score`` of the ranking (higher is better, comparable within one
    question), and whether it is ``evidence``, i.e. proves an answer by what the reader says.

    ``k``, ``scope`` and ``as_of`` may also be given to ``invoke``. Thread-safe.

    Attributes:
        qa: what is searched.
        k: at most so many documents.
        scope: a domain, policy id or file stem; None to let the question say it.
        as_of: search the newest version archived on or before this day, a date or as people write one.
        evidence_only: only what proves an answer; nothing where the policy is silent.
        on_unrouted: what to do where the question names no company or an unknown one: find nothing, or raise
            ``NoPolicyChosen``, which says why and has choices to offer.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, extra="forbid")

    qa: PolicyQA = Field(repr=False, exclude=True)
    k: int = Field(default=6, ge=1)
    scope: str | None = None
    as_of: Annotated[dt.date | None, BeforeValidator(day_of)] = None
    evidence_only: bool = False
    on_unrouted: Literal["empty", "raise"] = "empty"

    @classmethod
    def open(cls, index: str | None = None, **options: Any) -> PolicyRetriever:
        """A retriever over the index in a folder; without one, of the settings. Close it, or use it in a ``with``.

        Args:
            index: the folder.
            options: the other fields.

        Raises:
            IndexProblem: there is no index, it is damaged, or it was made with another model.
        """
        qa = PolicyQA.open(load_settings({"index": index}))
        try:
            return cls(qa=qa, **options)
        except Exception:
            qa.close()
            raise

    def close(self) -> None:
        """Releases the index."""
        self.qa.close()

    def __enter__(self) -> PolicyRetriever:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,  # noqa: ARG002 -- the base class hands it over
        k: int | None = None,
        scope: str | None = None,
        as_of: dt.date | str | None = None,
    ) -> list[Document]:
        if not isinstance(query, str):
            raise InvalidQuestion(f"A retriever looks up a text; not {type(query).__name__}.")
        if k is not None and k < 1:
            raise UsageError(f"At least one document can be asked for; not {k}.")
        found = self.qa.find(Question(query, scope=scope or self.scope, as_of=day_of(as_of) or self.as_of))
        if found.route.status is not None and self.on_unrouted == "raise":
            raise _unrouted(found.route)
        return documents_of(found.turns, k or self.k, evidence_only=self.evidence_only)

    async def _aget_relevant_documents(
        self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun, **options: Any
    ) -> list[Document]:
        sync = run_manager.get_sync()
        return await run_in_executor(None, self._get_relevant_documents, query, run_manager=sync, **options)


def documents_of(turns: Sequence[Turn], k: int, *, evidence_only: bool = False) -> list[Document]:
    """The best of what was looked up, at most ``k``; each turn's best, then each turn's second best, and so on."""
    each = [_stretches(turn, k, evidence_only=evidence_only) for turn in turns]
    taken: dict[str | None, Document] = {}
    for document in chain.from_iterable(zip_longest(*each)):
        if document is not None and len(taken) < k:
            taken.setdefault(document.id, document)
    for n, document in enumerate(taken.values(), start=1):
        document.metadata["n"] = n
    return list(taken.values())


def document_of(source: IndexedPolicy, span: Span, n: int, score: float, **further: Any) -> Document:
    """A stretch of a policy as a document, with the fields of a citation as metadata, and further ones."""
    fields = as_json(citation_at(source, span, n))
    quote = fields.pop("quote")
    metadata = {**fields, "score": round(float(score), 4), **further}
    return Document(page_content=quote, metadata=metadata, id=f"{source.policy.id}#{span.start}-{span.end}")


def _stretches(turn: Turn, k: int, *, evidence_only: bool) -> list[Document]:
    """The evidence, then the ranked sentences; what shares a lead-in is one stretch."""
    assert turn.candidates is not None
    assert turn.reading is not None
    source, proof = turn.candidates.source, turn.reading.evidence
    spans: list[Span] = []
    scores: list[float] = []
    for candidate in proof if evidence_only else _in_order(proof, turn.candidates.ranked):
        if len(spans) == k:
            break
        own = _with_lead_in(candidate, source.policy.text)
        shared = next((i for i, span in enumerate(spans) if span.start < own.end and own.start < span.end), None)
        if shared is not None:
            spans[shared] = Span(min(spans[shared].start, own.start), max(spans[shared].end, own.end))
        else:
            spans.append(own)
            scores.append(candidate.score)
    proven = {candidate.sentence.span for candidate in proof}
    return [
        document_of(source, span, n, score, evidence=any(span.start <= p.start and p.end <= span.end for p in proven))
        for n, (span, score) in enumerate(zip(spans, scores, strict=True), start=1)
    ]


def _in_order(proof: Sequence[Candidate], ranked: Sequence[Candidate]) -> Iterator[Candidate]:
    yield from proof
    known = {candidate.index for candidate in proof}
    yield from (candidate for candidate in ranked if candidate.index not in known)


def _with_lead_in(candidate: Candidate, text: str) -> Span:
    spans = cited_for(candidate, text)
    return Span(min(span.start for span in spans), max(span.end for span in spans))


def _unrouted(route: Route) -> NoPolicyChosen:
    """Names what can be chosen, and nothing of the question."""
    offered = ", ".join(choice.scope for choice in route.choices[:5])
    if route.status is Status.UNKNOWN_COMPANY:
        message = "The question is about a company of which no policy is indexed."
        offer = f" The nearest names: {offered}." if offered else " `fineprint policies list` shows what is indexed."
    else:
        message = "The question names no company, and several are indexed: name one, or set a scope."
        offer = f" Scopes are e.g. {offered}." if offered else ""
    assert route.status is not None
    return NoPolicyChosen(message + offer, route.status.value, tuple(choice.scope for choice in route.choices))
