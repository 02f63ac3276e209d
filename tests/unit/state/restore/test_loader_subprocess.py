"""Long restores, which a process of their own does; and what the worker does if that fails."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from faust.types import TP

from stream.core.contracts.records import Record
from stream.state.restore.process_pool import RestoreProcess
from stream.state.rocksdb_store import RocksStore
from tests.support.changelog import RECORDS, Log, Site, documents
from tests.support.flow import until
from tests.support.restore import contents, process_pool

#: Restores of this many records and more are left to a process.
RECORDS_MIN = 6


class RecordingProcess(RestoreProcess):
    """Adds the size of each chunk that it is sent to ``chunks``, and is killed at one of them."""

    def __init__(self, process: asyncio.subprocess.Process, *, chunks: list[int], kill_at: int) -> None:
        super().__init__(process)
        self._chunks = chunks
        self._kill_at = kill_at

    async def apply(self, records: Sequence[Record], changelog_end: int) -> None:
        """See `RestoreProcess`."""
        self._chunks.append(len(records))
        if len(self._chunks) == self._kill_at:
            os.kill(self.pid, signal.SIGKILL)
        await super().apply(records, changelog_end)


def recording(chunks: list[int], *, kill_at: int = -1) -> Callable[[asyncio.subprocess.Process], RestoreProcess]:
    """What a pool wraps its processes in."""
    return partial(RecordingProcess, chunks=chunks, kill_at=kill_at)


def on_disk(log: Log, folder: Path, **options: Any) -> Site:
    """A site whose indexes are in ``folder``, and whose processes get five records at a time."""
    return Site(
        log,
        lambda partition: RocksStore(folder / str(partition)),
        processes=process_pool(folder, records_min=RECORDS_MIN, **options),
        records_per_chunk=5,
    )


@pytest.fixture
def expected(tmp_path: Path) -> dict[bytes, bytes]:
    """What an index holds that the worker restores itself."""

    async def restore() -> None:
        site = Site(Log(), lambda _partition: RocksStore(tmp_path / "worker"))
        site.indexes.assign([0])
        assert await documents(site.indexes) == 12
        await site.indexes.close()

    asyncio.run(restore())
    return contents(tmp_path / "worker")


def fields(records: Sequence[logging.LogRecord], message: str, *names: str) -> list[tuple[object, ...]]:
    """The fields of each line with ``message``."""
    return [tuple(record.__dict__[name] for name in names) for record in records if record.message == message]


async def test_a_long_restore_is_done_by_a_process(
    tmp_path: Path, expected: dict[bytes, bytes], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "stream.state.restore")
    chunks: list[int] = []
    site = on_disk(Log(), tmp_path, process_type=recording(chunks))
    site.indexes.assign([0])
    assert await documents(site.indexes) == 12
    assert chunks == [5, 5, 2]
    assert site.value("stream_restore_progress_ratio", 0) == 1
    assert site.value("stream_restore_remaining_records", 0) == 0
    assert site.value("stream_records_restored_total") == 12
    await site.indexes.close()
    assert caplog.messages == ["restoring index", "index restored"]
    assert fields(caplog.records, "index restored", "offset", "end_offset", "records") == [(0, 12, 12)]
    assert contents(tmp_path / "0") == expected


async def test_a_short_rest_is_restored_by_the_worker(tmp_path: Path) -> None:
    chunks: list[int] = []
    log = Log(RECORDS[:7])
    for count in (7, 12):
        site = on_disk(log, tmp_path, process_type=recording(chunks))
        site.indexes.assign([0])
        assert await documents(site.indexes) == count
        await site.indexes.close()
        log.records = list(RECORDS)
    assert chunks == [5, 2]
    assert log.replayed_from == [0, 7, 7]


@pytest.mark.parametrize("kill_at", [1, 2, 3])
async def test_the_worker_goes_on_if_the_process_dies(
    tmp_path: Path, expected: dict[bytes, bytes], caplog: pytest.LogCaptureFixture, kill_at: int
) -> None:
    caplog.set_level(logging.INFO, "stream.state.restore")
    chunks: list[int] = []
    site = on_disk(Log(), tmp_path, process_type=recording(chunks, kill_at=kill_at))
    site.indexes.assign([0])
    assert await documents(site.indexes) == 12
    await site.indexes.close()
    assert len(chunks) in {kill_at, kill_at + 1}
    message = "restore process failed; the worker restores the index itself"
    ((partition, reason),) = fields(caplog.records, message, "partition", "reason")
    assert (partition, str(reason)) == (0, "the restore process ended with exit code -9")
    assert contents(tmp_path / "0") == expected


async def test_the_worker_restores_if_no_process_can_be_started(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    site = on_disk(Log(), tmp_path, python=str(tmp_path / "none"))
    site.indexes.assign([0])
    assert await documents(site.indexes) == 12
    await site.indexes.close()
    assert caplog.messages == ["restore process failed; the worker restores the index itself"]


async def test_what_a_process_skips_is_reported_by_the_worker(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    foreign = replace(RECORDS[0], offset=12, value=b"x", headers=())
    site = on_disk(Log([*RECORDS[:8], replace(RECORDS[8], value=b"{}"), *RECORDS[9:], foreign]), tmp_path)
    site.indexes.assign([0])
    assert await documents(site.indexes) == 11
    await site.indexes.close()
    assert fields(caplog.records, "skipped a changelog record", "offset", "code") == [(8, "unusable"), (12, "foreign")]
    labels = {"partition": "0", "code": "unusable"}
    assert site.metrics.registry.get_sample_value("stream_changelog_records_skipped_total", labels) == 1


async def test_revoking_a_partition_ends_its_process(tmp_path: Path) -> None:
    site = on_disk(Log(), tmp_path)
    site.log.go.clear()
    site.indexes.assign([0])
    await until(lambda: site.log.replayed_from, "the process waits for records")
    await site.indexes.close()
    RocksStore(tmp_path / "0").close()  # nobody has it open


class PausingLog(Log):
    """Gives the first five records, and the others when it may go on."""

    def __init__(self) -> None:
        super().__init__()
        self.go_on = asyncio.Event()

    async def replay(self, tp: TP, start: int) -> AsyncGenerator[Sequence[Record], None]:
        """Give the records from ``start`` on."""
        async for records in super().replay(tp, start):
            yield records
            await self.go_on.wait()


async def test_a_restore_that_waits_for_a_process_moves_with_the_others(tmp_path: Path) -> None:
    log = PausingLog()
    site = on_disk(log, tmp_path, size=1)
    site.indexes.assign([0, 1])
    await until(lambda: site.indexes.restoring == {0: 5, 1: 5}, "the first has begun, the other waits")
    assert log.replayed_from == [0]
    assert site.value("stream_restore_remaining_records", 1) == 12
    log.go_on.set()
    assert await documents(site.indexes, 0) == await documents(site.indexes, 1) == 12
    await site.indexes.close()
