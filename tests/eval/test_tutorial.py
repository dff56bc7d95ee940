from __future__ import annotations

import pytest
from langchain_core.embeddings import Embeddings

from eval.tutorial import main, nearest_sentence, searched_in
from qa.domain import Question

TEXT = "We like you. We sell shoes to you. We never sell your email address. Your email is yours."


class CountingWords(Embeddings):
    """A dimension a word: how often it occurs."""

    WORDS = ("sell", "email", "address")

    def embed_query(self, text: str) -> list[float]:
        return [float(text.lower().count(word)) for word in self.WORDS]

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [self.embed_query(text) for text in texts]


@pytest.mark.parametrize(
    ("question", "quote"),
    [
        ("Do you sell my email address?", "We never sell your email address."),  # 3 against 1, 0 and 1
        ("sell", "We sell shoes to you."),  # a tie: the first
        ("shoes", "We like you."),  # all 0: the first
    ],
)
def test_the_first_of_the_nearest_sentences_is_quoted(question: str, quote: str) -> None:
    assert nearest_sentence(question, TEXT, CountingWords()).of(TEXT) == quote


def test_a_chunk_without_sentences_is_quoted_whole() -> None:
    assert nearest_sentence("anything", "***", CountingWords()).of("***") == "***"


def test_a_search_within_the_scope_sees_the_chunks_of_that_file_alone() -> None:
    assert searched_in(Question("sell?", scope="shop.example__2020-01-02")) == {"source": "shop.example__2020-01-02"}
    assert searched_in(Question("sell?")) is None


def test_a_command_is_needed() -> None:
    with pytest.raises(SystemExit) as caught:
        main([])
    assert caught.value.code == 2
