from __future__ import annotations

import base64
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from qa.parcel import digest, packed, unpacked
from tests.qa.indexing import ENCODER, MANIFEST, made_up
from tests.qa.test_library import same

DIMENSION = MANIFEST.dimension
PARCEL = packed(made_up("a.com", "We share nothing.", "We keep it."), DIMENSION)


@given(st.lists(st.text(st.characters(), min_size=1, max_size=40), min_size=1, max_size=4))
@settings(max_examples=20, deadline=None)
def test_any_policy_comes_back_character_by_character_from_plain_ascii(sentences: list[str]) -> None:
    policy = made_up("a.com", *sentences, company=sentences[0])
    parcel = packed(policy, DIMENSION)
    assert parcel.isascii()
    assert same(unpacked(parcel, digest(parcel), DIMENSION), policy)


def test_lone_surrogates_in_every_field_come_back() -> None:
    policy = made_up("a.com", "a NUL \x00, a surrogate \ud800", company="\ud800")
    policy = replace(policy, policy=replace(policy.policy, aliases=("\udfff",), url="\ud800", warnings=("\ud801",)))
    parcel = packed(policy, DIMENSION)
    assert same(unpacked(parcel, digest(parcel), DIMENSION), policy)


def test_the_same_policy_gives_the_same_parcel_and_another_one_another_digest() -> None:
    again = packed(made_up("a.com", "We share nothing.", "We keep it."), DIMENSION)
    assert again == PARCEL
    other = packed(made_up("a.com", "We share nothing.", "We keep it!"), DIMENSION)
    assert digest(other) != digest(PARCEL) == digest(again)


def test_vectors_read_from_a_parcel_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        unpacked(PARCEL, digest(PARCEL), DIMENSION).passage_vectors[0, 0] = 1


@given(st.binary(max_size=60))
@settings(max_examples=50, deadline=None)
def test_what_is_no_parcel_is_a_value_error(data: bytes) -> None:
    parcel = base64.b64encode(data).decode()
    with pytest.raises(ValueError):
        unpacked(parcel, digest(parcel), DIMENSION)


@given(st.integers(0, len(PARCEL) - 1), st.characters())
@settings(max_examples=50, deadline=None)
def test_one_character_changed_is_noticed(at: int, character: str) -> None:
    assume(PARCEL[at] != character)
    with pytest.raises(ValueError, match="hash"):
        unpacked(PARCEL[:at] + character + PARCEL[at + 1 :], digest(PARCEL), DIMENSION)


@pytest.mark.parametrize("parcel", ["", "é", "not base64 at all", PARCEL[:-8], PARCEL + "AAAA"])
def test_a_parcel_cut_off_or_with_something_after_it_is_a_value_error(parcel: str) -> None:
    with pytest.raises(ValueError):
        unpacked(parcel, digest(parcel), DIMENSION)


def test_a_parcel_made_with_longer_vectors_is_a_value_error() -> None:
    with pytest.raises(ValueError):
        unpacked(PARCEL, digest(PARCEL), DIMENSION // 2)


def test_a_policy_whose_vectors_do_not_fit_is_not_packed() -> None:
    policy = made_up("a.com", "One.")
    with pytest.raises(ValueError, match="shape"):
        packed(replace(policy, sentence_vectors=np.vstack([policy.sentence_vectors] * 2)), DIMENSION)
    with pytest.raises(ValueError, match="length"):
        packed(replace(policy, passage_vectors=ENCODER.encode_texts(["One."]) * np.float32(2)), DIMENSION)
    with pytest.raises(ValueError, match="no passage"):
        packed(replace(policy, passages=()), DIMENSION)
