"""Log lines: their two forms, what is told of errors, and what the flow tells."""

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
from stream.observability.flow_log import FlowLog, ranges
from stream.observability.log_setup import LogHandler, configure_logging, formatter, told
from stream.observability.progress_watch import Check
from tests.support.logging import kept_logging

MARKED: Final = "Tidal power is coming"
TIME: Final = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


@pytest.fixture(autouse=True)
def _kept() -> Iterator[None]:
    with kept_logging():
        yield


def written(log_fault: Callable[[logging.Logger], None], log_format: str = "json", *, name: str = "stream.some") -> str:
    """What stands in the log after ``log_fault``."""
    out = io.StringIO()
    handler = configure_logging("DEBUG", log_format, stream=out)
    log_fault(logging.getLogger(name))
    handler.close()
    return out.getvalue()


def line(log_fault: Callable[[logging.Logger], None], *, name: str = "stream.some") -> dict[str, Any]:
    (only,) = written(log_fault, name=name).splitlines()
    found: dict[str, Any] = json.loads(only)
    return found


def raising(error: BaseException, cause: BaseException | None = None) -> Callable[[logging.Logger], None]:
    """Tells of an error that was raised."""

    def log_fault(log: logging.Logger) -> None:
        try:
            raise error from cause or error.__cause__
        except type(error) as caught:
            log.critical("fault", exc_info=caught)

    return log_fault


def test_json_is_one_object_a_line_in_the_order_of_reading() -> None:
    found = line(
        lambda log: log.info(
            "index restored", extra={"topic": "t", "partition": 0, "seconds": 1.23456, "reason": None, "is_whole": True}
        )
    )
    assert list(found) == ["time", "level", "logger", "event", "topic", "partition", "seconds", "is_whole"]
    assert re.fullmatch(TIME, found.pop("time"))
    assert found == {
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
def test_a_line_for_people_is_one_line(value: object, expected: str) -> None:
    text = written(lambda log: log.warning("some event", extra={"field": value, "other": 1}), "human")
    assert re.fullmatch(TIME + r" WARNING  stream\.some some event field=" + re.escape(expected) + " other=1\n", text)


@pytest.mark.parametrize("value", ["two\nlines", "half \ud83d", b"\xff", float("inf"), [1], TimeoutError("slow")])
def test_any_value_is_one_line_of_json(value: object) -> None:
    assert line(lambda log: log.info("some event", extra={"field": value}))["field"]


class Terminal(io.StringIO):
    """A stream that says that it is one."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "no_colour", "expected"),
    [(Terminal(), None, True), (Terminal(), "1", False), (io.StringIO(), None, False)],
)
def test_colours_are_for_terminals(
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
    """What is raised where msgspec quotes a value."""
    try:
        msgspec.json.decode(json.dumps({"kind": f"it's {MARKED}"}), type=Kind)
    except msgspec.DecodeError as error:
        fault = IndexFault(f"log/0/3 is not a fingerprint ({error}); only the deduplicate step may write there")
        fault.__cause__ = error
        return fault
    raise AssertionError


class Kind(msgspec.Struct):
    """Has a field whose wrong values msgspec quotes."""

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
def test_an_error_tells_its_message_where_that_cannot_quote(
    error: Exception, message: str | None, has_stack: bool
) -> None:
    found = line(raising(error))
    assert MARKED not in json.dumps(found)
    assert found["exception_type"] == f"{type(error).__module__}.{type(error).__qualname__}"
    assert found.get("exception_message") == message
    assert ("stack" in found) is has_stack
    if has_stack:
        assert "in tell\n    raise error from cause or error.__cause__" in found["stack"]
        assert found["stack"].splitlines()[-1] == told(error)


def test_the_quotes_of_msgspec_are_cut_out() -> None:
    found = line(raising(unreadable()))
    assert found["exception_message"] == (
        "log/0/3 is not a fingerprint (Invalid enum value '…' - at `$.kind`); only the deduplicate step may write there"
    )


def test_a_stack_tells_the_causes_too() -> None:
    found = line(raising(ValueError(MARKED), KeyError(MARKED)))
    assert MARKED not in found["stack"]
    assert [one for one in found["stack"].splitlines() if not one.startswith(" ")] == ["KeyError", "ValueError"]


def test_libraries_tell_errors_in_the_same_way() -> None:
    def log_fault(log: logging.Logger) -> None:
        log.warning("Crashed reason=%r", ValueError(MARKED), extra={"data": {"text": MARKED}})

    found = line(log_fault, name="mode.services")
    assert found["event"] == "Crashed reason=ValueError"
    assert MARKED not in json.dumps(found)


def test_asyncio_does_not_tell_what_a_task_held() -> None:
    found = line(
        lambda log: log.error("Task exception was never retrieved\nfuture: <Task exception=%r>", MARKED),
        name="asyncio",
    )
    assert found["event"] == "Task exception was never retrieved"


def test_a_template_that_does_not_fit_is_told_as_it_is() -> None:
    assert line(lambda log: log.warning("of %d", MARKED), name="aiokafka")["event"] == "of %d"


@pytest.mark.parametrize("name", ["trafilatura.core", "htmldate", "courlan.urlutils", "justext", "kafka.conn"])
def test_libraries_that_log_what_they_read_are_silent(name: str) -> None:
    assert written(lambda log: log.error(MARKED), name=name) == ""


@pytest.mark.parametrize("name", ["faust", "mode", "aiokafka", "anything"])
def test_libraries_speak_up_from_warnings_on(name: str) -> None:
    def log_fault(log: logging.Logger) -> None:
        log.info("low")
        log.warning("high")

    assert line(log_fault, name=name)["event"] == "high"


def test_there_is_one_handler() -> None:
    configure_logging("INFO", stream=io.StringIO())
    configure_logging("INFO", stream=io.StringIO())
    assert [type(handler) for handler in logging.getLogger().handlers] == [LogHandler]


def test_what_was_left_out_is_written_at_the_end() -> None:
    def log_fault(log: logging.Logger) -> None:
        for offset in range(5):
            log.error("cannot", extra={"offset": offset})

    first, last = map(json.loads, written(log_fault).splitlines())
    assert (first["offset"], "repeated" in first) == (0, False)
    assert (last["offset"], last["repeated"]) == (4, 3)


def test_a_warning_of_python_is_told_without_its_text() -> None:
    out = io.StringIO()
    configure_logging("INFO", "json", stream=out)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn_explicit(MARKED, UserWarning, "lxml.py", 7)
    found = json.loads(out.getvalue())
    assert (found["event"], found["category"], found["line"]) == ("Python warning", "UserWarning", 7)
    assert MARKED not in out.getvalue()


def test_what_nobody_caught_is_a_line_too() -> None:
    out = io.StringIO()
    configure_logging("INFO", "json", stream=out)
    thread = threading.Thread(target=lambda: int(MARKED), name="asking")
    thread.start()
    thread.join()
    found = json.loads(out.getvalue())
    assert (found["event"], found["thread_name"]) == ("fault in a thread", "asking")
    assert MARKED not in out.getvalue()
    program = (
        "from stream.observability.log_setup import configure_logging\nconfigure_logging('INFO', 'json')\n"
        "class Named(Exception): pass\nraise Named('se' + 'cret')\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert json.loads(ended.stderr)["exception_type"] == "__main__.Named"


def test_the_form_of_lines_is_known() -> None:
    record = logging.makeLogRecord({"name": "stream.x", "msg": "event", "levelname": "INFO", "fields": {"offset": 7}})
    assert json.loads(formatter("json").format(record))["offset"] == 7


# What the flow tells.


def states(log_fault: Callable[[FlowLog], None]) -> list[dict[str, Any]]:
    lines = written(lambda _log: log_fault(FlowLog()), name="stream.observability.flow_log").splitlines()
    found = [json.loads(one) for one in lines]
    return [{name: value for name, value in one.items() if name not in ("time", "logger", "level")} for one in found]


def health(**stalled: float) -> Check:
    seconds = {name.replace("_", "/"): value for name, value in stalled.items()}
    return Check(not seconds, {"partitions": 4, "stalled_seconds": seconds})


def test_stalled_and_moving_again_is_a_line_each() -> None:
    ready = Check(is_good=False, details={})

    def log_fault(log: FlowLog) -> None:
        for check in (health(), health(raw_0=121.0), health(raw_0=122.0), health(raw_0=123.0, raw_1=121.0), health()):
            log.observed(check, ready)

    assert states(log_fault) == [
        {"event": "stalled", "partitions": "raw/0", "seconds": 121.0},
        {"event": "stalled", "partitions": "raw/1", "seconds": 121.0},
        {"event": "no longer stalled", "partitions": "raw/0-1"},
    ]


def test_ready_and_not_ready_is_a_line_each() -> None:
    def log_fault(log: FlowLog) -> None:
        for is_ready in (False, False, True, True, False, True):
            log.observed(health(), Check(is_ready, {}))

    assert [one["event"] for one in states(log_fault)] == ["ready", "not ready", "ready"]


def test_a_group_that_gives_nothing_is_told_once() -> None:
    def log_fault(log: FlowLog) -> None:
        for seconds in (121, 122):
            details = {"partitions": 0, "stalled_seconds": {}, "waiting_for_group_seconds": seconds}
            log.observed(Check(is_good=False, details=details), Check(is_good=False, details={}))

    assert states(log_fault) == [{"event": "no partitions from the group", "seconds": 121}]


@pytest.mark.parametrize(
    ("partitions", "expected"),
    [
        ([], ""),
        ([("raw", 0)], "raw/0"),
        ([("raw", 7), ("raw", 0), ("raw", 2), ("raw", 1), ("a", 3)], "a/3 raw/0-2,7"),
        ([("raw", number) for number in range(1000)], "raw/0-999"),
    ],
)
def test_partitions_are_told_in_few_characters(partitions: list[Any], expected: str) -> None:
    assert ranges(partitions) == expected
