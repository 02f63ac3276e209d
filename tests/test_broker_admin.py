"""The topics on a real broker: inspected, created, changed."""

from __future__ import annotations

import pytest

from stream import broker_admin
from stream.errors import BrokerError
from stream.topics import TopicSpec

pytestmark = pytest.mark.kafka


@pytest.fixture
def specs(topic_prefix: str) -> list[TopicSpec]:
    """Return two topics, one of which must keep its partitions."""
    return [
        TopicSpec(f"{topic_prefix}one", 3, {"cleanup.policy": "delete", "retention.ms": "86400000"}),
        TopicSpec(f"{topic_prefix}two", 2, {"cleanup.policy": "compact"}, exact_partitions=True),
    ]


def test_missing_topics_are_told_and_not_made_by_asking(kafka_broker: str, specs: list[TopicSpec]) -> None:
    for _ in range(2):
        assert [status.partitions for status in broker_admin.inspect(kafka_broker, specs)] == [0, 0]
        assert not broker_admin.exists(kafka_broker, specs[0].name)
    with pytest.raises(BrokerError) as raised:
        broker_admin.require(kafka_broker, specs)
    assert str(raised.value).splitlines() == [
        "the topics are not ready:",
        *(f"  {spec.name} is missing; run: stream topics" for spec in specs),
    ]


def test_created_topics_are_as_they_have_to_be(kafka_broker: str, specs: list[TopicSpec]) -> None:
    broker_admin.create(kafka_broker, specs[:1], replication=1)
    assert [status.partitions for status in broker_admin.inspect(kafka_broker, specs)] == [3, 0]
    broker_admin.create(kafka_broker, specs[1:], replication=-1)
    statuses = broker_admin.inspect(kafka_broker, specs)
    assert [(status.partitions, status.differs, status.problem) for status in statuses] == [
        (3, {}, None),
        (2, {}, None),
    ]
    assert broker_admin.exists(kafka_broker, specs[0].name)
    broker_admin.require(kafka_broker, specs)


def test_what_differs_is_told_and_can_be_set(kafka_broker: str, specs: list[TopicSpec]) -> None:
    broker_admin.create(kafka_broker, specs, replication=1)
    wanted = [
        TopicSpec(specs[0].name, 4, {"cleanup.policy": "delete", "retention.ms": "172800000"}),
        TopicSpec(specs[1].name, 4, {"cleanup.policy": "compact"}, exact_partitions=True),
    ]
    first, second = broker_admin.inspect(kafka_broker, wanted)
    assert (first.differs, first.problem) == ({"retention.ms": "86400000"}, None)
    assert (second.differs, second.partitions) == ({}, 2)
    assert "has 2 partitions, 4 are set" in str(second.problem)
    broker_admin.update(kafka_broker, [first, second])
    first, second = broker_admin.inspect(kafka_broker, wanted)
    assert (first.differs, first.partitions, second.partitions) == ({}, 3, 2)


def test_what_the_broker_refuses_is_a_broker_error(kafka_broker: str, specs: list[TopicSpec]) -> None:
    with pytest.raises(BrokerError, match=kafka_broker):
        broker_admin.create(kafka_broker, specs, replication=9)
    with pytest.raises(BrokerError, match=kafka_broker):
        broker_admin.create(kafka_broker, [TopicSpec("not a name", 1, {})], replication=1)
