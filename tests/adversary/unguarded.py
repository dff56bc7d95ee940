"""What a question is answered with where nothing guards it: the same index, ranking, prompt and model, and no more.

The model is asked as fineprint asks it, and what it says is taken as it comes: its verdict, its claims, and its quotes
as citations of the sentences whose numbers it gives. This is how such things are built where one trusts the model.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from qa.claiming import claims_of
from qa.domain import EXTRACTIVE, Answer, Candidates, Citation, Question, Reading, Status, Step, Verdict
from qa.generating import INSTRUCTIONS, SCHEMA, given, prompt
from qa.replies import objects_of
from qa.retrieval import Retriever
from qa.routing import Router
from qa.service import PolicyQA
from qa.supporting import Support
from qa.talking import ChatModel

_OPINION = re.compile(r"verdict\W+(yes|no|conditional)\b", re.IGNORECASE)
_OPENING = {Verdict.YES: "Yes. ", Verdict.NO: "No. ", Verdict.CONDITIONAL: "Only in some cases. "}
MOST_CHARS = 6_000
"""A model is rarely asked for more."""


class Gullible:
    """A check of support that believes everything."""

    def check(self, *_: object, **__: object) -> Support:
        return Support(holds=True, probability=1.0)

    def warm_up(self) -> None:
        """There is nothing to load."""


@dataclass(frozen=True)
class Unguarded:
    """Answers with whatever the model says."""

    qa: PolicyQA
    model: ChatModel

    def told(self, question: Question) -> tuple[Answer, Sequence[Step]]:
        """What is shown, at once."""
        answer = self.ask(question)
        return answer, (answer,)

    def ask(self, question: Question) -> Answer:
        """Routed, ranked and read as ever; said as the model says it."""
        router = Router(self.qa.cards())
        route = router.route(question)
        source = self.qa.policy(route.policies[0])
        candidates = Retriever(self.qa.encoder).rank(route, source)
        reading = self.qa.reader.read(route.query, candidates)
        if reading.status is not Status.ANSWERED:
            return Answer(question.text, reading.status, "", policies=route.policies, engine=EXTRACTIVE)
        return self._answer(question, reading, candidates)

    def _answer(self, question: Question, reading: Reading, candidates: Candidates) -> Answer:
        sentences = {each.n: each for each in given(reading, candidates)}
        pieces = self.model.talk(INSTRUCTIONS, prompt(reading, candidates, tuple(sentences.values())), SCHEMA)
        reply = "".join(piece for piece in pieces if isinstance(piece, str))[:MOST_CHARS]
        match = _OPINION.search(reply)
        verdict = Verdict(match[1].lower()) if match else reading.verdict
        policy = reading.source.policy
        told: list[str] = []
        citations: list[Citation] = []
        for claim in [claim for found in objects_of(reply) for claim in claims_of(found)]:
            marks = ""
            for proof in claim.proofs:
                named = sentences.get(proof.sentence or 0)
                span = named.candidate.sentence.span if named else None
                quote = proof.quote or (named.text if named else "")
                citations.append(
                    Citation(
                        len(citations) + 1, policy.id, policy.company, policy.domain, policy.archived_on, "", quote,
                        span.start if span else 0, span.end if span else 0, None,
                    )
                )  # fmt: skip
                marks += f" [{len(citations)}]"
            told.append(f"{claim.text.rstrip('.')}{marks}.")
        text = _OPENING.get(verdict, "") if verdict and match else ""
        return Answer(
            question.text, Status.ANSWERED, text + (" ".join(told) or reply), verdict, tuple(citations),
            policies=(policy.id,), engine=self.model.name,
        )  # fmt: skip
