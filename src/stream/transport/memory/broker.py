"""A broker in memory, like Kafka as far as one process can see. **Not durable**: it ends with the process."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from faust.types import TP

from stream.core.contracts.records import Headers, OutputRecord, RecordMetadata
from stream.transport.errors import RecordTooLargeError, TopicExistsError, UnknownTopicError
from stream.transport.memory.consumer_group import Assignment, Group, Wake
from stream.transport.partitioner import partition_for
from stream.transport.record_batch import size_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

#: Kafka's default of the topic setting ``max.message.bytes``.
_MAX_MESSAGE_BYTES = 1_048_588

#: What Kafka adds to a lone record: the batch's header and the record's own lengths, rounded.
_OVERHEAD = 70


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """One record in the log; a `Record`."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers


@dataclass(slots=True)
class _Log:
    start: int = 0
    records: list[StoredRecord] = field(default_factory=list)

    @property
    def end(self) -> int:
        return self.start + len(self.records)


@dataclass(slots=True)
class _Topic:
    logs: list[_Log]
    max_bytes: int
    turn: int = 0


class MemoryBroker:
    """Topics, partitions, consumer groups and offsets. Every method may be called from any thread."""

    _named: ClassVar[dict[str, MemoryBroker]] = {}
    _naming: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._topics: dict[str, _Topic] = {}
        self._groups: dict[str, Group] = {}
        self._listeners: set[Callable[[], object]] = set()

    @classmethod
    def named(cls, name: str) -> MemoryBroker:
        """The broker behind ``memory://name``; made at first use. Names do not distinguish case."""
        with cls._naming:
            return cls._named.setdefault(name.lower(), cls())

    @classmethod
    def drop(cls, name: str) -> None:
        """Forget the broker of that name, with everything in it."""
        with cls._naming:
            cls._named.pop(name.lower(), None)

    # Topics.

    def create_topic(self, name: str, partitions: int, config: Mapping[str, str | int] | None = None) -> None:
        """Create a topic. Of the settings, ``max.message.bytes`` is honoured, the others are accepted.

        Raises:
            TopicExistsError: There is one of that name.
            ValueError: There must be at least one partition.
        """
        if partitions < 1:
            raise ValueError(f"{name}: at least one partition, not {partitions}")
        max_bytes = int((config or {}).get("max.message.bytes", _MAX_MESSAGE_BYTES))
        with self._lock:
            if name in self._topics:
                raise TopicExistsError(name)
            self._topics[name] = _Topic([_Log() for _ in range(partitions)], max_bytes)

    def topics(self) -> dict[str, int]:
        """The topics, each with its number of partitions."""
        with self._lock:
            return {name: len(topic.logs) for name, topic in self._topics.items()}

    def partitions_for(self, topic: str) -> int:
        """How many partitions the topic has.

        Raises:
            UnknownTopicError: It does not exist.
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
        """Store one record; ``timestamp`` in milliseconds since 1970, default now.

        Raises:
            UnknownTopicError: Its topic or partition does not exist.
            RecordTooLargeError: It is larger than the topic's ``max.message.bytes``.
        """
        return self.produce_all([out], timestamp)[0]

    def produce_all(self, outputs: Sequence[OutputRecord], timestamp: int | None = None) -> list[RecordMetadata]:
        """Store all records, or none. See `produce`."""
        moment = int(time.time() * 1000) if timestamp is None else timestamp
        with self._lock:
            for index, out in enumerate(outputs):
                self._check(index, out)
            delivered = [self._append(out, moment) for out in outputs]
            listeners = list(self._listeners)
        for listener in listeners:
            listener()
        return delivered

    def _check(self, index: int, out: OutputRecord) -> None:
        topic = self._topic(out.topic)
        if out.partition is not None:
            self._log(TP(out.topic, out.partition))
        # Kafka knows headers without a value, and passes them on.
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
            partition, topic.turn = topic.turn % len(topic.logs), topic.turn + 1
        log = topic.logs[partition]
        offset = log.end
        log.records.append(
            StoredRecord(out.topic, partition, offset, timestamp, out.key, out.value, tuple(out.headers))
        )
        return RecordMetadata(out.topic, partition, offset)

    def read(self, tp: TP, start: int, limit: int, limit_bytes: int | None = None) -> list[StoredRecord]:
        """At most ``limit`` records of a partition, from ``start`` or from where the log now begins.

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

    def records(self, topic: str, partition: int | None = None, start: int = 0) -> list[StoredRecord]:
        """What is in the log of a topic, or of one partition, from the offset ``start``."""
        with self._lock:
            chosen = range(self.partitions_for(topic)) if partition is None else [partition]
            return [record for p in chosen for record in self.read(TP(topic, p), start, self._log(TP(topic, p)).end)]

    def bounds(self, tp: TP) -> tuple[int, int]:
        """The log's start and end offset.

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
            gone = min(max(offset, log.start), log.end) - log.start
            del log.records[:gone]
            log.start += gone

    def listen(self, listener: Callable[[], object]) -> None:
        """Call ``listener`` after every write, in the writer's thread."""
        with self._lock:
            self._listeners.add(listener)

    def unlisten(self, listener: Callable[[], object]) -> None:
        """Undo `listen`."""
        with self._lock:
            self._listeners.discard(listener)

    # Groups.

    def _group(self, name: str) -> Group:
        return self._groups.setdefault(name, Group(self.partitions_for))

    def committed(self, group: str, tp: TP) -> int | None:
        """The offset a group has committed: the next one it will read."""
        with self._lock:
            return self._group(group).offsets.get(tp)

    def members(self, group: str) -> list[str]:
        """Who is in a group."""
        with self._lock:
            return self._group(group).members

    def commit(self, group: str, offsets: Mapping[TP, int], member: str | None = None, generation: int = -1) -> None:
        """Commit offsets; see `Group.commit`."""
        with self._lock:
            self._group(group).commit(offsets, member, generation)

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
        """Leave a group; also how a test lets a member vanish."""
        with self._lock:
            self._group(group).leave(member)

    def expel_missing(self, group: str) -> None:
        """End a rebalance without the members that do not answer."""
        with self._lock:
            self._group(group).expel_missing()

    def must_give_up(self, group: str, member: str, generation: int) -> bool:
        """Whether a rebalance asks the member to give up its partitions."""
        with self._lock:
            return self._group(group).must_give_up(member, generation)

    def assignment(self, group: str, member: str) -> Assignment | None:
        """What a member owns; see `Group.assignment`."""
        with self._lock:
            return self._group(group).assignment(member)
