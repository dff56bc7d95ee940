from __future__ import annotations

import html
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa.domain import Status, Verdict
from qa.text import Span
from ui.render import (
    Highlight,
    Region,
    answer_text,
    certainty,
    certainty_in_words,
    date_in_words,
    escape,
    region_around,
    render_policy,
    render_whole,
    verdict_in_words,
    visible,
)

TAG = re.compile(r"<[^<>]*>")
# Everything that this project itself writes into HTML.
OWN_TAG = re.compile(
    r"</?(?:p|br|div|mark|span|a|b|i|h[3-6]|ul|li|table|tbody|tr|th|td)"
    r'(?: (?:class|id|hidden|href|tabindex|scope|aria-label|data-[a-z]+)(?:="[^"<>]*")?)*>'
)
# Texts that look like Markdown, HTML and templates more often than chance would have it.
PIECES = st.sampled_from(
    "# |\n|  \n|\n\n|* |- |**|_|[|](|)|![|\\-|> |<b>|</mark>|<script>|&amp;|\"|'|${1}|{{x}}|`|\x00|\u202e"
    "|\r\n| |we sell|a|[1]|[99]".split("|")
)
TEXTS = st.one_of(st.text(max_size=200), st.lists(PIECES, max_size=60).map("".join))


def stripped(markup: str) -> str:
    """The text of our own HTML."""
    return html.unescape(TAG.sub("", markup))


def marked(markup: str, n: int) -> str:
    """All highlighted pieces of one citation, joined."""
    pieces = re.findall(r'<mark data-cites="([^"]*)"[^>]*>(.*?)</mark>', markup, flags=re.DOTALL)
    return "".join(stripped(inner) for numbers, inner in pieces if str(n) in numbers.split())


@st.composite
def cited_texts(draw: st.DrawFn) -> tuple[str, list[Highlight]]:
    text = draw(TEXTS.filter(lambda t: len(t) > 2))
    highlights = []
    for n in range(1, draw(st.integers(1, 3)) + 1):
        start = draw(st.integers(0, len(text) - 1))
        highlights.append(Highlight(n, start, draw(st.integers(start + 1, len(text)))))
    return text, highlights


@given(TEXTS)
def test_escaped_text_has_nothing_that_html_or_a_template_would_act_on(text: str) -> None:
    escaped = escape(text)
    assert not set("<>\"'${}`") & set(escaped)
    assert html.unescape(escaped) == visible(text)


@given(cited_texts())
def test_rendering_keeps_every_character_and_adds_only_our_own_tags(case: tuple[str, list[Highlight]]) -> None:
    text, highlights = case
    markup = render_policy(text, Region(0, len(text)), highlights, "k")
    assert all(OWN_TAG.fullmatch(tag) for tag in TAG.findall(markup))
    assert "<" not in TAG.sub("", markup)
    assert stripped(markup) == visible(text)


@given(cited_texts())
def test_a_highlight_without_tags_is_exactly_the_quote(case: tuple[str, list[Highlight]]) -> None:
    text, highlights = case
    markup = render_policy(text, Region(0, len(text)), highlights, "k")
    for highlight in highlights:
        assert marked(markup, highlight.n) == visible(text[highlight.start : highlight.end])
        assert markup.count(f'id="k-{highlight.n}"') == 1


@given(TEXTS)
def test_an_answers_text_never_becomes_html(text: str) -> None:
    markup = answer_text(text, {1}, "k")
    assert all(OWN_TAG.fullmatch(tag) for tag in TAG.findall(markup))
    assert "<" not in TAG.sub("", markup)


def test_only_markers_of_citations_become_links() -> None:
    markup = answer_text("Yes [1], but not [7].", {1}, "k")
    assert 'href="#k-1"' in markup
    assert "[7]" in markup
    assert "k-7" not in markup


def test_markdown_syntax_is_hidden_and_still_there() -> None:
    text = "## Sharing\n* We **never** sell [your data](http://x.example/y), e\\-mail included."
    markup = render_policy(text, Region(0, len(text)), [], "k")
    shown = html.unescape(TAG.sub("", re.sub(r"<span class=\"fp-syntax\" hidden>.*?</span>", "", markup)))
    assert shown == "Sharing\nWe never sell your data, e-mail included."
    assert re.search(r'<h3 class="fp-heading"[^>]*>', markup)
    assert '<li class="fp-item">' in markup
    assert "href" not in markup


def test_a_quote_over_two_list_items_is_marked_in_both() -> None:
    text = "* sell it\n* rent it"
    markup = render_policy(text, Region(0, len(text)), [Highlight(1, 2, len(text))], "k")
    assert markup.count('class="fp-item"') == 2
    assert marked(markup, 1) == text[2:]


def rendered(text: str) -> str:
    """What a reader sees of a text: its HTML without what is hidden, attributes left out."""
    markup = render_policy(text, Region(0, len(text)), [], "k")
    return re.sub(
        r"<(\w+) [^<>]*>", r"<\1>", re.sub(r'<span class="fp-syntax" hidden>.*?</span>', "", markup, flags=re.DOTALL)
    )


def test_lines_that_run_on_are_one_paragraph_and_sentences_on_lines_of_their_own_are_not() -> None:
    assert rendered("We sell\nnothing.").count("<p>") == 1
    assert rendered("We sell nothing.\nWe rent nothing.").count("<p>") == 2


def test_headings_are_nested_and_those_in_bold_or_capitals_are_headings_too() -> None:
    text = "# Privacy\n\n## Sharing\n\nWe share.\n\n**Cookies**\n\nWe set some.\n\nSECURITY MATTERS\n\nWe lock it.\n"
    whole, headings = render_whole(text, [], "k")
    assert [(h.level, h.words) for h in headings] == [
        (1, "Privacy"),
        (2, "Sharing"),
        (3, "Cookies"),
        (3, "SECURITY MATTERS"),
    ]
    shown = rendered(text)
    assert "<h3>Privacy" in shown
    assert "<h4>Sharing" in shown
    assert "<h5>" in shown
    assert f'id="k-at-{text.index("## Sharing")}"' in whole
    assert whole == render_policy(text, Region(0, len(text)), [], "k")


@pytest.mark.parametrize(
    "text",
    [
        "**E-Mails  \nYou will receive e-mails from us only if you have asked.   \n**",
        "**The Information We Collect  \nWhen you register we ask for your name.",
        "We **never ** sell **it**.",
        "[![Logo](/a.png)](http://x.example/)",
        'See [our [other] policy](http://x.example/a_(b) "Title").',
        "one<br>two <b>three</b>",
    ],
)
def test_no_mark_of_markdown_or_html_is_left_to_read_however_badly_it_is_closed(text: str) -> None:
    assert not re.search(r"\*\*|\]\(|&lt;|x\.example", rendered(text))


def test_what_only_looks_like_markup_stays() -> None:
    for text in ("a masked address, j*******@x.example", "the cookies __utma, __utmb", "write to <privacy@x.example>"):
        assert html.unescape(TAG.sub("", rendered(text))) == text


def test_a_table_is_one_and_its_head_names_the_columns() -> None:
    shown = rendered("| Data | Shared? |\n|---|---|\n| E-mail | No |\n| Orders | **Yes** |\n")
    assert shown.count("<tr>") == 3
    assert re.search(r"<th>\s*Data\s*</th>", shown)
    assert re.search(r"<td>\s*<b>Yes</b>\s*</td>", shown)
    assert "|" not in shown


def test_a_table_of_one_column_which_pages_are_laid_out_with_is_paragraphs() -> None:
    shown = rendered("| **Security Policy** |   |    \n---|---|---  \nWe are committed to it.\n")
    assert "<table" not in shown
    assert "Security Policy" in shown
    assert "|" not in shown


def test_lists_nest_and_numbers_stay_to_be_read() -> None:
    shown = rendered("We share:\n* names\n    * first\n    * last\n* orders\n\n1. One thing is this.\n2. Another.\n")
    assert re.search(r"names\s*<ul><li>first\s*</li><li>last\s*</li></ul></li><li>orders", shown)
    assert "1. One thing" in shown


def test_a_bare_line_between_blocks_is_shown() -> None:
    assert "2011" in rendered("We sell nothing.\n\n2011\n\nWe rent nothing.\n")


@given(st.lists(PIECES, min_size=200, max_size=400).map("".join))
@settings(deadline=1_000, max_examples=20)
def test_a_long_line_of_marks_takes_no_longer_for_it(text: str) -> None:
    markup = render_policy(text * 20, Region(0, len(text) * 20), [Highlight(1, 0, len(text))], "k")
    assert stripped(markup) == visible(text * 20)


@pytest.mark.parametrize(
    ("status", "confidence", "words"),
    [
        (Status.ANSWERED, 0.92, "sure"),
        (Status.ANSWERED, 0.77, "fairly sure"),
        (Status.ANSWERED, 0.40, "not sure: read the passages"),
        (Status.NOT_STATED, 0.90, "sure"),
        (Status.NOT_STATED, 0.55, "not sure: read the passages"),
    ],
)
def test_confidence_is_said_in_words(status: Status, confidence: float, words: str) -> None:
    kind = certainty(status, confidence)
    assert kind
    assert certainty_in_words(kind) == words


@pytest.mark.parametrize("status", [Status.UNKNOWN_COMPANY, Status.NEEDS_COMPANY, Status.OUT_OF_SCOPE])
def test_where_no_policy_was_read_nothing_is_said_of_certainty(status: Status) -> None:
    assert certainty(status, 1.0) is None


def test_a_region_takes_in_neighbours_of_the_section_while_they_fit() -> None:
    # Four pieces of 100 characters with a blank between; 250 have room for two of them (0-100, 101-201).
    pieces = [Span(0, 100), Span(101, 201), Span(202, 302), Span(303, 403)]
    region = region_around(Span(10, 20), pieces, length=250)
    assert region == Region(0, 201, more_before=False, more_after=True)


def test_a_region_without_pieces_is_the_quote_itself() -> None:
    assert region_around(Span(5, 9), []) == Region(5, 9)


def test_a_huge_piece_is_cut_around_the_quote() -> None:
    # longest 100 around a quote of 10: 45 on either side.
    region = region_around(Span(1_000, 1_010), [Span(0, 50_000)], longest=100)
    assert region == Region(955, 1_055, more_before=True, more_after=True)


@given(st.lists(st.integers(1, 400), min_size=1, max_size=8), st.data())
def test_a_region_always_holds_the_quote_and_stays_inside_the_pieces(sizes: list[int], data: st.DataObject) -> None:
    pieces, at = [], 0
    for size in sizes:
        pieces.append(Span(at, at + size))
        at += size + 1
    chosen = data.draw(st.sampled_from(pieces))
    start = data.draw(st.integers(chosen.start, chosen.end - 1))
    end = data.draw(st.integers(start + 1, chosen.end))
    region = region_around(Span(start, end), pieces, length=500, longest=300)
    assert pieces[0].start <= region.start <= start < end <= region.end <= pieces[-1].end
    assert region.more_before == (region.start > pieces[0].start)
    assert region.more_after == (region.end < pieces[-1].end)


@pytest.mark.parametrize(("iso", "words"), [("2011-03-06", "6 March 2011"), ("1999-12-31", "31 December 1999")])
def test_dates_are_said_in_words(iso: str, words: str) -> None:
    assert date_in_words(iso) == words


def test_every_status_and_verdict_has_a_word() -> None:
    assert {verdict_in_words(Status.ANSWERED, verdict) for verdict in Verdict} == {"Yes", "No", "It depends"}
    assert len({verdict_in_words(status, None) for status in Status}) == len(Status)
