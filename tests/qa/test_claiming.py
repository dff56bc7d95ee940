"""Claims are found in whatever form a model gives them, and their words are fit to be shown as ours or not."""

from __future__ import annotations

import json

import pytest

from qa.claiming import MOST_READ, Claim, Proof, Reply, is_fit, worded
from qa.talking import Usage
from tests.chatting import in_pieces

EVIDENCE = "Acme will not rent or sell your e-mail address. Write to privacy@acme.com or see www.acme.com/privacy."


def claims(*pieces: str | Usage) -> list[Claim]:
    return list(Reply().claims(pieces))


@pytest.mark.parametrize(
    "proof",
    [
        [{"sentence": 3, "quote": "so it is"}],
        {"sentence": "3", "quote": "so it is"},
        [{"sentence": "S3", "quote": "so it is"}],
        [{"n": [3], "text": "so it is"}],
    ],
)
def test_a_proof_is_a_number_and_words_however_they_are_given(proof: object) -> None:
    reply = json.dumps({"verdict": "no", "claims": [{"text": "It is so.", "proof": proof}]})
    assert claims(*in_pieces(reply)) == [Claim("It is so.", (Proof(3, "so it is"),))]


@pytest.mark.parametrize(
    ("claim", "proofs"),
    [
        ({"text": "It is so.", "proof": [3, "4"]}, (Proof(3, ""), Proof(4, ""))),
        ({"claim": "It is so.", "sentences": [3]}, (Proof(3, ""),)),
        ({"text": "It is so.", "sentence": 3, "quote": "so it is"}, (Proof(3, "so it is"),)),
        ({"text": "It is so.", "quotes": ["so it is"]}, (Proof(None, "so it is"),)),
        ({"text": "It is so [3].", "proof": []}, (Proof(3, ""),)),
        ({"text": "It is so.", "proof": None}, ()),
        ({"text": "It is so.", "proof": [{"sentence": True, "quote": 7}]}, (Proof(None, ""),)),
        ({"text": "It is so.", "proof": [{"sentence": 10**30, "quote": ""}]}, (Proof(None, ""),)),
    ],
)
def test_looser_forms_are_read_too(claim: dict[str, object], proofs: tuple[Proof, ...]) -> None:
    (read,) = claims(json.dumps({"claims": [claim]}))
    assert read.proofs == proofs


def test_a_claim_is_there_before_the_next_begins_and_half_of_one_never() -> None:
    said: list[str] = []

    def pieces() -> list[str]:
        return ['{"claims": [{"text": "It is so.", "proof": [1]}', ', {"text": "It is not']

    for claim in Reply().claims(said.append(piece) or piece for piece in pieces()):  # type: ignore[func-returns-value]
        assert claim.text == "It is so."
        assert len(said) == 1
    assert len(said) == 2


def test_prose_with_markers_is_a_reply_and_prose_without_is_none() -> None:
    read = claims("It shares your address [2]. It is never sold [1, 3]. ", "That is all.")
    assert read == [
        Claim("It shares your address [2].", (Proof(2, ""),)),
        Claim("It is never sold [1, 3].", (Proof(1, ""), Proof(3, ""))),
    ]
    assert claims("I cannot help with that.") == []


def test_the_verdict_is_known_as_soon_as_it_is_said() -> None:
    reply = Reply()
    opinions = [reply.opinion for _ in reply.claims(in_pieces('{"verdict": "Yes", "claims": [{"text": "a b c."}]}'))]
    assert opinions == ["yes"]
    other = Reply()
    assert list(other.claims(['{"text": "He said \\"verdict\\": \\"no\\" to it."}']))
    assert other.opinion is None


def test_tokens_are_counted_behind_a_whole_reply_but_an_endless_one_is_left() -> None:
    reply, taken = Reply(), 0

    def pieces() -> object:
        nonlocal taken
        yield '{"claims": []}'
        yield Usage(7, 5)
        while True:
            taken += 1
            yield "and so on "

    assert list(reply.claims(pieces())) == []  # type: ignore[arg-type]
    assert (reply.input_tokens, reply.output_tokens) == (7, 5)
    assert taken < 100


def test_at_most_so_many_claims_are_looked_at() -> None:
    assert len(claims('{"claims": [' + '{"text": "It is so.", "proof": [1]},' * 500)) == MOST_READ


@pytest.mark.parametrize(
    ("text", "line", "verdict"),
    [
        ("It shares it [1][2].", "It shares it.", None),
        ("It shares it [S1, S2] with you (sentence 3).", "It shares it with you.", None),
        ("- It shares it.", "It shares it.", None),
        ("Yes, it shares it.", "it shares it.", "yes"),
        ("No. It keeps it.", "It keeps it.", "no"),
        ("Only in some cases: it shares it.", "it shares it.", "conditional"),
        ("Nobody gets it.", "Nobody gets it.", None),
        ("It does n\u200bot \u202eshare\nit.", "It does not share it.", None),
        ("It “shares” it—now.", 'It "shares" it-now.', None),
    ],
)
def test_markers_marks_and_verdicts_before_a_claim_are_no_part_of_it(text: str, line: str, verdict: str | None) -> None:
    assert worded(text) == (line, verdict)


@pytest.mark.parametrize(
    "sentence",
    [
        "Acme will not sell your e-mail address.",
        'It says that it will not "rent or sell" your address.',
        "You can write to privacy@acme.com about it.",
        "More is told at www.acme.com/privacy.",
        "It doesn't sell your address (by e-mail or post) for $5 & more; never.",
    ],
)
def test_plain_words_of_ours_are_fit(sentence: str) -> None:
    assert is_fit(sentence, EVIDENCE, "Acme")


@pytest.mark.parametrize(
    "sentence",
    [
        "So it.",
        "It does.",
        "Does it sell your address?",
        "It sells the following:",
        "We do not sell your address.",
        "It does not let us sell your address.",
        "It does **not** sell your address.",
        "It does not sell <b>it</b> to anyone.",
        "It does not sell your address [here].",
        "See https://evil.example for the rest.",
        "See evil.com for the rest of it.",
        "Write to help@acme.com about your address.",
        'It says it will "always sell" your address.',
        "It says 'we sell everything' to everyone.",
        'It says " and nothing else about it.',
        "It does nоt sell your address.",  # Cyrillic о
        "It does no\u0338t sell your address.",
        "It sells " + "your address and " * 30 + "more.",
    ],
)
def test_what_could_mislead_is_not(sentence: str) -> None:
    assert not is_fit(sentence, EVIDENCE, "Acme")
