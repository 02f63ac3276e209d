"""Moments in whatever form they come; what is none, or could be two, is None and never an exception."""

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
from scripts.generate_month_names import LANGUAGES

from stream.core.normalize.dates import CHARS_MAX, FIRST_YEAR, LAST_YEAR, parse_moment
from stream.core.normalize.dates.calendars import Calendar
from stream.core.normalize.dates.month_names import names
from stream.core.timestamps import milliseconds, rfc3339
from tests.support.cases import cases

FIGURES = {
    "arabic": "٠١٢٣٤٥٦٧٨٩",
    "persian": "۰۱۲۳۴۵۶۷۸۹",
    "hindi": "०१२३४५६७८९",
    "thai": "๐๑๒๓๔๕๖๗๘๙",
    "ascii": "0123456789",
}


def midnight(day: date) -> int:
    return milliseconds(datetime(day.year, day.month, day.day, tzinfo=UTC))


@pytest.mark.parametrize("case", cases("dates"))
def test_moments(case: dict[str, Any]) -> None:
    parsed = parse_moment(case["value"], case.get("language"))
    assert (rfc3339(parsed) if parsed is not None else None) == case["moment"]


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
def test_what_json_has_no_name_for_is_none(value: str | float) -> None:
    assert parse_moment(value) is None


@pytest.mark.parametrize(
    "part", ["1", "12 ", "1/", "1:1 ", "x", "م ", "يوليو ", "ﷺ", "十", "(", " ", "\u0300", "21 July 2015 "]
)
def test_a_hostile_text_costs_nothing(part: str) -> None:
    start = time.process_time()
    for length in (CHARS_MAX, 10**6):
        for _ in range(20):
            parse_moment((part * length)[:length])
    assert time.process_time() - start < 5


def test_longer_text_is_no_date() -> None:
    assert parse_moment("21 July 2015".ljust(CHARS_MAX, ".")) is not None
    assert parse_moment("21 July 2015".ljust(CHARS_MAX + 1, ".")) is None


@pytest.mark.parametrize("language", LANGUAGES.split())
def test_the_table_holds_the_names_of_cldr(language: str) -> None:
    """Where it does not any more: python scripts/generate_month_names.py."""
    for context in ("format", "stand-alone"):
        for month, name in Locale.parse(language).months[context]["wide"].items():
            if not any(map(str.isdecimal, name)) and len(name) > 1:
                day = date(2015, month, 9)
                assert parse_moment(f"9 {name} 2015", language) == midnight(day), name


def test_no_name_means_two_months_of_one_calendar_in_one_language() -> None:
    for name, months in names().months.items():
        for language in set.union(*months.values()) - {""}:
            calendars = [calendar for (calendar, _), languages in months.items() if language in languages]
            assert len(calendars) == len(set(calendars)), name


DAYS = st.dates(date(FIRST_YEAR, 1, 1), date(LAST_YEAR, 12, 31))
NAMES = st.sampled_from(
    [
        (name, month, min(languages))
        for name, months in names().months.items()
        for (calendar, month), languages in months.items()
        if calendar is Calendar.GREGORIAN
    ]
)
PATTERNS = st.sampled_from(
    ["{d} {m} {y}", "{m} {d}, {y}", "{y} {m} {d}", "{d}-{m}-{y}", "x: {d}. {m} {y}", "{d} {m}، {y} م"]
)
CLOCKS = st.sampled_from(
    [
        ("{h:02}:{n:02}", 0),
        ("{h:02}:{n:02}:00 UTC", 0),
        ("{h}:{n:02} +0300", 180),
        ("{h:02}:{n:02} GMT-4", -240),
        ("", None),
    ]
)


@given(DAYS, NAMES, PATTERNS, st.tuples(CLOCKS, st.times()), st.sampled_from(sorted(FIGURES)))
def test_a_written_date_is_read_back(
    day: date, name: tuple[str, int, str], pattern: str, timed: tuple[tuple[str, int | None], Any], figures: str
) -> None:
    word, month, language = name
    clock, at = timed
    try:
        day = day.replace(month=month)
    except ValueError:
        day = day.replace(month=month, day=28)
    text = pattern.format(d=day.day, m=word, y=day.year) + " " + clock[0].format(h=at.hour, n=at.minute)
    text = text.translate(str.maketrans(FIGURES["ascii"], FIGURES[figures]))
    expected = datetime(day.year, day.month, day.day, tzinfo=UTC)
    if clock[1] is not None:
        expected += timedelta(hours=at.hour, minutes=at.minute - clock[1])
    parsed = parse_moment(text, language)
    assert parsed == (milliseconds(expected) if FIRST_YEAR <= expected.year <= LAST_YEAR else None)


@given(
    st.dates(date(1925, 1, 1), date(2076, 1, 1)),
    st.sampled_from(["{d} {m} {y} هـ", "{y} {m} {d}", "{d}/{n}/{y}هـ", "{y}-{n}-{d} هـ"]),
)
def test_an_islamic_date_is_read_back(day: date, pattern: str) -> None:
    hijri = Gregorian.fromdate(day).to_hijri()
    text = pattern.format(d=hijri.day, m=hijri.month_name("ar"), n=hijri.month, y=hijri.year)
    assert parse_moment(text) == midnight(day)


@given(
    st.dates(date(1922, 1, 1), date(2040, 1, 1)),
    st.sampled_from(["{d} {m} {y}", "{y}/{n}/{d}", "{d}/{n}/{y}", "{y}-{n:02}-{d:02} هـ ش"]),
)
def test_a_persian_date_is_read_back(day: date, pattern: str) -> None:
    jalali = JalaliDate(day)  # type: ignore[no-untyped-call] # half typed
    text = pattern.format(d=jalali.day, m=MONTH_NAMES_FA[jalali.month], n=jalali.month, y=jalali.year)
    assert parse_moment(text) == midnight(day)
    assert parse_moment(text.translate(str.maketrans(FIGURES["ascii"], FIGURES["persian"]))) == midnight(day)


@given(st.dates(date(1925, 1, 1), date(2076, 1, 1)))
def test_the_western_date_counts_beside_the_islamic_one(day: date) -> None:
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
def test_anything_is_a_moment_in_range_or_none(value: str | float) -> None:
    parsed = parse_moment(value)
    assert parsed is None or FIRST_YEAR <= int(rfc3339(parsed)[:4]) <= LAST_YEAR
    assert parsed is None or parse_moment(rfc3339(parsed)) == parsed
    assert parse_moment(value) == parsed


@given(DATE_LIKE, st.text(st.characters(), max_size=12) | st.sampled_from(["ar", "en-US", "th", "pl"]))
def test_any_language_is_taken(value: str, language: str) -> None:
    parsed = parse_moment(value, language)
    assert parsed is None or FIRST_YEAR <= int(rfc3339(parsed)[:4]) <= LAST_YEAR
