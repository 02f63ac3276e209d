"""An index that was lost or is out of date is restored before the first decision."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Any

import pytest
from faust.types import TP

from stream.core.contracts.records import Record
from stream.runtime.app import ArticleFlow
from stream.state.restore.loader import new_loader
from stream.state.restore.process_pool import RECORDS_MIN
from tests.support.articles import BRIDGE, FLOOD, HARVEST, article, generate_articles, takedown, with_takedowns
from tests.support.flow import DEADLINE, Clock, Site, by_offset, until, verdicts, verdicts_without_interruption


class Gate:
    """Holds the replays of the changelog until it is opened."""

    def __init__(self) -> None:
        self.asked = 0
        self._open = asyncio.Event()

    def open(self) -> None:
        """Let them go on."""
        self._open.set()

    def __call__(self, flow: ArticleFlow) -> None:
        """Control the replays of ``flow``."""
        transport: Any = flow.app.transport
        replay = transport.replay

        async def wait_and_replay(*args: Any) -> AsyncIterator[Sequence[Record]]:
            self.asked += 1
            await self._open.wait()
            async for records in replay(*args):
                yield records

        transport.replay = wait_and_replay


async def test_a_copy_of_an_article_from_before_the_restart_is_found(site: Site) -> None:
    await site.process(article(1, BRIDGE), article(2, FLOOD))
    await site.process(article(3, FLOOD), article(4, HARVEST), article(5, BRIDGE))
    assert await site.relations() == {0: "new", 1: "new", 2: "copy", 3: "new", 4: "copy"}


@pytest.mark.parametrize("records_min", [1, RECORDS_MIN], ids=["by-a-process", "by-the-worker"])
async def test_a_lost_index_is_restored_from_the_changelog(site: Site, records_min: int) -> None:
    loader = partial(new_loader, process_records_min=records_min)
    articles = generate_articles(60, seed=21)
    for start in (0, 20, 40):
        await site.send(*articles[start : start + 20])
        running = await site.start(loader=loader)
        await site.settle(running)
        assert running.restored == start
        await site.stop(running)
        if not site.is_memory:  # the index in memory is lost by itself
            assert site.settings.data_dir.is_dir()
            shutil.rmtree(site.settings.data_dir)
    events = verdicts(by_offset(await site.events()))
    assert events == verdicts_without_interruption(site, articles)
    assert len({event["duplicate"]["relation"] for event in events.values()}) > 3


async def test_a_lost_index_is_restored_without_withdrawn_articles(site: Site) -> None:
    messages = with_takedowns(generate_articles(60, seed=24), seed=24)
    for start in range(0, len(messages), 24):
        await site.process(*messages[start : start + 24])
        shutil.rmtree(site.settings.data_dir, ignore_errors=True)
    assert verdicts(by_offset(await site.events())) == verdicts_without_interruption(site, messages)
    assert len(await site.tombstones(site.topics.enriched)) > 3


async def test_articles_withdrawn_before_the_restart_stay_withdrawn(site: Site) -> None:
    await site.process(article(1, BRIDGE), article(2, FLOOD), takedown(2))
    await site.process(article(3, FLOOD), article(4, BRIDGE))
    assert await site.relations() == {0: "new", 1: "new", 3: "new", 4: "copy"}


async def test_an_index_that_was_kept_does_not_read_the_changelog_again(site: Site) -> None:
    articles = generate_articles(60, seed=22)
    for start in (0, 20, 40):
        await site.send(*articles[start : start + 20])
        running = await site.start()
        await site.settle(running)
        assert running.restored == (start if site.is_memory else 0)
        await site.stop(running)
    assert verdicts(by_offset(await site.events())) == verdicts_without_interruption(site, articles)


async def test_an_index_that_is_out_of_date_applies_what_others_decided(site: Site) -> None:
    articles = generate_articles(60, seed=23)
    data = site.settings.data_dir
    for start, folder in ((0, "one"), (20, "two"), (40, "one")):
        site.settings = site.settings.model_copy(update={"data_dir": data / folder})
        await site.send(*articles[start : start + 20])
        running = await site.start()
        await site.settle(running)
        await site.stop(running)
        # The third start knows the first twenty, unless its index lived in memory.
        assert running.restored == (20 if folder == "one" and start and not site.is_memory else start)
    assert verdicts(by_offset(await site.events())) == verdicts_without_interruption(site, articles)


async def test_nothing_is_decided_and_the_flow_is_not_ready_before_the_index_is_restored(site: Site) -> None:
    await site.process(article(1, BRIDGE))
    shutil.rmtree(site.settings.data_dir, ignore_errors=True)
    gate = Gate()
    await site.send(article(2, BRIDGE))
    running = await site.start(prepare=gate)
    assert not running.flow.ready().is_good
    await until(
        lambda: running.finished(site.topics.raw) == 2 and gate.asked == 2, "normalized, and the changelog asked for"
    )
    assert running.flow.ready().details == {"assigned": True, "restored": False}
    assert len(await site.events()) == 1
    gate.open()
    await site.settle(running)
    assert running.flow.ready().is_good
    await site.stop(running)
    assert await site.relations() == {0: "new", 1: "copy"}


class Drip:
    """Lets each replay of the changelog go on record by record."""

    def __init__(self) -> None:
        self.at: dict[TP, int] = {}
        self._given: dict[TP, asyncio.Semaphore] = {}

    def give(self, records: int = 1) -> None:
        """Let so many more records of each replay through."""
        for semaphore in self._given.values():
            for _ in range(records):
                semaphore.release()

    def __call__(self, flow: ArticleFlow) -> None:
        """Control the replays of ``flow``."""
        transport: Any = flow.app.transport
        replay = transport.replay

        async def replay_slowly(tp: TP, start: int) -> AsyncIterator[Sequence[Record]]:
            self._given[tp] = asyncio.Semaphore(0)
            async for records in replay(tp, start):
                for record in records:
                    self.at[tp] = record.offset
                    await self._given[tp].acquire()
                    yield [record]
            self.at.pop(tp, None)

        transport.replay = replay_slowly


async def test_stopping_does_not_wait_for_a_restore(site: Site) -> None:
    await site.process(article(1, BRIDGE))
    shutil.rmtree(site.settings.data_dir, ignore_errors=True)
    gate = Gate()
    await site.send(article(2, BRIDGE))
    running = await site.start(prepare=gate)
    await until(
        lambda: running.finished(site.topics.raw) == 2 and gate.asked == 2, "normalized, and the changelog asked for"
    )
    # The gate stays shut: waiting for the restore would never end.
    await asyncio.wait_for(site.stop(running), DEADLINE)
    assert running.faults == []
    assert await site.committed(site.topics.normalized) == 1
    await site.settle(await site.start())
    assert await site.relations() == {0: "new", 1: "copy"}


async def test_a_restore_that_makes_progress_is_alive_and_not_ready(site: Site) -> None:
    articles = generate_articles(60, seed=25, tenants=("north", "south", "east", "west"))
    await site.process(*articles[:40])
    shutil.rmtree(site.settings.data_dir, ignore_errors=True)
    await site.send(*articles[40:])
    drip, clock = Drip(), Clock()
    running = await site.start(prepare=drip, clock=clock)
    await until(lambda: running.finished(site.topics.raw) == 60 and len(drip.at) == 2, "both restores begun")
    running.flow.measure()
    for _ in range(3):
        clock.now += site.settings.stall_s * 0.9
        before = dict(drip.at)
        drip.give()
        await until(lambda: all(drip.at.get(tp, 1e9) > before[tp] for tp in before), "more of each")  # noqa: B023
        running.flow.measure()
        assert running.flow.healthy().is_good
        assert not running.flow.ready().is_good
    clock.now += site.settings.stall_s * 1.1
    running.flow.measure()
    assert not running.flow.healthy().is_good
    drip.give(1000)
    await site.settle(running)
