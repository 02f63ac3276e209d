"""Brokers for the tests of the flow, which need more than those of the transports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition  # type: ignore[import-untyped]

from stream.core.contracts.records import OutputRecord
from tests.support.transports import Backend, KafkaBackend, MemoryBackend


class FlowBackend(Backend, Protocol):
    """A broker under test."""

    async def produce(self, outputs: Sequence[OutputRecord]) -> None:
        """Store records by other means than the code under test."""

    async def partitions(self, topic: str) -> int:
        """How many partitions a topic has."""

    async def end(self, topic: str) -> int:
        """How many records were ever stored in a topic."""

    async def close(self) -> None:
        """Close what was opened."""


class FlowMemory(MemoryBackend):
    """The broker in memory."""

    async def produce(self, outputs: Sequence[OutputRecord]) -> None:
        """See `FlowBackend`."""
        self.broker.produce_all(outputs)

    async def partitions(self, topic: str) -> int:
        """See `FlowBackend`."""
        return self.broker.partitions_for(topic)

    async def end(self, topic: str) -> int:
        """See `FlowBackend`."""
        return len(self.broker.records(topic))

    async def close(self) -> None:
        """See `FlowBackend`."""
        self.broker.drop(self.prefix)


class FlowKafka(KafkaBackend):
    """A real Apache Kafka, with one producer and one reader for the whole test."""

    def __init__(self, prefix: str, address: str) -> None:
        super().__init__(prefix, address)
        self._producer: AIOKafkaProducer | None = None
        self._reader: AIOKafkaConsumer | None = None

    async def produce(self, outputs: Sequence[OutputRecord]) -> None:
        """See `FlowBackend`."""
        if self._producer is None:
            self._producer = AIOKafkaProducer(bootstrap_servers=self.address, max_request_size=32 * 1024 * 1024)
            await self._producer.start()
        # In the order of the calls, without waiting for each confirmation.
        sent = [
            await self._producer.send(
                out.topic, out.value, key=out.key, partition=out.partition, headers=list(out.headers)
            )
            for out in outputs
        ]
        for future in sent:
            await future

    async def partitions(self, topic: str) -> int:
        """See `FlowBackend`."""
        return len(await self._partitions(await self._open_reader(), topic))

    async def end(self, topic: str) -> int:
        """See `FlowBackend`."""
        reader = await self._open_reader()
        ends = await reader.end_offsets(await self._partitions(reader, topic))
        return sum(ends.values())

    async def close(self) -> None:
        """See `FlowBackend`."""
        for client in (self._producer, self._reader):
            if client is not None:
                await client.stop()

    async def _open_reader(self) -> AIOKafkaConsumer:
        if self._reader is None:
            self._reader = AIOKafkaConsumer(bootstrap_servers=self.address)
            await self._reader.start()
        return self._reader

    @staticmethod
    async def _partitions(reader: AIOKafkaConsumer, topic: str) -> list[TopicPartition]:
        cluster = await reader._client.fetch_all_metadata()  # noqa: SLF001 - asks, and creates nothing
        return [TopicPartition(topic, partition) for partition in sorted(cluster.partitions_for_topic(topic) or ())]
