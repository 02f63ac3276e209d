"""Addresses, versions and clocks, and what is said of them."""

from __future__ import annotations

from typing import Any

import pytest

from stream.doctor.check_broker import ASKED, judge_cluster, judge_reach, skip_asked
from stream.doctor.facts import Clock, Reached, Unknown
from tests.support.doctor_facts import broker, told

UP, DOWN, SLOW = Reached("one:1", 0.001), Reached("two:2", error="connection refused"), Reached("far:3", 2.5)

REACH: list[tuple[str, tuple[Reached, ...], str | None, list[str], str]] = [
    ("all answer", (UP,), None, ["OK"], "one:1 answers in 1 ms"),
    ("one of two", (UP, DOWN), None, ["OK", "WARN"], "two:2: connection refused; others answer"),
    ("slow", (SLOW,), None, ["WARN"], "far:3 answers in 2 s"),
    ("none", (DOWN,), "no address can be reached", ["FAIL"], "two:2: connection refused"),
    ("no Kafka there", (UP, DOWN), "no Kafka", ["FAIL"], "one:1 takes connections, but: no Kafka"),
]


@pytest.mark.parametrize(("name", "servers", "error", "states", "found"), REACH, ids=[case[0] for case in REACH])
def test_each_address_that_is_set(
    name: str,  # noqa: ARG001 - the test's id
    servers: tuple[Reached, ...],
    error: str | None,
    states: list[str],
    found: str,
) -> None:
    findings = list(judge_reach(broker(servers=servers, error=error)))
    assert [finding.state for finding in findings] == states
    assert findings[-1].found == found


CLUSTER: list[tuple[dict[str, Any], str, str, str]] = [
    ({}, "version", "OK", "Kafka 4.3"),
    ({"versions": ((4, 3), (3, 9))}, "version", "OK", "Kafka 3.9, 4.3"),
    ({"versions": ((4, 3), (2, 8))}, "version", "WARN", "no longer maintained"),
    ({"versions": ((0, 10),)}, "version", "FAIL", "no idempotent producing"),
    ({"versions": Unknown("why")}, "version", "unknown", "why"),
    ({}, "nodes", "OK", "one:9092, two:9092, three:9092 as advertised"),
    ({"nodes": (UP, DOWN)}, "nodes", "FAIL", "a broker is at two:2, and from here: connection refused"),
    ({"nodes": Unknown("why")}, "nodes", "unknown", "why"),
    ({}, "clock", "OK", "3 ms ahead of the cluster's, give or take 2 ms"),
    ({"clock": Clock(9_900)}, "clock", "OK", "10 s ahead"),
    ({"clock": Clock(11_000)}, "clock", "WARN", "11 s ahead"),
    ({"clock": Clock(11_000, 2_000)}, "clock", "OK", "give or take 2 s"),
    ({"clock": Clock(-20_000)}, "clock", "WARN", "20 s behind"),
    ({"clock": Clock(2 * 3_600_000)}, "clock", "FAIL", "the broker refuses its records"),
    ({"clock": Clock(-2 * 3_600_000)}, "clock", "FAIL", "deleted too early"),
    # Records tell only that it cannot be earlier than they are.
    ({"clock": Clock(5_000_000, is_bound=True)}, "clock", "unknown", "approximate"),
    ({"clock": Clock(-60_000, is_bound=True)}, "clock", "WARN", "at least 60 s behind"),
    ({"clock": Unknown("why")}, "clock", "unknown", "why"),
]


@pytest.mark.parametrize(("changed", "check", "state", "found"), CLUSTER)
def test_cluster(changed: dict[str, Any], check: str, state: str, found: str) -> None:
    (finding,) = [finding for finding in judge_cluster(broker(**changed)) if finding.check == check]
    assert finding.state == state
    assert found in finding.found


def test_what_cannot_be_asked_is_skipped_by_name() -> None:
    assert told(skip_asked("why")) == [(check, "skipped") for check in ASKED]
