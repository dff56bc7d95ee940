from __future__ import annotations

from pathlib import Path

import pytest

from eval.bench import QUICK, Plan
from qa.errors import UsageError
from ui.timing import plan_of


def planned(
    *, quick: bool = False, policies: Path | None = None, cases: Path | None = None, sizes: str | None = None
) -> Plan:
    return plan_of(quick=quick, policies=policies, cases=cases, sizes=sizes)


def test_the_samples_are_measured_unless_a_folder_is_given(tmp_path: Path) -> None:
    cases = tmp_path / "cases.jsonl"
    cases.touch()
    assert (planned(), planned(quick=True)) == (Plan(), QUICK)
    own = planned(policies=tmp_path, cases=cases)
    assert (own.policies, own.cases) == (tmp_path, cases)


def test_sizes_are_asked_for_by_commas_in_any_order() -> None:
    assert planned(sizes="1000, 4,4").sizes == (4, 1_000)


@pytest.mark.parametrize("sizes", ["", "4,", "many", "0", "-4", "1e3", "1000001", "4;5", "9" * 5_000])
def test_sizes_that_are_no_numbers_of_policies_are_wrong_usage(sizes: str) -> None:
    with pytest.raises(UsageError, match="names no numbers"):
        planned(sizes=sizes)


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There is no folder"):
        planned(policies=tmp_path / "none")
    with pytest.raises(UsageError, match="There is no file"):
        planned(cases=tmp_path)
    with pytest.raises(UsageError, match="needs --cases"):
        planned(policies=tmp_path)
