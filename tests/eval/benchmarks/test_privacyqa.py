from __future__ import annotations

from pathlib import Path

import pytest

from eval.benchmarks.privacyqa import (
    Agreement,
    PrivacyQaBenchmark,
    agreement,
    human_agreement,
    system_agreement,
)
from eval.benchmarks.scoring import InvalidData
from tests.eval.benchmarks.making import figures, rows_of

HEAD = "Folder\tDocID\tQueryID\tSentID\tSplit\tQuery\tSegment\tAny_Relevant\tAnn1\tAnn2\tAnn3"
SELL, KEEP, MAIL = "We sell your location to partners.", "Records are kept for years.", "Write to us by mail."
YES, NO, NONE = "Relevant", "Irrelevant", "None"


def line(query: str, question: str, sentence: int, text: str, *labels: str) -> str:
    return "\t".join(["f", "Fit App_7", f"Fit App_7_{query}", f"s_{sentence}", "test", question, text, "x", *labels])


LINES = (
    line("0", "do you sell my location?", 0, SELL, YES, YES, NONE),
    line("0", "do you sell my location?", 1, KEEP, YES, NO, NONE),
    line("0", "do you sell my location?", 2, MAIL, NO, NO, NONE),
    line("1", "does it cost money?", 0, SELL, NO, NO, NO),
    line("1", "does it cost money?", 1, KEEP, NO, NO, NO),
    line("1", "does it cost money?", 2, MAIL, NO, NO, NO),
)


def file(path: Path, *lines: str, head: str = HEAD) -> Path:
    path.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
    return path


def test_sets_are_compared_sentence_by_sentence() -> None:
    a, ab, nothing = frozenset("a"), frozenset("ab"), frozenset[str]()
    assert agreement(a, ab) == Agreement(1.0, 0.5, pytest.approx(2 / 3))
    assert agreement(nothing, nothing) == Agreement(1.0, 1.0, 1.0)
    assert agreement(nothing, a) == agreement(a, nothing) == agreement(a, frozenset("b")) == Agreement(0.0, 0.0, 0.0)


def test_each_reference_is_held_out_and_the_best_of_the_others_counts() -> None:
    a, ab, c = frozenset("a"), frozenset("ab"), frozenset("c")
    # Without {a} the best is {a, b} (F1 2/3); without the others it is {a} (1): their mean is (2/3 + 1 + 1) / 3.
    assert system_agreement(a, [a, ab, c]).f1 == pytest.approx(8 / 9)
    assert system_agreement(a, [ab]).f1 == pytest.approx(2 / 3)
    # {a} and {a, b} find each other (2/3), {c} nobody.
    found = human_agreement([a, ab, c])
    assert found is not None
    assert found.f1 == pytest.approx(4 / 9)
    assert found.precision == pytest.approx((1 + 0.5 + 0) / 3)
    assert human_agreement([a]) is None


def test_a_file_as_published_is_read_asked_and_scored(tmp_path: Path) -> None:
    benchmark = PrivacyQaBenchmark()
    items = benchmark.read(file(tmp_path / "policy_test_data.csv", *LINES))
    assert [(item.policy, item.question) for item in items] == [
        ("Fit App", "do you sell my location?"), ("Fit App", "does it cost money?"),
    ]  # fmt: skip
    # The third annotator has not looked at the first question.
    assert items[0].references == (frozenset({"0", "1"}), frozenset({"0"}))
    assert items[1].references == (frozenset(),) * 3
    rows = rows_of(benchmark, items, tmp_path)
    assert rows[0].said["marked"] == ["0"]
    # Precision 1 against either; recall 1 where {0, 1} is held out, 1/2 where {0} is.
    assert rows[0].parts["precision"] == ((1.0, 1.0),)
    assert rows[0].parts["recall"] == ((0.75, 1.0),)
    # Silence is right where nobody marked a sentence: "cost" and "money" are in none.
    assert rows[1].said["marked"] == []
    found = figures(benchmark, rows)
    assert found["precision"] == 1
    assert found["recall"] == pytest.approx(0.875)
    assert found["f1"] == pytest.approx(2 * 0.875 / 1.875)
    assert found["answerable"] == 0.5
    # The annotators of the first question: P 1/2 and 1, YES 1 and 1/2; of the second all agree.
    assert found["human_precision"] == pytest.approx((0.75 + 1) / 2)


def test_the_train_form_has_one_label_and_no_human_figure(tmp_path: Path) -> None:
    head = "Folder\tDocID\tQueryID\tSentID\tSplit\tQuery\tSegment\tLabel"
    lines = ["\t".join([*each.split("\t")[:7], each.split("\t")[8]]) for each in LINES[:3]]
    benchmark = PrivacyQaBenchmark()
    items = benchmark.read(file(tmp_path / "train.csv", *lines, head=head))
    assert items[0].references == (frozenset({"0", "1"}),)
    assert figures(benchmark, rows_of(benchmark, items, tmp_path))["human_f1"] is None


def test_no_answer_is_wrong_even_where_silence_is_right(tmp_path: Path) -> None:
    benchmark = PrivacyQaBenchmark()
    silent = benchmark.read(file(tmp_path / "test.csv", *LINES))[1]
    parts = benchmark.wrong(silent)
    assert parts["precision"] == parts["recall"] == parts["mean_f1"] == ((0.0, 1.0),)
    assert parts["human_precision"] == ((1.0, 1.0),)


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        ("one\tfield", "line 3: 2 fields instead of 11"),
        (line("0", "q?", 0, SELL, "Perhaps", NO, NO), "line 3: 'perhaps' is neither"),
        (line("0", " ", 0, SELL, YES, NO, NO), "line 3: no question"),
        (LINES[0].replace("s_0", "first"), "line 3: SentID 'first'"),
    ],
)
def test_a_line_that_is_not_as_published_is_told_by_its_number(broken: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidData, match=told):
        PrivacyQaBenchmark().read(file(tmp_path / "test.csv", LINES[0], broken))


@pytest.mark.parametrize("head", ["", "a,b,c", HEAD.replace("Segment", "Text"), HEAD.split("\tAnn1", maxsplit=1)[0]])
def test_a_file_without_the_published_columns_is_refused(head: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidData, match="names no"):
        PrivacyQaBenchmark().read(file(tmp_path / "test.csv", *LINES, head=head))
