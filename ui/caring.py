"""The commands that look after an index: doctor, rebuild, compact, backup and restore."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ui.printing import IndexOption, JsonOption, note, print_json, print_lines, progress, settings_of

care = typer.Typer(rich_markup_mode=None)

ForceOption = Annotated[bool, typer.Option("--force", help="Replace what is there.")]


@care.command()
def doctor(
    index: IndexOption = None,
    *,
    as_json: JsonOption = False,
    fix: Annotated[
        bool,
        typer.Option("--fix", help="Mend what can be mended without losing anything: all but texts and vectors."),
    ] = False,
) -> None:
    """Examines the index and the model, and says what to do about what is wrong."""
    from qa.domain import as_json as to_json
    from qa.mending import mend
    from ui.upkeep import Check, examine, mended_lines

    settings = settings_of(index)

    def looked() -> list[Check]:
        checks = []
        with progress("Examining") as show:
            for check in examine(settings, on_progress=lambda part, done, total: show(done, total or None, part)):
                checks.append(check)
                if not (as_json or fix):
                    print_lines(check.lines())
        return checks

    checks = looked()
    mended = None
    if fix:
        by_name = {check.name: check for check in checks}
        library = by_name.get("library")
        if library and library.fine:
            searched = by_name.get("search index")
            mended = mend(settings, anew=bool(searched and not searched.fine))
            checks = looked()
        if not as_json:
            print_lines(line for check in checks for line in check.lines())
            for line in mended_lines(mended) if mended else ():
                note(line)
    well = all(check.fine for check in checks)
    if as_json:
        print_json({"fine": well, "checks": to_json(checks), **({"mended": to_json(mended)} if fix else {})})
    if not well:
        raise typer.Exit(1)


@care.command()
def rebuild(index: IndexOption = None, *, as_json: JsonOption = False) -> None:
    """Makes the index anew from the stored texts; saves what can be saved of a damaged one."""
    from ingest.pipeline import rebuild as run_rebuild
    from qa.domain import as_json as to_json
    from qa.libraries import index_of

    settings = settings_of(index)
    with progress("Rebuilding") as show:
        rebuilt = run_rebuild(settings, on_progress=lambda p: show(p.done, p.total, p.name))
    if as_json:
        print_json(to_json(rebuilt))
    note(f"Rebuilt {_counted(rebuilt.count)} {index_of(settings)}.")
    if rebuilt.damaged:
        note(f"The damaged file is kept in a folder damaged-… of {settings.index}: delete it when everything is back.")
    if rebuilt.lost:
        from ui.render import visible

        note(f"{_counted(len(rebuilt.lost))} could not be saved; ingest again or restore a backup:")
        for policy_id in rebuilt.lost:
            note(f"  {visible(policy_id)}")
        raise typer.Exit(1)


@care.command()
def compact(index: IndexOption = None, *, as_json: JsonOption = False) -> None:
    """Gives back the space of what was removed, replaced or left over."""
    from qa.domain import as_json as to_json
    from qa.mending import compact as run_compact

    settings = settings_of(index)
    with progress("Compacting") as show:
        compacted = run_compact(settings, show)
    if as_json:
        print_json(to_json(compacted))
    else:
        saved = max(0, compacted.before - compacted.after)
        note(f"{_megabytes(compacted.after)} instead of {_megabytes(compacted.before)}: saved {_megabytes(saved)}.")


@care.command()
def backup(
    file: Annotated[Path, typer.Argument(help="The file to write, e.g. policies.backup.")],
    *,
    index: IndexOption = None,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Writes the whole index into one file, also while it is read and written."""
    from qa.backup import back_up
    from qa.domain import as_json as to_json
    from ui.upkeep import beside

    settings = settings_of(index)
    with progress("Backing up") as show:
        done = back_up(settings, file, beside(settings), force=force, on_progress=show)
    if as_json:
        print_json(to_json(done))
    else:
        note(f"{done.policies} policies are in {file}, {_megabytes(done.size)}.")


@care.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A file that `fineprint backup` wrote.")],
    *,
    index: IndexOption = None,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Puts the index of a backup in place: all of it, or nothing."""
    from qa.backup import restore as run_restore
    from qa.domain import as_json as to_json
    from qa.libraries import index_of
    from ui.upkeep import beside

    settings = settings_of(index)
    with progress("Restoring") as show:
        done = run_restore(file, settings, beside(settings), force=force, on_progress=show)
    if as_json:
        print_json(to_json(done))
    else:
        note(f"{done.policies} policies are {index_of(settings)} again, as of {done.made_at}.")
    if done.problem:
        note(f"The search index is yet to be made, by `fineprint doctor --fix`: {done.problem}")


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


def _counted(n: int) -> str:
    return "1 policy" if n == 1 else f"{n} policies"
