"""How an index lies on a Chroma server as a whole: replicas with empty disks share it, and any machine writes it.

On the server lie, for an index called ``fineprint``:

- ``fineprint``, a collection whose metadata is the marker: which three collections are in use, the generation, and how
  the vectors were made. Whoever answers looks at it with every question.
- ``fineprint-…-cards``: a row a policy, with what routing needs; it also says which parcel is the policy's.
- ``fineprint-…-parcels``: a row a policy, with its text, sentences and vectors in one string (``qa.parcel``).
- ``fineprint-…-passages``: a row a passage, with its vector, for what asks about all policies.
- ``fineprint-writer``, while somebody writes (``qa.chromaserver.WriterLock``).

Chroma has no transactions, but a single row is replaced in one step. So a policy's parcel and passages are written
first, under names that nobody looks for; then its card, which is the step that makes them the policy's; then the
marker; and then what it replaces is removed. Whatever interrupts that, every policy is whole, the old or the new one,
and the next writer finishes what is left over.
"""

from __future__ import annotations

import datetime as dt
import json
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, TypeVar

from qa.chromaserver import ChromaServer, Connection
from qa.domain import PolicyCard
from qa.errors import IndexDamaged, IndexForeign, IndexMissing
from qa.library import Manifest

__all__ = [
    "Entry", "Marker", "View", "above", "capital", "card_row", "entries_of", "getting", "incomplete", "known_marker",
    "missing", "pages", "row_id", "rows_in",
]  # fmt: skip

T = TypeVar("T")

_FORM: Final = 1
_PAGE: Final = 1_000
"""Rows at a time; Chroma takes 5,461 at most."""
_CARDS_PAGE: Final = 5_000


@dataclass(frozen=True, slots=True)
class Marker:
    """What an index is at one moment; the names are those of collections."""

    cards: str
    parcels: str
    passages: str
    generation: int
    manifest: Manifest

    @classmethod
    def read(cls, text: object, server: ChromaServer) -> Marker:
        """What ``written`` wrote.

        Raises:
            IndexForeign: something else, or a newer version, wrote it.
        """
        try:
            values = json.loads(str(text))
            form = int(values.pop("form"))
            marker = cls(**{**values, "manifest": Manifest(**values["manifest"])}) if form <= _FORM else None
        except (ValueError, TypeError, KeyError, AttributeError) as exc:
            raise IndexForeign(
                f"{capital(server)} was not made by fineprint: choose another name by FINEPRINT_CHROMA_INDEX."
            ) from exc
        if marker is None:
            raise IndexForeign(
                f"{capital(server)} was made by a newer fineprint (form {form}, known are forms up to {_FORM}):"
                " upgrade fineprint, or choose another FINEPRINT_CHROMA_INDEX."
            )
        return marker

    def written(self) -> dict[str, str]:
        """As metadata of a collection."""
        return {"fineprint": json.dumps({"form": _FORM, **asdict(self)})}

    @classmethod
    def new(cls, index: str, generation: int, manifest: Manifest) -> Marker:
        """Names for collections that there are not yet."""
        edition = f"{index}-{secrets.token_hex(4)}"
        return cls(f"{edition}-cards", f"{edition}-parcels", f"{edition}-passages", generation, manifest)


@dataclass(frozen=True, slots=True)
class Entry:
    """A policy as its card tells of it.

    Attributes:
        generation: the library's that wrote it.
        parcel: digest of its parcel, which its passages name too.
        replaces: that of the parcel whose place it took; what is left of that one may be removed.
        card: None where the policy was removed.
    """

    generation: int
    parcel: str
    replaces: str
    content_hash: str
    card: PolicyCard | None


@dataclass(frozen=True, slots=True)
class View:
    """The whole library at one moment, without the texts."""

    marker: Marker
    entries: Mapping[str, Entry]
    cards: tuple[PolicyCard, ...]

    @classmethod
    def of(cls, marker: Marker, entries: Mapping[str, Entry]) -> View:
        """The view with these entries; removed policies are left out."""
        there = {policy_id: entry for policy_id, entry in entries.items() if entry.card is not None}
        cards = [entry.card for entry in there.values() if entry.card is not None]
        return cls(marker, there, tuple(sorted(cards, key=lambda card: (card.domain, card.archived_on))))


def known_marker(connection: Connection) -> Marker | None:
    """What the index is now; None where it is not on the server."""
    root = connection.look_up(connection.server.index)
    return None if root is None else Marker.read((root.metadata or {}).get("fineprint"), connection.server)


def entries_of(connection: Connection, marker: Marker, since: int | None = None) -> dict[str, Entry]:
    """Every policy's entry by id, or those that were written, or removed, after a generation."""
    where = None if since is None else above(since)
    try:
        return {row: _entry(row, metadata) for row, metadata in rows_in(connection, marker.cards, where, _CARDS_PAGE)}
    except (ValueError, TypeError, KeyError) as exc:
        raise IndexDamaged(
            f"{capital(connection.server)} is damaged (a card is not in its form): give the server a copy of its data"
            " back, or ingest everything under another FINEPRINT_CHROMA_INDEX."
        ) from exc


def rows_in(
    connection: Connection, name: str, where: dict[str, Any] | None, page: int = _PAGE
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The rows of a collection: their ids and what is known of them."""
    start = 0
    while True:
        asked = {"where": where, "limit": page, "offset": start, "include": ["metadatas"]}
        found = connection.on(name, getting(asked))
        yield from zip(found["ids"], found["metadatas"], strict=True)
        start += len(found["ids"])
        if len(found["ids"]) < page:
            return


def getting(asked: dict[str, Any]) -> Callable[[Any], Any]:
    """For ``Connection.on``: gets what is asked for."""
    return lambda rows: rows.get(**asked)


def above(generation: int) -> dict[str, Any]:
    """What was written after a generation, as Chroma is asked."""
    return {"generation": {"$gt": generation}}


def row_id(policy_id: str, token: str) -> str:
    """The id of a policy's parcel, and what those of its passages begin with."""
    return f"{policy_id}/{token}"


def card_row(entry: Entry) -> dict[str, str | int]:
    """An entry as metadata of a row."""
    card = None
    if entry.card:
        card = {**asdict(entry.card), "archived_on": entry.card.archived_on.isoformat()}
    told = {"parcel": entry.parcel, "replaces": entry.replaces, "content_hash": entry.content_hash, "card": card}
    return {"generation": entry.generation, "entry": json.dumps(told)}


def _entry(policy_id: str, metadata: Mapping[str, Any]) -> Entry:
    """What ``card_row`` made a row of; ValueError, TypeError or KeyError where it was something else."""
    told = json.loads(metadata["entry"])
    known, card = told["card"], None
    if known is not None:
        changed = {
            "archived_on": dt.date.fromisoformat(known["archived_on"]),
            "aliases": tuple(known["aliases"]),
            "warnings": tuple(known["warnings"]),
        }
        card = PolicyCard(**{**known, **changed})
        if card.id != policy_id:
            raise ValueError("another policy's card")
    return Entry(int(metadata["generation"]), told["parcel"], told["replaces"], told["content_hash"], card)


def pages(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """Not more at a time than Chroma takes."""
    for start in range(0, len(items), _PAGE):
        yield items[start : start + _PAGE]


def capital(server: ChromaServer) -> str:
    """An index, named at the beginning of a sentence."""
    text = str(server)
    return text[0].upper() + text[1:]


def missing(server: ChromaServer) -> IndexMissing:
    """That nothing was ingested."""
    return IndexMissing(
        f"There is no index {server.index} on the Chroma server {server.url}: run `fineprint ingest` first."
    )


def incomplete(server: ChromaServer) -> IndexDamaged:
    """That a collection is missing that the marker names."""
    return IndexDamaged(
        f"{capital(server)} is damaged (a collection is missing): run `fineprint rebuild`. Where that fails, give the"
        " server a copy of its data back, or ingest everything under another FINEPRINT_CHROMA_INDEX."
    )
