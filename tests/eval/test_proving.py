from __future__ import annotations

from pathlib import Path

import pytest

from eval.proving import TwoFiles, misquoted, named_policy, nearest_sentence, newest, policies_in

TEXT = (
    "# Privacy\n\nWe never sell your\ndata. We use cookies to remember your cart.\n\n* Orders are kept for six years.\n"
)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("shop.example__2020-01-02", "shop.example__2020-01-02"),
        ("shop.example@2020-01-02", "shop.example__2020-01-02"),
        ("shop.example__2020-01-02.md", "shop.example__2020-01-02"),
        (" Shop.Example ", "shop.example"),
        ("https://www.shop.example/privacy", "shop.example"),
        ("shop.example.pdf", "shop.example"),
        ("shop.md", "shop.md"),  # a domain of Moldova
    ],
)
def test_a_policy_may_be_called_by_its_version_its_site_its_file_or_its_address(typed: str, meant: str) -> None:
    assert named_policy(typed) == meant


def test_a_site_means_its_newest_version_and_a_version_itself() -> None:
    stems = ["a.com__2019-01-01", "a.com__2020-01-01", "b.com"]
    assert newest("a.com", stems) == "a.com__2020-01-01"
    assert newest("a.com__2019-01-01", stems) == "a.com__2019-01-01"
    assert newest("b.com", stems) == "b.com"
    assert newest("a.com__2018-01-01", stems) is None
    assert newest("a.co", stems) is None


@pytest.mark.parametrize(
    "typed", ["We never sell your datas.", "we never sell your DATA", "We never sell data. We use cookies"]
)
def test_the_sentence_that_was_meant_is_found(typed: str) -> None:
    assert nearest_sentence(typed, TEXT) in {"We never sell your data.", "We use cookies to remember your cart."}


def test_nothing_is_near_to_what_is_about_something_else() -> None:
    assert nearest_sentence("Zebras graze quietly beyond mountains.", TEXT) is None
    assert "nothing there is like it" in misquoted("Zebras graze quietly beyond mountains.", "shop.example", TEXT)


def test_a_policy_is_found_by_the_name_of_its_file_or_by_what_the_file_says(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.com__2020-01-01.md").write_text("a of 2020")
    (tmp_path / "a.com__2019-01-01.md").write_text("a of 2019")
    (tmp_path / "b.com.txt").write_text("b")
    (tmp_path / "privacy.md").write_text("---\ndomain: c.com\ndate: 2021-02-03\n---\n\nc")
    (tmp_path / "notes.json").write_text("{}")
    assert policies_in([tmp_path], ["a.com", "b.com", "c.com", "d.com"]) == {
        "a.com__2020-01-01": "a of 2020", "b.com": "b", "c.com__2021-02-03": "c",
    }  # fmt: skip


def test_two_files_of_one_policy_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.com.md").write_text("one")
    (tmp_path / "a.com.txt").write_text("two")
    with pytest.raises(TwoFiles, match=r"a\.com"):
        policies_in([tmp_path], ["a.com"])
