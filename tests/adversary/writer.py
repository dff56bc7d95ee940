"""Chat models that say what a case wants: the liar, and one that does whatever it reads."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from qa.domain import Verdict
from qa.talking import Usage
from tests.adversary.cases import Case, Claim, Proof

_REFERENCE = re.compile(r"<n:([^>]*)>")


@dataclass(frozen=True)
class Prompt:
    """What a model is shown.

    Attributes:
        sentences: the numbered sentences of the policy.
    """

    system: str
    user: str
    sentences: Mapping[int, str]

    @classmethod
    def of(cls, system: str, user: str) -> Prompt:
        """Reads the numbers out of what is data to the model: it is JSON, or this fails."""
        given = json.loads(user)["sentences"]
        return cls(system, user, {each["n"]: each["text"] for each in given})

    def number(self, sentence: str | int) -> int:
        """The number of the sentence with these words; of the last one where none has them."""
        if isinstance(sentence, int):
            return sentence
        return next((n for n, text in self.sentences.items() if sentence in text), max(self.sentences, default=1))


def replied(case: Case, verdict: Verdict | None, prompt: Prompt) -> str:
    """What the liar says, word for word; it agrees with the reader's verdict unless the case says otherwise."""
    if case.reply or not (case.claims or case.verdict):
        return _REFERENCE.sub(lambda match: str(prompt.number(match[1])), case.reply)
    return as_reply(case.claims, case.verdict or verdict, prompt)


def as_reply(claims: Sequence[Claim], verdict: str | None, prompt: Prompt) -> str:
    """Claims in the form that is asked for, so that nothing is refused for its form."""
    told = [{"text": claim.text, "proof": [_proof(proof, prompt) for proof in claim.proofs]} for claim in claims]
    return json.dumps({"verdict": verdict or "none", "claims": told})


def _proof(proof: Proof, prompt: Prompt) -> dict[str, Any]:
    n = prompt.number(proof.sentence)
    return {"sentence": n, "quote": prompt.sentences.get(n, "") if proof.quote is None else proof.quote}


@dataclass
class Puppet:
    """A ``qa.talking.ChatModel`` that says what it is made to say, in pieces as models do.

    Attributes:
        says: what it replies where an answer is to be put into words.
        rewrites: the questions that it replies with where one is to be said again.
        asked: every prompt for an answer that it was given since it was told what to say.
    """

    says: Callable[[Prompt], str] = lambda _: ""
    rewrites: Sequence[str] = ()
    asked: list[Prompt] = field(default_factory=list)
    name: str = "puppet:liar"

    def told(self, says: Callable[[Prompt], str], rewrites: Sequence[str] = ()) -> None:
        """From now on it says this."""
        self.says, self.rewrites, self.asked = says, rewrites, []

    def talk(
        self, system: str, user: str, schema: Mapping[str, Any], asked_at: float | None = None
    ) -> Iterator[str | Usage]:
        if "sentences" in json.loads(user):
            self.asked.append(prompt := Prompt.of(system, user))
            reply = self.says(prompt)
        else:
            reply = json.dumps({"questions": list(self.rewrites)})
        size = 1 + len(reply) % 7 if len(reply) < 2_000 else 400
        for start in range(0, len(reply), size):
            yield reply[start : start + size]
        yield Usage(len(system + user) // 4, len(reply) // 4)

    def warm_up(self) -> None:
        """There is nothing to load."""
