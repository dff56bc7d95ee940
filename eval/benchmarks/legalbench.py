"""LegalBench's task privacy_policy_qa (Guha et al. 2023): does a clause of a privacy policy answer a question?

Made of the test part of PrivacyQA. The label is Relevant or Irrelevant, and the figure balanced accuracy: the mean of
the shares of either that are found.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from eval.benchmarks.desk import Desk
from eval.benchmarks.scoring import About, Ask, Engine, InvalidData, OnProgress, Parts, Row, named, refuse
from qa.domain import Status

__all__ = ["LegalBenchBenchmark"]

_COLUMNS = ("index", "question", "text", "answer")
_LABELS = {"relevant": True, "irrelevant": False}

ABOUT = About(
    name="legalbench",
    title="LegalBench privacy_policy_qa",
    measures="balanced accuracy of calling a clause relevant to a question",
    data="test.tsv (or train.tsv) of LegalBench's task privacy_policy_qa (tab separated, with a header line)",
    origin=(
        "Guha et al. 2023, https://arxiv.org/abs/2308.11462; https://github.com/HazyResearch/legalbench, the task from"
        " PrivacyQA (MIT)"
    ),
    follows="every pair of question and clause gets one of the two labels; balanced accuracy over all of them",
    differs=(
        "no prompt and no examples: the clause is asked the question as if it were a whole policy, and is Relevant if"
        " that is answered. Where a policy counts as silent was fitted to whole policies, not to single clauses"
    ),
    figures={
        "balanced_accuracy": "mean of the next two",
        "relevant_found": "share of the relevant clauses called so",
        "irrelevant_found": "share of the irrelevant clauses called so",
    },
)


@dataclass(frozen=True, slots=True)
class Pair:
    """A question and a clause; all are taken for independent of each other, as the file does not say whose they are."""

    id: str
    question: str
    clause: str
    relevant: bool

    @property
    def policy(self) -> str:
        """The pair itself."""
        return self.id


@dataclass(frozen=True, slots=True)
class LegalBenchBenchmark:
    """See the module."""

    about: About = ABOUT

    def read(self, data: Path | None) -> tuple[Pair, ...]:
        """See ``Benchmark.read``."""
        data = named(data, ABOUT)
        try:
            text = data.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as exc:
            raise InvalidData(f"Cannot read {data}: {exc}. Name {ABOUT.data}.") from exc
        mistakes: list[str] = []
        pairs = tuple(_pairs(text, data, mistakes))
        refuse(mistakes, f"{data} has lines that are not as published")
        if not pairs:
            raise InvalidData(f"{data} holds no pairs. Name {ABOUT.data}.")
        return pairs

    def files(self, data: Path | None) -> tuple[Path, ...]:
        """See ``Benchmark.files``."""
        return (named(data, ABOUT),)

    def prepare(self, items: Sequence[Pair], engine: Engine, on_progress: OnProgress) -> Ask:
        """See ``Benchmark.prepare``."""
        desk = Desk.of_fragments({item.clause: item.clause for item in items}, engine, on_progress)

        def ask(item: Pair) -> Row:
            answer = desk.ask(item.question, item.clause)
            called = answer.status is Status.ANSWERED
            said = {"question": item.question, "clause": item.clause, "relevant": item.relevant, "called": called}
            return Row(item.id, item.policy, _parts(item, right=called == item.relevant), said)

        return ask

    def wrong(self, item: Pair) -> Parts:
        """See ``Benchmark.wrong``."""
        return _parts(item, right=False)


def _parts(item: Pair, *, right: bool) -> Parts:
    relevant = (float(right and item.relevant), float(item.relevant))
    irrelevant = (float(right and not item.relevant), float(not item.relevant))
    return {
        "balanced_accuracy": (relevant, irrelevant),
        "relevant_found": (relevant,),
        "irrelevant_found": (irrelevant,),
    }


def _pairs(text: str, data: Path, mistakes: list[str]) -> Iterator[Pair]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter="\t", strict=True)
    try:
        head = [name.strip() for name in next(reader, [])]
        if missing := [name for name in _COLUMNS if name not in head]:
            raise InvalidData(f"{data} is not {ABOUT.data}: the first line names no {', '.join(missing)}.")
        seen: set[str] = set()
        for fields in reader:
            row = dict(zip(head, fields, strict=False))
            label = _LABELS.get(row.get("answer", "").strip().lower())
            if not fields:
                continue
            if len(fields) != len(head):
                mistakes.append(f"line {reader.line_num}: {len(fields)} fields instead of {len(head)}")
            elif label is None:
                mistakes.append(f"line {reader.line_num}: {row['answer'][:30]!r} is neither Relevant nor Irrelevant")
            elif not row["question"].strip() or not row["text"].strip():
                mistakes.append(f"line {reader.line_num}: no question or no text")
            elif row["index"] in seen:
                mistakes.append(f"line {reader.line_num}: the index {row['index'][:30]} comes twice")
            else:
                seen.add(row["index"])
                yield Pair(row["index"], row["question"].strip(), row["text"].strip(), label)
    except csv.Error as exc:
        mistakes.append(f"line {reader.line_num}: {exc}")
