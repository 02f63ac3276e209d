"""The two formats of log lines, and what they reveal about errors."""

from __future__ import annotations

import io
import json
import logging
import re
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
import pytest
from aiokafka.errors import NodeNotReadyError  # type: ignore[import-untyped] # it ships no types

from stream.errors import IndexFault, Rejected
from stream.observability.log_setup import LogHandler, configure_logging, describe_error, formatter
from tests.support.logging import restored_logging

MARKED: Final = "Tidal power is coming"
TIME: Final = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


@pytest.fixture(autouse=True)
def _restore() -> Iterator[None]:
    with restored_logging():
        yield


def capture_log(
    log_fault: Callable[[logging.Logger], None], log_format: str = "json", *, name: str = "stream.some"
) -> str:
    """The log after a call of ``log_fault``."""
    out = io.StringIO()
    handler = configure_logging("DEBUG", log_format, stream=out)
    log_fault(logging.getLogger(name))
    handler.close()
    return out.getvalue()


def line(log_fault: Callable[[logging.Logger], None], *, name: str = "stream.some") -> dict[str, Any]:
    (only,) = capture_log(log_fault, name=name).splitlines()
    fields: dict[str, Any] = json.loads(only)
    return fields


def raising(error: BaseException, cause: BaseException | None = None) -> Callable[[logging.Logger], None]:
    """A function that raises ``error`` and logs it."""

    def log_fault(log: logging.Logger) -> None:
        try:
            raise error from cause or error.__cause__
        except type(error) as caught:
            log.critical("fault", exc_info=caught)

    return log_fault


def test_a_json_line_is_one_object_with_ordered_fields() -> None:
    fields = line(
        lambda log: log.info(
            "index restored", extra={"topic": "t", "partition": 0, "seconds": 1.23456, "reason": None, "is_whole": True}
        )
    )
    assert list(fields) == ["time", "level", "logger", "event", "topic", "partition", "seconds", "is_whole"]
    assert re.fullmatch(TIME, fields.pop("time"))
    assert fields == {
        "level": "info",
        "logger": "stream.some",
        "event": "index restored",
        "topic": "t",
        "partition": 0,
        "seconds": 1.235,
        "is_whole": True,
    }


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("plain/0-3", "plain/0-3"),
        ("two words", '"two words"'),
        ("a=b", '"a=b"'),
        ("", '""'),
        ("two\nlines", r'"two\nlines"'),
        ("\x1b[31mred \u202e", r'"\u001b[31mred \u202e"'),
        ("خبر", "خبر"),
        ("half \ud83d", r'"half \ud83d"'),
        (7, "7"),
        (True, "true"),
        (Path("/srv"), "/srv"),
        (TimeoutError("slow"), '"TimeoutError: slow"'),
        ("x" * 5000, "x" * 1000),
    ],
)
def test_a_human_line_is_one_line_with_quoted_values(value: object, expected: str) -> None:
    text = capture_log(lambda log: log.warning("some event", extra={"field": value, "other": 1}), "human")
    assert re.fullmatch(TIME + r" WARNING  stream\.some some event field=" + re.escape(expected) + " other=1\n", text)


@pytest.mark.parametrize("value", ["two\nlines", "half \ud83d", b"\xff", float("inf"), [1], TimeoutError("slow")])
def test_any_value_is_one_line_of_json(value: object) -> None:
    assert line(lambda log: log.info("some event", extra={"field": value}))["field"]


class Terminal(io.StringIO):
    """A stream that claims to be a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "no_colour", "expected"),
    [(Terminal(), None, True), (Terminal(), "1", False), (io.StringIO(), None, False)],
)
def test_colours_are_used_on_terminals_only(
    stream: io.StringIO, no_colour: str | None, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    if no_colour:
        monkeypatch.setenv("NO_COLOR", no_colour)
    configure_logging("INFO", stream=stream)
    logging.getLogger("stream.some").error("broken", extra={"field": "value"})
    assert ("\x1b[" in stream.getvalue()) is expected
    assert re.sub(r"\x1b\[\d+m", "", stream.getvalue()).endswith(" ERROR    stream.some broken field=value\n")


def unreadable() -> IndexFault:
    """An error whose cause is one of msgspec that quotes a value."""
    try:
        msgspec.json.decode(json.dumps({"kind": f"it's {MARKED}"}), type=Kind)
    except msgspec.DecodeError as error:
        fault = IndexFault(f"log/0/3 is not a fingerprint ({error}); only the deduplicate step may write there")
        fault.__cause__ = error
        return fault
    raise AssertionError


class Kind(msgspec.Struct):
    """A struct with a field whose invalid values msgspec quotes."""

    kind: Literal["a", "b"]


@pytest.mark.parametrize(
    ("error", "message", "has_stack"),
    [
        (ValueError(MARKED), None, True),
        (KeyError(MARKED), None, True),
        (UnicodeEncodeError("utf-8", MARKED, 0, 1, MARKED), None, True),
        (OSError(28, "No space left on device"), "[Errno 28] No space left on device", True),
        (ConnectionResetError("gone"), "gone", False),
        (IndexFault("the disk is full"), "the disk is full", False),
        (NodeNotReadyError("node 1"), "NodeNotReadyError: node 1", False),
        (Rejected("wrong_type", MARKED), "wrong_type", False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_message_of_an_error_is_logged_only_if_it_cannot_quote_content(
    error: Exception, message: str | None, has_stack: bool
) -> None:
    fields = line(raising(error))
    assert MARKED not in json.dumps(fields)
    assert fields["exception_type"] == f"{type(error).__module__}.{type(error).__qualname__}"
    assert fields.get("exception_message") == message
    assert ("stack" in fields) is has_stack
    if has_stack:
        assert "in log_fault\n    raise error from cause or error.__cause__" in fields["stack"]
        assert fields["stack"].splitlines()[-1] == describe_error(error)


def test_values_quoted_by_msgspec_are_masked() -> None:
    fields = line(raising(unreadable()))
    assert fields["exception_message"] == (
        "log/0/3 is not a fingerprint (Invalid enum value '…' - at `$.kind`); only the deduplicate step may write there"
    )


def test_a_stack_contains_the_causes() -> None:
    fields = line(raising(ValueError(MARKED), KeyError(MARKED)))
    assert MARKED not in fields["stack"]
    assert [text for text in fields["stack"].splitlines() if not text.startswith(" ")] == ["KeyError", "ValueError"]


def test_errors_logged_by_libraries_are_masked_too() -> None:
    def log_fault(log: logging.Logger) -> None:
        log.warning("Crashed reason=%r", ValueError(MARKED), extra={"data": {"text": MARKED}})

    fields = line(log_fault, name="mode.services")
    assert fields["event"] == "Crashed reason=ValueError"
    assert MARKED not in json.dumps(fields)


def test_objects_of_tasks_logged_by_asyncio_are_dropped() -> None:
    fields = line(
        lambda log: log.error("Task exception was never retrieved\nfuture: <Task exception=%r>", MARKED),
        name="asyncio",
    )
    assert fields["event"] == "Task exception was never retrieved"


def test_a_template_that_does_not_fit_its_arguments_is_logged_as_it_is() -> None:
    assert line(lambda log: log.warning("of %d", MARKED), name="aiokafka")["event"] == "of %d"


@pytest.mark.parametrize("name", ["trafilatura.core", "htmldate", "courlan.urlutils", "justext", "kafka.conn"])
def test_libraries_that_log_content_are_silent(name: str) -> None:
    assert capture_log(lambda log: log.error(MARKED), name=name) == ""


@pytest.mark.parametrize("name", ["faust", "mode", "aiokafka", "anything"])
def test_libraries_log_warnings_and_above(name: str) -> None:
    def log_fault(log: logging.Logger) -> None:
        log.info("low")
        log.warning("high")

    assert line(log_fault, name=name)["event"] == "high"


def test_configuring_twice_leaves_one_handler() -> None:
    configure_logging("INFO", stream=io.StringIO())
    configure_logging("INFO", stream=io.StringIO())
    assert [type(handler) for handler in logging.getLogger().handlers] == [LogHandler]


def test_suppressed_lines_are_written_when_the_handler_is_closed() -> None:
    def log_fault(log: logging.Logger) -> None:
        for offset in range(5):
            log.error("cannot", extra={"offset": offset})

    first, last = map(json.loads, capture_log(log_fault).splitlines())
    assert (first["offset"], "repeated" in first) == (0, False)
    assert (last["offset"], last["repeated"]) == (4, 3)


def test_a_python_warning_is_logged_without_its_text() -> None:
    out = io.StringIO()
    configure_logging("INFO", "json", stream=out)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn_explicit(MARKED, UserWarning, "lxml.py", 7)
    fields = json.loads(out.getvalue())
    assert (fields["event"], fields["category"], fields["line"]) == ("Python warning", "UserWarning", 7)
    assert MARKED not in out.getvalue()


def test_unhandled_exceptions_are_logged() -> None:
    out = io.StringIO()
    configure_logging("INFO", "json", stream=out)
    thread = threading.Thread(target=lambda: int(MARKED), name="worker")
    thread.start()
    thread.join()
    fields = json.loads(out.getvalue())
    assert (fields["event"], fields["thread_name"]) == ("unhandled exception in a thread", "worker")
    assert MARKED not in out.getvalue()
    program = (
        "from stream.observability.log_setup import configure_logging\nconfigure_logging('INFO', 'json')\n"
        "class Named(Exception): pass\nraise Named('se' + 'cret')\n"
    )
    process = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert process.returncode == 1
    assert json.loads(process.stderr)["exception_type"] == "__main__.Named"


def test_the_formatter_can_be_used_alone() -> None:
    record = logging.makeLogRecord({"name": "stream.x", "msg": "event", "levelname": "INFO", "fields": {"offset": 7}})
    assert json.loads(formatter("json").format(record))["offset"] == 7
