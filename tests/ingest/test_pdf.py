from __future__ import annotations

import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from ingest.blocks import Kind, scan
from ingest.origin import Source
from ingest.parsing import form_of
from ingest.pdf import MOST_PAGES, pdf_text
from ingest.pipeline import ingest, manifest_of
from qa.encoders import HashingEncoder
from qa.errors import PolicyRefused
from qa.library import Library
from qa.settings import Settings
from qa.store import MemoryIndex
from tests.ingest.papers import HEIGHT, TOP, Word, column, pdf, ruled

POLICY = (
    "Acme Tools respects your privacy. This policy tells what we do",
    "with the personal information that we collect about you when",
    "you visit our web site, call us, or order anything from us.",
)
SHARING = (
    "We share your address with the companies that deliver what",
    "you have ordered, because they could not find you otherwise.",
    "We do not sell your personal information to third parties, and",
    "we do not rent our mailing list to anybody, whoever it may be.",
)


def text_of(*words: Word, **others: object) -> str:
    return pdf_text(pdf([words], **others))[0]  # type: ignore[arg-type]


def refusal(data: bytes) -> PolicyRefused:
    with pytest.raises(PolicyRefused) as refused:
        pdf_text(data)
    return refused.value


def test_lines_become_paragraphs_and_larger_letters_headings() -> None:
    text = text_of(
        Word("Acme Tools Privacy Policy", size=20),
        *column(POLICY, y=110),
        Word("Sharing", y=180, size=14),
        *column(SHARING, y=205),
        Word("Third parties", y=290, bold=True),
        *column(POLICY, y=315),
    )
    first, second = " ".join(POLICY), " ".join(SHARING)
    assert text == (
        f"# Acme Tools Privacy Policy\n\n{first}\n\n## Sharing\n\n{second}\n\n**Third parties**\n\n{first}\n"
    )
    assert [block.kind for block in scan(text)] == [
        Kind.HEADING, Kind.TEXT, Kind.HEADING, Kind.TEXT, Kind.HEADING, Kind.TEXT,
    ]  # fmt: skip


def test_words_parted_at_the_end_of_a_line_are_whole_again_and_compounds_keep_their_hyphen() -> None:
    text = text_of(
        *column(["We keep your personal infor-", "mation from every third-", "party, and opt-", "out is easy."])
    )
    assert text == "We keep your personal information from every third-party, and opt-out is easy.\n"


def test_bullets_become_items_by_depth_and_their_lines_are_joined() -> None:
    text = text_of(
        Word("We collect these and nothing else at all from our visitors:"),
        Word("•", x=80, y=90), Word("your name and what else you tell us when", x=95, y=90),
        Word("you order something from us", x=95, y=104),
        Word("-", x=100, y=118), Word("your first name", x=115, y=118),
        Word("•", x=80, y=132), Word("your address", x=95, y=132),
    )  # fmt: skip
    items = (
        "- your name and what else you tell us when you order something from us\n  - your first name\n- your address"
    )
    assert items in text


def test_bullets_that_are_drawn_count_as_well() -> None:
    dot = f"80 {HEIGHT - 92} 4 4 re f"
    assert text_of(Word("your name", x=95, y=94), drawing=dot) == "- your name\n"


def test_heads_feet_and_page_numbers_belong_to_the_pages() -> None:
    pages = [
        [
            Word("Acme Tools: Confidential", y=30, size=9),
            *column([f"This is what page {name} says of your data and of nothing else."], y=100),
            Word(f"{n} / 3", x=300, y=770, size=9),
            Word(f"As of 2024-01-0{n}", x=72, y=755, size=9),
        ]
        for n, name in enumerate(("one", "two", "three"), start=1)
    ]
    text, _ = pdf_text(pdf(pages))
    assert text.count("Acme Tools: Confidential") == 1  # it is nowhere else on the first page, so it serves as title
    assert "/ 3" not in text
    assert "As of" not in text
    assert [f"page {name}" in text for name in ("one", "two", "three")] == [True] * 3


def test_what_a_browser_prints_around_a_single_page_is_left_out_and_hours_in_the_text_are_not() -> None:
    text = text_of(
        Word("11/22/26, 5:28 AM Privacy Policy", y=20, size=8),
        *column(["Call us in the hours from 9:00 AM to 5:00 PM"], y=60),
        Word("https://acme.example/privacy 1/1", y=775, size=8),
    )
    assert text == "Call us in the hours from 9:00 AM to 5:00 PM\n"


def test_a_paragraph_goes_on_over_the_end_of_a_page() -> None:
    text, _ = pdf_text(pdf([column(SHARING[:3], y=700), [*column(SHARING[3:], y=60), *column(POLICY, y=120)]]))
    assert text == f"{' '.join(SHARING)}\n\n{' '.join(POLICY)}\n"


def test_columns_are_read_one_after_the_other_below_what_spans_them() -> None:
    left = [f"left {n} has words up to its right margin" for n in range(12)]
    right = [f"right {n} has words up to its own margin" for n in range(12)]
    text = text_of(
        Word("A heading of some length that stands above the both of them", size=18),
        *column(left, x=60, y=110, size=10),
        *column(right, x=320, y=110, size=10),
    )
    found = [text.index(each) for each in (*left, *right)]
    assert found == sorted(found)
    assert text.startswith("# A heading of some length")


def test_ruled_cells_become_a_table_that_goes_on_over_pages() -> None:
    grid = ruled((70, 200, 400), (80, 100, 140))
    head = [Word("Data", x=75, y=95), Word("Shared with", x=205, y=95)]
    first = [*head, Word("Name", x=75, y=115), Word("carriers | shops, so that", x=205, y=115)]
    second = [*head, Word("E-mail", x=75, y=115), Word("nobody", x=205, y=115)]
    text, _ = pdf_text(pdf([[*first, Word("they find you", x=205, y=130)], second], drawing=grid))
    rows = r"| Name | carriers \| shops, so that they find you |" + "\n| E-mail | nobody |"
    assert text == f"| Data | Shared with |\n| --- | --- |\n{rows}\n"


def test_a_row_that_the_end_of_a_page_parts_is_one_and_a_row_with_a_blank_is_its_own() -> None:
    grid = ruled((70, 200, 400), (80, 100, 120, 140))
    first = [Word("Data", x=75, y=95), Word("Kept for", x=205, y=95)]
    first += [Word("Age", x=75, y=115), Word("a year", x=205, y=115)]
    first += [Word("Your name", x=75, y=135), Word("ten years, and", x=205, y=135)]
    second = [Word("then deleted", x=205, y=95), Word("Your faith", x=75, y=115)]
    second += [Word("Your sex", x=75, y=135), Word("never", x=205, y=135)]
    text, _ = pdf_text(pdf([first, second], drawing=grid))
    rows = ("| Your name | ten years, and then deleted |", "| Your faith |  |", "| Your sex | never |")
    assert text.endswith("\n".join(("| Age | a year |", *rows)) + "\n")


def structure(*cells: str) -> list[bytes]:
    """A table of two columns whose cells are the stretches 0, 1, …, on the first page, which comes right behind."""
    page = 5 + 1 + len(cells) // 2 + len(cells)
    rows = [f"{6 + n} 0 R" for n in range(len(cells) // 2)]
    out = [f"<</S/Table/Pg {page} 0 R/K[{' '.join(rows)}]>>"]
    at = 6 + len(rows)
    out += [f"<</S/TR/K[{at + 2 * n} 0 R {at + 2 * n + 1} 0 R]>>" for n in range(len(rows))]
    out += [f"<</S/{kind}/K {n}>>" for n, kind in enumerate(cells)]
    return [each.encode() for each in out]


def test_the_cells_of_a_table_without_rules_are_told_by_the_documents_own_structure() -> None:
    words = [
        Word("Purpose", mark=("P", 0)), Word("Our lawful basis", x=200, mark=("P", 1)),
        Word("To deliver what", y=90, mark=("P", 2)), Word("you ordered", y=104, mark=("P", 2)),
        Word("We perform our", x=200, y=90, mark=("P", 3)), Word("contract with you", x=200, y=104, mark=("P", 3)),
    ]  # fmt: skip
    data = pdf([words], extra=structure("TH", "TH", "TD", "TD"), root="/StructTreeRoot<</K 5 0 R>>")
    row = "| To deliver what you ordered | We perform our contract with you |"
    assert pdf_text(data)[0] == f"| Purpose | Our lawful basis |\n| --- | --- |\n{row}\n"
    assert "|" not in pdf_text(pdf([words]))[0]


def test_headings_that_the_document_names_need_no_larger_letters() -> None:
    words = [Word("Sharing", mark=("H2", 0)), *column(SHARING, y=100)]
    tree = "/StructTreeRoot<</K[<</S/H2/Pg 5 0 R/K 0>>]>>"
    assert pdf_text(pdf([words], root=tree))[0] == f"## Sharing\n\n{' '.join(SHARING)}\n"
    named = [b"<</First 6 0 R/Last 6 0 R>>", b"<</Title(Sharing)/Dest 1>>"]
    assert pdf_text(pdf([words], extra=named, root="/Outlines 5 0 R"))[0].startswith("# Sharing\n")


def test_a_structure_that_makes_no_sense_does_no_harm() -> None:
    for tree in ("/StructTreeRoot 5", "/StructTreeRoot<</K[1 0 R 2 0 R (x) 7]/RoleMap 3>>"):
        assert pdf_text(pdf([column(POLICY)], root=tree))[0] == " ".join(POLICY) + "\n"


def test_letters_written_twice_in_bold_are_one_and_those_beyond_the_page_are_left_out_with_a_word() -> None:
    beyond = Word("nobody can read these words here", x=700)
    said = "What we share with all the others"
    text, warnings = pdf_text(pdf([[Word(said), Word(said, x=72.4), beyond]]))
    assert text == f"{said}\n"
    assert "27 of its letters stand sideways or beyond the edges" in warnings[0]


def test_letters_that_stand_sideways_are_no_empty_text() -> None:
    sideways = zlib.compress(b"BT /F1 11 Tf 0 1 -1 0 300 100 Tm (We share your data with third parties) Tj ET")
    data = pdf([], streams=[sideways])
    assert "sideways" in str(refusal(data))
    turned = data.replace(b"/Type/Page/Parent", b"/Type/Page/Rotate 90/Parent")
    assert pdf_text(turned)[0] == "We share your data with third parties\n"


def test_raised_letters_stay_in_their_line() -> None:
    text = text_of(Word("We keep data for the 1"), Word("st", x=182, y=68, size=7), Word("year only.", x=192))
    assert text == "We keep data for the 1st year only.\n"


def test_marks_of_markdown_mean_themselves() -> None:
    text = text_of(Word("# of visitors *and* <b>more</b>"))
    assert text == r"\# of visitors \*and\* \<b>more\</b>" + "\n"


@pytest.mark.parametrize(
    ("title", "said"),
    [("Acme Tools Privacy", True), ("policy_v3.docx", False), ("Microsoft Word - final", False), ("We share", False)],
)
def test_the_documents_title_leads_where_the_text_does_not_say_it(title: str, said: bool) -> None:
    text = text_of(*column(SHARING), title=title)
    assert text.startswith(f"# {title}\n\n") is said


def test_pages_that_are_pictures_are_refused_naming_ocr_and_told_where_others_have_text() -> None:
    image = zlib.compress(bytes(4))
    picture = b"<</Subtype/Image/Width 2/Height 2/BitsPerComponent 8/ColorSpace/DeviceGray"
    extra = [picture + b"/Filter/FlateDecode/Length %d>>stream\n%s\nendstream" % (len(image), image)]
    scan_of = pdf([[]], extra=extra, drawing="q 600 0 0 700 0 0 cm /X Do Q").replace(
        b"/Font 3 0 R>>", b"/Font 3 0 R/XObject<</X 5 0 R>>>>"
    )
    refused = refusal(scan_of)
    assert refused.reason == "scanned"
    assert "OCR" in str(refused)


@pytest.mark.parametrize(
    ("data", "reason", "said"),
    [
        (b"", "unreadable", "not a PDF"),
        (b"PK\x03\x04", "unreadable", "not a PDF"),
        (b"%PDF-1.7\n", "unreadable", "damaged"),
        (pdf([column(POLICY)])[:400], "unreadable", "damaged"),
        (pdf([]), "empty", "no pages"),
        (pdf([[]] * (MOST_PAGES + 1)), "too_large", "300 pages"),
        (pdf([], streams=[zlib.compress(bytes(9_000_000))]), "too_large", "9,000,000 bytes"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line(data: bytes, reason: str, said: str) -> None:
    refused = refusal(data)
    assert refused.reason == reason
    assert said in str(refused)
    assert "\n" not in str(refused)


def test_a_password_is_refused_as_such() -> None:
    lock = f"/Encrypt<</Filter/Standard/V 1/R 2/O({'x' * 32})/U({'y' * 32})/P -4>>/ID[(a)(b)]"
    assert refusal(pdf([column(POLICY)], trailer=lock)).reason == "encrypted"


def test_a_page_that_unpacks_to_gigabytes_is_more_than_its_process_may_have() -> None:
    packer = zlib.compressobj()
    blank = bytes(1 << 20)
    first = packer.compress(blank) + packer.flush(zlib.Z_FULL_FLUSH)
    again = packer.compress(blank) + packer.flush(zlib.Z_FULL_FLUSH)
    bomb = pdf([], streams=[first + again * 3_000 + packer.flush()])
    assert len(bomb) < 4_000_000
    look = (
        "import resource, sys, pdfplumber; from ingest.pdf import pdf_text\n"
        "resource.setrlimit(resource.RLIMIT_AS, (3 << 27, 3 << 27))\n"
        "try: pdf_text(sys.stdin.buffer.read())\n"
        "except MemoryError: print('bounded')"  # which ingest.apart says in words
    )
    assert (
        subprocess.run([sys.executable, "-c", look], input=bomb, capture_output=True, check=True).stdout == b"bounded\n"
    )


def test_what_to_install_is_said_where_the_library_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pdfplumber.pdf", None)
    refused = refusal(pdf([column(POLICY)]))
    assert refused.reason == "unsupported_format"
    assert "pip install 'fineprint[pdf]'" in str(refused)


def test_bytes_are_believed_before_a_name() -> None:
    assert form_of(Source("a.txt", b"%PDF-1.4 ...", ".txt")) == ".pdf"
    assert form_of(Source("a.pdf", b"<!doctype html><p>x", ".pdf")) == ".html"
    assert form_of(Source("a.html", b"PK\x03\x04", ".html")) == ".docx"
    assert form_of(Source("a.pdf", b"We share data.", ".pdf")) == ".pdf"


def test_a_pdf_is_ingested_as_any_policy(tmp_path: Path) -> None:
    settings = Settings(index=tmp_path / "index", cache=tmp_path / "cache")
    encoder = HashingEncoder()
    data = pdf([[Word("Acme Tools Privacy Policy", size=20), *column((*POLICY, *SHARING), y=TOP + 40)]])
    source = Source("acme.example__2020-02-03.pdf", data, ".pdf")
    with Library.open_for_writing(settings.index, manifest_of(encoder)) as library:
        report = ingest([source], library, MemoryIndex(), encoder, settings=settings)
        stored = library.read("acme.example@2020-02-03")
    assert (report.added, report.refused) == (1, ())
    assert stored.policy.company == "Acme"
    assert " ".join(SHARING) in stored.policy.text
