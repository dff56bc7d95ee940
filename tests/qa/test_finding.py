from __future__ import annotations

import datetime as dt
import random
import string
import time

import pytest

from qa.domain import PolicyCard
from qa.finding import Finder, read_scope


def card(domain: str, date: str, company: str, *aliases: str) -> PolicyCard:
    return PolicyCard(f"{domain}@{date}", domain, dt.date.fromisoformat(date), company, aliases)


CARDS = (
    card("foxglove.org", "2012-01-01", "Foxglove Trust"),
    card("foxglove.org", "2023-05-06", "Foxglove"),
    card("foxglove.org", "2018-03-04", "Foxglove"),
    card("redfox.com", "2012-02-03", "Red Fox"),
    card("fox.com", "2011-01-01", "Fox"),
    card("elan.fr", "2012-05-05", "Élan"),
    card("9lives.net", "2020-01-01", "9 Lives", "nine lives"),
)
FINDER = Finder(CARDS)


def companies(query: str) -> list[str]:
    return [site.newest.company for site in FINDER.sites(query)]


def test_a_whole_name_comes_before_one_that_begins_so_and_that_before_a_later_word() -> None:
    assert companies("fox") == ["Fox", "Foxglove", "Red Fox"]


def test_a_site_is_found_once_with_all_its_versions_newest_first() -> None:
    (site,) = FINDER.sites("foxglove")
    assert [version.archived_on.year for version in site.versions] == [2023, 2018, 2012]


def test_a_former_name_finds_the_site() -> None:
    assert companies("foxglove trust") == ["Foxglove"]


@pytest.mark.parametrize("query", ["nine lives", "9lives", "9 LIVES", "9lives.net", "2020-01"])
def test_alias_domain_and_date_find_it_too(query: str) -> None:
    assert companies(query) == ["9 Lives"]


@pytest.mark.parametrize("query", ["foxgolve", "foxgl0v", "Foxgove"])
def test_a_slip_of_the_finger_still_finds_it_even_before_the_word_is_finished(query: str) -> None:
    assert companies(query)[0] == "Foxglove"


@pytest.mark.parametrize("query", ["zzzzzz", "<script>", "x" * 10_000, "\x00", "%", ".*"])
def test_what_resembles_nothing_finds_nothing(query: str) -> None:
    assert companies(query) == []


def test_sites_can_be_kept_to_a_letter_a_year_or_several_versions() -> None:
    assert [site.newest.company for site in FINDER.sites(letter="E")] == ["Élan"]
    assert [site.newest.company for site in FINDER.sites(letter="#")] == ["9 Lives"]
    assert [site.newest.id for site in FINDER.sites(year=2012)] == [
        "foxglove.org@2012-01-01",
        "redfox.com@2012-02-03",
        "elan.fr@2012-05-05",
    ]
    assert [site.newest.domain for site in FINDER.sites(several=True)] == ["foxglove.org"]


def test_the_catalogue_counts_what_the_filters_find() -> None:
    catalogue = FINDER.catalogue
    assert (catalogue.policies, catalogue.sites) == (len(CARDS), 5)
    assert catalogue.several == len(FINDER.sites(several=True))
    assert list(catalogue.letters) == ["E", "F", "R", "#"]
    assert catalogue.letters == {letter: len(FINDER.sites(letter=letter)) for letter in catalogue.letters}
    assert list(catalogue.years) == sorted(catalogue.years, reverse=True)
    assert sum(catalogue.years.values()) == len(CARDS)


def test_scopes_name_sites_once_each_and_unknown_ones_are_left_out() -> None:
    scopes = ["fox.com", "foxglove.org@2018-03-04", "foxglove.org", "foxglove.org@1999-01-01", "nobody.example"]
    assert [site.newest.domain for site in FINDER.sites_of(scopes)] == ["fox.com", "foxglove.org"]
    assert FINDER.sites_of(["foxglove.org@1999-01-01"]) == ()


@pytest.mark.parametrize(
    "scope", ["foxglove.org@2018-03-04", "foxglove.org__2018-03-04", "foxglove.org__2018-03-04.md"]
)
def test_an_id_and_a_file_stem_say_domain_and_date(scope: str) -> None:
    read = read_scope(scope)
    assert (read.domain, read.date) == ("foxglove.org", "2018-03-04")


def test_nothing_indexed_is_nothing_to_browse() -> None:
    empty = Finder(())
    assert empty.sites() == ()
    assert empty.search("fox") == ()
    assert empty.catalogue.letters == {}


def test_a_keystroke_over_ten_thousand_policies_is_answered_at_once() -> None:
    chance = random.Random(7)
    names = ["".join(chance.choices(string.ascii_lowercase, k=chance.randint(4, 18))) for _ in range(10_000)]
    finder = Finder([card(f"{name}.com", "2015-05-05", name.title(), name) for name in names])
    finder.sites("warm")
    took = []
    for query in ("a", "ab", "abc", names[77][:5], names[99], "no such name", names[5].replace("e", "o")):
        began = time.process_time()
        finder.sites(query)
        took.append(time.process_time() - began)
    assert max(took) < 0.05
