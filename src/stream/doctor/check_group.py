"""What is right about the consumer group and its lag, and what to do where it is not. Facts in, findings out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from stream.doctor.facts import GroupFacts, Offsets, TopicFacts, TopicPartition, Unknown
from stream.doctor.findings import Finding, count, fail, names, ok, skipped, span, unknown, warn
from stream.settings import Settings

_BALANCING: Final = ("PreparingRebalance", "CompletingRebalance", "Assigning", "Reconciling")
#: Of what is kept; from here on, records may be deleted before anybody reads them.
_NEAR_DELETION: Final = 0.8
#: Dead letters among raw messages of the same hour.
_REJECTED_SHARE: Final = 0.01
_RESET: Final = "kafka-consumer-groups --reset-offsets --to-earliest"
Topics = Mapping[str, TopicFacts]


class _Lag(NamedTuple):
    place: TopicPartition
    records: int
    #: How long the oldest unread record has been waiting; None where that is not known.
    seconds: float | None


def judge_group(settings: Settings, group: GroupFacts | Unknown, topics: Topics) -> Iterator[Finding]:
    """Members, and what nobody reads."""
    if isinstance(group, Unknown):
        yield unknown("group", group)
        return
    figures = {"state": group.state, "members": [member.client for member in group.members]}
    name = settings.group
    if not group.members:
        if not group.committed:
            yield ok("group", f"{name}: no worker has read anything yet", **figures)
            return
        yield warn("group", f"{name}: no worker runs", "run: stream worker", **figures)
        return
    hosts = names(sorted({member.host.lstrip("/") for member in group.members}))
    found = f"{name}: {count(len(group.members), 'member')} on {hosts}"
    if group.state in _BALANCING:
        wait = f"look again in {settings.session_timeout_s:g} s; if it goes on, look at the workers' logs"
        yield warn("group", f"{found}; partitions are being shared out", wait, **figures)
        return
    unread = _unread(settings, group, topics)
    for topic, partitions in unread.items():
        step = "normalize" if topic == settings.topics.raw else "deduplicate"
        yield warn(
            "group",
            f"{found}; nobody reads {topic}, partition {names(partitions)}",
            f"start a worker that runs this step: stream worker --step {step}",
            **figures,
        )
    if not unread:
        yield ok("group", found, **figures)


def _unread(settings: Settings, group: GroupFacts, topics: Topics) -> dict[str, list[int]]:
    taken = {place for member in group.members for place in member.places}
    found = {}
    for topic in (settings.topics.raw, settings.topics.normalized):
        there = range(topics[topic].partitions) if topic in topics else range(0)
        if left := [number for number in there if TopicPartition(topic, number) not in taken]:
            found[topic] = left
    return found


def judge_lag(settings: Settings, group: GroupFacts | Unknown, topics: Topics, *, now_ms: int) -> Iterator[Finding]:
    """How far behind the workers are, and whether anything was lost on the way."""
    if isinstance(group, Unknown):
        yield unknown("lag", group)
        return
    for name in (settings.topics.raw, settings.topics.normalized):
        topic = topics.get(name)
        if topic is None or not topic.partitions:
            yield _missing("lag", name, topic)
        elif isinstance(topic.offsets, Unknown):
            yield unknown("lag", f"{name}: {topic.offsets.reason}")
        else:
            yield from _faults(name, group, topic.offsets)
            yield _lag(settings, topic, _lags(name, group, topic.offsets, now_ms), name)


def _faults(name: str, group: GroupFacts, offsets: Mapping[int, Offsets]) -> Iterator[Finding]:
    for partition, there in sorted(offsets.items()):
        committed = group.committed.get(TopicPartition(name, partition))
        if committed is None:
            continue
        figures = {"topic": name, "partition": partition, "committed": committed}
        if committed > there.end:
            yield fail(
                "lag",
                f"{name}/{partition}: committed at {committed:,}, the topic ends at {there.end:,}: it was made anew",
                f"stop the workers, run {_RESET} for the group, and delete STREAM_DATA_DIR",
                **figures,
            )
        elif committed < there.begin:
            yield fail(
                "lag",
                f"{name}/{partition}: {count(there.begin - committed, 'record')} deleted before being read",
                "let the topic be kept longer (STREAM_RETENTION_DAYS, stream topics --update); produce them again",
                lost=there.begin - committed,
                **figures,
            )


def _lags(name: str, group: GroupFacts, offsets: Mapping[int, Offsets], now_ms: int) -> list[_Lag]:
    found = []
    for partition, there in sorted(offsets.items()):
        place = TopicPartition(name, partition)
        position = min(max(group.committed.get(place, there.begin), there.begin), there.end)
        oldest = None if isinstance(group.unread_ms, Unknown) else group.unread_ms.get(place)
        seconds = max(0.0, (now_ms - oldest) / 1000) if oldest is not None and position < there.end else None
        found.append(_Lag(place, there.end - position, seconds))
    return found


def _lag(settings: Settings, topic: TopicFacts, lags: list[_Lag], name: str) -> Finding:
    records = sum(lag.records for lag in lags)
    partitions = {str(lag.place.partition): {"records": lag.records, "seconds": lag.seconds} for lag in lags}
    figures = {"topic": name, "records": records, "partitions": partitions}
    if records == 0:
        return ok("lag", f"{name}: nothing waits", **figures)
    worst = max(lags, key=lambda lag: (lag.seconds or 0.0, lag.records))
    found = f"{name}: {count(records, 'record')} behind"
    if len(lags) > 1:
        found += f", {worst.records:,} of them in partition {worst.place.partition}"
    if worst.seconds is None:
        return warn("lag", found, _catch_up(settings), **figures)
    found += f"; the oldest was made {span(worst.seconds)} ago"
    kept = None if isinstance(topic.config, Unknown) else topic.config.get("retention.ms")
    if kept is not None and int(kept) > 0 and worst.seconds * 1000 > int(kept) * _NEAR_DELETION:
        return fail(
            "lag",
            f"{found}, and is deleted after {span(int(kept) / 1000)}",
            "let the topic be kept longer at once (STREAM_RETENTION_DAYS, stream topics --update); then start workers",
            **figures,
        )
    if worst.seconds > settings.stall_s:
        return warn("lag", found, _catch_up(settings), **figures)
    return ok("lag", found, **figures)


def _catch_up(settings: Settings) -> str:
    return f"ask again: if it does not fall, look at the workers' logs and at port {settings.web_port}, or add workers"


def judge_rejected(settings: Settings, topics: Topics) -> Finding:
    """Dead letters of the last hour."""
    topic = topics.get(settings.topics.rejected)
    if topic is None or not topic.partitions:
        return _missing("dead letters", settings.topics.rejected, topic)
    if isinstance(topic.offsets, Unknown):
        return unknown("dead letters", topic.offsets)
    rejected = _last_hour(topic)
    raw = topics.get(settings.topics.raw)
    came = _last_hour(raw) if raw is not None else 0
    figures = {"last_hour": rejected, "raw_last_hour": came}
    found = f"{rejected:,} in the last hour, of {count(came, 'raw message')}"
    if rejected > came * _REJECTED_SHARE:
        return warn("dead letters", found, "see why: stream deadletters list", **figures)
    return ok("dead letters", found, **figures)


def _missing(check: str, name: str, topic: TopicFacts | None) -> Finding:
    if topic is not None and topic.is_hidden:
        return unknown(check, f"{name}: this user may not see it")
    return skipped(check, f"{name}: there is no such topic")


def _last_hour(topic: TopicFacts) -> int:
    if isinstance(topic.offsets, Unknown):
        return 0
    return sum(offsets.end - offsets.hour_ago for offsets in topic.offsets.values())
