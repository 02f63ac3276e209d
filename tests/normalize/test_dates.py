"""Moments in whatever form they come; what is none is None and never an exception."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.clock import rfc3339
from stream.normalize.dates import FIRST_YEAR, LAST_YEAR, parse_moment


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("2026-05-04T06:00:00Z", "2026-05-04T06:00:00.000Z"),
        ("2026-05-04T09:00:00+03:00", "2026-05-04T06:00:00.000Z"),
        (" 2026-05-04 06:00:00.5 ", "2026-05-04T06:00:00.500Z"),
        ("2026-05-04", "2026-05-04T00:00:00.000Z"),
        ("20260504", "2026-05-04T00:00:00.000Z"),
        ("20260504T060000Z", "2026-05-04T06:00:00.000Z"),
        ("Mon, 04 May 2026 09:00:00 +0300", "2026-05-04T06:00:00.000Z"),
        ("4 May 2026 06:00 GMT", "2026-05-04T06:00:00.000Z"),
        (1_777_874_400, "2026-05-04T06:00:00.000Z"),
        (1_777_874_400_000, "2026-05-04T06:00:00.000Z"),
        (1_777_874_400.25, "2026-05-04T06:00:00.250Z"),
        ("1777874400", "2026-05-04T06:00:00.000Z"),
        ("1777874400000", "2026-05-04T06:00:00.000Z"),
        ("1900-01-01", "1900-01-01T00:00:00.000Z"),
        ("2200-12-31T23:59:59Z", "2200-12-31T23:59:59.000Z"),
    ],
)
def test_moments_are_understood(value: str | float, moment: str) -> None:
    parsed = parse_moment(value)
    assert parsed is not None
    assert rfc3339(parsed) == moment


@pytest.mark.parametrize(
    "value",
    [
        "",
        " ",
        "yesterday",
        "0000-00-00",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "1899-12-31",
        "2201-01-01",
        "2026-02-30",
        "2026-13-01",
        "26-05-04T25:00",
        "2026",
        "12345",
        "-1777874400",
        "9" * 19,
        "9" * 400,
        "9" * 9_999,
        "٢٠٢٦-٠٥-٠٤",
        "2026-05-04T06:00:00+99:99",
        "Mon, 99 May 2026 09:00:00 +0300",
        "Mon, 04 May 2026 09:00:00 +999999999999",
        "Mon, 04 May 99999 09:00:00",
        "\0",
        "\ud800",
        "4 مايو 2026",
        1e300,
        -1e300,
        float("inf"),
        float("nan"),
        10**400,
        -(10**400),
        2**63,
        -(2**63),
        -62_135_596_800,
    ],
)
def test_what_is_no_moment_of_news_is_none(value: str | float) -> None:
    assert parse_moment(value) is None


DATE_LIKE = st.text("0123456789-:+T.,/ ZWMonMay", max_size=30)


@given(st.text(st.characters(), max_size=30) | DATE_LIKE | st.integers() | st.floats() | st.datetimes().map(str))
def test_anything_is_a_moment_in_range_or_none(value: str | float) -> None:
    parsed = parse_moment(value)
    assert parsed is None or FIRST_YEAR <= int(rfc3339(parsed)[:4]) <= LAST_YEAR
    assert parsed is None or parse_moment(rfc3339(parsed)) == parsed
