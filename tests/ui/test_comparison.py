from __future__ import annotations

import datetime as dt
import html
import json
import re
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from typing import Any

import pytest

from qa.domain import Citation, Entry, FailedEntry, Label, LabelRow, Status, Verdict
from qa.errors import IndexDamaged
from tests.ui.fakes import PreparedAnswers
from ui.comparison import form_html, parts
from ui.render import verdict_in_words
from ui.words import WORDS

IDS = ("freepeople.com@2006-12-05", "perriconemd.com@2011-03-06", "malleries.com@2012-10-04")


@dataclass
class Part:
    """A part as the page's script reads it."""

    data: dict[str, str]
    inner: str


def sent(question: str | None, *scopes: str) -> str:
    return json.dumps({"scopes": scopes, "question": question})


def read(text: str) -> Part:
    """The first part in a text: its data, unescaped, and what is in it."""

    class Reader(HTMLParser):
        data: dict[str, str] | None = None

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            if self.data is None:
                self.data = {name.removeprefix("data-"): value or "" for name, value in attrs}

    reader = Reader()
    reader.feed(text)
    assert reader.data is not None
    return Part(reader.data, text[text.index(">") + 1 :])


def compared(answers: PreparedAnswers, request: str | None) -> list[Part]:
    return [read(text) for text in parts(request, answers, 20, "run1")]


def test_the_empty_table_comes_first_then_a_cell_for_each_policy_then_the_end(answers: PreparedAnswers) -> None:
    came = compared(answers, sent("do you sell my email?", *IDS))
    assert [part.data["part"] for part in came] == ["plan", "cell", "cell", "cell", "end"]
    assert {part.data["run"] for part in came} == {"run1"}
    plan, *cells, _ = came
    assert plan.inner.count('data-kind="waiting"') == 3
    assert plan.inner.count("6 March 2011") == 1
    assert [cell.data["policy"] for cell in cells] == list(IDS)
    assert [cell.data["kind"] for cell in cells] == ["no", "conditional", "not_stated"]
    assert all(cell.data["column"] == "question" for cell in cells)


def test_a_cell_shows_verdict_answer_quote_section_and_two_links(answers: PreparedAnswers) -> None:
    _, cell, *_ = compared(answers, sent("do you sell my email & more?", *IDS))
    assert "fp-is-no" in cell.inner
    assert ">No<" in cell.inner
    assert (
        "<blockquote>Free People will not rent or sell your e-mail address for any reason.</blockquote>" in cell.inner
    )
    assert "Privacy and Security" in cell.inner
    assert 'href="https://web.archive.org/web/20061205' in cell.inner
    link = re.search(r'href="(\?view=ask[^"]*)"', cell.inner)
    assert link
    assert html.unescape(link[1]) == ("?view=ask&policy=freepeople.com%402006-12-05&q=do+you+sell+my+email+%26+more%3F")
    assert "[1]" not in cell.inner
    assert cell.data["csv"].startswith('"Free People","freepeople.com"')
    assert cell.data["md"].startswith("| Free People")


def test_silence_is_said_to_be_none_of_the_verdicts(answers: PreparedAnswers) -> None:
    silent = compared(answers, sent("do you sell it?", *IDS))[3]
    assert silent.data["kind"] == "not_stated"
    assert "That is not a no." in silent.inner
    assert 'fp-is-no"' not in silent.inner


def test_a_policy_that_fails_says_why_and_the_others_answer(answers: PreparedAnswers) -> None:
    answers.broken.add(IDS[1])
    came = compared(answers, sent("do you sell it?", *IDS))
    assert [part.data["kind"] for part in came[1:-1]] == ["no", "failed", "not_stated"]
    assert "It cannot be read: rebuild." in came[2].inner
    assert "?view=ask" not in came[2].inner


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        (sent("do you sell it?", IDS[0]), "2 to 20 policies"),
        (sent("  ", *IDS), "empty"),
        (sent("do you sell it?", IDS[0], "nowhere.example"), "nowhere.example"),
        (sent(None, IDS[0]), "2 to 20 policies"),
        (sent(None, IDS[0], "freepeople.com"), "chosen twice"),
        ("{", "Reload the page"),
        (None, "Reload the page"),
        ('{"scopes": "x", "question": 7}', "Reload the page"),
        ('{"scopes": [7], "question": "x"}', "Reload the page"),
        ("[" * 100_000, "Reload the page"),
    ],
)
def test_what_cannot_be_compared_is_said_in_one_line(answers: PreparedAnswers, request_: str | None, says: str) -> None:
    came = compared(answers, request_)
    assert [part.data["part"] for part in came] == ["problem", "end"]
    assert says in html.unescape(came[0].inner)


def test_a_bug_is_said_calmly_and_the_question_is_not_logged(
    answers: PreparedAnswers, caplog: pytest.LogCaptureFixture
) -> None:
    answers.problem = ZeroDivisionError("division")
    came = compared(answers, sent("my secret question?", *IDS))
    assert [part.data["part"] for part in came] == ["problem", "end"]
    assert "went wrong" in came[0].inner
    assert "division" in caplog.text
    assert "secret" not in caplog.text


class Labelled(PreparedAnswers):
    """Two topics for each policy; labels of policies in ``broken`` fail."""

    @property
    def read(self) -> list[str]:
        """Whose labels were made."""
        return self.__dict__.setdefault("_read", [])

    def label(self, scope: str) -> Label:
        self.read.append(scope)
        policy = self.policy(scope).policy
        if policy.id in self.broken:
            raise IndexDamaged("It cannot be read: rebuild.")
        rows = tuple(
            LabelRow(topic, title, f"do you {topic}?", Status.NOT_STATED, None, "It does not say.", (), 0.5)
            for topic, title in (("sell", "Sells your data"), ("ads", "Shows ads"))
        )
        return Label(policy.id, policy.company, policy.domain, policy.archived_on, policy.url, rows)


@pytest.fixture
def labelled(answers: PreparedAnswers) -> Labelled:
    return Labelled(answers.policies)


def test_the_whole_label_has_a_column_a_topic(labelled: Labelled) -> None:
    came = list(parts(sent(None, *IDS), labelled, 20, "r"))
    waiting, planned = read(came[0]), read(came[1])
    assert waiting.data["part"] == planned.data["part"] == "plan"
    assert planned.data["mode"] == "label"
    assert re.findall(r'<th[^>]* data-column="(\w+)"', planned.inner) == ["sell", "ads"]
    assert planned.inner.count('data-kind="waiting"') == 6
    for text, policy_id in zip(came[2:5], IDS, strict=True):
        assert text.count(f'data-policy="{policy_id}"') == 2
    assert "q=do+you+ads%3F" in came[2]


def test_what_is_stopped_is_not_computed(labelled: Labelled) -> None:
    came = parts(sent(None, *IDS), labelled, 20, "r")
    for _ in range(3):  # the empty table, the one with the topics, the first policy's cells
        next(came)
    came.close()
    assert labelled.read == [IDS[0]]


@pytest.mark.parametrize("broken", [IDS[:1], IDS[1:2], IDS], ids=["first", "second", "all"])
def test_a_label_that_fails_has_one_cell_that_says_why(labelled: Labelled, broken: tuple[str, ...]) -> None:
    labelled.broken.update(broken)
    text = "".join(parts(sent(None, *IDS), labelled, 20, "r"))
    assert text.count('data-column="*" data-kind="failed"') == len(broken)
    assert text.count('data-kind="not_stated"') == 2 * (3 - len(broken))
    last_plan = text.rindex('data-part="plan"')
    assert text.find('data-kind="failed"') > last_plan  # or the table would lose it


class Hostile(PreparedAnswers):
    """Says what it is told to, wherever an entry has words."""

    evil = ""

    def compare(self, question: Any, scopes: Any) -> Any:
        evil, day = self.evil, dt.date(2020, 1, 1)
        cited = Citation(1, IDS[0], evil, evil, day, evil, evil, 0, 1, f"javascript:{evil}")
        answered = Entry(IDS[0], evil, evil, day, Status.ANSWERED, Verdict.YES, evil, (cited,), 1.0, (evil,))
        return iter([answered, FailedEntry(IDS[1], evil, evil, day, evil)])


@pytest.mark.parametrize(
    "evil", ['"><img src=x onerror=alert(1)>', "${alert(1)} {{x}} `", "</td><script>x</script>", "\u202e\x00"]
)
def test_hostile_words_are_shown_and_hold_no_markup(answers: PreparedAnswers, evil: str) -> None:
    hostile = Hostile(
        {key: replace(source, policy=replace(source.policy, company=evil)) for key, source in answers.policies.items()}
    )
    hostile.evil = evil
    text = "".join(parts(sent(evil, *IDS[:2]), hostile, 20, "r"))
    for bad in ("<img", "<script", "${", "{{", "javascript:", "\u202e", "\x00"):
        assert bad not in text
    tags = set(re.findall(r"<(\w+)", text))
    assert tags <= {"div", "table", "caption", "thead", "tbody", "tr", "th", "td", "span", "button", "time", "p", "b",
                    "blockquote", "a"}  # fmt: skip


def test_verdicts_have_the_words_that_they_have_everywhere() -> None:
    for verdict in Verdict:
        assert WORDS[f"compare.is_{verdict}"]["en"] == verdict_in_words(Status.ANSWERED, verdict)
    for kind in ("yes", "no", "conditional", "not_stated", "unclear"):
        assert WORDS[f"compare.is_{kind}"] == WORDS[f"label.is_{kind}"]


def test_every_control_of_the_form_has_a_name() -> None:
    form = form_html(20, 2_000)
    for label in re.findall(r'<label[^>]* for="([^"]+)"', form):
        assert f'id="{label}"' in form
    for control in re.findall(r"<input[^>]*>", form):
        assert 'id="' in control or "radio" in control or "checkbox" in control
    assert 'maxlength="2000"' in form
