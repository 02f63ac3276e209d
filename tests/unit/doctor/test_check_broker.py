"""Findings about addresses, versions and clocks."""

from __future__ import annotations

from typing import Any

import pytest

from stream.doctor.check_broker import CLUSTER_CHECKS, check_cluster, check_connections, skip_cluster_checks
from stream.doctor.facts import Clock, Connection, Unknown
from tests.support.doctor_facts import broker, states

UP, DOWN, SLOW = (
    Connection("one:1", 0.001),
    Connection("two:2", error="connection refused", advice="start it"),
    Connection("far:3", 2.5),
)

REACH: list[tuple[str, tuple[Connection, ...], str | None, list[str], str]] = [
    ("all answer", (UP,), None, ["OK"], "one:1 accepted a connection in 1 ms"),
    ("one of two", (UP, DOWN), None, ["OK", "WARN"], "two:2: connection refused; other brokers answer"),
    ("slow", (SLOW,), None, ["WARN"], "far:3 accepted a connection in 2 s"),
    ("none", (DOWN, DOWN), "no broker", ["FAIL", "FAIL"], "two:2: connection refused"),
    ("stuck", (UP, DOWN), "one:1: it is stuck; see its log", ["FAIL"], "one:1: it is stuck"),
]


@pytest.mark.parametrize(("name", "servers", "error", "states", "summary"), REACH, ids=[case[0] for case in REACH])
def test_each_configured_address_is_checked(
    name: str,  # noqa: ARG001 - the test's id
    servers: tuple[Connection, ...],
    error: str | None,
    states: list[str],
    summary: str,
) -> None:
    findings = list(check_connections(broker(servers=servers, error=error)))
    assert [finding.state for finding in findings] == states
    assert findings[-1].summary == summary


CLUSTER: list[tuple[dict[str, Any], str, str, str]] = [
    ({}, "version", "OK", "Kafka 4.3"),
    ({"versions": ((4, 3), (3, 9))}, "version", "OK", "Kafka 3.9, 4.3"),
    ({"versions": ((4, 3), (2, 8))}, "version", "WARN", "no longer maintained"),
    ({"versions": ((0, 10),)}, "version", "FAIL", "no idempotent producers"),
    ({"versions": Unknown("why")}, "version", "unknown", "why"),
    ({}, "nodes", "OK", "reachable at the advertised addresses: one:9092, two:9092, three:9092"),
    ({"nodes": (UP, DOWN)}, "nodes", "FAIL", "a broker is advertised at two:2, but from here: connection refused"),
    ({"nodes": Unknown("why")}, "nodes", "unknown", "why"),
    ({}, "clock", "OK", "3 ms ahead of the cluster (± 2 ms)"),
    ({"clock": Clock(9_900)}, "clock", "OK", "10 s ahead"),
    ({"clock": Clock(11_000)}, "clock", "WARN", "11 s ahead"),
    ({"clock": Clock(11_000, 2_000)}, "clock", "OK", "(± 2 s)"),
    ({"clock": Clock(-20_000)}, "clock", "WARN", "20 s behind"),
    ({"clock": Clock(2 * 3_600_000)}, "clock", "FAIL", "the brokers refuse its records"),
    ({"clock": Clock(-2 * 3_600_000)}, "clock", "FAIL", "deleted too early"),
    # The times of records are only a bound.
    ({"clock": Clock(5_000_000, is_upper_bound=True)}, "clock", "unknown", "does not report its time"),
    ({"clock": Clock(-60_000, is_upper_bound=True)}, "clock", "WARN", "at least 60 s behind"),
    ({"clock": Unknown("why")}, "clock", "unknown", "why"),
]


@pytest.mark.parametrize(("changed", "check", "state", "summary"), CLUSTER)
def test_one_problem_of_a_cluster(changed: dict[str, Any], check: str, state: str, summary: str) -> None:
    (finding,) = [finding for finding in check_cluster(broker(**changed)) if finding.check == check]
    assert finding.state == state
    assert summary in finding.summary


def test_without_a_cluster_its_checks_are_skipped_by_name() -> None:
    assert states(skip_cluster_checks("why")) == [(check, "skipped") for check in CLUSTER_CHECKS]
