"""A long run at a steady rate, with a worker killed again and again: does the lag come back, does memory stay?

Measures the throughput of the workers, sends a share of it for the time that is asked for, kills one of the workers
(SIGKILL) at every interval and starts it again, and prints a line for each interval. The other workers are left alone,
so that their memory can be compared over time; RocksDB's part of it (caches up to a setting, tables by the number of
articles) is reported separately. Exit code 1 if a lag is left at the end, a worker ended by itself, or the memory
without RocksDB's has grown.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kafka import KafkaProducer
from kafka.errors import KafkaError

from stream.demo.runner import free_port
from tests.e2e.faults import cost_report
from tests.e2e.faults.workload import Workload
from tests.support.article_generator import RawMessage
from tests.support.kafka_node import KafkaNode
from tests.support.processes import Station, Worker, wait_until

#: Articles of one newsroom; it remembers them all.
ROOM: Final = 20_000
SAMPLES_EVERY_S: Final = 2.0
#: The lag has to be gone this long after the last message.
PATIENCE_S: Final = 120.0
#: The most that the memory may grow: last third of the run divided by the third before it.
GROWTH_MAX: Final = 1.1
MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Sample:
    """Measurements at one moment. ``rss``: bytes of the worker that is left alone; ``rocks``: RocksDB's part of it."""

    at: float
    lag: int
    rss: int
    rocks: int


class Feed(threading.Thread):
    """Sends articles at a steady rate until it is stopped."""

    def __init__(self, broker: str, topic: str, rate: float) -> None:
        super().__init__(daemon=True)
        self._producer = KafkaProducer(bootstrap_servers=broker, linger_ms=20)
        self._topic = topic
        self._rate = rate
        self._ended = threading.Event()
        self.sent = 0

    def run(self) -> None:
        """Send, and catch up after delays."""
        began = time.monotonic()
        for message in messages(seed=1):
            if self._ended.is_set():
                break
            send(self._producer, self._topic, message)
            self.sent += 1
            early = began + self.sent / self._rate - time.monotonic()
            if early > 0:
                time.sleep(early)
        self._producer.flush()

    def stop(self) -> None:
        """End after everything that was sent is stored."""
        self._ended.set()
        self.join()


class Soak:
    """One run on a node of its own."""

    def __init__(self, station: Station, node: KafkaNode, *, workers: int) -> None:
        self._station = station
        self._node = node
        self._ports = [free_port() for _ in range(workers)]
        self._workers: list[Worker] = []
        self.samples: list[Sample] = []

    def capacity(self, articles: int) -> float:
        """Articles per second, from a backlog of ``articles``; start-up is not counted."""
        producer = KafkaProducer(bootstrap_servers=self._node.address, linger_ms=20)
        for message in itertools.islice(messages(seed=0), articles):
            send(producer, self._station.topics.raw, message)
        producer.close()
        self._workers = [self._start(number) for number in range(len(self._ports))]
        wait_until(self._has_committed, "the first commit")
        began, before, spent = time.monotonic(), self._lag(), cost_report.cpu_seconds(self._workers)
        wait_until(lambda: self._lag() == 0, "the backlog is gone", seconds=1800)
        done = articles * min(1.0, before / (2 * articles))
        spent = cost_report.cpu_seconds(self._workers) - spent
        print(f"{1000 * spent / done:.2f} ms of CPU per article, both steps, all workers")
        return done / (time.monotonic() - began)

    def run(self, rate: float, *, seconds: float, kill_every: float) -> bool:
        """Send and kill; return whether all is well in the end."""
        feed = Feed(self._node.address, self._station.topics.raw, rate)
        feed.start()
        began = time.monotonic()
        intervals = max(1, round(seconds / kill_every))
        print(f"{'minute':>7} {'sent':>9} {'lag, most':>10} {'lag, least':>11} {'memory, MiB':>12} {'RocksDB':>8}")
        for interval in range(intervals):
            if interval:
                self._kill(-1)
            taken = self._watch(began + (interval + 1) * kill_every)
            self._print((time.monotonic() - began) / 60, feed.sent, taken)
        feed.stop()
        stopped = time.monotonic()
        try:
            wait_until(lambda: self._lag() == 0, "no lag", seconds=PATIENCE_S)
        except AssertionError:
            print(f"a lag of {self._lag()} is left {PATIENCE_S:.0f} s after the last message")
            return False
        print(f"{feed.sent} sent, no lag {time.monotonic() - stopped:.1f} s after the last")
        self._print_sizes()
        return self._is_flat() and self._are_alive()

    def close(self) -> None:
        """End the workers."""
        for worker in self._workers:
            worker.stop()

    def _has_committed(self) -> bool:
        return ask_until_known(lambda: self._station.committed(self._station.topics.raw)) > 0

    def _lag(self) -> int:
        return ask_until_known(self._station.lag)

    def _start(self, number: int) -> Worker:
        folder = self._station.folder / f"worker-{number}"
        folder.mkdir(exist_ok=True)
        environment = {
            **self._station.environment,
            "STREAM_DATA_DIR": str(folder / "data"),
            "STREAM_WEB_PORT": str(self._ports[number]),
        }
        return Worker(environment, folder / "worker.log")

    def _kill(self, number: int) -> None:
        number %= len(self._workers)
        self._workers[number].kill()
        self._workers[number] = self._start(number)

    def _watch(self, until: float) -> list[Sample]:
        taken = []
        while time.monotonic() < until:
            alone = self._workers[0]
            rocks = round(cost_report.metric_total(alone, "stream_index_memory_bytes"))
            taken.append(Sample(time.monotonic(), self._lag(), resident(alone), rocks))
            time.sleep(SAMPLES_EVERY_S)
        self.samples += taken
        return taken

    def _print(self, minute: float, sent: int, taken: list[Sample]) -> None:
        lags = [sample.lag for sample in taken]
        memory = max(sample.rss for sample in taken) / MIB
        rocks = max(sample.rocks for sample in taken) / MIB
        print(f"{minute:7.1f} {sent:9,} {max(lags):10,} {min(lags):11,} {memory:12.0f} {rocks:8.0f}", flush=True)

    def _print_sizes(self) -> None:
        """Print the bytes per article on disk."""
        topics = self._station.topics
        articles = self._station.end(topics.raw)
        sizes = cost_report.topic_bytes(self._node.data, topics)
        sizes["index"] = cost_report.size_of(self._station.folder.glob("worker-*/data"))
        for name, size in sizes.items():
            print(f"{size / articles:8.0f} bytes per article in {name}")

    def _is_flat(self) -> bool:
        third = len(self.samples) // 3
        before, last = (
            statistics.median(sample.rss - sample.rocks for sample in part)
            for part in (self.samples[third : 2 * third], self.samples[2 * third :])
        )
        print(f"memory of the worker left alone, without RocksDB's: {before / MIB:.0f} MiB, then {last / MIB:.0f} MiB")
        return last <= GROWTH_MAX * before

    def _are_alive(self) -> bool:
        ended = [worker.process.returncode for worker in self._workers if worker.process.poll() is not None]
        if ended:
            print(f"workers ended by themselves: {ended}")
        return not ended


def ask_until_known(question: Callable[[], int]) -> int:
    """Return the answer to ``question``, asked again while the broker does not know yet, as for a new group."""
    while True:
        try:
            return question()
        except KafkaError as error:
            if not error.retriable:
                raise
            time.sleep(0.2)


def messages(seed: int) -> Iterator[RawMessage]:
    """Yield articles without end."""
    for room in itertools.count(seed * 1_000_000):
        yield from Workload(room, ROOM, end_ms=int(time.time() * 1000)).messages()


def send(producer: KafkaProducer, topic: str, message: RawMessage) -> None:
    """Send one message as a scraper would."""
    producer.send(topic, message.value, key=message.key, headers=message.headers, timestamp_ms=message.timestamp)


def resident(worker: Worker) -> int:
    """Return the resident memory of a worker in bytes."""
    status = Path(f"/proc/{worker.process.pid}/status").read_text(encoding="ascii")
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024


def main() -> int:
    """Run the soak that the command line describes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30.0, help="how long (default: %(default)g)")
    parser.add_argument("--share", type=float, default=0.7, help="of the measured rate (default: %(default)g)")
    parser.add_argument("--workers", type=int, default=2, help="the last one is killed (default: %(default)d)")
    parser.add_argument("--kill-every", type=float, default=60.0, help="seconds (default: %(default)g)")
    parser.add_argument("--backlog", type=int, default=40_000, help="articles that measure the rate")
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="article-stream-soak-")))
        node = stack.enter_context(KafkaNode())
        station = Station(node.address, folder)
        stack.callback(station.close)
        if (made := station.run("topics")).returncode:
            print(made.stderr)
            return 1
        soak = Soak(station, node, workers=options.workers)
        stack.callback(soak.close)
        rate = soak.capacity(options.backlog)
        print(f"{options.workers} workers: {rate:,.0f} articles a second; {options.share:.0%} of that from here on")
        is_well = soak.run(options.share * rate, seconds=60 * options.minutes, kill_every=options.kill_every)
    return 0 if is_well else 1


if __name__ == "__main__":
    sys.exit(main())
