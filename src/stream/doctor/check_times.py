"""Checks of the timestamps of raw records, by which brokers delete them: facts in, findings out."""

from __future__ import annotations

from typing import Final

from stream.core.timestamps import HOUR_MS
from stream.doctor.facts import BrokerFacts, TopicFacts, Unknown
from stream.doctor.findings import Finding, format_duration, ok, skip, unknown, warn
from stream.settings import Settings

_AHEAD_MS: Final = 5 * 60_000
#: A record that is older than one before it by more than this has an old timestamp, whatever the reason.
_DISORDER_MS: Final = HOUR_MS
#: A topic may be quiet for a night.
_AGE_MS: Final = 24 * HOUR_MS


def check_raw_times(settings: Settings, facts: BrokerFacts, topic: TopicFacts | None) -> Finding:
    """Check whether the newest raw records have the present time."""
    times, name = facts.raw_times, settings.topics.raw
    if isinstance(times, Unknown):
        return unknown("timestamps", times)
    if not times:
        return skip("timestamps", f"{name} has no records")
    now_ms = facts.collected_ms
    partition, ahead_ms = max(((number, each.latest_ms - now_ms) for number, each in times.items()), key=_second)
    behind, disorder_ms = max(((number, each.latest_ms - each.last_ms) for number, each in times.items()), key=_second)
    age_ms = now_ms - max(each.last_ms for each in times.values())
    figures = {
        "topic": name,
        "ahead_seconds": ahead_ms / 1000,
        "behind_seconds": disorder_ms / 1000,
        "age_seconds": age_ms / 1000,
    }
    advice = _advice(name, topic)
    if ahead_ms > _AHEAD_MS:
        summary = f"{name}/{partition} has a record that is {format_duration(ahead_ms / 1000)} ahead"
        return warn("timestamps", f"{summary}: it and those before it are deleted late", advice, **figures)
    if disorder_ms > _DISORDER_MS:
        summary = (
            f"the last record of {name}/{behind} is {format_duration(disorder_ms / 1000)} older than an earlier one"
        )
        return warn("timestamps", f"{summary}: records with old times are deleted early", advice, **figures)
    summary = f"the newest record of {name} is {format_duration(max(0, age_ms) / 1000)} old"
    if age_ms > _AGE_MS:
        return warn("timestamps", summary, f"are scrapers running? If they are: {advice}", **figures)
    return ok("timestamps", summary, **figures)


def _second(pair: tuple[int, float]) -> float:
    return pair[1]


def _advice(name: str, topic: TopicFacts | None) -> str:
    config = {} if topic is None or isinstance(topic.config, Unknown) else topic.config
    if config.get("message.timestamp.type") == "LogAppendTime":
        return "synchronize the clocks of the brokers with NTP"
    return f"correct the clocks of the scrapers, or set message.timestamp.type=LogAppendTime on {name}"
