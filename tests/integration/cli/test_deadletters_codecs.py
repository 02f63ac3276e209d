"""``stream deadletters`` reads dead letters in every codec that workers read, as brokers write them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import ConfigResource, ConfigResourceType

from tests.support.articles import BRIDGE, article, dumps
from tests.support.processes import Station, wait_until

pytestmark = pytest.mark.kafka

BROKEN, LONG = b"\xff not an article", dumps(article(1, BRIDGE))


@pytest.fixture
def station(kafka_broker: str, tmp_path: Path) -> Iterator[Station]:
    """Yield a station with its topics."""
    made = Station(kafka_broker, tmp_path, COLUMNS="200")
    assert made.run("topics", "--replication", "1").returncode == 0
    yield made
    made.close()


def compress_at_the_broker(station: Station, broker: str, codec: str) -> None:
    """Make the broker compress all that is written to the raw topic and the rejected topic."""
    topics = (station.topics.raw, station.topics.rejected)
    with KafkaAdminClient(bootstrap_servers=broker) as admin:
        admin.alter_configs(
            [ConfigResource(ConfigResourceType.TOPIC, name, configs={"compression.type": codec}) for name in topics]
        )


def work(station: Station, **settings: str) -> None:
    """Run a worker until it has processed everything."""
    before, station.environment = station.environment, {**station.environment, **settings}
    with station.worker() as worker:
        wait_until(lambda: station.end(station.topics.raw) > 0 and station.lag() == 0, "no lag")
        assert worker.stop() == 0
    station.environment = before


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_dead_letters_in_every_codec_are_listed_shown_and_requeued(
    station: Station, kafka_broker: str, codec: str
) -> None:
    compress_at_the_broker(station, kafka_broker, codec)
    producer = KafkaProducer(bootstrap_servers=kafka_broker)
    for value in (BROKEN, LONG):
        producer.send(station.topics.raw, value=value, key=b"key", partition=0).get(30)
    producer.close()
    work(station, STREAM_MAX_TEXT_CHARS="200")

    listed = station.run("deadletters", "list", "--json")
    assert (listed.returncode, listed.stderr) == (0, "")
    letters = {letter["code"]: letter["id"] for letter in map(orjson.loads, listed.stdout.splitlines())}
    assert letters.keys() == {"invalid_utf8", "text_too_large"}
    shown = station.run("deadletters", "show", letters["text_too_large"], "--json")
    assert orjson.loads(shown.stdout)["value"].encode() == LONG
    assert station.run("deadletters", "requeue", "--code", "text_too_large").returncode == 0
    work(station)
    (record,) = station.records(station.topics.enriched)
    assert orjson.loads(record.value or b"")["url"] == article(1, BRIDGE)["url"]
