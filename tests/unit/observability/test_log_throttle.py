"""Lines that come again and again."""

from __future__ import annotations

import logging
from typing import Any

from stream.observability.log_throttle import LogThrottle


class Clock:
    """Seconds that pass when told to."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def line(event: str, level: int = logging.WARNING, *, name: str = "stream.x", **fields: Any) -> logging.LogRecord:
    record = logging.makeLogRecord({"name": name, "msg": event, "levelno": level, "levelname": str(level)})
    record.__dict__.update(template=event, fields=fields)
    if "every_s" in fields:
        record.__dict__["every_s"] = fields.pop("every_s")
    return record


def told(records: list[logging.LogRecord]) -> list[tuple[str, dict[str, Any]]]:
    return [(record.msg, record.__dict__["fields"]) for record in records]


def test_a_repeat_is_left_out_and_counted_on_the_next() -> None:
    clock = Clock()
    limit = LogThrottle(clock=clock)
    assert told(limit.admit(line("letters", records=1))) == [("letters", {"records": 1})]
    for records in (2, 3, 4):
        clock.now += 19.9
        assert limit.admit(line("letters", records=records)) == []
    clock.now += 1
    again = told(limit.admit(line("letters", records=5)))
    assert again == [("letters", {"records": 5, "repeated": 3, "repeated_records": 9})]
    assert limit.drain() == []


def test_kinds_differ_by_logger_level_event_and_place() -> None:
    limit = LogThrottle(clock=Clock())
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
    assert [written for one in lines for written in limit.admit(one)] == lines
    assert limit.admit(line("a", partition=1, offset=9)) == []


def test_numbers_in_the_texts_of_libraries_make_no_new_kind() -> None:
    limit = LogThrottle(clock=Clock())
    assert len(limit.admit(line("node 1 is gone", name="aiokafka"))) == 1
    assert limit.admit(line("node 22 is gone", name="aiokafka")) == []


def test_changes_of_state_and_the_end_are_always_written() -> None:
    limit = LogThrottle(clock=Clock())
    for level, every_s in ((logging.INFO, 60), (logging.CRITICAL, 60), (logging.WARNING, 0)):
        for _ in range(3):
            assert len(limit.admit(line("changed", level, every_s=every_s))) == 1


def test_what_no_other_follows_is_written_when_its_time_has_come() -> None:
    clock = Clock()
    limit = LogThrottle(clock=clock)
    for offset in range(4):
        limit.admit(line("cannot", logging.ERROR, offset=offset))
    clock.now += 59
    assert limit.due() == []
    clock.now += 1
    assert told(limit.due()) == [("cannot", {"offset": 3, "repeated": 2})]
    assert limit.due() == []
    # It counts as the line of the next minute.
    assert limit.admit(line("cannot", logging.ERROR)) == []


def test_any_other_line_brings_what_is_due() -> None:
    clock = Clock()
    limit = LogThrottle(clock=clock)
    limit.admit(line("cannot", offset=1))
    limit.admit(line("cannot", offset=2))
    clock.now += 60
    assert [record.msg for record in limit.admit(line("ready", logging.INFO))] == ["cannot", "ready"]


def test_the_end_brings_all_that_was_left_out() -> None:
    limit = LogThrottle(clock=Clock())
    for event in ("a", "b", "a", "b", "a"):
        limit.admit(line(event))
    assert told(limit.drain()) == [("a", {"repeated": 1}), ("b", {})]


def test_memory_is_bounded_and_nothing_is_lost() -> None:
    limit = LogThrottle(clock=Clock(), kinds_max=10)
    written = []
    for turn in range(1000):
        for _ in range(3):
            written += limit.admit(line("hostile " + "x" * turn, code=str(turn)))
    assert len(limit._kinds) == 10  # noqa: SLF001 - what takes memory
    written += limit.drain()
    assert sum(1 + record.__dict__["fields"].get("repeated", 0) for record in written) == 3000
