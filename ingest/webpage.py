"""A page in HTML → the text that its readers read, as the Markdown that ``ingest.blocks`` understands.

The order of the text is the page's. Menus, banners and scripts are no part of it; what a page folds away (accordions,
tabs, "read more") is, because a reader can open it. The parser is selectolax (Lexbor): it reads pages as browsers do,
and takes milliseconds where others take seconds. A page can be made so that any such parser needs very long, so pages
of others are read in a process that can be ended (``ingest.apart``).
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ingest.screening import Reason
from qa.errors import PolicyRefused

__all__ = ["SUFFIXES", "decoded", "is_page", "literal", "page_text", "row_text", "unmarked_start"]

SUFFIXES: Final = (".html", ".htm", ".xhtml")

MOST_NODES: Final = 1_000_000
"""A page of 1 MB has some ten thousand."""

_START: Final = re.compile(
    r"[\s\ufeff]*(?:<\?xml[^<>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b",
    re.IGNORECASE | re.DOTALL,
)
_META: Final = re.compile(rb"<meta\b[^>]{0,500}?\bcharset\s*=\s*[\"']?\s*([\w:-]{2,40})", re.IGNORECASE)

_DROPPED: Final = frozenset(
    "script style noscript template svg math canvas iframe frame frameset noframes object embed applet audio video map "
    "select datalist input textarea progress meter head title base link meta del img picture source area".split()
)
_HEADINGS: Final = {f"h{n}": n for n in range(1, 7)}
_BLOCKS: Final = frozenset(
    "address article aside blockquote body center dd details dialog dir div dl dt fieldset figcaption figure footer "
    "form h1 h2 h3 h4 h5 h6 header hgroup hr html legend li main menu nav ol optgroup option p pre search section "
    "summary table tbody td tfoot th thead tr caption ul".split()
)
_BOLD: Final = frozenset({"b", "strong"})
_LISTS: Final = frozenset({"ul", "ol", "menu", "dir"})
_AROUND: Final = frozenset({"nav", "header", "footer", "aside", "search"})
_AROUND_ROLES: Final = frozenset(
    "navigation banner contentinfo menu menubar search complementary toolbar tooltip alert".split()
)
_JUDGED: Final = _AROUND | {"button", "dialog"}
"""What may be left out without an attribute that says so."""

_INSIDE: Final = frozenset({"main", "article"})
_MENU: Final = re.compile(
    r"(?:^|[\s_-])(?:nav|navbar|navigation|menu|submenu|breadcrumbs?|sidebar|side-bar|footer|header|masthead|toolbar"
    r"|topbar|social|share|sharing|skip|skiplinks?|pagination)(?:$|[\s_-])",
    re.IGNORECASE,
)
_BANNER: Final = re.compile(
    r"(?:cookie|consent|gdpr|ccpa)s?[\s_-]?(?:banner|bar|notice|pop-?up|modal|overlay|dialog|message|wrapper|law|manager"
    r"|settings|preferences|consent|disclaimer|alert|container)|onetrust|ot-sdk|cookiebot|cc-window|truste|qc-cmp|didomi"
    r"|usercentrics|osano|termly-|evidon|optanon|wm-ipp",
    re.IGNORECASE,
)
_NOT_SHOWN: Final = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_FOLDED_WORDS: Final = 25
"""What is hidden and has so many words was folded away for readers to open."""

_BANNER_WORDS: Final = 250
_SPACE: Final = re.compile(r"[ \t\n\f\r\xa0\u2000-\u200a\u202f\u205f\u3000]+")
_LITERAL: Final = re.compile(r"<(?=[A-Za-z/!])|[*`]|&(?=#?\w{1,30};)")
_WORD: Final = re.compile(r"\w+")


def is_page(data: bytes) -> bool:
    """Whether bytes begin as a page in HTML does."""
    return bool(_START.match(data[:4_000].decode("latin-1").removeprefix("ï»¿")))


def decoded(data: bytes, charset: str | None = None) -> str:
    """The characters of a page; what is declared is often wrong, so what can only be UTF-8 is read as that.

    Args:
        data: the page.
        charset: what its server says; else the page itself may say something.
    """
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if data.startswith(mark):
            return data.decode(encoding, "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    meta = _META.search(data[:4_096])
    for name in (charset, meta.group(1).decode("ascii") if meta else None):
        if name and name.lower() in _CHARSETS:
            try:
                return data.decode(_CHARSETS[name.lower()])
            except UnicodeDecodeError:
                continue
    # A stray byte or a letter cut in two does not make a page of UTF-8 another one.
    utf8 = data.decode("utf-8", "replace")
    return utf8 if utf8.count("\ufffd") < sum(char > "\x7f" for char in utf8) / 4 else data.decode("cp1252", "replace")


_CHARSETS: Final = {
    **dict.fromkeys(("windows-1252", "cp1252", "latin1", "iso-8859-1", "us-ascii", "ascii"), "cp1252"),
    **{f"iso-8859-{n}": f"iso-8859-{n}" for n in (2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 14, 15, 16)},
    **{f"windows-125{n}": f"cp125{n}" for n in (0, 1, 3, 4, 5, 6, 7, 8)},
    **{
        name: name
        for name in ("shift_jis", "euc-jp", "euc-kr", "gb2312", "gbk", "gb18030", "big5", "koi8-r", "macintosh")
    },
}


def page_text(html: str) -> str:
    """The text of a page; "" where it has none.

    Raises:
        PolicyRefused: it has too many parts, or its text is put there by a script only.
    """
    from selectolax.lexbor import LexborHTMLParser

    root = LexborHTMLParser(html.replace("\x00", "")).root
    if root is None:
        return ""
    page = _survey(root)
    text = _written(root, page, around=False)
    if len(_WORD.findall(text)) < 100:  # some pages are nothing but a header, to those who wrote them
        whole = _written(root, page, around=True)
        text = whole if len(_WORD.findall(whole)) > 2 * len(_WORD.findall(text)) else text
    if page.scripts and len(_WORD.findall(text)) < 30:
        message = "The page has no text of its own, a script puts it there. Open it, copy its text and paste it."
        raise PolicyRefused(Reason.SCRIPT, message)
    return _titled(text, page.title)


def _titled(text: str, title: str) -> str:
    """The title leads where no heading says the same: it is often the only place that names the company."""
    first = next((line.lstrip("# ") for line in text.split("\n") if line.startswith("#")), "")
    if not text or not title or set(_WORD.findall(title.lower())) <= set(_WORD.findall(first.lower())):
        return text
    return f"# {title}\n\n{text}"


# --- what the page has ------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Part:
    """An element with what is inside it."""

    words: int = 0
    linked: int = 0
    buttons: int = 0
    blocks: int = 0
    rows: int = 0
    widest: int = 0
    cells: int = 0
    tables: int = 0


@dataclass(slots=True)
class _Survey:
    """What is inside each element, by its ``mem_id``."""

    parts: dict[int, _Part] = field(default_factory=dict)
    title: str = ""
    scripts: bool = False


def _walk(root: Any, enters: Callable[[Any], bool] | None = None) -> Iterator[tuple[Any, str, bool]]:
    """Every node in the page's order with its tag, elements twice: when they begin (True) and when they end (False).

    Args:
        root: an element.
        enters: whether an element that begins is gone into; one that is not has no end.
    """
    above: list[tuple[Any, str]] = []
    node = root
    while True:
        tag = node.tag
        yield node, tag, True
        if node.is_element_node and (enters is None or enters(node)):
            if (down := node.first_child) is not None:
                above.append((node, tag))
                node = down
                continue
            yield node, tag, False
        while (beside := node.next if above else None) is None:
            if not above:
                return
            node, tag = above.pop()
            yield node, tag, False
        node = beside


def _survey(root: Any) -> _Survey:
    """One pass over the page that counts, so that no later question needs another."""
    page = _Survey()
    stack: list[_Part] = []
    links = nodes = 0
    titles: list[str] = []
    in_title = in_dropped = 0
    for node, tag, begins in _walk(root):
        if tag == "-text":
            text = node.text_content or ""
            if in_title:
                titles.append(text)
            elif stack and not in_dropped and (words := len(_WORD.findall(text))):
                stack[-1].words += words
                stack[-1].linked += words if links else 0
            continue
        if not node.is_element_node:
            continue
        step = 1 if begins else -1
        links += step if tag == "a" else 0
        # The head is not shown but has the title; an image inside SVG may have one as well.
        in_title += step if tag == "title" and not page.title and not in_dropped else 0
        in_dropped += step if tag in _DROPPED and tag not in {"title", "head"} else 0
        if begins:
            nodes += 1
            if nodes > MOST_NODES:
                message = f"The page has more than {MOST_NODES:,} parts. Open it, copy its text and paste it."
                raise PolicyRefused(Reason.TOO_LARGE, message)
            page.scripts = page.scripts or tag == "script"
            stack.append(_Part())
            continue
        part = stack.pop()
        page.parts[node.mem_id] = part
        if tag == "title" and not page.title and not in_dropped:
            page.title = _SPACE.sub(" ", "".join(titles)).strip()[:200]
        if stack:
            _add(stack[-1], part, tag)
    return page


def _add(outer: _Part, inner: _Part, tag: str) -> None:
    outer.words += inner.words
    outer.linked += inner.linked
    outer.buttons += inner.buttons + (tag in {"button", "input"})
    outer.blocks += inner.blocks + (tag in _HEADINGS or tag in _LISTS or tag in {"p", "dl", "pre", "blockquote"})
    outer.tables += inner.tables + (tag == "table")
    outer.rows += inner.rows + (tag == "tr")
    outer.cells = 0 if tag == "tr" else outer.cells + inner.cells + (tag in {"td", "th"})
    outer.widest = max(outer.widest, inner.widest, inner.cells if tag == "tr" else 0)


# --- what of it is read -----------------------------------------------------------------------------------------------


def _is_left_out(node: Any, part: _Part, *, around: bool, inside: bool) -> bool:
    """Whether an element is no part of the text: dropped by kind, hidden for good, a banner, or a menu.

    Args:
        node: the element.
        part: what is inside it.
        around: whether what stands around the text of pages is wanted.
        inside: whether it is inside the text itself, where a header or footer belongs to it.
    """
    tag = node.tag
    if tag in _DROPPED:
        return True
    attributes = node.attributes
    if not attributes and tag not in _JUDGED:
        return False
    role = (attributes.get("role") or "").lower()
    named = f"{attributes.get('id') or ''} {attributes.get('class') or ''}"
    if tag == "button" and not ("aria-expanded" in attributes or "aria-controls" in attributes or role == "tab"):
        return True
    hidden = (
        "hidden" in attributes
        or attributes.get("aria-hidden") == "true"
        or bool(_NOT_SHOWN.search(attributes.get("style") or ""))
    )
    if hidden and part.words < _FOLDED_WORDS:
        return True
    asks = part.buttons or role in {"dialog", "alertdialog"} or tag == "dialog" or hidden
    if part.words < _BANNER_WORDS and asks and (_BANNER.search(named) or role == "alertdialog" or tag == "dialog"):
        return True
    if around or tag in {"html", "body"}:
        return False
    mostly_links = part.linked > 0.5 * part.words
    if tag == "a" and (attributes.get("href") or "").startswith("#") and _MENU.search(named):
        return True
    if tag == "nav" or role in {"navigation", "menu", "menubar", "search", "toolbar", "tooltip"} or tag == "search":
        return True
    if tag in _AROUND or role in _AROUND_ROLES:
        return mostly_links or (tag in {"header", "footer"} and not inside and part.blocks < 8)
    return mostly_links and tag in _BLOCKS and bool(_MENU.search(named))


def _is_laid_out(node: Any, part: _Part) -> bool:
    """Whether a table only arranges a page, as many did before there was another way."""
    role = (node.attributes.get("role") or "").lower()
    return role in {"presentation", "none"} or bool(part.tables) or part.widest < 2 or part.words > 200 * part.rows


@dataclass(slots=True)
class _Writer:
    """Collects lines; what is inline waits until a block begins or ends."""

    lines: list[str] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)
    bold: int = 0
    boldly: int = 0
    plainly: int = 0
    lists: list[list[Any]] = field(default_factory=list)
    bullet: str = ""
    heading: int = 0
    cells: list[str] | None = None
    ruled: bool = False
    pre: int = 0

    def text(self, text: str) -> None:
        self.pieces.append(text if self.pre else _SPACE.sub(" ", text))
        if count := len(text.strip()):
            if self.bold:
                self.boldly += count
            else:
                self.plainly += count

    def line_break(self) -> None:
        self.pieces.append(" " if self.heading or self.cells is not None else "\n")

    def flush(self) -> None:
        """What was inline becomes a block of its own."""
        joined = literal("".join(self.pieces))  # a mark may be made of the end of one text and the begin of the next
        whole_bold = self.boldly and not self.plainly
        self.pieces, self.boldly, self.plainly = [], 0, 0
        if not joined.strip():
            return
        if not self.pre:
            joined = re.sub(r" {2,}", " ", joined)
        if self.cells is not None:
            self.cells = self.cells or [""]
            self.cells[-1] = f"{self.cells[-1]} {_SPACE.sub(' ', joined).strip()}".strip()
            return
        paragraphs = [
            each for each in re.split(r"\n[ \t]*\n\s*" if not self.pre else r"\n{2,}", joined) if each.strip()
        ]
        for paragraph in paragraphs:
            lines = [line.strip() for line in paragraph.split("\n") if line.strip()]
            self._block(lines, bold=bool(whole_bold))

    def _block(self, lines: list[str], *, bold: bool) -> None:
        indent = "  " * max(0, len(self.lists) - 1)
        if self.heading:
            block = f"{'#' * self.heading} {' '.join(lines)}"
        elif self.lists:
            if not self.bullet:
                self.lines.append("")
            self.lines.append(indent + (self.bullet or "  ") + "  \n".join(lines))
            self.bullet = ""
            return
        elif bold and len(lines) == 1 and len(lines[0]) <= 200:
            block = f"**{lines[0]}**"
        else:
            block = "  \n".join(unmarked_start(line) for line in lines)
        self.lines.extend((block, ""))

    def row(self, cells: list[str]) -> None:
        """One row of a table with data."""
        if any(cells):
            self.lines.append(row_text(cells))
            if not self.ruled:
                self.lines.append("|" + " --- |" * len(cells))
                self.ruled = True


def literal(text: str) -> str:
    """Text whose marks mean themselves, as Markdown."""
    return _LITERAL.sub(_escaped, text)


def row_text(cells: Sequence[str]) -> str:
    """One row of a table, as Markdown."""
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _escaped(match: re.Match[str]) -> str:
    return "&amp;" if match.group() == "&" else "\\" + match.group()


def unmarked_start(line: str) -> str:
    """A paragraph that begins like a mark of Markdown is none."""
    return "\\" + line if re.match(r"#{1,6}\s|>|={3,}$|-{3,}$", line) else line


def _written(root: Any, page: _Survey, *, around: bool) -> str:
    """The text of a page, without what stands around it unless that is wanted."""
    out = _Writer()
    inside = 0
    data_tables: list[bool] = []
    left_out: set[int] = set()

    def enters(node: Any) -> bool:
        return node.mem_id not in left_out

    for node, tag, begins in _walk(root, enters):
        if tag == "-text":
            out.text(node.text_content or "")
            continue
        if not node.is_element_node:
            continue
        if begins and _is_left_out(node, page.parts[node.mem_id], around=around, inside=inside > 0):
            left_out.add(node.mem_id)
            if tag in _BLOCKS:
                out.flush()
            continue
        inside += (1 if begins else -1) if tag in _INSIDE else 0
        out.bold += (1 if begins else -1) if tag in _BOLD else 0
        if tag == "br" and begins:
            out.line_break()
        elif tag in _BLOCKS:
            _block_edge(out, node, tag, page, data_tables, begins=begins)
    out.flush()
    text = "\n".join(out.lines)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n" if text.strip() else ""


def _block_edge(out: _Writer, node: Any, tag: str, page: _Survey, data_tables: list[bool], *, begins: bool) -> None:
    """A block begins or ends: what was inline is done, and lists, tables and headings are kept account of."""
    out.flush()
    in_data = bool(data_tables) and data_tables[-1]
    if tag == "table":
        if begins:
            data_tables.append(not in_data and not _is_laid_out(node, page.parts[node.mem_id]))
            out.ruled = False
        elif data_tables.pop():
            out.lines.append("")
    elif in_data and tag == "tr":
        if begins:
            out.cells = []
        elif out.cells is not None:
            cells, out.cells = out.cells, None
            out.row(cells)
    elif in_data and tag in {"td", "th"}:
        if begins and out.cells is not None:
            out.cells.append("")
    elif out.cells is not None:
        if tag == "li" and begins and out.cells and out.cells[-1]:
            out.cells[-1] += " •"
    elif tag in _HEADINGS or tag in {"summary", "caption"} or (node.attributes.get("role") or "").lower() == "heading":
        level = _HEADINGS.get(tag) or _level(node)
        out.heading = level if begins and not (tag == "summary" and page.parts[node.mem_id].blocks) else 0
    elif tag in _LISTS:
        if begins:
            out.lists.append([tag == "ol", _first_number(node) - 1])
        elif out.lists:
            out.lists.pop()
            out.bullet = ""
            if not out.lists:
                out.lines.append("")
    elif tag == "li" and out.lists:
        if begins:
            out.lists[-1][1] += 1
            out.bullet = f"{out.lists[-1][1]}. " if out.lists[-1][0] else "- "
    elif tag == "dt":
        out.bold += 1 if begins else -1
    elif tag == "pre":
        out.pre += 1 if begins else -1


def _first_number(node: Any) -> int:
    given = node.attributes.get("start") or ""
    return int(given) if re.fullmatch(r"[0-9]{1,4}", given) else 1


def _level(node: Any) -> int:
    given = node.attributes.get("aria-level") or ""
    return int(given) if given in set("123456") else 3
