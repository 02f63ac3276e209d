"""``stream topics`` on a real broker."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType, NewTopic

from stream.core.contracts.topics import CHANGELOG_MARGIN_MS, TopicSpec
from stream.settings import Settings
from tests.support.cli import stream
from tests.support.processes import Station, wait_until

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
    assert sum(line.rstrip().endswith(" OK") for line in checked.stdout.splitlines()) == 7


def test_differences_are_shown_and_only_fixed_with_update(station: Station, admin: KafkaAdminClient) -> None:
    assert station.run("topics").returncode == 0
    station.environment["STREAM_RETENTION_DAYS"] = "6"
    shown = station.run("topics")
    assert shown.returncode == 0
    assert f"enriched: message.timestamp.before.max.ms is {5 * DAY_MS} instead of {6 * DAY_MS}, " in shown.stdout
    assert "→ run: stream topics --update" in shown.stdout
    assert station.run("topics", "--check").returncode == 0
    assert station.run("topics", "--check", "--strict").returncode == 1
    assert config(admin, station.topics.enriched)["retention.ms"] == str(5 * DAY_MS)

    assert station.run("topics", "--update").returncode == 0
    assert config(admin, station.topics.enriched)["retention.ms"] == str(6 * DAY_MS)
    # Settings without a difference keep their value.
    assert config(admin, station.topics.enriched)["cleanup.policy"] == "delete"
    assert int(config(admin, station.topics.raw)["max.message.bytes"]) >= Settings().max_message_bytes
    assert "enriched: " not in station.run("topics", "--check").stdout


def test_an_update_that_deletes_records_is_refused_where_nobody_can_be_asked(
    station: Station, admin: KafkaAdminClient
) -> None:
    topics = station.topics
    assert station.run("topics").returncode == 0
    station.environment["STREAM_RETENTION_DAYS"] = "1"
    compact = ConfigResource(ConfigResourceType.TOPIC, topics.rejected, configs={"cleanup.policy": "compact"})
    delete = ConfigResource(ConfigResourceType.TOPIC, topics.clusters, configs={"cleanup.policy": "delete"})
    admin.alter_configs([compact, delete])
    refused = station.run("topics", "--update")
    assert refused.returncode == 2
    assert f"  {topics.raw}: records older than 1 days\n" in refused.stderr
    assert f"  {topics.clusters}: all but the newest record of each key\n" in refused.stderr
    assert topics.fingerprints not in refused.stderr
    assert "add --yes" in refused.stderr
    assert config(admin, topics.raw)["retention.ms"] == str(5 * DAY_MS)
    assert config(admin, topics.clusters)["cleanup.policy"] == "delete"
    assert station.run("topics", "--update", "--yes").returncode == 0
    assert config(admin, topics.raw)["retention.ms"] == str(DAY_MS)
    assert config(admin, topics.clusters)["cleanup.policy"] == "compact"


#: Topic, what is changed (its partitions or its settings), the check that finds it, and the state.
BROKEN: list[tuple[str, dict[str, str] | int | None, str, str]] = [
    ("clusters", None, "topics", "fail"),
    ("normalized", 3, "topics", "fail"),
    ("fingerprints", 3, "topics", "fail"),
    ("enriched", 6, "topics", "warn"),
    ("raw", 2, "topics", "warn"),
    ("raw", {"cleanup.policy": "compact"}, "topics", "fail"),
    ("fingerprints", {"cleanup.policy": "compact"}, "topics", "fail"),
    ("clusters", {"cleanup.policy": "delete"}, "topics", "warn"),
    ("duplicates", {"message.timestamp.after.max.ms": "9223372036854775807"}, "topics", "warn"),
    ("fingerprints", {"retention.ms": str(2 * DAY_MS)}, "retention", "fail"),
    ("fingerprints", {"retention.bytes": "1048576"}, "retention", "warn"),
    ("raw", {"retention.ms": "3600000"}, "retention", "warn"),
    ("enriched", {"max.message.bytes": "1048576"}, "message size", "fail"),
    ("raw", {"max.message.bytes": "1048576"}, "message size", "warn"),
    ("rejected", {"min.insync.replicas": "2"}, "replication", "fail"),
]


def new_topic(spec: TopicSpec, change: dict[str, str] | int | None) -> NewTopic:
    """A topic as required, except for its partitions or some of its settings."""
    partitions = change if isinstance(change, int) else spec.partitions
    settings = change if isinstance(change, dict) else {}
    return NewTopic(
        spec.name, num_partitions=partitions, replication_factor=1, topic_configs={**spec.config, **settings}
    )


def findings(station: Station, *command: str) -> tuple[int, list[dict[str, Any]]]:
    """The exit code, and the findings about topics and permissions."""
    variables = station.environment.items()
    settings = {name.removeprefix("STREAM_").lower(): value for name, value in variables if name.startswith("STREAM_")}
    result = stream(*command, "--json", **settings)
    checks = ("topics", "replication", "retention", "message size", "permissions")
    report = orjson.loads(result.stdout_bytes)
    return result.exit_code, [finding for finding in report["findings"] if finding["check"] in checks]


def test_the_check_and_doctor_find_the_same_in_every_broken_configuration(
    station: Station, admin: KafkaAdminClient
) -> None:
    prefix = station.environment["STREAM_TOPIC_PREFIX"]
    for number, (field, change, check, state) in enumerate(BROKEN):
        station.environment["STREAM_TOPIC_PREFIX"] = f"{prefix}{number}-"
        settings = Settings(topic_prefix=f"{prefix}{number}-", scope_partitions=2, window_days=3, retention_days=5)
        topic = getattr(settings.topics, field)
        admin.create_topics(
            [
                NewTopic(
                    spec.name,
                    num_partitions=change if isinstance(change, int) and spec.name == topic else spec.partitions,
                    replication_factor=1,
                    topic_configs={
                        **spec.config,
                        **(change if isinstance(change, dict) and spec.name == topic else {}),
                    },
                )
                for spec in settings.topic_specs
                if change is not None or spec.name != topic
            ]
        )
        wait_until(lambda: findings(station, "topics", "--check")[1] == findings(station, "doctor")[1], "agreement")
        exit_code, of_check = findings(station, "topics", "--check")
        assert (check, state) in [(finding["check"], finding["state"]) for finding in of_check], (field, change)
        fails = any(finding["state"] == "fail" for finding in of_check)
        assert exit_code == int(fails) == int(state == "fail")
        assert findings(station, "doctor")[0] == exit_code
        assert findings(station, "topics", "--check", "--strict")[0] == 1  # one broker means a single replica


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--check", "--update"), "--check changes nothing"),
        (("--strict",), "belong to --check"),
        (("--json",), "belong to --check"),
    ],
)
def test_options_that_contradict_each_other_are_refused(options: tuple[str, ...], message: str) -> None:
    result = stream("topics", *options)
    assert result.exit_code == 2
    assert message in result.stderr


def test_a_wrong_number_of_partitions_is_reported_and_never_changed(station: Station, admin: KafkaAdminClient) -> None:
    admin.create_topics([NewTopic(station.topics.normalized, num_partitions=3, replication_factor=1)])
    admin.create_topics([NewTopic(station.topics.enriched, num_partitions=3, replication_factor=1)])
    result = station.run("topics", "--update", "--yes")
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
