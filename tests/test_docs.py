"""What the documents say is there is there, and the other way round."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer.main

from qa.settings import PREFIX, Settings
from ui.cli import app

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_every_setting_is_in_the_readme(name: str) -> None:
    assert f"`{PREFIX}{name.upper()}`" in README


def test_the_readme_names_no_setting_that_does_not_exist() -> None:
    named = set(re.findall(rf"`{PREFIX}([A-Z_]+)`", README))
    assert named - {"CONFIG"} <= {name.upper() for name in Settings.model_fields}


def test_every_command_is_in_the_readme() -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    assert {name for name in commands if name not in README} == set()


@pytest.mark.parametrize(
    "file", ["README.md", "CONTRIBUTING.md", *(f"docs/{p.name}" for p in (ROOT / "docs").glob("*.md"))]
)
def test_links_between_the_documents_lead_somewhere(file: str) -> None:
    text = (ROOT / file).read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", text):
        assert (ROOT / file).parent.joinpath(target).exists(), target
