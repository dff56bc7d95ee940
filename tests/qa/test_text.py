from __future__ import annotations

import sys
import unicodedata
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.text import Span, content_words, fold, plain, sentence_spans, trimmed, unmarked, visible, without_markup
from qa.text import _stem as stem

# Markdown with everything that could mislead: marks, links, tables, bullets, odd blanks, several scripts.
MARKDOWN = st.text(alphabet="aB1 .!?:;,*_[]()|#-\\\n\t\"'“”…@/<>&·\u00a0\u200bé中", max_size=200)

ENDINGS = ("", "s", "ing", "ed", "ization", "izations", "ational", "fulness", "ously", "iveness", "ability")


def sentences(text: str) -> list[str]:
    return [span.of(text) for span in sentence_spans(text)]


def test_sentences_end_at_full_stops_and_not_at_abbreviations_numbers_addresses_or_links() -> None:
    text = (
        "We are Acme Inc. of the U.S. and others, e.g. partners, keep data. Call 888.823.7837 by 12.30 today. "
        "See http://a.example/b.c or [our page.](http://x.example/y.z) Mail us at a.b@c.example. Thank you."
    )
    assert sentences(text) == [
        "We are Acme Inc. of the U.S. and others, e.g. partners, keep data.",
        "Call 888.823.7837 by 12.30 today.",
        "See http://a.example/b.c or [our page.](http://x.example/y.z)",
        "Mail us at a.b@c.example.",
        "Thank you.",
    ]


def test_a_hard_wrapped_sentence_is_one_and_a_blank_line_ends_it() -> None:
    assert sentences("We never\nsell data.\n\nWe do\n\nkeep it.") == ["We never\nsell data.", "We do", "keep it."]


def test_a_full_stop_without_a_blank_behind_it_ends_a_sentence_but_not_a_domain() -> None:
    text = "We keep your information.We use it at Amazon.com to ship."
    assert sentences(text) == ["We keep your information.", "We use it at Amazon.com to ship."]


def test_a_heading_stuck_to_a_sentence_is_cut_off() -> None:
    assert sentences("CookiesWe set cookies.") == ["Cookies", "We set cookies."]


def test_a_stray_full_stop_before_a_small_word_does_not_end_a_sentence() -> None:
    assert sentences("We tell the police. and courts.") == ["We tell the police. and courts."]
    assert sentences("We keep it. we never sell it.") == ["We keep it.", "we never sell it."]


def test_emphasis_stays_where_it_is_paired_and_goes_where_it_is_not() -> None:
    text = "**Label:** We keep it. **We share it. We sell nothing.**"
    assert sentences(text) == ["**Label:** We keep it.", "We share it.", "We sell nothing."]


def test_only_the_stretch_asked_for_is_read() -> None:
    text = "First one. Second one. Third one."
    assert [span.of(text) for span in sentence_spans(text, 11, 22)] == ["Second one."]


def test_what_has_no_word_is_no_sentence_but_a_telephone_number_is() -> None:
    assert sentences("*** --- 12 ***") == []
    assert sentences("+31 (0)30 656 9605") == ["+31 (0)30 656 9605"]


@given(MARKDOWN)
def test_sentences_are_in_order_without_overlap_and_trimmed(text: str) -> None:
    before = 0
    for span in sentence_spans(text):
        assert before <= span.start < span.end <= len(text)
        assert span.of(text) == span.of(text).strip()
        before = span.end


@given(MARKDOWN)
def test_no_letter_is_lost_between_sentences_but_those_of_marks(text: str) -> None:
    # Letters outside sentences can only be those of tags, link targets and entities, which `visible` drops.
    kept = "".join(visible(span.of(text)) for span in sentence_spans(text))
    if not any(mark in text for mark in "<[&"):
        assert [char for char in kept if char.isalpha()] == [char for char in text if char.isalpha()]


@given(MARKDOWN, st.integers(0, 200), st.integers(0, 200))
def test_trimming_only_shrinks(text: str, a: int, b: int) -> None:
    start, end = sorted((min(a, len(text)), min(b, len(text))))
    span = trimmed(text, Span(start, end))
    assert start <= span.start <= span.end <= end
    assert trimmed(text, span) == span


def test_visible_is_what_a_reader_of_the_page_sees() -> None:
    assert visible("## **We** [sell](http://x.example/a_(b)) _no_\u200b data &amp; <b>no</b>\u00a0names\\-") == (
        "We sell no data & no names-"
    )


@given(MARKDOWN)
def test_folding_keeps_the_way_back(text: str) -> None:
    folded = fold(text)
    assert len(folded.text) == len(folded.starts) == len(folded.ends)
    for char, start, end in zip(folded.text, folded.starts, folded.ends, strict=True):
        if char == " ":
            assert any(map(str.isspace, text[start:end]))
            assert fold(text[start:end]).text == ""  # nothing but blanks and invisible characters
        else:
            assert end - start == 1
    assert "  " not in folded.text
    assert folded.text == folded.text.strip()


def test_folding_makes_typography_plain() -> None:
    assert fold("“It’s” –\u00a0 here\u200b").text == '"It\'s" - here'


@pytest.mark.parametrize(("typed", "folded"), [("ＦＲＥＥ  People", "free people"), ("Perricone’s", "perricone's")])
def test_plain_is_for_matching(typed: str, folded: str) -> None:
    assert plain(typed) == folded


@given(st.one_of(st.text(max_size=60), MARKDOWN))
def test_the_plain_form_is_the_folded_one(text: str) -> None:
    assert plain(text) == fold(unicodedata.normalize("NFKC", text), casefold=True).text


@given(MARKDOWN)
def test_a_text_without_marks_is_its_own_words(text: str) -> None:
    assert without_markup(text) == " ".join(unmarked(text).text.split())


def test_words_are_stemmed_the_same_in_many_threads_at_once() -> None:
    words = [f"{first}{last}" for first in ("relat", "personal", "organ", "shar", "sell") for last in ENDINGS * 8]
    content_words("warm")  # the stemmer itself
    alone = [stem.__wrapped__(word) for word in words]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            together = list(pool.map(lambda _: [stem.__wrapped__(word) for word in words], range(8)))
    finally:
        sys.setswitchinterval(interval)
    assert together == [alone] * 8
