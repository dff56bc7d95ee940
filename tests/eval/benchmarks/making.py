"""An engine without models, and figures of rows, for the tests of the benchmarks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from eval.benchmarks.scoring import Benchmark, Engine, Item, Row, figures_of
from eval.rivals import FirstSentences
from qa.encoders import HashingEncoder
from qa.settings import load_settings

POLICY = (
    "> *The following text is extracted and transformed from the shop.example privacy policy that was archived on"
    " 2020-01-02. Please check the [original page](http://shop.example/) for the most accurate reproduction.*\n\n"
    "# Privacy Policy of Shop\n\nWe use cookies to remember what is in your cart while you visit our site.\n\n"
    "Shop does not sell your personal information to other companies.\n\n"
    "We keep the records of your orders for seven years, because the law requires that we do.\n\n"
    "When you order something, we ask for your name, your address and your telephone number, so that we can send it"
    " to you and tell you when it will arrive. We use this information for nothing else, and we do not combine it with"
    " what others know about you.\n\n"
    "You can write to us at any time and we will delete your account and your e-mail address. If we change this"
    " policy, we will say so on this page, with the date of the change, a month before it takes effect.\n"
)
"""The file of a policy that is long enough to be taken for one."""


def engine(tmp_path: Path, *, most: int = 1) -> Engine:
    """Cites the first sentences that share words with the question, and is silent where none does."""
    settings = load_settings({"index": tmp_path / "index", "cache": tmp_path / "cache"}, environ={})
    return Engine(settings, HashingEncoder(), FirstSentences("bm25", most))


def rows_of(benchmark: Benchmark, items: Sequence[Item], tmp_path: Path, *, most: int = 1) -> list[Row]:
    with (own := engine(tmp_path, most=most)).open_until_done:
        ask = benchmark.prepare(items, own, lambda *_: None)
        return [ask(item) for item in items]


def figures(benchmark: Benchmark, rows: Sequence[Row]) -> dict[str, float | None]:
    return figures_of(benchmark.about, rows)
