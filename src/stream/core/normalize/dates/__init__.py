"""Dates and times in any common format, as milliseconds since 1970 in UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from stream.core.timestamps import to_epoch_ms

#: Nothing on the web was published or fetched outside these years; such a date is an error of the source.
FIRST_YEAR: Final = 1900
LAST_YEAR: Final = 2200
#: Longer text is not a date.
CHARS_MAX: Final = 200
#: Epoch numbers from here on are milliseconds: as seconds they would be after `LAST_YEAR`.
_EPOCH_MS_MIN: Final = 7_300_000_000
# Text with fewer digits is a date such as 20260504 or a year, not seconds in the early seventies.
_EPOCH: Final = re.compile(r"[0-9]{9,20}(?:\.[0-9]{1,9})?")
# Year to minute or second without separators. As milliseconds, all numbers of twelve digits would be in 1976.
_COMPACT: Final = re.compile(
    r"(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])(?:[01][0-9]|2[0-3])[0-5][0-9](?:[0-5][0-9])?"
)
# RFC 5322, section 3.3, with those obsolete zones of section 4.3 that have a defined meaning. The library accepts far
# more and drops what it does not understand: it reads "9:00 PM" as nine in the morning.
_RFC_5322: Final = re.compile(
    r"(?:[A-Za-z]{3}, ?)?[0-9]{1,2} [A-Za-z]{3} [0-9]{2,4} [0-9]{2}:[0-9]{2}(?::[0-9]{2})? "
    r"(?:[+-][0-9]{4}|GMT|UTC?|Z|[ECMP][SD]T)(?: \([A-Za-z]{1,9}\))?"
)
_DECIMAL_MARKS: Final = frozenset(".,")


def parse_moment(value: str | float, language: str | None = None) -> int | None:
    """Return the moment that ``value`` names, in milliseconds since 1970, or None.

    ``value`` is in RFC 3339, RFC 2822, epoch seconds or milliseconds, or a date as people write it (see `free_form`).
    Text without an offset is in UTC, a day without a time is its midnight, and eight digits are a date.

    ``language`` (BCP 47) decides where text has two readings, such as 03/04/2026. The result is None if ``value`` is
    not a moment, has two readings still, or is outside the years `FIRST_YEAR` to `LAST_YEAR`.

    >>> parse_moment("2026-05-04T09:00:00+03:00")
    1777874400000
    >>> parse_moment("4 مايو 2026، 9:00 ص بتوقيت مكة") == parse_moment(1777874400)
    True
    >>> parse_moment("03/04/2026") is None
    True
    >>> parse_moment("03/04/2026", "fr") == parse_moment("2026-04-03")
    True
    """
    if isinstance(value, int | float):
        return _to_milliseconds(_parse_number(value))
    value = value.strip()
    if len(value) > CHARS_MAX:
        return None
    moment = _to_milliseconds(_parse_standard(value))
    return _to_milliseconds(_parse_free_form(value, language)) if moment is None and value else moment


def _to_milliseconds(moment: datetime | None) -> int | None:
    if moment is None or not FIRST_YEAR <= moment.year <= LAST_YEAR:
        return None
    return to_epoch_ms(moment)


def _parse_number(value: float) -> datetime | None:
    try:
        seconds = value / 1000 if value >= _EPOCH_MS_MIN else value
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _parse_standard(value: str) -> datetime | None:
    if value[:9].isdigit() and _EPOCH.fullmatch(value):
        if not _COMPACT.fullmatch(value):
            return _parse_number(float(value))
        value = f"{value[:8]}T{value[8:]}"
    moment = _parse_iso(value) or (_parse_rfc_5322(value) if _RFC_5322.fullmatch(value) else None)
    if moment is None:
        return None
    try:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError:
        return None


def _parse_iso(value: str) -> datetime | None:
    if value[13:14] in _DECIMAL_MARKS:  # the library reads "2015-07-21 08.30" as eight o'clock and 0.3 seconds
        return None
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return None


def _parse_rfc_5322(value: str) -> datetime | None:
    try:
        return parsedate_to_datetime(value)
    except (ValueError, IndexError, OverflowError):
        return None


def _parse_free_form(value: str, language: str | None) -> datetime | None:
    # Imported with the first such date: importing its calendars and names takes as long as parsing a thousand dates.
    from stream.core.normalize.dates.free_form import parse_free_form  # noqa: PLC0415 # see above

    return parse_free_form(value, language)
