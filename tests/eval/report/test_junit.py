from __future__ import annotations

import dataclasses
from pathlib import Path
from xml.etree.ElementTree import Element, fromstring

from hypothesis import given, settings
from hypothesis import strategies as st

from eval.comparing import Baseline
from eval.report.junit import junit_xml
from eval.report.saved import Earlier, Report, SavedRun, compared, read_report
from tests.eval.making import COOKIES, OTHER_STEM, SELL, answer, case
from tests.eval.report.making import CASES, made, of_absent_policy, side_by_side

RUN = made(given={"a": answer("yes", SELL), "b": "no \x00 answer", "c": answer(None, status="not_stated")})


def suites(report: Report) -> list[Element]:
    return list(fromstring(junit_xml(report).encode()))


def alone(**changes: object) -> Report:
    return Report((SavedRun("extractive", dataclasses.replace(RUN, **changes)),))  # type: ignore[arg-type]


def test_wrong_is_a_failure_an_error_an_error_and_right_is_neither() -> None:
    (suite,) = suites(alone())
    outcomes = {each.get("name"): [part.tag for part in each] for each in suite.iter("testcase")}
    assert outcomes == {
        "a: question a?": ["failure"], "b: question b?": ["error"], "c: question c?": ["failure"], "d: question d?": [],
    }  # fmt: skip
    told = {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")}
    assert told == {"tests": "4", "failures": "2", "errors": "1", "skipped": "0"}


def test_a_failure_says_what_was_said_and_what_is_right() -> None:
    (suite,) = suites(alone())
    failure = next(suite.iter("failure"))
    assert failure.get("message") == "wrong verdict: said yes, right is no"
    assert SELL in (failure.text or "")


def test_what_broke_since_the_baseline_says_so() -> None:
    good = made()
    summary = good.summary
    baseline = Baseline("d", summary.figures, summary.right, summary.wrong, summary.unscored)
    (suite,) = suites(compared(alone(), Earlier("earlier", baseline)))
    assert (next(suite.iter("failure")).get("message") or "").startswith("was right in the baseline; wrong verdict")


def test_a_case_whose_policy_is_not_there_is_skipped() -> None:
    run = made([CASES[0], of_absent_policy(CASES[1])])
    (suite,) = suites(Report((SavedRun("extractive", run),)))
    assert [each.get("message") for each in suite.iter("skipped")] == [
        "the policy none.example__2020-01-01 is not there"
    ]
    assert suite.get("skipped") == "1"


def test_every_engine_is_a_suite(tmp_path: Path) -> None:
    folder = side_by_side(tmp_path, made(), made(engine="ollama:x", given={"a": answer("no", COOKIES)}))
    found = suites(read_report(folder))
    assert [(suite.get("name"), suite.get("failures")) for suite in found] == [
        ("made-up.jsonl (extractive)", "0"), ("made-up.jsonl (ollama:x)", "1"),
    ]  # fmt: skip
    assert OTHER_STEM not in {each.get("classname") for suite in found for each in suite.iter("testcase")}


@settings(max_examples=50)
@given(st.text(max_size=60))
def test_any_text_at_all_is_valid_xml(text: str) -> None:
    asked = dataclasses.replace(case("a", "no", SELL), question=f"?{text}", history=(text,), answer=text)
    row = dataclasses.replace(RUN.rows[0], case=asked, note=text)
    error = dataclasses.replace(RUN.rows[1], case=asked, note=text)
    parameters = dataclasses.replace(RUN.parameters, cases=text, engine=text)
    (suite,) = suites(alone(rows=(row, error), parameters=parameters))
    assert [each.tag for testcase in suite.iter("testcase") for each in testcase] == ["failure", "error"]
