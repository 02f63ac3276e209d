"""Restores from the changelog: which records are read, what is logged, and what is a fault."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import pytest

from stream.core.index.store import MemoryStore
from stream.errors import IndexFault
from stream.state.rocksdb_store import RocksStore
from tests.support.articles import BRIDGE, HARVEST, article
from tests.support.changelog import RECORDS, Log, Site, changelog, documents
from tests.support.flow import until


async def test_an_empty_changelog_is_restored_at_once() -> None:
    site = Site(Log([]))
    site.indexes.assign([0])
    assert await documents(site.indexes) == 0
    assert site.value("stream_restore_progress_ratio", 0) == 1


async def test_an_index_on_disk_reads_only_new_records(tmp_path: Path) -> None:
    log = Log(RECORDS[:7])
    for expected in (7, 12):
        site = Site(log, lambda partition: RocksStore(tmp_path / str(partition)))
        site.indexes.assign([0])
        assert await documents(site.indexes) == expected
        await site.indexes.close()
        log.records = list(RECORDS)
    assert log.replayed_from == [0, 7]


async def test_a_trimmed_changelog_is_read_from_where_it_begins() -> None:
    site = Site(Log())
    site.log.start = 4
    site.indexes.assign([0])
    assert await documents(site.indexes) == 8
    assert site.log.replayed_from == [4]


async def test_an_index_older_than_a_trimmed_changelog_is_restored_from_its_beginning(tmp_path: Path) -> None:
    log = Log(RECORDS[:3])
    for expected in (3, 8):
        site = Site(log, lambda partition: RocksStore(tmp_path / str(partition)))
        site.indexes.assign([0])
        assert await documents(site.indexes) == expected
        await site.indexes.close()
        log.records, log.start = list(RECORDS), 4
    assert log.replayed_from == [0, 4]


async def test_an_index_with_a_gap_to_the_trimmed_changelog_is_reset() -> None:
    store = MemoryStore()
    site = Site(Log(RECORDS[:7]), lambda _partition: store)
    site.indexes.assign([0])
    assert await documents(site.indexes) == 7
    await site.indexes.close()
    site.log.records, site.log.start = list(RECORDS), 9
    site.indexes.assign([0])
    # Records 7 and 8 are gone: the records after them do not follow what the index has.
    assert await documents(site.indexes) == 3
    assert site.log.replayed_from == [0, 9]


async def test_a_changelog_record_without_a_value_is_a_fault() -> None:
    site = Site(Log([replace(RECORDS[0], value=None)]))
    site.indexes.assign([0])
    with pytest.raises(IndexFault, match="is not a fingerprint"):
        await documents(site.indexes)
    await site.indexes.close()


async def test_a_store_that_cannot_be_opened_is_a_fault(tmp_path: Path) -> None:
    open_elsewhere = RocksStore(tmp_path / "0")
    site = Site(Log(), lambda partition: RocksStore(tmp_path / str(partition)))
    site.indexes.assign([0, 1])
    with pytest.raises(IndexFault, match="in use by another worker"):
        await documents(site.indexes)
    assert await documents(site.indexes, 1) == 12
    await site.indexes.close()
    open_elsewhere.close()
    # The index of the other partition was closed all the same.
    RocksStore(tmp_path / "1").close()


async def test_an_index_that_is_ahead_of_its_changelog_is_a_fault() -> None:
    store = MemoryStore()
    site = Site(Log(), lambda _partition: store)
    site.indexes.assign([0])
    await documents(site.indexes)
    await site.indexes.close()
    site.log.records = RECORDS[:2]
    site.indexes.assign([0])
    with pytest.raises(IndexFault, match=r"up to offset 12, but the topic ends at 2.*Delete the partition's folder"):
        await documents(site.indexes)
    await site.indexes.close()


async def test_takedowns_are_restored_too() -> None:
    first = article(1, BRIDGE)
    site = Site(Log(changelog([first, article(2, HARVEST), {"url": first["url"], "status": "canceled"}])))
    site.indexes.assign([0])
    async with site.indexes.acquire(0) as index:
        assert index is not None
        assert (index.last_offset, index.documents) == (2, 2)
        transaction = index.begin_transaction()
        assert transaction.get_article("default/en", 0) is None
        assert transaction.get_article("default/en", 1) is not None
    await site.indexes.close()


async def test_a_restore_is_logged_with_its_range(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "stream.state.restore")
    site = Site(Log())
    site.log.go.clear()
    site.indexes.assign([0])
    await until(lambda: site.log.replayed_from, "the changelog is read")
    assert dict(site.indexes.restoring) == {0: 0}
    site.log.go.set()
    await documents(site.indexes)
    assert dict(site.indexes.restoring) == {}
    assert caplog.messages == ["restoring index", "index restored"]
    restored = caplog.records[-1].__dict__
    assert {name: restored[name] for name in ("partition", "offset", "end_offset", "records")} == {
        "partition": 0,
        "offset": 0,
        "end_offset": 12,
        "records": 12,
    }
    await site.indexes.close()
