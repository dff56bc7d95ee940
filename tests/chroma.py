"""A real Chroma server, on loopback."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
import pytest

CHROMA: Final = shutil.which("chroma", path=str(Path(sys.executable).parent)) or shutil.which("chroma")
needs_chroma: Final = pytest.mark.skipif(CHROMA is None, reason="chromadb's program `chroma` is missing")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@dataclass(frozen=True)
class RunningChroma:
    """A server: its address and its process."""

    url: str
    pid: int


@contextmanager
def chroma_server(folder: Path, port: int | None = None) -> Iterator[RunningChroma]:
    """Runs a server over a folder."""
    assert CHROMA is not None
    port = port or free_port()
    command = [CHROMA, "run", "--path", str(folder), "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(command, cwd=folder.parent, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            try:
                httpx.get(f"{url}/api/v2/heartbeat", trust_env=False).raise_for_status()
                break
            except httpx.HTTPError:
                assert process.poll() is None, "the server ended"
                time.sleep(0.05)
        yield RunningChroma(url, process.pid)
    finally:
        process.terminate()
        process.wait(timeout=30)
