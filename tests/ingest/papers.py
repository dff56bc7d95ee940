"""Small PDFs and Word documents for the tests of ingest, written by hand: nothing else could make the bad ones."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 612, 792
LEFT, TOP = 72, 72
PITCH = 14.0


@dataclass(frozen=True)
class Word:
    """A line of letters at a place, from the page's upper left corner."""

    text: str
    x: float = LEFT
    y: float = TOP
    size: float = 11
    bold: bool = False
    mark: tuple[str, int] | None = None


def column(
    lines: Sequence[str], *, x: float = LEFT, y: float = TOP, size: float = 11, bold: bool = False, pitch: float = PITCH
) -> list[Word]:
    """Lines below one another; "" leaves a gap."""
    return [Word(line, x, y + n * pitch, size, bold) for n, line in enumerate(lines) if line]


def content(words: Sequence[Word], drawing: str = "") -> bytes:
    """What draws a page."""
    out = [drawing.encode()]
    for word in words:
        text = word.text.encode("cp1252").replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")
        shown = b"BT /F%d %g Tf %g %g Td (%s) Tj ET" % (
            2 if word.bold else 1, word.size, word.x, HEIGHT - word.y, text,
        )  # fmt: skip
        if word.mark:
            shown = b"/%s <</MCID %d>> BDC %s EMC" % (word.mark[0].encode(), word.mark[1], shown)
        out.append(shown)
    return b"\n".join(out)


def pdf(
    pages: Sequence[Sequence[Word]],
    *,
    drawing: str = "",
    title: str = "",
    extra: Sequence[bytes] = (),
    root: str = "",
    trailer: str = "",
    streams: Sequence[bytes] | None = None,
) -> bytes:
    """A PDF of pages with words.

    Args:
        pages: the words of each.
        drawing: operators that every page begins with.
        title: the document's.
        extra: further objects, the first of which is number 5.
        root: further entries of the catalogue.
        trailer: further entries of the trailer.
        streams: what draws the pages, instead of words; deflated.
    """
    fonts = "<</F1 <</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>"
    fonts += "/F2 <</Type/Font/Subtype/Type1/BaseFont/Helvetica-Bold/Encoding/WinAnsiEncoding>>>>"
    drawn = [zlib.compress(content(words, drawing)) for words in pages] if streams is None else list(streams)
    first = 5 + len(extra)
    kids = " ".join(f"{first + 2 * n} 0 R" for n in range(len(drawn)))
    objects = [
        f"<</Type/Catalog/Pages 2 0 R{root}>>".encode(),
        f"<</Type/Pages/Count {len(drawn)}/Kids[{kids}]/MediaBox[0 0 {WIDTH} {HEIGHT}]>>".encode(),
        fonts.encode(),
        f"<</Title({title})>>".encode(),
        *extra,
    ]
    for n, stream in enumerate(drawn):
        page = f"<</Type/Page/Parent 2 0 R/Resources<</Font 3 0 R>>/Contents {first + 2 * n + 1} 0 R>>"
        objects.append(page.encode())
        objects.append(b"<</Filter/FlateDecode/Length %d>>stream\n%s\nendstream" % (len(stream), stream))
    out = io.BytesIO()
    out.write(b"%PDF-1.7\n")
    places = []
    for n, each in enumerate(objects, start=1):
        places.append(out.tell())
        out.write(b"%d 0 obj\n%s\nendobj\n" % (n, each))
    table = out.tell()
    out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
    out.write(b"".join(b"%010d 00000 n \n" % place for place in places))
    out.write(
        f"trailer <</Size {len(objects) + 1}/Root 1 0 R/Info 4 0 R{trailer}>>\nstartxref\n{table}\n%%EOF".encode()
    )
    return out.getvalue()


def ruled(columns: Sequence[float], rows: Sequence[float]) -> str:
    """The lines of a table, as operators."""
    across = [f"{columns[0]} {HEIGHT - y} m {columns[-1]} {HEIGHT - y} l S" for y in rows]
    down = [f"{x} {HEIGHT - rows[0]} m {x} {HEIGHT - rows[-1]} l S" for x in columns]
    return "\n".join((*across, *down))


# --- Word -------------------------------------------------------------------------------------------------------------

_SPACES = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_DOCUMENT = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"
_TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/></Types>'
)
_STYLES = "".join(
    f'<w:style w:type="paragraph" w:styleId="{key}"><w:name w:val="{name}"/></w:style>'
    for key, name in (("Title", "Title"), ("Heading1", "heading 1"), ("Heading2", "heading 2"), ("TOC1", "toc 1"))
)
_NUMBERING = (
    '<w:abstractNum w:abstractNumId="0"><w:lvl w:ilvl="0"><w:numFmt w:val="bullet"/></w:lvl></w:abstractNum>'
    '<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>'
)


def paragraph(text: str, style: str = "", *, item: bool = False, bold: bool = False) -> str:
    """A paragraph of a Word document."""
    about = f'<w:pStyle w:val="{style}"/>' if style else ""
    about += '<w:numPr><w:ilvl w:val="0"/><w:numId w:val="1"/></w:numPr>' if item else ""
    run = f"<w:r>{'<w:rPr><w:b/></w:rPr>' if bold else ''}<w:t>{escape(text)}</w:t></w:r>"
    return f"<w:p><w:pPr>{about}</w:pPr>{run}</w:p>"


def table(rows: Sequence[Sequence[str]]) -> str:
    """A table of a Word document."""
    cells = ("".join(f"<w:tc>{paragraph(cell)}</w:tc>" for cell in row) for row in rows)
    return "<w:tbl>" + "".join(f"<w:tr>{row}</w:tr>" for row in cells) + "</w:tbl>"


def docx(body: str, **members: bytes) -> bytes:
    """A Word document with this body."""
    out = io.BytesIO()
    parts = {
        "[Content_Types].xml": _TYPES,
        "_rels/.rels": f'<Relationships xmlns="{_RELATIONS}"><Relationship Id="r1" Type="{_DOCUMENT}" '
        'Target="word/document.xml"/></Relationships>',
        "word/document.xml": f"<w:document {_SPACES}><w:body>{body}</w:body></w:document>",
        "word/styles.xml": f"<w:styles {_SPACES}>{_STYLES}</w:styles>",
        "word/numbering.xml": f"<w:numbering {_SPACES}>{_NUMBERING}</w:numbering>",
    }
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in {**parts, **members}.items():
            archive.writestr(name, text)
    return out.getvalue()
