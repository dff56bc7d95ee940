"""Questions about versions, through the whole of qa: routed, answered from every version, quoted."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from qa.domain import Answer, ChangeKind, Question, Status, Verdict
from qa.encoders import HashingEncoder
from qa.errors import UnknownScope, UsageError
from qa.library import Library, Manifest
from qa.lookback import Topic
from qa.service import PolicyQA
from qa.settings import Settings
from tests.qa.making import indexed

ENCODER = HashingEncoder()
MANIFEST = Manifest(ENCODER.name, ENCODER.fingerprint, ENCODER.dimension, "test")
OLD, MIDDLE, NEW = dt.date(2008, 1, 1), dt.date(2011, 3, 6), dt.date(2015, 6, 1)
ACME = (
    indexed("We sell your data.", "We use cookies on our site.", "Write to us by fax.", archived_on=OLD),
    indexed("We do not sell your data.", "We use cookies on our site.", "Robots read letters.", archived_on=MIDDLE),
    indexed(
        "We do not sell your data.",
        "We use cookies on our site.",
        "We collect your location for maps.",
        archived_on=NEW,
    ),
)
BOLT = indexed("Bolt sells your data to other companies.", domain="bolt.com", company="Bolt")
TEXTS = {source.policy.id: source.policy.text for source in (*ACME, BOLT)}
OLDEST, BETWEEN, NEWEST = (source.policy.id for source in ACME)


@pytest.fixture(scope="module")
def qa(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PolicyQA]:
    folder = tmp_path_factory.mktemp("lookback")
    settings = Settings(index=Path(folder) / "index", cache=Path(folder) / "cache")
    with Library.open_for_writing(settings.index, MANIFEST) as library:
        for source in (*ACME, BOLT):
            library.put(source)
    with PolicyQA.open(settings, encoder=ENCODER) as opened:
        yield opened


def ask(qa: PolicyQA, text: str, *history: str, as_of: dt.date | None = None) -> Answer:
    answer = qa.ask(Question(text, history=history, as_of=as_of))
    cited = {citation.n for citation in answer.citations}
    for citation in (*answer.citations, *answer.related):
        assert TEXTS[citation.policy_id][citation.start : citation.end] == citation.quote
    for n in cited:
        assert f"[{n}]" in answer.text
    return answer


def test_what_changed_about_a_topic_is_quoted_from_both_versions(qa: PolicyQA) -> None:
    answer = ask(qa, "what changed about selling at Acme?")
    assert answer.status is Status.ANSWERED
    assert answer.policies == (OLDEST, NEWEST)
    assert [c.quote for c in answer.citations] == ["We sell your data.", "We do not sell your data."]
    assert "1 January 2008 and 1 June 2015" in answer.text
    assert "There is 1 indexed version in between." in answer.text
    (change,) = answer.changes
    assert change.kind is ChangeKind.REWORDED
    assert (change.before, change.after) == answer.citations


def test_what_looks_like_a_marker_in_a_topic_is_none_in_the_answer(qa: PolicyQA) -> None:
    answer = ask(qa, "what changed about selling [9] at Acme?")
    assert "about selling (9)" in answer.text


def test_whether_it_changed_is_yes_or_no_with_the_proof(qa: PolicyQA) -> None:
    assert ask(qa, "did Acme change its policy on selling?").verdict is Verdict.YES
    same = ask(qa, "did Acme change its policy on cookies?")
    assert same.verdict is Verdict.NO
    assert [c.policy_id for c in same.citations] == [OLDEST, NEWEST]
    assert {c.quote for c in same.citations} == {"We use cookies on our site."}


def test_the_years_named_choose_the_versions(qa: PolicyQA) -> None:
    answer = ask(qa, "what changed about selling at Acme between 2011 and 2015?")
    assert answer.policies == (BETWEEN, NEWEST)
    assert "the same, word for word" in answer.text
    assert "No version in between is indexed." in answer.text


def test_of_a_topic_that_no_version_has_nothing_is_said(qa: PolicyQA) -> None:
    answer = ask(qa, "did Acme change its policy on children?")
    assert answer.status is Status.NOT_STATED
    assert answer.verdict is None
    assert answer.citations == ()


def test_no_change_is_claimed_only_from_sentences_that_are_plainly_about_it(tmp_path: Path) -> None:
    settings = Settings(index=tmp_path / "index", cache=tmp_path / "cache")
    with Library.open_for_writing(settings.index, MANIFEST) as library:
        for day, address in ((OLD, "privacy@acme.com"), (NEW, "office@acme.com")):
            library.put(indexed("Contact us by email any time.", f"E: {address}", archived_on=day))
    with PolicyQA.open(settings, encoder=ENCODER) as opened:
        assert opened.ask(Question("did Acme change its contact email?")).verdict is Verdict.NO
        unclear = opened.ask(Question("did Acme change its data protection contact email?"))
    assert (unclear.status, unclear.verdict) == (Status.NOT_STATED, None)


def test_headings_are_quoted_only_where_no_sentence_changed(tmp_path: Path) -> None:
    settings = Settings(index=tmp_path / "index", cache=tmp_path / "cache")
    added = [f"We share data number {n} with partner number {n}." for n in range(4)]
    with Library.open_for_writing(settings.index, MANIFEST) as library:
        library.put(indexed("Trees grow on hills.", archived_on=OLD))
        library.put(indexed("Trees grow on hills.", "Sharing", "We share with:", *added, archived_on=NEW))
        library.put(indexed("Bolts are small things.", domain="bolt.com", company="Bolt", archived_on=OLD))
        library.put(
            indexed("Bolts are small things.", "Sharing data", domain="bolt.com", company="Bolt", archived_on=NEW)
        )
    with PolicyQA.open(settings, encoder=ENCODER) as opened:
        several = opened.ask(Question("what changed about sharing at Acme?"))
        only = opened.ask(Question("what changed about sharing at Bolt?"))
    assert {citation.quote for citation in several.citations} == set(added)
    assert [citation.quote for citation in only.citations] == ["Sharing data"]


def test_has_it_always_been_so_is_no_where_a_version_said_otherwise(qa: PolicyQA) -> None:
    answer = ask(qa, "has it always been so?", "does Acme sell my data?")
    assert answer.verdict is Verdict.NO
    assert [entry.policy_id for entry in answer.versions] == [OLDEST, BETWEEN, NEWEST]
    assert answer.versions[0].verdict is not answer.versions[2].verdict


def test_has_it_always_been_so_is_yes_only_where_every_version_says_the_same(qa: PolicyQA) -> None:
    answer = ask(qa, "has it always been so?", "does Acme use cookies?")
    assert answer.verdict is Verdict.YES
    assert {c.policy_id for c in answer.citations} == {OLDEST, BETWEEN, NEWEST}


def test_silence_in_a_version_is_neither_yes_nor_no(qa: PolicyQA) -> None:
    answer = ask(qa, "has Acme always mentioned location?")
    assert answer.verdict is None
    assert "did not say" in answer.text
    assert answer.versions[0].status is Status.NOT_STATED


def test_since_when_is_a_stretch_between_two_versions(qa: PolicyQA) -> None:
    answer = ask(qa, "when did Acme start to mention location?")
    assert answer.text.startswith("Between 6 March 2011 and 1 June 2015:")
    assert "No version in between is indexed." in answer.text
    assert answer.citations[0].quote == "We collect your location for maps."


def test_what_the_oldest_version_says_already_was_so_at_the_latest_then(qa: PolicyQA) -> None:
    assert ask(qa, "since when does Acme mention cookies?").text.startswith("At the latest since 1 January 2008")


def test_is_that_new_names_the_first_version_that_says_it(qa: PolicyQA) -> None:
    answer = ask(qa, "is that new?", "does Acme mention location?")
    assert answer.verdict is Verdict.YES
    assert "archived on 1 June 2015 is the first indexed" in answer.text


def test_what_they_used_to_do_is_said_with_what_they_do_now(qa: PolicyQA) -> None:
    answer = ask(qa, "did Acme use to mention faxes?")
    assert answer.verdict is Verdict.YES
    assert answer.citations[0].quote == "Write to us by fax."
    assert "the newest, of 1 June 2015, does not say" in answer.text


def test_a_topic_alone_asks_on(qa: PolicyQA) -> None:
    answer = ask(qa, "and about cookies?", "what changed about selling at Acme?")
    assert "about cookies" in answer.text
    assert answer.policies == (OLDEST, NEWEST)


def test_one_version_alone_says_so_and_never_pretends(qa: PolicyQA) -> None:
    for question, history in (("what changed at Bolt?", ()), ("has it always been so?", ("does Bolt sell my data?",))):
        answer = ask(qa, question, *history)
        assert answer.status is Status.NOT_STATED
        assert "of Bolt's policy there is only one version to look at" in answer.text
        assert answer.verdict is None


def test_what_a_policy_said_in_a_year_needs_no_second_version(qa: PolicyQA) -> None:
    answer = ask(qa, "what did Bolt's policy say in 2011 about selling?")
    assert answer.status is Status.ANSWERED
    assert "The one version of Bolt's policy, archived on" in answer.text
    assert answer.citations
    assert "[1]" in answer.text


def test_a_policy_of_the_reader_s_own_has_one_version(qa: PolicyQA) -> None:
    own = indexed("We sell your data.", domain="own.example", company="Mine", archived_on=NEW)
    answer = qa.ask_in(Question("have you always sold my data?"), own)
    assert answer.status is Status.NOT_STATED
    assert "of Mine's policy there is only one version to look at" in answer.text


def test_it_is_so_since_the_last_time_that_a_version_said_otherwise(tmp_path: Path) -> None:
    settings = Settings(index=tmp_path / "index", cache=tmp_path / "cache")
    lines = ("We share your location.", "We do not share your location.", "We share your location.")
    with Library.open_for_writing(settings.index, MANIFEST) as library:
        for day, line in zip((OLD, MIDDLE, NEW), lines, strict=True):
            library.put(indexed(line, "Trees grow.", archived_on=day))
    with PolicyQA.open(settings, encoder=ENCODER) as opened:
        answer = opened.ask(Question("since when does Acme share my location?"))
    assert [entry.verdict for entry in answer.versions] == [Verdict.YES, Verdict.NO, Verdict.YES]
    assert answer.text.startswith("Between 6 March 2011 and 1 June 2015:")


@pytest.mark.parametrize("times", ["between 2012 and 2013", "since 2030"])
def test_times_that_mean_one_version_are_told_so(qa: PolicyQA, times: str) -> None:
    answer = ask(qa, f"what changed at Acme {times}?")
    assert answer.status is Status.NOT_STATED
    assert any("the same version" in warning for warning in answer.warnings)


def test_what_a_version_of_a_year_said_is_told_beside_what_is_said_now(qa: PolicyQA) -> None:
    answer = ask(qa, "what did Acme say about faxes in 2008?")
    assert answer.policies == (OLDEST, NEWEST)
    assert answer.citations[0].quote == "Write to us by fax."
    assert "1 June 2015: it did not say." in answer.text


def test_as_of_a_day_later_versions_are_left_out(qa: PolicyQA) -> None:
    assert ask(qa, "what changed at Acme?", as_of=dt.date(2012, 1, 1)).policies == (OLDEST, BETWEEN)


def test_two_companies_cannot_be_looked_back_at_in_one_breath(qa: PolicyQA) -> None:
    answer = ask(qa, "did Acme or Bolt change their policy on selling?")
    assert answer.status is Status.NEEDS_COMPANY
    assert {choice.scope for choice in answer.choices} == {"acme.com", "bolt.com"}


def test_the_runnable_looks_back_too(qa: PolicyQA) -> None:
    question = Question("what changed about selling at Acme?")
    assert qa.as_runnable().invoke(question).text == qa.ask(question).text


def test_changes_are_taken_in_the_order_of_their_dates_and_filtered_by_topic(qa: PolicyQA) -> None:
    changes = qa.changes(NEWEST, OLDEST)
    assert (changes.older, changes.newer) == (OLDEST, NEWEST)
    assert len(changes.changes) == 3
    (selling,) = qa.changes(OLDEST, NEWEST, "selling").changes
    assert selling.kind is ChangeKind.REWORDED
    assert [side.n for side in (selling.before, selling.after) if side] == [1, 2]


def test_changes_need_two_versions_of_one_site(qa: PolicyQA) -> None:
    with pytest.raises(UsageError, match="different sites"):
        qa.changes(OLDEST, "bolt.com")
    with pytest.raises(UsageError, match="name two versions"):
        qa.changes(NEWEST, "acme.com")
    with pytest.raises(UnknownScope):
        qa.changes(OLDEST, "acme.com@1999-01-01")


@pytest.mark.parametrize(
    ("about", "sentence"),
    [
        ("selling", "your data is never sold to anyone"),
        ("children", "nobody under 13 may register"),
        ("how long data is kept", "we retain records for 30 days"),
        ("IP addresses", "your internet protocol address is logged"),
    ],
)
def test_a_topic_is_found_in_other_words(about: str, sentence: str) -> None:
    assert Topic(about).speaks(sentence)


def test_a_topic_is_not_found_where_only_general_words_agree() -> None:
    assert not Topic("selling").speaks("we are subject to the federal trade commission")
    assert not Topic("selling my information").speaks("we collect information when you visit")
