from __future__ import annotations

from pathlib import Path

import pytest
from sklearn.metrics import balanced_accuracy_score

from eval.benchmarks.legalbench import LegalBenchBenchmark
from eval.benchmarks.scoring import InvalidData
from tests.eval.benchmarks.making import figures, rows_of

HEAD = "index\tquestion\ttext\tanswer"
LINES = (
    "0\tdo you sell my location?\tWe sell your location to partners.\tRelevant",
    '1\tdo you sell my location?\t"Sharing, the ""other"" way: your location\tand more is sold to partners."\tRelevant',
    "2\tdo you sell my location?\tWrite to us by mail whenever you like.\tRelevant",
    "3\tdo you sell my location?\tRecords are kept for many years.\tIrrelevant",
)


def file(path: Path, *lines: str, head: str = HEAD) -> Path:
    path.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
    return path


def test_a_clause_is_relevant_if_it_answers_and_the_figure_is_scikit_learns(tmp_path: Path) -> None:
    benchmark = LegalBenchBenchmark()
    pairs = benchmark.read(file(tmp_path / "test.tsv", *LINES))
    assert pairs[1].clause.startswith('Sharing, the "other" way: your location\tand')
    rows = rows_of(benchmark, pairs, tmp_path)
    assert [row.said["called"] for row in rows] == [True, True, False, False]
    found = figures(benchmark, rows)
    assert found["relevant_found"] == pytest.approx(2 / 3)
    assert found["irrelevant_found"] == 1
    called = [row.said["called"] for row in rows]
    oracle = balanced_accuracy_score([pair.relevant for pair in pairs], called)
    assert found["balanced_accuracy"] == pytest.approx(oracle)
    # No answer is no right answer, whatever the label.
    assert benchmark.wrong(pairs[3])["irrelevant_found"] == ((0.0, 1.0),)


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        ("4\tq?\ttext", "line 3: 3 fields instead of 4"),
        ("4\tq?\ttext\tMaybe", "line 3: 'Maybe' is neither"),
        ("4\t \ttext\tRelevant", "line 3: no question"),
        ("0\tq?\ttext\tRelevant", "line 3: the index 0 comes twice"),
        ('4\tq?\t"never closed\tRelevant', "line 3: unexpected end of data"),
    ],
)
def test_a_line_that_is_not_as_published_is_told_by_its_number(broken: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidData, match=told):
        LegalBenchBenchmark().read(file(tmp_path / "test.tsv", LINES[0], broken))


@pytest.mark.parametrize("head", ["question\ttext", '{"question": 1}'])
def test_a_file_without_the_published_columns_is_refused(head: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidData, match="names no"):
        LegalBenchBenchmark().read(file(tmp_path / "test.tsv", *LINES, head=head))
