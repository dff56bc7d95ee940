from __future__ import annotations

import json
from pathlib import Path

import pytest

from eval.cases import InvalidCases
from eval.transfer import (
    BM25,
    PUBLISHED,
    REACHABLE,
    READ,
    WEIGHTED,
    Row,
    as_markdown,
    by_feature,
    first_hit,
    fused,
    hits,
    main,
    moved,
    read_order,
    read_questions,
    summarise,
)
from qa.domain import Candidates, Reading, Status
from qa.encoders import HashingEncoder
from qa.retrieval import Retriever
from qa.text import Span
from tests.qa.making import indexed, route_to

LINES = ("We keep nothing.", "We sell your data.", "Cookies are used.")
FILE = "shop.example__2020-01-02.md"
HEADER = (
    "> *The following text is extracted and transformed from the shop.example privacy policy that was archived on"
    " 2020-01-02. Please check the [original page](http://shop.example/) for the most accurate reproduction.*\n\n"
)
TEXT = (
    "# Privacy Policy\n\nWe use cookies to remember what is in your cart while you visit our site.\n\n"
    "We never sell your personal information to other companies.\n\n"
    "We keep the records of your orders for seven years, because the law requires that we do.\n\n"
    "You can write to us at any time and we will delete your account and your e-mail address.\n"
)


def question(text: str, answer: str, *, identity: str = "q", file: str = FILE) -> dict[str, object]:
    start = (HEADER + TEXT).index(answer)
    return {
        "id": identity,
        "question": text,
        "file": file,
        "answers": [{"text": answer, "md_start": start, "md_end": start + len(answer)}],
    }


def written(path: Path, *lines: dict[str, object]) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("gold", "expected"),
    [
        ([Span(0, 16)], {0}),  # the very sentence
        ([Span(0, 7)], {0}),  # a part of it: it holds all of the span
        ([Span(10, 28)], {1}),  # six characters of the first of 16, eleven of the second of 18
        ([Span(8, 26)], {0, 1}),  # half of the first, and half of the span in the second
        ([Span(0, 53)], {0, 1, 2}),
        ([Span(16, 17)], set()),  # the line end between two
        ([], set()),
    ],
)
def test_a_sentence_hits_by_half_of_itself_or_half_of_a_span(gold: list[Span], expected: set[int]) -> None:
    assert hits(indexed(*LINES), gold) == expected


def test_offsets_move_by_the_header_and_must_fit_the_text() -> None:
    assert moved([Span(5, 8)], "head\nabc def", "abc def") == (Span(0, 3),)
    for spans, raw in (([Span(4, 8)], "head\nabc def"), ([Span(9, 13)], "head\nabc def"), ([Span(5, 8)], "other")):
        with pytest.raises(InvalidCases):
            moved(spans, raw, "abc def")


def test_reciprocal_ranks_are_summed() -> None:
    # 1/61 + 1/63 beats twice 1/62, and both beat 1/63 + 1/61 of no one else.
    assert fused((0, 1, 2), (2, 1, 0)) == (0, 2, 1)
    assert fused((0, 1, 2), (1, 2, 0)) == (1, 0, 2)


def test_the_first_hit_counts_from_one() -> None:
    assert first_hit((2, 0, 1), frozenset({0, 1})) == 2
    assert first_hit((2, 0, 1), frozenset({9})) is None


class Insisting:
    """Takes the last candidate for proof, or offers it where it finds none."""

    def __init__(self, status: Status) -> None:
        self._status = status

    def warm_up(self) -> None: ...

    def read(self, question: str, candidates: Candidates) -> Reading:
        last = candidates.ranked[-1:]
        if self._status is Status.ANSWERED:
            return Reading(candidates.source, question, self._status, None, evidence=last)
        return Reading(candidates.source, question, self._status, None, related=last)


@pytest.mark.parametrize("status", [Status.ANSWERED, Status.NOT_STATED])
def test_what_the_reader_shows_comes_first_and_nothing_twice(status: Status) -> None:
    source = indexed(*LINES)
    candidates = Retriever(HashingEncoder()).rank(route_to(source, "sell my data"), source)
    retrieved = [candidate.index for candidate in candidates.ranked]
    assert read_order(Insisting(status), candidates) == (retrieved[-1], *retrieved[:-1])
    assert by_feature(candidates, "bm25")[0] == 1
    # Sentences without a word of the query keep the policy's order.
    assert by_feature(candidates, "bm25") == (1, 0, 2)


def test_shares_are_of_all_rows_also_of_those_that_nothing_hits() -> None:
    rows = [Row(str(n), FILE, "q", {"a": rank}) for n, rank in enumerate([1, 3, 6, None])]
    (line,) = summarise(rows)
    assert line.at == (0.25, 0.5, 0.5)
    assert "| a | 4 | 0.250 | 0.500 | 0.500 |" in as_markdown([line])


@pytest.mark.parametrize(
    "broken",
    [
        {"question": ""},
        {"file": "../secret.md"},
        {"answers": []},
        {"answers": [{"md_start": 5, "md_end": 5}]},
        {"answers": [{"md_start": -1, "md_end": 5}]},
        {"answers": [{"md_start": "1", "md_end": 5}]},
        {"id": None},
    ],
)
def test_a_malformed_line_is_told_by_its_number(broken: dict[str, object], tmp_path: Path) -> None:
    good = question("Do you sell it?", "We never sell")
    path = written(tmp_path / "questions.jsonl", good, good | broken)
    with pytest.raises(InvalidCases, match="line 2"):
        read_questions(path)


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / FILE).write_text(HEADER + TEXT, encoding="utf-8")
    return folder


def run(*arguments: str) -> int:
    return main(
        list(arguments), encoder=HashingEncoder(), published=HashingEncoder(64), reader=Insisting(Status.ANSWERED)
    )


def test_the_command_ingests_ranks_prints_and_saves(
    tmp_path: Path, policies: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [
        question("Do you sell my personal information to other companies?", "never sell your personal", identity="a"),
        question("Do you sell my personal information to other companies?", "We keep the records", identity="b"),
    ]
    path, out = written(tmp_path / "questions.jsonl", *lines), tmp_path / "out.json"
    assert run("--questions", str(path), "--policies", str(policies), "--out", str(out)) == 0
    printed = capsys.readouterr()
    assert f"| {BM25} | 2 | 0.500 |" in printed.out
    assert "1 of 1 policies" in printed.err
    rows = {row["id"]: row["first"] for row in json.loads(out.read_text(encoding="utf-8"))["rows"]}
    assert [rows["a"][name] for name in (PUBLISHED, BM25, WEIGHTED, READ, REACHABLE)] == [1, 1, 1, 2, 1]
    assert rows["b"][WEIGHTED] > 1


def test_a_limit_is_spread_over_the_file(tmp_path: Path, policies: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [question("Do you sell it?", "We never sell", identity=str(n)) for n in range(10)]
    path, out = written(tmp_path / "questions.jsonl", *lines), tmp_path / "out.json"
    assert run("--questions", str(path), "--policies", str(policies), "--out", str(out), "--limit", "3") == 0
    assert [row["id"] for row in json.loads(out.read_text(encoding="utf-8"))["rows"]] == ["0", "3", "6"]


@pytest.mark.parametrize("problem", ["no questions", "no policies", "no index", "changed policy"])
def test_what_cannot_be_measured_is_told_with_exit_code_two(
    problem: str, tmp_path: Path, policies: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path / "questions.jsonl", question("Do you sell it?", "We never sell"))
    arguments = ["--questions", str(path), "--policies", str(policies)]
    if problem == "no questions":
        path.unlink()
    elif problem == "no policies":
        (policies / FILE).unlink()
    elif problem == "no index":
        arguments += ["--index", str(tmp_path / "none")]
    else:
        far = question("Do you sell it?", "We never sell") | {"answers": [{"md_start": 9000, "md_end": 9010}]}
        written(path, far)
    assert run(*arguments) == 2
    said = capsys.readouterr().err
    assert said.splitlines()[-1].startswith("transfer: ")
    assert "Traceback" not in said
