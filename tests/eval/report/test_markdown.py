from __future__ import annotations

import dataclasses
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from eval.report.markdown import code_span, summary_markdown
from eval.report.saved import Report, SavedRun, compared, read_earlier, read_report
from eval.running import Run
from tests.eval.making import COOKIES, SELL, answer
from tests.eval.report.making import CASES, made, reported, saved, side_by_side

HOSTILE = "`x` | <img src=x onerror=alert(1)> [a](javascript:alert(1)) @everyone #1 **b**\n# Heading\n| a | b |"
READER = MarkdownIt("commonmark").enable("table")


def kinds(markdown: str) -> set[str]:
    """The kinds of marks in a document, headings and tables aside."""
    tokens = [inner for token in READER.parse(markdown) for inner in (token, *(token.children or ()))]
    return {token.type for token in tokens}


def renamed(run: Run, text: str) -> Run:
    """The run with this text wherever somebody else's may stand."""
    rows = tuple(
        dataclasses.replace(row, case=dataclasses.replace(row.case, question=f"?{text}"), note=text) for row in run.rows
    )
    return dataclasses.replace(run, rows=rows, parameters=dataclasses.replace(run.parameters, cases=text, engine=text))


def test_the_summary_says_how_good_it_is_and_what_is_wrong() -> None:
    text = summary_markdown(Report((SavedRun("extractive", made(given={"a": answer("yes", SELL)})),)))
    assert "**Right and proven: 75.0 %**" in text  # 3 of the 4 cases
    assert "3 of 4 cases right" in text
    assert "- 1 × wrong verdict" in text


def test_against_a_baseline_it_names_what_broke_and_what_was_fixed(tmp_path: Path) -> None:
    before = saved(tmp_path / "before", made(given={"b": answer("yes", SELL), "c": answer(None, status="not_stated")}))
    report = reported(tmp_path / "now", made(given={"a": answer("yes", SELL)}))
    text = summary_markdown(compared(report, read_earlier(before)))
    assert "- `a` `question a?`: said `yes`, right is `no` (wrong verdict)" in text
    assert "- `c` `question c?`: `not stated` (silent, but the policy answers), now `stated`" in text
    assert "### Broken: 1" in text
    assert "| Figure | Now | 95 % interval | Baseline | Change |" in text


def test_long_lists_are_cut_and_it_is_said_by_how_much(tmp_path: Path) -> None:
    cases = [dataclasses.replace(CASES[0], id=f"case {n}") for n in range(25)]
    before = saved(tmp_path / "before", made(cases))
    wrong = {each.id: answer("yes", SELL) for each in cases}
    text = summary_markdown(compared(reported(tmp_path / "now", made(cases, wrong)), read_earlier(before)))
    assert "… and 5 more" in text
    assert text.count("wrong verdict") == 20


def test_engines_stand_side_by_side_and_one_that_was_not_there_says_why(tmp_path: Path) -> None:
    other = made(engine="ollama:x|y", given={"a": answer("no", COOKIES)})
    folder = side_by_side(tmp_path, made(), other, failed={"openai:z": "It cannot be reached."})
    text = summary_markdown(read_report(folder))
    assert "| Figure | `extractive` | `ollama:x\\|y` |" in text
    assert "`openai:z` could not be asked: `It cannot be reached.`" in text


def test_nothing_that_others_wrote_becomes_markup(tmp_path: Path) -> None:
    plain = made(given={"a": answer("yes", SELL), "b": "nobody there"})
    before = saved(tmp_path / "before", renamed(made(), HOSTILE))
    hostile = reported(tmp_path / "now", renamed(plain, HOSTILE))
    assert kinds(summary_markdown(compared(hostile, read_earlier(before)))) <= kinds(
        summary_markdown(compared(reported(tmp_path / "plain", plain), read_earlier(saved(tmp_path / "good", made()))))
    )


@settings(max_examples=50)
@given(st.text(max_size=40) | st.text(alphabet="`|<>[]()@#*_~\\\n x&:/.", max_size=40))
def test_no_text_leaves_its_code_span(text: str) -> None:
    inside = [token for block in READER.parse(code_span(text)) for token in block.children or ()]
    assert [token.type for token in inside] == ["code_inline"]
