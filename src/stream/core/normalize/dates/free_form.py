"""Dates as people write them: names of months, several calendars, any order that leaves one reading.

Nothing is guessed: no today, no local zone, no two-figure years, and no order of day and month where both would do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, NamedTuple

from stream.core.normalize.dates.calendars import BUDDHIST_YEARS, Calendar, calendar_of, gregorian
from stream.core.normalize.dates.month_names import NAME_WORDS_MAX, TOKEN, Names, fold, names
from stream.core.normalize.dates.time_of_day import split_clock

# Words that may stand between day, month and year, folded.
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
        ("ه هج هجري هجرية للهجرة ق قمري ah hijri", Calendar.LUNAR),
        ("ش شمسي خورشيدي", Calendar.SOLAR),
        ("م ميلادي ميلادية للميلاد ad ce", Calendar.GREGORIAN),
    )
    for word in words.split()
}
_SEPARATORS: Final = frozenset("/.-")
_YEAR_DIGITS: Final = 4
_MONTHS: Final = range(1, 13)
_DAYS: Final = range(1, 33)
_CHINESE: Final = re.compile(r"[〇零一二三四五六七八九十]{1,4}(?=[年月日號号时時点點分])")
_CHINESE_DIGITS: Final = {"〇": "0", **dict(zip("零一二三四五六七八九", "0123456789", strict=True))}
_THAI: Final = re.compile("[\u0e00-\u0eff\u1780-\u17ff]")
_BUDDHIST_LANGUAGES: Final = frozenset({"th", "lo", "km"})
# Who writes the month first (CLDR), and who may write either; the rest of the world begins with the day.
_MONTH_FIRST: Final = frozenset({"en-us", "en-ph", "en-pr", "en-gu", "en-vi", "en-as", "fil", "ceb", "es-pr", "es-pa"})
_EITHER: Final = frozenset({"en", "en-ca", "en-za", "zh", "ja", "ko", "hu", "mn", "und", "mul"})


class _Item(NamedTuple):
    """``kind``: n a number, m a month, e an era, f a date in figures, x anything that ends a date."""

    kind: str
    text: str = ""
    months: frozenset[tuple[Calendar, int]] = frozenset()


class _Reading(NamedTuple):
    calendar: Calendar
    day: date


def read_written(text: str, language: str | None = None) -> datetime | None:
    """The moment that ``text`` names, in UTC, or None where it names none or could mean two.

    A day without a time is its midnight, a time without a zone is UTC. ``language`` (BCP 47) decides between readings
    that the text leaves open. Where a text gives a day in several calendars the Gregorian one counts.
    """
    folded = _CHINESE.sub(_chinese_number, " ".join(fold(text).split()))
    clock, rest, sound = split_clock(folded)
    if not sound:
        return None
    hint = (language or "").lower().replace("_", "-")
    finder = _Finder(
        rest,
        hint,
        day_first=_day_first(hint, text),
        buddhist=bool(_THAI.search(text)) or hint.partition("-")[0] in _BUDDHIST_LANGUAGES,
    )
    readings = finder.readings()
    best = min((reading.calendar for reading in readings), default=None)
    days = {reading.day for reading in readings if reading.calendar == best}
    if len(days) != 1:
        return None
    midnight = datetime.combine(days.pop(), time(), UTC)
    try:
        return midnight + (clock.since_midnight - (clock.ahead or timedelta()) if clock else timedelta())
    except OverflowError:
        return None


class _Finder:
    """The dates in one folded text without its time of day."""

    def __init__(self, text: str, language: str, *, day_first: bool | None, buddhist: bool) -> None:
        self.language = language
        self.day_first = day_first
        self.buddhist = buddhist
        self.names: Names = names()
        self.weekdays: set[int] = set()
        self.items = self._items([(match.lastgroup, match[0]) for match in TOKEN.finditer(text)])

    def readings(self) -> list[_Reading]:
        """Every date, or none where one of them is no possible day or has figures left beside it."""
        found: list[_Reading] = []
        for run in self._runs():
            read = self._read(run)
            if read is None:
                return []
            found += read
        return found

    def _runs(self) -> Iterator[list[_Item]]:
        run: list[_Item] = []
        for item in (*self.items, _Item("x")):
            if item.kind != "x":
                run.append(item)
            else:
                if run:
                    yield run
                run = []

    def _items(self, tokens: list[tuple[str | None, str]]) -> list[_Item]:
        items: list[_Item] = []
        at = 0
        while at < len(tokens):
            kind, text = tokens[at]
            used = 1
            if kind == "number":
                used, item = self._number(tokens, at)
                items.append(item)
            elif kind == "unit":
                if text in "月월" and items and items[-1].kind == "n":
                    items[-1] = _numbered_month(items[-1].text)
            elif kind == "word":
                used, word_item = self._word(tokens, at)
                if word_item and word_item.kind == "m" and items and items[-1].kind == "m":
                    items[-1] = _Item("m", "", items[-1].months & word_item.months)  # «يناير/كانون الثاني»
                elif word_item:
                    items.append(word_item)
            at += used
        return items

    @staticmethod
    def _number(tokens: list[tuple[str | None, str]], at: int) -> tuple[int, _Item]:
        """The number at ``at``, or the three that one separator joins."""
        five = tokens[at : at + 5]
        if (
            [kind for kind, _ in five] == ["number", "other", "number", "other", "number"]
            and five[1][1] == five[3][1]
            and five[1][1] in _SEPARATORS
        ):
            return 5, _Item("f", " ".join(text for _, text in five))
        return 1, _Item("n", tokens[at][1])

    def _word(self, tokens: list[tuple[str | None, str]], at: int) -> tuple[int, _Item | None]:
        """The tokens used at ``at``, and the item they make; None for what says nothing."""
        words: list[tuple[int, str]] = []  # tokens used, and the name so far
        for index in range(at, min(len(tokens), at + 2 * NAME_WORDS_MAX)):
            kind, text = tokens[index]
            if kind == "word" or (kind == "unit" and words):
                words.append((index - at + 1, f"{words[-1][1]} {text}" if words else text))
            elif text not in ".-":
                break
            if len(words) == NAME_WORDS_MAX:
                break
        for used, name in reversed(words):
            months = self._months(name)
            if months:
                return used, _Item("m", "", months)
            if name in self.names.days:
                self.weekdays.add(self.names.days[name])
                return used, _Item("x")
        text = tokens[at][1]
        if text == _MONTH_PREFIX and at + 1 < len(tokens) and tokens[at + 1][0] == "number":
            return 2, _numbered_month(tokens[at + 1][1])
        if text in _ERAS:
            return 1, _Item("e", text)
        return 1, None if text in _FILLERS else _Item("x")

    def _months(self, name: str) -> frozenset[tuple[Calendar, int]]:
        known = self.names.months.get(name) or (self.names.months.get(name[1:]) if name[0] in "בו" else None)
        if not known:
            return frozenset()
        primary = self.language.partition("-")[0]
        own = frozenset(month for month, languages in known.items() if primary in languages)
        return own or frozenset(known)

    def _read(self, run: list[_Item]) -> list[_Reading] | None:
        """The dates of ``run``; None where figures are left, or no date is possible, beside a date."""
        found: list[_Reading] = []
        clear, at = True, 0
        kinds = "".join(item.kind for item in run)
        while at < len(run):
            three = run[at : at + 3]
            if kinds[at] == "f":
                used, parts = 1, self._figures(run[at].text.split())
            elif kinds[at : at + 3] in ("nmn", "mnn", "nnm"):
                used, parts = 3, _named(three)
            else:
                clear = clear and kinds[at] != "n"
                at += 1
                continue
            at += used
            eras = []
            while kinds[at : at + 1] == "e":
                eras.append(_ERAS[run[at].text])
                at += 1
            reading = self._reading(parts, eras[-1] if eras else None) if parts else None
            if reading is None:
                return None
            found.append(reading)
        return found if clear or not found else None

    def _reading(
        self, parts: tuple[int, frozenset[tuple[Calendar, int]], int], era: Calendar | None
    ) -> _Reading | None:
        year, months, day = parts
        found: list[_Reading] = []
        for calendar, month in sorted(months):
            if self.buddhist and calendar is Calendar.GREGORIAN and year in BUDDHIST_YEARS:
                calendar = Calendar.BUDDHIST  # noqa: PLW2901 # the same months
            possible = gregorian(calendar, year, month, day) if era in (None, calendar) else None
            if possible:
                found.append(_Reading(Calendar.GREGORIAN if calendar is Calendar.BUDDHIST else calendar, possible))
        best = [reading for reading in found if reading.calendar == found[0].calendar]
        return best[0] if len(best) == 1 else None

    def _figures(self, five: list[str]) -> tuple[int, frozenset[tuple[Calendar, int]], int] | None:
        """Year, months and day of three numbers; the months in each calendar that they could be of."""
        first, separator, second, _, third = five
        if len(first) == _YEAR_DIGITS and len(third) <= 2:  # noqa: PLR2004 # figures of a day
            return _in_calendars(int(first), int(second), int(third))
        if len(third) != _YEAR_DIGITS or max(len(first), len(second)) > 2:  # noqa: PLR2004 # as above
            return None
        year, one, two = int(third), int(first), int(second)
        day_first = calendar_of(year) is not Calendar.GREGORIAN or separator == "." or self.day_first
        either = {(one, two), (two, one)}  # day, month
        usual = either if day_first is None else {(one, two) if day_first else (two, one)}
        possible = [pair for pair in usual if _may_be_day(*pair)] or [pair for pair in either if _may_be_day(*pair)]
        if len(possible) > 1:
            possible = [pair for pair in possible if self._is_weekday(year, *pair)]
        return _in_calendars(year, possible[0][1], possible[0][0]) if len(possible) == 1 else None

    def _is_weekday(self, year: int, day: int, month: int) -> bool:
        found = gregorian(Calendar.GREGORIAN, year, month, day)
        return found is not None and found.weekday() in self.weekdays


def _named(three: list[_Item]) -> tuple[int, frozenset[tuple[Calendar, int]], int] | None:
    """Year, months and day of a month's name and two numbers, of which one has to be a year."""
    months = next(item.months for item in three if item.kind == "m")
    numbers = [item.text for item in three if item.kind == "n"]
    if three[0].kind == "m":
        numbers.reverse()  # day, year
    elif three[2].kind != "m" and len(numbers[1]) == _YEAR_DIGITS:
        numbers.reverse()  # day month year
    year, day = numbers
    if len(year) != _YEAR_DIGITS or len(day) > 2 or not months:  # noqa: PLR2004 # figures of a day
        return None
    return int(year), months, int(day)


def _may_be_day(day: int, month: int) -> bool:
    return day in _DAYS and month in _MONTHS


def _in_calendars(year: int, month: int, day: int) -> tuple[int, frozenset[tuple[Calendar, int]], int]:
    guess = calendar_of(year)
    calendars = {guess} if guess is Calendar.GREGORIAN else {guess, Calendar.LUNAR}
    return year, frozenset((calendar, month) for calendar in calendars), day


def _numbered_month(text: str) -> _Item:
    month = int(text) if len(text) <= 2 else 0  # noqa: PLR2004 # figures of a month
    return _Item("m", "", frozenset({(Calendar.GREGORIAN, month)}) if month in _MONTHS else frozenset())


def _day_first(language: str, text: str) -> bool | None:
    """Whether dates in figures begin with the day; None where both orders are in use."""
    if language in _MONTH_FIRST:
        return False
    if language and language not in _EITHER and language.partition("-")[0] not in _EITHER - {"en"}:
        return True
    # Other scripts than Latin, and Latin ones with other letters than English has, begin with the day.
    foreign = any(character.isalnum() and not character.isascii() for character in text)
    return True if foreign and not language else None


def _chinese_number(match: re.Match[str]) -> str:
    text = match[0]
    if "十" not in text:
        return "".join(_CHINESE_DIGITS[character] for character in text)
    tens, _, ones = text.partition("十")
    return f"{_CHINESE_DIGITS.get(tens, '1')}{_CHINESE_DIGITS.get(ones, '0')}"
