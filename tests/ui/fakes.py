"""A service that gives prepared answers from the bundled samples; a real class, used instead of patching."""

from __future__ import annotations

import datetime as dt
import re
import threading
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from qa.changing import changes_between
from qa.domain import (
    Answer,
    Changes,
    Choice,
    Citation,
    Entry,
    FailedEntry,
    Generation,
    IndexedPolicy,
    Label,
    LabelRow,
    Passage,
    Policy,
    PolicyCard,
    Progress,
    Question,
    Route,
    Said,
    Sentence,
    Status,
    Step,
    Verdict,
)
from qa.encoders import HashingEncoder, TextEncoder
from qa.errors import InvalidQuestion, UnknownScope, UsageError
from qa.labelling import TOPICS, Topic
from qa.lookback import changes_about
from qa.parting import parted, together

PATIENCE_S = 60
"""What a test has paused goes on after so many seconds, so that a test that fails ends."""

NAMES = {
    "perriconemd.com": "Perricone MD",
    "freepeople.com": "Free People",
    "exofficio.com": "ExOfficio",
    "malleries.com": "Malleries",
}
COMPARED = {
    "freepeople.com": (Verdict.NO, "Free People will not rent or sell", "It will not rent or sell it [1]."),
    "perriconemd.com": (Verdict.CONDITIONAL, "We will not sell or disclose", "It will not if you ask it not to [1]."),
}
SHARED = "We will only share your personal information with companies that perform services for us"

LABELLED = {
    ("perriconemd.com", "sell"): (Verdict.CONDITIONAL, "We will not sell or disclose", True),
    ("perriconemd.com", "share"): (Verdict.CONDITIONAL, SHARED, True),
    ("perriconemd.com", "ads"): (Verdict.YES, "However with your permission, we may also", False),
    ("perriconemd.com", "changes"): (None, "If we decide to change our privacy policy", True),
    ("freepeople.com", "sell"): (Verdict.NO, "Free People will not rent or sell", True),
}


def read_sample(path: Path) -> IndexedPolicy:
    """A sample as an indexed policy: the provenance line removed, a passage for every stretch under a heading."""
    domain, _, day = path.stem.partition("__")
    raw = path.read_text(encoding="utf-8")
    text = raw.split("\n", 1)[1].strip() if raw.startswith(">") else raw
    link = re.search(r"\]\((https?://\S+)\)", raw)
    policy = Policy(
        domain,
        dt.date.fromisoformat(day),
        NAMES.get(domain, domain),
        text,
        aliases=(domain,),
        url=link[1] if link else None,
    )
    return index_text(policy)


def index_text(policy: Policy) -> IndexedPolicy:
    starts = sorted({0, *(m.start() for m in re.finditer(r"(?m)^#{1,6} ", policy.text))})
    passages = []
    for n, (start, stop) in enumerate(zip(starts, [*starts[1:], len(policy.text)], strict=True)):
        stretch = policy.text[start:stop]
        heading = re.match(r"#{1,6} (.*)", stretch)
        end = start + len(stretch.rstrip())
        section = (heading[1].strip(),) if heading else ()
        passages.append(Passage(n, start, end, section, (Sentence(start, end),)))
    nothing = np.zeros((len(passages), 4), dtype=np.float32)
    return IndexedPolicy(policy, tuple(passages), nothing, nothing)


def cite(source: IndexedPolicy, words: str, n: int = 1) -> Citation:
    """A citation of the sentence that begins with these words."""
    text = source.policy.text
    start = text.index(words)
    end = text.index(".", start) + 1
    section = next(p.section for p in source.passages if p.start <= start < p.end)
    policy = source.policy
    return Citation(
        n=n,
        policy_id=policy.id,
        company=policy.company,
        domain=policy.domain,
        archived_on=policy.archived_on,
        section=" › ".join(section),
        quote=text[start:end],
        start=start,
        end=end,
        url=f"{policy.url}#:~:text=We%20will" if policy.url else None,
    )


@dataclass
class PreparedAnswers:
    """Answers by what a question contains; remembers what it was asked.

    Attributes:
        problem: raised instead of answering, where set.
        pause: waited for before answering, where set.
        broken: ids of policies that fail in a comparison.
    """

    policies: dict[str, IndexedPolicy]
    problem: Exception | None = None
    pause: threading.Event | None = None
    broken: set[str] = field(default_factory=set)
    asked: list[Question] = field(default_factory=list)
    encoder: TextEncoder = field(default_factory=HashingEncoder)
    warmed: int = 0
    closed: int = 0

    @classmethod
    def from_samples(cls, folder: Path) -> PreparedAnswers:
        sources = [read_sample(path) for path in sorted(folder.glob("*.md"))]
        return cls({source.policy.id: source for source in sources})

    def renew(self) -> None:
        self.problem = self.pause = None
        self.broken.clear()
        self.asked.clear()
        self.warmed = self.closed = 0

    def ask(self, question: Question) -> Answer:
        self._fail()
        if self.pause:
            self.pause.wait(PATIENCE_S)
        self.asked.append(question)
        if not question.text.strip():
            raise InvalidQuestion("The question is empty. Ask something.")
        if len(question.text) > 2_000:
            raise InvalidQuestion("The question is too long: at most 2000 characters are read.")
        if any(ord(c) < 32 for c in question.text):
            raise InvalidQuestion("The question has control characters. Send plain text.")
        if question.scope:
            self.policy(question.scope)
        return replace(self._answer(question), id=question.id)

    def ask_plainly(self, question: Question) -> Answer:
        return self.ask(question)

    def ask_in(self, question: Question, source: IndexedPolicy) -> Answer:
        """What the first sentence with a word of the question says; silence without one."""
        self._fail()
        self.asked.append(question)
        if not question.text.strip():
            raise InvalidQuestion("The question is empty. Ask something.")
        text, policy = source.policy.text, source.policy
        words = {word for word in re.findall(r"[a-z]{4,}", question.text.casefold()) if word not in ("does", "your")}
        for passage, sentence in source.sentences():
            quote = text[sentence.start : sentence.end]
            if words & set(re.findall(r"[a-z]{4,}", quote.casefold())):
                section = passage.section[-1] if passage.section else ""
                citation = Citation(
                    1, policy.id, policy.company, policy.domain, policy.archived_on, section, quote,
                    sentence.start, sentence.end, None,
                )  # fmt: skip
                return Answer(
                    question.text, Status.ANSWERED, f"{policy.company} says so [1].", Verdict.YES, (citation,),
                    policies=(policy.id,), confidence=0.8, id=question.id,
                )  # fmt: skip
        return Answer(question.text, Status.NOT_STATED, "It does not say.", policies=(policy.id,), confidence=0.8)

    def stream_in(self, question: Question, source: IndexedPolicy) -> Iterator[Progress | Answer]:
        yield Progress("reading", (source.policy.id,), len(source.sentences()))
        yield self.ask_in(question, source)

    def stream(self, question: Question) -> Iterator[Progress | Answer]:
        yield Progress("routing")
        answer = self.ask(question)
        if answer.policies:
            yield Progress("reading", answer.policies, 84)
        yield answer

    def _answer(self, question: Question) -> Answer:
        words = question.text.casefold()
        perricone = self.policy("perriconemd.com")
        people = self.policy("freepeople.com")
        if "amazon" in words:
            return Answer(
                question.text,
                Status.UNKNOWN_COMPANY,
                "Amazon is not in the index.",
                choices=tuple(Choice(NAMES[d], d) for d in ("malleries.com", "freepeople.com")),
            )
        if "weather" in words:
            return Answer(question.text, Status.OUT_OF_SCOPE, "This is not a question about a privacy policy.")
        if "which of these" in words:
            first, second = cite(people, "Free People will not rent or sell", 1), cite(perricone, "We will not sell", 2)
            entries = tuple(
                Entry(c.policy_id, c.company, c.domain, c.archived_on, Status.ANSWERED, v, t, (c,), 0.9)
                for c, v, t in (
                    (first, Verdict.NO, "It will not rent or sell e-mail addresses [1]."),
                    (second, Verdict.CONDITIONAL, "It says it will not if requested [2]."),
                )
            )
            text = (
                "None says that it sells them without conditions.\nFree People: no [1].\nPerricone MD: it depends [2]."
            )
            return Answer(
                question.text, Status.ANSWERED, text, None, (first, second), entries=entries,
                policies=(first.policy_id, second.policy_id), confidence=0.9,
            )  # fmt: skip
        if "how long" in words:
            return Answer(
                question.text,
                Status.NOT_STATED,
                "The policy does not say how long data is kept.",
                related=(cite(people, "We collect information such as"),),
                policies=(people.policy.id,),
                confidence=0.7,
            )
        if "does it" in words and not question.history and not question.scope:
            return Answer(
                question.text,
                Status.NEEDS_COMPANY,
                "Which company do you mean?",
                choices=tuple(Choice(name, domain) for domain, name in NAMES.items()),
            )
        one, two = cite(perricone, SHARED), cite(perricone, "We will not sell or disclose", 2)
        if len(asked := parted(question.text)) > 1:
            told = Answer(
                asked[0], Status.ANSWERED, "Only in some cases [1].", Verdict.CONDITIONAL, (one,), confidence=0.93
            )
            silent = Answer(asked[1], Status.NOT_STATED, "The policy does not answer this.", confidence=0.55)
            return together(question, Route((perricone.policy.id,), question.text), asked[:2], (told, silent))
        return Answer(
            question.text,
            Status.ANSWERED,
            "Only in some cases. Perricone MD says it shares personal information with companies that perform services "
            "for it [1]. It does not sell or disclose it to others if you ask it not to [2].",
            Verdict.CONDITIONAL,
            (one, two),
            policies=(perricone.policy.id,),
            confidence=0.93,
        )

    def cards(self, query: str = "", limit: int | None = None) -> tuple[PolicyCard, ...]:
        self._fail()
        cards = [
            PolicyCard(
                s.policy.id, s.policy.domain, s.policy.archived_on, s.policy.company, s.policy.aliases, s.policy.url,
                len(s.policy.text), len(s.passages), s.policy.warnings,
            )
            for s in self.policies.values()
        ]  # fmt: skip
        found = [card for card in cards if query.casefold() in f"{card.company} {card.domain}".casefold()]
        return tuple(sorted(found, key=lambda card: (card.domain, card.archived_on))[:limit])

    def policy(self, scope: str) -> IndexedPolicy:
        self._fail()
        for source in sorted(self.policies.values(), key=lambda each: each.policy.archived_on, reverse=True):
            if scope in (source.policy.id, source.policy.domain, source.policy.id.replace("@", "__")):
                return source
        raise UnknownScope(f"No policy {scope[:60]!r} is indexed. `fineprint policies list` shows what is.")

    def compare(self, question: Question, scopes: Sequence[str | IndexedPolicy]) -> Iterator[Entry | FailedEntry]:
        """Yes, no, in some cases or silence by the company; a policy in ``broken`` fails."""
        self._fail()
        if not question.text.strip():
            raise InvalidQuestion("The question is empty. Ask something.")
        if not 2 <= len(scopes) <= 20:
            raise UsageError(f"Compared are 2 to 20 policies; {len(scopes)} given.")
        sources = [self.policy(scope) if isinstance(scope, str) else scope for scope in scopes]
        self.asked.append(question)

        def each() -> Iterator[Entry | FailedEntry]:
            for source in sources:
                if self.pause:
                    self.pause.wait(PATIENCE_S)
                of = source.policy
                if of.id in self.broken:
                    yield FailedEntry(of.id, of.company, of.domain, of.archived_on, "It cannot be read: rebuild.")
                    continue
                verdict, words, text = COMPARED.get(of.domain, (None, "", "The policy does not say."))
                status = Status.ANSWERED if verdict else Status.NOT_STATED
                cited = (cite(source, words),) if words else ()
                yield Entry(of.id, of.company, of.domain, of.archived_on, status, verdict, text, cited, 0.9)

        return each()

    def changes(self, older: str, newer: str, about: str | None = None) -> Changes:
        first, second = sorted((self.policy(older), self.policy(newer)), key=lambda each: each.policy.archived_on)
        if first.policy.domain != second.policy.domain or first is second:
            raise UsageError("Name two versions of one site.")
        changes = changes_between(first, second)
        return changes_about(changes, about, first, second) if about else changes

    def label(self, scope: str) -> Label:
        """Rows as ``LABELLED`` says; about everything else the policy is silent."""
        source = self.policy(scope)
        if self.pause:
            self.pause.wait(PATIENCE_S)
        of = source.policy

        def row(topic: Topic) -> LabelRow:
            said = LABELLED.get((of.domain, topic.topic))
            if said is None:
                status, text = Status.NOT_STATED, "The policy does not say."
                return LabelRow(topic.topic, topic.title, topic.question, status, None, text, (), 0.9)
            verdict, words, sure = said
            answered = (topic.topic, topic.title, topic.question, Status.ANSWERED, verdict)
            return LabelRow(*answered, "It says so [1].", (cite(source, words),), 0.9 if sure else 0.3, sure)

        return Label(of.id, of.company, of.domain, of.archived_on, of.url, tuple(row(topic) for topic in TOPICS))

    def limited(self, domains: Collection[str]) -> PreparedAnswers:
        """Shares what was asked with the whole service."""
        policies = {key: source for key, source in self.policies.items() if source.policy.domain in domains}
        return replace(self, policies=policies)

    @property
    def generation(self) -> int:
        return len(self.policies)

    def warm_up(self) -> None:
        self._fail()
        self.warmed += 1

    def close(self) -> None:
        self.closed += 1

    def _fail(self) -> None:
        if self.problem:
            raise self.problem


@dataclass
class WordedAnswers(PreparedAnswers):
    """Answers that a chat model has worded, each sentence said as soon as it is proven.

    Attributes:
        breaks: raised before the last stage, where set.
        waits: waited for before it, where set.
        ended: how many streams were ended, to their end or not.
    """

    model: str = "ollama:llama3.2"
    breaks: Exception | None = None
    waits: threading.Event | None = None
    ended: int = 0

    def ask(self, question: Question) -> Answer:
        answer = super().ask(question)
        made = Generation(self.model, 4, 1, 1, True, 900, 80, 1, 1_250.0)
        return replace(answer, engine=self.model, generation=made) if answer.citations else answer

    def ask_plainly(self, question: Question) -> Answer:
        return super().ask(question)

    def stream(self, question: Question) -> Iterator[Step]:
        try:
            yield Progress("routing")
            answer = self.ask(question)
            yield Progress("reading", answer.policies, 84)
            yield Progress("writing", answer.policies, 84)
            at, told = 0, 0
            for mark in list(re.finditer(r"\]\.", answer.text))[:-1]:
                text = answer.text[at : mark.end()]
                new = tuple(each for each in answer.citations[told:] if f"[{each.n}]" in text)
                yield Said(text, new)
                at, told = mark.end(), told + len(new)
            if self.waits:
                self.waits.wait(PATIENCE_S)
            if self.breaks:
                raise self.breaks
            yield answer
        finally:
            self.ended += 1
