from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from itertools import pairwise

import pytest
from starlette.testclient import TestClient

from qa.changing import changes_between
from qa.domain import Changes, IndexedPolicy
from qa.settings import Settings
from tests.qa.making import indexed
from tests.ui.fakes import PreparedAnswers
from ui.app import create_app
from ui.lookback import changes_html, places, timeline_html
from ui.versions import sites

OLD, MIDDLE, NEW = dt.date(2006, 12, 5), dt.date(2007, 1, 9), dt.date(2011, 3, 6)
FIRST = "Our pages are written by hand."
ACME = tuple(
    indexed(FIRST, *lines, archived_on=day)
    for day, lines in (
        (OLD, ("Registration is not required to use this site.", "We use cookies here.", "Faxes are read daily.")),
        (MIDDLE, ("Registration is not required to use this site.", "We use cookies here.", "Faxes are read daily.")),
        (NEW, ("Registration is required to use this site.", "Robots greet <b>you</b> ${x}.", "We use cookies here.")),
    )
)
BOLT = indexed("Bolt sells data.", domain="bolt.com", company="Bolt")


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    answers = PreparedAnswers({source.policy.id: source for source in (*ACME, BOLT)})
    with TestClient(create_app(answers, Settings()), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def changes() -> Changes:
    return changes_between(ACME[0], ACME[2])


def view(client: TestClient, **query: str) -> str:
    response = client.get("/view/changes", params={name.rstrip("_"): value for name, value in query.items()})
    assert response.status_code == 200, response.text
    return response.text


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_without_a_site_those_with_several_versions_are_offered(client: TestClient) -> None:
    html = view(client)
    assert "2006–2011, 3 versions" in words(html)
    assert 'data-site="acme.com"' in html
    assert "bolt.com" not in html


def test_a_site_shows_its_line_of_time_and_what_changed_between_its_ends(client: TestClient) -> None:
    html = view(client, site="acme.com")
    assert html.count('type="radio"') == 6
    assert re.search(r'name="fp-lb-from" id="fp-lb-from-2006-12-05" value="2006-12-05" checked', html)
    assert re.search(r'name="fp-lb-to" id="fp-lb-to-2011-03-06" value="2011-03-06" checked', html)
    assert "1 reworded" in words(html)


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        ("2007-01-09", "2011-03-06", ("2007-01-09", "2011-03-06")),
        ("acme.com@2007-01-09", "", ("2007-01-09", "2011-03-06")),
        ("2011-03-06", "2006-12-05", ("2006-12-05", "2011-03-06")),
        ("2011-03-06", "2011-03-06", ("2006-12-05", "2011-03-06")),
        ("1999-01-01", "nonsense", ("2006-12-05", "2011-03-06")),
    ],
)
def test_whatever_an_address_names_two_versions_are_compared(
    client: TestClient, since: str, until: str, expected: tuple[str, str]
) -> None:
    html = view(client, site="acme.com", from_=since, to=until)
    assert tuple(re.findall(r'value="([\d-]+)" checked', html)) in {expected, expected[::-1]}


def test_versions_without_a_difference_say_so(client: TestClient) -> None:
    html = view(client, site="acme.com", from_="2006-12-05", to="2007-01-09")
    assert "Nothing changed between these versions" in words(html)


def test_a_topic_without_a_sentence_is_not_a_no(client: TestClient) -> None:
    assert "Neither version has a sentence about this. That is not a no." in words(
        view(client, site="acme.com", about="children")
    )
    assert "did not change" in words(
        view(client, site="acme.com", from_=OLD.isoformat(), to="2007-01-09", about="cookies")
    )


def test_a_site_of_one_version_says_that_there_is_nothing_to_compare(client: TestClient) -> None:
    assert "Only one version of this policy is here" in words(view(client, site="bolt.com"))


def test_an_unknown_site_is_a_problem_document_that_says_so(client: TestClient) -> None:
    response = client.get("/view/changes", params={"site": "nowhere.example"})
    assert response.status_code == 404
    assert "nowhere.example" in response.json()["detail"]


def test_changed_words_are_marked_for_eyes_and_ears(changes: Changes) -> None:
    html = changes_html(changes)
    assert re.search(r'<del><span class="fp-sr"><span data-t="lookback.deleted">removed:</span> </span>not', html)
    assert "<ins>" not in html  # nothing was added to the reworded sentence
    for sign, kind in (("≠", "Reworded"), ("+", "Added"), ("−", "Removed")):
        assert f'<span aria-hidden="true">{sign}</span> <span data-t="lookback.{kind.lower()}">{kind}</span>' in html


def test_policy_text_is_shown_and_never_run(changes: Changes) -> None:
    html = changes_html(changes)
    assert "<b>you" not in html
    assert "${" not in html
    assert "Robots greet you" in words(html).replace("&lt;b&gt;", "").replace("&lt;/b&gt;", "")


def test_moved_text_is_folded_away_and_counted() -> None:
    first, second, third = "Cookies remember you.", "Children may not register.", "Our office answers letters."
    html = changes_html(changes_between(indexed(first, second, third, archived_on=OLD), indexed(third, first, second)))
    assert "<details" in html
    assert "1 moved" in words(html)
    assert "fp-lb-change" not in html.replace("fp-lb-changes", "")


def test_links_lead_into_either_snapshot_and_nowhere_else(changes: Changes) -> None:
    for url in re.findall(r'class="fp-lb-source" href="([^"]+)"', changes_html(changes)):
        assert url.startswith("https://archive.example/acme.com#:~:text=")


def test_many_changes_wait_behind_a_button() -> None:
    lines = [f"Sentence number {n} speaks of subject{n} alone." for n in range(90)]
    html = changes_html(changes_between(indexed(FIRST, archived_on=OLD), indexed(FIRST, *lines)))
    assert "Show 30 more changes" in words(html)
    assert html.count('class="fp-lb-change ') == 90


def test_dates_stand_to_scale_and_far_enough_apart() -> None:
    assert places([0, 25, 100], 0) == [0, 25, 100]
    assert places([0, 1, 100], 20) == [0, 20, 100]
    assert places([0, 99, 100], 20) == [0, 80, 100]
    close = places([0, 1, 2, 3, 1000], 40)
    assert close[0] >= 0
    assert close[-1] == 100
    assert all(b - a >= 24.9 for a, b in pairwise(close))


def test_the_dots_of_the_line_are_to_scale(client: TestClient) -> None:
    cards = PreparedAnswers({source.policy.id: source for source in ACME}).cards()
    (site,) = sites(cards)
    html = timeline_html(site, site.versions[0], site.versions[-1])
    share = 100 * (MIDDLE - OLD).days / (NEW - OLD).days
    assert re.findall(r'<circle cx="([\d.]+)%"', html) == ["0.00", f"{share:.2f}", "100.00"]


# --- over HTTP for programs -------------------------------------------------------------------------------------------


def test_the_api_tells_the_changes_since_the_oldest_version(client: TestClient) -> None:
    data = client.get("/api/v1/policies/acme.com/changes").json()
    assert (data["older"], data["newer"]) == ("acme.com@2006-12-05", "acme.com@2011-03-06")
    texts: dict[str, str] = {source.policy.id: source.policy.text for source in ACME}
    assert {change["kind"] for change in data["changes"]} >= {"reworded", "added", "removed"}
    for change in data["changes"]:
        for side in filter(None, (change["before"], change["after"])):
            assert texts[side["policy_id"]][side["start"] : side["end"]] == side["quote"]


def test_the_api_takes_a_date_or_a_scope_and_a_topic(client: TestClient) -> None:
    by_date = client.get("/api/v1/policies/acme.com/changes", params={"since": "2007-01-09"}).json()
    by_id = client.get("/api/v1/policies/acme.com/changes", params={"since": "acme.com@2007-01-09"}).json()
    assert by_date == by_id
    assert by_date["older"] == "acme.com@2007-01-09"
    topic = client.get("/api/v1/policies/acme.com/changes", params={"about": "registration"}).json()
    assert [change["kind"] for change in topic["changes"]] == ["reworded"]


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("bolt.com", {}, 422),
        ("acme.com", {"since": "bolt.com"}, 422),
        ("acme.com", {"since": "1999-01-01"}, 404),
        ("nowhere.example", {}, 404),
    ],
)
def test_what_cannot_be_compared_is_a_problem_document(
    client: TestClient, path: str, query: dict[str, str], status: int
) -> None:
    response = client.get(f"/api/v1/policies/{path}/changes", params=query)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"


def test_the_samples_of_one_version_each_offer_nothing_to_look_back_at() -> None:
    only: dict[str, IndexedPolicy] = {BOLT.policy.id: BOLT}
    with TestClient(create_app(PreparedAnswers(only), Settings())) as client:
        assert "No site has several versions here" in words(view(client))
