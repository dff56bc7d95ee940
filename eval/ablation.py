"""Measures what each stage brings and costs, by leaving it out.

``fineprint eval ablation``, or ``python -m eval.ablation --cases FILE --index DIR [--limit N] [--out FILE]``.

Every case about one policy is asked of every variant in turn, with its policy given, so that routing is not measured
and a busy moment of the machine meets all variants. Each variant is a ``Chain`` composed anew around the index; nothing
is fitted again, so a part that is left out also shifts the scores that thresholds were fitted to. The time is the
median of a question's wall time, without opening the policy.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from eval.cases import Case, about_indexed, check_proofs, read_cases
from eval.intervals import PairedTest, Units, paired_tests, units_of
from eval.metrics import MEASURES, Figures, Marks, figures, flat, mark
from eval.reporting import save_json, shown
from eval.running import policy_of
from qa.cues import is_yes_no
from qa.domain import Answer, Candidates, IndexedPolicy, Question, Reading, Route, Status, Verdict
from qa.errors import FineprintError
from qa.judging import VERDICTS, Judgement
from qa.reading import EvidenceReader, Reader
from qa.retrieval import WEIGHTS, Retriever

if TYPE_CHECKING:
    from qa.encoders import TextEncoder

_EVERY = 20
WHOLE = "everything on"
_TESTED = {"right_and_proven": MEASURES["right_and_proven"]}

Ask = Callable[[Question], Answer]


# --- readers with something off ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Around:
    """A reader with something changed about another one's readings."""

    reader: Reader

    def warm_up(self) -> None:
        """See ``Reader.warm_up``."""
        self.reader.warm_up()


class FirstAlone(_Around):
    """Cites the first evidence sentence and no other; the verdict is still that of all."""

    def read(self, question: str, candidates: Candidates) -> Reading:
        """See ``Reader.read``."""
        reading = self.reader.read(question, candidates)
        return replace(reading, evidence=reading.evidence[:1], leanings=reading.leanings[:1])


class Undecided:
    """A judge that has read nothing, so that the cues alone make the verdict."""

    def judge(self, question: str, texts: Sequence[str]) -> list[Judgement]:
        """See ``qa.judging.Judge``."""
        del question
        return [Judgement((-math.log(len(VERDICTS)),) * len(VERDICTS))] * len(texts)

    def warm_up(self) -> None:
        """Nothing to load."""


class AlwaysYes(_Around):
    """Keeps the evidence, and answers yes whenever the reader gives any verdict."""

    def read(self, question: str, candidates: Candidates) -> Reading:
        """See ``Reader.read``."""
        reading = self.reader.read(question, candidates)
        return replace(reading, verdict=reading.verdict and Verdict.YES, leanings=())


class NeverSilent(_Around):
    """Answers where the reader is silent, from the first sentence that it calls related, else from the first of all.

    The reader gives no verdict there; it is yes, the commonest. What is no privacy question stays unanswered, as
    routing decides that.
    """

    def read(self, question: str, candidates: Candidates) -> Reading:
        """See ``Reader.read``."""
        reading = self.reader.read(question, candidates)
        evidence = (reading.related or candidates.ranked)[:1]
        if reading.status is not Status.NOT_STATED or not evidence:
            return reading
        verdict = Verdict.YES if is_yes_no(question) else None
        return replace(reading, status=Status.ANSWERED, verdict=verdict, evidence=evidence, related=(), leanings=())


# --- what is left out -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Stages:
    """What a variant is composed of."""

    weights: Mapping[str, float]
    reader: Reader


def variants(reader: Reader) -> dict[str, Stages]:
    """Everything that is compared with the service's reader, the whole first."""
    return {
        WHOLE: Stages(WEIGHTS, reader),
        **{
            f"without {part}": Stages({name: w for name, w in WEIGHTS.items() if name != part}, reader)
            for part in WEIGHTS
        },
        "first sentence alone": Stages(WEIGHTS, FirstAlone(reader)),
        "without the judge": Stages(WEIGHTS, EvidenceReader(Undecided())),
        "verdict always yes": Stages(WEIGHTS, AlwaysYes(reader)),
        "silence off": Stages(WEIGHTS, NeverSilent(reader)),
    }


def composed(
    stages: Stages,
    route: Callable[[Question], Route],
    open_policy: Callable[[str], IndexedPolicy],
    encoder: TextEncoder,
) -> Ask:
    """The chain of a variant, to be asked about one policy at a time."""
    from qa.chain import Chain

    return Chain(
        route=route,
        open_policy=open_policy,
        retriever=Retriever(encoder, weights=stages.weights),
        reader=stages.reader,
        compare=_never_compared,
    ).ask


def _never_compared(
    _question: Question, _route: Route, _answer_one: Callable[[Question, Route], Answer]
) -> Iterator[int | Answer]:
    raise AssertionError("a question within a scope is about one policy")


# --- measuring --------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Tally:
    """What one variant got, case by case."""

    marks: list[Marks] = field(default_factory=list)
    elapsed_ms: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table.

    Attributes:
        brings: by how much right and proven falls without it; None for the whole.
        ms: the median of a question.
        test: of what it brings; None for the whole, or where it cannot be tested.
    """

    name: str
    figures: Figures
    brings: float | None
    ms: float
    test: PairedTest | None = None


def measure(
    cases: Sequence[Case],
    texts: Mapping[str, str],
    asks: Mapping[str, Ask],
    on_progress: Callable[[int, int], None] = lambda *_: None,
) -> list[Line]:
    """Asks all variants all cases, which take turns in being first.

    Args:
        cases: each about one policy.
        texts: the policies, by file stem.
        asks: the variants, the whole first.
        on_progress: told how many cases all variants have been asked, and of how many.

    Raises:
        InvalidCases: evidence is not verbatim in its policy.
    """
    check_proofs(cases, texts)
    folded = {stem: flat(text) for stem, text in texts.items()}
    tallies = {name: Tally() for name in asks}
    names = list(asks)
    for n, case in enumerate(cases):
        assert case.proof is not None
        within = replace(case, scoped=True, statuses=(), entries=())
        turn = n % len(names)
        for name in names[turn:] + names[:turn]:
            answer, elapsed_ms = _timed(asks[name], within.asked())
            tallies[name].marks.append(mark(within, answer, folded))
            tallies[name].elapsed_ms.append(elapsed_ms)
        on_progress(n + 1, len(cases))
    return summarise(tallies, units_of([policy_of(case) for case in cases]))


def _timed(ask: Ask, question: Question) -> tuple[Answer | None, float]:
    """The answer, None where there is none, and the milliseconds it took."""
    start = time.perf_counter()
    try:
        answer = ask(question)
    except FineprintError as exc:
        sys.stderr.write(f"{question.id}: {exc}\n")
        answer = None
    return answer, (time.perf_counter() - start) * 1000


def summarise(tallies: Mapping[str, Tally], units: Units) -> list[Line]:
    """The table; the first tally is that of the whole."""
    lines: list[Line] = []
    whole = next(iter(tallies.values()))
    for name, tally in tallies.items():
        found, before = figures(tally.marks), lines[0].figures.right_and_proven if lines else None
        brings = None if before is None or found.right_and_proven is None else before - found.right_and_proven
        tests = paired_tests(tally.marks, whole.marks, units, _TESTED) if lines else ()
        lines.append(Line(name, found, brings, statistics.median(tally.elapsed_ms), tests[0] if tests else None))
    return lines


def as_markdown(lines: Sequence[Line]) -> str:
    """The lines as a Markdown table."""
    heads = [
        "variant",
        "right and proven",
        "brings",
        "95 %",
        "p",
        "hit@1",
        "verdict",
        "not stated F1",
        "recall",
        "median ms",
    ]
    rows = [
        [
            line.name,
            shown(line.figures.right_and_proven),
            shown(line.brings),
            f"{line.test.interval.low:+.3f} – {line.test.interval.high:+.3f}"
            if line.test and line.test.interval
            else "",
            shown(line.test.p_value) if line.test else "",
            shown(line.figures.hit_at_1),
            shown(line.figures.verdict_accuracy),
            shown(line.figures.not_stated_f1),
            shown(line.figures.evidence_recall),
            shown(line.ms, 1),
        ]
        for line in lines
    ]
    rule = ["---", *["---:"] * (len(heads) - 1)]
    return "".join(f"| {' | '.join(row)} |\n" for row in (heads, rule, *rows))


def ablate(
    cases_path: Path,
    index: Path | None,
    out: Path | None = None,
    *,
    most: int = 0,
    encoder: TextEncoder | None = None,
    reader: Reader | None = None,
    on_progress: Callable[[int, int], None] = lambda *_: None,
) -> list[Line]:
    """Measures every variant on the cases about the policies of an index.

    Args:
        cases_path: a file of cases.
        index: its folder; by default as for asking.
        out: a file for the figures, JSON.
        most: ask at most so many, evenly through the file; 0 for all.
        encoder: instead of the index's own.
        reader: instead of the service's.
        on_progress: as for ``measure``.

    Raises:
        FineprintError: the cases or the index cannot be used, or the figures not be saved.
    """
    from qa.encoders import open_encoder
    from qa.routing import Router
    from qa.service import PolicyQA
    from qa.settings import load_settings

    cases = read_cases(cases_path)
    settings = load_settings({"index": index})
    encoder = encoder or open_encoder(settings)
    with PolicyQA.open(settings, encoder=encoder, reader=reader) as service:
        known = about_indexed(cases, {card.id for card in service.cards()})
        if 0 < most < len(known):
            known = [known[i * len(known) // most] for i in range(most)]
        service.warm_up()
        opened = {case.proof.policy: service.policy(case.proof.policy) for case in known if case.proof}
        by_id = {source.policy.id: source for source in opened.values()}
        route = Router(service.cards()).route
        asks = {
            name: composed(stages, route, by_id.__getitem__, encoder)
            for name, stages in variants(service.reader).items()
        }
        texts = {stem: source.policy.text for stem, source in opened.items()}
        lines = measure(known, texts, asks, on_progress)
    if out:
        parameters = {"cases": cases_path.name, "asked": len(known), "encoder": encoder.name}
        save_json(out, {"parameters": parameters, "summary": [asdict(line) for line in lines]})
    return lines


def _told(done: int, total: int) -> None:
    if done % _EVERY == 0 or done == total:
        sys.stderr.write(f"{done} of {total} questions\n")


def main(
    arguments: Sequence[str] | None = None, *, encoder: TextEncoder | None = None, reader: Reader | None = None
) -> int:
    """The command line; see the module's text. What is passed replaces what the service would choose."""
    parser = argparse.ArgumentParser(prog="python -m eval.ablation", description="What each stage brings and costs.")
    parser.add_argument("--cases", type=Path, required=True, help="a file of cases")
    parser.add_argument("--index", type=Path, help="folder of the index (default: as for asking)")
    parser.add_argument("--limit", type=int, default=0, help="questions, at most (default: all)")
    parser.add_argument("--out", type=Path, help="file for the figures, JSON")
    options = parser.parse_args(arguments)
    if options.limit < 0:
        parser.error("--limit must not be negative")
    try:
        lines = ablate(
            options.cases,
            options.index,
            options.out,
            most=options.limit,
            encoder=encoder,
            reader=reader,
            on_progress=_told,
        )
    except FineprintError as exc:
        sys.stderr.write(f"ablation: {exc}\n")
        return 2
    sys.stdout.write(as_markdown(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
