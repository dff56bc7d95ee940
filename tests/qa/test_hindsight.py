from __future__ import annotations

import pytest

from qa.domain import Lookback, Looking
from qa.hindsight import asks_more, find_lookback, may_look_back


@pytest.mark.parametrize(
    ("question", "kind", "about"),
    [
        ("what changed?", Looking.CHANGES, ""),
        ("what changed about selling?", Looking.CHANGES, "selling"),
        ("What has changed in your policy on cookies over the years?", Looking.CHANGES, "cookies"),
        ("how has your policy on children changed?", Looking.CHANGES, "children"),
        ("what's new in the policy about deleting my information?", Looking.CHANGES, "deleting my information"),
        ("please show me the changes", Looking.CHANGES, ""),
        ("what are the differences between the versions?", Looking.CHANGES, ""),
        ("did you change your policy on sharing?", Looking.CHANGED, "sharing"),
        ("has the policy on cookies changed?", Looking.CHANGED, "cookies"),
        ("did they change how they share data?", Looking.CHANGED, "share data"),
        ("has anything changed about location?", Looking.CHANGED, "location"),
        ("have you changed what it says about children?", Looking.CHANGED, "children"),
        ("did you change your contact email?", Looking.CHANGED, "contact email"),
    ],
)
def test_what_changed_has_a_topic(question: str, kind: Looking, about: str) -> None:
    assert find_lookback(question) == Lookback(kind, about=about)


@pytest.mark.parametrize(
    ("question", "kind", "put"),
    [
        ("when did they start sharing with advertisers?", Looking.SINCE, "do they share with advertisers?"),
        ("since when do you use Google Analytics?", Looking.SINCE, "do you use Google Analytics?"),
        ("how long have you been collecting my location?", Looking.SINCE, "do you collect my location?"),
        ("when did they stop selling data?", Looking.UNTIL, "do they sell data?"),
        ("did they use to sell my data?", Looking.BEFORE, "do they sell my data?"),
        ("did you share my data in the past?", Looking.BEFORE, "do you share my data?"),
        ("what did it say about cookies before?", Looking.BEFORE, "what does it say about cookies?"),
        ("what did the old policy say about cookies?", Looking.BEFORE, "what does it say about cookies?"),
        ("have they always kept my data?", Looking.ALWAYS, "do they keep my data?"),
        ("has it always been possible to opt out?", Looking.ALWAYS, "is it possible to opt out?"),
        ("have you started selling my data?", Looking.STARTED, "do you sell my data?"),
        ("have they stopped selling my data?", Looking.STOPPED, "do they sell my data?"),
    ],
)
def test_what_was_so_is_put_to_each_version_in_the_present(question: str, kind: Looking, put: str) -> None:
    assert find_lookback(question) == Lookback(kind, question=put)


@pytest.mark.parametrize("question", ["have you never sold my data?", "have you always refused to sell my data?"])
def test_never_is_the_opposite_of_always(question: str) -> None:
    assert find_lookback(question) == Lookback(Looking.ALWAYS, question="do you sell my data?", never=True)


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("has it always been so?", Looking.ALWAYS),
        ("was it always like that?", Looking.ALWAYS),
        ("is that new?", Looking.NEW),
        ("and since when?", Looking.SINCE),
        ("and before?", Looking.BEFORE),
    ],
)
def test_some_questions_lean_on_the_one_before(question: str, kind: Looking) -> None:
    assert find_lookback(question) == Lookback(kind)


@pytest.mark.parametrize(
    "question",
    [
        "how will you tell me about changes to this policy?",
        "will I be notified when the policy changes?",
        "what happens if you change this policy?",
        "have you ever changed your policy without telling users?",
        "did you change your policy without notice?",
        "when was this policy last updated?",
        "how do I know what changed?",
        "what changes can I make to my account?",
        "how can I change my email?",
        "has my password changed?",
        "do you always encrypt data?",
        "is my data used to train AI?",
        "when will you stop sending me emails?",
        "can I see what you collected before I registered?",
        "what is new?",
    ],
)
def test_ordinary_questions_stay_ordinary(question: str) -> None:
    assert find_lookback(question) is None


def test_times_make_keywords_a_question_about_versions() -> None:
    assert find_lookback("changes about cookies", timed=True) == Lookback(Looking.CHANGES, about="cookies")
    assert find_lookback("changes about cookies") is None


def test_a_topic_alone_goes_on_asking_what_changed() -> None:
    assert asks_more("and about cookies?") == "cookies"
    assert asks_more("do you use cookies?") == ""


def test_most_questions_are_not_looked_at_twice() -> None:
    assert not may_look_back("do you sell my data?")
    assert may_look_back("did they use to sell my data?")
