"""PrivacyQA (Ravichander et al. 2019): which sentences of an app's privacy policy answer a user's question.

Several lawyers have marked the sentences; a question that none of them found an answer to has none. Precision, recall
and F1 are of the set of sentences. Each annotator in turn is held out, the best F1 against one of the others is taken,
with its precision and recall, and these are averaged: so a system is compared with as many references as an annotator
is, who is compared with the others. Two empty sets agree (1), an empty one and another do not (0).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from eval.benchmarks.desk import Desk
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
from eval.metrics import covered
from qa.domain import Answer
from qa.text import Span

__all__ = ["Agreement", "PrivacyQaBenchmark", "agreement", "human_agreement", "system_agreement"]

_HALF = 0.5
_COLUMNS = ("DocID", "QueryID", "SentID", "Query", "Segment")
_ANNOTATOR = re.compile(r"Ann\d+|Label")
_RELEVANT, _IRRELEVANT, _NONE = "relevant", "irrelevant", ("none", "nan", "")
_PAPER = "Ravichander et al. 2019, EMNLP, https://aclanthology.org/D19-1500"
_UNOFFICIAL = "https://github.com/wasiahmad/PrivacyQA (README)"

ABOUT = About(
    name="privacyqa",
    title="PrivacyQA",
    measures="precision, recall and F1 of sentences against several annotators, and theirs",
    data="policy_test_data.csv of PrivacyQA (tab separated, with a header line)",
    origin=f"{_PAPER}; https://github.com/AbhilashaRavichander/PrivacyQA_EMNLP (MIT)",
    follows=(
        "sentences as the file has them, every annotator's set, each held out in turn and the best of the others taken;"
        " f1 is that of the mean precision and the mean recall, as the published human figure is computed; human_… is"
        " the same figure of the annotators in this very file"
    ),
    differs=(
        "nothing is trained on the train file. A policy is the file's sentences, a line each; what is cited is counted"
        " as the sentences of which it covers half, or that hold half of it. Silence, and a question that is not about"
        " privacy, mark no sentence. mean_f1 averages the F1 of the questions, as others report it"
    ),
    figures={
        "precision": "of the sentences marked",
        "recall": "of the sentences to be marked",
        "f1": "of this precision and recall",
        "mean_f1": "mean of the F1 of each question",
        "human_f1": "f1 of each annotator against the others, in this file",
        "human_precision": "likewise",
        "human_recall": "likewise",
        "answered": "share of the questions that are answered",
        "answerable": "share of them for which at least one annotator marked a sentence",
    },
    harmonics={"f1": ("precision", "recall"), "human_f1": ("human_precision", "human_recall")},
    published=(
        Published("people", {"precision": 0.6881, "recall": 0.6904, "f1": 0.6892}, f"{_UNOFFICIAL}, as in {_PAPER}"),
        Published(
            "BERT-base, by others than the authors",
            {"precision": 0.4848, "recall": 0.3812, "mean_f1": 0.3739},
            _UNOFFICIAL,
            "trained on the train file; best of all annotators, none held out",
        ),
        Published(
            "BERT-base adapted to policies, by others than the authors",
            {"precision": 0.5271, "recall": 0.4050, "mean_f1": 0.4086},
            _UNOFFICIAL,
            "likewise",
        ),
        Published(
            "retriever ensemble with augmented training data",
            {"f1": 0.50},
            "Parvez et al. 2022, https://arxiv.org/abs/2204.08952 (abstract)",
            "trained on the train file, augmented; how F1 is averaged is not said there",
        ),
    ),
)


# --- agreement of sets of sentences -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of a set with a reference, or the mean of several."""

    precision: float
    recall: float
    f1: float


_NO_AGREEMENT = Agreement(0.0, 0.0, 0.0)


def agreement(marked: frozenset[str], reference: frozenset[str]) -> Agreement:
    """Precision, recall and F1 of a set; two empty sets agree, an empty one agrees with no other."""
    common = len(marked & reference)
    if not marked or not reference:
        same = float(marked == reference)
        return Agreement(same, same, same)
    if not common:
        return _NO_AGREEMENT
    return Agreement(common / len(marked), common / len(reference), 2 * common / (len(marked) + len(reference)))


def system_agreement(marked: frozenset[str], references: Sequence[frozenset[str]]) -> Agreement:
    """A system's agreement: each reference held out in turn, the best of the others; the only one, if it is alone."""
    if len(references) == 1:
        return agreement(marked, references[0])
    return _mean(_best(marked, [other for m, other in enumerate(references) if m != n]) for n in range(len(references)))


def human_agreement(references: Sequence[frozenset[str]]) -> Agreement | None:
    """The annotators' own agreement: each against the best of the others; None of fewer than two."""
    if len(references) < 2:
        return None
    return _mean(
        _best(own, [other for m, other in enumerate(references) if m != n]) for n, own in enumerate(references)
    )


def _best(marked: frozenset[str], references: Sequence[frozenset[str]]) -> Agreement:
    return max((agreement(marked, reference) for reference in references), key=lambda each: each.f1)


def _mean(each: Iterable[Agreement]) -> Agreement:
    all_ = list(each)
    n = len(all_)
    return Agreement(sum(a.precision for a in all_) / n, sum(a.recall for a in all_) / n, sum(a.f1 for a in all_) / n)


# --- the data ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Asked:
    """A question about a policy.

    Attributes:
        sentences: of the policy, by id, in order.
        references: the ids that each annotator marked.
    """

    id: str
    policy: str
    question: str
    sentences: Mapping[str, str]
    references: tuple[frozenset[str], ...]


@dataclass(slots=True)
class _Gathered:
    """A question whose lines are still being read: by annotator, the ids marked."""

    text: str
    marked: dict[str, set[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PrivacyQaBenchmark:
    """See the module."""

    about: About = ABOUT

    def read(self, data: Path | None) -> tuple[Asked, ...]:
        """See ``Benchmark.read``."""
        data = named(data, ABOUT)
        try:
            lines = data.read_text(encoding="utf-8-sig").split("\n")
        except (OSError, UnicodeDecodeError) as exc:
            raise InvalidData(f"Cannot read {data}: {exc}. Name {ABOUT.data}.") from exc
        return _items(lines, data)

    def files(self, data: Path | None) -> tuple[Path, ...]:
        """See ``Benchmark.files``."""
        return (named(data, ABOUT),)

    def prepare(self, items: Sequence[Asked], engine: Engine, on_progress: OnProgress) -> Ask:
        """See ``Benchmark.prepare``."""
        documents = {item.policy: item.sentences for item in items}
        desk = Desk.of_policies({name: _text(each) for name, each in documents.items()}, engine, on_progress)

        def ask(item: Asked) -> Row:
            answer = desk.ask(item.question, item.policy)
            marked = marked_by(answer, item.sentences)
            said = {
                "question": item.question,
                "status": answer.status.value,
                "marked": sorted(marked),
                "references": [sorted(each) for each in item.references],
            }
            return Row(item.id, item.policy, _parts(item, marked, answered=bool(answer.citations)), said)

        return ask

    def wrong(self, item: Asked) -> Parts:
        """See ``Benchmark.wrong``."""
        worst = means(dict.fromkeys(("precision", "recall", "mean_f1"), 0.0))
        return {**_parts(item, frozenset(), answered=False), **worst}


def marked_by(answer: Answer, sentences: Mapping[str, str]) -> frozenset[str]:
    """The sentences that an answer's citations mark: those half covered, and those that hold half of a citation."""
    cited = [Span(citation.start, citation.end) for citation in answer.citations]
    marked, at = set(), 0
    for key, sentence in sentences.items():
        span = Span(at, at + len(sentence))
        at = span.end + 1
        if covered(span, cited) >= _HALF or any(covered(each, [span]) >= _HALF for each in cited):
            marked.add(key)
    return frozenset(marked)


def _parts(item: Asked, marked: frozenset[str], *, answered: bool) -> Parts:
    found, human = system_agreement(marked, item.references), human_agreement(item.references)
    return {
        **means({"precision": found.precision, "recall": found.recall, "mean_f1": found.f1}),
        "human_precision": ((human.precision, 1.0) if human else (0.0, 0.0),),
        "human_recall": ((human.recall, 1.0) if human else (0.0, 0.0),),
        **means({"answered": float(answered), "answerable": float(any(item.references))}),
    }


def _text(sentences: Mapping[str, str]) -> str:
    return "\n".join(sentences.values())


def _items(lines: Sequence[str], data: Path) -> tuple[Asked, ...]:
    head = [name.strip() for name in lines[0].rstrip("\r").split("\t")]
    annotators = [name for name in head if _ANNOTATOR.fullmatch(name)]
    missing = [name for name in _COLUMNS if name not in head]
    if missing or not annotators:
        lacks = ", ".join(missing) or "annotations (Ann1, Ann2 … or Label)"
        raise InvalidData(f"{data} is not {ABOUT.data}: the first line names no {lacks}.")
    sentences: dict[str, dict[int, str]] = {}
    questions: dict[tuple[str, str], _Gathered] = {}
    mistakes: list[str] = []
    for number, line in enumerate(lines[1:], start=2):
        if not line.strip():
            continue
        fields = [_bare(each) for each in line.rstrip("\r").split("\t")]
        if len(fields) != len(head):
            mistakes.append(f"line {number}: {len(fields)} fields instead of {len(head)}")
            continue
        row = dict(zip(head, fields, strict=True))
        labels = {name: row[name].strip().lower() for name in annotators}
        position = re.search(r"\d+$", row["SentID"])
        if odd := [each for each in labels.values() if each not in {_RELEVANT, _IRRELEVANT, *_NONE}]:
            mistakes.append(f"line {number}: {odd[0][:30]!r} is neither Relevant nor Irrelevant nor None")
        elif position is None:
            mistakes.append(f"line {number}: SentID {row['SentID'][:30]!r} does not end in a number")
        elif not row["Query"].strip():
            mistakes.append(f"line {number}: no question")
        else:
            name = _name(row["DocID"])
            key = position.group()
            sentences.setdefault(name, {})[int(key)] = " ".join(row["Segment"].split())
            question = questions.setdefault((name, row["QueryID"]), _Gathered(row["Query"].strip()))
            for annotator, label in labels.items():
                if label not in _NONE:
                    marked = question.marked.setdefault(annotator, set())
                    marked |= {str(int(key))} if label == _RELEVANT else set()
    refuse(mistakes, f"{data} has lines that are not as published")
    in_order = {name: {str(n): text for n, text in sorted(own.items())} for name, own in sentences.items()}
    asked = tuple(
        Asked(f"{name}/{query}", name, each.text, in_order[name], tuple(frozenset(m) for m in each.marked.values()))
        for (name, query), each in questions.items()
        if each.marked
    )
    if not asked:
        raise InvalidData(f"{data} holds no annotated questions. Name {ABOUT.data}.")
    return asked


def _name(document: str) -> str:
    """The app's name: the document's id without the number behind it."""
    return document.rpartition("_")[0].strip() or document.strip() or "app"


def _bare(text: str) -> str:
    """A field without the quotes that a spreadsheet put around it."""
    if len(text) > 1 and text[0] == text[-1] == '"':
        return text[1:-1].replace('""', '"')
    return text
