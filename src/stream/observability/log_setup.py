"""Log lines on stderr, for people or for machines; `docs/reference/logging.md` has a table of all of them.

A module logs a constant text, the event, and puts everything else into ``extra``: fields in snake case. A line never
holds what an article holds, at any level. So exceptions tell their message only where it cannot quote their input,
and what libraries hand over as exceptions is told in the same way.

What is repeated is left out and counted: of WARNING and ERROR, one line of a kind in a minute. INFO tells changes of
state, and CRITICAL the end: each is written.
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
from stream.core.timestamps import rfc3339
from stream.errors import Rejected, StreamError
from stream.observability.log_throttle import EVERY_S, LogThrottle

log = logging.getLogger(__name__)

_KAFKA: Final = (AioKafkaError, KafkaError)
#: Their messages come from this project, the system or the broker. Others' may quote what they could not read.
_TELLING: Final = (StreamError, OSError, *_KAFKA)
#: What these tell is enough to act on; for others, the programmer needs the place.
_WITHOUT_STACK: Final = (StreamError, ConnectionError, TimeoutError, *_KAFKA)
#: They log what they read.
_READERS: Final = ("charset_normalizer", "courlan", "ftfy", "htmldate", "justext", "trafilatura", "urllib3")
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
    """Send everything that is logged to ``stream`` (stderr), one line an event; returns the only handler.

    ``level``: of this project's own lines. Libraries speak up from warnings on: at DEBUG they cost a tenth of the CPU.
    ``log_format``: ``human`` or ``json``.
    """
    handler = LogHandler(stream or sys.stderr)
    handler.setFormatter(formatter(log_format, has_colours=_has_colours(handler.stream)))
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
        old.close()
    root.addHandler(handler)
    quiet = max(logging.WARNING, logging.getLevelNamesMapping()[level])
    root.setLevel(quiet)
    logging.getLogger(_OWN).setLevel(level)
    for name in _LIBRARIES:
        logging.getLogger(name).setLevel(quiet)
    # kafka-python logs each attempt to connect; what it raises in the end is told in one line.
    for name in ("kafka", *_READERS):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    warnings.showwarning = _on_warning
    sys.excepthook = _on_uncaught
    threading.excepthook = _on_thread_fault
    return handler


class LogHandler(logging.StreamHandler[TextIO]):
    """Writes lines, leaves out repeats, and holds no exception and no argument for longer than a call."""

    def __init__(self, stream: TextIO, limit: LogThrottle | None = None) -> None:
        super().__init__(stream)
        self._limit = limit or LogThrottle()

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line, and those that are due."""
        self._write(self._limit.admit(_sealed(record)))

    def tick(self) -> None:
        """Write what was left out and whose time has come, also where nothing else is logged."""
        with self._locked():
            self._write(self._limit.due())

    def close(self) -> None:
        """Write all that was left out."""
        with self._locked():
            self._write(self._limit.drain())
        super().close()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Do nothing: logging would print the record's arguments."""

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        self.acquire()
        try:
            yield
        finally:
            self.release()

    def _write(self, records: list[logging.LogRecord]) -> None:
        for record in records:
            super().emit(record)


def formatter(log_format: str, *, has_colours: bool = False) -> logging.Formatter:
    """The formatter of `LogHandler`'s lines."""
    renderer: Any = structlog.processors.JSONRenderer() if log_format == "json" else _console(has_colours)
    return structlog.stdlib.ProcessorFormatter(foreign_pre_chain=[_line], processors=[renderer])


def told(error: BaseException) -> str:
    """The type of ``error``, and its message where that cannot hold what an article holds."""
    message = message_of(error)
    return f"{type(error).__qualname__}: {message}" if message else type(error).__qualname__


def message_of(error: BaseException) -> str | None:
    """The message of ``error``, or None where it may quote an article; of a rejection, its code."""
    if isinstance(error, Rejected):
        return error.code
    if not isinstance(error, _TELLING):
        return None
    # msgspec quotes values, and our own error tells what msgspec said.
    return _QUOTED.sub("'…'", str(error)) if isinstance(error.__cause__, codec.UNREADABLE) else str(error)


def _sealed(record: logging.LogRecord) -> logging.LogRecord:
    """A copy that holds texts and numbers only."""
    sealed = copy.copy(record)
    sealed.__dict__["template"] = str(record.msg)
    sealed.__dict__["fields"] = {**_own_fields(record), **_fault_fields(record)}
    sealed.msg, sealed.args = _message(record), None
    sealed.exc_info = sealed.exc_text = sealed.stack_info = None
    return sealed


def _message(record: logging.LogRecord) -> str:
    quiet = copy.copy(record)
    if isinstance(record.args, tuple):
        quiet.args = tuple(_quiet(value) for value in record.args)
    elif record.args:
        quiet.args = {name: _quiet(value) for name, value in record.args.items()}
    quiet.msg = _quiet(record.msg)
    try:
        text = quiet.getMessage()
    except Exception:  # noqa: BLE001 - a wrong template of a library is not worth more
        text = str(record.msg)
    # asyncio goes on with what its tasks hold, their exceptions among them.
    first, *_ = text.splitlines() or [""]
    return (first if record.name == "asyncio" else text)[:_EVENT_CHARS_MAX]


class _Told(str):
    """The same whether a template asks for it with ``%s`` or ``%r``."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def _quiet(value: object) -> Any:
    return _Told(told(value)) if isinstance(value, BaseException) else value


def _own_fields(record: logging.LogRecord) -> dict[str, Any]:
    if record.name.partition(".")[0] != _OWN:
        return {}
    given = {name: value for name, value in record.__dict__.items() if name not in _STANDARD}
    return {name: _plain(value) for name, value in given.items() if value is not None}


def _plain(value: object) -> Any:
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, int):
        return value
    if isinstance(value, BaseException):
        value = told(value)
    return str(value)[:_VALUE_CHARS_MAX]


def _fault_fields(record: logging.LogRecord) -> dict[str, Any]:
    error = record.exc_info[1] if record.exc_info else None
    if error is None:
        return {}
    fields = {"exception_type": f"{type(error).__module__}.{type(error).__qualname__}"}
    if message := message_of(error):
        fields["exception_message"] = message[:_VALUE_CHARS_MAX]
    if not isinstance(error, _WITHOUT_STACK):
        fields["stack"] = _stack(error)
    return fields


def _stack(error: BaseException) -> str:
    """Where ``error`` and what led to it were raised, the last one last, as Python tells it."""
    chain: list[BaseException] = [error]
    while len(chain) < _CHAIN_MAX:
        before = chain[-1].__cause__ or (None if chain[-1].__suppress_context__ else chain[-1].__context__)
        if before is None:
            break
        chain.append(before)
    parts = ["".join(traceback.format_tb(one.__traceback__, -_FRAMES_MAX)) + told(one) for one in reversed(chain)]
    return "\n".join(parts)


def _line(_logger: Any, _name: str, event: Any) -> dict[str, Any]:
    """The line of a sealed record, in the order in which it is read."""
    record: logging.LogRecord = event["_record"]
    return {
        "time": rfc3339(int(record.created * 1000)),
        "level": record.levelname.lower(),
        "logger": record.name,
        "event": event["event"],
        **record.__dict__["fields"],
    }


def _has_colours(stream: TextIO) -> bool:
    return stream.isatty() and "NO_COLOR" not in os.environ


def _console(has_colours: bool) -> structlog.dev.ConsoleRenderer:
    def colour(code: str) -> str:
        return code if has_colours else ""

    def column(style: str, value: Callable[[object], str], width: int = 0) -> structlog.dev.KeyValueColumnFormatter:
        return structlog.dev.KeyValueColumnFormatter(None, colour(style), colour(_RESET), value, width)

    def level(key: str, value: object) -> str:  # noqa: ARG001 - structlog names it
        return f"{colour(_LEVEL_COLOURS.get(str(value), _RED))}{str(value).upper():<8}{colour(_RESET)}"

    others = structlog.dev.KeyValueColumnFormatter(colour(_DIM), "", colour(_RESET), _shown)
    return structlog.dev.ConsoleRenderer(
        columns=[
            structlog.dev.Column("time", column(_DIM, str)),
            structlog.dev.Column("level", level),
            structlog.dev.Column("logger", column(_DIM, str)),
            structlog.dev.Column("event", column(_BOLD, _printable)),
            structlog.dev.Column("", others),
        ],
        sort_keys=False,
    )


def _printable(value: object) -> str:
    text = str(value)
    return text if text.isprintable() else json.dumps(text)[1:-1]


def _shown(value: object) -> str:
    """Quoted where it could be read as more than one value, or is not printable."""
    text = json.dumps(value) if isinstance(value, bool) else str(value)
    if text.isprintable() and text and not set(text) & set(' "='):
        return text
    return json.dumps(text, ensure_ascii=not text.isprintable())


def _on_warning(  # noqa: PLR0917 - Python's interface
    message: Warning | str,  # noqa: ARG001 - it may quote what was read
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
        log.critical("unexpected fault", exc_info=(kind, error, trace))


def _on_thread_fault(fault: threading.ExceptHookArgs) -> None:
    if fault.exc_value is not None:
        name = fault.thread.name if fault.thread else None
        log.error("fault in a thread", extra={"thread_name": name}, exc_info=fault.exc_value)
