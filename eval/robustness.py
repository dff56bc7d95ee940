"""Measures whether an answer survives another wording, and turns round with a question that is turned round.

::

    python -m eval.robustness --cases FILE --index DIR [--pairs N] [--flips N] [--seed N] [--out FILE]

*Pairs*: the same question typed otherwise (``Change``); kept if status and verdict stay. *Flips*: a question to which
the policy says yes or no, asked in the negative (``Form``); right if the verdict becomes the opposite of the one that
the plain question got. Names of indexed companies are never misspelt. What is asked depends on the cases, the names in
the index and the seed alone.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from eval.cases import Case, Gold, about_indexed, read_cases
from eval.metrics import mean
from eval.reporting import save_json, shown
from qa.domain import Answer, Question, Status, Verdict
from qa.errors import FineprintError
from qa.text import Span

if TYPE_CHECKING:
    from qa.encoders import TextEncoder
    from qa.reading import Reader

_LEAST_LETTERS = 5
_EVERY = 20

Ask = Callable[[Question], Answer]
Names = Callable[[str], Sequence[Span]]
"""Finds where a question names companies."""


class Change(StrEnum):
    """Another way to type the same question."""

    UPPER = "upper case"
    LOWER = "lower case"
    NO_MARK = "no question mark"
    MARKS = "two question marks"
    DOTS = "trailing dots"
    NO_APOSTROPHES = "no apostrophes"
    SWAPPED = "two letters swapped"
    DROPPED = "a letter dropped"
    PLEASE = "please"
    GREETING = "greeting and thanks"
    WHETHER = "please tell me whether"
    TELL_ME = "can you tell me"


class Form(StrEnum):
    """A way to turn a yes/no question into its opposite."""

    NEVER = "is it true that they never"
    NOT = "do they NOT"


@dataclass(frozen=True, slots=True)
class Given:
    """What counts of an answer; ``note`` says why there is none, and is empty otherwise."""

    status: Status | None
    verdict: Verdict | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Pair:
    """A question and what became of it typed otherwise."""

    case: str
    change: Change
    plain: str
    changed: str
    before: Given
    after: Given

    @property
    def kept(self) -> bool:
        """Whether both were answered, with equal status and verdict."""
        return self.before.status is not None and self.before == self.after


@dataclass(frozen=True, slots=True)
class Flip:
    """A yes/no question and what became of it turned round.

    Attributes:
        gold: yes or no, as annotated for the plain question.
    """

    case: str
    form: Form
    plain: str
    turned: str
    gold: Gold
    before: Given
    after: Given

    @property
    def counted(self) -> bool:
        """Whether the plain question got yes or no, so that there is an opposite."""
        return self.before.verdict in _OPPOSITES

    @property
    def right(self) -> bool:
        """Whether the verdict turned round."""
        return self.before.verdict in _OPPOSITES and self.after.verdict is _OPPOSITES[self.before.verdict]

    @property
    def right_by_gold(self) -> bool:
        """Whether the verdict is the opposite of the annotated one."""
        return self.after.verdict is not None and self.after.verdict is _OPPOSITES[Verdict(self.gold.value)]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a table: of ``n`` questions the share that is right, None of none."""

    name: str
    n: int
    share: float | None


_OPPOSITES = {Verdict.YES: Verdict.NO, Verdict.NO: Verdict.YES}

# --- typing it otherwise ----------------------------------------------------------------------------------------------

_WORD = re.compile(r"(?<![\w'’@./-])[A-Za-z]+(?![\w'’@/-]|\.\w)")
_END = re.compile(r"[\s?.!…]*$")
_APOSTROPHE = re.compile(r"(?<=\w)['’](?=\w)")
_OWN_CAPITAL = re.compile(r"I\b|[A-Z]\w*[A-Z]")  # "I'm", "IP"
_OPENS_AS_QUESTION = re.compile(
    r"(?:do|does|did|is|are|was|were|can|could|will|would|may|might|must|should|has|have|how|what|which|who|whom|whose"
    r"|where|when|why)\b",
    re.I,
)
# With a pronoun the order of words is all that changes: "can I …" → "whether I can …", "do you …" → "whether you …".
_PRONOUN_FIRST = re.compile(
    r"(?P<aux>do|will|can|could|would|may|might|must|should|are|is|am) (?P<who>you|they|we|i|it)\b (?P<rest>\S.*)", re.I
)


def change(question: str, how: Change, names: Sequence[Span], rng: random.Random) -> str | None:
    """The question typed otherwise.

    Args:
        question: as asked.
        how: what to change.
        names: where companies are named; nothing but the case of their letters is changed there.
        rng: decides which letter is mistyped.

    Returns:
        A question that differs from the one given, or None where the change does not apply.
    """
    changed = _changed(question, how, names, rng)
    return changed if changed != question else None


def _changed(question: str, how: Change, names: Sequence[Span], rng: random.Random) -> str | None:
    body = _END.sub("", question)
    if not body or any(name.end > len(body) for name in names):
        # A name that ends in a mark, as "Yahoo!" does, would lose it.
        body = question
    match how:
        case Change.UPPER:
            return question.upper()
        case Change.LOWER:
            return question.lower()
        case Change.NO_MARK:
            return body
        case Change.MARKS:
            return f"{body}??"
        case Change.DOTS:
            return f"{body}..."
        case Change.NO_APOSTROPHES:
            return _without_apostrophes(question, names)
        case Change.SWAPPED | Change.DROPPED:
            return _mistyped(question, how, names, rng)
        case Change.PLEASE:
            return f"{body}, please?"
        case Change.GREETING:
            return f"hi, {_uncapitalised(body, names)}? thanks"
        case Change.WHETHER:
            match = _PRONOUN_FIRST.fullmatch(body)
            return f"please tell me whether {_stated(match)}." if match and _is_one_clause(body) else None
        case Change.TELL_ME:
            asks = _OPENS_AS_QUESTION.match(body) and _is_one_clause(body)
            return f"can you tell me, {_uncapitalised(body, names)}?" if asks else None


def _without_apostrophes(question: str, names: Sequence[Span]) -> str:
    return _APOSTROPHE.sub(lambda match: match[0] if _touches(match, names) else "", question)


def _mistyped(question: str, how: Change, names: Sequence[Span], rng: random.Random) -> str | None:
    """With one slip in one word of at least five letters; first letters stay, as people hardly ever miss them."""
    slips = [
        (at, text)
        for match in _WORD.finditer(question)
        if len(match[0]) >= _LEAST_LETTERS and not _touches(match, names)
        for at in range(match.start() + 1, match.end() - (how is Change.SWAPPED))
        if (text := _slip(question, at, how)) != question
    ]
    return rng.choice(slips)[1] if slips else None


def _slip(question: str, at: int, how: Change) -> str:
    if how is Change.SWAPPED:
        return question[:at] + question[at + 1] + question[at] + question[at + 2 :]
    return question[:at] + question[at + 1 :]


def _uncapitalised(body: str, names: Sequence[Span]) -> str:
    """To stand in mid-sentence."""
    if _OWN_CAPITAL.match(body) or any(name.start == 0 for name in names):
        return body
    return body[:1].lower() + body[1:]


def _stated(match: re.Match[str]) -> str:
    auxiliary, who = match["aux"].lower(), match["who"] if match["who"] == "I" else match["who"].lower()
    return f"{who} {match['rest']}" if auxiliary == "do" else f"{who} {auxiliary} {match['rest']}"


def _is_one_clause(body: str) -> bool:
    return not re.search(r"[.;:?!]\s", body)


def _touches(match: re.Match[str], names: Sequence[Span]) -> bool:
    return any(match.start() < name.end and name.start < match.end() for name in names)


# --- turning it round -------------------------------------------------------------------------------------------------

_AUXILIARY = re.compile(r"(?P<aux>do|does|will|can|is|are) ", re.I)
_SUBJECT = re.compile(
    r"(?:you(?: guys)?|u|they|we|i|it|(?:the|this|your|their) (?:company|site|website|web site|store|shop|app|service)"
    r"|(?:my|your|our|their|the) (?:[a-z-]+ ){0,2}?(?:data|info|information|details|number|address|email|e-mail|name"
    r"|password|location|cookies|messages|account|policy))(?= )",
    re.I,
)
# What "not" would not simply deny: another negation, a limit, a whole of which part may be so, a first clause.
_UNSAFE = re.compile(
    r"\b(?:not|never|no|none|nobody|nothing|neither|nor|cannot|without|unless|except|only|just|all|always|every\w*|both"
    r"|each|some\w*|still|already|also|exactly|if|when|because|but|so)\b|n['’]t\b|[.;:?!]\s",
    re.I,
)
_NO_VERB = re.compile(
    r"(?:[a-z]+ly|of|from|on|in|at|by|to|with|for|about|that|who|which|whose|and|or|i|you|they|we|it|my|your|the|a|an"
    r"|any|ones?|there|staff|people|employees?|users?|customers?|members?|visitors?|pages?|cookies?|sites?|websites?)\b"
    # "do the cookies set by Acme hold …": its verb comes later
    r"|[a-z]+ by\b",
    re.I,
)
_EVER = re.compile(r"ever ", re.I)
_IRREGULAR = {"have": "has", "do": "does", "go": "goes"}


def turn(question: str, form: Form, names: Sequence[Span]) -> str | None:
    """A yes/no question turned into its opposite, or None where its form is not one that can be turned safely.

    "Do you sell my data?" becomes "is it true that you never sell my data?" or "do you NOT sell my data?"; after
    "is" and "are" it is "not" instead of "never", which does not go with every word there.

    Args:
        question: as asked.
        form: how to deny it.
        names: where companies are named; a name can be the subject, and is kept as it is.
    """
    body = _END.sub("", question)
    auxiliary = _AUXILIARY.match(body)
    if auxiliary is None or any(name.end > len(body) for name in names):
        return None
    aux = auxiliary["aux"].lower()
    named = next((name for name in names if name.start == auxiliary.end()), None)
    if named and aux in {"do", "are"}:
        return None  # a company is one: "do Acme staff …" is about somebody else
    subject = named.of(body) if named else (match[0] if (match := _SUBJECT.match(body, auxiliary.end())) else "")
    rest = body[auxiliary.end() + len(subject) :]
    # A name may hold what looks like a limit or an end: "Only Hearts", "Yahoo!".
    if not subject or not rest.startswith(" ") or _UNSAFE.search(rest if named else body):
        return None
    rest = _EVER.sub("", rest[1:], count=1) if _EVER.match(rest[1:]) else rest[1:]
    if not re.match(r"[a-z]{2,}\b(?!['’])", rest, re.I) or _NO_VERB.match(rest):
        return None
    if form is Form.NOT:
        return f"{aux} {subject} NOT {rest}?"
    if aux in {"is", "are"}:
        return f"is it true that {subject} {aux} not {rest}?"
    if aux in {"will", "can"}:
        return f"is it true that {subject} {aux} never {rest}?"
    if aux == "does":
        verb, blank, others = rest.partition(" ")
        return f"is it true that {subject} never {_third_person(verb)}{blank}{others}?"
    return f"is it true that {subject} never {rest}?"


def _third_person(verb: str) -> str:
    if verb in _IRREGULAR:
        return _IRREGULAR[verb]
    if re.search(r"[^aeiou]y$", verb):
        return verb[:-1] + "ies"
    return verb + ("es" if re.search(r"(?:s|x|z|ch|sh)$", verb) else "s")


# --- what to ask ------------------------------------------------------------------------------------------------------

K = TypeVar("K", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Reworded:
    """A case and its question in other words."""

    case: Case
    text: str


def changed_cases(cases: Sequence[Case], names: Names, n: int, seed: int) -> list[tuple[Change, Reworded]]:
    """At most ``n`` questions typed otherwise, spread evenly over the changes and the cases."""

    def reword(case: Case, how: Change) -> str | None:
        rng = random.Random(f"{seed} {case.id} {how}")  # noqa: S311
        return change(case.question, how, names(case.question), rng)

    return _spread(cases, tuple(Change), reword, n, seed)


def turned_cases(cases: Sequence[Case], names: Names, n: int, seed: int) -> list[tuple[Form, Reworded]]:
    """At most ``n`` questions with gold yes or no turned round, spread evenly over the forms and the cases."""
    fit = [case for case in cases if case.proof and case.proof.verdict in {Gold.YES, Gold.NO}]
    return _spread(fit, tuple(Form), lambda case, form: turn(case.question, form, names(case.question)), n, seed)


def _spread(
    cases: Sequence[Case], kinds: Sequence[K], reword: Callable[[Case, K], str | None], n: int, seed: int
) -> list[tuple[K, Reworded]]:
    """The kinds take turns; each takes the case that was taken least often so far, of those that it applies to."""
    order = list(cases)
    random.Random(f"{seed}").shuffle(order)  # noqa: S311
    left = {
        kind: [Reworded(case, text) for case in order if (text := reword(case, kind)) is not None] for kind in kinds
    }
    taken: Counter[str] = Counter()
    chosen: list[tuple[K, Reworded]] = []
    while any(left.values()):
        for kind in kinds:
            if len(chosen) == n:
                return chosen
            if left[kind]:
                least = min(left[kind], key=lambda each: taken[each.case.id])
                left[kind].remove(least)
                taken[least.case.id] += 1
                chosen.append((kind, least))
    return chosen


# --- asking -----------------------------------------------------------------------------------------------------------


class Asking:
    """Asks, and remembers what the plain questions got."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._plain: dict[str, Given] = {}

    def plain(self, case: Case) -> Given:
        """What a case's own question gets."""
        if case.id not in self._plain:
            self._plain[case.id] = self._given(case.asked())
        return self._plain[case.id]

    def reworded(self, each: Reworded) -> Given:
        """What it gets in other words."""
        return self._given(replace(each.case.asked(), text=each.text))

    def _given(self, question: Question) -> Given:
        try:
            answer = self._ask(question)
        except Exception as exc:  # whatever a system raises, the other questions go on and this one counts as wrong
            return Given(None, None, f"{type(exc).__name__}: {exc}")
        return Given(answer.status, answer.verdict)


def ask_pairs(chosen: Sequence[tuple[Change, Reworded]], asking: Asking) -> Iterator[Pair]:
    """Asks every question in both wordings."""
    for how, each in chosen:
        before, after = asking.plain(each.case), asking.reworded(each)
        yield Pair(each.case.id, how, each.case.question, each.text, before, after)


def ask_flips(chosen: Sequence[tuple[Form, Reworded]], asking: Asking) -> Iterator[Flip]:
    """Asks every question both ways round."""
    for form, each in chosen:
        assert each.case.proof is not None
        before, after = asking.plain(each.case), asking.reworded(each)
        yield Flip(each.case.id, form, each.case.question, each.text, each.case.proof.verdict, before, after)


def pair_lines(pairs: Sequence[Pair]) -> list[Line]:
    """The share kept, of all pairs and by change."""
    return [
        _line("all pairs", [pair.kept for pair in pairs]),
        *(_line(how.value, [pair.kept for pair in pairs if pair.change is how]) for how in Change),
    ]


def flip_lines(flips: Sequence[Flip]) -> list[Line]:
    """The share turned rightly, of those whose plain question got yes or no; together, by form, and against gold."""
    counted = [flip for flip in flips if flip.counted]
    return [
        _line("plain question got yes or no", [flip.counted for flip in flips]),
        _line("turned rightly", [flip.right for flip in counted]),
        *(_line(f"turned rightly: {form}", [flip.right for flip in counted if flip.form is form]) for form in Form),
        _line("right against gold", [flip.right_by_gold for flip in counted]),
    ]


def as_markdown(title: str, lines: Sequence[Line]) -> str:
    """The lines as a Markdown table."""
    head = f"| {title} | questions | share |\n| --- | ---: | ---: |\n"
    return head + "".join(f"| {line.name} | {line.n} | {shown(line.share)} |\n" for line in lines)


def _line(name: str, right: Sequence[bool]) -> Line:
    return Line(name, len(right), mean(right))


T = TypeVar("T")


def _told(what: str, items: Iterator[T], total: int) -> list[T]:
    """All items, with a word on standard error now and then."""
    done: list[T] = []
    for item in items:
        done.append(item)
        if len(done) % _EVERY == 0 or len(done) == total:
            sys.stderr.write(f"{what}: {len(done)} of {total}\n")
    return done


def _measure(options: argparse.Namespace, encoder: TextEncoder | None, reader: Reader | None) -> None:
    from qa.naming import NameIndex
    from qa.service import PolicyQA
    from qa.settings import load_settings

    cases = read_cases(options.cases)
    with PolicyQA.open(load_settings({"index": options.index}), encoder=encoder, reader=reader) as service:
        cards = service.cards()
        known = about_indexed(cases, {card.id for card in cards})
        index = NameIndex(cards)

        def names(text: str) -> list[Span]:
            return [Span(mention.start, mention.stop) for mention in index.find(text)]

        changed = changed_cases(known, names, options.pairs, options.seed)
        turned = turned_cases(known, names, options.flips, options.seed)
        asking = Asking(service.ask)
        pairs = _told("pairs", ask_pairs(changed, asking), len(changed))
        flips = _told("flips", ask_flips(turned, asking), len(turned))
    lines = {"pairs": pair_lines(pairs), "flips": flip_lines(flips)}
    sys.stdout.write(as_markdown("typed otherwise, answer kept", lines["pairs"]) + "\n")
    sys.stdout.write(as_markdown("turned round", lines["flips"]))
    if options.out:
        save_json(
            options.out,
            {
                "parameters": {"cases": options.cases.name, "seed": options.seed, "policies": len(cards)},
                "summary": {name: [asdict(line) for line in each] for name, each in lines.items()},
                "pairs": [asdict(pair) | {"kept": pair.kept} for pair in pairs],
                "flips": [
                    asdict(flip) | {"counted": flip.counted, "right": flip.right, "right_by_gold": flip.right_by_gold}
                    for flip in flips
                ],
            },
        )


def main(
    arguments: Sequence[str] | None = None, *, encoder: TextEncoder | None = None, reader: Reader | None = None
) -> int:
    """The command line; see the module's text. What is passed replaces what the service would choose."""
    parser = argparse.ArgumentParser(prog="python -m eval.robustness", description="Other wordings and opposites.")
    parser.add_argument("--cases", type=Path, required=True, help="annotated questions, JSON Lines")
    parser.add_argument("--index", type=Path, help="folder of the index (default: as for asking)")
    parser.add_argument("--pairs", type=int, default=200, help="questions typed otherwise, at most")
    parser.add_argument("--flips", type=int, default=60, help="questions turned round, at most")
    parser.add_argument("--seed", type=int, default=0, help="of the choice of questions")
    parser.add_argument("--out", type=Path, help="file for the figures and all rows, JSON")
    options = parser.parse_args(arguments)
    if min(options.pairs, options.flips) < 0:
        parser.error("--pairs and --flips must not be negative")
    try:
        _measure(options, encoder, reader)
    except FineprintError as exc:
        sys.stderr.write(f"robustness: {exc}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
