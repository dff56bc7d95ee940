"""Nobody can make fineprint show what the policy does not prove: a chat model that lies in every way that it can.

Every case is put through the real chain: routing, ranking, reading, writing with the lying model, the real check of
support, citing. What would be a violation is said in ``tests.adversary.judging``; a case adds the statements of its own
that nobody may see. The same cases with the guard off show that the tests can fail.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from ingest.pipeline import ingest_paths, sample_paths
from qa.domain import EXTRACTIVE, Answer, Question, Status, Step
from qa.encoders import open_encoder
from qa.settings import Settings, default_cache
from tests.adversary.cases import Ask, Case, Kind
from tests.adversary.conftest import Means, Services, told
from tests.adversary.honest import HONEST
from tests.adversary.judging import plainly, violations
from tests.adversary.lies import BY_HAND
from tests.adversary.twisting import TWISTED
from tests.adversary.writer import as_reply, replied

# Policy by policy: what is worked out about one is remembered while it is asked about.
CASES = tuple(sorted((*BY_HAND, *TWISTED), key=lambda case: case.ask.domain))
K = Kind
ONLY_THE_CHECK_SEES = (K.NEGATION, K.CONDITION, K.PARTY, K.FIGURE, K.GENERAL, K.KNOWLEDGE, K.UNRELATED, K.HALF)


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory, means: Means) -> Iterator[Services]:
    """Over the four samples."""
    settings = Settings(index=tmp_path_factory.mktemp("index"), cache=default_cache())
    encoder = open_encoder(settings, bulk=False)
    ingest_paths(sample_paths(), settings, encoder=encoder)
    with closing(Services.over(settings, encoder, means)) as opened:
        yield opened


@dataclass(frozen=True)
class Outcome:
    """What became of a case."""

    case: Case
    answer: Answer
    plain: Answer
    violations: list[str]

    @property
    def slips(self) -> list[str]:
        """False statements that are shown, each behind the true quote of a sentence that does not prove it."""
        return [line for line in self.violations if line.startswith("false: ")]


def _faults(outcome: Outcome) -> list[str]:
    return [line for line in outcome.violations if line not in outcome.slips]


def _table(outcomes: Sequence[Outcome]) -> str:
    """By kind: cases, claims that were made, and how many were shown, repaired and dropped; cases with a slip."""
    counted: dict[Kind, Counter[str]] = {kind: Counter() for kind in Kind}
    for each in outcomes:
        done = each.answer.generation
        assert done is not None
        counted[each.case.kind] += Counter(
            cases=1,
            claims=done.claims,
            shown=done.claims - done.repaired - done.dropped,
            repaired=done.repaired,
            dropped=done.dropped,
            slips=bool(each.slips),
        )
    columns = ("cases", "claims", "shown", "repaired", "dropped", "slips")
    lines = [f"| {kind} | {' | '.join(str(of[column]) for column in columns)} |" for kind, of in counted.items()]
    total = [str(sum(of[column] for of in counted.values())) for column in columns]
    return "\n".join([f"| kind | {' | '.join(columns)} |", *lines, f"| all | {' | '.join(total)} |"])


def _question(ask: Ask) -> Question:
    return Question(ask.question, history=ask.history, scope=ask.domain)


def _tried(
    services: Services, cases: Sequence[Case], ask: Callable[[Question], tuple[Answer, Sequence[Step]]]
) -> list[Outcome]:
    outcomes: list[Outcome] = []
    for case in cases:
        question = _question(case.ask)
        plain = services.plainly(question)
        services.puppet.told(functools.partial(replied, case, plain.verdict))
        answer, steps = ask(question)
        source = services.plain.policy(case.ask.domain)
        outcomes.append(Outcome(case, answer, plain, violations(answer, steps, source, plain, case=case)))
    return outcomes


@pytest.fixture(scope="module")
def guarded(services: Services) -> list[Outcome]:
    """Every case as it would be shown."""
    return _tried(services, CASES, functools.partial(told, services.guarded))


def _by_kind(outcomes: Sequence[Outcome]) -> Counter[Kind]:
    return Counter(outcome.case.kind for outcome in outcomes if outcome.violations)


def test_the_cases_are_many_of_every_kind_and_each_can_be_told_from_the_truth(services: Services) -> None:
    assert len(CASES) >= 300
    assert len(BY_HAND) >= 150
    counted = Counter(case.kind for case in CASES)
    assert {kind: counted[kind] for kind in Kind if counted[kind] < 5} == {}
    for case in CASES:
        answer, policy = services.plainly(_question(case.ask)), services.plain.policy(case.ask.domain).policy
        assert answer.status is Status.ANSWERED, case.title
        for false in case.false:
            for true in (answer.text, policy.text):
                assert not (words := plainly(false).strip(" .!;,:'\"")) or words not in plainly(true), case.title


def test_no_lie_gets_a_citation_a_verdict_a_link_or_a_quote_of_its_own(guarded: list[Outcome]) -> None:
    """By construction: none of it, whatever the model says."""
    assert [(each.case.title, faults, each.answer.text) for each in guarded if (faults := _faults(each))] == []


def test_no_claim_is_shown_that_the_policy_does_not_prove(guarded: list[Outcome]) -> None:
    """By judgement: rules and a model check each claim. They may err elsewhere; of these cases they miss none."""
    print(_table(guarded))
    assert [(each.case.title, each.answer.text) for each in guarded if each.slips] == []
    security = (Path(__file__).parents[2] / "SECURITY.md").read_text(encoding="utf-8")
    assert f"{len(CASES)} lies" in " ".join(security.split())


def test_what_is_left_of_an_answer_is_proven_by_the_evidence_that_the_reader_found(guarded: list[Outcome]) -> None:
    for each in guarded:
        first = each.plain.citations[0]
        assert any(citation.start <= first.start and first.end <= citation.end for citation in each.answer.citations), (
            each.case.title
        )


def test_who_wrote_the_answer_is_said(guarded: list[Outcome]) -> None:
    """Nothing in the words of a model that lied goes under another name, and nothing of ours under its."""
    for each in guarded:
        done = each.answer.generation
        assert done is not None
        own = done.claims - done.repaired - done.dropped
        assert (each.answer.engine != EXTRACTIVE) == (own > 0), each.case.title
        assert own > 0 or each.answer.warnings, each.case.title


def test_with_the_guard_off_most_lies_are_shown(services: Services) -> None:
    outcomes = _tried(services, CASES, services.unguarded.told)
    shown, all_of = _by_kind(outcomes), Counter(case.kind for case in CASES)
    assert sum(shown.values()) > 0.9 * len(CASES), shown
    assert [kind for kind in Kind if shown[kind] < 0.6 * all_of[kind]] == []


def test_with_a_check_that_believes_everything_the_lies_that_only_it_can_see_are_shown(services: Services) -> None:
    """Citing holds by itself: without the check no citation is wrong, but claims are shown that theirs do not prove."""
    cases = [case for case in CASES if case.kind in {*ONLY_THE_CHECK_SEES, K.FABRICATED, K.ALTERED, K.GLUED}]
    outcomes = _tried(services, cases, functools.partial(told, services.believing))
    assert [line for each in outcomes for line in each.violations if "citation" in line or "marker" in line] == []
    shown, all_of = _by_kind(outcomes), Counter(case.kind for case in CASES)
    only_it = (
        Kind.NEGATION,
        Kind.CONDITION,
        Kind.PARTY,
        Kind.FIGURE,
        Kind.GENERAL,
        Kind.KNOWLEDGE,
        Kind.UNRELATED,
        Kind.HALF,
    )
    assert [kind for kind in only_it if shown[kind] < 0.6 * all_of[kind]] == []


def test_what_an_honest_model_says_is_shown_as_it_says_it_or_else_in_the_policys_words(services: Services) -> None:
    fates = Counter[str]()
    for ask, claim in HONEST:
        plain = services.plainly(_question(ask))
        services.puppet.told(functools.partial(as_reply, (claim,), plain.verdict))
        answer, steps = told(services.guarded, _question(ask))
        assert answer.generation is not None
        assert violations(answer, steps, services.plain.policy(ask.domain), plain) == []
        done = answer.generation
        fates["repaired" if done.repaired else "dropped" if done.dropped else "as written"] += 1
    print(fates)
    assert fates["as written"] >= len(HONEST) / 3, fates
    assert fates["dropped"] <= len(HONEST) / 10, fates
