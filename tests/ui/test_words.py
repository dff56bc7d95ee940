from __future__ import annotations

import re
import string
from pathlib import Path

import pytest

from ui.words import LANGUAGES, WORDS, label, page_words, said

UI = Path(__file__).parent.parent.parent / "ui"
SOURCES = {
    path: path.read_text(encoding="utf-8")
    for path in (*UI.glob("*.py"), *UI.glob("static/*.js"))
    if path.name != "words.py"
}
# What stands for a key in the sources: a whole one, or the beginning of one whose end is chosen at run time.
KEYS = re.compile(r"""["'`]([a-z]+\.[a-z0-9_]+)(?=["'`])""")
OPEN_KEYS = re.compile(r"""["'`]([a-z]+\.[a-z0-9_]+)(?=\$?\{)""")
BLOCKS = {key.split(".")[0] for key in WORDS}


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def mentioned(pattern: re.Pattern[str]) -> set[str]:
    found = {key for text in SOURCES.values() for key in pattern.findall(text)}
    return {key for key in found if key.split(".")[0] in BLOCKS}


@pytest.mark.parametrize("key", WORDS)
def test_every_text_is_there_in_every_language_with_the_same_placeholders(key: str) -> None:
    words = WORDS[key]
    assert tuple(words) == LANGUAGES
    for text in words.values():
        assert text.strip() == text != ""
        assert placeholders(text) == placeholders(words["en"])


def test_every_key_that_the_sources_use_exists() -> None:
    files = (".sqlite3", ".css", ".js", ".md", ".json", ".csv", ".html", ".svg", ".png")
    openai = {"chat.completion", "chat.completion.chunk"}  # kinds of objects in OpenAI's form
    assert {key for key in mentioned(KEYS) - set(WORDS) - openai if not key.endswith(files)} == set()


def test_every_key_is_used() -> None:
    whole, begun = mentioned(KEYS), mentioned(OPEN_KEYS)
    # A view may name its own keys without the view, say("found") for "compare.found", and by the values of the domain.
    domain = [(UI.parent / "qa" / name).read_text(encoding="utf-8") for name in ("domain.py", "labelling.py")]
    words = {word for text in (*SOURCES.values(), *domain) for word in re.findall(r"""["'`]([\w -]+)["'`]""", text)}
    begun_words = {
        word for text in SOURCES.values() for word in re.findall(r"""["'`]([a-z_]*_)(?=\$?\{|["'`])""", text)
    }
    unused = set()
    for key in WORDS:
        word = key.partition(".")[2]
        if not (key in whole or key.startswith(tuple(begun)) or word in words or word.startswith(tuple(begun_words))):
            unused.add(key)
    assert unused == set()


def test_no_language_was_forgotten_by_leaving_the_english_words() -> None:
    long = [key for key, words in WORDS.items() if len(words["en"].split()) > 3]
    assert len(long) > 20
    assert [key for key in long for language in LANGUAGES[1:] if WORDS[key][language] == WORDS[key]["en"]] == []


def test_words_become_html_with_their_key_and_their_values() -> None:
    assert said("shell.ask") == '<span data-t="shell.ask">Ask</span>'
    filled = said("picker.remove", name='<b>"${x}')
    assert 'data-t="picker.remove"' in filled
    assert "<b>" not in filled
    assert "${" not in filled


@pytest.mark.parametrize("make", [said, label])
def test_a_key_that_does_not_exist_is_an_error(make: object) -> None:
    assert callable(make)
    with pytest.raises(KeyError):
        make("shell.nothing")


def test_gradio_gets_every_word_of_every_language() -> None:
    given = page_words().translations_dict
    assert set(given) == set(LANGUAGES)
    assert all(set(words) == set(WORDS) for words in given.values())
