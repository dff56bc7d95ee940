from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from qa.comparing import answer_each, compare, question_to_each
from qa.domain import Answer, Citation, Entry, FailedEntry, PolicyCard, Question, Route, Status, Verdict
from qa.errors import IndexDamaged

DAY = dt.date(2020, 1, 1)


def card(company: str) -> PolicyCard:
    domain = f"{company.lower()}.com"
    return PolicyCard(f"{domain}@2020-01-01", domain, DAY, company)


CARDS = {c.id: c for c in map(card, ["Acme", "Bolt", "Calm"])}


def answer(policy_id: str, status: Status, verdict: Verdict | None, text: str, quotes: int) -> Answer:
    cited = tuple(
        Citation(n, policy_id, CARDS[policy_id].company, CARDS[policy_id].domain, DAY, "", f"quote {n}", 0, 7, None)
        for n in range(1, quotes + 1)
    )
    return Answer("q", status, text, verdict, citations=cited, policies=(policy_id,), confidence=0.5 + 0.1 * quotes)


def ask_one(_: Question, route: Route) -> Answer:
    (policy_id,) = route.policies
    return {
        "acme.com@2020-01-01": answer(policy_id, Status.ANSWERED, Verdict.YES, "Yes [1][2].", 2),
        "bolt.com@2020-01-01": answer(policy_id, Status.ANSWERED, Verdict.NO, "No [1].", 1),
        "calm.com@2020-01-01": answer(policy_id, Status.NOT_STATED, None, "It does not say.", 0),
    }[policy_id]


def test_each_policy_has_its_own_entry_and_citations_are_numbered_through() -> None:
    route = Route(tuple(CARDS), "which of these sites sell my email?", compare=True)
    *done, result = compare(Question("which?"), route, ask_one, CARDS.__getitem__)
    assert done == list(range(1, len(CARDS)))
    assert isinstance(result, Answer)
    assert [(e.company, e.verdict) for e in result.entries] == [
        ("Acme", Verdict.YES),
        ("Bolt", Verdict.NO),
        ("Calm", None),
    ]
    # Acme has citations 1 and 2, so Bolt's only one is number 3, in its entry's text too.
    assert [c.n for c in result.citations] == [1, 2, 3]
    assert result.entries[1].text == "No [3]."
    assert result.entries[2].text == "The policy does not say."
    assert result.text == "Yes: Acme [1].\nNo: Bolt [3].\nThe policy does not say: Calm."
    assert result.status is Status.ANSWERED
    assert result.confidence == 0.5


def test_where_no_policy_says_anything_the_comparison_is_not_stated() -> None:
    route = Route(("calm.com@2020-01-01",), "sell?", compare=True)
    (result,) = compare(Question("which?"), route, ask_one, CARDS.__getitem__)
    assert isinstance(result, Answer)
    assert result.status is Status.NOT_STATED


@pytest.mark.parametrize(
    ("asked", "put"),
    [
        ("which of these sites sell my email?", "do you sell my email?"),
        ("which companies share data with advertisers", "do you share data with advertisers"),
        ("Which of them will delete my account?", "will delete my account?"),
        ("do any of them use cookies?", "do you use cookies?"),
        ("do you sell my email?", "do you sell my email?"),
    ],
)
def test_a_question_about_all_is_put_to_each(asked: str, put: str) -> None:
    assert question_to_each(asked) == put


def test_each_policy_is_asked_for_itself_in_order_and_its_citations_begin_at_one() -> None:
    asked: list[str] = []

    def ask(question: Question, route: Route) -> Answer:
        asked.append(f"{route.policies[0]}: {route.query}")
        return ask_one(question, route)

    routes = [Route((policy_id,), "which of these sites sell my email?") for policy_id in reversed(CARDS)]
    entries = answer_each(Question("which?"), routes, ask, CARDS.__getitem__)
    first = next(entries)
    assert asked == ["calm.com@2020-01-01: do you sell my email?"]  # the others wait until they are wanted
    rest = list(entries)
    assert [entry.company for entry in (first, *rest)] == ["Calm", "Bolt", "Acme"]
    assert [[c.n for c in entry.citations] for entry in rest if isinstance(entry, Entry)] == [[1], [1, 2]]
    assert isinstance(rest[0], Entry)
    assert rest[0].text == "No [1]."


@pytest.mark.parametrize(
    ("failure", "says"), [(IndexDamaged("It is damaged: rebuild."), "damaged"), (ZeroDivisionError(), "went wrong")]
)
def test_a_policy_that_fails_says_why_and_does_not_lose_the_others(
    failure: Exception, says: str, caplog: pytest.LogCaptureFixture
) -> None:
    def ask(question: Question, route: Route) -> Answer:
        if route.policies[0].startswith("bolt"):
            raise failure
        return ask_one(question, route)

    routes = [Route((policy_id,), "do you sell my secret?") for policy_id in CARDS]
    acme, bolt, calm = answer_each(Question("do you sell my secret?"), routes, ask, CARDS.__getitem__)
    assert isinstance(acme, Entry)
    assert isinstance(calm, Entry)
    assert isinstance(bolt, FailedEntry)
    assert bolt.company == "Bolt"
    assert says in bolt.problem
    assert "secret" not in caplog.text


def test_what_an_answer_warns_of_stays_with_its_entry() -> None:
    def ask(question: Question, route: Route) -> Answer:
        return replace(ask_one(question, route), warnings=("The text is cut off.",))

    (entry,) = answer_each(Question("q"), [Route(("acme.com@2020-01-01",), "q")], ask, CARDS.__getitem__)
    assert isinstance(entry, Entry)
    assert entry.warnings == ("The text is cut off.",)
