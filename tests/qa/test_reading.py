from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.domain import Candidates, Reading, Status, Verdict
from qa.encoders import HashingEncoder
from qa.judging import Judgement
from qa.reading import MAX_EVIDENCE, EvidenceReader, LinearModel, ReadingModel
from qa.retrieval import Retriever
from tests.qa.making import indexed, route_to

CERTAIN = {Verdict.YES: (-0.1, -3.0, -3.0), Verdict.NO: (-3.0, -0.1, -3.0), Verdict.CONDITIONAL: (-3.0, -3.0, -0.1)}


class ByWords:
    """A judge that knows verdicts by a word, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def judge(self, question: str, texts: Sequence[str]) -> list[Judgement]:
        self.asked += [(question, text) for text in texts]
        return [Judgement(CERTAIN[self._of(text)]) for text in texts]

    def warm_up(self) -> None: ...

    @staticmethod
    def _of(text: str) -> Verdict:
        return Verdict.CONDITIONAL if "unless" in text else Verdict.NO if "never" in text else Verdict.YES


MODEL = ReadingModel(
    proof=LinearModel(("other", "proof"), (0.0, -1.0), {"cosine": (0.0, 5.0)}),
    answered=LinearModel(("silent", "answered"), (0.0, -1.0), {"cosine": (0.0, 5.0)}),
    verdict=LinearModel(
        ("conditional", "no", "yes"),
        (0.0, 0.0, 0.0),
        {
            "judge:yes": (0.0, 0.0, 1.0),
            "judge:no": (0.0, 1.0, 0.0),
            "judge:conditional": (1.0, 0.0, 0.0),
        },
    ),
    right=LinearModel(("wrong", "right"), (0.0, 0.0), {"answered": (0.0, 0.5), "verdict": (0.0, 0.5)}),
    answered_threshold=0.5,
    evidence_threshold=0.5,
)


def read(question: str, *lines: str, judge: ByWords | None = None, model: ReadingModel = MODEL) -> Reading:
    source = indexed(*lines)
    ranked = Retriever(HashingEncoder()).rank(route_to(source, question), source)
    return EvidenceReader(judge or ByWords(), model).read(question, ranked)


def quoted(reading: Reading) -> list[str]:
    return [candidate.sentence.span.of(reading.source.policy.text) for candidate in reading.evidence]


def test_the_best_ranked_sentence_is_evidence_and_another_only_if_it_is_likely_enough() -> None:
    reading = read("do you sell data?", "We never sell data.", "Call us on Mondays.")
    assert quoted(reading) == ["We never sell data."]
    assert reading.verdict is Verdict.NO


class KnowsProof(ByWords):
    """Says of a sentence with a price in it that it answers, of others that they do not."""

    def judge(self, question: str, texts: Sequence[str]) -> list[Judgement]:
        return [
            replace(judgement, answers=4.0 if "$" in text else -4.0)
            for judgement, text in zip(super().judge(question, texts), texts, strict=True)
        ]


def test_a_sentence_that_answers_by_what_the_judge_says_goes_before_one_that_looks_nearer() -> None:
    near, proof = "We sell data, data and data.", "It costs $5 to sell."
    model = replace(MODEL, proof=LinearModel(("other", "proof"), (0.0, 0.0), {"answers": (0.0, 1.0)}))
    reading = read("what does it cost to sell data?", near, proof, judge=KnowsProof(), model=model)
    assert quoted(reading) == [proof]


def test_the_policy_is_silent_where_nothing_answers_by_what_the_judge_says() -> None:
    model = replace(MODEL, answered=LinearModel(("silent", "answered"), (0.0, 0.0), {"answers": (0.0, 1.0)}))
    lines = ["We never sell data.", "We sell no data."]
    assert read("do you sell data?", *lines, judge=KnowsProof(), model=model).status is Status.NOT_STATED
    priced = read("do you sell data?", *lines, "Data is sold for $5.", judge=KnowsProof(), model=model)
    assert priced.status is Status.ANSWERED


def test_the_exception_in_a_second_sentence_changes_the_verdict() -> None:
    judge = ByWords()
    reading = read("do you sell data?", "We never sell data.", "We may sell data unless you object.", judge=judge)
    assert len(reading.evidence) == 2
    assert reading.verdict is Verdict.CONDITIONAL
    assert set(reading.leanings) == {Verdict.NO, Verdict.CONDITIONAL}
    assert any("never" in text and "unless" in text for _, text in judge.asked)


def test_evidence_is_never_a_dump_of_quotes() -> None:
    assert len(read("do you sell data?", *[f"We never sell data {n}." for n in range(9)]).evidence) == MAX_EVIDENCE


def test_a_question_in_the_negative_gets_the_opposite_verdict() -> None:
    line = "We never sell data."
    assert read("do you sell data?", line).verdict is Verdict.NO
    assert read("is it true that you never sell data?", line).verdict is Verdict.YES
    assert read("is it true that you never sell data?", line).leanings == (Verdict.YES,)


def test_where_nothing_is_proof_the_policy_is_silent_and_silence_has_no_verdict() -> None:
    reading = read("do you sell my details?", "Cookies.", "Welcome here.")
    assert reading.status is Status.NOT_STATED
    assert reading.verdict is None
    assert reading.evidence == ()
    assert 1 <= len(reading.related) <= 2
    assert reading.confidence == pytest.approx(1 / (1 + math.exp(-1)))  # the bias of "answered", turned round


def test_a_policy_without_sentences_is_silent() -> None:
    source = indexed()
    reading = EvidenceReader(ByWords(), MODEL).read("do you sell data?", Candidates(route_to(source, "x"), source, ()))
    assert reading.status is Status.NOT_STATED


def test_open_questions_have_no_verdict_and_no_leanings() -> None:
    reading = read("how long is data kept?", "We say how long data is kept: two years.")
    assert reading.status is Status.ANSWERED
    assert reading.verdict is None
    assert reading.leanings == ()


def test_a_follow_up_is_judged_with_the_question_that_it_follows() -> None:
    source = indexed("We never sell data.")
    judge = ByWords()
    route = route_to(source, "and to advertisers?", "do you sell data?")
    EvidenceReader(judge, MODEL).read("and to advertisers?", Retriever(HashingEncoder()).rank(route, source))
    assert judge.asked[0][0] == "do you sell data? and to advertisers?"


def test_a_plain_statement_never_becomes_a_no() -> None:
    class SaysNo(ByWords):
        @staticmethod
        def _of(text: str) -> Verdict:
            return Verdict.NO

    assert read("do you sell data?", "We sell data.", judge=SaysNo()).verdict is not Verdict.NO
    assert read("do you sell data?", "We never sell data.", judge=SaysNo()).verdict is Verdict.NO


def test_what_is_said_in_the_question_s_own_words_is_not_undone_by_a_denial_of_something_else() -> None:
    denial, said = "Cookies never say who you are.", "We use cookies."
    reading = read("do you use cookies?", denial, said)
    assert reading.verdict is Verdict.YES
    assert quoted(reading)[0] == said
    assert read("do you use cookies?", "We never use cookies.", "We use cookies on our shop.").verdict is Verdict.NO


def test_a_general_question_whose_evidence_limits_the_practice_is_conditional() -> None:
    reading = read("do you share my data?", "We will only share my data with companies that deliver parcels.")
    assert reading.verdict is Verdict.CONDITIONAL


@given(st.dictionaries(st.sampled_from(["a", "b", "unknown"]), st.floats(-50, 50)))
def test_probabilities_sum_to_one_and_unknown_features_count_nothing(features: dict[str, float]) -> None:
    model = LinearModel(("no", "yes"), (0.1, -0.2), {"a": (1.0, -1.0), "b": (0.5, 2.0)})
    found = model.probabilities(features)
    assert sum(found.values()) == pytest.approx(1)
    known = {name: value for name, value in features.items() if name != "unknown"}
    assert found == model.probabilities(known)


def test_a_linear_model_is_the_softmax_of_its_scores() -> None:
    # Scores: no 0 + 1·2 = 2, yes 1 + 0·2 = 1; softmax(2, 1) = 1/(1+e^-1) = 0.731059 for "no".
    model = LinearModel(("no", "yes"), (0.0, 1.0), {"a": (1.0, 0.0)})
    assert model.probabilities({"a": 2.0})["no"] == pytest.approx(0.731059, abs=1e-6)


def test_weights_survive_their_json_form() -> None:
    part = {"labels": ["silent", "answered"], "bias": [0.0, 0.5], "weights": {"cosine": [0.0, 2.0]}}
    parts = dict.fromkeys(("proof", "answered", "verdict", "right"), part)
    model = ReadingModel.parse(json.dumps({**parts, "answered_threshold": 0.4, "evidence_threshold": 0.1}))
    assert model.answered.weights["cosine"] == (0.0, 2.0)
    assert model.answered_threshold == 0.4
