from __future__ import annotations

import gzip
import http.server
import shutil
import socket
import ssl
import subprocess
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from ingest.fetching import Known, Later, Limits, Network, fetch, fetch_changed, is_public
from ingest.screening import Reason
from qa.errors import PolicyRefused
from tests.ingest.little_web import PAGE, Answering, Web, page, serving, stateful, to


@pytest.fixture
def web() -> Iterator[Web]:
    with serving() as found:
        found.pages["kites.example/privacy"] = page()
        yield found


def refusal(fetching: Callable[[], object]) -> PolicyRefused:
    with pytest.raises(PolicyRefused) as caught:
        fetching()
    assert "\n" not in str(caught.value)
    assert "kites" not in str(caught.value)
    return caught.value


# --- what is fetched --------------------------------------------------------------------------------------------------


def test_a_page_is_fetched_with_its_type_and_where_it_was_found(web: Web) -> None:
    found = web.fetch("http://KITES.example./privacy#sharing")
    assert (found.final_url, found.media_type, found.charset) == ("http://kites.example/privacy", "text/html", "utf-8")
    assert found.body == PAGE


def test_it_says_who_it_is_and_nothing_of_who_asked(web: Web) -> None:
    web.pages["kites.example/privacy"] = page(Set_Cookie="id=1", status=302, Location="/two")
    web.pages["kites.example/two"] = page()
    web.fetch()
    names = {name.lower() for headers in web.headers for name in headers}
    assert names == {"host", "user-agent", "accept", "accept-encoding", "accept-language", "connection"}
    assert web.headers[0]["User-Agent"].startswith("fineprint/")
    assert web.headers[0]["User-Agent"].endswith(" (+policy reader)")


def test_proxies_of_the_environment_are_not_used(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert web.fetch().body == PAGE


@pytest.mark.parametrize("packed", [gzip.compress(PAGE), zlib.compress(PAGE), zlib.compress(PAGE)[2:-4]])
def test_packed_pages_are_unpacked(web: Web, packed: bytes) -> None:
    encoding = "gzip" if packed.startswith(b"\x1f\x8b") else "deflate"
    web.pages["kites.example/privacy"] = page(packed, Content_Encoding=encoding)
    assert web.fetch().body == PAGE


def test_letters_that_addresses_do_not_have_are_written_as_they_want_them(web: Web) -> None:
    web.pages["xn--kche-0ra.example/%C3%BCber?q=%C3%A4&a=%20b"] = page()
    assert web.fetch("http://küche.example/über?q=ä&a=%20b").final_url.isascii()


def test_an_address_without_http_is_asked_for_by_https(web: Web) -> None:
    refusal(lambda: web.fetch("kites.example/privacy"))  # the little web speaks no TLS
    assert web.resolutions == ["kites.example:443"]


def test_nothing_of_the_address_is_logged(web: Web, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(0):
        web.fetch()
    assert "kites" not in caplog.text


# --- where it does not go ---------------------------------------------------------------------------------------------

CLOSED = """
0.0.0.0 10.1.2.3 100.64.0.1 100.100.100.200 127.0.0.1 127.255.255.254 169.254.169.254 172.16.0.1 172.31.255.255
192.0.0.192 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 198.51.100.7 203.0.113.9 224.0.0.1 239.1.1.1 240.0.0.1
255.255.255.255 168.63.129.16
:: ::1 ::127.0.0.1 ::8.8.8.8 ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::ffff:a9fe:a9fe 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe
64:ff9b:1::1 100::1 2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:db8::1 2002:7f00:1::1 2002:a9fe:a9fe::1
2002:c0a8:101::1 3fff::1 5f00::1 fc00::1 fd00:ec2::254 fe80::1 fe80::1%eth0 2606:4700::1%eth0 fec0::1 ff02::1
2606:4700::5efe:7f00:1 2606:4700::200:5efe:10.0.0.1 4000::1
2130706433 0x7f000001 0177.0.0.1 127.1 localhost nonsense
""".split()


@pytest.mark.parametrize("address", CLOSED)
def test_an_address_that_is_not_public_is_closed(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8",
        "1.1.1.1",
        "172.32.0.1",
        "100.128.0.1",
        "2606:4700:4700::1111",
        "2a00:1450::1",
        "64:ff9b::808:808",
        "2002:808:808::1",
    ],
)
def test_a_public_address_is_open(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", CLOSED[:-6])
def test_a_name_that_means_a_closed_address_is_not_connected_to(address: str) -> None:
    network = Network(lambda _host, port: [(address, port)])
    assert "not on the public web" in str(refusal(lambda: fetch("http://kites.example/", network=network)))


def test_one_closed_address_among_public_ones_closes_the_name() -> None:
    network = Network(lambda _host, port: [("8.8.8.8", port), ("127.0.0.1", port)])
    assert "not on the public web" in str(refusal(lambda: fetch("http://kites.example/", network=network)))


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/", "http://2130706433/", "http://0x7f000001/", "http://0x7f.0.0.1/", "http://0177.0.0.1/",
        "http://017700000001/", "http://127.1/", "http://127.0.1/", "http://8.8.8.8/", "http://127.0.0.1./",
        "http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://[fe80::1%25eth0]/", "http://[::]/",
        "http://localhost/", "http://localhost./", "http://intranet/", "http:///privacy", "http://./", "http://a..b.example/",
        "http://１２７.0.0.1/", "http://127。0。0。1/", "http://①②⑦.⓪.⓪.①/", "http://example.0x7f/", "http://example.123/",
        "http://user@kites.example/", "http://user:pass@kites.example/", "http://kites.example@127.0.0.1/",
        "http://127.0.0.1\\@kites.example/", "http://kites.example:22/", "http://kites.example:8080/",
        "https://kites.example:80/", "http://kites.example:443/", "http://kites.example:/", "http://kites.example:x/",
        "http://kites.example:99999/", "file:///etc/passwd", "ftp://kites.example/", "gopher://kites.example/_x",
        "dict://kites.example/", "ldap://kites.example/", "jar:http://kites.example!/", "data://text/html,x",
        "javascript://kites.example/%0aalert(1)", "unix:///var/run/docker.sock", "http:kites.example/",
        "http://kites.example/a b", "http://kites.example/\r\nX: y", "http://kites.example\t/",
        "http://kit\u200bes example/",
        "http://-a-.example/", f"http://{'a' * 64}.example/", f"http://kites.example/{'a' * 2000}",
        "mailto:a@b.example", "",
    ],
)  # fmt: skip
def test_an_address_that_is_not_plainly_a_site_is_refused_before_anything_is_asked(web: Web, url: str) -> None:
    refusal(lambda: web.fetch(url))
    assert (web.resolutions, web.asked) == ([], [])


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.1/", "http://2130706433/", "http://[::1]/", "//localhost/x", "file:///etc/passwd", "ftp://kites.example/",
        "http://kites.example:6379/", "http://user@kites.example/", "javascript:alert(1)", "http://169.254.169.254/latest",
    ],
)  # fmt: skip
def test_every_redirect_is_judged_like_the_first_address(web: Web, location: str) -> None:
    web.pages["kites.example/privacy"] = to(location)
    refusal(web.fetch)
    assert web.read == ["kites.example/privacy"]


def test_a_redirect_to_a_name_that_means_a_closed_address_is_not_followed(web: Web) -> None:
    web.pages["kites.example/privacy"] = to("http://inside.example/secret")
    web.pages["inside.example/secret"] = page()
    asked = web.resolve
    network = Network(
        lambda host, port: [("10.0.0.7", port)] if host == "inside.example" else asked(host, port),
        lambda address: address == "127.0.0.1" or is_public(address),
    )
    refused = refusal(lambda: fetch("http://kites.example/privacy", network=network))
    assert "not on the public web" in str(refused)
    assert web.read == ["kites.example/privacy"]


def test_a_name_is_asked_once_and_the_address_that_was_judged_is_the_one_connected_to(web: Web) -> None:
    web.pages["kites.example/privacy"] = to("/two")
    web.pages["kites.example/two"] = page()
    answers = iter([[("127.0.0.1", web.port)], [("127.0.0.2", 1)], [("127.0.0.2", 1)]])
    judged: list[str] = []

    def allows(address: str) -> bool:
        judged.append(address)
        return address == "127.0.0.1"

    found = fetch("http://kites.example/privacy", network=Network(lambda *_: next(answers), allows))
    assert found.final_url == "http://kites.example/two"
    assert judged == ["127.0.0.1"]


def test_a_name_that_means_something_else_for_https_is_judged_again(web: Web) -> None:
    web.pages["kites.example/privacy"] = to("https://kites.example/privacy")
    network = Network(
        lambda _host, port: [("127.0.0.1", web.port)] if port == 80 else [("192.168.0.1", 443)],
        lambda address: address == "127.0.0.1",
    )
    assert "not on the public web" in str(refusal(lambda: fetch("http://kites.example/privacy", network=network)))


def test_redirects_are_followed_five_times_and_no_more(web: Web) -> None:
    for n in range(6):
        web.pages[f"kites.example/{n}"] = to(
            f"http://www{n}.kites.example/{n}", status=(301, 302, 303, 307, 308)[n % 5]
        )
        web.pages[f"www{n}.kites.example/{n}"] = to(f"http://kites.example/{n + 1}")
    web.pages["kites.example/2"] = page()
    assert web.fetch("http://kites.example/0").final_url == "http://kites.example/2"
    web.pages["kites.example/2"] = to("http://kites.example/0")
    assert "more than 5 times" in str(refusal(lambda: web.fetch("http://kites.example/0")))


# --- what it costs ----------------------------------------------------------------------------------------------------


def dripping(head: bytes, drop: bytes) -> Answering:
    def answer(request: http.server.BaseHTTPRequestHandler) -> None:
        request.wfile.write(head)
        for _ in range(400):
            request.wfile.write(drop)
            request.wfile.flush()
            time.sleep(0.02)

    return answer


@pytest.mark.parametrize(
    ("head", "drop"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\n", b"X-Drop: 1\r\n"),
        (b"", b"H"),
    ],
)
def test_a_site_that_drips_is_left_when_the_time_is_over(web: Web, head: bytes, drop: bytes) -> None:
    web.pages["kites.example/privacy"] = dripping(head, drop)
    began = time.monotonic()
    refusal(lambda: web.fetch(seconds=0.6))
    assert time.monotonic() - began < 3


def test_a_site_that_says_nothing_is_left_when_the_time_is_over(web: Web) -> None:
    web.pages["kites.example/privacy"] = lambda _: time.sleep(3)
    began = time.monotonic()
    assert "took longer" in str(refusal(lambda: web.fetch(seconds=0.5)))
    assert time.monotonic() - began < 2


def test_a_name_server_that_says_nothing_is_left_when_the_time_is_over() -> None:
    silent = threading.Event()

    def resolve(_host: str, _port: int) -> Sequence[tuple[str, int]]:
        silent.wait(5)
        return []

    network = Network(resolve)
    assert "took longer" in str(refusal(lambda: fetch("http://kites.example/", limits=Limits(0.3), network=network)))
    silent.set()


def test_an_endless_page_is_left_at_the_limit(web: Web) -> None:
    sent = 0

    def endless(request: http.server.BaseHTTPRequestHandler) -> None:
        nonlocal sent
        request.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")
        while True:
            sent += request.wfile.write(b"x" * 65_536)

    web.pages["kites.example/privacy"] = endless
    refused = refusal(lambda: web.fetch(bytes=2 << 20))
    assert (refused.reason, str(refused)[:29]) == (Reason.TOO_LARGE, "The page is larger than 2 MB.")
    assert sent < 16 << 20


def test_a_page_that_says_that_it_is_too_large_is_not_read(web: Web) -> None:
    web.pages["kites.example/privacy"] = page(b"x", Content_Length=str(10 << 30))
    assert refusal(web.fetch).reason == Reason.TOO_LARGE


def test_a_small_body_that_unpacks_to_a_large_one_is_left_at_the_limit(web: Web) -> None:
    web.pages["kites.example/privacy"] = page(gzip.compress(bytes(64 << 20)), Content_Encoding="gzip")
    assert refusal(lambda: web.fetch(bytes=1 << 20)).reason == Reason.TOO_LARGE


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "compress"])
def test_a_packing_that_was_not_asked_for_is_refused(web: Web, encoding: str) -> None:
    web.pages["kites.example/privacy"] = page(PAGE, Content_Encoding=encoding)
    assert "not asked for" in str(refusal(web.fetch))


def test_damaged_packing_is_refused(web: Web) -> None:
    web.pages["kites.example/privacy"] = page(b"\x1f\x8bnonsense, not gzip", Content_Encoding="gzip")
    assert "broke off" in str(refusal(web.fetch))


# --- what is known already --------------------------------------------------------------------------------------------


def test_a_page_is_not_sent_again_where_its_site_knows_the_state_that_was_read(web: Web) -> None:
    web.pages["kites.example/privacy"] = stateful(PAGE, '"v1"')
    first = web.fetch()
    known = Known(first.final_url, first.etag, first.last_modified)
    assert (first.etag, first.body) == ('"v1"', PAGE)
    assert fetch_changed("http://kites.example/privacy", known, network=web.network) is None
    web.pages["kites.example/privacy"] = stateful(b"<html>new", '"v2"')
    changed = fetch_changed("http://kites.example/privacy", known, network=web.network)
    assert changed is not None
    assert (changed.etag, changed.body) == ('"v2"', b"<html>new")


def test_only_the_page_that_was_read_is_told_what_is_known(web: Web) -> None:
    web.pages["kites.example/privacy"] = to("http://other.example/privacy")
    web.pages["other.example/privacy"] = stateful(PAGE, '"v1"')
    known = Known("http://other.example/privacy", '"v1"', "Sun, 06 Nov 1994 08:49:37 GMT")
    assert fetch_changed("http://kites.example/privacy", known, network=web.network) is None
    told = [dict(zip(web.asked, web.headers, strict=True))[each].get("If-None-Match") for each in web.read]
    assert told == [None, '"v1"']
    assert web.headers[-1]["If-Modified-Since"] == "Sun, 06 Nov 1994 08:49:37 GMT"


def test_a_site_that_says_unchanged_without_having_been_asked_gives_no_page(web: Web) -> None:
    web.pages["kites.example/privacy"] = page(b"", status=304)
    assert "(304)" in str(refusal(web.fetch))


@pytest.mark.parametrize("etag", ["x" * 501, "\xe9", ""])
def test_a_state_that_cannot_be_sent_back_without_harm_is_not_kept(web: Web, etag: str) -> None:
    web.pages["kites.example/privacy"] = page(ETag=etag)
    assert web.fetch().etag is None


@pytest.mark.parametrize(
    ("status", "after", "says"),
    [
        (429, "120", "2 minutes"),
        (503, "90000", "25 hours"),
        (429, "45", "45 seconds"),
        (503, "Fri, 31 Dec 9999 23:59:59 GMT", "30 days"),
    ],
)
def test_a_site_that_says_when_to_come_back_is_heard(web: Web, status: int, after: str, says: str) -> None:
    web.pages["kites.example/privacy"] = page(status=status, Retry_After=after)
    later = refusal(web.fetch)
    assert isinstance(later, Later)
    assert str(later) == f"The site asks to be left alone for {says} ({status})."


@pytest.mark.parametrize("after", ["", "0", "-5", "soon", "Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 99 Nov 9999 1 2 3"])
def test_a_time_that_is_none_or_over_is_no_reason_to_wait(web: Web, after: str) -> None:
    web.pages["kites.example/privacy"] = page(status=503, Retry_After=after)
    assert not isinstance(refusal(web.fetch), Later)


# --- what is no page --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("media_type", ["application/pdf", "image/png", "application/json", "text/html2", "", "<b>/x"])
def test_what_is_no_text_is_refused(web: Web, media_type: str) -> None:
    web.pages["kites.example/privacy"] = page(media_type=media_type)
    refused = refusal(web.fetch)
    assert refused.reason == Reason.UNSUPPORTED_FORMAT
    assert str(refused).endswith("Open it, copy its text and paste it.")
    assert "<b>" not in str(refused)


@pytest.mark.parametrize(
    "media_type", ["text/plain", 'TEXT/HTML;charset="ISO-8859-1"', "application/xhtml+xml", "text/markdown"]
)
def test_pages_and_texts_are_taken(web: Web, media_type: str) -> None:
    web.pages["kites.example/privacy"] = page(media_type=media_type)
    found = web.fetch()
    assert found.media_type == media_type.lower().partition(";")[0]
    assert found.charset == ("iso-8859-1" if "charset" in media_type else None)


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (404, "no page at this address"),
        (410, "no page"),
        (403, "to programs"),
        (451, "to programs"),
        (503, "(503)"),
        (206, "(206)"),
    ],
)
def test_what_the_site_does_not_give_out_is_said_in_words(web: Web, status: int, says: str) -> None:
    web.pages["kites.example/privacy"] = page(status=status)
    assert says in str(refusal(web.fetch))


def test_a_site_that_breaks_off_is_refused_with_what_to_do(web: Web) -> None:
    web.pages["kites.example/privacy"] = lambda request: request.connection.shutdown(socket.SHUT_RDWR)
    assert "broke off" in str(refusal(web.fetch))
    web.pages["kites.example/privacy"] = page(PAGE[:50], Content_Length="5000")
    assert "broke off" in str(refusal(web.fetch))


def test_a_name_that_means_nothing_and_a_port_that_nobody_listens_on_are_told_apart() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    nobody = Network(lambda *_: [("127.0.0.1", port)], lambda _: True)
    assert "cannot be reached" in str(refusal(lambda: fetch("http://kites.example/", network=nobody)))
    nothing = Network(lambda *_: [])
    assert "no site of this name" in str(refusal(lambda: fetch("http://kites.example/", network=nothing)))


# --- robots.txt -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "allowed"),
    [
        (page(b"User-agent: *\nDisallow: /privacy", "text/plain"), False),
        (page(b"User-agent: fineprint\nDisallow: /", "text/plain"), False),
        (page(b"User-agent: *\nDisallow: /\n\nUser-agent: fineprint\nDisallow:", "text/plain"), True),
        (page(b"User-agent: other\nDisallow: /", "text/plain"), True),
        (page(b"\xff\xfe\x00 nonsense \n\n:::", "text/plain"), True),
        (page(gzip.compress(b"User-agent: *\nDisallow: /"), "text/plain", Content_Encoding="gzip"), False),
        (page(b"#" * (1 << 20), "text/plain"), True),
        (page(status=401), False),
        (page(status=403), False),
        (page(status=404), True),
        (page(status=500), True),
        (to("http://127.0.0.1/robots.txt"), True),
        (to("/rules.txt"), False),
    ],
)  # fmt: skip
def test_robots_txt_is_honoured(web: Web, answer: Answering, allowed: bool) -> None:
    web.pages["kites.example/robots.txt"] = answer
    web.pages["kites.example/rules.txt"] = page(b"User-agent: *\nDisallow: /", "text/plain")
    if allowed:
        assert web.fetch().body == PAGE
    else:
        assert "robots.txt" in str(refusal(web.fetch))
        assert "kites.example/privacy" not in web.asked


def test_the_robots_txt_of_every_site_on_the_way_is_asked_once(web: Web) -> None:
    web.pages["kites.example/privacy"] = to("/two")
    web.pages["kites.example/two"] = to("http://other.example/three")
    web.pages["other.example/three"] = page()
    web.pages["other.example/robots.txt"] = page(b"User-agent: *\nDisallow: /", "text/plain")
    assert "robots.txt" in str(refusal(web.fetch))
    assert web.asked.count("kites.example/robots.txt") == 1
    assert "other.example/three" not in web.asked


# --- TLS --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not (openssl := shutil.which("openssl")):
        pytest.skip("there is no openssl on this machine")
    file = tmp_path_factory.mktemp("tls") / "both.pem"
    names = "subjectAltName=DNS:kites.example"
    made = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    subprocess.run(
        [*made, "-subj", "/CN=kites.example", "-addext", names, "-keyout", str(file), "-out", f"{file}.crt"],
        check=True,
        capture_output=True,
    )
    file.write_text(file.read_text() + Path(f"{file}.crt").read_text())
    return file


def test_https_connects_to_the_judged_address_and_verifies_the_name(certificate: Path) -> None:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate)
    trusting = ssl.create_default_context(cafile=f"{certificate}.crt")
    with serving(server) as web:
        web.pages["kites.example/privacy"] = web.pages["other.example/privacy"] = page()
        network = Network(web.resolve, lambda _: True, trusting)
        assert fetch("kites.example/privacy", network=network).final_url == "https://kites.example/privacy"
        wrong_name = refusal(lambda: fetch("https://other.example/privacy", network=network))
        untrusted = refusal(lambda: web.fetch("https://kites.example/privacy"))
    assert "certificate is not valid" in str(wrong_name)
    assert "certificate is not valid" in str(untrusted)
    assert web.read == ["kites.example/privacy"]
