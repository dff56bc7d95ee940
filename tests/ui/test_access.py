from __future__ import annotations

from hmac import compare_digest
from typing import Any

import pytest

from qa.admission import ApiKey, digest_of, site_origins
from qa.domain import Question
from qa.settings import Settings
from tests.ui.fakes import PreparedAnswers
from ui.access import ANYBODY, Caller, Door, Refused, ScopeForbidden, answers_for, frame_ancestors

MINE = Caller(domains=frozenset({"perriconemd.com"}))


def test_who_was_given_nothing_in_particular_may_ask_about_everything(answers: PreparedAnswers) -> None:
    assert answers_for(answers, ANYBODY) is answers


def test_to_a_limited_caller_nothing_else_is_indexed(answers: PreparedAnswers) -> None:
    mine = answers_for(answers, MINE)
    assert [card.domain for card in mine.cards()] == ["perriconemd.com"]
    assert mine.policy("perriconemd.com").policy.domain == "perriconemd.com"


@pytest.mark.parametrize("scope", ["freepeople.com", "freepeople.com@2006-12-05", "never-indexed.example"])
def test_what_is_outside_is_forbidden_whether_it_is_indexed_or_not(answers: PreparedAnswers, scope: str) -> None:
    mine = answers_for(answers, MINE)
    told = set()
    for call in (
        lambda: mine.ask(Question("do you sell it?", scope=scope)),
        lambda: list(mine.stream(Question("do you sell it?", scope=scope))),
        lambda: mine.policy(scope),
        lambda: mine.label(scope),
        lambda: mine.compare(Question("do you sell it?"), ["perriconemd.com", scope]),
        lambda: mine.changes(scope, "perriconemd.com"),
    ):
        with pytest.raises(ScopeForbidden) as failed:
            call()
        told.add(str(failed.value))
    assert told == {"From here, only these may be asked about: perriconemd.com."}


def test_what_is_allowed_is_given(answers: PreparedAnswers) -> None:
    mine = answers_for(answers, MINE)
    assert mine.label("perriconemd.com").domain == "perriconemd.com"
    assert mine.generation == answers.generation


def test_limits_only_ever_grow(answers: PreparedAnswers) -> None:
    both = answers_for(answers, Caller(domains=frozenset({"perriconemd.com", "freepeople.com"})))
    assert {card.domain for card in both.cards()} == {"perriconemd.com", "freepeople.com"}
    assert {card.domain for card in both.limited({"freepeople.com", "malleries.com"}).cards()} == {"freepeople.com"}


def test_a_scope_outside_is_refused_even_where_the_question_names_a_company(answers: PreparedAnswers) -> None:
    mine = answers_for(answers, MINE)
    for call in (mine.ask, mine.stream):
        with pytest.raises(ScopeForbidden):
            call(Question("does Perricone MD sell it?", scope="freepeople.com"))


# --- the door ---------------------------------------------------------------------------------------------------------

SHOP = "https://shop.example"
KEY = "fp_" + "Kq7-" * 10 + "abc"
KEPT = ApiKey("program", digest_of(KEY), frozenset({"perriconemd.com", "malleries.com"}))
OTHER = ApiKey("other", digest_of("fp_other"))


def door(*, loopback_only: bool = False, **settings: Any) -> Door:
    origins = site_origins(f"{SHOP}=perriconemd.com freepeople.com, https://all.example")
    return Door(Settings(allowed_origins=origins, **settings), loopback_only=loopback_only)


def request(path: str = "/api/v1/ask", method: str = "POST", **headers: str) -> dict[str, Any]:
    given = {"host": "fineprint.example", **{name.replace("_", "-"): value for name, value in headers.items()}}
    raw = [(name.encode(), value.encode("latin-1")) for name, value in given.items()]
    came = {"client": ("203.0.113.7", 5), "http_version": "1.1", "headers": raw}
    return {"type": "http", "method": method, "path": path, **came}


def who(entrance: Door, scope: dict[str, Any]) -> Caller:
    entrance.require_host(scope)
    return entrance.caller(scope, entrance.origin(scope))


def refusal(entrance: Door, scope: dict[str, Any]) -> Refused:
    with pytest.raises(Refused) as failed:
        who(entrance, scope)
    return failed.value


def test_an_allowed_origin_gets_the_sites_that_it_was_given() -> None:
    assert who(door(), request(origin=SHOP)) == Caller(
        "203.0.113.7", SHOP, None, frozenset({"perriconemd.com", "freepeople.com"})
    )
    assert who(door(), request(origin="https://all.example")).domains is None
    assert who(door(), request()).origin is None


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example", "http://shop.example", "https://shop.example:8443", "https://shop.example.evil.example",
        "https://evilshop.example", "https://SHOP.example", "https://shop.example/", "https://shop.example.", "null",
        "https://shop.example, https://evil.example", "https://fineprint.example@evil.example", "file://", "*", "",
        "https://fineprint.example.evil.example", "http://fineprint.example:1", "chrome-extension://abc",
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_any_other_origin_is_refused(origin: str, method: str) -> None:
    assert refusal(door(), request(method=method, origin=origin)).status == 403


def test_two_origins_are_refused_even_if_both_are_allowed() -> None:
    scope = request(origin=SHOP)
    scope["headers"].append((b"origin", SHOP.encode()))
    assert refusal(door(), scope).code == "origin_forbidden"


@pytest.mark.parametrize(
    "path", ["/", "/gradio_api/queue/join", "/own/add", "/view/policy/x", "/config", "/embed", "/api/v2"]
)
def test_what_belongs_to_the_chat_page_is_for_no_other_origin(path: str) -> None:
    assert refusal(door(), request(path, origin=SHOP)).status == 403


@pytest.mark.parametrize(
    ("origin", "host", "public_url"),
    [
        ("http://localhost:7860", "localhost:7860", None),
        ("https://privacy.example", "privacy.example", None),  # TLS ends at a proxy that does not say so
        ("https://privacy.example", "privacy.example:443", None),
        ("http://[::1]:7860", "[::1]:7860", None),
        ("https://privacy.example", "privacy.example", "https://privacy.example"),
        ("http://127.0.0.1:7860", "127.0.0.1:7860", "https://privacy.example"),
    ],
)
def test_the_service_knows_its_own_pages(origin: str, host: str, public_url: str | None) -> None:
    keyed = door(public_url=public_url, api_keys=(KEPT,))
    for path in ("/api/v1/ask", "/own/add", "/gradio_api/queue/join"):
        assert who(keyed, request(path, origin=origin, host=host)).domains is None


def test_the_same_host_without_tls_is_another_origin_where_the_address_is_known() -> None:
    known = door(public_url="https://privacy.example")
    assert refusal(known, request(origin="http://privacy.example", host="privacy.example")).status == 403


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "192.168.1.5", "fineprint", "127.0.0.1.nip.io"]
)
def test_a_service_of_this_machine_answers_to_its_names_only(host: str) -> None:
    entrance = door(loopback_only=True)
    failed = refusal(entrance, request(host=host))
    assert failed.status == 421
    assert "FINEPRINT_PUBLIC_URL" in str(failed)
    assert host not in str(failed)
    for local in ("localhost", "LOCALHOST:7860", "127.0.0.1:7860", "[::1]:7860", "app.localhost"):
        assert who(entrance, request(host=local)).domains is None


def test_a_service_with_a_public_address_answers_to_it_and_to_addresses() -> None:
    entrance = door(public_url="https://privacy.example")
    for host in ("privacy.example", "Privacy.Example:443", "localhost:7860", "10.0.0.7:7860"):
        who(entrance, request(host=host))
    for host in ("evil.example", "privacy.example.evil.example", "privacy.example:8443", "privacy.example."):
        assert refusal(entrance, request(host=host)).status == 421
    who(entrance, request("/healthz", "GET", host="any.example"))


@pytest.mark.parametrize(
    "host", ["", "a b", "evil.example/x", "me@localhost", "localhost:x", "localhost\x00", "a,b", "é.example"]
)
def test_a_host_that_is_none_is_refused(host: str) -> None:
    assert refusal(door(), request(host=host)).status == 400


@pytest.mark.parametrize(
    "headers", [{"authorization": f"Bearer {KEY}"}, {"authorization": f"bearer  {KEY}"}, {"x_api_key": KEY}]
)
def test_a_program_shows_its_key_and_gets_the_sites_of_the_key(headers: dict[str, str]) -> None:
    caller = who(door(api_keys=(OTHER, KEPT)), request(**headers))
    assert caller == Caller("203.0.113.7", None, "program", frozenset({"perriconemd.com", "malleries.com"}))


def test_origin_and_key_together_allow_what_both_allow() -> None:
    keyed = door(api_keys=(KEPT, OTHER))
    assert who(keyed, request(origin=SHOP, x_api_key=KEY)).domains == {"perriconemd.com"}
    assert who(keyed, request(origin="https://all.example", x_api_key=KEY)).domains == KEPT.domains


@pytest.mark.parametrize("path", ["/api/v1/ask", "/v1/chat/completions", "/mcp", "/mcp/", "/metrics"])
def test_with_keys_a_program_needs_one(path: str) -> None:
    keyed = door(api_keys=(KEPT,))
    failed = refusal(keyed, request(path))
    assert (failed.status, failed.code) == (401, "key_needed")
    assert failed.headers["WWW-Authenticate"] == 'Bearer realm="fineprint"'
    assert who(keyed, request(path, "GET", sec_fetch_site="same-origin")).key is None
    who(door(), request(path))


@pytest.mark.parametrize(
    "shown",
    ["", "x", KEY[:-1], KEY + "x", KEY.upper(), KEPT.digest, f"program:sha256:{KEPT.digest}", "é", "k" * 60_000],
)
def test_a_wrong_key_is_refused_even_from_a_page(shown: str) -> None:
    keyed = door(api_keys=(KEPT, OTHER))
    for headers in ({"x_api_key": shown}, {"authorization": f"Bearer {shown}"}, {"x_api_key": shown, "origin": SHOP}):
        failed = refusal(keyed, request(**headers))
        assert (failed.status, failed.code) == (401, "wrong_key")
        assert "invalid_token" in failed.headers["WWW-Authenticate"]
        assert not shown or len(shown) < 3 or shown not in str(failed)


def test_what_is_open_to_everybody_needs_no_key() -> None:
    keyed = door(api_keys=(KEPT,))
    for path in ("/", "/healthz", "/readyz", "/openapi.json", "/widget/v1.js", "/gradio_api/info"):
        assert who(keyed, request(path, "GET", x_api_key="wrong")).key is None


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_what_browsers_send_for_other_sites_without_naming_them_is_refused(site: str) -> None:
    assert refusal(door(), request(sec_fetch_site=site)).status == 403
    assert refusal(door(), request("/own/leave", sec_fetch_site=site)).status == 403
    assert refusal(door(), request(method="GET", sec_fetch_site=site, sec_fetch_mode="no-cors")).status == 403
    who(door(), request(method="GET", sec_fetch_site=site, sec_fetch_mode="navigate"))
    who(door(), request("/widget/v1.js", "GET", sec_fetch_site=site, sec_fetch_mode="no-cors"))


def test_every_key_is_compared_in_a_way_that_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[str] = []

    def seen(kept: str, shown: str) -> bool:
        compared.append(kept)
        return compare_digest(kept, shown)

    monkeypatch.setattr("ui.access.hmac.compare_digest", seen)
    who(door(api_keys=(KEPT, OTHER)), request(x_api_key=KEY))
    assert compared == [KEPT.digest, OTHER.digest]


def test_a_page_about_a_scope_is_framed_by_the_origins_of_that_scope_only() -> None:
    settings = Settings(allowed_origins=site_origins(f"{SHOP}=perriconemd.com, https://all.example"))
    assert frame_ancestors(settings, "perriconemd.com@2011-03-06") == f"'self' {SHOP} https://all.example"
    assert frame_ancestors(settings, "freepeople.com__2006-12-05") == "'self' https://all.example"
    assert frame_ancestors(settings, "") == "'self' https://all.example"
    assert frame_ancestors(Settings(), "perriconemd.com; script-src *") == "'self'"
