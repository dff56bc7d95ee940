"""The command line (CONTRACT: Command line). Each command is a thin wrap of a function elsewhere.

Heavy libraries are imported inside the commands that need them, so that a question is answered without their start.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import errno
import io
import json
import logging
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from qa.errors import FineprintError, UsageError
from ui.caring import care
from ui.evaluating import evaluation
from ui.printing import IndexOption, JsonOption, drop_output, note, print_json, print_lines, progress, settings_of

if TYPE_CHECKING:
    from ingest.parsing import Hints
    from ingest.pipeline import Report
    from ingest.rereading import Round
    from qa.domain import Answer, Step
    from qa.service import PolicyQA
    from qa.settings import Settings
    from ui.batch import Outcome

__all__ = ["main", "run"]

app = typer.Typer(
    name="fineprint",
    help="Answers questions about website privacy policies; every claim is proven by a verbatim quote.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
policies = typer.Typer(help="The policies in the index.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(policies, name="policies")
feedback = typer.Typer(help="What readers think of answers.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(feedback, name="feedback")
keys = typer.Typer(help="Keys for programs that ask over HTTP.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(keys, name="keys")
app.add_typer(evaluation, name="eval")
app.add_typer(care)


def _print_version(wanted: bool) -> None:
    if wanted:
        import ui

        print(f"fineprint {ui.version()}")
        raise typer.Exit


@app.callback()
def _options(
    _debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks and log details.")] = False,  # see ``run``
    _version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """Answers questions about website privacy policies; every claim is proven by a verbatim quote."""


@app.command()
def ingest(
    paths: Annotated[
        list[str] | None, typer.Argument(help="Files, folders and web addresses (https://…); without any, the samples.")
    ] = None,
    *,
    index: IndexOption = None,
    as_json: JsonOption = False,
    domain: Annotated[str | None, typer.Option(help="Of a single file or page: the site, e.g. example.com.")] = None,
    date: Annotated[str | None, typer.Option(help="Of a single file: when it was archived, YYYY-MM-DD.")] = None,
    company: Annotated[str | None, typer.Option(help="Of a single file or page: the company's name.")] = None,
    url: Annotated[str | None, typer.Option(help="Of a single file: link to the snapshot.")] = None,
    history: Annotated[
        bool, typer.Option("--history", help="Of a git repository, or a part of it: every version, by its date.")
    ] = False,
    as_of: Annotated[
        str | None,
        typer.Option(help="Of web addresses: the Wayback Machine's snapshot nearest to this day, e.g. 2008."),
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on reading the web addresses: once a day, or e.g. --watch=6h.")
    ] = False,
    every: Annotated[str | None, typer.Option(help="With --watch: how often, e.g. 6h or 1d12h.")] = None,
) -> None:
    """Reads policies into the index; what is unchanged is skipped."""
    from ingest.parsing import Hints
    from ingest.pipeline import ingest_paths, sample_paths
    from ingest.sources import holds_many
    from qa.domain import as_json as to_json
    from ui.asking import parse_as_of

    given = paths or sample_paths()
    hints = Hints(domain, parse_as_of(date) if date else None, company, url)
    if hints != Hints() and not (paths and len(paths) == 1 and not holds_many(Path(paths[0]))):
        raise UsageError("--domain, --date, --company and --url describe one file: name exactly one.")
    if history and (date or url or not paths):
        raise UsageError("--history reads a git repository, which knows its dates: name one, without --date and --url.")
    if every and not watch:
        raise UsageError("--every goes with --watch.")
    day = _day_in_the_past(as_of) if as_of is not None else None
    if day and date:
        raise UsageError("Give --as-of, and the snapshot tells its date, or --date.")
    addresses = _addresses(given, "--watch" if watch else "--as-of") if watch or day else []
    if watch:
        if day or date:
            raise UsageError("--watch reads pages as they are now: leave out --as-of and --date.")
        _watch(addresses, hints, settings_of(index), every, as_json=as_json)
        return
    with progress("Ingesting") as show:
        try:
            report = ingest_paths(
                given,
                settings_of(index),
                hints=hints,
                as_of=day,
                history=history,
                on_progress=lambda p: show(p.done, p.total, p.name),
            )
        except UsageError as exc:  # no such path, or nothing in it: the command was meant well and failed
            raise FineprintError(str(exc)) from exc
    if as_json:
        print_json(to_json(report))
    else:
        print_lines(_report_lines(report))
    if report.read == len(report.refused):
        raise typer.Exit(1)


def _day_in_the_past(text: str) -> dt.date:
    from ui.asking import parse_as_of

    day, today = parse_as_of(text), dt.datetime.now(tz=dt.UTC).date()
    if day.year > today.year or (day > today and len(text.strip()) == len("YYYY-MM-DD")):
        raise UsageError(f"--as-of {text} is in the future.")
    return min(day, today)


def _addresses(given: Sequence[str | Path], option: str) -> list[str]:
    """The web addresses in what was given, which must be nothing else.

    Raises:
        UsageError: it is.
    """
    from ingest.web import address_of

    found = [address_of(each) for each in given]
    if None in found:
        raise UsageError(
            f"{option} is for web addresses: name pages such as https://example.com/privacy, and no files."
        )
    return [address for address in dict.fromkeys(found) if address is not None]


def _watch(addresses: Sequence[str], hints: Hints, settings: Settings, every: str | None, *, as_json: bool) -> None:
    """Reads pages again and again, a line a round, until Ctrl+C or SIGTERM; a second Ctrl+C ends it at once."""
    import signal
    import threading

    from ingest.rereading import EVERY_S, parse_interval, rounds

    every_s = parse_interval(every) if every is not None else EVERY_S
    stop = threading.Event()
    pages = f"{len(addresses)} pages" if len(addresses) > 1 else "1 page"
    note(f"Reading {pages} now, then every {_interval(every_s)}. Ctrl+C ends it after the page that is being read.")

    def end(number: int, _: object) -> None:
        stop.set()
        signal.signal(number, signal.SIG_DFL)

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        for done in rounds(addresses, settings, stop, every_s=every_s, hints=hints):
            if as_json:
                from qa.domain import as_json as to_json

                print(json.dumps(to_json(done), ensure_ascii=True), flush=True)
            else:
                print(_round_line(done, ends=stop.is_set()), flush=True)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interval(seconds: float) -> str:
    hours, minutes = divmod(round(seconds / 60), 60)
    return " ".join(part for part in (f"{hours} h" if hours else "", f"{minutes} min" if minutes else "") if part)


def _round_line(done: Round, *, ends: bool) -> str:
    """What came of a round of reading pages, in one line."""
    from ui.render import visible

    def shortly(texts: Sequence[str]) -> str:
        more = f", and {len(texts) - 3} more" if len(texts) > 3 else ""
        return "; ".join(visible(text) for text in texts[:3]) + more

    report = done.report
    said = [f"{report.read} read"]
    for outcome, word in (("added", "new"), ("replaced", "replaced")):
        if ids := [each.policy_id for each in done.new if each.outcome == outcome]:
            said.append(f"{len(ids)} {word} ({shortly(ids)})")
    if report.unchanged:
        said.append(f"{report.unchanged} unchanged")
    if report.refused:
        refused = [f"{refusal.name}: {refusal.message}" for refusal in report.refused]
        said.append(f"{len(refused)} refused ({shortly(refused)})")
    if done.problem:
        said.append(f"not stored: {visible(done.problem)}")
    following = done.ended + dt.timedelta(seconds=done.next_s)
    then = "ended" if ends else f"next {following.astimezone():%Y-%m-%d %H:%M}"
    return f"{done.ended.astimezone():%Y-%m-%d %H:%M}  {', '.join(said)}; {then}"


@app.command()
def ask(
    question: Annotated[str | None, typer.Argument(help="The question.")] = None,
    *,
    scope: Annotated[str | None, typer.Option(help="A domain, policy id or file stem to ask about.")] = None,
    as_of: Annotated[str | None, typer.Option(help="Use the version of this day: YYYY, YYYY-MM or YYYY-MM-DD.")] = None,
    history: Annotated[
        list[str] | None, typer.Option(help="An earlier question of this conversation; may be repeated.")
    ] = None,
    batch: Annotated[Path | None, typer.Option(help="A file of cases, one JSON object a line.")] = None,
    out: Annotated[Path | None, typer.Option(help="With --batch: where the answers go.")] = None,
    index: IndexOption = None,
    as_json: JsonOption = False,
) -> None:
    """Answers a question, or a file of them."""
    from qa.domain import Question
    from ui.asking import parse_as_of

    if batch is not None:
        if question is not None:
            raise UsageError("Give either a question or --batch.")
        _ask_batch(batch, out, settings_of(index, scope=scope))
        return
    if question is None:
        raise UsageError('Give a question, e.g. fineprint ask "does Perricone MD share my data?"')
    if out is not None:
        raise UsageError("--out goes with --batch.")
    asked = Question(
        question, history=tuple(history or ()), scope=scope, as_of=parse_as_of(as_of) if as_of is not None else None
    )
    settings = settings_of(index)
    with _opened(settings) as answers:
        grows = settings.llm is not None and not as_json and sys.stdout.isatty()
        answer = _shown_growing(answers.stream(asked)) if grows else answers.ask(asked)
    if as_json:
        from qa.domain import as_json as to_json

        print_json(to_json(answer))
    else:
        from ui.terminal import answer_lines, terminal_width

        print_lines(answer_lines(answer, terminal_width()))


def _shown_growing(steps: Iterator[Step]) -> Answer:
    """The answer of these steps; what is proven of it stands on the terminal while a chat model writes the rest."""
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    from qa.domain import Answer, Said
    from ui.terminal import growing_lines, terminal_width

    said = ""
    with Live(console=Console(), transient=True, auto_refresh=False) as live:
        for step in steps:
            if isinstance(step, Answer):
                return step
            if isinstance(step, Said):
                said += step.text
            stage = "writing" if isinstance(step, Said) else step.stage
            live.update(Text("\n".join(growing_lines(said, stage, terminal_width()))), refresh=True)
    raise AssertionError("the last step is the answer")


@app.command()
def compare(
    question: Annotated[str, typer.Argument(help="The question.")],
    *,
    scope: Annotated[list[str], typer.Option(help="A domain, policy id or file stem; repeat it for each policy.")],
    as_of: Annotated[str | None, typer.Option(help="Use the versions of this day, e.g. 2008 or 2008-05-31.")] = None,
    index: IndexOption = None,
    as_json: JsonOption = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print a table for spreadsheets.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print a Markdown table.")] = False,
) -> None:
    """Puts one question to several policies, each searched for itself."""
    from qa.domain import FailedEntry, Question
    from ui.asking import parse_as_of

    if as_json + csv + markdown > 1:
        raise UsageError("Give only one of --json, --csv and --markdown.")
    asked = Question(question, as_of=parse_as_of(as_of) if as_of is not None else None)
    with _opened(settings_of(index)) as answers, progress("Comparing") as show:
        entries = []
        for entry in answers.compare(asked, scope):
            entries.append(entry)
            show(len(entries), len(scope), entry.company)
    failed = [entry for entry in entries if isinstance(entry, FailedEntry)]
    if as_json:
        from qa.domain import as_json as to_json

        answered = [entry for entry in entries if not isinstance(entry, FailedEntry)]
        print_json(to_json({"question": question, "entries": answered, "failed": failed}))
    elif csv or markdown:
        from ui.export_table import Cell, as_csv, as_markdown

        cells = [Cell.of_entry(entry, question) for entry in entries]
        print(as_csv(cells) if csv else as_markdown(cells), end="")
    else:
        from ui.terminal import comparison_lines, terminal_width

        print_lines(comparison_lines(entries, terminal_width()))
    if len(failed) == len(entries):
        raise typer.Exit(1)


def _ask_batch(batch: Path, out: Path | None, settings: Settings) -> None:
    from ui.batch import answer_cases, read_lines, write_outcomes

    if out is None:
        raise UsageError("--batch needs --out FILE for the answers.")
    lines = read_lines(batch)
    with _opened(settings) as answers:
        failed = 0

        def counted() -> Iterator[Outcome]:
            nonlocal failed
            with progress("Asking") as show:
                for done, outcome in enumerate(answer_cases(lines, answers.ask), start=1):
                    failed += outcome.answer is None
                    show(done, len(lines), str(outcome.id or ""))
                    yield outcome

        write_outcomes(out, counted())
    note(f"{len(lines)} cases, {failed} failed. Answers: {out}")
    if lines and failed == len(lines):
        raise typer.Exit(1)


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for every one.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 for any free one.")] = 7860,
    samples: Annotated[bool, typer.Option("--samples", help="Index the sample policies first if nothing is.")] = False,
    index: IndexOption = None,
) -> None:
    """Runs the web chat and the HTTP API."""
    from ui.app import serve as serve_app

    settings = settings_of(index)
    _check_chat_model(settings)
    if samples:
        _index_samples(settings)

    def announce(address: str) -> None:
        print(f"fineprint is at {address}   (chat at /, HTTP API under /api/v1; stop with Ctrl+C)", flush=True)

    serve_app(settings, host=host, port=port, announce=announce)


@app.command()
def mcp(
    scope: Annotated[
        list[str] | None, typer.Option(help="Only this site may be asked about: a domain; repeat it for more.")
    ] = None,
    index: IndexOption = None,
) -> None:
    """Offers the policies as tools to an assistant (Model Context Protocol) on standard input and output."""
    import signal

    from ui.app import open_tools

    if sys.stdin.isatty():
        note("This is for MCP clients, which start it themselves and talk to it here (docs/mcp.md). Ctrl+D ends it.")
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # nothing is left to clean up, and reading does not wait for Python
    settings = settings_of(index)
    _check_chat_model(settings)
    open_tools(settings, scope or ())


@keys.callback()
def _keys() -> None:
    """Keys for programs that ask over HTTP."""


@keys.command("new")
def new_key(
    name: Annotated[str, typer.Argument(help="Whose key it is, e.g. shop: so keys are told apart.")],
    scope: Annotated[
        list[str] | None, typer.Option(help="A domain that it may ask about; may be repeated. Without: every one.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Makes a key, prints it once, and the line that lets it in. Nothing is stored."""
    from qa.admission import made_key

    try:
        key, kept = made_key(name, scope or ())
    except ValueError as exc:
        raise UsageError(f"No key was made: {exc}.") from exc
    if as_json:
        print_json({"name": kept.name, "key": key, "setting": str(kept)})
        return
    about = "every policy" if kept.domains is None else ", ".join(sorted(kept.domains))
    print_lines(
        [
            f"The key of {kept.name}, for {about}, shown this once; it is sent as Authorization: Bearer:",
            "",
            f"  {key}",
            "",
            "Give this to the service in FINEPRINT_API_KEYS (commas between several), or as an item of api_keys in",
            "fineprint.toml. With it, programs without a key are turned away:",
            "",
            f"  {kept}",
        ]
    )


def _index_samples(settings: Settings) -> None:
    from ingest.pipeline import ingest_paths, sample_paths
    from qa.errors import IndexMissing
    from qa.libraries import open_library

    try:
        with open_library(settings) as library:
            empty = not library.cards()
    except IndexMissing:
        empty = True
    if empty:
        with progress("Indexing the sample policies") as show:
            ingest_paths(sample_paths(), settings, on_progress=lambda p: show(p.done, p.total, p.name))


@policies.command("list")
def list_policies(
    query: Annotated[str, typer.Argument(help="Only companies or domains like this.")] = "",
    index: IndexOption = None,
    as_json: JsonOption = False,
) -> None:
    """Lists the policies in the index."""
    with _opened(settings_of(index)) as answers:
        cards = answers.cards(query)
    if as_json:
        from qa.domain import as_json as to_json

        print_json(to_json(cards))
    elif cards:
        from ui.terminal import card_lines

        print_lines(card_lines(cards))
    else:
        note(f"No policy matches {query!r}." if query else "The index holds no policies. Run `fineprint ingest`.")


@policies.command("show")
def show_policy(
    policy: Annotated[str, typer.Argument(help="A domain, policy id or file stem.")],
    index: IndexOption = None,
    as_json: JsonOption = False,
) -> None:
    """Shows one policy: what is known of it, and its text."""
    with _opened(settings_of(index)) as answers:
        source = answers.policy(policy)
    if as_json:
        from ui.schemas import policy_document

        print_json(policy_document(source).model_dump(mode="json"))
    else:
        from ui.terminal import policy_lines

        print_lines(policy_lines(source))


@policies.command("label")
def label_policy(
    policy: Annotated[str, typer.Argument(help="A domain (its newest version), policy id or file stem.")],
    *,
    svg: Annotated[Path | None, typer.Option(help="Write it as a picture to this SVG file.")] = None,
    index: IndexOption = None,
    as_json: JsonOption = False,
) -> None:
    """Shows one policy at a glance: what it says about the standard questions."""
    with _opened(settings_of(index)) as answers:
        label = answers.label(policy)
    if svg is not None:
        from ui.labels import label_svg

        svg.write_text(label_svg(label), encoding="utf-8")
        note(f"Label: {svg}")
    if as_json:
        from qa.domain import as_json as to_json

        print_json(to_json(label))
    elif svg is None:
        from ui.labels import label_lines
        from ui.terminal import terminal_width

        print_lines(label_lines(label, terminal_width()))


@policies.command("changes")
def show_changes(
    older: Annotated[str, typer.Argument(help="A policy id or file stem; alone also a domain: its oldest version.")],
    newer: Annotated[str | None, typer.Argument(help="Another version; the newest one if absent.")] = None,
    *,
    about: Annotated[str | None, typer.Option(help="Only changes on this topic, e.g. cookies.")] = None,
    index: IndexOption = None,
    as_json: JsonOption = False,
) -> None:
    """Shows what changed from one version of a policy to another."""
    from ui.versions import pair

    with _opened(settings_of(index)) as answers:
        first = answers.policy(older).policy
        if newer is None:
            other = answers.policy(first.domain).policy.id
            since, this = pair(answers.cards(), other, None if other == first.id else first.id)
        else:
            since, this = first.id, newer
        changes = answers.changes(since, this, about)
    if as_json:
        from qa.domain import as_json as to_json

        print_json(to_json(changes))
    else:
        from ui.terminal import changes_lines, terminal_width

        print_lines(changes_lines(changes, terminal_width(), about))


@policies.command("remove")
def remove_policy(
    policy: Annotated[str, typer.Argument(help="A domain (its newest version), policy id or file stem.")],
    index: IndexOption = None,
) -> None:
    """Removes one policy version from the index."""
    from ui.upkeep import remove

    note(f"Removed {remove(settings_of(index), policy)}.")


@app.command()
def bench(
    *,
    out: Annotated[Path, typer.Option(help="Folder for every measurement, the summary and the figures.")] = Path(
        "bench-results"
    ),
    quick: Annotated[bool, typer.Option("--quick", help="Fewer trials and at most 1,000 policies: minutes.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on in --out where a run was stopped.")] = False,
    policies_dir: Annotated[
        Path | None, typer.Option("--policies", help="Folder of policies; the samples if absent.")
    ] = None,
    cases: Annotated[Path | None, typer.Option(help="Questions about them; the bundled ones if absent.")] = None,
    sizes: Annotated[
        str | None, typer.Option(help="Numbers of policies to ask questions of, e.g. 4,1000,100000.")
    ] = None,
) -> None:
    """Measures time, memory and disk on this machine, beside the pipeline that tutorials teach."""
    from ui.timing import run_bench_at_terminal

    run_bench_at_terminal(out, quick=quick, resume=resume, policies=policies_dir, cases=cases, sizes=sizes)


@feedback.command("export")
def export_feedback(
    out: Annotated[Path | None, typer.Option(help="Where the cases go; standard output if absent.")] = None,
    index: IndexOption = None,
) -> None:
    """Writes judged answers, where their question was given, as draft cases for `fineprint eval`."""
    from ui.feedback import Feedback, export_cases, feedback_file

    settings = settings_of(index)
    with _opened(settings) as answers:
        export = export_cases(Feedback(feedback_file(settings)).rows(), answers.policy)
    if out is None:
        print_lines(export.lines)
    else:
        try:
            out.write_text("".join(f"{line}\n" for line in export.lines), encoding="utf-8")
        except OSError as exc:
            raise FineprintError(f"{out} cannot be written: {exc.strerror}. Name another file.") from exc
    note(
        f"{len(export.lines)} draft cases. Left out: {export.without_consent} without consent to keep the question, "
        f"{export.unusable} about a policy that is not indexed or about several."
    )


@feedback.command("clear")
def clear_feedback(index: IndexOption = None) -> None:
    """Deletes all feedback."""
    from ui.feedback import Feedback, feedback_file

    note(f"Deleted {Feedback(feedback_file(settings_of(index))).clear()} judgements.")


def main() -> NoReturn:
    """Runs the command line and ends the process with its exit code."""
    code = run(sys.argv[1:])
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        drop_output()
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Runs one command.

    Args:
        arguments: without the program's name; ``--debug`` may stand anywhere before ``--``.

    Returns:
        0 fine, 1 the thing asked for failed, 2 wrong usage.
    """
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    debug = "--debug" in options
    rest = arguments[len(options) :]
    options = [a for a in options if a != "--debug"]
    if options[:1] == ["ingest"]:  # an option whose value may be left out
        options = [
            part for a in options for part in (("--watch", f"--every={a[8:]}") if a.startswith("--watch=") else (a,))
        ]
    arguments = options + rest
    _prepare_output()
    if debug:
        logging.basicConfig(level=logging.DEBUG, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    try:
        app(arguments, prog_name="fineprint", standalone_mode=True)
    except SystemExit as exc:
        return exc.code if isinstance(exc.code, int) else int(exc.code is not None)
    except Exception as exc:
        if debug:
            raise
        note(f"fineprint: {_one_line(exc)}")
        return 2 if isinstance(exc, UsageError) else 1
    return 0


def _one_line(exc: Exception) -> str:
    """What to tell about a failure, without a traceback."""
    if isinstance(exc, FineprintError):
        text = str(exc)
    elif isinstance(exc, OSError):
        about = f": {exc.filename}" if exc.filename else ""
        text = f"{exc.strerror or type(exc).__name__}{about}."
        if exc.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            text += " Choose a folder that you may write to, e.g. with --index."
        elif exc.errno == errno.ENOSPC:
            text += " Free some space and run it again."
    else:
        text = (
            f"an unexpected failure ({type(exc).__name__}: {exc}). Run it again with --debug and report what it prints."
        )
    return " ".join(text.split())


def _prepare_output() -> None:
    """Text that the terminal's encoding cannot say is printed with escapes rather than failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _check_chat_model(settings: Settings) -> None:
    """A service that could not use its chat model does not start; whether that is up is another matter."""
    if settings.llm is not None:
        from qa.chatmodel import open_chat_model

        open_chat_model(settings)


@contextlib.contextmanager
def _opened(settings: Settings) -> Iterator[PolicyQA]:
    from qa.service import PolicyQA

    with contextlib.closing(PolicyQA.open(settings)) as answers:
        yield answers


def _report_lines(report: Report) -> Iterator[str]:
    """The report of an ingestion as lines: the counts, then each file that needs a word."""
    from ui.render import visible

    counts = {
        "read": report.read,
        "added": report.added,
        "unchanged": report.unchanged,
        "replaced": report.replaced,
        "refused": len(report.refused),
    }
    for name, count in counts.items():
        yield f"{name:<10} {count:>6}"
    if report.skipped:
        yield f"{'skipped':<10} {report.skipped:>6}  (files in another format)"
    yield f"{'seconds':<10} {report.elapsed_s:>6.1f}"
    for title, items in (
        ("Refused:", [(refusal.name, refusal.message) for refusal in report.refused]),
        ("To know:", [(flag.name, flag.warning) for flag in report.flagged]),
    ):
        if items:
            yield ""
            yield title
        for name, message in items:
            yield f"  {visible(name)}: {visible(message)}"
