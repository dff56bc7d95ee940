from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from eval.benchmarks.cases import ROUTED, SCOPED, CasesBenchmark
from eval.benchmarks.scoring import InvalidData
from tests.eval.benchmarks.making import POLICY, figures, rows_of

STEM = "shop.example__2020-01-02"
SELLS = {
    "id": "sell", "policy": STEM, "question": "Does shop.example sell personal information?", "kind": "yes_no",
    "verdict": "no", "names_company": True,
    "evidence": ["Shop does not sell your personal information to other companies."],
}  # fmt: skip
THEY = SELLS | {"id": "they", "question": "do they sell personal information?", "names_company": False}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "questions").mkdir()
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / f"{STEM}.md").write_text(POLICY, encoding="utf-8")
    (tmp_path / "policies" / "mall.example__2021-03-04.md").write_text(POLICY.replace("hop", "all"), encoding="utf-8")
    text = "".join(json.dumps(case) + "\n" for case in (SELLS, THEY))
    (tmp_path / "questions" / "dev.jsonl").write_text(text, encoding="utf-8")
    return tmp_path


def test_a_case_that_names_its_company_is_asked_with_its_policy_and_without(data: Path, tmp_path: Path) -> None:
    benchmark = CasesBenchmark()
    items = benchmark.read(data)
    assert [item.id for item in items] == ["sell scoped", "they scoped", "sell routed"]
    rows = rows_of(benchmark, items, tmp_path, most=3)
    found = figures(benchmark, rows)
    # What always says yes has no verdict right, but finds the company and the sentence.
    assert found["scoped_verdict_accuracy"] == found["routed_verdict_accuracy"] == 0
    assert found["routed_routing_accuracy"] == 1
    assert found["routed_hit_at_3"] == 1


def test_a_row_adds_to_the_figures_of_its_own_way_alone(data: Path) -> None:
    benchmark = CasesBenchmark()
    for item in benchmark.read(data):
        parts = benchmark.wrong(item)
        own, other = (SCOPED, ROUTED) if item.way == SCOPED else (ROUTED, SCOPED)
        assert parts[f"{own}_right_and_proven"] == [(0.0, 1.0)]
        assert parts[f"{other}_right_and_proven"] == [(0.0, 0.0)]


def test_a_file_of_cases_has_its_policies_beside_it_or_one_level_up(data: Path) -> None:
    assert len(CasesBenchmark().read(data / "questions" / "dev.jsonl")) == 3
    assert len(CasesBenchmark().files(data)) == 3


def test_without_data_the_bundled_cases_are_asked() -> None:
    assert len(CasesBenchmark().read(None)) > 20


@pytest.mark.parametrize("problem", ["no policies", "no cases", "other policies"])
def test_data_without_cases_and_their_policies_is_refused(problem: str, data: Path) -> None:
    if problem == "no policies":
        shutil.rmtree(data / "policies")
    elif problem == "no cases":
        (data / "questions" / "dev.jsonl").unlink()
    else:
        (data / "policies" / f"{STEM}.md").unlink()
    with pytest.raises(InvalidData):
        CasesBenchmark().read(data)
