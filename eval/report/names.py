"""What the figures are called where people read them, and what each means in a line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["NAMES", "Name"]


@dataclass(frozen=True, slots=True)
class Name:
    """A figure's name for people."""

    title: str
    meaning: str


NAMES: Mapping[str, Name] = {
    "right_and_proven": Name(
        "Right and proven",
        "the verdict is right and the first citation proves it; the figure that counts",
    ),
    "right": Name("Cases right", "everything that a case asks for is right, over all cases"),
    "verdict_accuracy": Name(
        "Verdicts right",
        "yes/no questions: exactly the right one of yes, no, conditional, not stated",
    ),
    "verdict_macro_f1": Name("Verdicts, macro-F1", "mean F1 of these four labels, so that rare ones count as much"),
    "answerability": Name(
        "Answered or silent as it should be",
        "answered where the policy answers, silent where it is silent",
    ),
    "not_stated_f1": Name("Silence, F1", "F1 of saying that the policy does not say"),
    "not_stated_precision": Name("Silence, precision", "how often it is true that the policy does not say"),
    "not_stated_recall": Name("Silence, recall", "how many of the silent policies are said to be silent"),
    "hit_at_1": Name("First citation proves", "answerable questions: the first citation is evidence"),
    "hit_at_3": Name(
        "One of three citations proves",
        "answerable questions: any of the first three citations is evidence",
    ),
    "mrr": Name("Rank of the proof (MRR)", "mean of 1 / the rank of the first citation that proves"),
    "citation_precision": Name("Citations that prove", "share of citations that are evidence"),
    "evidence_recall": Name("Evidence cited", "share of the evidence sentences of which at least half is cited"),
    "char_precision": Name(
        "Cited characters that prove",
        "share of the cited characters that are evidence or acceptable",
    ),
    "char_recall": Name("Evidence characters cited", "share of the evidence's characters that are cited"),
    "status_accuracy": Name(
        "Turned away as it should be",
        "unknown company, no company, not about privacy: the reply is of the right kind",
    ),
    "routing_accuracy": Name(
        "Right policy found",
        "questions that do not say which policy: answered from the right one and no other",
    ),
    "entries_right": Name(
        "Entries right",
        "questions about all policies: share of the policies whose entry is right and proven",
    ),
    "wrong_company_rate": Name(
        "Another company cited",
        "cases in which a policy is cited that was not asked about; lower is better",
    ),
    "citations_per_answer": Name("Citations an answer", "how many, on average; neither good nor bad"),
    "invalid_quotes": Name("Unverified quotes", "citations that are not verbatim in the policy; must be 0"),
    "wrong_policy": Name("Citations of other policies", "from a site that was not asked about; must be 0"),
    "missing": Name("Without an answer", "cases that failed with an error; must be 0"),
}
"""By the names in ``eval.metrics.Figures``, in the order in which they are shown."""
