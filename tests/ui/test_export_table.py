from __future__ import annotations

import csv
import datetime as dt
import io
import re
from dataclasses import replace

import pytest

from qa.domain import Citation, Entry, FailedEntry, LabelRow, Status, Verdict
from ui.export_table import BOM, CSV_HEAD, Cell, as_csv, as_markdown, csv_record, markdown_record

DAY = dt.date(2011, 3, 6)
CITED = Citation(
    1, "acme.com@2011-03-06", "Acme", "acme.com", DAY, "Sharing | Others", 'We "never" sell it, ever.', 0, 10,
    "https://web.archive.org/web/2011/http://acme.com/a_(b)#:~:text=We%20sell",
)  # fmt: skip
ENTRY = Entry(
    CITED.policy_id, "Acme", "acme.com", DAY, Status.ANSWERED, Verdict.NO, "No. Acme says it does not [1].", (CITED,),
    0.9,
)  # fmt: skip
CELL = Cell.of_entry(ENTRY, "do you sell it?")


def read(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text.removeprefix(BOM), newline=""), strict=True))


def test_a_csv_file_holds_verdict_answer_quote_section_date_and_link() -> None:
    text = as_csv([CELL])
    head, record = read(text)
    said = dict(zip(head, record, strict=True))
    assert said["company"] == "Acme"
    assert said["archived on"] == "2011-03-06"
    assert said["verdict"] == "No"
    assert said["answer"] == "No. Acme says it does not."
    assert said["quotes"] == CITED.quote
    assert said["sections"] == CITED.section
    assert said["links"] == CITED.url


def test_a_csv_file_is_marked_as_utf8_and_each_of_its_lines_ends_as_the_standard_says() -> None:
    text = as_csv([replace(CELL, text="eins\nzwei"), CELL])
    assert text.startswith(BOM + CSV_HEAD + "\r\n")
    assert text.endswith("\r\n")
    assert text.count("\r\n") == 3  # a line break within a field is a bare one


@pytest.mark.parametrize(
    "evil",
    [
        '=HYPERLINK("http://evil.example")',
        "+1+1",
        "-2",
        "@SUM(1)",
        "\t=1",
        "  =1+1",
        "\r=1",
        "\n@x",
        "＝1",
        "－1",
        "＠x",
    ],
)
def test_no_field_is_a_formula_to_a_spreadsheet(evil: str) -> None:
    cell = replace(CELL, company=evil, question=evil, text=evil, citations=(replace(CITED, quote=evil, section=evil),))
    for field in read(csv_record(cell))[0]:
        assert not re.match(r"\s*[=+\-@＝＋－＠]|[\t\r\n]", field), field
    assert evil.strip() in csv_record(replace(CELL, text=evil)).replace('""', '"')  # and nothing is lost


def test_silence_and_failure_are_told_apart() -> None:
    silent = Cell.of_entry(replace(ENTRY, status=Status.NOT_STATED, verdict=None, citations=()), "q")
    failed = Cell.of_entry(FailedEntry(ENTRY.policy_id, "Acme", "acme.com", DAY, "It cannot be read."), "q")
    assert (silent.kind, silent.verdict_words) == ("not_stated", "Does not say")
    assert (failed.kind, failed.verdict_words) == ("failed", "Failed")
    assert "It cannot be read." in csv_record(failed)
    assert "Does not say" not in csv_record(failed)


def test_what_is_not_sure_gives_no_verdict_and_its_words_stay_except_in_a_label() -> None:
    row = LabelRow(
        "sell", "Sells", "q", Status.NOT_STATED, None, "It does not.", (), 0.4, sure=False, related=(CITED, CITED)
    )
    unclear = Cell.of_row(row, ENTRY.policy_id, "Acme", "acme.com", DAY)
    assert (unclear.kind, unclear.verdict_words, unclear.citations) == ("unclear", "Unclear", (CITED,))
    assert "It does not." not in csv_record(unclear)
    unsure = Cell.of_entry(replace(ENTRY, confidence=0.2), "q")
    assert unsure.kind == "unclear"
    assert '"Unclear","not sure: read the passages","No. Acme says' in csv_record(unsure)
    assert "| Unclear (not sure: read the passages) |" in markdown_record(unsure)
    assert "| No |" in markdown_record(CELL)


def test_a_markdown_table_has_a_row_a_policy_and_a_table_a_question() -> None:
    row = LabelRow("ads", "Shows ads", "do you show ads?", Status.ANSWERED, Verdict.YES, "Yes [1].", (CITED,), 0.9)
    other = Cell.of_row(row, ENTRY.policy_id, "Acme", "acme.com", DAY)
    text = as_markdown([CELL, other, replace(CELL, company="Bolt")])
    assert [line for line in text.splitlines() if line.startswith("## ")] == ["## do you sell it?", "## Shows ads"]
    assert text.count("| Acme (acme.com) | 6 March 2011 | No |") == 1
    assert text.index("| Bolt") < text.index("## Shows ads")
    for line in text.splitlines():
        if line.startswith("|"):
            assert len(re.findall(r"(?<!\\)\|", line)) == 6


def test_markdown_shows_words_and_never_runs_them() -> None:
    evil = "<img src=x onerror=alert(1)> [a](javascript:x) **b** | `c` \\\n# d &lt;"
    record = markdown_record(replace(CELL, text=evil, company=evil, citations=(replace(CITED, quote=evil),)))
    assert record.count("\n") == 1
    for mark in ("<img", "](java", "**", "`c`", "&lt;"):
        assert not re.search(r"(?<!\\)" + re.escape(mark), record)


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", None, "ftp://x"])
def test_only_web_addresses_become_links(url: str | None) -> None:
    cell = replace(CELL, citations=(replace(CITED, url=url),))
    assert "archived page" not in markdown_record(cell)
    assert read(csv_record(cell))[0][-1] == ""


def test_a_links_target_cannot_end_early() -> None:
    cited = replace(CITED, url="https://a.example/x> <b|c\\d\ne")
    assert "(<https://a.example/x%3E%20%3Cb%7Cc%5Cd%0Ae>)" in markdown_record(replace(CELL, citations=(cited,)))
