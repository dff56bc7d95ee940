from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import ValidationError

from qa.domain import Question, as_json
from qa.errors import FineprintError, UnknownScope, UsageError
from tests.qa.making import indexed
from tests.ui.fakes import PreparedAnswers
from ui.tools import READ_AT_ONCE, TOOLS, Result, Step, faults_of

BY_NAME = {tool.name: tool for tool in TOOLS}
PERRICONE = "does Perricone MD share my data?"
PEOPLE = "freepeople.com@2006-12-05"
OLD, NEW = dt.date(2006, 12, 5), dt.date(2011, 3, 6)


@pytest.fixture(scope="module")
def acme() -> PreparedAnswers:
    """A site with two versions."""
    versions = (
        indexed("We use cookies here.", "Faxes are read daily.", archived_on=OLD),
        indexed("We never use cookies here.", "Robots greet you.", archived_on=NEW),
    )
    return PreparedAnswers({source.policy.id: source for source in versions})


def run(answers: PreparedAnswers, name: str, **arguments: Any) -> tuple[list[Step], Result]:
    """A tool's steps and its result, checked for its form."""
    tool = BY_NAME[name]
    *steps, result = tool.run(answers, tool.arguments.model_validate(arguments))
    assert isinstance(result, Result)
    tool.result.model_validate(result.data)
    json.dumps(result.data)
    return [step for step in steps if isinstance(step, Step)], result


def citations(data: Any) -> list[Mapping[str, Any]]:
    """Everything in a result that is a citation, wherever it stands."""
    if isinstance(data, Mapping):
        found = [data] if {"quote", "start", "end", "policy_id"} <= set(data) else []
        return found + [each for value in data.values() for each in citations(value)]
    return [each for value in data for each in citations(value)] if isinstance(data, list) else []


def test_asking_gives_the_answer_that_the_service_gives_and_tells_of_each_stage(answers: PreparedAnswers) -> None:
    steps, result = run(answers, "ask_policy", question=PERRICONE)
    assert result.data == as_json(answers.ask(Question(PERRICONE)))
    assert [step.done for step in steps] == [1, 2]
    assert "84 sentences of perriconemd.com@2011-03-06" in steps[-1].message


def test_scope_date_and_history_reach_the_service(answers: PreparedAnswers) -> None:
    run(answers, "ask_policy", question="do they rent it?", scope=" freepeople.com ", as_of=2008, history='["one?"]')
    asked = answers.asked[-1]
    assert (asked.scope, asked.as_of, asked.history) == ("freepeople.com", dt.date(2008, 12, 31), ("one?",))


def test_what_is_left_out_may_be_null_or_empty(answers: PreparedAnswers) -> None:
    run(answers, "ask_policy", question=PERRICONE, scope=None, as_of="", history=None)
    assert answers.asked[-1] == Question(PERRICONE)


def test_a_comparison_tells_of_each_policy_and_keeps_one_that_failed_apart(answers: PreparedAnswers) -> None:
    answers.broken.add("malleries.com@2012-10-04")
    scopes = ["freepeople.com", "malleries.com", "exofficio.com"]
    steps, result = run(answers, "compare_policies", question="does it sell my data?", scopes=scopes)
    assert [(step.done, step.total) for step in steps] == [(1, 3), (2, 3), (3, 3)]
    assert [entry["domain"] for entry in result.data["entries"]] == ["freepeople.com", "exofficio.com"]
    assert [entry["domain"] for entry in result.data["failed"]] == ["malleries.com"]
    assert "which is not silence" in result.text


def test_every_quote_of_every_tool_is_in_its_policy_where_it_says(
    answers: PreparedAnswers, acme: PreparedAnswers
) -> None:
    found = 0
    for service, name, arguments in (
        (answers, "ask_policy", {"question": PERRICONE}),
        (answers, "ask_policy", {"question": "how long do they keep it?"}),
        (answers, "ask_policy", {"question": "which of these sell it?"}),
        (answers, "compare_policies", {"question": "x", "scopes": ["freepeople.com", "perriconemd.com"]}),
        (answers, "policy_label", {"scope": "perriconemd.com"}),
        (acme, "policy_changes", {"scope": "acme.com"}),
    ):
        _, result = run(service, name, **arguments)
        cited = citations(result.data)
        assert cited, name
        for each in cited:
            text = service.policy(each["policy_id"]).policy.text
            assert text[each["start"] : each["end"]] == each["quote"]
        found += len(cited)
    assert found > 10


def test_sites_are_found_with_their_versions_newest_first(acme: PreparedAnswers, answers: PreparedAnswers) -> None:
    _, result = run(acme, "find_policy", query="acme")
    (site,) = result.data["sites"]
    assert [version["archived_on"] for version in site["versions"]] == ["2011-03-06", "2006-12-05"]
    assert result.data["total"] == 1
    assert "acme.com@2006-12-05" in result.text
    _, page = run(answers, "find_policy", limit=2, offset=1)
    assert (len(page.data["sites"]), page.data["total"]) == (2, 4)
    _, none = run(answers, "find_policy", query="nosuch")
    assert "Nothing is known here" in none.text


def test_reading_without_a_place_gives_the_beginning_and_the_contents(answers: PreparedAnswers) -> None:
    _, result = run(answers, "read_policy_section", policy="perriconemd.com")
    source = answers.policy("perriconemd.com")
    assert result.data["start"] == 0
    assert result.data["text"] == source.policy.text[: result.data["end"]]
    assert [each["n"] for each in result.data["contents"]] == [each.n for each in source.passages]


def test_reading_on_gives_the_whole_policy_and_never_too_much_at_once() -> None:
    long = indexed(*(f"Sentence number {n} says nothing of interest to anybody." for n in range(600)))
    answers = PreparedAnswers({long.policy.id: long})
    read, start = "", 0
    for _ in range(20):
        _, result = run(answers, "read_policy_section", policy=long.policy.id, start=start)
        assert len(result.data["text"]) <= READ_AT_ONCE
        read += result.data["text"]
        if (start := result.data["next_start"]) is None:
            break
        assert f"start {start}" in result.text
    assert read == long.policy.text


def test_a_section_is_found_by_its_heading_a_part_of_it_and_as_a_citation_names_it(answers: PreparedAnswers) -> None:
    source = answers.policy("perriconemd.com")
    passage = next(each for each in source.passages if "How We Use" in "".join(each.section))
    for section in (passage.section[-1], " › ".join(passage.section), "HOW WE USE your"):
        _, result = run(answers, "read_policy_section", policy="perriconemd.com", section=section)
        assert result.data["text"] == source.policy.text[passage.start : passage.end]
    _, numbered = run(answers, "read_policy_section", policy="perriconemd.com", passage=passage.n)
    assert numbered.data["text"] == result.data["text"]
    _, exact = run(answers, "read_policy_section", policy="perriconemd.com", start=passage.start, end=passage.end)
    assert exact.data["text"] == result.data["text"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"section": "no such heading"}, "no section called so. Its sections: passage 0"),
        ({"section": "e"}, "several sections called so"),
        ({"passage": 10_000}, "has passages 0 to"),
        ({"start": 10_000_000}, "There is no text from 10000000"),
        ({"start": 50, "end": 50}, "There is no text from 50 to 50"),
        ({"start": 50, "passage": 1}, "Give one of section, passage and start"),
    ],
)
def test_a_place_that_is_not_there_is_said_with_those_that_are(
    answers: PreparedAnswers, arguments: dict[str, Any], says: str
) -> None:
    with pytest.raises(UsageError, match=says):
        run(answers, "read_policy_section", policy="perriconemd.com", **arguments)


def test_changes_are_paged_and_counted(acme: PreparedAnswers) -> None:
    _, whole = run(acme, "policy_changes", scope="acme.com")
    assert [change["kind"] for change in whole.data["changes"]] == ["reworded", "removed", "added"]
    _, first = run(acme, "policy_changes", scope="acme.com", limit=1)
    _, second = run(acme, "policy_changes", scope="acme.com", limit=1, offset=1)
    assert first.data["changes"] + second.data["changes"] == whole.data["changes"][:2]
    assert first.data["total"] == whole.data["total"]
    assert "call again with offset 1" in first.text
    _, past = run(acme, "policy_changes", scope="acme.com", offset=99)
    assert past.data["changes"] == []
    _, about = run(acme, "policy_changes", scope="acme.com@2011-03-06", since="2006-12-05", about="cookies")
    assert 0 < about.data["total"] < whole.data["total"]


def test_a_site_of_one_version_has_no_changes_and_that_is_said(answers: PreparedAnswers) -> None:
    with pytest.raises(UsageError, match=r"Only one version of freepeople\.com"):
        run(answers, "policy_changes", scope="freepeople.com")


@pytest.mark.parametrize("name", ["read_policy_section", "policy_changes", "policy_label", "ask_policy"])
@pytest.mark.parametrize(
    "scope", ["nosuch.example", "../../etc/passwd", "a\r\nSet-Cookie: b", "\x00", "%2e%2e", "freepeople.com@1999-01-01"]
)
def test_a_scope_that_is_not_indexed_is_an_expected_failure(answers: PreparedAnswers, name: str, scope: str) -> None:
    where = "policy" if name == "read_policy_section" else "scope"
    more = {"question": PERRICONE} if name == "ask_policy" else {}
    with pytest.raises(UnknownScope):
        run(answers, name, **{where: scope}, **more)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("ask_policy", {}),
        ("ask_policy", {"question": 7}),
        ("ask_policy", {"question": ["secret"]}),
        ("ask_policy", {"question": "secret", "scop": "secret"}),
        ("ask_policy", {"question": "x", "history": ["secret"] * 101}),
        ("ask_policy", {"question": "x", "history": "secret"}),
        ("ask_policy", {"question": "x", "history": "[" * 100_000 + "secret"}),
        ("ask_policy", {"question": "half a \ud800 character, secret"}),
        ("ask_policy", {"question": "x", "scope": "secret" * 100}),
        ("compare_policies", {"question": "x", "scopes": ["secret"]}),
        ("compare_policies", {"question": "x", "scopes": {"secret": 1}}),
        ("find_policy", {"query": "x", "limit": 1_000}),
        ("find_policy", {"query": "x", "offset": -1}),
        ("read_policy_section", {"policy": ""}),
        ("read_policy_section", {"policy": "x", "passage": "secret"}),
        ("policy_changes", {"scope": None}),
    ],
)
def test_wrong_arguments_are_named_and_not_repeated(name: str, arguments: dict[str, Any]) -> None:
    tool = BY_NAME[name]
    with pytest.raises(ValidationError) as caught:
        tool.arguments.model_validate(arguments)
    line = faults_of(tool, caught.value)
    assert line.startswith(f"Wrong arguments for {name}: ")
    assert line.endswith(f"It takes {', '.join(tool.arguments.model_fields)}.")
    assert "\n" not in line
    assert "secret" not in line


@pytest.mark.parametrize("as_of", ["yesterday", "2008-13", "0", True])
def test_a_date_that_is_none_is_refused(answers: PreparedAnswers, as_of: Any) -> None:
    with pytest.raises((FineprintError, ValidationError)):
        run(answers, "ask_policy", question=PERRICONE, as_of=as_of)


def test_every_argument_is_described_and_bounded() -> None:
    for tool in TOOLS:
        schema = tool.arguments.model_json_schema()
        assert schema["additionalProperties"] is False
        for name, argument in schema["properties"].items():
            assert argument.get("description"), (tool.name, name)
            assert name == "question" or {"maxLength", "maximum", "anyOf", "minimum"} & set(argument), (tool.name, name)
