"""Throttling of repeated log lines."""

from __future__ import annotations

import logging
from typing import Any

from stream.observability.log_throttle import LogThrottle


class Clock:
    """A clock that is set by hand."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def line(event: str, level: int = logging.WARNING, *, name: str = "stream.x", **fields: Any) -> logging.LogRecord:
    record = logging.makeLogRecord({"name": name, "msg": event, "levelno": level, "levelname": str(level)})
    record.__dict__.update(template=event, fields=fields)
    if "every_s" in fields:
        record.__dict__["every_s"] = fields.pop("every_s")
    return record


def contents(records: list[logging.LogRecord]) -> list[tuple[str, dict[str, Any]]]:
    return [(record.msg, record.__dict__["fields"]) for record in records]


def test_repeats_are_suppressed_and_counted_on_the_next_line() -> None:
    clock = Clock()
    throttle = LogThrottle(clock=clock)
    assert contents(throttle.admit(line("dead letters", records=1))) == [("dead letters", {"records": 1})]
    for records in (2, 3, 4):
        clock.now += 19.9
        assert throttle.admit(line("dead letters", records=records)) == []
    clock.now += 1
    again = contents(throttle.admit(line("dead letters", records=5)))
    assert again == [("dead letters", {"records": 5, "repeated": 3, "repeated_records": 9})]
    assert throttle.drain() == []


def test_kinds_differ_by_logger_level_event_and_key_fields() -> None:
    throttle = LogThrottle(clock=Clock())
    lines = [
        line("a", partition=1),
        line("a", partition=2),
        line("a", topic="t"),
        line("a", step="s"),
        line("a", code="c"),
        line("a", logging.ERROR),
        line("a", name="stream.y"),
        line("b"),
    ]
    assert [admitted for record in lines for admitted in throttle.admit(record)] == lines
    assert throttle.admit(line("a", partition=1, offset=9)) == []


def test_numbers_in_a_text_do_not_distinguish_kinds() -> None:
    throttle = LogThrottle(clock=Clock())
    assert len(throttle.admit(line("node 1 is gone", name="aiokafka"))) == 1
    assert throttle.admit(line("node 22 is gone", name="aiokafka")) == []


def test_info_critical_and_changes_of_state_are_never_throttled() -> None:
    throttle = LogThrottle(clock=Clock())
    for level, every_s in ((logging.INFO, 60), (logging.CRITICAL, 60), (logging.WARNING, 0)):
        for _ in range(3):
            assert len(throttle.admit(line("changed", level, every_s=every_s))) == 1


def test_a_suppressed_line_is_written_when_its_interval_is_over() -> None:
    clock = Clock()
    throttle = LogThrottle(clock=clock)
    for offset in range(4):
        throttle.admit(line("cannot", logging.ERROR, offset=offset))
    clock.now += 59
    assert throttle.due() == []
    clock.now += 1
    assert contents(throttle.due()) == [("cannot", {"offset": 3, "repeated": 2})]
    assert throttle.due() == []
    # It counts as the line of the next interval.
    assert throttle.admit(line("cannot", logging.ERROR)) == []


def test_any_line_releases_those_that_are_due() -> None:
    clock = Clock()
    throttle = LogThrottle(clock=clock)
    throttle.admit(line("cannot", offset=1))
    throttle.admit(line("cannot", offset=2))
    clock.now += 60
    assert [record.msg for record in throttle.admit(line("ready", logging.INFO))] == ["cannot", "ready"]


def test_draining_releases_all_suppressed_lines() -> None:
    throttle = LogThrottle(clock=Clock())
    for event in ("a", "b", "a", "b", "a"):
        throttle.admit(line(event))
    assert contents(throttle.drain()) == [("a", {"repeated": 1}), ("b", {})]


def test_the_number_of_kinds_is_bounded_and_no_count_is_lost() -> None:
    throttle = LogThrottle(clock=Clock(), kinds_max=10)
    records = []
    for turn in range(1000):
        for _ in range(3):
            records += throttle.admit(line("hostile " + "x" * turn, code=str(turn)))
    assert len(throttle) == 10
    records += throttle.drain()
    assert sum(1 + record.__dict__["fields"].get("repeated", 0) for record in records) == 3000
