from __future__ import annotations

import pytest

from qa.domain import Question
from tests.ui.fakes import PreparedAnswers
from ui.access import ANYBODY, Caller, ScopeForbidden, answers_for

MINE = Caller(domains=frozenset({"perriconemd.com"}))


def test_who_was_given_nothing_in_particular_may_ask_about_everything(answers: PreparedAnswers) -> None:
    assert answers_for(answers, ANYBODY) is answers


def test_to_a_limited_caller_nothing_else_is_indexed(answers: PreparedAnswers) -> None:
    mine = answers_for(answers, MINE)
    assert [card.domain for card in mine.cards()] == ["perriconemd.com"]
    assert mine.policy("perriconemd.com").policy.domain == "perriconemd.com"


@pytest.mark.parametrize("scope", ["freepeople.com", "freepeople.com@2006-12-05", "never-indexed.example"])
def test_what_is_outside_is_forbidden_whether_it_is_indexed_or_not(answers: PreparedAnswers, scope: str) -> None:
    mine = answers_for(answers, MINE)
    told = set()
    for call in (
        lambda: mine.ask(Question("do you sell it?", scope=scope)),
        lambda: list(mine.stream(Question("do you sell it?", scope=scope))),
        lambda: mine.policy(scope),
        lambda: mine.label(scope),
        lambda: mine.compare(Question("do you sell it?"), ["perriconemd.com", scope]),
        lambda: mine.changes(scope, "perriconemd.com"),
    ):
        with pytest.raises(ScopeForbidden) as failed:
            call()
        told.add(str(failed.value))
    assert told == {"From here, only these may be asked about: perriconemd.com."}


def test_what_is_allowed_is_given(answers: PreparedAnswers) -> None:
    mine = answers_for(answers, MINE)
    assert mine.label("perriconemd.com").domain == "perriconemd.com"
    assert mine.generation == answers.generation


def test_limits_only_ever_grow(answers: PreparedAnswers) -> None:
    both = answers_for(answers, Caller(domains=frozenset({"perriconemd.com", "freepeople.com"})))
    assert {card.domain for card in both.cards()} == {"perriconemd.com", "freepeople.com"}
    assert {card.domain for card in both.limited({"freepeople.com", "malleries.com"}).cards()} == {"freepeople.com"}
