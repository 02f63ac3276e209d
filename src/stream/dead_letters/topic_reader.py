"""The rejected topic on a broker: its letters in the order of their time. Through kafka-python."""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple, Self

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import AuthorizationError, KafkaError

from stream.core.contracts.topics import OUTPUT_MESSAGE_BYTES
from stream.core.pipeline.dead_letter import LETTER
from stream.dead_letters.dead_letter import DeadLetter, RecordId, read
from stream.errors import BrokerError
from stream.kafka import topic_admin
from stream.kafka.security import AccessError
from stream.settings import Settings

_POLL_MS: Final = 500
#: A fetch of a partition that has no more holds up the others of its broker for so long.
_WAIT_MS: Final = 20
_FETCH_BYTES: Final = 4 * 1024 * 1024
#: All that was fetched, which is bounded in bytes. What a poll leaves over of a partition that is then paused,
#: kafka-python 3.0.12 sets aside and never delivers.
_POLL_RECORDS: Final = 2**31
#: A broker that sends nothing for so long, although there is something to read, is gone.
_SILENCE_S: Final = 60.0
_CLOSE_S: Final = 10.0

#: Told how many offsets were passed.
Advance = Callable[[int], object]


class Span(NamedTuple):
    """The offsets of one partition from ``start``, up to but not with ``end``."""

    start: int
    end: int

    @property
    def length(self) -> int:
        """How many offsets it has."""
        return max(0, self.end - self.start)


Spans = Mapping[Any, Span]
_Order = Callable[[Any], tuple[Any, ...]]


def nothing(_: int) -> None:
    """Nobody wants to know."""


class RejectedTopicReader:
    """The rejected topic of one flow; a context manager that closes its connection.

    ``stopped`` is asked all the while: once it says so, reading ends early. Every method raises `BrokerError` where the
    broker cannot be reached, refuses, or lacks the topic.
    """

    def __init__(self, settings: Settings, *, stopped: Callable[[], bool] = lambda: False) -> None:
        self.settings = settings
        self.topics = settings.topics
        self.stopped = stopped

    def __enter__(self) -> Self:
        self._require(self.topics.rejected)
        self._consumer = topic_admin.connect(
            self.settings,
            KafkaConsumer,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            allow_auto_create_topics=False,
            fetch_max_wait_ms=_WAIT_MS,
            max_partition_fetch_bytes=_FETCH_BYTES,
        )
        return self

    def _require(self, topic: str) -> None:
        if not topic_admin.exists(self.settings, topic):
            raise BrokerError(f"{topic} does not exist on {self.settings.broker}; run: stream topics")

    def __exit__(self, *_: object) -> None:
        self._consumer.close()

    def partitions(self, topic: str) -> int:
        """How many partitions the topic has."""
        self._require(topic)
        with told(self.settings):
            return len(self._partitions(topic))

    @contextlib.contextmanager
    def producer(self) -> Iterator[Any]:
        """A producer whose records are stored by all replicas in sync, each once."""
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

    def spans(self, since: int | None = None) -> Spans:
        """What is in the rejected topic, from ``since`` (milliseconds since 1970) to where it ends by now."""
        with told(self.settings):
            there = self._partitions(self.topics.rejected)
            starts, ends = self._bounds(there)
            if since is not None:
                times = self._consumer.offsets_for_times(dict.fromkeys(there, max(0, since)))
                starts = {tp: found.offset if found else ends[tp] for tp, found in times.items()}
        return {tp: Span(starts[tp], ends[tp]) for tp in there}

    def letters(self, spans: Spans, advance: Advance = nothing) -> Iterator[DeadLetter]:
        """The letters in ``spans`` by their time, then by the place of the original; each partition's in order.

        The letters of one batch have one time, so this is the order in which their originals came.
        """
        return map(read, self._records(spans, advance, _by_time_and_origin))

    def find(self, place: RecordId) -> DeadLetter | None:
        """The letter at ``place``; None where there is none, or none any more."""
        with told(self.settings):
            there = [tp for tp in self._partitions(place.topic) if tp.partition == place.partition]
            starts, ends = self._bounds(there)
        for tp in there:
            if starts[tp] <= place.offset < ends[tp]:
                found = next(self.letters({tp: Span(place.offset, ends[tp])}), None)
                return found if found and found.place == place else None
        return None

    def around(self, places: Iterable[RecordId]) -> Spans:
        """The shortest spans of the rejected topic that hold all of ``places``."""
        offsets: dict[int, list[int]] = {}
        for _, partition, offset in places:
            offsets.setdefault(partition, []).append(offset)
        return {
            TopicPartition(self.topics.rejected, partition): Span(min(found), max(found) + 1)
            for partition, found in offsets.items()
        }

    def behind(self, originals: Iterable[RecordId]) -> Spans:
        """What the raw topic holds behind the first of ``originals`` in each partition: what was put back is there."""
        first: dict[int, int] = {}
        for topic, partition, offset in originals:
            if topic == self.topics.raw:
                first[partition] = min(offset + 1, first.get(partition, offset + 1))
        with told(self.settings):
            there = [tp for tp in self._partitions(self.topics.raw) if tp.partition in first]
            starts, ends = self._bounds(there)
        return {tp: Span(max(first[tp.partition], starts[tp]), ends[tp]) for tp in there}

    def put_back(self, spans: Spans, advance: Advance = nothing) -> set[str]:
        """The ids of the letters that the records in ``spans`` of the raw topic were made of."""
        return {
            (value or b"").decode("utf-8", "replace")
            for record in self._records(spans, advance, _by_time)
            for name, value in record.headers
            if name == LETTER
        }

    def _partitions(self, topic: str) -> list[Any]:
        if topic not in self._consumer.topics():  # asking for it by name could create it
            return []
        return [TopicPartition(topic, number) for number in sorted(self._consumer.partitions_for_topic(topic))]

    def _bounds(self, there: list[Any]) -> tuple[dict[Any, int], dict[Any, int]]:
        if not there:
            return {}, {}
        return self._consumer.beginning_offsets(there), self._consumer.end_offsets(there)

    def _records(self, spans: Spans, advance: Advance, order: _Order) -> Iterator[Any]:
        """A merge of the partitions; no more of each than one poll is held."""
        waiting: dict[Any, deque[Any]] = {tp: deque() for tp, span in spans.items() if span.length}
        reached = {tp: spans[tp].start for tp in waiting}
        with told(self.settings):
            self._consumer.assign(list(waiting))
            for tp, start in reached.items():
                self._consumer.seek(tp, start)
        while waiting:
            if not all(waiting.values()):
                with told(self.settings):
                    self._fill(waiting, spans, order)
            if self.stopped() or not waiting:
                return
            tp = min(waiting, key=lambda tp: waiting[tp][0][0])
            _, record = waiting[tp].popleft()
            advance(record.offset + 1 - reached[tp])
            reached[tp] = record.offset + 1
            yield record

    def _fill(self, waiting: dict[Any, deque[Any]], spans: Spans, order: _Order) -> None:
        """Until every partition has a record waiting; those that are read to their end are taken out."""
        heard = time.monotonic()
        while not self.stopped():
            for tp in [tp for tp, records in waiting.items() if not records]:
                if self._consumer.position(tp) >= spans[tp].end:
                    del waiting[tp]
            hungry = [tp for tp, records in waiting.items() if not records]
            if not hungry:
                return
            self._consumer.pause(*(spans.keys() & self._consumer.assignment() - set(hungry)))
            self._consumer.resume(*hungry)
            for tp, records in self._consumer.poll(timeout_ms=_POLL_MS, max_records=_POLL_RECORDS).items():
                if tp in waiting:
                    waiting[tp].extend((order(record), record) for record in records if record.offset < spans[tp].end)
                heard = time.monotonic()
            if time.monotonic() - heard > _SILENCE_S:
                raise BrokerError(f"{self.settings.broker} has sent nothing for {_SILENCE_S:g} s; is it up?")


def _by_time(record: Any) -> tuple[Any, ...]:
    return (record.timestamp,)


def _by_time_and_origin(record: Any) -> tuple[Any, ...]:
    letter = read(record)
    return (letter.time, letter.origin or letter.place)


@contextlib.contextmanager
def told(settings: Settings) -> Iterator[None]:
    """A fault of the client becomes one line of ours.

    Raises:
        BrokerError: instead of any `KafkaError`; `AccessError` where the broker refuses us.
    """
    try:
        yield
    except AuthorizationError as error:
        raise AccessError(f"{settings.broker}: {error}; grant it with kafka-acls (deploy/kafka/acls.md)") from error
    except KafkaError as error:
        raise BrokerError(f"{settings.broker}: {error}") from error
