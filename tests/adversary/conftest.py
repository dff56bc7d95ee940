"""One index asked with and without a chat model, each question read once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest

from qa.domain import Answer, Candidates, Question, Reading, Step, Vectors
from qa.encoders import BundledEntailment, BundledJudge, TextEncoder
from qa.generating import GroundedWriter
from qa.reading import EvidenceReader, Reader
from qa.rewriting import ModelRewriter
from qa.service import PolicyQA
from qa.settings import Settings, default_cache
from qa.supporting import SupportCheck
from tests.adversary.unguarded import Gullible, Unguarded
from tests.adversary.writer import Puppet


@dataclass
class Rereading:
    """The real reader, which reads each question once, whoever asks it."""

    reader: Reader
    known: dict[tuple[str, str, tuple[str, ...]], Reading] = field(default_factory=dict)

    def read(self, question: str, candidates: Candidates) -> Reading:
        key = (candidates.source.policy.id, question, candidates.route.context)
        if key not in self.known:
            self.known[key] = self.reader.read(question, candidates)
        return self.known[key]

    def warm_up(self) -> None:
        self.reader.warm_up()


@dataclass
class Reencoding:
    """The real encoder, which encodes each question once."""

    encoder: TextEncoder
    known: dict[str, Vectors] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.encoder.name

    @property
    def fingerprint(self) -> str:
        return self.encoder.fingerprint

    @property
    def dimension(self) -> int:
        return self.encoder.dimension

    def encode_question(self, text: str) -> Vectors:
        if text not in self.known:
            self.known[text] = self.encoder.encode_question(text)
        return self.known[text]

    def encode_texts(self, texts: Sequence[str], on_progress: Callable[[int], None] | None = None) -> Vectors:
        return self.encoder.encode_texts(texts, on_progress)

    def warm_up(self) -> None:
        self.encoder.warm_up()


@dataclass(frozen=True)
class Means:
    """What judges, as it is shipped."""

    reader: Reader
    check: SupportCheck


@dataclass(frozen=True)
class Services:
    """The same index, asked in four ways.

    Attributes:
        puppet: the chat model of all of them.
        plain: without it.
        guarded: as it is shipped.
        believing: its check of support believes everything; all else is as shipped.
        unguarded: nothing guards it.
        answered: what was answered without it.
    """

    puppet: Puppet
    plain: PolicyQA
    guarded: PolicyQA
    believing: PolicyQA
    unguarded: Unguarded
    answered: dict[Question, Answer] = field(default_factory=dict)

    def plainly(self, question: Question) -> Answer:
        """The answer without any chat model; each question is answered once."""
        if question not in self.answered:
            self.answered[question] = self.plain.ask(question)
        return self.answered[question]

    @classmethod
    def over(cls, settings: Settings, encoder: TextEncoder, means: Means) -> Services:
        puppet = Puppet()
        reader = Rereading(means.reader)
        plain = PolicyQA.open(settings, reader=reader, encoder=Reencoding(encoder))
        guarded, believing = (
            PolicyQA.open(
                settings,
                reader=reader,
                encoder=plain.encoder,
                writer=GroundedWriter(puppet, check),
                rewriter=ModelRewriter(puppet),
            )
            for check in (means.check, Gullible())
        )
        return cls(puppet, plain, guarded, believing, Unguarded(plain, puppet))

    def close(self) -> None:
        for each in (self.plain, self.guarded, self.believing):
            each.close()


def told(qa: PolicyQA, question: Question) -> tuple[Answer, Sequence[Step]]:
    """What is shown, and what was shown on the way."""
    steps = list(qa.stream(question))
    assert isinstance(steps[-1], Answer)
    return steps[-1], steps


@pytest.fixture(scope="package")
def means() -> Means:
    """Loaded once for all tests."""
    cache = default_cache()
    return Means(EvidenceReader(BundledJudge(cache)), SupportCheck(BundledEntailment(cache)))
