"""What `fineprint bench` keeps and says; what it measures is in the tests of its parts."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from eval.bench import QUICK, Plan, run_bench
from eval.rates import Rate
from eval.scale import Asked, Filled, Kind, Opened, TooLarge
from eval.speed import Corpus, Row, System
from qa.errors import UsageError


class FakeParts:
    """Parts that measure nothing, and tell which were asked for."""

    def __init__(self, *, stop_at: str = "") -> None:
        self.asked: list[str] = []
        self._stop_at = stop_at

    def __call__(self, name: str) -> list[dict[str, Any]]:
        self.asked.append(name)
        if name == self._stop_at:
            raise KeyboardInterrupt
        if name == "rates":
            return [{"what": "Rate", **asdict(Rate(30.0, 60.0, 2_000.0, "fp32", 24.0, 32.0))}]
        if name == "beside":
            rows = [Row("cold_s", System.FINEPRINT, 0, 1.0), Row("cold_s", System.TUTORIAL, 0, 4.0)]
            return [
                {"what": "Corpus", **asdict(Corpus(4, 200))},
                *({"what": "Row", **asdict(row)} for row in rows),
            ]
        policies = int(name.removeprefix("scale-"))
        if policies > 1_000:
            return [{"what": "TooLarge", **asdict(TooLarge(policies, "It needs about 12.0 GB of disk."))}]
        return [
            {"what": "Filled", **asdict(Filled(policies, 1.0, 0.4, None))},
            {"what": "Opened", **asdict(Opened(policies, 0.5, 200.0, 30.0))},
            {"what": "Asked", **asdict(Asked(policies, Kind.AGAIN, 12.0, 1.0, 9.0, found=True))},
        ]


def run(out: Path, parts: FakeParts, plan: Plan = QUICK, *, resume: bool = False) -> str:
    return run_bench(plan, out, resume=resume, show=lambda *_: None, tell=lambda _: None, measure=parts)


def test_everything_measured_is_kept_and_summed_up_with_figures(tmp_path: Path) -> None:
    parts = FakeParts()
    summary = run(tmp_path / "out", parts, replace(QUICK, sizes=(4, 1_000, 100_000)))
    assert parts.asked == ["rates", "beside", "scale-4", "scale-1000", "scale-100000"]
    files = {file.name for file in (tmp_path / "out").iterdir()}
    assert files == {f"{name}.jsonl" for name in parts.asked} | {
        "parameters.json", "bench.md", "beside.svg", "scale.svg"
    }  # fmt: skip
    assert (tmp_path / "out" / "bench.md").read_text(encoding="utf-8") == summary
    assert "| cold ask, s | 1.00 | 4.00 | 0.25 |" in summary
    assert "| encoding, as a share of that | 0.50 |" in summary
    assert "| encoding, as a share of that, in processor time | 0.75 |" in summary
    assert "| policies | 4 | 1,000 |" in summary
    assert "100,000 policies were not tried. It needs about 12.0 GB of disk." in summary
    row = json.loads((tmp_path / "out" / "beside.jsonl").read_text(encoding="utf-8").splitlines()[-1])
    assert row == {"what": "Row", **asdict(Row("cold_s", System.TUTORIAL, 0, 4.0))}


def test_a_run_that_was_stopped_goes_on_where_it_was(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, FakeParts(stop_at="scale-1000"))
    rest = FakeParts()
    run(tmp_path, rest, resume=True)
    assert rest.asked == ["scale-1000"]


def test_without_resume_everything_is_measured_anew(tmp_path: Path) -> None:
    run(tmp_path, FakeParts())
    again = FakeParts()
    run(tmp_path, again, replace(QUICK, sizes=(4,)))
    assert again.asked == ["rates", "beside", "scale-4"]
    assert not (tmp_path / "scale-1000.jsonl").exists()


def test_a_run_with_other_parameters_is_not_gone_on_with(tmp_path: Path) -> None:
    run(tmp_path, FakeParts())
    with pytest.raises(UsageError, match="leave out --resume"):
        run(tmp_path, FakeParts(), replace(QUICK, cold=9), resume=True)


def test_a_folder_whose_parameters_cannot_be_read_is_not_gone_on_with(tmp_path: Path) -> None:
    (tmp_path / "parameters.json").write_text("{", encoding="utf-8")
    with pytest.raises(UsageError, match="leave out --resume"):
        run(tmp_path, FakeParts(), resume=True)


@pytest.mark.parametrize("plan", [replace(QUICK, cold=0), replace(QUICK, sizes=(0,)), replace(QUICK, warm=-1)])
def test_counts_below_one_are_wrong_usage(tmp_path: Path, plan: Plan) -> None:
    with pytest.raises(UsageError, match="at least 1"):
        run(tmp_path, FakeParts(), plan)


def test_cases_that_cannot_be_asked_alone_are_wrong_usage(tmp_path: Path) -> None:
    case = {
        "id": "a", "policy": "acme.com__2011-03-06", "question": "and cookies?", "history": ["do they sell it?"],
        "verdict": "yes", "evidence": ["We use cookies."],
    }  # fmt: skip
    file = tmp_path / "cases.jsonl"
    file.write_text(json.dumps(case) + "\n", encoding="utf-8")
    with pytest.raises(UsageError, match="stands alone"):
        run(tmp_path / "out", FakeParts(), replace(QUICK, cases=file))


def test_results_are_not_put_into_a_file(tmp_path: Path) -> None:
    (tmp_path / "out").touch()
    with pytest.raises(UsageError, match="name a folder"):
        run(tmp_path / "out", FakeParts())
