"""The whole report: what is told, and what is skipped."""

from __future__ import annotations

from stream.doctor.check_broker import ASKED
from stream.doctor.facts import Reached, Sources, Unknown
from stream.doctor.findings import is_well
from stream.doctor.report import judge, judge_unset
from stream.settings import Settings
from tests.support.doctor_facts import SETTINGS, broker, machine, told


def test_all_is_well() -> None:
    findings = judge(SETTINGS, Sources(), broker(), machine())
    assert {finding.state for finding in findings} == {"OK"}
    assert set(ASKED) < {finding.check for finding in findings}


def test_a_broker_that_cannot_be_reached_is_one_failure() -> None:
    away = broker(servers=(Reached("one:9092", error="connection refused"),), error="no address can be reached")
    findings = judge(SETTINGS, Sources(), away, machine())
    assert [check for check, state in told(findings) if state == "FAIL"] == ["broker"]
    assert [check for check, state in told(findings) if state == "skipped"] == list(ASKED)


def test_a_broker_that_stops_answering_leaves_the_rest_unknown() -> None:
    gone = Unknown("gone")
    findings = judge(SETTINGS, Sources(), broker(topics=gone, group=gone, clock=gone), machine())
    assert {check for check, state in told(findings) if state == "unknown"} == set(ASKED) - {"version", "nodes"}


def test_in_memory_nothing_fails() -> None:
    findings = judge(Settings(broker="memory://here"), Sources(), None, machine())
    assert is_well(findings)
    assert {check for check, state in told(findings) if state == "skipped"} == {
        *ASKED,
        "broker",
        "data folder",
        "disk",
        "index",
    }


def test_without_settings_only_the_interpreter_is_told() -> None:
    findings = judge_unset("these settings cannot be used:\n  STREAM_WEB_PORT: too large", (3, 12, 1))
    assert findings[0].found == "  STREAM_WEB_PORT: too large"
    assert told(findings)[:2] == [("settings", "FAIL"), ("python", "OK")]
    assert {state for _, state in told(findings)[2:]} == {"skipped"}
