"""Converts days of the calendars in which news are dated to the Gregorian calendar."""

from __future__ import annotations

from datetime import date
from enum import IntEnum
from typing import Final

from hijridate import Hijri
from persiantools.jdatetime import JalaliDate

#: How many years the Thai calendar is ahead; Lao and Khmer newspapers use it too.
_BUDDHIST_YEARS_AHEAD: Final = 543
BUDDHIST_YEARS: Final = range(2443, 2744)
#: Years that without the name of a calendar are Persian (1921 to 2040) and Islamic (1999 to 2077). Where the ranges
#: would overlap the Persian calendar is assumed: pages from Islamic years before 1420 are older than the web.
PERSIAN_YEARS: Final = range(1300, 1420)
ISLAMIC_YEARS: Final = range(1420, 1501)


class Calendar(IntEnum):
    """Calendars in the order of trust if a text has several dates: the Islamic day depends on the moon's sighting."""

    GREGORIAN = 0
    PERSIAN = 1
    ISLAMIC = 2
    BUDDHIST = 3


def to_gregorian(calendar: Calendar, year: int, month: int, day: int) -> date | None:
    """Return the Gregorian date of a day, or None if there is no such day.

    The Persian calendar is the Solar Hijri (Jalali) calendar. The Islamic calendar is that of Umm al-Qura, from 1343 to
    1500.

    >>> to_gregorian(Calendar.PERSIAN, 1405, 2, 14)
    datetime.date(2026, 5, 4)
    >>> to_gregorian(Calendar.GREGORIAN, 2026, 2, 29) is None
    True
    """
    try:
        if calendar is Calendar.PERSIAN:
            return JalaliDate(year, month, day).to_gregorian()  # type: ignore[no-untyped-call] # half typed
        if calendar is Calendar.ISLAMIC:
            return date.fromordinal(Hijri(year, month, day).to_gregorian().toordinal())
        return date(year - _BUDDHIST_YEARS_AHEAD if calendar is Calendar.BUDDHIST else year, month, day)
    except (ValueError, OverflowError):
        return None


def guess_calendar(year: int) -> Calendar:
    """Return the calendar of a numeric date by its year alone. Buddhist years need more evidence."""
    if year in PERSIAN_YEARS:
        return Calendar.PERSIAN
    return Calendar.ISLAMIC if year in ISLAMIC_YEARS else Calendar.GREGORIAN
