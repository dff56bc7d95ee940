from __future__ import annotations

from pathlib import Path

import pytest

from qa.errors import IndexLocked, IndexMissing, UsageError
from qa.examining import PARTS, look_at
from qa.library import FORM, Library
from qa.mending import Mended, compact, mend, size_of
from qa.settings import Settings
from tests.qa.indexing import MANIFEST, made_up
from tests.qa.test_library import fill, fill_form_1


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(index=tmp_path / "index", cache=tmp_path)


def is_well(settings: Settings) -> bool:
    return not any(part.findings for name in PARTS if (part := look_at(settings, name)))


def test_mending_brings_an_old_index_forward_makes_its_search_index_and_clears_away(settings: Settings) -> None:
    fill_form_1(settings.index, made_up("a.com", "One."), made_up("b.com", "Two."))
    (settings.index / "renew-x1").mkdir()
    assert not is_well(settings)
    assert mend(settings) == Mended(brought_forward=True, written=2, removed=("renew-x1",))
    assert is_well(settings)
    assert mend(settings) == Mended(brought_forward=False, written=0, removed=())
    with Library.open(settings.index) as library:
        assert library.form() == FORM


def test_a_search_index_that_is_damaged_is_made_anew_without_being_opened(settings: Settings) -> None:
    fill(settings.index, made_up("a.com", "One."))
    mend(settings)
    for file in (settings.index / "chroma").glob("*/chroma.sqlite3"):
        file.write_bytes(b"garbage" * 1000)
    assert not is_well(settings)
    assert mend(settings, anew=True).written == 1
    assert is_well(settings)


def test_compacting_gives_back_what_removed_policies_took_and_keeps_the_others(settings: Settings) -> None:
    fill(settings.index, made_up("kept.com", "One."), *(made_up(f"{i}.com", "x. " * 2_000) for i in range(30)))
    mend(settings)
    with Library.open_for_writing(settings.index, MANIFEST) as library:
        for i in range(30):
            library.remove(f"{i}.com@2020-01-31")
    told: list[tuple[int, int, str]] = []
    before = size_of(settings.index)
    compacted = compact(settings, lambda *said: told.append(said))
    assert told == [(1, 1, "kept.com@2020-01-31")]
    assert (compacted.before, compacted.after) == (before, size_of(settings.index))
    assert compacted.after < before / 3
    assert is_well(settings)


def test_what_is_not_there_or_is_being_written_is_left_alone(settings: Settings) -> None:
    for work in (mend, compact):
        with pytest.raises(IndexMissing):
            work(settings)
    assert not settings.index.exists()
    with Library.open_for_writing(settings.index, MANIFEST):
        for work in (mend, compact):
            with pytest.raises(IndexLocked):
                work(settings)


def test_an_index_on_a_server_is_not_mended_from_here(settings: Settings) -> None:
    served = settings.model_copy(update={"chroma_url": "http://127.0.0.1:1"})
    for work in (mend, compact):
        with pytest.raises(UsageError, match="fineprint rebuild"):
            work(served)
