from __future__ import annotations

import pytest

from eval.cases import Case, Gold, Kind
from eval.metrics import Marks, Score, flat, mark
from eval.report.mistakes import Mistake, mistake_of
from qa.domain import Answer, Status
from tests.eval.making import COOKIES, OTHER_ID, SELL, TEXTS, answer, case
from tests.eval.report.making import about_all

FLAT = {stem: flat(text) for stem, text in TEXTS.items()}
SELLS = case("a", "no", SELL)


@pytest.mark.parametrize(
    ("given", "mistake"),
    [
        (None, Mistake.NO_ANSWER),
        (answer("no", "Invented words."), Mistake.UNVERIFIED),
        (answer("no", "We sell your data to anyone.", policy_id=OTHER_ID), Mistake.WRONG_POLICY),
        (answer(None, status="not_stated"), Mistake.MISSED),
        (answer("yes", SELL), Mistake.WRONG_VERDICT),
        (answer("no", COOKIES), Mistake.WRONG_PASSAGE),
        (answer("no"), Mistake.WRONG_PASSAGE),
    ],
)
def test_each_way_of_being_wrong_has_its_name(given: Answer | None, mistake: Mistake) -> None:
    assert mistake_of(mark(SELLS, given, FLAT)) is mistake


def test_an_answer_where_the_policy_is_silent_is_invented() -> None:
    assert mistake_of(mark(case("d", "not_stated"), answer("yes", SELL), FLAT)) is Mistake.INVENTED


def test_a_question_to_be_turned_away_that_was_answered_is_a_wrong_kind_of_reply_whatever_it_cites() -> None:
    weather = Case("w", "will it rain?", Kind.YES_NO, statuses=(Status.OUT_OF_SCOPE,))
    assert mistake_of(mark(weather, answer("yes", SELL), FLAT)) is Mistake.WRONG_STATUS


def test_of_several_policies_the_worst_mistake_counts() -> None:
    silent = Score(Kind.YES_NO, Gold.YES, Gold.NOT_STATED)
    wrong = Score(Kind.YES_NO, Gold.YES, Gold.NO, (True,))
    assert mistake_of(Marks(entries=(wrong, silent))) is Mistake.MISSED


def test_a_case_that_a_run_only_says_is_wrong_is_wrong_in_another_way() -> None:
    assert mistake_of(None) is Mistake.OTHER
    assert mistake_of(mark(about_all("x"), None, FLAT)) is Mistake.NO_ANSWER


def test_every_mistake_is_explained() -> None:
    assert all(mistake.meaning.endswith(".") for mistake in Mistake)
