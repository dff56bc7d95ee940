from __future__ import annotations

import html
import re

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from qa.domain import PolicyCard
from qa.errors import IndexMissing
from tests.ui.fakes import PreparedAnswers
from ui.picker import MOST_CHOSEN, Finders, chosen_ids, picker_html
from ui.words import WORDS

SITES = "/api/v1/sites"


def picker(elem_id: str = "fp-x", *, multiple: bool = False, only: str | None = None, remember: bool = True) -> str:
    return picker_html(
        elem_id, multiple=multiple, only=only, label="picker.policy", empty="picker.any", hint=None, remember=remember
    )


def test_the_field_is_a_labelled_combobox_that_controls_its_list() -> None:
    markup = picker()
    assert '<label class="fp-pick-label" for="fp-x-input">' in markup
    field = re.search(r"<input [^>]*>", markup)
    assert field
    for attribute in ('id="fp-x-input"', 'role="combobox"', 'aria-controls="fp-x-list"', 'aria-expanded="false"'):
        assert attribute in field[0]
    assert re.search(r'<div id="fp-x-list"[^>]* role="listbox"[^>]* aria-label="', markup)
    assert 'role="status"' in markup


def test_variants_are_told_to_the_script() -> None:
    assert 'data-most="1"' in picker()
    assert f'data-most="{MOST_CHOSEN}"' in picker(multiple=True)
    assert 'data-only="versions"' in picker(only="versions")
    assert "data-only" not in picker()
    assert "data-remember" not in picker(remember=False)


def test_what_choosing_nothing_means_is_said_in_the_empty_field() -> None:
    assert html.escape(WORDS["picker.any"]["en"]) in picker()


def test_ids_of_several_are_read_line_by_line_once_each_and_not_too_many() -> None:
    assert chosen_ids("a@1\n b@2 \n\na@1") == ("a@1", "b@2")
    assert chosen_ids(None) == chosen_ids("") == ()
    assert len(chosen_ids("\n".join(f"x{n}" for n in range(99)))) == MOST_CHOSEN


def test_the_page_has_no_list_of_policies_in_it(app: FastAPI, client: TestClient, answers: PreparedAnswers) -> None:
    page = client.get("/").text
    assert "fp-picker-value" in page
    assert "malleries.com@2012-10-04" not in page


class Changing(PreparedAnswers):
    """A service whose list of policies is set."""

    listed: tuple[PolicyCard, ...] = ()

    def cards(self, query: str = "", limit: int | None = None) -> tuple[PolicyCard, ...]:
        return self.listed


def test_a_finder_is_kept_until_the_index_changes(answers: PreparedAnswers) -> None:
    changing = Changing(answers.policies)
    changing.listed = answers.cards()
    finders = Finders(changing)
    first = finders.current()
    assert finders.current() is first
    changing.listed = changing.listed[:2]
    assert len(finders.current().sites()) == 2


def test_sites_are_found_by_part_of_a_name_with_their_versions(client: TestClient) -> None:
    found = client.get(SITES, params={"q": "malle"}).json()
    assert found["total"] == 1
    assert found["sites"] == [
        {
            "domain": "malleries.com",
            "company": "Malleries",
            "versions": [{"id": "malleries.com@2012-10-04", "archived_on": "2012-10-04"}],
        }
    ]


def test_sites_are_listed_page_by_page(client: TestClient) -> None:
    names = [site["company"] for site in client.get(SITES).json()["sites"]]
    assert names == sorted(names, key=str.casefold)
    page = client.get(SITES, params={"limit": 2, "offset": 1}).json()
    assert [site["company"] for site in page["sites"]] == names[1:3]
    assert page["total"] == len(names) == 4


def test_sites_of_scopes_are_those_and_no_others(client: TestClient) -> None:
    scopes = {"scope": ["malleries.com@2012-10-04", "freepeople.com", "own:abc", "nobody.example"]}
    found = client.get(SITES, params=scopes).json()["sites"]
    assert [site["domain"] for site in found] == ["malleries.com", "freepeople.com"]


def test_a_letter_or_a_year_of_the_catalogue_finds_as_many_as_it_says(client: TestClient) -> None:
    catalogue = client.get("/api/v1/catalogue").json()
    assert catalogue["sites"] == catalogue["policies"] == 4
    for entry in catalogue["letters"]:
        assert client.get(SITES, params={"letter": entry["letter"]}).json()["total"] == entry["sites"]
    for entry in catalogue["years"]:
        assert client.get(SITES, params={"year": entry["year"]}).json()["total"] == entry["policies"]


FAULTY = (
    {"letter": "ab"},
    {"letter": "<"},
    {"year": "x"},
    {"limit": 0},
    {"limit": 9999},
    {"q": "x" * 201},
    {"scope": ["a"] * 21},
)


@pytest.mark.parametrize("params", FAULTY)
def test_what_cannot_be_meant_is_a_problem_document(client: TestClient, params: dict[str, object]) -> None:
    response = client.get(SITES, params=params)  # type: ignore[arg-type]
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", [SITES, "/api/v1/catalogue"])
def test_without_an_index_it_is_said_what_to_do(client: TestClient, answers: PreparedAnswers, path: str) -> None:
    answers.problem = IndexMissing("There is no index: run `fineprint ingest` first.")
    response = client.get(path)
    assert response.status_code == 503
    assert "fineprint ingest" in response.json()["detail"]
