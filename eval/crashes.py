"""Kills whoever writes to an index, again and again and at any moment, and looks whether anything was lost.

::

    python -m eval.crashes [--kills 200] [--seed 20] [--server] [--out FILE.json]

A writer ingests new and changed policies, removes some, rebuilds, mends, compacts, backs up and restores, one thing
after the other. Before each it says what it is about to do, and after it that it is done: what it has said to be done
is acknowledged. It is killed (SIGKILL) after a random time. Another process then looks at what is there:

- *lost*: a policy that was acknowledged is not there, or is another version than was acknowledged;
- *half*: a policy is not exactly the text, passages and vectors that one version of it has, or something else is there;
- *unreadable*: the index cannot be opened, read, searched for every policy, or ``doctor`` finds something wrong after
  the opening has healed what it heals by itself.

What was under way when the writer was killed may have happened or not, for each policy alone; a restore as a whole.
With ``--server`` the index is on a Chroma server that is started for this, on loopback. The policies are short and made
up of sentences of the samples, and vectors are hashed words, so that what is measured is writing.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import random
import select
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import numpy as np

from eval.reporting import save_json
from ingest.apart import read_policy
from ingest.chunking import cut
from ingest.parsing import Hints
from ingest.pipeline import ingest_paths, rebuild, sample_paths
from ingest.sources import Source
from qa.domain import Policy
from qa.embedding import passage_text, sentence_text
from qa.encoders import HashingEncoder
from qa.errors import FineprintError, IndexMissing, UsageError
from qa.examining import Part, look_at
from qa.libraries import open_library, open_library_for_writing, open_search, search_index
from qa.settings import Settings
from qa.store import PolicyLibrary, synchronise

__all__ = [
    "Look",
    "Outcome",
    "Rig",
    "Step",
    "Writer",
    "counting",
    "counts_of",
    "forked",
    "hashed",
    "look",
    "main",
    "source_of",
]

_SITES: Final = 24
_DIMENSION: Final = 64
_CHECK_S: Final = 300.0
"""Looking at a small index takes a second; on a busy machine several."""
_MOST_STEPS: Final = 1
"""Steps that a writer may end before it is killed within the next one."""
_STEP_S: Final = 0.3
"""How long a step is taken to last before one was timed."""
_DATE: Final = "2020-01-31"
STEPS: Final = {"ingest": 10, "remove": 3, "rebuild": 2, "mend": 1, "compact": 2, "backup": 2, "restore": 2}
"""What the writer does, and how often."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that the writer does.

    Attributes:
        kind: one of ``STEPS``.
        after: the version of every policy once it is done, by site; a site without one has no policy.
        touched: the sites that it changes.
    """

    kind: str
    after: Mapping[str, int]
    touched: tuple[str, ...] = ()


@dataclass(slots=True)
class Outcome:
    """What came of the kills.

    Attributes:
        killed_at: how often the writer was killed at which kind of step; ``between`` two of them, or before the first.
        done: how many steps were acknowledged, by kind.
        looked_at: how many policies were compared with what they must be, over all kills.
        lost, half, unreadable: what was wrong, a line each.
    """

    kills: int = 0
    killed_at: Counter[str] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)
    looked_at: int = 0
    lost: list[str] = field(default_factory=list)
    half: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def well(self) -> bool:
        """Whether nothing was wrong."""
        return not (self.lost or self.half or self.unreadable)


# --- made-up policies -------------------------------------------------------------------------------------------------


def hashed() -> HashingEncoder:
    """What makes the vectors."""
    return HashingEncoder(_DIMENSION)


def source_of(site: str, version: int) -> Source:
    """A version of a site's policy: some sentences of a sample, which differ from version to version."""
    lines = _lines()
    begin = (version * 7 + len(site)) % (len(lines) - 12)
    chosen = lines[begin : begin + 6 + version % 7]
    text = "\n\n".join([f"# {site} Privacy Policy", f"This is version {version} of the policy of {site}.", *chosen])
    return Source(f"{site}__{_DATE}.md", text.encode(), ".md")


def policy_of(site: str, version: int) -> Policy:
    """What that version is once it was read."""
    return read_policy(source_of(site, version), Hints(), max_chars=1_000_000)


@cache
def _lines() -> list[str]:
    texts = (path.read_text(encoding="utf-8") for path in sample_paths())
    return [line for text in texts for line in text.splitlines() if 80 < len(line) < 800 and line[0].isalpha()]


# --- the writer -------------------------------------------------------------------------------------------------------


class Writer:
    """Changes an index step by step, and says before and after each what it does."""

    def __init__(self, settings: Settings, work: Path, state: Mapping[str, int], seed: int) -> None:
        """
        Args:
            settings: which index.
            work: a folder for policies to ingest, and for the backup.
            state: the version of each policy that is there.
            seed: of what it does.
        """
        self._settings = settings
        self._work = work
        self._state = dict(state)
        self._random = random.Random(seed)  # noqa: S311 - nothing secret
        self._encoder = hashed()

    def next_step(self) -> Step:
        """What to do next."""
        kind = self._random.choices(list(STEPS), list(STEPS.values()))[0]
        there = sorted(self._state)
        if kind == "restore" and not self._saved().exists():
            kind = "backup"
        if not there:
            kind = "ingest"
        if kind == "ingest":
            sites = tuple(self._random.sample([f"site{n}.com" for n in range(_SITES)], self._random.randint(1, 6)))
            changed = {site: self._state.get(site, 0) + self._random.randint(0, 2) for site in sites}
            return Step(kind, {**self._state, **changed}, sites)
        if kind == "remove":
            site = self._random.choice(there)
            return Step(kind, {each: version for each, version in self._state.items() if each != site}, (site,))
        if kind == "restore":
            return Step(kind, json.loads(self._saved().read_text()), tuple(there))
        return Step(kind, self._state)

    def do(self, step: Step) -> None:
        """Does it."""
        from qa.backup import back_up, restore
        from qa.mending import compact, mend

        if step.kind == "ingest":
            folder = Path(tempfile.mkdtemp(dir=self._work))
            for site in step.touched:
                source = source_of(site, step.after[site])
                (folder / source.name).write_bytes(source.data)
            report = ingest_paths([folder], self._settings, encoder=self._encoder)
            shutil.rmtree(folder)
            if report.refused:
                raise RuntimeError(f"refused: {report.refused}")
        elif step.kind == "remove":
            _remove(self._settings, f"{step.touched[0]}@{_DATE}")
        elif step.kind == "rebuild":
            rebuild(self._settings, encoder=self._encoder)
        elif step.kind == "mend":
            mend(self._settings, anew=self._random.random() < 0.5)
        elif step.kind == "compact":
            compact(self._settings)
        elif step.kind == "backup":
            # What the backup holds is known once it is there, and the old one is not used any more from here on.
            self._saved().unlink(missing_ok=True)
            back_up(self._settings, self._backup(), {}, force=True)
            _written(self._saved(), json.dumps(step.after))
        else:
            restore(self._backup(), self._settings, {}, force=True, examine=_looked_at)
        self._state = dict(step.after)

    def _backup(self) -> Path:
        return self._work / "policies.backup"

    def _saved(self) -> Path:
        return self._work / "policies.json"


def _looked_at(settings: Settings, parts: Sequence[str], **_: object) -> Iterator[Part]:
    """``examined`` without another process, which would be left over when this one is killed."""
    return filter(None, (look_at(settings, name) for name in parts))


def _written(path: Path, text: str) -> None:
    beside = path.with_suffix(".new")
    beside.write_text(text)
    beside.replace(path)


def _remove(settings: Settings, policy_id: str) -> None:
    with open_library(settings) as library:
        manifest = library.manifest
    with open_library_for_writing(settings, manifest) as library, search_index(settings, manifest) as index:
        library.remove(policy_id)
        if index is not None:
            synchronise(library, index)


# --- who looks at what is there ---------------------------------------------------------------------------------------


@dataclass(slots=True)
class Look:
    """What was found: how many policies were compared, and what was wrong; the versions that are there now."""

    looked_at: int = 0
    lost: list[str] = field(default_factory=list)
    half: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    state: dict[str, int] = field(default_factory=dict)


def look(settings: Settings, before: Mapping[str, int], step: Step | None) -> Look:
    """Compares an index with what it must be.

    Args:
        settings: which index.
        before: what was acknowledged.
        step: what was under way, if anything.
    """
    found = Look()
    try:
        _compare(settings, before, step, found)
    except Exception as exc:
        found.unreadable.append(f"{type(exc).__name__}: {exc} at {traceback.extract_tb(exc.__traceback__)[-1]}")
    return found


def _compare(settings: Settings, before: Mapping[str, int], step: Step | None, found: Look) -> None:
    encoder = hashed()
    try:
        library = open_library(settings)
    except IndexMissing:
        if before:
            found.lost += sorted(before)
        return
    with library:
        for policy_id in sorted(library.hashes()):
            site, version = _of(library, policy_id, encoder, found)
            if site:
                found.state[site] = version
        _blame(before, step, found)
        # What a service does when it starts: it heals the search index, or searches in memory.
        with contextlib.closing(open_search(settings, library)) as search:
            for policy_id in sorted(library.hashes()):
                own = library.read(policy_id).passage_vectors[0]
                best = search.search(own, 1)
                if not best or best[0].score < 0.999:
                    found.unreadable.append(f"{policy_id} is not found by its own vector")
    for name in ("library", "policies", "search index") if found.state else ():
        seen = look_at(settings, name)
        wrong = [each.problem for each in seen.findings if not each.harmless] if seen else []
        found.unreadable += [f"doctor, {name}: {problem}" for problem in wrong]


def _of(library: PolicyLibrary, policy_id: str, encoder: HashingEncoder, found: Look) -> tuple[str, int]:
    """Which version of which site's policy an indexed one is, if it is whole."""
    source = library.read(policy_id)
    found.looked_at += 1
    site = source.policy.domain
    said = source.policy.text.partition("This is version ")[2].partition(" ")[0]
    if said.isdecimal():
        policy = policy_of(site, int(said))
        passages = cut(policy)
        texts = [passage_text(policy, passage) for passage in passages]
        sentences = [sentence_text(policy, passage, each) for passage in passages for each in passage.sentences]
        if (
            source.policy == policy
            and source.passages == passages
            and np.allclose(source.passage_vectors, encoder.encode_texts(texts), atol=1e-5)
            and np.allclose(source.sentence_vectors, encoder.encode_texts(sentences), atol=2**-10)
        ):
            return site, int(said)
    found.half.append(f"{policy_id} is no version that was written")
    return "", 0


def _blame(before: Mapping[str, int], step: Step | None, found: Look) -> None:
    """Says what is neither as it was acknowledged nor as the step under way makes it."""
    state = found.state
    after = before if step is None else step.after
    if step is not None and step.kind == "restore":
        if state not in (dict(before), dict(after)):
            found.half.append(f"half restored: {state}, neither {dict(before)} nor {dict(after)}")
        return
    touched = step.touched if step is not None else ()
    for site in sorted({*before, *after, *state}):
        allowed = {before.get(site), after.get(site)} if site in touched else {before.get(site)}
        if state.get(site) not in allowed:
            (found.lost if before.get(site) is not None else found.half).append(
                f"{site} is at version {state.get(site)}, and not at {allowed} ({step.kind if step else 'no step'})"
            )


# --- kills ------------------------------------------------------------------------------------------------------------


class Rig:
    """An index, its writers and their ends.

    This process itself never opens the index: it forks those who do, so that what they need is imported once.

    Args:
        settings: which index; an empty one.
        work: a folder for what writers need.
        seed: of everything that is drawn.
        most_steps: how many steps a writer ends at most before it is killed.
    """

    def __init__(self, settings: Settings, work: Path, seed: int, *, most_steps: int = _MOST_STEPS) -> None:
        self._settings = settings
        self._work = work
        self._random = random.Random(seed)  # noqa: S311 - nothing secret
        self._most_steps = most_steps
        self._step_s = _STEP_S
        self._state: dict[str, int] = {}
        self.outcome = Outcome()

    def run(self, kills: int, on_kill: Callable[[Outcome], None] = lambda _: None) -> Outcome:
        """Kills so many writers, and looks after each; ends early, with what was found so far, at Ctrl+C."""
        began = time.monotonic()
        with contextlib.suppress(KeyboardInterrupt):
            for _ in range(kills):
                self._look(self._written_until_killed())
                self.outcome.seconds = time.monotonic() - began
                on_kill(self.outcome)
        return self.outcome

    def _written_until_killed(self) -> Step | None:
        """Lets a writer write until it is killed; returns what was under way, and keeps what was acknowledged."""
        seed, steps = self._random.randrange(1 << 30), self._random.randint(0, self._most_steps)
        said: list[Any] = []
        with forked(lambda say: _write(Writer(self._settings, self._work, self._state, seed), say)) as child:
            began = time.monotonic()
            while (line := child.line()) is not None:
                said.append(line)
                if line.get("done"):
                    self._step_s += (time.monotonic() - began - self._step_s) / 8
                    began = time.monotonic()
                elif len(said) > 2 * steps:
                    break
            time.sleep(self._random.uniform(0, 1.5 * self._step_s))
            os.kill(child.pid, signal.SIGKILL)
            said += child.rest()
        outcome, step = self.outcome, None
        for line in said:
            if "failed" in line:
                outcome.unreadable.append(f"kill {outcome.kills + 1}: the writer failed by itself: {line['failed']}")
            elif line["done"]:
                self._state = dict(line["after"])
                outcome.done[line["kind"]] += 1
                step = None
            else:
                step = Step(line["kind"], line["after"], tuple(line["touched"]))
        outcome.kills += 1
        outcome.killed_at[step.kind if step else "between"] += 1
        return step

    def _look(self, step: Step | None) -> None:
        with forked(lambda say: say(asdict(look(self._settings, self._state, step)))) as child:
            said = child.line(_CHECK_S)
        outcome = self.outcome
        if said is None:
            outcome.unreadable.append(f"kill {outcome.kills}: looking at the index ended the process, or never ended")
            return
        outcome.looked_at += said["looked_at"]
        for name in ("lost", "half", "unreadable"):
            getattr(outcome, name).extend(f"kill {outcome.kills}: {each}" for each in said[name])
        self._state = said["state"]


def _write(writer: Writer, say: Callable[[Mapping[str, Any]], None]) -> None:
    while True:
        step = writer.next_step()
        said = {"kind": step.kind, "after": dict(step.after), "touched": step.touched}
        say({**said, "done": False})
        try:
            writer.do(step)
        except Exception as exc:
            say({"failed": f"{step.kind}: {type(exc).__name__}: {exc}"})
            raise
        say({**said, "done": True})


class _Child:
    """A forked process, and what it says by lines of JSON."""

    def __init__(self, pid: int, descriptor: int) -> None:
        self.pid = pid
        self._descriptor = descriptor
        self._data = b""

    def line(self, seconds: float = _CHECK_S) -> Any:
        """The next thing that it says; None where it ended, or said nothing for so long."""
        while b"\n" not in self._data:
            if not select.select([self._descriptor], [], [], seconds)[0]:
                return None
            more = os.read(self._descriptor, 1 << 16)
            if not more:
                return None
            self._data += more
        first, _, self._data = self._data.partition(b"\n")
        return json.loads(first)

    def rest(self) -> list[Any]:
        """All else that it said, once it has ended."""
        while more := os.read(self._descriptor, 1 << 16):
            self._data += more
        return [json.loads(line) for line in self._data.split(b"\n")[:-1]]


@contextlib.contextmanager
def forked(work: Callable[[Callable[[Mapping[str, Any]], None]], None]) -> Iterator[_Child]:
    """A process that does something and says things meanwhile; it is killed when the block ends."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.close(reading)
            work(lambda said: _say(writing, said))
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    os.close(writing)
    try:
        yield _Child(pid, reading)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(reading)


def _say(descriptor: int, said: Mapping[str, Any]) -> None:
    data = json.dumps(said).encode("ascii") + b"\n"
    while data:
        data = data[os.write(descriptor, data) :]


# --- the command line -------------------------------------------------------------------------------------------------


def counts_of(found: Any) -> dict[str, Any]:
    """A dataclass for JSON; ``asdict`` takes the pairs of a Counter for things to be counted."""
    return {each.name: getattr(found, each.name) for each in fields(found)}


def lines_of(outcome: Outcome) -> list[str]:
    """The outcome for people."""
    killed = ", ".join(f"{count} {kind}" for kind, count in sorted(outcome.killed_at.items()))
    done = ", ".join(f"{count} {kind}" for kind, count in sorted(outcome.done.items()))
    lines = [
        f"kills        {outcome.kills} in {outcome.seconds:.0f} s, at: {killed}",
        f"acknowledged {sum(outcome.done.values())} steps: {done}",
        f"looked at    {outcome.looked_at} policies",
    ]
    for name in ("lost", "half", "unreadable"):
        found = getattr(outcome, name)
        lines += [f"{name:<12} {len(found)}", *(f"  {each}" for each in found[:10])]
    return lines


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; see the module's text. Exit code 1 where something was wrong."""
    parser = argparse.ArgumentParser(prog="python -m eval.crashes", description="Kills writers of an index.")
    parser.add_argument("--kills", type=int, default=200, help="how many writers (at most 100,000)")
    parser.add_argument("--seed", type=int, default=20, help="of everything that is drawn")
    parser.add_argument("--server", action="store_true", help="with the index on a Chroma server, started for this")
    parser.add_argument("--out", type=Path, help="JSON file for the counts, written after every kill")
    options = parser.parse_args(arguments)
    if not 1 <= options.kills <= 100_000:
        parser.error("--kills is 1 to 100000")
    for name in ("chromadb", "qa.backup", "qa.mending", "qa.nearest", "qa.served", "qa.store"):
        import_module(name)  # once, before the first fork

    logging.getLogger("qa").setLevel(logging.ERROR)  # what is healed is what is looked for here
    with tempfile.TemporaryDirectory(prefix="fineprint-crashes-") as name, contextlib.ExitStack() as stack:
        work = Path(name)
        (work / "work").mkdir()
        url = None
        if options.server:
            try:
                url = stack.enter_context(chroma_server(work / "server"))
            except FineprintError as exc:
                print(f"eval.crashes: {exc}", file=sys.stderr)
                return 1
        settings = Settings.model_validate({"index": work / "index", "cache": work, "chroma_url": url})
        rig = Rig(settings, work / "work", options.seed)
        with counting("Killing writers", options.kills) as show:

            def told(outcome: Outcome) -> None:
                show(outcome.kills)
                if options.out:  # after every kill, so that a run that is ended is not lost
                    save_json(options.out, {**counts_of(outcome), "seed": options.seed, "server": options.server})

            outcome = rig.run(options.kills, told)
    print("\n".join(lines_of(outcome)))
    return 0 if outcome.well else 1


@contextlib.contextmanager
def chroma_server(folder: Path) -> Iterator[str]:
    """A Chroma server over a folder, on loopback; its address."""
    import socket
    import subprocess

    import httpx

    program = shutil.which("chroma", path=str(Path(sys.executable).parent)) or shutil.which("chroma")
    if program is None:
        raise UsageError("chromadb's program `chroma` is missing: install chromadb where it can be found.")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [program, "run", "--path", str(folder), "--host", "127.0.0.1", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:  # noqa: S603
        try:
            while process.poll() is None:
                with contextlib.suppress(httpx.HTTPError):
                    httpx.get(f"{url}/api/v2/heartbeat", trust_env=False).raise_for_status()
                    break
                time.sleep(0.05)
            yield url
        finally:
            process.terminate()


@contextlib.contextmanager
def counting(title: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar on standard error, where that is a terminal; told how many are done."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(title, total=total)
        yield lambda done: bar.update(task, completed=done)


if __name__ == "__main__":
    sys.exit(main())
