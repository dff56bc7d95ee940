from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from eval.beside import MOST_SHOWN, folder_of, save_engines, show_engines, show_work
from eval.comparing import read_baseline
from eval.engines import Engine, Price, Tried, settings_for
from eval.keeping import ResultsUnwritable
from eval.running import run_eval
from qa.domain import Answer, Generation, Question
from qa.settings import Settings
from tests.eval.making import COOKIES, PARAMETERS, SELL, TEXTS, answer, case

SETTINGS = Settings.model_validate({})
CASES = (case("sell", "no", SELL), case("cookies", "yes", COOKIES))
RIGHT = {"sell": answer("no", SELL), "cookies": answer("yes", COOKIES)}
WORDED = replace(
    answer("no", SELL),
    engine="ollama:a",
    generation=Generation(
        "ollama:a", claims=5, repaired=1, dropped=2, agrees=True, input_tokens=3_000, output_tokens=40, calls=1,
        failed="broken_off",
    ),
)  # fmt: skip


def always(given: Answer) -> Callable[[Question], Answer]:
    """Whatever is asked."""
    return lambda _: given


def tried(name: str, answers: Mapping[str, Answer], price: Price | None = None) -> Tried:
    run = run_eval(CASES, TEXTS, lambda question: answers[question.id or ""], replace(PARAMETERS, engine=name))
    engine = Engine(name, settings_for(name, SETTINGS), price)
    return Tried(engine, run, first_ms={each.id: 10.0 for each in CASES})


def printed(*engines: Tried) -> dict[str, list[str]]:
    """The words of each printed line behind its first ones, up to two blanks, which are its key."""
    console = Console(file=(out := io.StringIO()), width=200)
    show_engines(engines, console)
    lines = [line.strip() for line in out.getvalue().splitlines()]
    return {key: rest.split() for key, _, rest in (line.partition("  ") for line in lines if line)}


def test_figures_and_work_stand_side_by_side() -> None:
    worded = tried("ollama:a", {"sell": WORDED, "cookies": answer("no", COOKIES)}, Price(1, 10))
    shown = printed(tried("extractive", RIGHT), worded)
    assert shown["figure"] == ["extractive", "ollama:a"]
    assert shown["right_and_proven"] == ["1.000", "0.500"]
    assert shown["first proof p50 / p95 (ms)"] == ["10", "/", "10", "10", "/", "10"]
    assert shown["claims written"] == ["–", "5"]
    assert shown["claims proven"] == ["–", "2"]
    assert shown["claims dropped"] == ["–", "2"]
    assert shown["tokens in / out"] == ["–", "3,000", "/", "40"]
    assert shown["cost, by your prices"] == ["–", "0.0034"]
    assert shown["cost of 1,000 questions"] == ["–", "1.70"]
    assert "ollama:a: answers not in its words: broken_off 1" in shown
    assert "They differ in 1 of 2 cases:" in shown
    assert "extractive: answered, yes (right): t" in shown
    assert "ollama:a: answered, no (wrong): t" in shown


def test_without_a_model_nothing_is_said_of_models_and_without_a_price_nothing_of_cost() -> None:
    console = Console(file=(out := io.StringIO()), width=200)
    show_work([tried("extractive", RIGHT)], console)
    assert "claims" not in out.getvalue()
    show_work([tried("ollama:a", {**RIGHT, "sell": WORDED})], console)
    assert "claims written" in out.getvalue()
    assert "cost" not in out.getvalue()


def test_an_engine_that_could_not_be_asked_has_a_column_of_dashes_and_a_reason() -> None:
    absent = Tried(Engine("ollama:b", settings_for("ollama:b", SETTINGS)), None, "It cannot be reached.")
    shown = printed(tried("extractive", RIGHT), absent)
    assert shown["verdict_accuracy"] == ["1.000", "–"]
    assert "ollama:b: not asked: It cannot be reached." in shown


def test_many_differences_are_cut_in_the_terminal_only(tmp_path: Path) -> None:
    cases = [case(f"c{n}", "no", SELL) for n in range(MOST_SHOWN + 5)]
    both = [
        Tried(
            Engine(name, settings_for(name, SETTINGS)),
            run_eval(cases, TEXTS, always(answer(verdict, SELL)), PARAMETERS),
        )
        for name, verdict in (("extractive", "no"), ("ollama:a", "yes"))
    ]
    assert "… and 5 more, in engines.md." in printed(*both)
    save_engines(both, tmp_path)
    assert (tmp_path / "engines.md").read_text(encoding="utf-8").count("### c") == MOST_SHOWN + 5


def test_what_models_say_is_neither_markup_nor_control_characters() -> None:
    hostile = replace(answer("yes", SELL), text="\x1b[31m[bold]red[/bold]\n\u202elink")
    shown = printed(tried("extractive", RIGHT), tried("ollama:a", {**RIGHT, "sell": hostile}))
    assert "ollama:a: answered, yes (wrong): [31m[bold]red[/bold] link" in shown


def test_a_report_and_each_run_are_saved(tmp_path: Path) -> None:
    hostile = replace(answer("yes", SELL), text="# head\n<b>x</b> ![i](https://evil.example)")
    save_engines([tried("extractive", RIGHT), tried("ollama:a", {**RIGHT, "sell": hostile}, Price(1, 2))], tmp_path)
    data = json.loads((tmp_path / "engines.json").read_text(encoding="utf-8"))
    assert [each["name"] for each in data["engines"]] == ["extractive", "ollama:a"]
    assert data["engines"][1]["price"] == {"input": 1, "output": 2}
    assert [each["case"] for each in data["differences"]] == ["sell"]
    assert read_baseline(tmp_path / data["engines"][0]["folder"]).right == ("sell", "cookies")
    parameters = json.loads((tmp_path / data["engines"][1]["folder"] / "parameters.json").read_text(encoding="utf-8"))
    assert parameters["engine"] == "ollama:a"
    report = (tmp_path / "engines.md").read_text(encoding="utf-8")
    assert "| right_and_proven | 1.000 | 0.500 |" in report
    assert "\n    # head\n    <b>x</b> ![i](https://evil.example)\n" in report


def test_engines_whose_names_look_alike_have_folders_of_their_own() -> None:
    engines = [tried("ollama:a/b", RIGHT), tried("ollama:a-b", RIGHT), tried("ollama:../..", RIGHT)]
    assert [folder_of(each.name, engines) for each in engines] == ["ollama-a-b", "ollama-a-b-2", "ollama"]


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ResultsUnwritable):
        save_engines([tried("extractive", RIGHT)], tmp_path / "file")
