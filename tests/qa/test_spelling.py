from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.spelling import respelled

POLICY = "We do not rent or license our customers' Information. Mullvad keeps no logs of spacepens."


@pytest.mark.parametrize(
    ("typed", "mended"),
    [
        ("do you licnese my infomation to others", "do you license my information to others"),
        ("can i delte my acount?", "can i delete my account?"),
        ("do you rnet my adta to othres", "do you rent my data to others"),
        ("does the gdpr or nfts apply", "does the gdpr or nfts apply"),
        ("does mulvad keep logs", "does mullvad keep logs"),  # the policy's own word, in no dictionary
        ("do you sell spacepens", "do you sell spacepens"),
        (
            "do you give my stuff to strangers for a batch of stats",
            "do you give my stuff to strangers for a batch of stats",
        ),
        ("does Wirte sell my data", "does Wirte sell my data"),  # a name
        ("do you know acme.exampel or me@exmaple.com", "do you know acme.exampel or me@exmaple.com"),
        ("qzxjkwv", "qzxjkwv"),
        ("q" * 2000, "q" * 2000),
        ("", ""),
    ],
)
def test_a_slip_is_mended_and_a_word_that_is_known_is_not_touched(typed: str, mended: str) -> None:
    assert respelled(typed, POLICY) == mended


@given(st.text(max_size=40))
def test_any_text_keeps_its_number_of_words(text: str) -> None:
    assert len(respelled(text, POLICY).split()) >= len(text.split())
