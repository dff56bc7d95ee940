from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ingest.chunking import cut, passage_text, sentence_text
from ingest.parsing import parse
from ingest.sources import find_sources
from qa.domain import Passage
from tests.ingest.making import POLICY, policy, quotes

LINES = st.sampled_from(
    [
        "# Title", "## Part", "Part\n----", "**Bold**", "CAPITALS HERE", "Short Title", "We keep it. We sell none.", "",
        "We do not:", "  * sell it;", "    * rent it", "1. Numbered", "a | b", "---|---", "| c | We keep. We sell. |",
        "   ", "\u00a0", "***", "[link](http://a.example/b)", "we go\non here", "x" * 700, "We share; " * 90, "\u200b.",
    ]
)  # fmt: skip
DOCUMENTS = st.lists(LINES, max_size=25).map("\n".join)


def assert_partition(text: str, passages: tuple[Passage, ...]) -> None:
    """In order, no overlap, only white space between; sentences in order inside; lead-ins before what they lead in."""
    before = 0
    for n, passage in enumerate(passages):
        assert passage.n == n
        assert passage.start < passage.end
        assert text[before : passage.start].strip() == ""
        assert text[passage.start : passage.end] == text[passage.start : passage.end].strip()
        at = passage.start
        for sentence in passage.sentences:
            assert at <= sentence.start < sentence.end <= passage.end
            assert sentence.span.of(text) == sentence.span.of(text).strip()
            assert sentence.lead_in is None or sentence.lead_in.start < sentence.lead_in.end <= sentence.start
            at = sentence.end
        before = passage.end
    assert text[before:].strip() == ""


@given(DOCUMENTS)
@example("a| \n**\n")
@example("We\x0bshare.\n\n# \x1f A")
def test_passages_partition_any_text(text: str) -> None:
    assert_partition(text, cut(policy(text)))


@given(st.text(max_size=120))
def test_passages_partition_even_what_is_no_policy(text: str) -> None:
    assert_partition(text, cut(policy(text)))


def test_passages_partition_the_samples(samples: Path) -> None:
    for source in find_sources([samples]):
        parsed = parse(source)  # type: ignore[arg-type]
        assert_partition(parsed.text, cut(parsed))


def test_a_blank_text_has_no_passages() -> None:
    assert cut(policy(" \n\t\n")) == ()


def test_a_passage_stands_under_one_heading_and_carries_its_path() -> None:
    text = (
        "# Policy\n\nWe care.\n\n## Use\n\n### Mail\n\nWe mail you.\n\n### Calls\n\nWe call you.\n\n## Law\n\nWe obey."
    )
    passages = cut(policy(text))
    assert [passage.section for passage in passages] == [("Policy",), ("Use", "Mail"), ("Use", "Calls"), ("Law",)]
    assert [text[passage.start : passage.end].split("\n", 1)[0] for passage in passages] == [
        "# Policy", "## Use", "### Calls", "## Law",
    ]  # fmt: skip


def test_long_sections_are_cut_between_sentences() -> None:
    text = "We keep your data in a safe place. " * 60  # 2,100 characters: three passages of at most 900
    passages = cut(policy(text))
    assert len(passages) == 3
    assert all(passage.end - passage.start <= 900 for passage in passages)
    assert set(quotes(text, passages)) == {"We keep your data in a safe place."}


def test_list_items_keep_the_sentence_that_leads_them_in() -> None:
    parsed = policy(POLICY)
    led = [
        (sentence.span.of(POLICY), sentence.lead_in.of(POLICY))
        for passage in cut(parsed)
        for sentence in passage.sentences
        if sentence.lead_in
    ]
    assert led == [
        ("sell your personal information to anybody;", "We do not:"),
        ("rent our mailing list to third parties.", "We do not:"),
    ]


def test_nested_items_are_led_in_by_their_item_and_the_list_goes_on_after_them() -> None:
    text = "We share:\n\n  * with partners:\n    * your name\n    * your age\n  * with the law\n\nWe care."
    led = {s.span.of(text): s.lead_in and s.lead_in.of(text) for p in cut(policy(text)) for s in p.sentences}
    assert led == {
        "We share:": None,
        "with partners:": "We share:",
        "your name": "with partners:",
        "your age": "with partners:",
        "with the law": "We share:",
        "We care.": None,
    }


def test_a_heading_may_lead_in_a_list() -> None:
    text = "## We never:\n\n* sell it\n* rent it"
    assert [s.lead_in and s.lead_in.of(text) for p in cut(policy(text)) for s in p.sentences][-1] == "We never:"


def test_only_what_continues_the_lead_in_has_it() -> None:
    text = "We do not:\n\n* sell it. We do share it.\n* **Names.** Tell your name.\n"
    led = [(s.span.of(text), s.lead_in is not None) for p in cut(policy(text)) for s in p.sentences]
    assert led[1:] == [("sell it.", True), ("We do share it.", False), ("Names.", True), ("Tell your name.", True)]


@pytest.mark.parametrize(
    ("heading", "states"),
    [
        ("We do not sell, rent or license any of our customer's personal information", True),
        ("No Sale of Personal Information", True),
        ("Your privacy is our priority.", True),
        ("How We Use Your Personal Information", False),
        ("Information we may collect", False),
        ("What do we not share?", False),
        ("Links to Other Sites", False),
        ("6.4. How you can control cookies", False),
    ],
)
def test_a_heading_that_states_something_can_be_quoted(heading: str, states: bool) -> None:
    text = f"## {heading}\n\nWe care."
    assert (heading in quotes(text, cut(policy(text)))) is states


def test_an_overlong_sentence_is_cut_where_it_lists_and_keeps_its_beginning_as_lead_in() -> None:
    text = "We share your data: " + "; ".join(f"({c}) with companies that {c * 60} for us" for c in "abcdefgh") + "."
    (passage,) = cut(policy(text))
    first, second = passage.sentences[:2]
    assert len(passage.sentences) == 9  # the beginning and eight parts
    assert first.span.of(text) == "We share your data:"
    assert second.lead_in == first.span


def test_menus_are_part_of_passages_but_not_sentences() -> None:
    text = "[Home](http://a.example/)\n\nCart\n\n[Read how to opt out of our mailings](http://a.example/o)\n\nWe care."
    passages = cut(policy(text))
    assert quotes(text, passages) == ["[Read how to opt out of our mailings](http://a.example/o)", "We care."]
    assert passages[0].start == 0


def test_program_code_is_no_sentence() -> None:
    text = "function f(a){ if(a){ window.b = a; } else { b.c=function(){return d}; } }\n\nWe share it; we sell it."
    assert quotes(text, cut(policy(text))) == ["We share it; we sell it."]


def test_embedded_texts_say_where_they_stand_and_show_words_only() -> None:
    text = "## Sharing\n\nWe do **not**:\n\n* [sell](http://a.example/x) names"
    parsed = policy(text)
    (passage,) = cut(parsed)
    assert sentence_text(parsed, passage, passage.sentences[-1]) == "Sharing: We do not: sell names"
    assert passage_text(parsed, passage) == "Acme · 2020-02-03 · Sharing: Sharing We do not: sell names"
