"""The web chat: a conversation, and beside it the proof.

An answer's message carries its proof panel in an inert ``<template>``; the page's script (static/chat.js) shows it
beside the conversation when the answer arrives and when one of its numbers is chosen. So an older answer's numbers
lead to its own proof, and the server keeps nothing of a conversation.
"""

from __future__ import annotations

import html
import logging
import re
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from qa.domain import Answer, Choice, Entry, PolicyCard, Question, Status, Verdict
from qa.errors import FineprintError
from qa.settings import Settings
from ui.live import Answers
from ui.panels import empty_panel, proof_panel
from ui.render import answer_text, date_in_words, escape, reference, verdict_in_words

if TYPE_CHECKING:
    import gradio as gr

__all__ = ["answer_html", "build_chat", "earlier_questions", "page_head", "page_theme", "reask"]

logger = logging.getLogger(__name__)

_STATIC: Final = Path(__file__).parent / "static"
_SAID: Final = re.compile(r"^(?:Yes|No)\. ")
ANY_POLICY: Final = "Let the question say"
EXAMPLES: Final = (
    "Does Perricone MD share my data?",
    "Does Free People sell my email address?",
    "Does ExOfficio keep my card number online?",
    "Which of these sites use cookies?",
)
MOST_OFFERED: Final = 500
"""Policies in the picker; beyond these, the question says which company it means."""


def answer_html(answer: Answer, key: str, proof: str) -> str:
    """An answer as a chat message, with its proof panel in a template."""
    cited = {citation.n for citation in answer.citations}
    parts = [_verdict(answer.status, answer.verdict, "Comparison" if answer.entries else ""), _about(answer)]
    if answer.entries:
        parts.append(answer_text(_lead(answer.text), cited, key) + _comparison(answer.entries, key))
    else:
        parts.append(f'<div class="fp-words">{answer_text(answer.text, cited, key)}</div>')
    if answer.related and not answer.citations:
        links = " ".join(reference(citation.n, key) for citation in answer.related)
        parts.append(f'<p class="fp-related">Nearest passages: {links}</p>')
    parts += [f'<p class="fp-warning"><b>Note:</b> {escape(warning)}</p>' for warning in answer.warnings]
    parts.append(f'<template class="fp-proof">{proof}</template>')
    return f'<div class="fp-answer" data-key="{escape(key)}">{"".join(parts)}</div>'


def failure_html(message: str) -> str:
    """An expected failure as a chat message."""
    return f'<div class="fp-answer"><p class="fp-verdict fp-is-failure">Not answered</p><p>{escape(message)}</p></div>'


def _verdict(status: Status, verdict: Verdict | None, title: str = "") -> str:
    kind = (verdict or status).value.replace("_", "-")
    return f'<p class="fp-verdict fp-is-{kind}">{title or verdict_in_words(status, verdict)}</p>'


def _about(answer: Answer) -> str:
    """Whose policy, and of when."""
    sources = {(c.company, c.archived_on) for c in (*answer.citations, *answer.related)}
    if len(sources) != 1 or len(answer.policies) != 1:
        return ""
    company, day = sources.pop()
    iso = day.isoformat()
    return f'<p class="fp-about">{escape(company)}, policy as of <time datetime="{iso}">{date_in_words(iso)}</time></p>'


def _lead(text: str) -> str:
    """The first paragraph of a comparison; the rest repeats what its table says."""
    return text.strip().split("\n", 1)[0]


def _comparison(entries: Sequence[Entry], key: str) -> str:
    rows = []
    for entry in entries:
        iso = entry.archived_on.isoformat()
        text = _SAID.sub("", entry.text, count=1) if entry.verdict else entry.text  # its verdict stands beside it
        words = answer_text(text, {c.n for c in entry.citations}, key)
        rows.append(
            f'<tr><th scope="row">{escape(entry.company)}<span class="fp-date">{date_in_words(iso)}</span></th>'
            f"<td>{_verdict(entry.status, entry.verdict)}</td><td>{words}</td></tr>"
        )
    return (
        '<table class="fp-compare"><thead><tr><th scope="col">Company</th><th scope="col">Verdict</th>'
        f'<th scope="col">What its policy says</th></tr></thead><tbody>{"".join(rows)}</tbody></table>'
    )


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


def _named(answers: Answers, question: Question) -> str | None:
    from qa.routing import Router

    return Router(answers.cards(), scope=None).route(question).named


def _options(answers: Answers, question: Question, answer: Answer) -> list[dict[str, str]]:
    """The choices of an answer as Gradio's message options, each a complete question."""
    if not answer.choices:
        return []
    named = _named(answers, question) if answer.status is Status.UNKNOWN_COMPANY else None
    return [{"label": choice.label, "value": reask(question.text, choice, named)} for choice in answer.choices]


def _picker_choices(cards: Sequence[PolicyCard]) -> list[tuple[str, str]]:
    offered = [(f"{c.company} ({date_in_words(c.archived_on.isoformat())})", c.id) for c in cards[:MOST_OFFERED]]
    return [(ANY_POLICY, ""), *sorted(offered, key=lambda pair: pair[0].casefold())]


def _plain(chatbot: gr.Chatbot) -> None:
    """Makes a chatbot show what people type as they typed it, and take nothing but text and our HTML from a browser.

    Gradio renders messages as HTML even with Markdown off, and makes whatever component a browser names in the
    conversation that it sends, with files and addresses to fetch. The methods are replaced on the instance, because
    Gradio writes a file beside the source of every class derived from a component.
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


def build_chat(answers: Answers, settings: Settings) -> gr.Blocks:
    """The chat page, ready to be mounted (see ``page_options`` for what goes to the mount)."""
    import gradio as gr

    def respond(message: str, history: list[dict[str, Any]], scope: str | None) -> dict[str, Any]:
        question = Question(message, history=earlier_questions(history), scope=scope or None)
        key = f"fp{secrets.token_hex(4)}"
        try:
            answer = answers.ask(question)
            content = answer_html(answer, key, proof_panel(answer, answers.policy, key))
            options = _options(answers, question, answer)
        except FineprintError as exc:
            content, options = failure_html(str(exc)), []
        except Exception:  # a bug: whoever asked is told so, whoever runs it finds the traceback
            logger.exception("answering failed")
            content, options = failure_html("Something went wrong inside the service. Please try another question."), []
        return {"role": "assistant", "content": gr.HTML(content), "options": options}

    def refresh() -> tuple[Any, Any]:
        try:
            cards = answers.cards()
        except FineprintError as exc:
            return gr.update(choices=[(ANY_POLICY, "")], value=""), gr.update(value=_notice(str(exc)), visible=True)
        if not cards:
            notice = _notice("The index holds no policies yet. Run `fineprint ingest`, then ask here.")
            return gr.update(choices=[(ANY_POLICY, "")], value=""), gr.update(value=notice, visible=True)
        return gr.update(choices=_picker_choices(cards), value=""), gr.update(value="", visible=False)

    with gr.Blocks(title="fineprint", analytics_enabled=False, fill_width=True) as page:
        gr.HTML(_HEADER, elem_id="fp-header")
        notice = gr.HTML(visible=False, elem_id="fp-notice")
        with gr.Row(elem_id="fp-main", equal_height=False):
            with gr.Column(scale=6, min_width=320, elem_id="fp-chat"):
                with gr.Row(elem_id="fp-tools"):
                    picker = gr.Dropdown(
                        [(ANY_POLICY, "")],
                        value="",
                        label="Policy",
                        filterable=True,
                        interactive=True,
                        elem_id="fp-picker",
                        scale=1,
                    )
                    again = gr.Button("New conversation", size="sm", scale=0, elem_id="fp-new")
                chatbot = gr.Chatbot(
                    elem_id="fp-conversation",
                    show_label=False,
                    label="Conversation",
                    container=False,
                    height=None,
                    min_height=280,
                    render_markdown=False,
                    latex_delimiters=[],
                    allow_tags=False,
                    buttons=[],
                    layout="bubble",
                    placeholder="<p class='fp-hint'>Ask about a company's policy, or start with one of these.</p>",
                )
                _plain(chatbot)
                textbox = gr.Textbox(
                    placeholder="Ask a question, e.g. does Perricone MD share my data?",
                    label="Question",
                    max_length=settings.max_question_chars,
                    submit_btn="Ask",
                    autofocus=True,
                    max_lines=6,
                    scale=7,
                    elem_id="fp-question",
                )
                chat = gr.ChatInterface(
                    respond,
                    chatbot=chatbot,
                    textbox=textbox,
                    submit_btn="Ask",
                    additional_inputs=[picker],
                    examples=[[text] for text in EXAMPLES],
                    flagging_mode="never",
                    analytics_enabled=False,
                    concurrency_limit=4,
                    api_visibility="private",
                    cache_examples=False,
                    fill_height=False,
                    show_progress="minimal",
                )
            with gr.Column(scale=5, min_width=320, elem_id="fp-side"):
                gr.HTML(empty_panel(), elem_id="fp-proof")
        again.click(
            lambda: ([], [], []),
            outputs=[chatbot, chat.chatbot_state, chat.chatbot_value],
            api_visibility="private",
            queue=False,
        )
        page.load(refresh, outputs=[picker, notice], api_visibility="private", queue=False)
    page.queue(default_concurrency_limit=4, max_size=64)
    return page


def page_head() -> str:
    """What goes into the page's head: its style and script, inline, so that nothing is fetched.

    The style does not go through Gradio's ``css``, which rewrites selectors.
    """
    style, script = ((_STATIC / name).read_text(encoding="utf-8") for name in ("chat.css", "chat.js"))
    return f'<meta name="color-scheme" content="light dark"><style>{style}</style><script>{script}</script>'


def page_theme() -> gr.themes.Base:
    """Gradio's base theme with the page's fonts (all on the reader's machine) and its one accent colour."""
    import gradio as gr

    font, mono = gr.themes.Font("system-ui"), gr.themes.Font("ui-monospace")
    theme = gr.themes.Base(
        primary_hue=gr.themes.colors.teal,
        neutral_hue=gr.themes.colors.stone,
        radius_size=gr.themes.sizes.radius_md,
        font=[font, gr.themes.Font("sans-serif")],
        font_mono=[mono, gr.themes.Font("monospace")],
    )
    theme.set(
        body_background_fill="#faf8f4",
        body_background_fill_dark="#171513",
        block_background_fill="transparent",
        block_border_width="0px",
        block_shadow="none",
        button_primary_background_fill="#0f6b5f",
        button_primary_background_fill_hover="#0b574d",
        button_primary_text_color="#ffffff",
        button_primary_background_fill_dark="#2f9c8c",
        button_primary_background_fill_hover_dark="#48b3a3",
        button_primary_text_color_dark="#0c1413",
    )
    return theme


def _notice(message: str) -> str:
    return f'<p class="fp-notice" role="status">{escape(message)}</p>'


_HEADER: Final = (
    '<header class="fp-head"><h1>fineprint</h1>'
    "<p>Ask what a privacy policy really says. Every answer is proven by its own words.</p></header>"
)
