"""``stream topics`` on a real broker."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType, NewTopic

from stream.core.contracts.topics import CHANGELOG_MARGIN_MS
from stream.settings import Settings
from tests.support.processes import Station

pytestmark = pytest.mark.kafka

DAY_MS = 24 * 3600 * 1000


@pytest.fixture
def station(kafka_broker: str, tmp_path: Path) -> Iterator[Station]:
    """Yield a station without topics."""
    made = Station(kafka_broker, tmp_path, STREAM_WINDOW_DAYS="3", STREAM_RETENTION_DAYS="5", COLUMNS="200")
    yield made
    made.close()


@pytest.fixture
def admin(kafka_broker: str) -> Iterator[KafkaAdminClient]:
    """Yield a client of the broker."""
    with KafkaAdminClient(bootstrap_servers=kafka_broker) as client:
        yield client


def config(admin: KafkaAdminClient, topic: str) -> dict[str, str]:
    """The settings of a topic."""
    described = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)], config_filter="all")
    return {name: entry["value"] for name, entry in described["topic"][topic].items()}


def test_topics_are_created_as_required(station: Station, admin: KafkaAdminClient) -> None:
    assert station.run("topics", "--check").returncode == 1
    created = station.run("topics", "--replication", "1")
    assert created.returncode == 0
    assert created.stdout.count("created") == 7
    topics = station.topics
    names = [getattr(topics, field) for field in topics.__slots__]
    partitions = {topic["name"]: len(topic["partitions"]) for topic in admin.describe_topics(names)}
    assert (partitions.pop(topics.raw), partitions.pop(topics.normalized), partitions.pop(topics.fingerprints)) == (
        1,
        2,
        2,
    )
    assert set(partitions.values()) == {4}
    for name in names:
        settings = config(admin, name)
        if name == topics.clusters:
            assert settings["cleanup.policy"] == "compact"
            continue
        assert settings["cleanup.policy"] == "delete"
        days = (3 * DAY_MS + CHANGELOG_MARGIN_MS) / DAY_MS if name == topics.fingerprints else 5
        assert int(settings["retention.ms"]) == days * DAY_MS
        assert int(settings["max.message.bytes"]) >= Settings().max_message_bytes

    checked = station.run("topics", "--check")
    assert checked.returncode == 0
    assert checked.stdout.count("ok") == 7


def test_differences_are_shown_and_only_fixed_with_update(station: Station, admin: KafkaAdminClient) -> None:
    assert station.run("topics").returncode == 0
    station.environment["STREAM_RETENTION_DAYS"] = "6"
    shown = station.run("topics")
    assert shown.returncode == 0
    assert f"enriched: retention.ms is {5 * DAY_MS} instead of {6 * DAY_MS}\n" in shown.stdout
    assert shown.stdout.endswith("run: stream topics --update\n")
    assert station.run("topics", "--check").returncode == 1
    assert config(admin, station.topics.enriched)["retention.ms"] == str(5 * DAY_MS)

    assert station.run("topics", "--update").returncode == 0
    assert config(admin, station.topics.enriched)["retention.ms"] == str(6 * DAY_MS)
    # Settings without a difference keep their value.
    assert config(admin, station.topics.enriched)["cleanup.policy"] == "delete"
    assert int(config(admin, station.topics.raw)["max.message.bytes"]) >= Settings().max_message_bytes
    assert station.run("topics", "--check").returncode == 0


def test_a_wrong_number_of_partitions_is_reported_and_never_changed(station: Station, admin: KafkaAdminClient) -> None:
    admin.create_topics([NewTopic(station.topics.normalized, num_partitions=3, replication_factor=1)])
    admin.create_topics([NewTopic(station.topics.enriched, num_partitions=3, replication_factor=1)])
    result = station.run("topics", "--update")
    assert result.returncode == 1
    assert "set STREAM_SCOPE_PARTITIONS=3" in " ".join(result.stdout.split())
    described = admin.describe_topics([station.topics.normalized, station.topics.enriched])
    assert [len(topic["partitions"]) for topic in described] == [3, 3]


def test_without_a_broker_it_is_exit_code_69(station: Station) -> None:
    station.environment["STREAM_BROKER"] = "127.0.0.1:9"
    result = station.run("topics")
    assert result.returncode == 69
    assert result.stdout == ""
    assert result.stderr.startswith("stream: 127.0.0.1:9: connection refused, because nothing listens on this port; ")
    assert result.stderr.count("\n") == 1
