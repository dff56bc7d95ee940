from __future__ import annotations

from pathlib import Path

from eval.cases import Case, Kind
from eval.from_index import indexed_stems, indexed_texts, write_out
from ingest.origin import Source
from ingest.parsing import parse
from qa.library import Library
from tests.eval.making import proof
from tests.qa.indexing import MANIFEST, made_up


def filled(folder: Path) -> Path:
    with Library.open_for_writing(folder, MANIFEST) as library:
        library.put(made_up("a.com", "# Privacy", "We never sell data."))
        library.put(made_up("b.com", "x."))
    return folder


def test_the_policies_that_cases_are_about_are_taken_from_an_index(tmp_path: Path) -> None:
    folder = filled(tmp_path / "index")
    about = [Case("a", "q?", Kind.YES_NO, proof=proof("no", "x", policy="a.com"))]
    assert indexed_texts(folder, about) == {"a.com__2020-01-31": "# Privacy We never sell data."}
    assert indexed_stems(folder) == ["a.com__2020-01-31", "b.com__2020-01-31"]


def test_a_policy_written_out_is_read_as_the_same(tmp_path: Path) -> None:
    write_out(filled(tmp_path / "index"), ["a.com__2020-01-31"], tmp_path / "out")
    (file,) = (tmp_path / "out").iterdir()
    again = parse(Source(file.name, file.read_bytes()))
    assert (again.id, again.company, again.url) == (
        "a.com@2020-01-31",
        "Made Up",
        "https://web.archive.org/web/2020/a.com",
    )
    assert again.text == "# Privacy We never sell data."


def test_where_there_is_no_index_there_are_no_policies(tmp_path: Path) -> None:
    assert indexed_stems(tmp_path / "none") == []
    assert indexed_texts(tmp_path / "none", []) == {}
