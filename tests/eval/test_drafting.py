from __future__ import annotations

import json

import pytest

from eval.cases import Gold
from eval.drafting import QUESTIONS, Proposal, by_model, by_rules, chosen, values_of
from qa.domain import Answer, Question
from qa.errors import ChatModelFailed
from tests.chatting import ScriptedModel
from tests.eval.making import answer
from tests.qa.indexing import made_up
from tests.qa.making import indexed

SELL = "We never sell your data."
SOURCE = indexed(SELL, "We share your address with the carrier.", "Orders are kept for six years.")


class Prepared:
    """Answers the first two standard questions, is silent about the third, and takes the others for no questions."""

    def ask_plainly(self, question: Question) -> Answer:
        n = [text for _, text in QUESTIONS].index(question.text)
        if n == 0:
            return answer("no", SELL, policy_id=SOURCE.policy.id)
        if n == 1:
            return answer(None, "We share your address\nwith the carrier.", policy_id=SOURCE.policy.id)
        return answer(None, status="not_stated" if n == 2 else "out_of_scope")


def test_rules_propose_what_the_extractive_engine_finds() -> None:
    told: list[int] = []
    proposals = list(by_rules(SOURCE, Prepared(), 20, on_progress=lambda done, total, _: told.append(total - done)))
    assert [(each.verdict, each.evidence) for each in proposals] == [
        (Gold.NO, (SELL,)),
        (Gold.STATED, ("We share your address with the carrier.",)),
        (Gold.NOT_STATED, ()),
    ]
    assert told[-1] == 0


def test_the_surest_are_chosen_and_at_most_a_quarter_of_them_is_silence() -> None:
    answered = [Proposal(f"q{n}?", Gold.YES, (f"Sentence {n}.",), sureness=n / 10) for n in range(6)]
    silent = [Proposal(f"s{n}?", Gold.NOT_STATED, sureness=0.9) for n in range(6)]
    picked = chosen([*silent, *answered], 4)
    assert [each.question for each in picked] == ["s0?", "q3?", "q4?", "q5?"]
    assert len(chosen(silent, 4)) == 4
    assert len(chosen(answered, 50)) == 6


def test_a_sentence_proves_only_one_question_of_a_topic() -> None:
    twice = [Proposal(f"{n}?", Gold.NO, (SELL,), "sale", sureness=n / 10) for n in (1, 2)]
    assert [each.question for each in chosen(twice, 5)] == ["2?"]


def test_drafts_say_that_they_are_drafts_and_have_ids_of_their_own() -> None:
    proposals = [Proposal("Do you sell it?", Gold.NO, (SELL,)), Proposal("Kept?", Gold.NOT_STATED)]
    drafts = list(values_of(proposals, "a.com", ["a.com-kept"]))
    assert [each["id"] for each in drafts] == ["a.com-do-you-sell-it", "a.com-kept-2"]
    assert {each["status"] for each in drafts} == {"draft"}
    assert "evidence" not in drafts[1]


def said(*cases: tuple[str, str, list[object]]) -> str:
    return json.dumps({"cases": [{"question": q, "verdict": v, "quotes": quotes} for q, v, quotes in cases]})


def test_of_a_chat_model_only_what_the_policy_proves_is_proposed() -> None:
    model = ScriptedModel([said(
        ("Do you sell my data?", "no", ["we never sell your data"]),
        ("Do you sell my email?", "yes", ["We sell your email to everybody."]),
        ("Do you sell my data?", "yes", [SELL]),  # asked already
        ("How do I share a cake recipe with an elephant?", "stated", []),
        ("Is my address shared?", "maybe", [SELL]),
        ("Is my data kept?", "yes", [7]),
    )])  # fmt: skip
    drafted = by_model(SOURCE, model, 10)
    assert [(each.question, each.verdict, each.evidence) for each in drafted.proposals] == [
        ("Do you sell my data?", Gold.NO, (SELL,))
    ]
    assert drafted.unproven == 1
    assert json.loads(model.asked[0][1])["policy"].startswith(SELL)


def test_a_chat_model_that_fails_at_once_is_told_and_later_it_leaves_what_there_is() -> None:
    down = ChatModelFailed("unreachable", "It is down.")
    long = made_up("a.com", *(f"{n}. We never sell your data{', and so on' * 300}." for n in range(4)))
    with pytest.raises(ChatModelFailed):
        by_model(long, ScriptedModel([down]), 10)
    quote = "0. We never sell your data, and so on, and so on"
    model = ScriptedModel([said(("Do you sell my data?", "no", [quote])), down])
    drafted = by_model(long, model, 10)
    assert (len(drafted.proposals), drafted.problem) == (1, "It is down.")
    assert all(len(json.loads(user)["policy"]) <= 7_000 for _, user, _ in model.asked)


def test_nonsense_from_a_chat_model_proposes_nothing() -> None:
    assert by_model(SOURCE, ScriptedModel(["I'd rather not."]), 5).proposals == ()
