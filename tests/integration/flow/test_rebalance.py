"""Several workers in one group: partitions move, steps are split, and verdicts stay what they are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from faust.types import TP

from stream.runtime.app import ArticleFlow
from stream.transport.batch_consumer import tracking_consumer_of
from stream.transport.record_batch import RecordBatch, consumer_of
from tests.support.articles import generate_articles
from tests.support.flow import Running, Site, by_offset, until, verdicts, verdicts_without_interruption
from tests.support.flow_brokers import FlowBackend, FlowMemory

ARTICLES = generate_articles(240, seed=31, tenants=("north", "south", "east", "west"))


@pytest.fixture
async def wide(backend: FlowBackend, tmp_path: Path) -> AsyncIterator[Site]:
    """Yield a site with four partitions to share, and small batches."""
    made = Site(backend, tmp_path, scope_partitions=4, batch_records=10)
    await made.create_topics()
    yield made
    await made.stop_all()


def shares(*runnings: Running) -> list[int]:
    """How many partitions each has."""
    return [len(consumer_of(running.flow.app).progress()) for running in runnings]


def measured_partitions(running: Running) -> set[str]:
    """The partitions whose progress it measures."""
    samples = next(iter(running.flow.metrics.progress_time.collect())).samples
    return {str(TP(sample.labels["topic"], int(sample.labels["partition"]))) for sample in samples}


async def start_beside(site: Site, name: str, prepare: Callable[[ArticleFlow], None] | None = None) -> Running:
    """Start a worker whose index has a folder of its own, as on another machine."""
    site.settings = site.settings.model_copy(update={"data_dir": site.settings.data_dir.parent / name})
    return await site.start(prepare=prepare)


async def test_a_worker_joins_and_leaves_while_articles_arrive(wide: Site) -> None:
    await wide.send(*ARTICLES[:80])
    first = await start_beside(wide, "first")
    await until(lambda: first.finished(wide.topics.normalized) > 0, "the first decisions")
    first.flow.measure()
    assert len(measured_partitions(first)) == 5
    second = await start_beside(wide, "second")
    await wide.send(*ARTICLES[80:160])
    await until(lambda: all(shares(first, second)) and sum(shares(first, second)) == 5, "partitions for both")
    await wide.settle(first, second)
    for running in (first, second):
        # Only the owner measures progress, or a partition that has moved would seem to stand still.
        running.flow.measure()
        assert measured_partitions(running) == {str(tp) for tp in consumer_of(running.flow.app).progress()}
    await wide.send(*ARTICLES[160:])
    await wide.stop(first)
    await wide.settle(second)
    await wide.stop(second)
    assert first.faults == second.faults == []
    assert verdicts(by_offset(await wide.events())) == verdicts_without_interruption(wide, ARTICLES)


async def is_committed(site: Site, topic: str, records: int) -> bool:
    """Whether the group has committed this many records of ``topic``."""
    return await site.committed(topic) == records


class Hold:
    """Holds the decided batches of a flow before it checks whether it still owns the partition."""

    def __init__(self, topic: str) -> None:
        self.held = 0
        self._topic = topic
        self._open = asyncio.Event()

    def open(self) -> None:
        """Let the batches go on."""
        self._open.set()

    def __call__(self, flow: ArticleFlow) -> None:
        """Hold the deliveries of ``flow``."""
        consumer = tracking_consumer_of(flow.app)
        holds_lease = consumer.holds_lease

        async def wait_and_check(batch: RecordBatch) -> bool:
            if batch.tp.topic == self._topic:
                self.held += 1
                await self._open.wait()
            return await holds_lease(batch)

        consumer.holds_lease = wait_and_check  # type: ignore[method-assign] # a slow part


async def test_a_batch_whose_partition_was_revoked_publishes_nothing(wide: Site) -> None:
    hold = Hold(wide.topics.normalized)
    await wide.send(*ARTICLES[:40])
    # Before anything is held: whatever goes to the same broker waits behind it.
    normalizing = await wide.start(("normalize",))
    await until(lambda: is_committed(wide, wide.topics.raw, 40), "all normalized, once")
    await wide.stop(normalizing)
    first = await start_beside(wide, "first", prepare=hold)
    await until(lambda: hold.held == 1, "a batch that is held")
    second = await start_beside(wide, "second")
    await until(lambda: sum(shares(second)), "partitions for the second")
    # What was in the first one's hands before the partitions moved belongs to nobody.
    hold.open()
    await wide.settle(first, second)
    events = await wide.events()
    assert len(events) == 40
    assert verdicts(by_offset(events)) == verdicts_without_interruption(wide, ARTICLES[:40])


@pytest.mark.parametrize("backend", ["memory"], indirect=True)  # a real group forgets nobody on demand
async def test_a_worker_that_was_removed_from_its_group_publishes_nothing(wide: Site) -> None:
    assert isinstance(wide.backend, FlowMemory)
    hold = Hold(wide.topics.normalized)
    await wide.send(*ARTICLES[:40])
    first = await start_beside(wide, "first", prepare=hold)
    await until(lambda: hold.held == 1, "a batch that is held")
    await until(lambda: is_committed(wide, wide.topics.raw, 40), "all normalized, once")
    broker, group = wide.backend.broker, wide.settings.group
    broker.leave(group, *broker.members(group))
    tracking_consumer_of(first.flow.app).end_lease()  # as if it had slept
    hold.open()
    second = await start_beside(wide, "second")
    await wide.settle(second)
    await wide.stop_all()
    assert first.faults == []
    assert len(await wide.events()) == 40


async def test_the_steps_can_run_in_workers_of_their_own(wide: Site) -> None:
    await wide.send(*ARTICLES[:100])
    normalizing = await wide.start(("normalize",))
    deduplicating = await wide.start(("deduplicate",))
    await wide.send(*ARTICLES[100:])
    await wide.settle(normalizing, deduplicating)
    assert shares(normalizing, deduplicating) == [1, 4]
    await wide.stop(normalizing)
    await wide.stop(deduplicating)
    assert verdicts(by_offset(await wide.events())) == verdicts_without_interruption(wide, ARTICLES)
    assert await wide.committed(wide.topics.normalized) == len(ARTICLES)
