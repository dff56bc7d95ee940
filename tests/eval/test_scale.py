from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest

from eval.scale import Asked, Filled, Kind, Opened, Size, TooLarge, as_markdown, as_svg, ask, disk_mb, fill, room_for
from ingest.pipeline import manifest_of
from qa.encoders import open_encoder
from qa.library import Library
from qa.settings import Settings
from tests.qa.making import indexed


def size(policies: int, again: list[float], first: list[float], *, search_mb: float | None) -> Size:
    asked = (
        *(Asked(policies, Kind.AGAIN, each, each / 4, each / 2, found=True) for each in again),
        *(Asked(policies, Kind.FIRST, each, each / 4, each / 2, found=True) for each in first),
    )
    return Size(Filled(policies, 1.0, policies / 10, search_mb), Opened(policies, 0.5, 200.0, 30.0), asked)


SIZES = [
    size(4, [10.0, 20.0, 30.0], [], search_mb=0.4),
    size(1_000, [20.0, 30.0, 40.0], [50.0, 60.0], search_mb=None),
]


def test_the_table_has_a_column_a_size_and_says_what_was_not_tried() -> None:
    table = as_markdown(SIZES, [TooLarge(100_000, "It needs about 12.0 GB of disk, and 8.0 GB may be used.")])
    rows = {cells[0]: cells[1:] for line in table.splitlines() if (cells := line.strip("| ").split(" | "))}
    assert rows["policies"] == ["4", "1,000"]
    assert rows["asked about again: p50, ms"] == ["20.0", "30.0"]
    assert rows["asked about for the first time: p95, ms"] == ["–", "60.0"]
    assert rows["p50 again, as a multiple of the smallest size's"] == ["1.00", "1.50"]
    assert rows["asked about again: processor time, p50, ms"] == ["10.0", "15.0"]
    assert rows["the same of processor time"] == ["1.00", "1.50"]
    # Of 10, 20 and 30 a quarter; of 20, 30, 40, 50, 60 a quarter of 40.
    assert rows["of that routing: p50, ms"] == ["5.0", "10.0"]
    # 0.4 MB for 4 policies, and 0.1 MB for each.
    assert rows["disk for texts and vectors, MB per 1,000"] == ["100.0", "100.0"]
    assert rows["disk for the search index, MB per 1,000"] == ["100.0", "–"]
    assert "100,000 policies were not tried. It needs about 12.0 GB" in table


def test_what_was_answered_from_another_policy_or_turned_away_is_counted_apart() -> None:
    lost = Asked(4, Kind.AGAIN, 1.0, 1.0, 1.0, found=False)
    table = as_markdown([replace(SIZES[0], asked=(*SIZES[0].asked, lost))])
    assert "| asked about again: p50, ms | 20.0 |" in table
    assert "(the others do not count above) | 0.75 |" in table


def test_the_figure_is_well_formed_and_has_a_line_for_each_figure() -> None:
    root = ET.fromstring(as_svg(SIZES))
    lines = [each.get("points", "").split() for each in root if each.tag.endswith("polyline")]
    # p50 and p95: again at both sizes, for the first time at one.
    assert [len(points) for points in lines] == [2, 2, 1, 1]
    assert ET.fromstring(as_svg(SIZES[:1])) is not None


@pytest.mark.parametrize(("policies", "fits"), [(100, True), (800, True), (801, False)])
def test_a_size_that_does_not_fit_on_the_disk_is_said(policies: int, fits: bool) -> None:
    # A fifth of the 1,000 MB that are free is left alone.
    assert (room_for(policies, 1.0, 1_000.0) is None) == fits


def test_an_index_is_filled_and_asked_as_a_service_would_be(tmp_path: Path) -> None:
    encoder = open_encoder(Settings(cache=tmp_path))
    base = indexed("We never sell your data.", "We use cookies to remember you.", encoder=encoder)
    with Library.open_for_writing(tmp_path / "base", manifest_of(encoder)) as library:
        library.put(base)
    *_, filled = fill(tmp_path / "base", tmp_path / "index", 12)
    assert isinstance(filled, Filled)
    assert filled.search_mb
    assert filled.search_mb > 0
    assert filled.library_mb + filled.search_mb == pytest.approx(disk_mb(tmp_path / "index"))
    opened, *asked = ask(tmp_path / "index", 6)
    assert isinstance(opened, Opened)
    assert opened.memory_mb > 20
    rows = [each for each in asked if isinstance(each, Asked)]
    assert [each.kind for each in rows] == [Kind.AGAIN] * 6 + [Kind.FIRST] * 6
    assert all(0 < each.routing_ms < each.total_ms for each in rows)
