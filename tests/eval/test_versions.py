from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from eval.versions import commit_of, files_sha256, models_sha256


def test_files_are_told_apart_by_name_and_content_and_not_by_order(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_text("1")
    other.write_text("2")
    both = files_sha256([one, other])
    assert both == files_sha256([other, one])
    one.write_text("2")
    other.write_text("1")
    assert files_sha256([one, other]) != both
    assert len(models_sha256()) == 64


def test_a_folder_that_is_no_checkout_has_no_commit(tmp_path: Path) -> None:
    assert commit_of(tmp_path) == ""


def test_a_checkout_that_git_does_not_understand_has_no_commit(tmp_path: Path) -> None:
    (tmp_path / ".git").write_text("gitdir: /nowhere")
    assert commit_of(tmp_path) == ""


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_the_commit_of_a_checkout_says_whether_its_files_were_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_SYSTEM", "/dev/null")):
        monkeypatch.setenv(name, value)
    file = tmp_path / "file"
    file.write_text("1")
    identity = ("-c", "user.name=a", "-c", "user.email=a@b.example")
    for command in (("init", "-q"), ("add", "file"), (*identity, "commit", "-qm", "first")):
        subprocess.run(["git", "-C", str(tmp_path), *command], check=True)
    commit = commit_of(tmp_path)
    assert len(commit) == 40
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    assert commit_of(tmp_path) == commit
    (tmp_path / "new").write_text("not tracked")
    assert commit_of(tmp_path) == commit
    file.write_text("2")
    assert commit_of(tmp_path) == f"{commit}+changes"
