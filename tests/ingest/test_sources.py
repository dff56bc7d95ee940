from __future__ import annotations

import os
from pathlib import Path

import pytest

from ingest.sources import SUFFIXES, Source, Unread, find_sources, shown
from qa.errors import UsageError


def names(paths: list[Path]) -> list[str]:
    return [Path(found.name).name for found in find_sources(paths)]


def test_folders_are_searched_at_any_depth_in_order_and_other_formats_counted(tmp_path: Path) -> None:
    for name in ("b.md", "a/z.txt", "a/y.MARKDOWN", "a/page.HTML", "a/page.pdf", "readme", ".hidden.md", ".git/c.md"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text("x")
    found = find_sources([tmp_path])
    assert [Path(each.name).name for each in found] == ["b.md", "page.HTML", "y.MARKDOWN", "z.txt"]
    assert found.skipped == 2  # page.pdf and readme
    assert len(found) == 4


def test_a_file_is_taken_once_however_often_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("x")
    (tmp_path / "link.md").symlink_to(tmp_path / "a.md")
    assert names([tmp_path, tmp_path / "a.md"]) == ["a.md"]


def test_links_that_go_round_in_circles_or_nowhere_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("x")
    (tmp_path / "self").symlink_to(tmp_path)
    (tmp_path / "loop.md").symlink_to(tmp_path / "loop.md")
    (tmp_path / "gone.md").symlink_to(tmp_path / "nowhere.md")
    found = {Path(each.name).name: each for each in find_sources([tmp_path])}
    assert isinstance(found["a.md"], Source)
    for name in ("loop.md", "gone.md"):
        broken = found[name]
        assert isinstance(broken, Unread)
        assert broken.refusal.reason == "unreadable"


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read_is_refused_with_the_systems_reason(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("x")
    (tmp_path / "a.md").chmod(0)
    (found,) = find_sources([tmp_path])
    assert isinstance(found, Unread)
    assert "Permission denied" in str(found.refusal)


def test_a_pipe_is_refused_without_waiting_for_a_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.md")
    (found,) = find_sources([tmp_path / "pipe.md"])
    assert isinstance(found, Unread)
    assert found.refusal.reason == "unreadable"


def test_a_named_file_of_another_format_is_refused_saying_which_are_read(tmp_path: Path) -> None:
    (tmp_path / "policy.pdf").write_bytes(b"%PDF")
    (found,) = find_sources([tmp_path / "policy.pdf"])
    assert isinstance(found, Unread)
    assert found.refusal.reason == "unsupported_format"
    assert all(suffix in str(found.refusal) for suffix in SUFFIXES)


@pytest.mark.parametrize(
    ("path", "said"),
    [("missing.md", "no file or folder missing.md"), ("https://acme.example/privacy", "cannot be read yet")],
)
def test_what_is_not_there_or_not_a_file_is_said_in_one_line(path: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as error:
        find_sources([Path(path)])
    assert "\n" not in str(error.value)


def test_a_folder_without_policies_is_said(tmp_path: Path) -> None:
    (tmp_path / "page.pdf").write_text("x")
    with pytest.raises(UsageError, match="nothing to ingest"):
        find_sources([tmp_path])


def test_strange_names_are_escaped_where_they_are_shown(tmp_path: Path) -> None:
    assert shown("a\nb\x1b[31m\u202egnp\udcff é.md") == "a\\nb\\x1b[31m\\u202egnp\\udcff é.md"
    (tmp_path / "a\nb.md").write_text("x")
    (found,) = find_sources([tmp_path])
    assert found.name.endswith("a\\nb.md")
