"""Moments in whatever form they come, as milliseconds since 1970 in UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from stream.clock import milliseconds

#: Nothing on the web was published or fetched outside these years; such a date is a fault of the source.
FIRST_YEAR: Final = 1900
LAST_YEAR: Final = 2200
#: Epoch numbers from here on are milliseconds: as seconds they would lie beyond `LAST_YEAR`.
_MILLISECONDS_FROM: Final = 7_300_000_000
# Shorter digits in text are a date such as 20260504, or a year, and no seconds of the early seventies.
_EPOCH_DIGITS_MIN: Final = 9
_EPOCH_DIGITS_MAX: Final = 20


def parse_moment(value: str | float) -> int | None:
    """Milliseconds since 1970 of RFC 3339 or RFC 2822 text, or of epoch seconds or milliseconds.

    Text without an offset is taken as UTC, and eight digits as a date. None where it is no moment, or not in the
    years `FIRST_YEAR` to `LAST_YEAR`.
    """
    moment = _from_number(value) if isinstance(value, int | float) else _from_text(value.strip())
    if moment is None or not FIRST_YEAR <= moment.year <= LAST_YEAR:
        return None
    return milliseconds(moment)


def _from_number(value: float) -> datetime | None:
    try:
        seconds = value / 1000 if value >= _MILLISECONDS_FROM else value
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _from_text(value: str) -> datetime | None:
    if value.isascii() and value.isdigit() and len(value) >= _EPOCH_DIGITS_MIN:
        return _from_number(int(value)) if len(value) <= _EPOCH_DIGITS_MAX else None
    moment = _from_iso(value) or _from_mail(value)
    if moment is None:
        return None
    try:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError:
        return None


def _from_iso(value: str) -> datetime | None:
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return None


def _from_mail(value: str) -> datetime | None:
    try:
        return parsedate_to_datetime(value)
    except (ValueError, IndexError, OverflowError):
        return None
