"""What could be asked next: questions that this very policy answers (pure functions over the service).

They are taken from the policy's label and asked once more within the conversation, so that whoever chooses one gets an
answer with citations and not "the policy does not say".
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Final

from qa.domain import Answer, Label, LabelRow, Question, Status
from qa.text import content_words

__all__ = ["MOST_OFFERED", "suggested", "suggestions"]

MOST_OFFERED: Final = 3

# What people ask next; a topic that is not named here goes on in the label's own order.
_NEXT: Final[Mapping[str, tuple[str, ...]]] = {
    "sell": ("share", "opt_out", "ownership"),
    "share": ("sell", "law_enforcement", "ownership"),
    "ads": ("cookies", "opt_out", "share"),
    "cookies": ("ads", "opt_out", "share"),
    "children": ("access", "share", "security"),
    "security": ("retention", "share", "access"),
    "retention": ("access", "security", "share"),
    "access": ("retention", "opt_out", "contact"),
    "opt_out": ("access", "ads", "contact"),
    "law_enforcement": ("share", "ownership", "security"),
    "ownership": ("share", "sell", "changes"),
    "changes": ("contact", "opt_out", "access"),
    "contact": ("access", "opt_out", "changes"),
}


def suggestions(
    label: Label,
    asked: Sequence[str],
    cited: Collection[tuple[str, int]],
    ask: Callable[[Question], Answer],
    scope: str | None,
) -> tuple[str, ...]:
    """Up to three questions that have not been asked yet and that the policy answers with citations.

    Args:
        label: of the policy that the last answer is about.
        asked: the questions of the conversation, oldest first.
        cited: what its answers cite, as policy id and start.
        ask: answers a question.
        scope: what the conversation's questions are about; None where they say it themselves.
    """
    return tuple(question for question in suggested(label, asked, cited, ask, scope) if question)


def suggested(
    label: Label,
    asked: Sequence[str],
    cited: Collection[tuple[str, int]],
    ask: Callable[[Question], Answer],
    scope: str | None,
) -> Iterator[str | None]:
    """What ``suggestions`` gives, question by question as they are tried; None for one that is not answered."""
    found = 0
    for row in _ranked(label, asked, cited):
        answer = ask(Question(row.question, history=tuple(asked), scope=scope))
        answered = answer.status is Status.ANSWERED and answer.citations and answer.policies == (label.policy_id,)
        yield row.question if answered else None
        found += bool(answered)
        if found == MOST_OFFERED:
            return


def _ranked(label: Label, asked: Sequence[str], cited: Collection[tuple[str, int]]) -> Iterator[LabelRow]:
    """The rows that are answered and not asked yet, those first that follow from what was asked last."""
    last = asked[-1:] and content_words(asked[-1])
    about = [row.topic for row in label.rows if _is_about(row, last or [])]
    wanted = [topic for each in about for topic in _NEXT.get(each, ())]
    words = {word for question in asked for word in content_words(question)}
    open_rows = [
        row
        for row in label.rows
        if row.status is Status.ANSWERED
        and row.sure
        and row.citations
        and not _is_about(row, words)
        and (row.citations[0].policy_id, row.citations[0].start) not in cited
    ]
    return iter(sorted(open_rows, key=lambda row: wanted.index(row.topic) if row.topic in wanted else len(wanted)))


def _is_about(row: LabelRow, words: Sequence[str] | set[str]) -> bool:
    """Whether words of a question name the topic of a row."""
    return bool({*content_words(row.topic.replace("_", " "))} & set(words))
