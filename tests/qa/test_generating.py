"""A chat model puts answers into words, and nothing of it is shown that the policy does not prove."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from qa.citing import cite, sentences_of
from qa.domain import EXTRACTIVE, Candidate, Candidates, IndexedPolicy, Reading, Status, Verdict
from qa.generating import INSTRUCTIONS, MOST_GIVEN, SCHEMA, GroundedWriter, given, prompt, shaken
from qa.supporting import Support
from qa.talking import Usage
from qa.writing import Written, tell, write
from tests.chatting import ScriptedModel, Talk, failure
from tests.qa.making import indexed, route_to

SELL = "Acme will not rent or sell your e-mail address for any reason."
MAIL = "We may on occasion share a portion of our postal mailing list with others."
ITEM = "sell your name to brokers, or"
LOGS = "We keep logs for 30 days."
FAR = "This page was last changed in May."
SOURCE = indexed(SELL, MAIL, LOGS, ITEM, FAR)
SCORES = {SELL: 1.0, MAIL: 0.9, LOGS: 0.8, ITEM: 0.75, FAR: 0.1}


@dataclass
class Checked:
    """Holds what it is told to hold, and remembers what it was asked.

    Attributes:
        holds: whether a claim is proven; all are, unless it says otherwise.
    """

    holds: Callable[[str], bool] = lambda claim: True
    asked: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    proven: list[str] = field(default_factory=list)
    warmed: int = 0

    def check(
        self, claim: str, evidence: Sequence[str], *, question: str, company: str, lead_ins: Sequence[str] = ()
    ) -> Support:
        self.asked.append((claim, tuple(evidence)))
        holds = self.holds(claim)
        if holds:
            self.proven.append(claim)
        return Support(holds, float(holds))

    def warm_up(self) -> None:
        self.warmed += 1


def ranked(source: IndexedPolicy = SOURCE) -> tuple[Candidate, ...]:
    text = source.policy.text
    made = [
        Candidate(n, passage, sentence, SCORES.get(sentence.span.of(text), 0.0))
        for n, (passage, sentence) in enumerate(source.sentences())
    ]
    return tuple(sorted(made, key=lambda each: -each.score))


def read(
    *evidence: str,
    verdict: Verdict | None = Verdict.NO,
    query: str = "does it sell my address?",
    leanings: tuple[Verdict | None, ...] = (),
    source: IndexedPolicy = SOURCE,
    context: tuple[str, ...] = (),
) -> tuple[Reading, Candidates]:
    """What reading hands on: the named sentences are the evidence."""
    candidates = Candidates(route_to(source, query, *context), source, ranked(source))
    by_text = {each.sentence.span.of(source.policy.text): each for each in candidates.ranked}
    chosen = tuple(by_text[one] for one in evidence)
    status = Status.ANSWERED if evidence else Status.NOT_STATED
    reading = Reading(source, query, status, verdict if evidence else None, chosen, confidence=0.9, leanings=leanings)
    return reading, candidates


def reply(*claims: tuple[str, str] | tuple[str, str, int], verdict: str | None = "no") -> str:
    """What a well-behaved model sends: claims with the sentence that proves them, and its number where it is known."""
    numbers = {SELL: 1, MAIL: 2, LOGS: 3, ITEM: 4, FAR: 5}
    told = [
        {"text": text, "proof": [{"sentence": number[0] if number else numbers.get(quote, 99), "quote": quote}]}
        for text, quote, *number in claims
    ]
    return json.dumps({**({"verdict": verdict} if verdict else {}), "claims": told}, ensure_ascii=False)


def steps(
    talk: Talk, *evidence: str, check: Checked | None = None, reading: tuple[Reading, Candidates] | None = None
) -> list[Written]:
    """The answer as it grows, each step cited, to see that nothing is taken back."""
    asked, candidates = reading or read(*(evidence or (SELL,)))
    writer = GroundedWriter(ScriptedModel([talk]), check or Checked())
    made = list(writer.write(asked, candidates))
    shown = ""
    for step in made:
        cited = cite(step.draft, asked.source)
        assert cited.rejected == ()
        assert _unmarked(cited.text) == _unmarked(step.draft.text)
        assert cited.text.startswith(shown)
        assert {int(n) for n in re.findall(r"\[(\d+)\]", cited.text)} == {each.n for each in cited.citations}
        shown = cited.text
    assert [step.whole for step in made] == [False] * (len(made) - 1) + [True]
    return made


def _unmarked(text: str) -> str:
    return re.sub(r"\s?\[\d+\]", "", text)


def whole(talk: Talk, *evidence: str, **given_too: object) -> Written:
    return steps(talk, *evidence, **given_too)[-1]  # type: ignore[arg-type]


# --- what the model is given ------------------------------------------------------------------------------------------


def test_the_model_sees_the_evidence_first_and_then_the_best_ranked() -> None:
    asked, candidates = read(MAIL, query="who gets my adress?", context=("does Acme sell data?",))
    model = ScriptedModel([reply()])
    list(GroundedWriter(model, Checked()).write(asked, candidates))
    ((system, user, schema),) = model.asked
    assert (system, schema) == (INSTRUCTIONS, SCHEMA)
    data = json.loads(user)
    assert (data["question"], data["asked_before"]) == ("who gets my adress?", "does Acme sell data?")
    assert (data["company"], data["archived_on"]) == ("Acme", "2011-03-06")
    assert [(each["n"], each["text"]) for each in data["sentences"]][:2] == [(1, MAIL), (2, SELL)]
    assert data["sentences"][0]["heading"] == "Your information"


def test_what_the_model_sees_is_bounded_and_has_no_hidden_characters_or_markup() -> None:
    lines = [
        f"Sentence {n} is <b>long\u202e</b> \U000e0041[here](http://evil.example)\u200b: " + "x " * 900
        for n in range(40)
    ]
    source = indexed(*lines, company="Acme\u202e [1]")
    asked, candidates = read(lines[0], source=source)
    seen = given(asked, candidates)
    assert 1 < len(seen) <= MOST_GIVEN
    user = prompt(asked, candidates, seen)
    assert len(user) < 12_000
    assert not re.search("[\u202e\u200b\U000e0041<]|evil", user)


def test_the_same_words_are_given_once() -> None:
    source = indexed(SELL, SELL, MAIL)
    asked, candidates = read(SELL, source=source)
    assert [each.text for each in given(asked, candidates)] == [SELL, MAIL]


def test_silence_is_never_shown_to_the_model() -> None:
    asked, candidates = read()
    model = ScriptedModel([reply(("It sells it.", SELL))])
    (step,) = GroundedWriter(model, Checked()).write(asked, candidates)
    assert step == Written(write(asked))
    assert model.asked == []


# --- what is shown of what it says ------------------------------------------------------------------------------------


def test_claims_are_shown_one_by_one_behind_the_readers_verdict() -> None:
    first, second, last = steps(
        reply(("Acme never sells or rents your e-mail address.", SELL), ("Logs are kept for 30 days.", LOGS))
    )
    assert first.draft.text == "No. Acme never sells or rents your e-mail address [1]."
    assert second.draft.text == f"{first.draft.text} Logs are kept for 30 days [2]."
    assert last.draft == second.draft
    assert (last.engine, last.warnings, last.certainty) == ("scripted:model", (), 1.0)
    assert last.generation is not None
    assert (last.generation.claims, last.generation.repaired, last.generation.dropped) == (2, 0, 0)
    assert (last.generation.agrees, last.generation.calls) == (True, 1)
    assert last.generation.input_tokens > 0
    assert last.generation.first_claim_ms is not None


def test_an_open_question_has_no_verdict_and_a_models_own_is_left_out() -> None:
    asked = read(SELL, verdict=None, query="what is sold?")
    step = whole(reply(("No, it does not sell e-mail addresses.", SELL), verdict="none"), reading=asked)
    assert step.draft.text == "It does not sell e-mail addresses [1]."
    assert step.generation is not None
    assert step.generation.agrees is None


def test_a_proven_claim_is_said_before_the_model_goes_on() -> None:
    begun = '{"verdict": "no", "claims": [' + json.dumps({"text": "It is not sold.", "proof": [1]})
    model = ScriptedModel([[begun, 0.4, "]}"]])
    asked, candidates = read(SELL)
    written = GroundedWriter(model, Checked()).write(asked, candidates)
    first = next(written)
    assert model.taken == [1]  # what comes after it, and a pause before that, was not waited for
    assert first.draft.text == "No. It is not sold [1]."


def test_what_checks_claims_is_loaded_while_the_model_still_writes() -> None:
    check = Checked()
    asked, candidates = read(SELL)
    written = GroundedWriter(ScriptedModel([[*'{"claims": [{"text": "It is not sold.", "proof": [1]}]}']]), check)
    next(iter(written.write(asked, candidates)))
    assert check.warmed == 1


def test_the_call_is_given_up_when_nobody_reads_on() -> None:
    model = ScriptedModel([reply(("It is not sold.", SELL), ("It is kept.", LOGS))])
    asked, candidates = read(SELL)
    written = GroundedWriter(model, Checked()).write(asked, candidates)
    next(written)
    written.close()  # type: ignore[attr-defined]
    assert model.abandoned == 1


def test_a_claim_that_is_not_proven_gives_way_to_the_policys_words_once() -> None:
    check = Checked(lambda claim: "never" not in claim)
    step = whole(
        reply(("It never sells it.", SELL), ("It never rents it.", SELL), ("It keeps logs.", LOGS)), check=check
    )
    assert step.draft.text == (
        'No. Acme says it "will not rent or sell your e-mail address for any reason" [1]. It keeps logs [2].'
    )
    assert step.generation is not None
    assert (step.generation.claims, step.generation.repaired, step.generation.dropped) == (3, 1, 1)


def test_a_claim_that_rests_on_no_evidence_is_dropped_if_it_is_not_proven() -> None:
    step = whole(
        reply(("It sells logs.", LOGS), ("It is not sold.", SELL)), check=Checked(lambda claim: "sells" not in claim)
    )
    assert step.draft.text == "No. It is not sold [1]."


def test_a_sentence_that_the_model_only_copies_is_shown_as_the_policys_own() -> None:
    step = whole(reply(("It is not sold.", SELL), (LOGS, LOGS)))
    assert step.draft.text == 'No. It is not sold [1]. It also says: "We keep logs for 30 days" [2].'
    assert step.generation is not None
    assert step.generation.repaired == 1


def test_the_policys_sentences_are_not_all_introduced_alike() -> None:
    check = Checked(lambda claim: "not" in claim)
    step = whole(
        reply(("It is not sold.", SELL), ("It shares all.", MAIL), ("It logs all.", LOGS)),
        SELL,
        MAIL,
        LOGS,
        check=check,
    )
    assert re.findall(r"It \w+(?: says)?:", step.draft.text) == ["It also says:", "It adds:"]


def test_where_only_the_policys_words_are_left_of_what_it_wrote_that_is_said() -> None:
    step = whole(reply((LOGS, LOGS)), LOGS)
    assert (step.draft, step.engine) == (write(read(LOGS)[0]), EXTRACTIVE)
    assert step.warnings == (
        "This answer is in the policy's own words: nothing else that the chat model wrote could be proven.",
    )


def test_a_claim_about_something_else_is_dropped_however_true_it_is() -> None:
    step = whole(reply(("It is not sold.", SELL), ("The page was changed in May.", FAR)))
    assert step.draft.text == "No. It is not sold [1]."


def test_an_answer_begins_with_evidence_of_the_readers() -> None:
    step = whole(reply(("It keeps logs for 30 days.", LOGS), ("It does not sell e-mail addresses.", SELL)))
    assert step.draft.text == (
        'No. Acme says it "will not rent or sell your e-mail address for any reason" [1]. '
        "It keeps logs for 30 days [2]."
    )


def test_the_best_evidence_is_always_cited() -> None:
    step = whole(reply(("It may share its mailing list.", MAIL)), SELL, MAIL)
    assert step.draft.text == (
        "No. It may share its mailing list [1]. "
        'It also says it "will not rent or sell your e-mail address for any reason" [2].'
    )


def test_evidence_that_reads_the_other_way_is_not_hidden() -> None:
    asked = read(SELL, MAIL, leanings=(Verdict.NO, Verdict.YES))
    step = whole(reply(("It is not sold.", SELL)), reading=asked)
    assert step.draft.text.startswith("No. It is not sold [1]. It also says")
    assert step.draft.text.endswith('with others" [2].')


def test_a_wrong_quote_gives_way_to_the_sentence_whose_number_is_right() -> None:
    check = Checked()
    step = whole(reply(("It is not sold.", "Acme sells all of it.", 1)), check=check)
    assert step.draft.quotes[0].text == SELL
    assert check.asked == [("It is not sold.", (SELL,))]


def test_a_wrong_number_gives_way_to_where_the_quote_stands() -> None:
    step = whole(reply(("It is not sold.", "will not rent or sell your e-mail address", 3)))
    assert [quote.text for quote in step.draft.quotes] == [SELL]


@pytest.mark.parametrize(
    "proof", [[], [{"sentence": 77, "quote": "Acme sells it all to anyone who pays."}], [99], ["x"]]
)
def test_a_claim_without_a_proof_in_the_policy_is_dropped(proof: list[object]) -> None:
    told = json.dumps({"verdict": "no", "claims": [{"text": "It is not sold.", "proof": proof}]})
    step = whole(told)
    assert (step.draft, step.engine) == (write(read(SELL)[0]), EXTRACTIVE)
    assert step.warnings == ("Nothing that the chat model wrote could be proven; this answer was composed without it.",)


def test_a_quote_that_was_not_given_is_no_proof() -> None:
    lines = [SELL, *(f"Filler number {n} is here." for n in range(30)), "All of it is sold to anyone who pays for it."]
    asked = read(SELL, source=indexed(*lines))
    told = json.dumps(
        {"verdict": "no", "claims": [{"text": "It is sold.", "proof": [{"sentence": 44, "quote": lines[-1]}]}]}
    )
    assert whole(told, reading=asked).engine == EXTRACTIVE


def test_what_another_sentence_denies_in_the_same_words_is_not_shown_whatever_is_said_to_prove_it() -> None:
    check = Checked()
    claim = "Acme will rent or sell your e-mail address for a reason."
    asked = read(MAIL, verdict=Verdict.YES, query="is it sold?")
    step = whole(json.dumps({"claims": [{"text": claim, "proof": [1]}]}), check=check, reading=asked)
    assert step.draft == write(asked[0])
    assert check.asked == []


def test_two_sentences_of_one_claim_are_proven_each_for_itself() -> None:
    check = Checked(lambda claim: "everything" not in claim)
    step = whole(reply(("It is not sold. It gives everything away.", SELL)), check=check)
    assert step.draft.text == "No. It is not sold [1]."
    assert [claim for claim, _ in check.asked] == ["It is not sold.", "It gives everything away."]


def test_nothing_is_said_twice() -> None:
    step = whole(
        reply(
            ("It does not sell addresses.", SELL), ("Addresses it does not sell.", SELL), ("It sells addresses.", SELL)
        )
    )
    assert step.draft.text == "No. It does not sell addresses [1]."


def test_an_item_of_a_list_is_proven_and_cited_with_what_leads_it_in() -> None:
    from qa.domain import IndexedPolicy, Passage, Sentence, Span

    lead, text = "We do not:", SOURCE.policy.text
    text = f"{lead}\n* {ITEM}\n* read your mail."
    at = text.index(ITEM)
    base = indexed(lead)
    sentences = (Sentence(0, len(lead)), Sentence(at, at + len(ITEM), Span(0, len(lead))))
    policy = type(base.policy)("acme.com", base.policy.archived_on, "Acme", text)
    source = IndexedPolicy(
        policy, (Passage(0, 0, len(text), (), sentences),), base.passage_vectors, base.sentence_vectors
    )
    check = Checked()
    step = whole(
        json.dumps({"claims": [{"text": "It does not sell names.", "proof": [1]}]}),
        check=check,
        reading=read(ITEM, source=source),
    )
    assert check.asked == [("It does not sell names.", (f"{lead} {ITEM}",))]
    assert [quote.text for quote in step.draft.quotes] == [text[: at + len(ITEM)]]


def test_no_more_than_four_claims_are_shown() -> None:
    numbers = ["first", "second", "third", "fourth", "fifth", "sixth"]
    model = ScriptedModel([reply(*((f"The {each} thing is not sold.", SELL) for each in numbers))])
    *_, step = GroundedWriter(model, Checked()).write(*read(SELL))
    assert model.abandoned == 1
    assert "fourth" in step.draft.text
    assert "fifth" not in step.draft.text


def test_what_there_is_no_room_for_is_not_counted_as_unproven() -> None:
    three = [(f"The {each} thing is not sold.", SELL) for each in ("first", "second", "third")]
    step = whole(reply(*three, ("The fourth thing is not sold. The fifth thing is not sold.", SELL)))
    assert step.generation is not None
    assert (step.generation.claims, step.generation.dropped) == (4, 0)


# --- where the model disagrees ----------------------------------------------------------------------------------------


def test_where_the_model_reads_it_differently_the_policys_words_come_first_and_the_answer_is_less_sure() -> None:
    step = whole(reply(("It keeps logs.", LOGS), verdict="yes"))
    assert step.draft.text == (
        'Acme says it "will not rent or sell your e-mail address for any reason" [1]. It keeps logs [2].'
    )
    assert step.warnings == ('The chat model would have answered "yes"; look at the quoted passages.',)
    assert step.certainty == shaken(0.9) < 1
    assert step.generation is not None
    assert step.generation.agrees is False


def test_what_the_policys_words_say_already_is_not_said_again_by_a_model_that_disagrees() -> None:
    (step,) = steps(reply(("It rents your address for a reason.", SELL), verdict="yes"))
    assert (step.draft, step.engine) == (write(read(SELL)[0]), EXTRACTIVE)
    assert step.warnings == ('The chat model would have answered "yes"; this answer was composed without it.',)


def test_a_verdict_that_comes_late_still_makes_the_answer_less_sure() -> None:
    told = '{"claims": [{"text": "It is not sold.", "proof": [1]}], "verdict": "conditional"}'
    step = whole(told)
    assert step.draft.text == "No. It is not sold [1]."
    assert step.warnings == ('The chat model would have answered "only in some cases"; look at the quoted passages.',)
    assert step.certainty < 1


def test_a_model_that_finds_nothing_leaves_the_answer_to_the_policys_words() -> None:
    step = whole(reply(verdict="none"))
    assert step.draft == write(read(SELL)[0])
    assert step.warnings == ("The chat model found no answer in the policy; this answer was composed without it.",)
    assert step.certainty < 1


def test_a_model_that_gives_an_answer_without_a_verdict_is_not_said_to_have_found_none() -> None:
    step = whole(reply(("It keeps logs.", LOGS), verdict="none"))
    assert step.engine != EXTRACTIVE
    assert step.warnings == ('The chat model would have answered neither "yes" nor "no"; look at the quoted passages.',)


def test_a_model_whose_claims_fail_is_not_said_to_have_found_no_answer() -> None:
    step = whole(reply(("It keeps everything for ever.", LOGS), verdict="none"), check=Checked(lambda _: False))
    assert step.engine == EXTRACTIVE
    assert "no answer" not in step.warnings[0]


def test_disagreement_counts_for_less_the_surer_the_reader_is() -> None:
    assert shaken(0.0) == 1.0
    assert 0.4 < shaken(0.3) < shaken(0.6) < shaken(0.9) < shaken(0.99) < 1
    assert shaken(1.0) < 1


# --- where the model fails --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reason", "says"),
    [
        ("unreachable", "The chat model could not be reached; this answer was composed without it."),
        ("slow", "The chat model did not answer in time; this answer was composed without it."),
        ("busy", "The chat model's server was busy; this answer was composed without it."),
        ("refused", "The chat model's server refused the request; this answer was composed without it."),
        ("broken_off", "The chat model broke off; this answer was composed without it."),
        ("nonsense", "The chat model's reply could not be read; this answer was composed without it."),
        ("resting", "The chat model failed just now and rests for a while; this answer was composed without it."),
        ("budget", "The chat model's allowance is used up; this answer was composed without it."),
    ],
)
def test_a_model_that_fails_leaves_the_answer_as_it_is_without_one(reason: str, says: str) -> None:
    (step,) = steps(failure(reason))
    assert (step.draft, step.engine, step.warnings, step.certainty) == (write(read(SELL)[0]), EXTRACTIVE, (says,), 1.0)


def test_what_was_said_before_a_failure_stays_and_the_rest_is_composed() -> None:
    told = reply(("It is not sold.", SELL))[:-2] + ", "
    step = whole([told, failure("broken_off")], SELL, MAIL)
    assert step.draft.text == (
        'No. It is not sold [1]. It also says: "We may on occasion share a portion of our postal mailing list '
        'with others" [2].'
    )
    assert step.engine == "scripted:model"
    assert step.warnings == ("The chat model broke off; the rest of this answer was composed without it.",)


@pytest.mark.parametrize(
    "talk", ["", "I cannot help with that.", "{" * 5_000, '{"claims": 7}', "null", ["\x00" * 99, Usage(3, 4)]]
)
def test_nonsense_leaves_the_answer_as_it_is_without_a_model(talk: Talk) -> None:
    (step,) = steps(talk)
    assert (step.draft, step.engine) == (write(read(SELL)[0]), EXTRACTIVE)
    assert step.warnings == ("The chat model's reply could not be read; this answer was composed without it.",)


def test_prose_with_markers_will_do() -> None:
    step = whole("Acme does not sell your address [1]. And it knows best.")
    assert step.draft.text == "No. Acme does not sell your address [1]."


def test_the_writer_warms_up_what_it_needs() -> None:
    model, check = ScriptedModel([""]), Checked()
    GroundedWriter(model, check).warm_up()
    assert (model.warmed, check.warmed, model.asked) == (1, 1, [])


# --- whatever it says -------------------------------------------------------------------------------------------------

LINES = (SELL, MAIL, LOGS, ITEM, FAR)
WORDS = st.one_of(
    st.sampled_from(
        [
            "It is not sold.",
            "Yes, it sells it all!",
            'It says "sell your". So',
            "A [1] b (2) c.",
            "No. 5 p.m. e.g. it is.",
        ]
    ),
    st.sampled_from(LINES).flatmap(lambda line: st.integers(0, 40).map(lambda at: line[at:])),
    st.text(max_size=60),
    st.text(alphabet='It sells. "’[1]\n', max_size=60),
)
PROOFS = st.lists(
    st.one_of(
        st.fixed_dictionaries({"sentence": st.integers(-1, 9), "quote": WORDS}),
        st.integers(0, 6),
        WORDS,
        st.none(),
    ),
    max_size=4,
)
TOLD = st.fixed_dictionaries(
    {
        "verdict": st.sampled_from(["yes", "no", "conditional", "none", "maybe", None]),
        "claims": st.lists(st.fixed_dictionaries({"text": WORDS, "proof": PROOFS}), max_size=10),
    }
)


@settings(max_examples=150, deadline=None)
@drawn(
    told=st.one_of(TOLD.map(json.dumps), TOLD.map(repr), st.text(max_size=200)),
    cut=st.integers(0, 400),
    fails=st.booleans(),
    verdict=st.sampled_from([Verdict.YES, Verdict.NO, Verdict.CONDITIONAL, None]),
    evidence=st.lists(st.sampled_from(LINES), min_size=1, max_size=3, unique=True),
)
def test_whatever_a_model_says_all_that_is_shown_is_the_policys_or_proven(
    told: str, cut: int, fails: bool, verdict: Verdict | None, evidence: list[str]
) -> None:
    asked = read(*evidence, verdict=verdict)
    reading, candidates = asked
    talk: Talk = [told[:cut], failure("slow")] if fails else told
    check = Checked(lambda claim: "all" not in claim)
    *_, last = steps(talk, check=check, reading=asked)  # cited, none taken back
    assert {quote.text for quote in last.draft.quotes} >= {evidence[0]}

    def bare(text: str) -> str:
        return _unmarked(text).strip(" .!;,'\"").casefold()

    policys = [write(reading).text]
    for each in candidates.ranked:
        policys += [
            *(tell(reading, [each], told=told).text for told in (0, 1, 2)),
            write(Reading(SOURCE, reading.query, Status.ANSWERED, verdict, (each,))).text,
        ]
    known = {bare(sentence) for text in policys for sentence in sentences_of(text)}
    known |= {bare(claim) for claim in check.proven} | {"yes", "no", "only in some cases"}
    assert {bare(sentence) for sentence in sentences_of(last.draft.text)} <= known
