"""What the first page of the README promises, kept with the real models over the bundled policies."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from eval.evaluating import evaluate
from qa.domain import Answer, Progress, Question, Said, Status, Verdict, as_json
from qa.encoders import BundledEntailment
from qa.generating import GroundedWriter
from qa.service import PolicyQA
from qa.settings import Settings, default_cache
from qa.supporting import SupportCheck
from qa.talking import Usage
from tests.chatting import Reply, Request, ScriptedModel, Served, failure, serving
from tests.ui.examples import FILE, comparable, examples_of


@pytest.fixture(scope="module")
def settings(sampled: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    index = shutil.copytree(sampled, tmp_path_factory.mktemp("promises") / "index")
    return Settings(index=index, cache=default_cache())


@pytest.fixture(scope="module")
def qa(settings: Settings) -> Iterator[PolicyQA]:
    with PolicyQA.open(settings) as opened:
        yield opened


def test_perricone_md_shares_data_only_in_some_cases(qa: PolicyQA) -> None:
    answer = qa.ask(Question("does Perricone MD share my data?"))
    assert (answer.status, answer.verdict) == (Status.ANSWERED, Verdict.CONDITIONAL)
    assert answer.citations[0].quote.startswith(
        "We will only share your personal information with companies that perform services for us, "
    )


@pytest.mark.parametrize(
    ("question", "history"),
    [
        ("does free people sell my email address?", ()),
        ("do they rent it?", ("does free people sell my email address?",)),
        ("does exofficio keep my card number online?", ()),
    ],
)
def test_no_where_the_policy_says_no(qa: PolicyQA, question: str, history: tuple[str, ...]) -> None:
    answer = qa.ask(Question(question, history=history))
    assert (answer.status, answer.verdict) == (Status.ANSWERED, Verdict.NO)


def test_free_people_may_give_the_postal_address_to_others(qa: PolicyQA) -> None:
    answer = qa.ask(Question("will Free People give my postal address to other companies?"))
    assert answer.verdict in {Verdict.YES, Verdict.CONDITIONAL}
    assert "postal mailing list" in answer.citations[0].quote


def test_silence_is_said_to_be_silence(qa: PolicyQA) -> None:
    answer = qa.ask(Question("how long does Free People keep my data?"))
    assert (answer.status, answer.verdict, answer.citations) == (Status.NOT_STATED, None, ())
    assert answer.related


@pytest.mark.parametrize(
    ("question", "status"),
    [
        ("does Amazon share my data?", Status.UNKNOWN_COMPANY),
        ("what's the weather in Paris?", Status.OUT_OF_SCOPE),
        ("do you use cookies?", Status.NEEDS_COMPANY),
        ("free people from tracking?", Status.NEEDS_COMPANY),
    ],
)
def test_what_cannot_be_answered_says_why(qa: PolicyQA, question: str, status: Status) -> None:
    answer = qa.ask(Question(question))
    assert (answer.status, answer.citations) == (status, ())


def test_a_question_about_all_sites_has_an_entry_and_a_proof_for_each(qa: PolicyQA) -> None:
    answer = qa.ask(Question("which of these sites sell my email?"))
    assert {entry.domain: entry.verdict for entry in answer.entries} == dict.fromkeys(
        ["exofficio.com", "freepeople.com", "malleries.com", "perriconemd.com"], Verdict.NO
    )
    assert all(entry.citations for entry in answer.entries)


def test_the_bundled_evaluation_does_not_fall_below_its_baseline(settings: Settings, tmp_path: Path) -> None:
    assert evaluate(None, None, tmp_path / "run", None, settings, Console(quiet=True)) == 0


def test_the_examples_in_the_description_of_the_api_are_what_it_answers(qa: PolicyQA) -> None:
    """Where this fails for a good reason, ``python -m tests.ui.examples`` writes them anew."""
    written = json.loads(FILE.read_text(encoding="utf-8"))
    assert comparable(examples_of(qa)) == comparable(written)


# --- with a chat model ------------------------------------------------------------------------------------------------


SHARES = (
    "Perricone MD will only share your personal information with companies that perform services for it, such as "
    "fulfilling orders, delivering packages, processing credit card payments, providing customer service and other "
    "similar functions"
)


def worded(request: Request) -> Reply:
    """A model that says one thing, of the best sentence that it is given, and does not take questions apart."""
    sentences = json.loads(request.user).get("sentences")
    if not sentences:
        return Reply("{}")
    best = sentences[0]
    return Reply(json.dumps({"claims": [{"text": f"{SHARES}.", "proof": [{"sentence": 1, "quote": best["text"]}]}]}))


@pytest.fixture(scope="module")
def with_model(qa: PolicyQA, settings: Settings) -> Iterator[tuple[PolicyQA, Served]]:
    with serving(worded) as served:
        chosen = settings.model_copy(update={"llm": "openai:tiny", "llm_url": served.openai_url})
        with PolicyQA.open(chosen) as opened:
            opened.warm_up()
            yield opened, served


def test_a_chat_model_words_what_is_proven_and_the_verdict_stays(
    with_model: tuple[PolicyQA, Served], qa: PolicyQA
) -> None:
    asked = Question("does Perricone MD share my data?")
    said, answer = (step for step in with_model[0].stream(asked) if not isinstance(step, Progress))
    plain = qa.ask(asked)
    assert isinstance(said, Said)
    assert isinstance(answer, Answer)
    assert answer.text == said.text == f"Only in some cases. {SHARES} [1]."
    assert (answer.status, answer.verdict, answer.confidence) == (plain.status, plain.verdict, plain.confidence)
    assert answer.citations == said.citations == plain.citations[:1]
    assert (answer.engine, answer.warnings) == ("openai:tiny", plain.warnings)


def test_silence_comparisons_and_labels_are_made_without_the_model(
    with_model: tuple[PolicyQA, Served], qa: PolicyQA
) -> None:
    opened, served = with_model
    before = len(served.requests)
    for question in ("how long does Free People keep my data?", "which of these sites sell my email?"):
        assert comparable([as_json(opened.ask(Question(question)))]) == comparable(
            [as_json(qa.ask(Question(question)))]
        )
    assert as_json(opened.label("freepeople.com")) == as_json(qa.label("freepeople.com"))  # kept ones are rounded
    assert len(served.requests) == before


def test_a_model_that_is_down_changes_nothing_but_the_warning(settings: Settings, qa: PolicyQA) -> None:
    asked = Question("does free people sell my email address?")
    chosen = settings.model_copy(update={"llm": "openai:tiny", "llm_url": "http://127.0.0.1:9", "llm_timeout_s": 2.0})
    with PolicyQA.open(chosen) as opened:
        answer, plain = opened.ask(asked), qa.ask(asked)
    assert answer.warnings == ("The chat model could not be reached; this answer was composed without it.",)
    assert replace(answer, warnings=(), generation=None, timings_ms=plain.timings_ms) == plain


def test_what_is_said_part_by_part_is_cited_and_stays(with_model: tuple[PolicyQA, Served]) -> None:
    *steps, answer = with_model[0].stream(Question("does Perricone MD share my data, and does it sell my data?"))
    said = [step for step in steps if isinstance(step, Said)]
    assert isinstance(answer, Answer)
    assert len(answer.parts) == 2
    assert len(said) >= 2
    text, cited = "", set[int]()
    for step in said:
        text += step.text
        cited |= {citation.n for citation in step.citations}
        assert {int(n) for n in re.findall(r"\[(\d+)\]", text)} <= cited
    assert SHARES in text
    assert answer.text.startswith(text)


def test_a_model_that_fails_is_waited_for_once_however_much_is_asked(settings: Settings) -> None:
    model = ScriptedModel([failure("slow")])
    writer = GroundedWriter(model, SupportCheck(BundledEntailment(settings.cache)))
    with PolicyQA.open(settings, writer=writer) as opened:
        answer = opened.ask(Question("does free people sell my email and does it rent my name?"))
    assert [part.status for part in answer.parts] == [Status.ANSWERED, Status.ANSWERED]
    assert len(model.asked) == 1
    assert answer.warnings == ("The chat model did not answer in time; this answer was composed without it.",)


def test_without_a_model_nothing_of_one_is_loaded(settings: Settings, qa: PolicyQA) -> None:
    code = (
        "import sys, qa, qa.service; from ui.cli import main\n"
        "try: main()\n"
        "except SystemExit as done: assert not done.code, done.code\n"
        "print([name for name in sys.modules if name in {'qa.chatmodel', 'qa.generating', 'qa.rewriting', "
        "'qa.supporting', 'qa.claiming', 'qa.replies', 'qa.sparing'} or name.split('.')[0] in {'openai', 'anthropic', "
        "'ollama', 'langchain', 'langchain_core', 'langchain_openai', 'langchain_ollama', 'langchain_anthropic'}])"
    )
    asked = ["ask", "does free people sell my email address?", "--index", str(settings.index)]
    done = subprocess.run(
        [sys.executable, "-c", code, *asked],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        cwd=Path(__file__).parent.parent,
    )
    assert "Free People" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_first_proven_sentence_is_there_within_300_ms_of_its_closing_brace(
    settings: Settings, qa: PolicyQA
) -> None:
    closed: list[float] = []

    class Slow(ScriptedModel):
        def talk(
            self, system: str, user: str, schema: Mapping[str, Any], asked_at: float | None = None
        ) -> Iterator[str | Usage]:
            closed.append(time.perf_counter())
            yield json.dumps({"claims": [{"text": f"{SHARES}.", "proof": [{"sentence": 1, "quote": ""}]}]})[:-2]
            time.sleep(0.6)
            yield "]}"

    writer = GroundedWriter(Slow([]), SupportCheck(BundledEntailment(settings.cache)))
    with PolicyQA.open(settings, writer=writer) as opened:
        opened.warm_up()
        took: list[float] = []
        # The machine may be busy with another worker's tests: the quietest of some rounds says what it takes.
        while len(took) < 8 and min(took, default=1.0) >= 0.3:
            steps = opened.stream(Question("does Perricone MD share my data?"))
            said = next(step for step in steps if isinstance(step, Said))
            took.append(time.perf_counter() - closed[-1])
            assert SHARES in said.text
            steps.close()
        assert min(took) < 0.3, took
