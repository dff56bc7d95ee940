from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from eval.ablation import (
    WHOLE,
    AlwaysYes,
    FirstAlone,
    NeverSilent,
    Stages,
    Undecided,
    as_markdown,
    composed,
    main,
    measure,
    variants,
)
from eval.cases import InvalidCases
from qa.domain import Answer, Candidates, PolicyCard, Question, Reading, Status, Verdict
from qa.encoders import HashingEncoder
from qa.errors import InvalidQuestion
from qa.library import Library, Manifest
from qa.retrieval import WEIGHTS, Retriever
from qa.routing import Router
from tests.eval.making import COOKIES, LAW, SELL, TEXTS, answer, case, ideal
from tests.qa.making import indexed, route_to

ENCODER = HashingEncoder()
SOURCE = indexed("We do not sell your data.", "We use cookies on our site.", "Trees grow.")


def candidates(question: str = "do you sell my data?") -> Candidates:
    return Retriever(ENCODER).rank(route_to(SOURCE, question), SOURCE)


class Fixed:
    """Reads the last candidate, as it is told."""

    def __init__(self, status: Status, verdict: Verdict | None) -> None:
        self._status = status
        self._verdict = verdict

    def warm_up(self) -> None: ...

    def read(self, question: str, candidates: Candidates) -> Reading:
        last = candidates.ranked[-1:]
        leanings = (Verdict.NO,) if self._verdict else ()
        if self._status is Status.ANSWERED:
            return Reading(candidates.source, question, self._status, self._verdict, evidence=last, leanings=leanings)
        return Reading(candidates.source, question, self._status, None, related=last)


class TopRanked(Fixed):
    """Reads the first two candidates."""

    def read(self, question: str, candidates: Candidates) -> Reading:
        reading = super().read(question, candidates)
        return replace(reading, evidence=candidates.ranked[:2], leanings=(Verdict.NO, None))


ANSWERS_NO = Fixed(Status.ANSWERED, Verdict.NO)
SILENT = Fixed(Status.NOT_STATED, None)


def test_the_first_sentence_alone_keeps_the_verdict() -> None:
    found = candidates()

    reading = FirstAlone(TopRanked(Status.ANSWERED, Verdict.NO)).read("do you sell my data?", found)
    assert reading.evidence == found.ranked[:1]
    assert (reading.verdict, reading.leanings) == (Verdict.NO, (Verdict.NO,))
    assert FirstAlone(SILENT).read("", found) == SILENT.read("", found)


def test_an_undecided_judge_leans_nowhere() -> None:
    judgements = Undecided().judge("do you sell my data?", ["We do.", "We do not."])
    assert len(judgements) == 2
    assert all(each.leaning(0.34) is None for each in judgements)


def test_always_yes_gives_a_verdict_only_where_there_was_one() -> None:
    found = candidates()
    assert AlwaysYes(ANSWERS_NO).read("", found).verdict is Verdict.YES
    assert AlwaysYes(SILENT).read("", found).verdict is None
    assert AlwaysYes(Fixed(Status.ANSWERED, None)).read("", found).verdict is None


def test_never_silent_answers_from_what_was_related() -> None:
    found = candidates()
    reading = NeverSilent(SILENT).read("do you sell my data?", found)
    assert (reading.status, reading.verdict, reading.related) == (Status.ANSWERED, Verdict.YES, ())
    assert reading.evidence == found.ranked[-1:]
    assert NeverSilent(SILENT).read("how long do you keep data?", found).verdict is None
    assert NeverSilent(ANSWERS_NO).read("", found) == ANSWERS_NO.read("", found)


def test_never_silent_stays_silent_about_an_empty_policy() -> None:
    empty = indexed()
    nothing = Candidates(route_to(empty, "do you sell?"), empty, ())
    assert NeverSilent(SILENT).read("do you sell?", nothing).status is Status.NOT_STATED


def test_every_part_of_the_ranking_is_left_out_once() -> None:
    made = variants(SILENT)
    assert next(iter(made)) == WHOLE
    for part in WEIGHTS:
        assert made[f"without {part}"].weights == {name: WEIGHTS[name] for name in WEIGHTS if name != part}
    assert len(made) == 1 + len(WEIGHTS) + 4


def test_a_variant_is_asked_like_the_service_and_its_weights_count() -> None:
    card = SOURCE.policy
    library = {card.id: SOURCE}
    route = Router([_card()]).route

    def ask(weights: dict[str, float]) -> Answer:
        chain = composed(Stages(weights, TopRanked(Status.ANSWERED, Verdict.NO)), route, library.__getitem__, ENCODER)
        return chain(Question("do you use cookies on your site?", scope=card.id))

    assert ask({"cosine": 1.0}).citations[0].quote == "We use cookies on our site."
    assert ask({"cosine": -1.0}).citations[0].quote != "We use cookies on our site."


def _card() -> PolicyCard:
    policy = SOURCE.policy
    return PolicyCard(policy.id, policy.domain, policy.archived_on, policy.company, policy.aliases)


CASES = [case("a", "no", SELL), case("b", "yes", COOKIES), case("c", "not_stated"), case("d", "yes", LAW)]


def test_what_a_part_brings_is_what_is_lost_without_it() -> None:
    right = {case.asked().text: ideal(case) for case in CASES}

    def whole(question: Question) -> Answer:
        return right[question.text]

    def yes(question: Question) -> Answer:
        return answer("yes", COOKIES)

    lines = measure(CASES, TEXTS, {WHOLE: whole, "always yes": yes})
    assert [line.name for line in lines] == [WHOLE, "always yes"]
    assert lines[0].figures.right_and_proven == 1.0
    assert lines[0].brings is None
    # Of four, only the second is right.
    assert lines[1].brings == 0.75
    assert lines[1].figures.not_stated_f1 == 0.0
    assert lines[0].test is None
    assert lines[1].test is not None
    assert lines[1].test.difference == 0.75
    assert "| always yes | 0.250 | 0.750 |" in as_markdown(lines)


def test_a_refused_question_counts_as_wrong_and_the_others_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    def refusing(question: Question) -> Answer:
        if question.id == "a":
            raise InvalidQuestion("no")
        return ideal(next(case for case in CASES if case.id == question.id))

    (line,) = measure(CASES, TEXTS, {WHOLE: refusing})
    assert line.figures.right_and_proven == 0.75
    assert line.figures.missing == 1


def test_variants_take_turns_in_being_first() -> None:
    order: list[str] = []

    def noting(name: str) -> object:
        def ask(question: Question) -> Answer:
            order.append(name)
            return answer("yes", COOKIES)

        return ask

    measure(CASES[:2], TEXTS, {"a": noting("a"), "b": noting("b")})  # type: ignore[dict-item]
    assert order == ["a", "b", "b", "a"]


def test_evidence_that_is_not_in_the_policy_is_refused() -> None:
    with pytest.raises(InvalidCases, match="not verbatim"):
        measure([case("x", "yes", "Nobody said this.")], TEXTS, {WHOLE: ideal})  # type: ignore[dict-item]


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Path]:
    manifest = Manifest(ENCODER.name, ENCODER.fingerprint, ENCODER.dimension, "test")
    with Library.open_for_writing(tmp_path / "index", manifest) as library:
        library.put(SOURCE)
    return tmp_path / "index"


def write_cases(path: Path, policy: str = "acme.com__2011-03-06") -> Path:
    lines = [
        {
            "id": f"sell{n}", "policy": policy, "question": "Does Acme sell my data?", "kind": "yes_no",
            "verdict": "no", "evidence": ["We do not sell your data."],
        }
        for n in range(3)
    ]  # fmt: skip
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def test_the_command_asks_prints_and_saves(tmp_path: Path, index: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cases, out = write_cases(tmp_path / "cases.jsonl"), tmp_path / "out.json"
    arguments = ["--cases", str(cases), "--index", str(index), "--out", str(out), "--limit", "2"]
    assert main(arguments, encoder=ENCODER, reader=ANSWERS_NO) == 0
    assert f"| {WHOLE} |" in capsys.readouterr().out
    saved = json.loads(out.read_text(encoding="utf-8"))
    assert {line["figures"]["n"] for line in saved["summary"]} == {2}
    assert [line["name"] for line in saved["summary"]] == list(variants(ANSWERS_NO))


@pytest.mark.parametrize("problem", ["no file", "malformed", "no index", "other policies", "unwritable"])
def test_what_cannot_be_measured_is_told_with_exit_code_two(
    problem: str, tmp_path: Path, index: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cases = write_cases(
        tmp_path / "cases.jsonl", "x.com__2000-01-01" if problem == "other policies" else "acme.com__2011-03-06"
    )
    if problem == "malformed":
        cases.write_text("{}\n", encoding="utf-8")
    if problem == "no file":
        cases.unlink()
    folder = tmp_path / "none" if problem == "no index" else index
    out = ["--out", str(cases / "below-a-file.json")] if problem == "unwritable" else []
    assert main(["--cases", str(cases), "--index", str(folder), *out], encoder=ENCODER, reader=ANSWERS_NO) == 2
    said = capsys.readouterr().err
    assert said.splitlines()[-1].startswith("ablation: ")
    assert "Traceback" not in said
