"""A conversation as a file to keep: Markdown, JSON, or a page to read and print, with every citation, date and link.

The browser sends the answers that it holds (nothing is kept here), so they are read as any other untrusted input.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

import ui
from qa.text import MARKER
from ui.render import certainty, certainty_in_words, date_in_words, escape, verdict_in_words, visible, web_address
from ui.schemas import AnswerDocument, CitationDocument, EntryDocument, PartDocument, Text
from ui.worded import worded_lines

__all__ = ["Conversation", "File", "Form", "Turn", "written"]

Form = Literal["markdown", "json", "page"]

MOST_TURNS: Final = 500
_MARKDOWN: Final = re.compile(r"([\\`*_{}\[\]()#+|!~<>-])")


class Turn(BaseModel):
    """A question and what became of it: an answer, or one line that says why there is none."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    question: Annotated[Text, Field(max_length=20_000)]
    answer: AnswerDocument | None = None
    problem: Annotated[Text, Field(max_length=2_000)] = ""


class Conversation(BaseModel):
    """What was asked and answered, in order."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    turns: Annotated[list[Turn], Field(min_length=1, max_length=MOST_TURNS, fail_fast=True)]


@dataclass(frozen=True, slots=True)
class File:
    """A file's content and its media type."""

    body: str
    media_type: str


def written(conversation: Conversation, form: Form) -> File:
    """A conversation in one of the three forms."""
    if form == "json":
        return File(_json(conversation), "application/json")
    if form == "markdown":
        return File(_markdown(conversation), "text/markdown; charset=utf-8")
    return File(_page(conversation), "text/html; charset=utf-8")


def _json(conversation: Conversation) -> str:
    turns = [turn.model_dump(mode="json") for turn in conversation.turns]
    return json.dumps({"made_with": f"fineprint {ui.version()}", "turns": turns}, ensure_ascii=False, indent=2) + "\n"


def _summary(answer: AnswerDocument | PartDocument) -> str:
    """Verdict and certainty in words."""
    words = verdict_in_words(answer.status, answer.verdict)
    compared = isinstance(answer, AnswerDocument) and answer.entries
    kind = None if compared else certainty(answer.status, answer.confidence)
    return f"{words} ({certainty_in_words(kind)})" if kind else words


def _cited(answer: AnswerDocument) -> tuple[str, list[CitationDocument]]:
    if answer.citations:
        return "Citations", answer.citations
    return "Nearest passages (they do not answer the question)", answer.related


def _where(citation: CitationDocument) -> str:
    iso = citation.archived_on.isoformat()
    section = f", “{citation.section}”" if citation.section else ""
    return f"{citation.company} ({citation.domain}){section}, as of {date_in_words(iso)}"


def _safe_url(url: str | None) -> str | None:
    address = web_address(url)
    return address if address and not re.search(r"[\s<>\"]", address) else None


# --- Markdown ---------------------------------------------------------------------------------------------------------


def _markdown(conversation: Conversation) -> str:
    parts = ["# Questions about privacy policies"]
    for turn in conversation.turns:
        parts.append(f"## {_plain_markdown(' '.join(turn.question.split()))}")
        if turn.answer:
            parts += _answer_markdown(turn.answer)
        else:
            parts.append(_plain_markdown(turn.problem or _NOT_ANSWERED))
    parts.append(f"---\n\n{_FOOTER}")
    return "\n\n".join(parts) + "\n"


def _answer_markdown(answer: AnswerDocument) -> Iterable[str]:
    for part in answer.parts:
        yield f"### {_plain_markdown(' '.join(part.question.split()))}"
        yield f"**{_summary(part)}**"
        yield _marked_markdown(part.text)
    if not answer.parts:
        yield f"**{_summary(answer)}**"
        yield _marked_markdown(answer.text)
    for entry in answer.entries:
        day = date_in_words(entry.archived_on.isoformat())
        yield (
            f"- **{_plain_markdown(entry.company)}** (as of {day}): {_entry_summary(entry)}. "
            f"{_marked_markdown(entry.text)}"
        )
    for warning in answer.warnings:
        yield f"Note: {_plain_markdown(warning)}"
    if worded := " ".join(worded_lines(answer)):
        yield _plain_markdown(worded)
    title, citations = _cited(answer)
    if citations:
        yield f"**{title}**"
    for citation in citations:
        quote = "\n".join(f"> {_plain_markdown(line)}" for line in citation.quote.splitlines() if line.strip())
        url = _safe_url(citation.url)
        link = f" <{url}>" if url else ""
        yield f"{quote}\n>\n> \\[{citation.n}\\] {_plain_markdown(_where(citation))}.{link}"


def _plain_markdown(text: str) -> str:
    """Text that Markdown shows as it is."""
    return _MARKDOWN.sub(r"\\\1", visible(text)).replace("&", "&amp;")


def _marked_markdown(text: str) -> str:
    paragraphs = [_plain_markdown(line) for line in text.splitlines() if line.strip()]
    return "\n\n".join(paragraphs)


# --- a page -----------------------------------------------------------------------------------------------------------


def _page(conversation: Conversation) -> str:
    turns = "".join(_turn_page(turn, i) for i, turn in enumerate(conversation.turns, start=1))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Questions about privacy policies</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>Questions about privacy policies</h1>{turns}<footer>{_FOOTER}</footer></main></body></html>\n"
    )


def _turn_page(turn: Turn, i: int) -> str:
    told = _answer_page(turn.answer, i) if turn.answer else f"<p>{escape(turn.problem or _NOT_ANSWERED)}</p>"
    return f"<section><h2>{escape(turn.question)}</h2>{told}</section>"


def _answer_page(answer: AnswerDocument, i: int) -> str:
    told = "".join(
        f'<h3 class="asked">{escape(part.question)}</h3>{_told_page(part, answer, i)}' for part in answer.parts
    ) or _told_page(answer, answer, i)
    rows = "".join(
        f'<tr><th scope="row">{escape(entry.company)}<br><small>as of '
        f"{date_in_words(entry.archived_on.isoformat())}</small></th><td>{escape(_entry_summary(entry))}</td>"
        f"<td>{_marked_page(entry.text, answer, i)}</td></tr>"
        for entry in answer.entries
    )
    table = (
        '<table><thead><tr><th scope="col">Company</th><th scope="col">Verdict</th>'
        f'<th scope="col">What its policy says</th></tr></thead><tbody>{rows}</tbody></table>'
        if rows
        else ""
    )
    notes = "".join(f"<p><b>Note:</b> {escape(warning)}</p>" for warning in answer.warnings)
    worded = " ".join(worded_lines(answer))
    notes += f"<p><small>{escape(worded)}</small></p>" if worded else ""
    title, citations = _cited(answer)
    cited = "".join(
        f'<li id="c{i}-{citation.n}" value="{citation.n}"><blockquote>{escape(citation.quote)}</blockquote>'
        f"<p>{escape(_where(citation))}.{_link_page(citation)}</p></li>"
        for citation in citations
    )
    listed = f"<h3>{title}</h3><ol>{cited}</ol>" if cited else ""
    return f"{told}{table}{notes}{listed}"


def _told_page(told: AnswerDocument | PartDocument, answer: AnswerDocument, i: int) -> str:
    """The verdict and the text of an answer, or of one of its parts."""
    text = "".join(f"<p>{_marked_page(line, answer, i)}</p>" for line in told.text.splitlines() if line.strip())
    return f'<p class="verdict">{escape(_summary(told))}</p>{text}'


def _marked_page(text: str, answer: AnswerDocument, i: int) -> str:
    known = {citation.n for citation in answer.citations}
    return MARKER.sub(
        lambda match: f'<a href="#c{i}-{match[1]}">[{match[1]}]</a>' if int(match[1]) in known else match[0],
        escape(text),
    )


def _link_page(citation: CitationDocument) -> str:
    url = _safe_url(citation.url)
    return f' <a class="source" href="{escape(url)}" rel="noopener noreferrer">{escape(url)}</a>' if url else ""


def _entry_summary(entry: EntryDocument) -> str:
    return verdict_in_words(entry.status, entry.verdict)


_NOT_ANSWERED: Final = "Not answered."
_FOOTER: Final = (
    "Made with fineprint. Every citation was checked character by character against the stored policy. This shows what "
    "policies say, not what companies do; it is not legal advice."
)
_STYLE: Final = """
:root { color-scheme: light; }
body { margin: 0; background: #fff; color: #24211d; font: 11.5pt/1.55 Charter, Georgia, serif; }
main { max-width: 44rem; margin: 0 auto; padding: 2rem 1.25rem; }
h1 { font-size: 1.5rem; margin: 0 0 1.5rem; }
h2 { font-size: 1.15rem; margin: 2rem 0 .4rem; padding-top: 1rem; border-top: 1px solid #ccc; overflow-wrap: anywhere; }
h3 { font-size: .95rem; margin: 1rem 0 .3rem; color: #5a554e; }
.asked { color: inherit; }
p { margin: 0 0 .6rem; overflow-wrap: anywhere; }
.verdict { font-weight: 700; color: #0f6b5f; }
blockquote { margin: 0 0 .3rem; padding: .1rem 0 .1rem .9rem; border-left: 3px solid #0f6b5f; white-space: pre-line; }
li { margin-bottom: .8rem; break-inside: avoid; }
li p, footer, small { font-size: .85rem; color: #5a554e; }
a { color: #0f6b5f; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1rem; }
th, td { text-align: left; vertical-align: top; padding: .4rem .8rem .4rem 0; border-top: 1px solid #ccc; }
footer { margin-top: 2.5rem; padding-top: .8rem; border-top: 1px solid #ccc; }
@media print { main { max-width: none; padding: 0; } h2, h3 { break-after: avoid; } .source { word-break: break-all; } }
"""
