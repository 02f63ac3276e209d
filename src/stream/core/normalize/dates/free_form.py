"""Parses dates as people write them: with names of months, in several calendars, in any order with a single reading.

Nothing is guessed: no current date, no local time zone, no two-digit years, and no order of day and month if both are
possible.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from typing import Final, NamedTuple

from stream.core.normalize.dates.calendars import BUDDHIST_YEARS, Calendar, guess_calendar, to_gregorian
from stream.core.normalize.dates.month_names import NAME_WORDS_MAX, TOKEN, fold, load_names
from stream.core.normalize.dates.time_of_day import split_time

# Words that may be between day, month and year, folded.
_FILLERS: Final = frozenset(
    fold(
        "of de del di da do dos le la el the st nd rd th er o a den der am die um on dated "
        "г год года году р рік року ж жыл жылғы жылы година години m d gada gads eko ko ren én án "
        "سنة عام لعام لسنة من شهر في يوم بتاريخ تاريخ ماه سال مورخ بروز کو ל ב של בשנת सन ปี เดือน วันที่ ที่ พ ศ ค ngay nam "
        "T klo kl"
    ).split()
)
_MONTH_PREFIX: Final = "thang"  # Vietnamese: month 7
_ERAS: Final = {
    fold(word): calendar
    for words, calendar in (
        ("ه هج هجري هجرية للهجرة ق قمري ah hijri", Calendar.ISLAMIC),
        ("ش شمسي خورشيدي", Calendar.PERSIAN),
        ("م ميلادي ميلادية للميلاد ad ce", Calendar.GREGORIAN),
    )
    for word in words.split()
}
_SEPARATORS: Final = frozenset("/.-")
_YEAR_DIGITS: Final = 4
_DAY_DIGITS_MAX: Final = 2
_MONTHS: Final = range(1, 13)
_DAYS: Final = range(1, 33)
_CHINESE_NUMBER: Final = re.compile(r"[〇零一二三四五六七八九十]{1,4}(?=[年月日號号时時点點分])")
_CHINESE_DIGITS: Final = {"〇": "0", **dict(zip("零一二三四五六七八九", "0123456789", strict=True))}
_BUDDHIST_SCRIPTS: Final = re.compile("[\u0e00-\u0eff\u1780-\u17ff]")
_BUDDHIST_LANGUAGES: Final = frozenset({"th", "lo", "km"})
# Languages that write the month first (CLDR), and those in which both orders occur. In all others the day is first.
_MONTH_FIRST: Final = frozenset({"en-us", "en-ph", "en-pr", "en-gu", "en-vi", "en-as", "fil", "ceb", "es-pr", "es-pa"})
_EITHER_FIRST: Final = frozenset({"en", "en-ca", "en-za", "zh", "ja", "ko", "hu", "mn", "und", "mul"})

#: Months of the year, each in one calendar.
Months = frozenset[tuple[Calendar, int]]


class _Item(NamedTuple):
    """A part of a date.

    ``kind`` is n for a number, m for a month, e for an era, f for a date in numbers, x for anything that ends a date.
    ``months`` are the months, with their calendars, that the name of a month may mean.
    """

    kind: str
    text: str = ""
    months: Months = frozenset()


_END: Final = _Item("x")


class _Parts(NamedTuple):
    """A date whose calendar is not certain yet; ``months`` has the month in each possible calendar."""

    year: int
    months: Months
    day: int


class _Reading(NamedTuple):
    """A date that a text gives, in the Gregorian calendar, and the calendar in which the text gives it."""

    calendar: Calendar
    day: date


def parse_free_form(text: str, language: str | None = None) -> datetime | None:
    """Return the moment that ``text`` names, in UTC; None if it names none or may mean two.

    A day without a time is its midnight, and a time without a zone is in UTC. ``language`` (BCP 47) decides between
    readings that the text leaves open. If a text gives a day in several calendars, the Gregorian one counts.

    >>> str(parse_free_form("Monday, May 4th, 2026 at 9:00 am EST"))
    '2026-05-04 14:00:00+00:00'
    >>> str(parse_free_form("۱۴ اردیبهشت ۱۴۰۵"))
    '2026-05-04 00:00:00+00:00'
    >>> parse_free_form("yesterday") is None
    True
    """
    split = split_time(_CHINESE_NUMBER.sub(_to_digits, " ".join(fold(text).split())))
    if split is None:
        return None
    tag = (language or "").lower().replace("_", "-")
    readings = _DateParser(
        tag,
        is_day_first=_is_day_first(tag, text),
        is_buddhist=bool(_BUDDHIST_SCRIPTS.search(text)) or tag.partition("-")[0] in _BUDDHIST_LANGUAGES,
    ).parse(split.rest)
    calendar = min((reading.calendar for reading in readings), default=None)
    days = {reading.day for reading in readings if reading.calendar == calendar}
    if len(days) != 1:
        return None
    midnight = datetime.combine(days.pop(), time(), UTC)
    if split.time is None:
        return midnight
    try:
        return midnight + (split.time.since_midnight - (split.time.utc_offset or timedelta()))
    except OverflowError:
        return None


class _DateParser:
    """Parses the dates in one folded text without its time of day."""

    def __init__(self, language: str, *, is_day_first: bool | None, is_buddhist: bool) -> None:
        self._primary_language = language.partition("-")[0]
        self._is_day_first = is_day_first
        self._is_buddhist = is_buddhist
        self._names = load_names()
        self._weekdays: set[int] = set()

    def parse(self, text: str) -> list[_Reading]:
        """Return every date of ``text``; none if one of them is not a possible day or has an extra number beside it."""
        readings: list[_Reading] = []
        items = self._read_items([(match.lastgroup, match[0]) for match in TOKEN.finditer(text)])
        for run in _split_runs(items):
            readings_of_run = self._parse_run(run)
            if readings_of_run is None:
                return []
            readings += readings_of_run
        return readings

    def _read_items(self, tokens: list[tuple[str | None, str]]) -> list[_Item]:
        items: list[_Item] = []
        i = 0
        while i < len(tokens):
            kind, text = tokens[i]
            used = 1
            if kind == "number":
                used, item = _read_number(tokens, i)
                items.append(item)
            elif kind == "unit":
                if text in "月월" and items and items[-1].kind == "n":
                    items[-1] = _numbered_month(items[-1].text)
            elif kind == "word":
                used, word_item = self._read_word(tokens, i)
                if word_item and word_item.kind == "m" and items and items[-1].kind == "m":
                    # Two names of one month, as in "يناير/كانون الثاني".
                    items[-1] = _Item("m", "", items[-1].months & word_item.months)
                elif word_item:
                    items.append(word_item)
            i += used
        return items

    def _read_word(self, tokens: list[tuple[str | None, str]], start: int) -> tuple[int, _Item | None]:
        """Return the number of tokens used at ``start``, and the item that they make; None for a filler."""
        names: list[tuple[int, str]] = []  # the number of tokens, and the words of them joined
        for i in range(start, min(len(tokens), start + 2 * NAME_WORDS_MAX)):
            kind, text = tokens[i]
            if kind == "word" or (kind == "unit" and names):
                names.append((i - start + 1, f"{names[-1][1]} {text}" if names else text))
            elif text not in ".-":
                break
            if len(names) == NAME_WORDS_MAX:
                break
        for used, name in reversed(names):
            months = self._months_named(name)
            if months:
                return used, _Item("m", "", months)
            if name in self._names.weekdays:
                self._weekdays.add(self._names.weekdays[name])
                return used, _END
        text = tokens[start][1]
        if text == _MONTH_PREFIX and start + 1 < len(tokens) and tokens[start + 1][0] == "number":
            return 2, _numbered_month(tokens[start + 1][1])
        if text in _ERAS:
            return 1, _Item("e", text)
        return 1, None if text in _FILLERS else _END

    def _months_named(self, name: str) -> Months:
        months = self._names.months.get(name)
        if not months and name[0] in "בו":  # Hebrew prefixes
            months = self._names.months.get(name[1:])
        if not months:
            return frozenset()
        own = frozenset(month for month, languages in months.items() if self._primary_language in languages)
        return own or frozenset(months)

    def _parse_run(self, run: list[_Item]) -> list[_Reading] | None:
        """Return the dates of ``run``; None if one is impossible, or if there is an extra number beside a date."""
        readings: list[_Reading] = []
        has_extra_number = False
        i = 0
        kinds = "".join(item.kind for item in run)
        while i < len(run):
            if kinds[i] == "f":
                used, parts = 1, self._parse_numeric_date(run[i].text.split())
            elif kinds[i : i + 3] in ("nmn", "mnn", "nnm"):
                used, parts = 3, _parse_named_date(run[i : i + 3])
            else:
                has_extra_number = has_extra_number or kinds[i] == "n"
                i += 1
                continue
            i += used
            era = None
            while kinds[i : i + 1] == "e":
                era = _ERAS[run[i].text]
                i += 1
            reading = self._resolve(parts, era) if parts else None
            if reading is None:
                return None
            readings.append(reading)
        return None if has_extra_number and readings else readings

    def _resolve(self, parts: _Parts, era: Calendar | None) -> _Reading | None:
        """Return the date in the most trusted calendar in which it is possible; None if it has two readings there."""
        readings: list[_Reading] = []
        for month_calendar, month in sorted(parts.months):
            calendar = month_calendar
            if self._is_buddhist and calendar is Calendar.GREGORIAN and parts.year in BUDDHIST_YEARS:
                calendar = Calendar.BUDDHIST  # it has the same months
            day = to_gregorian(calendar, parts.year, month, parts.day) if era in (None, calendar) else None
            if day:
                readings.append(_Reading(month_calendar, day))
        best = [reading for reading in readings if reading.calendar == readings[0].calendar]
        return best[0] if len(best) == 1 else None

    def _parse_numeric_date(self, tokens: list[str]) -> _Parts | None:
        """Return the date of three numbers and their separators, with its month in each possible calendar."""
        first, separator, second, _, third = tokens
        if len(first) == _YEAR_DIGITS and len(third) <= _DAY_DIGITS_MAX:
            return _numeric_parts(int(first), int(second), int(third))
        if len(third) != _YEAR_DIGITS or max(len(first), len(second)) > _DAY_DIGITS_MAX:
            return None
        year = int(third)
        in_order = (int(first), int(second))  # day, month
        swapped = in_order[::-1]
        is_day_first = guess_calendar(year) is not Calendar.GREGORIAN or separator == "." or self._is_day_first
        usual = {in_order, swapped} if is_day_first is None else {in_order if is_day_first else swapped}
        possible = [pair for pair in usual if _is_possible(*pair)]
        possible = possible or [pair for pair in {in_order, swapped} if _is_possible(*pair)]
        if len(possible) > 1:
            possible = [pair for pair in possible if self._has_named_weekday(year, *pair)]
        if len(possible) != 1:
            return None
        day, month = possible[0]
        return _numeric_parts(year, month, day)

    def _has_named_weekday(self, year: int, day: int, month: int) -> bool:
        gregorian = to_gregorian(Calendar.GREGORIAN, year, month, day)
        return gregorian is not None and gregorian.weekday() in self._weekdays


def _split_runs(items: list[_Item]) -> Iterator[list[_Item]]:
    """Yield the runs of items that are not separated by an end."""
    for is_end, run in groupby(items, lambda item: item.kind == "x"):
        if not is_end:
            yield list(run)


def _read_number(tokens: list[tuple[str | None, str]], start: int) -> tuple[int, _Item]:
    """Return the number of tokens used at ``start``, and the number there, or the date of three joined numbers."""
    five = tokens[start : start + 5]
    if (
        [kind for kind, _ in five] == ["number", "other", "number", "other", "number"]
        and five[1][1] == five[3][1]
        and five[1][1] in _SEPARATORS
    ):
        return 5, _Item("f", " ".join(text for _, text in five))
    return 1, _Item("n", tokens[start][1])


def _parse_named_date(items: list[_Item]) -> _Parts | None:
    """Return the date of the name of a month and two numbers, one of which has to be a year."""
    months = next(item.months for item in items if item.kind == "m")
    numbers = [item.text for item in items if item.kind == "n"]
    if items[0].kind == "m":
        numbers.reverse()  # day, year
    elif items[2].kind != "m" and len(numbers[1]) == _YEAR_DIGITS:
        numbers.reverse()  # day, month, year
    year, day = numbers
    if len(year) != _YEAR_DIGITS or len(day) > _DAY_DIGITS_MAX or not months:
        return None
    return _Parts(int(year), months, int(day))


def _is_possible(day: int, month: int) -> bool:
    return day in _DAYS and month in _MONTHS


def _numeric_parts(year: int, month: int, day: int) -> _Parts:
    calendar = guess_calendar(year)
    calendars = {calendar} if calendar is Calendar.GREGORIAN else {calendar, Calendar.ISLAMIC}
    return _Parts(year, frozenset((calendar, month) for calendar in calendars), day)


def _numbered_month(text: str) -> _Item:
    month = int(text) if len(text) <= _DAY_DIGITS_MAX else 0
    return _Item("m", "", frozenset({(Calendar.GREGORIAN, month)}) if month in _MONTHS else frozenset())


def _is_day_first(language: str, text: str) -> bool | None:
    """Whether numeric dates begin with the day; None if both orders are in use."""
    if language in _MONTH_FIRST:
        return False
    if language and language not in _EITHER_FIRST and language.partition("-")[0] not in _EITHER_FIRST - {"en"}:
        return True
    # Text in other scripts than Latin, or with letters that English does not have, begins with the day.
    is_foreign = any(character.isalnum() and not character.isascii() for character in text)
    return True if is_foreign and not language else None


def _to_digits(match: re.Match[str]) -> str:
    """Return a Chinese number up to 99, or a sequence of Chinese digits, in ASCII digits."""
    text = match[0]
    if "十" not in text:
        return "".join(_CHINESE_DIGITS[character] for character in text)
    tens, _, ones = text.partition("十")
    return f"{_CHINESE_DIGITS.get(tens, '1')}{_CHINESE_DIGITS.get(ones, '0')}"
