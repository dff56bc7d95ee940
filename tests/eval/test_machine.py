from __future__ import annotations

import os
from pathlib import Path

import pytest

from eval.machine import free_mb, memory_mb, this_machine


def test_a_machine_and_its_memory_are_told() -> None:
    machine = this_machine()
    assert machine.processors >= 1
    assert machine.processor
    assert 10 < memory_mb() < (machine.memory_mb or 10**9)
    assert memory_mb(os.getpid()) == pytest.approx(memory_mb(), rel=0.2)
    assert free_mb(Path.cwd()) > 0
