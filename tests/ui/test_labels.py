"""A label as HTML, as a drawing, as text, and over HTTP."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser

import pytest
from fastapi.testclient import TestClient

from qa.domain import Citation, Label, Status, Verdict, as_json
from qa.errors import IndexMissing
from qa.labelling import TOPICS
from tests.ui.fakes import PreparedAnswers
from ui.labels import Kind, glance_steps, kind_of, label_html, label_lines, label_svg
from ui.schemas import LabelDocument
from ui.words import WORDS

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "</text></svg><script>alert(1)</script>",
    "${alert(1)} {{7*7}} `x`",
    "\u202egnp.exe\u2066 \x00\x1b[2J\ufffe",
    '" onload="alert(1)',
    "]]>&amp;<!ENTITY x>",
    "[a](javascript:alert(1))",
)


@pytest.fixture
def label(answers: PreparedAnswers) -> Label:
    return answers.label("perriconemd.com")


def with_words(label: Label, words: str) -> Label:
    """The label, with these words wherever a policy's words stand."""
    first = label.rows[0]
    citation = replace(first.citations[0], quote=words, section=words, company=words)
    rows = (replace(first, citations=(citation,), text=words), *label.rows[1:])
    return replace(label, company=words, rows=rows, url=f"https://example.com/{words}")


def markup(html: str) -> tuple[set[str], set[str]]:
    """The elements of a page and the names of their attributes, as a browser reads them."""
    tags: set[str] = set()
    names: set[str] = set()

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            tags.add(tag)
            names.update(name for name, _ in attrs)

    Reader().feed(html)
    return tags, names


def texts(drawing: str) -> list[str]:
    return ["".join(each.itertext()) for each in ET.fromstring(drawing).iter(f"{SVG}text")]


# --- what a row says in a word ----------------------------------------------------------------------------------------


def test_every_title_has_its_words_and_the_english_ones_are_those_of_the_label() -> None:
    assert {topic.title for topic in TOPICS} == {WORDS[f"label.{topic.topic}"]["en"] for topic in TOPICS}
    assert all(WORDS[f"label.is_{kind.value}"]["en"] for kind in Kind)


def test_silence_is_never_a_no_and_what_is_not_sure_is_unclear(label: Label) -> None:
    row = label.rows[0]
    for verdict in (*Verdict, None):
        silent = replace(row, status=Status.NOT_STATED, verdict=verdict, citations=())
        assert kind_of(silent) is Kind.SILENT
        assert kind_of(replace(row, verdict=verdict, sure=False)) is Kind.UNCLEAR
    assert kind_of(replace(row, verdict=Verdict.NO)) is Kind.NO
    assert kind_of(replace(row, verdict=None)) is Kind.STATED


# --- HTML -------------------------------------------------------------------------------------------------------------


def test_a_row_has_a_title_a_word_a_quote_and_a_question_to_ask(label: Label) -> None:
    html = label_html(label)
    rows = re.findall(r'<li><details class="fp-label-row">.*?</details></li>', html)
    assert len(rows) == len(TOPICS)
    for row, shown in zip(label.rows, rows, strict=True):
        assert WORDS[f"label.{row.topic}"]["en"] in shown
        assert WORDS[f"label.is_{kind_of(row).value}"]["en"] in shown
        assert f'data-ask="{row.question.replace(chr(39), "&#x27;")}"' in shown
        assert ("<blockquote" in shown) == bool(row.citations)
    assert "We will only share your personal information with companies" in html
    assert '<time datetime="2011-03-06"' in html
    assert 'href="https://web.archive.org/' in html
    assert "not legal advice" in html


def test_a_policy_that_is_silent_is_said_to_be_and_an_unclear_row_to_be_unclear(label: Label) -> None:
    html = label_html(label)
    silent, unclear = label.rows[6], label.rows[2]
    assert (silent.topic, unclear.topic) == ("retention", "ads")
    for row, key in ((silent, "label.silent"), (unclear, "label.unsure")):
        shown = html[html.index(f'data-t="label.{row.topic}"') :].split("</li>")[0]
        assert WORDS[key]["en"] in shown


@pytest.mark.parametrize("words", HOSTILE)
def test_nothing_that_a_policy_says_becomes_markup(label: Label, words: str) -> None:
    html = label_html(with_words(label, words))
    tags, names = markup(html)
    assert tags <= markup(label_html(label))[0] | {"h3", "ul", "li", "p", "div", "span", "a", "cite"}
    assert not [name for name in names if name.startswith("on") or name in ("src", "style", "srcdoc")]
    assert not re.search(r"[${}`\x00-\x08\x1b\u202e\u2066]", html)
    drawing = label_svg(with_words(label, words))
    root = ET.fromstring(drawing)
    assert {each.tag.removeprefix(SVG) for each in root.iter()} == {
        "svg", "title", "desc", "style", "rect", "path", "g", "circle", "text",
    }  # fmt: skip
    assert not any(name.startswith("on") or "href" in name for each in root.iter() for name in each.attrib)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\u202a-\u202e\ufffe\uffff]", drawing)


def test_a_link_is_made_of_a_web_address_only(label: Label) -> None:
    for url in ("javascript:alert(1)", "data:text/html,x", None):
        assert "<a " not in label_html(replace(label, url=url))
        assert "javascript:" not in label_svg(replace(label, url=url))


def test_the_files_to_save_wait_in_the_label_as_they_are(label: Label) -> None:
    hostile = with_words(label, "</template><img src=x> ${x}")
    waiting = dict(re.findall(r'<template data-form="(\w+)">(.*?)</template>', label_html(hostile), re.DOTALL))
    assert json.loads(unescape(waiting["json"])) == as_json(hostile)
    assert unescape(waiting["svg"]) == label_svg(hostile)


def test_a_saved_label_is_named_after_the_website_or_without_one_after_the_company(label: Label) -> None:
    for domain, company, name in (
        ("perriconemd.com", "Perricone MD", "perriconemd.com"),
        ("own-a4f42a62", "Perricone MD", "Perricone_MD"),
        ("own-a4f42a62", "../../\u202eetc/pass\nwd", "etc_pass_wd"),
        ("own-a4f42a62", "株式会社", "policy"),
    ):
        html = label_html(replace(label, domain=domain, company=company))
        found = re.search(r'data-file="([^"]*)"', html)
        assert found is not None
        assert "own-" not in " ".join(texts(label_svg(replace(label, domain=domain))))
        assert found[1] == f"{name}__2011-03-06-label"


# --- from choosing a policy to its label ------------------------------------------------------------------------------


def test_choosing_a_policy_says_that_it_is_read_and_then_shows_its_label(answers: PreparedAnswers) -> None:
    waiting, shown = glance_steps(answers, "perriconemd.com@2011-03-06")
    assert 'role="status"' in waiting
    assert 'data-policy="perriconemd.com@2011-03-06"' in shown


def test_choosing_none_shows_none(answers: PreparedAnswers) -> None:
    assert list(glance_steps(answers, "")) == [""]


@pytest.mark.parametrize("problem", [IndexMissing("There is no index in /x: run it."), RuntimeError("a bug")])
def test_where_no_label_can_be_made_one_calm_line_is_shown(
    answers: PreparedAnswers, problem: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    answers.problem = problem
    *_, shown = glance_steps(answers, "perriconemd.com")
    assert WORDS["label.failed"]["en"] in shown
    assert "/x" not in shown
    logged = [record for record in caplog.records if record.exc_info]
    assert bool(logged) == isinstance(problem, RuntimeError)


# --- the drawing ------------------------------------------------------------------------------------------------------


def test_the_drawing_says_what_the_label_says_and_needs_nothing_else(label: Label) -> None:
    drawing = label_svg(label)
    said = texts(drawing)
    for row in label.rows:
        assert row.title in said
        assert WORDS[f"label.is_{kind_of(row).value}"]["en"] in said
    joined = " ".join(said)
    assert "policy as of 6 March 2011" in joined
    assert "“We will not sell or disclose" in joined
    assert "not legal advice" in joined
    assert not re.search(r"(?:href|src|url\(|@import|@font-face)", drawing)
    title = ET.fromstring(drawing).findtext(f"{SVG}title")
    assert title is not None
    assert title.startswith("Perricone MD")


def test_a_drawing_follows_the_reader_s_theme_unless_told_which(label: Label) -> None:
    assert "prefers-color-scheme:dark" in label_svg(label)
    assert "prefers-color-scheme" not in label_svg(label, "light") + label_svg(label, "dark")
    assert label_svg(label, "light") != label_svg(label, "dark")


@pytest.mark.parametrize("name", ["M" * 400, "The Company of " + "very long words " * 30, "株式会社" * 60])
def test_the_longest_name_stays_within_the_drawing(label: Label, name: str) -> None:
    long = label_svg(replace(label, company=name))
    lines = [each for each in ET.fromstring(long).iter(f"{SVG}text") if each.get("font-size") == "27"]
    assert len(lines) == 2
    # At 27 pixels a narrow character takes about 14, a wide one 27.
    for line in lines:
        words = "".join(line.itertext())
        assert sum(27 if char in "M株式会社" else 14 for char in words) <= 720 - 2 * 36 + 14
    assert "…" in "".join(lines[-1].itertext())


def test_a_quote_that_is_cut_ends_at_a_word_and_says_so(label: Label) -> None:
    words = "information " * 60
    quoted = [line for line in texts(label_svg(with_words(label, words.strip()))) if "information" in line]
    assert any(line.endswith("information…") for line in quoted)


# --- text and HTTP ----------------------------------------------------------------------------------------------------


def test_lines_name_each_topic_with_its_word_and_quote(label: Label) -> None:
    lines = list(label_lines(label, 80))
    assert lines[0] == "Perricone MD, policy as of 6 March 2011"
    assert any(re.fullmatch(r"Sells your data +It depends", line) for line in lines)
    assert any(re.fullmatch(r"How long it keeps your data +Does not say", line) for line in lines)
    assert max(map(len, lines[:-1])) <= 80


def test_the_label_is_had_over_http_as_json_and_as_a_drawing(client: TestClient, answers: PreparedAnswers) -> None:
    address = "/api/v1/policies/perriconemd.com/label"
    data = client.get(address).json()
    assert data == as_json(answers.label("perriconemd.com"))
    assert LabelDocument.model_validate(data).model_dump(mode="json") == data
    for response in (
        client.get(address, headers={"accept": "image/svg+xml"}),
        client.get(address, params={"format": "svg"}),
    ):
        assert response.headers["content-type"].startswith("image/svg+xml")
        assert response.text == label_svg(answers.label("perriconemd.com"))
    assert "prefers-color-scheme" not in client.get(address, params={"format": "svg", "theme": "light"}).text
    wanted_json = client.get(address, params={"format": "json"}, headers={"accept": "image/svg+xml"})
    assert wanted_json.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("path", "status"),
    [("nobody.com/label", 404), ("perriconemd.com/label?format=png", 422), ("perriconemd.com/label?theme=pink", 422)],
)
def test_what_cannot_be_had_over_http_is_a_problem(client: TestClient, path: str, status: int) -> None:
    response = client.get(f"/api/v1/policies/{path}")
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"


def test_the_schema_describes_labels(client: TestClient) -> None:
    operation = client.get("/openapi.json").json()["paths"]["/api/v1/policies/{policy_id}/label"]["get"]
    assert operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].endswith("/LabelDocument")
    assert "image/svg+xml" in operation["responses"]["200"]["content"]
    assert "application/problem+json" in operation["responses"]["404"]["content"]


def test_every_citation_of_a_fake_label_is_verbatim(answers: PreparedAnswers, label: Label) -> None:
    text = answers.policy("perriconemd.com").policy.text
    citations: list[Citation] = [citation for row in label.rows for citation in row.citations]
    assert citations
    assert all(text[each.start : each.end] == each.quote for each in citations)
