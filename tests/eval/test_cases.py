from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from eval.cases import BUNDLED, Gold, InvalidCases, Kind, check_proofs, data_hash, read_cases, read_policies
from qa.domain import Status
from tests.eval.making import COOKIES, SELL, STEM, TEXTS, case

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


def test_a_line_separator_inside_a_question_does_not_end_the_line(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    path.write_text(json.dumps(GOOD | {"question": "Do you\u2028sell?"}, ensure_ascii=False), encoding="utf-8")
    assert read_cases(path)[0].question == "Do you\u2028sell?"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "line 2: not JSON"),
        ("[]", "line 2: "),
        (GOOD | {"id": "b", "verdict": "maybe"}, "line 2: verdict"),
        (GOOD | {"id": "b", "verdict": "stated"}, "line 2: verdict stated does not go with kind yes_no"),
        (GOOD | {"id": "b", "evidence": []}, "line 2: evidence is needed"),
        (GOOD | {"id": "b", "verdict": "not_stated"}, "line 2: evidence is needed"),
        (GOOD | {"id": "b", "surprise": 1}, "line 2: surprise"),
        (GOOD | {"id": "b", "question": " "}, "line 2: id and question"),
        (GOOD | {"id": "b", "policy": None}, "line 2: policy and verdict go together"),
        (GOOD | {"id": "b", "policy": None, "verdict": None}, "line 2: without a policy"),
        (GOOD, "line 2: the id a was used in line 1"),
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
