"""Input topics that are recreated, truncated or deleted: the flow stops, or goes on without misreading anything."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import pytest
from faust.types import TP

from stream.errors import LogWentBack
from stream.transport.batch_consumer import tracking_consumer_of
from tests.support.flow import Running, Site, until
from tests.support.flow_brokers import FlowMemory

#: Seconds in which a worker has to notice: topics are looked at once a second.
NOTICED_S = 15.0


def story(number: int) -> dict[str, Any]:
    """An article that shares nothing with those of other numbers."""
    return {"id": f"n{number}", "text": " ".join(f"w{number}x{letter}" for letter in "abcdefghijklmnopqrst")}


async def stopped_by(running: Running) -> LogWentBack:
    """Wait until a flow has stopped because a log has changed."""
    began = time.monotonic()
    await until(lambda: running.flow.app.crashed, "stopped", seconds=NOTICED_S)
    change = running.flow.app.crash_reason
    assert isinstance(change, LogWentBack), change
    assert time.monotonic() - began < NOTICED_S
    return change


async def recreate(site: Site, topic: str) -> None:
    """Delete a topic of the flow, and create it again."""
    await site.backend.recreate(topic, await site.backend.partitions(topic))


@pytest.mark.parametrize("name", ["raw", "normalized"])
async def test_an_input_topic_that_is_recreated_stops_the_worker(name: str, site: Site) -> None:
    """Also when nothing arrives: before, the worker was silent for minutes."""
    await site.send(*(story(number) for number in range(20)))
    running = await site.start()
    await site.settle(running)
    topic = getattr(site.topics, name)
    await recreate(site, topic)
    change = await stopped_by(running)
    assert (change.topic, change.kind) == (topic, "recreated")


@pytest.mark.parametrize("name", ["raw", "normalized"])
async def test_an_input_topic_that_is_deleted_stops_the_worker(name: str, site: Site) -> None:
    await site.send(*(story(number) for number in range(20)))
    running = await site.start()
    await site.settle(running)
    topic = getattr(site.topics, name)
    await site.backend.delete(topic)
    change = await stopped_by(running)
    assert (change.topic, change.kind) == (topic, "deleted")


async def test_records_of_a_recreated_topic_are_not_decided(site: Site) -> None:
    await site.send(*(story(number) for number in range(20)))
    running = await site.start(("deduplicate",))
    normalizing = await site.start(("normalize",))
    await site.settle(running, normalizing)
    await site.stop(normalizing)
    events = await site.events()
    await recreate(site, site.topics.normalized)
    change = await stopped_by(running)
    partitions = await site.backend.partitions(site.topics.normalized)
    consumer = tracking_consumer_of(running.flow.app)
    committed = {TP(site.topics.normalized, number): 1 for number in range(partitions)}
    assert not await consumer.commit_finished(committed)
    assert change.kind == "recreated"
    assert await site.events() == events


async def test_a_raw_topic_that_was_recreated_rejects_no_new_article(site: Site) -> None:
    """The new records have identities of their own, although their offsets were decided before."""
    await site.process(*(story(number) for number in range(20)))
    await recreate(site, site.topics.raw)
    if isinstance(site.backend, FlowMemory):  # it keeps what the group has committed, which Kafka deletes
        for number in range(await site.backend.partitions(site.topics.raw)):
            await site.backend.commit(site.settings.group, TP(site.topics.raw, number), 0)
    await site.process(*(story(number) for number in range(20, 40)))
    assert await site.records(site.topics.rejected) == []
    assert Counter(event["duplicate"]["relation"] for event in await site.events()) == {"new": 40}
