"""Commands as processes of their own on a real broker, and what they leave there."""

from __future__ import annotations

import os
import signal
import subprocess
import sysconfig
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.errors import CoordinatorLoadInProgressError, CoordinatorNotAvailableError, NotCoordinatorError

from stream.core.contracts.topics import Topics
from stream.demo.runner import free_port

STREAM = Path(sysconfig.get_path("scripts")) / "stream"
DEADLINE = 120.0


def wait_until(condition: Callable[[], object], what: str, *, seconds: float = DEADLINE) -> None:
    """Wait until ``condition()`` is true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not in {seconds:g} s: {what}"
        time.sleep(0.02)


def subscribe(consumer: KafkaConsumer, *topics: str) -> None:
    """Subscribe to topics that exist.

    kafka-python loses a subscription that is made while a metadata response is on its way: if it does not know the
    topics before, it may join its group without any and not ask again for minutes.
    """
    assert all(consumer.partitions_for_topic(topic) for topic in topics)
    consumer.subscribe(list(topics))


def clean_environment(**settings: str) -> dict[str, str]:
    """The environment with no settings of ours but ``settings``."""
    return {name: value for name, value in os.environ.items() if not name.startswith("STREAM_")} | settings


class Worker:
    """A worker in a process of its own; a context manager that ends it."""

    def __init__(
        self, environment: dict[str, str], log: Path, *options: str, command: Sequence[str | Path] = (STREAM, "worker")
    ) -> None:
        self.url = f"http://127.0.0.1:{environment['STREAM_WEB_PORT']}"
        self._log = log
        with log.open("ab") as errors:
            self.process = subprocess.Popen([*command, *options], env=environment, stderr=errors)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def log(self) -> str:
        """What this worker and earlier ones with the same log file wrote to standard error."""
        return self._log.read_text(encoding="utf-8")

    def kill(self) -> None:
        """End it at once (SIGKILL)."""
        self.process.kill()
        self.process.wait(DEADLINE)

    def stop(self) -> int:
        """Send SIGTERM and return the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(DEADLINE)

    def answers(self, path: str) -> tuple[int, str]:
        """Status and body of a page; 0 if nobody answers."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=DEADLINE) as answer:  # noqa: S310 - our own page
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except OSError:  # nobody listens yet, or any more
            return 0, ""

    def wait_ready(self) -> None:
        """Wait until /readyz answers 200."""
        wait_until(lambda: self.answers("/readyz")[0] == 200, f"ready: {self.log}")


class Station:
    """A flow on a real broker with names of its own, seen from outside."""

    def __init__(self, broker: str, folder: Path, **settings: str) -> None:
        prefix = f"test-{uuid.uuid4().hex[:10]}-"
        self.topics = Topics.with_prefix(prefix)
        self.group = f"{prefix}group"
        self.folder = folder
        self.environment = clean_environment(
            STREAM_BROKER=broker,
            STREAM_TOPIC_PREFIX=prefix,
            STREAM_GROUP=self.group,
            STREAM_DATA_DIR=str(folder / "data"),
            STREAM_SCOPE_PARTITIONS="2",
            STREAM_SESSION_TIMEOUT_S="6",
            STREAM_WEB_PORT=str(free_port()),
            STREAM_WEB_HOST="127.0.0.1",
            **settings,
        )
        self._admin = KafkaAdminClient(bootstrap_servers=broker)
        self._reader = KafkaConsumer(bootstrap_servers=broker, enable_auto_commit=False, auto_offset_reset="earliest")

    def close(self) -> None:
        """Close the connections."""
        self._reader.close()
        self._admin.close()

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            [STREAM, *arguments], env=self.environment, capture_output=True, text=True, check=False, timeout=DEADLINE
        )

    def worker(self, *options: str) -> Worker:
        """Start a worker."""
        return Worker(self.environment, self.folder / "worker.log", *options)

    def end(self, *topics: str) -> int:
        """How many records were ever stored in ``topics``."""
        return sum(sum(self._reader.end_offsets(self._partitions(topic)).values()) for topic in topics)

    def committed(self, topic: str) -> int:
        """What the workers have committed, over all partitions."""
        try:
            offsets = self._admin.list_group_offsets({self.group: self._partitions(topic)})[self.group]
        except (CoordinatorNotAvailableError, NotCoordinatorError, CoordinatorLoadInProgressError):
            # A new cluster creates its offsets topic when it is asked for the first time.
            return 0
        return sum(max(0, committed.offset) for committed in offsets.values())

    def lag(self) -> int:
        """How many records the workers have still to process, according to the broker."""
        return sum(self.end(topic) - self.committed(topic) for topic in (self.topics.raw, self.topics.normalized))

    def records(self, *topics: str) -> list[Any]:
        """What is in ``topics``."""
        records: list[Any] = []
        for topic in topics:
            partitions = self._partitions(topic)
            ends = self._reader.end_offsets(partitions)
            self._reader.assign(partitions)
            self._reader.seek_to_beginning(*partitions)
            while any(self._reader.position(partition) < end for partition, end in ends.items()):
                for fetched in self._reader.poll(timeout_ms=500).values():
                    records += fetched
        return records

    def _partitions(self, topic: str) -> list[TopicPartition]:
        return [TopicPartition(topic, number) for number in sorted(self._reader.partitions_for_topic(topic) or ())]
