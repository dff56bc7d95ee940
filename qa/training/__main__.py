"""Makes the weights of ``qa/models`` again: ``python -m qa.training --index DIR --cases FILE``.

The index holds the policies that the cases are about (``fineprint ingest POLICIES --index DIR``). Encoders are trained
on all folds but one to rank the policies of that one; the reading models are fitted on those rankings; the encoder that
is shipped is then trained on everything.
"""

from __future__ import annotations

import argparse
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
from qa.training.reading import Ranked, fit, hit_rates, without


def main() -> None:
    """Trains, prints figures to standard error, writes the weights."""
    parser = argparse.ArgumentParser(prog="python -m qa.training", description=__doc__)
    parser.add_argument("--index", type=Path, required=True, help="index that holds the policies")
    parser.add_argument("--cases", type=Path, required=True, help="annotated questions, JSON Lines")
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).parent.parent / "models", help="folder of the weights"
    )
    parser.add_argument("--folds", type=int, default=3, help="folds by policy")
    parser.add_argument("--fold-epochs", type=int, default=1, help="epochs of the encoders of the folds")
    parser.add_argument("--epochs", type=int, default=Recipe().epochs, help="epochs of the encoder that is shipped")
    parser.add_argument("--seed", type=int, default=Recipe().seed)
    parser.add_argument("--skip", choices=["folds", "final"], action="append", default=[], help="leave a part out")
    options = parser.parse_args()
    recipe = Recipe(epochs=options.epochs, seed=options.seed)
    started = time.monotonic()

    def report(line: str) -> None:
        print(f"{time.monotonic() - started:6.0f} s  {line}", file=sys.stderr, flush=True)

    with Library.open(options.index) as library:
        examples = load_examples(options.cases, library)
        sources = {e.policy_id: library.read(e.policy_id) for e in examples}
    report(f"{len(examples)} questions about {len(sources)} policies")
    if "folds" not in options.skip:
        rankings = ranked_by_others(
            examples, sources, replace(recipe, epochs=options.fold_epochs), options.folds, report
        )
        first, three = hit_rates(rankings)
        report(f"out of fold: first hit {first:.3f}, in three {three:.3f}")
        for part in WEIGHTS:
            first, three = hit_rates(without(r, part) for r in rankings)
            report(f"without {part}: first hit {first:.3f}, in three {three:.3f}")
        (options.out / "reading.json").write_text(fit(rankings, report) + "\n", encoding="utf-8")
    if "final" not in options.skip:
        encoder = TrainableEncoder(recipe)
        encoder.train(examples, sources, report)
        encoder.save(options.out / "encoder.safetensors")
    report("done")


def ranked_by_others(
    examples: Sequence[Example],
    sources: dict[str, IndexedPolicy],
    recipe: Recipe,
    folds: int,
    report: Callable[[str], None],
) -> list[Ranked]:
    """Every example, ranked by an encoder that was trained on the policies of the other folds."""
    names = sorted(sources)
    rankings = []
    for fold in range(folds):
        held_out = set(names[fold::folds])
        encoder = TrainableEncoder(recipe)
        encoder.train([e for e in examples if e.policy_id not in held_out], sources, report)
        retriever = Retriever(encoder)
        encoded = {name: _encoded(sources[name], encoder) for name in sorted(held_out)}
        mine = [Ranked(e, retriever.rank(e.route, encoded[e.policy_id])) for e in examples if e.policy_id in held_out]
        first, three = hit_rates(mine)
        report(f"fold {fold + 1} of {folds}: first hit {first:.3f}, in three {three:.3f}")
        rankings += mine
    return rankings


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
