"""Every version of the policies in a git repository, such as the Princeton-Leuven corpus: one a commit, with its date.

A repository is somebody's, and git does what a repository's own settings say: run programs, fetch, follow hooks. So git
never sees it. It works in an empty repository of ours, which borrows the objects of the given one and nothing else; the
commit to begin at is read from its files here.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Final, NamedTuple

from ingest.origin import MOST_BYTES, SUFFIXES, Passed, Source, Unread, shown, too_large
from ingest.parsing import APART, Document, form_of, read, stated_day
from ingest.screening import Reason
from qa.errors import FineprintError, PolicyRefused

__all__ = ["History", "Repository", "is_bare", "repository_of"]

_SECONDS: Final = 60.0
"""How long git may be silent."""

_MEMORY: Final = 1 << 30
_MOST_VERSIONS: Final = 3_000_000
_LONGEST_PATH: Final = 4_096
_LONGEST_REFERENCE: Final = 4_096
_COMMIT: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_BRANCH: Final = re.compile(r"refs/[^\s~^:?*\[\\\x00-\x1f\x7f]+")


# --- the repository's files -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Repository:
    """Where a repository keeps what is its own, and where it keeps what its working copies share."""

    own: Path
    shared: Path


def is_bare(folder: Path) -> bool:
    """Whether a folder is laid out as a repository without a working copy."""
    return (folder / "HEAD").is_file() and (folder / "objects").is_dir() and (folder / "refs").is_dir()


def repository_of(path: Path) -> tuple[Repository, PurePosixPath] | None:
    """The repository that a file or folder stands in, and its place there; None where there is none."""
    path = Path(os.path.realpath(path))
    if is_bare(path):
        return _at(path), PurePosixPath()
    for folder in (path, *path.parents):
        mark = folder / ".git"
        if mark.is_file():  # of a second working copy, or of a repository within another
            named = _first_line(mark).removeprefix("gitdir:").strip()
            mark = folder / named if named else mark
        if is_bare(mark) or (mark / "commondir").is_file():
            return _at(mark), PurePosixPath(path.relative_to(folder).as_posix())
    return None


def _at(own: Path) -> Repository:
    common = _first_line(own / "commondir")
    return Repository(own, own / common if common else own)


def _first_line(file: Path) -> str:
    """The first line of a small file, or nothing where there is none."""
    try:
        with file.open("rb") as opened:
            return opened.read(_LONGEST_REFERENCE).split(b"\n", 1)[0].decode("utf-8", "replace").strip()
    except OSError:
        return ""


def _newest(repository: Repository) -> str:
    """The commit that is checked out, in figures.

    Raises:
        PolicyRefused: there is none, or it cannot be told.
    """
    name = _first_line(repository.own / "HEAD")
    for _ in range(5):
        if _COMMIT.fullmatch(name):
            return name
        name = name.removeprefix("ref:").strip()
        if not _BRANCH.fullmatch(name) or ".." in name:
            break
        if name == "refs/heads/.invalid":
            message = "Its branches are kept in a form that is not read (reftable): clone it with --ref-format=files."
            raise PolicyRefused(Reason.UNSUPPORTED_FORMAT, message)
        name = (
            _first_line(repository.own / name)
            or _first_line(repository.shared / name)
            or _packed(repository.shared / "packed-refs", name)
        )
    raise PolicyRefused(Reason.EMPTY, "It is a git repository without a commit to read.")


def _packed(file: Path, name: str) -> str:
    with contextlib.suppress(OSError), file.open("rb") as lines:
        for line in lines:
            commit, _, named = line.decode("utf-8", "replace").strip().partition(" ")
            if named == name:
                return commit
    return ""


# --- git --------------------------------------------------------------------------------------------------------------


class _Git:
    """Git in an empty repository that borrows the objects of another; use it as a context."""

    def __init__(self, repository: Repository, commit: str) -> None:
        program = shutil.which("git")
        if program is None:
            raise FineprintError("--history reads git repositories with git, which is not installed: install it.")
        self._program = program
        self._repository = repository
        self._commit = commit
        self._open = contextlib.ExitStack()

    def __enter__(self) -> _Git:
        home = self._open.enter_context(tempfile.TemporaryDirectory(prefix="fineprint-"))
        self._environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": home,
            "LC_ALL": "C",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_ALLOW_PROTOCOL": "none",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_OPTIONAL_LOCKS": "0",
        }
        form = "sha256" if len(self._commit) > 40 else "sha1"
        try:
            subprocess.run(  # noqa: S603 - git itself; nothing of the given repository
                [self._program, "init", "--quiet", "--bare", "--template=", f"--object-format={form}", home],
                env=self._environment,
                check=True,
                timeout=_SECONDS,
                stdin=subprocess.DEVNULL,
                capture_output=True,
            )
        except (OSError, subprocess.SubprocessError) as exc:
            self._open.close()
            raise FineprintError("git cannot be run here; --history needs version 2.29 or later of it.") from exc
        with contextlib.suppress(OSError):  # a clone that was cut off says where, or its last commit seems broken
            shutil.copyfile(self._repository.shared / "shallow", Path(home, "shallow"))
        self._environment |= {
            "GIT_DIR": home,
            "GIT_OBJECT_DIRECTORY": str(Path(os.path.realpath(self._repository.shared / "objects"))),
        }
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def run(self, *arguments: str) -> _Running:
        """Starts git; it ends with the context."""
        settings = ("core.hooksPath=" + os.devnull, "core.commitGraph=false", "core.bigFileThreshold=16m")
        command = [self._program, "--no-pager", "--literal-pathspecs"]
        command += [word for setting in settings for word in ("-c", setting)]
        return self._open.enter_context(contextlib.closing(_Running([*command, *arguments], self._environment)))


class _Running:
    """A process of git that is ended when it is silent for too long."""

    def __init__(self, command: Sequence[str], environment: dict[str, str], seconds: float = _SECONDS) -> None:
        self._seconds = seconds
        self._process = subprocess.Popen(  # noqa: S603 - git itself, without a shell; names go in as data
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        _bound(self._process.pid)
        self._patience = float("inf")
        self._ended = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while not self._ended.wait(min(1.0, self._seconds)):
            if time.monotonic() > self._patience:
                self._process.kill()

    def read(self, size: int) -> bytes:
        """The next bytes, at most so many; nothing at the end."""
        out: IO[bytes] = self._process.stdout  # type: ignore[assignment]
        with self._patient():
            return out.read1(size)  # type: ignore[attr-defined, no-any-return]

    def line(self) -> str:
        """The next line."""
        out: IO[bytes] = self._process.stdout  # type: ignore[assignment]
        with self._patient():
            return out.readline(_LONGEST_REFERENCE).decode("ascii", "replace").strip()

    def ask(self, line: str) -> None:
        """Sends a line."""
        into: IO[bytes] = self._process.stdin  # type: ignore[assignment]
        with self._patient(), contextlib.suppress(OSError):  # that it has ended shows in its answer
            into.write(line.encode("ascii") + b"\n")
            into.flush()

    @contextlib.contextmanager
    def _patient(self) -> Iterator[None]:
        self._patience = time.monotonic() + self._seconds
        try:
            yield
        finally:
            self._patience = float("inf")

    def succeeded(self) -> bool:
        """Whether it ended, after everything was read, as it should."""
        return self._process.wait() == 0

    def close(self) -> None:
        """Ends it."""
        self._ended.set()
        self._process.kill()
        with contextlib.suppress(OSError), self._process:  # closes the pipes, one of which may be broken, and waits
            pass


def _bound(process: int) -> None:
    """Bounds the memory of a process: a tree of trees that are all the same one is small, and its listing is not."""
    with contextlib.suppress(ImportError, AttributeError, OSError):  # not everywhere; its silence is bounded anyhow
        import resource

        resource.prlimit(process, resource.RLIMIT_DATA, (_MEMORY, _MEMORY))


class _Objects:
    """The contents that a repository keeps, by their names."""

    def __init__(self, git: _Git) -> None:
        self._git = git
        self._measures = git.run("cat-file", "--batch-check")
        self._contents = git.run("cat-file", "--batch")

    def read(self, name: str) -> bytes:
        """The bytes of a file.

        Raises:
            PolicyRefused: they are not there, or too many.
        """
        # Git may hold what it reads in memory, so it is asked for the size first.
        self._measures.ask(name)
        size = self._size(self._measures.line())
        if size > MOST_BYTES:
            raise too_large(size)
        self._contents.ask(name)
        data = bytearray()
        want = self._size(self._contents.line()) + 1  # a line end follows
        while len(data) < want and (piece := self._contents.read(want - len(data))):
            data += piece
        if len(data) < want:
            self._restart()
            raise PolicyRefused(Reason.UNREADABLE, "git cannot read it: the repository is damaged (see git fsck).")
        return bytes(data[:-1])

    def _size(self, answer: str) -> int:
        words = answer.split(" ")
        if len(words) == 3 and words[1] == "blob" and words[2].isdigit():
            return int(words[2])
        if not answer:
            self._restart()
        message = "It is not in the repository, which is damaged or a partial clone: clone it whole."
        raise PolicyRefused(Reason.UNREADABLE, message)

    def _restart(self) -> None:
        """Goes on after what cannot be read, at which git ends."""
        self._measures.close()
        self._contents.close()
        self._measures = self._git.run("cat-file", "--batch-check")
        self._contents = self._git.run("cat-file", "--batch")


# --- versions ---------------------------------------------------------------------------------------------------------


class _Commit(NamedTuple):
    name: str
    day: dt.date | None


class _Change(NamedTuple):
    """What a commit made of a file."""

    commit: _Commit
    contents: bytes


@dataclass
class History:
    """Every version of the readable files of a repository, file by file, each from its first on.

    Of several versions of one day the newest counts, and one whose text is that of the version before it is none.

    Attributes:
        path: what the user named, in or at the repository.
        repository, below: where that is.
    """

    path: Path
    repository: Repository
    below: PurePosixPath
    _changes: dict[str, list[_Change]] | None = field(default=None, init=False, repr=False)
    _passed: int = field(default=0, init=False, repr=False)
    _refusal: PolicyRefused | None = field(default=None, init=False, repr=False)

    @property
    def name(self) -> str:
        """What it is called, as it may be shown."""
        return shown(self.path)

    def total(self) -> int | None:
        """How many versions there are at most."""
        return sum(len(changes) for changes in self._logged().values())

    def __iter__(self) -> Iterator[Source | Unread | Passed]:
        changes = self._logged()
        if self._refusal:
            yield Unread(self.name, self._refusal)
        if not changes:
            return
        for _ in range(self._passed):
            yield Passed(self.name)
        with _Git(self.repository, _newest(self.repository)) as git:
            objects = _Objects(git)
            for path in sorted(changes):
                for change in _versions(path, changes[path], objects):
                    yield self._version(path, change, objects)

    def _logged(self) -> dict[str, list[_Change]]:
        if self._changes is None:
            self._changes = {}
            try:
                self._read_log(self._changes)
            except PolicyRefused as refusal:
                self._refusal = refusal
        return self._changes

    def _read_log(self, changes: dict[str, list[_Change]]) -> None:
        """Notes which commit changed which file, the newest first.

        Raises:
            PolicyRefused: that is not to be known, or not all of it; what could be read is noted.
        """
        commit = _newest(self.repository)
        others: set[str] = set()
        with _Git(self.repository, commit) as git:
            log = git.run(
                "log", "--raw", "-z", "--no-abbrev", "--no-renames", "-c", "--no-ext-diff", "--no-textconv",
                "--no-color", "--no-decorate", "--no-notes", "--no-show-signature", "--no-mailmap",
                "--format=%H %at", "--end-of-options", commit, "--",
            )  # fmt: skip
            for count, (path, change) in enumerate(_parsed(log)):
                if count >= _MOST_VERSIONS:
                    raise PolicyRefused(Reason.TOO_LARGE, f"It has more than {_MOST_VERSIONS:,} versions of files.")
                place = PurePosixPath(path)
                if not place.is_relative_to(self.below) or any(part.startswith(".") for part in place.parts):
                    continue
                if place.suffix.lower() in SUFFIXES:
                    changes.setdefault(path, []).append(change)
                else:
                    others.add(path)
            whole = log.succeeded()
        self._passed = len(others)
        if not whole:
            message = "git cannot read all of its history: it is damaged, incomplete or out of proportion (git fsck)."
            raise PolicyRefused(Reason.UNREADABLE, message)

    def _version(self, path: str, change: _Change, objects: _Objects) -> Source | Unread:
        within = PurePosixPath(path).relative_to(self.below)
        name = f"{self.name if within == PurePosixPath() else f'{self.name}/{shown(within)}'}@{change.commit.name[:10]}"
        try:
            data = objects.read(change.contents.hex())
        except PolicyRefused as refusal:
            return Unread(name, refusal)
        return Source(name, data, PurePosixPath(path).suffix.lower(), committed_on=change.commit.day)


def _parsed(log: _Running) -> Iterator[tuple[str, _Change]]:
    """The changes in a log: a commit's line, then ``:modes names letter`` and a path for each of its files."""
    commit = _Commit("", None)
    contents: str | None = None
    for word in _words(log):
        if contents is not None:
            if contents.strip("0"):  # it was not deleted
                yield word.decode("utf-8", "surrogateescape"), _Change(commit, bytes.fromhex(contents))
            contents = None
            continue
        text = word.decode("ascii", "replace").strip()
        if text.startswith(":"):
            # As many modes as colons and one more, then as many names: the last of each is what the commit made.
            parents = len(text) - len(text.lstrip(":"))
            columns = text.lstrip(":").split(" ")
            ordinary = columns[parents].startswith("100")  # no link, no repository within this one
            contents = columns[2 * parents + 1] if ordinary else ""
        elif text:
            name, _, seconds = text.partition(" ")
            commit = _Commit(name, _day(seconds))


def _words(log: _Running) -> Iterator[bytes]:
    """What stands between the zero bytes."""
    rest = b""
    while piece := log.read(1 << 16):
        *words, rest = (rest + piece).split(b"\0")
        yield from words
        if len(rest) > _LONGEST_PATH:
            raise PolicyRefused(Reason.UNREADABLE, f"A path in it has more than {_LONGEST_PATH:,} characters.")
    if rest:
        yield rest


def _day(seconds: str) -> dt.date | None:
    """The day of a moment, in UTC; None where it cannot be meant."""
    try:
        day = dt.datetime.fromtimestamp(int(seconds), tz=dt.UTC).date()
    except (ValueError, OverflowError, OSError):
        return None
    return day if dt.date(1990, 1, 1) <= day <= dt.datetime.now(tz=dt.UTC).date() else None


def _versions(path: str, changes: Sequence[_Change], objects: _Objects) -> list[_Change]:
    """The changes of a file that made another policy of it, the first first.

    Args:
        path: the file's.
        changes: the newest first.
        objects: where its contents are.
    """
    by_day: dict[dt.date | None, tuple[_Change, bytes]] = {}
    for change in changes:
        day, mark = _marked(path, change, objects)
        by_day.setdefault(day, (change, mark))
    kept: list[_Change] = []
    before = b""
    for day in sorted(by_day, key=lambda day: day or dt.date.max):
        change, mark = by_day[day]
        if mark != before:
            kept.append(change)
        before = mark
    return kept


def _marked(path: str, change: _Change, objects: _Objects) -> tuple[dt.date | None, bytes]:
    """The day that a version is of, and a mark that it shares with versions of the same text."""
    document = Document(path, "", committed_on=change.commit.day)
    with contextlib.suppress(PolicyRefused):  # what cannot be read is refused when its turn comes
        data = objects.read(change.contents.hex())
        source = Source(path, data, PurePosixPath(path).suffix.lower(), committed_on=change.commit.day)
        if form_of(source) not in APART:  # the others are not read here, where nothing could end it
            document = read(source)
            text = document.text.strip().encode("utf-8", "replace")
            return stated_day(document), hashlib.blake2b(text, digest_size=20).digest()
    return stated_day(document), change.contents
