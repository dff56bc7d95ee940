"""Prints the exact versions of what the image needs, as installed in this environment: `deploy/requirements.txt`.

Run it where the tests pass:  .venv/bin/python deploy/pins.py > deploy/requirements.txt
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent

LEFT_OUT = frozenset({"torch", "sentence-transformers", "kubernetes"})
"""Most of a gigabyte: questions need no torch, ingest does without (qa.encoders), and Chroma imports no kubernetes."""

ADDED = {"redis": "7.4.1"}
"""For rate limits that several processes count together; not a dependency, so that its version stands here."""

HEADER = """\
# What the image installs, with nothing else (pip's --no-deps): made by deploy/pins.py from an environment in which
# the tests passed. Not in it: torch and what came with it, which no question and no ingest needs.
"""


def normalised(name: str) -> str:
    """A package's name as registries compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def stated() -> list[Requirement]:
    """What pyproject.toml asks for, with what reads PDF and Word documents."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    return [Requirement(each) for each in (*project["dependencies"], *extras["pdf"], *extras["docx"])]


def needed(roots: Iterable[Requirement]) -> dict[str, str]:
    """The versions of packages and of all that they need on this platform, by name."""
    found: dict[str, str] = {}
    seen: set[tuple[str, str]] = set()
    waiting = [(each, "") for each in roots]
    while waiting:
        requirement, wanted_by = waiting.pop()
        name = normalised(requirement.name)
        if name in LEFT_OUT or (requirement.marker and not requirement.marker.evaluate({"extra": wanted_by})):
            continue
        for extra in ("", *requirement.extras):
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            try:
                found[name] = version(name)
            except PackageNotFoundError:
                sys.exit(f"{name} is not installed: pip install it, then try again.")
            waiting += [(Requirement(each), extra) for each in requires(name) or ()]
    return found


def main() -> None:
    """Prints the list."""
    found = needed(stated()) | ADDED
    print(HEADER + "\n".join(f"{name}=={found[name]}" for name in sorted(found)))


if __name__ == "__main__":
    main()
