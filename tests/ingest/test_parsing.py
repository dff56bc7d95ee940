from __future__ import annotations

import contextlib
import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.parsing import _READERS, Hints, normal_domain, parse, read, stated_day
from ingest.sources import SUFFIXES, Source
from qa.errors import PolicyRefused
from tests.ingest.making import HEADER, POLICY, source

URL = "https://web.archive.org/web/20110306id_/http%3A//acme.example/privacy_(old)"
HEAD = HEADER.format(domain="acme.example", date="2011-03-06", url=URL)


def test_the_header_gives_domain_date_and_link_and_is_not_part_of_the_text() -> None:
    policy = parse(source(HEAD + POLICY, "anything.md"))
    assert policy.id == "acme.example@2011-03-06"
    assert policy.url == URL
    assert policy.text == POLICY
    assert policy.provenance["domain"] == policy.provenance["archived_on"] == policy.provenance["url"] == "header"


def test_front_matter_gives_them_where_there_is_no_header() -> None:
    front = '---\nsite: WWW.Acme.example\ndate: "2012-01-02"\nurl: http://acme.example/p\ncompany: Acme Tools\n---\n\n'
    policy = parse(source(front + POLICY, "x.md"))
    assert (policy.id, policy.url, policy.company) == ("acme.example@2012-01-02", "http://acme.example/p", "Acme Tools")
    assert policy.text == POLICY
    assert set(policy.provenance.values()) == {"front matter"}


def test_a_rule_at_the_top_is_no_front_matter() -> None:
    text = "---\nNote: this is ours\n---\n" + POLICY
    assert parse(source(text)).text == text


def test_the_file_name_gives_them_else() -> None:
    policy = parse(source(name="folder/acme.example__2020-02-03.md"))
    assert policy.id == "acme.example@2020-02-03"
    assert policy.provenance["archived_on"] == "file name"


def test_options_win_over_the_header_and_that_over_the_file_name() -> None:
    policy = parse(source(HEAD + POLICY), Hints(archived_on=dt.date(2001, 1, 1), company="ACME"))
    assert policy.id == "acme.example@2001-01-01"
    assert policy.company == "ACME"
    assert dict(policy.provenance) == {
        "domain": "header",
        "archived_on": "option",
        "company": "option",
        "url": "header",
    }


def test_a_line_wins_over_the_header_and_a_commit_over_nothing_but_the_day_of_ingestion() -> None:
    day = dt.date(2012, 5, 6)
    line = Source("all.jsonl:7", (HEAD + POLICY).encode(), record={"archived_on": "2001-01-01"})
    assert parse(line).provenance["archived_on"] == "line"
    commit = Source("acme.example.md@0123abcdef", POLICY.encode(), committed_on=day)
    assert parse(commit).id == "acme.example@2012-05-06"
    assert parse(commit).provenance["archived_on"] == "commit"
    for text, name in ((HEAD + POLICY, "acme.example.md"), (POLICY, "acme.example__2001-01-01.md")):
        dated = Source(name, text.encode(), committed_on=day)
        assert parse(dated).archived_on == stated_day(read(dated)) != day


def test_a_file_into_which_several_sites_policies_were_put_is_flagged() -> None:
    def head(domain: str) -> str:
        return HEADER.format(domain=domain, date="2001-01-01", url="https://web.archive.org/x")

    several = parse(source(f"{head('acme.example')}{POLICY}\n{head('www.beta.example')}{POLICY}"))
    assert several.warnings == (
        "It holds the policies of several sites (acme.example, beta.example); give each a file of its own.",
    )
    assert parse(source(f"{head('acme.example')}{POLICY}\n{head('www.acme.example')}{POLICY}")).warnings == ()


def test_a_policy_without_a_date_takes_the_day_of_ingestion() -> None:
    policy = parse(source(name="acme.example.md"), today=dt.date(2026, 11, 20))
    assert policy.id == "acme.example@2026-11-20"
    assert policy.provenance["archived_on"] == "ingestion"


def test_a_policy_whose_domain_nobody_says_is_refused_saying_how_to_give_it() -> None:
    with pytest.raises(PolicyRefused, match="--domain") as refusal:
        parse(source(name="policy.md"))
    assert refusal.value.reason == "missing_domain"
    assert parse(source(name="policy.md"), Hints(domain="https://www.Acme.example/p")).domain == "acme.example"


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "http://", "https://acme.example/\u202e", 'https://a.example/"><b>', "data:text/html,x"],
)
def test_a_link_that_is_not_safe_to_show_is_dropped(url: str) -> None:
    assert parse(source(HEADER.format(domain="acme.example", date="2011-03-06", url=url) + POLICY)).url is None


def test_an_impossible_date_is_passed_over() -> None:
    head = HEADER.format(domain="acme.example", date="2011-13-45", url=URL)
    assert parse(source(head + POLICY)).archived_on == dt.date(2020, 2, 3)  # the file name's


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"\xef\xbb\xbfWe\r\nuse\rit", "We\nuse\nit"),
        ("“We”".encode("cp1252"), "“We”"),
        ("\ufeffWe use".encode("utf-16-le"), "We use"),
    ],
)
def test_text_is_decoded_and_line_ends_are_one(data: bytes, text: str) -> None:
    assert read(Source("a.md", data)).text == text


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(PolicyRefused) as refusal:
        read(Source("a.md", b"\x81\x8d\xff"))
    assert refusal.value.reason == "not_text"


def test_every_suffix_has_a_reader() -> None:
    assert set(_READERS) == set(SUFFIXES)


@pytest.mark.parametrize(
    ("written", "domain"),
    [
        ("HTTPS://www.Acme.co.uk:80/x?y", "acme.co.uk"),
        ("acme.example.", "acme.example"),
        ("bücher.example", "bücher.example"),
        ("acme", None),
        ("../etc.passwd/x", None),
        ("a b.example", None),
        ("", None),
    ],
)
def test_domains_are_normal_or_none(written: str, domain: str | None) -> None:
    assert normal_domain(written) == domain


@given(st.binary(max_size=300))
def test_no_bytes_break_reading(data: bytes) -> None:
    with contextlib.suppress(PolicyRefused):
        assert "\r" not in read(Source("a.md", data)).text


@given(st.text(max_size=200).filter(lambda text: not text.lstrip().startswith(("---", "> *The", "\ufeff"))))
def test_text_without_header_is_kept_as_it_is(text: str) -> None:
    unix = text.replace("\r\n", "\n").replace("\r", "\n")
    assert read(Source("a.md", text.encode("utf-8", "replace"))).text == unix.encode("utf-8", "replace").decode()
