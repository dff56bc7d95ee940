"""Our own annotated cases, each asked with its policy named and, where the question names the company, without.

The cases are those of ``fineprint eval`` (docs/evaluation.md), asked of an index that holds every policy of the folder.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from eval.benchmarks.scoring import About, Ask, Engine, InvalidData, OnProgress, Parts, Row
from eval.cases import BUNDLED, SAMPLES, Case, check_proofs, read_cases, read_policies
from eval.metrics import MEASURES, Marks, flat, mark

__all__ = ["CasesBenchmark"]

SCOPED, ROUTED = "scoped", "routed"

_FIGURES = {
    "right_and_proven": "right, and the first citation is proof",
    "verdict_accuracy": "the right one of yes, no, conditional, not_stated",
    "not_stated_f1": "F1 of declaring the policy silent",
    "hit_at_1": "the first citation is proof",
    "hit_at_3": "one of the first three citations is",
    "citation_precision": "share of citations that are",
    "evidence_recall": "share of the evidence that is cited",
}

ABOUT = About(
    name="cases",
    title="Our own annotated cases",
    measures="right and proven, with the policy named and without",
    data=(
        "a folder with questions/dev.jsonl and policies/, or a file of cases with the folder policies/ beside it or one"
        " level up; the bundled cases if absent"
    ),
    origin="ours, annotated by hand; the policies belong to the sites",
    follows=(
        "docs/evaluation.md. scoped_…: the policy is handed over with the question; routed_…: those questions that name"
        " their company and stand alone once more, and the policy has to be found among all those of the folder"
    ),
    differs="the set is ours, so nobody else has published figures of it: `fineprint eval baselines` has other systems",
    figures={
        **{f"{SCOPED}_{name}": meaning for name, meaning in _FIGURES.items()},
        **{f"{ROUTED}_{name}": meaning for name, meaning in _FIGURES.items()},
        f"{ROUTED}_routing_accuracy": "the right site's policy is answered from, and no other",
    },
)


@dataclass(frozen=True, slots=True)
class CaseItem:
    """A case asked in one of the two ways.

    Attributes:
        way: SCOPED or ROUTED; ``case.scoped`` says the same.
        texts: the policies by file stem, flat.
        folder: of the policies.
    """

    case: Case
    way: str
    texts: Mapping[str, str]
    folder: Path

    @property
    def id(self) -> str:
        """The case's, with the way."""
        return f"{self.case.id} {self.way}"

    @property
    def policy(self) -> str:
        """The file stem of the policy asked about."""
        assert self.case.proof is not None
        return self.case.proof.policy


@dataclass(frozen=True, slots=True)
class CasesBenchmark:
    """See the module."""

    about: About = ABOUT

    def read(self, data: Path | None) -> tuple[CaseItem, ...]:
        """See ``Benchmark.read``."""
        file, folder = _places(data)
        cases = [case for case in read_cases(file) if case.proof and not (case.entries or case.statuses)]
        policies = read_policies([folder], cases)
        check_proofs(cases, policies)
        texts = {stem: flat(text) for stem, text in policies.items()}
        known = [case for case in cases if case.proof and case.proof.policy in texts]
        if not known:
            raise InvalidData(f"None of the policies that {file} is about is in {folder}. Name {ABOUT.data}.")
        scoped = [CaseItem(replace(case, scoped=True), SCOPED, texts, folder) for case in known]
        routed = [
            CaseItem(replace(case, scoped=False), ROUTED, texts, folder)
            for case in known
            if case.names_company and not case.history
        ]
        return (*scoped, *routed)

    def files(self, data: Path | None) -> tuple[Path, ...]:
        """See ``Benchmark.files``."""
        file, folder = _places(data)
        return (file, *sorted(path for path in folder.iterdir() if path.is_file()))

    def prepare(self, items: Sequence[CaseItem], engine: Engine, on_progress: OnProgress) -> Ask:
        """See ``Benchmark.prepare``: a fresh index of all policies in the folder."""
        from ingest.pipeline import ingest_paths
        from qa.service import PolicyQA

        folder = engine.open_until_done.enter_context(
            tempfile.TemporaryDirectory(prefix="fineprint-benchmark-", ignore_cleanup_errors=True)
        )
        settings = engine.settings.model_copy(
            update={"index": Path(folder) / "index", "chroma_url": None, "scope": None, "llm": None}
        )
        ingest_paths(
            [items[0].folder],
            settings,
            encoder=engine.encoder,
            on_progress=lambda p: on_progress("Reading policies", p.done, p.total or p.done),
        )
        service = engine.open_until_done.enter_context(
            PolicyQA.open(settings, encoder=engine.encoder, reader=engine.reader)
        )

        def ask(item: CaseItem) -> Row:
            answer = service.ask(item.case.asked())
            said = {
                "question": item.case.question,
                "expected": item.case.proof.verdict.value if item.case.proof else None,
                "status": answer.status.value,
                "verdict": answer.verdict.value if answer.verdict else None,
                "answer": answer.text,
            }
            return Row(item.id, item.policy, _parts(item.way, mark(item.case, answer, item.texts)), said)

        return ask

    def wrong(self, item: CaseItem) -> Parts:
        """See ``Benchmark.wrong``."""
        return _parts(item.way, mark(item.case, None, item.texts))


def _parts(way: str, marks: Marks) -> Parts:
    """What a case adds to the figures of its way, and nothing to those of the other."""
    parts = {}
    for figure in ABOUT.figures:
        of_way, _, name = figure.partition("_")
        own = MEASURES[name](marks)
        parts[figure] = own if of_way == way else [(0.0, 0.0)] * len(own)
    return parts


def _places(data: Path | None) -> tuple[Path, Path]:
    """The file of cases and the folder of policies.

    Raises:
        InvalidData: they are not where they should be.
    """
    if data is None:
        return BUNDLED, SAMPLES
    file = data / "questions" / "dev.jsonl" if data.is_dir() else data
    folders = [data / "policies"] if data.is_dir() else [data.parent / "policies", data.parent.parent / "policies"]
    folder = next((each for each in folders if each.is_dir()), None)
    if folder is None or not file.is_file():
        raise InvalidData(f"{data} holds no cases with policies. Name {ABOUT.data}.")
    return file, folder
