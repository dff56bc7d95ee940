"""LegalBench-RAG (Pipitone and Houir Alami 2024), its PrivacyQA part: finding the stretches that answer a question.

A query names its policy. Precision at k is the share of the characters of the first k snippets that lie in the
annotated stretches, recall at k the share of the annotated characters that the first k snippets hold; both are averaged
over the queries.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from eval.benchmarks.desk import Desk, overlap
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
from qa.text import Span

__all__ = ["LegalBenchRagBenchmark", "precision_of", "recall_of"]

_DEPTHS = (1, 2, 4, 8, 16, 32, 64)
_PART = "privacy_qa"
_PAPER = "Pipitone and Houir Alami 2024, https://arxiv.org/abs/2408.10343"

ABOUT = About(
    name="legalbench-rag",
    title="LegalBench-RAG, PrivacyQA part",
    measures="precision and recall by character of the first k sentences",
    data=f"the folder of LegalBench-RAG that holds benchmarks/{_PART}.json and corpus/{_PART}/",
    origin=f"{_PAPER}; https://github.com/zeroentropy-ai/legalbenchrag, this part from PrivacyQA (MIT)",
    follows="queries and stretches as published; precision and recall by character at k = 1, 2, 4 … 64, averaged",
    differs=(
        "a snippet is a sentence, where the published figures are of chunks of 500 characters, so that the first k are"
        " fewer characters: characters_at_k says how many. The published run searches the documents of all four parts,"
        " this one those of the PrivacyQA part; the policy is found by its name in the query, and a query that names"
        " none gets nothing"
    ),
    figures={
        **{f"precision_at_{k}": f"of the first {k} sentences, by character" for k in _DEPTHS},
        **{f"recall_at_{k}": f"of the first {k} sentences, by character" for k in _DEPTHS},
        **{f"characters_at_{k}": f"mean length of the first {k} sentences together" for k in _DEPTHS},
        "right_policy": "share of the queries routed to the policy that is asked about",
    },
    published=(
        Published(
            "text-embedding-3-large, recursive chunks, no reranker",
            {"precision_at_1": 0.1438, "recall_at_64": 0.8419},
            _PAPER,
            "chunks of 500 characters, from the documents of all four parts of LegalBench-RAG-mini; as two public"
            " write-ups quote the paper's table",
        ),
    ),
)


class _Form(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _Snippet(_Form):
    file_path: str = Field(min_length=1)
    span: tuple[int, int]


class _Test(_Form):
    query: str = Field(min_length=1)
    snippets: list[_Snippet] = Field(min_length=1)


class _File(_Form):
    tests: list[_Test] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Query:
    """A query with its stretches.

    Attributes:
        policy: the name of its document.
        golds: in that document.
        corpus: the documents of this part, by name.
    """

    id: str
    policy: str
    query: str
    golds: tuple[Span, ...]
    corpus: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class LegalBenchRagBenchmark:
    """See the module."""

    about: About = ABOUT

    def read(self, data: Path | None) -> tuple[Query, ...]:
        """See ``Benchmark.read``."""
        file, *documents = self.files(data)
        try:
            tests = _File.model_validate_json(file.read_bytes()).tests
            # As Python's open() reads them for the published offsets: line ends become \n.
            corpus = {path.stem: path.read_text(encoding="utf-8") for path in documents}
        except (OSError, UnicodeDecodeError) as exc:
            raise InvalidData(f"Cannot read {data}: {exc}. Name {ABOUT.data}.") from exc
        except ValidationError as exc:
            told = [f"{'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']}" for e in exc.errors(include_url=False)]
            refuse(told, f"{file} is not as published")
            raise AssertionError("told above") from exc
        mistakes: list[str] = []
        queries = []
        for n, test in enumerate(tests):
            names = {Path(snippet.file_path).stem for snippet in test.snippets}
            name = min(names)
            text = corpus.get(name)
            golds = tuple(Span(*snippet.span) for snippet in test.snippets)
            if len(names) > 1:
                mistakes.append(f"test {n + 1}: stretches of {len(names)} documents")
            elif text is None:
                mistakes.append(f"test {n + 1}: {name[:60]}.txt is not in corpus/{_PART}")
            elif any(not 0 <= gold.start < gold.end <= len(text) for gold in golds):
                mistakes.append(f"test {n + 1}: a stretch lies outside of {name[:60]}.txt")
            else:
                queries.append(Query(str(n + 1), name, test.query, golds, corpus))
        refuse(mistakes, f"{file} does not fit its documents")
        return tuple(queries)

    def files(self, data: Path | None) -> tuple[Path, ...]:
        """See ``Benchmark.files``: the queries, then the documents."""
        folder = named(data, ABOUT)
        if (folder / "data" / "benchmarks").is_dir():
            folder /= "data"
        documents = sorted((folder / "corpus" / _PART).glob("*.txt"))
        return (folder / "benchmarks" / f"{_PART}.json", *documents)

    def prepare(self, items: Sequence[Query], engine: Engine, on_progress: OnProgress) -> Ask:
        """See ``Benchmark.prepare``: all documents of the part are there, also those that no item is about."""
        desk = Desk.of_policies(items[0].corpus, engine, on_progress)

        def ask(item: Query) -> Row:
            ranked = desk.ranked(item.query)
            right = ranked.name == item.policy
            values = {"right_policy": float(right)}
            for k in _DEPTHS:
                snippets = ranked.spans[:k]
                values[f"precision_at_{k}"] = precision_of(snippets, item.golds) if right else 0.0
                values[f"recall_at_{k}"] = recall_of(snippets, item.golds) if right else 0.0
                values[f"characters_at_{k}"] = float(sum(span.end - span.start for span in snippets))
            said = {
                "query": item.query,
                "routed_to": ranked.name,
                "first": [[s.start, s.end] for s in ranked.spans[:8]],
            }
            return Row(item.id, item.policy, means(values), said)

        return ask

    def wrong(self, item: Query) -> Parts:
        """See ``Benchmark.wrong``."""
        del item
        return means(dict.fromkeys(ABOUT.figures, 0.0))


def precision_of(snippets: Sequence[Span], golds: Sequence[Span]) -> float:
    """The share of the snippets' characters that lie in the golds, which do not overlap; 0 of no snippets."""
    length = sum(span.end - span.start for span in snippets)
    return sum(overlap(span, gold) for span in snippets for gold in golds) / length if length else 0.0


def recall_of(snippets: Sequence[Span], golds: Sequence[Span]) -> float:
    """The share of the golds' characters that lie in the snippets, which do not overlap."""
    length = sum(gold.end - gold.start for gold in golds)
    return sum(overlap(span, gold) for span in snippets for gold in golds) / length if length else 0.0
