"""Small runs of made-up cases, saved as ``fineprint eval`` saves them."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from eval.cases import Case
from eval.report.saved import Report, read_report, save_policies
from eval.reporting import save
from eval.running import Run, run_eval
from qa.domain import Answer, Question
from tests.eval.making import COOKIES, LAW, PARAMETERS, SELL, TEXTS, case, ideal, proof

CASES = (
    case("a", "no", SELL),
    case("b", "yes", COOKIES, also=(SELL,)),
    case("c", "stated", LAW, kind="open", style="follow_up"),
    case("d", "not_stated"),
)


def made(
    cases: Sequence[Case] = CASES,
    given: Mapping[str, Answer | str] | None = None,
    *,
    engine: str = "extractive",
    policies: Mapping[str, str] = TEXTS,
    data_sha256: str = "d",
) -> Run:
    """A run with ideal answers but for those given; a text is an error's."""
    by_id = {each.id: each for each in cases}

    def ask(question: Question) -> Answer:
        assert question.id is not None
        found = (given or {}).get(question.id, ideal(by_id[question.id]))
        if isinstance(found, str):
            raise RuntimeError(found)  # noqa: TRY004 - what a system may raise
        return found

    parameters = dataclasses.replace(PARAMETERS, engine=engine, data_sha256=data_sha256)
    return run_eval(list(cases), dict(policies), ask, parameters)


def saved(folder: Path, run: Run, policies: Mapping[str, str] = TEXTS) -> Path:
    save(run, folder)
    save_policies(policies, folder)
    return folder


def reported(folder: Path, run: Run, policies: Mapping[str, str] = TEXTS) -> Report:
    return read_report(saved(folder, run, policies))


def side_by_side(folder: Path, *runs: Run, failed: Mapping[str, str] | None = None) -> Path:
    """What several engines leave: a folder for each, and a list of them."""
    for n, run in enumerate(runs):
        saved(folder / f"engine-{n}", run)
    engines = [{"name": run.parameters.engine, "problem": None, "folder": f"engine-{n}"} for n, run in enumerate(runs)]
    engines += [{"name": name, "problem": why, "folder": None} for name, why in (failed or {}).items()]
    (folder / "engines.json").write_text(json.dumps({"engines": engines}), encoding="utf-8")
    return folder


def of_absent_policy(case: Case) -> Case:
    """The case as one about a policy that nobody has."""
    assert case.proof is not None
    return dataclasses.replace(case, proof=dataclasses.replace(case.proof, policy="none.example__2020-01-01"))


def about_all(name: str) -> Case:
    """A question about both policies, of which one is silent."""
    entries = (proof("no", SELL), proof("not_stated", policy="mall.example__2021-03-04"))
    return Case(name, f"question {name}?", entries[0].kind, scoped=False, entries=entries)
