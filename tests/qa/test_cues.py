from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.cues import affirming, is_general, is_yes_no, limits, may_deny, straight, tidied, verdict_features


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
    "question", ["do you share my data?", "will you ever sell my personal information", "do you delete it"]
)
def test_a_question_that_names_a_practice_and_nothing_more_is_general(question: str) -> None:
    assert is_general(question)


@pytest.mark.parametrize(
    "question", ["do you share my address?", "do you sell my data to advertisers?", "is it raining?"]
)
def test_a_question_that_names_with_whom_or_what_is_not_general(question: str) -> None:
    assert not is_general(question)


@pytest.mark.parametrize(
    ("question", "evidence", "limited"),
    [
        ("do you share my data?", "We will only share data with companies that deliver parcels.", True),
        ("do you share my data?", "We do not share data unless the law requires it.", True),
        ("do you share my data?", "We do not share data.", False),
        ("do you share my data with advertisers?", "We only share data with advertisers.", False),
    ],
)
def test_evidence_limits_what_a_general_question_asks_about(question: str, evidence: str, limited: bool) -> None:
    assert (is_general(question) and limits(question, evidence)) is limited


@pytest.mark.parametrize(
    ("question", "plain"),
    [
        ("is it true that they never sell my data?", "do they sell my data?"),
        ("Is it true that Free People does not sell my data", "does Free People sell my data"),
        ("Is it correct that you can't see my card number?", "can you see my card number?"),
        ("do they NOT sell my data?", "do they sell my data?"),
        ("does NOT sell my data", "does sell my data"),
        ("Does Acme Shop never share my email with anyone?", "does Acme Shop share my email with anyone?"),
        ("so they never share my data?", "do they share my data?"),
        ("they won't give my address away?", "will they give my address away?"),
        ("If I unsubscribe, will Acme never write again?", "If I unsubscribe, will Acme write again?"),
    ],
)
def test_a_question_in_the_negative_is_asked_the_other_way_round(question: str, plain: str) -> None:
    assert straight(question) == (plain, True)


@pytest.mark.parametrize(
    "question",
    [
        "do you sell my data?",
        "do you honor do not track signals?",
        "My browser sends Do Not Track. Does Acme behave differently?",
        "do not sell my info link?",
        "Do people who aren't on staff see my data?",
        "will my data stay in Europe or not",
        "Could you use invisible trackers, not just cookies?",
        "Do you leave a cookie that never expires?",
    ],
)
def test_a_negation_that_is_not_the_question_s_own_stays(question: str) -> None:
    assert straight(question) == (question, False)


def test_a_contracted_question_means_the_same_as_without() -> None:
    assert straight("don't you sell my data?") == ("do you sell my data?", False)


@given(st.text(max_size=200))
def test_any_text_can_be_asked_straight(question: str) -> None:
    plain, turned = straight(question)
    assert turned or len(plain) <= len(question)


def test_conditions_of_the_evidence_are_seen_apart_from_those_of_the_question() -> None:
    features = verdict_features("do you sell data?", ["We only sell data with your consent.", "We never rent it."])
    assert features["first:only"] == features["first:consent"] == 1.0
    assert features["rest:never"] == 1.0
    assert "question:only" not in features


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("do you know which of your newsletters i read?", True),
        ("do you know what I look at", True),
        ("do you know how i can delete my account?", False),
        ("do you know how long they keep my data?", False),
        ("u ever gonna ask me what religion i am", True),
        ("acme signer ip address visible to author", True),
        ("so this is only about what happens online, right?", True),
        ("acme log files retention period", False),
        ("minimum age to sign up at acme", False),
        ("acme donor list sold to others", True),
        ("acme opt out link", False),
    ],
)
def test_what_looks_like_the_other_kind_of_question(question: str, answer: bool) -> None:
    assert is_yes_no(question) is answer


@pytest.mark.parametrize(
    ("question", "evidence", "answer"),
    [
        ("do you disclose data?", "We reserve the right to disclose data as required by law.", False),
        ("do you disclose data?", "We do not disclose data.", True),
        ("do you sell data?", "We share data in aggregate form.", True),
        ("do you keep all my data?", "We keep your name.", True),
    ],
)
def test_a_plain_statement_cannot_deny(question: str, evidence: str, answer: bool) -> None:
    assert may_deny(question, [evidence]) is answer


@pytest.mark.parametrize(
    ("question", "evidence", "says"),
    [
        ("do you use cookies?", ["Cookies are not tied to your name.", "We use cookies to count visits."], 1),
        ("do you use cookies?", ["Our partners put cookies there."], None),  # another verb
        ("do you use cookies?", ["Advertisers use cookies."], None),  # not said of the company or the reader
        ("do you use cookies?", ["We use cookies.", "We do not use cookies in the shop."], None),
        ("do you use any cookies?", ["We use cookies."], None),  # claims more, so a fact may refute it
        ("do you never use cookies?", ["We use cookies."], None),
        ("cookies?", ["We use cookies."], None),  # one word says too little
    ],
)
def test_what_is_asked_is_said_in_its_own_words(question: str, evidence: list[str], says: int | None) -> None:
    assert affirming(question, evidence) == says


@pytest.mark.parametrize(
    ("typed", "question"),
    [
        ("do you sell my data??", "do you sell my data?"),
        ("do you sell my data...", "do you sell my data?"),
        ("hi, do you sell my data? thanks", "do you sell my data?"),
        ("can you tell me, do you sell my data", "do you sell my data?"),
        ("please tell me whether you sell my data.", "do you sell my data?"),
        ("tell me if I can opt out", "tell me if I can opt out?"),
        ("can you tell me how long you keep it", "how long you keep it?"),
        ("Can you please delete my data?", "Can you please delete my data?"),
        ("please", "please?"),
    ],
)
def test_what_stands_around_a_question_is_taken_off(typed: str, question: str) -> None:
    assert tidied(typed) == question


@pytest.mark.parametrize("text", ["." + " " * 1998 + "x", ". " * 1000, ", " * 1000, "and " * 500])
def test_marks_and_spaces_take_no_time(text: str) -> None:
    start = time.process_time()
    straight(text)
    assert time.process_time() - start < 0.2  # measured 0.05 s; 0.8 s before


@pytest.mark.parametrize("marks", ["?" * 1_990, "? " * 995, "\n" * 1_990])
def test_marks_within_a_question_take_no_time(marks: str) -> None:
    start = time.process_time()
    assert tidied(f"does it{marks}sell") == f"does it{marks}sell?"
    assert time.process_time() - start < 0.1  # measured 0.01 s; 0.24 s before


@given(st.text(max_size=60))
def test_tidying_ends_every_text_with_one_mark_and_twice_is_once(text: str) -> None:
    assert tidied(text).endswith("?")
    assert not tidied(text).endswith("??")
