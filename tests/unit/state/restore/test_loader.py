"""Restores from the changelog: which records are read, what is logged, and what is a fault."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from stream.core.contracts import cloudevents, codec
from stream.core.contracts.events import ChangelogMark, RecoveryEvent
from stream.core.contracts.records import InputRecord
from stream.core.index.changelog_records import SkipCode
from stream.core.index.store import MemoryStore
from stream.core.log_position import LogState
from stream.errors import IndexFault, LogWentBack
from stream.state.rocksdb_store import RocksStore
from stream.transport.commit_metadata import CommitMetadata
from tests.support.articles import BRIDGE, HARVEST, article, generate_articles
from tests.support.changelog import RECORDS, Log, Site, changelog, documents
from tests.support.changelog_events import decode_changelog_event
from tests.support.flow import until

OTHER_RECORDS = changelog(generate_articles(12, seed=5))


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


async def test_a_changelog_record_that_cannot_be_used_is_skipped_counted_and_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    site = Site(Log([*RECORDS[:3], replace(RECORDS[3], value=None), *RECORDS[4:]]))
    site.indexes.assign([0])
    assert await documents(site.indexes) == 11
    assert skip_counts(site) == {"foreign": 0, "unusable": 1, "broken_chain": 0, "conflict": 0}
    (line,) = (line for line in caplog.records if line.message == "skipped a changelog record")
    fields = ("topic", "partition", "offset", "code", "reason")
    assert [line.__dict__[name] for name in fields] == ["log", 0, 3, "unusable", "it has no value"]
    await site.indexes.close()


def skip_counts(site: Site) -> dict[str, float | None]:
    """How many records partition 0 has skipped, by code."""
    name, read = "stream_changelog_records_skipped_total", site.metrics.registry.get_sample_value
    return {code: read(name, {"partition": "0", "code": code}) for code in get_args(SkipCode)}


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


class TestChangelogThatWentBack:
    """The changelog is not the one that the index has read."""

    @pytest.fixture
    async def site(self) -> Site:
        """Indexes of one store, the first of which has read everything."""
        store = MemoryStore()
        site = Site(Log(), lambda _partition: store)
        site.indexes.assign([0])
        await documents(site.indexes)
        await site.indexes.close()
        return site

    @staticmethod
    async def restore(site: Site) -> int:
        """Restore the index again, and return how many articles it has."""
        site.indexes.assign([0])
        try:
            return await documents(site.indexes)
        finally:
            await site.indexes.close()

    async def test_a_changelog_without_its_end_is_noticed(self, site: Site) -> None:
        site.log.records = RECORDS[:2]
        with pytest.raises(LogWentBack, match=r"log-0: the record at offset 11.*ends at 2; run `stream recover`"):
            await self.restore(site)

    async def test_a_changelog_without_its_end_that_has_grown_again_is_noticed(self, site: Site) -> None:
        site.log.records = renumbered([*RECORDS[:2], *OTHER_RECORDS])
        assert len(site.log.records) > 12
        with pytest.raises(LogWentBack, match="the record at offset 11") as error:
            await self.restore(site)
        assert error.value.kind == "truncated"

    async def test_a_changelog_that_was_created_again_is_noticed(self, site: Site) -> None:
        site.log.topic_id = "B" * 22
        with pytest.raises(LogWentBack, match="now has id BBBBB") as error:
            await self.restore(site)
        assert error.value.kind == "recreated"

    async def test_an_empty_index_notices_that_the_group_had_written_more(self) -> None:
        site = Site(Log(RECORDS[:2]))
        site.committed = CommitMetadata("N", 0, mark_of(RECORDS[5]))
        with pytest.raises(LogWentBack, match="the record at offset 5"):
            await self.restore(site)

    async def test_records_that_retention_has_deleted_are_not_missed(self, site: Site) -> None:
        site.committed = CommitMetadata("N", 0, mark_of(RECORDS[5]))
        site.log.start = 12
        assert await self.restore(site) == 12

    async def test_after_a_recovery_an_index_keeps_what_it_knows_and_goes_on(
        self, site: Site, caplog: pytest.LogCaptureFixture
    ) -> None:
        site.log.topic_id = "B" * 22
        site.log.records = [recovery(0, offset=11, lost=mark_of(RECORDS[11]))]
        with caplog.at_level(logging.WARNING, "stream.state.restore"):
            assert await self.restore(site) == 12
        assert caplog.messages == ["index goes on at the recovery"]
        caplog.clear()
        assert await self.restore(site) == 12
        assert caplog.messages == []

    async def test_after_a_recovery_an_index_skips_what_the_lost_changelog_had_left(self, site: Site) -> None:
        site.log.records = [*RECORDS[:4], recovery(4, offset=11, lost=mark_of(RECORDS[11]))]
        assert await self.restore(site) == 12

    async def test_after_a_recovery_an_index_applies_what_was_stored_before_it(self) -> None:
        """A worker notices a changelog that went back by what it stores there: that was published already."""
        store = MemoryStore()
        site = Site(Log(RECORDS[:8]), lambda _partition: store)
        assert await self.restore(site) == 8
        site.log.topic_id = "B" * 22
        stored = [replace(record, offset=offset) for offset, record in enumerate(RECORDS[8:10])]
        site.log.records = [*stored, recovery(2, offset=9, lost=mark_of(RECORDS[7]))]
        assert await self.restore(site) == 10
        assert set(skip_counts(site).values()) == {0}
        site.log.records = [*site.log.records, replace(RECORDS[10], offset=3), replace(RECORDS[11], offset=4)]
        assert await self.restore(site) == 12

    async def test_an_empty_index_is_restored_from_what_is_left(self) -> None:
        site = Site(Log([*RECORDS[:4], recovery(4, offset=11, lost=mark_of(RECORDS[11]))]))
        site.indexes.assign([0])
        async with site.indexes.acquire(0) as index:
            assert index is not None
            assert (index.documents, index.last_offset) == (4, 11)
        await site.indexes.close()


class TestNormalizedTopicThatWentBack:
    """The normalized topic is not the one that the index has decided."""

    @pytest.mark.parametrize(
        ("state", "kind"),
        [
            (LogState("N", 0, 0, 5, None), "truncated"),
            (LogState("N", 3, 0, 50, 5), "truncated"),
            (LogState("M", 0, 0, 50, None), "recreated"),
        ],
    )
    async def test_it_is_noticed_after_the_restore(self, state: LogState, kind: str) -> None:
        site = Site(Log(in_log("N/0")))
        site.log.normalized = state
        site.indexes.assign([0])
        with pytest.raises(LogWentBack) as error:
            await documents(site.indexes)
        assert (error.value.topic, error.value.kind) == ("normalized", kind)
        with pytest.raises(LogWentBack):
            site.indexes.measure()
        await site.indexes.close()

    @pytest.mark.parametrize("state", [LogState("N", 0, 0, 12, 12), LogState("N", 2, 7, 90, 12)])
    async def test_a_log_that_has_grown_is_the_same(self, state: LogState) -> None:
        site = Site(Log(in_log("N/0")))
        site.log.normalized = state
        site.indexes.assign([0])
        assert await documents(site.indexes) == 12
        await site.indexes.close()


def renumbered(records: Sequence[InputRecord]) -> list[InputRecord]:
    """The same records at the first offsets of a log."""
    return [replace(record, offset=offset) for offset, record in enumerate(records)]


def mark_of(record: InputRecord) -> ChangelogMark:
    """What is committed when ``record`` was the last one of the changelog."""
    event_id = decode_changelog_event(record).event_id
    return ChangelogMark(topic_id="A" * 22, offset=record.offset, event_id=event_id)


def recovery(at: int, *, offset: int, lost: ChangelogMark) -> InputRecord:
    """The record of a recovery at the offset ``at``."""
    event = RecoveryEvent(event_id="ab" * 16, offset=offset, lost_mark=lost)
    headers = cloudevents.headers("/log", event.event_id, cloudevents.RECOVERY, "2026-05-04T06:00:00.000Z")
    return InputRecord("log", 0, at, 0, b"*", codec.encode(event), headers)


def in_log(name: str) -> list[InputRecord]:
    """The changelog of articles that were in the log ``name``."""
    return [
        replace(record, value=codec.encode(msgspec.structs.replace(decode_changelog_event(record), log=name)))
        for record in RECORDS
    ]


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


async def test_an_index_that_has_skipped_the_last_record_finds_its_place_again() -> None:
    store = MemoryStore()
    foreign = InputRecord("log", 0, 12, 0, None, b"x", ())
    for expected in (12, 12):
        site = Site(Log([*RECORDS, foreign]), lambda _partition: store)
        site.indexes.assign([0])
        assert await documents(site.indexes) == expected
        await site.indexes.close()
    assert site.log.replayed_from == [13]
