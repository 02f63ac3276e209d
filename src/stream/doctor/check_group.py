"""Checks of the consumer group, its lag and the dead letters: facts in, findings out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from stream.doctor.facts import GroupFacts, Offsets, TopicFacts, TopicPartition, Unknown
from stream.doctor.findings import Finding, fail, format_count, format_duration, join_names, ok, skip, unknown, warn
from stream.recovery.plan import ChangedLog
from stream.settings import Settings

_REBALANCING: Final = ("PreparingRebalance", "CompletingRebalance", "Assigning", "Reconciling")
#: The share of the retention from which on records may be deleted before they are read.
_NEAR_DELETION: Final = 0.8
#: Dead letters per raw message of the same hour.
_REJECTED_SHARE: Final = 0.01
TopicFactsByName = Mapping[str, TopicFacts]


class _Lag(NamedTuple):
    """The lag of one partition; ``seconds``: the age of its oldest unread record, None if unknown."""

    partition: int
    records: int
    seconds: float | None


def check_group(settings: Settings, group: GroupFacts | Unknown, topics: TopicFactsByName) -> Iterator[Finding]:
    """Check that the group has members, and that they read every partition."""
    if isinstance(group, Unknown):
        yield unknown("group", group)
        return
    figures = {"state": group.state, "members": [member.client for member in group.members]}
    if not group.members:
        if group.committed:
            yield warn("group", f"{settings.group}: no worker is running", "run: stream worker", **figures)
        else:
            yield ok("group", f"{settings.group}: no worker has read anything yet", **figures)
        return
    hosts = join_names(sorted({member.host.lstrip("/") for member in group.members}))
    summary = f"{settings.group}: {format_count(len(group.members), 'member')} on {hosts}"
    if group.state in _REBALANCING:
        advice = f"check again in {settings.session_timeout_s:g} s; if it continues, see the workers' logs"
        yield warn("group", f"{summary}; a rebalance is in progress", advice, **figures)
        return
    unassigned = _unassigned_partitions(settings, group, topics)
    for topic, partitions in unassigned.items():
        step = "normalize" if topic == settings.topics.raw else "deduplicate"
        yield warn(
            "group",
            f"{summary}; no worker reads {topic}, partition {join_names(partitions)}",
            f"start a worker with this step: stream worker --step {step}",
            **figures,
        )
    if not unassigned:
        yield ok("group", summary, **figures)


def _unassigned_partitions(settings: Settings, group: GroupFacts, topics: TopicFactsByName) -> dict[str, list[int]]:
    assigned = {partition for member in group.members for partition in member.partitions}
    unassigned = {}
    for topic in (settings.topics.raw, settings.topics.normalized):
        numbers = range(topics[topic].partitions) if topic in topics else range(0)
        if missing := [number for number in numbers if TopicPartition(topic, number) not in assigned]:
            unassigned[topic] = missing
    return unassigned


def check_lag(
    settings: Settings, group: GroupFacts | Unknown, topics: TopicFactsByName, *, now_ms: int
) -> Iterator[Finding]:
    """Check consumer lag, and whether records were lost."""
    if isinstance(group, Unknown):
        yield unknown("lag", group)
        return
    for name in (settings.topics.raw, settings.topics.normalized):
        topic = topics.get(name)
        if topic is None or not topic.partitions:
            yield _report_missing("lag", name, topic)
        elif isinstance(topic.offsets, Unknown):
            yield unknown("lag", f"{name}: {topic.offsets.reason}")
        else:
            yield from _check_committed(name, group, topic.offsets)
            yield _check_topic_lag(settings, name, topic, _measure_lags(name, group, topic.offsets, now_ms))


def _check_committed(name: str, group: GroupFacts, offsets: Mapping[int, Offsets]) -> Iterator[Finding]:
    for partition, bounds in sorted(offsets.items()):
        committed = group.committed.get(TopicPartition(name, partition))
        if committed is None:
            continue
        figures = {"topic": name, "partition": partition, "committed": committed}
        if committed < bounds.begin:
            yield fail(
                "lag",
                f"{name}/{partition}: {format_count(bounds.begin - committed, 'record')} deleted before being read",
                "increase the retention (STREAM_RETENTION_DAYS, stream topics --update), and produce them again",
                lost=bounds.begin - committed,
                **figures,
            )


def _measure_lags(name: str, group: GroupFacts, offsets: Mapping[int, Offsets], now_ms: int) -> list[_Lag]:
    lags = []
    for partition, bounds in sorted(offsets.items()):
        key = TopicPartition(name, partition)
        position = min(max(group.committed.get(key, bounds.begin), bounds.begin), bounds.end)
        oldest_ms = None if isinstance(group.unread_ms, Unknown) else group.unread_ms.get(key)
        seconds = max(0.0, (now_ms - oldest_ms) / 1000) if oldest_ms is not None and position < bounds.end else None
        lags.append(_Lag(partition, bounds.end - position, seconds))
    return lags


def _check_topic_lag(settings: Settings, name: str, topic: TopicFacts, lags: list[_Lag]) -> Finding:
    records = sum(lag.records for lag in lags)
    partitions = {str(lag.partition): {"records": lag.records, "seconds": lag.seconds} for lag in lags}
    figures = {"topic": name, "records": records, "partitions": partitions}
    if records == 0:
        return ok("lag", f"{name}: no lag", **figures)
    worst = max(lags, key=lambda lag: (lag.seconds or 0.0, lag.records))
    summary = f"{name}: {format_count(records, 'record')} behind"
    if len(lags) > 1:
        summary += f", {worst.records:,} of them in partition {worst.partition}"
    advice = (
        f"check again; if it does not fall, see the workers' logs and the pages on port {settings.web_port}, "
        "or add workers"
    )
    if worst.seconds is None:
        return warn("lag", summary, advice, **figures)
    summary += f"; the oldest is {format_duration(worst.seconds)} old"
    retention = None if isinstance(topic.config, Unknown) else topic.config.get("retention.ms")
    if retention is not None and int(retention) > 0 and worst.seconds * 1000 > int(retention) * _NEAR_DELETION:
        return fail(
            "lag",
            f"{summary}, and records are deleted after {format_duration(int(retention) / 1000)}",
            "increase the retention now (STREAM_RETENTION_DAYS, stream topics --update), then start workers",
            **figures,
        )
    if worst.seconds > settings.stall_s:
        return warn("lag", summary, advice, **figures)
    return ok("lag", summary, **figures)


def check_logs(changed: Sequence[ChangedLog] | Unknown) -> Iterator[Finding]:
    """Check that each log still is the one that was read."""
    if isinstance(changed, Unknown):
        yield unknown("logs", changed)
        return
    for change in changed:
        yield fail(
            "logs",
            f"{change.topic}/{change.partition} {change.kind}: {change.summary}",
            "stop all workers, and see what to do: stream recover",
            topic=change.topic,
            partition=change.partition,
            kind=change.kind,
        )
    if not changed:
        yield ok("logs", "all are those that were read")


def check_dead_letters(settings: Settings, topics: TopicFactsByName) -> Finding:
    """Check the number of dead letters in the last hour."""
    topic = topics.get(settings.topics.rejected)
    if topic is None or not topic.partitions:
        return _report_missing("dead letters", settings.topics.rejected, topic)
    if isinstance(topic.offsets, Unknown):
        return unknown("dead letters", topic.offsets)
    rejected = _count_last_hour(topic)
    raw = topics.get(settings.topics.raw)
    received = _count_last_hour(raw) if raw is not None else 0
    figures = {"last_hour": rejected, "raw_last_hour": received}
    summary = f"{rejected:,} in the last hour, of {format_count(received, 'raw message')}"
    if rejected > received * _REJECTED_SHARE:
        return warn("dead letters", summary, "see why: stream deadletters list --summary", **figures)
    return ok("dead letters", summary, **figures)


def _report_missing(check: str, name: str, topic: TopicFacts | None) -> Finding:
    if topic is not None and topic.is_hidden:
        return unknown(check, f"{name}: this user has no permission to see it")
    return skip(check, f"{name} does not exist")


def _count_last_hour(topic: TopicFacts) -> int:
    if isinstance(topic.offsets, Unknown):
        return 0
    return sum(offsets.end - offsets.hour_ago for offsets in topic.offsets.values())
