"""Logs that are recreated, deleted or truncated, on both transports: they are noticed, and never read on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from faust.types import TP

from stream.errors import LogWentBack
from stream.transport.batch_consumer import tracking_consumer_of
from stream.transport.commit_metadata import ChangelogMark, CommitMetadata, CommitNote
from stream.transport.record_batch import producer_of, transport_of
from tests.support.transports import MemoryBackend, numbered_records, until

if TYPE_CHECKING:
    import faust

    from stream.transport.record_batch import RecordBatch
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
    consumer.commit_notes[tp] = note = CommitNote(ChangelogMark(topic_id, 7, "ab"), 3)
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
