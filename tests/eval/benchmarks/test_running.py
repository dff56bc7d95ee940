from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from eval.benchmarks.keeping import OtherBenchmarkRun
from eval.benchmarks.running import BENCHMARKS, Outcome, as_markdown, benchmark_named, run_benchmark, show
from eval.benchmarks.scoring import About, Ask, Engine, InvalidData, OnProgress, Parts, Published, Row, means
from qa.errors import FineprintError
from tests.eval.benchmarks.making import engine

ABOUT = About(
    name="parity",
    title="Parity",
    measures="whether numbers are even",
    data="a file of numbers",
    origin="nobody",
    follows="numbers are halved",
    differs="nothing",
    figures={"even": "is even", "small": "is below five", "both": "F1 of these"},
    harmonics={"both": ("even", "small")},
    published=(Published("a child", {"even": 0.9}, "https://example.org/child", "on other numbers"),),
)


@dataclass(frozen=True, slots=True)
class Number:
    id: str
    policy: str
    value: int


@dataclass(slots=True)
class Parity:
    """Says of the numbers in a file whether they are even; stumbles over 13, and is interrupted at 99."""

    about: About = ABOUT
    asked: list[int] = field(default_factory=list)

    def read(self, data: Path | None) -> Sequence[Number]:
        assert data is not None
        return [Number(line, f"p{n % 2}", int(line)) for n, line in enumerate(data.read_text("utf-8").split())]

    def files(self, data: Path | None) -> Sequence[Path]:
        assert data is not None
        return [data]

    def prepare(self, items: Sequence[Number], engine: Engine, on_progress: OnProgress) -> Ask:
        def ask(item: Number) -> Row:
            self.asked.append(item.value)
            if item.value == 99:
                raise KeyboardInterrupt
            if item.value == 13:
                raise ValueError("unlucky")
            values = {"even": float(item.value % 2 == 0), "small": float(item.value < 5)}
            # Half a surrogate pair is what a hostile file may hold.
            return Row(item.id, item.policy, means(values), {"value": "\ud83d"})

        return ask

    def wrong(self, item: Any) -> Parts:
        return means({"even": 0.0, "small": 0.0})


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "numbers.txt"
    path.write_text("1 2 3 4 13 6 7 8 9 10", encoding="utf-8")
    return path


def run(data: Path, out: Path, tmp_path: Path, **options: Any) -> tuple[Outcome, list[int]]:
    parity = Parity()
    return run_benchmark(parity, data, out, engine(tmp_path), **options), parity.asked


def test_a_run_is_asked_scored_and_saved(data: Path, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    outcome, _ = run(data, tmp_path / "out", tmp_path, on_progress=lambda *each: told.append(each))
    # 2, 4, 6, 8, 10 of ten are even, 1 to 4 are small; 13 has no answer, which is wrong in both.
    assert outcome.figures == {"even": 0.5, "small": 0.4, "both": pytest.approx(2 * 0.5 * 0.4 / 0.9)}
    assert outcome.problems == 1
    assert outcome.resampled == "questions"  # two policies are too few to draw from
    assert outcome.intervals["even"].low < 0.5 < outcome.intervals["even"].high
    assert told[-1] == ("Asking", 10, 10)
    rows = [json.loads(line) for line in (tmp_path / "out" / "rows.jsonl").read_text("utf-8").splitlines()]
    assert [row["id"] for row in rows] == "1 2 3 4 13 6 7 8 9 10".split()
    assert rows[4]["problem"] == "ValueError: unlucky"
    summary = json.loads((tmp_path / "out" / "summary.json").read_text("utf-8"))
    assert summary["figures"]["even"] == 0.5
    assert summary["published"][0]["source"] == "https://example.org/child"


def test_at_most_so_many_are_spread_over_the_data(data: Path, tmp_path: Path) -> None:
    outcome, asked = run(data, tmp_path / "out", tmp_path, most=3)
    assert asked == [1, 4, 7]  # numbers 0, 3 and 6 of ten
    assert (outcome.parameters.asked, outcome.parameters.items) == (3, 10)


def test_a_run_that_was_cut_off_goes_on_where_it_was(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    whole, _ = run(data, out, tmp_path)
    lines = (out / "rows.jsonl").read_text("utf-8").splitlines(keepends=True)
    (out / "rows.jsonl").write_text("".join(lines[:6]) + lines[6][:20], encoding="utf-8")
    resumed, asked = run(data, out, tmp_path, resume=True)
    assert asked == [7, 8, 9, 10]
    assert resumed.figures == whole.figures
    assert (out / "rows.jsonl").read_text("utf-8") == "".join(lines)
    assert run(data, out, tmp_path, resume=True)[1] == []


def test_a_kept_row_that_adds_to_other_figures_is_asked_again(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(data, out, tmp_path)
    lines = (out / "rows.jsonl").read_text("utf-8").splitlines()
    odd = json.loads(lines[2]) | {"parts": {"even": [[1, 1], [1, 1]]}}
    (out / "rows.jsonl").write_text("\n".join([*lines[:2], json.dumps(odd), *lines[3:]]) + "\n", encoding="utf-8")
    assert run(data, out, tmp_path, resume=True)[1] == [3]


def test_an_interruption_says_how_to_go_on(data: Path, tmp_path: Path) -> None:
    data.write_text("1 2 99 4", encoding="utf-8")
    with pytest.raises(FineprintError, match=r"2 of 4 are kept in .*--resume"):
        run(data, tmp_path / "out", tmp_path)


@pytest.mark.parametrize("change", ["data", "most", "folder"])
def test_a_run_goes_on_only_with_what_it_was_begun_with(change: str, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(data, out, tmp_path)
    if change == "data":
        data.write_text("1 2 3", encoding="utf-8")
    options = {"most": 2} if change == "most" else {}
    with pytest.raises(OtherBenchmarkRun):
        run(data, tmp_path / "none" if change == "folder" else out, tmp_path, resume=True, **options)


def test_a_folder_with_something_else_is_not_written_over(data: Path, tmp_path: Path) -> None:
    precious = tmp_path / "out" / "rows.jsonl"
    precious.parent.mkdir()
    precious.write_text("mine", encoding="utf-8")
    with pytest.raises(OtherBenchmarkRun, match="something else"):
        run(data, precious.parent, tmp_path)
    assert precious.read_text("utf-8") == "mine"


@pytest.mark.parametrize("line", ["{}\n", "[]\n", "null\n", '{"id": 1, "parts": {"even": [[1]]}}\n', "\udcff\n"])
def test_a_row_that_was_not_written_here_is_told_by_its_line(line: str, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(data, out, tmp_path)
    (out / "rows.jsonl").write_text(line * 2, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(OtherBenchmarkRun, match="no row, 1"):
        run(data, out, tmp_path, resume=True)


def test_the_published_figures_stand_beside_ours_with_their_source(data: Path, tmp_path: Path) -> None:
    outcome, _ = run(data, tmp_path / "out", tmp_path)
    console = Console(file=io.StringIO(), width=120)
    show(outcome, console)
    assert isinstance(console.file, io.StringIO)
    for text in (console.file.getvalue(), as_markdown(outcome)):
        for told in (
            "0.500",
            "0.900",
            "[1] a child: https://example.org/child; on other numbers.",
            "numbers are halved",
        ):
            assert told in text
    nobody = replace(outcome, about=replace(ABOUT, published=()))
    assert "Published figures: none" in as_markdown(nobody)


def test_every_benchmark_says_what_it_needs_and_names_its_sources() -> None:
    for name in BENCHMARKS:
        about = benchmark_named(name.upper().replace("-", "_")).about
        assert about.name == name
        assert about.data
        assert about.origin
        assert set(about.harmonics) <= set(about.figures)
        for each in about.published:
            assert "https://" in each.source
            assert set(each.figures) <= set(about.figures)
            assert all(0 <= value <= 1 for value in each.figures.values())
    with pytest.raises(InvalidData, match="policyqa, privacyqa"):
        benchmark_named("squad")
