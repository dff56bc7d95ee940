from __future__ import annotations

import base64
import dataclasses
import hashlib
import re
from itertools import pairwise
from pathlib import Path

from selectolax.lexbor import LexborHTMLParser as HTMLParser
from selectolax.lexbor import LexborNode as Node

from eval.report.page import MOST_CASES, page
from eval.report.saved import Report, compared, read_earlier, read_report
from eval.running import Run, summarise
from tests.eval.making import COOKIES, LAW, SELL, STEM, TEXTS, answer, case
from tests.eval.report.making import CASES, about_all, made, of_absent_policy, reported, saved, side_by_side

HOSTILE = (
    "</script></style></title><script>alert(1)</script><img src=x onerror=alert(1)>\"'&{{7*7}}{% raw %}\u202e\x00\x1b"
)
SHOWN = HOSTILE.replace("\u202e", "\ufffd").replace("\x00", "\ufffd").replace("\x1b", "\ufffd")


def read(report: Report) -> HTMLParser:
    return HTMLParser(page(report))


def found(html: HTMLParser | Node, selector: str) -> Node:
    node = html.css_first(selector)
    assert node is not None, selector
    return node


def texts(html: HTMLParser | Node, selector: str) -> list[str]:
    return [" ".join(node.text().split()) for node in html.css(selector)]


def hostile_run() -> Run:
    """Wherever others may write something, something hostile."""
    given = answer("yes", SELL)
    cited = dataclasses.replace(
        given.citations[0], section=HOSTILE, quote=SELL + HOSTILE, url="javascript:alert(1)", policy_id=HOSTILE
    )
    answered = dataclasses.replace(given, text=HOSTILE, citations=(cited,), warnings=(HOSTILE,))
    run = made(given={"a": answered, "b": "broken"})
    rows = tuple(
        dataclasses.replace(
            row,
            note=HOSTILE,
            case=dataclasses.replace(
                row.case, id=f"{HOSTILE}{n}", question=HOSTILE, history=(HOSTILE,), topic=HOSTILE, answer=HOSTILE
            ),
        )
        for n, row in enumerate(run.rows)
    )
    return dataclasses.replace(
        run,
        rows=rows,
        summary=summarise(rows),
        parameters=dataclasses.replace(run.parameters, cases=HOSTILE, engine=HOSTILE, platform=HOSTILE),
    )


def test_nothing_that_others_wrote_is_more_than_text(tmp_path: Path) -> None:
    html = read(reported(tmp_path, hostile_run(), {**TEXTS, STEM: f"{SELL}{HOSTILE}"}))
    assert len(html.css("script")) == len(html.css("style")) == 1
    assert html.css("img, iframe, object, embed, link, base") == []
    assert [name for node in html.css("*") for name in node.attributes if name.startswith("on")] == []
    assert [
        node.attributes["href"] for node in html.css("a") if not (node.attributes["href"] or "").startswith("#")
    ] == []
    assert found(html, "details.case .question").text() == SHOWN
    assert found(html, ".answer .text").text() == SHOWN
    assert found(html, "h1").text() == SHOWN
    assert texts(html, ".history li")[0] == " ".join(SHOWN.split())
    assert "49" not in html.css_first("main").text()  # type: ignore[union-attr]


def test_the_page_may_load_send_and_run_nothing_but_what_it_brings(tmp_path: Path) -> None:
    text = page(reported(tmp_path, made(given={"a": answer("yes", SELL)})))
    html = HTMLParser(text)
    policy = found(html, "meta[http-equiv=Content-Security-Policy]").attributes["content"] or ""
    for kind, name in (("script", "script-src"), ("style", "style-src")):
        (inline,) = re.findall(f"<{kind}>(.*?)</{kind}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()
        assert f"{name} 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none';")
    assert html.css("[src], [style], link") == []
    assert "url(" not in found(html, "style").text()


def test_every_link_within_the_page_leads_somewhere(tmp_path: Path) -> None:
    html = read(reported(tmp_path, made(given={"a": answer("yes", SELL), "b": "nobody there"})))
    links = [(node.attributes["href"] or "")[1:] for node in html.css("nav a, a.skip")]
    assert len(links) > 5
    ids = [node.attributes["id"] for node in html.css("[id]")]
    assert set(links) <= set(ids)
    assert len(ids) == len(set(ids))


def test_a_wrong_case_shows_question_gold_answer_and_the_marked_policy(tmp_path: Path) -> None:
    asked = dataclasses.replace(case("a", "no", SELL, also=(LAW,)), history=("and who are you?",), answer="No, never.")
    html = read(reported(tmp_path, made([asked], {"a": answer("yes", COOKIES)})))
    shown = found(html, "#wrong details.case")
    assert found(shown, ".question").text() == "question a?"
    assert texts(shown, ".history li") == ["and who are you?"]
    assert texts(shown, "dl.gold dd")[0] == "no: No, never."
    assert texts(shown, ".citations .where b") == ["✗ does not prove it"]
    marks = [(mark.text(), mark.attributes["class"]) for mark in shown.css(".policy-text mark")]
    assert marks == [(SELL, "gold"), (COOKIES, "cited"), (LAW, "also")]
    assert texts(shown, ".policy-text .tag") == ["proof", "[1]", "also right"]
    assert "wrong verdict" in texts(shown, ".kind")


def test_a_right_case_is_a_line_and_no_more(tmp_path: Path) -> None:
    html = read(reported(tmp_path, made()))
    assert html.css("details.case") == []
    assert texts(html, "#all tbody tr td:last-child") == ["✓ right"] * len(CASES)
    assert found(html, "#wrong h2").text() == "Wrong: 0"


def test_errors_and_unscored_cases_say_why(tmp_path: Path) -> None:
    html = read(reported(tmp_path, made([CASES[0], of_absent_policy(CASES[1]), CASES[3]], {"d": "nobody there"})))
    assert [texts(row, "th, td") for row in html.css("#unanswered tbody tr")] == [
        ["b", "unscored", "question b?", "the policy none.example__2020-01-01 is not there"],
        ["d", "error", "question d?", "RuntimeError: nobody there"],
    ]


def test_what_broke_stands_open_with_both_answers_and_their_difference(tmp_path: Path) -> None:
    before = saved(tmp_path / "before", made(given={"b": answer("no", COOKIES)}))
    worse = dataclasses.replace(answer("yes", SELL), text="Yes, t")
    silent = answer(None, status="not_stated")
    html = read(compared(reported(tmp_path / "now", made(given={"a": worse, "c": silent})), read_earlier(before)))
    broken = found(html, "#broken details.case")
    assert "open" in broken.attributes
    assert texts(broken, ".answer .who") == ["before", "now"]
    assert texts(broken, ".answer ins") == ["Yes"]
    assert texts(html, "#fixed .question") == ["question b?"]
    assert "Worse than before" in found(html, ".verdict.worse").text()
    assert "−" in found(html, "tr.worse .change").text()


def test_an_equal_run_is_not_worse(tmp_path: Path) -> None:
    before = saved(tmp_path / "before", made())
    html = read(compared(reported(tmp_path / "now", made()), read_earlier(before)))
    assert "Not worse" in found(html, ".verdict.better").text()
    assert html.css("tr.worse, #broken, #fixed") == []


def test_other_cases_are_compared_one_by_one_and_their_figures_are_not(tmp_path: Path) -> None:
    before = saved(tmp_path / "before", made())
    now = made(CASES[:2], {"a": answer("yes", SELL)}, data_sha256="other")
    html = read(compared(reported(tmp_path / "now", now), read_earlier(before)))
    assert "Of the 2 cases that both have, 1 broke" in found(html, ".verdict").text()
    assert html.css(".figures .change") == []


def test_engines_stand_side_by_side(tmp_path: Path) -> None:
    other = made(engine="ollama:x", given={"a": answer("yes", SELL)})
    folder = side_by_side(tmp_path, made(), other, failed={"openai:z": "It cannot be reached."})
    html = read(read_report(folder))
    assert texts(html, ".heads span:first-child") == ["extractive", "ollama:x"]
    assert texts(html, ".figures thead th.number") == ["extractive", "ollama:x"]
    assert texts(html, "#wrong .answer .who") == ["extractive", "ollama:x"]
    assert "It cannot be reached." in found(html, "#headline .note").text()


def test_a_question_about_all_policies_is_told_policy_by_policy(tmp_path: Path) -> None:
    html = read(reported(tmp_path, made([CASES[0], about_all("e")], {"e": answer("no", SELL)})))
    shown = next(each for each in html.css("#wrong details.case") if each.css_first(".id").text() == "e")  # type: ignore[union-attr]
    assert "an answer for each policy" in found(shown, ".meta").text()
    assert texts(shown, ".answer tbody th")[0] == STEM


def test_very_many_wrong_cases_are_shown_in_part_and_it_is_said(tmp_path: Path) -> None:
    cases = [dataclasses.replace(CASES[0], id=f"case {n}") for n in range(MOST_CASES + 10)]
    wrong = {each.id: answer("yes", SELL) for each in cases}
    html = read(reported(tmp_path, made(cases, wrong)))
    assert len(html.css("#wrong details.case")) == MOST_CASES
    assert len(html.css("#wrong table.lines tbody tr")) == 10
    assert f"the first {MOST_CASES} whole" in found(html, "#wrong > .note").text()


def test_what_is_endless_is_cut(tmp_path: Path) -> None:
    long = dataclasses.replace(answer("yes", SELL), text="word " * 5_000, warnings=("w" * 20_000,) * 20)
    asked = dataclasses.replace(CASES[0], history=("h" * 20_000,) * 20, question="q" * 20_000)
    assert len(page(reported(tmp_path, made([asked], {"a": long})))) < 120_000


def test_a_run_without_texts_is_reported_without_them(tmp_path: Path) -> None:
    saved(tmp_path, made(given={"a": answer("yes", SELL)}))
    (tmp_path / "policies.json").unlink()
    html = read(read_report(tmp_path))
    assert html.css(".policy-text") == []
    assert any("did not keep the policies’ texts" in note for note in texts(html, "main > .note"))


def test_tables_have_captions_and_headings_come_in_order(tmp_path: Path) -> None:
    html = read(reported(tmp_path, made(given={"a": answer("yes", SELL), "b": "nobody there"})))
    assert [table.html for table in html.css("table") if table.css_first("caption") is None] == []
    assert [heading.html for heading in html.css("thead th") if "scope" not in heading.attributes] == []
    levels = [int(node.tag[1]) for node in html.css("h1, h2, h3, h4")]
    assert levels[0] == 1
    assert all(later <= earlier + 1 for earlier, later in pairwise(levels))


def test_the_same_run_makes_the_same_page(tmp_path: Path) -> None:
    report = reported(tmp_path, made(given={"a": answer("yes", SELL)}))
    assert page(report) == page(report)
