"""Does a text prove a claim? The rules one by one, and the model behind them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa.supporting import OBJECTIONS, SupportCheck, objections


class Believing:
    """Entailment that takes everything for proven, and remembers what it was asked."""

    def __init__(self, chance: float = 1.0) -> None:
        self.asked: list[tuple[str, str]] = []
        self._chance = chance

    def supports(self, claims: Sequence[str], texts: Sequence[str]) -> list[float]:
        self.asked += zip(claims, texts, strict=True)
        return [self._chance] * len(claims)

    def warm_up(self) -> None: ...


def against(claim: str, *proof: str, question: str = "do you share my data?", company: str = "Acme") -> tuple[str, ...]:
    return objections(claim, proof, question=question, company=company)


# --- each rule, by what it must catch and what it must let pass -------------------------------------------------------

ADDRESS = "We may share your mailing address with carriers that deliver your order."
SELLS_NOT = "We do not sell, rent or trade your personal information to third parties."
KEPT = "We keep server logs for 30 days."
CONSENT = "We will not share your email address with advertisers without your consent."
SOME = "Some of our advertisers may use cookies on our site."


@pytest.mark.parametrize(
    ("rule", "claim", "proof"),
    [
        ("number", "It keeps server logs for 60 days.", KEPT),
        ("number", "It keeps server logs for 30 months.", KEPT),
        ("number", "It keeps server logs for ninety days.", KEPT),
        ("number", "Server logs cost $30.", KEPT),
        ("number", "Children under thirteen may not register.", "Children may not register."),
        ("name", "It shares your address with Google.", ADDRESS),
        ("name", "Google may share your mailing address with carriers.", ADDRESS),
        ("name", "It may share your address with carriers, see www.example.com.", ADDRESS),
        ("name", "Write to help@acme.example about carriers.", ADDRESS),
        ("name", "Carriers may call 555-123-4567 for your address.", ADDRESS),
        ("name", "It may share your addrеss with carriers.", ADDRESS),  # a Cyrillic letter in "address"
        ("polarity", "It sells your personal information to third parties.", SELLS_NOT),
        ("polarity", "It does not share your mailing address with carriers.", ADDRESS),
        ("polarity", "You cannot delete your personal information.", "You can delete your personal information."),
        ("condition", "It does not share your email address with advertisers.", CONSENT),
        ("condition", "Carriers get your address.", "Only if you order, carriers get your address."),
        ("added condition", "It keeps server logs if you pay for storage.", KEPT),
        ("absolute", "It never keeps server logs longer.", KEPT),
        ("absolute", "All server logs are kept for 30 days.", KEPT),
        ("absolute", "Server logs are always kept.", KEPT),
        ("absolute", "Server logs are kept for 30 days regardless.", KEPT),
        ("absolute", "It guarantees server logs for 30 days.", KEPT),
        ("modality", "It will share your mailing address with carriers.", ADDRESS),
        ("modality", "You must share your mailing address with carriers.", ADDRESS),
        ("actor", "Partners may share your mailing address.", "We may share your mailing address with partners."),
        ("actor", "You may share your mailing address with carriers.", ADDRESS),
        ("thing", "It may sell your mailing address to carriers.", ADDRESS),
        ("thing", "Its staff keep server logs.", KEPT),
        ("thing", "It may share your password with carriers.", ADDRESS),
        (
            "substitution",
            "It may share your mailing address with banks that deliver your order.",
            ADDRESS,
        ),
        ("words", "It keeps server logs for 30 days; a copy goes to the archive.", KEPT),
        ("words", "Winners have their photographs printed in newspapers.", KEPT),
        ("actor", "Visitors use cookies to identify Acme.", "Acme uses cookies to identify visitors."),
        ("actor", "You are the sole owner of the logs.", 'Acme ("we") is the sole owner of the logs.'),
        ("actor", "You may have the right to ask for a copy.", "We may have the right to ask for a copy."),
        ("actor", "It sends the logs if it acquires a firm.", "We send the logs if we are acquired by a firm."),
        ("actor", "It changes the policy on this page.", "When we change the policy, we say so on this page."),
        ("actor", "Laws may require you to send logs.", "Laws may require us to send logs."),
        ("hedge", "It does not collect logs.", "We do not knowingly collect logs."),
        ("hedge", "It does not sell your logs.", "We do not currently sell your logs."),
        ("hedge", "You may contact it to delete logs.", "You may contact us to learn how to delete logs."),
        ("time", "It has not sold any logs.", "We will not sell any logs."),
        ("time", "It will not sell any logs.", "We do not sell any logs."),
        ("time", "It may keep server logs.", KEPT),
        ("time", "It discloses logs to courts.", "Courts may obtain disclosure of logs."),
        ("owner", "It may change logs in your discretion.", "We may change logs in our discretion."),
        ("widened", "It does not collect logs.", "We do not use cookies to collect logs."),
        ("joint", "It keeps logs that are needed and useful.", "We keep logs that are needed or useful."),
        ("limit", "It uses only cookies to count visits.", "We use cookies only to count visits."),
        ("case", "It sends logs to others.", "We send logs to others if we are bought."),
        ("case", "If you register, it drops logs.", "If you register and are under age, we drop logs."),
        ("kind", "You may opt out of messages.", "You may opt out of marketing messages."),
        ("places", "It takes data from servers of visits.", "We take data from visits of servers."),
        ("places", "Logs may use your browser.", "Logs may be used by your browser."),
    ],
)
def test_a_rule_objects_to_what_its_text_does_not_say(rule: str, claim: str, proof: str) -> None:
    assert rule in against(claim, proof)


@pytest.mark.parametrize(
    ("claim", "proof"),
    [
        ("It keeps server logs for thirty days.", KEPT),
        ("Server logs stay for 30 days.", KEPT),
        ("Your mailing address may be shared with carriers.", ADDRESS),
        ("Acme may share your address with carriers that deliver orders.", ADDRESS),
        ("Yes, it may share your mailing address with carriers.", ADDRESS),
        ("No, it does not sell your personal information.", SELLS_NOT),
        ("It does not sell or rent your information to third parties.", SELLS_NOT),
        ("It shares your email address with advertisers only with your consent.", CONSENT),
        ("Unless you consent, advertisers do not get your email address.", CONSENT),
        ("Some advertisers may use cookies there.", SOME),
        ("Advertisers might set cookies on the site.", SOME),
        ("Not all advertisers use cookies, but some may.", SOME),
        ("Write to help@acme.example.", "Questions? Write to help@acme.example."),
        ("Call (555) 123-4567.", "You can call us: 555-123-4567."),
    ],
)
def test_an_honest_paraphrase_passes_all_rules(claim: str, proof: str) -> None:
    assert against(claim, proof) == ()


@pytest.mark.parametrize("rule", OBJECTIONS)
@pytest.mark.parametrize("sentence", [ADDRESS, SELLS_NOT, KEPT, CONSENT, SOME])
def test_no_rule_objects_to_the_text_itself(rule: str, sentence: str) -> None:
    assert rule not in against(sentence, sentence)


def test_the_name_in_the_question_or_of_the_company_may_be_repeated() -> None:
    assert against("FedEx may get your mailing address.", ADDRESS, question="does FedEx get my address?") == ()
    assert "name" in against("FedEx may get your mailing address.", ADDRESS)


def test_a_number_in_the_companys_name_may_be_repeated() -> None:
    assert not against("Acme4kids keeps server logs for 30 days.", KEPT, company="Acme4Kids")
    assert "number" in against("Acme4kids keeps server logs for 4 days.", KEPT, company="Acme4Kids")


def test_a_negation_in_another_clause_does_not_count() -> None:
    proof = "We share your address with carriers, but we do not sell it."
    assert against("It shares your address with carriers.", proof) == ()
    assert against("It does not sell your address.", proof) == ()
    assert "polarity" in against("It sells your address.", proof)
    assert "polarity" in against("It does not share your address with carriers.", proof)


# --- the check --------------------------------------------------------------------------------------------------------


def test_a_claim_holds_if_no_rule_objects_and_the_model_finds_it_likely() -> None:
    model = Believing(0.97)
    support = SupportCheck(model, least=0.9).check(
        "It keeps server logs for 30 days.", [KEPT], question="how long do you keep logs?", company="Acme"
    )
    assert (support.holds, support.probability, support.reasons) == (True, 0.97, ())
    assert model.asked == [("how long do you keep logs? It keeps server logs for 30 days.", KEPT)]


def test_what_the_model_finds_unlikely_is_unproven() -> None:
    support = SupportCheck(Believing(0.5), least=0.9).check(
        "It keeps server logs for 30 days.", [KEPT], question="", company="Acme"
    )
    assert (support.holds, support.probability, support.reasons) == (False, 0.5, ("unproven",))


def test_a_claim_with_a_word_of_its_own_must_be_likelier() -> None:
    own, same = "It keeps server logs on tape for 30 days.", "It keeps server logs for 30 days."
    for claim, probability, holds in ((same, 0.94, True), (own, 0.94, False), (own, 0.96, True)):
        check = SupportCheck(Believing(probability))
        assert check.check(claim, [KEPT], question="how long do you keep logs?", company="Acme").holds == holds, claim


def test_a_probability_that_is_no_number_proves_nothing() -> None:
    check = SupportCheck(Believing(float("nan")))
    assert not check.check("It keeps server logs for 30 days.", [KEPT], question="", company="").holds


def test_the_model_is_not_asked_about_what_a_rule_refuses() -> None:
    model = Believing()
    support = SupportCheck(model).check("It keeps logs for 60 days.", [KEPT], question="", company="Acme")
    assert (support.holds, support.probability) == (False, 0.0)
    assert "number" in support.reasons
    assert model.asked == []


@pytest.mark.parametrize(("claim", "evidence"), [("", [KEPT]), ("Yes.", []), ("It is so.", []), ("…", [KEPT])])
def test_nothing_is_proven_without_a_claim_or_without_evidence(claim: str, evidence: list[str]) -> None:
    assert not SupportCheck(Believing()).check(claim, evidence, question="do you?", company="Acme").holds


def test_a_list_item_counts_behind_what_leads_it_in() -> None:
    check = SupportCheck(Believing())
    lead_in, item = "We do not do any of the following:", "sell your address"
    assert check.check("It does not sell your address.", [item], question="", company="", lead_ins=[lead_in]).holds
    assert not check.check("It sells your address to all.", [item], question="", company="", lead_ins=[lead_in]).holds


def test_the_words_are_read_without_their_markup() -> None:
    model = Believing()
    SupportCheck(model).check(
        "It keeps server logs.", ["We keep [server logs](https://x.example) for **30 days**."], question="", company=""
    )
    assert model.asked[0][1] == KEPT


@given(claim=st.text(max_size=200), evidence=st.lists(st.text(max_size=200), max_size=3), company=st.text(max_size=20))
@settings(max_examples=60, deadline=None)
def test_any_text_whatever_is_judged(claim: str, evidence: list[str], company: str) -> None:
    support = SupportCheck(Believing()).check(claim, evidence, question=claim[:20], company=company)
    assert support.holds == (not support.reasons)


def test_the_rules_take_little_time_on_the_longest_texts() -> None:
    import time

    started = time.process_time()
    against("a " * 150, "we may not " * 400, "if you or the or " * 400, question="you " * 200)
    assert time.process_time() - started < 2
