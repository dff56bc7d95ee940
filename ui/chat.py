"""The web chat: a conversation, and beside it the proof.

An answer's message carries its proof panel and its data in inert ``<template>``s; the page's scripts (static/proof.js,
static/chat.js) show the proof beside the conversation, and copy and export the data. So an older answer's numbers lead
to its own proof, and the server keeps nothing of a conversation: the browser sends it along with each question.
"""

from __future__ import annotations

import contextlib
import html
import json
import logging
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from qa.domain import (
    Answer,
    Choice,
    Citation,
    Entry,
    Part,
    PolicyCard,
    Progress,
    Question,
    Said,
    Status,
    Step,
    Verdict,
    as_json,
)
from qa.errors import FineprintError, NotEnglish
from qa.settings import Settings
from ui.feedback import feedback_html
from ui.labels import glance_steps
from ui.live import Answers
from ui.lookback import changes_link
from ui.own import OWN, is_own, own_html
from ui.pacing import paced
from ui.panels import empty_panel, proof_panel
from ui.picker import build_picker
from ui.problems import told
from ui.render import Certainty, answer_text, certainty, day, escape, reference
from ui.schemas import AnswerDocument
from ui.suggesting import suggestions
from ui.worded import worded_html
from ui.words import WORDS, label, said

if TYPE_CHECKING:
    import gradio as gr

__all__ = [
    "answer_html",
    "answers_in",
    "build_ask",
    "earlier_questions",
    "examples",
    "examples_html",
    "failure_html",
    "partial_html",
    "reask",
    "settled",
    "stopped_html",
    "suggestions_html",
    "working_html",
]

logger = logging.getLogger(__name__)

_SAID: Final = re.compile(r"^(?:Yes|No)\.\s+")
# The first sentence, which never ends within quotation marks; its citations belong to it.
_FIRST_SENTENCE: Final = re.compile(r'^(?:[^".!?\n]|"[^"\n]*"|[.!?](?!\s))+[.!?](?:\s*\[\d{1,3}\])*\s*')
_CLAIM_END: Final = re.compile(r"(?<=\d\]\.)\s+(?=\S)")
_SHORT: Final = 160
_KEY: Final = re.compile(r'^<div class="fp-answer" data-key="([A-Za-z0-9]{1,40})"')
_DATA: Final = re.compile(r'<template class="fp-data">([^<]*)</template>')
_WORKING: Final = '<div class="fp-working" role="status">'
_PARTIAL: Final = '<div class="fp-answer fp-partial"'
# A partial answer as ``partial_html`` writes it: its key, and what stands below its stages.
_PROVEN: Final = re.compile(rf'^{_PARTIAL} data-key="([A-Za-z0-9]{{1,40}})".*?</ol></div>(.*)</div>$', re.DOTALL)
_MOST_OFFERED: Final = 6
"""Companies offered as an answer; the picker has them all."""
EXAMPLES: Final = {
    "Perricone MD": "Does {company} share my data?",
    "Free People": "Does {company} sell my email address?",
    "ExOfficio": "Does {company} keep my card number online?",
}
"""Questions to begin with, each about the company that has the most telling answer among the samples."""
_OF_ALL: Final = "Which of these sites use cookies?"
_BROKEN: Final = "Something went wrong inside the service. Please try another question."
_STOPPED: Final = "Stopped before there was an answer."
_EMPTY_INDEX: Final = "The index holds no policies yet. Run `fineprint ingest`, then ask here."


def examples(cards: Sequence[PolicyCard], most_compared: int) -> tuple[str, ...]:
    """Questions to begin with, about companies that are indexed; one about all of them where they are few."""
    companies = list(dict.fromkeys(card.company for card in cards))
    others = [company for company in companies if company not in EXAMPLES]
    step = max(1, len(others) // len(EXAMPLES))
    spread = iter(others[::step])  # from all over the alphabet
    named = []
    for company, question in EXAMPLES.items():
        one = company if company in companies else next(spread, None)
        if one:
            named.append(question.format(company=one))
    return (*named, _OF_ALL) if 1 < len(companies) <= most_compared else tuple(named)


def answer_html(answer: Answer, key: str, proof: str, scope: str = "") -> str:
    """An answer as a chat message.

    Its proof panel and its data (CONTRACT: Answer) wait in inert templates: the page's scripts show the one and copy or
    export the other, so that nothing of a conversation is kept on the server.

    Args:
        answer: what to show.
        key: unique for this answer within the page.
        proof: its panel (``ui.panels.proof_panel``).
        scope: what the whole policy is asked for by, where its id will not do.
    """
    several = bool(answer.entries or answer.parts)
    unsure = not several and certainty(answer.status, answer.confidence) is Certainty.UNSURE
    verdict = _verdict(answer.status, answer.verdict, said("chat.comparison") if answer.entries else "", unsure=unsure)
    parts = [f'<div class="fp-top">{"" if answer.parts else verdict}{_about(answer)}</div>']
    if answer.parts:
        parts += [_part(part, f"{key}-part{n}", key) for n, part in enumerate(answer.parts, start=1)]
    elif answer.entries:
        parts.append(_tally(answer.entries) + _comparison(answer.entries, key))
    else:
        parts.append(_words(answer.text, answer.verdict, answer.citations, key, unsure=unsure))
    if answer.related and not answer.citations:
        links = " ".join(reference(citation.n, key) for citation in answer.related)
        parts.append(f'<p class="fp-related">{said("chat.nearest")} {links}</p>')
    parts += [f'<p class="fp-warning"><b>{said("chat.note")}</b> {escape(warning)}</p>' for warning in answer.warnings]
    if unsure:
        parts.append(_doubtful(answer.status))
    if answer.status is Status.NEEDS_COMPANY:
        parts.append(f'<p class="fp-choose"><button type="button">{said("chat.choose")}</button></p>')  # chat.js
    parts.append(changes_link(answer))
    parts.append(worded_html(answer))
    sure = "" if several or unsure else _certainty(answer.status, answer.confidence, key)
    parts.append(f'<div class="fp-foot">{sure}{_ACTIONS}</div>')
    parts.append(f'<div class="fp-feedback" data-key="{escape(key)}"></div>')  # feedback.js fills it
    parts.append(f'<template class="fp-proof">{proof}</template>')
    parts.append(f'<template class="fp-data">{escape(json.dumps(as_json(answer)))}</template>')
    policy = scope or (answer.policies[0] if len(answer.policies) == 1 else "")
    return f'<div class="fp-answer" data-key="{escape(key)}" data-policy="{escape(policy)}">{"".join(parts)}</div>'


def failure_html(message: str, question: str = "", *, foreign: bool = False) -> str:
    """Why a question was not answered, as a chat message.

    Args:
        message: why.
        question: what was asked.
        foreign: it was asked in another language, which is said in the reader's own.
    """
    told = said("chat.not_english") if foreign else escape(message)
    return (
        f'<div class="fp-answer" data-question="{escape(question)}">'
        f'<p class="fp-verdict fp-is-failure">{said("chat.failed")}</p>'
        f'<p class="fp-problem">{told}</p></div>'
    )


def working_html(progress: Progress, companies: Sequence[str] = ()) -> str:
    """What is being done for a question, as a chat message: the stages that are over, the one at work, those to come.

    Args:
        progress: the stage that begins.
        companies: whose policies are read, once that is known.
    """
    return f"{_WORKING}{_stages(progress, companies)}</div>"


def partial_html(progress: Progress, said_so_far: Said, key: str, proof: str) -> str:
    """An answer while it is being written, as a chat message: the stages, and below them what is proven already.

    It is laid out as the whole one will be, so that nothing moves when that takes its place. Its verdict comes with
    the whole answer, for only then is known how sure it is. Screen readers are told once that it is being written, and
    then the whole; not each stretch with all before it.

    Args:
        progress: the stage at work.
        said_so_far: all stretches together.
        key: the answer's, unique within the page.
        proof: the panel of the citations so far.
    """
    data = {"citations": as_json(said_so_far.citations), "related": []}
    policy = progress.policies[0] if len(progress.policies) == 1 else ""
    # Gradio turns one element into the next of its name and leaves what is in a <template> as it was: so another name.
    held = f"fp-held-{len(said_so_far.citations)}"
    return (
        f'{_PARTIAL} data-key="{escape(key)}" data-said="{len(said_so_far.citations)}" aria-live="off" '
        f'data-policy="{escape(policy)}"><div class="fp-top fp-working">{_stages(progress)}</div>'
        f"{_so_far(said_so_far, key)}"
        f'<{held}><template class="fp-proof">{proof}</template>'
        f'<template class="fp-data">{escape(json.dumps(data))}</template></{held}></div>'
    )


def stopped_html(unfinished: str, question: str) -> str:
    """What a question's message says once it was stopped: that it was, and what was proven until then.

    Args:
        unfinished: the message as it was.
        question: what was asked.
    """
    partial = _PROVEN.match(unfinished)
    if not partial:
        return failure_html(_STOPPED, question)
    return (
        f'<div class="fp-answer" data-key="{partial[1]}" data-policy="" data-question="{escape(question)}">'
        f'<p class="fp-problem">{said("chat.stopped_early")}</p><p class="fp-until">{said("chat.proven_so_far")}</p>'
        f"{partial[2]}</div>"
    )


def _stages(progress: Progress, companies: Sequence[str] = ()) -> str:
    at = {"routing": 0, "comparing": 1, "retrieval": 1, "reading": 1}.get(progress.stage, 2)
    reading = said("chat.reading")
    if progress.stage == "comparing":
        reading = said("chat.reading_policies", n=len(progress.policies))
    elif progress.sentences:
        reading = said("chat.reading_sentences", n=progress.sentences)
    names = f" <b>{escape(', '.join(companies))}</b>" if 0 < len(companies) <= 2 else ""
    steps = []
    last = said("chat.writing" if progress.stage == "writing" else "chat.checking")
    for i, words in enumerate((said("chat.finding") + names, reading, last)):
        state = ' class="fp-over"' if i < at else ' class="fp-now" aria-current="step"' if i == at else ""
        steps.append(f"<li{state}>{words}</li>")
    return f'<ol class="fp-stages">{"".join(steps)}</ol>'


def _so_far(told: Said, key: str) -> str:
    """The words of an answer that is not whole yet; where several things were asked, each under what was asked."""
    if "\n" not in told.text.strip():
        return _words(_SAID.sub("", told.text.strip(), count=1), None, told.citations, key, unsure=False)
    parts = []
    for block in told.text.strip().split("\n\n"):
        asked, _, text = block.partition("\n")
        words = _words(_SAID.sub("", text.strip(), count=1), None, told.citations, key, unsure=False) if text else ""
        parts.append(
            f'<section class="fp-part"><h3 class="fp-part-asked" lang="en">{escape(asked)}</h3>'
            f'<div class="fp-top"></div>{words}</section>'
        )
    return "".join(parts)


def suggestions_html(questions: Sequence[str], key: str) -> str:
    """Questions that could be asked next, as buttons; ``key`` is the answer that they follow."""
    if not questions:
        return ""
    buttons = "".join(
        f'<li><button type="button" class="fp-ask" data-ask="{escape(question)}">{escape(question)}</button></li>'
        for question in questions
    )
    named = f'data-t-aria-label="chat.next" aria-label="{escape(WORDS["chat.next"]["en"])}"'
    return (
        f'<div class="fp-next" data-key="{escape(key)}"><p aria-hidden="true">{said("chat.next")}</p>'
        f"<ul {named}>{buttons}</ul></div>"
    )


def examples_html(questions: Sequence[str]) -> str:
    """Questions to begin with, as buttons."""
    buttons = "".join(
        f'<li><button type="button" data-ask="{escape(question)}">{escape(question)}</button></li>'
        for question in questions
    )
    return f'<ul class="fp-begin">{buttons}</ul>' if questions else ""


def _verdict(status: Status, verdict: Verdict | None, title: str = "", *, unsure: bool = False) -> str:
    what = (verdict or status).value
    style = f"fp-is-{what.replace('_', '-')}{' fp-perhaps' if unsure else ''}"
    words = title or said(f"chat.perhaps_{what}" if unsure else f"chat.is_{what}")
    return f'<p class="fp-verdict {style}">{words}</p>'


def _part(part: Part, name: str, key: str) -> str:
    """One of several things that were asked at once: what was asked, its own verdict, answer and certainty."""
    unsure = certainty(part.status, part.confidence) is Certainty.UNSURE
    sure = "" if unsure else _certainty(part.status, part.confidence, name)
    return (
        f'<section class="fp-part" aria-labelledby="{escape(name)}">'
        f'<h3 class="fp-part-asked" id="{escape(name)}" lang="en">{escape(part.question)}</h3>'
        f'<div class="fp-top">{_verdict(part.status, part.verdict, unsure=unsure)}{sure}</div>'
        f"{_words(part.text, part.verdict, part.citations, key, unsure=unsure)}"
        f"{_doubtful(part.status, alone=part.question) if unsure else ''}</section>"
    )


def _doubtful(status: Status, alone: str = "") -> str:
    """What to make of an answer that is more likely wrong than right; said at once, not only on asking.

    Args:
        status: the answer's.
        alone: the question, where it was one of several: asked by itself it shows the passages nearest to it.
    """
    silent = status is Status.NOT_STATED
    title, meaning = ("doubt_silent_title", "means_silent_unsure") if silent else ("doubt_title", "means_unsure")
    told = said(f"chat.{meaning}")
    if silent and alone:
        again = f'<button type="button" data-ask="{escape(alone)}">{said("chat.ask_alone")}</button>'
        told = f"{said('chat.doubt_part')} {again}"
    return f'<p class="fp-doubtful"><b>{said(f"chat.{title}")}</b> {told}</p>'


def _about(answer: Answer) -> str:
    """Whose policy, and of when."""
    sources = {(c.company, c.archived_on) for c in (*answer.citations, *answer.related)}
    if len(sources) != 1 or len(answer.policies) != 1:
        return ""
    company, date = sources.pop()
    return f'<p class="fp-about"><b>{escape(company)}</b>, {said("chat.as_of")} {day(date.isoformat())}</p>'


def _words(text: str, verdict: Verdict | None, citations: Sequence[Citation], key: str, *, unsure: bool) -> str:
    """The direct answer, prominent unless it is a guess, and below it what the policy says, a paragraph a claim."""
    cited = {citation.n for citation in citations}
    text = text.strip()
    if verdict:
        text = _SAID.sub("", text, count=1)  # the verdict stands above it
    match = _FIRST_SENTENCE.match(text)
    lead, rest = (match[0], text[match.end() :]) if match and match.end() < len(text) else (text, "")
    claims = _CLAIM_END.sub("\n\n", rest)
    told = f'<div class="fp-words">{answer_text(claims, cited, key)}</div>' if claims.strip() else ""
    kind = "fp-lead fp-quoting" if unsure or '"' in lead or len(lead) > _SHORT else "fp-lead"
    first = answer_text(lead, cited, key)
    if unsure and citations:
        first = first.replace("<p>", f'<p><span class="fp-guess">{said("chat.guess")}</span> ', 1)
    return f'<div class="{kind}">{first}</div>{told}'


def _certainty(status: Status, confidence: float, key: str) -> str:
    """How sure the answer is, in words, with what the words mean for whoever asks for it."""
    kind = certainty(status, confidence)
    if not kind:
        return ""
    what = "silent_" if status is Status.NOT_STATED else ""
    note = f"{escape(key)}-certainty"
    return (
        f'<span class="fp-certainty fp-certainty-{kind.value}"><button type="button" aria-describedby="{note}">'
        f"{said(f'chat.certainty_{kind.value}')}</button>"
        f'<span class="fp-tip" role="tooltip" id="{note}">{said(f"chat.means_{what}{kind.value}")}</span></span>'
    )


def _tally(entries: Sequence[Entry]) -> str:
    """Which companies say yes, which no, and of which nothing is known, in one place."""
    kinds = [*((Status.ANSWERED, verdict) for verdict in (*Verdict, None)), (Status.NOT_STATED, None)]
    rows = []
    told = [entry for entry in entries if not _unsure(entry)]
    for status, verdict in kinds:
        names = [entry.company for entry in told if (entry.status, entry.verdict) == (status, verdict)]
        if names:
            rows.append(f"<li>{_verdict(status, verdict)} <span>{escape(', '.join(names))}</span></li>")
    if unsure := [entry.company for entry in entries if _unsure(entry)]:
        word = f'<p class="fp-verdict fp-is-unclear">{said("compare.is_unclear")}</p>'
        rows.append(f"<li>{word} <span>{escape(', '.join(unsure))}</span></li>")
    return f'<ul class="fp-tally">{"".join(rows)}</ul>'


def _comparison(entries: Sequence[Entry], key: str) -> str:
    rows = []
    for entry in entries:
        text = _SAID.sub("", entry.text, count=1) if entry.verdict else entry.text  # its verdict stands beside it
        words = answer_text(text, {c.n for c in entry.citations}, key)
        rows.append(
            f'<tr><th scope="row">{escape(entry.company)}'
            f'<span class="fp-date">{day(entry.archived_on.isoformat())}</span></th>'
            f"<td>{_verdict(entry.status, entry.verdict, unsure=_unsure(entry))}{_doubt(entry)}</td>"
            f"<td>{words}</td></tr>"
        )
    return (
        f'<table class="fp-compare"><thead><tr><th scope="col">{said("chat.company")}</th>'
        f'<th scope="col">{said("chat.verdict")}</th><th scope="col">{said("chat.says")}</th></tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def _unsure(entry: Entry) -> bool:
    return certainty(entry.status, entry.confidence) is Certainty.UNSURE


def _doubt(entry: Entry) -> str:
    if not _unsure(entry):
        return ""
    return f'<p class="fp-doubt">{said("chat.certainty_unsure")}</p>'


def reask(question: str, choice: Choice, named: str | None) -> str:
    """The question again, about the chosen company.

    Args:
        question: as it was asked.
        choice: the company chosen.
        named: the unknown name in the question, which the chosen one replaces.
    """
    at = question.casefold().find(named.casefold()) if named else -1
    if named and at >= 0:
        return question[:at] + choice.label + question[at + len(named) :]
    return f"{choice.label}: {question}"


def earlier_questions(history: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """The user's questions in a Gradio message list, oldest first; a message's content is a text or a list of parts."""
    questions = []
    for message in history:
        if message.get("role") != "user":
            continue
        content = message.get("content")
        parts = content if isinstance(content, list) else [content]
        texts = [part.get("text", "") if isinstance(part, Mapping) else part for part in parts]
        questions.append(" ".join(text for text in texts if isinstance(text, str)))
    return tuple(question for question in questions if question.strip())


def settled(history: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The conversation without the stages, and what was said so far, of a question that was never answered."""
    return [message for message in history if not _html_of(message).startswith((_WORKING, _PARTIAL))]


def answers_in(history: Sequence[Mapping[str, Any]]) -> list[tuple[str, AnswerDocument]]:
    """The answers of a conversation with their keys, as the browser sends them back; what is no answer is left out."""
    found = []
    for message in history:
        markup = _html_of(message)
        key, data = _KEY.match(markup), _DATA.search(markup)
        if key and data:
            with contextlib.suppress(ValidationError):  # not what was sent
                found.append((key[1], AnswerDocument.model_validate_json(html.unescape(data[1]))))
    return found


def _html_of(message: Mapping[str, Any]) -> str:
    """The HTML of an assistant's message in either of Gradio's forms."""
    content = message.get("content")
    parts = content if isinstance(content, list) else [content]
    values = [part.get("value") if isinstance(part, Mapping) else getattr(part, "value", None) for part in parts]
    return "".join(value for value in values if isinstance(value, str)) if message.get("role") == "assistant" else ""


def _named(answers: Answers, question: Question) -> str | None:
    from qa.routing import Router

    return Router(answers.cards(), scope=None).route(question).named


def _options(answers: Answers, question: Question, answer: Answer) -> list[dict[str, str]]:
    """The choices of an answer as Gradio's message options, each a complete question."""
    if not answer.choices:
        return []
    named = _named(answers, question) if answer.status is Status.UNKNOWN_COMPANY else None
    return [
        {"label": choice.label, "value": reask(question.text, choice, named)}
        for choice in answer.choices[:_MOST_OFFERED]
    ]


def _plain(chatbot: gr.Chatbot) -> None:
    """Makes a chatbot show what people type as they typed it, and take nothing but text and our HTML from a browser.

    Gradio renders messages as HTML even with Markdown off, and makes whatever component a browser names in the
    conversation that it sends, with files and addresses to fetch. The methods are replaced on the instance, because
    Gradio writes a file beside the source of every class derived from a component. So nothing may change the chatbot's
    other properties (``gr.update``): Gradio would make it anew, as it was.
    """
    prepare = chatbot.postprocess

    def postprocess(value: Any) -> Any:
        data = prepare(value)
        for message in data.root:
            for part in message.content:
                if part.type == "text":
                    part.text = html.escape(part.text, quote=False)
        return data

    def preprocess_content(part: Any) -> Any:
        if part.type == "text":
            return {"type": "text", "text": html.unescape(part.text)}
        if part.type == "component" and part.component == "html":
            return part.model_dump()
        return {"type": "text", "text": ""}

    chatbot.postprocess = postprocess
    chatbot._preprocess_content = preprocess_content


_Shown = tuple[list[Any], Any, Any]
"""What a step of a conversation changes: the messages, the question's box, what could be asked next."""

_TOLD: Final = frozenset({"reading", "comparing"})
"""Stages that are worth telling of; the others are over before anybody could read their names, if no chat model is
asked."""


def _until(history: Sequence[Mapping[str, Any]], index: int | None = None) -> tuple[list[Mapping[str, Any]], str]:
    """A conversation before the question at or above ``index`` (the last one without), and that question."""
    at = len(history) - 1 if index is None else min(index, len(history) - 1)
    while at > 0 and history[at].get("role") != "user":
        at -= 1
    return list(history[: max(at, 0)]), "".join(earlier_questions(history[max(at, 0) : at + 1]))


def _reply(answers: Answers, question: Question, answer: Answer, key: str) -> tuple[str, list[dict[str, str]]]:
    """An answer as a message's HTML, and the choices that it offers."""
    asked_of = question.scope or ""
    # A question to a reader's own policy that names another company is answered from that company's.
    own = asked_of if asked_of.startswith(OWN) and all(map(is_own, answer.policies)) else ""
    proof = proof_panel(answer, lambda policy_id: answers.policy(own or policy_id), key)
    return answer_html(answer, key, proof, own), _options(answers, question, answer)


def _partial(answers: Answers, at: Progress, so_far: Said, key: str) -> str:
    """An answer that is being written as a message's HTML."""
    draft = Answer("", Status.ANSWERED, so_far.text, citations=so_far.citations)
    return partial_html(at, so_far, key, proof_panel(draft, answers.policy, key))


def _companies(answers: Answers, policies: Sequence[str]) -> list[str]:
    """The names of policies, for a question that is being answered; none if there are many."""
    if not 0 < len(policies) <= 2:
        return []
    return [card.company for card in answers.cards() if card.id in policies]


def build_ask(page: gr.Blocks, answers: Answers, settings: Settings) -> None:
    """The view that answers: which policy, the conversation, and beside it the policy at a glance or the proof.

    Called inside ``page``; what it listens to and shows belongs to it.
    """
    import gradio as gr

    busy = {"submit_btn": False, "stop_btn": label("chat.stop")}
    idle = {"submit_btn": label("chat.ask"), "stop_btn": False}
    told_of = _TOLD | {"writing"} if settings.llm else _TOLD

    def steps_of(question: Question) -> Iterator[Step | None]:
        """The steps of an answer; where a chat model may be slow, one can be stopped between its sentences, too."""
        return paced(lambda: answers.stream(question)) if settings.llm else answers.stream(question)

    def converse(history: Sequence[Mapping[str, Any]], text: str, scope: str | None) -> Iterator[_Shown]:
        """Asks, and shows the question at once, then the stages, then the answer."""
        if not text.strip():
            yield gr.skip(), gr.skip(), gr.skip()
            return
        before = settled(history)
        question = Question(text, history=earlier_questions(before), scope=scope or None)
        shown = [*before, {"role": "user", "content": text}]

        def with_reply(content: str, options: list[dict[str, str]] | None = None) -> list[Any]:
            return [*shown, {"role": "assistant", "content": gr.HTML(content), "options": options or []}]

        key = f"fp{secrets.token_hex(4)}"
        at, so_far = Progress("routing"), Said("")
        yield with_reply(working_html(at)), gr.update(**busy), ""
        try:
            for step in steps_of(question):
                if step is None:
                    yield gr.skip(), gr.skip(), gr.skip()
                elif isinstance(step, Answer):
                    reply = with_reply(*_reply(answers, question, step, key))
                elif isinstance(step, Said):
                    so_far = Said(so_far.text + step.text, (*so_far.citations, *step.citations))
                    yield with_reply(_partial(answers, replace(at, stage="writing"), so_far, key)), gr.skip(), gr.skip()
                elif step.stage in told_of:
                    at = step
                    yield with_reply(working_html(step, _companies(answers, step.policies))), gr.skip(), gr.skip()
        except FineprintError as exc:
            reply = with_reply(failure_html(told(exc), text, foreign=isinstance(exc, NotEnglish)))
        except Exception:  # a bug: whoever asked is told so, whoever runs it finds the traceback
            logger.exception("answering failed")
            reply = with_reply(failure_html(_BROKEN, text))
        yield reply, gr.update(**idle, placeholder=label("chat.placeholder_more")), gr.skip()

    def take(text: str) -> tuple[str, Any]:
        """Takes the question out of its box by a step of its own: of later ones the page may show only the last."""
        return text, gr.update(value="", **busy) if text.strip() else gr.skip()

    def submit(history: list[Any], scope: str | None, text: str) -> Iterator[_Shown]:
        yield from converse(history, text, scope)

    def retry(history: list[Any], scope: str | None) -> Iterator[_Shown]:
        before, text = _until(history, len(history) - 1)
        yield from converse(before, text, scope)

    def edit(history: list[Any], scope: str | None, data: Any) -> Iterator[_Shown]:
        index = data.index[0] if isinstance(data.index, list | tuple) else data.index
        yield from converse(_until(history, index)[0], str(data.value), scope)

    def choose(history: list[Any], scope: str | None, data: Any) -> Iterator[_Shown]:
        value = data.value.get("text", "") if isinstance(data.value, dict) else data.value
        yield from converse(history, str(value), scope)

    for listener, kind in ((edit, gr.EditData), (choose, gr.SelectData)):
        listener.__annotations__["data"] = kind  # Gradio looks there; its names are not known to this module

    def stop(history: list[Any]) -> tuple[list[Any], Any]:
        before = settled(history)
        if len(before) < len(history):
            told = stopped_html(_html_of(history[-1]), _until(before)[1])
            before.append({"role": "assistant", "content": gr.HTML(told)})
        return before, gr.update(**idle)

    def suggest(history: list[Any], scope: str | None) -> str:
        told = answers_in(history)
        if not told or len(told[-1][1].policies) != 1:
            return ""
        key, answer = told[-1]
        policy = scope if scope and is_own(scope) and is_own(answer.policies[0]) else answer.policies[0]
        cited = {(citation.policy_id, citation.start) for _, each in told for citation in each.citations}
        try:
            found = suggestions(
                answers.label(policy), earlier_questions(history), cited, answers.ask_plainly, scope or None
            )
        except FineprintError:  # what went wrong is said when somebody asks
            return ""
        return suggestions_html(found, key)

    def at_a_glance(scope: str | None) -> Iterator[str]:
        yield from glance_steps(answers, scope or "")

    def refresh() -> tuple[Any, str]:
        begin: tuple[str, ...] = ()
        try:
            cards = answers.cards()
            problem = "" if cards else _EMPTY_INDEX
            begin = examples(cards, settings.max_compared)
        except FineprintError as exc:
            problem = told(exc)
        notice = gr.update(value=_notice(problem) if problem else "", visible=bool(problem))
        return notice, examples_html(begin)

    notice = gr.HTML(visible=False, elem_id="fp-notice")
    with gr.Row(elem_id="fp-main", equal_height=False):
        with gr.Column(scale=6, min_width=320, elem_id="fp-chat"):
            with gr.Row(elem_id="fp-tools"):
                picker = build_picker("fp-picker", hint="picker.choose")
                gr.HTML(_EXPORT, elem_id="fp-export", padding=False)
                again = gr.Button(label("chat.new"), size="sm", scale=0, elem_id="fp-new")
            with gr.Column(elem_id="fp-own"):  # a policy of the reader's own
                gr.HTML(own_html(settings) + feedback_html(settings), elem_id="fp-own-part", padding=False)
            chatbot = gr.Chatbot(
                elem_id="fp-conversation",
                show_label=False,
                label=label("chat.conversation"),
                container=False,
                height=None,
                min_height=280,
                render_markdown=False,
                latex_delimiters=[],
                allow_tags=False,
                buttons=[],
                editable="user",
                autoscroll=False,  # chat.js brings the question to the top, and not the answer's end into view
                layout="bubble",
                placeholder=f'<p class="fp-hint">{said("chat.hint")}</p>',
            )
            _plain(chatbot)
            begin = gr.HTML(elem_id="fp-begin", padding=False)
            following = gr.HTML(elem_id="fp-following", padding=False)
            textbox = gr.Textbox(
                placeholder=label("chat.placeholder"),
                label=label("chat.question"),
                show_label=False,
                max_length=settings.max_question_chars,
                submit_btn=label("chat.ask"),
                max_lines=6,
                elem_id="fp-question",
            )
            asked_text = gr.Textbox(visible="hidden", label="", elem_id="fp-asked")  # what is being asked
        with gr.Column(scale=5, min_width=320, elem_id="fp-side"):
            glance = gr.HTML(elem_id="fp-glance", padding=False)  # the chosen policy's label
            gr.HTML(empty_panel(), elem_id="fp-proof")
    taken = textbox.submit(take, [textbox], [asked_text, textbox], api_visibility="private", queue=False)
    asking = [
        listen(
            answer_it,
            [chatbot, picker, *more],
            [chatbot, textbox, following],
            api_visibility="private",
            concurrency_limit=4,
            concurrency_id="ask",
            show_progress="hidden",
        )
        for listen, answer_it, more in (
            (taken.then, submit, [asked_text]),
            (chatbot.retry, retry, []),
            (chatbot.edit, edit, []),
            (chatbot.option_select, choose, []),
        )
    ]
    for asked in asking:
        asked.then(
            suggest,
            [chatbot, picker],
            [following],
            api_visibility="private",
            concurrency_limit=2,
            concurrency_id="suggest",
            show_progress="hidden",
        )
    textbox.stop(stop, [chatbot], [chatbot, textbox], cancels=asking, api_visibility="private", queue=False)
    again.click(
        lambda: ([], "", gr.update(**idle, placeholder=label("chat.placeholder"))),
        outputs=[chatbot, following, textbox],
        cancels=asking,
        api_visibility="private",
        queue=False,
    )
    page.load(refresh, outputs=[notice, begin], api_visibility="private", queue=False)
    # Gradio hears of what is put into its fields only from now on; what a link asks for waits for this (page.js).
    page.load(None, js="() => document.dispatchEvent(new Event('fp:live'))", api_visibility="private", queue=False)
    picker.change(
        at_a_glance,
        [picker],
        [glance],
        api_visibility="private",
        concurrency_limit=2,
        concurrency_id="glance",
        trigger_mode="always_last",
        show_progress="hidden",
    )


def _notice(message: str) -> str:
    return f'<p class="fp-notice" role="status">{escape(message)}</p>'


_ACTIONS: Final = (
    f'<button type="button" class="fp-copy"><span class="fp-idle">{said("chat.copy")}</span>'
    f'<span class="fp-done" hidden>{said("chat.copied")}</span></button>'
    f'<button type="button" class="fp-link">{said("page.copy_link")}</button>'
)
_EXPORT: Final = (
    f'<details class="fp-export" hidden><summary>{said("chat.export")}</summary><ul>'
    + "".join(
        f'<li><button type="button" data-form="{form}">{said(f"chat.export_{form}")}</button></li>'
        for form in ("page", "markdown", "json")
    )
    + f'</ul><p class="fp-export-failed" role="alert" hidden>{said("chat.export_failed")}</p></details>'
    + '<p class="fp-sr" role="status" id="fp-copied"></p>'
)
