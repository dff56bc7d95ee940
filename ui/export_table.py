"""Comparisons as tables for other programs: CSV for spreadsheets, Markdown for writing (pure functions).

A table has a record for each policy and question, with the quotes, where they stand and where they can be seen. Each
record can be made by itself, so that a page can put together those that it shows.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from qa.domain import Citation, Entry, FailedEntry, LabelRow, Status, Verdict
from qa.text import MARKER
from ui.render import Certainty, certainty, certainty_in_words, date_in_words, visible, web_address
from ui.words import WORDS

__all__ = ["BOM", "CSV_HEAD", "CSV_LINE_END", "Cell", "as_csv", "as_markdown", "csv_record", "markdown_head",
           "markdown_record"]  # fmt: skip

_COLUMNS: Final = (
    "company", "domain", "policy", "archived on", "question", "verdict", "certainty", "answer", "quotes",
    "sections", "links",
)  # fmt: skip
CSV_LINE_END: Final = "\r\n"
BOM: Final = "\ufeff"
"""Stands before the CSV, or spreadsheets read UTF-8 as something else."""

# What a spreadsheet takes for the beginning of a formula (OWASP: CSV injection).
_FORMULA: Final = re.compile(r"^\s*[=+\-@\uff0b\uff0d\uff1d\uff20]|^[\t\r\n]")
_MARKER: Final = re.compile(rf"\s*{MARKER.pattern}")
_MARKUP: Final = re.compile(r"([\\`*_{}\[\]()#+!|<>~$&])")


@dataclass(frozen=True, slots=True)
class Cell:
    """What one policy says about one question, or why that is not known.

    Attributes:
        sure: whether the verdict may be said in a word (``LabelRow.sure``).
        column: what names the question among those compared, e.g. a label's topic.
        title: the column's head: the question, or a topic in a few words.
        problem: why there is no answer, where there is none; this is not silence.
    """

    policy_id: str
    company: str
    domain: str
    archived_on: dt.date
    column: str
    title: str
    question: str
    status: Status = Status.NOT_STATED
    verdict: Verdict | None = None
    text: str = ""
    citations: tuple[Citation, ...] = ()
    confidence: float = 1.0
    sure: bool = True
    warnings: tuple[str, ...] = ()
    problem: str = ""

    @classmethod
    def of_entry(cls, entry: Entry | FailedEntry, question: str) -> Cell:
        """One question's cell; an answer that is more likely wrong than right gives no verdict to be counted."""
        who = (entry.policy_id, entry.company, entry.domain, entry.archived_on, "question", question, question)
        if isinstance(entry, FailedEntry):
            return cls(*who, problem=entry.problem)
        said = (entry.status, entry.verdict, entry.text, entry.citations, entry.confidence)
        sure = certainty(entry.status, entry.confidence) is not Certainty.UNSURE
        return cls(*who, *said, sure=sure, warnings=entry.warnings)

    @classmethod
    def of_row(cls, row: LabelRow, policy_id: str, company: str, domain: str, archived_on: dt.date) -> Cell:
        """A cell of a policy's label."""
        who = (policy_id, company, domain, archived_on, row.topic, row.title, row.question)
        if row.sure:
            return cls(*who, row.status, row.verdict, row.text, row.citations, row.confidence)
        nearest = row.citations or row.related
        return cls(*who, row.status, row.verdict, WORDS["label.unsure"]["en"], nearest[:1], row.confidence, sure=False)

    @property
    def kind(self) -> str:
        """``failed``, ``unclear``, ``not_stated``, a verdict, or ``answered`` for an open question."""
        if self.problem:
            return "failed"
        return (self.verdict or self.status).value if self.sure else "unclear"

    @property
    def verdict_words(self) -> str:
        """What it is in a word."""
        return WORDS[f"compare.is_{self.kind}"]["en"]

    @property
    def certainty(self) -> Certainty | None:
        """How far the verdict can be relied on; None where there is none."""
        return None if self.problem else certainty(self.status, self.confidence)

    @property
    def bare_text(self) -> str:
        """The answer, or the problem, without the numbers of its citations."""
        return self.problem or _MARKER.sub("", visible(self.text)).strip()


def csv_record(cell: Cell) -> str:
    """One record of RFC 4180 without its line end; no field of it is a formula to a spreadsheet."""
    fields = (
        cell.company,
        cell.domain,
        cell.policy_id,
        cell.archived_on.isoformat(),
        cell.question,
        cell.verdict_words,
        certainty_in_words(cell.certainty) if cell.certainty else "",
        cell.bare_text,
        "\n".join(c.quote for c in cell.citations),
        "\n".join(c.section for c in cell.citations),
        "\n".join(web_address(c.url) for c in cell.citations),
    )
    return ",".join(map(_field, fields))


def _field(text: str) -> str:
    text = visible(text).replace("\r\n", "\n").replace("\r", "\n")
    guarded = f"'{text}" if _FORMULA.match(text) else text
    return '"' + guarded.replace('"', '""') + '"'


CSV_HEAD: Final = ",".join(map(_field, _COLUMNS))


def as_csv(cells: Iterable[Cell]) -> str:
    """The whole file, to be written as UTF-8."""
    return BOM + "".join(f"{line}{CSV_LINE_END}" for line in (CSV_HEAD, *map(csv_record, cells)))


def markdown_head(title: str) -> str:
    """What stands before the records of one question: a heading and the table's head."""
    head = "| Company | Policy as of | Verdict | What it says | Quotes |\n| --- | --- | --- | --- | --- |\n"
    return f"## {_inline(title)}\n\n{head}"


def markdown_record(cell: Cell) -> str:
    """One row of a question's table."""
    day = date_in_words(cell.archived_on.isoformat())
    quotes = "<br>".join(map(_quoted, cell.citations))
    unsure = f" ({certainty_in_words(Certainty.UNSURE)})" if cell.certainty is Certainty.UNSURE else ""
    words = (
        f"{_inline(cell.company)} ({_inline(cell.domain)})",
        day,
        cell.verdict_words + unsure,
        _inline(cell.bare_text),
        quotes,
    )
    return f"| {' | '.join(words)} |\n"


def as_markdown(cells: Sequence[Cell]) -> str:
    """A table for each question, in the order of their first cells."""
    columns = {cell.column: cell.title for cell in cells}
    tables = (
        markdown_head(title) + "".join(markdown_record(cell) for cell in cells if cell.column == column)
        for column, title in columns.items()
    )
    return "\n".join(tables)


def _quoted(citation: Citation) -> str:
    where = f" ({_inline(citation.section)})" if citation.section else ""
    link = web_address(citation.url)
    # In angle brackets any address is one target; what would end it, or the table's cell, is percent-encoded.
    safe = re.sub(r"[<>|\s\\]", lambda match: f"%{ord(match[0]):02X}", link)
    seen = f" [archived page](<{safe}>)" if safe else ""
    return f"“{_inline(citation.quote)}”{where}{seen}"


def _inline(text: str) -> str:
    """Text on one line that Markdown shows as it is."""
    return _MARKUP.sub(r"\\\1", " ".join(visible(text).split()))
