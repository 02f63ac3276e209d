"""Apache Kafka: Faust's aiokafka driver, with record batches in and out.

Register as ``kafka+batch://host:port``. Relies on private parts of aiokafka 0.14 where Faust's driver does:
the fetcher and the position of a partition.
"""

# ruff: noqa: SLF001
from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, ClassVar, cast

from aiokafka import AIOKafkaConsumer, TopicPartition  # type: ignore[import-untyped]  # it ships no types
from aiokafka.consumer.fetcher import FetchResult  # type: ignore[import-untyped]
from aiokafka.errors import (  # type: ignore[import-untyped]
    ConsumerStoppedError,
    KafkaError,
    UnknownTopicOrPartitionError,
)
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from mode.utils.times import want_seconds

from stream.transport.batch_consumer import TrackingConsumer, report_deleted
from stream.transport.errors import TransportError, UnknownTopicError
from stream.transport.kafka.aiokafka_patches import raise_on_offset_fetch_error
from stream.transport.kafka.producer import Producer
from stream.transport.offset_tracker import Fetched, Start, choose_start
from stream.transport.record_batch import BATCH_BYTES, chunked

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Iterable, Mapping, Sequence

    from faust.types.transports import ConsumerT, ProducerT

    from stream.core.contracts.records import Record

logger = logging.getLogger(__name__)

#: How long an idle fetch may wait. It holds up every other question on its connection, such as where the log
#: begins, so Faust's 1500 would make each rebalance that much longer.
_FETCH_WAIT_MS = 250

#: Seconds that a commit may take. aiokafka retries for as long as no broker answers, and Faust would wait for
#: it even while it stops; what was not committed is committed next time, or repeated.
_COMMIT_SECONDS = 10.0

#: Seconds that the start of a reader may still take which nobody wants any more.
_START_SECONDS = 2.0

#: Records per batch where the setting ``broker_max_poll_records`` is not given.
_MAX_RECORDS = 500

__all__ = ["Consumer", "Producer", "Transport"]


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """Owns the aiokafka consumer. Methods with an underscore run in its thread, others in the app's loop."""

    _nudge: asyncio.Event
    batch_bytes: int = BATCH_BYTES

    def __post_init__(self) -> None:
        """Prepare, before the thread runs."""
        super().__post_init__()
        self._nudge = asyncio.Event()

    async def on_start(self) -> None:
        """Start the aiokafka consumer."""
        await super().on_start()
        raise_on_offset_fetch_error(self._ensure_consumer()._coordinator)

    def wake(self) -> None:
        """End a fetch that waits."""
        if not self.thread_loop.is_closed():
            self.thread_loop.call_soon_threadsafe(self._nudge.set)

    async def fetch(self, wanted: Mapping[TP, int], seconds: float) -> Mapping[TP, Fetched]:
        """See `TrackingConsumer.fetch`."""
        return cast("Mapping[TP, Fetched]", await self.call_thread(self._fetch, wanted, seconds))

    async def starts(self) -> Mapping[TP, Start]:
        """See `TrackingConsumer.starts`."""
        return cast("Mapping[TP, Start]", await self.call_thread(self._starts))

    async def missing(self, topics: Iterable[str]) -> list[str]:
        """Which topics do not exist."""
        return cast("list[str]", await self.call_thread(self._missing, topics))

    def _create_worker_consumer(self, transport: driver.Transport) -> AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = _FETCH_WAIT_MS
        return consumer

    async def on_thread_stop(self) -> None:
        """Stop the aiokafka consumer, whatever it was doing."""
        try:
            await super().on_thread_stop()
        except asyncio.CancelledError:
            # Without a broker, aiokafka cancels its own fetch and lets that escape before it has closed its
            # connections; Faust would then wait a minute for a thread that has already ended.
            await self._ensure_consumer()._client.close()

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        try:
            return await asyncio.wait_for(super()._commit(offsets), _COMMIT_SECONDS)
        except TimeoutError:
            logger.warning("not committed, no answer from the broker", extra={"seconds": _COMMIT_SECONDS})
            return False

    async def _missing(self, topics: Iterable[str]) -> list[str]:
        # Asking for a topic by name would create it where the broker is set so; asking for all does not.
        cluster = await self._ensure_consumer()._client.fetch_all_metadata()
        return sorted(set(topics) - cluster.topics(exclude_internal_topics=False))

    async def _starts(self) -> Mapping[TP, Start]:
        consumer = self._ensure_consumer()
        assigned = sorted(consumer.assignment())
        if not assigned:
            return {}
        first, last = await asyncio.gather(consumer.beginning_offsets(assigned), consumer.end_offsets(assigned))
        offsets = await asyncio.gather(*(consumer.committed(tp) for tp in assigned))
        reset = self.app.conf.consumer_auto_offset_reset
        starts: dict[TP, Start] = {}
        for tp, committed in zip(assigned, offsets, strict=True):
            position = choose_start(committed, (first[tp], last[tp]), reset)
            consumer.seek(tp, position)
            starts[TP(*tp)] = Start(position, committed, last[tp])
        return starts

    async def _fetch(self, wanted: Mapping[TP, int], seconds: float) -> Mapping[TP, Fetched]:
        consumer = self._ensure_consumer()
        if consumer._closed or consumer._fetcher._closed:
            raise ConsumerStoppedError
        with consumer._fetcher._subscriptions.fetch_context():
            fetched = await self._drain(consumer, wanted)
            if not fetched:
                await self._wait_for_records(consumer, seconds, listen=bool(wanted))
                fetched = await self._drain(consumer, wanted)
            return fetched

    async def _drain(self, consumer: AIOKafkaConsumer, wanted: Mapping[TP, int]) -> Mapping[TP, Fetched]:
        """Take what was fetched already, without waiting."""
        subscriptions = consumer._fetcher._subscriptions
        if subscriptions.reassignment_in_progress:
            return {}
        mine = {tp: offset for tp, offset in wanted.items() if subscriptions.is_assigned(tp)}
        # Without partitions to choose from, aiokafka would hand over all of them.
        if not mine:
            return {}
        state_of = subscriptions.subscription.assignment.state_value
        for tp, offset in mine.items():
            state = state_of(tp)
            if not state.has_valid_position or state.position != offset:
                await self._rewind(consumer, tp, offset)
        records = {tp: taken for tp in mine if (taken := self._take(consumer, TopicPartition(*tp)))}
        if not records:  # raises what the broker answered, and forgets what is no longer ours
            await consumer._fetcher.fetched_records(mine, timeout=0, max_records=consumer._max_poll_records)
        # A partition may move on without records: over transaction markers, or what was compacted away.
        return {
            tp: Fetched(records.get(tp, ()), state_of(tp).position)
            for tp, offset in mine.items()
            if state_of(tp).has_valid_position and state_of(tp).position != offset
        }

    def _take(self, consumer: AIOKafkaConsumer, tp: TopicPartition) -> Sequence[Record]:
        """A batch of what was fetched of one partition: aiokafka's ``FetchResult.getall`` with a bound on its bytes.

        What is behind it stays as it came: not split into records, and compressed if it was.
        """
        fetcher = consumer._fetcher
        result = fetcher._records.get(tp)
        if not isinstance(result, FetchResult) or not result.check_assignment(tp) or not result.has_more():
            return ()
        most = consumer._max_poll_records or _MAX_RECORDS
        try:
            batch = next(chunked(result._partition_records, records_max=most, bytes_max=self.batch_bytes), [])
        except KafkaError:  # a damaged batch: what was read before it has to be fetched again, and not passed over
            del fetcher._records[tp]
            raise
        result._update_position()
        if result._partition_records._records_iterator is None:
            result._partition_records = None
            del fetcher._records[tp]
            fetcher._notify(fetcher._wait_consume_future)
        return batch

    async def _rewind(self, consumer: AIOKafkaConsumer, tp: TP, offset: int) -> None:
        """Go back for records that were fetched but not accepted, or are no longer in the log."""
        first = (await consumer.beginning_offsets([TopicPartition(*tp)]))[tp]
        if first > offset:
            report_deleted(tp, offset, first)
        if consumer._fetcher._subscriptions.is_assigned(tp):
            consumer.seek(TopicPartition(*tp), max(first, offset))

    async def _wait_for_records(self, consumer: AIOKafkaConsumer, seconds: float, *, listen: bool) -> None:
        waiters: set[asyncio.Future[Any]] = {asyncio.ensure_future(self._nudge.wait())}
        arrival: asyncio.Future[Any] | None = None
        if listen:
            arrival = consumer._fetcher._create_fetch_waiter()
            waiters.add(arrival)
        _, pending = await asyncio.wait(waiters, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for waiter in pending:
            waiter.cancel()
        self._nudge.clear()
        if arrival is not None and arrival.done() and not arrival.cancelled():
            arrival.result()  # raises what the broker answered, such as a missing permission


class Consumer(TrackingConsumer, driver.Consumer):
    """Faust's Kafka consumer, delivering batches."""

    _thread: ConsumerThread

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Do nothing: Faust looks for its own acknowledgements, and calls a worker with a backlog stuck.

        `stream.observability.progress_watch` tells from offsets what does not move.
        """

    @property
    def thread_loop(self) -> asyncio.AbstractEventLoop:
        """The loop of the consumer's thread; whoever makes a consumer and never starts it must close it."""
        return self._thread.thread_loop

    async def highwaters(self, *partitions: TP) -> Mapping[TP, int]:
        """The end offsets, asked of the broker.

        Raises:
            TransportError: It does not tell.
        """
        try:
            return await super().highwaters(*partitions)
        except KafkaError as error:
            raise TransportError(f"the broker does not tell the end offsets: {error!r}") from error

    def _new_consumer_thread(self) -> ConsumerThread:
        thread = ConsumerThread(self, loop=self.loop, beacon=self.beacon)
        thread.batch_bytes = cast("Transport", self.transport).batch_bytes
        return thread

    async def subscribe(self, topics: Iterable[str]) -> None:
        """Subscribe to topics, which must exist.

        Raises:
            UnknownTopicError: Some do not.
        """
        if missing := await self._thread.missing(topics):
            raise UnknownTopicError(*missing)
        await super().subscribe(topics)

    async def fetch(self, wanted: Mapping[TP, int], seconds: float) -> Mapping[TP, Fetched]:
        """See `TrackingConsumer.fetch`."""
        return await self._thread.fetch(wanted, seconds)

    def wake(self) -> None:
        """End a fetch that waits."""
        self._thread.wake()

    async def starts(self) -> Mapping[TP, Start]:
        """See `TrackingConsumer.starts`."""
        starts = await self._thread.starts()
        self._asked_ends = {tp: start.end for tp, start in starts.items()}
        return starts

    async def store(self, offsets: Mapping[TP, int]) -> bool:
        """Commit; False if the group has moved on."""
        return await self._thread.commit(offsets)

    def end_of(self, tp: TP) -> int | None:
        """The end offset that the last fetch told; it ages while the partition's batches are in work."""
        consumer = self._thread._consumer
        if consumer is None or not consumer._subscription.is_assigned(tp):
            return None
        return cast("int | None", consumer.highwater(TopicPartition(*tp)))


class Transport(driver.Transport):
    """Faust transport for ``kafka+batch://``."""

    batch_bytes: int = BATCH_BYTES

    Consumer: ClassVar[type[ConsumerT]] = Consumer
    Producer: ClassVar[type[ProducerT]] = Producer

    @asynccontextmanager
    async def _reader(self, tp: TP) -> AsyncIterator[AIOKafkaConsumer]:
        """A consumer outside any group, which reads one partition."""
        conf = self.app.conf
        reader = AIOKafkaConsumer(
            bootstrap_servers=driver.server_list(self.url, self.default_port),
            client_id=conf.broker_client_id,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=conf.consumer_max_fetch_size,
            request_timeout_ms=int(want_seconds(conf.broker_request_timeout) * 1000),
            check_crcs=conf.broker_check_crcs,
            **driver.credentials_to_aiokafka_auth(conf.broker_credentials, conf.ssl_context),
        )
        try:
            await _begun(reader.start())
            cluster = await reader._client.fetch_all_metadata()
            if tp.partition not in (cluster.partitions_for_topic(tp.topic) or ()):
                raise UnknownTopicError(f"{tp.topic}-{tp.partition}")
            reader.assign([TopicPartition(*tp)])
            yield reader
        finally:
            await reader.stop()

    async def bounds(self, tp: TP) -> tuple[int, int]:
        """Return the log's start and end offset.

        Raises:
            UnknownTopicError: The partition does not exist.
        """
        async with self._reader(tp) as reader:
            return await _bounds(reader, TopicPartition(*tp))

    async def replay(self, tp: TP, start: int) -> AsyncGenerator[Sequence[Record], None]:
        """See `BatchTransport.replay`."""
        partition = TopicPartition(*tp)
        async with self._reader(tp) as reader:
            first, end = await _bounds(reader, partition)
            reader.seek(partition, max(first, start))
            # The position moves over transaction markers and gaps too, where no record would tell the end.
            while await reader.position(partition) < end:
                fetched = await reader.getmany(partition, timeout_ms=1000)
                records = [record for record in fetched.get(partition, ()) if record.offset < end]
                if records:
                    yield records


async def _begun(start: Coroutine[Any, Any, None]) -> None:
    """Await ``start``; cancelled, let it end first: aiokafka would leave its first connection open."""
    starting = asyncio.ensure_future(start)
    try:
        await asyncio.shield(starting)
    except asyncio.CancelledError:
        _, unfinished = await asyncio.wait([starting], timeout=_START_SECONDS)
        if unfinished:  # a broker that does not answer
            starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        raise


async def _bounds(reader: AIOKafkaConsumer, tp: TopicPartition) -> tuple[int, int]:
    try:
        first = await reader.beginning_offsets([tp])
        last = await reader.end_offsets([tp])
    except UnknownTopicOrPartitionError as error:
        raise UnknownTopicError(f"{tp.topic}-{tp.partition}") from error
    return first[tp], last[tp]
