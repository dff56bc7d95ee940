"""Finds the policies that cases are about among files, and the sentence that evidence was meant to be."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from qa.text import printable

__all__ = [
    "TwoFiles", "domain_in", "flat", "misquoted", "named_policy", "nearest_name", "nearest_sentence", "newest",
    "policies_in", "quoted",
]  # fmt: skip

TEXT_SUFFIXES: Final = frozenset({".md", ".markdown", ".txt"})
"""Policies that are compared with evidence as they stand in their file."""

_STEM: Final = re.compile(r"[^\s_/]+\.[^\s_/]+__\d{4}-\d{2}-\d{2}")
_FILE_SUFFIX: Final = re.compile(r"(?<=\w)\.(?:md|markdown|txt|html?|xhtml|pdf|docx)$", re.IGNORECASE)
_QUOTED: Final = 60
_NEAREST: Final = 200
_ALIKE: Final = 55.0
"""Below this (of 100), two sentences have hardly more in common than any two."""


class TwoFiles(Exception):
    """Two files are of the same policy; the text is its name."""


def flat(text: str) -> str:
    """A text with every run of white space as one blank: the form in which evidence is compared."""
    return " ".join(text.split())


def quoted(text: str) -> str:
    """The beginning of a quote, for a message of one line."""
    return f"'{printable(text, _QUOTED)}'"


def named_policy(text: str) -> str:
    """What a case calls its policy, as a file stem or, where it names no version, a domain.

    A policy id, a file name and an address of the site mean the same.
    """
    from ingest.parsing import normal_domain

    name = flat(text).replace("@", "__")
    shorter = _FILE_SUFFIX.sub("", name)
    if "." in shorter or _STEM.fullmatch(shorter):
        name = shorter
    if _STEM.fullmatch(name):
        return name.removeprefix("www.")
    return normal_domain(name) or name


def domain_in(name: str) -> str:
    """The domain of a file stem."""
    return name.partition("__")[0].lower()


def newest(name: str, stems: Iterable[str]) -> str | None:
    """The stem that a name means among some: itself, or of a domain the newest version; None if there is none."""
    known = list(stems)
    if name in known:
        return name
    if "__" in name:
        return None
    return max((stem for stem in known if domain_in(stem) == name.lower()), default=None)


def nearest_name(name: str, stems: Collection[str]) -> str | None:
    """The stem that looks most like a name, if any does."""
    from rapidfuzz import fuzz, process

    found = process.extractOne(name.lower(), list(stems), scorer=fuzz.WRatio, score_cutoff=70)
    return str(found[0]) if found else None


def nearest_sentence(quote: str, text: str) -> str | None:
    """The sentence of a policy that a quote was probably meant to be, verbatim but for white space; None if none is."""
    from rapidfuzz import fuzz, process

    from qa.text import sentence_spans

    sentences = [flat(span.of(text)) for span in sentence_spans(text)]
    found = process.extractOne(
        flat(quote).lower(), [each.lower() for each in sentences], scorer=fuzz.ratio, score_cutoff=_ALIKE
    ) or process.extractOne(
        # Half of a sentence, or two of them as one.
        flat(quote).lower(),
        [each.lower() for each in sentences],
        scorer=fuzz.token_set_ratio,
        score_cutoff=75,
    )
    return sentences[found[2]] if found else None


def misquoted(quote: str, policy: str, text: str) -> str:
    """What to tell of a quote that does not stand in its policy."""
    nearest = nearest_sentence(quote, text)
    also = f"the nearest sentence there: '{printable(nearest, _NEAREST)}'" if nearest else "nothing there is like it"
    return f"not in {policy}: {quoted(quote)}; {also}"


def policies_in(paths: Sequence[Path], wanted: Collection[str]) -> dict[str, str]:
    """The texts of the policies that are wanted, by file stem; folders are searched, other files passed over.

    A text file is found by its name. Where that does not say whose policy it is, and in any other form that can be
    ingested, the file is read to find out.

    Args:
        paths: files and folders.
        wanted: stems, and domains for their newest version.

    Raises:
        TwoFiles: of the same policy.
        OSError: a file cannot be read.
    """
    files = [file for path in paths for file in (sorted(path.rglob("*")) if path.is_dir() else [path])]
    domains = {name.lower() for name in wanted if "__" not in name}
    found: dict[str, Path] = {}
    others: list[Path] = []
    for file in files:
        is_text = file.suffix.lower() in TEXT_SUFFIXES
        if is_text and (file.stem in wanted or (_STEM.fullmatch(file.stem) and domain_in(file.stem) in domains)):
            if file.stem in found:
                raise TwoFiles(file.stem)
            found[file.stem] = file
        elif not _STEM.fullmatch(file.stem) or (not is_text and newest(domain_in(file.stem), domains | {*wanted})):
            others.append(file)
    meant = {name: newest(name, found) for name in wanted}
    texts = {stem: _text(found[stem]) for stem in meant.values() if stem}
    missing = {name for name, stem in meant.items() if stem is None}
    if missing:
        read = dict(_read(others))
        texts |= {stem: read[stem] for name in missing if (stem := newest(name, read))}
    return texts


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace")


def _read(files: Sequence[Path]) -> Iterator[tuple[str, str]]:
    """The policies of files whose names do not say enough, by stem; of a policy that states no date, by domain."""
    from ingest.apart import read_apart
    from ingest.origin import MOST_BYTES
    from ingest.parsing import APART, Hints, describe, form_of, read
    from ingest.sources import Source, find_sources
    from qa.errors import PolicyRefused, UsageError

    try:
        sources = find_sources(files) if files else ()
    except UsageError:  # nothing that can be read
        return
    for source in sources:
        if not isinstance(source, Source):
            continue
        try:
            if form_of(source) in APART:
                policy = read_apart(source, Hints(), max_chars=MOST_BYTES, placed=True).policy
            else:
                policy = describe(read(source))
        except PolicyRefused:
            continue  # ingesting it tells why
        dated = policy.provenance.get("archived_on") != "ingestion"
        yield policy.id.replace("@", "__") if dated else policy.domain, policy.text
