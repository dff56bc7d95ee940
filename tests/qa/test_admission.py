from __future__ import annotations

import re
from pathlib import Path

import pytest

from qa.admission import ApiKey, SiteOrigin, api_keys, digest_of, made_key, origin_of, site_origins
from qa.errors import InvalidSettings
from qa.settings import Settings, load_settings

DIGEST = "0" * 64


@pytest.mark.parametrize(
    ("given", "origin"),
    [
        ("https://shop.example", "https://shop.example"),
        (" HTTPS://Shop.Example/ ", "https://shop.example"),
        ("https://shop.example:443", "https://shop.example"),
        ("http://shop.example:80", "http://shop.example"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
    ],
)
def test_an_origin_is_written_as_browsers_send_it(given: str, origin: str) -> None:
    assert origin_of(given) == origin


@pytest.mark.parametrize(
    "given",
    [
        "null", "*", "shop.example", "https://", "https://*.shop.example", "https://shop.example/help", "ftp://a.example",
        "https://shop.example?x", "https://shop.example#x", "https://me@shop.example", "https://shop.example:x",
        "https://shop.example:99999", "https://shop .example", "https://shop.exa\nmple", "javascript:alert(1)", "",
    ],
)  # fmt: skip
def test_what_is_no_origin_is_refused_with_an_example(given: str) -> None:
    with pytest.raises(ValueError, match=re.escape("https://shop.example")):
        origin_of(given)


def test_origins_come_with_the_sites_that_they_were_given() -> None:
    given = "https://a.example=one.com WWW.Two.com, https://b.example:443=three.com,https://c.example,"
    found = (
        SiteOrigin("https://a.example", frozenset({"one.com", "two.com"})),
        SiteOrigin("https://b.example", frozenset({"three.com"})),
        SiteOrigin("https://c.example"),
    )
    assert site_origins(given) == found
    table = {"https://a.example": ["one.com", "two.com"], "https://b.example": "three.com", "https://c.example": "all"}
    assert site_origins(table) == found
    assert site_origins(["https://a.example=one.com two.com", *found[1:]]) == found


@pytest.mark.parametrize(
    "given",
    [
        "https://a.example=", "https://a.example=one", "https://a.example=one.com@2011-01-01", "https://a.example=*",
        "https://a.example, HTTPS://A.example:443", {"https://a.example": []}, {"https://a.example": 7}, [7], 7,
    ],
)  # fmt: skip
def test_origins_that_cannot_be_meant_are_refused(given: object) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        site_origins(given)


def test_a_key_is_made_with_the_line_that_lets_it_in() -> None:
    key, kept = made_key("shop", ["www.one.com"])
    assert re.fullmatch(r"fp_[\w-]{43}", key)
    assert kept == ApiKey("shop", digest_of(key), frozenset({"one.com"}))
    assert api_keys(f"{kept}, other:sha256:{DIGEST}") == (kept, ApiKey("other", DIGEST))
    assert made_key("shop")[0] != key


@pytest.mark.parametrize(
    "given", ["fp_mysecret", "shop:fp_mysecret", "shop:md5:mysecret", f"my secret:sha256:{DIGEST}"]
)
def test_what_is_no_key_is_refused_without_repeating_it(given: str) -> None:
    with pytest.raises(InvalidSettings) as failed:
        load_settings(environ={"FINEPRINT_API_KEYS": given})
    assert "FINEPRINT_API_KEYS" in str(failed.value)
    assert "secret" not in str(failed.value)
    assert failed.value.__cause__ is None


def test_no_secret_is_in_what_the_settings_look_like() -> None:
    environ = {"FINEPRINT_API_KEYS": f"shop:sha256:{DIGEST}", "FINEPRINT_RATE_LIMIT_STORAGE": "redis://:hunter2@host"}
    settings = load_settings(environ=environ)
    assert DIGEST not in repr(settings)
    assert "hunter2" not in repr(settings)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("RATE_LIMIT", "0/minute", "60/minute"),
        ("RATE_LIMIT", "often", "60/minute"),
        ("TRUSTED_PROXIES", "*", "172.16.0.0/12"),
        ("TRUSTED_PROXIES", "nginx", "172.16.0.0/12"),
        ("PUBLIC_URL", "privacy.example", "https://"),
        ("PUBLIC_URL", "https://privacy.example/chat", "no path"),
        ("CONCURRENCY", "0", "CONCURRENCY"),
        ("TIMEOUT_S", "soon", "TIMEOUT_S"),
    ],
)
def test_a_setting_of_the_door_that_cannot_be_meant_is_refused(name: str, value: str, says: str) -> None:
    with pytest.raises(InvalidSettings, match=says):
        load_settings(environ={f"FINEPRINT_{name}": value})


def test_the_door_is_set_from_a_file_as_well() -> None:
    Path("fineprint.toml").write_text(
        'public_url = "https://Privacy.example/"\ntrusted_proxies = ["10.0.0.0/8"]\nrate_limit = "5/second"\n'
        f'api_keys = ["shop:sha256:{DIGEST}=one.com"]\n'
        '[allowed_origins]\n"https://a.example" = ["one.com"]\n"https://b.example" = "all"\n',
        encoding="utf-8",
    )
    settings = load_settings(environ={})
    assert settings.public_url == "https://privacy.example"
    assert settings.trusted_proxies == ("10.0.0.0/8",)
    assert settings.api_keys == (ApiKey("shop", DIGEST, frozenset({"one.com"})),)
    assert settings.allowed_origins[1] == SiteOrigin("https://b.example")
    assert Settings().trusted_proxies == ("127.0.0.1", "::1")
