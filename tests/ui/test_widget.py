"""What is served for other people's pages; in a browser it is tried by tests/e2e/test_widget.py."""

from __future__ import annotations

import gzip
import json
import re
import threading
import urllib.error
import urllib.request
from html.parser import HTMLParser
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from qa.settings import Settings
from tests.hostile import HOSTILE
from tests.ui.fakes import PreparedAnswers
from ui.app import create_app
from ui.widget import DEMO_FILES, HERE, SCRIPT, embed_page, widget_script
from ui.widget.__main__ import demo_server, strict_policy
from ui.widget.words import widget_words
from ui.words import LANGUAGES

SOURCE = (HERE / "v1.js").read_text(encoding="utf-8")
STYLE = (HERE / "v1.css").read_text(encoding="utf-8")
TYPES = (HERE / "v1.d.ts").read_text(encoding="utf-8")


class Page(HTMLParser):
    """The elements of a page, as a browser without scripts reads them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


# --- the script ---


def test_the_script_is_small_and_whole() -> None:
    served = widget_script()
    assert len(served.packed) < 12 * 1024
    assert gzip.decompress(served.packed) == served.body


def test_the_script_has_no_way_to_make_markup_run_code_or_store_anything_unasked() -> None:
    for way in ("innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval(", "Function(", "DOMParser"):
        assert way not in SOURCE
    for store in ("localStorage", "indexedDB", "document.cookie", "caches.", "sendBeacon"):
        assert store not in SOURCE
    around = [SOURCE[: found.start()].rsplit("remember", 1)[0] for found in re.finditer("sessionStorage", SOURCE)]
    assert around  # only where the page asked for it: the browser tests look into the storage


def test_the_script_names_no_host_but_that_of_drawings() -> None:
    assert set(re.findall(r"https?://[^\s\"'`)]+", widget_script().body.decode())) == {"http://www.w3.org/2000/svg"}


def test_packing_takes_nothing_out_of_strings() -> None:
    packed = widget_script().body.decode()
    strings = set(
        re.findall(r'"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`', re.sub(r"/\*.*?\*/", "", SOURCE, flags=re.DOTALL))
    )
    assert len(strings) > 150
    assert [each for each in strings if each not in packed] == []
    assert "/*" not in packed
    assert len(packed) < len(SOURCE) + len(STYLE) + len(json.dumps(widget_words()["en"])) - 4_000


def test_every_word_of_the_script_is_there_and_needed() -> None:
    words = widget_words()
    assert set(words) == set(LANGUAGES)
    keys = set(words["en"])
    assert all(set(each) == keys and all(each.values()) for each in words.values())
    used = set(re.findall(r'"([a-z_]+)"', SOURCE))
    begun = tuple(each for each in used if each.endswith("_"))
    assert [key for key in keys if key not in used and not key.startswith(begun)] == []
    asked = set(re.findall(r'\bt\("([a-z_]+)"', SOURCE))
    assert asked - keys == set()
    assert [key for key in keys for n in ("{n}",) if len({n in each[key] for each in words.values()}) > 1] == []


def test_the_types_name_what_the_script_gives() -> None:
    told = set(re.findall(r'tell\("(\w+)"', SOURCE))
    assert set(re.findall(r"^  (\w+): (?:Record|Fineprint\w+)[^;]*;", TYPES, re.MULTILINE)) == told
    assert set(re.findall(r'"fineprint:(\w+)": CustomEvent', TYPES)) == told
    given = SOURCE.split("window.Fineprint = Object.freeze({")[1].split("\n  });")[0]
    names = set(re.findall(r"^    (\w+)[:,]", given, re.MULTILINE))
    declared = TYPES.split("interface FineprintWidget {")[1].split("\n}")[0]
    assert set(re.findall(r"^  (?:readonly )?(\w+)[(:<]", declared, re.MULTILINE)) == names


# --- as it is served ---


def test_the_script_is_served_for_any_page_and_kept_for_a_while(client: TestClient) -> None:
    response = client.get(SCRIPT)
    assert response.headers["content-type"] == "text/javascript; charset=utf-8"
    assert response.headers["cache-control"].startswith("public, max-age=")
    assert response.headers["cross-origin-resource-policy"] == "cross-origin"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["content-encoding"] == "gzip"
    assert response.content == widget_script().body
    plain = client.get(SCRIPT, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.content == response.content
    again = client.get(SCRIPT, headers={"If-None-Match": response.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get(SCRIPT, headers={"If-None-Match": '"other"'}).status_code == 200


def test_words_of_another_language_and_types_are_served(client: TestClient) -> None:
    assert client.get("/widget/v1/de.json").json() == widget_words()["de"]
    assert client.get("/widget/v1/xx.json").status_code in (404, 422)
    assert client.get("/widget/v1.d.ts").text == TYPES


def test_the_embedded_page_runs_nothing_but_the_widget(client: TestClient) -> None:
    response = client.get("/embed", params={"scope": "perriconemd.com", "lang": "de", "theme": "dark"})
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "require-trusted-types-for 'script'" in policy
    assert "unsafe" not in policy
    scripts = Page(response.text).all("script")
    assert scripts == [
        {"async": None, "src": SCRIPT, "data-form": "page", "data-scope": "perriconemd.com", "data-lang": "de",
         "data-theme": "dark"}
    ]  # fmt: skip


def test_the_embedded_page_may_be_framed_by_those_who_may_ask_about_its_site(
    answers: PreparedAnswers, tmp_path: Path
) -> None:
    origins = "https://shop.example=perriconemd.com, https://all.example"
    settings = Settings.model_validate({"index": tmp_path, "cache": tmp_path, "allowed_origins": origins})
    app = create_app(answers, settings)
    client = TestClient(app)

    def framers(scope: str) -> set[str]:
        response = client.get("/embed", params={"scope": scope})
        assert "x-frame-options" not in response.headers
        return set(response.headers["content-security-policy"].split("frame-ancestors ")[1].split(";")[0].split())

    assert framers("perriconemd.com@2011-03-06") == {"'self'", "https://shop.example", "https://all.example"}
    assert framers("freepeople.com") == {"'self'", "https://all.example"}
    assert framers("") == {"'self'", "https://all.example"}
    assert "frame-ancestors 'none'" in client.get("/").headers["content-security-policy"]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_an_address_says_stays_an_attribute(text: str) -> None:
    options = dict.fromkeys(("scope", "title", "accent", "lang", "theme", "greeting"), text)
    page = Page(embed_page(options))
    assert [tag for tag, _ in page.elements] == ["html", "meta", "meta", "meta", "title", "script", "noscript"]
    (script,) = page.all("script")
    assert set(script) == {"async", "src", "data-form", *(f"data-{name}" for name in options)}
    assert page.all("html") == [{"lang": "en"}]


# --- the demo ---


def test_the_demo_is_whole_and_fetches_nothing_from_elsewhere(client: TestClient) -> None:
    assert client.get("/widget/demo", follow_redirects=False).headers["location"] == "/widget/demo/"
    pages = [name for name in DEMO_FILES if name.endswith(".html")]
    assert len(pages) > 3
    for name in ("", *pages):
        response = client.get(f"/widget/demo/{name}")
        assert "unsafe" not in response.headers["content-security-policy"]
        page = Page(response.text)
        assert "Demonstration" in page.words
        assert "archive" in page.words.casefold()
        named = [each.get("src") or each.get("href") or "" for _, each in page.elements if {"src", "href"} & set(each)]
        assert named
        for address in named:
            assert client.get(f"/widget/demo/{address}" if address != SCRIPT else SCRIPT).status_code == 200, address
        assert not any("style" in each or any(key.startswith("on") for key in each) for _, each in page.elements)


@pytest.mark.parametrize("name", ["../v1.js", "..%2fv1.js", "%2e%2e/__init__.py", "/etc/passwd", "index.html%00", "x"])
def test_nothing_but_the_demo_is_served_as_the_demo(client: TestClient, name: str) -> None:
    response = client.get(f"/widget/demo/{name}")
    assert response.status_code == 404 or response.content == widget_script().body


def test_the_demo_can_stand_on_an_origin_of_its_own() -> None:
    server = demo_server(0, lambda: "http://127.0.0.1:9")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/") as response:
            page = Page(response.read().decode())
            assert response.headers["Content-Security-Policy"] == strict_policy("http://127.0.0.1:9")
        assert page.all("script")[0]["src"] == f"http://127.0.0.1:9{SCRIPT}"
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/../v1.js")
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
