from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ingest.apart import read_apart
from ingest.blocks import Kind, scan
from ingest.parsing import Hints, parse
from ingest.screening import Reason
from ingest.sources import Source
from ingest.webpage import decoded, is_page, page_text
from qa.errors import PolicyRefused

INTRO = "<p>Zephyr Kites (“we”) respects your privacy. We collect personal information when you order from us.</p>"
FOLDED = (
    "We keep personal information about your orders for twelve months after the last of them, because tax law wants it "
    "so and because you may ask us about what you bought from us."
)
FILLER = "<p>" + "We use the information that we collect about you to deliver what you have ordered. " * 12 + "</p>"


def text_of(body: str, title: str = "") -> str:
    """What is read of a page, without the filler that makes it long enough to be one."""
    return (
        page_text(f"<!doctype html><title>{title}</title><body>{body}{FILLER}")
        .rpartition("We use the info")[0]
        .partition("We use the information that")[0]
        .strip()
    )


def blocks_of(text: str) -> list[tuple[str, str]]:
    return [(str(block.kind), block.span.of(text)) for block in scan(text)]


# --- pages of many kinds ----------------------------------------------------------------------------------------------


def test_an_accordion_is_read_folded_or_not() -> None:
    text = text_of(
        f"<h1>Privacy</h1>{INTRO}<details><summary>What we keep</summary><p>{FOLDED}</p></details>"
        f'<h3><button aria-expanded="false" aria-controls="p2">What we share</button></h3>'
        f'<div id="p2" class="panel" hidden aria-hidden="true"><p>{FOLDED}</p></div>'
        f'<div role="tabpanel" style="display: none"><p>{FOLDED}</p></div><div hidden>Loading…</div>'
    )
    assert text.count(FOLDED) == 3
    assert "Loading" not in text
    headings = [words for kind, words in blocks_of(text) if kind == Kind.HEADING]
    assert headings == ["Privacy", "What we keep", "What we share"]


def test_a_table_of_data_keeps_rows_and_columns() -> None:
    text = text_of(
        "<table><caption>What we collect</caption><thead><tr><th>Category</th><th>Shared with</th></tr></thead><tbody>"
        "<tr><td>E-mail | address</td><td><ul><li>couriers</li><li>banks</li></ul></td></tr>"
        "<tr><td>Cookies<br>and pixels</td><td>nobody</td></tr></tbody></table>"
    )
    assert text == (
        "### What we collect\n\n| Category | Shared with |\n| --- | --- |\n| E-mail \\| address | couriers • banks |\n"
        "| Cookies and pixels | nobody |"
    )


def test_a_table_that_lays_out_a_page_is_read_as_the_page_it_holds() -> None:
    text = text_of(
        '<table width="760"><tr><td class="menu"><a href="/">Home</a><br><a href="/shop">Our shop</a></td>'
        f"<td><h1>Privacy</h1>{INTRO}<table><tr><td>Only one cell.</td></tr></table></td></tr></table>"
    )
    assert "|" not in text
    assert text.startswith("# Privacy\n\nZephyr Kites (“we”)")
    assert text.endswith("Only one cell.")


def test_text_in_nothing_but_divs_is_cut_where_a_reader_sees_it_cut() -> None:
    text = text_of("<div>One.<div>Two <span>and</span> a half.</div>Three.<section>Four.</section></div>")
    assert text == "One.\n\nTwo and a half.\n\nThree.\n\nFour."


def test_two_breaks_end_a_paragraph_and_one_a_line() -> None:
    text = text_of("We collect names.<br>We share none.<br/> <br>\n<br>Write to:<br>Zephyr Kites<br>1 Hill Road")
    assert text == "We collect names.  \nWe share none.\n\nWrite to:  \nZephyr Kites  \n1 Hill Road"


def test_formatting_inside_words_does_not_cut_them() -> None:
    text = text_of(
        "<p><b>W</b>e col<i>lect</i> <a href='/x'>your data</a>, e<wbr>-mail and pass<span>word</span>s<sup>1</sup>."
    )
    assert text == "We collect your data, e-mail and passwords1."


def test_characters_are_what_the_page_shows_and_none_becomes_a_mark() -> None:
    text = text_of(
        "<p>5 &lt; 6 &amp; 7 &gt; 2&nbsp;&nbsp;&copy; &eacute; &#8217; &lt;b&gt; *not bold* &amp;lt; `x`</p>"
        "<p># no heading</p>"
    )
    assert text == "5 < 6 & 7 > 2 © é ’ \\<b> \\*not bold\\* &amp;lt; \\`x\\`\n\n\\# no heading"


@pytest.mark.parametrize(("start", "first"), [("4", 4), ("0", 0), ("x", 1), ("-3", 1), ("٣", 1)])
def test_a_list_begins_with_the_number_that_the_page_gives(start: str, first: int) -> None:
    assert page_text(f"<ol start={start}><li>names<li>towns</ol>") == f"{first}. names\n{first + 1}. towns\n"


def test_lists_keep_their_depth_their_numbers_and_their_paragraphs() -> None:
    text = text_of(
        "We share:<ul><li>names<li><p>addresses:</p><ol><li>street<li>town</ol><p>and more</p><li>nothing else</ul>"
        "<dl><dt>Personal data<dd>Whatever is about you.</dl>"
    )
    assert text == (
        "We share:\n\n- names\n- addresses:\n  1. street\n  2. town\n\n  and more\n- nothing else\n\n"
        "**Personal data**\n\nWhatever is about you."
    )
    assert [kind for kind, _ in blocks_of(text)].count("item") == 5


def test_menus_banners_and_what_stands_around_the_text_are_left_out() -> None:
    text = text_of(
        '<a class="skip-link" href="#main">Skip to content</a>'
        '<header><p>Free shipping</p><nav><ul><li><a href="/">Home</a></li></ul></nav></header>'
        '<div id="onetrust-banner-sdk" role="dialog"><p>We use cookies.</p><button>Accept</button></div>'
        '<div class="cookie-notice"><p>This site uses cookies.</p><button>OK</button></div>'
        '<div class="site-menu"><a href="/a">Kites</a> <a href="/b">Strings</a></div>'
        f'<main id="main"><header><h1>Privacy</h1></header>{INTRO}<section id="cookie-notice"><h2>Cookies</h2><p>We '
        "set "
        "cookies to remember your cart.</p></section><footer>Last updated in May.</footer></main>"
        '<aside><a href="/c">Read next: a kite for you</a></aside>'
        '<footer><a href="/jobs">Jobs</a><p>© 2024 Zephyr</p></footer><button>Buy now</button>'
        "<script>var tracked = 1</script><style>p{}</style><template><p>never</p></template>"
        '<iframe src="/ad">frame</iframe><noscript>Please switch on scripts.</noscript><!-- a comment -->'
    )
    assert text == (
        "# Privacy\n\nZephyr Kites (“we”) respects your privacy. We collect personal information when you order "
        "from us.\n\n## Cookies\n\nWe set cookies to remember your cart.\n\nLast updated in May."
    )


def test_a_page_that_is_all_header_to_its_author_is_read_all_the_same() -> None:
    text = page_text(f"<body><header><nav><h1>Privacy</h1>{INTRO}{FOLDED}")
    assert FOLDED in text


def test_bold_lines_are_headings_and_bold_words_are_not() -> None:
    text = text_of(f"<p><strong>Sharing</strong></p><p>We <b>never</b> sell.</p>{INTRO}")
    assert text.startswith("**Sharing**\n\nWe never sell.")
    assert blocks_of(text)[0] == ("heading", "Sharing")


def test_a_huge_drawing_leaves_no_trace() -> None:
    drawing = "<svg><title>Logo</title>" + "<g><path d='M0 0'/><text>kite</text></g>" * 20_000 + "</svg>"
    assert text_of(f"<h1>{drawing} Privacy</h1>{INTRO}").startswith("# Privacy\n\nZephyr")


def test_the_title_leads_where_it_says_more_than_the_heading() -> None:
    assert text_of(f"<h1>Privacy Policy</h1>{INTRO}", "Privacy Policy | Zephyr").startswith(
        "# Privacy Policy | Zephyr\n\n# Privacy"
    )
    assert text_of(f"<h1>Zephyr: Privacy Policy</h1>{INTRO}", "Privacy policy").startswith(
        "# Zephyr: Privacy Policy\n\nZephyr"
    )


def test_a_page_of_scripts_only_says_what_to_do() -> None:
    with pytest.raises(PolicyRefused, match=r"a script puts it there\. Open it, copy its text") as refusal:
        page_text(
            "<body><div id=root></div><noscript>Please switch on scripts.</noscript><script src=/app.js></script>"
        )
    assert refusal.value.reason == Reason.SCRIPT


@pytest.mark.parametrize("html", ["", " ", "<frameset><frame src=a></frameset>", "<!doctype html>", "\x00"])
def test_a_page_without_text_is_empty(html: str) -> None:
    assert page_text(html) == ""


# --- characters -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "charset", "text"),
    [
        ("“café”".encode(), None, "“café”"),
        ("“café”".encode(), "iso-8859-1", "“café”"),  # declared wrongly: it can only be UTF-8
        ("“café”".encode("cp1252"), "utf-8", "“café”"),
        ("“café”".encode("cp1252"), "iso-8859-1", "“café”"),
        ("“café”".encode("utf-8-sig"), "cp1252", "“café”"),
        ("“café”".encode("utf-16"), None, "“café”"),
        ("кафе".encode("koi8-r"), "koi8-r", "кафе"),
        (b'<meta charset="windows-1251">' + "кафе".encode("cp1251"), None, '<meta charset="windows-1251">кафе'),
        ("“café” ".encode() * 9 + b"\xff", None, "“café” " * 9 + "\ufffd"),
        (b"caf\xe9", "utf-7", "café"),
        (b"caf\xe9", "no such thing", "café"),
    ],
)
def test_what_is_declared_is_believed_only_where_it_can_be_true(data: bytes, charset: str | None, text: str) -> None:
    assert decoded(data, charset) == text


@pytest.mark.parametrize(
    ("data", "page"),
    [
        (b"<!DOCTYPE html><p>x", True),
        (b"\xef\xbb\xbf\n<html lang=en>", True),
        (b"<!-- saved --> <!-- twice --><HTML>", True),
        (b'<?xml version="1.0"?><!DOCTYPE html PUBLIC "x">', True),
        (b"<body class=x>", True),
        (b"We <b>love</b> html", False),
        (b"# <html> in Markdown", False),
        (b"<!--" * 900, False),
        (b"", False),
    ],
)  # fmt: skip
def test_a_page_is_known_by_how_it_begins(data: bytes, page: bool) -> None:
    assert is_page(data) is page


# --- as a policy ------------------------------------------------------------------------------------------------------

PAGE = (
    f"<!doctype html><title>Privacy Policy | Zephyr Kites</title><body><h1>Privacy Policy</h1>{INTRO}{FILLER}"
    "<h2>Sharing</h2><p>We never sell your personal information to anybody.</p>"
).encode()


def test_a_page_is_read_like_any_policy_and_offsets_refer_to_its_text() -> None:
    read = read_apart(Source("x.html", PAGE, ".html"), Hints(domain="zephyrkites.example"), max_chars=100_000)
    assert read.policy.company == "Zephyr Kites"
    assert read.policy.text == parse(Source("x.html", PAGE, ".html"), Hints(domain="zephyrkites.example")).text
    sentences = [read.policy.text[s.start : s.end] for p in read.passages for s in p.sentences]
    assert "We never sell your personal information to anybody." in sentences
    assert [p.section for p in read.passages][-1][-1] == "Sharing"


def test_a_page_in_a_folder_is_ingested(tmp_path: Path) -> None:
    from ingest.sources import find_sources

    (tmp_path / "zephyr.example__2024-05-01.html").write_bytes(PAGE)
    (found,) = find_sources([tmp_path])
    assert isinstance(found, Source)
    assert parse(found).id == "zephyr.example@2024-05-01"


# --- pages made to do harm --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 10_000 + "deep" + "</div>" * 10_000,
        "<ul><li>" * 3_000 + "deep",
        "<span>x </span>" * 100_000,
        "<table><tr><td>" * 2_000 + "deep",
        "<p>" * 200_000,
        "<b>" * 3_000 + "deep",
        "&nbsp;" * 300_000,
        "<!--" * 200_000,
        "<a " + "x=1 " * 100_000 + ">deep",
        "\n<br>" * 100_000,
    ],
    ids=range(10),
)
def test_a_page_made_to_keep_a_reader_busy_takes_no_longer_than_others(html: str) -> None:
    began = time.process_time()
    page_text(html)
    assert time.process_time() - began < 10


@pytest.mark.slow
def test_what_takes_too_long_all_the_same_is_ended() -> None:
    source = Source("x.html", b"<div>" * 600_000, ".html")
    began = time.monotonic()
    with pytest.raises(PolicyRefused, match=r"takes too long|needs more"):
        read_apart(source, Hints(), max_chars=100_000, seconds=3)
    assert time.monotonic() - began < 10


TAGS = st.sampled_from("p div ul li table tr td th h2 b a br details summary nav dl dt dd pre svg".split())
NODES = st.recursive(
    st.text(alphabet="ab <>&*|`#-\n_[]", max_size=8),
    lambda inside: st.tuples(TAGS, st.booleans(), st.lists(inside, max_size=4)).map(
        lambda node: f"<{node[0]}>{''.join(node[2])}" + ("" if node[1] else f"</{node[0]}>")
    ),
    max_leaves=30,
)


@example(html="<p><tr><</tr><b>a</b></p>")
@given(NODES)
def test_any_page_gives_the_same_text_twice_and_no_tag_of_its_own(html: str) -> None:
    text = page_text(html)
    assert text == page_text(html)
    assert not re.search(r"(?<!\\)<(?:[A-Za-z/!])", text)
    assert not re.search(r"\n{3}", text)
    assert scan(text) is not None
