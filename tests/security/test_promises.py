"""SECURITY.md names a test for every threat; each of them is there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
ROWS = [line.split(" | ") for line in TEXT.splitlines() if line.startswith("| ")][2:]
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", TEXT)


def test_every_threat_has_a_test_that_shows_what_stands_against_it() -> None:
    assert len(ROWS) > 15
    assert [row[0] for row in ROWS if "`tests/" not in row[-1]] == []
    assert len(set(NAMED)) == len(NAMED) == TEXT.count("`tests/")


def test_every_test_that_is_named_is_there() -> None:
    missing = [
        f"{file}::{name}"
        for file, name in NAMED
        if not re.search(rf"^def {name}\(", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert missing == []


def test_every_setting_that_is_named_is_one() -> None:
    from qa.settings import PREFIX, Settings

    named = set(re.findall(rf"`{PREFIX}([A-Z_]+)`", TEXT))
    assert named
    assert named <= {name.upper() for name in Settings.model_fields}
