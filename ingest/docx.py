"""A Word document → the text that its readers read: as HTML by mammoth, and that as any page (``ingest.webpage``).

A document is an archive of XML and can be made to need any time and memory; so those of others are read in a process
that can be ended (``ingest.apart``), and what would unpack to too much is not unpacked.
"""

from __future__ import annotations

import io
import zipfile
from typing import Final

from ingest.screening import Reason
from ingest.webpage import page_text
from qa.errors import PolicyRefused

__all__ = ["SUFFIXES", "docx_text"]

SUFFIXES: Final = (".docx",)

MOST_BYTES: Final = 32 * 1024 * 1024
"""Of XML, unpacked; the text of a long policy has one million."""

_OLD: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_TEXT: Final = "word/document.xml"
_MOST_MEMBERS: Final = 5_000
_STYLES: Final = "\n".join(
    (
        "p[style-name='Title'] => h1:fresh",
        *(f"p[style-name='{name} {n}'] => h6:fresh" for name in ("Heading", "heading") for n in (7, 8, 9)),
        # The table of contents says again what the headings say.
        "p[style-name='TOC Heading'] => !",
        *(f"p[style-name='{name} {n}'] => !" for name in ("TOC", "toc") for n in range(1, 10)),
    )
)


def docx_text(data: bytes) -> tuple[str, tuple[str, ...]]:
    """The text of a Word document, and what a reader of it should be warned about.

    Raises:
        PolicyRefused: it cannot be opened, is damaged or too large.
    """
    try:
        import mammoth
    except ImportError:
        message = "Reading DOCX needs a package: pip install 'fineprint[docx]'."
        raise PolicyRefused(Reason.UNSUPPORTED_FORMAT, message) from None
    _require_sound(data)
    try:
        html = mammoth.convert_to_html(
            io.BytesIO(data),
            style_map=_STYLES,
            include_embedded_style_map=False,
            convert_image=mammoth.images.img_element(lambda _image: {}),
        ).value
    except (MemoryError, RecursionError):
        raise
    except Exception:  # a damaged file may break the parser anywhere
        raise PolicyRefused(Reason.UNREADABLE, _DAMAGED) from None
    return page_text(f"<html><body>{html}</body></html>"), ()


_DAMAGED: Final = "The Word document is damaged: open it and save it anew, or save it as text."


def _require_sound(data: bytes) -> None:
    """Refuses what is no Word document, and what would unpack to too much."""
    if data.startswith(_OLD):
        message = "It is a Word document of the old kind, or has a password: save it as .docx without one."
        raise PolicyRefused(Reason.UNSUPPORTED_FORMAT, message)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        raise PolicyRefused(Reason.UNREADABLE, _DAMAGED) from None
    if _TEXT not in {member.filename for member in members}:
        raise PolicyRefused(Reason.UNREADABLE, "It is not a Word document, whatever its name says.")
    # Unpacking ends at the size that is stated here.
    size = sum(member.file_size for member in members if member.filename.endswith((".xml", ".rels")))
    if size > MOST_BYTES or len(members) > _MOST_MEMBERS:
        message = f"It unpacks to {size:,} bytes of text in {len(members):,} parts: no policy has so much."
        raise PolicyRefused(Reason.TOO_LARGE, message)
