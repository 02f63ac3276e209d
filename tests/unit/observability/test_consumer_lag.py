"""How far the group is behind, in records and in seconds, from what the broker tells."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest
from aiokafka.errors import KafkaConnectionError, TopicAuthorizationFailedError  # type: ignore[import-untyped]
from faust.types import TP

from stream.core.contracts.records import OutputRecord
from stream.observability.consumer_lag import ConsumerLag
from stream.observability.metrics import Metrics
from stream.transport.memory.broker import MemoryBroker
from stream.transport.memory.group_offsets import MemoryGroupOffsets

NOW_MS = 1_767_225_600_000
RAW = TP("raw", 0)
HOUR_S = 3600


class Broker(MemoryGroupOffsets):
    """A broker in memory that can be out of reach, and knows how long a topic is kept."""

    def __init__(self, broker: MemoryBroker) -> None:
        super().__init__(broker, "group")
        self.fault: Exception | None = None
        self.kept: float | Exception | None = None
        self.closed = 0
        self.read: list[TP] = []

    async def partitions(self, topics: Sequence[str]) -> list[TP]:
        """See `MemoryGroupOffsets`."""
        if self.fault:
            raise self.fault
        return await super().partitions(topics)

    async def times(self, offsets: Mapping[TP, int]) -> dict[TP, int]:
        """See `MemoryGroupOffsets`."""
        self.read += offsets
        return await super().times(offsets)

    async def retention_s(self, topic: str) -> float | None:
        """See `MemoryGroupOffsets`."""
        assert topic == "changelog"
        if isinstance(self.kept, Exception):
            raise self.kept
        return self.kept

    async def close(self) -> None:
        """See `MemoryGroupOffsets`."""
        self.closed += 1


@dataclass
class Site:
    """A group on a broker, and a clock that stands still until it is moved."""

    monkeypatch: pytest.MonkeyPatch
    topics: Sequence[str] = ("raw",)
    changelog: str | None = None
    log: MemoryBroker = field(default_factory=MemoryBroker)
    metrics: Metrics = field(default_factory=Metrics)

    def __post_init__(self) -> None:
        self.log.create_topic("raw", 2)
        self.log.create_topic("normalized", 1)
        self.broker = Broker(self.log)
        self.lag = ConsumerLag(self.broker, self.topics, metrics=self.metrics, changelog=self.changelog)
        self.at(0)

    def at(self, seconds: float) -> None:
        """Set the clock, in seconds behind `NOW_MS`."""
        moment = NOW_MS + int(seconds * 1000)
        self.monkeypatch.setattr("stream.system_clock.now_ms", lambda: moment)

    def send(self, *ages_s: float, partition: int = 0) -> None:
        """Store records that are so old at `NOW_MS`."""
        for age in ages_s:
            self.log.produce(OutputRecord("raw", None, b"{}", (), partition), NOW_MS - int(age * 1000))

    def commit(self, offset: int, tp: TP = RAW) -> None:
        """Finish what stands before ``offset``."""
        self.log.commit("group", {tp: offset})

    def told(self, tp: TP = RAW) -> tuple[float | None, float | None]:
        """The lag of a partition, in records and in seconds."""
        value, labels = self.metrics.registry.get_sample_value, {"topic": tp.topic, "partition": str(tp.partition)}
        return value("stream_consumer_lag_records", labels), value("stream_consumer_lag_seconds", labels)

    def value(self, name: str) -> float | None:
        """A metric without labels."""
        return self.metrics.registry.get_sample_value(name)


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Site:
    """Return a group that reads one topic of two partitions."""
    return Site(monkeypatch)


@pytest.mark.parametrize(
    ("ages", "committed", "records", "seconds"),
    [
        ([], None, 0, 0),
        ([30, 20, 10], None, 3, 30),
        ([30, 20, 10], 1, 2, 20),
        ([30, 20, 10], 3, 0, 0),
        ([30], 5, 0, 0),
        ([10, 40], 0, 2, 10),  # the oldest in the order of the log
        ([-HOUR_S], 0, 1, 0),
        ([NOW_MS / 1000 + 0.001], 0, 1, 0),  # no time: clients write -1
    ],
    ids=["empty", "nothing committed", "some", "all", "topic made anew", "times not in order", "future", "no time"],
)
async def test_the_lag_of_a_partition(
    site: Site, ages: Sequence[float], committed: int | None, records: int, seconds: float
) -> None:
    site.send(*ages)
    if committed is not None:
        site.commit(committed)
    await site.lag.ask()
    assert site.told() == (records, seconds)
    assert site.told(TP("raw", 1)) == (0, 0)
    assert site.value("stream_consumer_lag_checked_timestamp_seconds") == NOW_MS / 1000


async def test_what_retention_has_deleted_is_no_lag(site: Site) -> None:
    site.send(50, 40, 30)
    site.commit(1)
    site.log.trim(RAW, 2)
    await site.lag.ask()
    assert site.told() == (1, 30)


async def test_age_grows_until_the_record_is_finished(site: Site) -> None:
    site.send(30, 20)
    await site.lag.ask()
    site.at(100)
    await site.lag.ask()
    assert site.told() == (2, 130)
    site.commit(1)
    await site.lag.ask()
    assert site.told() == (1, 120)
    site.commit(2)
    await site.lag.ask()
    assert site.told() == (0, 0)


@pytest.mark.parametrize("age", [-HOUR_S, NOW_MS / 1000 + 0.001], ids=["future", "no time"])
async def test_a_record_that_lies_about_its_time_is_as_old_as_it_was_seen(site: Site, age: float) -> None:
    site.send(age)
    await site.lag.ask()
    site.at(120)
    await site.lag.ask()
    assert site.told() == (1, 120)


async def test_a_record_is_read_once(site: Site) -> None:
    site.send(30, 20)
    for _ in range(3):
        await site.lag.ask()
    assert site.broker.read == [RAW]
    site.commit(1)
    await site.lag.ask()
    site.commit(2)
    await site.lag.ask()
    assert site.broker.read == [RAW, RAW]


async def test_all_partitions_of_the_steps_are_told_and_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site(monkeypatch, topics=("raw", "normalized"))
    await site.lag.ask()
    assert [site.told(tp) for tp in (RAW, TP("raw", 1), TP("normalized", 0))] == [(0, 0)] * 3
    alone = Site(monkeypatch, topics=("normalized",))
    await alone.lag.ask()
    assert (alone.told(), alone.told(TP("normalized", 0))) == ((None, None), (0, 0))


async def test_a_topic_that_is_gone_is_told_no_more(site: Site) -> None:
    site.send(5)
    await site.lag.ask()
    site.log._topics.pop("raw")  # noqa: SLF001 - topics here are never deleted
    await site.lag.ask()
    assert site.told() == (None, None)


async def test_a_broker_that_is_gone_is_told_once_and_the_figures_grow_old(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="stream")
    site.send(30)
    await site.lag.try_asking()
    site.broker.fault = KafkaConnectionError("no broker")
    site.at(60)
    for _ in range(3):
        await site.lag.try_asking()
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert caplog.records[0].reason is site.broker.fault  # type: ignore[attr-defined] # a field of ours
    assert site.broker.closed == 3
    assert site.told() == (1, 30)
    assert site.value("stream_consumer_lag_checked_timestamp_seconds") == NOW_MS / 1000
    site.broker.fault = None
    await site.lag.try_asking()
    await site.lag.try_asking()
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert site.told() == (1, 90)
    assert site.value("stream_consumer_lag_checked_timestamp_seconds") == NOW_MS / 1000 + 60


async def test_before_the_first_answer_nothing_is_told(site: Site) -> None:
    site.broker.fault = KafkaConnectionError("no broker")
    await site.lag.try_asking()
    assert site.told() == (None, None)
    assert site.value("stream_consumer_lag_checked_timestamp_seconds") is None


@pytest.mark.parametrize("kept", [9.0 * 24 * HOUR_S, math.inf])
async def test_the_retention_of_the_changelog_is_told(monkeypatch: pytest.MonkeyPatch, kept: float) -> None:
    site = Site(monkeypatch, changelog="changelog")
    site.broker.kept = kept
    await site.lag.try_asking()
    assert site.value("stream_changelog_retention_seconds") == kept


async def test_a_retention_that_is_not_ours_to_see_is_absent_and_told_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="stream")
    site = Site(monkeypatch, changelog="changelog")
    site.broker.kept = TopicAuthorizationFailedError("refused")
    monkeypatch.setattr("stream.observability.consumer_lag._RETENTION_EVERY_S", 0)
    for _ in range(3):
        await site.lag.try_asking()
    assert [record.levelname for record in caplog.records] == ["INFO"]
    assert caplog.records[0].permission == "DescribeConfigs"  # type: ignore[attr-defined] # a field of ours
    assert site.value("stream_changelog_retention_seconds") is None
    assert site.told() == (0, 0)


async def test_the_retention_is_asked_for_rarely(monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site(monkeypatch, changelog="changelog")
    site.broker.kept = 5
    await site.lag.try_asking()
    site.broker.kept = 7
    await site.lag.try_asking()
    assert site.value("stream_changelog_retention_seconds") == 5
