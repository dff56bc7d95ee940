from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console

from eval.cases import Case
from eval.engines import InvalidEngine
from eval.rivals import FirstSentences
from eval.running import run_eval
from eval.versus import InvalidBaselines, Material, Rival, as_markdown, as_svg, compare_with_baselines, leads
from qa.domain import Answer, Question
from qa.encoders import HashingEncoder
from qa.settings import load_settings
from tests.eval.benchmarks.making import POLICY
from tests.eval.making import COOKIES, PARAMETERS, SELL, TEXTS, answer, case, ideal

CASES = tuple(case(f"q{n}", "no", SELL) for n in range(20))
MATERIAL = Material("made-up.jsonl", CASES, TEXTS, ())


def rival(name: str, ask: Callable[[Case], Answer]) -> Rival:
    by_id = {each.id: each for each in CASES}

    def asked(question: Question) -> Answer:
        assert question.id is not None
        return ask(by_id[question.id])

    return Rival(name, f"what {name} does", run_eval(CASES, TEXTS, asked, PARAMETERS))


@pytest.fixture(scope="module")
def rivals() -> list[Rival]:
    return [
        rival("bm25", lambda _: answer("yes", COOKIES)),
        Rival("tutorial", "what it does", None, "langchain_chroma is missing"),
        rival("extractive", ideal),
    ]


def test_the_lead_over_each_baseline_that_was_asked_is_tested(rivals: list[Rival]) -> None:
    ahead = leads(rivals)
    assert list(ahead) == ["bm25"]
    by_figure = {test.figure: test for test in ahead["bm25"]}
    assert by_figure["right_and_proven"].difference == 1
    assert by_figure["right_and_proven"].p_value < 0.001
    assert leads(rivals[:2]) == {}


def test_the_table_has_a_line_a_system_and_says_who_was_left_out(rivals: list[Rival]) -> None:
    page = as_markdown(rivals, MATERIAL)
    assert "| bm25 | 0.000" in page
    assert "| extractive | 1.000" in page
    assert "| tutorial | –" in page
    assert "- tutorial: left out: langchain_chroma is missing." in page
    assert "fineprint against bm25: +1.000" in page


def test_the_figure_is_sound_and_nothing_in_a_name_is_markup(rivals: list[Rival]) -> None:
    odd = Rival("<b>&", "odd", rivals[0].run)
    tree = ET.fromstring(as_svg([odd, *rivals]))
    labels = [element.text for element in tree.iter() if element.tag.endswith("text")]
    assert labels.count("<b>&") == 3
    assert "tutorial" not in labels
    assert labels.count("1.00") == 3


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), width=100)


def test_the_command_asks_all_and_saves_everybodys_run(tmp_path: Path, console: Console) -> None:
    stem = "shop.example__2020-01-02"
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / f"{stem}.md").write_text(POLICY, encoding="utf-8")
    cases = tmp_path / "cases.jsonl"
    sentence = "Shop does not sell your personal information to other companies."
    line = {
        "id": "sell", "policy": stem, "question": "Do you sell my personal information?", "kind": "yes_no",
        "verdict": "no", "evidence": [sentence],
    }  # fmt: skip
    cases.write_text(json.dumps(line) + "\n", encoding="utf-8")
    out = tmp_path / "out"
    code = compare_with_baselines(
        cases,
        folder,
        out,
        load_settings({"index": tmp_path / "own", "cache": tmp_path / "cache"}, environ={}),
        console,
        baselines=["bm25", "DENSE-tuned"],
        encoder=HashingEncoder(),
        published=HashingEncoder(64),
        reader=FirstSentences("bm25"),
    )
    assert code == 0
    saved = json.loads((out / "baselines.json").read_text("utf-8"))
    assert [each["name"] for each in saved["systems"]] == ["bm25", "dense-tuned", "extractive"]
    assert saved["systems"][0]["figures"]["hit_at_1"] == 1
    for name in ("bm25", "dense-tuned", "extractive"):
        assert json.loads((out / name / "parameters.json").read_text("utf-8"))["engine"] == name
    assert (out / "baselines.svg").is_file()
    assert not (tmp_path / "own").exists()
    assert isinstance(console.file, io.StringIO)
    assert "first citation is proof" in console.file.getvalue()


def test_names_that_are_none_are_refused_before_anything_runs(tmp_path: Path, console: Console) -> None:
    settings = load_settings({"cache": tmp_path}, environ={})
    with pytest.raises(InvalidBaselines, match="bm25, dense, dense-tuned, tutorial, tutorial-scoped"):
        compare_with_baselines(None, None, None, settings, console, baselines=["splade"])
    with pytest.raises(InvalidEngine):
        compare_with_baselines(None, None, None, settings, console, engines=["nonsense"])
