"""The retriever as LangChain's users know retrievers, over a small library with the fake encoder."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from langchain_core.documents import Document
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda, RunnablePassthrough
from langchain_core.tools import create_retriever_tool
from pydantic import ValidationError

from qa.domain import IndexedPolicy, Passage, Policy, Sentence, Span
from qa.encoders import HashingEncoder
from qa.errors import InvalidQuestion, NoPolicyChosen, UnknownScope, UsageError
from qa.library import Library, Manifest
from qa.retriever import PolicyRetriever
from qa.service import PolicyQA
from qa.settings import Settings
from tests.qa.making import indexed

ENCODER = HashingEncoder()
MANIFEST = Manifest(ENCODER.name, ENCODER.fingerprint, ENCODER.dimension, "test")
ACME_2011 = indexed(
    "We do not sell your data.",
    "We use cookies on our site.",
    "You may write to us at any time.",
    "We keep your data for two years.",
)
ACME_2008 = indexed("We sell your data.", archived_on=dt.date(2008, 1, 1))
BOLT = indexed("Bolt sells your data to other companies.", domain="bolt.com", company="Bolt")
POLICIES = {source.policy.id: source for source in (ACME_2011, ACME_2008, BOLT)}


@pytest.fixture(scope="module")
def qa(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PolicyQA]:
    folder = tmp_path_factory.mktemp("retriever")
    settings = Settings(index=folder / "index", cache=folder / "cache")
    with Library.open_for_writing(settings.index, MANIFEST) as library:
        for source in POLICIES.values():
            library.put(source)
    with PolicyQA.open(settings, encoder=ENCODER) as opened:
        yield opened


@pytest.fixture
def retriever(qa: PolicyQA) -> PolicyRetriever:
    return qa.as_retriever()


def test_documents_are_verbatim_stretches_of_the_one_policy_that_is_meant(retriever: PolicyRetriever) -> None:
    documents = retriever.invoke("does Acme sell my data?")
    assert len(documents) == 4
    for n, document in enumerate(documents, start=1):
        about = document.metadata
        assert about["policy_id"] == "acme.com@2011-03-06"
        assert ACME_2011.policy.text[about["start"] : about["end"]] == document.page_content
        assert about["n"] == n


def test_metadata_have_the_fields_of_a_citation_and_are_plain_data(retriever: PolicyRetriever) -> None:
    first = retriever.invoke("does Acme sell my data?")[0]
    assert first.page_content == "We do not sell your data."
    score = first.metadata.pop("score")
    assert isinstance(score, float)
    assert first.metadata == {
        "n": 1, "policy_id": "acme.com@2011-03-06", "company": "Acme", "domain": "acme.com",
        "archived_on": "2011-03-06", "section": "Your information", "start": 0, "end": 25,
        "url": "https://archive.example/acme.com#:~:text=We%20do%20not%20sell%20your%20data.", "evidence": True,
    }  # fmt: skip
    assert Document.model_validate_json(first.model_dump_json()) == first


def test_a_document_has_the_same_id_whatever_was_asked(retriever: PolicyRetriever) -> None:
    asked = [retriever.invoke(query) for query in ("does Acme sell my data?", "does Acme use cookies?")]
    first, second = ({each.page_content: each.id for each in documents} for documents in asked)
    assert first == second
    assert first["We do not sell your data."] == "acme.com@2011-03-06#0-25"


def test_what_the_reader_takes_for_proof_comes_first_and_may_come_alone(qa: PolicyQA) -> None:
    flags = [each.metadata["evidence"] for each in qa.as_retriever().invoke("does Acme sell my data?")]
    assert flags == sorted(flags, reverse=True)
    alone = qa.as_retriever(evidence_only=True).invoke("does Acme sell my data?")
    assert len(alone) == sum(flags) < len(flags)
    assert all(each.metadata["evidence"] for each in alone)


def test_where_the_policy_is_silent_there_is_no_evidence_but_there_are_near_sentences(qa: PolicyQA) -> None:
    question = "does Acme scan fingerprints of its visitors?"
    assert qa.as_retriever(evidence_only=True).invoke(question) == []
    assert not any(each.metadata["evidence"] for each in qa.as_retriever().invoke(question))


@pytest.mark.parametrize("question", ["does Amazon sell my data?", "do you sell my data?"])
def test_without_a_known_company_nothing_is_found(retriever: PolicyRetriever, question: str) -> None:
    assert retriever.invoke(question) == []


def test_why_nothing_is_found_can_be_had_as_an_error_that_does_not_repeat_the_question(qa: PolicyQA) -> None:
    strict = qa.as_retriever(on_unrouted="raise")
    with pytest.raises(NoPolicyChosen, match="no policy is indexed") as unknown:
        strict.invoke("does Amazon sell my data?")
    assert unknown.value.status == "unknown_company"
    assert "Amazon" not in str(unknown.value)
    with pytest.raises(NoPolicyChosen, match=r"set a scope.*acme\.com") as nobody:
        strict.invoke("do you sell my data?")
    assert (nobody.value.status, set(nobody.value.choices)) == ("needs_company", {"acme.com", "bolt.com"})


def test_a_few_words_are_enough(retriever: PolicyRetriever) -> None:
    assert retriever.invoke("Acme cookies")[0].page_content == "We use cookies on our site."


def test_scope_and_day_say_which_policy_and_may_be_given_to_one_call(qa: PolicyQA) -> None:
    by_field = qa.as_retriever(scope="acme.com", as_of=dt.date(2009, 1, 1)).invoke("do they sell my data?")
    by_call = qa.as_retriever().invoke("do they sell my data?", scope="acme.com", as_of=dt.date(2009, 1, 1))
    assert by_field == by_call == qa.as_retriever(scope="acme.com", as_of="2009-01").invoke("do they sell my data?")
    assert [each.metadata["policy_id"] for each in by_field] == ["acme.com@2008-01-01"]
    bound = qa.as_retriever().bind(scope="bolt.com").invoke("do they sell my data?")
    assert {each.metadata["domain"] for each in bound} == {"bolt.com"}


def test_a_question_about_all_policies_finds_the_best_of_each_first(retriever: PolicyRetriever) -> None:
    documents = retriever.invoke("which of these companies sell my data?", k=2)
    assert {each.metadata["domain"] for each in documents} == {"acme.com", "bolt.com"}


def test_a_question_about_the_versions_finds_what_each_says(retriever: PolicyRetriever) -> None:
    documents = retriever.invoke("has Acme always sold my data?", k=2)
    assert {each.metadata["archived_on"] for each in documents} == {"2008-01-01", "2011-03-06"}


def test_both_things_that_are_asked_are_looked_up(retriever: PolicyRetriever) -> None:
    documents = retriever.invoke("does Acme sell my data, and do they use cookies?", k=2)
    assert {each.page_content for each in documents} == {"We do not sell your data.", "We use cookies on our site."}


@pytest.mark.parametrize("k", [1, 3])
def test_as_many_documents_come_as_were_asked_for(qa: PolicyQA, k: int) -> None:
    # What langchain-tests' RetrieversIntegrationTests expect.
    question = "does Acme sell my data?"
    assert len(qa.as_retriever(k=k).invoke(question)) == k
    assert len(qa.as_retriever().invoke(question, k=k)) == k
    assert asyncio.run(qa.as_retriever().ainvoke(question, k=k)) == qa.as_retriever(k=k).invoke(question)


@pytest.mark.parametrize(
    ("query", "options", "error"),
    [
        ("", {}, InvalidQuestion),
        ("does it sell data?\x00", {}, InvalidQuestion),
        ("x" * 20_000, {}, InvalidQuestion),
        ("does it sell data?", {"scope": "nowhere.example"}, UnknownScope),
        ("does Acme sell data?", {"k": 0}, UsageError),
        ("does Acme sell data?", {"as_of": "some day"}, UsageError),
        ({"question": "does Acme sell data?"}, {}, InvalidQuestion),
    ],
)
def test_what_cannot_be_meant_is_one_of_our_errors(
    retriever: PolicyRetriever, query: Any, options: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        retriever.invoke(query, **options)


@pytest.mark.parametrize("options", [{"k": 0}, {"on_unrouted": "shrug"}, {"top_k": 3}])
def test_an_option_that_does_not_exist_is_refused_at_once(qa: PolicyQA, options: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        qa.as_retriever(**options)


def test_an_item_of_a_list_comes_with_what_leads_the_list_in() -> None:
    text = "We do not:\n- sell your data\n- rent your data\nWe use cookies."
    items = [text.index("sell"), text.index("rent"), text.index("We use")]
    sentences = (
        Sentence(0, 10),
        Sentence(items[0], items[0] + 14, Span(0, 10)),
        Sentence(items[1], items[1] + 14, Span(0, 10)),
        Sentence(items[2], len(text)),
    )
    policy = Policy("list.com", dt.date(2020, 1, 1), "List", text, ("list", "list.com"))
    vectors = ENCODER.encode_texts([text[each.start : each.end] for each in sentences])
    source = IndexedPolicy(
        policy, (Passage(0, 0, len(text), ("Selling",), sentences),), ENCODER.encode_texts([text]), vectors
    )
    assert _contents_of(source, "does List sell my data?", k=1) == ["We do not:\n- sell your data"]
    # Both items and what leads them in are one stretch, so that nothing is told twice.
    assert _contents_of(source, "does List sell or rent my data?", k=3) == [
        "We do not:\n- sell your data\n- rent your data",
        "We use cookies.",
    ]


def _contents_of(source: IndexedPolicy, question: str, k: int) -> list[str]:
    with TemporaryDirectory() as folder:
        settings = Settings(index=Path(folder) / "index", cache=Path(folder) / "cache")
        with Library.open_for_writing(settings.index, MANIFEST) as library:
            library.put(source)
        with PolicyQA.open(settings, encoder=ENCODER) as qa:
            return [document.page_content for document in qa.as_retriever().invoke(question, k=k)]


def test_a_retriever_of_a_limited_service_finds_nothing_outside_of_it(qa: PolicyQA) -> None:
    retriever = qa.limited(["bolt.com"]).as_retriever()
    assert retriever.invoke("does Acme sell my data?") == []
    assert {each.metadata["domain"] for each in retriever.invoke("do they sell my data?")} == {"bolt.com"}


def test_it_goes_into_a_prompt_and_into_a_tool(retriever: PolicyRetriever) -> None:
    prompt = ChatPromptTemplate.from_template("{context}\n---\n{question}")
    model = RunnableLambda(lambda value: value.to_messages()[0].content.partition("---")[0])
    joined = retriever | (lambda documents: "\n".join(each.page_content for each in documents))
    chain = {"context": joined, "question": RunnablePassthrough()} | prompt | model | StrOutputParser()
    assert "We do not sell your data." in chain.invoke("does Acme sell my data?")
    tool = create_retriever_tool(retriever, "policies", "Searches privacy policies.")
    assert "We do not sell your data." in tool.invoke({"query": "does Acme sell my data?"})
