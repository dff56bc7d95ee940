"""The library of an index on a Chroma server, as ``qa.servedform`` describes it: read by many, written by one."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import asdict
from types import TracebackType
from typing import Final, Self

from qa.chromaserver import ChromaServer, CollectionGone, Connection
from qa.domain import IndexedPolicy, Policy, PolicyCard
from qa.errors import IndexDamaged, IndexForeign
from qa.library import Manifest
from qa.parcel import unpacked
from qa.servedform import Entry, Marker, View, capital, entries_of, incomplete, known_marker, missing, row_id
from qa.servedwriter import ServedWriter

__all__ = ["ServedLibrary"]

_CACHED_POLICIES: Final = 64  # half a megabyte each
_TRIES: Final = 5


class ServedLibrary:
    """The policies of an index on a Chroma server; thread-safe. What ``qa.library.Library`` is for an index folder.

    Every method may raise IndexUnreachable while the server is away, IndexMissing where the index is not on it, and
    IndexForeign or IndexDamaged where what is on it cannot be read; writing also IndexUnwritable, and IndexLocked where
    another writer took over. After each of them it may be used again.
    """

    def __init__(self, connection: Connection) -> None:
        """For ``open`` and ``open_for_writing``."""
        self._connection = connection
        self._lock = threading.Lock()
        self._refreshing = threading.Lock()
        self._view: View | None = None
        self._policies: OrderedDict[str, tuple[Entry, IndexedPolicy]] = OrderedDict()
        self._writer: ServedWriter | None = None

    @classmethod
    def open(cls, server: ChromaServer) -> ServedLibrary:
        """Opens the library for reading.

        Raises:
            IndexMissing: nothing has been ingested into it.
            IndexForeign: it was made by something else, or by a newer version.
            IndexUnreachable: the server does not answer.
        """
        library = cls(Connection(server))
        try:
            library.generation()
        except BaseException:
            library.close()
            raise
        return library

    @classmethod
    def open_for_writing(
        cls,
        server: ChromaServer,
        manifest: Manifest,
        *,
        rebuild: bool = False,
        connect: Callable[[ChromaServer], Connection] = Connection,
    ) -> ServedLibrary:
        """Opens the library for writing and reading, and makes it where there is none.

        Args:
            server: where it is.
            manifest: how the vectors to come are made.
            rebuild: write everything anew, whatever the manifest was. Readers see the old policies until ``commit``,
                and keep them if that is never called; this object sees the new ones.
            connect: reaches the server.

        Raises:
            IndexLocked: another process is writing.
            IndexForeign: it was made by something else or a newer version, or its vectors were made differently (unless
                ``rebuild``).
            IndexUnreachable, IndexUnwritable: the server does not answer, or refuses to write.
        """
        library = cls(connect(server))
        try:
            library._writer = ServedWriter(library._connection, manifest, rebuild=rebuild)
            if not rebuild:
                library.require(manifest)
        except BaseException:
            library.close()
            raise
        return library

    @property
    def connection(self) -> Connection:
        """What it is read through."""
        return self._connection

    @property
    def manifest(self) -> Manifest:
        """How the vectors were made, fresh from the server."""
        return self.view().marker.manifest

    def require(self, manifest: Manifest) -> None:
        """Checks that vectors made by ``manifest`` are comparable with the library's.

        Raises:
            IndexForeign: they are not.
        """
        found, wanted = asdict(self.manifest), asdict(manifest)
        differing = [f"{name} {found[name]}, now {wanted[name]}" for name in found if found[name] != wanted[name]]
        if differing:
            raise IndexForeign(
                f"{capital(self._connection.server)} was made differently ({'; '.join(differing)}): run"
                " `fineprint rebuild`."
            )

    def generation(self) -> int:
        """A number that grows with every change, fresh from the server."""
        return self.view().marker.generation

    def cards(self) -> tuple[PolicyCard, ...]:
        """All policies without their texts, by domain, then date."""
        return self.view().cards

    def hashes(self) -> dict[str, str]:
        """The content hash of every policy, by id."""
        return {policy_id: entry.content_hash for policy_id, entry in self.view().entries.items()}

    def generations(self) -> dict[str, int]:
        """The generation that wrote each policy, by id."""
        return {policy_id: entry.generation for policy_id, entry in self.view().entries.items()}

    def read(self, policy_id: str) -> IndexedPolicy:
        """One policy with its passages and vectors.

        Raises:
            KeyError: there is no such policy.
        """
        for _ in range(_TRIES):
            view = self.view()
            entry = view.entries[policy_id]
            with self._lock:
                cached = self._policies.get(policy_id)
                if cached and cached[0] == entry:
                    self._policies.move_to_end(policy_id)
                    return cached[1]
            parcel = self._parcel(view.marker, policy_id, entry.parcel)
            if parcel is None:  # another process replaced it meanwhile
                continue
            indexed = self._unpacked(policy_id, parcel, entry, view.marker)
            with self._lock:
                self._policies[policy_id] = (entry, indexed)
                self._policies.move_to_end(policy_id)
                while len(self._policies) > _CACHED_POLICIES:
                    self._policies.popitem(last=False)
            return indexed
        raise self._damaged(policy_id, "its text is missing")

    def policy(self, policy_id: str) -> Policy:
        """One policy without its passages and vectors.

        Raises:
            KeyError: there is no such policy.
        """
        return self.read(policy_id).policy

    def put(self, indexed: IndexedPolicy) -> None:
        """Adds a policy or replaces the one with its id, all or nothing.

        Raises:
            ValueError: there is no passage, a vector is missing, or its length is not 1.
        """
        self._required_writer().put(self.view(), indexed)

    def remove(self, policy_id: str) -> bool:
        """Removes a policy; False where there was none."""
        return self._required_writer().remove(self.view(), policy_id)

    def commit(self) -> None:
        """Ends a rebuild: what was put becomes visible at once. Needless otherwise, as every put is lasting."""
        self._required_writer().commit()

    def close(self) -> None:
        """Closes the connections and lets the next writer in; a rebuild that was not committed is forgotten."""
        if self._writer:
            self._writer.close()
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def view(self) -> View:
        """The library as it is now: what was seen last, if nothing has changed, or else with what has."""
        for _ in range(_TRIES):
            held, marker = self._view, self._marker()
            if held and held.marker == marker:
                return held
            with self._refreshing:
                held, marker = self._view, self._marker()  # another thread may have been faster
                if held and held.marker == marker:
                    return held
                try:
                    self._view = self._refreshed(held, marker)
                except CollectionGone:  # a rebuild ended meanwhile
                    continue
                return self._view
        raise incomplete(self._connection.server)

    def _marker(self) -> Marker:
        if self._writer:
            return self._writer.marker
        marker = known_marker(self._connection)
        if marker is None:
            raise missing(self._connection.server)
        return marker

    def _refreshed(self, held: View | None, marker: Marker) -> View:
        # A generation below the last one is that of a server whose data were restored from a copy.
        since = held.marker.generation if held and held.marker.cards == marker.cards else marker.generation
        if held and since < marker.generation:
            return View.of(marker, {**held.entries, **entries_of(self._connection, marker, since)})
        return View.of(marker, entries_of(self._connection, marker))

    def _parcel(self, marker: Marker, policy_id: str, parcel: str) -> str | None:
        try:
            found = self._connection.on(
                marker.parcels, lambda rows: rows.get(ids=[row_id(policy_id, parcel)], include=["metadatas"])
            )
        except CollectionGone:
            return None
        return str(found["metadatas"][0]["parcel"]) if found["ids"] else None

    def _unpacked(self, policy_id: str, parcel: str, entry: Entry, marker: Marker) -> IndexedPolicy:
        try:
            indexed = unpacked(parcel, entry.parcel, marker.manifest.dimension)
        except ValueError as exc:
            raise self._damaged(policy_id, str(exc)) from exc
        if indexed.policy.id != policy_id:
            raise self._damaged(policy_id, "its text is another one's")
        return indexed

    def _damaged(self, policy_id: str, what: str) -> IndexDamaged:
        return IndexDamaged(
            f"{capital(self._connection.server)} is damaged at {policy_id} ({what}): run"
            f" `fineprint policies remove {policy_id}`, and ingest it again."
        )

    def _required_writer(self) -> ServedWriter:
        if self._writer is None:
            raise TypeError("this library was opened for reading")
        return self._writer
