"""The whole of qa over a small library, with the fake encoder: what every face relies on."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from qa.domain import Answer, Candidates, Entry, Progress, Question, Reading, Status, Timings, as_json
from qa.encoders import HashingEncoder
from qa.errors import IndexForeign, IndexMissing, InvalidQuestion, UnknownScope, UsageError
from qa.library import Library, Manifest
from qa.service import PolicyQA
from qa.settings import Settings
from qa.store import MemoryIndex, synchronise
from tests.chatting import Reply, Request, serving
from tests.qa.making import indexed

ENCODER = HashingEncoder()
MANIFEST = Manifest(ENCODER.name, ENCODER.fingerprint, ENCODER.dimension, "test")
ACME_2011 = indexed("We do not sell your data.", "We use cookies on our site.")
ACME_2008 = indexed("We sell your data.", archived_on=dt.date(2008, 1, 1))
BOLT = indexed("Bolt sells your data to other companies.", domain="bolt.com", company="Bolt")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(index=tmp_path / "index", cache=tmp_path / "cache")


@pytest.fixture
def qa(settings: Settings) -> Iterator[PolicyQA]:
    with Library.open_for_writing(settings.index, MANIFEST) as library:
        for source in (ACME_2011, ACME_2008, BOLT):
            library.put(source)
    with PolicyQA.open(settings, encoder=ENCODER) as opened:
        yield opened


def test_an_answer_is_proven_by_a_verbatim_quote_of_the_company_s_newest_policy(qa: PolicyQA) -> None:
    answer = qa.ask(Question("does Acme sell my data?"))
    assert answer.status is Status.ANSWERED
    assert answer.policies == ("acme.com@2011-03-06",)
    for citation in answer.citations:
        assert ACME_2011.policy.text[citation.start : citation.end] == citation.quote
    assert answer.citations[0].quote == "We do not sell your data."


def test_as_of_an_earlier_day_the_version_of_that_day_answers(qa: PolicyQA) -> None:
    answer = qa.ask(Question("does Acme sell my data?", as_of=dt.date(2009, 1, 1)))
    assert answer.policies == ("acme.com@2008-01-01",)


def test_a_question_about_a_company_that_is_not_indexed_gets_nobody_else_s_policy(qa: PolicyQA) -> None:
    answer = qa.ask(Question("does Amazon share my data?"))
    assert answer.status is Status.UNKNOWN_COMPANY
    assert answer.citations == ()


def test_without_a_company_the_choices_are_offered(qa: PolicyQA) -> None:
    answer = qa.ask(Question("do you sell my data?"))
    assert answer.status is Status.NEEDS_COMPANY
    assert {choice.scope for choice in answer.choices} == {"acme.com", "bolt.com"}


def test_a_question_about_all_is_answered_policy_by_policy(qa: PolicyQA) -> None:
    answer = qa.ask(Question("which of these companies sell my data?"))
    assert {entry.company for entry in answer.entries} == {"Acme", "Bolt"}
    for entry in answer.entries:
        assert all(citation.policy_id == entry.policy_id for citation in entry.citations)


def untimed(answer: Answer) -> Answer:
    return replace(answer, timings_ms=Timings())


def test_the_stages_are_told_as_they_begin_and_the_answer_comes_last(qa: PolicyQA) -> None:
    question = Question("does Acme sell my data?")
    *steps, answer = qa.stream(question)
    assert [step.stage for step in steps if isinstance(step, Progress)] == [
        "routing",
        "retrieval",
        "reading",
        "writing",
        "citing",
    ]
    reading = next(step for step in steps if isinstance(step, Progress) and step.stage == "reading")
    assert reading == Progress("reading", ("acme.com@2011-03-06",), 2)
    assert isinstance(answer, Answer)
    assert untimed(answer) == untimed(qa.ask(question))


def test_a_stage_that_does_not_run_is_not_told_of(qa: PolicyQA) -> None:
    *steps, _ = qa.stream(Question("does Amazon share my data?"))
    assert steps == [Progress("routing")]
    *steps, answer = qa.stream(Question("which of these companies sell my data?"))
    assert isinstance(answer, Answer)
    assert len(answer.policies) == 2
    comparing = Progress("comparing", answer.policies)
    assert steps == [Progress("routing"), comparing, replace(comparing, done=1)]


def test_a_comparison_that_nobody_waits_for_goes_no_further(qa: PolicyQA, settings: Settings) -> None:
    class Counting:
        read_questions = 0

        def read(self, question: str, candidates: Candidates) -> Reading:
            self.read_questions += 1
            return qa.reader.read(question, candidates)

        def warm_up(self) -> None: ...

    counting = Counting()
    with PolicyQA.open(settings, encoder=ENCODER, reader=counting) as watched:
        steps = watched.stream(Question("which of these companies sell my data?"))
        while next(steps) != Progress("comparing", ("acme.com@2011-03-06", "bolt.com@2011-03-06"), done=1):
            pass
        steps.close()
    assert counting.read_questions == 1


def test_a_question_that_cannot_be_meant_is_refused_before_the_first_stage(qa: PolicyQA) -> None:
    with pytest.raises(InvalidQuestion):
        qa.stream(Question(" "))


def test_of_more_policies_than_are_compared_the_passage_index_picks_the_nearest(settings: Settings) -> None:
    about = ["We keep pets.", "Boats are fun.", "We sell your data to others.", "Trees grow."]
    with Library.open_for_writing(settings.index, MANIFEST) as library:
        for n, line in enumerate(about):
            library.put(indexed(line, domain=f"site{n}.com", company=f"Site{n}x"))
        passages = MemoryIndex()
        synchronise(library, passages)
    narrow = settings.model_copy(update={"max_compared": 2})
    with PolicyQA.open(narrow, encoder=ENCODER, passages=passages) as opened:
        answer = opened.ask(Question("which of these sites sell my data?"))
    assert len(answer.entries) == 2
    assert "site2.com@2011-03-06" in answer.policies
    assert any("2 policies" in warning for warning in answer.warnings)


def test_one_question_is_put_to_each_of_several_policies_and_versions(qa: PolicyQA) -> None:
    scopes = ("bolt.com", "acme.com@2011-03-06", "acme.com__2008-01-01")
    entries = list(qa.compare(Question("does Acme sell my data?", history=("and Bolt?",), scope="acme.com"), scopes))
    assert [entry.policy_id for entry in entries] == [each.policy.id for each in (BOLT, ACME_2011, ACME_2008)]
    for entry, source in zip(entries, (BOLT, ACME_2011, ACME_2008), strict=True):
        assert isinstance(entry, Entry)
        assert entry.citations
        for citation in entry.citations:
            assert source.policy.text[citation.start : citation.end] == citation.quote
            assert citation.policy_id == source.policy.id


def test_the_answer_about_a_policy_is_the_same_alone_and_beside_others(qa: PolicyQA) -> None:
    text = "do you sell my data?"
    for entry in qa.compare(Question(text), ("acme.com", "bolt.com")):
        assert isinstance(entry, Entry)
        alone = qa.ask(Question(text, scope=entry.policy_id))
        assert (entry.verdict, entry.citations, entry.confidence) == (alone.verdict, alone.citations, alone.confidence)


def test_a_policy_that_is_not_indexed_is_compared_with_indexed_ones(qa: PolicyQA) -> None:
    own = indexed("We never sell your data.", domain="own-1a2b", company="Mine")
    bolt, mine = qa.compare(Question("does Bolt sell my data?"), ("bolt.com", own))
    assert isinstance(bolt, Entry)
    assert isinstance(mine, Entry)
    assert (mine.policy_id, mine.company) == (own.policy.id, "Mine")
    assert [citation.quote for citation in mine.citations] == ["We never sell your data."]
    assert bolt.citations[0].quote == "Bolt sells your data to other companies."
    with pytest.raises(UsageError, match="same policy"):
        qa.compare(Question("do you sell my data?"), (own, own))


def test_a_scope_without_a_date_is_the_version_of_the_time_asked_for(qa: PolicyQA) -> None:
    asked = Question("do you sell my data?", as_of=dt.date(2009, 1, 1))
    acme, bolt = qa.compare(asked, ("acme.com", "bolt.com"))
    assert acme.policy_id == "acme.com@2008-01-01"
    assert isinstance(bolt, Entry)
    assert "oldest" in bolt.warnings[0]


@pytest.mark.parametrize(
    ("question", "scopes", "error", "says"),
    [
        ("", ("acme.com", "bolt.com"), InvalidQuestion, "empty"),
        ("what's the weather in Paris?", ("acme.com", "bolt.com"), InvalidQuestion, "not a question about privacy"),
        ("do you sell my data?", ("acme.com", "nowhere.example"), UnknownScope, "nowhere.example"),
        ("do you sell my data?", ("acme.com",), UsageError, "2 to 20"),
        ("do you sell my data?", ("acme.com",) * 21, UsageError, "21 given"),
        ("do you sell my data?", ("acme.com", "acme.com@2011-03-06"), UsageError, "same policy"),
    ],
)
def test_a_comparison_that_cannot_be_meant_is_refused_before_anything_is_answered(
    qa: PolicyQA, question: str, scopes: tuple[str, ...], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        qa.compare(Question(question), scopes)


def test_what_is_not_about_privacy_is_out_of_scope_even_with_a_scope(qa: PolicyQA) -> None:
    assert qa.ask(Question("what's the weather in Paris?", scope="acme.com")).status is Status.OUT_OF_SCOPE


def test_a_limited_service_knows_its_own_sites_only(qa: PolicyQA) -> None:
    mine = qa.limited({"acme.com"})
    assert {card.domain for card in mine.cards()} == {"acme.com"}
    assert mine.label("acme.com").domain == "acme.com"
    for scope in ("bolt.com", "bolt.com@2011-03-06"):
        with pytest.raises(UnknownScope):
            mine.ask(Question("do you sell my data?", scope=scope))


def test_what_is_limited_twice_knows_what_both_leave(qa: PolicyQA) -> None:
    assert qa.limited({"acme.com"}).limited({"bolt.com"}).cards() == ()
    assert {card.domain for card in qa.limited({"acme.com", "bolt.com"}).limited({"bolt.com"}).cards()} == {"bolt.com"}


def test_a_service_limited_to_one_site_needs_no_name_and_answers_for_no_other(qa: PolicyQA) -> None:
    mine = qa.limited({"acme.com"})
    assert mine.ask(Question("do you sell my data?")).policies == ("acme.com@2011-03-06",)
    for scope in (None, "acme.com"):
        other = mine.ask(Question("does Bolt sell my data?", scope=scope))
        assert other.status is Status.UNKNOWN_COMPANY
        assert [choice.scope for choice in other.choices] in ([], ["acme.com"])


def test_a_limited_service_sees_new_policies_and_closing_it_closes_nothing(qa: PolicyQA, settings: Settings) -> None:
    mine, before = qa.limited({"bolt.com"}), qa.generation
    mine.close()
    with Library.open_for_writing(settings.index, MANIFEST) as library:
        library.put(
            indexed("Bolt never sells data.", domain="bolt.com", company="Bolt", archived_on=dt.date(2012, 1, 1))
        )
    assert qa.generation > before
    assert len(mine.cards()) == 2


def test_policies_ingested_while_it_runs_are_seen_by_the_next_question(qa: PolicyQA, settings: Settings) -> None:
    assert qa.ask(Question("does Calm sell my data?")).status is Status.UNKNOWN_COMPANY
    with Library.open_for_writing(settings.index, MANIFEST) as library:
        library.put(indexed("Calm does not sell your data.", domain="calm.com", company="Calm"))
    assert qa.ask(Question("does Calm sell my data?")).policies == ("calm.com@2011-03-06",)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        ("  \n ", "empty"),
        ("x" * 100_000, "100,000 characters"),
        ("sell\x00 data?", "control characters"),
        ("Verkaufen Sie meine Daten und wie lange werden sie gespeichert?", "English"),
        ("Вы продаёте мои данные?", "English"),
        ("vendez-vous mes données?", "English"),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused_with_what_to_do(qa: PolicyQA, text: str, says: str) -> None:
    with pytest.raises(InvalidQuestion, match=says):
        qa.ask(Question(text))


def test_an_unknown_scope_is_refused(qa: PolicyQA) -> None:
    with pytest.raises(UnknownScope):
        qa.ask(Question("do you sell my data?", scope="nowhere.example"))


def test_without_an_index_the_error_says_to_ingest(settings: Settings) -> None:
    with pytest.raises(IndexMissing, match="ingest"):
        PolicyQA.open(settings, encoder=ENCODER)


def test_an_index_made_with_another_model_is_refused_with_rebuild(qa: PolicyQA, settings: Settings) -> None:
    with pytest.raises(IndexForeign, match="rebuild"):
        PolicyQA.open(settings, encoder=HashingEncoder(64))


def test_the_langchain_runnable_gives_the_same_answer(qa: PolicyQA) -> None:
    question = Question("does Acme use cookies?", id="7")
    direct, chained = qa.ask(question), qa.as_runnable().invoke(question)
    assert replace(direct, timings_ms=chained.timings_ms) == chained
    assert qa.as_runnable().batch([question])[0].citations == direct.citations


def test_an_answer_has_the_contract_s_json_form(qa: PolicyQA) -> None:
    data = json.loads(json.dumps(as_json(qa.ask(Question("does Acme sell my data?", id="q1")))))
    assert {"id", "question", "status", "verdict", "text", "citations", "policies", "confidence", "engine", "choices",
            "warnings", "timings_ms"} <= set(data)  # fmt: skip
    assert set(data["citations"][0]) == {"n", "policy_id", "company", "domain", "archived_on", "section", "quote",
                                         "start", "end", "url"}  # fmt: skip
    assert set(data["timings_ms"]) == {"routing", "retrieval", "reading", "writing", "total"}
    assert data["id"] == "q1"
    assert data["citations"][0]["archived_on"] == "2011-03-06"


def test_importing_qa_and_its_service_loads_no_heavy_library() -> None:
    code = (
        "import sys, qa, qa.service; "
        "print([m for m in ('torch', 'chromadb', 'gradio', 'sentence_transformers', 'onnxruntime', 'langchain_core') "
        "if m in sys.modules])"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout.strip() == "[]"


def test_with_a_chat_model_a_follow_up_is_asked_as_it_says_and_no_other_question_is_changed(
    qa: PolicyQA, settings: Settings
) -> None:
    def said(request: Request) -> Reply:
        return Reply('{"questions": ["Do you use cookies on your site?"]}' if "earlier" in request.user else "{}")

    follow_up = Question("and cookies on it?", history=("does Acme sell my data on its site?",))
    with serving(said) as server:
        model = {"llm": "openai:tiny", "llm_url": server.openai_url, "llm_api_key": "key"}
        own = Settings.model_validate({"index": settings.index, "cache": settings.cache, **model})
        with PolicyQA.open(own, encoder=ENCODER) as opened:
            answer = opened.ask(follow_up)
            rewriting = [request for request in server.requests if "earlier" in request.user]
            assert [json.loads(request.user) for request in rewriting] == [
                {"earlier": ["do you sell my data on its site?"], "question": "and cookies on it?"}
            ]
            assert answer.generation is not None
            assert answer.generation.calls == len(server.requests)
            asked = len(server.requests)
            opened.ask(Question("which of these companies sell my data?"))
            list(opened.compare(Question("do you sell my data?"), ["acme.com", "bolt.com"]))
            opened.label("acme.com")
            opened.ask_in(follow_up, BOLT)
            assert len(server.requests) == asked
    assert answer.policies == ("acme.com@2011-03-06",)
    assert answer.citations[0].quote == "We use cookies on our site."
