from __future__ import annotations

import json
from pathlib import Path

import pytest

from eval.benchmarks.running import BENCHMARKS
from ui.cli import run

UNPUBLISHED = {"version": "v1.0", "data": [{"title": "x.example", "paragraphs": [{"context": "A.", "qas": [{}]}]}]}


def told(capsys: pytest.CaptureFixture[str]) -> str:
    """What was said on standard error, which is one line."""
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1, said
    assert "Traceback" not in said[0]
    return said[0]


def test_without_a_name_the_benchmarks_are_listed_with_the_data_that_they_need(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["eval", "benchmark"]) == 0
    listed = capsys.readouterr().out
    for name in BENCHMARKS:
        assert f" {name} " in listed
    assert listed.count("--data:") == len(BENCHMARKS)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["squad"], "name one of policyqa"),
        (["policyqa"], "--data"),
        (["--most", "3"], "lists them"),
        (["policyqa", "--data", "nowhere.json"], "Cannot read nowhere.json"),
        (["policyqa", "--resume"], "--out"),
        (["policyqa", "--data", "bad.json"], "question: Field required"),
    ],
)
def test_what_cannot_be_measured_is_told_in_a_line_with_exit_code_two(
    arguments: list[str],
    problem: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bad.json").write_text(json.dumps(UNPUBLISHED), encoding="utf-8")
    assert run(["eval", "benchmark", *arguments]) == 2
    assert problem in told(capsys)


def test_a_baseline_or_an_engine_that_is_none_is_refused_before_anything_runs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["eval", "baselines", "--baseline", "splade"]) == 2
    assert "bm25, dense, dense-tuned, tutorial, tutorial-scoped" in told(capsys)
    assert run(["eval", "baselines", "--engine", "nonsense"]) == 2
    assert "is no engine" in told(capsys)


def test_an_ablation_without_an_index_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["eval", "ablation", "--index", str(tmp_path / "none")]) in {1, 2}
    assert "fineprint ingest" in told(capsys)
