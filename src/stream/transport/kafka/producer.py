"""The Kafka producer: whole record batches, confirmed by all in-sync replicas, or an error."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final, cast

from aiokafka.errors import InvalidTimestampError, KafkaError, MessageSizeTooLargeError  # type: ignore[import-untyped]  # it ships no types
from aiokafka.record.default_records import DefaultRecordBatchBuilder  # type: ignore[import-untyped]
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from stream import system_clock
from stream.core.contracts.records import OutputRecord, RecordMetadata
from stream.kafka.broker_clock import JumpGuard
from stream.transport.errors import (
    DeliveryError,
    RecordTooLargeError,
    RevokedError,
    TransportError,
    UnknownTopicError,
)
from stream.transport.kafka.aiokafka_patches import FencedProducer, count_partitions
from stream.transport.partitioner import partition_for

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping, Sequence

    from aiokafka.producer.message_accumulator import BatchBuilder  # type: ignore[import-untyped]

    from stream.transport.record_batch import FenceCheck

log = logging.getLogger(__name__)

#: Bytes of a record batch before compression. aiokafka has one batch per partition on the way at a time, so
#: small ones would make the round trip the limit; brokers take up to 1 MB unless configured otherwise.
_BATCH_BYTES: Final = 512 * 1024

#: Seconds that stopping waits for a broker that does not answer: an idempotent producer retries for ever.
_STOP_TIMEOUT_S: Final = 5.0


class KafkaBatchProducer(driver.Producer):
    """Faust's Kafka producer, with `produce_all`. Always idempotent, always ``acks=all``."""

    _renewing: asyncio.Lock
    _is_broken = False
    #: Nothing is sent after the clock has jumped.
    jump_guard: JumpGuard

    def __post_init__(self) -> None:
        """Called before the loop runs."""
        super().__post_init__()
        self._renewing = asyncio.Lock()
        self.jump_guard = JumpGuard()
        #: Calls so far by topic; the records without a key of one call go to one partition.
        self._calls: dict[str, int] = {}

    @property
    def _producer_type(self) -> type[FencedProducer]:
        return FencedProducer

    def _settings_extra(self) -> Mapping[str, Any]:
        return {
            "acks": "all",
            "enable_idempotence": True,
            "max_batch_size": min(max(self.max_batch_size, _BATCH_BYTES), self.max_request_size),
        }

    async def produce_all(
        self, outputs: Sequence[OutputRecord], *, fence_check: FenceCheck | None = None
    ) -> list[RecordMetadata]:
        """See `BatchProducer.produce_all`. Gives up after the setting ``producer_request_timeout``."""
        if jump_ms := self.jump_guard.jump_ms():
            raise DeliveryError(
                f"the clock of this machine was set {'forward' if jump_ms > 0 else 'back'} by "
                f"{abs(jump_ms) / 3_600_000:,.1f} h since the worker was started, so nothing was sent: brokers may "
                "delete records with a wrong time at once; check the clock, and start the worker again"
            )
        if self._is_broken:
            await self._renew()
        by_partition = await self._choose_partitions(outputs)
        now_ms = system_clock.now_ms()
        sending = [self._send(tp, members, outputs, now_ms, fence_check) for tp, members in by_partition.items()]
        try:
            async with asyncio.timeout(self.request_timeout):
                results = await asyncio.gather(*sending, return_exceptions=True)
        except TimeoutError as error:
            self._is_broken = True
            raise DeliveryError(f"not confirmed within {self.request_timeout:g} s") from error
        delivered: dict[int, RecordMetadata] = {}
        for result in results:
            if isinstance(result, BaseException):
                raise self._translate(result)
            delivered.update(result)
        return [delivered[index] for index in range(len(outputs))]

    async def partitions_for(self, topic: str) -> int:
        """How many partitions the topic has.

        Raises:
            UnknownTopicError: It does not exist.
        """
        return await count_partitions(self._ensure_producer().client, topic)

    async def _choose_partitions(self, outputs: Sequence[OutputRecord]) -> dict[TP, list[int]]:
        """Check everything before anything is sent; return the indexes of the outputs by partition."""
        partitions = {topic: await self.partitions_for(topic) for topic in {out.topic for out in outputs}}
        # Records without a key go to one partition per call: one large batch rather than many small ones.
        for topic in partitions:
            self._calls[topic] = self._calls.get(topic, -1) + 1
        by_partition: dict[TP, list[int]] = {}
        for index, out in enumerate(outputs):
            size = DefaultRecordBatchBuilder.estimate_size_in_bytes(out.key, out.value, list(out.headers))
            if size > self.max_request_size:
                raise RecordTooLargeError(out.topic, size, self.max_request_size, index)
            partition = self._choose_partition(out, partitions[out.topic])
            by_partition.setdefault(TP(out.topic, partition), []).append(index)
        return by_partition

    def _choose_partition(self, out: OutputRecord, partitions: int) -> int:
        if out.partition is not None:
            if not 0 <= out.partition < partitions:
                raise UnknownTopicError(f"{out.topic}-{out.partition}")
            return out.partition
        if out.key is not None:
            return partition_for(out.key, partitions)
        return self._calls[out.topic] % partitions

    async def _send(
        self,
        tp: TP,
        members: Sequence[int],
        outputs: Sequence[OutputRecord],
        now_ms: int,
        fence_check: FenceCheck | None,
    ) -> dict[int, RecordMetadata]:
        """Send the outputs of one partition; they are stored in order."""
        producer = cast("FencedProducer", self._ensure_producer())
        sent: list[tuple[list[int], Awaitable[Any]]] = []
        in_batch: list[int] = []
        builder: BatchBuilder = producer.create_batch()

        async def submit() -> None:
            if fence_check:
                producer.fence_checks[builder] = fence_check
            # A closed builder is sent at once, and no other sender can add to it.
            builder.close()
            sent.append((in_batch, await producer.send_batch(builder, tp.topic, partition=tp.partition)))

        for index in members:
            out = outputs[index]
            headers = list(out.headers)
            if builder.append(timestamp=now_ms, key=out.key, value=out.value, headers=headers) is None:
                await submit()
                # An empty builder takes one record of any size.
                builder, in_batch = producer.create_batch(), []
                builder.append(timestamp=now_ms, key=out.key, value=out.value, headers=headers)
            in_batch.append(index)
        await submit()
        return await _await_all(tp, sent)

    def _translate(self, error: BaseException) -> BaseException:
        """Our error for aiokafka's. The producer is replaced, because its sequence numbers no longer fit."""
        failure: TransportError
        if isinstance(error, MessageSizeTooLargeError):
            failure = RecordTooLargeError(str(error), None, None)
            failure.__cause__ = error
        elif isinstance(error, InvalidTimestampError):
            failure = DeliveryError(
                "the broker refuses the present time of this machine as a timestamp, because it is outside the topic's "
                "retention or too far ahead; correct the clocks of this machine and of the brokers"
            )
            failure.__cause__ = error
        elif isinstance(error, KafkaError):
            failure = DeliveryError(f"{type(error).__name__}: {error}")
            failure.__cause__ = error
        elif isinstance(error, RevokedError):
            failure = error
        else:
            return error
        self._is_broken = True
        return failure

    async def _renew(self) -> None:
        async with self._renewing:
            if not self._is_broken:
                return
            old, new = self._ensure_producer(), self._new_producer()
            await new.start()
            self._producer, self._is_broken = new, False
            await _wait_briefly(old.stop())

    async def flush(self) -> None:
        """Flush what Faust itself has buffered; `produce_all` waits for its own records."""
        await self.buffer.flush()
        if self._producer is not None and not self._is_broken:
            await _wait_briefly(self._producer.flush())

    async def on_stop(self) -> None:
        """Stop, without waiting for ever for a broker that does not answer."""
        await _wait_briefly(super().on_stop())


async def _await_all(tp: TP, sent: Sequence[tuple[list[int], Awaitable[Any]]]) -> dict[int, RecordMetadata]:
    """Wait for all batches, also after a failure: nothing is on its way any more when the error is raised."""
    answers = await asyncio.gather(*(future for _, future in sent), return_exceptions=True)
    delivered: dict[int, RecordMetadata] = {}
    for (members, _), answer in zip(sent, answers, strict=True):
        if isinstance(answer, MessageSizeTooLargeError):
            raise MessageSizeTooLargeError(tp.topic) from answer
        if isinstance(answer, BaseException):
            raise answer
        base = answer.offset
        for i, index in enumerate(members):
            delivered[index] = RecordMetadata(tp.topic, tp.partition, -1 if base < 0 else base + i)
    return delivered


async def _wait_briefly(work: Awaitable[Any]) -> None:
    try:
        await asyncio.wait_for(work, _STOP_TIMEOUT_S)
    except TimeoutError:
        log.warning("stopping the producer: no answer from the broker", extra={"seconds": _STOP_TIMEOUT_S})
