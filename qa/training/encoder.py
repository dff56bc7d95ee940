"""Fine-tunes the sentence encoder on annotated questions: a question's proof nearer than anything else in its policy.

The loss is a softmax over the proof, the hardest other sentences of the same policy (annotated near misses and the
current best-ranked wrong ones), the other questions' sentences (of other policies), and a "nothing here" option with a
learnt score. That option is the target for questions on which the policy is silent, so that a cosine means the same
in every policy and silence can be told from proof.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from qa.bert import BertShape, sentence_encoder
from qa.domain import IndexedPolicy, Vectors
from qa.embedding import sentence_text
from qa.encoders import BASE_MODEL, base_model_folder, cpu_has_amx_bf16
from qa.retrieval import query_text
from qa.training.examples import Example

if TYPE_CHECKING:
    import torch


def on_device(device: str) -> AbstractContextManager[Any]:
    """Half precision where the device computes in it; on a CPU without AMX it would be slower by the dozen."""
    import torch

    return torch.autocast(device, dtype=torch.bfloat16, enabled=device == "cuda" or cpu_has_amx_bf16())


def save_weights(path: Path, state: Mapping[str, torch.Tensor], graph: Callable[[Path, BertShape], bytes]) -> None:
    """Writes weights in half precision, as safetensors, and beside them the ONNX graph and the hashes of both."""
    import hashlib
    import json

    from safetensors.torch import save_file

    halves = {name: value.detach().cpu().half().contiguous() for name, value in state.items()}
    save_file(halves, str(path))
    drawn = graph(path, BertShape.read(base_model_folder() / "config.json"))
    path.with_suffix(".onnx").write_bytes(drawn)
    record = {
        "base": BASE_MODEL,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "graph_sha256": hashlib.sha256(drawn).hexdigest(),
    }
    path.with_suffix(".json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to train.

    Attributes:
        questions: in a batch.
        negatives: sentences of the same policy set against each proof.
        mined: the hardest negatives are drawn from this many best-ranked wrong sentences.
        temperature: cosines are multiplied with it before the softmax.
        typos: share of questions in which two neighbouring letters are swapped.
    """

    epochs: int = 1
    learning_rate: float = 8e-5
    warm_up: float = 0.1
    questions: int = 24
    negatives: int = 5
    mined: int = 16
    temperature: float = 20.0
    question_tokens: int = 64
    sentence_tokens: int = 96
    typos: float = 0.15
    seed: int = 0


class TrainableEncoder:
    """The encoder in torch: trains, and encodes as ``qa.encoders.TextEncoder`` does."""

    def __init__(self, recipe: Recipe) -> None:
        import torch
        from transformers import AutoModel, AutoTokenizer

        self.recipe = recipe
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        torch.set_num_threads(os.cpu_count() or 1)  # torch itself counts physical cores only
        folder = str(base_model_folder())
        self.tokenizer: Any = AutoTokenizer.from_pretrained(folder)
        self.model: Any = AutoModel.from_pretrained(folder, add_pooling_layer=False).to(self.device)
        self._cut: list[int] = [self.tokenizer.sep_token_id]

    name = "in training"
    fingerprint = "in training"
    dimension = 384

    def tokens(self, texts: Sequence[str], limit: int) -> list[list[int]]:
        """Token ids of each text, at most ``limit``."""
        rows = self.tokenizer(list(texts))["input_ids"]
        return [row if len(row) <= limit else row[: limit - 1] + self._cut for row in rows]

    def forward(self, rows: Sequence[Sequence[int]]) -> torch.Tensor:
        """The vectors of token rows, length 1; rows of like length share a pass."""
        import torch

        order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
        parts = [self._pass([rows[i] for i in order[a : a + 32]]) for a in range(0, len(order), 32)]
        back = torch.empty(len(order), dtype=torch.long)
        back[torch.tensor(order)] = torch.arange(len(order))
        return torch.cat(parts)[back.to(self.device)]

    def _pass(self, rows: Sequence[Sequence[int]]) -> torch.Tensor:
        import torch

        ids = torch.zeros(len(rows), max(map(len, rows)), dtype=torch.long)
        mask = torch.zeros_like(ids)
        for i, row in enumerate(rows):
            ids[i, : len(row)] = torch.tensor(row)
            mask[i, : len(row)] = 1
        ids, mask = ids.to(self.device), mask.to(self.device)
        with on_device(self.device):
            states = self.model(input_ids=ids, attention_mask=mask).last_hidden_state
        states = states.float()
        weights = mask.unsqueeze(-1)
        return torch.nn.functional.normalize((states * weights).sum(1) / weights.sum(1), dim=1)

    def encode_rows(self, rows: Sequence[Sequence[int]]) -> Vectors:
        """``forward`` without gradients, as numpy."""
        import torch

        self.model.eval()
        with torch.no_grad():
            return np.asarray(self.forward(rows).cpu().numpy(), dtype=np.float32)

    def encode_question(self, text: str) -> Vectors:
        """See ``TextEncoder``."""
        return np.asarray(self.encode_rows(self.tokens([text], self.recipe.question_tokens))[0])

    def encode_texts(self, texts: Sequence[str], on_progress: Callable[[int], None] | None = None) -> Vectors:
        """See ``TextEncoder``."""
        vectors = self.encode_rows(self.tokens(texts, self.recipe.sentence_tokens))
        if on_progress:
            on_progress(len(texts))
        return vectors

    def warm_up(self) -> None:
        """Nothing to load."""

    def save(self, path: Path) -> None:
        """See ``save_weights``."""
        save_weights(path, self.model.state_dict(), sentence_encoder)

    def load(self, path: Path) -> None:
        """Takes the weights that ``save`` wrote."""
        from safetensors.torch import load_file

        self.model.load_state_dict({name: value.float() for name, value in load_file(str(path)).items()})

    def train(
        self,
        examples: Sequence[Example],
        sources: dict[str, IndexedPolicy],
        report: Callable[[str], None],
    ) -> None:
        """Trains on the examples.

        Args:
            examples: annotated questions.
            sources: their policies by id.
            report: is told the loss of each epoch.
        """
        import torch

        recipe = self.recipe
        torch.manual_seed(recipe.seed)
        dice = random.Random(recipe.seed)  # noqa: S311 - shuffling, not secrets
        usable = _usable(examples)
        sentences = {policy_id: self._sentence_rows(source) for policy_id, source in sources.items()}
        nothing = torch.tensor(0.4, requires_grad=True, device=self.device)
        steps = recipe.epochs * -(-len(usable) // recipe.questions)
        optimizer = torch.optim.AdamW(
            [{"params": self.model.parameters()}, {"params": [nothing], "lr": 1e-3}],
            lr=recipe.learning_rate,
            weight_decay=0.01,
        )
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: min((step + 1) / (recipe.warm_up * steps), max(0.02, 1 - step / steps))
        )
        hard: dict[str, list[int]] = {}
        for epoch in range(recipe.epochs):
            # After two epochs the ranking hardly changes, and mining costs a fifth of an epoch.
            if epoch < 2:
                hard = self._mine(usable, sentences)
            self.model.train()
            dice.shuffle(usable)
            total = 0.0
            for start in range(0, len(usable), recipe.questions):
                batch = usable[start : start + recipe.questions]
                loss = self._loss(batch, sentences, hard, nothing, dice)
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
                optimizer.step()
                schedule.step()
                total += float(loss.detach()) * len(batch)
            report(
                f"epoch {epoch + 1} of {recipe.epochs}: loss {total / len(usable):.3f},"
                f" nothing at {float(nothing.detach()):.3f}"
            )

    def _sentence_rows(self, source: IndexedPolicy) -> list[list[int]]:
        texts = [sentence_text(source.policy, passage, sentence) for passage, sentence in source.sentences()]
        return self.tokens(texts, self.recipe.sentence_tokens)

    def _mine(self, examples: Sequence[Example], sentences: dict[str, list[list[int]]]) -> dict[str, list[int]]:
        """For each example, the best-ranked sentences that are not proof."""
        vectors = {policy_id: self.encode_rows(sentences[policy_id]) for policy_id in {e.policy_id for e in examples}}
        questions = self.encode_rows(self.tokens([query_text(e.route) for e in examples], self.recipe.question_tokens))
        mined = {}
        for example, question in zip(examples, questions, strict=True):
            order = np.argsort(-(vectors[example.policy_id] @ question), kind="stable")
            mined[example.id] = [int(i) for i in order if not example.acceptable[i]][: self.recipe.mined]
        return mined

    def _loss(
        self,
        batch: Sequence[Example],
        sentences: dict[str, list[list[int]]],
        hard: Mapping[str, list[int]],
        nothing: torch.Tensor,
        dice: random.Random,
    ) -> torch.Tensor:
        import torch

        recipe = self.recipe
        rows: list[list[int]] = []
        owners: list[int] = []
        targets: list[int] = []
        for n, example in enumerate(batch):
            proofs = np.flatnonzero(example.evidence if example.evidence.any() else example.acceptable)
            near = [int(i) for i in np.flatnonzero(example.near_miss & ~example.acceptable)][:2]
            others = dice.sample(hard[example.id], min(recipe.negatives, len(hard[example.id])))
            wrong = list(dict.fromkeys([*near, *others]))[: recipe.negatives]
            targets.append(len(rows) if len(proofs) else -1)
            chosen = ([int(dice.choice(list(proofs)))] if len(proofs) else []) + wrong
            rows += [sentences[example.policy_id][i] for i in chosen]
            owners += [n] * len(chosen)
        asked = self.tokens([noisy(query_text(e.route), recipe.typos, dice) for e in batch], recipe.question_tokens)
        vectors = self.forward([*asked, *rows])
        scores = recipe.temperature * vectors[: len(batch)] @ vectors[len(batch) :].T
        # Sentences of the same policy that were drawn for another question may be proof here too: left out.
        allowed = torch.tensor(
            [
                [owner == n or batch[owner].policy_id != example.policy_id for owner in owners]
                for n, example in enumerate(batch)
            ],
            device=self.device,
        )
        scores = scores.masked_fill(~allowed, -1e4)
        scores = torch.cat([scores, (recipe.temperature * nothing).expand(len(batch), 1)], dim=1)
        wanted = torch.tensor([len(rows) if target < 0 else target for target in targets], device=self.device)
        return torch.nn.functional.cross_entropy(scores, wanted)


def _usable(examples: Sequence[Example]) -> list[Example]:
    """Without questions whose proof was not found among the sentences."""
    return [e for e in examples if e.acceptable.any() or not e.answered]


def noisy(text: str, share: float, dice: random.Random) -> str:
    """The question, in a share of cases with two neighbouring letters swapped."""
    if dice.random() >= share or len(text) < 8:
        return text
    at = dice.randrange(1, len(text) - 2)
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
