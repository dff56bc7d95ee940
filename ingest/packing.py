"""Packed bytes, unpacked as they are read and no further than is safe: gzip, bzip2, xz and Zstandard.

A file of a few bytes can unpack to petabytes, and what is packed in it again. So every byte that comes out of one given
file, at whatever depth, is counted against one allowance, and the memory that unpacking may take is bounded, too.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from dataclasses import dataclass
from typing import BinaryIO, Final, Protocol

from ingest.screening import Reason
from qa.errors import PolicyRefused

__all__ = ["RATIO", "Allowance", "Exhausted", "unpacked", "watched"]

RATIO: Final = 200
"""How many times its size a file may unpack to; xz brings down a hundred versions of one policy to a fiftieth."""

_LEAST: Final = 64 << 20
_MOST: Final = 64 << 30
_WINDOW: Final = 128 << 20  # what the strongest usual settings of xz and Zstandard ask for
_CHUNK: Final = 64 << 10


class Exhausted(PolicyRefused):
    """What a file may unpack to is used up; nothing more of it is read."""


@dataclass(slots=True)
class Allowance:
    """How many bytes may still be unpacked of one given file, whatever is packed in it again."""

    left: int

    @classmethod
    def of(cls, packed: int) -> Allowance:
        """The allowance of a file of so many bytes."""
        return cls(min(_MOST, max(_LEAST, RATIO * packed)))

    def spend(self, size: int) -> None:
        """Counts bytes that were unpacked.

        Raises:
            Exhausted: there were too many.
        """
        self.left -= size
        if self.left < 0:
            message = f"It unpacks to more than {RATIO} times its size, as nothing honest does; the rest is not read."
            raise Exhausted(Reason.TOO_LARGE, message)


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


def unpacked(file: BinaryIO, packing: str, allowance: Allowance) -> BinaryIO:
    """What a packed file holds, to be read once from its start; reading raises ``PolicyRefused`` where it is damaged.

    Args:
        file: the packed bytes.
        packing: "gz", "bz2", "xz", "zst", or "" for what is not packed.
        allowance: what unpacking may cost.
    """
    if packing == "":
        return file
    if packing == "gz":
        return watched(gzip.GzipFile(fileobj=file), allowance)
    if packing == "bz2":
        return watched(bz2.BZ2File(file), allowance)
    if packing == "xz":
        return watched(_Xz(file), allowance)
    return watched(_Zst(file), allowance)


def watched(inner: _Readable, allowance: Allowance) -> BinaryIO:
    """A stream of bytes that are counted while they are unpacked, and whose damage is refused in one line."""
    return io.BufferedReader(_Watched(inner, allowance), _CHUNK)


class _Watched(io.RawIOBase):
    def __init__(self, inner: _Readable, allowance: Allowance) -> None:
        self._inner = inner
        self._allowance = allowance

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        try:
            data = self._inner.read(min(len(buffer), _CHUNK))
        except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError, zipfile.BadZipFile):
            message = "It is damaged or not complete, or needs more memory to unpack than it may have."
            raise PolicyRefused(Reason.UNREADABLE, message) from None
        self._allowance.spend(len(data))
        buffer[: len(data)] = data
        return len(data)


class _Xz:
    """Like ``lzma.LZMAFile``, with a bound on memory."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._stream = self._new()

    def read(self, size: int, /) -> bytes:
        while True:
            if self._stream.eof:
                packed = self._stream.unused_data.lstrip(b"\0") or self._file.read(_CHUNK).lstrip(b"\0")
                if not packed:
                    return b""
                self._stream = self._new()
            else:
                packed = self._file.read(_CHUNK) if self._stream.needs_input else b""
                if self._stream.needs_input and not packed:
                    raise EOFError
            if data := self._stream.decompress(packed, size):
                return data

    @staticmethod
    def _new() -> lzma.LZMADecompressor:
        return lzma.LZMADecompressor(memlimit=_WINDOW)


class _Zst:
    """Zstandard's frames, with a bound on memory."""

    def __init__(self, file: BinaryIO) -> None:
        import zstandard

        self._broken = zstandard.ZstdError
        frames = zstandard.ZstdDecompressor(max_window_size=_WINDOW)
        self._stream = frames.stream_reader(file, read_across_frames=True)

    def read(self, size: int, /) -> bytes:
        try:
            return self._stream.read(size)
        except self._broken:
            raise EOFError from None
