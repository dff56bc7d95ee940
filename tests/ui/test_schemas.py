from __future__ import annotations

import dataclasses
from dataclasses import fields

import pytest
from pydantic import BaseModel, ValidationError

from qa.domain import Answer, Choice, Citation, Entry, Label, LabelRow, PolicyCard, Question, Timings, as_json
from tests.ui.fakes import PreparedAnswers
from ui.schemas import (
    AnswerDocument,
    AskRequest,
    CardDocument,
    ChoiceDocument,
    CitationDocument,
    EntryDocument,
    LabelDocument,
    LabelRowDocument,
    TimingsDocument,
)


@pytest.mark.parametrize(
    ("document", "value"),
    [
        (AnswerDocument, Answer),
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


def test_unknown_fields_of_a_request_are_refused() -> None:
    with pytest.raises(ValidationError, match="socpe"):
        AskRequest.model_validate({"question": "does it sell?", "socpe": "x"})
