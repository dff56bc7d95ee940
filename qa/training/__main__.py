"""Makes the weights of ``qa/models`` again: ``python -m qa.training --index DIR --cases FILE``.

The index holds the policies that the cases are about (``fineprint ingest POLICIES --index DIR``). For each of five
folds of policies an encoder and a judge are trained on the other four, and rank and judge the fifth; the linear models
are fitted on what they say there. What is shipped is then trained on everything.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from qa.domain import IndexedPolicy
from qa.embedding import passage_text, sentence_text
from qa.library import Library
from qa.retrieval import WEIGHTS, Retriever
from qa.training.encoder import Recipe, TrainableEncoder
from qa.training.examples import Example, load_examples
from qa.training.judge import JudgeRecipe, TrainableJudge
from qa.training.reading import LEAST_POLICIES, Assessed, Ranked, fit, hit_rates, without
from qa.training.synthetic import make_questions

Report = Callable[[str], None]


def main() -> None:
    """Trains, prints figures to standard error, writes the weights."""
    parser = argparse.ArgumentParser(prog="python -m qa.training", description=__doc__)
    parser.add_argument("--index", type=Path, required=True, help="index that holds the policies")
    parser.add_argument("--cases", type=Path, required=True, help="annotated questions, JSON Lines")
    parser.add_argument(
        "--leave-out", type=Path, help="questions kept for measuring: no question is made from their sites' policies"
    )
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).parent.parent / "models", help="folder of the weights"
    )
    parser.add_argument("--folds", type=int, default=5, help="folds by policy")
    parser.add_argument("--fold-epochs", type=int, default=1, help="epochs of the encoders of the folds")
    parser.add_argument("--epochs", type=int, default=Recipe().epochs, help="epochs of the encoder that is shipped")
    parser.add_argument("--judge-epochs", type=int, default=JudgeRecipe().epochs, help="epochs of the judges")
    parser.add_argument("--seed", type=int, default=Recipe().seed)
    parser.add_argument(
        "--keep-encoder", action="store_true", help="take the encoder that lies in the folder of the weights as it is"
    )
    options = parser.parse_args()
    recipe = Recipe(epochs=options.epochs, seed=options.seed)
    judging = JudgeRecipe(epochs=options.judge_epochs, seed=options.seed)
    started = time.monotonic()

    def report(line: str) -> None:
        print(f"{time.monotonic() - started:6.0f} s  {line}", file=sys.stderr, flush=True)

    with Library.open(options.index) as library:
        examples = load_examples(options.cases, library)
        sources = {e.policy_id: library.read(e.policy_id) for e in examples}
        left_out = _domains(options.leave_out) if options.leave_out else set()
        others = [library.read(c.id) for c in library.cards() if c.domain not in left_out]
    if len(sources) < max(options.folds, LEAST_POLICIES):
        parser.error(f"the cases must be about at least {max(options.folds, LEAST_POLICIES)} policies of the index")
    report(f"{len(examples)} questions about {len(sources)} policies; {len(others)} policies to make questions from")

    encoders = encoders_of_folds(examples, sources, replace(recipe, epochs=options.fold_epochs), options.folds, report)
    rankings = [ranking for _, _, ranked in encoders for ranking in ranked]
    _report_ranking(rankings, report)
    assessed = []
    for held_out, encoder, _ in encoders:
        domains = {sources[name].policy.domain for name in held_out}
        made = make_questions((o for o in others if o.policy.domain not in domains), options.seed)
        judge = TrainableJudge(judging, encoder)
        judge.train([r for r in rankings if r.example.policy_id not in held_out], made, report)
        assessed += [Assessed(r, judge) for r in rankings if r.example.policy_id in held_out]
    (options.out / "reading.json").write_text(fit(assessed, report) + "\n", encoding="utf-8")

    encoder = TrainableEncoder(recipe)
    if options.keep_encoder:
        encoder.load(options.out / "encoder.safetensors")
    else:
        encoder.train(examples, sources, report)
        encoder.save(options.out / "encoder.safetensors")
    judge = TrainableJudge(judging, encoder)
    judge.train(rankings, make_questions(others, options.seed), report)
    judge.save(options.out / "judge.safetensors")
    report("done")


def encoders_of_folds(
    examples: Sequence[Example],
    sources: dict[str, IndexedPolicy],
    recipe: Recipe,
    folds: int,
    report: Report,
) -> list[tuple[set[str], TrainableEncoder, list[Ranked]]]:
    """For each fold: its policies, an encoder trained on those of the others, and how it ranks the fold's."""
    names = sorted(sources)
    mined = TrainableEncoder(recipe).mine(examples, sources)
    found = []
    for fold in range(folds):
        held_out = set(names[fold::folds])
        encoder = TrainableEncoder(recipe)
        encoder.train([e for e in examples if e.policy_id not in held_out], sources, report, mined)
        retriever = Retriever(encoder)
        encoded = {name: _encoded(sources[name], encoder) for name in sorted(held_out)}
        mine = [Ranked(e, retriever.rank(e.route, encoded[e.policy_id])) for e in examples if e.policy_id in held_out]
        first, three = hit_rates(mine)
        report(f"fold {fold + 1} of {folds}: first hit {first:.3f}, in three {three:.3f}")
        found.append((held_out, encoder, mine))
    return found


def _report_ranking(rankings: Sequence[Ranked], report: Report) -> None:
    first, three = hit_rates(rankings)
    report(f"ranking, out of fold: first hit {first:.3f}, in three {three:.3f}")
    for part in WEIGHTS:
        first, three = hit_rates(without(r, part) for r in rankings)
        report(f"ranking without {part}: first hit {first:.3f}, in three {three:.3f}")


def _domains(cases: Path) -> set[str]:
    """The sites that annotated questions are about."""
    lines = filter(str.strip, cases.read_text(encoding="utf-8").splitlines())
    return {json.loads(line)["policy"].split("__")[0].lower() for line in lines}


def _encoded(source: IndexedPolicy, encoder: TrainableEncoder) -> IndexedPolicy:
    sentences = [sentence_text(source.policy, passage, sentence) for passage, sentence in source.sentences()]
    passages = [passage_text(source.policy, passage) for passage in source.passages]
    return replace(
        source,
        sentence_vectors=encoder.encode_texts(sentences),
        passage_vectors=encoder.encode_texts(passages),
    )


if __name__ == "__main__":
    main()
