"""Checks of the topics and of this user's permissions: facts in, findings out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from stream.core.contracts.topics import TopicSpec
from stream.doctor.facts import GroupFacts, Hidden, TopicFacts, Unknown
from stream.doctor.findings import (
    Finding,
    fail,
    format_count,
    format_duration,
    format_size,
    join_names,
    ok,
    skip,
    unknown,
    warn,
)
from stream.kafka.acls import topic_permissions
from stream.settings import MIB, STAGES, Settings, Stage

_UPDATE: Final = "run: stream topics --update"
_CREATE: Final = "run: stream topics"
#: Records should outlast a night without an operator.
_SHORT_RETENTION_MS: Final = 24 * 3600 * 1000
#: What the flow adds to the text of an event: field names, headers, the verdict.
_ADDED_BYTES: Final = MIB
#: Replicas that should have a record before it counts as stored.
_MIN_IN_SYNC: Final = 2
TopicFactsByName = Mapping[str, TopicFacts]


def check_topics(settings: Settings, topics: TopicFactsByName) -> Iterator[Finding]:
    """Check partitions, configuration, replication, retention and message sizes."""
    yield from _check_specs(settings, topics)
    existing = {name: topic for name, topic in topics.items() if topic.partitions}
    if not existing:
        for check in ("replication", "retention", "message size"):
            yield skip(check, "there are no topics")
        return
    yield from _check_replication(existing)
    yield from _check_retention(settings, existing)
    yield from _check_message_sizes(settings, existing)


def _check_specs(settings: Settings, topics: TopicFactsByName) -> Iterator[Finding]:
    specs = [spec for spec in settings.topic_specs if not topics[spec.name].is_hidden]
    missing = [spec.name for spec in specs if not topics[spec.name].partitions]
    if missing:
        yield fail("topics", f"missing: {join_names(missing)}", _CREATE, topics=missing)
    names = settings.topics
    findings = [
        finding
        for spec in specs
        if topics[spec.name].partitions
        for finding in _check_spec(
            spec, topics[spec.name], is_input=spec.name in (names.raw, names.normalized, names.fingerprints)
        )
    ]
    yield from findings
    if specs and not missing and not findings:
        yield ok("topics", f"{format_count(len(specs), 'topic')} with the required partitions and configuration")


def _check_spec(spec: TopicSpec, topic: TopicFacts, *, is_input: bool) -> Iterator[Finding]:
    figures = {"topic": spec.name, "partitions": topic.partitions, "expected": spec.partitions}
    if topic.problem is not None:
        summary, _, advice = topic.problem.partition(": ")
        yield fail("topics", summary, advice or _CREATE, **figures)
    elif topic.partitions != spec.partitions:
        yield warn(
            "topics",
            f"{spec.name} has {format_count(topic.partitions, 'partition')} instead of {spec.partitions}",
            "set STREAM_RAW_PARTITIONS or STREAM_OUTPUT_PARTITIONS to this number, or add partitions",
            **figures,
        )
    if topic.leaderless:
        yield fail(
            "topics",
            f"{spec.name}: no leader for partition {join_names(topic.leaderless)}",
            "start the brokers that have its replicas",
            topic=spec.name,
            leaderless=list(topic.leaderless),
        )
    policy, required = topic.differs.get("cleanup.policy"), spec.config.get("cleanup.policy")
    if policy is not None and "compact" in policy and required == "delete" and is_input:
        yield fail("topics", f"{spec.name} is compacted, which deletes unread records", _UPDATE, topic=spec.name)
        return
    if topic.differs:
        differences = join_names(
            f"{name} is {value} instead of {spec.config[name]}" for name, value in sorted(topic.differs.items())
        )
        yield warn("topics", f"{spec.name}: {differences}", _UPDATE, topic=spec.name, differs=dict(topic.differs))


def _check_replication(topics: TopicFactsByName) -> Iterator[Finding]:
    unreplicated = [name for name, topic in topics.items() if topic.replicas == 1]
    if unreplicated:
        yield warn(
            "replication",
            f"a single replica of {_all_or_names(unreplicated, topics)}: a lost disk loses its records",
            "with three brokers, use kafka-reassign-partitions; for new topics, stream topics --replication 3",
            topics=unreplicated,
        )
    findings = [
        finding
        for name, topic in topics.items()
        if (required := _config_number(topic, "min.insync.replicas")) is not None
        for finding in _check_in_sync(name, topic, required)
    ]
    yield from findings
    unknown_config = [name for name, topic in topics.items() if isinstance(topic.config, Unknown)]
    if unknown_config:
        yield unknown("replication", f"cannot read min.insync.replicas of {_all_or_names(unknown_config, topics)}")
    elif not unreplicated and not findings:
        replicas = min(topic.replicas for topic in topics.values())
        yield ok("replication", f"at least {replicas} replicas, {_MIN_IN_SYNC} of them in sync")


def _check_in_sync(name: str, topic: TopicFacts, required: int) -> Iterator[Finding]:
    if topic.in_sync < required:
        has_too_few = topic.replicas < required
        yield fail(
            "replication",
            f"{name}: {topic.in_sync} in sync, but min.insync.replicas is {required}: it refuses records",
            f"set min.insync.replicas to {topic.replicas} or less, or add replicas"
            if has_too_few
            else "start the missing brokers",
            topic=name,
        )
        return
    if topic.replicas == 1:
        return
    if required < _MIN_IN_SYNC:
        yield warn(
            "replication",
            f"{name}: min.insync.replicas is {required}, so acks=all can mean a single replica",
            f"set it to 2: kafka-configs --alter --topic {name} --add-config min.insync.replicas=2",
            topic=name,
        )
    elif required >= topic.replicas:
        yield warn(
            "replication",
            f"{name}: min.insync.replicas is {required} of {topic.replicas}, so it stops when one broker is down",
            "set it to one less than the number of replicas",
            topic=name,
        )


def _check_retention(settings: Settings, topics: TopicFactsByName) -> Iterator[Finding]:
    names = settings.topics
    is_ok = True
    for name, check in (
        (names.fingerprints, _check_changelog_retention),
        (names.raw, _check_input_retention),
        (names.normalized, _check_input_retention),
    ):
        topic = topics.get(name)
        if topic is None:
            findings = [skip("retention", f"{name} does not exist, or is not visible to this user")]
        elif isinstance(topic.config, Unknown):
            findings = [unknown("retention", f"{name}: {topic.config.reason}")]
        else:
            findings = list(check(settings, name, topic))
        is_ok = is_ok and not findings
        yield from findings
    if is_ok:
        window = format_duration(settings.window_ms / 1000)
        yield ok("retention", f"the changelog is kept longer than the duplicate window of {window}")


def _check_changelog_retention(settings: Settings, name: str, topic: TopicFacts) -> Iterator[Finding]:
    retention, window = _config_number(topic, "retention.ms"), settings.window_ms
    if retention is not None and 0 <= retention < window:
        yield fail(
            "retention",
            f"{name} is kept for {format_duration(retention / 1000)}, but the window is "
            f"{format_duration(window / 1000)}: restored indexes would miss duplicates",
            f"{_UPDATE}; or reduce STREAM_WINDOW_DAYS",
            topic=name,
            retention_ms=retention,
            window_ms=window,
        )
    size_max = _config_number(topic, "retention.bytes")
    if size_max is not None and size_max >= 0:
        yield warn(
            "retention",
            f"{name} is limited to {format_size(size_max)} for each partition, which may cut the window short",
            f"remove the limit: kafka-configs --alter --topic {name} --add-config retention.bytes=-1",
            topic=name,
            retention_bytes=size_max,
        )


def _check_input_retention(settings: Settings, name: str, topic: TopicFacts) -> Iterator[Finding]:
    retention = _config_number(topic, "retention.ms")
    if retention is not None and 0 <= retention < _SHORT_RETENTION_MS:
        is_as_set = settings.retention_days * _SHORT_RETENTION_MS <= retention
        yield warn(
            "retention",
            f"{name} is kept for {format_duration(retention / 1000)}: a longer outage loses articles",
            f"set STREAM_RETENTION_DAYS to 1 or more, then {_UPDATE}" if is_as_set else _UPDATE,
            topic=name,
            retention_ms=retention,
        )


def _check_message_sizes(settings: Settings, topics: TopicFactsByName) -> Iterator[Finding]:
    sizes = {name: _config_number(topic, "max.message.bytes") for name, topic in topics.items()}
    unknown_sizes = [name for name, size_max in sizes.items() if size_max is None]
    if unknown_sizes:
        yield unknown("message size", f"cannot read max.message.bytes of {_all_or_names(unknown_sizes, topics)}")
    raw_max = sizes.get(settings.topics.raw)
    findings = [
        finding
        for name, size_max in sizes.items()
        if size_max is not None and (finding := _check_message_size(settings, name, size_max, raw_max))
    ]
    yield from findings
    if not unknown_sizes and not findings:
        size_max = format_size(settings.max_message_bytes)
        yield ok("message size", f"the topics accept messages of {size_max} and the larger records made of them")


def _check_message_size(settings: Settings, name: str, size_max: int, raw_max: int | None) -> Finding | None:
    limit = settings.max_message_bytes
    figures = {"topic": name, "max_message_bytes": size_max}
    if name == settings.topics.raw:
        if size_max >= limit:
            return None
        return warn(
            "message size",
            f"{name} accepts {format_size(size_max)}, but STREAM_MAX_MESSAGE_BYTES is {format_size(limit)}: the broker "
            "refuses larger messages of scrapers",
            f"{_UPDATE}; or lower STREAM_MAX_MESSAGE_BYTES",
            **figures,
        )
    needed = limit + _ADDED_BYTES
    if name == settings.topics.rejected:
        # A dead letter holds the whole message that the raw topic accepted.
        needed = max(needed, raw_max or 0)
    if size_max >= needed:
        return None
    return fail(
        "message size",
        f"{name} accepts {format_size(size_max)}, but {format_size(needed)} may be needed: a larger record stops the "
        "worker",
        f"{_UPDATE}; or lower STREAM_MAX_MESSAGE_BYTES",
        **figures,
    )


def check_permissions(
    settings: Settings, topics: TopicFactsByName, group: GroupFacts | Unknown, *, steps: Sequence[Stage] = STAGES
) -> Iterator[Finding]:
    """Check that this user has the permissions of a worker that runs ``steps`` (`stream.kafka.acls`)."""
    lacking: dict[str, list[str]] = defaultdict(list)
    undecided: list[str] = []
    for permission in topic_permissions(steps, settings.topics):
        topic = topics[permission.name]
        if isinstance(topic.operations, Unknown):
            undecided.append(permission.name)
        elif permission.operation not in topic.operations:
            lacking[f"topic {permission.name}"].append(permission.operation)
    allowed = group.operations if isinstance(group, GroupFacts) else group
    if isinstance(allowed, Hidden) or (not isinstance(allowed, Unknown) and "Read" not in allowed):
        lacking[f"group {settings.group}"].append("Read")
    for resource, operations in lacking.items():
        options = " ".join(f"--operation {operation}" for operation in operations)
        yield fail(
            "permissions",
            f"this user lacks {join_names(operations)} on {resource}",
            f"kafka-acls --add --allow-principal User:{settings.sasl_username or 'NAME'} {options} --{resource}; "
            "see deploy/kafka/acls.md",
            resource=resource,
            operations=operations,
        )
    if undecided:
        topics_text = join_names(dict.fromkeys(undecided))
        yield unknown("permissions", f"the cluster does not report the permissions on {topics_text}")
    elif not any(resource.startswith("topic ") for resource in lacking):
        yield ok("permissions", f"this user has all topic permissions for: {join_names(steps)}")
    if isinstance(allowed, Unknown) and not isinstance(allowed, Hidden):
        yield unknown("permissions", f"Read on group {settings.group}: {allowed.reason}")


def _config_number(topic: TopicFacts, name: str) -> int | None:
    if isinstance(topic.config, Unknown):
        return None
    value = topic.config.get(name)
    return None if value is None else int(value)


def _all_or_names(names: list[str], topics: TopicFactsByName) -> str:
    return f"all {len(topics)} topics" if len(names) == len(topics) > 1 else join_names(names)
