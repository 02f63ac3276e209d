"""Findings about topics and permissions; each case changes one thing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from stream.doctor.check_topics import check_permissions, check_topics
from stream.doctor.facts import GroupFacts, Hidden, Unknown
from stream.kafka.topic_admin import TopicStatus
from stream.settings import MIB, Settings
from tests.support.doctor_facts import DAY_MS, HOUR_MS, NAMES, SETTINGS, group, problems, states, topics, topics_of


def test_good_topics_have_no_problems() -> None:
    assert states(check_topics(SETTINGS, topics())) == [
        ("topics", "OK"),
        ("replication", "OK"),
        ("retention", "OK"),
        ("message size", "OK"),
    ]


Case = tuple[str, dict[str, Any], str, str, str, str]
CASES: list[Case] = [
    ("enriched", {"partitions": 0}, "topics", "FAIL", f"missing: {NAMES.enriched}", "run: stream topics"),
    ("enriched", {"partitions": 3}, "topics", "WARN", "has 3 partitions instead of 1", "STREAM_OUTPUT_PARTITIONS"),
    ("raw", {"leaderless": (0,)}, "topics", "FAIL", "no leader for partition 0", "start the brokers"),
    ("raw", {"differs": {"retention.ms": "5"}}, "topics", "WARN", "retention.ms is 5 instead of 604800000", "--update"),
    ("raw", {"differs": {"retention.ms": None}}, "topics", "WARN", "retention.ms is None", "--update"),
    ("normalized", {"differs": {"cleanup.policy": "compact"}}, "topics", "FAIL", "deletes unread records", "--update"),
    ("raw", {"differs": {"cleanup.policy": "compact"}}, "topics", "FAIL", "deletes unread records", "--update"),
    ("enriched", {"differs": {"cleanup.policy": "compact"}}, "topics", "WARN", "compact instead of delete", "--update"),
    (
        "raw",
        {"replicas": 1, "in_sync": 1, "settings": {"min.insync.replicas": "1"}},
        "replication",
        "WARN",
        f"a single replica of {NAMES.raw}",
        "--replication 3",
    ),
    (
        "raw",
        {"settings": {"min.insync.replicas": "1"}},
        "replication",
        "WARN",
        "can mean a single replica",
        "set it to 2",
    ),
    ("raw", {"settings": {"min.insync.replicas": "3"}}, "replication", "WARN", "one broker is down", "one less"),
    ("raw", {"in_sync": 1}, "replication", "FAIL", "1 in sync, but min.insync.replicas is 2", "start the missing"),
    (
        "raw",
        {"replicas": 2, "in_sync": 2, "settings": {"min.insync.replicas": "3"}},
        "replication",
        "FAIL",
        "2 in sync, but min.insync.replicas is 3: it refuses records",
        "set min.insync.replicas to 2 or less",
    ),
    ("raw", {"config": Unknown("no")}, "replication", "unknown", f"min.insync.replicas of {NAMES.raw}", ""),
    ("fingerprints", {"settings": {"retention.ms": str(6 * DAY_MS)}}, "retention", "FAIL", "6 days", "--update"),
    ("fingerprints", {"settings": {"retention.bytes": "1048576"}}, "retention", "WARN", "limited to 1 MiB", "=-1"),
    ("raw", {"settings": {"retention.ms": str(3 * HOUR_MS)}}, "retention", "WARN", "a longer outage", "--update"),
    ("normalized", {"settings": {"retention.ms": str(HOUR_MS)}}, "retention", "WARN", "60 min", "--update"),
    ("raw", {"settings": {"max.message.bytes": str(MIB)}}, "message size", "WARN", "messages of scrapers", "--update"),
    ("enriched", {"settings": {"max.message.bytes": str(8 * MIB)}}, "message size", "FAIL", "9 MiB may be", "--update"),
    # A dead letter holds the whole message that the raw topic accepted.
    ("rejected", {"settings": {"max.message.bytes": str(20 * MIB)}}, "message size", "FAIL", "24 MiB may", "--update"),
]


@pytest.mark.parametrize("case", CASES)
def test_one_problem_of_the_topics(case: Case) -> None:
    topic, changed, check, state, summary, advice = case
    findings = [f for f in problems(check_topics(SETTINGS, topics(**{topic: changed}))) if f.check == check]
    assert [finding.state for finding in findings] == [state]
    assert summary in findings[0].summary
    assert advice in findings[0].advice


def test_a_hidden_configuration_is_unknown() -> None:
    hidden = {name: replace(topic, config=Hidden("refused")) for name, topic in topics().items()}
    findings = list(check_topics(SETTINGS, hidden))
    assert {finding.check for finding in findings if finding.state == "OK"} == {"topics"}
    assert {finding.state for finding in findings} == {"OK", "unknown"}


VALID: list[tuple[str, dict[str, Any]]] = [
    ("fingerprints", {"settings": {"retention.ms": str(7 * DAY_MS)}}),
    ("fingerprints", {"settings": {"retention.ms": "-1"}}),
    ("raw", {"settings": {"retention.ms": "-1"}}),
    ("raw", {"settings": {"retention.ms": str(DAY_MS)}}),
    ("enriched", {"settings": {"max.message.bytes": str(9 * MIB)}}),
]


@pytest.mark.parametrize(("topic", "changed"), VALID)
def test_unusual_but_valid_topics_have_no_problems(topic: str, changed: dict[str, Any]) -> None:
    assert not problems(check_topics(SETTINGS, topics(**{topic: changed})))


def test_a_wrong_number_of_partitions_is_reported_as_by_the_worker() -> None:
    spec = next(spec for spec in SETTINGS.topic_specs if spec.name == NAMES.normalized)
    spoilt = topics(normalized={"partitions": 3, "problem": TopicStatus(spec, 3).problem})
    (finding,) = problems(check_topics(SETTINGS, spoilt))
    assert finding.state == "FAIL"
    assert finding.summary == f"{NAMES.normalized} has 3 partitions instead of 2"
    assert "STREAM_SCOPE_PARTITIONS=3" in finding.advice


def test_without_topics_the_other_checks_are_skipped() -> None:
    none = {name: replace(topic, partitions=0) for name, topic in topics().items()}
    assert states(check_topics(SETTINGS, none)) == [
        ("topics", "FAIL"),
        ("replication", "skipped"),
        ("retention", "skipped"),
        ("message size", "skipped"),
    ]


def test_the_retention_of_a_missing_changelog_is_skipped() -> None:
    findings = list(check_topics(SETTINGS, topics(fingerprints={"partitions": 0})))
    assert [finding.state for finding in findings if finding.check == "retention"] == ["skipped"]


def test_a_short_retention_in_the_settings_is_fixed_there() -> None:
    settings = Settings(scope_partitions=2, output_partitions=1, retention_days=0.5)
    advices = {finding.advice for finding in problems(check_topics(settings, topics_of(settings)))}
    assert advices == {"set STREAM_RETENTION_DAYS to 1 or more, then run: stream topics --update"}


def test_a_user_with_all_permissions_has_no_problems() -> None:
    assert states(check_permissions(SETTINGS, topics(), group())) == [("permissions", "OK")]


def test_a_step_needs_only_its_own_permissions() -> None:
    none: dict[str, Any] = {"operations": frozenset(), "partitions": 0, "is_hidden": True}
    topic_facts = topics(enriched=none, duplicates=none, clusters=none, fingerprints=none)
    assert states(check_permissions(SETTINGS, topic_facts, group(), steps=["normalize"])) == [("permissions", "OK")]
    assert (
        states(check_permissions(SETTINGS, topic_facts, group(), steps=["deduplicate"]))
        == [("permissions", "FAIL")] * 4
    )


PERMISSIONS: list[tuple[dict[str, Any], GroupFacts | Unknown, list[str], str]] = [
    ({"raw": {"operations": frozenset({"Describe"})}}, group(), ["FAIL"], "--operation Read --topic articles.raw"),
    ({"raw": {"operations": frozenset()}}, group(), ["FAIL"], "--operation Read --operation Describe --topic"),
    (
        {"fingerprints": {"operations": frozenset()}},
        group(),
        ["FAIL"],
        "--operation Read --operation Write --topic articles.fingerprints",
    ),
    ({}, group(operations=frozenset({"Describe"})), ["FAIL", "OK"], "--operation Read --group article-stream"),
    ({}, group(operations=Unknown("new")), ["OK", "unknown"], ""),
    ({}, Unknown("gone"), ["OK", "unknown"], ""),
    ({}, Hidden("refused"), ["FAIL", "OK"], "--operation Read --group article-stream"),
    ({"raw": {"operations": Unknown("old")}}, group(), ["unknown"], ""),
]


@pytest.mark.parametrize(("changed", "members", "states", "advice"), PERMISSIONS)
def test_missing_permissions_are_reported_with_the_command_to_grant_them(
    changed: dict[str, Any], members: GroupFacts | Unknown, states: list[str], advice: str
) -> None:
    findings = list(check_permissions(SETTINGS, topics(**changed), members))
    assert [finding.state for finding in findings] == states
    assert advice in findings[0].advice
