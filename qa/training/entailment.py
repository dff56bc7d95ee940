"""Trains the model of entailment: ``python -m qa.training.entailment --index INDEX --cases FILE``.

It reads a claim together with sentences of a policy and says whether they fully prove it. The index holds the policies
that claims and cases are about. Claims come from three places: ``claims.jsonl`` beside this file (written one by one,
true ones and such as a careless writer would make; only offsets of the policies, not their texts), the reference
answers of annotated questions, and contrasts made by rule. A fifth of the policies is held out: the probabilities are
fitted and all figures measured on it.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from qa.bert import pair_judge
from qa.domain import IndexedPolicy, Vectors
from qa.embedding import sentence_text
from qa.entailing import claim_ids, posed
from qa.library import Library
from qa.routing import find_scope
from qa.supporting import LEAST_PROBABILITY, objections
from qa.text import content_words, fold, visible
from qa.training.encoder import Recipe, TrainableEncoder, noisy, on_device, save_weights

if TYPE_CHECKING:
    import torch

CLAIMS = Path(__file__).parent / "claims.jsonl"
MOST_SENTENCES = 3
"""So many sentences of evidence are read as one text."""
MIN_OVERLAP = 0.5
"""A sentence is evidence if this share of it lies in what was annotated."""
MOST_TOLD = 800
"""So many sentences told in the third person are among the claims trained on."""
HELD_OUT = 5
"""One policy in so many is kept for measuring."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim that somebody might make in answer to a question, and whether the text proves it.

    Attributes:
        sentences: what is to prove it, as the model reads it: "section: lead-in sentence".
        bare: the same sentences without section and lead-in; for the rules.
        lead_ins: the lead-ins.
        kind: where it is from: "honest", or what is wrong with it ("negation", "number" …).
        made: by rule, not by a person.
    """

    policy: str
    company: str
    question: str
    text: str
    sentences: tuple[str, ...]
    bare: tuple[str, ...]
    lead_ins: tuple[str, ...]
    proven: bool
    kind: str
    made: bool = False


# --- where claims come from -------------------------------------------------------------------------------------------


def written_claims(lines: Iterable[str], sources: Mapping[str, IndexedPolicy]) -> list[Claim]:
    """The claims written one by one, of the policies that are at hand."""
    claims = []
    for line in lines:
        item = json.loads(line)
        source = sources.get(item["policy"])
        if source is None:
            continue
        proof = _sentences(source, item["evidence"] or item["near_miss"])
        if not proof[0]:
            continue
        frame = Claim(item["policy"], source.policy.company, item["question"], "", *proof, proven=False, kind="")
        if item["evidence"]:
            claims += [replace(frame, text=text, proven=True, kind="honest") for text in item["supported"]]
        claims += [replace(frame, text=text, kind=kind) for text, kind in item["unsupported"]]
    return claims


def answered_claims(
    lines: Iterable[str], sources: Mapping[str, IndexedPolicy], dice: random.Random, kind: str = "reference answer"
) -> list[Claim]:
    """Reference answers of annotated questions: proven by the evidence, not by the near misses."""
    claims = []
    for line in lines:
        case = json.loads(line)
        source = sources.get(case["policy"])
        if source is None or case["verdict"] == "not_stated" or not case["evidence"]:
            continue
        proof = _sentences(source, _found(source, case["evidence"]))
        near = _sentences(source, _found(source, case["near_miss"][:1]))
        frame = Claim(
            case["policy"], source.policy.company, case["question"], case["answer"], *proof, proven=True, kind=kind
        )
        if proof[0]:
            claims.append(frame)
        if near[0] and not set(near[0]) & set(proof[0]) and dice.random() < 0.5:
            claims.append(
                Claim(frame.policy, frame.company, frame.question, frame.text, *near, proven=False, kind="near miss")
            )
    return claims


def contrasts(claims: Sequence[Claim], dice: random.Random) -> list[Claim]:
    """Claims made by rule from honest ones and from the sentences themselves.

    A sentence told in the third person is proven by itself; with a negation put in or taken out, another number, its
    condition left out or the parties swapped it is not, and an honest claim is not proven by a text about other things.
    """
    made: list[Claim] = []
    honest = [claim for claim in claims if claim.proven]
    seen: set[str] = set()
    for claim in honest:
        bare = claim.bare[0]
        if bare in seen or not 30 <= len(bare) <= 260 or claim.lead_ins[0] or bare.endswith("?"):
            continue
        seen.add(bare)
        told = told_of(bare, dice.choice(["it", "they", "they", claim.company or "it"]))
        twists = [(kind, twist(told)) for kind, twist in TWISTS.items()]
        possible = [(kind, text) for kind, text in twists if text and text != told]
        if not possible:
            continue
        made.append(replace(claim, text=told, kind="told", made=True))
        kind, text = dice.choice(possible)
        made.append(replace(claim, text=text, proven=False, kind=kind, made=True))
    by_policy: dict[str, list[Claim]] = {}
    for claim in honest:
        by_policy.setdefault(claim.policy, []).append(claim)
    for claim in honest:
        kind, twist = dice.choice(list(TWISTS.items()))
        text = twist(claim.text)
        if text and text != claim.text and dice.random() < 0.7:
            made.append(replace(claim, text=text, proven=False, kind=kind, made=True))
        if dice.random() < 0.5 and (other := _nearest(claim, by_policy[claim.policy])):
            made.append(
                replace(claim, sentences=other.sentences, bare=other.bare, lead_ins=other.lead_ins, proven=False,
                        kind="other text", made=True)
            )  # fmt: skip
    return made


def _nearest(claim: Claim, others: Iterable[Claim]) -> Claim | None:
    """Of the claims with other evidence, the one whose evidence has most of this claim's words."""
    words = frozenset(content_words(claim.text))
    apart = [other for other in others if not set(other.bare) & set(claim.bare)]
    return max(apart, key=lambda other: len(words & frozenset(content_words(" ".join(other.bare)))), default=None)


def told_of(sentence: str, subject: str) -> str:
    """A sentence of a policy in the third person: "we" becomes the subject, "our" what belongs to it."""
    own = {"it": "its", "they": "their"}.get(subject, f"{subject}'s")
    whom = {"it": "it", "they": "them"}.get(subject, subject)
    told = re.sub(r"\b[Ww]e\b", subject, sentence)
    told = re.sub(r"\b[Oo]ur\b", own, told)
    told = re.sub(r"\b(?:us|Us)\b", whom, told)
    return told[:1].upper() + told[1:]


_AUXILIARY = re.compile(
    r"\b(will|may|can|could|might|must|shall|should|would|do|does|did|is|are|was|were|has|have)\b(?! not\b)"
)
_NEGATION = re.compile(r"\b(?:do|does|did)(?: not|n['’]t) |\b(?<=[a-z] )(?:not|never) |\bcannot\b", re.I)
_CONDITION = re.compile(
    r",?\s*\b(?:only )?(?:unless|except|if you|if we|without your|without the|with your (?:consent|permission|"
    r"approval)|other than|as required by law|where required|subject to|provided that|to the extent|"
    r"only (?:to|for|if|when|with|in|as))\b[^.;]*",
    re.I,
)
_NUMBER = re.compile(r"\b\d{1,4}\b")
_SWAPS = (
    ("third parties", "affiliates"), ("advertisers", "analytics providers"), ("affiliates", "advertisers"),
    ("service providers", "advertisers"), ("e-mail address", "telephone number"), ("email address", "postal address"),
    ("phone number", "email address"), ("parents", "children"), ("name", "age"), ("collect", "sell"), ("use", "sell"),
    ("share", "sell"), ("delete", "keep"), ("sell", "store"), ("cookies", "web beacons"), ("marketing", "security"),
    ("law enforcement", "advertisers"), ("partners", "the public"), ("contact", "track"), ("employees", "advertisers"),
)  # fmt: skip
_WIDER = (
    ("some", "all"), ("certain", "all"), ("may", "will always"), ("might", "will"), ("most", "all"),
    ("generally", "always"), ("usually", "always"), ("sometimes", "always"), ("can", "must"), ("could", "will"),
    ("personal information", "any information"), ("when", "whenever and even if not"),
)  # fmt: skip
_NUMBERS = ("3", "7", "10", "12", "14", "16", "18", "21", "24", "30", "45", "60", "90", "180", "2010", "2018")


def _negated(text: str) -> str:
    match = _AUXILIARY.search(text)
    return f"{text[: match.end()]} not{text[match.end() :]}" if match and not _NEGATION.search(text) else ""


def _affirmed(text: str) -> str:
    return re.sub(r"\s{2,}", " ", _NEGATION.sub("", text, count=1)) if _NEGATION.search(text) else ""


def _unconditional(text: str) -> str:
    match = _CONDITION.search(text)
    left = (text[: match.start()] + text[match.end() :]).strip(" ,") if match else ""
    return left[:1].upper() + left[1:] if len(left.split()) > 3 else ""


def _renumbered(text: str) -> str:
    match = _NUMBER.search(text)
    if not match:
        return ""
    other = _NUMBERS[(sum(map(ord, text)) + int(match.group())) % len(_NUMBERS)]
    return "" if other == match.group() else text[: match.start()] + other + text[match.end() :]


def _replaced(text: str, pairs: Sequence[tuple[str, str]]) -> str:
    found = [(one, other) for one, other in pairs if re.search(rf"\b{one}\b", text)]
    if not found:
        return ""
    one, other = found[sum(map(ord, text)) % len(found)]
    return re.sub(rf"\b{one}\b", other, text, count=1)


TWISTS: Mapping[str, Callable[[str], str]] = {
    "negation": lambda text: _negated(text) or _affirmed(text),
    "condition_dropped": _unconditional,
    "number": _renumbered,
    "wrong_thing": lambda text: _replaced(text, _SWAPS),
    "overgeneralised": lambda text: _replaced(text, _WIDER),
}
"""How a claim is made untrue by rule, by the kind of error; an empty text where it cannot be."""


def _found(source: IndexedPolicy, quotes: Iterable[str]) -> list[tuple[int, int]]:
    folded = fold(source.policy.text)
    spans = []
    for quote in quotes:
        words = fold(quote).text
        at = folded.text.find(words)
        if words and at >= 0:
            spans.append(folded.original(at, at + len(words)))
    return spans


def _sentences(
    source: IndexedPolicy, spans: Iterable[Sequence[int]]
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """The sentences that spans lie in, best first: as the model reads them, bare, and their lead-ins."""
    text = source.policy.text
    found: dict[int, tuple[str, str, str]] = {}
    sentences = source.sentences()
    for start, end in spans:
        for n, (passage, sentence) in enumerate(sentences):
            if min(end, sentence.end) - max(start, sentence.start) >= MIN_OVERLAP * (sentence.end - sentence.start):
                lead = visible(sentence.lead_in.of(text)) if sentence.lead_in else ""
                found.setdefault(
                    n, (sentence_text(source.policy, passage, sentence), visible(sentence.span.of(text)), lead)
                )
    rows = list(found.values())[:MOST_SENTENCES]
    return tuple(row[0] for row in rows), tuple(row[1] for row in rows), tuple(row[2] for row in rows)


# --- measuring --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Calibration:
    """Makes log-odds mean what they say (Platt): probability = 1 / (1 + exp(-(slope × log-odds + intercept)))."""

    slope: float = 1.0
    intercept: float = 0.0

    @classmethod
    def fit(cls, logits: Vectors, proven: Sequence[bool]) -> Calibration:
        """Fits on claims that training did not see."""
        from sklearn.linear_model import LogisticRegression

        model = LogisticRegression(C=100.0).fit(np.asarray(logits).reshape(-1, 1), list(proven))
        return cls(float(model.coef_[0, 0]), float(model.intercept_[0]))

    def __call__(self, logits: Vectors) -> Vectors:
        """The probabilities."""
        return np.asarray(1 / (1 + np.exp(-(self.slope * logits + self.intercept))))


def passes(claim: Claim) -> bool:
    """Whether no rule objects."""
    proof = [*filter(None, claim.lead_ins), *claim.bare]
    return not objections(claim.text, proof, question=claim.question, company=claim.company)


def threshold(claims: Sequence[Claim], chances: Vectors, let_through: float) -> float:
    """The lowest probability at which at most this share of the unproven claims gets through, the rules included."""
    wrong = sorted((float(p) for c, p in zip(claims, chances, strict=True) if not c.proven and passes(c)), reverse=True)
    allowed = int(let_through * sum(not claim.proven for claim in claims))
    return float(np.nextafter(wrong[allowed], 1.0)) if allowed < len(wrong) else 0.0


def figures(claims: Sequence[Claim], chances: Vectors, least: float) -> dict[str, dict[str, tuple[int, float]]]:
    """By check ("rules", "model", "both") and kind of claim: how many there are and the share that holds."""
    ruled = np.array([passes(claim) for claim in claims])
    modelled = np.asarray(chances, dtype=np.float64) >= least
    found: dict[str, dict[str, tuple[int, float]]] = {}
    for name, holds in (("rules", ruled), ("model", modelled), ("both", ruled & modelled)):
        kinds = {claim.kind for claim in claims}
        rows = {kind: [h for c, h in zip(claims, holds, strict=True) if c.kind == kind] for kind in sorted(kinds)}
        rows["all proven"] = [h for c, h in zip(claims, holds, strict=True) if c.proven]
        rows["all unproven"] = [h for c, h in zip(claims, holds, strict=True) if not c.proven]
        found[name] = {kind: (len(row), float(np.mean(row))) for kind, row in rows.items() if row}
    return found


# --- the model --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class EntailmentRecipe:
    """How to train.

    Attributes:
        claims: in a step.
        frozen: so many of the lowest layers stay as they are, and the embeddings with them.
        bare: share of claims whose sentences are shown without section.
        tokens_at_once: claims of like length share a pass of at most so many tokens.
    """

    epochs: int = 2
    learning_rate: float = 1e-4
    warm_up: float = 0.06
    claims: int = 16
    frozen: int = 2
    bare: float = 0.3
    smoothing: float = 0.04
    dropout: float = 0.1
    typos: float = 0.05
    tokens_at_once: int = 1536
    seed: int = 0


class TrainableEntailment:
    """The model of entailment in torch, starting from the weights of a judge or of a sentence encoder."""

    def __init__(self, recipe: EntailmentRecipe, encoder: TrainableEncoder, start: Path | None = None) -> None:
        """
        Args:
            recipe: how to train.
            encoder: whose weights, tokenizer and device are used.
            start: weights of a judge to begin with instead of the encoder's.
        """
        import copy

        import torch

        torch.manual_seed(recipe.seed)
        self.recipe = recipe
        self._device = encoder.device
        self._tokenizer = encoder.tokenizer
        self._model: Any = copy.deepcopy(encoder.model)
        self._head: Any = torch.nn.Linear(2 * encoder.dimension, 1).to(self._device)
        if start:
            from safetensors.torch import load_file

            stored = {name: value.float() for name, value in load_file(str(start)).items()}
            head = {name: stored.pop(name) for name in list(stored) if name.startswith("head.")}
            self._model.load_state_dict(stored)
            if head["head.bias"].shape == self._head.bias.shape:
                self._head.load_state_dict({name.removeprefix("head."): value for name, value in head.items()})
        self._model.embeddings.requires_grad_(requires_grad=False)
        for layer in self._model.encoder.layer[: recipe.frozen]:
            layer.requires_grad_(requires_grad=False)

    def logits(self, claims: Sequence[Claim]) -> Vectors:
        """The log-odds of each claim's being proven, before calibration."""
        import torch

        self._model.eval()
        pairs = [(n, self._ids(claim, None)) for n, claim in enumerate(claims)]
        found = np.zeros(len(claims), dtype=np.float32)
        with torch.no_grad():
            for part in self._parts(pairs):
                found[[n for n, _ in part]] = self._scores([ids for _, ids in part]).cpu().numpy()
        return found

    def train(self, claims: Sequence[Claim], report: Callable[[str], None], minutes: float | None = None) -> None:
        """Trains on all claims; after so many minutes it ends early, the learning rate falling accordingly."""
        import torch

        recipe = self.recipe
        dice = random.Random(recipe.seed)  # noqa: S311 - shuffling, not secrets
        steps = recipe.epochs * -(-len(claims) // recipe.claims)
        trained = [weight for weight in self._model.parameters() if weight.requires_grad]
        optimizer = torch.optim.AdamW(
            [{"params": trained}, {"params": self._head.parameters(), "lr": 1e-3}],
            lr=recipe.learning_rate,
            weight_decay=0.01,
            fused=True,
        )
        started, done = time.monotonic(), 0

        def progress(step: int) -> float:
            spent = (time.monotonic() - started) / (60 * minutes) if minutes else 0.0
            return max(step / steps, spent)

        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: min((step + 1) / (recipe.warm_up * steps), max(0.02, 1 - progress(step)))
        )
        for epoch in range(1, recipe.epochs + 1):
            self._model.train()
            total = 0.0
            for n, batch in enumerate(_like_length(claims, recipe.claims, dice)):
                if progress(0) >= 1:
                    report(f"time is up after {done} claims")
                    return
                total += self._step(batch, dice)
                torch.nn.utils.clip_grad_norm_([*trained, *self._head.parameters()], 1.0)
                optimizer.step()
                optimizer.zero_grad()
                schedule.step()
                done += len(batch)
                if n % 20 == 19:
                    speed = done / (time.monotonic() - started)
                    report(f"epoch {epoch}, step {n + 1}: loss {total / (n + 1):.3f}, {speed:.1f} claims/s")
            report(f"entailment, epoch {epoch} of {recipe.epochs}: loss {total * recipe.claims / len(claims):.3f}")

    def save(self, path: Path, calibration: Calibration) -> None:
        """Writes the weights in half precision, as safetensors, with their graph, their hashes and the calibration."""
        head = {f"head.{name}": value for name, value in self._head.state_dict().items()}
        save_weights(path, {**self._model.state_dict(), **head}, pair_judge)
        path.chmod(0o644)
        record = path.with_suffix(".json")
        recorded = json.loads(record.read_text(encoding="utf-8"))
        recorded |= {"slope": round(calibration.slope, 4), "intercept": round(calibration.intercept, 4)}
        record.write_text(json.dumps(recorded, indent=2) + "\n", encoding="utf-8")

    def _step(self, batch: Sequence[Claim], dice: random.Random) -> float:
        """Adds up the gradients of one batch, a few claims at a time; returns its loss."""
        import torch

        total = 0.0
        for part in self._parts([(n, self._ids(claim, dice)) for n, claim in enumerate(batch)]):
            wanted = torch.tensor([float(batch[n].proven) for n, _ in part], device=self._device)
            wanted = wanted * (1 - 2 * self.recipe.smoothing) + self.recipe.smoothing
            scores = self._scores([ids for _, ids in part])
            loss = torch.nn.functional.binary_cross_entropy_with_logits(scores, wanted, reduction="sum") / len(batch)
            loss.backward()  # type: ignore[no-untyped-call]
            total += float(loss.detach())
        return total

    def _parts(self, pairs: Sequence[tuple[int, Any]]) -> Iterator[list[tuple[int, Any]]]:
        """The claims in groups of like length, so that little is spent on padding."""
        part: list[tuple[int, Any]] = []
        for pair in sorted(pairs, key=lambda pair: len(pair[1][0])):
            if part and (len(part) + 1) * len(pair[1][0]) > self.recipe.tokens_at_once:
                yield part
                part = []
            part.append(pair)
        if part:
            yield part

    def _ids(self, claim: Claim, dice: random.Random | None) -> tuple[list[int], list[int]]:
        """Tokens and kinds; with dice, a little otherwise each time."""
        sentences = list(claim.sentences)
        question = claim.question
        if dice:
            if dice.random() < self.recipe.bare:
                sentences = [
                    f"{lead} {bare}" if lead else bare for lead, bare in zip(claim.lead_ins, claim.bare, strict=True)
                ]
            question = noisy(question, self.recipe.typos, dice)
        rows = self._tokenizer([posed(claim.text, question), " ".join(sentences)], add_special_tokens=False)[
            "input_ids"
        ]
        ids = claim_ids(rows[0], rows[1]) or claim_ids(rows[0][:40], rows[1])
        assert ids is not None
        return ids

    def _scores(self, pairs: Sequence[tuple[list[int], list[int]]]) -> torch.Tensor:
        """The log-odds, shape (pairs,)."""
        import torch

        ids = torch.zeros(len(pairs), max(len(pair[0]) for pair in pairs), dtype=torch.long)
        mask, kinds = torch.zeros_like(ids), torch.zeros_like(ids)
        for i, (tokens, of_kind) in enumerate(pairs):
            n = len(tokens)
            ids[i, :n], mask[i, :n], kinds[i, :n] = torch.tensor(tokens), 1, torch.tensor(of_kind)
        ids, mask, kinds = (each.to(self._device) for each in (ids, mask, kinds))
        with on_device(self._device):
            states = self._model(input_ids=ids, attention_mask=mask, token_type_ids=kinds).last_hidden_state
        states = states.float()
        weights = mask.unsqueeze(-1)
        pooled = torch.cat([states[:, 0], (states * weights).sum(1) / weights.sum(1)], dim=1)
        dropped = torch.nn.functional.dropout(pooled, self.recipe.dropout, training=self._model.training)
        scores: torch.Tensor = self._head(dropped).squeeze(1)
        return scores


def _like_length(claims: Sequence[Claim], size: int, dice: random.Random) -> list[list[Claim]]:
    """Shuffled batches whose claims are of like length."""
    order = list(claims)
    dice.shuffle(order)
    batches = []
    for start in range(0, len(order), 16 * size):
        chunk = sorted(order[start : start + 16 * size], key=lambda c: len(c.text) + sum(map(len, c.sentences)))
        batches += [chunk[a : a + size] for a in range(0, len(chunk), size)]
    dice.shuffle(batches)
    return batches


# --- the command ------------------------------------------------------------------------------------------------------


def main() -> None:
    """Trains, prints figures to standard error, writes the weights."""
    parser = argparse.ArgumentParser(prog="python -m qa.training.entailment", description=__doc__)
    parser.add_argument("--index", type=Path, required=True, help="index that holds the policies")
    parser.add_argument("--cases", type=Path, required=True, help="annotated questions, JSON Lines")
    parser.add_argument("--claims", type=Path, default=CLAIMS, help="claims written one by one, JSON Lines")
    parser.add_argument("--unseen", type=Path, help="questions about other policies, only to measure on")
    models = Path(__file__).parent.parent / "models"
    parser.add_argument("--start", type=Path, default=models / "judge.safetensors", help="weights to begin with")
    parser.add_argument("--out", type=Path, default=models, help="folder of the weights")
    parser.add_argument("--epochs", type=int, default=EntailmentRecipe().epochs)
    parser.add_argument("--minutes", type=float, help="end training after so long")
    parser.add_argument("--held-out", type=int, default=HELD_OUT, help="one policy in so many is kept for measuring")
    parser.add_argument("--seed", type=int, default=EntailmentRecipe().seed)
    options = parser.parse_args()
    started = time.monotonic()

    def report(line: str) -> None:
        print(f"{time.monotonic() - started:6.0f} s  {line}", file=sys.stderr, flush=True)

    files = [path for path in (options.claims, options.cases, options.unseen) if path]
    lines = {path: [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()] for path in files}
    sources = _read(options.index, {json.loads(line)["policy"] for each in lines.values() for line in each})
    dice = random.Random(options.seed)  # noqa: S311 - variety, not secrets
    claims = written_claims(lines[options.claims], sources)
    claims += answered_claims(lines[options.cases], sources, dice)
    held_out = set(sorted({claim.policy for claim in claims})[:: options.held_out])
    training = training_set([claim for claim in claims if claim.policy not in held_out], dice)
    measured = [claim for claim in claims if claim.policy in held_out]
    proven = sum(claim.proven for claim in training)
    report(f"{len(training)} claims to train on, {proven} of them proven; {len(measured)} held out")

    recipe = replace(EntailmentRecipe(), epochs=options.epochs, seed=options.seed)
    model = TrainableEntailment(recipe, TrainableEncoder(Recipe()), options.start)
    model.train(training, report, options.minutes)
    logits = model.logits(measured)
    likely = [n for n, claim in enumerate(measured) if passes(claim)]
    calibration = Calibration.fit(logits[likely], [measured[n].proven for n in likely])
    model.save(options.out / "entailment.safetensors", calibration)
    report_figures(measured, calibration(logits), report)
    if options.unseen:
        unseen = answered_claims(lines[options.unseen], sources, dice, "unseen answer")
        report_figures(unseen, calibration(model.logits(unseen)), report)
    report("done")


def training_set(claims: Sequence[Claim], dice: random.Random) -> list[Claim]:
    """Claims and contrasts made of them, of which the rules let through: the others never come before the model."""
    made = contrasts(claims, dice)
    told = [claim for claim in made if claim.proven]
    dice.shuffle(told)
    return [claim for claim in [*claims, *(c for c in made if not c.proven), *told[:MOST_TOLD]] if passes(claim)]


def report_figures(claims: Sequence[Claim], chances: Vectors, report: Callable[[str], None]) -> None:
    """The share of claims that hold, by kind, with rules, model and both."""
    for name, rows in figures(claims, chances, LEAST_PROBABILITY).items():
        report(f"{name}: " + ", ".join(f"{kind} {share:.3f} of {count}" for kind, (count, share) in rows.items()))
    report(f"2 in 100 of the unproven get through at {threshold(claims, chances, 0.02):.3f}")


def _read(index: Path, stems: Iterable[str]) -> dict[str, IndexedPolicy]:
    with Library.open(index) as library:
        return {stem: library.read(find_scope(library.cards(), stem)) for stem in stems}


if __name__ == "__main__":
    main()
