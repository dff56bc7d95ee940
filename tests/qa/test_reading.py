from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.domain import Candidates, Reading, Status, Verdict
from qa.encoders import HashingEncoder
from qa.reading import LinearModel, LinearReader, ReadingModel, is_general, is_yes_no, verdict_features
from qa.retrieval import Retriever
from tests.qa.making import indexed, route_to


def read(question: str, *lines: str) -> Reading:
    source = indexed(*lines)
    return LinearReader().read(question, Retriever(HashingEncoder()).rank(route_to(source, question), source))


@pytest.mark.parametrize(
    "question",
    [
        "do you sell my data?",
        "and could you still be holding on to some of my stuff afterwards?",
        "Please tell me whether you share my address",
        "If I close my account, will you delete everything?",
        "is it true that they never share data?",
        "so has that ever actually happened?",
        "acme sell email address",
    ],
)
def test_a_question_that_yes_or_no_answers_is_known_as_such(question: str) -> None:
    assert is_yes_no(question)


@pytest.mark.parametrize(
    "question",
    [
        "how long do you keep my data?",
        "Who looks after the adverts?",
        "and what if it turns out you already have a kid's info?",
        "acme privacy contact phone",
        "Where do I write if I have a complaint?",
        "which cookies are set",
    ],
)
def test_a_question_for_a_fact_is_open(question: str) -> None:
    assert not is_yes_no(question)


@pytest.mark.parametrize(
    ("question", "evidence", "verdict"),
    [
        ("do you sell my data?", "We do not sell your data.", "no"),
        ("do you sell my data?", "We never sell, rent or trade your personal data.", "no"),
        ("do you use cookies?", "We use cookies to remember your shopping cart.", "yes"),
        ("do you share my data?", "We only share your data with others if you give us your permission.", "conditional"),
        (
            "will you share my address?",
            "We will not share your address unless we are required to do so by law.",
            "conditional",
        ),
    ],
)
def test_polarity_and_conditions_of_the_evidence_make_the_verdict(question: str, evidence: str, verdict: str) -> None:
    probabilities = ReadingModel.bundled().verdict.probabilities(verdict_features(question, [evidence]))
    assert max(probabilities, key=lambda name: probabilities[name]) == verdict


def test_a_policy_that_shares_nothing_with_the_question_is_silent_and_silence_has_no_verdict() -> None:
    reading = read("how many employees hold a certificate?", "Cookies.", "Welcome here.")
    assert reading.status is Status.NOT_STATED
    assert reading.verdict is None
    assert reading.evidence == ()
    assert 1 <= len(reading.related) <= 2


def test_a_policy_without_sentences_is_silent() -> None:
    source = indexed()
    reading = LinearReader().read("do you sell data?", Candidates(route_to(source, "x"), source, ()))
    assert reading.status is Status.NOT_STATED


def test_open_questions_have_no_verdict() -> None:
    reading = read("how long is data kept?", "How long is data kept? Data is kept for two years.")
    assert reading.status is Status.ANSWERED
    assert reading.verdict is None


def test_a_verdict_is_one_of_three() -> None:
    reading = read("do you sell your data?", "We do not sell your data.")
    assert reading.status is Status.ANSWERED
    assert reading.verdict in set(Verdict)
    assert 0 <= reading.confidence <= 1


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
    text = json.dumps({"answered": part, "verdict": part, "answered_threshold": 0.4, "evidence_margin": 0.1})
    model = ReadingModel.parse(text)
    assert model.answered.weights["cosine"] == (0.0, 2.0)
    assert model.answered_threshold == 0.4


@pytest.mark.parametrize(
    "question", ["do you share my data?", "will you ever sell my personal information", "do you delete it"]
)
def test_a_question_that_names_a_practice_and_nothing_more_is_general(question: str) -> None:
    assert is_general(question)


@pytest.mark.parametrize(
    "question", ["do you share my address?", "do you sell my data to advertisers?", "is it raining?"]
)
def test_a_question_that_names_with_whom_or_what_is_not_general(question: str) -> None:
    assert not is_general(question)


def test_evidence_that_limits_the_practice_of_a_general_question_makes_the_answer_conditional() -> None:
    reading = read("do you share my data?", "We will only share my data with companies that deliver parcels.")
    assert reading.verdict is Verdict.CONDITIONAL
