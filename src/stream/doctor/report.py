"""All checks, in the order of the report. Pure: every fact is an argument."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stream.doctor.check_broker import TOPIC_CHECKS, check_cluster, check_connections, skip_cluster_checks
from stream.doctor.check_group import check_dead_letters, check_group, check_lag, check_logs
from stream.doctor.check_host import check_host, check_python, check_settings
from stream.doctor.check_times import check_raw_times
from stream.doctor.check_topics import check_permissions, check_topics
from stream.doctor.facts import BrokerFacts, GroupFacts, HostFacts, SettingSources, TopicFacts, Unknown
from stream.doctor.findings import Finding, fail, skip, unknown
from stream.settings import STAGES, Settings, Stage

#: The checks of the host that depend on valid settings.
_HOST_CHECKS = ("open files", "data folder", "disk", "index", "web port")


def check_all(
    settings: Settings,
    sources: SettingSources,
    broker: BrokerFacts | None,
    host: HostFacts,
    *,
    steps: Sequence[Stage] = STAGES,
) -> list[Finding]:
    """Every finding for a worker that runs ``steps``. ``broker`` is None for memory://."""
    topics: Mapping[str, TopicFacts] = {}
    if broker is not None and not isinstance(broker.topics, Unknown):
        topics = broker.topics
    return [
        check_settings(sources),
        check_python(host.python),
        *check_host(settings, host, topics),
        *_check_broker(settings, broker, steps),
    ]


def check_topic_rules(
    settings: Settings,
    topics: Mapping[str, TopicFacts],
    group: GroupFacts | Unknown,
    *,
    steps: Sequence[Stage] = STAGES,
) -> list[Finding]:
    """Every finding about the topics and the permissions of this user: those of `stream topics --check`, too."""
    return [*check_topics(settings, topics), *check_permissions(settings, topics, group, steps=steps)]


def report_invalid_settings(mistakes: str, python: tuple[int, int, int]) -> list[Finding]:
    """The findings that are possible without valid settings."""
    title, _, details = mistakes.partition("\n")
    reason = "the settings are invalid"
    return [
        fail("settings", details or title, "correct these STREAM_* variables, or the file in STREAM_CONFIG"),
        check_python(python),
        *(skip(check, reason) for check in (*_HOST_CHECKS, "broker")),
        *skip_cluster_checks(reason),
    ]


def _check_broker(settings: Settings, facts: BrokerFacts | None, steps: Sequence[Stage]) -> list[Finding]:
    if facts is None:
        reason = "memory:// exists within one process only and stores nothing"
        return [skip("broker", reason), *skip_cluster_checks(reason)]
    findings = list(check_connections(facts))
    if facts.error is not None:
        return [*findings, *skip_cluster_checks("the broker cannot be queried")]
    findings += check_cluster(facts)
    if isinstance(facts.topics, Unknown):
        return [*findings, *(unknown(check, facts.topics) for check in TOPIC_CHECKS)]
    return [
        *findings,
        *check_topic_rules(settings, facts.topics, facts.group, steps=steps),
        *check_group(settings, facts.group, facts.topics),
        *check_logs(facts.changed_logs),
        *check_lag(settings, facts.group, facts.topics, now_ms=facts.collected_ms),
        check_raw_times(settings, facts, facts.topics.get(settings.topics.raw)),
        check_dead_letters(settings, facts.topics),
    ]
