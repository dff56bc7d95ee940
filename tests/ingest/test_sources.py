from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path

import pytest

from ingest.sources import SUFFIXES, Source, Unread, find_sources, holds_many, shown
from qa.errors import UsageError


def names(paths: list[Path]) -> list[str]:
    return [Path(found.name).name for found in find_sources(paths)]


def test_folders_are_searched_at_any_depth_in_order_and_other_formats_counted(tmp_path: Path) -> None:
    for name in ("b.md", "a/z.txt", "a/y.MARKDOWN", "a/page.HTML", "a/page.rtf", "readme", ".hidden.md", ".git/c.md"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text("x")
    found = find_sources([tmp_path])
    assert [Path(each.name).name for each in found] == ["b.md", "page.HTML", "y.MARKDOWN", "z.txt"]
    assert found.skipped == 2  # page.rtf and readme
    assert found.total() == 4


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
    (tmp_path / "policy.rtf").write_bytes(b"{\\rtf1}")
    (found,) = find_sources([tmp_path / "policy.rtf"])
    assert isinstance(found, Unread)
    assert found.refusal.reason == "unsupported_format"
    assert all(suffix in str(found.refusal) for suffix in (*SUFFIXES, ".zip", ".tar", ".jsonl"))


@pytest.mark.parametrize(
    ("path", "said"),
    [("missing.md", "no file or folder missing.md"), ("ftp://acme.example/privacy", "begin with https://")],
)
def test_what_is_not_there_or_not_a_file_is_said_in_one_line(path: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as error:
        find_sources([Path(path)])
    assert "\n" not in str(error.value)


def test_a_folder_without_policies_is_said(tmp_path: Path) -> None:
    (tmp_path / "page.rtf").write_text("x")
    with pytest.raises(UsageError, match="nothing to ingest"):
        find_sources([tmp_path])


def test_strange_names_are_escaped_where_they_are_shown(tmp_path: Path) -> None:
    assert shown("a\nb\x1b[31m\u202egnp\udcff é.md") == "a\\nb\\x1b[31m\\u202egnp\\udcff é.md"
    (tmp_path / "a\nb.md").write_text("x")
    (found,) = find_sources([tmp_path])
    assert found.name.endswith("a\\nb.md")


def lines(*texts: str | None) -> str:
    return "".join(json.dumps({"text": text} if text else {}) + "\n" for text in texts)


def test_archives_and_lines_are_read_wherever_they_lie(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("x")
    with zipfile.ZipFile(tmp_path / "b.ZIP", "w") as archive:
        archive.writestr("p/c.md", "x")
        archive.writestr("p/d.rtf", "x")
    (tmp_path / "e.jsonl").write_text(lines("x", "y"))
    found = find_sources([tmp_path, tmp_path / "b.ZIP"])
    assert found.total() == 4
    for _ in range(2):  # it may be read again
        assert [each.name.removeprefix(f"{tmp_path}/") for each in found] == [
            "a.md",
            "b.ZIP/p/c.md",
            "e.jsonl:1",
            "e.jsonl:2",
        ]
        assert found.skipped == 1


def test_nothing_of_an_archive_is_written_to_the_disk(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("../b.md", "x")
        archive.writestr("c/d.md", "x")
    list(find_sources([tmp_path / "a.zip"]))
    assert [path.name for path in tmp_path.rglob("*")] == ["a.zip"]


def test_an_archive_of_which_nothing_can_be_read_is_told(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("logo.png", "x")
    (found,) = find_sources([tmp_path / "a.zip"])
    assert isinstance(found, Unread)
    assert found.refusal.reason == "empty"
    (tmp_path / "b.zip").symlink_to(tmp_path / "gone.zip")
    (found,) = find_sources([tmp_path / "b.zip"])
    assert isinstance(found, Unread)
    assert "No such file" in str(found.refusal)


def test_few_bad_lines_are_told_one_by_one_and_many_without_a_good_one_at_once(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"

    def bad() -> list[str]:
        return [each.name.removeprefix(str(file)) for each in find_sources([file]) if isinstance(each, Unread)]

    file.write_text(lines(*[None] * 5))
    assert bad() == [":1", ":2", ":3", ":4", ":5"]
    file.write_text(lines(*[None] * 6))
    assert bad() == [""]
    file.write_text(lines(*[None] * 6, "x"))
    assert bad() == [":1", ":2", ":3", ":4", ":5", ":6"]


def test_a_bundle_that_is_mostly_bad_is_left_alone_after_a_hundred(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text(lines(*[None] * 1_000))
    (found,) = find_sources([file])
    assert isinstance(found, Unread)
    assert found.refusal.reason == "malformed"
    assert "The first 101 things in it cannot be read" in str(found.refusal)
    assert f"{file}:1: It has neither" in str(found.refusal)

    file.write_text(lines("x", *[None] * 1_000))
    several = list(find_sources([file]))
    assert len(several) == 1 + 101 + 1
    assert "the rest of it is left alone" in str(several[-1].refusal)  # type: ignore[union-attr]

    file.write_text(lines(*["x", None] * 200))
    assert len(list(find_sources([file]))) == 400


def test_what_stands_for_many_policies_is_known_by_its_name(tmp_path: Path) -> None:
    assert all(map(holds_many, (tmp_path, Path("a.zip"), Path("a.tar.gz"), Path("a.jsonl"))))
    assert not any(map(holds_many, (Path("a.md"), Path("a.docx"), Path("https://acme.example/privacy"))))
