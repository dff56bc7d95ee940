"""A policy with its passages and vectors as one string, for databases that keep nothing else."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from typing import Any, Final

import numpy as np

from qa.domain import IndexedPolicy, Passage
from qa.library import check_vectors, flat, policy_of, sentence_of, unit_rows

__all__ = ["digest", "packed", "unpacked"]

_FORM: Final = 1
_HEAD: Final = 4
"""Bytes that say how long the JSON after them is."""
_PASSAGES: Final = np.dtype("<f4")
_SENTENCES: Final = np.dtype("<f2")  # as in qa.library


def packed(indexed: IndexedPolicy, dimension: int) -> str:
    """The whole of a policy in ASCII; the same policy gives the same string.

    Raises:
        ValueError: there is no passage, a vector is missing, or its length is not 1.
    """
    policy = indexed.policy
    if not indexed.passages:
        raise ValueError(f"{policy.id} has no passage")
    check_vectors(indexed.passage_vectors, len(indexed.passages), dimension)
    check_vectors(indexed.sentence_vectors, len(indexed.sentences()), dimension)
    text = policy.text.encode("utf-8", "surrogatepass")
    head = {
        "form": _FORM,
        "domain": policy.domain,
        "archived_on": policy.archived_on.isoformat(),
        "content_hash": policy.content_hash,
        "facts": {
            "company": policy.company,
            "aliases": policy.aliases,
            "url": policy.url,
            "provenance": dict(policy.provenance),
            "warnings": policy.warnings,
        },
        "text": len(text),
        "passages": [
            [passage.start, passage.end, passage.section, [flat(sentence) for sentence in passage.sentences]]
            for passage in indexed.passages
        ],
    }
    written = json.dumps(head, sort_keys=True, separators=(",", ":")).encode()
    vectors = (indexed.passage_vectors.astype(_PASSAGES), indexed.sentence_vectors.astype(_SENTENCES))
    parts = (len(written).to_bytes(_HEAD, "little"), written, text, *(each.tobytes() for each in vectors))
    return base64.b64encode(b"".join(parts)).decode("ascii")


def unpacked(parcel: str, expected: str, dimension: int) -> IndexedPolicy:
    """What ``packed`` packed; sentence vectors in half precision, as the library stores them.

    Args:
        parcel: the string.
        expected: its digest when it was written.
        dimension: length of a vector.

    Raises:
        ValueError: it is not what was written, or was not made by ``packed``, or not with vectors of that dimension.
    """
    if digest(parcel) != expected:
        raise ValueError("it does not match its hash")
    try:
        data = base64.b64decode(parcel, validate=True)
        start = _HEAD + int.from_bytes(data[:_HEAD], "little")
        head = json.loads(data[_HEAD:start])
        if head["form"] != _FORM:
            raise ValueError(f"form {head['form']}")
        return _policy(head, data[start:], dimension)
    except (TypeError, KeyError, AttributeError, binascii.Error) as exc:
        raise ValueError(f"it was made by something else ({exc})") from exc


def digest(parcel: str) -> str:
    """What tells parcels apart."""
    return hashlib.blake2b(parcel.encode("ascii", "replace"), digest_size=16).hexdigest()


def _policy(head: dict[str, Any], data: bytes, dimension: int) -> IndexedPolicy:
    text, data = data[: head["text"]], data[head["text"] :]
    policy = policy_of(head["domain"], head["archived_on"], json.dumps(head["facts"]), text, head["content_hash"])
    passages = tuple(
        Passage(n, start, end, tuple(section), tuple(sentence_of(*item) for item in sentences))
        for n, (start, end, section, sentences) in enumerate(head["passages"])
    )
    cut = len(passages) * dimension * _PASSAGES.itemsize
    return IndexedPolicy(
        policy=policy,
        passages=passages,
        passage_vectors=unit_rows(data[:cut], _PASSAGES, len(passages), dimension),
        sentence_vectors=unit_rows(
            data[cut:], _SENTENCES, sum(len(passage.sentences) for passage in passages), dimension
        ),
    )
