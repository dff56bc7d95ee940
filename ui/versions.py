"""The versions of a site's policy, as the faces choose among them (pure)."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from qa.domain import PolicyCard
from qa.errors import UsageError

__all__ = ["Site", "pair", "sites"]

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True)
class Site:
    """A site with its versions, oldest first."""

    domain: str
    company: str
    versions: tuple[PolicyCard, ...]


def sites(cards: Iterable[PolicyCard]) -> tuple[Site, ...]:
    """All sites with several versions, by name."""
    by_domain: dict[str, list[PolicyCard]] = defaultdict(list)
    for card in cards:
        by_domain[card.domain].append(card)
    found = [
        Site(domain, max(of, key=lambda c: c.archived_on).company, tuple(sorted(of, key=lambda c: c.archived_on)))
        for domain, of in by_domain.items()
        if len(of) > 1
    ]
    return tuple(sorted(found, key=lambda site: (site.company.casefold(), site.domain)))


def pair(cards: Sequence[PolicyCard], policy_id: str, since: str | None) -> tuple[str, str]:
    """The two versions to compare, as scopes.

    Args:
        cards: what is indexed.
        policy_id: one of them.
        since: the other: a date (of the same site), a policy id or a file stem; None for the oldest version.

    Raises:
        UsageError: there is no other version.
    """
    if since:
        domain = policy_id.partition("@")[0]
        return (f"{domain}@{since}" if _DATE.fullmatch(since) else since), policy_id
    domain = policy_id.partition("@")[0]
    others = sorted((c for c in cards if c.domain == domain and c.id != policy_id), key=lambda c: c.archived_on)
    if not others:
        raise UsageError(f"Only one version of {domain} is indexed, {policy_id}: there is nothing to compare it with.")
    return others[0].id, policy_id
