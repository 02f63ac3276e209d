"""Logs that are recreated, deleted or truncated, on both transports: they are noticed, and never read on."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest
from aiokafka import AIOKafkaProducer  # type: ignore[import-untyped]  # it ships no types
from faust.types import TP

from stream.core.contracts.events import ChangelogMark
from stream.errors import LogWentBack
from stream.transport.batch_consumer import tracking_consumer_of
from stream.transport.commit_metadata import CommitMetadata, CommitNote
from stream.transport.record_batch import producer_of, transport_of
from tests.support.transports import KafkaBackend, MemoryBackend, numbered_records, until

if TYPE_CHECKING:
    from collections.abc import Callable

    import faust

    from stream.transport.record_batch import RecordBatch
    from tests.support.kafka_node import KafkaNode
    from tests.support.transports import Apps, Backend


class Reader:
    """A handler that finishes every batch, and keeps the logs that they are in."""

    def __init__(self) -> None:
        self.batches: list[RecordBatch] = []

    async def __call__(self, _app: faust.App, batch: RecordBatch) -> None:
        """Take a batch."""
        self.batches.append(batch)
        batch.done()

    def offsets(self) -> list[int]:
        """All offsets that were handed out."""
        return [record.offset for batch in self.batches for record in batch]


async def fill(apps: Apps, backend: Backend, topic: str, count: int) -> None:
    """Store records in the first partition."""
    app = apps.make(backend)
    app.producer_only = True
    await apps.start(app)
    await producer_of(app).produce_all(numbered_records(topic, range(count), partition=0))
    await apps.stop(app)


async def read(apps: Apps, backend: Backend, topic: str, count: int) -> faust.App:
    """Start a reader and wait until it has committed ``count`` records of the first partition."""
    reader = Reader()
    app = await apps.start(apps.make(backend, topic, reader, consumer_auto_offset_reset="none"))
    tracker = tracking_consumer_of(app).offset_tracker
    await until(lambda: tracker.finished_offsets().get(TP(topic, 0)) == count, "all records")
    await until(lambda: not tracker.committable_offsets(), "committed")
    return app


async def change_of(app: faust.App) -> LogWentBack:
    """Wait until an app has crashed, and return the change of the log that made it."""
    await until(lambda: app.crashed, "a crash")
    assert isinstance(app.crash_reason, LogWentBack)
    return app.crash_reason


async def test_batches_and_commits_have_the_log(apps: Apps, backend: Backend, backend_topic: str) -> None:
    tp, topic_id = TP(backend_topic, 0), await backend.topic_id(backend_topic)
    await fill(apps, backend, backend_topic, 10)
    reader = Reader()
    app = await apps.start(apps.make(backend, backend_topic, reader))
    await until(lambda: reader.offsets() == list(range(10)), "all records")
    assert {batch.log for batch in reader.batches} == {(topic_id, 0)}

    consumer = tracking_consumer_of(app)
    consumer.commit_notes[tp] = note = CommitNote(ChangelogMark(topic_id=topic_id, offset=7, event_id="ab"), 3)
    await consumer.commit_finished({tp: 10})
    assert await consumer.committed_metadata(tp) == CommitMetadata(topic_id, 0, *note)
    states = await transport_of(app).log_states({tp: 0, TP(backend_topic, 1): None, TP(backend_topic, 9): None})
    assert states == {tp: (topic_id, 0, 0, 10, 10), TP(backend_topic, 1): (topic_id, 0, 0, 0, None)}

    await apps.stop(app)
    again = await read(apps, backend, backend_topic, 10)
    assert tracking_consumer_of(again).commit_notes[tp] == note


@pytest.mark.parametrize("records", [0, 30])
async def test_a_topic_that_is_recreated_under_a_worker_stops_it(
    records: int, apps: Apps, backend: Backend, backend_topic: str
) -> None:
    await fill(apps, backend, backend_topic, 10)
    app = await read(apps, backend, backend_topic, 10)
    await backend.recreate(backend_topic, 3)
    await fill(apps, backend, backend_topic, records)
    change = await change_of(app)
    assert (change.topic, change.kind) == (backend_topic, "recreated")
    assert await backend.topic_id(backend_topic) in str(change)
    assert not await tracking_consumer_of(app).commit_finished({TP(backend_topic, 0): 10})


async def test_a_topic_that_is_deleted_under_a_worker_stops_it(
    apps: Apps, backend: Backend, backend_topic: str
) -> None:
    await fill(apps, backend, backend_topic, 10)
    app = await read(apps, backend, backend_topic, 10)
    await backend.delete(backend_topic)
    change = await change_of(app)
    assert (change.topic, change.kind) == (backend_topic, "deleted")


async def test_a_topic_that_the_app_watches_is_noticed_too(apps: Apps, backend: Backend, backend_topic: str) -> None:
    await backend.create("changelog" + backend_topic, 1)
    app = await read(apps, backend, backend_topic, 0)
    tracking_consumer_of(app).watched_topics["changelog" + backend_topic] = "A" * 22
    change = await change_of(app)
    assert (change.topic, change.kind) == ("changelog" + backend_topic, "recreated")


async def test_a_group_that_has_committed_more_than_the_log_has_does_not_start(
    apps: Apps, backend: Backend, backend_topic: str
) -> None:
    await fill(apps, backend, backend_topic, 10)
    await backend.commit(f"{backend.prefix}-group", TP(backend_topic, 0), 11)
    reader = Reader()
    app = await apps.start(apps.make(backend, backend_topic, reader))
    change = await change_of(app)
    assert (change.topic, change.partition, change.kind) == (backend_topic, 0, "truncated")
    assert reader.batches == []
    assert await backend.committed(f"{backend.prefix}-group", TP(backend_topic, 0)) == 11


async def test_a_topic_that_was_recreated_while_no_worker_ran_is_not_taken_for_the_old_one(
    apps: Apps, backend: Backend, backend_topic: str
) -> None:
    await fill(apps, backend, backend_topic, 10)
    await apps.stop(await read(apps, backend, backend_topic, 10))
    await backend.recreate(backend_topic, 3)
    await fill(apps, backend, backend_topic, 30)
    reader = Reader()
    app = await apps.start(apps.make(backend, backend_topic, reader))
    if isinstance(backend, MemoryBackend):
        assert (await change_of(app)).kind == "recreated"
        assert reader.batches == []
    else:  # Kafka forgets what was committed for a topic when it is deleted: it is a new topic, read from its start
        await until(lambda: reader.offsets() == list(range(30)), "all records of the new topic")
        assert {batch.log.topic_id for batch in reader.batches} == {await backend.topic_id(backend_topic)}


def lose_half(node: KafkaNode, tp: TP) -> None:
    """Kill a broker, cut the log of a partition to half, as a disk that lost its cache, and start the broker again."""
    (segment,) = node.data.glob(f"**/{tp.topic}-{tp.partition}/*.log")
    node.kill()
    for index in segment.parent.glob("*index"):
        index.unlink()
    with segment.open("r+b") as file:
        file.truncate(segment.stat().st_size // 2)
    node.start()


class Lost:
    """A topic on a broker of its own, which loses the second half of its only partition."""

    def __init__(self, node: KafkaNode, prefix: str, apps: Apps) -> None:
        self.node = node
        self.backend = KafkaBackend(prefix, node.address)
        self.tp = TP(f"{prefix}-in", 0)
        self._apps = apps

    async def create(self) -> None:
        """Store a hundred records, each in a batch of its own."""
        await self.backend.create(self.tp.topic, 1)
        await self.produce(100)

    async def produce(self, count: int) -> None:
        """Store records, each in a batch of its own, for the log is only cut between batches."""
        producer = AIOKafkaProducer(bootstrap_servers=self.node.address)
        await producer.start()
        try:
            for number in range(count):
                await producer.send_and_wait(self.tp.topic, b"%d" % number, partition=0)
        finally:
            await producer.stop()

    async def end(self) -> int:
        """Where the log ends."""
        app = self._apps.make(self.backend)
        return (await transport_of(app).log_states({self.tp: None}))[self.tp].end


@pytest.fixture
async def lost(new_kafka_node: Callable[..., KafkaNode], apps: Apps) -> Lost:
    """Return a topic with a hundred records."""
    site = Lost(new_kafka_node(), f"lost-{uuid.uuid4().hex[:8]}", apps)
    await site.create()
    return site


@pytest.mark.kafka
@pytest.mark.parametrize("more", [0, 80])
async def test_a_log_that_lost_its_end_while_no_worker_ran_is_not_read_on(more: int, lost: Lost, apps: Apps) -> None:
    """Also where it has grown beyond the committed offset since: the leader epoch tells them apart."""
    await apps.stop(await read(apps, lost.backend, lost.tp.topic, 100))
    lose_half(lost.node, lost.tp)
    kept = await lost.end()
    assert 0 < kept < 100
    await lost.produce(more)
    reader = Reader()
    change = await change_of(await apps.start(apps.make(lost.backend, lost.tp.topic, reader)))
    assert (change.topic, change.partition, change.kind) == (*lost.tp, "truncated")
    assert f"from offset {kept} on" in str(change) or f"ends at {kept}" in str(change)
    assert reader.batches == []


@pytest.mark.kafka
@pytest.mark.parametrize("more", [0, 80])
async def test_a_log_that_lost_its_end_under_a_worker_stops_it(more: int, lost: Lost, apps: Apps) -> None:
    app = await read(apps, lost.backend, lost.tp.topic, 100)
    lose_half(lost.node, lost.tp)
    await lost.produce(more)
    change = await change_of(app)
    assert (change.topic, change.partition, change.kind) == (*lost.tp, "truncated")


@pytest.mark.kafka
async def test_a_broker_that_crashes_without_losing_records_is_no_change(lost: Lost, apps: Apps) -> None:
    reader = Reader()
    app = await apps.start(apps.make(lost.backend, lost.tp.topic, reader))
    await until(lambda: reader.offsets() == list(range(100)), "all records")
    lost.node.kill()
    lost.node.start()
    await lost.produce(20)
    await until(lambda: reader.offsets() == list(range(120)), "the new records")
    assert len({batch.log.leader_epoch for batch in reader.batches}) > 1
    assert not app.crashed
