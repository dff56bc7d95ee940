from __future__ import annotations

from pathlib import Path

from qa.encoders import HashingEncoder
from qa.settings import Settings, load_settings
from tests.chatting import Reply, serving
from ui.upkeep import Check, examine


def settings_of(tmp_path: Path, **given: str) -> Settings:
    return load_settings({"index": tmp_path / "none", "cache": tmp_path, **given}, environ={})


def chat_model(settings: Settings) -> list[Check]:
    return [check for check in examine(settings, encoder=HashingEncoder()) if check.name == "chat model"]


def test_without_a_chat_model_none_is_looked_at(tmp_path: Path) -> None:
    assert chat_model(settings_of(tmp_path)) == []


def test_a_chat_model_is_well_if_it_answers(tmp_path: Path) -> None:
    with serving(Reply('{"ready": true}')) as server:
        (check,) = chat_model(settings_of(tmp_path, llm="ollama:tiny", llm_url=server.url))
    assert check.fine
    assert check.detail.startswith("ollama:tiny answers, ")


def test_what_is_wrong_with_a_chat_model_is_said_in_a_line(tmp_path: Path) -> None:
    with serving(Reply(status=404)) as server:
        (unknown,) = chat_model(settings_of(tmp_path, llm="ollama:tiny", llm_url=server.url))
    (uninstalled,) = chat_model(settings_of(tmp_path, llm="nowhere:tiny"))
    assert (unknown.fine, uninstalled.fine) == (False, False)
    assert "check its name" in unknown.detail
    assert "pip install langchain-nowhere" in uninstalled.detail
