"""What turns annotated questions into the models' weights, on made-up questions and with the fake encoder."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from qa.domain import Verdict
from qa.encoders import BundledEntailment, BundledJudge, HashingEncoder
from qa.entailing import posed
from qa.errors import UnknownScope
from qa.judging import OPPOSITE, Judgement
from qa.library import Library, Manifest
from qa.reading import ReadingModel
from qa.retrieval import WEIGHTS, Retriever
from qa.training.__main__ import main
from qa.training.encoder import Recipe, TrainableEncoder
from qa.training.entailment import (
    CLAIMS,
    TWISTS,
    Calibration,
    Claim,
    EntailmentRecipe,
    TrainableEntailment,
    answered_claims,
    contrasts,
    figures,
    threshold,
    told_of,
    training_set,
    written_claims,
)
from qa.training.examples import WRITTEN, Example, load_examples
from qa.training.judge import JudgeRecipe, TrainableJudge
from qa.training.reading import MIN_PRECISION, Assessed, Ranked, fit, hit_rates, without
from qa.training.synthetic import contrasts_of, joined, make_questions, question_of
from tests.qa.making import indexed

ENCODER = HashingEncoder()
NAMES = ["acme", "bolt", "calm", "dune", "echo", "fern"]
LINES = (
    "We never sell your data.",
    "We use cookies.",
    "We may share your address if you agree.",
    "Call us on Mondays.",
)


@pytest.fixture
def ranked(tmp_path: Path) -> list[Ranked]:
    manifest = Manifest(ENCODER.name, ENCODER.fingerprint, ENCODER.dimension, "test")
    cases = []
    with Library.open_for_writing(tmp_path / "index", manifest) as library:
        for name in NAMES:
            library.put(indexed(*LINES, domain=f"{name}.com", company=name.title()))
            asked = [
                (f"does {name.title()} sell my data?", "yes_no", "no", LINES[0]),
                ("do you use cookies?", "yes_no", "yes", LINES[1]),
                ("do you share my address?", "yes_no", "conditional", LINES[2]),
                ("how old must children be?", "open", "not_stated", None),
            ]
            for question, kind, verdict, proof in asked:
                cases.append(
                    {
                        "id": f"{name}-{verdict}",
                        "policy": f"{name}.com__2011-03-06",
                        "question": question,
                        "kind": kind,
                        "verdict": verdict,
                        "evidence": [proof] if proof else [],
                        "also_ok": [],
                        "near_miss": [],
                    }
                )
        file = tmp_path / "cases.jsonl"
        file.write_text("\n".join(map(json.dumps, cases)) + "\n", encoding="utf-8")
        retriever = Retriever(ENCODER)
        return [
            Ranked(example, retriever.rank(example.route, library.read(example.policy_id)))
            for example in load_examples(file, library)
        ]


def by_id(ranked: list[Ranked], name: str) -> Example:
    return next(r.example for r in ranked if r.example.id == name)


def test_evidence_is_mapped_onto_sentences_and_the_name_is_taken_out_of_the_query(ranked: list[Ranked]) -> None:
    example = by_id(ranked, "acme-no")
    assert example.evidence.tolist() == [True, False, False, False]
    assert "Acme" not in example.route.query
    assert not by_id(ranked, "acme-not_stated").acceptable.any()


def test_questions_written_for_training_say_where_their_evidence_stands(ranked: list[Ranked], tmp_path: Path) -> None:
    example = by_id(ranked, "acme-no")
    source = next(r for r in ranked if r.example is example).candidates.source
    said = next(sentence for _, sentence in source.sentences() if "never" in sentence.span.of(source.policy.text))
    item = {
        "policy": "acme.com__2011-03-06",
        "question": "and sold?",
        "history": ["is my data shared?"],
        "verdict": "no",
        "evidence": [[said.start, said.end]],
        "near_miss": [],
    }
    file = tmp_path / "written.jsonl"
    file.write_text(f"{json.dumps(item)}\n\n{json.dumps({**item, 'policy': 'gone.com__2011-03-06'})}\n")
    with Library.open(tmp_path / "index") as library:
        (read,) = load_examples(file, library, at_hand=True)
        with pytest.raises(UnknownScope):
            load_examples(file, library)
    assert (read.id, read.kind, read.verdict) == ("written:1", "yes_no", "no")
    assert read.acceptable.tolist() == read.evidence.tolist() == example.evidence.tolist()


def test_hit_rates_count_answered_questions_only(ranked: list[Ranked]) -> None:
    first = [r for r in ranked if r.example.answered]
    expected = float(np.mean([r.hits[0] for r in first]))
    assert hit_rates(ranked)[0] == pytest.approx(expected)
    assert len(first) == 3 * len(NAMES)


def test_a_part_left_out_of_the_score_reorders_by_the_rest(ranked: list[Ranked]) -> None:
    again = without(ranked[0], "bm25").candidates.ranked
    rest = [sum(w * c.features[part] for part, w in WEIGHTS.items() if part != "bm25") for c in again]
    assert rest == sorted(rest, reverse=True)
    assert [c.score for c in again] == pytest.approx(rest, abs=1e-6)


class ByWords:
    """A judge by hand: three words make the verdict."""

    def judge(self, question: str, texts: Sequence[str]) -> list[Judgement]:
        logits = [[2.0 * ("use" in text), 2.0 * ("never" in text), 2.0 * ("if" in text), 0.0] for text in texts]
        return [Judgement.of(np.array(row, dtype=np.float32)) for row in logits]

    def warm_up(self) -> None: ...


def test_the_fitted_models_read_the_made_up_questions_right(ranked: list[Ranked]) -> None:
    lines: list[str] = []
    model = ReadingModel.parse(fit([Assessed.of(r, ByWords()) for r in ranked], lines.append))
    assert set(model.verdict.labels) == {"yes", "no", "conditional"}
    assert 0 < model.evidence_threshold <= 0.9
    assert 0 < MIN_PRECISION < 1
    figures = next(line for line in lines if line.startswith("cross-validated"))
    assert "right and proven 1.000" in figures
    assert "verdict 1.000" in figures


@pytest.mark.parametrize(
    ("sentence", "asks", "verdict"),
    [
        ("We do not sell your personal information to anyone.", "sell my personal information to anyone", Verdict.NO),
        ("We may share your address with our partners.", "share my address with", Verdict.YES),
        (
            "We will not share your name with others without your consent.",
            "share my name with others",
            Verdict.CONDITIONAL,
        ),
        ("You may update your profile at any time.", "update my profile at any time", Verdict.YES),
        ("You are not required to register with us.", "register with you", Verdict.NO),
        ("Your card number is never stored on our servers.", "stored on your servers", Verdict.NO),
        ("We collect your address when you visit our site.", "collect my address", Verdict.YES),
    ],
)
def test_a_sentence_makes_the_question_that_it_answers(sentence: str, asks: str, verdict: Verdict) -> None:
    turned = 0
    for seed in range(30):
        made = question_of(sentence, random.Random(seed))
        assert made is not None
        question, told = made
        if " not " in question:  # now and then it is asked in the negative
            turned += 1
            question, told = question.replace(" not ", " "), OPPOSITE[told]
        assert asks in question
        assert told is verdict
    assert turned < 15


@pytest.mark.parametrize(
    "sentence", ["Cookies.", "Why do we use your data?", "We sell it, but you may object to that.", "x" * 500]
)
def test_a_sentence_of_another_form_makes_none(sentence: str) -> None:
    assert question_of(sentence, random.Random(1)) is None


@pytest.mark.parametrize(
    ("sentence", "asked"),
    [
        (
            "We will not share your name with others without your consent.",
            {"without": Verdict.NO, "if I agree": Verdict.YES, "with my permission": Verdict.YES, "once I": Verdict.YES,
             "need": Verdict.YES, "ask for": Verdict.YES, "unless I agree": Verdict.NO},
        ),
        (
            "We do not disclose your details to anyone unless required by law.",
            {"court": Verdict.YES, "law": Verdict.YES, "legally": Verdict.YES},
        ),
        ("We share your address with sellers when you buy from them.", {"when I buy from them": Verdict.YES}),
        ("We may share your name (but not your e-mail) with partners.", {"share my e-mail": Verdict.NO}),
    ],
)  # fmt: skip
def test_a_question_that_names_the_condition_gets_a_plain_verdict(sentence: str, asked: dict[str, Verdict]) -> None:
    seen = [made for seed in range(20) for made in contrasts_of(sentence, random.Random(seed))]
    assert seen
    for question, verdict in seen:
        assert [v for words, v in asked.items() if words in question][:1] == [verdict], question


@pytest.mark.parametrize(
    "sentence", ["We sell your data to others.", "We collect your name when you register with us."]
)
def test_a_sentence_without_a_true_condition_makes_no_contrast(sentence: str) -> None:
    assert not contrasts_of(sentence, random.Random(1))


def test_a_list_item_is_read_behind_what_leads_it_in() -> None:
    assert joined("We collect the following information:", "Your IP address") == "We collect your IP address"
    assert joined("You have the right to:", "to object") == "You have the right to object"
    assert not joined("Please note:", "Trees grow")
    assert not joined("We share data with:", "We love trees.")


def test_made_questions_are_the_same_for_the_same_seed_and_ask_a_sentence_that_stands_twice_once() -> None:
    sources = [indexed("We do not sell your personal data to anyone.", "We may share your address with others.")]
    assert make_questions(sources, 3) == make_questions(sources, 3)
    assert len(make_questions(sources * 2, 3)) == 2


@pytest.mark.usefixtures("ranked")
def test_too_few_policies_for_the_folds_are_told_before_anything_is_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cases = tmp_path / "cases.jsonl"
    few = [line for line in cases.read_text().splitlines() if json.loads(line)["policy"].split(".")[0] in NAMES[:4]]
    cases.write_text("\n".join(few))
    monkeypatch.setattr("sys.argv", ["training", "--index", str(tmp_path / "index"), "--cases", str(cases)])
    with pytest.raises(SystemExit):
        main()
    assert "at least 5 policies" in capsys.readouterr().err


@pytest.mark.slow
def test_a_trained_judge_gives_the_same_scores_when_it_is_shipped(
    ranked: list[Ranked], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = TrainableJudge(JudgeRecipe(epochs=1, pairs=8), TrainableEncoder(Recipe()))
    lines: list[str] = []
    judge.train(ranked[:4], make_questions([ranked[0].candidates.source], 0), lines.append)
    assert len(lines) == 2
    assert all(np.isfinite(float(line.split()[-1])) for line in lines)
    judge.save(tmp_path / "judge.safetensors")
    monkeypatch.setattr("qa.encoders._MODELS", tmp_path)
    shipped = BundledJudge(tmp_path / "cache")
    texts = ["We never sell your data.", "Call us.", "We may share your address if you agree. " * 9]
    for ours, theirs in zip(
        judge.judge("do you sell data?", texts), shipped.judge("do you sell data?", texts), strict=True
    ):
        assert theirs.verdicts == pytest.approx(ours.verdicts, abs=0.02)  # half precision


# --- entailment -------------------------------------------------------------------------------------------------------

SAID = ("We do not sell your personal information to anyone.", "We keep server logs for 30 days after your visit.")


def claims_of_two_policies() -> list[Claim]:
    sources = {f"{name}.com__2011-03-06": indexed(*SAID, domain=f"{name}.com") for name in ("acme", "bolt")}
    items = [
        {
            "policy": policy,
            "question": "do you sell my data?",
            "evidence": [[0, len(SAID[0])]],
            "near_miss": [],
            "supported": ["Your personal information is not sold to anyone."],
            "unsupported": [["It sells your personal information to anyone.", "negation"]],
        }
        for policy in sources
    ] + [{"policy": "elsewhere.com__2011-03-06"}]
    return written_claims(map(json.dumps, items), sources)


def test_written_claims_are_read_with_the_sentences_that_they_are_about() -> None:
    claims = claims_of_two_policies()
    assert [(claim.proven, claim.kind, claim.bare) for claim in claims[:2]] == [
        (True, "honest", (SAID[0],)),
        (False, "negation", (SAID[0],)),
    ]
    assert claims[0].sentences == (f"Your information: {SAID[0]}",)
    assert len(claims) == 4


def test_a_reference_answer_is_proven_by_its_evidence_and_not_by_a_near_miss() -> None:
    case = {
        "policy": "acme",
        "question": "how long do you keep logs?",
        "verdict": "stated",
        "evidence": [SAID[1]],
        "near_miss": [SAID[0]],
        "answer": "For 30 days.",
    }
    lines = [json.dumps(case), json.dumps(case | {"verdict": "not_stated"})] * 8
    found = answered_claims(lines, {"acme": indexed(*SAID)}, random.Random(0))
    assert {(claim.proven, claim.bare) for claim in found} == {(True, (SAID[1],)), (False, (SAID[0],))}
    assert sum(claim.proven for claim in found) == 8


@pytest.mark.parametrize(
    ("kind", "claim", "twisted"),
    [
        ("negation", "It may share your name.", "It may not share your name."),
        ("negation", "They do not sell your data.", "They sell your data."),
        ("number", "Logs are kept for 30 days.", "Logs are kept for 24 days."),
        ("condition_dropped", "It shares nothing about you without your consent.", "It shares nothing about you."),
        ("wrong_thing", "It may share your name.", "It may sell your name."),
        ("overgeneralised", "Some logs are kept, usually.", "Some logs are kept, always."),
        ("overgeneralised", "It keeps logs.", ""),
    ],
)
def test_a_claim_is_made_untrue_by_rule(kind: str, claim: str, twisted: str) -> None:
    assert TWISTS[kind](claim) == twisted


def test_a_sentence_is_told_in_the_third_person() -> None:
    assert told_of("We share our logs with you; write to us.", "it") == "It share its logs with you; write to it."


def test_contrasts_are_made_with_and_against_the_text_and_are_the_same_for_the_same_seed() -> None:
    claims = claims_of_two_policies()
    made = contrasts(claims, random.Random(1))
    assert {claim.proven for claim in made} == {True, False}
    assert all(claim.made for claim in made)
    assert made == contrasts(claims, random.Random(1))
    kept = training_set(claims, random.Random(1))
    assert not any(claim.text == "It sells your personal information to anyone." for claim in kept)


def test_figures_count_what_holds_by_kind_with_the_rules_the_model_and_both() -> None:
    claims = claims_of_two_policies()
    chances = np.array([0.9, 0.95, 0.2, 0.1], dtype=np.float32)
    found = figures(claims, chances, least=0.5)
    assert found["rules"]["negation"] == (2, 0.0)
    assert found["model"]["negation"] == (2, 0.5)
    assert found["both"]["all unproven"] == (2, 0.0)
    assert found["both"]["honest"] == (2, 0.5)
    assert threshold(claims, chances, 0.02) == 0.0  # the rules alone stop them all


def test_the_threshold_lets_no_more_through_than_is_allowed() -> None:
    frame = claims_of_two_policies()[0]
    wrong = [replace(frame, proven=False) for _ in range(50)]
    chances = np.linspace(0.01, 0.5, 50, dtype=np.float32)
    least = threshold(wrong, chances, 0.02)
    assert int((chances.astype(np.float64) >= least).sum()) == 1


def test_a_calibration_makes_chances_of_log_odds() -> None:
    logits = np.array([-2.0, -1.0, -0.5, 0.5, 1.0, 2.0] * 20, dtype=np.float32)
    calibration = Calibration.fit(logits, [bool(x > 0) for x in logits])
    assert calibration.slope > 1
    assert calibration(np.array([0.0], dtype=np.float32))[0] == pytest.approx(0.5, abs=0.05)


@pytest.fixture(scope="module")
def untrained() -> TrainableEncoder:
    return TrainableEncoder(Recipe())


def test_a_trained_entailment_gives_the_same_chances_when_it_is_shipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, untrained: TrainableEncoder
) -> None:
    claims = claims_of_two_policies()
    lines: list[str] = []
    model = TrainableEntailment(EntailmentRecipe(epochs=1, claims=4, frozen=5), untrained)
    model.train(claims, lines.append)
    assert lines[-1].startswith("entailment, epoch 1 of 1: loss 0.")
    calibration = Calibration(2.0, -0.5)
    model.save(tmp_path / "entailment.safetensors", calibration)
    monkeypatch.setattr("qa.encoders._MODELS", tmp_path)
    shipped = BundledEntailment(tmp_path / "cache")
    theirs = shipped.supports(
        [posed(claim.text, claim.question) for claim in claims], [" ".join(claim.sentences) for claim in claims]
    )
    assert theirs == pytest.approx([float(x) for x in calibration(model.logits(claims))], abs=0.01)  # half precision


def test_training_of_entailment_ends_when_its_time_is_up(untrained: TrainableEncoder) -> None:
    lines: list[str] = []
    model = TrainableEntailment(EntailmentRecipe(epochs=1, claims=4, frozen=5), untrained)
    model.train(claims_of_two_policies(), lines.append, minutes=1e-9)
    assert lines == ["time is up after 0 claims"]


def test_the_written_questions_hold_no_text_of_a_policy_but_where_it_stands() -> None:
    items = [json.loads(line) for line in WRITTEN[0].read_text(encoding="utf-8").splitlines()]
    assert len(items) > 6_000
    fields = {"policy", "question", "kind", "verdict", "style", "topic", "evidence", "near_miss"}
    for item in items:
        assert set(item) - {"history"} == fields
        assert all(0 <= start < end for start, end in item["evidence"] + item["near_miss"])
        assert bool(item["evidence"]) == (item["verdict"] != "not_stated")


def test_the_written_claims_hold_no_text_of_a_policy_but_where_it_stands() -> None:
    items = [json.loads(line) for line in CLAIMS.read_text(encoding="utf-8").splitlines()]
    assert len(items) > 700
    for item in items:
        assert set(item) == {"policy", "question", "verdict", "evidence", "near_miss", "supported", "unsupported"}
        assert all(0 <= start < end for start, end in item["evidence"] + item["near_miss"])
        assert bool(item["evidence"]) == bool(item["supported"]) == (item["verdict"] != "not_stated")
