"""What is wrong with an answer, as one kind: so that a hundred wrong cases become five things to look into."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from eval.metrics import Marks, Score

__all__ = ["Mistake", "mistake_of"]


class Mistake(StrEnum):
    """The first of these that holds, the worst ones first."""

    NO_ANSWER = "no answer"
    UNVERIFIED = "unverified quote"
    WRONG_STATUS = "wrong kind of reply"
    WRONG_POLICY = "another site's policy"
    INVENTED = "answered, but the policy is silent"
    MISSED = "silent, but the policy answers"
    WRONG_VERDICT = "wrong verdict"
    WRONG_PASSAGE = "right verdict, wrong passage"
    OTHER = "wrong in another way"

    @property
    def meaning(self) -> str:
        """One sentence for people."""
        return _MEANINGS[self]


_MEANINGS = {
    Mistake.NO_ANSWER: "The question failed with an error, so there is no answer.",
    Mistake.UNVERIFIED: "A citation is not verbatim in the policy. This must never happen.",
    Mistake.WRONG_POLICY: "The answer rests on the policy of a site that was not asked about.",
    Mistake.WRONG_STATUS: "The question should have been turned away, asked back or answered, and was not.",
    Mistake.INVENTED: "An answer was given although the policy does not say.",
    Mistake.MISSED: "“The policy does not say” was given although it does.",
    Mistake.WRONG_VERDICT: "Answered, but with another of yes, no and conditional than is right.",
    Mistake.WRONG_PASSAGE: "What is said is right, but the first citation does not prove it.",
    Mistake.OTHER: "The saved run counts it as wrong and does not say why.",
}


def mistake_of(marks: Marks | None) -> Mistake:
    """What is wrong with a case that is not right."""
    if marks is None:
        return Mistake.OTHER
    if marks.missing:
        return Mistake.NO_ANSWER
    scores = [marks.score, *marks.entries] if marks.score else list(marks.entries)
    if any(score.invalid for score in scores):
        return Mistake.UNVERIFIED
    if marks.status is False:  # before what it cites: whatever a question that must be turned away cites is astray
        return Mistake.WRONG_STATUS
    if marks.strays or any(score.wrong for score in scores):
        return Mistake.WRONG_POLICY
    return _worst([score for score in scores if not score.right_and_proven])


def _worst(scores: Sequence[Score]) -> Mistake:
    """What is wrong with answers about single policies; in a comparison, the worst of what is wrong in any."""
    found = {_of_score(score) for score in scores}
    return next((mistake for mistake in Mistake if mistake in found), Mistake.OTHER)


def _of_score(score: Score) -> Mistake:
    if score.missing:
        return Mistake.NO_ANSWER
    if score.silent and score.answerable:
        return Mistake.MISSED
    if not score.answerable and not score.silent:
        return Mistake.INVENTED
    return Mistake.WRONG_PASSAGE if score.right else Mistake.WRONG_VERDICT
