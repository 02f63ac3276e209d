"""Topics as they are against what the flow needs; each case spoils one thing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from stream.doctor.check_topics import judge_permissions, judge_topics
from stream.doctor.facts import GroupFacts, Hidden, Unknown
from stream.kafka.topic_admin import TopicStatus
from stream.settings import MIB, Settings
from tests.support.doctor_facts import DAY_MS, HOUR_MS, NAMES, SETTINGS, bad, group, told, topics, topics_of


def test_all_is_well() -> None:
    assert told(judge_topics(SETTINGS, topics())) == [
        ("topics", "OK"),
        ("replication", "OK"),
        ("retention", "OK"),
        ("message size", "OK"),
    ]


Case = tuple[str, dict[str, Any], str, str, str, str]
CASES: list[Case] = [
    ("enriched", {"partitions": 0}, "topics", "FAIL", f"missing: {NAMES.enriched}", "run: stream topics"),
    ("enriched", {"partitions": 3}, "topics", "WARN", "has 3 partitions, 1 are set", "STREAM_OUTPUT_PARTITIONS"),
    ("raw", {"leaderless": (0,)}, "topics", "FAIL", "nobody serves partition 0", "start the brokers"),
    ("raw", {"differs": {"retention.ms": "5"}}, "topics", "WARN", "retention.ms is 5, not 604800000", "--update"),
    ("raw", {"differs": {"retention.ms": None}}, "topics", "WARN", "retention.ms is None", "--update"),
    ("normalized", {"differs": {"cleanup.policy": "compact"}}, "topics", "FAIL", "loses what was not read", "--update"),
    ("enriched", {"differs": {"cleanup.policy": "compact"}}, "topics", "WARN", "compact, not delete", "--update"),
    ("raw", {"copies": 1, "in_sync": 1}, "replication", "WARN", f"one copy only of {NAMES.raw}", "--replication 3"),
    ("raw", {"settings": {"min.insync.replicas": "1"}}, "replication", "WARN", "may mean one copy", "set it to 2"),
    ("raw", {"settings": {"min.insync.replicas": "3"}}, "replication", "WARN", "one broker less", "one less"),
    ("raw", {"in_sync": 1}, "replication", "FAIL", "1 copy in step, 2 are needed", "start the brokers"),
    ("raw", {"config": Unknown("no")}, "replication", "unknown", f"min.insync.replicas of {NAMES.raw}", ""),
    ("fingerprints", {"settings": {"retention.ms": str(6 * DAY_MS)}}, "retention", "FAIL", "6 days", "--update"),
    ("fingerprints", {"settings": {"retention.bytes": "1048576"}}, "retention", "WARN", "cut at 1 MiB", "=-1"),
    ("raw", {"settings": {"retention.ms": str(3 * HOUR_MS)}}, "retention", "WARN", "a longer outage", "--update"),
    ("normalized", {"settings": {"retention.ms": str(HOUR_MS)}}, "retention", "WARN", "60 min", "--update"),
    ("raw", {"settings": {"max.message.bytes": str(MIB)}}, "message size", "WARN", "scrapers are refused", "--update"),
    ("enriched", {"settings": {"max.message.bytes": str(8 * MIB)}}, "message size", "FAIL", "9 MiB may be", "--update"),
    # Whatever the raw topic takes has to fit into the dead letters.
    ("rejected", {"settings": {"max.message.bytes": str(20 * MIB)}}, "message size", "FAIL", "24 MiB may", "--update"),
]


@pytest.mark.parametrize("case", CASES)
def test_one_thing_is_wrong(case: Case) -> None:
    topic, changed, check, state, found, advice = case
    findings = [one for one in bad(judge_topics(SETTINGS, topics(**{topic: changed}))) if one.check == check]
    assert [finding.state for finding in findings] == [state]
    assert found in findings[0].found
    assert advice in findings[0].advice


def test_configurations_that_may_not_be_read_are_not_called_right() -> None:
    hidden = {name: replace(topic, config=Hidden("refused")) for name, topic in topics().items()}
    findings = list(judge_topics(SETTINGS, hidden))
    assert {finding.check for finding in findings if finding.state == "OK"} == {"topics"}
    assert {finding.state for finding in findings} == {"OK", "unknown"}


WELL: list[tuple[str, dict[str, Any]]] = [
    ("fingerprints", {"settings": {"retention.ms": str(7 * DAY_MS)}}),
    ("fingerprints", {"settings": {"retention.ms": "-1"}}),
    ("raw", {"settings": {"retention.ms": "-1"}}),
    ("raw", {"settings": {"retention.ms": str(DAY_MS)}}),
    ("enriched", {"settings": {"max.message.bytes": str(9 * MIB)}}),
]


@pytest.mark.parametrize(("topic", "changed"), WELL)
def test_what_is_right_though_it_differs_from_the_usual(topic: str, changed: dict[str, Any]) -> None:
    assert not bad(judge_topics(SETTINGS, topics(**{topic: changed})))


def test_wrong_partitions_are_told_as_the_worker_tells_them() -> None:
    spec = next(spec for spec in SETTINGS.topic_specs if spec.name == NAMES.normalized)
    spoilt = topics(normalized={"partitions": 3, "problem": TopicStatus(spec, 3).problem})
    (finding,) = bad(judge_topics(SETTINGS, spoilt))
    assert finding.state == "FAIL"
    assert finding.found == f"{NAMES.normalized} has 3 partitions, 2 are set"
    assert "STREAM_SCOPE_PARTITIONS=3" in finding.advice


def test_without_topics_the_rest_is_skipped() -> None:
    none = {name: replace(topic, partitions=0) for name, topic in topics().items()}
    assert told(judge_topics(SETTINGS, none)) == [
        ("topics", "FAIL"),
        ("replication", "skipped"),
        ("retention", "skipped"),
        ("message size", "skipped"),
    ]


def test_a_changelog_that_is_not_there_is_not_called_long_enough() -> None:
    findings = list(judge_topics(SETTINGS, topics(fingerprints={"partitions": 0})))
    assert [finding.state for finding in findings if finding.check == "retention"] == ["skipped"]


def test_a_short_retention_that_is_set_is_mended_in_the_settings() -> None:
    settings = Settings(scope_partitions=2, output_partitions=1, retention_days=0.5)
    advices = {finding.advice for finding in bad(judge_topics(settings, topics_of(settings)))}
    assert advices == {"set STREAM_RETENTION_DAYS to 1 or more, then run: stream topics --update"}


def test_permissions_of_both_steps() -> None:
    assert told(judge_permissions(SETTINGS, topics(), group())) == [("permissions", "OK")]


def test_permissions_of_one_step_are_enough_for_it() -> None:
    none: dict[str, Any] = {"operations": frozenset(), "partitions": 0, "is_hidden": True}
    there = topics(enriched=none, duplicates=none, clusters=none, fingerprints=none)
    assert told(judge_permissions(SETTINGS, there, group(), steps=["normalize"])) == [("permissions", "OK")]
    assert told(judge_permissions(SETTINGS, there, group(), steps=["deduplicate"])) == [("permissions", "FAIL")] * 4


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
def test_missing_permissions(
    changed: dict[str, Any], members: GroupFacts | Unknown, states: list[str], advice: str
) -> None:
    findings = list(judge_permissions(SETTINGS, topics(**changed), members))
    assert [finding.state for finding in findings] == states
    assert advice in findings[0].advice
