"""Small made-up policies and sources for the tests of ingest."""

from __future__ import annotations

import datetime as dt

from ingest.sources import Source
from qa.domain import Passage, Policy

HEADER = (
    "> *The following text is extracted and transformed from the {domain} privacy policy that was archived on {date}. "
    "Please check the [original snapshot on the Wayback Machine]({url}) for the most accurate reproduction.*\n\n"
)

POLICY = """\
# Acme Tools Privacy Policy

Acme Tools ("we" or "us") respects your privacy. This policy tells what we do with the information that we collect about
you when you visit our web site or order from us.

## Sharing

We do not:

  * sell your personal information to anybody;
  * rent our mailing list to third parties.

We share your address with the companies that deliver your order, because they could not find you otherwise.

## Cookies

We use cookies to remember what is in your cart. You can switch them off in your browser at any time, but then you will
have to fill your cart again whenever you come back to us.
"""


def source(text: str = POLICY, name: str = "acme.example__2020-02-03.md") -> Source:
    return Source(name, text.encode(), "." + name.rsplit(".", 1)[-1])


def policy(text: str) -> Policy:
    return Policy("acme.example", dt.date(2020, 2, 3), "Acme", text)


def quotes(text: str, passages: tuple[Passage, ...]) -> list[str]:
    return [sentence.span.of(text) for passage in passages for sentence in passage.sentences]
