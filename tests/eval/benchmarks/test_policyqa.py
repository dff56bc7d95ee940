from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from eval.benchmarks.policyqa import PolicyQaBenchmark, exact, f1_of_words, normalised
from eval.benchmarks.scoring import InvalidData
from tests.eval.benchmarks.making import figures, rows_of

SHARE = "We share your email address with partners. Cookies are used on the site."
KEEP = "We keep your records for seven years."


def qa(name: str, question: str, context: str, *answers: str) -> dict[str, Any]:
    golds = [{"text": answer, "answer_start": context.index(answer)} for answer in answers]
    return {"id": name, "question": question, "type": "x|||y", "answers": golds}


def squad(path: Path, *paragraphs: tuple[str, list[dict[str, Any]]]) -> Path:
    found = [{"context": context, "qas": qas, "summary": []} for context, qas in paragraphs]
    text = json.dumps({"version": "v1.0", "data": [{"title": "shop.example", "paragraphs": found}]})
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return squad(
        tmp_path / "dev.json",
        (SHARE, [qa("share", "Do you share my email address?", SHARE, "We share your email address")]),
        (KEEP, [qa("keep", "How long are records kept?", KEEP, "seven years", KEEP)]),
    )


def test_answers_are_compared_as_squad_compares_them() -> None:
    assert normalised("The  Site's  data, an E-Mail!") == "sites data email"
    assert exact("the Data.", ["nothing", "data"]) == 1
    assert exact("data", ["datum"]) == 0
    # Shared: "we", "share"; 2·2 / (4 + 2).
    assert f1_of_words("We share your data", ["we share"]) == pytest.approx(2 / 3)
    # A word counts as often as both have it: "data" twice of three and two; 2·2 / (3 + 2).
    assert f1_of_words("data data data", ["other", "data data"]) == pytest.approx(4 / 5)
    assert f1_of_words("nothing", ["something else"]) == 0


def test_the_paragraph_gives_the_answer_and_the_whole_policy_the_evidence(data: Path, tmp_path: Path) -> None:
    benchmark = PolicyQaBenchmark()
    share, keep = rows_of(benchmark, benchmark.read(data), tmp_path)
    assert share.policy == "shop.example"
    assert share.said["answer"] == "We share your email address with partners."
    # "we share your email address" has 5 words of the sentence's 7: 2·5 / (7 + 5).
    assert share.parts["f1"] == ((pytest.approx(10 / 12), 1.0),)
    assert share.parts["exact_match"] == ((0.0, 1.0),)
    assert keep.parts["exact_match"] == ((1.0, 1.0),)
    found = figures(benchmark, [share, keep])
    assert found["exact_match"] == 0.5
    assert (found["evidence_at_1"], found["reachable"], found["answered"]) == (1, 1, 1)


def test_a_paragraph_that_is_no_sentence_is_its_own_answer(tmp_path: Path) -> None:
    file = squad(tmp_path / "dev.json", ("Cookies", [qa("c", "Cookies?", "Cookies", "Cookies")]))
    benchmark = PolicyQaBenchmark()
    (row,) = rows_of(benchmark, benchmark.read(file), tmp_path)
    assert row.parts["exact_match"] == ((1.0, 1.0),)
    assert row.parts["reachable"] == ((0.0, 1.0),)


def test_an_answer_that_does_not_stand_where_it_should_is_told_by_paragraph_and_question(tmp_path: Path) -> None:
    wrong = qa("share", "Shared?", SHARE, "We share") | {"answers": [{"text": "We share", "answer_start": 3}]}
    with pytest.raises(InvalidData, match=r"shop\.example, paragraph 1, share: .* does not stand at 3"):
        PolicyQaBenchmark().read(squad(tmp_path / "dev.json", (SHARE, [wrong])))


def test_an_id_that_comes_twice_is_refused(tmp_path: Path) -> None:
    twice = [qa("a", "Shared?", SHARE, "We share")] * 2
    with pytest.raises(InvalidData, match="comes twice"):
        PolicyQaBenchmark().read(squad(tmp_path / "dev.json", (SHARE, twice)))


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"data": []}', '{"data": [{"title": "x", "paragraphs": [{}]}]}', "\0"]
)
def test_what_is_no_such_file_is_refused_in_one_line(text: str, tmp_path: Path) -> None:
    file = tmp_path / "dev.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidData, match=r"SQuAD") as caught:
        PolicyQaBenchmark().read(file)
    assert "\n" not in str(caught.value)


def test_without_data_it_says_what_to_name() -> None:
    with pytest.raises(InvalidData, match=r"--data"):
        PolicyQaBenchmark().read(None)
