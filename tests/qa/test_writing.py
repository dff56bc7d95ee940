"""Writing: the direct answer first, then the policy's own words, and nothing that they do not say."""

from __future__ import annotations

import datetime as dt
import re
import time
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa.citing import cite
from qa.domain import (
    Candidate,
    Choice,
    Draft,
    IndexedPolicy,
    Passage,
    Policy,
    Reading,
    Route,
    Sentence,
    Span,
    Status,
    Verdict,
)
from qa.text import without_markup
from qa.writing import write, write_unrouted

SELL = "Acme will not rent or sell your e-mail address for any reason."
SHARE = "We may on occasion share a portion of our postal mailing list with others."
LEAD = "We do not:"
TEXT = f"""# Privacy

{SELL} {SHARE}

{LEAD}

  * sell your data to [brokers](https://brokers.example)
  * read your messages, or
  * We show advertisements of partners.

However, we keep **logs** for 30 days.
"""
ITEMS = ["sell your data to [brokers](https://brokers.example)", "read your messages, or"]
LOGS = "However, we keep **logs** for 30 days."


def made(
    evidence: list[str],
    verdict: Verdict | None = None,
    *,
    text: str = TEXT,
    query: str = "does it sell my data?",
    lead: str | None = None,
    led: tuple[str, ...] = (),
    status: Status = Status.ANSWERED,
    related: tuple[str, ...] = (),
    company: str = "Acme",
    leanings: tuple[Verdict | None, ...] = (),
) -> Reading:
    """What reading hands on: the named sentences of a policy, those in ``led`` under the lead-in ``lead``."""
    leading = Span(text.index(lead), text.index(lead) + len(lead)) if lead else None
    wanted = list(dict.fromkeys([*evidence, *related]))
    sentences = {
        one: Sentence(text.index(one), text.index(one) + len(one), leading if one in led else None) for one in wanted
    }
    ordered = sorted(sentences, key=lambda one: sentences[one].start)
    passage = Passage(0, 0, len(text), ("Privacy",), tuple(sentences[one] for one in ordered))
    policy = Policy("acme.example", dt.date(2014, 5, 30), company, text, url="https://acme.example/")
    source = IndexedPolicy(policy, (passage,), np.zeros((1, 2), np.float32), np.zeros((len(ordered), 2), np.float32))

    def candidates(chosen: list[str] | tuple[str, ...]) -> tuple[Candidate, ...]:
        # Every second index, so that no two sentences count as neighbours.
        return tuple(Candidate(2 * ordered.index(one), passage, sentences[one], 1.0) for one in chosen)

    return Reading(source, query, status, verdict, candidates(evidence), candidates(related), leanings=leanings)


def said(reading: Reading) -> str:
    """The text after citing, which must have left it as it was."""
    draft = write(reading)
    cited = cite(draft, reading.source)
    assert cited.rejected == ()
    assert cited.text == draft.text
    return cited.text


def test_no_comes_first_and_the_policys_modal_sentence_is_woven_in() -> None:
    assert said(made([SELL], Verdict.NO)) == (
        'No. Acme says it "will not rent or sell your e-mail address for any reason" [1].'
    )


def test_a_sentence_that_still_says_we_is_quoted_whole() -> None:
    assert said(made([SELL, SHARE], Verdict.CONDITIONAL)) == (
        'Only in some cases. Acme says it "will not rent or sell your e-mail address for any reason" [1]. '
        'But it also says: "We may on occasion share a portion of our postal mailing list with others" [2].'
    )


def test_an_open_question_gets_no_verdict() -> None:
    assert said(made([SHARE], query="with whom is the mailing list shared?")) == (
        'Acme says: "We may on occasion share a portion of our postal mailing list with others" [1].'
    )


def test_quotes_are_whole_sentences_at_their_place() -> None:
    draft = write(made([LOGS, SHARE], Verdict.YES))
    assert [(quote.n, quote.text) for quote in draft.quotes] == [(1, LOGS), (2, SHARE)]
    assert all(quote.near and quote.near.of(TEXT) == quote.text for quote in draft.quotes)


def test_a_list_item_is_never_shown_without_the_sentence_that_leads_it_in() -> None:
    text = said(made([ITEMS[0]], Verdict.NO, lead=LEAD, led=(ITEMS[0],)))
    assert text == 'No, it does not sell your data. Acme says: "We do not: sell your data to brokers" [1].'
    # The lead-in stands right before the item and is shorter: one contiguous quote proves both.
    (quote,) = write(made([ITEMS[0]], Verdict.NO, lead=LEAD, led=(ITEMS[0],))).quotes
    assert quote.text == f"{LEAD}\n\n  * {ITEMS[0]}"


def test_a_list_item_further_down_is_cited_first_and_its_lead_in_second() -> None:
    reading = made([ITEMS[1]], Verdict.NO, lead=LEAD, led=(ITEMS[1],))
    assert said(reading) == 'No, it does not sell your data. Acme says: "We do not: … read your messages" [1][2].'
    assert [quote.text for quote in write(reading).quotes] == [ITEMS[1], LEAD]


def test_items_of_one_list_share_one_sentence() -> None:
    text = said(made([LEAD, *ITEMS], Verdict.NO, lead=LEAD, led=tuple(ITEMS)))
    assert text.endswith('Acme says: "We do not: sell your data to brokers … read your messages" [1][2][3].')


def test_an_item_that_says_the_same_alone_leaves_out_a_harmless_lead_in() -> None:
    item = "We show advertisements of partners."
    harmless = TEXT.replace(LEAD, "Please note:")
    assert said(made([item], Verdict.YES, text=harmless, lead="Please note:", led=(item,))) == (
        'Yes, it sells your data. Acme says: "We show advertisements of partners" [1].'
    )
    # Under "We do not:" the same words need it.
    assert "We do not: … We show" in said(made([item], Verdict.YES, lead=LEAD, led=(item,)))


def test_linking_words_give_way_to_our_own() -> None:
    assert said(made([SELL, LOGS], Verdict.NO)).endswith('But it also says: "we keep logs for 30 days" [2].')


def test_at_most_three_claims_and_four_quotes() -> None:
    sentences = [f"We use cookie number {i} for a purpose." for i in range(6)]
    draft = write(made(sentences, Verdict.YES, text=" ".join(sentences)))
    assert len(draft.quotes) == 3
    assert len(re.findall(r"\]\.", draft.text)) == 3


def test_a_repeated_sentence_is_said_once() -> None:
    reading = made([SELL], Verdict.NO)
    twice = Reading(reading.source, "", Status.ANSWERED, Verdict.NO, reading.evidence * 2)
    assert len(write(twice).quotes) == 1


LONG = (
    "We will only share your personal information with companies that perform services for us, such as fulfilling "
    "orders, delivering packages, processing credit card payments, providing customer service, sending postal mail, "
    "removing repetitive information from lists, analyzing figures, unless you have asked us not to share it."
)


def test_a_long_sentence_is_shortened_but_keeps_what_limits_it() -> None:
    text = said(made([LONG], Verdict.CONDITIONAL, text=LONG))
    assert "companies that perform services for us" in text
    assert "…" in text
    assert text.endswith('unless you have asked us not to share it" [1].')
    # "We will only share …" is a second limit: neither is named as if it were the only one.
    assert text.startswith("Only in some cases. Acme says")
    assert len(text) < len(LONG)


def test_a_sentence_that_cannot_be_shortened_honestly_is_only_referred_to() -> None:
    endless = ", ".join(f"we do not give item {i} to anybody unless asked" for i in range(40)) + "."
    assert said(made([endless], Verdict.NO, text=endless)) == (
        "No. The policy's own words on this are too long to repeat here [1]."
    )


@pytest.mark.parametrize(
    ("query", "sentence", "fact"),
    [
        ("how long are logs kept?", "Server logs are kept for up to 30 days.", "Up to 30 days"),
        (
            "who do I email about this?",
            "Questions about this should go to privacy@acme.example.",
            "privacy@acme.example",
        ),
        ("what's their phone number", "You can call us at (555) 555-0100.", "(555) 555-0100"),
        ("how old do you have to be?", "Members must be at least 13 years old.", "At least 13 years old"),
        ("when was this last updated", "This page was last changed on May 4, 2019.", "May 4, 2019"),
        ("how often is it sent?", "The newsletter is sent once a month to members.", "Once a month"),
        ("privacy phone number", "Ask at a@acme.example or 1-555-555-0100.", "1-555-555-0100"),
        ("where can I opt out?", "To opt out, visit www.ads.example/choices.", "www.ads.example/choices"),
    ],
)
def test_the_fact_that_is_asked_for_comes_first(query: str, sentence: str, fact: str) -> None:
    assert said(made([sentence], text=sentence, query=query)).startswith(f"{fact} [1]. Acme says")


@pytest.mark.parametrize(
    ("query", "sentence", "fact"),
    [
        (
            "with whom do you share my data?",
            "When all is said and done, we share data of our visitors with our affiliates, Foo Inc and banks.",
            None,
        ),
        (
            "with whom do you share my data?",
            "In the course of business we share data of our visitors with our affiliates and Foo Inc.",
            'With "our affiliates and Foo Inc"',
        ),
        (
            "who do you share it with?",
            "In the course of business we may share data of visitors with other shops to ship your order.",
            'Possibly with "other shops"',
        ),
        (
            "who sees my data?",
            "We disclose it only to our staff in the central office in Springfield.",
            None,
        ),
        ("who do you share it with?", "We never share the data of our visitors with our affiliates.", None),
        ("who do you share it with?", "We share names with our shops, and we share orders with our banks.", None),
        ("who runs this?", "This web site of many colours is owned and operated by Foo Inc.", 'By "Foo Inc"'),
        (
            "where is my data stored?",
            "Whatever we learn of you is stored on machines located in the United States.",
            'In "the United States"',
        ),
        ("where is my data stored?", "Whatever we learn is not stored on servers in the United States.", None),
        ("where is my data stored?", "Our servers were all bought in May and stored in Summer.", None),
        (
            "how long do you keep it?",
            "We keep whatever you have told us until you delete your account.",
            'Until "you delete your account"',
        ),
        (
            "how long do you keep it?",
            "The whole record of a donation is held for 10 years from the last payment.",
            'For "10 years from the last payment"',
        ),
        ("how long do you keep it?", "We do not keep whatever you have told us until you delete it.", None),
        ("how long do you keep it?", "We keep it as long as your account is active.", None),  # says it all
        (
            "how do I opt out?",
            "If you want to leave, you can opt out of all our mailings by clicking on the link in any of them.",
            'By "clicking on the link in any of them"',
        ),
        (
            "how do I opt out?",
            "If you live in Ohio, you can opt out of all our mailings by clicking on the link in any of them.",
            None,
        ),
        ("how do I opt out?", "You cannot opt out of mailings about your orders by sending us an e-mail.", None),
        (
            "who do I tell about errors?",
            "If you think that any of your data is wrong, please contact our support team.",
            'You can "contact our support team"',
        ),
        ("who do I tell?", "If you think that any of your data is wrong, please write by mail to:", None),
        (
            "what information do you collect?",
            "On every visit some data of yours is taken, such as your name, your age and your city.",
            'Such as "your name, your age and your city"',
        ),
        ("what information do you collect?", "We take some data of yours, but not such as your name or age.", None),
        ("what do you use my data for?", "All of these data are used to ship your order.", 'To "ship your order"'),
        ("what do you use my data for?", "These data are used for billing in our shops and to ship orders.", None),
        ("why do you want my data?", "You may choose to provide your name, and your age, to us.", None),
        (
            "when do you delete my data?",
            "The records about you and your orders are deleted once the order is paid.",
            'Once "the order is paid"',
        ),
        (
            "which law do you follow?",
            "We at Acme keep to what is laid down in the Texas Public Information Act of 1973 for that.",
            '"the Texas Public Information Act of 1973"',
        ),
        (
            "what is your postal address?",
            "Letters reach us at 12 Main Street, Springfield, VA 22314.",
            '"12 Main Street, Springfield, VA 22314"',
        ),
    ],
)
def test_the_words_that_answer_come_first_where_nothing_else_bears_on_them(
    query: str, sentence: str, fact: str | None
) -> None:
    text = said(made([sentence], text=sentence, query=query))
    assert text.startswith(f"{fact} [1]. Acme says" if fact else "Acme says")
    assert text.count("[1].") == (2 if fact else 1)


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("how long are logs kept?", "Logs are kept for 30 days and backups for two years."),
        ("how long are logs kept?", "Logs are kept for 30 days unless the law requires more."),
        ("how long are logs kept?", "Logs are not kept after 30 days."),
        ("what do you log?", "Server logs are kept for up to 30 days."),
        ("who do I email?", "Write to a@acme.example or b@acme.example."),
    ],
)
def test_no_fact_is_named_that_could_be_the_wrong_one(query: str, sentence: str) -> None:
    assert said(made([sentence], text=sentence, query=query)).startswith("Acme says")


def test_a_value_under_a_lead_in_that_denies_it_is_no_fact() -> None:
    text = "We never keep these:\n\n* logs, kept for 30 days"
    reading = made(
        ["logs, kept for 30 days"],
        text=text,
        query="how long are logs kept?",
        lead="We never keep these:",
        led=("logs, kept for 30 days",),
    )
    assert said(reading).startswith("Acme says")


def test_names_and_addresses_in_a_row_are_listed_in_one_sentence() -> None:
    text = "Acme, Inc\n\n12 Main Street\n\nSpringfield 12345"
    assert said(made(["Acme, Inc", "12 Main Street", "Springfield 12345"], text=text, query="office")) == (
        'The policy lists: "Acme, Inc" [1], "12 Main Street" [2], "Springfield 12345" [3].'
    )


def test_a_bare_address_is_listed_rather_than_said() -> None:
    text = "Write to us:\n\nAcme, 12 Main Street, Springfield"
    assert said(made(["Acme, 12 Main Street, Springfield"], text=text, query="address")) == (
        'The policy lists: "Acme, 12 Main Street, Springfield" [1].'
    )


def test_a_footnote_mark_and_quotation_marks_of_the_policy_do_not_break_the_text() -> None:
    sentence = 'We call this "personal data" [1] and never sell it.'
    assert said(made([sentence], Verdict.NO, text=sentence)) == (
        "No, it does not sell your data. Acme says: \"We call this 'personal data' (1) and never sell it\" [1]."
    )


@pytest.mark.parametrize("verdict", [None, Verdict.YES, Verdict.CONDITIONAL])
def test_hostile_sentences_and_questions_take_no_time(verdict: Verdict | None) -> None:
    hostile = ["we share with our " * 1100, "by clicking " * 1700, "such as, " * 2200, "1 " * 10_000, "if (" * 5000]
    started = time.perf_counter()
    for sentence in hostile:
        for query in ["how do I opt out, with whom, what data, why " * 400, "where is " * 2000, "how i " * 3000]:
            draft = write(made([sentence], verdict, text=sentence, query=query))
            assert len(draft.text) < 1200
    assert time.perf_counter() - started < 15  # seconds, on a busy machine; it takes two


# -- the direct answer -------------------------------------------------------------------------------------------------

PLAIN = "Our books are open to all."


@pytest.mark.parametrize(
    ("query", "verdict", "direct"),
    [
        ("does sell my data", Verdict.NO, "No, it does not sell your data."),
        ("do you ever sell my data to anyone?", Verdict.NO, "No, it does not sell your data to anyone."),
        ("do you share my address with partners", Verdict.YES, "Yes, it shares your address with partners."),
        ("do you share data without asking me?", Verdict.NO, "No, it does not share data without asking you."),
        ("will you sell it?", Verdict.NO, "No."),
        ("will they sell my address", Verdict.NO, "No, it will not sell your address."),
        ("are you going to sell my address", Verdict.YES, "Yes, it will sell your address."),
        ("can I delete my account?", Verdict.YES, "Yes, you can delete your account."),
        ("can I opt out?", Verdict.NO, "No, you cannot opt out."),
        ("do I have to register to read?", Verdict.NO, "No, you do not have to register to read."),
        ("must I give my name?", Verdict.NO, "No, you do not have to give your name."),
        ("must you tell me?", Verdict.NO, "No, it does not have to tell you."),
        ("are my passwords encrypted", Verdict.NO, "No, your passwords are not encrypted."),
        ("is my data sold?", Verdict.YES, "Yes, your data is sold."),
        # what the question means is no longer what the statement would say
        ("do you share any data with anyone?", Verdict.YES, "Yes."),
        ("is any of my data sold?", Verdict.NO, "No."),
        ("is all my data encrypted?", Verdict.NO, "No."),
        ("do you share some of my data?", Verdict.NO, "No."),
        ("do you share my name and address?", Verdict.NO, "No."),
        ("do you always delete my data?", Verdict.NO, "No."),
        ("do you only use my data for orders?", Verdict.NO, "No."),
        ("do you use my data only for orders?", Verdict.NO, "No."),
        ("do you sell my data or not?", Verdict.NO, "No."),
        ("may I read my data?", Verdict.NO, "No."),  # "you may not" would forbid
        ("should I delete my account?", Verdict.YES, "Yes."),
        ("might you sell my data?", Verdict.NO, "No."),
        ("do you not sell my data?", Verdict.NO, "No."),
        ("don't you sell my data?", Verdict.NO, "No."),
        ("do you sell my dta?", Verdict.NO, "No."),
        ("do you sell [1] my data", Verdict.NO, "No."),
        ("why do you sell my data?", Verdict.YES, "Yes."),
        ("do you sell my data?", Verdict.CONDITIONAL, "Only in some cases."),
    ],
)
def test_the_direct_answer_is_in_the_questions_terms_where_that_is_safe(
    query: str, verdict: Verdict, direct: str
) -> None:
    text = said(made([PLAIN], verdict, text=PLAIN, query=query))
    assert text == f'{direct} Acme says: "Our books are open to all" [1].'


@pytest.mark.parametrize(
    ("query", "sentence", "direct"),
    [
        ("do you share my data?", "We may share our lists.", "Yes, it may share your data."),
        ("will you share my data?", "Our lists might be shared.", "Yes, it may share your data."),
        ("is my data shared?", "Our lists could be shared.", "Yes, your data may be shared."),
        ("do you share my data?", "Our lists go to firms who may use them.", "Yes, it shares your data."),
        ("can I delete my data?", "Our users may delete it.", "Yes, you can delete your data."),
    ],
)
def test_a_policy_that_says_may_is_not_made_to_say_does(query: str, sentence: str, direct: str) -> None:
    assert said(made([sentence], Verdict.YES, text=sentence, query=query)).startswith(f"{direct} Acme says")


def test_a_woven_quote_in_the_questions_own_words_is_not_said_twice() -> None:
    query = "does sell my email address?"
    assert said(made([SELL], Verdict.NO, query=query)).startswith('No. Acme says it "will not rent or sell')
    other = said(made([SELL], Verdict.NO, query="do you sell my phone number?"))
    assert other.startswith('No, it does not sell your phone number. Acme says it "will not rent or sell')


@pytest.mark.parametrize(
    ("sentence", "direct"),
    [
        (
            "Data of visitors goes to the other shops of ours, unless you ask us to stop.",
            'The exception: "unless you ask us to stop" [1]. ',
        ),
        (
            "Data of visitors never goes to the other shops of ours except as required by law.",
            'The exception: "except as required by law" [1]. ',
        ),
        (
            "Data of visitors goes to the other shops of our group if you have agreed to that.",
            'The condition: "if you have agreed to that" [1]. ',
        ),
        (
            "Data of visitors goes to the other shops of our group, as it is, only with your consent.",
            'The condition: "only with your consent" [1]. ',
        ),
        ("Data of visitors does not go to other shops of our group if you have objected to that.", ""),
        ("Unless you object, data of visitors goes to other shops of our group if you are a member.", ""),
        ("Unless you object, data of visitors goes to other shops of our group.", ""),  # the quote begins with it
        ("We ask if you agree.", ""),  # no more than the sentence itself
        ("Data of visitors goes to the other shops of our group unless you object (which", ""),
        ("Data of visitors goes to the other shops of our group even if you have objected.", ""),
    ],
)
def test_the_only_condition_or_exception_of_a_sentence_is_named_first(sentence: str, direct: str) -> None:
    text = said(made([sentence], Verdict.CONDITIONAL, text=sentence, query="do you share it?"))
    assert text.startswith(f"Only in some cases. {direct}Acme says")


def test_the_condition_that_the_question_makes_is_not_given_back_as_the_answer() -> None:
    sentence = "All of the games that we offer to you will work if you block cookies."
    text = said(made([sentence], Verdict.CONDITIONAL, text=sentence, query="do games work if I block cookies?"))
    assert text.startswith("Only in some cases. Acme says")


# -- contradictions ----------------------------------------------------------------------------------------------------

SELLS, KEEPS, MORE = "Our lists are sold to shops.", "We never sell our lists.", "Lists are long."
BOTH = f"{SELLS} {MORE} {KEEPS}"


@pytest.mark.parametrize(
    ("verdict", "start"),
    [
        (
            Verdict.NO,
            'No, although Acme says both "We never sell our lists" [1] and "Our lists are sold to shops" [2].',
        ),
        (
            Verdict.YES,
            'Yes, although Acme says both "Our lists are sold to shops" [1] and "We never sell our lists" [2].',
        ),
        (
            Verdict.CONDITIONAL,
            'Only in some cases: Acme says both "Our lists are sold to shops" [1] and "We never sell our lists" [2].',
        ),
    ],
)
def test_a_policy_that_says_both_is_shown_to_say_both(verdict: Verdict, start: str) -> None:
    leanings = (Verdict.YES, None, Verdict.NO)
    text = said(made([SELLS, MORE, KEEPS], verdict, text=BOTH, query="do you sell lists?", leanings=leanings))
    assert text == f'{start} It adds: "Lists are long" [3].'


@pytest.mark.parametrize(
    "leanings",
    [(), (Verdict.YES,), (Verdict.YES, None), (Verdict.YES, Verdict.CONDITIONAL), (Verdict.NO, Verdict.NO)],
)
def test_sentences_that_do_not_plainly_disagree_are_told_one_by_one(leanings: tuple[Verdict | None, ...]) -> None:
    text = said(made([SELLS, KEEPS], Verdict.YES, text=BOTH, query="selling", leanings=leanings))
    assert text == 'Yes. Acme says: "Our lists are sold to shops" [1]. It also says: "We never sell our lists" [2].'


def test_an_open_question_is_not_answered_with_a_contradiction() -> None:
    reading = made([SELLS, KEEPS], text=BOTH, query="lists", leanings=(Verdict.YES, Verdict.NO))
    assert said(reading).startswith('Acme says: "Our lists are sold to shops" [1].')


# -- silence, and questions that no policy answers ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "indirect"),
    [
        ("how long does keep my data?", "how long it keeps your data"),
        ("Do you sell my data to advertisers?", "whether it sells your data to advertisers"),
        ("does share my e-mail address", "whether it shares your e-mail address"),
        ("and can I delete my account?", "whether you can delete your account"),
        ("how do i delete my account", "how you can delete your account"),
        ("will they ever rent it?", "whether it will ever rent it"),
        ("Are my passwords encrypted?", "whether your passwords are encrypted"),
        ("where do you store my data", "where it stores your data"),
        ("do you share my name and address", "whether it shares your name and address"),
        ("can i see what you have on me", "whether you can see what it has on you"),
    ],
)
def test_silence_repeats_the_question_in_indirect_form(query: str, indirect: str) -> None:
    draft = write(made([], status=Status.NOT_STATED, query=query))
    assert draft == Draft(f"The Acme policy (30 May 2014) does not say {indirect}.")


@pytest.mark.parametrize(
    "query",
    [
        "",
        "data retention",
        "do u sel my dta",
        "does email get read by staff",
        "is my info deleted at",
        "can I have erase everything",
        "do they sell data of people they met",
        "do you sell or rent my data",
        "does sell <b>my</b> data",
        "does sell [1] my data",
        "do you sell my data\u202e\x1b[31m; no",
        "do you sell " + "my data " * 30,
    ],
)
def test_a_question_that_cannot_safely_be_turned_around_is_not_repeated(query: str) -> None:
    draft = write(made([], status=Status.NOT_STATED, query=query))
    assert draft.text == "The Acme policy (30 May 2014) does not answer this."


def test_silence_cites_nothing_and_offers_the_nearest_passages() -> None:
    reading = made([], status=Status.NOT_STATED, query="retention", related=(SHARE, SELL))
    draft = write(reading)
    assert draft.quotes == ()
    assert [quote.text for quote in draft.related] == [SHARE, SELL]
    assert draft.text.endswith("The closest passages are listed below.")
    assert not re.match(r"(?:no|yes)\b", draft.text, re.IGNORECASE)
    assert [one.quote for one in cite(draft, reading.source).related] == [SHARE, SELL]


def test_out_of_scope_says_what_can_be_asked() -> None:
    draft = write(made([], status=Status.OUT_OF_SCOPE))
    assert draft.text.startswith("I can only answer questions about privacy policies, for example what Acme collects")
    assert draft.quotes == ()


def test_an_answer_without_evidence_is_a_bug() -> None:
    with pytest.raises(ValueError, match="evidence"):
        write(made([], Verdict.YES))
    with pytest.raises(ValueError, match="needs_company"):
        write(made([], status=Status.NEEDS_COMPANY))


def test_an_unknown_company_is_named_with_the_nearest_that_are_known() -> None:
    route = Route((), "q", status=Status.UNKNOWN_COMPANY, named="Amazon", choices=(Choice("Amazing Co", "a.example"),))
    assert write_unrouted(route) == "I have no policy of Amazon. The nearest I have: Amazing Co."
    assert write_unrouted(Route((), "q", status=Status.UNKNOWN_COMPANY)) == "I have no policy of that company."


def test_a_missing_company_is_asked_for_with_some_choices() -> None:
    choices = tuple(Choice(f"Company {i}", f"c{i}.example") for i in range(8))
    assert write_unrouted(Route((), "q", status=Status.NEEDS_COMPANY, choices=choices)) == (
        "Which company do you mean? For example: Company 0, Company 1, Company 2, Company 3, Company 4 and 3 more."
    )
    with pytest.raises(ValueError, match="chosen"):
        write_unrouted(Route(("a@b",), "q"))


def test_a_name_that_others_chose_brings_no_markup_and_no_line_break() -> None:
    named = "Evil\n\u202e<img src=x onerror=alert(1)> **[1](javascript:x)** \x1b[31m" + "A" * 200
    text = write_unrouted(Route((), "q", status=Status.UNKNOWN_COMPANY, named=named))
    name = text.removeprefix("I have no policy of ").removesuffix(".")
    assert len(name) <= 60
    assert not set(name) & set("<>[]*`\n\x1b\u202e")
    assert "[1]" not in said(made([SELL], Verdict.NO, company="[1] Evil")).split('"')[0]


def test_the_bundled_sample_gets_the_answer_of_the_readme(samples: Path) -> None:
    text = (samples / "freepeople.com__2006-12-05.md").read_text(encoding="utf-8")
    sentence = "Free People will not rent or sell your e-mail address for any reason."
    assert said(made([sentence], Verdict.NO, text=text, company="Free People")) == (
        'No. Free People says it "will not rent or sell your e-mail address for any reason" [1].'
    )


# -- properties --------------------------------------------------------------------------------------------------------

word = st.sampled_from(
    "We Acme will may not share (your data) with other by clicking such as until to process in France "
    'unless only, such as; “you” agree: [2] *bold* [a](b) However, "x" and 1999 '
    "a@b.example 30 days &amp; or \u202e".split(" ")
)
OPEN = [
    "with whom do you share my data", "how do I opt out", "what information do you collect", "why do you use it",
    "how long do you keep it", "where is it stored", "when do you delete it", "who runs this", "do you share my data",
]  # fmt: skip
sentences = st.lists(word, min_size=2, max_size=90).map(" ".join)


@settings(deadline=None)  # the machine may be busy
@given(
    st.lists(sentences, min_size=1, max_size=5, unique=True),
    st.sampled_from([None, *Verdict]),
    st.text(max_size=80) | st.sampled_from(OPEN),
    st.booleans(),
    st.lists(st.sampled_from([None, *Verdict]), max_size=5).map(tuple),
)
def test_whatever_stands_between_quotation_marks_stands_in_the_policy(
    evidence: list[str], verdict: Verdict | None, query: str, listed: bool, leanings: tuple[Verdict | None, ...]
) -> None:
    lead = "We never do this:"
    text = lead + "\n\n" + "\n\n".join(f"* {one}" for one in evidence)
    led = tuple(evidence) if listed else ()
    draft = write(made(evidence, verdict, text=text, query=query, lead=lead, led=led, leanings=leanings))
    assert len(draft.quotes) <= 4
    assert not any(unicodedata.category(char)[0] == "C" for char in draft.text)

    def comparable(shown: str) -> str:
        return "".join(re.sub(r"[\"“”'()\[\]\u202e]", "", shown).split())

    policy = comparable(without_markup(text))
    for quoted in re.findall(r'"([^"]*)"', draft.text):
        for piece in quoted.split("…"):
            assert comparable(piece) in policy
    cited = cite(draft, made(evidence, text=text, lead=lead, led=led).source)
    assert cited.rejected == ()
    numbers = {int(n) for n in re.findall(r"\[([0-9]+)\]", cited.text)}
    assert numbers == set(range(1, len(cited.citations) + 1))


@settings(deadline=None)  # the machine may be busy
@given(st.text(max_size=200), st.text(max_size=100))
def test_silence_never_says_no_and_never_repeats_control_characters(query: str, company: str) -> None:
    text = write(made([], status=Status.NOT_STATED, query=query, company=company)).text
    assert not any(unicodedata.category(char)[0] == "C" for char in text)
    assert " does not " in text
    assert len(text) < 400


def test_a_no_that_is_only_concluded_is_not_put_into_the_companys_mouth() -> None:
    asked = "You will receive e-mails only if you have asked for them."
    query = "will you send me marketing emails?"
    assert said(made([asked], Verdict.NO, text=asked, query=query)).startswith("No. Acme says: ")
    plain = "We never send e-mails with advertising to our customers."
    assert said(made([plain], Verdict.NO, text=plain, query=query)).startswith(
        "No, it will not send you marketing emails."
    )
