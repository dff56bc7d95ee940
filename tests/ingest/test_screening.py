from __future__ import annotations

from pathlib import Path

import pytest

from ingest.screening import screen
from qa.errors import PolicyRefused
from tests.ingest.making import POLICY

SCRIPT = "var Privacy01 = '<p>PRIVACY POLICY</p>';\n" + "".join(
    f"Privacy01 += '<p>We collect personal information {n} and share it with third parties.</p>';\n" for n in range(20)
)
TERMS = (
    "These Terms and Conditions are a legal agreement. You are liable for any breach of these terms, and the seller "
    "gives no warranty and has no liability for goods. Termination of the agreement is governed by the governing law. "
) * 5
COOKIES = "You need to turn on cookies. What is a cookie? To enable cookies, open the menu and choose Cookies. " * 8
GERMAN = (
    "Diese Datenschutzerklärung beschreibt, welche Informationen wir sammeln und wie wir diese verwenden. Wir geben "
    "Ihre Daten nicht an Dritte weiter, es sei denn, dass Sie zugestimmt haben oder ein Gesetz uns dazu verpflichtet. "
) * 4


def reason(text: str, max_chars: int = 500_000) -> str:
    with pytest.raises(PolicyRefused) as refusal:
        screen(text, max_chars=max_chars)
    assert "\n" not in str(refusal.value)
    return refusal.value.reason


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "empty"),
        (" \n\u200b\n", "empty"),
        ("***\n---\n", "empty"),
        ("undefined", "too_short"),
        ("Privacy Statement\n=======\n", "too_short"),
        (SCRIPT, "script"),
        (TERMS, "not_a_policy"),
        (COOKIES, "not_a_policy"),
        ("The cat of the house sat on the mat and it is not for you to say that it may go. " * 6, "not_a_policy"),
        (GERMAN, "not_english"),
        ("We share your personal information.\x00\x01" * 40, "not_text"),
    ],
)
def test_what_is_no_policy_is_refused_with_its_reason(text: str, expected: str) -> None:
    assert reason(text) == expected


def test_the_longest_text_is_a_setting() -> None:
    assert screen(POLICY, max_chars=len(POLICY)) == ()
    assert reason(POLICY, max_chars=len(POLICY) - 1) == "too_large"


def test_a_policy_with_a_line_of_program_code_passes() -> None:
    assert screen(POLICY + "var a = 'b';", max_chars=500_000) == ()


def test_the_samples_pass_without_a_warning(samples: Path) -> None:
    files = sorted(samples.glob("*.md"))
    assert len(files) == 4
    assert [screen(file.read_text(encoding="utf-8"), max_chars=500_000) for file in files] == [()] * 4


@pytest.mark.parametrize(
    ("text", "warned"),
    [
        (POLICY + "\nWe may also give your address to those companies that", "cut off"),
        (POLICY + POLICY, "twice"),
        (POLICY[:480], "very short"),
    ],
)
def test_what_a_reader_should_know_is_said(text: str, warned: str) -> None:
    assert any(warned in warning for warning in screen(text, max_chars=500_000))


@pytest.mark.parametrize(
    "ending", ["Home Privacy Policy Terms of Use Contact Us", "Acme, 1 Main Street, Springfield", "© 2020 Acme"]
)
def test_menus_addresses_and_signatures_at_the_end_are_no_cut(ending: str) -> None:
    assert screen(POLICY + "\n" + ending, max_chars=500_000) == ()
