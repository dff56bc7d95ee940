"""The proof panel as safe HTML: each cited passage in its section, and the whole policy with its citations marked.

An answer's message carries the first, a few paragraphs; the second is fetched when a citation is chosen (``ui.views``),
so that the conversation, which the page sends back with each question, stays small.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from qa.domain import Answer, Citation, IndexedPolicy
from qa.errors import FineprintError
from qa.text import Span
from ui.render import Highlight, Region, day, escape, region_around, render_policy, render_whole, web_address
from ui.words import said, said_as

__all__ = ["empty_panel", "proof_panel", "source_link", "whole_policy"]

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
        f'<section class="fp-panel fp-panel-empty" {said_as("aria-label", "proof.proof")}>'
        f'<p class="fp-panel-lead">{said("proof.here")}</p><p>{said("proof.explained")}</p></section>'
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
            f'<section class="fp-panel fp-panel-empty" {said_as("aria-label", "proof.proof")} data-key="{escape(key)}">'
            f'<p class="fp-panel-lead">{said("proof.none")}</p><p>{said("proof.none_explained")}</p></section>'
        )
    several = len({citation.policy_id for citation in shown}) > 1
    says = "proof.policies_say" if several else "proof.policy_says"
    title = said(says if answer.citations else "proof.nearest")
    note = "" if answer.citations else f'<p class="fp-panel-note">{said("proof.nearest_explained")}</p>'
    cards = "".join(_card(extract, key) for extract in _extracts(shown, read))
    return (
        f'<section class="fp-panel" {said_as("aria-label", "proof.proof")} data-key="{escape(key)}">'
        f'<h2 class="fp-panel-title">{title}</h2>{note}{cards}</section>'
    )


def whole_policy(source: IndexedPolicy, highlights: Sequence[Highlight], key: str) -> str:
    """A whole policy to read, its citations marked, with an outline of its sections and the tools to get about.

    Args:
        source: the policy.
        highlights: what is cited of it.
        key: prefix of the ids, unique for this answer within the page.
    """
    policy = source.policy
    text, headings = render_whole(policy.text, highlights, key)
    prefix = escape(key)
    sections = [
        f'<li class="fp-depth-{heading.level}"><a href="#{prefix}-at-{heading.start}">{escape(heading.words)}</a></li>'
        for heading in headings
    ]
    outline = (
        f'<details class="fp-outline"><summary>{said("proof.sections")}</summary>'
        f"<nav {said_as('aria-label', 'proof.sections')}><ol>{''.join(sections)}</ol></nav></details>"
        if sections
        else ""
    )
    steps = (
        f'<div class="fp-steps" role="group" {said_as("aria-label", "proof.passages")}>'
        f'<button type="button" class="fp-previous" {said_as("aria-label", "proof.previous")}>‹</button>'
        '<span class="fp-step" aria-hidden="true"></span>'
        f'<button type="button" class="fp-following" {said_as("aria-label", "proof.following")}>›</button></div>'
    )
    copy = (
        f'<button type="button" class="fp-quote"><span class="fp-idle">{said("proof.quote")}</span>'
        f'<span class="fp-done" hidden>{said("proof.copied")}</span></button>'
    )
    listed = f'<button type="button" class="fp-listed">{said("proof.listed")}</button>'
    return (
        f'<section class="fp-panel fp-whole" {said_as("aria-label", "proof.proof")} data-key="{prefix}">'
        f'<article class="fp-card"><header class="fp-bar">{_who(policy.company, policy.archived_on.isoformat(), "h2")}'
        f'{steps}<div class="fp-links">{outline}{copy}{source_link(policy.url)}{listed}{_BACK}</div>'
        f'<p class="fp-sr fp-where" role="status">{said("proof.passage")} <span class="fp-number"></span></p></header>'
        f'<div class="fp-text">{text}</div></article></section>'
    )


def _who(company: str, iso: str, tag: str = "p") -> str:
    return (
        f'<{tag} class="fp-who"><b>{escape(company)}</b> '
        f'<span class="fp-date">{said("proof.as_of")} {day(iso)}</span></{tag}>'
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
    links = f'<div class="fp-links">{source_link(first.url)}{_BACK}</div>'
    if extract.source:
        whole = f'<button type="button" class="fp-open" data-n="{first.n}">{said("proof.whole")}</button>'
        links = f'<div class="fp-links">{whole}{source_link(first.url)}{_BACK}</div>'
    return f'<article class="fp-card">{_card_head(first)}<div class="fp-text">{body}</div>{links}</article>'


def _card_head(first: Citation) -> str:
    section = f'<p class="fp-section">{escape(first.section)}</p>' if first.section else ""
    return f"<header>{_who(first.company, first.archived_on.isoformat())}{section}</header>"


def _alone(citation: Citation, key: str) -> str:
    return (
        f'<div class="fp-p"><mark id="{escape(key)}-{citation.n}" data-cites="{citation.n}" data-label="{citation.n}" '
        f'tabindex="-1">{escape(citation.quote)}</mark></div>'
    )


def source_link(url: str | None) -> str:
    """The link to the snapshot, where there is one."""
    address = web_address(url)
    if not address:
        return ""
    return (
        f'<a class="fp-source" href="{escape(address)}" target="_blank" rel="noopener noreferrer">'
        f"{said('proof.archived')}</a>"
    )


_BACK = f'<a class="fp-back" href="#fp-chat">{said("proof.back")}</a>'
