"""Consumer lag in records and in seconds, from the offsets that the broker knows."""

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


class Offsets(MemoryGroupOffsets):
    """Offsets of a memory broker that can be made to fail, with a retention."""

    def __init__(self, broker: MemoryBroker) -> None:
        super().__init__(broker, "group")
        self.error: Exception | None = None
        self.retention: float | Exception | None = None
        self.close_calls = 0
        self.read: list[TP] = []

    async def partitions(self, topics: Sequence[str]) -> list[TP]:
        """See `MemoryGroupOffsets`."""
        if self.error:
            raise self.error
        return await super().partitions(topics)

    async def times(self, offsets: Mapping[TP, int]) -> dict[TP, int]:
        """See `MemoryGroupOffsets`."""
        self.read += offsets
        return await super().times(offsets)

    async def retention_s(self, topic: str) -> float | None:
        """See `MemoryGroupOffsets`."""
        assert topic == "changelog"
        if isinstance(self.retention, Exception):
            raise self.retention
        return self.retention

    async def close(self) -> None:
        """See `MemoryGroupOffsets`."""
        self.close_calls += 1


@dataclass
class Site:
    """A consumer group on a memory broker, with a clock that is set by hand."""

    monkeypatch: pytest.MonkeyPatch
    topics: Sequence[str] = ("raw",)
    changelog: str | None = None
    retention_interval_s: float = 3600
    log: MemoryBroker = field(default_factory=MemoryBroker)
    metrics: Metrics = field(default_factory=Metrics)

    def __post_init__(self) -> None:
        self.log.create_topic("raw", 2)
        self.log.create_topic("normalized", 1)
        self.offsets = Offsets(self.log)
        self.lag = ConsumerLag(
            self.offsets,
            self.topics,
            metrics=self.metrics,
            changelog=self.changelog,
            retention_interval_s=self.retention_interval_s,
        )
        self.set_clock(0)

    def set_clock(self, seconds: float) -> None:
        """Set the clock to ``seconds`` after `NOW_MS`."""
        moment = NOW_MS + int(seconds * 1000)
        self.monkeypatch.setattr("stream.system_clock.now_ms", lambda: moment)

    def send(self, *ages_s: float, partition: int = 0) -> None:
        """Store records with the given ages at `NOW_MS`."""
        for age in ages_s:
            self.log.produce(OutputRecord("raw", None, b"{}", (), partition), NOW_MS - int(age * 1000))

    def commit(self, offset: int, tp: TP = RAW) -> None:
        """Commit ``offset``."""
        self.log.commit("group", {tp: offset})

    def reported_lag(self, tp: TP = RAW) -> tuple[float | None, float | None]:
        """The lag of a partition, in records and in seconds."""
        value, labels = self.metrics.registry.get_sample_value, {"topic": tp.topic, "partition": str(tp.partition)}
        return value("stream_consumer_lag_records", labels), value("stream_consumer_lag_seconds", labels)

    def value(self, name: str) -> float | None:
        """A metric without labels."""
        return self.metrics.registry.get_sample_value(name)


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Site:
    """Return a group with one input topic of two partitions."""
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
    ids=["empty", "nothing committed", "some", "all", "topic recreated", "times not in order", "future", "no time"],
)
async def test_lag_is_counted_from_the_committed_offset(
    site: Site, ages: Sequence[float], committed: int | None, records: int, seconds: float
) -> None:
    site.send(*ages)
    if committed is not None:
        site.commit(committed)
    await site.lag.update()
    assert site.reported_lag() == (records, seconds)
    assert site.reported_lag(TP("raw", 1)) == (0, 0)
    assert site.value("stream_consumer_lag_checked_timestamp_seconds") == NOW_MS / 1000


async def test_deleted_records_are_no_lag(site: Site) -> None:
    site.send(50, 40, 30)
    site.commit(1)
    site.log.trim(RAW, 2)
    await site.lag.update()
    assert site.reported_lag() == (1, 30)


async def test_age_grows_until_the_record_is_finished(site: Site) -> None:
    site.send(30, 20)
    await site.lag.update()
    site.set_clock(100)
    await site.lag.update()
    assert site.reported_lag() == (2, 130)
    site.commit(1)
    await site.lag.update()
    assert site.reported_lag() == (1, 120)
    site.commit(2)
    await site.lag.update()
    assert site.reported_lag() == (0, 0)


@pytest.mark.parametrize("age", [-HOUR_S, NOW_MS / 1000 + 0.001], ids=["future", "no time"])
async def test_the_age_of_a_record_without_a_valid_time_counts_from_when_it_was_first_seen(
    site: Site, age: float
) -> None:
    site.send(age)
    await site.lag.update()
    site.set_clock(120)
    await site.lag.update()
    assert site.reported_lag() == (1, 120)


async def test_the_time_of_a_record_is_read_once(site: Site) -> None:
    site.send(30, 20)
    for _ in range(3):
        await site.lag.update()
    assert site.offsets.read == [RAW]
    site.commit(1)
    await site.lag.update()
    site.commit(2)
    await site.lag.update()
    assert site.offsets.read == [RAW, RAW]


async def test_all_partitions_of_the_input_topics_are_reported_and_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site(monkeypatch, topics=("raw", "normalized"))
    await site.lag.update()
    assert [site.reported_lag(tp) for tp in (RAW, TP("raw", 1), TP("normalized", 0))] == [(0, 0)] * 3
    alone = Site(monkeypatch, topics=("normalized",))
    await alone.lag.update()
    assert (alone.reported_lag(), alone.reported_lag(TP("normalized", 0))) == ((None, None), (0, 0))


async def test_a_deleted_topic_is_no_longer_reported(site: Site) -> None:
    site.send(5)
    await site.lag.update()
    site.log._topics.pop("raw")  # noqa: SLF001 - a memory broker cannot delete topics
    await site.lag.update()
    assert site.reported_lag() == (None, None)


async def test_a_failure_is_logged_once_and_the_metrics_keep_their_last_values(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="stream")
    site.send(30)
    await site.lag.try_update()
    site.offsets.error = KafkaConnectionError("no broker")
    site.set_clock(60)
    for _ in range(3):
        await site.lag.try_update()
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert caplog.records[0].reason is site.offsets.error  # type: ignore[attr-defined] # a field of ours
    assert site.offsets.close_calls == 3
    assert site.reported_lag() == (1, 30)
    assert site.value("stream_consumer_lag_checked_timestamp_seconds") == NOW_MS / 1000
    site.offsets.error = None
    await site.lag.try_update()
    await site.lag.try_update()
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert site.reported_lag() == (1, 90)
    assert site.value("stream_consumer_lag_checked_timestamp_seconds") == NOW_MS / 1000 + 60


async def test_nothing_is_reported_before_the_first_update(site: Site) -> None:
    site.offsets.error = KafkaConnectionError("no broker")
    await site.lag.try_update()
    assert site.reported_lag() == (None, None)
    assert site.value("stream_consumer_lag_checked_timestamp_seconds") is None


@pytest.mark.parametrize("retention", [9.0 * 24 * HOUR_S, math.inf])
async def test_the_retention_of_the_changelog_is_reported(monkeypatch: pytest.MonkeyPatch, retention: float) -> None:
    site = Site(monkeypatch, changelog="changelog")
    site.offsets.retention = retention
    await site.lag.try_update()
    assert site.value("stream_changelog_retention_seconds") == retention


async def test_a_retention_without_permission_is_absent_and_logged_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="stream")
    site = Site(monkeypatch, changelog="changelog", retention_interval_s=0)
    site.offsets.retention = TopicAuthorizationFailedError("refused")
    for _ in range(3):
        await site.lag.try_update()
    assert [record.levelname for record in caplog.records] == ["INFO"]
    assert caplog.records[0].permission == "DescribeConfigs"  # type: ignore[attr-defined] # a field of ours
    assert site.value("stream_changelog_retention_seconds") is None
    assert site.reported_lag() == (0, 0)


async def test_the_retention_is_cached(monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site(monkeypatch, changelog="changelog")
    site.offsets.retention = 5
    await site.lag.try_update()
    site.offsets.retention = 7
    await site.lag.try_update()
    assert site.value("stream_changelog_retention_seconds") == 5
