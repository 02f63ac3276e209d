"""A broker in memory, like Kafka as far as one process can see. **Not durable**: its records end with the process."""

from __future__ import annotations

import base64
import hashlib
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from faust.types import TP

from stream import system_clock
from stream.core.contracts.records import Headers, LogId, OutputRecord, RecordMetadata
from stream.core.log_position import LogState
from stream.transport.errors import RecordTooLargeError, TopicExistsError, UnknownTopicError
from stream.transport.memory.consumer_group import Assignment, Group, Wake
from stream.transport.partitioner import partition_for
from stream.transport.record_batch import size_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

#: Kafka's default of the topic setting ``max.message.bytes``.
_MAX_MESSAGE_BYTES = 1_048_588

#: Bytes that Kafka adds to a single record: the batch's header and the record's own lengths, rounded.
_OVERHEAD = 70


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """One record of a log; a `Record`."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers


@dataclass(slots=True)
class _Log:
    """The records, and the leader epochs in which they were appended: each with its first offset, in order."""

    start: int = 0
    records: list[StoredRecord] = field(default_factory=list)
    epochs: list[tuple[int, int]] = field(default_factory=lambda: [(0, 0)])

    @property
    def end(self) -> int:
        return self.start + len(self.records)

    @property
    def leader_epoch(self) -> int:
        return self.epochs[-1][0]

    def epoch_at(self, offset: int) -> int:
        """The leader epoch in which the record at ``offset`` was appended."""
        return max((epoch for epoch, first in self.epochs if first <= offset), default=self.epochs[0][0])

    def end_of_epoch(self, epoch: int) -> int:
        """What a broker answers to OffsetForLeaderEpoch."""
        if epoch > self.leader_epoch:
            return -1
        return next((first for higher, first in self.epochs if higher > epoch), self.end)

    def truncate(self, end: int) -> None:
        """Drop the records from ``end`` on; a new leader epoch begins there."""
        leader_epoch, end = self.leader_epoch, min(max(end, self.start), self.end)
        del self.records[end - self.start :]
        self.epochs = [(epoch, first) for epoch, first in self.epochs if first < end]
        self.epochs.append((leader_epoch + 1, end))


@dataclass(slots=True)
class _Topic:
    topic_id: str
    logs: list[_Log]
    max_bytes: int
    next_partition: int = 0


def _new_topic_id(name: str, serial: int) -> str:
    """16 bytes in URL-safe base64, as Kafka prints its ids."""
    return base64.urlsafe_b64encode(hashlib.sha256(f"{name}/{serial}".encode()).digest()[:16]).decode().rstrip("=")


class MemoryBroker:
    """Topics, partitions, consumer groups and offsets. Every method may be called from any thread."""

    _instances: ClassVar[dict[str, MemoryBroker]] = {}
    _instances_lock: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._topics: dict[str, _Topic] = {}
        self._topics_created = 0
        self._groups: dict[str, Group] = {}
        self._listeners: set[Callable[[], object]] = set()

    @classmethod
    def get_or_create(cls, name: str) -> MemoryBroker:
        """Return the broker of ``memory://name``, which is made at first use. Names are not case-sensitive."""
        with cls._instances_lock:
            return cls._instances.setdefault(name.lower(), cls())

    @classmethod
    def drop(cls, name: str) -> None:
        """Forget the broker of that name, with all its records."""
        with cls._instances_lock:
            cls._instances.pop(name.lower(), None)

    # Topics.

    def create_topic(self, name: str, partitions: int, config: Mapping[str, str | int] | None = None) -> None:
        """Create a topic. Of ``config``, only ``max.message.bytes`` has an effect.

        Raises:
            TopicExistsError: The topic already exists.
            ValueError: ``partitions`` is less than one.
        """
        if partitions < 1:
            raise ValueError(f"{name}: at least one partition, not {partitions}")
        max_bytes = int((config or {}).get("max.message.bytes", _MAX_MESSAGE_BYTES))
        with self._lock:
            if name in self._topics:
                raise TopicExistsError(name)
            self._add_topic(name, partitions, max_bytes)

    def _add_topic(self, name: str, partitions: int, max_bytes: int) -> None:
        self._topics_created += 1
        topic_id = _new_topic_id(name, self._topics_created)
        self._topics[name] = _Topic(topic_id, [_Log() for _ in range(partitions)], max_bytes)

    def delete_topic(self, name: str) -> None:
        """Delete a topic with its records. What groups have committed stays, as in Kafka.

        Raises:
            UnknownTopicError: The topic does not exist.
        """
        with self._lock:
            self._topic(name)
            del self._topics[name]

    def recreate_topic(self, name: str) -> None:
        """Delete a topic, and create one of the same name and partitions: it has another id, and no records.

        Raises:
            UnknownTopicError: The topic does not exist.
        """
        with self._lock:
            topic = self._topic(name)
            self._add_topic(name, len(topic.logs), topic.max_bytes)

    def topic_ids(self) -> dict[str, str]:
        """Return the topics, each with its id: 22 characters, the same for a broker that is used in the same way."""
        with self._lock:
            return {name: topic.topic_id for name, topic in self._topics.items()}

    def topics(self) -> dict[str, int]:
        """Return the topics, each with its number of partitions."""
        with self._lock:
            return {name: len(topic.logs) for name, topic in self._topics.items()}

    def partitions_for(self, topic: str) -> int:
        """Return how many partitions the topic has.

        Raises:
            UnknownTopicError: The topic does not exist.
        """
        with self._lock:
            return len(self._topic(topic).logs)

    def _topic(self, name: str) -> _Topic:
        topic = self._topics.get(name)
        if topic is None:
            raise UnknownTopicError(name)
        return topic

    def _log(self, tp: TP) -> _Log:
        logs = self._topic(tp.topic).logs
        if not 0 <= tp.partition < len(logs):
            raise UnknownTopicError(f"{tp.topic}-{tp.partition}")
        return logs[tp.partition]

    # Records.

    def produce(self, out: OutputRecord, timestamp: int | None = None) -> RecordMetadata:
        """Store one record. ``timestamp``: milliseconds since 1970, default now.

        Raises:
            UnknownTopicError: The topic or partition does not exist.
            RecordTooLargeError: The record is larger than the topic's ``max.message.bytes``.
        """
        return self.produce_all([out], timestamp)[0]

    def produce_all(self, outputs: Sequence[OutputRecord], timestamp: int | None = None) -> list[RecordMetadata]:
        """Store all records, or none. See `produce`."""
        timestamp_ms = system_clock.now_ms() if timestamp is None else timestamp
        with self._lock:
            for index, out in enumerate(outputs):
                self._check(index, out)
            delivered = [self._append(out, timestamp_ms) for out in outputs]
            listeners = list(self._listeners)
        for listener in listeners:
            listener()
        return delivered

    def _check(self, index: int, out: OutputRecord) -> None:
        topic = self._topic(out.topic)
        if out.partition is not None:
            self._log(TP(out.topic, out.partition))
        # Kafka allows headers without a value.
        headers = sum(len(name.encode()) + len(value or b"") for name, value in out.headers)
        size = len(out.key or b"") + len(out.value or b"") + headers + _OVERHEAD
        if size > topic.max_bytes:
            raise RecordTooLargeError(out.topic, size, topic.max_bytes, index)

    def _append(self, out: OutputRecord, timestamp: int) -> RecordMetadata:
        topic = self._topics[out.topic]
        partition = out.partition
        if partition is None and out.key is not None:
            partition = partition_for(out.key, len(topic.logs))
        elif partition is None:
            partition = topic.next_partition
            topic.next_partition = (partition + 1) % len(topic.logs)
        log = topic.logs[partition]
        offset = log.end
        log.records.append(
            StoredRecord(out.topic, partition, offset, timestamp, out.key, out.value, tuple(out.headers))
        )
        return RecordMetadata(out.topic, partition, offset)

    def read(self, tp: TP, start: int, limit: int, limit_bytes: int | None = None) -> list[StoredRecord]:
        """Return at most ``limit`` records of a partition, from ``start`` on or from the log's start if that is later.

        The record that reaches ``limit_bytes`` is the last one.
        """
        with self._lock:
            log = self._log(tp)
            first = max(start - log.start, 0)
            records = log.records[first : first + limit]
        size = 0
        for number, record in enumerate(records if limit_bytes is not None else (), start=1):
            size += size_of(record)
            if size >= (limit_bytes or 0):
                return records[:number]
        return records

    def fetch(self, tp: TP, start: int, limit: int, limit_bytes: int) -> tuple[list[StoredRecord], LogId]:
        """Return what `read` returns, up to where the leader epoch changes, and the log of these records."""
        with self._lock:
            records = self.read(tp, start, limit, limit_bytes)
            log = self._log(tp)
            epoch = log.epoch_at(records[0].offset if records else start)
            same = [record for record in records if log.epoch_at(record.offset) == epoch]
            return same, LogId(self._topic(tp.topic).topic_id, epoch)

    def records(self, topic: str, partition: int | None = None, start: int = 0) -> list[StoredRecord]:
        """Return the records of a topic, or of one partition, from the offset ``start`` on."""
        with self._lock:
            chosen = range(self.partitions_for(topic)) if partition is None else [partition]
            return [record for p in chosen for record in self.read(TP(topic, p), start, self._log(TP(topic, p)).end)]

    def bounds(self, tp: TP) -> tuple[int, int]:
        """Return the log's start and end offset.

        Raises:
            UnknownTopicError: The partition does not exist.
        """
        with self._lock:
            log = self._log(tp)
            return log.start, log.end

    def trim(self, tp: TP, offset: int) -> None:
        """Delete the records below ``offset``, as retention does."""
        with self._lock:
            log = self._log(tp)
            count = min(max(offset, log.start), log.end) - log.start
            del log.records[:count]
            log.start += count

    def truncate(self, tp: TP, end: int) -> None:
        """Drop the records from ``end`` on, and begin a leader epoch, as an unclean leader election does."""
        with self._lock:
            self._log(tp).truncate(end)

    def log_states(self, epochs: Mapping[TP, int | None]) -> dict[TP, LogState]:
        """Return the state of each partition that exists, with the end of the leader epoch asked for, if any."""
        with self._lock:
            return {
                tp: self._log_state(self._topics[tp.topic], tp.partition, epoch)
                for tp, epoch in epochs.items()
                if tp.topic in self._topics and tp.partition < len(self._topics[tp.topic].logs)
            }

    @staticmethod
    def _log_state(topic: _Topic, partition: int, epoch: int | None) -> LogState:
        log = topic.logs[partition]
        epoch_end = None if epoch is None else log.end_of_epoch(epoch)
        return LogState(topic.topic_id, log.leader_epoch, log.start, log.end, epoch_end)

    def add_listener(self, listener: Callable[[], object]) -> None:
        """Call ``listener`` after every write, in the writer's thread."""
        with self._lock:
            self._listeners.add(listener)

    def remove_listener(self, listener: Callable[[], object]) -> None:
        """Undo `add_listener`."""
        with self._lock:
            self._listeners.discard(listener)

    # Groups.

    def _group(self, name: str) -> Group:
        return self._groups.setdefault(name, Group(self.partitions_for))

    def committed(self, group: str, tp: TP) -> int | None:
        """Return the offset that a group has committed: the next one that it will read."""
        with self._lock:
            return self._group(group).offsets.get(tp)

    def committed_metadata(self, group: str, tp: TP) -> str | None:
        """Return the metadata that a group has committed along with its offset."""
        with self._lock:
            return self._group(group).metadata.get(tp)

    def members(self, group: str) -> list[str]:
        """Return the members of a group."""
        with self._lock:
            return self._group(group).members

    def commit(
        self,
        group: str,
        offsets: Mapping[TP, int],
        member: str | None = None,
        generation: int = -1,
        metadata: Mapping[TP, str] | None = None,
    ) -> None:
        """Commit offsets; see `Group.commit`."""
        with self._lock:
            self._group(group).commit(offsets, member, generation, metadata or {})

    def enter(self, group: str, member: str, topics: Iterable[str], wake: Wake) -> None:
        """Join a group, or enter again; see `Group.enter`.

        Raises:
            UnknownTopicError: A topic does not exist.
        """
        with self._lock:
            wanted = list(topics)
            if missing := sorted(set(wanted) - self._topics.keys()):
                raise UnknownTopicError(*missing)
            self._group(group).enter(member, wanted, wake)

    def leave(self, group: str, member: str) -> None:
        """Leave a group."""
        with self._lock:
            self._group(group).leave(member)

    def expel_missing(self, group: str) -> None:
        """Complete a rebalance without the members that have not entered again."""
        with self._lock:
            self._group(group).expel_missing()

    def must_give_up(self, group: str, member: str, generation: int) -> bool:
        """Return whether a rebalance asks the member to give up its partitions."""
        with self._lock:
            return self._group(group).must_give_up(member, generation)

    def assignment(self, group: str, member: str) -> Assignment | None:
        """Return what a member owns; see `Group.assignment`."""
        with self._lock:
            return self._group(group).assignment(member)
