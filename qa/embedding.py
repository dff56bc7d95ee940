"""What of a passage and of a sentence is embedded; what is quoted is always the bare text (pure functions)."""

from __future__ import annotations

from qa.domain import Passage, Policy, Sentence
from qa.text import visible

_LEAD_CHARS = 300


def sentence_text(policy: Policy, passage: Passage, sentence: Sentence) -> str:
    """What is embedded of a sentence: "section: lead-in sentence", so that equal sentences share a vector."""
    head = f"{passage.section[-1].rstrip(' :.')}: " if passage.section else ""
    lead = visible(sentence.lead_in.of(policy.text))[-_LEAD_CHARS:] + " " if sentence.lead_in else ""
    return head + lead + visible(sentence.span.of(policy.text))


def passage_text(policy: Policy, passage: Passage) -> str:
    """What is embedded of a passage: "company · date · section: text"."""
    head = " · ".join([policy.company, policy.archived_on.isoformat(), *passage.section[-1:]])
    return f"{head}: {visible(policy.text[passage.start : passage.end])}"
