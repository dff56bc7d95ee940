from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.cases import BUNDLED, Case, Gold, Kind, read_cases
from eval.metrics import (
    LOWER_IS_BETTER,
    MEASURES,
    Marks,
    Score,
    characters,
    common,
    covered,
    domain_of,
    figures,
    find_spans,
    flat,
    mark,
    percentile,
    score,
    value_of,
)  # fmt: skip
from qa.domain import Answer, Status
from qa.text import Span
from tests.eval.making import (
    COOKIES,
    ID,
    LAW,
    OTHER_ID,
    OTHER_STEM,
    OTHER_TEXT,
    SELL,
    STEM,
    TEXT,
    TEXTS,
    answer,
    case,
    entry,
    ideal,
    proof,
)  # fmt: skip

FLAT = {stem: flat(text) for stem, text in TEXTS.items()}
SHARES = tuple(name for name in MEASURES if name not in LOWER_IS_BETTER)


def marked(case: Case, given: Answer | None) -> Marks:
    return mark(case, given, FLAT)


def test_quotes_are_found_whatever_the_white_space() -> None:
    start = FLAT[STEM].index(SELL)
    assert find_spans(FLAT[STEM], ["We  never\nsell your data. "]) == [Span(start, start + len(SELL))]
    assert find_spans(FLAT[STEM], ["", " ", "not there"]) == []


@pytest.mark.parametrize(
    ("others", "share"),
    [
        ([], 0.0),
        ([Span(0, 5)], 0.0),
        ([Span(0, 15)], 0.5),  # 10..15 of 10..20
        ([Span(12, 14), Span(13, 16)], 0.4),  # 12..16, the overlap counted once
        ([Span(18, 30), Span(0, 11)], 0.3),  # 18..20 and 10..11
        ([Span(0, 30), Span(12, 14)], 1.0),
    ],
)
def test_coverage_counts_each_character_once(others: list[Span], share: float) -> None:
    assert covered(Span(10, 20), others) == share


@given(
    st.tuples(st.integers(0, 30), st.integers(0, 30)),
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=6),
)
def test_coverage_is_the_share_of_characters_that_counting_one_by_one_gives(
    span: tuple[int, int], others: list[tuple[int, int]]
) -> None:
    start, end = sorted(span)
    ranges = [range(*sorted(other)) for other in others]
    one_by_one = sum(any(at in each for each in ranges) for at in range(start, end)) / max(1, end - start)
    assert covered(Span(start, end), [Span(each.start, each.stop) for each in ranges]) == one_by_one


def test_domains_are_taken_from_ids_and_file_stems() -> None:
    assert domain_of(STEM) == domain_of(ID.upper()) == "shop.example"


def test_a_citation_hits_when_half_of_it_is_gold() -> None:
    # SELL has 24 characters: with the 24 before it exactly half is gold, with 25 less.
    text = flat("x" * 100 + " " + SELL + " " + "y" * 100)
    at = text.index(SELL)
    gold = proof("no", SELL)
    half, less = text[at - 24 : at + 24], text[at - 25 : at + 24]
    assert score(gold, answer("no", half), text).hits == (True,)
    assert score(gold, answer("no", less), text).hits == (False,)


def test_what_is_also_acceptable_hits_but_is_not_recalled() -> None:
    got = score(proof("no", SELL, also=(LAW,)), answer("no", LAW), FLAT[STEM])
    assert got.hits == (True,)
    assert got.recall == 0.0


def test_recall_is_the_share_of_evidence_sentences_that_are_at_least_half_cited() -> None:
    got = score(proof("no", SELL, LAW), answer("no", SELL[:12], LAW[:10]), FLAT[STEM])
    # 12 of 24 characters of SELL, 10 of 42 of LAW.
    assert got.recall == 0.5


def test_a_quote_that_is_not_in_the_policy_is_invalid_and_no_hit() -> None:
    got = score(proof("no", SELL), answer("no", "We sell everything.", SELL), FLAT[STEM])
    assert (got.invalid, got.wrong, got.hits) == (1, 0, (False, True))
    assert not got.hit_at_1
    assert got.hit_at_3


def test_a_citation_of_another_company_is_wrong_even_if_the_words_are_there() -> None:
    got = score(proof("no", SELL), answer("no", SELL, policy_id=OTHER_ID), FLAT[STEM])
    assert (got.invalid, got.wrong, got.hits) == (0, 1, (False,))


def test_another_version_of_the_same_site_is_not_another_company() -> None:
    got = score(proof("no", SELL), answer("no", SELL, policy_id="shop.example@2010-01-01"), FLAT[STEM])
    assert got.hits == (True,)


def test_a_right_verdict_without_proof_is_not_enough() -> None:
    got = score(proof("no", SELL), answer("no", COOKIES, SELL), FLAT[STEM])
    assert got.right
    assert not got.right_and_proven


def test_characters_count_once_and_those_of_no_policy_count_against_precision() -> None:
    gold = proof("no", SELL, also=(LAW,))
    twice = score(gold, answer("no", SELL[:12], SELL[6:]), FLAT[STEM])
    assert (twice.char_precision, twice.char_recall) == (1.0, 1.0)
    acceptable = score(gold, answer("no", LAW), FLAT[STEM])
    assert (acceptable.char_precision, acceptable.char_recall) == (1.0, 0.0)
    invented = score(gold, answer("no", SELL, "x" * len(SELL)), FLAT[STEM])
    assert (invented.char_precision, invented.char_recall) == (0.5, 1.0)
    silent = score(gold, answer(None, status="not_stated"), FLAT[STEM])
    assert (silent.char_precision, silent.char_recall) == (None, 0.0)


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=5),
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=5),
)
def test_characters_in_common_are_those_that_counting_one_by_one_gives(
    ones: list[tuple[int, int]], others: list[tuple[int, int]]
) -> None:
    mine, theirs = ({at for each in spans for at in range(*sorted(each))} for spans in (ones, others))
    one, other = ([Span(*sorted(each)) for each in spans] for spans in (ones, others))
    assert characters(one) == len(mine)
    assert common(one, other) == len(mine & theirs)


def test_a_case_that_cites_another_company_counts_once_however_often_it_does() -> None:
    astray = marked(case("a", "no", SELL), answer("no", SELL, LAW, policy_id=OTHER_ID))
    fine = marked(case("b", "no", SELL), answer("no", SELL))
    assert figures([astray, fine]).wrong_policy == 2
    assert figures([astray, fine]).wrong_company_rate == 0.5


def test_marks_of_an_older_run_have_no_figures_by_character() -> None:
    old = Marks(Score(Kind.YES_NO, Gold.NO, Gold.NO, (True,), 1.0))
    assert (figures([old]).evidence_recall, figures([old]).hit_at_1) == (1.0, 1.0)
    assert (figures([old]).char_precision, figures([old]).char_recall) == (None, None)


def test_silence_needs_no_proof() -> None:
    assert score(proof("not_stated"), answer(None, status="not_stated"), FLAT[STEM]).right_and_proven
    assert not score(proof("not_stated"), answer("no", SELL), FLAT[STEM]).right


def test_an_open_question_is_right_when_it_is_answered_whatever_the_verdict() -> None:
    gold = proof("stated", COOKIES, kind="open")
    assert score(gold, answer(None, COOKIES), FLAT[STEM]).right_and_proven
    assert score(gold, answer("yes", COOKIES), FLAT[STEM]).right_and_proven
    assert not score(gold, answer(None, status="not_stated"), FLAT[STEM]).right


def test_a_yes_no_question_answered_without_a_verdict_is_wrong() -> None:
    assert not score(proof("no", SELL), answer(None, SELL), FLAT[STEM]).right


def labelled(gold: str, got: str | None, kind: Kind = Kind.YES_NO) -> Marks:
    return Marks(Score(kind, Gold(gold), Gold(got) if got else None), missing=got is None)


def test_f1_by_hand() -> None:
    marks = [labelled("yes", "yes"), labelled("yes", "no"), labelled("no", "yes"), labelled("not_stated", "yes")]
    # yes: TP 1, FP 2, FN 1 → 2 / 5. no: TP 0 → 0. not_stated: FN 1 → 0. conditional: never given, never right.
    assert figures(marks).not_stated_f1 == 0.0
    assert figures(marks).verdict_macro_f1 is None
    more = [*marks, labelled("conditional", "conditional"), labelled("not_stated", "not_stated")]
    # conditional 1; not_stated: TP 1, FN 1 → 2 / 3.
    assert figures(more).verdict_macro_f1 == (2 / 5 + 0 + 1 + 2 / 3) / 4


def test_all_figures_of_five_cases_by_hand() -> None:
    marks = [
        marked(case("a", "no", SELL), answer("no", SELL, COOKIES)),  # right and proven; hits: yes, no
        marked(case("b", "yes", COOKIES), answer("conditional", LAW, COOKIES)),  # verdict wrong, second hits
        marked(case("c", "not_stated"), answer(None, status="not_stated")),  # right
        marked(case("d", "stated", LAW, kind="open"), answer(None, "No such words.")),  # answered, unproven, invalid
        marked(case("e", "conditional", LAW, SELL), None),  # missing
    ]
    got = figures(marks)
    assert got.n == 5
    assert got.missing == 1
    assert got.right_and_proven == 2 / 5  # a, c
    assert got.verdict_accuracy == 2 / 4  # a and c of a, b, c, e
    # F1: no 1 (a), yes 0 (b missed), conditional 0 (given for b, missed for e), not_stated 1 (c).
    assert got.verdict_macro_f1 == 2 / 4
    assert got.answerability == 4 / 5  # all but e
    assert got.not_stated_f1 == 1.0
    assert got.hit_at_1 == 1 / 4  # a, of a, b, d, e
    assert got.hit_at_3 == 2 / 4  # a, b
    assert got.citation_precision == 2 / 5  # a: 1 of 2, b: 1 of 2, d: 0 of 1
    assert got.evidence_recall == 2 / 4  # a 1, b 1, d 0, e 0
    assert got.citations_per_answer == 5 / 3  # a 2, b 2, d 1
    assert got.mrr == (1 + 1 / 2) / 4  # a first, b second, d and e none
    assert (got.not_stated_precision, got.not_stated_recall) == (1.0, 1.0)  # c, and only c
    cookies, law, sell = len(COOKIES), len(LAW), len(SELL)
    a, b = sell / (sell + cookies), cookies / (law + cookies)  # what is right of what is cited; of d nothing is
    assert got.char_precision == pytest.approx((a + b) / 3)
    assert got.char_recall == 2 / 4  # all of a and b, nothing of d and e
    assert got.right == 2 / 5
    assert got.wrong_company_rate == 0.0
    assert got.invalid_quotes == 1
    assert got.wrong_policy == 0
    assert (got.status_accuracy, got.routing_accuracy, got.entries_right) == (None, None, None)


def test_figures_of_nothing_are_undefined_and_counts_zero() -> None:
    got = dataclasses.asdict(figures([]))
    assert value_of([]) is None
    assert {name for name, value in got.items() if value == 0} == {"n", "missing", "invalid_quotes", "wrong_policy"}
    assert all(got[name] is None for name in MEASURES)


def test_a_silent_policy_alone_leaves_what_is_about_evidence_undefined() -> None:
    got = figures([marked(case("a", "not_stated"), answer(None, status="not_stated"))])
    assert (got.hit_at_1, got.evidence_recall, got.verdict_macro_f1) == (None, None, None)
    assert got.right_and_proven == 1.0


def test_any_expected_status_is_right_and_none_of_them_may_cite() -> None:
    asked = dataclasses.replace(
        case("a", "not_stated"), proof=None, statuses=(Status.NEEDS_COMPANY, Status.OUT_OF_SCOPE)
    )
    assert marked(asked, answer(None, status="out_of_scope")).right
    wrong = marked(asked, answer("yes", SELL))
    assert not wrong.right
    assert figures([wrong]).status_accuracy == 0.0
    assert figures([wrong]).wrong_policy == 1


def test_routing_is_right_when_exactly_the_asked_site_was_answered_from() -> None:
    asked = case("a", "no", SELL, scoped=False)
    right = marked(asked, answer("no", SELL))
    wrong = marked(asked, answer("no", policy_id=OTHER_ID))
    none = marked(asked, answer(None, status="unknown_company"))
    assert [each.routed for each in (right, wrong, none)] == [True, False, False]
    assert figures([right, wrong, none]).routing_accuracy == 1 / 3
    assert marked(case("a", "no", SELL), answer("no", SELL)).routed is None


def test_each_entry_of_a_comparison_is_scored_against_its_own_policy() -> None:
    bad = "We sell your data to anyone."
    assert bad in OTHER_TEXT
    asked = dataclasses.replace(
        case("a", "not_stated"),
        proof=None,
        entries=(proof("no", SELL), proof("yes", bad, policy=OTHER_STEM)),
    )
    both = (entry(OTHER_ID, "yes", bad), entry(ID, "no", SELL))
    full = Answer("q", Status.ANSWERED, "t", entries=both)
    one = Answer("q", Status.ANSWERED, "t", entries=both[:1])
    swapped = Answer("q", Status.ANSWERED, "t", entries=(entry(OTHER_ID, "no", SELL), entry(ID, "yes", bad)))
    assert marked(asked, full).right
    assert not marked(asked, one).right
    assert figures([marked(asked, full), marked(asked, one)]).entries_right == 3 / 4
    assert figures([marked(asked, swapped)]).invalid_quotes == 2


@pytest.mark.parametrize(("share", "value"), [(0.5, 3), (0.95, 5), (0.2, 1), (1.0, 5)])
def test_percentiles_are_measured_values_by_nearest_rank(share: float, value: float) -> None:
    # Five values: rank ceil(5 x 0.5) = 3, ceil(4.75) = 5, ceil(1) = 1, 5.
    assert percentile([5, 3, 1, 2, 4], share) == value
    assert percentile([], share) is None


def test_perfect_answers_to_the_bundled_cases_make_every_share_one(samples: Path) -> None:
    cases = read_cases(BUNDLED)
    texts = {stem: flat((samples / f"{stem}.md").read_text(encoding="utf-8")) for stem in _stems(cases)}
    marks = [mark(each, ideal(each), texts) for each in cases]
    got = dataclasses.asdict(figures(marks))
    assert {name: got[name] for name in SHARES} == dict.fromkeys(SHARES, 1.0)
    assert (got["missing"], got["invalid_quotes"], got["wrong_policy"]) == (0, 0, 0)
    assert got["wrong_company_rate"] == 0.0
    assert all(each.right for each in marks)


def test_no_answers_to_the_bundled_cases_make_every_share_zero(samples: Path) -> None:
    cases = read_cases(BUNDLED)
    texts = {stem: flat((samples / f"{stem}.md").read_text(encoding="utf-8")) for stem in _stems(cases)}
    marks = [mark(each, None, texts) for each in cases]
    got = dataclasses.asdict(figures(marks))
    undefined = {"citation_precision", "char_precision", "not_stated_precision"}
    assert {name: got[name] for name in SHARES} == {name: None if name in undefined else 0.0 for name in SHARES}
    assert got["missing"] == len(cases)
    assert not any(each.right for each in marks)


QUOTES = st.sampled_from([SELL, COOKIES, LAW, SELL[:9], f"{SELL} {COOKIES}", "invented", ""])
ANSWERS = st.none() | st.builds(
    lambda verdict, quotes, status, policy: answer(verdict, *quotes, status=status, policy_id=policy),
    st.sampled_from(["yes", "no", "conditional", None]),
    st.lists(QUOTES, max_size=4),
    st.sampled_from([each.value for each in Status]),
    st.sampled_from([ID, OTHER_ID]),
)
CASES = st.sampled_from(
    [
        case("a", "no", SELL),
        case("b", "yes", COOKIES, also=(LAW,)),
        case("c", "conditional", LAW, SELL),
        case("d", "not_stated", scoped=False),
        case("e", "stated", COOKIES, kind="open"),
    ]
)


@given(st.lists(st.tuples(CASES, ANSWERS), max_size=12))
def test_shares_stay_between_zero_and_one_and_first_hits_are_among_the_first_three(
    pairs: list[tuple[Case, Answer | None]],
) -> None:
    got = figures([marked(asked, given) for asked, given in pairs])
    for name in MEASURES:
        value = getattr(got, name)
        assert value is None or 0.0 <= value <= 1.0
    if got.hit_at_1 is not None and got.hit_at_3 is not None:
        assert got.hit_at_1 <= got.hit_at_3


def test_the_policy_text_itself_is_never_an_invalid_quote() -> None:
    assert score(proof("no", SELL), answer("no", TEXT), FLAT[STEM]).invalid == 0


def _stems(cases: tuple[Case, ...]) -> set[str]:
    return {each.policy for case in cases for each in case.proofs}
