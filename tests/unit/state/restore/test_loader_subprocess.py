"""Long restores, which a process of their own does; and what the worker does where that fails."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from faust.types import TP

from stream.core.contracts.records import Record
from stream.errors import IndexFault
from stream.state.restore.process_pool import RestoreProcess
from stream.state.rocksdb_store import RocksStore
from tests.support.changelog import RECORDS, Log, Site, documents
from tests.support.flow import until
from tests.support.restore import contents, processes


@pytest.fixture(autouse=True)
def _six_records_are_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stream.state.restore.process_pool.RECORDS_MIN", 6)
    monkeypatch.setattr("stream.state.restore.loader.RESTORED_AT_ONCE", 5)


class Processes:
    """Notes each portion that a process is given, and may kill it at one of them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, killed_at: int = -1) -> None:
        self.given: list[int] = []
        take_over = RestoreProcess.take_over

        async def noted(process: RestoreProcess, records: Sequence[Record], changelog_end: int) -> None:
            self.given.append(len(records))
            if len(self.given) == killed_at:
                os.kill(process.pid, signal.SIGKILL)
            await take_over(process, records, changelog_end)

        monkeypatch.setattr(RestoreProcess, "take_over", noted)


def on_disk(log: Log, folder: Path, **given: Any) -> Site:
    """A site whose indexes are in ``folder``."""
    return Site(log, lambda partition: RocksStore(folder / str(partition)), processes=processes(folder, **given))


@pytest.fixture
def here(tmp_path: Path) -> dict[bytes, bytes]:
    """What an index holds that the worker restores by itself."""

    async def restored() -> None:
        site = Site(Log(), lambda _partition: RocksStore(tmp_path / "here"))
        site.indexes.assign([0])
        assert await documents(site.indexes) == 12
        await site.indexes.close()

    asyncio.run(restored())
    return contents(tmp_path / "here")


def told(records: Sequence[logging.LogRecord], message: str, *names: str) -> list[tuple[object, ...]]:
    """The fields of each line with ``message``."""
    return [tuple(record.__dict__[name] for name in names) for record in records if record.message == message]


async def test_a_long_restore_is_done_by_a_process(
    tmp_path: Path, here: dict[bytes, bytes], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "stream.state.restore")
    noted, site = Processes(monkeypatch), on_disk(Log(), tmp_path)
    site.indexes.assign([0])
    assert await documents(site.indexes) == 12
    assert noted.given == [5, 5, 2]
    assert site.value("stream_restore_progress_ratio", 0) == 1
    assert site.value("stream_restore_remaining_records", 0) == 0
    assert site.value("stream_records_restored_total") == 12
    await site.indexes.close()
    assert caplog.messages == ["restoring index", "index restored"]
    assert told(caplog.records, "index restored", "offset", "end_offset", "records") == [(0, 12, 12)]
    assert contents(tmp_path / "0") == here


async def test_what_is_left_after_a_short_absence_is_read_by_the_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted, log = Processes(monkeypatch), Log(RECORDS[:7])
    for expected in (7, 12):
        site = on_disk(log, tmp_path)
        site.indexes.assign([0])
        assert await documents(site.indexes) == expected
        await site.indexes.close()
        log.records = list(RECORDS)
    assert noted.given == [5, 2]
    assert log.replayed_from == [0, 7, 7]


@pytest.mark.parametrize("killed_at", [1, 2, 3])
async def test_where_the_process_dies_the_worker_goes_on(
    tmp_path: Path,
    here: dict[bytes, bytes],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    killed_at: int,
) -> None:
    caplog.set_level(logging.INFO, "stream.state.restore")
    noted, site = Processes(monkeypatch, killed_at=killed_at), on_disk(Log(), tmp_path)
    site.indexes.assign([0])
    assert await documents(site.indexes) == 12
    await site.indexes.close()
    assert len(noted.given) in {killed_at, killed_at + 1}
    message = "index is restored by the worker itself"
    ((partition, reason),) = told(caplog.records, message, "partition", "reason")
    assert (partition, str(reason)) == (0, "its process ended with exit code -9")
    assert contents(tmp_path / "0") == here


async def test_where_no_process_can_be_started_the_worker_restores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("sys.executable", str(tmp_path / "none"))
    site = on_disk(Log(), tmp_path)
    site.indexes.assign([0])
    assert await documents(site.indexes) == 12
    await site.indexes.close()
    assert caplog.messages == ["index is restored by the worker itself"]


async def test_a_fault_that_the_process_meets_is_the_workers_too(tmp_path: Path) -> None:
    site = on_disk(Log([*RECORDS[:8], replace(RECORDS[8], value=b"{}"), *RECORDS[9:]]), tmp_path)
    site.indexes.assign([0])
    with pytest.raises(IndexFault, match="log/0/8 is not a fingerprint"):
        await documents(site.indexes)
    await site.indexes.close()


async def test_a_partition_that_is_taken_away_ends_its_process(tmp_path: Path) -> None:
    site = on_disk(Log(), tmp_path)
    site.log.go.clear()
    site.indexes.assign([0])
    await until(lambda: site.log.replayed_from, "the process waits for records")
    await site.indexes.close()
    RocksStore(tmp_path / "0").close()  # nobody has it open


class HeldLog(Log):
    """Gives the first five records, and the others when it may go on."""

    def __init__(self) -> None:
        super().__init__()
        self.go_on = asyncio.Event()

    async def replay(self, tp: TP, start: int) -> AsyncGenerator[Sequence[Record], None]:
        """Give the records from ``start`` on."""
        async for records in super().replay(tp, start):
            yield records
            await self.go_on.wait()


async def test_restores_that_wait_for_others_get_on_with_them(tmp_path: Path) -> None:
    log = HeldLog()
    site = on_disk(log, tmp_path, at_once=1)
    site.indexes.assign([0, 1])
    await until(lambda: site.indexes.restoring == {0: 5, 1: 5}, "the first has begun, the other waits")
    assert log.replayed_from == [0]
    assert site.value("stream_restore_remaining_records", 1) == 12
    log.go_on.set()
    assert await documents(site.indexes, 0) == await documents(site.indexes, 1) == 12
    await site.indexes.close()
