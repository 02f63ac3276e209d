"""What only a real Apache Kafka can show."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition  # type: ignore[import-untyped]
from aiokafka.consumer.group_coordinator import GroupCoordinator  # type: ignore[import-untyped]
from aiokafka.producer.sender import SendProduceReqHandler  # type: ignore[import-untyped]
from aiokafka.protocol.commit import OffsetFetchRequest, OffsetFetchResponse_v3  # type: ignore[import-untyped]
from faust.types import TP

from stream import system_clock
from stream.core.contracts.records import OutputRecord
from stream.core.timestamps import HOUR_MS
from stream.kafka.broker_clock import JumpGuard
from stream.transport.errors import DeliveryError, RevokedError
from stream.transport.record_batch import consumer_of, producer_of, transport_of
from tests.support.transports import DEADLINE, KafkaBackend, numbered_records, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    import faust

    from stream.transport.record_batch import RecordBatch
    from tests.support.transports import Apps, MemoryBackend

pytestmark = pytest.mark.kafka

ROOT = Path(__file__).parents[3]


@pytest.fixture
def kafka(kafka_broker: str, topic_prefix: str) -> KafkaBackend:
    """Return the shared Kafka, with names of our own."""
    return KafkaBackend(topic_prefix.rstrip("-"), kafka_broker)


async def sender(apps: Apps, backend: KafkaBackend | MemoryBackend) -> faust.App:
    """Start an app that only produces."""
    app = apps.make(backend)
    app.producer_only = True
    return await apps.start(app)


async def write_transactions(kafka: KafkaBackend, topic: str) -> None:
    """Write ten records in a transaction; its marker is the last entry of the partition."""
    writer = AIOKafkaProducer(bootstrap_servers=kafka.address, transactional_id=f"{topic}-writer")
    await writer.start()
    try:
        async with writer.transaction():
            for n in range(10):
                await writer.send(topic, b"%d" % n, partition=0)
        await until_end(kafka, TopicPartition(topic, 0), 11)
    finally:
        await writer.stop()


async def until_end(kafka: KafkaBackend, partition: TopicPartition, end: int) -> None:
    """Wait until the log ends at ``end``: Kafka confirms a transaction before its marker is in the log."""
    reader = AIOKafkaConsumer(bootstrap_servers=kafka.address)
    await reader.start()
    try:
        async with asyncio.timeout(DEADLINE):
            while (await reader.end_offsets([partition]))[partition] < end:  # noqa: ASYNC110 - the log sets no event
                await asyncio.sleep(0.01)
    finally:
        await reader.stop()


async def test_a_replay_ends_after_a_transaction_marker(apps: Apps, kafka: KafkaBackend) -> None:
    topic = f"{kafka.prefix}-in"
    await kafka.create(topic, 1)
    await write_transactions(kafka, topic)
    app = await sender(apps, kafka)
    assert await transport_of(app).bounds(TP(topic, 0)) == (0, 11)
    replayed = [record.offset async for chunk in transport_of(app).replay(TP(topic, 0), 0) for record in chunk]
    assert replayed == list(range(10))
    assert [chunk async for chunk in transport_of(app).replay(TP(topic, 0), 10)] == []


async def test_records_of_aborted_transactions_are_not_read(apps: Apps, kafka: KafkaBackend) -> None:
    topic = f"{kafka.prefix}-in"
    await kafka.create(topic, 1)
    writer = AIOKafkaProducer(bootstrap_servers=kafka.address, transactional_id=f"{topic}-writer")
    await writer.start()
    seen: list[bytes | None] = []

    async def handler(_app: faust.App, batch: RecordBatch) -> None:
        seen.extend(record.value for record in batch)
        batch.done()

    try:
        await writer.begin_transaction()
        await writer.send_and_wait(topic, b"aborted", partition=0)
        await writer.abort_transaction()
        async with writer.transaction():
            await writer.send(topic, b"committed", partition=0)
        await writer.begin_transaction()
        await writer.send_and_wait(topic, b"open", partition=0)
        app = await apps.start(apps.make(kafka, topic, handler))
        await until(lambda: seen == [b"committed"], "the committed record")
        # An open transaction is no lag: the worker is not stuck.
        await until(
            lambda: all(entry.finished == entry.end for entry in consumer_of(app).progress().values()), "no lag"
        )
        await writer.commit_transaction()
        await until(lambda: seen == [b"committed", b"open"], "the record that was committed last")
    finally:
        await writer.stop()


async def test_a_replay_waits_for_the_end_of_a_transaction(apps: Apps, kafka: KafkaBackend) -> None:
    """Or an index would be restored without what its worker wrote behind the first record of the transaction."""
    topic = f"{kafka.prefix}-in"
    await kafka.create(topic, 1)
    app = await sender(apps, kafka)
    writer = AIOKafkaProducer(bootstrap_servers=kafka.address, transactional_id=f"{topic}-writer")
    await writer.start()
    try:
        await producer_of(app).produce_all([OutputRecord(topic, None, b"before")])
        await writer.begin_transaction()
        await writer.send_and_wait(topic, b"aborted", partition=0)
        await producer_of(app).produce_all([OutputRecord(topic, None, b"behind")])
        replay = transport_of(app).replay(TP(topic, 0), 0)
        assert [record.value for record in await anext(replay)] == [b"before"]
        await writer.abort_transaction()
        assert [record.value async for chunk in replay for record in chunk] == [b"behind"]
    finally:
        await writer.stop()


async def test_commits_go_over_transaction_markers(apps: Apps, kafka: KafkaBackend) -> None:
    topic = f"{kafka.prefix}-in"
    await kafka.create(topic, 1)
    await write_transactions(kafka, topic)
    seen: list[int] = []

    async def handler(_app: faust.App, batch: RecordBatch) -> None:
        seen.extend(record.offset for record in batch)
        batch.done()

    app = await apps.start(apps.make(kafka, topic, handler))
    await until(lambda: [entry.finished for entry in consumer_of(app).progress().values()] == [11], "the end")
    assert seen == list(range(10))
    await apps.stop(app)
    assert await kafka.committed(f"{kafka.prefix}-group", TP(topic, 0)) == 11


#: What a broker answers that has not loaded a group yet: COORDINATOR_LOAD_IN_PROGRESS, NOT_COORDINATOR.
@pytest.mark.parametrize("code", [14, 16])
async def test_a_group_that_is_being_loaded_is_not_taken_for_a_new_one(
    apps: Apps, kafka: KafkaBackend, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    topic = f"{kafka.prefix}-in"
    await kafka.create(topic, 1)
    writer = await sender(apps, kafka)
    seen: list[int] = []

    async def handle(_app: faust.App, batch: RecordBatch) -> None:
        seen.extend(record.offset for record in batch)
        batch.done()

    async def read(start: int, stop: int) -> None:
        await producer_of(writer).produce_all(numbered_records(topic, range(start, stop)))
        app = await apps.start(apps.make(kafka, topic, handle))
        await until(lambda: seen[-1:] == [stop - 1], "the last record")
        await apps.stop(app)

    await read(0, 5)
    send = GroupCoordinator._send_req  # noqa: SLF001 - a broker cannot be made to load a group for long
    answers = [OffsetFetchResponse_v3(0, [], code)] * 8

    async def send_first_failing(self: Any, request: Any) -> Any:
        return answers.pop() if answers and isinstance(request, OffsetFetchRequest) else await send(self, request)

    monkeypatch.setattr(GroupCoordinator, "_send_req", send_first_failing)
    await read(5, 9)
    assert not answers, "asked more often than the broker took to load"
    assert seen == list(range(9))


async def test_a_pause_between_the_fence_check_and_the_socket_sends_nothing(
    apps: Apps, kafka: KafkaBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = f"{kafka.prefix}-in"
    await kafka.create(topic, 1)
    app = await sender(apps, kafka)
    create, is_owner = SendProduceReqHandler.create_request, [True]

    def create_after_a_pause(self: Any) -> Any:
        time.sleep(0.5)  # as a process that is stopped
        is_owner[0] = False
        return create(self)

    async def owns_partition() -> bool:
        return is_owner[0]

    with monkeypatch.context() as patch:
        patch.setattr(SendProduceReqHandler, "create_request", create_after_a_pause)
        with pytest.raises(RevokedError):
            await producer_of(app).produce_all(numbered_records(topic, range(3)), fence_check=owns_partition)
    assert await kafka.contents(TP(topic, 0)) == []
    # The producer still works afterwards.
    await producer_of(app).produce_all(numbered_records(topic, range(2)))
    assert len(await kafka.contents(TP(topic, 0))) == 2


async def test_keys_have_the_same_partition_on_both_transports(
    apps: Apps, kafka: KafkaBackend, memory: MemoryBackend
) -> None:
    topic = f"{kafka.prefix}-in"
    keys = [b"", b"\x00", b"ar", b"tenant/ar", "قناة".encode(), *(b"%d" % n for n in range(200))]
    partitions = []
    for backend in (kafka, memory):
        await backend.create(topic, 7)
        app = await sender(apps, backend)
        stored = await producer_of(app).produce_all([OutputRecord(topic, key, b"v") for key in keys])
        partitions.append([metadata.partition for metadata in stored])
    assert partitions[0] == partitions[1]
    assert set(partitions[0]) == set(range(7))

    # The same by a client that is not ours.
    other = AIOKafkaProducer(bootstrap_servers=kafka.address)
    await other.start()
    try:
        theirs = [(await other.send_and_wait(topic, b"v", key=key)).partition for key in keys]
    finally:
        await other.stop()
    assert theirs == partitions[0]


async def test_records_of_every_size_are_stored(apps: Apps, kafka: KafkaBackend) -> None:
    topic = f"{kafka.prefix}-in"
    await kafka.create(topic, 1)
    app = await sender(apps, kafka)
    sizes = [10, 900_000, 10, 600_000, 300_000, 300_000, 10]
    stored = await producer_of(app).produce_all([OutputRecord(topic, b"k", b"v" * size) for size in sizes])
    assert [metadata.offset for metadata in stored] == list(range(len(sizes)))
    assert [len(record.value or b"") for record in await kafka.contents(TP(topic, 0))] == sizes


@pytest.fixture
def worker(kafka: KafkaBackend, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start a worker in a process of its own, which copies from the topic -in to the topic -out."""
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "tests.support.copy_worker", kafka.url, kafka.prefix, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, env=environment) as process:  # our own script
        yield process
        process.kill()


async def copied(kafka: KafkaBackend) -> list[int]:
    """The numbers in the output, in the order of the log."""
    return [int(record.value or b"") for record in await kafka.contents(TP(f"{kafka.prefix}-out", 0))]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
async def test_nothing_is_lost_when_the_process_ends(
    apps: Apps, kafka: KafkaBackend, request: pytest.FixtureRequest, how: signal.Signals
) -> None:
    await kafka.create(f"{kafka.prefix}-in", 1)
    await kafka.create(f"{kafka.prefix}-out", 1)
    app = await sender(apps, kafka)
    worker: subprocess.Popen[bytes] = request.getfixturevalue("worker")
    await producer_of(app).produce_all(numbered_records(f"{kafka.prefix}-in", range(2000)))
    async with asyncio.timeout(60):
        while not await copied(kafka):  # noqa: ASYNC110  # another process writes it
            await asyncio.sleep(0.05)
    worker.send_signal(how)
    code = await asyncio.to_thread(worker.wait, 60)
    assert code == (0 if how is signal.SIGTERM else -how)

    output = await copied(kafka)
    committed = await kafka.committed(f"{kafka.prefix}-group", TP(f"{kafka.prefix}-in", 0)) or 0
    # Whatever is committed is in the output, without a gap.
    assert set(range(committed)) <= set(output)
    if how is signal.SIGTERM:
        assert committed == len(output)


async def test_a_cancelled_reader_leaves_no_connection_open(apps: Apps, kafka: KafkaBackend) -> None:
    topic = f"{kafka.prefix}-in"
    await kafka.create(topic, 1)
    transport = transport_of(await sender(apps, kafka))
    loop = asyncio.get_running_loop()
    began = loop.time()
    await transport.bounds(TP(topic, 0))
    took = loop.time() - began
    for part in range(40):
        asking = asyncio.create_task(transport.bounds(TP(topic, 0)))
        await asyncio.sleep(took * part / 40)
        asking.cancel()
        await asyncio.wait([asking])
    gc.collect()  # connections that were left open warn


async def test_a_clock_that_the_topic_refuses_is_reported_as_such(apps: Apps, kafka: KafkaBackend) -> None:
    topic = f"{kafka.prefix}-in"
    # No clock is within no time of the broker's.
    await kafka.create(topic, 1, {"message.timestamp.before.max.ms": "0", "message.timestamp.after.max.ms": "0"})
    app = await sender(apps, kafka)

    async def write_until_refused() -> None:
        for _ in range(20):  # a record that arrives within its millisecond is taken
            await producer_of(app).produce_all(numbered_records(topic, range(1)))

    with pytest.raises(DeliveryError, match="correct the clocks of this machine and of the brokers"):
        await write_until_refused()


async def test_nothing_is_sent_after_the_clock_was_set_by_more_than_an_hour(apps: Apps, kafka: KafkaBackend) -> None:
    topic = f"{kafka.prefix}-jump"
    await kafka.create(topic, 1)
    app = await sender(apps, kafka)
    producer: Any = app.producer
    set_by_ms = 0
    producer.jump_guard = JumpGuard(now_ms=lambda: system_clock.now_ms() + set_by_ms)
    await producer_of(app).produce_all(numbered_records(topic, range(3)))
    set_by_ms = -26 * HOUR_MS
    with pytest.raises(DeliveryError, match=r"was set back by 26\.0 h since the worker was started"):
        await producer_of(app).produce_all(numbered_records(topic, range(3, 6)))
    assert len(await kafka.contents(TP(topic, 0))) == 3
