"""What is right about the topics, and what to do where it is not. Facts in, findings out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from stream.core.contracts.topics import TopicSpec
from stream.doctor.facts import GroupFacts, Hidden, TopicFacts, Unknown
from stream.doctor.findings import Finding, count, fail, names, ok, size, skipped, span, unknown, warn
from stream.kafka.acls import topic_permissions
from stream.settings import MIB, STAGES, Settings, Stage

_UPDATE: Final = "run: stream topics --update"
_CREATE: Final = "run: stream topics"
#: Who is not awake at night finds the records in the morning.
_SHORT_MS: Final = 24 * 3600 * 1000
#: What the flow adds to the text that came: names of fields, headers, the duplicate's verdict.
_ADDED_BYTES: Final = MIB
#: Copies that have a record before it counts as stored.
_LEAST_IN_SYNC: Final = 2
Topics = Mapping[str, TopicFacts]


def judge_topics(settings: Settings, topics: Topics) -> Iterator[Finding]:
    """All of it."""
    yield from _as_set(settings, topics)
    there = {name: topic for name, topic in topics.items() if topic.partitions}
    if not there:
        for check in ("replication", "retention", "message size"):
            yield skipped(check, "there are no topics")
        return
    yield from _replication(there)
    yield from _retention(settings, there)
    yield from _message_sizes(settings, there)


def _as_set(settings: Settings, topics: Topics) -> Iterator[Finding]:
    specs = settings.topic_specs
    seen = [spec for spec in specs if not topics[spec.name].is_hidden]
    missing = [spec.name for spec in seen if not topics[spec.name].partitions]
    if missing:
        yield fail("topics", f"missing: {names(missing)}", _CREATE, topics=missing)
    is_well = not missing
    for spec in seen:
        topic = topics[spec.name]
        if not topic.partitions:
            continue
        for finding in _one(spec, topic):
            is_well = False
            yield finding
    if is_well and seen:
        yield ok("topics", f"{count(len(seen), 'topic')} with the partitions and configuration that are set")


def _one(spec: TopicSpec, topic: TopicFacts) -> Iterator[Finding]:
    figures = {"topic": spec.name, "partitions": topic.partitions, "expected": spec.partitions}
    if topic.problem is not None:
        found, _, advice = topic.problem.partition(": ")
        yield fail("topics", found, advice or _CREATE, **figures)
    elif topic.partitions != spec.partitions:
        yield warn(
            "topics",
            f"{spec.name} has {count(topic.partitions, 'partition')}, {spec.partitions} are set",
            "set STREAM_RAW_PARTITIONS or STREAM_OUTPUT_PARTITIONS to what is there, or add partitions",
            **figures,
        )
    if topic.leaderless:
        yield fail(
            "topics",
            f"{spec.name}: nobody serves partition {names(topic.leaderless)}",
            "start the brokers that hold them",
            topic=spec.name,
            leaderless=list(topic.leaderless),
        )
    policy, wanted = topic.differs.get("cleanup.policy"), spec.config.get("cleanup.policy")
    if policy is not None and "compact" in policy and wanted == "delete" and spec.exact_partitions:
        yield fail("topics", f"{spec.name} is compacted and loses what was not read yet", _UPDATE, topic=spec.name)
        return
    if topic.differs:
        listed = names(f"{name} is {value}, not {spec.config[name]}" for name, value in sorted(topic.differs.items()))
        yield warn("topics", f"{spec.name}: {listed}", _UPDATE, topic=spec.name, differs=dict(topic.differs))


def _replication(topics: Topics) -> Iterator[Finding]:
    alone = [name for name, topic in topics.items() if topic.copies == 1]
    if alone:
        yield warn(
            "replication",
            f"one copy only of {_all_or(alone, topics)}: a lost disk loses what was stored",
            "with three brokers: kafka-reassign-partitions for these; new ones with stream topics --replication 3",
            topics=alone,
        )
    is_well = not alone
    for name, topic in topics.items():
        least = _number(topic, "min.insync.replicas")
        if least is None or topic.copies <= 1:
            continue
        for finding in _in_sync(name, topic, least):
            is_well = False
            yield finding
    unread = [name for name, topic in topics.items() if isinstance(topic.config, Unknown)]
    if unread:
        yield unknown("replication", f"min.insync.replicas of {_all_or(unread, topics)} cannot be read")
    elif is_well:
        yield ok("replication", f"{min(topic.copies for topic in topics.values())} copies or more, two of them in step")


def _in_sync(name: str, topic: TopicFacts, least: int) -> Iterator[Finding]:
    if least < _LEAST_IN_SYNC:
        yield warn(
            "replication",
            f"{name}: min.insync.replicas is {least}, so acks=all may mean one copy",
            f"set it to 2: kafka-configs --alter --topic {name} --add-config min.insync.replicas=2",
            topic=name,
        )
    if topic.in_sync < least:
        yield fail(
            "replication",
            f"{name}: {count(topic.in_sync, 'copy in step')}, {least} are needed to write",
            "start the brokers that are missing",
            topic=name,
        )
    elif least >= topic.copies:
        yield warn(
            "replication",
            f"{name}: min.insync.replicas is {least} of {topic.copies} copies, so one broker less stops it",
            "set it to one less than there are copies",
            topic=name,
        )


def _retention(settings: Settings, topics: Topics) -> Iterator[Finding]:
    names_ = settings.topics
    is_well = True
    for name, judge in ((names_.fingerprints, _changelog), (names_.raw, _input), (names_.normalized, _input)):
        topic = topics.get(name)
        if topic is None:
            findings = [skipped("retention", f"{name} is missing, or not shown to this user")]
        elif isinstance(topic.config, Unknown):
            findings = [unknown("retention", f"{name}: {topic.config.reason}")]
        else:
            findings = list(judge(settings, name, topic))
        is_well = is_well and not findings
        yield from findings
    if is_well:
        yield ok("retention", f"the changelog outlives the window of {span(settings.window_ms / 1000)}")


def _changelog(settings: Settings, name: str, topic: TopicFacts) -> Iterator[Finding]:
    kept, window = _number(topic, "retention.ms"), settings.window_ms
    if kept is not None and 0 <= kept < window:
        yield fail(
            "retention",
            f"{name} is kept for {span(kept / 1000)}, the window is {span(window / 1000)}: a worker that restores "
            "its index misses duplicates",
            f"{_UPDATE}; or make STREAM_WINDOW_DAYS shorter",
            topic=name,
            retention_ms=kept,
            window_ms=window,
        )
    most = _number(topic, "retention.bytes")
    if most is not None and most >= 0:
        yield warn(
            "retention",
            f"{name} is cut at {size(most)} a partition, whatever the window",
            f"remove the limit: kafka-configs --alter --topic {name} --add-config retention.bytes=-1",
            topic=name,
            retention_bytes=most,
        )


def _input(settings: Settings, name: str, topic: TopicFacts) -> Iterator[Finding]:
    kept = _number(topic, "retention.ms")
    if kept is not None and 0 <= kept < _SHORT_MS:
        short = settings.retention_days * _SHORT_MS <= kept
        yield warn(
            "retention",
            f"{name} is kept for {span(kept / 1000)}: a longer outage loses articles",
            "set STREAM_RETENTION_DAYS to 1 or more, then run: stream topics --update" if short else _UPDATE,
            topic=name,
            retention_ms=kept,
        )


def _message_sizes(settings: Settings, topics: Topics) -> Iterator[Finding]:
    names_ = settings.topics
    raw = topics.get(names_.raw)
    raw_bytes = _number(raw, "max.message.bytes") if raw else None
    unread = [name for name, topic in topics.items() if _number(topic, "max.message.bytes") is None]
    if unread:
        yield unknown("message size", f"max.message.bytes of {_all_or(unread, topics)} cannot be read")
    is_well = not unread
    for name, topic in topics.items():
        most = _number(topic, "max.message.bytes")
        if most is None:
            continue
        finding = _message_size(settings, name, most, raw_bytes)
        if finding is not None:
            is_well = False
            yield finding
    if is_well:
        yield ok("message size", f"topics take messages of {size(settings.max_message_bytes)} and what is made of them")


def _message_size(settings: Settings, name: str, most: int, raw_bytes: int | None) -> Finding | None:
    wanted, names_ = settings.max_message_bytes, settings.topics
    figures = {"topic": name, "max_message_bytes": most}
    if name == names_.raw:
        if most >= wanted:
            return None
        return warn(
            "message size",
            f"{name} takes {size(most)}, STREAM_MAX_MESSAGE_BYTES is {size(wanted)}: scrapers are refused before",
            f"{_UPDATE}; or lower STREAM_MAX_MESSAGE_BYTES",
            **figures,
        )
    needed = wanted + _ADDED_BYTES
    if name == names_.rejected:
        # Whatever the raw topic took may have to come here whole.
        needed = max(needed, raw_bytes or 0)
    if most >= needed:
        return None
    return fail(
        "message size",
        f"{name} takes {size(most)}, {size(needed)} may be needed: a worker stops at the first larger record",
        f"{_UPDATE}; or lower STREAM_MAX_MESSAGE_BYTES",
        **figures,
    )


def judge_permissions(
    settings: Settings, topics: Topics, group: GroupFacts | Unknown, *, steps: Sequence[Stage] = STAGES
) -> Iterator[Finding]:
    """What this user may do, against what a worker that runs ``steps`` needs (`stream.kafka.acls`)."""
    lacking: dict[str, list[str]] = defaultdict(list)
    unsure: list[str] = []
    for permission in topic_permissions(steps, settings.topics):
        topic = topics[permission.name]
        if isinstance(topic.operations, Unknown):
            unsure.append(permission.name)
        elif permission.operation not in topic.operations:
            lacking[f"topic {permission.name}"].append(permission.operation)
    allowed = group.operations if isinstance(group, GroupFacts) else group
    if isinstance(allowed, Hidden) or (not isinstance(allowed, Unknown) and "Read" not in allowed):
        lacking[f"group {settings.group}"].append("Read")
    for resource, operations in lacking.items():
        options = " ".join(f"--operation {operation}" for operation in operations)
        yield fail(
            "permissions",
            f"this user is not allowed {names(operations)} on {resource}",
            f"kafka-acls --add --allow-principal User:{settings.sasl_username or 'NAME'} {options} --{resource}; "
            "see deploy/kafka/acls.md",
            resource=resource,
            operations=operations,
        )
    if unsure:
        yield unknown("permissions", f"the cluster does not tell for {names(dict.fromkeys(unsure))}")
    elif not any(resource.startswith("topic ") for resource in lacking):
        yield ok("permissions", f"this user may do with the topics what is done by {names(steps)}")
    if isinstance(allowed, Unknown) and not isinstance(allowed, Hidden):
        yield unknown("permissions", f"whether this user may read as group {settings.group}: {allowed.reason}")


def _number(topic: TopicFacts, name: str) -> int | None:
    if isinstance(topic.config, Unknown):
        return None
    value = topic.config.get(name)
    return None if value is None else int(value)


def _all_or(listed: list[str], topics: Topics) -> str:
    return f"all {len(topics)} topics" if len(listed) == len(topics) > 1 else names(listed)
