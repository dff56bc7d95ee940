from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import parse

import pytest

from eval.keeping import ResultsUnwritable
from eval.report.writing import report_on
from qa.errors import UsageError
from tests.eval.making import SELL, answer
from tests.eval.report.making import made, saved


def test_all_three_reports_are_written_beside_the_results(tmp_path: Path) -> None:
    written = report_on(saved(tmp_path, made()))
    assert [file.name for file in written] == ["report.html", "summary.md", "junit.xml"]
    assert written[0].read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert parse(written[2]).getroot().tag == "testsuites"


@pytest.mark.parametrize(("name", "begins"), [("a.html", "<!DOCTYPE"), ("b/c.MD", "## fineprint"), ("d.xml", "<?xml")])
def test_one_report_is_written_by_the_ending_of_its_name(tmp_path: Path, name: str, begins: str) -> None:
    results = saved(tmp_path / "results", made())
    assert report_on(results, out=tmp_path / name) == (tmp_path / name,)
    assert (tmp_path / name).read_text(encoding="utf-8").startswith(begins)
    assert not (results / "report.html").exists()


@pytest.mark.parametrize("name", ["report", "report.pdf", "rows.jsonl", "."])
def test_another_ending_is_refused_before_anything_is_written(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"\.html"):
        report_on(saved(tmp_path, made()), out=tmp_path / name)


def test_a_place_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(ResultsUnwritable, match="Cannot save"):
        report_on(saved(tmp_path / "results", made()), out=tmp_path / "file" / "report.html")


def test_the_comparison_is_in_every_report(tmp_path: Path) -> None:
    before = saved(tmp_path / "before", made())
    worse = saved(tmp_path / "now", made(given={"a": answer("yes", SELL)}))
    page, summary, junit = (file.read_text(encoding="utf-8") for file in report_on(worse, before))
    assert 'id="broken"' in page
    assert "### Broken: 1" in summary
    assert "was right in the baseline" in junit
