"""The HTTP API's requests and responses (CONTRACT: Answer, HTTP).

The answer's models mirror ``qa.domain.as_json`` field by field; a test compares them. Requests refuse unknown fields,
so that a misspelt ``scope`` is an error and not a different question.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from qa.domain import IndexedPolicy, Status, Verdict

MAX_HISTORY = 100


def _whole(text: str) -> str:
    """JSON can spell half a character (a lone surrogate), which is no text and cannot be sent back."""
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise ValueError("the text has half a character (a lone surrogate) in it")
    return text


Text = Annotated[str, AfterValidator(_whole)]


class AskRequest(BaseModel):
    """One question."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    question: Annotated[Text, Field(description="The question, in English.", examples=["does it share my data?"])]
    scope: Annotated[
        Text | None,
        Field(description="A domain (its newest version), a policy id or a file stem; null lets the question say it."),
    ] = None
    as_of: Annotated[
        Text | None,
        Field(
            description="Answer from the newest version archived on or before this day: YYYY, YYYY-MM or YYYY-MM-DD.",
            examples=["2008", "2008-05", "2008-05-31"],
        ),
    ] = None
    history: Annotated[
        tuple[Text, ...],
        Field(max_length=MAX_HISTORY, description="Earlier questions of this conversation, oldest first."),
    ] = ()


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CitationDocument(_Document):
    """A verified quote: ``text[start:end] == quote`` in the policy's text (offsets in code points)."""

    n: Annotated[int, Field(description="``[n]`` in the answer's text refers to this.")]
    policy_id: str
    company: str
    domain: str
    archived_on: dt.date
    section: str
    quote: str
    start: int
    end: int
    url: Annotated[str | None, Field(description="The archived page, at the quote.")]


class EntryDocument(_Document):
    """One policy's part of a comparison."""

    policy_id: str
    company: str
    domain: str
    archived_on: dt.date
    status: Status
    verdict: Verdict | None
    text: str
    citations: list[CitationDocument]
    confidence: Annotated[float, Field(ge=0, le=1)]


class ChoiceDocument(_Document):
    """A company to choose from; ask again with its ``scope``."""

    label: str
    scope: str


class TimingsDocument(_Document):
    """Milliseconds that each stage took."""

    routing: float
    retrieval: float
    reading: float
    writing: float
    total: float


class AnswerDocument(_Document):
    """An answer, the same on every face."""

    question: str
    status: Status
    text: str
    verdict: Verdict | None
    citations: list[CitationDocument]
    related: Annotated[list[CitationDocument], Field(description="For not_stated: the nearest passages.")]
    entries: Annotated[list[EntryDocument], Field(description="For a comparison: one a policy.")]
    policies: list[str]
    confidence: Annotated[float, Field(ge=0, le=1)]
    engine: str
    choices: list[ChoiceDocument]
    warnings: list[str]
    timings_ms: TimingsDocument
    id: str | None


class CardDocument(_Document):
    """A policy without its text."""

    id: str
    domain: str
    archived_on: dt.date
    company: str
    aliases: list[str]
    url: str | None
    characters: int
    passages: int
    warnings: list[str]


class PoliciesDocument(_Document):
    """A page of the list of policies."""

    policies: list[CardDocument]
    total: Annotated[int, Field(description="How many match in all.")]
    limit: int
    offset: int


class PassageDocument(_Document):
    """A stretch of a policy; the passages partition its text."""

    n: int
    start: int
    end: int
    section: list[str]


class PolicyDocument(_Document):
    """A policy with its text; every offset of the API refers to ``text``, in code points."""

    id: str
    domain: str
    archived_on: dt.date
    company: str
    aliases: list[str]
    url: str | None
    provenance: Annotated[dict[str, str], Field(description="Where each fact was taken from.")]
    warnings: list[str]
    text: str
    passages: list[PassageDocument]


class HealthDocument(_Document):
    """The process is up."""

    status: str
    version: str


class ReadinessDocument(_Document):
    """Questions can be answered."""

    status: str
    policies: int


class FaultDocument(_Document):
    """One thing wrong with a request."""

    where: str
    what: str


class ProblemDocument(_Document):
    """What went wrong (RFC 9457); ``detail`` says what to do."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: Annotated[str, Field(description="For programs, e.g. unknown_scope.")]
    errors: Annotated[list[FaultDocument], Field(description="For invalid_request: each fault.")] = []


def policy_document(source: IndexedPolicy) -> PolicyDocument:
    """A policy as the API shows it."""
    policy = source.policy
    return PolicyDocument(
        id=policy.id,
        domain=policy.domain,
        archived_on=policy.archived_on,
        company=policy.company,
        aliases=list(policy.aliases),
        url=policy.url,
        provenance=dict(policy.provenance),
        warnings=list(policy.warnings),
        text=policy.text,
        passages=[PassageDocument(n=p.n, start=p.start, end=p.end, section=list(p.section)) for p in source.passages],
    )
