"""Facts about a cluster and a host without problems, to be changed one by one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from stream.doctor.facts import (
    BrokerFacts,
    Clock,
    Connection,
    DataDir,
    GroupFacts,
    HostFacts,
    Member,
    NewestTimes,
    Offsets,
    TopicFacts,
    TopicPartition,
    Unknown,
    WebPort,
)
from stream.doctor.findings import Finding
from stream.kafka.acls import topic_permissions
from stream.settings import STAGES, Settings

HOUR_MS = 3600 * 1000
DAY_MS = 24 * HOUR_MS
NOW_MS = 1_770_000_000_000
GIB = 1 << 30
SETTINGS = Settings(scope_partitions=2, raw_partitions=1, output_partitions=1)
NAMES = SETTINGS.topics


def states(findings: Iterable[Finding]) -> list[tuple[str, str]]:
    """Check and state of each finding."""
    return [(finding.check, finding.state.value) for finding in findings]


def problems(findings: Iterable[Finding]) -> list[Finding]:
    """The findings that are not OK."""
    return [finding for finding in findings if finding.state != "OK"]


def topics(**changed: dict[str, Any]) -> dict[str, TopicFacts]:
    """Every topic as required, except for ``changed``: by field of `Topics`; ``settings`` are those of the topic."""
    facts = topics_of(SETTINGS)
    for field, values in changed.items():
        name = getattr(NAMES, field)
        fields = {key: value for key, value in values.items() if key != "settings"}
        config = facts[name].config
        if "settings" in values and not isinstance(config, Unknown):
            fields["config"] = {**config, **values["settings"]}
        facts[name] = replace(facts[name], **fields)
    return facts


def topics_of(settings: Settings) -> dict[str, TopicFacts]:
    """Every topic as ``settings`` require it, with three replicas."""
    operations: dict[str, set[str]] = {spec.name: {"Describe"} for spec in settings.topic_specs}
    for permission in topic_permissions(STAGES, settings.topics):
        operations[permission.name].add(permission.operation)
    return {
        spec.name: TopicFacts(
            spec.partitions,
            replicas=3,
            in_sync=3,
            config={**spec.config, "min.insync.replicas": "2", "retention.bytes": "-1"},
            operations=frozenset(operations[spec.name]),
            offsets={number: Offsets(0, 0, 0, 0) for number in range(spec.partitions)},
        )
        for spec in settings.topic_specs
    }


def group(**changed: Any) -> GroupFacts:
    """One worker that has all partitions and no lag."""
    partitions = (
        TopicPartition(NAMES.raw, 0),
        TopicPartition(NAMES.normalized, 0),
        TopicPartition(NAMES.normalized, 1),
    )
    facts = GroupFacts("Stable", (Member("faust", "/10.0.0.7", partitions),), frozenset({"Read", "Describe"}))
    return replace(facts, **changed)


def broker(**changed: Any) -> BrokerFacts:
    """Three brokers without problems."""
    facts = BrokerFacts(
        (Connection("one:9092", 0.002),),
        NOW_MS,
        nodes=(Connection("one:9092", 0.002), Connection("two:9092", 0.002), Connection("three:9092", 0.002)),
        versions=((4, 3), (4, 3), (4, 3)),
        clock=Clock(3, 2),
        topics=topics(),
        group=group(),
        changed_logs=(),
        raw_times={0: NewestTimes(NOW_MS - 1000, NOW_MS - 1000)},
    )
    return replace(facts, **changed)


def data_dir(**changed: Any) -> DataDir:
    """An empty folder on a large disk."""
    return replace(DataDir("/data/group", True, "/data/group", True, 500 * GIB), **changed)


def host(**changed: Any) -> HostFacts:
    """A host without problems."""
    return replace(HostFacts((3, 12, 4), 65_536, data_dir(), WebPort("free")), **changed)
