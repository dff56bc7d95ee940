"""Citing: nothing but real text of the policy, and every marker with its citation."""

from __future__ import annotations

import datetime as dt
import re
import time
import unicodedata
from urllib.parse import unquote

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa.citing import cite, fragment_url
from qa.domain import Draft, IndexedPolicy, Passage, Policy, Quote, Sentence, Span
from qa.text import Folded, fold, printable, unmarked, without_markup

RENT = "Acme will not rent or sell your e-mail address for any reason."
SHARE = "We may share a portion of our postal mailing list with other reputable organizations."
CLICK = "You can [update *or* delete](https://acme.example/a_(b)) your data; see note [1] below."
ASKS = "To leave the list you are unable to opt out by telephone during holidays."
TEXT = "\n\n".join(["# Acme Privacy", RENT + " " + SHARE, "## **Your** choices", CLICK, ASKS])


def indexed(text: str, sentences: list[str] | None = None, url: str | None = "https://acme.example/p") -> IndexedPolicy:
    """A policy in one passage; its sentences are the given ones."""
    spans = [Sentence(text.index(one), text.index(one) + len(one)) for one in sentences or []]
    spans.sort(key=lambda one: one.start)
    passages = (Passage(0, 0, len(text), ("Acme [Privacy](x)", "**Your** choices"), tuple(spans)),) if text else ()
    policy = Policy("acme.example", dt.date(2020, 1, 2), "Acme", text, url=url)
    return IndexedPolicy(policy, passages, np.zeros((1, 2), np.float32), np.zeros((len(spans), 2), np.float32))


ACME = indexed(TEXT, [RENT, SHARE, CLICK, ASKS])


def only(quote: str, near: Span | None = None, source: IndexedPolicy = ACME) -> str | None:
    """The citation that one quote leads to, or None where it is rejected."""
    cited = cite(Draft("It says so [1].", (Quote(1, quote, near),)), source)
    assert len(cited.citations) + len(cited.rejected) == 1
    return cited.citations[0].quote if cited.citations else None


def test_a_quote_at_its_place_is_cited_as_it_stands() -> None:
    start = TEXT.index(SHARE)
    cited = cite(Draft("Yes. It does [1].", (Quote(1, SHARE, Span(start, start + len(SHARE))),)), ACME)
    (citation,) = cited.citations
    assert (citation.quote, citation.start, citation.end) == (SHARE, start, start + len(SHARE))
    assert cited.text == "Yes. It does [1]."
    assert (citation.policy_id, citation.company, citation.domain) == (
        "acme.example@2020-01-02",
        "Acme",
        "acme.example",
    )


def test_a_wrong_place_is_only_a_hint() -> None:
    assert only(SHARE, Span(0, 5)) == SHARE
    assert only(SHARE, Span(5, 10**9)) == SHARE


@pytest.mark.parametrize(
    "said",
    [
        "acme will  not rent\nor sell your e‑mail address for any reason.",
        "Acme will not rent or sell your e\u00ad-mail address for any reason",
        "“Acme will not rent or sell your e-mail address for any reason.”".strip("“”"),
    ],
)
def test_white_space_typography_case_and_invisible_characters_do_not_matter(said: str) -> None:
    assert only(said) == RENT


def test_a_quote_without_its_markdown_is_found_and_cited_with_it() -> None:
    assert only("You can update or delete your data; see note [1] below.") == CLICK


def test_a_part_of_a_sentence_is_widened_to_the_whole_sentence() -> None:
    # Alone, these words would say the opposite of what the policy says.
    assert only("sell your e-mail address for any reason") == RENT


def test_a_slip_is_repaired_to_the_real_text() -> None:
    assert only("We may share a portion of our postal maling list with other reputable organisations.") == SHARE


@pytest.mark.parametrize(
    "said",
    [
        "Acme will rent or sell your e-mail address for any reason.",
        "Acme will now rent or sell your e-mail address for any reason.",
        "We may not share a portion of our postal mailing list with other reputable organizations.",
        "We may only share a portion of our postal mailing list with other reputable organizations.",
        "To leave the list you are able to opt out by telephone during holidays.",
        "able to opt out by telephone during holidays.",
    ],
)
def test_a_repair_that_loses_adds_or_moves_a_negation_is_rejected(said: str) -> None:
    assert only(said) is None


def test_a_negation_that_changes_its_place_is_rejected() -> None:
    real = "We do not share your name with partners but do sell your address to advertisers."
    said = "We do share your name with partners but do not sell your address to advertisers."
    assert only(said, source=indexed(real, [real])) is None


@pytest.mark.parametrize("said", ["", " ", "data", "sell", "…", "**", "Acme never collects telephone numbers at all."])
def test_what_is_too_short_or_nowhere_is_rejected(said: str) -> None:
    assert only(said) is None


def test_a_short_quote_is_good_at_its_own_place() -> None:
    text = "Call us:\n\n555-0100\n\nAt any time."
    start = text.index("555")
    assert only("555-0100", Span(start, start + 8), indexed(text, ["555-0100"])) == "555-0100"


def test_a_quote_that_stands_only_in_another_policy_is_rejected() -> None:
    other = indexed("We collect nothing that you do not give us.", ["We collect nothing that you do not give us."])
    cited = cite(Draft("No. It says so [1].", (Quote(1, RENT, Span(0, 30)),)), other)
    assert (cited.text, cited.citations) == ("", ())
    assert [quote.text for quote in cited.rejected] == [RENT]


def test_a_rejected_quote_takes_its_claim_with_it_and_the_rest_is_renumbered() -> None:
    draft = Draft(
        'No. It says "we sell everything. Always." [1]. It "may share" some [2][3]. It rents none [4]. No more [9].',
        (Quote(1, "We sell everything. Always."), Quote(2, SHARE), Quote(3, SHARE), Quote(4, RENT)),
    )
    cited = cite(draft, ACME)
    # Quotes 2 and 3 are one citation, named first; 4 becomes 2; there is no quote 9.
    assert cited.text == 'No. It "may share" some [1]. It rents none [2]. No more.'
    assert [(one.n, one.quote) for one in cited.citations] == [(1, SHARE), (2, RENT)]
    assert [quote.n for quote in cited.rejected] == [1]


def test_markers_behind_the_full_stop_and_lists_of_numbers_belong_to_their_claim() -> None:
    draft = Draft(
        "It rents none. [1] It shares [2, 1].\nIt sells. [3]", (Quote(1, RENT), Quote(2, SHARE), Quote(3, "x" * 40))
    )
    assert cite(draft, ACME).text == "It rents none. [1] It shares [2][1]."


def test_a_claim_with_an_abbreviation_goes_as_a_whole() -> None:
    draft = Draft(
        "It sells to e.g. Initech Inc. and others [1]. It rents none [2].", (Quote(1, "x" * 40), Quote(2, RENT))
    )
    assert cite(draft, ACME).text == "It rents none [1]."


def test_the_policys_own_footnote_mark_is_no_marker() -> None:
    draft = Draft('It says "your data; see note [1] below" [1].', (Quote(1, CLICK),))
    assert cite(draft, ACME).text == 'It says "your data; see note (1) below" [1].'
    # Elsewhere in quotation marks it is a marker, even before the closing one.
    draft = Draft('It says "Acme will not rent [1]."', (Quote(1, RENT),))
    assert cite(draft, ACME).text == 'It says "Acme will not rent [1]."'


def test_what_removal_brings_together_is_no_marker() -> None:
    cited = cite(Draft("So [[7]1] and [\u200b2] and [1].", (Quote(1, RENT),)), ACME)
    assert cited.text == "So (1) and and [1]."


def test_a_text_without_quotes_stays() -> None:
    cited = cite(Draft("The policy does not answer this.", related=(Quote(1, SHARE), Quote(2, "z" * 30))), ACME)
    assert cited.text == "The policy does not answer this."
    assert [(one.n, one.quote) for one in cited.related] == [(1, SHARE)]


def test_the_section_is_the_heading_path_in_plain_words() -> None:
    assert cite(Draft("A [1].", (Quote(1, SHARE),)), ACME).citations[0].section == "Acme Privacy › Your choices"


def test_a_long_heading_path_loses_its_outer_headings() -> None:
    passage = Passage(0, 0, len(TEXT), ("one " * 40, "two " * 40, "three " * 40))
    source = IndexedPolicy(ACME.policy, (passage,), ACME.passage_vectors, ACME.sentence_vectors)
    section = cite(Draft("A [1].", (Quote(1, SHARE),)), source).citations[0].section
    assert section.startswith("three three")
    assert section.endswith("…")
    assert len(section) <= 160


def test_a_short_quote_is_its_own_fragment_and_a_long_one_names_its_ends() -> None:
    assert fragment_url("https://a.example/p", "a-b, c & d") == "https://a.example/p#:~:text=a%2Db%2C%20c%20%26%20d"
    # CLICK has 13 words on the page: "You can update or delete" … "see note [1] below." with its five last ones.
    assert fragment_url("https://a.example/p#top", CLICK) == (
        "https://a.example/p#top:~:text=You%20can%20update%20or%20delete,data%3B%20see%20note%20%5B1%5D%20below."
    )
    assert fragment_url("https://a.example/p", "We do not:\n\n  * sell") == (
        "https://a.example/p#:~:text=We%20do%20not%3A,sell"
    )


@pytest.mark.parametrize(
    "url", [None, "", "javascript:alert(1)", "file:///x", "https://", "https://a.example/\n", "http://[x"]
)
def test_only_http_links_are_given(url: str | None) -> None:
    assert fragment_url(url, RENT) is None


def test_a_large_policy_and_a_hostile_quote_take_no_noticeable_time() -> None:
    source = indexed(" ".join(f"Number {i} is shared with partners and others." for i in range(12_000)))
    draft = Draft("A [1]. B [2]. C [3].", (Quote(1, "x y z " * 300), Quote(2, "." * 90_000), Quote(3, "a" * 1_500)))
    began = time.perf_counter()
    assert cite(draft, source).citations == ()
    assert time.perf_counter() - began < 20  # about 1 s; quadratic behaviour would take minutes


# -- properties --------------------------------------------------------------------------------------------------------

words = st.sampled_from(
    ["we", "do", "not", "never", "share", "sell", "your", "data", "e-mail", "unless", "only", "with", "partners", "the"]
)
sentence = st.lists(words, min_size=3, max_size=14).map(lambda ws: " ".join(ws).capitalize() + ".")
hostile = st.text(
    alphabet=st.one_of(st.characters(), st.sampled_from('[]()0123 "“”.!*_#<>&|\\\n\u202e\u200b\x00\x1b\ud800')),
    max_size=60,
)


@st.composite
def drafts(draw: st.DrawFn) -> tuple[Draft, IndexedPolicy]:
    sentences = draw(st.lists(sentence, min_size=1, max_size=6, unique=True))
    noise = draw(hostile)
    text = noise + "\n" + draw(st.sampled_from([" ", "\n\n", "\n * "])).join(sentences)
    source = indexed(text, sentences)
    quotable = st.one_of(st.sampled_from(sentences), sentence, hostile)
    near = st.one_of(st.none(), st.builds(Span, st.integers(-3, 300), st.integers(-3, 300)))
    quotes = draw(st.lists(st.builds(Quote, st.integers(0, 6), quotable, near), max_size=5))
    marker = st.sampled_from(["[0]", "[1]", "[2] ", "[3].", " [4, 5]", "[[1]", "[99]", "[ 1 ]"])
    said = "".join(draw(st.lists(st.one_of(marker, sentence, quotable), max_size=10)))
    return Draft(said, tuple(quotes), tuple(quotes[:2])), source


@settings(deadline=None)  # the machine may be busy
@given(drafts())
def test_whatever_is_drafted_only_real_text_is_cited_and_every_marker_has_its_citation(
    case: tuple[Draft, IndexedPolicy],
) -> None:
    draft, source = case
    cited = cite(draft, source)
    for citation in cited.citations + cited.related:
        assert citation.quote
        assert source.policy.text[citation.start : citation.end] == citation.quote
    numbers = [int(n) for n in re.findall(r"\[\s*([0-9]+)\s*\]", cited.text)]
    first = list(dict.fromkeys(numbers))
    assert first == list(range(1, len(cited.citations) + 1)) == [one.n for one in cited.citations]
    assert not any(unicodedata.category(char)[0] == "C" for char in cited.text)
    assert "\n" not in cited.text


@settings(deadline=None)  # the machine may be busy
@given(st.lists(words, min_size=4, max_size=14), st.data())
def test_a_repair_never_loses_a_negation(real: list[str], data: st.DataObject) -> None:
    text = " ".join(real)
    said = list(real)
    for _ in range(data.draw(st.integers(1, 2))):
        at = data.draw(st.integers(0, len(said) - 1))
        said[at : at + 1] = data.draw(st.sampled_from([[], ["the"], [said[at] + "s"], ["not", said[at]]]))
    quote = " ".join(said)
    found = only(quote, source=indexed(text, [text]))
    negations = [w for w in said if w in {"not", "never", "unless", "only"}]
    if found is not None and fold(quote).text not in found:
        assert [w for w in found.split() if w in {"not", "never", "unless", "only"}] == negations


@settings(deadline=None)  # the machine may be busy
@given(st.lists(st.text(st.characters(categories=["L", "N", "P"]), min_size=1), min_size=1, max_size=20))
def test_a_fragment_decodes_to_words_of_the_page(said: list[str]) -> None:
    quote = " ".join(said)
    url = fragment_url("https://a.example/p", quote)
    assert url is not None
    _, _, directive = url.partition("#:~:text=")
    page = without_markup(quote)
    assert re.fullmatch(r"(?:[A-Za-z0-9_.~,]|%[0-9A-F]{2})*", directive)
    for end in directive.split(","):
        assert unquote(end) in page


@settings(deadline=None)  # the machine may be busy
@given(hostile)
def test_folding_and_unmarking_know_the_way_back(text: str) -> None:
    for folded in (fold(text), fold(text, casefold=True), unmarked(text)):
        assert isinstance(folded, Folded)
        assert len(folded.text) == len(folded.starts) == len(folded.ends)
        assert list(folded.starts) == sorted(folded.starts)
        assert all(0 <= a < b <= len(text) for a, b in zip(folded.starts, folded.ends, strict=True))
    assert fold(fold(text).text).text == fold(text).text


@settings(deadline=None)  # the machine may be busy
@given(hostile, st.integers(2, 30))
def test_what_is_shown_is_one_line_without_control_characters(text: str, limit: int) -> None:
    line = printable(text, limit)
    assert len(line) <= limit
    assert not any(unicodedata.category(char)[0] == "C" for char in line)
    assert line == " ".join(line.split())


@pytest.mark.parametrize(
    ("marked", "words_only"),
    [
        (
            '**We** do _not_ sell [your *data*](https://a.example/x_(y) "t") \\- ever | x',
            "We do not sell your data - ever x",
        ),
        ("## Head\n\n  * one &amp; two<br>three\n  1. four", "Head one & two three four"),
        ("| a | b |\n|---|---|\n| c | d |", "a b c d"),
        ("5 * 3 is snake_case at <https://a.example/b>", "5 * 3 is snake_case at https://a.example/b"),
        ("a ![logo](x.png) <b>end</b>", "a end"),
        ("[1] and \\[x\\] and \\*", "[1] and [x] and *"),
    ],
)
def test_markup_goes_and_words_stay(marked: str, words_only: str) -> None:
    assert without_markup(marked) == words_only
