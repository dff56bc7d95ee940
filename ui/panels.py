"""The proof panel: each cited passage highlighted in its surrounding section, as safe HTML."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from qa.domain import Answer, Citation, IndexedPolicy
from qa.errors import FineprintError
from qa.text import Span
from ui.render import Highlight, Region, date_in_words, escape, region_around, render_policy

__all__ = ["empty_panel", "proof_panel"]

ReadPolicy = Callable[[str], IndexedPolicy]
"""Reads a policy by id; raises UnknownScope or an IndexProblem."""


@dataclass(frozen=True, slots=True)
class _Extract:
    """One section's stretch with the citations in it; without ``region``, the quotes stand alone."""

    citations: tuple[Citation, ...]
    source: IndexedPolicy | None = None
    region: Region | None = None


def empty_panel() -> str:
    """What the panel says before there is anything to prove."""
    return (
        '<section class="fp-panel fp-panel-empty" aria-label="Proof">'
        '<p class="fp-panel-lead">The proof appears here.</p>'
        "<p>Every claim in an answer carries a number. Choose it to see the exact words of the policy, "
        "where they stand, and when they were published.</p></section>"
    )


def proof_panel(answer: Answer, read: ReadPolicy, key: str) -> str:
    """The citations (or, where the policy is silent, the nearest passages) of an answer, each in its section.

    Args:
        answer: whose proof.
        read: reads the policies cited.
        key: prefix of the highlights' ids, unique for this answer within the page.
    """
    shown = answer.citations or answer.related
    if not shown:
        return (
            f'<section class="fp-panel fp-panel-empty" aria-label="Proof" data-key="{escape(key)}">'
            '<p class="fp-panel-lead">Nothing is cited.</p>'
            "<p>This answer quotes no policy, so there is nothing to prove.</p></section>"
        )
    several = len({citation.policy_id for citation in shown}) > 1
    says = "What the policies say" if several else "What the policy says"
    title = says if answer.citations else "Nearest passages"
    note = (
        ""
        if answer.citations
        else '<p class="fp-panel-note">These are related, but they do not answer the question.</p>'
    )
    cards = "".join(_card(extract, key) for extract in _extracts(shown, read))
    return (
        f'<section class="fp-panel" aria-label="Proof" data-key="{escape(key)}">'
        f'<h2 class="fp-panel-title">{title}</h2>{note}{cards}</section>'
    )


def _extracts(citations: Iterable[Citation], read: ReadPolicy) -> list[_Extract]:
    """Groups citations whose surroundings meet, in the order of their first numbers."""
    extracts: list[_Extract] = []
    by_policy = sorted(citations, key=lambda c: (c.policy_id, c.start))
    for policy_id, group in groupby(by_policy, key=lambda c: c.policy_id):
        cited = list(group)
        try:
            source = read(policy_id)
        except FineprintError:  # removed since the answer was given
            extracts += [_Extract((citation,)) for citation in cited]
            continue
        for citation in cited:
            text = source.policy.text
            if text[citation.start : citation.end] != citation.quote:  # replaced since
                extracts.append(_Extract((citation,)))
                continue
            region = _region(citation, source)
            last = extracts[-1] if extracts else None
            if last and last.source is source and last.region and region.start <= last.region.end:
                extracts[-1] = _Extract((*last.citations, citation), source, _joined(last.region, region))
            else:
                extracts.append(_Extract((citation,), source, region))
    return sorted(extracts, key=lambda extract: min(c.n for c in extract.citations))


def _region(citation: Citation, source: IndexedPolicy) -> Region:
    passages = source.passages
    touched = [p.n for p in passages if p.start < citation.end and citation.start < p.end]
    if not touched:
        return region_around(Span(citation.start, citation.end), ())
    first, last = touched[0], touched[-1]
    while first > 0 and passages[first - 1].section == passages[first].section:
        first -= 1
    while last + 1 < len(passages) and passages[last + 1].section == passages[last].section:
        last += 1
    return region_around(Span(citation.start, citation.end), [Span(p.start, p.end) for p in passages[first : last + 1]])


def _joined(first: Region, second: Region) -> Region:
    last = first if first.end >= second.end else second
    return Region(first.start, last.end, first.more_before, last.more_after)


def _card(extract: _Extract, key: str) -> str:
    citations = sorted(extract.citations, key=lambda c: c.n)
    first = citations[0]
    if extract.source and extract.region:
        highlights = [Highlight(c.n, c.start, c.end) for c in citations]
        body = render_policy(extract.source.policy.text, extract.region, highlights, key)
        before = '<p class="fp-more" aria-hidden="true">…</p>' if extract.region.more_before else ""
        after = '<p class="fp-more" aria-hidden="true">…</p>' if extract.region.more_after else ""
        body = f"{before}{body}{after}"
    else:
        body = "".join(_alone(citation, key) for citation in citations)
    head, link = _card_head(first, citations), _link(first)
    return f'<article class="fp-card">{head}<div class="fp-text">{body}</div>{link}</article>'


def _card_head(first: Citation, citations: Sequence[Citation]) -> str:
    iso = first.archived_on.isoformat()
    section = f'<p class="fp-section">{escape(first.section)}</p>' if first.section else ""
    numbers = ", ".join(str(c.n) for c in citations)
    return (
        f'<header><p class="fp-who"><span class="fp-sr">Proof {numbers}: </span><b>{escape(first.company)}</b> '
        f'<span class="fp-date">as of <time datetime="{iso}">{date_in_words(iso)}</time></span></p>{section}</header>'
    )


def _alone(citation: Citation, key: str) -> str:
    return (
        f'<div class="fp-p"><mark id="{escape(key)}-{citation.n}" data-cites="{citation.n}" data-label="{citation.n}" '
        f'tabindex="-1">{escape(citation.quote)}</mark></div>'
    )


def _link(citation: Citation) -> str:
    """The link to the snapshot; http(s) only, whatever a stored policy may say."""
    back = '<a class="fp-back" href="#fp-chat">Back to the answer</a>'
    url = citation.url or ""
    if not url.lower().startswith(("https://", "http://")):
        return f'<div class="fp-links">{back}</div>'
    return (
        f'<div class="fp-links"><a class="fp-source" href="{escape(url)}" target="_blank" '
        f'rel="noopener noreferrer">See it in the archived page</a>{back}</div>'
    )
