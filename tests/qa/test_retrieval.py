from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.encoders import HashingEncoder
from qa.retrieval import Retriever, TermCounts, query_text
from qa.wording import practices
from tests.qa.making import indexed, route_to

ENCODER = HashingEncoder()
POLICY = indexed(
    "We never sell your e-mail address.",
    "Cookies keep you signed in.",
    "Children under 13 may not register.",
)


def test_the_sentence_that_shares_the_question_s_words_comes_first() -> None:
    ranked = Retriever(ENCODER).rank(route_to(POLICY, "do you sell my email address"), POLICY).ranked
    assert ranked[0].sentence.span.of(POLICY.policy.text) == "We never sell your e-mail address."


def test_every_sentence_is_ranked_exactly_once() -> None:
    ranked = Retriever(ENCODER).rank(route_to(POLICY, "cookies"), POLICY).ranked
    assert sorted(c.index for c in ranked) == [0, 1, 2]
    assert [c.score for c in ranked] == sorted((c.score for c in ranked), reverse=True)


def test_a_question_in_the_policy_ranks_behind_every_statement() -> None:
    source = indexed("Do you sell my email address?", "Trees grow.", "We keep pets.")
    ranked = Retriever(ENCODER).rank(route_to(source, "do you sell my email address?"), source).ranked
    assert ranked[-1].index == 0


def test_a_follow_up_brings_the_question_that_it_follows() -> None:
    route = route_to(POLICY, "and of children?", "do you keep cookies?", "do you sell data?")
    assert query_text(route) == "do you sell data? and of children?"


def test_a_policy_without_sentences_has_no_candidates() -> None:
    empty = indexed()
    assert Retriever(ENCODER).rank(route_to(empty, "cookies"), empty).ranked == ()


def test_bm25_is_okapi_with_k1_1_2_and_b_0_75() -> None:
    counts = TermCounts.of(["cookie cookie", "data", "data share"])
    # "cookie" is in 1 of 3 texts: idf = ln(1 + 2.5/1.5) = 0.980829. Text 0 has 2 terms, the mean is 5/3, so
    # norm = 1.2 (0.25 + 0.75 * 2 / (5/3)) = 1.38 and the score is idf * 2 * 2.2 / (2 + 1.38) = 1.276819.
    expected = math.log(1 + 2.5 / 1.5) * 2 * 2.2 / 3.38
    assert counts.scores("cookies") == pytest.approx([expected, 0.0, 0.0], rel=1e-5)


def test_the_score_is_the_weighted_sum_of_its_parts() -> None:
    weights = {"cosine": 1.0, "practice": 0.5}
    ranked = Retriever(ENCODER, weights=weights).rank(route_to(POLICY, "do you sell cookies"), POLICY).ranked
    for c in ranked:
        assert c.score == pytest.approx(c.features["cosine"] + 0.5 * c.features["practice"], abs=1e-6)


def test_a_practice_is_recognised_in_whatever_words() -> None:
    assert practices("how long do you hang on to it") == practices("our retention period") == {"keep"}
    assert "share" in practices("is it sold to anybody")
    assert practices("the renter of a flat") == frozenset()


def test_a_sentence_about_the_practice_asked_about_beats_one_that_only_shares_words() -> None:
    source = indexed("We need your card number online.", "It is never stored.")
    ranked = Retriever(ENCODER, weights={"practice": 1.0}).rank(route_to(source, "do you keep my card number?"), source)
    assert ranked.ranked[0].index == 1


@pytest.mark.parametrize(("question", "first"), [("do you share my data?", 1), ("do you share aggregate data?", 0)])
def test_statistics_are_not_my_data(question: str, first: int) -> None:
    source = indexed("We may share aggregate data.", "We may share personal data.")
    assert Retriever(ENCODER).rank(route_to(source, question), source).ranked[0].index == first


@given(st.lists(st.text(max_size=60), max_size=6), st.text(max_size=60))
def test_bm25_is_never_negative_and_zero_without_a_common_term(texts: list[str], query: str) -> None:
    scores = TermCounts.of(texts).scores(query)
    assert scores.shape == (len(texts),)
    assert np.all(scores >= 0)
    assert np.all(np.isfinite(scores))
