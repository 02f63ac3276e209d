"""The present time."""

from __future__ import annotations

from datetime import UTC, datetime

from stream.core.normalize.dates import parse_moment
from stream.core.timestamps import to_epoch_ms
from stream.system_clock import now, now_ms


def test_both_functions_return_the_same_time() -> None:
    before = now_ms()
    parsed = parse_moment(now())
    assert parsed is not None
    assert before <= parsed <= now_ms()


def test_the_present_is_later_than_the_writing_of_this_test() -> None:
    assert now_ms() > to_epoch_ms(datetime(2026, 1, 1, tzinfo=UTC))
