from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from tests.eval.making import SELL, answer
from tests.eval.report.making import made, saved
from ui.evaluating import evaluation


def test_saved_results_are_reported_and_compared(tmp_path: Path) -> None:
    before, now = saved(tmp_path / "before", made()), saved(tmp_path / "now", made(given={"a": answer("yes", SELL)}))
    page = tmp_path / "page.html"
    result = CliRunner().invoke(evaluation, ["report", str(now), "--against", str(before), "--out", str(page)])
    assert (result.exit_code, result.stdout) == (0, f"Written: {page}\n")
    assert 'id="broken"' in page.read_text(encoding="utf-8")
