"""Bytes of a plain text → its characters: UTF-8, -16 and -32, with a mark or without, else the likeliest of 8 bits.

Policies are in English, so bytes beyond ASCII are few: quotation marks, dashes, bullets, and letters of names. That is
too little for detectors that know languages by their letters. What tells is whether each of these characters is one
that English has, where it has it: "don’t", not "donÕt".
"""

from __future__ import annotations

import codecs
import re
from typing import Final

from ingest.screening import Reason
from qa.errors import PolicyRefused

__all__ = ["SUFFIXES", "plain_text"]

SUFFIXES: Final = (".md", ".markdown", ".txt")

# UTF-32's mark begins with UTF-16's.
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_BY_ZEROS: Final = {
    (False, True): "utf-16-le",
    (True, False): "utf-16-be",
    (False, True, True, True): "utf-32-le",
    (True, True, True, False): "utf-32-be",
}
"""Where Latin letters have their zeros."""

_EIGHT_BITS: Final = {
    "cp1252": "Windows-1252",
    "mac_roman": "Mac Roman",
    "cp1250": "Windows-1250",
    "cp1254": "Windows-1254",
    "cp1257": "Windows-1257",
    "cp1251": "Windows-1251",
    "cp1253": "Windows-1253",
    "cp850": "DOS 850",
}
"""What texts of 8 bits may be in, the likeliest first."""

_MARKED: Final = frozenset("’‘“”–—…•·®©™§¶€£¢°«»½¼¾\u00a0\u00ad")
_RARE: Final = frozenset("ðþýÐÞÝ")  # where Windows-1252 has Icelandic letters, 1254 has Turkish ones
_FOREIGN: Final = re.compile(r"[^\x00-\x7f]")
_LOOKED_AT: Final = 5_000


def plain_text(data: bytes) -> tuple[str, tuple[str, ...]]:
    """The text with its line ends as LF, and a warning where some of its characters were guessed.

    Raises:
        PolicyRefused: it is no text in any of the encodings that are known here.
    """
    text, warning = _decoded(data)
    return text.replace("\r\n", "\n").replace("\r", "\n"), (warning,) if warning else ()


def _decoded(data: bytes) -> tuple[str, str]:
    """The text and a warning, "" where there is nothing to warn about."""
    encoding = next((encoding for mark, encoding in _MARKS if data.startswith(mark)), None) or _wide(data)
    if encoding:
        text = data.decode(encoding, "replace")
        lost = text.count("\ufffd") - data.decode(encoding, "ignore").count("\ufffd")
        if lost > len(text) / 20:
            raise PolicyRefused(
                Reason.NOT_TEXT, f"It is damaged: it begins like {encoding.upper()} and goes on otherwise."
            )
        return text, _lost(lost, encoding) if lost else ""
    try:
        return data.decode("utf-8"), ""
    except UnicodeDecodeError:
        pass
    # A stray byte or a letter cut in two does not make a text of UTF-8 another one.
    text = data.decode("utf-8", "replace")
    lost = text.count("\ufffd")
    if lost < len(_FOREIGN.findall(text)) / 4:
        return text, _lost(lost, "utf-8")
    return _guessed(data)


def _lost(count: int, encoding: str) -> str:
    name = encoding.removesuffix("-sig").upper()
    return f"Of its characters {count} could not be read; the others are {name}."


def _wide(data: bytes) -> str | None:
    """UTF-16 or -32 without a mark: in English nearly every letter then has zeros, always at the same side."""
    begin = data[:4_096]
    if len(begin) < 32:
        return None
    for width in (4, 2):
        shares = [begin[n::width].count(0) / len(begin[n::width]) for n in range(width)]
        sides = tuple(share > 0.8 for share in shares)
        if sides in _BY_ZEROS and all(share > 0.8 or share < 0.05 for share in shares):
            return _BY_ZEROS[sides]
    return None


def _guessed(data: bytes) -> tuple[str, str]:
    best, fits = "", -1.0
    chosen = ""
    for encoding in _EIGHT_BITS:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if (share := _fitting(text)) > fits:
            best, chosen, fits = text, encoding, share
    if sum(char not in _MARKED for char in _FOREIGN.findall(best)) > 0.3 * len(best):
        message = "It is no text in English in an encoding that is known here: save it as UTF-8."
        raise PolicyRefused(Reason.NOT_TEXT, message)
    if chosen == "cp1252" and fits >= 0.9:
        return best, ""
    name = _EIGHT_BITS[chosen]
    return best, f"Its encoding was guessed ({name}): quotation marks and accents may be wrong; save it as UTF-8."


def _fitting(text: str) -> float:
    """The share of the characters beyond ASCII that stand where English has them."""
    found = [match.start() for _, match in zip(range(_LOOKED_AT), _FOREIGN.finditer(text), strict=False)]
    return sum(_fits(text, at) for at in found) / len(found) if found else 1.0


def _fits(text: str, at: int) -> float:
    char, before, after = text[at], text[at - 1 : at], text[at + 1 : at + 2]
    if char in _MARKED:
        return 1.0
    if not char.isalpha():
        return 0.0
    if ord(char) > 0x24F:  # no Latin letter: among its own kind
        return float(any(each.isalpha() and ord(each) > 0x24F for each in (before, after)))
    if char.isupper():
        stands = (before.isupper() or not before.isalpha()) and (after.islower() or after.isupper())
    else:
        stands = before.isalpha() or after.isalpha()
    return (0.5 if char in _RARE else 1.0) * stands
