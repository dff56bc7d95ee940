from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ingest.chunking import CHUNKER
from ingest.parsing import Hints
from ingest.pipeline import _BATCH_TEXTS, Progress, Report, ingest, ingest_paths, manifest_of, rebuild, sample_paths
from ingest.sources import Source, find_sources
from qa.domain import Vectors
from qa.encoders import HashingEncoder
from qa.errors import IndexForeign, IndexMissing
from qa.library import Library, Manifest
from qa.settings import Settings
from qa.store import MemoryIndex
from tests.ingest.making import POLICY, source


class CountingEncoder(HashingEncoder):
    """Notes what it was asked to encode."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[list[str]] = []

    def encode_texts(self, texts: Sequence[str], on_progress: Callable[[int], None] | None = None) -> Vectors:
        self.calls.append(list(texts))
        return super().encode_texts(texts, on_progress)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(index=tmp_path / "index", cache=tmp_path / "cache")


@pytest.fixture
def encoder() -> CountingEncoder:
    return CountingEncoder()


@pytest.fixture
def library(settings: Settings, encoder: CountingEncoder) -> Iterator[Library]:
    with Library.open_for_writing(settings.index, manifest_of(encoder)) as opened:
        yield opened


@pytest.fixture
def take(library: Library, settings: Settings, encoder: CountingEncoder) -> Callable[..., Report]:
    index = MemoryIndex()

    def run(*sources: Source, hints: Hints | None = None) -> Report:
        report = ingest(sources, library, index, encoder, settings=settings, hints=hints)
        assert index.policy_ids() == set(library.hashes())
        assert report.read == report.added + report.unchanged + report.replaced + len(report.refused)
        return report

    return run


Take = Callable[..., Report]


def test_the_samples_go_in_once_and_then_are_unchanged(settings: Settings, encoder: CountingEncoder) -> None:
    first = ingest_paths(sample_paths(), settings, encoder=encoder)
    again = ingest_paths(sample_paths(), settings, encoder=encoder)
    assert (first.added, first.unchanged, first.refused, first.flagged) == (4, 0, (), ())
    assert (again.added, again.unchanged, again.replaced) == (0, 4, 0)
    assert len(encoder.calls) == 1
    with Library.open(settings.index) as library:
        assert [card.company for card in library.cards()] == ["ExOfficio", "Free People", "Malleries", "Perricone MD"]


def test_vectors_are_those_of_the_passages_and_sentences_in_order(take: Take, library: Library) -> None:
    take(source())
    indexed = library.read("acme.example@2020-02-03")
    assert len(indexed.passage_vectors) == len(indexed.passages)
    assert len(indexed.sentence_vectors) == len(indexed.sentences())
    (row,) = [
        n
        for n, (_, s) in enumerate(indexed.sentences())
        if s.span.of(POLICY).startswith("sell your personal information")
    ]
    expected = HashingEncoder().encode_texts(["Sharing: We do not: sell your personal information to anybody;"])[0]
    assert np.allclose(indexed.sentence_vectors[row], expected, atol=1e-3)  # stored as float16


def test_a_changed_policy_is_replaced_and_another_version_is_added(take: Take, library: Library) -> None:
    take(source())
    changed = take(source(POLICY + "\nWe also keep your age.\n"), source(name="acme.example__2021-01-01.md"))
    assert (changed.replaced, changed.added) == (1, 1)
    assert library.read("acme.example@2020-02-03").policy.text.endswith("your age.\n")


def test_equal_sentences_are_encoded_once_in_a_run(take: Take, encoder: CountingEncoder) -> None:
    take(source(), source(name="acme.example__2021-01-01.md"))
    texts = [text for call in encoder.calls for text in call]
    sentences = [text for text in texts if not text.startswith("Acme · ")]
    assert len(sentences) == len(set(sentences))
    assert len(texts) - len(sentences) == 6  # three passages, twice, for they begin with the date


def test_what_is_broken_is_refused_and_the_rest_goes_on(take: Take) -> None:
    report = take(
        source("", "empty.example__2020-01-01.md"),
        source(name="policy.md"),
        Source("binary.example.md", b"\x81\x8d"),
        source(),
    )
    assert [refusal.reason for refusal in report.refused] == ["empty", "missing_domain", "not_text"]
    assert report.refused[0].name == "empty.example__2020-01-01.md"
    assert report.added == 1


def test_two_files_of_one_id_must_be_alike(take: Take, library: Library) -> None:
    report = take(source(), source(), source(POLICY + "\nWe also keep your age.\n"))
    assert (report.added, report.unchanged) == (1, 1)
    assert [refusal.reason for refusal in report.refused] == ["duplicate_id"]
    assert library.read("acme.example@2020-02-03").policy.text == POLICY


def test_a_policy_without_a_date_stays_the_version_of_its_first_day(take: Take, library: Library) -> None:
    take(source(name="acme.example.md"))
    (first,) = library.cards()
    earlier = library.read(first.id)
    old = replace(earlier, policy=replace(earlier.policy, archived_on=dt.date(2020, 1, 1)))
    library.remove(first.id)
    library.put(old)
    assert take(source(name="acme.example.md")).unchanged == 1
    assert take(source(POLICY + "\nWe also keep your age.\n", "acme.example.md")).added == 1


def test_hints_name_what_a_file_does_not(take: Take, library: Library) -> None:
    take(source(name="policy.md"), hints=Hints(domain="tools.example", archived_on=dt.date(2012, 1, 1)))
    assert set(library.hashes()) == {"tools.example@2012-01-01"}


def test_warnings_are_flagged_and_kept(take: Take, library: Library) -> None:
    report = take(source(POLICY + "\nWe may also give your address to those companies that"))
    (flag,) = report.flagged
    assert (flag.policy_id, flag.warning) == ("acme.example@2020-02-03", "The text seems to be cut off at its end.")
    assert library.cards()[0].warnings == (flag.warning,)


def test_progress_tells_each_file(settings: Settings, encoder: CountingEncoder, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("a.example__2020-01-01.md", "b.example__2020-01-01.md", "page.rtf"):
        (folder / name).write_text(POLICY)
    seen: list[Progress] = []
    report = ingest_paths([folder], settings, encoder=encoder, on_progress=seen.append)
    assert [(each.done, each.total, Path(each.name).name[0]) for each in seen] == [(1, 2, "a"), (2, 2, "b")]
    assert report.skipped == 1


def test_a_page_in_html_is_ingested_and_one_without_a_policy_is_refused(
    settings: Settings, encoder: CountingEncoder, tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    paragraphs = "".join(f"<p>{each}</p>" for each in POLICY.split("\n\n"))
    (folder / "acme.example__2020-02-03.html").write_text(f"<!doctype html><title>Privacy</title>{paragraphs}")
    (folder / "app.example__2020-02-03.html").write_text("<!doctype html><div id=root></div><script src=x></script>")
    report = ingest_paths([folder], settings, encoder=encoder)
    assert (report.added, [each.reason for each in report.refused]) == (1, ["script"])
    assert ingest_paths([folder], settings, encoder=encoder).unchanged == 1


def test_lines_are_ingested_one_by_one_and_a_page_among_them_as_a_page(
    settings: Settings, library: Library, encoder: CountingEncoder, tmp_path: Path
) -> None:
    page = "".join(f"<p>{each}</p>" for each in POLICY.split("\n\n"))
    said = [
        {"domain": "acme.example", "date": "2020-02-03", "text": POLICY},
        {"domain": "beta.example", "date": "2020-02-03", "html": page},
        {"text": POLICY},
        {"domain": "acme.example", "date": "2021-02-03", "text": POLICY},
    ]
    file = tmp_path / "all.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in said))
    seen: list[int | None] = []
    report = ingest(
        find_sources([file]),
        library,
        MemoryIndex(),
        encoder,
        settings=settings,
        on_progress=lambda p: seen.append(p.total),
    )
    assert (report.read, report.added) == (4, 3)
    assert [(refusal.name, refusal.reason) for refusal in report.refused] == [(f"{file}:3", "missing_domain")]
    assert set(library.hashes()) == {"acme.example@2020-02-03", "beta.example@2020-02-03", "acme.example@2021-02-03"}
    assert library.read("beta.example@2020-02-03").policy.provenance["archived_on"] == "line"
    assert seen == [4] * 4


def test_an_interruption_leaves_whole_policies_and_the_next_run_completes(
    library: Library, settings: Settings, encoder: CountingEncoder, take: Take
) -> None:
    # Each has 208 sentences (200 and eight of POLICY); once enough for a batch wait, they are stored together.
    full = math.ceil(_BATCH_TEXTS / 208)

    def sources() -> Iterator[Source]:
        for n in range(full + 2):
            text = POLICY + "\n".join(f"We share personal information of kind {k} from shop {n}." for k in range(200))
            yield source(text, f"site{n}.example__2020-01-01.md")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ingest(sources(), library, MemoryIndex(), encoder, settings=settings)
    kept = set(library.hashes())
    assert len(kept) == full
    assert all(len(library.read(policy_id).sentence_vectors) == 208 for policy_id in kept)
    report = take(*_all(sources))
    assert (report.unchanged, report.added) == (full, 2)


def _all(sources: Callable[[], Iterator[Source]]) -> Iterator[Source]:
    try:
        yield from sources()
    except KeyboardInterrupt:
        return


def test_an_index_of_another_chunker_is_refused_and_rebuilt(settings: Settings, encoder: CountingEncoder) -> None:
    manifest = Manifest(encoder.name, encoder.fingerprint, encoder.dimension, "another")
    with Library.open_for_writing(settings.index, manifest) as library:
        ingest([source()], library, MemoryIndex(), encoder, settings=settings)
    with pytest.raises(IndexForeign, match="rebuild"):
        ingest_paths(sample_paths(), settings, encoder=encoder)
    assert rebuild(settings, encoder=encoder).count == 1
    assert ingest_paths(sample_paths(), settings, encoder=encoder).added == 4
    with Library.open(settings.index) as library:
        assert library.manifest.chunker == CHUNKER
        assert len(library.cards()) == 5


def test_there_must_be_something_to_rebuild(settings: Settings, encoder: CountingEncoder) -> None:
    with pytest.raises(IndexMissing):
        rebuild(settings, encoder=encoder)


def test_a_policy_longer_than_the_setting_is_refused(
    library: Library, tmp_path: Path, encoder: CountingEncoder
) -> None:
    short = Settings(index=tmp_path / "index", cache=tmp_path / "cache", max_policy_chars=1_000)
    long = source(POLICY * 2)
    report = ingest([long], library, MemoryIndex(), encoder, settings=short)
    assert [refusal.reason for refusal in report.refused] == ["too_large"]
