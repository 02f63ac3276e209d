"""Conversion between RFC 3339 and milliseconds since 1970; nothing here reads a clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

HOUR_MS: Final = 3600 * 1000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def format_rfc3339(epoch_ms: int) -> str:
    """Format milliseconds since 1970 as RFC 3339 in UTC, with three digits for milliseconds.

    >>> format_rfc3339(1_777_874_400_007)
    '2026-05-04T06:00:00.007Z'

    Raises:
        OverflowError: The time is outside the years 1 to 9999.
    """
    moment = _EPOCH + timedelta(milliseconds=epoch_ms)
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def parse_rfc3339(text: str) -> int | None:
    """Parse RFC 3339 to milliseconds since 1970; None if it is no date and time with an offset from UTC.

    >>> parse_rfc3339("1970-01-01T03:00:01+03:00")
    1000
    >>> parse_rfc3339("1970-01-01T00:00:01") is None
    True
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return to_epoch_ms(moment) if moment.tzinfo else None


def to_epoch_ms(moment: datetime) -> int:
    """Convert a time with a time zone to milliseconds since 1970, rounded down."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)
