from __future__ import annotations

import html
import json
import re

import pytest
from starlette.testclient import TestClient

from qa.domain import Answer, Question, as_json
from tests.ui.fakes import PreparedAnswers
from ui.export import Conversation, Turn, written
from ui.schemas import AnswerDocument

EVIL = '</style><script>alert(1)</script> <img src=x onerror=alert(1)> [a](javascript:alert(1)) `b` **c** "&lt;"'


def document(answer: Answer) -> AnswerDocument:
    return AnswerDocument.model_validate(as_json(answer))


def conversation(answers: PreparedAnswers, *questions: str) -> Conversation:
    return Conversation(turns=[Turn(question=q, answer=document(answers.ask(Question(q)))) for q in questions])


SHARE, LONG, SITES = "does Perricone MD share my data?", "how long is it kept?", "which of these sites sell my email?"


def test_markdown_has_every_question_verdict_quote_date_and_link(answers: PreparedAnswers) -> None:
    told = conversation(answers, SHARE)
    file = written(told, "markdown")
    assert file.media_type.startswith("text/markdown")
    text = file.body.replace("\\", "")
    assert f"## {SHARE}" in text
    assert "**It depends (sure)**" in text
    answer = told.turns[0].answer
    assert answer
    for citation in answer.citations:
        assert "> " + citation.quote in text
        assert f"[{citation.n}] Perricone MD (perriconemd.com)" in text
        assert citation.url
        assert citation.url.replace("\\", "") in text
    assert "as of 6 March 2011" in text


def test_json_is_the_answers_as_the_api_gives_them(answers: PreparedAnswers) -> None:
    told = conversation(answers, SHARE, SITES)
    data = json.loads(written(told, "json").body)
    for turn, question in zip(data["turns"], (SHARE, SITES), strict=True):
        assert AnswerDocument.model_validate(turn["answer"]) == document(answers.ask(Question(question)))


def test_a_page_proves_each_number_and_needs_nothing_from_anywhere(answers: PreparedAnswers) -> None:
    page = written(conversation(answers, SHARE, LONG, SITES), "page").body
    assert "default-src 'none'" in page
    assert not re.search(r"<(?:script|img|link|iframe)|url\(|@import", page)
    assert '<a href="#c1-2">[2]</a>' in page
    assert 'id="c1-2"' in page
    assert "Nearest passages (they do not answer the question)" in page
    assert page.count('<th scope="row">') == 2
    assert page.count("@media print") == 1


def test_each_of_several_questions_keeps_its_own_verdict_and_numbers(answers: PreparedAnswers) -> None:
    told = conversation(answers, "does Perricone MD share my data, and is my blood kept?")
    markdown = written(told, "markdown").body.replace("\\", "")
    assert "### Does Perricone MD share my data?\n\n**It depends (sure)**\n\nOnly in some cases [1]." in markdown
    assert "### Is my blood kept?\n\n**Not stated (not sure: read the passages)**" in markdown
    assert "**Answer" not in markdown
    page = written(told, "page").body
    assert '<h3 class="asked">Does Perricone MD share my data?</h3><p class="verdict">It depends (sure)</p>' in page
    assert '<a href="#c1-1">[1]</a>' in page
    assert '<h3 class="asked">Is my blood kept?</h3><p class="verdict">Not stated' in page


def test_a_question_that_was_not_answered_says_why() -> None:
    told = Conversation(turns=[Turn(question="Wie lange?", problem="Ask in English.")])
    assert "Ask in English." in written(told, "markdown").body.replace("\\", "")
    assert "<p>Ask in English.</p>" in written(told, "page").body


def test_hostile_words_stay_words_in_every_form(answers: PreparedAnswers) -> None:
    answer = document(answers.ask(Question(SHARE)))
    bad = answer.citations[0].model_copy(update={"quote": EVIL, "section": EVIL, "company": EVIL})
    bad = bad.model_copy(update={"url": "javascript:alert(1)"})
    answer = answer.model_copy(update={"text": f"{EVIL} [1].", "warnings": [EVIL], "citations": [bad]})
    told = Conversation(turns=[Turn(question=EVIL, answer=answer), Turn(question=EVIL, problem=EVIL)])
    page = written(told, "page").body
    assert not re.search(r"<(?:script|img)", page)
    assert 'href="javascript' not in page
    assert EVIL in html.unescape(re.sub(r"<[^<>]*>", "", page))
    markdown = written(told, "markdown").body
    assert not re.search(r"(?<!\\)<(?:script|img)", markdown)
    assert not re.search(r"(?<!\\)\]\(", markdown)
    assert "<javascript" not in markdown


@pytest.mark.parametrize(
    ("form", "media"), [("markdown", "text/markdown"), ("json", "application/json"), ("page", "text/html")]
)
def test_the_page_gets_its_file_from_the_answers_that_it_holds(
    client: TestClient, answers: PreparedAnswers, form: str, media: str
) -> None:
    body = {"turns": [{"question": SHARE, "answer": as_json(answers.ask(Question(SHARE)))}]}
    response = client.post(f"/view/export/{form}", json=body)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith(media)
    assert response.headers["cache-control"] == "no-store"
    assert "We will only share" in response.text


def test_what_is_no_conversation_is_refused_and_not_repeated(client: TestClient) -> None:
    for body in ({}, {"turns": []}, {"turns": [{"question": "secret", "answer": {"text": "secret"}}]}):
        response = client.post("/view/export/page", json=body)
        assert response.status_code == 422
        assert response.headers["content-type"] == "application/problem+json"
        assert "secret" not in response.text
    assert client.post("/view/export/exe", json={"turns": []}).status_code == 422
