"""The programs in docs/langchain.md, run one after the other, with the real models over the bundled policies."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from qa.settings import default_cache
from tests.chatting import Reply, Request, Served, serving

PAGE = (Path(__file__).parents[1] / "docs" / "langchain.md").read_text(encoding="utf-8")
PROGRAMS = re.findall(r"(?ms)^## (.+?)$|^```python\n(.*?)^```$", PAGE)


def agent_or_writer(request: Request) -> Reply:
    """An agent asks the tool before it answers; any other chain is answered at once."""
    if "tools" in request.body and not any(message["role"] == "tool" for message in request.body["messages"]):
        return Reply(json.dumps({"question": "does Perricone MD sell my data?"}), by_tool=True)
    return Reply("It does not.")


@pytest.fixture
def model() -> Iterator[Served]:
    with serving(agent_or_writer) as server:
        yield server


def test_every_program_of_the_page_does_what_the_page_says(
    model: Served, sampled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    index = shutil.copytree(sampled, tmp_path / "index")
    for name, value in {
        "FINEPRINT_INDEX": str(index), "FINEPRINT_CACHE": str(default_cache()),
        "OPENAI_API_KEY": "none", "OPENAI_BASE_URL": model.openai_url,
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)

    names: dict[str, Any] = {"__name__": "langchain_page"}
    printed: dict[str, str] = {}
    under = ""
    for heading, program in PROGRAMS:
        under = heading or under
        if program:
            exec(compile(program, f"docs/langchain.md: {under}", "exec"), names)
            printed[under] = printed.get(under, "") + capsys.readouterr().out
    names["qa"].close()
    names["retriever"].close()

    share = "We will only share your personal information with companies that perform services for us"
    assert printed["A retriever"].startswith("Perricone MD 0.")
    assert "We do not sell, rent or license" in printed["A retriever"]
    assert printed["A retriever"].endswith("It does not.\n")
    assert "We do not sell, rent or license" in model.requests[0].user
    assert share in printed["A chain"]
    assert printed["Messages with citations"].count(share) == 3  # the text, its citation, and the text streamed
    assert "Perricone MD, privacy policy of 2011-03-06" in printed["Messages with citations"]
    assert printed["A tool for agents"] == "It does not.\n"
    told = next(message for message in model.requests[-1].body["messages"] if message["role"] == "tool")
    assert "Sources, word for word:" in told["content"]
    assert "'verdict': 'no'" in printed["Callbacks and tracing"]
    assert printed["Callbacks and tracing"].endswith(
        "fineprint …\nrouting …\ncomparing …\nreading …\nwriting …\nciting …\n"
    )
