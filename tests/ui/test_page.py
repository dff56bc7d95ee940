from __future__ import annotations

import gzip
import json
import re
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.routing import Mount
from starlette.testclient import TestClient

from ui.document import first_head
from ui.page import header_html, page_head
from ui.words import LANGUAGES, WORDS


@pytest.fixture
def config(app: FastAPI) -> dict[str, Any]:
    """What Gradio is told of the page."""
    mounted = next(route.app for route in app.routes if isinstance(route, Mount))
    config: dict[str, Any] = mounted.get_blocks().config
    return config


def test_there_are_four_views_each_with_an_address(config: dict[str, Any]) -> None:
    tabs = [part["props"] for part in config["components"] if part["type"] == "tabitem"]
    assert [tab["id"] for tab in tabs] == ["ask", "compare", "lookback", "about"]


def test_the_document_decides_light_or_dark_and_the_language_before_gradio_runs(client: TestClient) -> None:
    page = client.get("/").text
    core = page.index('<script id="fp-core">')
    assert page.index("window.gradio_config") < core < page.index("</head>")
    assert page.count(first_head().decode()) == 1


def test_the_document_is_compressed_for_a_browser_that_can_and_else_not(client: TestClient) -> None:
    packed = client.get("/", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < len(packed.content) / 2
    plain = client.get("/", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert int(plain.headers["content-length"]) == len(plain.content)
    assert "Accept-Encoding" in plain.headers["vary"]


@pytest.mark.parametrize(
    "query", ["?page=nothing", "?deep_link=../../x", "?policy=%00&q=%3Cscript%3E", "?view=settings"]
)
def test_whatever_an_address_says_the_document_is_the_same(client: TestClient, query: str) -> None:
    assert client.get(f"/{query}").content == client.get("/").content


def test_what_is_not_the_document_passes_untouched(client: TestClient) -> None:
    assert "fp-core" not in client.get("/config").text
    assert client.get("/api/v1/policies").headers["content-type"] == "application/json"
    assert client.post("/").status_code == 405


def test_the_documents_words_cannot_end_its_script(client: TestClient) -> None:
    page = client.get("/").text
    told = re.search(r"window\.gradio_config = (\{.*?\});</script>", page)
    assert told
    words = json.loads(told[1])["i18n_translations"]
    assert set(words) == set(LANGUAGES)
    assert words["de"]["shell.ask"] == WORDS["shell.ask"]["de"]


def test_the_header_offers_every_language_in_its_own_name() -> None:
    header = header_html()
    for code, name in (("en", "English"), ("de", "Deutsch"), ("fr", "Français"), ("es", "Español")):
        assert f'<option value="{code}" lang="{code}">{name}</option>' in header
    assert header.count("<option value=") == len(LANGUAGES) + 3


def test_the_header_lists_the_shortcuts_and_lets_them_be_turned_off() -> None:
    header = header_html()
    assert '<dialog id="fp-keys-dialog" class="fp-dialog" aria-labelledby="fp-keys-title">' in header
    for key in ("/", "p", "?", "1", "4", "Ctrl", "Esc"):
        assert f"<kbd>{key}</kbd>" in header
    assert 'type="checkbox" id="fp-keys-on"' in header


def test_nothing_of_the_page_is_fetched_from_elsewhere() -> None:
    for part in (first_head().decode(), page_head(), header_html()):
        assert not re.search(r"""["'(=](?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}|@import|url\(""", part)


def test_a_body_that_was_sent_to_the_page_stays_small(client: TestClient) -> None:
    """The whole document, compressed, with all styles, scripts and words."""
    size = len(gzip.compress(client.get("/").content, 5))
    assert size < 120_000
