"""JUnit XML, which every continuous integration reads: a case is a test case, an engine a test suite.

Wrong is a failure, an error an error, unscored is skipped. Characters that XML cannot hold are shown as U+FFFD.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element, SubElement, tostring

from eval.report.cases import expected, said, shortened
from eval.report.mistakes import mistake_of
from eval.report.saved import Report
from eval.running import Row, Run, State

__all__ = ["junit_xml"]

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\x7f-\x9f]")
"""What is no character of XML 1.0, or is one to be avoided (W3C, "Extensible Markup Language 1.0", section 2.2)."""
_LONGEST = 2_000


def junit_xml(report: Report) -> str:
    """All engines' cases as one document."""
    broken = frozenset(report.before.broken) if report.before else frozenset[str]()
    suites = Element("testsuites", {"name": "fineprint eval"})
    for name, run in report.engines:
        suites.append(_suite(name, run, broken if run is report.run else frozenset()))
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(suites, encoding="unicode") + "\n"


def _suite(engine: str, run: Run, broken: frozenset[str]) -> Element:
    rows, parameters = run.rows, run.parameters
    suite = Element(
        "testsuite",
        {
            "name": _text(f"{parameters.cases} ({engine})"),
            "tests": str(len(rows)),
            "failures": str(sum(row.state is State.SCORED and not row.right for row in rows)),
            "errors": str(sum(row.state is State.ERROR for row in rows)),
            "skipped": str(sum(row.state is State.UNSCORED for row in rows)),
            "time": _seconds(sum(row.elapsed_ms for row in rows)),
            "timestamp": _text(parameters.started_at[:19]),
        },
    )
    properties = SubElement(suite, "properties")
    for name, value in (("fineprint", parameters.fineprint), ("data_sha256", parameters.data_sha256)):
        SubElement(properties, "property", {"name": name, "value": _text(value)})
    suite.extend(_case(row, broken) for row in rows)
    return suite


def _case(row: Row, broken: frozenset[str]) -> Element:
    about = row.case.proof.policy if row.case.proof else "all" if row.case.entries else "none"
    case = Element(
        "testcase",
        {
            # Dots would make folders of a domain's parts.
            "classname": _text(about.replace(".", "_")),
            "name": _text(f"{row.case.id}: {row.case.question}"),
            "time": _seconds(row.elapsed_ms),
        },
    )
    if row.state is State.UNSCORED:
        SubElement(case, "skipped", {"message": _text(row.note)})
    elif row.state is State.ERROR:
        error = SubElement(case, "error", {"message": _text(row.note), "type": "no answer"})
        error.text = _text("\n".join(_told(row)))
    elif not row.right:
        since = "was right in the baseline; " if row.case.id in broken else ""
        mistake = mistake_of(row.marks)
        message = f"{since}{mistake.value}: said {said(row)}, right is {expected(row)}"
        failure = SubElement(case, "failure", {"message": _text(message), "type": mistake.value})
        failure.text = _text("\n".join(_told(row)))
    return case


def _told(row: Row) -> Iterator[str]:
    yield f"Question: {shortened(row.case.question, _LONGEST)}"
    yield from (f"Asked before: {shortened(earlier, _LONGEST)}" for earlier in row.case.history[-5:])
    yield f"Right is: {expected(row)}"
    if row.case.proof:
        yield from (f"Evidence: {shortened(quote, _LONGEST)}" for quote in row.case.proof.evidence[:5])
    yield f"Said: {said(row)}"
    if row.answer:
        yield f"Answer: {shortened(row.answer.text, _LONGEST)}"
        yield from (f"Cited [{each.n}]: {shortened(each.quote, _LONGEST)}" for each in row.answer.citations[:5])


def _seconds(elapsed_ms: float) -> str:
    return f"{elapsed_ms / 1000 if math.isfinite(elapsed_ms) else 0:.3f}"


def _text(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
