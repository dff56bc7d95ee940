from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from eval.cases import (
    BUNDLED,
    Gold,
    InvalidCases,
    Kind,
    Proof,
    about_indexed,
    check_proofs,
    data_hash,
    load_cases,
    made_id,
    misplaced,
    read_cases,
    read_policies,
    settled,
    unproven,
)
from qa.domain import Status
from tests.eval.making import COOKIES, ID, OTHER_STEM, SELL, STEM, TEXTS, case, proof

GOOD = {
    "id": "a", "policy": STEM, "question": "Do you sell data?", "kind": "yes_no", "verdict": "no", "evidence": [SELL],
}  # fmt: skip


def write(path: Path, *lines: object) -> Path:
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines), encoding="utf-8")
    return path


def test_a_line_becomes_a_case_that_is_asked_with_its_policy_as_the_scope(tmp_path: Path) -> None:
    (read,) = read_cases(write(tmp_path / "c.jsonl", GOOD, ""))
    assert read.proof is not None
    assert read.proof.verdict is Gold.NO
    assert read.asked().scope == STEM
    assert read.asked().id == "a"


def test_an_unscoped_case_is_asked_without_its_policy_but_with_its_history(tmp_path: Path) -> None:
    (read,) = read_cases(write(tmp_path / "c.jsonl", GOOD | {"scoped": False, "history": ["Who are you?"]}))
    assert read.asked().scope is None
    assert read.asked().history == ("Who are you?",)


def test_several_statuses_may_be_right(tmp_path: Path) -> None:
    statuses = {"policy": None, "verdict": None, "evidence": [], "expect_status": ["needs_company", "out_of_scope"]}
    (read,) = read_cases(write(tmp_path / "c.jsonl", GOOD | statuses))
    assert read.statuses == (Status.NEEDS_COMPANY, Status.OUT_OF_SCOPE)


def test_an_entry_is_of_the_kind_of_its_question(tmp_path: Path) -> None:
    entries = {"expect_entries": [{"policy": STEM, "verdict": "stated", "evidence": [SELL]}]}
    alone: dict[str, object] = {"policy": None, "verdict": None, "evidence": [], "kind": "open"}
    (read,) = read_cases(write(tmp_path / "c.jsonl", GOOD | alone | entries))
    assert read.entries[0].kind is Kind.OPEN


def test_a_case_needs_few_keys_in_any_form(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(
        f"- question: Do you sell data?\n  policy: Shop.example\n  verdict: no\n  evidence: {SELL}\n"
    )
    (tmp_path / "c.csv").write_text(f"Question;Policy;Verdict;Evidence\nDo you sell data?;shop.example;No;{SELL}\n")
    few = {key: GOOD[key] for key in ("question", "verdict", "evidence")} | {
        "policy": "https://www.shop.example/privacy"
    }
    write(tmp_path / "c.jsonl", few)
    read = [read_cases(tmp_path / name) for name in ("c.yaml", "c.csv", "c.jsonl")]
    (case,) = read[0]
    assert read[1] == read[2] == (case,)
    assert case.id == "shop.example-do-you-sell-data"
    assert case.proof == Proof("shop.example", Kind.YES_NO, Gold.NO, (SELL,))


def test_ids_that_are_made_say_what_is_asked_and_are_different(tmp_path: Path) -> None:
    same = {key: value for key, value in GOOD.items() if key != "id"}
    taken = same | {"id": "shop.example-do-you-sell-data-2"}
    ids = [each.id for each in read_cases(write(tmp_path / "c.jsonl", same, taken, same, same | {"question": "¿?"}))]
    assert ids == [f"shop.example-do-you-sell-data{end}" for end in ("", "-2", "-3")] + ["shop.example"]
    assert len(made_id("word " * 50, "a.com", ())) <= 60


def test_the_kind_is_told_by_the_verdict_or_by_the_question(tmp_path: Path) -> None:
    silent = {"policy": STEM, "verdict": "not_stated"}
    path = write(
        tmp_path / "c.jsonl",
        {"policy": STEM, "question": "Sold?", "verdict": "stated", "evidence": SELL},
        silent | {"question": "Do you sell it?"},
        silent | {"question": "How long is it kept?"},
    )
    assert [each.kind for each in read_cases(path)] == [Kind.OPEN, Kind.YES_NO, Kind.OPEN]


def test_a_draft_need_not_be_whole_and_counts_in_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    draft = {"status": "draft"}
    path = write(tmp_path / "c.jsonl", GOOD, {"question": "And this?"} | draft, GOOD | {"id": "d"} | draft)
    assert [each.id for each in read_cases(path)] == ["a"]
    assert "2 drafts are left out" in capsys.readouterr().err
    assert [(each.id, each.case is None) for each in load_cases(path).drafts] == [("and-this", True), ("d", False)]


def test_everything_that_is_wrong_is_told_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text(
        "question,policy,verdict,evidnce\nSold?,shop.example,maybe,x\nKept?,,no,y\nSold?,shop.example,yes,\n"
    )
    assert load_cases(tmp_path / "c.csv").mistakes == (
        "row 2: column verdict: maybe is none of yes, no, conditional, not_stated or stated",
        "row 2: column evidnce: there is no such key; did you mean evidence?",
        "row 4: column evidence: is needed for yes: the sentences of the policy that prove it",
    )


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "line 2: not JSON"),
        ("[]", "line 2: not a case"),
        (GOOD | {"id": "b", "verdict": "maybe"}, "line 2: verdict: maybe is none of yes, no"),
        (GOOD | {"id": "b", "verdict": "stated", "kind": "yes_no"}, "line 2: verdict: stated does not go with kind"),
        (GOOD | {"id": "b", "evidence": []}, "line 2: evidence: is needed"),
        (GOOD | {"id": "b", "evidence": [" "]}, "line 2: evidence: has an empty sentence"),
        (GOOD | {"id": "b", "verdict": "not_stated"}, "line 2: evidence: does not go with not_stated"),
        (GOOD | {"id": "b", "verdct": "no"}, "line 2: verdct: there is no such key; did you mean verdict?"),
        (GOOD | {"id": "b", "question": " "}, "line 2: question: is empty"),
        (GOOD | {"id": "b", "policy": None}, "line 2: policy: is missing"),
        (GOOD | {"id": "b", "verdict": None}, "line 2: verdict: is missing"),
        (GOOD | {"id": "b", "policy": None, "verdict": None}, "line 2: policy: is missing, and so is the verdict"),
        (GOOD | {"id": "b", "expect_entries": [{"policy": "a.com"}]}, "line 2: expect_entries: 1: verdict: is missing"),
        (GOOD, "line 2: id: a was used in line 1"),
    ],
)
def test_a_line_that_is_no_case_is_named_with_its_number(tmp_path: Path, line: object, said: str) -> None:
    with pytest.raises(InvalidCases) as caught:
        read_cases(write(tmp_path / "c.jsonl", GOOD, line))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_only_the_first_mistakes_are_told_and_the_rest_counted(tmp_path: Path) -> None:
    with pytest.raises(InvalidCases, match=r"line 3.*and 2 more"):
        read_cases(write(tmp_path / "c.jsonl", *["{"] * 5))


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xff\xfe"])
def test_a_file_without_readable_cases_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "c.jsonl").write_bytes(content)
    with pytest.raises(InvalidCases):
        read_cases(tmp_path / "c.jsonl")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidCases, match="Cannot read"):
        read_cases(tmp_path / "none.jsonl")


def test_evidence_may_differ_in_white_space_only() -> None:
    check_proofs([case("a", "no", SELL.replace(" ", "\n "))], TEXTS)
    with pytest.raises(InvalidCases, match=r"a: not in shop\.example"):
        check_proofs([case("a", "no", SELL, also=(SELL.upper(),))], TEXTS)


def test_evidence_that_is_not_verbatim_is_told_with_its_place_and_the_nearest_sentence(tmp_path: Path) -> None:
    found = load_cases(write(tmp_path / "c.jsonl", GOOD | {"evidence": [SELL, "We never sell your dates."]}))
    (mistake,) = unproven(found.cases, TEXTS, found.places)
    assert mistake == (
        f"line 1: evidence: not in {STEM}: 'We never sell your dates.'; the nearest sentence there: '{SELL}'"
    )


def test_a_case_about_a_policy_that_is_not_there_is_told_with_the_nearest_name(tmp_path: Path) -> None:
    found = load_cases(write(tmp_path / "c.jsonl", GOOD | {"policy": "shop.exmaple"}))
    assert misplaced(found.noted, [STEM, OTHER_STEM]) == [
        f"line 1: policy: there is no policy shop.exmaple; the nearest is {STEM}"
    ]
    assert misplaced(found.noted, ["shop.exmaple__2020-01-01"]) == []


def test_a_site_named_without_a_version_is_settled_on_its_newest() -> None:
    of_site = replace(case("a", "no", SELL), proof=proof("no", SELL, policy="shop.example"))
    (settled_case,) = settled([of_site], [STEM, OTHER_STEM, "shop.example__2019-01-01"])
    assert settled_case.asked().scope == STEM
    assert [each.proof and each.proof.policy for each in about_indexed([of_site], [ID])] == [STEM]


def test_cases_about_policies_that_are_not_there_are_passed_over_by_the_check() -> None:
    check_proofs([case("a", "no", "Nowhere.")], {})


def test_only_the_policies_asked_about_are_read(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / f"{STEM}.md").write_text("one")
    (tmp_path / f"{STEM}.json").write_text("no policy")
    (tmp_path / "else.md").write_text("not asked about")
    assert read_policies([tmp_path], [case("a", "no", SELL)]) == {STEM: "one"}


def test_two_files_for_one_policy_are_refused(tmp_path: Path) -> None:
    (tmp_path / f"{STEM}.md").write_text("one")
    (tmp_path / f"{STEM}.txt").write_text("two")
    with pytest.raises(InvalidCases, match="Two policy files"):
        read_policies([tmp_path], [case("a", "no", SELL)])


def test_the_hash_changes_with_the_cases_and_their_policies_and_with_nothing_else() -> None:
    cases = [case("a", "no", SELL)]
    same = data_hash(cases, TEXTS)
    assert data_hash(cases, {STEM: TEXTS[STEM]}) == same
    assert data_hash([case("a", "no", SELL, also=(COOKIES,))], TEXTS) != same
    assert data_hash(cases, TEXTS | {STEM: TEXTS[STEM] + "x"}) != same


def test_the_bundled_evidence_is_verbatim_in_the_samples(samples: Path) -> None:
    cases = read_cases(BUNDLED)
    texts = read_policies([samples], cases)
    assert len(texts) == 4
    check_proofs(cases, texts)


def test_the_bundled_cases_are_many_and_of_every_kind() -> None:
    cases = read_cases(BUNDLED)
    assert len(cases) >= 80
    proofs = [case.proof for case in cases if case.proof]
    verdicts = Counter(proof.verdict for proof in proofs)
    assert set(verdicts) == set(Gold)
    assert min(verdicts.values()) >= 8
    assert min(Counter(proof.policy for proof in proofs).values()) >= 20
    assert {proof.kind for proof in proofs} == set(Kind)
    assert {case.style for case in cases} == {"natural", "colloquial", "keywords", "typo", "formal", "follow_up"}
    statuses = Counter(status for case in cases for status in case.statuses)
    assert min(statuses[each] for each in (Status.UNKNOWN_COMPANY, Status.NEEDS_COMPANY, Status.OUT_OF_SCOPE)) >= 5
    assert sum(len(case.entries) == 4 for case in cases) >= 5
    assert any(case.scoped for case in cases if case.proof)
    assert any(not case.scoped for case in cases if case.proof)
    assert any(case.history and not case.scoped and not case.names_company for case in cases if case.proof)
