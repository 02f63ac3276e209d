"""Reads the rejected topic of a broker in the order of time, through kafka-python."""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple, Self

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import AuthorizationError, KafkaError

from stream.core.contracts.topics import OUTPUT_MESSAGE_BYTES
from stream.core.pipeline.dead_letter import DEAD_LETTER_HEADER
from stream.dead_letters.parsed_dead_letter import DeadLetter, RecordId, read_dead_letter
from stream.errors import BrokerError
from stream.kafka import topic_admin
from stream.kafka.security import AccessError
from stream.settings import Settings

_POLL_MS: Final = 500
#: How long the broker delays a fetch when one of its partitions has nothing left to read.
_FETCH_WAIT_MS: Final = 20
_FETCH_BYTES: Final = 4 * 1024 * 1024
#: No limit: a fetch is bounded in bytes. kafka-python 3.0.12 never delivers what a poll leaves over of a partition
#: that is paused afterwards.
_POLL_RECORDS: Final = 2**31
#: A broker that sends nothing for this long although there is something to read is considered gone.
_SILENCE_S: Final = 60.0
_CLOSE_S: Final = 10.0

#: Called with the number of offsets that were passed.
OnProgress = Callable[[int], object]


class OffsetRange(NamedTuple):
    """The offsets of one partition from ``start`` up to, but excluding, ``end``."""

    start: int
    end: int

    @property
    def length(self) -> int:
        """The number of offsets."""
        return max(0, self.end - self.start)


#: By kafka-python's TopicPartition, which has no types.
OffsetRanges = Mapping[Any, OffsetRange]
_SortKey = Callable[[Any], tuple[Any, ...]]


def ignore_progress(_: int) -> None:
    """Do nothing."""


class RejectedTopicReader:
    """Reads the rejected topic of one flow; a context manager that closes its connection.

    ``is_stopped`` is polled while reading: once it returns True, reading ends early. Every method raises `BrokerError`
    if the broker cannot be reached or refuses the connection, or if the topic does not exist.
    """

    def __init__(self, settings: Settings, *, is_stopped: Callable[[], bool] = lambda: False) -> None:
        self.settings = settings
        self.topics = settings.topics
        self.is_stopped = is_stopped

    def __enter__(self) -> Self:
        self._require_topic(self.topics.rejected)
        self._consumer = topic_admin.connect(
            self.settings,
            KafkaConsumer,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            allow_auto_create_topics=False,
            fetch_max_wait_ms=_FETCH_WAIT_MS,
            max_partition_fetch_bytes=_FETCH_BYTES,
        )
        return self

    def _require_topic(self, topic: str) -> None:
        if not topic_admin.exists(self.settings, topic):
            raise BrokerError(f"topic {topic} does not exist on {self.settings.broker}; run: stream topics")

    def __exit__(self, *_: object) -> None:
        self._consumer.close()

    def partition_count(self, topic: str) -> int:
        """The number of partitions of ``topic``."""
        self._require_topic(topic)
        with translate_kafka_errors(self.settings):
            return len(self._partitions(topic))

    @contextlib.contextmanager
    def producer(self) -> Iterator[Any]:
        """Open an idempotent producer whose records are acknowledged by all in-sync replicas."""
        client = topic_admin.connect(
            self.settings,
            KafkaProducer,
            allow_auto_create_topics=False,
            acks="all",
            enable_idempotence=True,
            linger_ms=20,
            batch_size=256 * 1024,
            max_request_size=OUTPUT_MESSAGE_BYTES,
        )
        try:
            yield client
        finally:
            client.close(timeout=_CLOSE_S)

    def ranges(self, since: int | None = None) -> OffsetRanges:
        """The offsets of the rejected topic from ``since`` (milliseconds since 1970) to its present end."""
        with translate_kafka_errors(self.settings):
            partitions = self._partitions(self.topics.rejected)
            starts, ends = self._bounds(partitions)
            if since is not None:
                offsets = self._consumer.offsets_for_times(dict.fromkeys(partitions, max(0, since)))
                starts = {tp: match.offset if match else ends[tp] for tp, match in offsets.items()}
        return {tp: OffsetRange(starts[tp], ends[tp]) for tp in partitions}

    def read(self, ranges: OffsetRanges, on_progress: OnProgress = ignore_progress) -> Iterator[DeadLetter]:
        """Read the dead letters in ``ranges`` by time, then by the coordinates of the original.

        Each partition keeps its order. The dead letters of one batch have the same time, so this is the order in which
        their originals arrived.
        """
        return map(read_dead_letter, self._read_records(ranges, on_progress, _by_time_and_origin))

    def find(self, record_id: RecordId) -> DeadLetter | None:
        """Read one dead letter; None if it never existed, or was deleted by retention."""
        with translate_kafka_errors(self.settings):
            partitions = [tp for tp in self._partitions(record_id.topic) if tp.partition == record_id.partition]
            starts, ends = self._bounds(partitions)
        for tp in partitions:
            if starts[tp] <= record_id.offset < ends[tp]:
                first = next(self.read({tp: OffsetRange(record_id.offset, ends[tp])}), None)
                return first if first and first.record_id == record_id else None
        return None

    def ranges_covering(self, record_ids: Iterable[RecordId]) -> OffsetRanges:
        """The shortest ranges of the rejected topic that hold all of ``record_ids``."""
        offsets: dict[int, list[int]] = {}
        for _, partition, offset in record_ids:
            offsets.setdefault(partition, []).append(offset)
        return {
            TopicPartition(self.topics.rejected, partition): OffsetRange(min(numbers), max(numbers) + 1)
            for partition, numbers in offsets.items()
        }

    def raw_ranges_after(self, originals: Iterable[RecordId]) -> OffsetRanges:
        """The offsets of the raw topic after the first of ``originals`` in each partition.

        Whatever was requeued of them is there.
        """
        first: dict[int, int] = {}
        for topic, partition, offset in originals:
            if topic == self.topics.raw:
                first[partition] = min(offset + 1, first.get(partition, offset + 1))
        with translate_kafka_errors(self.settings):
            partitions = [tp for tp in self._partitions(self.topics.raw) if tp.partition in first]
            starts, ends = self._bounds(partitions)
        return {tp: OffsetRange(max(first[tp.partition], starts[tp]), ends[tp]) for tp in partitions}

    def requeued_ids(self, ranges: OffsetRanges, on_progress: OnProgress = ignore_progress) -> set[str]:
        """The ids of the dead letters that were requeued as records in ``ranges`` of the raw topic."""
        return {
            (value or b"").decode("utf-8", "replace")
            for record in self._read_records(ranges, on_progress, _by_time)
            for name, value in record.headers
            if name == DEAD_LETTER_HEADER
        }

    def _partitions(self, topic: str) -> list[Any]:
        if topic not in self._consumer.topics():  # asking for it by name could create it
            return []
        return [TopicPartition(topic, number) for number in sorted(self._consumer.partitions_for_topic(topic))]

    def _bounds(self, partitions: list[Any]) -> tuple[dict[Any, int], dict[Any, int]]:
        if not partitions:
            return {}, {}
        return self._consumer.beginning_offsets(partitions), self._consumer.end_offsets(partitions)

    def _read_records(self, ranges: OffsetRanges, on_progress: OnProgress, sort_key: _SortKey) -> Iterator[Any]:
        """Merge the partitions by ``sort_key``, keeping at most one fetch of each in memory."""
        buffers: dict[Any, deque[Any]] = {tp: deque() for tp, offsets in ranges.items() if offsets.length}
        positions = {tp: ranges[tp].start for tp in buffers}
        with translate_kafka_errors(self.settings):
            self._consumer.assign(list(buffers))
            for tp, start in positions.items():
                self._consumer.seek(tp, start)
        while buffers:
            if not all(buffers.values()):
                with translate_kafka_errors(self.settings):
                    self._fill(buffers, ranges, sort_key)
            if self.is_stopped() or not buffers:
                return
            tp = min(buffers, key=lambda tp: buffers[tp][0][0])
            _, record = buffers[tp].popleft()
            on_progress(record.offset + 1 - positions[tp])
            positions[tp] = record.offset + 1
            yield record

    def _fill(self, buffers: dict[Any, deque[Any]], ranges: OffsetRanges, sort_key: _SortKey) -> None:
        """Poll until every partition has a record in its buffer; remove those that are read to their end."""
        last_data = time.monotonic()
        while not self.is_stopped():
            for tp in [tp for tp, records in buffers.items() if not records]:
                if self._consumer.position(tp) >= ranges[tp].end:
                    del buffers[tp]
            empty = [tp for tp, records in buffers.items() if not records]
            if not empty:
                return
            self._consumer.pause(*(ranges.keys() & self._consumer.assignment() - set(empty)))
            self._consumer.resume(*empty)
            for tp, records in self._consumer.poll(timeout_ms=_POLL_MS, max_records=_POLL_RECORDS).items():
                if tp in buffers:
                    end = ranges[tp].end
                    buffers[tp].extend((sort_key(record), record) for record in records if record.offset < end)
                last_data = time.monotonic()
            if time.monotonic() - last_data > _SILENCE_S:
                raise BrokerError(
                    f"{self.settings.broker} has sent nothing for {_SILENCE_S:g} s; check that the broker is up"
                )


def _by_time(record: Any) -> tuple[Any, ...]:
    return (record.timestamp,)


def _by_time_and_origin(record: Any) -> tuple[Any, ...]:
    dead_letter = read_dead_letter(record)
    return (dead_letter.time, dead_letter.origin or dead_letter.record_id)


@contextlib.contextmanager
def translate_kafka_errors(settings: Settings) -> Iterator[None]:
    """Raise the project's errors instead of kafka-python's.

    Raises:
        BrokerError: instead of any `KafkaError`; `AccessError` if the broker denies access.
    """
    try:
        yield
    except AuthorizationError as error:
        raise AccessError(f"{settings.broker}: {error}; grant it with kafka-acls (deploy/kafka/acls.md)") from error
    except KafkaError as error:
        raise BrokerError(f"{settings.broker}: {error}") from error
