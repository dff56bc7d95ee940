from __future__ import annotations

import bz2
import gzip
import io
import lzma
from collections.abc import Callable
from typing import BinaryIO

import pytest
import zstandard

from ingest.packing import RATIO, Allowance, Exhausted, unpacked
from qa.errors import PolicyRefused

PACK: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": lambda data: zstandard.ZstdCompressor().compress(data),
}
TEXT = "".join(f"Line {n} of a policy.\n" for n in range(5_000)).encode()


def drained(stream: BinaryIO) -> None:
    while stream.read(1 << 16):
        pass


@pytest.mark.parametrize("packing", PACK)
def test_what_was_packed_comes_out_line_by_line(packing: str) -> None:
    stream = unpacked(io.BytesIO(PACK[packing](TEXT)), packing, Allowance.of(0))
    assert stream.readline() == b"Line 0 of a policy.\n"
    assert stream.read() == TEXT.partition(b"\n")[2]


@pytest.mark.parametrize("packing", PACK)
def test_files_packed_one_by_one_and_put_together_are_read_to_the_end(packing: str) -> None:
    stream = unpacked(io.BytesIO(PACK[packing](b"one\n") + PACK[packing](b"two\n")), packing, Allowance.of(0))
    assert stream.read() == b"one\ntwo\n"


@pytest.mark.parametrize("packing", ["gz", "bz2", "xz"])
def test_what_breaks_off_is_refused_in_one_line(packing: str) -> None:
    stream = unpacked(io.BytesIO(PACK[packing](TEXT)[:-40]), packing, Allowance.of(0))
    with pytest.raises(PolicyRefused, match="damaged or not complete"):
        drained(stream)


@pytest.mark.parametrize("packing", PACK)
def test_what_is_not_packed_so_is_refused(packing: str) -> None:
    with pytest.raises(PolicyRefused, match="damaged or not complete"):
        unpacked(io.BytesIO(TEXT), packing, Allowance.of(0)).read(10)


@pytest.mark.parametrize("packing", PACK)
def test_a_bomb_goes_off_no_further_than_its_allowance(packing: str) -> None:
    stream = unpacked(io.BytesIO(PACK[packing](bytes(4 << 20))), packing, Allowance(1 << 20))
    with pytest.raises(Exhausted, match="unpacks to more than"):
        drained(stream)


def test_xz_that_wants_too_much_memory_is_refused() -> None:
    wide = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 256 << 20}]
    packed = lzma.compress(b"x", filters=wide)
    with pytest.raises(PolicyRefused, match="memory"):
        unpacked(io.BytesIO(packed), "xz", Allowance.of(0)).read(1)


def test_a_small_file_may_unpack_to_some_megabytes_and_a_larger_one_by_its_size() -> None:
    assert Allowance.of(10).left == 64 << 20
    assert Allowance.of(10 << 20).left == RATIO * (10 << 20)
