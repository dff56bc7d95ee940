"""Finds what is wrong with an index, in a process of its own: damaged files can end one, or keep it busy for ever.

The other process says what it is at, what it has found, and again and again that it is alive. When it ends, or falls
silent, the part that it was at is what is wrong, and another process goes on with the rest.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from qa.chroma import EXACT
from qa.domain import IndexedPolicy
from qa.errors import FineprintError, IndexDamaged, IndexMissing
from qa.libraries import index_of, open_library, open_search
from qa.library import FILE, FORM, LOCK, Library
from qa.renewing import DAMAGED, WORK
from qa.settings import Settings
from qa.store import ChromaIndex, PolicyLibrary

__all__ = ["PARTS", "Finding", "Part", "examined", "left_over", "look_at", "misfits"]

PARTS: Final = ("library", "policies", "left-overs", "search index")
"""In this order; what may end a process comes last."""
REBUILD: Final = "run `fineprint rebuild`"
FIX: Final = "run `fineprint doctor --fix`"
SILENCE_S: Final = 60.0
"""Longest time without a sign of life, for a small index; a large one gets more (``_patience``)."""
_BYTES_A_SECOND: Final = 20e6
_BEAT_S: Final = 0.2
_ADDRESS: Final = re.compile("https?://", re.IGNORECASE)
_SAME: Final = 0.999
"""The cosine of a vector with itself, after rounding."""
_NAMED: Final = 5
"""Policies that a finding names; the others it counts."""

Alive = Callable[[int, int], None]
"""Told how much was looked at, of how much; 0 of 0 where that is not known."""
Show = Callable[[str, int, int], None]
"""The same, with the part that it is at before it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        problem: what it is.
        remedy: what to do about it.
        policies: ids of the policies concerned, some of them where there are many.
        harmless: whether answers are right all the same.
    """

    problem: str
    remedy: str
    policies: tuple[str, ...] = ()
    harmless: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the index that was looked at: what it is, and what is wrong with it."""

    name: str
    detail: str
    findings: tuple[Finding, ...] = ()


# --- in this process --------------------------------------------------------------------------------------------------


def examined(
    settings: Settings,
    parts: Sequence[str] = PARTS,
    *,
    silence_s: float | None = None,
    on_progress: Show = lambda *_: None,
    program: Sequence[str] = (sys.executable, "-m", "qa.examining"),
) -> Iterator[Part]:
    """Looks at the parts of an index, each of which is told as soon as it was looked at.

    Nothing is changed. A part that ends the process that looks at it, or keeps it silent for too long, has that as its
    finding.

    Args:
        settings: which index, and which Chroma server.
        parts: some of ``PARTS``.
        silence_s: longest time without a sign of life.
        on_progress: told how far it has come.
        program: what looks; another one in tests.
    """
    silence_s = silence_s or _patience(settings.index)
    left = list(parts)
    while left:
        for name, part in _examined_apart(settings, left, silence_s, on_progress, program):
            left.remove(name)
            if part:
                yield part


def _patience(folder: Path) -> float:
    size = 0
    with contextlib.suppress(OSError):
        size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return SILENCE_S + size / _BYTES_A_SECOND


def _examined_apart(
    settings: Settings, parts: Sequence[str], silence_s: float, on_progress: Show, program: Sequence[str]
) -> Iterator[tuple[str, Part | None]]:
    """The parts that one process gets through, the last of them perhaps without coming back; None: left out."""
    parts = tuple(parts)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FINEPRINT_")}
    with subprocess.Popen(  # noqa: S603 - our own interpreter and module
        program,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # what Chroma and the interpreter say as they go down is of no use to anybody
        cwd=Path(__file__).parent.parent,
        env=environment,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(json.dumps(_task(settings, parts)).encode("ascii"))
                process.stdin.close()
            at = parts[0]
            for line in _lines(process.stdout.fileno(), silence_s):
                if line is None:
                    yield at, Part(at, "", (_silent(at, silence_s),))
                    return
                said = json.loads(line)
                if "at" in said:
                    at = said["at"]
                elif "alive" in said:
                    on_progress(at, *said["alive"])
                else:
                    yield at, _part(said["part"])
                    at = next(iter(parts[parts.index(at) + 1 :]), "")
            process.wait()
            if at:
                yield at, Part(at, "", (_ended(at, process.returncode),))
        finally:
            process.kill()


def _task(settings: Settings, parts: Sequence[str]) -> dict[str, Any]:
    token = settings.chroma_token
    where = {
        "index": str(settings.index.absolute()),
        "chroma_url": settings.chroma_url,
        "chroma_index": settings.chroma_index,
        "chroma_token": token.get_secret_value() if token else None,
    }
    return {"settings": where, "parts": parts}


def _lines(descriptor: int, silence_s: float) -> Iterator[bytes | None]:
    """What comes through a pipe, by lines; None, at the end, where nothing came for too long."""
    data = b""
    while True:
        if not select.select([descriptor], [], [], silence_s)[0]:
            yield None
            return
        more = os.read(descriptor, 1 << 16)
        if not more:
            return
        *whole, data = (data + more).split(b"\n")
        yield from whole


def _part(said: dict[str, Any] | None) -> Part | None:
    if said is None:
        return None
    findings = (Finding(**{**each, "policies": tuple(each["policies"])}) for each in said["findings"])
    return Part(said["name"], said["detail"], tuple(findings))


def _ended(name: str, code: int) -> Finding:
    how = f"signal {-code}" if code < 0 else f"status {code}"
    return Finding(f"It is so damaged that reading it ends the process ({how}).", _remedy(name))


def _silent(name: str, silence_s: float) -> Finding:
    return Finding(f"Reading it leads to nothing: no sign of life for {silence_s:.0f} seconds.", _remedy(name))


def _remedy(name: str) -> str:
    return FIX if name == "search index" else REBUILD


# --- in the other process ---------------------------------------------------------------------------------------------


def _main() -> None:
    with contextlib.suppress(ImportError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    task = json.load(sys.stdin)
    output, sys.stdout = sys.stdout, sys.stderr  # nothing that a library prints gets between the lines
    settings = Settings.model_validate({**task["settings"], "cache": task["settings"]["index"]})

    def say(what: dict[str, Any]) -> None:
        output.write(json.dumps(what) + "\n")
        output.flush()

    said = time.monotonic()

    def alive(done: int, total: int) -> None:
        nonlocal said
        if time.monotonic() - said >= _BEAT_S:
            said = time.monotonic()
            say({"alive": [done, total]})

    for name in task["parts"]:
        say({"at": name})
        part = look_at(settings, name, alive)
        say({"part": asdict(part) if part else None})


def look_at(settings: Settings, name: str, alive: Alive = lambda *_: None) -> Part | None:
    """One of ``PARTS``, looked at in this process, which may not survive it; None where there is nothing to look at.

    Args:
        settings: which index, and which Chroma server.
        name: of the part.
        alive: called again and again meanwhile.
    """
    return _LOOKS[name](settings, alive)


def _looked_at(name: str, look: Callable[[], Part], remedy: str) -> Part:
    """A part, or what kept it from being looked at."""
    try:
        return look()
    except FineprintError as exc:
        return Part(name, "", (Finding(str(exc), ""),))
    except Exception as exc:  # whatever SQLite or Chroma make of damaged files
        return Part(name, "", (Finding(f"It cannot be read ({type(exc).__name__}: {exc}).", remedy),))


def _library_part(settings: Settings, alive: Alive) -> Part:
    """The library as a file: whether it is there, ours, of a known form, and whole as SQLite sees it."""

    def look() -> Part:
        with open_library(settings) as library:
            count = len(library.hashes())
            flaws = _flaws(library, lambda: alive(0, 0)) if isinstance(library, Library) else []
            if not count and not flaws:
                flaws.append(Finding(f"The index {index_of(settings)} holds no policies.", "Run `fineprint ingest`."))
        return Part("library", f"{_counted(count, 'policy')} {index_of(settings)}", tuple(flaws))

    return _looked_at("library", look, REBUILD)


def _flaws(library: Library, alive: Callable[[], None]) -> list[Finding]:
    found = [
        Finding(f"{FILE} is damaged: {flaw}.", f"{REBUILD}, which saves what can be saved")
        for flaw in library.flaws(alive)
    ]
    form = library.form()
    if form < FORM:
        said = f"It has form {form}, which this version reads, and not yet form {FORM}, which it writes."
        found.append(Finding(said, f"{FIX}, or leave it to the next ingest", harmless=True))
    return found


def _policies_part(settings: Settings, alive: Alive) -> Part | None:
    """Every policy: hash, seal, and whether its passages, sentences and offsets fit its text.

    None where there is none to look at, which ``_library_part`` tells.
    """
    try:
        with open_library(settings) as library:
            if not library.hashes():
                return None
    except FineprintError:
        return None

    def look() -> Part:
        wrong: dict[str, list[str]] = {}
        sentences = 0
        with open_library(settings) as library:
            ids = sorted(library.hashes())
            for done, policy_id in enumerate(ids, start=1):
                try:
                    source = library.read(policy_id)
                    found = misfits(source)
                    if not found and isinstance(library, Library) and not library.sealed(policy_id):
                        found = "not bit by bit what was written"
                    sentences += len(source.sentences())
                except KeyError:  # removed meanwhile
                    continue
                except IndexDamaged:
                    found = _unreadable(library, policy_id)
                if found:
                    wrong.setdefault(found, []).append(policy_id)
                alive(done, len(ids))
        findings = tuple(_about(problem, concerned, REBUILD) for problem, concerned in sorted(wrong.items()))
        return Part("policies", f"every text is whole, {sentences:,} sentences" if not findings else "", findings)

    return _looked_at("policies", look, REBUILD)


def _unreadable(library: PolicyLibrary, policy_id: str) -> str:
    try:
        library.policy(policy_id)
    except (IndexDamaged, KeyError):
        return "with a text that does not match its hash"
    return "with a whole text, but damaged passages or vectors"


def misfits(source: IndexedPolicy) -> str:
    """In which way a policy's passages and sentences do not fit its text, or its facts are none; "" if they do."""
    policy, text = source.policy, source.policy.text
    strings = (policy.company, *policy.aliases, *policy.warnings, policy.url or "")
    if not all(isinstance(each, str) for each in strings) or _ADDRESS.match(policy.url or "https://") is None:
        return "with facts of another kind than are stored"
    at = 0
    for n, passage in enumerate(source.passages):
        if passage.n != n or not at <= passage.start <= passage.end <= len(text) or text[at : passage.start].strip():
            return "whose passages do not cover its text"
        at = passage.end
        inside = passage.start
        for sentence in passage.sentences:
            if not inside <= sentence.start < sentence.end <= passage.end:
                return "with sentences outside their passages"
            if sentence.lead_in and not 0 <= sentence.lead_in.start < sentence.lead_in.end <= sentence.start:
                return "with sentences led in by what does not precede them"
            inside = sentence.start
    if text[at:].strip():
        return "whose passages do not cover its text"
    return ""


def _left_overs_part(settings: Settings, alive: Alive) -> Part | None:
    """What interrupted work has left behind: nothing reads it, and it takes space. None of a server."""
    del alive
    if settings.chroma_url is not None:
        return None

    def look() -> Part:
        writer = _writer(settings.index)
        if writer is not None:
            return Part("left-overs", f"not looked for: {writer} is writing to the index")
        found = left_over(settings.index)
        findings = []
        if found:
            size = sum(_size(path) for path in found)
            names = ", ".join(path.name for path in found[:_NAMED])
            problem = f"{len(found)} left over from interrupted work, {size / 1e6:.1f} MB: {names}"
            findings.append(Finding(problem + (", …." if len(found) > _NAMED else "."), FIX, harmless=True))
        findings += [
            Finding(
                f"{path.name} keeps files that were damaged, {_size(path) / 1e6:.1f} MB.",
                "delete it when everything is back",
                harmless=True,
            )
            for path in sorted(settings.index.glob(f"{DAMAGED}*"))
        ]
        return Part("left-overs", "none", tuple(findings))

    return _looked_at("left-overs", look, FIX)


def left_over(folder: Path) -> list[Path]:
    """Files and folders of an index that only interrupted work can have left; right where nobody writes."""
    chroma = folder / "chroma"
    found = [path for path in folder.glob(f"{WORK}*") if path.is_dir()]
    found += folder.glob(".web.json.*")
    found += chroma.glob("*.new")
    try:
        used = json.loads((chroma / "current.json").read_text(encoding="utf-8"))["folder"]
    except (OSError, ValueError, KeyError, TypeError):
        return sorted(found)  # the search index is damaged, and made anew as a whole
    found += [path for path in chroma.glob("v*") if path.is_dir() and path.name != used]
    return sorted(found)


def _writer(folder: Path) -> str | None:
    """Who is writing to the index; None where nobody is, or it is not there."""
    try:
        with (folder / LOCK).open("r", encoding="ascii", errors="replace") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = file.read(20).strip()
                return f"process {holder}" if holder.isdecimal() else "another process"
    except OSError:
        pass
    return None


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def _search_index_part(settings: Settings, alive: Alive) -> Part | None:
    """The search index: whether it opens, and holds the library's passages, with their vectors, and no others.

    None where there is no library to compare it with, which ``_library_part`` tells.
    """

    def look() -> Part:
        writer = _writer(settings.index)
        with (
            Library.open(settings.index) as library,
            contextlib.closing(ChromaIndex.of(settings, library.manifest)) as index,
        ):
            detail, findings = _compared(library, index, made.exists(), alive)
        if writer:
            wait = f"wait until {writer}, which is writing to the index, has ended"
            findings = tuple(replace(finding, remedy=wait, harmless=True) for finding in findings)
        return Part("search index", detail, findings)

    if settings.chroma_url is not None:
        return _looked_at("search index", lambda: _found_on_server(settings, alive), REBUILD)
    made = settings.index / "chroma" / "current.json"
    try:
        Library.open(settings.index).close()
    except IndexMissing:
        said = "It is there, but the library from which it was made is gone."
        remedy = "run `fineprint restore` with a backup, or ingest the policies again"
        return Part("search index", "", (Finding(said, remedy),)) if made.exists() else None
    except FineprintError:
        return None
    return _looked_at("search index", look, FIX)


def _found_on_server(settings: Settings, alive: Alive) -> Part:
    """Whether every policy is found there by the vector of its first passage."""
    missing = []
    with open_library(settings) as library, contextlib.closing(open_search(settings, library)) as search:
        cards = library.cards()
        for done, policy_id in enumerate(sorted(card.id for card in cards), start=1):
            with contextlib.suppress(KeyError):
                best = search.search(library.read(policy_id).passage_vectors[0], 1)
                if not best or best[0].score < _SAME:
                    missing.append(policy_id)
            alive(done, len(cards))
    if not missing:
        return Part("search index", f"finds all policies: {len(cards):,}")
    # Chroma's own index, which many passages need, misses one now and then.
    exact = sum(card.passages for card in cards) <= EXACT
    return Part("search index", "", (replace(_about("not found in it", missing, REBUILD), harmless=not exact),))


def _compared(library: Library, index: ChromaIndex, made: bool, alive: Alive) -> tuple[str, tuple[Finding, ...]]:
    """What is to be said of a search index, and what is wrong with it."""
    due = library.generations()
    found, since = index.policy_ids(), index.generation()
    if made and not since:
        said = "It is damaged, or was made for another model; answers do without it, and are slower."
        return "", (Finding(said, FIX),)
    findings = [
        _about(what, sorted(concerned), FIX)
        for what, concerned in (
            ("missing in it", due.keys() - found),
            ("in it that the library does not have", found - due.keys()),
            ("changed since it was made", {each for each in due.keys() & found if due[each] > since}),
        )
        if concerned
    ]
    if not findings:
        findings = list(_rows_compared(library, index, set(due), alive))
    return f"agrees with the library: {_counted(len(found), 'policy')}", tuple(findings)


def _rows_compared(library: Library, index: ChromaIndex, ids: set[str], alive: Alive) -> Iterator[Finding]:
    """Compares every passage and vector with the library's."""
    missing: dict[str, set[int]] = {}
    wrong: set[str] = set()
    done = 0
    total = sum(card.passages for card in library.cards())
    for policy_id, n, vector in index.vectors():
        done += 1
        alive(done, total)
        try:
            source = library.read(policy_id)
        except KeyError:
            continue
        left = missing.setdefault(policy_id, set(range(len(source.passages))))
        if n not in left or float(vector @ source.passage_vectors[n]) < _SAME:
            wrong.add(policy_id)
        left.discard(n)
    wrong |= {policy_id for policy_id in ids if missing.get(policy_id, {0})}
    if wrong:
        yield _about("with other passages or vectors than the library has", sorted(wrong), FIX)


def _about(what: str, concerned: Sequence[str], remedy: str) -> Finding:
    named = ", ".join(concerned[:_NAMED]) + (f" and {len(concerned) - _NAMED:,} more" * (len(concerned) > _NAMED))
    return Finding(f"{_counted(len(concerned), 'policy')} {what}: {named}.", remedy, tuple(concerned[:1_000]))


def _counted(count: int, noun: str) -> str:
    plural = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{count:,} {noun if count == 1 else plural}"


_LOOKS: Final[dict[str, Callable[[Settings, Any], Part | None]]] = {
    "library": _library_part,
    "policies": _policies_part,
    "left-overs": _left_overs_part,
    "search index": _search_index_part,
}


if __name__ == "__main__":
    _main()
