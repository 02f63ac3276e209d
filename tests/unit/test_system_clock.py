"""The time of day."""

from __future__ import annotations

from datetime import UTC, datetime

from stream.core.normalize.dates import parse_moment
from stream.core.timestamps import milliseconds
from stream.system_clock import now, now_ms


def test_both_tell_the_same_time() -> None:
    before = now_ms()
    told = parse_moment(now())
    assert told is not None
    assert before <= told <= now_ms()


def test_it_is_later_than_this_was_written() -> None:
    assert now_ms() > milliseconds(datetime(2026, 1, 1, tzinfo=UTC))
