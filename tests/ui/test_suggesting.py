from __future__ import annotations

from dataclasses import replace

import pytest

from qa.domain import Answer, Label, LabelRow, Question, Status
from tests.ui.fakes import PreparedAnswers, cite
from ui.suggesting import MOST_OFFERED, suggestions

ASKED = ("does Free People sell my email address?",)


@pytest.fixture
def label(answers: PreparedAnswers) -> Label:
    """A label with five answered topics, each with a sentence of its own, and a silent one."""
    source = answers.policy("freepeople.com")
    policy = source.policy
    words = ("Free People will not rent or sell", "We collect information such as")
    first, second = (cite(source, each) for each in words)

    def row(topic: str, n: int) -> LabelRow:
        citation = first if topic == "sell" else replace(second, start=second.start + n)
        return LabelRow(topic, topic, f"Do you {topic}?", Status.ANSWERED, None, "So.", (citation,), 0.9)

    topics = ("contact", "ads", "sell", "opt_out", "share")
    rows = [row(topic, n) for n, topic in enumerate(topics)]
    silent = LabelRow("retention", "Keeps", "How long?", Status.NOT_STATED, None, "Silent.", (), 0.9)
    return Label(policy.id, policy.company, policy.domain, policy.archived_on, None, (*rows, silent))


class Chain:
    """Answers everything from one policy with a citation, but for the questions that it is told not to."""

    def __init__(self, label: Label, silent: tuple[str, ...] = (), elsewhere: tuple[str, ...] = ()) -> None:
        self.label, self.silent, self.elsewhere = label, silent, elsewhere
        self.asked: list[Question] = []

    def __call__(self, question: Question) -> Answer:
        self.asked.append(question)
        citation = self.label.rows[0].citations[0]
        if question.text in self.silent:
            return Answer(question.text, Status.NOT_STATED, "Silent.", policies=(self.label.policy_id,))
        policy = "other.com@2020-01-01" if question.text in self.elsewhere else self.label.policy_id
        return Answer(question.text, Status.ANSWERED, "So [1].", citations=(citation,), policies=(policy,))


def test_what_follows_from_the_last_question_comes_first_and_what_was_asked_does_not_come(label: Label) -> None:
    assert suggestions(label, ASKED, (), Chain(label), None) == ("Do you share?", "Do you opt_out?", "Do you contact?")


def test_a_question_is_only_offered_if_this_policy_answers_it_in_this_conversation(label: Label) -> None:
    chain = Chain(label, silent=("Do you share?",), elsewhere=("Do you opt_out?",))
    assert suggestions(label, ASKED, (), chain, "freepeople.com") == ("Do you contact?", "Do you ads?")
    assert {(q.history, q.scope) for q in chain.asked} == {(ASKED, "freepeople.com")}


def test_a_silent_or_uncertain_topic_is_not_offered(label: Label) -> None:
    unsure = replace(label, rows=tuple(replace(row, sure=False) for row in label.rows))
    assert suggestions(unsure, ASKED, (), Chain(label), None) == ()


def test_a_topic_whose_proof_was_shown_already_is_not_offered_again(label: Label) -> None:
    shown = [(c.policy_id, c.start) for row in label.rows if row.topic == "share" for c in row.citations]
    assert "Do you share?" not in suggestions(label, ASKED, shown, Chain(label), None)


def test_no_more_is_asked_than_is_offered(label: Label) -> None:
    chain = Chain(label)
    assert len(suggestions(label, ASKED, (), chain, None)) == len(chain.asked) == MOST_OFFERED
