from __future__ import annotations

import datetime as dt

import pytest

from qa.domain import Answer, Citation, Question, Route, Status, Verdict
from qa.parting import RuleRewriter, headed, parted, route_of_part, together


@pytest.mark.parametrize(
    ("question", "parts"),
    [
        (
            "does free people sell my email, and can I opt out?",
            ("does free people sell my email", "can I opt out?"),
        ),
        ("do you save the reviews i leave and who sees them", ("do you save the reviews i leave", "who sees them")),
        ("Do you share my data? And is it encrypted?", ("Do you share my data", "is it encrypted?")),
        ("how long do you keep it, and will you delete it?", ("how long do you keep it", "will you delete it?")),
        (
            "what do they collect and for how long do they keep it and who sees it",
            ("what do they collect", "for how long do they keep it", "who sees it"),
        ),
        (
            "what do you collect, who do you share it with and how long do you keep it?",
            ("what do you collect", "who do you share it with", "how long do you keep it?"),
        ),
        ("do you sell my email n can i stop it", ("do you sell my email", "can i stop it")),
        ("do you sell my email & can i stop it", ("do you sell my email", "can i stop it")),
        ("do you sell my data plus do you encrypt it", ("do you sell my data", "do you encrypt it")),
        ("do you keep my card number, if yes for how long?", ("do you keep my card number", "for how long?")),
        ("is my data sold, and to whom?", ("is my data sold", "to whom?")),
        (
            "do you use cookies, and if I block them does the site still work?",
            ("do you use cookies", "if I block them does the site still work?"),
        ),
    ],
)
def test_a_question_that_asks_several_things_is_taken_apart(question: str, parts: tuple[str, ...]) -> None:
    assert parted(question) == parts


@pytest.mark.parametrize(
    "question",
    [
        "can you tell me, do they sell my data?",
        "could you please explain, does it keep my card number?",
        "do you share my name and where I live?",
        "can I wipe the record of my IP and what I did on your site?",
        "can you delete my account and my data?",
        "do you sell or rent my address?",
        "My daughter is 11. Is she allowed to join?",
        "ok, and can I have it deleted too?",
        "if my kid did type in his details, would you take them out?",
        "do you share my email, phone number and address with third parties?",
        "how do i unsubscribe and delete my account",
        "do you sell my data or just share it?",
        "do you tell me when you change it, what changed and why?",
        "cookies and tracking",
        "can they tell what browser im using and when i was on",
        "?",
        "",
    ],
)
def test_a_question_that_asks_one_thing_stays_whole(question: str) -> None:
    assert parted(question) == (question.strip(),)


def test_a_flood_of_parts_is_read_as_one_question() -> None:
    question = " and ".join(["do you sell it"] * 50)
    assert parted(question) == (question,)


def test_a_part_that_leans_on_the_one_before_brings_it_along() -> None:
    parts = ("do you sell my email", "can I stop it?", "will you encrypt my credit card number?")
    route = Route(("acme.com@2020-01-01",), "…", context=("what about kids?",))
    routes = [route_of_part(route, parts, n) for n in range(3)]
    assert [each.query for each in routes] == list(parts)
    assert [each.context for each in routes] == [("what about kids?",), ("do you sell my email",), ()]


@pytest.mark.parametrize(
    ("question", "contexts"),
    [
        (
            "do you share or sell my email and if so can I opt out?",
            [(), ("do you share or sell my email",)],
        ),
        ("do you sell my photos, and will you tell me?", [(), ("do you sell my photos",)]),
        (
            "do you sell my email and who buys it and can I stop them?",
            [(), ("do you sell my email",), ("do you sell my email who buys it",)],
        ),
        (
            "what do you collect, who do you share it with and how long do you keep it?",
            [(), ("what do you collect",), ("what do you collect who do you share it with",)],
        ),
    ],
)
def test_what_it_means_is_looked_for_as_far_back_as_it_takes(question: str, contexts: list[tuple[str, ...]]) -> None:
    route = Route(("acme.com@2020-01-01",), question)
    assert [each.context for each in RuleRewriter().rewrite(route)] == contexts


def test_the_first_part_of_a_follow_up_brings_the_earlier_question_to_the_second() -> None:
    route = Route(("acme.com@2020-01-01",), "do they sell it, and can I stop them?", context=("do you have my email?",))
    first, second = RuleRewriter().rewrite(route)
    assert first.context == ("do you have my email?",)
    assert second.context == ("do you have my email? do they sell it",)


def test_the_answers_to_the_parts_are_numbered_through_and_silence_on_one_is_said() -> None:
    def cited(n: int) -> Citation:
        return Citation(n, "acme.com@2020-01-01", "Acme", "acme.com", dt.date(2020, 1, 1), "", f"q{n}", 0, 2, None)

    parts = ("do you sell my email", "is it encrypted", "can I stop it?")
    answers = [
        Answer("q", Status.ANSWERED, "No [1][2].", Verdict.NO, citations=(cited(1), cited(2)), confidence=0.9),
        Answer("q", Status.NOT_STATED, "The policy does not answer this.", related=(cited(1),), confidence=0.6),
        Answer("q", Status.ANSWERED, "Yes, [१] [1].", Verdict.YES, citations=(cited(1),), confidence=0.8),
    ]
    whole = together(
        Question("do you sell my email, is it encrypted and can I stop it?", id="7"),
        Route(("acme.com@2020-01-01",), "…"),
        parts,
        answers,
    )
    assert whole.status is Status.ANSWERED
    assert whole.verdict is None
    assert [citation.n for citation in whole.citations] == [1, 2, 3]
    assert whole.text == (
        "Do you sell my email?\nNo [1][2].\n\nIs it encrypted?\nThe policy does not answer this.\n\n"
        "Can I stop it?\nYes, [१] [3]."
    )
    assert [(part.status, part.verdict) for part in whole.parts] == [
        (Status.ANSWERED, Verdict.NO),
        (Status.NOT_STATED, None),
        (Status.ANSWERED, Verdict.YES),
    ]
    assert whole.related == ()
    assert whole.confidence == 0.6
    assert whole.id == "7"


def test_what_looks_like_a_marker_in_a_question_is_none_in_its_heading() -> None:
    question = Question("do you sell my email [1], and can I stop it [ 2, 3 ]?")
    parts = ("do you sell my email [1]", "can I stop it [ 2, 3 ]?")
    assert headed(question, parts, 0) == "Do you sell my email (1)?\n"
    assert headed(question, parts, 1) == "\n\nCan I stop it ( 2, 3 )?\n"
