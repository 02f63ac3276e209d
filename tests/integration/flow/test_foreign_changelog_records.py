"""Records in the changelog that no worker wrote, or that cannot be used, stop nothing and hide nothing silently."""

from __future__ import annotations

import shutil
from functools import partial
from typing import Any

import orjson
import pytest
from faust.types import TP

from stream.core.contracts.records import OutputRecord, Record
from stream.skipped_records import read_skipped_records
from stream.state.restore.loader import new_loader
from stream.state.restore.process_pool import RECORDS_MIN
from stream.transport.partitioner import partition_for
from tests.support.articles import generate_articles
from tests.support.flow import Running, Site, by_offset, verdicts, verdicts_without_interruption

ARTICLES = generate_articles(60, seed=71)


def skip_counts(running: Running, partition: int) -> dict[str, float]:
    """How many records of a partition this worker has skipped, by code; codes without any are left out."""
    samples = (
        sample
        for metric in running.flow.metrics.registry.collect()
        if metric.name == "stream_changelog_records_skipped"
        for sample in metric.samples
        if sample.labels["partition"] == str(partition) and sample.name.endswith("_total")
    )
    return {sample.labels["code"]: sample.value for sample in samples if sample.value}


def bad_records(site: Site, genuine: Record) -> list[OutputRecord]:
    """Records that an index must not apply, for the partition of ``genuine``."""
    topic, partition = site.topics.fingerprints, genuine.partition
    event = orjson.loads(genuine.value or b"")

    def changed(**fields: Any) -> OutputRecord:
        value = orjson.dumps({**event, **fields})
        return OutputRecord(topic, genuine.key, value, tuple(genuine.headers), partition)

    return [
        changed(offset=10**9, previous=10**8),
        OutputRecord(topic, b"key", None, (), partition),
        OutputRecord(topic, None, b"\xff not JSON", (), partition),
        OutputRecord(topic, None, b'{"an": "order"}', (("ce_type", b"org.example.order"),), partition),
        OutputRecord(topic, genuine.key, b"{}", tuple(genuine.headers), partition),
        changed(event_id="not hexadecimal"),
        changed(anchors="AAAA"),
        changed(scope="default/zz"),  # of another partition, or one that does not follow
        changed(offset=2**50),
    ]


async def first_fingerprint(site: Site) -> Record:
    """The first record of the partition in which most articles are."""
    partition = partition_for(b"default/en", site.settings.scope_partitions)
    return (await site.backend.contents(TP(site.topics.fingerprints, partition)))[0]


@pytest.mark.parametrize("records_min", [1, RECORDS_MIN], ids=["by-a-process", "by-the-worker"])
async def test_bad_records_of_the_changelog_change_no_verdict(site: Site, records_min: int) -> None:
    loader = partial(new_loader, process_records_min=records_min)
    skipped: dict[str, float] = {}
    for start in (0, 20, 40):
        await site.send(*ARTICLES[start : start + 20])
        running = await site.start(loader=loader)
        await site.settle(running)
        genuine = await first_fingerprint(site)
        skipped = skip_counts(running, genuine.partition)
        await site.stop(running)
        await site.backend.produce(bad_records(site, genuine))
        shutil.rmtree(site.settings.data_dir, ignore_errors=True)
    assert verdicts(by_offset(await site.events())) == verdicts_without_interruption(site, ARTICLES)
    assert sum(skipped.values()) == 18
    assert skipped["unusable"] >= 6
    assert skipped["foreign"] >= 6
    assert skipped["broken_chain"] >= 2


async def test_bad_records_among_those_of_a_running_worker_change_no_verdict(site: Site) -> None:
    await site.send(*ARTICLES[:20])
    running = await site.start()
    await site.settle(running)
    genuine = await first_fingerprint(site)
    for start in (20, 40):
        await site.backend.produce(bad_records(site, genuine))
        await site.send(*ARTICLES[start : start + 20])
        await site.settle(running)
    assert sum(skip_counts(running, genuine.partition).values()) == 18
    await site.stop(running)
    assert verdicts(by_offset(await site.events())) == verdicts_without_interruption(site, ARTICLES)
    if not site.is_memory:
        folder = site.settings.index_dir / f"{site.topics.normalized}-{genuine.partition}"
        assert sum(read_skipped_records(folder).counts.values()) == 18
