"""How fast passages and sentences are encoded, beside what the machine can multiply at all.

The encoder's work is matrix products. How many of them a text needs follows from the model's shape; how many the
machine does in a second is measured with products of the model's own size, in turns with the encoding, so that a busy
moment meets both.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np

from qa.encoders import cpu_has_amx_bf16, open_encoder, processors
from qa.settings import Settings, load_settings

__all__ = ["Rate", "operations", "rates"]

_WIDTH: Final = 384
_INNER: Final = 1_536
_LAYERS: Final = 6
_ROWS: Final = 4_096
"""Enough for several processors to share a product without waiting for each other."""
_OF_PRODUCT: Final = 2 * _ROWS * _WIDTH * _INNER
_LEAST_S: Final = 0.5
_TEXTS: Final = 400
"""Passages and sentences as they come, a few seconds' work."""


@dataclass(frozen=True, slots=True)
class Rate:
    """What was done in one turn.

    Attributes:
        encoding: billions of multiplications and additions a second that texts needed, padding not counted.
        product: the same of plain matrix products.
        tokens: encoded in a second.
        format: of the products' numbers: fp32, or bf16 where the processor has it.
        encoding_cpu, product_cpu: the same as the first two for a second of one processor's time, whatever else it did.
    """

    encoding: float
    product: float
    tokens: float
    format: str
    encoding_cpu: float
    product_cpu: float

    @property
    def share(self) -> float:
        """Encoding as a share of what plain products reach."""
        return self.encoding / self.product

    @property
    def share_cpu(self) -> float:
        """The same of processor time, which holds on a busy machine too."""
        return self.encoding_cpu / self.product_cpu


def operations(tokens: int) -> int:
    """Multiplications and additions that a text of so many tokens needs (all-MiniLM-L6-v2's shape).

    A layer has four products of width x width and two of width x inner a token, and for attention two of width with
    every token; each product is a multiplication and an addition.
    """
    products = 4 * _WIDTH * _WIDTH + 2 * _WIDTH * _INNER
    return 2 * _LAYERS * tokens * (products + 2 * _WIDTH * tokens)


def rates(texts: Sequence[str], settings: Settings, turns: int) -> Iterator[Rate]:
    """Encodes the texts so many times, in turns with matrix products, on all processors."""
    encoder = open_encoder(settings)
    counts = encoder.token_counts(texts)
    needed, tokens = sum(map(operations, counts)), sum(counts)
    encoder.encode_texts(texts)  # loads the model
    multiply, form = _product()
    multiply()
    for _ in range(turns):
        product, encoding = _spent(multiply), _spent(lambda: encoder.encode_texts(texts))
        yield Rate(
            encoding=needed / encoding.wall_s / 1e9,
            product=_OF_PRODUCT / product.wall_s / 1e9,
            tokens=tokens / encoding.wall_s,
            format=form,
            encoding_cpu=needed / encoding.cpu_s / 1e9,
            product_cpu=_OF_PRODUCT / product.cpu_s / 1e9,
        )


@dataclass(frozen=True, slots=True)
class _Spent:
    wall_s: float
    cpu_s: float


def _spent(work: Callable[[], object]) -> _Spent:
    """What it takes once, on average over at least half a second of either."""
    times, began, began_cpu = 0, time.perf_counter(), time.process_time()
    while True:
        work()
        times += 1
        wall_s, cpu_s = time.perf_counter() - began, time.process_time() - began_cpu
        if min(wall_s, cpu_s) >= _LEAST_S:
            return _Spent(wall_s / times, cpu_s / times)


def _product() -> tuple[Callable[[], object], str]:
    """A matrix product of the model's own size on all processors, and the format of its numbers."""
    try:
        import torch
    except ImportError:  # an image that only answers has none
        one, other = (np.ones(shape, dtype=np.float32) for shape in ((_ROWS, _WIDTH), (_WIDTH, _INNER)))
        return lambda: one @ other, "fp32"
    torch.set_num_threads(processors())
    form = torch.bfloat16 if cpu_has_amx_bf16() else torch.float32
    left, right = torch.rand(_ROWS, _WIDTH, dtype=form), torch.rand(_WIDTH, _INNER, dtype=form)
    return lambda: left @ right, "bf16" if form is torch.bfloat16 else "fp32"


def _texts(policies: Path, most: int) -> list[str]:
    """What ingest would encode of the first policies of a folder, so many texts of it."""
    from ingest.apart import read_policy
    from ingest.chunking import cut, passage_text, sentence_text
    from ingest.parsing import Hints
    from ingest.sources import Source, find_sources
    from qa.errors import PolicyRefused

    found: dict[str, None] = {}
    for source in find_sources([policies]):
        if len(found) >= most:
            break
        if not isinstance(source, Source):
            continue
        try:
            policy = read_policy(source, Hints(), max_chars=load_settings().max_policy_chars)
        except PolicyRefused:
            continue
        for passage in cut(policy):
            found[passage_text(policy, passage)] = None
            found.update((sentence_text(policy, passage, sentence), None) for sentence in passage.sentences)
    return list(found)[:most]


def main(arguments: Sequence[str] | None = None) -> int:
    """A process that is measured: says each turn, a JSON object a line."""
    parser = argparse.ArgumentParser(prog="python -m eval.rates", description="Used by `fineprint bench`.")
    parser.add_argument("--policies", type=Path, required=True)
    parser.add_argument("--turns", type=int, required=True)
    options = parser.parse_args(arguments)
    said = sys.stdout
    with redirect_stdout(sys.stderr):  # what a library prints must not come between the lines
        for rate in rates(_texts(options.policies, _TEXTS), load_settings(), options.turns):
            said.write(json.dumps({"what": "Rate", **asdict(rate)}) + "\n")
            said.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
