"""Questions to a policy that is not indexed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from qa.domain import IndexedPolicy, Progress, Question, Status
from qa.encoders import HashingEncoder
from qa.errors import InvalidQuestion
from qa.library import Library, Manifest
from qa.service import PolicyQA
from qa.settings import Settings
from tests.memory import holders
from tests.qa.making import indexed

ENCODER = HashingEncoder()
MANIFEST = Manifest(ENCODER.name, ENCODER.fingerprint, ENCODER.dimension, "test")


@pytest.fixture
def qa(tmp_path: Path) -> Iterator[PolicyQA]:
    settings = Settings(index=tmp_path / "index", cache=tmp_path / "cache")
    with Library.open_for_writing(settings.index, MANIFEST) as library:
        library.put(indexed("We sell your data to others.", domain="acme.com", company="Acme"))
    with PolicyQA.open(settings, encoder=ENCODER) as opened:
        yield opened


@pytest.fixture
def nimbus() -> IndexedPolicy:
    """A policy of somebody else, filed under a domain that nobody has."""
    source = indexed(
        "We do not sell your data.",
        "We share data with Acme.",
        "Ask Zephyr.",
        domain="own-1a2b3c4d",
        company="Nimbus Boats",
    )
    return replace(source, policy=replace(source.policy, aliases=("nimbus boats", "nimbus")))


@pytest.fixture
def nobody(nimbus: IndexedPolicy) -> IndexedPolicy:
    return replace(nimbus, policy=replace(nimbus.policy, company="The company", aliases=()))


def test_it_is_answered_from_the_given_policy_with_verified_quotes(qa: PolicyQA, nimbus: IndexedPolicy) -> None:
    answer = qa.ask_in(Question("do they sell my data?", id="7"), nimbus)
    assert (answer.status, answer.policies, answer.id) == (Status.ANSWERED, (nimbus.policy.id,), "7")
    assert answer.citations
    assert all(nimbus.policy.text[c.start : c.end] == c.quote for c in answer.citations)


def test_its_own_name_means_it(qa: PolicyQA, nimbus: IndexedPolicy) -> None:
    assert qa.ask_in(Question("does Nimbus Boats sell my data?"), nimbus).policies == (nimbus.policy.id,)


def test_an_indexed_company_is_answered_from_its_own_policy(qa: PolicyQA, nimbus: IndexedPolicy) -> None:
    assert qa.ask_in(Question("does Acme sell my data?"), nimbus).policies == ("acme.com@2011-03-06",)


def test_a_company_named_in_passing_does_not_take_the_question_away(qa: PolicyQA, nimbus: IndexedPolicy) -> None:
    assert qa.ask_in(Question("do you share my data with Acme?"), nimbus).policies == (nimbus.policy.id,)


def test_a_company_that_nobody_has_a_policy_of_gets_nobody_elses(qa: PolicyQA, nimbus: IndexedPolicy) -> None:
    answer = qa.ask_in(Question("does Amazon sell my data?"), nimbus)
    assert (answer.status, answer.citations) == (Status.UNKNOWN_COMPANY, ())


def test_whoever_is_named_in_the_text_may_be_whose_it_is(qa: PolicyQA, nimbus: IndexedPolicy) -> None:
    assert qa.ask_in(Question("does Zephyr sell my data?"), nimbus).policies == (nimbus.policy.id,)


def test_a_policy_that_is_nobodys_may_be_anybodys(qa: PolicyQA, nobody: IndexedPolicy) -> None:
    assert qa.ask_in(Question("does Amazon sell my data?"), nobody).policies == (nobody.policy.id,)
    assert qa.ask_in(Question("does the company sell my data?"), nobody).policies == (nobody.policy.id,)


def test_a_follow_up_stays_with_it(qa: PolicyQA, nimbus: IndexedPolicy) -> None:
    asked = Question("and share it?", history=("do you sell my data?",))
    assert qa.ask_in(asked, nimbus).policies == (nimbus.policy.id,)


def test_what_is_not_about_privacy_is_out_of_scope(qa: PolicyQA, nimbus: IndexedPolicy) -> None:
    assert qa.ask_in(Question("what's the weather in Paris?"), nimbus).status is Status.OUT_OF_SCOPE


def test_a_question_that_cannot_be_meant_is_refused(qa: PolicyQA, nimbus: IndexedPolicy) -> None:
    with pytest.raises(InvalidQuestion):
        qa.ask_in(Question("  "), nimbus)


def test_the_stages_are_told_and_the_answer_comes_last(qa: PolicyQA, nimbus: IndexedPolicy) -> None:
    *steps, answer = qa.stream_in(Question("do you sell my data?"), nimbus)
    assert all(isinstance(step, Progress) for step in steps)
    assert answer.policies == (nimbus.policy.id,)


def test_it_is_in_no_list_and_no_other_question_reaches_it(qa: PolicyQA, nimbus: IndexedPolicy) -> None:
    qa.ask_in(Question("do you sell my data?"), nimbus)
    assert [card.id for card in qa.cards()] == ["acme.com@2011-03-06"]
    assert qa.ask(Question("does Nimbus Boats sell my data?")).status is Status.UNKNOWN_COMPANY


def test_a_policy_that_nobody_holds_any_more_leaves_nothing_in_memory(qa: PolicyQA) -> None:
    source = indexed("We do not sell your data to quagga breeders.", "We shair with nobody.", domain="own-1a2b3c4d")
    qa.ask_in(Question("do you shair or sell my data?"), source)
    assert holders("quagga breeders", qa, source)  # the search finds what is there
    del source
    assert holders("quagga breeders", qa) == []
