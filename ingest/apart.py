"""One policy read in a process of its own, whose time and memory are bounded; nothing of it touches the disk.

A visitor's text may be made to keep a reader busy: the rules that parse and cut it are many, and no single bound holds
for all of them. So it is read where it can be ended. The bytes go in through a pipe and the result comes out of one.
"""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import json
import logging
import math
import subprocess
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from ingest.chunking import cut
from ingest.naming import derive_names
from ingest.parsing import Document, Hints, describe, normal_domain, read
from ingest.screening import Reason, screen
from ingest.sources import Source
from qa.domain import Passage, Policy, Sentence, Span
from qa.errors import PolicyRefused

__all__ = ["PAPER_SECONDS", "SECONDS", "Read", "read_apart", "read_policy", "read_unplaced"]

SECONDS: Final = 10.0
"""A policy of 500,000 characters is read in two; what takes longer than this was made to."""

PAPER_SECONDS: Final = 120.0
"""A PDF takes a third of a second a page, and several times that on a busy machine; one of 100 pages is still read."""

MEGABYTES: Final = 1024
_BUG: Final = 3
"""With what status the other process ends where it, and not the text, is to blame."""

_TOO_MUCH: Final = "It cannot be read: it needs more than a policy may."
_DOMAIN: Final = "unknown.invalid"
"""Stands for the domain of a text of which nothing says whose it is; RFC 2606 keeps it from being anybody's."""


@dataclass(frozen=True, slots=True)
class Read:
    """A policy with its passages, not yet encoded."""

    policy: Policy
    passages: tuple[Passage, ...]


def read_policy(source: Source, hints: Hints, *, max_chars: int) -> Policy:
    """The policy in a source, screened, with what a reader should be warned about.

    Raises:
        PolicyRefused: it is no usable policy, or nothing says which domain it belongs to.
    """
    document = read(source)
    warnings = screen(document.text, max_chars=max_chars)
    policy = describe(document, hints)
    return replace(policy, warnings=(*policy.warnings, *warnings))


def read_unplaced(source: Source, hints: Hints, *, max_chars: int) -> Policy:
    """Like ``read_policy``, for a text that need not say which domain it belongs to.

    Where nothing says it, the company is whoever the text itself says that it is, and empty where it does not.

    Raises:
        PolicyRefused: it is no usable policy.
    """
    document = read(source)
    warnings = screen(document.text, max_chars=max_chars)
    try:
        policy = describe(document, hints)
    except PolicyRefused as refusal:
        if refusal.reason != Reason.MISSING_DOMAIN:
            raise
        policy = _unplaced(document, hints)
    return replace(policy, warnings=(*policy.warnings, *warnings))


def _unplaced(document: Document, hints: Hints) -> Policy:
    policy = describe(document, replace(hints, domain=_DOMAIN))
    stated = policy.provenance["company"] in {"option", "front matter"}
    company = policy.company if stated else derive_names(document.text, _DOMAIN).owner
    if company is None:
        return replace(policy, company="", aliases=(), warnings=())
    label = _DOMAIN.partition(".")[0]
    aliases = derive_names(document.text, _DOMAIN, company).aliases
    # Who is named by the text need not be named by a domain that it does not have.
    return replace(policy, company=company, aliases=tuple(a for a in aliases if label not in a), warnings=())


def read_apart(source: Source, hints: Hints, *, max_chars: int, seconds: float = SECONDS, placed: bool = False) -> Read:
    """What ``read_unplaced`` and ``cut`` give, worked out by another process that is ended when it takes too long.

    Args:
        source: the bytes and what they are called.
        hints: what its reader says about it; wins over what the text says.
        max_chars: the longest text that is accepted.
        seconds: the longest time.
        placed: whether something must say which domain it belongs to, as for ``read_policy``.

    Raises:
        PolicyRefused: it is no usable policy, or cannot be read within these bounds.
        RuntimeError: there is a bug; where it is, without a word of the text.
    """
    task = {
        "name": source.name,
        "suffix": source.suffix,
        "data": base64.b64encode(source.data).decode("ascii"),
        "domain": hints.domain,
        "company": hints.company,
        "archived_on": hints.archived_on.isoformat() if hints.archived_on else None,
        "url": hints.url,
        "record": None if source.record is None else dict(source.record),
        "committed_on": source.committed_on.isoformat() if source.committed_on else None,
        "max_chars": max_chars,
        "placed": placed,
    }
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter and module; the text goes in through the pipe
            [sys.executable, "-m", __name__, str(seconds)],
            input=json.dumps(task).encode("ascii"),
            capture_output=True,
            timeout=seconds,
            check=False,
            cwd=Path(__file__).parent.parent,
        )
    except subprocess.TimeoutExpired:
        raise PolicyRefused(Reason.UNREADABLE, "Reading it takes too long: it is not laid out like a policy.") from None
    if done.returncode == _BUG:
        raise RuntimeError(f"reading a policy apart failed: {done.stderr.decode('utf-8', 'replace')}")
    try:
        result = json.loads(done.stdout)
    except ValueError:  # ended by the system
        raise PolicyRefused(Reason.UNREADABLE, _TOO_MUCH) from None
    if "refused" in result:
        raise PolicyRefused(result["refused"], result["message"])
    return _from_json(result)


def _main() -> None:
    _bound(float(sys.argv[1]))
    logging.disable()  # what libraries log may quote the text
    task = json.loads(sys.stdin.buffer.read())
    hints = Hints(
        domain=normal_domain(task["domain"] or ""),
        company=task["company"],
        archived_on=dt.date.fromisoformat(task["archived_on"]) if task["archived_on"] else None,
        url=task["url"],
    )
    source = Source(
        task["name"],
        base64.b64decode(task["data"]),
        task["suffix"],
        task["record"],
        dt.date.fromisoformat(task["committed_on"]) if task["committed_on"] else None,
    )
    try:
        read_one = read_policy if task["placed"] else read_unplaced
        policy = read_one(source, hints, max_chars=task["max_chars"])
        result = _as_json(Read(policy, cut(policy)))
    except PolicyRefused as refusal:
        result = {"refused": str(refusal.reason), "message": str(refusal)}
    except (MemoryError, RecursionError):
        result = {"refused": str(Reason.UNREADABLE), "message": _TOO_MUCH}
    except Exception as exc:  # its message is left out: it may quote the text
        sys.stderr.write(f"{type(exc).__name__}\n{''.join(traceback.format_tb(exc.__traceback__))}")
        sys.exit(_BUG)
    sys.stdout.buffer.write(json.dumps(result).encode("ascii"))


def _bound(seconds: float) -> None:
    """Bounds this process: its memory; its time, should nobody be left to end it; and no image of it on the disk."""
    with contextlib.suppress(ImportError):  # not everywhere; whoever started it bounds its time anyhow
        import resource

        most = {
            resource.RLIMIT_AS: MEGABYTES << 20,
            resource.RLIMIT_CPU: math.ceil(2 * seconds),
            resource.RLIMIT_CORE: 0,
        }
        for limit, value in most.items():
            with contextlib.suppress(ValueError, OSError):
                resource.setrlimit(limit, (value, value))


def _as_json(read: Read) -> dict[str, Any]:
    policy = read.policy
    return {
        "domain": policy.domain,
        "archived_on": policy.archived_on.isoformat(),
        "company": policy.company,
        "text": policy.text,
        "aliases": policy.aliases,
        "url": policy.url,
        "provenance": dict(policy.provenance),
        "warnings": policy.warnings,
        "passages": [
            [p.start, p.end, p.section, [[s.start, s.end, _ends(s.lead_in)] for s in p.sentences]]
            for p in read.passages
        ],
    }


def _ends(span: Span | None) -> tuple[int, int] | None:
    return (span.start, span.end) if span else None


def _from_json(data: Mapping[str, Any]) -> Read:
    policy = Policy(
        domain=data["domain"],
        archived_on=dt.date.fromisoformat(data["archived_on"]),
        company=data["company"],
        text=data["text"],
        aliases=tuple(data["aliases"]),
        url=data["url"],
        provenance=MappingProxyType(data["provenance"]),
        warnings=tuple(data["warnings"]),
    )
    passages = tuple(
        Passage(
            n,
            start,
            end,
            tuple(section),
            tuple(Sentence(left, right, Span(*lead) if lead else None) for left, right, lead in sentences),
        )
        for n, (start, end, section, sentences) in enumerate(data["passages"])
    )
    return Read(policy, passages)


if __name__ == "__main__":
    _main()
