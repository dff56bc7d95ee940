"""Measures how well whole policies are ranked for questions that nothing here was tuned on: those of PolicyQA.

::

    python -m eval.transfer --questions FILE --policies DIR [--index DIR] [--limit N] [--out FILE]

PolicyQA (Ahmad et al. 2020) asks about one paragraph at a time; here the whole policy is ranked, and a sentence hits if
at least half of it lies in the annotated spans, or if it holds at least half of one of them. Figures are per row of
the file: many rows share a policy and a question but were asked of different paragraphs, so one ranking is scored
against several golds, and no system can put them all first. "Reachable" is the share of rows with any sentence that
hits, the most that a ranking can get.

All rankings get the question as the service routes it, asked within its policy, and the sentences as the index holds
them. An encoder alone ranks by the cosine of the sentence. Only the service's own ranking puts questions that stand in
a policy last. The reader counts by what it would show first, then by the order in which it got the sentences.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from eval.cases import InvalidCases
from eval.metrics import covered, mean
from eval.reporting import save_json, shown
from qa.domain import Candidate, Candidates, IndexedPolicy, Question, Route, Vectors
from qa.errors import FineprintError, UnknownScope
from qa.reading import Reader
from qa.retrieval import Retriever
from qa.text import Span

if TYPE_CHECKING:
    from qa.encoders import TextEncoder
    from qa.service import PolicyQA

_DEPTHS = (1, 3, 5)
_HALF = 0.5
_SHOWN_MISTAKES = 3
_RRF = 60
"""Cormack, Clarke and Büttcher, "Reciprocal rank fusion", 2009."""

PUBLISHED = "all-MiniLM-L6-v2 alone"
TUNED = "index's encoder alone"
BM25 = "BM25 alone"
RRF_PUBLISHED = "reciprocal ranks: all-MiniLM-L6-v2 and BM25"
RRF_TUNED = "reciprocal ranks: index's encoder and BM25"
WEIGHTED = "the service's ranking"
READ = "the service's reader"
REACHABLE = "reachable"

Order = tuple[int, ...]
"""Indices of a policy's sentences, best first."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One row of the file.

    Attributes:
        file: the policy's file name.
        spans: the annotated answers, in code points of the file.
    """

    id: str
    question: str
    file: str
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one row: for each system the rank of the first hit, from 1, or None where nothing hits."""

    id: str
    file: str
    question: str
    first: Mapping[str, int | None]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table: the share of rows with a hit among the first 1, 3 and 5; None of no rows."""

    name: str
    n: int
    at: tuple[float | None, ...]


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)

    md_start: int = Field(ge=0)
    md_end: int

    @model_validator(mode="after")
    def _holds_something(self) -> _Answer:
        if self.md_end <= self.md_start:
            raise ValueError("md_end must be behind md_start")
        return self


class _Line(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)

    id: str
    question: str = Field(min_length=1)
    file: str = Field(pattern=r"^[\w.@-]+$")
    answers: list[_Answer] = Field(min_length=1)


def read_questions(path: Path) -> tuple[Asked, ...]:
    """Reads questions with their spans, one JSON object a line, blank lines ignored.

    Raises:
        InvalidCases: the file cannot be read, is empty, or has lines that are no such questions.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as exc:
        raise InvalidCases(f"Cannot read the questions in {path}: {exc}.") from exc
    asked: list[Asked] = []
    mistakes: list[str] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            read = _Line.model_validate_json(line)
        except ValidationError as exc:
            first = exc.errors(include_url=False)[0]
            mistakes.append(f"line {number}: {'.'.join(map(str, first['loc']))} {first['msg']}")
            continue
        spans = tuple(Span(answer.md_start, answer.md_end) for answer in read.answers)
        asked.append(Asked(read.id, read.question, read.file, spans))
    if mistakes:
        more = f"; and {len(mistakes) - _SHOWN_MISTAKES} more" if len(mistakes) > _SHOWN_MISTAKES else ""
        raise InvalidCases(f"{path} has lines that are not questions: {'; '.join(mistakes[:_SHOWN_MISTAKES])}{more}.")
    if not asked:
        raise InvalidCases(f"{path} holds no questions.")
    return tuple(asked)


def moved(spans: Sequence[Span], raw: str, text: str) -> tuple[Span, ...]:
    """Spans of a file as spans of the policy's canonical text, which is the file without its header.

    Args:
        spans: in the file.
        raw: the file.
        text: the canonical text.

    Raises:
        InvalidCases: the text is not in the file as it stands, or a span is not in the text.
    """
    by = raw.find(text)
    if by < 0:
        raise InvalidCases("the text in the index is not that of the file; ingest the file anew.")
    if any(span.start < by or span.end > by + len(text) for span in spans):
        raise InvalidCases("an annotated span lies outside of the policy's text.")
    return tuple(Span(span.start - by, span.end - by) for span in spans)


def hits(source: IndexedPolicy, gold: Sequence[Span]) -> frozenset[int]:
    """The sentences that at least half lie in the gold spans, or hold at least half of one."""
    return frozenset(
        i
        for i, (_, sentence) in enumerate(source.sentences())
        if covered(sentence.span, gold) >= _HALF or any(covered(span, [sentence.span]) >= _HALF for span in gold)
    )


def first_hit(order: Order, gold: frozenset[int]) -> int | None:
    """The rank of the first hit, from 1."""
    return next((rank for rank, i in enumerate(order, start=1) if i in gold), None)


def by_feature(candidates: Candidates, name: str) -> Order:
    """The sentences by one feature alone, higher first, in the policy's order where equal."""
    ordered = sorted(candidates.ranked, key=lambda candidate: (-candidate.features[name], candidate.index))
    return tuple(candidate.index for candidate in ordered)


def fused(*orders: Order) -> Order:
    """Reciprocal rank fusion: the sum of 1 / (60 + rank) over the orders, higher first."""
    scores: dict[int, float] = {}
    for order in orders:
        for rank, i in enumerate(order, start=1):
            scores[i] = scores.get(i, 0.0) + 1 / (_RRF + rank)
    return tuple(sorted(scores, key=lambda i: (-scores[i], i)))


def read_order(reader: Reader, candidates: Candidates) -> Order:
    """The sentences as the reader would show them: its evidence or, if it finds none, the related ones; then the rest.

    The rest is in the order in which the reader got them.
    """
    reading = reader.read(candidates.route.query, candidates)
    shown_first: Sequence[Candidate] = reading.evidence or reading.related
    return tuple(dict.fromkeys(candidate.index for candidate in (*shown_first, *candidates.ranked)))


@dataclass(frozen=True, slots=True)
class Ranking:
    """All systems over one index.

    Attributes:
        route: as the service routes a question.
        tuned: over the index's vectors.
        published: over those of the published encoder.
        reader: what the service reads with.
    """

    route: Callable[[Question], Route]
    tuned: Retriever
    published: Retriever
    reader: Reader

    def orders(self, question: str, source: IndexedPolicy, published: IndexedPolicy) -> dict[str, Order]:
        """How each system ranks the sentences of a policy for a question.

        Args:
            question: as asked.
            source: the policy with the index's vectors.
            published: the same with those of the published encoder.
        """
        route = self.route(Question(question, scope=source.policy.id))
        candidates = self.tuned.rank(route, source)
        dense = by_feature(self.published.rank(route, published), "cosine")
        tuned, bm25 = by_feature(candidates, "cosine"), by_feature(candidates, "bm25")
        return {
            PUBLISHED: dense,
            TUNED: tuned,
            BM25: bm25,
            RRF_PUBLISHED: fused(dense, bm25),
            RRF_TUNED: fused(tuned, bm25),
            WEIGHTED: tuple(candidate.index for candidate in candidates.ranked),
            READ: read_order(self.reader, candidates),
        }


class Remembering:
    """An encoder that encodes a question once, however many policies it is asked of."""

    def __init__(self, encoder: TextEncoder) -> None:
        self._encoder = encoder
        self.encode_question = lru_cache(maxsize=None)(encoder.encode_question)
        self.encode_texts = encoder.encode_texts
        self.warm_up = encoder.warm_up

    @property
    def name(self) -> str:
        """See ``TextEncoder``."""
        return self._encoder.name

    @property
    def fingerprint(self) -> str:
        """See ``TextEncoder``."""
        return self._encoder.fingerprint

    @property
    def dimension(self) -> int:
        """See ``TextEncoder``."""
        return self._encoder.dimension


def encoded_by(encoder: TextEncoder, source: IndexedPolicy) -> IndexedPolicy:
    """A policy with the sentence vectors of another encoder; passages get none, as they are not looked at."""
    from ingest.chunking import sentence_text

    texts = [sentence_text(source.policy, passage, sentence) for passage, sentence in source.sentences()]
    nothing: Vectors = np.zeros((len(source.passages), encoder.dimension), dtype=np.float32)
    return replace(source, passage_vectors=nothing, sentence_vectors=encoder.encode_texts(texts))


def measure(
    asked: Sequence[Asked],
    policies: Path,
    service: PolicyQA,
    *,
    tuned: TextEncoder,
    published: TextEncoder,
    reader: Reader,
) -> list[Row]:
    """Ranks for every question, policy by policy; rows of policies that are not indexed are left out, with a word.

    Args:
        asked: the rows.
        policies: the folder of their files.
        service: over the index.
        tuned: the encoder that the index was made with.
        published: the one to compare with.
        reader: what the service reads with.

    Raises:
        InvalidCases: a policy's file cannot be read or is not what the index holds, or no policy is indexed.
    """
    from qa.routing import Router

    remembering = Remembering(published)
    ranking = Ranking(Router(service.cards()).route, Retriever(Remembering(tuned)), Retriever(remembering), reader)
    files = sorted({row.file for row in asked})
    rows: list[Row] = []
    for n, file in enumerate(files, start=1):
        mine = [row for row in asked if row.file == file]
        try:
            source = service.policy(Path(file).stem)
        except UnknownScope:
            sys.stderr.write(f"left out: {len(mine)} questions about {file}, which is not in the index\n")
            continue
        raw = _read(policies / file)
        other = encoded_by(remembering, source)
        orders: dict[str, dict[str, Order]] = {}
        for row in mine:
            if row.question not in orders:
                orders[row.question] = ranking.orders(row.question, source, other)
            try:
                gold = hits(source, moved(row.spans, raw, source.policy.text))
            except InvalidCases as exc:
                raise InvalidCases(f"{row.id} about {file}: {exc}") from exc
            first = {name: first_hit(order, gold) for name, order in orders[row.question].items()}
            rows.append(Row(row.id, file, row.question, first | {REACHABLE: 1 if gold else None}))
        sys.stderr.write(f"{n} of {len(files)} policies: {file}, {len(mine)} questions\n")
    if not rows:
        raise InvalidCases("None of the policies asked about is in the index: ingest them, or leave --index out.")
    return rows


def summarise(rows: Sequence[Row]) -> list[Line]:
    """The table, a line a system."""
    names = rows[0].first if rows else ()
    return [Line(name, len(rows), tuple(_share(rows, name, depth) for depth in _DEPTHS)) for name in names]


def as_markdown(lines: Sequence[Line]) -> str:
    """The lines as a Markdown table."""
    heads = " | ".join(f"first {depth}" for depth in _DEPTHS)
    head = f"| ranking | questions | {heads} |\n| --- | ---: |{' ---: |' * len(_DEPTHS)}\n"
    return head + "".join(f"| {line.name} | {line.n} | {' | '.join(map(shown, line.at))} |\n" for line in lines)


def _share(rows: Sequence[Row], name: str, depth: int) -> float | None:
    ranks = [row.first[name] for row in rows]
    return mean(rank is not None and rank <= depth for rank in ranks)


def _read(path: Path) -> str:
    try:
        # Not read_text(): line ends are part of the offsets.
        return path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise InvalidCases(f"Cannot read the policy {path}: {exc}.") from exc


def _measure(
    options: argparse.Namespace, tuned: TextEncoder | None, published: TextEncoder | None, reader: Reader | None
) -> None:
    from ingest.pipeline import ingest_paths
    from qa.encoders import BundledEncoder, open_encoder
    from qa.service import PolicyQA
    from qa.settings import load_settings

    asked = read_questions(options.questions)
    if options.limit:
        # Evenly through the file, which is ordered by policy.
        asked = tuple(asked[i * len(asked) // options.limit] for i in range(min(options.limit, len(asked))))
    settings = load_settings({"index": options.index})
    tuned = tuned or open_encoder(settings)
    published = published or BundledEncoder(settings.cache, threads=settings.threads, tuned=False)
    with tempfile.TemporaryDirectory(prefix="fineprint-transfer-", ignore_cleanup_errors=True) as folder:
        if options.index is None:
            settings = settings.model_copy(update={"index": Path(folder) / "index", "chroma_url": None})
            files = [options.policies / file for file in sorted({row.file for row in asked})]
            sys.stderr.write(f"ingesting {len(files)} policies\n")
            report = ingest_paths(files, settings, encoder=tuned)
            for refusal in report.refused:
                sys.stderr.write(f"refused {refusal.name}: {refusal.message}\n")
        with PolicyQA.open(settings, encoder=tuned, reader=reader) as service:
            rows = measure(asked, options.policies, service, tuned=tuned, published=published, reader=service.reader)
    lines = summarise(rows)
    sys.stdout.write(as_markdown(lines))
    if options.out:
        parameters = {
            "questions": options.questions.name,
            "rows_asked": len(asked),
            "index_encoder": tuned.name,
            "index_fingerprint": tuned.fingerprint,
            "published_encoder": published.name,
        }
        summary = [asdict(line) for line in lines]
        save_json(options.out, {"parameters": parameters, "summary": summary, "rows": [asdict(row) for row in rows]})


def main(
    arguments: Sequence[str] | None = None,
    *,
    encoder: TextEncoder | None = None,
    published: TextEncoder | None = None,
    reader: Reader | None = None,
) -> int:
    """The command line; see the module's text. What is passed replaces encoders and reader."""
    parser = argparse.ArgumentParser(prog="python -m eval.transfer", description="Ranking on PolicyQA, untuned.")
    parser.add_argument("--questions", type=Path, required=True, help="policyqa_dev_whole.jsonl")
    parser.add_argument("--policies", type=Path, required=True, help="folder of the policies asked about")
    parser.add_argument("--index", type=Path, help="folder of an index that holds them (default: a temporary one)")
    parser.add_argument("--limit", type=int, default=0, help="questions, at most (default: all)")
    parser.add_argument("--out", type=Path, help="file for the figures and all rows, JSON")
    options = parser.parse_args(arguments)
    if options.limit < 0:
        parser.error("--limit must not be negative")
    try:
        _measure(options, encoder, published, reader)
    except FineprintError as exc:
        sys.stderr.write(f"transfer: {exc}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
