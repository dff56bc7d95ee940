"""The one who writes an index on a Chroma server; in which order, is said in ``qa.servedform``."""

from __future__ import annotations

import re
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

from qa.chroma import Row, rows_of
from qa.chromaserver import CollectionGone, Connection, WriterLock
from qa.domain import IndexedPolicy, PolicyCard
from qa.errors import IndexProblem
from qa.library import Manifest
from qa.parcel import digest, packed
from qa.servedform import (
    Entry,
    Marker,
    View,
    above,
    card_row,
    entries_of,
    incomplete,
    known_marker,
    pages,
    row_id,
    rows_in,
)

__all__ = ["ServedWriter"]

_PLACE: Final = [1.0]
"""Every row in Chroma needs a vector."""
_PASSAGES_HNSW: Final = {"space": "cosine", "ef_search": 400}
_OTHERS: Final = re.compile(r"[0-9a-f]{8}-(cards|parcels|passages)|writer-[0-9a-f]{8}")


class ServedWriter:
    """What writes, one call at a time; ``marker`` is the index as this writer sees it."""

    def __init__(self, connection: Connection, manifest: Manifest, *, rebuild: bool) -> None:
        self._connection = connection
        self._index = connection.server.index
        self._lock = threading.RLock()
        self._held = WriterLock(connection)
        self._held.acquire()
        try:
            self._held.keep()
            known = known_marker(connection)
            self._drop_others(known)
            if known:
                try:
                    known = self._finished(known)
                except CollectionGone as exc:
                    raise incomplete(connection.server) from exc
            self._rebuilding = known is not None and rebuild
            if known and not rebuild:
                self.marker = known
                return
            generation = known.generation if known else time.time_ns() // 1_000_000 << 11 | secrets.randbits(11)
            self.marker = Marker.new(self._index, generation, manifest)
            self._make(self.marker)
            if known is None:
                self._connection.create(self._index, metadata=self.marker.written())
        except BaseException:
            self._held.release()
            raise

    def put(self, view: View, indexed: IndexedPolicy) -> None:
        """Writes a policy, see ``ServedLibrary.put``; ``view`` is the library as it is."""
        policy = indexed.policy
        parcel = packed(indexed, self.marker.manifest.dimension)
        token = digest(parcel)
        before = view.entries.get(policy.id)
        with self._lock:
            self._held.check()
            generation = self.marker.generation + 1
            self._write_passages(rows_of(indexed), policy.id, token, generation)
            self._upsert(
                self.marker.parcels,
                [row_id(policy.id, token)],
                [{"policy_id": policy.id, "token": token, "generation": generation, "parcel": parcel}],
            )
            card = PolicyCard(
                id=policy.id,
                domain=policy.domain,
                archived_on=policy.archived_on,
                company=policy.company,
                aliases=policy.aliases,
                url=policy.url,
                characters=len(policy.text),
                passages=len(indexed.passages),
                warnings=policy.warnings,
            )
            entry = Entry(generation, token, before.parcel if before else "", policy.content_hash, card)
            self._switch(policy.id, entry)

    def remove(self, view: View, policy_id: str) -> bool:
        """Removes a policy, see ``ServedLibrary.remove``."""
        before = view.entries.get(policy_id)
        if before is None:
            return False
        with self._lock:
            self._switch(policy_id, Entry(self.marker.generation + 1, "", before.parcel, "", None))
        return True

    def commit(self) -> None:
        """Ends a rebuild, see ``ServedLibrary.commit``."""
        with self._lock:
            if self._rebuilding:
                self._mark(replace(self.marker, generation=self.marker.generation + 1))
                self._rebuilding = False
                self._drop_others(self.marker)

    def close(self) -> None:
        """Lets the next writer in; what was rebuilt and not committed is dropped."""
        with self._lock:
            try:
                if self._rebuilding:
                    self._drop(self.marker)
            except IndexProblem:
                pass  # the next writer does it
            finally:
                self._held.release()

    def _switch(self, policy_id: str, entry: Entry) -> None:
        """Makes an entry a policy's, and removes what it replaces."""
        self._held.check()
        self._upsert(self.marker.cards, [policy_id], [card_row(entry)])
        marker = replace(self.marker, generation=entry.generation)
        if self._rebuilding:
            self.marker = marker
        else:
            self._mark(marker)
        self._clear(marker, policy_id, entry)

    def _mark(self, marker: Marker) -> None:
        """Shows everybody what the index is now."""
        self._held.check()
        root = self._connection.look_up(self._index)
        if root is None:
            raise incomplete(self._connection.server)
        with self._connection.changing():
            root.modify(metadata=marker.written())
        self.marker = marker

    def _clear(self, marker: Marker, policy_id: str, entry: Entry) -> None:
        """Removes what is left of the parcel that an entry replaced."""
        if not entry.replaces or entry.replaces == entry.parcel:
            return
        old = entry.replaces
        self._delete(marker.parcels, ids=[row_id(policy_id, old)])
        self._delete(marker.passages, where={"$and": [{"policy_id": policy_id}, {"token": old}]})

    def _finished(self, marker: Marker) -> Marker:
        """The marker after what a writer that was interrupted left half done is done, or taken back."""
        entries = entries_of(self._connection, marker, marker.generation - 1)
        for policy_id, entry in entries.items():
            self._clear(marker, policy_id, entry)
        there = self._connection.names()
        for name in (marker.parcels, marker.passages):
            if name not in there and name == marker.passages:
                continue  # they can be made again, by a rebuild
            strays = [
                row
                for row, metadata in rows_in(self._connection, name, above(marker.generation))
                if (owner := entries.get(str(metadata["policy_id"]))) is None or owner.parcel != metadata["token"]
            ]
            for page in pages(strays):
                self._delete(name, ids=page)
        newest = max((entry.generation for entry in entries.values()), default=0)
        if newest > marker.generation:
            self._mark(replace(marker, generation=newest))
            return self.marker
        return marker

    def _write_passages(self, rows: Sequence[Row], policy_id: str, token: str, generation: int) -> None:
        for page in pages(rows):
            self._upsert(
                self.marker.passages,
                [f"{row_id(policy_id, token)}#{row.metadata['n']}" for row in page],
                [{**row.metadata, "token": token, "generation": generation} for row in page],
                embeddings=[row.vector for row in page],
                documents=[row.document for row in page],
            )

    def _upsert(
        self, name: str, ids: list[str], metadatas: list[dict[str, str | int]], **columns: Sequence[object]
    ) -> None:
        given = {"embeddings": [_PLACE] * len(ids), **columns}
        self._on(name, lambda rows: rows.upsert(ids=ids, metadatas=metadatas, **given))

    def _delete(self, name: str, **which: object) -> None:
        self._on(name, lambda rows: rows.delete(**which))

    def _on(self, name: str, do: Callable[[Any], object]) -> None:
        try:
            self._connection.on(name, do, writing=True)
        except CollectionGone as exc:
            raise incomplete(self._connection.server) from exc

    def _make(self, marker: Marker) -> None:
        for name in (marker.cards, marker.parcels):
            self._connection.create(name)
        self._connection.create(marker.passages, hnsw=_PASSAGES_HNSW)

    def _drop(self, marker: Marker) -> None:
        for name in (marker.cards, marker.parcels, marker.passages):
            self._connection.drop(name)

    def _drop_others(self, marker: Marker | None) -> None:
        """Removes this index's collections that are not in use: of another edition, or a lock that was put aside."""
        used = {marker.cards, marker.parcels, marker.passages} if marker else set()
        for name in self._connection.names():
            if name not in used and _OTHERS.fullmatch(name.removeprefix(f"{self._index}-")):
                self._connection.drop(name)
