"""Compare: one question, or the whole label, over several policies.

The server sends a comparison as a growing list of parts, safe HTML each: the empty table, then each cell as it is
computed, then the end. The component that receives them shows nothing; the page's script (static/compare.js) puts the
cells into the table, so that what the reader has opened, sorted or focused stays as it is. Each cell carries its
records for the downloads along, and the server keeps nothing.
"""

from __future__ import annotations

import json
import logging
import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from qa.domain import Citation, PolicyCard, Question
from qa.errors import FineprintError, UsageError
from qa.settings import Settings
from ui.export_table import CSV_HEAD, Cell, csv_record, markdown_head, markdown_record
from ui.live import Answers
from ui.own import is_own
from ui.picker import build_picker
from ui.problems import told
from ui.render import Certainty, date_in_words, escape, web_address
from ui.words import WORDS, said, said_as

if TYPE_CHECKING:
    import gradio as gr

__all__ = ["Wanted", "build_comparison", "parts", "read_request"]

logger = logging.getLogger(__name__)

_OWN_WORDS: Final = {"not_stated": "compare.silent", "unclear": "label.unsure"}
"""What is said of a cell without an answer, in the reader's language."""

_TAKEN_IN: Final = 4_000_000
"""Characters of a comparison that a page is trusted to take in within a second."""

_SORRY: Final = "Something went wrong inside the service. Please try again."


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a visitor wants compared; without a question, the whole label."""

    scopes: tuple[str, ...]
    question: str | None


def read_request(sent: str | None) -> Wanted:
    """What the page's script sent.

    Raises:
        UsageError: it has another form.
    """
    try:
        data = json.loads(sent or "")
        scopes, question = data["scopes"], data["question"]
    except (ValueError, TypeError, KeyError, RecursionError) as exc:
        raise UsageError("The page sent something else than a comparison. Reload the page and try again.") from exc
    texts = isinstance(scopes, list) and all(isinstance(scope, str) for scope in scopes)
    if not texts or not (question is None or isinstance(question, str)):
        raise UsageError("The page sent something else than a comparison. Reload the page and try again.")
    return Wanted(tuple(scopes), question)


# --- computing -------------------------------------------------------------------------------------------------------


def parts(sent: str | None, answers: Answers, most: int, run: str) -> Iterator[str]:
    """The parts of a comparison as safe HTML, each as soon as it is known; an expected failure is a part as well.

    Args:
        sent: what to compare, as the page's script sends it.
        answers: what answers.
        most: policies in one comparison.
        run: tells this comparison's parts from another's.
    """
    try:
        wanted = read_request(sent)
        if wanted.question is None:
            yield from _label_parts(wanted.scopes, answers, most, run)
        else:
            yield from _question_parts(wanted.scopes, wanted.question, answers, run)
    except FineprintError as exc:
        yield _part(run, "problem", f"<p>{escape(told(exc))}</p>")
    except Exception:  # a bug: whoever asked is told so, whoever runs it finds the traceback
        logger.exception("comparing failed")
        yield _part(run, "problem", f"<p>{escape(_SORRY)}</p>")
    yield _part(run, "end")


def _question_parts(scopes: Sequence[str], question: str, answers: Answers, run: str) -> Iterator[str]:
    entries = answers.compare(Question(question), scopes)
    asked = question.strip()
    yield _plan_part(run, list(_cards(scopes, answers).values()), {"question": asked}, label=False)
    for entry in entries:
        yield _cell_part(run, Cell.of_entry(entry, asked))


def _label_parts(scopes: Sequence[str], answers: Answers, most: int, run: str) -> Iterator[str]:
    if not 2 <= len(scopes) <= most:
        raise UsageError(f"Compared are 2 to {most} policies; {len(scopes)} given.")
    cards = _cards(scopes, answers)
    if len({card.id for card in cards.values()}) < len(scopes):
        raise UsageError("The same policy is chosen twice: choose each once.")
    waiting = WORDS["compare.glance"]["en"]
    yield _plan_part(run, list(cards.values()), {"*": waiting}, label=True)
    planned = False
    failed: list[str] = []  # until the topics are known, there is no row to put them into
    for scope, card in cards.items():
        who = (card.id, card.company, card.domain, card.archived_on)
        try:
            label = answers.label(scope)
        except FineprintError as exc:
            problem = str(exc)
        except Exception:  # a bug with this policy does not lose the others
            logger.exception("the label of a policy failed")
            problem = _SORRY
        else:
            if not planned:
                titles = {row.topic: row.title for row in label.rows}
                yield _plan_part(run, list(cards.values()), titles, label=True)
                yield from failed
                planned, failed = True, []
            yield "".join(_cell_part(run, Cell.of_row(row, *who)) for row in label.rows)
            continue
        cell = _cell_part(run, Cell(*who, "*", waiting, waiting, problem=problem))
        if planned:
            yield cell
        else:
            failed.append(cell)
    yield from failed


def _cards(scopes: Sequence[str], answers: Answers) -> dict[str, PolicyCard]:
    """The card of each scope; the page names indexed policies by their ids."""
    known = {card.id: card for card in answers.cards()}
    cards = {}
    for scope in scopes:
        if (card := known.get(scope)) is None:
            of = answers.policy(scope).policy
            card = PolicyCard(of.id, of.domain, of.archived_on, of.company)
        cards[scope] = card
    return cards


# --- HTML ------------------------------------------------------------------------------------------------------------


def _part(run: str, part: str, inner: str = "", /, **data: str) -> str:
    attributes = "".join(f' data-{name}="{escape(value)}"' for name, value in data.items())
    return f'<div class="fp-cmp-part" data-run="{escape(run)}" data-part="{part}"{attributes}>{inner}</div>'


def _plan_part(run: str, cards: Sequence[PolicyCard], columns: dict[str, str], *, label: bool) -> str:
    """The empty table: a row for each policy, a column for each question, every cell waiting."""
    heads = "".join(
        f'<th role="columnheader" scope="col" aria-sort="none" class="fp-cmp-topic" data-column="{escape(column)}" '
        f'data-md="{escape(markdown_head(title))}">{_sorter(f"column:{column}", _title(column, title))}'
        '<span class="fp-cmp-bar" aria-hidden="true"></span></th>'
        for column, title in columns.items()
    )
    rows = "".join(_row(card, columns) for card in cards)
    table = (
        f'<table role="table" class="fp-cmp-table"><caption class="fp-sr">{said("compare.result")}</caption>'
        '<thead role="rowgroup"><tr role="row">'
        f'<th role="columnheader" scope="col" aria-sort="none">{_sorter("company", said("compare.company"))}</th>'
        f'<th role="columnheader" scope="col" aria-sort="none">{_sorter("date", said("compare.date"))}</th>'
        f'{heads}</tr></thead><tbody role="rowgroup">{rows}</tbody></table>'
    )
    return _part(run, "plan", table, mode="label" if label else "question", csv=CSV_HEAD)


def _title(column: str, title: str) -> str:
    """A column's head: a topic in the reader's language, a question as it was asked."""
    return said(f"label.{column}") if f"label.{column}" in WORDS else escape(title)


def _sorter(by: str, words: str) -> str:
    return (
        f'<button type="button" class="fp-cmp-sort" data-sort="{escape(by)}">{words}'
        '<span class="fp-cmp-arrow" aria-hidden="true"></span></button>'
    )


def _row(card: PolicyCard, columns: dict[str, str]) -> str:
    iso = card.archived_on.isoformat()
    waiting = f'<span class="fp-cmp-waiting">{said("compare.waiting")}</span>'
    cells = "".join(
        f'<td role="cell" data-column="{escape(column)}" data-kind="waiting">'
        f'<span class="fp-cmp-title">{_title(column, title)}</span>{waiting}</td>'
        for column, title in columns.items()
    )
    return (
        f'<tr role="row" data-policy="{escape(card.id)}" data-company="{escape(card.company.casefold())}" '
        f'data-date="{iso}"><th role="rowheader" scope="row">{escape(card.company)}'
        f'<span class="fp-cmp-domain">{"" if is_own(card.id) else escape(card.domain)}</span></th>'
        f'<td role="cell" class="fp-cmp-when"><time data-t-date datetime="{iso}">{date_in_words(iso)}</time></td>'
        f"{cells}</tr>"
    )


def _cell_part(run: str, cell: Cell) -> str:
    return _part(
        run,
        "cell",
        _cell(cell),
        policy=cell.policy_id,
        column=cell.column,
        kind=cell.kind,
        csv=csv_record(cell),
        md=markdown_record(cell),
    )


def _cell(cell: Cell) -> str:
    """The verdict, which opens the proof, and the answer; the script gives the two their ids."""
    opens = "compare.why" if cell.problem or not cell.citations else "compare.proof"
    style = "failure" if cell.problem else cell.kind.replace("_", "-")
    text = cell.bare_text
    for said_already in ("Yes. ", "No. ", "Only in some cases. "):
        text = text.removeprefix(said_already)  # the verdict stands beside it
    unsure = cell.certainty is Certainty.UNSURE and cell.column == "question"
    doubt = f'<span class="fp-cmp-doubt">{said("chat.certainty_unsure")}</span>' if unsure else ""
    guess = f"{said('chat.guess')} " if unsure else ""
    told = f'<p class="fp-cmp-text">{guess}{escape(text)}</p>' if unsure or cell.kind not in _OWN_WORDS else ""
    return (
        f'<button type="button" class="fp-cmp-open" aria-expanded="false"><span class="fp-verdict fp-is-{style}">'
        f'{said(f"compare.is_{cell.kind}")}</span><span class="fp-sr">, {said(opens)}</span></button>'
        f"{doubt}{told}{_proof(cell, text)}"
    )


def _proof(cell: Cell, text: str) -> str:
    iso = cell.archived_on.isoformat()
    quotes = "".join(map(_quote, cell.citations))
    own = cell.kind in _OWN_WORDS and not (cell.kind == "unclear" and cell.column == "question")
    says = said(_OWN_WORDS[cell.kind]) if own else escape(text)
    notes = "".join(f'<p class="fp-cmp-small">{escape(warning)}</p>' for warning in cell.warnings)
    asked = "" if cell.column == "question" else f'<p class="fp-cmp-asked">{escape(cell.question)}</p>'
    query = urlencode({"view": "ask", "policy": cell.policy_id, "q": cell.question})
    asks = not cell.problem and not is_own(cell.policy_id)  # nobody's address leads to a reader's own policy
    ask = "" if not asks else f'<a tabindex="-1" href="?{escape(query)}">{said("compare.ask")}</a>'
    return (
        '<div class="fp-cmp-proof" role="group" hidden>'
        f'<p class="fp-cmp-who"><b>{escape(cell.company)}</b>, {said("compare.date")} '
        f'<time data-t-date datetime="{iso}">{date_in_words(iso)}</time></p>{asked}'
        f'<p class="fp-cmp-says">{says}</p>{quotes}{notes}<p class="fp-cmp-links">{ask}'
        f'<button type="button" tabindex="-1" class="fp-cmp-close">{said("compare.close")}</button></p></div>'
    )


def _quote(citation: Citation) -> str:
    section = f'<span class="fp-cmp-section">{escape(citation.section)}</span>' if citation.section else ""
    url = web_address(citation.url)
    link = (
        f'<a tabindex="-1" href="{escape(url)}" target="_blank" rel="noopener noreferrer">'
        f"{said('compare.archived')}</a>"
        if url
        else ""
    )
    return f'<blockquote>{escape(citation.quote)}</blockquote><p class="fp-cmp-source">{section}{link}</p>'


def _button(name: str, key: str, extra: str = "") -> str:
    return f'<button type="button" class="fp-cmp-{name}" {extra}>{said(key)}</button>'


def form_html(most: int, longest: int) -> str:
    """What to compare, and the place of the result; which policies is asked above it.

    Args:
        most: policies in one comparison.
        longest: characters of a question.
    """
    return f"""<form class="fp-cmp-form" data-most="{most}" autocomplete="off" novalidate>
<p class="fp-cmp-more"><button type="button" class="fp-cmp-all" hidden></button></p>
<fieldset class="fp-cmp-what"><legend class="fp-sr">{said("compare.what")}</legend>
<label><input type="radio" name="fp-cmp-mode" value="question" checked> {said("compare.one")}</label>
<label><input type="radio" name="fp-cmp-mode" value="label"> {said("compare.glance")}</label></fieldset>
<div class="fp-cmp-ask"><label class="fp-sr" for="fp-cmp-question">{said("compare.question")}</label>
<input id="fp-cmp-question" type="text" maxlength="{longest}" {said_as("placeholder", "compare.example")}
 aria-describedby="fp-cmp-note">
<button type="submit" class="fp-cmp-go">{said("compare.go")}</button>{_button("stop", "compare.stop", "hidden")}</div>
<p id="fp-cmp-note" class="fp-cmp-note" role="alert"></p></form>
<section class="fp-cmp-result" {said_as("aria-label", "compare.result")} hidden>
<div class="fp-cmp-head"><div class="fp-cmp-sum">
<p class="fp-cmp-progress"><progress max="1" value="0" aria-hidden="true"></progress><span></span></p>
<p class="fp-cmp-counts"></p><div class="fp-cmp-bar" aria-hidden="true"></div></div>
<div class="fp-cmp-tools">{_button("csv", "compare.csv")}{_button("md", "compare.markdown")}
{_button("print", "compare.print")}{_button("link", "page.copy_link")}</div></div>
<p class="fp-cmp-filter"><label><input type="checkbox" aria-describedby="fp-cmp-how"> {said("compare.differs")}</label>
<span id="fp-cmp-how"></span></p>
<p class="fp-sr" role="status" aria-atomic="true"></p>
<div class="fp-cmp-scroll" role="group" tabindex="0" {said_as("aria-label", "compare.result")}></div></section>"""


# --- the view --------------------------------------------------------------------------------------------------------


def build_comparison(_page: gr.Blocks, answers: Answers, settings: Settings) -> None:
    """The view, built inside ``page``: the form, and a value that grows with every part of a comparison."""
    import gradio as gr

    def compare(sent: str | None) -> Iterator[list[str]]:
        came: list[str] = []
        size, shown_at = 0, 0.0
        for part in parts(sent, answers, settings.max_compared, secrets.token_hex(6)):
            came.append(part)
            size += len(part)
            # Only what is added travels, but the page compares all of it: where much comes fast, it comes together.
            if time.monotonic() - shown_at >= size / _TAKEN_IN:
                yield list(came)
                shown_at = time.monotonic()
        yield came

    gr.HTML(f'<p class="fp-cmp-intro">{said("compare.intro")}</p>', elem_id="fp-cmp-intro")
    build_picker("fp-cmp-picker", multiple=True, label="compare.policies", empty="compare.find")
    gr.HTML(form_html(settings.max_compared, settings.max_question_chars), elem_id="fp-cmp")
    wanted = gr.Textbox(visible=False, label="Comparison")
    stream = gr.HTML(
        [], elem_id="fp-cmp-stream", html_template="", js_on_load="window.fineprintCompare(props, trigger, watch)"
    )
    running = stream.submit(
        compare,
        inputs=[wanted],
        outputs=[stream],
        js="() => [window.fineprintCompare.wanted]",
        show_progress="hidden",
        api_visibility="private",
        concurrency_limit=2,
    )
    stream.stop(None, cancels=[running], api_visibility="private")
