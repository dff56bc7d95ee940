from __future__ import annotations

import datetime as dt
import html
import re
from dataclasses import replace

import pytest

from qa.domain import Answer, Citation, IndexedPolicy, Policy, Question, Status
from qa.errors import UnknownScope
from tests.ui.fakes import SHARED, PreparedAnswers, cite, index_text
from ui.panels import empty_panel, proof_panel, whole_policy
from ui.render import Highlight


def text_of(markup: str) -> str:
    return html.unescape(re.sub(r"<[^<>]*>", "", markup))


def answered(*citations: Citation) -> Answer:
    return Answer("?", Status.ANSWERED, "So it is [1].", citations=citations)


@pytest.fixture
def perricone(answers: PreparedAnswers) -> IndexedPolicy:
    return answers.policy("perriconemd.com")


def test_a_citation_is_highlighted_in_its_section_with_company_date_and_link(
    answers: PreparedAnswers, perricone: IndexedPolicy
) -> None:
    panel = proof_panel(answered(cite(perricone, SHARED)), answers.policy, "k")
    assert re.search(r'<mark data-cites="1" id="k-1"[^>]*>We will only share', panel)
    # The sentence behind the quote is the policy's, shown unmarked.
    assert "Such companies may have access to your personal information" in text_of(panel)
    for shown in ("Perricone MD", "How We Use Your Personal Information", "6 March 2011"):
        assert shown in text_of(panel)
    link = re.search(r'<a class="fp-source" href="([^"]*)" target="_blank" rel="noopener noreferrer">', panel)
    assert link
    assert html.unescape(link[1]) == cite(perricone, SHARED).url


def test_two_citations_of_one_section_share_a_card(answers: PreparedAnswers, perricone: IndexedPolicy) -> None:
    one, two = cite(perricone, SHARED), cite(perricone, "Such companies may have access", 2)
    panel = proof_panel(answered(one, two), answers.policy, "k")
    assert panel.count("<article") == 1
    assert 'id="k-1"' in panel
    assert 'id="k-2"' in panel


def test_cards_follow_the_numbers_of_the_citations(answers: PreparedAnswers, perricone: IndexedPolicy) -> None:
    first = cite(answers.policy("freepeople.com"), "Free People will not rent or sell", 2)
    panel = proof_panel(answered(cite(perricone, SHARED, 1), first), answers.policy, "k")
    assert panel.index('id="k-1"') < panel.index('id="k-2"')


def test_of_a_policy_that_is_gone_or_was_replaced_the_quote_stands_alone(
    answers: PreparedAnswers, perricone: IndexedPolicy
) -> None:
    citation = cite(perricone, SHARED)

    def gone(_: str) -> IndexedPolicy:
        raise UnknownScope("gone")

    changed = index_text(replace(perricone.policy, text="x" + perricone.policy.text))
    for read in (gone, lambda _: changed):
        panel = proof_panel(answered(citation), read, "k")
        assert text_of(panel).count(citation.quote) == 1
        assert 'id="k-1"' in panel


def test_a_silent_policy_offers_the_nearest_passages_as_such(answers: PreparedAnswers) -> None:
    panel = proof_panel(answers.ask(Question("how long is it kept?", scope="freepeople.com")), answers.policy, "k")
    assert "Nearest passages" in panel
    assert "do not answer the question" in panel
    assert '<mark data-cites="1"' in panel


def test_without_citations_the_panel_says_so(answers: PreparedAnswers) -> None:
    assert "Nothing is cited" in proof_panel(Answer("?", Status.OUT_OF_SCOPE, "No."), answers.policy, "k")
    assert "<mark" not in empty_panel()


def test_a_whole_policy_shows_its_citations_outline_date_and_link(perricone: IndexedPolicy) -> None:
    citation = cite(perricone, SHARED)
    panel = whole_policy(perricone, [Highlight(1, citation.start, citation.end)], "k")
    assert re.search(r'<mark data-cites="1" id="k-1"[^>]*>We will only share', panel)
    assert "Perricone MD as of 6 March 2011" in text_of(panel)
    assert 'href="https://web.archive.org/' in panel
    sections = re.findall(r'<li class="fp-depth-\d"><a href="#(k-at-\d+)">([^<]*)</a>', panel)
    assert "Children Under 13" in [words for _, words in sections]
    assert all(panel.count(f'id="{target}"') == 1 for target, _ in sections)


@pytest.mark.parametrize("url", [None, "javascript:alert(1)", "data:text/html,x", "//evil.example"])
def test_a_source_that_is_no_web_address_is_no_link(perricone: IndexedPolicy, url: str | None) -> None:
    source = replace(perricone, policy=replace(perricone.policy, url=url))
    assert "fp-source" not in whole_policy(source, [], "k")


def test_nothing_in_a_hostile_policy_becomes_markup_or_a_link() -> None:
    evil = '<img src=x onerror=alert(1)><script>"${document.cookie}"</script> {{constructor}} [a](javascript:alert(1))'
    policy = Policy(
        "evil.example",
        dt.date(2020, 1, 2),
        '<b onclick="x">Evil</b>',
        f"# {evil}\nWe sell {evil} to all.",
        url="javascript:alert(1)",
    )
    source = index_text(policy)
    citation = replace(cite(source, "We sell"), url="javascript:alert(1)", section=evil)
    panel = proof_panel(answered(citation), lambda _: source, "k")
    for markup in (panel, whole_policy(source, [Highlight(1, citation.start, citation.end)], "k")):
        assert not re.search(r"<(?:img|script|b onclick)", markup)
        assert 'href="javascript' not in markup.casefold()
        assert "${" not in markup
        assert "{{" not in markup
        assert evil in text_of(markup)
