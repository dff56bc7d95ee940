from __future__ import annotations

import contextlib
import datetime as dt
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from ingest.apart import read_apart
from ingest.chunking import cut
from ingest.parsing import Hints
from ingest.pipeline import ingest, manifest_of, prepare
from ingest.sources import Source
from qa.encoders import HashingEncoder
from qa.errors import PolicyRefused
from qa.library import Library
from qa.settings import Settings
from qa.store import MemoryIndex
from tests.ingest.making import POLICY, source

LONG = 15_000


def filled(text: str) -> str:
    """A real policy with a flood behind it."""
    return POLICY + "\n" + (text * (LONG // len(text) + 1))[:LONG]


def noise() -> str:
    chosen = random.Random(7)
    return POLICY + "".join(chosen.choice("we share data .,;:\n*#_[]()<>|-\"'`&$1") for _ in range(LONG))


HOSTILE = {
    "a million tiny lines": filled("a\n"),
    "only line ends": filled("\n"),
    "only blanks": filled(" ") + "x",
    "numbered nothing": filled("1. "),
    "numbers that differ": POLICY + " ".join(f"{n}." for n in range(LONG // 6)),
    "images that load": filled("![x](http://evil.example/x.png) "),
    "unclosed links": filled("[a]("),
    "unclosed tags": filled("<a "),
    "scripts": filled("<script>alert(1)</script> We share personal data. "),
    "an event handler": POLICY + '<img src=x onerror="alert(1)">',
    "a javascript link": POLICY + "[our data](javascript:alert(1))",
    "a template": POLICY + "${alert(1)} {{constructor.constructor('alert(1)')()}}",
    "direction overrides": filled("\u202ewe share your personal data\u202c "),
    "invisible joins": filled("\u200d"),
    "combining marks": POLICY + "e" + "\u0301" * LONG,
    "a zalgo of emoji": filled("👩‍👩‍👧‍👦"),
    "one word": filled("x"),
    "one sentence": filled("we share personal data with third parties and "),
    "the same sentence": filled("We share your personal information with third parties. "),
    "a table without end": filled("| we share | your data |\n"),
    "a row without end": filled("| we share your data "),
    "headings all the way": filled("###### We sell personal information\n"),
    "lists in lists": POLICY + "".join(f"{' ' * (n % 300)}* we share your data\n" for n in range(400)),
    "colons": filled("We share your personal data:\n"),
    "names": POLICY + " ".join(f'Name{n} ("we") may share personal data.' for n in range(500)),
    "emphasis": filled("_a*"),
    "lone surrogates": POLICY + "\ud800\udfff" * 100,
    "noise": noise(),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_text_is_read_or_refused_in_bounded_time(name: str) -> None:
    data = HOSTILE[name].encode("utf-8", "surrogatepass")
    began = time.perf_counter()
    with contextlib.suppress(PolicyRefused):
        found = read_apart(Source("pasted text", data, ".txt"), Hints(), max_chars=500_000, seconds=1.5)
        text = found.policy.text
        assert all(0 <= p.start < p.end <= len(text) for p in found.passages)
        assert all(p.start <= s.start < s.end <= p.end for p in found.passages for s in p.sentences)
    assert time.perf_counter() - began < 12


def test_what_takes_too_long_is_ended_and_said() -> None:
    with pytest.raises(PolicyRefused, match="too long") as refusal:
        read_apart(source(), Hints(), max_chars=500_000, seconds=0.01)
    assert refusal.value.reason == "unreadable"


def test_a_bug_is_told_from_a_bad_text_and_quotes_nothing_of_it() -> None:
    with pytest.raises(RuntimeError, match=r"(?s)failed: TypeError\n.*in screen") as failure:
        read_apart(Source("pasted text", POLICY.encode(), ".txt"), Hints(), max_chars=cast("int", "Acme Tools"))
    assert "Acme" not in str(failure.value)


def test_the_other_process_is_bounded_and_leaves_no_image_of_itself() -> None:
    look = (
        "import resource as r; from ingest.apart import _bound; _bound(10);"
        "print(*(r.getrlimit(each)[1] for each in (r.RLIMIT_AS, r.RLIMIT_CPU, r.RLIMIT_CORE)))"
    )
    said = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True).stdout
    assert said.split() == [str(1 << 30), "20", "0"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"We share data.", "too_short"),
        (b"\x00\x01\x02" * 400, "not_text"),
        ("Wir geben Ihre Daten nicht weiter und schützen sie gut. ".encode() * 40, "not_english"),
        (b"The cat sat on the mat and it was not a dog at all. " * 40, "not_a_policy"),
        (POLICY.encode() * 20, "too_large"),
    ],
)
def test_the_reasons_of_a_refusal_are_those_of_ingest(data: bytes, reason: str) -> None:
    with pytest.raises(PolicyRefused) as refusal:
        read_apart(Source("pasted text", data, ".txt"), Hints(), max_chars=10_000)
    assert refusal.value.reason == reason


def test_a_text_that_says_whose_it_is_needs_no_domain() -> None:
    policy = read_apart(Source("pasted text", POLICY.encode(), ".txt"), Hints(), max_chars=10_000).policy
    assert policy.company == "Acme Tools"
    assert "acme tools" in policy.aliases
    assert not any("unknown" in alias for alias in policy.aliases)
    assert policy.warnings == ()


def test_a_text_that_does_not_say_whose_it_is_has_no_company_and_answers_to_no_name() -> None:
    text = POLICY.replace('Acme Tools ("we" or "us") respects', "We respect").replace("Acme Tools ", "Our ")
    policy = read_apart(Source("pasted text", text.encode(), ".txt"), Hints(), max_chars=10_000).policy
    assert (policy.company, policy.aliases) == ("", ())


def test_what_its_reader_says_wins() -> None:
    hints = Hints(company="Nimbus  \u202eBoats", archived_on=dt.date(2012, 3, 4))
    policy = read_apart(Source("pasted text", POLICY.encode(), ".txt"), hints, max_chars=10_000).policy
    assert policy.archived_on == dt.date(2012, 3, 4)
    assert policy.company.startswith("Nimbus")
    assert any(alias.startswith("nimbus") for alias in policy.aliases)


def test_a_prepared_policy_is_what_ingest_would_have_stored(tmp_path: Path) -> None:
    settings = Settings(index=tmp_path / "index", cache=tmp_path / "cache")
    encoder = HashingEncoder()
    with Library.open_for_writing(settings.index, manifest_of(encoder)) as library:
        ingest([source()], library, MemoryIndex(), encoder, settings=settings)
        stored = library.read("acme.example@2020-02-03")
    prepared = prepare(source(), encoder, settings=settings)
    assert prepared.policy == stored.policy
    assert prepared.passages == stored.passages == cut(stored.policy)
    assert np.allclose(prepared.sentence_vectors, stored.sentence_vectors, atol=1e-3)
    assert np.allclose(prepared.passage_vectors, stored.passage_vectors, atol=1e-3)


def test_preparing_a_policy_writes_nothing(tmp_path: Path) -> None:
    settings = Settings(index=tmp_path / "index", cache=tmp_path / "cache")
    prepare(source(), HashingEncoder(), settings=settings)
    assert list(tmp_path.iterdir()) == []
