"""Tests of dates in any format: a value that is not a date, or may be two, gives None and never an exception."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from babel import Locale
from hijridate import Gregorian, Hijri
from hypothesis import given
from hypothesis import strategies as st
from persiantools.jdatetime import MONTH_NAMES_FA, JalaliDate
from scripts.generate_month_names import LOCALES

from stream.core.normalize.dates import CHARS_MAX, FIRST_YEAR, LAST_YEAR, parse_moment
from stream.core.normalize.dates.calendars import Calendar
from stream.core.normalize.dates.month_names import load_names
from stream.core.timestamps import format_rfc3339, to_epoch_ms
from tests.support.cases import cases

DIGITS = {
    "arabic": "٠١٢٣٤٥٦٧٨٩",
    "persian": "۰۱۲۳۴۵۶۷۸۹",
    "hindi": "०१२३४५६७८९",
    "thai": "๐๑๒๓๔๕๖๗๘๙",
    "ascii": "0123456789",
}


def midnight(day: date) -> int:
    return to_epoch_ms(datetime(day.year, day.month, day.day, tzinfo=UTC))


@pytest.mark.parametrize("case", cases("dates"))
def test_a_value_is_parsed_or_none(case: dict[str, Any]) -> None:
    parsed = parse_moment(case["value"], case.get("language"))
    assert (format_rfc3339(parsed) if parsed is not None else None) == case["moment"]


@pytest.mark.parametrize(
    "value",
    [
        1e300,
        -1e300,
        float("inf"),
        float("nan"),
        10**400,
        -(10**400),
        2**63,
        -(2**63),
        -62_135_596_800,
        "\ud800",
        "4\udfff",
    ],
)
def test_an_impossible_number_or_a_lone_surrogate_is_none(value: str | float) -> None:
    assert parse_moment(value) is None


@pytest.mark.parametrize(
    "part", ["1", "12 ", "1/", "1:1 ", "x", "م ", "يوليو ", "ﷺ", "十", "(", " ", "\u0300", "21 July 2015 "]
)
def test_a_hostile_text_is_parsed_in_time(part: str) -> None:
    start = time.process_time()
    for length in (CHARS_MAX, 10**6):
        for _ in range(20):
            parse_moment((part * length)[:length])
    assert time.process_time() - start < 5


def test_text_that_is_too_long_is_not_a_date() -> None:
    assert parse_moment("21 July 2015".ljust(CHARS_MAX, ".")) is not None
    assert parse_moment("21 July 2015".ljust(CHARS_MAX + 1, ".")) is None


@pytest.mark.parametrize("locale", LOCALES.split())
def test_the_table_has_the_names_of_cldr(locale: str) -> None:
    """If it fails after an update of CLDR, run ``python -m scripts.generate_month_names``."""
    for context in ("format", "stand-alone"):
        for month, name in Locale.parse(locale).months[context]["wide"].items():
            if not any(map(str.isdecimal, name)) and len(name) > 1:
                day = date(2015, month, 9)
                assert parse_moment(f"9 {name} 2015", locale) == midnight(day), name


def test_no_name_means_two_months_of_a_calendar_in_one_language() -> None:
    for name, months in load_names().months.items():
        for language in set.union(*months.values()) - {""}:
            calendars = [calendar for (calendar, _), languages in months.items() if language in languages]
            assert len(calendars) == len(set(calendars)), name


DAYS = st.dates(date(FIRST_YEAR, 1, 1), date(LAST_YEAR, 12, 31))
MONTH_NAMES = st.sampled_from(
    [
        (name, month, min(languages))
        for name, months in load_names().months.items()
        for (calendar, month), languages in months.items()
        if calendar is Calendar.GREGORIAN
    ]
)
PATTERNS = st.sampled_from(
    ["{d} {m} {y}", "{m} {d}, {y}", "{y} {m} {d}", "{d}-{m}-{y}", "x: {d}. {m} {y}", "{d} {m}، {y} م"]
)
TIME_PATTERNS = st.sampled_from(
    [
        ("{h:02}:{n:02}", 0),
        ("{h:02}:{n:02}:00 UTC", 0),
        ("{h}:{n:02} +0300", 180),
        ("{h:02}:{n:02} GMT-4", -240),
        ("", None),
    ]
)


@given(DAYS, MONTH_NAMES, PATTERNS, st.tuples(TIME_PATTERNS, st.times()), st.sampled_from(sorted(DIGITS)))
def test_a_formatted_date_is_parsed_back(
    day: date, name: tuple[str, int, str], pattern: str, zoned_time: tuple[tuple[str, int | None], Any], digits: str
) -> None:
    word, month, language = name
    (time_pattern, offset_minutes), time_of_day = zoned_time
    try:
        day = day.replace(month=month)
    except ValueError:
        day = day.replace(month=month, day=28)
    text = (
        pattern.format(d=day.day, m=word, y=day.year)
        + " "
        + time_pattern.format(h=time_of_day.hour, n=time_of_day.minute)
    )
    text = text.translate(str.maketrans(DIGITS["ascii"], DIGITS[digits]))
    expected = datetime(day.year, day.month, day.day, tzinfo=UTC)
    if offset_minutes is not None:
        expected += timedelta(hours=time_of_day.hour, minutes=time_of_day.minute - offset_minutes)
    parsed = parse_moment(text, language)
    assert parsed == (to_epoch_ms(expected) if FIRST_YEAR <= expected.year <= LAST_YEAR else None)


@given(
    st.dates(date(1925, 1, 1), date(2076, 1, 1)),
    st.sampled_from(["{d} {m} {y} هـ", "{y} {m} {d}", "{d}/{n}/{y}هـ", "{y}-{n}-{d} هـ"]),
)
def test_an_islamic_date_is_parsed_back(day: date, pattern: str) -> None:
    hijri = Gregorian.fromdate(day).to_hijri()
    text = pattern.format(d=hijri.day, m=hijri.month_name("ar"), n=hijri.month, y=hijri.year)
    assert parse_moment(text) == midnight(day)


@given(
    st.dates(date(1922, 1, 1), date(2040, 1, 1)),
    st.sampled_from(["{d} {m} {y}", "{y}/{n}/{d}", "{d}/{n}/{y}", "{y}-{n:02}-{d:02} هـ ش"]),
)
def test_a_persian_date_is_parsed_back(day: date, pattern: str) -> None:
    jalali = JalaliDate(day)  # type: ignore[no-untyped-call] # half typed
    text = pattern.format(d=jalali.day, m=MONTH_NAMES_FA[jalali.month], n=jalali.month, y=jalali.year)
    assert parse_moment(text) == midnight(day)
    assert parse_moment(text.translate(str.maketrans(DIGITS["ascii"], DIGITS["persian"]))) == midnight(day)


@given(st.dates(date(1925, 1, 1), date(2076, 1, 1)))
def test_the_gregorian_date_counts_beside_the_islamic_one(day: date) -> None:
    hijri: Hijri = Gregorian.fromdate(day - timedelta(days=1)).to_hijri()
    text = f"{hijri.day} {hijri.month_name('ar')} {hijri.year} هـ الموافق {day.day}/{day.month}/{day.year}م"
    assert parse_moment(text) == midnight(day)


PARTS = (
    "0 1 4 12 21 2015 1436 1397 2558 / - . : + , T Z May يوليو رمضان خرداد 年 月 日 م ه ص am GMT الموافق x \u200f"
).split()
DATE_LIKE = st.lists(st.sampled_from(PARTS), max_size=12).flatmap(
    lambda parts: st.sampled_from(["".join(parts), " ".join(parts)])
)


@given(st.text(st.characters(), max_size=30) | DATE_LIKE | st.integers() | st.floats() | st.datetimes().map(str))
def test_any_value_is_a_moment_in_range_or_none(value: str | float) -> None:
    parsed = parse_moment(value)
    assert parsed is None or FIRST_YEAR <= int(format_rfc3339(parsed)[:4]) <= LAST_YEAR
    assert parsed is None or parse_moment(format_rfc3339(parsed)) == parsed
    assert parse_moment(value) == parsed


@given(DATE_LIKE, st.text(st.characters(), max_size=12) | st.sampled_from(["ar", "en-US", "th", "pl"]))
def test_any_language_is_accepted(value: str, language: str) -> None:
    parsed = parse_moment(value, language)
    assert parsed is None or FIRST_YEAR <= int(format_rfc3339(parsed)[:4]) <= LAST_YEAR
