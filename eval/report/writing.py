"""Writes the reports on a run: beside its results, or one of them where it is wanted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from eval.report.junit import junit_xml
from eval.report.markdown import summary_markdown
from eval.report.page import page
from eval.report.saved import Earlier, Report, compared, read_earlier, read_report
from eval.reporting import save_text
from qa.errors import UsageError

__all__ = ["report_on", "write_reports"]

_BY_SUFFIX: Mapping[str, Callable[[Report], str]] = {
    ".html": page,
    ".htm": page,
    ".md": summary_markdown,
    ".markdown": summary_markdown,
    ".xml": junit_xml,
}
_BESIDE = ("report.html", "summary.md", "junit.xml")


def write_reports(results: Path, earlier: Earlier | None = None) -> tuple[Path, ...]:
    """Writes all reports into a folder of results, the page first.

    Args:
        results: what ``fineprint eval --out`` wrote.
        earlier: what it is compared with.

    Raises:
        InvalidResults: the folder holds no results, or damaged ones.
        InvalidBaseline: the two have no case in common.
        ResultsUnwritable: no permission, or no space.
    """
    report = read_report(results)
    return _written(compared(report, earlier) if earlier else report, [results / name for name in _BESIDE])


def report_on(results: Path, against: Path | None = None, out: Path | None = None) -> tuple[Path, ...]:
    """What ``fineprint eval report`` does.

    Args:
        results: what ``fineprint eval --out`` wrote.
        against: an earlier folder of results, or a ``summary.json``.
        out: the one file that is wanted: a page (.html), a Markdown summary (.md) or JUnit XML (.xml), by its name; by
            default all three, beside the results.

    Returns:
        What was written.

    Raises:
        UsageError: ``out`` ends otherwise.
        FineprintError: as for ``write_reports``, or there is nothing to compare with.
    """
    if out and (out.suffix.lower() not in _BY_SUFFIX or out.is_dir()):
        raise UsageError(f"--out {out}: end the name in .html (a page), .md (Markdown) or .xml (JUnit XML).")
    report = read_report(results)
    if against:
        report = compared(report, read_earlier(against, report.run.parameters.engine))
    return _written(report, [out] if out else [results / name for name in _BESIDE])


def _written(report: Report, files: Sequence[Path]) -> tuple[Path, ...]:
    for file in files:
        save_text(file, _BY_SUFFIX[file.suffix.lower()](report))
    return tuple(files)
