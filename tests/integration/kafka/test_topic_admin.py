"""Inspecting, creating and changing topics on a real broker."""

from __future__ import annotations

import pytest

from stream import system_clock
from stream.core.contracts.topics import Topics, TopicSpec
from stream.errors import BrokerError, BrokerNotReady
from stream.kafka import topic_admin
from stream.settings import DAY_MS, STAGES, Settings, Stage

pytestmark = pytest.mark.kafka

DAY_S = DAY_MS // 1000


@pytest.fixture
def settings(kafka_broker: str, topic_prefix: str) -> Settings:
    """Return settings with a topic prefix of their own."""
    return Settings(broker=kafka_broker, topic_prefix=topic_prefix)


@pytest.fixture
def specs(topic_prefix: str) -> list[TopicSpec]:
    """Return two topics; the number of partitions of the second is fixed."""
    return [
        TopicSpec(f"{topic_prefix}one", 3, {"cleanup.policy": "delete", "retention.ms": "86400000"}),
        TopicSpec(f"{topic_prefix}two", 2, {"cleanup.policy": "compact"}, exact_partitions=True),
    ]


def test_inspecting_missing_topics_does_not_create_them(settings: Settings, specs: list[TopicSpec]) -> None:
    for _ in range(2):
        assert [status.partitions for status in topic_admin.inspect(settings, specs)] == [0, 0]
        assert not topic_admin.exists(settings, specs[0].name)


@pytest.mark.parametrize(
    ("steps", "fields"),
    [
        (("normalize",), {"raw", "normalized", "rejected"}),
        (("deduplicate",), {"raw", "normalized", "enriched", "duplicates", "clusters", "fingerprints", "rejected"}),
        (STAGES, set(Topics.__slots__)),
    ],
)
def test_a_worker_requires_the_topics_of_its_steps(
    settings: Settings, steps: tuple[Stage, ...], fields: set[str]
) -> None:
    with pytest.raises(BrokerNotReady) as raised:
        topic_admin.require(settings, steps)
    lines = str(raised.value).splitlines()
    assert lines[0] == "the topics are not ready:"
    names = {getattr(settings.topics, name) for name in fields}
    assert set(lines[1:]) == {f"  {name} is missing; run: stream topics" for name in names}
    topic_admin.create(settings, [spec for spec in settings.topic_specs if spec.name in names], replication=1)
    topic_admin.require(settings, steps)


@pytest.mark.parametrize(
    ("ahead_ms", "message"),
    [
        (61 * 60_000, "the clock of this machine is 1 h ahead of that of the cluster, so the brokers would refuse"),
        (-8 * DAY_MS, "the clock of this machine is 19. h behind that of the cluster, so its records would be deleted"),
    ],
)
def test_a_worker_whose_records_would_not_be_kept_waits_for_the_right_time(
    settings: Settings, ahead_ms: int, message: str
) -> None:
    topic_admin.create(settings, settings.topic_specs, replication=1)
    with pytest.raises(BrokerNotReady, match=message):
        topic_admin.require(settings, STAGES, now_ms=lambda: system_clock.now_ms() + ahead_ms)


@pytest.mark.parametrize(("ahead_s", "lines"), [(0, []), (5, []), (600, [600]), (-DAY_S, [-DAY_S])])
def test_a_worker_with_a_wrong_clock_whose_records_are_kept_warns(
    settings: Settings, caplog: pytest.LogCaptureFixture, ahead_s: int, lines: list[int]
) -> None:
    topic_admin.create(settings, settings.topic_specs, replication=1)
    topic_admin.require(settings, STAGES, now_ms=lambda: system_clock.now_ms() + ahead_s * 1000)
    warnings = [line for line in caplog.records if line.message == "the clock differs from that of the cluster"]
    assert [line.__dict__["seconds"] for line in warnings] == [pytest.approx(seconds, abs=5) for seconds in lines]


def test_a_wrong_number_of_partitions_is_not_a_reason_to_wait(settings: Settings) -> None:
    topic_admin.create(settings, settings.topic_specs, replication=1)
    other = settings.model_copy(update={"scope_partitions": 5})
    with pytest.raises(BrokerError, match="set STREAM_SCOPE_PARTITIONS=4") as raised:
        topic_admin.require(other, STAGES)
    assert not isinstance(raised.value, BrokerNotReady)


def test_created_topics_match_their_specs(settings: Settings, specs: list[TopicSpec]) -> None:
    topic_admin.create(settings, specs[:1], replication=1)
    assert [status.partitions for status in topic_admin.inspect(settings, specs)] == [3, 0]
    topic_admin.create(settings, specs[1:], replication=-1)
    statuses = topic_admin.inspect(settings, specs)
    assert [(status.partitions, status.differs, status.problem) for status in statuses] == [
        (3, {}, None),
        (2, {}, None),
    ]
    assert topic_admin.exists(settings, specs[0].name)


def test_differences_are_reported_and_can_be_fixed(settings: Settings, specs: list[TopicSpec]) -> None:
    topic_admin.create(settings, specs, replication=1)
    wanted = [
        TopicSpec(specs[0].name, 4, {"cleanup.policy": "delete", "retention.ms": "172800000"}),
        TopicSpec(specs[1].name, 4, {"cleanup.policy": "compact"}, exact_partitions=True),
    ]
    first, second = topic_admin.inspect(settings, wanted)
    assert (first.differs, first.problem) == ({"retention.ms": "86400000"}, None)
    assert (second.differs, second.partitions) == ({}, 2)
    assert "has 2 partitions instead of 4" in str(second.problem)
    topic_admin.update(settings, [first, second])
    first, second = topic_admin.inspect(settings, wanted)
    assert (first.differs, first.partitions, second.partitions) == ({}, 3, 2)


def test_a_refused_creation_is_a_broker_error(settings: Settings, specs: list[TopicSpec]) -> None:
    with pytest.raises(BrokerError, match=settings.broker):
        topic_admin.create(settings, specs, replication=9)
    with pytest.raises(BrokerError, match=settings.broker):
        topic_admin.create(settings, [TopicSpec("not a name", 1, {})], replication=1)


def test_a_refused_change_is_reported(settings: Settings, specs: list[TopicSpec]) -> None:
    topic_admin.create(settings, specs[:1], replication=1)
    wrong = TopicSpec(specs[0].name, 3, {"cleanup.policy": "delete", "retention.ms": "-7"})
    with pytest.raises(BrokerError, match=f"{settings.broker} refused to change {specs[0].name}: "):
        topic_admin.update(settings, topic_admin.inspect(settings, [wrong]))
