from __future__ import annotations

import datetime as dt
import html
import re
from dataclasses import replace
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.routing import Mount

from qa.domain import Answer, Choice, Entry, Progress, Question, Said, Status, Verdict, as_json
from tests.ui.fakes import PreparedAnswers
from ui.chat import (
    answer_html,
    answers_in,
    earlier_questions,
    examples,
    examples_html,
    failure_html,
    partial_html,
    reask,
    settled,
    stopped_html,
    suggestions_html,
    working_html,
)
from ui.page import page_head
from ui.panels import proof_panel
from ui.words import said


def message(answers: PreparedAnswers, text: str) -> str:
    answer = answers.ask(Question(text))
    return answer_html(answer, "k", proof_panel(answer, answers.policy, "k"))


def test_an_answer_shows_verdict_source_text_and_numbers_and_carries_its_proof(answers: PreparedAnswers) -> None:
    shown, _, proof = message(answers, "does Perricone MD share my data?").partition("<template")
    assert re.search(r'<p class="fp-verdict fp-is-conditional"><span[^>]*>It depends</span></p>', shown)
    assert "Perricone MD, policy as of 6 March 2011" in words_in(shown)
    assert '<time datetime="2011-03-06" data-t-date>' in shown
    assert 'data-proof="k-1"' in shown
    assert 'data-proof="k-2"' in shown
    assert 'id="k-1"' in proof
    assert 'id="k-2"' in proof


def words_in(markup: str) -> str:
    return html.unescape(re.sub(r"<[^<>]*>", "", markup))


def test_the_direct_answer_stands_by_itself_and_each_claim_behind_it(answers: PreparedAnswers) -> None:
    shown = message(answers, "does Perricone MD share my data?")
    assert '<div class="fp-lead"><p>Only in some cases.</p></div>' in shown
    claims = re.search(r'<div class="fp-words">(.*?)</div>', shown)
    assert claims
    assert claims[1].count("<p>") == 2


def test_a_verdict_that_stands_above_is_not_said_again_and_a_quote_is_never_cut_in_two() -> None:
    text = 'Yes. It says: "We sell it. Always. To all" [1]. It also says: "We rent it" [1].'
    answer = Answer("?", Status.ANSWERED, text, Verdict.YES, confidence=0.9)
    shown = answer_html(answer, "k", "")
    assert re.search(
        r'<div class="fp-lead fp-quoting"><p>It says: &quot;We sell it. Always. To all&quot; \[1\].</p>', shown
    )
    assert words_in(shown.partition("<template")[0]).count("Yes") == 1


@pytest.mark.parametrize(
    ("status", "confidence", "words"),
    [
        (Status.ANSWERED, 0.95, "9 of 10"),
        (Status.ANSWERED, 0.6, "2 of 3"),
        (Status.NOT_STATED, 0.95, "very likely that the policy says nothing"),
    ],
)
def test_certainty_is_a_word_that_explains_itself_and_never_a_number(
    status: Status, confidence: float, words: str
) -> None:
    shown = answer_html(Answer("?", status, "So.", confidence=confidence), "k", "").partition("<template")[0]
    described = re.search(r'<button type="button" aria-describedby="([^"]+)">', shown)
    assert described
    tip = re.search(rf'role="tooltip" id="{described[1]}">(.*?)</span></span>', shown)
    assert tip
    assert words in words_in(tip[1])
    assert str(confidence) not in words_in(shown)


@pytest.mark.parametrize(
    ("status", "verdict", "perhaps", "meaning"),
    [
        (Status.ANSWERED, Verdict.YES, "Perhaps yes", "more than half of such answers were wrong"),
        (Status.ANSWERED, Verdict.NO, "Perhaps no", "more than half of such answers were wrong"),
        (Status.NOT_STATED, None, "Perhaps not stated", "may say something about this after all"),
    ],
)
def test_an_answer_that_is_more_likely_wrong_than_right_says_so_at_once(
    status: Status, verdict: Verdict | None, perhaps: str, meaning: str
) -> None:
    answer = Answer("?", status, "So it is.", verdict, confidence=0.2)
    shown = answer_html(answer, "k", "").partition("<template")[0]
    assert re.search(rf'<p class="fp-verdict [^"]* fp-perhaps"><span[^>]*>{perhaps}</span></p>', shown)
    told = re.search(r'<p class="fp-doubtful">(.*?)</p>', shown)
    assert told
    assert meaning in words_in(told[1])
    assert "fp-certainty" not in shown


def test_each_of_several_questions_has_its_own_verdict_text_and_numbers_and_silence_is_said(
    answers: PreparedAnswers,
) -> None:
    answer = answers.ask(Question("does Perricone MD share my data, and is my <b>blood</b> kept?"))
    shown = answer_html(answer, "k", proof_panel(answer, answers.policy, "k")).partition("<template")[0]
    first, second = re.findall(r'<section class="fp-part" aria-labelledby="(k-part\d)">(.*?)</section>', shown)
    assert f'id="{first[0]}" lang="en">Does Perricone MD share my data?</h3>' in first[1]
    assert "It depends" in words_in(first[1])
    assert 'data-proof="k-1"' in first[1]
    assert "Not stated" not in words_in(first[1])
    assert "Is my &lt;b&gt;blood&lt;/b&gt; kept?" in second[1]
    assert "Perhaps not stated" in words_in(second[1])
    assert "fp-ref" not in second[1]
    assert 'data-ask="Is my &lt;b&gt;blood&lt;/b&gt; kept?"' in second[1]
    before = shown.partition('<section class="fp-part"')[0]
    assert "Perricone MD, policy as of 6 March 2011" in words_in(before)
    assert "fp-verdict" not in before


def test_somebody_who_asks_for_no_company_can_choose_among_all(answers: PreparedAnswers) -> None:
    assert '<p class="fp-choose"><button type="button">' in message(answers, "does it sell my email?")
    assert "fp-choose" not in message(answers, "does Perricone MD share my data?")


def test_a_question_in_another_language_is_told_so_in_the_readers_own() -> None:
    shown = failure_html("Ask in English.", "Wie lange?", foreign=True)
    assert re.search(r'<p class="fp-problem"><span data-t="chat.not_english">Please ask in English', shown)


def test_the_questions_to_begin_with_are_about_companies_that_are_here(answers: PreparedAnswers) -> None:
    cards = answers.cards()
    assert "Does Perricone MD share my data?" in examples(cards, 20)
    assert examples(cards, 20)[-1] == "Which of these sites use cookies?"
    assert len(examples(cards, 3)) == 3
    others = [replace(card, company=f"Company {n}", domain=f"{n}.com") for n, card in enumerate(cards * 10)]
    asked = examples(others, 20)
    assert len(set(asked)) == 3
    assert all("Company" in question for question in asked)
    assert examples((), 20) == ()


def test_a_company_called_like_markup_begins_nothing_but_its_question() -> None:
    (shown,) = re.findall(r"<button[^>]*>.*?</button>", examples_html(['Does "><img src=x> share my data?']))
    assert shown.count("&lt;img src=x&gt;") == 2
    assert "<img" not in shown
    assert examples_html(()) == ""


def test_where_no_policy_was_read_nothing_is_said_of_certainty(answers: PreparedAnswers) -> None:
    for question in ("does Amazon share my data?", "how is the weather?"):
        assert "fp-certainty" not in message(answers, question)


def test_an_answers_data_comes_back_from_the_browser_as_it_was(answers: PreparedAnswers) -> None:
    answer = answers.ask(Question('does Perricone MD share "my" ${data} </template>?'))
    value = answer_html(answer, "k1", "")
    history = [
        {"role": "user", "content": "x"},
        {"role": "assistant", "content": [{"type": "component", "value": value}]},
    ]
    [(key, data)] = answers_in(history)
    assert key == "k1"
    assert data.model_dump(mode="json") == as_json(answer)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "<p>Hello</p>",
        '<div class="fp-answer" data-key="k"><template class="fp-data">{}</template></div>',
        '<div class="fp-answer" data-key="k"><template class="fp-data">not json</template></div>',
    ],
)
def test_what_a_browser_makes_up_is_no_answer(value: str) -> None:
    assert answers_in([{"role": "assistant", "content": [{"type": "component", "value": value}]}]) == []


def test_the_stages_say_what_is_read_and_the_one_at_work_is_marked() -> None:
    finding, reading = (
        working_html(Progress(stage, ("a@2011-01-01",), sentences), companies)
        for stage, sentences, companies in (("routing", 0, ()), ("reading", 84, ("<i>A</i>",)))
    )
    now = r'<li class="fp-now" aria-current="step">(.*?)</li>'
    assert [words_in(each) for each in re.findall(now, finding)] == ["Finding the policy"]
    assert [words_in(each) for each in re.findall(now, reading)] == ["Reading 84 sentences"]
    assert "<i>A" not in reading
    assert "Reading 2 policies" in words_in(working_html(Progress("comparing", ("a", "b"))))


def test_a_question_that_was_never_answered_leaves_no_stages_behind() -> None:
    history = [
        {"role": "user", "content": "does it?"},
        {"role": "assistant", "content": [{"type": "component", "value": working_html(Progress("routing"))}]},
    ]
    assert settled(history) == history[:1]


# --- while a chat model writes ----------------------------------------------------------------------------------------


def said_first(answer: Answer) -> Said:
    """The first claim of an answer."""
    return Said(answer.text.partition("[1].")[0] + "[1].", answer.citations[:1])


def partial(answers: PreparedAnswers, question: str = "does Perricone MD share my data?") -> tuple[str, Answer]:
    answer = answers.ask(Question(question))
    so_far = said_first(answer)
    proof = proof_panel(replace(answer, citations=so_far.citations), answers.policy, "k")
    return partial_html(Progress("writing", answer.policies, 84), so_far, "k", proof), answer


def test_what_is_proven_stands_below_the_stages_with_its_proof_before_the_rest_is_written(
    answers: PreparedAnswers,
) -> None:
    shown, answer = partial(answers)
    stages, _, below = shown.partition("</ol>")
    assert re.findall(r'fp-now" aria-current="step">(.*?)</li>', stages) == [said("chat.writing")]
    whole = answer_html(answer, "k", "")
    lead = re.search(r'<div class="fp-lead"><p>.*?</p></div>', whole)
    assert lead
    assert lead[0] in below  # as it will stand in the whole answer
    assert 'data-proof="k-1"' in below
    assert 'data-proof="k-2"' not in below
    assert 'id="k-1"' in below.partition("<template")[2]
    assert "fp-verdict" not in shown


def test_screen_readers_are_told_once_that_it_is_written_and_not_each_sentence(answers: PreparedAnswers) -> None:
    assert 'role="status"' in working_html(Progress("writing"))
    shown, _ = partial(answers)
    assert 'role="status"' not in shown
    assert 'aria-live="off"' in shown.partition(">")[0]


def test_a_verdict_is_not_said_before_it_is_known_how_sure_it_is() -> None:
    shown = partial_html(Progress("writing"), Said("No. It never sells it."), "k", "")
    assert "No." not in words_in(shown.partition("<template")[0])
    assert "It never sells it." in words_in(shown)


def test_several_things_asked_are_told_each_under_what_was_asked() -> None:
    told = Said("Does it <sell> it?\nNo. It does not.\n\nHow long?\nFor a year.")
    shown = partial_html(Progress("writing"), told, "k", "").partition("<template")[0]
    parts = re.findall(r'<section class="fp-part"><h3[^>]*>(.*?)</h3>(.*?)</section>', shown)
    assert [(asked, words_in(text)) for asked, text in parts] == [
        ("Does it &lt;sell&gt; it?", "It does not."),
        ("How long?", "For a year."),
    ]


def test_what_was_said_goes_with_its_question_when_that_is_left_and_stays_when_it_is_stopped(
    answers: PreparedAnswers,
) -> None:
    shown, _ = partial(answers)
    history = [
        {"role": "user", "content": "does it?"},
        {"role": "assistant", "content": [{"type": "component", "value": shown}]},
    ]
    assert settled(history) == history[:1]
    stopped = stopped_html(shown, "does <it>?")
    assert said("chat.stopped_early") in stopped
    assert "Only in some cases." in words_in(stopped.partition("<template")[0])
    assert 'data-key="k"' in stopped
    assert stopped.partition("<fp-held-1>")[2] == shown.partition("<fp-held-1>")[2]
    assert 'id="k-1"' in stopped
    assert "fp-stages" not in stopped
    assert 'data-question="does &lt;it&gt;?"' in stopped
    assert answers_in([{"role": "assistant", "content": [{"type": "component", "value": stopped}]}]) == []
    nothing_said = stopped_html(working_html(Progress("writing")), "does it?")
    assert "Stopped before there was an answer." in words_in(nothing_said)


def test_offered_questions_are_buttons_that_say_what_they_ask() -> None:
    assert suggestions_html((), "k") == ""
    shown = suggestions_html(('Do you "sell" <it>?',), "k")
    assert 'data-ask="Do you &quot;sell&quot; &lt;it&gt;?">Do you &quot;sell&quot; &lt;it&gt;?</button>' in shown


def test_a_comparison_is_a_table_with_a_row_and_a_verdict_for_each_policy(answers: PreparedAnswers) -> None:
    shown = message(answers, "which of these sites sell my email?").partition("<template")[0]
    assert shown.count('<th scope="row">') == 2
    assert "fp-is-no" in shown
    assert "fp-is-conditional" in shown
    assert re.search(r'<ul class="fp-tally">.*It depends.*Perricone MD.*No.*Free People', shown) or re.search(
        r'<ul class="fp-tally">.*No.*Free People.*It depends.*Perricone MD', shown
    )
    # The answer's lines about single policies are not said twice.
    assert "Free People: no" not in shown


def test_a_comparison_counts_nobody_among_the_verdicts_whose_answer_is_not_sure() -> None:
    def entry(company: str, confidence: float) -> Entry:
        return Entry(
            company, company, "d", dt.date(2020, 1, 1), Status.ANSWERED, Verdict.YES, "Yes. So.", (), confidence
        )

    shown = answer_html(Answer("?", Status.ANSWERED, "", entries=(entry("Acme", 0.9), entry("Bolt", 0.2))), "k", "")
    rows = [words_in(row) for row in re.findall(r"<li>(.*?)</li>", shown.partition("</ul>")[0])]
    assert rows == ["Yes Acme", "Unclear Bolt"]
    assert "Perhaps yes" in words_in(shown.partition("<template")[0])


def test_a_silent_policy_links_to_the_nearest_passages(answers: PreparedAnswers) -> None:
    shown = message(answers, "how long do they keep it?").partition("<template")[0]
    assert "Not stated" in shown
    assert "Nearest passages:" in shown
    assert 'data-proof="k-1"' in shown


def test_an_answer_from_hostile_words_holds_no_foreign_markup() -> None:
    evil = '<img src=x onerror=alert(1)> ${1} {{x}} "'
    entry = Entry("p", evil, "d", dt.date(2020, 1, 1), Status.ANSWERED, Verdict.YES, evil, (), 1.0)
    answer = Answer(evil, Status.ANSWERED, evil, entries=(entry,), warnings=(evil,))
    markup = answer_html(answer, "k", "")
    assert "<img" not in markup
    assert "${" not in markup
    assert "{{" not in markup
    assert evil in html.unescape(re.sub(r"<[^<>]*>", "", markup))


@pytest.mark.parametrize(
    ("question", "named", "again"),
    [
        ("does Amazon share my data?", "amazon", "does Free People share my data?"),
        ("do they share it?", None, "Free People: do they share it?"),
        ("do they share it?", "Amazon", "Free People: do they share it?"),
    ],
)
def test_a_choice_asks_the_question_again_about_the_chosen_company(
    question: str, named: str | None, again: str
) -> None:
    assert reask(question, Choice("Free People", "freepeople.com"), named) == again


def test_earlier_questions_are_the_users_texts_in_either_of_gradios_forms() -> None:
    history = [
        {"role": "user", "content": "does Free People sell my email?"},
        {"role": "assistant", "content": {"component": "html"}},
        {"role": "user", "content": [{"type": "text", "text": "do they rent it?"}]},
        {"role": "user", "content": [{"type": "file", "file": {"path": "x"}}]},
        {"role": "assistant", "content": [{"type": "text", "text": "No."}]},
    ]
    assert earlier_questions(history) == ("does Free People sell my email?", "do they rent it?")


def test_the_pages_head_fetches_nothing() -> None:
    assert not re.search(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}|@import|url\(", page_head())


def chatbot_of(page: Any) -> Any:
    return next(block for block in page.blocks.values() if type(block).__name__ == "Chatbot")


@pytest.fixture
def chatbot(app: FastAPI) -> Any:
    """The running page's conversation component."""
    mounted = next(route.app for route in app.routes if isinstance(route, Mount))
    return chatbot_of(mounted.get_blocks())


def test_what_people_type_is_shown_escaped_and_read_back_as_typed(chatbot: Any) -> None:
    typed = "<img src=x onerror=alert(1)> & &lt; **bold**"
    shown = chatbot.postprocess([{"role": "user", "content": typed}])
    assert "<" not in shown.root[0].content[0].text
    assert chatbot.preprocess(shown)[0]["content"][0]["text"] == typed


@pytest.mark.parametrize("name", ["image", "file", "gallery", "chatbot", "HTML", "dataframe"])
def test_a_browser_cannot_have_other_components_made(chatbot: Any, name: str) -> None:
    part = {
        "type": "component",
        "component": name,
        "value": "http://127.0.0.1:1/x",
        "constructor_args": {},
        "props": {},
    }
    sent = chatbot.data_model(root=[{"role": "assistant", "content": [part]}])
    assert chatbot.preprocess(sent)[0]["content"] == [{"type": "text", "text": ""}]


def test_an_answer_survives_its_way_through_the_browser(chatbot: Any) -> None:
    import gradio as gr

    shown = chatbot.postprocess(
        [{"role": "assistant", "content": gr.HTML("<p>1</p>"), "options": [{"label": "a", "value": "b"}]}]
    )
    again = chatbot.postprocess(chatbot.preprocess(shown))
    assert again.root[0].content[0].value == shown.root[0].content[0].value == "<p>1</p>"
