from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from eval.benchmarks.legalbench_rag import LegalBenchRagBenchmark, precision_of, recall_of
from eval.benchmarks.scoring import InvalidData
from qa.text import Span
from tests.eval.benchmarks.making import figures, rows_of

FIVERR = "We sell your location to partners.\nRecords are kept for many years.\nWrite to us by mail.\n"
KEEP = "Notes are stored in your account.\nWe never sell your location.\n"
SOLD = "We sell your location to partners.\n"


def test_precision_and_recall_count_characters() -> None:
    # Of 10 and 5 characters, 4 and 5 lie in golds of 8 and 12.
    snippets, golds = [Span(0, 10), Span(20, 25)], [Span(6, 14), Span(18, 30)]
    assert precision_of(snippets, golds) == pytest.approx(9 / 15)
    assert recall_of(snippets, golds) == pytest.approx(9 / 20)
    assert precision_of([], golds) == recall_of([], golds) == 0


@pytest.fixture
def data(tmp_path: Path) -> Path:
    corpus = tmp_path / "rag" / "corpus" / "privacy_qa"
    corpus.mkdir(parents=True)
    (corpus / "Fiverr.txt").write_text(FIVERR, encoding="utf-8")
    (corpus / "Keep.txt").write_text(KEEP, encoding="utf-8")
    (tmp_path / "rag" / "benchmarks").mkdir()
    return tmp_path / "rag"


def written(data: Path, *tests: dict[str, Any]) -> Path:
    (data / "benchmarks" / "privacy_qa.json").write_text(json.dumps({"tests": tests}), encoding="utf-8")
    return data


def query(text: str, file: str = "privacy_qa/Fiverr.txt", span: tuple[int, int] = (0, len(SOLD))) -> dict[str, Any]:
    return {"query": text, "snippets": [{"file_path": file, "span": span, "answer": "as in the file"}], "tags": []}


def test_the_policy_is_found_by_its_name_and_the_first_sentences_are_scored(data: Path, tmp_path: Path) -> None:
    written(
        data, query('Consider "Fiverr"\'s privacy policy; do you sell my location?'), query("who buys my location?")
    )
    benchmark = LegalBenchRagBenchmark()
    rows = rows_of(benchmark, benchmark.read(data), tmp_path)
    first = rows[0].parts
    assert rows[0].said["routed_to"] == "Fiverr"
    # The stretch has the line's end, the sentence has not: 34 of 35 characters.
    assert first["precision_at_1"] == ((1.0, 1.0),)
    assert first["recall_at_1"] == ((pytest.approx(34 / 35), 1.0),)
    # Three sentences of 34, 32 and 20 characters are all there are.
    assert first["precision_at_4"] == ((pytest.approx(34 / 86), 1.0),)
    assert first["characters_at_64"] == ((86.0, 1.0),)
    # The other names no policy, so nothing is retrieved.
    assert rows[1].said["routed_to"] is None
    found = figures(benchmark, rows)
    assert found["right_policy"] == found["precision_at_1"] == 0.5


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (query("q?", "privacy_qa/Nobody.txt"), r"test 2: Nobody\.txt is not in corpus/privacy_qa"),
        (query("q?", "../../../etc/passwd"), r"test 2: passwd\.txt is not in"),
        (query("q?", span=(0, 9_000)), r"test 2: a stretch lies outside of Fiverr\.txt"),
        (query("q?", span=(5, 5)), "test 2: a stretch lies outside"),
        (query("q?", span=(-5, 5)), "test 2: a stretch lies outside"),
    ],
)
def test_a_query_that_does_not_fit_the_documents_is_told_by_its_number(
    broken: dict[str, Any], told: str, data: Path
) -> None:
    with pytest.raises(InvalidData, match=told):
        LegalBenchRagBenchmark().read(written(data, query("q?"), broken))


def test_a_folder_without_the_published_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidData, match=r"benchmarks/privacy_qa\.json and corpus/privacy_qa/"):
        LegalBenchRagBenchmark().read(tmp_path)
