"""The workflows of GitHub Actions: what they may do, and that the commands that they run are there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from ui.cli import app

ROOT = Path(__file__).parent.parent
FILES = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PARSED: dict[str, dict[Any, Any]] = {file.name: yaml.safe_load(file.read_text(encoding="utf-8")) for file in FILES}
EVALUATION = PARSED["evaluation.yml"]


def steps(workflow: dict[Any, Any]) -> Iterator[dict[str, Any]]:
    for job in workflow["jobs"].values():
        yield from job["steps"]


def commands(workflow: dict[Any, Any], program: str) -> Iterator[list[str]]:
    for step in steps(workflow):
        for line in step.get("run", "").splitlines():
            if line.strip().startswith(f"{program} "):
                yield shlex.split(line)[1:]


@pytest.mark.parametrize("name", PARSED)
def test_a_workflow_may_only_read_and_every_action_is_pinned_to_a_commit(name: str) -> None:
    workflow, text = PARSED[name], (ROOT / ".github" / "workflows" / name).read_text(encoding="utf-8")
    assert workflow["permissions"] == {"contents": "read"}
    assert "secrets" not in text.lower().replace("needs a secret", "")
    for job in workflow["jobs"].values():
        assert "permissions" not in job
        assert job["timeout-minutes"] <= 60
    for step in steps(workflow):
        if "uses" in step:
            assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", step["uses"]), step["uses"]
            assert re.search(rf"{re.escape(step['uses'])} # v\d+\.\d+\.\d+\n", text), "the version stands beside it"
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False
        # What somebody else may choose, as a branch's name, must not become a part of a script.
        assert "${{" not in step.get("run", "")


def test_it_runs_by_the_calendar_and_on_demand() -> None:
    on = EVALUATION[True]  # YAML 1.1 reads the key "on" as true
    assert set(on) == {"schedule", "workflow_dispatch"}
    assert re.fullmatch(r"\d+ \d+ \* \* \d", on["schedule"][0]["cron"])


def test_tests_evaluation_and_bench_run_and_what_came_out_is_told_and_kept() -> None:
    assert set(EVALUATION["jobs"]) == {"tests", "evaluation", "bench"}
    for name, job in EVALUATION["jobs"].items():
        told = [step for step in job["steps"] if "GITHUB_STEP_SUMMARY" in step.get("run", "")]
        kept = [step for step in job["steps"] if step.get("uses", "").startswith("actions/upload-artifact@")]
        assert told
        assert bool(kept) == (name != "tests")
        # Also of a run that turned red.
        assert all(step["if"] == "always()" for step in (*told, *kept))


def test_the_commands_and_options_that_it_runs_are_there() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = [target for target, *_ in commands(EVALUATION, "make")]
    assert targets
    assert all(f"\n{target}:" in makefile for target in targets)
    run = list(commands(EVALUATION, ".venv/bin/fineprint"))
    assert [words[:2] for words in run] == [["eval", "--out"], ["eval", "baselines"], ["bench", "--quick"]]
    for words in run:
        command: Any = typer.main.get_command(app)
        for word in words:
            if word in (below := getattr(command, "commands", {})):
                command = below[word]
            elif word.startswith("--"):
                assert word in {option for each in command.params for option in each.opts}
