"""Both transports behind one interface, and Faust apps on them."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Protocol

import faust
from aiokafka import AIOKafkaConsumer, TopicPartition  # type: ignore[import-untyped]  # it ships no types
from aiokafka.admin import AIOKafkaAdminClient, NewTopic  # type: ignore[import-untyped]
from aiokafka.client import AIOKafkaClient  # type: ignore[import-untyped]

from stream.core.contracts.records import OutputRecord, Record
from stream.kafka.log_identity import describe_topics
from stream.transport.kafka.transport import KafkaBatchConsumer
from stream.transport.memory.transport import MemoryBroker
from stream.transport.record_batch import RawBytesSchema

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from pathlib import Path

    from faust.types import TP

#: Seconds after which a wait has failed. Generous: a wait only takes that long when something is broken.
DEADLINE = 60.0


async def until(condition: Callable[[], object], what: str) -> None:
    """Wait until ``condition()`` is true."""
    async with asyncio.timeout(DEADLINE):
        while not condition():  # noqa: ASYNC110  # others change it
            await asyncio.sleep(0.01)
    assert condition(), what


class Backend(Protocol):
    """A broker under test."""

    url: str
    prefix: str

    async def create(self, topic: str, partitions: int, config: Mapping[str, str] | None = None) -> None:
        """Create a topic."""

    async def delete(self, topic: str) -> None:
        """Delete a topic; return when it does not exist any more."""

    async def recreate(self, topic: str, partitions: int) -> None:
        """Delete a topic, and create it again."""

    async def topic_id(self, topic: str) -> str:
        """The id of a topic."""

    async def commit(self, group: str, tp: TP, offset: int) -> None:
        """Commit an offset for a group without members, as an operator does."""

    async def committed(self, group: str, tp: TP) -> int | None:
        """What a group has committed."""

    async def contents(self, tp: TP) -> list[Record]:
        """The records of a partition, read without the code under test if possible."""


class MemoryBackend:
    """The broker in memory."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.url = f"memory://{prefix}"
        self.broker = MemoryBroker.get_or_create(prefix)

    async def create(self, topic: str, partitions: int, config: Mapping[str, str] | None = None) -> None:
        """Create a topic."""
        self.broker.create_topic(topic, partitions, config)

    async def delete(self, topic: str) -> None:
        """Delete a topic."""
        self.broker.delete_topic(topic)

    async def recreate(self, topic: str, partitions: int) -> None:
        """Delete a topic, and create it again."""
        assert self.broker.topics()[topic] == partitions
        self.broker.recreate_topic(topic)

    async def topic_id(self, topic: str) -> str:
        """The id of a topic."""
        return self.broker.topic_ids()[topic]

    async def commit(self, group: str, tp: TP, offset: int) -> None:
        """Commit an offset."""
        self.broker.commit(group, {tp: offset})

    async def committed(self, group: str, tp: TP) -> int | None:
        """What a group has committed."""
        return self.broker.committed(group, tp)

    async def contents(self, tp: TP) -> list[Record]:
        """The records of a partition."""
        return list(self.broker.records(tp.topic, tp.partition))


class KafkaBackend:
    """A real Apache Kafka."""

    def __init__(self, prefix: str, address: str) -> None:
        self.prefix = prefix
        self.address = address
        self.url = f"kafka+batch://{address}"

    @contextlib.asynccontextmanager
    async def _admin(self) -> AsyncIterator[Any]:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.address)
        await admin.start()
        try:
            yield admin
        finally:
            await admin.close()

    async def create(self, topic: str, partitions: int, config: Mapping[str, str] | None = None) -> None:
        """Create a topic."""
        async with self._admin() as admin:
            await admin.create_topics([NewTopic(topic, partitions, 1, topic_configs=dict(config or {}))])
            while topic not in await admin.list_topics():  # noqa: ASYNC110  # the broker does it
                await asyncio.sleep(0.02)

    async def delete(self, topic: str) -> None:
        """Delete a topic; return when it does not exist any more."""
        async with self._admin() as admin:
            await admin.delete_topics([topic])
            while topic in await admin.list_topics():  # noqa: ASYNC110  # the broker does it
                await asyncio.sleep(0.02)

    async def recreate(self, topic: str, partitions: int) -> None:
        """Delete a topic, and create it again."""
        await self.delete(topic)
        await self.create(topic, partitions)

    async def topic_id(self, topic: str) -> str:
        """The id of a topic."""
        return (await fetch_topic_ids(self.address, [topic]))[topic]

    async def commit(self, group: str, tp: TP, offset: int) -> None:
        """Commit an offset."""
        member = AIOKafkaConsumer(bootstrap_servers=self.address, group_id=group, enable_auto_commit=False)
        await member.start()
        try:
            member.assign([TopicPartition(*tp)])
            await member.commit({TopicPartition(*tp): offset})
        finally:
            await member.stop()

    async def committed(self, group: str, tp: TP) -> int | None:
        """What a group has committed."""
        async with self._admin() as admin:
            offsets = await admin.list_consumer_group_offsets(group, partitions=[TopicPartition(*tp)])
        offset = offsets[TopicPartition(*tp)].offset
        return None if offset < 0 else offset

    async def contents(self, tp: TP) -> list[Record]:
        """The records of a partition."""
        reader = AIOKafkaConsumer(bootstrap_servers=self.address, auto_offset_reset="earliest")
        await reader.start()
        try:
            partition = TopicPartition(*tp)
            reader.assign([partition])
            await reader.seek_to_beginning(partition)
            end = (await reader.end_offsets([partition]))[partition]
            stored: list[Record] = []
            while await reader.position(partition) < end:
                for records in (await reader.getmany(timeout_ms=200)).values():
                    stored.extend(records)
            return stored
        finally:
            await reader.stop()


async def fetch_topic_ids(address: str, topics: Sequence[str]) -> dict[str, str]:
    """Ask a real Kafka for the ids of topics."""
    client = AIOKafkaClient(bootstrap_servers=address)
    await client.bootstrap()
    try:
        return {name: topic.topic_id for name, topic in (await describe_topics(client, topics)).items()}
    finally:
        await client.close()


def topic_ids(address: str, topics: Sequence[str]) -> dict[str, str]:
    """See `fetch_topic_ids`; outside any event loop."""
    return asyncio.run(fetch_topic_ids(address, topics))


class Apps:
    """Makes Faust apps, and stops them at the end of the test."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: list[faust.App] = []

    def make(self, backend: Backend, topic: str | None = None, handler: Any = None, **settings: Any) -> faust.App:
        """Return an app whose agent hands every batch of ``topic`` to ``handler(app, batch)``."""
        app = faust.App(
            f"{backend.prefix}-group",
            **{
                "broker": backend.url,
                "datadir": str(self._folder),
                "web_enabled": False,
                "topic_allow_declare": False,
                "topic_disable_leader": True,
                "broker_session_timeout": 6.0,
                "broker_heartbeat_interval": 0.5,
                "broker_rebalance_timeout": 12.0,
                "broker_commit_interval": 0.1,
                "broker_request_timeout": 30.0,
                "producer_request_timeout": 30.0,
                **settings,
            },
        )
        if topic is not None:

            @app.agent(app.topic(topic, schema=RawBytesSchema()))
            async def work(stream: Any) -> None:
                async for batch in stream:
                    await handler(app, batch)

        return app

    async def start(self, app: faust.App) -> faust.App:
        """Start an app."""
        await app.start()
        self._running.append(app)
        return app

    async def stop(self, app: faust.App) -> None:
        """Stop an app."""
        self._running.remove(app)
        await app.stop()
        if app.producer_only and isinstance(app.consumer, KafkaBatchConsumer):
            # Faust makes the consumer's loop even if it never starts the consumer.
            app.consumer.thread_loop.close()

    async def stop_all(self) -> None:
        """Stop all apps that still run."""
        for app in list(self._running):
            await self.stop(app)


def numbered_records(topic: str, numbers: range, partition: int | None = None) -> list[OutputRecord]:
    """Records whose key and value are their number."""
    return [OutputRecord(topic, b"%d" % n, b"%d" % n, (("n", b"%d" % n),), partition) for n in numbers]
