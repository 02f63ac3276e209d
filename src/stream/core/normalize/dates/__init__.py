"""Moments in whatever form they come, as milliseconds since 1970 in UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from stream.core.timestamps import milliseconds

#: Nothing on the web was published or fetched outside these years; such a date is a fault of the source.
FIRST_YEAR: Final = 1900
LAST_YEAR: Final = 2200
#: Longer text is no date.
CHARS_MAX: Final = 200
#: Epoch numbers from here on are milliseconds: as seconds they would lie beyond `LAST_YEAR`.
_MILLISECONDS_FROM: Final = 7_300_000_000
# Shorter digits in text are a date such as 20260504, or a year, and no seconds of the early seventies.
_EPOCH: Final = re.compile(r"[0-9]{9,20}(?:\.[0-9]{1,9})?")
# Year to minutes or seconds without separators. Twelve digits could be milliseconds too, all of them of 1976.
_COMPACT: Final = re.compile(
    r"(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])(?:[01][0-9]|2[0-3])[0-5][0-9](?:[0-5][0-9])?"
)
# RFC 5322, section 3.3, with the obsolete zones of section 4.3 that have a meaning. The library takes far more, and
# drops what it does not know: «9:00 PM» becomes nine in the morning.
_MAIL: Final = re.compile(
    r"(?:[A-Za-z]{3}, ?)?[0-9]{1,2} [A-Za-z]{3} [0-9]{2,4} [0-9]{2}:[0-9]{2}(?::[0-9]{2})? "
    r"(?:[+-][0-9]{4}|GMT|UTC?|Z|[ECMP][SD]T)(?: \([A-Za-z]{1,9}\))?"
)
_FRACTION: Final = frozenset(".,")


def parse_moment(value: str | float, language: str | None = None) -> int | None:
    """Milliseconds since 1970 of RFC 3339, RFC 2822, epoch seconds or milliseconds, or a date as people write it.

    Text without an offset is taken as UTC, a day without a time as its midnight, and eight digits as a date.
    ``language`` (BCP 47) decides where text has two readings, as 03/04/2026 has. None where it is no moment, leaves two
    readings, or lies outside the years `FIRST_YEAR` to `LAST_YEAR`.
    """
    if isinstance(value, int | float):
        return _in_range(_from_number(value))
    value = value.strip()
    if len(value) > CHARS_MAX:
        return None
    moment = _in_range(_from_standard(value))
    return _in_range(_from_words(value, language)) if moment is None and value else moment


def _in_range(moment: datetime | None) -> int | None:
    if moment is None or not FIRST_YEAR <= moment.year <= LAST_YEAR:
        return None
    return milliseconds(moment)


def _from_number(value: float) -> datetime | None:
    try:
        seconds = value / 1000 if value >= _MILLISECONDS_FROM else value
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _from_standard(value: str) -> datetime | None:
    if value[:9].isdigit() and _EPOCH.fullmatch(value):
        if _COMPACT.fullmatch(value):
            value = f"{value[:8]}T{value[8:]}"
        else:
            return _from_number(float(value))
    moment = _from_iso(value) or (_from_mail(value) if _MAIL.fullmatch(value) else None)
    if moment is None:
        return None
    try:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError:
        return None


def _from_iso(value: str) -> datetime | None:
    if value[13:14] in _FRACTION:  # «2015-07-21 08.30» is read as eight o'clock and three tenths of a second
        return None
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return None


def _from_mail(value: str) -> datetime | None:
    try:
        return parsedate_to_datetime(value)
    except (ValueError, IndexError, OverflowError):
        return None


def _from_words(value: str, language: str | None) -> datetime | None:
    # Imported for the first such date only: with its calendars and names it takes as long as a thousand others.
    from stream.core.normalize.dates.free_form import read_written  # noqa: PLC0415 # see above

    return read_written(value, language)
