from __future__ import annotations

import re

import pytest
from starlette.testclient import TestClient

from tests.ui.fakes import SHARED, PreparedAnswers, cite
from tests.ui.test_render import marked, stripped
from ui.render import visible


def test_a_policy_is_sent_whole_with_the_exact_quote_marked(client: TestClient, answers: PreparedAnswers) -> None:
    source = answers.policy("perriconemd.com")
    citation = cite(source, SHARED)
    response = client.get(
        f"/view/policy/{source.policy.id}", params={"cite": f"3:{citation.start}-{citation.end}", "key": "fpab12"}
    )
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    text = response.text.split('<div class="fp-text">')[1].split("</div></article>")[0]
    assert stripped(text) == visible(source.policy.text)
    assert marked(text, 3) == citation.quote
    assert 'id="fpab12-3"' in text


def test_its_outline_leads_to_its_headings(client: TestClient) -> None:
    page = client.get("/view/policy/perriconemd.com").text
    targets = re.findall(r'<li class="fp-depth-\d"><a href="#([^"]+)">', page)
    assert len(targets) > 5
    for target in targets:
        assert len(re.findall(rf'<h[3-6] class="fp-heading" id="{target}"', page)) == 1


def test_a_policy_that_is_not_there_is_a_problem_document(client: TestClient) -> None:
    response = client.get("/view/policy/nobody.example@2020-01-01")
    assert response.status_code == 404
    assert response.json()["code"] == "unknown_scope"


@pytest.mark.parametrize("cited", ["1:5-5", "1:9-2", "1:0-9999999", "x", "1:-3-5", "1:0-5 ", "\u0661:0-5"])
def test_a_stretch_that_is_not_in_the_policy_is_refused(client: TestClient, cited: str) -> None:
    assert client.get("/view/policy/freepeople.com", params={"cite": cited}).status_code == 422


@pytest.mark.parametrize("key", ['"><script>', "a b", "", "x" * 41])
def test_a_key_that_could_be_markup_is_refused(client: TestClient, key: str) -> None:
    assert client.get("/view/policy/freepeople.com", params={"key": key}).status_code == 422


def test_what_the_page_fetches_is_no_part_of_the_published_api(client: TestClient) -> None:
    assert not any(path.startswith("/view") for path in client.get("/openapi.json").json()["paths"])
