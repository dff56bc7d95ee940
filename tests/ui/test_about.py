from __future__ import annotations

import re
from pathlib import Path

from ui.about import FIGURES, about_html
from ui.words import WORDS

MODELS = Path(__file__).parent.parent.parent / "docs" / "models.md"


def test_it_says_what_it_is_not_and_what_is_stored() -> None:
    text = about_html()
    for key in ("about.not_advice", "about.not_deeds", "about.not_other", "about.stored_questions", "about.licence"):
        assert f'data-t="{key}"' in text
    assert "not legal advice" in WORDS["about.not_advice"]["en"]


def test_its_figures_are_those_that_were_measured() -> None:
    measured = MODELS.read_text(encoding="utf-8")
    for _, share in FIGURES:
        assert f"{share:.3f}" in measured


def test_a_figure_is_shown_as_it_is_and_not_better() -> None:
    shown = about_html()
    for key, share in FIGURES:
        percent = re.search(rf'<b>(\d+) %</b><span data-t="{key}">', shown)
        assert percent
        assert abs(int(percent[1]) - 100 * share) <= 0.5


def test_readers_learn_that_a_chat_model_writes_and_what_is_sent_there() -> None:
    shown = about_html("ollama:llama3.2")
    for key in ("about.model", "about.stored_model", "about.stored_unkept"):
        assert f'data-t="{key}"' in shown
    assert shown.count("(Ollama)") == 2
    assert "llama3.2" not in shown
    for key in ("about.no_model", "about.stored_questions"):  # not true any more
        assert f'data-t="{key}"' not in shown
        assert f'data-t="{key}"' in about_html()
    assert "chat model" not in about_html()


def test_what_the_browser_remembers_can_be_forgotten() -> None:
    assert 'id="fp-forget"' in about_html()
