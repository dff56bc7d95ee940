from __future__ import annotations

import datetime as dt
import io
import json
from typing import Any

import pytest

from ingest.lines import read_lines
from ingest.origin import Source, Unread
from ingest.parsing import Hints, parse, read
from qa.errors import PolicyRefused
from tests.ingest.making import HEADER, POLICY


def found(*lines: bytes | dict[str, Any]) -> list[Source | Unread]:
    written = b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
    return list(read_lines("all.jsonl", io.BytesIO(written)))


def one(**said: Any) -> Source:
    (source,) = found({"text": POLICY, **said})
    assert isinstance(source, Source), source
    return source


def refused(line: bytes | dict[str, Any]) -> PolicyRefused:
    (unread,) = found(line)
    assert isinstance(unread, Unread)
    assert unread.name == "all.jsonl:1"
    assert "\n" not in str(unread.refusal)
    return unread.refusal


def test_a_line_is_a_policy_with_what_stands_beside_its_text() -> None:
    url = "https://acme.example/privacy"
    policy = parse(one(domain="acme.example", date="2020-02-03", company="Acme Tools", url=url, pages=[7]))
    assert policy.id == "acme.example@2020-02-03"
    assert (policy.company, policy.url, policy.text) == ("Acme Tools", url, POLICY)
    assert dict(policy.provenance) == dict.fromkeys(("domain", "archived_on", "company", "url"), "line")


def test_front_matters_names_for_the_fields_are_understood_too() -> None:
    policy = parse(one(site="acme.example", archived_on="2020-02-03", source="https://acme.example/p"))
    assert (policy.id, policy.url) == ("acme.example@2020-02-03", "https://acme.example/p")


def test_a_source_that_is_no_address_is_not_taken_for_one() -> None:
    assert parse(one(domain="acme.example", source="crawl 7", url="https://acme.example/p")).url is not None


def test_the_line_wins_over_the_text_and_the_user_over_the_line() -> None:
    text = HEADER.format(domain="other.example", date="2001-01-01", url="https://other.example") + POLICY
    source = one(text=text, domain="acme.example", date="2020-02-03")
    assert parse(source).id == "acme.example@2020-02-03"
    assert parse(source, Hints(domain="mine.example")).id == "mine.example@2020-02-03"
    assert parse(one(text=text)).id == "other.example@2001-01-01"


def test_the_domain_and_the_date_may_be_left_to_the_address() -> None:
    assert parse(one(url="https://www.acme.example/privacy?x"), today=dt.date(2024, 1, 2)).id == (
        "acme.example@2024-01-02"
    )
    snapshot = "https://web.archive.org/web/20110306120000id_/http://www.acme.example:80/privacy"
    policy = parse(one(url=snapshot))
    assert (policy.id, policy.url) == ("acme.example@2011-03-06", snapshot)
    assert parse(one(url=snapshot, date="2012-01-01")).id == "acme.example@2012-01-01"


def test_the_files_name_says_nothing_of_its_lines() -> None:
    (source,) = read_lines("acme.example__2020-02-03.jsonl", io.BytesIO(json.dumps({"text": POLICY}).encode()))
    assert isinstance(source, Source)
    with pytest.raises(PolicyRefused, match='give the line a "domain"') as error:
        parse(source)
    assert error.value.reason == "missing_domain"


@pytest.mark.parametrize(
    ("written", "meant"),
    [("2011-03-06T23:59:00Z", "2011-03-06"), ("2011-03-06 10:00", "2011-03-06"), ("20110306120000", "2011-03-06")],
)
def test_dates_may_have_a_time(written: str, meant: str) -> None:
    assert parse(one(domain="acme.example", date=written)).archived_on.isoformat() == meant


def test_a_page_is_read_as_one_and_as_utf8_whatever_it_says_of_itself() -> None:
    page = "<meta charset=windows-1251><h1>Café policy</h1><p>We collect “data”.</p>"
    (source,) = found({"html": page, "domain": "acme.example"})
    assert isinstance(source, Source)
    assert source.suffix == ".html"
    assert "# Café policy" in read(source).text
    assert "“data”" in read(source).text


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"not json", "no JSON"),
        (b'{"text": "cut', "no JSON"),
        (b"[" * 100_000 + b"1", "JSON"),
        (b'{"text": ' + b"9" * 5_000 + b"}", "no JSON"),
        (b'"text"', "no JSON object"),
        (b'{"text": "\xff"}', "not in UTF-8"),
        ({"domain": "acme.example"}, 'neither "text" nor "html"'),
        ({"text": ["a"]}, '"text" is not text'),
        ({"text": POLICY, "domain": "no domain"}, '"domain" is no domain'),
        ({"text": POLICY, "domain": 7}, '"domain" is no domain'),
        ({"text": POLICY, "date": "last year"}, '"date" is no date'),
        ({"text": POLICY, "date": 2020}, '"date" is no date'),
    ],
)
def test_a_line_that_cannot_be_meant_is_refused_saying_how_it_should_be(line: Any, said: str) -> None:
    if isinstance(line, bytes) and line.startswith(b"["):
        line = b" " + line  # a list is told apart by its first character
    assert said in str(refused(line))


def test_bad_lines_are_told_by_their_number_and_the_rest_goes_on() -> None:
    several = found({"text": "a"}, b"", b"  ", b"oops", {"text": "b"})
    assert [(each.name, isinstance(each, Source)) for each in several] == [
        ("all.jsonl:1", True),
        ("all.jsonl:4", False),
        ("all.jsonl:5", True),
    ]


def test_a_line_too_long_to_be_read_is_passed_without_being_held() -> None:
    several = found({"text": "a"}, b"x" * (9 << 20), {"text": "b"})
    assert [isinstance(each, Source) for each in several] == [True, False, True]
    assert "more than 8 MB" in str(several[1].refusal)  # type: ignore[union-attr]


def test_a_mark_at_the_start_and_letters_that_are_half_do_no_harm() -> None:
    (source,) = found(b'\xef\xbb\xbf{"text": "a \\ud800 b"}')
    assert isinstance(source, Source)
    assert read(source).text == "a ? b"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (json.dumps([{"text": "a"}]).encode(), "one JSON document"),
        (json.dumps({"text": "a"}, indent=1).encode(), "one JSON document"),
        (json.dumps({"text": "a"}).encode("utf-16"), "must be in UTF-8"),
    ],
)
def test_a_file_of_another_form_is_refused_once(written: bytes, said: str) -> None:
    (unread,) = read_lines("all.jsonl", io.BytesIO(written))
    assert isinstance(unread, Unread)
    assert unread.name == "all.jsonl"
    assert said in str(unread.refusal)


def test_lines_are_read_as_they_are_wanted() -> None:
    class Endless(io.RawIOBase):
        """Lines without end."""

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any, /) -> int:
            data = (b'{"text": "a"}\n' * (len(buffer) // 14 + 1))[: len(buffer) // 14 * 14]
            buffer[: len(data)] = data
            return len(data)

    lines = read_lines("all.jsonl", io.BufferedReader(Endless()))
    assert [next(lines).name for _ in range(3)] == ["all.jsonl:1", "all.jsonl:2", "all.jsonl:3"]
