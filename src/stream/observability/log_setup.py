"""Log lines on stderr, for people or as JSON; `docs/reference/logging.md` lists all events.

A module logs a constant text, the event, and passes everything else in ``extra``: fields in snake case. No line
contains article content, at any level. So the message of an exception is logged only if it cannot quote its input;
this includes exceptions that libraries log.

Repeated lines of WARNING and ERROR are throttled and counted: one of a kind per minute. INFO lines are changes of
state and CRITICAL lines the reason for the end: every one is written.
"""

from __future__ import annotations

import contextlib
import copy
import json
import logging
import os
import re
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from typing import Any, Final, TextIO

import structlog
from aiokafka.errors import KafkaError as AioKafkaError  # type: ignore[import-untyped] # it ships no types
from kafka.errors import KafkaError

from stream.core.contracts import codec
from stream.core.timestamps import format_rfc3339
from stream.errors import Rejected, StreamError
from stream.observability.log_throttle import EVERY_S, LogThrottle

log = logging.getLogger(__name__)

_KAFKA: Final = (AioKafkaError, KafkaError)
#: Their messages come from this project, the system or the broker. Those of others may quote their input.
_SAFE_MESSAGES: Final = (StreamError, OSError, *_KAFKA)
#: The message of these is enough to act on; others need a stack trace.
_WITHOUT_STACK: Final = (StreamError, ConnectionError, TimeoutError, *_KAFKA)
#: Libraries that log the content that they parse.
_CONTENT_LIBRARIES: Final = ("charset_normalizer", "courlan", "ftfy", "htmldate", "justext", "trafilatura", "urllib3")
_LIBRARIES: Final = ("faust", "mode", "aiokafka", "aiohttp.access", "stream.transport")
_VALUE_CHARS_MAX: Final = 1000
_EVENT_CHARS_MAX: Final = 1000
_CHAIN_MAX: Final = 5
_FRAMES_MAX: Final = 50
_OWN: Final = "stream"
_STANDARD: Final = frozenset(
    {*logging.makeLogRecord({}).__dict__, "message", "asctime", "taskName", "template", "fields", EVERY_S}
)
_QUOTED: Final = re.compile(r"""(['"]).*\1""", re.DOTALL)
_LEVEL_COLOURS: Final = {"debug": "\x1b[2m", "info": "\x1b[32m", "warning": "\x1b[33m"}
_RED: Final = "\x1b[31m"
_BOLD: Final = "\x1b[1m"
_DIM: Final = "\x1b[2m"
_RESET: Final = "\x1b[0m"


def configure_logging(level: str, log_format: str = "human", *, stream: TextIO | None = None) -> LogHandler:
    """Send all log lines to ``stream`` (default: stderr) and return the handler, which replaces all others.

    Args:
        level: of this project's own lines. Libraries log warnings and above: their DEBUG takes a tenth of the CPU.
        log_format: ``human`` or ``json``.
        stream: where to write.
    """
    handler = LogHandler(stream or sys.stderr)
    handler.setFormatter(formatter(log_format, has_colours=_has_colours(handler.stream)))
    root = logging.getLogger()
    for previous in list(root.handlers):
        root.removeHandler(previous)
        previous.close()
    root.addHandler(handler)
    library_level = max(logging.WARNING, logging.getLevelNamesMapping()[level])
    root.setLevel(library_level)
    logging.getLogger(_OWN).setLevel(level)
    for name in _LIBRARIES:
        logging.getLogger(name).setLevel(library_level)
    # kafka-python logs each attempt to connect; the exception that it raises in the end is logged once.
    for name in ("kafka", *_CONTENT_LIBRARIES):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    warnings.showwarning = _on_warning
    sys.excepthook = _on_uncaught
    threading.excepthook = _on_thread_exception
    return handler


class LogHandler(logging.StreamHandler[TextIO]):
    """Writes throttled log lines; keeps no exception and no argument beyond a call."""

    def __init__(self, stream: TextIO, throttle: LogThrottle | None = None) -> None:
        super().__init__(stream)
        self._throttle = throttle or LogThrottle()

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line unless it is throttled, and those that are due."""
        self._write(self._throttle.admit(_seal(record)))

    def tick(self) -> None:
        """Write throttled lines that are due. Call it regularly: otherwise they wait for the next log line."""
        with self._hold_lock():
            self._write(self._throttle.due())

    def close(self) -> None:
        """Write all throttled lines and close."""
        with self._hold_lock():
            self._write(self._throttle.drain())
        super().close()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Do nothing: the default prints the arguments of the record."""

    @contextlib.contextmanager
    def _hold_lock(self) -> Iterator[None]:
        self.acquire()
        try:
            yield
        finally:
            self.release()

    def _write(self, records: list[logging.LogRecord]) -> None:
        for record in records:
            super().emit(record)


def formatter(log_format: str, *, has_colours: bool = False) -> logging.Formatter:
    """The formatter for `LogHandler`."""
    renderer: Any = structlog.processors.JSONRenderer() if log_format == "json" else _console_renderer(has_colours)
    return structlog.stdlib.ProcessorFormatter(foreign_pre_chain=[_ordered_fields], processors=[renderer])


def describe_error(error: BaseException) -> str:
    """The type of ``error``, with its message unless that may quote article content."""
    message = safe_message(error)
    return f"{type(error).__qualname__}: {message}" if message else type(error).__qualname__


def safe_message(error: BaseException) -> str | None:
    """The message of ``error``, or None if it may quote article content; for a rejection, its code."""
    if isinstance(error, Rejected):
        return error.code
    if not isinstance(error, _SAFE_MESSAGES):
        return None
    # msgspec quotes values, and the project's own error repeats the message of msgspec.
    return _QUOTED.sub("'…'", str(error)) if isinstance(error.__cause__, codec.UNREADABLE) else str(error)


def _seal(record: logging.LogRecord) -> logging.LogRecord:
    """Copy a record, with texts and numbers only."""
    sealed = copy.copy(record)
    sealed.__dict__["template"] = str(record.msg)
    sealed.__dict__["fields"] = {**_extra_fields(record), **_exception_fields(record)}
    sealed.msg, sealed.args = _message(record), None
    sealed.exc_info = sealed.exc_text = sealed.stack_info = None
    return sealed


def _message(record: logging.LogRecord) -> str:
    safe = copy.copy(record)
    if isinstance(record.args, tuple):
        safe.args = tuple(_replace_exception(value) for value in record.args)
    elif record.args:
        safe.args = {name: _replace_exception(value) for name, value in record.args.items()}
    safe.msg = _replace_exception(record.msg)
    try:
        text = safe.getMessage()
    except Exception:  # noqa: BLE001 - a library passed arguments that do not fit its template
        text = str(record.msg)
    # asyncio appends the objects of its tasks, with their exceptions.
    first, *_ = text.splitlines() or [""]
    return (first if record.name == "asyncio" else text)[:_EVENT_CHARS_MAX]


class _Description(str):
    """Text that looks the same with ``%s`` and ``%r``."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def _replace_exception(value: object) -> Any:
    return _Description(describe_error(value)) if isinstance(value, BaseException) else value


def _extra_fields(record: logging.LogRecord) -> dict[str, Any]:
    if record.name.partition(".")[0] != _OWN:
        return {}
    extra = {name: value for name, value in record.__dict__.items() if name not in _STANDARD}
    return {name: _to_plain(value) for name, value in extra.items() if value is not None}


def _to_plain(value: object) -> Any:
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, int):
        return value
    if isinstance(value, BaseException):
        value = describe_error(value)
    return str(value)[:_VALUE_CHARS_MAX]


def _exception_fields(record: logging.LogRecord) -> dict[str, Any]:
    error = record.exc_info[1] if record.exc_info else None
    if error is None:
        return {}
    fields = {"exception_type": f"{type(error).__module__}.{type(error).__qualname__}"}
    if message := safe_message(error):
        fields["exception_message"] = message[:_VALUE_CHARS_MAX]
    if not isinstance(error, _WITHOUT_STACK):
        fields["stack"] = _format_stack(error)
    return fields


def _format_stack(error: BaseException) -> str:
    """The stack traces of ``error`` and its causes, in Python's order, with `describe_error` for messages."""
    chain: list[BaseException] = [error]
    while len(chain) < _CHAIN_MAX:
        cause = chain[-1].__cause__ or (None if chain[-1].__suppress_context__ else chain[-1].__context__)
        if cause is None:
            break
        chain.append(cause)
    parts = [
        "".join(traceback.format_tb(link.__traceback__, -_FRAMES_MAX)) + describe_error(link)
        for link in reversed(chain)
    ]
    return "\n".join(parts)


def _ordered_fields(_logger: Any, _name: str, event: Any) -> dict[str, Any]:
    """All fields of a sealed record, in the order of the line."""
    record: logging.LogRecord = event["_record"]
    return {
        "time": format_rfc3339(int(record.created * 1000)),
        "level": record.levelname.lower(),
        "logger": record.name,
        "event": event["event"],
        **record.__dict__["fields"],
    }


def _has_colours(stream: TextIO) -> bool:
    return stream.isatty() and "NO_COLOR" not in os.environ


def _console_renderer(has_colours: bool) -> structlog.dev.ConsoleRenderer:
    def colour(code: str) -> str:
        return code if has_colours else ""

    def column(style: str, value: Callable[[object], str], width: int = 0) -> structlog.dev.KeyValueColumnFormatter:
        return structlog.dev.KeyValueColumnFormatter(None, colour(style), colour(_RESET), value, width)

    def level(key: str, value: object) -> str:  # noqa: ARG001 - structlog passes it by name
        return f"{colour(_LEVEL_COLOURS.get(str(value), _RED))}{str(value).upper():<8}{colour(_RESET)}"

    other_fields = structlog.dev.KeyValueColumnFormatter(colour(_DIM), "", colour(_RESET), _quote)
    return structlog.dev.ConsoleRenderer(
        columns=[
            structlog.dev.Column("time", column(_DIM, str)),
            structlog.dev.Column("level", level),
            structlog.dev.Column("logger", column(_DIM, str)),
            structlog.dev.Column("event", column(_BOLD, _escape)),
            structlog.dev.Column("", other_fields),
        ],
        sort_keys=False,
    )


def _escape(value: object) -> str:
    text = str(value)
    return text if text.isprintable() else json.dumps(text)[1:-1]


def _quote(value: object) -> str:
    """Quote the value if it could be read as more than one, or is not printable."""
    text = json.dumps(value) if isinstance(value, bool) else str(value)
    if text.isprintable() and text and not set(text) & set(' "='):
        return text
    return json.dumps(text, ensure_ascii=not text.isprintable())


def _on_warning(  # noqa: PLR0917 - Python's interface
    message: Warning | str,  # noqa: ARG001 - it may quote article content
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,  # noqa: ARG001 - Python's interface
    line: str | None = None,  # noqa: ARG001 - the same
) -> None:
    log.warning("Python warning", extra={"category": category.__name__, "file": filename, "line": lineno})


def _on_uncaught(kind: type[BaseException], error: BaseException, trace: Any) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    else:
        log.critical("unhandled exception", exc_info=(kind, error, trace))


def _on_thread_exception(hook_args: threading.ExceptHookArgs) -> None:
    if hook_args.exc_value is not None:
        name = hook_args.thread.name if hook_args.thread else None
        log.error("unhandled exception in a thread", extra={"thread_name": name}, exc_info=hook_args.exc_value)
