from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from eval.report.highlighting import Layout, Marker, excerpt
from qa.text import Span
from tests.eval.making import COOKIES, LAW, SELL, TEXT


def test_a_quote_is_found_as_it_is_laid_out() -> None:
    layout = Layout("# Privacy\n\nWe never\n   sell your data. More.")
    assert layout.find("We never sell your data.") == Span(11, 38)
    assert layout.text[11:38] == "We never\n   sell your data."
    assert layout.find("We always sell it.") is None


def test_evidence_and_citation_in_one_place_are_marked_together_and_apart() -> None:
    found = excerpt("p", Layout(TEXT), [Marker(SELL, "gold", "proof"), Marker("never sell your data.", "cited", "[1]")])
    marked = [(piece.text, sorted(piece.kinds), piece.tags) for piece in found.pieces if piece.kinds]
    assert marked == [("We ", ["gold"], ("proof",)), ("never sell your data.", ["cited", "gold"], ("[1]",))]
    assert "".join(piece.text for piece in found.pieces) == TEXT
    assert (found.after, found.hidden, found.unfound) == (0, 0, ())


def test_what_lies_between_two_marks_is_left_out_and_counted() -> None:
    between = "word " * 400
    text = f"{SELL} {between}{LAW} {between}"
    found = excerpt("p", Layout(text), [Marker(LAW, "cited"), Marker(SELL, "gold")])
    assert sum(len(piece.text) + piece.skipped for piece in found.pieces) + found.after == len(text)
    assert [piece.skipped > 0 for piece in found.pieces].count(True) == 1
    assert found.after > 1_000


def test_quotes_of_another_text_are_told_and_not_marked() -> None:
    missing = Marker("We sell it to the moon.", "cited", "[1]")
    found = excerpt("p", Layout(TEXT), [missing, Marker(COOKIES, "gold")])
    assert found.unfound == (missing,)
    assert [piece.text for piece in found.pieces if piece.kinds] == [COOKIES]


def test_of_very_many_marks_those_beyond_the_bound_are_counted_and_evidence_goes_first() -> None:
    sentences = [f"Sentence number {n} says something. " + "filler " * 200 for n in range(40)]
    quotes = [f"Sentence number {n} says something." for n in range(40)]
    markers = [*(Marker(quote, "also") for quote in quotes[:-1]), Marker(quotes[-1], "gold")]
    found = excerpt("p", Layout("".join(sentences)), markers)
    assert sum(len(piece.text) for piece in found.pieces) < 8_000
    assert found.hidden > 20
    assert any("gold" in piece.kinds for piece in found.pieces)


def test_one_endless_quote_is_bounded() -> None:
    text = "x" * 100_000
    assert sum(len(piece.text) for piece in excerpt("p", Layout(text), [Marker(text, "cited")]).pieces) < 8_000


@settings(max_examples=50)
@given(st.text(alphabet="ab \n\t\u2028é", max_size=200), st.lists(st.tuples(st.integers(0, 199), st.integers(1, 60))))
def test_pieces_and_gaps_are_the_text_character_for_character(text: str, cuts: list[tuple[int, int]]) -> None:
    markers = [Marker(text[start : start + length], "cited") for start, length in cuts]
    found = excerpt("p", Layout(text), markers)
    at = 0
    for piece in found.pieces:
        at += piece.skipped
        assert text[at : at + len(piece.text)] == piece.text
        at += len(piece.text)
    assert at + found.after == len(text)
