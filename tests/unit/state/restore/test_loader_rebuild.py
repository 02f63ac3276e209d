"""Corrupt indexes: marked, reset, and rebuilt from the changelog."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import pytest

from stream.errors import IndexDamaged, IndexFault
from stream.state.rocksdb_store import RocksStore
from tests.support.changelog import CountingStore, Log, Site, documents, restored_stores


async def test_an_index_of_other_rules_is_rebuilt_from_the_changelog(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    log = Log()
    for version in ("old rules", "rules in use"):
        monkeypatch.setattr("stream.core.index.partition_index.LAYOUT_VERSION", version)
        site = Site(log, lambda partition: RocksStore(tmp_path / str(partition)))
        site.indexes.assign([0])
        assert await documents(site.indexes) == 12
        await site.indexes.close()
    assert log.replayed_from == [0, 0]
    (warning,) = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert warning.message == "rebuilding the index from the changelog"
    assert warning.__dict__["reason"] == "the index was written by version old rules, this is rules in use"


async def test_a_damaged_index_is_rebuilt_from_the_changelog(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    log = Log()
    for _ in range(2):
        site = Site(log, lambda partition: RocksStore(tmp_path / str(partition)))
        site.indexes.assign([0])
        assert await documents(site.indexes) == 12
        await site.indexes.close()
        (manifest,) = (tmp_path / "0").glob("MANIFEST-*")
        manifest.write_bytes(b"no manifest")
    assert log.replayed_from == [0, 0]
    assert "rebuilding the index from the changelog" in caplog.messages


class UnreadableStore(CountingStore):
    """A store that turns out to be damaged when an article is looked up."""

    is_damaged = True

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """Fail at any key but those that the index keeps for itself."""
        if self.is_damaged and any(not key.startswith(b"\0") for key in keys):
            raise IndexDamaged("a block does not match its checksum")
        return super().get_many(keys)


async def test_damage_found_by_a_restore_marks_the_store() -> None:
    store = UnreadableStore()
    site = Site(Log(), lambda _partition: store)
    site.indexes.assign([0])
    with pytest.raises(IndexDamaged, match="checksum"):
        await documents(site.indexes)
    assert store.marked_corrupt == "a block does not match its checksum"
    assert store.is_closed
    assert not site.indexes.are_restored
    await site.indexes.close()


async def test_damage_found_by_a_decision_marks_the_store_at_once() -> None:
    site = Site(Log())
    site.indexes.assign([0])
    (store,) = await restored_stores(site)
    with pytest.raises(IndexDamaged):
        async with site.indexes.acquire(0):
            raise IndexDamaged("the index lacks the article at 7")
    assert store.marked_corrupt == "the index lacks the article at 7"
    await site.indexes.close()


@pytest.mark.parametrize("fault", [IndexFault("no space left"), ValueError("no index")])
async def test_other_faults_do_not_mark_the_store(fault: Exception) -> None:
    site = Site(Log())
    site.indexes.assign([0])
    (store,) = await restored_stores(site)
    with pytest.raises(type(fault)):
        async with site.indexes.acquire(0):
            raise fault
    assert store.marked_corrupt is None
    await site.indexes.close()


async def test_a_marked_index_is_rebuilt_when_it_is_opened_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log = Log()
    for reason in ("the index lacks the article at 7", None):
        site = Site(log, lambda partition: RocksStore(tmp_path / str(partition)))
        site.indexes.assign([0])
        assert await documents(site.indexes) == 12
        if reason:
            with pytest.raises(IndexDamaged):
                async with site.indexes.acquire(0):
                    raise IndexDamaged(reason)
        await site.indexes.close()
    assert log.replayed_from == [0, 0]
    reasons = [record.__dict__.get("reason") for record in caplog.records if record.levelno == logging.WARNING]
    assert reasons == ["the index lacks the article at 7"]
