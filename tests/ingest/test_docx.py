from __future__ import annotations

import io
import sys
import zipfile

import pytest

from ingest.apart import read_apart
from ingest.docx import docx_text
from ingest.origin import Source
from ingest.parsing import Hints
from qa.errors import PolicyRefused
from tests.ingest.papers import docx, paragraph, table

SPACE = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def refusal(data: bytes) -> PolicyRefused:
    with pytest.raises(PolicyRefused) as refused:
        docx_text(data)
    return refused.value


def test_a_word_document_reads_like_a_page() -> None:
    body = (
        paragraph("Acme Tools", "Title"),
        paragraph("Sharing ............ 2", "TOC1"),
        paragraph("Sharing", "Heading2"),
        paragraph("We share <some> of your data & no more, with:"),
        paragraph("carriers", item=True),
        paragraph("banks", item=True),
        paragraph("In short", bold=True),
        table([("Data", "Shared"), ("E-mail", "no | never")]),
    )
    assert docx_text(docx("".join(body)))[0] == (
        "# Acme Tools\n\n## Sharing\n\nWe share \\<some> of your data & no more, with:\n\n- carriers\n- banks\n\n"
        "**In short**\n\n| Data | Shared |\n| --- | --- |\n| E-mail | no \\| never |\n"
    )


def test_a_word_document_is_read_apart_like_any_policy() -> None:
    sentence = "We share your personal information with the companies that deliver what you have ordered from us. "
    source = Source("acme.example__2020-02-03.docx", docx(paragraph(sentence * 8)), ".docx")
    policy = read_apart(source, Hints(), max_chars=10_000, placed=True).policy
    assert policy.id == "acme.example@2020-02-03"
    assert sentence.strip() in policy.text


def archive(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in members.items():
            packed.writestr(name, data)
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "reason", "said"),
    [
        (b"", "unreadable", "damaged"),
        (docx(paragraph("x"))[:300], "unreadable", "damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "unsupported_format", "old kind, or has a password"),
        (archive(**{"a.md": b"x"}), "unreadable", "not a Word document"),
        (docx("", **{"word/document.xml": b"<w:document>"}), "unreadable", "damaged"),
        (docx("", **{"word/document.xml": bytes(40_000_000)}), "too_large", "40,00"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line(data: bytes, reason: str, said: str) -> None:
    refused = refusal(data)
    assert refused.reason == reason
    assert said in str(refused)
    assert "\n" not in str(refused)


def test_entities_reach_no_file() -> None:
    fetches = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
    body = f"{fetches}<w:document {SPACE}><w:body><w:p><w:r><w:t>We share &a;.</w:t></w:r></w:p></w:body></w:document>"
    text, _ = docx_text(docx("", **{"word/document.xml": body.encode()}))
    assert text == "We share .\n"


def test_what_to_install_is_said_where_the_library_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mammoth", None)
    refused = refusal(docx(paragraph("x")))
    assert refused.reason == "unsupported_format"
    assert "pip install 'fineprint[docx]'" in str(refused)
