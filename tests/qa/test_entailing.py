from __future__ import annotations

import pytest

from qa.entailing import MAX_CLAIM_TOKENS, MAX_QUESTION_CHARS, MAX_TOKENS, claim_ids, posed


def test_claim_and_text_are_marked_apart() -> None:
    assert claim_ids([7, 8], [9]) == ([101, 7, 8, 102, 9, 102], [0, 0, 0, 0, 1, 1])


def test_a_long_text_is_cut_and_stays_closed_and_the_claim_stays_whole() -> None:
    pair = claim_ids([7] * MAX_CLAIM_TOKENS, [9] * 500)
    assert pair is not None
    assert len(pair[0]) == len(pair[1]) == MAX_TOKENS
    assert pair[0].count(7) == MAX_CLAIM_TOKENS
    assert pair[0][-1] == 102


def test_a_claim_that_cannot_be_read_whole_is_not_read() -> None:
    assert claim_ids([7] * (MAX_CLAIM_TOKENS + 1), [9]) is None


@pytest.mark.parametrize(
    ("claim", "told"),
    [
        ("We share our data with us.", "They share their data with them."),
        ("In the US we keep it ourselves.", "In the US they keep it themselves."),
        ("It keeps your house.", "It keeps your house."),
    ],
)
def test_a_claim_is_read_in_the_third_person_behind_its_question(claim: str, told: str) -> None:
    assert posed(claim, "do you  share?\n") == f"do you share? {told}"
    assert posed(claim, "") == told


def test_a_long_question_is_cut_at_a_word() -> None:
    asked = posed("It does.", "word " * 100)
    assert asked.startswith("word word")
    assert asked.endswith(" word It does.")
    assert len(asked) <= MAX_QUESTION_CHARS + len(" It does.")
