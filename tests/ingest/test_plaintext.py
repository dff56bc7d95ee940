from __future__ import annotations

import pytest

from ingest.origin import Source
from ingest.parsing import Hints, describe, read
from ingest.plaintext import plain_text
from qa.errors import PolicyRefused
from tests.ingest.making import POLICY

TYPED = POLICY + "\nWe don’t sell “personal data” – never… • © 2020 Café Zoë, Łódź\n"
WESTERN = TYPED.replace(", Łódź", "")


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"]
)
def test_unicode_is_read_in_every_width_with_its_mark_and_without(encoding: str) -> None:
    assert plain_text(TYPED.encode(encoding)) == (TYPED, ())


def test_windows_1252_is_read_without_a_word() -> None:
    assert plain_text(WESTERN.encode("cp1252")) == (WESTERN, ())


@pytest.mark.parametrize(("encoding", "name"), [("mac_roman", "Mac Roman"), ("cp1250", "Windows-1250")])
def test_other_encodings_are_guessed_and_said_to_be(encoding: str, name: str) -> None:
    typed = WESTERN if encoding == "mac_roman" else TYPED.replace("Zoë", "Zoé")
    text, warnings = plain_text(typed.encode(encoding))
    assert text == typed
    assert [name in warning and "UTF-8" in warning for warning in warnings] == [True]


def test_letters_of_dos_are_not_taken_for_quotation_marks() -> None:
    text = "Our Café in Zürich shares data."
    assert plain_text(text.encode("cp850"))[0] == text


def test_a_stray_byte_does_not_turn_the_rest_into_another_encoding() -> None:
    text, warnings = plain_text(TYPED.encode().replace(b"Caf", b"Ca\xfff"))
    assert text == TYPED.replace("Caf", "Ca\ufffdf")
    assert warnings == ("Of its characters 1 could not be read; the others are UTF-8.",)


def test_line_ends_are_one() -> None:
    assert plain_text(b"a\r\nb\rc")[0] == "a\nb\nc"


@pytest.mark.parametrize(
    "data", [b"\x81\x8d\xff", "Мы не продаём ваши данные".encode("cp1251"), bytes(range(128, 256))]
)
def test_what_is_no_text_in_english_is_refused(data: bytes) -> None:
    with pytest.raises(PolicyRefused) as refusal:
        plain_text(data)
    assert refusal.value.reason == "not_text"


def test_a_guess_is_told_with_the_policy() -> None:
    document = read(Source("acme.example.txt", WESTERN.encode("mac_roman"), ".txt"))
    assert "Mac Roman" in describe(document, Hints()).warnings[0]
