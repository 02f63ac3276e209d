"""The check before the start: a worker that finds a log that went back shows it, and decides nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from stream.observability.metrics import Metrics
from stream.recovery.plan import ChangedLog
from stream.runtime.http_server import WorkerPages, WorkerStatus
from stream.runtime.log_check import Finder, has_changed_logs
from stream.settings import Settings
from tests.unit.runtime.test_http_server import Status

SETTINGS = Settings(broker="kafka://127.0.0.1:9", raw_partitions=2, scope_partitions=3)
RECREATED = ChangedLog("articles.normalized", 1, "recreated", "it has another topic id")


def finds(*changed: ChangedLog) -> Finder:
    async def find(_settings: Settings) -> Sequence[ChangedLog]:
        return changed

    return find


async def check(find: Finder, *, settings: Settings = SETTINGS) -> tuple[bool, Metrics, WorkerPages]:
    metrics = Metrics()
    pages = WorkerPages(metrics.registry, Status())
    changed = await has_changed_logs(settings, metrics, pages, asyncio.Event(), find=find, report_s=0)
    return changed, metrics, pages


def flags(metrics: Metrics) -> dict[tuple[str, str], float]:
    samples = [sample for family in metrics.registry.collect() for sample in family.samples]
    return {
        (sample.labels["topic"], sample.labels["partition"]): sample.value
        for sample in samples
        if sample.name == "stream_log_changed"
    }


async def test_a_metric_shows_every_log_even_if_none_has_changed() -> None:
    changed, metrics, pages = await check(finds())
    assert not changed
    topics = {"articles.raw": 2, "articles.normalized": 3, "articles.fingerprints": 3}
    assert flags(metrics) == {(topic, str(number)): 0 for topic, count in topics.items() for number in range(count)}
    assert isinstance(pages.status, Status)


async def test_a_log_that_went_back_is_shown_and_the_worker_is_alive_but_not_ready(
    caplog: pytest.LogCaptureFixture,
) -> None:
    changed, metrics, pages = await check(finds(RECREATED))
    assert changed
    assert {log for log, flag in flags(metrics).items() if flag} == {("articles.normalized", "1")}
    assert [record.message for record in caplog.records] == [
        "a log went back; stop all workers and run: stream recover"
    ]
    status: WorkerStatus = pages.status
    assert (status.healthy().is_good, status.ready().is_good) == (True, False)
    assert status.ready().details == {"changed_logs": ["articles.normalized/1: recreated"]}


async def test_files_and_memory_have_no_logs() -> None:
    changed, metrics, _ = await check(finds(RECREATED), settings=Settings(broker="memory://"))
    assert (changed, flags(metrics)) == (False, {})
