"""PolicyQA (Ahmad et al. 2020): short answers to questions about paragraphs of website privacy policies.

The published task is that of SQuAD 1.1: given the paragraph, mark the answer. Exact match and F1 are taken over words
after SQuAD's normalisation, the best of the annotated answers, averaged over the questions.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from eval.benchmarks.desk import Desk, Ranked
from eval.benchmarks.scoring import (
    About,
    Ask,
    Engine,
    InvalidData,
    OnProgress,
    Parts,
    Published,
    Row,
    means,
    named,
    refuse,
)
from eval.transfer import hits
from qa.domain import IndexedPolicy
from qa.text import Span

__all__ = ["PolicyQaBenchmark", "exact", "f1_of_words", "normalised"]

_DEPTHS = (1, 3, 5)
_BETWEEN = "\n\n"
_REPOSITORY = "https://github.com/wasiahmad/PolicyQA"

ABOUT = About(
    name="policyqa",
    title="PolicyQA",
    measures="exact match and F1 of words, and whether the first sentences hold the answer",
    data="the dev.json or test.json of PolicyQA (SQuAD 1.1 form)",
    origin=f"Ahmad, Chi, Tian, Chang 2020, Findings of EMNLP; {_REPOSITORY} (MIT); texts from OPP-115 (research use)",
    follows=(
        "exact_match and f1: the question is asked of its paragraph alone, every question gets an answer, and words are"
        " compared after SQuAD's normalisation with the best of the annotated answers"
    ),
    differs=(
        "the answer is the whole sentence that would be cited first, or offered where the reader finds none, because"
        " fineprint cites sentences and was not trained to cut phrases out of them; best_sentence_f1 is the most that"
        " whole sentences can reach. evidence_at_k is ours: the question is asked of all paragraphs of its policy in"
        " the file, where other paragraphs often answer it too, and only its own counts"
    ),
    figures={
        "exact_match": "the first sentence is an annotated answer",
        "f1": "overlap in words of the first sentence with the annotated answers",
        "best_sentence_f1": "the f1 of the best sentence of the paragraph: the most that a sentence can reach",
        "evidence_at_1": "whole policy: the first sentence holds the answer",
        "evidence_at_3": "whole policy: one of the first three does",
        "evidence_at_5": "whole policy: one of the first five does",
        "reachable": "whole policy: any sentence does",
        "answered": "whole policy: answered, and not called silent",
    },
    published=(
        Published(
            "BERT-base fine-tuned on PolicyQA, dev",
            {"exact_match": 0.310, "f1": 0.592},
            f"{_REPOSITORY} (README)",
            "trained on the train file to mark phrases",
        ),
        Published(
            "BERT-base fine-tuned on PolicyQA, test",
            {"exact_match": 0.276, "f1": 0.553},
            f"{_REPOSITORY} (README)",
            "on the test file",
        ),
    ),
)


# --- SQuAD's comparison of answers ------------------------------------------------------------------------------------


def normalised(text: str) -> str:
    """Lower case, without punctuation, articles and needless blanks (the evaluation script of SQuAD 1.1)."""
    bare = "".join(char for char in text.lower() if char not in string.punctuation)
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", bare).split())


def exact(answer: str, golds: Sequence[str]) -> float:
    """1 if the answer is one of the golds once both are normalised, else 0."""
    return float(any(normalised(answer) == normalised(gold) for gold in golds))


def f1_of_words(answer: str, golds: Sequence[str]) -> float:
    """F1 of the words of an answer and of a gold, the best over the golds; 0 where they share none."""
    return max((_f1(normalised(answer).split(), normalised(gold).split()) for gold in golds), default=0.0)


def _f1(words: Sequence[str], gold: Sequence[str]) -> float:
    common = sum((Counter(words) & Counter(gold)).values())
    return 2 * common / (len(words) + len(gold)) if common else 0.0


# --- the data ---------------------------------------------------------------------------------------------------------


class _Form(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)


class _Gold(_Form):
    text: str = Field(min_length=1)
    answer_start: int = Field(ge=0)


class _Question(_Form):
    id: str = Field(min_length=1)
    question: str = Field(min_length=1)
    answers: list[_Gold] = Field(min_length=1)


class _Paragraph(_Form):
    context: str = Field(min_length=1)
    qas: list[_Question]


class _Title(_Form):
    title: str = Field(min_length=1)
    paragraphs: list[_Paragraph] = Field(min_length=1)


class _File(_Form):
    data: list[_Title] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question about a paragraph.

    Attributes:
        paragraph: its number in the policy, from 0.
        golds: the annotated answers, in the paragraph.
        whole: the paragraphs of the policy.
    """

    id: str
    policy: str
    question: str
    paragraph: int
    golds: tuple[Span, ...]
    whole: tuple[str, ...]

    @property
    def context(self) -> str:
        """The paragraph."""
        return self.whole[self.paragraph]

    @property
    def start(self) -> int:
        """Where the paragraph begins in the text of all."""
        return sum(len(each) + len(_BETWEEN) for each in self.whole[: self.paragraph])


@dataclass(frozen=True, slots=True)
class PolicyQaBenchmark:
    """See the module."""

    about: About = ABOUT

    def read(self, data: Path | None) -> tuple[Asked, ...]:
        """See ``Benchmark.read``."""
        data = named(data, ABOUT)
        try:
            text = data.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as exc:
            raise InvalidData(f"Cannot read {data}: {exc}. Name {ABOUT.data}.") from exc
        try:
            file = _File.model_validate_json(text)
        except ValidationError as exc:
            told = [f"{'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']}" for e in exc.errors(include_url=False)]
            refuse(told, f"{data} is not {ABOUT.data}")
            raise AssertionError("told above") from exc
        asked: list[Asked] = []
        mistakes: list[str] = []
        seen: set[str] = set()
        for title in file.data:
            whole = tuple(paragraph.context for paragraph in title.paragraphs)
            for n, paragraph in enumerate(title.paragraphs):
                for each in paragraph.qas:
                    mistakes += _mistakes(each, paragraph.context, f"{title.title}, paragraph {n + 1}, {each.id}", seen)
                    golds = tuple(Span(a.answer_start, a.answer_start + len(a.text)) for a in each.answers)
                    asked.append(Asked(each.id, title.title, each.question, n, golds, whole))
        refuse(mistakes, f"{data} is not as published")
        if not asked:
            raise InvalidData(f"{data} holds no questions. Name {ABOUT.data}.")
        return tuple(asked)

    def files(self, data: Path | None) -> tuple[Path, ...]:
        """See ``Benchmark.files``."""
        return (named(data, ABOUT),)

    def prepare(self, items: Sequence[Asked], engine: Engine, on_progress: OnProgress) -> Ask:
        """See ``Benchmark.prepare``."""
        wholes = {item.policy: _BETWEEN.join(item.whole) for item in items}
        paragraphs = {_key(item): item.context for item in items}
        policies = Desk.of_policies(wholes, engine, on_progress)
        contexts = Desk.of_fragments(paragraphs, engine, on_progress)

        @lru_cache(maxsize=1024)
        def whole(question: str, policy: str) -> Ranked:
            return policies.ranked(question, policy)

        def ask(item: Asked) -> Row:
            ranked, near = whole(item.question, item.policy), contexts.ranked(item.question, _key(item))
            return row_of(item, ranked, policies.source(item.policy), near)

        return ask

    def wrong(self, item: Asked) -> Parts:
        """See ``Benchmark.wrong``."""
        del item
        return means(dict.fromkeys(ABOUT.figures, 0.0))


def row_of(item: Asked, ranked: Ranked, source: IndexedPolicy, near: Ranked) -> Row:
    """What two rankings come to.

    Args:
        item: the question.
        ranked: the sentences of the whole policy.
        source: that policy.
        near: the sentences of the paragraph alone; a paragraph without any is its own answer.
    """
    golds = [gold.of(item.context) for gold in item.golds]
    said = [span.of(item.context) for span in near.spans] or [item.context]
    gold = [Span(item.start + each.start, item.start + each.end) for each in item.golds]
    sentences = [sentence.span for _, sentence in source.sentences()]
    hitting = {sentences[i] for i in hits(source, gold)}
    first = next((rank for rank, span in enumerate(ranked.spans, start=1) if span in hitting), None)
    values: dict[str, float] = {
        "exact_match": exact(said[0], golds),
        "f1": f1_of_words(said[0], golds),
        "best_sentence_f1": max(f1_of_words(each, golds) for each in said),
        **{f"evidence_at_{depth}": float(first is not None and first <= depth) for depth in _DEPTHS},
        "reachable": float(bool(hitting)),
        "answered": float(ranked.answered),
    }
    shown: dict[str, Any] = {"question": item.question, "golds": golds, "answer": said[0], "first_evidence": first}
    return Row(item.id, item.policy, means(values), shown)


def _key(item: Asked) -> str:
    return f"{item.policy}#{item.paragraph}"


def _mistakes(question: _Question, context: str, where: str, seen: set[str]) -> list[str]:
    found = [
        f"{where}: the answer {answer.text[:40]!r} does not stand at {answer.answer_start}"
        for answer in question.answers
        if not context.startswith(answer.text, answer.answer_start)
    ]
    if question.id in seen:
        found.append(f"{where}: the id comes twice")
    seen.add(question.id)
    return found
