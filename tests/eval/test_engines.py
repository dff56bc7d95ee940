from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import pytest
from pydantic import SecretStr

from eval.cases import Case
from eval.engines import (
    Engine,
    InvalidEngine,
    Price,
    Tried,
    differences,
    engines_of,
    prices_of,
    probe,
    settings_for,
    timed,
    work_of,
)
from eval.running import run_eval
from qa.domain import Answer, Generation, Progress, Question, Said, Step
from qa.errors import ChatModelFailed, ModelUnusable
from qa.settings import Settings
from tests.chatting import ScriptedModel, failure
from tests.eval.making import COOKIES, LAW, PARAMETERS, SELL, TEXTS, answer, case, citation

SETTINGS = Settings.model_validate({})
CASES = (case("sell", "no", SELL), case("cookies", "yes", COOKIES), case("law", "yes", LAW))
RIGHT = {"sell": answer("no", SELL), "cookies": answer("yes", COOKIES), "law": answer("yes", LAW)}


def tried(
    name: str, answers: Mapping[str, Answer], price: Price | None = None, first_ms: Mapping[str, float] | None = None
) -> Tried:
    """What an engine that gives these answers comes to; it fails where it has none."""
    run = run_eval(CASES, TEXTS, lambda question: answers[question.id or ""], replace(PARAMETERS, engine=name))
    return Tried(Engine(name, settings_for(name, SETTINGS), price), run, first_ms=first_ms or {})


def always(given: Answer) -> Callable[[Question], Answer]:
    """Whatever is asked."""
    return lambda _: given


# --- what is to be compared -------------------------------------------------------------------------------------------


def test_engines_are_named_as_models_are_in_the_settings() -> None:
    first, second = engines_of(["Extractive", "ollama:llama3.2"], {"ollama:llama3.2": Price(0, 0)}, SETTINGS)
    assert (first.name, first.settings.llm, first.price) == ("extractive", None, None)
    assert (second.name, second.settings.llm, second.price) == ("ollama:llama3.2", "ollama:llama3.2", Price(0, 0))


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (["llama"], "'llama' is no engine: write extractive, or provider:model"),
        ([""], "is no engine"),
        (["ollama:"], "is no engine"),
        (["ollama:a b"], "is no engine"),
        (["x" * 5_000], "is no engine"),
        (["extractive", "EXTRACTIVE"], "named twice"),
        (["ollama:a", "Ollama:a"], "named twice"),
    ],
)
def test_a_name_that_is_none_is_one_clear_line(names: list[str], says: str) -> None:
    with pytest.raises(InvalidEngine, match=says) as caught:
        engines_of(names, {}, SETTINGS)
    assert len(str(caught.value)) < 300
    assert "\n" not in str(caught.value)


def test_a_model_without_its_key_is_told_before_anything_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(ModelUnusable, match="OPENAI_API_KEY"):
        engines_of(["extractive", "openai:gpt"], {}, SETTINGS)


def test_the_address_and_the_key_of_one_provider_are_sent_to_no_other() -> None:
    own = SETTINGS.model_copy(
        update={"llm": "openai:a", "llm_url": "http://127.0.0.1:1/v1", "llm_api_key": SecretStr("k")}
    )
    same, other, none = (settings_for(name, own) for name in ("openai:b", "ollama:c", "extractive"))
    assert (same.llm, same.llm_url, same.llm_api_key) == ("openai:b", own.llm_url, own.llm_api_key)
    assert (other.llm, other.llm_url, other.llm_api_key) == ("ollama:c", None, None)
    assert (none.llm, none.llm_url, none.llm_api_key) == (None, None, None)


def test_an_address_or_a_key_of_an_unnamed_provider_is_not_sent_to_two() -> None:
    for update in ({"llm_url": "http://127.0.0.1:1/v1"}, {"llm_api_key": SecretStr("k")}):
        whose = SETTINGS.model_copy(update=update)
        with pytest.raises(InvalidEngine, match="for one provider: name its model in FINEPRINT_LLM"):
            engines_of(["extractive", "ollama:a", "openai:b"], {}, whose)


def test_prices_are_the_users_own() -> None:
    assert prices_of(["openai:gpt=0.15/0.60", "ollama:a=b=0/0"]) == {
        "openai:gpt": Price(0.15, 0.6),
        "ollama:a=b": Price(0, 0),
    }


@pytest.mark.parametrize("given", ["", "openai:gpt", "=1/2", "openai:gpt=1", "openai:gpt=1/2/3", "openai:gpt=-1/2",
                                   "openai:gpt=nan/1", "openai:gpt=1/inf", "openai:gpt=a/b"])  # fmt: skip
def test_what_is_no_price_is_refused(given: str) -> None:
    with pytest.raises(InvalidEngine, match="is no price: write engine=in/out"):
        prices_of([given])


def test_a_price_is_of_a_chat_model_that_is_asked_and_given_once() -> None:
    for named in ("ollama:other", "extractive"):
        with pytest.raises(InvalidEngine, match=f"--price is about {named}"):
            engines_of(["extractive", "ollama:a"], {named: Price(1, 1)}, SETTINGS)
    with pytest.raises(InvalidEngine, match="given twice"):
        prices_of(["ollama:a=1/1", "ollama:a=2/2"])


@pytest.mark.parametrize("reason", ["unreachable", "refused", "budget"])
def test_a_model_that_is_not_there_is_known_beforehand(reason: str) -> None:
    with pytest.raises(ChatModelFailed):
        probe(ScriptedModel([failure(reason)]))


@pytest.mark.parametrize("doing", ["anything", failure("slow"), failure("busy"), failure("nonsense")])
def test_a_model_that_is_slow_or_odd_is_there(doing: str | Exception) -> None:
    model = ScriptedModel([doing])
    probe(model)
    assert len(model.asked) == 1


# --- what came of it --------------------------------------------------------------------------------------------------


def test_the_first_proof_is_the_first_stretch_with_a_citation_or_the_answer() -> None:
    def stream(question: Question) -> Iterator[Step]:
        yield Progress("writing")
        yield Said("Do you sell it?\n")
        if question.id == "early":
            yield Said("No [1].", (citation(SELL),))
        time.sleep(0.05)
        yield answer("no", SELL)

    first_ms: dict[str, float] = {}
    ask = timed(stream, first_ms)
    assert ask(Question("?", id="early")) == ask(Question("?", id="late")) == answer("no", SELL)
    assert first_ms["early"] < 50 <= first_ms["late"]


def test_what_a_model_did_is_added_up() -> None:
    done = Generation(
        "ollama:a", claims=4, repaired=1, dropped=1, agrees=True, input_tokens=1_000, output_tokens=100, calls=1
    )
    answers = {
        "sell": replace(RIGHT["sell"], engine="ollama:a", generation=done),
        "cookies": replace(
            RIGHT["cookies"], engine="ollama:a", generation=replace(done, agrees=False, failed="broken_off")
        ),
        "law": replace(RIGHT["law"], generation=Generation("ollama:a", calls=2, failed="unreachable")),
    }
    work = work_of(tried("ollama:a", answers, Price(2, 10), {"sell": 100.0, "cookies": 200.0, "law": 300.0}))
    assert (work.answers, work.calls, work.input_tokens, work.output_tokens) == (2, 4, 2_000, 200)
    assert work.cost == pytest.approx(0.006)
    assert (work.claims, work.proven, work.repaired, work.dropped) == (8, 4, 2, 2)
    assert (work.agreed, work.disagreed) == (1, 1)
    assert (work.first_p50_ms, work.first_p95_ms) == (200.0, 300.0)
    assert work.fallbacks == {"broken_off": 1, "unreachable": 1}


def test_without_a_price_there_is_no_cost() -> None:
    assert work_of(tried("ollama:a", RIGHT)).cost is None


def test_cases_differ_where_status_verdict_or_being_right_does() -> None:
    other_words = {name: replace(given, text="in other words") for name, given in RIGHT.items()}
    assert differences([tried("extractive", RIGHT), tried("ollama:a", other_words)]) == ()
    wrong = {"sell": answer("yes", SELL), "cookies": answer("yes", LAW)}
    found = differences([tried("extractive", RIGHT), tried("ollama:a", wrong)])
    assert [(each.case, each.expected) for each in found] == [("sell", "no"), ("cookies", "yes"), ("law", "yes")]
    assert [[(each.said, each.right) for each in one.outcomes] for one in found] == [
        [("answered, no", True), ("answered, yes", False)],
        [("answered, yes", True), ("answered, yes", False)],
        [("answered, yes", True), ("error", False)],
    ]


def test_an_engine_that_was_not_asked_differs_in_nothing() -> None:
    absent = Tried(Engine("ollama:b", SETTINGS), None, "it is not there")
    assert differences([tried("extractive", RIGHT), absent]) == ()
    assert work_of(absent).calls == 0


def test_the_expected_status_is_told_where_no_policy_is_asked_about() -> None:
    from qa.domain import Status

    off = Case("off", "the weather?", CASES[0].kind, statuses=(Status.OUT_OF_SCOPE, Status.NEEDS_COMPANY))
    runs = [
        Tried(
            Engine(name, SETTINGS),
            run_eval([off], TEXTS, always(answer(None, status=status)), PARAMETERS),
        )
        for name, status in (("a", "out_of_scope"), ("b", "not_stated"))
    ]
    assert [each.expected for each in differences(runs)] == ["out_of_scope or needs_company"]
