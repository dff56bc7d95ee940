"""The commands for files of cases, over an index of made-up policies; nothing here loads a model but one test."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import pytest

from eval.cases import load_cases, read_cases
from qa.library import Library
from tests.qa.indexing import MANIFEST, made_up
from ui.cli import run

STEM = "shop.example__2020-01-31"
SELL = "We never sell your data."
CASE = {"question": "Sold?", "policy": "shop.example", "verdict": "no", "evidence": SELL}


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "index"
    with Library.open_for_writing(folder, MANIFEST) as library:
        library.put(made_up("shop.example", "Privacy.", SELL))
    monkeypatch.setenv("FINEPRINT_INDEX", str(folder))
    return folder


def cases(path: Path, *lines: object) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_a_file_without_mistakes_is_summed_up(index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = cases(tmp_path / "c.jsonl", CASE, CASE | {"question": "Really?"}, {"question": "And?", "status": "draft"})
    assert run(["eval", "check", str(path)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "2 cases, 1 draft, no mistakes.", "verdicts  no 2", "policies  shop.example 2",
    ]  # fmt: skip


def test_everything_that_is_wrong_with_a_file_and_its_evidence_is_listed(
    index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = cases(
        tmp_path / "c.jsonl",
        CASE | {"verdict": "maybe"},
        CASE | {"evidence": "We never sell your date."},
        CASE | {"policy": "shop.exampel"},
    )
    assert run(["eval", "check", str(path)]) == 1
    captured = capsys.readouterr()
    assert captured.out.splitlines() == [
        "line 1: verdict: maybe is none of yes, no, conditional, not_stated or stated",
        f"line 2: evidence: not in {STEM}: 'We never sell your date.'; the nearest sentence there: '{SELL}'",
        f"line 3: policy: there is no policy shop.exampel; the nearest is {STEM}",
    ]
    assert captured.err == f"fineprint: {path} has 3 mistakes.\n"


def test_evidence_can_be_checked_against_files_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "shop.example.md").write_text(SELL)
    path = cases(tmp_path / "c.jsonl", CASE)
    assert run(["eval", "check", str(path), "--policies", str(tmp_path / "policies")]) == 0
    assert run(["eval", "check", str(path), "--policies", str(tmp_path / "none")]) == 2
    assert "There is no file or folder" in capsys.readouterr().err


def test_without_any_policies_only_the_file_is_checked_and_that_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["eval", "check", str(cases(tmp_path / "c.jsonl", CASE)), "--index", str(tmp_path / "none")]) == 0
    assert "No policy was looked at" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["eval", "--out", "x", "check", "c.yaml"], "--out before check has no effect"),
        (["eval", "new", "c.txt"], "Name the file of cases *.jsonl"),
        (["eval", "confirm", "none.yaml"], "there is no such file"),
        (["eval", "draft", "shop.example", "--out", "c.xlsx"], "Name the file of cases"),
    ],
)
def test_what_cannot_be_meant_is_told_in_one_line(
    index: Path, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""


def test_cases_are_written_drafted_and_confirmed_from_lines_that_are_piped_in(
    sampled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FINEPRINT_INDEX", str(shutil.copytree(sampled, tmp_path / "index")))
    file = tmp_path / "c.yaml"
    monkeypatch.setattr("sys.stdin", io.StringIO("free people\nDo you sell my email address?\nn\nrent or sell\n1\n\n"))
    assert run(["eval", "new", str(file)]) == 0
    assert "1 case written" in capsys.readouterr().err
    assert read_cases(file)[0].proof is not None

    assert run(["eval", "draft", "freepeople.com", "--out", str(file), "--most", "4"]) == 0
    assert "4 drafts by rules" in capsys.readouterr().err
    monkeypatch.setattr("sys.stdin", io.StringIO("a\nd\n"))
    assert run(["eval", "confirm", str(file)]) == 0
    assert "1 accepted, 1 dropped, 2 left" in capsys.readouterr().err
    assert (len(load_cases(file).cases), len(load_cases(file).drafts)) == (2, 2)
    assert run(["eval", "check", str(file)]) == 0
