from __future__ import annotations

from eval.rivals import FirstSentences
from qa.domain import Candidates, Status, Verdict
from qa.encoders import HashingEncoder
from qa.retrieval import Retriever
from tests.qa.making import indexed, route_to

SOURCE = indexed("We keep nothing.", "Cookies are used.", "We sell your data to data brokers.", "We sell shoes.")


def ranked(query: str) -> Candidates:
    return Retriever(HashingEncoder()).rank(route_to(SOURCE, query), SOURCE)


def test_the_first_sentences_by_the_score_are_cited_and_the_answer_is_always_yes() -> None:
    reading = FirstSentences("bm25", most=2).read("Do you sell my data?", ranked("Do you sell my data?"))
    assert (reading.status, reading.verdict) == (Status.ANSWERED, Verdict.YES)
    assert [each.index for each in reading.evidence] == [2, 3]


def test_an_open_question_has_no_verdict() -> None:
    reading = FirstSentences("bm25").read("What do you sell?", ranked("What do you sell?"))
    assert (reading.status, reading.verdict) == (Status.ANSWERED, None)


def test_sentences_that_do_not_score_are_not_cited_and_without_any_the_policy_is_silent() -> None:
    # "cookies" is in one sentence alone, "pets" in none.
    assert [e.index for e in FirstSentences("bm25").read("Cookies?", ranked("Cookies?")).evidence] == [1]
    reading = FirstSentences("bm25").read("Any pets?", ranked("Any pets?"))
    assert (reading.status, reading.verdict, reading.evidence) == (Status.NOT_STATED, None, ())
    assert len(reading.related) == 2
