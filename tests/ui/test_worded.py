"""What every face says of an answer that a chat model has put into words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from qa.domain import EXTRACTIVE, Answer, Generation, Question, as_json
from tests.conftest import SAMPLES
from tests.hostile import HOSTILE
from tests.ui.fakes import WordedAnswers
from ui.chat import answer_html
from ui.completions import reply_with
from ui.export import Conversation, Turn, written
from ui.schemas import AnswerDocument
from ui.telling import answer_told
from ui.terminal import answer_lines, growing_lines
from ui.worded import provider_of, worded_html, worded_lines

WORDED = "Worded by ollama:llama3.2; every sentence checked against the policy."


@pytest.fixture(scope="module")
def answers() -> WordedAnswers:
    return WordedAnswers.from_samples(SAMPLES)


@pytest.fixture
def answer(answers: WordedAnswers) -> Answer:
    return answers.ask(Question("does Perricone MD share my data?"))


def counted(answer: Answer, repaired: int, dropped: int) -> Answer:
    return replace(answer, generation=Generation("ollama:llama3.2", 9, repaired, dropped))


def test_who_worded_it_is_told_on_every_face(answer: Answer) -> None:
    document = AnswerDocument.model_validate(as_json(answer))
    conversation = Conversation(turns=[Turn(question=answer.question, answer=document)])
    for told in (
        " ".join(answer_lines(answer, 100)),
        answer_told(answer),
        reply_with(answer, lambda citation: "https://x.example").content,
        written(conversation, "markdown").body.replace("\\", ""),
        written(conversation, "page").body,
    ):
        assert WORDED in told
    assert WORDED.replace("ollama:llama3.2", "{name}").split("{name}")[1] in answer_html(answer, "k", "")
    assert document.generation
    assert '"generation"' in written(conversation, "json").body


def test_an_answer_in_the_policys_own_words_says_nothing_of_a_model(answer: Answer) -> None:
    plain = replace(answer, engine=EXTRACTIVE, generation=None)
    fallen_back = replace(answer, engine=EXTRACTIVE)  # its warning says why
    for each in (plain, fallen_back):
        assert worded_html(each) == ""
        assert list(worded_lines(each)) == []
        assert "Worded by" not in "".join(answer_lines(each, 100)) + answer_told(each)
    assert "generation" not in AnswerDocument.model_validate(as_json(plain)).model_dump(mode="json")


@pytest.mark.parametrize(
    ("repaired", "dropped", "told"),
    [
        (0, 0, []),
        (1, 0, ["One sentence is given in the policy’s own words instead of the model’s."]),
        (0, 1, ["One sentence of the model was left out because the policy does not prove it."]),
        (
            3,
            2,
            [
                "3 sentences are given in the policy’s own words instead of the model’s.",
                "2 sentences of the model were left out because the policy does not prove them.",
            ],
        ),
    ],
)
def test_what_became_of_its_other_sentences_is_counted(
    answer: Answer, repaired: int, dropped: int, told: list[str]
) -> None:
    assert list(worded_lines(counted(answer, repaired, dropped))) == [WORDED, *told]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_models_name_stays_a_name(answer: Answer, name: str) -> None:
    shown = worded_html(replace(answer, engine=name))
    assert shown.count("<") == worded_html(answer).count("<")
    assert "${" not in shown
    assert "\x1b" not in "".join(worded_lines(replace(answer, engine=name)))


@pytest.mark.parametrize(
    ("model", "provider"),
    [("ollama:llama3.2", "Ollama"), ("azure_openai:mine", "Azure OpenAI"), ("mistralai:small", "mistralai")],
)
def test_readers_are_told_who_runs_it(model: str, provider: str) -> None:
    assert provider_of(model) == provider


def test_a_terminal_shows_what_is_proven_and_what_is_being_done() -> None:
    assert list(growing_lines("", "routing", 40)) == ["Finding the policy …"]
    lines = list(growing_lines("Does it sell it?\nNo. It \x1b[31mdoes not [1].", "writing", 40))
    assert lines == ["Does it sell it?", "No. It \ufffd[31mdoes not [1].", "", "Writing and checking …"]
