"""Offsets and times of a group, read from outside the group; the same for Kafka and the memory broker."""

from __future__ import annotations

import asyncio
import gc
import math
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition  # type: ignore[import-untyped]
from aiokafka.errors import GroupLoadInProgressError, KafkaError  # type: ignore[import-untyped]
from faust.types import TP

from stream.core.contracts.records import OutputRecord
from stream.kafka.group_offsets import GroupOffsets, KafkaGroupOffsets, committed_offsets
from stream.observability.consumer_lag import ConsumerLag
from stream.observability.metrics import Metrics
from stream.runtime.app import ArticleFlow
from stream.settings import Settings
from stream.transport.memory.broker import MemoryBroker
from stream.transport.memory.group_offsets import MemoryGroupOffsets
from stream.transport.record_batch import RecordBatch
from tests.support.articles import BRIDGE, article
from tests.support.flow import Running, Site, until
from tests.support.flow_brokers import FlowKafka
from tests.support.transports import KafkaBackend

START_MS = 1_767_225_600_000
DAY_MS = 24 * 3600 * 1000


@dataclass
class Case:
    """A broker under test, with functions to send and commit that do not use `GroupOffsets`."""

    offsets: GroupOffsets
    topic: str
    send: Callable[[int, Sequence[int]], Awaitable[None]]
    commit: Callable[[int, int], Awaitable[None]]

    def tp(self, partition: int) -> TP:
        """A partition of the topic."""
        return TP(self.topic, partition)


async def in_memory() -> AsyncIterator[Case]:
    """Yield the memory broker."""
    broker = MemoryBroker()
    broker.create_topic("read", 3)
    broker.create_topic("unread", 1)

    async def send(partition: int, times: Sequence[int]) -> None:
        for moment in times:
            broker.produce(OutputRecord("read", None, b"{}", (), partition), moment)

    async def commit(partition: int, offset: int) -> None:
        broker.commit("group", {TP("read", partition): offset})

    yield Case(MemoryGroupOffsets(broker, "group"), "read", send, commit)


async def on_kafka(address: str, prefix: str) -> AsyncIterator[Case]:
    """Yield a real Kafka broker."""
    topic, group = f"{prefix}read", f"{prefix}group"
    await KafkaBackend(prefix, address).create(topic, 3, {"retention.ms": str(9 * DAY_MS)})

    async def send(partition: int, times: Sequence[int]) -> None:
        async with AIOKafkaProducer(bootstrap_servers=address) as producer:
            for moment in times:
                await producer.send_and_wait(topic, b"{}", partition=partition, timestamp_ms=moment)

    async def commit(partition: int, offset: int) -> None:
        tp = TopicPartition(topic, partition)
        async with AIOKafkaConsumer(bootstrap_servers=address, group_id=group, enable_auto_commit=False) as member:
            member.assign([tp])
            await member.commit({tp: offset})

    offsets = KafkaGroupOffsets(Settings(broker=address, group=group))
    yield Case(offsets, topic, send, commit)
    await offsets.close()


@pytest.fixture(params=["memory", pytest.param("kafka", marks=pytest.mark.kafka)])
async def case(request: pytest.FixtureRequest, topic_prefix: str) -> AsyncIterator[Case]:
    """Yield a case for each broker."""
    is_memory = request.param == "memory"
    cases = in_memory() if is_memory else on_kafka(request.getfixturevalue("kafka_broker"), topic_prefix)
    async for made in cases:
        yield made


async def test_partitions_bounds_committed_offsets_and_times(case: Case) -> None:
    one, two, empty = case.tp(0), case.tp(1), case.tp(2)
    await case.send(0, [START_MS, START_MS + 1000, START_MS + 2000])
    await case.send(1, [START_MS + 5000])
    await case.commit(0, 1)
    assert await case.offsets.partitions([case.topic, "absent"]) == [one, two, empty]
    assert await case.offsets.bounds([one, two, empty]) == {one: (0, 3), two: (0, 1), empty: (0, 0)}
    assert await case.offsets.committed([one, two, empty]) == {one: 1}
    for _ in range(2):  # reading has no side effects
        assert await case.offsets.times({one: 1, two: 0}) == {one: START_MS + 1000, two: START_MS + 5000}
    await case.send(2, [START_MS + 9000])
    assert (await case.offsets.bounds([empty]))[empty] == (0, 1)
    assert await case.offsets.times({empty: 0}) == {empty: START_MS + 9000}


async def test_it_reconnects_after_close(case: Case) -> None:
    await case.send(0, [START_MS])
    for _ in range(2):
        assert (await case.offsets.bounds(await case.offsets.partitions([case.topic])))[case.tp(0)] == (0, 1)
        await case.offsets.close()


@pytest.mark.kafka
async def test_retention_of_topics(kafka_broker: str, topic_prefix: str) -> None:
    offsets = KafkaGroupOffsets(Settings(broker=kafka_broker, group="group"))
    configs = {
        "days": ({"retention.ms": str(9 * DAY_MS)}, 9 * 24 * 3600),
        "ever": ({"retention.ms": "-1"}, math.inf),
        "compacted": ({"cleanup.policy": "compact", "retention.ms": "1000"}, math.inf),
    }
    for name, (config, seconds) in configs.items():
        await KafkaBackend(topic_prefix, kafka_broker).create(f"{topic_prefix}{name}", 1, config)
        assert await offsets.retention_s(f"{topic_prefix}{name}") == seconds
    with pytest.raises(KafkaError):
        await offsets.retention_s(f"{topic_prefix}absent")
    await offsets.close()


async def test_without_a_broker_updates_fail_and_leave_no_connection_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    offsets = KafkaGroupOffsets(Settings(broker=f"127.0.0.1:{port}"))
    lag = ConsumerLag(offsets, ["articles.raw"], metrics=Metrics())
    with pytest.raises(KafkaError):
        await lag.update()
    await offsets.close()
    await lag.try_update()
    await offsets.close()


async def test_a_silent_broker_does_not_block_updates(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        offsets = KafkaGroupOffsets(Settings(broker=f"127.0.0.1:{server.getsockname()[1]}"))
        await ConsumerLag(offsets, ["articles.raw"], metrics=Metrics(), timeout_s=0.2).try_update()
    assert "cannot fetch consumer lag" in caplog.text


# The whole flow: what one worker has not finished, another one reports.


class HeldNormalize:
    """Holds the batches of the normalize step until ``release`` is set."""

    def __init__(self, flow: ArticleFlow) -> None:
        self.release = asyncio.Event()
        self.batches = 0
        self._handle = flow._normalize  # noqa: SLF001 - a step of the flow
        flow._normalize = self._wait  # type: ignore[method-assign]  # noqa: SLF001

    async def _wait(self, batch: RecordBatch) -> None:
        self.batches += 1
        await self.release.wait()
        await self._handle(batch)


def reported_lag(running: Running, topic: str) -> tuple[float, float]:
    """The lag of partition 0 of a topic, in records and in seconds."""
    value, labels = running.flow.metrics.registry.get_sample_value, {"topic": topic, "partition": "0"}
    records, seconds = (value(f"stream_consumer_lag_{unit}", labels) for unit in ("records", "seconds"))
    assert records is not None
    assert seconds is not None
    return records, seconds


@pytest.mark.kafka
async def test_an_idle_worker_reports_the_lag_of_another_worker(
    kafka_broker: str, topic_prefix: str, tmp_path: Path
) -> None:
    backend = FlowKafka(topic_prefix.rstrip("-"), kafka_broker)
    site = Site(backend, tmp_path, raw_partitions=1)
    await site.create_topics()
    held: list[HeldNormalize] = []
    try:
        workers = [
            await site.start(["normalize"], prepare=lambda flow: held.append(HeldNormalize(flow))) for _ in range(2)
        ]
        await until(lambda: all(worker.flow.ready().is_good for worker in workers), "partitions")
        began = time.time()
        await site.send(article(1, BRIDGE), article(2, BRIDGE), article(3, BRIDGE))
        await until(lambda: any(step.batches for step in held), "a batch")
        # One of the two has the only partition; both report it.
        for worker in workers:
            await worker.flow.consumer_lag.update()
            records, seconds = reported_lag(worker, site.topics.raw)
            assert records == 3
            assert 0 < seconds <= time.time() - began + 1
        for step in held:
            step.release.set()
        await until(lambda: caught_up(site, workers), "no lag")
        assert [reported_lag(worker, site.topics.raw) for worker in workers] == [(0, 0)] * 2
    finally:
        await site.stop_all()
        await backend.close()


async def caught_up(site: Site, workers: Sequence[Running]) -> bool:
    """Whether every worker reports no lag."""
    for worker in workers:
        await worker.flow.consumer_lag.update()
    return all(reported_lag(worker, site.topics.raw)[0] == 0 for worker in workers)


def test_a_response_without_the_requested_partitions_is_an_error() -> None:
    partitions = [TP("in", 0), TP("in", 1)]
    assert committed_offsets({partitions[0]: 5, partitions[1]: -1}, partitions) == {partitions[0]: 5}
    with pytest.raises(GroupLoadInProgressError):
        committed_offsets({}, partitions)


@pytest.mark.kafka
async def test_a_start_that_is_cancelled_leaves_no_connection_open(kafka_broker: str) -> None:
    loop, settings = asyncio.get_running_loop(), Settings(broker=kafka_broker)

    async def ask(offsets: KafkaGroupOffsets) -> None:
        await offsets.partitions(["unknown"])
        await offsets.bounds([])

    async def cancel_after(seconds: float) -> None:
        offsets = KafkaGroupOffsets(settings)
        asking = asyncio.create_task(ask(offsets))
        await asyncio.wait([asking], timeout=seconds)
        asking.cancel()
        await asyncio.wait([asking])
        await offsets.close()

    began = loop.time()
    await cancel_after(60)
    took = loop.time() - began
    for part in range(40):
        await cancel_after(took * part / 40)
    gc.collect()  # connections that were left open warn
