from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from eval.keeping import (
    InvalidResults,
    OtherRun,
    ResultsUnwritable,
    answered_before,
    journal,
    read_parameters,
    read_results,
    read_rows,
)  # fmt: skip
from eval.reporting import save
from eval.running import Run, State, run_eval
from qa.domain import Answer, Generation, Question
from tests.eval.making import COOKIES, PARAMETERS, SELL, TEXTS, answer, case, entry, ideal

CASES = [case("a", "no", SELL), case("b", "yes", COOKIES, style="typo", scoped=False), case("c", "not_stated")]


def made(**given: Answer | None) -> Run:
    """A run with ideal answers but for those given; None raises."""

    def ask(question: Question) -> Answer:
        assert question.id is not None
        found = given.get(question.id, ideal(next(each for each in CASES if each.id == question.id)))
        if found is None:
            raise RuntimeError("no answer")
        return found

    return run_eval(CASES, TEXTS, ask, PARAMETERS)


def interrupted(folder: Path, *rows: int, run: Run | None = None) -> Path:
    """A folder with some rows of a run that did not come to its end; the file of them."""
    whole = run or made()
    with journal(folder, whole.parameters, {}) as kept:
        for row in rows:
            kept.add(whole.rows[row])
    return folder / "unfinished.jsonl"


def test_a_run_is_read_back_as_it_was(tmp_path: Path) -> None:
    confidence = replace(answer("no", SELL), confidence=0.123456789, generation=Generation("ollama:a", calls=2))
    run = made(a=confidence, b=None)
    save(run, tmp_path)
    read = read_results(tmp_path)
    assert read.parameters == run.parameters
    assert read.summary == run.summary
    kept = replace(confidence, confidence=0.1235)  # as answers tell it everywhere
    assert read.rows == (replace(run.rows[0], answer=kept), *run.rows[1:])


def test_the_summary_of_what_was_read_back_is_the_same_to_the_last_digit(tmp_path: Path) -> None:
    run = made(a=replace(answer("no", SELL), confidence=2 / 3), b=replace(answer("no", SELL), confidence=1 / 3))
    save(run, tmp_path)
    kept = {row.case.id: row for row in read_rows(tmp_path)}
    again = run_eval(CASES, TEXTS, _never, PARAMETERS, kept=kept)
    assert again.summary == run.summary


def _never(question: Question) -> Answer:
    raise AssertionError(question)


def test_answers_to_everything_are_read_back(tmp_path: Path) -> None:
    compared = replace(answer("no", SELL), entries=(entry("shop.example@2020-01-02", "no", SELL),))
    run = made(a=compared)
    save(run, tmp_path)
    assert read_rows(tmp_path)[0].answer == compared


def test_rows_of_fineprint_0_1_are_read_without_what_they_did_not_keep(tmp_path: Path) -> None:
    save(made(), tmp_path)
    rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()]
    for row in rows:
        del row["case"], row["marks"]["score"]["char_precision"], row["marks"]["score"]["char_recall"]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    summary = json.loads((tmp_path / "summary.json").read_text())
    old = {name: summary[name] for name in ("data_sha256", "figures", "right", "wrong", "errors", "unscored", "p50_ms")}
    groups = {name: [] for name in ("by_verdict", "by_style", "by_topic")}
    for name in ("right", "mrr", "char_recall"):
        del old["figures"][name]
    (tmp_path / "summary.json").write_text(json.dumps({**old, **groups, "p95_ms": 1.0}))
    read = read_results(tmp_path)
    assert [(row.case.id, row.case.question, row.case.scoped, row.right) for row in read.rows] == [
        ("a", "question a?", True, True), ("b", "question b?", False, True), ("c", "question c?", True, True),
    ]  # fmt: skip
    assert read.summary.figures.hit_at_1 == 1.0
    assert (read.summary.figures.mrr, read.summary.intervals, read.summary.calibration) == (None, {}, None)


@pytest.mark.parametrize("name", ["rows.jsonl", "parameters.json", "summary.json"])
def test_what_is_missing_or_damaged_is_named(tmp_path: Path, name: str) -> None:
    save(made(), tmp_path)
    (tmp_path / name).write_text('{"id": 1}\n')
    with pytest.raises(InvalidResults, match=name):
        read_results(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(InvalidResults, match=name):
        read_results(tmp_path)


# --- a run that goes on -----------------------------------------------------------------------------------------------


def test_rows_outlive_a_process_as_they_come(tmp_path: Path) -> None:
    run = made()
    with journal(tmp_path, PARAMETERS, {}) as kept:
        kept.add(run.rows[2])
        assert answered_before(tmp_path, PARAMETERS) == {"c": run.rows[2]}
        kept.add(run.rows[0])
        assert set(answered_before(tmp_path, PARAMETERS)) == {"a", "c"}
    assert not (tmp_path / "rows.jsonl").exists()


def test_a_line_that_was_cut_off_is_passed_over_and_mended(tmp_path: Path) -> None:
    file = interrupted(tmp_path, 0, 1)
    whole = file.read_bytes()
    for cut in (1, 40, len(whole.splitlines()[-1])):
        file.write_bytes(whole[:-cut])
        before = answered_before(tmp_path, PARAMETERS)
        # Without its end of line only, the row is whole.
        assert set(before) == ({"a", "b"} if cut == 1 else {"a"})
        with journal(tmp_path, PARAMETERS, before) as kept:
            kept.add(made().rows[2])
        assert set(answered_before(tmp_path, PARAMETERS)) == {*before, "c"}


def test_a_damaged_line_in_the_middle_is_named(tmp_path: Path) -> None:
    file = interrupted(tmp_path, 0, 1, 2)
    lines = file.read_bytes().splitlines(keepends=True)
    for damaged in (b"\xff\xfe{\n", b"{}\n", b"[" * 100_000 + b"\n"):
        file.write_bytes(b"".join([*lines[:2], damaged, *lines[3:]]))
        with pytest.raises(InvalidResults, match=r"unfinished\.jsonl, line 3"):
            answered_before(tmp_path, PARAMETERS)


@pytest.mark.parametrize(
    "content", [b"", b"[]\n", b'{"parameters": {}}\n', b"\xff\n", b'{"parameters": "x"}\n', b"[" * 100_000]
)
def test_what_is_no_beginning_of_a_run_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "unfinished.jsonl").write_bytes(content)
    with pytest.raises(InvalidResults, match="not the beginning of a run"):
        answered_before(tmp_path, PARAMETERS)


def test_a_run_of_something_else_does_not_go_on(tmp_path: Path) -> None:
    interrupted(tmp_path, 0)
    save(made(), tmp_path / "finished")
    for field, what in (("data_sha256", "cases or policies"), ("engine", "engine"), ("models_sha256", "models")):
        other = replace(PARAMETERS, **{field: "another"})
        with pytest.raises(OtherRun, match=f"another {what}"):
            answered_before(tmp_path, other)
        with pytest.raises(OtherRun, match=f"another {what}"):
            answered_before(tmp_path / "finished", other)


def test_a_run_goes_on_on_another_day_and_with_more_at_a_time(tmp_path: Path) -> None:
    interrupted(tmp_path, 0)
    assert set(answered_before(tmp_path, replace(PARAMETERS, started_at="2030-01-01", jobs=8))) == {"a"}


def test_cases_that_failed_are_asked_again(tmp_path: Path) -> None:
    save(made(b=None), tmp_path)
    assert read_rows(tmp_path)[1].state is State.ERROR
    assert set(answered_before(tmp_path, PARAMETERS)) == {"a", "c"}


def test_an_empty_folder_has_nothing_to_go_on_with(tmp_path: Path) -> None:
    assert answered_before(tmp_path, PARAMETERS) == {}
    assert answered_before(tmp_path / "none", PARAMETERS) == {}


def test_an_earlier_run_stays_until_the_next_one_is_finished(tmp_path: Path) -> None:
    save(made(), tmp_path)
    interrupted(tmp_path, 0)
    assert len(read_rows(tmp_path)) == 3
    save(made(b=None), tmp_path)
    assert not (tmp_path / "unfinished.jsonl").exists()
    assert read_parameters(tmp_path) == PARAMETERS


def test_a_folder_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with (
        pytest.raises(ResultsUnwritable, match="Cannot save"),
        journal(tmp_path / "file" / "out", PARAMETERS, {}),
    ):
        raise AssertionError
