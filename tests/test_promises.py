"""What the first page of the README promises, kept with the real models over the bundled policies."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from eval.evaluating import evaluate
from ingest.pipeline import ingest_paths, sample_paths
from qa.domain import Question, Status, Verdict
from qa.service import PolicyQA
from qa.settings import Settings, default_cache
from tests.ui.examples import FILE, comparable, examples_of


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(index=tmp_path_factory.mktemp("index"), cache=default_cache())


@pytest.fixture(scope="module")
def qa(settings: Settings) -> Iterator[PolicyQA]:
    ingest_paths(sample_paths(), settings)
    with PolicyQA.open(settings) as opened:
        yield opened


def test_perricone_md_shares_data_only_in_some_cases(qa: PolicyQA) -> None:
    answer = qa.ask(Question("does Perricone MD share my data?"))
    assert (answer.status, answer.verdict) == (Status.ANSWERED, Verdict.CONDITIONAL)
    assert answer.citations[0].quote.startswith(
        "We will only share your personal information with companies that perform services for us, "
    )


@pytest.mark.parametrize(
    ("question", "history"),
    [
        ("does free people sell my email address?", ()),
        ("do they rent it?", ("does free people sell my email address?",)),
        ("does exofficio keep my card number online?", ()),
    ],
)
def test_no_where_the_policy_says_no(qa: PolicyQA, question: str, history: tuple[str, ...]) -> None:
    answer = qa.ask(Question(question, history=history))
    assert (answer.status, answer.verdict) == (Status.ANSWERED, Verdict.NO)


def test_free_people_may_give_the_postal_address_to_others(qa: PolicyQA) -> None:
    answer = qa.ask(Question("will Free People give my postal address to other companies?"))
    assert answer.verdict in {Verdict.YES, Verdict.CONDITIONAL}
    assert "postal mailing list" in answer.citations[0].quote


def test_silence_is_said_to_be_silence(qa: PolicyQA) -> None:
    answer = qa.ask(Question("how long does Free People keep my data?"))
    assert (answer.status, answer.verdict, answer.citations) == (Status.NOT_STATED, None, ())
    assert answer.related


@pytest.mark.parametrize(
    ("question", "status"),
    [
        ("does Amazon share my data?", Status.UNKNOWN_COMPANY),
        ("what's the weather in Paris?", Status.OUT_OF_SCOPE),
        ("do you use cookies?", Status.NEEDS_COMPANY),
        ("free people from tracking?", Status.NEEDS_COMPANY),
    ],
)
def test_what_cannot_be_answered_says_why(qa: PolicyQA, question: str, status: Status) -> None:
    answer = qa.ask(Question(question))
    assert (answer.status, answer.citations) == (status, ())


def test_a_question_about_all_sites_has_an_entry_and_a_proof_for_each(qa: PolicyQA) -> None:
    answer = qa.ask(Question("which of these sites sell my email?"))
    assert {entry.domain: entry.verdict for entry in answer.entries} == dict.fromkeys(
        ["exofficio.com", "freepeople.com", "malleries.com", "perriconemd.com"], Verdict.NO
    )
    assert all(entry.citations for entry in answer.entries)


def test_the_bundled_evaluation_does_not_fall_below_its_baseline(settings: Settings, tmp_path: Path) -> None:
    assert evaluate(None, None, tmp_path / "run", None, settings, Console(quiet=True)) == 0


def test_the_examples_in_the_description_of_the_api_are_what_it_answers(qa: PolicyQA) -> None:
    """Where this fails for a good reason, ``python -m tests.ui.examples`` writes them anew."""
    written = json.loads(FILE.read_text(encoding="utf-8"))
    assert comparable(examples_of(qa)) == comparable(written)
