"""All checks in the order in which they are shown. Pure: everything that was asked is handed in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stream.doctor.check_broker import judge_cluster, judge_reach, skip_asked
from stream.doctor.check_group import judge_group, judge_lag, judge_rejected
from stream.doctor.check_host import judge_machine, judge_python, judge_settings
from stream.doctor.check_topics import judge_permissions, judge_topics
from stream.doctor.facts import BrokerFacts, MachineFacts, Sources, TopicFacts, Unknown
from stream.doctor.findings import Finding, fail, skipped, unknown
from stream.settings import STAGES, Settings, Stage

#: What depends on the settings, beside what is asked of the broker.
_SET = ("open files", "data folder", "disk", "index", "web port")


def judge(
    settings: Settings,
    sources: Sources,
    broker: BrokerFacts | None,
    machine: MachineFacts,
    *,
    steps: Sequence[Stage] = STAGES,
) -> list[Finding]:
    """Every finding for a worker that runs ``steps``. ``broker`` is None where it lives in memory."""
    topics: Mapping[str, TopicFacts] = {}
    if broker is not None and not isinstance(broker.topics, Unknown):
        topics = broker.topics
    return [
        judge_settings(sources),
        judge_python(machine.python),
        *(judge_machine(settings, machine, topics)),
        *(judge_broker(settings, broker, steps)),
    ]


def judge_unset(mistakes: str, python: tuple[int, int, int]) -> list[Finding]:
    """What can be told without settings."""
    title, _, rest = mistakes.partition("\n")
    found = rest or title
    return [
        fail("settings", found, "correct them: STREAM_* variables, or the file that STREAM_CONFIG names"),
        judge_python(python),
        *(skipped(check, "the settings cannot be used") for check in _SET),
        skipped("broker", "the settings cannot be used"),
        *skip_asked("the settings cannot be used"),
    ]


def judge_broker(settings: Settings, facts: BrokerFacts | None, steps: Sequence[Stage]) -> list[Finding]:
    """What the cluster tells."""
    if facts is None:
        why = "memory:// lives in one process and keeps nothing"
        return [skipped("broker", why), *skip_asked(why)]
    found = list(judge_reach(facts))
    if facts.error is not None:
        return [*found, *skip_asked("the broker cannot be asked")]
    found += judge_cluster(facts)
    if isinstance(facts.topics, Unknown):
        hidden = ("topics", "replication", "retention", "message size", "permissions")
        return [*found, *(unknown(check, facts.topics) for check in (*hidden, "group", "lag", "dead letters"))]
    return [
        *found,
        *judge_topics(settings, facts.topics),
        *judge_permissions(settings, facts.topics, facts.group, steps=steps),
        *judge_group(settings, facts.group, facts.topics),
        *judge_lag(settings, facts.group, facts.topics, now_ms=facts.asked_ms),
        judge_rejected(settings, facts.topics),
    ]
