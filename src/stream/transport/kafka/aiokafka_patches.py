"""The private parts of aiokafka that this project uses or replaces.

All uses of private members of aiokafka in the transport are here; each names or quotes what it replaces. A test fails
when another version than `AIOKAFKA_VERSION` is installed: then compare the quoted code with the new version.
"""

# ruff: noqa: SLF001 - private members are what this module is about
from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final, cast
from weakref import WeakKeyDictionary

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition  # type: ignore[import-untyped]  # no types
from aiokafka.consumer.fetcher import FetchResult  # type: ignore[import-untyped]
from aiokafka.errors import (  # type: ignore[import-untyped]
    ConsumerStoppedError,
    GroupCoordinatorNotAvailableError,
    KafkaError,
    NotCoordinatorForGroupError,
    OffsetOutOfRangeError,
    for_code,
)
from aiokafka.producer.sender import SendProduceReqHandler  # type: ignore[import-untyped]
from aiokafka.protocol.commit import OffsetFetchRequest  # type: ignore[import-untyped]
from aiokafka.protocol.produce import ProduceRequest  # type: ignore[import-untyped]
from faust.types import TP

from stream.core.contracts.records import LogId
from stream.transport.batch_consumer import log_deleted_records
from stream.transport.errors import RevokedError, UnknownTopicError
from stream.transport.offset_tracker import FetchedRecords
from stream.transport.record_batch import chunked

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aiokafka.producer.message_accumulator import BatchBuilder  # type: ignore[import-untyped]

    from stream.core.contracts.records import Record
    from stream.transport.kafka.partition_records import BoundedPartitionRecords
    from stream.transport.record_batch import FenceCheck

#: The version of aiokafka that this module was written for.
AIOKAFKA_VERSION: Final = "0.14.0"

#: Transactions: what was aborted is never read, and what may be aborted yet not before it is decided (KIP-98).
READ_COMMITTED: Final = "read_committed"
READ_UNCOMMITTED: Final = "read_uncommitted"

#: Records per batch if the setting ``broker_max_poll_records`` is not given.
_RECORDS_MAX: Final = 500

#: Seconds for which the answer of a fence check is good: far less than the half session that the lease leaves.
_ANSWER_VALID_S: Final = 0.2


# Clients.


def client_of(consumer: AIOKafkaConsumer) -> Any:
    """Return the `AIOKafkaClient` of a consumer that has started."""
    return consumer._client


async def fetch_all_metadata(consumer: AIOKafkaConsumer) -> Any:
    """Return the metadata of all topics.

    The public ways ask for topics by name, which creates them if the broker is set to do so.
    """
    return await consumer._client.fetch_all_metadata()


async def count_partitions(client: Any, topic: str) -> int:
    """Return how many partitions a topic has, without creating it. ``client``: an `AIOKafkaClient`.

    Raises:
        UnknownTopicError: The topic does not exist.
    """
    partitions = client.cluster.partitions_for_topic(topic)
    if partitions is None:
        cluster = await client.fetch_all_metadata()
        if not cluster.partitions_for_topic(topic):
            raise UnknownTopicError(topic)
        partitions = await client._wait_on_metadata(topic)  # `AIOKafkaProducer.partitions_for`, which asks by name
    return len(partitions)


# The consumer.


def set_fetch_options(consumer: AIOKafkaConsumer, *, max_wait_ms: int) -> None:
    """Set what Faust's driver does not pass on, before the consumer starts.

    Args:
        consumer: It reads no records of transactions that were aborted, or are still open.
        max_wait_ms: How long a fetch may wait at the broker.
    """
    consumer._fetch_max_wait_ms = max_wait_ms
    consumer._isolation_level = READ_COMMITTED


def last_seen_end(consumer: AIOKafkaConsumer | None, tp: TP) -> int | None:
    """Return the end offset that came with the last fetch, where the first open transaction begins; None if unknown.

    ``AIOKafkaConsumer.last_stable_offset`` raises for a partition that is not assigned (any more).
    """
    if consumer is None or not consumer._subscription.is_assigned(tp):
        return None
    return cast("int | None", consumer.last_stable_offset(TopicPartition(*tp)))


async def fetch_committed(consumer: AIOKafkaConsumer, partitions: list[TopicPartition]) -> Mapping[TP, Any]:
    """Return the group's offsets with their metadata; partitions without a commit are left out.

    ``AIOKafkaConsumer.committed`` returns the offset of one partition, without its metadata.
    """
    return cast("Mapping[TP, Any]", await consumer._coordinator.fetch_committed_offsets(partitions))


def raise_on_offset_fetch_error(consumer: AIOKafkaConsumer) -> None:
    """Make the consumer's coordinator raise the error of a whole response to a request for the group's offsets.

    ``GroupCoordinator._do_fetch_commit_offsets`` looks at the errors of single partitions alone::

        response = await self._send_req(request)
        offsets = {}
        for topic, topic_partitions in response.topics:
            for partition, offset, metadata, error_code in topic_partitions:

    A broker that is still loading the group answers with one error and no partitions; taken for a group that has never
    committed, everything would be read again.
    """
    coordinator = consumer._coordinator
    send = coordinator._send_req

    async def send_and_check(request: Any) -> Any:
        response = await send(request)
        code: int = getattr(response, "error_code", 0)
        if isinstance(request, OffsetFetchRequest) and code:
            error = for_code(code)
            if error in (NotCoordinatorForGroupError, GroupCoordinatorNotAvailableError):
                coordinator.coordinator_dead()
            raise error(coordinator.group_id)
        return response

    coordinator._send_req = send_and_check


class RecordFetcher:
    """Reads batches that are bounded by bytes and have one leader epoch, from positions that the caller names.

    Replaces ``AIOKafkaConsumer.getmany``, which bounds the records alone, and moves the positions by itself.

    Args:
        consumer: A consumer that has started.
        batch_bytes: A batch ends with the record that reaches this many bytes.
        topic_ids: The id of each topic.
    """

    def __init__(self, consumer: AIOKafkaConsumer, *, batch_bytes: int, topic_ids: Mapping[str, str]) -> None:
        self._consumer = consumer
        self._fetcher = consumer._fetcher
        self._subscriptions = consumer._fetcher._subscriptions
        self._records_max: int = consumer._max_poll_records or _RECORDS_MAX
        self._batch_bytes = batch_bytes
        self._topic_ids = topic_ids

    async def fetch(
        self, positions: Mapping[TP, int], seconds: float, wake: asyncio.Event
    ) -> Mapping[TP, FetchedRecords]:
        """Return the records from ``positions`` on; wait at most ``seconds`` for them, or until ``wake`` is set.

        Raises:
            ConsumerStoppedError: The consumer is closed.
            OffsetOutOfRangeError: An offset is beyond the end of the log.
            KafkaError: The broker's answer, such as a missing permission.
        """
        if self._consumer._closed or self._fetcher._closed:
            raise ConsumerStoppedError
        with self._subscriptions.fetch_context():
            fetched = await self._take_fetched(positions)
            if not fetched:
                await self._wait_for_records(seconds, wake, listen=bool(positions))
                fetched = await self._take_fetched(positions)
            return fetched

    async def _take_fetched(self, positions: Mapping[TP, int]) -> Mapping[TP, FetchedRecords]:
        """Take what has been fetched in the background, without waiting."""
        if self._subscriptions.reassignment_in_progress:
            return {}
        mine = {tp: offset for tp, offset in positions.items() if self._subscriptions.is_assigned(tp)}
        # Without partitions to choose from, aiokafka would return the records of all.
        if not mine:
            return {}
        state_of = self._subscriptions.subscription.assignment.state_value
        for tp, offset in mine.items():
            state = state_of(tp)
            if not state.has_valid_position or state.position != offset:
                await self._rewind(tp, offset)
        batches = {tp: batch for tp in mine if (batch := self._take_batch(TopicPartition(*tp)))}
        if not batches:  # raises the broker's errors, and drops what is no longer ours
            try:
                await self._fetcher.fetched_records(mine, timeout=0, max_records=self._consumer._max_poll_records)
            except OffsetOutOfRangeError as error:
                await self._skip_deleted(error)
        # A partition may move on without records: over transaction markers, or what was compacted away.
        return {
            tp: batches.get(tp) or FetchedRecords((), state_of(tp).position)
            for tp, offset in mine.items()
            if state_of(tp).has_valid_position and state_of(tp).position != offset
        }

    def _take_batch(self, tp: TopicPartition) -> FetchedRecords | None:
        """A batch of the records that were fetched of one partition, all of one leader epoch; None if there are none.

        Replaces ``FetchResult.getall``, which bounds the records alone::

            for msg in self._partition_records:
                ret_list.append(msg)
                if max_records is not None and len(ret_list) >= max_records:
                    self._update_position()
                    break
            else:
                self._update_position()
                self._partition_records = None

        The records after the batch stay as they came: not split into records, and compressed if they were.
        """
        result = self._fetcher._records.get(tp)
        if not isinstance(result, FetchResult) or not result.check_assignment(tp) or not result.has_more():
            return None
        fetched: BoundedPartitionRecords = result._partition_records
        try:
            records = self._take_records(fetched)
        except KafkaError:  # a damaged batch: the records before it have to be fetched again, not skipped
            del self._fetcher._records[tp]
            raise
        result._update_position()
        batch = FetchedRecords(records, fetched.next_fetch_offset, self._log_of(tp.topic, fetched.leader_epoch))
        if fetched.is_at_end and not fetched.begin_next_epoch():
            result._partition_records = None
            del self._fetcher._records[tp]
            self._fetcher._notify(self._fetcher._wait_consume_future)
        return batch if records else None

    def _take_records(self, fetched: BoundedPartitionRecords) -> Sequence[Record]:
        """The next records of one leader epoch; none where all that is left are transaction markers, or gaps."""
        while True:
            records = next(chunked(fetched, records_max=self._records_max, bytes_max=self._batch_bytes), [])
            if records or not fetched.begin_next_epoch():
                return records

    def _log_of(self, topic: str, leader_epoch: int) -> LogId:
        return LogId(self._topic_ids.get(topic, ""), leader_epoch)

    async def _rewind(self, tp: TP, offset: int) -> bool:
        """Go back to records that were fetched but not tracked; return whether they are no longer in the log."""
        start = cast("int", (await self._consumer.beginning_offsets([TopicPartition(*tp)]))[tp])
        if start > offset:
            log_deleted_records(tp, offset, start)
        if self._subscriptions.is_assigned(tp):
            self._consumer.seek(TopicPartition(*tp), max(start, offset))
        return start > offset

    async def _skip_deleted(self, error: OffsetOutOfRangeError) -> None:
        """Go on behind records that retention has deleted.

        Raises:
            OffsetOutOfRangeError: It is not retention: the offset is beyond the end of the log.
        """
        (offsets,) = error.args
        for tp, offset in offsets.items():
            if self._subscriptions.is_assigned(tp) and not await self._rewind(TP(*tp), offset):
                raise error

    async def _wait_for_records(self, seconds: float, wake: asyncio.Event, *, listen: bool) -> None:
        waiters: set[asyncio.Future[Any]] = {asyncio.ensure_future(wake.wait())}
        arrival: asyncio.Future[Any] | None = None
        if listen:
            arrival = self._fetcher._create_fetch_waiter()
            waiters.add(arrival)
        _, pending = await asyncio.wait(waiters, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for waiter in pending:
            waiter.cancel()
        wake.clear()
        if arrival is not None and arrival.done() and not arrival.cancelled():
            arrival.result()  # raises the broker's errors, such as a missing permission


# The producer.


class _AnswerExpiredError(Exception):
    """Between the fence check and the socket there was a pause; nothing was sent."""


class _ExpiringProduceRequest(ProduceRequest):  # type: ignore[misc] # it ships no types
    """A produce request that is encoded, the last step before the socket, only while the answers are good."""

    def __init__(self, request: Any, answered_at: float) -> None:
        self.__dict__ |= request.__dict__
        self._answered_at = answered_at

    def prepare(self, versions: Any) -> Any:
        """Return the request for a broker of ``versions``."""
        prepared = super().prepare(versions)
        encode = prepared.encode

        def encode_in_time() -> bytes:
            data: bytes = encode()
            if time.monotonic() - self._answered_at > _ANSWER_VALID_S:
                raise _AnswerExpiredError
            return data

        prepared.encode = encode_in_time
        return prepared


class _ExpiringRequestHandler(SendProduceReqHandler):  # type: ignore[misc] # it ships no types
    def __init__(self, sender: Any, batches: Mapping[TP, Any], answered_at: float) -> None:
        super().__init__(sender, batches)
        self._answered_at = answered_at

    def create_request(self) -> Any:
        return _ExpiringProduceRequest(super().create_request(), self._answered_at)


class FencedProducer(AIOKafkaProducer):  # type: ignore[misc] # it ships no types
    """Checks, right before a record batch goes to the socket, whether it may still be sent.

    A process that sleeps between queueing a batch and sending it would otherwise publish what another worker, which
    owns its partitions by then, has published long before.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        #: The check of each batch that is queued; batches that are not in it may always be sent.
        self.fence_checks: WeakKeyDictionary[BatchBuilder, FenceCheck] = WeakKeyDictionary()
        # aiokafka makes its sender itself, and nothing else is between the queue and the socket.
        self._sender._send_produce_req = self._send_checked

    async def _send_checked(self, node_id: int, batches: Mapping[TP, Any]) -> None:
        """Send one request to a node.

        Replaces ``Sender._send_produce_req``::

            handler = SendProduceReqHandler(self, batches)
            await handler.do(node_id)
            self._in_flight.remove(node_id)
            for tp in batches:
                self._muted_partitions.remove(tp)
        """
        waiting = dict(batches)
        while waiting:
            answered_at = time.monotonic()
            for tp in [tp for tp, batch in waiting.items() if not await self._may_send(batch)]:
                waiting.pop(tp).failure(exception=RevokedError(f"{tp.topic}-{tp.partition}: not sent"))
            if not waiting or await self._try_send(node_id, waiting, answered_at):
                break
        self._sender._in_flight.remove(node_id)
        for tp in batches:
            self._sender._muted_partitions.remove(tp)

    async def _try_send(self, node_id: int, batches: Mapping[TP, Any], answered_at: float) -> bool:
        """Send the batches, whatever the outcome; False if the answers were too old, and nothing was sent."""
        try:
            await _ExpiringRequestHandler(self._sender, batches, answered_at).do(node_id)
        except _AnswerExpiredError:
            return False
        return True

    async def _may_send(self, batch: Any) -> bool:
        check = self.fence_checks.get(batch._builder)
        return check is None or await check()
