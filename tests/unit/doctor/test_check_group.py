"""Findings about the consumer group, its lag and dead letters."""

from __future__ import annotations

from typing import Any

import pytest

from stream.doctor.check_group import check_dead_letters, check_group, check_lag, check_logs
from stream.doctor.facts import GroupFacts, Member, Offsets, TopicPartition, Unknown
from stream.recovery.plan import ChangedLog
from tests.support.doctor_facts import DAY_MS, NAMES, NOW_MS, SETTINGS, group, topics

RAW, ONE, TWO = TopicPartition(NAMES.raw, 0), TopicPartition(NAMES.normalized, 0), TopicPartition(NAMES.normalized, 1)
NORMALIZE_ONLY = (Member("faust", "/10.0.0.7", (RAW,)),)

GROUPS: list[tuple[GroupFacts | Unknown, list[str], str, str]] = [
    (group(), ["OK"], "article-stream: 1 member on 10.0.0.7", ""),
    (group(members=()), ["OK"], "no worker has read anything yet", ""),
    (group(members=(), committed={RAW: 4}), ["WARN"], "no worker is running", "run: stream worker"),
    (group(state="PreparingRebalance"), ["WARN"], "a rebalance is in progress", "check again in 30 s"),
    (
        group(members=NORMALIZE_ONLY),
        ["WARN"],
        "no worker reads articles.normalized, partition 0, 1",
        "--step deduplicate",
    ),
    (group(members=(Member("a", "/b", (ONE, TWO)),)), ["WARN"], "no worker reads articles.raw", "--step normalize"),
    (Unknown("why"), ["unknown"], "why", ""),
]


@pytest.mark.parametrize(("facts", "states", "summary", "advice"), GROUPS)
def test_members_of_the_group(facts: GroupFacts | Unknown, states: list[str], summary: str, advice: str) -> None:
    findings = list(check_group(SETTINGS, facts, topics()))
    assert [finding.state for finding in findings] == states
    assert summary in findings[0].summary
    assert advice in findings[0].advice


def offsets(begin: int, end: int) -> Offsets:
    return Offsets(begin, end, end, begin, DAY_MS)


#: Offsets of the two partitions of the normalized topic, what is committed, ages of the oldest unread in seconds.
Lag = tuple[tuple[Offsets, Offsets], dict[TopicPartition, int], dict[TopicPartition, int], list[str], str]
LAGS: list[Lag] = [
    ((offsets(0, 0), offsets(0, 0)), {}, {}, ["OK"], "no lag"),
    ((offsets(0, 9), offsets(0, 5)), {ONE: 9, TWO: 5}, {}, ["OK"], "no lag"),
    ((offsets(0, 9), offsets(0, 5)), {ONE: 7, TWO: 4}, {ONE: 3, TWO: 90}, ["OK"], "3 records behind, 1 of them"),
    ((offsets(0, 9), offsets(0, 5)), {ONE: 7, TWO: 5}, {ONE: 200}, ["WARN"], "the oldest is 3.3 min old"),
    # Without a committed offset, a partition is read from its beginning.
    ((offsets(3, 9), offsets(0, 0)), {}, {ONE: 10}, ["OK"], "6 records behind"),
    ((offsets(0, 9), offsets(0, 0)), {}, {}, ["WARN"], "9 records behind"),
    ((offsets(0, 9), offsets(0, 0)), {}, {ONE: 6 * 86_400}, ["FAIL"], "and records are deleted after 7 days"),
    ((offsets(4, 9), offsets(0, 0)), {ONE: 2}, {ONE: 10}, ["FAIL", "OK"], "2 records deleted before being read"),
]


@pytest.mark.parametrize("case", LAGS)
def test_lag(case: Lag) -> None:
    (first, second), committed, ages, states, summary = case
    unread = {tp: NOW_MS - seconds * 1000 for tp, seconds in ages.items()}
    facts = group(committed=committed, unread_ms=unread)
    topic_facts = topics(normalized={"offsets": {0: first, 1: second}})
    findings = list(check_lag(SETTINGS, facts, topic_facts, now_ms=NOW_MS))[1:]  # the raw topic comes first
    assert [finding.state for finding in findings] == states
    assert summary in findings[0].summary


def test_figures_contain_the_lag_of_every_partition() -> None:
    facts = group(committed={ONE: 7}, unread_ms={ONE: NOW_MS - 1500})
    topic_facts = topics(normalized={"offsets": {0: offsets(0, 9), 1: offsets(0, 0)}})
    assert list(check_lag(SETTINGS, facts, topic_facts, now_ms=NOW_MS))[1].figures == {
        "topic": NAMES.normalized,
        "records": 2,
        "partitions": {"0": {"records": 2, "seconds": 1.5}, "1": {"records": 0, "seconds": None}},
    }


def test_lag_that_cannot_be_measured() -> None:
    assert [f.state for f in check_lag(SETTINGS, Unknown("why"), topics(), now_ms=NOW_MS)] == ["unknown"]
    topic_facts = topics(raw={"partitions": 0}, normalized={"offsets": Unknown("why")})
    assert [f.state for f in check_lag(SETTINGS, group(), topic_facts, now_ms=NOW_MS)] == ["skipped", "unknown"]


#: Dead letters and raw messages of the last hour.
REJECTED: list[tuple[int, int, str]] = [(0, 0, "OK"), (0, 500, "OK"), (5, 500, "OK"), (6, 500, "WARN"), (1, 0, "WARN")]


@pytest.mark.parametrize(("rejected", "raw", "state"), REJECTED)
def test_dead_letters_are_compared_with_raw_messages_of_the_last_hour(rejected: int, raw: int, state: str) -> None:
    topic_facts = topics(
        rejected={"offsets": {0: Offsets(0, 1000, 1000 - rejected, 0)}},
        raw={"offsets": {0: Offsets(0, 9000, 9000 - raw, 0)}},
    )
    finding = check_dead_letters(SETTINGS, topic_facts)
    assert (finding.state, finding.figures) == (state, {"last_hour": rejected, "raw_last_hour": raw})


@pytest.mark.parametrize(
    ("changed", "state"),
    [
        ({"partitions": 0}, "skipped"),
        ({"partitions": 0, "is_hidden": True}, "unknown"),
        ({"offsets": Unknown("x")}, "unknown"),
    ],
)
def test_dead_letters_that_cannot_be_counted(changed: dict[str, Any], state: str) -> None:
    assert check_dead_letters(SETTINGS, topics(rejected=changed)).state == state


def test_a_log_that_went_back_is_a_failure() -> None:
    changed = [ChangedLog("articles.raw", 1, "truncated", "read up to offset 9")]
    (finding,) = check_logs(changed)
    assert (finding.state, finding.summary) == ("FAIL", "articles.raw/1 truncated: read up to offset 9")
    assert "stream recover" in finding.advice
    assert finding.figures == {"topic": "articles.raw", "partition": 1, "kind": "truncated"}


def test_logs_that_are_those_that_were_read_are_ok() -> None:
    assert [finding.state for finding in check_logs([])] == ["OK"]
    assert [finding.state for finding in check_logs(Unknown("why"))] == ["unknown"]
