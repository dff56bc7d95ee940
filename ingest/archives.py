"""What holds many policies in one file: ZIP and tar, and files of lines, packed or not.

Nothing is ever unpacked to disk: a member is read into memory, one at a time, and called ``archive.zip/inside/a.md``.
An archive is somebody's, so what it says of itself is not believed: bytes are counted as they come out, links, devices
and names that lead elsewhere are refused, and an archive may stand in an archive, but in no deeper one.
"""

from __future__ import annotations

import contextlib
import io
import stat
import struct
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import BinaryIO, Final

from ingest.lines import read_lines
from ingest.origin import MOST_BYTES, SUFFIXES, Found, Passed, Source, Unread, opened, shown, too_large, unreadable
from ingest.packing import RATIO, Allowance, Exhausted, unpacked, watched
from ingest.screening import Reason
from qa.errors import PolicyRefused

__all__ = ["BUNDLES", "Bundle", "Kind", "kind_of"]


@dataclass(frozen=True, slots=True)
class Kind:
    """How a file that holds many policies is laid out ("zip", "tar" or "lines") and packed (see ``unpacked``)."""

    layout: str
    packing: str = ""


_TAR: Final = {"gz": (".tgz",), "bz2": (".tbz2", ".tbz"), "xz": (".txz",), "zst": (".tzst",)}
BUNDLES: Final = MappingProxyType(
    {
        ".zip": Kind("zip"),
        ".tar": Kind("tar"),
        **{f".tar.{packing}": Kind("tar", packing) for packing in _TAR},
        **{suffix: Kind("tar", packing) for packing, short in _TAR.items() for suffix in short},
        ".jsonl": Kind("lines"),
        ".ndjson": Kind("lines"),
        **{f"{suffix}.{packing}": Kind("lines", packing) for suffix in (".jsonl", ".ndjson") for packing in _TAR},
    }
)
"""The kinds by how a file's name ends."""

_MOST_DIRECTORY: Final = 32 << 20  # what a ZIP file says of some 300,000 members
_MOST_MEMBERS: Final = 2_000_000
_MOST_HEADER: Final = 1 << 20  # of one member of a tar
_MOST_NESTED: Final = 64 << 20
_LONGEST_NAME: Final = 1_000
_SKIM: Final = 1 << 20
_PIECE: Final = 1 << 16
_UNPACK: Final = "Unpack it and give the folder."


def kind_of(name: str) -> Kind | None:
    """The kind of bundle that a file's name says it is, if any."""
    low = name.lower()
    return next((kind for suffix, kind in BUNDLES.items() if low.endswith(suffix)), None)


@dataclass(frozen=True, slots=True)
class Bundle:
    """A file that holds many policies; iterating reads them one at a time."""

    path: Path
    kind: Kind

    @property
    def name(self) -> str:
        """What it is called, as it may be shown."""
        return shown(self.path)

    def total(self) -> int | None:
        """How many there are, where that can be known without unpacking it."""
        if self.kind.packing or self.kind.layout == "tar":
            return None
        try:
            with opened(self.path) as file:
                if self.kind.layout == "lines":
                    return sum(1 for line in _pieces(file) if line.strip())
                return _readable_members(file)
        except (PolicyRefused, OSError):
            return None  # iterating says why

    def __iter__(self) -> Iterator[Found]:
        try:
            with opened(self.path) as file:
                allowance = Allowance.of(file.seek(0, io.SEEK_END))
                file.seek(0)
                yield from _inside(self.name, file, self.kind, _Digging(allowance))
        except PolicyRefused as refusal:
            yield Unread(self.name, refusal)
        except OSError as exc:
            yield Unread(self.name, unreadable(exc))


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    """Lines, of which the very long come in pieces."""
    while piece := file.readline(_SKIM):
        yield piece


@dataclass(slots=True)
class _Digging:
    """How far one given file has been dug into."""

    allowance: Allowance
    nested: bool = False
    seen: set[str] = field(default_factory=set)
    members: int = 0

    def deeper(self) -> _Digging:
        """The same file, one archive further in."""
        return _Digging(self.allowance, nested=True)


def _inside(name: str, file: BinaryIO, kind: Kind, digging: _Digging) -> Iterator[Found]:
    """What a bundle holds; ``file`` is sought in only if it is a ZIP file.

    Raises:
        Exhausted: it unpacks to too much.
    """
    try:
        if kind.layout == "zip":
            yield from _in_zip(name, file, digging)
        else:
            stream = unpacked(file, kind.packing, digging.allowance)
            yield from read_lines(name, stream) if kind.layout == "lines" else _in_tar(name, stream, digging)
    except Exhausted:
        raise
    except PolicyRefused as refusal:
        yield Unread(name, refusal)


# --- members ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Member:
    """A member of an archive, by what the archive says.

    Attributes:
        name: as it stands there.
        size: of the bytes that come out.
        refusal: why it is not to be read, whatever it is.
        within: the archive's name.
    """

    name: str
    size: int
    refusal: PolicyRefused | None
    within: str

    @property
    def path(self) -> PurePosixPath:
        """Its place below the archive; where it would be on the disk is nobody's business here."""
        return PurePosixPath(*[part for part in self.name.replace("\\", "/").split("/") if part not in {"", "."}])

    @property
    def shown(self) -> str:
        """What it is called in reports."""
        return f"{self.within}/{shown(self.path)}"

    @property
    def wanted(self) -> bool:
        """Whether it is of a kind that is read; hidden ones and what macOS puts beside files are not."""
        return not self.hidden and (self.path.suffix.lower() in SUFFIXES or kind_of(self.path.name) is not None)

    @property
    def hidden(self) -> bool:
        return any((part.startswith(".") and part != "..") or part == "__MACOSX" for part in self.path.parts)


def _take(member: _Member, stream: BinaryIO, digging: _Digging) -> Iterator[Found]:
    """What is in a member.

    Args:
        member: one that is wanted.
        stream: its bytes, counted against the allowance as they are read.
        digging: where it stands.
    """
    kind = kind_of(member.path.name)
    if kind is None:
        data = stream.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            yield Unread(member.shown, too_large(len(data)))
        elif len(data) < member.size:
            yield Unread(member.shown, PolicyRefused(Reason.UNREADABLE, "It is not complete in the archive."))
        else:
            yield Source(member.shown, data, member.path.suffix.lower())
    elif kind.layout == "zip":
        # Its table stands at its end.
        yield from _inside(member.shown, io.BytesIO(stream.read(_MOST_NESTED)), kind, digging.deeper())
    else:
        yield from _inside(member.shown, stream, kind, digging.deeper())


def _refusal(member: _Member, digging: _Digging) -> PolicyRefused | None:
    """Why a wanted member is not read, judged by what the archive says of it."""
    if member.refusal:
        return member.refusal
    if ".." in member.path.parts:
        return PolicyRefused(Reason.UNREADABLE, "Its name leads out of the archive.")
    name = str(member.path)
    if name in digging.seen:
        return PolicyRefused(Reason.DUPLICATE_ID, "Another file of the archive has the same name; that one is read.")
    digging.seen.add(name)
    kind = kind_of(member.path.name)
    if kind is None:
        return too_large(member.size) if member.size > MOST_BYTES else None
    if kind.layout == "lines":
        return None
    if digging.nested:
        message = f"It is an archive in an archive in an archive, which is not read. {_UNPACK}"
        return PolicyRefused(Reason.UNSUPPORTED_FORMAT, message)
    if kind.layout == "zip" and member.size > _MOST_NESTED:
        message = f"It is an archive in an archive and larger than {_MOST_NESTED >> 20} MB. {_UNPACK}"
        return PolicyRefused(Reason.TOO_LARGE, message)
    return None


def _named_too_long(within: str, name: str) -> Unread:
    start = f"{within}/{shown(name[:60])}…"
    return Unread(start, PolicyRefused(Reason.UNREADABLE, f"Its name has more than {_LONGEST_NAME:,} characters."))


def _count(digging: _Digging) -> None:
    digging.members += 1
    if digging.members > _MOST_MEMBERS:
        message = f"It has more than {_MOST_MEMBERS:,} members; the rest is not read."
        raise PolicyRefused(Reason.TOO_LARGE, message)


# --- ZIP --------------------------------------------------------------------------------------------------------------


class _Directory(io.BufferedReader):
    """A ZIP file of whose table of members no more than is safe is read at once."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > _MOST_DIRECTORY:
            raise PolicyRefused(Reason.TOO_LARGE, f"It has too many members to be read. {_UNPACK}")
        return super().read(size)


def _zip(file: BinaryIO) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(_Directory(_Borrowed(file)))
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OverflowError, EOFError, struct.error, OSError):
        raise PolicyRefused(Reason.UNREADABLE, "It is no ZIP file, or not a whole one.") from None


class _Borrowed(io.RawIOBase):
    """A file that somebody else closes."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return self._file.seek(offset, whence)

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _readable_members(file: BinaryIO) -> int | None:
    """How many documents a ZIP file holds; unknown where it holds bundles."""
    with _zip(file) as archive:
        wanted = [member for info in archive.infolist() if (member := _of_zip("", info)).wanted and not info.is_dir()]
    return None if any(kind_of(member.path.name) for member in wanted) else len(wanted)


def _in_zip(name: str, file: BinaryIO, digging: _Digging) -> Iterator[Found]:
    with _zip(file) as archive:
        for info in archive.infolist():
            _count(digging)
            if info.is_dir():
                continue
            if len(info.filename) > _LONGEST_NAME:
                yield _named_too_long(name, info.filename)
                continue
            member = _of_zip(name, info)
            if not member.wanted:
                if not member.hidden:
                    yield Passed(member.shown)
            elif refusal := _refusal(member, digging):
                yield Unread(member.shown, refusal)
            else:
                yield from _unzipped(archive, info, member, digging)


def _unzipped(archive: zipfile.ZipFile, info: zipfile.ZipInfo, member: _Member, digging: _Digging) -> Iterator[Found]:
    try:
        with archive.open(info) as inner:
            yield from _take(member, watched(inner, digging.allowance), digging)
    except Exhausted:
        raise
    except PolicyRefused as refusal:
        yield Unread(member.shown, refusal)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, EOFError, OSError):
        yield Unread(member.shown, PolicyRefused(Reason.UNREADABLE, "It is damaged in the archive."))


def _of_zip(within: str, info: zipfile.ZipInfo) -> _Member:
    name = info.filename
    if not info.flag_bits & 0x800:  # it does not say that its name is in UTF-8, which many forget
        with contextlib.suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    return _Member(name, info.file_size, _unzippable(info), within)


def _unzippable(info: zipfile.ZipInfo) -> PolicyRefused | None:
    if stat.S_ISLNK(info.external_attr >> 16):
        return PolicyRefused(Reason.UNREADABLE, "It is a link, which is not followed in an archive.")
    if info.flag_bits & 0x1:
        return PolicyRefused(Reason.UNREADABLE, f"It is locked with a password. {_UNPACK}")
    if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        # Python unpacks the rarer ones without a bound on memory.
        message = f"It is packed in a rare way (method {info.compress_type}) that is not read. {_UNPACK}"
        return PolicyRefused(Reason.UNSUPPORTED_FORMAT, message)
    if info.file_size > max(_SKIM, RATIO * info.compress_size):
        message = f"It unpacks to more than {RATIO} times its size, as nothing honest does."
        return PolicyRefused(Reason.TOO_LARGE, message)
    return None


# --- tar --------------------------------------------------------------------------------------------------------------


class _Forward:
    """A stream that ``tarfile`` may skip in, but not go back in, and of which it takes no more than is safe at once."""

    mode = "rb"

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._at = 0
        self.last = b""

    def tell(self) -> int:
        return self._at

    def seek(self, to: int) -> int:
        if to < self._at:
            raise tarfile.ReadError("it points back")
        while self._at < to and (data := self._stream.read(min(_SKIM, to - self._at))):
            self._at += len(data)
        return self._at

    def read(self, size: int) -> bytes:
        if size > _MOST_HEADER:
            raise tarfile.ReadError("a header of that size is none")
        self.last = self._stream.read(size)
        self._at += len(self.last)
        return self.last


class _Contents(io.RawIOBase):
    """The bytes of a member of a tar, which begin where the stream stands."""

    def __init__(self, stream: _Forward, size: int) -> None:
        self._stream = stream
        self._left = size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        data = self._stream.read(min(len(buffer), self._left, _SKIM))
        self._left -= len(data)
        buffer[: len(data)] = data
        return len(data)


def _in_tar(name: str, file: BinaryIO, digging: _Digging) -> Iterator[Found]:
    stream = _Forward(file)
    archive: tarfile.TarFile | None = None
    while True:
        archive, info = _next(archive, stream)
        if info is None:
            return
        _count(digging)
        if info.isdir():
            continue
        if len(info.name) > _LONGEST_NAME:
            yield _named_too_long(name, info.name)
            continue
        member = _Member(info.name, info.size, _untarrable(info), name)
        if not member.wanted:
            if not member.hidden:
                yield Passed(member.shown)
        elif refusal := _refusal(member, digging):
            yield Unread(member.shown, refusal)
        else:
            yield from _take(member, io.BufferedReader(_Contents(stream, info.size), _PIECE), digging)


def _next(archive: tarfile.TarFile | None, stream: _Forward) -> tuple[tarfile.TarFile, tarfile.TarInfo | None]:
    """The next member of a tar, and the tar, which the first call opens."""
    try:
        if archive is None:
            archive = tarfile.TarFile(fileobj=stream, encoding="utf-8")  # type: ignore[arg-type]
        info = archive.next()
        archive.members.clear()  # type: ignore[attr-defined] # it would keep them all
        if info is not None and info.size < 0:
            raise tarfile.ReadError("it points back")
    except (tarfile.TarError, ValueError, OverflowError, RecursionError, OSError):
        message = "It is no tar archive, or it is damaged; what stood before the damage is read."
        raise PolicyRefused(Reason.UNREADABLE, message) from None
    if info is None and stream.last.strip(b"\0"):  # what is no header ends a tar without a word
        raise PolicyRefused(Reason.UNREADABLE, "It is damaged; what stood before the damage is read.")
    return archive, info


def _untarrable(info: tarfile.TarInfo) -> PolicyRefused | None:
    if info.issym() or info.islnk():
        return PolicyRefused(Reason.UNREADABLE, "It is a link, which is not followed in an archive.")
    if not info.isreg() or info.issparse():
        return PolicyRefused(Reason.UNREADABLE, "It is not an ordinary file.")
    return None
