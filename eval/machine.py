"""What a measurement was made on, and what processes take of it."""

from __future__ import annotations

import os
import platform
import resource
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from qa.encoders import cpu_has_amx_bf16, has_gpu, processors

__all__ = ["Machine", "free_mb", "load", "memory_mb", "peak_mb", "this_machine"]


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine, as far as it explains how fast something is.

    Attributes:
        processors: how many this process may use.
        memory_mb: of the whole machine; None where it cannot be told.
        bf16: whether the processor multiplies bf16 in hardware.
        gpu: whether there is a GPU that torch may be able to use.
    """

    python: str
    platform: str
    processor: str
    processors: int
    memory_mb: int | None
    bf16: bool
    gpu: bool


def this_machine() -> Machine:
    """The machine that this runs on."""
    memory: int | None
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1_000_000
    except (ValueError, OSError):
        memory = None
    return Machine(
        python=platform.python_version(),
        platform=f"{platform.system()} {platform.machine()}",
        processor=_processor(),
        processors=processors(),
        memory_mb=memory,
        bf16=cpu_has_amx_bf16(),
        gpu=has_gpu(),
    )


def load() -> float:
    """How many processes compute or wait to, averaged over a minute: a busy machine's times are not its own."""
    return os.getloadavg()[0]


def free_mb(folder: Path) -> float:
    """The free space of the disk that a folder is on, in megabytes."""
    return shutil.disk_usage(folder).free / 1e6


def memory_mb(process: int | None = None) -> float:
    """The resident memory of a process, this one by default, in megabytes; its peak where nothing else can be told."""
    who = "self" if process is None else str(process)
    try:
        for line in Path(f"/proc/{who}/status").read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024 / 1e6
    except OSError:
        pass
    if process is None:
        return peak_mb(resource.getrusage(resource.RUSAGE_SELF))
    said = subprocess.run(["ps", "-o", "rss=", "-p", str(process)], capture_output=True, text=True, check=True)  # noqa: S603, S607
    return int(said.stdout) * 1024 / 1e6


def peak_mb(usage: resource.struct_rusage) -> float:
    """The peak resident memory that the system has counted, in megabytes."""
    # Kilobytes on Linux, bytes on macOS.
    return usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or "unknown"
