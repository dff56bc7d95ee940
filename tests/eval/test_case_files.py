from __future__ import annotations

import codecs
from pathlib import Path

import pytest

from eval.case_files import InvalidCases, open_cases

CASE = {"question": "Sold?", "policy": "shop.example", "verdict": "not_stated"}


@pytest.mark.parametrize("name", ["c.yaml", "c.yml", "c.csv", "c.jsonl", "C.JSONL"])
def test_a_new_file_is_made_with_its_first_case(tmp_path: Path, name: str) -> None:
    written = open_cases(tmp_path / "deep" / name, new=True).with_case(CASE)
    assert open_cases(tmp_path / "deep" / name).records == written.records
    assert [dict(record.values) for record in written.records] == [CASE]
    assert [file.name for file in (tmp_path / "deep").iterdir()] == [name]  # nothing else is left behind


def test_a_table_is_written_so_that_a_spreadsheet_reads_its_letters(tmp_path: Path) -> None:
    open_cases(tmp_path / "c.csv", new=True).with_case(CASE | {"question": "Größe?"})
    assert (tmp_path / "c.csv").read_bytes().startswith(codecs.BOM_UTF8)
    assert open_cases(tmp_path / "c.csv").records[0].values["question"] == "Größe?"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_a_table_is_read_in_whatever_a_spreadsheet_saves(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "c.csv").write_text("question;policy\nDon’t you – ever?;shop.example\n", encoding=encoding)
    assert open_cases(tmp_path / "c.csv").records[0].values["question"] == "Don’t you – ever?"


def test_a_file_in_another_encoding_is_refused_with_the_line(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_bytes("- question: a\n- question: Größe\n".encode("latin-1"))
    with pytest.raises(InvalidCases, match="line 2 is not UTF-8"):
        open_cases(tmp_path / "c.yaml")


def test_what_another_program_wrote_meanwhile_is_not_lost(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    opened = open_cases(path, new=True).with_case(CASE)
    path.write_text("- question: mine\n")
    with pytest.raises(InvalidCases, match="changed by another program"):
        opened.with_case(CASE)
    assert path.read_text() == "- question: mine\n"


@pytest.mark.parametrize("text", ["[{question: a}]\n", "- question: a\n...\n# end\n"])
def test_a_file_that_a_case_cannot_be_added_to_is_left_as_it_is(tmp_path: Path, text: str) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(text)
    with pytest.raises(InvalidCases, match="by hand"):
        open_cases(path).with_case(CASE)
    assert path.read_text() == text


def test_a_case_written_together_with_others_in_a_line_is_to_be_changed_by_hand(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("[{question: a}, {question: b}]\n")
    with pytest.raises(InvalidCases, match=r"line 1.*by hand"):
        open_cases(tmp_path / "c.yaml").with_another(0, None)


def test_a_link_stays_a_link_and_the_rights_of_a_file_stay(tmp_path: Path) -> None:
    real = tmp_path / "real.jsonl"
    open_cases(real, new=True).with_case(CASE)
    real.chmod(0o600)
    (tmp_path / "link.jsonl").symlink_to(real)
    open_cases(tmp_path / "link.jsonl").with_case(CASE)
    assert (tmp_path / "link.jsonl").is_symlink()
    assert len(open_cases(real).records) == 2
    assert real.stat().st_mode & 0o777 == 0o600


def test_a_file_whose_suffix_says_nothing_is_refused_with_those_that_do(tmp_path: Path) -> None:
    with pytest.raises(InvalidCases, match=r"\*\.jsonl, \*\.yaml"):
        open_cases(tmp_path / "c.xlsx", new=True)


def test_a_folder_or_a_missing_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").mkdir()
    with pytest.raises(InvalidCases, match="not an ordinary file"):
        open_cases(tmp_path / "c.yaml")
    with pytest.raises(InvalidCases, match="no such file"):
        open_cases(tmp_path / "none.yaml")
