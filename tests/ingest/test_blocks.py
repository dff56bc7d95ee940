from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.blocks import Kind, is_capitalised, scan


def layout(text: str) -> list[tuple[str, str]]:
    return [(block.kind.value, block.span.of(text)) for block in scan(text)]


PROSE = "We use what you tell us to send you what you have ordered, and for nothing else at all."


@pytest.mark.parametrize(
    "marked",
    [
        "## Your Choices ##",
        "Your Choices\n============",
        "**Your Choices**",
        "__Your Choices__  ",
        "**Your Choices  \n**",
        "YOUR CHOICES",
        "Your Choices",
        "1. Your Choices",
    ],
)
def test_headings_of_every_form_are_headings(marked: str) -> None:
    first, second = layout(f"{marked}\n{PROSE}")
    assert first[0] == "heading"
    assert first[1].lower() == "your choices"
    assert second == ("text", PROSE)


def test_a_question_leads_as_a_heading_and_an_address_or_date_does_not() -> None:
    assert layout(f"Do we share it?\n{PROSE}")[0][0] == "heading"
    assert layout(f"Effective July 1, 2004\n{PROSE}")[0][0] == "text"
    assert layout(f"Galloway, Ohio 43119\n{PROSE}")[0][0] == "text"


def test_a_paragraph_marked_as_a_heading_is_a_paragraph() -> None:
    assert layout("## " + PROSE * 3) == [("text", PROSE * 3)]


def test_hard_wrapped_lines_are_one_paragraph_and_lines_of_their_own_are_not() -> None:
    wrapped = (
        "We keep your name and address for as long as you are a\n"
        "customer of ours, and delete them when you are Gone\n"
        "For good, as the law of the land says that we must do."
    )
    assert layout(wrapped) == [("text", wrapped)]
    assert [kind for kind, _ in layout(f"{PROSE}\n{PROSE}\n{PROSE}")] == ["text", "text", "text"]


def test_a_line_break_ends_a_paragraph_only_where_the_line_is_complete() -> None:
    assert layout("We never sell  \nyour data.") == [("text", "We never sell  \nyour data.")]
    assert layout("We never sell data.  \nYour name is safe.") == [
        ("text", "We never sell data."),
        ("text", "Your name is safe."),
    ]


@pytest.mark.parametrize(
    "bullet", ["* ", "- ", "\\- ", "\\-", "• ", "  + ", "1. ", "2) ", "(a) ", "iv. ", "o ", "> * "]
)
def test_items_stand_without_their_bullets(bullet: str) -> None:
    assert layout(f"We keep:\n\n{bullet}your name\n{bullet}your age")[1:] == [
        ("item", "your name"),
        ("item", "your age"),
    ]


def test_short_lines_below_a_colon_are_a_list_without_bullets() -> None:
    text = "We only use it to:\nRespond to your questions\nUnderstand your habits\nTell you about offers\n\n" + PROSE
    assert [kind for kind, _ in layout(text)] == ["text", "item", "item", "item", "text"]


def test_bullets_within_a_line_part_it() -> None:
    assert layout("We keep: • your name • your age") == [
        ("text", "We keep:"),
        ("item", "your name"),
        ("item", "your age"),
    ]


def test_html_in_a_table_cell_parts_it() -> None:
    assert layout("| We keep names.<br>We sell none. | Never. |") == [
        ("cell", "We keep names."),
        ("cell", "We sell none."),
        ("cell", "Never."),
    ]


def test_a_row_of_short_cells_is_one_block_led_in_by_the_head_of_the_table() -> None:
    text = "| Data | Shared with |\n|---|---|\n| Phone number | No one |\n| Name | Carriers |"
    blocks = scan(text)
    assert [block.span.of(text) for block in blocks] == [
        "Data | Shared with",
        "Phone number | No one",
        "Name | Carriers",
    ]
    assert [block.lead and block.lead.of(text) for block in blocks] == [
        None,
        "Data | Shared with",
        "Data | Shared with",
    ]


def test_a_first_row_in_bold_is_the_head_of_a_table_without_a_rule() -> None:
    text = "| **Data** | **Shared with** |\n| Phone number | No one |"
    assert [block.lead and block.lead.of(text) for block in scan(text)] == [None, "**Data** | **Shared with**"]


def test_long_cells_stand_alone_led_in_by_their_rows_label() -> None:
    text = f"| Marketing | {PROSE} {PROSE} |"
    label, cell = scan(text)
    assert (label.span.of(text), cell.span.of(text)) == ("Marketing", f"{PROSE} {PROSE}")
    assert cell.lead == label.span


def test_titles_are_told_by_their_capitals() -> None:
    assert is_capitalised("How We Use Your Data")
    assert not is_capitalised("How we use your data")


@given(
    st.lists(
        st.sampled_from(
            ["# A b", "We do.", "* item", "a | b", "---|---", "===", "**B**", "Title", "", "  ", "x:", "<br>"]
        )
    )
)
def test_blocks_are_in_order_without_overlap(lines: list[str]) -> None:
    text = "\n".join(lines)
    before = 0
    for block in scan(text):
        assert before <= block.start < block.end <= len(text)
        assert block.kind in Kind
        before = block.end
