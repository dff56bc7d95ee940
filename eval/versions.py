"""What exactly was run: the version of the package, the commit of its code, and its models."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

__all__ = ["commit_of", "files_sha256", "models_sha256", "package_version"]

_CODE = Path(__file__).parent.parent
_MODELS = _CODE / "qa" / "models"
_MODEL_SUFFIXES = frozenset({".json", ".onnx", ".safetensors"})
_WAIT_S = 10


def package_version() -> str:
    """The version of fineprint, or "unknown" where it is run from a checkout that was not installed."""
    try:
        return importlib.metadata.version("fineprint")
    except importlib.metadata.PackageNotFoundError:
        return "unknown"


def commit_of(folder: Path = _CODE) -> str:
    """The commit of a checkout, with "+changes" if tracked files differ from it; empty without a checkout or git."""
    if not (folder / ".git").exists():  # an installed package may lie inside somebody else's checkout
        return ""
    commit = _git(folder, "rev-parse", "HEAD")
    changes = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return f"{commit}+changes" if commit and changes else commit


def models_sha256() -> str:
    """SHA-256 over the bundled models that read and judge, in hex."""
    return files_sha256(file for file in _MODELS.iterdir() if file.suffix in _MODEL_SUFFIXES)


def files_sha256(files: Iterable[Path]) -> str:
    """SHA-256 over the names and contents of files, in hex, whatever their order."""
    digest = hashlib.sha256()
    for file in sorted(files, key=lambda file: file.name):
        with file.open("rb") as opened:
            digest.update(file.name.encode("utf-8", "surrogateescape") + b"\0")
            digest.update(hashlib.file_digest(opened, "sha256").digest())
    return digest.hexdigest()


def _git(folder: Path, *arguments: str) -> str:
    command = ("git", "--no-optional-locks", "-c", "core.fsmonitor=false", "-C", str(folder), *arguments)
    # Without what a hook or a script may have set: GIT_DIR would name another repository.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(  # noqa: S603 - git itself, without a shell
            command, env=environment, capture_output=True, text=True, timeout=_WAIT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
