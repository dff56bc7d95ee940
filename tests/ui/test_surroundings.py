from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from qa.domain import IndexedPolicy, Policy
from qa.errors import UsageError
from tests.ui.fakes import PreparedAnswers, cite, index_text
from ui.surroundings import AROUND, quoted_at, words_around


def written(text: str) -> IndexedPolicy:
    return index_text(Policy("a.example", dt.date(2020, 1, 1), "A", text, url="https://a.example/privacy"))


def test_a_quote_is_shown_where_it_stands() -> None:
    text = "# Sharing\n\nWe **share** it. We [sell](https://x.example) it. Never at night.\n\n# Other\n\nNo."
    source = written(text)
    start = text.index("We [sell]")
    end = text.index(" Never")
    before, after = words_around(source, start, end)
    assert before.endswith("We share it.")
    assert after == "Never at night."
    quoted = quoted_at(source, start, end)
    assert (quoted.quote, quoted.section) == (text[start:end], "Sharing")


def test_long_surroundings_are_cut_at_a_word_and_say_so() -> None:
    text = "# One\n\n" + "before " * 2_000 + "Here. " + "after " * 2_000
    start = text.index("Here.")
    before, after = words_around(written(text), start, start + 5)
    assert len(before) <= AROUND
    assert before.startswith("…before ")
    assert len(after) <= AROUND
    assert after.endswith(" after…")


@pytest.mark.parametrize(("start", "end"), [(5, 5), (9, 3), (0, 10**8), (10**8, 10**8 + 1), (6, 9)])
def test_what_is_no_stretch_of_the_policy_is_refused(start: int, end: int) -> None:
    with pytest.raises(UsageError, match="start and end"):
        quoted_at(written("Words.    More words."), start, end)


@given(st.text(min_size=1), st.data())
def test_any_stretch_of_any_text_has_surroundings_of_one_line(text: str, data: st.DataObject) -> None:
    source = written(text)
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    for words in words_around(source, start, end):
        assert len(words) <= AROUND
        assert len(words.splitlines()) <= 1


def test_the_api_gives_the_quote_of_a_citation_in_context(client: TestClient, answers: PreparedAnswers) -> None:
    cited = cite(answers.policy("perriconemd.com"), "We will not sell or disclose")
    path = f"/api/v1/policies/{cited.policy_id}/context"
    told = client.get(path, params={"start": cited.start, "end": cited.end}).json()
    assert (told["quote"], told["section"], told["archived_on"]) == (cited.quote, cited.section, "2011-03-06")
    assert told["url"].startswith("https://web.archive.org/")
    assert told["before"]
    assert told["after"]


@pytest.mark.parametrize(
    ("policy", "params", "status", "code"),
    [
        ("perriconemd.com", {"start": 5}, 422, "invalid_request"),
        ("perriconemd.com", {"start": 9, "end": 3}, 422, "usage"),
        ("perriconemd.com", {"start": -1, "end": 3}, 422, "invalid_request"),
        ("perriconemd.com", {"start": 0, "end": 99_999_999}, 422, "usage"),
        ("nowhere.example", {"start": 0, "end": 3}, 404, "unknown_scope"),
    ],
)
def test_a_quote_that_is_not_there_is_a_problem(
    client: TestClient, policy: str, params: dict[str, int], status: int, code: str
) -> None:
    response = client.get(f"/api/v1/policies/{policy}/context", params=params)
    assert (response.status_code, response.json()["code"]) == (status, code)
