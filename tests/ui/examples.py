"""The examples in the API's description: ``python -m tests.ui.examples`` writes ``ui/examples.json`` anew."""

from __future__ import annotations

import datetime as dt
import json
import re
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from fastapi import FastAPI
from starlette.testclient import TestClient

import ui
from ingest.pipeline import ingest_paths, sample_paths
from qa.changing import changes_between
from qa.domain import IndexedPolicy, Policy, Sentence, as_json
from qa.service import PolicyQA
from qa.settings import Settings
from qa.text import sentence_spans
from tests.ui.fakes import index_text
from ui.api import add_api
from ui.live import Answers, Warmth
from ui.turnstile import Turnstile

FILE: Final = Path(ui.__file__).parent / "examples.json"
JSON: Final = "application/json"
EVENTS: Final = "text/event-stream"
ASKED: Final[Mapping[str, tuple[str, dict[str, Any]]]] = {
    "yes_or_no": ("A yes/no question", {"question": "does Free People sell my email address?"}),
    "follow_up": (
        "A follow-up",
        {"question": "do they rent it?", "history": ["does Free People sell my email address?"]},
    ),
    "scoped": (
        "Within a scope, as of a year",
        {"question": "does it keep my card number online?", "scope": "exofficio.com", "as_of": "2014"},
    ),
    "silence": ("The policy does not say", {"question": "how long does Free People keep my data?"}),
    "not_indexed": ("A company that is not indexed", {"question": "does Amazon sell my data?"}),
    "which": ("No company is named", {"question": "does it sell my data?"}),
}
COMPARED: Final = {"question": "do you sell my email address?", "scope": ["freepeople.com", "perriconemd.com"]}
SUGGESTED: Final[Mapping[str, tuple[str, dict[str, Any]]]] = {
    "next": (
        "After a question",
        {
            "scope": "freepeople.com",
            "asked": ["does Free People sell my email address?"],
            "citations": [[924, 993]],
        },
    ),
    "first": ("To begin with", {"scope": "freepeople.com"}),
}
JUDGED: Final[Mapping[str, tuple[str, dict[str, Any]]]] = {
    "down": (
        "A quote that proves nothing",
        {
            "rating": "down",
            "reason": "wrong_quote",
            "policy_id": "freepeople.com@2006-12-05",
            "status": "answered",
            "verdict": "no",
            "citations": [{"policy_id": "freepeople.com@2006-12-05", "start": 924, "end": 993, "wrong": True}],
        },
    ),
    "up": (
        "A good answer",
        {"rating": "up", "policy_id": "freepeople.com@2006-12-05", "status": "answered", "verdict": "no"},
    ),
}
GOT: Final[Mapping[str, tuple[str, str, dict[str, Any]]]] = {
    "/api/v1/policies": ("Found by a name", "/api/v1/policies", {"q": "perricone"}),
    "/api/v1/policies/{policy_id}": ("Free People, 2006", "/api/v1/policies/freepeople.com", {}),
    "/api/v1/policies/{policy_id}/label": ("Free People, 2006", "/api/v1/policies/freepeople.com/label", {}),
    "/api/v1/policies/{policy_id}/context": (
        "A cited sentence",
        "/api/v1/policies/freepeople.com/context",
        {"start": 924, "end": 993},
    ),
    "/api/v1/sites": ("Found as it is typed", "/api/v1/sites", {"q": "peopl"}),
    "/api/v1/catalogue": ("Four samples", "/api/v1/catalogue", {}),
}


def examples_of(answers: Answers) -> dict[str, Any]:
    """An example of every request and response, from a service over the bundled samples."""
    app = FastAPI()
    add_api(app, answers, Warmth(answers), Turnstile(4, 64))
    client = TestClient(app)

    def posted(path: str, bodies: Mapping[str, tuple[str, dict[str, Any]]]) -> dict[str, Any]:
        told = {name: (summary, client.post(path, json=body).json()) for name, (summary, body) in bodies.items()}
        return {"request": {JSON: _named(bodies)}, "responses": {"200": {JSON: _named(told)}}}

    one = {"yes_or_no": ASKED["yes_or_no"]}
    stream = client.post("/api/v1/ask/stream", json=ASKED["yes_or_no"][1]).text
    compared = client.get("/api/v1/compare", params=COMPARED).json()
    came = client.get("/api/v1/compare", params=COMPARED, headers={"accept": EVENTS}).text
    changed = as_json(changes_between(*_two_versions()))
    return {
        "POST /api/v1/ask": posted("/api/v1/ask", ASKED),
        "POST /api/v1/ask/stream": {
            "request": {JSON: _named(one)},
            "responses": {"200": {EVENTS: _named({"yes_or_no": ("A yes/no question", stream)})}},
        },
        "GET /api/v1/compare": _given(
            {JSON: _named({"two": ("Two policies", compared)}), EVENTS: _named({"two": ("As it comes", came)})}
        ),
        "POST /api/v1/suggestions": posted("/api/v1/suggestions", SUGGESTED),
        **{
            f"GET {path}": _given({JSON: _named({"example": (summary, client.get(asked, params=params).json())})})
            for path, (summary, asked, params) in GOT.items()
        },
        "GET /api/v1/policies/{policy_id}/changes": _given(
            {JSON: _named({"example": ("Two versions of a made-up policy", changed)})}
        ),
        "GET /readyz": _given({JSON: _named({"example": ("Ready", {"status": "ready", "policies": 4})})}),
        "POST /api/v1/feedback": {
            "request": {JSON: _named(JUDGED)},
            "responses": {"201": {JSON: _named({"kept": ("Kept", {"id": "q3Vh1X0c9bTzK2mA"})})}},
        },
    }


def _named(values: Mapping[str, tuple[str, Any]]) -> dict[str, Any]:
    return {name: {"summary": summary, "value": value} for name, (summary, value) in values.items()}


def _given(content: dict[str, Any]) -> dict[str, Any]:
    return {"responses": {"200": content}}


def _two_versions() -> tuple[IndexedPolicy, IndexedPolicy]:
    then = "# Cookies\n\nWe use cookies to remember your cart.\n\n# Contact\n\nWrite to privacy@example.com."
    now = then.replace("your cart", "your cart and to show you advertisements")
    return _version("2012-10-04", then), _version("2019-02-08", now)


def _version(day: str, text: str) -> IndexedPolicy:
    url = f"https://archive.example/{day}"
    source = index_text(Policy("example.com", dt.date.fromisoformat(day), "Example", text, url=url))
    passages = tuple(
        replace(
            passage,
            sentences=tuple(
                Sentence(span.start, span.end)
                for span in sentence_spans(text, passage.start, passage.end)
                if text[span.start] != "#"
            ),
        )
        for passage in source.passages
    )
    count = sum(len(passage.sentences) for passage in passages)
    return replace(source, passages=passages, sentence_vectors=np.zeros((count, 4), dtype=np.float32))


def comparable(examples: Mapping[str, Any]) -> str:
    """Without what differs from one machine to the next: times, and the last digits of confidences."""
    written = json.dumps(examples, sort_keys=True)
    written = re.sub(r'(timings_ms\\*": ?)\{[^}]*\}', r"\1{}", written)
    return re.sub(r'(confidence\\*": ?)[0-9.]+', r"\1", written)


def main() -> None:
    """Writes the file."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(index=Path(folder) / "index")
        ingest_paths(sample_paths(), settings)
        with PolicyQA.open(settings) as qa:
            examples_of(qa)  # the first answers wait for the models to load; their times would be no example
            FILE.write_text(json.dumps(examples_of(qa), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
