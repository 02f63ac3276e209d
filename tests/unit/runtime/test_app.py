"""How the Faust app is set up, and its health; tests/integration/flow tests what it does."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from faust.types import TP

from stream.core.contracts.records import InputRecord
from stream.core.log_position import UNKNOWN_LOG
from stream.core.pipeline.normalize import Normalizer
from stream.core.pipeline.outcome import Outcome
from stream.runtime.app import EXIT_FAULT, ArticleFlow
from stream.settings import Settings
from stream.transport.record_batch import RecordBatch, transport_of
from tests.support.articles import BRIDGE, FLOOD, article, takedown
from tests.support.flow import Clock, Site, until
from tests.support.flow_brokers import FlowMemory


@pytest.fixture
async def site(topic_prefix: str, tmp_path: Path) -> AsyncIterator[Site]:
    """Yield a broker in memory."""
    backend = FlowMemory(topic_prefix.rstrip("-"))
    made = Site(backend, tmp_path, stall_s=100)
    await made.create_topics()
    yield made
    await made.stop_all()
    await backend.close()


def flow_on(broker: str, **settings: Any) -> ArticleFlow:
    """A flow that is not started."""
    return ArticleFlow(Settings(broker=broker, **settings))


def test_each_server_is_read_through_the_batch_transport() -> None:
    flow = flow_on("one:9092, two:9093")
    assert [str(url) for url in flow.app.conf.broker] == ["kafka+batch://one:9092", "kafka+batch://two:9093"]


def test_settings_that_lose_events_are_off() -> None:
    conf = flow_on("memory://setup").app.conf
    assert conf.producer_acks == -1
    assert conf.stream_wait_empty
    assert str(conf.processing_guarantee.value) == "at_least_once"
    assert not conf.topic_allow_declare
    assert conf.consumer_auto_offset_reset == "none"
    assert conf.consumer_metadata_max_age_ms <= 30_000


@pytest.mark.parametrize("broker", ["memory://setup", "one:9092"])
def test_the_bytes_of_a_batch_are_those_of_the_settings(broker: str) -> None:
    assert transport_of(flow_on(broker, batch_mib=3).app).batch_bytes == 3 * 2**20


@pytest.mark.parametrize("session_s", [6.0, 30.0, 300.0])
def test_a_rebalance_ends_before_the_group_gives_up(session_s: float) -> None:
    conf = flow_on("memory://setup", session_timeout_s=session_s).app.conf
    assert conf.broker_heartbeat_interval < session_s / 3
    assert conf.broker_request_timeout > conf.broker_session_timeout


def test_a_fault_ends_the_process_at_once() -> None:
    program = (
        "from faust.types import TP\n"
        "from stream.runtime.app import abort_on_fault\n"
        "from stream.observability.log_setup import configure_logging\n"
        "from stream.core.contracts.records import InputRecord, LogId\n"
        "from stream.transport.record_batch import RecordBatch\n"
        "configure_logging('INFO')\n"
        "records = [InputRecord('topic', 3, 7, None, None, b'')]\n"
        "batch = RecordBatch(TP('topic', 3), records, end=9, epoch=1, log=LogId('', -1), finish=print)\n"
        "try:\n"
        "    abort_on_fault('deduplicate', batch, OSError('no space left'))\n"
        "finally:\n"
        "    print('went on')\n"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert result.returncode == EXIT_FAULT
    assert result.stdout == ""
    fields = "step=deduplicate topic=topic partition=3 offset=7 end_offset=9 records=1"
    assert f"fault; nothing of the batch is committed {fields} exception_type=" in result.stderr
    assert 'exception_message="no space left"' in result.stderr


def lags(flow: ArticleFlow) -> set[float]:
    """The consumer lags in the metrics, in records."""
    return {sample.value for sample in next(iter(flow.metrics.lag_records.collect())).samples}


async def test_lag_and_progress_are_measured(site: Site) -> None:
    await site.send(article(1, BRIDGE), article(2, FLOOD), b"{")
    running = await site.start()
    await site.settle(running)
    running.flow.measure()
    value = running.flow.metrics.registry.get_sample_value
    await until(lambda: lags(running.flow) == {0}, "all committed, and the lag measured")
    for topic, partition in ((site.topics.raw, 0), (site.topics.normalized, 0), (site.topics.normalized, 1)):
        labels = {"topic": topic, "partition": str(partition)}
        assert value("stream_consumer_lag_seconds", labels) == 0
        assert (value("stream_last_progress_timestamp_seconds", labels) or 0) > 1_700_000_000
    assert sum(value("stream_index_documents", {"partition": str(partition)}) or 0 for partition in (0, 1)) == 2
    assert value("stream_records_consumed_total", {"step": "normalize"}) == 3
    assert value("stream_records_consumed_total", {"step": "deduplicate"}) == 2
    assert value("stream_records_published_total", {"topic": site.topics.enriched}) == 2
    assert value("stream_events_rejected_total", {"step": "normalize", "code": "invalid_json"}) == 1
    for since in ("fetched_at", "broker"):
        assert value("stream_event_latency_seconds_count", {"since": since}) == 2
    assert [value("stream_articles_by_language_total", {"language": name}) for name in ("en", "ar")] == [1, 1]
    assert value("stream_articles_by_source_total", {"source": "other", "is_duplicate": "false"}) == 2
    assert value("stream_ready") == 1
    assert value("stream_window_seconds") == 7 * 24 * 3600
    assert value("stream_data_dir_free_bytes") is None
    assert value("stream_changelog_retention_seconds") is None
    for step in ("parse", "validate", "normalize", "decide", "record"):
        assert (value("stream_step_duration_seconds_count", {"step": step}) or 0) >= 2
    assert (value("stream_step_duration_seconds_count", {"step": "fingerprint"}) or 0) >= 1  # a batch at once
    assert running.flow.healthy().is_good


async def test_a_takedown_is_sent_to_every_scope_partition_and_counted_in_each(site: Site) -> None:
    await site.process(article(1, BRIDGE))
    await site.send(takedown(1))
    running = await site.start()
    await site.settle(running)
    value = running.flow.metrics.registry.get_sample_value
    # The index of the first flow was in memory, so its articles come from the changelog.
    assert value("stream_takedowns_total", {"result": "withdrawn"}) == 1
    assert value("stream_takedowns_total", {"result": "nothing_withdrawn"}) == site.settings.scope_partitions - 1
    assert value("stream_records_published_total", {"topic": site.topics.normalized}) == site.settings.scope_partitions
    assert value("stream_step_duration_seconds_count", {"step": "remove"}) == site.settings.scope_partitions


class FailingNormalizer(Normalizer):
    """Fails at every record."""

    def __call__(self, *_: object, **__: object) -> list[Outcome]:
        """Fail."""
        raise ZeroDivisionError


async def test_a_flow_that_stands_still_is_not_healthy(site: Site) -> None:
    clock = Clock()
    await site.send(article(1, BRIDGE))
    running = await site.start(normalizer=FailingNormalizer(site.topics), clock=clock)
    await until(lambda: running.faults, "a fault")
    running.flow.measure()
    assert running.flow.healthy().is_good
    clock.now += 101
    running.flow.measure()
    check = running.flow.healthy()
    assert not check.is_good
    assert check.details["partitions"] == 3
    assert list(check.details["stalled_seconds"]) == [f"{site.topics.raw}/0"]  # type: ignore[call-overload]
    await until(lambda: 1 in lags(running.flow), "the lag")


def test_a_flow_without_partitions_for_too_long_is_not_healthy() -> None:
    clock = Clock()
    flow = ArticleFlow(Settings(broker="memory://setup", stall_s=100), clock=clock)
    assert flow.healthy().is_good
    clock.now += 101
    check = flow.healthy()
    assert not check.is_good
    assert "waiting_for_group_seconds" in check.details


async def test_the_space_on_the_disk_of_the_index_is_measured(tmp_path: Path) -> None:
    flow = flow_on("one:9092", data_dir=tmp_path)
    await flow.measure_disk()
    value = flow.metrics.registry.get_sample_value
    free, total = value("stream_data_dir_free_bytes"), value("stream_data_dir_total_bytes")
    assert free is not None
    assert total is not None
    assert 0 <= free <= total


async def test_a_folder_that_does_not_exist_yet_is_no_fault(tmp_path: Path) -> None:
    flow = flow_on("one:9092", data_dir=tmp_path / "data")
    await flow.measure_disk()
    assert flow.metrics.registry.get_sample_value("stream_data_dir_free_bytes") is None


def test_a_worker_that_only_normalizes_has_no_window_metric() -> None:
    flow = ArticleFlow(Settings(broker="memory://setup"), steps=["normalize"])
    assert flow.metrics.registry.get_sample_value("stream_window_seconds") is None


async def test_a_batch_whose_index_is_gone_is_not_done() -> None:
    flow = flow_on("memory://setup")
    finished: list[RecordBatch] = []
    record = InputRecord("articles.normalized", 0, 0, 0, None, b"{}")
    batch = RecordBatch(TP("articles.normalized", 0), [record], end=1, epoch=0, log=UNKNOWN_LOG, finish=finished.append)
    await flow._deduplicate(batch)  # noqa: SLF001 - no broker gives out a partition without an index
    assert finished == []


async def test_a_flow_without_partitions_is_not_ready() -> None:
    flow = flow_on("memory://setup")
    assert flow.metrics.registry.get_sample_value("stream_ready") == 0
    assert not flow.ready().is_good
    assert flow.ready().details == {"assigned": False, "restored": True}
    assert flow.healthy().is_good
