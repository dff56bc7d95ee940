from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ingest.apart import SECONDS, Read, read_policy
from ingest.chunking import cut
from ingest.origin import Source, Unread
from ingest.parsing import Hints, form_of
from ingest.pipeline import Progress, Report, Taken, ingest_addresses, ingest_paths, manifest_of
from ingest.screening import Reason
from ingest.web import PAUSE_S, Memory, Page, Reader, Remembered, Unchanged, address_of, said_of
from qa.encoders import HashingEncoder
from qa.errors import PolicyRefused, Unwanted, UsageError
from qa.library import Library
from qa.settings import Settings
from tests.ingest.little_web import Web, page, serving, stateful, to
from tests.ingest.making import HEADER, POLICY

KITES = "http://kites.example/privacy"
ARCHIVE = "http://archive.example/web"
TEXT = POLICY.replace("Acme Tools", "Zephyr Kites")
TODAY = dt.datetime.now(tz=dt.UTC).date()
AT_THE_ARCHIVE = f"archive.example/web/20080601235959id_/{KITES}"
SNAPSHOT = f"archive.example/web/20080529120000id_/{KITES}"


def text(body: str = TEXT, etag: str = "") -> Callable[..., None]:
    return stateful(body.encode(), etag, "text/markdown") if etag else page(body.encode(), "text/markdown")


class Clock:
    """Time goes by only where it is waited for."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.waits: list[float] = []
        self.given_up = False

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> bool:
        self.waits.append(seconds)
        self.now += seconds
        return self.given_up


@pytest.fixture
def web() -> Iterator[Web]:
    with serving() as found:
        found.pages["kites.example/privacy"] = text()
        yield found


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def reader(web: Web, clock: Clock) -> Reader:
    return Reader(network=web.network, archive=ARCHIVE, clock=clock, wait=clock.wait)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(index=tmp_path / "index", cache=tmp_path / "cache")


def read(reader: Reader, address: str = KITES, as_of: dt.date | None = None) -> Page:
    found = reader.read(address, as_of=as_of)
    assert isinstance(found, Page), found
    return found


def refused(reader: Reader, address: str = KITES, as_of: dt.date | None = None) -> str:
    found = reader.read(address, as_of=as_of)
    assert isinstance(found, Unread)
    assert "\n" not in str(found.refusal)
    return str(found.refusal)


# --- what is meant ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("https://kites.example/privacy?a=b#sharing", "https://kites.example/privacy?a=b"),
        ("HTTP://Kites.example", "http://Kites.example"),
        (Path("https://kites.example/privacy"), "https://kites.example/privacy"),
        ("policies/kites.example.md", None),
        ("policies", None),
        ("policies.zip", None),
        ("ftp://kites.example/", None),
        ("file:///etc/passwd", None),
    ],
)
def test_addresses_and_files_are_told_apart(given: str | Path, address: str | None) -> None:
    assert address_of(given) == address


@pytest.mark.parametrize("given", ["kites.example/privacy", "www.kites.example"])
def test_who_forgets_the_beginning_of_an_address_is_told(given: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"write https://{given}"):
        address_of(given)
    (tmp_path / "kites.example").mkdir()
    assert address_of("kites.example") is None


# --- what is read -----------------------------------------------------------------------------------------------------


def test_a_page_is_its_final_sites_and_of_today(web: Web, reader: Reader) -> None:
    web.pages["kites.example/privacy"] = to("http://www.zephyr.example/legal/privacy")
    web.pages["www.zephyr.example/legal/privacy"] = page(TEXT.encode(), "text/html", ETag='"a"')
    found = read(reader)
    assert (found.name, found.source.suffix, found.etag, found.live) == (KITES, ".html", '"a"', True)
    assert found.hints == Hints("zephyr.example", TODAY, None, "http://www.zephyr.example/legal/privacy")


def test_what_the_site_says_of_its_letters_is_believed(web: Web, reader: Reader) -> None:
    web.pages["kites.example/privacy"] = page("Żeby kites".encode("iso-8859-2"), "text/plain; charset=iso-8859-2")
    assert "Żeby" in read(reader).source.data.decode()


@pytest.mark.parametrize("media_type", ["application/pdf", "text/html"])
def test_a_paper_is_kept_as_it_is_whatever_its_site_calls_it(web: Web, reader: Reader, media_type: str) -> None:
    web.pages["kites.example/privacy"] = page(b"%PDF-1.7\n\xff\x00", media_type)
    source = read(reader).source
    assert source.data == b"%PDF-1.7\n\xff\x00"
    assert form_of(source) == ".pdf"


def test_a_site_is_named_as_its_readers_spell_it(web: Web, reader: Reader) -> None:
    web.pages["xn--bcher-kva.xn--p1ai/privacy"] = text()
    assert read(reader, "http://bücher.рф/privacy").hints.domain == "bücher.рф"


def test_what_cannot_be_read_is_refused_with_what_to_do_at_a_command_line(web: Web, reader: Reader) -> None:
    web.pages["kites.example/privacy"] = page(b"", "image/png")
    assert refused(reader).endswith("“image/png”. Open it in a browser, save it and give the file instead.")
    web.pages["kites.example/privacy"] = page(status=403)
    assert "to programs (403). Open it in a browser" in refused(reader)
    web.pages["kites.example/privacy"] = page(status=404)
    assert refused(reader) == "There is no page at this address (404). Check it."
    assert "Only the address of a site by its name" in refused(reader, "http://127.0.0.1/privacy")
    assert refused(reader, "http://[kites.example/") == "That is no web address. Check it."


# --- manners ----------------------------------------------------------------------------------------------------------


def test_two_pages_of_one_site_are_read_with_a_pause_and_its_rules_once(web: Web, reader: Reader, clock: Clock) -> None:
    web.pages["kites.example/terms"] = web.pages["other.example/privacy"] = text()
    for address in (KITES, "http://other.example/privacy", "http://kites.example/terms"):
        read(reader, address)
    assert clock.waits == [PAUSE_S]
    assert web.asked.count("kites.example/robots.txt") == 1


def test_a_redirect_counts_for_the_site_that_it_leads_to(web: Web, reader: Reader, clock: Clock) -> None:
    web.pages["old.example/privacy"] = to(KITES)
    read(reader, "http://old.example/privacy")
    read(reader)
    assert clock.waits == [PAUSE_S]


def test_a_site_may_ask_for_a_longer_pause(web: Web, reader: Reader, clock: Clock) -> None:
    web.pages["kites.example/robots.txt"] = page(b"User-agent: *\nCrawl-delay: 20", "text/plain")
    read(reader)
    read(reader)
    assert clock.waits == [20]


def test_the_rules_of_a_site_are_asked_for_anew_after_an_hour(web: Web, reader: Reader, clock: Clock) -> None:
    read(reader)
    clock.now += 3_601
    web.pages["kites.example/robots.txt"] = page(b"User-agent: *\nDisallow: /", "text/plain")
    assert "robots.txt" in refused(reader)


def test_a_site_that_wants_to_be_left_alone_is_not_asked_again_before(web: Web, reader: Reader, clock: Clock) -> None:
    web.pages["kites.example/privacy"] = page(status=429, Retry_After="600")
    assert refused(reader) == "The site asks to be left alone for 10 minutes (429)."
    clock.now += 240
    assert refused(reader) == "The site asks to be left alone for 6 minutes."
    assert len(web.read) == 1
    clock.now += 361
    web.pages["kites.example/privacy"] = text()
    read(reader)


def test_a_page_whose_turn_has_not_come_is_not_read_when_nobody_waits(reader: Reader, clock: Clock, web: Web) -> None:
    read(reader)
    clock.given_up = True
    with pytest.raises(Unwanted):
        reader.read(KITES)
    assert len(web.read) == 1


# --- the Wayback Machine ----------------------------------------------------------------------------------------------


def test_a_day_of_the_past_is_looked_up_in_the_archive(web: Web, reader: Reader) -> None:
    web.pages[AT_THE_ARCHIVE] = to(f"http://{SNAPSHOT}")
    web.pages[SNAPSHOT] = text()
    found = read(reader, as_of=dt.date(2008, 6, 1))
    assert found.hints == Hints("kites.example", dt.date(2008, 5, 29), None, f"{ARCHIVE}/20080529120000/{KITES}")
    assert (found.live, found.wanted) == (False, dt.date(2008, 6, 1))
    assert web.read == [AT_THE_ARCHIVE, SNAPSHOT]


@pytest.mark.parametrize("stamp", ["20080529120000", "20080529120000id_", "20080529120000if_", "20080529"])
def test_the_address_of_a_snapshot_is_read_as_the_page_was(web: Web, reader: Reader, stamp: str) -> None:
    bare = stamp[:14].rstrip("idf_")
    web.pages[f"archive.example/web/{bare}id_/http://www.kites.example:80/privacy"] = text()
    found = read(reader, f"{ARCHIVE}/{stamp}/http://www.kites.example:80/privacy")
    assert (found.hints.domain, found.hints.archived_on) == ("kites.example", dt.date(2008, 5, 29))
    assert (found.place, found.live) == ("kites.example/privacy", False)


def test_what_the_archive_does_not_have_or_want_is_said(web: Web, reader: Reader) -> None:
    day = dt.date(2008, 6, 1)
    assert refused(reader, as_of=day) == "The Wayback Machine has no copy of this page. Check the address."
    web.pages[AT_THE_ARCHIVE] = to("http://archive.example/about")
    web.pages["archive.example/about"] = text()
    assert "of which day" in refused(reader, as_of=day)
    web.pages[AT_THE_ARCHIVE] = page(status=502)
    assert refused(reader, as_of=day).startswith("Wayback Machine: The site does not give the page out now (502).")
    assert "--as-of DATE" in refused(reader, f"{ARCHIVE}/*/{KITES}")


def test_the_archives_rules_and_the_guard_hold_there_too(web: Web, reader: Reader) -> None:
    web.pages[AT_THE_ARCHIVE] = to("http://10.0.0.1/secret")
    assert "by its name" in refused(reader, as_of=dt.date(2008, 6, 1))
    web.pages["archive.example/robots.txt"] = page(b"User-agent: *\nDisallow: /web", "text/plain")
    strict = Reader(network=web.network, archive=ARCHIVE)
    assert "robots.txt" in refused(strict, as_of=dt.date(2008, 6, 1))


# --- what is remembered -----------------------------------------------------------------------------------------------

KNOWN = Remembered(KITES, f"kites.example@{TODAY}", "00", '"v1"', "Sun, 06 Nov 1994 08:49:37 GMT", "\t\tKites\t")


def test_what_is_remembered_is_there_again_beside_what_others_learnt(tmp_path: Path) -> None:
    one, other = Memory(tmp_path), Memory(tmp_path)
    one.keep({"http://a.example/": KNOWN})
    other.keep({"http://b.example/": replace(KNOWN, etag=None)})
    again = Memory(tmp_path)
    assert (again.get("http://a.example/"), again.get("http://c.example/")) == (KNOWN, None)
    assert again.get("http://b.example/") == replace(KNOWN, etag=None)
    assert [file.name for file in tmp_path.iterdir()] == ["web.json"]


@pytest.mark.parametrize(
    "content",
    [
        "", "{", "[]", "null", '{"format": 2, "pages": {}}', '{"format": 1}', '{"format": 1, "pages": []}',
        '{"format": 1, "pages": {"http://a.example/": {}}}', "[" * 100_000, "\udcff",
        json.dumps({"format": 1, "pages": {"http://a.example/": {"url": 1, "policy_id": "", "digest": ""}}}),
        json.dumps({"format": 1, "pages": {"http://a.example/": {"url": "", "policy_id": "", "digest": "", "x": 1}}}),
    ],
)  # fmt: skip
def test_a_damaged_memory_only_costs_another_look(tmp_path: Path, content: str) -> None:
    (tmp_path / "web.json").write_text(content, errors="surrogateescape")
    memory = Memory(tmp_path)
    assert memory.get("http://a.example/") is None
    memory.keep({"http://a.example/": KNOWN})
    assert Memory(tmp_path).get("http://a.example/") == KNOWN


def test_a_memory_that_cannot_be_written_stops_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "web.json").mkdir()
    Memory(tmp_path).keep({"http://a.example/": KNOWN})
    assert "cannot be written" in caplog.text
    assert [file.name for file in tmp_path.iterdir()] == ["web.json"]


def test_what_is_said_of_a_page_is_told_apart() -> None:
    assert said_of(Hints()) == ""
    assert len({said_of(hints) for hints in (Hints("a"), Hints(company="a"), Hints(archived_on=TODAY))}) == 3


# --- into the index ---------------------------------------------------------------------------------------------------

Ingest = Callable[..., Report]


def read_here(source: Source, hints: Hints, *, max_chars: int, seconds: float, placed: bool) -> Read:
    """What ``read_apart`` gives, without another process, whose start takes a while."""
    assert placed
    assert seconds == SECONDS
    policy = read_policy(source, hints, max_chars=max_chars)
    return Read(policy, cut(policy))


@pytest.fixture
def ingest(reader: Reader, settings: Settings) -> Ingest:
    def run(*addresses: str, **more: object) -> Report:
        chosen = {"reader": reader, "encoder": HashingEncoder(), "apart": read_here, **more}
        report = ingest_addresses(addresses or (KITES,), settings, **chosen)  # type: ignore[arg-type]
        assert report.read == report.added + report.unchanged + report.replaced + len(report.refused)
        return report

    return run


def ids(settings: Settings) -> set[str]:
    with Library.open(settings.index) as library:
        return set(library.hashes())


def aged(settings: Settings, day: dt.date) -> None:
    """Makes the newest version one of an earlier day."""
    with Library.open_for_writing(settings.index, manifest_of(HashingEncoder())) as library:
        newest = library.read(f"kites.example@{TODAY}")
        library.remove(newest.policy.id)
        library.put(replace(newest, policy=replace(newest.policy, archived_on=day)))


def test_a_page_that_has_not_changed_is_neither_sent_again_nor_stored(
    web: Web, ingest: Ingest, settings: Settings
) -> None:
    web.pages["kites.example/privacy"] = text(etag='"v1"')
    taken: list[Taken] = []
    assert ingest().added == 1
    with Library.open_for_writing(settings.index, manifest_of(HashingEncoder())):  # nothing is locked
        assert ingest(on_taken=taken.append).unchanged == 1
    assert web.headers[-1]["If-None-Match"] == '"v1"'
    assert taken == [Taken(KITES, f"kites.example@{TODAY}", "unchanged")]


def test_the_same_bytes_are_unchanged_where_a_site_names_no_state(web: Web, ingest: Ingest, reader: Reader) -> None:
    assert ingest().added == 1
    assert ingest().unchanged == 1
    known = Remembered(KITES, "kites.example@2020-01-01", read(reader).digest)
    assert reader.read(KITES, known) == Unchanged(KITES, "kites.example/privacy", "kites.example@2020-01-01")


def test_a_changed_text_is_a_version_of_today_and_the_old_ones_stay_also_when_it_changes_back(
    web: Web, ingest: Ingest, settings: Settings
) -> None:
    ingest()
    aged(settings, dt.date(2020, 1, 1))
    assert ingest().unchanged == 1  # the same words are no new version
    web.pages["kites.example/privacy"] = text(f"{TEXT}\nWe sell your name.\n")
    report = ingest()
    assert (report.added, report.replaced, report.flagged) == (1, 0, ())
    aged(settings, dt.date(2021, 1, 1))
    web.pages["kites.example/privacy"] = text()
    assert ingest().added == 1
    with Library.open(settings.index) as library:
        days = ("2020-01-01", "2021-01-01", TODAY)
        texts = [library.read(f"kites.example@{day}").policy.text for day in days]
        policy = library.read(f"kites.example@{TODAY}").policy
    assert texts == [TEXT, f"{TEXT}\nWe sell your name.\n", TEXT]
    assert (policy.url, policy.provenance["domain"], policy.provenance["archived_on"]) == (
        KITES,
        "address",
        "ingestion",
    )


def test_a_second_change_on_one_day_takes_the_place_of_the_first_and_is_told(
    web: Web, ingest: Ingest, settings: Settings
) -> None:
    ingest()
    web.pages["kites.example/privacy"] = text(f"{TEXT}\nWe sell your name.\n")
    report = ingest()
    assert report.replaced == 1
    assert [flag.warning for flag in report.flagged] == [
        "It has changed again on the day of its newest version, and takes that version's place."
    ]
    assert ids(settings) == {f"kites.example@{TODAY}"}


def test_other_white_space_is_no_change(web: Web, ingest: Ingest, settings: Settings) -> None:
    ingest()
    web.pages["kites.example/privacy"] = text(TEXT.replace("\n\n", "\n\n\n"))
    assert ingest().unchanged == 1
    with Library.open(settings.index) as library:
        assert library.read(f"kites.example@{TODAY}").policy.text == TEXT


def test_a_policy_that_was_removed_is_read_again(web: Web, ingest: Ingest, settings: Settings) -> None:
    web.pages["kites.example/privacy"] = text(etag='"v1"')
    ingest()
    with Library.open_for_writing(settings.index, manifest_of(HashingEncoder())) as library:
        library.remove(f"kites.example@{TODAY}")
    assert ingest().added == 1
    assert "If-None-Match" not in web.headers[-1]


def test_what_is_said_of_a_page_now_makes_it_be_read_again(web: Web, ingest: Ingest, settings: Settings) -> None:
    web.pages["kites.example/privacy"] = text(etag='"v1"')
    ingest()
    kites = Hints(company="Kites & Sons")
    assert [ingest(hints=kites).replaced, ingest(hints=kites).unchanged] == [1, 1]
    with Library.open(settings.index) as library:
        assert [card.company for card in library.cards()] == ["Kites & Sons"]


def test_a_page_that_is_no_policy_is_refused_every_time_and_the_rest_goes_on(web: Web, ingest: Ingest) -> None:
    web.pages["other.example/privacy"] = stateful(b"Hello, this is a shop.", '"v1"', "text/plain")
    for outcome in ("added", "unchanged"):
        report = ingest("http://other.example/privacy", "http://gone.example/", KITES)
        assert [refusal.reason for refusal in report.refused] == [Reason.NOT_FOUND, Reason.TOO_SHORT]
        assert getattr(report, outcome) == 1


def test_a_page_that_only_programs_write_is_refused_with_what_to_do(web: Web, ingest: Ingest) -> None:
    shell = b"<!doctype html><div id=root></div><script src=app.js></script>"
    web.pages["kites.example/privacy"] = page(shell, "text/html")
    (refusal,) = ingest().refused
    assert (refusal.reason, refusal.message[-56:]) == (
        Reason.SCRIPT, "Open it in a browser, save it and give the file instead.",
    )  # fmt: skip
    footer = b"<p>We sell kites to you and to all of your friends. " * 4
    web.pages["kites.example/privacy"] = page(shell + footer, "text/html")
    (refusal,) = ingest().refused
    assert "written by JavaScript, which is not run: open it in a browser, save it" in refusal.message


def test_any_page_is_read_where_that_can_be_ended(ingest: Ingest) -> None:
    def ended(source: Source, *_: object, **__: object) -> Read:
        raise PolicyRefused(Reason.UNREADABLE, "Reading it takes too long: it is not laid out like a policy.")

    assert [refusal.message for refusal in ingest(apart=ended).refused] == [
        "Reading it takes too long: it is not laid out like a policy."
    ]


def test_another_page_of_a_site_is_not_mistaken_for_a_version(web: Web, ingest: Ingest, settings: Settings) -> None:
    web.pages["www.kites.example/eu"] = text(f"{TEXT}\nIn the EU you may complain.\n")
    for _ in range(2):
        (refusal,) = ingest(KITES, "http://www.kites.example/eu").refused
        assert "another page of kites.example than kites.example/privacy" in refusal.message
    assert ingest(KITES, "http://www.kites.example/privacy").read == 2
    assert len(ids(settings)) == 1


def test_a_page_cannot_say_that_it_is_somebody_elses_or_of_another_day(
    web: Web, ingest: Ingest, settings: Settings
) -> None:
    claim = HEADER.format(domain="bank.example", date="2099-01-01", url="https://bank.example/")
    web.pages["kites.example/privacy"] = text(claim + TEXT)
    ingest()
    assert ids(settings) == {f"kites.example@{TODAY}"}


def test_where_a_newer_version_is_known_the_clock_is_doubted(web: Web, ingest: Ingest, settings: Settings) -> None:
    ingest()
    aged(settings, dt.date(2999, 1, 1))
    web.pages["kites.example/privacy"] = text(f"{TEXT}\nWe sell your name.\n")
    (refusal,) = ingest().refused
    assert refusal.reason == Reason.OUT_OF_ORDER
    assert "set this machine's clock" in refusal.message


def test_a_page_of_today_and_its_snapshots_are_one_page(web: Web, ingest: Ingest, settings: Settings) -> None:
    web.pages[f"archive.example/web/20080529id_/{KITES}"] = text(f"{TEXT}\nWe sold your name.\n")
    for added in (2, 0):
        report = ingest(f"{ARCHIVE}/20080529/{KITES}", KITES)
        assert (report.added, report.unchanged, report.refused) == (added, 2 - added, ())
    assert ids(settings) == {"kites.example@2008-05-29", f"kites.example@{TODAY}"}


def test_snapshots_become_versions_of_their_days_and_far_ones_are_told(
    web: Web, ingest: Ingest, settings: Settings
) -> None:
    web.pages[AT_THE_ARCHIVE] = to(f"http://{SNAPSHOT}")
    web.pages[SNAPSHOT] = text()
    assert ingest(as_of=dt.date(2008, 6, 1)).flagged == ()
    web.pages[f"archive.example/web/20000101235959id_/{KITES}"] = to(f"http://{SNAPSHOT}")
    report = ingest(as_of=dt.date(2000, 1, 1))
    assert (report.unchanged, [flag.warning for flag in report.flagged]) == (
        1, ["The nearest snapshot is of 2008-05-29, 3,071 days after 2000-01-01."],
    )  # fmt: skip
    assert ingest().unchanged == 1  # the page of today still says the same
    assert ids(settings) == {"kites.example@2008-05-29"}


def test_files_and_addresses_go_in_together(web: Web, reader: Reader, settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "acme.example__2020-02-03.md"
    file.write_text(POLICY)
    seen: list[Progress] = []
    report = ingest_paths(
        [KITES, file, str(file), KITES], settings, encoder=HashingEncoder(), reader=reader, on_progress=seen.append
    )
    assert (report.read, report.added) == (2, 2)
    assert [(each.done, each.total) for each in seen] == [(1, 1), (2, 2)]
    assert ids(settings) == {"acme.example@2020-02-03", f"kites.example@{TODAY}"}
