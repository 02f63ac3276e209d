"""Timestamps of raw records, before and after the present time."""

from __future__ import annotations

import pytest

from stream.doctor.check_times import check_raw_times
from stream.doctor.facts import NewestTimes, Unknown
from tests.support.doctor_facts import HOUR_MS, NAMES, NOW_MS, SETTINGS, broker, topics

MINUTE_MS = 60_000


def times(last_ms: int, latest_ms: int) -> NewestTimes:
    """Timestamps relative to the present time."""
    return NewestTimes(NOW_MS + last_ms, NOW_MS + latest_ms)


CURRENT = times(-MINUTE_MS, -MINUTE_MS)
CASES: list[tuple[dict[int, NewestTimes] | Unknown, str, str]] = [
    ({0: CURRENT}, "OK", "the newest record of articles.raw is 60 s old"),
    ({0: times(-20 * HOUR_MS, -20 * HOUR_MS)}, "OK", "20 h old"),
    ({0: times(4 * MINUTE_MS, 4 * MINUTE_MS)}, "OK", "0 ms old"),
    ({0: CURRENT, 1: times(-MINUTE_MS, 7 * MINUTE_MS)}, "WARN", "articles.raw/1 has a record that is 7 min ahead"),
    (
        {0: CURRENT, 1: times(-50 * HOUR_MS, 0)},
        "WARN",
        "the last record of articles.raw/1 is 2.1 days older than an earlier one",
    ),
    ({0: times(-50 * HOUR_MS, -50 * HOUR_MS)}, "WARN", "the newest record of articles.raw is 2.1 days old"),
    ({0: CURRENT, 1: times(-50 * HOUR_MS, -50 * HOUR_MS)}, "OK", "60 s old"),
    ({}, "skipped", "articles.raw has no records"),
    (Unknown("no permission"), "unknown", "no permission"),
]


@pytest.mark.parametrize(("raw_times", "state", "summary"), CASES)
def test_raw_records_have_the_present_time_or_not(
    raw_times: dict[int, NewestTimes] | Unknown, state: str, summary: str
) -> None:
    finding = check_raw_times(SETTINGS, broker(raw_times=raw_times), topics()[NAMES.raw])
    assert finding.state == state
    assert summary in finding.summary


@pytest.mark.parametrize(
    ("kind", "advice"),
    [("CreateTime", "correct the clocks of the scrapers"), ("LogAppendTime", "the clocks of the brokers")],
)
def test_the_advice_depends_on_who_sets_timestamps(kind: str, advice: str) -> None:
    facts = broker(raw_times={0: times(0, 7 * MINUTE_MS)})
    topic = topics(raw={"settings": {"message.timestamp.type": kind}})[NAMES.raw]
    assert advice in check_raw_times(SETTINGS, facts, topic).advice
