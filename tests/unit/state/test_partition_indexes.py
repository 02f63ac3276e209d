"""The life cycle of the indexes of assigned partitions: restored, used, revoked."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from faust.types import TP

from stream.core.contracts.events import FingerprintEvent
from stream.core.contracts.records import InputRecord, Record
from stream.core.index.partition_index import PartitionIndex
from stream.core.index.store import MEMORY_KINDS, MemoryStore
from stream.errors import IndexFault
from stream.state.partition_indexes import StoredEvent, topic_partitions
from stream.state.rocksdb_store import RocksStore
from tests.support.changelog import RECORDS, Log, Site, documents
from tests.support.changelog_events import decode_changelog_event
from tests.support.flow import until


async def test_an_index_is_restored_before_it_is_handed_out() -> None:
    site = Site(Log())
    site.log.go.clear()
    site.indexes.assign([0])
    order: list[str] = []

    async def count_documents() -> int:
        count = await documents(site.indexes)
        order.append("index handed out")
        return count

    counting = asyncio.create_task(count_documents())
    await until(lambda: site.log.replayed_from, "the changelog is read")
    assert not site.indexes.are_restored
    assert site.value("stream_restore_progress_ratio", 0) == 0
    assert site.value("stream_restore_remaining_records", 0) == 12
    order.append("changelog handed out")
    site.log.go.set()
    assert await counting == 12
    assert order == ["changelog handed out", "index handed out"]
    assert site.value("stream_restore_remaining_records", 0) == 0
    assert (site.value("stream_index_oldest_timestamp_seconds", 0) or 0) > 1_700_000_000
    assert site.indexes.are_restored
    assert site.value("stream_restore_progress_ratio", 0) == 1
    assert site.value("stream_records_restored_total") == 12
    assert site.value("stream_index_documents", 0) == 12
    assert (site.value("stream_index_size_bytes", 0) or 0) > 1000
    await site.indexes.close()
    assert site.are_closed == [True]
    assert site.value("stream_index_documents", 0) is None


async def test_a_partition_that_is_not_assigned_has_no_index() -> None:
    site = Site(Log())
    async with site.indexes.acquire(3) as index:
        assert index is None
    assert site.stores == []


async def test_assigning_a_partition_again_keeps_its_open_index() -> None:
    site = Site(Log())
    site.indexes.assign([0])
    await documents(site.indexes)
    site.indexes.assign([0, 1])
    await documents(site.indexes, 1)
    assert len(site.stores) == 2
    assert site.log.replayed_from == [0, 0]
    await site.indexes.close()


async def test_a_partition_that_comes_back_is_brought_up_to_date() -> None:
    store = MemoryStore()
    site = Site(Log(RECORDS[:7]), lambda _partition: store)
    site.indexes.assign([0])
    assert await documents(site.indexes) == 7
    await site.indexes.revoke([0])
    site.log.records = list(RECORDS)
    site.indexes.assign([0])
    assert await documents(site.indexes) == 12
    assert site.log.replayed_from == [0, 7]


async def test_an_index_is_not_closed_while_a_batch_uses_it() -> None:
    site = Site(Log())
    site.indexes.assign([0])
    async with site.indexes.acquire(0) as index:
        assert isinstance(index, PartitionIndex)
        revoking = asyncio.create_task(site.indexes.revoke([0]))
        await asyncio.sleep(0)  # the revocation runs until it has to wait for the batch
        assert site.are_closed == [False]
        assert not revoking.done()
    await revoking
    assert site.are_closed == [True]


async def test_a_batch_that_waits_for_a_revoked_index_gets_none() -> None:
    site = Site(Log())
    site.indexes.assign([0])
    async with site.indexes.acquire(0):

        async def batch() -> PartitionIndex | None:
            async with site.indexes.acquire(0) as index:
                return index

        waiting = asyncio.create_task(batch())
        await asyncio.sleep(0)
        revoking = asyncio.create_task(site.indexes.revoke([0]))
        await asyncio.sleep(0)
    assert await waiting is None
    await revoking


async def test_an_index_that_is_revoked_while_it_is_restored_is_closed() -> None:
    site = Site(Log())
    site.log.go.clear()
    site.indexes.assign([0])
    await until(lambda: site.log.replayed_from, "the changelog is read")
    await site.indexes.revoke([0])
    assert site.are_closed == [True]
    assert site.indexes.are_restored  # nothing is asked for any more


class LostLog(Log):
    """A changelog that cannot be read any more once its first records were."""

    async def replay(self, tp: TP, start: int) -> AsyncGenerator[Sequence[Record], None]:
        """Give five records."""
        async with contextlib.aclosing(super().replay(tp, start)) as fetches:
            async for records in fetches:
                yield records
                raise IndexFault("the disk is full")


async def test_a_restore_that_fails_is_a_fault_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    site = Site(LostLog())
    with caplog.at_level(logging.ERROR, "stream.state.partition_indexes"):
        site.indexes.assign([0])
        with pytest.raises(IndexFault, match="the disk is full"):
            await documents(site.indexes)
    assert caplog.messages == ["cannot restore the index"]
    assert not site.indexes.are_restored
    assert site.are_closed == [True]
    # Stopping the worker must not fail for it.
    await site.indexes.close()


async def test_a_batch_stops_waiting_for_a_restore_when_its_wait_is_cancelled() -> None:
    site = Site(Log())
    site.log.go.clear()
    site.indexes.assign([0])
    cancel_on = asyncio.Event()

    async def batch() -> PartitionIndex | None:
        async with site.indexes.acquire(0, cancel_on=cancel_on) as index:
            return index

    waiting = asyncio.create_task(batch())
    await until(lambda: site.log.replayed_from, "the changelog is read")
    assert not waiting.done()
    cancel_on.set()
    assert await waiting is None
    # The restore goes on for whoever has the partition after that, and closing does not wait for it.
    assert not site.indexes.are_restored
    await site.indexes.close()
    assert site.are_closed == [True]


async def commit_last(site: Site, *, known: int, stored: list[int]) -> PartitionIndex:
    """Let an index that has read ``known`` records commit the next ones, stored at the offsets ``stored``."""
    async with site.indexes.acquire(0) as index:
        assert index is not None
        transaction = index.begin_transaction()
        for record in RECORDS[known : known + len(stored)]:
            event = decode_changelog_event(record)
            assert isinstance(event, FingerprintEvent)
            transaction.add(event)
        events = [decode_changelog_event(record) for record in RECORDS[known : known + len(stored)]]
        await site.indexes.commit_batch(
            0, index, transaction, [StoredEvent(at, event.event_id) for at, event in zip(stored, events, strict=True)]
        )
        return index


async def test_a_committed_batch_is_not_read_from_the_changelog_again() -> None:
    site = Site(Log(RECORDS[:7]))
    site.indexes.assign([0])
    await documents(site.indexes)
    site.log.records = list(RECORDS)
    index = await commit_last(site, known=7, stored=[7, 8, 9, 10, 11])
    assert (index.documents, index.changelog_end) == (12, 12)
    assert site.log.replayed_from == [0]
    await site.indexes.close()


async def test_a_batch_without_changelog_records_leaves_the_position() -> None:
    site = Site(Log(RECORDS[:7]))
    site.indexes.assign([0])
    await documents(site.indexes)
    index = await commit_last(site, known=7, stored=[])
    assert (index.documents, index.changelog_end) == (7, 7)
    await site.indexes.close()


async def test_an_owner_skips_the_records_of_a_zombie(caplog: pytest.LogCaptureFixture) -> None:
    site = Site(Log(RECORDS[:9]))
    site.indexes.assign([0])
    await documents(site.indexes)
    # The zombie's records were decided before; they are between this index and its own records.
    site.log.records = renumber([*RECORDS[:9], *RECORDS[6:9], *RECORDS[9:]])
    index = await commit_last(site, known=9, stored=[12, 13, 14])
    fields = vars(next(record for record in caplog.records if "records of another worker" in record.message))
    assert (fields["partition"], fields["offset"], fields["end_offset"]) == (0, 9, 15)
    assert (index.last_offset, index.documents, index.changelog_end) == (11, 12, 15)
    assert site.log.replayed_from == [0, 9]
    await site.indexes.close()


async def test_a_zombie_applies_what_the_owner_decided_meanwhile() -> None:
    store = MemoryStore()
    site = Site(Log(RECORDS[:4]), lambda _partition: store)
    site.indexes.assign([0])
    await documents(site.indexes)
    # The owner has decided all; only then the zombie's batch of two was stored.
    site.log.records = renumber([*RECORDS, *RECORDS[4:6]])
    index = await commit_last(site, known=4, stored=[12, 13])
    assert (index.last_offset, index.documents, index.changelog_end) == (11, 12, 14)
    await site.indexes.close()
    # Later it gets the partition back, and has nothing left to read.
    site.indexes.assign([0])
    assert await documents(site.indexes) == 12
    assert site.log.replayed_from == [0, 4, 14]
    await site.indexes.close()


def renumber(records: Sequence[InputRecord]) -> list[InputRecord]:
    """The records with consecutive offsets."""
    return [replace(record, offset=offset) for offset, record in enumerate(records)]


def test_topic_partitions_are_those_of_one_topic_in_order() -> None:
    assigned = [TP("b", 3), TP("a", 2), TP("b", 1)]
    assert topic_partitions(assigned, "b") == [1, 3]
    assert topic_partitions(assigned, "c") == []


async def test_what_is_flushed_survives_the_process(tmp_path: Path) -> None:
    folder = tmp_path / "index" / "0"
    site = Site(Log(), lambda _partition: RocksStore(folder))
    site.indexes.assign([0])
    await documents(site.indexes)
    assert index_in_a_copy(folder).documents == 0
    site.indexes.flush()
    assert index_in_a_copy(folder).documents == 12
    await site.indexes.close()


def index_in_a_copy(folder: Path) -> PartitionIndex:
    """The index that is left if the process that has it open is killed now."""
    copy = folder.parent / f"copy-{len(list(folder.parent.iterdir()))}"
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("LOCK"))
    store = RocksStore(copy)
    index = PartitionIndex(store, window_ms=1000)
    store.close()
    return index


async def test_the_memory_of_an_index_on_disk_is_measured_until_it_is_closed(tmp_path: Path) -> None:
    site = Site(Log(), lambda partition: RocksStore(tmp_path / str(partition)))

    def memory(kind: str) -> float | None:
        labels = {"partition": "0", "kind": kind}
        return site.metrics.registry.get_sample_value("stream_index_memory_bytes", labels)

    site.indexes.assign([0])
    await documents(site.indexes)
    assert (memory("memtables") or 0) > 1000
    assert None not in [memory(kind) for kind in MEMORY_KINDS]
    await site.indexes.close()
    assert [memory(kind) for kind in MEMORY_KINDS] == [None] * len(MEMORY_KINDS)
    assert site.value("stream_index_oldest_timestamp_seconds", 0) is None
