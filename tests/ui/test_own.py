from __future__ import annotations

import base64
import datetime as dt
import json
import re
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from ingest.parsing import Hints
from qa.domain import Answer, Question, Status
from qa.errors import PolicyRefused, UnknownScope, UsageError
from qa.settings import Settings
from tests.ingest.making import POLICY
from tests.ingest.papers import column, pdf
from tests.memory import holders
from tests.ui.fakes import PreparedAnswers
from ui.own import LEFT_S, PER_SESSION, OwnAnswers, OwnPolicies, most_bytes, own_html, source_of

TEXT = POLICY.replace("Acme Tools", "Zephyr Kites")
NOBODYS = TEXT.replace('Zephyr Kites ("we" or "us") respects', "We respect").replace(
    "# Zephyr Kites Privacy", "# Privacy"
)


def bytes_of(n: int) -> bytes:
    """Texts that differ."""
    return TEXT.replace("your cart", f"your cart number {n}").encode()


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def own(answers: PreparedAnswers, settings: Settings, clock: Clock) -> OwnPolicies:
    return OwnPolicies(answers, settings, clock=clock)


def scope_of(added: Any) -> str:
    return str(added.card["id"])


# --- keeping ----------------------------------------------------------------------------------------------------------


def test_a_pasted_policy_can_be_asked_at_once_with_label_and_proof(own: OwnPolicies, answers: PreparedAnswers) -> None:
    added = own.add(None, "", TEXT.encode(), Hints())
    page = OwnAnswers(answers, own)
    answer = page.ask(Question("does it use cookies?", scope=scope_of(added)))
    assert answer.status is Status.ANSWERED
    source = page.policy(scope_of(added))
    assert all(source.policy.text[c.start : c.end] == c.quote for c in answer.citations)
    *_, last = page.stream(Question("does it use cookies?", scope=scope_of(added)))
    assert isinstance(last, Answer)
    assert last.citations == answer.citations
    label = page.label(scope_of(added))
    assert label.company == "Zephyr Kites"
    assert page.label(scope_of(added)) is label


def test_what_the_page_shows_of_it_holds_no_text(own: OwnPolicies) -> None:
    card = own.add(None, "", TEXT.encode(), Hints(company="Kites Ltd", archived_on=dt.date(2012, 3, 4))).card
    assert (card["company"], card["archived_on"], card["named"]) == ("Kites Ltd", "2012-03-04", True)
    assert "cart" not in json.dumps(card)


def test_a_policy_that_says_not_whose_it_is_is_the_company_s(own: OwnPolicies) -> None:
    added = own.add(None, "", NOBODYS.encode(), Hints())
    assert own.find(scope_of(added)).policy.company == "The company"
    assert added.card["named"] is False


def test_its_id_is_nobodys_domain_and_leads_nowhere(own: OwnPolicies, answers: PreparedAnswers) -> None:
    added = own.add(None, "", TEXT.encode(), Hints())
    policy = own.find(scope_of(added)).policy
    assert re.fullmatch(r"own-[0-9a-f]{8}@\d{4}-\d\d-\d\d", policy.id)
    assert "." not in policy.domain
    with pytest.raises(UnknownScope):
        OwnAnswers(answers, own).policy(policy.id)
    assert scope_of(added).removeprefix("own:") not in policy.id


def test_tokens_cannot_be_guessed(own: OwnPolicies) -> None:
    tokens = {scope_of(own.add(None, "", bytes_of(n), Hints())).removeprefix("own:") for n in range(3)}
    assert len(tokens) == 3
    assert all(len(token) >= 32 for token in tokens)
    with pytest.raises(UnknownScope, match="no longer kept"):
        own.find("own:" + "A" * 32)


def test_it_is_in_no_list_of_policies(own: OwnPolicies, answers: PreparedAnswers) -> None:
    own.add(None, "", TEXT.encode(), Hints())
    assert all(card.company != "Zephyr Kites" for card in OwnAnswers(answers, own).cards())


def test_questions_to_the_index_are_left_to_it(own: OwnPolicies, answers: PreparedAnswers) -> None:
    answer = OwnAnswers(answers, own).ask(Question("does Perricone MD share my data?"))
    assert answer.policies == ("perriconemd.com@2011-03-06",)


def test_the_same_text_again_takes_the_place_of_the_earlier_one(own: OwnPolicies) -> None:
    first = own.add(None, "", TEXT.encode(), Hints())
    again = own.add(first.session, "", TEXT.encode(), Hints(company="Kites Ltd"))
    assert (again.session, scope_of(again), again.dropped) == (first.session, scope_of(first), ())
    assert own.find(scope_of(again)).policy.company == "Kites Ltd"
    assert len(own.resume(first.session)) == 1


def test_another_session_with_the_same_text_has_its_own(own: OwnPolicies) -> None:
    first, second = own.add(None, "", TEXT.encode(), Hints()), own.add(None, "", TEXT.encode(), Hints())
    assert first.session != second.session
    assert scope_of(first) != scope_of(second)
    own.forget(scope_of(first))
    assert own.find(scope_of(second))


def test_a_session_that_was_made_up_begins_a_new_one(own: OwnPolicies) -> None:
    assert own.add("made-up", "", TEXT.encode(), Hints()).session != "made-up"


# --- letting go -------------------------------------------------------------------------------------------------------


def test_what_is_forgotten_is_gone(own: OwnPolicies) -> None:
    added = own.add(None, "", TEXT.encode(), Hints())
    assert own.forget(scope_of(added))
    with pytest.raises(UnknownScope, match="Add it again"):
        own.find(scope_of(added))
    assert own.resume(added.session) == []
    assert not own.forget(scope_of(added))


def test_a_policy_is_gone_an_hour_after_its_last_use(own: OwnPolicies, clock: Clock) -> None:
    scope = scope_of(own.add(None, "", TEXT.encode(), Hints()))
    clock.now += 59 * 60
    assert own.find(scope)
    clock.now += 59 * 60
    assert own.find(scope)
    clock.now += 61 * 60
    with pytest.raises(UnknownScope, match="60 minutes"):
        own.find(scope)


def test_a_page_that_is_left_takes_its_policies_along_but_a_reload_does_not(own: OwnPolicies, clock: Clock) -> None:
    added = own.add(None, "", TEXT.encode(), Hints())
    own.leave(added.session)
    clock.now += LEFT_S - 1
    assert [card["id"] for card in own.resume(added.session)] == [scope_of(added)]
    clock.now += LEFT_S + 1
    assert own.find(scope_of(added))
    own.leave(added.session)
    clock.now += LEFT_S + 1
    with pytest.raises(UnknownScope):
        own.find(scope_of(added))


def test_of_two_pages_of_a_session_the_last_one_ends_it(own: OwnPolicies, clock: Clock) -> None:
    added = own.add(None, "", TEXT.encode(), Hints())
    own.resume(added.session)
    own.leave(added.session)
    clock.now += LEFT_S + 1
    assert own.find(scope_of(added))
    own.leave(added.session)
    clock.now += LEFT_S + 1
    with pytest.raises(UnknownScope):
        own.find(scope_of(added))


def test_a_sixth_policy_takes_the_place_of_the_oldest_and_says_so(own: OwnPolicies) -> None:
    first = own.add(None, "", bytes_of(0), Hints())
    for n in range(1, PER_SESSION):
        assert own.add(first.session, "", bytes_of(n), Hints()).dropped == ()
    assert own.add(first.session, "", bytes_of(PER_SESSION), Hints()).dropped == (scope_of(first),)
    assert len(own.resume(first.session)) == PER_SESSION
    with pytest.raises(UnknownScope):
        own.find(scope_of(first))


def test_when_memory_is_full_what_was_unused_longest_goes(answers: PreparedAnswers, settings: Settings) -> None:
    clock = Clock()
    small = OwnPolicies(answers, settings.model_copy(update={"own_policies_mb": 1}), clock=clock)
    long = [(TEXT + "\n".join(f"We use data {n} of kind {k}." for k in range(900))).encode() for n in range(3)]
    scopes = []
    for data in long:
        clock.now += 1
        scopes.append(scope_of(small.add(None, "", data, Hints())))
    with pytest.raises(UnknownScope):
        small.find(scopes[0])
    assert small.find(scopes[-1])


def test_an_operator_can_take_none(answers: PreparedAnswers, settings: Settings) -> None:
    off = settings.model_copy(update={"own_policies_mb": 0})
    with pytest.raises(UsageError, match="takes no policies"):
        OwnPolicies(answers, off).add(None, "", TEXT.encode(), Hints())
    assert own_html(off) == ""


def test_nothing_of_it_is_written_to_disk(own: OwnPolicies, tmp_path: Path) -> None:
    own.add(None, "kites.md", TEXT.encode(), Hints())
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_two_sessions_at_once_get_each_their_own(own: OwnPolicies, answers: PreparedAnswers) -> None:
    page = OwnAnswers(answers, own)
    found: dict[int, str] = {}

    def bring(n: int) -> None:
        added = own.add(None, "", TEXT.replace("Zephyr Kites", f"Kite{n}shop Ltd").encode(), Hints(company=f"Shop {n}"))
        answer = page.ask(Question("does it use cookies?", scope=scope_of(added)))
        found[n] = answer.citations[0].company

    threads = [threading.Thread(target=bring, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {n: f"Shop {n}" for n in range(4)}


# --- what can be read -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("policy.mht", TEXT.encode(), "Archives of web pages cannot be read"),
        ("policy.doc", b"\xd0\xcf\x11\xe0", "Text, Markdown, HTML, PDF and Word"),
        ("policy.txt", b"PK\x03\x04zip", "Text, Markdown, HTML, PDF and Word"),
        ("policy", TEXT.encode(), "Text, Markdown, HTML, PDF and Word"),
        ("", b"https://example.com/privacy", "only an address"),
        ("", b" www.example.com/privacy \n", "only an address"),
        ("", b"example.com", "only an address"),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_to_do_instead(name: str, data: bytes, says: str) -> None:
    with pytest.raises(PolicyRefused, match=says) as refusal:
        source_of(name, data)
    assert "copy its text and paste it here." in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "data", "suffix"),
    [
        ("policy.html", b"We share", ".html"),
        ("POLICY.HTM", b"We share", ".htm"),
        ("", b"<!DOCTYPE html><html><body>We share data", ".html"),
        ("page.txt", b"<!-- saved --> <html>", ".html"),
        ("", b"We share <b>data</b>", ".txt"),
    ],
)
def test_pages_are_read_as_pages_whatever_they_are_called(name: str, data: bytes, suffix: str) -> None:
    assert source_of(name, data).suffix == suffix


def test_a_dropped_page_can_be_asked(own: OwnPolicies) -> None:
    paragraphs = "".join(f"<p>{each}</p>" for each in TEXT.split("\n\n"))
    html = f"<!doctype html><nav><a href='/'>Menu</a></nav><script>x=1</script>{paragraphs}"
    text = own.find(scope_of(own.add(None, "page.html", html.encode(), Hints()))).policy.text
    assert "fill your cart again" in text
    assert "Menu" not in text
    assert "<p>" not in text


@pytest.mark.parametrize(("name", "data"), [("a.pdf", b"%PDF-1.7"), ("a.txt", b"%PDF-1.7"), ("a.DOCX", b"PK\x03\x04")])
def test_papers_are_taken_where_they_can_be_read(name: str, data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    assert source_of(name, data).suffix == (".docx" if name.endswith("X") else ".pdf")
    for library in ("pdfplumber", "mammoth"):
        monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(PolicyRefused, match=r"does not read .*copy its text and paste it here"):
        source_of(name, data)


def test_a_dropped_pdf_can_be_asked(own: OwnPolicies) -> None:
    data = pdf([column(TEXT.split("\n"), size=9)])
    text = own.find(scope_of(own.add(None, "policy.pdf", data, Hints()))).policy.text
    assert "fill your cart again" in text


@pytest.mark.parametrize("name", ["policy.md", "POLICY.TXT", "a.markdown", "../../etc/passwd.md", "\u202edm.txt"])
def test_text_and_markdown_are_read_whatever_they_are_called(name: str) -> None:
    assert source_of(name, TEXT.encode()).data == TEXT.encode()


# --- over HTTP --------------------------------------------------------------------------------------------------------


def body(text: str | bytes = TEXT, **more: Any) -> dict[str, Any]:
    data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    return {"data": base64.b64encode(data).decode(), **more}


def added_to(client: TestClient, text: str | bytes = TEXT, **more: Any) -> dict[str, Any]:
    response = client.post("/own/add", json=body(text, **more))
    assert response.status_code == 200, response.text
    assert response.headers["cache-control"] == "no-store"
    return dict(response.json())


def test_a_page_adds_views_and_forgets_a_policy(client: TestClient) -> None:
    added = added_to(client, company="Kites Ltd", date="2012-03-04")
    scope, session = added["card"]["id"], added["session"]
    start = TEXT.index("We use cookies")
    seen = client.post(f"/own/view?key=fp1&cite=1:{start}-{start + 14}", json={"scope": scope})
    assert seen.status_code == 200
    assert '<mark data-cites="1" id="fp1-1"' in seen.text.replace(' class="fp-x"', "")
    assert client.post("/own/resume", json={"session": session}).json()["cards"] == [added["card"]]
    assert client.post("/own/forget", json={"scope": scope}).json() == {"forgotten": True}
    gone = client.post("/own/view", json={"scope": scope})
    assert (gone.status_code, gone.json()["code"]) == (404, "unknown_scope")
    assert scope not in gone.text


def test_no_cache_holds_a_word_of_what_is_forgotten(client: TestClient) -> None:
    added = added_to(client, TEXT.replace("your cart", "your quagga cart"))
    scope = added["card"]["id"]
    assert "quagga cart" in client.post("/own/view?cite=1:0-9", json={"scope": scope}).text
    assert holders("quagga cart", client.app)  # the search finds what is there
    client.post("/own/forget", json={"scope": scope})
    assert holders("quagga cart", client.app) == []


def test_the_api_of_programs_never_reaches_it(client: TestClient) -> None:
    scope = added_to(client)["card"]["id"]
    asked = client.post("/api/v1/ask", json={"question": "does it use cookies?", "scope": scope})
    assert (asked.status_code, asked.json()["code"]) == (404, "unknown_scope")
    assert client.get(f"/view/policy/{scope}").status_code == 404
    assert all("own" not in path for path in client.get("/openapi.json").json()["paths"])


@pytest.mark.parametrize(
    ("request_body", "says"),
    [
        (body("We share data."), "too short"),
        (body("https://example.com"), "only an address"),
        (body("\x00\x01" * 500), "not text"),
        ({"data": "%%%"}, "base64"),
        (body(date="2999-01-01"), "future"),
    ],
)
def test_a_refusal_says_why(client: TestClient, request_body: dict[str, Any], says: str) -> None:
    response = client.post("/own/add", json=request_body)
    assert response.status_code == 422
    assert says in response.json()["detail"]


def test_what_is_too_large_is_refused_before_it_is_read(client: TestClient) -> None:
    many = most_bytes(Settings()) + 1
    response = client.post("/own/add", json=body(b"x" * many))
    assert response.status_code == 422
    assert "at most" in response.json()["detail"]
    huge = client.post("/own/add", json=body(b"x" * (4 * 1024 * 1024)))
    assert huge.status_code == 413


@pytest.mark.parametrize("path", ["/own/add", "/own/resume", "/own/leave", "/own/forget", "/own/view"])
def test_a_form_on_another_site_can_call_none_of_it(client: TestClient, path: str) -> None:
    """Pages may send forms and plain texts anywhere without being asked; JSON they may not."""
    text = json.dumps(body(scope="own:x", session="x"))
    assert client.post(path, content=text, headers={"Content-Type": "text/plain"}).status_code == 415
    assert client.get(path).status_code in (404, 405)


HOSTILE_NAMES = ["<script>alert(1)</script>.md", "${alert(1)}.txt", "../../x.md", "\u202etxt.md", "a" * 190 + ".md"]


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_hostile_names_do_no_harm(client: TestClient, name: str) -> None:
    card = added_to(client, name=name, company=name[:80])["card"]
    seen = client.post("/own/view", json={"scope": card["id"]}).text
    assert "<script" not in seen
    assert "${" not in seen
    assert "\u202e" not in card["company"]


def test_scripts_and_pictures_of_a_policy_are_shown_as_text(client: TestClient) -> None:
    text = (
        TEXT
        + '\n<script>alert(1)</script> <img src="https://evil.example/x.png" onerror="x()"> ![x](https://evil.example/y)\n'
    )
    seen = client.post("/own/view", json={"scope": added_to(client, text)["card"]["id"]}).text
    assert "<script" not in seen
    assert "<img" not in seen


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(0):
        yield caplog


def test_neither_text_nor_token_is_logged(client: TestClient, logged: pytest.LogCaptureFixture) -> None:
    added = added_to(client)
    client.post("/own/forget", json={"scope": added["card"]["id"]})
    assert "Zephyr" not in logged.text
    assert added["session"] not in logged.text
    assert added["card"]["id"] not in logged.text


def test_the_part_of_the_page_says_where_a_policy_stays_and_takes_no_name_from_anybody(settings: Settings) -> None:
    html = own_html(settings)
    assert "never written to disk" in html
    assert 'data-most-chars="500000"' in html
    assert f'data-most-bytes="{2_000_000}"' in html
