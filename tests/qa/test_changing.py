from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.changing import (
    NEIGHBOURS,
    Side,
    Unit,
    _worth_comparing,
    align,
    changes_between,
    sentence_key,
    units_of,
    word_edits,
)
from qa.domain import ChangeKind, Changes, IndexedPolicy, Sentence, Span
from tests.qa.making import indexed

OLD, NEW = dt.date(2006, 12, 5), dt.date(2011, 3, 6)
WORDS = ("we", "sell", "your", "data", "do", "not", "share", "cookies", "never", "30", "days", "partners")
SENTENCES = st.lists(
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=9).map(" ".join), min_size=0, max_size=14
)  # fmt: skip


def versions(old: tuple[str, ...] | list[str], new: tuple[str, ...] | list[str]) -> tuple[IndexedPolicy, IndexedPolicy]:
    return indexed(*old, archived_on=OLD), indexed(*new, archived_on=NEW)


def compared(old: list[str], new: list[str]) -> Changes:
    return changes_between(*versions(old, new))


def said(changes: Changes) -> list[tuple[str, str | None, str | None]]:
    return [(c.kind.value, c.before and c.before.quote, c.after and c.after.quote) for c in changes.changes]


def units(sentences: list[str]) -> list[Unit]:
    return units_of(*versions(sentences, []))[0]


@pytest.mark.parametrize(
    "same",
    [
        "We do not sell your e-mail address.",
        "we  do not sell\u00a0your email address",
        "**We do not sell** your e\u2011mail address!",
        "- We do not sell your [e-mail address](https://x.example/y).",
        "## We do not sell your “e-mail” address",
    ],
)
def test_wording_noise_is_no_change(same: str) -> None:
    assert sentence_key(same) == sentence_key("We do not sell your email address.")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("We keep it for 30 days.", "We keep it for 90 days."),
        ("It costs $10.", "It costs €10."),
        ("Version 1.2 applies.", "Version 12 applies."),
        ("Last updated: 8/19/2020", "Last updated: 12/03/2020"),
        ("We sell data.", "We do not sell data."),
    ],
)
def test_numbers_dates_and_words_are_changes(one: str, other: str) -> None:
    assert sentence_key(one) != sentence_key(other)


def test_a_reworded_sentence_is_paired_with_its_old_wording_and_the_rest_added_or_removed() -> None:
    changes = compared(
        ["We use cookies.", "Registration is not required to use the site.", "Write to us by fax."],
        ["We use cookies.", "Registration is required to use the whole site.", "A hash cannot be reversed at all."],
    )
    assert said(changes) == [
        (
            "reworded",
            "Registration is not required to use the site.",
            "Registration is required to use the whole site.",
        ),
        ("removed", "Write to us by fax.", None),
        ("added", None, "A hash cannot be reversed at all."),
    ]
    assert changes.unchanged == 1


def test_moved_text_is_moved_and_not_removed_and_added() -> None:
    first, second, third = "We use cookies here.", "Children may not register.", "You can write to our office."
    assert said(compared([first, second, third], [third, first, second])) == [("moved", third, third)]


def test_text_that_stands_twice_is_counted_as_often_as_it_stands() -> None:
    changes = compared(["We use cookies."], ["We use cookies.", "We use cookies."])
    assert said(changes) == [("added", None, "We use cookies.")]
    assert changes.unchanged == 1


def test_sentences_that_the_other_version_writes_as_one_are_unchanged() -> None:
    assert said(compared(["Contact us:", "Acme Ltd, Main Street."], ["Contact us: Acme Ltd, Main Street."])) == []


def test_what_was_removed_is_told_where_it_stood() -> None:
    old = ["One thing stays here.", "Faxes are read daily.", "Another thing stays there."]
    changes = compared(old, [old[0], old[2], "Robots greet every visitor."])
    assert [kind for kind, _, _ in said(changes)] == ["removed", "added"]


def test_an_item_under_we_do_not_is_not_the_same_under_we_do() -> None:
    def under(lead: str, day: dt.date) -> IndexedPolicy:
        source = indexed(lead, "sell your data", archived_on=day)
        item = source.passages[0].sentences[1]
        led = Sentence(item.start, item.end, lead_in=Span(0, len(lead)))
        passage = replace(source.passages[0], sentences=(source.passages[0].sentences[0], led))
        return replace(source, passages=(passage,))

    changes = changes_between(under("We do not:", OLD), under("From now on we will:", NEW))
    assert ("reworded", "We do not:\nsell your data", "From now on we will:\nsell your data") in said(changes)


def test_every_side_is_a_verified_citation_numbered_through() -> None:
    older, newer = versions(
        ["We use cookies.", "We sell data."], ["We use cookies.", "Dogs bark.", "Cats purr loudly."]
    )
    texts = {source.policy.id: source.policy.text for source in (older, newer)}
    sides = [s for c in changes_between(older, newer).changes for s in (c.before, c.after) if s]
    assert [side.n for side in sides] == [1, 2, 3]
    for side in sides:
        assert texts[side.policy_id][side.start : side.end] == side.quote
        assert side.url


@given(SENTENCES)
def test_a_text_does_not_differ_from_itself(sentences: list[str]) -> None:
    changes = compared(sentences, sentences)
    assert changes.changes == ()
    assert changes.unchanged == len(sentences)


@given(SENTENCES, SENTENCES)
def test_every_sentence_is_in_exactly_one_place(old: list[str], new: list[str]) -> None:
    left, right = units_of(*versions(old, new))
    aligned = align(Side(left), Side(right))
    pairs = [*aligned.unchanged, *aligned.moved, *((i, j) for i, j, _ in aligned.reworded)]
    assert sorted([*(i for i, _ in pairs), *aligned.removed]) == list(range(len(left)))
    assert sorted([*(j for _, j in pairs), *aligned.added]) == list(range(len(right)))
    for whole, made in ((old, left), (new, right)):
        assert [n for unit in made for n in range(unit.first, unit.last + 1)] == list(range(len(whole)))


@given(SENTENCES, SENTENCES)
def test_swapping_the_versions_swaps_before_and_after(old: list[str], new: list[str]) -> None:
    there, back = compared(old, new), compared(new, old)
    swapped = {ChangeKind.ADDED: ChangeKind.REMOVED, ChangeKind.REMOVED: ChangeKind.ADDED}
    turned = Counter((swapped.get(kind, kind), b, a) for kind, a, b in ((c.kind, *_quotes(c)) for c in there.changes))
    assert turned == Counter((c.kind, *_quotes(c)) for c in back.changes)
    assert there.unchanged == back.unchanged


def _quotes(change: object) -> tuple[str | None, str | None]:
    before, after = change.before, change.after  # type: ignore[attr-defined]
    return before and before.quote, after and after.quote


@given(st.text(max_size=80), st.text(max_size=80))
def test_the_stretches_of_both_wordings_are_the_wordings(before: str, after: str) -> None:
    left, right = word_edits(before, after)
    assert "".join(edit.text for edit in left) == before
    assert "".join(edit.text for edit in right) == after


def test_the_words_that_changed_are_marked_and_no_others() -> None:
    left, right = word_edits("We may share your e-mail address.", "We never share your email address!")
    assert [edit.text for edit in left if edit.changed] == ["may"]
    assert [edit.text for edit in right if edit.changed] == ["never"]


def test_with_vectors_only_near_sentences_are_compared_word_by_word() -> None:
    made = units([f"sentence {n}" for n in range(60)])
    vectors = np.zeros((60, 4), dtype=np.float32)
    vectors[:, 0] = 1.0  # all equally near
    side, everything = Side(made, vectors), range(60)
    assert len(list(_worth_comparing(side, side, everything, everything))) <= 2 * 60 * NEIGHBOURS
    assert len(list(_worth_comparing(Side(made), Side(made), everything, everything))) == 60 * 60
    vectors[30:] = (0.0, 1.0, 0.0, 0.0)
    far = set(_worth_comparing(side, side, range(30), range(30, 60)))
    assert far == set()
