"""The worker as a process on a real broker: killed, stopped, and started with wrong settings."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
from kafka import KafkaProducer

from stream.demo.runner import free_port
from stream.state.rocksdb_store import RocksStore
from tests.support.articles import BRIDGE, article, dumps, generate_articles
from tests.support.kafka_node import KafkaNode
from tests.support.processes import STREAM, Station, Worker, clean_environment, wait_until

pytestmark = pytest.mark.kafka

ARTICLES = 1500
#: Lines that are rejected, by their number in the file.
BAD = {100: b"{", 700: b'{"url": "https://paper.example/nothing"}', 1400: b"[]"}


@pytest.fixture
def new_station(kafka_broker: str, tmp_path: Path) -> Iterator[Callable[..., Station]]:
    """Yield a maker of stations whose topics are yet to be made."""
    made: list[Station] = []

    def make(**settings: str) -> Station:
        made.append(Station(kafka_broker, tmp_path, **settings))
        return made[-1]

    yield make
    for station in made:
        station.close()


@pytest.fixture
def station(new_station: Callable[..., Station]) -> Station:
    """Return a station with its topics."""
    made = new_station()
    assert made.run("topics").returncode == 0
    return made


@dataclass(frozen=True)
class Killed:
    """The topics after workers were killed, and the result of a run without a broker on the same messages."""

    station: Station
    lines: list[bytes]
    processed: list[dict[str, Any]]

    def events(self) -> dict[int, dict[str, Any]]:
        """Events by their offset in the raw topic; those that were published again must be the same."""
        events: dict[int, dict[str, Any]] = {}
        topics = self.station.topics
        for record in self.station.records(topics.enriched, topics.duplicates):
            event = orjson.loads(record.value)
            assert events.setdefault(event["origin"]["offset"], event) == event
        return events


@pytest.fixture(scope="module")
def killed(kafka_broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Killed]:
    """Yield the topics after a worker was killed three times and then processed everything."""
    folder = tmp_path_factory.mktemp("killed")
    station = Station(kafka_broker, folder, STREAM_BATCH_RECORDS="10")
    lines = [dumps(made) for made in generate_articles(ARTICLES, seed=41, tenants=("north", "south"))]
    for number, line in BAD.items():
        lines[number] = line
    assert station.run("topics").returncode == 0
    decided = (station.topics.enriched, station.topics.duplicates)
    for i in range(3):
        part = folder / f"part-{i}.jsonl"
        part.write_bytes(b"\n".join(lines[i * 500 : i * 500 + 500]))
        result = station.run("produce", str(part))
        assert result.returncode == 0, result.stderr
        assert "500 messages stored" in result.stderr
        before = station.end(*decided)
        with station.worker() as worker:
            wait_until(lambda: station.end(*decided) >= before + 50, "some were decided")  # noqa: B023 - called here
            worker.kill()
        if i == 1:
            shutil.rmtree(station.environment["STREAM_DATA_DIR"])
    with station.worker() as worker:
        wait_until(lambda: station.lag() == 0, "no lag")
        worker.wait_ready()
        assert worker.answers("/healthz")[0] == 200
        assert 'stream_events_decided_total{relation="new"}' in worker.answers("/metrics")[1]
        assert worker.stop() == 0
    whole = folder / "whole.jsonl"
    whole.write_bytes(b"\n".join(lines))
    output = station.run("process", str(whole), "--topic", "enriched", "--topic", "duplicates", "--quiet").stdout
    yield Killed(station, lines, [orjson.loads(line)["value"] for line in output.splitlines()])
    station.close()


def test_no_event_is_lost_when_workers_are_killed(killed: Killed) -> None:
    assert sorted(killed.events()) == [number for number in range(ARTICLES) if number not in BAD]


def test_rejected_messages_are_kept_when_workers_are_killed(killed: Killed) -> None:
    letters = killed.station.records(killed.station.topics.rejected)
    # A dead letter may be published twice, like everything else.
    assert {dict(letter.headers)["__errors.offset"]: letter.value for letter in letters} == {
        str(number).encode(): line for number, line in BAD.items()
    }


def test_verdicts_are_those_of_a_run_without_interruption(killed: Killed) -> None:
    def comparable(event: dict[str, Any]) -> dict[str, Any]:
        # A file has no CloudEvents ids and no time of a broker.
        return {name: value for name, value in event.items() if name not in ("event_id", "origin")}

    expected = {event["origin"]["offset"]: comparable(event) for event in killed.processed}
    assert {offset: comparable(event) for offset, event in killed.events().items()} == expected
    assert len(Counter(event["duplicate"]["relation"] for event in expected.values())) > 3


def test_keys_and_headers_as_another_client_reads_them(killed: Killed) -> None:
    keys: dict[str, Callable[[dict[str, Any]], str]] = {
        killed.station.topics.normalized: lambda event: f"{event['tenant']}/{event['language']['tag']}",
        killed.station.topics.enriched: lambda event: f"{event['tenant']}/{event['id']}",
        killed.station.topics.duplicates: lambda event: f"{event['tenant']}/{event['id']}",
        killed.station.topics.fingerprints: lambda event: event["scope"],
    }
    for topic, key in keys.items():
        records = killed.station.records(topic)
        assert records
        for record in records:
            assert record.key.decode() == key(orjson.loads(record.value))
            headers = dict(record.headers)
            assert headers["ce_source"] == f"/{topic}".encode()
            assert headers["content-type"] == b"application/json"
            assert {"ce_specversion", "ce_id", "ce_type", "ce_time"} < headers.keys()


def test_keys_of_clusters_have_the_tenant(killed: Killed) -> None:
    records = killed.station.records(killed.station.topics.clusters)
    tenants = {dict(record.headers)["ce_tenant"] for record in records}
    assert tenants == {b"north", b"south"}
    for record in records:
        tenant = dict(record.headers)["ce_tenant"].decode()
        assert record.key.decode() == f"{tenant}/{orjson.loads(record.value)['cluster_id']}"


def test_kcat_reads_the_same(killed: Killed) -> None:
    kcat = shutil.which("kcat")
    if kcat is None:
        if os.environ.get("STREAM_REQUIRE_KAFKA") == "1":
            pytest.fail("kcat is not on PATH")
        pytest.skip("kcat is not on PATH")
    topic = killed.station.topics.enriched
    command = [kcat, "-C", "-e", "-q", "-o", "beginning", "-t", topic, "-f", "%k\t%h\t%s\n"]
    command += ["-b", killed.station.environment["STREAM_BROKER"]]
    output = subprocess.run(command, capture_output=True, check=True).stdout.splitlines()
    assert len(output) == killed.station.end(topic)
    for line in output:
        key, headers, value = line.split(b"\t", 2)
        event = orjson.loads(value)
        assert f"{event['tenant']}/{event['id']}".encode() == key
        assert b"ce_type=org.article-stream.article.enriched.v1" in headers


def test_an_index_in_use_by_another_worker_is_a_fault(station: Station) -> None:
    folder = Path(station.environment["STREAM_DATA_DIR"]) / station.group
    locks = [RocksStore(folder / f"{station.topics.normalized}-{partition}") for partition in range(2)]
    with station.worker() as worker:
        send(station, dumps(article(1, BRIDGE)))
        assert worker.process.wait(120) == 70
        assert "is in use by another worker; give each worker a STREAM_DATA_DIR of its own" in worker.log
    assert station.committed(station.topics.normalized) == 0
    for lock in locks:
        lock.close()
    with station.worker() as worker:
        # The event may have been normalized twice, and is then published twice.
        wait_until(lambda: station.end(station.topics.enriched) >= 1 and station.lag() == 0, "decided and committed")
        assert worker.stop() == 0
    assert station.lag() == 0


def test_a_second_worker_on_the_same_folder_is_refused_before_it_joins(station: Station) -> None:
    with station.worker() as first:
        first.wait_ready()
        station.environment["STREAM_WEB_PORT"] = str(free_port())
        result = station.run("worker")
        assert result.returncode == 78
        folder = Path(station.environment["STREAM_DATA_DIR"]) / station.group
        assert result.stderr.startswith(
            f"stream: {folder} is in use by another worker (process {first.process.pid} on "
        )
        assert result.stderr.endswith("); give each worker a STREAM_DATA_DIR of its own\n")
        # The first has noticed nothing: it still has all partitions, and decides.
        send(station, dumps(article(1, BRIDGE)))
        wait_until(lambda: station.end(station.topics.enriched) == 1 and station.lag() == 0, "decided and committed")
        # Another step needs no folder.
        with station.worker("--step", "normalize") as normalizing:
            normalizing.wait_ready()
            assert normalizing.stop() == 0
        first.kill()
    with station.worker() as again:
        again.wait_ready()
        assert again.stop() == 0


def test_a_worker_waits_for_its_broker_and_its_topics(
    local_kafka: None,  # noqa: ARG001
    tmp_path: Path,
) -> None:
    node = KafkaNode()
    node.address = f"127.0.0.1:{free_port()}"
    environment = clean_environment(
        STREAM_BROKER=node.address,
        STREAM_DATA_DIR=str(tmp_path / "data"),
        STREAM_WEB_PORT=str(free_port()),
        STREAM_SESSION_TIMEOUT_S="6",
    )
    with Worker(environment, tmp_path / "stopped.log") as stopped:
        wait_until(lambda: "waiting for the broker" in stopped.log, "it logs that it waits")
        # Alive, or a supervisor would restart it; not ready.
        assert [stopped.answers(page)[0] for page in ("/healthz", "/readyz", "/metrics")] == [200, 503, 200]
        assert stopped.stop() == 0
    with Worker(environment, tmp_path / "waiting.log") as worker:
        wait_until(lambda: "waiting for the broker" in worker.log, "it logs that it waits")
        with node:
            wait_until(lambda: "the topics are not ready" in worker.answers("/readyz")[1], "it has found the broker")
            made = subprocess.run([STREAM, "topics"], env=environment, check=False, capture_output=True)
            assert made.returncode == 0
            worker.wait_ready()
            assert worker.stop() == 0


def test_a_worker_that_waited_too_long_fails(new_station: Callable[..., Station]) -> None:
    station = new_station(STREAM_START_TIMEOUT_S="3")
    station.environment["STREAM_BROKER"] = f"127.0.0.1:{free_port()}"
    result = station.run("worker")
    assert result.returncode == 69
    assert "stream.runtime.worker starting version=" in result.stderr.splitlines()[0]
    assert "stream.runtime.broker_wait waiting for the broker seconds=" in result.stderr.splitlines()[1]
    assert result.stderr.splitlines()[-1] == "gave up after 3 s (STREAM_START_TIMEOUT_S)"


def send(station: Station, *values: bytes) -> None:
    """Store messages in the raw topic, by another client than ours."""
    with KafkaProducer(bootstrap_servers=station.environment["STREAM_BROKER"]) as producer:
        for value in values:
            producer.send(station.topics.raw, value)
        producer.flush()


def test_workers_that_run_one_step_each(station: Station) -> None:
    send(station, *(dumps(made) for made in generate_articles(20, seed=42)))
    with station.worker("--step", "normalize") as normalizing:
        wait_until(lambda: station.end(station.topics.normalized) == 20, "normalized")
        assert normalizing.stop() == 0
    assert station.end(station.topics.enriched, station.topics.duplicates) == 0
    with station.worker("--step", "deduplicate") as deduplicating:
        wait_until(lambda: station.end(station.topics.enriched, station.topics.duplicates) == 20, "decided")
        assert deduplicating.stop() == 0
    assert station.lag() == 0


def test_missing_topics_are_named(new_station: Callable[..., Station]) -> None:
    station = new_station(STREAM_START_TIMEOUT_S="0")
    result = station.run("worker")
    assert result.returncode == 69
    for topic in (station.topics.raw, station.topics.fingerprints, station.topics.rejected):
        assert f"{topic} is missing; run: stream topics" in result.stderr
    assert "Traceback" not in result.stderr


def test_another_number_of_partitions_is_refused(station: Station) -> None:
    station.environment["STREAM_SCOPE_PARTITIONS"] = "3"
    result = station.run("worker")
    assert result.returncode == 69
    assert f"{station.topics.normalized} has 2 partitions instead of 3" in result.stderr
    assert "set STREAM_SCOPE_PARTITIONS=2" in result.stderr


def test_a_broker_that_does_not_exist_is_reported_in_one_line(new_station: Callable[..., Station]) -> None:
    station = new_station(STREAM_START_TIMEOUT_S="0")
    station.environment["STREAM_BROKER"] = f"127.0.0.1:{free_port()}"
    result = station.run("worker")
    assert result.returncode == 69
    lines = [line for line in result.stderr.splitlines() if line.startswith("stream: ")]
    assert len(lines) == 1
    assert f"{station.environment['STREAM_BROKER']}: connection refused" in lines[0]
    assert "correct the address in STREAM_BROKER" in lines[0]
    assert result.stderr.splitlines()[1:] == lines


def test_a_web_port_in_use_is_reported_in_one_line(station: Station) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = station.run("worker", "--web-port", str(port))
    assert result.returncode == 78
    reason = f"the pages cannot be served at 127.0.0.1:{port} (Address already in use)"
    assert result.stderr == f"stream: {reason}; set STREAM_WEB_HOST and STREAM_WEB_PORT\n"


def test_produce_says_that_the_topic_is_missing(new_station: Callable[..., Station], tmp_path: Path) -> None:
    file = tmp_path / "one.jsonl"
    file.write_bytes(dumps(article(1, BRIDGE)))
    station = new_station()
    result = station.run("produce", str(file))
    assert result.returncode == 69
    assert f"{station.topics.raw} does not exist" in result.stderr
    assert "run: stream topics" in result.stderr


def test_each_change_of_state_is_logged_as_a_line_of_json(station: Station) -> None:
    station.environment["STREAM_LOG_FORMAT"] = "json"
    trace = ("traceparent", b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
    with KafkaProducer(bootstrap_servers=station.environment["STREAM_BROKER"]) as producer:
        for value in (dumps(article(1, BRIDGE)), b"{"):
            producer.send(station.topics.raw, value, headers=[trace])
    with station.worker() as worker:
        worker.wait_ready()
        wait_until(lambda: station.end(station.topics.enriched) == 1 and station.lag() == 0, "decided and committed")
        wait_until(lambda: '"ready"' in worker.log, "it logs that it is ready")
        assert worker.stop() == 0
    lines = [orjson.loads(line) for line in worker.log.splitlines()]
    events = [line["event"] for line in lines if line["logger"].startswith("stream.")]
    once = ["starting", "started", "partitions assigned", "ready", "dead letters", "stopping", "stopped"]
    assert [event for event in events if events.count(event) == 1 and event in once] == sorted(once, key=events.index)
    assert (events[0], events[-1]) == ("starting", "stopped")
    (letter,) = [line for line in lines if line["event"] == "dead letters"]
    assert (letter["code"], letter["offset"]) == ("invalid_json", 1)
    assert letter["trace_id"].encode() in trace[1]
    (enriched,) = station.records(station.topics.enriched)
    assert trace in enriched.headers


def test_a_refused_start_is_logged_as_a_line_of_json(new_station: Callable[..., Station]) -> None:
    station = new_station(STREAM_START_TIMEOUT_S="0", STREAM_LOG_FORMAT="json")
    result = station.run("worker")
    assert result.returncode == 69
    starting, refusal = map(orjson.loads, result.stderr.splitlines())
    assert starting["event"] == "starting"
    assert (refusal["event"], refusal["exit_code"]) == ("not started", 69)
    assert f"{station.topics.raw} is missing; run: stream topics" in refusal["reason"]
