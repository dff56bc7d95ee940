"""The passages of all policies that lie on a Chroma server, searched by those who answer from there.

Up to ten thousand passages are held in memory and compared exactly; what changes is fetched, and nothing else. Beyond
that Chroma's own index is asked. Rows that belong to no policy as it is now, because a writer is at work or was
interrupted, are left out in either case.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from qa.chroma import EXACT, SEARCHED
from qa.chromaserver import CollectionGone
from qa.domain import PassageHit, Vectors
from qa.errors import IndexDamaged
from qa.served import ServedLibrary
from qa.servedform import View, above, getting

__all__ = ["ServedPassages"]

_PAGE: Final = 1_000
_TRIES: Final = 5
_SPARE: Final = 100
"""Rows asked for beyond those wanted, for those that are left out."""

_Key = tuple[str, str]
"""A policy's id, and the parcel that its passages came with."""


@dataclass(frozen=True, slots=True)
class _Held:
    """Passages in memory.

    Attributes:
        collection: where they come from.
        generation: of the library, when they were fetched.
        vectors: of each policy, one row a passage.
        keys, matrix: the same as one.
    """

    collection: str
    generation: int
    vectors: Mapping[_Key, Vectors]
    keys: tuple[tuple[str, int], ...]
    matrix: Vectors


class ServedPassages:
    """Finds the passages nearest to a vector among all policies of a library on a server. Thread-safe.

    Args:
        library: whose; it is not closed with this.
        exact: up to so many passages are compared one by one.
    """

    def __init__(self, library: ServedLibrary, *, exact: int = EXACT) -> None:
        self._library = library
        self._exact = exact
        self._lock = threading.Lock()
        self._held: _Held | None = None

    def generation(self) -> int:
        """See ``qa.store.PassageSearch``: always the library's."""
        return self._library.generation()

    def policy_ids(self) -> set[str]:
        """See ``qa.store.PassageSearch``: always the library's."""
        return set(self._library.generations())

    def search(self, vector: Vectors, k: int) -> list[PassageHit]:
        """See ``qa.store.PassageSearch``."""
        if k <= 0:
            return []
        for _ in range(_TRIES):
            view = self._library.view()
            if not view.cards:
                return []
            few = sum(card.passages for card in view.cards) <= self._exact
            try:
                found = self._compared(view, vector, k) if few else self._asked(view, vector, k)
            except CollectionGone:  # a rebuild ended meanwhile
                continue
            if found is not None:
                return found
        server = self._library.connection.server
        raise IndexDamaged(f"Passages are missing in {server}: run `fineprint rebuild`.")

    def close(self) -> None:
        """See ``qa.store.PassageSearch``: the library closes the connections."""
        self._held = None

    def _asked(self, view: View, vector: Vectors, k: int) -> list[PassageHit]:
        found = self._library.connection.on(
            view.marker.passages,
            lambda rows: rows.query(
                query_embeddings=np.asarray(vector, dtype=np.float32)[None, :],
                n_results=min(k + _SPARE, SEARCHED),
                include=["metadatas", "distances"],
            ),
        )
        hits = [
            PassageHit(str(metadata["policy_id"]), int(metadata["n"]), 1.0 - float(distance))
            for metadata, distance in zip(found["metadatas"][0], found["distances"][0], strict=True)
            if _is_current(view, (str(metadata["policy_id"]), str(metadata["token"])))
        ]
        return hits[:k]

    def _compared(self, view: View, vector: Vectors, k: int) -> list[PassageHit] | None:
        """The nearest of all; None where passages were removed before they could be fetched."""
        with self._lock:
            held = self._held
            if held is None or (held.collection, held.generation) != (view.marker.passages, view.marker.generation):
                held = self._fetched(view, held)
                if held is None:
                    return None
                self._held = held
        scores = held.matrix @ np.asarray(vector, dtype=np.float32)
        best = np.argsort(-scores, kind="stable")[: min(k, SEARCHED)]
        return [PassageHit(policy_id, n, float(scores[row])) for row in best for policy_id, n in [held.keys[row]]]

    def _fetched(self, view: View, held: _Held | None) -> _Held | None:
        known: Mapping[_Key, Vectors] = {}
        since = None
        if held and held.collection == view.marker.passages and held.generation < view.marker.generation:
            known, since = held.vectors, held.generation
        known = {**known, **self._rows(view.marker.passages, since)}
        vectors: dict[_Key, Vectors] = {}
        for card in view.cards:
            key = (card.id, view.entries[card.id].parcel)
            if key not in known or len(known[key]) != card.passages:
                self._held = None
                return None
            vectors[key] = known[key]
        keys = tuple((policy_id, n) for (policy_id, _), rows in vectors.items() for n in range(len(rows)))
        return _Held(
            view.marker.passages, view.marker.generation, vectors, keys, np.concatenate(list(vectors.values()))
        )

    def _rows(self, collection: str, since: int | None) -> dict[_Key, Vectors]:
        """The vectors of the passages that were written after a generation, or of all."""
        asked: dict[str, Any] = {"include": ["metadatas", "embeddings"], "limit": _PAGE}
        if since is not None:
            asked["where"] = above(since)
        rows: dict[_Key, dict[int, Vectors]] = {}
        start, last = 0, False
        while not last:
            page = self._library.connection.on(collection, getting({**asked, "offset": start}))
            for metadata, vector in zip(page["metadatas"], page["embeddings"], strict=True):
                key = (str(metadata["policy_id"]), str(metadata["token"]))
                rows.setdefault(key, {})[int(metadata["n"])] = np.asarray(vector, dtype=np.float32)
            start += len(page["ids"])
            last = len(page["ids"]) < _PAGE
        return {key: np.stack([found[n] for n in sorted(found)]) for key, found in rows.items()}


def _is_current(view: View, key: _Key) -> bool:
    entry = view.entries.get(key[0])
    return entry is not None and entry.parcel == key[1]
