"""Opens an index wherever the settings say that it is: in a folder, or as a whole on a Chroma server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from qa.library import Library, Manifest
from qa.settings import Settings

if TYPE_CHECKING:
    from qa.served import ServedLibrary
    from qa.store import PassageIndex, PassageSearch, PolicyLibrary

__all__ = ["index_of", "open_library", "open_library_for_writing", "open_search", "open_served", "search_index"]


def index_of(settings: Settings) -> str:
    """As in "the index in …"."""
    if settings.chroma_url is None:
        return f"in {settings.index}"
    return f"{settings.chroma_index} on {settings.chroma_url}"


def open_library(settings: Settings) -> PolicyLibrary:
    """Opens the policies for reading.

    Raises:
        IndexProblem: there is no index, it cannot be read, or its server does not answer.
    """
    return Library.open(settings.index) if settings.chroma_url is None else open_served(settings)


def open_library_for_writing(settings: Settings, manifest: Manifest) -> PolicyLibrary:
    """Opens the policies for writing and reading, and makes the index where there is none.

    Raises:
        IndexProblem: another process is writing, the vectors were made differently, or it cannot be written.
    """
    if settings.chroma_url is None:
        return Library.open_for_writing(settings.index, manifest)
    return open_served(settings, manifest)


def open_served(settings: Settings, manifest: Manifest | None = None, *, rebuild: bool = False) -> ServedLibrary:
    """Opens the policies on the server of the settings, which name one: for writing, if a manifest is given.

    Args:
        settings: where they are.
        manifest: how the vectors to come are made.
        rebuild: write everything anew, see ``ServedLibrary.open_for_writing``.

    Raises:
        IndexProblem: as the two functions above.
    """
    from qa.chromaserver import ChromaServer
    from qa.served import ServedLibrary

    server = ChromaServer.of(settings)
    if server is None:
        raise TypeError("these settings name no Chroma server")
    if manifest is None:
        return ServedLibrary.open(server)
    return ServedLibrary.open_for_writing(server, manifest, rebuild=rebuild)


def open_search(settings: Settings, library: PolicyLibrary) -> PassageSearch:
    """What finds passages among all policies of a library that ``open_library`` opened.

    Raises:
        IndexProblem: the library cannot be read.
    """
    if isinstance(library, Library):
        from qa.store import open_index

        return open_index(settings.index, library)
    from qa.nearest import ServedPassages
    from qa.served import ServedLibrary

    if isinstance(library, ServedLibrary):
        return ServedPassages(library)
    raise TypeError(f"nothing searches a {type(library).__name__}")


@contextmanager
def search_index(settings: Settings, manifest: Manifest) -> Iterator[PassageIndex | None]:
    """The index of passages to bring up to a library that was written; None where the library writes them itself."""
    if settings.chroma_url is not None:
        yield None
        return
    from qa.store import ChromaIndex

    with closing(ChromaIndex.of(settings, manifest)) as index:
        yield index
