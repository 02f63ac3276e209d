"""Workers as processes that are stopped, replaced and frozen under load, on a real broker."""

from __future__ import annotations

import signal
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from itertools import cycle
from pathlib import Path
from typing import Any, Self

import orjson
import pytest
from kafka import KafkaProducer

from stream.demo.runner import free_port
from tests.support.articles import dumps, generate_articles
from tests.support.kafka_node import KafkaNode
from tests.support.processes import Station, Worker, wait_until

pytestmark = pytest.mark.kafka

TENANTS = ("north", "south", "east", "west")


@pytest.fixture
def station(kafka_broker: str, tmp_path: Path) -> Iterator[Station]:
    """Yield a station with its topics: four partitions to share, and small batches."""
    made = Station(kafka_broker, tmp_path, STREAM_BATCH_RECORDS="10")
    made.environment["STREAM_SCOPE_PARTITIONS"] = "4"
    assert made.run("topics").returncode == 0
    yield made
    made.close()


class Feed:
    """A scraper that sends lines, so many a second, in a thread of its own; a context manager that ends it."""

    def __init__(self, station: Station, lines: Iterable[bytes], *, rate: float) -> None:
        self._station = station
        self._lines = lines
        self._pause = 1 / rate
        self.sent: list[bytes] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Send no more; what was sent is stored."""
        self._stop.set()
        self._thread.join()

    @property
    def is_through(self) -> bool:
        """All are sent."""
        return not self._thread.is_alive()

    def _run(self) -> None:
        with KafkaProducer(bootstrap_servers=self._station.environment["STREAM_BROKER"], linger_ms=0) as producer:
            for line in self._lines:
                producer.send(self._station.topics.raw, line)
                self.sent.append(line)
                if self._stop.wait(self._pause):
                    break
            producer.flush()


def lines_of(count: int, *, seed: int) -> list[bytes]:
    """Articles of several tenants, as a scraper sends them."""
    return [dumps(made) for made in generate_articles(count, seed=seed, tenants=TENANTS)]


def beside(station: Station, name: str, **settings: str) -> Worker:
    """Start a worker with a folder and a port of its own, as on another machine."""
    own = {"STREAM_DATA_DIR": str(station.folder / name), "STREAM_WEB_PORT": str(free_port())}
    environment = station.environment | own | settings
    return Worker(environment, station.folder / f"{name}.log")


def count_decided(station: Station) -> int:
    """How many verdicts are stored."""
    return station.end(station.topics.enriched, station.topics.duplicates)


def events(station: Station) -> list[dict[str, Any]]:
    """What consumers read, partition after partition, in the order of the log."""
    records = station.records(station.topics.enriched, station.topics.duplicates)
    return [orjson.loads(record.value) for record in sorted(records, key=lambda one: (one.topic, one.partition))]


def assert_as_uninterrupted(station: Station, lines: list[bytes]) -> Counter[int]:
    """Nothing is missing, nothing differs, and no key goes back; returns how often each raw offset was published."""
    found: dict[int, dict[str, Any]] = {}
    order: dict[tuple[str, bool], list[int]] = defaultdict(list)
    times: Counter[int] = Counter()
    for event in events(station):
        offset = event["origin"]["offset"]
        times[offset] += 1
        if offset not in found:
            order[event["id"], event["duplicate"]["is_duplicate"]].append(offset)
        assert found.setdefault(offset, event) == event
    file = station.folder / "all.jsonl"
    file.write_bytes(b"\n".join(lines))
    result = station.run("process", str(file), "--topic", "enriched", "--topic", "duplicates", "--quiet")
    values = (orjson.loads(line)["value"] for line in result.stdout.splitlines())
    expected = {value["origin"]["offset"]: value for value in values}
    # A file has no CloudEvents ids and no time of a broker.
    for event in (*found.values(), *expected.values()):
        del event["event_id"], event["origin"]
    assert found == expected
    assert all(offsets == sorted(offsets) for offsets in order.values())
    return times


def restored(worker: Worker) -> float:
    """Changelog records that a worker has read."""
    line = next(one for one in worker.answers("/metrics")[1].splitlines() if one.startswith("stream_records_restored"))
    return float(line.rpartition(" ")[2])


def test_sigterm_commits_what_is_stored_and_the_next_worker_repeats_nothing(station: Station) -> None:
    lines = lines_of(800, seed=51)
    with Feed(station, lines, rate=400):
        for turn in (100, 250):
            with station.worker() as worker:
                wait_until(lambda: count_decided(station) >= turn, "some were decided")  # noqa: B023 - called here
                assert worker.stop() == 0
            assert station.committed(station.topics.raw) == station.end(station.topics.normalized)
            assert station.committed(station.topics.normalized) == count_decided(station)
        with station.worker() as worker:
            wait_until(lambda: count_decided(station) == len(lines) and station.lag() == 0, "all decided")
            # What it knows was on its disk.
            assert restored(worker) == 0
            assert worker.stop() == 0
    assert set(assert_as_uninterrupted(station, lines).values()) == {1}


def test_a_rolling_restart_under_load_loses_and_reorders_nothing(station: Station) -> None:
    names = ("one", "two", "three")
    with ExitStack() as stack, Feed(station, cycle(lines_of(600, seed=52)), rate=40) as feed:
        workers = {name: stack.enter_context(beside(station, name)) for name in names}
        for worker in workers.values():
            worker.wait_ready()
        for name in names:
            assert workers[name].stop() == 0
            workers[name] = stack.enter_context(beside(station, name))
            workers[name].wait_ready()
        feed.stop()
        wait_until(lambda: station.lag() == 0, "all decided")
        assert [worker.stop() for worker in workers.values()] == [0, 0, 0]
    assert_as_uninterrupted(station, feed.sent)


def test_a_worker_that_was_frozen_for_longer_than_its_session_does_no_harm(station: Station) -> None:
    lines = lines_of(900, seed=53)
    with beside(station, "frozen") as frozen:
        with Feed(station, lines[:600], rate=200) as feed:
            wait_until(lambda: count_decided(station) >= 150, "some were decided")
            frozen.process.send_signal(signal.SIGSTOP)
            with beside(station, "other") as other:
                wait_until(lambda: feed.is_through and station.lag() == 0, "the other one has taken over")
                frozen.process.send_signal(signal.SIGCONT)
                with Feed(station, lines[600:750], rate=100) as more:
                    frozen.wait_ready()
                    wait_until(lambda: more.is_through and station.lag() == 0, "both go on")
                assert other.stop() == 0
        # It has all partitions again, and an index that must know what the other one decided.
        with Feed(station, lines[750:], rate=400) as feed:
            wait_until(lambda: feed.is_through and station.lag() == 0, "the first one goes on alone")
        assert frozen.stop() == 0
    assert_as_uninterrupted(station, lines)


@pytest.fixture
def lonely(new_kafka_node: Callable[..., KafkaNode], tmp_path: Path) -> Iterator[tuple[KafkaNode, Station]]:
    """Yield a broker of the test's own, and a station on it with its topics."""
    node = new_kafka_node()
    made = Station(node.address, tmp_path, STREAM_STOP_TIMEOUT_S="5", STREAM_BATCH_RECORDS="10")
    assert made.run("topics").returncode == 0
    yield node, made
    made.close()


def test_signals_end_a_worker_whose_broker_is_gone(lonely: tuple[KafkaNode, Station]) -> None:
    node, station = lonely
    lines = lines_of(400, seed=54)
    with Feed(station, lines, rate=2000) as feed, station.worker() as worker:
        wait_until(lambda: feed.is_through and count_decided(station) >= 50, "some were decided")
        node.pause()
        # Within the stated time, whatever it was doing; only a clean end is 0.
        assert worker.stop() in {0, 70}
        assert (
            "stream.runtime.worker not stopped in time" in worker.log or "stream.runtime.worker stopped" in worker.log
        )
        node.resume()
    with station.worker() as worker:
        wait_until(lambda: count_decided(station) >= 150, "it goes on")
        node.pause()
        worker.process.send_signal(signal.SIGTERM)
        wait_until(
            lambda: "stream.runtime.worker stopping" in worker.log.rpartition("stream.runtime.worker started")[2],
            "it stops",
        )
        worker.process.send_signal(signal.SIGINT)
        assert worker.process.wait(60) in {128 + signal.SIGINT, 0, 70}
        node.resume()
    with station.worker() as worker:
        wait_until(lambda: count_decided(station) >= len(lines) and station.lag() == 0, "all decided")
        assert worker.stop() == 0
    assert_as_uninterrupted(station, lines)
