from __future__ import annotations

import pytest

from ui.cli import run


def test_going_on_without_a_folder_is_told_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["eval", "--resume"]) == 2
    captured = capsys.readouterr()
    assert captured.err == "fineprint: --resume goes on with an earlier run: name its folder with --out.\n"
    assert captured.out == ""


@pytest.mark.parametrize("jobs", ["0", "65", "many"])
def test_a_number_of_jobs_that_is_none_is_wrong_usage(jobs: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["eval", "--jobs", jobs]) == 2
    assert "--jobs" in capsys.readouterr().err
