"""Apache Kafka: Faust's aiokafka driver, with record batches in and out.

Registered as ``kafka+batch://host:port``. `aiokafka_patches` has what it needs of aiokafka's private parts.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, ClassVar, Final, cast

from aiokafka import AIOKafkaConsumer, TopicPartition  # type: ignore[import-untyped]  # it ships no types
from aiokafka.client import AIOKafkaClient  # type: ignore[import-untyped]
from aiokafka.errors import (  # type: ignore[import-untyped]
    CommitFailedError,
    KafkaError,
    OffsetOutOfRangeError,
    UnknownTopicOrPartitionError,
)
from aiokafka.structs import OffsetAndMetadata  # type: ignore[import-untyped]
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from mode.utils.times import want_seconds

from stream.core.log_position import UNKNOWN_LOG, LogState
from stream.kafka import log_identity
from stream.kafka.aiokafka_closing import close_cancelled_bootstraps, close_consumer
from stream.transport.batch_consumer import TrackingConsumer
from stream.transport.commit_metadata import CommitMetadata
from stream.transport.errors import TransportError, UnknownTopicError
from stream.transport.kafka import aiokafka_patches
from stream.transport.kafka.partition_records import limit_aiokafka
from stream.transport.kafka.producer import KafkaBatchProducer
from stream.transport.log_checks import choose_start, epoch_to_ask
from stream.transport.offset_tracker import FetchedRecords, PartitionStart
from stream.transport.record_batch import BATCH_BYTES

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Collection, Iterable, Mapping, Sequence

    from faust.types.transports import ConsumerT, ProducerT

    from stream.core.contracts.records import Record

log = logging.getLogger(__name__)

close_cancelled_bootstraps()
limit_aiokafka()

#: How long an idle fetch may wait. It delays every other request on its connection, such as where the log starts, so
#: Faust's 1500 would make each rebalance that much longer.
_FETCH_WAIT_MS: Final = 250

#: Seconds that a commit may take. aiokafka retries for as long as no broker answers, and Faust would wait for it even
#: while it stops; what was not committed is committed the next time, or repeated.
_COMMIT_TIMEOUT_S: Final = 10.0

#: Seconds until an offset is fetched again that a broker did not have, although it is in the log.
_OUT_OF_RANGE_PAUSE_S: Final = 0.2

__all__ = ["KafkaBatchConsumer", "KafkaBatchProducer", "Transport"]


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """Owns the aiokafka consumer. Methods with an underscore run in its thread, others in the app's loop."""

    _wake: asyncio.Event
    batch_bytes: int = BATCH_BYTES

    def __post_init__(self) -> None:
        """Called before the thread runs."""
        super().__post_init__()
        self._wake = asyncio.Event()
        self._topic_ids: dict[str, str] = {}

    async def on_start(self) -> None:
        """Start the aiokafka consumer."""
        await super().on_start()
        aiokafka_patches.raise_on_offset_fetch_error(self._ensure_consumer())

    def wake(self) -> None:
        """End a fetch that waits."""
        if not self.thread_loop.is_closed():
            self.thread_loop.call_soon_threadsafe(self._wake.set)

    async def fetch(self, positions: Mapping[TP, int], seconds: float) -> Mapping[TP, FetchedRecords]:
        """See `TrackingConsumer.fetch`."""
        return cast("Mapping[TP, FetchedRecords]", await self.call_thread(self._fetch, positions, seconds))

    async def find_starts(self) -> Mapping[TP, PartitionStart]:
        """See `TrackingConsumer.find_starts`."""
        return cast("Mapping[TP, PartitionStart]", await self.call_thread(self._find_starts))

    async def fetch_log_states(self, epochs: Mapping[TP, int | None]) -> Mapping[TP, LogState]:
        """See `TrackingConsumer.fetch_log_states`."""
        return cast("Mapping[TP, LogState]", await self.call_thread(self._fetch_log_states, epochs))

    async def fetch_topic_ids(self, topics: Collection[str]) -> Mapping[str, str]:
        """See `TrackingConsumer.fetch_topic_ids`."""
        return cast("Mapping[str, str]", await self.call_thread(self._fetch_topic_ids, topics))

    async def find_missing(self, topics: Iterable[str]) -> list[str]:
        """Return those of ``topics`` that do not exist."""
        return cast("list[str]", await self.call_thread(self._find_missing, topics))

    def last_seen_end(self, tp: TP) -> int | None:
        """See `TrackingConsumer.last_seen_end`."""
        return aiokafka_patches.last_seen_end(self._consumer, tp)

    def _create_worker_consumer(self, transport: driver.Transport) -> AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        aiokafka_patches.set_fetch_options(consumer, max_wait_ms=_FETCH_WAIT_MS)
        return consumer

    async def on_thread_stop(self) -> None:
        """Stop the aiokafka consumer in any state."""
        try:
            await super().on_thread_stop()
        except asyncio.CancelledError:
            # With open connections, Faust would wait a minute for a thread that has already ended.
            await close_consumer(self._ensure_consumer())

    async def commit_with_metadata(self, offsets: Mapping[TP, int], metadata: Mapping[TP, str]) -> bool:
        """See `TrackingConsumer.commit_offsets`."""
        return cast("bool", await self.call_thread(self._commit_with_metadata, offsets, metadata))

    async def committed_metadata(self, tp: TP) -> CommitMetadata | None:
        """See `TrackingConsumer.committed_metadata`."""
        return cast("CommitMetadata | None", await self.call_thread(self._committed_metadata, tp))

    async def _commit_with_metadata(self, offsets: Mapping[TP, int], metadata: Mapping[TP, str]) -> bool:
        """Commit as ``AIOKafkaConsumerThread._commit`` does, which leaves the metadata empty."""
        assigned = self.assignment()
        committed = {
            TopicPartition(*tp): OffsetAndMetadata(offset, metadata[tp])
            for tp, offset in offsets.items()
            if tp in assigned
        }
        try:
            await asyncio.wait_for(self._ensure_consumer().commit(committed), _COMMIT_TIMEOUT_S)
        except TimeoutError:
            log.warning("not committed: no answer from the broker", extra={"seconds": _COMMIT_TIMEOUT_S})
            return False
        except UnknownTopicOrPartitionError:
            log.warning("not committed: a topic does not exist")  # as the watch on the topics will find out
            return False
        except CommitFailedError as error:
            if "already rebalanced" not in str(error):
                log.exception("cannot commit")
                await self.crash(error)
            return False
        except Exception as error:  # of any kind: the worker ends
            log.exception("cannot commit")
            await self.crash(error)
            return False
        return True

    async def _committed_metadata(self, tp: TP) -> CommitMetadata | None:
        committed = await aiokafka_patches.fetch_committed(self._ensure_consumer(), [TopicPartition(*tp)])
        return CommitMetadata.decode(committed[tp].metadata) if tp in committed else None

    async def _find_missing(self, topics: Iterable[str]) -> list[str]:
        cluster = await aiokafka_patches.fetch_all_metadata(self._ensure_consumer())
        return sorted(set(topics) - cluster.topics(exclude_internal_topics=False))

    async def _find_starts(self) -> Mapping[TP, PartitionStart]:
        consumer = self._ensure_consumer()
        assigned = sorted(consumer.assignment())
        if not assigned:
            return {}
        offsets = await aiokafka_patches.fetch_committed(consumer, assigned)
        metadata = {tp: CommitMetadata.decode(committed.metadata) for tp, committed in offsets.items()}
        logs = {TP(*tp): noted.log if (noted := metadata.get(tp)) else UNKNOWN_LOG for tp in assigned}
        states = await self._fetch_log_states({tp: epoch_to_ask(log_id) for tp, log_id in logs.items()})
        ends = await consumer.end_offsets([TopicPartition(*tp) for tp in states])
        starts: dict[TP, PartitionStart] = {}
        for tp, state in states.items():
            self._topic_ids[tp.topic] = state.topic_id
            committed = offsets[tp].offset if tp in offsets else None
            # Readers of committed records are at the end of the log where its first open transaction begins.
            starts[tp] = choose_start(tp, committed, metadata.get(tp), state)._replace(end=ends[tp])
        if consumer.assignment() == set(assigned):  # otherwise another rebalance has come, and seeks for itself
            for tp, start in starts.items():
                consumer.seek(TopicPartition(*tp), start.position)
        return starts

    async def _fetch_log_states(self, epochs: Mapping[TP, int | None]) -> dict[TP, LogState]:
        return await log_identity.fetch_log_states(aiokafka_patches.client_of(self._ensure_consumer()), epochs)

    async def _fetch_topic_ids(self, topics: Collection[str]) -> dict[str, str]:
        client = aiokafka_patches.client_of(self._ensure_consumer())
        described = await log_identity.describe_topics(client, topics, wait_s=0)
        return {topic: description.topic_id for topic, description in described.items()}

    async def _fetch(self, positions: Mapping[TP, int], seconds: float) -> Mapping[TP, FetchedRecords]:
        fetcher = aiokafka_patches.RecordFetcher(
            self._ensure_consumer(), batch_bytes=self.batch_bytes, topic_ids=self._topic_ids
        )
        return await fetcher.fetch(positions, seconds, self._wake)


class KafkaBatchConsumer(TrackingConsumer, driver.Consumer):
    """Faust's Kafka consumer, delivering batches."""

    _thread: ConsumerThread

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Do nothing: Faust looks for its own acknowledgements, and reports a worker with a backlog as stuck.

        `stream.observability.progress_watch` watches the offsets instead.
        """

    @property
    def thread_loop(self) -> asyncio.AbstractEventLoop:
        """The loop of the consumer's thread. If the consumer is never started, its owner must close this loop."""
        return self._thread.thread_loop

    async def highwaters(self, *partitions: TP) -> Mapping[TP, int]:
        """Ask the broker for the end offsets.

        Raises:
            TransportError: The broker does not answer.
        """
        try:
            return await super().highwaters(*partitions)
        except KafkaError as error:
            raise TransportError(f"the broker did not return the end offsets: {error!r}") from error

    def _new_consumer_thread(self) -> ConsumerThread:
        thread = ConsumerThread(self, loop=self.loop, beacon=self.beacon)
        thread.batch_bytes = cast("Transport", self.transport).batch_bytes
        return thread

    async def subscribe(self, topics: Iterable[str]) -> None:
        """Subscribe to topics, which must exist.

        Raises:
            UnknownTopicError: Some do not exist.
        """
        if missing := await self._thread.find_missing(topics):
            raise UnknownTopicError(*missing)
        await super().subscribe(topics)

    async def fetch(self, positions: Mapping[TP, int], seconds: float) -> Mapping[TP, FetchedRecords]:
        """See `TrackingConsumer.fetch`.

        Raises:
            LogWentBack: An offset is beyond the end of its log.
        """
        try:
            return await self._thread.fetch(positions, seconds)
        except OffsetOutOfRangeError as error:
            await self.check_logs(TP(*tp) for tp in error.args[0])
            await asyncio.sleep(_OUT_OF_RANGE_PAUSE_S)  # a replica that is behind: try again
            return {}

    async def fetch_log_states(self, epochs: Mapping[TP, int | None]) -> Mapping[TP, LogState]:
        """See `TrackingConsumer.fetch_log_states`."""
        return await self._thread.fetch_log_states(epochs)

    async def fetch_topic_ids(self, topics: Collection[str]) -> Mapping[str, str]:
        """See `TrackingConsumer.fetch_topic_ids`."""
        return await self._thread.fetch_topic_ids(topics)

    def wake(self) -> None:
        """See `TrackingConsumer.wake`."""
        self._thread.wake()

    async def find_starts(self) -> Mapping[TP, PartitionStart]:
        """See `TrackingConsumer.find_starts`."""
        starts = await self._thread.find_starts()
        self._end_offsets = {tp: start.end for tp, start in starts.items()}
        return starts

    async def commit_offsets(self, offsets: Mapping[TP, int], metadata: Mapping[TP, str]) -> bool:
        """See `TrackingConsumer.commit_offsets`."""
        return await self._thread.commit_with_metadata(offsets, metadata)

    async def committed_metadata(self, tp: TP) -> CommitMetadata | None:
        """See `TrackingConsumer.committed_metadata`."""
        try:
            return await self._thread.committed_metadata(tp)
        except KafkaError as error:
            raise TransportError(f"the broker did not return the committed offset: {error!r}") from error

    def last_seen_end(self, tp: TP) -> int | None:
        """The end offset that came with the last fetch; it gets old while the partition's batches are in flight."""
        return self._thread.last_seen_end(tp)


class Transport(driver.Transport):
    """Faust transport for ``kafka+batch://``."""

    batch_bytes: int = BATCH_BYTES

    Consumer: ClassVar[type[ConsumerT]] = KafkaBatchConsumer
    Producer: ClassVar[type[ProducerT]] = KafkaBatchProducer

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[AIOKafkaClient]:
        """A client without consumer and producer."""
        conf = self.app.conf
        client = AIOKafkaClient(
            bootstrap_servers=driver.server_list(self.url, self.default_port),
            client_id=conf.broker_client_id,
            request_timeout_ms=int(want_seconds(conf.broker_request_timeout) * 1000),
            **driver.credentials_to_aiokafka_auth(conf.broker_credentials, conf.ssl_context),
        )
        try:
            await client.bootstrap()
            yield client
        except KafkaError as error:
            raise TransportError(f"the broker does not answer: {error!r}") from error
        finally:
            await client.close()

    @asynccontextmanager
    async def _reader(
        self, tp: TP, isolation_level: str = aiokafka_patches.READ_COMMITTED
    ) -> AsyncIterator[AIOKafkaConsumer]:
        """A consumer outside any group that reads one partition."""
        conf = self.app.conf
        reader = AIOKafkaConsumer(
            bootstrap_servers=driver.server_list(self.url, self.default_port),
            client_id=conf.broker_client_id,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level=isolation_level,
            max_partition_fetch_bytes=conf.consumer_max_fetch_size,
            request_timeout_ms=int(want_seconds(conf.broker_request_timeout) * 1000),
            check_crcs=conf.broker_check_crcs,
            **driver.credentials_to_aiokafka_auth(conf.broker_credentials, conf.ssl_context),
        )
        try:
            await reader.start()
            cluster = await aiokafka_patches.fetch_all_metadata(reader)
            if tp.partition not in (cluster.partitions_for_topic(tp.topic) or ()):
                raise UnknownTopicError(f"{tp.topic}-{tp.partition}")
            reader.assign([TopicPartition(*tp)])
            yield reader
        finally:
            try:
                await reader.stop()
            finally:
                await close_consumer(reader)

    async def bounds(self, tp: TP) -> tuple[int, int]:
        """Return the log's start and end offset, also where a transaction is open.

        Raises:
            UnknownTopicError: The partition does not exist.
        """
        # For those who read committed records, a log ends where its first open transaction begins.
        async with self._reader(tp, aiokafka_patches.READ_UNCOMMITTED) as reader:
            return await _find_bounds(reader, TopicPartition(*tp))

    async def log_states(self, epochs: Mapping[TP, int | None]) -> dict[TP, LogState]:
        """See `BatchTransport.log_states`."""
        async with self._client() as client:
            return await log_identity.fetch_log_states(client, epochs)

    async def read_one(self, tp: TP, offset: int) -> Record | None:
        """See `BatchTransport.read_one`."""
        return (await self.read_records(tp, [offset])).get(offset)

    async def read_records(self, tp: TP, offsets: Sequence[int]) -> dict[int, Record]:
        """See `BatchTransport.read_records`."""
        partition = TopicPartition(*tp)
        records: dict[int, Record] = {}
        async with self._reader(tp) as reader:
            first, end = await _find_bounds(reader, partition)
            for offset in offsets:
                if not first <= offset < end:
                    continue
                reader.seek(partition, offset)
                # The position also moves over gaps, after which no record would show that this one is missing.
                while await reader.position(partition) <= offset:
                    fetched = await reader.getmany(partition, timeout_ms=1000, max_records=1)
                    records.update({record.offset: record for record in fetched.get(partition, ())})
        return {offset: records[offset] for offset in offsets if offset in records}

    async def replay(self, tp: TP, start: int) -> AsyncGenerator[Sequence[Record], None]:
        """See `BatchTransport.replay`. Waits for the end of transactions, behind whose records others may be stored."""
        partition = TopicPartition(*tp)
        first, end = await self.bounds(tp)
        async with self._reader(tp) as reader:
            _, stable_end = await _find_bounds(reader, partition)
            if stable_end < end:
                fields = {"topic": tp.topic, "partition": tp.partition, "offset": stable_end, "end_offset": end}
                log.warning("waiting for the end of a transaction", extra=fields)
            reader.seek(partition, max(first, start))
            # The position also moves over transaction markers and gaps, after which no record would show the end.
            while await reader.position(partition) < end:
                fetched = await reader.getmany(partition, timeout_ms=1000)
                records = [record for record in fetched.get(partition, ()) if record.offset < end]
                if records:
                    yield records


async def _find_bounds(reader: AIOKafkaConsumer, tp: TopicPartition) -> tuple[int, int]:
    try:
        first = await reader.beginning_offsets([tp])
        last = await reader.end_offsets([tp])
    except UnknownTopicOrPartitionError as error:
        raise UnknownTopicError(f"{tp.topic}-{tp.partition}") from error
    return first[tp], last[tp]
