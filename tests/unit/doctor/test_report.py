"""The whole report: what is checked, and what is skipped."""

from __future__ import annotations

from stream.doctor.check_broker import CLUSTER_CHECKS
from stream.doctor.facts import Connection, SettingSources, Unknown
from stream.doctor.findings import is_acceptable
from stream.doctor.report import check_all, report_invalid_settings
from stream.settings import Settings
from tests.support.doctor_facts import SETTINGS, broker, host, states


def test_without_problems_every_check_is_ok() -> None:
    findings = check_all(SETTINGS, SettingSources(), broker(), host())
    assert {finding.state for finding in findings} == {"OK"}
    assert set(CLUSTER_CHECKS) < {finding.check for finding in findings}


def test_an_unreachable_broker_is_one_failure() -> None:
    away = broker(
        servers=(Connection("one:9092", error="connection refused", advice="start it"),),
        error="no address can be reached",
    )
    findings = check_all(SETTINGS, SettingSources(), away, host())
    assert [check for check, state in states(findings) if state == "FAIL"] == ["broker"]
    assert [check for check, state in states(findings) if state == "skipped"] == list(CLUSTER_CHECKS)


def test_a_broker_that_stops_answering_leaves_the_rest_unknown() -> None:
    unknown = Unknown("gone")
    findings = check_all(SETTINGS, SettingSources(), broker(topics=unknown, group=unknown, clock=unknown), host())
    assert {check for check, state in states(findings) if state == "unknown"} == set(CLUSTER_CHECKS) - {
        "version",
        "nodes",
    }


def test_with_memory_nothing_fails() -> None:
    findings = check_all(Settings(broker="memory://here"), SettingSources(), None, host())
    assert is_acceptable(findings, strict=False)
    assert {check for check, state in states(findings) if state == "skipped"} == {
        *CLUSTER_CHECKS,
        "broker",
        "data folder",
        "disk",
        "index",
    }


def test_with_invalid_settings_only_the_interpreter_is_checked() -> None:
    findings = report_invalid_settings("invalid settings:\n  STREAM_WEB_PORT: too large", (3, 12, 1))
    assert findings[0].summary == "  STREAM_WEB_PORT: too large"
    assert states(findings)[:2] == [("settings", "FAIL"), ("python", "OK")]
    assert {state for _, state in states(findings)[2:]} == {"skipped"}
