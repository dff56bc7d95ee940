from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path

import pytest

from eval.cases import InvalidCases
from eval.changes import ChangeCase, as_text, fingerprint, main, mark, measure, read_cases, summarise
from qa.citing import citation_at
from qa.domain import Answer, IndexedPolicy, Question, Status, Verdict
from qa.encoders import HashingEncoder
from qa.errors import InvalidQuestion, UnknownScope
from qa.library import Library, Manifest
from tests.qa.making import indexed

OLDER = indexed("We sell your data.", "We use cookies.", archived_on=dt.date(2008, 1, 1))
NEWER = indexed("We do not sell your data.", "We use cookies.", archived_on=dt.date(2011, 3, 6))
SOURCES = {source.policy.id: source for source in (OLDER, NEWER)}
CASE = ChangeCase(
    id="c1", kind="what", question="what changed about selling?", history=(), statuses=(Status.ANSWERED,),
    verdicts=(None,), policies=tuple(SOURCES), before=frozenset({fingerprint("We sell your data.")}),
    after=frozenset({fingerprint("We do not sell your data.")}), dates=("2008-01-01", "2011-03-06"), seen=False,
)  # fmt: skip


def read(policy_id: str) -> IndexedPolicy:
    if policy_id not in SOURCES:
        raise UnknownScope(policy_id)
    return SOURCES[policy_id]


def right(question: Question) -> Answer:
    before = citation_at(OLDER, OLDER.sentences()[0][1].span, 1)
    after = citation_at(NEWER, NEWER.sentences()[0][1].span, 2)
    return Answer(question.text, Status.ANSWERED, "1 January 2008 [1], 6 March 2011 [2].", citations=(before, after))


ANSWER = right(Question(CASE.question))


def test_a_right_answer_is_right_in_everything() -> None:
    assert mark(CASE, ANSWER, read).right


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        (replace(ANSWER, status=Status.NOT_STATED), "status"),
        (replace(ANSWER, verdict=Verdict.YES), "verdict"),
        (replace(ANSWER, citations=ANSWER.citations[1:]), "before"),
        (replace(ANSWER, citations=ANSWER.citations[:1]), "after"),
        (replace(ANSWER, text="It changed [1] [2]."), "dates"),
        (replace(ANSWER, citations=(replace(ANSWER.citations[0], quote="x"), ANSWER.citations[1])), "verified"),
    ],
)
def test_each_thing_that_is_wrong_is_told(answer: Answer, what: str) -> None:
    marks = mark(CASE, answer, read)
    assert getattr(marks, what) is False
    assert not marks.right


def test_a_sentence_is_recognised_whatever_its_markup() -> None:
    assert fingerprint("* **We sell** your data!") == fingerprint("We sell your data.")
    assert fingerprint("We sell your data.") != fingerprint("We do not sell your data.")


def test_cases_without_their_policies_are_left_out_and_counted() -> None:
    elsewhere = replace(CASE, id="c2", policies=("bolt.com@2001-01-01",))
    summary = summarise(measure([CASE, elsewhere], right, read, frozenset(SOURCES)))
    assert (summary.asked, summary.unasked, summary.right) == (1, 1, 1.0)
    assert "1 left out" in as_text(summary)
    with pytest.raises(InvalidCases, match="Ingest them first"):
        measure([elsewhere], right, read, frozenset(SOURCES))


def test_a_case_that_fails_counts_as_wrong() -> None:
    def refuse(_: Question) -> Answer:
        raise InvalidQuestion("no")

    summary = summarise(measure([CASE], refuse, read, frozenset(SOURCES)))
    assert summary.right == 0
    assert summary.wrong == ("c1",)


def test_the_bundled_cases_hold_no_policy_text_and_are_whole() -> None:
    cases = read_cases()
    assert len(cases) >= 40
    assert sum(not case.seen for case in cases) >= len(cases) / 2
    assert {case.kind for case in cases} >= {
        "what",
        "whether",
        "always",
        "since",
        "before",
        "new",
        "asof",
        "one",
        "silent",
    }
    for case in cases:
        assert all(len(each) == 64 and set(each) <= set("0123456789abcdef") for each in case.before | case.after)


@pytest.mark.parametrize("line", ["[]", '{"id": "x"}', '{"id": "x", "unknown": 1}', "{"])
def test_a_line_that_is_no_case_is_told_with_its_number(tmp_path: Path, line: str) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_text(f"\n{line}\n", encoding="utf-8")
    with pytest.raises(InvalidCases, match="Line 2"):
        read_cases(path)


def test_a_run_without_any_of_the_policies_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    encoder = HashingEncoder()
    manifest = Manifest(encoder.name, encoder.fingerprint, encoder.dimension, "test")
    with Library.open_for_writing(tmp_path / "index", manifest) as library:
        library.put(OLDER)
    assert main(["--index", str(tmp_path / "index")], encoder=encoder) == 1
    assert "Ingest them first" in capsys.readouterr().err


def test_a_run_keeps_rows_summary_and_parameters(tmp_path: Path) -> None:
    encoder = HashingEncoder()
    manifest = Manifest(encoder.name, encoder.fingerprint, encoder.dimension, "test")
    with Library.open_for_writing(tmp_path / "index", manifest) as library:
        for source in SOURCES.values():
            library.put(source)
    data = {"id": "c1", "kind": "what", "question": "what changed about selling at Acme?", "status": ["answered"],
            "verdict": [None], "policies": list(SOURCES), "before": sorted(CASE.before), "after": sorted(CASE.after),
            "dates": list(CASE.dates)}  # fmt: skip
    (tmp_path / "cases.jsonl").write_text(json.dumps(data), encoding="utf-8")
    out = tmp_path / "out"
    arguments = ["--index", str(tmp_path / "index"), "--cases", str(tmp_path / "cases.jsonl"), "--out", str(out)]
    assert main(arguments, encoder=encoder) == 0
    assert json.loads((out / "summary.json").read_text())["right"] == 1
    assert json.loads((out / "rows.jsonl").read_text())["answer"]["status"] == "answered"
    assert json.loads((out / "parameters.json").read_text())["policies"] == 2
