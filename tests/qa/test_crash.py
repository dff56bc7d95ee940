"""Writers that are killed: whatever the moment, every policy is whole or absent, and the next run completes."""

from __future__ import annotations

import random
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from qa.domain import IndexedPolicy
from qa.library import Library
from qa.store import ChromaIndex, synchronise
from tests.qa.indexing import MANIFEST, made_up
from tests.qa.test_library import ROOT, same

POLICIES = 30
TRIALS = 5


def version(i: int, v: int) -> IndexedPolicy:
    """Version v of policy i, which has v % 7 + 5 sentences, all of which name the version."""
    return made_up(f"site{i}.com", *(f"Site {i} says thing {n} in version {v}." for n in range(v % 7 + 5)))


WRITER = f"""
import sys
from pathlib import Path
from tests.qa.test_crash import *
import chromadb  # what is to be killed is the writing, not the import

folder, first = Path(sys.argv[1]), int(sys.argv[2])
print("ready", flush=True)
with Library.open_for_writing(folder, MANIFEST) as library:
    index = ChromaIndex.open(folder, MANIFEST)
    for v in range(first, first + 1_000_000):
        library.put(version(v % {POLICIES}, v))
        if v % 10 == 0:
            synchronise(library, index)
"""


def write_until_killed(folder: Path, first: int, after_s: float) -> None:
    """Runs a writer of version ``first`` and on, and kills it so long after it began to write."""
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(folder), str(first)], cwd=ROOT, stdout=subprocess.PIPE)
    assert writer.stdout is not None
    with writer.stdout as output:
        assert select.select([output], [], [], 120)[0]
        assert output.readline() == b"ready\n"
        time.sleep(after_s)
        writer.kill()
        assert writer.wait(60) == -signal.SIGKILL


def check_and_complete(folder: Path) -> int:
    """Every policy is whole, the lock is free, and Chroma comes to agree; returns the number of policies."""
    with Library.open_for_writing(folder, MANIFEST) as library:
        ids = [card.id for card in library.cards()]
        for policy_id in ids:
            found = library.read(policy_id)
            first = found.policy.text.split(".")[0].split()
            assert same(found, version(int(first[1]), int(first[-1])))
        index = ChromaIndex.open(folder, MANIFEST)
        try:
            synchronise(library, index)
            assert index.policy_ids() == set(ids)
            assert index.generation() == library.generation()
            for policy_id in ids:  # every first passage is found: its own vector has the cosine 1
                own = library.read(policy_id).passage_vectors[0]
                assert index.search(own, 1)[0].score == pytest.approx(1.0, abs=1e-5)
        finally:
            index.close()
    return len(ids)


def test_writers_killed_at_random_moments_leave_whole_policies_and_the_next_run_completes(tmp_path: Path) -> None:
    moments = random.Random(20)
    policies = 0
    for trial in range(TRIALS):
        write_until_killed(tmp_path, trial * 1_000, moments.uniform(0.0, 0.8))
        before, policies = policies, check_and_complete(tmp_path)
        assert policies >= before
    assert policies > 0


@pytest.mark.parametrize("after_s", [0.0, 0.003])
def test_a_writer_killed_while_it_makes_the_library_leaves_none_or_a_whole_one(tmp_path: Path, after_s: float) -> None:
    write_until_killed(tmp_path, 0, after_s)
    check_and_complete(tmp_path)
