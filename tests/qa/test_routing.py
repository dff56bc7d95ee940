"""Routing: who is asked about, which version, and what is left to search for."""

from __future__ import annotations

import datetime as dt
import time
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa.domain import PolicyCard, Question, Route, Status
from qa.errors import UnknownScope
from qa.routing import Router, find_scope, search_cards


def card(domain: str, date: str, company: str, *aliases: str) -> PolicyCard:
    return PolicyCard(f"{domain}@{date}", domain, dt.date.fromisoformat(date), company, aliases)


SAMPLES = (
    card("exofficio.com", "2014-05-30", "ExOfficio", "exofficio.com", "exofficio"),
    card("freepeople.com", "2006-12-05", "Free People", "freepeople.com", "free people"),
    card("malleries.com", "2012-10-04", "Malleries", "malleries.com"),
    card("perriconemd.com", "2011-03-06", "Perricone MD", "perriconemd.com", "perricone"),
)
CARDS = (
    *SAMPLES,
    card("foxglovenews.com", "2012-10-04", "Foxglove News"),
    card("foxglovenews.com", "2018-07-04", "Foxglove News"),
    card("foxglovenews.com", "2023-08-09", "Foxglove News"),
    card("wire.com", "2023-05-12", "Wire"),
    card("target.com", "2020-01-01", "Target"),
    card("goodreads.com", "2020-01-01", "Goodreads"),
    card("mirror.co.uk", "2025-09-23", "Mirror"),
    card("morganstate.edu", "2021-01-04", "Morganstate"),
    card("ztu.org", "2019-01-01", "Zibbledorp Trade Union"),
    card("kandoora.com", "2019-01-01", "Kandoora"),
    card("kandoora.org", "2018-01-01", "Kandoora"),
)
ROUTER = Router(CARDS)


def ask(text: str, *history: str, router: Router = ROUTER, scope: str | None = None, as_of: str | None = None) -> Route:
    day = dt.date.fromisoformat(as_of) if as_of else None
    return router.route(Question(text, history, scope, day))


def domains(route: Route) -> list[str]:
    return [policy.split("@")[0] for policy in route.policies]


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("does Perricone MD share my data?", "perriconemd.com"),
        ("Does Perricone's site use cookies?", "perriconemd.com"),
        ("perricone md data sharing", "perriconemd.com"),
        ("what does perriconemd.com keep", "perriconemd.com"),
        ("https://www.PerriconeMD.com/privacy - what do they keep?", "perriconemd.com"),
        ("does shop.perriconemd.com track me", "perriconemd.com"),
        ("does free people sell my email address?", "freepeople.com"),
        ("Does free people sell my email address?", "freepeople.com"),
        ("DOES FREE PEOPLE SELL MY EMAIL?", "freepeople.com"),
        ("Does Free People Sell My Email?", "freepeople.com"),
        ("FreePeople email list", "freepeople.com"),
        ("is free-people tracking me?", "freepeople.com"),
        ("who can see my free people account?", "freepeople.com"),
        ("what is free people's privacy policy on kids", "freepeople.com"),
        ("is my card safe at ex officio?", "exofficio.com"),
        ("Does Ex Officio keep my card number?", "exofficio.com"),
        ("does exofficio keep my card number online?", "exofficio.com"),
        ("perricon md cookies", "perriconemd.com"),
        ("does mallerys sell data", "malleries.com"),
        ("mallereis newsletter", "malleries.com"),
        ("does exoficio share my info", "exofficio.com"),
        ("Does Fox Glove News track me", "foxglovenews.com"),
        ("can staff at wire read the chats i send?", "wire.com"),
        ("Can other people on Wire see my email address?", "wire.com"),
        ("does target sell my info", "target.com"),
        ("can Target's app see my location?", "target.com"),
        ("mirror privacy policy", "mirror.co.uk"),
        ("is goodreads selling what I read?", "goodreads.com"),
        ("does zibbledorp keep members' addresses?", "ztu.org"),
        ("Does Wire share my data with Facebook?", "wire.com"),
        ("Does Free People share my email with Malleries?", "freepeople.com"),
    ],
)
def test_a_company_is_found_however_it_is_written(text: str, domain: str) -> None:
    route = ask(text)
    assert domains(route) == [domain]
    assert route.status is None
    assert route.named


@pytest.mark.parametrize(
    "text",
    [
        "does it free people from tracking?",
        "do they free people from tracking?",
        "Does it free people from tracking?",
        "can cookies free people from tracking",
        "is there a way to free people from ads",
        "do they wire money",
        "is money sent by wire?",
        "Do they wire the refund to my bank account?",
        "do ads target kids",
        "is my child a target of the ads?",
        "will you goodread my mail",
        "will you google my name",
        "is there a mirror of my data",
        "do you mirror my data",
        "is my adress shared with third partys",
        "do you share my data?",
        "and does it share my email with Facebook?",
        "do you use Google Analytics",
        "does COPPA apply to this site?",
        "can the FBI get my data",
        "is my iPhone location tracked",
        "does Safari block your cookies?",
        "I live in California, what are my rights?",
        "can i pay with PayPal or Visa?",
        "Is there a Facebook like button on your pages?",
        "does DoubleClick set a cookie here?",
        "how long do you keep logs",
    ],
)
def test_a_word_that_is_a_brand_or_a_third_party_captures_nothing(text: str) -> None:
    route = ask(text)
    assert route.status == Status.NEEDS_COMPANY
    assert route.policies == ()
    assert route.choices


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("does Amazon share my data?", "Amazon"),
        ("does amazon share my data?", "amazon"),
        ("is netflix.com tracking me", "netflix.com"),
        ("what does tiktok do with my info", "tiktok"),
        ("Does Wells Fargo keep my SSN?", "Wells Fargo"),
        ("how long does Spotify keep my data?", "Spotify"),
        ("What is Airbnb's privacy policy?", "Airbnb"),
        ("spotify privacy policy kids", "spotify"),
        ("can i delete my data at www.airbnb.com", "www.airbnb.com"),
        ("Will SpaceShed sell my address?", "SpaceShed"),
        ("is zapposs.com tracking me?", "zapposs.com"),
        ("Does Zibbledorp Stanley share my data?", "Zibbledorp Stanley"),
    ],
)
def test_a_company_that_is_not_indexed_is_said_to_be_unknown(text: str, named: str) -> None:
    route = ask(text)
    assert route.status == Status.UNKNOWN_COMPANY
    assert route.named == named
    assert route.policies == ()
    assert 1 <= len(route.choices) <= 5


@pytest.mark.parametrize(
    "text", ["does Amazon share my data?", "is netflix.com tracking me", "Will SpaceShed sell my address?"]
)
@pytest.mark.parametrize(
    "router", [Router(SAMPLES[:1]), Router(CARDS, scope="exofficio.com")], ids=["only one", "site's own"]
)
def test_where_only_one_company_is_in_question_another_is_still_unknown(router: Router, text: str) -> None:
    assert ask(text, router=router).status == Status.UNKNOWN_COMPANY


@pytest.mark.parametrize(
    "text",
    [
        "Does anybody outside Public Works get my card number?",
        "Does the Department of Public Works sell my address?",
        "would the County of Plum keep my address?",
        "Is my address safe with the CPDPW?",
    ],
)
def test_a_long_name_is_found_by_its_beginning_its_end_and_its_initials(text: str) -> None:
    router = Router((*CARDS, card("plum.example", "2020-01-01", "County of Plum Department of Public Works")))
    assert domains(ask(text, router=router)) == ["plum.example"]


def test_a_short_form_that_several_companies_share_means_none_of_them() -> None:
    press = [card(f"{name}.example", "2020-01-01", f"Quillon {name.title()} Press") for name in ("north", "south")]
    assert ask("does Quillon sell my data?", router=Router(press)).status == Status.UNKNOWN_COMPANY


def test_the_nearest_name_comes_first_among_the_choices() -> None:
    assert ask("does Perrinox share my data?").choices[0].scope == "perriconemd.com"


def test_a_name_of_two_companies_is_asked_back() -> None:
    route = ask("does Kandoora share my data?")
    assert route.status == Status.NEEDS_COMPANY
    assert {choice.scope for choice in route.choices} == {"kandoora.com", "kandoora.org"}
    assert domains(ask("does kandoora.org share my data?")) == ["kandoora.org"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("does free people or malleries share more?", ["freepeople.com", "malleries.com"]),
        ("compare Free People and Malleries on cookies", ["freepeople.com", "malleries.com"]),
        ("Does Free People share more than ExOfficio?", ["freepeople.com", "exofficio.com"]),
        ("Free People vs Malleries: who keeps data longer?", ["freepeople.com", "malleries.com"]),
        (
            "Do Free People, Malleries and ExOfficio sell data?",
            ["freepeople.com", "malleries.com", "exofficio.com"],
        ),
    ],
)
def test_companies_named_side_by_side_are_compared(text: str, expected: list[str]) -> None:
    route = ask(text)
    assert route.compare
    assert domains(route) == expected


def test_a_comparison_with_an_unknown_company_says_so() -> None:
    route = ask("does Perricone MD or Amazon share more?")
    assert domains(route) == ["perriconemd.com"]
    assert "Amazon is not indexed" in route.warnings[0]


@pytest.mark.parametrize(
    "text",
    [
        "which of these sites sell my email?",
        "Which sites sell my email?",
        "do any of them share data",
        "who shares the least?",
        "compare all companies on cookies",
        "do all sites keep my card number?",
        "which company keeps data the longest?",
    ],
)
def test_a_question_about_all_compares_the_newest_versions_of_all(text: str) -> None:
    route = ask(text)
    newest = {c.domain: c.id for c in CARDS}  # CARDS has the versions of a company oldest first
    assert route.compare
    assert set(route.policies) == set(newest.values())


@pytest.mark.parametrize(
    "text",
    ["which companies do you share my data with?", "which other companies get my email?", "do all partners see it?"],
)
def test_a_question_about_those_whom_a_site_shares_with_is_not_about_all(text: str) -> None:
    assert not ask(text).compare


@pytest.mark.parametrize("text", ["what's the weather in Paris?", "write me a poem", "tell me a joke", "", "?"])
def test_plain_nonsense_is_out_of_scope(text: str) -> None:
    assert ask(text).status == Status.OUT_OF_SCOPE
    assert ask(text, router=Router(SAMPLES[:1])).status == Status.OUT_OF_SCOPE


def test_the_only_company_is_meant_where_none_is_named() -> None:
    assert ask("do you sell my data?", router=Router(SAMPLES[:1])).policies == ("exofficio.com@2014-05-30",)


def test_an_empty_index_offers_nothing() -> None:
    route = ask("do you sell my data?", router=Router(()))
    assert (route.status, route.choices) == (Status.NEEDS_COMPANY, ())


class TestConversation:
    def test_follows_the_company_named_last(self) -> None:
        history = ("does Free People sell my email?", "and does ExOfficio?")
        assert domains(ask("and what about kids?", *history)) == ["exofficio.com"]

    def test_a_company_named_now_wins(self) -> None:
        assert domains(ask("does Malleries?", "does Free People sell my email?")) == ["malleries.com"]

    def test_a_third_party_does_not_take_it_over(self) -> None:
        history = ("does Free People set cookies?",)
        assert domains(ask("and will google mix that up with other stuff?", *history)) == ["freepeople.com"]
        assert domains(ask("do they share it with Target?", *history)) == ["freepeople.com"]

    def test_a_new_question_about_an_unknown_company_is_not_answered_from_the_old_one(self) -> None:
        assert ask("does Amazon share my data?", "does Free People sell my email?").status == Status.UNKNOWN_COMPANY

    def test_stays_with_an_unknown_company(self) -> None:
        route = ask("and what about kids?", "does Amazon share my data?")
        assert (route.status, route.named) == (Status.UNKNOWN_COMPANY, "Amazon")

    def test_stays_with_a_comparison(self) -> None:
        assert domains(ask("do they rent it?", "does Free People or Malleries sell my email?")) == [
            "freepeople.com",
            "malleries.com",
        ]
        assert len(ask("do they rent it?", "which of these sites sell my email?").policies) == 11 + 2

    def test_stays_with_its_version(self) -> None:
        assert ask("and what about kids?", "did Foxglove News sell data as of 2013?").policies == (
            "foxglovenews.com@2012-10-04",
        )

    def test_a_follow_up_gets_the_question_that_it_leans_on_without_names(self) -> None:
        assert ask("do they rent it?", "does free people sell my email address?").context == (
            "do you sell my email address?",
        )

    def test_a_follow_up_of_a_follow_up_gets_both(self) -> None:
        route = ask("and for how long?", "does Free People keep my email?", "and my phone number?")
        assert route.context == ("do you keep my email?", "and my phone number?")

    def test_a_question_that_stands_alone_gets_no_context(self) -> None:
        assert ask("can my email address be deleted?", "does Free People use cookies?").context == ()


class TestScope:
    @pytest.mark.parametrize(
        ("scope", "policy"),
        [
            ("foxglovenews.com", "foxglovenews.com@2023-08-09"),
            ("WWW.FoxgloveNews.com", "foxglovenews.com@2023-08-09"),
            ("https://www.foxglovenews.com/privacy?x=1", "foxglovenews.com@2023-08-09"),
            ("foxglovenews.com@2012-10-04", "foxglovenews.com@2012-10-04"),
            ("foxglovenews.com__2018-07-04", "foxglovenews.com@2018-07-04"),
            ("foxglovenews.com__2018-07-04.md", "foxglovenews.com@2018-07-04"),
            (" foxglovenews.com ", "foxglovenews.com@2023-08-09"),
        ],
    )
    def test_is_a_domain_an_id_or_a_file_stem(self, scope: str, policy: str) -> None:
        assert find_scope(CARDS, scope) == policy
        assert ask("do you sell my data?", scope=scope).policies == (policy,)

    @pytest.mark.parametrize("scope", ["foxglovnews.com", "", "@", "__", "x" * 5000])
    def test_that_names_nothing_is_an_error_with_the_nearest(self, scope: str) -> None:
        with pytest.raises(UnknownScope, match=r"Nearest: \w+"):
            find_scope(CARDS, scope)
        with pytest.raises(UnknownScope):
            Router(CARDS, scope="nobody.example").route(Question("do you sell my data?", scope=scope or None))

    def test_with_an_unknown_date_lists_the_versions(self) -> None:
        with pytest.raises(UnknownScope, match=r"foxglovenews\.com@2018-07-04"):
            find_scope(CARDS, "foxglovenews.com@2018-07-05")

    def test_wins_over_a_company_in_the_question_and_warns(self) -> None:
        route = ask("does Malleries sell my data?", scope="wire.com")
        assert domains(route) == ["wire.com"]
        assert "Malleries" in route.warnings[0]

    def test_wins_over_an_unknown_company_and_over_all(self) -> None:
        assert domains(ask("does Amazon get my data?", scope="wire.com")) == ["wire.com"]
        assert domains(ask("which of these sites sell my email?", scope="wire.com")) == ["wire.com"]

    def test_as_of_takes_the_newest_version_up_to_that_day(self) -> None:
        assert ask("sold?", scope="foxglovenews.com", as_of="2018-07-04").policies == ("foxglovenews.com@2018-07-04",)
        assert ask("sold?", scope="foxglovenews.com", as_of="2018-07-03").policies == ("foxglovenews.com@2012-10-04",)

    def test_as_of_before_the_first_version_takes_the_oldest_and_warns(self) -> None:
        route = ask("sold?", scope="foxglovenews.com", as_of="2001-01-01")
        assert route.policies == ("foxglovenews.com@2012-10-04",)
        assert "2012-10-04" in route.warnings[0]

    def test_of_the_operator_is_taken_where_the_question_has_none(self) -> None:
        own = Router(CARDS, scope="foxglovenews.com")
        assert ask("do you sell my data?", router=own).policies == ("foxglovenews.com@2023-08-09",)
        assert ask("does Foxglove News sell my data?", router=own).policies == ("foxglovenews.com@2023-08-09",)
        assert ask("do you share it with Malleries?", router=own).policies == ("foxglovenews.com@2023-08-09",)
        assert ask("does Malleries sell my data?", router=own).status == Status.UNKNOWN_COMPANY
        assert ask("do you sell my data?", router=own, scope="wire.com").policies == ("wire.com@2023-05-12",)


class TestTime:
    @pytest.mark.parametrize(
        ("text", "date", "query"),
        [
            ("did Foxglove News sell data as of 2013?", "2012-10-04", "did you sell data?"),
            ("did Foxglove News sell data in 2018?", "2018-07-04", "did you sell data?"),
            ("did Foxglove News sell data back in March 2018?", "2012-10-04", "did you sell data?"),
            ("did Foxglove News sell data on 2018-07-04?", "2018-07-04", "did you sell data?"),
            ("did Foxglove News sell data on July 3rd, 2018?", "2012-10-04", "did you sell data?"),
            ("did Foxglove News sell data before 2018?", "2012-10-04", "did you sell data?"),
            ("In 2019, did Foxglove News sell data?", "2018-07-04", "did you sell data?"),
            ("does Foxglove News currently sell data?", "2023-08-09", "do you sell data?"),
            ("does Foxglove News sell data in the latest version?", "2023-08-09", "do you sell data?"),
            ("does Foxglove News sell data in its last policy?", "2023-08-09", "do you sell data?"),
            ("does Foxglove News sell data in the previous version?", "2018-07-04", "do you sell data?"),
            ("does Foxglove News sell data in the original version?", "2012-10-04", "do you sell data?"),
            # not a version: the year belongs to something else
            ("has Foxglove News sold data since 2010?", "2023-08-09", "have you sold data since 2010?"),
            ("does Foxglove News keep data for 2 years?", "2023-08-09", "do you keep data for 2 years?"),
        ],
    )
    def test_words_choose_the_version_and_leave_the_query(self, text: str, date: str, query: str) -> None:
        route = ask(text)
        assert route.policies == (f"foxglovenews.com@{date}",)
        assert route.query == query

    @pytest.mark.parametrize(
        "text",
        ["I joined Foxglove News in 2013, is my data kept?", "Does Foxglove News keep what I posted in 2012?"],
    )
    def test_a_year_in_what_is_told_is_no_version(self, text: str) -> None:
        assert ask(text).policies == ("foxglovenews.com@2023-08-09",)

    def test_as_of_wins_over_words(self) -> None:
        assert ask("did Foxglove News sell data in 2012?", as_of="2019-01-01").policies == (
            "foxglovenews.com@2018-07-04",
        )

    def test_a_single_version_from_another_time_is_used_with_a_warning(self) -> None:
        route = ask("did Free People sell data in 2012?")
        assert route.policies == ("freepeople.com@2006-12-05",)
        assert "2006-12-05" in route.warnings[0]
        assert route.query == "did you sell data in 2012?"

    def test_an_impossible_date_is_ignored(self) -> None:
        assert ask("did Foxglove News sell data on 2018-02-31?").policies == ("foxglovenews.com@2023-08-09",)


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("does Perricone MD share my data?", "do you share my data?"),
        ("Doesn't Perricone MD share my data?", "Don't you share my data?"),
        ("Is Free People tracking me?", "Are you tracking me?"),
        ("what cookies are on Free People's site?", "what cookies are on your site?"),
        ("is my card safe at ex officio?", "is my card safe?"),
        ("can I delete my Goodreads account?", "can I delete my account?"),
        ("does the Goodreads app see my photos?", "does the app see my photos?"),
        ("is my email shared by Free People?", "is my email shared by you?"),
        ("If Malleries gets sold, what happens?", "If it gets sold, what happens?"),
        ("does Free People not sell my data", "do you not sell my data"),
        ("malleries newsletter unsubscribe", "newsletter unsubscribe"),
        ("does free people or malleries share more?", "do you share more?"),
        ("does Free People share more than ExOfficio?", "do you share more?"),
        ("compare Free People and Malleries on cookies", "cookies"),
        ("Does Free People share my email with Malleries?", "Do you share my email with Malleries?"),
        ("Perricone MD", "Perricone MD"),
    ],
)
def test_the_query_reads_as_a_question_without_the_name(text: str, query: str) -> None:
    assert ask(text).query == query


class TestSearch:
    def test_names_that_begin_with_the_query_come_first(self) -> None:
        found = search_cards(CARDS, "mor")
        assert [c.company for c in found] == ["Morganstate"]
        assert [c.domain for c in search_cards(CARDS, "e", 1)] == ["exofficio.com"]

    def test_versions_come_newest_first(self) -> None:
        assert [c.archived_on.year for c in search_cards(CARDS, "Foxglove")] == [2023, 2018, 2012]

    def test_spaces_and_misspellings_do_not_matter(self) -> None:
        assert search_cards(CARDS, "free people")[0].domain == "freepeople.com"
        assert search_cards(CARDS, "Fre Peple")[0].domain == "freepeople.com"

    def test_everything_is_found_for_an_empty_query(self) -> None:
        assert len(search_cards(CARDS, " ")) == len(CARDS)
        assert len(search_cards(CARDS, "", 3)) == 3

    def test_nothing_is_found_for_what_resembles_nothing(self) -> None:
        assert search_cards(CARDS, "qqqqqqqq") == ()


@pytest.mark.parametrize(
    "text",
    ["x" * 100_000, "does " * 20_000, "a." * 50_000, "a-" * 50_000, "a@" * 50_000, "a'" * 50_000, "\x00\x01\x1b[31m",
     "\u202edoes Free People\u200f sell", "😀" * 1000, "\ud800", "' 's '", "www. .com http://"],
)  # fmt: skip
def test_odd_texts_are_routed_quickly_and_without_an_error(text: str) -> None:
    start = time.perf_counter()
    route = ask(text, text)
    assert time.perf_counter() - start < 3
    assert set(route.policies) <= {c.id for c in CARDS}


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            "does is the free people Free People wire Wire malleries mallerys exofficio.com www. 's ? , and or compare "
            "in 2012 as of before 2010-02-30 share my data Amazon amazon which these sites 😀 ' \" @ I you it".split()
        )
        | st.text(max_size=8),
        max_size=14,
    ).map(" ".join),
    st.lists(st.text(max_size=30), max_size=2),
)
def test_any_text_gets_either_policies_or_a_status(text: str, history: list[str]) -> None:
    route = ask(text, *history)
    assert bool(route.policies) != bool(route.status)
    assert set(route.policies) <= {c.id for c in CARDS}
    assert len(set(route.policies)) == len(route.policies)
    assert route.compare == (len(route.policies) > 1)


def test_ten_thousand_companies_are_indexed_in_seconds_and_routed_in_milliseconds() -> None:
    syllables = ["".join(pair) for pair in product("bdfglmnprstvz", "aeiou")]  # 65, so 65² = 4,225 pairs
    names = [f"{a}{b}{c}".title() for (a, b), c in product(product(syllables, repeat=2), ("kot", "wim", "zur"))][
        :10_000
    ]
    cards = [card(f"{name.lower()}.com", "2020-01-01", f"{name} Trading", name.lower()) for name in names]
    start = time.perf_counter()
    router = Router(cards)
    built = time.perf_counter() - start
    questions = [f"does {names[n]} share my data with advertisers?" for n in range(0, 10_000, 500)]
    start = time.perf_counter()
    found = [router.route(Question(text)).policies for text in questions]
    routed = (time.perf_counter() - start) / len(questions)
    assert [len(policies) for policies in found] == [1] * len(questions)
    # Measured 0.5 s and 0.5 ms on a quiet core; the margins are for a busy one.
    assert built < 6
    assert routed < 0.02


@pytest.mark.parametrize("text", ["and Zappos?", "What about Zappos", "ok and zappos?"])
def test_a_conversation_turned_to_a_company_that_is_not_indexed_is_not_answered_from_the_one_before(text: str) -> None:
    route = Router(SAMPLES).route(Question(text, history=("does Free People sell my email address?",)))
    assert route.status is Status.UNKNOWN_COMPANY
    assert route.policies == ()


@pytest.mark.parametrize("text", ["and kids?", "what about cookies?", "and Google Analytics?", "and my phone number?"])
def test_a_conversation_turned_to_another_topic_stays_with_its_company(text: str) -> None:
    route = Router(SAMPLES).route(Question(text, history=("does Free People sell my email address?",)))
    assert route.policies == ("freepeople.com@2006-12-05",)


@pytest.mark.parametrize(
    ("text", "leans"),
    [
        ("and will Malleries send me marketing emails?", False),
        ("and does Malleries sell it?", True),
        ("and Malleries?", True),
        ("and do you use cookies?", True),
    ],
)
def test_a_whole_question_about_a_named_company_leans_on_none_before(text: str, leans: bool) -> None:
    route = Router(SAMPLES).route(Question(text, history=("does Free People sell my email address?",)))
    assert bool(route.context) is leans
