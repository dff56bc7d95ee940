from __future__ import annotations

import json
from pathlib import Path

import pytest

from eval.comparing import InvalidBaseline
from eval.keeping import InvalidResults
from eval.report.saved import compared, read_earlier, read_report
from tests.eval.making import COOKIES, SELL, TEXTS, answer, case
from tests.eval.report.making import CASES, made, saved, side_by_side


def test_a_run_is_read_back_as_it_was_saved(tmp_path: Path) -> None:
    run = made(given={"a": answer("yes", SELL), "b": "nobody there"})
    report = read_report(saved(tmp_path, run))
    assert report.run == run
    assert report.saved[0].policies == TEXTS


def test_engines_are_read_in_the_order_in_which_they_were_asked(tmp_path: Path) -> None:
    folder = side_by_side(tmp_path, made(engine="ollama:x"), made(), failed={"openai:z": "It cannot be reached."})
    report = read_report(folder)
    assert [name for name, _ in report.engines] == ["ollama:x", "extractive"]
    assert [(each.name, each.problem) for each in report.saved if each.run is None] == [
        ("openai:z", "It cannot be reached.")
    ]


def test_what_is_no_folder_of_results_says_so(tmp_path: Path) -> None:
    with pytest.raises(InvalidResults, match="no such folder"):
        read_report(tmp_path / "none")
    with pytest.raises(InvalidResults, match=r"it has no rows\.jsonl"):
        read_report(tmp_path)


def test_an_unfinished_run_is_to_be_finished_first(tmp_path: Path) -> None:
    (tmp_path / "unfinished.jsonl").write_text("{}\n", encoding="utf-8")
    with pytest.raises(InvalidResults, match="--resume"):
        read_report(tmp_path)


@pytest.mark.parametrize("name", ["rows.jsonl", "summary.json", "parameters.json", "policies.json"])
@pytest.mark.parametrize("content", ["", "nonsense", "[]", '{"a": 1}', "\x00", "[" * 5_000])
def test_damaged_results_are_one_clear_line(tmp_path: Path, name: str, content: str) -> None:
    saved(tmp_path, made(CASES[:1]))
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(InvalidResults) as raised:
        read_report(tmp_path)
    assert name in str(raised.value)
    assert "\n" not in str(raised.value)


def test_rows_and_a_summary_of_different_runs_are_not_mixed(tmp_path: Path) -> None:
    saved(tmp_path, made())
    rows = (tmp_path / "rows.jsonl").read_bytes().splitlines(keepends=True)
    for wrong in (rows[1:], [*rows, rows[0]]):
        (tmp_path / "rows.jsonl").write_bytes(b"".join(wrong))
        with pytest.raises(InvalidResults, match="not of one run"):
            read_report(tmp_path)


@pytest.mark.parametrize("folder", ["..", ".", "", "/etc", "a/../b", "..\\x", "a\0b"])
def test_a_list_of_engines_cannot_lead_elsewhere(tmp_path: Path, folder: str) -> None:
    (tmp_path / "engines.json").write_text(json.dumps({"engines": [{"name": "x", "folder": folder}]}), encoding="utf-8")
    with pytest.raises(InvalidResults, match="not inside it"):
        read_report(tmp_path)


def test_engines_of_which_none_was_asked_are_no_results(tmp_path: Path) -> None:
    with pytest.raises(InvalidResults, match="no run of any engine"):
        read_report(side_by_side(tmp_path, failed={"openai:z": "It cannot be reached."}))


def test_a_baseline_with_rows_brings_its_answers_and_a_summary_alone_does_not(tmp_path: Path) -> None:
    before = saved(tmp_path / "before", made())
    report = read_report(saved(tmp_path / "now", made(given={"a": answer("yes", SELL)})))
    whole = compared(report, read_earlier(before)).before
    alone = tmp_path / "alone.json"
    alone.write_bytes((before / "summary.json").read_bytes())
    bare = compared(report, read_earlier(alone)).before
    assert whole is not None
    assert bare is not None
    assert whole.broken == bare.broken == ("a",)
    assert (set(whole.rows), bare.rows) == ({"a", "b", "c", "d"}, {})
    assert (whole.name, bare.name) == ("before, 2020-01-01 00:00, fineprint 0", "alone.json")


def test_the_summary_of_a_folder_is_the_folder(tmp_path: Path) -> None:
    folder = saved(tmp_path, made())
    assert read_earlier(folder / "summary.json") == read_earlier(folder)


def test_of_several_engines_the_one_of_the_same_name_is_the_baseline(tmp_path: Path) -> None:
    folder = side_by_side(tmp_path, made(), made(engine="ollama:x", given={"b": answer("no", COOKIES)}))
    assert read_earlier(folder, "ollama:x").baseline.wrong == ("b",)
    assert read_earlier(folder, "openai:z").baseline.wrong == ()


def test_a_question_that_is_asked_otherwise_now_neither_broke_nor_was_fixed(tmp_path: Path) -> None:
    before = saved(tmp_path / "before", made())
    other = [case("a", "no", SELL), CASES[1]]
    other[0] = type(other[0])(**{**{name: getattr(other[0], name) for name in other[0].__slots__}, "question": "else?"})
    now = made(other, {"a": answer("yes", SELL)}, data_sha256="other")
    shown = compared(read_report(saved(tmp_path / "now", now)), read_earlier(before)).before
    assert shown is not None
    assert (shown.broken, shown.fixed, shown.shared) == ((), (), 1)


def test_a_baseline_without_a_common_case_is_refused(tmp_path: Path) -> None:
    before = saved(tmp_path / "before", made([case("z", "no", SELL)], data_sha256="other"))
    with pytest.raises(InvalidBaseline, match="no case in common"):
        compared(read_report(saved(tmp_path / "now", made())), read_earlier(before))


def test_a_run_of_an_older_version_is_reported_without_what_it_did_not_keep(tmp_path: Path) -> None:
    saved(tmp_path, made(given={"a": answer("yes", SELL)}))
    rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text(encoding="utf-8").splitlines()]
    for row in rows:
        del row["case"]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    summary = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    for name in ("intervals", "calibration", "risk_coverage", "latency_ms", "by_policy", "resampled", "usage"):
        del summary[name]
    (tmp_path / "summary.json").write_text(json.dumps(summary), encoding="utf-8")
    (tmp_path / "policies.json").unlink()
    report = read_report(tmp_path)
    assert [row.case.question for row in report.run.rows] == [each.question for each in CASES]
    assert report.saved[0].policies == {}
