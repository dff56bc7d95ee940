"""The figures against programs that others wrote, and against an independent computation of what we publish."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Iterator

import ir_measures
import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.calibration import calibration_curve
from sklearn.metrics import (
    accuracy_score,
    auc,
    brier_score_loss,
    f1_score,
    precision_score,
    recall_score,
)  # fmt: skip

from eval.calibration import Judgement, calibration, risk_coverage
from eval.cases import Case
from eval.intervals import paired_test_of_right, units_of, wilson
from eval.metrics import Figures, figures, flat, mark
from qa.domain import Answer
from tests.eval.making import COOKIES, LAW, OTHER_ID, SELL, STEM, TEXTS, answer, case

FLAT = {stem: flat(text) for stem, text in TEXTS.items()}
SENTENCES = (SELL, COOKIES, LAW)
YES_NO = ("yes", "no", "conditional", "not_stated")


def made_up(n: int, seed: int) -> Iterator[tuple[Case, Answer | None]]:
    """Cases of every kind with answers of every kind, right and wrong."""
    chance = random.Random(seed)
    for number in range(n):
        kind = chance.choice(("yes_no", "yes_no", "open"))
        verdict = chance.choice(YES_NO if kind == "yes_no" else ("stated", "not_stated"))
        evidence = () if verdict == "not_stated" else chance.sample(SENTENCES, chance.randint(1, 2))
        also = tuple(each for each in SENTENCES if each not in evidence and evidence and chance.random() < 0.3)
        asked = case(f"c{number}", verdict, *evidence, also=also, kind=kind)
        quotes = [chance.choice((*SENTENCES, SELL[:9], f"{SELL} {COOKIES}", "invented words")) for _ in range(4)]
        said = chance.choice(("answered", "answered", "answered", "not_stated", "missing"))
        if said == "missing":
            yield asked, None
        elif said == "not_stated":
            yield asked, answer(None, status="not_stated")
        else:
            got = chance.choice((*YES_NO[:3], None)) if kind == "yes_no" else None
            where = OTHER_ID if chance.random() < 0.1 else STEM.replace("__", "@")
            yield asked, answer(got, *quotes[: chance.randint(0, 4)], policy_id=where)


PAIRS = list(made_up(300, seed=1))
MARKS = [mark(asked, given, FLAT) for asked, given in PAIRS]
FIGURES = figures(MARKS)
LABELS = [
    (score.gold.value, score.got.value if score.got else "missing", score.kind.value)
    for score in (marks.score for marks in MARKS)
    if score
]


# --- other programs ---------------------------------------------------------------------------------------------------


def test_verdicts_are_as_scikit_learn_has_them() -> None:
    gold, got = zip(*[(gold, got) for gold, got, kind in LABELS if kind == "yes_no"], strict=True)
    assert pytest.approx(accuracy_score(gold, got)) == FIGURES.verdict_accuracy
    assert pytest.approx(f1_score(gold, got, labels=YES_NO, average="macro")) == FIGURES.verdict_macro_f1


def test_abstaining_is_as_scikit_learn_has_it() -> None:
    gold = [gold == "not_stated" for gold, _, _ in LABELS]
    got = [got == "not_stated" for _, got, _ in LABELS]
    assert pytest.approx(precision_score(gold, got)) == FIGURES.not_stated_precision
    assert pytest.approx(recall_score(gold, got)) == FIGURES.not_stated_recall
    assert pytest.approx(f1_score(gold, got)) == FIGURES.not_stated_f1


def test_ranks_are_as_ir_measures_has_them() -> None:
    judged, ranked = [], []
    for marks in MARKS:
        if marks.score is None or not marks.score.answerable:
            continue
        query = str(len(judged))
        # A query is averaged over if anything is judged for it; a hit that no answer has keeps those without a hit in.
        judged.append(ir_measures.Qrel(query, "nowhere", 1))
        for rank, hit in enumerate(marks.score.hits):
            judged += [ir_measures.Qrel(query, f"{rank}", 1)] if hit else []
            ranked.append(ir_measures.ScoredDoc(query, f"{rank}", -rank))
    RR, Success = ir_measures.RR, ir_measures.Success  # noqa: N806
    found = ir_measures.calc_aggregate([RR, Success @ 1, Success @ 3], judged, ranked)
    assert pytest.approx(found[RR]) == FIGURES.mrr
    assert pytest.approx(found[Success @ 1]) == FIGURES.hit_at_1
    assert pytest.approx(found[Success @ 3]) == FIGURES.hit_at_3


def judgements(n: int, seed: int) -> list[Judgement]:
    chance = random.Random(seed)
    sure = [round(chance.random(), 2) for _ in range(n)]
    return [Judgement(each, chance.random() < each) for each in (*sure, 0.0, 1.0, 0.1, 0.3, 0.7)]


def test_reliability_bins_and_brier_score_are_as_scikit_learn_has_them() -> None:
    given = judgements(400, seed=2)
    sure, right = [each.confidence for each in given], [each.right for each in given]
    found = calibration(given)
    assert found is not None
    accuracy, confidence = calibration_curve(right, sure, n_bins=10, strategy="uniform")
    assert [each.accuracy for each in found.bins] == pytest.approx(list(accuracy))
    assert [each.confidence for each in found.bins] == pytest.approx(list(confidence))
    assert sum(each.n for each in found.bins) == found.n == len(given)
    assert found.brier == pytest.approx(brier_score_loss(right, sure))


def test_the_calibration_error_is_that_of_its_definition() -> None:
    given = judgements(400, seed=3)
    sure = np.array([each.confidence for each in given])
    right = np.array([each.right for each in given])
    error = 0.0
    for low, high in zip(np.linspace(0, 1, 11)[:-1], np.linspace(0, 1, 11)[1:], strict=True):
        inside = (sure > low) & (sure <= high) | ((low == 0) & (sure == 0))
        if inside.any():
            error += inside.mean() * abs(right[inside].mean() - sure[inside].mean())
    found = calibration(given)
    assert found is not None
    assert found.ece == pytest.approx(error)


def test_the_area_of_different_confidences_is_the_mean_risk_of_all_beginnings() -> None:
    chance = random.Random(4)
    given = [Judgement(n / 150, chance.random() < 0.7) for n in range(150)]
    chance.shuffle(given)
    wrong = np.array([not each.right for each in sorted(given, key=lambda each: -each.confidence)])
    risks = wrong.cumsum() / np.arange(1, 151)
    found = risk_coverage(given)
    assert found is not None
    assert found.area == pytest.approx(risks.mean())
    # The trapezoids of scikit-learn leave out half of either end.
    coverage = [point.coverage for point in found.points]
    ends = (risks[0] + risks[-1]) / 2 / 150
    assert auc(coverage, [point.risk for point in found.points]) + ends == pytest.approx(found.area)


@pytest.mark.parametrize(("share", "n"), [(0.5, 10), (0.98, 50), (1.0, 50), (0.0, 7)])
def test_the_interval_of_a_share_is_as_scipy_has_it(share: float, n: int) -> None:
    theirs = binomtest(round(share * n), n).proportion_ci(method="wilson")
    ours = wilson(share, n)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high))


@pytest.mark.parametrize(("broken", "fixed"), [(0, 0), (1, 0), (5, 0), (6, 1), (8, 4)])
def test_few_changes_of_single_cases_are_tested_as_mcnemar_does_exactly(broken: int, fixed: int) -> None:
    before = [True] * broken + [False] * fixed + [True] * 20 + [False] * 5
    after = [False] * broken + [True] * fixed + [True] * 20 + [False] * 5
    test = paired_test_of_right(before, after, units_of([None] * len(before)))
    assert test is not None
    exact = binomtest(broken, broken + fixed).pvalue if broken + fixed else 1.0
    assert test.p_value == pytest.approx(exact)


def test_many_changes_are_tested_as_mcnemar_does_but_for_chance() -> None:
    before = [True] * 40 + [False] * 24 + [True] * 100
    after = [False] * 40 + [True] * 24 + [True] * 100
    test = paired_test_of_right(before, after, units_of([None] * len(before)))
    assert test is not None
    # 5,000 swaps: two standard errors of a share near 0.06 are 0.007.
    assert test.p_value == pytest.approx(binomtest(40, 64).pvalue, abs=0.007)


# --- an independent computation ---------------------------------------------------------------------------------------


def independent(pairs: list[tuple[Case, Answer | None]]) -> dict[str, float]:
    """The figures by the documented rules, with sets of characters in plain data; nothing of eval is used."""
    rows = []
    for asked, given in pairs:
        gold = asked.proof
        assert gold is not None
        text = re.sub(r"\s+", " ", TEXTS[gold.policy]).strip()
        proven, accepted = (_marked(text, quotes) for quotes in (gold.evidence, (*gold.evidence, *gold.also_ok)))
        silent = gold.verdict.value == "not_stated"
        got = None if given is None else "not_stated"
        if given is not None and given.status.value == "answered":
            got = given.verdict.value if given.verdict else "stated"
        hits, cited, elsewhere, invalid, wrong = [], set(), 0, 0, 0
        for citation in given.citations if given else ():
            own = citation.policy_id.split("@")[0] == gold.policy.split("__")[0]
            quote = re.sub(r"\s+", " ", citation.quote).strip()
            at = text.find(quote) if own else -1
            chars = set(range(at, at + len(quote))) if at >= 0 else set()
            invalid += own and not chars
            wrong += not own
            elsewhere += 0 if chars else len(quote)
            cited |= chars
            hits.append(bool(chars) and len(chars & accepted) * 2 >= len(chars))
        settled = got is not None and (got == "not_stated") == silent
        right = got == gold.verdict.value if asked.kind.value == "yes_no" else settled
        spans = [_marked(text, [quote]) for quote in gold.evidence]
        recall = _mean([len(span & cited) * 2 >= len(span) for span in spans]) if given and not silent else 0.0
        rows.append(
            {
                "silent": silent, "got": got, "gold": gold.verdict.value, "settled": settled, "hits": hits,
                "yes_no": asked.kind.value == "yes_no", "invalid": invalid, "wrong": wrong,
                "right_and_proven": right and (silent or (got != "not_stated" and hits[:1] == [True])),
                "recall": recall,
                "precision": len(cited & accepted) / (len(cited) + elsewhere) if cited or elsewhere else None,
                "found": len(cited & proven) / len(proven) if proven else None,
            }
        )  # fmt: skip
    able = [row for row in rows if not row["silent"]]
    by_f1 = [_f1([(row["gold"], row["got"]) for row in rows if row["yes_no"]], label) for label in YES_NO]
    return {
        "n": len(rows),
        "missing": sum(row["got"] is None for row in rows),
        "right_and_proven": _mean([row["right_and_proven"] for row in rows]),
        "right": _mean([row["right_and_proven"] for row in rows]),
        "verdict_accuracy": _mean([row["got"] == row["gold"] for row in rows if row["yes_no"]]),
        "verdict_macro_f1": _mean(by_f1),
        "answerability": _mean([row["settled"] for row in rows]),
        "not_stated_f1": _f1([(row["gold"], row["got"]) for row in rows], "not_stated"),
        "hit_at_1": _mean([row["hits"][:1] == [True] for row in able]),
        "hit_at_3": _mean([any(row["hits"][:3]) for row in able]),
        "mrr": _mean([next((1 / n for n, hit in enumerate(row["hits"], 1) if hit), 0) for row in able]),
        "citation_precision": _mean([hit for row in able for hit in row["hits"]]),
        "evidence_recall": _mean([row["recall"] for row in able]),
        "citations_per_answer": _mean([len(row["hits"]) for row in able if row["hits"]]),
        "char_precision": _mean([row["precision"] for row in able if row["precision"] is not None]),
        "char_recall": _mean([row["found"] for row in able]),
        "invalid_quotes": sum(row["invalid"] for row in rows),
        "wrong_policy": sum(row["wrong"] for row in rows),
        "wrong_company_rate": _mean([row["wrong"] > 0 for row in rows]),
    }


def test_every_figure_is_that_of_an_independent_computation_to_the_last_digit() -> None:
    theirs = independent(PAIRS)
    assert {name: getattr(FIGURES, name) for name in theirs} == theirs
    assert all(0 < value < 1 or name in {"n", "missing"} or value > 1 for name, value in theirs.items())


def test_the_independent_computation_leaves_out_only_what_these_cases_do_not_ask_for() -> None:
    named = set(independent(PAIRS)) | {"not_stated_precision", "not_stated_recall"}
    unasked = {name for name in Figures.__slots__ if name not in named}
    assert unasked == {"status_accuracy", "routing_accuracy", "entries_right"}
    assert {getattr(FIGURES, name) for name in unasked} == {None}


def _marked(text: str, quotes: tuple[str, ...] | list[str]) -> set[int]:
    found = [text.find(quote) for quote in quotes]
    return {n for at, quote in zip(found, quotes, strict=True) for n in range(at, at + len(quote))}


def _f1(pairs: list[tuple[str, str | None]], label: str) -> float:
    true = sum(gold == got == label for gold, got in pairs)
    return 2 * true / (sum(gold == label for gold, _ in pairs) + sum(got == label for _, got in pairs))


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else math.nan
