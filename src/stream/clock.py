"""Moments as the events write them; nothing here reads a clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def rfc3339(milliseconds: int) -> str:
    """Milliseconds since 1970 as RFC 3339 in UTC.

    Raises:
        OverflowError: outside the years 1 to 9999.
    """
    moment = _EPOCH + timedelta(milliseconds=milliseconds)
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def milliseconds(moment: datetime) -> int:
    """An aware moment as milliseconds since 1970."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)
