from __future__ import annotations

import datetime as dt
import html
import re
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.routing import Mount

from qa.domain import Answer, Choice, Entry, Question, Status, Verdict
from tests.ui.fakes import PreparedAnswers
from ui.chat import answer_html, earlier_questions, page_head, reask
from ui.panels import proof_panel


def message(answers: PreparedAnswers, text: str) -> str:
    answer = answers.ask(Question(text))
    return answer_html(answer, "k", proof_panel(answer, answers.policy, "k"))


def test_an_answer_shows_verdict_source_text_and_numbers_and_carries_its_proof(answers: PreparedAnswers) -> None:
    shown, _, proof = message(answers, "does Perricone MD share my data?").partition("<template")
    assert '<p class="fp-verdict fp-is-conditional">It depends</p>' in shown
    assert "Perricone MD, policy as of" in shown
    assert 'data-proof="k-1"' in shown
    assert 'data-proof="k-2"' in shown
    assert 'id="k-1"' in proof
    assert 'id="k-2"' in proof


def test_a_comparison_is_a_table_with_a_row_and_a_verdict_for_each_policy(answers: PreparedAnswers) -> None:
    shown = message(answers, "which of these sites sell my email?").partition("<template")[0]
    assert shown.count('<th scope="row">') == 2
    assert "fp-is-no" in shown
    assert "fp-is-conditional" in shown
    # The answer's lines about single policies are not said twice.
    assert "Free People: no" not in shown


def test_a_silent_policy_links_to_the_nearest_passages(answers: PreparedAnswers) -> None:
    shown = message(answers, "how long do they keep it?").partition("<template")[0]
    assert "Not stated" in shown
    assert "Nearest passages:" in shown
    assert 'data-proof="k-1"' in shown


def test_an_answer_from_hostile_words_holds_no_foreign_markup() -> None:
    evil = '<img src=x onerror=alert(1)> ${1} {{x}} "'
    entry = Entry("p", evil, "d", dt.date(2020, 1, 1), Status.ANSWERED, Verdict.YES, evil, (), 1.0)
    answer = Answer(evil, Status.ANSWERED, evil, entries=(entry,), warnings=(evil,))
    markup = answer_html(answer, "k", "")
    assert "<img" not in markup
    assert "${" not in markup
    assert "{{" not in markup
    assert evil in html.unescape(re.sub(r"<[^<>]*>", "", markup))


@pytest.mark.parametrize(
    ("question", "named", "again"),
    [
        ("does Amazon share my data?", "amazon", "does Free People share my data?"),
        ("do they share it?", None, "Free People: do they share it?"),
        ("do they share it?", "Amazon", "Free People: do they share it?"),
    ],
)
def test_a_choice_asks_the_question_again_about_the_chosen_company(
    question: str, named: str | None, again: str
) -> None:
    assert reask(question, Choice("Free People", "freepeople.com"), named) == again


def test_earlier_questions_are_the_users_texts_in_either_of_gradios_forms() -> None:
    history = [
        {"role": "user", "content": "does Free People sell my email?"},
        {"role": "assistant", "content": {"component": "html"}},
        {"role": "user", "content": [{"type": "text", "text": "do they rent it?"}]},
        {"role": "user", "content": [{"type": "file", "file": {"path": "x"}}]},
        {"role": "assistant", "content": [{"type": "text", "text": "No."}]},
    ]
    assert earlier_questions(history) == ("does Free People sell my email?", "do they rent it?")


def test_the_pages_head_fetches_nothing() -> None:
    assert not re.search(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}|@import|url\(", page_head())


def chatbot_of(page: Any) -> Any:
    return next(block for block in page.blocks.values() if type(block).__name__ == "Chatbot")


@pytest.fixture
def chatbot(app: FastAPI) -> Any:
    """The running page's conversation component."""
    mounted = next(route.app for route in app.routes if isinstance(route, Mount))
    return chatbot_of(mounted.get_blocks())


def test_what_people_type_is_shown_escaped_and_read_back_as_typed(chatbot: Any) -> None:
    typed = "<img src=x onerror=alert(1)> & &lt; **bold**"
    shown = chatbot.postprocess([{"role": "user", "content": typed}])
    assert "<" not in shown.root[0].content[0].text
    assert chatbot.preprocess(shown)[0]["content"][0]["text"] == typed


@pytest.mark.parametrize("name", ["image", "file", "gallery", "chatbot", "HTML", "dataframe"])
def test_a_browser_cannot_have_other_components_made(chatbot: Any, name: str) -> None:
    part = {
        "type": "component",
        "component": name,
        "value": "http://127.0.0.1:1/x",
        "constructor_args": {},
        "props": {},
    }
    sent = chatbot.data_model(root=[{"role": "assistant", "content": [part]}])
    assert chatbot.preprocess(sent)[0]["content"] == [{"type": "text", "text": ""}]


def test_an_answer_survives_its_way_through_the_browser(chatbot: Any) -> None:
    import gradio as gr

    shown = chatbot.postprocess(
        [{"role": "assistant", "content": gr.HTML("<p>1</p>"), "options": [{"label": "a", "value": "b"}]}]
    )
    again = chatbot.postprocess(chatbot.preprocess(shown))
    assert again.root[0].content[0].value == shown.root[0].content[0].value == "<p>1</p>"
