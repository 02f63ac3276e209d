"""The topics of one run on a real broker: what is stored in them, and how they are changed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType

from stream.core.contracts.records import LogId
from stream.core.contracts.topics import TopicSpec
from stream.kafka import topic_admin
from stream.settings import Settings, load_settings
from tests.e2e.faults.log_history import LogHistory
from tests.e2e.faults.oracle import Log
from tests.e2e.faults.records import RecordId, StoredRecord
from tests.e2e.faults.schedule import SESSION_S, Schedule
from tests.e2e.faults.supervisor import wait_for
from tests.support.transports import topic_ids

_ANSWER_MS: Final = 10_000
_DELETED_S: Final = 30.0


class RunTopics:
    """Topics and group of one run. ``name``: distinguishes them from those of other runs.

    Attributes:
        history: The generations of the logs.
        foreign: The records that other programs wrote to topics that only workers may write to.
    """

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
        self.history = LogHistory()
        self.foreign: set[RecordId] = set()
        topic_admin.create(self.settings, self.settings.topic_specs, replication=1)
        self._topic_ids = topic_ids(broker, [spec.name for spec in self.settings.topic_specs])

    def environment(self) -> dict[str, str]:
        """The settings of a worker, but for its folder and its port."""
        names = (
            "broker topic_prefix group raw_partitions scope_partitions output_partitions replication batch_records"
            " session_timeout_s"
        ).split()
        return {f"STREAM_{name.upper()}": str(getattr(self.settings, name)) for name in names}

    def configure(self, topic: str, **changed: str) -> None:
        """Configure a topic as it has to be, apart from ``changed`` (with _ for each dot)."""
        config = {"min.insync.replicas": "1", **self._spec(topic).config}
        config |= {name.replace("_", "."): value for name, value in changed.items()}
        with self.open_admin() as client:
            client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs=config)])

    def trim(self, ends: Mapping[int, int]) -> None:
        """Delete the changelog below ``ends`` (partition: offset), as retention does; `log` still returns it."""
        topic = self.topics.fingerprints
        records = self.read(topic)
        self.history.lost += [record for record in records if record.offset < ends.get(record.partition, 0)]
        with self.open_admin() as client:
            client.delete_records({TopicPartition(topic, partition): end for partition, end in ends.items() if end})

    def recreate(self, topic: str) -> None:
        """Delete a topic, and create it again; `log` still returns what it had."""
        records, ends = self.read(topic), self.ends(topic)
        with self.open_admin() as client:
            client.delete_topics([topic])
            if not wait_for(lambda: topic not in client.list_topics(), _DELETED_S):
                raise TimeoutError(f"{topic} still exists")
        topic_admin.create(self.settings, [self._spec(topic)], replication=1)
        self._topic_ids |= topic_ids(self.settings.broker, [topic])
        for partition, end in ends.items():
            lost = [record for record in records if record.partition == partition]
            self.history.begin_generation((topic, partition), begin=0, end=end, lost=lost)

    def note_truncation(self, topic: str, partition: int, *, records: Sequence[StoredRecord], end: int) -> int:
        """Note that a partition that ended at ``end`` and had ``records`` lost its end; return how many it lost."""
        begin = self.ends(topic)[partition]
        lost = [record for record in records if record.partition == partition and record.offset >= begin]
        self.history.begin_generation((topic, partition), begin=begin, end=end, lost=lost)
        return len(lost)

    def log(self) -> Log:
        """Each topic's records, by partition, generation and offset; also those that were lost."""
        log = {spec.name: self.read(spec.name) for spec in self.settings.topic_specs}
        for record in self.history.lost:
            log[record.topic].append(record)
        return {
            topic: sorted(records, key=lambda record: (record.partition, record.generation, record.offset))
            for topic, records in log.items()
        }

    def ends(self, topic: str) -> dict[int, int]:
        """Where each partition of ``topic`` ends."""
        with contextlib.closing(self.open_consumer()) as reader:
            partitions = partitions_of(reader, self._spec(topic))
            return {tp.partition: end for tp, end in reader.end_offsets(partitions).items()}

    def read(self, topic: str) -> list[StoredRecord]:
        """The records that ``topic`` has now."""
        stored: list[StoredRecord] = []
        # What a transaction wrote that was aborted was never there.
        with contextlib.closing(self.open_consumer(isolation_level="read_committed")) as reader:
            partitions = partitions_of(reader, self._spec(topic))
            ends = reader.end_offsets(partitions)
            reader.assign(partitions)
            reader.seek_to_beginning(*partitions)
            while any(reader.position(tp) < end for tp, end in ends.items()):
                for records in reader.poll(timeout_ms=500).values():
                    stored += map(self._stored, records)
        return stored

    def _stored(self, record: Any) -> StoredRecord:
        stored = StoredRecord(
            record.topic,
            record.partition,
            record.offset,
            record.timestamp,
            record.key,
            record.value,
            record.headers,
            LogId(self._topic_ids[record.topic], record.leader_epoch),
            self.history.generation((record.topic, record.partition), record.offset),
        )
        return replace(stored, is_foreign=True) if stored.record_id in self.foreign else stored

    def _spec(self, topic: str) -> TopicSpec:
        return next(spec for spec in self.settings.topic_specs if spec.name == topic)

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


def partitions_of(reader: Any, spec: TopicSpec) -> Sequence[Any]:
    """The partitions of a topic.

    Raises:
        ValueError: Not all of them are known yet.
    """
    numbers = sorted(reader.partitions_for_topic(spec.name) or ())
    if len(numbers) != spec.partitions:
        raise ValueError(f"{spec.name}: only {numbers} of {spec.partitions} partitions are known yet")
    return [TopicPartition(spec.name, number) for number in numbers]
