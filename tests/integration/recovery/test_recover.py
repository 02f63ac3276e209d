"""Topics that are deleted and created again: noticed by workers, reported, and recovered with one command."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest
from kafka import KafkaAdminClient, KafkaProducer

from stream.core.contracts.topics import TopicSpec
from stream.settings import load_settings
from tests.support.articles import dumps
from tests.support.processes import Station, Worker, wait_until

pytestmark = pytest.mark.kafka

ARTICLES = 20


@pytest.fixture
def station(kafka_broker: str, tmp_path: Path) -> Iterator[Station]:
    """Yield a station whose worker has decided 20 articles and has stopped."""
    made = Station(kafka_broker, tmp_path)
    try:
        assert made.run("topics").returncode == 0
        send(made, [story(number) for number in range(ARTICLES)])
        with made.worker() as worker:
            worker.wait_ready()
            settle(made, worker)
            assert worker.stop() == 0
        assert relations(made) == {"new": ARTICLES}
        yield made
    finally:
        made.close()


def story(number: int, **fields: Any) -> dict[str, Any]:
    """An article that shares nothing with those of other numbers."""
    words = [f"w{number}x{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"]
    return {"id": f"n{number}", "title": f"t{number}", "text": " ".join(words), "fetched_at": TIME, **fields}


TIME = "2026-05-04T06:00:00Z"
#: What comes after a fault: articles, copies of earlier ones, and takedowns of earlier ones.
NEXT = [
    *(story(number) for number in range(100, 100 + ARTICLES)),
    *(story(number, id=f"copy-of-{number}", source="other.example") for number in range(ARTICLES)),
    *({"id": f"n{number}", "status": "canceled"} for number in range(ARTICLES)),
]


#: The relations in the end: the copies of the withdrawn articles become canonical.
AFTER_NEXT = {"new": 2 * ARTICLES, "copy": ARTICLES, "promoted": ARTICLES}


def send(station: Station, messages: Sequence[dict[str, Any]]) -> None:
    producer = KafkaProducer(bootstrap_servers=station.environment["STREAM_BROKER"], enable_idempotence=False)
    for message in messages:
        producer.send(station.topics.raw, dumps(message))
    producer.flush()
    producer.close()


def settle(station: Station, worker: Worker) -> None:
    wait_until(lambda: station.lag() == 0, f"everything processed: {worker.log}")


def relations(station: Station) -> Counter[str]:
    """How many articles have each relation; one that was published again counts once, unless its verdict differs.

    Copies that became canonical count as promoted.
    """
    records = station.records(station.topics.enriched, station.topics.duplicates)
    events = [orjson.loads(record.value) for record in records if record.value]
    verdicts = {(event["event_id"], event["duplicate"]["relation"], event["duplicate"]["method"]) for event in events}
    return Counter("promoted" if method == "promoted" else relation for _, relation, method in verdicts)


def withdrawn(station: Station) -> int:
    return len([record for record in station.records(station.topics.enriched) if record.value is None])


def recreate(station: Station, topic: str) -> None:
    """Delete a topic, and create it again."""
    settings = load_settings_of(station)
    spec = next(spec for spec in settings if spec.name == topic)
    admin = KafkaAdminClient(bootstrap_servers=station.environment["STREAM_BROKER"])
    admin.delete_topics([topic])
    wait_until(lambda: topic not in admin.list_topics(), "the topic is deleted")
    admin.create_topics({topic: {"num_partitions": spec.partitions, "replication_factor": 1, "configs": spec.config}})
    admin.wait_for_topics([topic])
    admin.close()


def load_settings_of(station: Station) -> Sequence[TopicSpec]:
    return load_settings(
        broker=station.environment["STREAM_BROKER"],
        topic_prefix=station.environment["STREAM_TOPIC_PREFIX"],
        scope_partitions=2,
    ).topic_specs


def wait_until_reported(station: Station, topic: str) -> None:
    """A worker that is started decides nothing, and says why in its log, its pages and its exit code."""
    with station.worker() as worker:
        metric = re.compile(rf'stream_log_changed{{partition="\d",topic="{topic}"}} 1.0')
        wait_until(lambda: metric.search(worker.answers("/metrics")[1]), "the metric", seconds=30)
        assert "a log went back" in worker.log
        status, ready = worker.answers("/readyz")
        assert (status, re.search(rf"{topic}/\d: recreated", ready) is not None) == (503, True)
        assert worker.stop() == 65


def recover(station: Station) -> None:
    """Look, do, and look again."""
    findings = orjson.loads(station.run("doctor", "--json").stdout)["findings"]
    assert {finding["state"] for finding in findings if finding["check"] == "logs"} == {"fail"}
    before = station.committed(station.topics.normalized)
    dry = station.run("recover")
    assert dry.returncode == 1, dry.stderr
    assert "Nothing was changed" in dry.stdout
    assert station.committed(station.topics.normalized) == before
    done = station.run("recover", "--yes")
    assert done.returncode == 0, done.stderr
    again = station.run("recover")
    assert (again.returncode, "Nothing to do" in again.stdout) == (0, True), again.stdout + again.stderr


def go_on(station: Station, messages: Sequence[dict[str, Any]] = NEXT) -> None:
    """Start a worker, and send what comes next."""
    send(station, messages)
    with station.worker() as worker:
        worker.wait_ready()
        settle(station, worker)
        assert worker.stop() == 0


@pytest.mark.parametrize("keeps_index", [True, False])
def test_a_normalized_topic_that_was_created_again(station: Station, keeps_index: bool) -> None:
    recreate(station, station.topics.normalized)
    wait_until_reported(station, station.topics.normalized)
    recover(station)
    if not keeps_index:
        shutil.rmtree(station.folder / "data")
    go_on(station)
    assert relations(station) == AFTER_NEXT
    assert withdrawn(station) == ARTICLES


def test_a_changelog_that_was_created_again(station: Station) -> None:
    recreate(station, station.topics.fingerprints)
    wait_until_reported(station, station.topics.fingerprints)
    recover(station)
    go_on(station)
    assert relations(station) == AFTER_NEXT
    assert withdrawn(station) == ARTICLES


@pytest.mark.parametrize("is_busy", [False, True])
def test_a_changelog_that_was_created_again_under_a_worker(station: Station, is_busy: bool) -> None:
    """What the changelog has lost is in the worker's memory alone; it may store more before it notices that."""
    shutil.rmtree(station.folder / "data")
    with station.worker() as worker:
        worker.wait_ready()
        recreate(station, station.topics.fingerprints)
        if is_busy:
            send(station, NEXT[:ARTICLES])
        assert worker.process.wait(60) == 65, worker.log
    wait_until(lambda: station.run("recover", "--yes").returncode == 0, "recovered when the session has ended")
    go_on(station, NEXT[ARTICLES:] if is_busy else NEXT)
    assert relations(station) == AFTER_NEXT
    assert withdrawn(station) == ARTICLES


def test_running_workers_are_named_before_anything_is_written(station: Station) -> None:
    before = station.end(station.topics.fingerprints)
    with station.worker() as worker:
        worker.wait_ready()
        recreate(station, station.topics.normalized)
        assert worker.process.wait(60) == 65, worker.log
    # It is a member of the group until its session ends.
    refused = station.run("recover", "--yes")
    assert (refused.returncode, "has running workers" in refused.stderr) == (69, True), refused.stderr
    assert station.end(station.topics.fingerprints) == before


def test_a_changelog_and_an_index_that_are_both_lost(station: Station) -> None:
    recreate(station, station.topics.fingerprints)
    shutil.rmtree(station.folder / "data")
    wait_until_reported(station, station.topics.fingerprints)
    recover(station)
    go_on(station)
    # What was decided is forgotten; it is not decided again, however.
    assert relations(station) == {"new": 3 * ARTICLES}
    reset = KafkaAdminClient(bootstrap_servers=station.environment["STREAM_BROKER"])
    reset.delete_group_offsets(station.group, station._partitions(station.topics.raw))  # noqa: SLF001 - a test's own helper
    reset.close()
    with station.worker() as worker:
        worker.wait_ready()
        settle(station, worker)
        assert worker.stop() == 0
    codes = Counter(
        dict(record.headers)["__errors.code"].decode() for record in station.records(station.topics.rejected)
    )
    assert codes == {"decision_lost": ARTICLES}
