from __future__ import annotations

import datetime as dt
import itertools

import numpy as np

from eval.recombining import made_names, recombined, source_of
from qa.domain import IndexedPolicy, Passage, Policy, Sentence, Span
from qa.encoders import HashingEncoder

ENCODER = HashingEncoder()
TEXT = "We collect:\n- names\n\nWe never sell them."
# The list item is led in by the first sentence; the last sentence by one of the passage before it.
LEADING = IndexedPolicy(
    Policy("acme.com", dt.date(2011, 3, 6), "Acme", TEXT),
    (
        Passage(0, 0, 19, ("Collection",), (Sentence(0, 11), Sentence(14, 19, Span(0, 11)))),
        Passage(1, 21, 40, ("Sale",), (Sentence(21, 40, Span(0, 11)),)),
    ),
    ENCODER.encode_texts([TEXT[:19], TEXT[21:]]),
    ENCODER.encode_texts([TEXT[:11], TEXT[14:19], TEXT[21:]]),
)


def test_each_policy_is_whole_and_every_sentence_has_its_own_vector() -> None:
    for policy in recombined(source_of([LEADING]), made_names(20)):
        text = policy.policy.text
        assert len(policy.passages) == 2
        assert [passage.n for passage in policy.passages] == [0, 1]
        for one, other in itertools.pairwise(policy.passages):
            assert text[one.end : other.start] == "\n\n"
        assert (policy.passages[0].start, policy.passages[-1].end) == (0, len(text))
        sentences = [sentence for _, sentence in policy.sentences()]
        assert policy.sentence_vectors.shape == (len(sentences), ENCODER.dimension)
        for sentence, vector in zip(sentences, policy.sentence_vectors, strict=True):
            np.testing.assert_array_equal(vector, ENCODER.encode_question(sentence.span.of(text)))


def test_what_leads_a_sentence_in_comes_along_only_with_its_own_passage() -> None:
    leads = {
        sentence.span.of(policy.policy.text): sentence.lead_in.of(policy.policy.text) if sentence.lead_in else None
        for policy in recombined(source_of([LEADING]), made_names(20))
        for _, sentence in policy.sentences()
    }
    assert leads == {"We collect:": None, "names": "We collect:", "We never sell them.": None}


def test_the_same_arguments_make_the_same_policies_and_others_make_others() -> None:
    def texts(seed: int) -> list[str]:
        made = recombined(source_of([LEADING]), made_names(8), seed)
        return [f"{policy.policy.id} {policy.policy.text}" for policy in made]

    assert texts(1) == texts(1)
    assert texts(1) != texts(2)


def test_names_are_different_however_many_are_made() -> None:
    names = made_names(3_000)
    assert len({name.domain for name in names}) == len({name.company.replace(" ", "") for name in names}) == 3_000
    assert names[:10] == made_names(10)


def test_a_larger_index_begins_with_the_policies_of_a_smaller_one() -> None:
    few, many = (recombined(source_of([LEADING]), made_names(count)) for count in (4, 9))
    assert [policy.policy for policy in few] == [policy.policy for policy, _ in zip(many, range(4), strict=False)]
