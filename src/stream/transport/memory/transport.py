"""Faust transport for ``memory://name``: the broker in this process, **not durable**.

For demos, experiments and tests. All apps with the same name share one `MemoryBroker`, also across event loops and
threads.
"""

# Much of this implements Faust's interface, whose signatures are not ours.
# ruff: noqa: ARG002, ASYNC109, PLR0917
from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Collection, Iterable, Mapping, Sequence
from itertools import count
from typing import TYPE_CHECKING, Any, ClassVar, cast

from faust.transport import base
from faust.types import TP, ConsumerMessage, HeadersArg
from faust.types import RecordMetadata as FaustRecordMetadata
from mode import Service

from stream.core.contracts.records import OutputRecord, Record, RecordMetadata
from stream.core.log_position import UNKNOWN_LOG, LogState
from stream.transport.batch_consumer import TrackingConsumer, log_deleted_records
from stream.transport.commit_metadata import CommitMetadata
from stream.transport.errors import (
    NotAMemberError,
    RevokedError,
    StaleGenerationError,
    TransportError,
    UnknownTopicError,
)
from stream.transport.log_checks import choose_start, epoch_to_ask
from stream.transport.memory.broker import MemoryBroker, StoredRecord
from stream.transport.offset_tracker import FetchedRecords, PartitionStart
from stream.transport.partitioner import partition_for
from stream.transport.record_batch import BATCH_BYTES, FenceCheck

if TYPE_CHECKING:
    from faust.types.transports import ConsumerT, ProducerT

    from stream.transport.memory.consumer_group import Assignment

log = logging.getLogger(__name__)

__all__ = ["MemoryBatchConsumer", "MemoryBatchProducer", "MemoryBroker", "StoredRecord", "Transport"]

#: Records per batch if the setting ``broker_max_poll_records`` is not given.
_MAX_RECORDS = 500

_serial = count(1)


class _Signal:
    """An event for one loop, which any thread may set."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._event = asyncio.Event()

    def set(self) -> bool:
        """Set it; False if the loop has ended."""
        try:
            self._loop.call_soon_threadsafe(self._event.set)
        except RuntimeError:  # the loop is closed, and nobody will ever wait here again
            return False
        return True

    async def wait(self, seconds: float | None = None) -> bool:
        """Wait until it is set, and reset it; False after ``seconds``."""
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            return False
        self._event.clear()
        return True


class MemoryBatchConsumer(TrackingConsumer):
    """Faust consumer of the broker in memory."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._broker = cast("Transport", self.transport).broker
        self._group: str = self.app.conf.id
        self._member = f"{self.app.conf.broker_client_id}-{next(_serial)}"
        self._topics: frozenset[str] = frozenset()
        self._assigned: frozenset[TP] = frozenset()
        self._generation = -1
        self._reading = False

    async def on_start(self) -> None:
        """Start to listen for records."""
        await super().on_start()
        loop = asyncio.get_running_loop()
        self._changed, self._arrived = _Signal(loop), _Signal(loop)
        self._broker.add_listener(self._on_arrival)

    async def on_stop(self) -> None:
        """Commit what is finished and leave the group, so that the other members need not wait."""
        await super().on_stop()
        self._broker.remove_listener(self._on_arrival)
        self._broker.leave(self._group, self._member)
        self.wake()

    def _on_arrival(self) -> None:
        if self._reading:
            self._arrived.set()

    # Membership.

    async def subscribe(self, topics: Iterable[str]) -> None:
        """Subscribe to topics, which must exist.

        Raises:
            UnknownTopicError: Some do not exist.
        """
        subscribed = frozenset(topics)
        if missing := sorted(subscribed - self._broker.topics().keys()):
            raise UnknownTopicError(*missing)
        self._topics = subscribed
        self._changed.set()

    @Service.task
    async def _membership(self) -> None:
        while not self._topics:
            await self._changed.wait()
        while not self.should_stop:
            # Faust needs to know of every rebalance before anything else, also of the first.
            self.app.on_rebalance_start()
            await self.on_partitions_revoked(set(self._assigned))
            entered = self._topics
            assignment = await self._enter()
            self._generation, self._assigned = assignment.generation, assignment.partitions
            self.app.consumer_generation_id = assignment.generation
            await self.on_partitions_assigned(set(self._assigned), assignment.generation)
            while self._topics == entered and not self._broker.must_give_up(
                self._group, self._member, self._generation
            ):
                await self._changed.wait()

    async def _enter(self) -> Assignment:
        """Enter the next generation and wait for its assignment, but only for a limited time for the other members."""
        topics = self._topics
        self._broker.enter(self._group, self._member, topics, self._changed.set)
        while True:
            try:
                assignment = self._broker.assignment(self._group, self._member)
            except NotAMemberError:
                self._broker.enter(self._group, self._member, topics, self._changed.set)
                continue
            if assignment is not None:
                return assignment
            if not await self._changed.wait(self.app.conf.broker_rebalance_timeout):
                self._broker.expel_missing(self._group)

    def assignment(self) -> set[TP]:
        """The partitions of this member."""
        return set(self._assigned)

    # Reading and committing.

    async def fetch(self, positions: Mapping[TP, int], seconds: float) -> Mapping[TP, FetchedRecords]:
        """See `TrackingConsumer.fetch`."""
        self._reading = True
        try:
            fetched = self._read(positions)
            if not fetched:
                await self._arrived.wait(seconds)
                fetched = self._read(positions)
            return fetched
        finally:
            self._reading = False

    def _read(self, positions: Mapping[TP, int]) -> Mapping[TP, FetchedRecords]:
        limit = self.app.conf.broker_max_poll_records or _MAX_RECORDS
        fetched: dict[TP, FetchedRecords] = {}
        for tp, offset in positions.items():
            try:
                records, log_id = self._broker.fetch(tp, offset, limit, self.batch_bytes)
            except UnknownTopicError:  # it was deleted, which the consumer notices by itself
                continue
            if records:
                if records[0].offset > offset:
                    log_deleted_records(tp, offset, records[0].offset)
                fetched[tp] = FetchedRecords(records, records[-1].offset + 1, log_id)
        return fetched

    def wake(self) -> None:
        """See `TrackingConsumer.wake`."""
        if self.started:
            self._arrived.set()

    async def find_starts(self) -> Mapping[TP, PartitionStart]:
        """See `TrackingConsumer.find_starts`."""
        committed = {tp: self._broker.committed(self._group, tp) for tp in self._assigned}
        metadata = {tp: self._metadata_of(tp) for tp in self._assigned}
        asked = {tp: epoch_to_ask(found.log if found else UNKNOWN_LOG) for tp, found in metadata.items()}
        states = self._broker.log_states(asked)
        return {tp: choose_start(tp, committed[tp], metadata[tp], state) for tp, state in states.items()}

    def _metadata_of(self, tp: TP) -> CommitMetadata | None:
        return CommitMetadata.decode(self._broker.committed_metadata(self._group, tp))

    async def committed_metadata(self, tp: TP) -> CommitMetadata | None:
        """See `TrackingConsumer.committed_metadata`."""
        return self._metadata_of(tp)

    async def commit_offsets(self, offsets: Mapping[TP, int], metadata: Mapping[TP, str]) -> bool:
        """See `TrackingConsumer.commit_offsets`."""
        try:
            self._broker.commit(self._group, offsets, self._member, self._generation, metadata)
        except (NotAMemberError, StaleGenerationError) as error:
            log.info("not committed: the group has rebalanced", extra={"reason": error})
            return False
        return True

    async def fetch_log_states(self, epochs: Mapping[TP, int | None]) -> Mapping[TP, LogState]:
        """See `TrackingConsumer.fetch_log_states`."""
        return self._broker.log_states(epochs)

    async def fetch_topic_ids(self, topics: Collection[str]) -> Mapping[str, str]:
        """See `TrackingConsumer.fetch_topic_ids`."""
        return {topic: topic_id for topic, topic_id in self._broker.topic_ids().items() if topic in topics}

    def last_seen_end(self, tp: TP) -> int | None:
        """The end offset; None if the topic was deleted."""
        state = self._broker.log_states({tp: None}).get(tp)
        return state and state.end

    # The rest of Faust's interface.

    def _new_topicpartition(self, topic: str, partition: int) -> TP:
        return TP(topic, partition)

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Start reading at the group's offsets, and return them."""
        await self.perform_seek()
        return self.offset_tracker.finished_offsets()

    async def _seek(self, partition: TP, offset: int) -> None:
        raise self._tables_only("seek")

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        """Not supported: only Faust's tables seek."""
        raise self._tables_only("seek_wait")

    async def position(self, tp: TP) -> int | None:
        """The first offset that is not finished."""
        return self.offset_tracker.finished_offsets().get(tp)

    def highwater(self, tp: TP) -> int:
        """The end offset."""
        return self._broker.bounds(tp)[1]

    async def highwaters(self, *partitions: TP) -> Mapping[TP, int]:
        """The end offsets."""
        return {tp: self._broker.bounds(tp)[1] for tp in partitions}

    async def earliest_offsets(self, *partitions: TP) -> Mapping[TP, int]:
        """The start offsets."""
        return {tp: self._broker.bounds(tp)[0] for tp in partitions}

    def topic_partitions(self, topic: str) -> int | None:
        """How many partitions a topic has; None if it does not exist."""
        return self._broker.topics().get(topic)

    def key_partition(self, topic: str, key: bytes | None, partition: int | None = None) -> int | None:
        """The partition of a key."""
        partitions = self._broker.topics().get(topic)
        if partition is not None or partitions is None or key is None:
            return partition
        return partition_for(key, partitions)

    async def create_topic(self, topic: str, partitions: int, replication: int, **_: Any) -> None:
        """Not supported: topics are created with `MemoryBroker.create_topic`, never by use."""
        raise TransportError(f"{topic}: create it with MemoryBroker.create_topic")

    # Faust requires these two methods, and only calls them for its tables, which this flow does not have.

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> Any:
        raise self._tables_only("_getmany")

    def _to_message(self, tp: TP, record: Any) -> ConsumerMessage:
        raise self._tables_only("_to_message")

    def _tables_only(self, name: str) -> NotImplementedError:
        return NotImplementedError(f"{name}: this transport delivers batches and has no Faust tables")


class MemoryBatchProducer(base.Producer):
    """Faust producer of the broker in memory."""

    @property
    def _broker(self) -> MemoryBroker:
        return cast("Transport", self.transport).broker

    async def produce_all(
        self, outputs: Sequence[OutputRecord], *, fence_check: FenceCheck | None = None
    ) -> list[RecordMetadata]:
        """See `BatchProducer.produce_all`. Either all outputs are stored, or none."""
        await asyncio.sleep(0)  # other tasks run meanwhile, as they would with a network
        if fence_check and not await fence_check():
            raise RevokedError("nothing was stored: the partition was revoked")
        return self._broker.produce_all(outputs)

    async def partitions_for(self, topic: str) -> int:
        """See `BatchProducer.partitions_for`.

        Raises:
            UnknownTopicError: The topic does not exist.
        """
        return self._broker.partitions_for(topic)

    async def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        partition: int | None,
        timestamp: float | None,
        headers: HeadersArg | None,
        *,
        transactional_id: str | None = None,
    ) -> Awaitable[FaustRecordMetadata]:
        """Store one record. Timestamp in seconds."""
        pairs = headers.items() if isinstance(headers, Mapping) else headers or ()
        out = OutputRecord(topic, key, value, tuple(cast("Iterable[tuple[str, bytes]]", pairs)), partition)
        stored = self._broker.produce(out, None if timestamp is None else int(timestamp * 1000))
        tp = TP(topic, stored.partition)
        future: asyncio.Future[FaustRecordMetadata] = asyncio.get_running_loop().create_future()
        future.set_result(FaustRecordMetadata(topic, stored.partition, tp, stored.offset, timestamp, 0))
        return future

    async def send_and_wait(self, *args: Any, **kwargs: Any) -> FaustRecordMetadata:
        """Store one record; see `send`."""
        return await (await self.send(*args, **kwargs))

    async def flush(self) -> None:
        """Store what Faust has buffered."""
        await self.buffer.flush()

    def key_partition(self, topic: str, key: bytes) -> TP:
        """The partition of a key."""
        return TP(topic, partition_for(key, self._broker.partitions_for(topic)))

    async def create_topic(self, topic: str, partitions: int, replication: int, **_: Any) -> None:
        """Not supported: topics are created with `MemoryBroker.create_topic`, never by use."""
        raise TransportError(f"{topic}: create it with MemoryBroker.create_topic")

    def supports_headers(self) -> bool:
        """Headers are stored."""
        return True


class Transport(base.Transport):
    """Faust transport for ``memory://name``."""

    Consumer: ClassVar[type[ConsumerT]] = MemoryBatchConsumer
    Producer: ClassVar[type[ProducerT]] = MemoryBatchProducer

    driver_version = "memory (not durable)"
    batch_bytes: int = BATCH_BYTES

    @property
    def broker(self) -> MemoryBroker:
        """The broker that the URL names."""
        return MemoryBroker.get_or_create(self.url[0].host or "default")

    async def bounds(self, tp: TP) -> tuple[int, int]:
        """Return the log's start and end offset.

        Raises:
            UnknownTopicError: The partition does not exist.
        """
        return self.broker.bounds(tp)

    async def log_states(self, epochs: Mapping[TP, int | None]) -> dict[TP, LogState]:
        """See `BatchTransport.log_states`."""
        return self.broker.log_states(epochs)

    async def read_one(self, tp: TP, offset: int) -> Record | None:
        """See `BatchTransport.read_one`."""
        return (await self.read_records(tp, [offset])).get(offset)

    async def read_records(self, tp: TP, offsets: Sequence[int]) -> dict[int, Record]:
        """See `BatchTransport.read_records`."""
        reads = (self.broker.read(tp, offset, 1) for offset in offsets)
        records = {record.offset: record for fetched in reads for record in fetched}
        return {offset: records[offset] for offset in offsets if offset in records}

    async def replay(self, tp: TP, start: int) -> AsyncGenerator[Sequence[Record], None]:
        """See `BatchTransport.replay`."""
        broker = self.broker
        _, end = broker.bounds(tp)
        while records := [
            record for record in broker.read(tp, start, _MAX_RECORDS, self.batch_bytes) if record.offset < end
        ]:
            yield records
            start = records[-1].offset + 1
            await asyncio.sleep(0)
