"""Who is let in, as an operator writes it: web origins and API keys, each with the sites it may ask about."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import SplitResult, urlsplit

__all__ = ["ApiKey", "SiteOrigin", "api_keys", "digest_of", "made_key", "origin_of", "site_origins"]

KEY_MARK: Final = "fp_"
"""Every key begins so: a leaked one is recognised by whoever finds it."""

_KEY_BYTES: Final = 32
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_HOST: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?|\[[0-9a-f:.]+\]")
_DOMAIN: Final = re.compile(r"(?=.{4,253}$)(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W\d_]{2,24}")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class SiteOrigin:
    """A web origin whose pages may use the widget and the API.

    Attributes:
        origin: as browsers send it, e.g. ``https://shop.example``.
        domains: the sites that its pages may ask about; None for all.
    """

    origin: str
    domains: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key by what is kept of it.

    SHA-256 is right here, where a slow hash is not needed: a key is 256 random bits that nobody can guess, unlike a
    password, and a slow hash would let anybody keep the service busy with wrong keys.

    Attributes:
        name: whose it is.
        digest: SHA-256 of the key, in hexadecimal.
        domains: the sites that it may ask about; None for all.
    """

    name: str
    digest: str = field(repr=False)
    domains: frozenset[str] | None = None

    def __str__(self) -> str:
        """As it is written in the settings."""
        scopes = "" if self.domains is None else "=" + " ".join(sorted(self.domains))
        return f"{self.name}:sha256:{self.digest}{scopes}"


def made_key(name: str, domains: Iterable[str] = ()) -> tuple[str, ApiKey]:
    """A new key, and what is kept of it.

    Raises:
        ValueError: the name or a domain is none.
    """
    key = KEY_MARK + secrets.token_urlsafe(_KEY_BYTES)
    scopes = _domains(domains) or None
    return key, ApiKey(_named(name), digest_of(key), scopes)


def digest_of(key: str) -> str:
    """What is kept of a key."""
    return hashlib.sha256(key.encode()).hexdigest()


def origin_of(text: str) -> str:
    """A web origin in the form that browsers send: lower case, without the port that goes without saying.

    Raises:
        ValueError: it is none, or more than one.
    """
    given = text.strip()
    try:
        parts = urlsplit(given.lower())
        port = parts.port
        host = _ascii_host(parts)
    except ValueError:
        raise ValueError(_no_origin(given)) from None
    extra = parts.path not in ("", "/") or re.search(r"[\s@?#]", given)
    if parts.scheme not in _DEFAULT_PORTS or extra or not _HOST.fullmatch(host):
        raise ValueError(_no_origin(given))
    return f"{parts.scheme}://{host}" + (f":{port}" if port not in (None, _DEFAULT_PORTS[parts.scheme]) else "")


def site_origins(value: object) -> tuple[SiteOrigin, ...]:
    """Reads ``allowed_origins``.

    Args:
        value: ``https://a.example=one.com two.com, https://b.example`` (without ``=``: every site), a list of such, or
            a table of origins with their domains (``"all"`` for every site).

    Raises:
        ValueError: something in it is no web origin or no domain.
    """
    found = [
        each if isinstance(each, SiteOrigin) else SiteOrigin(origin_of(name), scopes)
        for each, name, scopes in _entries(value)
    ]
    _require_different([each.origin for each in found])
    return tuple(found)


def api_keys(value: object) -> tuple[ApiKey, ...]:
    """Reads ``api_keys``: ``name:sha256:<64 digits>[=domains]``, separated by commas or as a list or table.

    Raises:
        ValueError: something in it is no such entry; what it is is not repeated, since it may be a key.
    """
    found = []
    for each, text, scopes in _entries(value):
        if isinstance(each, ApiKey):
            found.append(each)
            continue
        name, _, kept = text.partition(":")
        kind, _, digest = kept.partition(":")
        if kind != "sha256" or not _DIGEST.fullmatch(digest.lower()):
            raise ValueError(
                "an entry is not of the form name:sha256:<64 hexadecimal digits>; `fineprint keys new` makes it"
            )
        found.append(ApiKey(_named(name), digest.lower(), scopes))
    _require_different([each.name for each in found])
    return tuple(found)


def _entries(value: object) -> Iterable[tuple[object, str, frozenset[str] | None]]:
    """Each entry: what it was given as, its name, and the domains that it is given."""
    if isinstance(value, Mapping):
        for name, scopes in value.items():
            if scopes == "all":
                yield name, str(name), None
            else:
                yield name, str(name), _required(scopes.split() if isinstance(scopes, str) else scopes)
        return
    each: object
    for each in value.split(",") if isinstance(value, str) else value if isinstance(value, list | tuple) else [value]:
        if isinstance(each, SiteOrigin | ApiKey):
            yield each, "", None
        elif not isinstance(each, str):
            raise ValueError("write it as text, a list of texts or a table")  # noqa: TRY004
        elif each.strip():
            name, scoped, scopes = each.strip().partition("=")
            yield each, name.strip(), _required(scopes.split()) if scoped else None


def _required(domains: object) -> frozenset[str]:
    if not isinstance(domains, list | tuple) or not domains:
        raise ValueError("name the domains that may be asked about, separated by spaces, or leave the = away for all")
    return _domains(domains)


def _domains(given: Iterable[object]) -> frozenset[str]:
    domains = set()
    for each in given:
        domain = str(each).strip().lower().removeprefix("www.").rstrip(".")
        if not _DOMAIN.fullmatch(domain):
            raise ValueError(
                f"{str(each)[:80]!r} is no domain such as example.com (a policy id names one version only)"
            )
        domains.add(domain)
    return frozenset(domains)


def _named(name: str) -> str:
    if not _NAME.fullmatch(name.strip()):
        raise ValueError("the name of a key has 1 to 40 letters, digits, dots, dashes and underscores")
    return name.strip()


def _require_different(names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{twice[0]} is given twice; name it once, with everything that it may ask about")


def _ascii_host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    if ":" in host:
        return f"[{host}]"
    return host if host.isascii() else host.encode("idna").decode()


def _no_origin(given: str) -> str:
    return (
        f"{given[:80]!r} is no web origin; write scheme and host, and the port where it is unusual, e.g. "
        "https://shop.example or http://localhost:8080: no path, no wildcard"
    )
