"""What a chat model says is read as it comes, forgivingly, and never for long."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.replies import MOST_CHARS, Objects, objects_of

REPLY = {"verdict": "no", "claims": [{"text": 'It says "no" {never}.', "proof": [{"sentence": 1, "quote": "a ] b"}]}]}


def values(reply: str) -> list[object]:
    return [dict(found.value) for found in objects_of(reply)]


def test_an_object_is_told_with_its_closing_brace_and_inner_ones_first() -> None:
    reply = json.dumps(REPLY)
    objects, told = Objects(), []
    for at, char in enumerate(reply):
        told += [(at, found.lists, found.inside) for found in objects.feed(char)]
    closing = reply.index("}]}]}")
    assert told == [(closing, 2, 2), (closing + 2, 1, 1), (closing + 4, 0, 0)]


@pytest.mark.parametrize(
    "reply",
    [
        '```json\n{"a": "b"}\n```',
        'Sure! Here it is [1]: {"a": "b"} I hope that helps :)',
        '{"a": "b",}',
        "{'a': 'b'}",
        '<think>maybe {"a": "c"}</think>\n{"a": "b"}',
        ' \n<THINKING>{"a": "c"}</THINKING>{"a": "b"}',
        '{"a": "b"}' + "}" * 50,
        '{"c": {"a": "b"}, ',
    ],
    ids=["fence", "prose around", "comma", "python", "thought", "long thought", "braces", "cut off"],
)
def test_what_models_add_or_leave_out_is_forgiven(reply: str) -> None:
    assert values(reply) == [{"a": "b"}]


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        ("{'a': 'it isn\\'t sold, it\\'s kept', 'b': None}", "it isn't sold, it's kept"),
        ("{'a': 'it isn't sold'}", "it isn't sold"),
        ('{"a": "it isn\\\'t sold"}', "it isn't sold"),
        ('{"a": "two\nlines, ]"}', "two\nlines, ]"),
    ],
)
def test_quotation_marks_and_escapes_of_other_languages_are_read(reply: str, text: str) -> None:
    assert objects_of(reply)[0].value["a"] == text


@pytest.mark.parametrize("reply", ["", "no", '"a"', "[1, 2]", "{", '{"a": ', "{a}", "{{}}}", "<think>{}", '{"a": "b'])
def test_what_is_no_complete_object_is_left_out(reply: str) -> None:
    assert all(value == {} for value in values(reply))


@given(st.text(alphabet="{}[]\"',:\\ a1\n<think>/", max_size=80), st.integers(1, 7))
def test_pieces_of_any_length_say_the_same(reply: str, length: int) -> None:
    objects = Objects()
    pieces = [reply[at : at + length] for at in range(0, len(reply), length)]
    told = [found for piece in [*pieces, "\n"] for found in objects.feed(piece)]
    assert told == objects_of(reply)


@pytest.mark.parametrize(
    "char", ["{", "[", '{"', "{'", "{'a':'", '{"a":{}}', "<think>", " ", "a", '\\"', "{'a,", '{"a":1,}']
)
def test_endless_output_is_read_to_a_limit_and_quickly(char: str) -> None:
    objects = Objects()
    began = time.perf_counter()
    for _ in range(4 * MOST_CHARS):
        list(objects.feed(char))
    assert objects.finished
    assert len(objects.text) <= MOST_CHARS
    assert time.perf_counter() - began < 3
