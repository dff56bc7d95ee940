from __future__ import annotations

import functools
import gzip
import io
import json
import os
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.archives import BUNDLES, Bundle, Kind, kind_of
from ingest.origin import MOST_BYTES, Passed, Source, Unread
from ingest.parsing import parse
from ingest.sources import find_sources
from tests.ingest.making import POLICY

TEXT = POLICY.encode()
LINE = json.dumps({"text": POLICY, "domain": "lines.example"}).encode()

Members = Sequence[tuple[str, bytes]]


def zipped(members: Members, packed: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", packed) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return out.getvalue()


def tarred(members: Members, mode: str = "w:") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]
        for name, data in members:
            archive.addfile(header(name, size=len(data)), io.BytesIO(data))
    return out.getvalue()


def header(name: str, **said: object) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    for key, value in said.items():
        setattr(info, key, value)
    return info


def block(data: bytes) -> bytes:
    return data + bytes(-len(data) % 512)


MAKERS: dict[str, Callable[[Members], bytes]] = {
    "a.zip": zipped,
    "a.tar": tarred,
    "a.tar.gz": lambda members: tarred(members, "w:gz"),
    "a.tbz2": lambda members: tarred(members, "w:bz2"),
    "a.txz": lambda members: tarred(members, "w:xz"),
}

COMMON = ("a.zip", "a.tar", "a.tar.gz")


@pytest.fixture
def inside(tmp_path: Path) -> Callable[[str, bytes], list[Source | Unread | Passed]]:
    """What is found in an archive of a name and bytes, its folder taken off the names."""

    def look(name: str, data: bytes) -> list[Source | Unread | Passed]:
        path = tmp_path / name
        path.write_bytes(data)
        kind = kind_of(name)
        assert kind is not None
        found = list(Bundle(path, kind))
        assert all(each.name.startswith(str(tmp_path)) for each in found)
        return found

    return look


Inside = Callable[[str, bytes], list[Source | Unread | Passed]]


def told(found: Sequence[Source | Unread | Passed]) -> dict[str, str]:
    """By the last part of the name: "read", "passed", or why it was refused."""
    return {
        each.name.rsplit("/", 1)[-1]: (
            "read" if isinstance(each, Source) else "passed" if isinstance(each, Passed) else str(each.refusal)
        )
        for each in found
    }


@pytest.mark.parametrize("name", MAKERS)
def test_members_are_read_as_files_are(name: str, inside: Inside) -> None:
    found = inside(
        name, MAKERS[name]([("p/pe/acme.example__2020-02-03.md", TEXT), ("logo.png", b"x"), ("b.html", b"y")])
    )
    policy, logo, page = found
    assert isinstance(policy, Source)
    assert policy.name.endswith(f"{name}/p/pe/acme.example__2020-02-03.md")
    assert parse(policy).id == "acme.example@2020-02-03"
    assert isinstance(logo, Passed)
    assert isinstance(page, Source)
    assert (page.data, page.suffix) == (b"y", ".html")


@pytest.mark.parametrize("name", COMMON)
def test_names_that_lead_elsewhere_are_read_where_that_is_safe_and_hidden_ones_passed_over(
    name: str, inside: Inside
) -> None:
    members = ["/abs/a.md", "./b.md", "x\\y\\c.md", "../d.md", "p/../../e.md", ".f.md", "__MACOSX/._a.md", ".git/g.md"]
    found = inside(name, MAKERS[name]([(each, TEXT) for each in members]))
    assert told(found) == {
        "a.md": "read",
        "b.md": "read",
        "c.md": "read",
        "d.md": "Its name leads out of the archive.",
        "e.md": "Its name leads out of the archive.",
    }
    assert found[0].name.endswith(f"{name}/abs/a.md")


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", COMMON)
def test_of_one_name_the_first_is_read(name: str, inside: Inside) -> None:
    first, second = inside(name, MAKERS[name]([("a.md", b"one"), ("./a.md", b"two")]))
    assert isinstance(first, Source)
    assert first.data == b"one"
    assert isinstance(second, Unread)
    assert second.refusal.reason == "duplicate_id"


@pytest.mark.parametrize("name", COMMON)
def test_strange_and_endless_names_are_escaped_and_cut(name: str, inside: Inside) -> None:
    found = inside(name, MAKERS[name]([("a\x1b[31m\u202e.md", TEXT), ("n" * 2_000 + ".md", TEXT)]))
    assert told(found) == {
        "a\\x1b[31m\\u202e.md": "read",
        "n" * 60 + "…": "Its name has more than 1,000 characters.",
    }


@pytest.mark.parametrize("name", ["a.zip", "a.tar.gz"])
def test_lines_and_archives_in_an_archive_are_read_and_deeper_ones_refused(name: str, inside: Inside) -> None:
    deep = tarred([("deep.zip", zipped([("a.md", TEXT)])), ("more.jsonl", LINE), ("b.md", TEXT)])
    found = inside(name, MAKERS[name]([("in.tar", deep), ("all.jsonl", LINE), ("in.zip", zipped([("c.md", TEXT)]))]))
    assert told(found) == {
        "deep.zip": "It is an archive in an archive in an archive, which is not read. Unpack it and give the folder.",
        "more.jsonl:1": "read",
        "b.md": "read",
        "all.jsonl:1": "read",
        "c.md": "read",
    }
    assert found[2].name.endswith(f"{name}/in.tar/b.md")


@pytest.mark.parametrize("name", ["a.zip", "a.tar"])
def test_a_member_that_is_too_large_is_refused_and_the_rest_goes_on(name: str, inside: Inside) -> None:
    members = [("a.md", bytes(33 << 20)), ("b.md", TEXT)]
    found = told(inside(name, zipped(members, zipfile.ZIP_STORED) if name == "a.zip" else tarred(members)))
    assert f"at most {MOST_BYTES:,} are read" in found["a.md"]
    assert found["b.md"] == "read"


def test_a_bomb_in_a_zip_is_refused_for_itself(inside: Inside) -> None:
    found = told(inside("a.zip", zipped([("bomb.md", bytes(20 << 20)), ("a.md", TEXT)])))
    assert "more than 200 times its size" in found["bomb.md"]
    assert found["a.md"] == "read"


def test_a_bomb_in_a_tar_ends_the_archive_with_one_line(inside: Inside) -> None:
    data = gzip.compress(tarred([("a.md", TEXT), ("bomb.bin", bytes(65 << 20)), ("b.md", TEXT)]), 1)
    assert told(inside("a.tar.gz", data)) == {
        "a.md": "read",
        "bomb.bin": "passed",
        "a.tar.gz": "It unpacks to more than 200 times its size, as nothing honest does; the rest is not read.",
    }


def test_what_is_unpacked_in_nested_archives_counts_together(inside: Inside) -> None:
    # Each of the three lies within what a small file may unpack to, 64 MB, and all of them do not.
    bomb = gzip.compress(tarred([("x.bin", bytes(24 << 20)), ("a.md", TEXT)]), 1)
    found = inside("a.zip", zipped([(f"{n}.tar.gz", bomb) for n in range(4)]))
    assert [each.name.rpartition("a.zip")[2] for each in found if not isinstance(each, Passed)] == [
        "/0.tar.gz/a.md",
        "/1.tar.gz/a.md",
        "",
    ]


def test_links_and_devices_are_not_followed(inside: Inside) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.addfile(header("link.md", type=tarfile.SYMTYPE, linkname="/etc/passwd"))
        archive.addfile(header("hard.md", type=tarfile.LNKTYPE, linkname="a.md"))
        archive.addfile(header("device.md", type=tarfile.CHRTYPE))
        archive.addfile(header("pipe.md", type=tarfile.FIFOTYPE))
        archive.addfile(header("folder.md", type=tarfile.DIRTYPE))
    assert told(inside("a.tar", out.getvalue())) == {
        **dict.fromkeys(("link.md", "hard.md"), "It is a link, which is not followed in an archive."),
        **dict.fromkeys(("device.md", "pipe.md"), "It is not an ordinary file."),
    }
    link = zipfile.ZipInfo("link.md")
    link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr(link, "/etc/passwd")
        packed.mkdir("folder.md")
    assert told(inside("a.zip", out.getvalue())) == {"link.md": "It is a link, which is not followed in an archive."}


def test_a_member_behind_a_password_or_packed_rarely_is_refused(inside: Inside) -> None:
    data = bytearray(zipped([("a.md", TEXT)]))
    data[data.index(b"PK\x01\x02") + 8] |= 1  # the flag in the table of members
    assert "locked with a password" in told(inside("a.zip", bytes(data)))["a.md"]
    rare = zipped([("a.md", TEXT)], zipfile.ZIP_BZIP2)
    assert "rare way (method 12)" in told(inside("b.zip", rare))["a.md"]


def test_a_damaged_member_is_refused_and_the_rest_goes_on(inside: Inside) -> None:
    data = bytearray(zipped([("a.md", TEXT), ("b.md", TEXT), ("c.md", TEXT)], zipfile.ZIP_STORED))
    data[data.index(b"b.md") + 100] ^= 0xFF
    found = told(inside("a.zip", bytes(data)))
    assert (found["a.md"], found["c.md"]) == ("read", "read")
    assert "damaged" in found["b.md"]


def test_a_size_that_is_a_lie_gives_no_half_policy(inside: Inside) -> None:
    data = bytearray(zipped([("a.md", TEXT)]))
    at = data.index(b"PK\x01\x02") + 24
    data[at : at + 4] = struct.pack("<I", len(TEXT) - 100)
    assert "damaged" in told(inside("short.zip", bytes(data)))["a.md"]
    data[at : at + 4] = struct.pack("<I", len(TEXT) + 100)
    assert told(inside("long.zip", bytes(data)))["a.md"] != "read"


def test_names_of_zips_that_forget_to_say_utf8_are_read_as_that(inside: Inside) -> None:
    data = zipped([("bxxcher.example.md", TEXT)]).replace(b"bxxcher", "bücher".encode())
    (found,) = inside("a.zip", data)
    assert isinstance(found, Source)
    assert parse(found).domain == "bücher.example"


@pytest.mark.parametrize("name", COMMON)
def test_what_is_cut_off_is_told_and_what_stands_before_is_read(name: str, inside: Inside) -> None:
    noise = os.urandom(50_000).hex().encode()
    whole = MAKERS[name]([("a.md", TEXT), ("b.md", noise), ("c.md", noise)])
    found = inside(name, whole[: len(whole) * 3 // 4])
    assert isinstance(found[-1], Unread)
    if name != "a.zip":  # its table stands at its end
        assert told(found)["a.md"] == "read"
        assert "c.md" not in [each.name for each in found if isinstance(each, Source)]


@pytest.mark.parametrize("name", COMMON)
def test_what_is_no_archive_is_told_in_one_line(name: str, inside: Inside) -> None:
    for data in (b"", TEXT, b"PK\x03\x04" + TEXT, bytes(100)):
        found = inside(name, data)
        assert len(found) <= 1  # of nothing at all, nothing comes out
        for each in found:
            assert isinstance(each, Unread)
            assert each.refusal.reason == "unreadable"


def pax(**said: str) -> bytes:
    """A header with more to say of the next member."""
    body = b""
    for key, value in said.items():
        line = f" {key}={value}\n".encode()
        size = len(line) + 2
        body += str(size).encode() + line
        assert len(str(size)) == 2
    return header("more", type=tarfile.XHDTYPE, size=len(body)).tobuf() + block(body)


@pytest.mark.parametrize(
    "start",
    [
        pax(size="-512"),  # would be read again and again
        header("more", type=tarfile.XHDTYPE, size=6 << 30).tobuf(),  # would be read at once
        header("more", type=tarfile.GNUTYPE_LONGNAME, size=6 << 30).tobuf(),
        header("more", type=tarfile.XHDTYPE, size=0).tobuf() * 3_000,  # each is read by the one before it
        pax(**{"GNU.sparse.map": "0,x"}),
        header("far.bin", size=1 << 60).tobuf(),
    ],
)
def test_headers_that_are_made_to_keep_a_reader_busy_end_the_archive(start: bytes, inside: Inside) -> None:
    good = header("a.md", size=len(TEXT)).tobuf() + block(TEXT)
    found = inside("a.tar", good + start + good + bytes(1_024))
    assert isinstance(found[0], Source)
    assert isinstance(found[-1], Unread)
    assert found[-1].name.endswith("a.tar")


def test_a_tar_that_ends_in_something_else_is_told(inside: Inside) -> None:
    good = header("a.md", size=len(TEXT)).tobuf() + block(TEXT)
    assert told(inside("a.tar", good + b"x" * 512 + good))["a.tar"].startswith("It is damaged")
    assert told(inside("b.tar", good)) == {"a.md": "read"}  # without the empty end that many leave out


def test_a_table_of_members_that_is_too_long_is_not_read(inside: Inside) -> None:
    data = bytearray(zipped([("a.md", TEXT)]))
    at = data.index(b"PK\x05\x06") + 12
    data[at : at + 4] = struct.pack("<I", 40 << 20)
    found = inside("a.zip", bytes(40 << 20) + bytes(data))
    assert "too many members" in told(found)["a.zip"]


def test_how_many_there_are_is_known_where_nothing_must_be_unpacked(tmp_path: Path) -> None:
    members = [("a.md", TEXT), ("b.png", b"x"), ("c/", b""), (".d.md", TEXT), ("e.txt", TEXT)]
    for name, data, total in (
        ("a.zip", zipped(members), 2),
        ("b.zip", zipped([*members, ("all.jsonl", LINE)]), None),
        ("a.jsonl", LINE + b"\n\n" + LINE, 2),
        ("a.tar", tarred(members), None),
        ("broken.zip", b"", None),
    ):
        (tmp_path / name).write_bytes(data)
        assert find_sources([tmp_path / name]).total() == total, name


def test_kinds_are_told_by_how_a_name_ends() -> None:
    assert kind_of("Policies.TAR.GZ") == kind_of("a.tgz") == Kind("tar", "gz")
    assert kind_of("a.jsonl.zst") == Kind("lines", "zst")
    assert kind_of("a.docx") is kind_of("a.gz") is kind_of("zip") is None
    assert all(kind_of(f"a{suffix}") == kind for suffix, kind in BUNDLES.items())


@functools.cache
def _made_once(name: str) -> bytes:
    """The same bytes for every example: archives hold the time at which they were made."""
    return MAKERS[name]([("a.md", TEXT), ("b.jsonl", LINE), ("in.zip", zipped([("c.md", TEXT)]))])


@settings(max_examples=60)
@given(st.data())
def test_no_bytes_break_an_archive(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(COMMON))
    whole = bytearray(_made_once(name))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(whole) - 1))
        whole[at : at + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(whole)
    kind = kind_of(name)
    assert kind is not None
    for found in Bundle(path, kind):
        if isinstance(found, Unread):
            assert "\n" not in str(found.refusal)
