from __future__ import annotations

import datetime as dt
import os
import shutil
import subprocess
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from ingest.history import _Running
from ingest.origin import Source, Unread
from ingest.parsing import parse
from ingest.sources import find_sources
from qa.errors import FineprintError, UsageError
from tests.ingest.making import HEADER, POLICY

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")

PLACE = "a/ac/acm/acme.example.md"

Commit = tuple[str, dict[str, str | None]]


def git(folder: Path, *arguments: str, sent: bytes = b"") -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@a.example", *arguments],
        input=sent,
        capture_output=True,
        check=True,
        env={"PATH": "/usr/bin:/bin:/usr/local/bin", "GIT_CONFIG_NOSYSTEM": "1", "HOME": str(folder)},
    )
    return done.stdout.decode().strip()


def stream(commits: Sequence[Commit]) -> bytes:
    """Commits as git's fast-import takes them: a day, and what each file then holds, or None where it is deleted."""
    out = b""
    for day, files in commits:
        at = int(dt.datetime.fromisoformat(f"{day}T12:00:00+00:00").timestamp())
        out += f"commit refs/heads/main\ncommitter a <a@a.example> {at} +0000\ndata 0\n".encode()
        for path, text in files.items():
            if text is None:
                out += f"D {path}\n".encode()
            else:
                data = text.encode()
                out += f"M 100644 inline {path}\ndata {len(data)}\n".encode() + data + b"\n"
    return out


@pytest.fixture
def repository(tmp_path: Path) -> Callable[..., Path]:
    """Makes a bare repository of commits."""

    def make(*commits: Commit, name: str = "corpus.git", form: str = "sha1", loose: int = 100) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        git(folder, "init", "--quiet", "--bare", "--initial-branch=main", f"--object-format={form}")
        if commits:
            git(folder, "-c", f"fastimport.unpackLimit={loose}", "fast-import", "--quiet", sent=stream(commits))
        return folder

    return make


Make = Callable[..., Path]


def versions(path: Path) -> list[Source]:
    found = list(find_sources([path], history=True))
    assert all(isinstance(each, Source) for each in found), found
    return [each for each in found if isinstance(each, Source)]


def ids(path: Path) -> list[str]:
    return [parse(source).id for source in versions(path)]


def refusal(path: Path) -> str:
    (found,) = find_sources([path], history=True)
    assert isinstance(found, Unread)
    assert "\n" not in str(found.refusal)
    return str(found.refusal)


def test_every_version_is_a_policy_of_its_commits_day(repository: Make) -> None:
    corpus = repository(
        ("2010-01-01", {PLACE: POLICY, "b/be/bet/beta.example.md": POLICY}),
        ("2011-01-01", {PLACE: POLICY + "More.", "README": "x"}),
        ("2012-01-01", {"b/be/bet/beta.example.md": None}),
    )
    sources = find_sources([corpus], history=True)
    assert sources.total() == 3
    found = list(sources)
    assert sources.skipped == 1
    assert [parse(each).id for each in found if isinstance(each, Source)] == [
        "acme.example@2010-01-01",
        "acme.example@2011-01-01",
        "beta.example@2010-01-01",
    ]
    commit = git(corpus, "rev-parse", "main~1")
    assert found[1].name == f"{corpus}/{PLACE}@{commit[:10]}"
    policy = parse(found[1])  # type: ignore[arg-type]
    assert policy.text == POLICY + "More."
    assert (policy.provenance["domain"], policy.provenance["archived_on"]) == ("file name", "commit")


def test_the_day_in_a_text_wins_over_that_of_its_commit(repository: Make) -> None:
    text = HEADER.format(domain="acme.example", date="2006-05-04", url="https://acme.example") + POLICY
    corpus = repository(("2010-01-01", {PLACE: text, "beta.example__2007-01-01.md": POLICY}))
    assert ids(corpus) == ["acme.example@2006-05-04", "beta.example@2007-01-01"]


def test_versions_are_in_the_order_of_their_days_whatever_that_of_the_commits(repository: Make) -> None:
    later = HEADER.format(domain="acme.example", date="2008-01-01", url="https://acme.example") + POLICY
    sooner = HEADER.format(domain="acme.example", date="2006-01-01", url="https://acme.example") + POLICY + "More."
    corpus = repository(("2010-01-01", {PLACE: later}), ("2011-01-01", {PLACE: sooner}))
    assert ids(corpus) == ["acme.example@2006-01-01", "acme.example@2008-01-01"]


def test_the_same_text_again_is_no_version_but_a_return_to_it_is(repository: Make) -> None:
    def archived(day: str, text: str) -> str:
        return HEADER.format(domain="acme.example", date=day, url="https://acme.example") + text

    corpus = repository(
        *((day, {PLACE: archived(day, text)}) for day, text in (
            ("2010-01-01", "One."), ("2011-01-01", "One."), ("2012-01-01", "Two."), ("2013-01-01", "One."),
        ))
    )  # fmt: skip
    assert ids(corpus) == ["acme.example@2010-01-01", "acme.example@2012-01-01", "acme.example@2013-01-01"]


def test_of_several_versions_of_a_day_the_newest_counts(repository: Make) -> None:
    corpus = repository(("2010-01-01", {PLACE: "One."}), ("2010-01-01", {PLACE: "Two."}))
    (found,) = versions(corpus)
    assert found.data == b"Two."


def test_a_part_of_a_working_copy_and_a_single_file_are_read_alone(repository: Make, tmp_path: Path) -> None:
    corpus = repository(("2010-01-01", {"p/acme.example.md": "One.", "q/beta.example.md": "Two.", ".x/c.md": "x"}))
    git(tmp_path, "clone", "--quiet", str(corpus), "copy")
    copy = tmp_path / "copy"
    assert [each.data for each in versions(copy / "q")] == [b"Two."]
    assert [each.data for each in versions(copy / "p" / "acme.example.md")] == [b"One."]
    assert versions(copy / "p" / "acme.example.md")[0].name.startswith(f"{copy}/p/acme.example.md@")
    assert len(versions(copy)) == len(versions(copy / ".git")) == 2
    git(copy, "worktree", "add", "--quiet", "../second")
    assert len(versions(tmp_path / "second")) == 2


def test_side_branches_that_were_merged_are_read_and_others_are_not(repository: Make) -> None:
    corpus = repository(("2010-01-01", {"acme.example.md": "One."}))
    main = git(corpus, "rev-parse", "main")
    side = stream([("2011-01-01", {"acme.example.md": "Two."})]).replace(b"heads/main", b"heads/side")
    git(corpus, "fast-import", "--quiet", "--force", sent=side.replace(b"data 0\n", f"data 0\nfrom {main}\n".encode()))
    assert [each.data for each in versions(corpus)] == [b"One."]
    merge = stream([("2012-01-01", {"acme.example.md": "Three."})])
    both = f"data 0\nfrom {main}\nmerge refs/heads/side\n".encode()
    git(corpus, "fast-import", "--quiet", "--force", sent=merge.replace(b"data 0\n", both))
    assert [each.data for each in versions(corpus)] == [b"One.", b"Two.", b"Three."]


def test_links_and_strange_paths_do_no_harm(repository: Make) -> None:
    corpus = repository()
    link = stream([("2010-01-01", {"l.md": "/etc/passwd", '"new\\nline.md"': "One."})])
    git(corpus, "fast-import", "--quiet", sent=link.replace(b"M 100644 inline l.md", b"M 120000 inline l.md"))
    (found,) = versions(corpus)
    assert "new\\nline.md@" in found.name


def test_repositories_of_the_longer_names_and_packed_branches_are_read(repository: Make) -> None:
    corpus = repository(("2010-01-01", {PLACE: POLICY}), form="sha256")
    git(corpus, "pack-refs", "--all")
    assert ids(corpus) == ["acme.example@2010-01-01"]


def test_a_clone_that_was_cut_off_is_read_as_far_as_it_goes(repository: Make, tmp_path: Path) -> None:
    corpus = repository(("2010-01-01", {PLACE: "One."}), ("2011-01-01", {PLACE: "Two."}))
    git(tmp_path, "clone", "--quiet", "--bare", "--depth=1", f"file://{corpus}", "short.git")
    assert [each.data for each in versions(tmp_path / "short.git")] == [b"Two."]


def test_nothing_of_a_repositorys_own_settings_is_run_and_nothing_fetched(repository: Make, tmp_path: Path) -> None:
    corpus = repository(
        ("2010-01-01", {".gitattributes": "*.md diff=x filter=x\n", PLACE: "One."}), ("2011-01-01", {PLACE: "Two."})
    )
    mark, program = tmp_path / "ran", tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {mark}\n")
    program.chmod(0o755)
    signature = "gpgsig -----BEGIN PGP SIGNATURE-----\n x\n -----END PGP SIGNATURE-----"
    commit = f"{git(corpus, 'cat-file', 'commit', 'main')}\n{signature}\n\n"
    signed = git(corpus, "hash-object", "-t", "commit", "-w", "--stdin", sent=commit.encode())
    git(corpus, "update-ref", "refs/heads/main", signed)
    lacking = git(corpus, "rev-parse", f"main~1:{PLACE}")
    (corpus / "objects" / lacking[:2] / lacking[2:]).unlink()
    with (corpus / "config").open("a") as settings:
        settings.write(
            f"[core]\n repositoryFormatVersion=1\n fsmonitor={program}\n pager={program}\n hooksPath={tmp_path}\n"
            f'[diff]\n external={program}\n[diff "x"]\n textconv={program}\n[filter "x"]\n smudge={program}\n'
            f"[log]\n showSignature=true\n[gpg]\n program={program}\n[extensions]\n partialClone=origin\n"
            f'[remote "origin"]\n promisor=true\n url=ext::{program}\n[protocol "ext"]\n allow=always\n'
        )
    one, two = find_sources([corpus], history=True)
    assert isinstance(one, Unread)
    assert "partial clone" in str(one.refusal)
    assert isinstance(two, Source)
    assert two.data == b"Two."
    assert not mark.exists()
    git(corpus, "log", "-1")
    assert mark.exists()  # it is a trap indeed


def test_a_damaged_version_is_refused_and_the_rest_goes_on(repository: Make) -> None:
    corpus = repository(*((f"201{n}-01-01", {PLACE: f"{n} is the number."}) for n in range(3)))
    name = git(corpus, "rev-parse", f"main~1:{PLACE}")
    file = corpus / "objects" / name[:2] / name[2:]
    file.chmod(0o644)
    file.write_bytes(zlib.compress(b"blob 16\0" + b"1 is no number.\0" * 9)[:-8])
    zero, one, two = find_sources([corpus], history=True)
    assert isinstance(zero, Source)
    assert isinstance(one, Unread)
    assert "damaged" in str(one.refusal)
    assert isinstance(two, Source)
    assert two.data == b"2 is the number."


def test_a_history_that_cannot_be_followed_is_told(repository: Make) -> None:
    assert "without a commit" in refusal(repository(name="empty.git"))
    torn = repository(("2010-01-01", {PLACE: POLICY}), name="torn.git")
    (torn / "HEAD").write_text("0" * 39 + "1\n")
    assert "cannot read all of its history" in refusal(torn)
    for head in ("ref: refs/../../../../etc/passwd\n", "ref: refs/heads/gone\n", "ref: HEAD\n", ""):
        (torn / "HEAD").write_text(head)
        assert "without a commit" in refusal(torn)
    (torn / "HEAD").write_text("ref: refs/heads/.invalid\n")
    assert "reftable" in refusal(torn)


def test_a_version_that_is_too_large_is_refused_unread(repository: Make) -> None:
    corpus = repository(("2010-01-01", {PLACE: "x" * (33 << 20)}), loose=0)
    assert "at most 33,554,432 are read" in refusal(corpus)


def test_a_git_that_falls_silent_is_ended() -> None:
    silent = _Running(["sleep", "60"], {"PATH": os.environ["PATH"]}, seconds=0.1)
    assert silent.read(1) == b""
    assert not silent.succeeded()
    silent.close()


def test_what_is_no_repository_is_a_wrong_use(repository: Make, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="leave out --history"):
        find_sources([tmp_path], history=True)
    with pytest.raises(UsageError, match="no file or folder"):
        find_sources([tmp_path / "gone"], history=True)
    (bare,) = find_sources([repository(("2010-01-01", {PLACE: POLICY}))])
    assert isinstance(bare, Unread)
    assert "add --history" in str(bare.refusal)


def test_where_there_is_no_git_it_is_asked_for(repository: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    sources = find_sources([repository(("2010-01-01", {PLACE: POLICY}))], history=True)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(FineprintError, match="git, which is not installed"):
        sources.total()
