"""What a running service writes down, in one form for every library, and what it never writes.

A question, a policy that somebody brought or an address must be in no log, at any level. Our own messages hold none.
A library's message may quote what it was sent, and so may the text of an unexpected exception: of those, only the
place is written, save for kinds that speak of the machine and not of what was asked.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import re
import sqlite3
import sys
import threading
import traceback
import unicodedata
from collections.abc import Iterator, Mapping
from typing import IO, Any, Final

from qa.errors import FineprintError
from qa.settings import Settings
from ui.requests import request_id
from ui.watching import Served

__all__ = ["ACCESS", "AccessLog", "JsonLines", "TextLines", "set_up_logs", "take_over_tracebacks"]

ACCESS: Final = "fineprint.access"
_OURS: Final = ("fineprint", "qa", "ingest", "eval", "ui")
# Of the libraries, those whose messages are about themselves.
_PLAIN_SPOKEN: Final = (*_OURS, "uvicorn", "chromadb", "limits")
# Exceptions whose text is about the machine, a file or a name in the code.
_TELLING: Final = (
    *(FineprintError, OSError, sqlite3.Error, MemoryError),
    *(ImportError, NameError, AttributeError, TypeError),
)
# Place and kind of a captured warning, without its text.
_WARNED: Final = re.compile(r"[^\n:]{1,300}:\d{1,7}: \w{1,60}(?=:)")
_MOST_CHARACTERS: Final = 4_000
_LAST_FRAMES: Final = 30

_access = logging.getLogger(ACCESS)


def set_up_logs(settings: Settings, stream: IO[str] | None = None) -> None:
    """Has everything that this process logs written in one form, by one handler.

    Args:
        settings: ``log_level`` is that of our own messages (debug after ``fineprint --debug``, which had set that for
            everything); libraries are written from warnings on.
        stream: where to; standard error by default.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines() if settings.log_format == "json" else TextLines())
    handler.addFilter(_worth_writing)
    root = logging.getLogger()
    for former in root.handlers[:]:
        root.removeHandler(former)
    root.addHandler(handler)
    level = logging.DEBUG if root.level == logging.DEBUG else settings.log_level.upper()
    root.setLevel(logging.WARNING)
    for name in _OURS:
        logging.getLogger(name).setLevel(level)
    _access.setLevel(logging.INFO if settings.access_log == "on" else logging.CRITICAL)
    logging.captureWarnings(True)
    threading.excepthook = _log_thread


def take_over_tracebacks() -> None:
    """Has Gradio log the failures of its calls, whose tracebacks it would print past every log, texts and all."""
    import gradio.queueing
    import gradio.route_utils
    import gradio.routes

    for module in (gradio.queueing, gradio.route_utils, gradio.routes):
        module.traceback = _Tracebacks


class AccessLog:
    """Writes a line for every request, where that is wanted (``ui.watching.Observer``)."""

    def began(self) -> None:
        """Nothing is written yet."""

    def ended(self, served: Served) -> None:
        """Writes the line."""
        if not _access.isEnabledFor(logging.INFO):
            return
        caller = served.caller
        fields = {
            "method": served.method,
            "route": served.route,
            "status": served.status,
            "ms": round(served.seconds * 1000, 1),
            "bytes": served.size,
            "key": caller.key,
            "origin": caller.origin,
            "refused": served.refused,
            "broken": None if served.whole else True,
        }
        _access.info("request", extra={"fields": {name: value for name, value in fields.items() if value is not None}})


class TextLines(logging.Formatter):
    """Lines for people: time, level, logger, request, message; an exception's frames follow, indented."""

    def format(self, record: logging.LogRecord) -> str:
        """A record as a line; nothing in it can begin another one, except the frames of its exception."""
        entry = _entry(record)
        error, fields = entry.get("error"), entry.get("fields", {})
        words = [entry["time"], entry["level"], entry["logger"]]
        if "request_id" in entry:
            words.append(f"[{entry['request_id']}]")
        words.append(entry["message"])
        words += [f"{name}={value}" for name, value in fields.items()]
        line = _escaped(" ".join(map(str, words)))
        return "\n".join([line, *(f"    {_escaped(each)}" for each in error or ())])


class JsonLines(logging.Formatter):
    """One JSON object a line, in ASCII."""

    def format(self, record: logging.LogRecord) -> str:
        """A record as a line of JSON."""
        entry = _entry(record)
        fields = entry.pop("fields", {})
        return json.dumps(entry | {name: fields[name] for name in fields if name not in entry}, default=str)


def _entry(record: logging.LogRecord) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "time": dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname,
        "logger": record.name,
    }
    if name := request_id.get():
        entry["request_id"] = name
    entry["message"] = _message(record)
    fields = getattr(record, "fields", None)
    if isinstance(fields, Mapping):
        entry["fields"] = dict(fields)
    if record.exc_info and record.exc_info[1]:
        entry["error"] = list(_told(record.exc_info[1]))
    return entry


def _worth_writing(record: logging.LogRecord) -> bool:
    """Whether a record is ours, or a library's warning: some libraries' loggers have a level of their own."""
    return record.levelno >= logging.WARNING or record.name.partition(".")[0] in _OURS


def _message(record: logging.LogRecord) -> str:
    if record.name.partition(".")[0] in _PLAIN_SPOKEN:
        return record.getMessage().strip()[:_MOST_CHARACTERS]
    if record.name == "py.warnings" and (warned := _WARNED.match(record.getMessage())):
        return f"a warning was given: {warned[0]}"
    return f"a message of this library, at {record.module}:{record.lineno}; it is left out, it may quote what was sent"


def _told(error: BaseException, seen: frozenset[int] = frozenset()) -> Iterator[str]:
    """An exception's chain, innermost cause first: frames, kind and, where it can hold nothing private, text."""
    earlier = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if earlier is not None and id(earlier) not in seen:
        yield from _told(earlier, seen | {id(error)})
        yield "then"
    for frame in traceback.extract_tb(error.__traceback__)[-_LAST_FRAMES:]:
        yield f"{frame.filename}:{frame.lineno} in {frame.name}"
    text = f": {str(error)[:_MOST_CHARACTERS]}" if isinstance(error, _TELLING) else ""
    yield f"{type(error).__module__}.{type(error).__qualname__}{text}".removeprefix("builtins.")
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield "in it"
            yield from _told(each, seen | {id(error)})


def _escaped(text: str) -> str:
    r"""A text that stays in its line and moves no cursor: control, format and separator characters as ``\x1b``."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        char.encode("unicode_escape").decode() if unicodedata.category(char) in _UNSEEN else char for char in text
    )


_UNSEEN: Final = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))


class _Tracebacks:
    """Stands where Gradio's modules have ``traceback``."""

    @staticmethod
    def print_exc() -> None:
        logging.getLogger("ui.page").error("a call of the page failed", exc_info=True)


def _log_thread(failure: threading.ExceptHookArgs) -> None:
    """Instead of a traceback on standard error."""
    if failure.exc_value is not None and not isinstance(failure.exc_value, SystemExit):
        logging.getLogger("fineprint.threads").error("a thread failed", exc_info=failure.exc_value)
