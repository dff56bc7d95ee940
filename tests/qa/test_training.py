"""What turns annotated questions into the models' weights, on made-up questions and with the fake encoder."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from qa.encoders import HashingEncoder
from qa.library import Library, Manifest
from qa.reading import ReadingModel
from qa.retrieval import WEIGHTS, Retriever
from qa.training.examples import Example, load_examples
from qa.training.reading import Ranked, best_margin, fit, hit_rates, without
from tests.qa.making import indexed

ENCODER = HashingEncoder()
NAMES = ["acme", "bolt", "calm", "dune", "echo", "fern"]
LINES = (
    "We never sell your data.",
    "We use cookies.",
    "We may share your address if you agree.",
    "Call us on Mondays.",
)


@pytest.fixture
def ranked(tmp_path: Path) -> list[Ranked]:
    manifest = Manifest(ENCODER.name, ENCODER.fingerprint, ENCODER.dimension, "test")
    cases = []
    with Library.open_for_writing(tmp_path / "index", manifest) as library:
        for name in NAMES:
            library.put(indexed(*LINES, domain=f"{name}.com", company=name.title()))
            asked = [
                (f"does {name.title()} sell my data?", "yes_no", "no", LINES[0]),
                ("do you use cookies?", "yes_no", "yes", LINES[1]),
                ("do you share my address?", "yes_no", "conditional", LINES[2]),
                ("how old must children be?", "open", "not_stated", None),
            ]
            for question, kind, verdict, proof in asked:
                cases.append(
                    {
                        "id": f"{name}-{verdict}",
                        "policy": f"{name}.com__2011-03-06",
                        "question": question,
                        "kind": kind,
                        "verdict": verdict,
                        "evidence": [proof] if proof else [],
                        "also_ok": [],
                        "near_miss": [],
                    }
                )
        file = tmp_path / "cases.jsonl"
        file.write_text("\n".join(map(json.dumps, cases)) + "\n", encoding="utf-8")
        retriever = Retriever(ENCODER)
        return [
            Ranked(example, retriever.rank(example.route, library.read(example.policy_id)))
            for example in load_examples(file, library)
        ]


def by_id(ranked: list[Ranked], name: str) -> Example:
    return next(r.example for r in ranked if r.example.id == name)


def test_evidence_is_mapped_onto_sentences_and_the_name_is_taken_out_of_the_query(ranked: list[Ranked]) -> None:
    example = by_id(ranked, "acme-no")
    assert example.evidence.tolist() == [True, False, False, False]
    assert "Acme" not in example.route.query
    assert not by_id(ranked, "acme-not_stated").acceptable.any()


def test_hit_rates_count_answered_questions_only(ranked: list[Ranked]) -> None:
    first = [r for r in ranked if r.example.answered]
    expected = float(np.mean([r.hits[0] for r in first]))
    assert hit_rates(ranked)[0] == pytest.approx(expected)
    assert len(first) == 3 * len(NAMES)


def test_a_part_left_out_of_the_score_reorders_by_the_rest(ranked: list[Ranked]) -> None:
    again = without(ranked[0], "bm25").candidates.ranked
    rest = [sum(w * c.features[part] for part, w in WEIGHTS.items() if part != "bm25") for c in again]
    assert rest == sorted(rest, reverse=True)
    assert [c.score for c in again] == pytest.approx(rest, abs=1e-6)


def test_the_fitted_models_read_the_made_up_questions_right(ranked: list[Ranked]) -> None:
    lines: list[str] = []
    model = ReadingModel.parse(fit(ranked, lines.append))
    assert model.evidence_margin == best_margin(ranked)
    assert set(model.verdict.labels) == {"yes", "no", "conditional"}
    assert any("verdict: accuracy" in line for line in lines)
    assert any("answered: accuracy" in line for line in lines)
