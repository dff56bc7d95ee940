"""What the commands have in common: their options, and what they say on standard output and standard error."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from qa.settings import Settings

IndexOption = Annotated[
    Path | None, typer.Option("--index", help="Folder of the index.  [default: $FINEPRINT_INDEX, else a user folder]")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else, on standard output.")]


def settings_of(index: Path | None, **overrides: Any) -> Settings:
    """The settings, with what the command line says; None leaves a setting as it is."""
    from qa.settings import load_settings

    return load_settings({"index": index, **overrides})


Show = Callable[[int, int | None, str], None]
"""Told how many are done, of how many if that is known, and the last one's name."""


@contextlib.contextmanager
def progress(title: str) -> Iterator[Show]:
    """A progress bar on standard error; nothing where that is not a terminal."""
    if not sys.stderr.isatty():
        yield lambda *_: None
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn(title),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total, name: bar.update(
            task, completed=done, total=total, description=escape(Path(name).name[:40])
        )


def print_json(data: Any) -> None:
    """JSON in UTF-8 where the output can say it, else in ASCII, which means the same."""
    text = json.dumps(data, ensure_ascii=False, indent=2)
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        text = json.dumps(data, ensure_ascii=True, indent=2)
    print_lines([text])


def print_lines(lines: Iterable[str]) -> None:
    """Lines on standard output; ends the command without a word where nobody reads them any more."""
    try:
        for line in lines:
            print(line)
    except BrokenPipeError:
        drop_output()
        raise typer.Exit(0) from None


def note(message: str) -> None:
    """A line on standard error, where it is in no program's way."""
    print(message, file=sys.stderr)


def drop_output() -> None:
    """The reader has gone (``| head``): nothing more is to be said, also not when Python flushes at its end."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
