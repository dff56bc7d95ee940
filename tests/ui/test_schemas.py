from __future__ import annotations

import dataclasses
from dataclasses import fields
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from qa.domain import (
    Answer,
    Choice,
    Citation,
    Entry,
    Generation,
    Label,
    LabelRow,
    PolicyCard,
    Question,
    Timings,
    as_json,
)
from tests.ui.fakes import PreparedAnswers
from ui.completions import CompletionRequest
from ui.export import Conversation
from ui.feedback import FeedbackRequest
from ui.schemas import (
    AnswerDocument,
    AskRequest,
    CardDocument,
    ChoiceDocument,
    CitationDocument,
    EntryDocument,
    GenerationDocument,
    LabelDocument,
    LabelRowDocument,
    SuggestionsRequest,
    TimingsDocument,
    in_json_words,
)
from ui.tools import AskArguments, CompareArguments


@pytest.mark.parametrize(
    ("document", "value"),
    [
        (AnswerDocument, Answer),
        (GenerationDocument, Generation),
        (CitationDocument, Citation),
        (EntryDocument, Entry),
        (ChoiceDocument, Choice),
        (TimingsDocument, Timings),
        (CardDocument, PolicyCard),
        (LabelDocument, Label),
        (LabelRowDocument, LabelRow),
    ],
)
def test_a_document_has_the_fields_of_its_domain_value_in_order(document: type[BaseModel], value: type) -> None:
    assert dataclasses.is_dataclass(value)
    assert list(document.model_fields) == [field.name for field in fields(value)]


@pytest.mark.parametrize(
    "text",
    [
        "does Perricone MD share my data?",
        "which of these sites sell my email?",
        "how long is it kept?",
        "does Amazon share my data?",
    ],
)
def test_every_answer_passes_through_its_document_unchanged(answers: PreparedAnswers, text: str) -> None:
    data = as_json(answers.ask(Question(text)))
    assert AnswerDocument.model_validate(data).model_dump(mode="json") == data


def test_what_a_model_did_is_in_the_document_where_one_was_asked_and_nowhere_else(answers: PreparedAnswers) -> None:
    answer = answers.ask(Question("does Perricone MD share my data?"))
    made = dataclasses.replace(answer, engine="ollama:x", generation=Generation("ollama:x", 3, 1, 1, None, 9, 9, 1))
    data = as_json(made)
    assert data["generation"]["dropped"] == 1
    assert AnswerDocument.model_validate(data).model_dump(mode="json") == data
    assert "generation" not in AnswerDocument.model_validate(as_json(answer)).model_dump(mode="json")
    assert "generation" not in AnswerDocument.model_json_schema()["required"]


@pytest.mark.parametrize(
    ("model", "sent", "said"),
    [
        (AskRequest, {"question": "x", "history": "secret"}, "Input should be a valid list"),
        (AskRequest, {"question": "x", "history": ["x"] * 101}, "List should have at most 100 items, not 101"),
        (AskRequest, {"question": "\ud800"}, "the text has half a character (a lone surrogate) in it"),
        (
            FeedbackRequest,
            {"rating": "up", "consent": True, "comment": "x" * 1_001},
            "String should have at most 1000 characters, not 1001",
        ),
    ],
)
def test_what_is_wrong_with_a_request_is_said_in_the_words_of_json(
    model: type[BaseModel], sent: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(sent)
    assert [in_json_words(fault["msg"]) for fault in caught.value.errors()] == [said]


def test_unknown_fields_of_a_request_are_refused() -> None:
    with pytest.raises(ValidationError, match="socpe"):
        AskRequest.model_validate({"question": "does it sell?", "socpe": "x"})


_MANY = [{}] * 5_000
_USER = {"role": "user", "content": "x"}


@pytest.mark.parametrize(
    ("model", "body"),
    [
        (AskRequest, {"question": "x", "history": _MANY}),
        (SuggestionsRequest, {"scope": "x", "citations": _MANY}),
        (FeedbackRequest, {"rating": "up", "citations": _MANY}),
        (CompletionRequest, {"model": "fineprint", "messages": _MANY}),
        (CompletionRequest, {"model": "fineprint", "messages": [_USER] * 5_000}),
        (CompletionRequest, {"model": "fineprint", "messages": [{**_USER, "content": _MANY}]}),
        (CompletionRequest, {"model": "fineprint", "messages": [_USER], "modalities": _MANY}),
        (Conversation, {"turns": _MANY}),
        (
            Conversation,
            {"turns": [{"question": "x", "answer": {"citations": _MANY, "entries": _MANY, "parts": _MANY}}]},
        ),
        (AskArguments, {"question": "x", "history": _MANY}),
        (CompareArguments, {"question": "x", "scopes": _MANY}),
    ],
)
def test_of_many_faults_in_a_list_one_is_enough(model: type[BaseModel], body: dict[str, Any]) -> None:
    """A body of 4 MB has room for two million, and whoever waits behind it would wait for all of them."""
    with pytest.raises(ValidationError) as caught:
        model.model_validate(body)
    assert caught.value.error_count() < 60
