"""A run as one page to read, to send and to print.

The page needs no network, no server and no script; a small script adds a filter and sorting. Everything that is not the
page's own is escaped by the template engine, and the page forbids itself whatever it does not bring along.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eval.report.cases import CaseView, Source, expected, said, shortened, view
from eval.report.figures import confusion, figure_rows, group_tables, headline, mistake_rows
from eval.report.highlighting import Layout
from eval.report.pictures import pictures
from eval.report.saved import Report
from eval.running import Row, State

if TYPE_CHECKING:
    from jinja2 import Template

__all__ = ["page"]

MOST_CASES = 300
"""So many cases are shown whole; of every other one there is a line."""
MOST_LINES = 5_000
_OPENED = 5
"""So many broken cases are open when the page is."""

_HERE = Path(__file__).parent
# Everything that a browser may act on instead of showing: C0, DEL, C1, direction overrides; and lone surrogates.
_UNSHOWN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)


@dataclass(frozen=True, slots=True)
class Section:
    """Cases that have something in common.

    Attributes:
        name: for addresses within the page.
        cases: shown whole.
        lines: those beyond what is shown whole.
        opened: how many of the first are open at once.
    """

    name: str
    title: str
    text: str
    cases: tuple[CaseView, ...]
    lines: tuple[Line, ...]
    opened: int = 0

    @property
    def n(self) -> int:
        """How many there are."""
        return len(self.cases) + len(self.lines)


@dataclass(frozen=True, slots=True)
class Line:
    """A case in one line.

    Attributes:
        outcome: as ``cases.Given.outcome``.
    """

    id: str
    question: str
    expected: str
    said: str
    outcome: str


def page(report: Report) -> str:
    """The whole page as HTML."""
    run, before = report.run, report.before
    html = _template().render(
        report=report,
        run=run,
        before=before,
        several=len(report.engines) > 1,
        head=headline(run),
        heads=[(name, headline(each)) for name, each in report.engines],
        figures=figure_rows(report),
        groups=group_tables(report),
        confusions=[(name, table) for name, each in report.engines if (table := confusion(each))],
        pictures=pictures(report),
        mistakes=mistake_rows(run),
        sections=_sections(report),
        unanswered=[row for row in run.rows if row.state is not State.SCORED],
        lines=[_line(row) for row in run.rows[:MOST_LINES]],
        most_lines=MOST_LINES,
        parameters=_named(asdict(run.parameters)),
        has_texts=any(each.policies for each in report.saved),
        style=_file("report.css"),
        script=_file("report.js"),
        policy=_content_policy(),
    )
    return _UNSHOWN.sub("\ufffd", html.lstrip()) + "\n"


def _sections(report: Report) -> tuple[Section, ...]:
    """What broke, what is wrong otherwise, and what was fixed; so many of them whole, in this order."""
    run, before = report.run, report.before
    broken = before.broken if before else ()
    fixed = before.fixed if before else ()
    told = {*broken, *fixed}
    wrong = {
        row.case.id
        for _, each in report.engines
        for row in each.rows
        if row.state is State.SCORED and not row.right and row.case.id not in told
    }
    others = [row.case.id for row in run.rows if row.case.id in wrong]
    make = _Sections(report)
    several = len(report.engines) > 1
    found = [
        make.section("broken", "Broken", "Right in the baseline, and not right now.", broken, opened=_OPENED),
        make.section(
            "wrong",
            "Wrong" if not before else "Wrong, and not right in the baseline either",
            "Cases that at least one engine has wrong." if several else "",
            others,
        ),
        make.section("fixed", "Fixed", "Wrong in the baseline, and right now.", fixed),
    ]
    return tuple(found if before else found[1:2])


class _Sections:
    """Makes sections until so many cases are shown whole."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._left = MOST_CASES
        self._rows = {row.case.id: row for row in report.run.rows}
        several = len(report.engines) > 1
        names = [name for name, _ in report.engines] if several else ["now" if report.before else ""]
        self._sources = [
            Source(name, {row.case.id: row for row in run.rows})
            for name, (_, run) in zip(names, report.engines, strict=True)
        ]
        if report.before:
            self._sources.append(Source("before", report.before.rows))
        self._layouts = _layouts(report)

    def section(self, name: str, title: str, text: str, ids: Sequence[str], opened: int = 0) -> Section:
        whole, rest = ids[: self._left], ids[self._left :]
        self._left -= len(whole)
        return Section(
            name=name,
            title=title,
            text=text,
            cases=tuple(view(case_id, self._sources, self._layouts) for case_id in whole),
            lines=tuple(_line(self._rows[case_id]) for case_id in rest[:MOST_LINES]),
            opened=opened,
        )


def _layouts(report: Report) -> Mapping[str, Layout]:
    """The policies' texts by file stem; the first engine's where several kept one."""
    texts: dict[str, str] = {}
    for each in report.saved:
        texts = {**each.policies, **texts}
    return {stem: Layout(text) for stem, text in texts.items()}


def _line(row: Row) -> Line:
    outcome = row.state.value if row.state is not State.SCORED else "right" if row.right else "wrong"
    return Line(row.case.id, shortened(row.case.question, 300), expected(row), said(row), outcome)


def _named(data: Mapping[str, Any], before: str = "") -> list[tuple[str, str]]:
    """Parameters as names and values; those of a group are named with it."""
    named: list[tuple[str, str]] = []
    for name, value in data.items():
        if isinstance(value, Mapping):
            named += _named(value, f"{before}{name}.")
        elif value not in {None, ""}:
            named.append((f"{before}{name}", str(value)))
    return named


def _content_policy() -> str:
    """Nothing may be loaded, sent or run but the page's own style and script, known by their hashes."""
    style, script = _hash(_file("report.css")), _hash(_file("report.js"))
    return (
        f"default-src 'none'; style-src '{style}'; script-src '{script}'; img-src data:; base-uri 'none';"
        " form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _file(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


@cache
def _template() -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html")
