from __future__ import annotations

import xml.etree.ElementTree as ET

from eval.speed import Corpus, Row, System, as_markdown, as_svg, summarise

ROWS = [
    *(Row("ingest_s", System.FINEPRINT, n, value) for n, value in enumerate([4.0, 2.0, 3.0])),
    Row("ingest_s", System.TUTORIAL, 0, 6.0),
    *(Row("warm_ms", System.FINEPRINT, n, float(n)) for n in range(1, 21)),
    *(Row("warm_ms", System.TUTORIAL, n, 2.0 * n) for n in range(1, 21)),
]


def test_the_table_holds_medians_percentiles_and_throughput() -> None:
    lines = {line.name: line for line in summarise(ROWS, Corpus(policies=12, sentences=600))}
    # Median of 4, 2, 3 is 3 seconds: 12 / 3 policies and 600 / 3 sentences a second, against 12 / 6 and 600 / 6.
    assert lines["ingest, policies a second"].fineprint == 4.0
    assert lines["ingest, sentences a second"].fineprint == 200.0
    assert lines["ingest, sentences a second"].tutorial == 100.0
    assert lines["ingest time, s"].ratio == 0.5
    # Nearest rank of 20 values: the 10th and the 19th.
    assert lines["warm answer p50, ms"].fineprint == 10.0
    assert lines["warm answer p95, ms"].tutorial == 38.0


def test_what_was_not_measured_of_one_is_a_dash_and_of_both_is_left_out() -> None:
    table = as_markdown(summarise([*ROWS, Row("serve_idle_mb", System.FINEPRINT, 0, 300.0)], Corpus(12, 600)))
    assert "| serve: memory when idle, MB | 300.00 | – | – |" in table
    assert "cold ask" not in table
    assert "| ingest time, s | 3.00 | 6.00 | 0.50 |" in table


def test_the_figure_is_well_formed_and_has_a_bar_for_each_measured_cost() -> None:
    root = ET.fromstring(as_svg(summarise(ROWS, Corpus(12, 600))))
    bars = [element for element in root if element.get("fill") == "#2f6f9f"]
    # Ingest time, p50 and p95; throughput is no cost, and nothing else was measured. All are half of the tutorial's.
    assert len(bars) == 3
    assert len({bar.get("width") for bar in bars}) == 1
