"""Fine-tunes the judge: a cross-encoder that reads a question together with sentences of a policy.

It says whether they answer it at all, and with what verdict. It starts from a sentence encoder that was trained on the
same policies, and sees questions made by rule first and annotated ones after them.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from qa.bert import pair_judge
from qa.cues import straight, tidied
from qa.domain import Candidate, Verdict
from qa.judging import OPPOSITE, OUTPUTS, VERDICTS, Judgement, pair_ids
from qa.reading import MAX_EVIDENCE, judged_question, judged_texts
from qa.training.encoder import TrainableEncoder, noisy, on_device, save_weights
from qa.training.reading import Ranked, annotated
from qa.training.synthetic import MadeQuestion

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True)
class JudgeRecipe:
    """How to train.

    Attributes:
        pairs: of question and evidence, in a step.
        alone: share of questions shown with their best evidence sentence alone.
        distracted: share shown with a well-ranked sentence behind the evidence that is none, as answering may find it.
        unanswered: share of answered questions that are also shown with a sentence that does not answer them.
        tokens_at_once: pairs of like length share a pass of at most so many tokens.
    """

    epochs: int = 3
    learning_rate: float = 1e-4
    warm_up: float = 0.06
    pairs: int = 16
    alone: float = 0.2
    distracted: float = 0.2
    unanswered: float = 0.35
    smoothing: float = 0.05
    dropout: float = 0.1
    typos: float = 0.15
    tokens_at_once: int = 1024
    seed: int = 0


_NOTHING = len(VERDICTS)  # the sentences do not answer the question
_STATED = -1  # they do, but not by a verdict
_WRONG = 6  # sentences that do not answer a question are drawn from so many of the best-ranked


@dataclass(frozen=True, slots=True)
class _Pair:
    """A question with sentences; ``verdict`` is a position in ``VERDICTS``, ``_NOTHING`` or ``_STATED``."""

    ids: list[int]
    kinds: list[int]
    verdict: int


class TrainableJudge:
    """The judge in torch, starting from the weights of a sentence encoder."""

    def __init__(self, recipe: JudgeRecipe, encoder: TrainableEncoder) -> None:
        import copy

        import torch

        torch.manual_seed(recipe.seed)
        self.recipe = recipe
        self._device = encoder.device
        self._tokenizer = encoder.tokenizer
        self._model: Any = copy.deepcopy(encoder.model)
        self._head: Any = torch.nn.Linear(2 * encoder.dimension, OUTPUTS).to(self._device)

    def judge(self, question: str, texts: Sequence[str]) -> list[Judgement]:
        """See ``qa.judging.Judge``."""
        import torch

        self._model.eval()
        pairs = [self._pair(question, text, _STATED) for text in texts]
        with torch.no_grad():
            scored = {
                id(pair): row
                for part in self._parts(pairs)
                for pair, row in zip(part, self._scores(part).cpu().numpy(), strict=True)
            }
        return [Judgement.of(np.asarray(scored[id(pair)], dtype=np.float32)) for pair in pairs]

    def warm_up(self) -> None:
        """Nothing to load."""

    def train(self, rankings: Sequence[Ranked], made: Sequence[MadeQuestion], report: Callable[[str], None]) -> None:
        """Trains on annotated questions with their ranked policies, and on questions made by rule."""
        import torch

        recipe = self.recipe
        dice = random.Random(recipe.seed)  # noqa: S311 - shuffling, not secrets
        first = [self._pair(one.question, one.text, VERDICTS.index(one.verdict)) for one in made]
        epochs = [_batches(first, recipe.pairs)] if first else []
        epochs += [_batches(self._sampled(rankings, dice), recipe.pairs) for _ in range(recipe.epochs)]
        steps = sum(map(len, epochs))
        trained = list(self._model.parameters())
        optimizer = torch.optim.AdamW(
            [{"params": trained}, {"params": self._head.parameters(), "lr": 1e-3}],
            lr=recipe.learning_rate,
            weight_decay=0.01,
            fused=True,
        )
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: min((step + 1) / (recipe.warm_up * steps), max(0.02, 1 - step / steps))
        )
        for n, batches in enumerate(epochs, start=1):
            self._model.train()
            total = 0.0
            for batch in batches:
                total += self._step(batch)
                torch.nn.utils.clip_grad_norm_([*trained, *self._head.parameters()], 1.0)
                optimizer.step()
                optimizer.zero_grad()
                schedule.step()
            report(f"judge, epoch {n} of {len(epochs)}: loss {total / len(batches):.3f}")

    def save(self, path: Path) -> None:
        """Writes the weights in half precision, as safetensors, with their graph and hashes."""
        head = {f"head.{name}": value for name, value in self._head.state_dict().items()}
        save_weights(path, {**self._model.state_dict(), **head}, pair_judge)

    def _step(self, batch: Sequence[_Pair]) -> float:
        """Adds up the gradients of one batch, a few pairs at a time; returns its loss."""
        import torch

        total = 0.0
        for part in self._parts(batch):
            labels = torch.tensor([pair.verdict for pair in part], device=self._device)
            scores = self._scores(part)
            judged = labels != _STATED
            told = torch.nn.functional.cross_entropy(
                scores[judged], labels[judged], reduction="sum", label_smoothing=self.recipe.smoothing
            )
            stated = scores[~judged]
            answered = (stated.logsumexp(1) - stated[:, : len(VERDICTS)].logsumexp(1)).sum()
            loss = (told + answered) / len(batch)
            loss.backward()  # type: ignore[no-untyped-call]
            total += float(loss.detach())
        return total

    def _parts(self, pairs: Sequence[_Pair]) -> list[list[_Pair]]:
        """The pairs in groups of like length, so that little is spent on padding."""
        parts: list[list[_Pair]] = []
        for pair in sorted(pairs, key=lambda pair: len(pair.ids)):
            if not parts or (len(parts[-1]) + 1) * len(pair.ids) > self.recipe.tokens_at_once:
                parts.append([])
            parts[-1].append(pair)
        return parts

    def _scores(self, pairs: Sequence[_Pair]) -> torch.Tensor:
        """The model's output, shape (pairs, OUTPUTS)."""
        import torch

        ids = torch.zeros(len(pairs), max(len(pair.ids) for pair in pairs), dtype=torch.long)
        mask, kinds = torch.zeros_like(ids), torch.zeros_like(ids)
        for i, pair in enumerate(pairs):
            n = len(pair.ids)
            ids[i, :n], mask[i, :n], kinds[i, :n] = torch.tensor(pair.ids), 1, torch.tensor(pair.kinds)
        ids, mask, kinds = (each.to(self._device) for each in (ids, mask, kinds))
        with on_device(self._device):
            states = self._model(input_ids=ids, attention_mask=mask, token_type_ids=kinds).last_hidden_state
        states = states.float()
        weights = mask.unsqueeze(-1)
        pooled = torch.cat([states[:, 0], (states * weights).sum(1) / weights.sum(1)], dim=1)
        dropped = torch.nn.functional.dropout(pooled, self.recipe.dropout, training=self._model.training)
        scores: torch.Tensor = self._head(dropped)
        return scores

    def _sampled(self, rankings: Sequence[Ranked], dice: random.Random) -> list[_Pair]:
        """Each question with what answers it or, where nothing does, with what looks as if; some with both."""
        pairs = []
        for ranked in rankings:
            example = ranked.example
            asked, turned = straight(tidied(example.route.query))
            shown: list[tuple[int, list[Candidate]]] = []
            if not example.answered:
                shown.append((_NOTHING, _seeming(ranked, dice)))
            elif example.evidence.any():
                verdict = _STATED
                if example.kind == "yes_no":
                    given = Verdict(example.verdict)
                    verdict = VERDICTS.index(OPPOSITE[given] if turned else given)
                shown.append((verdict, self._shown(ranked, dice)))
                if dice.random() < self.recipe.unanswered:
                    shown.append((_NOTHING, _seeming(ranked, dice)[:1]))
            for verdict, sentences in shown:
                if sentences:
                    question = noisy(judged_question(asked, ranked.candidates), self.recipe.typos, dice)
                    text = " ".join(judged_texts(ranked.candidates, sentences))
                    pairs.append(self._pair(question, text, verdict))
        dice.shuffle(pairs)
        return pairs

    def _shown(self, ranked: Ranked, dice: random.Random) -> list[Candidate]:
        proofs, others = (
            annotated(ranked),
            [c for c, hit in zip(ranked.candidates.ranked, ranked.hits, strict=True) if not hit],
        )
        draw = dice.random()
        if draw < self.recipe.alone:
            return [proofs[0]]
        if draw < self.recipe.alone + self.recipe.distracted and others:
            return [*proofs[: MAX_EVIDENCE - 1], dice.choice(others[:2])]
        return list(proofs)

    def _pair(self, question: str, text: str, verdict: int) -> _Pair:
        rows = self._tokenizer([question, text], add_special_tokens=False)["input_ids"]
        ids, kinds = pair_ids(rows[0], rows[1])
        return _Pair(ids, kinds, verdict)


def _seeming(ranked: Ranked, dice: random.Random) -> list[Candidate]:
    """One or two sentences that look relevant and are no proof: annotated ones as often as well-ranked ones."""
    wrong = [c for c, hit in zip(ranked.candidates.ranked, ranked.hits, strict=True) if not hit]
    near = [c for c in wrong if ranked.example.near_miss[c.index]]
    well_ranked = wrong[:_WRONG]
    if near and dice.random() < 0.5:
        return [dice.choice(near)]
    if not ranked.example.answered and dice.random() < 0.5:
        return well_ranked[: dice.choice((1, 2))]  # as answering finds them
    return [dice.choice(well_ranked)] if well_ranked else []


def _batches(pairs: Sequence[_Pair], size: int) -> list[Sequence[_Pair]]:
    return [pairs[a : a + size] for a in range(0, len(pairs), size)]
