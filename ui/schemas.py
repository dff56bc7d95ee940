"""The HTTP API's requests and responses (CONTRACT: Answer, HTTP).

The answer's models mirror ``qa.domain.as_json`` field by field; a test compares them. Requests refuse unknown fields,
so that a misspelt ``scope`` is an error and not a different question.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from qa.domain import ChangeKind, IndexedPolicy, Status, Verdict
from qa.finding import Catalogue, Site

MAX_HISTORY = 100
MAX_CITED = 200


def _whole(text: str) -> str:
    """JSON can spell half a character (a lone surrogate), which is no text and cannot be sent back."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("the text has half a character (a lone surrogate) in it") from None
    return text


Text = Annotated[str, AfterValidator(_whole)]


def in_json_words(message: str) -> str:
    """What pydantic says about a value, for somebody who sent JSON, which has no tuples."""
    if message.startswith("Value should have"):  # a text that is looked at after its length is taken for a list
        message = message.replace("Value", "String", 1).replace("item", "character")
    for python, json in (("Value error, ", ""), ("tuple", "list"), ("Tuple", "List"), (" after validation", "")):
        message = message.replace(python, json)
    return message


def _number(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("Input should be a valid integer")  # noqa: TRY004  # pydantic reports no TypeError
    return value


Offset = Annotated[int, Field(ge=0, le=100_000_000), BeforeValidator(_number)]
"""In code points of a policy's text."""


T = TypeVar("T")
Some = Annotated[list[T], Field(fail_fast=True)]
"""Answers come back as well, to be made files: of a million faulty items one is told."""


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
        Field(
            max_length=MAX_HISTORY, fail_fast=True, description="Earlier questions of this conversation, oldest first."
        ),
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
    citations: Some[CitationDocument]
    confidence: Annotated[float, Field(ge=0, le=1)]
    warnings: Some[str]


class FailedEntryDocument(_Document):
    """A policy of a comparison that could not be answered from; this is not silence."""

    policy_id: str
    company: str
    domain: str
    archived_on: dt.date
    problem: str


class ComparisonDocument(_Document):
    """The same question put to several policies, each searched for itself."""

    question: str
    entries: Annotated[
        Some[EntryDocument], Field(description="One a policy, in the order of the scopes; citations numbered in each.")
    ]
    failed: Annotated[Some[FailedEntryDocument], Field(description="Policies that could not be answered from.")]


class PartDocument(_Document):
    """One of several things that were asked at once."""

    question: str
    status: Status
    verdict: Verdict | None
    text: str
    citations: Some[CitationDocument]
    confidence: Annotated[float, Field(ge=0, le=1)]


class ChangeDocument(_Document):
    """One difference between two versions of a policy; each side is a verified quote."""

    kind: ChangeKind
    before: Annotated[CitationDocument | None, Field(description="In the older version; null if added.")]
    after: Annotated[CitationDocument | None, Field(description="In the newer version; null if removed.")]
    similarity: Annotated[float, Field(ge=0, le=1, description="Of the two wordings.")]


class ChangesDocument(_Document):
    """How a policy's text differs between two versions of it."""

    older: Annotated[str, Field(description="A policy id.")]
    newer: Annotated[str, Field(description="A policy id.")]
    company: str
    domain: str
    older_archived_on: dt.date
    newer_archived_on: dt.date
    changes: Annotated[
        Some[ChangeDocument], Field(description="In the order of the newer text, what was removed where it stood.")
    ]
    unchanged: Annotated[int, Field(description="Sentences that both versions have, wording noise aside.")]


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
    recalled: Annotated[
        float | SkipJsonSchema[None],
        Field(
            exclude_if=lambda took: took is None,
            json_schema_extra=lambda schema: schema.pop("default"),
            description="Only where the same answer was given a moment ago: what finding it again took.",
        ),
    ] = None


class GenerationDocument(_Document):
    """What a chat model had to do with an answer."""

    model: Annotated[str, Field(description="As the operator named it, e.g. `ollama:llama3.2`.")]
    claims: Annotated[int, Field(description="Sentences that it wrote, whatever became of them.")]
    repaired: Annotated[int, Field(description="Of these, shown in the policy's own words instead.")]
    dropped: Annotated[int, Field(description="Of these, not shown: the policy does not prove them.")]
    agrees: Annotated[
        bool | None, Field(description="Whether it came to the same verdict; the answer's is never the model's.")
    ]
    input_tokens: Annotated[int, Field(description="As its server counts them, in all calls; 0 if it does not.")]
    output_tokens: int
    calls: int
    first_claim_ms: Annotated[float | None, Field(description="From the question to the first proven sentence.")]
    failed: Annotated[
        str | None,
        Field(
            description=(
                "Why the answer is not, or not to its end, in its words: `unreachable`, `slow`, `busy`, `refused`, "
                "`broken_off`, `nonsense`, `resting`, `budget`, `unproven`, `no_answer`; null where it is."
            )
        ),
    ]


class AnswerDocument(_Document):
    """An answer, the same on every face."""

    question: str
    status: Status
    text: str
    verdict: Verdict | None
    citations: Some[CitationDocument]
    related: Annotated[Some[CitationDocument], Field(description="For not_stated: the nearest passages.")]
    entries: Annotated[Some[EntryDocument], Field(description="For a comparison: one a policy.")]
    parts: Annotated[Some[PartDocument], Field(description="For a question that asks several things: one each.")]
    versions: Annotated[
        Some[EntryDocument], Field(description="For a question about the versions of a policy: one each, oldest first.")
    ]
    changes: Annotated[
        Some[ChangeDocument], Field(description="For a question about what changed: the differences that are told.")
    ]
    policies: Some[str]
    confidence: Annotated[float, Field(ge=0, le=1)]
    engine: Annotated[str, Field(description="Who put it into words: `extractive`, or the chat model that did.")]
    choices: Some[ChoiceDocument]
    warnings: Some[str]
    timings_ms: TimingsDocument
    id: str | None
    generation: Annotated[
        GenerationDocument | SkipJsonSchema[None],
        Field(
            exclude_if=lambda made: made is None,
            json_schema_extra=lambda schema: schema.pop("default"),
            description="Only where a chat model was asked; it worded the answer only if `engine` names it.",
        ),
    ] = None


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


class VersionDocument(_Document):
    """One version of a site's policy."""

    id: str
    archived_on: dt.date


class SiteDocument(_Document):
    """A site with the versions of its policy, newest first."""

    domain: str
    company: str
    versions: list[VersionDocument]


class SitesDocument(_Document):
    """A page of the list of sites."""

    sites: list[SiteDocument]
    total: Annotated[int, Field(description="How many match in all.")]
    limit: int
    offset: int


class LetterDocument(_Document):
    """The sites whose company begins with a letter; ``#`` stands for everything that is no Latin letter."""

    letter: str
    sites: int


class YearDocument(_Document):
    """The policies archived in a year."""

    year: int
    policies: int


class CatalogueDocument(_Document):
    """How much there is to browse."""

    policies: int
    sites: int
    several: Annotated[int, Field(description="Sites with more than one version.")]
    letters: list[LetterDocument]
    years: Annotated[list[YearDocument], Field(description="Newest first.")]


def site_document(site: Site) -> SiteDocument:
    """A site's document."""
    versions = [VersionDocument(id=card.id, archived_on=card.archived_on) for card in site.versions]
    return SiteDocument(domain=site.newest.domain, company=site.newest.company, versions=versions)


def catalogue_document(catalogue: Catalogue) -> CatalogueDocument:
    """The catalogue's document."""
    return CatalogueDocument(
        policies=catalogue.policies,
        sites=catalogue.sites,
        several=catalogue.several,
        letters=[LetterDocument(letter=letter, sites=n) for letter, n in catalogue.letters.items()],
        years=[YearDocument(year=year, policies=n) for year, n in catalogue.years.items()],
    )


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


class LabelRowDocument(_Document):
    """What a policy says about one standard question."""

    topic: Annotated[str, Field(description="A short name that does not change, e.g. sell.")]
    title: str
    question: str
    status: Status
    verdict: Verdict | None
    text: str
    citations: Annotated[list[CitationDocument], Field(description="Numbered from 1 in each row.")]
    confidence: Annotated[float, Field(ge=0, le=1)]
    sure: Annotated[bool, Field(description="Whether status and verdict can be said in a word; else it is unclear.")]
    related: Annotated[list[CitationDocument], Field(description="For silence that is not sure: the nearest passages.")]


class LabelDocument(_Document):
    """A policy at a glance: the same questions for every policy, answered by the same chain as any other."""

    policy_id: str
    company: str
    domain: str
    archived_on: dt.date
    url: str | None
    rows: list[LabelRowDocument]


class SuggestionsRequest(BaseModel):
    """Where a conversation stands."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    scope: Annotated[Text, Field(description="The policy that it is about: a domain, policy id or file stem.")]
    asked: Annotated[
        tuple[Text, ...],
        Field(max_length=MAX_HISTORY, fail_fast=True, description="What was asked so far, oldest first."),
    ] = ()
    citations: Annotated[
        tuple[tuple[Offset, Offset], ...],
        Field(
            max_length=MAX_CITED,
            fail_fast=True,
            description="[start, end] of what its answers cite, so that it is not said again.",
        ),
    ] = ()


class SuggestionsDocument(_Document):
    """What could be asked next."""

    policy_id: str
    questions: Annotated[
        list[str], Field(description="Up to three; the policy answers each of them with citations, none was asked yet.")
    ]


class ContextDocument(_Document):
    """A quote where it stands: ``before`` and ``after`` are plain words, ``quote`` is the text's own."""

    policy_id: str
    company: str
    domain: str
    archived_on: dt.date
    section: str
    before: Annotated[str, Field(description='Up to 500 characters of the same section; begins with "…" if cut.')]
    quote: Annotated[str, Field(description="``text[start:end]`` of the policy, verbatim.")]
    after: Annotated[str, Field(description='Up to 500 characters; ends with "…" if cut.')]
    start: int
    end: int
    url: Annotated[str | None, Field(description="The archived page, at the quote.")]


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
    request_id: Annotated[
        str | None, Field(description="As in the header X-Request-Id; tell it to whoever runs the service.")
    ] = None
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


class StageDocument(_Document):
    """A stage begins; ``waiting`` is said while others are before this question."""

    name: Annotated[str, Field(description="waiting, routing, comparing, retrieval, reading, writing or citing.")]
    policies: Annotated[list[str], Field(description="Ids of the policies that are read, once they are known.")]
    sentences: Annotated[int, Field(description="How many sentences are read; 0 until they are ranked.")]
    done: Annotated[int, Field(description="While several policies are compared, how many are answered.")]


class TokenDocument(_Document):
    """A piece of the answer's text; all pieces together are the text."""

    text: str


class DoneDocument(_Document):
    """A comparison is complete."""

    policies: int


EVENT_DOCUMENTS: Mapping[str, type[BaseModel]] = {
    "stage": StageDocument,
    "citation": CitationDocument,
    "token": TokenDocument,
    "answer": AnswerDocument,
    "entry": EntryDocument,
    "failed": FailedEntryDocument,
    "done": DoneDocument,
    "error": ProblemDocument,
}
"""The data of each server-sent event, by its name."""
