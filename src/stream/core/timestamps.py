"""Moments as the events write them; nothing here reads a clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

HOUR_MS: Final = 3600 * 1000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def rfc3339(milliseconds: int) -> str:
    """Milliseconds since 1970 as RFC 3339 in UTC.

    Raises:
        OverflowError: outside the years 1 to 9999.
    """
    moment = _EPOCH + timedelta(milliseconds=milliseconds)
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def read_rfc3339(value: str) -> int | None:
    """The milliseconds since 1970 of what `rfc3339` writes; None if it is no moment with an offset from UTC."""
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return milliseconds(moment) if moment.tzinfo else None


def milliseconds(moment: datetime) -> int:
    """An aware moment as milliseconds since 1970."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)
