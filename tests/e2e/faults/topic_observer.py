"""The topics of one run on a real broker: what is stored and committed, and how they are changed."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError

from stream.core.contracts.records import LogId, Record
from stream.core.contracts.topics import TopicSpec
from stream.kafka import topic_admin
from stream.settings import Settings, load_settings
from tests.e2e.faults.checker import Sample, Tp
from tests.e2e.faults.schedule import SESSION_S, Schedule
from tests.support.transports import topic_ids

_SECONDS_BETWEEN_SAMPLES: Final = 0.1
_ANSWER_MS: Final = 10_000


class RunTopics:
    """Topics and group of one run. ``name``: distinguishes them from those of other runs."""

    def __init__(self, broker: str, name: str, plan: Schedule, folder: Path) -> None:
        self.settings: Settings = load_settings(
            broker=broker,
            topic_prefix=f"{name}-",
            group=f"{name}-group",
            data_dir=folder / "data",
            raw_partitions=plan.raw_partitions,
            scope_partitions=plan.scope_partitions,
            output_partitions=2,
            replication=1,
            batch_records=plan.batch_records,
            session_timeout_s=SESSION_S,
        )
        self.topics = self.settings.topics
        self._trimmed: list[Record] = []
        topic_admin.create(self.settings, self.settings.topic_specs, replication=1)
        self._topic_ids = topic_ids(broker, [self.topics.raw, self.topics.normalized])

    def environment(self) -> dict[str, str]:
        """The settings of a worker, but for its folder and its port."""
        names = (
            "broker topic_prefix group raw_partitions scope_partitions output_partitions replication batch_records"
            " session_timeout_s"
        ).split()
        return {f"STREAM_{name.upper()}": str(getattr(self.settings, name)) for name in names}

    def configure(self, topic: str, **changed: str) -> None:
        """Configure a topic as it has to be, apart from ``changed`` (with _ for each dot)."""
        spec = next(spec for spec in self.settings.topic_specs if spec.name == topic)
        config = {"min.insync.replicas": "1", **spec.config}
        config |= {name.replace("_", "."): value for name, value in changed.items()}
        with self.open_admin() as client:
            client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs=config)])

    def trim(self, ends: Mapping[int, int]) -> None:
        """Delete the changelog below ``ends`` (partition: offset), as retention does; `log` still returns it."""
        topic = self.topics.fingerprints
        self._trimmed += [record for record in self._read(topic) if record.offset < ends.get(record.partition, 0)]
        with self.open_admin() as client:
            client.delete_records({TopicPartition(topic, partition): end for partition, end in ends.items() if end})

    def log(self) -> dict[str, list[Record]]:
        """Each topic's records, by partition and offset."""
        log = {spec.name: self._read(spec.name) for spec in self.settings.topic_specs}
        log[self.topics.fingerprints] += self._trimmed
        return {
            topic: sorted(records, key=lambda record: (record.partition, record.offset))
            for topic, records in log.items()
        }

    def find_log(self, record: Any) -> LogId:
        """Which log a record of the raw or the normalized topic is in that `log` returned."""
        return LogId(self._topic_ids[record.topic], record.leader_epoch)

    def ends(self, topic: str) -> dict[int, int]:
        """Where each partition of ``topic`` ends."""
        with contextlib.closing(self.open_consumer()) as reader:
            partitions = _partitions(reader, next(spec for spec in self.settings.topic_specs if spec.name == topic))
            return {tp.partition: end for tp, end in reader.end_offsets(partitions).items()}

    def _read(self, topic: str) -> list[Record]:
        stored: list[Record] = []
        # What a transaction wrote that was aborted was never there.
        with contextlib.closing(self.open_consumer(isolation_level="read_committed")) as reader:
            partitions = _partitions(reader, next(spec for spec in self.settings.topic_specs if spec.name == topic))
            ends = reader.end_offsets(partitions)
            reader.assign(partitions)
            reader.seek_to_beginning(*partitions)
            while any(reader.position(tp) < end for tp, end in ends.items()):
                for records in reader.poll(timeout_ms=500).values():
                    stored += records
        return stored

    @contextlib.contextmanager
    def open_admin(self) -> Iterator[Any]:
        """Open an admin client, and close it in the end."""
        client = KafkaAdminClient(bootstrap_servers=self.settings.servers, bootstrap_timeout_ms=_ANSWER_MS)
        try:
            yield client
        finally:
            client.close()

    def open_consumer(self, **options: Any) -> Any:
        """Open a consumer; the caller closes it."""
        return KafkaConsumer(
            bootstrap_servers=self.settings.servers, enable_auto_commit=False, auto_offset_reset="earliest", **options
        )


class Observer:
    """Samples committed offsets and log ends continuously, in a thread of its own; a context manager."""

    def __init__(self, run_topics: RunTopics) -> None:
        self.samples: list[Sample] = []
        self._run_topics = run_topics
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    @property
    def lag(self) -> int | None:
        """Records still to be processed in the last sample; None before the first."""
        if not self.samples:
            return None
        last = self.samples[-1]
        return sum(last.ends[tp] - last.committed.get(tp, 0) for tp in self._inputs(last.ends))

    @property
    def looks(self) -> int:
        """How many samples it has taken."""
        return len(self.samples)

    def _inputs(self, tps: Mapping[Tp, int]) -> list[Tp]:
        names = (self._run_topics.topics.raw, self._run_topics.topics.normalized)
        return [tp for tp in tps if tp[0] in names]

    def _watch(self) -> None:
        while not self._is_over.is_set():
            # Without a broker the clients fail; new ones are made for the next attempt.
            with contextlib.suppress(KafkaError, OSError, KeyError, ValueError):
                self._take_samples()
            self._is_over.wait(0.5)

    def _take_samples(self) -> None:
        run_topics, group = self._run_topics, self._run_topics.settings.group
        with contextlib.closing(run_topics.open_consumer()) as reader, run_topics.open_admin() as admin:
            every = [tp for spec in run_topics.settings.topic_specs for tp in _partitions(reader, spec)]
            inputs = [tp for tp in every if tp.topic in (run_topics.topics.raw, run_topics.topics.normalized)]
            while not self._is_over.is_set():
                # The commits first: their outputs were stored before, and so before the ends are asked for.
                offsets = admin.list_group_offsets({group: inputs})[group]
                ends = reader.end_offsets(every)
                committed = {(tp.topic, tp.partition): each.offset for tp, each in offsets.items() if each.offset >= 0}
                self.samples.append(Sample(committed, {(tp.topic, tp.partition): end for tp, end in ends.items()}))
                time.sleep(_SECONDS_BETWEEN_SAMPLES)


def _partitions(reader: Any, spec: TopicSpec) -> Sequence[Any]:
    numbers = sorted(reader.partitions_for_topic(spec.name) or ())
    if len(numbers) != spec.partitions:
        raise ValueError(f"{spec.name}: only {numbers} of {spec.partitions} partitions are known yet")
    return [TopicPartition(spec.name, number) for number in numbers]
