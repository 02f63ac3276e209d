"""Days of the calendars that news are dated by, as days of the Gregorian one."""

from __future__ import annotations

from datetime import date
from enum import IntEnum
from typing import Final

from hijridate import Hijri
from persiantools.jdatetime import JalaliDate

#: Thai years, of which Lao and Khmer papers count the same.
_BUDDHIST_AHEAD: Final = 543
BUDDHIST_YEARS: Final = range(2443, 2744)
#: Years, without a word on the calendar, that are Persian (1921 to 2040) and those that are Islamic (1999 to 2077).
#: Where they overlap the Persian is taken: pages of Islamic years before 1420 are older than the web.
SOLAR_YEARS: Final = range(1300, 1420)
LUNAR_YEARS: Final = range(1420, 1501)


class Calendar(IntEnum):
    """In the order in which they are believed where a text gives several: the lunar day depends on who saw the moon."""

    GREGORIAN = 0
    SOLAR = 1
    LUNAR = 2
    BUDDHIST = 3


def gregorian(calendar: Calendar, year: int, month: int, day: int) -> date | None:
    """The day in the Gregorian calendar, or None if there is no such day.

    Solar is the Persian calendar (Jalali). Lunar is that of Umm al-Qura, the years 1343 to 1500.
    """
    try:
        if calendar is Calendar.SOLAR:
            return JalaliDate(year, month, day).to_gregorian()  # type: ignore[no-untyped-call] # half typed
        if calendar is Calendar.LUNAR:
            return date.fromordinal(Hijri(year, month, day).to_gregorian().toordinal())
        return date(year - _BUDDHIST_AHEAD if calendar is Calendar.BUDDHIST else year, month, day)
    except (ValueError, OverflowError):
        return None


def calendar_of(year: int) -> Calendar:
    """The calendar of a date in figures by its year alone; Buddhist years take more than that."""
    if year in SOLAR_YEARS:
        return Calendar.SOLAR
    return Calendar.LUNAR if year in LUNAR_YEARS else Calendar.GREGORIAN
