"""Does on a Kafka cluster what `plan_recovery` says."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition  # type: ignore[import-untyped]  # no types
from aiokafka.errors import CommitFailedError, KafkaError, UnknownMemberIdError  # type: ignore[import-untyped]
from aiokafka.structs import OffsetAndMetadata  # type: ignore[import-untyped]

from stream import system_clock
from stream.core.contracts import cloudevents, codec
from stream.core.contracts.events import ChangelogMark, RecoveryEvent
from stream.errors import BrokerError
from stream.kafka.aiokafka_closing import close_consumer
from stream.kafka.security import load_access
from stream.recovery.collect import REQUEST_TIMEOUT_MS
from stream.recovery.plan import Recovery
from stream.settings import Settings

#: The key of a recovery in the changelog: it is for all scopes of the partition.
RECOVERY_KEY = b"*"


async def apply_recoveries(settings: Settings, recoveries: Sequence[Recovery], changelog_id: str) -> None:
    """Write the records to the changelog, then commit the offsets; may be repeated after a fault.

    Args:
        settings: The settings of the workers, all of which must have stopped.
        recoveries: What to do.
        changelog_id: Id of the changelog topic.

    Raises:
        BrokerError: The broker refuses, or a worker runs.
    """
    try:
        async with _clients(settings) as (producer, consumer):
            for recovery in recoveries:
                metadata = recovery.metadata
                if recovery.event is not None:
                    offset = await _write(producer, settings, recovery.partition, recovery.event)
                    mark = ChangelogMark(topic_id=changelog_id, offset=offset, event_id=recovery.event.event_id)
                    metadata = msgspec.structs.replace(metadata, changelog=mark)
                tp = TopicPartition(recovery.topic, recovery.partition)
                consumer.assign([tp])
                await consumer.commit({tp: OffsetAndMetadata(recovery.offset, metadata.encode())})
    except (CommitFailedError, UnknownMemberIdError) as error:
        raise running_workers(settings.group) from error
    except KafkaError as error:
        raise BrokerError(f"{settings.broker}: {error}; what was not done yet is done when you run it again") from error


def running_workers(group: str) -> BrokerError:
    """The error for a group that still has members."""
    return BrokerError(
        f"group {group} has running workers; stop all of them, then try again. A worker that was killed counts until"
        " its session ends (STREAM_SESSION_TIMEOUT_S)"
    )


async def _write(producer: Any, settings: Settings, partition: int, event: RecoveryEvent) -> int:
    topic, now = settings.topics.fingerprints, system_clock.now()
    headers = cloudevents.headers(f"/{topic}", event.event_id, cloudevents.RECOVERY, now)
    stored = await producer.send_and_wait(
        topic, codec.encode(event), key=RECOVERY_KEY, partition=partition, headers=list(headers)
    )
    return int(stored.offset)


@contextlib.asynccontextmanager
async def _clients(settings: Settings) -> AsyncIterator[tuple[Any, Any]]:
    arguments = {
        "bootstrap_servers": settings.servers,
        "request_timeout_ms": REQUEST_TIMEOUT_MS,
        **load_access(settings).for_aiokafka(),
    }
    producer = AIOKafkaProducer(acks="all", enable_idempotence=True, **arguments)
    consumer = AIOKafkaConsumer(group_id=settings.group, enable_auto_commit=False, **arguments)
    try:
        await producer.start()
        await consumer.start()
        yield producer, consumer
    finally:
        await producer.stop()
        try:
            await consumer.stop()
        finally:
            await close_consumer(consumer)
