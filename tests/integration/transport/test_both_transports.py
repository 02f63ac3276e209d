"""What both transports guarantee, tested with real Faust apps."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import TYPE_CHECKING

import pytest
from faust.types import TP

from stream.core.contracts.records import OutputRecord
from stream.transport.errors import OutOfOrderError, RecordTooLargeError, RevokedError, UnknownTopicError
from stream.transport.record_batch import consumer_of, producer_of, size_of, transport_of
from tests.support.transports import numbered_records, until

if TYPE_CHECKING:
    import faust

    from stream.transport.record_batch import RecordBatch
    from tests.support.transports import Apps, Backend


class Work:
    """A handler that keeps the batches it gets, and can be made to wait or to fail."""

    def __init__(self) -> None:
        self.seen: dict[TP, list[int]] = defaultdict(list)
        self.batches: list[RecordBatch] = []
        self.go = asyncio.Event()
        self.go.set()
        self.failures = 0
        self.errors: list[Exception] = []

    async def __call__(self, _app: faust.App, batch: RecordBatch) -> None:
        """Take a batch."""
        self.batches.append(batch)
        if self.failures:
            self.failures -= 1
            raise ZeroDivisionError
        await self.go.wait()
        self.seen[batch.tp].extend(record.offset for record in batch)
        try:
            batch.done()
        except OutOfOrderError as error:
            self.errors.append(error)

    def count(self) -> int:
        """How many different records were seen."""
        return sum(len(set(offsets)) for offsets in self.seen.values())


async def producer(apps: Apps, backend: Backend) -> faust.App:
    """Start an app that only produces."""
    app = apps.make(backend)
    app.producer_only = True
    return await apps.start(app)


async def total_committed(backend: Backend, topic: str) -> int:
    """Sum of the committed offsets of the three partitions."""
    group = f"{backend.prefix}-group"
    return sum([await backend.committed(group, TP(topic, p)) or 0 for p in range(3)])


async def test_everything_arrives_in_the_order_of_the_log(apps: Apps, backend: Backend, backend_topic: str) -> None:
    work = Work()
    app = await apps.start(apps.make(backend, backend_topic, work, broker_max_poll_records=70))

    stored = await producer_of(app).produce_all(numbered_records(backend_topic, range(2000)))
    await until(lambda: work.count() == 2000, "all records")

    for partition in range(3):
        offsets = [metadata.offset for metadata in stored if metadata.partition == partition]
        assert offsets == list(range(len(offsets)))
        assert work.seen[TP(backend_topic, partition)] == offsets
        numbers = [int(r.value or b"") for r in await backend.contents(TP(backend_topic, partition))]
        assert numbers == sorted(numbers)
    assert max(map(len, work.batches)) <= 70


async def test_a_batch_is_bounded_by_bytes(apps: Apps, backend: Backend, backend_topic: str) -> None:
    """Also within one stored batch, which a broker always returns whole."""
    work = Work()
    work.go.clear()
    app = apps.make(backend, backend_topic, work)
    transport_of(app).batch_bytes = 50_000
    sender = await producer(apps, backend)
    sizes = [(number * 7919) % 20_000 for number in range(300)] + [150_000] + [100] * 50
    outputs = [OutputRecord(backend_topic, None, bytes([n % 251]) * size, (), 1) for n, size in enumerate(sizes)]
    await producer_of(sender).produce_all(outputs)
    await apps.start(app)
    await until(lambda: work.batches, "a first batch")
    work.go.set()
    await until(lambda: work.count() == len(sizes), "all records")

    assert [record.value for batch in work.batches for record in batch] == [out.value for out in outputs]
    assert all(sum(map(size_of, batch[:-1])) < 50_000 for batch in work.batches)
    assert len(work.batches) > 50


async def test_a_record_keeps_its_bytes(apps: Apps, backend: Backend, backend_topic: str) -> None:
    work = Work()
    app = await apps.start(apps.make(backend, backend_topic, work))
    sent = [
        OutputRecord(backend_topic, None, b"\xff\x00", (("a", b"1"), ("a", b"2")), partition=1),
        OutputRecord(backend_topic, b"key", None, partition=1),
        OutputRecord(backend_topic, b"", b"", partition=1),
    ]
    await producer_of(app).produce_all(sent)
    await until(lambda: work.count() == 3, "all records")

    got = [record for batch in work.batches for record in batch]
    assert [(r.key, r.value, list(r.headers)) for r in got] == [(out.key, out.value, list(out.headers)) for out in sent]
    assert all((record.timestamp or 0) > 1_600_000_000_000 for record in got)


async def test_nothing_is_committed_before_a_batch_is_done(apps: Apps, backend: Backend, backend_topic: str) -> None:
    work = Work()
    work.go.clear()
    app = await apps.start(apps.make(backend, backend_topic, work))
    await producer_of(app).produce_all(numbered_records(backend_topic, range(300)))
    await until(lambda: work.batches, "a first batch")
    await app.commit({backend_topic})
    assert await total_committed(backend, backend_topic) == 0

    work.go.set()
    await until(lambda: work.count() == 300, "all records")
    await apps.stop(app)
    assert await total_committed(backend, backend_topic) == 300


async def test_progress_has_the_lag(apps: Apps, backend: Backend, backend_topic: str) -> None:
    work = Work()
    app = await apps.start(apps.make(backend, backend_topic, work))
    await producer_of(app).produce_all(numbered_records(backend_topic, range(30)))
    await until(lambda: work.count() == 30, "all records")

    progress = consumer_of(app).progress()
    assert {tp.partition for tp in progress} == {0, 1, 2}
    assert sum(entry.finished for entry in progress.values()) == 30
    assert all(entry.end == entry.finished for entry in progress.values())


async def test_progress_has_the_lag_of_unfetched_records_once_end_offsets_were_fetched(
    apps: Apps, backend: Backend, backend_topic: str
) -> None:
    work = Work()
    work.go.clear()
    app = await apps.start(apps.make(backend, backend_topic, work, broker_max_poll_records=5))
    await producer_of(app).produce_all(numbered_records(backend_topic, range(200), partition=1))
    await until(lambda: work.batches, "a first batch, which stays where it is")

    await consumer_of(app).fetch_end_offsets()
    assert consumer_of(app).progress()[TP(backend_topic, 1)] == (0, 200)
    work.go.set()


async def test_stopping_lets_the_running_batch_finish(apps: Apps, backend: Backend, backend_topic: str) -> None:
    work = Work()
    work.go.clear()
    app = await apps.start(apps.make(backend, backend_topic, work))
    await producer_of(app).produce_all(numbered_records(backend_topic, range(10), partition=0))
    await until(lambda: work.batches, "a batch")
    stopping = asyncio.create_task(apps.stop(app))
    await until(lambda: app.should_stop, "the app stops")
    work.go.set()
    await stopping
    running = work.batches[0]
    assert await backend.committed(f"{backend.prefix}-group", running.tp) == running.end


async def test_an_abandoned_batch_comes_again_after_a_restart(apps: Apps, backend: Backend, backend_topic: str) -> None:
    hung = Work()
    hung.go.clear()
    first = apps.make(backend, backend_topic, hung)
    await apps.start(first)
    consumer_of(first).drain_timeout_s = 0.1
    await producer_of(first).produce_all(numbered_records(backend_topic, range(100)))
    await until(lambda: hung.batches, "a batch")
    await apps.stop(first)
    assert await total_committed(backend, backend_topic) == 0

    work = Work()
    await apps.start(apps.make(backend, backend_topic, work))
    await until(lambda: work.count() == 100, "all records")


async def test_nothing_is_committed_past_a_failed_batch(apps: Apps, backend: Backend, backend_topic: str) -> None:
    failing = Work()
    failing.failures = 1
    first = await apps.start(apps.make(backend, backend_topic, failing, broker_max_poll_records=10))
    await producer_of(first).produce_all(numbered_records(backend_topic, range(100), partition=2))
    await until(lambda: failing.errors, "the batch behind the failed one is refused")
    await apps.stop(first)
    assert await total_committed(backend, backend_topic) == 0

    work = Work()
    await apps.start(apps.make(backend, backend_topic, work))
    await until(lambda: work.count() == 100, "all records")


async def test_a_second_worker_takes_over_without_loss(apps: Apps, backend: Backend, backend_topic: str) -> None:
    one, two = Work(), Work()
    first = await apps.start(apps.make(backend, backend_topic, one, broker_max_poll_records=20))
    await producer_of(first).produce_all(numbered_records(backend_topic, range(1000)))
    second = await apps.start(apps.make(backend, backend_topic, two, broker_max_poll_records=20))
    await until(consumer_of(second).progress, "the second worker has partitions")
    await until(consumer_of(first).progress, "the first worker has partitions")
    assert not first.consumer.assignment() & second.consumer.assignment()
    await producer_of(first).produce_all(numbered_records(backend_topic, range(1000, 2000)))
    await apps.stop(first)
    await producer_of(second).produce_all(numbered_records(backend_topic, range(2000, 3000)))

    def union() -> int:
        tps = {*one.seen, *two.seen}
        return sum(len({*one.seen[tp], *two.seen[tp]}) for tp in tps)

    await until(lambda: union() == 3000, "all records")
    assert not one.errors
    assert not two.errors
    await apps.stop(second)
    assert await total_committed(backend, backend_topic) == 3000


async def test_a_batch_of_an_earlier_generation_no_longer_counts(
    apps: Apps, backend: Backend, backend_topic: str
) -> None:
    hung, other = Work(), Work()
    hung.go.clear()
    other.go.clear()
    first = await apps.start(apps.make(backend, backend_topic, hung))
    consumer_of(first).drain_timeout_s = 0.1
    await producer_of(first).produce_all(numbered_records(backend_topic, range(30)))
    await until(lambda: hung.batches, "a batch")
    stale = hung.batches[0]
    second = await apps.start(apps.make(backend, backend_topic, other))
    consumer_of(second).drain_timeout_s = 0.1
    await until(consumer_of(second).progress, "the second worker has partitions")
    await until(consumer_of(first).progress, "the first worker has partitions")

    stale.done()
    await first.commit({backend_topic})
    assert await total_committed(backend, backend_topic) == 0
    await apps.stop(first)
    other.go.set()
    await until(lambda: other.count() == 30, "the batch comes again")


async def test_records_fetched_while_the_flow_was_stopped_are_not_lost(
    apps: Apps, backend: Backend, backend_topic: str
) -> None:
    work = Work()
    app = await apps.start(apps.make(backend, backend_topic, work))
    for start in range(0, 500, 100):
        app.consumer.stop_flow()
        await producer_of(app).produce_all(numbered_records(backend_topic, range(start, start + 100)))
        app.consumer.resume_flow()
        await asyncio.sleep(0)
        app.consumer.stop_flow()
        await asyncio.sleep(0.01)
        app.consumer.resume_flow()
    await until(lambda: work.count() == 500, "all records")
    assert not work.errors


async def test_seeking_repeats_unfinished_batches(apps: Apps, backend: Backend, backend_topic: str) -> None:
    work = Work()
    work.go.clear()
    app = await apps.start(apps.make(backend, backend_topic, work))
    await producer_of(app).produce_all(numbered_records(backend_topic, range(20), partition=1))
    await until(lambda: work.batches, "a batch")
    await app.consumer.perform_seek()
    work.go.set()
    await until(lambda: len(work.seen[TP(backend_topic, 1)]) >= 40, "the batch comes twice")
    assert work.count() == 20
    assert not work.errors
    assert consumer_of(app).progress()[TP(backend_topic, 1)].finished == 20
    await until(lambda: not app.consumer.unacked, "nothing is with the agent any more")


@pytest.mark.parametrize("reset", ["earliest", "latest", "none"])
async def test_a_group_without_commits_starts_at_the_earliest_record(
    reset: str, apps: Apps, backend: Backend, backend_topic: str
) -> None:
    sender = await producer(apps, backend)
    await producer_of(sender).produce_all(numbered_records(backend_topic, range(10), partition=0))
    work = Work()
    await apps.start(apps.make(backend, backend_topic, work, consumer_auto_offset_reset=reset))
    await until(lambda: work.count() == 10, "all records")


async def test_delivering_to_an_unknown_topic_sends_nothing(apps: Apps, backend: Backend, backend_topic: str) -> None:
    app = await producer(apps, backend)
    unknown = f"{backend.prefix}-nowhere"
    with pytest.raises(UnknownTopicError, match="nowhere") as raised:
        await producer_of(app).produce_all(
            [*numbered_records(backend_topic, range(3)), OutputRecord(unknown, b"k", b"v")]
        )
    assert raised.value.code == "unknown_topic"
    with pytest.raises(UnknownTopicError):
        await producer_of(app).produce_all([OutputRecord(backend_topic, b"k", b"v", partition=3)])
    with pytest.raises(UnknownTopicError):
        await producer_of(app).partitions_for(unknown)
    assert await producer_of(app).partitions_for(backend_topic) == 3
    for partition in range(3):
        assert await backend.contents(TP(backend_topic, partition)) == []


async def test_nothing_is_sent_once_the_fence_check_fails(apps: Apps, backend: Backend, backend_topic: str) -> None:
    app = await producer(apps, backend)
    answers = [False]

    async def owns_partition() -> bool:
        return answers[0]

    with pytest.raises(RevokedError):
        await producer_of(app).produce_all(numbered_records(backend_topic, range(3)), fence_check=owns_partition)
    answers[0] = True
    await producer_of(app).produce_all(numbered_records(backend_topic, range(3, 6)), fence_check=owns_partition)
    stored = [record for number in range(3) for record in await backend.contents(TP(backend_topic, number))]
    assert {record.value for record in stored} == {out.value for out in numbered_records(backend_topic, range(3, 6))}


async def test_a_record_that_is_too_large_for_the_topic_is_refused(apps: Apps, backend: Backend) -> None:
    topic = f"{backend.prefix}-small"
    await backend.create(topic, 1, {"max.message.bytes": "2000"})
    app = await producer(apps, backend)
    with pytest.raises(RecordTooLargeError) as raised:
        await producer_of(app).produce_all([OutputRecord(topic, b"k", b"v" * 3000)])
    assert raised.value.code == "record_too_large"
    # The producer still works afterwards.
    stored = await producer_of(app).produce_all(numbered_records(topic, range(2)))
    assert [metadata.offset for metadata in stored] == [0, 1]


async def test_a_replay_ends_at_the_end_of_the_log(apps: Apps, backend: Backend, backend_topic: str) -> None:
    app = await producer(apps, backend)
    await producer_of(app).produce_all(numbered_records(backend_topic, range(1500), partition=1))

    async def replayed(partition: int, start: int) -> list[int]:
        chunks = transport_of(app).replay(TP(backend_topic, partition), start)
        return [record.offset async for chunk in chunks for record in chunk]

    assert await transport_of(app).bounds(TP(backend_topic, 1)) == (0, 1500)
    assert await replayed(1, 0) == list(range(1500))
    assert await replayed(1, 1400) == list(range(1400, 1500))
    assert await replayed(1, 1500) == []
    assert await replayed(1, 9999) == []
    assert await replayed(0, 0) == []
    with pytest.raises(UnknownTopicError):
        await replayed(7, 0)
    with pytest.raises(UnknownTopicError):
        await transport_of(app).bounds(TP(f"{backend.prefix}-nowhere", 0))


async def test_single_records_are_read_without_those_that_the_log_does_not_have(
    apps: Apps, backend: Backend, backend_topic: str
) -> None:
    app = await producer(apps, backend)
    await producer_of(app).produce_all(numbered_records(backend_topic, range(1500), partition=1))
    records = await transport_of(app).read_records(TP(backend_topic, 1), [0, 7, 1499, 1500, 9999])
    values = [out.value for out in numbered_records(backend_topic, range(1500), partition=1)]
    assert {offset: record.value for offset, record in records.items()} == {n: values[n] for n in (0, 7, 1499)}
    assert all(record.offset == offset for offset, record in records.items())
    assert await transport_of(app).read_records(TP(backend_topic, 0), [0]) == {}
    with pytest.raises(UnknownTopicError):
        await transport_of(app).read_records(TP(backend_topic, 7), [0])


async def test_the_end_of_a_replay_is_fixed_at_its_start(apps: Apps, backend: Backend, backend_topic: str) -> None:
    app = await producer(apps, backend)
    await producer_of(app).produce_all(numbered_records(backend_topic, range(10), partition=0))
    seen = 0
    async for chunk in transport_of(app).replay(TP(backend_topic, 0), 0):
        seen += len(chunk)
        await producer_of(app).produce_all(numbered_records(backend_topic, range(10), partition=0))
    assert seen == 10
