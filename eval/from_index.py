"""The policies of an index for an evaluation, which makes an index of its own from files."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from eval.cases import Case
from eval.proving import newest
from qa.errors import IndexMissing

if TYPE_CHECKING:
    from qa.domain import Policy

__all__ = ["indexed_stems", "indexed_texts", "write_out"]


def indexed_stems(folder: Path) -> list[str]:
    """The file stems of all indexed policies; none where there is no index.

    Raises:
        IndexProblem: the index cannot be read.
    """
    from qa.library import Library

    try:
        with Library.open(folder) as library:
            return [_stem(card.id) for card in library.cards()]
    except IndexMissing:
        return []


def indexed_texts(folder: Path, cases: Sequence[Case]) -> dict[str, str]:
    """The texts of the indexed policies that the cases are about, by file stem; none where there is no index.

    Raises:
        IndexProblem: the index cannot be read.
    """
    wanted = {proof.policy for case in cases for proof in case.proofs}
    return {_stem(policy.id): policy.text for policy in _policies(folder, wanted)}


def write_out(folder: Path, stems: Collection[str], into: Path) -> None:
    """Writes indexed policies as files that say all that the index knows of them.

    Raises:
        IndexProblem: the index cannot be read.
        OSError: a file cannot be written.
    """
    into.mkdir(parents=True, exist_ok=True)
    for policy in _policies(folder, stems):
        said = {
            "domain": policy.domain,
            "date": policy.archived_on.isoformat(),
            "company": " ".join(policy.company.split()),
            "url": policy.url or "",
        }
        front = "".join(f"{key}: {value}\n" for key, value in said.items() if value)
        text = f"---\n{front}---\n\n{policy.text}"
        (into / f"{_stem(policy.id)}.md").write_text(text, encoding="utf-8", errors="surrogatepass")


def _policies(folder: Path, wanted: Collection[str]) -> list[Policy]:
    from qa.library import Library

    try:
        with Library.open(folder) as library:
            ids = {_stem(card.id): card.id for card in library.cards()}
            stems = {stem for name in wanted if (stem := newest(name, ids))}
            return [library.read(ids[stem]).policy for stem in sorted(stems)]
    except IndexMissing:
        return []


def _stem(policy_id: str) -> str:
    return policy_id.replace("@", "__")
