"""Makes the weights of ``qa/models`` again: ``python -m qa.training --index DIR --cases FILE``.

The index holds the policies that the cases are about (``fineprint ingest POLICIES --index DIR``). Every fifth of these
policies is held out: encoder and judge learn from the questions about the others, and from those that were written
for training; the linear models are fitted on what the two say of the policies held out. With ``--folds 5`` each
fifth is held out in turn, for figures about all of them; what is shipped is that of the first.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path

from qa.domain import IndexedPolicy
from qa.embedding import passage_text, sentence_text
from qa.library import Library
from qa.retrieval import WEIGHTS, Retriever
from qa.training.encoder import Recipe, TrainableEncoder
from qa.training.examples import WRITTEN, Example, load_examples
from qa.training.judge import JudgeRecipe, TrainableJudge
from qa.training.reading import LEAST_POLICIES, Assessed, Ranked, fit, hit_rates, without
from qa.training.synthetic import make_questions

Report = Callable[[str], None]

FOLDS = 5


def main() -> None:
    """Trains, prints figures to standard error, writes the weights."""
    parser = argparse.ArgumentParser(prog="python -m qa.training", description=__doc__)
    parser.add_argument("--index", type=Path, required=True, help="index that holds the policies")
    parser.add_argument("--cases", type=Path, required=True, help="annotated questions, JSON Lines")
    parser.add_argument("--leave-out", type=Path, help="questions kept for measuring: nothing is learnt of their sites")
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).parent.parent / "models", help="folder of the weights"
    )
    parser.add_argument("--folds", type=int, default=1, choices=range(1, FOLDS + 1), help="fifths held out in turn")
    parser.add_argument("--epochs", type=int, default=Recipe().epochs, help="epochs of the encoder")
    parser.add_argument("--judge-epochs", type=int, default=JudgeRecipe().epochs, help="epochs of the judge")
    parser.add_argument("--seed", type=int, default=Recipe().seed)
    parser.add_argument(
        "--keep-encoder", action="store_true", help="take the encoder that lies in the folder of the weights as it is"
    )
    options = parser.parse_args()
    recipe = Recipe(epochs=options.epochs, seed=options.seed)
    judging = JudgeRecipe(epochs=options.judge_epochs, seed=options.seed)
    if options.keep_encoder and options.folds > 1:
        parser.error("--keep-encoder goes with the first fold alone")
    started = time.monotonic()

    def report(line: str) -> None:
        print(f"{time.monotonic() - started:6.0f} s  {line}", file=sys.stderr, flush=True)

    left_out = _domains(options.leave_out) if options.leave_out else set()
    with Library.open(options.index) as library:
        others = [library.read(card.id) for card in library.cards() if card.domain not in left_out]
        sources = {source.policy.id: source for source in others}
        cases = [e for e in load_examples(options.cases, library) if e.policy_id in sources]
        written = [e for path in WRITTEN for e in load_examples(path, library, at_hand=True) if e.policy_id in sources]
    names = sorted({example.policy_id for example in cases})
    if len(names) < max(FOLDS, LEAST_POLICIES):
        parser.error(f"the cases must be about at least {max(FOLDS, LEAST_POLICIES)} policies of the index")
    report(f"{len(cases)} questions about {len(names)} policies, {len(written)} more written for training")

    assessed: list[Assessed] = []
    for fold in range(options.folds):
        held_out = set(names[fold::FOLDS])
        training = [example for example in [*cases, *written] if example.policy_id not in held_out]
        encoder = TrainableEncoder(recipe)
        if options.keep_encoder:
            encoder.load(options.out / "encoder.safetensors")
        else:
            encoder.train(training, sources, report)
        rankings = _rankings(encoder, [*cases, *written], sources)
        measured = [ranking for ranking in rankings if ranking.example.policy_id in held_out]
        _report_ranking(measured, report)
        domains = {sources[name].policy.domain for name in held_out}
        made = make_questions((o for o in others if o.policy.domain not in domains), options.seed)
        judge = TrainableJudge(judging, encoder)
        judge.train([r for r in rankings if r.example.policy_id not in held_out], made, report)
        assessed += [Assessed.of(ranking, judge) for ranking in measured]
        if fold == 0:
            encoder.save(options.out / "encoder.safetensors")
            judge.save(options.out / "judge.safetensors")
    (options.out / "reading.json").write_text(fit(assessed, report) + "\n", encoding="utf-8")
    report("done")


def _rankings(
    encoder: TrainableEncoder, examples: Sequence[Example], sources: dict[str, IndexedPolicy]
) -> list[Ranked]:
    retriever = Retriever(encoder)
    encoded = {name: _encoded(sources[name], encoder) for name in sorted({e.policy_id for e in examples})}
    return [Ranked(e, retriever.rank(e.route, encoded[e.policy_id])) for e in examples]


def _report_ranking(rankings: Collection[Ranked], report: Report) -> None:
    first, three = hit_rates(rankings)
    report(f"ranking of policies held out: first hit {first:.3f}, in three {three:.3f}")
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
