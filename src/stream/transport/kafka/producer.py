"""The Kafka producer: whole record batches, confirmed by all in-sync replicas, or an error."""

# ruff: noqa: SLF001 - aiokafka has no public way to what waits in its queue
from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any, cast
from weakref import WeakKeyDictionary

from aiokafka import AIOKafkaProducer  # type: ignore[import-untyped]  # it ships no types
from aiokafka.errors import (  # type: ignore[import-untyped]  # it ships no types
    KafkaError,
    MessageSizeTooLargeError,
)
from aiokafka.producer.sender import SendProduceReqHandler  # type: ignore[import-untyped]
from aiokafka.protocol.produce import ProduceRequest  # type: ignore[import-untyped]
from aiokafka.record.default_records import DefaultRecordBatchBuilder  # type: ignore[import-untyped]
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from stream.core.contracts.records import OutputRecord, RecordMetadata
from stream.transport.errors import (
    DeliveryError,
    RecordTooLargeError,
    RevokedError,
    TransportError,
    UnknownTopicError,
)
from stream.transport.partitioner import partition_for

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping, Sequence

    from aiokafka.producer.message_accumulator import BatchBuilder  # type: ignore[import-untyped]

    from stream.transport.record_batch import Confirm

logger = logging.getLogger(__name__)

#: Bytes of a record batch before compression. aiokafka has one batch per partition on the way at a time, so
#: small ones would make the round trip the limit; brokers take up to 1 MB unless told otherwise.
_BATCH_BYTES = 512 * 1024

#: Seconds that stopping waits for a broker that does not answer: an idempotent producer retries for ever.
_STOP_SECONDS = 5.0


#: Seconds for which an answer to "may it still go?" is good: far less than the half session that the lease leaves.
_ANSWER_SECONDS = 0.2


class _AnswerTooOldError(Exception):
    """Between the answer and the socket there was a pause; nothing was sent."""


class _FreshRequest(ProduceRequest):  # type: ignore[misc] # it ships no types
    """A produce request that is encoded, the last thing before the socket, only while the answer is good."""

    def __init__(self, request: Any, answered_at: float) -> None:
        self.__dict__ |= request.__dict__
        self._answered_at = answered_at

    def prepare(self, versions: Any) -> Any:
        """The request for a broker of ``versions``."""
        prepared = super().prepare(versions)
        encode = prepared.encode

        def encode_fresh() -> bytes:
            data: bytes = encode()
            if time.monotonic() - self._answered_at > _ANSWER_SECONDS:
                raise _AnswerTooOldError
            return data

        prepared.encode = encode_fresh
        return prepared


class _FreshHandler(SendProduceReqHandler):  # type: ignore[misc] # it ships no types
    def __init__(self, sender: Any, batches: Mapping[TP, Any], answered_at: float) -> None:
        super().__init__(sender, batches)
        self._answered_at = answered_at

    def create_request(self) -> Any:
        return _FreshRequest(super().create_request(), self._answered_at)


class LeasedProducer(AIOKafkaProducer):  # type: ignore[misc] # it ships no types
    """Asks, right before a record batch goes to the socket, whether it still may: it can have waited for long.

    A process that sleeps between handing a batch over and sending it would else publish what another worker, which
    has its partitions by then, has published long before.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        #: What is asked for each batch on its way; batches that are not in it may go.
        self.confirms: WeakKeyDictionary[BatchBuilder, Confirm] = WeakKeyDictionary()
        # aiokafka makes its sender itself, and no other place is behind its queue.
        self._sender._send_produce_req = self._send_confirmed

    async def _send_confirmed(self, node_id: int, batches: Mapping[TP, Any]) -> None:
        """In the place of the sender's own: one request to a node, and the sender's books on it."""
        waiting = dict(batches)
        while waiting:
            answered_at = time.monotonic()
            for tp in [tp for tp, batch in waiting.items() if not await self._may_go(batch)]:
                waiting.pop(tp).failure(exception=RevokedError(f"{tp.topic}-{tp.partition}: not sent"))
            if not waiting or await self._is_sent(node_id, waiting, answered_at):
                break
        self._sender._in_flight.remove(node_id)
        for tp in batches:
            self._sender._muted_partitions.remove(tp)

    async def _is_sent(self, node_id: int, batches: Mapping[TP, Any], answered_at: float) -> bool:
        """Send them, whatever becomes of it then; False if the answer was too old."""
        try:
            await _FreshHandler(self._sender, batches, answered_at).do(node_id)
        except _AnswerTooOldError:
            return False
        return True

    async def _may_go(self, batch: Any) -> bool:
        confirm = self.confirms.get(batch._builder)
        return confirm is None or await confirm()


class Producer(driver.Producer):
    """Faust's Kafka producer, with `produce_all`. Always idempotent, always ``acks=all``."""

    _renewing: asyncio.Lock
    _broken = False

    def __post_init__(self) -> None:
        """Prepare, before the loop runs."""
        super().__post_init__()
        self._renewing = asyncio.Lock()
        self._turns: dict[str, int] = {}

    @property
    def _producer_type(self) -> type[LeasedProducer]:
        return LeasedProducer

    def _settings_extra(self) -> Mapping[str, Any]:
        return {
            "acks": "all",
            "enable_idempotence": True,
            "max_batch_size": min(max(self.max_batch_size, _BATCH_BYTES), self.max_request_size),
        }

    async def produce_all(
        self, outputs: Sequence[OutputRecord], *, confirm: Confirm | None = None
    ) -> list[RecordMetadata]:
        """See `BatchProducer.produce_all`. Gives up after the setting ``producer_request_timeout``."""
        if self._broken:
            await self._renew()
        by_partition = await self._place(outputs)
        now = int(time.time() * 1000)
        sending = [self._send(tp, members, outputs, now, confirm) for tp, members in by_partition.items()]
        try:
            async with asyncio.timeout(self.request_timeout):
                results = await asyncio.gather(*sending, return_exceptions=True)
        except TimeoutError as error:
            self._broken = True
            raise DeliveryError(f"not confirmed within {self.request_timeout:g} s") from error
        delivered: dict[int, RecordMetadata] = {}
        for result in results:
            if isinstance(result, BaseException):
                raise self._failure(result)
            delivered.update(result)
        return [delivered[index] for index in range(len(outputs))]

    async def partitions_for(self, topic: str) -> int:
        """How many partitions the topic has.

        Raises:
            UnknownTopicError: It does not exist.
        """
        client = self._ensure_producer().client
        partitions = client.cluster.partitions_for_topic(topic)
        if partitions is None:
            # Asking for a topic by name would create it where the broker is set so; asking for all does not.
            cluster = await client.fetch_all_metadata()
            if not cluster.partitions_for_topic(topic):
                raise UnknownTopicError(topic)
            partitions = await client._wait_on_metadata(topic)  # the public way asks by name first
        return len(partitions)

    async def _place(self, outputs: Sequence[OutputRecord]) -> dict[TP, list[int]]:
        """Check everything before anything is sent, and choose the partitions."""
        partitions = {topic: await self.partitions_for(topic) for topic in {out.topic for out in outputs}}
        # Records without a key go to one partition per call: whole batches rather than crumbs.
        for topic in partitions:
            self._turns[topic] = self._turns.get(topic, -1) + 1
        by_partition: dict[TP, list[int]] = {}
        for index, out in enumerate(outputs):
            size = DefaultRecordBatchBuilder.estimate_size_in_bytes(out.key, out.value, list(out.headers))
            if size > self.max_request_size:
                raise RecordTooLargeError(out.topic, size, self.max_request_size, index)
            partition = self._choose(out, partitions[out.topic])
            by_partition.setdefault(TP(out.topic, partition), []).append(index)
        return by_partition

    def _choose(self, out: OutputRecord, partitions: int) -> int:
        if out.partition is not None:
            if not 0 <= out.partition < partitions:
                raise UnknownTopicError(f"{out.topic}-{out.partition}")
            return out.partition
        if out.key is not None:
            return partition_for(out.key, partitions)
        return self._turns[out.topic] % partitions

    async def _send(
        self, tp: TP, members: Sequence[int], outputs: Sequence[OutputRecord], now: int, confirm: Confirm | None
    ) -> dict[int, RecordMetadata]:
        """Send the outputs of one partition; they are stored in order."""
        producer = cast("LeasedProducer", self._ensure_producer())
        sent: list[tuple[list[int], Awaitable[Any]]] = []
        inside: list[int] = []
        builder: BatchBuilder = producer.create_batch()

        async def submit() -> None:
            if confirm:
                producer.confirms[builder] = confirm
            # A closed builder is sent at once, and no other sender can add to it.
            builder.close()
            sent.append((inside, await producer.send_batch(builder, tp.topic, partition=tp.partition)))

        for index in members:
            out = outputs[index]
            headers = list(out.headers)
            if builder.append(timestamp=now, key=out.key, value=out.value, headers=headers) is None:
                await submit()
                # An empty builder takes one record of any size.
                builder, inside = producer.create_batch(), []
                builder.append(timestamp=now, key=out.key, value=out.value, headers=headers)
            inside.append(index)
        await submit()
        return await _confirmed(tp, sent)

    def _failure(self, error: BaseException) -> BaseException:
        """Our error for aiokafka's; the producer is renewed, as its sequence numbers no longer fit."""
        if isinstance(error, MessageSizeTooLargeError):
            self._broken = True
            failure: TransportError = RecordTooLargeError(str(error), None, None)
        elif isinstance(error, KafkaError):
            self._broken = True
            failure = DeliveryError(f"{type(error).__name__}: {error}")
        elif isinstance(error, RevokedError):
            self._broken = True
            return error
        else:
            return error
        failure.__cause__ = error
        return failure

    async def _renew(self) -> None:
        async with self._renewing:
            if not self._broken:
                return
            old, fresh = self._ensure_producer(), self._new_producer()
            await fresh.start()
            self._producer, self._broken = fresh, False
            await _bounded(old.stop())

    async def flush(self) -> None:
        """Flush what Faust itself has buffered; `produce_all` waits for its own records."""
        await self.buffer.flush()
        if self._producer is not None and not self._broken:
            await _bounded(self._producer.flush())

    async def on_stop(self) -> None:
        """Stop, without waiting for ever for a broker that does not answer."""
        await _bounded(super().on_stop())


async def _confirmed(tp: TP, sent: Sequence[tuple[list[int], Awaitable[Any]]]) -> dict[int, RecordMetadata]:
    """Wait for all, also after a failure: nothing is on its way any more when the error is raised."""
    answers = await asyncio.gather(*(future for _, future in sent), return_exceptions=True)
    delivered: dict[int, RecordMetadata] = {}
    for (members, _), answer in zip(sent, answers, strict=True):
        if isinstance(answer, MessageSizeTooLargeError):
            raise MessageSizeTooLargeError(tp.topic) from answer
        if isinstance(answer, BaseException):
            raise answer
        base = answer.offset
        for place, index in enumerate(members):
            delivered[index] = RecordMetadata(tp.topic, tp.partition, -1 if base < 0 else base + place)
    return delivered


async def _bounded(work: Awaitable[Any]) -> None:
    try:
        await asyncio.wait_for(work, _STOP_SECONDS)
    except TimeoutError:
        logger.warning("broker did not answer the stopping producer", extra={"seconds": _STOP_SECONDS})
