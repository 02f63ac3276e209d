"""Moments as the events write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.core.timestamps import format_rfc3339, parse_rfc3339, to_epoch_ms


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_777_874_400_007, "2026-05-04T06:00:00.007Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (-62_135_596_800_000, "0001-01-01T00:00:00.000Z"),
        (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
    ],
)
def test_milliseconds_are_written_with_three_digits_and_z(moment: int, text: str) -> None:
    assert format_rfc3339(moment) == text


@pytest.mark.parametrize("moment", [-62_135_596_800_001, 253_402_300_800_000, 2**63])
def test_other_years_overflow(moment: int) -> None:
    with pytest.raises(OverflowError):
        format_rfc3339(moment)


@given(st.integers(-62_135_596_800_000, 253_402_300_799_999))
def test_writing_and_reading_give_the_same_moment(moment: int) -> None:
    assert parse_rfc3339(format_rfc3339(moment)) == moment


@pytest.mark.parametrize(
    ("text", "moment"),
    [("1970-01-01T03:00:00+03:00", 0), ("1970-01-01T00:00:00", None), ("1970-01-01", None), ("yesterday", None)],
)
def test_parsing_a_text_without_an_offset_gives_none(text: str, moment: int | None) -> None:
    assert parse_rfc3339(text) == moment


def test_other_zones_are_counted_from_the_same_instant() -> None:
    riyadh = datetime(2026, 5, 4, 9, tzinfo=timezone(timedelta(hours=3)))
    assert to_epoch_ms(riyadh) == to_epoch_ms(datetime(2026, 5, 4, 6, tzinfo=UTC))


def test_parts_of_a_millisecond_are_cut() -> None:
    assert to_epoch_ms(datetime(1970, 1, 1, 0, 0, 0, 1_999, tzinfo=UTC)) == 1
