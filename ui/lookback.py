"""Look back: the versions of a policy on a line of time, and what changed between two of them.

The page's script (static/lookback.js) says which site, which two versions and which topic; what it then shows is made
here, as safe HTML, at ``GET /view/changes``. So the state is in the address alone, and the server keeps nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import quote, urlencode

from fastapi import FastAPI, Query
from fastapi.responses import HTMLResponse

from qa.changing import Edit, word_edits
from qa.domain import Answer, Change, ChangeKind, Changes, Citation, PolicyCard
from qa.errors import UnknownScope
from qa.settings import Settings
from qa.text import printable, without_markup
from ui.live import Answers
from ui.picker import build_picker
from ui.render import day, escape, web_address
from ui.versions import Site, sites
from ui.words import said, said_as

if TYPE_CHECKING:
    import gradio as gr

__all__ = ["add_lookback", "build_lookback", "changes_html", "changes_link", "places", "timeline_html"]

PICKER: Final = "fp-lb-site"
TOPICS: Final = (
    "selling", "sharing", "cookies", "advertising", "children", "location", "security", "retention", "deletion",
    "law enforcement",
)  # fmt: skip
"""What is offered to filter by; sent as it stands, since policies are in English."""
SHOWN_AT_ONCE: Final = 60
OFFERED: Final = 60
"""Sites named before one is chosen; the picker finds the others."""

_SIGNS: Final = {
    ChangeKind.REWORDED: "≠", ChangeKind.ADDED: "+", ChangeKind.REMOVED: "−", ChangeKind.MOVED: "↕",
}  # fmt: skip
_SHOWN: Final = 4_000
"""Characters of one sentence; nobody reads more of it here, and the archived page has it."""


def build_lookback(page: gr.Blocks, answers: Answers, settings: Settings) -> None:
    """The view, built inside ``page``."""
    del page, answers, settings  # what it shows is fetched
    import gradio as gr

    gr.HTML(f'<div class="fp-lb-intro"><h2>{said("lookback.title")}</h2><p>{said("lookback.lead")}</p></div>')
    build_picker(PICKER, only="versions", label="lookback.site", empty="lookback.choose", remember=False)
    gr.HTML(_frame(), elem_id="fp-lb")


def _frame() -> str:
    """What stays while versions and topics are chosen; the script fills its two hosts."""
    topics = "".join(
        f'<button type="button" class="fp-lb-chip" data-topic="{escape(topic)}" aria-pressed="false">'
        f"{said(f'lookback.{topic}')}</button>"
        for topic in TOPICS
    )
    return (
        '<div class="fp-lb"><div id="fp-lb-head"></div>'
        '<form id="fp-lb-form" role="search" hidden>'
        f'<div class="fp-lb-field"><label for="fp-lb-topic">{said("lookback.about")}</label>'
        '<input id="fp-lb-topic" type="text" maxlength="200" autocomplete="off" spellcheck="false" '
        f"{said_as('placeholder', 'lookback.topic')}>"
        f'<button type="submit" class="fp-lb-go">{said("lookback.show")}</button></div>'
        f'<div class="fp-lb-chips" role="group" {said_as("aria-label", "lookback.topics")}>'
        f'<button type="button" class="fp-lb-chip" data-topic="" aria-pressed="true">'
        f"{said('lookback.everything')}</button>{topics}</div></form>"
        '<div id="fp-lb-body"></div><p class="fp-sr" id="fp-lb-said" role="status"></p></div>'
    )


def changes_link(answer: Answer) -> str:
    """Below an answer about what changed, the way to all changes between its versions; nothing for others."""
    if not answer.changes:
        return ""
    domain, _, since = answer.policies[0].rpartition("@")
    state = {"site": domain, "from": since, "to": answer.policies[-1].rpartition("@")[2]}
    data = "".join(f' data-{name}="{escape(value)}"' for name, value in state.items())
    address = escape(f"?{urlencode({'view': 'lookback', **state})}")
    return f'<a class="fp-lb-open" href="{address}"{data}>{said("lookback.open")}</a>'


# --- what is fetched --------------------------------------------------------------------------------------------------


def add_lookback(app: FastAPI, answers: Answers) -> None:
    """Adds the route that the view fetches from; what goes wrong is said as the API says it."""

    @app.get("/view/changes", include_in_schema=False)
    def view_changes(
        site: Annotated[str, Query(max_length=300)] = "",
        since: Annotated[str, Query(alias="from", max_length=300)] = "",
        until: Annotated[str, Query(alias="to", max_length=300)] = "",
        about: Annotated[str, Query(max_length=200)] = "",
    ) -> HTMLResponse:
        several = sites(answers.cards())
        chosen = _chosen(site, several, answers) if site else None
        if chosen is None:
            html = offer_html(several)
        elif len(chosen.versions) < 2:
            html = _part("head", f'<p class="fp-lb-note">{said("lookback.alone")}</p>')
        else:
            older, newer = _two(chosen.versions, since, until)
            changes = answers.changes(older.id, newer.id, about.strip() or None)
            html = _part("head", timeline_html(chosen, older, newer)) + _part(
                "body", changes_html(changes, about.strip())
            )
        return HTMLResponse(html, headers={"Cache-Control": "no-store"})


def _part(name: str, html: str) -> str:
    return f'<div data-part="{name}">{html}</div>'


def _chosen(site: str, several: Sequence[Site], answers: Answers) -> Site:
    """The site of a domain, policy id or file stem.

    Raises:
        UnknownScope: nothing indexed is called so.
    """
    domain = site.partition("@")[0].partition("__")[0].casefold()
    found = next((each for each in several if each.domain == domain), None)
    if found:
        return found
    alone = answers.policy(site).policy
    card = next((card for card in answers.cards() if card.id == alone.id), None)
    if card is None:
        raise UnknownScope(f"No policy {site[:80]!r} is indexed.")
    return next((each for each in several if each.domain == card.domain), Site(card.domain, card.company, (card,)))


def _two(versions: Sequence[PolicyCard], since: str, until: str) -> tuple[PolicyCard, PolicyCard]:
    """The two versions that an address names by date or id, in order; else the oldest and the newest."""
    by_date = {card.archived_on.isoformat(): card for card in versions}
    older = by_date.get(since.rpartition("@")[2], versions[0])
    newer = by_date.get(until.rpartition("@")[2], versions[-1])
    if older is newer:
        older, newer = (versions[0], newer) if newer is not versions[0] else (newer, versions[1])
    return (older, newer) if older.archived_on < newer.archived_on else (newer, older)


def offer_html(several: Sequence[Site]) -> str:
    """Which sites can be looked back at, as buttons."""
    if not several:
        return _part("head", f'<p class="fp-lb-note">{said("lookback.none")}</p>')
    buttons = "".join(
        f'<li><button type="button" class="fp-lb-offer" data-site="{escape(site.domain)}"><b>{escape(site.company)}</b>'
        f"<span>{_years(site)}, {said('lookback.versions', n=len(site.versions))}</span></button></li>"
        for site in several[:OFFERED]
    )
    title = f'<h3 class="fp-lb-small" id="fp-lb-offered">{said("lookback.offered")}</h3>'
    return _part("head", f'{title}<ul class="fp-lb-offers" aria-labelledby="fp-lb-offered">{buttons}</ul>')


def _years(site: Site) -> str:
    first, last = site.versions[0].archived_on.year, site.versions[-1].archived_on.year
    return str(first) if first == last else f"{first}–{last}"


# --- the line of time -------------------------------------------------------------------------------------------------


def places(days: Sequence[int], least: float) -> list[float]:
    """Where dates stand on a line from 0 to 100: to scale, then pushed apart to be at least so far from each other."""
    first, last = days[0], days[-1]
    exact = [100 * (each - first) / max(1, last - first) for each in days]
    least = min(least, 100 / max(1, len(days) - 1))
    placed = list(exact)
    for n in range(1, len(placed)):
        placed[n] = max(placed[n], placed[n - 1] + least)
    placed[-1] = min(placed[-1], 100.0)
    for n in range(len(placed) - 2, -1, -1):
        placed[n] = min(placed[n], placed[n + 1] - least)
    return placed


def timeline_html(site: Site, older: PolicyCard, newer: PolicyCard) -> str:
    """The versions of a site on a line, dates to scale, and two rows of buttons that choose the two to compare."""
    days = [card.archived_on.toordinal() for card in site.versions]
    exact, placed = places(days, 0), places(days, 26)
    start, stop = exact[site.versions.index(older)], exact[site.versions.index(newer)]
    dots = "".join(
        f'<line x1="{x:.2f}%" y1="9" x2="{to:.2f}%" y2="30" class="fp-lb-tie"/>'
        f'<circle cx="{x:.2f}%" cy="8" r="5" class="fp-lb-dot{" fp-lb-on" if card in (older, newer) else ""}"/>'
        for card, x, to in zip(site.versions, exact, placed, strict=True)
    )
    columns = "".join(
        f'<div class="fp-lb-version" style="left:{x:.2f}%">'
        f'<span class="fp-lb-day">{day(card.archived_on.isoformat())}</span>'
        f"{_radio('from', card, checked=card is older)}{_radio('to', card, checked=card is newer)}</div>"
        for card, x in zip(site.versions, placed, strict=True)
    )
    return (
        f'<h3 class="fp-lb-who">{escape(site.company)} <span>{escape(site.domain)}</span></h3>'
        f'<fieldset class="fp-lb-times" data-site="{escape(site.domain)}">'
        f'<legend class="fp-lb-small">{said("lookback.timeline")}</legend>'
        '<div class="fp-lb-line"><svg aria-hidden="true" focusable="false" width="100%" height="30">'
        '<line x1="0%" y1="8" x2="100%" y2="8" class="fp-lb-axis"/>'
        f'<line x1="{start:.2f}%" y1="8" x2="{stop:.2f}%" y2="8" class="fp-lb-span"/>{dots}</svg>'
        f'<div class="fp-lb-columns">{columns}</div>'
        f'<span class="fp-lb-row fp-lb-row-from" aria-hidden="true">{said("lookback.earlier")}</span>'
        f'<span class="fp-lb-row fp-lb-row-to" aria-hidden="true">{said("lookback.later")}</span></div>'
        f'</fieldset><p class="fp-lb-note">{said("lookback.gaps")}</p>'
    )


def _radio(end: str, card: PolicyCard, *, checked: bool) -> str:
    iso = card.archived_on.isoformat()
    word = said("lookback.earlier" if end == "from" else "lookback.later")
    return (
        f'<label class="fp-lb-radio"><input type="radio" name="fp-lb-{end}" id="fp-lb-{end}-{iso}" value="{iso}"'
        f'{" checked" if checked else ""}><span class="fp-sr">{word}: {day(iso)}</span></label>'
    )


# --- the changes ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Head:
    """Whose two versions, for the heads of the columns."""

    older: str
    newer: str


def changes_html(changes: Changes, about: str = "") -> str:
    """What changed, by section: before and after side by side, the differing words marked, moved text folded away."""
    counts = Counter(change.kind for change in changes.changes)
    shown = [change for change in changes.changes if change.kind is not ChangeKind.MOVED]
    moved = [change for change in changes.changes if change.kind is ChangeKind.MOVED]
    parts = [f'<h3 class="fp-sr" id="fp-lb-changes">{said("lookback.changes")}</h3>', _sum(changes, counts, about)]
    if not shown:
        key = "same" if not about else "same_topic" if changes.unchanged or moved else "no_topic"
        parts.append(f'<p class="fp-lb-same">{said(f"lookback.{key}")}</p>')
    head = _Head(day(changes.older_archived_on.isoformat()), day(changes.newer_archived_on.isoformat()))
    if shown:
        parts.append(
            f'<div class="fp-lb-heads" aria-hidden="true"><span>{said("lookback.then")}, {head.older}</span>'
            f"<span>{said('lookback.now')}, {head.newer}</span></div>"
        )
    parts += _sections(shown[:SHOWN_AT_ONCE], head)
    if rest := shown[SHOWN_AT_ONCE:]:
        more = said("lookback.more", n=len(rest))
        parts.append(f'<button type="button" class="fp-lb-more" aria-expanded="false">{more}</button>')
        parts.append(f'<div class="fp-lb-rest" hidden>{"".join(_sections(rest, head))}</div>')
    if moved:
        items = "".join(f"<li>{_moved(change)}</li>" for change in moved)
        title = f'<span aria-hidden="true">{_SIGNS[ChangeKind.MOVED]}</span> {said("lookback.n_moved", n=len(moved))}'
        parts.append(f'<details class="fp-lb-moved"><summary>{title}</summary><ul>{items}</ul></details>')
    return f'<div class="fp-lb-changes" lang="en">{"".join(parts)}</div>'


def _sum(changes: Changes, counts: Counter[ChangeKind], about: str) -> str:
    pills = [
        f'<li class="fp-lb-count fp-lb-{kind.value}"><span aria-hidden="true">{sign}</span> '
        f"{said(f'lookback.n_{kind.value}', n=counts[kind])}</li>"
        for kind, sign in _SIGNS.items()
        if counts[kind]
    ]
    pills.append(f'<li class="fp-lb-count">{said("lookback.n_unchanged", n=changes.unchanged)}</li>')
    query = {"since": changes.older} | ({"about": about} if about else {})
    address = f"/api/v1/policies/{quote(changes.newer)}/changes?{urlencode(query)}"
    link = f'<a class="fp-lb-json" href="{escape(address)}" download="changes.json">{said("lookback.json")}</a>'
    return f'<div class="fp-lb-sum"><span>{said("lookback.in_words")}</span><ul>{"".join(pills)}</ul>{link}</div>'


def _sections(changes: Iterable[Change], head: _Head) -> Iterator[str]:
    for section, group in groupby(changes, key=_section_of):
        title = escape(section) if section else said("lookback.elsewhere")
        yield (
            f'<section class="fp-lb-section"><h4>{title}</h4>{"".join(_change(each, head) for each in group)}</section>'
        )


def _section_of(change: Change) -> str:
    side = change.after or change.before
    return side.section if side else ""


def _change(change: Change, head: _Head) -> str:
    before = _words(change.before) if change.before else ""
    after = _words(change.after) if change.after else ""
    if before and after:
        left, right = word_edits(before, after)
        then, now = _edited(left, "del", "lookback.deleted"), _edited(right, "ins", "lookback.inserted")
    else:
        then, now = escape(before), escape(after)
    return (
        f'<article class="fp-lb-change fp-lb-{change.kind.value}"><p class="fp-lb-kind">'
        f'<span aria-hidden="true">{_SIGNS[change.kind]}</span> {said(f"lookback.{change.kind.value}")}</p>'
        f"{_side('then', head.older, then, change.before, 'lookback.not_yet')}"
        f"{_side('now', head.newer, now, change.after, 'lookback.gone')}</article>"
    )


def _side(name: str, date: str, words: str, citation: Citation | None, absent: str) -> str:
    title = f'<p class="fp-lb-when">{said(f"lookback.{name}")}, {date}</p>'
    if citation is None:
        return f'<div class="fp-lb-side fp-lb-absent">{title}<p class="fp-lb-none">{said(absent)}</p></div>'
    return f'<div class="fp-lb-side fp-lb-{name}">{title}<blockquote>{words}</blockquote>{_link(citation)}</div>'


def _words(citation: Citation) -> str:
    """The quote as a reader of the page sees it."""
    return printable(without_markup(citation.quote), _SHOWN)


def _edited(edits: Sequence[Edit], tag: str, key: str) -> str:
    """A wording with what the other one lacks marked: by its tag and, for those who only hear it, by a word."""
    return "".join(
        f'<{tag}><span class="fp-sr">{said(key)} </span>{escape(edit.text)}</{tag}>'
        if edit.changed
        else escape(edit.text)
        for edit in edits
    )


def _moved(change: Change) -> str:
    before, after = change.before, change.after
    assert before is not None
    assert after is not None
    way = (
        f"{escape(before.section)} → {escape(after.section)}"
        if before.section != after.section
        else escape(after.section)
    )
    return f'<p class="fp-lb-way">{way}</p><blockquote>{escape(_words(after))}</blockquote>{_link(after)}'


def _link(citation: Citation) -> str:
    """The link into the snapshot, where there is one."""
    url = web_address(citation.url)
    if not url:
        return ""
    return (
        f'<a class="fp-lb-source" href="{escape(url)}" target="_blank" rel="noopener noreferrer">'
        f"{said('lookback.archived')}</a>"
    )
